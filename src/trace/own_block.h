/* SPDX-License-Identifier: BSD-2-Clause */
/* A block of our own format while it is read. */
#ifndef TRACE_OWN_BLOCK_H
#define TRACE_OWN_BLOCK_H

#include <stdbool.h>

#include "base/result.h"
#include "trace/ownform.h"

struct own_header {
    uint32_t packed; /* bytes that follow the header */
    uint64_t at, refs;
    uint32_t nevents, nexecutions, nshapes;
    uint32_t len[OWN_COLUMNS];        /* of each column */
    uint32_t packed_len[OWN_COLUMNS]; /* the same as len: it is stored as it is */
    uint64_t hash;
};

struct own_shape;    /* private to own_block.c */
struct own_variable; /* private to own_block.c */

struct own_block {
    struct own_header header;
    struct ZSTD_DCtx_s *zstd;
    uint8_t *raw; /* the columns, and some room */
    size_t raw_room;
    struct own_shape *shape;
    size_t shapes_room;
    struct pgw_ref *model; /* the shapes' references, but for the addresses of variable ones */
    struct own_variable *variable;
    size_t items_room;
    struct pgw_event *event;
    size_t events_room;

    /* Where reading is. */
    const uint8_t *low, *lows_end, *high; /* of the next execution */
    const uint8_t *va_bytes, *count_bytes, *va_lens, *count_lens;
    uint64_t va, count; /* numbers used of the columns of lengths */
    size_t next_event;
};

MUST_CHECK enum pgw_status own_block_init(struct own_block *block);
void own_block_fini(struct own_block *block);

/* A block's header, of OWN_BLOCK_LEN bytes; false: it is none, or damaged, or says more than we
 * believe. */
bool own_header_read(const uint8_t *bytes, struct own_header *header);

/*
 * Unpacks a block and checks all of it, so that nothing of a damaged one is ever handed out.
 * PGW_CORRUPT: *what says how.  PGW_NOMEM.
 */
MUST_CHECK enum pgw_status own_block_open(struct own_block *block, const struct own_header *header,
    const uint8_t *packed, const char **what);

/* The next references, up to about `most`, and the event after them, if one is there.  Returns how
 * many; 0 without an event: the block is at its end. */
size_t own_block_next(
    struct own_block *block, struct pgw_ref *refs, size_t most, const struct pgw_event **event);

#endif
