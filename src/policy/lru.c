/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/queue.h"

/*
 * Least recently used: the page whose last use is longest ago goes.
 *
 * R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, "Evaluation techniques for storage
 * hierarchies", IBM Systems Journal 9(2), 1970: a stack algorithm, so that more frames never
 * mean more faults.
 *
 * Where every use is told through accessed() (replay) this is exact.  In the core a use shows
 * only as the MMU's bit; harvesting the bits between evictions orders pages by the scan that
 * found them used.  A page about to go is asked once more: one that was used since the last scan
 * is not the least recently used, and moves up instead.
 *
 * Invariant: the queue holds the admitted nodes, in the order of their last use, oldest first.
 * Costs: a link a page; accessed moves a node to the end: a few stores, none when it is there.
 * victim is O(1) in replay; in the core O(1) amortised over the uses that it finds.
 */

struct lru {
    struct policy policy;
    struct policy_queue pages; /* least recently used first */
};

static struct lru *
lru_of(struct policy *policy)
{
    return (struct lru *)policy;
}

static enum pgw_status
lru_create(const struct policy_env *env, struct policy **policy)
{
    struct lru *lru = lru_of(policy_new(&policy_lru, env, sizeof *lru));
    if (lru == NULL)
        return PGW_NOMEM;
    policy_queue_init(&lru->pages);
    *policy = &lru->policy;
    return PGW_OK;
}

static void
lru_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct lru));
}

static void
lru_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    node->bits = 0;
    policy_queue_append(&lru_of(policy)->pages, node);
    policy->count++;
}

static void
lru_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct lru *lru = lru_of(policy);
    (void)write;
    if (TAILQ_NEXT(node, link) == NULL)
        return;
    policy_queue_remove(&lru->pages, node);
    policy_queue_append(&lru->pages, node);
}

static struct base_node *
lru_victim(struct policy *policy)
{
    struct lru *lru = lru_of(policy);
    const struct policy_env *env = &policy->env;
    struct base_node *node = policy_queue_first(&lru->pages);

    if (env->referenced == NULL)
        return node;
    /* One lap: after it every bit has been cleared once, and the order is the best there is. */
    for (uint64_t looks = policy->count; looks > 0; looks--) {
        if (!env->referenced(env->ctx, node))
            break;
        lru_accessed(policy, node, false);
        node = policy_queue_first(&lru->pages);
    }
    return node;
}

static void
lru_forget(struct policy *policy, struct base_node *node)
{
    policy_queue_remove(&lru_of(policy)->pages, node);
    policy->count--;
}

static void
lru_cold(struct policy *policy, struct base_node *node)
{
    struct lru *lru = lru_of(policy);

    policy_queue_remove(&lru->pages, node);
    policy_queue_prepend(&lru->pages, node);
}

static void
lru_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    lru_forget(policy, node);
}

static void
lru_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&lru_of(policy)->pages, from, to);
}

static bool
lru_check(struct policy *policy)
{
    const struct policy_queue *pages = &lru_of(policy)->pages;
    return policy_queue_check(pages, 0, 0) && pages->n == policy->count &&
           pages->n <= policy->env.capacity;
}

static void
lru_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_lru, policy, frames, touch, n);
}

const struct policy_ops policy_lru = {
    .name = "lru",
    .summary = "least recently used (Mattson and others 1970)",
    .wants = POLICY_WANTS_SCAN | POLICY_IN_TURN | POLICY_MOVES_USED,
    .create = lru_create,
    .destroy = lru_destroy,
    .missed = policy_ignore_missed,
    .admit = lru_admit,
    .accessed = lru_accessed,
    .victim = lru_victim,
    .surplus = policy_no_surplus,
    .forget = lru_forget,
    .cold = lru_cold,
    .evicted = lru_evicted,
    .moved = lru_moved,
    .replay = lru_replay,
    .check = lru_check,
};
