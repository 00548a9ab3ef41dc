/* SPDX-License-Identifier: BSD-2-Clause */
/* The most that a figure of now ever was: when a program has ended, the figure itself is nothing.
 */
#ifndef BASE_PEAK_H
#define BASE_PEAK_H

#include <stdint.h>

static inline void
base_peak(uint64_t *peak, uint64_t now)
{
    if (now > *peak)
        *peak = now;
}

#endif
