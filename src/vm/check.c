/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invariants of core.h, verified: C1 to C12, the counts, and each contract's own check.  Slow;
 * for tests and for the curious.  No I/O may be under way.
 */
#include <stdint.h>

#include "vm/core.h"

/* Pointers seen, with how often: a radix tree over addresses, the count kept as the value. */
struct tally {
    struct base_radix seen;
    bool failed; /* no memory: then nothing was proved, and the check says no */
};

static uint64_t
tally_add(struct tally *tally, const void *what)
{
    uint64_t key = (uint64_t)(uintptr_t)what >> 3;
    uintptr_t count = (uintptr_t)base_radix_get(&tally->seen, key) + 1;

    if (base_radix_set(&tally->seen, key, (void *)count) != PGW_OK)
        tally->failed = true;
    return count;
}

struct check {
    struct vm_system *system;
    struct tally anons, amaps;
    uint64_t slots;           /* anons with a slot */
    uint64_t shared, sharing; /* merged anons, and references to them beyond the first */
    uint64_t in_ram;          /* anons and object slots with a page */
    uint64_t charged, roots;
    uint64_t away;                         /* taken by squeeze.c, and not back */
    uint64_t cached, dirty, dirty_objects; /* files' pages that are, and objects that have such */
    uint64_t locked, wired;                /* pages of locked regions; those that spaces hold */
    uint64_t shm_len, shm_resident, shm_swapped; /* of memory objects */
};

/* A page in RAM and its owner point at each other, and the policy knows the page (C3). */
static bool
check_page(struct check *check, const struct mem_page *page, const void *owner, unsigned kind)
{
    check->in_ram++;
    return page->owner == owner && page->owner_kind == kind && page->queued && !page->busy;
}

static bool
check_anon(struct check *check, struct vm_anon *anon)
{
    if (tally_add(&check->anons, anon) > 1)
        return true;
    check->slots += anon->slot != PAGER_SLOT_NONE;
    check->away += anon->squeezed;
    check->shared += anon->merged != 0;
    check->sharing += anon->merged != 0 ? anon->refs - 1 : 0;
    if (anon->slot != PAGER_SLOT_NONE &&
        !check->system->swap->ops->has(check->system->swap, anon->slot))
        return false;
    return anon->page == NULL ||
           (!anon->squeezed && check_page(check, anon->page, anon, MEM_OWNER_ANON));
}

/* It is counted as what it is. */
static bool
check_shm(struct check *check, const struct vm_anon *anon)
{
    check->shm_resident += anon->page != NULL;
    check->shm_swapped += anon->page == NULL && anon->slot != PAGER_SLOT_NONE;
    return anon->shm;
}

/* The amap of a memory object (C1); regions that share it are counted when they are met. */
static bool
check_memory(struct check *check, const struct vm_object *object)
{
    struct vm_anon *anon;

    if (tally_add(&check->amaps, object->amap) > 1)
        return true;
    for (uint64_t idx = 0; (anon = base_radix_next(&object->amap->slots, &idx)) != NULL; idx++)
        if (idx >= object->base.npages || !check_anon(check, anon) || !check_shm(check, anon))
            return false;
    check->shm_len += object->base.npages;
    return object->pages.count == 0;
}

/* Everything in the amap is within the region's reach, unless it is shared (C1). */
static bool
check_amap(struct check *check, const struct vm_region *region)
{
    const struct vm_amap *amap = region->amap;
    uint64_t first = vm_region_idx(region, region->start);
    uint64_t end = first + ((region->end - region->start) >> PAGE_SHIFT);
    struct vm_anon *anon;

    if (region->shared ? region->needs_copy : amap->refs > 1 && !region->needs_copy)
        return false;
    if (tally_add(&check->amaps, amap) > 1)
        return true;
    check->charged += amap->charged;
    for (uint64_t idx = 0; (anon = base_radix_next(&amap->slots, &idx)) != NULL; idx++)
        if ((!region->shared && (idx < first || idx >= end)) || !check_anon(check, anon))
            return false;
    return true;
}

/* If va is mapped, it leads to the right page, writable only for one who is alone with it (C5). */
static bool
check_mapping(const struct vm_space *space, const struct vm_region *region, uint64_t va,
    const struct mem_page *right, bool alone, uint64_t *mapped)
{
    struct mem_page *page;
    prot_t prot;

    if (space->system->pmap_ops->extract(space->pmap, va, &page, &prot) != PGW_OK)
        return true;
    (*mapped)++;
    return page == right && ((prot & PROT_MASK_W) == 0 || alone) &&
           (prot & ~(region->prot | PROT_MASK_R | space->system->pmap_caps.always)) == 0;
}

/* Is the page behind va in the object of the region mapped as it may be?  One of a memory object
 * that the region has under an amap of its own is read-only, a file's goes by C5. */
static bool
check_object_mapping(const struct vm_space *space, const struct vm_region *region, uint64_t idx,
    const struct mem_page *page, uint64_t *mapped)
{
    uint64_t va = region->start + (idx << PAGE_SHIFT) - region->offset;
    bool alone = (vm_object_prot(region, page, PROT_MASK_ALL) & PROT_MASK_W) != 0;

    return vm_amap_lookup(region, va) != NULL ||
           check_mapping(space, region, va, page, alone, mapped);
}

/* What the region maps of its object. */
static bool
check_object_mappings(
    const struct vm_space *space, const struct vm_region *region, uint64_t *mapped)
{
    const struct vm_object *object = region->object;
    uint64_t end = (region->offset + (region->end - region->start)) >> PAGE_SHIFT;
    uint64_t idx = region->offset >> PAGE_SHIFT;
    const struct mem_page *page;
    const struct vm_anon *anon;

    if (object->amap == NULL) {
        for (; (page = base_radix_next(&object->pages, &idx)) != NULL && idx < end; idx++)
            if (!check_object_mapping(space, region, idx, page, mapped))
                return false;
        return true;
    }
    for (; (anon = base_radix_next(&object->amap->slots, &idx)) != NULL && idx < end; idx++)
        if (!check_object_mapping(space, region, idx, anon->page, mapped))
            return false;
    return true;
}

/* Goes by what the region has, not page by page; mappings of anything else are missed in the count.
 */
static bool
check_mappings(const struct vm_space *space, const struct vm_region *region, uint64_t *mapped)
{
    const struct vm_anon *anon;
    uint64_t idx = 0;

    uint64_t last = vm_region_idx(region, region->end - 1);

    idx = vm_region_idx(region, region->start);
    for (; region->amap != NULL && (anon = base_radix_next(&region->amap->slots, &idx)) != NULL &&
           idx <= last;
         idx++)
        if (!check_mapping(space, region, region->anchor + (idx << PAGE_SHIFT), anon->page,
                anon->refs == 1 && !region->needs_copy, mapped))
            return false;
    if (region->object == NULL || vm_region_shares_amap(region))
        return true;
    return check_object_mappings(space, region, mapped);
}

/* A space holds pages only in its locked regions (C7). */
static bool
check_wired(struct check *check, struct vm_space *space)
{
    struct mem_page *page;

    for (uint64_t idx = 0; (page = base_radix_next(&space->wired, &idx)) != NULL; idx++) {
        const struct vm_region *region = vm_region_at(space, idx << PAGE_SHIFT);
        if (region == NULL || !region->locked || page->wired == 0 || !page->queued)
            return false;
    }
    check->wired += space->wired.count;
    check->locked += space->locked;
    return true;
}

static bool
check_regions(struct check *check, struct vm_space *space)
{
    struct vm_region *region;
    uint64_t at = 0, mapped = 0, count = 0, pages = 0, locked = 0;

    RB_FOREACH (region, vm_region_tree, &space->regions) {
        if (region->start < at || region->end <= region->start ||
            ((region->start | region->end) & ~PAGE_MASK) != 0)
            return false;
        if (!vm_region_knows_gaps(region))
            return false;
        at = region->end;
        locked += region->locked ? vm_region_pages(region) : 0;
        if (check != NULL)
            check->charged += region->charged ? vm_region_pages(region) : 0;
        mapped += region->end - region->start;
        count++;
        if (region->amap != NULL && check != NULL && !check_amap(check, region))
            return false;
        if (!check_mappings(space, region, &pages))
            return false;
    }
    if (locked != space->locked || (check != NULL && !check_wired(check, space)))
        return false;
    /* Not "==": a mapping that was counted may vanish before we are through (law P1). */
    if (pages < space->pmap->resident)
        return false;
    return at <= space->system->space_end && mapped == space->mapped && count == space->nregions;
}

bool
vm_space_check(struct space *space)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    bool ok = check_regions(NULL, vm_space) && vm_space->system->pmap_ops->check(vm_space->pmap);
    base_lock_drop(&vm_space->system->lock);
    return ok;
}

/* Reference counts are what was seen (C2). */
static bool
check_refs(struct check *check)
{
    uint64_t idx = 0;
    void *count;

    for (; (count = base_radix_next(&check->anons.seen, &idx)) != NULL; idx++)
        if (((const struct vm_anon *)(uintptr_t)(idx << 3))->refs != (uintptr_t)count)
            return false;
    for (idx = 0; (count = base_radix_next(&check->amaps.seen, &idx)) != NULL; idx++)
        if (((const struct vm_amap *)(uintptr_t)(idx << 3))->refs != (uintptr_t)count)
            return false;
    return check->anons.seen.count == check->system->stats.anons &&
           check->shared == check->system->stats.merge_shared &&
           check->sharing == check->system->stats.merge_sharing;
}

/* A file's page: dirty ones are counted (C7), and what read(2) alone has seen is clean (C8). */
static bool
check_file_page(struct check *check, const struct vm_object *object, const struct mem_page *page)
{
    check->dirty += page->dirty;
    if (page->queued)
        return check_page(check, page, object, MEM_OWNER_OBJECT);
    check->cached++;
    return page->owner == object && page->owner_kind == MEM_OWNER_OBJECT && !page->busy &&
           !page->dirty && page->pv.pmap == NULL;
}

static bool
check_file(struct check *check, const struct vm_object *object)
{
    uint64_t before = check->dirty;
    const struct mem_page *page;

    for (uint64_t idx = 0; (page = base_radix_next(&object->pages, &idx)) != NULL; idx++)
        if (page->offset != idx || !check_file_page(check, object, page))
            return false;
    check->dirty_objects += object->ndirty > 0;
    check->away += vm_refault_squeezed(object);
    return check->dirty - before == object->ndirty && object->refs > 0;
}

/* Before the regions are looked at: what memory objects hold is counted here. */
static bool
check_objects(struct check *check)
{
    const struct vm_object *object;

    TAILQ_FOREACH (object, &check->system->all_objects, link) {
        check->charged += object->charged;
        if (object->base.npages != page_ceil(object->len) >> PAGE_SHIFT)
            return false;
        if (object->amap != NULL ? !check_memory(check, object) : !check_file(check, object))
            return false;
    }
    return check->dirty == check->system->stats.file_dirty &&
           check->dirty_objects == check->system->ndirty_objects &&
           check->cached == check->system->stats.file_cached &&
           check->shm_len == check->system->stats.shm_len &&
           check->shm_resident == check->system->stats.shm_resident &&
           check->shm_swapped == check->system->stats.shm_swapped;
}

/* A frame of a reservation is unused, or holds a page of an anon (C10). */
static bool
check_reserved(const struct mem *mem, const struct mem_page *page)
{
    return !mem_reservation_has(mem, page) || page->reserved || page->owner_kind == MEM_OWNER_ANON;
}

/* Only a page of an anon is part of a huge one (C11). */
static bool
check_huge(const struct mem_page *page)
{
    return !page->huge || page->owner_kind == MEM_OWNER_ANON;
}

/* The frame table tells the same story. */
static bool
check_frames(const struct check *check)
{
    const struct mem *mem = check->system->mem;
    const struct vm_stats *stats = &check->system->stats;
    uint64_t queued = 0, ahead = 0, wired = 0, stay = 0;

    for (uint64_t i = 0; i < mem->nframes; i++) {
        queued += mem->pages[i].queued;
        ahead += mem->pages[i].ahead;
        wired += mem->pages[i].queued ? mem->pages[i].wired : 0;
        stay += mem->pages[i].queued && mem->pages[i].wired > 0;
        if (!check_reserved(mem, &mem->pages[i]) || !check_huge(&mem->pages[i]))
            return false;
    }
    if (stats->ahead_read != stats->ahead_used + stats->ahead_wasted + ahead)
        return false;
    if (wired != check->wired || stay != stats->wired || check->locked != stats->locked)
        return false;
    return queued == check->in_ram && queued == check->system->stats.resident && mem_check(mem);
}

/* Each page is charged once, where its owner is, and known to the policy there or aside. */
static bool
check_groups(const struct check *check)
{
    const struct vm_system *system = check->system;
    uint64_t pages[VM_GROUPS_MAX] = {0}, aside[VM_GROUPS_MAX] = {0}, files[VM_GROUPS_MAX] = {0};
    uint64_t wired[VM_GROUPS_MAX] = {0};

    for (uint64_t i = 0; i < system->mem->nframes; i++) {
        const struct mem_page *page = &system->mem->pages[i];
        if (!page->queued)
            continue;
        unsigned id = vm_page_group(system, page)->id;
        pages[id]++;
        aside[id] += page->aside;
        files[id] += page->owner_kind == MEM_OWNER_OBJECT;
        wired[id] += page->wired > 0;
    }
    for (unsigned i = 0; i < system->ngroups; i++) {
        const struct vm_group *group = system->groups[i];
        if (pages[i] != vm_group_pages(group) || aside[i] != group->naside ||
            files[i] != group->files || wired[i] != group->wired ||
            !group->policy->ops->check(group->policy))
            return false;
    }
    return true;
}

static bool
check_group_locks(const struct vm_system *system)
{
    const struct vm_space *space;
    uint64_t locked[VM_GROUPS_MAX] = {0};

    TAILQ_FOREACH (space, &system->all_spaces, link)
        locked[space->space.group] += space->locked;
    for (unsigned i = 0; i < system->ngroups; i++)
        if (locked[i] != system->groups[i]->locked)
            return false;
    return true;
}

static bool
check_all(struct check *check)
{
    struct vm_system *system = check->system;
    struct vm_space *space;

    if (!check_objects(check))
        return false;
    TAILQ_FOREACH (space, &system->all_spaces, link) {
        if (!check_regions(check, space) || !system->pmap_ops->check(space->pmap))
            return false;
        check->roots += space->roots;
    }
    if (!check_refs(check) || !check_frames(check) || check->charged != system->stats.committed ||
        check->roots != system->commit.roots || !check_group_locks(system))
        return false;
    if (system->swap != NULL &&
        (check->slots != system->swap->stats.used || !system->swap->ops->check(system->swap)))
        return false;
    if (check->away != system->squeeze.away)
        return false;
    return check_groups(check) && !check->anons.failed && !check->amaps.failed;
}

bool
vm_check(struct vm_system *system)
{
    struct check check = {.system = system};

    base_lock_take(&system->lock);
    base_radix_init(&check.anons.seen, &system->nodes);
    base_radix_init(&check.amaps.seen, &system->nodes);
    bool ok = check_all(&check);
    base_radix_fini(&check.anons.seen);
    base_radix_fini(&check.amaps.seen);
    base_lock_drop(&system->lock);
    return ok;
}
