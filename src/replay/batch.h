/* SPDX-License-Identifier: BSD-2-Clause */
/* What is replayed at a time: some touches, in order, and what goes with them. */
#ifndef REPLAY_BATCH_H
#define REPLAY_BATCH_H

#include "replay/pages.h"

/*
 * Touches at the most.  Whoever's turn it is finds the host's caches full of what the others looked
 * at: the table that pages are found in, and the frames of other sizes.  So turns are long: eight
 * sizes of LRU take a third less time with batches of 128 Ki than of 16 Ki, and a single one no
 * more, though its batch no longer stays in the second-level cache.  Rejected: one page table for
 * all sizes of a thread, a row a page and a column a size.  With the short turns that keep its rows
 * at hand it takes longer, because the frames are not; with long ones it gains nothing.
 */
#define REPLAY_BATCH 131072u

/*
 * A touch with count 0 is a mark: its page is gone or, where write is set, left the place that
 * where tells, which is of interest where translation is modelled, and not made elsewhere.  The
 * touches between marks are replayed by one call of a policy.
 */
struct replay_batch {
    const struct policy_touch *touch; /* at most REPLAY_BATCH of them: room, or somebody's memory */
    uint32_t n;                       /* marks included */
    uint32_t *mark;                   /* where the marks are; room for as many */
    uint32_t nmarks;
    const uint32_t *next; /* how many touches (and marks) further on the page's next use is; NULL
                             unless OPT is replayed.  REPLAY_NEVER: none */
    uint64_t at;          /* touches and marks before these */
    uint32_t npages;      /* page numbers are below it */
    struct replay_totals totals;      /* with these */
    const struct replay_where *where; /* of each touch; NULL: not kept */
    struct policy_touch *room;
    uint32_t *next_room;
    struct replay_where *where_room;
};

#define REPLAY_NEVER UINT32_MAX

static inline bool
replay_mark_is_left(const struct policy_touch *mark)
{
    return mark->write != 0;
}

#endif
