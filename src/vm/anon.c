/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anons: one page of private memory each, in RAM, on swap, in both places, or in neither, which is
 * how a page that was touched but never written is kept: as zeros.
 *
 *                  attach                        reclaim, never written
 *     (nothing) ------------> in RAM -----------------------------------> (nothing)
 *                             |    ^ \
 *          reclaim: put slot  |    |  +-- reclaim, clean and slot valid --> on swap
 *                             v    | get: the slot stays until the page is dirtied
 *                            on swap
 */
#include "vm/core.h"

struct vm_anon *
vm_anon_create(struct vm_system *system)
{
    struct vm_anon *anon = base_pool_get(&system->anons);

    if (anon == NULL)
        return NULL;
    anon->refs = 1;
    anon->id = system->anon_ids++;
    anon->page = NULL;
    anon->slot = PAGER_SLOT_NONE;
    system->stats.anons++;
    return anon;
}

/* What memory objects hold is counted anon by anon: it leaves the count before a change of its page
 * or slot, and enters it afterwards. */
static void
anon_leave(struct vm_system *system, const struct vm_anon *anon)
{
    if (!anon->shm)
        return;
    system->stats.shm_resident -= anon->page != NULL;
    system->stats.shm_swapped -= anon->page == NULL && anon->slot != PAGER_SLOT_NONE;
}

static void
anon_enter(struct vm_system *system, const struct vm_anon *anon)
{
    struct vm_stats *stats = &system->stats;

    if (!anon->shm)
        return;
    stats->shm_resident += anon->page != NULL;
    stats->shm_swapped += anon->page == NULL && anon->slot != PAGER_SLOT_NONE;
    base_peak(&stats->shm_resident_peak, stats->shm_resident);
    base_peak(&stats->shm_swapped_peak, stats->shm_swapped);
}

void
vm_anon_release(struct vm_system *system, struct vm_anon *anon)
{
    BASE_ASSERT(anon->refs > 0);
    if (anon->refs > 1) {
        anon->refs--;
        system->stats.merge_sharing -= anon->merged != 0;
        return;
    }
    vm_merge_leave(system, anon);
    vm_squeeze_gone(system, anon->squeezed);
    vm_anon_forget_slot(system, anon);
    anon_leave(system, anon);
    if (anon->page != NULL)
        vm_page_free(system, anon->page);
    base_pool_put(&system->anons, anon);
    system->stats.anons--;
}

void
vm_anon_attach(struct vm_system *system, struct vm_anon *anon, struct mem_page *page)
{
    BASE_ASSERT(anon->page == NULL);
    anon_leave(system, anon);
    anon->page = page;
    anon_enter(system, anon);
    page->owner = anon;
    page->owner_kind = MEM_OWNER_ANON;
    vm_page_admit(system, page);
    vm_refault_check(system, page, anon->shadow);
    anon->shadow = 0;
    if (anon->squeezed)
        vm_squeeze_back(system);
    anon->squeezed = false;
}

void
vm_anon_detach(struct vm_system *system, struct vm_anon *anon)
{
    anon_leave(system, anon);
    anon->page = NULL;
    anon_enter(system, anon);
}

void
vm_anon_forget_slot(struct vm_system *system, struct vm_anon *anon)
{
    if (anon->slot == PAGER_SLOT_NONE)
        return;
    vm_io_forget(system, anon->slot);
    anon_leave(system, anon);
    anon->slot = PAGER_SLOT_NONE;
    anon_enter(system, anon);
}

void
vm_anon_spare_slot(struct vm_system *system, struct vm_anon *anon)
{
    uint64_t used, slots;

    if (anon->slot == PAGER_SLOT_NONE)
        return;
    vm_io_swap_room(system, &used, &slots);
    if (used <= slots / 2)
        return;
    vm_anon_forget_slot(system, anon);
    anon->page->dirty = 1;
}
