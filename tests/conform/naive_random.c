/* SPDX-License-Identifier: BSD-2-Clause */
/* Any page: the generator is the library's, which has tests of its own; that the choice is uniform
 * is tested apart.  What leaves a hole in the array has it filled by the last one. */
#include <stdlib.h>

#include "base/rng.h"
#include "naive_policy.h"

struct naive_random {
    unsigned frames, n;
    struct base_rng rng;
    unsigned page[NAIVE_PAGES];
};

static void *
naive_random_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_random *v = calloc(1, sizeof *v);
    (void)param;
    v->frames = frames;
    base_rng_init(&v->rng, seed);
    return v;
}

static void
naive_random_forget(void *naive, unsigned page)
{
    struct naive_random *v = naive;
    unsigned i = 0;
    while (v->page[i] != page)
        i++;
    v->page[i] = v->page[v->n - 1];
    v->n--;
}

static unsigned
naive_random_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_random *v = naive;
    unsigned n = 0;
    (void)write;
    for (unsigned i = 0; i < v->n; i++)
        if (v->page[i] == page)
            return 0;
    if (v->n == v->frames) {
        evicted[n++] = v->page[base_rng_below(&v->rng, v->n)];
        naive_random_forget(v, evicted[0]);
    }
    v->page[v->n++] = page;
    return n;
}

const struct naive_policy naive_random = {
    .name = "random",
    .create = naive_random_create,
    .destroy = free,
    .step = naive_random_step,
    .forget = naive_random_forget,
};
