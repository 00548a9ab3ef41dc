/* SPDX-License-Identifier: BSD-2-Clause */
/* Which slots of a swap device are in use, and the checksum of what is in each. */
#ifndef PAGER_SLOTMAP_H
#define PAGER_SLOTMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/pool.h"
#include "base/radix.h"
#include "base/result.h"

#define SLOTMAP_CHUNK_SLOTS 64u /* slots that one record covers: 256 KiB of swap */
#define SLOTMAP_BUCKETS 8u      /* classes of chunks by how many slots are free */

struct slotmap_chunk;
LIST_HEAD(slotmap_bucket, slotmap_chunk);

struct slotmap {
    uint64_t nslots;
    uint64_t used;                 /* slots taken */
    uint64_t chunks;               /* records that exist */
    uint64_t fresh;                /* no chunk below this index is without a record */
    struct slotmap_chunk *current; /* where the next slots are looked for, may be NULL */
    unsigned pos;                  /* ... from this slot of it onwards */
    struct base_radix tree;        /* chunk index to chunk */
    struct base_pool nodes;        /* of the tree */
    struct base_pool pool;         /* of chunks */
    struct slotmap_bucket buckets[SLOTMAP_BUCKETS]; /* chunks with free slots, the fullest first */
};

/* An empty map of nslots (at least 1) in the caller's storage.  PGW_NOMEM. */
MUST_CHECK enum pgw_status slotmap_init(
    struct slotmap *map, struct base_alloc *alloc, uint64_t nslots);
void slotmap_fini(struct slotmap *map);

/*
 * Takes n slots (at most SLOTMAP_CHUNK_SLOTS) and writes their numbers to slots: one run of
 * consecutive ones if there is one near, else several shorter ones.  All or none: PGW_NOSWAP
 * when fewer than n are free, PGW_NOMEM when there is no room for the records.
 */
MUST_CHECK enum pgw_status slotmap_take(struct slotmap *map, unsigned n, uint64_t *slots);

/*
 * Frees a slot that is taken (asserted).  True: that was the last of its chunk
 * and the chunk's record is gone; not so for the chunk that is being filled.
 */
bool slotmap_free(struct slotmap *map, uint64_t slot);

/*
 * The device has turned out to be full: it ends behind its last slot that is taken, or after one
 * slot.  What is taken is as before.
 */
void slotmap_shrink(struct slotmap *map);

/* The device has nslots after all, at least as many as now. */
void slotmap_grow(struct slotmap *map, uint64_t nslots);

/* Is the slot taken?  Any number may be asked. */
bool slotmap_has(const struct slotmap *map, uint64_t slot);

/* The checksum that belongs to a taken slot; PGW_NOTFOUND if it is not taken. */
MUST_CHECK enum pgw_status slotmap_get_sum(const struct slotmap *map, uint64_t slot, uint64_t *sum);
/* The slot is taken (asserted). */
void slotmap_set_sum(struct slotmap *map, uint64_t slot, uint64_t sum);

/* True if bitmaps, counts, classes and the tree agree.  Costs a walk over every record. */
bool slotmap_check(struct slotmap *map);

#endif
