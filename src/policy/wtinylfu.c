/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policies.h"

#include <string.h>

#include "policy/drive.h"
#include "policy/queue.h"

/*
 * W-TinyLFU: a new page may push out an old one only if it was used more often, as far as a sketch
 * of all recent uses remembers; a small window in front gives new pages time to be used.
 *
 * G. Einziger, R. Friedman, B. Manes, "TinyLFU: a highly efficient cache admission policy", ACM
 * Transactions on Storage 13(4), 2017.
 *
 *      new --> window, LRU, 1% --- its oldest ---+
 *                                                | used more often than probation's oldest?
 *                                         yes    v    no
 *                       probation's goes <------ ? ------> it goes itself
 *                                          |
 *              probation, LRU  <-----------'
 *                 |      ^
 *            used |      | protected has too many: its oldest
 *                 v      |
 *              protected, LRU, 80% of what is not window
 *
 * The sketch is a count-min of 4 rows of counters of 4 bits.  A page's four counters lie in one
 * block of 64 bytes, so that counting a use costs one miss of the host's cache, as in the authors'
 * library (Caffeine).  When 10 uses a frame have been counted all counters are halved, and so is
 * the number of uses: what is remembered fades.
 *
 * Paper and library disagree on some points.  The paper's doorkeeper, a Bloom filter for what was
 * used once, is left out, as in the library: it saves room for large samples, which counters of 4
 * bits a page do not need.  The library admits warm candidates at random now and then, against
 * attacks; here a candidate must win, as in the paper.  The window's share does not adapt.
 *
 * A page's own coming is counted when it comes, after the victim was chosen; it takes no part in
 * that choice but where counters are shared.
 *
 * cold: pages that are not wanted any more wait in a queue of their own, which goes first.
 *
 * Invariants: each admitted node is in the list that its bits name, above which they have the hash
 * of its key.  The window and protected have no more than their shares, but for a size that has
 * just shrunk.
 *
 * Costs: 8 to 16 bytes a frame; a use reads and writes a block of the sketch and moves a node;
 * victim reads two blocks; halving is a pass over the sketch, once for 5 uses a frame.
 */

enum {
    WTINYLFU_WINDOW,
    WTINYLFU_PROBATION,
    WTINYLFU_PROTECTED,
    WTINYLFU_COLD,
    WTINYLFU_LISTS,
};
#define WTINYLFU_LIST 7u /* bits 0 to 2 of a node: its list; the rest is of the hash */
#define WTINYLFU_ROWS 4u
#define WTINYLFU_BLOCK 8u /* words in a block: two a row */
#define WTINYLFU_COUNT_MAX 15u
#define WTINYLFU_SAMPLE 10u /* uses a frame between halvings */
#define WTINYLFU_PROTECTED_PERCENT 80u

static const struct policy_param wtinylfu_params[] = {
    {"window", "share of the window in percent; the paper has 1", 1, 99, 1},
    {NULL, NULL, 0, 0, 0},
};

struct wtinylfu {
    struct policy policy;
    uint64_t percent;
    struct policy_queue list[WTINYLFU_LISTS]; /* the least recently used first */
    uint64_t *sketch;                         /* all zero beyond the blocks in use */
    uint64_t room;                            /* blocks in it, enough for the capacity */
    uint64_t blocks; /* in use: as many as the size deserves, a power of two; 0: not known yet */
    uint64_t counted;
};

static struct wtinylfu *
wtinylfu_of(struct policy *policy)
{
    return (struct wtinylfu *)policy;
}

static size_t
wtinylfu_sketch_len(const struct wtinylfu *lfu)
{
    return lfu->room * WTINYLFU_BLOCK * sizeof lfu->sketch[0];
}

static uint64_t
wtinylfu_blocks(uint64_t frames)
{
    uint64_t blocks = 1;
    while (blocks * WTINYLFU_BLOCK < frames)
        blocks *= 2;
    return blocks;
}

static enum pgw_status
wtinylfu_create(const struct policy_env *env, struct policy **policy)
{
    struct wtinylfu *lfu = wtinylfu_of(policy_new(&policy_wtinylfu, env, sizeof *lfu));
    if (lfu == NULL)
        return PGW_NOMEM;
    lfu->percent = policy_param(&policy_wtinylfu, env, 0);
    for (unsigned i = 0; i < WTINYLFU_LISTS; i++)
        policy_queue_init(&lfu->list[i]);
    lfu->room = wtinylfu_blocks(env->capacity);
    lfu->sketch = env->alloc->map(env->alloc, wtinylfu_sketch_len(lfu));
    if (lfu->sketch == NULL) {
        policy_delete(&lfu->policy, sizeof *lfu);
        return PGW_NOMEM;
    }
    *policy = &lfu->policy;
    return PGW_OK;
}

static void
wtinylfu_destroy(struct policy *policy)
{
    struct wtinylfu *lfu = wtinylfu_of(policy);

    policy->env.alloc->unmap(policy->env.alloc, lfu->sketch, wtinylfu_sketch_len(lfu));
    policy_delete(policy, sizeof *lfu);
}

/* ---- the sketch ---- */

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014), with room for the list. */
static uint64_t
wtinylfu_hash(uint64_t key)
{
    key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9u;
    key = (key ^ key >> 27) * 0x94d049bb133111ebu;
    return (key ^ key >> 31) & ~(uint64_t)WTINYLFU_LIST;
}

/* The word with the page's counter of a row, and where the counter begins.  A byte of the hash says
 * which of the row's 32 it is; the block is another part of the hash. */
static inline uint64_t *
wtinylfu_counter(const struct wtinylfu *lfu, uint64_t hash, unsigned row, unsigned *shift)
{
    unsigned which = (unsigned)(hash >> (8 + 6 * row)) & 31u;
    uint64_t block = hash >> 32 & (lfu->blocks - 1);

    *shift = which / 2 * 4;
    return &lfu->sketch[block * WTINYLFU_BLOCK + 2ul * row + which % 2];
}

static unsigned
wtinylfu_estimate(const struct wtinylfu *lfu, uint64_t hash)
{
    unsigned least = WTINYLFU_COUNT_MAX;

    for (unsigned row = 0; row < WTINYLFU_ROWS; row++) {
        unsigned shift;
        uint64_t word = *wtinylfu_counter(lfu, hash, row, &shift);
        unsigned count = (unsigned)(word >> shift) & WTINYLFU_COUNT_MAX;
        least = count < least ? count : least;
    }
    return least;
}

static void
wtinylfu_halve(struct wtinylfu *lfu)
{
    for (uint64_t i = 0; i < lfu->blocks * WTINYLFU_BLOCK; i++)
        lfu->sketch[i] = lfu->sketch[i] >> 1 & 0x7777777777777777u;
    lfu->counted /= 2;
}

static inline void
wtinylfu_count(struct wtinylfu *lfu, uint64_t hash)
{
    for (unsigned row = 0; row < WTINYLFU_ROWS; row++) {
        unsigned shift;
        uint64_t *word = wtinylfu_counter(lfu, hash, row, &shift);
        bool full = (*word >> shift & WTINYLFU_COUNT_MAX) == WTINYLFU_COUNT_MAX;
        *word += (uint64_t)!full << shift;
    }
    if (++lfu->counted >= WTINYLFU_SAMPLE * lfu->policy.size)
        wtinylfu_halve(lfu);
}

/* Begins anew with as many blocks as the size deserves, where that is more, or far less.  Halving
 * goes through all of them: those of memory that belongs to others would cost a small part dear. */
static void
wtinylfu_fit(struct wtinylfu *lfu)
{
    uint64_t frames = lfu->blocks * WTINYLFU_BLOCK;

    if (lfu->policy.size <= frames && (lfu->blocks == 1 || lfu->policy.size > frames / 4))
        return;
    memset(lfu->sketch, 0, lfu->blocks * WTINYLFU_BLOCK * sizeof lfu->sketch[0]);
    lfu->blocks = wtinylfu_blocks(lfu->policy.size);
    lfu->counted = 0;
}

/* ---- the lists ---- */

static uint64_t
wtinylfu_window_max(const struct wtinylfu *lfu)
{
    return policy_share(lfu->policy.size, lfu->percent);
}

static unsigned
wtinylfu_list(const struct base_node *node)
{
    return (unsigned)(node->bits & WTINYLFU_LIST);
}

static void
wtinylfu_remove(struct wtinylfu *lfu, struct base_node *node)
{
    policy_queue_remove(&lfu->list[wtinylfu_list(node)], node);
}

static void
wtinylfu_append(struct wtinylfu *lfu, struct base_node *node, unsigned list)
{
    node->bits = (node->bits & ~(uint64_t)WTINYLFU_LIST) | list;
    policy_queue_append(&lfu->list[list], node);
}

static void
wtinylfu_shift(struct wtinylfu *lfu, struct base_node *node, unsigned list)
{
    wtinylfu_remove(lfu, node);
    wtinylfu_append(lfu, node, list);
}

/* What a list has beyond max goes on probation. */
static void
wtinylfu_shed(struct wtinylfu *lfu, unsigned list, uint64_t max)
{
    while (lfu->list[list].n > max)
        wtinylfu_shift(lfu, policy_queue_first(&lfu->list[list]), WTINYLFU_PROBATION);
}

static void
wtinylfu_shed_window(struct wtinylfu *lfu)
{
    wtinylfu_shed(lfu, WTINYLFU_WINDOW, wtinylfu_window_max(lfu));
}

static void
wtinylfu_shed_protected(struct wtinylfu *lfu)
{
    uint64_t rest = lfu->policy.size - wtinylfu_window_max(lfu);
    wtinylfu_shed(lfu, WTINYLFU_PROTECTED, rest * WTINYLFU_PROTECTED_PERCENT / 100);
}

/* ---- the calls ---- */

static void
wtinylfu_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct wtinylfu *lfu = wtinylfu_of(policy);

    wtinylfu_fit(lfu);
    node->bits = wtinylfu_hash(key);
    wtinylfu_count(lfu, node->bits);
    wtinylfu_append(lfu, node, WTINYLFU_WINDOW);
    wtinylfu_shed_window(lfu);
    policy->count++;
}

static void
wtinylfu_accessed(struct policy *policy, struct base_node *node, bool write)
{
    struct wtinylfu *lfu = wtinylfu_of(policy);
    unsigned list = wtinylfu_list(node);
    (void)write;

    wtinylfu_count(lfu, node->bits);
    if (list == WTINYLFU_PROBATION) {
        wtinylfu_shift(lfu, node, WTINYLFU_PROTECTED);
        wtinylfu_shed_protected(lfu);
    } else if (list == WTINYLFU_COLD) {
        wtinylfu_shift(lfu, node, WTINYLFU_PROBATION);
    } else if (TAILQ_NEXT(node, link) != NULL) {
        policy_queue_remove(&lfu->list[list], node);
        policy_queue_append(&lfu->list[list], node);
    }
}

/* The one that would go were none of them used; NULL: none is admitted. */
static struct base_node *
wtinylfu_loser(struct wtinylfu *lfu)
{
    struct base_node *candidate = policy_queue_first(&lfu->list[WTINYLFU_WINDOW]);
    struct base_node *resident = policy_queue_first(&lfu->list[WTINYLFU_PROBATION]);

    if (lfu->list[WTINYLFU_COLD].n > 0)
        return policy_queue_first(&lfu->list[WTINYLFU_COLD]);
    if (resident == NULL)
        resident = policy_queue_first(&lfu->list[WTINYLFU_PROTECTED]);
    if (resident == NULL)
        return candidate;
    if (lfu->list[WTINYLFU_WINDOW].n < wtinylfu_window_max(lfu))
        return resident;
    bool wins = wtinylfu_estimate(lfu, candidate->bits) > wtinylfu_estimate(lfu, resident->bits);
    return wins ? resident : candidate;
}

static struct base_node *
wtinylfu_victim(struct policy *policy)
{
    struct wtinylfu *lfu = wtinylfu_of(policy);
    struct base_node *node = NULL;

    wtinylfu_fit(lfu);
    wtinylfu_shed_window(lfu);
    wtinylfu_shed_protected(lfu);
    for (uint64_t looks = policy->count; looks > 0; looks--) {
        node = wtinylfu_loser(lfu);
        if (!policy_referenced(policy, node))
            break;
        wtinylfu_accessed(policy, node, false);
    }
    return node;
}

static void
wtinylfu_forget(struct policy *policy, struct base_node *node)
{
    struct wtinylfu *lfu = wtinylfu_of(policy);

    wtinylfu_remove(lfu, node);
    policy->count--;
}

static void
wtinylfu_cold(struct policy *policy, struct base_node *node)
{
    wtinylfu_shift(wtinylfu_of(policy), node, WTINYLFU_COLD);
}

static void
wtinylfu_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    struct wtinylfu *lfu = wtinylfu_of(policy);
    (void)key;

    wtinylfu_remove(lfu, node);
    policy->count--;
}

static void
wtinylfu_moved(struct policy *policy, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&wtinylfu_of(policy)->list[wtinylfu_list(from)], from, to);
}

static bool
wtinylfu_check(struct policy *policy)
{
    const struct wtinylfu *lfu = wtinylfu_of(policy);
    uint64_t sum = 0;

    for (unsigned list = 0; list < WTINYLFU_LISTS; list++) {
        if (!policy_queue_check(&lfu->list[list], WTINYLFU_LIST, list))
            return false;
        sum += lfu->list[list].n;
    }
    return sum == policy->count && sum <= policy->env.capacity &&
           lfu->counted < WTINYLFU_SAMPLE * policy->env.capacity;
}

static void
wtinylfu_replay(
    struct policy *policy, struct policy_frames *frames, const struct policy_touch *touch, size_t n)
{
    policy_drive(&policy_wtinylfu, policy, frames, touch, n);
}

const struct policy_ops policy_wtinylfu = {
    .name = "wtinylfu",
    .summary =
        "a new page must have been used more often than an old one (Einziger and others 2017)",
    .wants = POLICY_WANTS_SCAN,
    .params = wtinylfu_params,
    .create = wtinylfu_create,
    .destroy = wtinylfu_destroy,
    .missed = policy_ignore_missed,
    .admit = wtinylfu_admit,
    .accessed = wtinylfu_accessed,
    .victim = wtinylfu_victim,
    .surplus = policy_no_surplus,
    .forget = wtinylfu_forget,
    .cold = wtinylfu_cold,
    .evicted = wtinylfu_evicted,
    .moved = wtinylfu_moved,
    .replay = wtinylfu_replay,
    .check = wtinylfu_check,
};
