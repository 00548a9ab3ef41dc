/* SPDX-License-Identifier: BSD-2-Clause */
/* wait4 and waitid: what has become of one's children. */
#include "os/machine.h"
#include "os/rusage.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

/* Which children, and which of their changes. */
struct wait_for {
    int pid;  /* > 0: that one; 0: none in particular; */
    int pgid; /* > 0: of that group */
    uint32_t options;
};

/* What has been found. */
struct wait_found {
    struct os_process *child;
    int code;   /* CLD_* */
    int status; /* exit code or signal */
    int wait_status;
};

static bool
meant(const struct wait_for *what, const struct os_process *child)
{
    return (what->pid == 0 || child->pid == what->pid) &&
           (what->pgid == 0 || child->pgid == what->pgid);
}

/* Does child have something to tell that is asked for? */
static bool
changed(struct os_process *child, uint32_t options, struct wait_found *found)
{
    int status = child->wait_status;

    found->child = child;
    if (child->zombie && (options & OS_WEXITED) != 0) {
        bool killed = (status & 0x7f) != 0;
        found->code = killed ? OS_CLD_KILLED : OS_CLD_EXITED;
        found->status = killed ? status & 0x7f : status >> 8 & 0xff;
        found->wait_status = status;
        return true;
    }
    if (child->stop_unreported && (options & OS_WUNTRACED) != 0) {
        found->code = OS_CLD_STOPPED;
        found->status = child->stop_signal;
        found->wait_status = child->stop_signal << 8 | 0x7f;
        return true;
    }
    if (child->cont_unreported && (options & OS_WCONTINUED) != 0) {
        found->code = OS_CLD_CONTINUED;
        found->status = OS_SIGCONT;
        found->wait_status = 0xffff;
        return true;
    }
    return false;
}

/* 1: found; 0: children, but nothing to tell; -ECHILD; or what a wait returns. */
static int64_t
look(struct os_process *p, const struct wait_for *what, struct wait_found *found)
{
    struct os_process *child;
    bool any = false;

    TAILQ_FOREACH (child, &p->children, sibling) {
        if (!meant(what, child))
            continue;
        any = true;
        if (changed(child, what->options, found))
            return 1;
    }
    if (!any)
        return -OS_ECHILD;
    return (what->options & OS_WNOHANG) != 0 ? 0 : os_block(p, p);
}

/* The news has been told: it is old now. */
static void
consume(const struct wait_found *found)
{
    if (found->code == OS_CLD_STOPPED)
        found->child->stop_unreported = false;
    else if (found->code == OS_CLD_CONTINUED)
        found->child->cont_unreported = false;
    else
        os_process_reap(found->child);
}

int64_t
os_sys_wait4(struct os_process *p, const uint64_t *a)
{
    int pid = (int32_t)a[0];
    struct wait_for what = {
        .pid = pid > 0 ? pid : 0,
        .pgid = pid == 0   ? p->pgid
                : pid < -1 ? -(pid + (pid == INT32_MIN))
                           : 0,
        .options = (uint32_t)a[2] | OS_WEXITED,
    };
    struct wait_found found;
    int64_t ret = pid != INT32_MIN ? look(p, &what, &found) : -OS_ESRCH;

    if (ret != 1)
        return ret;
    int32_t status = found.wait_status;
    if (a[1] != 0 && os_copy_out(p, a[1], &status, sizeof status) != 0)
        return -OS_EFAULT;
    if (a[3] != 0) {
        struct os_rusage usage;
        os_rusage_of(found.child, &usage);
        if (os_copy_out(p, a[3], &usage, sizeof usage) != 0)
            return -OS_EFAULT;
    }
    ret = found.child->pid;
    consume(&found);
    return ret;
}

int64_t
os_sys_waitid(struct os_process *p, const uint64_t *a)
{
    int id = (int32_t)a[1];
    struct wait_for what = {.options = (uint32_t)a[3]};
    struct wait_found found;
    struct os_siginfo info = {.signo = 0};

    if ((what.options & (OS_WEXITED | OS_WUNTRACED | OS_WCONTINUED)) == 0 ||
        (int32_t)a[0] > OS_P_PGID)
        return -OS_EINVAL;
    if ((int32_t)a[0] == OS_P_PID)
        what.pid = id;
    else if ((int32_t)a[0] == OS_P_PGID)
        what.pgid = id != 0 ? id : p->pgid;
    int64_t ret = look(p, &what, &found);
    if (ret < 0)
        return ret;
    if (ret == 1)
        info = (struct os_siginfo){.signo = OS_SIGCHLD,
            .code = found.code,
            .sender = {.pid = found.child->pid, .uid = p->os->uid[0], .status = found.status}};
    if (a[2] != 0 && os_copy_out(p, a[2], &info, sizeof info) != 0)
        return -OS_EFAULT;
    if (ret == 1 && (what.options & OS_WNOWAIT) == 0)
        consume(&found);
    return 0;
}
