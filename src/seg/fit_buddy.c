/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy system (Knowlton 1965): partitions are rounded up to a power of two and aligned to it.
 * What a partition does not use of its block is lost to everybody (internal fragmentation,
 * counted).
 *
 * A byte a frame: order + 1 of the block that begins there, free or taken, 0 inside a block; and
 * a bit beside it.  RAM that is no power of two starts as the largest aligned blocks that fit.
 * A block is found by going from block to block: they are few, as partitions are.
 */
#include "seg/fit.h"

#include "base/assert.h"

#define BUDDY_FREE 0x80u

struct buddy {
    struct seg_fit fit;
    struct base_alloc *alloc;
    uint64_t npages;
    uint64_t nfree; /* frames in free blocks */
    uint64_t lost;  /* frames in taken blocks beyond what was asked for */
    uint8_t heads[];
};

static struct buddy *
buddy_of(struct seg_fit *fit)
{
    return (struct buddy *)fit;
}

static unsigned
buddy_order(uint64_t n)
{
    return n <= 1 ? 0 : 64u - (unsigned)__builtin_clzll(n - 1);
}

static uint64_t
buddy_size(const struct buddy *buddy, uint64_t at)
{
    return UINT64_C(1) << ((buddy->heads[at] & ~BUDDY_FREE) - 1u);
}

static bool
buddy_is_free(const struct buddy *buddy, uint64_t at)
{
    return (buddy->heads[at] & BUDDY_FREE) != 0;
}

static void
buddy_set(struct buddy *buddy, uint64_t at, unsigned order, bool free)
{
    buddy->heads[at] = (uint8_t)((order + 1u) | (free ? BUDDY_FREE : 0u));
}

static enum pgw_status
buddy_create(struct base_alloc *alloc, uint64_t npages, struct seg_fit **fit)
{
    struct buddy *buddy = alloc->map(alloc, sizeof *buddy + npages);

    if (buddy == NULL)
        return PGW_NOMEM;
    buddy->fit.ops = &seg_fit_buddy;
    buddy->alloc = alloc;
    buddy->npages = buddy->nfree = npages;
    for (uint64_t at = 0; at < npages;) {
        unsigned order = 63u - (unsigned)__builtin_clzll(npages - at);
        if (at != 0 && (unsigned)__builtin_ctzll(at) < order)
            order = (unsigned)__builtin_ctzll(at);
        buddy_set(buddy, at, order, true);
        at += UINT64_C(1) << order;
    }
    *fit = &buddy->fit;
    return PGW_OK;
}

static void
buddy_destroy(struct seg_fit *fit)
{
    struct buddy *buddy = buddy_of(fit);

    buddy->alloc->unmap(buddy->alloc, buddy, sizeof *buddy + buddy->npages);
}

/* Halves the free block at `at` down to the one of this order that holds frame want. */
static void
buddy_split(struct buddy *buddy, uint64_t at, unsigned order, uint64_t want)
{
    unsigned now = (buddy->heads[at] & ~BUDDY_FREE) - 1u;

    while (now > order) {
        now--;
        uint64_t upper = at + (UINT64_C(1) << now);
        buddy_set(buddy, at, now, true);
        buddy_set(buddy, upper, now, true);
        if (want >= upper)
            at = upper;
    }
}

static void
buddy_take(struct buddy *buddy, uint64_t at, uint64_t n)
{
    unsigned order = buddy_order(n);

    buddy_set(buddy, at, order, false);
    buddy->nfree -= UINT64_C(1) << order;
    buddy->lost += (UINT64_C(1) << order) - n;
}

static uint64_t
buddy_alloc(struct seg_fit *fit, uint64_t n)
{
    struct buddy *buddy = buddy_of(fit);
    uint64_t best = SEG_FIT_NONE;

    if (n > buddy->npages)
        return SEG_FIT_NONE;
    for (uint64_t at = 0; at < buddy->npages; at += buddy_size(buddy, at)) {
        if (!buddy_is_free(buddy, at) || buddy_size(buddy, at) < n)
            continue;
        if (best == SEG_FIT_NONE || buddy_size(buddy, at) < buddy_size(buddy, best))
            best = at;
    }
    if (best == SEG_FIT_NONE)
        return SEG_FIT_NONE;
    buddy_split(buddy, best, buddy_order(n), best);
    buddy_take(buddy, best, n);
    return best;
}

static bool
buddy_alloc_at(struct seg_fit *fit, uint64_t first, uint64_t n)
{
    struct buddy *buddy = buddy_of(fit);
    uint64_t at = first;

    if (first >= buddy->npages || n > buddy->npages - first)
        return false;
    if (first % (UINT64_C(1) << buddy_order(n)) != 0)
        return false;
    while (buddy->heads[at] == 0)
        at--;
    if (!buddy_is_free(buddy, at) || at + buddy_size(buddy, at) < first + n)
        return false;
    buddy_split(buddy, at, buddy_order(n), first);
    buddy_take(buddy, first, n);
    return true;
}

/* Joins the free block at `at` with its buddy as long as that is free and whole. */
static void
buddy_join(struct buddy *buddy, uint64_t at)
{
    for (;;) {
        unsigned order = (buddy->heads[at] & ~BUDDY_FREE) - 1u;
        uint64_t other = at ^ UINT64_C(1) << order;
        if (other >= buddy->npages || buddy->heads[other] != buddy->heads[at])
            return;
        uint64_t lower = at < other ? at : other;
        buddy->heads[at < other ? other : at] = 0;
        buddy_set(buddy, lower, order + 1, true);
        at = lower;
    }
}

static void
buddy_free(struct seg_fit *fit, uint64_t first, uint64_t n)
{
    struct buddy *buddy = buddy_of(fit);
    unsigned order = buddy_order(n);

    BASE_ASSERT(first < buddy->npages && buddy->heads[first] == order + 1u);
    buddy_set(buddy, first, order, true);
    buddy->nfree += UINT64_C(1) << order;
    buddy->lost -= (UINT64_C(1) << order) - n;
    buddy_join(buddy, first);
}

/* Upwards only: a partition begins where its block does. */
static bool
buddy_resize(struct seg_fit *fit, uint64_t *first, uint64_t old, uint64_t new, bool down)
{
    if (down && new != old)
        return false;
    buddy_free(fit, *first, old);
    if (buddy_alloc_at(fit, *first, new))
        return true;
    bool back = buddy_alloc_at(fit, *first, old);
    BASE_ASSERT(back);
    return false;
}

static bool
buddy_hole(const struct seg_fit *fit, uint64_t at, uint64_t *first, uint64_t *n)
{
    const struct buddy *buddy = (const struct buddy *)fit;

    for (uint64_t block = 0; block < buddy->npages; block += buddy_size(buddy, block)) {
        if (!buddy_is_free(buddy, block) || block + buddy_size(buddy, block) <= at)
            continue;
        *first = block;
        *n = buddy_size(buddy, block);
        return true;
    }
    return false;
}

static void
buddy_counts(const struct seg_fit *fit, struct seg_fit_counts *counts)
{
    const struct buddy *buddy = (const struct buddy *)fit;

    *counts = (struct seg_fit_counts){.free = buddy->nfree, .lost = buddy->lost};
    for (uint64_t at = 0; at < buddy->npages; at += buddy_size(buddy, at)) {
        if (!buddy_is_free(buddy, at))
            continue;
        counts->holes++;
        if (buddy_size(buddy, at) > counts->largest)
            counts->largest = buddy_size(buddy, at);
    }
}

/* Blocks tile RAM, aligned; no two free buddies; nothing but heads is marked. */
static bool
buddy_check(const struct seg_fit *fit)
{
    const struct buddy *buddy = (const struct buddy *)fit;
    uint64_t nfree = 0;

    for (uint64_t at = 0; at < buddy->npages;) {
        if (buddy->heads[at] == 0)
            return false;
        uint64_t size = buddy_size(buddy, at);
        if (at % size != 0 || size > buddy->npages - at)
            return false;
        if (buddy_is_free(buddy, at)) {
            nfree += size;
            if ((at ^ size) < buddy->npages && buddy->heads[at ^ size] == buddy->heads[at])
                return false;
        }
        for (uint64_t i = at + 1; i < at + size; i++)
            if (buddy->heads[i] != 0)
                return false;
        at += size;
    }
    return nfree == buddy->nfree;
}

const struct seg_fit_ops seg_fit_buddy = {
    .name = "buddy",
    .summary = "blocks of powers of two that halve and join",
    .movable = false,
    .create = buddy_create,
    .destroy = buddy_destroy,
    .alloc = buddy_alloc,
    .alloc_at = buddy_alloc_at,
    .free = buddy_free,
    .resize = buddy_resize,
    .hole = buddy_hole,
    .counts = buddy_counts,
    .check = buddy_check,
};
