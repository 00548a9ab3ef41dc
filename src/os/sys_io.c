/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and writes.  Bytes go by way of a buffer of ours, a piece at a time, so that a page of
 * the guest's may be brought in from swap between any two of them.
 */
#include "os/machine.h"
#include "os/pipe.h"
#include "os/regular.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define IOV_MAX 1024u
#define RW_MAX ((uint64_t)0x7ffff000)
#define NO_OFFSET OS_OFFSET_NONE
#define SEEK_SET 0
#define SEEK_CUR 1

static bool
readable(const struct os_file *file)
{
    return file != NULL && (file->flags & OS_O_ACCMODE) != OS_O_WRONLY &&
           (file->flags & OS_O_PATH) == 0;
}

static bool
writable(const struct os_file *file)
{
    return file != NULL && (file->flags & OS_O_ACCMODE) != OS_O_RDONLY &&
           (file->flags & OS_O_PATH) == 0;
}

/* Waits for the host's descriptor, unless it is ready: 0, or what the call returns. */
static int64_t
host_ready(struct os_process *p, const struct os_file *file, short events)
{
    struct host_io_poll poll = {file->host_fd, events, 0};

    if (!file->stream || host_io_poll(&poll, 1, 0) != 0)
        return 0;
    if ((file->flags & OS_O_NONBLOCK) != 0)
        return -OS_EAGAIN;
    os_wait_host(p, file->host_fd, events);
    return os_block(p, NULL);
}

static int64_t
host_read_piece(struct os *os, struct os_file *file, void *buf, size_t len, uint64_t offset)
{
    if (file->regular)
        return os_regular_read(os, file, buf, len, offset);
    if (offset != NO_OFFSET)
        return host_io_pread(file->host_fd, buf, len, offset);
    return host_io_read(file->host_fd, buf, len);
}

static int64_t
host_read(struct os_process *p, struct os_file *file, uint64_t va, uint64_t len, uint64_t offset)
{
    uint64_t done = 0;

    while (done < len) {
        size_t piece = len - done < OS_BOUNCE ? (size_t)(len - done) : OS_BOUNCE;
        int64_t n = -OS_EFAULT;

        piece = os_copy_room(p, va + done, piece);
        if (piece > 0)
            n = host_read_piece(
                p->os, file, p->os->bounce, piece, offset == NO_OFFSET ? NO_OFFSET : offset + done);
        if (n > 0 && os_copy_out(p, va + done, p->os->bounce, (size_t)n) != 0)
            n = -OS_EFAULT;
        if (n == -OS_EAGAIN && file->stream && (file->flags & OS_O_NONBLOCK) == 0) {
            os_wait_host(p, file->host_fd, OS_POLLIN); /* somebody else was quicker */
            return os_block(p, NULL);
        }
        if (n < 0)
            return done > 0 ? (int64_t)done : n;
        done += (uint64_t)n;
        if ((size_t)n < piece || file->stream)
            break;
    }
    return (int64_t)done;
}

static int64_t
host_write_piece(struct os *os, struct os_file *file, const void *buf, size_t len, uint64_t offset)
{
    if (file->regular)
        return os_regular_write(os, file, buf, len, offset);
    if (offset != NO_OFFSET)
        return host_io_pwrite(file->host_fd, buf, len, offset);
    return file->stream ? host_io_write_stream(file->host_fd, buf, len)
                        : host_io_write(file->host_fd, buf, len);
}

/* The end of a write that cannot go on: what it has moved, or the reason. */
static int64_t
write_stop(struct os_process *p, int64_t reason)
{
    return p->thread->progress > 0 ? (int64_t)p->thread->progress : reason;
}

/* A stream takes no more now: that is all, or the rest waits. */
static int64_t
stream_full(struct os_process *p, const struct os_file *file)
{
    if ((file->flags & OS_O_NONBLOCK) != 0)
        return write_stop(p, -OS_EAGAIN);
    os_wait_host(p, file->host_fd, OS_POLLOUT);
    int64_t ret = os_block(p, NULL);
    return ret == OS_BLOCKED ? ret : write_stop(p, ret);
}

static int64_t
host_write(struct os_process *p, struct os_file *file, uint64_t va, uint64_t len, uint64_t offset)
{
    uint64_t done = file->stream ? p->thread->progress : 0;

    while (done < len) {
        size_t piece = len - done < OS_BOUNCE ? (size_t)(len - done) : OS_BOUNCE;
        int64_t n = -OS_EFAULT;

        piece = os_copy_in_some(p, va + done, p->os->bounce, piece);
        if (piece > 0)
            n = host_write_piece(
                p->os, file, p->os->bounce, piece, offset == NO_OFFSET ? NO_OFFSET : offset + done);
        if (n == -OS_EAGAIN && file->stream) {
            p->thread->progress = done;
            return stream_full(p, file);
        }
        if (n < 0) {
            if (n == -OS_EPIPE)
                os_signal_kernel(p, OS_SIGPIPE);
            return done > 0 ? (int64_t)done : n;
        }
        done += (uint64_t)n;
        if ((size_t)n < piece && !file->stream)
            break;
    }
    return (int64_t)done;
}

static int64_t
pipe_read(struct os_process *p, struct os_file *file, uint64_t va, uint64_t len)
{
    struct os *os = p->os;
    struct os_pipe *pipe = file->pipe;
    size_t n = len < OS_BOUNCE ? (size_t)len : OS_BOUNCE;

    if (len == 0)
        return 0;
    if (pipe->len == 0 && pipe->writers == 0)
        return 0;
    if (pipe->len == 0)
        return (file->flags & OS_O_NONBLOCK) != 0 ? -OS_EAGAIN : os_block(p, pipe);
    if (n > pipe->len)
        n = pipe->len;
    if (os_copy_probe(p, va, n) != 0)
        return -OS_EFAULT;
    n = os_pipe_take(pipe, os->bounce, n);
    os_wake(os, pipe);
    os_wake(os, &os->poll_channel);
    return os_copy_out(p, va, os->bounce, n) == 0 ? (int64_t)n : -OS_EFAULT;
}

/* The next bytes of a write from va, in os->bounce: want, or as many pages of the write as can be
 * read (Linux's pipes take a page at a time, or nothing of it). */
static size_t
pipe_copy_in(struct os_process *p, uint64_t va, size_t want)
{
    uint64_t done = p->thread->progress;
    size_t there = os_copy_in_some(p, va + done, p->os->bounce, want);

    if (there == want)
        return want;
    return page_floor(done + there) > done ? (size_t)(page_floor(done + there) - done) : 0;
}

static int64_t
pipe_write(struct os_process *p, struct os_file *file, uint64_t va, uint64_t len)
{
    struct os *os = p->os;
    struct os_pipe *pipe = file->pipe;

    while (p->thread->progress < len) {
        size_t want =
            len - p->thread->progress < OS_BOUNCE ? (size_t)(len - p->thread->progress) : OS_BOUNCE;

        if (pipe->readers == 0) {
            os_signal_kernel(p, OS_SIGPIPE);
            return write_stop(p, -OS_EPIPE);
        }
        /* The rest of a long write may be torn, whatever its length. */
        size_t room = len <= OS_PIPE_ATOMIC ? os_pipe_room(pipe, want) : OS_PIPE_SIZE - pipe->len;
        if (room == 0) {
            if ((file->flags & OS_O_NONBLOCK) != 0)
                return write_stop(p, -OS_EAGAIN);
            int64_t ret = os_block(p, pipe);
            return ret == OS_BLOCKED ? ret : write_stop(p, ret);
        }
        if (room < want)
            want = room;
        size_t there = pipe_copy_in(p, va, want);
        p->thread->progress += os_pipe_put(pipe, os->bounce, there);
        os_wake(os, pipe);
        os_wake(os, &os->poll_channel);
        if (there < want)
            return write_stop(p, -OS_EFAULT);
    }
    return (int64_t)len;
}

/* One write is one value. */
static int64_t
write_proc(struct os_process *p, struct os_file *file, uint64_t va, uint64_t len)
{
    char value[256];
    size_t n = len < sizeof value ? (size_t)len : sizeof value;

    if (os_copy_in(p, va, value, n) != 0)
        return -OS_EFAULT;
    return os_proc_write(p, file, value, n);
}

static int64_t
read_at(struct os_process *p, struct os_file *file, uint64_t va, uint64_t len, uint64_t offset)
{
    if (len > RW_MAX)
        len = RW_MAX;
    if (!readable(file))
        return -OS_EBADF;
    if (file->kind == OS_FILE_MEMORY)
        return os_memfile_read(p, file, va, len, offset);
    if (file->kind != OS_FILE_HOST)
        return offset == NO_OFFSET ? pipe_read(p, file, va, len) : -OS_ESPIPE;
    int64_t ret = host_ready(p, file, OS_POLLIN);
    if (file->proc != NULL)
        ret = os_proc_refresh(p->os, file, offset == NO_OFFSET ? OS_PROC_HERE : offset);
    return ret != 0 ? ret : host_read(p, file, va, len, offset);
}

static int64_t
write_at(struct os_process *p, struct os_file *file, uint64_t va, uint64_t len, uint64_t offset)
{
    if (len > RW_MAX)
        len = RW_MAX;
    if (!writable(file))
        return -OS_EBADF;
    if (file->kind == OS_FILE_MEMORY)
        return os_memfile_write(p, file, va, len, offset);
    if (file->kind != OS_FILE_HOST)
        return offset == NO_OFFSET ? pipe_write(p, file, va, len) : -OS_ESPIPE;
    if (file->proc != NULL)
        return write_proc(p, file, va, len);
    int64_t ret = host_ready(p, file, OS_POLLOUT);
    if (ret != 0 && ret != OS_BLOCKED)
        return write_stop(p, ret);
    return ret != 0 ? ret : host_write(p, file, va, len, offset);
}

int64_t
os_sys_read(struct os_process *p, const uint64_t *a)
{
    return read_at(p, os_fd_file(p, a[0]), a[1], a[2], NO_OFFSET);
}

int64_t
os_sys_write(struct os_process *p, const uint64_t *a)
{
    return write_at(p, os_fd_file(p, a[0]), a[1], a[2], NO_OFFSET);
}

int64_t
os_sys_pread(struct os_process *p, const uint64_t *a)
{
    return (int64_t)a[3] < 0 ? -OS_EINVAL : read_at(p, os_fd_file(p, a[0]), a[1], a[2], a[3]);
}

int64_t
os_sys_pwrite(struct os_process *p, const uint64_t *a)
{
    return (int64_t)a[3] < 0 ? -OS_EINVAL : write_at(p, os_fd_file(p, a[0]), a[1], a[2], a[3]);
}

typedef int64_t transfer_fn(
    struct os_process *p, struct os_file *file, uint64_t va, uint64_t len, uint64_t offset);

/* Are all of a vector's pieces there, and none longer than a result can tell? */
static int64_t
vector_check(struct os_process *p, const uint64_t *a)
{
    for (uint64_t i = 0; i < a[2]; i++) {
        struct os_iovec iov;

        if (os_copy_in(p, a[1] + i * sizeof iov, &iov, sizeof iov) != 0)
            return -OS_EFAULT;
        if ((int64_t)iov.len < 0)
            return -OS_EINVAL;
    }
    return 0;
}

/*
 * A vector, one piece after the other.  A piece that has to wait when something has been moved
 * already ends the call; one that is in the middle of a pipe write goes on with it when tried
 * again, which is why pieces before it are skipped by count.
 */
static int64_t
vector(struct os_process *p, const uint64_t *a, uint64_t offset, transfer_fn *transfer)
{
    struct os_file *file = os_fd_file(p, a[0]);
    int64_t total = 0;

    if (file == NULL)
        return -OS_EBADF;
    if (a[2] > IOV_MAX)
        return -OS_EINVAL;
    int64_t ret = vector_check(p, a);
    if (ret != 0)
        return ret;
    for (uint64_t i = 0; i < a[2]; i++) {
        struct os_iovec iov;
        int64_t n = os_copy_in(p, a[1] + i * sizeof iov, &iov, sizeof iov);

        if (n == 0 && iov.len == 0)
            continue;
        if (n == 0)
            n = transfer(p, file, iov.base, iov.len,
                offset == NO_OFFSET ? NO_OFFSET : offset + (uint64_t)total);
        if (n < 0) {
            if (total == 0)
                return n;
            /* What waits now is given up: the call ends with what it has. */
            os_set_state(p->thread, OS_STATE_RUNNABLE);
            return total + (int64_t)p->thread->progress;
        }
        p->thread->progress = 0;
        total += n;
        if ((uint64_t)n < iov.len)
            break;
        if (file->kind == OS_FILE_PIPE_READ || (file->stream && transfer == read_at))
            break;
    }
    return total;
}

int64_t
os_sys_readv(struct os_process *p, const uint64_t *a)
{
    return vector(p, a, NO_OFFSET, read_at);
}

int64_t
os_sys_writev(struct os_process *p, const uint64_t *a)
{
    return vector(p, a, NO_OFFSET, write_at);
}

int64_t
os_sys_preadv(struct os_process *p, const uint64_t *a)
{
    return (int64_t)a[3] < 0 ? -OS_EINVAL : vector(p, a, a[3], read_at);
}

int64_t
os_sys_pwritev(struct os_process *p, const uint64_t *a)
{
    return (int64_t)a[3] < 0 ? -OS_EINVAL : vector(p, a, a[3], write_at);
}

int64_t
os_sys_lseek(struct os_process *p, const uint64_t *a)
{
    struct os_file *file = os_fd_file(p, a[0]);

    if (file == NULL)
        return -OS_EBADF;
    if (file->kind == OS_FILE_MEMORY)
        return os_memfile_seek(file, (int64_t)a[1], (int)a[2]);
    if (file->kind != OS_FILE_HOST)
        return -OS_ESPIPE;
    return os_regular_seek(file, (int64_t)a[1], (int)a[2]);
}

/* What a write that has moved nothing comes to: a wait, or the error. */
static int64_t
copy_stuck(struct os_process *p, const struct os_file *out, int64_t error)
{
    if (error == -OS_EPIPE)
        os_signal_kernel(p, OS_SIGPIPE);
    if (error != -OS_EAGAIN || !out->stream || (out->flags & OS_O_NONBLOCK) != 0)
        return error;
    os_wait_host(p, out->host_fd, OS_POLLOUT);
    return os_block(p, NULL);
}

/* Copies between two host files by way of our buffer: the heart of sendfile.  *from is moved by
 * what has been written, which may be less than was read. */
static int64_t
host_copy(
    struct os_process *p, struct os_file *in, struct os_file *out, uint64_t *from, uint64_t len)
{
    struct os *os = p->os;
    uint64_t done = 0;

    while (done < len) {
        size_t piece = len - done < OS_BOUNCE ? (size_t)(len - done) : OS_BOUNCE;
        int64_t n = host_read_piece(os, in, os->bounce, piece, *from);

        if (n == 0)
            break;
        int64_t put = n > 0 ? host_write_piece(os, out, os->bounce, (size_t)n, NO_OFFSET) : n;
        if (put < 0 && done > 0)
            break;
        if (put < 0)
            return n < 0 ? n : copy_stuck(p, out, put);
        done += (uint64_t)put;
        *from += (uint64_t)put;
        if (put < n)
            break;
    }
    return (int64_t)done;
}

/* From where in's own offset is, which moves. */
static int64_t
host_copy_here(struct os_process *p, struct os_file *in, struct os_file *out, uint64_t len)
{
    int64_t at = os_regular_seek(in, 0, SEEK_CUR);

    if (at < 0)
        return at;
    uint64_t from = (uint64_t)at;
    int64_t ret = host_copy(p, in, out, &from, len);
    at = ret > 0 ? os_regular_seek(in, (int64_t)from, SEEK_SET) : 0;
    return at < 0 ? at : ret;
}

int64_t
os_sys_sendfile(struct os_process *p, const uint64_t *a)
{
    struct os_file *out = os_fd_file(p, a[0]);
    struct os_file *in = os_fd_file(p, a[1]);
    uint64_t offset = NO_OFFSET;

    if (!readable(in) || !writable(out))
        return -OS_EBADF;
    /* Programs fall back to read and write when it is refused. */
    if (in->kind != OS_FILE_HOST || out->kind != OS_FILE_HOST || in->stream)
        return -OS_EINVAL;
    if (a[2] != 0 && os_copy_in(p, a[2], &offset, sizeof offset) != 0)
        return -OS_EFAULT;
    if (a[2] != 0 && (int64_t)offset < 0)
        return -OS_EINVAL;
    uint64_t len = a[3] < RW_MAX ? a[3] : RW_MAX;
    int64_t ret = a[2] != 0 ? host_copy(p, in, out, &offset, len) : host_copy_here(p, in, out, len);
    if (ret >= 0 && a[2] != 0 && os_copy_out(p, a[2], &offset, sizeof offset) != 0)
        return -OS_EFAULT;
    return ret;
}

int64_t
os_sys_copy_file_range(struct os_process *p, const uint64_t *a)
{
    (void)a;
    (void)p;
    /* As on file systems that do not have it: cp and the like copy by hand then. */
    return -OS_EOPNOTSUPP;
}
