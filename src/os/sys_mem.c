/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about memory: Linux's words turned into those of the space. */
#include <string.h>

#include "os/machine.h"
#include "os/objname.h"
#include "os/regular.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define MADV_DONTNEED 4u
#define MS_ASYNC 1u
#define MS_INVALIDATE 2u
#define MS_SYNC 4u

/* Rights as the space knows them; what can be written can be read (privileged specification:
 * W without R is reserved). */
static prot_t
rights(uint64_t prot)
{
    prot_t mask = (prot_t)prot & OS_PROT_MASK;

    return (mask & PROT_MASK_W) != 0 ? mask | PROT_MASK_R : mask;
}

static bool
aligned(uint64_t va)
{
    return (va & (PAGE_SIZE - 1)) == 0;
}

/* Do [va, va + len) and its rounding up lie in user space? */
static bool
in_space(const struct os_process *p, uint64_t va, uint64_t len)
{
    uint64_t end = p->os->config.space_end;

    return va < end && len <= end - va;
}

/* Makes the heap reach from `from` up to `to`, both page aligned: the region at its end grows, so
 * that it stays one region; else a new one is put behind it. */
static enum pgw_status
heap_grow(struct os_mm *mm, uint64_t from, uint64_t to)
{
    struct space *space = mm->space;
    struct space_region region;
    uint64_t va;

    if (from > mm->layout.heap && space->ops->find(space, from - 1, &region) &&
        region.start < from && region.end == from && region.use == SPACE_USE_HEAP &&
        region.prot == (PROT_MASK_R | PROT_MASK_W)) {
        enum pgw_status status = space->ops->remap(
            space, region.start, from - region.start, to - region.start, false, false, &va);
        if (status == PGW_OK)
            return status;
    }
    struct space_map_args args = {
        .va = from,
        .len = to - from,
        .prot = PROT_MASK_R | PROT_MASK_W,
        .flags = SPACE_FIXED | SPACE_NOREPLACE,
        .use = SPACE_USE_HEAP,
    };
    return space->ops->map(space, &args, &va);
}

int64_t
os_sys_brk(struct os_process *p, const uint64_t *a)
{
    struct os_mm *mm = p->mm;
    uint64_t want = a[0];
    uint64_t now_end = page_ceil(mm->brk);
    enum pgw_status status = PGW_OK;

    if (want < mm->layout.heap || want > mm->layout.end)
        return (int64_t)mm->brk;
    uint64_t new_end = page_ceil(want);
    if (new_end > now_end)
        status = heap_grow(mm, now_end, new_end);
    else if (new_end < now_end)
        status = mm->space->ops->unmap(mm->space, new_end, now_end - new_end);
    if (status == PGW_OK)
        mm->brk = want;
    return (int64_t)mm->brk;
}

static bool
is_shared(const uint64_t *a)
{
    return ((uint32_t)a[3] & OS_MAP_TYPE) != OS_MAP_PRIVATE;
}

/* What a descriptor lets be done with a shared mapping of it: a flag of map, or an error. */
static int64_t
shared_flags(const struct os_file *file, const uint64_t *a)
{
    if (!is_shared(a))
        return 0;
    if ((file->flags & OS_O_ACCMODE) == OS_O_RDWR)
        return SPACE_SHARED;
    return (a[2] & PROT_MASK_W) != 0 ? -OS_EACCES : (int64_t)(SPACE_SHARED | SPACE_NOWRITE);
}

/* Puts what is behind the descriptor into args; the caller releases the object. */
static int64_t
map_object(struct os_process *p, const uint64_t *a, struct space_map_args *args)
{
    const struct os_file *file = os_fd_file(p, a[4]);

    if (file == NULL || (file->flags & OS_O_PATH) != 0)
        return -OS_EBADF;
    if ((file->flags & OS_O_ACCMODE) == OS_O_WRONLY)
        return -OS_EACCES;
    if (file->kind != OS_FILE_HOST || file->stream || file->proc != NULL)
        return -OS_ENODEV;
    int64_t flags = shared_flags(file, a);
    if (flags < 0)
        return flags;
    args->flags |= (unsigned)flags;
    if (os_regular_is_zeros(file)) /* /dev/zero is anonymous memory by another name */
        return 0;
    args->use = SPACE_USE_FILE;
    args->offset = a[5];
    int64_t ret = os_error(p->os->config.file_object(p->os->config.ctx, file->host_fd,
        (flags & (SPACE_SHARED | SPACE_NOWRITE)) == SPACE_SHARED, &args->object));
    if (ret == 0)
        os_objname_note(p->os, args->object, file->host_fd);
    return ret;
}

/* What mmap's flags mean to the space, or a negative error. */
static int64_t
map_flags(const uint64_t *a)
{
    uint32_t flags = (uint32_t)a[3];
    int64_t out = 0;

    if ((flags & OS_MAP_TYPE) == 0 || (flags & OS_MAP_TYPE) > 3)
        return -OS_EINVAL;
    if ((flags & OS_MAP_ANONYMOUS) != 0 && is_shared(a))
        out = SPACE_SHARED;
    if ((flags & OS_MAP_FIXED_NOREPLACE) != 0)
        out |= SPACE_FIXED | SPACE_NOREPLACE;
    else if ((flags & OS_MAP_FIXED) != 0)
        out |= SPACE_FIXED;
    if ((out & SPACE_FIXED) != 0 && !aligned(a[0]))
        return -OS_EINVAL;
    if ((flags & OS_MAP_GROWSDOWN) != 0)
        out |= SPACE_GROWSDOWN;
    return out;
}

int64_t
os_sys_mmap(struct os_process *p, const uint64_t *a)
{
    struct os *os = p->os;
    struct space *space = p->mm->space;
    int64_t flags = map_flags(a);
    struct space_map_args args = {.va = page_floor(a[0]), .prot = rights(a[2])};
    int64_t ret = 0;
    uint64_t va;

    if (flags < 0)
        return flags;
    if (a[1] == 0 || !aligned(a[5]))
        return -OS_EINVAL;
    args.len = page_ceil(a[1]);
    if (args.len == 0 || args.len > os->config.space_end)
        return -OS_ENOMEM;
    args.flags = (unsigned)flags;
    if ((flags & SPACE_FIXED) == 0 && !in_space(p, args.va, args.len))
        args.va = 0;
    if ((flags & SPACE_GROWSDOWN) != 0)
        args.len_max = args.len > os->config.stack_max ? args.len : page_ceil(os->config.stack_max);
    if ((a[3] & OS_MAP_ANONYMOUS) == 0)
        ret = map_object(p, a, &args);
    if (ret != 0)
        return ret;
    enum pgw_status status = space->ops->map(space, &args, &va);
    if (args.object != NULL)
        args.object->ops->release(args.object);
    return status == PGW_OK ? (int64_t)va : os_error(status);
}

/* Is there no hole in the range? */
static bool
all_mapped(struct space *space, uint64_t va, uint64_t end)
{
    struct space_region region;

    for (; va < end; va = region.end)
        if (!space->ops->find(space, va, &region) || region.start > va)
            return false;
    return true;
}

int64_t
os_sys_msync(struct os_process *p, const uint64_t *a)
{
    struct space *space = p->mm->space;
    uint64_t len = page_ceil(a[1]);
    uint32_t flags = (uint32_t)a[2];

    if (!aligned(a[0]) || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -OS_EINVAL;
    if ((len == 0 && a[1] != 0) || (len > 0 && !in_space(p, a[0], len)))
        return -OS_ENOMEM;
    enum pgw_status status = PGW_OK;
    if (len > 0 && (flags & MS_SYNC) != 0) /* ASYNC: it is written in time anyway, as on Linux */
        status = space->ops->sync(space, a[0], len);
    if (status != PGW_OK && status != PGW_NOTFOUND && status != PGW_UNSUPPORTED)
        return -OS_EIO;
    return all_mapped(space, a[0], a[0] + len) ? 0 : -OS_ENOMEM;
}

int64_t
os_sys_munmap(struct os_process *p, const uint64_t *a)
{
    uint64_t len = page_ceil(a[1]);

    if (!aligned(a[0]) || len == 0 || !in_space(p, a[0], len))
        return -OS_EINVAL;
    return os_error(p->mm->space->ops->unmap(p->mm->space, a[0], len));
}

int64_t
os_sys_mprotect(struct os_process *p, const uint64_t *a)
{
    uint64_t len = page_ceil(a[1]);

    if (!aligned(a[0]) || (a[2] & ~(uint64_t)OS_PROT_MASK) != 0)
        return -OS_EINVAL;
    if (len == 0)
        return a[1] == 0 ? 0 : -OS_ENOMEM;
    if (!in_space(p, a[0], len))
        return -OS_ENOMEM;
    enum pgw_status status = p->mm->space->ops->protect(p->mm->space, a[0], len, rights(a[2]));
    return status == PGW_NOTFOUND ? -OS_ENOMEM : os_error(status);
}

/* mremap's arguments, checked: 0 or an error. */
static int64_t
remap_check(const struct os_process *p, uint64_t old, uint64_t old_len, uint64_t new_len,
    uint32_t flags, uint64_t to)
{
    if ((flags & ~(OS_MREMAP_MAYMOVE | OS_MREMAP_FIXED)) != 0 || !aligned(old) || new_len == 0 ||
        old_len == 0)
        return -OS_EINVAL;
    if (!in_space(p, old, old_len) || new_len > p->os->config.space_end)
        return -OS_EFAULT;
    if ((flags & OS_MREMAP_FIXED) == 0)
        return 0;
    if ((flags & OS_MREMAP_MAYMOVE) == 0 || !aligned(to) || !in_space(p, to, new_len))
        return -OS_EINVAL;
    return to < old + old_len && old < to + new_len ? -OS_EINVAL : 0;
}

/* Is [va, end) mapped without a hole, all of it anonymous?  *prot: rights of the first region. */
static bool
all_anonymous(struct space *space, uint64_t va, uint64_t end, prot_t *prot)
{
    struct space_region region;

    for (bool first = true; va < end; va = region.end, first = false) {
        if (!space->ops->find(space, va, &region) || region.start > va || region.object != NULL)
            return false;
        if (first)
            *prot = region.prot;
    }
    return true;
}

/*
 * Moves a mapping that lies in several regions of ours but is one to Linux (MADV_DONTNEED has
 * renewed a part of it), by copying.  *va: where it is now.
 */
static int64_t
remap_by_copy(struct os_process *p, uint64_t old, uint64_t old_len, uint64_t new_len, uint64_t *va)
{
    struct space *space = p->mm->space;
    struct space_map_args args = {.len = new_len, .prot = PROT_MASK_R | PROT_MASK_W};
    unsigned char page[PAGE_SIZE];
    prot_t prot = PROT_MASK_NONE;
    int64_t ret = 0;

    if (!all_anonymous(space, old, old + old_len, &prot) || (prot & PROT_MASK_R) == 0)
        return -OS_EFAULT;
    enum pgw_status status = space->ops->map(space, &args, va);
    if (status != PGW_OK)
        return os_error(status);
    for (uint64_t at = 0; at < old_len && ret == 0; at += PAGE_SIZE) {
        ret = os_copy_in(p, old + at, page, PAGE_SIZE);
        if (ret == 0)
            ret = os_copy_out(p, *va + at, page, PAGE_SIZE);
    }
    if (ret == 0 && prot != args.prot)
        ret = os_error(space->ops->protect(space, *va, new_len, prot));
    if (ret == 0)
        ret = os_error(space->ops->unmap(space, old, old_len));
    if (ret != 0)
        (void)!space->ops->unmap(space, *va, new_len);
    return ret;
}

int64_t
os_sys_mremap(struct os_process *p, const uint64_t *a)
{
    struct space *space = p->mm->space;
    uint64_t old_len = page_ceil(a[1]);
    uint64_t new_len = page_ceil(a[2]);
    uint32_t flags = (uint32_t)a[3];
    bool fixed = (flags & OS_MREMAP_FIXED) != 0;
    uint64_t va = fixed ? a[4] : 0;
    int64_t ret = remap_check(p, a[0], old_len, new_len, flags, va);

    if (ret != 0)
        return ret;
    if (new_len <= old_len && !fixed) {
        if (new_len < old_len)
            ret = os_error(space->ops->unmap(space, a[0] + new_len, old_len - new_len));
        return ret < 0 ? ret : (int64_t)a[0];
    }
    enum pgw_status status = space->ops->remap(
        space, a[0], old_len, new_len, (flags & OS_MREMAP_MAYMOVE) != 0, fixed, &va);
    if (status == PGW_NOTFOUND && (flags & OS_MREMAP_MAYMOVE) != 0 && !fixed) {
        ret = remap_by_copy(p, a[0], old_len, new_len, &va);
        return ret < 0 ? ret : (int64_t)va;
    }
    if (status == PGW_NOTFOUND)
        return -OS_EFAULT;
    return status == PGW_OK ? (int64_t)va : os_error(status);
}

/* Fills the pages of a stack with zeros: a hole in a region that grows would stop its growth. */
static int64_t
zero_pages(struct os_process *p, uint64_t from, uint64_t to)
{
    static const unsigned char zeros[PAGE_SIZE];

    for (; from < to; from += PAGE_SIZE)
        if (os_copy_out(p, from, zeros, PAGE_SIZE) != 0)
            return -OS_EFAULT;
    return 0;
}

/* Gives [from, to) of a region the content it had when it was new. */
static int64_t
renew(struct os_process *p, const struct space_region *region, uint64_t from, uint64_t to)
{
    struct space *space = p->mm->space;
    struct space_map_args args = {
        .va = from,
        .len = to - from,
        .prot = region->prot,
        .flags = SPACE_FIXED | (region->shared ? SPACE_SHARED : 0),
        .use = region->use,
        .object = region->object,
        .offset = region->object != NULL ? region->offset + (from - region->start) : 0,
    };
    uint64_t va;

    if (region->growsdown)
        return zero_pages(p, from, to);
    return os_error(space->ops->map(space, &args, &va));
}

static int64_t
dontneed(struct os_process *p, uint64_t va, uint64_t end)
{
    struct space *space = p->mm->space;
    struct space_region region;
    bool hole = false;

    while (va < end) {
        if (!space->ops->find(space, va, &region) || region.start >= end)
            return -OS_ENOMEM;
        hole = hole || region.start > va;
        uint64_t from = region.start > va ? region.start : va;
        uint64_t to = region.end < end ? region.end : end;
        int64_t ret = renew(p, &region, from, to);
        if (ret != 0)
            return ret;
        va = to;
    }
    return hole ? -OS_ENOMEM : 0;
}

/* Code has been written: for programs that leave fence.i to the kernel, as the C compiler's
 * __builtin___clear_cache does. */
int64_t
os_sys_riscv_flush_icache(struct os_process *p, const uint64_t *a)
{
    (void)a;
    for (unsigned i = 0; i < p->os->config.nharts; i++)
        cpu_hart_fence_i(p->os->harts[i].cpu, p->mm->space->asid);
    return 0;
}

int64_t
os_sys_madvise(struct os_process *p, const uint64_t *a)
{
    uint64_t len = page_ceil(a[1]);

    if (!aligned(a[0]) || (len == 0 && a[1] != 0))
        return -OS_EINVAL;
    if (!in_space(p, a[0], len))
        return -OS_ENOMEM;
    return (uint32_t)a[2] == MADV_DONTNEED ? dontneed(p, a[0], a[0] + len) : 0;
}
