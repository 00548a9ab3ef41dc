/* SPDX-License-Identifier: BSD-2-Clause */
/* SIEVE with an array in order of arrival and a hand that is the number of the page it is at. */
#include <stdlib.h>
#include <string.h>

#include "naive_policy.h"

#define NOWHERE NAIVE_PAGES

struct naive_sieve {
    unsigned frames, n;
    unsigned page[NAIVE_PAGES]; /* oldest first */
    bool visited[NAIVE_PAGES];  /* by page */
    unsigned hand;              /* a page; NOWHERE: at the oldest */
};

static void *
naive_sieve_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_sieve *v = calloc(1, sizeof *v);
    (void)param;
    (void)seed;
    v->frames = frames;
    v->hand = NOWHERE;
    return v;
}

static unsigned
naive_sieve_place(const struct naive_sieve *v, unsigned page)
{
    unsigned i = 0;
    while (i < v->n && v->page[i] != page)
        i++;
    return i;
}

static void
naive_sieve_forget(void *naive, unsigned page)
{
    struct naive_sieve *v = naive;
    unsigned i = naive_sieve_place(v, page);
    if (v->hand == page)
        v->hand = i + 1 < v->n ? v->page[i + 1] : NOWHERE;
    v->n--;
    memmove(&v->page[i], &v->page[i + 1], (v->n - i) * sizeof v->page[0]);
}

static unsigned
naive_sieve_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_sieve *v = naive;
    unsigned n = 0;
    (void)write;
    if (naive_sieve_place(v, page) < v->n) {
        v->visited[page] = true;
        return 0;
    }
    if (v->n == v->frames) {
        unsigned i = v->hand == NOWHERE ? 0 : naive_sieve_place(v, v->hand);
        while (v->visited[v->page[i]]) {
            v->visited[v->page[i]] = false;
            i = (i + 1) % v->n;
        }
        v->hand = v->page[i];
        evicted[n++] = v->page[i];
        naive_sieve_forget(v, v->page[i]);
    }
    v->page[v->n++] = page;
    v->visited[page] = false;
    return n;
}

const struct naive_policy naive_sieve = {
    .name = "sieve",
    .create = naive_sieve_create,
    .destroy = free,
    .step = naive_sieve_step,
    .forget = naive_sieve_forget,
};
