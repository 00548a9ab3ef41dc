/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about signals. */
#include "os/machine.h"
#include "os/sched.h"
#include "os/sigframe.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define SIGSET_LEN 8u
#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
#define NSEC INT64_C(1000000000)
#define NEVER_BLOCKED (OS_SIGBIT(OS_SIGKILL) | OS_SIGBIT(OS_SIGSTOP))

static bool
valid(uint64_t sig)
{
    return (int32_t)sig >= 1 && (int32_t)sig <= OS_NSIG;
}

/* kill(2): to one process, to a group, or to all others. */
int64_t
os_sys_kill(struct os_process *p, const uint64_t *a)
{
    int pid = (int32_t)a[0];
    int sig = (int32_t)a[1];
    struct os_process *q;
    int found = 0;

    if (sig < 0 || sig > OS_NSIG)
        return -OS_EINVAL;
    if (pid == INT32_MIN) /* has no group to mean */
        return -OS_ESRCH;
    /* Any thread's number stands for its process. */
    const struct os_thread *t = pid > 0 ? os_thread_find(p->os, pid) : NULL;
    TAILQ_FOREACH (q, &p->os->all, all) {
        bool meant = pid > 0     ? q->pid == pid || (t != NULL && t->process == q)
                     : pid == 0  ? q->pgid == p->pgid
                     : pid == -1 ? q != p
                                 : q->pgid == -pid;

        if (!meant)
            continue;
        found++;
        if (sig != 0)
            os_signal_from(q, sig, p);
    }
    return found > 0 ? 0 : -OS_ESRCH;
}

/* The thread tid of the process tgid (0: any). */
static int64_t
thread_kill(struct os_process *p, int tgid, int tid, int sig)
{
    struct os_thread *t = os_thread_find(p->os, tid);

    if (sig < 0 || sig > OS_NSIG || tid <= 0)
        return -OS_EINVAL;
    if (t == NULL || (tgid != 0 && t->process->pid != tgid))
        return -OS_ESRCH;
    if (sig != 0)
        os_signal_from_thread(t, sig, p);
    return 0;
}

int64_t
os_sys_tgkill(struct os_process *p, const uint64_t *a)
{
    if ((int32_t)a[0] <= 0)
        return -OS_EINVAL;
    return thread_kill(p, (int32_t)a[0], (int32_t)a[1], (int32_t)a[2]);
}

int64_t
os_sys_tkill(struct os_process *p, const uint64_t *a)
{
    return thread_kill(p, 0, (int32_t)a[0], (int32_t)a[1]);
}

/* Reads what is to be queued for q. */
static int64_t
queue_info(struct os_process *p, const struct os_process *q, uint64_t sig, uint64_t va,
    struct os_siginfo *info)
{
    if (!valid(sig))
        return -OS_EINVAL;
    if (os_copy_in(p, va, info, sizeof *info) != 0)
        return -OS_EFAULT;
    if (q == NULL)
        return -OS_ESRCH;
    /* Nobody may pass for the kernel or for kill(2). */
    if ((info->code >= 0 || info->code == OS_SI_TKILL) && q != p)
        return -OS_EPERM;
    info->signo = (int32_t)sig;
    if (info->signo >= OS_SIGRTMIN && p->os->siginfos.live >= OS_SIGINFOS_MAX)
        return -OS_EAGAIN;
    return 0;
}

int64_t
os_sys_rt_sigqueueinfo(struct os_process *p, const uint64_t *a)
{
    struct os_process *q = os_process_find(p->os, (int32_t)a[0]);
    struct os_siginfo info;
    int64_t ret = queue_info(p, q, a[1], a[2], &info);

    if (ret == 0)
        os_signal_send(q, &info);
    return ret;
}

int64_t
os_sys_rt_tgsigqueueinfo(struct os_process *p, const uint64_t *a)
{
    struct os_thread *t = os_thread_find(p->os, (int32_t)a[1]);
    struct os_siginfo info;
    bool found = t != NULL && t->process->pid == (int32_t)a[0];
    int64_t ret = queue_info(p, found ? t->process : NULL, a[2], a[3], &info);

    if (ret == 0)
        os_signal_send_thread(t, &info);
    return ret;
}

int64_t
os_sys_rt_sigaction(struct os_process *p, const uint64_t *a)
{
    struct os_sigaction action;

    if (!valid(a[0]) || a[3] != SIGSET_LEN)
        return -OS_EINVAL;
    int sig = (int32_t)a[0];
    struct os_sigaction *slot = &p->signals.action[sig];
    struct os_sigaction old = *slot;
    if (a[1] != 0) {
        if ((OS_SIGBIT(sig) & NEVER_BLOCKED) != 0)
            return -OS_EINVAL;
        if (os_copy_in(p, a[1], &action, sizeof action) != 0)
            return -OS_EFAULT;
        action.mask &= ~NEVER_BLOCKED;
        *slot = action;
    }
    return a[2] != 0 ? os_copy_out(p, a[2], &old, sizeof old) : 0;
}

int64_t
os_sys_rt_sigprocmask(struct os_process *p, const uint64_t *a)
{
    uint64_t *blocked = &p->thread->signals.blocked;
    uint64_t old = *blocked;
    uint64_t set;

    if (a[3] != SIGSET_LEN)
        return -OS_EINVAL;
    if (a[1] != 0) {
        if (os_copy_in(p, a[1], &set, sizeof set) != 0)
            return -OS_EFAULT;
        if ((int32_t)a[0] == SIG_BLOCK)
            set |= old;
        else if ((int32_t)a[0] == SIG_UNBLOCK)
            set = old & ~set;
        else if ((int32_t)a[0] != SIG_SETMASK)
            return -OS_EINVAL;
        *blocked = set & ~NEVER_BLOCKED;
    }
    return a[2] != 0 ? os_copy_out(p, a[2], &old, sizeof old) : 0;
}

int64_t
os_sys_rt_sigpending(struct os_process *p, const uint64_t *a)
{
    const struct os_thread_signals *own = &p->thread->signals;
    uint64_t set = (own->pending.set | p->signals.pending.set) & own->blocked;

    if (a[1] > SIGSET_LEN)
        return -OS_EINVAL;
    return os_copy_out(p, a[0], &set, (size_t)a[1]);
}

int64_t
os_sys_rt_sigsuspend(struct os_process *p, const uint64_t *a)
{
    struct os_thread_signals *signals = &p->thread->signals;
    uint64_t mask;

    if (a[1] != SIGSET_LEN)
        return -OS_EINVAL;
    if (!signals->suspended) {
        if (os_copy_in(p, a[0], &mask, sizeof mask) != 0)
            return -OS_EFAULT;
        signals->suspended = true;
        signals->suspended_mask = signals->blocked;
        signals->blocked = mask & ~NEVER_BLOCKED;
    }
    return os_block_nohand(p, NULL);
}

int64_t
os_sys_rt_sigtimedwait(struct os_process *p, const uint64_t *a)
{
    struct os_siginfo info;
    struct os_timespec ts;
    uint64_t set;

    if (a[3] != SIGSET_LEN)
        return -OS_EINVAL;
    if (os_copy_in(p, a[0], &set, sizeof set) != 0 ||
        (a[2] != 0 && os_copy_in(p, a[2], &ts, sizeof ts) != 0))
        return -OS_EFAULT;
    if (a[2] != 0 && (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= NSEC))
        return -OS_EINVAL;
    int sig = os_signal_take(p->thread, set & ~NEVER_BLOCKED, &info);
    if (sig != 0) {
        if (a[1] != 0 && os_copy_out(p, a[1], &info, sizeof info) != 0)
            return -OS_EFAULT;
        return sig;
    }
    if (a[2] != 0)
        os_deadline(
            p, ts.sec > INT64_MAX / NSEC - 1 ? OS_NEVER : (uint64_t)(ts.sec * NSEC + ts.nsec));
    return os_deadline_passed(p) ? -OS_EAGAIN : os_block_nohand(p, NULL);
}

int64_t
os_sys_rt_sigreturn(struct os_process *p, const uint64_t *a)
{
    (void)a;
    if (!os_sigframe_pop(p->thread)) {
        struct os_siginfo info = {.signo = OS_SIGSEGV, .code = OS_SI_KERNEL};
        os_signal_force(p->thread, &info);
    }
    return OS_NORETURN;
}

int64_t
os_sys_sigaltstack(struct os_process *p, const uint64_t *a)
{
    struct os_stack *alt = &p->thread->signals.altstack;
    bool on = os_on_altstack(p->thread, os_process_regs(p)->x[2]);
    struct os_stack old = *alt;
    struct os_stack set;

    if ((old.flags & OS_SS_DISABLE) == 0)
        old.flags = on ? OS_SS_ONSTACK : 0;
    if (a[0] != 0) {
        if (os_copy_in(p, a[0], &set, sizeof set) != 0)
            return -OS_EFAULT;
        if (on)
            return -OS_EPERM;
        if ((set.flags & ~(OS_SS_DISABLE | OS_SS_ONSTACK)) != 0)
            return -OS_EINVAL;
        if ((set.flags & OS_SS_DISABLE) != 0)
            set = (struct os_stack){.flags = OS_SS_DISABLE};
        else if (set.size < OS_MINSIGSTKSZ)
            return -OS_ENOMEM;
        set.flags &= OS_SS_DISABLE;
        *alt = set;
    }
    return a[1] != 0 ? os_copy_out(p, a[1], &old, sizeof old) : 0;
}
