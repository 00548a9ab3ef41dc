/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/ghost.h"
#include "policy/queue.h"

/*
 * ARC, adaptive replacement: recency and frequency share the frames, and what comes back too soon
 * says which of them wants more.
 *
 * N. Megiddo, D. S. Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure
 * 4.
 *
 *         ghosts               pages
 *      .---- B1 ----. .-------- T1 --------.
 *      |            | |                    |     used once lately (L1)
 *      '------------' '--------------------'
 *                           |          p: as many as T1 should have
 *                           | used again
 *      .---- B2 ----. .-----v-- T2 --------.
 *      |            | |                    |     used more often (L2)
 *      '------------' '--------------------'
 *
 *      wanted, and found in B1: T1 should have been larger, p grows;   it goes to T2
 *      wanted, and found in B2: T2 should have been larger, p shrinks; it goes to T2
 *      wanted, and in neither:                                         it goes to T1
 *
 * p is a real number, as in the paper; many programs round its steps to whole numbers.  The
 * paper's REPLACE takes T1's oldest when T1 is longer than p, or just p and the page wanted is in
 * B2; else T2's.  Here it does so also when T2 is empty, which in the paper, where memory is always
 * full by then, cannot be.
 *
 * The paper shortens B1 or B2 before it evicts, here that is done when the page comes in, so that
 * a page may be evicted before it is known what for.  The outcome is the same: the eviction only
 * moves a page from T1 to B1 or from T2 to B2, which changes none of the lengths that the paper
 * asks for, and what goes is the oldest ghost of the same list.
 *
 * cold: pages that are not wanted any more wait in a queue that goes first, and leave no ghost.
 *
 * Invariants, with c frames: |T1| + |B1| <= c and |T1| + |T2| + |B1| + |B2| <= 2c after each
 * admit, as far as ghosts can see to it; |B1| + |B2| <= c + 1; 0 <= p <= c.
 *
 * Costs: a hit is a move to the end of T2; a miss is one look-up of a ghost, and a second, warm,
 * one; victim is O(1) (in the core, amortised over the uses that it finds); 32 bytes a ghost.
 */

enum { ARC_RECENT, ARC_FREQUENT, ARC_COLD, ARC_QUEUES };

struct arc {
    struct policy policy;
    struct policy_queue t[ARC_QUEUES]; /* the oldest first; t[0] is T1 */
    struct ghost_order b[2];           /* b[0] is B1 */
    struct ghost_table ghosts;
    double p;
    bool told;      /* of a miss, of the page with this key */
    bool from_b[2]; /* where its ghost is */
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
    struct arc *arc = (struct arc *)policy_new(&policy_arc, env, sizeof *arc);
    if (arc == NULL)
        return PGW_NOMEM;
    for (unsigned q = 0; q < ARC_QUEUES; q++)
        policy_queue_init(&arc->t[q]);
    enum pgw_status status = ghost_init(&arc->ghosts, env->alloc, env->capacity + 1);
    if (status != PGW_OK) {
        policy_delete(&arc->policy, sizeof *arc);
        return status;
    }
    *policy = &arc->policy;
    return PGW_OK;
}

static void
arc_destroy(struct policy *policy)
{
    ghost_fini(&arc_of(policy)->ghosts);
    policy_delete(policy, sizeof(struct arc));
}

/* A ghost of b[which] is wanted: that list's pages should have had more room. */
static void
arc_adapt(struct arc *arc, unsigned which)
{
    double mine = arc->b[which].count, other = arc->b[1 - which].count;
    double step = mine >= other ? 1 : other / mine;
    double size = (double)arc->policy.size;

    arc->p += which == ARC_RECENT ? step : -step;
    arc->p = arc->p < 0 ? 0 : arc->p > size ? size : arc->p;
}

static void
arc_missed(struct policy *policy, uint64_t key)
{
    struct arc *arc = arc_of(policy);

    if (arc->told && arc->key == key)
        return;
    uint32_t ghost = ghost_find(&arc->ghosts, key);
    arc->told = true;
    arc->key = key;
    for (unsigned which = 0; which < 2; which++)
        arc->from_b[which] = ghost != 0 && arc->ghosts.entry[ghost].tag == which;
    if (ghost != 0)
        arc_adapt(arc, arc->ghosts.entry[ghost].tag);
}

static void
arc_append(struct arc *arc, struct base_node *node, unsigned queue)
{
    node->bits = queue;
    policy_queue_append(&arc->t[queue], node);
}

static void
arc_drop_oldest(struct arc *arc, unsigned which)
{
    ghost_drop(&arc->ghosts, &arc->b[which], arc->b[which].oldest);
}

/* Makes room in the lists for one more page in T1: the paper's case IV. */
static void
arc_shorten(struct arc *arc)
{
    uint64_t size = arc->policy.size;

    while (arc->b[0].count > 0 && arc->t[ARC_RECENT].n + arc->b[0].count >= size)
        arc_drop_oldest(arc, 0);
    while (arc->b[1].count > 0 && arc->policy.count + arc->b[0].count + arc->b[1].count >= 2 * size)
        arc_drop_oldest(arc, 1);
}

static void
arc_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct arc *arc = arc_of(policy);
    uint32_t ghost;

    arc_missed(policy, key);
    ghost = arc->from_b[0] || arc->from_b[1] ? ghost_find(&arc->ghosts, key) : 0;
    if (ghost != 0)
        ghost_drop(&arc->ghosts, &arc->b[arc->ghosts.entry[ghost].tag], ghost);
    else
        arc_shorten(arc);
    arc_append(arc, node, ghost != 0 ? ARC_FREQUENT : ARC_RECENT);
    arc->told = false;
    policy->count++;
}

static void
arc_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct arc *arc = arc_of(policy);
    (void)write;

    if (node->bits == ARC_FREQUENT && TAILQ_NEXT(node, link) == NULL)
        return;
    policy_queue_remove(&arc->t[node->bits], node);
    arc_append(arc, node, ARC_FREQUENT);
}

/* The paper's REPLACE. */
static struct base_node *
arc_next(const struct arc *arc)
{
    double recent = (double)arc->t[ARC_RECENT].n;
    bool b2 = arc->told && arc->from_b[1];

    if (arc->t[ARC_COLD].n > 0)
        return policy_queue_first(&arc->t[ARC_COLD]);
    if (arc->t[ARC_FREQUENT].n == 0)
        return policy_queue_first(&arc->t[ARC_RECENT]);
    if (recent >= 1 && (recent > arc->p || (b2 && recent >= arc->p)))
        return policy_queue_first(&arc->t[ARC_RECENT]);
    return policy_queue_first(&arc->t[ARC_FREQUENT]);
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
arc_forget(struct policy *policy, struct base_node *node)
{
    policy_queue_remove(&arc_of(policy)->t[node->bits], node);
    policy->count--;
}

static void
arc_cold(struct policy *policy, struct base_node *node)
{
    struct arc *arc = arc_of(policy);

    policy_queue_remove(&arc->t[node->bits], node);
    arc_append(arc, node, ARC_COLD);
}

static void
arc_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct arc *arc = arc_of(policy);
    unsigned which = (unsigned)node->bits;

    arc_forget(policy, node);
    if (which == ARC_COLD)
        return;
    if (arc->b[0].count + arc->b[1].count > policy->env.capacity) /* nothing came in for long */
        arc_drop_oldest(arc, arc->b[1].count > 0);
    uint32_t ghost = ghost_add(&arc->ghosts, &arc->b[which], key, UINT64_MAX);
    arc->ghosts.entry[ghost].tag = which;
}

static void
arc_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&arc_of(policy)->t[from->bits], from, to);
}

static bool
arc_check(struct policy *policy)
{
    const struct arc *arc = arc_of(policy);
    uint64_t n = 0;

    for (unsigned q = 0; q < ARC_QUEUES; q++) {
        if (!policy_queue_check(&arc->t[q], UINT64_MAX, q))
            return false;
        n += arc->t[q].n;
    }
    return n == policy->count && n <= policy->env.capacity && arc->p >= 0 &&
           arc->p <= (double)policy->env.capacity &&
           arc->b[0].count + arc->b[1].count <= policy->env.capacity + 1 &&
           ghost_order_check(&arc->ghosts, &arc->b[0]) &&
           ghost_order_check(&arc->ghosts, &arc->b[1]);
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
    .wants = POLICY_WANTS_SCAN,
    .create = arc_create,
    .destroy = arc_destroy,
    .missed = arc_missed,
    .admit = arc_admit,
    .accessed = arc_accessed,
    .victim = arc_victim,
    .surplus = policy_no_surplus,
    .forget = arc_forget,
    .cold = arc_cold,
    .evicted = arc_evicted,
    .moved = arc_moved,
    .replay = arc_replay,
    .check = arc_check,
};
