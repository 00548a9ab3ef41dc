/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool never gives memory back before its end: the core's records rise and fall with the load,
 * and a chunk with one live object in it could not go anyway.  Chunks grow with the pool, from
 * one page to POOL_CHUNK_MAX, so that a small system stays small and a large one makes few calls.
 *
 * Invariants: spare is the length of the free list; live + spare is what all chunks hold; an
 * ordinary get leaves at least `reserve` objects on the list.
 *
 * Under AddressSanitizer an object on the free list is poisoned but for its link, so that use
 * after put and putting twice are found as they would be with malloc.
 */
#include "base/pool.h"

#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/poison.h"
#include "base/size.h"

#define POOL_CHUNK_MAX ((size_t)1 << 20)
#define POOL_GROWTH 8 /* a new chunk is at most this part of what the pool holds already */
#define POOL_LINE 64  /* objects that are whole cache lines start on one */

struct pool_chunk {
    struct pool_chunk *next;
    size_t len; /* bytes, as mapped */
};

void
base_pool_init(struct base_pool *pool, struct base_alloc *alloc, size_t obj_size, const char *name)
{
    size_t words = obj_size == 0 ? 1 : (obj_size + 7) / 8;

    *pool = (struct base_pool){.alloc = alloc, .name = name, .obj_size = words * 8};
}

static size_t
pool_first_offset(const struct base_pool *pool)
{
    return pool->obj_size % POOL_LINE == 0 ? POOL_LINE : sizeof(struct pool_chunk);
}

/* Bytes of the next chunk: whole pages with room for one object at least. */
static size_t
pool_chunk_len(const struct base_pool *pool)
{
    size_t least = pool_first_offset(pool) + pool->obj_size;
    size_t want = (pool->live + pool->spare) / POOL_GROWTH * pool->obj_size;

    if (want > POOL_CHUNK_MAX)
        want = POOL_CHUNK_MAX;
    if (want < least)
        want = least;
    return (size_t)page_ceil(want);
}

static void
pool_push(struct base_pool *pool, void *obj)
{
    memcpy(obj, &pool->free, sizeof(void *));
    pool->free = obj;
    pool->spare++;
    base_poison((char *)obj + sizeof(void *), pool->obj_size - sizeof(void *));
}

static bool
pool_grow(struct base_pool *pool)
{
    size_t len = pool_chunk_len(pool);
    struct pool_chunk *chunk = pool->alloc->map(pool->alloc, len);

    if (chunk == NULL)
        return false;
    chunk->next = pool->chunks;
    chunk->len = len;
    pool->chunks = chunk;
    size_t first = pool_first_offset(pool);
    size_t count = (len - first) / pool->obj_size;
    while (count > 0) /* backwards, so that objects are handed out in rising order */
        pool_push(pool, (char *)chunk + first + --count * pool->obj_size);
    return true;
}

void
base_pool_discard(struct base_pool *pool)
{
    struct pool_chunk *chunk = pool->chunks;

    while (chunk != NULL) {
        struct pool_chunk *next = chunk->next;
        size_t len = chunk->len;
        base_unpoison(chunk, len);
        pool->alloc->unmap(pool->alloc, chunk, len);
        chunk = next;
    }
    pool->chunks = pool->free = NULL;
    pool->live = pool->spare = pool->reserve = 0;
}

void
base_pool_fini(struct base_pool *pool)
{
    BASE_ASSERT(pool->live == 0);
    base_pool_discard(pool);
}

enum pgw_status
base_pool_reserve(struct base_pool *pool, size_t n)
{
    while (pool->spare < n) {
        if (!pool_grow(pool))
            return PGW_NOMEM;
    }
    pool->reserve = n;
    return PGW_OK;
}

static void *
pool_pop(struct base_pool *pool)
{
    void *obj = pool->free;

    base_unpoison(obj, pool->obj_size);
    memcpy(&pool->free, obj, sizeof(void *));
    pool->spare--;
    pool->live++;
    return memset(obj, 0, pool->obj_size);
}

void *
base_pool_get(struct base_pool *pool)
{
    if (base_inject_fails(pool->alloc->inject, INJECT_OBJ))
        return NULL;
    if (__builtin_expect(pool->spare <= pool->reserve, 0) && !pool_grow(pool))
        return NULL;
    return pool_pop(pool);
}

/*
 * An injected failure means that memory beyond the reserve is not to be had: it does not take
 * away what the reserve promises.
 */
void *
base_pool_get_reserved(struct base_pool *pool)
{
    bool fails = base_inject_fails(pool->alloc->inject, INJECT_OBJ);

    if (pool->spare == 0 && (fails || !pool_grow(pool)))
        return NULL;
    return pool_pop(pool);
}

void
base_pool_put(struct base_pool *pool, void *obj)
{
    BASE_DEBUG_ASSERT(pool->live > 0);
    /* The last byte, because an object's link is not poisoned. */
    BASE_DEBUG_ASSERT(
        pool->obj_size == sizeof(void *) || !base_is_poisoned((char *)obj + pool->obj_size - 1));
    pool->live--;
    pool_push(pool, obj);
}
