/* SPDX-License-Identifier: BSD-2-Clause */
/* CLOCK-Pro: the circle is an array that starts where HAND_hot is and ends with the head. */
#include <stdlib.h>

#include "naive_policy.h"

enum { NOT_KNOWN, HOT_PAGE, COLD_PAGE, GHOST_PAGE };

struct naive_clockpro {
    unsigned frames, target, n, ncold;
    bool filled;
    unsigned circle[NAIVE_PAGES];
    unsigned cold[NAIVE_PAGES]; /* in memory; HAND_cold is at the first */
    unsigned kind[NAIVE_PAGES];
    bool used[NAIVE_PAGES], test[NAIVE_PAGES];
    unsigned hand_test; /* a page of the circle; NAIVE_PAGES: HAND_hot's */
};

static void *
naive_clockpro_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_clockpro *v = calloc(1, sizeof *v);
    (void)param;
    (void)seed;
    v->frames = frames;
    v->target = frames < 100 ? 1 : frames / 100;
    v->hand_test = NAIVE_PAGES;
    return v;
}

static unsigned
naive_clockpro_count(const struct naive_clockpro *v, unsigned kind)
{
    unsigned n = 0;
    for (unsigned page = 0; page < NAIVE_PAGES; page++)
        n += v->kind[page] == kind;
    return n;
}

static void
naive_cut(unsigned *list, unsigned *n, unsigned page)
{
    unsigned i = 0;
    while (i < *n && list[i] != page)
        i++;
    if (i == *n)
        return;
    for (--*n; i < *n; i++)
        list[i] = list[i + 1];
}

static unsigned
naive_clockpro_after(const struct naive_clockpro *v, unsigned page)
{
    for (unsigned i = 0; i + 1 < v->n; i++)
        if (v->circle[i] == page)
            return v->circle[i + 1];
    return NAIVE_PAGES;
}

static void
naive_clockpro_off_circle(struct naive_clockpro *v, unsigned page)
{
    if (v->hand_test == page)
        v->hand_test = naive_clockpro_after(v, page);
    naive_cut(v->circle, &v->n, page);
}

static void
naive_clockpro_raise(struct naive_clockpro *v)
{
    if (v->target < v->frames - 1)
        v->target++;
}

static void
naive_clockpro_end_test(struct naive_clockpro *v, unsigned page)
{
    if (!v->test[page])
        return;
    v->test[page] = false;
    if (v->target > 1 && (v->kind[page] == GHOST_PAGE || !v->used[page]))
        v->target--;
    if (v->kind[page] == GHOST_PAGE) {
        naive_clockpro_off_circle(v, page);
        v->kind[page] = NOT_KNOWN;
    }
}

/* HAND_hot, until it has made a page cold and stands at a hot one, or nothing is hot. */
static void
naive_clockpro_hot_hand(struct naive_clockpro *v)
{
    bool done = false;
    while (naive_clockpro_count(v, HOT_PAGE) > 0) {
        unsigned page = v->circle[0];
        if (v->kind[page] == HOT_PAGE) {
            if (done)
                return;
            if (!v->used[page]) {
                v->kind[page] = COLD_PAGE;
                v->cold[v->ncold++] = page;
                done = true;
            }
            v->used[page] = false;
        } else {
            naive_clockpro_end_test(v, page);
            if (v->kind[page] == NOT_KNOWN)
                continue;
        }
        for (unsigned i = 0; i + 1 < v->n; i++)
            v->circle[i] = v->circle[i + 1];
        v->circle[v->n - 1] = page;
    }
    /* No hot page to stop at: once round. */
    for (unsigned i = v->n; i > 0; i--) {
        unsigned page = v->circle[0];
        naive_clockpro_end_test(v, page);
        if (v->kind[page] == NOT_KNOWN)
            continue;
        naive_cut(v->circle, &v->n, page);
        v->circle[v->n++] = page;
    }
}

static void
naive_clockpro_to_head(struct naive_clockpro *v, unsigned page, bool hot)
{
    v->circle[v->n++] = page;
    v->kind[page] = hot ? HOT_PAGE : COLD_PAGE;
    v->test[page] = !hot;
    v->used[page] = false;
    if (!hot)
        v->cold[v->ncold++] = page;
    while (naive_clockpro_count(v, HOT_PAGE) > v->frames - v->target)
        naive_clockpro_hot_hand(v);
}

static unsigned
naive_clockpro_evict(struct naive_clockpro *v)
{
    v->filled = true;
    for (;;) {
        if (v->ncold == 0)
            naive_clockpro_hot_hand(v);
        unsigned page = v->cold[0];
        bool test = v->test[page];
        naive_cut(v->cold, &v->ncold, page);
        if (v->used[page]) {
            naive_clockpro_off_circle(v, page);
            if (test)
                naive_clockpro_raise(v);
            naive_clockpro_to_head(v, page, test);
            continue;
        }
        v->kind[page] = test ? GHOST_PAGE : NOT_KNOWN;
        if (!test)
            naive_clockpro_off_circle(v, page);
        while (naive_clockpro_count(v, GHOST_PAGE) > v->frames) {
            unsigned at = v->hand_test == NAIVE_PAGES ? v->circle[0] : v->hand_test;
            v->hand_test = naive_clockpro_after(v, at);
            naive_clockpro_end_test(v, at);
        }
        return page;
    }
}

static unsigned
naive_clockpro_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_clockpro *v = naive;
    unsigned n = 0, hot = naive_clockpro_count(v, HOT_PAGE);
    (void)write;
    if (v->kind[page] == HOT_PAGE || v->kind[page] == COLD_PAGE) {
        v->used[page] = true;
        return 0;
    }
    if (hot + v->ncold == v->frames)
        evicted[n++] = naive_clockpro_evict(v);
    bool tested = v->kind[page] == GHOST_PAGE;
    bool room = !v->filled && hot + v->target < v->frames;
    if (tested) {
        naive_clockpro_off_circle(v, page);
        naive_clockpro_raise(v);
    }
    naive_clockpro_to_head(v, page, tested || room);
    return n;
}

static void
naive_clockpro_forget(void *naive, unsigned page)
{
    struct naive_clockpro *v = naive;
    naive_cut(v->cold, &v->ncold, page);
    naive_clockpro_off_circle(v, page);
    v->kind[page] = NOT_KNOWN;
    v->test[page] = false;
}

const struct naive_policy naive_clockpro = {
    .name = "clockpro",
    .create = naive_clockpro_create,
    .destroy = free,
    .step = naive_clockpro_step,
    .forget = naive_clockpro_forget,
};
