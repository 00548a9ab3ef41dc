/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"

/*
 * SIEVE: pages stand in the order in which they came; a hand goes from the oldest to the newest,
 * and the first page it finds unused since it last came by goes.
 *
 * Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, "SIEVE is simpler than LRU: an efficient
 * turn-key eviction algorithm for web caches", NSDI 2024, algorithm 1.
 *
 *      oldest                                             newest
 *      page -- page -- page -- page -- page -- page -- page  <-- a new page goes in here
 *                       ^
 *                       hand --> used? clear the bit and pass on : take it
 *
 *      at the newest the hand goes back to the oldest
 *
 * The difference from CLOCK is where a new page goes in: not behind the hand, but at the end.  So
 * pages that were kept gather behind the hand, new ones ahead of it, and the hand sieves the new
 * ones soon after they came: "quick demotion" of what is used once, without a queue of its own.
 * For pages the paper's own caveat holds: it does not resist scans as well as it resists one-hit
 * wonders among many keys.
 *
 * A page comes in with its bit clear, as in the paper: the reference that brought it in is none
 * that counts.
 *
 * Invariants: the list holds the admitted nodes, oldest first; hand is one of them or NULL, which
 * stands for the oldest.  The hand stays on a victim, so that asking again names it again; one
 * that cannot go is forgotten and admitted anew at the other end.
 *
 * Costs: a link and a bit a page; accessed is one store; victim as CLOCK's.
 */

struct sieve {
    struct policy policy;
    struct base_node_list pages; /* oldest first */
    struct base_node *hand;      /* the next to be looked at; NULL: the oldest */
};

static struct sieve *
sieve_of(struct policy *policy)
{
    return (struct sieve *)policy;
}

static enum pgw_status
sieve_create(const struct policy_env *env, struct policy **policy)
{
    struct sieve *sieve = sieve_of(policy_new(&policy_sieve, env, sizeof *sieve));
    if (sieve == NULL)
        return PGW_NOMEM;
    TAILQ_INIT(&sieve->pages);
    *policy = &sieve->policy;
    return PGW_OK;
}

static void
sieve_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct sieve));
}

static void
sieve_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    node->bits = 0;
    TAILQ_INSERT_TAIL(&sieve_of(policy)->pages, node, link);
    policy->count++;
}

static void
sieve_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)policy;
    (void)write;
    node->bits = 1;
}

/* Was the page used since the hand last passed?  Clears both places where that is noted. */
static bool
sieve_test_clear_used(struct sieve *sieve, struct base_node *node)
{
    bool used = node->bits != 0;
    node->bits = 0;
    return policy_referenced(&sieve->policy, node) || used;
}

static struct base_node *
sieve_victim(struct policy *policy)
{
    struct sieve *sieve = sieve_of(policy);
    struct base_node *node = sieve->hand;

    /* Two laps: see CLOCK. */
    for (uint64_t looks = 2 * policy->count; looks > 0; looks--) {
        if (node == NULL)
            node = TAILQ_FIRST(&sieve->pages);
        if (!sieve_test_clear_used(sieve, node))
            break;
        node = TAILQ_NEXT(node, link);
    }
    if (node == NULL)
        node = TAILQ_FIRST(&sieve->pages);
    sieve->hand = node;
    return node;
}

static void
sieve_forget(struct policy *policy, struct base_node *node)
{
    struct sieve *sieve = sieve_of(policy);
    if (sieve->hand == node)
        sieve->hand = TAILQ_NEXT(node, link);
    TAILQ_REMOVE(&sieve->pages, node, link);
    policy->count--;
}

/* It goes where the hand looks next. */
static void
sieve_cold(struct policy *policy, struct base_node *node)
{
    struct sieve *sieve = sieve_of(policy);

    sieve_forget(policy, node);
    node->bits = 0;
    if (sieve->hand != NULL)
        TAILQ_INSERT_BEFORE(sieve->hand, node, link);
    else
        TAILQ_INSERT_HEAD(&sieve->pages, node, link);
    policy->count++;
    sieve->hand = node;
}

static void
sieve_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    sieve_forget(policy, node);
}

static void
sieve_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    struct sieve *sieve = sieve_of(policy);
    to->bits = from->bits;
    TAILQ_INSERT_AFTER(&sieve->pages, from, to, link);
    TAILQ_REMOVE(&sieve->pages, from, link);
    if (sieve->hand == from)
        sieve->hand = to;
}

static bool
sieve_check(struct policy *policy)
{
    struct sieve *sieve = sieve_of(policy);
    const struct base_node *node;
    bool hand = sieve->hand == NULL;
    uint64_t n = 0;
    TAILQ_FOREACH (node, &sieve->pages, link) {
        if (*node->link.tqe_prev != node || node->bits > 1)
            return false;
        hand = hand || node == sieve->hand;
        n++;
    }
    return hand && n == policy->count && n <= policy->env.capacity;
}

static void
sieve_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_sieve, policy, frames, touch, n);
}

const struct policy_ops policy_sieve = {
    .name = "sieve",
    .summary =
        "the first page in order of arrival that the hand finds unused (Zhang and others 2024)",
    .wants = POLICY_SHOWS_USE,
    .create = sieve_create,
    .destroy = sieve_destroy,
    .missed = policy_ignore_missed,
    .admit = sieve_admit,
    .accessed = sieve_accessed,
    .victim = sieve_victim,
    .surplus = policy_no_surplus,
    .forget = sieve_forget,
    .cold = sieve_cold,
    .evicted = sieve_evicted,
    .moved = sieve_moved,
    .replay = sieve_replay,
    .check = sieve_check,
};
