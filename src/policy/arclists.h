/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ARC and CAR have in common: two lists of pages, two of ghosts, and p, which says how many of
 * the frames the first list should have.  How pages move in the lists is each policy's own.
 *
 *         ghosts               pages
 *      .---- B1 ----. .-------- T1 --------.
 *      |            | |                    |     used once lately
 *      '------------' '--------------------'
 *                                p: as many as T1 should have
 *      .---- B2 ----. .-------- T2 --------.
 *      |            | |                    |     used more often
 *      '------------' '--------------------'
 *
 *      wanted, and found in B1: T1 should have been larger, p grows;   it goes to T2
 *      wanted, and found in B2: T2 should have been larger, p shrinks; it goes to T2
 *      wanted, and in neither:                                         it goes to T1
 *
 * p is a real number, as in the papers; many programs round its steps to whole numbers.
 *
 * B1 and B2 are shortened when a page comes in, so that a page may be evicted before it is known
 * what for.  CAR does it then, too; ARC does it first, but an eviction only moves a page from T1 to
 * B1 or from T2 to B2, which changes none of the lengths that the paper asks for, and what goes is
 * the oldest ghost of the same list.
 *
 * cold: pages that are not wanted any more wait in a queue that goes first, and leave no ghost.
 *
 * Invariants, with c frames: |T1| + |B1| <= c and |T1| + |T2| + |B1| + |B2| <= 2c after each
 * admit, as far as ghosts can see to it; |B1| + |B2| <= c + 1; 0 <= p <= c.
 */
#ifndef POLICY_ARCLISTS_H
#define POLICY_ARCLISTS_H

#include "policy/ghost.h"
#include "policy/policies.h"
#include "policy/queue.h"

enum { ARC_RECENT, ARC_FREQUENT, ARC_COLD, ARC_QUEUES };
#define ARC_QUEUE ((uint64_t)3) /* of a node's bits: its queue; the rest is the policy's */

struct arc_lists {
    struct policy policy;
    struct policy_queue t[ARC_QUEUES]; /* the first is the next to be looked at; t[0] is T1 */
    struct ghost_order b[2];           /* b[0] is B1 */
    struct ghost_table ghosts;         /* whose tag says in which order they are */
    double p;
};

/* len bytes of zeros that start with the lists.  PGW_NOMEM: nothing is held. */
enum pgw_status arc_lists_create(
    const struct policy_ops *ops, const struct policy_env *env, size_t len, struct policy **policy);
void arc_lists_fini(struct arc_lists *lists);

/* A ghost of b[which] is wanted: that list's pages should have had more room. */
void arc_lists_adapt(struct arc_lists *lists, unsigned which);
/* The page comes in, to T2 if it has a ghost, which goes, else to T1. */
void arc_lists_admit(struct arc_lists *lists, struct base_node *node, uint64_t key);

/* Slots of policy_ops. */
void arc_lists_forget(struct policy *policy, struct base_node *node);
void arc_lists_cold(struct policy *policy, struct base_node *node);
void arc_lists_evicted(struct policy *policy, struct base_node *node, uint64_t key);
void arc_lists_moved(struct policy *policy, struct base_node *from, struct base_node *to);
bool arc_lists_check(struct policy *policy);

/* From the queue that it is in to the end of another, or of the same. */
static inline void
arc_lists_shift(struct arc_lists *lists, struct base_node *node, unsigned queue)
{
    policy_queue_remove(&lists->t[node->bits & ARC_QUEUE], node);
    node->bits = queue;
    policy_queue_append(&lists->t[queue], node);
}

#endif
