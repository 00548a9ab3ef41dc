/* SPDX-License-Identifier: BSD-2-Clause */
/* Second chance as it is told, with a queue instead of a hand: look at the oldest; if it was used,
 * it is new again, and as often as it was used. */
#include <stdlib.h>
#include <string.h>

#include "naive_policy.h"

struct naive_clock {
    unsigned frames, n, most;
    unsigned page[NAIVE_PAGES]; /* oldest first */
    unsigned uses[NAIVE_PAGES]; /* by page */
};

static void *
naive_clock_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_clock *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->most = (1u << naive_param(param, 0, 1)) - 1;
    return v;
}

static void
naive_clock_forget(void *naive, unsigned page)
{
    struct naive_clock *v = naive;
    unsigned i = 0;
    while (v->page[i] != page)
        i++;
    v->n--;
    memmove(&v->page[i], &v->page[i + 1], (v->n - i) * sizeof v->page[0]);
}

static void
naive_clock_append(struct naive_clock *v, unsigned page, unsigned uses)
{
    v->page[v->n++] = page;
    v->uses[page] = uses;
}

static unsigned
naive_clock_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_clock *v = naive;
    unsigned n = 0;
    (void)write;
    for (unsigned i = 0; i < v->n; i++) {
        if (v->page[i] == page) {
            if (v->uses[page] < v->most)
                v->uses[page]++;
            return 0;
        }
    }
    if (v->n == v->frames) {
        while (v->uses[v->page[0]] > 0) {
            unsigned again = v->page[0];
            naive_clock_forget(v, again);
            naive_clock_append(v, again, v->uses[again] - 1);
        }
        evicted[n++] = v->page[0];
        naive_clock_forget(v, v->page[0]);
    }
    naive_clock_append(v, page, 1);
    return n;
}

const struct naive_policy naive_clock = {
    .name = "clock",
    .create = naive_clock_create,
    .destroy = free,
    .step = naive_clock_step,
    .forget = naive_clock_forget,
};
