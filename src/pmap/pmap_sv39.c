/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V Sv39: a row of the radix pmap. */
#include "pmap/pmaps.h"

#include "pmap/pmap_radix.h"

static enum pgw_status
sv39_system_create(struct mem *mem, struct base_alloc *alloc,
    const struct pmap_shootdown *shootdown, struct pmap_system **system)
{
    return radix_system_create(&pmap_sv39, &mmu_sv39, mem, alloc, shootdown, system);
}

const struct pmap_ops pmap_sv39 = PMAP_RADIX_OPS("sv39", sv39_system_create);
