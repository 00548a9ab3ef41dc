/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/size.h"

#define HOST_FILE_RUN_MAX 16u /* buffers in one vectored call */

static enum pgw_status
host_file_open_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return PGW_NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return PGW_ACCESS;
    default:
        return PGW_IO;
    }
}

static enum pgw_status
host_file_write_status(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? PGW_NOSWAP : PGW_IO;
}

enum pgw_status
host_file_create(const char *path, struct base_inject *inject, struct host_file *file)
{
    /* Swap holds the memory of programs: nobody but its owner may read it. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return host_file_open_status(errno);
    *file = (struct host_file){.fd = fd, .inject = inject};
    return PGW_OK;
}

/* For file systems that have no O_TMPFILE. */
static int
host_file_temp_unlinked(const char *dir)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/pagewright-XXXXXX", dir);

    if (len < 0 || (size_t)len >= sizeof(path))
        return -1;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

static int
host_file_temp_in(const char *dir)
{
    if (dir == NULL || dir[0] == '\0')
        return -1;
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : host_file_temp_unlinked(dir);
}

enum pgw_status
host_file_temp(struct base_inject *inject, struct host_file *file)
{
    const char *const dirs[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        int fd = host_file_temp_in(dirs[i]);
        if (fd >= 0) {
            *file = (struct host_file){.fd = fd, .inject = inject};
            return PGW_OK;
        }
    }
    return host_file_open_status(errno);
}

enum pgw_status
host_file_adopt(int fd, struct base_inject *inject, struct host_file *file)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy < 0)
        return PGW_IO;
    *file = (struct host_file){.fd = copy, .inject = inject};
    return PGW_OK;
}

enum pgw_status
host_file_reopen(int fd, bool write, struct base_inject *inject, struct host_file *file)
{
    char path[64];
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return PGW_IO;
    if (write && (flags & O_ACCMODE) != O_RDWR)
        return PGW_ACCESS;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (again < 0) /* no /proc, or its mode was changed since */
        return host_file_adopt(fd, inject, file);
    *file = (struct host_file){.fd = again, .inject = inject};
    return PGW_OK;
}

void
host_file_close(struct host_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}

/* The buffers of a transfer that are still to be done. */
struct host_file_rest {
    struct iovec *iov;
    unsigned n;
    uint64_t offset; /* in the file */
};

static void
host_file_advance(struct host_file_rest *rest, size_t done)
{
    rest->offset += done;
    while (rest->n > 0 && done >= rest->iov->iov_len) {
        done -= rest->iov->iov_len;
        rest->iov++;
        rest->n--;
    }
    if (done > 0) {
        rest->iov->iov_base = (char *)rest->iov->iov_base + done;
        rest->iov->iov_len -= done;
    }
}

static enum pgw_status
host_file_readv(struct host_file *file, struct host_file_rest rest)
{
    if (base_inject_fails(file->inject, INJECT_READ))
        return PGW_IO;
    while (rest.n > 0) {
        ssize_t got = preadv(file->fd, rest.iov, (int)rest.n, (off_t)rest.offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return PGW_IO;
        if (got == 0)
            break;
        host_file_advance(&rest, (size_t)got);
    }
    for (unsigned i = 0; i < rest.n; i++) /* past the end */
        memset(rest.iov[i].iov_base, 0, rest.iov[i].iov_len);
    return PGW_OK;
}

/*
 * True if the process may make the file this long.  Asked beforehand, because the host answers
 * a write past RLIMIT_FSIZE with SIGXFSZ, which would end the process that the core serves.
 */
static bool
host_file_length_allowed(const struct host_file *file, uint64_t end)
{
    struct rlimit limit;
    struct stat st;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return true;
    return end <= limit.rlim_cur || fstat(file->fd, &st) != 0 || !S_ISREG(st.st_mode);
}

static enum pgw_status
host_file_writev(struct host_file *file, struct host_file_rest rest, size_t len)
{
    if (base_inject_fails(file->inject, INJECT_WRITE))
        return PGW_IO;
    if (!host_file_length_allowed(file, rest.offset + len))
        return PGW_NOSWAP;
    while (rest.n > 0) {
        ssize_t put = pwritev(file->fd, rest.iov, (int)rest.n, (off_t)rest.offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return host_file_write_status(errno);
        if (put == 0)
            return PGW_IO;
        host_file_advance(&rest, (size_t)put);
    }
    return PGW_OK;
}

enum pgw_status
host_file_read(struct host_file *file, void *buf, size_t len, uint64_t offset)
{
    struct iovec iov = {.iov_base = buf, .iov_len = len};

    return host_file_readv(file, (struct host_file_rest){&iov, len > 0, offset});
}

enum pgw_status
host_file_write(struct host_file *file, const void *buf, size_t len, uint64_t offset)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};

    return host_file_writev(file, (struct host_file_rest){&iov, len > 0, offset}, len);
}

static void
host_file_page_iov(struct iovec *iov, void *const *bufs, unsigned n)
{
    BASE_ASSERT(n <= HOST_FILE_RUN_MAX);
    for (unsigned i = 0; i < n; i++)
        iov[i] = (struct iovec){.iov_base = bufs[i], .iov_len = PAGE_SIZE};
}

enum pgw_status
host_file_read_pages(struct host_file *file, void *const *bufs, unsigned n, uint64_t offset)
{
    struct iovec iov[HOST_FILE_RUN_MAX];

    host_file_page_iov(iov, bufs, n);
    return host_file_readv(file, (struct host_file_rest){iov, n, offset});
}

enum pgw_status
host_file_write_pages(struct host_file *file, void *const *bufs, unsigned n, uint64_t offset)
{
    struct iovec iov[HOST_FILE_RUN_MAX];

    host_file_page_iov(iov, bufs, n);
    return host_file_writev(file, (struct host_file_rest){iov, n, offset}, n * PAGE_SIZE);
}

/* fstat and not a seek: an adopted descriptor shares its position with the caller's. */
enum pgw_status
host_file_size(struct host_file *file, uint64_t *bytes)
{
    struct stat st;

    if (fstat(file->fd, &st) != 0)
        return PGW_IO;
    if (S_ISBLK(st.st_mode))
        return ioctl(file->fd, BLKGETSIZE64, bytes) == 0 ? PGW_OK : PGW_IO;
    *bytes = (uint64_t)st.st_size;
    return PGW_OK;
}

enum pgw_status
host_file_resize(struct host_file *file, uint64_t bytes)
{
    if (bytes > INT64_MAX)
        return PGW_RANGE;
    if (!host_file_length_allowed(file, bytes))
        return PGW_NOSWAP;
    while (ftruncate(file->fd, (off_t)bytes) != 0) {
        if (errno != EINTR)
            return host_file_write_status(errno);
    }
    return PGW_OK;
}

void
host_file_read_exactly(struct host_file *file)
{
    (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_RANDOM);
}

void
host_file_punch(struct host_file *file, uint64_t offset, uint64_t len)
{
    (void)fallocate(
        file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);
}

static enum host_file_kind
host_file_kind_of(const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        return HOST_FILE_REGULAR;
    return S_ISBLK(st->st_mode) ? HOST_FILE_BLOCK : HOST_FILE_OTHER;
}

enum host_file_kind
host_file_kind_at(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? host_file_kind_of(&st) : HOST_FILE_NONE;
}

uint64_t
host_file_len_at(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

enum host_file_kind
host_file_kind(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? host_file_kind_of(&st) : HOST_FILE_NONE;
}

enum pgw_status
host_file_identify(int fd, struct host_file_identity *identity)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return PGW_IO;
    if (!S_ISREG(st.st_mode))
        return PGW_UNSUPPORTED;
    *identity = (struct host_file_identity){.dev = st.st_dev,
        .ino = st.st_ino,
        .len = (uint64_t)st.st_size,
        .changed_s = (uint64_t)st.st_mtim.tv_sec,
        .changed_ns = (uint64_t)st.st_mtim.tv_nsec,
        .blocks = (uint64_t)st.st_blocks};
    return PGW_OK;
}

enum pgw_status
host_file_claim(struct host_file *file)
{
    return flock(file->fd, LOCK_EX | LOCK_NB) == 0 ? PGW_OK : PGW_EXIST;
}
