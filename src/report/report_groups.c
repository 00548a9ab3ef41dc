/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report_groups.h"

#include "base/size.h"

#define SIZE_LEN 16

static void
groups_size(uint64_t pages, char *text)
{
    base_size_format(pages * PAGE_SIZE, text, SIZE_LEN);
}

void
report_text_groups(struct report_buf *buf, const struct report_input *input)
{
    char limit[SIZE_LEN], peak[SIZE_LEN];

    if (input->ngroups == 0)
        return;
    report_buf_add(buf, "\nGroups\n  %-15s %7s %7s %10s %10s %10s %9s %6s %12s\n", "", "limit",
        "peak", "evicted", "came back", "soon", "at limit", "ended", "stalled, ms");
    for (size_t i = 0; i < input->ngroups; i++) {
        const struct pgw_group_stats *g = &input->groups[i];
        groups_size(g->limit, limit);
        groups_size(g->resident_peak, peak);
        report_buf_add(buf, "  %-15s %7s %7s %10llu %10llu %10llu %9llu %6llu %12.3f\n", g->name,
            limit, peak, (unsigned long long)g->evicted, (unsigned long long)g->refaults,
            (unsigned long long)g->refaults_active, (unsigned long long)g->limit_hits,
            (unsigned long long)g->killed_for_memory, (double)g->pressure_some_us / 1000);
    }
}

static json_t *
groups_json(const struct pgw_group_stats *g)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
        g->name, "limit_pages", (json_int_t)g->limit, "resident_pages", (json_int_t)g->resident,
        "resident_pages_peak", (json_int_t)g->resident_peak, "evicted", (json_int_t)g->evicted,
        "reclaims", (json_int_t)g->reclaims, "limit_hits", (json_int_t)g->limit_hits, "refaults",
        (json_int_t)g->refaults, "refaults_active", (json_int_t)g->refaults_active,
        "killed_for_memory", (json_int_t)g->killed_for_memory, "pressure_some_us",
        (json_int_t)g->pressure_some_us, "pressure_full_us", (json_int_t)g->pressure_full_us);
}

json_t *
report_json_groups(const struct report_input *input)
{
    json_t *all = json_array();

    for (size_t i = 0; all != NULL && i < input->ngroups; i++) {
        if (json_array_append_new(all, groups_json(&input->groups[i])) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}
