/* SPDX-License-Identifier: BSD-2-Clause */
/* Curves for programs; docs/mrc.schema.json describes it. */
#include <jansson.h>

#include "mrc_out.h"

#define MRC_VERSION 1        /* raised when a field changes its meaning or goes away */
#define MRC_POINTS_MAX 1000u /* of a curve; --csv has all */

typedef json_int_t num; /* jansson's "I" */

/* Takes item over. */
static void
mrc_append(json_t **list, json_t *item)
{
    if (*list != NULL && json_array_append_new(*list, item) != 0) {
        json_decref(*list);
        *list = NULL;
    }
}

static json_t *
mrc_json_point(const struct mrc_table *table, const struct pgw_curve_point *point, bool writebacks)
{
    return json_pack("{s:I, s:I, s:f, s:o}", "frames", (num)point->frames, "misses",
        (num)point->misses, "ratio", mrc_miss_ratio(table, point), "writebacks",
        writebacks ? json_integer((num)point->writebacks) : json_null());
}

/* The first, the last, and as many between them as are wanted. */
static json_t *
mrc_json_points(
    const struct mrc_table *table, const struct pgw_curve *curve, const struct pgw_curve_info *is)
{
    uint64_t first = mrc_first_point(table, curve), points = is->points - first;
    uint64_t n = points < MRC_POINTS_MAX ? points : MRC_POINTS_MAX;
    struct pgw_curve_point point;
    json_t *list = json_array();

    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = first + (n > 1 ? i * (points - 1) / (n - 1) : 0);
        if (mrc_get_point(table, curve, at, &point))
            mrc_append(&list, mrc_json_point(table, &point, is->writebacks));
    }
    return list;
}

static json_t *
mrc_json_size(const struct mrc_table *table, const struct pgw_curve *curve, uint64_t frames)
{
    struct pgw_curve_point point;

    if (frames < mrc_from(table))
        return json_null();
    pgw_curve_at(curve, frames, &point);
    return json_pack("{s:I, s:I, s:I, s:f}", "frames", (num)frames, "bytes",
        (num)(frames * table->info.page_size), "misses", (num)point.misses, "seconds",
        mrc_time(table, &point) / 1e9);
}

static json_t *
mrc_json_knees(const struct mrc_table *table, const struct pgw_curve *curve, bool every_size)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < MRC_KNEES; i++) {
        uint64_t frames = mrc_knee(table, curve, mrc_ratios[i]);
        bool half = every_size && frames / 2 >= mrc_apart(table, curve);
        mrc_append(&list, json_pack("{s:f, s:o, s:o, s:o}", "ratio", mrc_ratios[i], "least",
                              mrc_json_size(table, curve, frames), "half",
                              mrc_json_size(table, curve, half ? frames / 2 : 0), "twice",
                              mrc_json_size(table, curve, every_size ? frames * 2 : 0)));
    }
    return list;
}

static json_t *
mrc_json_curve(const struct mrc_table *table, const struct pgw_curve *curve)
{
    struct pgw_curve_info is;

    pgw_curve_get_info(curve, &is);
    return json_pack("{s:s, s:b, s:b, s:f, s:I, s:o, s:I, s:o, s:o}", "policy", is.policy, "exact",
        (int)is.exact, "every_size", (int)is.every_size, "sample", is.sample, "sampled_pages",
        (num)is.sampled, "error", is.error >= 0 ? json_real(is.error) : json_null(), "corners",
        (num)(is.points - mrc_first_point(table, curve)), "points",
        mrc_json_points(table, curve, &is), "knees", mrc_json_knees(table, curve, is.every_size));
}

bool
mrc_write_json(const struct mrc_table *table, FILE *out)
{
    const struct pgw_curves_info *info = &table->info;
    const struct pgw_cost *cost = table->cost;
    json_t *path = json_string(table->measure->path), *curves = json_array();

    for (unsigned i = 0; i < info->count; i++)
        mrc_append(&curves, mrc_json_curve(table, pgw_curves_get(table->curves, i)));
    json_t *costs = json_pack("{s:f, s:f, s:f}", "access_ns", cost->tlb_ns + cost->ram_ns,
        "miss_ns", cost->fault_ns + cost->disk_ns, "writeback_ns", cost->disk_ns);
    json_t *root =
        json_pack("{s:i, s:s, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
            "version", MRC_VERSION, "generator", pgw_version(), "trace",
            path != NULL ? path : json_string("(not UTF-8)"), "complete", (int)info->complete,
            "seed", (num)table->seed, "page_bytes", (num)info->page_size, "references",
            (num)info->references, "reads", (num)info->reads, "writes", (num)info->writes,
            "fetches", (num)info->fetches, "pages", (num)info->pages, "footprint",
            (num)info->footprint, "reduced", (num)info->reduced, "cost", costs, "curves", curves);
    bool put = root != NULL &&
               json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 &&
               fputc('\n', out) != EOF;
    json_decref(root);
    return put;
}
