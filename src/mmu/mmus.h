/* SPDX-License-Identifier: BSD-2-Clause */
/* How MMUs are made; what they do is mmu/mmu.h. */
#ifndef MMU_MMUS_H
#define MMU_MMUS_H

#include "base/alloc.h"
#include "mmu/format.h"
#include "mmu/mmu.h"

/* Geometry of the modelled TLBs: sets = entries / ways, a power of two.  L1 stands for one
 * instruction and one data TLB of this size each; L2 is unified.  entries 0: absent. */
struct mmu_tlb_spec {
    uint32_t l1_entries, l1_ways;
    uint32_t l2_entries, l2_ways;
};

/* Can such TLBs be built?  Without L1 there must be no L2. */
bool mmu_tlb_spec_valid(const struct mmu_tlb_spec *spec);

/* Reads "l1=64:4,l2=1536:12", the items in either order, l2 optional, or "none".  PGW_INVAL. */
MUST_CHECK enum pgw_status mmu_tlb_spec_parse(const char *text, struct mmu_tlb_spec *spec);

/* A walker for format over the tables in mem, with TLBs in front.  PGW_NOMEM, PGW_INVAL. */
MUST_CHECK enum pgw_status mmu_paged_create(const struct mmu_format *format, struct mem *mem,
    struct base_alloc *alloc, const struct mmu_tlb_spec *spec, struct mmu **mmu);

#endif
