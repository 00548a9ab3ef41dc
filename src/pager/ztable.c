/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chunk is 32 items and a bitmap of those that are taken; its record goes with the last of them.
 * A number is always taken from a chunk that has free ones if there is any, else from the lowest
 * chunk without a record.  Numbers mean nothing to anybody but the pool, so that, unlike a
 * device's, they need not follow each other.
 */
#include "pager/ztable.h"

#include "base/assert.h"

struct ztable_chunk {
    LIST_ENTRY(ztable_chunk) link; /* with gaps */
    uint64_t index;
    uint32_t taken; /* a bit an item */
    struct zitem items[ZTABLE_CHUNK];
};

void
ztable_init(struct ztable *table, struct base_alloc *alloc)
{
    *table = (struct ztable){0};
    base_pool_init(&table->nodes, alloc, base_radix_node_size(), "ztable nodes");
    base_pool_init(&table->pool, alloc, sizeof(struct ztable_chunk), "ztable chunks");
    base_radix_init(&table->tree, &table->nodes);
    LIST_INIT(&table->gaps);
}

void
ztable_fini(struct ztable *table)
{
    BASE_ASSERT(table->used == 0);
    base_radix_fini(&table->tree);
    base_pool_fini(&table->nodes);
    base_pool_fini(&table->pool);
}

/* The record of the lowest chunk that has none; NULL: no memory. */
static struct ztable_chunk *
ztable_open(struct ztable *table)
{
    while (base_radix_get(&table->tree, table->fresh) != NULL)
        table->fresh++;
    /* Page-out is how memory comes free, so it may eat the reserve. */
    struct ztable_chunk *chunk = base_pool_get_reserved(&table->pool);
    if (chunk == NULL)
        return NULL;
    if (base_radix_set(&table->tree, table->fresh, chunk) != PGW_OK) {
        base_pool_put(&table->pool, chunk);
        return NULL;
    }
    chunk->index = table->fresh++;
    LIST_INSERT_HEAD(&table->gaps, chunk, link);
    return chunk;
}

enum pgw_status
ztable_take(struct ztable *table, uint64_t *number, struct zitem **item)
{
    struct ztable_chunk *chunk = LIST_FIRST(&table->gaps);

    if (chunk == NULL)
        chunk = ztable_open(table);
    if (chunk == NULL)
        return PGW_NOMEM;
    unsigned i = (unsigned)__builtin_ctz(~chunk->taken);
    chunk->taken |= UINT32_C(1) << i;
    if (chunk->taken == UINT32_MAX)
        LIST_REMOVE(chunk, link);
    chunk->items[i] = (struct zitem){.place = (uint8_t)i};
    table->used++;
    *item = &chunk->items[i];
    *number = chunk->index * ZTABLE_CHUNK + i;
    return PGW_OK;
}

static struct ztable_chunk *
ztable_chunk_of(const struct ztable *table, uint64_t number)
{
    struct ztable_chunk *chunk = base_radix_get(&table->tree, number / ZTABLE_CHUNK);

    return chunk != NULL && (chunk->taken >> number % ZTABLE_CHUNK & 1u) != 0 ? chunk : NULL;
}

void
ztable_free(struct ztable *table, uint64_t number)
{
    struct ztable_chunk *chunk = ztable_chunk_of(table, number);
    unsigned i = (unsigned)(number % ZTABLE_CHUNK);

    BASE_ASSERT(chunk != NULL && chunk->items[i].state == ZITEM_NONE);
    if (chunk->taken == UINT32_MAX)
        LIST_INSERT_HEAD(&table->gaps, chunk, link);
    chunk->taken &= ~(UINT32_C(1) << i);
    table->used--;
    if (chunk->taken != 0)
        return;
    if (table->fresh > chunk->index)
        table->fresh = chunk->index;
    LIST_REMOVE(chunk, link);
    base_radix_remove(&table->tree, chunk->index);
    base_pool_put(&table->pool, chunk);
}

struct zitem *
ztable_get(const struct ztable *table, uint64_t number)
{
    struct ztable_chunk *chunk = ztable_chunk_of(table, number);

    return chunk != NULL ? &chunk->items[number % ZTABLE_CHUNK] : NULL;
}

uint64_t
ztable_number(const struct zitem *item)
{
    const struct ztable_chunk *chunk =
        (const void *)((const char *)(item - item->place) - offsetof(struct ztable_chunk, items));

    return chunk->index * ZTABLE_CHUNK + item->place;
}

struct zitem *
ztable_first(const struct ztable *table)
{
    uint64_t index = 0;
    struct ztable_chunk *chunk = base_radix_next(&table->tree, &index);

    return chunk != NULL ? &chunk->items[__builtin_ctz(chunk->taken)] : NULL;
}

static size_t
ztable_pool_bytes(const struct base_pool *pool)
{
    return (pool->live + pool->spare) * pool->obj_size;
}

size_t
ztable_record_bytes(const struct ztable *table)
{
    return ztable_pool_bytes(&table->nodes) + ztable_pool_bytes(&table->pool);
}

bool
ztable_check(const struct ztable *table)
{
    const struct ztable_chunk *chunk;
    uint64_t used = 0, chunks = 0, gaps = 0;

    for (uint64_t i = 0; (chunk = base_radix_next(&table->tree, &i)) != NULL; i++) {
        if (chunk->index != i || chunk->taken == 0)
            return false;
        for (unsigned j = 0; j < ZTABLE_CHUNK; j++)
            if ((chunk->taken >> j & 1u) != 0 && chunk->items[j].place != j)
                return false;
        used += (unsigned)__builtin_popcount(chunk->taken);
        gaps += chunk->taken != UINT32_MAX;
        chunks++;
    }
    LIST_FOREACH (chunk, &table->gaps, link)
        gaps -= chunk->taken != UINT32_MAX;
    return used == table->used && chunks == table->pool.live && gaps == 0;
}
