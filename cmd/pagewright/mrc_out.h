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

/* False: it could not be written, or there was no memory. */
bool mrc_write_text(const struct mrc_table *table, FILE *out);
bool mrc_write_csv(const struct mrc_table *table, FILE *out);
bool mrc_write_json(const struct mrc_table *table, FILE *out);

#endif
