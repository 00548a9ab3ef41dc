/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CONTRACT: tmem, memory that is reached by copying pages in and out, and by no other way.
 *
 * After "Transcendent Memory" (Magenheimer and others, Linux Symposium 2009; the specification of
 * its interface, version 0.0.2).  A page is named by a pool, an object of 64 bits and an index in
 * it.  Who owns the memory decides what it keeps: an ephemeral pool may drop any page at any time
 * (clean pages of files, which can be read again), a persistent one may not (anonymous pages).
 *
 * All calls complete at once.  They are made with the system's lock and the pagers' lock held, as
 * start_get and start_put of a pager are.
 *
 * Laws:
 *  T1  A get gives the bytes of the last put under that name, or says that there are none; never
 *      other bytes.
 *  T2  A put that fails leaves no page under that name: an older copy is flushed (coherence).
 *  T3  A persistent pool gives back every page that was put and not flushed.
 *  T4  A get from an ephemeral pool takes the page out (it is exclusive: the page is in RAM then,
 *      and a second copy would be waste); one from a persistent pool leaves it there.
 *  T5  After a flush of a page, an object or a pool there is nothing under its names.
 */
#ifndef VM_TMEM_H
#define VM_TMEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"

/* Counted in pages, since creation, except where "now" is said. */
struct tmem_stats {
    uint64_t puts, rejected;                   /* kept; not kept, for want of room */
    uint64_t hits, misses;                     /* of gets */
    uint64_t persistent_puts, persistent_hits; /* of puts and hits */
    uint64_t dropped;                          /* ephemeral pages that went for want of room */
    uint64_t flushed;
    uint64_t ephemeral, persistent; /* now */
    uint64_t ephemeral_peak, persistent_peak;
};

struct tmem {
    const struct tmem_ops *ops;
    struct tmem_stats stats;
};

struct tmem_ops {
    const char *name;

    /* An empty pool.  PGW_NOMEM; PGW_NOSPACE: there are too many. */
    enum pgw_status (*pool_create)(struct tmem *tmem, bool persistent, unsigned *pool);
    /* Flushes the pool; its number may be given out again. */
    void (*pool_destroy)(struct tmem *tmem, unsigned pool);

    /* Copies PAGE_SIZE bytes in, over what was under that name.  PGW_NOSWAP: no room; PGW_NOMEM: no
     * record. */
    enum pgw_status (*put)(
        struct tmem *tmem, unsigned pool, uint64_t object, uint64_t index, const void *page);
    /* Copies them out.  PGW_NOTFOUND; PGW_CORRUPT: a checksum did not match, and the bytes are
     * undefined (of an ephemeral pool that is PGW_NOTFOUND too: it can be had elsewhere). */
    enum pgw_status (*get)(
        struct tmem *tmem, unsigned pool, uint64_t object, uint64_t index, void *page);

    void (*flush_page)(struct tmem *tmem, unsigned pool, uint64_t object, uint64_t index);
    void (*flush_object)(struct tmem *tmem, unsigned pool, uint64_t object);

    bool (*check)(struct tmem *tmem);
};

#endif
