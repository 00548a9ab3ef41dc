/* SPDX-License-Identifier: BSD-2-Clause */
/* A translation, and the tables, of a live system: what is there now, looked at and not touched. */
#include <pagewright/pagewright.h>

#include "api/explain.h"
#include "api/sim.h"

/*
 * What the MMU has loaded, or would, for the space.  A paged space can be asked at any time; a
 * contiguous one may have to be brought home first, so it is loaded as for an access of its own.
 */
static void
walk_context(struct pgw_space *space, struct explain *explain)
{
    struct pgw_system *system = space->system;
    struct pmap_context context;

    explain->row = system->settings.mmu;
    explain->mmu = system->mmu;
    if (explain->row->kind == REGISTRY_CONTIGUOUS)
        sim_activate(system, space);
    space->space->ops->activate(space->space, &context);
    if (system->active != space)
        space->space->ops->deactivate(space->space);
    explain->root = context.root;
    if (explain->row->kind == REGISTRY_CONTIGUOUS)
        explain->registers = (const struct mmu_segment_registers *)(uintptr_t)context.root;
}

static void
walk_page(struct pgw_space *space, uint64_t va, struct explain_page *page)
{
    struct space_region region;

    *page = (struct explain_page){.page = {.slot = UINT64_MAX}};
    space->space->ops->page(space->space, va, &page->page);
    page->region = space->space->ops->find(space->space, va, &region) && region.start <= va;
    if (page->region)
        page->prot = region.prot;
}

enum pgw_status
pgw_walk_string(struct pgw_space *space, uint64_t va, unsigned right, bool json, char **text)
{
    struct pgw_system *system = space->system;
    struct mmu_trace trace = {0};
    struct explain_page page;
    struct explain explain = {.va = va, .trace = &trace, .page = &page};

    if (right != PGW_READ && right != PGW_WRITE && right != PGW_EXEC)
        return sim_fail(
            system, PGW_INVAL, "cannot walk: an access is one of PGW_READ, PGW_WRITE and PGW_EXEC");
    explain.access = (enum access)__builtin_ctz(right);
    sim_activate(system, space);
    walk_context(space, &explain);
    walk_page(space, va, &page);
    system->mmu->ops->explain(system->mmu, va, explain.access, &trace);
    enum pgw_status status = json ? explain_json(&explain, text) : explain_text(&explain, text);
    return status == PGW_OK
               ? PGW_OK
               : sim_fail(system, status, "cannot show the walk: %s", pgw_status_text(status));
}

enum pgw_status
pgw_pagetable_string(struct pgw_space *space, char **text)
{
    struct explain explain = {.tables = &space->system->mem};

    walk_context(space, &explain);
    enum pgw_status status = explain_tables_text(&explain, text);
    return status == PGW_OK ? PGW_OK
                            : sim_fail(space->system, status, "cannot show the tables: %s",
                                  pgw_status_text(status));
}
