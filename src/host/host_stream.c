/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/host_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum pgw_status
host_stream_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return PGW_NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return PGW_ACCESS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return PGW_NOSWAP;
    default:
        return PGW_IO;
    }
}

static enum pgw_status
host_stream_adopt(int fd, bool owned, struct host_stream *stream)
{
    struct stat is;

    if (fd < 0)
        return host_stream_status(errno);
    if (fstat(fd, &is) != 0 || S_ISDIR(is.st_mode)) {
        if (owned)
            (void)close(fd);
        return PGW_IO;
    }
    /* A standard input that somebody has read from begins where they stopped: no offsets in it. */
    bool regular = S_ISREG(is.st_mode) && (owned || lseek(fd, 0, SEEK_CUR) == 0);
    *stream = (struct host_stream){
        .fd = fd, .regular = regular, .owned = owned, .size = regular ? (uint64_t)is.st_size : 0};
    return PGW_OK;
}

enum pgw_status
host_stream_open(const char *path, struct host_stream *stream)
{
    if (strcmp(path, "-") == 0)
        return host_stream_adopt(STDIN_FILENO, false, stream);
    return host_stream_adopt(open(path, O_RDONLY | O_CLOEXEC), true, stream);
}

enum pgw_status
host_stream_create(const char *path, struct host_stream *stream)
{
    if (strcmp(path, "-") == 0)
        return host_stream_adopt(STDOUT_FILENO, false, stream);
    return host_stream_adopt(
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), true, stream);
}

enum pgw_status
host_stream_close(struct host_stream *stream)
{
    int fd = stream->fd;

    stream->fd = -1;
    if (fd < 0 || !stream->owned || close(fd) == 0)
        return PGW_OK;
    return host_stream_status(errno);
}

enum pgw_status
host_stream_read(struct host_stream *stream, void *buf, size_t len, size_t *got)
{
    ssize_t n;

    do
        n = read(stream->fd, buf, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return PGW_IO;
    *got = (size_t)n;
    return PGW_OK;
}

enum pgw_status
host_stream_write(struct host_stream *stream, const void *buf, size_t len)
{
    const char *at = buf;

    while (len > 0) {
        ssize_t n = write(stream->fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return host_stream_status(errno);
        at += n;
        len -= (size_t)n;
    }
    return PGW_OK;
}

enum pgw_status
host_stream_seek(struct host_stream *stream, uint64_t offset)
{
    if (!stream->regular)
        return PGW_UNSUPPORTED;
    return lseek(stream->fd, (off_t)offset, SEEK_SET) < 0 ? PGW_IO : PGW_OK;
}
