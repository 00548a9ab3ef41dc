/* SPDX-License-Identifier: BSD-2-Clause */
/* What a page holds: all of its words follow from a key (0: zeros). */
#ifndef KEYED_H
#define KEYED_H

#include "guest.h"

#define KEYED_WORDS (GUEST_PAGE / 8)

/* Odd keys are like text to a compressor, even ones like noise. */
static inline uint64_t
keyed_word(uint32_t key, uint64_t first, size_t i)
{
    return first + ((key & 1) != 0 ? i / 32 : i * 0x9e3779b97f4a7c15u);
}

static inline void
keyed_fill(unsigned char *page, uint32_t key)
{
    uint64_t *words = (uint64_t *)(void *)page, first = guest_value(77, key);

    for (size_t i = 0; i < KEYED_WORDS; i++)
        words[i] = key == 0 ? 0 : keyed_word(key, first, i);
}

#endif
