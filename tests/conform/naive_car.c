/* SPDX-License-Identifier: BSD-2-Clause */
/* CAR, line by line as in figure 2 of the paper: a clock is a list whose first page is at the hand.
 */
#include <stdlib.h>

#include "naive_list.h"

struct naive_car {
    unsigned c;
    double p;
    bool used[NAIVE_PAGES];
    struct naive_list t1, t2, b1, b2;
};

static void *
naive_car_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_car *v = calloc(1, sizeof *v);
    (void)param;
    (void)seed;
    v->c = frames;
    return v;
}

static void
naive_car_forget(void *naive, unsigned page)
{
    struct naive_car *v = naive;
    naive_list_remove(&v->t1, page);
    naive_list_remove(&v->t2, page);
}

static unsigned
naive_car_replace(struct naive_car *v)
{
    for (;;) {
        bool first = v->t1.n > 0 && (v->t1.n >= (v->p > 1 ? v->p : 1) || v->t2.n == 0);
        unsigned page = naive_list_take(first ? &v->t1 : &v->t2);
        if (!v->used[page]) {
            naive_list_append(first ? &v->b1 : &v->b2, page);
            return page;
        }
        v->used[page] = false;
        naive_list_append(&v->t2, page);
    }
}

static unsigned
naive_car_step(void *naive, unsigned x, bool write, unsigned *evicted)
{
    struct naive_car *v = naive;
    unsigned n = 0;
    (void)write;
    if (naive_list_has(&v->t1, x) || naive_list_has(&v->t2, x)) {
        v->used[x] = true;
        return 0;
    }
    bool known = naive_list_has(&v->b1, x) || naive_list_has(&v->b2, x);
    if (v->t1.n + v->t2.n == v->c)
        evicted[n++] = naive_car_replace(v);
    if (!known && v->t1.n + v->b1.n == v->c)
        (void)naive_list_take(&v->b1);
    else if (!known && v->t1.n + v->t2.n + v->b1.n + v->b2.n == 2 * v->c)
        (void)naive_list_take(&v->b2);
    v->used[x] = false;
    if (!known) {
        naive_list_append(&v->t1, x);
        return n;
    }
    double b1 = v->b1.n, b2 = v->b2.n;
    if (naive_list_has(&v->b1, x)) {
        v->p += b2 / b1 > 1 ? b2 / b1 : 1;
        v->p = v->p < v->c ? v->p : v->c;
    } else {
        v->p -= b1 / b2 > 1 ? b1 / b2 : 1;
        v->p = v->p > 0 ? v->p : 0;
    }
    naive_list_remove(&v->b1, x);
    naive_list_remove(&v->b2, x);
    naive_list_append(&v->t2, x);
    return n;
}

const struct naive_policy naive_car = {
    .name = "car",
    .create = naive_car_create,
    .destroy = free,
    .step = naive_car_step,
    .forget = naive_car_forget,
};
