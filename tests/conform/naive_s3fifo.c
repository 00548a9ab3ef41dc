/* SPDX-License-Identifier: BSD-2-Clause */
/* S3-FIFO: three arrays, the oldest first. */
#include <stdlib.h>
#include <string.h>

#include "naive_policy.h"

struct naive_queue {
    unsigned n;
    unsigned page[NAIVE_PAGES];
};

struct naive_s3fifo {
    unsigned frames, small_size;
    struct naive_queue small, main, ghost;
    unsigned freq[NAIVE_PAGES]; /* by page */
};

static void *
naive_s3fifo_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_s3fifo *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->small_size = (unsigned)(frames * naive_param(param, 0, 10) / 100);
    if (v->small_size == 0)
        v->small_size = 1;
    return v;
}

static bool
naive_queue_has(const struct naive_queue *q, unsigned page)
{
    for (unsigned i = 0; i < q->n; i++)
        if (q->page[i] == page)
            return true;
    return false;
}

/* The page, if the queue has it, leaves. */
static void
naive_queue_out(struct naive_queue *q, unsigned page)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < q->n; i++)
        if (q->page[i] != page)
            q->page[kept++] = q->page[i];
    q->n = kept;
}

static void
naive_queue_in(struct naive_queue *q, unsigned page)
{
    q->page[q->n++] = page;
}

/* One turn of the paper's evict(); true: a page went. */
static bool
naive_s3fifo_turn(struct naive_s3fifo *v, unsigned *gone)
{
    bool small = v->small.n >= v->small_size || v->main.n == 0;
    unsigned page = small ? v->small.page[0] : v->main.page[0];
    naive_queue_out(small ? &v->small : &v->main, page);
    if (small && v->freq[page] > 1) {
        naive_queue_in(&v->main, page);
        v->freq[page] = 0;
        return false;
    }
    if (!small && v->freq[page] > 0) {
        naive_queue_in(&v->main, page);
        v->freq[page]--;
        return false;
    }
    *gone = page;
    if (small) {
        unsigned most = v->frames - v->small_size > 0 ? v->frames - v->small_size : 1;
        if (v->ghost.n == most)
            naive_queue_out(&v->ghost, v->ghost.page[0]);
        naive_queue_in(&v->ghost, page);
    }
    return true;
}

static unsigned
naive_s3fifo_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_s3fifo *v = naive;
    unsigned n = 0;
    (void)write;
    if (naive_queue_has(&v->small, page) || naive_queue_has(&v->main, page)) {
        if (v->freq[page] < 3)
            v->freq[page]++;
        return 0;
    }
    if (v->small.n + v->main.n == v->frames) {
        while (!naive_s3fifo_turn(v, &evicted[n]))
            continue;
        n++;
    }
    naive_queue_in(naive_queue_has(&v->ghost, page) ? &v->main : &v->small, page);
    naive_queue_out(&v->ghost, page);
    v->freq[page] = 0;
    return n;
}

static void
naive_s3fifo_forget(void *naive, unsigned page)
{
    struct naive_s3fifo *v = naive;
    naive_queue_out(&v->small, page);
    naive_queue_out(&v->main, page);
}

const struct naive_policy naive_s3fifo = {
    .name = "s3fifo",
    .create = naive_s3fifo_create,
    .destroy = free,
    .step = naive_s3fifo_step,
    .forget = naive_s3fifo_forget,
};
