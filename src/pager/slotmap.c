/* SPDX-License-Identifier: BSD-2-Clause */
#include "pager/slotmap.h"

#include <string.h>

#include "base/assert.h"

/*
 * Theory
 * ------
 * Slots are managed in chunks of 64.  A chunk without a record is wholly free; its record, a
 * bitmap and 64 checksums, is made when its first slot is taken and given back with its last.
 * So a used slot costs 8.6 bytes while chunks are full, and a device of any size costs nothing
 * until it is used.  A larger record would cost less a slot, but leave more of it unused in a
 * pool's pages while there are few, and wherever used slots lie scattered.
 *
 *     no record --- slotmap_take ---> partial <---> full
 *         ^                              |
 *         +--------- slotmap_free -------+      (the current chunk stays, even when empty)
 *
 * Slots are taken next-fit: onwards from the last one taken, so that pages that leave together
 * lie together on the device and page-outs are sequential writes.  When the current chunk has no
 * hole that is long enough, the next chunk is
 *
 *   - a fresh one, the lowest (the file stays short), as long as the records that exist are at
 *     least half used: sequential space;
 *   - otherwise the emptiest partial one, which then is at most about half used: this bounds
 *     the price of fragmentation to 18 bytes a used slot, plus one chunk;
 *   - at the end of the device, any with a free slot.
 *
 * Invariants: free bits of a chunk = its nfree; a chunk is in the bucket of its nfree, or in
 * none if full; the tree holds exactly the chunks; every chunk but the current one has a used
 * slot; bits past the end of the device are set.
 *
 * Rejected: one next-fit bitmap over the device (a lap over a full device costs a walk over all
 * of it at every page-out, and holes spread live slots over all records); extents in a tree
 * (32 bytes or more an extent, and the checksums would need a home of their own).
 */

/* A new chunk is opened while those that exist are used to at least one part in this many. */
#define SLOTMAP_DENSITY 2u

struct slotmap_chunk {
    LIST_ENTRY(slotmap_chunk) link; /* in its bucket, unless full */
    uint64_t index;
    uint64_t bits; /* 1: taken */
    unsigned nfree;
    uint64_t sums[SLOTMAP_CHUNK_SLOTS];
};

static uint64_t
slotmap_nchunks(const struct slotmap *map)
{
    return (map->nslots - 1) / SLOTMAP_CHUNK_SLOTS + 1;
}

/* How many slots the chunk with this index has: only the device's last can have fewer. */
static unsigned
slotmap_capacity(const struct slotmap *map, uint64_t index)
{
    uint64_t rest = map->nslots - index * SLOTMAP_CHUNK_SLOTS;
    return rest < SLOTMAP_CHUNK_SLOTS ? (unsigned)rest : SLOTMAP_CHUNK_SLOTS;
}

/* The bits of a chunk that stand for no slot: they count as taken. */
static uint64_t
slotmap_beyond(unsigned capacity)
{
    return capacity < SLOTMAP_CHUNK_SLOTS ? UINT64_MAX << capacity : 0;
}

static bool
slotmap_bit(const struct slotmap_chunk *chunk, unsigned i)
{
    return (chunk->bits >> i & 1u) != 0;
}

/* The bucket of a chunk with nfree > 0 free slots. */
static unsigned
slotmap_bucket_of(unsigned nfree)
{
    return (nfree - 1) / (SLOTMAP_CHUNK_SLOTS / SLOTMAP_BUCKETS);
}

/* Changes a chunk's count of free slots, and its bucket with it. */
static void
slotmap_set_nfree(struct slotmap *map, struct slotmap_chunk *chunk, unsigned nfree)
{
    unsigned before = chunk->nfree;
    bool same = before != 0 && nfree != 0 && slotmap_bucket_of(before) == slotmap_bucket_of(nfree);

    chunk->nfree = nfree;
    if (same)
        return;
    if (before != 0)
        LIST_REMOVE(chunk, link);
    if (nfree != 0)
        LIST_INSERT_HEAD(&map->buckets[slotmap_bucket_of(nfree)], chunk, link);
}

/* The chunk that a slot lies in, NULL if it has no record. */
static struct slotmap_chunk *
slotmap_chunk_of(const struct slotmap *map, uint64_t slot)
{
    if (slot >= map->nslots)
        return NULL;
    return base_radix_get(&map->tree, slot / SLOTMAP_CHUNK_SLOTS);
}

/* Makes the record of the lowest chunk that has none; NULL: no chunk or no memory left. */
static struct slotmap_chunk *
slotmap_open(struct slotmap *map)
{
    uint64_t n = slotmap_nchunks(map);
    if (map->chunks == n)
        return NULL;
    while (base_radix_get(&map->tree, map->fresh) != NULL)
        map->fresh++;
    BASE_ASSERT(map->fresh < n);

    /* Page-out is how memory comes free, so it may eat the reserve. */
    struct slotmap_chunk *chunk = base_pool_get_reserved(&map->pool);
    if (chunk == NULL)
        return NULL;
    if (base_radix_set(&map->tree, map->fresh, chunk) != PGW_OK) {
        base_pool_put(&map->pool, chunk);
        return NULL;
    }
    unsigned capacity = slotmap_capacity(map, map->fresh);
    chunk->index = map->fresh++;
    chunk->bits = slotmap_beyond(capacity);
    slotmap_set_nfree(map, chunk, capacity);
    map->chunks++;
    return chunk;
}

/* Gives an empty chunk's record back. */
static void
slotmap_close(struct slotmap *map, struct slotmap_chunk *chunk)
{
    if (map->fresh > chunk->index)
        map->fresh = chunk->index;
    base_radix_remove(&map->tree, chunk->index);
    slotmap_set_nfree(map, chunk, 0);
    base_pool_put(&map->pool, chunk);
    map->chunks--;
}

static struct slotmap_chunk *
slotmap_emptiest(struct slotmap *map)
{
    for (unsigned i = SLOTMAP_BUCKETS; i-- > 0;)
        if (!LIST_EMPTY(&map->buckets[i]))
            return LIST_FIRST(&map->buckets[i]);
    return NULL;
}

/* Moves on to the next chunk to take slots from; false: there is no free slot, or no record. */
static bool
slotmap_advance(struct slotmap *map)
{
    struct slotmap_chunk *next = NULL;
    struct slotmap_chunk *last = map->current;

    if (map->used * SLOTMAP_DENSITY >= map->chunks * SLOTMAP_CHUNK_SLOTS)
        next = slotmap_open(map);
    if (next == NULL)
        next = slotmap_emptiest(map);
    if (next == NULL)
        next = slotmap_open(map);
    if (next == NULL)
        return false;
    map->current = next;
    map->pos = 0;
    if (last != NULL && last != next && last->nfree == slotmap_capacity(map, last->index))
        slotmap_close(map, last);
    return true;
}

/* The first slot at or after i whose bit is value; SLOTMAP_CHUNK_SLOTS if there is none. */
static unsigned
slotmap_find_bit(const struct slotmap_chunk *chunk, unsigned i, bool value)
{
    uint64_t bits = value ? chunk->bits : ~chunk->bits;
    if (i >= SLOTMAP_CHUNK_SLOTS || bits >> i == 0)
        return SLOTMAP_CHUNK_SLOTS;
    return i + (unsigned)__builtin_ctzll(bits >> i);
}

/*
 * Looks in the current chunk, from pos onwards, for the first hole of at least want slots.
 * Returns its length, 0 if there is none.
 */
static unsigned
slotmap_hole(const struct slotmap *map, unsigned want, unsigned *start)
{
    const struct slotmap_chunk *chunk = map->current;
    if (chunk == NULL || chunk->nfree < want)
        return 0;
    unsigned i = map->pos;
    for (;;) {
        i = slotmap_find_bit(chunk, i, false);
        if (i == SLOTMAP_CHUNK_SLOTS)
            return 0;
        unsigned end = slotmap_find_bit(chunk, i, true);
        if (end - i >= want) {
            *start = i;
            return end - i;
        }
        i = end;
    }
}

/* Takes n slots of the current chunk, all free, from start onwards. */
static void
slotmap_mark(struct slotmap *map, unsigned start, unsigned n, uint64_t *slots)
{
    struct slotmap_chunk *chunk = map->current;
    for (unsigned i = 0; i < n; i++) {
        unsigned bit = start + i;
        BASE_DEBUG_ASSERT(!slotmap_bit(chunk, bit));
        chunk->bits |= (uint64_t)1 << bit;
        slots[i] = chunk->index * SLOTMAP_CHUNK_SLOTS + bit;
    }
    slotmap_set_nfree(map, chunk, chunk->nfree - n);
    map->used += n;
    map->pos = start + n;
}

/* Takes n consecutive slots from the current chunk or the one after it; false: none there. */
static bool
slotmap_take_run(struct slotmap *map, unsigned n, uint64_t *slots)
{
    unsigned start;
    if (slotmap_hole(map, n, &start) == 0) {
        if (!slotmap_advance(map) || slotmap_hole(map, n, &start) == 0)
            return false;
    }
    slotmap_mark(map, start, n, slots);
    return true;
}

/* Takes n slots wherever they are; returns how many it got, fewer than n for want of records. */
static unsigned
slotmap_gather(struct slotmap *map, unsigned n, uint64_t *slots)
{
    unsigned got = 0;
    while (got < n) {
        unsigned start;
        unsigned len = slotmap_hole(map, 1, &start);
        if (len == 0) {
            if (!slotmap_advance(map))
                break;
            continue;
        }
        len = len < n - got ? len : n - got;
        slotmap_mark(map, start, len, slots + got);
        got += len;
    }
    return got;
}

enum pgw_status
slotmap_take(struct slotmap *map, unsigned n, uint64_t *slots)
{
    BASE_ASSERT(n > 0 && n <= SLOTMAP_CHUNK_SLOTS);
    if (map->nslots - map->used < n)
        return PGW_NOSWAP;
    if (slotmap_take_run(map, n, slots))
        return PGW_OK;
    unsigned got = slotmap_gather(map, n, slots);
    if (got == n)
        return PGW_OK;
    while (got-- > 0)
        slotmap_free(map, slots[got]);
    return PGW_NOMEM;
}

bool
slotmap_free(struct slotmap *map, uint64_t slot)
{
    struct slotmap_chunk *chunk = slotmap_chunk_of(map, slot);
    unsigned bit = (unsigned)(slot % SLOTMAP_CHUNK_SLOTS);
    BASE_ASSERT(chunk != NULL && slotmap_bit(chunk, bit));

    chunk->bits &= ~((uint64_t)1 << bit);
    slotmap_set_nfree(map, chunk, chunk->nfree + 1);
    map->used--;
    if (chunk->nfree < slotmap_capacity(map, chunk->index))
        return false;
    if (chunk == map->current) {
        map->pos = 0;
        return false;
    }
    slotmap_close(map, chunk);
    return true;
}

/* The highest slot that is taken, plus one; 0: none is. */
static uint64_t
slotmap_end(const struct slotmap *map)
{
    const struct slotmap_chunk *chunk;
    uint64_t end = 0;

    for (uint64_t i = 0; (chunk = base_radix_next(&map->tree, &i)) != NULL; i++) {
        uint64_t taken = chunk->bits & ~slotmap_beyond(slotmap_capacity(map, chunk->index));
        if (taken != 0)
            end = (i + 1) * SLOTMAP_CHUNK_SLOTS - (unsigned)__builtin_clzll(taken);
    }
    return end;
}

/* Moves the device's end; the chunk that it cuts, before or after, gets another capacity. */
static void
slotmap_resize(struct slotmap *map, uint64_t nslots)
{
    uint64_t cut = ((nslots < map->nslots ? nslots : map->nslots) - 1) / SLOTMAP_CHUNK_SLOTS;
    struct slotmap_chunk *chunk = base_radix_get(&map->tree, cut);

    if (chunk != NULL)
        chunk->bits &= ~slotmap_beyond(slotmap_capacity(map, cut));
    map->nslots = nslots;
    if (chunk == NULL)
        return;
    chunk->bits |= slotmap_beyond(slotmap_capacity(map, cut));
    slotmap_set_nfree(
        map, chunk, SLOTMAP_CHUNK_SLOTS - (unsigned)__builtin_popcountll(chunk->bits));
}

void
slotmap_shrink(struct slotmap *map)
{
    uint64_t end = slotmap_end(map);

    if (end == 0)
        end = 1;
    if (end == map->nslots)
        return;
    if (map->current != NULL && map->current->nfree == slotmap_capacity(map, map->current->index))
        slotmap_close(map, map->current);
    map->current = NULL;
    map->pos = 0;
    slotmap_resize(map, end);
}

void
slotmap_grow(struct slotmap *map, uint64_t nslots)
{
    BASE_ASSERT(nslots >= map->nslots);
    slotmap_resize(map, nslots);
}

bool
slotmap_has(const struct slotmap *map, uint64_t slot)
{
    const struct slotmap_chunk *chunk = slotmap_chunk_of(map, slot);
    return chunk != NULL && slotmap_bit(chunk, (unsigned)(slot % SLOTMAP_CHUNK_SLOTS));
}

enum pgw_status
slotmap_get_sum(const struct slotmap *map, uint64_t slot, uint64_t *sum)
{
    const struct slotmap_chunk *chunk = slotmap_chunk_of(map, slot);
    unsigned bit = (unsigned)(slot % SLOTMAP_CHUNK_SLOTS);
    if (chunk == NULL || !slotmap_bit(chunk, bit))
        return PGW_NOTFOUND;
    *sum = chunk->sums[bit];
    return PGW_OK;
}

void
slotmap_set_sum(struct slotmap *map, uint64_t slot, uint64_t sum)
{
    struct slotmap_chunk *chunk = slotmap_chunk_of(map, slot);
    unsigned bit = (unsigned)(slot % SLOTMAP_CHUNK_SLOTS);
    BASE_ASSERT(chunk != NULL && slotmap_bit(chunk, bit));
    chunk->sums[bit] = sum;
}

enum pgw_status
slotmap_init(struct slotmap *map, struct base_alloc *alloc, uint64_t nslots)
{
    BASE_ASSERT(nslots > 0);
    memset(map, 0, sizeof *map);
    map->nslots = nslots;
    base_pool_init(&map->nodes, alloc, base_radix_node_size(), "slotmap nodes");
    base_pool_init(&map->pool, alloc, sizeof(struct slotmap_chunk), "slotmap chunks");
    base_radix_init(&map->tree, &map->nodes);
    for (unsigned i = 0; i < SLOTMAP_BUCKETS; i++)
        LIST_INIT(&map->buckets[i]);
    enum pgw_status status = base_pool_reserve(&map->pool, 1);
    if (status != PGW_OK)
        base_pool_discard(&map->pool);
    return status;
}

void
slotmap_fini(struct slotmap *map)
{
    base_radix_fini(&map->tree);
    base_pool_fini(&map->nodes);
    base_pool_discard(&map->pool);
}

/* Is the chunk sound in itself? */
static bool
slotmap_check_chunk(const struct slotmap *map, const struct slotmap_chunk *chunk, uint64_t index)
{
    unsigned capacity = slotmap_capacity(map, index);
    uint64_t beyond = capacity < SLOTMAP_CHUNK_SLOTS ? UINT64_MAX << capacity : 0;
    unsigned nfree = SLOTMAP_CHUNK_SLOTS - (unsigned)__builtin_popcountll(chunk->bits);
    if ((chunk->bits & beyond) != beyond)
        return false;
    return chunk->index == index && chunk->nfree == nfree &&
           (nfree < capacity || chunk == map->current);
}

/* Free slots in all buckets together; UINT64_MAX if a chunk is in a wrong one. */
static uint64_t
slotmap_count_buckets(struct slotmap *map)
{
    uint64_t nfree = 0;
    for (unsigned i = 0; i < SLOTMAP_BUCKETS; i++) {
        struct slotmap_chunk *chunk;
        LIST_FOREACH (chunk, &map->buckets[i], link) {
            if (chunk->nfree == 0 || slotmap_bucket_of(chunk->nfree) != i)
                return UINT64_MAX;
            nfree += chunk->nfree;
        }
    }
    return nfree;
}

bool
slotmap_check(struct slotmap *map)
{
    uint64_t used = 0;
    uint64_t nfree = 0;
    uint64_t chunks = 0;
    uint64_t index = 0;
    struct slotmap_chunk *chunk;

    while ((chunk = base_radix_next(&map->tree, &index)) != NULL) {
        if (index >= slotmap_nchunks(map) || !slotmap_check_chunk(map, chunk, index))
            return false;
        /* Below fresh every chunk has a record. */
        if (index != chunks && chunks < map->fresh)
            return false;
        used += slotmap_capacity(map, index) - chunk->nfree;
        nfree += chunk->nfree;
        chunks++;
        index++;
    }
    return used == map->used && chunks == map->chunks && chunks >= map->fresh &&
           map->pool.live == chunks && nfree == slotmap_count_buckets(map);
}
