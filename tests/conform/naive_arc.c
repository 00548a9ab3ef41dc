/* SPDX-License-Identifier: BSD-2-Clause */
/* ARC, case by case as in figure 4 of the paper. */
#include <stdlib.h>

#include "naive_list.h"

struct naive_arc {
    unsigned c;
    double p;
    struct naive_list t1, t2, b1, b2; /* LRU first, MRU last */
};

static void *
naive_arc_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_arc *v = calloc(1, sizeof *v);
    (void)param;
    (void)seed;
    v->c = frames;
    return v;
}

static void
naive_arc_forget(void *naive, unsigned page)
{
    struct naive_arc *v = naive;
    naive_list_remove(&v->t1, page);
    naive_list_remove(&v->t2, page);
}

/* REPLACE(x, p); while there are free frames, which there are when a page was forgotten, none. */
static unsigned
naive_arc_replace(struct naive_arc *v, unsigned x, unsigned *evicted)
{
    if (v->t1.n + v->t2.n < v->c)
        return 0;
    bool in_b2 = naive_list_has(&v->b2, x);
    if (v->t1.n >= 1 && (v->t2.n == 0 || (in_b2 && v->t1.n == v->p) || v->t1.n > v->p)) {
        evicted[0] = naive_list_take(&v->t1);
        naive_list_append(&v->b1, evicted[0]);
    } else {
        evicted[0] = naive_list_take(&v->t2);
        naive_list_append(&v->b2, evicted[0]);
    }
    return 1;
}

static unsigned
naive_arc_case_4(struct naive_arc *v, unsigned x, unsigned *evicted)
{
    unsigned l1 = v->t1.n + v->b1.n, l2 = v->t2.n + v->b2.n, n = 0;

    if (l1 == v->c) {
        if (v->t1.n < v->c) {
            (void)naive_list_take(&v->b1);
            n = naive_arc_replace(v, x, evicted);
        } else {
            evicted[n++] = naive_list_take(&v->t1);
        }
    } else {
        if (l1 + l2 == 2 * v->c)
            (void)naive_list_take(&v->b2);
        n = naive_arc_replace(v, x, evicted);
    }
    naive_list_append(&v->t1, x);
    return n;
}

static unsigned
naive_arc_step(void *naive, unsigned x, bool write, unsigned *evicted)
{
    struct naive_arc *v = naive;
    double step;
    unsigned n;
    (void)write;
    if (naive_list_has(&v->t1, x) || naive_list_has(&v->t2, x)) {
        naive_arc_forget(v, x);
        naive_list_append(&v->t2, x);
        return 0;
    }
    if (naive_list_has(&v->b1, x)) {
        step = v->b1.n >= v->b2.n ? 1 : (double)v->b2.n / v->b1.n;
        v->p = v->p + step < v->c ? v->p + step : v->c;
        n = naive_arc_replace(v, x, evicted);
        naive_list_remove(&v->b1, x);
        naive_list_append(&v->t2, x);
        return n;
    }
    if (naive_list_has(&v->b2, x)) {
        step = v->b2.n >= v->b1.n ? 1 : (double)v->b1.n / v->b2.n;
        v->p = v->p - step > 0 ? v->p - step : 0;
        n = naive_arc_replace(v, x, evicted);
        naive_list_remove(&v->b2, x);
        naive_list_append(&v->t2, x);
        return n;
    }
    return naive_arc_case_4(v, x, evicted);
}

const struct naive_policy naive_arc = {
    .name = "arc",
    .create = naive_arc_create,
    .destroy = free,
    .step = naive_arc_step,
    .forget = naive_arc_forget,
};
