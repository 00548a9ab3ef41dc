/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of a program's own choosing: part of <pagewright/pagewright.h>, whose rules hold here. */
#ifndef PAGEWRIGHT_MEMORY_H
#define PAGEWRIGHT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <pagewright/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pgw_space;

/*
 * Reserves len bytes of addresses (rounded up to pages): nobody may use them, and nothing is
 * promised.  flags and *va as for pgw_map().  PGW_UNSUPPORTED, here and for the next two: on
 * contiguous schemes, where what is mapped has a place in RAM at once.
 */
PGW_API enum pgw_status pgw_reserve(
    struct pgw_space *space, uint64_t len, unsigned flags, uint64_t *va);

/* Commits reserved pages: they get rights prot (some), and what may be written is counted as
 * promised (pgw_config.overcommit).  As pgw_protect(), and PGW_NOCOMMIT: it cannot be promised;
 * nothing was changed then. */
PGW_API enum pgw_status pgw_commit(
    struct pgw_space *space, uint64_t va, uint64_t len, unsigned prot);

/* Gives the pages in the range back, and the promise; the addresses stay reserved.  PGW_NOTFOUND:
 * part of the range is not mapped; PGW_INVAL: it is shared, or a stack; PGW_RANGE, PGW_NOMEM. */
PGW_API enum pgw_status pgw_decommit(struct pgw_space *space, uint64_t va, uint64_t len);

/* What a program knows of its memory; madvise(2) has the words. */
enum pgw_advice {
    PGW_ADVICE_RANDOM,
    PGW_ADVICE_SEQUENTIAL,
    PGW_ADVICE_HUGE,
    PGW_ADVICE_NOHUGE,
    PGW_ADVICE_MERGE,
    PGW_ADVICE_DONTFORK,
    PGW_ADVICE_WIPEONFORK,
    PGW_ADVICE_NORMAL,
    PGW_ADVICE_NOMERGE,
    PGW_ADVICE_DOFORK,
    PGW_ADVICE_KEEPONFORK,
    PGW_ADVICE_WILLNEED,
    PGW_ADVICE_DONTNEED,
    PGW_ADVICE_FREE,
    PGW_ADVICE_COLD,
    PGW_ADVICE_PAGEOUT,
    PGW_ADVICE_COLLAPSE,
    PGW_ADVICE_REMOVE
};

/* PGW_NOTFOUND: there are holes in the range, and the rest was done; PGW_INVAL: not for this kind
 * of memory, or locked; PGW_UNSUPPORTED: this scheme does nothing with it; PGW_RANGE, PGW_NOMEM,
 * PGW_AGAIN, PGW_NORAM, PGW_IO. */
PGW_API enum pgw_status pgw_advise(
    struct pgw_space *space, uint64_t va, uint64_t len, enum pgw_advice advice);

/* Faults the range in, for writing or for reading.  PGW_NOTFOUND: a hole; PGW_ACCESS, PGW_RANGE,
 * PGW_NORAM, PGW_IO: so far, and no further; PGW_UNSUPPORTED: on contiguous schemes. */
PGW_API enum pgw_status pgw_populate(
    struct pgw_space *space, uint64_t va, uint64_t len, bool write);

/* Keeps the range in RAM: brings it in now, or, on_fault, keeps what is there and what comes.
 * PGW_NOTFOUND: a hole, up to which it was done; PGW_NORAM: so much cannot be locked; PGW_NOCOMMIT;
 * PGW_UNSUPPORTED: on contiguous schemes; as pgw_populate(). */
PGW_API enum pgw_status pgw_lock(struct pgw_space *space, uint64_t va, uint64_t len, bool on_fault);
PGW_API enum pgw_status pgw_unlock(struct pgw_space *space, uint64_t va, uint64_t len);

/* vec[i]: 1 if the i-th of npages pages from va is in RAM, else 0.  PGW_NOTFOUND: part of it is not
 * mapped; PGW_UNSUPPORTED: on contiguous schemes. */
PGW_API enum pgw_status pgw_resident(
    struct pgw_space *space, uint64_t va, uint64_t npages, unsigned char *vec);

/* What a region holds now, in pages. */
struct pgw_region_usage {
    uint64_t resident; /* in RAM; of these: */
    uint64_t shared;   /*   seen by others too */
    uint64_t dirty;    /*   newer than on their device, if they are there */
    uint64_t huge;     /*   mapped by entries larger than a page */
    uint64_t merged;   /*   merged with equal pages */
    uint64_t locked;   /*   kept there */
    uint64_t swapped;  /* on swap only */
};

/* What the region that contains va holds.  On contiguous schemes it is in RAM or on swap as a
 * whole, pages of zeros excepted, which are on no device.  PGW_NOTFOUND. */
PGW_API enum pgw_status pgw_region_usage(
    struct pgw_space *space, uint64_t va, struct pgw_region_usage *usage);

#ifdef __cplusplus
}
#endif

#endif
