/* SPDX-License-Identifier: BSD-2-Clause */
/* Generations: each page has the number of its own and of its turn in it; whoever goes is searched
 * for among all. */
#include <stdlib.h>

#include "naive_policy.h"

struct naive_page {
    bool here, used;
    unsigned gen, turn, found; /* found: how many times it was found used */
    unsigned ghost;            /* when it went, from 1; 0: it is no ghost */
    unsigned ghost_tier;
};

struct naive_mglru {
    unsigned frames, n, oldest, youngest, turns, exits;
    struct naive_page page[NAIVE_PAGES];
    unsigned refaults[4], evictions[4], protections[4];
};

static void *
naive_mglru_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_mglru *v = calloc(1, sizeof *v);
    (void)param;
    (void)seed;
    v->frames = frames;
    v->youngest = 2;
    return v;
}

static void
naive_mglru_put(struct naive_mglru *v, struct naive_page *p, unsigned gen, unsigned found)
{
    p->used = false;
    p->gen = gen;
    p->turn = ++v->turns;
    p->found = found > 7 ? 7 : found;
}

/* The page that is first, of those whose turns are not after the limit; NULL: there is none. */
static struct naive_page *
naive_mglru_first(struct naive_mglru *v, unsigned after_gen, unsigned after_turn, unsigned limit)
{
    struct naive_page *first = NULL;
    for (struct naive_page *p = v->page; p < v->page + NAIVE_PAGES; p++) {
        if (!p->here || p->turn > limit ||
            (p->gen < after_gen || (p->gen == after_gen && p->turn <= after_turn)))
            continue;
        if (first == NULL || p->gen < first->gen || (p->gen == first->gen && p->turn < first->turn))
            first = p;
    }
    return first;
}

static void
naive_mglru_age(struct naive_mglru *v)
{
    unsigned limit = v->turns, gen = 0, turn = 0;
    struct naive_page *p;
    v->youngest++;
    while ((p = naive_mglru_first(v, gen, turn, limit)) != NULL) {
        gen = p->gen;
        turn = p->turn;
        if (p->used)
            naive_mglru_put(v, p, v->youngest, p->found + 1);
    }
    for (unsigned t = 0; t < 4; t++) {
        v->refaults[t] >>= 1;
        v->evictions[t] >>= 1;
        v->protections[t] >>= 1;
    }
}

static unsigned
naive_mglru_tier(const struct naive_page *p)
{
    const unsigned tier[8] = {0, 1, 2, 2, 3, 3, 3, 3};
    return tier[p->found];
}

/* The highest tier that is not protected. */
static unsigned
naive_mglru_open(const struct naive_mglru *v)
{
    unsigned t = 1;
    for (; t < 4; t++) {
        unsigned all = v->evictions[t] + v->protections[t];
        if (v->refaults[t] >= 8 &&
            v->refaults[t] * (v->evictions[0] + 8) > 2 * (v->refaults[0] + 1) * all)
            break;
    }
    return t - 1;
}

static struct naive_page *
naive_mglru_search(struct naive_mglru *v)
{
    for (;;) {
        struct naive_page *p = naive_mglru_first(v, 0, 0, v->turns);
        while (v->oldest + 2 <= v->youngest && p->gen > v->oldest)
            v->oldest++;
        if (v->oldest + 2 > v->youngest) {
            naive_mglru_age(v);
            continue;
        }
        unsigned tier = naive_mglru_tier(p);
        if (p->used) {
            naive_mglru_put(v, p, v->youngest, p->found + 1);
        } else if (tier > naive_mglru_open(v)) {
            v->protections[tier]++;
            naive_mglru_put(v, p, v->oldest + 1, 0);
        } else {
            return p;
        }
    }
}

static unsigned
naive_mglru_evict(struct naive_mglru *v)
{
    struct naive_page *gone = naive_mglru_search(v), *first = NULL;
    unsigned ghosts = 0;
    for (struct naive_page *p = v->page; p < v->page + NAIVE_PAGES; p++) {
        if (p->ghost == 0)
            continue;
        ghosts++;
        if (first == NULL || p->ghost < first->ghost)
            first = p;
    }
    if (ghosts == v->frames)
        first->ghost = 0;
    gone->here = false;
    gone->ghost = ++v->exits;
    gone->ghost_tier = naive_mglru_tier(gone);
    v->evictions[gone->ghost_tier]++;
    v->n--;
    return (unsigned)(gone - v->page);
}

static unsigned
naive_mglru_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_mglru *v = naive;
    struct naive_page *p = &v->page[page];
    unsigned n = 0;
    (void)write;
    if (p->here) {
        p->used = true;
        return 0;
    }
    if (v->n == v->frames)
        evicted[n++] = naive_mglru_evict(v);
    if (p->ghost != 0)
        v->refaults[p->ghost_tier]++;
    p->ghost = 0;
    p->here = true;
    v->n++;
    naive_mglru_put(v, p, v->youngest, 0);
    return n;
}

static void
naive_mglru_forget(void *naive, unsigned page)
{
    struct naive_mglru *v = naive;
    v->page[page].here = false;
    v->n--;
}

const struct naive_policy naive_mglru = {
    .name = "mglru",
    .create = naive_mglru_create,
    .destroy = free,
    .step = naive_mglru_step,
    .forget = naive_mglru_forget,
};
