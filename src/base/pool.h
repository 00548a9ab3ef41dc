/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of equal objects: a free list over chunks of a base_alloc.  get and put are a few
 * instructions.  A pool may hold a reserve that ordinary gets do not touch, for the path that
 * frees memory.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/result.h"

struct base_pool {
    struct base_alloc *alloc;
    const char *name;
    void *free;      /* singly linked through the objects' first word */
    void *chunks;    /* all chunks, for fini */
    size_t obj_size; /* bytes, a multiple of 8, at least 8 */
    size_t live;     /* objects handed out */
    size_t spare;    /* objects on the free list */
    size_t reserve;  /* objects that only base_pool_get_reserved may take */
};

/* Makes an empty pool in the caller's storage.  Cannot fail: chunks come on demand. */
void base_pool_init(
    struct base_pool *pool, struct base_alloc *alloc, size_t obj_size, const char *name);

/* Gives all chunks back.  Every object must have been put (asserted). */
void base_pool_fini(struct base_pool *pool);

/* Gives all chunks back whatever is still handed out: for tearing a whole system down. */
void base_pool_discard(struct base_pool *pool);

/* Keeps n objects in reserve from now on. PGW_NOMEM if they cannot be had. */
MUST_CHECK enum pgw_status base_pool_reserve(struct base_pool *pool, size_t n);

/* One zeroed object, NULL when there is no memory (INJECT_OBJ is asked first). */
void *base_pool_get(struct base_pool *pool);

/* The same, but may eat the reserve; for paths that free memory. */
void *base_pool_get_reserved(struct base_pool *pool);

void base_pool_put(struct base_pool *pool, void *obj);

#endif
