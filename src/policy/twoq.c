/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/ghost.h"
#include "policy/queue.h"

/*
 * 2Q, the full version: a page is hot when it is wanted again after it has left.
 *
 * T. Johnson, D. Shasha, "2Q: a low overhead high performance buffer management replacement
 * algorithm", VLDB 1994, section 3.2.
 *
 *      new --> A1in, a quarter, FIFO ----> gone, remembered in A1out, half as many as frames
 *                                                |
 *                                                | wanted again
 *                                                v
 *                                   Am, LRU <----'
 *                                     '----------> gone
 *
 * Uses while in A1in do not count: they are taken for one, correlated use.  A page that is wanted
 * again when it has only just left A1in is in steady use.
 *
 * The queue gives up a page as the paper's reclaimfor() says: A1in's oldest when there are more
 * than Kin in it, else Am's; where Am has none, A1in's.  The paper does not say whether the page
 * that comes in still takes room in A1out while another enters it; here it does not, as in the
 * simulators in use (libCacheSim).  Kin and Kout are one page at least.
 *
 * cold: pages that are not wanted any more wait in a queue that goes first, and leave no ghost.
 *
 * Invariants: each admitted node is in the queue that its bits name; no ghost's page is admitted
 * under that key; A1out is at most one longer than Kout, and only until a page is admitted.
 *
 * Costs: a hit in A1in is a compare, in Am a move; a miss is one look-up in A1out; victim is O(1)
 * (in the core, amortised over the uses that it finds).
 */

enum { TWOQ_IN, TWOQ_MAIN, TWOQ_COLD, TWOQ_QUEUES };

struct twoq {
    struct policy policy;
    struct policy_queue queue[TWOQ_QUEUES];
    struct ghost_table ghosts;
    struct ghost_order out;
    uint64_t in_percent, out_percent;
};

static struct twoq *
twoq_of(struct policy *policy)
{
    return (struct twoq *)policy;
}

static uint64_t
twoq_out_max(const struct twoq *twoq)
{
    return policy_share(twoq->policy.size, twoq->out_percent);
}

static enum pgw_status
twoq_create(const struct policy_env *env, struct policy **policy)
{
    struct twoq *twoq = (struct twoq *)policy_new(&policy_twoq, env, sizeof *twoq);
    if (twoq == NULL)
        return PGW_NOMEM;
    twoq->in_percent = policy_param(&policy_twoq, env, 0);
    twoq->out_percent = policy_param(&policy_twoq, env, 1);
    for (unsigned q = 0; q < TWOQ_QUEUES; q++)
        policy_queue_init(&twoq->queue[q]);
    enum pgw_status status =
        ghost_init(&twoq->ghosts, env->alloc, env->frames, twoq_out_max(twoq) + 1);
    if (status != PGW_OK) {
        policy_delete(&twoq->policy, sizeof *twoq);
        return status;
    }
    *policy = &twoq->policy;
    return PGW_OK;
}

static void
twoq_destroy(struct policy *policy)
{
    ghost_fini(&twoq_of(policy)->ghosts);
    policy_delete(policy, sizeof(struct twoq));
}

static void
twoq_drop_oldest(struct twoq *twoq)
{
    ghost_drop_oldest(&twoq->ghosts, &twoq->out);
}

static void
twoq_append(struct twoq *twoq, struct base_node *node, unsigned queue)
{
    node->bits = queue;
    policy_queue_append(&twoq->queue[queue], node);
}

static void
twoq_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct twoq *twoq = twoq_of(policy);
    uint32_t ghost = ghost_find(&twoq->ghosts, key);

    if (ghost != 0)
        ghost_drop(&twoq->ghosts, &twoq->out, ghost);
    while (twoq->out.count > twoq_out_max(twoq))
        twoq_drop_oldest(twoq);
    twoq_append(twoq, node, ghost != 0 ? TWOQ_MAIN : TWOQ_IN);
    policy->count++;
}

static void
twoq_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct twoq *twoq = twoq_of(policy);
    (void)write;

    if (node->bits == TWOQ_IN || (node->bits == TWOQ_MAIN && TAILQ_NEXT(node, link) == NULL))
        return;
    policy_queue_remove(&twoq->queue[node->bits], node);
    twoq_append(twoq, node, TWOQ_MAIN);
}

static struct base_node *
twoq_next(const struct twoq *twoq)
{
    const struct policy_queue *queue = twoq->queue;
    uint64_t in_max = policy_share(twoq->policy.size, twoq->in_percent);

    if (queue[TWOQ_COLD].n > 0)
        return policy_queue_first(&queue[TWOQ_COLD]);
    if (queue[TWOQ_IN].n > in_max || queue[TWOQ_MAIN].n == 0)
        return policy_queue_first(&queue[TWOQ_IN]);
    return policy_queue_first(&queue[TWOQ_MAIN]);
}

static struct base_node *
twoq_victim(struct policy *policy)
{
    const struct policy_env *env = &policy->env;
    struct base_node *node = twoq_next(twoq_of(policy));

    if (env->referenced == NULL)
        return node;
    /* Of pages in A1in uses do not count.  As many looks as pages: after that, all that were used
     * have been given their due. */
    for (uint64_t looks = policy->count; looks > 0; looks--) {
        if (node->bits == TWOQ_IN || !env->referenced(env->ctx, node))
            break;
        twoq_accessed(policy, node, false);
        node = twoq_next(twoq_of(policy));
    }
    return node;
}

static void
twoq_forget(struct policy *policy, struct base_node *node)
{
    policy_queue_remove(&twoq_of(policy)->queue[node->bits], node);
    policy->count--;
}

static void
twoq_cold(struct policy *policy, struct base_node *node)
{
    struct twoq *twoq = twoq_of(policy);

    policy_queue_remove(&twoq->queue[node->bits], node);
    twoq_append(twoq, node, TWOQ_COLD);
}

static void
twoq_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct twoq *twoq = twoq_of(policy);

    twoq_forget(policy, node);
    if (node->bits != TWOQ_IN)
        return;
    while (twoq->out.count > twoq_out_max(twoq))
        twoq_drop_oldest(twoq);
    (void)ghost_add(&twoq->ghosts, &twoq->out, key, UINT64_MAX);
}

static void
twoq_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&twoq_of(policy)->queue[from->bits], from, to);
}

static bool
twoq_check(struct policy *policy)
{
    const struct twoq *twoq = twoq_of(policy);
    uint64_t n = 0;

    for (unsigned q = 0; q < TWOQ_QUEUES; q++) {
        if (!policy_queue_check(&twoq->queue[q], UINT64_MAX, q))
            return false;
        n += twoq->queue[q].n;
    }
    return n == policy->count && n <= policy->env.capacity &&
           ghost_order_check(&twoq->ghosts, &twoq->out);
}

static void
twoq_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_twoq, policy, frames, touch, n);
}

static const struct policy_param twoq_params[] = {
    {"in", "share of A1in in percent of the frames; the paper has 25", 1, 99, 25},
    {"out", "ghosts in A1out in percent of the frames; the paper has 50", 1, 200, 50},
    {NULL, NULL, 0, 0, 0},
};

const struct policy_ops policy_twoq = {
    .name = "2q",
    .summary = "hot is what is wanted again after it has left (Johnson, Shasha 1994)",
    .wants = POLICY_WANTS_SCAN | POLICY_IN_TURN | POLICY_MOVES_USED | POLICY_HAS_GHOSTS,
    .params = twoq_params,
    .create = twoq_create,
    .destroy = twoq_destroy,
    .missed = policy_ignore_missed,
    .admit = twoq_admit,
    .accessed = twoq_accessed,
    .victim = twoq_victim,
    .surplus = policy_no_surplus,
    .forget = twoq_forget,
    .cold = twoq_cold,
    .evicted = twoq_evicted,
    .moved = twoq_moved,
    .replay = twoq_replay,
    .check = twoq_check,
};
