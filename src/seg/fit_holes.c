/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First, best, next and worst fit, over one map of the frames: a bit a frame, set while it is free.
 *
 * A hole is a run of set bits; nothing else is kept, so holes join by themselves, freeing and
 * resizing need no record and cannot fail, and compaction, which runs when memory is short, takes
 * none.  A search reads a bit a frame, 64 at a time: segments are few and large, and are placed
 * far more seldom than they are used.  Knuth's list of holes with boundary tags (The Art of
 * Computer Programming vol. 1, 2.5) was rejected: its records would have to lie either in the free
 * frames, which only the program's bytes are meant for, or in memory that may be short.
 *
 * The methods differ in one function: which of the holes that are large enough.  Of equal ones they
 * take the lowest; next fit goes on where the last partition ended, and around.
 */
#include "seg/fit.h"

#include "base/assert.h"
#include "base/size.h"

#define HOLES_BITS 64u

struct holes {
    struct seg_fit fit;
    struct base_alloc *alloc;
    uint64_t npages;
    uint64_t nfree;
    uint64_t rover; /* next fit: where the search goes on */
    uint64_t bits[];
};

static size_t
holes_len(uint64_t npages)
{
    return sizeof(struct holes) + (npages + HOLES_BITS - 1) / HOLES_BITS * sizeof(uint64_t);
}

static struct holes *
holes_of(struct seg_fit *fit)
{
    return (struct holes *)fit;
}

/* The first frame at or above `at` that is free, or taken; npages: none. */
static uint64_t
holes_seek(const struct holes *holes, uint64_t at, bool free)
{
    while (at < holes->npages) {
        uint64_t word = holes->bits[at / HOLES_BITS];
        word = (free ? word : ~word) >> at % HOLES_BITS;
        if (word != 0) {
            at += (unsigned)__builtin_ctzll(word);
            return at < holes->npages ? at : holes->npages;
        }
        at = (at / HOLES_BITS + 1) * HOLES_BITS;
    }
    return holes->npages;
}

/* The next hole that begins, or goes on, at or above `at`. */
static bool
holes_next(const struct holes *holes, uint64_t at, uint64_t *first, uint64_t *n)
{
    *first = holes_seek(holes, at, true);
    if (*first == holes->npages)
        return false;
    *n = holes_seek(holes, *first, false) - *first;
    return true;
}

static bool
holes_are(const struct holes *holes, uint64_t first, uint64_t n, bool free)
{
    return first <= holes->npages && n <= holes->npages - first &&
           holes_seek(holes, first, !free) >= first + n;
}

static void
holes_mark(struct holes *holes, uint64_t first, uint64_t n, bool free)
{
    for (uint64_t at = first; at < first + n;) {
        uint64_t bit = at % HOLES_BITS;
        uint64_t run = HOLES_BITS - bit < first + n - at ? HOLES_BITS - bit : first + n - at;
        uint64_t mask = (run == HOLES_BITS ? UINT64_MAX : (UINT64_C(1) << run) - 1) << bit;
        if (free)
            holes->bits[at / HOLES_BITS] |= mask;
        else
            holes->bits[at / HOLES_BITS] &= ~mask;
        at += run;
    }
    holes->nfree += free ? n : -n;
}

static enum pgw_status
holes_create(
    struct base_alloc *alloc, uint64_t npages, const struct seg_fit_ops *ops, struct seg_fit **fit)
{
    struct holes *holes = alloc->map(alloc, holes_len(npages));

    if (holes == NULL)
        return PGW_NOMEM;
    holes->fit.ops = ops;
    holes->alloc = alloc;
    holes->npages = npages;
    holes_mark(holes, 0, npages, true);
    *fit = &holes->fit;
    return PGW_OK;
}

static void
holes_destroy(struct seg_fit *fit)
{
    struct holes *holes = holes_of(fit);

    holes->alloc->unmap(holes->alloc, holes, holes_len(holes->npages));
}

static uint64_t
holes_take(struct holes *holes, uint64_t first, uint64_t n)
{
    if (first != SEG_FIT_NONE)
        holes_mark(holes, first, n, false);
    return first;
}

/* The lowest place for n frames at or above `at`. */
static uint64_t
holes_find_from(const struct holes *holes, uint64_t at, uint64_t n)
{
    uint64_t first, len;

    for (; holes_next(holes, at, &first, &len); at = first + len)
        if (len >= n)
            return first;
    return SEG_FIT_NONE;
}

static uint64_t
first_alloc(struct seg_fit *fit, uint64_t n)
{
    return holes_take(holes_of(fit), holes_find_from(holes_of(fit), 0, n), n);
}

static uint64_t
next_alloc(struct seg_fit *fit, uint64_t n)
{
    struct holes *holes = holes_of(fit);
    uint64_t first = holes_find_from(holes, holes->rover, n);

    if (first == SEG_FIT_NONE)
        first = holes_find_from(holes, 0, n);
    if (first != SEG_FIT_NONE)
        holes->rover = first + n;
    return holes_take(holes, first, n);
}

/* The smallest, or the largest, hole of n frames at least. */
static uint64_t
holes_find_by_size(const struct holes *holes, uint64_t n, bool largest)
{
    uint64_t found = SEG_FIT_NONE;
    uint64_t found_len = 0;
    uint64_t first, len;

    for (uint64_t at = 0; holes_next(holes, at, &first, &len); at = first + len) {
        if (len < n)
            continue;
        if (found == SEG_FIT_NONE || (largest ? len > found_len : len < found_len)) {
            found = first;
            found_len = len;
        }
    }
    return found;
}

static uint64_t
best_alloc(struct seg_fit *fit, uint64_t n)
{
    return holes_take(holes_of(fit), holes_find_by_size(holes_of(fit), n, false), n);
}

static uint64_t
worst_alloc(struct seg_fit *fit, uint64_t n)
{
    return holes_take(holes_of(fit), holes_find_by_size(holes_of(fit), n, true), n);
}

static bool
holes_alloc_at(struct seg_fit *fit, uint64_t first, uint64_t n)
{
    if (!holes_are(holes_of(fit), first, n, true))
        return false;
    holes_mark(holes_of(fit), first, n, false);
    return true;
}

static void
holes_free(struct seg_fit *fit, uint64_t first, uint64_t n)
{
    BASE_ASSERT(holes_are(holes_of(fit), first, n, false));
    holes_mark(holes_of(fit), first, n, true);
}

static bool
holes_resize(struct seg_fit *fit, uint64_t *first, uint64_t old, uint64_t new, bool down)
{
    uint64_t end = *first + old;

    if (new <= old) {
        holes_free(fit, down ? *first : *first + new, old - new);
        *first += down ? old - new : 0;
        return true;
    }
    uint64_t more = new - old;
    if (down && more > *first)
        return false;
    if (!holes_alloc_at(fit, down ? *first - more : end, more))
        return false;
    *first -= down ? more : 0;
    return true;
}

static bool
holes_hole(const struct seg_fit *fit, uint64_t at, uint64_t *first, uint64_t *n)
{
    const struct holes *holes = (const struct holes *)fit;

    if (!holes_next(holes, at, first, n))
        return false;
    for (; *first > 0 && holes_are(holes, *first - 1, 1, true); (*n)++)
        (*first)--;
    return true;
}

static void
holes_counts(const struct seg_fit *fit, struct seg_fit_counts *counts)
{
    const struct holes *holes = (const struct holes *)fit;
    uint64_t first, len;

    *counts = (struct seg_fit_counts){.free = holes->nfree};
    for (uint64_t at = 0; holes_next(holes, at, &first, &len); at = first + len) {
        counts->holes++;
        if (len > counts->largest)
            counts->largest = len;
    }
}

static bool
holes_check(const struct seg_fit *fit)
{
    const struct holes *holes = (const struct holes *)fit;
    uint64_t words = (holes->npages + HOLES_BITS - 1) / HOLES_BITS;
    uint64_t count = 0;

    for (uint64_t i = 0; i < words; i++)
        count += (unsigned)__builtin_popcountll(holes->bits[i]);
    if (holes->npages % HOLES_BITS != 0 &&
        holes->bits[words - 1] >> holes->npages % HOLES_BITS != 0)
        return false;
    return count == holes->nfree && holes->rover <= holes->npages;
}

#define HOLES_METHOD(METHOD, SUMMARY)                                                              \
    static enum pgw_status METHOD##_create(                                                        \
        struct base_alloc *alloc, uint64_t npages, struct seg_fit **fit)                           \
    {                                                                                              \
        return holes_create(alloc, npages, &seg_fit_##METHOD, fit);                                \
    }                                                                                              \
    const struct seg_fit_ops seg_fit_##METHOD = {                                                  \
        .name = #METHOD,                                                                           \
        .summary = (SUMMARY),                                                                      \
        .movable = true,                                                                           \
        .create = METHOD##_create,                                                                 \
        .destroy = holes_destroy,                                                                  \
        .alloc = METHOD##_alloc,                                                                   \
        .alloc_at = holes_alloc_at,                                                                \
        .free = holes_free,                                                                        \
        .resize = holes_resize,                                                                    \
        .hole = holes_hole,                                                                        \
        .counts = holes_counts,                                                                    \
        .check = holes_check,                                                                      \
    }

HOLES_METHOD(first, "the lowest hole that is large enough");
HOLES_METHOD(best, "the smallest hole that is large enough");
HOLES_METHOD(next, "the next hole that is large enough, from where the last search ended");
HOLES_METHOD(worst, "the largest hole");
