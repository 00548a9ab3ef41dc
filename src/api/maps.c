/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/maps.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/sim.h"

/* The regions of space; NULL with *n above 0: no memory. */
static struct report_region *
maps_regions(struct pgw_system *system, struct space *space, size_t *n)
{
    struct pgw_space look = {.system = system, .space = space};
    struct pgw_region region;
    size_t count = 0;

    for (uint64_t va = 0; pgw_region_at(&look, va, &region) == PGW_OK; va = region.end)
        count++;
    struct report_region *all = count > 0 ? calloc(count, sizeof *all) : NULL;
    *n = count;
    if (all == NULL)
        return NULL;
    uint64_t va = 0;
    for (size_t i = 0; i < count; i++) {
        if (pgw_region_at(&look, va, &all[i].region) != PGW_OK ||
            pgw_region_usage(&look, all[i].region.start, &all[i].usage) != PGW_OK)
            break;
        va = all[i].region.end;
    }
    return all;
}

void
maps_note(void *ctx, struct space *space, int pid, const char *name)
{
    struct pgw_system *system = ctx;
    struct maps *maps = &system->maps;

    if (!system->settings.maps)
        return;
    struct report_process *process = maps->n < MAPS_PROCESSES_MAX ? &maps->process[maps->n] : NULL;
    if (process != NULL)
        process->regions = maps_regions(system, space, &process->nregions);
    if (process == NULL || (process->regions == NULL && process->nregions > 0)) {
        maps->left_out++;
        return;
    }
    process->pid = pid;
    (void)snprintf(process->name, sizeof process->name, "%s", name);
    maps->n++;
}

void
maps_fini(struct maps *maps)
{
    for (size_t i = 0; i < maps->n; i++)
        free(maps->process[i].regions);
    maps->n = 0;
}
