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
 * A block that is in use as a huge page (mem_page.huge, set by huge.c) is a run already: to clear
 * it is to break one huge page for another, for ever if both are wanted, as the scanner makes the
 * first one anew from the next block.  So it stays, as a pinned one does, and each run that is made
 * for a huge page is one more.  Whether it is mapped as one just now is not asked: the MMU is a
 * cache.  A frame that is freed loses the mark, so a run that reclaim has taken a page of is a
 * block like others.
 *
 * The frames that are moved to must lie outside of blocks that are free already, or nothing is won;
 * that is reckoned before anything is moved.  A try that failed for want of such a block is not
 * made again at once: each failure doubles the number of requests that are turned down unseen, as
 * Linux defers compaction.
 */
#include <string.h>

#include "vm/core.h"
#include "vm/runs.h"

#define COMPACT_EASY_PART 16u /* of a block in use, or less: taken without looking further */
#define COMPACT_SHIFT_MOST 6u /* up to 64 requests are turned down after failures */

struct compact_block {
    struct mem_page *head; /* NULL: there is none */
    uint64_t used;
};

/* Counts the block's pages in use.  False: it is free as a whole, is a huge page, or has a page
 * that stays. */
static bool
compact_look(struct vm_system *system, struct mem_page *head, unsigned order, uint64_t *used)
{
    struct mem_page *end = head + (UINT64_C(1) << order);
    uint64_t huge = 0;

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
        huge += page->huge;
    }
    if (huge < UINT64_C(1) << order)
        return true;
    system->stats.compact_huge++;
    return false;
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

/* Of the times that a run is wanted the worst is kept, since memory that is free again when a
 * program has ended is in no pieces. */
static void
compact_note_worst(struct vm_stats *stats, const uint64_t *runs, unsigned order)
{
    int index = mem_fragmentation(runs, order);

    if (stats->compact_runs > 1 && index <= stats->fragmentation_then)
        return;
    stats->fragmentation_then = index;
    stats->unusable_then = mem_unusable(runs, order);
}

/* Writes down what was free before a run of this order was looked for, and is free now. */
static void
compact_note(struct vm_system *system, const uint64_t *before, unsigned order, bool made)
{
    struct vm_compact_free *noted = &system->compact.free;
    struct vm_stats *stats = &system->stats;

    compact_note_worst(stats, before, order);
    if (stats->compact_runs == 1)
        memcpy(noted->first, before, sizeof noted->first);
    if (!made && stats->compact_made > 0)
        return;
    memcpy(noted->before, before, sizeof noted->before);
    memcpy(noted->after, system->mem->runs, sizeof noted->after);
    noted->after[order] += made;
}

/* The cheapest block, cleared and claimed.  NULL: there is none that is worth it. */
static struct mem_page *
compact_make(struct vm_system *system, unsigned order)
{
    uint64_t n = UINT64_C(1) << order;

    /* What is free in the block cannot be moved to, and together with what is not that makes n. */
    if (compact_room(system, order) < n || system->mem->nfree < n + system->mem->reserve)
        return NULL;
    struct mem_page *head = compact_choose(system, order).head;
    return head != NULL && compact_clear(system, head, order) ? head : NULL;
}

/* The same, counted. */
static struct mem_page *
compact_one(struct vm_system *system, unsigned order)
{
    uint64_t before[MEM_ORDER_MAX + 1];

    memcpy(before, system->mem->runs, sizeof before);
    struct mem_page *head = compact_make(system, order);
    system->stats.compact_runs++;
    system->stats.compact_made += head != NULL;
    system->stats.compact_failed += head == NULL;
    compact_note(system, before, order, head != NULL);
    return head;
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
