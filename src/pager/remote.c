/* SPDX-License-Identifier: BSD-2-Clause */
#include "pager/pagers.h"

#include "base/assert.h"
#include "host/host_nbd.h"
#include "pager/pager_runs.h"
#include "pager/slotmap.h"

/*
 * Theory
 * ------
 * Swap on a remote store.  Slots and their checksums are kept here, as for a file (swap.c); the
 * pages go over the network, each in a request of its own, all those of an io at once.
 *
 *     start --> requests under way --(drive: each has ended)--> done
 *                 ^                                     |
 *                 +--- a get that failed, once ---------+
 *
 * A store that cannot be reached fails what is under way and is connected to again by the next
 * io.  A get that fails is tried a second time, on a new connection if the old one was lost:
 * whoever waits for it cannot go on without.  If that fails too it keeps its slot, so that the page
 * is there when the store is again; a put that fails gives its slots back (law G2).  A store that
 * comes back with other bytes (it kept them in memory, and was started again) is found out by the
 * checksums (law G1).
 *
 * An io that is under way for longer than the pager's patience takes the connection with it: nobody
 * may wait forever for a server that is silent, that answers all but this, or a byte a minute.
 */
#define REMOTE_ENDED (-1) /* the cookie of a request that is no more under way */

struct remote_io {
    TAILQ_ENTRY(remote_io) link;
    struct pager_io *outer;
    int64_t cookies[PAGER_RUN_MAX];
    enum pgw_status status;
    uint64_t until; /* by host_nbd_now */
    bool put;
    bool again; /* it is tried a second time */
};

TAILQ_HEAD(remote_ios, remote_io);

struct remote {
    struct pager pager;
    struct base_alloc *alloc;
    struct host_nbd *nbd;
    unsigned patience; /* milliseconds */
    struct slotmap map;
    struct base_pool pool; /* of ios */
    struct remote_ios ios;
};

static struct remote *
remote_of(struct pager *pager)
{
    return (struct remote *)pager;
}

static void
remote_count(struct remote *remote)
{
    struct pager_stats *stats = &remote->pager.stats;

    stats->used = remote->map.used;
    if (stats->used_peak < stats->used)
        stats->used_peak = stats->used;
}

/* --- starting --- */

/* Starts a request for each page; what cannot be started fails the io. */
static void
remote_send(struct remote *remote, struct remote_io *io)
{
    struct pager_io *outer = io->outer;

    io->status = PGW_OK;
    io->until = host_nbd_now() + remote->patience;
    for (unsigned i = 0; i < outer->n; i++) {
        io->cookies[i] = REMOTE_ENDED;
        if (io->status == PGW_OK)
            io->status = host_nbd_start(remote->nbd, io->put,
                mem_page_bytes(remote->pager.mem, outer->pages[i]), PAGE_SIZE,
                outer->slots[i] << PAGE_SHIFT, &io->cookies[i]);
    }
    *(io->put ? &remote->pager.stats.put_ios : &remote->pager.stats.get_ios) += 1;
}

static enum pgw_status
remote_start(struct remote *remote, struct pager_io *outer, bool put)
{
    struct remote_io *io = base_pool_get_reserved(&remote->pool);

    if (io == NULL)
        return PGW_NOMEM;
    io->outer = outer;
    io->put = put;
    remote_send(remote, io);
    TAILQ_INSERT_TAIL(&remote->ios, io, link);
    return PGW_OK;
}

static void
remote_free_slots(struct remote *remote, struct pager_io *outer)
{
    for (unsigned i = 0; i < outer->n; i++) {
        (void)slotmap_free(&remote->map, outer->slots[i]);
        outer->slots[i] = PAGER_SLOT_NONE;
    }
    remote_count(remote);
}

static enum pgw_status
remote_start_put(struct pager *pager, struct pager_io *io)
{
    struct remote *remote = remote_of(pager);

    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    enum pgw_status status = slotmap_take(&remote->map, io->n, io->slots);
    if (status != PGW_OK)
        return status;
    pager_runs_seal(pager, &remote->map, io);
    status = remote_start(remote, io, true);
    if (status != PGW_OK)
        remote_free_slots(remote, io);
    remote_count(remote);
    return status;
}

static enum pgw_status
remote_start_get(struct pager *pager, struct pager_io *io)
{
    struct remote *remote = remote_of(pager);

    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    for (unsigned i = 0; i < io->n; i++)
        if (!slotmap_has(&remote->map, io->slots[i]))
            return PGW_NOTFOUND;
    return remote_start(remote, io, false);
}

/* --- ending --- */

/* True if none of the io's requests is under way any more. */
static bool
remote_ended(struct remote *remote, struct remote_io *io)
{
    bool ended = true;

    for (unsigned i = 0; i < io->outer->n; i++) {
        enum pgw_status status;
        if (io->cookies[i] == REMOTE_ENDED)
            continue;
        if (!host_nbd_done(remote->nbd, io->cookies[i], &status)) {
            ended = false;
            continue;
        }
        io->cookies[i] = REMOTE_ENDED;
        if (io->status == PGW_OK)
            io->status = status;
    }
    return ended;
}

static void
remote_finish(struct remote *remote, struct remote_io *io)
{
    struct pager_io *outer = io->outer;
    enum pgw_status status = io->status;
    bool put = io->put;

    TAILQ_REMOVE(&remote->ios, io, link);
    base_pool_put(&remote->pool, io);
    if (status != PGW_OK && put)
        remote_free_slots(remote, outer);
    if (put) {
        pager_runs_finish_put(&remote->pager, outer, status);
        return;
    }
    if (status == PGW_OK)
        status = pager_runs_verify(&remote->pager, &remote->map, outer, 0, outer->n);
    pager_runs_finish_get(&remote->pager, outer, status);
}

/* Finishes what has ended; how many ios that were. */
static unsigned
remote_reap(struct remote *remote)
{
    struct remote_io *io = TAILQ_FIRST(&remote->ios);
    unsigned n = 0;

    while (io != NULL) {
        struct remote_io *next = TAILQ_NEXT(io, link);
        bool ended = remote_ended(remote, io);
        if (ended && io->status != PGW_OK && !io->put && !io->again) {
            io->again = true;
            remote_send(remote, io);
        } else if (ended) {
            remote_finish(remote, io);
            n++;
        }
        io = next;
    }
    return n;
}

/* How many milliseconds the connection may go on, for the sake of the io that has least left. */
static int
remote_left(const struct remote *remote)
{
    const struct remote_io *io;
    uint64_t now = host_nbd_now(), least = remote->patience;

    TAILQ_FOREACH (io, &remote->ios, link) {
        uint64_t left = io->until > now ? io->until - now : 0;
        least = left < least ? left : least;
    }
    return (int)least;
}

static unsigned
remote_drive(struct pager *pager, bool wait)
{
    struct remote *remote = remote_of(pager);
    unsigned n = 0;

    (void)host_nbd_poll(remote->nbd, 0);
    while (!TAILQ_EMPTY(&remote->ios)) {
        n += remote_reap(remote);
        int left = remote_left(remote);
        if (left == 0)
            host_nbd_drop(remote->nbd);
        else if (n > 0 || !wait)
            break;
        else
            (void)host_nbd_poll(remote->nbd, left);
    }
    return n;
}

/* --- the rest --- */

static bool
remote_has(struct pager *pager, uint64_t slot)
{
    return slotmap_has(&remote_of(pager)->map, slot);
}

static void
remote_forget(struct pager *pager, uint64_t slot)
{
    (void)slotmap_free(&remote_of(pager)->map, slot);
    remote_count(remote_of(pager));
}

static void
remote_destroy(struct pager *pager)
{
    struct remote *remote = remote_of(pager);
    struct base_alloc *alloc = remote->alloc;

    BASE_ASSERT(TAILQ_EMPTY(&remote->ios));
    host_nbd_close(remote->nbd);
    slotmap_fini(&remote->map);
    base_pool_fini(&remote->pool);
    alloc->unmap(alloc, remote, sizeof *remote);
}

static bool
remote_check(struct pager *pager)
{
    struct remote *remote = remote_of(pager);
    const struct remote_io *io;
    size_t n = 0;

    TAILQ_FOREACH (io, &remote->ios, link)
        n++;
    return n == remote->pool.live && pager->stats.used == remote->map.used &&
           slotmap_check(&remote->map);
}

static const struct pager_ops remote_ops = {
    .name = "remote",
    .start_get = remote_start_get,
    .start_put = remote_start_put,
    .drive = remote_drive,
    .has = remote_has,
    .forget = remote_forget,
    .destroy = remote_destroy,
    .check = remote_check,
};

/* What there is besides the connection. */
static enum pgw_status
remote_make(struct remote *remote, uint64_t nslots)
{
    enum pgw_status status = slotmap_init(&remote->map, remote->alloc, nslots);

    if (status != PGW_OK)
        return status;
    base_pool_init(&remote->pool, remote->alloc, sizeof(struct remote_io), "remote ios");
    status = base_pool_reserve(&remote->pool, 1);
    if (status != PGW_OK)
        slotmap_fini(&remote->map);
    return status;
}

enum pgw_status
pager_remote_create(struct mem *mem, struct base_alloc *alloc, const char *uri, unsigned patience,
    struct pager **pager)
{
    struct remote *remote = alloc->map(alloc, sizeof *remote);
    uint64_t bytes;

    if (remote == NULL)
        return PGW_NOMEM;
    remote->pager.ops = &remote_ops;
    remote->pager.mem = mem;
    remote->alloc = alloc;
    TAILQ_INIT(&remote->ios);
    remote->patience = patience;
    enum pgw_status status = host_nbd_open(uri, alloc->inject, patience, &remote->nbd, &bytes);
    if (status == PGW_OK) {
        remote->pager.stats.slots = bytes >> PAGE_SHIFT;
        status = bytes >= PAGE_SIZE ? remote_make(remote, bytes >> PAGE_SHIFT) : PGW_NOSWAP;
    }
    if (status != PGW_OK) {
        host_nbd_close(remote->nbd);
        alloc->unmap(alloc, remote, sizeof *remote);
        return status;
    }
    *pager = &remote->pager;
    return PGW_OK;
}
