/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that make, name, place and end threads, and clone, which makes processes too. */
#include <string.h>

#include "os/machine.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

/* --- clone --- */

/* What clone and clone3 ask for. */
struct clone_request {
    uint64_t flags; /* without the signal */
    int exit_signal;
    uint64_t stack; /* the new sp; 0: the caller's */
    uint64_t tls, parent_tid, child_tid;
};

/* struct clone_args, as far as its first version goes. */
struct clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};
_Static_assert(sizeof(struct clone_args) == 64, "CLONE_ARGS_SIZE_VER0");
#define CLONE_ARGS_MAX 4096u

#define CLONE_TOGETHER (OS_CLONE_VM | OS_CLONE_FS | OS_CLONE_FILES | OS_CLONE_SIGHAND)
#define CLONE_KNOWN                                                                                \
    (CLONE_TOGETHER | OS_CLONE_THREAD | OS_CLONE_VFORK | OS_CLONE_SYSVSEM | OS_CLONE_SETTLS |      \
        OS_CLONE_PARENT_SETTID | OS_CLONE_CHILD_CLEARTID | OS_CLONE_CHILD_SETTID |                 \
        OS_CLONE_DETACHED | OS_CLONE_CLEAR_SIGHAND)

/* 0, or why it cannot be: threads share all that they can, processes nothing but memory. */
static int64_t
clone_check(const struct clone_request *request)
{
    uint64_t flags = request->flags;

    if ((flags & OS_CLONE_NAMESPACES) != 0)
        return -OS_EPERM;
    if ((flags & ~(uint64_t)CLONE_KNOWN) != 0 || request->exit_signal > OS_NSIG)
        return -OS_EINVAL;
    if ((flags & OS_CLONE_SIGHAND) != 0 && (flags & OS_CLONE_VM) == 0)
        return -OS_EINVAL;
    if ((flags & OS_CLONE_SIGHAND) != 0 && (flags & OS_CLONE_CLEAR_SIGHAND) != 0)
        return -OS_EINVAL;
    if ((flags & OS_CLONE_THREAD) == 0)
        return (flags & (OS_CLONE_SIGHAND | OS_CLONE_FILES | OS_CLONE_FS)) != 0 ? -OS_ENOSYS : 0;
    if ((flags & OS_CLONE_SIGHAND) == 0)
        return -OS_EINVAL;
    return (flags & CLONE_TOGETHER) != CLONE_TOGETHER || (flags & OS_CLONE_VFORK) != 0 ? -OS_ENOSYS
                                                                                       : 0;
}

/* The second time round: the child of the vfork has let go of our memory, or has not yet. */
static int64_t
vfork_wait(struct os_process *p)
{
    struct os_process *q;

    TAILQ_FOREACH (q, &p->os->all, all)
        if (q->vfork_parent == p->thread)
            return os_block_vfork(p);
    return (int64_t)p->thread->progress;
}

static enum pgw_status
thread_clone(struct os_process *p, struct os_thread **thread)
{
    struct os_thread *from = p->thread;
    enum pgw_status status = os_thread_create(p, thread);

    if (status == PGW_OK)
        os_thread_inherit(*thread, from);
    return status;
}

static enum pgw_status
process_clone(struct os_process *p, const struct clone_request *request, struct os_thread **thread)
{
    struct os_process *child;
    enum pgw_status status = os_process_fork(p, (request->flags & OS_CLONE_VM) != 0, &child);

    if (status != PGW_OK)
        return status;
    child->exit_signal = request->exit_signal;
    if ((request->flags & OS_CLONE_CLEAR_SIGHAND) != 0)
        os_signals_reset(&child->signals, true);
    /* A stack of its own has no alternative one yet. */
    if ((request->flags & (OS_CLONE_VM | OS_CLONE_VFORK)) == OS_CLONE_VM)
        child->thread->signals.altstack = (struct os_stack){.flags = OS_SS_DISABLE};
    *thread = child->thread;
    return PGW_OK;
}

/* The details that the flags ask for, once the thread exists.  As on Linux, a number that cannot be
 * written is no error. */
static void
clone_finish(struct os_process *p, struct os_thread *t, const struct clone_request *request)
{
    uint64_t flags = request->flags;
    int32_t tid = t->tid;

    if (request->stack != 0)
        t->regs.x[2] = request->stack;
    if ((flags & OS_CLONE_SETTLS) != 0)
        t->regs.x[4] = request->tls;
    if ((flags & OS_CLONE_CHILD_CLEARTID) != 0)
        t->clear_tid = request->child_tid;
    if ((flags & OS_CLONE_PARENT_SETTID) != 0)
        (void)!os_copy_out(p, request->parent_tid, &tid, sizeof tid);
    if ((flags & OS_CLONE_CHILD_SETTID) != 0)
        (void)!os_copy_out(t->process, request->child_tid, &tid, sizeof tid);
}

static int64_t
clone_do(struct os_process *p, const struct clone_request *request)
{
    struct os_thread *caller = p->thread;
    struct os_thread *t;
    int64_t ret = clone_check(request);

    if (caller->progress != 0)
        return vfork_wait(p);
    if (ret != 0)
        return ret;
    enum pgw_status status = (request->flags & OS_CLONE_THREAD) != 0
                                 ? thread_clone(p, &t)
                                 : process_clone(p, request, &t);
    if (status != PGW_OK)
        return status == PGW_AGAIN ? -OS_EAGAIN : -OS_ENOMEM;
    ret = t->tid;
    clone_finish(p, t, request);
    os_set_state(t, OS_STATE_RUNNABLE);
    /* The child's page may have been had only by ending its parent. */
    if ((request->flags & OS_CLONE_VFORK) == 0 || p->zombie)
        return ret;
    t->process->vfork_parent = caller;
    caller->progress = (uint64_t)ret;
    return vfork_wait(p);
}

int64_t
os_sys_clone(struct os_process *p, const uint64_t *a)
{
    const struct clone_request request = {
        .flags = (uint32_t)a[0] & ~OS_CSIGNAL,
        /* One that there is not is never sent. */
        .exit_signal = (a[0] & OS_CSIGNAL) <= OS_NSIG ? (int)(a[0] & OS_CSIGNAL) : 0,
        .stack = a[1],
        .parent_tid = a[2],
        .tls = a[3],
        .child_tid = a[4],
    };

    return clone_do(p, &request);
}

/* Is all that a later version of the structure has, and we do not know, zero? */
static int64_t
rest_is_zero(struct os_process *p, uint64_t va, uint64_t len)
{
    unsigned char byte;

    for (uint64_t at = sizeof(struct clone_args); at < len; at++) {
        if (os_copy_in(p, va + at, &byte, 1) != 0)
            return -OS_EFAULT;
        if (byte != 0)
            return -OS_E2BIG;
    }
    return 0;
}

int64_t
os_sys_clone3(struct os_process *p, const uint64_t *a)
{
    struct clone_args args;
    int64_t ret;

    if (a[1] < sizeof args)
        return -OS_EINVAL;
    if (a[1] > CLONE_ARGS_MAX)
        return -OS_E2BIG;
    if (os_copy_in(p, a[0], &args, sizeof args) != 0)
        return -OS_EFAULT;
    ret = rest_is_zero(p, a[0], a[1]);
    if (ret != 0)
        return ret;
    if ((args.flags & (OS_CSIGNAL | OS_CLONE_DETACHED)) != 0 || args.exit_signal > OS_NSIG ||
        (args.stack == 0) != (args.stack_size == 0))
        return -OS_EINVAL;
    if ((args.flags & OS_CLONE_THREAD) != 0 && args.exit_signal != 0)
        return -OS_EINVAL;
    const struct clone_request request = {
        .flags = args.flags,
        .exit_signal = (int)args.exit_signal,
        .stack = args.stack != 0 ? args.stack + args.stack_size : 0,
        .parent_tid = args.parent_tid,
        .tls = args.tls,
        .child_tid = args.child_tid,
    };
    return clone_do(p, &request);
}

/* --- ends --- */

int64_t
os_sys_exit(struct os_process *p, const uint64_t *a)
{
    os_thread_exit(p->thread, (int)(a[0] & 0xff));
    return OS_NORETURN;
}

int64_t
os_sys_exit_group(struct os_process *p, const uint64_t *a)
{
    os_process_exit(p, (int)(a[0] & 0xff) << 8);
    return OS_NORETURN;
}

/* --- names and lists --- */

int64_t
os_sys_gettid(struct os_process *p, const uint64_t *a)
{
    (void)a;
    return p->thread->tid;
}

int64_t
os_sys_set_tid_address(struct os_process *p, const uint64_t *a)
{
    p->thread->clear_tid = a[0];
    return p->thread->tid;
}

#define ROBUST_HEAD_LEN 24u

int64_t
os_sys_set_robust_list(struct os_process *p, const uint64_t *a)
{
    if (a[1] != ROBUST_HEAD_LEN)
        return -OS_EINVAL;
    p->thread->robust_list = a[0];
    return 0;
}

/* The thread that a call means by tid, where 0 is the caller; NULL: none. */
static struct os_thread *
meant(struct os_process *p, uint64_t tid)
{
    return (int32_t)tid == 0 ? p->thread : os_thread_find(p->os, (int32_t)tid);
}

int64_t
os_sys_get_robust_list(struct os_process *p, const uint64_t *a)
{
    const struct os_thread *t = meant(p, a[0]);
    const uint64_t len = ROBUST_HEAD_LEN;

    if (t == NULL)
        return -OS_ESRCH;
    if (os_copy_out(p, a[2], &len, sizeof len) != 0)
        return -OS_EFAULT;
    return os_copy_out(p, a[1], &t->robust_list, sizeof t->robust_list);
}

/* --- the scheduler --- */

int64_t
os_sys_sched_yield(struct os_process *p, const uint64_t *a)
{
    (void)a;
    p->os->yielded = true;
    return 0;
}

/* The harts that there are, as bits. */
static uint64_t
all_harts(const struct os *os)
{
    return ((uint64_t)1 << os->config.nharts) - 1;
}

int64_t
os_sys_sched_getaffinity(struct os_process *p, const uint64_t *a)
{
    const struct os_thread *t = meant(p, a[0]);

    if (a[1] < sizeof t->affinity || a[1] % sizeof t->affinity != 0)
        return -OS_EINVAL;
    if (t == NULL)
        return -OS_ESRCH;
    const uint64_t mask = t->affinity & all_harts(p->os);
    int64_t ret = os_copy_out(p, a[2], &mask, sizeof mask);
    return ret < 0 ? ret : (int64_t)sizeof mask;
}

/* A thread that has to leave its hart does so at the end of its turn, which is now if it is the
 * caller. */
int64_t
os_sys_sched_setaffinity(struct os_process *p, const uint64_t *a)
{
    struct os_thread *t = meant(p, a[0]);
    uint64_t mask = 0;

    if (os_copy_in(p, a[2], &mask, a[1] < sizeof mask ? (size_t)a[1] : sizeof mask) != 0)
        return -OS_EFAULT;
    if (t == NULL)
        return -OS_ESRCH;
    if ((mask & all_harts(p->os)) == 0)
        return -OS_EINVAL;
    t->affinity = mask;
    if (t == p->thread)
        p->os->yielded = true;
    return 0;
}

/* SCHED_OTHER for everybody, with priority 0. */
int64_t
os_sys_sched_getscheduler(struct os_process *p, const uint64_t *a)
{
    return meant(p, a[0]) != NULL ? 0 : -OS_ESRCH;
}

int64_t
os_sys_sched_getparam(struct os_process *p, const uint64_t *a)
{
    const int32_t priority = 0;

    if (meant(p, a[0]) == NULL)
        return -OS_ESRCH;
    return os_copy_out(p, a[1], &priority, sizeof priority);
}

int64_t
os_sys_getcpu(struct os_process *p, const uint64_t *a)
{
    const uint32_t where[2] = {p->os->hart->idx, 0}; /* hart, node */

    for (int i = 0; i < 2; i++)
        if (a[i] != 0 && os_copy_out(p, a[i], &where[i], sizeof where[i]) != 0)
            return -OS_EFAULT;
    return 0;
}

/* The harts run one after the other, so that each sees all that was done before: a barrier has
 * nothing to do.  Registering for one is as good as done. */
int64_t
os_sys_membarrier(struct os_process *p, const uint64_t *a)
{
    const uint64_t known =
        0x1f; /* global, global expedited, private expedited; both registrations */

    (void)p;
    if (a[1] != 0)
        return -OS_EINVAL;
    if ((uint32_t)a[0] == 0)
        return (int64_t)known;
    return ((uint32_t)a[0] & ((uint32_t)a[0] - 1)) == 0 && (a[0] & known) != 0 ? 0 : -OS_EINVAL;
}
