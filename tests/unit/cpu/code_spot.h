/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a random program's next piece of code goes. */
#ifndef CODE_SPOT_H
#define CODE_SPOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/size.h"

/*
 * A spot near the end or somewhere in one of npages code pages, the first of which is page number
 * first: one that has not been used, nor the next one, into which code may run; both are used
 * then.  False: none was found.
 */
static inline bool
code_spot_choose(struct base_rng *rng, bool *used, unsigned npages, unsigned first, uint64_t *spot)
{
    for (unsigned tries = 0; tries < 50; tries++) {
        unsigned page = (unsigned)base_rng_below(rng, npages - 1);
        if (used[page] || used[page + 1])
            continue;
        used[page] = used[page + 1] = true;
        *spot = ((uint64_t)(first + page) << PAGE_SHIFT) + base_rng_below(rng, 2048) * 2;
        return true;
    }
    return false;
}

#endif
