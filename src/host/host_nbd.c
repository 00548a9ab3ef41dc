/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/host_nbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libnbd.h>

#include "base/size.h"

/*
 * Nothing here waits for longer than it was told to, because the server is not ours: libnbd's own
 * calls that connect and disconnect would wait for a silent one forever, so these are done by its
 * asynchronous ones.  A connection that could not be made is not tried again before twice the time
 * has passed that it took to find out: who pages to a dead store is told so at once, mostly.
 */
#define NBD_REST 2u

struct host_nbd {
    struct nbd_handle *handle; /* NULL: the connection is lost */
    struct base_inject *inject;
    unsigned patience;  /* milliseconds for the server to answer a connection */
    uint64_t rests;     /* until then none is tried, by host_nbd_now */
    uint64_t bytes;     /* that the store must have when it is connected to again */
    uint64_t connected; /* connections made: a cookie of an earlier one is not this one's */
    char uri[];
};

uint64_t
host_nbd_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Cookies of libnbd are counted from 1 in each connection. */
#define NBD_COOKIE_BITS 40

static int64_t
nbd_cookie(const struct host_nbd *nbd, int64_t cookie)
{
    return (int64_t)(nbd->connected << NBD_COOKIE_BITS) | cookie;
}

static bool
nbd_lost(struct host_nbd *nbd)
{
    return nbd->handle == NULL || nbd_aio_is_dead(nbd->handle) || nbd_aio_is_closed(nbd->handle);
}

void
host_nbd_drop(struct host_nbd *nbd)
{
    nbd_close(nbd->handle); /* NULL is allowed */
    nbd->handle = NULL;
}

/* The greeting, the export's name and its size have gone to and fro, or the time is over. */
static enum pgw_status
nbd_greet(const struct host_nbd *nbd, uint64_t since)
{
    uint64_t past;

    if (nbd_aio_connect_uri(nbd->handle, nbd->uri) != 0)
        return nbd_get_errno() == EINVAL ? PGW_INVAL : PGW_IO;
    while (
        nbd_aio_is_connecting(nbd->handle) == 1 && (past = host_nbd_now() - since) < nbd->patience)
        (void)nbd_poll(nbd->handle, (int)(nbd->patience - past));
    return nbd_aio_is_ready(nbd->handle) == 1 ? PGW_OK : PGW_IO;
}

/* Can what is exported be used, in blocks of a page?  Sizes that the server does not tell are 0. */
static enum pgw_status
nbd_judge(const struct host_nbd *nbd, int64_t size)
{
    int64_t least = nbd_get_block_size(nbd->handle, LIBNBD_SIZE_MINIMUM);
    int64_t most = nbd_get_block_size(nbd->handle, LIBNBD_SIZE_MAXIMUM);

    if (size < 0 || size < (int64_t)nbd->bytes)
        return PGW_IO;
    if (nbd_is_read_only(nbd->handle) != 0)
        return PGW_ACCESS;
    return least > (int64_t)PAGE_SIZE || (most > 0 && most < (int64_t)PAGE_SIZE) ? PGW_RANGE
                                                                                 : PGW_OK;
}

static enum pgw_status
nbd_connect(struct host_nbd *nbd, uint64_t *bytes)
{
    uint64_t since = host_nbd_now();
    int64_t size = -1;

    host_nbd_drop(nbd);
    if (since < nbd->rests)
        return PGW_IO;
    nbd->handle = nbd_create();
    if (nbd->handle == NULL)
        return PGW_NOMEM;
    enum pgw_status status = nbd_greet(nbd, since);
    if (status == PGW_OK) {
        size = nbd_get_size(nbd->handle);
        status = nbd_judge(nbd, size);
    }
    if (status != PGW_OK) {
        host_nbd_drop(nbd);
        since = host_nbd_now() - since;
        nbd->rests = host_nbd_now() + NBD_REST * since;
        return status;
    }
    nbd->connected++;
    *bytes = (uint64_t)size;
    return PGW_OK;
}

enum pgw_status
host_nbd_open(const char *uri, struct base_inject *inject, unsigned patience, struct host_nbd **nbd,
    uint64_t *bytes)
{
    size_t len = strlen(uri) + 1;
    struct host_nbd *new = calloc(1, sizeof *new + len);

    if (new == NULL)
        return PGW_NOMEM;
    memcpy(new->uri, uri, len);
    new->inject = inject;
    new->patience = patience;
    enum pgw_status status = nbd_connect(new, bytes);
    if (status != PGW_OK) {
        free(new);
        return status;
    }
    new->bytes = *bytes;
    *nbd = new;
    return PGW_OK;
}

/* Nothing is under way, so the server need not answer. */
void
host_nbd_close(struct host_nbd *nbd)
{
    if (nbd == NULL)
        return;
    if (!nbd_lost(nbd))
        (void)nbd_aio_disconnect(nbd->handle, 0);
    host_nbd_drop(nbd);
    free(nbd);
}

enum pgw_status
host_nbd_start(
    struct host_nbd *nbd, bool write, void *buf, size_t len, uint64_t offset, int64_t *cookie)
{
    uint64_t bytes;

    if (base_inject_fails(nbd->inject, write ? INJECT_WRITE : INJECT_READ))
        return PGW_IO;
    if (nbd_lost(nbd) && nbd_connect(nbd, &bytes) != PGW_OK)
        return PGW_IO;
    int64_t own = write ? nbd_aio_pwrite(nbd->handle, buf, len, offset, NBD_NULL_COMPLETION, 0)
                        : nbd_aio_pread(nbd->handle, buf, len, offset, NBD_NULL_COMPLETION, 0);
    if (own < 0)
        return PGW_IO;
    *cookie = nbd_cookie(nbd, own);
    return PGW_OK;
}

bool
host_nbd_done(struct host_nbd *nbd, int64_t cookie, enum pgw_status *status)
{
    int64_t own = cookie & (((int64_t)1 << NBD_COOKIE_BITS) - 1);

    *status = PGW_IO;
    if (nbd->handle == NULL || nbd_cookie(nbd, own) != cookie)
        return true; /* its connection is gone, and it with it */
    int done = nbd_aio_command_completed(nbd->handle, (uint64_t)own);
    if (done > 0)
        *status = PGW_OK;
    if (done == 0 && nbd_lost(nbd))
        host_nbd_drop(nbd); /* its buffer is nobody's any more */
    return done != 0 || nbd->handle == NULL;
}

bool
host_nbd_poll(struct host_nbd *nbd, int milliseconds)
{
    if (nbd_lost(nbd))
        return false;
    return nbd_poll(nbd->handle, milliseconds) > 0;
}
