/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"

/*
 * Page fault frequency: a program that faults often gets more memory; one that faults seldom gives
 * back what it does not use.
 *
 * W. W. Chu, H. Opderbeck, "Program behavior and the page-fault-frequency replacement algorithm",
 * IEEE Computer 9(11), 1976.
 *
 *      a fault
 *        soon after the one before:   the page comes in, in a frame more
 *        longer after it than T:      the page comes in, and all pages go that were not used since
 *                                     the fault before
 *
 *      fault            fault  fault               > T                fault
 *      --|---a--b--a-----|--c---|----a---c---a------------------c------|--> b goes
 *
 * So the paper; in some textbooks the bits are cleared only at faults that give memory back, which
 * keeps pages longer.  The page that the fault before brought in counts as used since, because the
 * instruction that faulted is taken up again.
 *
 * The resident set varies; what goes goes as surplus().  Only when memory is full, of which the
 * paper does not speak, a page must go at a fault that comes soon: the one that was not used for
 * the most faults.
 *
 * Each fault begins an epoch, and a use writes the epoch into the page, so that no fault has to
 * clear the bits of all pages.  The first use in an epoch moves the page to the end of a list; so
 * what was not used since a fault stands in front.
 *
 * In the core pages that come in together, such as those that were read ahead, are as many faults.
 *
 * Invariants: the list holds the admitted nodes, in the order of their epochs; none is later than
 * the present one. Costs: a use is a compare, and once an epoch a move; a fault is O(1) but for
 * what it gives back.
 */

static const struct policy_param pff_params[] = {
    {"interval", "more references between faults (core: instructions) give memory back", 1,
        1000000000000, 100000},
    {NULL, NULL, 0, 0, 0},
};

struct pff {
    struct policy policy;
    uint64_t interval;
    uint64_t epoch;   /* faults so far */
    uint64_t faulted; /* when the last one was */
    uint64_t keep;    /* pages of earlier epochs are surplus */
    struct base_node_list pages;
};

static struct pff *
pff_of(struct policy *policy)
{
    return (struct pff *)policy;
}

static enum pgw_status
pff_create(const struct policy_env *env, struct policy **policy)
{
    struct pff *pff = pff_of(policy_new(&policy_pff, env, sizeof *pff));
    if (pff == NULL)
        return PGW_NOMEM;
    pff->interval = policy_param(&policy_pff, env, 0);
    TAILQ_INIT(&pff->pages);
    *policy = &pff->policy;
    return PGW_OK;
}

static void
pff_destroy(struct policy *policy)
{
    policy_delete(policy, sizeof(struct pff));
}

static void
pff_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct pff *pff = pff_of(policy);
    (void)key;

    if (policy->now - pff->faulted > pff->interval)
        pff->keep = pff->epoch;
    pff->faulted = policy->now;
    node->bits = ++pff->epoch;
    TAILQ_INSERT_TAIL(&pff->pages, node, link);
    policy->count++;
}

static void
pff_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct pff *pff = pff_of(policy);
    (void)write;

    if (node->bits == pff->epoch)
        return;
    node->bits = pff->epoch;
    TAILQ_REMOVE(&pff->pages, node, link);
    TAILQ_INSERT_TAIL(&pff->pages, node, link);
}

/* The page in front, once those of which only the MMU knows that they were used have moved. */
static struct base_node *
pff_front(struct policy *policy)
{
    struct base_node *node = TAILQ_FIRST(&pff_of(policy)->pages);

    for (uint64_t looks = policy->count; looks > 0; looks--) {
        if (!policy_referenced(policy, node))
            break;
        pff_accessed(policy, node, false);
        node = TAILQ_FIRST(&pff_of(policy)->pages);
    }
    return node;
}

static struct base_node *
pff_victim(struct policy *policy)
{
    return pff_front(policy);
}

static struct base_node *
pff_surplus(struct policy *policy)
{
    struct pff *pff = pff_of(policy);
    struct base_node *node = TAILQ_FIRST(&pff->pages);

    if (node == NULL || node->bits >= pff->keep)
        return NULL;
    node = pff_front(policy);
    return node->bits < pff->keep ? node : NULL;
}

static void
pff_forget(struct policy *policy, struct base_node *node)
{
    TAILQ_REMOVE(&pff_of(policy)->pages, node, link);
    policy->count--;
}

/* It is the first to go when memory is full, but no reason to give memory back. */
static void
pff_cold(struct policy *policy, struct base_node *node)
{
    struct pff *pff = pff_of(policy);
    const struct base_node *first = TAILQ_FIRST(&pff->pages);

    node->bits = first->bits < pff->keep ? first->bits : pff->keep;
    TAILQ_REMOVE(&pff->pages, node, link);
    TAILQ_INSERT_HEAD(&pff->pages, node, link);
}

static void
pff_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    pff_forget(policy, node);
}

static void
pff_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    struct pff *pff = pff_of(policy);

    to->bits = from->bits;
    TAILQ_INSERT_AFTER(&pff->pages, from, to, link);
    TAILQ_REMOVE(&pff->pages, from, link);
}

static bool
pff_check(struct policy *policy)
{
    const struct pff *pff = pff_of(policy);
    const struct base_node *node;
    uint64_t n = 0, epoch = 0;

    TAILQ_FOREACH (node, &pff->pages, link) {
        if (*node->link.tqe_prev != node || node->bits < epoch)
            return false;
        epoch = node->bits;
        n++;
    }
    return epoch <= pff->epoch && n == policy->count && n <= policy->env.capacity;
}

static void
pff_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_pff, policy, frames, touch, n);
}

const struct policy_ops policy_pff = {
    .name = "pff",
    .summary =
        "memory by the frequency of faults: what was unused between two goes (Chu, Opderbeck "
        "1976)",
    .wants = POLICY_WANTS_TIME | POLICY_WANTS_SCAN | POLICY_VARIES,
    .params = pff_params,
    .create = pff_create,
    .destroy = pff_destroy,
    .missed = policy_ignore_missed,
    .admit = pff_admit,
    .accessed = pff_accessed,
    .victim = pff_victim,
    .surplus = pff_surplus,
    .forget = pff_forget,
    .cold = pff_cold,
    .evicted = pff_evicted,
    .moved = pff_moved,
    .replay = pff_replay,
    .check = pff_check,
};
