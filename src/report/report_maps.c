/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report_maps.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"

static void
maps_rights(unsigned prot, char text[4])
{
    text[0] = (prot & PGW_READ) != 0 ? 'r' : '-';
    text[1] = (prot & PGW_WRITE) != 0 ? 'w' : '-';
    text[2] = (prot & PGW_EXEC) != 0 ? 'x' : '-';
    text[3] = '\0';
}

/* Where there are no pages there is nothing to count. */
static void
maps_count(uint64_t n, bool contiguous, char text[24])
{
    (void)snprintf(text, 24, contiguous ? "-" : "%llu", (unsigned long long)n);
}

static void
maps_text_region(struct report_buf *buf, const struct report_region *r, bool contiguous)
{
    char rights[4], size[16], range[40], huge[24], merged[24], locked[24];
    const struct pgw_region_usage *u = &r->usage;

    maps_count(u->huge, contiguous, huge);
    maps_count(u->merged, contiguous, merged);
    maps_count(u->locked, contiguous, locked);

    maps_rights(r->region.prot, rights);
    base_size_format(r->region.end - r->region.start, size, sizeof size);
    (void)snprintf(range, sizeof range, "0x%llx-0x%llx", (unsigned long long)r->region.start,
        (unsigned long long)r->region.end);
    report_buf_add(buf, "  %-27s %s %-5s %-9s %6s %7llu %7llu %7llu %7llu %5s %6s %6s\n", range,
        rights, r->region.use, r->region.state, size, (unsigned long long)u->resident,
        (unsigned long long)u->swapped, (unsigned long long)u->shared, (unsigned long long)u->dirty,
        huge, merged, locked);
}

void
report_text_maps(struct report_buf *buf, const struct report_input *input)
{
    for (size_t i = 0; i < input->nprocesses; i++) {
        const struct report_process *p = &input->processes[i];
        report_buf_add(buf,
            "\nMaps of %s (pid %d) when it ended, in pages\n"
            "  %-27s %-3s %-5s %-9s %6s %7s %7s %7s %7s %5s %6s %6s\n",
            p->name, p->pid, "addresses", "", "use", "state", "size", "in RAM", "swapped", "shared",
            "dirty", "huge", "merged", "locked");
        for (size_t j = 0; j < p->nregions; j++)
            maps_text_region(buf, &p->regions[j], input->stats.contiguous);
    }
    if (input->processes_left_out > 0)
        report_buf_add(buf, "\nMaps of %llu more processes were not kept\n",
            (unsigned long long)input->processes_left_out);
}

static json_t *
maps_json_region(const struct report_region *r)
{
    char rights[4];
    const struct pgw_region_usage *u = &r->usage;

    maps_rights(r->region.prot, rights);
    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "start",
        (json_int_t)r->region.start, "end", (json_int_t)r->region.end, "rights", rights, "use",
        r->region.use, "state", r->region.state, "resident_pages", (json_int_t)u->resident,
        "swapped_pages", (json_int_t)u->swapped, "shared_pages", (json_int_t)u->shared,
        "dirty_pages", (json_int_t)u->dirty, "huge_pages", (json_int_t)u->huge, "merged_pages",
        (json_int_t)u->merged, "locked_pages", (json_int_t)u->locked);
}

/* Appends item, which it takes over, to array; false: no memory. */
static bool
maps_json_add(json_t *array, json_t *item)
{
    return json_array_append_new(array, item) == 0;
}

static json_t *
maps_json_process(const struct report_process *p)
{
    json_t *regions = json_array();

    for (size_t i = 0; regions != NULL && i < p->nregions; i++) {
        if (!maps_json_add(regions, maps_json_region(&p->regions[i]))) {
            json_decref(regions);
            return NULL;
        }
    }
    return json_pack(
        "{s:i, s:s%, s:o}", "pid", p->pid, "name", p->name, strlen(p->name), "regions", regions);
}

json_t *
report_json_maps(const struct report_input *input)
{
    json_t *all = json_array();

    for (size_t i = 0; all != NULL && i < input->nprocesses; i++) {
        if (!maps_json_add(all, maps_json_process(&input->processes[i]))) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}
