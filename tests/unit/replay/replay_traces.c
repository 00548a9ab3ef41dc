/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_traces.h"

/* Page i is i+1 times less likely than page 0: a walk up while a coin of that odds says so. */
static uint32_t
traces_zipf(struct base_rng *rng)
{
    uint64_t total = 0, at;

    for (uint32_t i = 0; i < TRACES_PAGES; i++)
        total += 1000000 / (i + 1);
    at = base_rng_below(rng, total);
    for (uint32_t i = 0; i < TRACES_PAGES; i++) {
        uint64_t weight = 1000000 / (i + 1);
        if (at < weight)
            return i;
        at -= weight;
    }
    return TRACES_PAGES - 1;
}

static uint32_t
traces_page(enum traces_kind kind, uint32_t i, struct base_rng *rng)
{
    switch (kind) {
    case TRACES_LOOP:
        return i % 97;
    case TRACES_ZIPF:
        return traces_zipf(rng);
    case TRACES_SCAN:
        return i % 4 == 0 ? (uint32_t)base_rng_below(rng, 7) : i / 4 % TRACES_PAGES;
    case TRACES_PHASES:
        return i / 1000 * 40 % TRACES_PAGES + (uint32_t)base_rng_below(rng, 30);
    default:
        return (uint32_t)base_rng_below(rng, TRACES_PAGES);
    }
}

size_t
traces_make(enum traces_kind kind, unsigned gone, struct base_rng *rng, struct traces_step *steps)
{
    uint32_t n = TRACES_STEPS - (uint32_t)base_rng_below(rng, 1000);

    for (uint32_t i = 0; i < n; i++) {
        steps[i] = (struct traces_step){
            .gone = base_rng_below(rng, 1000) < gone,
            .touch = {.page = traces_page(kind, i, rng),
                .count = 1,
                .write = base_rng_below(rng, 3) == 0},
        };
    }
    return n;
}
