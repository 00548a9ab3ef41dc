/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trace says of memory: miss-ratio curves (how much RAM would it need) and working sets (how
 * much does it use, when and where).
 *
 *      struct pgw_curves_options options;
 *      struct pgw_curves *curves;
 *      char why[PGW_TRACE_WHY];
 *
 *      pgw_curves_options_init(&options);
 *      if (pgw_curves_measure("app.pwt", NULL, &options, &curves, why) == PGW_OK) {
 *          const struct pgw_curve *lru = pgw_curves_get(curves, 0);
 *          uint64_t frames = pgw_curve_least(lru, 0.01);
 *          ...
 *          pgw_curves_destroy(curves);
 *      }
 *
 * Pages are counted as a machine with copy-on-write holds them: those of a fork are shared until
 * one is written, those that are unmapped or left by an exit are gone, and free their frames.  All
 * misses count, a page's first use, too.  Results depend on the trace, the options and the seed
 * alone.
 */
#ifndef PAGEWRIGHT_CURVE_H
#define PAGEWRIGHT_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagewright/status.h>
#include <pagewright/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- miss-ratio curves ---- */

struct pgw_curves_options {
    size_t size;        /* of this structure: set by pgw_curves_options_init() */
    uint64_t page_size; /* bytes: a power of two, at least 512 (4096) */
    bool exact;         /* LRU's, at every size (true) */
    /*
     * LRU's from a sample of the pages (SHARDS): sample is the part of them, above 0 to 1, or 0 for
     * none; sample_pages, unless 0, is how many pages the sample holds at the most, by becoming
     * stricter (sample is then where it begins, and 0 means 1) (0, 0).
     */
    double sample;
    uint64_t sample_pages;
    /*
     * Other policies, as --policy of pagewright-replay(1) names them, "opt" too, with commas
     * between; each is run at several sizes, on a sample of the pages and in proportionately less
     * memory (NULL: none).  policy_sample: the part of the pages, above 0 to 1; 0: all of up to 64
     * Ki pages, fewer of more (0).  sizes: how many sizes from one frame to all pages (24).
     */
    const char *policies;
    double policy_sample;
    unsigned sizes;
    uint64_t seed; /* of samples and of policies that throw dice (1) */
    /* Told from time to time; false: stop, with what is there.  NULL: nobody wants to know. */
    bool (*progress)(void *ctx, const struct pgw_trace_info *info, uint64_t references);
    void *ctx;
};
PGW_API void pgw_curves_options_init(struct pgw_curves_options *options);

struct pgw_curves;
struct pgw_curve; /* one of them */

/*
 * Reads the trace to its end, or until progress says stop: then what was read is measured (see
 * `complete` below).  options and trace_options may be NULL.  why has room for
 * PGW_TRACE_WHY bytes and is set on failure.
 * As pgw_trace_open() and pgw_trace_next(); PGW_INVAL: bad options, no references at all, runs of
 * references to pages of 4096 bytes where pages are smaller; PGW_RANGE: more than 2^30 pages;
 * PGW_NOSWAP, PGW_IO: a temporary file; PGW_NOMEM.
 */
PGW_API enum pgw_status pgw_curves_measure(const char *path,
    const struct pgw_trace_options *trace_options, const struct pgw_curves_options *options,
    struct pgw_curves **curves, char *why);
PGW_API void pgw_curves_destroy(struct pgw_curves *curves);

struct pgw_curves_info {
    uint64_t references; /* by pages: one that crosses into a second page is two */
    uint64_t reads, writes, fetches;
    uint64_t pages;     /* distinct ones: each missed once in any memory */
    uint64_t footprint; /* the most there were at a time */
    uint64_t page_size;
    bool complete;    /* the trace was read to its end */
    uint64_t reduced; /* the trace is one that was reduced: curves hold from this many frames up */
    unsigned count;   /* of curves */
};
PGW_API void pgw_curves_get_info(const struct pgw_curves *curves, struct pgw_curves_info *info);

/* The i-th: the exact one, the sampled one, then the policies' in their order.  NULL: there are
 * fewer.  It belongs to curves. */
PGW_API const struct pgw_curve *pgw_curves_get(const struct pgw_curves *curves, unsigned i);

struct pgw_curve_info {
    const char *policy; /* "lru", ... as it was asked for */
    bool exact;         /* every figure is that of a replay at full size */
    bool every_size;    /* it has all sizes; else those of its points, and no others */
    bool writebacks;    /* are they known? */
    double sample;      /* part of the pages that were looked at, in the end */
    uint64_t sampled;   /* pages that were looked at at a time, at the most */
    uint64_t points;
    double error; /* mean absolute difference from the exact curve's miss ratio, over all sizes up
                     to the footprint (every_size) or over the points; -1: not known */
};
PGW_API void pgw_curve_get_info(const struct pgw_curve *curve, struct pgw_curve_info *info);

/* From `frames` up to the next point's, a memory misses this often. */
struct pgw_curve_point {
    uint64_t frames;
    uint64_t misses, writebacks;
};
/* PGW_NOTFOUND: there are fewer points. */
PGW_API enum pgw_status pgw_curve_get_point(
    const struct pgw_curve *curve, uint64_t i, struct pgw_curve_point *point);
/* The point that holds at frames (at least 1), or the first one. */
PGW_API void pgw_curve_at(
    const struct pgw_curve *curve, uint64_t frames, struct pgw_curve_point *point);
/* The least frames from which on the miss ratio is at most this; 0: none. */
PGW_API uint64_t pgw_curve_least(const struct pgw_curve *curve, double ratio);

/* ---- working sets ---- */

#define PGW_WORKSETS_MAX 16u
#define PGW_WORKSET_SLICES 128u
#define PGW_WORKSET_BINS 64u

struct pgw_worksets_options {
    size_t size;                       /* set by pgw_worksets_options_init() */
    uint64_t page_size;                /* (4096) */
    uint64_t window[PGW_WORKSETS_MAX]; /* references, 1 to 2^62 (10^4, 10^5, 10^6) */
    unsigned windows;                  /* how many (3) */
    unsigned rows;                     /* of the heat map, at the most, if that can be (32) */
    bool (*progress)(void *ctx, const struct pgw_trace_info *info, uint64_t references);
    void *ctx;
};
PGW_API void pgw_worksets_options_init(struct pgw_worksets_options *options);

struct pgw_worksets;

/* As pgw_curves_measure(). */
PGW_API enum pgw_status pgw_worksets_measure(const char *path,
    const struct pgw_trace_options *trace_options, const struct pgw_worksets_options *options,
    struct pgw_worksets **worksets, char *why);
PGW_API void pgw_worksets_destroy(struct pgw_worksets *worksets);

/* Of Denning's working set with this window: how many pages were used in the last `window`
 * references, over all references. */
struct pgw_workset {
    uint64_t window;
    uint64_t min, p10, p50, p90, max;
    double mean;
    double
        intervals_mean; /* the same from the intervals between uses (Denning and Schwartz 1972) */
    double slice[PGW_WORKSET_SLICES]; /* its mean in each slice of the time */
};
/* PGW_NOTFOUND: there are fewer windows. */
PGW_API enum pgw_status pgw_worksets_get(
    const struct pgw_worksets *worksets, unsigned i, struct pgw_workset *workset);

struct pgw_worksets_info {
    uint64_t references, reads, writes, fetches;
    uint64_t pages, footprint, page_size;
    bool complete;
    uint64_t reduced; /* not 0: the trace was reduced, which moves uses in time: all of this is but
                         an approximation */
    unsigned windows;
    unsigned slices;        /* of working sets over time */
    uint64_t slice;         /* references in each, but for the last */
    unsigned rows, columns; /* of the heat map */
    uint64_t column;        /* references in each column, but for the last */
    uint64_t row_bytes;     /* of addresses in each row */
    uint64_t left_out;      /* references that the heat map had no row for */
    /* Histograms: bin k has what is at least 2^k and below 2^(k+1). */
    uint64_t reuse_time[PGW_WORKSET_BINS];     /* references between two uses of a page */
    uint64_t reuse_distance[PGW_WORKSET_BINS]; /* frames that would have made a use a hit under LRU:
                                                  a refault in memory of less */
    uint64_t first_uses;                       /* which no memory makes hits */
    uint64_t writeback_distance[PGW_WORKSET_BINS]; /* frames that would have saved a write-back */
};
PGW_API void pgw_worksets_get_info(
    const struct pgw_worksets *worksets, struct pgw_worksets_info *info);

/* A row of the heat map, by process and address: references to [va, va + row_bytes) by column. */
struct pgw_heat {
    uint32_t process;
    uint64_t va;
    uint64_t count[PGW_WORKSET_SLICES];
};
/* PGW_NOTFOUND: there are fewer rows. */
PGW_API enum pgw_status pgw_worksets_get_heat(
    const struct pgw_worksets *worksets, unsigned i, struct pgw_heat *heat);

#ifdef __cplusplus
}
#endif

#endif
