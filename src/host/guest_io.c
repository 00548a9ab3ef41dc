/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/guest_io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The result of a call that sets errno. */
static int64_t
result(int64_t ret)
{
    return ret < 0 ? -errno : ret;
}

int64_t
host_io_open(int dir, const char *path, int flags, uint32_t mode)
{
    return result(openat(dir, path, flags | O_CLOEXEC | O_NOCTTY, (mode_t)mode));
}

int64_t
host_io_open_plain(int dir, const char *path, int flags, uint32_t mode)
{
    const int known = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |
                      O_DIRECT | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_PATH | O_TMPFILE;
    struct open_how how = {.resolve = RESOLVE_NO_MAGICLINKS};
    bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;

    /* openat2 refuses what openat overlooks. */
    flags &= (flags & O_PATH) != 0 ? O_PATH | O_DIRECTORY | O_NOFOLLOW : known;
    how.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOCTTY));
    how.mode = makes && (flags & O_PATH) == 0 ? mode & 07777 : 0;
    int64_t fd = result(syscall(SYS_openat2, dir, path, &how, sizeof how));
    return fd == -ENOSYS ? host_io_open(dir, path, flags, mode) : fd;
}

int64_t
host_io_nameless(const char *what)
{
    return result(memfd_create(what, MFD_CLOEXEC));
}

int64_t
host_io_dup(int fd)
{
    return result(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

void
host_io_close(int fd)
{
    close(fd);
}

enum host_io_kind
host_io_kind(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return HOST_IO_REGULAR;
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
        return HOST_IO_STREAM;
    return S_ISCHR(st.st_mode) && isatty(fd) ? HOST_IO_STREAM : HOST_IO_REGULAR;
}

int64_t
host_io_read(int fd, void *buf, size_t len)
{
    return result(read(fd, buf, len));
}

int64_t
host_io_write(int fd, const void *buf, size_t len)
{
    return result(write(fd, buf, len));
}

/*
 * A broken pipe must end the guest's process, not ours: SIGPIPE is held back around the write
 * and, if the write has made one, taken out again.  Only this thread is touched.
 */
int64_t
host_io_write_stream(int fd, const void *buf, size_t len)
{
    static const struct timespec at_once = {0, 0};
    sigset_t pipe_set;
    sigset_t old;
    sigset_t pending;

    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigemptyset(&pending);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
    int64_t ret = result(write(fd, buf, len));
    if (ret == -EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe_set, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return ret;
}

int64_t
host_io_pread(int fd, void *buf, size_t len, uint64_t offset)
{
    return result(pread(fd, buf, len, (off_t)offset));
}

int64_t
host_io_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
    return result(pwrite(fd, buf, len, (off_t)offset));
}

int64_t
host_io_lseek(int fd, int64_t offset, int whence)
{
    return result(lseek(fd, offset, whence));
}

int64_t
host_io_poll(struct host_io_poll *fds, unsigned n, int64_t timeout)
{
    struct timespec ts = {timeout / 1000000000, timeout % 1000000000};

    _Static_assert(sizeof(struct host_io_poll) == sizeof(struct pollfd), "same record");
    return result(ppoll((struct pollfd *)fds, n, timeout < 0 ? NULL : &ts, NULL));
}

void
host_io_pause(void)
{
    pause();
}

int64_t
host_io_stat(int dir, const char *path, int flags, struct host_io_stat *out)
{
    struct stat st;

    if (fstatat(dir, path, &st, flags) != 0)
        return -errno;
    *out = (struct host_io_stat){
        .dev = st.st_dev,
        .ino = st.st_ino,
        .rdev = st.st_rdev,
        .size = (uint64_t)st.st_size,
        .blocks = (uint64_t)st.st_blocks,
        .mode = st.st_mode,
        .nlink = (uint32_t)st.st_nlink,
        .uid = st.st_uid,
        .gid = st.st_gid,
        .blksize = (uint32_t)st.st_blksize,
        .atime = {st.st_atim.tv_sec, st.st_atim.tv_nsec},
        .mtime = {st.st_mtim.tv_sec, st.st_mtim.tv_nsec},
        .ctime = {st.st_ctim.tv_sec, st.st_ctim.tv_nsec},
    };
    return 0;
}

int64_t
host_io_statx(int dir, const char *path, int flags, uint32_t mask, void *out)
{
    _Static_assert(sizeof(struct statx) == 256, "the ABI's size");
    return result(statx(dir, path, flags, mask, out));
}

int64_t
host_io_statfs(int fd, void *out)
{
    _Static_assert(sizeof(struct statfs) == 120, "the ABI's size");
    return result(fstatfs(fd, out));
}

int64_t
host_io_access(int dir, const char *path, int mode, int flags)
{
    return result(faccessat(dir, path, mode, flags));
}

int64_t
host_io_getdents(int fd, void *buf, size_t len)
{
    return result(syscall(SYS_getdents64, fd, buf, len));
}

int64_t
host_io_readlink(int dir, const char *path, char *buf, size_t len)
{
    return result(readlinkat(dir, path, buf, len));
}

int64_t
host_io_fd_path(int fd, char *buf, size_t len)
{
    char link[40];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return result(readlink(link, buf, len));
}

int64_t
host_io_unlink(int dir, const char *path, int flags)
{
    return result(unlinkat(dir, path, flags));
}

int64_t
host_io_mkdir(int dir, const char *path, uint32_t mode)
{
    return result(mkdirat(dir, path, (mode_t)mode));
}

int64_t
host_io_mknod(int dir, const char *path, uint32_t mode, uint64_t dev)
{
    return result(mknodat(dir, path, (mode_t)mode, (dev_t)dev));
}

int64_t
host_io_symlink(const char *target, int dir, const char *path)
{
    return result(symlinkat(target, dir, path));
}

int64_t
host_io_link(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return result(linkat(from_dir, from, to_dir, to, flags));
}

int64_t
host_io_rename(int from_dir, const char *from, int to_dir, const char *to, uint32_t flags)
{
    return result(renameat2(from_dir, from, to_dir, to, flags));
}

int64_t
host_io_truncate(int dir, const char *path, int64_t len)
{
    /* A FIFO must not keep us waiting for its reader. */
    int64_t fd = host_io_open_plain(dir, path, O_WRONLY | O_NONBLOCK, 0);

    if (fd < 0)
        return fd == -ENXIO ? -EINVAL : fd;
    int64_t ret = host_io_ftruncate((int)fd, len);
    close((int)fd);
    return ret;
}

int64_t
host_io_ftruncate(int fd, int64_t len)
{
    return result(ftruncate(fd, len));
}

int64_t
host_io_fallocate(int fd, int mode, int64_t offset, int64_t len)
{
    return result(fallocate(fd, mode, offset, len));
}

int64_t
host_io_fsync(int fd, bool data_only)
{
    return result(data_only ? fdatasync(fd) : fsync(fd));
}

int64_t
host_io_flock(int fd, int operation)
{
    return result(flock(fd, operation));
}

int64_t
host_io_fadvise(int fd, int64_t offset, int64_t len, int advice)
{
    return -posix_fadvise(fd, offset, len, advice);
}

int64_t
host_io_lock(int fd, int command, void *lock)
{
    _Static_assert(sizeof(struct flock) == 32, "the ABI's size");
    return result(fcntl(fd, command, lock));
}

int64_t
host_io_get_flags(int fd)
{
    return result(fcntl(fd, F_GETFL));
}

int64_t
host_io_set_flags(int fd, int flags)
{
    return result(fcntl(fd, F_SETFL, flags));
}

int64_t
host_io_ioctl(int fd, uint32_t request, void *arg)
{
    return result(ioctl(fd, request, arg));
}

int64_t
host_io_chmod(int dir, const char *path, uint32_t mode)
{
    return result(fchmodat(dir, path, (mode_t)mode, 0));
}

int64_t
host_io_fchmod(int fd, uint32_t mode)
{
    return result(fchmod(fd, (mode_t)mode));
}

int64_t
host_io_chown(int dir, const char *path, uint32_t uid, uint32_t gid, int flags)
{
    return result(fchownat(dir, path, uid, gid, flags));
}

int64_t
host_io_utimens(int dir, const char *path, const struct host_io_time *times, int flags)
{
    struct timespec ts[2];

    for (int i = 0; times != NULL && i < 2; i++)
        ts[i] = (struct timespec){times[i].sec, times[i].nsec};
    if (path == NULL)
        return result(futimens(dir, times != NULL ? ts : NULL));
    return result(utimensat(dir, path, times != NULL ? ts : NULL, flags));
}

uint32_t
host_io_umask(uint32_t mask)
{
    return umask((mode_t)mask);
}

void
host_io_ids(uint32_t uid[2], uint32_t gid[2])
{
    uid[0] = getuid();
    uid[1] = geteuid();
    gid[0] = getgid();
    gid[1] = getegid();
}
