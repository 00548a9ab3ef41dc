/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/queue.h"

/*
 * MRU: the page used last goes.
 *
 * H.-T. Chou, D. J. DeWitt, "An evaluation of buffer management strategies for relational database
 * systems", VLDB 1985: for a loop over more pages than there are frames, the page just used is the
 * one that is wanted last of all, and MRU is what OPT does.  Elsewhere it is about the worst there
 * is, which makes it a yardstick, and one of a pair for a policy that chooses between two.
 *
 *      oldest  ...  ...  ...  just used --> goes
 *        ^                        ^
 *        stays for ever           what comes in takes its place
 *
 * In the core uses show when the MMU's bits are harvested, and the page that the last harvest found
 * used last goes: pages used since cannot be told without looking at all of them.
 *
 * Invariant: the queue holds the admitted nodes in the order of their last use, the latest first.
 * Costs: a link a page; a hit is a few stores, none for the page used last; victim is O(1).
 */

struct mru {
    struct policy policy;
    struct policy_queue pages; /* used last first */
};

static struct mru *
mru_of(struct policy *policy)
{
    return (struct mru *)policy;
}

static enum pgw_status
mru_create(const struct policy_env *env, struct policy **policy)
{
    struct mru *mru = (struct mru *)policy_new(&policy_mru, env, sizeof *mru);
    if (mru == NULL)
        return PGW_NOMEM;
    policy_queue_init(&mru->pages);
    *policy = &mru->policy;
    return PGW_OK;
}

static void
mru_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct mru));
}

static void
mru_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    node->bits = 0;
    policy_queue_prepend(&mru_of(policy)->pages, node);
    policy->count++;
}

static void
mru_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct policy_queue *pages = &mru_of(policy)->pages;
    (void)write;
    if (policy_queue_first(pages) == node)
        return;
    policy_queue_remove(pages, node);
    policy_queue_prepend(pages, node);
}

static struct base_node *
mru_victim(struct policy *policy)
{
    return policy_queue_first(&mru_of(policy)->pages);
}

static void
mru_forget(struct policy *policy, struct base_node *node)
{
    policy_queue_remove(&mru_of(policy)->pages, node);
    policy->count--;
}

/* Here, to be wanted no more is to have been used last. */
static void
mru_cold(struct policy *policy, struct base_node *node)
{
    mru_accessed(policy, node, false);
}

static void
mru_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    mru_forget(policy, node);
}

static void
mru_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&mru_of(policy)->pages, from, to);
}

static bool
mru_check(struct policy *policy)
{
    const struct policy_queue *pages = &mru_of(policy)->pages;
    return policy_queue_check(pages, 0, 0) && pages->n == policy->count &&
           pages->n <= policy->env.capacity;
}

static void
mru_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_mru, policy, frames, touch, n);
}

const struct policy_ops policy_mru = {
    .name = "mru",
    .summary = "most recently used: best on a loop, bad elsewhere (Chou, DeWitt 1985)",
    .wants = POLICY_WANTS_SCAN,
    .create = mru_create,
    .destroy = mru_destroy,
    .missed = policy_ignore_missed,
    .admit = mru_admit,
    .accessed = mru_accessed,
    .victim = mru_victim,
    .surplus = policy_no_surplus,
    .forget = mru_forget,
    .cold = mru_cold,
    .evicted = mru_evicted,
    .moved = mru_moved,
    .replay = mru_replay,
    .check = mru_check,
};
