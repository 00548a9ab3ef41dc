/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects: the pages of a file, shared by all regions that map it.  Pages are clean: private
 * mappings put their changes into anons.  They stay in RAM while the object lives and reclaim
 * lets them.
 */
#include "vm/core.h"

#define OBJECT_PAGES_MAX (UINT64_C(1) << 36) /* what mem_page.offset can count: 256 TiB */

static void
object_hold(struct space_object *base)
{
    struct vm_object *object = vm_object_of(base);

    base_lock_take(&object->system->lock);
    vm_object_hold_locked(object);
    base_lock_drop(&object->system->lock);
}

static void
object_release(struct space_object *base)
{
    struct vm_object *object = vm_object_of(base);
    struct vm_system *system = object->system;

    base_lock_take(&system->lock);
    vm_object_release_locked(object);
    base_lock_drop(&system->lock);
}

static const struct space_object_ops object_ops = {.hold = object_hold, .release = object_release};

enum pgw_status
vm_object_create(
    struct vm_system *system, struct pager *pager, uint64_t npages, struct space_object **object)
{
    if (npages > OBJECT_PAGES_MAX)
        return PGW_RANGE;
    base_lock_take(&system->lock);
    struct vm_object *new = base_pool_get(&system->objects);
    if (new != NULL) {
        new->system = system;
        new->base.ops = &object_ops;
        new->base.pager = pager;
        new->base.npages = npages;
        new->id = ++system->object_ids;
        new->refs = 1;
        base_radix_init(&new->pages, &system->nodes);
        TAILQ_INSERT_TAIL(&system->all_objects, new, link);
        system->stats.objects++;
        *object = &new->base;
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
    object->base.pager->ops->destroy(object->base.pager);
    vm_commit_uncharge(system, object->charged);
    TAILQ_REMOVE(&system->all_objects, object, link);
    system->stats.objects--;
    base_pool_put(&system->objects, object);
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
