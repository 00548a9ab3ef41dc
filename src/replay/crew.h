/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances divided over threads: whoever has touches fills batches, and every thread replays each
 * batch, in order, for the instances that are its own.  So what an instance sees does not depend on
 * how many threads there are.
 *
 *      filled by the caller            done by thread 0   by thread 1
 *          7                                5                 4          batch i is in ring[i %
 * RING]; it is free when all are past it
 */
#ifndef REPLAY_CREW_H
#define REPLAY_CREW_H

#include "host/host_thread.h"
#include "replay/instance.h"

#define CREW_RING 4u
#define CREW_THREADS_MAX 64u

struct crew;

/* Who watches a replay is told of each touch, and of each page that is gone (a touch with count 0),
 * when all instances are past it. */
struct crew_watcher {
    void (*told)(void *ctx, const struct policy_touch *touch); /* NULL: nobody */
    void *ctx;
};

/* threads: 0: as many as the host has processors; 1, or with a watcher: none but the caller's.
 * PGW_NOMEM. */
MUST_CHECK enum pgw_status crew_create(struct base_alloc *alloc, struct replay_instance *instances,
    uint32_t ninstances, unsigned threads, const struct crew_watcher *watcher, struct crew **crew);
/* Waits for what was submitted. */
void crew_destroy(struct crew *crew);

/* An empty batch to fill; the same one until it is submitted. */
struct replay_batch *crew_batch(struct crew *crew);
/* Hands it over. */
void crew_submit(struct crew *crew);
/* Until all that was submitted is done. */
void crew_drain(struct crew *crew);

#endif
