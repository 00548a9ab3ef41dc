/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LRU's curve from a sample of the pages.
 *
 * C. A. Waldspurger, N. Park, A. Garthwaite, I. Ahmad, "Efficient MRC construction with SHARDS",
 * FAST 2015.  A page is in the sample when a hash of its number is below a threshold, so that
 * either all uses of a page are seen or none is.  With a rate R of the pages, a page that k others
 * of the sample lie above of lies about k / R deep, and each use stands for 1 / R.
 *
 * At a fixed rate the threshold stays.  At a fixed size it starts at all pages, and when there are
 * too many, those of the highest hash go and the threshold is theirs; what was counted before was
 * counted at the weight of its time, which comes to what the paper gets by scaling its counts down.
 *
 * Three corrections.  The paper's SHARDS-adj: the sample's share of uses differs from R, above all
 * by whether the few busiest pages are in it, which are hits in memory of almost any size; so what
 * is missing to all uses, or too much, is put into the count of the smallest distance.  And our
 * own, from what is known here of all pages: a run's uses after its first are at distance 1 for
 * certain, whoever is sampled, and are no part of the sampling; and how high the stack of all pages
 * would be is known, so distances are scaled by what that is to the height of the sample's, not by
 * 1 / R.
 */
#ifndef REPLAY_SHARDS_H
#define REPLAY_SHARDS_H

#include "replay/misscurve.h"
#include "vm/policy.h"

struct shards;

struct shards_config {
    double rate;    /* at the start: above 0, at most 1 */
    uint64_t pages; /* at most these (and a few for a moment); 0: at the same rate for ever */
    uint64_t seed;
};

MUST_CHECK enum pgw_status shards_create(
    struct base_alloc *alloc, const struct shards_config *config, struct shards **shards);
void shards_destroy(struct shards *shards);

/* As lrucurve_use() and lrucurve_forget(); pages are numbered in the order of their first use.
 * After PGW_NOMEM it is of no further use. */
MUST_CHECK enum pgw_status shards_use(
    struct shards *shards, const struct policy_touch *touch, size_t n, uint32_t pages);
MUST_CHECK enum pgw_status shards_forget(struct shards *shards, uint32_t page);

/* The curve, of no points if no page was in the sample; write-backs are not known.  curve is empty.
 * PGW_NOMEM: it is empty again. */
MUST_CHECK enum pgw_status shards_curve(
    const struct shards *shards, struct base_alloc *alloc, struct misscurve *curve);

struct shards_figures {
    double rate;      /* now */
    uint64_t sampled; /* touches of pages that were in the sample */
    uint64_t touches; /* of all */
    uint32_t most;    /* pages in the sample at a time */
};
void shards_figures(const struct shards *shards, struct shards_figures *figures);

/* ---- for other samplers of pages ---- */

/* Is page in a sample of this threshold?  2^64 - 1: nearly all are. */
static inline uint64_t
shards_hash(uint64_t seed, uint32_t page)
{
    /* splitmix64 (S. Vigna) */
    uint64_t h = seed + ((uint64_t)page + 1) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

static inline uint64_t
shards_threshold(double rate)
{
    return rate >= 1 ? UINT64_MAX : (uint64_t)(rate * 0x1p64);
}

static inline bool
shards_samples(uint64_t seed, uint64_t threshold, uint32_t page)
{
    return threshold == UINT64_MAX || shards_hash(seed, page) < threshold;
}

#endif
