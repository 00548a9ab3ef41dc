/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room in RAM for a block: what is tried, in this order.
 *
 *     in place        the frames behind it (before it) are free
 *     by moving       a hole is large enough, its own frames counted as free
 *     compaction      there is room in all, but in several holes: others move out of the way
 *     swapping        others go out, whole, the one used longest ago first; those of the space
 *                     that runs only when there are no others, for an instruction needs its code
 *                     and its data at once
 *
 * Compaction before an extension slides what lies below the block down and what lies above it up,
 * so that what is free lies next to it: it grows in place if there is as much free in all.  Of what
 * is left over then, half is spread behind those above, for the next to want room may be one of
 * them: blocks that grow by turns would else move each other at each step (Knuth, The Art of
 * Computer Programming vol. 1, 2.2.2, has the same for tables that share memory: Garwick's method).
 *
 * A space that runs may need more segments at once than RAM holds.  Then each access sends out what
 * the next one needs, and the space gets nowhere, or as good as nowhere.  So every space has to
 * earn, by running, the pages of its own that it sends out; one that is too far behind gets no more
 * room (Denning 1968, thrashing; here the remedy is to end it).
 *
 * A block is between two places only inside these functions.  Every move tells the machine which
 * pointers are stale and gives it the new registers, before anybody runs again.
 */
#include <string.h>

#include "base/assert.h"
#include "seg/segcore.h"

static bool
room_extend(struct seg_system *system, const struct seg_want *want, uint64_t above, uint64_t *first)
{
    const struct seg_fit_ops *ops = system->fit->ops;
    const struct seg_block *block = want->block;
    uint64_t n = block->npages;
    uint64_t at = block->first;

    if (want->below > 0 && !ops->resize(system->fit, &at, n, n + want->below, true))
        return false;
    if (above > 0 && !ops->resize(system->fit, &at, n + want->below, want->npages, false)) {
        if (want->below > 0) {
            bool back = ops->resize(system->fit, &at, n + want->below, n, true);
            BASE_ASSERT(back);
        }
        return false;
    }
    system->stats.grown_in_place++;
    *first = at;
    return true;
}

static uint64_t
room_alloc(struct seg_system *system, const struct seg_want *want)
{
    const struct seg_fit_ops *ops = system->fit->ops;

    if (system->config.scheme == SEG_NONE && ops->alloc_at(system->fit, want->home, want->npages))
        return want->home;
    return ops->alloc(system->fit, want->npages);
}

/*
 * A block that moves within the hole that it leaves stands in the middle of it then, not at its
 * start: whoever is next to it may be growing, too, and would push it on at its next step.
 */
static uint64_t
room_centre(struct seg_system *system, const struct seg_want *want, uint64_t to)
{
    const struct seg_fit_ops *ops = system->fit->ops;
    const struct seg_block *block = want->block;
    uint64_t first, n;

    if (!ops->movable || system->config.scheme == SEG_NONE || to + want->npages < block->first ||
        to > block->first + block->npages)
        return to;
    ops->free(system->fit, to, want->npages);
    bool placed = ops->hole(system->fit, to, &first, &n);
    BASE_ASSERT(placed);
    if (first > 0 || want->below > 0) /* with nobody before it, all the room is behind it */
        to = first + (n - want->npages) / 2;
    placed = ops->alloc_at(system->fit, to, want->npages);
    BASE_ASSERT(placed);
    return to;
}

/* Its own frames count as free: the new place may overlap the old one. */
static bool
room_move(struct seg_system *system, const struct seg_want *want, uint64_t *first)
{
    const struct seg_fit_ops *ops = system->fit->ops;
    struct seg_block *block = want->block;

    ops->free(system->fit, block->first, block->npages);
    uint64_t to = room_alloc(system, want);
    if (to == SEG_FIT_NONE) {
        bool back = ops->alloc_at(system->fit, block->first, block->npages);
        BASE_ASSERT(back);
        return false;
    }
    to = room_centre(system, want, to);
    seg_frames_move(system, block->first, to + want->below, block->npages);
    seg_block_stale(block, 0, block->npages);
    system->stats.grown_by_moving++;
    system->stats.grown_moved += block->npages;
    *first = to;
    return true;
}

static bool
room_try(struct seg_system *system, const struct seg_want *want, uint64_t *first)
{
    const struct seg_block *block = want->block;

    if (block == NULL) {
        *first = room_alloc(system, want);
        return *first != SEG_FIT_NONE;
    }
    return room_extend(system, want, want->npages - want->below - block->npages, first) ||
           room_move(system, want, first);
}

/* The block's bytes go to frames that are its own by now, and all who have it learn of it. */
static void
room_relocate(struct seg_system *system, struct seg_block *block, uint64_t to)
{
    seg_frames_move(system, block->first, to, block->npages);
    seg_block_stale(block, 0, block->npages);
    seg_block_set_first(system, block, to);
    seg_block_changed(block);
    system->stats.moved += block->npages;
}

/* --- compaction --- */

static void
room_slide(struct seg_system *system, struct seg_block *block, uint64_t to)
{
    const struct seg_fit_ops *ops = system->fit->ops;

    if (to == block->first)
        return;
    ops->free(system->fit, block->first, block->npages);
    bool there = ops->alloc_at(system->fit, to, block->npages);
    BASE_ASSERT(there);
    room_relocate(system, block, to);
}

/* What each block above the pivot may keep behind it of spare frames: half of them stay with the
 * pivot. */
static uint64_t
room_gap(struct seg_block *pivot, uint64_t spare)
{
    uint64_t above = 0;

    while (pivot != NULL && (pivot = RB_NEXT(seg_block_tree, NULL, pivot)) != NULL)
        above++;
    return above > 0 ? spare / 2 / above : 0;
}

static void
room_slide_all(struct seg_system *system, struct seg_block *pivot, bool down, uint64_t spare)
{
    struct seg_block *block;
    uint64_t gap = down ? 0 : room_gap(pivot, spare);
    uint64_t low = 0;
    uint64_t high = system->nframes;

    RB_FOREACH (block, seg_block_tree, &system->resident) {
        if (pivot != NULL && (down ? block->first >= pivot->first : block->first > pivot->first))
            break;
        room_slide(system, block, low);
        low += block->npages;
    }
    if (block == NULL)
        return;
    for (block = RB_MAX(seg_block_tree, &system->resident); block->first >= low;) {
        uint64_t most = high - block->npages; /* downwards it does not go: somebody may be there */
        high = most >= block->first + gap ? most - gap : block->first;
        room_slide(system, block, high);
        block = RB_PREV(seg_block_tree, &system->resident, block);
        if (block == NULL)
            break;
    }
}

/* Blocks of fixed places: each goes to the lowest free one that holds it. */
static bool
room_lower(struct seg_system *system, struct seg_block *block)
{
    const struct seg_fit_ops *ops = system->fit->ops;
    uint64_t first, n;

    for (uint64_t at = 0; ops->hole(system->fit, at, &first, &n); at = first + n) {
        if (first >= block->first)
            return false;
        if (!ops->alloc_at(system->fit, first, block->npages))
            continue;
        ops->free(system->fit, block->first, block->npages);
        room_relocate(system, block, first);
        return true;
    }
    return false;
}

static void
room_lower_all(struct seg_system *system)
{
    struct seg_block *block;
    struct seg_block *next;
    bool again = true;

    while (again) {
        again = false;
        for (block = RB_MIN(seg_block_tree, &system->resident); block != NULL; block = next) {
            next = RB_NEXT(seg_block_tree, &system->resident, block);
            again = room_lower(system, block) || again;
        }
    }
}

bool
seg_room_compact(struct seg_system *system, struct seg_block *pivot, bool down, uint64_t spare)
{
    uint64_t before = system->stats.moved;

    if (system->config.scheme == SEG_NONE)
        return false; /* where a program is, is what it believes */
    if (system->fit->ops->movable)
        room_slide_all(system, pivot, down, spare);
    else
        room_lower_all(system);
    bool moved = system->stats.moved != before;
    system->stats.compactions += moved;
    return moved;
}

/* --- swapping --- */

static bool
room_is_running(const struct seg_system *system, const struct seg_block *block)
{
    const struct seg_segment *segment;

    LIST_FOREACH (segment, &block->users, user)
        if (segment->space == system->running)
            return true;
    return false;
}

/* Sends one block out, of the space that runs or of others; NULL: none can go. */
static const struct seg_block *
room_victim_of(struct seg_system *system, bool running)
{
    struct seg_block *block;

    TAILQ_FOREACH (block, &system->all_blocks, lru)
        if (block->state == SEG_RESIDENT && block->pins == 0 &&
            room_is_running(system, block) == running && seg_block_out(system, block) == PGW_OK)
            return block;
    return NULL;
}

#define STRAIN_RATE 64u    /* instructions that earn the going of one page */
#define STRAIN_RAMS 8u     /* a space may be behind by so many times RAM ... */
#define STRAIN_FREE 16384u /* ... and so many pages */

static bool
room_is_thrashing(const struct seg_system *system, struct seg_space *space)
{
    const struct base_clock *clock = system->config.clock;

    if (clock == NULL)
        return false;
    uint64_t earned = (base_clock_now(clock) - space->strain.at) / STRAIN_RATE;
    space->strain.at += earned * STRAIN_RATE;
    space->strain.pages -= earned < space->strain.pages ? earned : space->strain.pages;
    return space->strain.pages > STRAIN_FREE + STRAIN_RAMS * system->nframes;
}

/* Sends one block out; false: none can go. */
static bool
room_victim(struct seg_system *system)
{
    if (room_victim_of(system, false) != NULL)
        return true;
    if (system->running == NULL)
        return false;
    system->thrashing = room_is_thrashing(system, system->running);
    if (system->thrashing)
        return false;
    const struct seg_block *own = room_victim_of(system, true);
    system->running->strain.pages += own != NULL ? own->npages : 0;
    return own != NULL;
}

static enum pgw_status
room_refuse(struct seg_system *system, bool enough)
{
    if (system->thrashing)
        return seg_fail(
            system, PGW_NORAM, "RAM is too small for the segments that the program needs at once");
    return seg_fail(system, PGW_NORAM,
        enough ? "no hole in RAM is large enough for a segment" : "RAM is too small for a segment");
}

/* Could it fit if all went out that can? */
static bool
room_is_hopeless(const struct seg_system *system, const struct seg_want *want)
{
    const struct seg_block *block;
    uint64_t fixed = want->npages;

    TAILQ_FOREACH (block, &system->all_blocks, lru)
        if (block->state == SEG_RESIDENT && block->pins > 0 && block != want->block)
            fixed += block->npages;
    return fixed > system->nframes;
}

enum pgw_status
seg_room(struct seg_system *system, const struct seg_want *want, uint64_t *first)
{
    struct seg_fit_counts counts;
    struct seg_block *block = want->block;
    uint64_t more = want->npages - (block != NULL ? block->npages : 0);
    bool failed = false;

    system->thrashing = false;
    if (want->npages > system->nframes)
        return seg_fail(system, PGW_NORAM, "a segment would be larger than all of RAM");
    if (room_try(system, want, first))
        return PGW_OK;
    bool hopeless = room_is_hopeless(system, want);
    for (;;) {
        system->fit->ops->counts(system->fit, &counts);
        if (counts.free >= more) {
            system->stats.failures += !failed;
            failed = true;
            bool down = block != NULL && 2 * want->below > more;
            if (!system->config.no_compaction &&
                seg_room_compact(system, block, down, counts.free - more) &&
                room_try(system, want, first))
                return PGW_OK;
        }
        if (hopeless || !room_victim(system))
            return room_refuse(system, counts.free >= more);
        if (room_try(system, want, first))
            return PGW_OK;
    }
}

/* --- home, without relocation --- */

/* Moves a block to a free run outside [home, end). */
static bool
room_park(struct seg_system *system, struct seg_block *block, uint64_t home, uint64_t end)
{
    const struct seg_fit_ops *ops = system->fit->ops;
    uint64_t first, n;

    for (uint64_t at = 0; ops->hole(system->fit, at, &first, &n); at = first + n) {
        uint64_t to = first < home ? first : first > end ? first : end;
        uint64_t limit = first < home && first + n > home ? home : first + n;
        if (limit < to || limit - to < block->npages) {
            to = first > end ? first : end;
            limit = first + n;
        }
        if (limit < to || limit - to < block->npages ||
            !ops->alloc_at(system->fit, to, block->npages))
            continue;
        ops->free(system->fit, block->first, block->npages);
        room_relocate(system, block, to);
        system->stats.segments_out++;
        return true;
    }
    return false;
}

/* The lowest block but this one in [home, end). */
static struct seg_block *
room_obstacle(struct seg_system *system, const struct seg_block *but, uint64_t home, uint64_t end)
{
    struct seg_block *block;

    RB_FOREACH (block, seg_block_tree, &system->resident)
        if (block != but && block->first < end && block->first + block->npages > home)
            return block;
    return NULL;
}

static void
room_swap_pages(struct seg_system *system, uint64_t a, uint64_t b, unsigned char *page)
{
    unsigned char *first = mem_page_bytes(system->mem, &system->mem->pages[a]);
    unsigned char *second = mem_page_bytes(system->mem, &system->mem->pages[b]);

    memcpy(page, first, PAGE_SIZE);
    memcpy(first, second, PAGE_SIZE);
    memcpy(second, page, PAGE_SIZE);
}

/*
 * The last obstacle and a parked block change places, page by page, when there is no room for
 * either beside the other: the obstacle goes to where the block is, the block home.
 */
static void
room_exchange(struct seg_system *system, struct seg_block *block, struct seg_block *other,
    uint64_t home, unsigned char *page)
{
    const struct seg_fit_ops *ops = system->fit->ops;
    uint64_t from = block->first;
    uint64_t there = other->first;
    uint64_t both = other->npages < block->npages ? other->npages : block->npages;

    for (uint64_t i = 0; i < both; i++)
        room_swap_pages(system, there + i, from + i, page);
    seg_frames_move(system, there + both, from + both, other->npages - both);
    ops->free(system->fit, there, other->npages);
    ops->free(system->fit, from, block->npages);
    bool placed = ops->alloc_at(system->fit, from, other->npages) &&
                  ops->alloc_at(system->fit, home, block->npages);
    BASE_ASSERT(placed);
    seg_frames_move(system, there, home, both);
    seg_frames_move(system, from + both, home + both, block->npages - both);
    seg_block_stale(other, 0, other->npages);
    seg_block_stale(block, 0, block->npages);
    RB_REMOVE(seg_block_tree, &system->resident, block);
    seg_block_set_first(system, other, from);
    block->first = home;
    RB_INSERT(seg_block_tree, &system->resident, block);
    seg_block_changed(other);
    seg_block_changed(block);
    system->stats.segments_out++;
    system->stats.segments_in++;
    system->stats.moved += other->npages + block->npages;
}

/* Is the block, all of it out of [home, end), where the obstacle would fit, the last one there? */
static bool
room_may_exchange(struct seg_system *system, const struct seg_block *block,
    const struct seg_block *other, uint64_t home, uint64_t end)
{
    const struct seg_fit_ops *ops = system->fit->ops;
    uint64_t from = block->first;
    uint64_t behind = from + block->npages;
    uint64_t reach = from + (other->npages > block->npages ? other->npages : block->npages);

    if (block->state != SEG_RESIDENT || (from < end && reach > home))
        return false;
    if (room_obstacle(system, block, other->first + other->npages, end) != NULL)
        return false;
    if (reach == behind)
        return true;
    if (!ops->alloc_at(system->fit, behind, reach - behind))
        return false;
    ops->free(system->fit, behind, reach - behind);
    return true;
}

static enum pgw_status
room_clear(struct seg_system *system, struct seg_block *block, uint64_t home)
{
    struct base_alloc *alloc = system->config.alloc;
    uint64_t end = home + block->npages;
    struct seg_block *other;

    while ((other = room_obstacle(system, block, home, end)) != NULL) {
        if (room_park(system, other, home, end) || seg_block_out(system, other) == PGW_OK)
            continue;
        if (!room_may_exchange(system, block, other, home, end))
            return seg_fail(system, PGW_NORAM,
                "another program is at these addresses, and there is nowhere else to put it");
        unsigned char *page = alloc->map(alloc, PAGE_SIZE);
        if (page == NULL)
            return seg_fail(system, PGW_NOMEM, "no memory to exchange two programs");
        room_exchange(system, block, other, home, page);
        alloc->unmap(alloc, page, PAGE_SIZE);
    }
    return PGW_OK;
}

enum pgw_status
seg_room_home(struct seg_system *system, struct seg_segment *segment)
{
    const struct seg_fit_ops *ops = system->fit->ops;
    struct seg_block *block = segment->block;
    uint64_t home = seg_segment_home(segment);

    if (block->state == SEG_RESIDENT && block->first == home)
        return PGW_OK;
    block->pins++;
    enum pgw_status status = room_clear(system, block, home);
    if (status == PGW_OK && block->state != SEG_RESIDENT)
        status = seg_block_in(system, block);
    block->pins--;
    if (status != PGW_OK || block->first == home)
        return status;
    ops->free(system->fit, block->first, block->npages);
    bool there = ops->alloc_at(system->fit, home, block->npages);
    BASE_ASSERT(there);
    room_relocate(system, block, home);
    system->stats.segments_in++;
    return PGW_OK;
}
