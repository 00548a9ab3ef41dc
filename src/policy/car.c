/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/arclists.h"
#include "policy/drive.h"

/*
 * CAR, clock with adaptive replacement: ARC's two lists as clocks, so that a hit sets a bit and
 * moves nothing.
 *
 * S. Bansal, D. S. Modha, "CAR: clock with adaptive replacement", FAST 2004, figure 2.
 *
 *      new --> T1, a clock --- hand: unused ---> B1, ghosts --- wanted: p grows ----.
 *                 |                                                                 |
 *                 | hand: used                                                      |
 *                 v                                                                 v
 *              T2, a clock --- hand: unused ---> B2, ghosts --- wanted: p shrinks --> T2
 *                 ^  |
 *                 '--' hand: used
 *
 * The lists, p and their invariants are in policy/arclists.h.
 *
 * The hand of T1 moves when T1 has p pages or more, else that of T2.  A page is at a clock's hand
 * when it is the first of its queue, and behind the hand at its end.  Where the paper's T2 cannot
 * be empty, because memory is always full when a page is replaced, T1's hand moves instead here.
 *
 * Costs: a hit is one store; a miss is two look-ups of a ghost, one of them warm; victim looks at a
 * page once, and once more a use.
 */

#define CAR_USED ((uint64_t)4) /* in bits: used since the hand passed */

static struct arc_lists *
car_of(struct policy *policy)
{
    return (struct arc_lists *)policy;
}

static enum pgw_status
car_create(const struct policy_env *env, struct policy **policy)
{
    return arc_lists_create(&policy_car, env, sizeof(struct arc_lists), policy);
}

static void
car_destroy(struct policy *policy)
{
    arc_lists_fini(car_of(policy));
    policy_delete(policy, sizeof(struct arc_lists));
}

/* p moves when the page comes in: after the replacement, as in the paper. */
static void
car_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct arc_lists *lists = car_of(policy);
    uint32_t ghost = ghost_find(&lists->ghosts, key);

    if (ghost != 0)
        arc_lists_adapt(lists, ghost_tag(&lists->ghosts, ghost));
    arc_lists_admit(lists, node, key);
}

static void
car_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)policy;
    (void)write;
    node->bits |= CAR_USED;
}

static bool
car_test_used(const struct policy *policy, struct base_node *node)
{
    return policy_referenced(policy, node) || (node->bits & CAR_USED) != 0;
}

/* The paper's replace(): which hand is to move. */
static struct policy_queue *
car_hand(struct arc_lists *lists)
{
    double recent = (double)lists->t[ARC_RECENT].n;

    if (lists->t[ARC_COLD].n > 0)
        return &lists->t[ARC_COLD];
    if (recent > 0 && (recent >= lists->p || lists->t[ARC_FREQUENT].n == 0))
        return &lists->t[ARC_RECENT];
    return &lists->t[ARC_FREQUENT];
}

static struct base_node *
car_victim(struct policy *policy)
{
    struct arc_lists *lists = car_of(policy);
    struct base_node *node = policy_queue_first(car_hand(lists));

    /* Each page is found unused once it has been passed, or all are being used without end. */
    for (uint64_t looks = 2 * policy->count; looks > 0; looks--) {
        if (!car_test_used(policy, node))
            break;
        arc_lists_shift(lists, node, ARC_FREQUENT);
        node = policy_queue_first(car_hand(lists));
    }
    return node;
}

static void
car_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_car, policy, frames, touch, n);
}

const struct policy_ops policy_car = {
    .name = "car",
    .summary = "ARC with clocks: a hit only sets a bit (Bansal, Modha 2004)",
    .wants = POLICY_IN_TURN | POLICY_HAS_GHOSTS,
    .create = car_create,
    .destroy = car_destroy,
    .missed = policy_ignore_missed,
    .admit = car_admit,
    .accessed = car_accessed,
    .victim = car_victim,
    .surplus = policy_no_surplus,
    .forget = arc_lists_forget,
    .cold = arc_lists_cold,
    .evicted = arc_lists_evicted,
    .moved = arc_lists_moved,
    .replay = car_replay,
    .check = arc_lists_check,
};
