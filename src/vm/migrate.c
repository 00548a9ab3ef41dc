/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving a page's content to another frame, so that the frame it has is free: for compaction, and
 * for making a huge page of pages that lie anywhere.
 *
 *     unmap everywhere --> copy --> the owner points at the new frame, the policy's node is
 * replaced
 *
 * Nothing here waits or allocates, so it cannot fail, and nobody sees a state in between: the
 * mappings come back by faults (law P1).  What is known of the page goes with it, its place in the
 * policy's order too: moving a page is no use of it.
 *
 * Pinned, and so never moved: what is wired or in I/O, page tables, whatever else has no owner that
 * could be told (the core's own frames).  Moving tables was rejected: each has one parent to
 * change, but processors' walk caches know them, and they are few (one frame in 512).
 */
#include <string.h>

#include "vm/core.h"
#include "vm/runs.h"

bool
vm_migrate_can(const struct mem_page *page)
{
    if (page->busy || page->wired > 0)
        return false;
    return page->owner_kind == MEM_OWNER_OBJECT || /* in the policy or in the cache (C8) */
           (page->owner_kind == MEM_OWNER_ANON && page->queued);
}

/* Makes the owner's pointer lead to the page's new place. */
static void
migrate_owner(const struct mem_page *from, struct mem_page *to)
{
    if (from->owner_kind == MEM_OWNER_ANON) {
        struct vm_anon *anon = from->owner;
        anon->page = to;
        return;
    }
    struct vm_object *object = from->owner;
    enum pgw_status status = base_radix_set(&object->pages, from->offset, to);
    BASE_ASSERT(status == PGW_OK); /* in place of what is there: that takes no memory */
}

void
vm_migrate_page(struct vm_system *system, struct mem_page *from, struct mem_page *to)
{
    BASE_ASSERT(vm_migrate_can(from) && to->owner_kind == MEM_OWNER_NONE && !to->queued);
    system->pmap_ops->page_protect(system->pmap_system, from, PROT_MASK_NONE);
    memcpy(mem_page_bytes(system->mem, to), mem_page_bytes(system->mem, from), PAGE_SIZE);
    to->owner = from->owner;
    to->owner_kind = from->owner_kind;
    to->offset = from->offset;
    to->dirty = from->dirty;
    to->referenced = from->referenced;
    to->modified = from->modified;
    to->ahead = from->ahead;
    to->active = from->active;
    vm_squeeze_moved(system, from, to);
    if (system->fresh == from)
        system->fresh = to;
    to->lazyfree = from->lazyfree;
    migrate_owner(from, to);
    if (from->queued)
        vm_group_moved(system, from, to);
    else
        vm_cache_moved(system, from, to);
    to->queued = from->queued;
    from->queued = 0;
    from->owner = NULL;
    from->owner_kind = MEM_OWNER_NONE;
    system->stats.migrated++;
}
