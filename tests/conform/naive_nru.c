/* SPDX-License-Identifier: BSD-2-Clause */
/* NRU: two bits by page; all pages are looked through for the lowest class, and in it for the one
 * that came into it first. */
#include <stdlib.h>

#include "naive_policy.h"

struct naive_nru {
    unsigned frames, n;
    uint64_t now;
    bool used[NAIVE_PAGES], modified[NAIVE_PAGES];
    uint64_t since[NAIVE_PAGES]; /* that its used bit has the value it has; 0: not resident */
};

static void *
naive_nru_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_nru *v = calloc(1, sizeof *v);
    (void)param;
    (void)seed;
    v->frames = frames;
    return v;
}

static void
naive_nru_forget(void *naive, unsigned page)
{
    struct naive_nru *v = naive;
    v->since[page] = 0;
    v->n--;
}

static unsigned
naive_nru_class(const struct naive_nru *v, unsigned page)
{
    return 2u * v->used[page] + v->modified[page];
}

static unsigned
naive_nru_victim(struct naive_nru *v)
{
    unsigned best = NAIVE_PAGES;
    for (unsigned page = 0; page < NAIVE_PAGES; page++) {
        if (v->since[page] == 0)
            continue;
        if (best == NAIVE_PAGES || naive_nru_class(v, page) < naive_nru_class(v, best) ||
            (naive_nru_class(v, page) == naive_nru_class(v, best) &&
                v->since[page] < v->since[best]))
            best = page;
    }
    /* All are used: the bits are cleared, which leaves the pages in their order. */
    for (unsigned page = 0; page < NAIVE_PAGES && v->used[best]; page++)
        if (page != best)
            v->used[page] = false;
    v->used[best] = false;
    return best;
}

static unsigned
naive_nru_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_nru *v = naive;
    unsigned n = 0;
    v->now++;
    if (v->since[page] == 0) {
        if (v->n == v->frames) {
            evicted[n++] = naive_nru_victim(v);
            naive_nru_forget(v, evicted[0]);
        }
        v->n++;
        v->used[page] = false;
        v->modified[page] = false;
    }
    if (!v->used[page])
        v->since[page] = v->now;
    v->used[page] = true;
    v->modified[page] |= write;
    return n;
}

const struct naive_policy naive_nru = {
    .name = "nru",
    .create = naive_nru_create,
    .destroy = free,
    .step = naive_nru_step,
    .forget = naive_nru_forget,
};
