/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/opt.h"

/*
 * OPT, or MIN: the page whose next use is furthest in the future goes.
 *
 * L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
 * Journal 5(2), 1966; that it is optimal: R. L. Mattson and others, IBM Systems Journal 9(2), 1970.
 *
 * A heap has the resident pages by their next use, the latest on top.  A hit changes a page's next
 * use from now to later; instead of looking for the page in the heap another entry is put in, and
 * the old one stays: its time is past, so it is below all that count and never comes to the top
 * while one of them is there.  When half of the heap is of the past it is sifted out, at once.
 *
 *      heap:  [ never p7 | 905 p2 | 880 p9 | 41 p2 past | 40 p9 past ... ]    now = 50
 *
 * Pages that are never used again go first, the highest number before the others.  A page that is
 * gone leaves its entry behind, which says "never", and is recognised by not being resident.
 *
 * Costs: 20 bytes a frame, 16 of them for the heap, 4 a page; a hit O(1) on average, since most
 * next uses are near, a miss O(log frames).
 */

#define OPT_PAGE_BITS 30u
#define OPT_PAGE_MASK (((uint64_t)1 << OPT_PAGE_BITS) - 1)
#define OPT_NEVER (((uint64_t)1 << (64 - OPT_PAGE_BITS)) - 1)

enum pgw_status
opt_init(struct opt *opt, struct base_alloc *alloc, const struct policy_frames *frames)
{
    opt->room = 2 * (uint64_t)frames->capacity + 64;
    opt->heap = alloc->map(alloc, opt->room * sizeof *opt->heap);
    return opt->heap != NULL ? PGW_OK : PGW_NOMEM;
}

void
opt_fini(struct opt *opt, struct base_alloc *alloc)
{
    if (opt->heap != NULL)
        alloc->unmap(alloc, opt->heap, opt->room * sizeof *opt->heap);
}

/* Four children a node: half the levels, and they are in one line of the host's cache. */
static void
opt_sift_down(uint64_t *heap, uint64_t n, uint64_t at, uint64_t entry)
{
    for (;;) {
        uint64_t child = 4 * at + 1, most;
        if (child >= n)
            break;
        most = child;
        for (uint64_t i = child + 1; i < child + 4 && i < n; i++)
            most = heap[i] > heap[most] ? i : most;
        if (heap[most] <= entry)
            break;
        heap[at] = heap[most];
        at = most;
    }
    heap[at] = entry;
}

/* Drops what is past or gone, and makes a heap of the rest: an entry a resident page. */
static __attribute__((noinline)) void
opt_sweep(struct opt *opt, const struct policy_frames *frames)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; i < opt->n; i++) {
        uint64_t entry = opt->heap[i];
        if (entry >> OPT_PAGE_BITS > opt->now && frames->frame_of[entry & OPT_PAGE_MASK] != 0)
            opt->heap[kept++] = entry;
    }
    opt->n = kept;
    for (uint64_t i = kept / 4 + 1; i-- > 0;) {
        if (i < kept)
            opt_sift_down(opt->heap, kept, i, opt->heap[i]);
    }
}

static inline void
opt_push(struct opt *opt, const struct policy_frames *frames, uint64_t entry)
{
    if (opt->n == opt->room)
        opt_sweep(opt, frames);
    uint64_t at = opt->n++;
    while (at > 0 && opt->heap[(at - 1) / 4] < entry) {
        opt->heap[at] = opt->heap[(at - 1) / 4];
        at = (at - 1) / 4;
    }
    opt->heap[at] = entry;
}

/* The page's frame is free. */
static void
opt_free(struct opt *opt, struct policy_frames *frames, uint32_t page)
{
    uint32_t frame = frames->frame_of[page] >> POLICY_FRAME_SHIFT;

    frames->frame_of[page] = 0;
    frames->page_of[frame] = frames->free;
    frames->free = frame + 1;
    opt->resident--;
}

/* The page gets a frame, of which there is a free one; its entry. */
static uint32_t
opt_place(struct opt *opt, struct policy_frames *frames, uint32_t page)
{
    uint32_t frame = frames->free - 1;

    if (frames->free == 0)
        frame = frames->fresh++;
    else
        frames->free = frames->page_of[frame];
    frames->page_of[frame] = page;
    opt->resident++;
    return policy_frames_entry(frame, false);
}

static void
opt_evict(struct opt *opt, struct policy_frames *frames)
{
    uint32_t page, entry;

    do {
        page = (uint32_t)(opt->heap[0] & OPT_PAGE_MASK);
        entry = frames->frame_of[page];
        opt->n--;
        if (opt->n > 0)
            opt_sift_down(opt->heap, opt->n, 0, opt->heap[opt->n]);
    } while (entry == 0); /* gone */
    opt_free(opt, frames, page);
    frames->evictions++;
    frames->writebacks += (entry & POLICY_DIRTY) != 0;
    if (frames->on_evict != NULL)
        frames->on_evict(frames->ctx, page, (entry & POLICY_DIRTY) != 0);
}

static inline void
opt_touch(
    struct opt *opt, struct policy_frames *frames, const struct policy_touch *touch, uint32_t next)
{
    uint32_t entry = frames->frame_of[touch->page];
    uint64_t use = next == REPLAY_NEVER ? OPT_NEVER : opt->now + next;

    if (entry == 0) {
        frames->misses[touch->first]++;
        frames->missed = touch;
        if (opt->resident == frames->capacity)
            opt_evict(opt, frames);
        entry = opt_place(opt, frames, touch->page);
    }
    frames->frame_of[touch->page] = entry | (touch->write != 0 ? POLICY_DIRTY : 0);
    opt_push(opt, frames, use << OPT_PAGE_BITS | touch->page);
}

static void
opt_gone(struct opt *opt, struct policy_frames *frames, uint32_t page)
{
    if (frames->frame_of[page] != 0)
        opt_free(opt, frames, page);
}

void
opt_run(struct opt *opt, struct policy_frames *frames, const struct replay_batch *batch)
{
    for (uint32_t i = 0; i < batch->n; i++) {
        const struct policy_touch *touch = &batch->touch[i];
        opt->now = batch->at + i;
        if (i + 16 < batch->n)
            __builtin_prefetch(&frames->frame_of[touch[16].page], 1);
        if (touch->count > 0)
            opt_touch(opt, frames, touch, batch->next[i]);
        else if (!replay_mark_is_left(touch))
            opt_gone(opt, frames, touch->page);
    }
}

bool
opt_next_uses(const struct replay_batch *batch, uint64_t *last, uint32_t *next)
{
    for (uint32_t i = batch->n; i-- > 0;) {
        const struct policy_touch *touch = &batch->touch[i];
        uint64_t at = batch->at + i;
        next[i] = REPLAY_NEVER;
        if (i >= 16)
            __builtin_prefetch(&last[touch[-16].page], 1);
        if (touch->count == 0)
            continue;
        if (last[touch->page] != 0) {
            uint64_t distance = last[touch->page] - 1 - at;
            if (distance >= REPLAY_NEVER)
                return false;
            next[i] = (uint32_t)distance;
        }
        last[touch->page] = at + 1;
    }
    return true;
}
