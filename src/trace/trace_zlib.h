/* SPDX-License-Identifier: BSD-2-Clause */
/* One zlib stream (RFC 1950), without gzip's header: as DAMO compresses its JSON.  libarchive knows
 * no such files. */
#ifndef TRACE_TRACE_ZLIB_H
#define TRACE_TRACE_ZLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

struct trace_zlib;

/* Do these bytes begin such a stream, of JSON?  Two bytes are too few to tell it from numbers.
 * PGW_NOMEM. */
MUST_CHECK enum pgw_status trace_zlib_begins(const uint8_t *bytes, size_t n, bool *begins);

/* PGW_NOMEM. */
MUST_CHECK enum pgw_status trace_zlib_create(struct trace_zlib **zlib);
void trace_zlib_destroy(struct trace_zlib *zlib);

/*
 * Unpacks into buf what is there, up to *len bytes, and sets *len to how many; 0: it is over, or
 * wants more.  more gives it the next bytes, *n 0: there are none.  PGW_CORRUPT: it is damaged, or
 * ends too early; PGW_NOMEM; else as more says.
 */
MUST_CHECK enum pgw_status trace_zlib_read(struct trace_zlib *zlib,
    enum pgw_status (*more)(void *ctx, const uint8_t **bytes, size_t *n), void *ctx, uint8_t *buf,
    size_t *len);

#endif
