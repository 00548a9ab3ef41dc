/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects that become shorter, or whose file was changed by others.
 *
 * A file that is cut takes what lies past its new end out of every mapping: its own pages, dirty
 * or not, and what private mappings had copied of them, as Linux does.  The next access there is a
 * bus error.  The new length is set before any page is waited for, so that nobody brings one back.
 *
 * Bytes between the end and the end of its page are zeros whenever the file is made longer: a
 * mapping may have left something there.
 */
#include <string.h>

#include "vm/core.h"

/* Drops file pages from idx on: all of them, or the clean ones.  Busy ones are waited for. */
static uint64_t
truncate_pages(struct vm_object *object, uint64_t idx, bool dirty_too)
{
    struct mem_page *page;
    uint64_t dropped = 0;

    while ((page = base_radix_next(&object->pages, &idx)) != NULL) {
        if (page->busy) {
            vm_io_yield(object->system, object->base.pager);
            continue;
        }
        if (dirty_too || !page->dirty) { /* locked or not: where it is, it comes again */
            vm_object_drop(object, page);
            dropped++;
        }
        idx++;
    }
    return dropped;
}

/* Drops the anons of an amap in [idx, end). */
static void
truncate_anons(struct vm_system *system, struct vm_amap *amap, uint64_t idx, uint64_t end)
{
    struct vm_anon *anon;

    for (; (anon = base_radix_next(&amap->slots, &idx)) != NULL && idx < end; idx++) {
        if (anon->page != NULL)
            system->pmap_ops->page_protect(system->pmap_system, anon->page, PROT_MASK_NONE);
        (void)base_radix_remove(&amap->slots, idx);
        vm_anon_release(system, anon);
        system->stats.truncated++;
    }
}

/* What one region had copied of the object's pages from npages on. */
static void
truncate_region(struct vm_region *region, uint64_t npages)
{
    struct vm_object *object = region->object;
    uint64_t end = npages << PAGE_SHIFT;
    uint64_t va = end > region->offset ? region->start + (end - region->offset) : region->start;

    if (region->amap == NULL || vm_region_shares_amap(region) || va >= region->end)
        return;
    truncate_anons(object->system, region->amap, vm_region_idx(region, va),
        vm_region_idx(region, region->end - 1) + 1);
}

static void
truncate_copies(struct vm_object *object, uint64_t npages)
{
    struct vm_region *region;
    struct vm_space *space;

    TAILQ_FOREACH (space, &object->system->all_spaces, link)
        RB_FOREACH (region, vm_region_tree, &space->regions)
            if (region->object == object)
                truncate_region(region, npages);
}

/* From len to the end of its page. */
static void
truncate_tail(struct vm_object *object, uint64_t len)
{
    struct mem_page *page;
    size_t kept = (size_t)(len & ~PAGE_MASK);

    if (kept == 0)
        return;
    while ((page = vm_object_page(object, len >> PAGE_SHIFT)) != NULL && page->busy)
        vm_io_yield(object->system, object->base.pager);
    if (page != NULL)
        memset(mem_page_bytes(object->system->mem, page) + kept, 0, PAGE_SIZE - kept);
}

void
vm_object_resize_locked(struct vm_object *object, uint64_t len)
{
    uint64_t old = object->len;
    uint64_t npages = page_ceil(len) >> PAGE_SHIFT;

    vm_object_set_len(object, len);
    if (len < old) {
        object->system->stats.truncated += truncate_pages(object, npages, true);
        if (object->amap != NULL)
            truncate_anons(object->system, object->amap, npages, UINT64_MAX);
        truncate_copies(object, npages);
    }
    truncate_tail(object, len < old ? len : old);
    vm_tmem_flush_object(object); /* last: what was waited for may have been evicted into it */
}

void
vm_object_forget_clean_locked(struct vm_object *object)
{
    (void)truncate_pages(object, 0, false);
    vm_tmem_flush_object(object); /* last: what was waited for may have been evicted into it */
}
