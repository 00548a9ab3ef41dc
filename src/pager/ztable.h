/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers for the pages of a compressed pool: number to item, in a record for every 32. */
#ifndef PAGER_ZTABLE_H
#define PAGER_ZTABLE_H

#include "base/radix.h"
#include "pager/zstore.h"

#define ZTABLE_CHUNK 32u

struct ztable_chunk;
LIST_HEAD(ztable_chunks, ztable_chunk);

struct ztable {
    uint64_t used;
    uint64_t fresh;            /* no chunk below this index is without a record */
    struct base_radix tree;    /* chunk index to chunk */
    struct base_pool nodes;    /* of the tree */
    struct base_pool pool;     /* of chunks */
    struct ztable_chunks gaps; /* chunks with free numbers */
};

void ztable_init(struct ztable *table, struct base_alloc *alloc);
/* All numbers are free (asserted). */
void ztable_fini(struct ztable *table);

/* A number, and its item, which is all zeros.  PGW_NOMEM. */
MUST_CHECK enum pgw_status ztable_take(struct ztable *table, uint64_t *number, struct zitem **item);
/* The item is ZITEM_NONE by now (asserted). */
void ztable_free(struct ztable *table, uint64_t number);

/* NULL: the number is not taken. */
struct zitem *ztable_get(const struct ztable *table, uint64_t number);
/* The item with the lowest number; NULL: there is none. */
struct zitem *ztable_first(const struct ztable *table);
/* The number of an item that ztable_take gave. */
uint64_t ztable_number(const struct zitem *item);

size_t ztable_record_bytes(const struct ztable *table);
bool ztable_check(const struct ztable *table);

#endif
