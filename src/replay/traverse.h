/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes a trace through pages.c to whoever measures something. */
#ifndef REPLAY_TRAVERSE_H
#define REPLAY_TRAVERSE_H

#include "replay/pages.h"

#define TRAVERSE_SINKS_MAX 8u

/* One who is told of touches and of pages that are gone, in order; pages are below `pages`.  Its
 * first failure ends the traversal. */
struct traverse_sink {
    void *ctx;
    enum pgw_status (*use)(void *ctx, const struct policy_touch *touch, size_t n, uint32_t pages);
    enum pgw_status (*gone)(void *ctx, uint32_t page);
};

struct traverse {
    struct pgw_trace *trace;
    struct replay_pages *pages;
    struct traverse_sink sink[TRAVERSE_SINKS_MAX];
    unsigned nsinks;
    /* Asked now and then: go on?  May be NULL. */
    bool (*progress)(void *ctx, const struct pgw_trace_info *info, uint64_t references);
    void *ctx;
    uint64_t gone; /* pages, so far */
    uint64_t most; /* pages that there were at a time, at the most */
};

/* To the end of the trace.  PGW_AGAIN: progress said no.  As pgw_trace_next(), and as the sinks. */
MUST_CHECK enum pgw_status traverse_run(struct traverse *traverse, struct base_alloc *alloc);

#endif
