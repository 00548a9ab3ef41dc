/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmap/pv.h"

#include "base/assert.h"
#include "vm/pmap.h"

/* A page of a file has one mapping more, or less, beyond its first. */
static void
pv_shared_more(const struct mem_page *page, struct pmap_system *system)
{
    if (page->owner_kind != MEM_OWNER_OBJECT)
        return;
    if (++system->file_shared > system->file_shared_peak)
        system->file_shared_peak = system->file_shared;
}

static void
pv_shared_less(const struct mem_page *page, struct pmap_system *system)
{
    if (page->owner_kind == MEM_OWNER_OBJECT)
        system->file_shared--;
}

bool
pv_insert(
    struct base_pool *pool, struct mem_page *page, struct pmap *pmap, uint64_t va, unsigned low)
{
    struct mem_pv *pv = &page->pv;
    if (pv->pmap != NULL) {
        pv = base_pool_get(pool);
        if (pv == NULL)
            return false;
        pv->next = page->pv.next;
        page->pv.next = pv;
        pv_shared_more(page, pmap->system);
    } else {
        pmap->system->file_mapped += page->owner_kind == MEM_OWNER_OBJECT;
    }
    pv->pmap = pmap;
    pv->va = va | low;
    return true;
}

static bool
pv_is(const struct mem_pv *pv, const struct pmap *pmap, uint64_t va, unsigned order)
{
    return pv->pmap == pmap && (pv->va & ~(uint64_t)PV_WIRED) == (va | order);
}

struct mem_pv *
pv_find(struct mem_page *page, const struct pmap *pmap, uint64_t va, unsigned order)
{
    struct mem_pv *pv = pv_first(page);
    while (pv != NULL && !pv_is(pv, pmap, va, order))
        pv = pv->next;
    return pv;
}

void
pv_remove(struct base_pool *pool, struct mem_page *page, const struct pmap *pmap, uint64_t va,
    unsigned order)
{
    struct mem_pv *next = page->pv.next;
    if (pv_is(&page->pv, pmap, va, order)) {
        if (next == NULL) {
            pmap->system->file_mapped -= page->owner_kind == MEM_OWNER_OBJECT;
            page->pv = (struct mem_pv){0};
            return;
        }
        page->pv = *next; /* the second record moves into the page */
        base_pool_put(pool, next);
        pv_shared_less(page, pmap->system);
        return;
    }
    struct mem_pv **link = &page->pv.next;
    while (*link != NULL && !pv_is(*link, pmap, va, order))
        link = &(*link)->next;
    BASE_ASSERT(*link != NULL);
    struct mem_pv *gone = *link;
    *link = gone->next;
    base_pool_put(pool, gone);
    pv_shared_less(page, pmap->system);
}

bool
pv_check(const struct pmap *pmap, uint64_t records)
{
    const struct mem *mem = pmap->system->mem;
    uint64_t own = 0, shared = 0, mapped = 0;

    for (uint64_t i = 0; i < mem->nframes; i++) {
        struct mem_page *page = &mem->pages[i];
        uint64_t mappings = 0;
        for (const struct mem_pv *pv = pv_first(page); pv != NULL; pv = pv->next) {
            own += pv->pmap == pmap;
            mappings++;
        }
        mapped += mappings > 0 && page->owner_kind == MEM_OWNER_OBJECT;
        shared += mappings > 1 && page->owner_kind == MEM_OWNER_OBJECT ? mappings - 1 : 0;
    }
    return own == records && shared == pmap->system->file_shared &&
           mapped == pmap->system->file_mapped;
}
