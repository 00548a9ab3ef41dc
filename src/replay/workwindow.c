/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One list of all pages in the order of their last use serves every window: a window's set is the
 * later end of the list, from `oldest` on.  Time moves `oldest` on as pages fall out, a use takes
 * its page to the end, and either is O(1) a window, amortised.  In a run of references to one page
 * time jumps from one page's falling out to the next.
 *
 * Invariants: the list holds the pages with last != 0, in the order of last, all different;
 * `oldest` is the first with last > now - tau, NONE if there is none; size counts from there to the
 * end.
 */
#include "replay/workwindow.h"

#include "replay/growing.h"

#define NONE UINT32_MAX

struct workwindow_page {
    uint64_t last; /* the time of its last use; 0: not used, or gone */
    uint32_t older, newer;
};

struct workwindow_one {
    uint64_t tau, size;
    uint32_t oldest;
    uint64_t intervals;
    uint64_t *times; /* by size: for how long it was so */
    uint64_t times_room;
    uint64_t slice[WORKWINDOW_SLICES];
};

struct workwindow {
    struct base_alloc *alloc;
    struct workwindow_page *page;
    uint64_t page_room;
    uint32_t oldest, newest;
    uint64_t live; /* pages in the list */
    uint64_t now;  /* references so far */
    uint64_t slice_len, slice_end;
    unsigned slice; /* the one that is being filled */
    uint64_t interval[WORKWINDOW_INTERVALS];
    unsigned n;
    struct workwindow_one one[WORKWINDOWS_MAX];
};

enum pgw_status
workwindow_create(
    struct base_alloc *alloc, const uint64_t *tau, unsigned n, struct workwindow **windows)
{
    struct workwindow *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->oldest = made->newest = NONE;
    made->slice_len = made->slice_end = 1;
    made->n = n;
    for (unsigned i = 0; i < n; i++) {
        made->one[i].tau = tau[i];
        made->one[i].oldest = NONE;
    }
    *windows = made;
    return PGW_OK;
}

void
workwindow_destroy(struct workwindow *windows)
{
    if (windows == NULL)
        return;
    struct base_alloc *alloc = windows->alloc;
    growing_free(alloc, windows->page, windows->page_room, sizeof *windows->page);
    for (unsigned i = 0; i < windows->n; i++)
        growing_free(alloc, windows->one[i].times, windows->one[i].times_room, sizeof(uint64_t));
    alloc->unmap(alloc, windows, sizeof *windows);
}

/* ---- the list ---- */

static void
workwindow_unlink(struct workwindow *windows, struct workwindow_page *page)
{
    if (page->older != NONE)
        windows->page[page->older].newer = page->newer;
    else
        windows->oldest = page->newer;
    if (page->newer != NONE)
        windows->page[page->newer].older = page->older;
    else
        windows->newest = page->older;
}

static void
workwindow_link(struct workwindow *windows, uint32_t number)
{
    struct workwindow_page *page = &windows->page[number];

    page->older = windows->newest;
    page->newer = NONE;
    if (windows->newest != NONE)
        windows->page[windows->newest].newer = number;
    else
        windows->oldest = number;
    windows->newest = number;
}

/* ---- one window ---- */

static inline bool
workwindow_has(const struct workwindow_one *one, const struct workwindow_page *page, uint64_t now)
{
    return page->last != 0 && page->last + one->tau > now;
}

static inline uint64_t
workwindow_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Page leaves it for another reason than age, or is about to be the newest. */
static inline void
workwindow_leave(struct workwindow *windows, struct workwindow_one *one, uint32_t number)
{
    one->size--;
    if (one->oldest == number)
        one->oldest = windows->page[number].newer;
}

/* Before page is used at time now: it leaves the set, as do those that are too old now. */
static inline void
workwindow_expire(struct workwindow *windows, struct workwindow_one *one, uint32_t number)
{
    const struct workwindow_page *page = &windows->page[number];
    uint64_t now = windows->now;

    while (one->oldest != NONE && windows->page[one->oldest].last + one->tau <= now) {
        one->oldest = windows->page[one->oldest].newer;
        one->size--;
    }
    if (workwindow_has(one, page, now))
        workwindow_leave(windows, one, number);
    one->intervals += page->last != 0 ? workwindow_least(now - page->last, one->tau) : 0;
}

/* The page, now the newest, is used from now until before end; others fall out meanwhile. */
static inline void
workwindow_hold(
    struct workwindow *windows, struct workwindow_one *one, uint32_t number, uint64_t end)
{
    uint64_t at = windows->now, sum = 0;

    one->size++;
    one->oldest = one->oldest == NONE ? number : one->oldest;
    while (one->oldest != number && windows->page[one->oldest].last + one->tau < end) {
        uint64_t falls = windows->page[one->oldest].last + one->tau;
        one->times[one->size] += falls - at;
        sum += (falls - at) * one->size;
        at = falls;
        one->oldest = windows->page[one->oldest].newer;
        one->size--;
    }
    one->times[one->size] += end - at;
    one->slice[windows->slice] += sum + (end - at) * one->size;
    one->intervals += end - windows->now - 1;
}

/* ---- slices ---- */

/* Twos become one. */
static void
workwindow_merge_slices(struct workwindow *windows)
{
    for (unsigned i = 0; i < windows->n; i++) {
        uint64_t *slice = windows->one[i].slice;
        for (unsigned k = 0; k < WORKWINDOW_SLICES / 2; k++)
            slice[k] = slice[(size_t)2 * k] + slice[(size_t)2 * k + 1];
        memset(slice + WORKWINDOW_SLICES / 2, 0, WORKWINDOW_SLICES / 2 * sizeof *slice);
    }
    windows->slice_len *= 2;
    windows->slice = WORKWINDOW_SLICES / 2;
}

static inline void
workwindow_turn(struct workwindow *windows)
{
    if (windows->now != windows->slice_end)
        return;
    if (++windows->slice == WORKWINDOW_SLICES)
        workwindow_merge_slices(windows);
    windows->slice_end += windows->slice_len;
}

/* ---- uses ---- */

static inline unsigned
workwindow_log(uint64_t n)
{
    return 63u - (unsigned)__builtin_clzll(n);
}

/* count references to one page, all in one slice. */
static void
workwindow_run(struct workwindow *windows, uint32_t number, uint64_t count)
{
    struct workwindow_page *page = &windows->page[number];
    uint64_t end = windows->now + 1 + count;

    windows->now++;
    for (unsigned i = 0; i < windows->n; i++)
        workwindow_expire(windows, &windows->one[i], number);
    if (page->last != 0) {
        windows->interval[workwindow_log(windows->now - page->last)]++;
        workwindow_unlink(windows, page);
    } else {
        windows->live++;
    }
    windows->interval[0] += count - 1;
    page->last = end - 1;
    workwindow_link(windows, number);
    for (unsigned i = 0; i < windows->n; i++)
        workwindow_hold(windows, &windows->one[i], number, end);
    windows->now = end - 1;
    workwindow_turn(windows);
}

static enum pgw_status
workwindow_ready(struct workwindow *windows, size_t n, uint32_t pages)
{
    enum pgw_status status = growing_reserve(
        windows->alloc, (void **)&windows->page, &windows->page_room, pages, sizeof *windows->page);

    for (unsigned i = 0; i < windows->n && status == PGW_OK; i++) {
        struct workwindow_one *one = &windows->one[i];
        uint64_t largest = workwindow_least(windows->live + n, one->tau);
        status = growing_reserve(windows->alloc, (void **)&one->times, &one->times_room,
            largest + 1, sizeof *one->times);
    }
    return status;
}

enum pgw_status
workwindow_use(
    struct workwindow *windows, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    enum pgw_status status = workwindow_ready(windows, n, pages);

    if (status != PGW_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        uint64_t left = touch[i].count;
        while (left > 0) {
            uint64_t part = workwindow_least(left, windows->slice_end - windows->now);
            workwindow_run(windows, touch[i].page, part);
            left -= part;
        }
    }
    return PGW_OK;
}

/* The last interval of a page ends after time now. */
static void
workwindow_end(struct workwindow *windows, const struct workwindow_page *page)
{
    uint64_t interval = windows->now - page->last + 1;

    for (unsigned i = 0; i < windows->n; i++)
        windows->one[i].intervals += workwindow_least(interval, windows->one[i].tau);
}

void
workwindow_forget(struct workwindow *windows, uint32_t number)
{
    if (number >= windows->page_room || windows->page[number].last == 0)
        return;
    struct workwindow_page *page = &windows->page[number];
    workwindow_end(windows, page);
    for (unsigned i = 0; i < windows->n; i++) {
        if (workwindow_has(&windows->one[i], page, windows->now))
            workwindow_leave(windows, &windows->one[i], number);
    }
    workwindow_unlink(windows, page);
    page->last = 0;
    windows->live--;
}

void
workwindow_finish(struct workwindow *windows)
{
    for (uint32_t at = windows->oldest; at != NONE; at = windows->page[at].newer)
        workwindow_end(windows, &windows->page[at]);
}

/* ---- figures ---- */

/* The least size that so many percent of all times do not exceed; 0: the least of all. */
static uint64_t
workwindow_rank(const struct workwindow_one *one, uint64_t now, unsigned percent)
{
    uint64_t want = now / 100 * percent + (now % 100 * percent + 99) / 100, seen = 0;

    want = want > 0 ? want : 1;
    for (uint64_t size = 0; size < one->times_room; size++) {
        seen += one->times[size];
        if (seen >= want)
            return size;
    }
    return 0;
}

void
workwindow_figures(const struct workwindow *windows, unsigned i, struct workwindow_figures *figures)
{
    const struct workwindow_one *one = &windows->one[i];
    uint64_t now = windows->now;

    *figures = (struct workwindow_figures){
        .tau = one->tau,
        .min = workwindow_rank(one, now, 0),
        .p10 = workwindow_rank(one, now, 10),
        .p50 = workwindow_rank(one, now, 50),
        .p90 = workwindow_rank(one, now, 90),
        .max = workwindow_rank(one, now, 100),
        .intervals = one->intervals,
    };
    for (uint64_t size = 0; size < one->times_room; size++)
        figures->sum += size * one->times[size];
}

uint64_t
workwindow_references(const struct workwindow *windows)
{
    return windows->now;
}

unsigned
workwindow_slices(
    const struct workwindow *windows, unsigned i, uint64_t sum[WORKWINDOW_SLICES], uint64_t *slice)
{
    *slice = windows->slice_len;
    memcpy(sum, windows->one[i].slice, sizeof windows->one[i].slice);
    return windows->slice + (windows->now + windows->slice_len > windows->slice_end ? 1u : 0u);
}

void
workwindow_intervals(const struct workwindow *windows, uint64_t count[WORKWINDOW_INTERVALS])
{
    memcpy(count, windows->interval, sizeof windows->interval);
}
