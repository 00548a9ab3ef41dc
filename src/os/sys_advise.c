/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls by which a program speaks of its memory: madvise, mincore. */
#include "os/errno.h"
#include "os/memcall.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define MADV_DONTDUMP 16u
#define MADV_DODUMP 17u
#define MADV_POPULATE_READ 22u
#define MADV_POPULATE_WRITE 23u

/* madvise(2)'s numbers, what they are to a space, and what they come to where it does nothing with
 * them: hints may be ignored, the rest is refused as a kernel that was built without it does. */
static const struct advice {
    unsigned char known, hint;
    enum space_advice advice;
} advices[] = {
    [0] = {1, 1, SPACE_ADVICE_NORMAL},
    [1] = {1, 1, SPACE_ADVICE_RANDOM},
    [2] = {1, 1, SPACE_ADVICE_SEQUENTIAL},
    [3] = {1, 1, SPACE_ADVICE_WILLNEED},
    [4] = {1, 0, SPACE_ADVICE_DONTNEED},
    [8] = {1, 0, SPACE_ADVICE_FREE},
    [9] = {1, 0, SPACE_ADVICE_REMOVE},
    [10] = {1, 0, SPACE_ADVICE_DONTFORK},
    [11] = {1, 0, SPACE_ADVICE_DOFORK},
    [12] = {1, 0, SPACE_ADVICE_MERGE},
    [13] = {1, 0, SPACE_ADVICE_NOMERGE},
    [14] = {1, 0, SPACE_ADVICE_HUGE},
    [15] = {1, 0, SPACE_ADVICE_NOHUGE},
    [MADV_DONTDUMP] = {1, 1, 0},
    [MADV_DODUMP] = {1, 1, 0},
    [18] = {1, 0, SPACE_ADVICE_WIPEONFORK},
    [19] = {1, 0, SPACE_ADVICE_KEEPONFORK},
    [20] = {1, 1, SPACE_ADVICE_COLD},
    [21] = {1, 1, SPACE_ADVICE_PAGEOUT},
    [MADV_POPULATE_READ] = {1, 0, 0},
    [MADV_POPULATE_WRITE] = {1, 0, 0},
    [24] = {1, 0, SPACE_ADVICE_DROP}, /* MADV_DONTNEED_LOCKED */
    [25] = {1, 0, SPACE_ADVICE_COLLAPSE},
};

static int64_t
advise_error(enum pgw_status status, bool hint)
{
    switch (status) {
    case PGW_UNSUPPORTED:
        return hint ? 0 : -OS_EINVAL;
    case PGW_NOTFOUND:
    case PGW_NORAM:
        return -OS_ENOMEM;
    case PGW_NOMEM:
        return -OS_EAGAIN;
    default:
        return os_error(status);
    }
}

/* As Linux turns what a fault would have been into an error of its own. */
static int64_t
populate_error(enum pgw_status status)
{
    switch (status) {
    case PGW_ACCESS:
    case PGW_UNSUPPORTED:
        return -OS_EINVAL;
    case PGW_RANGE: /* past the end of the file */
        return -OS_EFAULT;
    default:
        return advise_error(status, false);
    }
}

/* There are no core dumps to leave something out of; but a range with a hole is still wrong. */
static int64_t
advise_dump(struct space *space, uint64_t va, uint64_t end)
{
    struct space_region region;

    for (; va < end; va = region.end)
        if (!space->ops->find(space, va, &region) || region.start > va)
            return -OS_ENOMEM;
    return 0;
}

int64_t
os_sys_madvise(struct os_process *p, const uint64_t *a)
{
    struct space *space = p->mm->space;
    uint64_t len = page_ceil(a[1]);
    uint32_t number = (uint32_t)a[2];

    if (number >= sizeof advices / sizeof advices[0] || !advices[number].known)
        return -OS_EINVAL;
    if (!os_mem_aligned(a[0]) || (len == 0 && a[1] != 0) || a[0] + len < a[0])
        return -OS_EINVAL;
    if (len == 0)
        return 0;
    if (!os_mem_in_space(p, a[0], len))
        return -OS_ENOMEM;
    if (number == MADV_POPULATE_READ || number == MADV_POPULATE_WRITE)
        return populate_error(
            space->ops->populate(space, a[0], len, number == MADV_POPULATE_WRITE));
    if (number == MADV_DONTDUMP || number == MADV_DODUMP)
        return advise_dump(space, a[0], a[0] + len);
    return advise_error(
        space->ops->advise(space, a[0], len, advices[number].advice), advices[number].hint != 0);
}

int64_t
os_sys_mincore(struct os_process *p, const uint64_t *a)
{
    struct space *space = p->mm->space;
    uint64_t npages = page_ceil(a[1]) >> PAGE_SHIFT;
    unsigned char vec[512];

    if (!os_mem_aligned(a[0]))
        return -OS_EINVAL;
    if (page_ceil(a[1]) < a[1] || (npages > 0 && !os_mem_in_space(p, a[0], a[1])))
        return -OS_ENOMEM;
    for (uint64_t i = 0; i < npages;) {
        uint64_t n = npages - i < sizeof vec ? npages - i : sizeof vec;
        enum pgw_status status = space->ops->incore(space, a[0] + i * PAGE_SIZE, n, vec);
        if (status == PGW_UNSUPPORTED)
            return -OS_ENOSYS;
        if (status != PGW_OK)
            return -OS_ENOMEM;
        if (os_copy_out(p, a[2] + i, vec, n) != 0)
            return -OS_EFAULT;
        i += n;
    }
    return 0;
}
