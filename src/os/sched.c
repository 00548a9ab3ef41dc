/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round robin, in slices of instructions.
 *
 * A system call that has to wait does not wait inside: its handler returns, the process leaves
 * the queue, and when something has happened the same call is made again from its start (the
 * process is still at the ecall).  So there is one stack for everybody, nothing to unwind when a
 * waiting process is killed, and every condition is looked at in one place, by the call that
 * needs it.  Sleep and wakeup channels as in Unix: a wakeup is a hint, the call looks again.
 *
 * Time is the count of instructions, one nanosecond each, plus what was slept away: when nobody
 * can run and somebody has a deadline, the clock jumps there.  Only waiting for the host (input
 * from a terminal or a pipe) takes real time.
 */
#include "os/sched.h"

#include "os/exec.h"
#include "os/faultmsg.h"
#include "os/machine.h"
#include "os/oom.h"
#include "os/syscall.h"

/* What a fault takes off a slice, in instructions: else a process that does little but fault, for
 * want of memory, would keep its turn, and the machine from its other work, for very long. */
#define FAULT_COST 256u

/* So many faults in a row, with no instruction retired between them by anybody, mean that the pages
 * which one instruction needs at once do not fit: what one fault brings, the next one takes. */
#define STUCK_FAULTS 256u

uint64_t
os_now(const struct os *os)
{
    return os->config.hart->stats.instructions + os->slept;
}

void
os_set_state(struct os_process *p, enum os_state state)
{
    if (p->state == OS_STATE_RUNNABLE && state != OS_STATE_RUNNABLE)
        TAILQ_REMOVE(&p->os->ready, p, ready);
    if (p->state != OS_STATE_RUNNABLE && state == OS_STATE_RUNNABLE)
        TAILQ_INSERT_TAIL(&p->os->ready, p, ready);
    p->state = state;
}

static int64_t
block(struct os_process *p, const void *channel, int64_t interrupted)
{
    p->wait.channel = channel;
    p->wait.deadline = p->timed_out_set ? p->deadline : OS_NEVER;
    if (os_signal_deliverable(p) || p->killed)
        return interrupted;
    if (p->wait.deadline < p->os->next_deadline)
        p->os->next_deadline = p->wait.deadline;
    os_set_state(p, OS_STATE_BLOCKED);
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
    p->wait.channel = NULL;
    p->wait.deadline = OS_NEVER;
    if (!p->killed)
        os_set_state(p, OS_STATE_BLOCKED);
    return OS_BLOCKED;
}

int64_t
os_block_retry(struct os_process *p)
{
    p->wait.host = true;
    p->os->poll_again = true;
    return os_block(p, NULL);
}

void
os_wait_host(struct os_process *p, int fd, short events)
{
    struct os *os = p->os;

    p->wait.host = true;
    if (os->npoll == OS_POLL_MAX)
        os->poll_again = true;
    else
        os->poll[os->npoll++] = (struct host_io_poll){fd, events, 0};
}

void
os_deadline(struct os_process *p, uint64_t after)
{
    uint64_t now = os_now(p->os);

    if (p->timed_out_set)
        return;
    p->timed_out_set = true;
    p->deadline = after < OS_NEVER - now ? now + after : OS_NEVER;
}

bool
os_deadline_passed(const struct os_process *p)
{
    return p->timed_out_set && os_now(p->os) >= p->deadline;
}

void
os_wake_process(struct os_process *p)
{
    if (p->state == OS_STATE_BLOCKED)
        os_set_state(p, OS_STATE_RUNNABLE);
}

void
os_wake(struct os *os, const void *channel)
{
    struct os_process *p;

    TAILQ_FOREACH (p, &os->all, all)
        if (p->state == OS_STATE_BLOCKED && p->wait.channel == channel)
            os_set_state(p, OS_STATE_RUNNABLE);
}

void
os_timers_changed(struct os *os)
{
    os->next_deadline = 0;
}

bool
os_others_ready(const struct os_process *p)
{
    const struct os_process *first = TAILQ_FIRST(&p->os->ready);

    return first != NULL && (first != p || TAILQ_NEXT(first, ready) != NULL);
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

/* Does what is due, and finds when the next thing will be. */
static void
timers_run(struct os *os)
{
    struct os_process *p;
    uint64_t now = os_now(os);
    uint64_t next = OS_NEVER;

    if (now < os->next_deadline)
        return;
    TAILQ_FOREACH (p, &os->all, all) {
        if (p->state == OS_STATE_ZOMBIE)
            continue;
        if (p->state == OS_STATE_BLOCKED && now >= p->wait.deadline)
            os_set_state(p, OS_STATE_RUNNABLE);
        timer_check(p, &p->timer[0], now, OS_SIGALRM);
        next = earlier(next, p->timer[0].next);
        if (p->state == OS_STATE_BLOCKED)
            next = earlier(next, p->wait.deadline);
    }
    os->next_deadline = next;
}

/* The two timers on a process's own time. */
static void
cpu_timers_run(struct os_process *p)
{
    timer_check(p, &p->timer[1], p->instructions, OS_SIGVTALRM);
    timer_check(p, &p->timer[2], p->instructions, OS_SIGPROF);
}

/* Takes the registers out of the hart and the space off the MMU. */
static void
switch_from(struct os *os)
{
    struct os_process *old = os->current;

    if (old == NULL)
        return;
    old->regs = os->config.hart->regs;
    old->mm->space->ops->deactivate(old->mm->space);
    os->current = NULL;
}

static void
switch_to(struct os_process *p)
{
    struct os *os = p->os;
    struct pmap_context context;

    if (os->current == p)
        return;
    switch_from(os);
    p->mm->space->ops->activate(p->mm->space, &context);
    os->config.mmu->ops->load(os->config.mmu, context.root, context.asid);
    cpu_hart_switched(os->config.hart, context.asid);
    os->config.hart->regs = p->regs;
    os->current = p;
    os->stats.context_switches++;
}

/* Counts a fault; true: the machine gets nowhere. */
static bool
is_stuck(struct os *os)
{
    uint64_t retired = os->config.hart->stats.instructions;

    if (retired != os->stuck_at) {
        os->stuck_at = retired;
        os->stuck_faults = 0;
    }
    if (++os->stuck_faults < STUCK_FAULTS)
        return false;
    os->stuck_faults = 0;
    return true;
}

/* Can the memory manager do something about it? */
static bool
is_for_space(enum mmu_fault fault)
{
    return fault == MMU_NOT_PRESENT || fault == MMU_RIGHTS || fault == MMU_AD ||
           fault == MMU_BOUNDS;
}

/* A page fault: resolved by the space, or a signal. */
static void
page_fault(struct os_process *p)
{
    struct cpu_hart *hart = p->os->config.hart;
    struct space *space = p->mm->space;
    enum space_fault fault = SPACE_FAULT_MAPERR;

    if (is_for_space(hart->fault))
        fault = space->ops->fault(space, hart->fault_va, hart->fault_access);
    else if (hart->fault != MMU_NONCANONICAL && hart->fault_va < p->mm->layout.end)
        fault = SPACE_FAULT_IO;
    if (fault == SPACE_FAULT_OK) {
        if (is_stuck(p->os))
            (void)os_memory_end(p, "RAM is too small for the pages that are needed at once");
        return;
    }
    if (fault == SPACE_FAULT_NOMEM)
        (void)os_memory_full(p);
    else if (fault == SPACE_FAULT_THRASH)
        os_memory_thrash(p);
    else if (os_stack_overran(p->mm))
        os_overrun_signal(p);
    else
        os_fault_signal(p, hart->fault_va, hart->fault_access, fault);
}

static void
hart_exit(struct os_process *p, enum cpu_exit why)
{
    switch (why) {
    case CPU_EXIT_SLICE:
        if (os_stack_overran(p->mm))
            os_overrun_signal(p);
        break;
    case CPU_EXIT_ECALL:
        p->os->stats.syscalls++;
        os_syscall(p);
        break;
    case CPU_EXIT_FAULT:
        page_fault(p);
        break;
    case CPU_EXIT_EBREAK:
    case CPU_EXIT_ILLEGAL:
    case CPU_EXIT_MISALIGNED:
        os_trap_signal(p, why);
        break;
    }
}

/* How many instructions may run before something else has to be looked at. */
static uint64_t
budget(const struct os_process *p, uint64_t left)
{
    const struct os *os = p->os;
    const struct os_workset_meter *meter = &os->meter;
    uint64_t retired = os->config.hart->stats.instructions;
    uint64_t now = os_now(os);

    left = earlier(left, os->next_deadline > now ? os->next_deadline - now : 1);
    for (int i = 1; i < 3; i++)
        if (p->timer[i].next > p->instructions)
            left = earlier(left, p->timer[i].next - p->instructions);
    if (meter->window != 0) {
        uint64_t end = meter->start + meter->window;
        left = earlier(left, end > retired ? end - retired : 1);
    }
    return left;
}

/* Closes a working-set window that is full. */
static void
window_check(struct os *os)
{
    struct os_workset_meter *meter = &os->meter;
    uint64_t retired = os->config.hart->stats.instructions;

    if (meter->window == 0 || retired - meter->start < meter->window)
        return;
    os_workset_end(meter, &os->stats, retired);
    os->config.mmu->window++;
    cpu_hart_forget_pointers(os->config.hart);
}

/* Runs p on the hart until it traps; returns what that takes off its slice, at least 1. */
static uint64_t
run_hart(struct os_process *p, uint64_t left)
{
    struct os *os = p->os;
    uint64_t before = os->config.hart->stats.instructions;
    enum cpu_exit why = cpu_hart_run(os->config.hart, budget(p, left));
    uint64_t ran = os->config.hart->stats.instructions - before;

    p->instructions += ran;
    window_check(os);
    cpu_timers_run(p);
    hart_exit(p, why);
    return ran + (why == CPU_EXIT_FAULT ? FAULT_COST : 1);
}

/* One turn of p: a slice, or less if it waits, ends or yields; but one instruction at the least,
 * for the pages it has faulted in may be gone by its next turn. */
static void
run_slice(struct os_process *p)
{
    struct os *os = p->os;
    uint64_t left = os->config.slice;
    uint64_t retired = os->config.hart->stats.instructions;

    os->yielded = false;
    do {
        uint64_t ran = 0;

        switch_to(p); /* again after an exec */
        if (p->in_call)
            os_syscall(p);
        else
            ran = run_hart(p, left);
        timers_run(os);
        os_signal_deliver(p);
        if (p->killed)
            os_process_exit(p, p->kill_status);
        left = ran < left ? left - ran : 0;
        if (left == 0 && os->config.hart->stats.instructions == retired)
            left = 1;
    } while (p->state == OS_STATE_RUNNABLE && left > 0 && !os->yielded);
    if (p->state == OS_STATE_RUNNABLE) {
        TAILQ_REMOVE(&os->ready, p, ready);
        TAILQ_INSERT_TAIL(&os->ready, p, ready);
    }
}

/* Lets every process that waits for the host try again: it goes on, or says anew for what. */
static void
host_waiters_retry(struct os *os)
{
    struct os_process *p;
    struct os_process *next;

    os->npoll = 0;
    os->poll_again = false;
    for (p = TAILQ_FIRST(&os->all); p != NULL; p = next) {
        next = TAILQ_NEXT(p, all);
        if (p->state != OS_STATE_BLOCKED || !p->wait.host)
            continue;
        os_set_state(p, OS_STATE_RUNNABLE);
        os_syscall(p);
        if (p->killed)
            os_process_exit(p, p->kill_status);
    }
}

/* Nobody can run: time passes, or the host has something, or nothing will ever happen. */
static void
idle_wait(struct os *os)
{
    int64_t timeout = -1;

    timers_run(os);
    host_waiters_retry(os);
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
        os->slept += timeout > 0 ? (uint64_t)timeout : 0;
}

/* Frees the records of processes that nobody will ask about. */
static void
reap_dead(struct os *os)
{
    struct os_process *p;
    struct os_process *next;

    if (!os->dead)
        return;
    os->dead = false;
    for (p = TAILQ_FIRST(&os->all); p != NULL; p = next) {
        next = TAILQ_NEXT(p, all);
        if (p->state == OS_STATE_ZOMBIE && p->parent == NULL)
            os_process_reap(p);
    }
}

/* Does anybody wait for the host? */
static bool
host_waiters(const struct os *os)
{
    const struct os_process *p;

    TAILQ_FOREACH (p, &os->all, all)
        if (p->state == OS_STATE_BLOCKED && p->wait.host)
            return true;
    return false;
}

enum pgw_status
os_run(struct os *os, int *wait_status)
{
    if (!os->started)
        return PGW_INVAL;
    for (;;) {
        struct os_process *p = TAILQ_FIRST(&os->ready);

        if (p != NULL) {
            run_slice(p);
            if (host_waiters(os))
                host_waiters_retry(os);
        } else if (!TAILQ_EMPTY(&os->all)) {
            idle_wait(os);
        } else {
            break;
        }
        reap_dead(os);
        if (os->config.idle != NULL)
            os->config.idle(os->config.ctx);
    }
    if (os->meter.window != 0 && os->meter.pages > 0)
        os_workset_end(&os->meter, &os->stats, os->config.hart->stats.instructions);
    *wait_status = os->first_status;
    return PGW_OK;
}
