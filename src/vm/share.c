/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sharing: a region of another space is seen through one more region, over the same amap.  What
 * anybody's fault puts into that amap, all of them find there; a mapping that an older page had in
 * another space is removed then (fault.c), so that the next access there faults and finds the new
 * one (law P1).
 *
 * A region that was shared from the start has its object in common with the others (core.h).
 *
 * A region that is shared once stays so: nobody knows who else still looks at its amap.
 */
#include "vm/core.h"

/* The highest hole, or the place asked for, which must be free. */
static enum pgw_status
share_place(struct vm_space *space, uint64_t len, uint64_t *va)
{
    uint64_t end = space->system->space_end;

    if (*va == 0)
        return vm_region_hole(space, len, end - SPACE_GUARD, va);
    if ((*va & ~PAGE_MASK) != 0)
        return PGW_INVAL;
    if (*va >= end || len > end - *va)
        return PGW_RANGE;
    const struct vm_region *above = vm_region_at_or_above(space, *va);
    return above == NULL || above->start >= *va + len ? PGW_OK : PGW_EXIST;
}

/* What was promised for the region is promised for its amap from now on, whoever maps it. */
static enum pgw_status
share_charge(struct vm_system *system, struct vm_region *region)
{
    if (region->shared)
        return PGW_OK;
    if (!region->charged) {
        enum pgw_status status = vm_commit_charge(system, vm_region_pages(region));
        if (status != PGW_OK)
            return status;
    }
    region->charged = false;
    region->amap->charged = vm_region_pages(region);
    return PGW_OK;
}

static enum pgw_status
share_locked(
    struct vm_space *space, struct vm_space *from, uint64_t from_va, prot_t prot, uint64_t *va)
{
    struct vm_system *system = space->system;
    struct vm_region *source = vm_region_at(from, from_va);
    uint64_t at = *va;

    if (source == NULL || source->start != from_va)
        return PGW_NOTFOUND;
    if (source->growsdown)
        return PGW_UNSUPPORTED; /* it may grow over what the others have below theirs */
    enum pgw_status status = share_place(space, source->end - source->start, &at);
    if (status != PGW_OK)
        return status;
    if (source->nowrite && (prot & PROT_MASK_W) != 0)
        return PGW_ACCESS;
    struct vm_region *region = vm_region_new(space);
    if (region == NULL)
        return PGW_NOMEM;
    if (!vm_region_writes_object(source)) {
        status = vm_amap_own(system, source);
        if (status == PGW_OK)
            status = share_charge(system, source);
        if (status != PGW_OK) {
            base_pool_put(&system->regions, region);
            return status;
        }
        source->amap->refs++;
    }
    source->shared = true;
    *region = *source;
    region->prot = prot;
    region->locked = region->charged = false;
    region->anchor += at - source->start; /* modulo 2^64: only differences count */
    region->start = at;
    region->end = at + (source->end - source->start);
    if (region->object != NULL)
        vm_object_hold_locked(region->object);
    vm_region_insert(space, region);
    *va = at;
    return PGW_OK;
}

enum pgw_status
vm_share(struct space *space, struct space *from, uint64_t from_va, prot_t prot, uint64_t *va)
{
    struct vm_space *vm_space = vm_space_of(space);

    if ((prot & ~PROT_MASK_ALL) != 0)
        return PGW_INVAL;
    base_lock_take(&vm_space->system->lock);
    enum pgw_status status = share_locked(vm_space, vm_space_of(from), from_va, prot, va);
    base_lock_drop(&vm_space->system->lock);
    return status;
}

void
vm_identity(struct space *space, uint64_t va, uint64_t *id, uint64_t *offset)
{
    struct vm_space *vm_space = vm_space_of(space);

    *id = space_identity_own(space);
    *offset = va;
    base_lock_take(&vm_space->system->lock);
    const struct vm_region *region = vm_region_at(vm_space, va);
    if (region != NULL && region->shared && region->amap != NULL) {
        *id = space_identity_make(SPACE_IDENTITY_SHARED, region->amap->id);
        *offset = va - region->anchor;
    } else if (region != NULL && region->shared && region->object != NULL) {
        *id = space_identity_make(SPACE_IDENTITY_OBJECT, region->object->id);
        *offset = region->offset + (va - region->start);
    }
    base_lock_drop(&vm_space->system->lock);
}
