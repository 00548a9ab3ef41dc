/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process may do to its map: map, unmap, protect; remap.c has the rest.  Each works on whole
 * regions, after cutting those that lie across an end of the range.  What can fail (cutting,
 * records) is done before anything is changed.  Neighbours that became alike are joined afterwards,
 * so that what a program sees as one mapping is one region to remap, however it came about.
 */
#include "vm/core.h"

enum pgw_status
vm_map_range(const struct vm_system *system, uint64_t va, uint64_t len, uint64_t *end)
{
    uint64_t rounded = page_ceil(len);

    if (len == 0 || (va & ~PAGE_MASK) != 0)
        return PGW_INVAL;
    if (rounded < len || va + rounded < va || va + rounded > system->space_end)
        return PGW_RANGE;
    *end = va + rounded;
    return PGW_OK;
}

static enum pgw_status
map_clip_range(struct vm_space *space, uint64_t va, uint64_t end)
{
    enum pgw_status status = vm_region_clip(space, va);

    return status == PGW_OK ? vm_region_clip(space, end) : status;
}

static bool
map_is_empty(struct vm_space *space, uint64_t va, uint64_t end)
{
    struct vm_region *region = vm_region_at_or_above(space, va);

    return region == NULL || region->start >= end;
}

void
vm_map_clear(struct vm_space *space, uint64_t va, uint64_t end)
{
    struct vm_region *region = vm_region_at_or_above(space, va);

    while (region != NULL && region->start < end) {
        struct vm_region *next = vm_region_next(region);
        uint64_t npages = (region->end - region->start) >> PAGE_SHIFT;
        space->system->pmap_ops->remove(space->pmap, region->start, npages);
        vm_region_destroy(space, region);
        region = next;
    }
    space->system->pmap_ops->update(space->pmap);
}

/* --- map --- */

/* The hint if it is free, else the highest hole below the top. */
static enum pgw_status
map_place(struct vm_space *space, const struct space_map_args *args, uint64_t *va)
{
    uint64_t len = page_ceil(args->len);
    uint64_t end;

    if (args->va >= VM_SPACE_START &&
        vm_map_range(space->system, page_floor(args->va), len, &end) == PGW_OK &&
        map_is_empty(space, page_floor(args->va), end)) {
        *va = page_floor(args->va);
        return PGW_OK;
    }
    return vm_region_hole(space, len, space->top, va);
}

/* Where the mapping goes; for a fixed one the range is made ready, but not yet emptied. */
static enum pgw_status
map_choose(struct vm_space *space, const struct space_map_args *args, uint64_t *va)
{
    uint64_t end;

    if (page_ceil(args->len) < args->len || page_ceil(args->len) > space->system->space_end)
        return PGW_RANGE;
    if ((args->flags & SPACE_FIXED) == 0)
        return map_place(space, args, va);
    enum pgw_status status = vm_map_range(space->system, args->va, args->len, &end);
    if (status != PGW_OK)
        return status;
    *va = args->va;
    if (map_is_empty(space, args->va, end))
        return PGW_OK;
    if ((args->flags & SPACE_NOREPLACE) != 0)
        return PGW_EXIST;
    return map_clip_range(space, args->va, end);
}

/* The region shares its object, and all the amap that the object may have. */
static void
map_fill_shared(struct vm_region *region, const struct space_map_args *args)
{
    region->shared = true;
    region->nowrite = (args->flags & SPACE_NOWRITE) != 0;
    region->growsdown = false;
    region->amap = region->object->amap;
    if (region->amap == NULL)
        return;
    region->amap->refs++;
    region->anchor = region->start - region->offset; /* modulo 2^64: only differences count */
}

/* Fills in a new region's record.  A stack's amap counts from as far down as it may grow. */
static void
map_fill(struct vm_region *region, const struct space_map_args *args, uint64_t va)
{
    uint64_t end = va + page_ceil(args->len);
    uint64_t len_max = page_ceil(args->len_max);
    bool growsdown = (args->flags & SPACE_GROWSDOWN) != 0 && len_max > end - va && len_max <= end;

    *region = (struct vm_region){.start = va,
        .end = end,
        .anchor = growsdown ? end - len_max : va,
        .object = args->object != NULL ? vm_object_of(args->object) : NULL,
        .offset = args->offset,
        .len_max = len_max,
        .prot = args->prot,
        .use = args->use,
        .growsdown = growsdown,
        .noreserve = (args->flags & SPACE_NORESERVE) != 0,
        .locked = (args->flags & SPACE_LOCKED) != 0,
        .on_fault = (args->flags & SPACE_ONFAULT) != 0};
    if (region->object != NULL)
        vm_object_hold_locked(region->object);
    if ((args->flags & SPACE_SHARED) != 0)
        map_fill_shared(region, args);
}

static enum pgw_status
map_check(const struct space_map_args *args)
{
    if (args->len == 0 || (args->offset & ~PAGE_MASK) != 0 || (args->prot & ~PROT_MASK_ALL) != 0)
        return PGW_INVAL;
    if ((args->flags & SPACE_NOWRITE) != 0 && (args->prot & PROT_MASK_W) != 0)
        return PGW_ACCESS;
    return args->offset + page_ceil(args->len) < args->offset ? PGW_RANGE : PGW_OK;
}

/* What is locked is promised where that has to be kept, whatever it is. */
static bool
map_counts(const struct vm_system *system, const struct space_map_args *args)
{
    if ((args->flags & SPACE_LOCKED) != 0 && system->commit.mode == VM_OVERCOMMIT_NEVER)
        return true;
    return vm_commit_counts(system, args->prot, (args->flags & SPACE_SHARED) != 0,
        (args->flags & SPACE_NORESERVE) != 0);
}

/* Promises what is to be mapped at va, in place of what was promised there. */
static enum pgw_status
map_charge(struct vm_space *space, const struct space_map_args *args, uint64_t va)
{
    uint64_t end = va + page_ceil(args->len);
    const struct vm_region *region = vm_region_at_or_above(space, va);
    uint64_t less = 0;

    if (!map_counts(space->system, args))
        return PGW_OK;
    for (; region != NULL && region->start < end; region = vm_region_next(region))
        less += region->charged ? vm_region_pages(region) : 0;
    return vm_commit_replace(space->system, (end - va) >> PAGE_SHIFT, less);
}

/* May there be such a mapping at va?  It is counted then. */
static enum pgw_status
map_admit(struct vm_space *space, const struct space_map_args *args, uint64_t va)
{
    uint64_t npages = page_ceil(args->len) >> PAGE_SHIFT;
    enum pgw_status status = PGW_OK;

    if ((args->flags & SPACE_LOCKED) != 0)
        status = vm_lock_charge(space, npages);
    if (status != PGW_OK)
        return status;
    status = map_charge(space, args, va);
    if (status != PGW_OK && (args->flags & SPACE_LOCKED) != 0)
        vm_lock_uncharge(space, npages);
    return status;
}

static enum pgw_status
map_locked(struct vm_space *space, const struct space_map_args *args, uint64_t *va)
{
    uint64_t at;
    enum pgw_status status = map_check(args);

    if (status != PGW_OK)
        return status;
    struct vm_region *region = vm_region_new(space);
    if (region == NULL)
        return PGW_NOMEM;
    status = map_choose(space, args, &at);
    if (status == PGW_OK)
        status = map_admit(space, args, at);
    if (status != PGW_OK) {
        base_pool_put(&space->system->regions, region);
        return status;
    }
    vm_map_clear(space, at, at + page_ceil(args->len));
    map_fill(region, args, at);
    region->charged = map_counts(space->system, args);
    vm_region_insert(space, region);
    vm_region_join(space, at, region->end); /* a heap that grows by brk stays one region */
    *va = at;
    return PGW_OK;
}

/* --- unmap, protect --- */

enum pgw_status
vm_unmap_locked(struct vm_space *space, uint64_t va, uint64_t len)
{
    uint64_t end;
    enum pgw_status status = vm_map_range(space->system, va, len, &end);

    if (status != PGW_OK)
        return status;
    status = map_clip_range(space, va, end);
    if (status == PGW_OK)
        vm_map_clear(space, va, end);
    return status;
}

/* Is the region to be counted once it has these rights, and was not yet? */
static bool
protect_counts(const struct vm_system *system, const struct vm_region *region, prot_t prot)
{
    return !region->charged && vm_commit_counts(system, prot, region->shared, region->noreserve);
}

/* The range's regions, whose ends are its own, get their rights; what becomes writable is promised
 * first. */
static enum pgw_status
protect_regions(struct vm_space *space, uint64_t va, uint64_t end, prot_t prot)
{
    struct vm_system *system = space->system;
    struct vm_region *first = vm_region_at(space, va), *region;
    uint64_t npages = 0;

    for (region = first; region != NULL && region->start < end; region = vm_region_next(region))
        npages += protect_counts(system, region, prot) ? vm_region_pages(region) : 0;
    enum pgw_status status = vm_commit_charge(system, npages);
    if (status != PGW_OK)
        return status;
    for (region = first; region != NULL && region->start < end; region = vm_region_next(region)) {
        region->charged = region->charged || protect_counts(system, region, prot);
        region->prot = prot;
    }
    return PGW_OK;
}

/* Is there no hole in the range, and may all of it have these rights? */
static enum pgw_status
protect_allowed(struct vm_space *space, uint64_t va, uint64_t end, prot_t prot)
{
    while (va < end) {
        const struct vm_region *region = vm_region_at(space, va);
        if (region == NULL)
            return PGW_NOTFOUND;
        if (region->nowrite && (prot & PROT_MASK_W) != 0)
            return PGW_ACCESS;
        va = region->end;
    }
    return PGW_OK;
}

static enum pgw_status
protect_locked(struct vm_space *space, uint64_t va, uint64_t len, prot_t prot)
{
    uint64_t end;
    enum pgw_status status = vm_map_range(space->system, va, len, &end);

    if (status != PGW_OK)
        return status;
    if ((prot & ~PROT_MASK_ALL) != 0)
        return PGW_INVAL;
    status = protect_allowed(space, va, end, prot);
    if (status != PGW_OK)
        return status;
    status = map_clip_range(space, va, end);
    if (status == PGW_OK)
        status = protect_regions(space, va, end, prot);
    vm_region_join(space, va, end);
    if (status != PGW_OK)
        return status;
    /* Rights that are new come with the next fault; what is taken must go now. */
    if ((prot & PROT_MASK_W) != 0)
        prot |= PROT_MASK_R;
    space->system->pmap_ops->protect(space->pmap, va, (end - va) >> PAGE_SHIFT, prot);
    space->system->pmap_ops->update(space->pmap);
    return PGW_OK;
}

/* --- under the lock --- */

/* Anonymous memory that is shared is a memory object that nobody else can name. */
static enum pgw_status
map_shared_memory(struct vm_space *space, const struct space_map_args *args, uint64_t *va)
{
    struct space_map_args with = *args;
    bool unpromised =
        !vm_commit_counts(space->system, PROT_MASK_W, false, (args->flags & SPACE_NORESERVE) != 0);
    struct vm_object *object;
    enum pgw_status status = map_check(args);

    if (status == PGW_OK)
        status = vm_object_create_memory_locked(
            space->system, page_ceil(args->len), unpromised, &object);
    if (status != PGW_OK)
        return status;
    with.object = &object->base;
    with.offset = 0;
    status = map_locked(space, &with, va);
    vm_object_release_locked(object);
    return status;
}

enum pgw_status
vm_map(struct space *space, const struct space_map_args *args, uint64_t *va)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    enum pgw_status status = (args->flags & SPACE_SHARED) != 0 && args->object == NULL
                                 ? map_shared_memory(vm_space, args, va)
                                 : map_locked(vm_space, args, va);
    base_lock_drop(&vm_space->system->lock);
    return status;
}

enum pgw_status
vm_unmap(struct space *space, uint64_t va, uint64_t len)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    enum pgw_status status = vm_unmap_locked(vm_space, va, len);
    base_lock_drop(&vm_space->system->lock);
    return status;
}

enum pgw_status
vm_protect(struct space *space, uint64_t va, uint64_t len, prot_t prot)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    enum pgw_status status = protect_locked(vm_space, va, len, prot);
    base_lock_drop(&vm_space->system->lock);
    return status;
}
