/* SPDX-License-Identifier: BSD-2-Clause */
/* The hashed pmap over ranges and by page, and telling the processors.  See pmap_hashed.c. */
#include "pmap/pmap_hashed.h"

void
hashed_change_add(struct hashed_change *change, uint64_t va, bool gone)
{
    if (change->start == change->end)
        *change = (struct hashed_change){.start = va, .end = va};
    if (va < change->start)
        change->start = va;
    if (va + PAGE_SIZE > change->end)
        change->end = va + PAGE_SIZE;
    change->gone |= gone;
}

void
hashed_shoot(const struct hashed *hashed, const struct hashed_change *change)
{
    if (change->start == change->end)
        return;
    const struct pmap_shootdown *shootdown = &hashed->base.system->shootdown;
    shootdown->range(shootdown->ctx, hashed->base.asid, change->start,
        (change->end - change->start) >> PAGE_SHIFT, change->gone);
}

/* Takes rights from entry idx, which maps va. */
static void
hashed_lower(struct hashed_system *system, uint32_t idx, prot_t prot, struct hashed_change *change)
{
    struct hashed_entry entry = hashed_load(system, idx);
    prot_t old = hashed_prot(entry.tag_word);
    prot_t now = old & prot;
    if (now == old)
        return;
    hashed_change_add(change, hashed_va(entry.tag_word), now == PROT_MASK_NONE);
    if (now == PROT_MASK_NONE) {
        hashed_drop(system, idx);
        return;
    }
    entry.tag_word = hashed_with_prot(entry.tag_word, now);
    hashed_store(system, idx, entry);
}

/* All of the space's mappings that lie in the range. */
static void
hashed_sweep_maps(
    struct hashed *hashed, uint64_t va, uint64_t npages, prot_t prot, struct hashed_change *change)
{
    struct hashed_system *system = hashed_system(hashed);
    struct hashed_map *map, *next;
    TAILQ_FOREACH_SAFE (map, &hashed->maps, link, next) {
        uint32_t idx = hashed_map_index(system, map);
        if ((hashed_va(hashed_load(system, idx).tag_word) - va) >> PAGE_SHIFT < npages)
            hashed_lower(system, idx, prot, change);
    }
}

/* All pages of the range that are mapped. */
static void
hashed_sweep_pages(
    struct hashed *hashed, uint64_t va, uint64_t npages, prot_t prot, struct hashed_change *change)
{
    for (uint64_t i = 0; i < npages; i++) {
        uint32_t idx = hashed_find(hashed, va + (i << PAGE_SHIFT));
        if (idx != HASHED_NONE)
            hashed_lower(hashed_system(hashed), idx, prot, change);
    }
}

void
hashed_protect(struct pmap *pmap, uint64_t va, uint64_t npages, prot_t prot)
{
    struct hashed *hashed = (struct hashed *)pmap;
    struct hashed_change change = {0};
    if (va >= HASHED_USER_END)
        return;
    if (npages > (HASHED_USER_END - va) >> PAGE_SHIFT)
        npages = (HASHED_USER_END - va) >> PAGE_SHIFT;
    if (npages > pmap->resident)
        hashed_sweep_maps(hashed, va, npages, prot, &change);
    else
        hashed_sweep_pages(hashed, va, npages, prot, &change);
    hashed_shoot(hashed, &change);
}

void
hashed_remove(struct pmap *pmap, uint64_t va, uint64_t npages)
{
    hashed_protect(pmap, va, npages, PROT_MASK_NONE);
}

void
hashed_page_protect(struct pmap_system *base, struct mem_page *page, prot_t prot)
{
    struct hashed_system *system = (struct hashed_system *)base;
    struct mem_pv *pv = pv_first(page);
    while (pv != NULL) {
        struct hashed *hashed = (struct hashed *)pv->pmap;
        struct hashed_change change = {0};
        hashed_lower(system, hashed_find(hashed, pv_va(pv)), prot, &change);
        hashed_shoot(hashed, &change);
        pv = change.gone ? pv_first(page) : pv->next; /* a record that goes moves the others */
    }
}

/* Clears the bit in all mappings of the page, which keeps it. */
static void
hashed_page_clear(struct mem_page *page, uint64_t bit)
{
    for (struct mem_pv *pv = pv_first(page); pv != NULL; pv = pv->next) {
        struct hashed *hashed = (struct hashed *)pv->pmap;
        const struct hashed_system *system = hashed_system(hashed);
        uint32_t idx = hashed_find(hashed, pv_va(pv));
        struct hashed_entry entry = hashed_load(system, idx);
        if ((entry.tag_word & bit) == 0)
            continue;
        hashed_harvest(system, idx);
        entry.tag_word &= ~bit;
        hashed_store(system, idx, entry);
        struct hashed_change change = {0};
        hashed_change_add(&change, pv_va(pv), false);
        hashed_shoot(hashed, &change);
    }
}

bool
hashed_page_test_clear_referenced(struct pmap_system *system, struct mem_page *page)
{
    (void)system;
    hashed_page_clear(page, HASHED_A);
    bool referenced = page->referenced;
    page->referenced = 0;
    return referenced;
}

void
hashed_page_clear_modified(struct pmap_system *system, struct mem_page *page)
{
    (void)system;
    hashed_page_clear(page, HASHED_D);
    page->modified = 0;
}

bool
hashed_page_is_modified(struct pmap_system *base, struct mem_page *page)
{
    const struct hashed_system *system = (const struct hashed_system *)base;
    bool modified = page->modified;
    for (struct mem_pv *pv = pv_first(page); pv != NULL && !modified; pv = pv->next) {
        uint32_t idx = hashed_find((struct hashed *)pv->pmap, pv_va(pv));
        modified = (hashed_load(system, idx).tag_word & HASHED_D) != 0;
    }
    return modified;
}
