/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/shelves.h"

/*
 * Aging: a shift register a page, into which each tick of a clock shifts whether the page was used
 * since the last one; the page with the smallest number in it goes.
 *
 * A. S. Tanenbaum, Modern Operating Systems, "Simulating LRU in software".
 *
 *      used in this tick --> | 8 ticks' history, the latest first |
 *                       1    |  0   1   1   0   0   0   0   0     |      tick: all bits move right
 *
 * The bit of the tick that has begun is a part of the number, its highest: a page used since the
 * last tick is not taken before one that was not.  Of equal numbers, the page goes that had the
 * smaller one before it was shifted out, or else was there first.
 *
 * Tanenbaum's ticks are of a clock on the wall.  Here they come with misses, some of them while as
 * many pages come in as there are frames: while nothing is missed nothing needs to be told apart,
 * and the same references give the same ticks on any machine.
 *
 * Invariant: each admitted node is on the shelf of its number, 9 bits.
 * Costs: a hit is a compare, the first one in a tick a move to another shelf; victim is O(1); a
 * tick joins 512 lists.
 */

#define AGING_USED 256u

struct aging {
    struct policy policy;
    struct policy_shelves shelves;
    uint64_t ticks; /* while as many pages come in as there are frames */
    uint64_t came;  /* since the last tick */
};

static struct aging *
aging_of(struct policy *policy)
{
    return (struct aging *)policy;
}

static enum pgw_status
aging_create(const struct policy_env *env, struct policy **policy)
{
    struct aging *aging = (struct aging *)policy_new(&policy_aging, env, sizeof *aging);
    if (aging == NULL)
        return PGW_NOMEM;
    aging->ticks = policy_param(&policy_aging, env, 0);
    policy_shelves_init(&aging->shelves);
    *policy = &aging->policy;
    return PGW_OK;
}

static void
aging_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct aging));
}

static void
aging_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct aging *aging = aging_of(policy);
    uint64_t period = policy->size / aging->ticks;
    (void)key;

    if (aging->came >= (period > 0 ? period : 1)) {
        policy_shelves_halve(&aging->shelves);
        aging->came = 0;
    }
    aging->came++;
    policy_shelves_put(&aging->shelves, node, AGING_USED);
    policy->count++;
}

static void
aging_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct policy_shelves *shelves = &aging_of(policy)->shelves;
    unsigned value = policy_shelves_value(shelves, node);
    (void)write;

    if ((value & AGING_USED) != 0)
        return;
    policy_shelves_remove(shelves, node);
    policy_shelves_put(shelves, node, value | AGING_USED);
}

static struct base_node *
aging_victim(struct policy *policy)
{
    struct aging *aging = aging_of(policy);
    const struct policy_env *env = &policy->env;
    struct base_node *node = policy_shelves_lowest(&aging->shelves);

    if (env->referenced == NULL)
        return node;
    /* As many looks as pages: after that, all that were used have been given their due. */
    for (uint64_t looks = policy->count; looks > 0 && env->referenced(env->ctx, node); looks--) {
        aging_accessed(policy, node, false);
        node = policy_shelves_lowest(&aging->shelves);
    }
    return node;
}

static void
aging_forget(struct policy *policy, struct base_node *node)
{
    policy_shelves_remove(&aging_of(policy)->shelves, node);
    policy->count--;
}

static void
aging_cold(struct policy *policy, struct base_node *node)
{
    struct policy_shelves *shelves = &aging_of(policy)->shelves;

    policy_shelves_remove(shelves, node);
    policy_shelves_put_first(shelves, node, 0);
}

static void
aging_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    aging_forget(policy, node);
}

static void
aging_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_shelves_replace(&aging_of(policy)->shelves, from, to);
}

static bool
aging_check(struct policy *policy)
{
    return policy->count <= policy->env.capacity &&
           policy_shelves_check(&aging_of(policy)->shelves, policy->count);
}

static void
aging_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_aging, policy, frames, touch, n);
}

static const struct policy_param aging_params[] = {
    {"ticks", "ticks while as many pages come in as there are frames", 1, 1024, 8},
    {NULL, NULL, 0, 0, 0},
};

const struct policy_ops policy_aging = {
    .name = "aging",
    .summary = "a shift register a page, the smallest number goes (Tanenbaum)",
    .wants = POLICY_WANTS_SCAN,
    .params = aging_params,
    .create = aging_create,
    .destroy = aging_destroy,
    .missed = policy_ignore_missed,
    .admit = aging_admit,
    .accessed = aging_accessed,
    .victim = aging_victim,
    .surplus = policy_no_surplus,
    .forget = aging_forget,
    .cold = aging_cold,
    .evicted = aging_evicted,
    .moved = aging_moved,
    .replay = aging_replay,
    .check = aging_check,
};
