/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/thread.h"

#include <string.h>

#include "os/machine.h"
#include "os/sched.h"
#include "os/syscall.h"

struct cpu_regs *
os_thread_regs(struct os_thread *t)
{
    return t->hart != NULL ? &t->hart->cpu->regs : &t->regs;
}

enum pgw_status
os_thread_create(struct os_process *p, struct os_thread **t)
{
    struct os *os = p->os;

    if (os->thread_pool.live >= OS_THREADS_MAX)
        return PGW_AGAIN;
    struct os_thread *made = base_pool_get(&os->thread_pool);
    if (made == NULL)
        return PGW_NOMEM;
    made->process = p;
    made->tid = os->next_pid++;
    made->state = OS_STATE_BLOCKED;
    made->wait.deadline = OS_NEVER;
    made->affinity = UINT64_MAX;
    os_thread_signals_init(&made->signals);
    TAILQ_INSERT_TAIL(&os->threads, made, all);
    TAILQ_INSERT_TAIL(&p->threads, made, link);
    p->nthreads++;
    if (p->thread == NULL)
        p->thread = made;
    os->stats.threads++;
    *t = made;
    return PGW_OK;
}

void
os_thread_inherit(struct os_thread *t, struct os_thread *from)
{
    memcpy(t->name, from->name, sizeof t->name);
    t->affinity = from->affinity;
    t->signals.blocked = from->signals.blocked;
    t->regs = *os_thread_regs(from);
    t->regs.x[10] = 0;
    t->regs.pc += 4;
}

/* A vfork's child need not tell it any more. */
static void
forget_waiter(struct os_thread *t)
{
    struct os_process *q;

    TAILQ_FOREACH (q, &t->process->os->all, all)
        if (q->vfork_parent == t)
            q->vfork_parent = NULL;
}

void
os_thread_end(struct os_thread *t)
{
    struct os_process *p = t->process;
    struct os *os = p->os;

    os_set_state(t, OS_STATE_OVER);
    os_syscall_forget(t);
    os_pending_drain(os, &t->signals.pending);
    if (t->hart != NULL)
        os_hart_save(t->hart);
    if (t->turn)
        t->last->turn = NULL;
    t->turn = false;
    forget_waiter(t);
    TAILQ_REMOVE(&p->threads, t, link);
    p->nthreads--;
    if (p->thread == t)
        p->thread = TAILQ_FIRST(&p->threads);
    os->dead = true;
}

/* wait(2) reports what the first thread said, unless all were ended together. */
void
os_thread_exit(struct os_thread *t, int code)
{
    struct os_process *p = t->process;

    if (t->tid == p->pid) {
        p->leader_over = true;
        p->leader_status = code << 8;
    }
    if (p->nthreads == 1) {
        os_process_exit(p, p->leader_over ? p->leader_status : code << 8);
        return;
    }
    os_futex_leave(t);
    os_thread_end(t);
}

void
os_thread_alone(struct os_thread *t)
{
    struct os_process *p = t->process;
    struct os_thread *other;
    struct os_thread *next;

    os_futex_leave(t);
    for (other = TAILQ_FIRST(&p->threads); other != NULL; other = next) {
        next = TAILQ_NEXT(other, link);
        if (other == t)
            continue;
        os_futex_leave(other);
        os_thread_end(other);
    }
    t->tid = p->pid;
    p->leader_over = false;
}

struct os_thread *
os_thread_find(struct os *os, int tid)
{
    struct os_thread *t;

    TAILQ_FOREACH (t, &os->threads, all)
        if (t->tid == tid && t->state != OS_STATE_OVER)
            return t;
    return NULL;
}
