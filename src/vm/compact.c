/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction: a run of frames is made where free frames are enough, but in pieces.
 *
 * RAM is seen as blocks of the order that is wanted.  Of the blocks without a pinned page, the one
 * with the fewest pages in use is cleared: its free frames are claimed, so that nobody gets them
 * meanwhile; each page in use moves (migrate.c) to a frame elsewhere, of the smallest free run that
 * there is; then all of the block is claimed, and is the run.
 *
 *     [ A . . B ]  [ C D E . ]   block 0 has 2 in use, block 1 has 3 and one frame for A ...
 *
 * Rejected: two scanners that meet, as in Linux.  They need no look at all of RAM, but move
 * everything that is used below the meeting point; the cheapest block moves the least there is to
 * move, and the look is a pass over the frame table that skips free runs and stops at a block that
 * is as good as empty.
 *
 * What is unused in a reservation (mem/reservation.c) is free: a block that is reserved for a huge
 * page of which little has come is a cheap one, and the reservation ends when it is chosen.
 *
 * The frames that are moved to must lie outside of blocks that are free already, or nothing is won;
 * that is reckoned before anything is moved.  A try that failed for want of such a block is not
 * made again at once: each failure doubles the number of requests that are turned down unseen, as
 * Linux defers compaction.
 */
#include "vm/core.h"

#define COMPACT_EASY_PART 16u /* of a block in use, or less: taken without looking further */
#define COMPACT_SHIFT_MOST 6u /* up to 64 requests are turned down after failures */

struct compact_block {
    struct mem_page *head; /* NULL: there is none */
    uint64_t used;
};

/* Counts the block's pages in use.  False: it is free as a whole, or has a page that stays. */
static bool
compact_look(struct vm_system *system, struct mem_page *head, unsigned order, uint64_t *used)
{
    struct mem_page *end = head + (UINT64_C(1) << order);

    *used = 0;
    if (mem_run_head(system->mem, head)->order > order)
        return false; /* part of something larger, free or a table */
    for (struct mem_page *page = head; page < end; page += UINT64_C(1) << page->order) {
        if (page->free && page->order >= order)
            return false;
        if (page->free || page->reserved)
            continue;
        if (!vm_migrate_can(page)) {
            system->stats.compact_pinned++;
            return false;
        }
        ++*used;
    }
    return true;
}

/* Frames in free runs of this order or more. */
static uint64_t
compact_whole(const struct vm_system *system, unsigned order)
{
    uint64_t whole = 0;

    for (unsigned at = order; at <= MEM_ORDER_MAX; at++)
        whole += system->mem->runs[at] << at;
    return whole;
}

/* Frames that are free outside of these, and outside of blocks for pinned pages, which are given
 * out last: what pages can move to.  RAM of less than such a block is all of that kind. */
static uint64_t
compact_room(const struct vm_system *system, unsigned order)
{
    const struct mem *mem = system->mem;
    uint64_t other = compact_whole(system, order);

    if (mem->nfree_pinned < mem->nfree)
        other += mem->nfree_pinned;
    return mem->nfree > other ? mem->nfree - other : 0;
}

/* The cheapest block to clear, from the cursor on. */
static struct compact_block
compact_choose(struct vm_system *system, unsigned order)
{
    struct mem *mem = system->mem;
    uint64_t n = UINT64_C(1) << order, blocks = mem->nframes >> order;
    struct compact_block best = {.head = NULL};

    for (uint64_t i = 0; i < blocks; i++) {
        struct mem_page *head = &mem->pages[(system->compact.cursor + i) % blocks << order];
        uint64_t used;
        if (!compact_look(system, head, order, &used))
            continue;
        if (best.head == NULL || used < best.used)
            best = (struct compact_block){head, used};
        if (used * COMPACT_EASY_PART <= n)
            break;
    }
    if (best.head == NULL)
        return best;
    system->compact.cursor = (uint64_t)(best.head - mem->pages) >> order;
    return best;
}

/* Moves every page of the block out of it and claims all of it.  False: a frame was refused; what
 * has moved stays where it is now. */
static bool
compact_clear(struct vm_system *system, struct mem_page *head, unsigned order)
{
    struct mem *mem = system->mem;

    (void)mem_claim(mem, head, order);
    for (struct mem_page *page = head; page < head + (UINT64_C(1) << order); page++) {
        if (page->reserved)
            continue;
        struct mem_page *to = mem_alloc(mem, 0, 0);
        if (to == NULL) {
            mem_claim_drop(mem, head, order);
            return false;
        }
        vm_migrate_page(system, page, to);
        mem_claim_page(mem, page);
        system->stats.compact_moved++;
    }
    return true;
}

/* A run is wanted: of these times the worst is kept, since memory that is free again when a program
 * has ended is in no pieces. */
static void
compact_note_worst(struct vm_system *system, unsigned order)
{
    struct vm_stats *stats = &system->stats;
    int index = mem_fragmentation(system->mem, order);

    if (stats->compact_runs++ > 0 && index <= stats->fragmentation_then)
        return;
    stats->fragmentation_then = index;
    stats->unusable_then = mem_unusable(system->mem, order);
}

/* Clears the cheapest block; it is claimed.  NULL: there is none that is worth it. */
static struct mem_page *
compact_one(struct vm_system *system, unsigned order)
{
    struct compact_block block = {.head = NULL};
    uint64_t n = UINT64_C(1) << order;

    compact_note_worst(system, order);
    /* What is free in the block cannot be moved to, and together with what is not that makes n. */
    if (compact_room(system, order) >= n && system->mem->nfree >= n + system->mem->reserve)
        block = compact_choose(system, order);
    if (block.head == NULL || !compact_clear(system, block.head, order)) {
        system->stats.compact_failed++;
        return NULL;
    }
    system->stats.compact_made++;
    return block.head;
}

struct mem_page *
vm_compact_run(struct vm_system *system, unsigned order)
{
    struct mem_page *head = NULL;

    if (system->compact.rests > 0) {
        system->compact.rests--;
        return NULL;
    }
    head = compact_one(system, order);
    if (head == NULL) {
        system->compact.rests = 1u << system->compact.shift;
        system->compact.shift += system->compact.shift < COMPACT_SHIFT_MOST;
        return NULL;
    }
    system->compact.shift = 0;
    return mem_claim_take(system->mem, head, order);
}

uint64_t
vm_compact(struct vm_system *system)
{
    unsigned order = vm_huge_run_order(system);
    struct mem_page *head;
    uint64_t made = 0;

    base_lock_take(&system->lock);
    mem_reservation_break_all(system->mem); /* runs are wanted now, by somebody else */
    for (uint64_t whole = compact_whole(system, order);; made++) {
        head = compact_one(system, order);
        if (head == NULL)
            break;
        mem_claim_drop(system->mem, head, order);
        uint64_t now = compact_whole(system, order);
        if (now <= whole) /* another run was broken up for it */
            break;
        whole = now;
    }
    system->compact.rests = system->compact.shift = 0;
    base_lock_drop(&system->lock);
    return made;
}
