/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/regular.h"

#include "os/errno.h"
#include "os/machine.h"

#define SEEK_SET 0
#define DEVICE_ZERO 0x105u /* 1:5, as Linux's devices.txt has it */
#define SEEK_CUR 1

static bool
can_read(const struct os_file *file)
{
    return (file->flags & OS_O_ACCMODE) != OS_O_WRONLY;
}

/* From the host, with what is newer in mappings put over it. */
static int64_t
read_past_cache(const struct os_file *file, struct space_object *object, unsigned char *buf,
    size_t len, uint64_t offset)
{
    int64_t n = host_io_pread(file->host_fd, buf, len, offset);

    if (n > 0 && object != NULL)
        object->ops->overlay(object, offset, buf, (size_t)n);
    return n;
}

/* A read at an offset that is given. */
static int64_t
read_at(struct os *os, const struct os_file *file, unsigned char *buf, size_t len, uint64_t offset)
{
    bool whole;
    size_t done = 0;
    struct space_object *object =
        os->config.file_cached(os->config.ctx, file->host_fd, can_read(file), &whole);

    if (object != NULL && whole && object->ops->read(object, offset, buf, len, &done) != PGW_OK)
        done = 0; /* the host says what is wrong, if it still is */
    int64_t n = 0;
    if (done < len)
        n = read_past_cache(file, object, buf + done, len - done, offset + done);
    if (object != NULL)
        object->ops->release(object);
    return n < 0 && done == 0 ? n : (int64_t)done + (n > 0 ? n : 0);
}

/* A file that came with the machine: its offset is the host's, and others may move it. */
static int64_t
read_inherited(struct os *os, const struct os_file *file, void *buf, size_t len)
{
    int64_t from = host_io_lseek(file->host_fd, 0, SEEK_CUR);
    int64_t n = host_io_read(file->host_fd, buf, len);
    bool whole;

    if (from < 0 || n <= 0)
        return n;
    struct space_object *object =
        os->config.file_cached(os->config.ctx, file->host_fd, false, &whole);
    if (object != NULL) {
        object->ops->overlay(object, (uint64_t)from, buf, (size_t)n);
        object->ops->release(object);
    }
    return n;
}

int64_t
os_regular_read(struct os *os, struct os_file *file, void *buf, size_t len, uint64_t offset)
{
    if (offset != OS_OFFSET_NONE)
        return read_at(os, file, buf, len, offset);
    if (!file->own_pos)
        return read_inherited(os, file, buf, len);
    int64_t n = read_at(os, file, buf, len, file->pos);
    if (n > 0)
        file->pos += (uint64_t)n;
    return n;
}

/* The write itself; *at: where it went, if it could be told. */
static int64_t
write_host(struct os_file *file, const void *buf, size_t len, uint64_t offset, int64_t *at)
{
    bool append = (file->flags & OS_O_APPEND) != 0;
    int64_t n;

    *at = offset != OS_OFFSET_NONE ? (int64_t)offset : (int64_t)file->pos;
    if (offset != OS_OFFSET_NONE && !append)
        return host_io_pwrite(file->host_fd, buf, len, offset);
    if (offset == OS_OFFSET_NONE && file->own_pos && !append) {
        n = host_io_pwrite(file->host_fd, buf, len, file->pos);
        file->pos += n > 0 ? (uint64_t)n : 0;
        return n;
    }
    /* At the end (pwrite too, on Linux), or at an offset that only the host knows. */
    n = host_io_write(file->host_fd, buf, len);
    int64_t end = host_io_lseek(file->host_fd, 0, SEEK_CUR);
    *at = n > 0 && end >= n ? end - n : -1;
    if (offset == OS_OFFSET_NONE && file->own_pos && end >= 0)
        file->pos = (uint64_t)end;
    return n;
}

int64_t
os_regular_write(struct os *os, struct os_file *file, const void *buf, size_t len, uint64_t offset)
{
    int64_t at;
    bool whole;
    /* Before the write: what others have changed until now must not pass for ours. */
    struct space_object *object =
        os->config.file_cached(os->config.ctx, file->host_fd, false, &whole);
    int64_t n = write_host(file, buf, len, offset, &at);

    if (object == NULL)
        return n;
    if (n > 0 && at >= 0)
        os->config.file_wrote(os->config.ctx, file->host_fd, (uint64_t)at, buf, (size_t)n);
    object->ops->release(object);
    return n;
}

int64_t
os_regular_seek(struct os_file *file, int64_t offset, int whence)
{
    int64_t base = 0;

    if (!file->own_pos)
        return host_io_lseek(file->host_fd, offset, whence);
    if (whence == SEEK_CUR)
        base = (int64_t)file->pos;
    if (whence != SEEK_SET && whence != SEEK_CUR) {
        /* The file's end, data and holes are the host's to know. */
        base = host_io_lseek(file->host_fd, offset, whence);
        if (base < 0)
            return base;
        offset = 0;
    }
    int64_t to;
    if (__builtin_add_overflow(base, offset, &to))
        return -OS_EOVERFLOW;
    if (to < 0)
        return -OS_EINVAL;
    file->pos = (uint64_t)to;
    return to;
}

int64_t
os_regular_sync(struct os *os, int host_fd)
{
    bool whole;
    struct space_object *object = os->config.file_cached(os->config.ctx, host_fd, false, &whole);

    if (object == NULL)
        return 0;
    enum pgw_status status = object->ops->sync(object);
    object->ops->release(object);
    return status == PGW_OK ? 0 : -OS_EIO;
}

void
os_regular_resized(struct os *os, int host_fd)
{
    os->config.file_wrote(os->config.ctx, host_fd, 0, NULL, 0);
}

void
os_regular_resized_at(struct os *os, int dir, const char *path)
{
    int64_t fd = host_io_open(dir, path, (int)OS_O_PATH, 0);

    if (fd < 0)
        return;
    os_regular_resized(os, (int)fd);
    host_io_close((int)fd);
}

bool
os_regular_is_zeros(const struct os_file *file)
{
    struct host_io_stat st;

    return !file->regular && host_io_stat(file->host_fd, "", OS_AT_EMPTY_PATH, &st) == 0 &&
           (st.mode & 0170000) == 0020000 && st.rdev == DEVICE_ZERO;
}
