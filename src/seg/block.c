/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks: contiguous pieces of memory, and who has them. */
#include <string.h>

#include "base/assert.h"
#include "base/peak.h"
#include "seg/segcore.h"

static int
seg_block_compare(const struct seg_block *a, const struct seg_block *b)
{
    return a->first < b->first ? -1 : a->first > b->first;
}

RB_GENERATE(seg_block_tree, seg_block, by_frame, seg_block_compare)

struct mem_page *
seg_block_page(const struct seg_system *system, const struct seg_block *block, uint64_t idx)
{
    return &system->mem->pages[block->first + idx];
}

void
seg_block_set_first(struct seg_system *system, struct seg_block *block, uint64_t first)
{
    RB_REMOVE(seg_block_tree, &system->resident, block);
    block->first = first;
    RB_INSERT(seg_block_tree, &system->resident, block);
}

void
seg_block_used(struct seg_system *system, struct seg_block *block)
{
    TAILQ_REMOVE(&system->all_blocks, block, lru);
    TAILQ_INSERT_TAIL(&system->all_blocks, block, lru);
}

/* Room for npages slots, so that sending the block out never lacks it. */
static enum pgw_status
block_reserve_slots(struct seg_system *system, struct seg_block *block, uint64_t npages)
{
    struct base_alloc *alloc = system->config.alloc;

    if (system->config.swap == NULL || npages <= block->slots_max)
        return PGW_OK;
    BASE_ASSERT(block->state != SEG_SWAPPED);
    uint64_t max = page_ceil(npages * SEG_SLOT_BYTES) / SEG_SLOT_BYTES;
    uint64_t *slots = alloc->map(alloc, max * SEG_SLOT_BYTES);
    if (slots == NULL)
        return seg_fail(system, PGW_NOMEM, "no memory for the record of a segment");
    if (block->slots != NULL)
        alloc->unmap(alloc, block->slots, block->slots_max * SEG_SLOT_BYTES);
    block->slots = slots;
    block->slots_max = max;
    return PGW_OK;
}

static void
block_free_record(struct seg_system *system, struct seg_block *block)
{
    struct base_alloc *alloc = system->config.alloc;

    if (block->slots != NULL)
        alloc->unmap(alloc, block->slots, block->slots_max * SEG_SLOT_BYTES);
    base_pool_put(&system->blocks, block);
}

static struct seg_block *
block_record(struct seg_system *system, uint64_t npages, bool slots)
{
    struct seg_block *block = base_pool_get(&system->blocks);

    if (block == NULL) {
        (void)seg_fail(system, PGW_NOMEM, "no memory for the record of a segment");
        return NULL;
    }
    block->id = ++system->block_ids;
    block->npages = npages;
    block->state = SEG_FILE;
    LIST_INIT(&block->users);
    if (slots && block_reserve_slots(system, block, npages) != PGW_OK) {
        block_free_record(system, block);
        return NULL;
    }
    return block;
}

static void
block_add(struct seg_system *system, struct seg_block *block)
{
    TAILQ_INSERT_TAIL(&system->all_blocks, block, lru);
    system->stats.segments++;
    base_peak(&system->stats.segments_peak, system->stats.segments);
}

enum pgw_status
seg_block_record(struct seg_system *system, uint64_t npages, bool down, struct seg_block **block)
{
    *block = block_record(system, npages, true);
    if (*block == NULL)
        return PGW_NOMEM;
    (*block)->down = down;
    block_add(system, *block);
    return PGW_OK;
}

/* Frames were given to partitions, or taken from them: notes what that did to the holes. */
static void
block_count(struct seg_system *system, uint64_t given, uint64_t taken)
{
    struct seg_stats *stats = &system->stats;
    struct seg_fit_counts counts;

    stats->pages += given - taken;
    system->fit->ops->counts(system->fit, &counts);
    base_peak(&stats->pages_peak, stats->pages);
    base_peak(&stats->scattered_peak, counts.free - counts.largest);
    base_peak(&stats->holes_peak, counts.holes);
}

void
seg_block_arrive(struct seg_system *system, struct seg_block *block, uint64_t first)
{
    block->state = SEG_RESIDENT;
    block->first = first;
    RB_INSERT(seg_block_tree, &system->resident, block);
    system->stats.resident++;
    base_peak(&system->stats.resident_peak, system->stats.resident);
    block_count(system, block->npages, 0);
}

void
seg_block_leave(struct seg_system *system, struct seg_block *block)
{
    RB_REMOVE(seg_block_tree, &system->resident, block);
    system->fit->ops->free(system->fit, block->first, block->npages);
    system->stats.resident--;
    block_count(system, 0, block->npages);
}

enum pgw_status
seg_block_create(
    struct seg_system *system, uint64_t npages, uint64_t home, bool down, struct seg_block **block)
{
    struct seg_want want = {.npages = npages, .home = home};
    struct seg_block *new;
    uint64_t first;
    enum pgw_status status = seg_block_record(system, npages, down, &new);

    if (status != PGW_OK)
        return status;
    status = seg_room(system, &want, &first);
    if (status != PGW_OK) {
        seg_block_destroy(system, new);
        return status;
    }
    seg_block_arrive(system, new, first);
    *block = new;
    return PGW_OK;
}

enum pgw_status
seg_block_create_pure(struct seg_system *system, uint64_t npages, struct seg_object *object,
    uint64_t offset, struct seg_block **block)
{
    struct seg_block *new = block_record(system, npages, false);

    if (new == NULL)
        return PGW_NOMEM;
    seg_object_hold(object);
    new->object = object;
    new->offset = offset;
    block_add(system, new);
    *block = new;
    return PGW_OK;
}

void
seg_block_destroy(struct seg_system *system, struct seg_block *block)
{
    BASE_ASSERT(LIST_EMPTY(&block->users) && block->pins == 0);
    if (block->state == SEG_RESIDENT)
        seg_block_leave(system, block);
    else if (block->state == SEG_SWAPPED)
        seg_slots_forget(system, block->slots, block->npages);
    if (block->object != NULL)
        seg_object_release(block->object);
    TAILQ_REMOVE(&system->all_blocks, block, lru);
    system->stats.segments--;
    block_free_record(system, block);
}

void
seg_block_attach(struct seg_space *space, unsigned window, struct seg_block *block, uint64_t lo)
{
    struct seg_segment *segment = &space->segments[window];

    segment->block = block;
    segment->space = space;
    segment->lo = lo;
    LIST_INSERT_HEAD(&block->users, segment, user);
    space->system->stats.shares += block->nusers > 0;
    block->nusers++;
}

void
seg_block_detach(struct seg_segment *segment)
{
    struct seg_space *space = segment->space;
    struct seg_block *block = segment->block;

    seg_block_stale(block, 0, block->npages);
    LIST_REMOVE(segment, user);
    segment->block = NULL;
    if (--block->nusers == 0)
        seg_block_destroy(space->system, block);
    seg_registers_update(space);
}

enum pgw_status
seg_block_unpure(struct seg_system *system, struct seg_block *block)
{
    enum pgw_status status = block_reserve_slots(system, block, block->npages);

    if (status != PGW_OK)
        return status;
    seg_object_release(block->object);
    block->object = NULL;
    return PGW_OK;
}

/* Has every user's window room for the block to reach so much further? */
static bool
block_may_reach(const struct seg_block *block, uint64_t below, uint64_t above)
{
    const struct seg_segment *segment;
    uint64_t start, end;

    LIST_FOREACH (segment, &block->users, user) {
        (void)seg_window_range(segment->space->system, seg_segment_window(segment), &start, &end);
        if ((segment->lo - start) >> PAGE_SHIFT < below ||
            (end - seg_segment_end(segment)) >> PAGE_SHIFT < above)
            return false;
    }
    return true;
}

static void
block_shift(struct seg_block *block, uint64_t pages)
{
    struct seg_segment *segment;

    LIST_FOREACH (segment, &block->users, user)
        segment->lo -= pages << PAGE_SHIFT;
}

enum pgw_status
seg_block_grow(struct seg_system *system, struct seg_block *block, uint64_t below, uint64_t above)
{
    struct seg_want want = {
        .block = block, .npages = below + block->npages + above, .below = below};
    uint64_t old = block->npages;
    uint64_t first;

    if (!block_may_reach(block, below, above))
        return seg_fail(system, PGW_NOSPACE, "the segment's window has no room");
    enum pgw_status status = block_reserve_slots(system, block, want.npages);
    if (status != PGW_OK)
        return status;
    want.home = seg_segment_home(LIST_FIRST(&block->users)) - below;
    block->pins++;
    status = seg_room(system, &want, &first);
    block->pins--;
    if (status != PGW_OK)
        return status;
    seg_block_set_first(system, block, first);
    block->npages = want.npages;
    block_shift(block, below);
    seg_frames_zero(system, first, below);
    seg_frames_zero(system, first + below + old, above);
    block_count(system, below + above, 0);
    seg_block_changed(block);
    return PGW_OK;
}

/* Where the end must stay a partition's start (buddy), what is kept moves down to it. */
static void
block_cut_frames(struct seg_system *system, struct seg_block *block, uint64_t below, uint64_t above)
{
    const struct seg_fit_ops *ops = system->fit->ops;
    uint64_t first = block->first;
    uint64_t kept = block->npages - below - above;
    bool cut = below == 0 || ops->resize(system->fit, &first, block->npages, kept + above, true);

    if (!cut)
        seg_frames_move(system, first + below, first, kept);
    cut = ops->resize(system->fit, &first, cut ? kept + above : block->npages, kept, false);
    BASE_ASSERT(cut);
    seg_block_set_first(system, block, first);
    block_count(system, 0, below + above);
}

void
seg_block_shrink(struct seg_system *system, struct seg_block *block, uint64_t below, uint64_t above)
{
    uint64_t kept = block->npages - below - above;

    if (below + above == 0)
        return;
    seg_block_stale(block, 0, block->npages);
    if (block->state == SEG_RESIDENT) {
        block_cut_frames(system, block, below, above);
    } else if (block->state == SEG_SWAPPED) {
        seg_slots_forget(system, block->slots, below);
        seg_slots_forget(system, block->slots + below + kept, above);
        memmove(block->slots, block->slots + below, kept * SEG_SLOT_BYTES);
    }
    block->npages = kept;
    block_shift(block, 0 - below);
    system->stats.shrunk++;
    seg_block_changed(block);
}
