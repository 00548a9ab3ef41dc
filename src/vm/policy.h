/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CONTRACT: policy, which page goes next.
 *
 * The same object file serves the core and replay.  A policy orders nodes that are embedded in
 * pages; a page's identity over time is its key (two residencies of one page have one key), by
 * which a policy that keeps ghosts knows it again.
 *
 *              admit                 victim, then evicted
 *    outside ---------> admitted ------------------------> outside (perhaps a ghost)
 *                        |    ^ accessed, moved, cold
 *                        +----+
 *                        | forget
 *                        v
 *                     outside, no ghost
 *
 * Laws:
 *  R1  victim() names a page that was admitted and not forgotten or evicted.
 *  R2  No policy misses less than OPT.
 *  R3  Same input, same seed: same victims.
 *  R4  What counts is the size, not the capacity: policies whose sizes are equal all the time name
 *      the same victims.
 */
#ifndef VM_POLICY_H
#define VM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/node.h"
#include "base/result.h"

struct policy;
struct policy_frames;
struct policy_touch;

#define POLICY_PARAMS_MAX 4u

/*
 * What a policy may ask of its surroundings.  In the core references are learnt from the MMU's
 * referenced bits, so a policy asks when it looks at a page; in replay every reference is told
 * through accessed() and referenced is NULL.
 */
struct policy_env {
    /* Was the node's page referenced since this was last asked? Clears.  May be NULL: no. */
    bool (*referenced)(void *ctx, struct base_node *node);
    /* Would the node's page have to be written if it went?  May be NULL: not known, as if no. */
    bool (*modified)(void *ctx, struct base_node *node);
    void *ctx;
    struct base_alloc *alloc;
    /* Of replay, in which keys are page numbers and nodes are those of the frames: a word for each
     * page that is out is the policy's.  NULL in the core; then replay() is not called. */
    struct policy_frames *frames;
    uint64_t capacity; /* frames that the policy ranks at the most; at least 1 */
    uint64_t seed;
    /* By place in policy_ops.params; 0: the parameter's default. */
    uint64_t param[POLICY_PARAMS_MAX];
};

/* A number that a policy may be tuned by, as in --policy slru:protected=50.  The list ends with a
 * name that is NULL. */
struct policy_param {
    const char *name, *summary; /* the summary with its unit and its source */
    uint64_t least, most, usual;
};

/* Every policy starts with this. */
struct policy {
    const struct policy_ops *ops;
    struct policy_env env;
    uint64_t count; /* nodes admitted now */
    uint64_t size;  /* frames that it should reckon with, 1 to env.capacity, where parts of them
                       count: create sets it to env.capacity, and replay leaves it at that; in the
                       core not all frames are for pages of this policy, and it says how many are
                       before it asks for a victim */
    uint64_t now;   /* the program's virtual time, which never goes back: in replay, references told
                       so far; in the core, its clock, which on the sim machine counts instructions,
                       about one reference each.  Set by the machine where POLICY_WANTS_TIME, before
                       each call that may look at it; 0 else. */
};

/* Properties, for the machine that drives the policy. */
#define POLICY_WANTS_SCAN                                                                          \
    1u                         /* ranks by recency: the core should harvest referenced bits and    \
                                  call accessed() for them between evictions */
#define POLICY_IGNORES_USE 2u  /* accessed() does nothing: replay need not call it */
#define POLICY_WANTS_TIME 4u   /* reads policy->now */
#define POLICY_VARIES 8u       /* surplus() may name pages: the resident set is not kept full */
#define POLICY_SHOWS_USE 16u   /* a node's bits are its page's uses, for people who watch */
#define POLICY_GOES_ROUND 32u  /* in replay victims mostly come in the order of their frames */
#define POLICY_IN_TURN 64u     /* in replay victims mostly come in the order of a list */
#define POLICY_MOVES_USED 128u /* in replay a use moves a node in a list */
#define POLICY_HAS_GHOSTS 256u /* in replay its notes of pages that are out are ghosts */

struct policy_ops {
    const char *name;
    const char *summary; /* one line: the idea and its source */
    unsigned wants;
    const struct policy_param *params; /* NULL: none */

    enum pgw_status (*create)(const struct policy_env *env, struct policy **policy);
    void (*destroy)(struct policy *policy); /* nodes still admitted are simply dropped */

    /* The page with this key is about to be admitted.  Told before victim() is asked for the room
     * that it needs; not always told (the core may make room ahead of need), so admit() must do
     * without; and it may come to nothing (a fault whose page cannot be read), so admit() may be of
     * another key.  What was told last counts; the same key twice running is one miss. */
    void (*missed)(struct policy *policy, uint64_t key);
    /* The page came in.  Never fails, never allocates except for ghosts made ready in create. */
    void (*admit)(struct policy *policy, struct base_node *node, uint64_t key);
    /* An admitted page was used again.  write: to be written.  No allocation. */
    void (*accessed)(struct policy *policy, struct base_node *node, bool write);
    /* The page that should go next, NULL when none is admitted.  It stays admitted. Called twice
     * with nothing in between, it may name another page. */
    struct base_node *(*victim)(struct policy *policy);
    /* A page that should go although there is room (policies that let the resident set vary, such
     * as PFF); NULL: none.  Never the one admitted last.  Asked after each admit until it says
     * NULL. */
    struct base_node *(*surplus)(struct policy *policy);
    /* (A victim that cannot go now, being busy, wired or impossible to write, is forgotten by the
     * core, which asks for another one, and admits it anew when it has what it wanted.) */
    /* The page is gone for other reasons than replacement: no ghost. */
    void (*forget)(struct policy *policy, struct base_node *node);
    /* An admitted page is not wanted any more: it should go before others, unless it is used. */
    void (*cold)(struct policy *policy, struct base_node *node);
    /* The victim has been evicted; a policy may keep a ghost under key. */
    void (*evicted)(struct policy *policy, struct base_node *node, uint64_t key);
    /* An admitted page was moved to another frame: to, which is outside, takes from's place and all
     * that is known of it, and from is outside.  No allocation. */
    void (*moved)(struct policy *policy, struct base_node *from, struct base_node *to);

    /* Replays n touches, in order: the loop of policy/drive.h over this policy's own functions. One
     * call a batch, so that a hit costs no call at all. */
    void (*replay)(struct policy *policy, struct policy_frames *frames,
        const struct policy_touch *touch, size_t n);

    bool (*check)(struct policy *policy);
};

/* ---- what replay hands over ---- */

/* References to one page with none to another in between. */
struct policy_touch {
    uint32_t page;  /* dense: 0, 1, 2, ... in the order of first use */
    uint16_t count; /* of references; at least 1 */
    uint8_t first;  /* POLICY_TOUCH_*: what the first of them is */
    uint8_t write;  /* 1: one of them at least writes */
};
enum { POLICY_TOUCH_READ, POLICY_TOUCH_WRITE, POLICY_TOUCH_FETCH, POLICY_TOUCH_KINDS };

struct ghost_entry;

/*
 * The frames of one policy at one size, and the page table of replay.  An entry of frame_of is
 *
 *      frame << 2 | dirty << 1 | 1     of a page that is resident
 *      note << 1                       of one that is not: what the policy has noted; 0 at first
 */
struct policy_frames {
    struct base_node *node;    /* frame i's; capacity of them */
    uint32_t *page_of;         /* the page in frame i; of a free frame, the next free one */
    uint32_t *frame_of;        /* by page; the machine keeps it long enough for every page told */
    struct ghost_entry *noted; /* what the notes are numbers of (policy/ghost.h); NULL: nothing */
    uint64_t untouched;        /* bytes of memory for that which were never touched */
    uint32_t capacity, fresh;  /* frames from fresh on were never used */
    uint32_t free;             /* head of the list of frames given back, plus 1; 0: none */
    uint64_t misses[POLICY_TOUCH_KINDS]; /* by the kind of the first reference */
    uint64_t evictions, writebacks;      /* writebacks: of pages that were dirty */
    const struct policy_touch *missed;   /* the touch that missed last */
    /* Told of each page evicted, which is for the sake of `missed`, with whether it was dirty;
     * NULL: nobody asks. */
    void (*on_evict)(void *ctx, uint32_t page, bool dirty);
    void *ctx;
};

#define POLICY_RESIDENT 1u
#define POLICY_DIRTY 2u
#define POLICY_FRAME_SHIFT 2u

static inline uint32_t
policy_frames_entry(uint32_t frame, bool dirty)
{
    return frame << POLICY_FRAME_SHIFT | (dirty ? POLICY_DIRTY : 0) | POLICY_RESIDENT;
}

/* What the policy has noted of a page; 0: nothing, or it is resident. */
static inline uint32_t
policy_frames_note(const struct policy_frames *frames, uint32_t page)
{
    uint32_t entry = frames->frame_of[page];

    return (entry & POLICY_RESIDENT) != 0 ? 0 : entry >> 1;
}

/* Of a page that is not resident; note < 2^31. */
static inline void
policy_frames_set_note(struct policy_frames *frames, uint32_t page, uint32_t note)
{
    frames->frame_of[page] = note << 1;
}

/* Its entry, soon.  Always inline: gcc takes a function that only fetches ahead for one without
 * effect, and leaves out the call. */
static inline __attribute__((always_inline)) void
policy_frames_fetch(const struct policy_frames *frames, uint32_t page)
{
    __builtin_prefetch(&frames->frame_of[page], 1);
}

/* policy_env.modified for replay; ctx is the struct policy_frames. */
static inline bool
policy_frames_modified(void *ctx, struct base_node *node)
{
    const struct policy_frames *frames = ctx;

    return (frames->frame_of[frames->page_of[node - frames->node]] & POLICY_DIRTY) != 0;
}

#endif
