/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: what a program has mapped, in order of address.  They own no memory, so cutting and
 * joining them moves nothing.
 */
#include "seg/segcore.h"

static int
seg_region_compare(const struct seg_region *a, const struct seg_region *b)
{
    return a->start < b->start ? -1 : a->start > b->start;
}

RB_GENERATE(seg_region_tree, seg_region, node, seg_region_compare)

struct seg_region *
seg_region_below(struct seg_space *space, uint64_t va)
{
    struct seg_region *region = RB_ROOT(&space->regions);
    struct seg_region *found = NULL;

    while (region != NULL) {
        if (region->start < va) {
            found = region;
            region = RB_RIGHT(region, node);
        } else {
            region = RB_LEFT(region, node);
        }
    }
    return found;
}

struct seg_region *
seg_region_at_or_above(struct seg_space *space, uint64_t va)
{
    struct seg_region *below = seg_region_below(space, va);

    if (below == NULL)
        below = RB_MIN(seg_region_tree, &space->regions);
    while (below != NULL && below->end <= va)
        below = RB_NEXT(seg_region_tree, &space->regions, below);
    return below;
}

struct seg_region *
seg_region_at(struct seg_space *space, uint64_t va)
{
    struct seg_region *region = seg_region_at_or_above(space, va);

    return region != NULL && region->start <= va ? region : NULL;
}

bool
seg_region_is_empty(struct seg_space *space, uint64_t start, uint64_t end)
{
    const struct seg_region *region = seg_region_at_or_above(space, start);

    return region == NULL || region->start >= end;
}

void
seg_region_insert(struct seg_space *space, struct seg_region *region)
{
    RB_INSERT(seg_region_tree, &space->regions, region);
    space->mapped += region->end - region->start;
    space->system->stats.regions++;
}

void
seg_region_remove(struct seg_space *space, struct seg_region *region)
{
    RB_REMOVE(seg_region_tree, &space->regions, region);
    space->mapped -= region->end - region->start;
    space->system->stats.regions--;
    if (region->object != NULL)
        seg_object_release(region->object);
    base_pool_put(&space->system->regions, region);
}

/* Its neighbours stay where they are, so its place in the tree does not change. */
void
seg_region_resize(struct seg_space *space, struct seg_region *region, uint64_t start, uint64_t end)
{
    space->mapped += (end - start) - (region->end - region->start);
    if (region->object != NULL)
        region->offset += start - region->start;
    region->start = start;
    region->end = end;
}

enum pgw_status
seg_region_clip(struct seg_space *space, uint64_t va)
{
    struct seg_region *lower = seg_region_at(space, va);

    if (lower == NULL || lower->start == va)
        return PGW_OK;
    struct seg_region *upper = base_pool_get(&space->system->regions);
    if (upper == NULL)
        return seg_fail(space->system, PGW_NOMEM, "no memory for the record of a region");
    *upper = *lower;
    upper->start = va;
    if (upper->object != NULL) {
        upper->offset += va - lower->start;
        seg_object_hold(upper->object);
    }
    uint64_t cut = upper->end - va;
    lower->end = va;
    lower->len_max -= lower->len_max < cut ? lower->len_max : cut;
    lower->len_limit -= lower->len_limit < cut ? lower->len_limit : cut;
    upper->growsdown = false; /* the lower part is the one that grows */
    space->mapped -= cut;     /* counted again by insert */
    seg_region_insert(space, upper);
    return PGW_OK;
}

enum pgw_status
seg_region_clip_range(struct seg_space *space, uint64_t start, uint64_t end)
{
    enum pgw_status status = seg_region_clip(space, start);

    if (status != PGW_OK)
        return status;
    status = seg_region_clip(space, end);
    if (status != PGW_OK)
        seg_region_join(space, start, start + 1);
    return status;
}

void
seg_region_clear(struct seg_space *space, uint64_t start, uint64_t end)
{
    struct seg_region *region = seg_region_at_or_above(space, start);

    while (region != NULL && region->start < end) {
        struct seg_region *next = RB_NEXT(seg_region_tree, &space->regions, region);
        seg_region_remove(space, region);
        region = next;
    }
}

static bool
region_is_alike(const struct seg_region *lower, const struct seg_region *upper)
{
    if (lower->end != upper->start || upper->growsdown)
        return false;
    if (lower->prot != upper->prot || lower->use != upper->use || lower->object != upper->object)
        return false;
    return lower->object == NULL || lower->offset + (lower->end - lower->start) == upper->offset;
}

void
seg_region_join(struct seg_space *space, uint64_t start, uint64_t end)
{
    struct seg_region *lower = seg_region_at_or_above(space, start > 0 ? start - 1 : 0);

    while (lower != NULL && lower->start < end) {
        struct seg_region *upper = RB_NEXT(seg_region_tree, &space->regions, lower);
        if (upper == NULL || !region_is_alike(lower, upper) ||
            seg_window_at(space->system, lower->start) !=
                seg_window_at(space->system, upper->start)) {
            lower = upper;
            continue;
        }
        uint64_t joined = upper->end;
        if (lower->growsdown) {
            lower->len_max += joined - upper->start;
            lower->len_limit += joined - upper->start;
        }
        seg_region_remove(space, upper);
        seg_region_resize(space, lower, lower->start, joined);
    }
}
