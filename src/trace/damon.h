/* SPDX-License-Identifier: BSD-2-Clause */
/* What the readers of DAMON's recordings share: targets, and regions that become references. */
#ifndef TRACE_DAMON_H
#define TRACE_DAMON_H

#include "trace/reader.h"

#define DAMON_TARGETS 1024u

struct damon {
    uint64_t target[DAMON_TARGETS]; /* by number of process, less 1 */
    uint32_t ntargets;
    /* The region that is being handed out, page by page. */
    uint64_t va, end;
    uint16_t count;
    uint32_t process;
};

/* trace->own, of size bytes, which start with struct damon; all that comes is runs.  PGW_NOMEM. */
MUST_CHECK enum pgw_status damon_open(struct pgw_trace *trace, size_t size);
/* What follows is of this target's process, numbered as they come; false: there are too many. */
bool damon_target(struct damon *damon, uint64_t target);
/* The region to hand out next; false: it ends before it begins. */
bool damon_region(struct damon *damon, uint64_t start, uint64_t end, uint64_t accesses);
/* Hands out what is left of it, as far as there is room for. */
void damon_pages(struct pgw_trace *trace, struct damon *damon, size_t *n);

#endif
