/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting, waking and time.
 *
 * A system call that has to wait does not wait inside: its handler returns, the thread leaves
 * the queue, and when something has happened the same call is made again from its start (the
 * thread is still at the ecall).  So there is one stack for everybody, nothing to unwind when a
 * waiting thread is killed, and every condition is looked at in one place, by the call that
 * needs it.  Sleep and wakeup channels as in Unix: a wakeup is a hint, the call looks again.
 *
 * Time is the count of instructions, one nanosecond each, plus what was slept away: when nobody
 * can run and somebody has a deadline, the clock jumps there.  Only waiting for the host (input
 * from a terminal or a pipe) takes real time.  Several harts run in parallel, so that the time that
 * passes is that of the hart that has done most (harts.c).
 */
#include "os/sched.h"

#include "os/machine.h"
#include "os/syscall.h"

uint64_t
os_now(const struct os *os)
{
    return os->now;
}

void
os_set_state(struct os_thread *t, enum os_state state)
{
    struct os *os = t->process->os;

    if (state == OS_STATE_RUNNABLE && t->process->stopped)
        state = OS_STATE_STOPPED;
    if (t->state == OS_STATE_RUNNABLE && state != OS_STATE_RUNNABLE && !t->turn)
        TAILQ_REMOVE(&os->ready, t, ready);
    if (t->state != OS_STATE_RUNNABLE && state == OS_STATE_RUNNABLE && !t->turn)
        TAILQ_INSERT_TAIL(&os->ready, t, ready);
    t->state = state;
}

static int64_t
block(struct os_process *p, const void *channel, int64_t interrupted)
{
    struct os_thread *t = p->thread;

    t->wait.channel = channel;
    t->wait.deadline = t->timed_out_set ? t->deadline : OS_NEVER;
    if (os_signal_deliverable(t) || p->killed)
        return interrupted;
    if (t->wait.deadline < p->os->next_deadline)
        p->os->next_deadline = t->wait.deadline;
    os_set_state(t, OS_STATE_BLOCKED);
    return OS_BLOCKED;
}

int64_t
os_block(struct os_process *p, const void *channel)
{
    return block(p, channel, OS_RESTART);
}

int64_t
os_block_nohand(struct os_process *p, const void *channel)
{
    return block(p, channel, OS_NOHAND);
}

int64_t
os_block_vfork(struct os_process *p)
{
    p->thread->wait.channel = NULL;
    p->thread->wait.deadline = OS_NEVER;
    if (!p->killed && !os_signal_killed(p->thread))
        os_set_state(p->thread, OS_STATE_BLOCKED);
    return OS_BLOCKED;
}

int64_t
os_block_retry(struct os_process *p)
{
    p->thread->wait.host = true;
    p->os->poll_again = true;
    return os_block(p, NULL);
}

void
os_wait_host(struct os_process *p, int fd, short events)
{
    struct os *os = p->os;

    p->thread->wait.host = true;
    if (os->npoll == OS_POLL_MAX)
        os->poll_again = true;
    else
        os->poll[os->npoll++] = (struct host_io_poll){fd, events, 0};
}

void
os_deadline(struct os_process *p, uint64_t after)
{
    struct os_thread *t = p->thread;
    uint64_t now = os_now(p->os);

    if (t->timed_out_set)
        return;
    t->timed_out_set = true;
    t->deadline = after < OS_NEVER - now ? now + after : OS_NEVER;
}

bool
os_deadline_passed(const struct os_process *p)
{
    const struct os_thread *t = p->thread;

    return t->timed_out_set && os_now(p->os) >= t->deadline;
}

void
os_wake_thread(struct os_thread *t)
{
    if (t->state == OS_STATE_BLOCKED)
        os_set_state(t, OS_STATE_RUNNABLE);
}

void
os_wake(struct os *os, const void *channel)
{
    struct os_thread *t;

    TAILQ_FOREACH (t, &os->threads, all)
        if (t->state == OS_STATE_BLOCKED && t->wait.channel == channel)
            os_set_state(t, OS_STATE_RUNNABLE);
}

void
os_timers_changed(struct os *os)
{
    os->next_deadline = 0;
}

bool
os_others_ready(const struct os_process *p)
{
    const struct os *os = p->os;

    for (unsigned i = 0; i < os->config.nharts; i++)
        if (os->harts[i].turn != NULL && os->harts[i].turn != p->thread)
            return true;
    return !TAILQ_EMPTY(&os->ready);
}

/* An interval timer whose time has come sends its signal and is set anew. */
static void
timer_check(struct os_process *p, struct os_itimer *timer, uint64_t now, int sig)
{
    if (now < timer->next)
        return;
    if (timer->interval == 0) {
        timer->next = OS_NEVER;
    } else {
        uint64_t missed = (now - timer->next) / timer->interval;
        timer->next += (missed + 1) * timer->interval;
    }
    os_signal_kernel(p, sig);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void
os_timers_run(struct os *os)
{
    struct os_process *p;
    struct os_thread *t;
    uint64_t now = os_now(os);
    uint64_t next = OS_NEVER;

    if (now < os->next_deadline)
        return;
    TAILQ_FOREACH (t, &os->threads, all) {
        if (t->state == OS_STATE_BLOCKED && now >= t->wait.deadline)
            os_set_state(t, OS_STATE_RUNNABLE);
        if (t->state == OS_STATE_BLOCKED)
            next = earlier(next, t->wait.deadline);
    }
    TAILQ_FOREACH (p, &os->all, all) {
        if (p->zombie)
            continue;
        timer_check(p, &p->timer[0], now, OS_SIGALRM);
        next = earlier(next, p->timer[0].next);
    }
    os->next_deadline = next;
}

void
os_timers_run_cpu(struct os_process *p)
{
    timer_check(p, &p->timer[1], p->instructions, OS_SIGVTALRM);
    timer_check(p, &p->timer[2], p->instructions, OS_SIGPROF);
}

void
os_host_retry(struct os *os)
{
    struct os_thread *t;
    struct os_thread *next;

    os->npoll = 0;
    os->poll_again = false;
    for (t = TAILQ_FIRST(&os->threads); t != NULL; t = next) {
        next = TAILQ_NEXT(t, all);
        if (t->state != OS_STATE_BLOCKED || !t->wait.host)
            continue;
        os_set_state(t, OS_STATE_RUNNABLE);
        os_syscall(t);
        if (t->process->killed)
            os_process_exit(t->process, t->process->kill_status);
    }
}

bool
os_host_waiters(const struct os *os)
{
    const struct os_thread *t;

    TAILQ_FOREACH (t, &os->threads, all)
        if (t->state == OS_STATE_BLOCKED && t->wait.host)
            return true;
    return false;
}

void
os_idle(struct os *os)
{
    int64_t timeout = -1;

    os_timers_run(os);
    os_host_retry(os);
    if (!TAILQ_EMPTY(&os->ready))
        return;
    if (os->next_deadline != OS_NEVER)
        timeout = (int64_t)(os->next_deadline - os_now(os));
    if (os->npoll == 0 && !os->poll_again && timeout < 0) {
        /* Each waits for another: the program's own deadlock, as it would be on the host. */
        host_io_pause();
        return;
    }
    /* What the host does not tell of is looked at again every 10 ms. */
    if (os->poll_again && (timeout < 0 || timeout > 10000000))
        timeout = 10000000;
    if ((os->npoll == 0 && !os->poll_again) || host_io_poll(os->poll, os->npoll, timeout) == 0)
        os->now += timeout > 0 ? (uint64_t)timeout : 0;
}

bool
os_others_runnable(const struct os *os, uint32_t group)
{
    const struct os_thread *own = os->hart != NULL ? os->hart->loaded : NULL;
    const struct os_thread *t;

    TAILQ_FOREACH (t, &os->threads, all)
        if (t->state == OS_STATE_RUNNABLE && t != own && t->process->mm != NULL &&
            (group == 0 || t->process->mm->space->group == group))
            return true;
    return false;
}
