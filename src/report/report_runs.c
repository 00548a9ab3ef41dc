/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report_runs.h"

#include <stddef.h>

#define RUNS_TIMES 4u

/* A time at which what was free is known. */
struct runs_time {
    const char *key, *heading;
    const struct pgw_free_runs *runs;
};

static void
runs_times(const struct pgw_stats *stats, struct runs_time times[RUNS_TIMES])
{
    times[0] = (struct runs_time){"first", "first", &stats->runs_first};
    times[1] = (struct runs_time){"before", "before", &stats->runs_before};
    times[2] = (struct runs_time){"after", "after", &stats->runs_after};
    times[3] = (struct runs_time){"end", "end", &stats->runs_now};
}

static void
runs_indexes(struct report_buf *buf, const struct runs_time times[RUNS_TIMES], const char *gap,
    unsigned order, size_t offset)
{
    report_buf_add(buf, "%s", gap);
    for (unsigned i = 0; i < RUNS_TIMES; i++) {
        const double *of_orders =
            (const double *)(const void *)((const char *)times[i].runs + offset);
        report_buf_add(buf, "%7.3f", of_orders[order]);
    }
}

static void
runs_row(struct report_buf *buf, const struct runs_time times[RUNS_TIMES], unsigned order)
{
    report_buf_add(buf, "  %5u", order);
    for (unsigned i = 0; i < RUNS_TIMES; i++)
        report_buf_add(buf, " %7llu", (unsigned long long)times[i].runs->runs[order]);
    runs_indexes(buf, times, "  ", order, offsetof(struct pgw_free_runs, unusable));
    runs_indexes(buf, times, "  ", order, offsetof(struct pgw_free_runs, index));
    report_buf_add(buf, "\n");
}

void
report_text_runs(struct report_buf *buf, const struct pgw_stats *stats)
{
    struct runs_time times[RUNS_TIMES];

    if (stats->compact_runs == 0)
        return;
    runs_times(stats, times);
    report_buf_add(buf,
        "\nFree runs of 2^order pages: before compaction was wanted first, around the last time "
        "that\n"
        "it %s, and at the end\n",
        stats->compact_made > 0 ? "made a run" : "was");
    report_buf_add(buf, "         %-31s    %-28s  %s\n  order", "free runs",
        "unusable, of what is free", "fragmentation: 1 in pieces, -1 no matter");
    for (unsigned i = 0; i < RUNS_TIMES; i++)
        report_buf_add(buf, " %7s", times[i].heading);
    for (unsigned i = 0; i < 2 * RUNS_TIMES; i++)
        report_buf_add(
            buf, "%s%7s", i % RUNS_TIMES == 0 ? "  " : "", times[i % RUNS_TIMES].heading);
    report_buf_add(buf, "\n");
    for (unsigned order = 0; order < PGW_RUN_ORDERS; order++)
        runs_row(buf, times, order);
}

/* One order at one time. */
static json_t *
runs_json_at(const struct pgw_free_runs *runs, unsigned order)
{
    return json_pack("{s:I, s:f, s:f}", "runs", (json_int_t)runs->runs[order], "unusable_index",
        runs->unusable[order], "fragmentation_index", runs->index[order]);
}

json_t *
report_json_runs(const struct pgw_stats *stats)
{
    struct runs_time times[RUNS_TIMES];

    if (stats->compact_runs == 0)
        return json_null();
    json_t *all = json_array();
    runs_times(stats, times);
    for (unsigned order = 0; all != NULL && order < PGW_RUN_ORDERS; order++) {
        json_t *row = json_pack("{s:I}", "order", (json_int_t)order);
        bool made = row != NULL;
        for (unsigned i = 0; made && i < RUNS_TIMES; i++)
            made = json_object_set_new(row, times[i].key, runs_json_at(times[i].runs, order)) == 0;
        if (!made || json_array_append(all, row) != 0) {
            json_decref(all);
            all = NULL;
        }
        json_decref(row);
    }
    return all;
}
