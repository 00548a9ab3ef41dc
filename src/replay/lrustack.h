/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The LRU stack: how deep each page lies when it is used again.
 *
 * R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, "Evaluation techniques for storage
 * hierarchies", IBM Systems Journal 9(2), 1970: memory of s frames under LRU holds the top s places
 * of one stack, so a use at distance d (1: the top) hits in every memory of d frames and more, and
 * one pass gives the misses of all sizes.
 *
 * A page that is gone (unmapped, left by exit) frees its frame in each memory that held it, and
 * the next miss there evicts nothing.  In the stack its place becomes a hole.  A use at distance d,
 * or a first use (d infinite), takes the topmost hole above d: the pages above the hole move down
 * by one, into it, those below stay, and place d is a hole in turn, because memories of d frames
 * and more hit and still have their free frame.  Without a hole above, all pages above d move down.
 * So the stack is never deeper than the most pages that there were at a time.
 */
#ifndef REPLAY_LRUSTACK_H
#define REPLAY_LRUSTACK_H

#include "base/alloc.h"
#include "base/result.h"
#include "vm/policy.h"

struct lrustack;

#define LRUSTACK_FIRST 0u /* the distance of a first use */

MUST_CHECK enum pgw_status lrustack_create(struct base_alloc *alloc, struct lrustack **stack);
void lrustack_destroy(struct lrustack *stack);

/* The distance of each of n touches' first reference, in order; its others have 1.  Pages are below
 * `pages`, which is less than 2^30.  PGW_NOMEM: nothing was done. */
MUST_CHECK enum pgw_status lrustack_use(struct lrustack *stack, const struct policy_touch *touch,
    size_t n, uint32_t pages, uint32_t *distance);

/* Where page lies now; LRUSTACK_FIRST: it is not in the stack. */
uint32_t lrustack_depth(struct lrustack *stack, uint32_t page);

/* The page is gone, and its place is a hole.  Nothing is done for one that is not there. PGW_NOMEM:
 * it is still there. */
MUST_CHECK enum pgw_status lrustack_forget(struct lrustack *stack, uint32_t page);
/* The page was never meant to be there (sampling has become stricter): the stack closes up. */
void lrustack_drop(struct lrustack *stack, uint32_t page);

/* Pages and holes. */
uint32_t lrustack_height(const struct lrustack *stack);
/* Bytes held. */
uint64_t lrustack_bytes(const struct lrustack *stack);

/* Is each count what it counts?  For tests. */
bool lrustack_check(const struct lrustack *stack);

#endif
