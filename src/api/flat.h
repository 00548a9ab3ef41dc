/* SPDX-License-Identifier: BSD-2-Clause */
/* The flat MMU: no tables and no TLB; it asks the reference pmap about every page. */
#ifndef API_FLAT_H
#define API_FLAT_H

#include "base/alloc.h"
#include "mmu/mmu.h"

/* PGW_NOMEM. */
MUST_CHECK enum pgw_status flat_create(struct mem *mem, struct base_alloc *alloc, struct mmu **mmu);

#endif
