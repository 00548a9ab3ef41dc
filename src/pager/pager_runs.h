/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pagers share whose slots are places on a device: pages to and from a host file, a host call
 * for every run of consecutive slots, and checksums by slot.
 */
#ifndef PAGER_RUNS_H
#define PAGER_RUNS_H

#include "host/host_file.h"
#include "pager/slotmap.h"
#include "vm/pager.h"

/* Slots at or past this one have no offset in a host file (offsets are below 2^63). */
#define PAGER_RUNS_SLOT_END ((uint64_t)INT64_MAX >> PAGE_SHIFT)

/* How many of io's slots from the i-th on are consecutive numbers, at least 1. */
unsigned pager_runs_length(const struct pager_io *io, unsigned i);

/* One host call: n pages of io from the i-th on, whose slots are consecutive. */
MUST_CHECK enum pgw_status pager_runs_read(
    struct pager *pager, struct host_file *file, struct pager_io *io, unsigned i, unsigned n);
MUST_CHECK enum pgw_status pager_runs_write(
    struct pager *pager, struct host_file *file, struct pager_io *io, unsigned i, unsigned n);

/*
 * Notes in the map what is put into the io's slots, and says of n pages from the i-th on whether
 * they are what was (PGW_CORRUPT: not all).  The slot's number is the seed of its sum, so that sums
 * of equal pages differ: one that is looked up in a wrong place shows too.
 */
void pager_runs_seal(const struct pager *pager, struct slotmap *map, const struct pager_io *io);
MUST_CHECK enum pgw_status pager_runs_verify(const struct pager *pager, const struct slotmap *map,
    const struct pager_io *io, unsigned i, unsigned n);

/* Counts a finished get or put in pager->stats, gives io its status and calls done. */
void pager_runs_finish_get(struct pager *pager, struct pager_io *io, enum pgw_status status);
void pager_runs_finish_put(struct pager *pager, struct pager_io *io, enum pgw_status status);

#endif
