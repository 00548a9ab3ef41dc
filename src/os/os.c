/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The personality as a whole.  Reading order: process.h and thread.h (what there is), harts.c (who
 * runs), sched.c (how waiting works), futex.h, syscall.c (the table) and the sys_*.c files,
 * signal.c and sigframe.c, load.c and stack.c (programs), oom.c and faultmsg.c (bad ends),
 * workset.h.
 */
#include "os/os.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "os/exec.h"
#include "os/machine.h"
#include "os/objname.h"
#include "os/pipe.h"
#include "os/reclock.h"
#include "os/sched.h"
#include "os/signal.h"

/* The MMU names a page of the space that is running. */
static void
touched(void *ctx, uint32_t asid, uint64_t vpn, enum access access)
{
    struct os *os = ctx;

    (void)asid;
    (void)access;
    if (os->hart->mm != NULL)
        os_workset_touch(&os->meter, os->hart->mm->space->id, vpn);
}

void
os_say(struct os *os, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(os->text, sizeof os->text, format, args);
    va_end(args);
    os->config.message(os->config.ctx, os->text);
}

static void
init_harts(struct os *os)
{
    const struct os_config *config = &os->config;

    os->hart = &os->harts[0];
    for (unsigned i = 0; i < config->nharts; i++) {
        os->harts[i] = (struct os_hart){.idx = i, .cpu = config->hart[i], .mmu = config->mmu[i]};
        os->retired += config->hart[i]->stats.instructions;
        if (config->window == 0)
            continue;
        config->mmu[i]->touched = touched;
        config->mmu[i]->touched_ctx = os;
    }
    os->now = os->retired;
}

enum pgw_status
os_create(const struct os_config *config, struct os **os)
{
    struct os *made = config->alloc->map(config->alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->config = *config;
    TAILQ_INIT(&made->all);
    TAILQ_INIT(&made->threads);
    TAILQ_INIT(&made->ready);
    for (unsigned i = 0; i < OS_FUTEX_BUCKETS; i++)
        TAILQ_INIT(&made->futexes[i]);
    made->next_pid = 1;
    made->next_deadline = OS_NEVER;
    base_rng_init(&made->rng, config->seed);
    base_pool_init(&made->processes, config->alloc, sizeof(struct os_process), "os.processes");
    base_pool_init(&made->thread_pool, config->alloc, sizeof(struct os_thread), "os.threads");
    base_pool_init(&made->open_files, config->alloc, sizeof(struct os_file), "os.files");
    base_pool_init(&made->memfile_pool, config->alloc, sizeof(struct os_memfile), "os.memfiles");
    base_pool_init(&made->shm_pool, config->alloc, sizeof(struct os_shm), "os.shm");
    base_pool_init(&made->reclock_pool, config->alloc, sizeof(struct os_reclock), "os.reclocks");
    LIST_INIT(&made->memfiles);
    LIST_INIT(&made->shm);
    base_pool_init(&made->pipes, config->alloc, sizeof(struct os_pipe), "os.pipes");
    base_pool_init(&made->siginfos, config->alloc, sizeof(struct os_sigentry), "os.siginfos");
    made->host_umask = host_io_umask(0);
    (void)host_io_umask(made->host_umask);
    host_io_ids(made->uid, made->gid);
    made->stats.window = config->window;
    os_workset_init(&made->meter, config->alloc, config->window);
    init_harts(made);
    *os = made;
    return PGW_OK;
}

void
os_destroy(struct os *os)
{
    struct os_process *p;
    struct os_process *next;
    struct os_thread *t;

    if (os == NULL)
        return;
    TAILQ_FOREACH (p, &os->all, all)
        os_process_exit(p, 0);
    for (p = TAILQ_FIRST(&os->all); p != NULL; p = next) {
        next = TAILQ_NEXT(p, all);
        os_process_reap(p);
    }
    while ((t = TAILQ_FIRST(&os->threads)) != NULL) {
        TAILQ_REMOVE(&os->threads, t, all);
        base_pool_put(&os->thread_pool, t);
    }
    for (unsigned i = 0; i < os->config.nharts; i++)
        os->config.mmu[i]->touched = NULL;
    os_workset_fini(&os->meter);
    os_objname_fini(os);
    os_memfile_forget_names(os);
    os_shm_fini(os);
    base_pool_fini(&os->reclock_pool);
    base_pool_fini(&os->shm_pool);
    base_pool_fini(&os->memfile_pool);
    base_pool_fini(&os->siginfos);
    base_pool_fini(&os->pipes);
    base_pool_fini(&os->open_files);
    base_pool_fini(&os->thread_pool);
    base_pool_fini(&os->processes);
    os->config.alloc->unmap(os->config.alloc, os, sizeof *os);
}

const struct os_stats *
os_stats(const struct os *os)
{
    return &os->stats;
}

/* Our own standard input, output and error become the first process's, as far as they are open. */
static enum pgw_status
open_standard(struct os_process *p)
{
    for (int fd = 0; fd < 3; fd++) {
        int64_t flags = host_io_get_flags(fd);
        int64_t copy = flags < 0 ? flags : host_io_dup(fd);

        if (copy < 0)
            continue;
        enum pgw_status status = os_file_adopt(p->os, (int)copy,
            (uint32_t)flags & (OS_O_ACCMODE | OS_O_APPEND), &p->files->fd[fd].file);
        if (status != PGW_OK)
            return status;
    }
    return PGW_OK;
}

static enum pgw_status
first_files(struct os_process *p)
{
    enum pgw_status status = os_files_create(p->os, &p->files);

    if (status != PGW_OK)
        return status;
    int64_t fd = host_io_open(OS_AT_FDCWD, ".", (int)(OS_O_PATH | OS_O_DIRECTORY), 0);
    if (fd < 0)
        return PGW_IO;
    status = os_file_adopt(p->os, (int)fd, OS_O_PATH, &p->cwd);
    return status == PGW_OK ? open_standard(p) : status;
}

static enum pgw_status
add_all(struct os_args *args, char *const *strings, unsigned *n)
{
    enum pgw_status status = PGW_OK;

    for (*n = 0; status == PGW_OK && strings[*n] != NULL; ++*n)
        status = os_args_add(args, strings[*n], strlen(strings[*n]));
    return status;
}

static enum pgw_status
load_first(struct os *os, const char *path, char *const *argv, char *const *envp,
    struct os_image *image, const char **why)
{
    struct os_args args;
    enum pgw_status status = os_args_init(os, &args);

    if (status == PGW_OK)
        status = add_all(&args, argv, &args.argc);
    if (status == PGW_OK)
        status = add_all(&args, envp, &args.envc);
    *why = status == PGW_RANGE ? "arguments and environment are too long" : pgw_status_text(status);
    if (status == PGW_OK)
        status = os_image_load(os, OS_AT_FDCWD, path, &args, image, why);
    os_args_fini(os, &args);
    return status;
}

enum pgw_status
os_start(struct os *os, const char *path, char *const *argv, char *const *envp, const char **why)
{
    struct os_image image;
    struct os_process *p;

    *why = "";
    if (os->started)
        return PGW_EXIST;
    enum pgw_status status = load_first(os, path, argv, envp, &image, why);
    if (status != PGW_OK)
        return status;
    status = os_process_create(os, &p);
    if (status != PGW_OK) {
        os_mm_put(os, image.mm);
        *why = pgw_status_text(status);
        return status;
    }
    p->pgid = p->sid = p->pid;
    p->first = true;
    p->umask = os->host_umask;
    p->stack_limit = os->config.stack_max;
    for (unsigned i = 0; i < OS_LIMITS; i++)
        p->mem_limits[i] = (struct os_rlimit){OS_LIMIT_NONE, OS_LIMIT_NONE};
    p->mem_limits[OS_LIMIT_MEMLOCK] =
        (struct os_rlimit){OS_LIMIT_MEMLOCK_FIRST, OS_LIMIT_MEMLOCK_FIRST};
    status = first_files(p);
    if (status != PGW_OK) {
        *why = "standard files or the current directory could not be opened";
        os_process_abandon(p);
        os_mm_put(os, image.mm);
        return status;
    }
    os_image_enter(p, &image, path);
    os->started = true;
    os_set_state(p->thread, OS_STATE_RUNNABLE);
    return PGW_OK;
}

void
os_interrupt(struct os *os, int signo)
{
    struct os_process *p;

    TAILQ_FOREACH (p, &os->all, all)
        os_signal_kernel(p, signo);
}
