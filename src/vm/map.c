/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process may do to its map: map, unmap, protect, remap.  Each works on whole regions, after
 * cutting those that lie across an end of the range.  What can fail (cutting, records) is done
 * before anything is changed.  Neighbours that became alike are joined afterwards, so that what a
 * program sees as one mapping is one region to remap, however it came about.
 */
#include "vm/core.h"

/* The page-aligned end of [va, va + len); PGW_INVAL, PGW_RANGE. */
static enum pgw_status
map_range(const struct vm_system *system, uint64_t va, uint64_t len, uint64_t *end)
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
        map_range(space->system, page_floor(args->va), len, &end) == PGW_OK &&
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
    enum pgw_status status = map_range(space->system, args->va, args->len, &end);
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
        .noreserve = (args->flags & SPACE_NORESERVE) != 0};
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

static bool
map_counts(const struct vm_system *system, const struct space_map_args *args)
{
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
        status = map_charge(space, args, at);
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

static enum pgw_status
unmap_locked(struct vm_space *space, uint64_t va, uint64_t len)
{
    uint64_t end;
    enum pgw_status status = map_range(space->system, va, len, &end);

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

    for (region = first; region != NULL && region->start < end;
         region = vm_region_next(region))
        npages += protect_counts(system, region, prot) ? vm_region_pages(region) : 0;
    enum pgw_status status = vm_commit_charge(system, npages);
    if (status != PGW_OK)
        return status;
    for (region = first; region != NULL && region->start < end;
         region = vm_region_next(region)) {
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
    enum pgw_status status = map_range(space->system, va, len, &end);

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

/* --- remap --- */

struct remap {
    uint64_t old, old_end; /* what is there */
    uint64_t new_len;
    bool may_move, fixed;
    uint64_t target; /* fixed: where to */
};

/* Grows the region at its end, if nothing is in the way. */
static bool
remap_in_place(struct vm_space *space, struct vm_region *region, const struct remap *remap)
{
    uint64_t end;

    if (remap->fixed || map_range(space->system, remap->old, remap->new_len, &end) != PGW_OK)
        return false;
    if (region->end != remap->old_end || !map_is_empty(space, region->end, end))
        return false;
    if (region->charged &&
        vm_commit_charge(space->system, (end - region->end) >> PAGE_SHIFT) != PGW_OK)
        return false;
    vm_region_move(space, region, region->start, end);
    return true;
}

/* Where a mapping of new_len bytes can go.  For a fixed target the range is cut, not yet empty. */
static enum pgw_status
remap_target(struct vm_space *space, const struct remap *remap, uint64_t *va)
{
    uint64_t end;

    if (!remap->fixed)
        return vm_region_hole(space, remap->new_len, space->top, va);
    enum pgw_status status = map_range(space->system, remap->target, remap->new_len, &end);
    if (status != PGW_OK)
        return status;
    if (remap->target < remap->old_end && remap->old < end)
        return PGW_INVAL; /* they overlap */
    *va = remap->target;
    return map_clip_range(space, remap->target, end);
}

/* Makes what moves, and what is cut off behind it, regions of their own. */
static enum pgw_status
remap_clip(struct vm_space *space, const struct remap *remap)
{
    enum pgw_status status = map_clip_range(space, remap->old, remap->old_end);

    if (status == PGW_OK && remap->new_len < remap->old_end - remap->old)
        status = vm_region_clip(space, remap->old + remap->new_len);
    return status;
}

/* Moves the old range, or as much of it as is kept.  Its pages are found again by faults. */
static enum pgw_status
remap_move(struct vm_space *space, const struct remap *remap, uint64_t *va)
{
    struct vm_system *system = space->system;
    uint64_t target;
    enum pgw_status status = remap_target(space, remap, &target);

    if (status == PGW_OK)
        status = remap_clip(space, remap);
    if (status == PGW_OK && remap->new_len > remap->old_end - remap->old &&
        vm_region_at(space, remap->old)->charged)
        status = vm_commit_charge(
            system, (remap->new_len - (remap->old_end - remap->old)) >> PAGE_SHIFT);
    if (status != PGW_OK)
        return status;
    vm_map_clear(space, target, target + remap->new_len);
    if (remap->new_len < remap->old_end - remap->old)
        vm_map_clear(space, remap->old + remap->new_len, remap->old_end);
    struct vm_region *region = vm_region_at(space, remap->old);
    system->pmap_ops->remove(
        space->pmap, region->start, (region->end - region->start) >> PAGE_SHIFT);
    system->pmap_ops->update(space->pmap);
    region->anchor += target - region->start; /* modulo 2^64: only differences count */
    region->growsdown = false;
    vm_region_move(space, region, target, target + remap->new_len);
    space->hint = NULL;
    *va = target;
    return PGW_OK;
}

static enum pgw_status
remap_locked(struct vm_space *space, struct remap *remap, uint64_t *va)
{
    struct vm_region *region = vm_region_at(space, remap->old);

    if (region == NULL || region->end < remap->old_end)
        return PGW_NOTFOUND;
    uint64_t old_len = remap->old_end - remap->old;
    uint64_t offset = region->offset + (remap->old - region->start);
    if (offset + remap->new_len < offset)
        return PGW_RANGE;
    if (!remap->fixed && remap->new_len < old_len) {
        enum pgw_status status =
            unmap_locked(space, remap->old + remap->new_len, old_len - remap->new_len);
        if (status == PGW_OK)
            *va = remap->old;
        return status;
    }
    if (!remap->fixed && (remap->new_len == old_len || remap_in_place(space, region, remap))) {
        *va = remap->old;
        return PGW_OK;
    }
    return remap->may_move ? remap_move(space, remap, va) : PGW_NOSPACE;
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
    enum pgw_status status = unmap_locked(vm_space, va, len);
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

enum pgw_status
vm_remap(struct space *space, uint64_t old, uint64_t old_len, uint64_t new_len, bool may_move,
    bool fixed, uint64_t *va)
{
    struct vm_space *vm_space = vm_space_of(space);
    struct remap remap = {.old = old,
        .new_len = page_ceil(new_len),
        .may_move = may_move,
        .fixed = fixed,
        .target = fixed ? *va : 0};
    enum pgw_status status = map_range(vm_space->system, old, old_len, &remap.old_end);

    if (status != PGW_OK)
        return status;
    if (new_len == 0)
        return PGW_INVAL;
    if (remap.new_len < new_len || remap.new_len > vm_space->system->space_end)
        return PGW_RANGE;
    base_lock_take(&vm_space->system->lock);
    status = remap_locked(vm_space, &remap, va);
    base_lock_drop(&vm_space->system->lock);
    return status;
}
