/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of the public interface: who is in which, and what the core counts of each. */
#include "api/groups.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "api/sim.h"
#include "base/assert.h"

static const char *
group_why(enum pgw_status status)
{
    switch (status) {
    case PGW_INVAL:
        return "a name has 1 to 15 bytes, and a limit 64K at the least";
    case PGW_EXIST:
        return "there is one of that name, or it is \"root\", which all belong to at first";
    case PGW_NOSPACE:
        return "63 groups are the most";
    case PGW_UNSUPPORTED:
        return "contiguous schemes have none: use a paged one";
    default:
        return pgw_status_text(status);
    }
}

enum pgw_status
pgw_group_create(struct pgw_system *system, const char *name, uint64_t limit, const char *programs,
    struct pgw_group **group)
{
    enum pgw_status status = PGW_UNSUPPORTED;
    unsigned id;

    if (programs != NULL && strlen(programs) >= sizeof system->groups[0].programs)
        status = PGW_INVAL;
    else if (system->vm != NULL)
        status = vm_group_create(system->vm, name, limit / PGW_PAGE_SIZE, &id);
    if (status != PGW_OK)
        return sim_fail(
            system, status, "cannot make the group \"%.32s\": %s", name, group_why(status));
    struct pgw_group *made = &system->groups[id];
    *made = (struct pgw_group){.system = system, .id = id, .first = programs == NULL};
    if (programs != NULL)
        (void)snprintf(made->programs, sizeof made->programs, "%s", programs);
    system->ngroups = id;
    *group = made;
    return PGW_OK;
}

enum pgw_status
pgw_space_set_group(struct pgw_space *space, struct pgw_group *group)
{
    struct pgw_system *system = space->system;

    if (group != NULL && group->system != system)
        return sim_fail(system, PGW_INVAL, "the group is another system's");
    if (system->vm == NULL)
        return sim_fail(
            system, PGW_UNSUPPORTED, "cannot join a group: %s", group_why(PGW_UNSUPPORTED));
    return vm_group_join(space->space, group != NULL ? group->id : 0);
}

struct pgw_group *
pgw_group_at(struct pgw_system *system, unsigned i)
{
    return i < system->ngroups ? &system->groups[i + 1] : NULL;
}

enum pgw_status
pgw_group_stats(struct pgw_group *group, struct pgw_group_stats *stats)
{
    struct pgw_system *system = group->system;
    struct vm_group_stats vm;
    struct vm_pressure pressure;
    size_t size = stats->size;

    if (size < sizeof stats->size)
        return sim_fail(
            system, PGW_INVAL, "set stats.size to sizeof(struct pgw_group_stats) first");
    enum pgw_status status = vm_group_stats(system->vm, group->id, &vm);
    if (status == PGW_OK)
        status = vm_pressure(system->vm, group->id, &pressure);
    if (status != PGW_OK)
        return status;
    struct pgw_group_stats all = {.size = size,
        .limit = vm.limit,
        .resident = vm.resident,
        .resident_peak = vm.resident_peak,
        .spaces = vm.spaces,
        .evicted = vm.evicted,
        .reclaims = vm.reclaims,
        .limit_hits = vm.limit_hits,
        .refaults = vm.refaults,
        .refaults_active = vm.activated,
        .killed_for_memory = group->killed,
        .pressure_some_us = pressure.total[VM_PRESSURE_SOME] / 1000,
        .pressure_full_us = pressure.total[VM_PRESSURE_FULL] / 1000};
    memcpy(all.name, vm.name, sizeof all.name);
    memset(stats, 0, size);
    memcpy(stats, &all, size < sizeof all ? size : sizeof all);
    return PGW_OK;
}

enum pgw_status
groups_make(struct pgw_system *system, const struct pgw_config *config)
{
    struct pgw_group *group;
    enum pgw_status status = PGW_OK;

    for (size_t i = 0; i < config->ngroups && status == PGW_OK; i++) {
        const struct pgw_group_config *each = &config->groups[i];
        status = pgw_group_create(system, each->name, each->limit, each->programs, &group);
    }
    return status;
}

void
groups_program(void *ctx, struct space *space, const struct space *from, const char *name)
{
    struct pgw_system *system = ctx;
    unsigned id = from != NULL ? from->group : 0;

    if (system->vm == NULL)
        return;
    for (unsigned i = system->ngroups; i > 0; i--) {
        const struct pgw_group *group = &system->groups[i];
        if (group->first ? from == NULL : fnmatch(group->programs, name, 0) == 0)
            id = i;
    }
    enum pgw_status status = vm_group_join(space, id);
    BASE_ASSERT(status == PGW_OK); /* all of these exist */
}

void
groups_ended(void *ctx, uint32_t id)
{
    struct pgw_system *system = ctx;

    system->groups[id].killed++;
}

bool
groups_describe(void *ctx, uint32_t id, char *name, size_t len, uint64_t *limit)
{
    struct pgw_system *system = ctx;
    struct vm_group_stats stats;

    if (system->vm == NULL || vm_group_stats(system->vm, id, &stats) != PGW_OK)
        return false;
    (void)snprintf(name, len, "%s", stats.name);
    *limit = stats.limit;
    return true;
}
