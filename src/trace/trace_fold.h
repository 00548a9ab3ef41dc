/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Folding runs of references to one page, with none to another in between, to one (--pages).  What
 * work by pages needs of a run is kept: how it began, how many references there were, how many of
 * them wrote and fetched.  A reference that lies in two pages is a reference to each.
 *
 * After a fork the first write to a shared page finds another page there than the reads before it
 * did.  So once there was a fork, a write does not join a run that has none.
 */
#ifndef TRACE_TRACE_FOLD_H
#define TRACE_TRACE_FOLD_H

#include <stdbool.h>

#include <pagewright/trace.h>

struct trace_fold {
    bool forked;        /* there was a fork; set by the caller */
    struct pgw_ref run; /* count 0: none yet */
};

/* A reference by itself as a run: its counts follow from its kind. */
void trace_fold_single(struct pgw_ref *ref);

/*
 * Takes a reference.  What cannot grow any more comes out through out, which has room for
 * TRACE_FOLD_OUT; the number of them is returned.  flush() gives the last.
 */
#define TRACE_FOLD_OUT 2u
unsigned trace_fold_add(struct trace_fold *fold, const struct pgw_ref *ref, struct pgw_ref *out);
unsigned trace_fold_flush(struct trace_fold *fold, struct pgw_ref *out);

#endif
