/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "base/assert.h"
#include "base/rng.h"
#include "policy/drive.h"

/*
 * RANDOM: any page goes, each with the same chance.
 *
 * L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
 * Journal 5(2), 1966, where it is the first class of algorithms: no information about use is
 * kept.  It is the yardstick for what remembering is worth, and on a loop a little larger than
 * memory it beats LRU and FIFO, which miss every time.
 *
 * A uniform choice in O(1) wants the nodes in an array without holes: the last one moves into
 * the place of one that leaves.
 *
 * Invariant: slots[0..count) are the admitted nodes, each once; node->bits is its place.
 * Costs: 8 bytes a frame, of which the host gives only what is touched; admit and removal O(1),
 * accessed nothing at all, victim one random number.
 */

struct random {
    struct policy policy;
    struct base_rng rng;
    struct base_node **slots; /* env.capacity of them */
};

static struct random *
random_of(struct policy *policy)
{
    return (struct random *)policy;
}

static enum pgw_status
random_create(const struct policy_env *env, struct policy **policy)
{
    struct random *random = random_of(policy_new(&policy_random, env, sizeof *random));
    if (random == NULL)
        return PGW_NOMEM;
    random->slots = env->alloc->map(env->alloc, env->capacity * sizeof(struct base_node *));
    if (random->slots == NULL) {
        policy_delete(&random->policy, sizeof *random);
        return PGW_NOMEM;
    }
    base_rng_init(&random->rng, env->seed);
    *policy = &random->policy;
    return PGW_OK;
}

static void
random_destroy(struct policy *policy)
{
    struct random *random = random_of(policy);
    struct base_alloc *alloc = policy->env.alloc;
    alloc->unmap(alloc, random->slots, policy->env.capacity * sizeof(struct base_node *));
    policy_delete(policy, sizeof *random);
}

static void
random_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    BASE_ASSERT(policy->count < policy->env.capacity);
    node->bits = policy->count;
    random_of(policy)->slots[policy->count++] = node;
}

static void
random_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)policy;
    (void)node;
    (void)write;
}

static struct base_node *
random_victim(struct policy *policy)
{
    struct random *random = random_of(policy);
    if (policy->count == 0)
        return NULL;
    return random->slots[base_rng_below(&random->rng, policy->count)];
}

static void
random_forget(struct policy *policy, struct base_node *node)
{
    struct random *random = random_of(policy);
    BASE_DEBUG_ASSERT(node->bits < policy->count && random->slots[node->bits] == node);
    struct base_node *last = random->slots[--policy->count];
    random->slots[node->bits] = last;
    last->bits = node->bits;
}

/* It has the same chance as any other. */
static void
random_cold(struct policy *policy, struct base_node *node)
{
    (void)policy;
    (void)node;
}

static void
random_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    random_forget(policy, node);
}

static void
random_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    to->bits = from->bits;
    random_of(policy)->slots[to->bits] = to;
}

static bool
random_check(struct policy *policy)
{
    const struct random *random = random_of(policy);
    if (policy->count > policy->env.capacity)
        return false;
    for (uint64_t i = 0; i < policy->count; i++)
        if (random->slots[i]->bits != i)
            return false;
    return true;
}

static void
random_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_random, policy, frames, touch, n);
}

const struct policy_ops policy_random = {
    .name = "random",
    .summary = "any page, each with the same chance (Belady 1966)",
    .wants = POLICY_IGNORES_USE,
    .create = random_create,
    .destroy = random_destroy,
    .missed = policy_ignore_missed,
    .admit = random_admit,
    .accessed = random_accessed,
    .victim = random_victim,
    .surplus = policy_no_surplus,
    .forget = random_forget,
    .cold = random_cold,
    .evicted = random_evicted,
    .moved = random_moved,
    .replay = random_replay,
    .check = random_check,
};
