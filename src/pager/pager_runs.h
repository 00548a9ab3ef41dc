/* SPDX-License-Identifier: BSD-2-Clause */
/* An io's pages to and from a host file: every run of consecutive slots is one host call. */
#ifndef PAGER_RUNS_H
#define PAGER_RUNS_H

#include "host/host_file.h"
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

/* Counts a finished get or put in pager->stats, gives io its status and calls done. */
void pager_runs_finish_get(struct pager *pager, struct pager_io *io, enum pgw_status status);
void pager_runs_finish_put(struct pager *pager, struct pager_io *io, enum pgw_status status);

#endif
