/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spaces with the same memory, and copies of spaces.
 *
 * Sharing is of whole segments: that is the unit the hardware knows.  What is shared by share()
 * stays so, also with the children of those who have it; pure code is shared by all who map it, and
 * everything else is copied by fork at once, for there is no fault on the first write.
 */
#include "seg/segcore.h"

/* Copies the records of the regions of from in [start, end), at a distance, into space. */
static enum pgw_status
share_regions(struct seg_space *space, struct seg_space *from, uint64_t start, uint64_t end,
    uint64_t distance)
{
    struct seg_region *region = seg_region_at_or_above(from, start);

    for (; region != NULL && region->start < end;
         region = RB_NEXT(seg_region_tree, &from->regions, region)) {
        struct seg_region *copy = base_pool_get(&space->system->regions);
        if (copy == NULL) {
            seg_region_clear(space, start + distance, end + distance);
            return seg_fail(space->system, PGW_NOMEM, "no memory for the record of a region");
        }
        *copy = *region;
        copy->start += distance;
        copy->end += distance;
        if (copy->object != NULL)
            seg_object_hold(copy->object);
        seg_region_insert(space, copy);
    }
    return PGW_OK;
}

/* --- share --- */

/* May the segment be seen at this distance in space? */
static enum pgw_status
share_place(struct seg_space *space, const struct seg_segment *source, uint64_t distance)
{
    struct seg_system *system = space->system;
    uint64_t lo = source->lo + distance;
    uint64_t hi = seg_segment_end(source) + distance;
    uint64_t start, end;

    if ((distance & ~PAGE_MASK) != 0)
        return seg_fail(system, PGW_INVAL, "not page aligned, or empty");
    if (hi > system->end || hi <= lo)
        return seg_fail(system, PGW_RANGE, "beyond the end of addresses");
    unsigned window = seg_window_at(system, lo);
    (void)seg_window_range(system, window, &start, &end);
    if (hi > end || seg_window_is_down(system, window) != source->block->down)
        return seg_fail(system, PGW_UNSUPPORTED, "the segment does not fit there");
    if (space->segments[window].block != NULL)
        return seg_fail(system, PGW_UNSUPPORTED,
            "only whole segments can be shared, and there is one in its place already");
    if (system->config.scheme == SEG_NONE && distance != 0)
        return seg_fail(system, PGW_UNSUPPORTED,
            "without translation memory has the same address for everybody");
    return PGW_OK;
}

/* The region that was asked for has rights prot; the others come along, with no more than that. */
static void
share_limit(struct seg_space *space, uint64_t va, prot_t prot)
{
    struct seg_segment *segment = seg_segment_at(space, va);
    struct seg_region *region = seg_region_at_or_above(space, segment->lo);

    for (; region != NULL && region->start < seg_segment_end(segment);
         region = RB_NEXT(seg_region_tree, &space->regions, region)) {
        region->prot = region->start == va ? prot : region->prot & prot;
        region->growsdown = false;
    }
    seg_region_join(space, segment->lo, seg_segment_end(segment));
}

enum pgw_status
seg_share(struct space *space, struct space *from, uint64_t from_va, prot_t prot, uint64_t *va)
{
    struct seg_space *to = seg_space_of(space);
    struct seg_system *system = to->system;
    const struct seg_region *region = seg_region_at(seg_space_of(from), from_va);
    uint64_t at = *va != 0 ? *va : from_va;

    system->why = "";
    if ((prot & ~PROT_MASK_ALL) != 0)
        return seg_fail(system, PGW_INVAL, "no such rights");
    if (region == NULL || region->start != from_va)
        return seg_fail(system, PGW_NOTFOUND, "no mapping starts there");
    if (region->growsdown)
        return seg_fail(system, PGW_UNSUPPORTED, "a stack cannot be shared");
    struct seg_segment *source = seg_segment_at(seg_space_of(from), from_va);
    enum pgw_status status = share_place(to, source, at - from_va);
    if (status == PGW_OK)
        status = seg_block_own(system, source);
    if (status == PGW_OK)
        status =
            share_regions(to, source->space, source->lo, seg_segment_end(source), at - from_va);
    if (status != PGW_OK)
        return status;
    uint64_t lo = source->lo + (at - from_va);
    source->block->shared = true;
    seg_block_attach(to, seg_window_at(system, lo), source->block, lo);
    share_limit(to, at, prot);
    seg_registers_update(to);
    *va = at;
    return PGW_OK;
}

/* --- fork --- */

static enum pgw_status
fork_segment(struct seg_space *child, struct seg_segment *segment)
{
    struct seg_system *system = child->system;
    struct seg_block *block = segment->block;
    enum pgw_status status = PGW_OK;

    if (block == NULL)
        return PGW_OK;
    if (block->object == NULL && !block->shared)
        status = seg_block_copy(system, block, seg_segment_home(segment), &block);
    if (status == PGW_OK)
        seg_block_attach(child, seg_segment_window(segment), block, segment->lo);
    return status;
}

enum pgw_status
seg_fork(struct space *space, struct space **child)
{
    struct seg_space *parent = seg_space_of(space);
    struct space *made;

    parent->system->why = "";
    enum pgw_status status = seg_space_create(parent->system, &made);
    if (status != PGW_OK)
        return status;
    status = share_regions(seg_space_of(made), parent, 0, parent->system->end, 0);
    for (unsigned w = 0; w < parent->system->windows && status == PGW_OK; w++)
        status = fork_segment(seg_space_of(made), &parent->segments[w]);
    if (status != PGW_OK) {
        made->ops->destroy(made);
        return status;
    }
    seg_registers_update(seg_space_of(made));
    *child = made;
    return PGW_OK;
}
