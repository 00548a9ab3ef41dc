/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user of the library says about the memory of a space: reserve and commit, lock, advise. */
#include "api/sim.h"
#include "api/sim_core.h"

/* The public names of advice are those of a space, in the same order. */
_Static_assert((int)PGW_ADVICE_RANDOM == (int)SPACE_ADVICE_RANDOM &&
                   (int)PGW_ADVICE_WIPEONFORK == (int)SPACE_ADVICE_WIPEONFORK &&
                   (int)PGW_ADVICE_NORMAL == (int)SPACE_ADVICE_NORMAL &&
                   (int)PGW_ADVICE_WILLNEED == (int)SPACE_ADVICE_WILLNEED &&
                   (int)PGW_ADVICE_REMOVE == (int)SPACE_ADVICE_REMOVE,
    "enum pgw_advice and enum space_advice");

/* On contiguous schemes what is mapped has a place in RAM at once: there is nothing in between. */
static enum pgw_status
own_can_reserve(struct pgw_space *space)
{
    const struct registry_mmu *mmu = space->system->settings.mmu;

    if (mmu->kind != REGISTRY_CONTIGUOUS)
        return PGW_OK;
    return sim_fail(space->system, PGW_UNSUPPORTED,
        "with the mmu %s memory is there as soon as it is mapped: map and unmap it instead",
        mmu->name);
}

enum pgw_status
pgw_reserve(struct pgw_space *space, uint64_t len, unsigned flags, uint64_t *va)
{
    enum pgw_status status = own_can_reserve(space);

    return status == PGW_OK ? pgw_map(space, len, 0, flags, va) : status;
}

enum pgw_status
pgw_commit(struct pgw_space *space, uint64_t va, uint64_t len, unsigned prot)
{
    enum pgw_status status = own_can_reserve(space);

    if (status != PGW_OK)
        return status;
    if (prot == 0)
        return sim_fail(
            space->system, PGW_INVAL, "memory that nobody may use is reserved, not committed");
    return pgw_protect(space, va, len, prot);
}

/* Is there no hole in the range, and nothing that others share? */
static enum pgw_status
own_is_private(struct pgw_space *space, uint64_t va, uint64_t end)
{
    struct space_region region;

    for (; va < end; va = region.end) {
        if (!space->space->ops->find(space->space, va, &region) || region.start > va)
            return sim_fail(space->system, PGW_NOTFOUND,
                "nothing is reserved at 0x%llx, so nothing can be given back",
                (unsigned long long)va);
        if (region.shared || region.growsdown)
            return sim_fail(space->system, PGW_INVAL,
                "what is mapped at 0x%llx is shared, or a stack: unmap it instead",
                (unsigned long long)va);
    }
    return PGW_OK;
}

enum pgw_status
pgw_decommit(struct pgw_space *space, uint64_t va, uint64_t len)
{
    enum pgw_status status = own_can_reserve(space);

    if (status == PGW_OK)
        status = sim_check_range(space, va, len);
    if (status == PGW_OK)
        status = own_is_private(space, va, va + page_ceil(len));
    if (status != PGW_OK)
        return status;
    const struct space_map_args args = {
        .va = va, .len = page_ceil(len), .prot = PROT_MASK_NONE, .flags = SPACE_FIXED};
    uint64_t at;
    return sim_space_done(
        space->system, space->space->ops->map(space->space, &args, &at), "give memory back");
}

enum pgw_status
pgw_advise(struct pgw_space *space, uint64_t va, uint64_t len, enum pgw_advice advice)
{
    enum pgw_status status = sim_check_range(space, va, len);

    if (status != PGW_OK)
        return status;
    if (advice > PGW_ADVICE_REMOVE)
        return sim_fail(space->system, PGW_INVAL, "there is no advice %d", (int)advice);
    status = space->space->ops->advise(space->space, va, page_ceil(len), (enum space_advice)advice);
    return sim_space_done(space->system, status, "take the advice");
}

enum pgw_status
pgw_populate(struct pgw_space *space, uint64_t va, uint64_t len, bool write)
{
    enum pgw_status status = sim_check_range(space, va, len);

    if (status == PGW_OK)
        status = sim_space_done(space->system,
            space->space->ops->populate(space->space, va, page_ceil(len), write),
            "bring the range in");
    return status;
}

/* What locked memory has to have in RAM, and has not yet. */
static enum pgw_status
own_populate(struct pgw_space *space, uint64_t va, uint64_t end)
{
    enum pgw_status status = PGW_OK;
    struct space_region region;

    while (va < end && status == PGW_OK && space->space->ops->find(space->space, va, &region)) {
        uint64_t to = region.end < end ? region.end : end;
        bool write = (region.prot & PROT_MASK_W) != 0 && !region.shared;
        if (region.start > va)
            return PGW_NOTFOUND;
        status = space->space->ops->populate(space->space, va, to - va, write);
        va = to;
    }
    return status;
}

enum pgw_status
pgw_lock(struct pgw_space *space, uint64_t va, uint64_t len, bool on_fault)
{
    enum pgw_status status = sim_check_range(space, va, len);

    if (status != PGW_OK)
        return status;
    status = space->space->ops->lock(
        space->space, va, page_ceil(len), on_fault ? SPACE_LOCK_ONFAULT : SPACE_LOCK_NOW);
    if (status == PGW_OK && !on_fault)
        status = own_populate(space, va, va + page_ceil(len));
    return sim_space_done(space->system, status, "lock the range");
}

enum pgw_status
pgw_unlock(struct pgw_space *space, uint64_t va, uint64_t len)
{
    enum pgw_status status = sim_check_range(space, va, len);

    if (status != PGW_OK)
        return status;
    status = space->space->ops->lock(space->space, va, page_ceil(len), SPACE_UNLOCK);
    return sim_space_done(space->system, status, "unlock the range");
}

enum pgw_status
pgw_resident(struct pgw_space *space, uint64_t va, uint64_t npages, unsigned char *vec)
{
    enum pgw_status status = sim_check_range(space, va, npages);

    if (status == PGW_OK && npages > (space->system->va_end - va) / PGW_PAGE_SIZE)
        status = sim_fail(space->system, PGW_RANGE, "%llu pages from 0x%llx end outside the space",
            (unsigned long long)npages, (unsigned long long)va);
    if (status != PGW_OK)
        return status;
    return sim_space_done(space->system, space->space->ops->incore(space->space, va, npages, vec),
        "look at the range");
}

enum pgw_status
pgw_region_usage(struct pgw_space *space, uint64_t va, struct pgw_region_usage *usage)
{
    struct space_region region;
    struct space_usage found;

    if (!space->space->ops->find(space->space, va, &region) || region.start > va)
        return sim_fail(space->system, PGW_NOTFOUND, "no region at 0x%llx", (unsigned long long)va);
    space->space->ops->usage(space->space, &region, &found);
    *usage = (struct pgw_region_usage){.resident = found.resident,
        .swapped = found.swapped,
        .shared = found.shared,
        .dirty = found.dirty,
        .huge = found.huge,
        .merged = found.merged,
        .locked = found.locked};
    return PGW_OK;
}
