/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/arclists.h"
#include "policy/drive.h"

/*
 * ARC, adaptive replacement: recency and frequency share the frames, and what comes back too soon
 * says which of them wants more.
 *
 * N. Megiddo, D. S. Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure
 * 4.
 *
 *      new --> T1, LRU --- its oldest ---> B1, ghosts --- wanted: p grows ----.
 *                 |                                                           |
 *                 | used again                                                |
 *                 v                                                           v
 *              T2, LRU --- its oldest ---> B2, ghosts --- wanted: p shrinks --> T2
 *                 ^  |
 *                 '--' used again
 *
 * The lists, p and their invariants are in policy/arclists.h.
 *
 * The paper's REPLACE takes T1's oldest when T1 is longer than p, or just p and the page wanted is
 * in B2; else T2's.  Here it does so also when T2 is empty, which in the paper, where memory is
 * always full by then, cannot be.
 *
 * Costs: a hit is a move to the end of T2; a miss is one look-up of a ghost, and a second, warm,
 * one; victim is O(1) (in the core, amortised over the uses that it finds); 12 bytes a ghost
 * in replay, 28 in the core.
 */

struct arc {
    struct arc_lists lists; /* the least recently used first */
    bool told;              /* of a miss, of the page with this key */
    bool from_b[2];         /* where its ghost is */
    uint64_t key;
};

static struct arc *
arc_of(struct policy *policy)
{
    return (struct arc *)policy;
}

static enum pgw_status
arc_create(const struct policy_env *env, struct policy **policy)
{
    return arc_lists_create(&policy_arc, env, sizeof(struct arc), policy);
}

static void
arc_destroy(struct policy *policy)
{
    arc_lists_fini(&arc_of(policy)->lists);
    policy_delete(policy, sizeof(struct arc));
}

static void
arc_missed(struct policy *policy, uint64_t key)
{
    struct arc *arc = arc_of(policy);
    struct ghost_table *ghosts = &arc->lists.ghosts;

    if (arc->told && arc->key == key)
        return;
    uint32_t ghost = ghost_find(ghosts, key);
    arc->told = true;
    arc->key = key;
    for (unsigned which = 0; which < 2; which++)
        arc->from_b[which] = ghost != 0 && ghost_tag(ghosts, ghost) == which;
    if (ghost != 0)
        arc_lists_adapt(&arc->lists, ghost_tag(ghosts, ghost));
}

static void
arc_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    arc_missed(policy, key);
    arc_lists_admit(&arc_of(policy)->lists, node, key);
    arc_of(policy)->told = false;
}

static void
arc_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)write;
    if (node->bits == ARC_FREQUENT && TAILQ_NEXT(node, link) == NULL)
        return;
    arc_lists_shift(&arc_of(policy)->lists, node, ARC_FREQUENT);
}

/* The paper's REPLACE. */
static struct base_node *
arc_next(const struct arc *arc)
{
    const struct policy_queue *t = arc->lists.t;
    double recent = (double)t[ARC_RECENT].n, p = arc->lists.p;
    bool b2 = arc->told && arc->from_b[1];

    if (t[ARC_COLD].n > 0)
        return policy_queue_first(&t[ARC_COLD]);
    if (t[ARC_FREQUENT].n == 0)
        return policy_queue_first(&t[ARC_RECENT]);
    if (recent >= 1 && (recent > p || (b2 && recent >= p)))
        return policy_queue_first(&t[ARC_RECENT]);
    return policy_queue_first(&t[ARC_FREQUENT]);
}

static struct base_node *
arc_victim(struct policy *policy)
{
    const struct policy_env *env = &policy->env;
    struct base_node *node = arc_next(arc_of(policy));

    if (env->referenced == NULL)
        return node;
    /* As many looks as pages: after that, all that were used have been given their due. */
    for (uint64_t looks = policy->count; looks > 0 && env->referenced(env->ctx, node); looks--) {
        arc_accessed(policy, node, false);
        node = arc_next(arc_of(policy));
    }
    return node;
}

static void
arc_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_arc, policy, frames, touch, n);
}

const struct policy_ops policy_arc = {
    .name = "arc",
    .summary = "recency and frequency, adapting between the two (Megiddo, Modha 2003)",
    .wants = POLICY_WANTS_SCAN | POLICY_IN_TURN | POLICY_MOVES_USED | POLICY_HAS_GHOSTS,
    .create = arc_create,
    .destroy = arc_destroy,
    .missed = arc_missed,
    .admit = arc_admit,
    .accessed = arc_accessed,
    .victim = arc_victim,
    .surplus = policy_no_surplus,
    .forget = arc_lists_forget,
    .cold = arc_lists_cold,
    .evicted = arc_lists_evicted,
    .moved = arc_lists_moved,
    .replay = arc_replay,
    .check = arc_lists_check,
};
