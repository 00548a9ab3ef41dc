/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about memory: Linux's words turned into those of the space. */
#include <string.h>

#include "os/errno.h"
#include "os/machine.h"
#include "os/memcall.h"
#include "os/objname.h"
#include "os/regular.h"
#include "os/syscall.h"
#include "os/uaccess.h"

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

bool
os_mem_has_room(const struct os_process *p, uint64_t len)
{
    struct space_sizes sizes;
    uint64_t most = p->mem_limits[OS_LIMIT_AS].soft;

    p->mm->space->ops->sizes(p->mm->space, &sizes);
    return sizes.mapped <= most && len <= most - sizes.mapped;
}

/* What becomes heap now is locked as mlockall() said of what is to come, and nothing was advised of
 * it, whatever is before it. */
static bool
heap_is_as_new(const struct os_mm *mm, const struct space_region *region)
{
    unsigned flags = os_mem_lock_flags(mm);

    return region->advice == 0 && region->prot == (PROT_MASK_R | PROT_MASK_W) &&
           region->locked == ((flags & SPACE_LOCKED) != 0) &&
           region->on_fault == ((flags & SPACE_ONFAULT) != 0);
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
        heap_is_as_new(mm, &region)) {
        enum pgw_status status = space->ops->remap(
            space, region.start, from - region.start, to - region.start, false, false, &va);
        if (status == PGW_OK)
            return status;
    }
    struct space_map_args args = {
        .va = from,
        .len = to - from,
        .prot = PROT_MASK_R | PROT_MASK_W,
        .flags = SPACE_FIXED | SPACE_NOREPLACE | os_mem_lock_flags(mm),
        .use = SPACE_USE_HEAP,
    };
    return space->ops->map(space, &args, &va);
}

/* As on Linux: where all of it has been unmapped already, the heap's end stays. */
static enum pgw_status
heap_shrink(struct space *space, uint64_t from, uint64_t to)
{
    struct space_region region;

    if (!space->ops->find(space, to, &region) || region.start >= from)
        return PGW_NOTFOUND;
    return space->ops->unmap(space, to, from - to);
}

/* Do the limits of the process let its heap grow so far? */
static bool
heap_may_grow(const struct os_process *p, uint64_t from, uint64_t to)
{
    const struct os_mm *mm = p->mm;

    return to - mm->layout.heap <= p->mem_limits[OS_LIMIT_DATA].soft &&
           os_mem_has_room(p, to - from) && (mm->lock_future == 0 || os_mem_may_lock(p, to - from));
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
    if (new_end > now_end && !heap_may_grow(p, now_end, new_end))
        return (int64_t)mm->brk;
    if (new_end > now_end)
        status = heap_grow(mm, now_end, new_end);
    else if (new_end < now_end)
        status = heap_shrink(mm->space, now_end, new_end);
    if (status == PGW_OK)
        mm->brk = want;
    if (status == PGW_OK && new_end > now_end)
        os_mem_mapped(p, now_end, new_end - now_end, false);
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
    bool memory = file->kind == OS_FILE_MEMORY;
    if (!memory && (file->kind != OS_FILE_HOST || file->stream || file->proc != NULL))
        return -OS_ENODEV;
    int64_t flags = shared_flags(file, a);
    if (flags >= 0 && memory)
        flags = os_memfile_map_flags(file->memory, flags, (a[2] & PROT_MASK_W) != 0);
    if (flags < 0)
        return flags;
    args->flags |= (unsigned)flags;
    if (!memory && os_regular_is_zeros(file)) /* /dev/zero is anonymous memory by another name */
        return 0;
    if (a[5] > (uint64_t)INT64_MAX - args->len)
        return -OS_EOVERFLOW;
    args->use = SPACE_USE_FILE;
    args->offset = a[5];
    if (memory) {
        args->use = SPACE_USE_SHM;
        args->object = file->memory->object;
        args->object->ops->hold(args->object);
        os_memfile_note_name(p->os, file->memory);
        return 0;
    }
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
    if ((flags & OS_MAP_TYPE) == 3 && (flags & OS_MAP_ANONYMOUS) != 0) /* validated: of files */
        return -OS_EINVAL;
    if ((flags & OS_MAP_ANONYMOUS) != 0 && is_shared(a))
        out = SPACE_SHARED;
    if ((flags & OS_MAP_FIXED_NOREPLACE) != 0)
        out |= SPACE_FIXED | SPACE_NOREPLACE;
    else if ((flags & OS_MAP_FIXED) != 0)
        out |= SPACE_FIXED;
    if ((out & SPACE_FIXED) != 0 && !os_mem_aligned(a[0]))
        return -OS_EINVAL;
    if ((flags & OS_MAP_GROWSDOWN) != 0)
        out |= SPACE_GROWSDOWN;
    if ((flags & OS_MAP_NORESERVE) != 0)
        out |= SPACE_NORESERVE;
    if ((flags & OS_MAP_LOCKED) != 0)
        out |= SPACE_LOCKED;
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

    if (!os_mem_aligned(a[5]))
        return -OS_EINVAL;
    if ((a[3] & OS_MAP_ANONYMOUS) == 0 && os_fd_file(p, a[4]) == NULL)
        return -OS_EBADF;
    if (flags < 0)
        return flags;
    if (a[1] == 0)
        return -OS_EINVAL;
    args.len = page_ceil(a[1]);
    if (args.len == 0 || args.len > os->config.space_end)
        return -OS_ENOMEM;
    flags |= os_mem_lock_flags(p->mm);
    if ((flags & SPACE_LOCKED) != 0 && !os_mem_may_lock(p, args.len))
        return -OS_EAGAIN;
    if (!os_mem_has_room(p, args.len))
        return -OS_ENOMEM;
    args.flags = (unsigned)flags;
    if ((flags & SPACE_FIXED) == 0 && !os_mem_in_space(p, args.va, args.len))
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
    if (status != PGW_OK)
        return status == PGW_NORAM && (flags & SPACE_LOCKED) != 0 ? -OS_EAGAIN : os_error(status);
    os_mem_mapped(p, va, args.len, (a[3] & (OS_MAP_POPULATE | OS_MAP_LOCKED)) != 0);
    return (int64_t)va;
}

/* What has to be written before [va, end) is, as Linux goes through a range: up to what must not be
 * invalidated. */
static int64_t
sync_range(struct space *space, uint64_t va, uint64_t end, uint32_t flags)
{
    struct space_region region;
    int64_t hole = 0;

    for (; va < end; va = region.end) {
        if (!space->ops->find(space, va, &region) || region.start >= end)
            return -OS_ENOMEM;
        if (region.start > va) {
            if (flags == MS_ASYNC)
                return -OS_ENOMEM;
            hole = -OS_ENOMEM;
            va = region.start;
        }
        if ((flags & MS_INVALIDATE) != 0 && region.locked)
            return -OS_EBUSY;
        if ((flags & MS_SYNC) == 0) /* ASYNC: it is written in time anyway, as on Linux */
            continue;
        uint64_t to = region.end < end ? region.end : end;
        enum pgw_status status = space->ops->sync(space, va, to - va);
        if (status != PGW_OK && status != PGW_NOTFOUND && status != PGW_UNSUPPORTED)
            return -OS_EIO;
    }
    return hole;
}

int64_t
os_sys_msync(struct os_process *p, const uint64_t *a)
{
    struct space *space = p->mm->space;
    uint64_t len = page_ceil(a[1]);
    uint32_t flags = (uint32_t)a[2];

    if (!os_mem_aligned(a[0]) || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -OS_EINVAL;
    if (len > 0 && !os_mem_in_space(p, a[0], len))
        return -OS_ENOMEM;
    return sync_range(space, a[0], a[0] + len, flags);
}

int64_t
os_sys_munmap(struct os_process *p, const uint64_t *a)
{
    uint64_t len = page_ceil(a[1]);

    if (!os_mem_aligned(a[0]) || len == 0 || !os_mem_in_space(p, a[0], len))
        return -OS_EINVAL;
    return os_error(p->mm->space->ops->unmap(p->mm->space, a[0], len));
}

/* Locked memory that becomes writable is copied now, so that no store has to wait for RAM. */
static void
protect_bring(struct os_process *p, uint64_t va, uint64_t end)
{
    struct space *space = p->mm->space;
    struct space_region region;

    for (; va < end && space->ops->find(space, va, &region) && region.start < end;
         va = region.end) {
        uint64_t from = region.start > va ? region.start : va;
        uint64_t to = region.end < end ? region.end : end;
        if (region.locked && !region.on_fault && !region.shared && (region.prot & PROT_MASK_W) != 0)
            (void)!os_mem_populate(p, from, to - from);
    }
}

/* What is before a hole, or before what may not have these rights, has got them when mprotect
 * fails: Linux goes mapping by mapping, the space refuses the whole. */
static int64_t
protect_range(struct space *space, uint64_t va, uint64_t end, prot_t prot)
{
    enum pgw_status status = space->ops->protect(space, va, end - va, prot);
    struct space_region region;

    if (status != PGW_NOTFOUND && status != PGW_ACCESS)
        return os_error(status);
    for (; va < end; va = region.end) {
        if (!space->ops->find(space, va, &region) || region.start > va)
            return -OS_ENOMEM;
        uint64_t to = region.end < end ? region.end : end;
        status = space->ops->protect(space, va, to - va, prot);
        if (status != PGW_OK)
            return os_error(status);
    }
    return 0;
}

int64_t
os_sys_mprotect(struct os_process *p, const uint64_t *a)
{
    uint64_t len = page_ceil(a[1]);

    if (!os_mem_aligned(a[0]))
        return -OS_EINVAL;
    if (len == 0)
        return a[1] == 0 ? 0 : -OS_ENOMEM;
    if ((a[2] & ~(uint64_t)OS_PROT_MASK) != 0)
        return -OS_EINVAL;
    if (!os_mem_in_space(p, a[0], len))
        return -OS_ENOMEM;
    struct space_sizes sizes;
    int64_t ret = protect_range(p->mm->space, a[0], a[0] + len, rights(a[2]));
    p->mm->space->ops->sizes(p->mm->space, &sizes);
    if (sizes.locked > 0 && (a[2] & PROT_MASK_W) != 0)
        protect_bring(p, a[0], a[0] + len);
    return ret;
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
