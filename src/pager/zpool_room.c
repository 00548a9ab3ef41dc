/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room in the compressed pool.  When a page needs a frame and there is none, or no more may be
 * had, then, until there is room:
 *
 *   1. sparse groups are emptied into each other (zheap_compact);
 *   2. pages that may vanish do, the oldest first;
 *   3. the oldest of the others are written to the next pager, up to a run at a time.
 *
 *     HELD --write_begin--> WRITING --(next: start_put)--> done: AWAY in the next pager's slot
 *      ^                        |                      \-> failed: HELD again, and the oldest
 *      |                        | forgotten meanwhile
 *      +------ (no) ------ DEAD +--> done: the next pager's slot and the number are freed
 *
 * A page that is being written can still be read where it is.  One write-back is under way at a
 * time.  Where the next pager completes at once there is room when it has been started; else
 * there will be.
 *
 * The limit is a share of RAM, and page tables and locked pages are RAM that nobody can have.  So
 * of the limit the pool has what the frames that can go are of all: else it could hold all that
 * tables leave, and nothing would be left to bring a page back to.  It shrinks in the same steps.
 */
#include "pager/zpool.h"

#include "base/assert.h"
#include "base/peak.h"

#define ROOM_TRIES 16u /* for one page; each frees up to a run of pages */

/* --- figures --- */

static uint64_t
zpool_bytes(const struct zpool *zpool)
{
    return zstore_bytes(&zpool->store) + ztable_record_bytes(&zpool->table) +
           ztmem_record_bytes(zpool->tmem) + ((uint64_t)zpool->write.nbounce << PAGE_SHIFT) +
           zpool->ios.obj_size * (zpool->ios.live + zpool->ios.spare) + page_ceil(sizeof *zpool);
}

/* How many more pages like those that it holds there is room for below the limit; an estimate, and
 * above 0 as long as anything is free.  What its share refuses now it may take later, and nobody
 * would try again if it said that it is full. */
static uint64_t
zpool_room(const struct zpool *zpool)
{
    const struct zheap *heap = &zpool->store.heap;
    uint64_t each = heap->objects > 0 ? heap->bytes / heap->objects : PAGE_SIZE / 2;

    return ((heap->limit << PAGE_SHIFT) - heap->bytes) / each;
}

static void
zpool_count_pool(struct zpool *zpool)
{
    struct pager_zpool_stats *stats = &zpool->stats;
    const struct zstore *store = &zpool->store;

    stats->frames = store->heap.frames + store->heap.idle + zpool->write.nbounce;
    stats->pages = store->pages;
    stats->same = store->same;
    stats->stored = store->pages << PAGE_SHIFT;
    stats->bytes = zpool_bytes(zpool);
    stats->compacted = store->heap.moved;
    stats->dictionaries = store->zdict.made;
    stats->squeezed = store->codec.squeezed;
    stats->expanded = store->codec.expanded;
    stats->lz4 = store->codec.kind == ZCODEC_LZ4;
    base_peak(&stats->frames_peak, stats->frames);
    base_peak(&stats->pages_peak, stats->pages);
    base_peak(&stats->same_peak, stats->same);
    if (stats->bytes > stats->bytes_peak ||
        (stats->bytes == stats->bytes_peak && stats->stored > stats->stored_peak)) {
        stats->bytes_peak = stats->bytes;
        stats->stored_peak = stats->stored;
    }
}

void
zpool_count(struct zpool *zpool)
{
    struct pager_stats *stats = &zpool->pager.stats;
    const struct pager *next = zpool->next;

    stats->used = zpool->table.used - zpool->dead + zpool->passed;
    stats->slots = stats->used + zpool_room(zpool);
    stats->hoped = stats->slots;
    stats->ram = zpool->stats.limit;
    if (next != NULL) {
        stats->slots += next->stats.slots - next->stats.used;
        stats->hoped = stats->slots > next->stats.slots ? stats->slots - next->stats.slots : 0;
        stats->get_ios = next->stats.get_ios;
        stats->put_ios = next->stats.put_ios;
    }
    if (stats->used > stats->used_peak)
        stats->used_peak = stats->used;
    zpool_count_pool(zpool);
}

/* --- letting go --- */

void
zpool_forget_item(struct zpool *zpool, struct zitem *item)
{
    BASE_ASSERT(item->state != ZITEM_DEAD);
    if (item->state == ZITEM_WRITING) {
        item->state = ZITEM_DEAD;
        zpool->dead++;
        return;
    }
    if (item->state == ZITEM_AWAY) {
        zpool->next->ops->forget(zpool->next, item->u.slot);
        zpool->stats.away--;
    }
    zstore_drop(&zpool->store, item);
    ztable_free(&zpool->table, ztable_number(item));
}

/* --- write-back --- */

/* One page has been written, or was to be. */
static void
write_settle_item(struct zpool *zpool, struct zitem *item, enum pgw_status status, uint64_t slot)
{
    zpool->stats.written_back += status == PGW_OK;
    if (item->state == ZITEM_DEAD) {
        if (status == PGW_OK)
            zpool->next->ops->forget(zpool->next, slot);
        zstore_drop(&zpool->store, item);
        ztable_free(&zpool->table, ztable_number(item));
        zpool->dead--;
    } else if (status == PGW_OK) {
        zstore_drop(&zpool->store, item);
        item->state = ZITEM_AWAY;
        item->u.slot = slot;
        zpool->stats.away++;
    } else {
        zstore_write_fail(&zpool->store, item);
    }
}

/* Backwards, so that items that could not be written are as old as they were. */
static void
write_settle(struct zpool *zpool, unsigned from, unsigned end, enum pgw_status status)
{
    struct zpool_write *write = &zpool->write;

    while (end-- > from)
        write_settle_item(zpool, write->items[end], status, write->io.slots[end]);
}

static void
write_done(struct pager_io *io)
{
    struct zpool *zpool = io->ctx;

    zpool->write.busy = false;
    write_settle(zpool, 0, io->n, io->status);
    zpool_count(zpool);
}

/* Makes the oldest pages whole again; how many.  One that is not what it was stays where it is,
 * as the newest: whoever asks for it will be told. */
static unsigned
write_gather(struct zpool *zpool)
{
    struct zitem_list *list = &zpool->store.lists[ZITEM_SLOT];
    struct zpool_write *write = &zpool->write;
    unsigned n = 0;

    for (unsigned tries = 0; tries < PAGER_RUN_MAX && n < write->nbounce; tries++) {
        struct zitem *item = TAILQ_FIRST(list);
        if (item == NULL)
            break;
        enum pgw_status status =
            zstore_read(&zpool->store, item, mem_page_bytes(zpool->pager.mem, write->bounce[n]));
        if (status != PGW_OK) {
            TAILQ_REMOVE(list, item, link);
            TAILQ_INSERT_TAIL(list, item, link);
            continue;
        }
        zstore_write_begin(&zpool->store, item);
        write->io.pages[n] = write->bounce[n];
        write->items[n++] = item;
    }
    return n;
}

/* Starts to write the oldest pages back; true: there is room now. */
static bool
zpool_write_back(struct zpool *zpool)
{
    struct zpool_write *write = &zpool->write;
    struct pager *next = zpool->next;
    enum pgw_status status = PGW_NOSWAP;

    if (next == NULL || write->busy)
        return false;
    unsigned n = write_gather(zpool);
    write->io.done = write_done;
    write->io.ctx = zpool;
    write->busy = true;
    for (unsigned run = n; run > 0 && status == PGW_NOSWAP; run /= 2) {
        write->io.n = run;
        status = next->ops->start_put(next, &write->io);
    }
    if (status != PGW_OK) {
        write->busy = false;
        write->io.n = 0;
    }
    write_settle(zpool, write->io.n, n, PGW_NOSWAP); /* what did not fit */
    return status == PGW_OK && !write->busy && write->io.status == PGW_OK;
}

void
zpool_write_finish(struct zpool *zpool)
{
    while (zpool->write.busy && zpool->next->ops->drive(zpool->next, true) > 0)
        continue;
    BASE_ASSERT(!zpool->write.busy);
}

/* --- room --- */

static bool
zpool_make_room(struct zpool *zpool, enum zitem_kind kind)
{
    if (zheap_compact(&zpool->store.heap) > 0 || ztmem_shed(zpool->tmem, PAGER_RUN_MAX))
        return true;
    return kind != ZITEM_EPHEMERAL && zpool_write_back(zpool);
}

void
zpool_keep_to_share(struct zpool *zpool)
{
    struct zheap *heap = &zpool->store.heap;
    uint64_t all = zpool->pager.mem->nframes, fixed = zpool->pager.fixed;
    uint64_t share = fixed < all ? zpool->stats.limit * (all - fixed) / all : 0;
    unsigned own = zpool->write.nbounce; /* counts against the limit, too */

    zheap_allow(heap, share > own ? share - own : 0);
    for (unsigned i = 0; i < ROOM_TRIES && heap->frames > heap->share; i++)
        if (!zpool_make_room(zpool, ZITEM_SLOT))
            return;
}

enum pgw_status
zpool_store(struct zpool *zpool, const struct zstore_page *page, struct zitem *item, unsigned flags)
{
    enum pgw_status status = zstore_keep(&zpool->store, page, item, flags);

    for (unsigned i = 0; i < ROOM_TRIES && status == PGW_NORAM; i++) {
        if (!zpool_make_room(zpool, item->kind))
            break;
        status = zstore_keep(&zpool->store, page, item, flags);
    }
    return status;
}
