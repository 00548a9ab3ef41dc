/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks through more pages than there may be RAM for: forwards, backwards, in strides, two at a
 * time, and at random.  Each word is checked.
 *
 *     scans [PAGES]        (600)
 */
#include <stdlib.h>

#include "guest.h"

#define WORDS (GUEST_PAGE / sizeof(uint64_t))

static volatile uint64_t *words;
static size_t pages;

/* The page's word, which must be what was put there, and a little more each time. */
static uint64_t
visit(size_t page, uint64_t round)
{
    uint64_t word = words[page * WORDS + page % WORDS];

    GUEST_CHECK(word == guest_value(7, page) + round);
    words[page * WORDS + page % WORDS] = word + 1;
    return word;
}

int
main(int argc, char **argv)
{
    uint64_t sum = 0, round = 0;

    pages = argc > 1 ? (size_t)atoi(argv[1]) : 600;
    words = calloc(pages, GUEST_PAGE);
    GUEST_CHECK(words != NULL);
    for (size_t i = 0; i < pages; i++)
        words[i * WORDS + i % WORDS] = guest_value(7, i);
    for (; round < 2; round++)
        for (size_t i = 0; i < pages; i++)
            sum += visit(i, round);
    for (size_t i = pages; i-- > 0;)
        sum += visit(i, round);
    round++;
    for (size_t stride = 3; stride < 40; stride = stride * 2 + 1, round++)
        for (size_t first = 0; first < stride; first++)
            for (size_t i = first; i < pages; i += stride)
                sum += visit(i, round);
    for (size_t i = 0; i < pages / 2; i++)
        sum += visit(i, round) ^ visit(pages - 1 - i, round);
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
