/* SPDX-License-Identifier: BSD-2-Clause */
/* Aging: one list in the order in which pages would go, and a register of 9 bits by page. */
#include <stdlib.h>

#include "naive_list.h"

struct naive_aging {
    unsigned frames, period, came;
    unsigned history[NAIVE_PAGES];
    struct naive_list pages;
};

static void *
naive_aging_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_aging *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->period = frames / (unsigned)naive_param(param, 0, 8);
    v->period = v->period > 0 ? v->period : 1;
    return v;
}

static void
naive_aging_forget(void *naive, unsigned page)
{
    struct naive_aging *v = naive;
    naive_list_remove(&v->pages, page);
}

static void
naive_aging_insert(struct naive_aging *v, unsigned page)
{
    unsigned at = 0;
    while (at < v->pages.n && v->history[v->pages.page[at]] <= v->history[page])
        at++;
    naive_list_insert(&v->pages, at, page);
}

static unsigned
naive_aging_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_aging *v = naive;
    unsigned n = 0;
    (void)write;
    if (naive_list_has(&v->pages, page)) {
        if (v->history[page] < 256) { /* the first use in this tick */
            naive_list_remove(&v->pages, page);
            v->history[page] += 256;
            naive_aging_insert(v, page);
        }
        return 0;
    }
    if (v->pages.n == v->frames)
        evicted[n++] = naive_list_take(&v->pages);
    if (v->came == v->period) {
        for (unsigned i = 0; i < v->pages.n; i++)
            v->history[v->pages.page[i]] /= 2;
        v->came = 0;
    }
    v->came++;
    v->history[page] = 256;
    naive_aging_insert(v, page);
    return n;
}

const struct naive_policy naive_aging = {
    .name = "aging",
    .create = naive_aging_create,
    .destroy = free,
    .step = naive_aging_step,
    .forget = naive_aging_forget,
};
