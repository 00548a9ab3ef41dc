/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals, as signal(7) has them.  One that is neither blocked nor ignored waits in a queue, of a
 * thread or of its process, until a thread that may take it is about to run again; then
 * os_signal_deliver acts on it.  A thread that waits in a system call is woken for it, and the call
 * decides (see sched.h).
 */
#include "os/signal.h"

#include "os/errno.h"
#include "os/machine.h"
#include "os/sched.h"
#include "os/sigframe.h"
#include "os/syscall.h"

enum default_action { ACTION_END, ACTION_IGNORE, ACTION_STOP };

#define STOP_SIGNALS                                                                               \
    (OS_SIGBIT(OS_SIGSTOP) | OS_SIGBIT(OS_SIGTSTP) | OS_SIGBIT(OS_SIGTTIN) | OS_SIGBIT(OS_SIGTTOU))
#define NEVER_BLOCKED (OS_SIGBIT(OS_SIGKILL) | OS_SIGBIT(OS_SIGSTOP))

static enum default_action
default_action(int sig)
{
    if ((OS_SIGBIT(sig) & STOP_SIGNALS) != 0)
        return ACTION_STOP;
    switch (sig) {
    case OS_SIGCHLD:
    case OS_SIGCONT:
    case OS_SIGURG:
    case OS_SIGWINCH:
        return ACTION_IGNORE;
    default:
        return ACTION_END;
    }
}

static bool
ignored(const struct os_process *p, int sig)
{
    uint64_t handler = p->signals.action[sig].handler;

    return handler == OS_SIG_IGN || (handler == OS_SIG_DFL && default_action(sig) == ACTION_IGNORE);
}

static void
pending_init(struct os_pending *pending)
{
    pending->set = 0;
    TAILQ_INIT(&pending->queue);
}

void
os_signals_init(struct os_signals *signals)
{
    *signals = (struct os_signals){.pending = {.set = 0}};
    pending_init(&signals->pending);
}

void
os_thread_signals_init(struct os_thread_signals *signals)
{
    *signals = (struct os_thread_signals){.altstack = {.flags = OS_SS_DISABLE}};
    pending_init(&signals->pending);
}

void
os_signals_copy(struct os_signals *to, const struct os_signals *from)
{
    for (int sig = 1; sig <= OS_NSIG; sig++)
        to->action[sig] = from->action[sig];
}

void
os_signals_reset(struct os_signals *signals, bool all)
{
    for (int sig = 1; sig <= OS_NSIG; sig++) {
        bool stays = signals->action[sig].handler == OS_SIG_IGN && !all;
        signals->action[sig] = (struct os_sigaction){.handler = stays ? OS_SIG_IGN : OS_SIG_DFL};
    }
}

/* Takes out what is queued of the signals in set. */
static void
drop(struct os *os, struct os_pending *pending, uint64_t set)
{
    struct os_sigentry *entry;
    struct os_sigentry *next;

    for (entry = TAILQ_FIRST(&pending->queue); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, link);
        if ((OS_SIGBIT(entry->info.signo) & set) == 0)
            continue;
        TAILQ_REMOVE(&pending->queue, entry, link);
        base_pool_put(&os->siginfos, entry);
    }
    pending->set &= ~set;
}

void
os_pending_drain(struct os *os, struct os_pending *pending)
{
    drop(os, pending, UINT64_MAX);
}

/* The same for all queues of p. */
static void
drop_all(struct os_process *p, uint64_t set)
{
    struct os_thread *t;

    drop(p->os, &p->signals.pending, set);
    TAILQ_FOREACH (t, &p->threads, link)
        drop(p->os, &t->signals.pending, set);
}

/* p, which is stopped, runs again. */
static void
go_on(struct os_process *p)
{
    struct os_thread *t;

    p->stopped = false;
    TAILQ_FOREACH (t, &p->threads, link)
        if (t->state == OS_STATE_STOPPED)
            os_set_state(t, OS_STATE_RUNNABLE);
}

/* A signal that stops or continues has effects before anybody looks at it. */
static void
job_control(struct os_process *p, int sig)
{
    if (sig == OS_SIGCONT) {
        drop_all(p, STOP_SIGNALS);
        if (p->stopped) {
            go_on(p);
            p->cont_unreported = true;
            p->stop_unreported = false;
            if (p->parent != NULL)
                os_wake(p->os, p->parent);
        }
    } else if ((OS_SIGBIT(sig) & STOP_SIGNALS) != 0) {
        drop_all(p, OS_SIGBIT(OS_SIGCONT));
    } else if (sig == OS_SIGKILL && p->stopped) {
        go_on(p);
    }
}

static bool
blocks(const struct os_thread *t, int sig)
{
    return (t->signals.blocked & ~NEVER_BLOCKED & OS_SIGBIT(sig)) != 0;
}

/* Adds a signal to a queue. */
static void
enqueue(struct os *os, struct os_pending *pending, const struct os_siginfo *info)
{
    uint64_t bit = OS_SIGBIT(info->signo);

    if ((pending->set & bit) == 0 || info->signo >= OS_SIGRTMIN) {
        struct base_pool *pool = &os->siginfos;
        struct os_sigentry *entry = pool->live < OS_SIGINFOS_MAX ? base_pool_get(pool) : NULL;

        if (entry != NULL) {
            entry->info = *info;
            TAILQ_INSERT_TAIL(&pending->queue, entry, link);
        }
    }
    pending->set |= bit;
}

/* Whoever may take the process's signal tries again: the first thread that does not block it; all,
 * if all block it, for one may be waiting for just that (sigtimedwait). */
static void
wake_one(struct os_process *p, int sig)
{
    struct os_thread *t;

    TAILQ_FOREACH (t, &p->threads, link) {
        if (!blocks(t, sig)) {
            os_wake_thread(t);
            return;
        }
    }
    TAILQ_FOREACH (t, &p->threads, link)
        os_wake_thread(t);
}

void
os_signal_send(struct os_process *p, const struct os_siginfo *info)
{
    if (p->zombie)
        return;
    job_control(p, info->signo);
    if (ignored(p, info->signo) && !blocks(TAILQ_FIRST(&p->threads), info->signo))
        return;
    enqueue(p->os, &p->signals.pending, info);
    wake_one(p, info->signo);
}

void
os_signal_send_thread(struct os_thread *t, const struct os_siginfo *info)
{
    if (t->state == OS_STATE_OVER)
        return;
    job_control(t->process, info->signo);
    if (ignored(t->process, info->signo) && !blocks(t, info->signo))
        return;
    enqueue(t->process->os, &t->signals.pending, info);
    os_wake_thread(t);
}

void
os_signal_kernel(struct os_process *p, int sig)
{
    struct os_siginfo info = {.signo = sig, .code = OS_SI_KERNEL};

    os_signal_send(p, &info);
}

void
os_signal_from(struct os_process *p, int sig, const struct os_process *sender)
{
    struct os_siginfo info = {
        .signo = sig, .code = OS_SI_USER, .sender = {.pid = sender->pid, .uid = p->os->uid[0]}};

    os_signal_send(p, &info);
}

void
os_signal_from_thread(struct os_thread *t, int sig, const struct os_process *sender)
{
    struct os_siginfo info = {.signo = sig,
        .code = OS_SI_TKILL,
        .sender = {.pid = sender->pid, .uid = sender->os->uid[0]}};

    os_signal_send_thread(t, &info);
}

bool
os_signal_caught(const struct os_thread *t, int sig)
{
    uint64_t handler = t->process->signals.action[sig].handler;

    return handler != OS_SIG_DFL && handler != OS_SIG_IGN && !blocks(t, sig);
}

void
os_signal_force(struct os_thread *t, const struct os_siginfo *info)
{
    if (!os_signal_caught(t, info->signo))
        t->process->signals.action[info->signo] = (struct os_sigaction){.handler = OS_SIG_DFL};
    t->signals.blocked &= ~OS_SIGBIT(info->signo);
    os_signal_send_thread(t, info);
}

bool
os_signal_deliverable(const struct os_thread *t)
{
    uint64_t ready = (t->signals.pending.set | t->process->signals.pending.set) &
                     (~t->signals.blocked | NEVER_BLOCKED);

    for (int sig = 1; ready != 0 && sig <= OS_NSIG; sig++)
        if ((ready & OS_SIGBIT(sig)) != 0 && !ignored(t->process, sig))
            return true;
    return false;
}

bool
os_signal_killed(const struct os_thread *t)
{
    return ((t->signals.pending.set | t->process->signals.pending.set) & OS_SIGBIT(OS_SIGKILL)) !=
           0;
}

/* Takes sig out of a queue that has it. */
static void
dequeue(struct os *os, struct os_pending *pending, int sig, struct os_siginfo *info)
{
    struct os_sigentry *entry;
    struct os_sigentry *found = NULL;

    *info = (struct os_siginfo){.signo = sig, .code = OS_SI_USER};
    pending->set &= ~OS_SIGBIT(sig);
    TAILQ_FOREACH (entry, &pending->queue, link) {
        if (entry->info.signo != sig)
            continue;
        if (found != NULL)
            pending->set |= OS_SIGBIT(sig);
        else
            found = entry;
    }
    if (found != NULL) {
        *info = found->info;
        TAILQ_REMOVE(&pending->queue, found, link);
        base_pool_put(&os->siginfos, found);
    }
}

int
os_signal_take(struct os_thread *t, uint64_t set, struct os_siginfo *info)
{
    struct os_pending *pending = &t->signals.pending;

    if ((pending->set & set) == 0)
        pending = &t->process->signals.pending;
    set &= pending->set;
    if (set == 0)
        return 0;
    int sig = __builtin_ctzll(set) + 1;
    dequeue(t->process->os, pending, sig, info);
    return sig;
}

/* Stops p and tells its parent. */
static void
stop(struct os_process *p, int sig)
{
    struct os_process *parent = p->parent;
    struct os_thread *t;

    p->stopped = true;
    TAILQ_FOREACH (t, &p->threads, link)
        if (t->state == OS_STATE_RUNNABLE)
            os_set_state(t, OS_STATE_STOPPED);
    p->stop_signal = sig;
    p->stop_unreported = true;
    p->cont_unreported = false;
    if (parent == NULL)
        return;
    if ((parent->signals.action[OS_SIGCHLD].flags & OS_SA_NOCLDSTOP) == 0) {
        struct os_siginfo info = {.signo = OS_SIGCHLD,
            .code = OS_CLD_STOPPED,
            .sender = {.pid = p->pid, .uid = p->os->uid[0], .status = sig}};
        os_signal_send(parent, &info);
    }
    os_wake(p->os, parent);
}

/* The system call that t was in when the signal came: does it go on after the handler? */
static void
settle_call(struct os_thread *t, const struct os_sigaction *action)
{
    struct cpu_regs *regs = os_thread_regs(t);

    if (!t->in_call)
        return;
    if (t->interrupted != OS_RESTART || (action->flags & OS_SA_RESTART) == 0) {
        regs->x[10] = (uint64_t)-OS_EINTR;
        regs->pc += 4;
    }
    os_syscall_forget(t);
}

/* Calls the handler: a frame on the stack, and the mask that holds while it runs. */
static void
enter_handler(struct os_thread *t, const struct os_siginfo *info)
{
    struct os_thread_signals *signals = &t->signals;
    struct os_sigaction *actions = t->process->signals.action;
    struct os_sigaction action = actions[info->signo];
    uint64_t mask = signals->suspended ? signals->suspended_mask : signals->blocked;

    settle_call(t, &action);
    signals->suspended = false;
    t->process->os->stats.signals++;
    if (!os_sigframe_push(t, info, &action, mask)) {
        /* No stack to run the handler on. */
        struct os_siginfo segv = {.signo = OS_SIGSEGV, .code = OS_SI_KERNEL};
        actions[OS_SIGSEGV] = (struct os_sigaction){.handler = OS_SIG_DFL};
        os_signal_force(t, &segv);
        return;
    }
    if ((action.flags & OS_SA_RESETHAND) != 0)
        actions[info->signo].handler = OS_SIG_DFL;
    signals->blocked = mask | action.mask;
    if ((action.flags & OS_SA_NODEFER) == 0)
        signals->blocked |= OS_SIGBIT(info->signo);
    signals->blocked &= ~NEVER_BLOCKED;
}

void
os_signal_deliver(struct os_thread *t)
{
    struct os_process *p = t->process;
    struct os_siginfo info;
    int sig;

    while (t->state == OS_STATE_RUNNABLE && !p->killed &&
           (sig = os_signal_take(t, ~t->signals.blocked | NEVER_BLOCKED, &info)) != 0) {
        if (ignored(p, sig))
            continue;
        if (p->signals.action[sig].handler != OS_SIG_DFL)
            enter_handler(t, &info);
        else if (default_action(sig) == ACTION_STOP)
            stop(p, sig);
        else
            os_process_exit(p, sig);
    }
}
