/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/pipe.h"

#include <string.h>

#include "os/abi.h"

enum pgw_status
os_pipe_create(struct base_pool *pool, struct base_alloc *alloc, struct os_pipe **pipe)
{
    struct os_pipe *made = base_pool_get(pool);

    if (made == NULL)
        return PGW_NOMEM;
    made->ring = alloc->map(alloc, OS_PIPE_SIZE);
    if (made->ring == NULL) {
        base_pool_put(pool, made);
        return PGW_NOMEM;
    }
    made->readers = made->writers = 1;
    *pipe = made;
    return PGW_OK;
}

void
os_pipe_drop(struct base_pool *pool, struct base_alloc *alloc, struct os_pipe *pipe, bool writer)
{
    if (writer)
        pipe->writers--;
    else
        pipe->readers--;
    if (pipe->readers != 0 || pipe->writers != 0)
        return;
    alloc->unmap(alloc, pipe->ring, OS_PIPE_SIZE);
    base_pool_put(pool, pipe);
}

/* The length of the first of the two pieces that len bytes at ring position pos make. */
static size_t
first_piece(size_t pos, size_t len)
{
    return len < OS_PIPE_SIZE - pos ? len : OS_PIPE_SIZE - pos;
}

size_t
os_pipe_take(struct os_pipe *pipe, void *buf, size_t len)
{
    size_t n = len < pipe->len ? len : pipe->len;
    size_t piece = first_piece(pipe->start, n);

    memcpy(buf, pipe->ring + pipe->start, piece);
    memcpy((unsigned char *)buf + piece, pipe->ring, n - piece);
    pipe->start = (pipe->start + n) % OS_PIPE_SIZE;
    pipe->len -= n;
    return n;
}

size_t
os_pipe_put(struct os_pipe *pipe, const void *buf, size_t len)
{
    size_t free = OS_PIPE_SIZE - pipe->len;
    size_t n = len < free ? len : free;
    size_t end = (pipe->start + pipe->len) % OS_PIPE_SIZE;
    size_t piece = first_piece(end, n);

    memcpy(pipe->ring + end, buf, piece);
    memcpy(pipe->ring, (const unsigned char *)buf + piece, n - piece);
    pipe->len += n;
    return n;
}

size_t
os_pipe_room(const struct os_pipe *pipe, size_t len)
{
    size_t free = OS_PIPE_SIZE - pipe->len;

    if (len <= OS_PIPE_ATOMIC)
        return free >= len ? len : 0;
    return len < free ? len : free;
}

int16_t
os_pipe_events(const struct os_pipe *pipe, bool writer)
{
    int events = 0;

    if (writer) {
        if (OS_PIPE_SIZE - pipe->len >= OS_PIPE_ATOMIC)
            events |= OS_POLLOUT | OS_POLLWRNORM;
        if (pipe->readers == 0)
            events |= OS_POLLERR;
    } else {
        if (pipe->len > 0)
            events |= OS_POLLIN | OS_POLLRDNORM;
        if (pipe->writers == 0)
            events |= OS_POLLHUP;
    }
    return (int16_t)events;
}
