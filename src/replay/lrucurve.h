/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What LRU misses and writes back, at every size, in one pass; exactly as a replay of the policy
 * lru at that size does.
 *
 * Misses: a use at distance d misses in memories of less than d frames (lrustack.h).
 *
 * Write-backs, after J. G. Thompson, A. J. Smith, "Efficient (stack) algorithms for analysis of
 * write-back and sector memories", ACM Transactions on Computer Systems 7(1), 1989: from a write of
 * a page to its next one (or to its end) the page is written back once by every memory that it left
 * in between, and it left those of fewer frames than the deepest place that it sank to.  So one
 * number a page, that depth, gives the write-backs of all sizes.  It only has to be looked at when
 * the page is used, since a page sinks until then.
 */
#ifndef REPLAY_LRUCURVE_H
#define REPLAY_LRUCURVE_H

#include "base/alloc.h"
#include "base/result.h"
#include "vm/policy.h"

struct lrucurve;

MUST_CHECK enum pgw_status lrucurve_create(struct base_alloc *alloc, struct lrucurve **curve);
void lrucurve_destroy(struct lrucurve *curve);

/* Pages are below `pages`, which is less than 2^30.  PGW_NOMEM: nothing was done. */
MUST_CHECK enum pgw_status lrucurve_use(
    struct lrucurve *curve, const struct policy_touch *touch, size_t n, uint32_t pages);
/* The page is gone; PGW_NOMEM: it is not. */
MUST_CHECK enum pgw_status lrucurve_forget(struct lrucurve *curve, uint32_t page);
/* The trace is over: no more uses. Dirty pages that are still there have their depths counted. */
void lrucurve_finish(struct lrucurve *curve);

/*
 * Histograms by distance, of depth + 1 elements: uses[0] first uses, uses[d] those at distance d;
 * backs[d], from 1, the times that a page that was written sank to d before it was written again or
 * gone.
 * Valid until the next call that changes the curve.
 */
struct lrucurve_distances {
    const uint64_t *uses, *backs;
    uint64_t depth; /* the largest distance */
    uint64_t references;
};
void lrucurve_distances(const struct lrucurve *curve, struct lrucurve_distances *distances);

/* Bytes held. */
uint64_t lrucurve_bytes(const struct lrucurve *curve);

#endif
