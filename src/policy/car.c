/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/ghost.h"
#include "policy/queue.h"

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
 * The hand of T1 moves when T1 has p pages or more, else that of T2.  A page is at a clock's hand
 * when it is the first of its queue, and behind the hand at its end.
 *
 * p is a real number, as in the paper.  Where the paper's T2 cannot be empty, because memory is
 * always full when a page is replaced, T1's hand moves instead here.  As for ARC, ghosts are
 * shortened when the page comes in; the paper has them shortened at that point, too.
 *
 * cold: pages that are not wanted any more wait in a queue that goes first, and leave no ghost.
 *
 * Invariants, with c frames: as for ARC.  Costs: a hit is one store; a miss is one look-up of a
 * ghost; victim looks at a page once, and once more a use.
 */

enum { CAR_RECENT, CAR_FREQUENT, CAR_COLD, CAR_QUEUES };
#define CAR_USED 4u  /* in bits: used since the hand passed */
#define CAR_QUEUE 3u /* and the queue */

struct car {
    struct policy policy;
    struct policy_queue t[CAR_QUEUES]; /* from the hand on; t[0] is T1 */
    struct ghost_order b[2];
    struct ghost_table ghosts;
    double p;
};

static struct car *
car_of(struct policy *policy)
{
    return (struct car *)policy;
}

static enum pgw_status
car_create(const struct policy_env *env, struct policy **policy)
{
    struct car *car = (struct car *)policy_new(&policy_car, env, sizeof *car);
    if (car == NULL)
        return PGW_NOMEM;
    for (unsigned q = 0; q < CAR_QUEUES; q++)
        policy_queue_init(&car->t[q]);
    enum pgw_status status = ghost_init(&car->ghosts, env->alloc, env->capacity + 1);
    if (status != PGW_OK) {
        policy_delete(&car->policy, sizeof *car);
        return status;
    }
    *policy = &car->policy;
    return PGW_OK;
}

static void
car_destroy(struct policy *policy)
{
    ghost_fini(&car_of(policy)->ghosts);
    policy_delete(policy, sizeof(struct car));
}

static void
car_adapt(struct car *car, unsigned which)
{
    double mine = car->b[which].count, other = car->b[1 - which].count;
    double step = other > mine ? other / mine : 1;
    double size = (double)car->policy.size;

    car->p += which == CAR_RECENT ? step : -step;
    car->p = car->p < 0 ? 0 : car->p > size ? size : car->p;
}

static void
car_append(struct car *car, struct base_node *node, unsigned queue)
{
    node->bits = queue;
    policy_queue_append(&car->t[queue], node);
}

static void
car_drop_oldest(struct car *car, unsigned which)
{
    ghost_drop(&car->ghosts, &car->b[which], car->b[which].oldest);
}

/* "Cache directory replacement". */
static void
car_shorten(struct car *car)
{
    uint64_t size = car->policy.size;

    while (car->b[0].count > 0 && car->t[CAR_RECENT].n + car->b[0].count >= size)
        car_drop_oldest(car, 0);
    while (car->b[1].count > 0 && car->policy.count + car->b[0].count + car->b[1].count >= 2 * size)
        car_drop_oldest(car, 1);
}

static void
car_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct car *car = car_of(policy);
    uint32_t ghost = ghost_find(&car->ghosts, key);

    if (ghost != 0) {
        unsigned which = car->ghosts.entry[ghost].tag;
        car_adapt(car, which);
        ghost_drop(&car->ghosts, &car->b[which], ghost);
    } else {
        car_shorten(car);
    }
    car_append(car, node, ghost != 0 ? CAR_FREQUENT : CAR_RECENT);
    policy->count++;
}

static void
car_accessed(struct policy *policy, struct base_node *node, bool write)
{
    (void)policy;
    (void)write;
    node->bits |= CAR_USED;
}

static bool
car_test_used(const struct policy_env *env, struct base_node *node)
{
    bool used = (node->bits & CAR_USED) != 0;

    if (env->referenced != NULL && env->referenced(env->ctx, node))
        used = true;
    return used;
}

/* The paper's replace(): which hand is to move. */
static struct policy_queue *
car_hand(struct car *car)
{
    double recent = (double)car->t[CAR_RECENT].n;

    if (car->t[CAR_COLD].n > 0)
        return &car->t[CAR_COLD];
    if (recent > 0 && (recent >= car->p || car->t[CAR_FREQUENT].n == 0))
        return &car->t[CAR_RECENT];
    return &car->t[CAR_FREQUENT];
}

static struct base_node *
car_victim(struct policy *policy)
{
    struct car *car = car_of(policy);
    struct base_node *node = policy_queue_first(car_hand(car));

    /* Each page is found unused once it has been passed, or all are being used without end. */
    for (uint64_t looks = 2 * policy->count; looks > 0; looks--) {
        if (!car_test_used(&policy->env, node))
            break;
        policy_queue_remove(&car->t[node->bits & CAR_QUEUE], node);
        car_append(car, node, CAR_FREQUENT);
        node = policy_queue_first(car_hand(car));
    }
    return node;
}

static void
car_forget(struct policy *policy, struct base_node *node)
{
    policy_queue_remove(&car_of(policy)->t[node->bits & CAR_QUEUE], node);
    policy->count--;
}

static void
car_cold(struct policy *policy, struct base_node *node)
{
    struct car *car = car_of(policy);

    policy_queue_remove(&car->t[node->bits & CAR_QUEUE], node);
    car_append(car, node, CAR_COLD);
}

static void
car_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct car *car = car_of(policy);
    unsigned which = node->bits & CAR_QUEUE;

    car_forget(policy, node);
    if (which == CAR_COLD)
        return;
    if (car->b[0].count + car->b[1].count > policy->env.capacity) /* nothing came in for long */
        car_drop_oldest(car, car->b[1].count > 0);
    uint32_t ghost = ghost_add(&car->ghosts, &car->b[which], key, UINT64_MAX);
    car->ghosts.entry[ghost].tag = which;
}

static void
car_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&car_of(policy)->t[from->bits & CAR_QUEUE], from, to);
}

static bool
car_check(struct policy *policy)
{
    const struct car *car = car_of(policy);
    uint64_t n = 0;

    for (unsigned q = 0; q < CAR_QUEUES; q++) {
        if (!policy_queue_check(&car->t[q], CAR_QUEUE, q))
            return false;
        n += car->t[q].n;
    }
    return n == policy->count && n <= policy->env.capacity && car->p >= 0 &&
           car->p <= (double)policy->env.capacity &&
           car->b[0].count + car->b[1].count <= policy->env.capacity + 1 &&
           ghost_order_check(&car->ghosts, &car->b[0]) &&
           ghost_order_check(&car->ghosts, &car->b[1]);
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
    .wants = 0,
    .create = car_create,
    .destroy = car_destroy,
    .missed = policy_ignore_missed,
    .admit = car_admit,
    .accessed = car_accessed,
    .victim = car_victim,
    .surplus = policy_no_surplus,
    .forget = car_forget,
    .cold = car_cold,
    .evicted = car_evicted,
    .moved = car_moved,
    .replay = car_replay,
    .check = car_check,
};
