/* SPDX-License-Identifier: BSD-2-Clause */
/* First in, first out: an array, the oldest first. */
#include <stdlib.h>
#include <string.h>

#include "naive_policy.h"

struct naive_fifo {
    unsigned frames, n;
    unsigned page[NAIVE_PAGES];
};

static void *
naive_fifo_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_fifo *v = calloc(1, sizeof *v);
    (void)param;
    (void)seed;
    v->frames = frames;
    return v;
}

static void
naive_fifo_forget(void *naive, unsigned page)
{
    struct naive_fifo *v = naive;
    unsigned i = 0;
    while (v->page[i] != page)
        i++;
    v->n--;
    memmove(&v->page[i], &v->page[i + 1], (v->n - i) * sizeof v->page[0]);
}

static unsigned
naive_fifo_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_fifo *v = naive;
    unsigned n = 0;
    (void)write;
    for (unsigned i = 0; i < v->n; i++)
        if (v->page[i] == page)
            return 0;
    if (v->n == v->frames) {
        evicted[n++] = v->page[0];
        naive_fifo_forget(v, v->page[0]);
    }
    v->page[v->n++] = page;
    return n;
}

const struct naive_policy naive_fifo = {
    .name = "fifo",
    .create = naive_fifo_create,
    .destroy = free,
    .step = naive_fifo_step,
    .forget = naive_fifo_forget,
};
