/* SPDX-License-Identifier: BSD-2-Clause */
/* SLRU: two lists, the least recently used first. */
#include <stdlib.h>

#include "naive_list.h"

struct naive_slru {
    unsigned frames, protected_max;
    struct naive_list probationary, protected;
};

static void *
naive_slru_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_slru *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->protected_max = frames * (unsigned)naive_param(param, 0, 80) / 100;
    if (v->protected_max == 0)
        v->protected_max = 1;
    return v;
}

static void
naive_slru_forget(void *naive, unsigned page)
{
    struct naive_slru *v = naive;
    naive_list_remove(&v->probationary, page);
    naive_list_remove(&v->protected, page);
}

static unsigned
naive_slru_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_slru *v = naive;
    unsigned n = 0;
    (void)write;
    if (naive_list_has(&v->protected, page) || naive_list_has(&v->probationary, page)) {
        naive_slru_forget(v, page);
        naive_list_append(&v->protected, page);
        if (v->protected.n > v->protected_max)
            naive_list_append(&v->probationary, naive_list_take(&v->protected));
        return 0;
    }
    if (v->probationary.n + v->protected.n == v->frames)
        evicted[n++] = naive_list_take(v->probationary.n > 0 ? &v->probationary : &v->protected);
    naive_list_append(&v->probationary, page);
    return n;
}

const struct naive_policy naive_slru = {
    .name = "slru",
    .create = naive_slru_create,
    .destroy = free,
    .step = naive_slru_step,
    .forget = naive_slru_forget,
};
