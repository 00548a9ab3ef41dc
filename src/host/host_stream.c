/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/host_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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
    bool known = fstat(fd, &is) == 0;
    if (!known || S_ISDIR(is.st_mode)) {
        if (owned)
            (void)close(fd);
        return known ? PGW_INVAL : PGW_IO;
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

/* ---- a file beside its place ---- */

#define HOST_STREAM_PARTS 100u /* names that are tried: a killed process leaves one */

/* The place that path means, if a file can be put there; is: what is there now, its mode 0:
 * nothing. NULL: no, or no memory. */
static char *
host_stream_place(const char *path, struct stat *is)
{
    if (path[0] == '\0' || strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0)
        return NULL;
    if (stat(path, is) == 0)
        return S_ISREG(is->st_mode) && access(path, W_OK) == 0 ? realpath(path, NULL) : NULL;
    is->st_mode = 0;
    return errno == ENOENT && lstat(path, is) != 0 ? strdup(path) : NULL;
}

/* Makes stream->part; its descriptor, or -1. */
static int
host_stream_make_part(struct host_stream *stream)
{
    size_t room = strlen(stream->path) + sizeof ".part99";
    int fd = -1;

    stream->part = malloc(room);
    for (unsigned i = 0; stream->part != NULL && fd < 0 && i < HOST_STREAM_PARTS; i++) {
        if (i == 0)
            (void)snprintf(stream->part, room, "%s.part", stream->path);
        else
            (void)snprintf(stream->part, room, "%s.part%u", stream->path, i);
        fd = open(stream->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

static void
host_stream_forget(struct host_stream *stream)
{
    free(stream->path);
    free(stream->part);
    stream->path = stream->part = NULL;
}

/* false: it cannot be done this way. */
static bool
host_stream_create_beside(const char *path, struct host_stream *stream)
{
    struct stat is;

    *stream = (struct host_stream){.regular = true, .owned = true};
    stream->path = host_stream_place(path, &is);
    stream->fd = stream->path != NULL ? host_stream_make_part(stream) : -1;
    if (stream->fd < 0) {
        host_stream_forget(stream);
        return false;
    }
    if (is.st_mode != 0) { /* as the one that it will replace, as far as we may */
        (void)!fchown(stream->fd, is.st_uid, is.st_gid);
        (void)!fchmod(stream->fd, is.st_mode & 07777);
    }
    return true;
}

enum pgw_status
host_stream_create(const char *path, struct host_stream *stream)
{
    if (strcmp(path, "-") == 0)
        return host_stream_adopt(STDOUT_FILENO, false, stream);
    if (host_stream_create_beside(path, stream))
        return PGW_OK;
    return host_stream_adopt(
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), true, stream);
}

enum pgw_status
host_stream_close(struct host_stream *stream)
{
    enum pgw_status status = PGW_OK;
    int fd = stream->fd;

    stream->fd = -1;
    if (fd >= 0 && stream->owned && close(fd) != 0)
        status = host_stream_status(errno);
    if (stream->part != NULL && status == PGW_OK && rename(stream->part, stream->path) != 0)
        status = host_stream_status(errno);
    if (stream->part != NULL && status != PGW_OK)
        (void)unlink(stream->part);
    host_stream_forget(stream);
    return status;
}

void
host_stream_discard(struct host_stream *stream)
{
    if (stream->part != NULL)
        (void)unlink(stream->part);
    free(stream->part);
    stream->part = NULL;
    (void)host_stream_close(stream);
}

/* ---- bytes ---- */

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
