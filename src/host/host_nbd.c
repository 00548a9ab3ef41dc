/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/host_nbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

struct host_nbd {
    struct nbd_handle *handle; /* NULL: the connection is lost */
    struct base_inject *inject;
    uint64_t bytes;     /* that the store must have when it is connected to again */
    uint64_t connected; /* connections made: a cookie of an earlier one is not this one's */
    char uri[];
};

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

static enum pgw_status
nbd_connect(struct host_nbd *nbd, uint64_t *bytes)
{
    host_nbd_drop(nbd);
    nbd->handle = nbd_create();
    if (nbd->handle == NULL)
        return PGW_NOMEM;
    enum pgw_status status = PGW_OK;
    if (nbd_connect_uri(nbd->handle, nbd->uri) != 0)
        status = PGW_IO;
    else if (nbd_is_read_only(nbd->handle) != 0)
        status = PGW_ACCESS;
    int64_t size = status == PGW_OK ? nbd_get_size(nbd->handle) : -1;
    if (status == PGW_OK && size < (int64_t)nbd->bytes)
        status = PGW_IO;
    if (status != PGW_OK) {
        host_nbd_drop(nbd);
        return status;
    }
    nbd->connected++;
    *bytes = (uint64_t)size;
    return PGW_OK;
}

enum pgw_status
host_nbd_open(const char *uri, struct base_inject *inject, struct host_nbd **nbd, uint64_t *bytes)
{
    size_t len = strlen(uri) + 1;
    struct host_nbd *new = calloc(1, sizeof *new + len);

    if (new == NULL)
        return PGW_NOMEM;
    memcpy(new->uri, uri, len);
    new->inject = inject;
    enum pgw_status status = nbd_connect(new, bytes);
    if (status != PGW_OK) {
        free(new);
        return status;
    }
    new->bytes = *bytes;
    *nbd = new;
    return PGW_OK;
}

void
host_nbd_close(struct host_nbd *nbd)
{
    if (nbd == NULL)
        return;
    if (!nbd_lost(nbd))
        (void)nbd_shutdown(nbd->handle, 0);
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
