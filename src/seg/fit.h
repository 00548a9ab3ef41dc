/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CONTRACT: fit, where in RAM a partition goes (variable partitions; Knuth, The Art of Computer
 * Programming vol. 1, 2.5, dynamic storage allocation).
 *
 * An allocator manages npages frames, numbered from 0.
 *
 * Laws:
 *  F1  What is allocated does not overlap anything allocated.
 *  F2  alloc fails only if no free run of that many frames is left that the method could use
 * (buddy: no free block of the next power of two). F3  After all is freed there is one free run of
 * all frames (buddy: the blocks it started with). F4  Same calls, same answers.
 */
#ifndef SEG_FIT_H
#define SEG_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/result.h"

#define SEG_FIT_NONE UINT64_MAX

struct seg_fit_counts {
    uint64_t free, holes, largest; /* frames; runs; frames of the largest run that alloc can give */
    uint64_t lost;                 /* frames given beyond what was asked for (buddy) */
};

/* Every allocator starts with this. */
struct seg_fit {
    const struct seg_fit_ops *ops;
};

struct seg_fit_ops {
    const char *name;
    const char *summary;
    bool movable; /* partitions may be placed and grown by the frame (buddy: by blocks only) */
    enum pgw_status (*create)(struct base_alloc *alloc, uint64_t npages, struct seg_fit **fit);
    void (*destroy)(struct seg_fit *fit);

    /* The first of npages frames; SEG_FIT_NONE: no room, or no record. */
    uint64_t (*alloc)(struct seg_fit *fit, uint64_t npages);
    /* Exactly [first, first + npages); false if any of it is taken. */
    bool (*alloc_at)(struct seg_fit *fit, uint64_t first, uint64_t npages);
    /* A partition that alloc or alloc_at gave. */
    void (*free)(struct seg_fit *fit, uint64_t first, uint64_t npages);
    /* Makes a partition of old frames one of new frames without moving its start (up) or its end
     * (down); *first: where it begins now.  False: it cannot be, nothing has changed. */
    bool (*resize)(struct seg_fit *fit, uint64_t *first, uint64_t old, uint64_t new, bool down);

    /* The free run that contains frame at or is the first above it; false: none. */
    bool (*hole)(const struct seg_fit *fit, uint64_t at, uint64_t *first, uint64_t *npages);
    void (*counts)(const struct seg_fit *fit, struct seg_fit_counts *counts);
    bool (*check)(const struct seg_fit *fit);
};

extern const struct seg_fit_ops seg_fit_first, seg_fit_best, seg_fit_next, seg_fit_worst;
extern const struct seg_fit_ops seg_fit_buddy;

#endif
