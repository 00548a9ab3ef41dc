/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's side of a guest program's file system calls.
 *
 * Every function returns what the system call returns, or -errno.  Numbers and layouts are those
 * of Linux's generic ABI, which riscv64 and the hosts that this is built for share; where a host
 * could differ (struct stat), an explicit record is used.
 */
#ifndef HOST_GUEST_IO_H
#define HOST_GUEST_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What kind of file a descriptor leads to, as far as blocking is concerned. */
enum host_io_kind {
    HOST_IO_REGULAR, /* reads and writes do not wait for anybody */
    HOST_IO_STREAM   /* a terminal, pipe, socket: may wait for ever */
};

struct host_io_time {
    int64_t sec;
    int64_t nsec;
};

struct host_io_stat {
    uint64_t dev, ino, rdev, size, blocks;
    uint32_t mode, nlink, uid, gid, blksize;
    struct host_io_time atime, mtime, ctime;
};

/* A descriptor to wait for: events and revents as in poll(2). */
struct host_io_poll {
    int fd;
    short events, revents;
};

/* The new descriptor is close-on-exec for the host. */
int64_t host_io_open(int dir, const char *path, int flags, uint32_t mode);
/* The same, but -ELOOP where the path leads by way of a magic link, such as those of /proc/self/fd
 * (openat2(2), RESOLVE_NO_MAGICLINKS; Linux 5.6, on older ones it is host_io_open). */
int64_t host_io_open_plain(int dir, const char *path, int flags, uint32_t mode);
/* A new, empty file without a name, close-on-exec; what: for the host's own lists. */
int64_t host_io_nameless(const char *what);
int64_t host_io_dup(int fd);
void host_io_close(int fd);
/* The kind of fd; REGULAR if it cannot be told. */
enum host_io_kind host_io_kind(int fd);

int64_t host_io_read(int fd, void *buf, size_t len);
int64_t host_io_write(int fd, const void *buf, size_t len);
/* The same for pipes and sockets, without SIGPIPE for us: a broken pipe is -EPIPE only. */
int64_t host_io_write_stream(int fd, const void *buf, size_t len);
int64_t host_io_pread(int fd, void *buf, size_t len, uint64_t offset);
int64_t host_io_pwrite(int fd, const void *buf, size_t len, uint64_t offset);
int64_t host_io_lseek(int fd, int64_t offset, int whence);
/* timeout in nanoseconds; negative: for ever. */
int64_t host_io_poll(struct host_io_poll *fds, unsigned n, int64_t timeout);
/* Waits until a signal of the host's ends the process. */
void host_io_pause(void);

int64_t host_io_stat(int dir, const char *path, int flags, struct host_io_stat *out);
/* out: struct statx, 256 bytes. */
int64_t host_io_statx(int dir, const char *path, int flags, uint32_t mask, void *out);
/* out: struct statfs, 120 bytes. */
int64_t host_io_statfs(int fd, void *out);
int64_t host_io_access(int dir, const char *path, int mode, int flags);
int64_t host_io_getdents(int fd, void *buf, size_t len);
int64_t host_io_readlink(int dir, const char *path, char *buf, size_t len);
/* The absolute path of an open directory. */
int64_t host_io_fd_path(int fd, char *buf, size_t len);

int64_t host_io_unlink(int dir, const char *path, int flags);
int64_t host_io_mkdir(int dir, const char *path, uint32_t mode);
int64_t host_io_mknod(int dir, const char *path, uint32_t mode, uint64_t dev);
int64_t host_io_symlink(const char *target, int dir, const char *path);
int64_t host_io_link(int from_dir, const char *from, int to_dir, const char *to, int flags);
int64_t host_io_rename(int from_dir, const char *from, int to_dir, const char *to, uint32_t flags);
/* No magic links. */
int64_t host_io_truncate(int dir, const char *path, int64_t len);
int64_t host_io_ftruncate(int fd, int64_t len);
int64_t host_io_fallocate(int fd, int mode, int64_t offset, int64_t len);
int64_t host_io_fsync(int fd, bool data_only);
int64_t host_io_flock(int fd, int operation);
int64_t host_io_fadvise(int fd, int64_t offset, int64_t len, int advice);
/* lock: struct flock with 64-bit offsets, 32 bytes. */
int64_t host_io_lock(int fd, int command, void *lock);
int64_t host_io_get_flags(int fd);
int64_t host_io_set_flags(int fd, int flags);
int64_t host_io_ioctl(int fd, uint32_t request, void *arg);
int64_t host_io_chmod(int dir, const char *path, uint32_t mode);
int64_t host_io_fchmod(int fd, uint32_t mode);
int64_t host_io_chown(int dir, const char *path, uint32_t uid, uint32_t gid, int flags);
/* times: two of them, or NULL for now; path NULL: of dir itself. */
int64_t host_io_utimens(int dir, const char *path, const struct host_io_time *times, int flags);

/* Sets the mask that new files are made with; returns the old one. */
uint32_t host_io_umask(uint32_t mask);
/* Who runs us: real and effective. */
void host_io_ids(uint32_t uid[2], uint32_t gid[2]);

#endif
