/* SPDX-License-Identifier: BSD-2-Clause */
/* The linker's --wrap makes a call of NAME one of __wrap_NAME, and one of __real_NAME the true one.
 */
#include "support/failing.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define FAILING_MAX 1000000u

/* Set while no thread but the test's own runs. */
static struct failing failing_what;
static uint64_t failing_at;
static atomic_bool failing_on, failing_has;
static atomic_ulong failing_tried;

void
failing_rest(void)
{
    atomic_store(&failing_on, false);
}

void
failing_again(void)
{
    atomic_store(&failing_on, true);
}

bool
failing_met(void)
{
    return atomic_load(&failing_has);
}

uint64_t
failing_each(const struct failing *what, void (*body)(void *ctx), void *ctx)
{
    for (uint64_t n = 1; n < FAILING_MAX; n++) {
        failing_what = *what;
        failing_at = n;
        atomic_store(&failing_has, false);
        atomic_store(&failing_tried, 0);
        failing_again();
        body(ctx);
        failing_rest();
        if (!failing_met())
            return n - 1;
    }
    fail_msg("the torture does not end: body tries more often each time");
    return 0;
}

static bool
failing_now(enum failing_call call)
{
    if (!atomic_load(&failing_on) || failing_what.call != call)
        return false;
    uint64_t n = atomic_fetch_add(&failing_tried, 1) + 1;
    if (n != failing_at && !(failing_what.and_after && n > failing_at))
        return false;
    atomic_store(&failing_has, true);
    return true;
}

static bool
failing_memory(void)
{
    if (!failing_now(FAILING_MEMORY))
        return false;
    errno = ENOMEM;
    return true;
}

/* *len becomes what the call is to do; false: it is to fail. */
static bool
failing_transfer(enum failing_call call, size_t *len)
{
    if (!failing_now(call))
        return true;
    errno = failing_what.error;
    if (errno != 0)
        return false;
    *len -= *len / 2;
    return true;
}

/* ---- what is wrapped: tests/support/meson.build has the same list ---- */

#define WRAP_MEMORY(type, name, arguments, values, none)                                           \
    type __real_##name arguments;                                                                  \
    type __wrap_##name arguments;                                                                  \
    type __wrap_##name arguments                                                                   \
    {                                                                                              \
        return failing_memory() ? (none) : __real_##name values;                                   \
    }

#define WRAP_TRANSFER(name, call, arguments, values)                                               \
    ssize_t __real_##name arguments;                                                               \
    ssize_t __wrap_##name arguments;                                                               \
    ssize_t __wrap_##name arguments                                                                \
    {                                                                                              \
        return failing_transfer(call, &len) ? __real_##name values : -1;                           \
    }

/* Buffers are done whole or not at all. */
#define WRAP_VECTOR(name, call)                                                                    \
    ssize_t __real_##name(int fd, const struct iovec *iov, int n, off_t at);                       \
    ssize_t __wrap_##name(int fd, const struct iovec *iov, int n, off_t at);                       \
    ssize_t __wrap_##name(int fd, const struct iovec *iov, int n, off_t at)                        \
    {                                                                                              \
        size_t len = (size_t)n;                                                                    \
        return failing_transfer(call, &len) ? __real_##name(fd, iov, (int)len, at) : -1;           \
    }

WRAP_MEMORY(void *, malloc, (size_t len), (len), NULL)
WRAP_MEMORY(void *, calloc, (size_t n, size_t len), (n, len), NULL)
WRAP_MEMORY(void *, realloc, (void *old, size_t len), (old, len), NULL)
WRAP_MEMORY(void *, reallocarray, (void *old, size_t n, size_t len), (old, n, len), NULL)
WRAP_MEMORY(char *, strdup, (const char *text), (text), NULL)
WRAP_MEMORY(char *, strndup, (const char *text, size_t len), (text, len), NULL)
WRAP_MEMORY(void *, mmap64, (void *at, size_t len, int prot, int flags, int fd, off_t offset),
    (at, len, prot, flags, fd, offset), MAP_FAILED)
WRAP_MEMORY(ZSTD_CCtx *, ZSTD_createCCtx, (void), (), NULL)
WRAP_MEMORY(ZSTD_DCtx *, ZSTD_createDCtx, (void), (), NULL)
WRAP_MEMORY(ZSTD_DStream *, ZSTD_createDStream, (void), (), NULL)
WRAP_MEMORY(lzma_ret, lzma_stream_decoder, (lzma_stream * stream, uint64_t most, uint32_t flags),
    (stream, most, flags), LZMA_MEM_ERROR)
WRAP_MEMORY(int, inflateInit_, (z_streamp stream, const char *version, int len),
    (stream, version, len), Z_MEM_ERROR)

WRAP_TRANSFER(read, FAILING_READ, (int fd, void *buf, size_t len), (fd, buf, len))
WRAP_TRANSFER(pread64, FAILING_READ, (int fd, void *buf, size_t len, off_t at), (fd, buf, len, at))
WRAP_TRANSFER(write, FAILING_WRITE, (int fd, const void *buf, size_t len), (fd, buf, len))
WRAP_TRANSFER(
    pwrite64, FAILING_WRITE, (int fd, const void *buf, size_t len, off_t at), (fd, buf, len, at))
WRAP_VECTOR(preadv64, FAILING_READ)
WRAP_VECTOR(pwritev64, FAILING_WRITE)

int __real_close(int fd);
int __wrap_close(int fd);
int
__wrap_close(int fd)
{
    bool fails = failing_now(FAILING_CLOSE);
    int result = __real_close(fd);

    if (!fails)
        return result;
    errno = failing_what.error;
    return -1;
}

int __real_pthread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int
__wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    return failing_now(FAILING_THREAD) ? EAGAIN : __real_pthread_create(thread, attr, run, arg);
}
