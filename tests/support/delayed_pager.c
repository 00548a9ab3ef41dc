/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/delayed_pager.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/assert.h"

/*
 * An io of the caller's (outer) is shadowed by one that goes to inner:
 *
 *     start_put --> shadow put --> inner done --> [ready] --(drive)--> outer done
 *     start_get --> [waiting] --(drive)--> shadow get --> inner done --> outer done
 *
 * A put hands the bytes over at its start: what a caller does to them in flight is lost, as it
 * would be on a device that had already read them.
 */
enum delayed_state { DELAYED_WAITING, DELAYED_WITH_INNER, DELAYED_READY };

struct delayed_io {
    TAILQ_ENTRY(delayed_io) link;
    struct pager_io *outer;
    struct pager_io shadow;
    enum delayed_state state;
    bool get;
};

TAILQ_HEAD(delayed_io_list, delayed_io);

struct delayed_pager {
    struct pager pager;
    struct pager *inner;
    struct base_rng rng;
    struct delayed_io_list ios;
    unsigned n;
};

static struct delayed_pager *
delayed_of(struct pager *pager)
{
    return (struct delayed_pager *)pager;
}

static void
delayed_inner_done(struct pager_io *shadow)
{
    struct delayed_io *io = shadow->ctx;
    BASE_ASSERT(io->state == DELAYED_WITH_INNER);
    io->state = DELAYED_READY;
}

static struct delayed_io *
delayed_io_create(struct pager_io *outer, bool get)
{
    struct delayed_io *io = calloc(1, sizeof *io);
    BASE_ASSERT(io != NULL);
    io->outer = outer;
    io->get = get;
    io->shadow = *outer;
    io->shadow.done = delayed_inner_done;
    io->shadow.ctx = io;
    return io;
}

static void
delayed_insert(struct delayed_pager *delayed, struct delayed_io *io)
{
    TAILQ_INSERT_TAIL(&delayed->ios, io, link);
    delayed->n++;
    delayed->pager.stats = delayed->inner->stats;
}

static enum pgw_status
delayed_start_get(struct pager *pager, struct pager_io *outer)
{
    for (unsigned i = 0; i < outer->n; i++)
        memset(mem_page_bytes(pager->mem, outer->pages[i]), 0xdb, PAGE_SIZE);
    delayed_insert(delayed_of(pager), delayed_io_create(outer, true));
    return PGW_OK;
}

static enum pgw_status
delayed_start_put(struct pager *pager, struct pager_io *outer)
{
    struct delayed_pager *delayed = delayed_of(pager);
    struct delayed_io *io = delayed_io_create(outer, false);

    io->state = DELAYED_WITH_INNER;
    enum pgw_status status = delayed->inner->ops->start_put(delayed->inner, &io->shadow);
    if (status != PGW_OK) {
        free(io);
        return status;
    }
    for (unsigned i = 0; i < outer->n; i++)
        outer->slots[i] = PAGER_SLOT_NONE;
    delayed_insert(delayed, io);
    return PGW_OK;
}

/* Takes a finished io out and tells its owner, who may start new ones at once. */
static void
delayed_complete(struct delayed_pager *delayed, struct delayed_io *io)
{
    struct pager_io *outer = io->outer;
    TAILQ_REMOVE(&delayed->ios, io, link);
    delayed->n--;
    delayed->pager.stats = delayed->inner->stats;
    if (!io->get)
        memcpy(outer->slots, io->shadow.slots, sizeof outer->slots);
    outer->status = io->shadow.status;
    free(io);
    outer->done(outer);
}

static struct delayed_io *
delayed_pick(struct delayed_pager *delayed)
{
    struct delayed_io *io = TAILQ_FIRST(&delayed->ios);
    for (uint64_t i = base_rng_below(&delayed->rng, delayed->n); i > 0; i--)
        io = TAILQ_NEXT(io, link);
    return io;
}

/* Brings one io, picked at random, to its end. */
static void
delayed_drive_one(struct delayed_pager *delayed)
{
    struct pager *inner = delayed->inner;
    struct delayed_io *io = delayed_pick(delayed);

    if (io->state == DELAYED_WAITING) {
        io->state = DELAYED_WITH_INNER;
        enum pgw_status status = inner->ops->start_get(inner, &io->shadow);
        if (status != PGW_OK) {
            io->shadow.status = status;
            io->state = DELAYED_READY;
        }
    }
    while (io->state != DELAYED_READY)
        BASE_ASSERT(inner->ops->drive(inner, true) > 0);
    delayed_complete(delayed, io);
}

static unsigned
delayed_drive(struct pager *pager, bool wait)
{
    struct delayed_pager *delayed = delayed_of(pager);
    unsigned completed = 0;

    while (delayed->n > 0) {
        bool must = wait && completed == 0;
        if (!must && base_rng_below(&delayed->rng, 2) == 0)
            break;
        delayed_drive_one(delayed);
        completed++;
    }
    return completed;
}

static bool
delayed_has(struct pager *pager, uint64_t slot)
{
    struct pager *inner = delayed_of(pager)->inner;
    return inner->ops->has(inner, slot);
}

/* True if an io in flight has this slot. */
static bool
delayed_uses(const struct delayed_pager *delayed, uint64_t slot)
{
    const struct delayed_io *io;
    TAILQ_FOREACH (io, &delayed->ios, link) {
        for (unsigned i = 0; i < io->shadow.n; i++)
            if (io->shadow.slots[i] == slot)
                return true;
    }
    return false;
}

static void
delayed_forget(struct pager *pager, uint64_t slot)
{
    struct delayed_pager *delayed = delayed_of(pager);
    BASE_ASSERT(!delayed_uses(delayed, slot));
    delayed->inner->ops->forget(delayed->inner, slot);
    pager->stats = delayed->inner->stats;
}

static void
delayed_destroy(struct pager *pager)
{
    struct delayed_pager *delayed = delayed_of(pager);
    BASE_ASSERT(delayed->n == 0);
    delayed->inner->ops->destroy(delayed->inner);
    free(delayed);
}

static bool
delayed_check(struct pager *pager)
{
    struct delayed_pager *delayed = delayed_of(pager);
    const struct delayed_io *io;
    unsigned n = 0;
    TAILQ_FOREACH (io, &delayed->ios, link) {
        n++;
    }
    return n == delayed->n && delayed->inner->ops->check(delayed->inner);
}

static const struct pager_ops delayed_ops = {
    .name = "delayed",
    .start_get = delayed_start_get,
    .start_put = delayed_start_put,
    .drive = delayed_drive,
    .has = delayed_has,
    .forget = delayed_forget,
    .destroy = delayed_destroy,
    .check = delayed_check,
};

struct pager *
delayed_pager_create(struct pager *inner, uint64_t seed)
{
    struct delayed_pager *delayed = calloc(1, sizeof *delayed);
    BASE_ASSERT(delayed != NULL);
    delayed->pager.ops = &delayed_ops;
    delayed->pager.mem = inner->mem;
    delayed->pager.stats = inner->stats;
    delayed->inner = inner;
    base_rng_init(&delayed->rng, seed);
    TAILQ_INIT(&delayed->ios);
    return &delayed->pager;
}

unsigned
delayed_pager_in_flight(const struct pager *pager)
{
    return ((const struct delayed_pager *)pager)->n;
}
