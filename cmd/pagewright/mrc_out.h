/* SPDX-License-Identifier: BSD-2-Clause */
/* What pagewright mrc writes. */
#ifndef PAGEWRIGHT_MRC_OUT_H
#define PAGEWRIGHT_MRC_OUT_H

#include <pagewright/curve.h>
#include <pagewright/pagewright.h>

#include "measure.h"

struct mrc_table {
    const struct measure *measure;
    const struct pgw_cost *cost;
    const struct pgw_curves *curves;
    struct pgw_curves_info info;
    uint64_t seed;
    bool sampled; /* the seed mattered */
};

/* The miss ratios that knees are told of. */
#define MRC_KNEES 3u
extern const double mrc_ratios[MRC_KNEES];

/* How long the program's memory takes with these misses, in ns, by the cost model. */
double mrc_time(const struct mrc_table *table, const struct pgw_curve_point *point);
double mrc_miss_ratio(const struct mrc_table *table, const struct pgw_curve_point *point);

/*
 * A trace that was reduced is exact from a size on, and of less there is nothing to say.  The least
 * size that is told of; 1 of any other trace.
 */
uint64_t mrc_from(const struct mrc_table *table);
/* The first point of the curve that is told of, and any from there on: that first one begins at
 * mrc_from() at the least.  false: there are fewer. */
uint64_t mrc_first_point(const struct mrc_table *table, const struct pgw_curve *curve);
bool mrc_get_point(const struct mrc_table *table, const struct pgw_curve *curve, uint64_t i,
    struct pgw_curve_point *point);
/*
 * A sample of one page in n does not tell sizes of less than n frames apart.  That n, or mrc_from()
 * if it is more; a knee that is there may be at less.  1 of an exact curve of a whole trace.
 */
uint64_t mrc_apart(const struct mrc_table *table, const struct pgw_curve *curve);
/* The least size told apart in which at most this part misses; 0: none. */
uint64_t mrc_knee(const struct mrc_table *table, const struct pgw_curve *curve, double ratio);

/* False: it could not be written, or there was no memory. */
bool mrc_write_text(const struct mrc_table *table, FILE *out);
bool mrc_write_csv(const struct mrc_table *table, FILE *out);
bool mrc_write_json(const struct mrc_table *table, FILE *out);

#endif
