/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rng.h"

#include "base/assert.h"

static uint64_t
rng_rotl(uint64_t x, unsigned k)
{
    return x << k | x >> (64 - k);
}

/* splitmix64 (Steele, Lea, Flood 2014): never leaves all four words zero. */
void
base_rng_init(struct base_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        rng->s[i] = z ^ z >> 31;
    }
}

uint64_t
base_rng_next(struct base_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rng_rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotl(s[3], 45);
    return result;
}

/* Lemire 2019: a multiplication instead of a division, with rejection so that it is exact. */
uint64_t
base_rng_below(struct base_rng *rng, uint64_t n)
{
    BASE_DEBUG_ASSERT(n > 0);
    unsigned __int128 product = (unsigned __int128)base_rng_next(rng) * n;

    if ((uint64_t)product < n) {
        uint64_t threshold = -n % n;
        while ((uint64_t)product < threshold)
            product = (unsigned __int128)base_rng_next(rng) * n;
    }
    return (uint64_t)(product >> 64);
}
