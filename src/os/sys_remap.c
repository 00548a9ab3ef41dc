/* SPDX-License-Identifier: BSD-2-Clause */
/* mremap, in the order in which Linux looks at its arguments. */
#include "os/errno.h"
#include "os/memcall.h"
#include "os/syscall.h"

struct remap_call {
    uint64_t old, old_len, new_len, to; /* lengths in whole pages */
    uint64_t flags;
};

static int64_t
remap_check_flags(const struct remap_call *call)
{
    const uint64_t known = OS_MREMAP_MAYMOVE | OS_MREMAP_FIXED | OS_MREMAP_DONTUNMAP;
    bool moves = (call->flags & (OS_MREMAP_FIXED | OS_MREMAP_DONTUNMAP)) != 0;

    if ((call->flags & ~known) != 0 || (moves && (call->flags & OS_MREMAP_MAYMOVE) == 0))
        return -OS_EINVAL;
    if ((call->flags & OS_MREMAP_DONTUNMAP) != 0 && call->old_len != call->new_len)
        return -OS_EINVAL;
    return !os_mem_aligned(call->old) || call->new_len == 0 ? -OS_EINVAL : 0;
}

/* A target that was named must be in the space and apart from what moves there. */
static int64_t
remap_check_target(const struct os_process *p, const struct remap_call *call)
{
    if ((call->flags & OS_MREMAP_FIXED) == 0)
        return 0;
    if (!os_mem_aligned(call->to) || !os_mem_in_space(p, call->to, call->new_len))
        return -OS_EINVAL;
    return call->to < call->old + call->old_len && call->old < call->to + call->new_len ? -OS_EINVAL
                                                                                        : 0;
}

/* May what is there grow so far?  *bring: its pages are to come at once, as it is locked. */
static int64_t
remap_check_growth(struct os_process *p, const struct remap_call *call, bool *bring)
{
    struct space_region region;
    uint64_t more = call->new_len - call->old_len;

    if (!p->mm->space->ops->find(p->mm->space, call->old, &region) || region.start > call->old)
        return -OS_EFAULT;
    *bring = region.locked && !region.on_fault;
    if (call->new_len <= call->old_len)
        return 0;
    if (region.locked && !os_mem_may_lock(p, more))
        return -OS_EAGAIN;
    return os_mem_has_room(p, more) ? 0 : -OS_ENOMEM;
}

static int64_t
remap_error(enum pgw_status status)
{
    switch (status) {
    case PGW_NOTFOUND: /* not one mapping */
        return -OS_EFAULT;
    case PGW_UNSUPPORTED:
        return -OS_EINVAL;
    case PGW_NORAM: /* no more can be locked */
        return -OS_EAGAIN;
    default:
        return os_error(status);
    }
}

static int64_t
remap(struct os_process *p, const struct remap_call *call)
{
    struct space *space = p->mm->space;
    unsigned flags = ((call->flags & OS_MREMAP_FIXED) != 0 ? SPACE_FIXED : 0) |
                     ((call->flags & OS_MREMAP_DONTUNMAP) != 0 ? SPACE_KEEP : 0);
    uint64_t va = call->to;
    bool bring = false;
    int64_t ret = remap_check_growth(p, call, &bring);

    if (ret != 0)
        return ret;
    enum pgw_status status = space->ops->remap(space, call->old, call->old_len, call->new_len,
        (call->flags & OS_MREMAP_MAYMOVE) != 0, flags, &va);
    if (status != PGW_OK)
        return remap_error(status);
    if (bring && call->new_len > call->old_len)
        (void)!os_mem_populate(p, va + call->old_len, call->new_len - call->old_len);
    return (int64_t)va;
}

int64_t
os_sys_mremap(struct os_process *p, const uint64_t *a)
{
    struct space *space = p->mm->space;
    const struct remap_call call = {.old = a[0],
        .old_len = page_ceil(a[1]),
        .new_len = page_ceil(a[2]),
        .flags = a[3],
        .to = (a[3] & OS_MREMAP_FIXED) != 0 ? a[4] : 0};
    int64_t ret = remap_check_flags(&call);

    if (ret != 0)
        return ret;
    if (!os_mem_in_space(p, call.old, call.old_len))
        return -OS_EFAULT;
    ret = remap_check_target(p, &call);
    if (ret != 0)
        return ret;
    if (call.new_len > p->os->config.space_end)
        return -OS_ENOMEM;
    if ((call.flags & (OS_MREMAP_FIXED | OS_MREMAP_DONTUNMAP)) != 0 || call.new_len > call.old_len)
        return remap(p, &call);
    /* What is cut off need not be one mapping, nor need what stays. */
    struct space_region region;
    if (!space->ops->find(space, call.old, &region) || region.start > call.old)
        return -OS_EFAULT;
    if (call.new_len < call.old_len)
        ret = os_error(
            space->ops->unmap(space, call.old + call.new_len, call.old_len - call.new_len));
    return ret < 0 ? ret : (int64_t)call.old;
}
