/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include "policy/drive.h"
#include "policy/ghost.h"

/*
 * Adaptive: two policies are tried on a sample of the pages, and memory follows the one that does
 * better, because each single policy collapses on some program: LRU on a loop one page larger than
 * memory, what keeps old pages on a program that goes on to others.
 *
 * M. K. Qureshi, A. Jaleel, Y. N. Patt, S. C. Steely, J. Emer, "Adaptive insertion policies for
 * high performance caching", ISCA 2007: set dueling, and the two policies, which differ only in
 * where a new page goes in one stack:
 *
 *      least recently used                         most recently used
 *      page -- page -- page -- page -- page -- page -- page
 *       ^ next victim                               ^
 *       |                                           |
 *       bimodal: new pages here, but for            LRU: new pages here
 *       one in 32; a use moves a page to the other end
 *
 *      a sampled page is used --> the model of each policy --> hit or miss
 *                                    one hit, the other missed: the counter moves towards it
 *
 * Caches have sets, of which a few can be given to each policy.  Memory is one set; so pages are
 * sampled by a hash of their keys, and each policy has a model, a memory as much smaller than this
 * one as the sample is smaller than all pages, and with the sampled pages' keys only.
 *
 * A model is only as exact as the sample: a loop of a page too many may well fit into it.  So for
 * the policy that is followed its model is not asked, but what happened in memory itself.  If it
 * thrashes this shows, whatever the sample says.
 *
 * The counter saturates at as many steps from its middle as a model has frames: one policy must be
 * better for about as long as it takes to fill memory.
 *
 * Where the policy's size changes the sample does, so that models stay as large as they should be.
 * A sample of half the pages is a part of the one before, and the models give up the others; in one
 * of twice as many the pages that the models have not seen yet are missed once, by both.  A model
 * may shrink to half of the least before that happens, so that a size that goes up and down a
 * little changes nothing.
 *
 * Invariants: the list holds the admitted nodes, the next victim first; bits is a page's key,
 * scattered, so that the sample is what is small.  A model's pages are of the sample.
 *
 * Costs: as LRU, and for one use in two to the shift two looks into tables of at most 511 entries.
 */

#define ADAPTIVE_BIMODAL 32u

enum { ADAPTIVE_LRU, ADAPTIVE_BIP, ADAPTIVE_POLICIES };

static const struct policy_param adaptive_params[] = {
    {"model", "frames of a policy's model, at the least, where memory has as many", 1, 1000000,
        256},
    {NULL, NULL, 0, 0, 0},
};

/* One policy: what it would have in memory, and how many pages came in. */
struct adaptive_model {
    struct ghost_order order; /* the next victim is the oldest */
    struct ghost_table table;
    uint64_t inserted;
};

struct adaptive {
    struct policy policy;
    struct base_node_list pages;
    uint64_t inserted; /* while BIP was followed */
    uint64_t least;    /* frames that a model should have */
    uint64_t frames;   /* that it has: size >> shift */
    unsigned shift;    /* one page in 1 << shift is sampled */
    int64_t lead;      /* of BIP, at most a model's frames either way; BIP is followed above 0 */
    struct adaptive_model model[ADAPTIVE_POLICIES];
};

static struct adaptive *
adaptive_of(struct policy *policy)
{
    return (struct adaptive *)policy;
}

static void
adaptive_fini(struct adaptive *adaptive, unsigned models)
{
    while (models-- > 0)
        ghost_fini(&adaptive->model[models].table);
    policy_delete(&adaptive->policy, sizeof *adaptive);
}

static enum pgw_status
adaptive_create(const struct policy_env *env, struct policy **policy)
{
    struct adaptive *adaptive = adaptive_of(policy_new(&policy_adaptive, env, sizeof *adaptive));
    if (adaptive == NULL)
        return PGW_NOMEM;
    TAILQ_INIT(&adaptive->pages);
    adaptive->least = policy_param(&policy_adaptive, env, 0);
    for (unsigned i = 0; i < ADAPTIVE_POLICIES; i++) {
        uint64_t most = 2 * adaptive->least - 1;
        enum pgw_status status = ghost_init(&adaptive->model[i].table, env->alloc, NULL,
            most < env->capacity ? most : env->capacity);
        if (status != PGW_OK) {
            adaptive_fini(adaptive, i);
            return status;
        }
    }
    *policy = &adaptive->policy;
    return PGW_OK;
}

static void
adaptive_destroy(struct policy *policy)
{
    adaptive_fini(adaptive_of(policy), ADAPTIVE_POLICIES);
}

/* splitmix64's finalizer (Steele, Lea, Flood 2014), which gives no two keys the same. */
static uint64_t
adaptive_scatter(uint64_t key)
{
    key += 0x9e3779b97f4a7c15u; /* or 0 would be in every sample */
    key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9u;
    key = (key ^ key >> 27) * 0x94d049bb133111ebu;
    return key ^ key >> 31;
}

/* ---- the models ---- */

static bool
adaptive_sampled(const struct adaptive *adaptive, uint64_t scattered)
{
    return scattered <= UINT64_MAX >> adaptive->shift;
}

static void
adaptive_model_cut(struct adaptive *adaptive, struct adaptive_model *model)
{
    uint32_t newer;

    for (uint32_t i = model->order.oldest; i != 0; i = newer) {
        newer = model->table.entry[i].newer;
        if (!adaptive_sampled(adaptive, ghost_key(&model->table, i)))
            ghost_drop(&model->table, &model->order, i);
    }
}

/* The sample for the size that the policy has now. */
static void
adaptive_fit(struct adaptive *adaptive)
{
    uint64_t size = adaptive->policy.size, frames = size >> adaptive->shift;
    unsigned shift = 0;

    adaptive->frames = frames > 0 ? frames : 1;
    if (frames < 2 * adaptive->least && (adaptive->shift == 0 || frames >= adaptive->least / 2))
        return;
    while (size >> (shift + 1) >= adaptive->least)
        shift++;
    adaptive->shift = shift;
    adaptive->frames = size >> shift;
    for (unsigned i = 0; i < ADAPTIVE_POLICIES; i++)
        adaptive_model_cut(adaptive, &adaptive->model[i]);
}

/* Does the n-th page that comes in, from 1, go in as most recently used? */
static bool
adaptive_goes_on_top(unsigned which, uint64_t n)
{
    return which == ADAPTIVE_LRU || n % ADAPTIVE_BIMODAL == 0;
}

/* The sampled page is used under one policy.  True: it was not in memory. */
static bool
adaptive_model_use(struct adaptive *adaptive, unsigned which, uint64_t scattered)
{
    struct adaptive_model *model = &adaptive->model[which];
    uint32_t i = ghost_find(&model->table, scattered);

    if (i != 0) {
        ghost_unlink(&model->table, &model->order, i);
        ghost_append(&model->table, &model->order, i);
        return false;
    }
    while (model->order.count >= adaptive->frames)
        ghost_drop_oldest(&model->table, &model->order);
    i = ghost_new(&model->table);
    ghost_enter(&model->table, i, scattered);
    if (adaptive_goes_on_top(which, ++model->inserted))
        ghost_append(&model->table, &model->order, i);
    else
        ghost_prepend(&model->table, &model->order, i);
    return true;
}

static unsigned
adaptive_followed(const struct adaptive *adaptive)
{
    return adaptive->lead > 0 ? ADAPTIVE_BIP : ADAPTIVE_LRU;
}

/* A sampled page was used; missed: it was not in memory. */
static void
adaptive_duel(struct adaptive *adaptive, uint64_t scattered, bool missed)
{
    unsigned followed = adaptive_followed(adaptive);
    int64_t most = (int64_t)adaptive->frames;
    bool misses[ADAPTIVE_POLICIES];

    for (unsigned i = 0; i < ADAPTIVE_POLICIES; i++)
        misses[i] = adaptive_model_use(adaptive, i, scattered);
    misses[followed] = missed;
    adaptive->lead += (int64_t)misses[ADAPTIVE_LRU] - (int64_t)misses[ADAPTIVE_BIP];
    adaptive->lead = adaptive->lead > most ? most : adaptive->lead < -most ? -most : adaptive->lead;
}

static inline void
adaptive_use(struct adaptive *adaptive, uint64_t scattered, bool missed)
{
    if (adaptive_sampled(adaptive, scattered))
        adaptive_duel(adaptive, scattered, missed);
}

/* ---- the calls ---- */

static void
adaptive_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct adaptive *adaptive = adaptive_of(policy);
    unsigned followed = adaptive_followed(adaptive);

    adaptive_fit(adaptive);
    node->bits = adaptive_scatter(key);
    if (followed == ADAPTIVE_BIP)
        adaptive->inserted++;
    if (adaptive_goes_on_top(followed, adaptive->inserted))
        TAILQ_INSERT_TAIL(&adaptive->pages, node, link);
    else
        TAILQ_INSERT_HEAD(&adaptive->pages, node, link);
    policy->count++;
    adaptive_use(adaptive, node->bits, true);
}

static void
adaptive_to_top(struct adaptive *adaptive, struct base_node *node)
{
    if (TAILQ_NEXT(node, link) == NULL)
        return;
    TAILQ_REMOVE(&adaptive->pages, node, link);
    TAILQ_INSERT_TAIL(&adaptive->pages, node, link);
}

static void
adaptive_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct adaptive *adaptive = adaptive_of(policy);
    (void)write;

    adaptive_to_top(adaptive, node);
    adaptive_use(adaptive, node->bits, false);
}

static struct base_node *
adaptive_victim(struct policy *policy)
{
    struct adaptive *adaptive = adaptive_of(policy);
    struct base_node *node = TAILQ_FIRST(&adaptive->pages);

    adaptive_fit(adaptive);
    for (uint64_t looks = policy->count; looks > 0; looks--) {
        if (!policy_referenced(policy, node))
            break;
        adaptive_accessed(policy, node, false);
        node = TAILQ_FIRST(&adaptive->pages);
    }
    return node;
}

static void
adaptive_forget(struct policy *policy, struct base_node *node)
{
    TAILQ_REMOVE(&adaptive_of(policy)->pages, node, link);
    policy->count--;
}

static void
adaptive_cold(struct policy *policy, struct base_node *node)
{
    struct adaptive *adaptive = adaptive_of(policy);

    TAILQ_REMOVE(&adaptive->pages, node, link);
    TAILQ_INSERT_HEAD(&adaptive->pages, node, link);
}

static void
adaptive_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    (void)key;
    adaptive_forget(policy, node);
}

static void
adaptive_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    struct adaptive *adaptive = adaptive_of(policy);

    to->bits = from->bits;
    TAILQ_INSERT_AFTER(&adaptive->pages, from, to, link);
    TAILQ_REMOVE(&adaptive->pages, from, link);
}

static bool
adaptive_check(struct policy *policy)
{
    const struct adaptive *adaptive = adaptive_of(policy);
    const struct base_node *node;
    uint64_t n = 0;

    TAILQ_FOREACH (node, &adaptive->pages, link) {
        if (*node->link.tqe_prev != node)
            return false;
        n++;
    }
    for (unsigned i = 0; i < ADAPTIVE_POLICIES; i++) {
        const struct adaptive_model *model = &adaptive->model[i];
        if (!ghost_order_check(&model->table, &model->order))
            return false;
        for (uint32_t at = model->order.oldest; at != 0; at = model->table.entry[at].newer)
            if (!adaptive_sampled(adaptive, ghost_key(&model->table, at)))
                return false;
    }
    return n == policy->count && n <= policy->env.capacity;
}

static void
adaptive_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_adaptive, policy, frames, touch, n);
}

const struct policy_ops policy_adaptive = {
    .name = "adaptive",
    .summary =
        "LRU or bimodal insertion, whichever does better on a sample (after Qureshi and others "
        "2007)",
    .wants = POLICY_WANTS_SCAN,
    .params = adaptive_params,
    .create = adaptive_create,
    .destroy = adaptive_destroy,
    .missed = policy_ignore_missed,
    .admit = adaptive_admit,
    .accessed = adaptive_accessed,
    .victim = adaptive_victim,
    .surplus = policy_no_surplus,
    .forget = adaptive_forget,
    .cold = adaptive_cold,
    .evicted = adaptive_evicted,
    .moved = adaptive_moved,
    .replay = adaptive_replay,
    .check = adaptive_check,
};
