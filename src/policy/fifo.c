/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/queue.h"

/*
 * First in, first out: the page that has been in memory longest goes, used or not.
 *
 * L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
 * Journal 5(2), 1966.  It is no stack algorithm: more frames can mean more faults (L. A. Belady,
 * R. A. Nelson, G. S. Shedler, "An anomaly in space-time characteristics of certain programs
 * running in a paging machine", CACM 12(6), 1969).
 *
 * Invariant: the queue holds the admitted nodes, the oldest first.
 * Costs: a link a page; admit and removal O(1), accessed nothing at all.
 */

struct fifo {
    struct policy policy;
    struct policy_queue pages; /* oldest first */
};

static struct fifo *
fifo_of(struct policy *policy)
{
    return (struct fifo *)policy;
}

static enum pgw_status
fifo_create(const struct policy_env *env, struct policy **policy)
{
    struct fifo *fifo = fifo_of(policy_new(&policy_fifo, env, sizeof *fifo));
    if (fifo == NULL)
        return PGW_NOMEM;
    policy_queue_init(&fifo->pages);
    *policy = &fifo->policy;
    return PGW_OK;
}

static void
fifo_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct fifo));
}

static void
fifo_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    node->bits = 0;
    policy_queue_append(&fifo_of(policy)->pages, node);
    policy->count++;
}

static void
fifo_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)policy;
    (void)node;
    (void)write;
}

static struct base_node *
fifo_victim(struct policy *policy)
{
    return policy_queue_first(&fifo_of(policy)->pages);
}

static void
fifo_forget(struct policy *policy, struct base_node *node)
{
    policy_queue_remove(&fifo_of(policy)->pages, node);
    policy->count--;
}

static void
fifo_cold(struct policy *policy, struct base_node *node)
{
    struct fifo *fifo = fifo_of(policy);

    policy_queue_remove(&fifo->pages, node);
    policy_queue_prepend(&fifo->pages, node);
}

static void
fifo_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    fifo_forget(policy, node);
}

static void
fifo_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&fifo_of(policy)->pages, from, to);
}

static bool
fifo_check(struct policy *policy)
{
    const struct policy_queue *pages = &fifo_of(policy)->pages;
    return policy_queue_check(pages, 0, 0) && pages->n == policy->count &&
           pages->n <= policy->env.capacity;
}

static void
fifo_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_fifo, policy, frames, touch, n);
}

const struct policy_ops policy_fifo = {
    .name = "fifo",
    .summary = "first in, first out (Belady 1966)",
    .wants = POLICY_IGNORES_USE | POLICY_GOES_ROUND,
    .create = fifo_create,
    .destroy = fifo_destroy,
    .missed = policy_ignore_missed,
    .admit = fifo_admit,
    .accessed = fifo_accessed,
    .victim = fifo_victim,
    .surplus = policy_no_surplus,
    .forget = fifo_forget,
    .cold = fifo_cold,
    .evicted = fifo_evicted,
    .moved = fifo_moved,
    .replay = fifo_replay,
    .check = fifo_check,
};
