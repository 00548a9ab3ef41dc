/* SPDX-License-Identifier: BSD-2-Clause */
/* LIRS: the stack and the queue are arrays of page numbers, and a page has a state. */
#include <stdlib.h>

#include "naive_policy.h"

enum { OUTSIDE, LIR, HIR };

struct naive_pages {
    unsigned n;
    unsigned page[NAIVE_PAGES];
};

struct naive_lirs {
    unsigned frames, lir_most, ghost_most;
    struct naive_pages stack; /* the bottom first; who is OUTSIDE is a ghost */
    struct naive_pages queue; /* the front first */
    unsigned state[NAIVE_PAGES];
};

static unsigned
naive_lirs_part(unsigned frames, uint64_t percent)
{
    unsigned part = (unsigned)(frames * percent / 100);
    return part == 0 ? 1 : part;
}

static void *
naive_lirs_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_lirs *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->lir_most = frames - naive_lirs_part(frames, naive_param(param, 0, 1));
    v->ghost_most = naive_lirs_part(frames, naive_param(param, 1, 200));
    return v;
}

static bool
naive_pages_remove(struct naive_pages *p, unsigned page)
{
    unsigned i = 0;
    while (i < p->n && p->page[i] != page)
        i++;
    if (i == p->n)
        return false;
    for (p->n--; i < p->n; i++)
        p->page[i] = p->page[i + 1];
    return true;
}

static void
naive_pages_push(struct naive_pages *p, unsigned page)
{
    p->page[p->n++] = page;
}

static unsigned
naive_lirs_count(const struct naive_lirs *v, unsigned state)
{
    unsigned n = 0;
    for (unsigned page = 0; page < NAIVE_PAGES; page++)
        n += v->state[page] == state;
    return n;
}

static void
naive_lirs_prune(struct naive_lirs *v)
{
    while (v->stack.n > 0 && v->state[v->stack.page[0]] != LIR)
        naive_pages_remove(&v->stack, v->stack.page[0]);
}

/* The stack has room for so many ghosts; the lowest go first. */
static void
naive_lirs_bound(struct naive_lirs *v)
{
    unsigned ghosts = 0;
    for (unsigned i = v->stack.n; i-- > 0;) {
        if (v->state[v->stack.page[i]] == OUTSIDE && ++ghosts > v->ghost_most) {
            naive_pages_remove(&v->stack, v->stack.page[i]);
            return;
        }
    }
}

static void
naive_lirs_evict(struct naive_lirs *v, unsigned *gone)
{
    if (v->queue.n == 0) { /* pages were forgotten, and all that are left are LIR */
        unsigned bottom = v->stack.page[0];
        v->state[bottom] = HIR;
        naive_pages_push(&v->queue, bottom);
        naive_lirs_prune(v);
    }
    *gone = v->queue.page[0];
    naive_pages_remove(&v->queue, *gone);
    v->state[*gone] = OUTSIDE;
    naive_lirs_bound(v);
}

static unsigned
naive_lirs_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_lirs *v = naive;
    unsigned n = 0;
    bool miss = v->state[page] == OUTSIDE;
    (void)write;
    if (v->stack.n > 0 && v->stack.page[v->stack.n - 1] == page && !miss)
        return 0;
    if (miss && naive_lirs_count(v, LIR) + v->queue.n == v->frames)
        naive_lirs_evict(v, &evicted[n++]);
    naive_pages_remove(&v->queue, page);
    bool in_stack = naive_pages_remove(&v->stack, page);
    naive_pages_push(&v->stack, page);
    if (v->state[page] == LIR || in_stack || (miss && naive_lirs_count(v, LIR) < v->lir_most)) {
        v->state[page] = LIR;
        if (naive_lirs_count(v, LIR) > v->lir_most) {
            naive_lirs_prune(v); /* page itself is LIR, so this ends */
            unsigned bottom = v->stack.page[0];
            v->state[bottom] = HIR;
            naive_pages_push(&v->queue, bottom);
        }
    } else {
        v->state[page] = HIR;
        naive_pages_push(&v->queue, page);
    }
    naive_lirs_prune(v);
    return n;
}

static void
naive_lirs_forget(void *naive, unsigned page)
{
    struct naive_lirs *v = naive;
    naive_pages_remove(&v->queue, page);
    naive_pages_remove(&v->stack, page);
    v->state[page] = OUTSIDE;
    naive_lirs_prune(v);
}

const struct naive_policy naive_lirs = {
    .name = "lirs",
    .create = naive_lirs_create,
    .destroy = free,
    .step = naive_lirs_step,
    .forget = naive_lirs_forget,
};
