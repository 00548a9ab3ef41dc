/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"

/*
 * CLOCK, or second chance: pages stand in a circle; a hand goes round, and the first page it
 * finds unused since it last came by goes.
 *
 * F. J. Corbato, "A paging experiment with the Multics system", in: In Honor of P. M. Morse, MIT
 * Press, 1969.
 *
 *          .-- page <-- hand: used? clear the bit and pass on : take it
 *          |    |
 *        page  page
 *          |    |
 *          '-- page <-- a new page goes in here, just behind the hand, and is seen last
 *
 * "Used" is the node's own bit, set by accessed(), or what env.referenced answers, which is how
 * the MMU's bit arrives.  Both are cleared as the hand passes.
 *
 * With n bits a page has a counter instead: a use adds one, up to 2^n - 1, and the hand takes one
 * off as it passes, so that a page used often stays for several laps (A. J. Smith, "Sequentiality
 * and prefetching in database systems", ACM TODS 3(3), 1978, as GCLOCK).
 *
 * A page comes in with its bit set, because the reference that faulted is a use: as in Multics,
 * where the hardware sets the bit when the faulting instruction is taken up again.  Were it not,
 * the same references would give other victims in replay than in the core.
 *
 * Invariants: the list in its order, closed to a circle, holds the admitted nodes; hand is one
 * of them, or NULL, which stands for the first.  The hand stays on a victim, so that asking again
 * names it again; a victim that is forgotten and admitted anew is behind the hand, so a victim
 * that cannot go does not stop the clock.
 *
 * Costs: a link and n bits a page; accessed is a load and a store; victim looks at each page 2^n
 * times at the most, amortised once for each use since the last lap.
 */

struct clock {
    struct policy policy;
    struct base_node_list pages;
    struct base_node *hand; /* the next to be looked at; NULL: the first */
    uint64_t most;          /* uses that are counted */
};

static struct clock *
clock_of(struct policy *policy)
{
    return (struct clock *)policy;
}

static enum pgw_status
clock_create(const struct policy_env *env, struct policy **policy)
{
    struct clock *clock = clock_of(policy_new(&policy_clock, env, sizeof *clock));
    if (clock == NULL)
        return PGW_NOMEM;
    clock->most = ((uint64_t)1 << policy_param(&policy_clock, env, 0)) - 1;
    TAILQ_INIT(&clock->pages);
    *policy = &clock->policy;
    return PGW_OK;
}

static void
clock_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct clock));
}

static void
clock_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct clock *clock = clock_of(policy);
    (void)key;
    node->bits = 1;
    if (clock->hand != NULL)
        TAILQ_INSERT_BEFORE(clock->hand, node, link);
    else
        TAILQ_INSERT_TAIL(&clock->pages, node, link);
    policy->count++;
}

static void
clock_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)write;
    node->bits += node->bits < clock_of(policy)->most;
}

/* Was the page used since the hand last passed, or often before?  Takes one use off. */
static bool
clock_take_use(struct clock *clock, struct base_node *node)
{
    const struct policy_env *env = &clock->policy.env;

    if (env->referenced != NULL && env->referenced(env->ctx, node))
        clock_accessed(&clock->policy, node, false);
    bool used = node->bits != 0;
    node->bits -= used;
    return used;
}

static struct base_node *
clock_victim(struct policy *policy)
{
    struct clock *clock = clock_of(policy);
    struct base_node *node = clock->hand;

    /* The last of these laps finds every counter at 0, unless pages are being used meanwhile by
     * another processor; then any page will do. */
    for (uint64_t looks = (clock->most + 1) * policy->count; looks > 0; looks--) {
        if (node == NULL)
            node = TAILQ_FIRST(&clock->pages);
        if (!clock_take_use(clock, node))
            break;
        node = TAILQ_NEXT(node, link);
    }
    if (node == NULL)
        node = TAILQ_FIRST(&clock->pages);
    clock->hand = node;
    return node;
}

static void
clock_forget(struct policy *policy, struct base_node *node)
{
    struct clock *clock = clock_of(policy);
    if (clock->hand == node)
        clock->hand = TAILQ_NEXT(node, link);
    TAILQ_REMOVE(&clock->pages, node, link);
    policy->count--;
}

static void
clock_cold(struct policy *policy, struct base_node *node)
{
    struct clock *clock = clock_of(policy);

    clock_forget(policy, node);
    clock_admit(policy, node, 0);
    node->bits = 0;
    clock->hand = node; /* it was put just before the hand */
}

static void
clock_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    clock_forget(policy, node);
}

static void
clock_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    struct clock *clock = clock_of(policy);
    to->bits = from->bits;
    TAILQ_INSERT_AFTER(&clock->pages, from, to, link);
    TAILQ_REMOVE(&clock->pages, from, link);
    if (clock->hand == from)
        clock->hand = to;
}

static bool
clock_check(struct policy *policy)
{
    struct clock *clock = clock_of(policy);
    const struct base_node *node;
    bool hand = clock->hand == NULL;
    uint64_t n = 0;
    TAILQ_FOREACH (node, &clock->pages, link) {
        if (*node->link.tqe_prev != node || node->bits > clock->most)
            return false;
        hand = hand || node == clock->hand;
        n++;
    }
    return hand && n == policy->count && n <= policy->env.capacity;
}

static void
clock_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_clock, policy, frames, touch, n);
}

static const struct policy_param clock_params[] = {
    {"bits", "bits of each page's counter of uses: GCLOCK (Smith 1978)", 1, 8, 1},
    {NULL, NULL, 0, 0, 0},
};

const struct policy_ops policy_clock = {
    .name = "clock",
    .summary = "second chance: the first page the hand finds unused (Corbato 1969)",
    .wants = POLICY_SHOWS_USE | POLICY_GOES_ROUND,
    .params = clock_params,
    .create = clock_create,
    .destroy = clock_destroy,
    .missed = policy_ignore_missed,
    .admit = clock_admit,
    .accessed = clock_accessed,
    .victim = clock_victim,
    .surplus = policy_no_surplus,
    .forget = clock_forget,
    .cold = clock_cold,
    .evicted = clock_evicted,
    .moved = clock_moved,
    .replay = clock_replay,
    .check = clock_check,
};
