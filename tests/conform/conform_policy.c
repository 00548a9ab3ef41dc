/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance of replacement policies to vm/policy.h, law by law, over every policy; and each
 * policy against a naive one, reference by reference.
 *
 * The machine here is replay in small: a trace of page numbers, some frames, and pure demand
 * paging.  The oracle for R2 is OPT: evict the page whose next use is furthest away (Belady 1966).
 */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policies.h"
#include "support/test_env.h"

#define CONFORM_PAGES 300u   /* page numbers in a trace are below this */
#define CONFORM_LENGTH 6000u /* references in a trace */
#define CONFORM_FRAMES_MAX 64u

struct trace {
    const char *name;
    unsigned n;
    unsigned refs[CONFORM_LENGTH];
};

/* ---- the traces ---- */

static void
trace_random(struct trace *t, struct base_rng *rng)
{
    t->name = "random";
    for (unsigned i = 0; i < t->n; i++)
        t->refs[i] = (unsigned)base_rng_below(rng, 100);
}

/* A loop of 20 pages: the worst for LRU and FIFO with 19 frames. */
static void
trace_loop(struct trace *t, struct base_rng *rng)
{
    (void)rng;
    t->name = "loop";
    for (unsigned i = 0; i < t->n; i++)
        t->refs[i] = i % 20;
}

/* A few pages in steady use, with scans over many that are used once. */
static void
trace_scan(struct trace *t, struct base_rng *rng)
{
    unsigned next = 0;
    t->name = "scan";
    for (unsigned i = 0; i < t->n; i++)
        t->refs[i] = i / 200 % 2 == 0 ? (unsigned)base_rng_below(rng, 10)
                                      : 10 + next++ % (CONFORM_PAGES - 10);
}

/* Page k with a chance in proportion to 1/(k+1). */
static void
trace_zipf(struct trace *t, struct base_rng *rng)
{
    double sum[CONFORM_PAGES];
    double total = 0;
    t->name = "zipf";
    for (unsigned k = 0; k < CONFORM_PAGES; k++)
        sum[k] = total += 1.0 / (k + 1);
    for (unsigned i = 0; i < t->n; i++) {
        double at = (double)base_rng_below(rng, 1u << 30) / (1u << 30) * total;
        unsigned k = 0;
        while (k + 1 < CONFORM_PAGES && sum[k] <= at)
            k++;
        t->refs[i] = k;
    }
}

/* Localities of up to 40 pages, each in use for some hundreds of references. */
static void
trace_phases(struct trace *t, struct base_rng *rng)
{
    unsigned base = 0;
    unsigned width = 1;
    t->name = "phases";
    for (unsigned i = 0; i < t->n; i++) {
        if (i % 300 == 0) {
            width = 1 + (unsigned)base_rng_below(rng, 40);
            base = (unsigned)base_rng_below(rng, CONFORM_PAGES - 40);
        }
        t->refs[i] = base + (unsigned)base_rng_below(rng, width);
    }
}

typedef void (*trace_maker)(struct trace *t, struct base_rng *rng);
static const trace_maker makers[] = {
    trace_random, trace_loop, trace_scan, trace_zipf, trace_phases};
#define MAKERS (sizeof makers / sizeof makers[0])

/* ---- replay in small, over a policy ---- */

struct replay_page {
    struct base_node node;
    bool resident;
    bool referenced; /* stands for the MMU's bit, where the policy asks for it */
};

struct replay {
    struct base_alloc *alloc;
    struct policy *policy;
    struct replay_page pages[CONFORM_PAGES];
    uint64_t frames;
    uint64_t resident;
    uint64_t misses;
};

static bool
replay_referenced(void *ctx, struct base_node *node)
{
    struct replay_page *page = (struct replay_page *)node;
    bool was = page->referenced;
    (void)ctx;
    page->referenced = false;
    return was;
}

/* bits: references are shown through env.referenced, as in the core, not told by accessed(). */
static void
replay_init(struct replay *r, struct test_env *env, const struct policy_ops *ops, uint64_t frames,
    bool bits)
{
    memset(r, 0, sizeof *r);
    struct policy_env policy_env = {
        .referenced = bits ? replay_referenced : NULL,
        .alloc = &env->alloc,
        .capacity = frames,
        .seed = 99,
    };
    assert_int_equal(ops->create(&policy_env, &r->policy), PGW_OK);
    assert_ptr_equal(r->policy->ops, ops);
    assert_int_equal(r->policy->count, 0);
    assert_null(ops->victim(r->policy));
    r->frames = frames;
}

static void
replay_fini(struct replay *r)
{
    assert_true(r->policy->ops->check(r->policy));
    r->policy->ops->destroy(r->policy);
}

/* Evicts what the policy names and returns its number; R1 is asserted here, at every victim. */
static unsigned
replay_evict(struct replay *r)
{
    const struct policy_ops *ops = r->policy->ops;
    struct base_node *node = ops->victim(r->policy);
    struct replay_page *page = (struct replay_page *)node;
    assert_true(page >= r->pages && page < r->pages + CONFORM_PAGES);
    assert_true(page->resident);
    unsigned number = (unsigned)(page - r->pages);
    ops->evicted(r->policy, node, number);
    page->resident = false;
    r->resident--;
    /* The node is the embedder's again, who may well use it. */
    memset(node, 0xee, sizeof *node);
    return number;
}

static void
replay_forget(struct replay *r, unsigned number)
{
    struct replay_page *page = &r->pages[number];
    r->policy->ops->forget(r->policy, &page->node);
    page->resident = false;
    r->resident--;
    memset(&page->node, 0xee, sizeof page->node);
}

/* The page goes to another frame and back: nobody must notice. */
static void
replay_move(struct replay *r, unsigned number)
{
    const struct policy_ops *ops = r->policy->ops;
    struct replay_page *page = &r->pages[number];
    struct base_node other;
    memset(&other, 0xee, sizeof other);
    ops->moved(r->policy, &page->node, &other);
    memset(&page->node, 0xee, sizeof page->node);
    assert_int_equal(r->policy->count, r->resident);
    assert_true(ops->check(r->policy));
    ops->moved(r->policy, &other, &page->node);
    memset(&other, 0xee, sizeof other);
}

#define NO_VICTIM UINT32_MAX

/* One reference; returns the page evicted for it, or NO_VICTIM. */
static unsigned
replay_step(struct replay *r, unsigned number)
{
    const struct policy_ops *ops = r->policy->ops;
    struct replay_page *page = &r->pages[number];
    unsigned victim = NO_VICTIM;

    page->referenced = true;
    if (page->resident) {
        if (r->policy->env.referenced == NULL)
            ops->accessed(r->policy, &page->node, number % 2 == 0);
        return NO_VICTIM;
    }
    r->misses++;
    if (r->resident == r->frames)
        victim = replay_evict(r);
    ops->admit(r->policy, &page->node, number);
    page->resident = true;
    r->resident++;
    assert_int_equal(r->policy->count, r->resident);
    return victim;
}

static uint64_t
replay_misses(
    struct test_env *env, const struct policy_ops *ops, const struct trace *t, uint64_t frames)
{
    struct replay r;
    replay_init(&r, env, ops, frames, false);
    for (unsigned i = 0; i < t->n; i++)
        replay_step(&r, t->refs[i]);
    replay_fini(&r);
    return r.misses;
}

/* ---- naive policies: an array, in order, searched from the front ---- */

enum naive_kind { NAIVE_FIFO, NAIVE_CLOCK, NAIVE_LRU };

struct naive {
    enum naive_kind kind;
    unsigned frames;
    unsigned n;
    unsigned page[CONFORM_FRAMES_MAX]; /* fifo, clock: oldest first; lru: least recent first */
    bool used[CONFORM_FRAMES_MAX];
};

static void
naive_remove(struct naive *v, unsigned at)
{
    for (unsigned i = at; i + 1 < v->n; i++) {
        v->page[i] = v->page[i + 1];
        v->used[i] = v->used[i + 1];
    }
    v->n--;
}

static void
naive_append(struct naive *v, unsigned number, bool used)
{
    v->page[v->n] = number;
    v->used[v->n] = used;
    v->n++;
}

static unsigned
naive_find(const struct naive *v, unsigned number)
{
    for (unsigned i = 0; i < v->n; i++)
        if (v->page[i] == number)
            return i;
    return v->n;
}

/* Second chance as it is told: look at the oldest; if it was used, it is new again. */
static unsigned
naive_evict(struct naive *v)
{
    while (v->kind == NAIVE_CLOCK && v->used[0]) {
        unsigned number = v->page[0];
        naive_remove(v, 0);
        naive_append(v, number, false);
    }
    unsigned victim = v->page[0];
    naive_remove(v, 0);
    return victim;
}

static unsigned
naive_step(struct naive *v, unsigned number)
{
    unsigned at = naive_find(v, number);
    unsigned victim = NO_VICTIM;
    if (at < v->n) {
        v->used[at] = true;
        if (v->kind == NAIVE_LRU) {
            naive_remove(v, at);
            naive_append(v, number, true);
        }
        return NO_VICTIM;
    }
    if (v->n == v->frames)
        victim = naive_evict(v);
    naive_append(v, number, true);
    return victim;
}

static void
naive_forget(struct naive *v, unsigned number)
{
    unsigned at = naive_find(v, number);
    assert_true(at < v->n);
    naive_remove(v, at);
}

/* ---- OPT ---- */

/* next[i]: the index of the next reference to the same page, or n. */
static void
opt_next_uses(const struct trace *t, unsigned *next)
{
    unsigned last[CONFORM_PAGES];
    for (unsigned p = 0; p < CONFORM_PAGES; p++)
        last[p] = t->n;
    for (unsigned i = t->n; i-- > 0;) {
        next[i] = last[t->refs[i]];
        last[t->refs[i]] = i;
    }
}

static uint64_t
opt_misses(const struct trace *t, unsigned frames)
{
    static unsigned next[CONFORM_LENGTH];
    unsigned page[CONFORM_FRAMES_MAX];
    unsigned use[CONFORM_FRAMES_MAX];
    unsigned n = 0;
    uint64_t misses = 0;

    opt_next_uses(t, next);
    for (unsigned i = 0; i < t->n; i++) {
        unsigned at = 0;
        while (at < n && page[at] != t->refs[i])
            at++;
        if (at == n) {
            misses++;
            if (n < frames) {
                n++;
            } else {
                at = 0;
                for (unsigned j = 1; j < n; j++)
                    if (use[j] > use[at])
                        at = j;
            }
            page[at] = t->refs[i];
        }
        use[at] = next[i];
    }
    return misses;
}

/* ---- fixtures ---- */

static void
traces_make(struct trace *t, size_t maker)
{
    struct base_rng rng;
    test_rng_init(&rng, maker);
    t->n = CONFORM_LENGTH;
    makers[maker](t, &rng);
}

static const struct policy_ops *
ops_of(void **state)
{
    return *state;
}

/* ---- R1 ---- */

/* Admit, access, evict and forget at random; the admitted set is the model. */
static void
r1_random_operations(void **state)
{
    const uint64_t sizes[] = {1, 2, 3, 7, 64};
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct test_env env;
        struct replay r;
        struct base_rng rng;
        test_env_init(&env, 8);
        test_rng_init(&rng, s);
        replay_init(&r, &env, ops_of(state), sizes[s], s % 2 == 0);
        for (uint64_t i = test_rounds(30000); i > 0; i--) {
            unsigned number = (unsigned)base_rng_below(&rng, sizes[s] * 2 + 1);
            uint64_t what = base_rng_below(&rng, 20);
            if (what == 0 && r.pages[number].resident)
                replay_forget(&r, number);
            else if (what == 1 && r.resident > 0)
                replay_evict(&r);
            else if (what == 2 && r.resident > 0) /* asked in vain, as when the victim is busy */
                assert_non_null(r.policy->ops->victim(r.policy));
            else
                replay_step(&r, number);
            if (i % 16 == 0)
                assert_true(r.policy->ops->check(r.policy));
        }
        while (r.resident > 0)
            replay_evict(&r);
        assert_null(r.policy->ops->victim(r.policy));
        replay_fini(&r);
        test_env_fini(&env);
    }
}

/* A victim that cannot go is forgotten and admitted anew: then another must come up in the end. */
static void
r1_stuck_victims_do_not_stop_the_policy(void **state)
{
    struct test_env env;
    struct replay r;
    const struct policy_ops *ops = ops_of(state);
    test_env_init(&env, 8);
    replay_init(&r, &env, ops, 10, false);
    for (unsigned i = 0; i < 10; i++)
        replay_step(&r, i);
    unsigned tries = 0;
    for (;; tries++) {
        assert_true(tries < 1000);
        struct base_node *node = ops->victim(r.policy);
        if (node == &r.pages[7].node) /* the only one that can go */
            break;
        ops->forget(r.policy, node);
        ops->admit(r.policy, node, (uint64_t)((struct replay_page *)node - r.pages));
    }
    replay_fini(&r);
    test_env_fini(&env);
}

/* destroy with nodes still admitted does not touch them. */
static void
r1_destroy_drops_what_is_admitted(void **state)
{
    struct test_env env;
    struct replay r;
    test_env_init(&env, 8);
    replay_init(&r, &env, ops_of(state), 5, false);
    for (unsigned i = 0; i < 5; i++)
        replay_step(&r, i);
    memset(r.pages, 0xee, sizeof r.pages);
    r.policy->ops->destroy(r.policy);
    test_env_fini(&env);
}

/* ---- R2 ---- */

static void
r2_never_beats_opt(void **state)
{
    struct test_env env;
    struct trace t;
    test_env_init(&env, 8);
    for (size_t m = 0; m < MAKERS; m++) {
        traces_make(&t, m);
        uint64_t before = UINT64_MAX;
        for (unsigned frames = 1; frames <= CONFORM_FRAMES_MAX; frames++) {
            uint64_t opt = opt_misses(&t, frames);
            uint64_t misses = replay_misses(&env, ops_of(state), &t, frames);
            if (misses < opt)
                fail_msg("%s, %u frames: %lu misses, OPT %lu", t.name, frames,
                    (unsigned long)misses, (unsigned long)opt);
            assert_true(opt <= before); /* OPT is a stack algorithm */
            before = opt;
        }
        assert_int_equal(replay_misses(&env, ops_of(state), &t, 1), opt_misses(&t, 1));
    }
    test_env_fini(&env);
}

/* With a frame for every page, only first uses miss. */
static void
r2_enough_frames_miss_once_a_page(void **state)
{
    struct test_env env;
    struct trace t;
    test_env_init(&env, 8);
    for (size_t m = 0; m < MAKERS; m++) {
        bool seen[CONFORM_PAGES] = {false};
        uint64_t distinct = 0;
        traces_make(&t, m);
        for (unsigned i = 0; i < t.n; i++) {
            distinct += !seen[t.refs[i]];
            seen[t.refs[i]] = true;
        }
        assert_int_equal(replay_misses(&env, ops_of(state), &t, CONFORM_PAGES), distinct);
    }
    test_env_fini(&env);
}

/* ---- R3 ---- */

static void
r3_same_input_same_victims(void **state)
{
    struct test_env env;
    struct trace t;
    test_env_init(&env, 8);
    for (size_t m = 0; m < MAKERS; m++) {
        struct replay a;
        struct replay b; /* elsewhere in memory: addresses must not matter */
        traces_make(&t, m);
        replay_init(&a, &env, ops_of(state), 17, false);
        replay_init(&b, &env, ops_of(state), 17, false);
        for (unsigned i = 0; i < t.n; i++)
            assert_int_equal(replay_step(&a, t.refs[i]), replay_step(&b, t.refs[i]));
        replay_fini(&a);
        replay_fini(&b);
    }
    test_env_fini(&env);
}

/* ---- allocation failure ---- */

static void
create_body(void *ctx)
{
    void **args = ctx;
    const struct policy_ops *ops = args[0];
    struct test_env *env = args[1];
    struct policy_env policy_env = {.alloc = &env->alloc, .capacity = 1000, .seed = 1};
    struct policy *policy = NULL;
    enum pgw_status status = ops->create(&policy_env, &policy);
    if (status == PGW_OK) {
        ops->destroy(policy);
        return;
    }
    assert_int_equal(status, PGW_NOMEM);
    assert_null(policy);
}

static void
torture_create(void **state)
{
    struct test_env env;
    test_env_init(&env, 8);
    size_t mapped = env.alloc.mapped;
    void *args[] = {*state, &env};
    assert_true(test_each_failure(&env.inject, INJECT_MAP, false, create_body, args) >= 1);
    assert_int_equal(env.alloc.mapped, mapped);
    test_env_fini(&env);
}

/* ---- naive, reference by reference ---- */

struct pair {
    const struct policy_ops *ops;
    enum naive_kind kind;
};

static const struct pair pair_fifo = {&policy_fifo, NAIVE_FIFO};
static const struct pair pair_clock = {&policy_clock, NAIVE_CLOCK};
static const struct pair pair_lru = {&policy_lru, NAIVE_LRU};

/* forgets: now and then a resident page is forgotten by both, and another one is moved. */
static void
compare_with_naive(struct test_env *env, const struct pair *pair, const struct trace *t,
    unsigned frames, bool bits, bool forgets)
{
    struct replay r;
    struct naive v = {.kind = pair->kind, .frames = frames};
    struct base_rng rng;
    base_rng_init(&rng, frames);
    replay_init(&r, env, pair->ops, frames, bits);
    for (unsigned i = 0; i < t->n; i++) {
        unsigned expected = naive_step(&v, t->refs[i]);
        unsigned got = replay_step(&r, t->refs[i]);
        if (got != expected)
            fail_msg("%s, %u frames, reference %u: evicts %d, not %d", t->name, frames, i, (int)got,
                (int)expected);
        if (forgets && base_rng_below(&rng, 10) == 0) {
            unsigned number = v.page[base_rng_below(&rng, v.n)];
            naive_forget(&v, number);
            replay_forget(&r, number);
        }
        if (forgets && v.n > 0 && base_rng_below(&rng, 10) == 0)
            replay_move(&r, v.page[base_rng_below(&rng, v.n)]);
    }
    replay_fini(&r);
}

static void
same_victims_as_naive(void **state)
{
    const struct pair *pair = *state;
    struct test_env env;
    struct trace t;
    test_env_init(&env, 8);
    for (size_t m = 0; m < MAKERS; m++) {
        traces_make(&t, m);
        for (unsigned frames = 1; frames <= CONFORM_FRAMES_MAX; frames++) {
            compare_with_naive(&env, pair, &t, frames, false, false);
            compare_with_naive(&env, pair, &t, frames, false, true);
        }
    }
    test_env_fini(&env);
}

/* The core's way: references show as bits only.  CLOCK must evict the same pages as in replay. */
static void
same_victims_from_referenced_bits(void **state)
{
    const struct pair *pair = *state;
    struct test_env env;
    struct trace t;
    test_env_init(&env, 8);
    for (size_t m = 0; m < MAKERS; m++) {
        traces_make(&t, m);
        for (unsigned frames = 1; frames <= CONFORM_FRAMES_MAX; frames++)
            compare_with_naive(&env, pair, &t, frames, true, true);
    }
    test_env_fini(&env);
}

/* ---- golden counts ---- */

struct golden {
    const struct policy_ops *ops;
    unsigned frames;
    unsigned misses;
};

static void
golden_check(const unsigned *refs, unsigned n, const struct golden *golden, size_t count)
{
    struct test_env env;
    struct trace t = {.name = "golden", .n = n};
    memcpy(t.refs, refs, n * sizeof refs[0]);
    test_env_init(&env, 8);
    for (size_t i = 0; i < count; i++) {
        uint64_t misses = golden[i].ops == NULL
                              ? opt_misses(&t, golden[i].frames)
                              : replay_misses(&env, golden[i].ops, &t, golden[i].frames);
        if (misses != golden[i].misses)
            fail_msg("%s with %u frames: %u misses, not %u",
                golden[i].ops == NULL ? "opt" : golden[i].ops->name, golden[i].frames,
                (unsigned)misses, golden[i].misses);
    }
    test_env_fini(&env);
}

/* Belady, Nelson, Shedler 1969: one frame more, one fault more. */
static void
golden_anomaly(void **state)
{
    const unsigned refs[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
    const struct golden golden[] = {
        {&policy_fifo, 3, 9},
        {&policy_fifo, 4, 10},
        {&policy_lru, 3, 10},
        {&policy_lru, 4, 8},
        {NULL, 3, 7},
        {NULL, 4, 6},
    };
    (void)state;
    golden_check(refs, 12, golden, sizeof golden / sizeof golden[0]);
}

/* The string of Silberschatz, Galvin, Gagne, Operating System Concepts, and its shorter form. */
static void
golden_textbook(void **state)
{
    const unsigned refs[] = {7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1};
    const struct golden whole[] = {{&policy_fifo, 3, 15}, {&policy_lru, 3, 12}, {NULL, 3, 9}};
    const struct golden head[] = {{&policy_fifo, 3, 10}, {&policy_lru, 3, 9}, {NULL, 3, 7},
        {&policy_lru, 4, 6}, {NULL, 4, 6}};
    (void)state;
    golden_check(refs, 20, whole, sizeof whole / sizeof whole[0]);
    golden_check(refs, 13, head, sizeof head / sizeof head[0]);
}

/* A loop one page larger than memory: FIFO, CLOCK and LRU miss every time. */
static void
golden_loop(void **state)
{
    unsigned refs[1000];
    for (unsigned i = 0; i < 1000; i++)
        refs[i] = i % 20;
    const struct golden golden[] = {
        {&policy_fifo, 19, 1000},
        {&policy_clock, 19, 1000},
        {&policy_lru, 19, 1000},
        {&policy_fifo, 20, 20},
        {&policy_clock, 20, 20},
        {&policy_lru, 20, 20},
        {&policy_random, 20, 20},
    };
    (void)state;
    golden_check(refs, 1000, golden, sizeof golden / sizeof golden[0]);
}

/* LRU's miss count never rises with the frames; it is a stack algorithm. */
static void
lru_includes(void **state)
{
    struct test_env env;
    struct trace t;
    (void)state;
    test_env_init(&env, 8);
    for (size_t m = 0; m < MAKERS; m++) {
        uint64_t before = UINT64_MAX;
        traces_make(&t, m);
        for (unsigned frames = 1; frames <= CONFORM_FRAMES_MAX; frames++) {
            uint64_t misses = replay_misses(&env, &policy_lru, &t, frames);
            assert_true(misses <= before);
            before = misses;
        }
    }
    test_env_fini(&env);
}

/* ---- RANDOM is uniform ---- */

/*
 * Chi-squared over the victims of n admitted pages, after pages have come and gone.  The bound
 * is the mean of the distribution, n-1, and 5 of its standard deviations, sqrt(2(n-1)).
 */
static void
random_is_uniform(void **state)
{
    enum { DRAWS = 200000, MIXES = 5000 };
    struct test_env env;
    (void)state;
    test_env_init(&env, 8);
    for (unsigned n = 2; n <= 64; n *= 2) {
        struct replay r;
        struct base_rng rng;
        unsigned hits[CONFORM_PAGES] = {0};
        base_rng_init(&rng, n);
        replay_init(&r, &env, &policy_random, n, false);
        for (unsigned i = 0; i < MIXES; i++) {
            unsigned number = (unsigned)base_rng_below(&rng, CONFORM_PAGES);
            if (r.pages[number].resident && i % 3 == 0)
                replay_forget(&r, number);
            else
                replay_step(&r, number);
        }
        for (unsigned number = 0; r.resident < n; number++)
            replay_step(&r, number);
        for (unsigned i = 0; i < DRAWS; i++)
            hits[(struct replay_page *)r.policy->ops->victim(r.policy) - r.pages]++;
        double expected = (double)DRAWS / n;
        double chi = 0;
        for (unsigned p = 0; p < CONFORM_PAGES; p++)
            if (r.pages[p].resident)
                chi += (hits[p] - expected) * (hits[p] - expected) / expected;
        assert_true(chi < n - 1 + 5 * sqrt(2.0 * (n - 1)));
        replay_fini(&r);
    }
    test_env_fini(&env);
}

#define ON(test, what)                                                                             \
    {                                                                                              \
#test " (" #what ")", test, NULL, NULL, (void *)(uintptr_t)&what                           \
    }
#define ON_ALL(test)                                                                               \
    ON(test, policy_fifo), ON(test, policy_clock), ON(test, policy_lru), ON(test, policy_random)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(r1_random_operations),
        ON_ALL(r1_stuck_victims_do_not_stop_the_policy),
        ON_ALL(r1_destroy_drops_what_is_admitted),
        ON_ALL(r2_never_beats_opt),
        ON_ALL(r2_enough_frames_miss_once_a_page),
        ON_ALL(r3_same_input_same_victims),
        ON_ALL(torture_create),
        ON(same_victims_as_naive, pair_fifo),
        ON(same_victims_as_naive, pair_clock),
        ON(same_victims_as_naive, pair_lru),
        ON(same_victims_from_referenced_bits, pair_fifo),
        ON(same_victims_from_referenced_bits, pair_clock),
        cmocka_unit_test(golden_anomaly),
        cmocka_unit_test(golden_textbook),
        cmocka_unit_test(golden_loop),
        cmocka_unit_test(lru_includes),
        cmocka_unit_test(random_is_uniform),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
