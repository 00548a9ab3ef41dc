/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MIPS32: the hardware has a TLB and no tables, so the tables are the core's own choice: the radix
 * pmap's, in the format that suits the refill handler (mmu_mips32).  What reads them is
 * mmu/refill.c.
 */
#include "pmap/pmaps.h"

#include "pmap/pmap_radix.h"

static enum pgw_status
mips32_system_create(struct mem *mem, struct base_alloc *alloc,
    const struct pmap_shootdown *shootdown, struct pmap_system **system)
{
    return radix_system_create(&pmap_mips32, &mmu_mips32, mem, alloc, shootdown, system);
}

const struct pmap_ops pmap_mips32 = PMAP_RADIX_OPS("mips32", mips32_system_create);
