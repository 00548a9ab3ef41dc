/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory
 * ------
 * A system is put together from the bottom up, and each part only knows those below:
 *
 *      os -> harts -> mmus                  made by the first run, see sim_run.c
 *       |             |
 *       +--> vm --> pmaps --> mem           made by sim_create
 *       |     |
 *       |    swap
 *       +--> seg ----------> mem            in the place of vm and pmaps, on contiguous schemes
 *
 * The one thing that goes upwards is a shootdown: the pmap takes translations away that TLBs and
 * the harts' pointer caches may hold, and tells them through struct pmap_shootdown (sim_shoot.c).
 *
 * Everything a system has hangs off its struct pgw_system, half-built ones included: whatever
 * fails while it is made, sim_destroy takes down what there is.
 */
#include "api/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/recording_run.h"
#include "api/settings.h"
#include "api/swapdev.h"
#include "base/assert.h"
#include "base/size.h"
#include "host/host_mem.h"

/* Where RAM starts: physical address 0x80000000, as on most RISC-V boards; a multiple of the
 * largest run, so that superpages can be aligned.  Without translation programs must find it where
 * they are linked to, so there it starts at 0. */
#define SIM_BASE_PFN ((uint64_t)0x80000)
_Static_assert(SIM_BASE_PFN % (1u << MEM_ORDER_MAX) == 0, "RAM must start on the largest run");

enum pgw_status
sim_fail(struct pgw_system *system, enum pgw_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(system->error, sizeof system->error, format, args);
    va_end(args);
    return status;
}

static enum pgw_status
sim_build_ram(struct pgw_system *system, const struct pgw_config *config)
{
    char size[16];
    const struct registry_mmu *mmu = system->settings.mmu;
    uint64_t base = registry_mmu_is_identity(mmu) ? 0 : SIM_BASE_PFN;

    if (mmu->format != NULL && config->ram >> PAGE_SHIFT > mmu_format_pfn_end(mmu->format) - base) {
        base_size_format((mmu_format_pfn_end(mmu->format) - base) << PAGE_SHIFT, size, sizeof size);
        return sim_fail(system, PGW_RANGE,
            "the mmu %s cannot name so much RAM: its entries have room for %s", mmu->name, size);
    }
    enum pgw_status status = mem_init(&system->mem, &system->core, &system->ram, config->ram, base);

    if (status == PGW_OK)
        return PGW_OK;
    base_size_format(config->ram, size, sizeof size);
    return sim_fail(
        system, status, "cannot get %s of RAM from the host: %s", size, pgw_status_text(status));
}

static enum pgw_status
sim_build_mmu(struct pgw_system *system)
{
    const struct sim_settings *s = &system->settings;
    const struct pmap_shootdown shootdown = {
        .ctx = system, .range = sim_shoot_range, .space = sim_shoot_space};
    struct pmap_caps caps;
    enum pgw_status status = PGW_OK;

    if (s->mmu->pmap != NULL)
        status =
            s->mmu->pmap->system_create(&system->mem, &system->core, &shootdown, &system->pmaps);

    for (unsigned i = 0; status == PGW_OK && i < s->harts; i++)
        status = registry_mmu_create(s->mmu, &s->options, &s->tlb, s->seed + i, &system->mem,
            &system->machine, &system->mmus[i]);
    system->mmu = system->mmus[0];
    if (status != PGW_OK)
        return sim_fail(
            system, status, "cannot make the mmu %s: %s", s->mmu->name, pgw_status_text(status));
    if (system->pmaps != NULL) {
        system->pmaps->ops->caps(system->pmaps, &caps);
        system->va_end = caps.va_end;
    }
    return PGW_OK;
}

/* The machine's time: it passes as the program, or the caller, gets something done. */
static uint64_t
sim_now(void *ctx)
{
    const struct pgw_system *system = ctx;
    uint64_t now = system->accesses;

    for (unsigned i = 0; i < system->settings.harts; i++)
        now += system->harts[i] != NULL ? system->harts[i]->stats.instructions : 0;
    return now;
}

static enum pgw_status
sim_build_core(struct pgw_system *system, const struct pgw_config *config)
{
    system->clock = (struct base_clock){.now_ns = sim_now, .ctx = system};
    enum pgw_status status = system->core_ops->create(system);
    if (status != PGW_OK)
        return sim_fail(system, status, "cannot make the %s core: %s", system->core_ops->name,
            pgw_status_text(status));
    objcache_init(&system->files, system, &system->mem, &system->core);
    return groups_make(system, config);
}

static enum pgw_status
sim_build(struct pgw_system *system, const struct pgw_config *given)
{
    struct pgw_config config;
    enum pgw_status status = settings_config(system, given, &config);

    if (status == PGW_OK)
        status = settings_read(system, &config);
    if (status == PGW_OK) {
        bool contiguous = system->settings.mmu->kind == REGISTRY_CONTIGUOUS;
        system->core_ops = contiguous ? &sim_contiguous : &sim_paged;
        status = sim_build_ram(system, &config);
    }
    if (status == PGW_OK)
        status = swapdev_open(system, &config);
    if (status == PGW_OK)
        status = sim_build_mmu(system);
    if (status == PGW_OK)
        status = sim_build_core(system, &config);
    return status;
}

static void
sim_report_error(const struct pgw_config *config, const char *text)
{
    if (config->size >= SIM_CONFIG_OLDEST && config->error != NULL && config->error_len > 0)
        (void)snprintf(config->error, config->error_len, "%s", text);
}

enum pgw_status
sim_create(const struct pgw_config *config, struct base_inject *inject, struct pgw_system **system)
{
    struct pgw_system *made =
        base_inject_fails(inject, INJECT_MAP) ? NULL : calloc(1, sizeof *made);

    if (made == NULL) {
        sim_report_error(config, pgw_status_text(PGW_NOMEM));
        return PGW_NOMEM;
    }
    made->inject = inject;
    host_alloc_init(&made->core, inject);
    host_alloc_init(&made->machine, inject);
    host_ram_alloc_init(&made->ram);
    made->ram.inject = inject;
    LIST_INIT(&made->spaces);
    enum pgw_status status = sim_build(made, config);
    if (status != PGW_OK) {
        sim_report_error(config, made->error);
        pgw_system_destroy(made);
        return status;
    }
    *system = made;
    return PGW_OK;
}

enum pgw_status
pgw_system_create(const struct pgw_config *config, struct pgw_system **system)
{
    return sim_create(config, NULL, system);
}

void
pgw_system_destroy(struct pgw_system *system)
{
    struct pgw_space *space;

    if (system == NULL)
        return;
    while ((space = LIST_FIRST(&system->spaces)) != NULL)
        pgw_space_destroy(space);
    tmem_pools_clear(system);
    recording_run_cancel(system); /* of a run that never came */
    objcache_clear(&system->files);
    maps_fini(&system->maps);
    if (system->core_ops != NULL)
        system->core_ops->destroy(system);
    if (system->pmaps != NULL)
        system->pmaps->ops->system_destroy(system->pmaps);
    for (unsigned i = 0; i < system->settings.harts; i++) {
        cpu_hart_destroy(system->harts[i]);
        if (system->mmus[i] != NULL)
            system->mmus[i]->ops->destroy(system->mmus[i]);
    }
    if (system->swap != NULL)
        system->swap->ops->destroy(system->swap);
    if (system->mem.pages != NULL)
        mem_fini(&system->mem, &system->ram);
    /* All parts have given back what they took. */
    BASE_DEBUG_ASSERT(
        system->core.mapped == 0 && system->machine.mapped == 0 && system->ram.mapped == 0);
    free(system);
}

enum pgw_status
sim_need_harts(struct pgw_system *system)
{
    enum pgw_status status = PGW_OK;

    for (unsigned i = 0; status == PGW_OK && i < system->settings.harts; i++)
        if (system->harts[i] == NULL)
            status = cpu_hart_create(system->mmus[i], &system->machine, &system->harts[i]);
    if (status != PGW_OK)
        return sim_fail(system, status, "cannot make the harts: %s", pgw_status_text(status));
    return PGW_OK;
}

void
sim_activate(struct pgw_system *system, struct pgw_space *space)
{
    struct pmap_context context;

    if (system->active == space)
        return;
    if (system->active != NULL)
        system->active->space->ops->deactivate(system->active->space);
    system->active = space;
    if (space == NULL)
        return;
    space->space->ops->activate(space->space, &context);
    system->mmu->ops->load(system->mmu, context.root, context.asid);
}
