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

/*
 * What a policy may ask of its surroundings.  In the core references are learnt from the MMU's
 * referenced bits, so a policy asks when it looks at a page; in replay every reference is told
 * through accessed() and referenced is NULL.
 */
struct policy_env {
    /* Was the node's page referenced since this was last asked? Clears.  May be NULL: no. */
    bool (*referenced)(void *ctx, struct base_node *node);
    void *ctx;
    struct base_alloc *alloc;
    uint64_t capacity; /* frames that the policy ranks at the most; at least 1 */
    uint64_t seed;
};

/* Every policy starts with this. */
struct policy {
    const struct policy_ops *ops;
    struct policy_env env;
    uint64_t count; /* nodes admitted now */
};

/* Properties, for the machine that drives the policy. */
#define POLICY_WANTS_SCAN                                                                          \
    1u /* ranks by recency: the core should harvest referenced bits and                            \
          call accessed() for them between evictions */

struct policy_ops {
    const char *name;
    const char *summary; /* one line: the idea and its source */
    unsigned wants;

    enum pgw_status (*create)(const struct policy_env *env, struct policy **policy);
    void (*destroy)(struct policy *policy); /* nodes still admitted are simply dropped */

    /* The page came in.  Never fails, never allocates except for ghosts made ready in create. */
    void (*admit)(struct policy *policy, struct base_node *node, uint64_t key);
    /* An admitted page was used again.  write: to be written.  No allocation. */
    void (*accessed)(struct policy *policy, struct base_node *node, bool write);
    /* The page that should go next, NULL when none is admitted.  It stays admitted. Called twice
     * with nothing in between, it may name another page. */
    struct base_node *(*victim)(struct policy *policy);
    /* (A victim that cannot go now, being busy, wired or impossible to write, is forgotten and
     * admitted anew by the core.) */
    /* The page is gone for other reasons than replacement: no ghost. */
    void (*forget)(struct policy *policy, struct base_node *node);
    /* An admitted page is not wanted any more: it should go before others, unless it is used. */
    void (*cold)(struct policy *policy, struct base_node *node);
    /* The victim has been evicted; a policy may keep a ghost under key. */
    void (*evicted)(struct policy *policy, struct base_node *node, uint64_t key);
    /* An admitted page was moved to another frame: to, which is outside, takes from's place and all
     * that is known of it, and from is outside.  No allocation. */
    void (*moved)(struct policy *policy, struct base_node *from, struct base_node *to);

    bool (*check)(struct policy *policy);
};

#endif
