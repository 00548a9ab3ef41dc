/* SPDX-License-Identifier: BSD-2-Clause */
/* Working sets for programs; docs/wss.schema.json describes it. */
#include <jansson.h>

#include <pagewright/pagewright.h>

#include "wss_out.h"

#define WSS_VERSION 1 /* raised when a field changes its meaning or goes away */

typedef json_int_t num; /* jansson's "I" */

/* Takes item over. */
static void
wss_append(json_t **list, json_t *item)
{
    if (*list != NULL && json_array_append_new(*list, item) != 0) {
        json_decref(*list);
        *list = NULL;
    }
}

static json_t *
wss_json_counts(const uint64_t *count, unsigned n)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < n; i++)
        wss_append(&list, json_integer((num)count[i]));
    return list;
}

/* [{"from": 2^k, "count": n}, ...] of what is not nothing. */
static json_t *
wss_json_bins(const uint64_t *bins)
{
    json_t *list = json_array();

    for (unsigned k = 0; k < PGW_WORKSET_BINS - 1; k++) {
        if (bins[k] > 0)
            wss_append(&list,
                json_pack("{s:I, s:I}", "from", (num)((uint64_t)1 << k), "count", (num)bins[k]));
    }
    return list;
}

static json_t *
wss_json_set(const struct wss_table *table, const struct pgw_workset *set)
{
    json_t *slices = json_array();

    for (unsigned i = 0; i < table->info.slices; i++)
        wss_append(&slices, json_real(set->slice[i]));
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "window", (num)set->window,
        "min", (num)set->min, "p10", (num)set->p10, "p50", (num)set->p50, "p90", (num)set->p90,
        "max", (num)set->max, "mean", set->mean, "intervals_mean", set->intervals_mean, "slices",
        slices);
}

static json_t *
wss_json_heat(const struct wss_table *table)
{
    json_t *rows = json_array();
    struct pgw_heat heat;

    for (unsigned i = 0; pgw_worksets_get_heat(table->worksets, i, &heat) == PGW_OK; i++) {
        char address[24];
        (void)snprintf(address, sizeof address, "%#llx", (unsigned long long)heat.va);
        wss_append(
            &rows, json_pack("{s:I, s:s, s:o}", "process", (num)heat.process, "address", address,
                       "references", wss_json_counts(heat.count, table->info.columns)));
    }
    return json_pack("{s:I, s:I, s:I, s:o}", "row_bytes", (num)table->info.row_bytes,
        "column_references", (num)table->info.column, "left_out", (num)table->info.left_out, "rows",
        rows);
}

bool
wss_write_json(const struct wss_table *table, FILE *out)
{
    const struct pgw_worksets_info *info = &table->info;
    json_t *path = json_string(table->measure->path), *sets = json_array();
    struct pgw_workset set;

    for (unsigned i = 0; pgw_worksets_get(table->worksets, i, &set) == PGW_OK; i++)
        wss_append(&sets, wss_json_set(table, &set));
    json_t *root = json_pack("{s:i, s:s, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
                             "s:o, s:o, s:o, s:I, s:o, s:o}",
        "version", WSS_VERSION, "generator", pgw_version(), "trace",
        path != NULL ? path : json_string("(not UTF-8)"), "complete", (int)info->complete,
        "page_bytes", (num)info->page_size, "references", (num)info->references, "reads",
        (num)info->reads, "writes", (num)info->writes, "fetches", (num)info->fetches, "pages",
        (num)info->pages, "footprint", (num)info->footprint, "reduced", (num)info->reduced,
        "slice_references", (num)info->slice, "working_sets", sets, "heat", wss_json_heat(table),
        "reuse_time", wss_json_bins(info->reuse_time), "first_uses", (num)info->first_uses,
        "reuse_distance", wss_json_bins(info->reuse_distance), "writeback_distance",
        wss_json_bins(info->writeback_distance));
    bool put = root != NULL &&
               json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 &&
               fputc('\n', out) != EOF;
    json_decref(root);
    return put;
}
