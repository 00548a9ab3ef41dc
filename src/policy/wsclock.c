/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"

/*
 * WSClock: the working set policy at the price of CLOCK.  A page that was not used for tau of the
 * program's time has left the working set, and the hand takes the first such page.
 *
 * R. W. Carr, J. L. Hennessy, "WSClock: a simple and effective algorithm for virtual memory
 * management", SOSP 1981.
 *
 *      the hand comes to a page
 *        used since it last came:      the time of its last use is now; the bit is cleared
 *        not used, for at most tau:    of the working set; passed
 *        not used, for more than tau:  goes if clean; passed if it would have to be written
 *
 * In the paper a page that is passed because it must be written is put in a queue for that, and a
 * lap of the hand that finds nothing means that memory is overcommitted: a process is suspended.
 * Neither is a policy's to do here.  So the hand stops after 32 pages, or after a lap when there
 * are fewer, and the best of those it saw goes: one to be written that left the working set, the
 * first of them; else the page whose last use is longest ago; where all were used, the first that
 * it finds unused, as with CLOCK.  A full lap for each miss would cost as much as there are pages,
 * and it is when memory is short that there are many misses.
 *
 * Time is references in replay; in the core it is the clock that policy.h speaks of.
 *
 * A page's last use is noted as the time when the hand saw that it had been used, as in the paper.
 * cold: a page that is not wanted stands where the hand comes next, and goes if it is not used.
 *
 * Invariants: the list in its order, closed to a circle, holds the admitted nodes; hand is one of
 * them or NULL, which stands for the first.  The hand stays on the victim.
 *
 * Costs: accessed is one store; victim looks at 32 pages, and on at used ones as CLOCK does.
 */

#define WSCLOCK_LOOKS 32u
#define WSCLOCK_USED ((uint64_t)1)
#define WSCLOCK_COLD ((uint64_t)2)
#define WSCLOCK_TIME 2u /* from bit 2 of a node: the time of its last use */

static const struct policy_param wsclock_params[] = {
    {"tau", "references without use (core: instructions) after which a page has left the set", 1,
        1000000000000, 100000},
    {NULL, NULL, 0, 0, 0},
};

struct wsclock {
    struct policy policy;
    uint64_t tau;
    struct base_node_list pages;
    struct base_node *hand; /* the next to be looked at; NULL: the first */
};

static struct wsclock *
wsclock_of(struct policy *policy)
{
    return (struct wsclock *)policy;
}

static enum pgw_status
wsclock_create(const struct policy_env *env, struct policy **policy)
{
    struct wsclock *ws = wsclock_of(policy_new(&policy_wsclock, env, sizeof *ws));
    if (ws == NULL)
        return PGW_NOMEM;
    ws->tau = policy_param(&policy_wsclock, env, 0);
    TAILQ_INIT(&ws->pages);
    *policy = &ws->policy;
    return PGW_OK;
}

static void
wsclock_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct wsclock));
}

/* Just behind the hand. */
static void
wsclock_insert(struct wsclock *ws, struct base_node *node)
{
    if (ws->hand != NULL)
        TAILQ_INSERT_BEFORE(ws->hand, node, link);
    else
        TAILQ_INSERT_TAIL(&ws->pages, node, link);
}

static void
wsclock_remove(struct wsclock *ws, struct base_node *node)
{
    if (ws->hand == node)
        ws->hand = TAILQ_NEXT(node, link);
    TAILQ_REMOVE(&ws->pages, node, link);
}

static void
wsclock_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    node->bits = policy->now << WSCLOCK_TIME;
    wsclock_insert(wsclock_of(policy), node);
    policy->count++;
}

static void
wsclock_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)policy;
    (void)write;
    node->bits |= WSCLOCK_USED;
}

/* Was the page used since the hand last came?  Then it was, as far as is known, now. */
static bool
wsclock_test_clear_used(struct policy *policy, struct base_node *node)
{
    bool used = policy_referenced(policy, node) || (node->bits & WSCLOCK_USED) != 0;
    if (used)
        node->bits = policy->now << WSCLOCK_TIME;
    return used;
}

/* How good a victim an unused page is: the more, the better. */
enum wsclock_worth { WSCLOCK_NONE, WSCLOCK_IN_SET, WSCLOCK_TO_WRITE, WSCLOCK_BEST };

static enum wsclock_worth
wsclock_judge(const struct wsclock *ws, struct base_node *node)
{
    const struct policy_env *env = &ws->policy.env;

    if ((node->bits & WSCLOCK_COLD) != 0)
        return WSCLOCK_BEST;
    if (ws->policy.now - (node->bits >> WSCLOCK_TIME) <= ws->tau)
        return WSCLOCK_IN_SET;
    return env->modified != NULL && env->modified(env->ctx, node) ? WSCLOCK_TO_WRITE : WSCLOCK_BEST;
}

static struct base_node *
wsclock_victim(struct policy *policy)
{
    struct wsclock *ws = wsclock_of(policy);
    uint64_t enough = policy->count < WSCLOCK_LOOKS ? policy->count : WSCLOCK_LOOKS;
    enum wsclock_worth best = WSCLOCK_NONE;
    struct base_node *node = ws->hand, *victim = NULL;

    for (uint64_t looks = 0; looks < 2 * policy->count; looks++) {
        if (best == WSCLOCK_BEST || (looks >= enough && best != WSCLOCK_NONE))
            break;
        if (node == NULL)
            node = TAILQ_FIRST(&ws->pages);
        if (!wsclock_test_clear_used(policy, node)) {
            enum wsclock_worth worth = wsclock_judge(ws, node);
            if (worth > best ||
                (worth == WSCLOCK_IN_SET && best == WSCLOCK_IN_SET && node->bits < victim->bits)) {
                best = worth;
                victim = node;
            }
        }
        node = TAILQ_NEXT(node, link);
    }
    if (victim == NULL)
        victim = TAILQ_FIRST(&ws->pages);
    ws->hand = victim;
    return victim;
}

static void
wsclock_forget(struct policy *policy, struct base_node *node)
{
    wsclock_remove(wsclock_of(policy), node);
    policy->count--;
}

static void
wsclock_cold(struct policy *policy, struct base_node *node)
{
    struct wsclock *ws = wsclock_of(policy);

    wsclock_remove(ws, node);
    wsclock_insert(ws, node);
    node->bits = (node->bits & ~WSCLOCK_USED) | WSCLOCK_COLD;
    ws->hand = node;
}

static void
wsclock_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    wsclock_forget(policy, node);
}

static void
wsclock_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    struct wsclock *ws = wsclock_of(policy);

    to->bits = from->bits;
    TAILQ_INSERT_AFTER(&ws->pages, from, to, link);
    TAILQ_REMOVE(&ws->pages, from, link);
    if (ws->hand == from)
        ws->hand = to;
}

static bool
wsclock_check(struct policy *policy)
{
    struct wsclock *ws = wsclock_of(policy);
    const struct base_node *node;
    bool hand = ws->hand == NULL;
    uint64_t n = 0;

    TAILQ_FOREACH (node, &ws->pages, link) {
        if (*node->link.tqe_prev != node || node->bits >> WSCLOCK_TIME > policy->now)
            return false;
        hand = hand || node == ws->hand;
        n++;
    }
    return hand && n == policy->count && n <= policy->env.capacity;
}

static void
wsclock_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_wsclock, policy, frames, touch, n);
}

const struct policy_ops policy_wsclock = {
    .name = "wsclock",
    .summary =
        "the first page the hand finds unused for tau, clean ones first (Carr, Hennessy 1981)",
    .wants = POLICY_WANTS_TIME,
    .params = wsclock_params,
    .create = wsclock_create,
    .destroy = wsclock_destroy,
    .missed = policy_ignore_missed,
    .admit = wsclock_admit,
    .accessed = wsclock_accessed,
    .victim = wsclock_victim,
    .surplus = policy_no_surplus,
    .forget = wsclock_forget,
    .cold = wsclock_cold,
    .evicted = wsclock_evicted,
    .moved = wsclock_moved,
    .replay = wsclock_replay,
    .check = wsclock_check,
};
