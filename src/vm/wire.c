/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locked memory: pages that stay in RAM, as mlock(2) has it.
 *
 * A region is locked or not; a page is wired once for each place in a locked region where it was
 * found, by lock() if it was in RAM then, else by the fault that maps it.  What a space holds is
 * written down by virtual page (vm_space.wired), so that letting go needs no guess: not when the
 * page behind an address has become another (copy-on-write), nor when regions are cut, joined or
 * moved, nor when a mapping has vanished meanwhile (law P1).
 *
 * Who frees a page that is wired (a file was truncated, a shared page was replaced) tells
 * vm_lock_forget, which looks through the spaces that hold any: rare, and as slow as it likes.
 *
 * A wire count that is full is not raised: that place then holds nothing, and the 255 others do.
 *
 * Locked pages are taken from everybody.  So they may be no more than the frames that may be
 * promised (commit.c), over all spaces; and under "never" what is locked is promised, whatever it
 * is.  The spaces of a group may lock what its limit leaves beside the pages that an instruction
 * needs at once.  (What they share with another group is charged to the one of them that came
 * first, but locked by each.)
 *
 * Rejected: counting per owner which of its sharers are locked.  An anon does not know the regions
 * that reach it, and a page of a file even less.
 */
#include "vm/core.h"

#define LOCK_WIRES_MOST 255u /* what mem_page.wired can count */

/* Beside so many pages that are locked of so many that may be. */
static bool
lock_allows(uint64_t most, uint64_t locked, uint64_t npages)
{
    return npages == 0 || (locked <= most && npages <= most - locked);
}

enum pgw_status
vm_lock_charge(struct vm_space *space, uint64_t npages)
{
    struct vm_system *system = space->system;
    struct vm_group *group = system->groups[space->space.group];

    if (!lock_allows(vm_commit_frames(system), system->stats.locked, npages) ||
        !lock_allows(group->stats.limit - VM_GROUP_LEAST, group->locked, npages))
        return PGW_NORAM;
    system->stats.locked += npages;
    base_peak(&system->stats.locked_peak, system->stats.locked);
    group->locked += npages;
    space->locked += npages;
    return PGW_OK;
}

void
vm_lock_uncharge(struct vm_space *space, uint64_t npages)
{
    struct vm_group *group = space->system->groups[space->space.group];

    BASE_ASSERT(space->locked >= npages && space->system->stats.locked >= npages);
    BASE_ASSERT(group->locked >= npages);
    space->locked -= npages;
    group->locked -= npages;
    space->system->stats.locked -= npages;
}

void
vm_lock_follow(const struct vm_space *space, unsigned group)
{
    space->system->groups[space->space.group]->locked -= space->locked;
    space->system->groups[group]->locked += space->locked;
}

static void
lock_wire(struct vm_system *system, struct mem_page *page)
{
    if (page->wired++ > 0)
        return;
    system->stats.wired++;
    vm_page_group(system, page)->wired++;
    vm_page_recall(system, page); /* it is not for want of swap that it stays now */
}

static void
lock_unwire(struct vm_system *system, struct mem_page *page)
{
    if (--page->wired > 0)
        return;
    system->stats.wired--;
    vm_page_group(system, page)->wired--;
}

enum pgw_status
vm_lock_page(struct vm_space *space, uint64_t va, struct mem_page *page)
{
    uint64_t idx = va >> PAGE_SHIFT;
    struct mem_page *old = base_radix_get(&space->wired, idx);

    if (old == page || page->wired == LOCK_WIRES_MOST)
        return PGW_OK;
    enum pgw_status status = base_radix_set(&space->wired, idx, page);
    if (status != PGW_OK)
        return status;
    lock_wire(space->system, page);
    if (old != NULL)
        lock_unwire(space->system, old);
    return PGW_OK;
}

void
vm_unlock_range(struct vm_space *space, uint64_t va, uint64_t end)
{
    uint64_t idx = va >> PAGE_SHIFT;
    struct mem_page *page;

    for (; (page = base_radix_next(&space->wired, &idx)) != NULL && idx < end >> PAGE_SHIFT;
         idx++) {
        lock_unwire(space->system, page);
        (void)base_radix_remove(&space->wired, idx);
    }
}

void
vm_lock_end(struct vm_space *space, struct vm_region *region)
{
    vm_unlock_range(space, region->start, region->end);
    vm_lock_uncharge(space, vm_region_pages(region));
    region->locked = false;
}

void
vm_lock_forget(struct vm_system *system, struct mem_page *page)
{
    struct vm_space *space;
    const struct mem_page *held;

    TAILQ_FOREACH (space, &system->all_spaces, link) {
        for (uint64_t idx = 0; (held = base_radix_next(&space->wired, &idx)) != NULL; idx++) {
            if (held != page)
                continue;
            lock_unwire(system, page);
            (void)base_radix_remove(&space->wired, idx);
        }
    }
    BASE_ASSERT(page->wired == 0);
}

/* Pages in I/O are left alone: they may be on their way out, and whoever maps them wires them.  So
 * does whoever maps a page that only read(2) has seen: as long as nobody does, it may go. */
static enum pgw_status
lock_anons(struct vm_space *space, const struct vm_region *region, uint64_t from, uint64_t to)
{
    uint64_t idx = vm_region_idx(region, from), last = vm_region_idx(region, to - 1);
    enum pgw_status status = PGW_OK;
    const struct vm_anon *anon;

    for (; status == PGW_OK && (anon = base_radix_next(&region->amap->slots, &idx)) != NULL &&
           idx <= last;
         idx++)
        if (anon->page != NULL && !anon->page->busy)
            status = vm_lock_page(space, region->anchor + (idx << PAGE_SHIFT), anon->page);
    return status;
}

static enum pgw_status
lock_object(struct vm_space *space, const struct vm_region *region, uint64_t from, uint64_t to)
{
    uint64_t idx = (region->offset + (from - region->start)) >> PAGE_SHIFT;
    uint64_t end = (region->offset + (to - region->start)) >> PAGE_SHIFT;
    enum pgw_status status = PGW_OK;
    struct mem_page *page;

    for (; status == PGW_OK && (page = base_radix_next(&region->object->pages, &idx)) != NULL &&
           idx < end;
         idx++) {
        uint64_t va = region->start + (idx << PAGE_SHIFT) - region->offset;
        if (!page->busy && page->queued && vm_amap_lookup(region, va) == NULL)
            status = vm_lock_page(space, va, page);
    }
    return status;
}

enum pgw_status
vm_lock_range(struct vm_space *space, const struct vm_region *region, uint64_t from, uint64_t to)
{
    enum pgw_status status = PGW_OK;

    if (region->amap != NULL)
        status = lock_anons(space, region, from, to);
    if (status == PGW_OK && region->object != NULL)
        status = lock_object(space, region, from, to);
    return status;
}

/* Does a region cost promises when it is locked? */
static bool
lock_promises(const struct vm_space *space, const struct vm_region *region)
{
    return space->system->commit.mode == VM_OVERCOMMIT_NEVER && !region->charged;
}

/* Counts what is to be locked of [va, end), which has ends of its own, up to a hole. */
static enum pgw_status
lock_admit(struct vm_space *space, uint64_t va, uint64_t end)
{
    uint64_t npages = 0, promised = 0;
    const struct vm_region *region;

    for (; va < end && (region = vm_region_at(space, va)) != NULL; va = region->end) {
        npages += region->locked ? 0 : vm_region_pages(region);
        promised += lock_promises(space, region) ? vm_region_pages(region) : 0;
    }
    enum pgw_status status = vm_lock_charge(space, npages);
    if (status == PGW_OK && promised > 0) {
        status = vm_commit_charge(space->system, promised);
        if (status != PGW_OK)
            vm_lock_uncharge(space, npages);
    }
    return status;
}

/* What has been admitted is marked, and what is there of it is wired. */
static enum pgw_status
lock_regions(struct vm_space *space, uint64_t va, uint64_t end, bool on_fault)
{
    enum pgw_status status = PGW_OK;
    struct vm_region *region;

    for (; va < end && (region = vm_region_at(space, va)) != NULL; va = region->end) {
        region->charged = region->charged || lock_promises(space, region);
        region->locked = true;
        region->on_fault = on_fault;
        if (status == PGW_OK)
            status = vm_lock_range(space, region, region->start, region->end);
    }
    return status != PGW_OK ? status : va < end ? PGW_NOTFOUND : PGW_OK;
}

static enum pgw_status
unlock_regions(struct vm_space *space, uint64_t va, uint64_t end)
{
    struct vm_region *region;

    for (; va < end && (region = vm_region_at(space, va)) != NULL; va = region->end)
        if (region->locked)
            vm_lock_end(space, region);
    return va < end ? PGW_NOTFOUND : PGW_OK;
}

static enum pgw_status
lock_locked(struct vm_space *space, uint64_t va, uint64_t end, enum space_lock how)
{
    enum pgw_status status = vm_region_clip(space, va);

    if (status == PGW_OK)
        status = vm_region_clip(space, end);
    if (status == PGW_OK && how != SPACE_UNLOCK)
        status = lock_admit(space, va, end);
    if (status == PGW_OK)
        status = how == SPACE_UNLOCK ? unlock_regions(space, va, end)
                                     : lock_regions(space, va, end, how == SPACE_LOCK_ONFAULT);
    vm_region_join(space, va, end);
    return status;
}

enum pgw_status
vm_lock(struct space *space, uint64_t va, uint64_t len, enum space_lock how)
{
    struct vm_space *vm_space = vm_space_of(space);
    uint64_t end;
    enum pgw_status status = vm_map_range(vm_space->system, va, len, &end);

    if (status != PGW_OK)
        return status;
    base_lock_take(&vm_space->system->lock);
    status = lock_locked(vm_space, va, end, how);
    base_lock_drop(&vm_space->system->lock);
    return status;
}
