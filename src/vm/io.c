/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for pagers.  A pager's calls are asynchronous: start, then done.  The thread that needs
 * the result drives the pager until its own io is done, with the system's lock released, so that
 * faults that need no device go on.  done() only notes the result: everything that touches the
 * core happens after the lock is taken again.
 */
#include <stdatomic.h>

#include "vm/core.h"

struct vm_io {
    struct pager_io io;
    atomic_bool finished;
};

static void
io_done(struct pager_io *io)
{
    struct vm_io *vm_io = io->ctx;

    atomic_store_explicit(&vm_io->finished, true, memory_order_release);
}

static void
io_init(struct vm_io *io, struct mem_page *const *pages, const uint64_t *slots, unsigned n)
{
    *io = (struct vm_io){.io = {.n = n, .done = io_done, .status = PGW_OK}};
    io->io.ctx = io;
    atomic_init(&io->finished, false);
    for (unsigned i = 0; i < n; i++) {
        BASE_ASSERT(!pages[i]->busy);
        pages[i]->busy = 1;
        io->io.pages[i] = pages[i];
        io->io.slots[i] = slots != NULL ? slots[i] : PAGER_SLOT_NONE;
    }
}

/* Waits for what was started, and gives the pages back. */
static enum pgw_status
io_finish(struct vm_system *system, struct pager *pager, struct vm_io *io,
    enum pgw_status started)
{
    while (started == PGW_OK && !atomic_load_explicit(&io->finished, memory_order_acquire)) {
        base_lock_drop(&system->lock);
        (void)pager->ops->drive(pager, true);
        base_lock_take(&system->lock);
    }
    for (unsigned i = 0; i < io->io.n; i++)
        io->io.pages[i]->busy = 0;
    return started == PGW_OK ? io->io.status : started;
}

enum pgw_status
vm_io_get(struct vm_system *system, struct pager *pager, uint64_t slot, struct mem_page *page)
{
    struct vm_io io;

    io_init(&io, &page, &slot, 1);
    enum pgw_status status =
        io_finish(system, pager, &io, pager->ops->start_get(pager, &io.io));
    if (status != PGW_OK)
        system->stats.get_failures++;
    return status;
}

enum pgw_status
vm_io_put(struct vm_system *system, struct pager *pager, struct mem_page *const *pages,
    unsigned n, uint64_t *slots)
{
    struct vm_io io;

    io_init(&io, pages, NULL, n);
    enum pgw_status status =
        io_finish(system, pager, &io, pager->ops->start_put(pager, &io.io));
    for (unsigned i = 0; status == PGW_OK && i < n; i++)
        slots[i] = io.io.slots[i];
    return status;
}

void
vm_io_yield(struct vm_system *system, struct pager *pager)
{
    base_lock_drop(&system->lock);
    (void)pager->ops->drive(pager, true);
    base_lock_take(&system->lock);
}
