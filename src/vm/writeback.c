/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Write-back: what was written through shared mappings of a file comes into the file.
 *
 *            first write: a fault                     written
 *     clean ----------------------> dirty, writable ----------> clean, read-only again
 *     (mapped read-only)               ^     |
 *                                      +-----+ the write failed (law G2)
 *
 * A clean page is mapped without the right to write, so the core knows of every page that becomes
 * dirty, and writes those and no other.  Rejected: mapping it writable at once and asking the
 * hardware's modified bits.  That saves a fault for a page that is read first and written later,
 * but then nobody knows which pages are dirty without looking at all of them, nor when an object
 * has none left and may go.
 *
 * Pages are written in runs of neighbours: when a program asks (msync, fsync), when reclaim wants
 * one of them, when they have been dirty for long, and at the end.  In between they
 * are in RAM only, but the object cannot go: it holds a reference to itself (C7).
 */
#include "vm/core.h"

/* How often dirty pages are written: a second of the machine's time.  Linux looks every five
 * seconds (vm.dirty_writeback_centisecs), on machines that execute more in one. */
#define WRITEBACK_PERIOD UINT64_C(1000000000)

void
vm_object_dirty(struct vm_object *object, struct mem_page *page)
{
    struct vm_system *system = object->system;

    if (page->dirty)
        return;
    page->dirty = 1;
    system->stats.file_dirty++;
    base_peak(&system->stats.file_dirty_peak, system->stats.file_dirty);
    if (object->ndirty++ > 0)
        return;
    vm_object_hold_locked(object);
    TAILQ_INSERT_TAIL(&system->dirty_objects, object, dirty_link);
    system->ndirty_objects++;
}

/* The page is dirty no more; with the last one the object may go. */
static void
writeback_clean(struct vm_object *object, struct mem_page *page)
{
    struct vm_system *system = object->system;

    if (!page->dirty)
        return;
    page->dirty = 0;
    system->stats.file_dirty--;
    if (--object->ndirty > 0)
        return;
    TAILQ_REMOVE(&system->dirty_objects, object, dirty_link);
    system->ndirty_objects--;
    vm_object_release_locked(object);
}

void
vm_object_drop(struct vm_object *object, struct mem_page *page)
{
    BASE_ASSERT(object->refs > (object->ndirty > 0)); /* the caller holds it */
    vm_cache_leave(object->system, page);
    base_radix_remove(&object->pages, page->offset);
    writeback_clean(object, page);
    vm_page_free(object->system, page);
}

/* The dirty page at idx that can be written now, from now on busy and read-only; NULL. */
static struct mem_page *
writeback_take(struct vm_object *object, uint64_t idx)
{
    struct vm_system *system = object->system;
    struct mem_page *page = vm_object_page(object, idx);

    if (page == NULL || !page->dirty || page->busy)
        return NULL;
    system->pmap_ops->page_protect(system->pmap_system, page, PROT_MASK_R | PROT_MASK_X);
    system->pmap_ops->page_clear_modified(system->pmap_system, page);
    page->busy = 1;
    return page;
}

/* Writes n busy neighbours, of which the first is at idx; they are not busy afterwards. */
static enum pgw_status
writeback_run(struct vm_object *object, struct mem_page *const *pages, unsigned n, uint64_t idx)
{
    struct vm_system *system = object->system;
    uint64_t slots[PAGER_RUN_MAX];

    BASE_ASSERT(n > 0 && n <= PAGER_RUN_MAX);
    for (unsigned i = 0; i < n; i++)
        slots[i] = idx + i;
    enum pgw_status status = vm_io_put_at(system, object->base.pager, pages, n, slots);
    for (unsigned i = 0; i < n; i++) {
        pages[i]->busy = 0;
        if (status == PGW_OK)
            writeback_clean(object, pages[i]);
    }
    if (status == PGW_OK) {
        system->stats.written_back += n;
        system->stats.writeback_runs++;
    } else {
        system->stats.writeback_failures++;
    }
    return status;
}

/* Takes up to max dirty neighbours from idx on, below end. */
static unsigned
writeback_gather(struct vm_object *object, uint64_t idx, uint64_t end, struct mem_page **pages)
{
    unsigned n = 0;

    while (
        n < PAGER_RUN_MAX && idx + n < end && (pages[n] = writeback_take(object, idx + n)) != NULL)
        n++;
    return n;
}

enum pgw_status
vm_writeback_locked(struct vm_object *object, uint64_t first, uint64_t end)
{
    struct mem_page *pages[PAGER_RUN_MAX];
    enum pgw_status status = PGW_OK;
    struct mem_page *page;
    uint64_t idx = first;

    while (
        object->ndirty > 0 && (page = base_radix_next(&object->pages, &idx)) != NULL && idx < end) {
        if (page->busy) {
            vm_io_yield(object->system, object->base.pager);
            continue;
        }
        unsigned n = writeback_gather(object, idx, end, pages);
        enum pgw_status run = n > 0 ? writeback_run(object, pages, n, idx) : PGW_OK;
        if (status == PGW_OK)
            status = run;
        idx += n > 0 ? n : 1;
    }
    return status;
}

bool
vm_writeback_evict(struct vm_system *system, struct mem_page *page)
{
    struct vm_object *object = page->owner;
    struct mem_page *pages[PAGER_RUN_MAX] = {page};
    uint64_t idx = page->offset;
    unsigned n = 1;

    BASE_ASSERT(page->dirty && page->busy && !page->queued);
    vm_object_hold_locked(object);
    while (n < PAGER_RUN_MAX && (pages[n] = writeback_take(object, idx + n)) != NULL)
        n++;
    enum pgw_status status = writeback_run(object, pages, n, idx);
    if (status == PGW_OK) {
        vm_page_evicted(system, page);
    } else {
        vm_page_admit(system, page);
    }
    vm_object_release_locked(object);
    return status == PGW_OK;
}

enum pgw_status
vm_writeback_all_locked(struct vm_system *system)
{
    enum pgw_status status = PGW_OK;

    for (uint64_t n = system->ndirty_objects; n > 0 && system->ndirty_objects > 0; n--) {
        struct vm_object *object = TAILQ_FIRST(&system->dirty_objects);
        TAILQ_REMOVE(&system->dirty_objects, object, dirty_link);
        TAILQ_INSERT_TAIL(&system->dirty_objects, object, dirty_link);
        vm_object_hold_locked(object);
        enum pgw_status one = vm_writeback_locked(object, 0, UINT64_MAX);
        vm_object_release_locked(object);
        if (status == PGW_OK)
            status = one;
    }
    return status;
}

enum pgw_status
vm_writeback(struct vm_system *system)
{
    base_lock_take(&system->lock);
    enum pgw_status status = vm_writeback_all_locked(system);
    base_lock_drop(&system->lock);
    return status;
}

void
vm_writeback_daemon_locked(struct vm_system *system)
{
    uint64_t now = system->clock != NULL ? base_clock_now(system->clock) : 0;

    if (now < system->writeback_due)
        return;
    system->writeback_due = now + WRITEBACK_PERIOD;
    if (system->clock != NULL)
        (void)vm_writeback_all_locked(system); /* what fails stays dirty, until the next time */
}

void
vm_writeback_give_up(struct vm_system *system)
{
    struct vm_object *object;

    while ((object = TAILQ_FIRST(&system->dirty_objects)) != NULL) {
        struct mem_page *page;
        vm_object_hold_locked(object);
        for (uint64_t idx = 0; (page = base_radix_next(&object->pages, &idx)) != NULL; idx++) {
            system->stats.writeback_lost += page->dirty;
            writeback_clean(object, page);
        }
        vm_object_release_locked(object);
    }
}

/* --- sync --- */

/* The part of the range that lies in one region. */
static enum pgw_status
sync_region(const struct vm_region *region, uint64_t va, uint64_t end)
{
    struct vm_object *object = region->object;

    if (!vm_region_writes_object(region))
        return PGW_OK;
    uint64_t first = (region->offset + (va - region->start)) >> PAGE_SHIFT;
    uint64_t npages = ((end < region->end ? end : region->end) - va) >> PAGE_SHIFT;
    vm_object_hold_locked(object);
    enum pgw_status status = vm_writeback_locked(object, first, first + npages);
    vm_object_release_locked(object);
    return status;
}

static enum pgw_status
sync_locked(struct vm_space *space, uint64_t va, uint64_t end)
{
    enum pgw_status status = PGW_OK;
    bool hole = false;

    while (va < end) {
        const struct vm_region *region = vm_region_at_or_above(space, va);
        if (region == NULL || region->start >= end)
            return PGW_NOTFOUND;
        hole = hole || region->start > va;
        uint64_t from = region->start > va ? region->start : va;
        va = region->end; /* before the lock is dropped */
        enum pgw_status one = sync_region(region, from, end);
        if (status == PGW_OK)
            status = one;
    }
    return status == PGW_OK && hole ? PGW_NOTFOUND : status;
}

enum pgw_status
vm_sync(struct space *space, uint64_t va, uint64_t len)
{
    struct vm_space *vm_space = vm_space_of(space);
    uint64_t end = va + page_ceil(len);

    if ((va & ~PAGE_MASK) != 0)
        return PGW_INVAL;
    if (end < va || end > vm_space->system->space_end)
        return PGW_RANGE;
    base_lock_take(&vm_space->system->lock);
    enum pgw_status status = sync_locked(vm_space, va, end);
    base_lock_drop(&vm_space->system->lock);
    return status;
}
