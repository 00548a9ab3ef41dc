/* SPDX-License-Identifier: BSD-2-Clause */
/* The replacement policies; the contract is vm/policy.h.  One file each. */
#ifndef POLICY_POLICIES_H
#define POLICY_POLICIES_H

#include "vm/policy.h"

extern const struct policy_ops policy_adaptive;
extern const struct policy_ops policy_aging;
extern const struct policy_ops policy_arc;
extern const struct policy_ops policy_car;
extern const struct policy_ops policy_clock;
extern const struct policy_ops policy_clockpro;
extern const struct policy_ops policy_fifo;
extern const struct policy_ops policy_lfu;
extern const struct policy_ops policy_lirs;
extern const struct policy_ops policy_lru;
extern const struct policy_ops policy_mglru;
extern const struct policy_ops policy_mru;
extern const struct policy_ops policy_nru;
extern const struct policy_ops policy_pff;
extern const struct policy_ops policy_random;
extern const struct policy_ops policy_s3fifo;
extern const struct policy_ops policy_sieve;
extern const struct policy_ops policy_slru;
extern const struct policy_ops policy_twoq;
extern const struct policy_ops policy_wsclock;
extern const struct policy_ops policy_wtinylfu;

/* Of policies that do not look at what is about to come in, or keep the resident set full. */
static inline void
policy_ignore_missed(struct policy *policy, uint64_t key)
{
    (void)policy;
    (void)key;
}

static inline struct base_node *
policy_no_surplus(struct policy *policy)
{
    (void)policy;
    return NULL;
}

/* Was the page used since this was last asked, as far as the MMU can tell?  Never in replay. */
static inline bool
policy_referenced(const struct policy *policy, struct base_node *node)
{
    return policy->env.referenced != NULL && policy->env.referenced(policy->env.ctx, node);
}

/* The parameter at place i, or its default. */
static inline uint64_t
policy_param(const struct policy_ops *ops, const struct policy_env *env, unsigned i)
{
    return env->param[i] != 0 ? env->param[i] : ops->params[i].usual;
}

/* What every create does first: len bytes of zeros that start with a policy.  NULL: no memory, or
 * more frames than numbers of 32 bits can tell apart. */
static inline struct policy *
policy_new(const struct policy_ops *ops, const struct policy_env *env, size_t len)
{
    struct policy *policy =
        env->capacity <= UINT32_MAX / 4 ? env->alloc->map(env->alloc, len) : NULL;
    if (policy == NULL)
        return NULL;
    policy->ops = ops;
    policy->env = *env;
    policy->size = env->capacity;
    return policy;
}

static inline void
policy_delete(struct policy *policy, size_t len)
{
    policy->env.alloc->unmap(policy->env.alloc, policy, len);
}

/* So many percent of the frames, rounded down, but one at the least: small memories are where
 * shares of nothing break what is published. */
static inline uint64_t
policy_share(uint64_t frames, uint64_t percent)
{
    uint64_t share = frames * percent / 100;
    return share > 0 ? share : 1;
}

#endif
