/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for pagers.  A pager's calls are asynchronous: start, then done.  The thread that needs
 * the result drives the pager until its own io is done, with the system's lock released, so that
 * faults that need no device go on.  done() only notes the result, perhaps for another thread:
 * everything that touches the core happens after the lock is taken again.
 *
 * Pagers are not made for several threads, so one lock guards them all.  A thread that blocks in
 * drive() holds it, and a start waits for that; what it waits for is one io at the most.
 */
#include <sched.h>
#include <stdatomic.h>

#include "vm/core.h"

struct vm_io {
    struct pager_io io;
    atomic_bool finished;
    uint64_t operations; /* of the device, as far as its own thread drove it */
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
        BASE_ASSERT(pages[i]->busy);
        io->io.pages[i] = pages[i];
        io->io.slots[i] = slots != NULL ? slots[i] : PAGER_SLOT_NONE;
    }
}

static uint64_t
io_operations(const struct pager *pager)
{
    return pager->stats.get_ios + pager->stats.put_ios;
}

/* Lets the pager finish something, if it has anything in flight, without the system's lock; returns
 * the operations of the device that this took. */
static uint64_t
io_drive(struct vm_system *system, struct pager *pager)
{
    unsigned finished;

    base_lock_drop(&system->lock);
    base_lock_take(&system->pager_lock);
    uint64_t operations = io_operations(pager);
    finished = pager->ops->drive(pager, true);
    operations = io_operations(pager) - operations;
    base_lock_drop(&system->pager_lock);
    if (finished == 0)
        (void)sched_yield(); /* it is finished, and its owner only wants the system's lock */
    base_lock_take(&system->lock);
    system->device_time += operations * system->device_ns;
    return operations;
}

/* Starts the io and waits for its end. */
static enum pgw_status
io_run(struct vm_system *system, struct pager *pager, struct vm_io *io,
    enum pgw_status (*start)(struct pager *pager, struct pager_io *io))
{
    base_lock_take(&system->pager_lock);
    pager->fixed = system->pmap_system->tables + system->stats.wired;
    io->operations = io_operations(pager);
    enum pgw_status status = start(pager, &io->io);
    io->operations = io_operations(pager) - io->operations;
    base_lock_drop(&system->pager_lock);
    system->device_time += io->operations * system->device_ns;
    if (status != PGW_OK)
        return status;
    system->ios++;
    while (!atomic_load_explicit(&io->finished, memory_order_acquire))
        io->operations += io_drive(system, pager);
    system->ios--;
    return io->io.status;
}

enum pgw_status
vm_io_get(struct vm_system *system, struct pager *pager, const uint64_t *slots,
    struct mem_page *const *pages, unsigned n)
{
    struct vm_io io;

    io_init(&io, pages, slots, n);
    enum pgw_status status = io_run(system, pager, &io, pager->ops->start_get);
    for (unsigned i = 0; i < n; i++)
        pages[i]->busy = 0;
    if (status != PGW_OK)
        system->stats.get_failures++;
    if (pager != system->swap)
        system->stats.file_reads += io.operations;
    return status;
}

enum pgw_status
vm_io_put(struct vm_system *system, struct pager *pager, struct mem_page *const *pages, unsigned n,
    uint64_t *slots)
{
    struct vm_io io;

    io_init(&io, pages, NULL, n);
    enum pgw_status status = io_run(system, pager, &io, pager->ops->start_put);
    for (unsigned i = 0; status == PGW_OK && i < n; i++)
        slots[i] = io.io.slots[i];
    return status;
}

enum pgw_status
vm_io_put_at(struct vm_system *system, struct pager *pager, struct mem_page *const *pages,
    unsigned n, const uint64_t *slots)
{
    struct vm_io io;

    io_init(&io, pages, slots, n);
    return io_run(system, pager, &io, pager->ops->start_put);
}

void
vm_io_yield(struct vm_system *system, struct pager *pager)
{
    if (pager != NULL) {
        (void)io_drive(system, pager);
        return;
    }
    base_lock_drop(&system->lock);
    (void)sched_yield();
    base_lock_take(&system->lock);
}

void
vm_io_forget(struct vm_system *system, uint64_t slot)
{
    base_lock_take(&system->pager_lock);
    system->swap->ops->forget(system->swap, slot);
    system->swap_refused = false;
    base_lock_drop(&system->pager_lock);
}

void
vm_io_swap_sure(struct vm_system *system, uint64_t *slots, uint64_t *frames)
{
    *slots = *frames = 0;
    if (system->swap == NULL)
        return;
    base_lock_take(&system->pager_lock);
    *slots = system->swap->stats.slots - system->swap->stats.hoped;
    *frames = system->swap->stats.ram;
    base_lock_drop(&system->pager_lock);
}

void
vm_io_swap_room(struct vm_system *system, uint64_t *used, uint64_t *slots)
{
    *used = *slots = 0;
    if (system->swap == NULL)
        return;
    base_lock_take(&system->pager_lock);
    *used = system->swap->stats.used;
    *slots = system->swap->stats.slots;
    base_lock_drop(&system->pager_lock);
}
