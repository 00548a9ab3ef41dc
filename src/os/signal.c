/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals, as signal(7) has them.  One that is neither blocked nor ignored waits in the queue
 * until its process is about to run again; then os_signal_deliver acts on it.  A process that
 * waits in a system call is woken for it, and the call decides (see sched.h).
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

void
os_signals_init(struct os_signals *signals)
{
    *signals = (struct os_signals){.altstack = {.flags = OS_SS_DISABLE}};
    TAILQ_INIT(&signals->queue);
}

void
os_signals_copy(struct os_signals *to, const struct os_signals *from)
{
    os_signals_init(to);
    for (int sig = 1; sig <= OS_NSIG; sig++)
        to->action[sig] = from->action[sig];
    to->blocked = from->blocked;
    to->altstack = from->altstack;
}

void
os_signals_exec(struct os_signals *signals)
{
    for (int sig = 1; sig <= OS_NSIG; sig++) {
        uint64_t handler = signals->action[sig].handler;
        signals->action[sig] =
            (struct os_sigaction){.handler = handler == OS_SIG_IGN ? OS_SIG_IGN : OS_SIG_DFL};
    }
    signals->altstack = (struct os_stack){.flags = OS_SS_DISABLE};
}

/* Takes out what is queued of the signals in set. */
static void
drop(struct os *os, struct os_signals *signals, uint64_t set)
{
    struct os_sigentry *entry;
    struct os_sigentry *next;

    for (entry = TAILQ_FIRST(&signals->queue); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, link);
        if ((OS_SIGBIT(entry->info.signo) & set) == 0)
            continue;
        TAILQ_REMOVE(&signals->queue, entry, link);
        base_pool_put(&os->siginfos, entry);
    }
    signals->pending &= ~set;
}

void
os_signals_drain(struct os *os, struct os_signals *signals)
{
    drop(os, signals, UINT64_MAX);
}

/* A signal that stops or continues has effects before anybody looks at it. */
static void
job_control(struct os_process *p, int sig)
{
    if (sig == OS_SIGCONT) {
        drop(p->os, &p->signals, STOP_SIGNALS);
        if (p->state == OS_STATE_STOPPED) {
            os_set_state(p, OS_STATE_RUNNABLE);
            p->cont_unreported = true;
            p->stop_unreported = false;
            if (p->parent != NULL)
                os_wake(p->os, p->parent);
        }
    } else if ((OS_SIGBIT(sig) & STOP_SIGNALS) != 0) {
        drop(p->os, &p->signals, OS_SIGBIT(OS_SIGCONT));
    } else if (sig == OS_SIGKILL && p->state == OS_STATE_STOPPED) {
        os_set_state(p, OS_STATE_RUNNABLE);
    }
}

void
os_signal_send(struct os_process *p, const struct os_siginfo *info)
{
    struct os_signals *signals = &p->signals;
    uint64_t bit = OS_SIGBIT(info->signo);

    if (p->state == OS_STATE_ZOMBIE)
        return;
    job_control(p, info->signo);
    if (ignored(p, info->signo) && (signals->blocked & bit) == 0)
        return;
    if ((signals->pending & bit) == 0 || info->signo >= OS_SIGRTMIN) {
        struct base_pool *pool = &p->os->siginfos;
        struct os_sigentry *entry = pool->live < OS_SIGINFOS_MAX ? base_pool_get(pool) : NULL;

        if (entry != NULL) {
            entry->info = *info;
            TAILQ_INSERT_TAIL(&signals->queue, entry, link);
        }
    }
    signals->pending |= bit;
    os_wake_process(p);
}

void
os_signal_kernel(struct os_process *p, int sig)
{
    struct os_siginfo info = {.signo = sig, .code = OS_SI_KERNEL};

    os_signal_send(p, &info);
}

void
os_signal_from(struct os_process *p, int sig, int code, const struct os_process *sender)
{
    struct os_siginfo info = {
        .signo = sig, .code = code, .sender = {.pid = sender->pid, .uid = p->os->uid[0]}};

    os_signal_send(p, &info);
}

bool
os_signal_caught(const struct os_process *p, int sig)
{
    uint64_t handler = p->signals.action[sig].handler;

    return handler != OS_SIG_DFL && handler != OS_SIG_IGN &&
           (p->signals.blocked & OS_SIGBIT(sig)) == 0;
}

void
os_signal_force(struct os_process *p, const struct os_siginfo *info)
{
    if (!os_signal_caught(p, info->signo))
        p->signals.action[info->signo] = (struct os_sigaction){.handler = OS_SIG_DFL};
    p->signals.blocked &= ~OS_SIGBIT(info->signo);
    os_signal_send(p, info);
}

bool
os_signal_deliverable(const struct os_process *p)
{
    uint64_t ready = p->signals.pending & (~p->signals.blocked | NEVER_BLOCKED);

    for (int sig = 1; ready != 0 && sig <= OS_NSIG; sig++)
        if ((ready & OS_SIGBIT(sig)) != 0 && !ignored(p, sig))
            return true;
    return false;
}

int
os_signal_take(struct os_process *p, uint64_t set, struct os_siginfo *info)
{
    struct os_signals *signals = &p->signals;
    struct os_sigentry *entry;
    struct os_sigentry *found = NULL;

    set &= signals->pending;
    if (set == 0)
        return 0;
    int sig = __builtin_ctzll(set) + 1;
    *info = (struct os_siginfo){.signo = sig, .code = OS_SI_USER};
    signals->pending &= ~OS_SIGBIT(sig);
    TAILQ_FOREACH (entry, &signals->queue, link) {
        if (entry->info.signo != sig)
            continue;
        if (found != NULL)
            signals->pending |= OS_SIGBIT(sig);
        else
            found = entry;
    }
    if (found != NULL) {
        *info = found->info;
        TAILQ_REMOVE(&signals->queue, found, link);
        base_pool_put(&p->os->siginfos, found);
    }
    return sig;
}

/* Stops p and tells its parent. */
static void
stop(struct os_process *p, int sig)
{
    struct os_process *parent = p->parent;

    os_set_state(p, OS_STATE_STOPPED);
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

/* The system call that p was in when the signal came: does it go on after the handler? */
static void
settle_call(struct os_process *p, const struct os_sigaction *action)
{
    struct cpu_regs *regs = os_process_regs(p);

    if (!p->in_call)
        return;
    if (p->interrupted != OS_RESTART || (action->flags & OS_SA_RESTART) == 0) {
        regs->x[10] = (uint64_t)-OS_EINTR;
        regs->pc += 4;
    }
    os_syscall_forget(p);
}

/* Calls the handler: a frame on the stack, and the mask that holds while it runs. */
static void
enter_handler(struct os_process *p, const struct os_siginfo *info)
{
    struct os_signals *signals = &p->signals;
    struct os_sigaction action = signals->action[info->signo];
    uint64_t mask = signals->suspended ? signals->suspended_mask : signals->blocked;

    settle_call(p, &action);
    signals->suspended = false;
    p->os->stats.signals++;
    if (!os_sigframe_push(p, info, &action, mask)) {
        /* No stack to run the handler on. */
        struct os_siginfo segv = {.signo = OS_SIGSEGV, .code = OS_SI_KERNEL};
        signals->action[OS_SIGSEGV] = (struct os_sigaction){.handler = OS_SIG_DFL};
        os_signal_force(p, &segv);
        return;
    }
    if ((action.flags & OS_SA_RESETHAND) != 0)
        signals->action[info->signo].handler = OS_SIG_DFL;
    signals->blocked = mask | action.mask;
    if ((action.flags & OS_SA_NODEFER) == 0)
        signals->blocked |= OS_SIGBIT(info->signo);
    signals->blocked &= ~NEVER_BLOCKED;
}

void
os_signal_deliver(struct os_process *p)
{
    struct os_siginfo info;
    int sig;

    while (p->state == OS_STATE_RUNNABLE && !p->killed &&
           (sig = os_signal_take(p, ~p->signals.blocked | NEVER_BLOCKED, &info)) != 0) {
        if (ignored(p, sig))
            continue;
        if (p->signals.action[sig].handler != OS_SIG_DFL)
            enter_handler(p, &info);
        else if (default_action(sig) == ACTION_STOP)
            stop(p, sig);
        else
            os_process_exit(p, sig);
    }
}
