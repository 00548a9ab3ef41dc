/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole segments out of RAM and back, and copies of them.
 *
 * The hardware of these schemes notes neither use nor writing, so a segment that goes out is
 * written every time.  Pure code is the exception: nobody can have written it, so it is dropped and
 * read from its file again.
 */
#include <string.h>

#include "base/assert.h"
#include "seg/segcore.h"

enum pgw_status
seg_block_out(struct seg_system *system, struct seg_block *block)
{
    if (block->pins > 0)
        return seg_fail(system, PGW_AGAIN, "the segment is in use");
    enum seg_block_state to = block->object != NULL ? SEG_FILE : SEG_SWAPPED;
    enum pgw_status status = PGW_OK;
    if (to == SEG_SWAPPED)
        status = seg_frames_put(system, block->first, block->npages, block->slots);
    if (status != PGW_OK)
        return status;
    seg_block_stale(block, 0, block->npages);
    seg_block_leave(system, block);
    block->state = to;
    system->stats.segments_out++;
    system->stats.pages_out += to == SEG_SWAPPED ? block->npages : 0;
    seg_block_changed(block);
    return PGW_OK;
}

/* A frame that the block would like to be at; only SEG_NONE cares. */
static uint64_t
block_home(const struct seg_block *block)
{
    const struct seg_segment *segment = LIST_FIRST(&block->users);

    return segment != NULL ? seg_segment_home(segment) : 0;
}

enum pgw_status
seg_block_in(struct seg_system *system, struct seg_block *block)
{
    struct seg_want want = {.npages = block->npages, .home = block_home(block)};
    uint64_t first;

    if (block->state == SEG_RESIDENT)
        return PGW_OK;
    enum pgw_status status = seg_room(system, &want, &first);
    if (status != PGW_OK)
        return status;
    status = block->state == SEG_FILE
                 ? seg_frames_read(system, block->object, block->offset, first, block->npages)
                 : seg_frames_get(system, first, block->npages, block->slots);
    if (status != PGW_OK) {
        system->fit->ops->free(system->fit, first, block->npages);
        return status;
    }
    if (block->state == SEG_SWAPPED) {
        seg_slots_forget(system, block->slots, block->npages);
        system->stats.pages_in += block->npages;
    }
    system->stats.segments_in++;
    seg_block_arrive(system, block, first);
    seg_block_used(system, block);
    seg_block_changed(block);
    return PGW_OK;
}

/* In RAM if there is room, else straight to swap. */
static enum pgw_status
copy_fill(struct seg_system *system, struct seg_block *from, struct seg_block *to, uint64_t home)
{
    struct seg_want want = {.npages = from->npages, .home = home};
    uint64_t first;
    enum pgw_status status = seg_room(system, &want, &first);

    if (status == PGW_OK) {
        seg_frames_move(system, from->first, first, from->npages);
        seg_block_arrive(system, to, first);
        return PGW_OK;
    }
    status = seg_frames_put(system, from->first, from->npages, to->slots);
    if (status == PGW_NOSWAP)
        return seg_fail(system, PGW_NORAM, "there is no room for a copy, in RAM or on swap");
    if (status != PGW_OK)
        return status;
    to->state = SEG_SWAPPED;
    system->stats.segments_out++;
    system->stats.pages_out += to->npages;
    return PGW_OK;
}

enum pgw_status
seg_block_copy(
    struct seg_system *system, struct seg_block *block, uint64_t home, struct seg_block **copy)
{
    struct seg_block *new;
    enum pgw_status status = seg_block_in(system, block);

    if (status == PGW_OK)
        status = seg_block_record(system, block->npages, block->down, &new);
    if (status != PGW_OK)
        return status;
    block->pins++;
    status = copy_fill(system, block, new, home);
    block->pins--;
    if (status != PGW_OK) {
        seg_block_destroy(system, new);
        return status;
    }
    system->stats.copied += new->npages;
    *copy = new;
    return PGW_OK;
}

enum pgw_status
seg_block_own(struct seg_system *system, struct seg_segment *segment)
{
    struct seg_block *block = segment->block;
    struct seg_space *space = segment->space;
    struct seg_block *copy;

    if (block->object == NULL)
        return PGW_OK;
    enum pgw_status status = seg_block_in(system, block);
    if (status == PGW_OK)
        status = block->nusers == 1 ? seg_block_unpure(system, block)
                                    : seg_block_copy(system, block, 0, &copy);
    if (status != PGW_OK)
        return status;
    if (block->object != NULL) {
        seg_block_stale(block, 0, block->npages);
        LIST_REMOVE(segment, user);
        block->nusers--;
        seg_block_attach(space, seg_segment_window(segment), copy, segment->lo);
        seg_registers_update(space);
    }
    seg_extent_trim(space, seg_segment_window(segment)); /* pure code is never trimmed (S2) */
    return PGW_OK;
}
