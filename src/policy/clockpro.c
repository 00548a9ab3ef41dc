/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/ghost.h"

/*
 * CLOCK-Pro: LIRS at the price of CLOCK.  Pages are hot or cold; a cold page is on test for a
 * while, in memory or, as a ghost, after it has gone; one that is used during its test becomes hot.
 *
 * S. Jiang, F. Chen, X. Zhang, "CLOCK-Pro: an effective improvement of the CLOCK replacement",
 * USENIX Annual Technical Conference 2005.
 *
 *      one circle of hot pages (h), cold ones (c), ghosts (g), drawn from HAND_hot on:
 *
 *      HAND_hot --> h  g  h  c  g  h  h  c  c  <-- the head: what comes in or is moved goes here
 *
 *      HAND_hot   hot and used: clears the bit and passes; hot, not used: makes it cold.
 *                 Ends the tests that it passes.  Runs when there are too many hot pages.
 *
 *      HAND_cold  cold, not used: the victim; a ghost if on test.
 *                 Used, on test: becomes hot, at the head.
 *                 Used, not on test: to the head, on test.
 *
 *      HAND_test  ends tests.  Runs when there are more ghosts than frames.
 *
 * How many pages may be hot adapts: frames less a target for cold ones, which rises by one with
 * each use during a test, as then more time is needed to tell hot pages, and falls by one with each
 * test that ends without.
 *
 * The paper is followed.  The authors' code (clock-pro.c, 2005) counts such uses and ends for
 * ghosts only, and takes a used page that is not on test.  From it are: until memory is full pages
 * come in hot, as far as they may, and the target starts at its least, which is 1 percent here.
 *
 * HAND_cold is the front of a queue of the cold pages, by the time when each came to the head.  On
 * the circle they stand in this order too, unless HAND_hot has overtaken HAND_cold: then cold pages
 * are still taken in turn here, where the paper looks at the new ones first.  With one cold page
 * and a hundred thousand hot ones, a hand would go round the whole circle for each miss.
 *
 * Invariants: the circle holds the admitted pages and the ghosts, from HAND_hot on; the queue holds
 * the cold pages in memory; bits is a page's entry, and whether it was used.  ghosts <= capacity.
 * 1 <= target, which leaves room for a hot page where there are two, but for a size that has just
 * shrunk.
 *
 * Costs: an entry of the circle, of which each page and ghost has one, is 12 bytes in replay and 28
 * in the core; accessed is one store; victim
 * passes hot pages once for each use of theirs.
 */

/* An entry's tag; of a cold page in memory, by whether it is on test. */
enum { CLOCKPRO_HOT, CLOCKPRO_COLD, CLOCKPRO_TEST, CLOCKPRO_GHOST, CLOCKPRO_KINDS };
#define CLOCKPRO_FIRST_PERCENT 1u /* target until memory is full */
#define CLOCKPRO_USED ((uint64_t)1 << 32)

struct clockpro {
    struct policy policy;
    uint64_t hot, ghosts;       /* of them */
    uint64_t target;            /* cold pages aimed at */
    bool filled;                /* there was a victim */
    uint64_t asks;              /* the MMU is not asked more often in one call */
    struct base_node_list cold; /* in memory; HAND_cold is the front */
    struct ghost_order circle;  /* from HAND_hot on: the head is the newest */
    uint32_t hand_test;         /* 0: at HAND_hot */
    struct ghost_table table;
};

static struct clockpro *
clockpro_of(struct policy *policy)
{
    return (struct clockpro *)policy;
}

static enum pgw_status
clockpro_create(const struct policy_env *env, struct policy **policy)
{
    struct clockpro *pro = clockpro_of(policy_new(&policy_clockpro, env, sizeof *pro));
    if (pro == NULL)
        return PGW_NOMEM;
    pro->target = 1;
    TAILQ_INIT(&pro->cold);
    enum pgw_status status =
        ghost_init(&pro->table, env->alloc, env->frames, 2 * env->capacity + 1);
    if (status != PGW_OK) {
        policy_delete(&pro->policy, sizeof *pro);
        return status;
    }
    *policy = &pro->policy;
    return PGW_OK;
}

static void
clockpro_destroy(struct policy *policy)
{
    ghost_fini(&clockpro_of(policy)->table);
    policy_delete(policy, sizeof(struct clockpro));
}

static uint32_t
clockpro_entry(const struct base_node *node)
{
    return (uint32_t)node->bits;
}

static unsigned
clockpro_kind(const struct clockpro *pro, uint32_t i)
{
    return ghost_tag(&pro->table, i);
}

/* Is it of a cold page in memory? */
static bool
clockpro_is_cold(const struct clockpro *pro, uint32_t i)
{
    return clockpro_kind(pro, i) == CLOCKPRO_COLD || clockpro_kind(pro, i) == CLOCKPRO_TEST;
}

/* One page at the least may be hot, where there are two. */
static uint64_t
clockpro_target_max(const struct clockpro *pro)
{
    return pro->policy.size > 1 ? pro->policy.size - 1 : 1;
}

static uint64_t
clockpro_hot_max(const struct clockpro *pro)
{
    return pro->policy.size - pro->target;
}

/* The target for the size that the policy has now. */
static void
clockpro_fit(struct clockpro *pro)
{
    uint64_t most = clockpro_target_max(pro);

    if (!pro->filled)
        pro->target = policy_share(pro->policy.size, CLOCKPRO_FIRST_PERCENT);
    pro->target = pro->target < most ? pro->target : most;
}

static void
clockpro_more_cold(struct clockpro *pro)
{
    if (pro->target < clockpro_target_max(pro))
        pro->target++;
}

static void
clockpro_less_cold(struct clockpro *pro)
{
    if (pro->target > 1)
        pro->target--;
}

/* Pages in use by another processor would keep the hands going for ever. */
static void
clockpro_may_ask(struct clockpro *pro)
{
    pro->asks = 2 * pro->policy.count;
}

/* Was the page used?  Notes what only the MMU knew. */
static bool
clockpro_used(struct clockpro *pro, struct base_node *node)
{
    if (pro->asks > 0 && policy_referenced(&pro->policy, node))
        node->bits |= CLOCKPRO_USED;
    pro->asks -= pro->asks > 0;
    return (node->bits & CLOCKPRO_USED) != 0;
}

/* ---- the circle ---- */

/* HAND_test, if it is there, goes on. */
static void
clockpro_unlink(struct clockpro *pro, uint32_t i)
{
    if (pro->hand_test == i)
        pro->hand_test = pro->table.entry[i].newer;
    ghost_unlink(&pro->table, &pro->circle, i);
}

static void
clockpro_remove(struct clockpro *pro, uint32_t i)
{
    clockpro_unlink(pro, i);
    ghost_free(&pro->table, i);
}

/* HAND_hot passes what it is at: there it stays, which is now the head. */
static void
clockpro_pass(struct clockpro *pro)
{
    uint32_t i = pro->circle.oldest;
    ghost_unlink(&pro->table, &pro->circle, i);
    ghost_append(&pro->table, &pro->circle, i);
}

static void
clockpro_forget_ghost(struct clockpro *pro, uint32_t i)
{
    ghost_leave(&pro->table, i);
    clockpro_remove(pro, i);
    pro->ghosts--;
}

/* The entry's test ends, if it is on one.  True: it was a ghost's, and is gone. */
static bool
clockpro_end_test(struct clockpro *pro, uint32_t i)
{
    unsigned kind = clockpro_kind(pro, i);

    if (kind == CLOCKPRO_GHOST) {
        clockpro_less_cold(pro);
        clockpro_forget_ghost(pro, i);
        return true;
    }
    if (kind == CLOCKPRO_TEST) {
        ghost_set_tag(&pro->table, i, CLOCKPRO_COLD);
        if (!clockpro_used(pro, ghost_node(&pro->table, i)))
            clockpro_less_cold(pro);
    }
    return false;
}

/* A page that is in no queue becomes cold, off test. */
static void
clockpro_make_cold(struct clockpro *pro, uint32_t i)
{
    pro->hot--;
    ghost_set_tag(&pro->table, i, CLOCKPRO_COLD);
    TAILQ_INSERT_TAIL(&pro->cold, ghost_node(&pro->table, i), link);
}

/* Makes one hot page cold, and stops at the next hot one.  There is a hot page. */
static void
clockpro_run_hot(struct clockpro *pro)
{
    uint64_t lap = pro->circle.count;
    bool done = false;

    /* On the second lap all bits were clear, even if the MMU has set some meanwhile. */
    for (uint64_t looks = 2 * lap; looks > 0; looks--) {
        uint32_t i = pro->circle.oldest;
        if (clockpro_kind(pro, i) != CLOCKPRO_HOT) {
            if (clockpro_end_test(pro, i))
                continue;
        } else if (done) {
            return;
        } else if (!clockpro_used(pro, ghost_node(&pro->table, i)) || looks <= lap) {
            clockpro_make_cold(pro, i);
            done = true;
        } else {
            ghost_node(&pro->table, i)->bits &= ~CLOCKPRO_USED;
        }
        clockpro_pass(pro);
    }
}

/* Ends tests until there are no more ghosts than frames. */
static void
clockpro_run_test(struct clockpro *pro)
{
    while (pro->ghosts > pro->policy.size) {
        uint32_t i = pro->hand_test != 0 ? pro->hand_test : pro->circle.oldest;
        pro->hand_test = pro->table.entry[i].newer;
        (void)clockpro_end_test(pro, i);
    }
}

static void
clockpro_balance(struct clockpro *pro)
{
    while (pro->hot > clockpro_hot_max(pro))
        clockpro_run_hot(pro);
}

/* The page, whose entry is in no order, goes to the head, hot or cold. */
static void
clockpro_push(struct clockpro *pro, struct base_node *node, uint32_t i, unsigned kind)
{
    node->bits = i;
    ghost_set_node(&pro->table, i, node);
    ghost_set_tag(&pro->table, i, kind);
    ghost_append(&pro->table, &pro->circle, i);
    if (kind == CLOCKPRO_HOT) {
        pro->hot++;
        clockpro_balance(pro);
    } else {
        TAILQ_INSERT_TAIL(&pro->cold, node, link);
    }
}

/* ---- the calls ---- */

static void
clockpro_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct clockpro *pro = clockpro_of(policy);
    uint32_t i = ghost_find(&pro->table, key);

    clockpro_fit(pro);
    bool room = !pro->filled && pro->hot < clockpro_hot_max(pro);
    policy->count++;
    clockpro_may_ask(pro);
    if (i != 0) {
        clockpro_forget_ghost(pro, i);
        clockpro_more_cold(pro);
    }
    clockpro_push(pro, node, ghost_new(&pro->table), i != 0 || room ? CLOCKPRO_HOT : CLOCKPRO_TEST);
}

static void
clockpro_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)policy;
    (void)write;
    node->bits |= CLOCKPRO_USED;
}

/* HAND_cold finds a used page: on test it becomes hot, else it is on test from now on. */
static void
clockpro_spare(struct clockpro *pro, struct base_node *node)
{
    uint32_t i = clockpro_entry(node);
    bool test = clockpro_kind(pro, i) == CLOCKPRO_TEST;

    TAILQ_REMOVE(&pro->cold, node, link);
    clockpro_unlink(pro, i);
    if (test)
        clockpro_more_cold(pro);
    clockpro_push(pro, node, i, test ? CLOCKPRO_HOT : CLOCKPRO_TEST);
}

static struct base_node *
clockpro_victim(struct policy *policy)
{
    struct clockpro *pro = clockpro_of(policy);
    struct base_node *node = NULL;

    clockpro_fit(pro);
    pro->filled = pro->filled || policy->count > 0;
    clockpro_may_ask(pro);
    clockpro_balance(pro);
    /* A page is spared twice at the most: put on test, made hot; hot ones become cold meanwhile. */
    for (uint64_t looks = 4 * policy->count; looks > 0; looks--) {
        if (TAILQ_EMPTY(&pro->cold))
            clockpro_run_hot(pro);
        node = TAILQ_FIRST(&pro->cold);
        if (!clockpro_used(pro, node))
            break;
        clockpro_spare(pro, node);
    }
    return node;
}

/* Takes a page out of the queue or from among the hot ones; its entry stays. */
static void
clockpro_out(struct clockpro *pro, struct base_node *node)
{
    if (clockpro_kind(pro, clockpro_entry(node)) == CLOCKPRO_HOT)
        pro->hot--;
    else
        TAILQ_REMOVE(&pro->cold, node, link);
}

static void
clockpro_forget(struct policy *policy, struct base_node *node)
{
    struct clockpro *pro = clockpro_of(policy);

    clockpro_out(pro, node);
    clockpro_remove(pro, clockpro_entry(node));
    policy->count--;
}

static void
clockpro_cold(struct policy *policy, struct base_node *node)
{
    struct clockpro *pro = clockpro_of(policy);

    clockpro_out(pro, node);
    node->bits = clockpro_entry(node);
    ghost_set_tag(&pro->table, clockpro_entry(node), CLOCKPRO_COLD);
    TAILQ_INSERT_HEAD(&pro->cold, node, link);
}

static void
clockpro_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct clockpro *pro = clockpro_of(policy);
    uint32_t i = clockpro_entry(node);

    clockpro_out(pro, node);
    policy->count--;
    if (clockpro_kind(pro, i) != CLOCKPRO_TEST) {
        clockpro_remove(pro, i);
        return;
    }
    ghost_set_tag(&pro->table, i, CLOCKPRO_GHOST);
    ghost_enter(&pro->table, i, key);
    pro->ghosts++;
    clockpro_run_test(pro);
}

static void
clockpro_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    struct clockpro *pro = clockpro_of(policy);
    uint32_t i = clockpro_entry(from);

    to->bits = from->bits;
    ghost_set_node(&pro->table, i, to);
    if (clockpro_kind(pro, i) != CLOCKPRO_HOT) {
        TAILQ_INSERT_AFTER(&pro->cold, from, to, link);
        TAILQ_REMOVE(&pro->cold, from, link);
    }
}

static bool
clockpro_check(struct policy *policy)
{
    const struct clockpro *pro = clockpro_of(policy);
    const struct ghost_table *table = &pro->table;
    const struct base_node *node;
    uint64_t n[CLOCKPRO_KINDS] = {0}, cold = 0;
    bool hand = pro->hand_test == 0;

    if (!ghost_order_check(&pro->table, &pro->circle))
        return false;
    for (uint32_t i = pro->circle.oldest; i != 0; i = table->entry[i].newer) {
        unsigned kind = clockpro_kind(pro, i);
        n[kind]++;
        hand = hand || i == pro->hand_test;
        if (kind == CLOCKPRO_GHOST ? ghost_find(table, ghost_key(table, i)) != i
                                   : clockpro_entry(ghost_node(table, i)) != i)
            return false;
    }
    TAILQ_FOREACH (node, &pro->cold, link)
        if (!clockpro_is_cold(pro, clockpro_entry(node)) || cold++ == policy->count)
            return false;
    return hand && n[CLOCKPRO_HOT] == pro->hot && n[CLOCKPRO_COLD] + n[CLOCKPRO_TEST] == cold &&
           n[CLOCKPRO_GHOST] == pro->ghosts && pro->hot + cold == policy->count &&
           policy->count <= policy->env.capacity && pro->ghosts <= policy->env.capacity &&
           pro->target >= 1 && pro->target <= policy->env.capacity;
}

static void
clockpro_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_clockpro, policy, frames, touch, n);
}

const struct policy_ops policy_clockpro = {
    .name = "clockpro",
    .summary = "hot pages, cold ones on test, and ghosts on one clock (Jiang, Chen, Zhang 2005)",
    .wants = POLICY_IN_TURN | POLICY_HAS_GHOSTS,
    .create = clockpro_create,
    .destroy = clockpro_destroy,
    .missed = policy_ignore_missed,
    .admit = clockpro_admit,
    .accessed = clockpro_accessed,
    .victim = clockpro_victim,
    .surplus = policy_no_surplus,
    .forget = clockpro_forget,
    .cold = clockpro_cold,
    .evicted = clockpro_evicted,
    .moved = clockpro_moved,
    .replay = clockpro_replay,
    .check = clockpro_check,
};
