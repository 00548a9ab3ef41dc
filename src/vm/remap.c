/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remap: a mapping gets another size or another place, as mremap(2) has it.
 *
 * Pages do not move, and page tables are not touched but to drop what they said of the old place: a
 * region counts its pages from its anchor, so it takes them along wherever it goes, and faults find
 * them there (law P1).
 *
 * What is one mapping to a program may be several regions here, cut and not joined again because
 * joining would have cost too much (region.c).  So a chain of regions, each the continuation of the
 * one before, moves as one.
 *
 *     MAYMOVE   moves when it cannot grow where it is
 *     FIXED     to this place, in place of what is there
 *     KEEP      the old place stays mapped, and is as new (MREMAP_DONTUNMAP)
 *     old_len 0 of shared memory: maps it a second time
 *
 * Everything that can fail (cutting, records, promises, locks) is done before anything is changed.
 */
#include "vm/core.h"

struct remap {
    struct vm_space *space;
    struct vm_region *first; /* the one at old */
    uint64_t old, old_end;   /* what is there */
    uint64_t new_len;
    bool may_move, fixed, keep;
    uint64_t target;       /* fixed: where to */
    struct vm_region *new; /* keep: the record for what stays */
};

/* Does upper go on where lower ends, with the same of everything? */
static bool
remap_continues(const struct vm_region *lower, const struct vm_region *upper)
{
    if (!vm_region_is_like(lower, upper))
        return false;
    return !lower->shared || (lower->amap == upper->amap && lower->anchor == upper->anchor);
}

/* Is all of the old range one chain? */
static bool
remap_is_one(const struct remap *remap)
{
    const struct vm_region *region = remap->first;

    while (region->end < remap->old_end) {
        const struct vm_region *next = vm_region_next(region);
        if (next == NULL || !remap_continues(region, next))
            return false;
        region = next;
    }
    return true;
}

static bool
remap_has_room(struct vm_space *space, uint64_t va, uint64_t end)
{
    const struct vm_region *region = vm_region_at_or_above(space, va);

    return region == NULL || region->start >= end;
}

/* Grows the last region at its end, if nothing is in the way. */
static enum pgw_status
remap_in_place(const struct remap *remap)
{
    struct vm_region *last = vm_region_at(remap->space, remap->old_end - 1);
    uint64_t end;

    if (vm_map_range(remap->space->system, remap->old, remap->new_len, &end) != PGW_OK ||
        last->end != remap->old_end || !remap_has_room(remap->space, last->end, end))
        return PGW_NOSPACE;
    return vm_region_grow(remap->space, last, last->start, end);
}

/* Where a mapping of new_len bytes can go.  For a fixed target the range is cut, not yet empty. */
static enum pgw_status
remap_target(struct remap *remap)
{
    struct vm_space *space = remap->space;
    /* What is mapped a second time is a page at least that must not go. */
    uint64_t old_end = remap->old_end > remap->old ? remap->old_end : remap->old + PAGE_SIZE;
    uint64_t end;

    if (!remap->fixed)
        return vm_region_hole(space, remap->new_len, space->top, &remap->target);
    enum pgw_status status = vm_map_range(space->system, remap->target, remap->new_len, &end);
    if (status != PGW_OK)
        return status;
    if (remap->target < old_end && remap->old < end)
        return PGW_INVAL; /* they overlap */
    status = vm_region_clip(space, remap->target);
    return status == PGW_OK ? vm_region_clip(space, end) : status;
}

/* Makes what moves, and what is cut off behind it, regions of their own. */
static enum pgw_status
remap_clip(struct remap *remap)
{
    enum pgw_status status = vm_region_clip(remap->space, remap->old);

    if (status == PGW_OK)
        status = vm_region_clip(remap->space, remap->old_end);
    if (status == PGW_OK && remap->new_len < remap->old_end - remap->old)
        status = vm_region_clip(remap->space, remap->old + remap->new_len);
    remap->first = vm_region_at(remap->space, remap->old);
    return status;
}

/* What is promised in a range whose ends are boundaries. */
static uint64_t
remap_charged(struct vm_space *space, uint64_t va, uint64_t end)
{
    const struct vm_region *region = vm_region_at_or_above(space, va);
    uint64_t npages = 0;

    for (; region != NULL && region->start < end; region = vm_region_next(region))
        npages += region->charged ? vm_region_pages(region) : 0;
    return npages;
}

/* Promises, and locks, what there will be more than now. */
static enum pgw_status
remap_admit(const struct remap *remap)
{
    struct vm_space *space = remap->space;
    uint64_t old = (remap->old_end - remap->old) >> PAGE_SHIFT, now = remap->new_len >> PAGE_SHIFT;
    uint64_t more = now > old ? now - old : 0;
    bool locked = remap->first->locked && more > 0;

    if (locked && vm_lock_charge(space, more) != PGW_OK)
        return PGW_NORAM;
    enum pgw_status status = PGW_OK;
    if (remap->first->charged)
        status = vm_commit_replace(space->system, more + (remap->keep ? old : 0),
            remap_charged(space, remap->target, remap->target + remap->new_len));
    else if (more > 0)
        status = vm_region_promise_more(space, remap->first, more);
    if (status != PGW_OK && locked)
        vm_lock_uncharge(space, more);
    return status;
}

/* What stays at the old place: the same mapping, without the pages, unless they are shared. */
static void
remap_fill_kept(const struct remap *remap)
{
    struct vm_region *new = remap->new;

    *new = *remap->first;
    new->end = remap->old_end;
    new->locked = new->growsdown = new->needs_copy = false;
    new->amap = new->shared ? new->amap : NULL;
    if (new->amap != NULL)
        new->amap->refs++;
    if (new->object != NULL)
        vm_object_hold_locked(new->object);
}

/* Moves the regions of [from, to) to the target; the last one becomes as long as it is to be. */
static void
remap_regions(const struct remap *remap, uint64_t from, uint64_t to)
{
    struct vm_space *space = remap->space;
    uint64_t delta = remap->target - from; /* modulo 2^64: only differences count */

    while (from < to) {
        struct vm_region *region = vm_region_at(space, from);
        from = region->end;
        uint64_t end = from == to ? remap->target + remap->new_len : from + delta;
        region->anchor += delta;
        region->growsdown = false;
        vm_region_move(space, region, region->start + delta, end);
        space->hint = NULL;
    }
}

/* Everything has been made ready. */
static void
remap_do(const struct remap *remap)
{
    struct vm_space *space = remap->space;
    const struct pmap_ops *ops = space->system->pmap_ops;
    uint64_t target_end = remap->target + remap->new_len;
    uint64_t kept = remap->old_end;

    vm_map_clear(space, remap->target, target_end);
    if (remap->new_len < remap->old_end - remap->old) {
        kept = remap->old + remap->new_len;
        vm_map_clear(space, kept, remap->old_end);
    }
    if (remap->keep)
        remap_fill_kept(remap);
    ops->remove(space->pmap, remap->old, (kept - remap->old) >> PAGE_SHIFT);
    ops->update(space->pmap);
    vm_unlock_range(space, remap->old, kept);
    remap_regions(remap, remap->old, kept);
    if (remap->keep)
        vm_region_insert(space, remap->new);
    for (uint64_t va = remap->target; va < target_end;) {
        const struct vm_region *region = vm_region_at(space, va);
        if (region->locked) /* what finds no record now is wired by its next fault */
            (void)!vm_lock_range(space, region, region->start, region->end);
        va = region->end;
    }
}

/* Moves the old range, or as much of it as is kept. */
static enum pgw_status
remap_move(struct remap *remap, uint64_t *va)
{
    enum pgw_status status = PGW_OK;

    if (remap->keep) {
        remap->new = vm_region_new(remap->space);
        status = remap->new != NULL ? PGW_OK : PGW_NOMEM;
    }
    if (status == PGW_OK)
        status = remap_target(remap);
    if (status == PGW_OK)
        status = remap_clip(remap);
    if (status == PGW_OK)
        status = remap_admit(remap);
    if (status == PGW_OK) {
        remap_do(remap);
        *va = remap->target;
    } else if (remap->new != NULL) {
        base_pool_put(&remap->space->system->regions, remap->new);
    }
    return status;
}

/* Locked memory is locked at its second place, too, and promised there if it is at the first. */
static enum pgw_status
remap_admit_again(struct vm_space *space, const struct vm_region *source, uint64_t npages)
{
    if (!source->locked)
        return PGW_OK;
    enum pgw_status status = vm_lock_charge(space, npages);
    if (status != PGW_OK || !source->charged)
        return status;
    status = vm_commit_charge(space->system, npages);
    if (status != PGW_OK)
        vm_lock_uncharge(space, npages);
    return status;
}

/* Maps shared memory from old on a second time. */
static enum pgw_status
remap_again(struct remap *remap, uint64_t *va)
{
    struct vm_space *space = remap->space;
    const struct vm_region *source = remap->first;

    if (!source->shared)
        return PGW_INVAL;
    if (!remap->may_move)
        return PGW_NOSPACE;
    if (source->object == NULL && remap->new_len > source->end - remap->old)
        return PGW_INVAL; /* there is no more of it */
    enum pgw_status status = remap_target(remap);
    if (status != PGW_OK)
        return status;
    source = vm_region_at(space, remap->old); /* the target may have been cut off from it */
    struct vm_region *region = vm_region_new(space);
    if (region == NULL)
        return PGW_NOMEM;
    status = remap_admit_again(space, source, remap->new_len >> PAGE_SHIFT);
    if (status != PGW_OK) {
        base_pool_put(&space->system->regions, region);
        return status;
    }
    if (remap->fixed)
        vm_map_clear(space, remap->target, remap->target + remap->new_len);
    *region = *source;
    region->charged = source->locked && source->charged;
    region->growsdown = false;
    region->anchor += remap->target - remap->old;
    region->offset += remap->old - source->start;
    region->start = remap->target;
    region->end = remap->target + remap->new_len;
    if (region->amap != NULL)
        region->amap->refs++;
    if (region->object != NULL)
        vm_object_hold_locked(region->object);
    vm_region_insert(space, region);
    if (region->locked) /* what finds no record now is wired by its next fault */
        (void)!vm_lock_range(space, region, region->start, region->end);
    *va = remap->target;
    return PGW_OK;
}

static enum pgw_status
remap_locked(struct remap *remap, uint64_t *va)
{
    uint64_t old_len = remap->old_end - remap->old;

    remap->first = vm_region_at(remap->space, remap->old);
    if (remap->first == NULL)
        return PGW_NOTFOUND;
    uint64_t offset = remap->first->offset + (remap->old - remap->first->start);
    if (offset + remap->new_len < offset)
        return PGW_RANGE;
    if (old_len == 0)
        return remap_again(remap, va);
    if (!remap_is_one(remap))
        return PGW_NOTFOUND;
    if (remap->fixed || remap->keep)
        return remap->may_move ? remap_move(remap, va) : PGW_NOSPACE;
    enum pgw_status status = PGW_OK;
    if (remap->new_len < old_len)
        status =
            vm_unmap_locked(remap->space, remap->old + remap->new_len, old_len - remap->new_len);
    else if (remap->new_len > old_len)
        status = remap_in_place(remap);
    if (status == PGW_OK)
        *va = remap->old;
    return status == PGW_NOSPACE && remap->may_move ? remap_move(remap, va) : status;
}

enum pgw_status
vm_remap(struct space *space, uint64_t old, uint64_t old_len, uint64_t new_len, bool may_move,
    unsigned flags, uint64_t *va)
{
    struct vm_system *system = vm_space_of(space)->system;
    struct remap remap = {.space = vm_space_of(space),
        .old = old,
        .old_end = old,
        .new_len = page_ceil(new_len),
        .may_move = may_move,
        .fixed = (flags & SPACE_FIXED) != 0,
        .keep = (flags & SPACE_KEEP) != 0,
        .target = (flags & SPACE_FIXED) != 0 ? *va : 0};
    enum pgw_status status = PGW_OK;

    if ((old & ~PAGE_MASK) != 0 || new_len == 0)
        return PGW_INVAL;
    if (old_len > 0)
        status = vm_map_range(system, old, old_len, &remap.old_end);
    if (status != PGW_OK)
        return status;
    if (remap.new_len < new_len || remap.new_len > system->space_end)
        return PGW_RANGE;
    if (remap.keep && remap.new_len != remap.old_end - old)
        return PGW_INVAL;
    base_lock_take(&system->lock);
    status = remap_locked(&remap, va);
    base_lock_drop(&system->lock);
    return status;
}
