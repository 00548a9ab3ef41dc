/* SPDX-License-Identifier: BSD-2-Clause */
/* PFF: for each page, the fault that was the last before its last use, and when that use was the
 * first after the fault. */
#include <stdlib.h>

#include "naive_policy.h"

struct naive_pff {
    unsigned frames, n, fault;
    uint64_t interval, now, last_fault;
    bool here[NAIVE_PAGES];
    unsigned since[NAIVE_PAGES]; /* a fault, from 1 */
    uint64_t first[NAIVE_PAGES];
};

static void *
naive_pff_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_pff *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->interval = naive_param(param, 0, 100000);
    return v;
}

static void
naive_pff_forget(void *naive, unsigned page)
{
    struct naive_pff *v = naive;
    v->here[page] = false;
    v->n--;
}

/* The page unused for the most faults, of those the first; NAIVE_PAGES: there is none. */
static unsigned
naive_pff_stalest(const struct naive_pff *v)
{
    unsigned best = NAIVE_PAGES;
    for (unsigned page = 0; page < NAIVE_PAGES; page++)
        if (v->here[page] &&
            (best == NAIVE_PAGES || v->since[page] < v->since[best] ||
                (v->since[page] == v->since[best] && v->first[page] < v->first[best])))
            best = page;
    return best;
}

static unsigned
naive_pff_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_pff *v = naive;
    unsigned n = 0;
    (void)write;
    v->now++;
    if (v->here[page]) {
        if (v->since[page] != v->fault)
            v->first[page] = v->now;
        v->since[page] = v->fault;
        return 0;
    }
    if (v->n == v->frames) {
        evicted[n] = naive_pff_stalest(v);
        naive_pff_forget(v, evicted[n++]);
    }
    for (unsigned p; v->now - v->last_fault > v->interval &&
                     (p = naive_pff_stalest(v)) != NAIVE_PAGES && v->since[p] < v->fault;) {
        evicted[n++] = p;
        naive_pff_forget(v, p);
    }
    v->last_fault = v->now;
    v->here[page] = true;
    v->n++;
    v->since[page] = ++v->fault;
    v->first[page] = v->now;
    return n;
}

const struct naive_policy naive_pff = {
    .name = "pff",
    .create = naive_pff_create,
    .destroy = free,
    .step = naive_pff_step,
    .forget = naive_pff_forget,
};
