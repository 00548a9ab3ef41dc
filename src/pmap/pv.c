/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmap/pv.h"

#include "base/assert.h"

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
            page->pv = (struct mem_pv){0};
            return;
        }
        page->pv = *next; /* the second record moves into the page */
        base_pool_put(pool, next);
        return;
    }
    struct mem_pv **link = &page->pv.next;
    while (*link != NULL && !pv_is(*link, pmap, va, order))
        link = &(*link)->next;
    BASE_ASSERT(*link != NULL);
    struct mem_pv *gone = *link;
    *link = gone->next;
    base_pool_put(pool, gone);
}
