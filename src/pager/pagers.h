/* SPDX-License-Identifier: BSD-2-Clause */
/* How each pager is made; the contract is vm/pager.h. */
#ifndef PAGER_PAGERS_H
#define PAGER_PAGERS_H

#include "host/host_file.h"
#include "vm/pager.h"
#include "vm/tmem.h"

/*
 * Swap on a file: nslots pages, a slot map, a checksum a slot in use, runs of slots for runs of
 * pages.  Takes file over (closes it on destroy; on failure it is still the caller's).
 * Records grow with the slots used, not with the size of the device.  PGW_NOMEM, PGW_INVAL.
 */
MUST_CHECK enum pgw_status pager_swap_create(struct mem *mem, struct base_alloc *alloc,
    struct host_file file, uint64_t nslots, struct pager **pager);

/* A file, read-only at first: slot = page index; past its end reads as zeros.  Takes file over. */
MUST_CHECK enum pgw_status pager_file_create(
    struct mem *mem, struct base_alloc *alloc, struct host_file file, struct pager **pager);
/* From now on pages are read from, and may be written to, the same file by way of this descriptor,
 * which it takes over.  A put writes to the slots that the caller gives, and never past the file's
 * end.  pager was made by pager_file_create, and has nothing in flight. */
void pager_file_write_by(struct pager *pager, struct host_file file);
/* The descriptor that it reads by, which stays its own. */
int pager_file_fd(const struct pager *pager);

#define PAGER_REMOTE_PATIENCE 30000u /* milliseconds */

/*
 * Swap on a remote store, by NBD, of as many pages as it has.  patience: milliseconds that a
 * connection, and each io, may take before the store counts as lost.  There is none in a build
 * without libnbd.  PGW_NOMEM; PGW_INVAL: it is no URI of NBD; PGW_IO: it cannot be reached, or does
 * not answer; PGW_ACCESS: it is read-only; PGW_NOSWAP: it has no room for a page; PGW_RANGE: it
 * transfers no single pages.
 */
MUST_CHECK enum pgw_status pager_remote_create(struct mem *mem, struct base_alloc *alloc,
    const char *uri, unsigned patience, struct pager **pager);

#define PAGER_CHAIN_MAX 8u /* levels */

/*
 * n pagers, each used when those before it have no room, or have failed of late.  Their slots are
 * below 2^43.  Takes them over; on failure they are still the caller's.  PGW_NOMEM, PGW_INVAL.
 */
MUST_CHECK enum pgw_status pager_chain_create(struct mem *mem, struct base_alloc *alloc,
    struct pager *const *levels, unsigned n, struct pager **pager);

/* What a compressed pool has done and holds.  Pages, except where bytes are said. */
struct pager_zpool_stats {
    uint64_t limit;         /* frames it may take */
    uint64_t frames;        /* it takes, now */
    uint64_t frames_peak;   /* at most */
    uint64_t pages;         /* held, now; of them: */
    uint64_t same;          /* kept as one word */
    uint64_t same_peak;     /* at most */
    uint64_t pages_peak;    /* held, at most */
    uint64_t stored, bytes; /* bytes of the pages held; of all memory that takes: frames, records,
                               tables, working memory of the codec; now */
    uint64_t stored_peak, bytes_peak; /* the same, when bytes were the most */
    uint64_t away;                    /* written back to the next pager and still wanted, now */
    uint64_t hits;                    /* gets that needed no device, ever */
    uint64_t rejected;                /* pages too hard to compress, passed on to the next pager */
    uint64_t overflowed;              /* pages passed on for want of room */
    uint64_t written_back;            /* oldest pages that made room for newer ones */
    uint64_t compacted;               /* compressed pages moved to empty a frame */
    uint64_t dictionaries;            /* made, ever */
    uint64_t squeezed, expanded;      /* pages compressed, in vain too, and made whole, ever */
    bool lz4;                         /* instead of zstd */
};

struct pager_zpool_config {
    uint64_t limit; /* frames, at least 4 */
    bool lz4;       /* instead of zstd */
    bool aside;     /* all of them are set aside at once, the last ones of a RAM that is free */
};

/*
 * A pool of compressed pages in frames of mem, over next (NULL: none), which it takes over.
 * With no next, what cannot be compressed takes a frame.  On failure next is still the caller's.
 * PGW_NOMEM, PGW_NORAM, PGW_INVAL.
 */
MUST_CHECK enum pgw_status pager_zpool_create(struct mem *mem, struct base_alloc *alloc,
    const struct pager_zpool_config *config, struct pager *next, struct pager **pager);
/* The pool's figures; false: this pager is none. */
bool pager_zpool_stats(struct pager *pager, struct pager_zpool_stats *stats);
/* The pager below; NULL: there is none. */
struct pager *pager_zpool_next(struct pager *pager);
/* The same store, by names; it goes with the pager.  All its pools are gone by then. */
struct tmem *pager_zpool_tmem(struct pager *pager);

#endif
