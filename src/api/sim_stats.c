/* SPDX-License-Identifier: BSD-2-Clause */
/* Gathers the figures of all parts, and has reports made of them. */
#include "api/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/size.h"
#include "os/sysnames.h"
#include "pager/pagers.h"
#include "report/report.h"

_Static_assert(PGW_LEVELS_MAX == MMU_LEVELS_MAX, "the public array holds every level");

/* The levels of swap. */
static void
sim_stats_pool(const struct pgw_system *system, struct pgw_stats *out)
{
    struct pager_zpool_stats pool;

    if (system->swap == NULL || !pager_zpool_stats(system->swap, &pool))
        return;
    const struct pager *device = pager_zpool_next(system->swap);
    const struct tmem_stats *tmem = &pager_zpool_tmem(system->swap)->stats;
    out->pool_limit = pool.limit;
    out->pool_frames = pool.frames;
    out->pool_frames_peak = pool.frames_peak;
    out->pool_pages = pool.pages;
    out->pool_pages_peak = pool.pages_peak;
    out->pool_same = pool.same;
    out->pool_same_peak = pool.same_peak;
    out->pool_ratio = pool.bytes_peak > 0 ? (double)pool.stored_peak / (double)pool.bytes_peak : 0;
    out->pool_hits = pool.hits;
    out->pool_rejected = pool.rejected;
    out->pool_overflowed = pool.overflowed;
    out->pool_written_back = pool.written_back;
    out->pool_compacted = pool.compacted;
    out->pool_dictionaries = pool.dictionaries;
    out->pool_squeezed = pool.squeezed;
    out->pool_expanded = pool.expanded;
    out->pool_lz4 = pool.lz4;
    out->device_pages = device != NULL ? device->stats.used : 0;
    out->device_pages_peak = device != NULL ? device->stats.used_peak : 0;
    out->tmem_puts = tmem->puts - tmem->persistent_puts;
    out->tmem_hits = tmem->hits - tmem->persistent_hits;
    out->tmem_dropped = tmem->dropped;
    out->tmem_pages = tmem->ephemeral;
    out->tmem_pages_peak = tmem->ephemeral_peak;
    out->tmem_persistent = tmem->persistent;
    out->tmem_persistent_peak = tmem->persistent_peak;
}

void
sim_stats_runs(const uint64_t *runs, struct pgw_free_runs *out)
{
    const unsigned last = PGW_RUN_ORDERS - 1;

    for (unsigned order = 0; order <= MEM_ORDER_MAX; order++)
        out->runs[order < last ? order : last] += runs[order] << (order < last ? 0 : order - last);
    for (unsigned order = 0; order < PGW_RUN_ORDERS; order++) {
        out->index[order] = mem_fragmentation(runs, order) / 1000.0;
        out->unusable[order] = mem_unusable(runs, order) / 1000.0;
    }
}

static void
sim_stats_devices(const struct pgw_system *system, struct pgw_stats *out)
{
    out->nswap_devices = system->nswap_devices;
    for (unsigned i = 0; i < system->nswap_devices; i++) {
        const struct sim_swap_device *device = &system->swap_devices[i];
        const struct pager_stats *stats = &device->pager->stats;
        out->swap_devices[i] = (struct pgw_swap_device){
            .size = stats->slots,
            .used = stats->used,
            .peak = stats->used_peak,
            .pages_in = stats->gets,
            .pages_out = stats->puts,
            .reads = stats->get_ios,
            .writes = stats->put_ios,
            .failures = stats->errors,
        };
        memcpy(out->swap_devices[i].name, device->name, sizeof device->name);
    }
}

static void
sim_stats_memory(const struct pgw_system *system, struct pgw_stats *out)
{
    uint64_t frame_table = page_ceil(system->mem.nframes * sizeof(struct mem_page));

    out->ram = system->mem.nframes;
    if (system->swap != NULL) {
        const struct pager_stats *swap = &system->swap->stats;
        out->swap_size = swap->slots;
        out->swap_used = swap->used;
        out->swap_peak = swap->used_peak;
        out->swap_reads = swap->get_ios;
        out->swap_writes = swap->put_ios;
    }
    sim_stats_pool(system, out);
    sim_stats_devices(system, out);
    out->frame_table_bytes = frame_table;
    out->record_bytes_peak =
        system->core.mapped_peak > frame_table ? system->core.mapped_peak - frame_table : 0;
}

/* L1 hits are what was accessed and did not miss; see mmu/mmu.h. */
static uint64_t
sim_stats_hits(uint64_t accesses, uint64_t misses)
{
    return accesses > misses ? accesses - misses : 0;
}

_Static_assert(sizeof(struct mmu_stats) % sizeof(uint64_t) == 0, "an array of counts");
_Static_assert(sizeof(struct cpu_stats) % sizeof(uint64_t) == 0, "an array of counts");

/* Adds n counts to others, one by one. */
static void
sim_add(void *to, const void *from, size_t n)
{
    uint64_t *sums = to;
    const uint64_t *counts = from;

    for (size_t i = 0; i < n; i++)
        sums[i] += counts[i];
}

void
sim_sum_mmus(const struct pgw_system *system, struct mmu_stats *sum)
{
    *sum = (struct mmu_stats){.walks = 0};
    for (unsigned i = 0; i < system->settings.harts; i++)
        sim_add(sum, &system->mmus[i]->stats, sizeof *sum / sizeof(uint64_t));
}

void
sim_sum_harts(const struct pgw_system *system, struct cpu_stats *sum)
{
    *sum = (struct cpu_stats){.instructions = 0};
    for (unsigned i = 0; i < system->settings.harts; i++)
        if (system->harts[i] != NULL)
            sim_add(sum, &system->harts[i]->stats, sizeof *sum / sizeof(uint64_t));
}

static void
sim_stats_recorded(const struct recording_figures *figures, struct pgw_stats *out)
{
    out->recorded = figures->fetches + figures->accesses;
    out->recorded_fetches = figures->fetches;
    out->recorded_events = figures->events;
    out->recorded_codes = figures->codes;
    out->recorded_bytes = figures->bytes;
    out->recorded_each = out->recorded > 0 ? (double)figures->bytes / (double)out->recorded : 0;
}

static void
sim_stats_harts(const struct pgw_system *system, struct pgw_stats *out)
{
    out->threads = system->past.os.threads - system->past.os.processes;
    out->harts = system->settings.harts;
    out->shootdowns = system->shootdowns.calls;
    out->shootdown_interrupts = system->shootdowns.interrupts;
    out->shootdown_dropped = system->shootdowns.dropped;
    sim_stats_recorded(&system->recorded, out);
}

static void
sim_stats_machine(const struct pgw_system *system, struct pgw_stats *out)
{
    struct mmu_stats sum;
    struct cpu_stats cpu;
    const struct mmu_stats *mmu = &sum;

    sim_sum_mmus(system, &sum);
    sim_sum_harts(system, &cpu);
    out->instructions = cpu.instructions;
    out->fetches = cpu.fetches;
    out->loads_stores = system->accesses + cpu.loads_stores;
    out->space_switches = mmu->switches;
    out->switch_registers = mmu->switch_registers;
    out->switch_flushes = mmu->switch_flushes;
    out->switch_flushed = mmu->switch_flushed;
    out->ad_faults = mmu->ad_faults;
    out->refill = system->settings.mmu->kind == REGISTRY_REFILL;
    out->tlb_modelled = system->mmu->data_sets > 0;
    if (!out->tlb_modelled)
        return;
    out->l1i_misses = mmu->l1i_misses;
    out->l1d_misses = mmu->l1d_misses;
    out->l1i_hits = sim_stats_hits(out->fetches, mmu->l1i_misses);
    out->l1d_hits = sim_stats_hits(out->loads_stores, mmu->l1d_misses);
    out->l2_hits = mmu->l2_hits;
    out->l2_misses = mmu->l2_misses;
    out->walks = mmu->walks;
    memcpy(out->walk_refs, mmu->walk_refs, sizeof out->walk_refs);
    out->ad_updates = mmu->ad_updates;
    out->tlb_flushed = mmu->flushed;
    memcpy(out->pwc_hits, mmu->pwc_hits, sizeof out->pwc_hits);
    out->prefetches = mmu->prefetches;
    out->prefetch_hits = mmu->prefetch_hits;
}

static void
sim_stats_processes(const struct pgw_system *system, struct pgw_stats *out)
{
    const struct os_stats *os = &system->past.os;

    out->processes = os->processes;
    out->forks = os->forks;
    out->execs = os->execs;
    out->exits = os->exits;
    out->context_switches = os->context_switches;
    out->signals = os->signals;
    out->syscalls = os->syscalls;
    out->killed_for_memory = os->killed_for_memory;
    for (unsigned i = 0; i < OS_SYSCALL_MAX; i++)
        out->unknown_syscalls += os->unknown_calls[i];
}

static void
sim_stats(struct pgw_system *system, struct pgw_stats *out)
{
    struct report_time time;

    *out = (struct pgw_stats){.size = sizeof *out};
    system->core_ops->stats(system, out);
    sim_stats_memory(system, out);
    sim_stats_machine(system, out);
    sim_stats_processes(system, out);
    sim_stats_runs(system->mem.runs, &out->runs_now);
    sim_stats_harts(system, out);
    report_time(out, &system->settings.cost, &time);
    out->access_ns = time.accesses > 0 ? time.total / time.accesses : 0;
}

enum pgw_status
pgw_system_stats(struct pgw_system *system, struct pgw_stats *stats)
{
    struct pgw_stats all;
    size_t size = stats->size;

    if (size < sizeof stats->size)
        return sim_fail(system, PGW_INVAL, "set stats.size to sizeof(struct pgw_stats) first");
    sim_stats(system, &all);
    all.size = size;
    memset(stats, 0, size);
    memcpy(stats, &all, size < sizeof all ? size : sizeof all);
    return PGW_OK;
}

/* What a report needs, with the arrays it points to. */
struct sim_report {
    struct report_input input;
    struct report_window windows[OS_WORKSET_MAX];
    struct report_call calls[OS_SYSCALL_MAX];
    struct pgw_group_stats groups[VM_GROUPS_MAX];
};

static void
sim_report_fill(struct pgw_system *system, struct sim_report *report)
{
    const struct sim_settings *s = &system->settings;
    const struct os_stats *os = &system->past.os;
    struct report_input *in = &report->input;

    *in = (struct report_input){
        .version = pgw_version(),
        .cost = s->cost,
        .mmu = s->mmu_text,
        .policy = s->policy_text,
        .tlb = system->mmu->data_sets > 0 ? s->tlb_text : "none",
        .swap = s->swap_text,
        .seed = s->seed,
        .slice = s->slice,
        .levels = registry_mmu_levels(s->mmu),
        .commit_limited = s->overcommit == PGW_OVERCOMMIT_NEVER,
        .hashed = s->mmu->kind == REGISTRY_HASHED,
        .window = os->window,
        .windows = report->windows,
        .nwindows = (size_t)os->worksets,
        .calls = report->calls,
        .groups = report->groups,
        .ngroups = system->ngroups,
        .processes = system->maps.process,
        .nprocesses = system->maps.n,
        .processes_left_out = system->maps.left_out,
    };
    for (unsigned i = 0; i < system->ngroups; i++) {
        report->groups[i].size = sizeof report->groups[i];
        enum pgw_status status = pgw_group_stats(&system->groups[i + 1], &report->groups[i]);
        BASE_ASSERT(status == PGW_OK); /* it exists */
    }
    sim_stats(system, &in->stats);
    for (size_t i = 0; i < in->nwindows; i++)
        report->windows[i] = (struct report_window){os->workset[i].start, os->workset[i].pages};
    for (unsigned i = 0; i < OS_SYSCALL_MAX; i++) {
        if (os->unknown_calls[i] > 0)
            report->calls[in->ncalls++] =
                (struct report_call){os_syscall_name(i), i, os->unknown_calls[i]};
    }
}

static enum pgw_status
sim_report(struct pgw_system *system,
    enum pgw_status (*write)(const struct report_input *input, char **text), char **text)
{
    struct sim_report *report = calloc(1, sizeof *report);
    enum pgw_status status = PGW_NOMEM;

    if (report != NULL) {
        sim_report_fill(system, report);
        status = write(&report->input, text);
        free(report);
    }
    if (status != PGW_OK)
        return sim_fail(system, status, "cannot make the report: %s", pgw_status_text(status));
    return PGW_OK;
}

enum pgw_status
pgw_report_text_string(struct pgw_system *system, char **text)
{
    return sim_report(system, report_text, text);
}

enum pgw_status
pgw_report_json_string(struct pgw_system *system, char **text)
{
    return sim_report(system, report_json, text);
}

/* Flushed, so that a full disk is found out here and not when the stream is closed. */
static enum pgw_status
sim_report_put(struct pgw_system *system, enum pgw_status made, char *text, FILE *out)
{
    if (made != PGW_OK)
        return made;
    size_t len = strlen(text);
    bool put = fwrite(text, 1, len, out) == len &&
               (text[len - 1] == '\n' || fputc('\n', out) != EOF) && fflush(out) == 0;
    free(text);
    if (!put)
        return sim_fail(system, PGW_IO, "cannot write the report: %s", pgw_status_text(PGW_IO));
    return PGW_OK;
}

enum pgw_status
pgw_report_text(struct pgw_system *system, FILE *out)
{
    char *text = NULL;
    enum pgw_status made = pgw_report_text_string(system, &text);

    return sim_report_put(system, made, text, out);
}

enum pgw_status
pgw_report_json(struct pgw_system *system, FILE *out)
{
    char *text = NULL;
    enum pgw_status made = pgw_report_json_string(system, &text);

    return sim_report_put(system, made, text, out);
}
