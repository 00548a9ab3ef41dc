/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware's side of `--mmu ref`.
 *
 * The reference pmap keeps its mappings in a hash table of the host's, which no walker could
 * read, so the "register" that a context switch loads is the pmap itself, and a translation is a
 * question put to it.  It is the machine to compare others with: the same programs must do the
 * same on it, and what they do faster is what tables and TLBs cost.
 *
 * Nothing is cached here, so invalidations have nothing to do, and there is nothing that a TLB
 * would count: data_sets is 0 whatever TLB was asked for.
 */
#include "api/flat.h"

#include <stddef.h>

#include "base/size.h"
#include "pmap/pmaps.h"

struct flat {
    struct mmu mmu;
    struct base_alloc *alloc;
    struct pmap *pmap; /* of the space that runs; NULL: none yet */
    uint32_t asid;
};

static enum mmu_fault
flat_translate(struct mmu *mmu, uint64_t va, enum access access, struct mmu_translation *out)
{
    struct flat *flat = (struct flat *)mmu;
    struct mem_page *page;
    prot_t usable;

    if (flat->pmap == NULL)
        return MMU_BUS;
    enum pgw_status status = pmap_ref_access(flat->pmap, page_floor(va), access, &page, &usable);
    if (status == PGW_ACCESS)
        return MMU_RIGHTS;
    if (status != PGW_OK)
        return MMU_NOT_PRESENT;
    if (mmu->touched != NULL)
        mmu->touched(mmu->touched_ctx, flat->asid, va >> PAGE_SHIFT, access);
    out->bytes = mem_page_bytes(mmu->mem, page);
    out->prot = usable;
    out->forget = false;
    return MMU_OK;
}

/* No steps: there is one question, and it leaves the referenced bit alone. */
static void
flat_explain(struct mmu *mmu, uint64_t va, enum access access, struct mmu_trace *trace)
{
    struct flat *flat = (struct flat *)mmu;
    struct mem_page *page;

    *trace = (struct mmu_trace){.fault = MMU_NOT_PRESENT};
    if (flat->pmap == NULL ||
        flat->pmap->ops->extract(flat->pmap, page_floor(va), &page, &trace->prot) != PGW_OK)
        return;
    trace->fault = prot_allows(trace->prot, access) ? MMU_OK : MMU_RIGHTS;
    trace->pa = (mem_page_pfn(mmu->mem, page) << PAGE_SHIFT) | (va & (PAGE_SIZE - 1));
}

static bool
flat_entry(const struct mmu *mmu, size_t i, struct mmu_tlb_view *view)
{
    (void)mmu;
    (void)i;
    (void)view;
    return false;
}

static void
flat_load(struct mmu *mmu, uint64_t root, uint32_t asid)
{
    struct flat *flat = (struct flat *)mmu;

    flat->pmap = pmap_ref_of_root(root);
    flat->asid = asid;
    mmu->stats.switches++;
}

static void
flat_invalidate_range(struct mmu *mmu, uint32_t asid, uint64_t va, uint64_t npages)
{
    (void)mmu;
    (void)asid;
    (void)va;
    (void)npages;
}

static void
flat_invalidate_space(struct mmu *mmu, uint32_t asid)
{
    (void)mmu;
    (void)asid;
}

static void
flat_destroy(struct mmu *mmu)
{
    struct flat *flat = (struct flat *)mmu;
    struct base_alloc *alloc = flat->alloc;

    alloc->unmap(alloc, flat, sizeof *flat);
}

static const struct mmu_ops flat_ops = {
    .name = "flat",
    .translate = flat_translate,
    .load = flat_load,
    .explain = flat_explain,
    .entry = flat_entry,
    .invalidate_range = flat_invalidate_range,
    .invalidate_space = flat_invalidate_space,
    .destroy = flat_destroy,
};

enum pgw_status
flat_create(struct mem *mem, struct base_alloc *alloc, struct mmu **mmu)
{
    struct flat *flat = alloc->map(alloc, sizeof *flat);

    if (flat == NULL)
        return PGW_NOMEM;
    flat->mmu.ops = &flat_ops;
    flat->mmu.mem = mem;
    flat->alloc = alloc;
    *mmu = &flat->mmu;
    return PGW_OK;
}
