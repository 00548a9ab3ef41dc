/* SPDX-License-Identifier: BSD-2-Clause */
/* One system: its pools, its policy, its watermarks. */
#include <string.h>

#include "vm/core.h"
#include "vm/runs.h"

/* Watermarks, in parts of RAM.  The reserve is for page tables and for the path that frees memory;
 * the daemon starts below `low` and stops at `high`. */
#define RESERVE_PART 256u
#define RESERVE_LEAST 4u
#define RESERVE_MOST 1024u
#define LOW_PART 64u
#define LOW_LEAST 2u
#define LOW_MOST 4096u

static uint64_t
clamp(uint64_t value, uint64_t least, uint64_t most)
{
    if (value < least)
        return least;
    return value > most ? most : value;
}

static void
system_set_watermarks(struct vm_system *system)
{
    uint64_t nframes = system->mem->nframes;
    uint64_t low = clamp(nframes / LOW_PART, LOW_LEAST, LOW_MOST);

    system->mem->reserve = clamp(nframes / RESERVE_PART, RESERVE_LEAST, RESERVE_MOST);
    system->free_low = system->mem->reserve + low;
    system->free_high = system->mem->reserve + 2 * low;
}

static void
system_init_pools(struct vm_system *system)
{
    struct base_alloc *alloc = system->alloc;

    base_pool_init(&system->anons, alloc, sizeof(struct vm_anon), "anon");
    base_pool_init(&system->amaps, alloc, sizeof(struct vm_amap), "amap");
    base_pool_init(&system->regions, alloc, sizeof(struct vm_region), "region");
    base_pool_init(&system->objects, alloc, sizeof(struct vm_object), "object");
    base_pool_init(&system->spaces, alloc, sizeof(struct vm_space), "space");
    base_pool_init(&system->nodes, alloc, base_radix_node_size(), "radix node");
}

enum pgw_status
vm_system_create(const struct vm_config *config, struct vm_system **out)
{
    struct vm_system *system = config->alloc->map(config->alloc, sizeof(*system));

    if (system == NULL)
        return PGW_NOMEM;
    system->mem = config->mem;
    system->alloc = config->alloc;
    system->pmap_system = config->pmap_system;
    system->pmap_ops = config->pmap_system->ops;
    system->pmap_ops->caps(config->pmap_system, &system->pmap_caps);
    system->swap = config->swap;
    system->space_end = config->space_end;
    system->clock = config->clock;
    system->commit.mode = config->overcommit;
    system->commit.ratio = config->overcommit_ratio;
    system->commit.room = config->mem->nfree;
    system->ahead_max = config->ahead_max < VM_AHEAD_MAX ? config->ahead_max : VM_AHEAD_MAX;
    system->around_max = config->around_max < VM_AROUND_MAX ? config->around_max : VM_AROUND_MAX;
    system->device_ns = config->device_ns;
    system->others = config->others;
    system->others_ctx = config->others_ctx;
    system->policy_ops = config->policy_ops;
    if (config->policy_param != NULL)
        memcpy(system->policy_param, config->policy_param, sizeof system->policy_param);
    system->seed = config->seed;
    enum pgw_status status = vm_group_init(system);
    if (status != PGW_OK) {
        config->alloc->unmap(config->alloc, system, sizeof(*system));
        return status;
    }
    base_lock_init(&system->lock, LOCK_RANK_SYSTEM);
    base_lock_init(&system->pager_lock, LOCK_RANK_PAGER);
    system_init_pools(system);
    vm_merge_init(system, config->merge);
    system_set_watermarks(system);
    TAILQ_INIT(&system->all_spaces);
    TAILQ_INIT(&system->all_objects);
    TAILQ_INIT(&system->dirty_objects);
    TAILQ_INIT(&system->cached);
    status = vm_huge_init(system, config);
    if (status == PGW_OK)
        status = vm_squeeze_init(system, config->proactive);
    if (status == PGW_OK)
        status = vm_tmem_start(system, config->tmem);
    if (status != PGW_OK)
        vm_system_destroy(system);
    else
        *out = system;
    return status;
}

void
vm_system_destroy(struct vm_system *system)
{
    struct base_alloc *alloc = system->alloc;

    base_lock_take(&system->lock);
    (void)vm_writeback_all_locked(system);
    vm_writeback_give_up(system);
    base_lock_drop(&system->lock);
    BASE_ASSERT(TAILQ_EMPTY(&system->all_spaces) && TAILQ_EMPTY(&system->all_objects));
    vm_tmem_stop(system);
    vm_merge_fini(system);
    vm_huge_fini(system);
    vm_squeeze_fini(system);
    base_pool_fini(&system->anons);
    base_pool_fini(&system->amaps);
    base_pool_fini(&system->regions);
    base_pool_fini(&system->objects);
    base_pool_fini(&system->spaces);
    base_pool_fini(&system->nodes);
    vm_group_fini(system);
    base_lock_fini(&system->pager_lock);
    base_lock_fini(&system->lock);
    alloc->unmap(alloc, system, sizeof(*system));
}

void
vm_daemon(struct vm_system *system)
{
    base_lock_take(&system->lock);
    vm_daemon_locked(system);
    vm_squeeze_locked(system);
    vm_writeback_daemon_locked(system);
    base_lock_drop(&system->lock);
}

uint64_t
vm_reclaim(struct vm_system *system, uint64_t n)
{
    base_lock_take(&system->lock);
    uint64_t freed = vm_reclaim_locked(system, n);
    base_lock_drop(&system->lock);
    return freed;
}

bool
vm_swap_is_broken(struct vm_system *system)
{
    base_lock_take(&system->lock);
    bool broken = system->swap_broken;
    base_lock_drop(&system->lock);
    return broken;
}

void
vm_stats(struct vm_system *system, struct vm_stats *stats)
{
    base_lock_take(&system->lock);
    struct vm_pressure pressure;
    enum pgw_status status = vm_pressure_locked(system, 0, &pressure);
    BASE_ASSERT(status == PGW_OK); /* there is always a root */
    *stats = system->stats;
    stats->pressure_time = pressure.settled;
    stats->stall_some = pressure.total[VM_PRESSURE_SOME];
    stats->stall_full = pressure.total[VM_PRESSURE_FULL];
    stats->commit_limit = vm_commit_limit(system);
    vm_huge_stats(system, stats);
    stats->file_mapped = system->pmap_system->file_mapped;
    stats->free_min = system->mem->reserve;
    stats->free_low = system->free_low;
    stats->free_high = system->free_high;
    base_lock_drop(&system->lock);
}
