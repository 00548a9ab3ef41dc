/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/ghost.h"

/*
 * LIRS: the pages that stay are those with a low inter-reference recency, the number of other pages
 * between a page's last two uses; how long ago the last use was is not asked.
 *
 * S. Jiang, X. Zhang, "LIRS: an efficient low inter-reference recency set replacement policy to
 * improve buffer cache performance", SIGMETRICS 2002.
 *
 *      S, by last use                          Q, the resident HIR pages
 *      top    h3  HIR, resident   <-------->   end    h3
 *             L1  LIR                                 h7   (not in S: forgotten there)
 *             g5  a ghost: HIR, gone           front  h2   <-- the next victim
 *             h2  HIR, resident
 *      bottom L4  LIR, always
 *
 *      used, LIR            to the top of S; what is then below the lowest LIR page leaves S
 *      used, HIR in S       its recency now beats the bottom's: becomes LIR; the bottom, HIR, at
 *                           the end of Q
 *      used, HIR, not in S  to the top of S and to the end of Q
 *      comes in, ghost      as used, HIR in S
 *      comes in, unknown    HIR, to the top of S and to the end of Q; LIR while there are too few
 *
 * The HIR pages' share is 1 percent, one page at the least (the authors' code asks for two), so
 * that with one frame all pages are HIR and S is empty.
 *
 * Followed is the paper, and the authors' code (lirs.c, 2002) in two things of which the paper says
 * little: uses of the page that is on top of S already count as one with the one before; and what S
 * remembers has a bound.  In the code it is S's length, 2500 times the frames; here it is the
 * number of ghosts, beyond which the one lowest in S goes.  A new page's ghost may so be the one
 * that the victim before it drives out.
 *
 * Invariants: the bottom of S is LIR, or S is empty.  A page is LIR and in S, or HIR and in Q; bits
 * is its entry of S, or 0.  LIR pages are no more than size less the HIR pages' share, but for a
 * size that has just shrunk.
 * lowest is at or below the lowest ghost, where it is known; each search for that goes on from
 * there, so that an entry is passed over once for each time that it was put on top.
 *
 * Costs: an entry of S, of which each page and ghost has one, is 12 bytes in replay and 28 in the
 * core; a use moves one, amortised with what is
 * pruned; victim O(1) in replay.
 */

enum { LIRS_LIR, LIRS_HIR, LIRS_GHOST };

static const struct policy_param lirs_params[] = {
    {"hir", "share of the HIR pages in percent; the paper has 1", 1, 99, 1},
    {"ghosts", "pages remembered, in percent of the frames; the paper has no bound", 1, 1000, 200},
    {NULL, NULL, 0, 0, 0},
};

struct lirs {
    struct policy policy;
    uint64_t hir_percent, ghost_percent;
    uint64_t lirs, ghosts;
    struct base_node_list queue; /* Q, the front first */
    struct ghost_order stack;    /* S, its bottom is the oldest */
    uint32_t lowest; /* an entry at or below the lowest ghost; 0: look from the bottom */
    struct ghost_table table;
};

static struct lirs *
lirs_of(struct policy *policy)
{
    return (struct lirs *)policy;
}

static uint64_t
lirs_max(const struct lirs *lirs)
{
    return lirs->policy.size - policy_share(lirs->policy.size, lirs->hir_percent);
}

static enum pgw_status
lirs_create(const struct policy_env *env, struct policy **policy)
{
    struct lirs *lirs = lirs_of(policy_new(&policy_lirs, env, sizeof *lirs));
    if (lirs == NULL)
        return PGW_NOMEM;
    lirs->hir_percent = policy_param(&policy_lirs, env, 0);
    lirs->ghost_percent = policy_param(&policy_lirs, env, 1);
    TAILQ_INIT(&lirs->queue);
    /* One more for a ghost that is made before the lowest goes. */
    enum pgw_status status = ghost_init(&lirs->table, env->alloc, env->frames,
        env->capacity + policy_share(env->capacity, lirs->ghost_percent) + 1);
    if (status != PGW_OK) {
        policy_delete(&lirs->policy, sizeof *lirs);
        return status;
    }
    *policy = &lirs->policy;
    return PGW_OK;
}

static void
lirs_destroy(struct policy *policy)
{
    ghost_fini(&lirs_of(policy)->table);
    policy_delete(policy, sizeof(struct lirs));
}

static bool
lirs_is_lir(const struct lirs *lirs, const struct base_node *node)
{
    return node->bits != 0 && ghost_tag(&lirs->table, (uint32_t)node->bits) == LIRS_LIR;
}

/* ---- S ---- */

static void
lirs_unlink(struct lirs *lirs, uint32_t i)
{
    if (lirs->lowest == i)
        lirs->lowest = lirs->table.entry[i].newer;
    ghost_unlink(&lirs->table, &lirs->stack, i);
}

/* Takes the entry out of S, for good. */
static void
lirs_leave(struct lirs *lirs, uint32_t i)
{
    unsigned tag = ghost_tag(&lirs->table, i);

    if (tag == LIRS_GHOST) {
        ghost_leave(&lirs->table, i);
        lirs->ghosts--;
    } else {
        lirs->lirs -= tag == LIRS_LIR;
        ghost_node(&lirs->table, i)->bits = 0;
    }
    lirs_unlink(lirs, i);
    ghost_free(&lirs->table, i);
}

/* What is below the lowest LIR page would not become LIR when used. */
static void
lirs_prune(struct lirs *lirs)
{
    uint32_t bottom;
    while ((bottom = lirs->stack.oldest) != 0 && ghost_tag(&lirs->table, bottom) != LIRS_LIR)
        lirs_leave(lirs, bottom);
}

/* The LIR page at the bottom becomes HIR. */
static void
lirs_demote(struct lirs *lirs)
{
    struct base_node *node = ghost_node(&lirs->table, lirs->stack.oldest);

    lirs_leave(lirs, lirs->stack.oldest);
    TAILQ_INSERT_TAIL(&lirs->queue, node, link);
    lirs_prune(lirs);
}

/* Puts an entry that is in no order on top of S, for a page that is LIR or HIR from now on. */
static void
lirs_push(struct lirs *lirs, uint32_t i, struct base_node *node, unsigned tag)
{
    ghost_set_node(&lirs->table, i, node);
    ghost_set_tag(&lirs->table, i, tag);
    node->bits = i;
    ghost_append(&lirs->table, &lirs->stack, i);
    if (tag == LIRS_HIR)
        TAILQ_INSERT_TAIL(&lirs->queue, node, link);
    else if (++lirs->lirs > lirs_max(lirs))
        lirs_demote(lirs);
    lirs_prune(lirs);
}

static void
lirs_drop_lowest_ghost(struct lirs *lirs)
{
    uint32_t i = lirs->lowest;

    do {
        if (i == 0)
            i = lirs->stack.oldest;
        if (ghost_tag(&lirs->table, i) == LIRS_GHOST)
            break;
        i = lirs->table.entry[i].newer;
    } while (true);
    lirs->lowest = i;
    lirs_leave(lirs, i);
}

/* ---- the calls ---- */

static void
lirs_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct lirs *lirs = lirs_of(policy);
    uint32_t i = ghost_find(&lirs->table, key);
    unsigned tag = LIRS_LIR;

    if (i != 0) {
        ghost_leave(&lirs->table, i);
        lirs->ghosts--;
        lirs_unlink(lirs, i);
    } else {
        i = ghost_new(&lirs->table);
        if (lirs->lirs >= lirs_max(lirs))
            tag = LIRS_HIR;
    }
    policy->count++;
    lirs_push(lirs, i, node, tag);
}

static void
lirs_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct lirs *lirs = lirs_of(policy);
    uint32_t i = (uint32_t)node->bits;
    (void)write;

    if (i != 0 && i == lirs->stack.newest)
        return;
    if (lirs_is_lir(lirs, node)) {
        lirs_unlink(lirs, i);
        ghost_append(&lirs->table, &lirs->stack, i);
        lirs_prune(lirs);
        return;
    }
    TAILQ_REMOVE(&lirs->queue, node, link);
    if (i != 0) {
        lirs_unlink(lirs, i);
        lirs_push(lirs, i, node, LIRS_LIR);
    } else {
        lirs_push(lirs, ghost_new(&lirs->table), node, LIRS_HIR);
    }
}

static struct base_node *
lirs_victim(struct policy *policy)
{
    struct lirs *lirs = lirs_of(policy);
    struct base_node *node = NULL;

    for (uint64_t looks = policy->count; looks > 0; looks--) {
        while (lirs->lirs > lirs_max(lirs))
            lirs_demote(lirs);
        if (TAILQ_EMPTY(&lirs->queue))
            lirs_demote(lirs);
        node = TAILQ_FIRST(&lirs->queue);
        if (!policy_referenced(policy, node))
            break;
        lirs_accessed(policy, node, false);
    }
    return node;
}

/* Takes the page out of S and Q. */
static void
lirs_remove(struct lirs *lirs, struct base_node *node)
{
    if (!lirs_is_lir(lirs, node))
        TAILQ_REMOVE(&lirs->queue, node, link);
    if (node->bits != 0)
        lirs_leave(lirs, (uint32_t)node->bits);
    lirs_prune(lirs);
}

static void
lirs_forget(struct policy *policy, struct base_node *node)
{
    lirs_remove(lirs_of(policy), node);
    policy->count--;
}

static void
lirs_cold(struct policy *policy, struct base_node *node)
{
    struct lirs *lirs = lirs_of(policy);

    lirs_remove(lirs, node);
    node->bits = 0;
    TAILQ_INSERT_HEAD(&lirs->queue, node, link);
}

static void
lirs_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct lirs *lirs = lirs_of(policy);
    uint32_t i = (uint32_t)node->bits;

    policy->count--;
    if (i == 0 || lirs_is_lir(lirs, node)) {
        lirs_remove(lirs, node);
        return;
    }
    TAILQ_REMOVE(&lirs->queue, node, link);
    ghost_set_tag(&lirs->table, i, LIRS_GHOST);
    ghost_enter(&lirs->table, i, key);
    lirs->ghosts++;
    while (lirs->ghosts > policy_share(policy->size, lirs->ghost_percent))
        lirs_drop_lowest_ghost(lirs);
}

static void
lirs_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    struct lirs *lirs = lirs_of(policy);

    to->bits = from->bits;
    if (!lirs_is_lir(lirs, from)) {
        TAILQ_INSERT_AFTER(&lirs->queue, from, to, link);
        TAILQ_REMOVE(&lirs->queue, from, link);
    }
    if (to->bits != 0)
        ghost_set_node(&lirs->table, (uint32_t)to->bits, to);
}

static bool
lirs_check(struct policy *policy)
{
    const struct lirs *lirs = lirs_of(policy);
    const struct ghost_table *table = &lirs->table;
    const struct base_node *node;
    uint64_t n[GHOST_TAG_MAX + 1] = {0}, hirs = 0, in_stack = 0;

    if (!ghost_order_check(&lirs->table, &lirs->stack))
        return false;
    for (uint32_t i = lirs->stack.oldest; i != 0; i = table->entry[i].newer) {
        unsigned tag = ghost_tag(table, i);
        n[tag]++;
        if (tag == LIRS_GHOST ? ghost_find(table, ghost_key(table, i)) != i
                              : ghost_node(table, i)->bits != i)
            return false;
    }
    TAILQ_FOREACH (node, &lirs->queue, link) {
        hirs++;
        in_stack += node->bits != 0;
        if (lirs_is_lir(lirs, node))
            return false;
    }
    return n[LIRS_LIR] == lirs->lirs && n[LIRS_HIR] == in_stack && n[LIRS_GHOST] == lirs->ghosts &&
           lirs->lirs + hirs == policy->count && policy->count <= policy->env.capacity &&
           (lirs->stack.oldest == 0 || ghost_tag(table, lirs->stack.oldest) == LIRS_LIR);
}

static void
lirs_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_lirs, policy, frames, touch, n);
}

const struct policy_ops policy_lirs = {
    .name = "lirs",
    .summary =
        "low inter-reference recency: what was used twice close together stays (Jiang, Zhang "
        "2002)",
    .wants = POLICY_WANTS_SCAN | POLICY_IN_TURN | POLICY_HAS_GHOSTS,
    .params = lirs_params,
    .create = lirs_create,
    .destroy = lirs_destroy,
    .missed = policy_ignore_missed,
    .admit = lirs_admit,
    .accessed = lirs_accessed,
    .victim = lirs_victim,
    .surplus = policy_no_surplus,
    .forget = lirs_forget,
    .cold = lirs_cold,
    .evicted = lirs_evicted,
    .moved = lirs_moved,
    .replay = lirs_replay,
    .check = lirs_check,
};
