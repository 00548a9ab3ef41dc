/* SPDX-License-Identifier: BSD-2-Clause */
/* W-TinyLFU: three arrays, the least recently used first, and counters of a byte each.  The hash is
 * part of the policy: which pages share counters decides who goes. */
#include <stdlib.h>

#include "naive_policy.h"

enum { ROWS = 4, ROW = 32 };

struct naive_lru_list {
    unsigned n, most;
    unsigned page[NAIVE_PAGES];
};

struct naive_wtinylfu {
    unsigned frames, blocks, additions;
    struct naive_lru_list window, probation, guarded;
    unsigned char counter[NAIVE_PAGES][ROWS][ROW]; /* by block */
};

static void *
naive_wtinylfu_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_wtinylfu *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->window.most = (unsigned)(frames * naive_param(param, 0, 1) / 100);
    if (v->window.most == 0)
        v->window.most = 1;
    v->guarded.most = (frames - v->window.most) * 4 / 5;
    v->blocks = 1;
    while (v->blocks < (frames + 7) / 8)
        v->blocks <<= 1;
    return v;
}

static unsigned char *
naive_wtinylfu_counter(struct naive_wtinylfu *v, unsigned page, unsigned row)
{
    uint64_t z = page;
    z ^= z >> 30;
    z *= UINT64_C(0xbf58476d1ce4e5b9);
    z ^= z >> 27;
    z *= UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return &v->counter[(z >> 32) % v->blocks][row][(z >> (8 + row * 6)) % ROW];
}

static void
naive_wtinylfu_add(struct naive_wtinylfu *v, unsigned page)
{
    for (unsigned row = 0; row < ROWS; row++)
        if (*naive_wtinylfu_counter(v, page, row) < 15)
            ++*naive_wtinylfu_counter(v, page, row);
    if (++v->additions < 10 * v->frames)
        return;
    v->additions /= 2;
    for (unsigned b = 0; b < v->blocks; b++)
        for (unsigned row = 0; row < ROWS; row++)
            for (unsigned c = 0; c < ROW; c++)
                v->counter[b][row][c] /= 2;
}

static unsigned
naive_wtinylfu_often(struct naive_wtinylfu *v, unsigned page)
{
    unsigned least = 255;
    for (unsigned row = 0; row < ROWS; row++)
        if (*naive_wtinylfu_counter(v, page, row) < least)
            least = *naive_wtinylfu_counter(v, page, row);
    return least;
}

static bool
naive_lru_list_take(struct naive_lru_list *l, unsigned page)
{
    unsigned i = 0;
    while (i < l->n && l->page[i] != page)
        i++;
    if (i == l->n)
        return false;
    for (l->n--; i < l->n; i++)
        l->page[i] = l->page[i + 1];
    return true;
}

static void
naive_lru_list_put(struct naive_lru_list *l, unsigned page)
{
    l->page[l->n++] = page;
}

/* Puts the page in, and sends on what is too much. */
static void
naive_lru_list_push(struct naive_lru_list *l, unsigned page, struct naive_lru_list *next)
{
    naive_lru_list_put(l, page);
    if (l->n > l->most) {
        naive_lru_list_put(next, l->page[0]);
        naive_lru_list_take(l, l->page[0]);
    }
}

static unsigned
naive_wtinylfu_evict(struct naive_wtinylfu *v)
{
    struct naive_lru_list *rest = v->probation.n > 0 ? &v->probation : &v->guarded;
    struct naive_lru_list *from = rest;
    if (rest->n == 0 ||
        (v->window.n == v->window.most &&
            naive_wtinylfu_often(v, v->window.page[0]) <= naive_wtinylfu_often(v, rest->page[0])))
        from = &v->window;
    unsigned gone = from->page[0];
    naive_lru_list_take(from, gone);
    return gone;
}

static unsigned
naive_wtinylfu_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_wtinylfu *v = naive;
    unsigned n = 0;
    (void)write;
    if (naive_lru_list_take(&v->window, page)) {
        naive_lru_list_put(&v->window, page);
    } else if (naive_lru_list_take(&v->guarded, page) || naive_lru_list_take(&v->probation, page)) {
        naive_lru_list_push(&v->guarded, page, &v->probation);
    } else {
        if (v->window.n + v->guarded.n + v->probation.n == v->frames)
            evicted[n++] = naive_wtinylfu_evict(v);
        naive_lru_list_push(&v->window, page, &v->probation);
    }
    naive_wtinylfu_add(v, page);
    return n;
}

static void
naive_wtinylfu_forget(void *naive, unsigned page)
{
    struct naive_wtinylfu *v = naive;
    naive_lru_list_take(&v->window, page);
    naive_lru_list_take(&v->guarded, page);
    naive_lru_list_take(&v->probation, page);
}

const struct naive_policy naive_wtinylfu = {
    .name = "wtinylfu",
    .create = naive_wtinylfu_create,
    .destroy = free,
    .step = naive_wtinylfu_step,
    .forget = naive_wtinylfu_forget,
};
