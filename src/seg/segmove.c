/* SPDX-License-Identifier: BSD-2-Clause */
/* Mappings that change their size or their place: remap, in place or by copying. */
#include "seg/segcore.h"

struct seg_move {
    uint64_t old, old_end; /* what is there */
    uint64_t new_len;
    bool fixed;
    uint64_t target; /* fixed: where to */
};

/* The content of [va, end), new to the region, at offset of its file or zeros. */
static enum pgw_status
move_fill(struct seg_space *space, const struct seg_region *region, uint64_t offset, uint64_t va,
    uint64_t end, bool zero)
{
    const struct seg_segment *segment = &space->segments[seg_window_at(space->system, va)];
    uint64_t n = (end - va) >> PAGE_SHIFT;
    uint64_t first = seg_extent_frame(segment, va);

    if (!zero)
        seg_block_stale(segment->block, (va - segment->lo) >> PAGE_SHIFT, n);
    if (region->object != NULL)
        return seg_frames_read(space->system, region->object, offset, first, n);
    if (!zero)
        seg_frames_zero(space->system, first, n);
    return PGW_OK;
}

/* Grows the region at its end, if nothing is in the way. */
static enum pgw_status
move_extend(struct seg_space *space, struct seg_region *region, const struct seg_move *move)
{
    struct seg_system *system = space->system;
    unsigned window = seg_window_at(system, move->old);
    uint64_t end;
    bool zero;
    enum pgw_status status = seg_map_range(system, move->old, move->new_len, &end);

    if (status != PGW_OK || seg_window_at(system, end - 1) != window)
        return seg_fail(system, PGW_NOSPACE, "the segment's window has no room");
    if (region->end != move->old_end ||
        seg_extent_taken(&space->segments[window], region->end, end) != 0)
        return seg_fail(system, PGW_NOSPACE, "something else is mapped behind it");
    status = seg_extent_cover(space, region->end, end, &zero);
    if (status == PGW_OK)
        status = move_fill(
            space, region, region->offset + (region->end - region->start), region->end, end, zero);
    if (status != PGW_OK) {
        seg_extent_trim(space, window);
        seg_registers_update(space);
        return status;
    }
    seg_region_resize(space, region, region->start, end);
    seg_region_join(space, move->old, end);
    seg_registers_update(space);
    return PGW_OK;
}

/* The new place has memory: moves bytes and records there.  Fails only where a file cannot be
 * read; what was at the new place is gone then. */
static enum pgw_status
move_content(struct seg_space *space, const struct seg_move *move, struct seg_region *record,
    uint64_t target, bool zero)
{
    struct seg_system *system = space->system;
    const struct seg_region *region = seg_region_at(space, move->old);
    const struct seg_segment *from = &space->segments[seg_window_at(system, move->old)];
    const struct seg_segment *to = &space->segments[seg_window_at(system, target)];
    uint64_t old_len = move->old_end - move->old;
    uint64_t kept = old_len < move->new_len ? old_len : move->new_len;
    uint64_t end = target + move->new_len;
    enum pgw_status status = PGW_OK;

    seg_region_clear(space, target, end);
    *record = (struct seg_region){.start = target,
        .end = end,
        .prot = region->prot,
        .use = region->use,
        .object = region->object,
        .offset = region->object != NULL ? region->offset + (move->old - region->start) : 0};
    if (kept < move->new_len)
        status = move_fill(space, record, record->offset + kept, target + kept, end, zero);
    if (status != PGW_OK)
        return status;
    if (!zero)
        seg_block_stale(to->block, (target - to->lo) >> PAGE_SHIFT, kept >> PAGE_SHIFT);
    seg_frames_move(system, seg_extent_frame(from, move->old), seg_extent_frame(to, target),
        kept >> PAGE_SHIFT);
    if (record->object != NULL)
        seg_object_hold(record->object);
    seg_region_clear(space, move->old, move->old_end);
    seg_region_insert(space, record);
    seg_region_join(space, target, end);
    return PGW_OK;
}

/* Moves to target, which lies in one window and is cut at its ends, as the old range is. */
static enum pgw_status
move_to(struct seg_space *space, const struct seg_move *move, struct seg_region *record,
    uint64_t target)
{
    struct seg_system *system = space->system;
    struct seg_segment *from = &space->segments[seg_window_at(system, move->old)];
    bool zero;
    enum pgw_status status = seg_block_own(system, from);

    if (status == PGW_OK)
        status = seg_block_in(system, from->block);
    if (status == PGW_OK) {
        struct seg_block *block = from->block;
        block->pins++;
        status = seg_extent_cover(space, target, target + move->new_len, &zero);
        block->pins--;
    }
    if (status == PGW_OK)
        status = move_content(space, move, record, target, zero);
    seg_extent_trim(space, seg_window_at(system, target));
    seg_extent_trim(space, seg_window_at(system, move->old));
    seg_registers_update(space);
    return status;
}

static enum pgw_status
move_fixed(struct seg_space *space, const struct seg_move *move, struct seg_region *record)
{
    struct seg_system *system = space->system;
    uint64_t end;
    enum pgw_status status = seg_map_range(system, move->target, move->new_len, &end);

    if (status != PGW_OK)
        return status;
    if (move->target < move->old_end && move->old < end)
        return seg_fail(system, PGW_INVAL, "the old and the new place overlap");
    if (seg_window_at(system, move->target) != seg_window_at(system, end - 1))
        return seg_fail(system, PGW_NOSPACE, "it would lie in two segments");
    status = seg_region_clip_range(space, move->target, end);
    if (status == PGW_OK)
        status = move_to(space, move, record, move->target);
    if (status != PGW_OK)
        seg_region_join(space, move->target, end);
    return status;
}

static enum pgw_status
move_anywhere(struct seg_space *space, struct seg_move *move, struct seg_region *record)
{
    enum pgw_status status = PGW_NOSPACE;

    for (int w = -1; (w = seg_window_for(space->system, SPACE_USE_ANON, w)) >= 0;) {
        status = seg_extent_place(space, (unsigned)w, move->new_len, &move->target);
        if (status == PGW_OK)
            status = move_to(space, move, record, move->target);
        if (status != PGW_NOSPACE && status != PGW_NORAM)
            break;
    }
    return status;
}

static enum pgw_status
move_away(struct seg_space *space, struct seg_move *move, uint64_t *va)
{
    struct seg_system *system = space->system;
    struct seg_region *record = base_pool_get(&system->regions);

    if (record == NULL)
        return seg_fail(system, PGW_NOMEM, "no memory for the record of a region");
    enum pgw_status status = seg_region_clip_range(space, move->old, move->old_end);
    if (status == PGW_OK)
        status = move->fixed ? move_fixed(space, move, record) : move_anywhere(space, move, record);
    if (status == PGW_OK) {
        *va = move->target;
        return PGW_OK;
    }
    base_pool_put(&system->regions, record);
    seg_region_join(space, move->old, move->old_end);
    return status;
}

enum pgw_status
seg_remap(struct space *space, uint64_t old, uint64_t old_len, uint64_t new_len, bool may_move,
    unsigned flags, uint64_t *va)
{
    bool fixed = (flags & SPACE_FIXED) != 0;
    struct seg_space *seg_space = seg_space_of(space);
    struct seg_system *system = seg_space->system;
    struct seg_move move = {
        .old = old, .new_len = page_ceil(new_len), .fixed = fixed, .target = fixed ? *va : 0};

    system->why = "";
    if ((flags & SPACE_KEEP) != 0)
        return seg_fail(system, PGW_UNSUPPORTED, "a segment has one place");
    enum pgw_status status = seg_map_range(system, old, old_len, &move.old_end);
    if (status != PGW_OK)
        return status;
    if (new_len == 0)
        return seg_fail(system, PGW_INVAL, "not page aligned, or empty");
    if (move.new_len < new_len || move.new_len > system->end)
        return seg_fail(system, PGW_RANGE, "larger than all addresses");
    struct seg_region *region = seg_region_at(seg_space, old);
    if (region == NULL || region->end < move.old_end)
        return seg_fail(system, PGW_NOTFOUND, "not one mapping");
    if (region->offset + (old - region->start) + move.new_len < move.new_len)
        return seg_fail(system, PGW_RANGE, "beyond any file's end");
    uint64_t rounded = move.old_end - old;
    if (!fixed && move.new_len < rounded)
        status = seg_unmap(space, old + move.new_len, rounded - move.new_len);
    else if (!fixed && move.new_len > rounded)
        status = move_extend(seg_space, region, &move);
    if (!fixed && status != PGW_NOSPACE && status != PGW_NORAM) {
        if (status == PGW_OK)
            *va = old;
        return status;
    }
    if (!may_move)
        return fixed ? seg_fail(system, PGW_NOSPACE, "it may not move") : status;
    return move_away(seg_space, &move, va);
}
