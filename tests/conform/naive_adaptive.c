/* SPDX-License-Identifier: BSD-2-Clause */
/* Set dueling: three stacks, the next victim first: memory, and a model of each policy. */
#include <stdlib.h>
#include <string.h>

#include "naive_policy.h"

struct naive_stack {
    unsigned frames, n, came;
    unsigned page[NAIVE_PAGES];
};

struct naive_adaptive {
    unsigned divisor; /* one page in so many is sampled */
    int lead;         /* of bimodal insertion over LRU, at most a model's frames either way */
    struct naive_stack memory, lru, bip;
};

static void *
naive_adaptive_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_adaptive *v = calloc(1, sizeof *v);
    (void)seed;
    v->divisor = 1;
    while (frames / v->divisor >= 2 * naive_param(param, 0, 256))
        v->divisor *= 2;
    v->memory.frames = frames;
    v->lru.frames = v->bip.frames = frames / v->divisor;
    return v;
}

static bool
naive_stack_out(struct naive_stack *s, unsigned page)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (s->page[i] == page) {
            s->n--;
            memmove(&s->page[i], &s->page[i + 1], (s->n - i) * sizeof s->page[0]);
            return true;
        }
    }
    return false;
}

/* True: it was a miss; a full stack's first page has gone, and its number is in gone. */
static bool
naive_stack_use(struct naive_stack *s, unsigned page, bool bimodal, unsigned *gone, unsigned *ngone)
{
    bool hit = naive_stack_out(s, page);
    *ngone = 0;
    if (!hit && s->n == s->frames) {
        *gone = s->page[0];
        *ngone = 1;
        naive_stack_out(s, s->page[0]);
    }
    if (!hit && bimodal && ++s->came % 32 != 0) {
        memmove(&s->page[1], &s->page[0], s->n * sizeof s->page[0]);
        s->page[0] = page;
        s->n++;
    } else {
        s->page[s->n++] = page;
    }
    return !hit;
}

static bool
naive_adaptive_sampled(const struct naive_adaptive *v, unsigned page)
{
    uint64_t z = page + UINT64_C(0x9e3779b97f4a7c15);
    z ^= z >> 30;
    z *= UINT64_C(0xbf58476d1ce4e5b9);
    z ^= z >> 27;
    z *= UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z / (UINT64_MAX / v->divisor + (v->divisor > 1)) == 0 || v->divisor == 1;
}

static unsigned
naive_adaptive_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_adaptive *v = naive;
    bool bimodal = v->lead > 0;
    unsigned n, nowhere, none;
    (void)write;
    bool missed = naive_stack_use(&v->memory, page, bimodal, evicted, &n);
    if (!naive_adaptive_sampled(v, page))
        return n;
    bool lru = naive_stack_use(&v->lru, page, false, &nowhere, &none);
    bool bip = naive_stack_use(&v->bip, page, true, &nowhere, &none);
    if (bimodal)
        bip = missed;
    else
        lru = missed;
    if (lru && !bip && v->lead < (int)v->lru.frames)
        v->lead++;
    if (bip && !lru && v->lead > -(int)v->lru.frames)
        v->lead--;
    return n;
}

static void
naive_adaptive_forget(void *naive, unsigned page)
{
    struct naive_adaptive *v = naive;
    naive_stack_out(&v->memory, page);
}

const struct naive_policy naive_adaptive = {
    .name = "adaptive",
    .create = naive_adaptive_create,
    .destroy = free,
    .step = naive_adaptive_step,
    .forget = naive_adaptive_forget,
};
