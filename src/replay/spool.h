/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Touches that are kept for a second pass, because a size is a share of the footprint or a policy
 * wants to know the future: in memory up to a limit, beyond it in a temporary file.
 */
#ifndef REPLAY_SPOOL_H
#define REPLAY_SPOOL_H

#include "replay/batch.h"

struct spool;

/* limit: bytes that may be kept in memory; 8 bytes a touch (12 where OPT asks).  PGW_NOMEM. */
MUST_CHECK enum pgw_status spool_create(
    struct base_alloc *alloc, uint64_t limit, struct spool **spool);
void spool_destroy(struct spool *spool);
/* Keeps a batch.  PGW_NOMEM, PGW_IO, PGW_NOSWAP: the disk is full. */
MUST_CHECK enum pgw_status spool_put(struct spool *spool, const struct replay_batch *batch);
uint64_t spool_batches(const struct spool *spool);
/* Fills batch with the i-th; with its next uses, if they were found. */
MUST_CHECK enum pgw_status spool_get(struct spool *spool, uint64_t i, struct replay_batch *batch);
/* One step of finding the next uses of batch i, to be called from the last batch to the first.
 * PGW_RANGE: a page rests for too long (opt.h). */
MUST_CHECK enum pgw_status spool_look_ahead(struct spool *spool, uint64_t i);

#endif
