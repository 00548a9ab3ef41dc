/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CONTRACT: pager, where pages are while they are not in RAM.
 *
 * A pager moves whole pages between frames and slots.  A slot is a number that only its pager
 * understands: an offset in pages for a file, an index into a slot map for swap.  Pagers stack:
 * a pager may keep some slots itself and pass others on to the next.
 *
 *      core: page BUSY            pager                          core: page not BUSY
 *      start_get / start_put ---> in flight ---(drive)---> done(io): looks again
 *
 * done is called exactly once for each io whose start returned PGW_OK: from start_* itself, or
 * from a later drive(), never from another thread.  The io belongs to the pager in between.
 *
 * Laws:
 *  G1  A get after a finished put returns the same bytes, or an error; never other bytes
 *      (slots carry a checksum).
 *  G2  A failed put leaves the page dirty and in memory.  Nothing is lost because the device is
 *      full or broken.  The pager keeps no slot for it.
 *  G3  forget is final and frees the room.
 */
#ifndef VM_PAGER_H
#define VM_PAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "mem/mem.h"

#define PAGER_SLOT_NONE UINT64_MAX
#define PAGER_RUN_MAX 16u /* most pages in one io */

struct pager;

struct pager_io {
    struct mem_page *pages[PAGER_RUN_MAX];
    uint64_t slots[PAGER_RUN_MAX]; /* get: from the caller; put: filled in before done(), but where
                                      a slot is a place in a file the caller gives it */
    unsigned n;
    enum pgw_status status; /* of the whole io, valid in done() */
    void (*done)(struct pager_io *io);
    void *ctx;             /* the caller's */
    struct pager_io *next; /* the pager's, while in flight */
};

/* What a pager has done and holds, for reports.  Counted in pages. */
struct pager_stats {
    uint64_t slots; /* capacity; UINT64_MAX: no limit of its own */
    uint64_t hoped; /* of these, what depends on how well pages compress */
    uint64_t ram;   /* frames that it may come to take */
    uint64_t used;
    uint64_t used_peak;
    uint64_t gets, puts; /* pages read and written */
    uint64_t get_ios, put_ios;
    uint64_t errors;
};

/* Every pager starts with this. */
struct pager {
    const struct pager_ops *ops;
    struct mem *mem;
    struct pager_stats stats;
    /* Frames that cannot be evicted (tables, locked pages), as whoever evicts last knew it: one
     * that takes frames takes its share of the others. */
    uint64_t fixed;
};

struct pager_ops {
    const char *name;

    /* Fills io->pages from io->slots.  A start that fails has done nothing and calls no done.
     * PGW_NOTFOUND: nothing was put in one of the slots.
     * done: PGW_OK; PGW_IO; PGW_CORRUPT: a checksum did not match; the pages' bytes are then
     * undefined. Reads past the end of a file give zeros. */
    enum pgw_status (*start_get)(struct pager *pager, struct pager_io *io);

    /* Writes io->pages and gives each a slot in io->slots (all or none).  Callers offer runs;
     * a pager with room for fewer than n returns PGW_NOSWAP and the caller offers fewer. done:
     * PGW_OK, PGW_IO, or PGW_NOSWAP: the disk under it is full.  PGW_NOMEM: no records.
     * PGW_UNSUPPORTED: this pager is read-only. */
    enum pgw_status (*start_put)(struct pager *pager, struct pager_io *io);

    /* Completes what can be completed; with wait, blocks until at least one io in flight is
     * done.  Returns the number of ios completed; 0 with wait: nothing was in flight. */
    unsigned (*drive)(struct pager *pager, bool wait);

    /* Is there something in this slot? */
    bool (*has)(struct pager *pager, uint64_t slot);
    /* Frees a slot; never called for one in flight. */
    void (*forget)(struct pager *pager, uint64_t slot);

    void (*destroy)(struct pager *pager); /* nothing is in flight */
    bool (*check)(struct pager *pager);
};

#endif
