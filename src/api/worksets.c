/* SPDX-License-Identifier: BSD-2-Clause */
/* Working sets of a trace: who measures what, and the figures. */
#include <pagewright/curve.h>

#include <stdio.h>
#include <string.h>

#include "api/survey.h"
#include "replay/heatmap.h"
#include "replay/lrucurve.h"
#include "replay/workwindow.h"

_Static_assert(PGW_WORKSETS_MAX == WORKWINDOWS_MAX && PGW_WORKSET_SLICES == WORKWINDOW_SLICES &&
                   PGW_WORKSET_SLICES == HEATMAP_COLUMNS &&
                   PGW_WORKSET_BINS == WORKWINDOW_INTERVALS,
    "the public names of sizes");

#define WINDOW_MAX ((uint64_t)1 << 62)

struct pgw_worksets {
    struct survey survey;
    struct pgw_worksets_options options;
    struct lrucurve *lru;
    struct workwindow *windows;
    struct heatmap *heat;
};

void
pgw_worksets_options_init(struct pgw_worksets_options *options)
{
    *options = (struct pgw_worksets_options){
        .size = sizeof *options,
        .page_size = PGW_CURVE_PAGE,
        .window = {10000, 100000, 1000000},
        .windows = 3,
        .rows = 32,
    };
}

static enum pgw_status
worksets_options(
    struct pgw_worksets *worksets, const struct pgw_worksets_options *options, char *why)
{
    struct pgw_worksets_options *own = &worksets->options;

    pgw_worksets_options_init(own);
    if (options != NULL)
        memcpy(own, options, options->size < sizeof *own ? options->size : sizeof *own);
    if (own->windows < 1 || own->windows > PGW_WORKSETS_MAX)
        return survey_fail(why, PGW_INVAL, "1 to %u windows are measured at once, not %u",
            PGW_WORKSETS_MAX, own->windows);
    for (unsigned i = 0; i < own->windows; i++) {
        if (own->window[i] < 1 || own->window[i] > WINDOW_MAX)
            return survey_fail(why, PGW_INVAL, "a window is 1 to 2^62 references, not %llu",
                (unsigned long long)own->window[i]);
    }
    own->rows = own->rows > 0 ? own->rows : 1;
    return PGW_OK;
}

/* ---- who is told ---- */

static enum pgw_status
worksets_use(void *ctx, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    struct pgw_worksets *worksets = ctx;
    enum pgw_status status = lrucurve_use(worksets->lru, touch, n, pages);

    if (status == PGW_OK)
        status = workwindow_use(worksets->windows, touch, n, pages);
    if (status == PGW_OK)
        status = heatmap_use(worksets->heat, touch, n, pages);
    return status;
}

static enum pgw_status
worksets_gone(void *ctx, uint32_t page)
{
    struct pgw_worksets *worksets = ctx;

    workwindow_forget(worksets->windows, page);
    return lrucurve_forget(worksets->lru, page);
}

static void
worksets_place(void *ctx, uint32_t page, uint32_t *process, uint64_t *va)
{
    struct pgw_worksets *worksets = ctx;

    replay_pages_place(worksets->survey.traverse.pages, page, process, va);
}

static enum pgw_status
worksets_run(struct pgw_worksets *worksets, char *why)
{
    const struct pgw_worksets_options *options = &worksets->options;
    struct survey *survey = &worksets->survey;
    enum pgw_status status = lrucurve_create(&survey->alloc, &worksets->lru);

    if (status == PGW_OK)
        status = workwindow_create(
            &survey->alloc, options->window, options->windows, &worksets->windows);
    if (status == PGW_OK)
        status = heatmap_create(
            &survey->alloc, options->page_size, worksets_place, worksets, &worksets->heat);
    if (status != PGW_OK)
        return survey_fail(why, status, "no memory");
    survey->traverse.sink[0] =
        (struct traverse_sink){.ctx = worksets, .use = worksets_use, .gone = worksets_gone};
    survey->traverse.nsinks = 1;
    survey->traverse.progress = options->progress;
    survey->traverse.ctx = options->ctx;
    status = survey_run(survey, why);
    if (status != PGW_OK)
        return status;
    lrucurve_finish(worksets->lru);
    workwindow_finish(worksets->windows);
    heatmap_coarsen(worksets->heat, options->rows);
    return PGW_OK;
}

enum pgw_status
pgw_worksets_measure(const char *path, const struct pgw_trace_options *trace_options,
    const struct pgw_worksets_options *options, struct pgw_worksets **worksets, char *why)
{
    struct pgw_worksets *made = survey_alloc(sizeof *made, why);

    if (made == NULL)
        return PGW_NOMEM;
    enum pgw_status status = worksets_options(made, options, why);
    if (status == PGW_OK)
        status = survey_init(&made->survey, path, trace_options, made->options.page_size, why);
    if (status == PGW_OK)
        status = worksets_run(made, why);
    if (status != PGW_OK) {
        pgw_worksets_destroy(made);
        return status;
    }
    *worksets = made;
    return PGW_OK;
}

void
pgw_worksets_destroy(struct pgw_worksets *worksets)
{
    if (worksets == NULL)
        return;
    lrucurve_destroy(worksets->lru);
    workwindow_destroy(worksets->windows);
    heatmap_destroy(worksets->heat);
    survey_fini(&worksets->survey);
    survey_free(worksets, sizeof *worksets);
}

/* ---- figures ---- */

enum pgw_status
pgw_worksets_get(const struct pgw_worksets *worksets, unsigned i, struct pgw_workset *workset)
{
    uint64_t sum[PGW_WORKSET_SLICES], slice, n = workwindow_references(worksets->windows);
    struct workwindow_figures is;

    if (i >= worksets->options.windows)
        return PGW_NOTFOUND;
    workwindow_figures(worksets->windows, i, &is);
    *workset = (struct pgw_workset){
        .window = is.tau,
        .min = is.min,
        .p10 = is.p10,
        .p50 = is.p50,
        .p90 = is.p90,
        .max = is.max,
        .mean = (double)is.sum / (double)n,
        .intervals_mean = (double)is.intervals / (double)n,
    };
    unsigned slices = workwindow_slices(worksets->windows, i, sum, &slice);
    for (unsigned k = 0; k < slices; k++) {
        uint64_t from = k * slice, len = n - from < slice ? n - from : slice;
        workset->slice[k] = (double)sum[k] / (double)len;
    }
    return PGW_OK;
}

/* By the power of two that a distance is not below. */
static void
worksets_bins(const uint64_t *by_distance, uint64_t depth, uint64_t bins[PGW_WORKSET_BINS])
{
    for (uint64_t d = 1; d <= depth; d++)
        bins[63 - __builtin_clzll(d)] += by_distance[d];
}

void
pgw_worksets_get_info(const struct pgw_worksets *worksets, struct pgw_worksets_info *info)
{
    struct lrucurve_distances distances;
    struct heatmap_row row = {0};
    uint64_t sum[PGW_WORKSET_SLICES];
    struct survey_totals totals;

    survey_totals(&worksets->survey, &totals);
    *info = (struct pgw_worksets_info){
        .references = totals.refs.references,
        .reads = totals.refs.reads,
        .writes = totals.refs.writes,
        .fetches = totals.refs.fetches,
        .pages = totals.pages,
        .footprint = totals.footprint,
        .page_size = worksets->options.page_size,
        .complete = worksets->survey.complete,
        .reduced = worksets->survey.reduced,
        .windows = worksets->options.windows,
    };
    info->slices = workwindow_slices(worksets->windows, 0, sum, &info->slice);
    while (heatmap_row(worksets->heat, info->rows, &row))
        info->rows++;
    info->row_bytes = row.len;
    info->columns = heatmap_columns(worksets->heat, &info->column);
    info->left_out = heatmap_left_out(worksets->heat);
    workwindow_intervals(worksets->windows, info->reuse_time);
    lrucurve_distances(worksets->lru, &distances);
    info->first_uses = distances.uses[0];
    worksets_bins(distances.uses, distances.depth, info->reuse_distance);
    worksets_bins(distances.backs, distances.depth, info->writeback_distance);
}

enum pgw_status
pgw_worksets_get_heat(const struct pgw_worksets *worksets, unsigned i, struct pgw_heat *heat)
{
    struct heatmap_row row;

    if (!heatmap_row(worksets->heat, i, &row))
        return PGW_NOTFOUND;
    *heat = (struct pgw_heat){.process = row.process, .va = row.va};
    memcpy(heat->count, row.count, sizeof heat->count);
    return PGW_OK;
}
