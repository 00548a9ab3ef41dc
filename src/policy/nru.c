/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/queue.h"

/*
 * NRU, not recently used, or enhanced second chance: two bits make four classes, and the first page
 * of the lowest class that has any goes.
 *
 *      class   used  modified
 *        0      no      no       the best to take: nothing is lost, nothing written
 *        1      no      yes
 *        2      yes     no
 *        3      yes     yes
 *
 * A. S. Tanenbaum, Modern Operating Systems; A. Silberschatz, P. B. Galvin, G. Gagne, Operating
 * System Concepts, "Enhanced second-chance algorithm", as in the virtual memory of the Macintosh.
 *
 * The books look through all pages, up to four times, for each victim.  Here the pages are in
 * queues, so that each is looked at once between two clearings of the bits:
 *
 *       used again                                   used again
 *      +-------------- class 0 --> goes first       (or once)
 *      v                 ^
 *    used ---------------+  when there is nobody    new pages, the fault being a use, come in used
 *      ^                 v  in 0 and 1: all bits
 *      +-------------- class 1 --> goes then         are cleared, the oldest first
 *
 * When all pages are used, the lowest class is 2 or 3, and the books clear the bits while they look
 * for it: so the page that is taken is the same as after the clearing.
 *
 * A page in class 0 or 1 is modified only by being used, so it is asked whether it is modified when
 * its used bit is cleared, and not again, though it may have been written back since.  Where nobody
 * knows, all pages count as clean and this is CLOCK but for the moment at which bits are cleared.
 *
 * Invariant: each admitted node is in the queue that its bits name.
 * Costs: a hit is a compare, the first after a clearing a move; victim is O(1), amortised over
 * pages that came in or were used again.
 */

enum { NRU_CLEAN, NRU_DIRTY, NRU_USED, NRU_QUEUES };

struct nru {
    struct policy policy;
    struct policy_queue queue[NRU_QUEUES];
};

static struct nru *
nru_of(struct policy *policy)
{
    return (struct nru *)policy;
}

static enum pgw_status
nru_create(const struct policy_env *env, struct policy **policy)
{
    struct nru *nru = (struct nru *)policy_new(&policy_nru, env, sizeof *nru);
    if (nru == NULL)
        return PGW_NOMEM;
    for (unsigned q = 0; q < NRU_QUEUES; q++)
        policy_queue_init(&nru->queue[q]);
    *policy = &nru->policy;
    return PGW_OK;
}

static void
nru_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct nru));
}

static void
nru_append(struct nru *nru, struct base_node *node, unsigned queue)
{
    node->bits = queue;
    policy_queue_append(&nru->queue[queue], node);
}

static void
nru_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    nru_append(nru_of(policy), node, NRU_USED);
    policy->count++;
}

static void
nru_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct nru *nru = nru_of(policy);
    (void)write;

    if (node->bits == NRU_USED)
        return;
    policy_queue_remove(&nru->queue[node->bits], node);
    nru_append(nru, node, NRU_USED);
}

/* Nobody is unused: now everybody is. */
static void
nru_clear(struct nru *nru)
{
    const struct policy_env *env = &nru->policy.env;
    struct base_node *node;

    while ((node = policy_queue_first(&nru->queue[NRU_USED])) != NULL) {
        bool modified = env->modified != NULL && env->modified(env->ctx, node);
        if (env->referenced != NULL)
            (void)env->referenced(env->ctx, node);
        policy_queue_remove(&nru->queue[NRU_USED], node);
        nru_append(nru, node, modified ? NRU_DIRTY : NRU_CLEAN);
    }
}

static struct base_node *
nru_next(struct nru *nru)
{
    if (nru->queue[NRU_CLEAN].n + nru->queue[NRU_DIRTY].n == 0)
        nru_clear(nru);
    struct base_node *node = policy_queue_first(&nru->queue[NRU_CLEAN]);
    return node != NULL ? node : policy_queue_first(&nru->queue[NRU_DIRTY]);
}

static struct base_node *
nru_victim(struct policy *policy)
{
    const struct policy_env *env = &policy->env;
    struct base_node *node = nru_next(nru_of(policy));

    if (env->referenced == NULL)
        return node;
    /* As many looks as pages: after that all bits have been cleared, and any page will do. */
    for (uint64_t looks = policy->count; looks > 0 && env->referenced(env->ctx, node); looks--) {
        nru_accessed(policy, node, false);
        node = nru_next(nru_of(policy));
    }
    return node;
}

static void
nru_forget(struct policy *policy, struct base_node *node)
{
    policy_queue_remove(&nru_of(policy)->queue[node->bits], node);
    policy->count--;
}

static void
nru_cold(struct policy *policy, struct base_node *node)
{
    struct nru *nru = nru_of(policy);

    policy_queue_remove(&nru->queue[node->bits], node);
    node->bits = NRU_CLEAN;
    policy_queue_prepend(&nru->queue[NRU_CLEAN], node);
}

static void
nru_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    nru_forget(policy, node);
}

static void
nru_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&nru_of(policy)->queue[from->bits], from, to);
}

static bool
nru_check(struct policy *policy)
{
    const struct nru *nru = nru_of(policy);
    uint64_t n = 0;

    for (unsigned q = 0; q < NRU_QUEUES; q++) {
        if (!policy_queue_check(&nru->queue[q], UINT64_MAX, q))
            return false;
        n += nru->queue[q].n;
    }
    return n == policy->count && n <= policy->env.capacity;
}

static void
nru_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_nru, policy, frames, touch, n);
}

const struct policy_ops policy_nru = {
    .name = "nru",
    .summary = "not recently used, or enhanced second chance: unused and clean pages first",
    .wants = 0,
    .create = nru_create,
    .destroy = nru_destroy,
    .missed = policy_ignore_missed,
    .admit = nru_admit,
    .accessed = nru_accessed,
    .victim = nru_victim,
    .surplus = policy_no_surplus,
    .forget = nru_forget,
    .cold = nru_cold,
    .evicted = nru_evicted,
    .moved = nru_moved,
    .replay = nru_replay,
    .check = nru_check,
};
