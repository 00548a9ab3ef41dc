/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory
 * ------
 * Round robin over one queue of threads, in slices of instructions.  With one hart, the first of
 * the queue gets a turn, runs until its slice is used up or it stops, and goes to the end.
 *
 * Several harts are run by one host thread, in rounds: each in turn runs a piece (OS_PIECE
 * instructions) of its thread's slice.  So what threads do to each other interleaves about as
 * finely as on real harts, and is the same in every run with the same arguments.  Between two
 * pieces a hart has lost its LR reservation, as if another hart had written there.
 *
 * Time.  The harts of a round run at the same time: each starts at the time at which the round
 * began, and the machine's clock shows the largest time that any of them has reached.  A program
 * never sees it go back.
 *
 * Who goes where.  A thread goes back to the hart that it had its last turn on, whose TLB may still
 * know its pages, unless that one is busy; then the first that is free takes it.
 *
 * Where programs are not translated (config.one_space), two that overlap cannot run at once, so
 * that the harts take threads of one space at a time: who is first in the queue but of another
 * space makes the free harts wait until the busy ones are through.
 */
#include "os/exec.h"
#include "os/faultmsg.h"
#include "os/machine.h"
#include "os/oom.h"
#include "os/sched.h"
#include "os/syscall.h"

/* What a fault takes off a slice, in instructions: else a process that does little but fault, for
 * want of memory, would keep its turn, and the machine from its other work, for very long. */
#define FAULT_COST 256u

/* So many faults in a row, with no instruction retired between them by anybody, mean that the pages
 * which one instruction needs at once do not fit: what one fault brings, the next one takes. */
#define STUCK_FAULTS 256u
/* After so many, what a fault brings is held. */
#define STUCK_HOLDS 32u

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- what a hart has loaded --- */

void
os_hart_save(struct os_hart *hart)
{
    struct os_thread *t = hart != NULL ? hart->loaded : NULL;

    if (t == NULL)
        return;
    t->regs = hart->cpu->regs;
    t->hart = NULL;
    hart->loaded = NULL;
}

/* Takes the space off the MMU. */
static void
leave_space(struct os_hart *hart)
{
    if (hart->mm == NULL)
        return;
    hart->mm->space->ops->deactivate(hart->mm->space);
    hart->mm = NULL;
}

void
os_harts_leave(struct os *os, const struct os_mm *mm)
{
    for (unsigned i = 0; i < os->config.nharts; i++)
        if (os->harts[i].mm == mm)
            leave_space(&os->harts[i]);
}

static void
load_space(struct os *os, struct os_hart *hart, struct os_mm *mm)
{
    struct pmap_context context;

    if (hart->mm == mm) {
        if (os->config.nharts > 1) /* another's may have run in between */
            mm->space->ops->activate(mm->space, &context);
        return;
    }
    for (unsigned i = 0; os->config.one_space && i < os->config.nharts; i++)
        if (os->harts[i].mm != mm)
            leave_space(&os->harts[i]);
    leave_space(hart);
    mm->space->ops->activate(mm->space, &context);
    hart->mmu->ops->load(hart->mmu, context.root, context.asid);
    cpu_hart_switched(hart->cpu, context.asid);
    hart->mm = mm;
}

static void
load(struct os_hart *hart, struct os_thread *t)
{
    struct os *os = t->process->os;

    load_space(os, hart, t->process->mm);
    if (hart->loaded == t)
        return;
    os_hart_save(hart);
    os_hart_save(t->hart);
    cpu_hart_unreserve(hart->cpu);
    hart->cpu->regs = t->regs;
    hart->loaded = t;
    t->hart = hart;
    os->stats.context_switches++;
}

unsigned
os_hart_running(const struct os *os)
{
    return os->hart->idx;
}

bool
os_hart_has_space(const struct os *os, unsigned hart, uint32_t asid)
{
    const struct os_mm *mm = os->harts[hart].mm;

    return mm != NULL && mm->space->asid == asid;
}

/* --- what makes a hart stop --- */

/* Counts a fault; true: the machine gets nowhere. */
static bool
is_stuck(struct os *os)
{
    uint64_t retired = os->retired;

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
    const struct cpu_hart *hart = p->os->hart->cpu;
    struct space *space = p->mm->space;
    enum space_fault fault = SPACE_FAULT_MAPERR;

    space->stuck = p->os->retired == p->os->stuck_at && p->os->stuck_faults >= STUCK_HOLDS;
    if (is_for_space(hart->fault))
        fault = space->ops->fault(space, hart->fault_va, hart->fault_access);
    else if (hart->fault != MMU_NONCANONICAL && hart->fault_va < p->mm->layout.end)
        fault = SPACE_FAULT_IO;
    space->stuck = false;
    if (fault == SPACE_FAULT_OK) {
        if (is_stuck(p->os))
            (void)os_memory_end(p, "RAM is too small for the pages that are needed at once");
        return;
    }
    if (fault == SPACE_FAULT_NOMEM || fault == SPACE_FAULT_LIMIT)
        (void)os_memory_full(p, fault);
    else if (fault == SPACE_FAULT_THRASH)
        os_memory_thrash(p);
    else if (os_stack_overran(p->mm))
        os_overrun_signal(p);
    else
        os_fault_signal(p, hart->fault_va, hart->fault_access, fault);
}

static void
hart_exit(struct os_thread *t, enum cpu_exit why)
{
    struct os_process *p = t->process;

    switch (why) {
    case CPU_EXIT_SLICE:
        if (os_stack_overran(p->mm))
            os_overrun_signal(p);
        break;
    case CPU_EXIT_ECALL:
        p->os->stats.syscalls++;
        os_syscall(t);
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
    uint64_t now = os_now(os);

    left = earlier(left, os->next_deadline > now ? os->next_deadline - now : 1);
    for (int i = 1; i < 3; i++)
        if (p->timer[i].next > p->instructions)
            left = earlier(left, p->timer[i].next - p->instructions);
    if (meter->window != 0) {
        uint64_t end = meter->start + meter->window;
        left = earlier(left, end > os->retired ? end - os->retired : 1);
    }
    return left;
}

/* Closes a working-set window that is full. */
static void
window_check(struct os *os)
{
    struct os_workset_meter *meter = &os->meter;

    if (meter->window == 0 || os->retired - meter->start < meter->window)
        return;
    os_workset_end(meter, &os->stats, os->retired);
    for (unsigned i = 0; i < os->config.nharts; i++) {
        os->harts[i].mmu->window++;
        cpu_hart_forget_pointers(os->harts[i].cpu);
    }
}

/* --- turns --- */

/* Runs t on the hart until it traps; returns what that takes off its slice, at least 1. */
static uint64_t
run_hart(struct os_hart *hart, struct os_thread *t, uint64_t left)
{
    struct os *os = t->process->os;
    uint64_t before = hart->cpu->stats.instructions;
    enum cpu_exit why = cpu_hart_run(hart->cpu, budget(t->process, left));
    uint64_t ran = hart->cpu->stats.instructions - before;

    t->instructions += ran;
    t->process->instructions += ran;
    os->retired += ran;
    hart->now += ran;
    if (hart->now > os->now)
        os->now = hart->now;
    window_check(os);
    os_timers_run_cpu(t->process);
    hart_exit(t, why);
    return ran + (why == CPU_EXIT_FAULT ? FAULT_COST : 1);
}

/* One piece of the turn on hart, of at most left instructions, or less if its thread waits, ends or
 * yields; but one instruction at the least, for the pages it has faulted in may be gone by its next
 * piece.  Returns what is left. */
static uint64_t
run_piece(struct os *os, struct os_hart *hart, uint64_t left)
{
    struct os_thread *t = hart->turn;
    struct os_process *p = t->process;
    uint64_t retired = hart->cpu->stats.instructions;

    os->hart = hart;
    os->yielded = false;
    p->thread = t;
    do {
        uint64_t ran = 0;

        load(hart, t); /* again after an exec */
        if (t->in_call)
            os_syscall(t);
        else
            ran = run_hart(hart, t, left);
        os_timers_run(os);
        os_signal_deliver(t);
        if (p->killed)
            os_process_exit(p, p->kill_status);
        left = ran < left ? left - ran : 0;
        if (left == 0 && hart->cpu->stats.instructions == retired)
            left = 1;
    } while (t->state == OS_STATE_RUNNABLE && left > 0 && !os->yielded);
    if (os->config.nharts > 1)
        cpu_hart_unreserve(hart->cpu);
    return left;
}

static void
turn_begin(struct os *os, struct os_hart *hart, struct os_thread *t)
{
    TAILQ_REMOVE(&os->ready, t, ready);
    t->turn = true;
    t->last = hart;
    hart->turn = t;
    hart->left = os->config.slice;
}

/* The thread of the hart, if it still has one, has to wait for its next turn. */
static void
turn_end(struct os *os, struct os_hart *hart)
{
    struct os_thread *t = hart->turn;

    hart->turn = NULL;
    if (t == NULL)
        return;
    t->turn = false;
    if (t->state == OS_STATE_RUNNABLE)
        TAILQ_INSERT_TAIL(&os->ready, t, ready);
}

/* May t run, as far as spaces are concerned? */
static bool
suits_space(const struct os *os, const struct os_thread *t)
{
    for (unsigned i = 0; os->config.one_space && i < os->config.nharts; i++) {
        const struct os_thread *other = os->harts[i].turn;

        if (other != NULL && other->process->mm != t->process->mm)
            return false;
    }
    return true;
}

static bool
may_run_on(const struct os_thread *t, const struct os_hart *hart)
{
    return (t->affinity >> hart->idx & 1) != 0;
}

/* The first of the queue that the free hart should take; NULL: none. */
static struct os_thread *
next_for(const struct os *os, const struct os_hart *hart)
{
    struct os_thread *t;

    TAILQ_FOREACH (t, &os->ready, ready) {
        if (!suits_space(os, t))
            return NULL;
        if (!may_run_on(t, hart))
            continue;
        if (t->last == NULL || t->last == hart || t->last->turn != NULL || !may_run_on(t, t->last))
            return t;
    }
    return NULL;
}

/* Gives turns to the harts that have none; false: nobody can run. */
static bool
give_turns(struct os *os)
{
    bool any = false;

    for (unsigned i = 0; i < os->config.nharts; i++) {
        struct os_hart *hart = &os->harts[i];
        struct os_thread *t = hart->turn == NULL ? next_for(os, hart) : NULL;

        if (t != NULL)
            turn_begin(os, hart, t);
        any = any || hart->turn != NULL;
    }
    return any;
}

/* A piece for every hart that has a turn; true: a turn has ended. */
static bool
run_round(struct os *os)
{
    uint64_t start = os->now;
    uint64_t piece = os->config.nharts > 1 ? OS_PIECE : os->config.slice;
    bool ended = false;

    for (unsigned i = 0; i < os->config.nharts; i++) {
        struct os_hart *hart = &os->harts[i];
        uint64_t part = earlier(hart->left, piece);

        hart->now = start;
        if (hart->turn != NULL && hart->turn->state == OS_STATE_RUNNABLE) {
            uint64_t left = run_piece(os, hart, part);
            hart->left -= part - earlier(left, part);
            if (os->yielded)
                hart->left = 0;
        }
        if (hart->turn == NULL || hart->turn->state != OS_STATE_RUNNABLE || hart->left == 0) {
            ended = ended || part > 0;
            turn_end(os, hart);
            hart->left = 0;
        }
    }
    return ended;
}

/* Frees the records of threads and processes that nobody will ask about. */
static void
reap_dead(struct os *os)
{
    struct os_process *p;
    struct os_process *pnext;
    struct os_thread *t;
    struct os_thread *tnext;

    if (!os->dead)
        return;
    os->dead = false;
    for (t = TAILQ_FIRST(&os->threads); t != NULL; t = tnext) {
        tnext = TAILQ_NEXT(t, all);
        if (t->state != OS_STATE_OVER)
            continue;
        TAILQ_REMOVE(&os->threads, t, all);
        base_pool_put(&os->thread_pool, t);
    }
    for (p = TAILQ_FIRST(&os->all); p != NULL; p = pnext) {
        pnext = TAILQ_NEXT(p, all);
        if (p->zombie && p->parent == NULL)
            os_process_reap(p);
    }
}

enum pgw_status
os_run(struct os *os, int *wait_status)
{
    if (!os->started)
        return PGW_INVAL;
    while (!TAILQ_EMPTY(&os->all)) {
        if (!give_turns(os))
            os_idle(os);
        else if (run_round(os) && os_host_waiters(os))
            os_host_retry(os);
        reap_dead(os);
        if (os->config.idle != NULL)
            os->config.idle(os->config.ctx);
    }
    if (os->meter.window != 0 && os->meter.pages > 0)
        os_workset_end(&os->meter, &os->stats, os->retired);
    *wait_status = os->first_status;
    return PGW_OK;
}
