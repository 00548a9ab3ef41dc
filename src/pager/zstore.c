/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page is kept as one word if it is one word again and again, else compressed in the heap, else,
 * if it is too hard, as it is in a frame of its own; whether that is worth a frame is the caller's
 * to say.
 *
 *            zstore_keep                zstore_write_begin
 *     NONE ----------------> HELD <---------------------------> WRITING --- forgotten ---> DEAD
 *      ^  \                   |        zstore_write_fail           | written                 |
 *      |   +-----> SAME       |                                    v                         |
 *      +--- zstore_drop ------+------------------------------- AWAY (u.slot) <---- x         |
 *      +-------------------------------------------------------------------------------------+
 *
 * AWAY is set by the pool, which knows the next pager.  The checksum stays with the item through
 * all of this, so that it is verified wherever the page comes from (law G1).
 */
#include "pager/zstore.h"

#include <string.h>
#include <xxhash.h>

#include "base/assert.h"

#define ZSTORE_SCRATCH (2 * PAGE_SIZE)
#define ZSTORE_SAMPLE_GAP 3u /* items, a little less than a try of a dictionary waits for */

static uint64_t
zstore_sum(const struct zitem *item, const void *page)
{
    return XXH3_64bits_withSeed(page, PAGE_SIZE, (uint64_t)(uintptr_t)item);
}

static void
zstore_on_move(void *tag, struct zheap_at at)
{
    struct zitem *item = tag;

    item->u.group = at.group;
    item->obj = at.slot;
}

static struct zheap_at
zstore_at(const struct zitem *item)
{
    return (struct zheap_at){item->u.group, item->obj};
}

static struct zitem_list *
zstore_list(struct zstore *store, const struct zitem *item)
{
    return &store->lists[item->kind];
}

enum pgw_status
zstore_init(struct zstore *store, struct mem *mem, struct base_alloc *alloc, enum zcodec_kind codec,
    uint64_t limit)
{
    memset(store, 0, sizeof *store);
    store->alloc = alloc;
    store->scratch = alloc->map(alloc, ZSTORE_SCRATCH);
    if (store->scratch == NULL)
        return PGW_NOMEM;
    zdict_init(&store->zdict, limit);
    enum pgw_status status = zcodec_init(&store->codec, alloc, codec, store->zdict.len);
    if (status != PGW_OK) {
        alloc->unmap(alloc, store->scratch, ZSTORE_SCRATCH);
        store->scratch = NULL;
        return status;
    }
    zheap_init(&store->heap, mem, alloc, limit, zstore_on_move);
    for (unsigned i = 0; i < ZITEM_KINDS; i++)
        TAILQ_INIT(&store->lists[i]);
    return PGW_OK;
}

void
zstore_fini(struct zstore *store)
{
    BASE_ASSERT(store->pages == 0);
    zheap_fini(&store->heap);
    zdict_fini(&store->zdict, &store->codec);
    zcodec_fini(&store->codec);
    store->alloc->unmap(store->alloc, store->scratch, ZSTORE_SCRATCH);
}

/* --- samples --- */

/* Items that were put lately, with gaps between them; those of a run look alike. */
struct zstore_sampler {
    struct zstore *store;
    const struct zitem *items[ZDICT_SAMPLES_MAX];
};

static const void *
zstore_sample(void *ctx, unsigned i)
{
    struct zstore_sampler *sampler = ctx;
    struct zstore *store = sampler->store;

    return zstore_read(store, sampler->items[i], store->scratch) == PGW_OK ? store->scratch : NULL;
}

/* The newest of all kinds, one of each ZSTORE_SAMPLE_GAP; how many there are, up to n. */
static unsigned
zstore_find_samples(struct zstore *store, unsigned n, const struct zitem **items)
{
    const struct zitem *item;
    unsigned found = 0, seen = 0;

    for (unsigned kind = 0; kind < ZITEM_KINDS; kind++) {
        TAILQ_FOREACH_REVERSE(item, &store->lists[kind], zitem_list, link)
        {
            if (found == n)
                return n;
            if (seen++ % ZSTORE_SAMPLE_GAP == 0)
                items[found++] = item;
        }
    }
    return found;
}

static void
zstore_learn(struct zstore *store)
{
    struct zstore_sampler sampler = {.store = store};
    unsigned n = zdict_wants(&store->zdict);

    if (n == 0 || zstore_find_samples(store, n, sampler.items) < n)
        return;
    const struct zdict_samples samples = {.page = zstore_sample, .ctx = &sampler, .n = n};
    zdict_try(&store->zdict, &store->codec, &samples);
}

/* --- in --- */

void
zstore_prepare(struct zstore *store, const void *bytes, struct zstore_page *page)
{
    *page = (struct zstore_page){.bytes = bytes, .data = bytes, .len = PAGE_SIZE};
    memcpy(&page->word, bytes, sizeof page->word);
    if (memcmp(bytes, (const char *)bytes + sizeof page->word, PAGE_SIZE - sizeof page->word) ==
        0) {
        page->len = 0;
        return;
    }
    zdict_settle(&store->zdict, &store->codec);
    zstore_learn(store);
    size_t len = zcodec_squeeze(&store->codec, zdict_get(&store->zdict, store->zdict.now), bytes,
        store->scratch, zheap_len_max(&store->heap));
    if (len == 0)
        return;
    page->dict = store->zdict.now;
    page->data = store->scratch;
    page->len = len;
}

enum pgw_status
zstore_keep(
    struct zstore *store, const struct zstore_page *page, struct zitem *item, unsigned flags)
{
    struct zheap_at at;

    BASE_ASSERT(item->state == ZITEM_NONE);
    if (page->len > 0) {
        enum pgw_status status = zheap_take(&store->heap, page->len, item, flags, &at);
        if (status != PGW_OK)
            return status;
        zheap_write(&store->heap, at, page->data, page->len);
        zstore_on_move(item, at);
        item->len = (uint16_t)page->len;
        item->dict = page->dict;
        store->zdict.versions[item->dict].pages++;
        item->state = ZITEM_HELD;
        TAILQ_INSERT_TAIL(zstore_list(store, item), item, link);
        store->payload += page->len;
    } else {
        item->u.word = page->word;
        item->state = ZITEM_SAME;
        store->same++;
    }
    item->sum = zstore_sum(item, page->bytes);
    store->pages++;
    return PGW_OK;
}

/* --- out --- */

static void
zstore_fill(void *page, uint64_t word)
{
    for (size_t i = 0; i < PAGE_SIZE; i += sizeof word)
        memcpy((char *)page + i, &word, sizeof word);
}

bool
zstore_is(const struct zitem *item, const void *page)
{
    return item->sum == zstore_sum(item, page);
}

enum pgw_status
zstore_read(struct zstore *store, const struct zitem *item, void *page)
{
    unsigned char *buf = store->scratch + PAGE_SIZE;

    BASE_ASSERT(
        item->state == ZITEM_SAME || item->state == ZITEM_HELD || item->state == ZITEM_WRITING);
    if (item->state == ZITEM_SAME) {
        zstore_fill(page, item->u.word);
    } else {
        const void *data = zheap_read(&store->heap, zstore_at(item), buf, item->len);
        if (item->len == PAGE_SIZE)
            memcpy(page, data, PAGE_SIZE);
        else if (!zcodec_expand(
                     &store->codec, zdict_get(&store->zdict, item->dict), data, item->len, page))
            return PGW_CORRUPT;
    }
    return zstore_is(item, page) ? PGW_OK : PGW_CORRUPT;
}

void
zstore_drop(struct zstore *store, struct zitem *item)
{
    if (item->state == ZITEM_HELD)
        TAILQ_REMOVE(zstore_list(store, item), item, link);
    if (item->state == ZITEM_SAME) {
        store->same--;
        store->pages--;
    } else if (item->state != ZITEM_NONE && item->state != ZITEM_AWAY) {
        zheap_free(&store->heap, zstore_at(item));
        store->payload -= item->len;
        store->zdict.versions[item->dict].pages--;
        store->pages--;
    }
    item->state = ZITEM_NONE;
}

void
zstore_write_begin(struct zstore *store, struct zitem *item)
{
    BASE_ASSERT(item->state == ZITEM_HELD);
    TAILQ_REMOVE(zstore_list(store, item), item, link);
    item->state = ZITEM_WRITING;
}

void
zstore_write_fail(struct zstore *store, struct zitem *item)
{
    BASE_ASSERT(item->state == ZITEM_WRITING);
    item->state = ZITEM_HELD;
    TAILQ_INSERT_HEAD(zstore_list(store, item), item, link);
}

uint64_t
zstore_bytes(const struct zstore *store)
{
    const struct zheap *heap = &store->heap;

    return ((heap->frames + heap->idle) << PAGE_SHIFT) + zheap_record_bytes(heap) +
           page_ceil(store->codec.work_len) + zdict_bytes(&store->zdict, &store->codec) +
           ZSTORE_SCRATCH;
}

bool
zstore_check(const struct zstore *store)
{
    const struct zitem *item;
    uint64_t held = 0;

    for (unsigned kind = 0; kind < ZITEM_KINDS; kind++) {
        TAILQ_FOREACH (item, &store->lists[kind], link) {
            if (item->state != ZITEM_HELD || item->kind != kind)
                return false;
            held++;
        }
    }
    /* Those that are being written are in no list. */
    return held <= store->heap.objects && store->heap.objects + store->same == store->pages &&
           store->payload <= store->heap.bytes && zdict_check(&store->zdict, store->heap.objects) &&
           zheap_check(&store->heap);
}
