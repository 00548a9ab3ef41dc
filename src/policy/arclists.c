/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/arclists.h"

static struct arc_lists *
arc_lists_of(struct policy *policy)
{
    return (struct arc_lists *)policy;
}

enum pgw_status
arc_lists_create(
    const struct policy_ops *ops, const struct policy_env *env, size_t len, struct policy **policy)
{
    struct arc_lists *lists = arc_lists_of(policy_new(ops, env, len));
    if (lists == NULL)
        return PGW_NOMEM;
    for (unsigned q = 0; q < ARC_QUEUES; q++)
        policy_queue_init(&lists->t[q]);
    enum pgw_status status = ghost_init(&lists->ghosts, env->alloc, env->frames, env->capacity + 1);
    if (status != PGW_OK) {
        policy_delete(&lists->policy, len);
        return status;
    }
    *policy = &lists->policy;
    return PGW_OK;
}

void
arc_lists_fini(struct arc_lists *lists)
{
    ghost_fini(&lists->ghosts);
}

void
arc_lists_adapt(struct arc_lists *lists, unsigned which)
{
    double mine = lists->b[which].count, other = lists->b[1 - which].count;
    double step = mine >= other ? 1 : other / mine;
    double size = (double)lists->policy.size;

    lists->p += which == ARC_RECENT ? step : -step;
    lists->p = lists->p < 0 ? 0 : lists->p > size ? size : lists->p;
}

static void
arc_lists_drop_oldest(struct arc_lists *lists, unsigned which)
{
    ghost_drop_oldest(&lists->ghosts, &lists->b[which]);
}

/* Makes room in the lists for one more page in T1: ARC's case IV, CAR's "cache directory
 * replacement". */
static void
arc_lists_shorten(struct arc_lists *lists)
{
    const struct ghost_order *b = lists->b;
    uint64_t size = lists->policy.size;

    while (b[0].count > 0 && lists->t[ARC_RECENT].n + b[0].count >= size)
        arc_lists_drop_oldest(lists, 0);
    while (b[1].count > 0 && lists->policy.count + b[0].count + b[1].count >= 2 * size)
        arc_lists_drop_oldest(lists, 1);
}

void
arc_lists_admit(struct arc_lists *lists, struct base_node *node, uint64_t key)
{
    uint32_t ghost = ghost_find(&lists->ghosts, key);

    if (ghost != 0)
        ghost_drop(&lists->ghosts, &lists->b[ghost_tag(&lists->ghosts, ghost)], ghost);
    else
        arc_lists_shorten(lists);
    node->bits = ghost != 0 ? ARC_FREQUENT : ARC_RECENT;
    policy_queue_append(&lists->t[node->bits], node);
    lists->policy.count++;
}

void
arc_lists_forget(struct policy *policy, struct base_node *node)
{
    policy_queue_remove(&arc_lists_of(policy)->t[node->bits & ARC_QUEUE], node);
    policy->count--;
}

void
arc_lists_cold(struct policy *policy, struct base_node *node)
{
    arc_lists_shift(arc_lists_of(policy), node, ARC_COLD);
}

void
arc_lists_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct arc_lists *lists = arc_lists_of(policy);
    unsigned which = (unsigned)(node->bits & ARC_QUEUE);

    arc_lists_forget(policy, node);
    if (which == ARC_COLD)
        return;
    if (lists->b[0].count + lists->b[1].count > policy->env.capacity) /* nothing came for long */
        arc_lists_drop_oldest(lists, lists->b[1].count > 0);
    uint32_t ghost = ghost_add(&lists->ghosts, &lists->b[which], key, UINT64_MAX);
    ghost_set_tag(&lists->ghosts, ghost, which);
}

void
arc_lists_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&arc_lists_of(policy)->t[from->bits & ARC_QUEUE], from, to);
}

bool
arc_lists_check(struct policy *policy)
{
    const struct arc_lists *lists = arc_lists_of(policy);
    uint64_t n = 0;

    for (unsigned q = 0; q < ARC_QUEUES; q++) {
        if (!policy_queue_check(&lists->t[q], ARC_QUEUE, q))
            return false;
        n += lists->t[q].n;
    }
    return n == policy->count && n <= policy->env.capacity && lists->p >= 0 &&
           lists->p <= (double)policy->env.capacity &&
           lists->b[0].count + lists->b[1].count <= policy->env.capacity + 1 &&
           ghost_order_check(&lists->ghosts, &lists->b[0]) &&
           ghost_order_check(&lists->ghosts, &lists->b[1]);
}
