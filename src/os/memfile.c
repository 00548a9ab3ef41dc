/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing such a file is copying between two mappings: a window onto its object is
 * mapped into the caller's space for the length of the call, and what copies to and from programs
 * copies there.  So its pages come in from swap, and make room for each other, as those of any
 * mapping.
 */
#include "os/memfile.h"

#include <stdio.h>
#include <string.h>

#include "os/errno.h"
#include "os/machine.h"
#include "os/objname.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define SHM_PREFIX "/dev/shm/"
#define SHM_PREFIX_LEN 9u
#define DEVICE 0x19u /* 0:25, as good as any */

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define SEEK_DATA 3
#define SEEK_HOLE 4

#define SEAL_SEAL 1u
#define SEAL_SHRINK 2u
#define SEAL_GROW 4u
#define SEAL_WRITE 8u
#define SEAL_FUTURE_WRITE 16u
#define SEALS 31u

#define FALLOC_KEEP_SIZE 1u
#define FALLOC_PUNCH_HOLE 2u

#define PUNCH_WINDOW ((uint64_t)16 << 20) /* bytes that are mapped at a time */

#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC 16u
#define MFD_NAME_MAX 250u

/* --- being --- */

enum pgw_status
os_memfile_create(struct os *os, uint32_t mode, uint32_t seals, struct os_memfile **mem)
{
    struct space_object *object;
    enum pgw_status status = os->config.memory_object(os->config.ctx, 0, &object);

    if (status != PGW_OK)
        return status;
    struct os_memfile *made = base_pool_get(&os->memfile_pool);
    if (made == NULL) {
        object->ops->release(object);
        return PGW_NOMEM;
    }
    *made = (struct os_memfile){
        .object = object, .refs = 1, .seals = seals, .mode = mode, .ino = ++os->memfile_inos};
    *mem = made;
    return PGW_OK;
}

void
os_memfile_put(struct os *os, struct os_memfile *mem)
{
    if (--mem->refs > 0)
        return;
    mem->object->ops->release(mem->object);
    base_pool_put(&os->memfile_pool, mem);
}

static uint64_t
memfile_len(const struct os_memfile *mem)
{
    return mem->object->ops->length(mem->object);
}

/* A descriptor of p for the file, whose reference it takes over. */
static int64_t
memfile_install(struct os_process *p, struct os_memfile *mem, uint32_t flags)
{
    struct os_file *file = base_pool_get(&p->os->open_files);

    if (file == NULL) {
        os_memfile_put(p->os, mem);
        return -OS_ENOMEM;
    }
    *file = (struct os_file){.refs = 1,
        .kind = OS_FILE_MEMORY,
        .flags = flags & ~(OS_O_CLOEXEC | OS_O_CREAT),
        .host_fd = -1,
        .memory = mem};
    int64_t fd = os_fd_install(p, file, 0, (flags & OS_O_CLOEXEC) != 0);
    if (fd < 0)
        os_file_put(p->os, file);
    return fd;
}

int64_t
os_sys_memfd_create(struct os_process *p, const uint64_t *a)
{
    uint32_t flags = (uint32_t)a[1];
    struct os_memfile *mem;
    char name[MFD_NAME_MAX];
    size_t len;

    if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)) != 0)
        return -OS_EINVAL;
    if ((flags & (MFD_NOEXEC_SEAL | MFD_EXEC)) == (MFD_NOEXEC_SEAL | MFD_EXEC))
        return -OS_EINVAL;
    int64_t ret = os_copy_string(p, a[0], name, sizeof name, &len);
    if (ret != 0)
        return ret == -OS_ENAMETOOLONG ? -OS_EINVAL : ret;
    bool sealing = (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)) != 0;
    enum pgw_status status = os_memfile_create(p->os, 0777, sealing ? 0 : SEAL_SEAL, &mem);
    if (status != PGW_OK)
        return status == PGW_UNSUPPORTED ? -OS_ENOSYS : os_error(status);
    mem->anonymous = true;
    memcpy(mem->name, name, len + 1);
    return memfile_install(
        p, mem, OS_O_RDWR | OS_O_LARGEFILE | ((flags & MFD_CLOEXEC) != 0 ? OS_O_CLOEXEC : 0));
}

/* --- names --- */

static const char *
memfile_name(const char *path)
{
    if (strncmp(path, SHM_PREFIX, SHM_PREFIX_LEN) != 0)
        return NULL;
    const char *name = path + SHM_PREFIX_LEN;
    if (name[0] == '\0' || strchr(name, '/') != NULL || strlen(name) >= OS_MEMFILE_NAME)
        return NULL;
    return name;
}

struct os_memfile *
os_memfile_find(struct os *os, const char *path)
{
    const char *name = memfile_name(path);
    struct os_memfile *mem;

    if (name == NULL)
        return NULL;
    LIST_FOREACH (mem, &os->memfiles, link)
        if (strcmp(mem->name, name) == 0)
            return mem;
    return NULL;
}

static void
memfile_unname(struct os *os, struct os_memfile *mem)
{
    LIST_REMOVE(mem, link);
    mem->named = false;
    os_memfile_put(os, mem);
}

bool
os_memfile_unlink(struct os *os, const char *path)
{
    struct os_memfile *mem = os_memfile_find(os, path);

    if (mem != NULL)
        memfile_unname(os, mem);
    return mem != NULL;
}

void
os_memfile_forget_names(struct os *os)
{
    struct os_memfile *mem;

    while ((mem = LIST_FIRST(&os->memfiles)) != NULL)
        memfile_unname(os, mem);
}

/* A file that the call makes; NULL: *ret is the error, 0 for a machine that has none such. */
static struct os_memfile *
memfile_make(struct os_process *p, const char *name, uint32_t mode, int64_t *ret)
{
    struct os_memfile *mem;
    enum pgw_status status = os_memfile_create(p->os, mode & 07777 & ~p->umask, SEAL_SEAL, &mem);

    *ret = status == PGW_UNSUPPORTED ? 0 : os_error(status);
    if (status != PGW_OK)
        return NULL;
    memcpy(mem->name, name, strlen(name) + 1);
    mem->named = true;
    LIST_INSERT_HEAD(&p->os->memfiles, mem, link);
    return mem;
}

void
os_memfile_note_name(struct os *os, const struct os_memfile *mem)
{
    char path[OS_MEMFILE_NAME + 32];

    (void)snprintf(path, sizeof path, "%s%s%s", mem->anonymous ? "/memfd:" : SHM_PREFIX, mem->name,
        mem->named ? "" : " (deleted)");
    os_objname_note_memory(os, mem->object, DEVICE, mem->ino, path);
}

bool
os_memfile_open(struct os_process *p, const char *path, uint32_t flags, uint32_t mode, int64_t *ret)
{
    const char *name = memfile_name(path);
    struct os_memfile *mem = os_memfile_find(p->os, path);

    if (name == NULL || (mem == NULL && (flags & OS_O_CREAT) == 0))
        return false;
    if (mem != NULL && (flags & (OS_O_CREAT | OS_O_EXCL)) == (OS_O_CREAT | OS_O_EXCL)) {
        *ret = -OS_EEXIST;
        return true;
    }
    if (mem == NULL)
        mem = memfile_make(p, name, mode, ret);
    if (mem == NULL)
        return *ret != 0;
    if ((flags & OS_O_TRUNC) != 0 && (flags & OS_O_ACCMODE) != OS_O_RDONLY)
        (void)mem->object->ops->resize(mem->object, 0); /* shorter: never refused */
    mem->refs++;
    *ret = memfile_install(p, mem, flags & ~(OS_O_TRUNC | OS_O_EXCL));
    return true;
}

/* --- content --- */

/* Copies between buf and the file's bytes from offset on, no further than the file reaches. */
static int64_t
memfile_copy(struct os_process *p, const struct os_memfile *mem, uint64_t offset, void *buf,
    size_t len, bool write)
{
    struct space *space = p->mm->space;
    size_t skew = (size_t)(offset & ~PAGE_MASK);
    struct space_map_args args = {.len = page_ceil(skew + len),
        .prot = PROT_MASK_R | (write ? PROT_MASK_W : 0u),
        .flags = SPACE_SHARED,
        .use = SPACE_USE_SHM,
        .object = mem->object,
        .offset = page_floor(offset)};
    uint64_t va;
    enum pgw_status status = space->ops->map(space, &args, &va);

    if (status != PGW_OK)
        return os_error(status);
    int64_t ret = write ? os_copy_out(p, va + skew, buf, len) : os_copy_in(p, va + skew, buf, len);
    (void)!space->ops->unmap(space, va, args.len);
    return ret == 0 ? (int64_t)len : -OS_ENOMEM;
}

int64_t
os_memfile_read(
    struct os_process *p, struct os_file *file, uint64_t va, uint64_t len, uint64_t offset)
{
    bool own = offset == UINT64_MAX;
    uint64_t from = own ? file->pos : offset;
    uint64_t end = memfile_len(file->memory);
    uint64_t done = 0;

    if (from >= end)
        return 0;
    if (len > end - from)
        len = end - from;
    while (done < len) {
        size_t piece = len - done < OS_BOUNCE ? (size_t)(len - done) : OS_BOUNCE;
        int64_t n = -OS_EFAULT;

        piece = os_copy_room(p, va + done, piece);
        if (piece > 0)
            n = memfile_copy(p, file->memory, from + done, p->os->bounce, piece, false);
        if (n > 0 && os_copy_out(p, va + done, p->os->bounce, piece) != 0)
            n = -OS_EFAULT;
        if (n < 0 && done == 0)
            return n;
        if (n < 0)
            break;
        done += (uint64_t)n;
    }
    file->pos += own ? done : 0;
    return (int64_t)done;
}

/* The file is to reach to `end` at least. */
static int64_t
memfile_grow(const struct os_memfile *mem, uint64_t end)
{
    if (end <= memfile_len(mem))
        return 0;
    if ((mem->seals & SEAL_GROW) != 0)
        return -OS_EPERM;
    enum pgw_status status = mem->object->ops->resize(mem->object, end);
    if (status == PGW_RANGE)
        return -OS_EFBIG;
    return status == PGW_OK ? 0 : -OS_ENOSPC;
}

static int64_t
memfile_write_piece(
    struct os_process *p, const struct os_memfile *mem, uint64_t va, size_t piece, uint64_t at)
{
    piece = os_copy_in_some(p, va, p->os->bounce, piece);
    if (piece == 0)
        return -OS_EFAULT;
    int64_t n = memfile_grow(mem, at + piece);
    return n == 0 ? memfile_copy(p, mem, at, p->os->bounce, piece, true) : n;
}

int64_t
os_memfile_write(
    struct os_process *p, struct os_file *file, uint64_t va, uint64_t len, uint64_t offset)
{
    struct os_memfile *mem = file->memory;
    bool own = offset == UINT64_MAX;
    uint64_t from = own ? file->pos : offset;
    uint64_t done = 0;
    int64_t n = 0;

    if ((file->flags & OS_O_APPEND) != 0)
        from = memfile_len(mem);
    if (len == 0)
        return 0;
    if ((mem->seals & (SEAL_WRITE | SEAL_FUTURE_WRITE)) != 0)
        return -OS_EPERM;
    if (from + len < from || (int64_t)(from + len) < 0)
        return own ? -OS_EFBIG : -OS_EINVAL;
    while (done < len) {
        size_t piece = len - done < OS_BOUNCE ? (size_t)(len - done) : OS_BOUNCE;
        n = memfile_write_piece(p, mem, va + done, piece, from + done);
        if (n < 0)
            break;
        done += (uint64_t)n;
    }
    if (own)
        file->pos = from + done;
    return done == 0 && n < 0 ? n : (int64_t)done;
}

int64_t
os_memfile_seek(struct os_file *file, int64_t offset, int whence)
{
    int64_t end = (int64_t)memfile_len(file->memory);
    int64_t to;

    if ((whence == SEEK_DATA || whence == SEEK_HOLE) && (offset < 0 || offset >= end))
        return -OS_ENXIO;
    switch (whence) {
    case SEEK_SET:
    case SEEK_DATA: /* all of it is data, as far as anybody can tell */
        to = offset;
        break;
    case SEEK_CUR:
        to = (int64_t)file->pos + offset;
        break;
    case SEEK_END:
        to = end + offset;
        break;
    case SEEK_HOLE:
        to = end;
        break;
    default:
        return -OS_EINVAL;
    }
    if (to < 0)
        return -OS_EINVAL;
    file->pos = (uint64_t)to;
    return to;
}

/* Zeros in [from, to), which the file has. */
static int64_t
memfile_zero(struct os_process *p, const struct os_memfile *mem, uint64_t from, uint64_t to)
{
    memset(p->os->bounce, 0, OS_BOUNCE);
    while (from < to) {
        size_t piece = to - from < OS_BOUNCE ? (size_t)(to - from) : OS_BOUNCE;
        int64_t n = memfile_copy(p, mem, from, p->os->bounce, piece, true);
        if (n < 0)
            return n;
        from += piece;
    }
    return 0;
}

/* Whole pages [from, to) of the file become holes. */
static int64_t
memfile_free(struct os_process *p, const struct os_memfile *mem, uint64_t from, uint64_t to)
{
    struct space *space = p->mm->space;
    enum pgw_status status = PGW_OK;

    while (from < to && status == PGW_OK) {
        struct space_map_args args = {.len = to - from < PUNCH_WINDOW ? to - from : PUNCH_WINDOW,
            .prot = PROT_MASK_R | PROT_MASK_W,
            .flags = SPACE_SHARED,
            .use = SPACE_USE_SHM,
            .object = mem->object,
            .offset = from};
        uint64_t va;

        status = space->ops->map(space, &args, &va);
        if (status != PGW_OK)
            break;
        status = space->ops->advise(space, va, args.len, SPACE_ADVICE_REMOVE);
        (void)!space->ops->unmap(space, va, args.len);
        from += args.len;
    }
    return os_error(status);
}

/* A hole in [from, to), which the file has: zeros where it begins and ends, and no pages between.
 */
static int64_t
memfile_punch(struct os_process *p, const struct os_memfile *mem, uint64_t from, uint64_t to)
{
    uint64_t first = page_ceil(from), last = page_floor(to);

    if (from >= to)
        return 0;
    if (first >= last)
        return memfile_zero(p, mem, from, to);
    int64_t ret = memfile_zero(p, mem, from, first);
    if (ret == 0)
        ret = memfile_zero(p, mem, last, to);
    return ret == 0 ? memfile_free(p, mem, first, last) : ret;
}

int64_t
os_memfile_truncate(struct os_process *p, struct os_file *file, uint64_t len)
{
    struct os_memfile *mem = file->memory;
    uint64_t old = memfile_len(mem);

    if ((file->flags & OS_O_ACCMODE) == OS_O_RDONLY || (int64_t)len < 0)
        return -OS_EINVAL;
    if (len > old)
        return memfile_grow(mem, len);
    if (len < old && (mem->seals & SEAL_SHRINK) != 0)
        return -OS_EPERM;
    uint64_t tail = page_ceil(len) < old ? page_ceil(len) : old;
    int64_t ret = memfile_zero(p, mem, len, tail);
    return ret < 0 ? ret : os_error(mem->object->ops->resize(mem->object, len));
}

int64_t
os_memfile_allocate(
    struct os_process *p, struct os_file *file, uint32_t mode, uint64_t offset, uint64_t len)
{
    struct os_memfile *mem = file->memory;
    uint64_t old = memfile_len(mem);

    if ((int64_t)offset < 0 || (int64_t)len <= 0)
        return -OS_EINVAL;
    if ((int64_t)(offset + len) < 0)
        return -OS_EFBIG;
    if ((file->flags & OS_O_ACCMODE) == OS_O_RDONLY)
        return -OS_EBADF;
    if (mode == (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE)) {
        if ((mem->seals & (SEAL_WRITE | SEAL_FUTURE_WRITE)) != 0)
            return -OS_EPERM;
        return memfile_punch(p, mem, offset, offset + len < old ? offset + len : old);
    }
    if ((mode & ~FALLOC_KEEP_SIZE) != 0)
        return -OS_EOPNOTSUPP;
    return (mode & FALLOC_KEEP_SIZE) != 0 ? 0 : memfile_grow(mem, offset + len);
}

void
os_memfile_stat(const struct os *os, const struct os_memfile *mem, struct host_io_stat *st)
{
    uint64_t len = memfile_len(mem);

    *st = (struct host_io_stat){.dev = DEVICE,
        .ino = mem->ino,
        .size = len,
        .blocks = page_ceil(len) / 512,
        .mode = 0100000 | mem->mode,
        .nlink = mem->named,
        .uid = os->uid[1],
        .gid = os->gid[1],
        .blksize = 4096,
        .atime = {OS_EPOCH, 0},
        .mtime = {OS_EPOCH, 0},
        .ctime = {OS_EPOCH, 0}};
}

/* --- seals --- */

/* Does any space map it shared?  (Linux lets those be that can never be made writable.) */
static bool
memfile_is_shared(const struct os *os, const struct os_memfile *mem)
{
    const struct os_process *p;
    struct space_region region;

    if (mem->object->ops->users(mem->object) == 1)
        return false;
    TAILQ_FOREACH (p, &os->all, all) {
        struct space *space = p->mm != NULL ? p->mm->space : NULL;
        uint64_t va = 0;

        for (; space != NULL && space->ops->find(space, va, &region); va = region.end)
            if (region.object == mem->object && region.shared)
                return true;
    }
    return false;
}

int64_t
os_memfile_seal(struct os *os, struct os_file *file, uint32_t seals)
{
    struct os_memfile *mem = file->memory;

    if ((file->flags & OS_O_ACCMODE) == OS_O_RDONLY)
        return -OS_EPERM;
    if (file->kind != OS_FILE_MEMORY || (seals & ~SEALS) != 0)
        return -OS_EINVAL;
    if ((mem->seals & SEAL_SEAL) != 0)
        return -OS_EPERM;
    if ((seals & SEAL_WRITE) != 0 && memfile_is_shared(os, mem))
        return -OS_EBUSY;
    mem->seals |= seals;
    return 0;
}

int64_t
os_memfile_map_flags(const struct os_memfile *mem, int64_t flags, bool write)
{
    if ((mem->seals & (SEAL_WRITE | SEAL_FUTURE_WRITE)) == 0 || (flags & SPACE_SHARED) == 0)
        return flags;
    return write ? -OS_EPERM : flags | (int64_t)SPACE_NOWRITE;
}
