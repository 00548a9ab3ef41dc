/* SPDX-License-Identifier: BSD-2-Clause */
/* The pmap back ends; the contract is vm/pmap.h. */
#ifndef PMAP_PMAPS_H
#define PMAP_PMAPS_H

#include "mmu/format.h"
#include "vm/pmap.h"

extern const struct pmap_ops pmap_ref; /* a hash table: the oracle */

/* Radix tables in simulated RAM: pmap_CNAME writes what mmu_CNAME describes. */
#define PMAP_DECLARE_ROW(cname, name) extern const struct pmap_ops pmap_##cname;
MMU_RADIX_ROWS(PMAP_DECLARE_ROW)
#undef PMAP_DECLARE_ROW
extern const struct pmap_ops pmap_mips32; /* radix tables too, read by the core's refill handler */
extern const struct pmap_ops pmap_hashed; /* one inverted table for all spaces */

/*
 * For the flat machine over pmap_ref, which has no tables that a walker could read: the page and
 * rights at va, with referenced (and, for a write, modified) set as a walker would.
 * PGW_NOTFOUND: no mapping; PGW_ACCESS: not with this access.  *usable: what may be done without
 * a further call (write only once modified is set).
 */
MUST_CHECK enum pgw_status pmap_ref_access(
    struct pmap *pmap, uint64_t va, enum access access, struct mem_page **page, prot_t *usable);

/* The ref pmap whose context has this root value (it is the "register" of the flat machine). */
struct pmap *pmap_ref_of_root(uint64_t root);

#endif
