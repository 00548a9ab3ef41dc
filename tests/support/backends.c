/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/backends.h"

#include "pmap/pmaps.h"

const struct backend backend_ref = {.name = "ref", .pmap = &pmap_ref};

static enum pgw_status
create_radix_mmu(const struct backend *backend, const struct mmu_tlb_spec *tlb, struct mem *mem,
    struct base_alloc *alloc, struct mmu **mmu)
{
    return mmu_radix_create(backend->format, backend->ad, tlb, 1, mem, alloc, mmu);
}

/* TLBs in front of a walker, which they take over if they can be made. */
static enum pgw_status
create_paged(struct mmu_walker *walker, const struct mmu_tlb_spec *tlb, struct mem *mem,
    struct base_alloc *alloc, struct mmu **mmu)
{
    struct mmu_paged_config config = {.walker = walker, .tlb = *tlb, .seed = 1};
    enum pgw_status status = mmu_paged_create(&config, mem, alloc, mmu);

    if (status != PGW_OK)
        walker->ops->destroy(walker);
    return status;
}

static enum pgw_status
create_refill_mmu(const struct backend *backend, const struct mmu_tlb_spec *tlb, struct mem *mem,
    struct base_alloc *alloc, struct mmu **mmu)
{
    struct mmu_walker *walker;
    enum pgw_status status = mmu_refill_walker_create(backend->format, mem, alloc, &walker);

    return status == PGW_OK ? create_paged(walker, tlb, mem, alloc, mmu) : status;
}

static enum pgw_status
create_hashed_mmu(const struct backend *backend, const struct mmu_tlb_spec *tlb, struct mem *mem,
    struct base_alloc *alloc, struct mmu **mmu)
{
    struct mmu_walker *walker;
    enum pgw_status status = mmu_hashed_walker_create(mem, alloc, &walker);

    (void)backend;
    return status == PGW_OK ? create_paged(walker, tlb, mem, alloc, mmu) : status;
}

/* clang-format off */
#define RADIX(cname, label, who)                                                                   \
    {.name = (label), .pmap = &pmap_##cname, .format = &mmu_##cname, .ad = (who),                  \
        .create_mmu = create_radix_mmu},
#define RADIX_ROW(cname, label) RADIX(cname, label, MMU_AD_HARDWARE)

static const struct backend backends[] = {
    MMU_RADIX_ROWS(RADIX_ROW)
    /* accessed and dirty bits left to software */
    RADIX(sv39, "sv39, Svade", MMU_AD_FAULT)
    RADIX(armv8, "armv8 without HAFDBS", MMU_AD_FAULT)
    {.name = "mips32", .pmap = &pmap_mips32, .format = &mmu_mips32, .ad = MMU_AD_HARDWARE,
        .create_mmu = create_refill_mmu},
    {.name = "hashed", .pmap = &pmap_hashed, .ad = MMU_AD_HARDWARE, .drops = true,
        .create_mmu = create_hashed_mmu},
};
/* clang-format on */

const struct backend *
backend_at(size_t i)
{
    return i < sizeof backends / sizeof backends[0] ? &backends[i] : NULL;
}

const struct backend *
backend_of(const struct pmap_ops *pmap)
{
    const struct backend *backend;

    if (pmap == backend_ref.pmap)
        return &backend_ref;
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++)
        if (backend->pmap == pmap)
            return backend;
    return NULL;
}

uint64_t
backend_root_frames(const struct backend *backend)
{
    return backend->format != NULL ? 1ull << mmu_format_table_order(backend->format, 0) : 0;
}
