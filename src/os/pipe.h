/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes between the processes of one machine.  They are the personality's own, so that a process
 * that waits for another never blocks the host, and what may happen is seen by the scheduler.
 * The rules are those of pipe(7): 64 KiB, writes of up to 4096 bytes are never torn.
 */
#ifndef OS_PIPE_H
#define OS_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/pool.h"

#define OS_PIPE_SIZE ((size_t)65536)
#define OS_PIPE_ATOMIC ((size_t)4096)

struct os_pipe {
    unsigned readers, writers; /* open files at each end */
    size_t start, len;         /* of the bytes in the ring */
    unsigned char *ring;       /* OS_PIPE_SIZE bytes */
};

/* An empty pipe with one reader and one writer.  PGW_NOMEM. */
MUST_CHECK enum pgw_status os_pipe_create(
    struct base_pool *pool, struct base_alloc *alloc, struct os_pipe **pipe);
/* One end is closed for good; the pipe goes with the last of both. */
void os_pipe_drop(
    struct base_pool *pool, struct base_alloc *alloc, struct os_pipe *pipe, bool writer);

/* Moves up to len bytes out or in; returns how many. */
size_t os_pipe_take(struct os_pipe *pipe, void *buf, size_t len);
size_t os_pipe_put(struct os_pipe *pipe, const void *buf, size_t len);

/* How many bytes a write of len may put now: 0 if it has to wait (see OS_PIPE_ATOMIC). */
size_t os_pipe_room(const struct os_pipe *pipe, size_t len);
/* poll(2)'s events that hold at an end. */
int16_t os_pipe_events(const struct os_pipe *pipe, bool writer);

#endif
