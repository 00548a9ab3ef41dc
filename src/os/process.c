/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/process.h"

#include <string.h>

#include "os/machine.h"
#include "os/sched.h"
#include "os/syscall.h"

struct cpu_regs *
os_process_regs(struct os_process *p)
{
    return os_thread_regs(p->thread);
}

enum pgw_status
os_mm_create(struct os *os, struct os_mm **mm)
{
    struct base_alloc *alloc = os->config.alloc;
    struct os_mm *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->refs = 1;
    enum pgw_status status = os->config.space_create(os->config.ctx, &made->space);
    if (status != PGW_OK) {
        alloc->unmap(alloc, made, sizeof *made);
        return status;
    }
    *mm = made;
    return PGW_OK;
}

void
os_mm_put(struct os *os, struct os_mm *mm)
{
    if (mm == NULL || --mm->refs > 0)
        return;
    mm->space->ops->destroy(mm->space);
    os_shm_reap(os);
    os->config.alloc->unmap(os->config.alloc, mm, sizeof *mm);
}

/* A copy of an mm.  PGW_NOMEM, PGW_NORAM. */
static enum pgw_status
mm_fork(struct os *os, const struct os_mm *from, struct os_mm **mm)
{
    struct base_alloc *alloc = os->config.alloc;
    struct os_mm *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    *made = *from;
    made->refs = 1;
    made->lock_future = 0; /* locks are not inherited */
    enum pgw_status status = from->space->ops->fork(from->space, &made->space);
    if (status != PGW_OK) {
        alloc->unmap(alloc, made, sizeof *made);
        return status;
    }
    *mm = made;
    return PGW_OK;
}

enum pgw_status
os_process_create(struct os *os, struct os_process **p)
{
    struct os_thread *thread;

    if (os->processes.live >= OS_PROCESSES_MAX)
        return PGW_AGAIN;
    struct os_process *made = base_pool_get(&os->processes);
    if (made == NULL)
        return PGW_NOMEM;
    made->os = os;
    made->started = os_now(os);
    TAILQ_INIT(&made->children);
    TAILQ_INIT(&made->threads);
    for (int i = 0; i < 3; i++)
        made->timer[i].next = OS_NEVER;
    os_signals_init(&made->signals);
    enum pgw_status status = os_thread_create(made, &thread);
    if (status != PGW_OK) {
        base_pool_put(&os->processes, made);
        return status;
    }
    made->pid = thread->tid;
    TAILQ_INSERT_TAIL(&os->all, made, all);
    os->stats.processes++;
    *p = made;
    return PGW_OK;
}

void
os_process_abandon(struct os_process *p)
{
    struct os *os = p->os;

    os_files_destroy(os, p->files);
    if (p->cwd != NULL)
        os_file_put(os, p->cwd);
    TAILQ_REMOVE(&os->threads, p->thread, all);
    base_pool_put(&os->thread_pool, p->thread);
    TAILQ_REMOVE(&os->all, p, all);
    os->stats.processes--;
    os->stats.threads--;
    os->next_pid--;
    base_pool_put(&os->processes, p);
}

static void
child_inherit(struct os_process *child, struct os_process *parent)
{
    struct os_thread *thread = child->thread;

    child->parent = parent;
    TAILQ_INSERT_TAIL(&parent->children, child, sibling);
    child->pgid = parent->pgid;
    child->sid = parent->sid;
    child->umask = parent->umask;
    child->stack_limit = parent->stack_limit;
    child->stack_limited = parent->stack_limited;
    memcpy(child->mem_limits, parent->mem_limits, sizeof child->mem_limits);
    child->oom_adj = parent->oom_adj;
    memcpy(child->name, parent->name, sizeof child->name);
    child->cwd = parent->cwd;
    os_file_get(child->cwd);
    os_signals_copy(&child->signals, &parent->signals);
    os_thread_inherit(thread, parent->thread);
    thread->signals.altstack = parent->thread->signals.altstack;
}

enum pgw_status
os_process_fork(struct os_process *parent, bool share_mm, struct os_process **child)
{
    struct os *os = parent->os;
    struct os_process *made;
    enum pgw_status status = os_process_create(os, &made);

    if (status != PGW_OK)
        return status;
    status = os_files_copy(os, parent->files, &made->files);
    if (status == PGW_OK && share_mm) {
        made->mm = parent->mm;
        made->mm->refs++;
    } else if (status == PGW_OK) {
        status = mm_fork(os, parent->mm, &made->mm);
    }
    if (status != PGW_OK) {
        os_process_abandon(made);
        return status;
    }
    child_inherit(made, parent);
    os->stats.forks++;
    *child = made;
    return PGW_OK;
}

/* Remembers the space's fault counts before it goes. */
static void
keep_counts(struct os_process *p)
{
    struct space_counts counts;

    p->mm->space->ops->counts(p->mm->space, &counts);
    p->minor += counts.minor;
    p->major += counts.major;
    if (counts.resident > p->peak_pages)
        p->peak_pages = counts.resident;
}

static void
vfork_done(struct os_process *p)
{
    if (p->vfork_parent != NULL)
        os_wake_thread(p->vfork_parent);
    p->vfork_parent = NULL;
}

/* p lets go of its space, which no hart may have loaded when it is destroyed. */
static void
put_mm(struct os_process *p)
{
    if (p->mm->refs == 1)
        os_harts_leave(p->os, p->mm);
    os_mm_put(p->os, p->mm);
    p->mm = NULL;
}

void
os_process_set_mm(struct os_process *p, struct os_mm *mm)
{
    keep_counts(p);
    os_hart_save(p->thread->hart);
    put_mm(p);
    p->mm = mm;
    vfork_done(p);
}

/* The children go on without a parent; those that have ended are of no interest any more. */
static void
orphan_children(struct os_process *p)
{
    struct os_process *child;

    while ((child = TAILQ_FIRST(&p->children)) != NULL) {
        TAILQ_REMOVE(&p->children, child, sibling);
        child->parent = NULL;
        if (child->zombie)
            p->os->dead = true;
    }
}

/* SIGCHLD, and whoever waits; a parent that does not want to know is not kept informed. */
static void
tell_parent(struct os_process *p)
{
    struct os_process *parent = p->parent;

    if (parent == NULL) {
        p->os->dead = true;
        return;
    }
    const struct os_sigaction *action = &parent->signals.action[OS_SIGCHLD];
    bool ignored = p->exit_signal == OS_SIGCHLD &&
                   (action->handler == OS_SIG_IGN || (action->flags & OS_SA_NOCLDWAIT) != 0);
    int sig = p->wait_status & 0x7f;
    struct os_siginfo info = {.signo = p->exit_signal,
        .code = sig != 0 ? OS_CLD_KILLED : OS_CLD_EXITED,
        .sender = {.pid = p->pid,
            .uid = p->os->uid[0],
            .status = sig != 0 ? sig : p->wait_status >> 8 & 0xff}};

    if (ignored) {
        TAILQ_REMOVE(&parent->children, p, sibling);
        p->parent = NULL;
        p->os->dead = true;
    }
    if (p->exit_signal != 0)
        os_signal_send(parent, &info);
    os_wake(p->os, parent);
}

/* Its threads leave their locks behind while there is memory to say so in. */
static void
end_threads(struct os_process *p)
{
    struct os_thread *t;

    p->killed = true; /* should that need memory, it is not p's end that gives it */
    TAILQ_FOREACH (t, &p->threads, link)
        os_futex_leave(t);
    p->killed = false;
    while ((t = TAILQ_FIRST(&p->threads)) != NULL)
        os_thread_end(t);
}

void
os_process_exit(struct os_process *p, int wait_status)
{
    struct os *os = p->os;

    if (p->zombie)
        return;
    p->zombie = true;
    end_threads(p);
    keep_counts(p);
    p->wait_status = wait_status;
    if (p->first) {
        os->first_status = wait_status;
        os->ended = true;
    }
    os->stats.exits++;
    if (p->mm->refs == 1 && os->config.ended_space != NULL)
        os->config.ended_space(os->config.ctx, p->mm->space, p->pid, p->name);
    put_mm(p);
    vfork_done(p);
    os_files_destroy(os, p->files);
    p->files = NULL;
    if (p->cwd != NULL)
        os_file_put(os, p->cwd);
    p->cwd = NULL;
    os_pending_drain(os, &p->signals.pending);
    orphan_children(p);
    tell_parent(p);
}

void
os_process_reap(struct os_process *p)
{
    struct os *os = p->os;

    if (p->parent != NULL) {
        p->parent->child_instructions += p->instructions + p->child_instructions;
        TAILQ_REMOVE(&p->parent->children, p, sibling);
    }
    TAILQ_REMOVE(&os->all, p, all);
    base_pool_put(&os->processes, p);
}

struct os_process *
os_process_find(struct os *os, int pid)
{
    struct os_process *p;

    TAILQ_FOREACH (p, &os->all, all)
        if (p->pid == pid)
            return p;
    return NULL;
}
