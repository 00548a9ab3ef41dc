/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs of frames: huge pages, compaction and what both move pages with.  Private to vm/. */
#ifndef VM_RUNS_H
#define VM_RUNS_H

#include "vm/core.h"

/* --- huge.c, all with the lock held --- */

/* PGW_NOMEM: no record of reservations. */
MUST_CHECK enum pgw_status vm_huge_init(struct vm_system *system, const struct vm_config *config);
void vm_huge_fini(struct vm_system *system);
/* The order of huge pages, or what stands for it where there are none. */
unsigned vm_huge_run_order(const struct vm_system *system);
/* A fault at va of an anonymous region found nothing there: gives the whole range around it pages
 * of zeros in one run, if it may have them and nothing is there yet; the anon at va.  NULL: not so.
 */
struct vm_anon *vm_huge_populate(struct vm_space *space, struct vm_region *region, uint64_t va);
/* A frame for a page that is about to come to va, in its place in a run that is reserved for the
 * range around it, or is now; with flags as for mem_alloc.  NULL: any frame will do. */
struct mem_page *vm_huge_frame(
    struct vm_space *space, const struct vm_region *region, uint64_t va, unsigned flags);
/* The order by which page, which va is about to be mapped to with rights prot, can be mapped:
 * above 0 if its neighbours are all there and may be mapped alike; they are marked as huge then. */
unsigned vm_huge_order(struct vm_space *space, struct vm_region *region, uint64_t va,
    struct mem_page *page, prot_t prot);
/* Makes huge pages of all aligned ranges in [va, end), whatever the mode, and reads in what is on
 * swap for it (the lock may be dropped).  PGW_NOTFOUND: a hole; PGW_INVAL: not for such memory;
 * PGW_AGAIN: shared or pinned pages; PGW_NORAM, PGW_NOMEM: the first thing that was in the way of
 * one; the others are made. */
MUST_CHECK enum pgw_status vm_huge_collapse(struct vm_space *space, uint64_t va, uint64_t end);
/* Fills in the figures that are not counted as they happen. */
void vm_huge_stats(const struct vm_system *system, struct vm_stats *stats);

/* --- compact.c, migrate.c --- */

/* Moves pages so that a run of this order is free, and allocates it; its bytes are anything.  NULL:
 * it cannot be done, or was not tried because it could not lately. */
struct mem_page *vm_compact_run(struct vm_system *system, unsigned order);
/* True if the page can be moved: pageable, and not wired or in I/O. */
bool vm_migrate_can(const struct mem_page *page);
/* Moves what from holds, which can be moved, to a fresh single page; from is then vacated and the
 * caller's to free. */
void vm_migrate_page(struct vm_system *system, struct mem_page *from, struct mem_page *to);

#endif
