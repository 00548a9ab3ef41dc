/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/ghost.h"
#include "policy/queue.h"

/*
 * S3-FIFO: three queues, first in, first out, and no list that a hit has to reorder.
 *
 * J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, "FIFO queues are all you need for cache
 * eviction", SOSP 2023, algorithm 1.
 *
 *      new --> small, a tenth ---- used less than twice --> ghosts, as many as main holds
 *                 |                                            |
 *                 | used twice or more                         | comes in again
 *                 v                                            |
 *               main, the rest  <------------------------------+
 *                 |  ^  |
 *                 |  '--' used: once more through, with one use less
 *                 v
 *               unused: gone, no ghost
 *
 * What is used once leaves through the small queue before it can push anything else out.  Uses are
 * counted up to 3.
 *
 * A page moves to main with its uses cleared.  Where the paper and the authors' code (libCacheSim)
 * disagree, the paper is followed: until memory is full pages come into the small queue; in later
 * versions of the code into main, once the small queue has its share.  In the paper's evictS a main
 * queue that is full gives up a page and the small queue one more; memory that needs one frame
 * takes the first.
 *
 * The small queue's share is a tenth of the frames, at least one page.
 *
 * cold: pages that are not wanted any more wait in a fourth queue, which goes first.
 *
 * Invariants: each admitted node is in the queue that its bits name; a ghost's page is not
 * admitted under that key; ghosts <= capacity.
 *
 * Costs: a hit is a compare and a store.  A miss looks for a ghost once; victim moves each page
 * once for each two uses in small, once a use in main.
 */

enum { S3FIFO_SMALL, S3FIFO_MAIN, S3FIFO_COLD, S3FIFO_QUEUES };
#define S3FIFO_USES 3u   /* bits 0 and 1: uses */
#define S3FIFO_QUEUE 2u  /* from bit 2: the queue */
#define S3FIFO_ENOUGH 2u /* uses that move a page from small to main */

static const struct policy_param s3fifo_params[] = {
    {"small", "share of the small queue in percent; the paper has 10", 1, 90, 10},
    {NULL, NULL, 0, 0, 0},
};

struct s3fifo {
    struct policy policy;
    struct policy_queue queue[S3FIFO_QUEUES]; /* oldest first */
    uint64_t percent;
    struct ghost_order order; /* of them: first out of the small queue, first */
    struct ghost_table ghosts;
};

static struct s3fifo *
s3fifo_of(struct policy *policy)
{
    return (struct s3fifo *)policy;
}

static uint64_t
s3fifo_small_max(const struct s3fifo *s3)
{
    return policy_share(s3->policy.size, s3->percent);
}

/* As many as main holds. */
static uint64_t
s3fifo_ghosts_max(const struct s3fifo *s3)
{
    return s3->policy.size > 1 ? s3->policy.size - s3fifo_small_max(s3) : 1;
}

static enum pgw_status
s3fifo_create(const struct policy_env *env, struct policy **policy)
{
    struct s3fifo *s3 = s3fifo_of(policy_new(&policy_s3fifo, env, sizeof *s3));
    if (s3 == NULL)
        return PGW_NOMEM;
    s3->percent = policy_param(&policy_s3fifo, env, 0);
    for (unsigned q = 0; q < S3FIFO_QUEUES; q++)
        policy_queue_init(&s3->queue[q]);
    enum pgw_status status =
        ghost_init(&s3->ghosts, env->alloc, env->frames, s3fifo_ghosts_max(s3));
    if (status != PGW_OK) {
        policy_delete(&s3->policy, sizeof *s3);
        return status;
    }
    *policy = &s3->policy;
    return PGW_OK;
}

static void
s3fifo_destroy(struct policy *policy)
{
    ghost_fini(&s3fifo_of(policy)->ghosts);
    policy_delete(policy, sizeof(struct s3fifo));
}

static void
s3fifo_append(struct s3fifo *s3, struct base_node *node, unsigned queue, uint64_t uses)
{
    node->bits = queue << S3FIFO_QUEUE | uses;
    policy_queue_append(&s3->queue[queue], node);
}

static void
s3fifo_remove(struct s3fifo *s3, struct base_node *node)
{
    policy_queue_remove(&s3->queue[node->bits >> S3FIFO_QUEUE], node);
}

static void
s3fifo_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct s3fifo *s3 = s3fifo_of(policy);
    uint32_t ghost = ghost_find(&s3->ghosts, key);

    if (ghost != 0)
        ghost_drop(&s3->ghosts, &s3->order, ghost);
    s3fifo_append(s3, node, ghost != 0 ? S3FIFO_MAIN : S3FIFO_SMALL, 0);
    policy->count++;
}

static void
s3fifo_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)policy;
    (void)write;
    if ((node->bits & S3FIFO_USES) < S3FIFO_USES)
        node->bits++;
}

/* The page's uses, with the one that only the MMU knows of. */
static uint64_t
s3fifo_uses(struct policy *policy, struct base_node *node)
{
    if (policy_referenced(policy, node))
        s3fifo_accessed(policy, node, false);
    return node->bits & S3FIFO_USES;
}

/* Moves the page on in its way; true: it has come to the end. */
static bool
s3fifo_passes(struct s3fifo *s3, struct base_node *node, unsigned queue)
{
    uint64_t uses = s3fifo_uses(&s3->policy, node);

    if (uses < (queue == S3FIFO_SMALL ? S3FIFO_ENOUGH : 1))
        return true;
    policy_queue_fetch(node);
    s3fifo_remove(s3, node);
    s3fifo_append(s3, node, S3FIFO_MAIN, queue == S3FIFO_MAIN ? uses - 1 : 0);
    return false;
}

static struct base_node *
s3fifo_victim(struct policy *policy)
{
    struct s3fifo *s3 = s3fifo_of(policy);
    uint64_t small_max = s3fifo_small_max(s3);
    struct base_node *node = NULL;

    /* Uses in main are at most 3, so that the fourth lap finds one; pages in use by another
     * processor meanwhile are the reason for a bound at all. */
    for (uint64_t looks = (S3FIFO_USES + 2) * policy->count; looks > 0; looks--) {
        unsigned queue = S3FIFO_MAIN;
        if (s3->queue[S3FIFO_COLD].n > 0)
            queue = S3FIFO_COLD;
        else if (s3->queue[S3FIFO_SMALL].n >= small_max || s3->queue[S3FIFO_MAIN].n == 0)
            queue = S3FIFO_SMALL;
        node = policy_queue_first(&s3->queue[queue]);
        if (s3fifo_passes(s3, node, queue))
            break;
    }
    return node;
}

static void
s3fifo_forget(struct policy *policy, struct base_node *node)
{
    s3fifo_remove(s3fifo_of(policy), node);
    policy->count--;
}

static void
s3fifo_cold(struct policy *policy, struct base_node *node)
{
    s3fifo_remove(s3fifo_of(policy), node);
    s3fifo_append(s3fifo_of(policy), node, S3FIFO_COLD, 0);
}

static void
s3fifo_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct s3fifo *s3 = s3fifo_of(policy);

    if (node->bits >> S3FIFO_QUEUE == S3FIFO_SMALL)
        (void)ghost_add(&s3->ghosts, &s3->order, key, s3fifo_ghosts_max(s3));
    s3fifo_forget(policy, node);
}

static void
s3fifo_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&s3fifo_of(policy)->queue[from->bits >> S3FIFO_QUEUE], from, to);
}

static bool
s3fifo_check(struct policy *policy)
{
    const struct s3fifo *s3 = s3fifo_of(policy);
    uint64_t sum = 0;

    for (unsigned queue = 0; queue < S3FIFO_QUEUES; queue++) {
        if (!policy_queue_check(&s3->queue[queue], ~(uint64_t)S3FIFO_USES, queue << S3FIFO_QUEUE))
            return false;
        sum += s3->queue[queue].n;
    }
    return sum == policy->count && sum <= policy->env.capacity &&
           s3->order.count <= s3->ghosts.capacity && ghost_order_check(&s3->ghosts, &s3->order);
}

static void
s3fifo_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_s3fifo, policy, frames, touch, n);
}

const struct policy_ops policy_s3fifo = {
    .name = "s3fifo",
    .summary = "a small queue for new pages, a main one, and ghosts (Yang and others 2023)",
    .wants = POLICY_IN_TURN | POLICY_HAS_GHOSTS,
    .params = s3fifo_params,
    .create = s3fifo_create,
    .destroy = s3fifo_destroy,
    .missed = policy_ignore_missed,
    .admit = s3fifo_admit,
    .accessed = s3fifo_accessed,
    .victim = s3fifo_victim,
    .surplus = policy_no_surplus,
    .forget = s3fifo_forget,
    .cold = s3fifo_cold,
    .evicted = s3fifo_evicted,
    .moved = s3fifo_moved,
    .replay = s3fifo_replay,
    .check = s3fifo_check,
};
