/* SPDX-License-Identifier: BSD-2-Clause */
/* One policy at one size: its frames, its page table, its counts. */
#ifndef REPLAY_INSTANCE_H
#define REPLAY_INSTANCE_H

#include "replay/batch.h"
#include "replay/opt.h"
#include "replay/translation.h"

struct replay_instance {
    /* Its own, so that each may be run by another thread; so are its lines of the host's cache. */
    _Alignas(64) struct base_alloc alloc;
    const struct policy_ops *ops; /* NULL: OPT */
    struct policy *policy;
    struct opt opt;
    struct policy_frames frames;
    uint64_t pages_room;             /* entries of frames.frame_of */
    uint64_t npages;                 /* of which so many are in use */
    enum pgw_status status;          /* other than PGW_OK: it stopped */
    struct translation *translation; /* NULL: none is modelled */
};

/* env says capacity, seed and parameters; the rest of it is set here.  PGW_NOMEM. */
MUST_CHECK enum pgw_status replay_instance_init(struct replay_instance *instance,
    const struct policy_ops *ops, const struct policy_env *env,
    const struct translation_config *translation);
/* Accepts one that is all zero. */
void replay_instance_fini(struct replay_instance *instance);
/* Replays a batch, or notes in status why not; from then on nothing is done. */
void replay_instance_run(struct replay_instance *instance, const struct replay_batch *batch);
/* What is in a frame, below its capacity: the page, whether it was written to, and its uses as the
 * policy counts them (0: it does not).  False: nothing. */
bool replay_instance_frame(const struct replay_instance *instance, uint32_t frame, uint32_t *page,
    bool *dirty, uint64_t *uses);
/* Bytes of the host's memory that it takes: what it has asked for, less what of the page table and
 * of the policy's ghosts was never touched. */
uint64_t replay_instance_bytes(const struct replay_instance *instance);

#endif
