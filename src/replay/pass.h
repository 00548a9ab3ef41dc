/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over a trace for many policies and sizes.
 *
 *      references, events -> pages.c -> touches and marks, in batches -> crew.c -> instances
 *                                           \                        /
 *                                            '--> spool.c -----------'
 *
 * The way over the spool is taken where the whole trace must be known before the first reference
 * can be replayed: a size that is a share of the footprint, and OPT.  Then all instances go that
 * way.
 */
#ifndef REPLAY_PASS_H
#define REPLAY_PASS_H

#include "replay/crew.h"

struct pass;

/* How much RAM: frames, or if these are 0, so many thousandths of a percent of the footprint. */
struct pass_size {
    uint64_t frames, share;
};
#define PASS_SHARE_ALL 100000u
#define PASS_FRAMES_MAX ((uint64_t)1 << 30)

struct pass_config {
    uint64_t page_size;
    uint64_t seed;
    unsigned threads;      /* as crew_create() has them */
    uint64_t spool_memory; /* bytes */
    struct crew_watcher watcher;
    struct translation_config translation; /* page_size is 4096 then */
};

/* What is known after a pass, or when it was stopped: of what was replayed. */
struct pass_totals {
    struct replay_totals refs;
    uint64_t pages;     /* that ever were */
    uint64_t gone;      /* of these */
    uint64_t footprint; /* pages that were at once, at the most */
    uint64_t bytes;     /* of the host's memory for finding pages */
};

/* The part of a pass that is going on, for progress: done of all (0: not known). */
struct pass_progress {
    enum { PASS_READING, PASS_LOOKING_AHEAD, PASS_REPLAYING } part;
    uint64_t done, all; /* touches */
};

/* PGW_NOMEM; PGW_INVAL: the page size. */
MUST_CHECK enum pgw_status pass_create(const struct pass_config *config, struct pass **pass);
void pass_destroy(struct pass *pass);

/* Adds an instance; ops NULL: OPT; param as in struct policy_env.  Before the first reference. */
MUST_CHECK enum pgw_status pass_add(
    struct pass *pass, const struct policy_ops *ops, const uint64_t *param, struct pass_size size);

/* Who is to be told of each touch; before the first reference. */
void pass_watch(struct pass *pass, const struct crew_watcher *watcher);
/* Where a page is. */
void pass_place(const struct pass *pass, uint32_t page, uint32_t *process, uint64_t *va);

/* What the trace says, in order.  PGW_NOMEM, PGW_RANGE, PGW_IO, PGW_NOSWAP: the pass is over. */
MUST_CHECK enum pgw_status pass_refs(struct pass *pass, const struct pgw_ref *refs, size_t n);
MUST_CHECK enum pgw_status pass_event(struct pass *pass, const struct pgw_event *event);
/*
 * The trace is at its end.  going is asked now and then, where it still takes time, whether to go
 * on.  PGW_AGAIN: it said no; what instances have counted is of the references that totals tell.
 */
MUST_CHECK enum pgw_status pass_finish(
    struct pass *pass, bool (*going)(void *ctx, const struct pass_progress *progress), void *ctx);

uint32_t pass_instances(const struct pass *pass);
/* Valid after pass_finish(). */
const struct replay_instance *pass_instance(const struct pass *pass, uint32_t i);
void pass_get_totals(const struct pass *pass, struct pass_totals *totals);

#endif
