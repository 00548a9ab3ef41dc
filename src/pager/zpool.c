/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory
 * ------
 * A pool of compressed pages in the system's own RAM, in front of another pager.
 *
 *      start_put --> one word, or compressed ---------------------> store (zstore.h)
 *                \                                                    | oldest, when there is
 *                 \-- too hard to compress, or no room --> next <-----+ no room (zpool_room.c)
 *
 * A slot is a number of the pool's own table (ztable.h), so that its page can go on to the next
 * pager without its owner knowing; or, of a page that went there at once, the next pager's slot
 * with a bit set, which costs no record.
 *
 * Every get or put that the next pager has a part in is one io of its own there (struct zpool_io),
 * and the caller's is done when that is.  Pages of the same put that stayed in the pool are
 * forgotten again if it fails (law G2: all or none).
 *
 * The store is filled at start_put and emptied at forget, under the system's lock.  drive(), which
 * has not got it, ends I/O only: frames that this frees are idle until the next call that may give
 * them back.
 *
 * It never waits.  While a write-back is under way and there is no room, new pages go to the next
 * pager directly; that they then overtake older ones is the price.
 *
 * Rejected: to queue puts until there is room, which needs frames in drive(); to write pages back
 * compressed, which a pager of whole pages cannot take.
 */
#include "pager/zpool.h"

#include <string.h>

#include "base/assert.h"
#include "pager/pager_runs.h"

#define ZPOOL_LEAST 4u /* frames */
#define ZPOOL_BOUNCE_PART 16u

/* A part of a caller's io that the next pager does. */
struct zpool_io {
    struct pager_io io;
    struct zpool *zpool;
    struct pager_io *outer;
    unsigned char index[PAGER_RUN_MAX]; /* of each page in outer */
    unsigned hard;                      /* of them, pages that are too hard to compress */
    bool put;
};

/* --- through to the next pager --- */

static void
zpool_io_add(struct zpool_io *sub, unsigned i, uint64_t slot)
{
    sub->index[sub->io.n] = (unsigned char)i;
    sub->io.pages[sub->io.n] = sub->outer->pages[i];
    sub->io.slots[sub->io.n++] = slot;
}

/* Forgets what was stored for a put that fails. */
static void
zpool_undo(struct zpool *zpool, struct pager_io *io)
{
    for (unsigned i = 0; i < io->n; i++) {
        if (io->slots[i] != PAGER_SLOT_NONE && (io->slots[i] & ZPOOL_PASSED) == 0)
            zpool_forget_item(zpool, ztable_get(&zpool->table, io->slots[i]));
        io->slots[i] = PAGER_SLOT_NONE;
    }
}

static void
zpool_put_passed(struct zpool *zpool, const struct zpool_io *sub)
{
    if (sub->io.status != PGW_OK) {
        zpool_undo(zpool, sub->outer);
        return;
    }
    for (unsigned j = 0; j < sub->io.n; j++)
        sub->outer->slots[sub->index[j]] = sub->io.slots[j] | ZPOOL_PASSED;
    zpool->passed += sub->io.n;
    zpool->stats.rejected += sub->hard;
    zpool->stats.overflowed += sub->io.n - sub->hard;
}

/* What came from the next pager for an item of ours is what was put? */
static enum pgw_status
zpool_verify_passed(const struct zpool *zpool, const struct zpool_io *sub)
{
    for (unsigned j = 0; j < sub->io.n && sub->io.status == PGW_OK; j++) {
        uint64_t slot = sub->outer->slots[sub->index[j]];
        const struct zitem *item =
            (slot & ZPOOL_PASSED) == 0 ? ztable_get(&zpool->table, slot) : NULL;
        if (item != NULL && !zstore_is(item, mem_page_bytes(zpool->pager.mem, sub->io.pages[j])))
            return PGW_CORRUPT;
    }
    return sub->io.status;
}

/* Ends the caller's io; get_ios and put_ios are those of devices, so they are the next's. */
static void
zpool_finish(struct zpool *zpool, struct pager_io *io, bool put, enum pgw_status status)
{
    zpool_count(zpool);
    if (put)
        pager_runs_finish_put(&zpool->pager, io, status);
    else
        pager_runs_finish_get(&zpool->pager, io, status);
}

static void
zpool_io_done(struct pager_io *io)
{
    struct zpool_io *sub = io->ctx;
    struct zpool *zpool = sub->zpool;
    struct pager_io *outer = sub->outer;
    enum pgw_status status = io->status;
    bool put = sub->put;

    if (put)
        zpool_put_passed(zpool, sub);
    else
        status = zpool_verify_passed(zpool, sub);
    base_pool_put(&zpool->ios, sub);
    zpool->in_flight--;
    zpool->completed++;
    zpool_finish(zpool, outer, put, status);
}

static struct zpool_io *
zpool_io_create(struct zpool *zpool, struct pager_io *outer, bool put)
{
    struct zpool_io *sub = base_pool_get_reserved(&zpool->ios);

    if (sub == NULL)
        return NULL;
    sub->io.done = zpool_io_done;
    sub->io.ctx = sub;
    sub->zpool = zpool;
    sub->outer = outer;
    sub->put = put;
    return sub;
}

static enum pgw_status
zpool_io_start(struct zpool *zpool, struct zpool_io *sub)
{
    struct pager *next = zpool->next;

    zpool->in_flight++;
    enum pgw_status status =
        (sub->put ? next->ops->start_put : next->ops->start_get)(next, &sub->io);
    if (status == PGW_OK)
        return PGW_OK;
    zpool->in_flight--;
    base_pool_put(&zpool->ios, sub);
    return status;
}

/* --- put --- */

/* Keeps one page, or leaves its slot as it is for the next pager: if it is hard to compress, or if
 * there is no room. */
static enum pgw_status
zpool_put_page(struct zpool *zpool, const struct mem_page *from, uint64_t *slot, unsigned *hard)
{
    struct zstore_page page;
    struct zitem *item;

    zstore_prepare(&zpool->store, mem_page_bytes(zpool->pager.mem, from), &page);
    if (page.len == PAGE_SIZE && zpool->next != NULL) {
        (*hard)++;
        return PGW_OK;
    }
    enum pgw_status status = ztable_take(&zpool->table, slot, &item);
    if (status != PGW_OK)
        return status;
    item->kind = ZITEM_SLOT;
    status = zpool_store(zpool, &page, item, MEM_RESERVED);
    if (status == PGW_OK)
        return PGW_OK;
    ztable_free(&zpool->table, *slot);
    *slot = PAGER_SLOT_NONE;
    if (status != PGW_NORAM)
        return status;
    return zpool->next != NULL ? PGW_OK : PGW_NOSWAP;
}

/* What was not kept goes on to the next pager. */
static enum pgw_status
zpool_pass_on(struct zpool *zpool, struct pager_io *io, unsigned hard)
{
    struct zpool_io *sub = zpool_io_create(zpool, io, true);

    if (sub == NULL)
        return PGW_NOMEM;
    sub->hard = hard;
    for (unsigned i = 0; i < io->n; i++)
        if (io->slots[i] == PAGER_SLOT_NONE)
            zpool_io_add(sub, i, PAGER_SLOT_NONE);
    if (sub->io.n > 0)
        return zpool_io_start(zpool, sub);
    base_pool_put(&zpool->ios, sub);
    zpool_finish(zpool, io, true, PGW_OK);
    return PGW_OK;
}

static void
zpool_settle(struct zpool *zpool)
{
    zheap_settle(&zpool->store.heap);
    zpool_count(zpool);
}

static enum pgw_status
zpool_start_put(struct pager *pager, struct pager_io *io)
{
    struct zpool *zpool = zpool_of(pager);
    enum pgw_status status = PGW_OK;
    unsigned hard = 0;

    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    if (zpool->write.busy)
        (void)zpool->next->ops->drive(zpool->next, false);
    zpool_keep_to_share(zpool);
    for (unsigned i = 0; i < io->n; i++)
        io->slots[i] = PAGER_SLOT_NONE;
    for (unsigned i = 0; i < io->n && status == PGW_OK; i++)
        status = zpool_put_page(zpool, io->pages[i], &io->slots[i], &hard);
    if (status == PGW_OK)
        status = zpool_pass_on(zpool, io, hard);
    if (status != PGW_OK)
        zpool_undo(zpool, io);
    zpool_settle(zpool);
    return status;
}

/* --- get --- */

static bool
zpool_has(struct pager *pager, uint64_t slot)
{
    const struct zpool *zpool = zpool_of(pager);

    if ((slot & ZPOOL_PASSED) != 0)
        return slot < 2 * ZPOOL_PASSED && zpool->next != NULL &&
               zpool->next->ops->has(zpool->next, slot & ~ZPOOL_PASSED);
    const struct zitem *item = ztable_get(&zpool->table, slot);
    return item != NULL && item->state != ZITEM_NONE && item->state != ZITEM_DEAD;
}

/* Where the next pager has the page of a slot; PAGER_SLOT_NONE: it is here. */
static uint64_t
zpool_next_slot(const struct zpool *zpool, uint64_t slot)
{
    if ((slot & ZPOOL_PASSED) != 0)
        return slot & ~ZPOOL_PASSED;
    const struct zitem *item = ztable_get(&zpool->table, slot);
    return item->state == ZITEM_AWAY ? item->u.slot : PAGER_SLOT_NONE;
}

/* Reads what is in the pool; *left: how many pages are not. */
static enum pgw_status
zpool_get_held(struct zpool *zpool, struct pager_io *io, unsigned *left)
{
    enum pgw_status status = PGW_OK;

    *left = 0;
    for (unsigned i = 0; i < io->n && status == PGW_OK; i++) {
        if (zpool_next_slot(zpool, io->slots[i]) != PAGER_SLOT_NONE) {
            (*left)++;
            continue;
        }
        status = zstore_read(&zpool->store, ztable_get(&zpool->table, io->slots[i]),
            mem_page_bytes(zpool->pager.mem, io->pages[i]));
        zpool->stats.hits += status == PGW_OK;
    }
    return status;
}

static enum pgw_status
zpool_get_passed(struct zpool *zpool, struct pager_io *io)
{
    struct zpool_io *sub = zpool_io_create(zpool, io, false);

    if (sub == NULL)
        return PGW_NOMEM;
    for (unsigned i = 0; i < io->n; i++) {
        uint64_t slot = zpool_next_slot(zpool, io->slots[i]);
        if (slot != PAGER_SLOT_NONE)
            zpool_io_add(sub, i, slot);
    }
    return zpool_io_start(zpool, sub);
}

static enum pgw_status
zpool_start_get(struct pager *pager, struct pager_io *io)
{
    struct zpool *zpool = zpool_of(pager);
    unsigned left;

    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    for (unsigned i = 0; i < io->n; i++)
        if (!zpool_has(pager, io->slots[i]))
            return PGW_NOTFOUND;
    zheap_settle(&zpool->store.heap);
    enum pgw_status status = zpool_get_held(zpool, io, &left);
    if (status == PGW_OK && left > 0)
        return zpool_get_passed(zpool, io);
    zpool_finish(zpool, io, false, status);
    return PGW_OK;
}

/* --- the rest --- */

static unsigned
zpool_drive(struct pager *pager, bool wait)
{
    struct zpool *zpool = zpool_of(pager);
    struct pager *next = zpool->next;
    unsigned ended;

    if (next == NULL)
        return 0;
    zpool->completed = 0;
    do /* it may be a write-back that ends first */
        ended = next->ops->drive(next, wait);
    while (wait && ended > 0 && zpool->completed == 0 && zpool->in_flight > 0);
    return zpool->completed;
}

static void
zpool_forget(struct pager *pager, uint64_t slot)
{
    struct zpool *zpool = zpool_of(pager);

    if ((slot & ZPOOL_PASSED) != 0) {
        zpool->next->ops->forget(zpool->next, slot & ~ZPOOL_PASSED);
        zpool->passed--;
    } else {
        zpool_forget_item(zpool, ztable_get(&zpool->table, slot));
    }
    zpool_settle(zpool);
}

static bool
zpool_check(struct pager *pager)
{
    struct zpool *zpool = zpool_of(pager);
    const struct pager_stats *stats = &pager->stats;

    return stats->used == zpool->table.used - zpool->dead + zpool->passed &&
           stats->used <= stats->used_peak && stats->used <= stats->slots &&
           (zpool->dead == 0 || zpool->write.busy) && ztable_check(&zpool->table) &&
           zstore_check(&zpool->store) && ztmem_check(zpool->tmem) &&
           (zpool->next == NULL || zpool->next->ops->check(zpool->next));
}

/* --- making and ending --- */

static void
zpool_free_bounce(struct zpool *zpool)
{
    struct zpool_write *write = &zpool->write;

    while (write->nbounce > 0) {
        struct mem_page *page = write->bounce[--write->nbounce];
        page->owner = NULL;
        page->owner_kind = MEM_OWNER_NONE;
        page->wired = 0;
        mem_free(zpool->pager.mem, page);
    }
}

/* The frames that pages are made whole in on their way out, when none is free; how many. */
static unsigned
zpool_bounce_wanted(const struct zpool *zpool, uint64_t limit)
{
    uint64_t want = limit / ZPOOL_BOUNCE_PART;

    if (zpool->next == NULL)
        return 0;
    return want < 1 ? 1 : want > PAGER_RUN_MAX ? PAGER_RUN_MAX : (unsigned)want;
}

static void
zpool_add_bounce(struct zpool *zpool, struct mem_page *page)
{
    struct zpool_write *write = &zpool->write;

    page->owner = zpool;
    page->owner_kind = MEM_OWNER_CORE;
    page->wired = 1;
    write->bounce[write->nbounce++] = page;
}

/* Takes the frames that the pool is to have from the start: `bounce`, or all there may be. */
static enum pgw_status
zpool_take_frames(struct zpool *zpool, const struct pager_zpool_config *config, unsigned bounce)
{
    struct mem *mem = zpool->pager.mem;

    if (config->aside) {
        struct mem_page *aside = mem_set_aside(mem, config->limit);
        if (aside == NULL)
            return PGW_NORAM;
        for (unsigned i = 0; i < bounce; i++)
            zpool_add_bounce(zpool, aside + i);
        zheap_keep(&zpool->store.heap, aside + bounce, config->limit - bounce);
        return PGW_OK;
    }
    while (zpool->write.nbounce < bounce) {
        struct mem_page *page = mem_alloc(mem, 0, MEM_RESERVED | MEM_PINNED);
        if (page == NULL)
            return PGW_NORAM;
        zpool_add_bounce(zpool, page);
    }
    return PGW_OK;
}

static void
zpool_unmake(struct zpool *zpool)
{
    if (zpool->tmem != NULL)
        ztmem_destroy(zpool->tmem);
    zpool_free_bounce(zpool);
    if (zpool->store.scratch != NULL)
        zstore_fini(&zpool->store);
    base_pool_fini(&zpool->ios);
    ztable_fini(&zpool->table);
    zpool->alloc->unmap(zpool->alloc, zpool, sizeof *zpool);
}

static void
zpool_destroy(struct pager *pager)
{
    struct zpool *zpool = zpool_of(pager);
    struct pager *next = zpool->next;
    struct zitem *item;

    zpool_write_finish(zpool);
    while ((item = ztable_first(&zpool->table)) != NULL)
        zpool_forget_item(zpool, item);
    zpool_unmake(zpool);
    if (next != NULL)
        next->ops->destroy(next);
}

static const struct pager_ops zpool_ops = {
    .name = "zpool",
    .start_get = zpool_start_get,
    .start_put = zpool_start_put,
    .drive = zpool_drive,
    .has = zpool_has,
    .forget = zpool_forget,
    .destroy = zpool_destroy,
    .check = zpool_check,
};

/* Everything after the record itself. */
static enum pgw_status
zpool_make(struct zpool *zpool, const struct pager_zpool_config *config)
{
    unsigned bounce = zpool_bounce_wanted(zpool, config->limit);
    enum pgw_status status = zstore_init(&zpool->store, zpool->pager.mem, zpool->alloc,
        config->lz4 ? ZCODEC_LZ4 : ZCODEC_ZSTD, config->limit - bounce);

    if (status == PGW_OK)
        status = zpool_take_frames(zpool, config, bounce);
    if (status == PGW_OK)
        status = ztmem_create(zpool);
    if (status == PGW_OK)
        status = base_pool_reserve(&zpool->ios, 1);
    return status;
}

enum pgw_status
pager_zpool_create(struct mem *mem, struct base_alloc *alloc,
    const struct pager_zpool_config *config, struct pager *next, struct pager **pager)
{
    if (config->limit < ZPOOL_LEAST || config->limit > mem->nframes ||
        (config->aside && (mem->nfree != mem->nframes || config->limit == mem->nframes)))
        return PGW_INVAL;
    struct zpool *zpool = alloc->map(alloc, sizeof *zpool);
    if (zpool == NULL)
        return PGW_NOMEM;
    zpool->pager.ops = &zpool_ops;
    zpool->pager.mem = mem;
    zpool->alloc = alloc;
    zpool->next = next;
    zpool->stats.limit = config->limit;
    ztable_init(&zpool->table, alloc);
    base_pool_init(&zpool->ios, alloc, sizeof(struct zpool_io), "zpool ios");
    enum pgw_status status = zpool_make(zpool, config);
    if (status != PGW_OK) {
        zpool_unmake(zpool);
        return status;
    }
    zpool_count(zpool);
    *pager = &zpool->pager;
    return PGW_OK;
}

bool
pager_zpool_stats(struct pager *pager, struct pager_zpool_stats *stats)
{
    if (pager->ops != &zpool_ops)
        return false;
    zpool_count(zpool_of(pager));
    *stats = zpool_of(pager)->stats;
    return true;
}

struct pager *
pager_zpool_next(struct pager *pager)
{
    return pager->ops == &zpool_ops ? zpool_of(pager)->next : NULL;
}
