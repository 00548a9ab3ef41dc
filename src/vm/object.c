/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects: the pages of a file, shared by all regions that map it.  Pages are clean: private
 * mappings put their changes into anons.  They stay in RAM while the object lives and reclaim
 * lets them.
 */
#include "vm/core.h"

#define OBJECT_PAGES_MAX (UINT64_C(1) << 40) /* what mem_page.offset can count: 4 PiB */

enum pgw_status
vm_object_create(
    struct vm_system *system, struct pager *pager, uint64_t npages, struct vm_object **object)
{
    if (npages > OBJECT_PAGES_MAX)
        return PGW_RANGE;
    base_lock_take(&system->lock);
    struct vm_object *new = base_pool_get(&system->objects);
    if (new != NULL) {
        new->system = system;
        new->pager = pager;
        new->npages = npages;
        new->id = ++system->object_ids;
        new->refs = 1;
        base_radix_init(&new->pages, &system->nodes);
        TAILQ_INSERT_TAIL(&system->all_objects, new, link);
        system->stats.objects++;
        *object = new;
    }
    base_lock_drop(&system->lock);
    return new != NULL ? PGW_OK : PGW_NOMEM;
}

void
vm_object_hold_locked(struct vm_object *object)
{
    object->refs++;
}

void
vm_object_release_locked(struct vm_object *object)
{
    struct vm_system *system = object->system;
    struct mem_page *page;
    uint64_t idx = 0;

    BASE_ASSERT(object->refs > 0);
    if (--object->refs > 0)
        return;
    for (; (page = base_radix_next(&object->pages, &idx)) != NULL; idx++)
        vm_page_free(system, page);
    base_radix_fini(&object->pages);
    object->pager->ops->destroy(object->pager);
    TAILQ_REMOVE(&system->all_objects, object, link);
    system->stats.objects--;
    base_pool_put(&system->objects, object);
}

void
vm_object_hold(struct vm_object *object)
{
    base_lock_take(&object->system->lock);
    vm_object_hold_locked(object);
    base_lock_drop(&object->system->lock);
}

void
vm_object_release(struct vm_object *object)
{
    struct vm_system *system = object->system;

    base_lock_take(&system->lock);
    vm_object_release_locked(object);
    base_lock_drop(&system->lock);
}

struct mem_page *
vm_object_page(const struct vm_object *object, uint64_t idx)
{
    return base_radix_get(&object->pages, idx);
}

enum pgw_status
vm_object_attach(struct vm_object *object, uint64_t idx, struct mem_page *page)
{
    enum pgw_status status = base_radix_set(&object->pages, idx, page);

    if (status != PGW_OK)
        return status;
    page->owner = object;
    page->owner_kind = MEM_OWNER_OBJECT;
    page->offset = idx & (OBJECT_PAGES_MAX - 1);
    vm_page_admit(object->system, page);
    return PGW_OK;
}
