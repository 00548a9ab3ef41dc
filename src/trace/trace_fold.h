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

/*
 * Runs come to lie one behind the other where the caller wants them; the last may still grow.  So a
 * run is never copied: what was written in parts and is read as a whole soon after is slow.
 */
struct trace_fold {
    bool forked;         /* there was a fork; set by the caller */
    struct pgw_ref *run; /* the last one; count 0: none yet */
};

/* A reference by itself as a run: its counts follow from its kind. */
void trace_fold_single(struct pgw_ref *ref);

/* Takes a reference.  There must be room for TRACE_FOLD_OUT more runs. */
#define TRACE_FOLD_OUT 2u
void trace_fold_add(struct trace_fold *fold, const struct pgw_ref *ref);

/* n references of a kind, all of them to this page and none to another: as so many
 * trace_fold_add(). n is at most UINT16_MAX. */
static inline void
trace_fold_same(struct trace_fold *fold, uint64_t page, uint32_t process, uint8_t kind, unsigned n)
{
    struct pgw_ref *run = fold->run;
    bool writes = (kind & PGW_REF_WRITE) != 0, fetches = kind == PGW_REF_FETCH;

    if (run->va == page && run->process == process && run->count > 0 &&
        !(fold->forked && run->writes == 0 && writes)) {
        unsigned joins = (unsigned)UINT16_MAX - run->count;
        joins = n < joins ? n : joins;
        run->count = (uint16_t)(run->count + joins);
        run->writes = (uint16_t)(run->writes + (writes ? joins : 0));
        run->fetches = (uint16_t)(run->fetches + (fetches ? joins : 0));
        n -= joins;
        if (n == 0)
            return;
    }
    run += run->count > 0;
    fold->run = run;
    *run = (struct pgw_ref){.va = page,
        .process = process,
        .kind = kind,
        .count = (uint16_t)n,
        .writes = (uint16_t)(writes ? n : 0),
        .fetches = (uint16_t)(fetches ? n : 0)};
}

#endif
