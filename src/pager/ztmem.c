/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transcendent memory (vm/tmem.h) over the store of the compressed pool.
 *
 *     pool --> objects (a red-black tree by id) --> pages (a radix tree by index) --> item
 *
 * An object's record goes with its last page.  Ephemeral pages share the pool's frames and its
 * limit with swapped pages, and are the first to go.  What cannot be compressed is not worth a
 * frame to an ephemeral pool.  Persistent pages stay in the store, because a get completes at
 * once, which a get from the next pager does not.  Neither kind takes frames of the reserve: unlike
 * a page that is swapped, they give none back.
 */
#include "pager/zpool.h"

#include <sys/tree.h>

#include "base/assert.h"
#include "base/peak.h"

#define ZTMEM_POOLS 8u

struct ztmem_object;

struct ztmem_page {
    struct zitem item; /* first: the store's lists lead here */
    struct ztmem_object *object;
    uint64_t index;
};

struct ztmem_object {
    RB_ENTRY(ztmem_object) link;
    uint64_t id;
    unsigned pool;
    struct base_radix pages;
};

RB_HEAD(ztmem_tree, ztmem_object);

struct ztmem_pool {
    bool used, persistent;
    struct ztmem_tree objects;
};

struct ztmem {
    struct tmem tmem;
    struct zpool *zpool;
    struct ztmem_pool pools[ZTMEM_POOLS];
    struct base_pool objects, pages, nodes;
};

RB_PROTOTYPE(ztmem_tree, ztmem_object, link, ztmem_compare)

static int
ztmem_compare(const struct ztmem_object *a, const struct ztmem_object *b)
{
    return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(ztmem_tree, ztmem_object, link, ztmem_compare)

static struct ztmem *
ztmem_of(struct tmem *tmem)
{
    return (struct ztmem *)tmem;
}

static struct ztmem_object *
ztmem_find(struct ztmem *tmem, unsigned pool, uint64_t id)
{
    struct ztmem_object key = {.id = id};

    BASE_ASSERT(pool < ZTMEM_POOLS && tmem->pools[pool].used);
    return RB_FIND(ztmem_tree, &tmem->pools[pool].objects, &key);
}

static struct ztmem_page *
ztmem_find_page(struct ztmem *tmem, unsigned pool, uint64_t id, uint64_t index)
{
    struct ztmem_object *object = ztmem_find(tmem, pool, id);

    return object != NULL ? base_radix_get(&object->pages, index) : NULL;
}

/* --- records --- */

static void
ztmem_object_release(struct ztmem *tmem, struct ztmem_object *object)
{
    if (object->pages.count > 0)
        return;
    RB_REMOVE(ztmem_tree, &tmem->pools[object->pool].objects, object);
    base_pool_put(&tmem->objects, object);
}

static struct ztmem_object *
ztmem_object_create(struct ztmem *tmem, unsigned pool, uint64_t id)
{
    struct ztmem_object *object = base_pool_get(&tmem->objects);

    if (object == NULL)
        return NULL;
    object->id = id;
    object->pool = pool;
    base_radix_init(&object->pages, &tmem->nodes);
    RB_INSERT(ztmem_tree, &tmem->pools[pool].objects, object);
    return object;
}

/* A page that is in its object's tree, with an item that has nothing yet; NULL: no memory. */
static struct ztmem_page *
ztmem_page_create(struct ztmem *tmem, unsigned pool, uint64_t id, uint64_t index)
{
    struct ztmem_object *object = ztmem_find(tmem, pool, id);
    struct ztmem_page *page = base_pool_get(&tmem->pages);

    if (page == NULL)
        return NULL;
    if (object == NULL)
        object = ztmem_object_create(tmem, pool, id);
    if (object == NULL || base_radix_set(&object->pages, index, page) != PGW_OK) {
        if (object != NULL)
            ztmem_object_release(tmem, object);
        base_pool_put(&tmem->pages, page);
        return NULL;
    }
    page->object = object;
    page->index = index;
    page->item.kind = tmem->pools[pool].persistent ? ZITEM_PINNED : ZITEM_EPHEMERAL;
    return page;
}

/* Takes the page out, and its object if that was the last one. */
static void
ztmem_page_destroy(struct ztmem *tmem, struct ztmem_page *page)
{
    struct ztmem_object *object = page->object;
    struct tmem_stats *stats = &tmem->tmem.stats;

    if (page->item.state != ZITEM_NONE) {
        stats->persistent -= page->item.kind == ZITEM_PINNED;
        stats->ephemeral -= page->item.kind == ZITEM_EPHEMERAL;
    }
    zstore_drop(&tmem->zpool->store, &page->item);
    base_radix_remove(&object->pages, page->index);
    base_pool_put(&tmem->pages, page);
    ztmem_object_release(tmem, object);
}

/* --- the contract --- */

static enum pgw_status
ztmem_pool_create(struct tmem *base, bool persistent, unsigned *pool)
{
    struct ztmem *tmem = ztmem_of(base);

    for (unsigned i = 0; i < ZTMEM_POOLS; i++) {
        if (tmem->pools[i].used)
            continue;
        tmem->pools[i] = (struct ztmem_pool){.used = true, .persistent = persistent};
        RB_INIT(&tmem->pools[i].objects);
        *pool = i;
        return PGW_OK;
    }
    return PGW_NOSPACE;
}

static void
ztmem_done(struct ztmem *tmem)
{
    zheap_settle(&tmem->zpool->store.heap);
    zpool_count(tmem->zpool);
}

static void
ztmem_flush(struct ztmem *tmem, struct ztmem_object *object)
{
    uint64_t left = object->pages.count;
    struct ztmem_page *page;

    /* With the last page the object goes. */
    for (uint64_t index = 0; left > 0; left--, index++) {
        page = base_radix_next(&object->pages, &index);
        ztmem_page_destroy(tmem, page);
        tmem->tmem.stats.flushed++;
    }
}

static void
ztmem_pool_destroy(struct tmem *base, unsigned pool)
{
    struct ztmem *tmem = ztmem_of(base);
    struct ztmem_object *object;

    BASE_ASSERT(pool < ZTMEM_POOLS && tmem->pools[pool].used);
    while ((object = RB_MIN(ztmem_tree, &tmem->pools[pool].objects)) != NULL)
        ztmem_flush(tmem, object);
    tmem->pools[pool].used = false;
    ztmem_done(tmem);
}

static void
ztmem_flush_page(struct tmem *base, unsigned pool, uint64_t id, uint64_t index)
{
    struct ztmem *tmem = ztmem_of(base);
    struct ztmem_page *page = ztmem_find_page(tmem, pool, id, index);

    if (page == NULL)
        return;
    ztmem_page_destroy(tmem, page);
    base->stats.flushed++;
    ztmem_done(tmem);
}

static void
ztmem_flush_object(struct tmem *base, unsigned pool, uint64_t id)
{
    struct ztmem *tmem = ztmem_of(base);
    struct ztmem_object *object = ztmem_find(tmem, pool, id);

    if (object == NULL)
        return;
    ztmem_flush(tmem, object);
    ztmem_done(tmem);
}

static enum pgw_status
ztmem_keep(struct ztmem *tmem, struct ztmem_page *page, const void *bytes)
{
    bool persistent = page->item.kind == ZITEM_PINNED;
    struct tmem_stats *stats = &tmem->tmem.stats;
    struct zstore_page ready;

    zstore_prepare(&tmem->zpool->store, bytes, &ready);
    enum pgw_status status = PGW_NORAM;
    if (ready.len != PAGE_SIZE || persistent)
        status = zpool_store(tmem->zpool, &ready, &page->item, 0);
    if (status != PGW_OK) {
        ztmem_page_destroy(tmem, page);
        stats->rejected++;
        return status == PGW_NORAM ? PGW_NOSWAP : status;
    }
    stats->puts++;
    stats->persistent_puts += persistent;
    stats->persistent += persistent;
    stats->ephemeral += !persistent;
    base_peak(&stats->persistent_peak, stats->persistent);
    base_peak(&stats->ephemeral_peak, stats->ephemeral);
    return PGW_OK;
}

static enum pgw_status
ztmem_put(struct tmem *base, unsigned pool, uint64_t id, uint64_t index, const void *bytes)
{
    struct ztmem *tmem = ztmem_of(base);
    struct ztmem_page *page = ztmem_find_page(tmem, pool, id, index);
    enum pgw_status status = PGW_NOMEM;

    if (page != NULL)
        ztmem_page_destroy(tmem, page);
    page = ztmem_page_create(tmem, pool, id, index);
    if (page != NULL)
        status = ztmem_keep(tmem, page, bytes);
    ztmem_done(tmem);
    return status;
}

static enum pgw_status
ztmem_get(struct tmem *base, unsigned pool, uint64_t id, uint64_t index, void *bytes)
{
    struct ztmem *tmem = ztmem_of(base);
    struct ztmem_page *page = ztmem_find_page(tmem, pool, id, index);

    if (page == NULL) {
        base->stats.misses++;
        return PGW_NOTFOUND;
    }
    enum pgw_status status = zstore_read(&tmem->zpool->store, &page->item, bytes);
    base->stats.hits += status == PGW_OK;
    base->stats.persistent_hits += status == PGW_OK && page->item.kind == ZITEM_PINNED;
    base->stats.misses += status != PGW_OK;
    if (page->item.kind == ZITEM_EPHEMERAL) {
        ztmem_page_destroy(tmem, page);
        ztmem_done(tmem);
        return status == PGW_OK ? PGW_OK : PGW_NOTFOUND;
    }
    return status;
}

static bool
ztmem_check_tmem(struct tmem *tmem)
{
    return ztmem_check(ztmem_of(tmem));
}

static const struct tmem_ops ztmem_ops = {
    .name = "zpool",
    .pool_create = ztmem_pool_create,
    .pool_destroy = ztmem_pool_destroy,
    .put = ztmem_put,
    .get = ztmem_get,
    .flush_page = ztmem_flush_page,
    .flush_object = ztmem_flush_object,
    .check = ztmem_check_tmem,
};

/* --- for the pool --- */

enum pgw_status
ztmem_create(struct zpool *zpool)
{
    struct base_alloc *alloc = zpool->alloc;
    struct ztmem *tmem = alloc->map(alloc, sizeof *tmem);

    if (tmem == NULL)
        return PGW_NOMEM;
    tmem->tmem.ops = &ztmem_ops;
    tmem->zpool = zpool;
    base_pool_init(&tmem->objects, alloc, sizeof(struct ztmem_object), "tmem objects");
    base_pool_init(&tmem->pages, alloc, sizeof(struct ztmem_page), "tmem pages");
    base_pool_init(&tmem->nodes, alloc, base_radix_node_size(), "tmem nodes");
    zpool->tmem = tmem;
    return PGW_OK;
}

void
ztmem_destroy(struct ztmem *tmem)
{
    struct base_alloc *alloc = tmem->zpool->alloc;

    for (unsigned i = 0; i < ZTMEM_POOLS; i++)
        BASE_ASSERT(!tmem->pools[i].used);
    base_pool_fini(&tmem->objects);
    base_pool_fini(&tmem->pages);
    base_pool_fini(&tmem->nodes);
    alloc->unmap(alloc, tmem, sizeof *tmem);
}

bool
ztmem_shed(struct ztmem *tmem, unsigned n)
{
    struct zitem_list *list = &tmem->zpool->store.lists[ZITEM_EPHEMERAL];
    bool any = !TAILQ_EMPTY(list);

    for (; n > 0 && !TAILQ_EMPTY(list); n--) {
        ztmem_page_destroy(tmem, (struct ztmem_page *)(void *)TAILQ_FIRST(list));
        tmem->tmem.stats.dropped++;
    }
    return any;
}

size_t
ztmem_record_bytes(const struct ztmem *tmem)
{
    const struct base_pool *pools[] = {&tmem->objects, &tmem->pages, &tmem->nodes};
    size_t bytes = page_ceil(sizeof *tmem);

    for (unsigned i = 0; i < sizeof pools / sizeof pools[0]; i++)
        bytes += (pools[i]->live + pools[i]->spare) * pools[i]->obj_size;
    return bytes;
}

/* Pages of an object that are what they should be; adds to *n. */
static bool
ztmem_check_object(
    const struct ztmem *tmem, const struct ztmem_object *object, unsigned pool, uint64_t *n)
{
    unsigned kind = tmem->pools[pool].persistent ? ZITEM_PINNED : ZITEM_EPHEMERAL;
    uint64_t i = 0;

    /* By count: there may be a page at the last index that there is. */
    for (uint64_t left = object->pages.count; left > 0; left--, i++) {
        const struct ztmem_page *page = base_radix_next(&object->pages, &i);
        if (page == NULL || page->object != object || page->index != i || page->item.kind != kind ||
            (page->item.state != ZITEM_HELD && page->item.state != ZITEM_SAME))
            return false;
        n[tmem->pools[pool].persistent]++;
    }
    return object->pool == pool && object->pages.count > 0;
}

bool
ztmem_check(const struct ztmem *tmem)
{
    uint64_t n[2] = {0, 0};
    struct ztmem_object *object;

    for (unsigned i = 0; i < ZTMEM_POOLS; i++) {
        if (!tmem->pools[i].used)
            continue;
        RB_FOREACH (object, ztmem_tree, (struct ztmem_tree *)(uintptr_t)&tmem->pools[i].objects)
            if (!ztmem_check_object(tmem, object, i, n))
                return false;
    }
    return n[0] == tmem->tmem.stats.ephemeral && n[1] == tmem->tmem.stats.persistent &&
           n[0] + n[1] == tmem->pages.live;
}

struct tmem *
pager_zpool_tmem(struct pager *pager)
{
    struct pager_zpool_stats stats;

    return pager_zpool_stats(pager, &stats) ? &zpool_of(pager)->tmem->tmem : NULL;
}
