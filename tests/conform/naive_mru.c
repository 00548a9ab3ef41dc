/* SPDX-License-Identifier: BSD-2-Clause */
/* Most recently used: the pages, the one used last at the end, and from there one goes. */
#include <stdlib.h>

#include "naive_list.h"

struct naive_mru {
    unsigned frames;
    struct naive_list pages;
};

static void *
naive_mru_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_mru *v = calloc(1, sizeof *v);
    (void)param;
    (void)seed;
    v->frames = frames;
    return v;
}

static void
naive_mru_forget(void *naive, unsigned page)
{
    struct naive_mru *v = naive;
    naive_list_remove(&v->pages, page);
}

static unsigned
naive_mru_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_mru *v = naive;
    unsigned n = 0;
    (void)write;
    if (naive_list_has(&v->pages, page)) {
        naive_list_remove(&v->pages, page);
    } else if (v->pages.n == v->frames) {
        evicted[n++] = v->pages.page[v->pages.n - 1];
        v->pages.n--;
    }
    naive_list_append(&v->pages, page);
    return n;
}

const struct naive_policy naive_mru = {
    .name = "mru",
    .create = naive_mru_create,
    .destroy = free,
    .step = naive_mru_step,
    .forget = naive_mru_forget,
};
