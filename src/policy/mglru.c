/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/ghost.h"

/*
 * Generations, as Linux's multi-gen LRU has them: pages of similar age stand together; aging looks
 * at all pages and makes a new generation of those that were used; eviction consumes the oldest.
 *
 * Linux 6.1 and later, mm/vmscan.c, mm/workingset.c and Documentation/mm/multigen_lru.rst (Yu
 * Zhao).
 *
 *      oldest                                              youngest
 *      generation   -->   generation   -->   generation <-- new; and, when aging, all that was used
 *          |                   ^                 ^
 *          |-- used: ----------+-----------------'
 *          |-- not used, but of a tier whose pages come back more often: one generation on
 *          '-- else: gone, a ghost that knows its tier
 *
 * There are 2 to 4 generations.  When there are no more than 2, the pages of all are looked at,
 * which makes a third.
 *
 * A page's tier says how many times it was found used since it came or was last protected: never,
 * once, 2 or 3 times, more often.  Ghosts show how many evictions of each tier were mistakes; a
 * tier that has more than twice tier 0's share of them, and those below are not to blame, is
 * protected with all above it.  This is the proportional part of Linux's controller.  What it knows
 * fades by half with each generation.
 *
 * What differs from Linux: there, tiers count uses through file descriptors, as each use of a
 * mapped page shows as one bit only; a machine that pages sees nothing but mapped pages, so here
 * tiers count the bits found.  Files and anonymous memory have no separate oldest generations.  8
 * refaults are enough to judge a tier by, not 64, so that small memories have tiers, too.  Aging
 * looks at the pages, not at page tables with a filter, and runs when it must, never earlier.
 *
 * Invariants: each admitted node is in the list of its generation, whose number modulo 4 its bits
 * have.  min + 1 <= max <= min + 3.  ghosts <= capacity.
 *
 * Costs: accessed is one store.  Aging is a look at each page, once for each generation consumed; a
 * generation that was consumed soon finds few pages used, so that the next is larger.
 */

#define MGLRU_GENS_MIN 2u
#define MGLRU_GENS_MAX 4u
#define MGLRU_TIERS 4u
#define MGLRU_REFAULTS_MIN 8u
#define MGLRU_GEN 3u /* bits 0 and 1 of a node */
#define MGLRU_YOUNG ((uint64_t)4)
#define MGLRU_USES_SHIFT 3u /* bits 3 to 5: how many times it was found used */
#define MGLRU_USES_MAX 7u

struct mglru_tier {
    uint64_t refaults, evictions, protections;
};

struct mglru {
    struct policy policy;
    struct base_node_list gen[MGLRU_GENS_MAX]; /* by sequence number modulo 4; the first go first */
    uint64_t min, max;                         /* the oldest's and youngest's sequence numbers */
    uint64_t asks;                             /* the MMU is not asked more often in one call */
    struct mglru_tier tier[MGLRU_TIERS];
    struct ghost_order order; /* the first evicted first */
    struct ghost_table ghosts;
};

static struct mglru *
mglru_of(struct policy *policy)
{
    return (struct mglru *)policy;
}

static enum pgw_status
mglru_create(const struct policy_env *env, struct policy **policy)
{
    struct mglru *mglru = mglru_of(policy_new(&policy_mglru, env, sizeof *mglru));
    if (mglru == NULL)
        return PGW_NOMEM;
    mglru->max = MGLRU_GENS_MIN;
    for (unsigned i = 0; i < MGLRU_GENS_MAX; i++)
        TAILQ_INIT(&mglru->gen[i]);
    enum pgw_status status = ghost_init(&mglru->ghosts, env->alloc, env->frames, env->capacity);
    if (status != PGW_OK) {
        policy_delete(&mglru->policy, sizeof *mglru);
        return status;
    }
    *policy = &mglru->policy;
    return PGW_OK;
}

static void
mglru_destroy(struct policy *policy)
{
    ghost_fini(&mglru_of(policy)->ghosts);
    policy_delete(policy, sizeof(struct mglru));
}

/* ---- pages in generations ---- */

static struct base_node_list *
mglru_list(struct mglru *mglru, uint64_t seq)
{
    return &mglru->gen[seq % MGLRU_GENS_MAX];
}

static uint64_t
mglru_uses(const struct base_node *node)
{
    return node->bits >> MGLRU_USES_SHIFT;
}

static unsigned
mglru_tier(const struct base_node *node)
{
    uint64_t uses = mglru_uses(node);
    if (uses >= MGLRU_TIERS)
        return MGLRU_TIERS - 1;
    return uses > 1 ? 2 : (unsigned)uses;
}

/* Puts a node that is in no list into a generation. */
static void
mglru_append(struct mglru *mglru, struct base_node *node, uint64_t seq, uint64_t uses)
{
    node->bits = uses << MGLRU_USES_SHIFT | seq % MGLRU_GENS_MAX;
    TAILQ_INSERT_TAIL(mglru_list(mglru, seq), node, link);
}

static void
mglru_remove(struct mglru *mglru, struct base_node *node)
{
    TAILQ_REMOVE(&mglru->gen[node->bits & MGLRU_GEN], node, link);
}

static bool
mglru_used(struct mglru *mglru, struct base_node *node)
{
    bool used = mglru->asks > 0 && policy_referenced(&mglru->policy, node);
    mglru->asks -= mglru->asks > 0;
    return used || (node->bits & MGLRU_YOUNG) != 0;
}

/* The page was found used: to the youngest generation. */
static void
mglru_promote(struct mglru *mglru, struct base_node *node)
{
    uint64_t uses = mglru_uses(node);

    mglru_remove(mglru, node);
    mglru_append(mglru, node, mglru->max, uses < MGLRU_USES_MAX ? uses + 1 : uses);
}

/* Makes a new generation of the pages that were used. */
static void
mglru_age(struct mglru *mglru)
{
    mglru->max++;
    for (uint64_t seq = mglru->min; seq < mglru->max; seq++) {
        struct base_node *node, *next;
        TAILQ_FOREACH_SAFE (node, mglru_list(mglru, seq), link, next)
            if (mglru_used(mglru, node))
                mglru_promote(mglru, node);
    }
    for (unsigned t = 0; t < MGLRU_TIERS; t++) {
        struct mglru_tier *tier = &mglru->tier[t];
        tier->refaults /= 2;
        tier->evictions /= 2;
        tier->protections /= 2;
    }
}

/* Passes over empty generations, and sees to it that there are more than 2 when this is done. */
static void
mglru_advance(struct mglru *mglru)
{
    for (;;) {
        while (
            mglru->max - mglru->min >= MGLRU_GENS_MIN && TAILQ_EMPTY(mglru_list(mglru, mglru->min)))
            mglru->min++;
        if (mglru->max - mglru->min >= MGLRU_GENS_MIN)
            return;
        mglru_age(mglru);
    }
}

/* ---- tiers ---- */

/* Do the tier's pages come back more than twice as often as tier 0's? */
static bool
mglru_comes_back(const struct mglru *mglru, unsigned t)
{
    const struct mglru_tier *tier = &mglru->tier[t], *base = &mglru->tier[0];
    uint64_t all = tier->evictions + tier->protections;

    return tier->refaults >= MGLRU_REFAULTS_MIN &&
           tier->refaults * (base->evictions + MGLRU_REFAULTS_MIN) > 2 * (base->refaults + 1) * all;
}

static bool
mglru_protected(const struct mglru *mglru, unsigned tier)
{
    for (unsigned t = 1; t <= tier; t++)
        if (mglru_comes_back(mglru, t))
            return true;
    return false;
}

/* ---- the calls ---- */

static void
mglru_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct mglru *mglru = mglru_of(policy);
    uint32_t ghost = ghost_find(&mglru->ghosts, key);

    if (ghost != 0) {
        mglru->tier[ghost_tag(&mglru->ghosts, ghost)].refaults++;
        ghost_drop(&mglru->ghosts, &mglru->order, ghost);
    }
    mglru_append(mglru, node, mglru->max, 0);
    policy->count++;
}

static void
mglru_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)policy;
    (void)write;
    node->bits |= MGLRU_YOUNG;
}

static struct base_node *
mglru_victim(struct policy *policy)
{
    struct mglru *mglru = mglru_of(policy);
    struct base_node *node = NULL;

    /* Used, protected, neither: a page is looked at three times, once the MMU, which may know of
     * uses by another processor without end, is not asked any more. */
    mglru->asks = 2 * policy->count;
    for (uint64_t looks = 5 * policy->count; looks > 0; looks--) {
        mglru_advance(mglru);
        node = TAILQ_FIRST(mglru_list(mglru, mglru->min));
        unsigned tier = mglru_tier(node);
        if (mglru_used(mglru, node)) {
            mglru_promote(mglru, node);
        } else if (mglru_protected(mglru, tier)) {
            mglru->tier[tier].protections++;
            mglru_remove(mglru, node);
            mglru_append(mglru, node, mglru->min + 1, 0);
        } else {
            break;
        }
    }
    return node;
}

static void
mglru_forget(struct policy *policy, struct base_node *node)
{
    mglru_remove(mglru_of(policy), node);
    policy->count--;
}

static void
mglru_cold(struct policy *policy, struct base_node *node)
{
    struct mglru *mglru = mglru_of(policy);

    mglru_remove(mglru, node);
    node->bits = mglru->min % MGLRU_GENS_MAX;
    TAILQ_INSERT_HEAD(mglru_list(mglru, mglru->min), node, link);
}

static void
mglru_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct mglru *mglru = mglru_of(policy);
    uint32_t ghost = ghost_add(&mglru->ghosts, &mglru->order, key, policy->size);

    ghost_set_tag(&mglru->ghosts, ghost, mglru_tier(node));
    mglru->tier[mglru_tier(node)].evictions++;
    mglru_forget(policy, node);
}

static void
mglru_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    struct base_node_list *list = &mglru_of(policy)->gen[from->bits & MGLRU_GEN];

    to->bits = from->bits;
    TAILQ_INSERT_AFTER(list, from, to, link);
    TAILQ_REMOVE(list, from, link);
}

static bool
mglru_check(struct policy *policy)
{
    struct mglru *mglru = mglru_of(policy);
    uint64_t gens = mglru->max - mglru->min + 1, n = 0;

    for (uint64_t seq = mglru->min; seq <= mglru->max && gens <= MGLRU_GENS_MAX; seq++) {
        const struct base_node *node;
        TAILQ_FOREACH (node, mglru_list(mglru, seq), link)
            if (*node->link.tqe_prev != node || (node->bits & MGLRU_GEN) != seq % MGLRU_GENS_MAX ||
                n++ == policy->count)
                return false;
    }
    return gens >= MGLRU_GENS_MIN && n == policy->count && n <= policy->env.capacity &&
           ghost_order_check(&mglru->ghosts, &mglru->order);
}

static void
mglru_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_mglru, policy, frames, touch, n);
}

const struct policy_ops policy_mglru = {
    .name = "mglru",
    .summary = "generations by aging, tiers by refaults (Linux's multi-gen LRU)",
    .wants = POLICY_IN_TURN | POLICY_HAS_GHOSTS,
    .create = mglru_create,
    .destroy = mglru_destroy,
    .missed = policy_ignore_missed,
    .admit = mglru_admit,
    .accessed = mglru_accessed,
    .victim = mglru_victim,
    .surplus = policy_no_surplus,
    .forget = mglru_forget,
    .cold = mglru_cold,
    .evicted = mglru_evicted,
    .moved = mglru_moved,
    .replay = mglru_replay,
    .check = mglru_check,
};
