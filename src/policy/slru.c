/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/queue.h"

/*
 * SLRU, segmented LRU: who has been used once must be used again before it is kept.
 *
 * R. Karedla, J. S. Love, B. G. Wherry, "Caching strategies to improve disk system performance",
 * IEEE Computer 27(3), 1994.
 *
 *            used again                 used: to the end
 *      +--------------------------->  .--------------.
 *      |                              v              |
 *   probationary   <-----------  protected ----------'
 *     ^      |       the oldest, when there are too many
 *     |      '--> the oldest goes
 *    new
 *
 * A scan passes through the probationary segment and leaves the other one alone.  The paper leaves
 * the protected segment's share open; the default is 80 percent, as the authors of W-TinyLFU have
 * it (Einziger, Friedman, Manes 2017).  There is one page in each segment at the least, where there
 * are two frames.
 *
 * Invariants: each admitted node is in the segment that its bits name; the protected one is no
 * longer than its share, but for a size that has just shrunk.
 *
 * Costs: a bit and a link a page; a hit is a removal and one or two insertions, a victim is O(1)
 * (in the core, amortised over the uses that it finds).
 */

enum { SLRU_PROBATIONARY, SLRU_PROTECTED, SLRU_SEGMENTS };

struct slru {
    struct policy policy;
    struct policy_queue segment[SLRU_SEGMENTS]; /* least recently used first */
    uint64_t percent;
};

static struct slru *
slru_of(struct policy *policy)
{
    return (struct slru *)policy;
}

static enum pgw_status
slru_create(const struct policy_env *env, struct policy **policy)
{
    struct slru *slru = (struct slru *)policy_new(&policy_slru, env, sizeof *slru);
    if (slru == NULL)
        return PGW_NOMEM;
    slru->percent = policy_param(&policy_slru, env, 0);
    for (unsigned s = 0; s < SLRU_SEGMENTS; s++)
        policy_queue_init(&slru->segment[s]);
    *policy = &slru->policy;
    return PGW_OK;
}

static void
slru_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct slru));
}

static void
slru_append(struct slru *slru, struct base_node *node, unsigned segment)
{
    node->bits = segment;
    policy_queue_append(&slru->segment[segment], node);
}

static void
slru_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    slru_append(slru_of(policy), node, SLRU_PROBATIONARY);
    policy->count++;
}

static uint64_t
slru_protected_max(const struct slru *slru)
{
    return policy_share(slru->policy.size, slru->percent);
}

/* What the protected segment has beyond its share goes on probation. */
static void
slru_shed(struct slru *slru)
{
    struct policy_queue *protected = &slru->segment[SLRU_PROTECTED];

    while (protected->n > slru_protected_max(slru)) {
        struct base_node *oldest = policy_queue_first(protected);
        policy_queue_remove(protected, oldest);
        slru_append(slru, oldest, SLRU_PROBATIONARY);
    }
}

static void
slru_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct slru *slru = slru_of(policy);
    bool again = node->bits == SLRU_PROTECTED;
    (void)write;

    if (again && TAILQ_NEXT(node, link) == NULL)
        return;
    policy_queue_remove(&slru->segment[node->bits], node);
    slru_append(slru, node, SLRU_PROTECTED);
    if (!again)
        slru_shed(slru);
}

static struct base_node *
slru_next(const struct slru *slru)
{
    struct base_node *node = policy_queue_first(&slru->segment[SLRU_PROBATIONARY]);
    return node != NULL ? node : policy_queue_first(&slru->segment[SLRU_PROTECTED]);
}

static struct base_node *
slru_victim(struct policy *policy)
{
    const struct policy_env *env = &policy->env;
    struct base_node *node;

    slru_shed(slru_of(policy));
    node = slru_next(slru_of(policy));
    if (env->referenced == NULL)
        return node;
    /* As many looks as pages: after that, all that were used have been given their due. */
    for (uint64_t looks = policy->count; looks > 0 && env->referenced(env->ctx, node); looks--) {
        slru_accessed(policy, node, false);
        node = slru_next(slru_of(policy));
    }
    return node;
}

static void
slru_forget(struct policy *policy, struct base_node *node)
{
    policy_queue_remove(&slru_of(policy)->segment[node->bits], node);
    policy->count--;
}

static void
slru_cold(struct policy *policy, struct base_node *node)
{
    struct slru *slru = slru_of(policy);

    policy_queue_remove(&slru->segment[node->bits], node);
    node->bits = SLRU_PROBATIONARY;
    policy_queue_prepend(&slru->segment[SLRU_PROBATIONARY], node);
}

static void
slru_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    slru_forget(policy, node);
}

static void
slru_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&slru_of(policy)->segment[from->bits], from, to);
}

static bool
slru_check(struct policy *policy)
{
    const struct slru *slru = slru_of(policy);
    uint64_t n = 0;

    for (unsigned s = 0; s < SLRU_SEGMENTS; s++) {
        if (!policy_queue_check(&slru->segment[s], UINT64_MAX, s))
            return false;
        n += slru->segment[s].n;
    }
    return n == policy->count && n <= policy->env.capacity;
}

static void
slru_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_slru, policy, frames, touch, n);
}

static const struct policy_param slru_params[] = {
    {"protected", "share of the protected segment in percent", 1, 99, 80},
    {NULL, NULL, 0, 0, 0},
};

const struct policy_ops policy_slru = {
    .name = "slru",
    .summary = "segmented LRU: used again before it is kept (Karedla, Love, Wherry 1994)",
    .wants = POLICY_WANTS_SCAN | POLICY_IN_TURN | POLICY_MOVES_USED,
    .params = slru_params,
    .create = slru_create,
    .destroy = slru_destroy,
    .missed = policy_ignore_missed,
    .admit = slru_admit,
    .accessed = slru_accessed,
    .victim = slru_victim,
    .surplus = policy_no_surplus,
    .forget = slru_forget,
    .cold = slru_cold,
    .evicted = slru_evicted,
    .moved = slru_moved,
    .replay = slru_replay,
    .check = slru_check,
};
