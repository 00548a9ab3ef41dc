/* SPDX-License-Identifier: BSD-2-Clause */
/* How each pager is made; the contract is vm/pager.h. */
#ifndef PAGER_PAGERS_H
#define PAGER_PAGERS_H

#include "host/host_file.h"
#include "vm/pager.h"

/*
 * Swap on a file: nslots pages, a slot map, a checksum a slot in use, runs of slots for runs of
 * pages.  Takes file over (closes it on destroy; on failure it is still the caller's).
 * Records grow with the slots used, not with the size of the device.  PGW_NOMEM, PGW_INVAL.
 */
MUST_CHECK enum pgw_status pager_swap_create(struct mem *mem, struct base_alloc *alloc,
    struct host_file file, uint64_t nslots, struct pager **pager);

/* A file, read-only: slot = page index; past its end reads as zeros.  Takes file over. */
MUST_CHECK enum pgw_status pager_file_create(
    struct mem *mem, struct base_alloc *alloc, struct host_file file, struct pager **pager);

#endif
