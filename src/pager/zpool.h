/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the compressed pool know each other by this. */
#ifndef PAGER_ZPOOL_H
#define PAGER_ZPOOL_H

#include "pager/pagers.h"
#include "pager/zstore.h"
#include "pager/ztable.h"
#include "vm/tmem.h"

#define ZPOOL_PASSED ((uint64_t)1 << 47) /* in a slot: the rest is the next pager's slot */

/* Pages on their way from the store to the next pager. */
struct zpool_write {
    struct pager_io io;
    struct zitem *items[PAGER_RUN_MAX];
    struct mem_page *bounce[PAGER_RUN_MAX]; /* what they are made whole in */
    unsigned nbounce;                       /* frames that there are */
    bool busy;
};

struct zpool {
    struct pager pager;
    struct base_alloc *alloc;
    struct pager *next; /* NULL: none */
    struct zstore store;
    struct ztable table;
    struct base_pool ios; /* what goes through to the next pager */
    unsigned in_flight;   /* of the caller's */
    unsigned completed;   /* of them, since drive() began */
    uint64_t passed;      /* slots that are the next pager's own */
    uint64_t dead;        /* numbers that nobody wants, still being written */
    struct zpool_write write;
    struct pager_zpool_stats stats;
    struct ztmem *tmem;
};

static inline struct zpool *
zpool_of(struct pager *pager)
{
    return (struct zpool *)pager;
}

/* --- zpool_room.c --- */

/* Stores a prepared page whatever has to go for it; PGW_NORAM: there is no room. */
MUST_CHECK enum pgw_status zpool_store(
    struct zpool *zpool, const struct zstore_page *page, struct zitem *item, unsigned flags);
/* Of its limit, the pool has what the frames that can go are of RAM, and gives back what is more,
 * as far as the next pager takes it. */
void zpool_keep_to_share(struct zpool *zpool);
/* A write-back in flight is over when this returns. */
void zpool_write_finish(struct zpool *zpool);
/* Lets go of an item and its number. */
void zpool_forget_item(struct zpool *zpool, struct zitem *item);
/* Brings the figures of the pager up to date. */
void zpool_count(struct zpool *zpool);

/* --- ztmem.c --- */

MUST_CHECK enum pgw_status ztmem_create(struct zpool *zpool);
void ztmem_destroy(struct ztmem *tmem);
/* Drops about n of the oldest ephemeral pages; false: there are none. */
bool ztmem_shed(struct ztmem *tmem, unsigned n);
size_t ztmem_record_bytes(const struct ztmem *tmem);
bool ztmem_check(const struct ztmem *tmem);

#endif
