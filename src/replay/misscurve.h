/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A miss-ratio curve: misses, and write-backs where they are known, by the number of frames.  It is
 * kept as the corners of a step function: each point holds from its frames up to the next point's.
 */
#ifndef REPLAY_MISSCURVE_H
#define REPLAY_MISSCURVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/result.h"

struct misscurve_point {
    uint64_t frames, misses, writebacks;
};

struct misscurve {
    struct misscurve_point *points; /* by frames, which start at 1 */
    uint64_t n, room;
    uint64_t references;
    bool writebacks; /* are they known? */
};

struct lrucurve;

/* An empty curve is all zero.  Frames grow, or stay: then the point takes the last one's place.  A
 * point like the one before is left out. */
MUST_CHECK enum pgw_status misscurve_add(
    struct misscurve *curve, struct base_alloc *alloc, const struct misscurve_point *point);
/* From one that is finished.  curve is empty.  PGW_NOMEM: it is empty again. */
MUST_CHECK enum pgw_status misscurve_of_lru(
    struct misscurve *curve, struct base_alloc *alloc, const struct lrucurve *lru);
void misscurve_fini(struct misscurve *curve, struct base_alloc *alloc);

/* The point that holds at frames, which is not 0, or an empty one for an empty curve. */
struct misscurve_point misscurve_at(const struct misscurve *curve, uint64_t frames);
/* The least frames whose misses are at most this many; 0: none of the curve's. */
uint64_t misscurve_least(const struct misscurve *curve, uint64_t misses);
/* The mean absolute difference of two curves' miss ratios over all sizes from 1 to frames. */
double misscurve_error(
    const struct misscurve *curve, const struct misscurve *other, uint64_t frames);

#endif
