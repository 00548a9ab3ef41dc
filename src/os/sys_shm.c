/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory (shmget(2), shmat(2), shmctl(2)).  A segment is a memory object with a
 * number; who has it attached is counted by the object, since each region that maps it holds a
 * reference.  A segment that was removed goes when nobody has it any more, which is looked for when
 * somebody might have let go.
 */
#include "os/shm.h"

#include <stdio.h>
#include <string.h>

#include "os/machine.h"
#include "os/memcall.h"
#include "os/objname.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define IPC_PRIVATE 0
#define IPC_CREAT 01000u
#define IPC_EXCL 02000u
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_DEST 01000u /* in the mode: to go with the last who has it */

#define SHM_RDONLY 010000u
#define SHM_RND 020000u
#define SHM_REMAP 040000u
#define SHM_EXEC 0100000u

/* struct ipc64_perm and struct shmid64_ds of the generic ABI (asm-generic/shmbuf.h). */
struct shm_ds {
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    uint16_t seq, pad;
    uint32_t pad2;
    uint64_t unused[2];
    uint64_t size;
    int64_t atime, dtime, ctime;
    int32_t cpid, lpid;
    uint64_t nattch, unused2[2];
};
_Static_assert(sizeof(struct shm_ds) == 112, "as the kernel has it");

static uint64_t
shm_attached(const struct os_shm *shm)
{
    return shm->object->ops->users(shm->object) - 1;
}

static void
shm_free(struct os *os, struct os_shm *shm)
{
    LIST_REMOVE(shm, link);
    shm->object->ops->release(shm->object);
    base_pool_put(&os->shm_pool, shm);
    os->shms--;
}

void
os_shm_reap(struct os *os)
{
    struct os_shm *shm, *next;

    for (shm = LIST_FIRST(&os->shm); shm != NULL; shm = next) {
        next = LIST_NEXT(shm, link);
        if (shm->removed && shm_attached(shm) == 0)
            shm_free(os, shm);
    }
}

void
os_shm_fini(struct os *os)
{
    struct os_shm *shm;

    while ((shm = LIST_FIRST(&os->shm)) != NULL)
        shm_free(os, shm);
}

static int64_t
shm_now(const struct os *os)
{
    return OS_EPOCH + (int64_t)(os_now(os) / UINT64_C(1000000000));
}

static struct os_shm *
shm_by_id(struct os *os, uint64_t id)
{
    struct os_shm *shm;

    os_shm_reap(os);
    LIST_FOREACH (shm, &os->shm, link)
        if (shm->id == (int32_t)id)
            return shm;
    return NULL;
}

static struct os_shm *
shm_by_key(struct os *os, int32_t key)
{
    struct os_shm *shm;

    LIST_FOREACH (shm, &os->shm, link)
        if (shm->key == key && !shm->removed)
            return shm;
    return NULL;
}

static int64_t
shm_make(struct os_process *p, int32_t key, uint64_t size, uint32_t mode)
{
    struct os *os = p->os;
    struct space_object *object;

    if (size == 0 || (int64_t)size < 0)
        return -OS_EINVAL;
    if (os->shms >= OS_SHM_MAX)
        return -OS_ENOSPC;
    enum pgw_status status = os->config.memory_object(os->config.ctx, size, &object);
    if (status != PGW_OK)
        return status == PGW_UNSUPPORTED ? -OS_ENOSYS : os_error(status);
    struct os_shm *shm = base_pool_get(&os->shm_pool);
    if (shm == NULL) {
        object->ops->release(object);
        return -OS_ENOMEM;
    }
    *shm = (struct os_shm){.object = object,
        .key = key,
        .id = os->shm_ids++,
        .size = size,
        .mode = mode & 0777,
        .creator = p->pid,
        .changed = shm_now(os)};
    LIST_INSERT_HEAD(&os->shm, shm, link);
    os->shms++;
    return shm->id;
}

int64_t
os_sys_shmget(struct os_process *p, const uint64_t *a)
{
    int32_t key = (int32_t)a[0];
    uint32_t flags = (uint32_t)a[2];
    struct os_shm *shm = key != IPC_PRIVATE ? shm_by_key(p->os, key) : NULL;

    os_shm_reap(p->os);
    if (shm == NULL && key != IPC_PRIVATE && (flags & IPC_CREAT) == 0)
        return -OS_ENOENT;
    if (shm == NULL)
        return shm_make(p, key, a[1], flags);
    if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
        return -OS_EEXIST;
    return a[1] > shm->size ? -OS_EINVAL : shm->id;
}

int64_t
os_sys_shmat(struct os_process *p, const uint64_t *a)
{
    uint32_t flags = (uint32_t)a[2];
    struct os_shm *shm = shm_by_id(p->os, a[0]);
    struct space *space = p->mm->space;
    uint64_t va = (flags & SHM_RND) != 0 ? page_floor(a[1]) : a[1];

    if (shm == NULL || va != page_floor(va) || (va == 0 && (flags & SHM_REMAP) != 0))
        return -OS_EINVAL;
    struct space_map_args args = {.va = va,
        .len = page_ceil(shm->size),
        .prot = PROT_MASK_R | ((flags & SHM_RDONLY) != 0 ? 0u : PROT_MASK_W) |
                ((flags & SHM_EXEC) != 0 ? PROT_MASK_X : 0u),
        .flags = SPACE_SHARED | ((flags & SHM_RDONLY) != 0 ? SPACE_NOWRITE : 0u) |
                 os_mem_lock_flags(p->mm),
        .use = SPACE_USE_SHM,
        .object = shm->object};
    char name[32];

    if ((args.flags & SPACE_LOCKED) != 0 && !os_mem_may_lock(p, args.len))
        return -OS_EAGAIN;
    (void)snprintf(name, sizeof name, "/SYSV%08x (deleted)", (unsigned)shm->key);
    os_objname_note_memory(p->os, shm->object, 0, (uint64_t)shm->id, name);
    if (va != 0)
        args.flags |= SPACE_FIXED | ((flags & SHM_REMAP) != 0 ? 0u : SPACE_NOREPLACE);
    enum pgw_status status = space->ops->map(space, &args, &va);
    if (status != PGW_OK)
        return status == PGW_NORAM   ? -OS_EAGAIN
               : status == PGW_EXIST ? -OS_EINVAL
               : status == PGW_RANGE ? -OS_ENOMEM
                                     : os_error(status);
    os_mem_mapped(p, va, args.len, false);
    shm->attached_at = shm_now(p->os);
    shm->last = p->pid;
    return (int64_t)va;
}

/* The segment that the region shows; NULL. */
static struct os_shm *
shm_of(struct os *os, const struct space_region *region)
{
    struct os_shm *shm;

    LIST_FOREACH (shm, &os->shm, link)
        if (shm->object == region->object)
            return shm;
    return NULL;
}

/* The first piece that is still mapped of what was attached at va, wherever its start has been
 * unmapped or covered; NULL: there is none. */
static struct os_shm *
shm_piece(struct os_process *p, uint64_t va, struct space_region *region)
{
    const struct space *space = p->mm->space;
    struct os_shm *shm;

    for (uint64_t at = va; space->ops->find(p->mm->space, at, region); at = region->end)
        if (region->start >= va && region->start - va == region->offset &&
            (shm = shm_of(p->os, region)) != NULL)
            return shm;
    return NULL;
}

int64_t
os_sys_shmdt(struct os_process *p, const uint64_t *a)
{
    struct space *space = p->mm->space;
    struct space_region region;
    uint64_t va = a[0];
    struct os_shm *shm = page_floor(va) == va ? shm_piece(p, va, &region) : NULL;

    if (shm == NULL)
        return -OS_EINVAL;
    /* As Linux has it: the first piece, even past the segment's end, and others up to there. */
    uint64_t end = va + page_ceil(shm->size);
    do {
        if (region.object == shm->object && region.start - region.offset == va)
            (void)!space->ops->unmap(space, region.start, region.end - region.start);
    } while (space->ops->find(space, region.end, &region) && region.end <= end);
    shm->detached_at = shm_now(p->os);
    shm->last = p->pid;
    os_shm_reap(p->os);
    return 0;
}

static int64_t
shm_stat(struct os_process *p, const struct os_shm *shm, uint64_t va)
{
    const struct os *os = p->os;
    struct shm_ds ds = {.key = shm->removed ? IPC_PRIVATE : shm->key,
        .uid = os->uid[1],
        .gid = os->gid[1],
        .cuid = os->uid[1],
        .cgid = os->gid[1],
        .mode = shm->mode | (shm->removed ? SHM_DEST : 0),
        .size = shm->size,
        .atime = shm->attached_at,
        .dtime = shm->detached_at,
        .ctime = shm->changed,
        .cpid = shm->creator,
        .lpid = shm->last,
        .nattch = shm_attached(shm)};

    return os_copy_out(p, va, &ds, sizeof ds);
}

static int64_t
shm_set(struct os_process *p, struct os_shm *shm, uint64_t va)
{
    struct shm_ds ds;

    if (os_copy_in(p, va, &ds, sizeof ds) != 0)
        return -OS_EFAULT;
    shm->mode = ds.mode & 0777;
    shm->changed = shm_now(p->os);
    return 0;
}

int64_t
os_sys_shmctl(struct os_process *p, const uint64_t *a)
{
    struct os_shm *shm = shm_by_id(p->os, a[0]);

    if (shm == NULL)
        return -OS_EINVAL;
    switch ((int32_t)a[1]) {
    case IPC_RMID:
        shm->removed = true;
        os_shm_reap(p->os);
        return 0;
    case IPC_STAT:
        return shm_stat(p, shm, a[2]);
    case IPC_SET:
        return shm_set(p, shm, a[2]);
    case SHM_LOCK: /* a wish: whoever needs its pages in RAM uses mlock */
    case SHM_UNLOCK:
        return 0;
    default:
        return -OS_EINVAL;
    }
}
