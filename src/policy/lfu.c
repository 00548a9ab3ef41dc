/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/shelves.h"

/*
 * LFU with aging: the page used least often goes; of those, the one used least recently.
 *
 * J. T. Robinson, M. V. Devarakonda, "Data cache management using frequency-based replacement",
 * SIGMETRICS 1990: when the counts are more than a bound on the average, all are halved, so that
 * what was used often long ago does not stay for ever.  (Their division of the LRU stack in
 * sections, in which uses do not count, is left out: this is the pure policy.)
 *
 *      uses   1        2        3        4        5  ...
 *             o        o                 o                 used: to the next shelf's end
 *             o                          o                 above the average: all halved
 *             '--> the first of the lowest shelf goes
 *
 * Counts go up to 255.  A page comes in with one use.  Half of one is none: a page that was used
 * once before the halving goes before one that was used once since.
 *
 * In the core a use is a harvest of the MMU's bit, so that a page used without end counts one use
 * a harvest.
 *
 * Invariants: each admitted node is on the shelf of its uses; total is the sum of them.
 * Costs: a hit moves the page to another shelf; admit, victim O(1); a halving joins 512 lists, once
 * in half the average times as many uses as there are pages.
 */

#define LFU_USES_MAX 255u

struct lfu {
    struct policy policy;
    struct policy_shelves shelves;
    uint64_t total;   /* uses, of all pages admitted */
    uint64_t average; /* the most of them a page */
};

static struct lfu *
lfu_of(struct policy *policy)
{
    return (struct lfu *)policy;
}

static enum pgw_status
lfu_create(const struct policy_env *env, struct policy **policy)
{
    struct lfu *lfu = (struct lfu *)policy_new(&policy_lfu, env, sizeof *lfu);
    if (lfu == NULL)
        return PGW_NOMEM;
    lfu->average = policy_param(&policy_lfu, env, 0);
    policy_shelves_init(&lfu->shelves);
    *policy = &lfu->policy;
    return PGW_OK;
}

static void
lfu_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct lfu));
}

/* After a use more. */
static void
lfu_age(struct lfu *lfu)
{
    if (lfu->total <= lfu->average * lfu->policy.count)
        return;
    policy_shelves_halve(&lfu->shelves);
    lfu->total = policy_shelves_sum(&lfu->shelves);
}

static void
lfu_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct lfu *lfu = lfu_of(policy);
    (void)key;
    policy_shelves_put(&lfu->shelves, node, 1);
    policy->count++;
    lfu->total++;
    lfu_age(lfu);
}

static void
lfu_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct lfu *lfu = lfu_of(policy);
    unsigned uses = policy_shelves_value(&lfu->shelves, node);
    bool counts = uses < LFU_USES_MAX;
    (void)write;

    policy_shelves_remove(&lfu->shelves, node);
    policy_shelves_put(&lfu->shelves, node, uses + counts);
    lfu->total += counts;
    lfu_age(lfu);
}

static struct base_node *
lfu_victim(struct policy *policy)
{
    struct lfu *lfu = lfu_of(policy);
    const struct policy_env *env = &policy->env;
    struct base_node *node = policy_shelves_lowest(&lfu->shelves);

    if (env->referenced == NULL)
        return node;
    /* As many looks as pages: after that, all that were used have been given their due. */
    for (uint64_t looks = policy->count; looks > 0 && env->referenced(env->ctx, node); looks--) {
        lfu_accessed(policy, node, false);
        node = policy_shelves_lowest(&lfu->shelves);
    }
    return node;
}

static void
lfu_forget(struct policy *policy, struct base_node *node)
{
    struct lfu *lfu = lfu_of(policy);

    lfu->total -= policy_shelves_value(&lfu->shelves, node);
    policy_shelves_remove(&lfu->shelves, node);
    policy->count--;
}

static void
lfu_cold(struct policy *policy, struct base_node *node)
{
    struct lfu *lfu = lfu_of(policy);

    lfu_forget(policy, node);
    policy_shelves_put_first(&lfu->shelves, node, 0);
    policy->count++;
}

static void
lfu_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    lfu_forget(policy, node);
}

static void
lfu_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_shelves_replace(&lfu_of(policy)->shelves, from, to);
}

static bool
lfu_check(struct policy *policy)
{
    const struct lfu *lfu = lfu_of(policy);

    return policy->count <= policy->env.capacity &&
           policy_shelves_check(&lfu->shelves, policy->count) &&
           policy_shelves_sum(&lfu->shelves) == lfu->total;
}

static void
lfu_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_lfu, policy, frames, touch, n);
}

static const struct policy_param lfu_params[] = {
    {"average", "uses a page, on the average, above which all counts are halved", 2, 200, 8},
    {NULL, NULL, 0, 0, 0},
};

const struct policy_ops policy_lfu = {
    .name = "lfu",
    .summary = "least frequently used, counts halved with age (Robinson, Devarakonda 1990)",
    .wants = POLICY_WANTS_SCAN,
    .params = lfu_params,
    .create = lfu_create,
    .destroy = lfu_destroy,
    .missed = policy_ignore_missed,
    .admit = lfu_admit,
    .accessed = lfu_accessed,
    .victim = lfu_victim,
    .surplus = policy_no_surplus,
    .forget = lfu_forget,
    .cold = lfu_cold,
    .evicted = lfu_evicted,
    .moved = lfu_moved,
    .replay = lfu_replay,
    .check = lfu_check,
};
