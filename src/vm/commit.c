/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commitment: how much memory is promised, and whether more may be.
 *
 *     free --map--> reserved --protect--> committed
 *      |   (PROT_NONE: addresses only)        ^
 *      +---------------map--------------------+    shared: counted once, with what is shared
 *
 * What is counted is what Linux counts (Documentation/mm/overcommit-accounting): a private mapping
 * that may be written, whole, when it is made or when protect() makes it so, and it stays counted
 * when the right to write is taken away again; a stack as it grows; fork counts the child's copies;
 * shared memory once, with the amap or object that holds it; never what can only be read, nor
 * shared files.  NORESERVE is not counted, except under "never".
 *
 *   heuristic  refuses one call that asks for more than RAM and swap together
 *   always     refuses nothing
 *   never      refuses what brings the sum above swap + RAM * ratio
 *
 * Under "never" what was promised is there.  Every promised page is in a slot of swap, or in a
 * frame, or does not exist yet, so with no more promises than slots and frames there is always room
 * for it. But not all frames can hold promised pages, and a ratio of 100 does not mean that they
 * can:
 *
 *   - What was taken before the first space (the kernel's tables, an inverted table) is not counted
 *     as RAM: `room` is what was free at the start.
 *   - Root tables cannot be given up.  A space costs its root, and a space is refused when that
 *     frame is promised already, or locked, or one of those that are never promised.
 *   - Other tables can (law P1).  When nothing else can be freed, all tables of all spaces are
 * given up (vm_commit_last_resort); those that the next instruction needs come back.  The same,
 * whatever the mode, when locked pages and tables have left next to no frames for pages that can
 * go (vm_commit_uncrowd): locked pages are as good as promised ones, but nobody promised tables.
 *   - COMMIT_WORKING frames and an eighth of RAM are never promised: for the reserve, those tables,
 *     the pages of files that one instruction or system call needs at once, and so that these do
 * not chase each other all the time.
 *   - A compressed pool takes frames, and how many pages it holds in them nobody knows before: none
 *     of the two is promised.
 *   - A locked page is in RAM for good.  If it is promised, that is what was promised; if not,
 * wire.c counts it as promised.
 *
 * So a fault on promised memory finds a frame: if every evictable page is dirty and swap is full,
 * at most as many frames as were promised hold such pages, and the rest is tables and clean pages.
 * Thrashing (reclaim.c) is no reason to end anybody then: it is slow, and it was promised.
 */
#include "vm/core.h"

/* Two pages of code and two of data for an instruction, each with four tables on the way; a page
 * that is being copied, and one that is read. */
#define COMMIT_WORKING 24u
#define COMMIT_PART 8u

/* With fewer pages than this that can go, those that one instruction needs chase each other.  Then
 * tables are given up, if they are more than those of one instruction.  Of the frames that are
 * never promised, fewer tables than that leave more than MOVABLE, also in RAM of 40 frames. */
#define COMMIT_MOVABLE 8u
#define COMMIT_CROWD 20u

bool
vm_commit_counts(const struct vm_system *system, prot_t prot, bool shared, bool noreserve)
{
    if (shared || (prot & PROT_MASK_W) == 0)
        return false;
    return !noreserve || system->commit.mode == VM_OVERCOMMIT_NEVER;
}

uint64_t
vm_commit_frames(struct vm_system *system)
{
    uint64_t slots, pool;

    vm_io_swap_sure(system, &slots, &pool);
    uint64_t held = COMMIT_WORKING + system->mem->reserve + system->mem->nframes / COMMIT_PART +
                    system->commit.roots + pool;

    return system->commit.room > held ? system->commit.room - held : 0;
}

static uint64_t
commit_add(uint64_t a, uint64_t b)
{
    return a + b >= a ? a + b : UINT64_MAX; /* a pager without a limit has UINT64_MAX slots */
}

uint64_t
vm_commit_limit(struct vm_system *system)
{
    uint64_t ram = system->mem->nframes * system->commit.ratio / 100;
    uint64_t frames = vm_commit_frames(system);
    uint64_t slots, pool;

    vm_io_swap_sure(system, &slots, &pool);
    return commit_add(ram < frames ? ram : frames, slots);
}

/* May `less` pages of what is promised become npages? */
static bool
commit_allows(struct vm_system *system, uint64_t npages, uint64_t less)
{
    uint64_t used, slots;

    switch (system->commit.mode) {
    case VM_OVERCOMMIT_HEURISTIC:
        vm_io_swap_room(system, &used, &slots);
        return npages <= commit_add(system->mem->nframes, slots);
    case VM_OVERCOMMIT_ALWAYS:
        return true;
    case VM_OVERCOMMIT_NEVER:
        break;
    }
    return npages <= less ||
           commit_add(system->stats.committed - less, npages) <= vm_commit_limit(system);
}

enum pgw_status
vm_commit_replace(struct vm_system *system, uint64_t npages, uint64_t less)
{
    if (npages > 0 && !commit_allows(system, npages, less)) {
        system->stats.commit_refused++;
        return PGW_NOCOMMIT;
    }
    system->stats.committed += npages;
    if (system->stats.committed - less > system->stats.committed_peak)
        system->stats.committed_peak = system->stats.committed - less;
    return PGW_OK;
}

enum pgw_status
vm_commit_charge(struct vm_system *system, uint64_t npages)
{
    return vm_commit_replace(system, npages, 0);
}

void
vm_commit_uncharge(struct vm_system *system, uint64_t npages)
{
    BASE_ASSERT(system->stats.committed >= npages);
    system->stats.committed -= npages;
}

/* Is there room for what was promised and what is locked beside the root of one more space?  The
 * first one has it, or there would be none. */
static bool
commit_is_kept(const struct vm_space *space)
{
    struct vm_system *system = space->system;
    uint64_t frames = vm_commit_frames(system);

    if (system->stats.locked > frames || system->stats.committed > vm_commit_limit(system))
        return false;
    return frames > 0 || system->commit.roots == space->roots;
}

enum pgw_status
vm_commit_space(struct vm_space *space)
{
    struct vm_system *system = space->system;

    space->roots = space->pmap->tables;
    system->commit.roots += space->roots;
    if (system->commit.mode != VM_OVERCOMMIT_NEVER || commit_is_kept(space))
        return PGW_OK;
    system->stats.commit_refused++;
    return PGW_NOCOMMIT;
}

void
vm_commit_space_ends(struct vm_space *space)
{
    space->system->commit.roots -= space->roots;
}

/* Gives up all page tables but roots; how many frames that freed. */
static uint64_t
commit_drop_tables(struct vm_system *system)
{
    uint64_t before = system->mem->nfree;
    struct vm_space *space;

    TAILQ_FOREACH (space, &system->all_spaces, link) {
        system->pmap_ops->remove(space->pmap, 0, system->space_end >> PAGE_SHIFT);
        system->pmap_ops->update(space->pmap);
    }
    system->stats.tables_dropped++;
    return system->mem->nfree - before;
}

uint64_t
vm_commit_last_resort(struct vm_system *system)
{
    return system->commit.mode == VM_OVERCOMMIT_NEVER ? commit_drop_tables(system) : 0;
}

bool
vm_commit_uncrowd(struct vm_system *system)
{
    uint64_t movable = system->stats.resident - system->stats.wired;
    uint64_t tables = system->pmap_system->tables;

    return movable < COMMIT_MOVABLE && tables >= system->commit.roots + COMMIT_CROWD &&
           commit_drop_tables(system) > 0;
}
