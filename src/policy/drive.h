/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of replay, which each policy compiles into its own file over its own functions:
 *
 *      static void
 *      lru_replay(struct policy *policy, struct policy_frames *frames,
 *          const struct policy_touch *touch, size_t n)
 *      {
 *          policy_drive(&policy_lru, policy, frames, touch, n);
 *      }
 *
 * ops is a constant that the compiler sees, so the calls through it are direct calls or none:
 * replay runs the very functions that the core calls, without the price of an indirect call a
 * reference.
 *
 * What it does is pure demand paging: a hit is told to the policy; a miss asks for a victim when
 * all frames are taken, and admits.  A page's key is its number.
 *
 * Frames are indices, 32 bits each, and the page table is an array, so that the next
 * references' entries and nodes can be fetched ahead of their turn: it is the misses of the host's
 * caches that replay spends its time on.
 */
#ifndef POLICY_DRIVE_H
#define POLICY_DRIVE_H

#include "policy/ghost.h"
#include "policy/policies.h"

/* How many references ahead entries of the page table, and then nodes, are fetched. */
#define DRIVE_AHEAD_ENTRY 24u
#define DRIVE_AHEAD_NODE 12u
/* And then its neighbours, where a use is going to unlink it. */
#define DRIVE_AHEAD_LINK 6u
/* How many victims ahead, of policies that go round. */
#define DRIVE_AHEAD_VICTIM 8u

/* What the next victim but one needs, and the entry of the next one, soon: where victims come in
 * the order of a list, each step hangs on what was fetched for the victim before. */
static inline __attribute__((always_inline)) void
policy_drive_fetch_victims(const struct policy_frames *frames, const struct base_node *victim)
{
    const struct base_node *next = TAILQ_NEXT(victim, link), *later;

    if (next == NULL || (later = TAILQ_NEXT(next, link)) == NULL)
        return;
    policy_frames_fetch(frames, frames->page_of[next - frames->node]);
    __builtin_prefetch(&frames->page_of[later - frames->node], 1);
    __builtin_prefetch(later, 1);
}

static inline __attribute__((always_inline)) void
policy_drive_evict(const struct policy_ops *ops, struct policy *policy,
    struct policy_frames *frames, struct base_node *node)
{
    uint32_t frame = (uint32_t)(node - frames->node);
    uint32_t page = frames->page_of[frame];
    bool dirty = (frames->frame_of[page] & POLICY_DIRTY) != 0;

    if ((ops->wants & POLICY_GOES_ROUND) != 0 && frame + DRIVE_AHEAD_VICTIM < frames->fresh)
        policy_frames_fetch(frames, frames->page_of[frame + DRIVE_AHEAD_VICTIM]);
    if ((ops->wants & POLICY_IN_TURN) != 0)
        policy_drive_fetch_victims(frames, node);
    frames->frame_of[page] = 0;
    ops->evicted(policy, node, page); /* which may note something there */
    frames->page_of[frame] = frames->free;
    frames->free = frame + 1;
    frames->evictions++;
    frames->writebacks += dirty;
    if (__builtin_expect(frames->on_evict != NULL, 0))
        frames->on_evict(frames->ctx, page, dirty);
}

/* A frame that holds nothing; the caller has seen to it that there is one. */
static inline __attribute__((always_inline)) uint32_t
policy_drive_frame(struct policy_frames *frames)
{
    uint32_t frame;
    if (frames->free == 0)
        return frames->fresh++;
    frame = frames->free - 1;
    frames->free = frames->page_of[frame];
    return frame;
}

static inline __attribute__((always_inline)) void
policy_drive_miss(const struct policy_ops *ops, struct policy *policy, struct policy_frames *frames,
    const struct policy_touch *touch)
{
    struct base_node *node;
    uint32_t frame;

    frames->misses[touch->first]++;
    frames->missed = touch;
    ops->missed(policy, touch->page);
    if (policy->count == frames->capacity)
        policy_drive_evict(ops, policy, frames, ops->victim(policy));
    frame = policy_drive_frame(frames);
    frames->page_of[frame] = touch->page;
    ops->admit(policy, &frames->node[frame], touch->page); /* which may look at what it noted */
    frames->frame_of[touch->page] = policy_frames_entry(frame, touch->write);
    while ((node = ops->surplus(policy)) != NULL)
        policy_drive_evict(ops, policy, frames, node);
}

/* What an entry of the page table leads to, a node or a ghost; without a branch, which would be
 * mispredicted here, once more where links are fetched, and again when its turn comes: by masks,
 * since of a choice gcc makes a branch.  entry >> 1 is twice the frame, and the size of a node
 * twice a ghost's. */
static inline __attribute__((always_inline)) void
policy_drive_fetch_told(
    const struct policy_ops *ops, const struct policy_frames *frames, uint32_t entry)
{
    uintptr_t resident = (uintptr_t)0 - (entry & POLICY_RESIDENT), at = (uintptr_t)frames->node;
    uint64_t i = entry >> 1;

    _Static_assert(sizeof(struct base_node) == 2 * sizeof(struct ghost_entry), "a node's halves");
    if ((ops->wants & POLICY_HAS_GHOSTS) != 0)
        at = (at & resident) | ((uintptr_t)frames->noted & ~resident);
    else
        i &= resident;
    __builtin_prefetch((const char *)at + i * sizeof(struct ghost_entry), 1);
}

/* And the neighbours of a node that a use is going to unlink. */
static inline __attribute__((always_inline)) void
policy_drive_fetch_links(const struct policy_frames *frames, uint32_t entry)
{
    uint32_t resident = 0 - (entry & POLICY_RESIDENT);
    const struct base_node *node = &frames->node[(entry & resident) >> POLICY_FRAME_SHIFT];

    __builtin_prefetch(node->link.tqe_next, 1);
    __builtin_prefetch(node->link.tqe_prev, 1);
}

static inline __attribute__((always_inline)) void
policy_drive_ahead(const struct policy_ops *ops, const struct policy_frames *frames,
    const struct policy_touch *touch)
{
    policy_frames_fetch(frames, touch[DRIVE_AHEAD_ENTRY].page);
    if ((ops->wants & POLICY_IGNORES_USE) != 0)
        return;
    policy_drive_fetch_told(ops, frames, frames->frame_of[touch[DRIVE_AHEAD_NODE].page]);
    if ((ops->wants & POLICY_MOVES_USED) != 0)
        policy_drive_fetch_links(frames, frames->frame_of[touch[DRIVE_AHEAD_LINK].page]);
}

static inline __attribute__((always_inline)) void
policy_drive_one(const struct policy_ops *ops, struct policy *policy, struct policy_frames *frames,
    const struct policy_touch *touch)
{
    uint32_t entry = frames->frame_of[touch->page];
    unsigned more = touch->count;

    if ((ops->wants & POLICY_WANTS_TIME) != 0)
        policy->now++;
    if (__builtin_expect((entry & POLICY_RESIDENT) == 0, 0)) {
        policy_drive_miss(ops, policy, frames, touch);
        more--;
        entry = frames->frame_of[touch->page];
    } else if (__builtin_expect((touch->write << 1 & ~entry & POLICY_DIRTY) != 0, 0)) {
        frames->frame_of[touch->page] =
            entry | POLICY_DIRTY; /* rare: so most hits store nothing here */
    }
    if ((ops->wants & POLICY_IGNORES_USE) != 0) {
        if ((ops->wants & POLICY_WANTS_TIME) != 0)
            policy->now += touch->count - 1u;
        return;
    }
    for (; more > 0; more--) {
        if ((ops->wants & POLICY_WANTS_TIME) != 0 && more < touch->count)
            policy->now++;
        ops->accessed(policy, &frames->node[entry >> POLICY_FRAME_SHIFT], touch->write != 0);
    }
}

static inline __attribute__((always_inline)) void
policy_drive(const struct policy_ops *ops, struct policy *policy, struct policy_frames *frames,
    const struct policy_touch *touch, size_t n)
{
    const struct policy_touch *end = touch + n;
    const struct policy_touch *last = n > DRIVE_AHEAD_ENTRY ? end - DRIVE_AHEAD_ENTRY : touch;

    for (; touch < last; touch++) {
        policy_drive_ahead(ops, frames, touch);
        policy_drive_one(ops, policy, frames, touch);
    }
    for (; touch < end; touch++)
        policy_drive_one(ops, policy, frames, touch);
}

#endif
