/* SPDX-License-Identifier: BSD-2-Clause */
/* 2Q, line by line as in section 3.2 of the paper. */
#include <stdlib.h>

#include "naive_list.h"

struct naive_twoq {
    unsigned frames, kin, kout;
    struct naive_list a1in, a1out, am; /* the tail is the first element, the head the last */
};

static void *
naive_twoq_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_twoq *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->kin = frames * (unsigned)naive_param(param, 0, 25) / 100;
    v->kout = frames * (unsigned)naive_param(param, 1, 50) / 100;
    v->kin = v->kin > 0 ? v->kin : 1;
    v->kout = v->kout > 0 ? v->kout : 1;
    return v;
}

static void
naive_twoq_forget(void *naive, unsigned page)
{
    struct naive_twoq *v = naive;
    naive_list_remove(&v->a1in, page);
    naive_list_remove(&v->am, page);
}

static unsigned
naive_twoq_reclaim(struct naive_twoq *v, unsigned *evicted)
{
    if (v->a1in.n + v->am.n < v->frames) /* there are free page slots */
        return 0;
    if (v->a1in.n > v->kin || v->am.n == 0) {
        evicted[0] = naive_list_take(&v->a1in);
        naive_list_append(&v->a1out, evicted[0]);
        if (v->a1out.n > v->kout)
            (void)naive_list_take(&v->a1out);
    } else {
        evicted[0] = naive_list_take(&v->am);
    }
    return 1;
}

static unsigned
naive_twoq_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_twoq *v = naive;
    unsigned n;
    (void)write;
    if (naive_list_has(&v->am, page)) {
        naive_list_remove(&v->am, page);
        naive_list_append(&v->am, page);
        return 0;
    }
    if (naive_list_has(&v->a1in, page))
        return 0;
    if (naive_list_has(&v->a1out, page)) {
        naive_list_remove(&v->a1out, page);
        n = naive_twoq_reclaim(v, evicted);
        naive_list_append(&v->am, page);
        return n;
    }
    n = naive_twoq_reclaim(v, evicted);
    naive_list_append(&v->a1in, page);
    return n;
}

const struct naive_policy naive_twoq = {
    .name = "2q",
    .create = naive_twoq_create,
    .destroy = free,
    .step = naive_twoq_step,
    .forget = naive_twoq_forget,
};
