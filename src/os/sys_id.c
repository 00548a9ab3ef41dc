/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that tell who one is and where one runs. */
#include <string.h>

#include "os/exec.h"
#include "os/machine.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define RANDOM_PIECE 256u
#define RLIM_INFINITY UINT64_MAX

enum rlimit_resource {
    RLIMIT_DATA = 2,
    RLIMIT_STACK = 3,
    RLIMIT_CORE = 4,
    RLIMIT_NOFILE = 7,
    RLIMIT_MEMLOCK = 8,
    RLIMIT_AS = 9,
    RLIMIT_LAST = 15
};
enum prctl_option { PR_SET_NAME = 15, PR_GET_NAME = 16 };
#define NSEC UINT64_C(1000000000)

int64_t
os_sys_getpid(struct os_process *p, const uint64_t *a)
{
    (void)a;
    return p->pid;
}

int64_t
os_sys_getppid(struct os_process *p, const uint64_t *a)
{
    (void)a;
    return p->parent != NULL ? p->parent->pid : 0;
}

/* The process that a call means by pid, where 0 is the caller; NULL: none. */
static struct os_process *
meant(struct os_process *p, uint64_t pid)
{
    struct os_process *q = (int32_t)pid == 0 ? p : os_process_find(p->os, (int32_t)pid);

    return q != NULL && !q->zombie ? q : NULL;
}

int64_t
os_sys_getpgid(struct os_process *p, const uint64_t *a)
{
    const struct os_process *q = meant(p, a[0]);

    return q != NULL ? q->pgid : -OS_ESRCH;
}

int64_t
os_sys_getsid(struct os_process *p, const uint64_t *a)
{
    const struct os_process *q = meant(p, a[0]);

    return q != NULL ? q->sid : -OS_ESRCH;
}

int64_t
os_sys_setpgid(struct os_process *p, const uint64_t *a)
{
    struct os_process *q = meant(p, a[0]);
    struct os_process *member;
    int pgid = (int32_t)a[1];
    bool exists = false;

    if (pgid < 0)
        return -OS_EINVAL;
    if (q == NULL || (q != p && q->parent != p))
        return -OS_ESRCH;
    if (q != p && q->execed)
        return -OS_EACCES;
    if (q->sid == q->pid || q->sid != p->sid)
        return -OS_EPERM;
    if (pgid == 0)
        pgid = q->pid;
    TAILQ_FOREACH (member, &p->os->all, all)
        exists = exists || (member->pgid == pgid && member->sid == q->sid);
    if (pgid != q->pid && !exists)
        return -OS_EPERM;
    q->pgid = pgid;
    return 0;
}

int64_t
os_sys_setsid(struct os_process *p, const uint64_t *a)
{
    struct os_process *q;

    (void)a;
    TAILQ_FOREACH (q, &p->os->all, all)
        if (q->pgid == p->pid)
            return -OS_EPERM;
    p->sid = p->pgid = p->pid;
    return p->sid;
}

int64_t
os_sys_getpriority(struct os_process *p, const uint64_t *a)
{
    (void)p;
    (void)a;
    return 20; /* the kernel's way to say "nice 0" */
}

int64_t
os_sys_prctl(struct os_process *p, const uint64_t *a)
{
    if ((uint32_t)a[0] == PR_SET_NAME) {
        char name[sizeof p->name];
        /* The string may be shorter than the record and end where memory ends. */
        for (size_t i = 0; i < sizeof name; i++) {
            if (os_copy_in(p, a[1] + i, &name[i], 1) != 0)
                return -OS_EFAULT;
            if (name[i] == '\0')
                break;
        }
        name[sizeof name - 1] = '\0';
        memcpy(p->thread->name, name, strlen(name) + 1);
        if (p->thread->tid == p->pid)
            memcpy(p->name, name, strlen(name) + 1);
        return 0;
    }
    if ((uint32_t)a[0] == PR_GET_NAME)
        return os_copy_out(p, a[1], p->thread->name, sizeof p->thread->name);
    return -OS_EINVAL;
}

int64_t
os_sys_uname(struct os_process *p, const uint64_t *a)
{
    static const struct os_utsname name = {
        {"Linux", "pagewright", "6.1.0", "#1 Pagewright", "riscv64", "(none)"}};

    return os_copy_out(p, a[0], &name, sizeof name);
}

int64_t
os_sys_getrandom(struct os_process *p, const uint64_t *a)
{
    uint64_t words[RANDOM_PIECE / 8];
    uint64_t len = a[1] < 0x7fffffff ? a[1] : 0x7fffffff;

    for (uint64_t done = 0; done < len;) {
        size_t piece = len - done < sizeof words ? (size_t)(len - done) : sizeof words;

        for (size_t i = 0; i < (piece + 7) / 8; i++)
            words[i] = base_rng_next(&p->os->rng);
        if (os_copy_out(p, a[0] + done, words, piece) != 0)
            return -OS_EFAULT;
        done += piece;
    }
    return (int64_t)len;
}

int64_t
os_sys_sysinfo(struct os_process *p, const uint64_t *a)
{
    struct os_memory memory;
    struct os_thread *t;

    p->os->config.memory(p->os->config.ctx, &memory);
    struct os_sysinfo_abi info = {
        .uptime = (int64_t)(os_now(p->os) / NSEC),
        .totalram = memory.ram * PAGE_SIZE,
        .freeram = memory.free * PAGE_SIZE,
        .sharedram = memory.shm * PAGE_SIZE,
        .totalswap = memory.swap * PAGE_SIZE,
        .freeswap = (memory.swap - memory.swap_used) * PAGE_SIZE,
        .mem_unit = 1,
    };

    TAILQ_FOREACH (t, &p->os->threads, all)
        info.procs++;
    return os_copy_out(p, a[0], &info, sizeof info);
}

/* Which of mem_limits it is; OS_LIMITS: none. */
static unsigned
mem_limit(uint32_t resource)
{
    return resource == RLIMIT_DATA      ? OS_LIMIT_DATA
           : resource == RLIMIT_AS      ? OS_LIMIT_AS
           : resource == RLIMIT_MEMLOCK ? OS_LIMIT_MEMLOCK
                                        : OS_LIMITS;
}

/* The limits that mean something here; the others are infinite. */
static struct os_rlimit
limit_of(const struct os_process *p, uint32_t resource)
{
    if (resource == RLIMIT_STACK) {
        bool told = !p->stack_limited && p->stack_limit > OS_STACK_TOLD;
        return (struct os_rlimit){told ? OS_STACK_TOLD : p->stack_limit, p->os->config.stack_max};
    }
    if (resource == RLIMIT_NOFILE)
        return (struct os_rlimit){p->files->limit, OS_FILES_MAX};
    if (resource == RLIMIT_CORE)
        return (struct os_rlimit){0, 0};
    if (mem_limit(resource) < OS_LIMITS)
        return p->mem_limits[mem_limit(resource)];
    return (struct os_rlimit){RLIM_INFINITY, RLIM_INFINITY};
}

/* Descriptors, the stack and memory can be limited; other limits are taken note of by nobody. */
static int64_t
set_limit(struct os_process *p, uint32_t resource, uint64_t va)
{
    struct os_rlimit limit;

    if (os_copy_in(p, va, &limit, sizeof limit) != 0)
        return -OS_EFAULT;
    if (limit.soft > limit.hard)
        return -OS_EINVAL;
    if (resource == RLIMIT_NOFILE) {
        if (limit.soft > OS_FILES_MAX)
            return -OS_EPERM;
        p->files->limit = (uint32_t)limit.soft;
    }
    if (resource == RLIMIT_STACK) { /* the hard limit is the machine's and stays */
        uint64_t most = p->os->config.stack_max;
        p->stack_limit = limit.soft < most ? limit.soft : most;
        p->stack_limited = true;
        os_stack_limit(p);
    }
    if (mem_limit(resource) < OS_LIMITS) {
        struct os_rlimit *mine = &p->mem_limits[mem_limit(resource)];
        if (limit.hard > mine->hard && p->os->uid[1] != 0)
            return -OS_EPERM;
        *mine = limit;
    }
    return 0;
}

int64_t
os_sys_prlimit64(struct os_process *p, const uint64_t *a)
{
    uint32_t resource = (uint32_t)a[1];
    struct os_process *q = meant(p, a[0]);
    int64_t ret = 0;

    if (resource > RLIMIT_LAST)
        return -OS_EINVAL;
    if (q == NULL)
        return -OS_ESRCH;
    struct os_rlimit old = limit_of(q, resource);
    if (a[2] != 0)
        ret = set_limit(q, resource, a[2]);
    if (ret == 0 && a[3] != 0)
        ret = os_copy_out(p, a[3], &old, sizeof old);
    return ret;
}

int64_t
os_sys_getrlimit(struct os_process *p, const uint64_t *a)
{
    const uint64_t args[4] = {0, a[0], 0, a[1]};

    return os_sys_prlimit64(p, args);
}

int64_t
os_sys_setrlimit(struct os_process *p, const uint64_t *a)
{
    const uint64_t args[4] = {0, a[0], a[1], 0};

    return os_sys_prlimit64(p, args);
}

int64_t
os_sys_getuid(struct os_process *p, const uint64_t *a)
{
    (void)a;
    return p->os->uid[0];
}

int64_t
os_sys_geteuid(struct os_process *p, const uint64_t *a)
{
    (void)a;
    return p->os->uid[1];
}

int64_t
os_sys_getgid(struct os_process *p, const uint64_t *a)
{
    (void)a;
    return p->os->gid[0];
}

int64_t
os_sys_getegid(struct os_process *p, const uint64_t *a)
{
    (void)a;
    return p->os->gid[1];
}

/* Real, effective and saved, to three addresses. */
static int64_t
put_ids(struct os_process *p, const uint64_t *a, const uint32_t id[2])
{
    const uint32_t all[3] = {id[0], id[1], id[1]};

    for (int i = 0; i < 3; i++)
        if (os_copy_out(p, a[i], &all[i], sizeof all[i]) != 0)
            return -OS_EFAULT;
    return 0;
}

int64_t
os_sys_getresuid(struct os_process *p, const uint64_t *a)
{
    return put_ids(p, a, p->os->uid);
}

int64_t
os_sys_getresgid(struct os_process *p, const uint64_t *a)
{
    return put_ids(p, a, p->os->gid);
}

int64_t
os_sys_getgroups(struct os_process *p, const uint64_t *a)
{
    const uint32_t group = p->os->gid[1];

    if ((int32_t)a[0] == 0)
        return 1;
    if ((int32_t)a[0] < 0)
        return -OS_EINVAL;
    return os_copy_out(p, a[1], &group, sizeof group) < 0 ? -OS_EFAULT : 1;
}

/* One may become who one is. */
int64_t
os_sys_setid(struct os_process *p, const uint64_t *a)
{
    uint32_t id = (uint32_t)a[0];

    return id == p->os->uid[0] || id == p->os->uid[1] || id == p->os->gid[0] ? 0 : -OS_EPERM;
}
