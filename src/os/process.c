/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/process.h"

#include <string.h>

#include "os/machine.h"
#include "os/sched.h"
#include "os/syscall.h"

struct cpu_regs *
os_process_regs(struct os_process *p)
{
    return p->os->current == p ? &p->os->config.hart->regs : &p->regs;
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
    if (os->processes.live >= OS_PROCESSES_MAX)
        return PGW_AGAIN;
    struct os_process *made = base_pool_get(&os->processes);
    if (made == NULL)
        return PGW_NOMEM;
    made->os = os;
    made->pid = os->next_pid++;
    TAILQ_INIT(&made->children);
    made->wait.deadline = OS_NEVER;
    for (int i = 0; i < 3; i++)
        made->timer[i].next = OS_NEVER;
    os_signals_init(&made->signals);
    made->state = OS_STATE_BLOCKED;
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
    TAILQ_REMOVE(&os->all, p, all);
    os->stats.processes--;
    os->next_pid--;
    base_pool_put(&os->processes, p);
}

static void
child_inherit(struct os_process *child, struct os_process *parent)
{
    child->parent = parent;
    TAILQ_INSERT_TAIL(&parent->children, child, sibling);
    child->pgid = parent->pgid;
    child->sid = parent->sid;
    child->umask = parent->umask;
    child->stack_limit = parent->stack_limit;
    child->oom_adj = parent->oom_adj;
    memcpy(child->name, parent->name, sizeof child->name);
    child->cwd = parent->cwd;
    os_file_get(child->cwd);
    os_signals_copy(&child->signals, &parent->signals);
    child->regs = *os_process_regs(parent);
    child->regs.x[10] = 0;
    child->regs.pc += 4;
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
    os_set_state(made, OS_STATE_RUNNABLE);
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

/* The space of p is about to go away or to be another: off the MMU with it. */
static void
leave_space(struct os_process *p)
{
    struct os *os = p->os;

    if (os->current != p)
        return;
    p->regs = os->config.hart->regs;
    p->mm->space->ops->deactivate(p->mm->space);
    os->current = NULL;
}

static void
vfork_done(struct os_process *p)
{
    if (p->vfork_parent != NULL)
        os_wake_process(p->vfork_parent);
    p->vfork_parent = NULL;
}

void
os_process_set_mm(struct os_process *p, struct os_mm *mm)
{
    keep_counts(p);
    leave_space(p);
    os_mm_put(p->os, p->mm);
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
        if (child->state == OS_STATE_ZOMBIE)
            p->os->dead = true;
    }
    struct os_process *q;
    TAILQ_FOREACH (q, &p->os->all, all)
        if (q->vfork_parent == p)
            q->vfork_parent = NULL;
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

void
os_process_exit(struct os_process *p, int wait_status)
{
    struct os *os = p->os;

    if (p->state == OS_STATE_ZOMBIE)
        return;
    keep_counts(p);
    leave_space(p);
    os_set_state(p, OS_STATE_ZOMBIE);
    os_syscall_forget(p);
    p->killed = false;
    p->wait_status = wait_status;
    if (p->first) {
        os->first_status = wait_status;
        os->ended = true;
    }
    os->stats.exits++;
    os_mm_put(os, p->mm);
    p->mm = NULL;
    vfork_done(p);
    os_files_destroy(os, p->files);
    p->files = NULL;
    if (p->cwd != NULL)
        os_file_put(os, p->cwd);
    p->cwd = NULL;
    os_signals_drain(os, &p->signals);
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
