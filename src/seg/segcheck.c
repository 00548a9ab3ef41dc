/* SPDX-License-Identifier: BSD-2-Clause */
/* The invariants of segcore.h, in code. */
#include "seg/segcore.h"

/* S3, and that the tree is in order. */
static bool
check_regions(struct seg_space *space)
{
    struct seg_region *region;
    uint64_t last = 0;
    uint64_t mapped = 0;

    RB_FOREACH (region, seg_region_tree, &space->regions) {
        if (region->start < last || region->end <= region->start ||
            ((region->start | region->end) & ~PAGE_MASK) != 0)
            return false;
        const struct seg_segment *segment = seg_segment_at(space, region->start);
        if (segment == NULL || seg_segment_end(segment) < region->end)
            return false;
        last = region->end;
        mapped += region->end - region->start;
    }
    return mapped == space->mapped;
}

static bool
check_segment(struct seg_space *space, unsigned window)
{
    struct seg_segment *segment = &space->segments[window];
    const struct seg_segment *user;
    uint64_t start, end;

    if (segment->block == NULL)
        return true;
    (void)seg_window_range(space->system, window, &start, &end);
    if (segment->space != space || segment->lo < start || seg_segment_end(segment) > end)
        return false;
    if (seg_region_is_empty(space, segment->lo, seg_segment_end(segment)))
        return false;
    LIST_FOREACH (user, &segment->block->users, user)
        if (user == segment)
            return true;
    return false;
}

bool
seg_space_check(struct space *space)
{
    struct seg_space *seg_space = seg_space_of(space);

    for (unsigned w = 0; w < seg_space->system->windows; w++)
        if (!check_segment(seg_space, w))
            return false;
    return check_regions(seg_space) && seg_registers_check(seg_space);
}

/* S2: at either end somebody has a region. */
static bool
check_extent(const struct seg_block *block)
{
    const struct seg_segment *segment;
    bool low = false;
    bool high = false;

    LIST_FOREACH (segment, &block->users, user) {
        low = low || seg_region_at(segment->space, segment->lo) != NULL;
        high = high || seg_region_at(segment->space, seg_segment_end(segment) - 1) != NULL;
    }
    return (low && high) || block->object != NULL;
}

static bool
check_block(const struct seg_system *system, const struct seg_block *block)
{
    const struct seg_segment *segment;
    unsigned users = 0;

    LIST_FOREACH (segment, &block->users, user) {
        users++;
        if (segment->block != block)
            return false;
    }
    if (users == 0 || users != block->nusers || block->npages == 0 || block->pins != 0)
        return false;
    if (block->state == SEG_FILE && block->object == NULL)
        return false;
    if (block->object != NULL && block->state == SEG_SWAPPED)
        return false;
    if (system->config.swap != NULL && block->object == NULL && block->slots_max < block->npages)
        return false;
    return check_extent(block);
}

/* S1. */
static bool
check_frames(struct seg_system *system)
{
    struct seg_block *block;
    struct seg_fit_counts counts;
    uint64_t first, n;
    uint64_t last = 0;
    uint64_t pages = 0;

    system->fit->ops->counts(system->fit, &counts);
    RB_FOREACH (block, seg_block_tree, &system->resident) {
        if (block->first < last || block->state != SEG_RESIDENT)
            return false;
        if (system->fit->ops->hole(system->fit, block->first, &first, &n) &&
            first < block->first + block->npages)
            return false;
        last = block->first + block->npages;
        pages += block->npages;
    }
    return last <= system->nframes && pages == system->stats.pages &&
           pages + counts.free + counts.lost == system->nframes &&
           system->fit->ops->check(system->fit);
}

bool
seg_check(struct seg_system *system)
{
    const struct seg_block *block;
    struct seg_space *space;
    uint64_t blocks = 0;
    uint64_t resident = 0;
    uint64_t spaces = 0;

    TAILQ_FOREACH (block, &system->all_blocks, lru) {
        if (!check_block(system, block))
            return false;
        blocks++;
        resident += block->state == SEG_RESIDENT;
    }
    TAILQ_FOREACH (space, &system->all_spaces, link) {
        if (!seg_space_check(&space->space))
            return false;
        spaces++;
    }
    return blocks == system->stats.segments && resident == system->stats.resident &&
           spaces == system->stats.spaces && check_frames(system);
}
