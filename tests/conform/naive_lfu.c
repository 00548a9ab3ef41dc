/* SPDX-License-Identifier: BSD-2-Clause */
/* LFU with aging: one list in the order in which pages would go, and uses counted by page. */
#include <stdlib.h>

#include "naive_list.h"

struct naive_lfu {
    unsigned frames, average;
    unsigned uses[NAIVE_PAGES];
    struct naive_list pages;
};

static void *
naive_lfu_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_lfu *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->average = (unsigned)naive_param(param, 0, 8);
    return v;
}

static void
naive_lfu_forget(void *naive, unsigned page)
{
    struct naive_lfu *v = naive;
    naive_list_remove(&v->pages, page);
}

static unsigned
naive_lfu_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_lfu *v = naive;
    unsigned n = 0, at = 0, sum = 0;
    (void)write;
    if (naive_list_has(&v->pages, page)) {
        naive_list_remove(&v->pages, page);
        v->uses[page] += v->uses[page] < 255;
    } else {
        if (v->pages.n == v->frames)
            evicted[n++] = naive_list_take(&v->pages);
        v->uses[page] = 1;
    }
    /* Before the first page that was used more often. */
    while (at < v->pages.n && v->uses[v->pages.page[at]] <= v->uses[page])
        at++;
    naive_list_insert(&v->pages, at, page);
    for (unsigned i = 0; i < v->pages.n; i++)
        sum += v->uses[v->pages.page[i]];
    for (unsigned i = 0; i < v->pages.n && sum > v->average * v->pages.n; i++)
        v->uses[v->pages.page[i]] /= 2;
    return n;
}

const struct naive_policy naive_lfu = {
    .name = "lfu",
    .create = naive_lfu_create,
    .destroy = free,
    .step = naive_lfu_step,
    .forget = naive_lfu_forget,
};
