/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is compressed, unpacked as it comes in: by gzip (RFC 1952), zstd (RFC 8878), xz, or as one
 * bare zlib stream (RFC 1950) of JSON, which is what DAMO writes.
 *
 * The compressors' own libraries are called, and not one in front of them all (libarchive was
 * tried): where a file is cut off or damaged, all that can be unpacked before that place is handed
 * out, which is most of a small trace.  Checksums are verified where a file has them.
 */
#ifndef TRACE_TRACE_UNPACK_H
#define TRACE_TRACE_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

struct trace_unpack;

/* How a file is compressed that begins with these bytes, 512 of them if there are so many: its
 * name, "gzip", "zstd", "xz" or "zlib", and what unpacks it; else *unpack is NULL.  PGW_NOMEM. */
MUST_CHECK enum pgw_status trace_unpack_create(
    const uint8_t *bytes, size_t n, const char **name, struct trace_unpack **unpack);
void trace_unpack_destroy(struct trace_unpack *unpack);

/*
 * Unpacks into buf what comes next, up to *len bytes, and sets *len to how many; PGW_OK and 0: that
 * was all.  more gives it the next bytes of the file, *n 0: there are none.  PGW_CORRUPT: what
 * follows the *len bytes is damaged, or missing; PGW_NOMEM; else as more says.
 */
MUST_CHECK enum pgw_status trace_unpack_read(struct trace_unpack *unpack,
    enum pgw_status (*more)(void *ctx, const uint8_t **bytes, size_t *n), void *ctx, uint8_t *buf,
    size_t *len);

#endif
