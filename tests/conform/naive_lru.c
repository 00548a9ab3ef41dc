/* SPDX-License-Identifier: BSD-2-Clause */
/* Least recently used: the time of each page's last use, and the earliest of all is looked for. */
#include <stdlib.h>

#include "naive_policy.h"

struct naive_lru {
    unsigned frames, n;
    uint64_t now;
    uint64_t last[NAIVE_PAGES]; /* 0: not resident */
};

static void *
naive_lru_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_lru *v = calloc(1, sizeof *v);
    (void)param;
    (void)seed;
    v->frames = frames;
    return v;
}

static void
naive_lru_forget(void *naive, unsigned page)
{
    struct naive_lru *v = naive;
    v->last[page] = 0;
    v->n--;
}

static unsigned
naive_lru_oldest(const struct naive_lru *v)
{
    unsigned oldest = NAIVE_PAGES;
    for (unsigned page = 0; page < NAIVE_PAGES; page++)
        if (v->last[page] != 0 && (oldest == NAIVE_PAGES || v->last[page] < v->last[oldest]))
            oldest = page;
    return oldest;
}

static unsigned
naive_lru_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_lru *v = naive;
    unsigned n = 0;
    (void)write;
    v->now++;
    if (v->last[page] == 0) {
        if (v->n == v->frames) {
            evicted[n++] = naive_lru_oldest(v);
            naive_lru_forget(v, evicted[0]);
        }
        v->n++;
    }
    v->last[page] = v->now;
    return n;
}

const struct naive_policy naive_lru = {
    .name = "lru",
    .create = naive_lru_create,
    .destroy = free,
    .step = naive_lru_step,
    .forget = naive_lru_forget,
};
