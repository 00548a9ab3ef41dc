/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report for programs; docs/report.schema.json describes it.
 *
 * jansson's json_pack "o" format takes over a reference and fails the whole when it is NULL, so
 * that each group may simply be built and handed on: a failed allocation anywhere ends in NULL.
 */
#include "report/report.h"

#include <jansson.h>

#include "base/size.h"
#include "report/report_groups.h"
#include "report/report_maps.h"
#include "report/report_runs.h"
#include "report/report_services.h"

typedef json_int_t num; /* jansson's "I" */

/* File names need not be UTF-8, JSON strings must be. */
static json_t *
report_json_name(const char *name)
{
    json_t *string = json_string(name);

    return string != NULL ? string : json_string("(a name that is not UTF-8)");
}

static json_t *
report_json_config(const struct report_input *in)
{
    const struct pgw_stats *s = &in->stats;
    const struct pgw_cost *c = &in->cost;
    json_t *cost =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
            "tlb_ns", c->tlb_ns, "l2_ns", c->l2_ns, "ram_ns", c->ram_ns, "fault_ns", c->fault_ns,
            "disk_ns", c->disk_ns, "refill_ns", c->refill_ns, "switch_ns", c->switch_ns,
            "register_ns", c->register_ns, "move_ns", c->move_ns, "ipi_ns", c->ipi_ns, "zstd_ns",
            c->zstd_ns, "unzstd_ns", c->unzstd_ns, "lz4_ns", c->lz4_ns, "unlz4_ns", c->unlz4_ns);

    return json_pack("{s:I, s:I, s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "ram_bytes",
        (num)(s->ram * PAGE_SIZE), "swap_bytes", (num)(s->swap_size * PAGE_SIZE), "swap",
        report_json_name(in->swap), "mmu", in->mmu, "policy", in->policy, "tlb", in->tlb, "seed",
        (num)in->seed, "slice_instructions", (num)in->slice, "page_bytes", (num)PAGE_SIZE, "cost",
        cost);
}

static json_t *
report_json_calls(const struct report_input *in)
{
    json_t *calls = json_array();

    for (size_t i = 0; calls != NULL && i < in->ncalls; i++) {
        json_t *call = json_pack("{s:s, s:I, s:I}", "name", in->calls[i].name, "number",
            (num)in->calls[i].number, "times", (num)in->calls[i].times);
        if (json_array_append_new(calls, call) != 0) {
            json_decref(calls);
            return NULL;
        }
    }
    return calls;
}

static json_t *
report_json_program(const struct report_input *in)
{
    const struct pgw_stats *s = &in->stats;

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "instructions",
        (num)s->instructions, "fetches", (num)s->fetches, "loads_stores", (num)s->loads_stores,
        "processes", (num)s->processes, "forks", (num)s->forks, "execs", (num)s->execs, "exits",
        (num)s->exits, "context_switches", (num)s->context_switches, "signals", (num)s->signals,
        "syscalls", (num)s->syscalls, "killed_for_memory", (num)s->killed_for_memory,
        "unknown_syscalls", report_json_calls(in));
}

static json_t *
report_json_faults(const struct pgw_stats *s)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "minor", (num)s->minor, "major", (num)s->major,
        "zero_fill", (num)s->zero_fill, "copy_on_write", (num)s->cow);
}

static json_t *
report_json_flow(uint64_t pages, uint64_t operations)
{
    return json_pack("{s:I, s:I, s:I}", "pages", (num)pages, "bytes", (num)(pages * PAGE_SIZE),
        "operations", (num)operations);
}

static json_t *
report_json_paging(const struct pgw_stats *s)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "swap_in",
        report_json_flow(s->swap_in, s->swap_reads), "swap_out",
        report_json_flow(s->swap_out, s->swap_writes), "file_in",
        report_json_flow(s->file_in, s->file_reads), "evicted", (num)s->evicted, "evicted_clean",
        (num)s->evicted_clean, "daemon_runs", (num)s->daemon_runs, "direct_reclaims",
        (num)s->direct_reclaims, "put_failures", (num)s->put_failures, "get_failures",
        (num)s->get_failures);
}

static json_t *
report_json_hits(uint64_t hits, uint64_t misses)
{
    return json_pack("{s:I, s:I}", "hits", (num)hits, "misses", (num)misses);
}

/* A figure a level. */
static json_t *
report_json_levels(const struct report_input *in, const uint64_t figures[PGW_LEVELS_MAX])
{
    json_t *levels = json_array();

    for (unsigned i = 0; levels != NULL && i < in->levels && i < PGW_LEVELS_MAX; i++) {
        if (json_array_append_new(levels, json_integer((num)figures[i])) != 0) {
            json_decref(levels);
            return NULL;
        }
    }
    return levels;
}

/* null when no TLB is modelled: nothing was counted, which is not the same as zero. */
static json_t *
report_json_translation(const struct report_input *in)
{
    const struct pgw_stats *s = &in->stats;

    if (!s->tlb_modelled)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:s, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "l1i",
        report_json_hits(s->l1i_hits, s->l1i_misses), "l1d",
        report_json_hits(s->l1d_hits, s->l1d_misses), "l2",
        report_json_hits(s->l2_hits, s->l2_misses), "walker", s->refill ? "software" : "hardware",
        "walks", (num)s->walks, "walk_references", report_json_levels(in, s->walk_refs),
        "walk_cache_hits", report_json_levels(in, s->pwc_hits), "prefetches", (num)s->prefetches,
        "prefetch_hits", (num)s->prefetch_hits, "ad_updates", (num)s->ad_updates, "ad_faults",
        (num)s->ad_faults, "flushed", (num)s->tlb_flushed);
}

static json_t *
report_json_switches(const struct report_input *in)
{
    const struct pgw_stats *s = &in->stats;
    struct report_time t;

    report_time(s, &in->cost, &t);
    return json_pack("{s:I, s:I, s:I, s:I, s:f}", "spaces", (num)s->space_switches, "registers",
        (num)s->switch_registers, "flushes", (num)s->switch_flushes, "flushed",
        (num)s->switch_flushed, "ns_each",
        s->space_switches > 0 ? t.switches / (double)s->space_switches : 0.0);
}

/* null on paged schemes. */
static json_t *
report_json_segments(const struct pgw_stats *s)
{
    if (!s->contiguous)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
                     "s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}",
        "segments", (num)s->segments, "resident", (num)s->segments_resident, "segments_peak",
        (num)s->segments_peak, "resident_peak", (num)s->segments_resident_peak, "pages_unused_peak",
        (num)s->segment_unused_peak, "holes_peak", (num)s->holes_peak, "pages",
        (num)s->segment_pages, "pages_peak", (num)s->segment_pages_peak, "pages_unused",
        (num)s->segment_unused, "holes", (num)s->holes, "largest_hole_pages", (num)s->largest_hole,
        "fit_failures", (num)s->fit_failures, "compactions", (num)s->compactions,
        "compaction_pages", (num)s->compaction_moved, "grown_in_place", (num)s->grown_in_place,
        "grown_by_moving", (num)s->grown_by_moving, "growth_pages_moved", (num)s->growth_moved,
        "swapped_in", (num)s->segments_in, "swapped_out", (num)s->segments_out, "shared",
        (num)s->segment_shares, "fork_pages_copied", (num)s->segment_copied, "fragmentation",
        s->fragmentation, "fragmentation_peak", s->fragmentation_peak);
}

static json_t *
report_json_memory(const struct pgw_stats *s)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "frames", (num)s->ram,
        "frames_free", (num)s->ram_free, "resident_pages", (num)s->resident, "resident_pages_peak",
        (num)s->resident_peak, "swap_pages", (num)s->swap_used, "swap_pages_peak",
        (num)s->swap_peak, "table_frames", (num)s->tables, "table_frames_peak", (num)s->tables_peak,
        "frame_table_bytes", (num)s->frame_table_bytes, "record_bytes_peak",
        (num)s->record_bytes_peak);
}

static json_t *
report_json_device(const struct pgw_swap_device *device)
{
    return json_pack("{s:o, s:I, s:I, s:I, s:o, s:o, s:I}", "name", report_json_name(device->name),
        "pages", (num)device->size, "used_pages", (num)device->used, "used_pages_peak",
        (num)device->peak, "in", report_json_flow(device->pages_in, device->reads), "out",
        report_json_flow(device->pages_out, device->writes), "failures", (num)device->failures);
}

static json_t *
report_json_devices(const struct pgw_stats *s)
{
    json_t *devices = json_array();

    for (unsigned i = 0; devices != NULL && i < s->nswap_devices; i++) {
        if (json_array_append_new(devices, report_json_device(&s->swap_devices[i])) != 0) {
            json_decref(devices);
            return NULL;
        }
    }
    return devices;
}

static json_t *
report_json_series(const struct report_input *in)
{
    json_t *series = json_array();

    for (size_t i = 0; series != NULL && i < in->nwindows; i++) {
        json_t *point = json_pack("[I, I]", (num)in->windows[i].start, (num)in->windows[i].pages);
        if (json_array_append_new(series, point) != 0) {
            json_decref(series);
            return NULL;
        }
    }
    return series;
}

/* null when it was not measured. */
static json_t *
report_json_workset(const struct report_input *in)
{
    struct report_spread w;
    enum pgw_status status = report_spread(in, &w);

    if (status == PGW_NOTFOUND)
        return json_null();
    if (status != PGW_OK)
        return NULL;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "window_instructions", (num)in->window,
        "min_pages", (num)w.min, "p50_pages", (num)w.p50, "p90_pages", (num)w.p90, "p99_pages",
        (num)w.p99, "max_pages", (num)w.max, "series", report_json_series(in));
}

static json_t *
report_json_time(const struct report_input *in)
{
    struct report_time t;

    report_time(&in->stats, &in->cost, &t);
    if (t.accesses <= 0)
        return json_null();
    double n = t.accesses;
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "total_ns",
        t.total / n, "ram_ns", t.ram / n, "tlb_ns", t.tlb / n, "l2_ns", t.l2 / n, "walk_ns",
        t.walks / n, "refill_ns", t.refills / n, "fault_ns", t.faults / n, "disk_ns", t.disk / n,
        "switch_ns", t.switches / n, "move_ns", t.moves / n, "ipi_ns", t.interrupts / n,
        "compression_ns", t.compression / n);
}

enum pgw_status
report_json(const struct report_input *input, char **text)
{
    const struct pgw_stats *s = &input->stats;
    json_t *root = json_pack(
        "{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "version", REPORT_VERSION, "generator", input->version, "config", report_json_config(input),
        "program", report_json_program(input), "faults", report_json_faults(s), "paging",
        report_json_paging(s), "translation", report_json_translation(input), "switches",
        report_json_switches(input), "segments", report_json_segments(s), "memory",
        report_json_memory(s), "swap_devices", report_json_devices(s), "services",
        report_json_services(s), "free_runs", report_json_runs(s), "groups",
        report_json_groups(input), "maps", report_json_maps(input), "working_set",
        report_json_workset(input), "effective_access_time", report_json_time(input));

    if (root == NULL)
        return PGW_NOMEM;
    char *dump = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(root);
    if (dump == NULL)
        return PGW_NOMEM;
    *text = dump;
    return PGW_OK;
}
