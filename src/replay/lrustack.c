/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Distances from a count over time.
 *
 * B. T. Bennett, V. J. Kruskal, "LRU stack processing", IBM Journal of Research and Development
 * 19(4), 1975: each use takes the next slot of a line of slots, the page's former slot is emptied,
 * and a page's depth is the number of slots after its own that are full.  A tree of partial sums
 * counts them.
 *
 * Three things make that quick here:
 *
 *  - The slots are bits.  256 of them, a line, are counted by popcount, and the sums are over
 * lines, in a tree of nodes of 32 neighbours.  Each member of a node has the sum of those before
 * it, so that a look-up is an addition a level, and a change one to all later members, which
 * processors do at once.  Three levels serve for a million pages, and no branch depends on what
 * they hold: a binary indexed tree (Fenwick 1994) takes less memory and twice the time.  The line
 * that is being filled is not in the sums yet, so a new slot costs no update.
 *  - When all slots were used the full ones are moved together, in order.  A page's new slot is its
 *    rank, which bits and sums tell, so no list of pages by slot is needed.  There are four times
 * as many slots as are full, so that this is rare.
 *  - The top of the stack is a short list that is searched from the front: programs use what they
 *    used just now, and what never leaves the list never costs the tree anything.
 *
 * Rejected: Olken's balanced tree of pages (three pointers and a walk with unforeseeable branches a
 * use), a list per page size class (not exact).
 *
 * Invariants: a page is outside, in front (once), or in the slot that slot_of says, whose bit is
 * set; each set bit is one page's or one hole's; holes are a heap, the latest slot first; the pages
 * in front are used later than all slots.
 */
#include "replay/lrustack.h"

#include <string.h>

#include "replay/growing.h"

#define LINE_BITS 256u
#define LINE_WORDS (LINE_BITS / 64)
#define NODE 32u
#define LEVELS_MAX 5u /* 32^5 lines of 256 are more than there are slots */
#define FRONT_MAX 16u /* a power of two */
#define SLOTS_LEAST ((uint64_t)64 * 1024)

/* What slot_of says of a page; else its slot plus IN_SLOT. */
enum { OUTSIDE, IN_FRONT, IN_SLOT };

/* How many uses ahead a page's slot_of, and then its line, are fetched. */
#define AHEAD_PAGE 24u
#define AHEAD_LINE 12u

struct lrustack {
    struct base_alloc *alloc;
    uint32_t *slot_of; /* by page */
    uint64_t room;     /* of slot_of */
    uint32_t pages;    /* all pages told are below it */

    uint32_t front[FRONT_MAX]; /* a ring; front[top] was used last */
    uint32_t top, nfront;

    uint64_t *bits;                  /* by slot: full? */
    uint32_t *sum;                   /* all levels */
    uint32_t *level_sum[LEVELS_MAX]; /* from the lines upwards: of full slots before, in the node */
    uint32_t levels;
    uint32_t nslots; /* a multiple of LINE_BITS */
    uint32_t next;   /* the next slot */
    uint32_t full;   /* slots */
    uint32_t *hole;  /* a heap of slots */
    uint64_t hole_room;
    uint32_t nholes;
};

enum pgw_status
lrustack_create(struct base_alloc *alloc, struct lrustack **stack)
{
    struct lrustack *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    *stack = made;
    return PGW_OK;
}

static size_t
lrustack_bits_bytes(uint32_t nslots)
{
    return nslots / 8;
}

/* The members of all nodes of a level over n below it. */
static uint32_t
lrustack_members(uint32_t n)
{
    return (n + NODE - 1) / NODE * NODE;
}

static size_t
lrustack_sum_bytes(uint32_t nslots)
{
    size_t bytes = 0;

    for (uint32_t n = nslots / LINE_BITS; n > 1; n = lrustack_members(n) / NODE)
        bytes += lrustack_members(n) * sizeof(uint32_t);
    return bytes;
}

static void
lrustack_free_slots(struct base_alloc *alloc, uint64_t *bits, uint32_t *sum, uint32_t nslots)
{
    if (bits != NULL)
        alloc->unmap(alloc, bits, lrustack_bits_bytes(nslots));
    if (sum != NULL)
        alloc->unmap(alloc, sum, lrustack_sum_bytes(nslots));
}

void
lrustack_destroy(struct lrustack *stack)
{
    if (stack == NULL)
        return;
    struct base_alloc *alloc = stack->alloc;
    lrustack_free_slots(alloc, stack->bits, stack->sum, stack->nslots);
    growing_free(alloc, stack->slot_of, stack->room, sizeof *stack->slot_of);
    growing_free(alloc, stack->hole, stack->hole_room, sizeof *stack->hole);
    alloc->unmap(alloc, stack, sizeof *stack);
}

/* ---- counting ---- */

/* The full slots of slot's line up to itself. */
static inline __attribute__((always_inline)) uint32_t
lrustack_line_rank(const struct lrustack *stack, uint32_t slot)
{
    const uint64_t *line = &stack->bits[(size_t)slot / LINE_BITS * LINE_WORDS];
    unsigned last = slot % LINE_BITS / 64;
    uint64_t mask = ~(uint64_t)0 >> (63 - slot % 64);
    unsigned rank = 0;

    for (unsigned i = 0; i < LINE_WORDS; i++) {
        uint64_t counted = i < last ? ~(uint64_t)0 : i == last ? mask : 0;
        rank += (unsigned)__builtin_popcountll(line[i] & counted);
    }
    return rank;
}

/* The full slots of the lines before this one, all of which are closed. */
static inline __attribute__((always_inline)) uint32_t
lrustack_sum(const struct lrustack *stack, uint32_t line)
{
    uint32_t sum = 0;

    for (uint32_t level = 0; level < stack->levels; level++) {
        sum += stack->level_sum[level][line];
        line /= NODE;
    }
    return sum;
}

static inline __attribute__((always_inline)) void
lrustack_add(struct lrustack *stack, uint32_t line, uint32_t delta)
{
    for (uint32_t level = 0; level < stack->levels; level++) {
        uint32_t *node = &stack->level_sum[level][(size_t)line / NODE * NODE];
        for (uint32_t i = 0; i < NODE; i++)
            node[i] += i > line % NODE ? delta : 0;
        line /= NODE;
    }
}

/* The full slots up to slot. */
static inline __attribute__((always_inline)) uint32_t
lrustack_rank(const struct lrustack *stack, uint32_t slot)
{
    return lrustack_sum(stack, slot / LINE_BITS) + lrustack_line_rank(stack, slot);
}

static inline __attribute__((always_inline)) void
lrustack_empty(struct lrustack *stack, uint32_t slot)
{
    stack->bits[slot / 64] &= ~((uint64_t)1 << slot % 64);
    stack->full--;
    if (slot / LINE_BITS != stack->next / LINE_BITS)
        lrustack_add(stack, slot / LINE_BITS, (uint32_t)-1);
}

/* ---- slots ---- */

/* All sums anew. */
static void
lrustack_sum_all(struct lrustack *stack, uint32_t closed)
{
    memset(stack->sum, 0, lrustack_sum_bytes(stack->nslots));
    for (uint32_t line = 0; line < closed; line++)
        lrustack_add(stack, line, lrustack_line_rank(stack, line * LINE_BITS + LINE_BITS - 1));
}

/* Slots 0 to full - 1 are full, and no others. */
static void
lrustack_refill(struct lrustack *stack, uint32_t full)
{
    memset(stack->bits, 0, lrustack_bits_bytes(stack->nslots));
    memset(stack->bits, 0xff, full / 64 * sizeof *stack->bits);
    if (full % 64 != 0)
        stack->bits[full / 64] = ((uint64_t)1 << full % 64) - 1;
    stack->full = stack->next = full;
    lrustack_sum_all(stack, full / LINE_BITS);
}

/* Each page and hole to the slot of its rank. */
static void
lrustack_renumber(struct lrustack *stack)
{
    for (uint32_t page = 0; page < stack->pages; page++) {
        if (stack->slot_of[page] >= IN_SLOT)
            stack->slot_of[page] =
                lrustack_rank(stack, stack->slot_of[page] - IN_SLOT) - 1 + IN_SLOT;
    }
    for (uint32_t i = 0; i < stack->nholes; i++)
        stack->hole[i] = lrustack_rank(stack, stack->hole[i]) - 1;
}

static void
lrustack_compact(struct lrustack *stack)
{
    uint32_t full = stack->full;

    lrustack_renumber(stack);
    lrustack_refill(stack, full);
}

/* The next slot is full.  There is one: see lrustack_ready(). */
static inline __attribute__((always_inline)) uint32_t
lrustack_fill(struct lrustack *stack)
{
    uint32_t slot = stack->next++;

    stack->bits[slot / 64] |= (uint64_t)1 << slot % 64;
    stack->full++;
    if (stack->next % LINE_BITS == 0)
        lrustack_add(stack, slot / LINE_BITS, lrustack_line_rank(stack, slot));
    return slot;
}

static void
lrustack_place_levels(struct lrustack *stack)
{
    uint32_t *at = stack->sum;

    stack->levels = 0;
    for (uint32_t n = stack->nslots / LINE_BITS; n > 1; n = lrustack_members(n) / NODE) {
        stack->level_sum[stack->levels++] = at;
        at += lrustack_members(n);
    }
}

/* As many slots as this many full ones deserve; pages that are long gone are gone through, too,
 * whenever slots are moved together. */
static uint64_t
lrustack_slots_for(const struct lrustack *stack, uint64_t full)
{
    uint64_t want = (uint64_t)4 * full > SLOTS_LEAST ? (uint64_t)4 * full : SLOTS_LEAST;

    want = want > stack->pages ? want : stack->pages;
    return (want + LINE_BITS - 1) / LINE_BITS * LINE_BITS;
}

/* Slots for n more fillings, and as many after them as there are full ones. */
static enum pgw_status
lrustack_ready_slots(struct lrustack *stack, uint64_t n)
{
    if (stack->nslots - stack->next >= n)
        return PGW_OK;
    uint64_t want = lrustack_slots_for(stack, (uint64_t)stack->full + n);
    if (want > UINT32_MAX - IN_SLOT)
        return PGW_NOMEM;
    if (want <= stack->nslots) {
        lrustack_compact(stack);
        return PGW_OK;
    }
    uint64_t *bits = stack->alloc->map(stack->alloc, lrustack_bits_bytes((uint32_t)want));
    uint32_t *sum = stack->alloc->map(stack->alloc, lrustack_sum_bytes((uint32_t)want));
    if (bits == NULL || sum == NULL) {
        lrustack_free_slots(stack->alloc, bits, sum, (uint32_t)want);
        return PGW_NOMEM;
    }
    lrustack_renumber(stack);
    lrustack_free_slots(stack->alloc, stack->bits, stack->sum, stack->nslots);
    stack->bits = bits;
    stack->sum = sum;
    stack->nslots = (uint32_t)want;
    lrustack_place_levels(stack);
    lrustack_refill(stack, stack->full);
    return PGW_OK;
}

static enum pgw_status
lrustack_ready(struct lrustack *stack, uint32_t pages, size_t n)
{
    enum pgw_status status = growing_reserve(
        stack->alloc, (void **)&stack->slot_of, &stack->room, pages, sizeof *stack->slot_of);

    if (status != PGW_OK)
        return status;
    stack->pages = pages > stack->pages ? pages : stack->pages;
    return lrustack_ready_slots(stack, n + FRONT_MAX);
}

/* ---- holes ---- */

static void
lrustack_hole_down(struct lrustack *stack, uint32_t slot)
{
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child + 1 < stack->nholes && stack->hole[child + 1] > stack->hole[child])
            child++;
        if (child >= stack->nholes || stack->hole[child] < slot)
            break;
        stack->hole[i] = stack->hole[child];
        i = child;
    }
    stack->hole[i] = slot;
}

static void
lrustack_hole_put(struct lrustack *stack, uint32_t slot)
{
    uint32_t i = stack->nholes++;

    for (; i > 0 && stack->hole[(i - 1) / 2] < slot; i = (i - 1) / 2)
        stack->hole[i] = stack->hole[(i - 1) / 2];
    stack->hole[i] = slot;
}

static void
lrustack_hole_pop(struct lrustack *stack)
{
    uint32_t last = stack->hole[--stack->nholes];

    if (stack->nholes > 0)
        lrustack_hole_down(stack, last);
}

/* A use of what is not in front takes the topmost hole, which is not below slot. */
static void
lrustack_take_hole(struct lrustack *stack, uint32_t at)
{
    uint32_t hole = stack->hole[0];

    if (at == OUTSIDE)
        lrustack_hole_pop(stack);
    else
        lrustack_hole_down(stack, at - IN_SLOT);
    lrustack_empty(stack, hole);
}

/* ---- the front ---- */

static inline __attribute__((always_inline)) void
lrustack_push(struct lrustack *stack, uint32_t page)
{
    stack->top = (stack->top - 1) % FRONT_MAX;
    if (stack->nfront == FRONT_MAX)
        stack->slot_of[stack->front[stack->top]] = lrustack_fill(stack) + IN_SLOT;
    else
        stack->nfront++;
    stack->front[stack->top] = page;
    stack->slot_of[page] = IN_FRONT;
}

/* All pages in front get slots.  The caller has seen to it that there are. */
static void
lrustack_flush(struct lrustack *stack)
{
    for (; stack->nfront > 0; stack->nfront--) {
        uint32_t page = stack->front[(stack->top + stack->nfront - 1) % FRONT_MAX];
        stack->slot_of[page] = lrustack_fill(stack) + IN_SLOT;
    }
}

/* How many pages in front are above page, which is one of them. */
static inline __attribute__((always_inline)) uint32_t
lrustack_above(const struct lrustack *stack, uint32_t page)
{
    uint32_t i = 0;

    while (stack->front[(stack->top + i) % FRONT_MAX] != page)
        i++;
    return i;
}

static inline __attribute__((always_inline)) uint32_t
lrustack_use_front(struct lrustack *stack, uint32_t page)
{
    uint32_t above = lrustack_above(stack, page);

    for (uint32_t i = above; i > 0; i--)
        stack->front[(stack->top + i) % FRONT_MAX] = stack->front[(stack->top + i - 1) % FRONT_MAX];
    stack->front[stack->top] = page;
    return above + 1;
}

/* ---- uses ---- */

static inline __attribute__((always_inline)) uint32_t
lrustack_depth_of_slot(const struct lrustack *stack, uint32_t slot)
{
    return stack->nfront + stack->full - lrustack_rank(stack, slot) + 1;
}

static inline __attribute__((always_inline)) uint32_t
lrustack_use_one(struct lrustack *stack, uint32_t page)
{
    uint32_t at = stack->slot_of[page], distance = LRUSTACK_FIRST;

    if (at == IN_FRONT)
        return lrustack_use_front(stack, page);
    if (at != OUTSIDE)
        distance = lrustack_depth_of_slot(stack, at - IN_SLOT);
    if (__builtin_expect(stack->nholes > 0, 0) && (at == OUTSIDE || stack->hole[0] > at - IN_SLOT))
        lrustack_take_hole(stack, at);
    else if (at != OUTSIDE)
        lrustack_empty(stack, at - IN_SLOT);
    lrustack_push(stack, page);
    return distance;
}

static inline __attribute__((always_inline)) void
lrustack_use_all(
    struct lrustack *stack, const struct policy_touch *touch, size_t n, uint32_t *distance)
{
    size_t i = 0;

    for (; i + AHEAD_PAGE < n; i++) {
        uint32_t at = stack->slot_of[touch[i + AHEAD_LINE].page];
        __builtin_prefetch(&stack->slot_of[touch[i + AHEAD_PAGE].page], 1);
        __builtin_prefetch(&stack->bits[(size_t)at / LINE_BITS * LINE_WORDS], 1);
        distance[i] = lrustack_use_one(stack, touch[i].page);
    }
    for (; i < n; i++)
        distance[i] = lrustack_use_one(stack, touch[i].page);
}

#if defined(__x86_64__)
/* The same for processors that count bits in one instruction and add eight numbers in another, as
 * all do since 2013, though a program for any x86-64 may not use these unasked. */
static __attribute__((target("popcnt,avx2"))) void
lrustack_use_quick(
    struct lrustack *stack, const struct policy_touch *touch, size_t n, uint32_t *distance)
{
    lrustack_use_all(stack, touch, n, distance);
}
#endif

enum pgw_status
lrustack_use(struct lrustack *stack, const struct policy_touch *touch, size_t n, uint32_t pages,
    uint32_t *distance)
{
    enum pgw_status status = lrustack_ready(stack, pages, n);

    if (status != PGW_OK)
        return status;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt") && __builtin_cpu_supports("avx2")) {
        lrustack_use_quick(stack, touch, n, distance);
        return PGW_OK;
    }
#endif
    lrustack_use_all(stack, touch, n, distance);
    return PGW_OK;
}

/* ---- pages that go ---- */

static bool
lrustack_has(const struct lrustack *stack, uint32_t page)
{
    return page < stack->pages && stack->slot_of[page] != OUTSIDE;
}

uint32_t
lrustack_depth(struct lrustack *stack, uint32_t page)
{
    if (!lrustack_has(stack, page))
        return LRUSTACK_FIRST;
    if (stack->slot_of[page] == IN_FRONT)
        return lrustack_above(stack, page) + 1;
    return lrustack_depth_of_slot(stack, stack->slot_of[page] - IN_SLOT);
}

enum pgw_status
lrustack_forget(struct lrustack *stack, uint32_t page)
{
    if (!lrustack_has(stack, page))
        return PGW_OK;
    enum pgw_status status = growing_reserve(stack->alloc, (void **)&stack->hole, &stack->hole_room,
        (uint64_t)stack->nholes + 1, sizeof *stack->hole);
    if (status == PGW_OK && stack->slot_of[page] == IN_FRONT)
        status = lrustack_ready_slots(stack, FRONT_MAX);
    if (status != PGW_OK)
        return status;
    if (stack->slot_of[page] == IN_FRONT)
        lrustack_flush(stack);
    lrustack_hole_put(stack, stack->slot_of[page] - IN_SLOT);
    stack->slot_of[page] = OUTSIDE;
    return PGW_OK;
}

void
lrustack_drop(struct lrustack *stack, uint32_t page)
{
    if (!lrustack_has(stack, page))
        return;
    if (stack->slot_of[page] == IN_FRONT) {
        (void)lrustack_use_front(stack, page);
        stack->top = (stack->top + 1) % FRONT_MAX;
        stack->nfront--;
    } else {
        lrustack_empty(stack, stack->slot_of[page] - IN_SLOT);
    }
    stack->slot_of[page] = OUTSIDE;
}

uint32_t
lrustack_height(const struct lrustack *stack)
{
    return stack->nfront + stack->full;
}

uint64_t
lrustack_bytes(const struct lrustack *stack)
{
    return sizeof *stack + stack->pages * sizeof *stack->slot_of +
           lrustack_bits_bytes(stack->nslots) + lrustack_sum_bytes(stack->nslots) +
           stack->nholes * sizeof *stack->hole;
}

/* ---- for tests ---- */

static bool
lrustack_check_pages(const struct lrustack *stack)
{
    uint32_t front = 0, slots = 0;

    for (uint32_t page = 0; page < stack->pages; page++) {
        uint32_t at = stack->slot_of[page];
        front += at == IN_FRONT;
        slots += at >= IN_SLOT;
        if (at >= IN_SLOT && (stack->bits[(at - IN_SLOT) / 64] >> (at - IN_SLOT) % 64 & 1) == 0)
            return false;
    }
    return front == stack->nfront && slots + stack->nholes == stack->full;
}

bool
lrustack_check(const struct lrustack *stack)
{
    uint32_t full = 0;

    for (uint32_t i = 1; i < stack->nholes; i++) {
        if (stack->hole[i] >= stack->hole[(i - 1) / 2])
            return false;
    }
    for (uint32_t line = 0; line < stack->nslots / LINE_BITS; line++) {
        if (line <= stack->next / LINE_BITS && lrustack_sum(stack, line) != full)
            return false;
        full += lrustack_line_rank(stack, line * LINE_BITS + LINE_BITS - 1);
    }
    return full == stack->full && lrustack_check_pages(stack);
}
