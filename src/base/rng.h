/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers, injected: the same seed gives the same run.  xoshiro256** (Blackman, Vigna 2018).
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct base_rng {
    uint64_t s[4];
};

/* Any seed will do, 0 too (it is spread by splitmix64). */
void base_rng_init(struct base_rng *rng, uint64_t seed);
uint64_t base_rng_next(struct base_rng *rng);
/* Uniform in [0, n); n > 0. */
uint64_t base_rng_below(struct base_rng *rng, uint64_t n);

#endif
