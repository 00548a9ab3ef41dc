/* SPDX-License-Identifier: BSD-2-Clause */
/* WSClock: an array that starts where the hand is; passing a page moves it to the end. */
#include <stdlib.h>

#include "naive_policy.h"

struct naive_wsclock {
    unsigned frames, n;
    uint64_t tau, now;
    unsigned circle[NAIVE_PAGES];
    bool used[NAIVE_PAGES], dirty[NAIVE_PAGES];
    uint64_t last[NAIVE_PAGES];
};

static void *
naive_wsclock_create(unsigned frames, const uint64_t *param, uint64_t seed)
{
    struct naive_wsclock *v = calloc(1, sizeof *v);
    (void)seed;
    v->frames = frames;
    v->tau = naive_param(param, 0, 100000);
    return v;
}

static unsigned
naive_wsclock_at(const struct naive_wsclock *v, unsigned page)
{
    unsigned i = 0;
    while (i < v->n && v->circle[i] != page)
        i++;
    return i;
}

static void
naive_wsclock_forget(void *naive, unsigned page)
{
    struct naive_wsclock *v = naive;
    unsigned i = naive_wsclock_at(v, page);
    for (v->n--; i < v->n; i++)
        v->circle[i] = v->circle[i + 1];
}

static bool
naive_wsclock_expired(const struct naive_wsclock *v, unsigned page)
{
    return v->now > v->last[page] + v->tau;
}

/* Place in the circle of the page that goes. */
static unsigned
naive_wsclock_choose(struct naive_wsclock *v)
{
    bool busy[NAIVE_PAGES] = {false};
    unsigned looks = v->n < 32 ? v->n : 32, free = v->n;

    for (unsigned i = 0; i < v->n; i++) {
        unsigned page = v->circle[i];
        busy[i] = v->used[page];
        if (busy[i])
            v->last[page] = v->now;
        v->used[page] = false;
        if (!busy[i] && naive_wsclock_expired(v, page) && !v->dirty[page] && i < looks)
            return i;
        if (!busy[i] && free == v->n)
            free = i;
        if (i + 1 >= looks && free < v->n)
            break;
    }
    if (free == v->n) /* all were used; the first has been cleared */
        return 0;
    if (free >= looks)
        return free;
    for (unsigned i = 0; i < looks; i++)
        if (!busy[i] && naive_wsclock_expired(v, v->circle[i]))
            return i;
    for (unsigned i = 0; i < looks; i++)
        if (!busy[i] && v->last[v->circle[i]] < v->last[v->circle[free]])
            free = i;
    return free;
}

static unsigned
naive_wsclock_step(void *naive, unsigned page, bool write, unsigned *evicted)
{
    struct naive_wsclock *v = naive;
    unsigned n = 0;
    v->now++;
    if (naive_wsclock_at(v, page) < v->n) {
        v->used[page] = true;
        v->dirty[page] = v->dirty[page] || write;
        return 0;
    }
    if (v->n == v->frames) {
        for (unsigned i = naive_wsclock_choose(v); i > 0; i--) {
            unsigned passed = v->circle[0];
            naive_wsclock_forget(v, passed);
            v->circle[v->n++] = passed;
        }
        evicted[n++] = v->circle[0];
        naive_wsclock_forget(v, v->circle[0]);
    }
    v->circle[v->n++] = page;
    v->used[page] = false;
    v->dirty[page] = write;
    v->last[page] = v->now;
    return n;
}

const struct naive_policy naive_wsclock = {
    .name = "wsclock",
    .create = naive_wsclock_create,
    .destroy = free,
    .step = naive_wsclock_step,
    .forget = naive_wsclock_forget,
};
