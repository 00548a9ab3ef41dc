/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Curves of any policy, by simulating it at some sizes, in miniature.
 *
 * C. A. Waldspurger, T. Saemundsson, I. Ahmad, N. Park, "Cache modeling and optimization using
 * miniature simulations", USENIX ATC 2017: of a sample of the pages, chosen by hash at rate R,
 * memory of R times the frames misses about R times as often.  OPT is one of them.  Every page at
 * its full size, R = 1, is exact.
 *
 * As in shards.h what is known of all pages corrects the sample: sizes are scaled by the number of
 * all pages to the sample's, and first uses, which miss in memory of any size, are not scaled but
 * counted.
 *
 * What it costs: a replay a policy and size of R times the trace, the sizes of a policy at the same
 * time over all processors; the sample's touches kept (spool.h): 8 bytes each, 12 with OPT.
 */
#ifndef REPLAY_SCALED_H
#define REPLAY_SCALED_H

#include "replay/misscurve.h"
#include "vm/policy.h"

/* Without a rate: the pages that are about as many as will do, by the paper's figures ten times
 * over. */
#define SCALED_PAGES (64u * 1024)

struct scaled;

struct scaled_config {
    double rate;      /* above 0, at most 1; 0: what SCALED_PAGES needs */
    unsigned sizes;   /* from one frame to all pages, in equal proportions; 2 at least */
    uint64_t seed;    /* of sample and policies */
    uint64_t memory;  /* bytes of touches kept in memory, before a temporary file */
    unsigned threads; /* 0: as many as there are processors */
};

MUST_CHECK enum pgw_status scaled_create(
    struct base_alloc *alloc, const struct scaled_config *config, struct scaled **scaled);
void scaled_destroy(struct scaled *scaled);

/* As lrucurve_use() and lrucurve_forget(); also PGW_IO, PGW_NOSWAP: the disk is full.  After a
 * failure it is of no further use. */
MUST_CHECK enum pgw_status scaled_use(
    struct scaled *scaled, const struct policy_touch *touch, size_t n, uint32_t pages);
MUST_CHECK enum pgw_status scaled_forget(struct scaled *scaled, uint32_t page);
/* The trace is over.  opt: OPT will be asked for.  PGW_RANGE: it cannot be (opt.h). */
MUST_CHECK enum pgw_status scaled_finish(struct scaled *scaled, bool opt);

/*
 * The curve of a policy, which misses at its points only; ops NULL: OPT.  going, which may be NULL,
 * is asked now and then whether to go on; PGW_AGAIN: it said no.  curve is empty, and is so again
 * on failure.
 */
MUST_CHECK enum pgw_status scaled_curve(struct scaled *scaled, const struct policy_ops *ops,
    const uint64_t *param, bool (*going)(void *ctx), void *ctx, struct base_alloc *alloc,
    struct misscurve *curve);

/* After finish: the part of the pages that is simulated, and how many that is. */
void scaled_figures(const struct scaled *scaled, double *rate, uint64_t *pages);

#endif
