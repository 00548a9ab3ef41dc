/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects: what regions can map besides zeros, and what several of them see together.
 *
 *   a file    its pages are the object's own.  Private mappings put their changes into anons;
 * shared ones write to the object's page, which is dirty then until it has been written to the file
 * (writeback.c).  What read(2) sees are the same pages (filecache.c). memory    it has no file, and
 * its pages are anons in an amap that belongs to the object.  They are in RAM, on swap, or zeros,
 * like any other.
 *
 * Pages stay while the object lives and reclaim lets them.  Making a file shorter takes them out of
 * every mapping (truncate.c).
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

/* The reference that a dirty object holds to itself is nobody's. */
static uint64_t
object_users(const struct space_object *base)
{
    const struct vm_object *object = (const struct vm_object *)(const void *)base;

    base_lock_take(&object->system->lock);
    uint64_t users = object->refs - (object->ndirty > 0);
    base_lock_drop(&object->system->lock);
    return users;
}

static uint64_t
object_length(const struct space_object *base)
{
    const struct vm_object *object = (const struct vm_object *)(const void *)base;

    base_lock_take(&object->system->lock);
    uint64_t len = object->len;
    base_lock_drop(&object->system->lock);
    return len;
}

/* What a memory object may come to hold is promised, all of it (commit.c). */
static enum pgw_status
object_charge(struct vm_object *object, uint64_t npages)
{
    enum pgw_status status = vm_commit_replace(object->system, npages, object->charged);

    if (status != PGW_OK)
        return status;
    vm_commit_uncharge(object->system, object->charged);
    object->charged = npages;
    return PGW_OK;
}

void
vm_object_set_len(struct vm_object *object, uint64_t len)
{
    struct vm_stats *stats = &object->system->stats;
    uint64_t npages = page_ceil(len) >> PAGE_SHIFT;

    if (object->amap != NULL) {
        stats->shm_len += npages - object->base.npages;
        base_peak(&stats->shm_len_peak, stats->shm_len);
    }
    object->base.npages = npages;
    object->len = len;
}

static enum pgw_status
object_resize(struct space_object *base, uint64_t len)
{
    struct vm_object *object = vm_object_of(base);
    struct vm_system *system = object->system;

    if (len > OBJECT_PAGES_MAX << PAGE_SHIFT)
        return PGW_RANGE;
    base_lock_take(&system->lock);
    vm_object_hold_locked(object);
    enum pgw_status status = object->charged > 0 || (object->amap != NULL && object->len == 0)
                                 ? object_charge(object, page_ceil(len) >> PAGE_SHIFT)
                                 : PGW_OK;
    if (status == PGW_OK)
        vm_object_resize_locked(object, len);
    vm_object_release_locked(object);
    base_lock_drop(&system->lock);
    return status;
}

static bool
object_forget(struct space_object *base)
{
    struct vm_object *object = vm_object_of(base);
    struct vm_system *system = object->system;

    base_lock_take(&system->lock);
    vm_object_hold_locked(object);
    vm_object_forget_clean_locked(object);
    vm_object_release_locked(object);
    base_lock_drop(&system->lock);
    return true;
}

static enum pgw_status
object_sync(struct space_object *base)
{
    struct vm_object *object = vm_object_of(base);
    struct vm_system *system = object->system;

    base_lock_take(&system->lock);
    vm_object_hold_locked(object);
    enum pgw_status status = vm_writeback_locked(object, 0, OBJECT_PAGES_MAX);
    vm_object_release_locked(object);
    base_lock_drop(&system->lock);
    return status;
}

static const struct space_object_ops object_ops = {.hold = object_hold,
    .release = object_release,
    .users = object_users,
    .resize = object_resize,
    .length = object_length,
    .forget = object_forget,
    .sync = object_sync,
    .read = vm_cache_read,
    .overlay = vm_cache_overlay,
    .write = vm_cache_update};

/* An object with neither pages nor amap, of one reference; NULL: no memory. */
static struct vm_object *
object_make(struct vm_system *system, uint64_t len)
{
    struct vm_object *new = base_pool_get(&system->objects);

    if (new == NULL)
        return NULL;
    new->system = system;
    new->base.ops = &object_ops;
    new->base.npages = page_ceil(len) >> PAGE_SHIFT;
    new->len = len;
    new->id = ++system->object_ids;
    new->refs = 1;
    base_radix_init(&new->pages, &system->nodes);
    base_radix_init(&new->shadows, &system->nodes);
    TAILQ_INSERT_TAIL(&system->all_objects, new, link);
    system->stats.objects++;
    return new;
}

enum pgw_status
vm_object_create(
    struct vm_system *system, struct pager *pager, uint64_t npages, struct space_object **object)
{
    if (npages > OBJECT_PAGES_MAX)
        return PGW_RANGE;
    base_lock_take(&system->lock);
    struct vm_object *new = object_make(system, npages << PAGE_SHIFT);
    if (new != NULL) {
        new->base.pager = pager;
        *object = &new->base;
    }
    base_lock_drop(&system->lock);
    return new != NULL ? PGW_OK : PGW_NOMEM;
}

static void
object_free(struct vm_object *object)
{
    struct vm_system *system = object->system;

    base_radix_fini(&object->pages);
    vm_refault_fini(object);
    TAILQ_REMOVE(&system->all_objects, object, link);
    system->stats.objects--;
    base_pool_put(&system->objects, object);
}

enum pgw_status
vm_object_create_memory_locked(
    struct vm_system *system, uint64_t len, bool unpromised, struct vm_object **object)
{
    if (len > OBJECT_PAGES_MAX << PAGE_SHIFT)
        return PGW_RANGE;
    struct vm_object *new = object_make(system, 0);
    if (new == NULL)
        return PGW_NOMEM;
    enum pgw_status status = vm_amap_create(system, &new->amap);
    if (status == PGW_OK && !unpromised)
        status = object_charge(new, page_ceil(len) >> PAGE_SHIFT);
    if (status != PGW_OK) {
        vm_object_release_locked(new);
        return status;
    }
    vm_object_set_len(new, len);
    *object = new;
    return PGW_OK;
}

enum pgw_status
vm_object_create_memory(struct vm_system *system, uint64_t len, struct space_object **object)
{
    struct vm_object *new;

    base_lock_take(&system->lock);
    enum pgw_status status = vm_object_create_memory_locked(system, len, false, &new);
    base_lock_drop(&system->lock);
    if (status == PGW_OK)
        *object = &new->base;
    return status;
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
    for (; (page = base_radix_next(&object->pages, &idx)) != NULL; idx++) {
        vm_cache_leave(system, page);
        vm_page_free(system, page);
    }
    vm_tmem_flush_object(object);
    if (object->amap != NULL) {
        system->stats.shm_len -= object->base.npages;
        vm_amap_release(system, object->amap);
    }
    if (object->base.pager != NULL) {
        base_lock_take(&system->pager_lock);
        object->base.pager->ops->destroy(object->base.pager);
        base_lock_drop(&system->pager_lock);
    }
    vm_commit_uncharge(system, object->charged);
    object_free(object);
}

struct mem_page *
vm_object_page(const struct vm_object *object, uint64_t idx)
{
    return base_radix_get(&object->pages, idx);
}

enum pgw_status
vm_object_place(struct vm_object *object, uint64_t idx, struct mem_page *page)
{
    enum pgw_status status = base_radix_set(&object->pages, idx, page);

    if (status != PGW_OK)
        return status;
    vm_tmem_flush(object, idx, 1);
    page->owner = object;
    page->owner_kind = MEM_OWNER_OBJECT;
    page->offset = idx & (OBJECT_PAGES_MAX - 1);
    return PGW_OK;
}

enum pgw_status
vm_object_attach(struct vm_object *object, uint64_t idx, struct mem_page *page)
{
    enum pgw_status status = vm_object_place(object, idx, page);

    if (status == PGW_OK) {
        vm_page_admit(object->system, page);
        vm_refault_check(object->system, page, vm_refault_take(object, idx));
    }
    return status;
}

struct vm_anon *
vm_object_anon(struct vm_object *object, uint64_t idx)
{
    struct vm_anon *anon = base_radix_get(&object->amap->slots, idx);

    if (anon != NULL)
        return anon;
    anon = vm_anon_create(object->system);
    if (anon != NULL && base_radix_set(&object->amap->slots, idx, anon) != PGW_OK) {
        vm_anon_release(object->system, anon);
        return NULL;
    }
    if (anon != NULL)
        anon->shm = true; /* it has neither page nor slot yet */
    return anon;
}
