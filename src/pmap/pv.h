/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reverse mappings: from a page to the places that map it.  The first record of a page is
 * embedded in its mem_page, so that a page mapped once costs nothing; further ones are chained
 * to it and come from a pool.  A mapping of a run of pages has one record, at the run's head.
 *
 * mem_pv.va holds the address and, in the bits below a page, what the pmap needs to know:
 * bits 0-4 the order of the mapping, bit 5 that it is wired.
 */
#ifndef PMAP_PV_H
#define PMAP_PV_H

#include "base/pool.h"
#include "mem/mem.h"

#define PV_ORDER_MASK 31u
#define PV_WIRED 32u

static inline uint64_t
pv_va(const struct mem_pv *pv)
{
    return page_floor(pv->va);
}

static inline unsigned
pv_order(const struct mem_pv *pv)
{
    return (unsigned)pv->va & PV_ORDER_MASK;
}

/* The first record of page, NULL when it is not mapped; then follow next. */
static inline struct mem_pv *
pv_first(struct mem_page *page)
{
    return page->pv.pmap != NULL ? &page->pv : NULL;
}

/* Records that pmap maps page at va; low: order and PV_WIRED.  False when there is no memory. */
MUST_CHECK bool pv_insert(
    struct base_pool *pool, struct mem_page *page, struct pmap *pmap, uint64_t va, unsigned low);

/* The record of that mapping, NULL when there is none. */
struct mem_pv *pv_find(struct mem_page *page, const struct pmap *pmap, uint64_t va, unsigned order);

/* Takes the record out; it must be there.  Any pointer to a record of page is stale after it. */
void pv_remove(struct base_pool *pool, struct mem_page *page, const struct pmap *pmap, uint64_t va,
    unsigned order);

/* Does pmap have so many records in all, and is what its system counts as shared true?  Slow. */
bool pv_check(const struct pmap *pmap, uint64_t records);

#endif
