/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix schemes: each is a row over one builder, and nothing but the name of its format. */
#include "pmap/pmaps.h"

#include "pmap/pmap_radix.h"

#define ROW(cname, row)                                                                            \
    static enum pgw_status cname##_system_create(struct mem *mem, struct base_alloc *alloc,        \
        const struct pmap_shootdown *shootdown, struct pmap_system **system)                       \
    {                                                                                              \
        return radix_system_create(&pmap_##cname, &mmu_##cname, mem, alloc, shootdown, system);    \
    }                                                                                              \
    const struct pmap_ops pmap_##cname = PMAP_RADIX_OPS(row, cname##_system_create);

MMU_RADIX_ROWS(ROW)
