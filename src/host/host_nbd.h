/* SPDX-License-Identifier: BSD-2-Clause */
/* A store at the other end of a network block device (NBD) connection, by libnbd. */
#ifndef HOST_NBD_H
#define HOST_NBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/inject.h"
#include "base/result.h"

struct host_nbd;

/*
 * Connects to a server by its URI ("nbd://host/export", "nbd+unix:///?socket=PATH"); *bytes: the
 * size of what it exports.  patience: milliseconds that a connection may take to make, the first
 * and all later ones.  inject (may be NULL) is asked by every transfer.  PGW_NOMEM; PGW_INVAL: it
 * is no URI; PGW_IO: it cannot be reached, or does not answer; PGW_ACCESS: it is read-only;
 * PGW_RANGE: it cannot transfer single pages.
 */
MUST_CHECK enum pgw_status host_nbd_open(const char *uri, struct base_inject *inject,
    unsigned patience, struct host_nbd **nbd, uint64_t *bytes);
/* No transfer's buffer is touched any more.  nbd may be NULL. */
void host_nbd_close(struct host_nbd *nbd);

/*
 * Starts a transfer of len bytes; buf belongs to it until host_nbd_done says that it has ended, or
 * the connection is dropped.  A connection that was lost is made anew first.  PGW_IO: there is
 * none.
 */
MUST_CHECK enum pgw_status host_nbd_start(
    struct host_nbd *nbd, bool write, void *buf, size_t len, uint64_t offset, int64_t *cookie);
/* Has the transfer ended?  *status: PGW_OK or PGW_IO.  Each is asked until it has, once. */
bool host_nbd_done(struct host_nbd *nbd, int64_t cookie, enum pgw_status *status);
/* Lets transfers proceed; waits so long for one to, or less.  False: nothing happened, or the
 * connection is lost, and all transfers have ended. */
bool host_nbd_poll(struct host_nbd *nbd, int milliseconds);
/* Gives the connection up: all transfers have ended. */
void host_nbd_drop(struct host_nbd *nbd);

/* Milliseconds, on a clock of the host's that never goes back. */
uint64_t host_nbd_now(void);

#endif
