/* SPDX-License-Identifier: BSD-2-Clause */
/* What a region holds now, for maps: its private pages, and the pages of its file in RAM. */
#include "vm/core.h"

static void
usage_page(const struct vm_space *space, uint64_t va, struct mem_page *page, uint64_t sharers,
    struct space_usage *usage)
{
    bool dirty =
        page->dirty || space->system->pmap_ops->page_is_modified(space->system->pmap_system, page);

    usage->resident++;
    usage->shared += sharers > 1;
    usage->dirty += dirty;
    usage->shared_dirty += dirty && sharers > 1;
    usage->share += PAGE_SIZE / sharers;
    usage->huge += space->system->pmap_ops->order(space->pmap, va) > 0;
    usage->locked += base_radix_get(&space->wired, va >> PAGE_SHIFT) == page;
}

static void
usage_anons(const struct vm_space *space, const struct vm_region *region, struct space_usage *usage)
{
    uint64_t idx = vm_region_idx(region, region->start);
    uint64_t last = vm_region_idx(region, region->end - 1);
    const struct vm_anon *anon;

    for (; (anon = base_radix_next(&region->amap->slots, &idx)) != NULL && idx <= last; idx++) {
        usage->swapped += anon->page == NULL && anon->slot != PAGER_SLOT_NONE;
        if (anon->page == NULL)
            continue;
        usage->merged += anon->merged != 0;
        usage->anon += !region->shared;
        usage_page(space, region->anchor + (idx << PAGE_SHIFT), anon->page,
            (uint64_t)anon->refs - 1 + region->amap->refs, usage);
    }
}

static uint64_t
usage_mappings(const struct mem_page *page)
{
    uint64_t n = 0;

    for (const struct mem_pv *pv = &page->pv; pv != NULL; pv = pv->next)
        n++;
    return n;
}

/* Pages of its file that others brought in count only where the space has them mapped, too. */
static void
usage_object(
    const struct vm_space *space, const struct vm_region *region, struct space_usage *usage)
{
    uint64_t idx = region->offset >> PAGE_SHIFT;
    uint64_t end = (region->offset + (region->end - region->start)) >> PAGE_SHIFT;
    struct mem_page *page, *mapped;

    for (; (page = base_radix_next(&region->object->pages, &idx)) != NULL && idx < end; idx++) {
        uint64_t va = region->start + (idx << PAGE_SHIFT) - region->offset;
        if (space->system->pmap_ops->extract(space->pmap, va, &mapped, NULL) == PGW_OK &&
            mapped == page)
            usage_page(space, va, page, usage_mappings(page), usage);
    }
}

void
vm_usage(struct space *space, const struct space_region *where, struct space_usage *usage)
{
    struct vm_space *vm_space = vm_space_of(space);

    *usage = (struct space_usage){0};
    base_lock_take(&vm_space->system->lock);
    const struct vm_region *region = vm_region_at(vm_space, where->start);
    if (region != NULL && region->amap != NULL)
        usage_anons(vm_space, region, usage);
    if (region != NULL && region->object != NULL)
        usage_object(vm_space, region, usage);
    base_lock_drop(&vm_space->system->lock);
}
