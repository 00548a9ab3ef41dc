/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-walk caches: for each level of tables, which table a walk for an address gets to, so that it
 * can begin there.  Fully associative with true LRU, one cache a level.  What is remembered is what
 * the walk had gathered on its way: rights and global bits of the entries above.  (Intel SDM vol.
 * 3A 4.10.3, paging-structure caches.)
 */
#ifndef MMU_PWC_H
#define MMU_PWC_H

#include "base/alloc.h"
#include "mmu/mmu.h"

struct pwc;

struct pwc_entry {
    uint64_t pfn; /* of the table */
    prot_t prot;  /* let through by the entries above it */
    bool user, global;
};

/* entries[l]: places of the cache of tables of level l (1 to levels - 1); 0: none.  PGW_NOMEM. */
MUST_CHECK enum pgw_status pwc_create(const struct mmu_format *format,
    const uint32_t entries[MMU_LEVELS_MAX], struct base_alloc *alloc, struct pwc **pwc);
void pwc_destroy(struct pwc *pwc);

/* The deepest level whose table for va is known, and the entry; 0: none is.  touch: makes it the
 * most recent of its cache. */
unsigned pwc_find(struct pwc *pwc, uint64_t va, uint32_t asid, bool touch, struct pwc_entry *entry);
/* Remembers the table of this level for va in place of the least recently used one. */
void pwc_fill(
    struct pwc *pwc, unsigned level, uint64_t va, uint32_t asid, const struct pwc_entry *entry);

/* Drop all tables that map any part of the range (global ones of every space too), or those of the
 * space (global ones stay), or all but global ones of every space; they return how many. */
uint64_t pwc_drop_range(struct pwc *pwc, uint32_t asid, uint64_t va, uint64_t npages);
uint64_t pwc_drop_space(struct pwc *pwc, uint32_t asid);
uint64_t pwc_drop_all(struct pwc *pwc);

/* The i-th place, for people; false: there are fewer. */
bool pwc_view(const struct pwc *pwc, size_t i, struct mmu_tlb_view *view);

#endif
