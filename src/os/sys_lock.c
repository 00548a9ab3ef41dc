/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that keep memory in RAM.  Where the memory manager has no pages to lock, they do not
 * exist, as on Linux without an MMU.
 */
#include "os/errno.h"
#include "os/memcall.h"
#include "os/syscall.h"

#define MLOCK_ONFAULT 1u
#define MCL_CURRENT 1u
#define MCL_FUTURE 2u
#define MCL_ONFAULT 4u

bool
os_mem_may_lock(const struct os_process *p, uint64_t len)
{
    struct space_sizes sizes;
    uint64_t most = p->mem_limits[OS_LIMIT_MEMLOCK].soft;

    p->mm->space->ops->sizes(p->mm->space, &sizes);
    return p->os->uid[1] == 0 || (sizes.locked <= most && len <= most - sizes.locked);
}

unsigned
os_mem_lock_flags(const struct os_mm *mm)
{
    if (mm->lock_future == 0)
        return 0;
    return SPACE_LOCKED | ((mm->lock_future & MCL_ONFAULT) != 0 ? SPACE_ONFAULT : 0);
}

enum pgw_status
os_mem_populate(struct os_process *p, uint64_t va, uint64_t len)
{
    struct space *space = p->mm->space;
    uint64_t end = va + len;
    struct space_region region;
    enum pgw_status status = PGW_OK;

    while (va < end && status == PGW_OK) {
        if (!space->ops->find(space, va, &region) || region.start > va)
            return PGW_NOTFOUND;
        uint64_t to = region.end < end ? region.end : end;
        bool write = (region.prot & PROT_MASK_W) != 0 && !region.shared;
        status = space->ops->populate(space, va, to - va, write);
        va = to;
    }
    return status;
}

void
os_mem_mapped(struct os_process *p, uint64_t va, uint64_t len, bool populate)
{
    if (populate || (p->mm->lock_future & (MCL_FUTURE | MCL_ONFAULT)) == MCL_FUTURE)
        (void)!os_mem_populate(p, va, len);
}

static int64_t
lock_error(enum pgw_status status)
{
    switch (status) {
    case PGW_OK:
        return 0;
    case PGW_UNSUPPORTED:
        return -OS_ENOSYS;
    case PGW_NOMEM:
        return -OS_EAGAIN;
    default:
        return -OS_ENOMEM; /* a hole, no rights, no more RAM that could be locked */
    }
}

/* The pages that [va, va + len) touches.  -EINVAL: it wraps around. */
static int64_t
lock_range(struct os_process *p, uint64_t *va, uint64_t *len)
{
    uint64_t from = page_floor(*va);
    uint64_t bytes = page_ceil(*len + (*va - from));

    if (*len + (*va - from) < *len || bytes < *len || from + bytes < from)
        return -OS_EINVAL;
    *va = from;
    *len = bytes;
    return bytes > 0 && !os_mem_in_space(p, from, bytes) ? -OS_ENOMEM : 0;
}

/* Bytes of the range that are locked already: they are not counted twice. */
static uint64_t
lock_has(struct space *space, uint64_t va, uint64_t len)
{
    struct space_region region;
    uint64_t end = va + len, has = 0;

    while (va < end && space->ops->find(space, va, &region) && region.start < end) {
        uint64_t from = region.start > va ? region.start : va;
        uint64_t to = region.end < end ? region.end : end;
        has += region.locked ? to - from : 0;
        va = to;
    }
    return has;
}

static int64_t
lock(struct os_process *p, uint64_t va, uint64_t len, enum space_lock how)
{
    struct space *space = p->mm->space;
    int64_t ret = lock_range(p, &va, &len);

    if (p->mem_limits[OS_LIMIT_MEMLOCK].soft == 0 && p->os->uid[1] != 0)
        return -OS_EPERM;
    if (ret != 0 || len == 0)
        return ret;
    if (!os_mem_may_lock(p, len - lock_has(space, va, len)))
        return -OS_ENOMEM;
    enum pgw_status status = space->ops->lock(space, va, len, how);
    if (status == PGW_OK && how == SPACE_LOCK_NOW) {
        status = os_mem_populate(p, va, len);
        if (status == PGW_NORAM)
            status = PGW_NOMEM;
    }
    return lock_error(status);
}

int64_t
os_sys_mlock(struct os_process *p, const uint64_t *a)
{
    return lock(p, a[0], a[1], SPACE_LOCK_NOW);
}

int64_t
os_sys_mlock2(struct os_process *p, const uint64_t *a)
{
    if ((a[2] & ~(uint64_t)MLOCK_ONFAULT) != 0)
        return -OS_EINVAL;
    return lock(p, a[0], a[1], a[2] == 0 ? SPACE_LOCK_NOW : SPACE_LOCK_ONFAULT);
}

int64_t
os_sys_munlock(struct os_process *p, const uint64_t *a)
{
    uint64_t va = a[0], len = a[1];
    int64_t ret = lock_range(p, &va, &len);

    if (ret != 0 || len == 0)
        return ret;
    return lock_error(p->mm->space->ops->lock(p->mm->space, va, len, SPACE_UNLOCK));
}

/* Does it to every region there is. */
static enum pgw_status
lock_all(struct os_process *p, enum space_lock how)
{
    struct space *space = p->mm->space;
    enum pgw_status status = PGW_OK;
    struct space_region region;

    for (uint64_t va = 0; status == PGW_OK && space->ops->find(space, va, &region); va = region.end)
        status = space->ops->lock(space, region.start, region.end - region.start, how);
    return status;
}

/* What cannot be brought in is left out. */
static void
lock_populate_all(struct os_process *p)
{
    struct space *space = p->mm->space;
    struct space_region region;

    for (uint64_t va = 0; space->ops->find(space, va, &region); va = region.end)
        (void)!os_mem_populate(p, region.start, region.end - region.start);
}

int64_t
os_sys_mlockall(struct os_process *p, const uint64_t *a)
{
    struct space_sizes sizes;
    enum pgw_status status = PGW_OK;

    if (a[0] == 0 || (a[0] & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 ||
        a[0] == MCL_ONFAULT)
        return -OS_EINVAL;
    if (p->mem_limits[OS_LIMIT_MEMLOCK].soft == 0 && p->os->uid[1] != 0)
        return -OS_EPERM;
    p->mm->space->ops->sizes(p->mm->space, &sizes);
    if ((a[0] & MCL_CURRENT) != 0 && !os_mem_may_lock(p, sizes.mapped - sizes.locked))
        return -OS_ENOMEM;
    if ((a[0] & MCL_CURRENT) != 0)
        status = lock_all(p, (a[0] & MCL_ONFAULT) != 0 ? SPACE_LOCK_ONFAULT : SPACE_LOCK_NOW);
    if (status != PGW_OK)
        return lock_error(status);
    p->mm->lock_future = (a[0] & MCL_FUTURE) != 0 ? (unsigned)a[0] : 0;
    if ((a[0] & (MCL_CURRENT | MCL_ONFAULT)) == MCL_CURRENT)
        lock_populate_all(p);
    return 0;
}

int64_t
os_sys_munlockall(struct os_process *p, const uint64_t *a)
{
    (void)a;
    p->mm->lock_future = 0;
    return lock_error(lock_all(p, SPACE_UNLOCK));
}
