/* SPDX-License-Identifier: BSD-2-Clause */
/* Running a program: the harts and the Linux personality over the system's core. */
#include "api/recording_run.h"
#include "api/sim.h"

#include <stdio.h>
#include <string.h>

#define SIM_SIGNAL_MAX 64 /* Linux has so many */
#define SIM_SIGKILL 9

static enum pgw_status
sim_run_space(void *ctx, struct space **space)
{
    struct pgw_system *system = ctx;
    enum pgw_status status = system->core_ops->space_create(system, space);

    if (status == PGW_OK && system->recorder != NULL)
        status = recording_space(system->recorder, *space);
    return status;
}

static void
sim_run_program(void *ctx, struct space *space, const struct space *from, const char *name)
{
    struct pgw_system *system = ctx;

    groups_program(system, space, from, name);
    if (system->recorder != NULL)
        recording_program(space, from, name);
}

static enum pgw_status
sim_run_file(void *ctx, int fd, bool write, struct space_object **object)
{
    struct pgw_system *system = ctx;

    return objcache_get(&system->files, fd, write, object);
}

static enum pgw_status
sim_run_memory_object(void *ctx, uint64_t len, struct space_object **object)
{
    struct pgw_system *system = ctx;

    return system->core_ops->memory_create(system, len, object);
}

static struct space_object *
sim_run_file_cached(void *ctx, int fd, bool make, bool *whole)
{
    struct pgw_system *system = ctx;

    if (system->vm == NULL)
        return NULL;
    return objcache_cached(&system->files, fd, make, whole);
}

static void
sim_run_file_wrote(void *ctx, int fd, uint64_t offset, const void *buf, size_t len)
{
    struct pgw_system *system = ctx;

    objcache_wrote(&system->files, fd, offset, buf, len);
}

static void
sim_run_file_reread(void *ctx, int fd)
{
    struct pgw_system *system = ctx;

    objcache_reread(&system->files, fd);
}

static void
sim_run_file_unnamed(void *ctx, uint64_t dev, uint64_t ino)
{
    struct pgw_system *system = ctx;

    objcache_unnamed(&system->files, dev, ino);
}

/* The devices of swap; a compressed pool without one is as a zram device. */
static void
sim_run_swaps(const struct pgw_system *system, const struct pgw_stats *now, struct os_memory *out)
{
    for (; out->nswap_devices < now->nswap_devices; out->nswap_devices++) {
        const struct pgw_swap_device *from = &now->swap_devices[out->nswap_devices];
        struct os_swap_device *to = &out->swap_devices[out->nswap_devices];
        (void)snprintf(to->name, sizeof to->name, "%s", from->name);
        to->file = system->swap_devices[out->nswap_devices].file;
        to->size = from->size;
        to->used = from->used;
    }
    if (now->nswap_devices == 0 && system->swap != NULL)
        out->swap_devices[out->nswap_devices++] = (struct os_swap_device){
            .name = "/dev/zram0", .size = now->swap_size, .used = now->swap_used};
}

/* What its services have done, for /proc and /sys. */
static void
sim_run_services(
    const struct pgw_system *system, const struct pgw_stats *now, struct os_memory *out)
{
    _Static_assert(OS_FREE_ORDERS == PGW_RUN_ORDERS, "larger runs are counted as the last order's");

    sim_run_swaps(system, now, out);
    out->zswap = now->pool_frames;
    out->zswapped = now->pool_pages;
    out->zswap_in = now->pool_hits;
    if (now->pool_limit > 0) /* there is a pool: what it did not pass on */
        out->zswap_out = now->swap_out - now->pool_rejected - now->pool_overflowed;
    out->zswap_written = now->pool_written_back;
    memcpy(out->free_runs, now->runs_now.runs, sizeof out->free_runs);
    if (system->vm == NULL)
        return;
    out->huge = (unsigned)system->settings.huge;
    out->merge = system->settings.merge != PGW_MERGE_OFF;
    out->merge_rate = system->settings.merge_rate;
    out->merge_shared = now->merge_shared;
    out->merge_sharing = now->merge_sharing;
    out->merge_scans = now->merge_scans;
}

/* What went to and came from devices: all of swap but what the pool in front of them kept. */
static void
sim_run_swapped(const struct pgw_stats *now, struct os_memory *out)
{
    out->swap_in = now->nswap_devices == 0 ? now->swap_in : 0;
    out->swap_out = now->nswap_devices == 0 ? now->swap_out : 0;
    for (unsigned i = 0; i < now->nswap_devices; i++) {
        out->swap_in += now->swap_devices[i].pages_in;
        out->swap_out += now->swap_devices[i].pages_out;
    }
}

/* For /proc. */
static void
sim_run_memory(void *ctx, struct os_memory *out)
{
    struct pgw_system *system = ctx;
    struct pgw_stats now = {.size = sizeof now};
    struct vm_stats vm = {0};

    *out = (struct os_memory){.ram = 0};
    if (pgw_system_stats(system, &now) != PGW_OK)
        return;
    if (system->vm != NULL)
        vm_stats(system->vm, &vm);
    uint64_t others = vm.file_resident + vm.shm_resident;
    *out = (struct os_memory){
        .ram = now.ram,
        .free = now.ram_free,
        .file = vm.file_resident + vm.file_cached,
        .shm = vm.shm_resident,
        .anon = now.resident > others ? now.resident - others : 0,
        .tables = now.tables,
        .swap = now.swap_size,
        .swap_used = now.swap_used,
        .committed = now.committed,
        .commit_limit = now.commit_limit,
        .overcommit = system->settings.overcommit,
        .overcommit_ratio = system->settings.overcommit_ratio,
        .faults = now.minor + now.major,
        .major = now.major,
        .file_in = now.file_in,
        .core = vm,
    };
    sim_run_swapped(&now, out);
    sim_run_services(system, &now, out);
}

/*
 * Hands on what pgw_interrupt left.  Reading and clearing are two steps; a signal in between is
 * the same one again or replaces it, as pending signals do.
 */
static void
sim_run_signal(struct pgw_system *system)
{
    int signo = (int)system->interrupt;

    if (signo == 0)
        return;
    system->interrupt = 0;
    os_interrupt(system->os, signo);
}

/* Between slices, and whenever a wait for the host was interrupted. */
static void
sim_run_idle(void *ctx)
{
    struct pgw_system *system = ctx;

    system->core_ops->idle(system);
    sim_run_signal(system);
    if (recording_run_failed(system))
        os_interrupt(system->os, SIM_SIGKILL);
}

static const char *
sim_run_why(void *ctx)
{
    const struct pgw_system *system = ctx;

    return system->core_ops->why(system);
}

static void
sim_run_pressure(void *ctx, struct vm_pressure *pressure)
{
    const struct pgw_system *system = ctx;

    *pressure = (struct vm_pressure){.stalled = 0};
    if (system->vm != NULL && vm_pressure(system->vm, 0, pressure) != PGW_OK)
        *pressure = (struct vm_pressure){.stalled = 0};
}

static void
sim_run_message(void *ctx, const char *text)
{
    struct pgw_system *system = ctx;

    if (system->settings.message != NULL)
        system->settings.message(system->settings.message_ctx, text);
}

static enum pgw_status
sim_run_os(struct pgw_system *system)
{
    const struct sim_settings *s = &system->settings;
    struct os_config config = {
        .nharts = s->harts,
        .one_space = registry_mmu_is_identity(s->mmu),
        .alloc = &system->machine,
        .slice = s->slice,
        .seed = s->seed,
        .stack_max = s->stack_max,
        .aslr = s->aslr,
        .sysroot = s->sysroot[0] != '\0' ? s->sysroot : NULL,
        .space_end = system->va_end,
        .bound = registry_mmu_is_identity(s->mmu) ? "RAM" : "the address space",
        .window = s->window,
        .ctx = system,
        .space_create = sim_run_space,
        .file_object = sim_run_file,
        .memory = sim_run_memory,
        .memory_object = sim_run_memory_object,
        .file_cached = sim_run_file_cached,
        .file_wrote = sim_run_file_wrote,
        .file_reread = sim_run_file_reread,
        .file_unnamed = sim_run_file_unnamed,
        .idle = sim_run_idle,
        .why = sim_run_why,
        .message = sim_run_message,
        .pressure = sim_run_pressure,
        .program = sim_run_program,
        .ended = groups_ended,
        .ended_space = maps_note,
        .group = groups_describe,
    };
    for (unsigned i = 0; i < s->harts; i++) {
        config.hart[i] = system->harts[i];
        config.mmu[i] = system->mmus[i];
    }
    enum pgw_status status = os_create(&config, &system->os);

    if (status != PGW_OK)
        return sim_fail(system, status, "cannot make the personality: %s", pgw_status_text(status));
    return PGW_OK;
}

/* What the program has written to mapped files is in them when the run is over. */
static void
sim_run_write_back(struct pgw_system *system)
{
    struct pgw_stats stats = {.size = sizeof stats};
    char text[160];
    enum pgw_status status = system->core_ops->writeback(system);

    if (status == PGW_OK || pgw_system_stats(system, &stats) != PGW_OK)
        return;
    (void)snprintf(text, sizeof text,
        "%llu pages of mapped files could not be written to their files (%s): they are kept in "
        "RAM, "
        "and lost if that does not change before the end",
        (unsigned long long)stats.file_dirty, pgw_status_text(status));
    sim_run_message(system, text);
}

/* Takes the personality's figures over and ends it. */
static void
sim_run_end(struct pgw_system *system)
{
    const struct os_stats *now = os_stats(system->os);
    struct os_stats *past = &system->past.os;

    past->processes += now->processes;
    past->threads += now->threads;
    past->forks += now->forks;
    past->execs += now->execs;
    past->exits += now->exits;
    past->killed_for_memory += now->killed_for_memory;
    past->context_switches += now->context_switches;
    past->signals += now->signals;
    past->syscalls += now->syscalls;
    for (unsigned i = 0; i < OS_SYSCALL_MAX; i++)
        past->unknown_calls[i] += now->unknown_calls[i];
    memcpy(past->workset, now->workset, sizeof past->workset);
    past->worksets = now->worksets;
    past->window = now->window;
    os_destroy(system->os);
    system->os = NULL;
}

static enum pgw_status
sim_run_start(struct pgw_system *system, const char *path, char *const *argv, char *const *envp)
{
    const char *why = NULL;
    enum pgw_status status = os_start(system->os, path, argv, envp, &why);

    if (status == PGW_OK)
        return PGW_OK;
    if (why != NULL)
        return sim_fail(system, status, "%.200s: %s", path, why);
    return sim_fail(system, status, "cannot start %.200s: %s", path, pgw_status_text(status));
}

enum pgw_status
pgw_run(struct pgw_system *system, const char *path, char *const *argv, char *const *envp,
    int *wait_status)
{
    int ended = 0;

    sim_activate(system, NULL);
    enum pgw_status status = sim_need_harts(system);
    if (status == PGW_OK)
        status = sim_run_os(system);
    if (status != PGW_OK) {
        recording_run_cancel(system);
        return status;
    }
    system->interrupt = 0;
    recording_run_begin(system);
    status = sim_run_start(system, path, argv, envp);
    if (status != PGW_OK) {
        recording_run_cancel(system);
    } else {
        status = os_run(system->os, &ended);
        if (status != PGW_OK)
            (void)sim_fail(
                system, status, "%.200s had to be given up: %s", path, pgw_status_text(status));
    }
    sim_run_end(system);
    if (status == PGW_OK)
        status = recording_run_end(system);
    else
        (void)!recording_run_end(system);
    sim_run_write_back(system);
    if (status == PGW_OK)
        *wait_status = ended;
    return status;
}

void
pgw_interrupt(struct pgw_system *system, int signo)
{
    if (signo > 0 && signo <= SIM_SIGNAL_MAX)
        system->interrupt = signo;
}
