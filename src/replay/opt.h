/* SPDX-License-Identifier: BSD-2-Clause */
/* OPT: the page whose next use is furthest away goes, which takes knowledge of the future. */
#ifndef REPLAY_OPT_H
#define REPLAY_OPT_H

#include "replay/batch.h"

struct opt {
    uint64_t *heap; /* the latest next use on top: next use << 30 | page */
    uint64_t n, room;
    uint64_t now;
    uint32_t resident;
};

/* frames: of the policy at this size; its page table is kept as for any policy.  PGW_NOMEM. */
MUST_CHECK enum pgw_status opt_init(
    struct opt *opt, struct base_alloc *alloc, const struct policy_frames *frames);
void opt_fini(struct opt *opt, struct base_alloc *alloc);
void opt_run(struct opt *opt, struct policy_frames *frames, const struct replay_batch *batch);

/*
 * For a batch of a trace that is gone through from its end: next[i], and notes in last (by page: 1
 * and where it was used last, in the direction of the walk; 0: not yet) what the batches before
 * need.  False: a page rests for 2^32 - 1 touches or more, which next cannot say.
 */
bool opt_next_uses(const struct replay_batch *batch, uint64_t *last, uint32_t *next);

/* Traces may have this many touches and marks. */
#define OPT_TOUCHES_MAX (((uint64_t)1 << 34) - 2)

#endif
