/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clean pages of files in transcendent memory: a page that is evicted is put there, and asked for
 * there before its file is read.
 *
 *     in RAM --evicted, clean--> in an ephemeral pool --fault--> in RAM
 *                                  |             \--dropped by the pool--> in the file only
 *                                  \--flushed: written or cut by others --> in the file only
 *
 * A page is never in RAM and in the pool at once: a get takes it out (law T4), and whoever
 * brings a page into RAM by another way flushes it (vm_object_place).  So what is written to a page
 * in RAM needs no flush; what is written to the file past it does (filecache.c, truncate.c).
 *
 * Pages that only read(2) has seen are not kept: they are the ones that nobody comes back to.
 */
#include "vm/tmem.h"

#include "vm/core.h"

enum pgw_status
vm_tmem_start(struct vm_system *system, struct tmem *tmem)
{
    if (tmem == NULL)
        return PGW_OK;
    enum pgw_status status = tmem->ops->pool_create(tmem, false, &system->tmem_pool);
    if (status == PGW_OK)
        system->tmem = tmem;
    return status;
}

void
vm_tmem_stop(struct vm_system *system)
{
    if (system->tmem != NULL)
        system->tmem->ops->pool_destroy(system->tmem, system->tmem_pool);
}

void
vm_tmem_keep(const struct vm_object *object, const struct mem_page *page)
{
    struct vm_system *system = object->system;
    struct tmem *tmem = system->tmem;

    if (tmem == NULL || object->base.pager == NULL)
        return;
    base_lock_take(&system->pager_lock);
    /* What does not fit is in the file. */
    (void)tmem->ops->put(
        tmem, system->tmem_pool, object->id, page->offset, mem_page_bytes(system->mem, page));
    base_lock_drop(&system->pager_lock);
}

bool
vm_tmem_take(const struct vm_object *object, uint64_t idx, struct mem_page *page)
{
    struct vm_system *system = object->system;
    struct tmem *tmem = system->tmem;

    if (tmem == NULL || object->base.pager == NULL)
        return false;
    base_lock_take(&system->pager_lock);
    enum pgw_status status =
        tmem->ops->get(tmem, system->tmem_pool, object->id, idx, mem_page_bytes(system->mem, page));
    base_lock_drop(&system->pager_lock);
    return status == PGW_OK;
}

void
vm_tmem_flush(const struct vm_object *object, uint64_t idx, uint64_t n)
{
    struct vm_system *system = object->system;
    struct tmem *tmem = system->tmem;

    if (tmem == NULL || object->base.pager == NULL)
        return;
    base_lock_take(&system->pager_lock);
    for (uint64_t i = 0; i < n; i++)
        tmem->ops->flush_page(tmem, system->tmem_pool, object->id, idx + i);
    base_lock_drop(&system->pager_lock);
}

void
vm_tmem_flush_object(const struct vm_object *object)
{
    struct vm_system *system = object->system;
    struct tmem *tmem = system->tmem;

    if (tmem == NULL || object->base.pager == NULL)
        return;
    base_lock_take(&system->pager_lock);
    tmem->ops->flush_object(tmem, system->tmem_pool, object->id);
    base_lock_drop(&system->pager_lock);
}
