/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time, injected.  The sim machine's clock is its instruction count, so that a run depends on
 * its arguments and seed only; the host machine's is the host's.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct base_clock {
    uint64_t (*now_ns)(void *ctx); /* nanoseconds since the machine started */
    void *ctx;
};

static inline uint64_t
base_clock_now(const struct base_clock *clock)
{
    return clock->now_ns(clock->ctx);
}

#endif
