/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fork: the child's regions point at the parent's amaps, both sides are marked needs_copy, and the
 * parent's writable mappings become read-only.  No page and no anon is touched: the cost is in
 * proportion to regions and page tables.  The child starts with no mappings and gets them by faults
 * (law P1).  Locks are not inherited; a region that was advised not to be is left out, or is empty.
 */
#include "vm/core.h"

/* One region of the parent, in the child. */
static enum pgw_status
fork_region(struct vm_space *child, struct vm_region *region)
{
    struct vm_region *copy = vm_region_new(child);
    bool wipe = (region->advice & 1u << SPACE_ADVICE_WIPEONFORK) != 0;
    enum pgw_status status = PGW_OK;

    if (copy == NULL)
        return PGW_NOMEM;
    if (region->charged && !region->shared)
        status = vm_commit_charge(child->system, vm_region_pages(region));
    if (status != PGW_OK) {
        base_pool_put(&child->system->regions, copy);
        return status;
    }
    if (region->amap != NULL && !wipe) {
        region->amap->refs++;
        region->needs_copy = !region->shared;
    }
    *copy = *region;
    copy->locked = false;
    copy->amap = wipe ? NULL : region->amap;
    copy->needs_copy = region->needs_copy && !wipe;
    copy->charged = region->charged && !region->shared;
    if (copy->object != NULL)
        vm_object_hold_locked(copy->object);
    vm_region_insert(child, copy);
    return PGW_OK;
}

/* What is mapped for writing in the parent must fault from now on. */
static void
fork_write_protect(struct vm_space *parent, const struct vm_region *region)
{
    uint64_t npages = (region->end - region->start) >> PAGE_SHIFT;

    if (region->needs_copy && (region->prot & PROT_MASK_W) != 0)
        parent->system->pmap_ops->protect(
            parent->pmap, region->start, npages, PROT_MASK_R | PROT_MASK_X);
}

static enum pgw_status
fork_locked(struct vm_space *parent, struct vm_space **child)
{
    struct vm_region *region;
    struct vm_space *new;
    enum pgw_status status = vm_space_create_locked(parent->system, &new);

    if (status != PGW_OK)
        return status;
    new->top = parent->top;
    new->space.group = parent->space.group;
    RB_FOREACH (region, vm_region_tree, &parent->regions) {
        if ((region->advice & 1u << SPACE_ADVICE_DONTFORK) != 0)
            continue;
        status = fork_region(new, region);
        if (status != PGW_OK)
            break;
        fork_write_protect(parent, region);
    }
    parent->system->pmap_ops->update(parent->pmap);
    if (status != PGW_OK)
        vm_space_destroy_locked(new); /* the parent's marks are harmless: it is alone again */
    else
        *child = new;
    return status;
}

enum pgw_status
vm_fork(struct space *space, struct space **child)
{
    struct vm_space *parent = vm_space_of(space);
    struct vm_space *new;

    base_lock_take(&parent->system->lock);
    enum pgw_status status = fork_locked(parent, &new);
    base_lock_drop(&parent->system->lock);
    if (status == PGW_OK)
        *child = &new->space;
    return status;
}
