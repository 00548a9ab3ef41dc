/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far segments reach: from the lowest to the highest byte of their regions (S2).  What lies
 * between two regions belongs to the segment too, and is wasted until something is mapped there.
 */
#include "base/assert.h"
#include "seg/segcore.h"

/* What the regions of one user need of its block, in pages from the block's start. */
static bool
extent_needed(const struct seg_segment *segment, uint64_t *from, uint64_t *to)
{
    uint64_t end = seg_segment_end(segment);
    const struct seg_region *lowest = seg_region_at_or_above(segment->space, segment->lo);
    const struct seg_region *highest = seg_region_below(segment->space, end);

    if (lowest == NULL || lowest->start >= end)
        return false;
    *from = (lowest->start - segment->lo) >> PAGE_SHIFT;
    *to = (highest->end - segment->lo) >> PAGE_SHIFT;
    return true;
}

void
seg_extent_trim(struct seg_space *space, unsigned window)
{
    struct seg_segment *segment = &space->segments[window];
    struct seg_block *block = segment->block;
    uint64_t from, to;

    if (block == NULL)
        return;
    if (!extent_needed(segment, &from, &to)) {
        bool last = block->nusers == 1;
        seg_block_detach(segment);
        if (last)
            return;
    }
    if (block->object != NULL)
        return;
    uint64_t low = block->npages;
    uint64_t high = 0;
    LIST_FOREACH (segment, &block->users, user) {
        bool some = extent_needed(segment, &from, &to);
        BASE_ASSERT(some);
        low = from < low ? from : low;
        high = to > high ? to : high;
    }
    seg_block_shrink(space->system, block, low, block->npages - high);
}

static enum pgw_status
extent_create(struct seg_space *space, unsigned window, uint64_t start, uint64_t end)
{
    struct seg_block *block;
    enum pgw_status status = seg_block_create(space->system, (end - start) >> PAGE_SHIFT,
        start >> PAGE_SHIFT, seg_window_is_down(space->system, window), &block);

    if (status != PGW_OK)
        return status;
    seg_frames_zero(space->system, block->first, block->npages);
    seg_block_attach(space, window, block, start);
    seg_registers_update(space);
    return PGW_OK;
}

/* Has another segment of the same block a region there?  Its bytes are not to be made anew. */
static bool
extent_is_others(const struct seg_segment *segment, uint64_t start, uint64_t end)
{
    struct seg_segment *user;

    LIST_FOREACH (user, &segment->block->users, user) {
        uint64_t from = start > segment->lo ? start - segment->lo : 0;
        uint64_t to = end - segment->lo;
        if (user != segment && end > segment->lo && start < seg_segment_end(segment) &&
            !seg_region_is_empty(user->space, user->lo + from,
                to < user->block->npages << PAGE_SHIFT ? user->lo + to : seg_segment_end(user)))
            return true;
    }
    return false;
}

enum pgw_status
seg_extent_cover(struct seg_space *space, uint64_t start, uint64_t end, bool *zero)
{
    unsigned window = seg_window_at(space->system, start);
    struct seg_segment *segment = &space->segments[window];

    *zero = true;
    if (segment->block == NULL)
        return extent_create(space, window, start, end);
    enum pgw_status status = seg_block_own(space->system, segment);
    if (status == PGW_OK)
        status = seg_block_in(space->system, segment->block);
    if (status == PGW_OK && extent_is_others(segment, start, end))
        status =
            seg_fail(space->system, PGW_NOSPACE, "another program sees what is in the way there");
    uint64_t lo = segment->lo;
    uint64_t hi = seg_segment_end(segment);
    *zero = end <= lo || start >= hi;
    if (status != PGW_OK || (start >= lo && end <= hi))
        return status;
    return seg_block_grow(space->system, segment->block,
        start < lo ? (lo - start) >> PAGE_SHIFT : 0, end > hi ? (end - hi) >> PAGE_SHIFT : 0);
}

uint64_t
seg_extent_frame(const struct seg_segment *segment, uint64_t va)
{
    return segment->block->first + ((va - segment->lo) >> PAGE_SHIFT);
}

/* Where the first mapping of a window goes. */
static enum pgw_status
extent_place_first(struct seg_system *system, unsigned window, uint64_t start, uint64_t end,
    uint64_t len, uint64_t *va)
{
    if (start == 0)
        start = SEG_LOW;
    if (start >= end || end - start < len)
        return seg_fail(system, PGW_NOSPACE, "the segment's window has no room");
    *va = seg_window_is_down(system, window) ? end - len : start;
    return PGW_OK;
}

uint64_t
seg_extent_taken(const struct seg_segment *segment, uint64_t start, uint64_t end)
{
    const struct seg_segment *user;

    LIST_FOREACH (user, &segment->block->users, user) {
        uint64_t distance = segment->lo - user->lo; /* modulo 2^64: only differences count */
        const struct seg_region *region = seg_region_below(user->space, end - distance);
        /* What lies in another window of that space is none of this segment's. */
        if (region != NULL && region->end > start - distance && region->end > user->lo &&
            region->start < seg_segment_end(user))
            return region->end + distance;
    }
    return 0;
}

enum pgw_status
seg_extent_place(struct seg_space *space, unsigned window, uint64_t len, uint64_t *va)
{
    struct seg_segment *segment = &space->segments[window];
    uint64_t start, end, taken;

    (void)seg_window_range(space->system, window, &start, &end);
    if (segment->block == NULL)
        return extent_place_first(space->system, window, start, end, len, va);
    uint64_t hi = seg_segment_end(segment);
    uint64_t at = segment->lo;
    while (hi - at >= len && (taken = seg_extent_taken(segment, at, at + len)) != 0)
        at = taken;
    if (hi - at < len)
        at = hi; /* behind the segment there is nobody's region */
    if (hi - at >= len || (end - at >= len && !segment->block->down)) {
        *va = at;
        return PGW_OK;
    }
    uint64_t floor = start == 0 ? SEG_LOW : start;
    if (segment->lo < floor || segment->lo - floor < len)
        return seg_fail(space->system, PGW_NOSPACE, "the segment's window has no room");
    *va = segment->lo - len;
    return PGW_OK;
}
