/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refault distance: was a page that comes back evicted too early?
 *
 * After Johannes Weiner's theory (Linux, mm/workset.c: "Workingset detection").  A group counts its
 * evictions.  An evicted page leaves the count behind, as a shadow: in its anon, or with its
 * object. When the page comes back, the count has grown by its refault distance: so many more
 * frames would have kept it in RAM until this access.  If that is no more than the frames the group
 * has in all, a better choice of victims would have kept it: it belongs to the working set.  Such a
 * page is active: a wait for it is pressure (pressure.c), where a wait for a page that was never
 * here is just a start.  The policy is not told: those that want to know have ghosts of their own,
 * by which they judge better, and every policy evicts here what it evicts in replay.
 *
 * Shadows of objects are kept apart from their pages, so that who walks pages need not know of
 * them.  There are at most as many as frames: one that is older says nothing that would make a
 * page active.  When there would be more, the object at hand drops all of its own.
 */
#include "vm/core.h"

/* A shadow as a radix entry: never NULL. */
static void *
refault_entry(uint32_t shadow, bool squeezed)
{
    return (void *)((uintptr_t)shadow << 2 | (uintptr_t)squeezed << 1 | 1);
}

static bool
refault_is_squeezed(const void *entry)
{
    return ((uintptr_t)entry >> 1 & 1) != 0;
}

uint64_t
vm_refault_squeezed(const struct vm_object *object)
{
    uint64_t n = 0;
    const void *entry;

    if (object->system->squeeze.away == 0)
        return 0;
    for (uint64_t idx = 0; (entry = base_radix_next(&object->shadows, &idx)) != NULL; idx++)
        n += refault_is_squeezed(entry);
    return n;
}

void
vm_refault_fini(struct vm_object *object)
{
    vm_squeeze_gone(object->system, vm_refault_squeezed(object));
    object->system->nshadows -= object->shadows.count;
    base_radix_fini(&object->shadows);
    base_radix_init(&object->shadows, &object->system->nodes);
}

/* No memory for it: then it is not remembered. */
static void
refault_note_object(struct vm_object *object, uint64_t idx, uint32_t shadow, bool squeezed)
{
    struct vm_system *system = object->system;

    if (system->nshadows >= system->mem->nframes)
        vm_refault_fini(object);
    if (refault_is_squeezed(base_radix_get(&object->shadows, idx))) /* read(2) brought it back */
        vm_squeeze_gone(system, 1);
    uint64_t before = object->shadows.count;
    if (system->nshadows < system->mem->nframes &&
        base_radix_set(&object->shadows, idx, refault_entry(shadow, squeezed)) == PGW_OK)
        system->nshadows += object->shadows.count - before;
    else
        vm_squeeze_gone(system, squeezed);
}

void
vm_refault_note(struct vm_system *system, const struct mem_page *page)
{
    struct vm_group *group = vm_page_group(system, page);

    group->stats.evicted++;
    if (++group->clock == 0)
        group->clock = 1; /* 0 is no shadow */
    bool squeezed = vm_squeeze_goes(system, page);
    if (page->owner_kind != MEM_OWNER_ANON) {
        refault_note_object(page->owner, page->offset, group->clock, squeezed);
        return;
    }
    struct vm_anon *anon = page->owner;
    anon->shadow = group->clock;
    anon->squeezed = squeezed;
}

uint32_t
vm_refault_take(struct vm_object *object, uint64_t idx)
{
    void *entry = base_radix_remove(&object->shadows, idx);

    if (entry == NULL)
        return 0;
    object->system->nshadows--;
    if (refault_is_squeezed(entry))
        vm_squeeze_back(object->system);
    return (uint32_t)((uintptr_t)entry >> 2);
}

void
vm_refault_check(struct vm_system *system, struct mem_page *page, uint32_t shadow)
{
    struct vm_group *group = vm_page_group(system, page);

    if (shadow == 0)
        return;
    bool file = page->owner_kind == MEM_OWNER_OBJECT;
    system->stats.refaults++;
    system->stats.refaults_file += file;
    group->stats.refaults++;
    if (group->clock - shadow > vm_group_pages(group))
        return;
    page->active = 1;
    system->stats.activated++;
    system->stats.activated_file += file;
    group->stats.activated++;
}
