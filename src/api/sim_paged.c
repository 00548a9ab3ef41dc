/* SPDX-License-Identifier: BSD-2-Clause */
/* A system over the paged core. */
#include "api/sim_core.h"

#include "api/sim.h"

static bool
sim_paged_others(void *ctx, unsigned group)
{
    const struct pgw_system *system = ctx;

    return system->os != NULL && os_others_runnable(system->os, group);
}

static enum pgw_status
sim_paged_create(struct pgw_system *system)
{
    const struct vm_config config = {
        .mem = &system->mem,
        .alloc = &system->core,
        .pmap_system = system->pmaps,
        .policy_ops = system->settings.policy,
        .policy_param = system->settings.policy_param,
        .swap = system->swap,
        .tmem = system->tmem,
        .merge = (enum vm_merge_mode)system->settings.merge,
        .seed = system->settings.seed,
        .clock = &system->clock,
        .space_end = system->va_end,
        .overcommit = (enum vm_overcommit)system->settings.overcommit,
        .overcommit_ratio = system->settings.overcommit_ratio,
        .ahead_max = system->settings.readahead,
        .around_max = system->settings.fault_around,
        .device_ns = (uint64_t)system->settings.cost.disk_ns,
        .proactive = system->settings.proactive,
        .others = sim_paged_others,
        .others_ctx = system,
        .huge = system->settings.huge,
        .huge_alloc = system->settings.huge_alloc,
    };

    return vm_system_create(&config, &system->vm);
}

static void
sim_paged_destroy(struct pgw_system *system)
{
    if (system->vm != NULL)
        vm_system_destroy(system->vm);
}

static enum pgw_status
sim_paged_space_create(struct pgw_system *system, struct space **space)
{
    return vm_space_create(system->vm, space);
}

static enum pgw_status
sim_paged_object_create(
    struct pgw_system *system, struct pager *pager, uint64_t npages, struct space_object **object)
{
    return vm_object_create(system->vm, pager, npages, object);
}

static enum pgw_status
sim_paged_memory_create(struct pgw_system *system, uint64_t len, struct space_object **object)
{
    return vm_object_create_memory(system->vm, len, object);
}

static enum pgw_status
sim_paged_writeback(struct pgw_system *system)
{
    return vm_writeback(system->vm);
}

/* Lets the scanner look at as many pages as have become due. */
static void
sim_paged_merge(struct pgw_system *system)
{
    uint64_t rate = system->settings.merge_rate;
    uint64_t now = base_clock_now(&system->clock);
    uint64_t due = (uint64_t)((double)(now - system->merged_at) * (double)rate / 1e6);

    if (due == 0)
        return;
    system->merged_at = now;
    (void)vm_merge_run(system->vm, due);
}

static void
sim_paged_idle(struct pgw_system *system)
{
    vm_daemon(system->vm);
    sim_paged_merge(system);
    vm_huge_run(system->vm);
}

static const char *
sim_paged_why(const struct pgw_system *system)
{
    return vm_swap_is_broken(system->vm) ? "RAM is full, and swap cannot be written" : "";
}

static void
sim_paged_stats_ahead(const struct vm_stats *vm, struct pgw_stats *out)
{
    uint64_t known = vm->ahead_used + vm->ahead_wasted;

    out->file_reads = vm->file_reads;
    out->ahead_read = vm->ahead_read;
    out->ahead_used = vm->ahead_used;
    out->ahead_wasted = vm->ahead_wasted;
    out->ahead_accuracy = known > 0 ? (double)vm->ahead_used / (double)known : 0;
    out->around_mapped = vm->around_mapped;
    out->squeezed = vm->squeezed;
    out->squeezed_to = vm->squeezed_to;
    out->squeezed_back = vm->squeezed_back;
    out->refaults = vm->refaults;
    out->refaults_active = vm->activated;
    out->pressure_some_us = vm->stall_some / 1000;
    out->pressure_full_us = vm->stall_full / 1000;
    if (vm->pressure_time > 0) {
        out->pressure_some = 100 * (double)vm->stall_some / (double)vm->pressure_time;
        out->pressure_full = 100 * (double)vm->stall_full / (double)vm->pressure_time;
        out->squeezed_cost = 100 * (double)vm->squeezed_cost / (double)vm->pressure_time;
    }
}

static void
sim_paged_huge_stats(const struct vm_stats *vm, struct pgw_stats *out)
{
    out->huge_faults = vm->huge_faults;
    out->huge_failed = vm->huge_failed;
    out->huge_collapsed = vm->huge_collapsed;
    out->huge_splits = vm->huge_splits;
    out->huge_mapped = vm->huge_mapped;
    out->reserve_made = vm->reserve_made;
    out->reserve_filled = vm->reserve_filled;
    out->reserve_broken = vm->reserve_broken;
    out->reserve_held = vm->reserve_held;
    out->reserve_held_peak = vm->reserve_held_peak;
    out->mapped_pages = vm->mapped;
    out->pages_per_entry = vm->mappings > 0 ? (double)vm->mapped / (double)vm->mappings : 0;
    out->huge_mapped_peak = vm->huge_mapped_peak;
    out->pages_per_entry_then =
        vm->mappings_then > 0 ? (double)vm->mapped_then / (double)vm->mappings_then : 0;
    out->compact_runs = vm->compact_runs;
    out->compact_made = vm->compact_made;
    out->compact_failed = vm->compact_failed;
    out->compact_moved = vm->compact_moved;
    out->compact_pinned = vm->compact_pinned;
    out->compact_huge = vm->compact_huge;
    out->migrated = vm->migrated;
    out->fragmentation_index = vm->fragmentation / 1000.0;
    out->unusable_index = vm->unusable / 1000.0;
    out->fragmentation_index_then = vm->fragmentation_then / 1000.0;
    out->unusable_index_then = vm->unusable_then / 1000.0;
    if (vm->compact_runs == 0)
        return;
    sim_stats_runs(vm->compact_free.first, &out->runs_first);
    sim_stats_runs(vm->compact_free.before, &out->runs_before);
    sim_stats_runs(vm->compact_free.after, &out->runs_after);
}

static void
sim_paged_stats_files(const struct vm_stats *vm, struct pgw_stats *out)
{
    out->file_cached = vm->file_cached;
    out->file_dirty = vm->file_dirty;
    out->file_cached_peak = vm->file_cached_peak;
    out->file_dirty_peak = vm->file_dirty_peak;
    out->cache_hits = vm->cache_hits;
    out->cache_misses = vm->cache_misses;
    out->written_back = vm->written_back;
    out->writeback_runs = vm->writeback_runs;
    out->writeback_failures = vm->writeback_failures;
    out->writeback_lost = vm->writeback_lost;
    out->truncated = vm->truncated;
    out->shm_len = vm->shm_len;
    out->shm_resident = vm->shm_resident;
    out->shm_swapped = vm->shm_swapped;
    out->shm_len_peak = vm->shm_len_peak;
    out->shm_resident_peak = vm->shm_resident_peak;
    out->shm_swapped_peak = vm->shm_swapped_peak;
}

static void
sim_paged_stats(struct pgw_system *system, struct pgw_stats *out)
{
    struct vm_stats vm;

    vm_stats(system->vm, &vm);
    out->minor = vm.minor;
    out->major = vm.major;
    out->zero_fill = vm.zero_fill;
    out->cow = vm.cow;
    out->swap_in = vm.pages_in;
    out->swap_out = vm.pages_out;
    out->file_in = vm.file_pages_in;
    out->evicted = vm.evicted;
    out->evicted_clean = vm.evicted_clean;
    out->daemon_runs = vm.daemon_runs;
    out->direct_reclaims = vm.direct_reclaims;
    out->put_failures = vm.put_failures;
    out->get_failures = vm.get_failures;
    out->zeros_dropped = vm.zeros_dropped;
    out->resident = vm.resident;
    out->resident_peak = vm.resident_peak;
    out->merge_shared = vm.merge_shared;
    out->merge_shared_peak = vm.merge_shared_peak;
    out->merge_sharing = vm.merge_sharing;
    out->merge_sharing_peak = vm.merge_sharing_peak;
    out->merge_merged = vm.merge_merged;
    out->merge_splits = vm.merge_splits;
    out->merge_scans = vm.merge_rounds;
    out->merge_scanned = vm.merge_scanned;
    out->merge_volatile = vm.merge_volatile;
    out->merge_full = vm.merge_full;
    out->anons = vm.anons;
    out->objects = vm.objects;
    out->spaces = vm.spaces;
    out->regions = vm.regions;
    out->committed = vm.committed;
    out->committed_peak = vm.committed_peak;
    out->commit_limit = vm.commit_limit;
    out->commit_refused = vm.commit_refused;
    out->tables_dropped = vm.tables_dropped;
    out->locked = vm.locked;
    out->locked_peak = vm.locked_peak;
    out->lazy_freed = vm.lazy_freed;
    out->advised_out = vm.advised_out;
    out->proactive = system->settings.proactive;
    sim_paged_stats_ahead(&vm, out);
    out->ram_free = system->mem.nfree;
    sim_paged_stats_files(&vm, out);
    out->tables = system->pmaps->tables;
    out->tables_peak = system->pmaps->tables_peak;
    out->file_shared = system->pmaps->file_shared;
    out->file_shared_peak = system->pmaps->file_shared_peak;
    sim_paged_huge_stats(&vm, out);
}

static bool
sim_paged_check(struct pgw_system *system)
{
    return vm_check(system->vm);
}

const struct sim_core_ops sim_paged = {
    .name = "paged",
    .create = sim_paged_create,
    .destroy = sim_paged_destroy,
    .space_create = sim_paged_space_create,
    .object_create = sim_paged_object_create,
    .memory_create = sim_paged_memory_create,
    .writeback = sim_paged_writeback,
    .idle = sim_paged_idle,
    .why = sim_paged_why,
    .stats = sim_paged_stats,
    .check = sim_paged_check,
};
