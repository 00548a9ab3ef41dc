/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about descriptors and the files behind them. */
#include <string.h>

#include "os/machine.h"
#include "os/paths.h"
#include "os/pipe.h"
#include "os/reclock.h"
#include "os/regular.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/textbusy.h"
#include "os/uaccess.h"

enum fcntl_command {
    F_DUPFD = 0,
    F_GETFD = 1,
    F_SETFD = 2,
    F_GETFL = 3,
    F_SETFL = 4,
    F_GETLK = 5,
    F_SETLK = 6,
    F_SETLKW = 7,
    F_OFD_GETLK = 36,
    F_OFD_SETLK = 37,
    F_OFD_SETLKW = 38,
    F_DUPFD_CLOEXEC = 1030,
    F_GETPIPE_SZ = 1032,
    F_ADD_SEALS = 1033,
    F_GET_SEALS = 1034
};
#define FD_CLOEXEC 1u
#define LOCK_NB 4u
#define LOCK_FROM_OFFSET 1 /* SEEK_CUR */
#define SETTABLE (OS_O_APPEND | OS_O_NONBLOCK)

enum ioctl_request {
    TCGETS = 0x5401,
    TIOCGPGRP = 0x540f,
    TIOCSPGRP = 0x5410,
    TIOCGWINSZ = 0x5413,
    FIONREAD = 0x541b,
    FIONBIO = 0x5421
};

/*
 * Does fd show the process that runs the machine, by whatever name it was found?  Its memory is
 * all its programs' memory, so that a file under its /proc directory would lead out of a space.
 * The first three descriptors are the program's own, as far as it has not changed them.
 */
static bool
shows_ourselves(struct os *os, int64_t fd)
{
    char own[64];
    char *path = os->path[1];
    int64_t self = host_io_open(OS_AT_FDCWD, "/proc/self", (int)OS_O_PATH, 0);

    if (self < 0)
        return false;
    int64_t own_len = host_io_fd_path((int)self, own, sizeof own - 1);
    int64_t len = host_io_fd_path((int)fd, path, OS_PATH_MAX - 1);
    host_io_close((int)self);
    if (own_len <= 0 || len <= own_len)
        return false;
    own[own_len] = path[len] = '\0';
    if (strncmp(path, own, (size_t)own_len) != 0 || path[own_len] != '/')
        return false;
    const char *rest = path + own_len;
    return strcmp(rest, "/fd/0") != 0 && strcmp(rest, "/fd/1") != 0 && strcmp(rest, "/fd/2") != 0;
}

/* The same of a link before it is followed: those of /proc/PID/fd lead to what has no name. */
static bool
link_shows_ourselves(struct os *os, int dir, const char *path)
{
    int64_t fd = host_io_open(dir, path, (int)(OS_O_PATH | OS_O_NOFOLLOW), 0);
    bool shows = fd >= 0 && shows_ourselves(os, fd);

    if (fd >= 0)
        host_io_close((int)fd);
    return shows;
}

/* Does the path lead to what one of the first three descriptors has open? */
static bool
leads_to_ours(int dir, const char *path)
{
    struct host_io_stat st, own;

    if (host_io_stat(dir, path, 0, &st) < 0)
        return false;
    for (int fd = 0; fd <= 2; fd++)
        if (host_io_stat(fd, "", OS_AT_EMPTY_PATH, &own) == 0 && own.dev == st.dev &&
            own.ino == st.ino && own.rdev == st.rdev)
            return true;
    return false;
}

/* A link may lead to one of those links, so none is followed on the way, but for /dev/stdin and the
 * like. */
static int64_t
open_not_ourselves(int dir, const char *path, int flags, uint32_t mode)
{
    int64_t fd = host_io_open_plain(dir, path, flags, mode);

    if (fd == -OS_ELOOP && leads_to_ours(dir, path))
        return host_io_open(dir, path, flags, mode);
    return fd;
}

static bool
is_fifo(int dir, const char *path)
{
    struct host_io_stat st;

    return host_io_stat(dir, path, 0, &st) == 0 && (st.mode & 0170000) == 0010000;
}

/* Is it to be written (or cut, which O_TRUNC does whatever else is asked), if it is there at all?
 */
static int64_t
check_text(struct os *os, int dir, const char *path, uint32_t flags)
{
    bool writes = (flags & OS_O_ACCMODE) != OS_O_RDONLY || (flags & OS_O_TRUNC) != 0;
    bool makes = (flags & (OS_O_CREAT | OS_O_EXCL)) == (OS_O_CREAT | OS_O_EXCL);

    if (!writes || makes || (flags & OS_O_PATH) != 0)
        return 0;
    return os_textbusy_check(
        os, dir, path, (flags & OS_O_NOFOLLOW) != 0 ? (int)OS_AT_SYMLINK_NOFOLLOW : 0);
}

/*
 * Opens for p on the host, without ever waiting there: who comes to a FIFO's other end may be
 * another process of ours.  A writer waits here for its reader; a reader need not wait, because
 * the FIFO shows nothing to be read, not even its end, before the first writer has come.
 */
static int64_t
open_host(struct os_process *p, int dir, const char *path, uint32_t flags, uint32_t mode)
{
    uint32_t never_wait = (flags & OS_O_PATH) == 0 ? OS_O_NONBLOCK : 0;

    if (link_shows_ourselves(p->os, dir, path))
        return -OS_ENOENT;
    int64_t busy = check_text(p->os, dir, path, flags);
    if (busy != 0)
        return busy;
    int64_t fd = open_not_ourselves(dir, path, (int)((flags | never_wait) & ~OS_O_LARGEFILE), mode);
    if (fd == -OS_ENXIO && (flags & OS_O_NONBLOCK) == 0 && is_fifo(dir, path))
        return os_block_retry(p);
    if (fd >= 0 && shows_ourselves(p->os, fd)) {
        host_io_close((int)fd);
        return -OS_ENOENT;
    }
    return fd;
}

/* A file of the machine's own /proc, which the path just looked up leads to. */
static int64_t
open_proc(struct os_process *p, uint32_t flags)
{
    struct os_file *file;
    int64_t ret = os_proc_open(p, &p->os->proc, flags, &file);

    if (ret < 0)
        return ret;
    ret = os_fd_install(p, file, 0, (flags & OS_O_CLOEXEC) != 0);
    if (ret < 0)
        os_file_put(p->os, file);
    return ret;
}

int64_t
os_sys_openat(struct os_process *p, const uint64_t *a)
{
    struct os_file *file;
    uint32_t flags = (uint32_t)a[2] & ~OS_O_ASYNC;
    const char *path;
    int dir;
    bool reads = (flags & (OS_O_ACCMODE | OS_O_CREAT)) == OS_O_RDONLY;
    int64_t ret = (reads ? os_path_find : os_path_get)(p, a[0], a[1], 0, &dir, &path);

    if (ret != 0 && p->os->proc.kind != OS_PROC_FILE && p->os->proc.kind != OS_PROC_DIR)
        return ret;
    if (ret != 0)
        return open_proc(p, flags);
    if (os_memfile_open(p, path, flags, (uint32_t)a[3], &ret))
        return ret;
    ret = open_host(p, dir, path, flags, (uint32_t)a[3]);
    if (ret < 0)
        return ret;
    if (os_file_adopt(p->os, (int)ret, flags & ~(OS_O_CLOEXEC | OS_O_CREAT), &file) != PGW_OK)
        return -OS_ENOMEM;
    file->own_pos = file->regular;
    if (file->regular && (flags & OS_O_TRUNC) != 0)
        os_regular_resized(p->os, file->host_fd);
    ret = os_fd_install(p, file, 0, (flags & OS_O_CLOEXEC) != 0);
    if (ret < 0)
        os_file_put(p->os, file);
    return ret;
}

int64_t
os_sys_close(struct os_process *p, const uint64_t *a)
{
    return os_fd_close(p, a[0]);
}

static int64_t
duplicate(struct os_process *p, uint64_t fd, uint64_t min, bool cloexec)
{
    struct os_file *file = os_fd_file(p, fd);

    if (file == NULL)
        return -OS_EBADF;
    if (min >= p->files->limit)
        return -OS_EINVAL;
    int64_t ret = os_fd_install(p, file, min, cloexec);
    if (ret >= 0)
        os_file_get(file);
    return ret;
}

int64_t
os_sys_dup(struct os_process *p, const uint64_t *a)
{
    return duplicate(p, a[0], 0, false);
}

int64_t
os_sys_dup3(struct os_process *p, const uint64_t *a)
{
    struct os_file *file = os_fd_file(p, a[0]);
    uint32_t to = (uint32_t)a[1];

    if ((uint32_t)a[0] == to || ((uint32_t)a[2] & ~OS_O_CLOEXEC) != 0)
        return -OS_EINVAL;
    if (file == NULL || to >= p->files->limit)
        return -OS_EBADF;
    os_file_get(file);
    (void)os_fd_close(p, to);
    p->files->fd[to] = (struct os_fd){file, (a[2] & OS_O_CLOEXEC) != 0};
    return to;
}

static int64_t
set_flags(struct os_file *file, uint32_t flags)
{
    int64_t ret = 0;

    /* O_NONBLOCK is ours alone: the host's descriptor may be shared with its shell. */
    if (file->kind == OS_FILE_HOST && ((file->flags ^ flags) & OS_O_APPEND) != 0) {
        ret = host_io_get_flags(file->host_fd);
        if (ret >= 0)
            ret = host_io_set_flags(
                file->host_fd, (int)(((uint32_t)ret & ~OS_O_APPEND) | (flags & OS_O_APPEND)));
    }
    if (ret >= 0)
        file->flags = (file->flags & ~SETTABLE) | (flags & SETTABLE);
    return ret < 0 ? ret : 0;
}

/* In a struct flock, a range that counts from the file's offset counts from its start, since the
 * host does not know the offset. */
static void
lock_from_start(const struct os_file *file, unsigned char *lock)
{
    int16_t whence;
    int64_t start;

    memcpy(&whence, lock + 2, sizeof whence);
    memcpy(&start, lock + 8, sizeof start);
    if (!file->own_pos || whence != LOCK_FROM_OFFSET)
        return;
    start += (int64_t)file->pos;
    whence = 0;
    memcpy(lock + 2, &whence, sizeof whence);
    memcpy(lock + 8, &start, sizeof start);
}

/* Those of open file descriptions are the host's; POSIX's, on regular files, are in os/reclock.h.
 */
static int64_t
record_lock(struct os_process *p, const struct os_file *file, int command, uint64_t va)
{
    unsigned char lock[32];
    bool waits = command == F_SETLKW || command == F_OFD_SETLKW;

    if (file->kind != OS_FILE_HOST)
        return -OS_EINVAL;
    if (os_copy_in(p, va, lock, sizeof lock) != 0)
        return -OS_EFAULT;
    bool posix = command <= F_SETLKW && file->regular;
    int64_t ret;
    if (posix) {
        ret = os_reclock_call(p, file, command == F_GETLK, lock);
    } else {
        lock_from_start(file, lock);
        ret = host_io_lock(file->host_fd, waits ? command - 1 : command, lock);
    }
    if (waits && (ret == -OS_EAGAIN || ret == -OS_EACCES))
        return os_block_retry(p);
    if (ret >= 0 && (command == F_GETLK || command == F_OFD_GETLK) &&
        os_copy_out(p, va, lock, sizeof lock) != 0)
        return -OS_EFAULT;
    return ret;
}

int64_t
os_sys_fcntl(struct os_process *p, const uint64_t *a)
{
    struct os_file *file = os_fd_file(p, a[0]);
    uint32_t command = (uint32_t)a[1];

    if (file == NULL)
        return -OS_EBADF;
    if ((command >= F_GETLK && command <= F_SETLKW) ||
        (command >= F_OFD_GETLK && command <= F_OFD_SETLKW))
        return record_lock(p, file, (int)command, a[2]);
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(p, a[0], a[2], command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return p->files->fd[(uint32_t)a[0]].cloexec ? FD_CLOEXEC : 0;
    case F_SETFD:
        p->files->fd[(uint32_t)a[0]].cloexec = (a[2] & FD_CLOEXEC) != 0;
        return 0;
    case F_GETFL:
        return file->flags | (file->kind == OS_FILE_HOST ? OS_O_LARGEFILE : 0);
    case F_SETFL:
        return set_flags(file, (uint32_t)a[2]);
    case F_ADD_SEALS:
        return os_memfile_seal(p->os, file, (uint32_t)a[2]);
    case F_GET_SEALS:
        return file->kind == OS_FILE_MEMORY ? (int64_t)file->memory->seals : -OS_EINVAL;
    case F_GETPIPE_SZ:
        return file->pipe == NULL ? -OS_EBADF : (int64_t)OS_PIPE_SIZE;
    default:
        return -OS_EINVAL;
    }
}

/* One end of a pipe as an open file; NULL: no memory. */
static struct os_file *
pipe_end(struct os *os, struct os_pipe *pipe, bool writer, uint32_t flags)
{
    struct os_file *file = base_pool_get(&os->open_files);

    if (file != NULL)
        *file = (struct os_file){
            .refs = 1,
            .kind = writer ? OS_FILE_PIPE_WRITE : OS_FILE_PIPE_READ,
            .flags = (flags & OS_O_NONBLOCK) | (writer ? OS_O_WRONLY : OS_O_RDONLY),
            .host_fd = -1,
            .pipe = pipe,
        };
    else
        os_pipe_drop(&os->pipes, os->config.alloc, pipe, writer);
    return file;
}

int64_t
os_sys_pipe2(struct os_process *p, const uint64_t *a)
{
    struct os *os = p->os;
    struct os_pipe *pipe;
    struct os_file *ends[2];
    int32_t fds[2] = {-1, -1};
    uint32_t flags = (uint32_t)a[1];
    int64_t ret = -OS_ENOMEM;

    if ((flags & ~(OS_O_NONBLOCK | OS_O_CLOEXEC | OS_O_DIRECT)) != 0)
        return -OS_EINVAL;
    if (os->pipes.live >= OS_PIPES_MAX)
        return -OS_ENFILE;
    if (os_pipe_create(&os->pipes, os->config.alloc, &pipe) != PGW_OK)
        return -OS_ENOMEM;
    for (int i = 0; i < 2; i++) {
        ends[i] = pipe_end(os, pipe, i == 1, flags);
        if (ends[i] == NULL)
            continue;
        ret = os_fd_install(p, ends[i], 0, (flags & OS_O_CLOEXEC) != 0);
        fds[i] = (int32_t)ret;
        if (ret < 0)
            os_file_put(os, ends[i]);
    }
    if (fds[0] >= 0 && fds[1] >= 0) {
        ret = os_copy_out(p, a[0], fds, sizeof fds);
        if (ret == 0)
            return 0;
    }
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            (void)os_fd_close(p, (uint64_t)fds[i]);
    return ret < 0 ? ret : -OS_ENOMEM;
}

/* Never waits inside the host: whoever holds the lock may be another process of ours. */
int64_t
os_sys_flock(struct os_process *p, const uint64_t *a)
{
    const struct os_file *file = os_fd_file(p, a[0]);

    if (file == NULL || file->kind != OS_FILE_HOST)
        return -OS_EBADF;
    int64_t ret = host_io_flock(file->host_fd, (int)((uint32_t)a[1] | LOCK_NB));
    return ret == -OS_EAGAIN && ((uint32_t)a[1] & LOCK_NB) == 0 ? os_block_retry(p) : ret;
}

static int64_t
fionread(struct os_process *p, const struct os_file *file, uint64_t va)
{
    int32_t n = 0;
    int64_t ret = 0;

    if (file->kind == OS_FILE_MEMORY)
        return -OS_ENOTTY;
    if (file->kind != OS_FILE_HOST)
        n = (int32_t)file->pipe->len;
    else
        ret = host_io_ioctl(file->host_fd, FIONREAD, &n);
    return ret < 0 ? ret : os_copy_out(p, va, &n, sizeof n);
}

static int64_t
fionbio(struct os_process *p, struct os_file *file, uint64_t va)
{
    int32_t on;

    if (os_copy_in(p, va, &on, sizeof on) != 0)
        return -OS_EFAULT;
    file->flags = on != 0 ? file->flags | OS_O_NONBLOCK : file->flags & ~OS_O_NONBLOCK;
    return 0;
}

/* A request that fills in a record of at most 64 bytes. */
static int64_t
ioctl_out(
    struct os_process *p, const struct os_file *file, uint32_t request, uint64_t va, size_t len)
{
    unsigned char record[64];

    memset(record, 0, sizeof record);
    if (file->kind != OS_FILE_HOST)
        return -OS_ENOTTY;
    int64_t ret = host_io_ioctl(file->host_fd, request, record);
    return ret < 0 ? ret : os_copy_out(p, va, record, len);
}

int64_t
os_sys_ioctl(struct os_process *p, const uint64_t *a)
{
    struct os_file *file = os_fd_file(p, a[0]);

    if (file == NULL)
        return -OS_EBADF;
    switch ((uint32_t)a[1]) {
    case TCGETS:
        return ioctl_out(p, file, TCGETS, a[2], 36);
    case TIOCGWINSZ:
        return ioctl_out(p, file, TIOCGWINSZ, a[2], 8);
    case FIONREAD:
        return fionread(p, file, a[2]);
    case FIONBIO:
        return fionbio(p, file, a[2]);
    default:
        return -OS_ENOTTY;
    }
}
