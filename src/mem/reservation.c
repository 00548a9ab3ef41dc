/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reservations: runs of frames that are kept together for the pages of one huge page, which come
 * one by one.  As FreeBSD has them (vm_reserv.c; Navarro, Iyer, Druschel and Cox, "Practical,
 * transparent operating system support for superpages", OSDI 2002).
 *
 *               make                          take, the last frame
 *     a free run ----> in part, some in use -----------------------> full
 *         ^             |     ^   |                                   |
 *         |  the last   |     |   | break: nothing else is free       |
 *         +--- frame ---+     |   v                                   |
 *             comes back      | single free frames                    |
 *                             +------------- a frame is freed --------+
 *
 * A frame of a reservation that nobody uses is free: it is counted in nfree, and whoever needs one
 * gets it.  mem_alloc only takes what is in nobody's reservation first, and when there is no such
 * run it breaks the reservation that was touched least recently.  So nothing that asks how much is
 * free, and no path that needs a frame, has to know of reservations, and none can be short of RAM
 * because of them.  Rejected: to keep them in vm/ and break them from reclaim, because then page
 * tables, the compressed pool and read-ahead each have a way to fail while frames are unused.
 *
 * A page that is freed goes back to its place, so that a page which was evicted finds it again; an
 * empty reservation is a free run, there and then.
 *
 * Who may have a place is not written down anywhere.  The core finds it by the frames that the
 * neighbours of a page lie in (vm/huge.c): a range of addresses whose pages lie in a reservation,
 * each in its place, has that reservation.  So nothing has to be told when memory is moved, cut,
 * copied or given back.
 *
 * Invariants:
 *  - Reservations are aligned runs of one order.  A frame of one is a run of order 0: free and
 *    marked `reserved`, or in use.
 *  - `used` counts those in use, and is not 0.
 *  - `partial` has those that are not full, the least recently touched first.
 *  - `nheld` is the number of reserved frames of all of them; nfree includes it.
 */
#include <string.h>

#include "base/assert.h"
#include "base/peak.h"
#include "base/poison.h"
#include "mem/mem.h"

static size_t
reservation_table_len(const struct mem *mem, unsigned order)
{
    return (size_t)page_ceil((mem->nframes >> order) * sizeof(struct mem_reservation));
}

enum pgw_status
mem_reservation_init(struct mem *mem, unsigned order)
{
    struct mem_reservations *all = &mem->reservations;

    BASE_ASSERT(all->table == NULL && order > 0 && order <= MEM_ORDER_MAX);
    if (mem->nframes >> order == 0)
        return PGW_OK;
    all->table = mem->alloc->map(mem->alloc, reservation_table_len(mem, order));
    if (all->table == NULL)
        return PGW_NOMEM;
    all->order = order;
    TAILQ_INIT(&all->partial);
    return PGW_OK;
}

void
mem_reservation_fini(struct mem *mem)
{
    struct mem_reservations *all = &mem->reservations;

    if (all->table == NULL)
        return;
    mem_reservation_break_all(mem);
    mem->alloc->unmap(mem->alloc, all->table, reservation_table_len(mem, all->order));
    *all = (struct mem_reservations){.table = NULL};
}

static uint64_t
reservation_frames(const struct mem *mem)
{
    return UINT64_C(1) << mem->reservations.order;
}

/* The record of the run that the frame lies in; NULL: what RAM has above the last whole run. */
static struct mem_reservation *
reservation_at(const struct mem *mem, const struct mem_page *page)
{
    uint64_t block = (uint64_t)(page - mem->pages) >> mem->reservations.order;

    return block < mem->nframes >> mem->reservations.order ? &mem->reservations.table[block] : NULL;
}

/* The one that the frame belongs to, used or not; NULL. */
static struct mem_reservation *
reservation_of(const struct mem *mem, const struct mem_page *page)
{
    if (mem->reservations.table == NULL)
        return NULL;
    struct mem_reservation *reservation = reservation_at(mem, page);
    return reservation != NULL && reservation->used > 0 ? reservation : NULL;
}

bool
mem_reservation_has(const struct mem *mem, const struct mem_page *page)
{
    return reservation_of(mem, page) != NULL;
}

static struct mem_page *
reservation_head(const struct mem *mem, const struct mem_reservation *reservation)
{
    return &mem->pages[(uint64_t)(reservation - mem->reservations.table)
                       << mem->reservations.order];
}

/* The frame leaves what is free, cleared if it is to be. */
static void
reservation_use(struct mem *mem, struct mem_page *page, unsigned flags)
{
    page->reserved = 0;
    mem->nfree--;
    mem->reservations.nheld--;
    base_unpoison(mem_page_bytes(mem, page), PAGE_SIZE);
    if (flags & MEM_ZERO)
        memset(mem_page_bytes(mem, page), 0, PAGE_SIZE);
}

struct mem_page *
mem_reservation_make(struct mem *mem, uint64_t place, unsigned flags)
{
    struct mem_reservations *all = &mem->reservations;

    if (all->table == NULL)
        return NULL;
    struct mem_page *head = mem_alloc(mem, all->order, flags & ~MEM_ZERO);
    if (head == NULL)
        return NULL;
    uint64_t n = reservation_frames(mem);
    mem_split(mem, head);
    for (uint64_t i = 0; i < n; i++)
        head[i].reserved = 1;
    base_poison(mem_page_bytes(mem, head), (size_t)n << PAGE_SHIFT);
    mem->nfree += n;
    all->nheld += n;
    struct mem_reservation *reservation = reservation_at(mem, head);
    reservation->used = 1;
    reservation->filled = 0;
    TAILQ_INSERT_TAIL(&all->partial, reservation, link);
    all->made++;
    reservation_use(mem, &head[place], flags);
    base_peak(&all->nheld_peak, all->nheld);
    return &head[place];
}

struct mem_page *
mem_reservation_take(struct mem *mem, struct mem_page *page, unsigned flags)
{
    struct mem_reservations *all = &mem->reservations;
    struct mem_reservation *reservation = reservation_of(mem, page);
    uint64_t kept = flags & MEM_RESERVED ? 0 : mem->reserve;

    BASE_ASSERT(reservation != NULL && page->reserved);
    if (base_inject_fails(mem->alloc->inject, INJECT_FRAME) || mem->nfree <= kept)
        return NULL;
    TAILQ_REMOVE(&all->partial, reservation, link);
    reservation_use(mem, page, flags);
    if (++reservation->used < reservation_frames(mem)) {
        TAILQ_INSERT_TAIL(&all->partial, reservation, link);
        return page;
    }
    all->filled += !reservation->filled; /* pages that went may have come again */
    reservation->filled = 1;
    return page;
}

/* It is none any more: what was reserved is taken out of it, and free as any other frame. */
static void
reservation_end(struct mem *mem, struct mem_reservation *reservation)
{
    struct mem_page *head = reservation_head(mem, reservation);
    uint64_t n = reservation_frames(mem);

    if (reservation->used < n)
        TAILQ_REMOVE(&mem->reservations.partial, reservation, link);
    reservation->used = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (!head[i].reserved)
            continue;
        reservation_use(mem, &head[i], 0);
        mem_free(mem, &head[i]);
    }
}

bool
mem_reservation_return(struct mem *mem, struct mem_page *page)
{
    struct mem_reservations *all = &mem->reservations;
    struct mem_reservation *reservation = reservation_of(mem, page);

    if (reservation == NULL)
        return false;
    memset(page, 0, sizeof *page);
    page->reserved = 1;
    base_poison(mem_page_bytes(mem, page), PAGE_SIZE);
    mem->nfree++;
    all->nheld++;
    base_peak(&all->nheld_peak, all->nheld);
    if (reservation->used-- == reservation_frames(mem))
        TAILQ_INSERT_TAIL(&all->partial, reservation, link);
    if (reservation->used > 0)
        return true;
    TAILQ_REMOVE(&all->partial, reservation, link);
    struct mem_page *head = reservation_head(mem, reservation);
    for (uint64_t i = 0; i < reservation_frames(mem); i++)
        reservation_use(mem, &head[i], 0);
    head->order = all->order & 31u;
    mem_free(mem, head);
    return true;
}

/* --- breaking --- */

static void
reservation_break(struct mem *mem, struct mem_reservation *reservation)
{
    mem->reservations.broken += reservation->used < reservation_frames(mem);
    reservation_end(mem, reservation);
}

bool
mem_reservation_break_oldest(struct mem *mem, unsigned order)
{
    struct mem_reservations *all = &mem->reservations;

    if (all->table == NULL || order >= all->order || TAILQ_EMPTY(&all->partial))
        return false;
    reservation_break(mem, TAILQ_FIRST(&all->partial));
    return true;
}

void
mem_reservation_break_in(struct mem *mem, struct mem_page *block, unsigned order)
{
    uint64_t n = UINT64_C(1) << order;

    if (mem->reservations.table == NULL)
        return;
    for (uint64_t i = 0; i < n; i += reservation_frames(mem)) {
        struct mem_reservation *reservation = reservation_of(mem, &block[i]);
        if (reservation != NULL)
            reservation_break(mem, reservation);
    }
}

void
mem_reservation_break_all(struct mem *mem)
{
    while (mem_reservation_break_oldest(mem, 0))
        ;
}

/* --- check --- */

/* Do the frames of one agree with its record?  *held: those that are reserved. */
static bool
reservation_check(const struct mem *mem, const struct mem_reservation *reservation, uint64_t *held)
{
    const struct mem_page *head = reservation_head(mem, reservation);
    uint64_t n = reservation_frames(mem), used = 0;

    for (uint64_t i = 0; i < n; i++) {
        if (head[i].free || head[i].order != 0 ||
            (head[i].reserved && head[i].owner_kind != MEM_OWNER_NONE))
            return false;
        used += !head[i].reserved;
    }
    *held += n - used;
    return used == reservation->used;
}

bool
mem_reservation_check(const struct mem *mem)
{
    const struct mem_reservations *all = &mem->reservations;
    const struct mem_reservation *reservation;
    uint64_t held = 0, partial = 0, listed = 0;

    if (all->table == NULL)
        return all->nheld == 0;
    for (uint64_t i = 0; i < mem->nframes >> all->order; i++) {
        if (all->table[i].used == 0)
            continue;
        if (!reservation_check(mem, &all->table[i], &held))
            return false;
        partial += all->table[i].used < reservation_frames(mem);
    }
    TAILQ_FOREACH (reservation, &all->partial, link)
        if (reservation->used == 0 || ++listed > partial)
            return false;
    return listed == partial && held == all->nheld;
}
