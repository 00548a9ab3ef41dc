/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the suites drive policies with: traces of page numbers, replay in small through the calls of
 * the contract one by one, replay through ops->replay, and OPT (Belady 1966) as the bound.
 */
#ifndef POLICY_RIG_H
#define POLICY_RIG_H

#include "support/test.h"

#include "policy/policies.h"
#include "policy_twins.h"
#include "support/test_env.h"

#define RIG_PAGES NAIVE_PAGES
#define RIG_LENGTH 5000u    /* references in a trace */
#define RIG_SEED 2u         /* of policies: what a core with seed 1 gives its second group */
#define RIG_FRAMES_MAX 200u /* and traces are made for so many at the most */

/* ---- traces ---- */

struct rig_trace {
    const char *name;
    unsigned n;
    unsigned page[RIG_LENGTH];
    bool write[RIG_LENGTH];
};

/* The traces by number, made for about that many frames.  False: there are fewer. */
bool rig_trace_make(struct rig_trace *t, unsigned i, unsigned frames);

/* The sizes at which a policy is tried: all of 1 to 20, then a sample up to RIG_FRAMES_MAX; 0:
 * there are fewer. */
unsigned rig_size_at(unsigned i);

/* ---- a policy, and pages in frames that do not matter ---- */

struct rig_page {
    struct base_node node;
    bool resident;
    bool referenced; /* stands for the MMU's bits, where the policy asks for them */
    bool modified;
};

struct rig {
    struct test_env *env;
    struct policy *policy;
    struct rig_page pages[RIG_PAGES];
    unsigned frames, resident;
    uint64_t misses, writebacks;
};

/* bits: references are shown through env.referenced, as in the core, not told by accessed(). */
void rig_init(struct rig *r, struct test_env *env, const struct policy_twin *twin, unsigned frames,
    bool bits);
/* The same, with a policy that has only so many frames of its capacity, and is told so. */
void rig_init_part(struct rig *r, struct test_env *env, const struct policy_twin *twin,
    uint64_t capacity, unsigned frames, bool bits);
void rig_fini(struct rig *r);

/* Evicts what the policy names and returns its number; R1 is asserted here, at every victim. */
unsigned rig_evict(struct rig *r);
void rig_forget(struct rig *r, unsigned page);
/* The page goes to another frame and back: nobody must notice. */
void rig_move(struct rig *r, unsigned page);

/* One reference, as policy/drive.h does it; the pages that went for it, in order, and how many. */
unsigned rig_step(struct rig *r, unsigned page, bool write, unsigned *evicted);
/* The same, but the policy is not told of a miss before the page comes: the core, which makes
 * room ahead of need, may not know yet. */
unsigned rig_step_untold(struct rig *r, unsigned page, bool write, unsigned *evicted);

/* Misses of the whole trace. */
uint64_t rig_misses(struct test_env *env, const struct policy_twin *twin, const struct rig_trace *t,
    unsigned frames);

/* ---- ops->replay ---- */

struct rig_replayed {
    uint64_t misses, evictions, writebacks;
    unsigned n; /* pages in evicted */
    unsigned evicted[RIG_LENGTH + RIG_FRAMES_MAX];
};

/* The whole trace, references to one page folded into a touch, in batches of random lengths. */
void rig_replay(struct test_env *env, const struct policy_twin *twin, const struct rig_trace *t,
    unsigned frames, struct rig_replayed *result);

/* ---- OPT ---- */

uint64_t rig_opt_misses(const struct rig_trace *t, unsigned frames);

/* The suite's second half: golden counts and properties of single policies. */
extern const struct CMUnitTest policy_golden_tests[];
extern const size_t policy_golden_count;

#endif
