/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame table and the buddy allocator (Knowlton 1965) over it.
 *
 * RAM is cut into runs of 2^order frames that are aligned to their size.  A run's buddy is the
 * other half of the run of the next order: its index differs in one bit.  mem_alloc takes the
 * first run of the smallest order that has one and halves it down to what was asked for; mem_free
 * joins a run with its buddy for as long as that is free and whole.  Both are O(MEM_ORDER_MAX).
 *
 * Invariants:
 *  - Every frame belongs to exactly one run, free or allocated.  Only the run's head bears its
 *    order; `free` is set in the heads of free runs and nowhere else.
 *  - The heads of free runs of order n are on free[n], or on pinned[n] where n is below
 *    MEM_BLOCK_ORDER and their block's bit is set; nfree is the sum of their sizes, and of what is
 *    unused in reservations (reservation.c), which to the lists is allocated.
 *  - The bit of a block that is free as a whole is clear.
 *  - Two buddies of the same order are never both free.
 *  - A claimed frame (mem_claim), or a reserved one, is an allocated run of order 0 without an
 *    owner.
 *  - The bytes of a free run are zero, as the host gave them, unless its head's node.bits says
 *    MEM_USED.  So MEM_ZERO costs nothing for RAM that was never used.
 *  - All frames of a free run, but for the head's node, order and free, are all-zero records.  So a
 *    frame table that the host maps lazily costs nothing for RAM that was never used.
 *
 * Runs are taken most recently freed first: a list ordered by address would need a search at
 * every free, and the run that was freed last is the one whose bytes the host's caches hold.
 * Halving hands out the lower half, so that a run that was never used is eaten from its bottom.
 *
 * Under AddressSanitizer the bytes of a run are poisoned while it is free again: a pointer to a
 * frame that someone kept for too long is found at its first use.
 *
 * Pages that are never moved (MEM_PINNED: page tables) would soon be in every 2 MiB of RAM, as one
 * comes with every so many others, and nothing could be compacted.  So blocks of that size are of
 * two kinds, as Linux groups them by mobility.  Free runs in a block for pinned pages are on lists
 * of their own, `pinned`, which the others take from when nothing else is left.  Who needs a pinned
 * page and finds those lists empty makes another block one of theirs: a free one if there is any,
 * else the block of the largest free run.  A block that is free as a whole is nobody's; what RAM
 * has above its last whole block is theirs from the start.  Rejected: tables from the top of RAM
 * down, pages from the bottom up; that needs lists in the order of addresses.
 *
 * A bitmap per order was rejected: the heads in the frame table already say all of it.
 */
#include "mem/mem.h"

#include <string.h>

#include "base/assert.h"
#include "base/poison.h"

#define MEM_FRAMES_MIN 8
#define MEM_USED 1u /* in a free run's node.bits: it was allocated before, at least in part */

_Static_assert(sizeof(struct mem_page) == 64, "a frame's record is one cache line");

static uint64_t
mem_index(const struct mem *mem, const struct mem_page *page)
{
    return (uint64_t)(page - mem->pages);
}

static bool
mem_block_is_pinned(const struct mem *mem, uint64_t idx)
{
    uint64_t block = idx >> MEM_BLOCK_ORDER;

    return (mem->blocks[block / 64] >> block % 64 & 1) != 0;
}

/* Makes the blocks that a run of at least this order, or one frame, lies in of the one kind or the
 * other; none of their free runs is on a list. */
static void
mem_block_set(struct mem *mem, uint64_t idx, unsigned order, bool pinned)
{
    uint64_t block = idx >> MEM_BLOCK_ORDER;
    uint64_t end = block + (order > MEM_BLOCK_ORDER ? UINT64_C(1) << (order - MEM_BLOCK_ORDER) : 1);

    for (; block < end; block++) {
        uint64_t bit = UINT64_C(1) << block % 64;
        if (pinned)
            mem->blocks[block / 64] |= bit;
        else
            mem->blocks[block / 64] &= ~bit;
    }
}

/* Is a free run one of a block for pinned pages? */
static bool
mem_run_is_pinned(const struct mem *mem, uint64_t idx, unsigned order)
{
    return order < MEM_BLOCK_ORDER && mem_block_is_pinned(mem, idx);
}

static void
mem_push_run(struct mem *mem, uint64_t idx, unsigned order, uint64_t used)
{
    struct mem_page *page = &mem->pages[idx];

    page->order = order & 31u;
    page->free = 1;
    page->node.bits = used;
    if (mem_run_is_pinned(mem, idx, order)) {
        TAILQ_INSERT_HEAD(&mem->pinned[order], &page->node, link);
        mem->nfree_pinned += UINT64_C(1) << order;
    } else {
        TAILQ_INSERT_HEAD(&mem->free[order], &page->node, link);
    }
    mem->runs[order]++;
}

/* Takes a free run off its list; its head's record is as new then.  Returns MEM_USED or 0. */
static uint64_t
mem_pull_run(struct mem *mem, struct mem_page *page)
{
    uint64_t used = page->node.bits;

    if (mem_run_is_pinned(mem, mem_index(mem, page), page->order)) {
        TAILQ_REMOVE(&mem->pinned[page->order], &page->node, link);
        mem->nfree_pinned -= UINT64_C(1) << page->order;
    } else {
        TAILQ_REMOVE(&mem->free[page->order], &page->node, link);
    }
    mem->runs[page->order]--;
    memset(page, 0, sizeof(*page));
    return used;
}

static struct mem_page *
mem_first_of(const struct base_node_list *list)
{
    return (struct mem_page *)TAILQ_FIRST(list); /* node is the first member */
}

_Static_assert(offsetof(struct mem_page, node) == 0, "mem_first_of converts a node to its page");

/* Cuts RAM up to end into the largest aligned runs, the last one first so that the lowest is taken
 * first. */
static void
mem_free_all(struct mem *mem, uint64_t end, uint64_t used)
{
    mem->nfree = end;
    if (end % (UINT64_C(1) << MEM_BLOCK_ORDER) != 0)
        mem_block_set(mem, end - 1, 0, true);
    while (end > 0) {
        unsigned order = (unsigned)__builtin_ctzll(end);
        if (order > MEM_ORDER_MAX)
            order = MEM_ORDER_MAX;
        end -= UINT64_C(1) << order;
        mem_push_run(mem, end, order, used);
    }
}

struct mem_page *
mem_set_aside(struct mem *mem, uint64_t n)
{
    uint64_t used = 0;

    BASE_ASSERT(mem->nfree == mem->nframes && n > 0 && n < mem->nframes);
    if (base_inject_fails(mem->alloc->inject, INJECT_FRAME))
        return NULL;
    for (uint64_t idx = 0; idx < mem->nframes;) {
        struct mem_page *page = &mem->pages[idx];
        idx += UINT64_C(1) << page->order;
        used |= mem_pull_run(mem, page);
    }
    mem_free_all(mem, mem->nframes - n, used);
    if (used)
        base_unpoison(mem_page_bytes(mem, &mem->pages[mem->nfree]), (size_t)n << PAGE_SHIFT);
    return &mem->pages[mem->nfree];
}

static uint64_t
mem_nblocks(const struct mem *mem)
{
    return ((mem->nframes - 1) >> MEM_BLOCK_ORDER) + 1;
}

/* The frame table, and behind it the blocks' bits. */
static size_t
mem_table_len(const struct mem *mem)
{
    return (size_t)page_ceil(
        mem->nframes * sizeof(struct mem_page) + (mem_nblocks(mem) + 63) / 64 * sizeof(uint64_t));
}

enum pgw_status
mem_init(struct mem *mem, struct base_alloc *alloc, struct base_alloc *ram, uint64_t ram_bytes,
    uint64_t base_pfn)
{
    struct mem fresh = {.base_pfn = base_pfn, .alloc = alloc};

    fresh.nframes = ram_bytes >> PAGE_SHIFT;
    if (fresh.nframes < MEM_FRAMES_MIN || base_pfn % (UINT64_C(1) << MEM_ORDER_MAX) != 0)
        return PGW_INVAL;
    fresh.ram_len = (size_t)(fresh.nframes << PAGE_SHIFT);
    fresh.ram = ram->map(ram, fresh.ram_len);
    if (fresh.ram == NULL)
        return PGW_NOMEM;
    fresh.pages = alloc->map(alloc, mem_table_len(&fresh));
    if (fresh.pages == NULL) {
        ram->unmap(ram, fresh.ram, fresh.ram_len);
        return PGW_NOMEM;
    }
    *mem = fresh;
    mem->blocks = (uint64_t *)(void *)(mem->pages + mem->nframes);
    for (unsigned order = 0; order <= MEM_ORDER_MAX; order++)
        TAILQ_INIT(&mem->free[order]);
    for (unsigned order = 0; order < MEM_BLOCK_ORDER; order++)
        TAILQ_INIT(&mem->pinned[order]);
    mem_free_all(mem, mem->nframes, 0);
    return PGW_OK;
}

static void
mem_unpoison_list(const struct mem *mem, const struct base_node_list *list, unsigned order)
{
    const struct base_node *node;

    TAILQ_FOREACH (node, list, link) {
        if (node->bits & MEM_USED)
            base_unpoison(mem_page_bytes(mem, (const struct mem_page *)node), PAGE_SIZE << order);
    }
}

/* The host may give the same addresses to somebody else. */
static void
mem_unpoison_all(struct mem *mem)
{
    for (unsigned order = 0; order <= MEM_ORDER_MAX; order++) {
        mem_unpoison_list(mem, &mem->free[order], order);
        if (order < MEM_BLOCK_ORDER)
            mem_unpoison_list(mem, &mem->pinned[order], order);
    }
}

void
mem_fini(struct mem *mem, struct base_alloc *ram)
{
    if (mem->pages != NULL) {
        mem_reservation_fini(mem);
        mem_unpoison_all(mem);
        mem->alloc->unmap(mem->alloc, mem->pages, mem_table_len(mem));
    }
    if (mem->ram != NULL)
        ram->unmap(ram, mem->ram, mem->ram_len);
    mem->pages = NULL;
    mem->ram = NULL;
    mem->nframes = mem->nfree = 0;
}

/* The first run of the smallest order, from `order` to below end, that the lists have; NULL. */
static struct mem_page *
mem_find(const struct base_node_list *lists, unsigned order, unsigned end)
{
    while (order < end && TAILQ_EMPTY(&lists[order]))
        order++;
    return order < end ? mem_first_of(&lists[order]) : NULL;
}

/* Makes the block of a free run smaller than that one for pinned pages. */
static void
mem_convert_block(struct mem *mem, uint64_t idx)
{
    uint64_t first = idx & ~((UINT64_C(1) << MEM_BLOCK_ORDER) - 1);
    uint64_t end = first + (UINT64_C(1) << MEM_BLOCK_ORDER);
    struct mem_page *page;

    if (end > mem->nframes)
        end = mem->nframes;
    for (uint64_t at = first; at < end; at += UINT64_C(1) << mem->pages[at].order) {
        page = &mem->pages[at];
        if (page->free) /* to the list where it will be looked for */
            TAILQ_REMOVE(&mem->free[page->order], &page->node, link);
    }
    mem_block_set(mem, first, 0, true);
    for (uint64_t at = first; at < end; at += UINT64_C(1) << mem->pages[at].order) {
        page = &mem->pages[at];
        if (!page->free)
            continue;
        TAILQ_INSERT_TAIL(&mem->pinned[page->order], &page->node, link);
        mem->nfree_pinned += UINT64_C(1) << page->order;
    }
}

/* A free run that a pinned one of this order can be cut from: of a block for such, or of one that
 * becomes one. */
static struct mem_page *
mem_find_pinned(struct mem *mem, unsigned order)
{
    struct mem_page *page = mem_find(mem->pinned, order, MEM_BLOCK_ORDER);

    if (page == NULL)
        page = mem_find(
            mem->free, order > MEM_BLOCK_ORDER ? order : MEM_BLOCK_ORDER, MEM_ORDER_MAX + 1);
    for (unsigned at = MEM_BLOCK_ORDER; page == NULL && at > order; at--) {
        page = mem_first_of(&mem->free[at - 1]);
        if (page != NULL)
            mem_convert_block(mem, mem_index(mem, page));
    }
    return page;
}

static struct mem_page *
mem_find_movable(struct mem *mem, unsigned order)
{
    struct mem_page *page = mem_find(mem->free, order, MEM_ORDER_MAX + 1);

    return page != NULL ? page : mem_find(mem->pinned, order, MEM_BLOCK_ORDER);
}

/* A free run to cut 2^order frames from.  Reservations are broken if there is no other way. */
static struct mem_page *
mem_find_run(struct mem *mem, unsigned order, unsigned flags)
{
    struct mem_page *page;

    do
        page = flags & MEM_PINNED ? mem_find_pinned(mem, order) : mem_find_movable(mem, order);
    while (page == NULL && mem_reservation_break_oldest(mem, order));
    return page;
}

struct mem_page *
mem_alloc(struct mem *mem, unsigned order, unsigned flags)
{
    uint64_t kept = flags & MEM_RESERVED ? 0 : mem->reserve;

    if (base_inject_fails(mem->alloc->inject, INJECT_FRAME) || order > MEM_ORDER_MAX)
        return NULL;
    uint64_t n = UINT64_C(1) << order;
    if (mem->nfree < n || mem->nfree - n < kept)
        return NULL;
    struct mem_page *page = mem_find_run(mem, order, flags);
    if (page == NULL)
        return NULL;

    unsigned from = page->order;
    uint64_t idx = mem_index(mem, page);
    uint64_t used = mem_pull_run(mem, page);
    if (flags & MEM_PINNED)
        mem_block_set(mem, idx, order, true);
    while (from > order) {
        from--;
        mem_push_run(mem, idx + (UINT64_C(1) << from), from, used);
    }
    page->order = order & 31u;
    mem->nfree -= n;
    if (used)
        base_unpoison(mem_page_bytes(mem, page), (size_t)n << PAGE_SHIFT);
    if (used && (flags & MEM_ZERO))
        memset(mem_page_bytes(mem, page), 0, (size_t)n << PAGE_SHIFT);
    return page;
}

/* The run's buddy, if that is a whole free run; else NULL. */
static struct mem_page *
mem_free_buddy(const struct mem *mem, uint64_t idx, unsigned order)
{
    uint64_t buddy = idx ^ UINT64_C(1) << order;

    if (order == MEM_ORDER_MAX || buddy >= mem->nframes)
        return NULL;
    struct mem_page *page = &mem->pages[buddy];
    return page->free && page->order == order ? page : NULL;
}

void
mem_free(struct mem *mem, struct mem_page *page)
{
    unsigned order = page->order;
    uint64_t idx = mem_index(mem, page);
    uint64_t n = UINT64_C(1) << order;
    struct mem_page *buddy;

    BASE_ASSERT(idx < mem->nframes && idx % n == 0 && !page->free);
    BASE_ASSERT(!page->busy && !page->queued && page->wired == 0 && page->pv.pmap == NULL);
    if (order == 0 && mem_reservation_return(mem, page))
        return;
    memset(page, 0, (size_t)n * sizeof(*page));
    base_poison(mem_page_bytes(mem, page), (size_t)n << PAGE_SHIFT);
    mem->nfree += n;
    while ((buddy = mem_free_buddy(mem, idx, order)) != NULL) {
        (void)mem_pull_run(mem, buddy);
        idx &= ~(UINT64_C(1) << order);
        order++;
    }
    if (order >= MEM_BLOCK_ORDER)
        mem_block_set(mem, idx, order, false);
    mem_push_run(mem, idx, order, MEM_USED);
}

void
mem_split(struct mem *mem, struct mem_page *page)
{
    (void)mem;
    BASE_ASSERT(!page->free);
    page->order = 0; /* the records of the others say so already */
}

/* Makes the frames of a free run, no longer on a list, claimed ones. */
static void
mem_claim_run(struct mem *mem, struct mem_page *page, unsigned order, uint64_t used)
{
    uint64_t n = UINT64_C(1) << order;

    if (used)
        base_unpoison(mem_page_bytes(mem, page), (size_t)n << PAGE_SHIFT);
    for (uint64_t i = 0; i < n; i++)
        page[i].reserved = 1;
    mem->nfree -= n;
}

uint64_t
mem_claim(struct mem *mem, struct mem_page *block, unsigned order)
{
    uint64_t n = UINT64_C(1) << order, claimed = 0;

    BASE_ASSERT(mem_index(mem, block) % n == 0 && n <= mem->nframes - mem_index(mem, block));
    mem_reservation_break_in(mem, block, order);
    for (struct mem_page *page = block; page < block + n;) {
        unsigned run = page->order;
        if (page->free) {
            BASE_ASSERT(run < order);
            mem_claim_run(mem, page, run, mem_pull_run(mem, page));
            claimed += UINT64_C(1) << run;
        }
        page += UINT64_C(1) << run;
    }
    return claimed;
}

void
mem_claim_page(struct mem *mem, struct mem_page *page)
{
    (void)mem;
    BASE_ASSERT(!page->free && page->order == 0);
    BASE_ASSERT(!page->busy && !page->queued && page->wired == 0 && page->pv.pmap == NULL);
    memset(page, 0, sizeof(*page));
    page->reserved = 1;
}

struct mem_page *
mem_claim_take(struct mem *mem, struct mem_page *block, unsigned order)
{
    uint64_t n = UINT64_C(1) << order;

    (void)mem;
    for (uint64_t i = 0; i < n; i++) {
        BASE_ASSERT(block[i].reserved && !block[i].free);
        block[i].reserved = 0;
    }
    block->order = order & 31u;
    if (order >= MEM_BLOCK_ORDER)
        mem_block_set(mem, mem_index(mem, block), order, false);
    return block;
}

void
mem_claim_drop(struct mem *mem, struct mem_page *block, unsigned order)
{
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
        if (!block[i].reserved)
            continue;
        block[i].reserved = 0;
        mem_free(mem, &block[i]);
    }
}

/* Of free runs: the frames in them; *n: how many they are; *suitable: runs of this order in them.
 */
static uint64_t
mem_count_runs(const uint64_t *runs, unsigned order, uint64_t *n, uint64_t *suitable)
{
    uint64_t frames = 0;

    *n = *suitable = 0;
    for (unsigned at = 0; at <= MEM_ORDER_MAX; at++) {
        frames += runs[at] << at;
        *n += runs[at];
        *suitable += at >= order ? runs[at] << (at - order) : 0;
    }
    return frames;
}

int
mem_fragmentation(const uint64_t *runs, unsigned order)
{
    uint64_t n, suitable;
    uint64_t frames = mem_count_runs(runs, order, &n, &suitable);

    if (n == 0)
        return 0;
    if (suitable > 0)
        return -1000;
    return 1000 - (int)((1000 + (frames * 1000 >> order)) / n);
}

int
mem_unusable(const uint64_t *runs, unsigned order)
{
    uint64_t n, suitable;
    uint64_t frames = mem_count_runs(runs, order, &n, &suitable);

    if (frames == 0)
        return 1000;
    return (int)((frames - (suitable << order)) * 1000 / frames);
}

/* The length of a free list whose every entry is what it should be; UINT64_MAX: one is not. */
static uint64_t
mem_check_list(
    const struct mem *mem, const struct base_node_list *list, unsigned order, bool pinned)
{
    const struct base_node *node;
    uint64_t count = 0;

    TAILQ_FOREACH (node, list, link) {
        const struct mem_page *page = (const struct mem_page *)node;
        uint64_t idx = mem_index(mem, page);
        if (idx >= mem->nframes || idx % (UINT64_C(1) << order) != 0)
            return UINT64_MAX;
        if (mem_block_is_pinned(mem, idx) != pinned)
            return UINT64_MAX;
        if (!page->free || page->order != order || mem_free_buddy(mem, idx, order) != NULL)
            return UINT64_MAX;
        if (++count > mem->nframes)
            return UINT64_MAX;
    }
    return count;
}

/* True if the records of a free run, but for its head's, are as new. */
static bool
mem_check_unused(const struct mem *mem, uint64_t idx, uint64_t n)
{
    static const struct mem_page unused;

    for (uint64_t i = idx + 1; i < idx + n; i++) {
        if (memcmp(&mem->pages[i], &unused, sizeof(unused)) != 0)
            return false;
    }
    return true;
}

/* Goes from run to run through the frame table and counts the free ones by order.  False if the
 * runs do not tile RAM. */
static bool
mem_check_table(const struct mem *mem, uint64_t *runs)
{
    uint64_t idx = 0;

    while (idx < mem->nframes) {
        const struct mem_page *page = &mem->pages[idx];
        uint64_t n = UINT64_C(1) << page->order;
        if (page->order > MEM_ORDER_MAX || idx % n != 0 || n > mem->nframes - idx)
            return false;
        if (page->free && !mem_check_unused(mem, idx, n))
            return false;
        if (page->free)
            runs[page->order]++;
        idx += n;
    }
    return true;
}

bool
mem_check(const struct mem *mem)
{
    uint64_t runs[MEM_ORDER_MAX + 1] = {0};
    uint64_t nfree = 0, pinned = 0;

    if (!mem_check_table(mem, runs))
        return false;
    for (unsigned order = 0; order <= MEM_ORDER_MAX; order++) {
        uint64_t found = mem_check_list(mem, &mem->free[order], order, false);
        if (found == UINT64_MAX || mem->runs[order] != runs[order])
            return false;
        uint64_t more =
            order < MEM_BLOCK_ORDER ? mem_check_list(mem, &mem->pinned[order], order, true) : 0;
        if (more == UINT64_MAX || found + more != runs[order])
            return false;
        nfree += runs[order] << order;
        pinned += more << order;
    }
    return nfree + mem->reservations.nheld == mem->nfree && pinned == mem->nfree_pinned &&
           mem_reservation_check(mem);
}

const struct mem_page *
mem_run_head(const struct mem *mem, const struct mem_page *page)
{
    uint64_t idx = (uint64_t)(page - mem->pages);
    for (unsigned order = MEM_ORDER_MAX; order > 0; order--) {
        const struct mem_page *head = &mem->pages[idx & ~((1ull << order) - 1)];
        if (head->order == order && (head->free || head->owner_kind != MEM_OWNER_NONE))
            return head;
    }
    return page;
}
