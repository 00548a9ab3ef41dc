/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that make, change and end processes. */
#include <string.h>

#include "os/exec.h"
#include "os/machine.h"
#include "os/paths.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define ARG_POINTERS_MAX 65536u
#define ARG_LEN_MAX ((size_t)131072)
#define SCRIPT_DEPTH 4

/* What clone's flags leave out: 0 or an error. */
static int64_t
clone_check(uint64_t flags)
{
    if ((flags & OS_CLONE_NAMESPACES) != 0)
        return -OS_EPERM;
    /* Threads: not in this version. */
    if ((flags & (OS_CLONE_THREAD | OS_CLONE_SIGHAND | OS_CLONE_FILES | OS_CLONE_FS)) != 0)
        return -OS_ENOSYS;
    /* Memory is shared only while the parent stands still. */
    if ((flags & OS_CLONE_VM) != 0 && (flags & OS_CLONE_VFORK) == 0)
        return -OS_ENOSYS;
    return (flags & OS_CSIGNAL) > OS_NSIG ? -OS_EINVAL : 0;
}

/* The second time round: the child of the vfork has let go of our memory, or has not yet. */
static int64_t
vfork_wait(struct os_process *p)
{
    struct os_process *q;

    TAILQ_FOREACH (q, &p->os->all, all)
        if (q->vfork_parent == p)
            return os_block_vfork(p);
    return (int64_t)p->progress;
}

/* The details that clone's flags ask for, once the child exists. */
static int64_t
clone_finish(struct os_process *p, struct os_process *child, const uint64_t *a)
{
    uint64_t flags = a[0];
    int32_t tid = child->pid;

    child->exit_signal = (int)(flags & OS_CSIGNAL);
    if (a[1] != 0)
        child->regs.x[2] = a[1];
    if ((flags & OS_CLONE_SETTLS) != 0)
        child->regs.x[4] = a[3];
    if ((flags & OS_CLONE_CHILD_CLEARTID) != 0)
        child->clear_tid = a[4];
    if ((flags & OS_CLONE_PARENT_SETTID) != 0 && os_copy_out(p, a[2], &tid, sizeof tid) != 0)
        return -OS_EFAULT;
    if ((flags & OS_CLONE_CHILD_SETTID) != 0)
        (void)!os_copy_out(child, a[4], &tid, sizeof tid);
    return tid;
}

int64_t
os_sys_clone(struct os_process *p, const uint64_t *a)
{
    struct os_process *child;
    int64_t ret = clone_check(a[0]);

    if (p->progress != 0)
        return vfork_wait(p);
    if (ret != 0)
        return ret;
    bool vfork = (a[0] & OS_CLONE_VFORK) != 0;
    enum pgw_status status = os_process_fork(p, vfork && (a[0] & OS_CLONE_VM) != 0, &child);
    if (status != PGW_OK)
        return status == PGW_AGAIN ? -OS_EAGAIN : -OS_ENOMEM;
    ret = clone_finish(p, child, a);
    /* The child's page may have been had only by ending its parent. */
    if (ret < 0 || !vfork || p->state == OS_STATE_ZOMBIE)
        return ret;
    child->vfork_parent = p;
    p->progress = (uint64_t)ret;
    return vfork_wait(p);
}

/* Reads a NULL-terminated vector of strings; *n: how many. */
static int64_t
read_strings(struct os_process *p, uint64_t va, struct os_args *args, unsigned *n)
{
    for (*n = 0; va != 0; ++*n) {
        uint64_t string;
        size_t len = 0;
        int64_t ret = os_copy_in(p, va + *n * sizeof string, &string, sizeof string);

        if (ret != 0)
            return ret;
        if (string == 0)
            break;
        if (*n == ARG_POINTERS_MAX)
            return -OS_E2BIG;
        ret = os_copy_string(p, string, args->bytes + args->len, OS_ARGS_MAX - args->len, &len);
        if (ret != 0)
            return ret == -OS_ENAMETOOLONG ? -OS_E2BIG : ret;
        args->len += len + 1;
    }
    return 0;
}

/* What execve returns when the program could not be loaded. */
static int64_t
exec_error(struct os_process *p, enum pgw_status status, const char *path, const char *why)
{
    struct os *os = p->os;

    if (status == PGW_NOEXEC)
        os_say(os, "%s (pid %d): cannot run %s: %s", p->name, p->pid, path, why);
    return status == PGW_RANGE ? -OS_E2BIG : os_error(status);
}

int64_t
os_sys_execve(struct os_process *p, const uint64_t *a)
{
    struct os *os = p->os;
    struct os_args args = {.bytes = NULL};
    struct os_image image;
    const char *why = "";
    const char *path;
    int dir;
    int64_t ret = os_path_find(p, (uint64_t)OS_AT_FDCWD, a[0], 0, &dir, &path);

    if (ret != 0)
        return ret;
    if (path[0] == '\0')
        return -OS_ENOENT;
    if (os_args_init(os, &args) != PGW_OK)
        return -OS_ENOMEM;
    ret = read_strings(p, a[1], &args, &args.argc);
    if (ret == 0)
        ret = read_strings(p, a[2], &args, &args.envc);
    if (ret == 0) {
        enum pgw_status status = os_image_load(os, dir, path, &args, &image, &why);
        if (status == PGW_OK)
            os_image_enter(p, &image, path);
        else
            ret = exec_error(p, status, path, why);
    }
    os_args_fini(os, &args);
    return ret == 0 ? OS_NORETURN : ret;
}

int64_t
os_sys_exit(struct os_process *p, const uint64_t *a)
{
    const int32_t zero = 0;

    /* Only somebody who shares the memory could see it. */
    if (p->clear_tid != 0 && p->mm->refs > 1)
        (void)!os_copy_out(p, p->clear_tid, &zero, sizeof zero);
    os_process_exit(p, (int)(a[0] & 0xff) << 8);
    return OS_NORETURN;
}
