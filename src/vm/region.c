/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The regions of a space: what is mapped where, with which rights.  A red-black tree by address;
 * regions never overlap.  Most look-ups find the region of the one before, so that one is tried
 * first.
 *
 * Neighbours that are alike are one region: cutting and joining are each other's inverse.  They are
 * not joined when that would cost more than it is worth: an amap shared after a fork, or many anons
 * to move.  So a program may meet a boundary that it does not expect, but no other difference.
 *
 * Holes are searched from the top down, from a space's stack towards its heap, as Linux does.  The
 * search walks the regions: a space has tens of them, a few thousand at the worst.
 */
#include "vm/core.h"

int
vm_region_compare(const struct vm_region *a, const struct vm_region *b)
{
    return a->start < b->start ? -1 : a->start > b->start;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion" /* libbsd's macro */
RB_GENERATE(vm_region_tree, vm_region, link, vm_region_compare)
#pragma GCC diagnostic pop

struct vm_region *
vm_region_at_or_above(struct vm_space *space, uint64_t va)
{
    struct vm_region *found = NULL;
    struct vm_region *at = space->hint;

    if (at != NULL && at->start <= va && va < at->end)
        return at;
    at = RB_ROOT(&space->regions);
    while (at != NULL) {
        if (va < at->end) {
            found = at;
            at = RB_LEFT(at, link);
        } else {
            at = RB_RIGHT(at, link);
        }
    }
    space->hint = found;
    return found;
}

struct vm_region *
vm_region_at(struct vm_space *space, uint64_t va)
{
    struct vm_region *region = vm_region_at_or_above(space, va);

    return region != NULL && region->start <= va ? region : NULL;
}

void
vm_region_insert(struct vm_space *space, struct vm_region *region)
{
    struct vm_region *clash = RB_INSERT(vm_region_tree, &space->regions, region);

    BASE_ASSERT(clash == NULL);
    space->nregions++;
    space->mapped += region->end - region->start;
    space->system->stats.regions++;
}

void
vm_region_move(struct vm_space *space, struct vm_region *region, uint64_t start, uint64_t end)
{
    RB_REMOVE(vm_region_tree, &space->regions, region);
    space->mapped -= region->end - region->start;
    space->nregions--;
    space->system->stats.regions--;
    region->start = start;
    region->end = end;
    vm_region_insert(space, region);
}

void
vm_region_destroy(struct vm_space *space, struct vm_region *region)
{
    struct vm_system *system = space->system;

    RB_REMOVE(vm_region_tree, &space->regions, region);
    space->hint = NULL;
    space->nregions--;
    space->mapped -= region->end - region->start;
    system->stats.regions--;
    if (region->amap != NULL)
        vm_amap_release(system, region->amap);
    if (region->object != NULL)
        vm_object_release_locked(region->object);
    base_pool_put(&system->regions, region);
}

/* The part of an owned amap that lies above va, where region is to be cut. */
static enum pgw_status
region_split_amap(
    struct vm_system *system, struct vm_region *region, uint64_t va, struct vm_amap **right)
{
    *right = region->shared ? region->amap : NULL;
    if (region->shared)
        region->amap->refs++;
    if (region->shared || region->amap == NULL)
        return PGW_OK;
    enum pgw_status status = vm_amap_own(system, region);
    if (status != PGW_OK)
        return status;
    return vm_amap_split(system, region->amap, vm_region_idx(region, va), right);
}

/* Cuts region in two at va, which lies inside it.  What can fail comes first. */
static enum pgw_status
region_split(struct vm_space *space, struct vm_region *region, uint64_t va)
{
    struct vm_region *upper = base_pool_get(&space->system->regions);
    struct vm_amap *right;

    if (upper == NULL)
        return PGW_NOMEM;
    enum pgw_status status = region_split_amap(space->system, region, va, &right);
    if (status != PGW_OK) {
        base_pool_put(&space->system->regions, upper);
        return status;
    }
    *upper = *region;
    upper->start = va;
    upper->offset += va - region->start;
    upper->amap = right;
    upper->growsdown = false; /* the lower part is the one that grows */
    if (region->growsdown)
        region->len_max -= region->end - va;
    if (upper->object != NULL)
        vm_object_hold_locked(upper->object);
    space->mapped -= region->end - va;
    region->end = va;
    vm_region_insert(space, upper);
    return PGW_OK;
}

enum pgw_status
vm_region_clip(struct vm_space *space, uint64_t va)
{
    struct vm_region *region = vm_region_at(space, va);

    if (region == NULL || region->start == va)
        return PGW_OK;
    return region_split(space, region, va);
}

/* Everything about the two but their anons says that they could be one. */
static bool
region_is_alike(const struct vm_region *lower, const struct vm_region *upper)
{
    if (lower->end != upper->start || lower->prot != upper->prot || lower->use != upper->use)
        return false;
    if (lower->object != upper->object || upper->growsdown || lower->shared || upper->shared)
        return false;
    if (lower->locked != upper->locked || lower->noreserve != upper->noreserve ||
        lower->charged != upper->charged || lower->advice != upper->advice)
        return false;
    return lower->object == NULL || lower->offset + (lower->end - lower->start) == upper->offset;
}

/* Lower's amap becomes that of both, upper's is gone; false: it cannot be, nothing has changed. */
static bool
region_join_amaps(struct vm_system *system, struct vm_region *lower, struct vm_region *upper)
{
    if (upper->amap == NULL)
        return true;
    if (lower->amap != NULL)
        return lower->anchor == upper->anchor && vm_amap_join(system, lower, upper);
    if (upper->start - upper->anchor < upper->start - lower->start)
        return false; /* lower's pages would come before its index 0 */
    lower->amap = upper->amap;
    lower->anchor = upper->anchor;
    lower->needs_copy = upper->needs_copy;
    upper->amap = NULL;
    return true;
}

/* Makes lower and the region above it one, if they are alike. */
static bool
region_join(struct vm_space *space, struct vm_region *lower, struct vm_region *upper)
{
    uint64_t len = upper->end - upper->start;

    if (!region_is_alike(lower, upper) || !region_join_amaps(space->system, lower, upper))
        return false;
    vm_region_destroy(space, upper);
    lower->end += len;
    space->mapped += len;
    if (lower->growsdown)
        lower->len_max += len;
    return true;
}

void
vm_region_join(struct vm_space *space, uint64_t va, uint64_t end)
{
    struct vm_region *lower = vm_region_at_or_above(space, va > 0 ? va - 1 : 0);

    while (lower != NULL && lower->start < end) {
        struct vm_region *upper = RB_NEXT(vm_region_tree, &space->regions, lower);
        if (upper == NULL || !region_join(space, lower, upper))
            lower = upper;
    }
}

uint64_t
vm_region_floor(const struct vm_region *region)
{
    uint64_t room = region->len_max + SPACE_GUARD;

    if (!region->growsdown)
        return region->start;
    return region->end > room ? region->end - room : 0;
}

enum pgw_status
vm_region_hole(struct vm_space *space, uint64_t len, uint64_t top, uint64_t *va)
{
    struct vm_region *region;

    RB_FOREACH_REVERSE(region, vm_region_tree, &space->regions)
    {
        uint64_t floor = vm_region_floor(region);
        if (region->end <= top && top - region->end >= len)
            break;
        if (floor < top)
            top = floor;
    }
    if (top < len || top - len < VM_SPACE_START)
        return PGW_NOSPACE;
    *va = top - len;
    return PGW_OK;
}
