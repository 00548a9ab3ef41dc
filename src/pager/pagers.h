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

/* A file, read-only at first: slot = page index; past its end reads as zeros.  Takes file over. */
MUST_CHECK enum pgw_status pager_file_create(
    struct mem *mem, struct base_alloc *alloc, struct host_file file, struct pager **pager);
/* From now on pages are read from, and may be written to, the same file by way of this descriptor,
 * which it takes over.  A put writes to the slots that the caller gives, and never past the file's
 * end.  pager was made by pager_file_create, and has nothing in flight. */
void pager_file_write_by(struct pager *pager, struct host_file file);

#endif
