/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * References by address and time, in bounded memory: addresses in tiles of 2^n bytes, time in
 * columns of 2^m references.  When there are too many of either, all neighbours are added up in
 * pairs, and everything is twice as large from then on.
 */
#ifndef REPLAY_HEATMAP_H
#define REPLAY_HEATMAP_H

#include "base/alloc.h"
#include "base/result.h"
#include "vm/policy.h"

#define HEATMAP_COLUMNS 128u /* a power of two */
#define HEATMAP_TILES                                                                              \
    2048u /* of all processes; those that are still too many at the largest size are               \
             left out */

struct heatmap;

/* Where page is: for a page that is new. */
typedef void heatmap_place(void *ctx, uint32_t page, uint32_t *process, uint64_t *va);

/* page_size: a power of two. */
MUST_CHECK enum pgw_status heatmap_create(struct base_alloc *alloc, uint64_t page_size,
    heatmap_place *place, void *ctx, struct heatmap **map);
void heatmap_destroy(struct heatmap *map);

/* As lrucurve_use(). */
MUST_CHECK enum pgw_status heatmap_use(
    struct heatmap *map, const struct policy_touch *touch, size_t n, uint32_t pages);

/* Makes tiles larger until there are no more than this many, or one for each process. */
void heatmap_coarsen(struct heatmap *map, unsigned tiles);

struct heatmap_row {
    uint32_t process;
    uint64_t va, len;
    const uint64_t *count; /* by column; HEATMAP_COLUMNS of them */
};
/* The i-th tile by process and address.  False: there are fewer. */
bool heatmap_row(const struct heatmap *map, unsigned i, struct heatmap_row *row);
/* How many columns are in use, of *slice references each. */
unsigned heatmap_columns(const struct heatmap *map, uint64_t *slice);
/* References to what was left out. */
uint64_t heatmap_left_out(const struct heatmap *map);

#endif
