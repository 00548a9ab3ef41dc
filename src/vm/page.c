/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of RAM as the core and the policy see them. */
#include "vm/core.h"

#define KEY_OBJECT_SHIFT 40 /* an object's pages: its id above, the index below */
#define KEY_ANON ((uint64_t)1 << 63)

uint64_t
vm_page_key_of_anon(uint32_t id)
{
    return KEY_ANON | id;
}

uint64_t
vm_page_key_of_object(const struct vm_object *object, uint64_t idx)
{
    return object->id << KEY_OBJECT_SHIFT | idx;
}

uint64_t
vm_page_key(const struct mem_page *page)
{
    if (page->owner_kind == MEM_OWNER_ANON)
        return vm_page_key_of_anon(((const struct vm_anon *)page->owner)->id);
    return vm_page_key_of_object(page->owner, page->offset);
}

bool
vm_page_test_clear_referenced(struct vm_system *system, struct mem_page *page)
{
    bool was = system->pmap_ops->page_test_clear_referenced(system->pmap_system, page);

    was = vm_squeeze_was_used(system, page) || was;
    if (!was || system->fresh != page)
        return was;
    system->fresh = NULL;
    return false;
}

void
vm_page_admit(struct vm_system *system, struct mem_page *page)
{
    vm_squeeze_came(system, page);
    vm_group_admit(system, page);
    page->queued = 1;
    system->stats.resident++;
    system->stats.file_resident += page->owner_kind == MEM_OWNER_OBJECT;
    if (system->stats.resident > system->stats.resident_peak)
        system->stats.resident_peak = system->stats.resident;
}

void
vm_page_dequeued(struct vm_system *system, struct mem_page *page)
{
    page->queued = 0;
    page->active = 0;
    if (system->fresh == page)
        system->fresh = NULL;
    system->stats.ahead_wasted += page->ahead;
    page->ahead = 0;
    system->stats.resident--;
    system->stats.file_resident -= page->owner_kind == MEM_OWNER_OBJECT;
}

void
vm_page_recall(struct vm_system *system, struct mem_page *page)
{
    if (!page->aside)
        return;
    vm_group_leave(system, page, false);
    vm_group_admit(system, page);
}

void
vm_page_cold(struct vm_system *system, struct mem_page *page)
{
    if (!page->queued)
        return;
    vm_page_recall(system, page); /* it may be clean now, and worth another look */
    struct policy *policy = vm_page_group(system, page)->policy;
    (void)vm_page_test_clear_referenced(system, page);
    policy->ops->cold(policy, &page->node);
}

void
vm_page_free(struct vm_system *system, struct mem_page *page)
{
    BASE_ASSERT(!page->busy);
    system->pmap_ops->page_protect(system->pmap_system, page, PROT_MASK_NONE);
    if (page->queued) {
        vm_group_leave(system, page, false);
        vm_page_dequeued(system, page);
    }
    if (page->wired > 0)
        vm_lock_forget(system, page);
    page->owner = NULL;
    page->owner_kind = MEM_OWNER_NONE;
    mem_free(system->mem, page);
}
