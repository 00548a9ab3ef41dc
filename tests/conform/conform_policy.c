/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance of replacement policies to vm/policy.h, law by law, over every policy and setting;
 * and each against its naive twin, reference by reference, through the calls of the contract one by
 * one and through ops->replay.
 */
#include <stdlib.h>
#include <string.h>

#include "policy_rig.h"

static const struct policy_twin *
twin_of(void **state)
{
    return *state;
}

/* ---- R1 ---- */

/* Something of what happens to pages in the core, at random. */
static void
r1_operation(struct rig *r, struct base_rng *rng, unsigned number)
{
    const struct policy_ops *ops = r->policy->ops;
    unsigned evicted[RIG_FRAMES_MAX + 1];
    bool resident = r->pages[number].resident;

    switch (base_rng_below(rng, 24)) {
    case 0:
        if (resident)
            rig_forget(r, number);
        break;
    case 1:
        if (r->resident > 0)
            (void)rig_evict(r);
        break;
    case 2: /* asked in vain, as when the victim is busy */
        assert_int_equal(ops->victim(r->policy) != NULL, r->resident > 0);
        break;
    case 3:
        if (resident)
            rig_move(r, number);
        break;
    case 4:
        if (resident)
            ops->cold(r->policy, &r->pages[number].node);
        break;
    case 5: /* a fault that came to nothing */
        if (!resident)
            ops->missed(r->policy, number);
        break;
    case 6: /* the machine may reckon with fewer frames than there are */
        r->policy->size = 1 + base_rng_below(rng, r->frames);
        break;
    case 7:
    case 8:
    case 9:
        (void)rig_step_untold(r, number, number % 3 == 0, evicted);
        break;
    default:
        (void)rig_step(r, number, number % 3 == 0, evicted);
        break;
    }
}

static void
r1_random_operations(void **state)
{
    const unsigned sizes[] = {1, 2, 3, 4, 7, 30, 64, 200};
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct test_env env;
        struct rig r;
        struct base_rng rng;
        test_env_init(&env, 8);
        test_rng_init(&rng, s);
        rig_init(&r, &env, twin_of(state), sizes[s], s % 2 == 0);
        for (uint64_t i = test_rounds(20000); i > 0; i--) {
            r1_operation(&r, &rng, (unsigned)base_rng_below(&rng, sizes[s] * 2 + 1));
            if (i % 16 == 0)
                assert_true(r.policy->ops->check(r.policy));
        }
        while (r.resident > 0)
            rig_evict(&r);
        assert_null(r.policy->ops->victim(r.policy));
        rig_fini(&r);
        test_env_fini(&env);
    }
}

/* A victim that cannot go is forgotten, and another one asked for, until one can; then those that
 * could not are admitted anew. */
static void
r1_stuck_victims_do_not_stop_the_policy(void **state)
{
    const struct policy_ops *ops = twin_of(state)->ops;
    unsigned evicted[RIG_FRAMES_MAX + 1], nstuck = 0;
    struct base_node *stuck[10], *node;
    struct test_env env;
    struct rig r;
    test_env_init(&env, 8);
    rig_init(&r, &env, twin_of(state), 10, false);
    for (unsigned i = 0; i < 10; i++)
        (void)rig_step(&r, i, false, evicted);
    while ((node = ops->victim(r.policy)) != &r.pages[7].node) { /* the only one that can go */
        assert_true(nstuck < 9);
        ops->forget(r.policy, node);
        stuck[nstuck++] = node;
    }
    ops->evicted(r.policy, node, 7);
    while (nstuck > 0) {
        node = stuck[--nstuck];
        ops->admit(r.policy, node, (uint64_t)((struct rig_page *)node - r.pages));
    }
    assert_int_equal(r.policy->count, 9);
    rig_fini(&r);
    test_env_fini(&env);
}

/* destroy with nodes still admitted does not touch them. */
static void
r1_destroy_drops_what_is_admitted(void **state)
{
    unsigned evicted[RIG_FRAMES_MAX + 1];
    struct test_env env;
    struct rig r;
    test_env_init(&env, 8);
    rig_init(&r, &env, twin_of(state), 5, false);
    for (unsigned i = 0; i < 5; i++)
        (void)rig_step(&r, i, false, evicted);
    memset(r.pages, 0xee, sizeof r.pages);
    r.policy->ops->destroy(r.policy);
    test_env_fini(&env);
}

/* ---- R2 ---- */

/* What OPT misses on trace i with size s, worked out once for all policies. */
static uint64_t
r2_opt(const struct rig_trace *t, unsigned i, unsigned s)
{
    static uint64_t misses[16][64];
    assert_true(i < 16 && s < 64);
    if (misses[i][s] == 0)
        misses[i][s] = rig_opt_misses(t, rig_size_at(s));
    return misses[i][s];
}

static void
r2_never_beats_opt(void **state)
{
    struct test_env env;
    struct rig_trace t;
    test_env_init(&env, 8);
    for (unsigned i = 0; rig_trace_make(&t, i, 40); i++) {
        for (unsigned s = 0; rig_size_at(s) != 0; s++) {
            uint64_t opt = r2_opt(&t, i, s);
            uint64_t misses = rig_misses(&env, twin_of(state), &t, rig_size_at(s));
            if (misses < opt)
                fail_msg("%s, %u frames: %lu misses, OPT %lu", t.name, rig_size_at(s),
                    (unsigned long)misses, (unsigned long)opt);
            assert_true(s == 0 || opt <= r2_opt(&t, i, s - 1)); /* OPT is a stack algorithm */
        }
        assert_int_equal(rig_misses(&env, twin_of(state), &t, 1), r2_opt(&t, i, 0));
    }
    test_env_fini(&env);
}

/* With a frame for every page, only first uses miss. */
static void
r2_enough_frames_miss_once_a_page(void **state)
{
    struct test_env env;
    struct rig_trace t;
    test_env_init(&env, 8);
    for (unsigned i = 0; rig_trace_make(&t, i, 100); i++) {
        bool seen[RIG_PAGES] = {false};
        uint64_t distinct = 0;
        for (unsigned r = 0; r < t.n; r++) {
            distinct += !seen[t.page[r]];
            seen[t.page[r]] = true;
        }
        uint64_t misses = rig_misses(&env, twin_of(state), &t, RIG_PAGES);
        assert_true(misses >= distinct);
        if ((twin_of(state)->ops->wants & POLICY_VARIES) == 0)
            assert_int_equal(misses, distinct);
    }
    test_env_fini(&env);
}

/* ---- R3 ---- */

static void
r3_same_input_same_victims(void **state)
{
    unsigned gone[RIG_FRAMES_MAX + 1], also[RIG_FRAMES_MAX + 1];
    struct test_env env;
    struct rig_trace t;
    test_env_init(&env, 8);
    for (unsigned i = 0; rig_trace_make(&t, i, 17); i++) {
        struct rig a;
        struct rig b; /* elsewhere in memory: addresses must not matter */
        rig_init(&a, &env, twin_of(state), 17, false);
        rig_init(&b, &env, twin_of(state), 17, false);
        for (unsigned r = 0; r < t.n; r++) {
            unsigned n = rig_step(&a, t.page[r], t.write[r], gone);
            assert_int_equal(n, rig_step(&b, t.page[r], t.write[r], also));
            assert_memory_equal(gone, also, n * sizeof gone[0]);
        }
        rig_fini(&a);
        rig_fini(&b);
    }
    test_env_fini(&env);
}

/* ---- R4 ---- */

/* The trace with as many frames as there are, and with a part of many more: same victims. */
static void
r4_compare(struct test_env *env, const struct policy_twin *twin, const struct rig_trace *t,
    unsigned frames, uint64_t capacity)
{
    unsigned gone[RIG_FRAMES_MAX + 1], also[RIG_FRAMES_MAX + 1];
    struct rig all, part;

    rig_init(&all, env, twin, frames, false);
    rig_init_part(&part, env, twin, capacity, frames, false);
    for (unsigned r = 0; r < t->n; r++) {
        unsigned n = rig_step(&all, t->page[r], t->write[r], gone);
        assert_int_equal(n, rig_step(&part, t->page[r], t->write[r], also));
        for (unsigned k = 0; k < n; k++)
            if (gone[k] != also[k])
                fail_msg("%s, %u frames, reference %u: evicts %u, not %u of %lu frames' part",
                    t->name, frames, r, gone[k], also[k], (unsigned long)capacity);
    }
    rig_fini(&all);
    rig_fini(&part);
}

static void
r4_size_counts_not_capacity(void **state)
{
    const unsigned sizes[] = {1, 2, 3, 10, 64, 150};
    struct test_env env;
    struct rig_trace t;

    test_env_init(&env, 8);
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (unsigned i = 0; rig_trace_make(&t, i, sizes[s]); i++) {
            r4_compare(&env, twin_of(state), &t, sizes[s], 2 * sizes[s] + 1);
            r4_compare(&env, twin_of(state), &t, sizes[s], 5000);
        }
    test_env_fini(&env);
}

/* ---- allocation failure ---- */

static void
create_body(void *ctx)
{
    void **args = ctx;
    const struct policy_twin *twin = args[0];
    struct test_env *env = args[1];
    struct policy_env policy_env = {.alloc = &env->alloc, .capacity = 1000, .seed = 1};
    struct policy *policy = NULL;
    memcpy(policy_env.param, twin->param, sizeof twin->param);
    enum pgw_status status = twin->ops->create(&policy_env, &policy);
    if (status == PGW_OK) {
        twin->ops->destroy(policy);
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

struct comparison {
    const struct policy_twin *twin;
    unsigned frames;
    bool bits;    /* references show as bits only, as in the core */
    bool forgets; /* now and then a resident page is forgotten by both */
};

/* A resident page at random; RIG_PAGES: there is none. */
static unsigned
some_resident(const struct rig *r, struct base_rng *rng)
{
    unsigned from = (unsigned)base_rng_below(rng, RIG_PAGES);
    for (unsigned i = 0; i < RIG_PAGES; i++)
        if (r->pages[(from + i) % RIG_PAGES].resident)
            return (from + i) % RIG_PAGES;
    return RIG_PAGES;
}

static void
compare_step(
    const struct comparison *c, struct rig *r, void *naive, const struct rig_trace *t, unsigned i)
{
    unsigned gone[RIG_FRAMES_MAX + 1], expected[RIG_FRAMES_MAX + 1];
    unsigned want = c->twin->naive->step(naive, t->page[i], t->write[i], expected);
    unsigned n = rig_step(r, t->page[i], t->write[i], gone);

    for (unsigned k = 0; k < (n > want ? n : want); k++)
        if (k >= n || k >= want || gone[k] != expected[k])
            fail_msg("%s, %u frames, reference %u (page %u): evicts %d, not %d", t->name, c->frames,
                i, t->page[i], k < n ? (int)gone[k] : -1, k < want ? (int)expected[k] : -1);
}

static void
compare_with_naive(struct test_env *env, const struct comparison *c, const struct rig_trace *t)
{
    const struct naive_policy *naive = c->twin->naive;
    void *v = naive->create(c->frames, c->twin->param, RIG_SEED);
    struct base_rng rng;
    struct rig r;

    assert_non_null(v);
    base_rng_init(&rng, c->frames);
    rig_init(&r, env, c->twin, c->frames, c->bits);
    for (unsigned i = 0; i < t->n; i++) {
        compare_step(c, &r, v, t, i);
        if (c->forgets && naive->forget != NULL && base_rng_below(&rng, 10) == 0) {
            unsigned number = some_resident(&r, &rng);
            naive->forget(v, number);
            rig_forget(&r, number);
        }
        if (c->forgets && r.resident > 0 && base_rng_below(&rng, 10) == 0)
            rig_move(&r, some_resident(&r, &rng));
    }
    rig_fini(&r);
    naive->destroy(v);
}

static void
same_victims_as_naive(void **state)
{
    struct test_env env;
    struct rig_trace t;
    test_env_init(&env, 8);
    for (unsigned s = 0; rig_size_at(s) != 0; s++) {
        struct comparison c = {.twin = *state, .frames = rig_size_at(s)};
        for (unsigned i = 0; rig_trace_make(&t, i, c.frames); i++) {
            c.forgets = false;
            compare_with_naive(&env, &c, &t);
            c.forgets = true;
            compare_with_naive(&env, &c, &t);
        }
    }
    test_env_fini(&env);
}

/* The core's way: references show as bits only.  CLOCK must evict the same pages as in replay. */
static void
same_victims_from_referenced_bits(void **state)
{
    struct test_env env;
    struct rig_trace t;
    test_env_init(&env, 8);
    for (unsigned s = 0; rig_size_at(s) != 0; s++) {
        struct comparison c = {
            .twin = *state, .frames = rig_size_at(s), .bits = true, .forgets = s % 2 == 0};
        for (unsigned i = 0; rig_trace_make(&t, i, c.frames); i++)
            compare_with_naive(&env, &c, &t);
    }
    test_env_fini(&env);
}

/* ops->replay over folded references does what the calls do one by one. */
static void
replay_is_the_calls(void **state)
{
    static struct rig_replayed replayed;
    unsigned gone[RIG_FRAMES_MAX + 1];
    struct test_env env;
    struct rig_trace t;
    test_env_init(&env, 8);
    for (unsigned s = 0; rig_size_at(s) != 0; s++) {
        for (unsigned i = 0; rig_trace_make(&t, i, rig_size_at(s)); i++) {
            struct rig r;
            unsigned at = 0;
            rig_replay(&env, twin_of(state), &t, rig_size_at(s), &replayed);
            rig_init(&r, &env, twin_of(state), rig_size_at(s), false);
            for (unsigned k = 0; k < t.n; k++) {
                unsigned n = rig_step(&r, t.page[k], t.write[k], gone);
                assert_true(at + n <= replayed.n);
                for (unsigned g = 0; g < n; g++)
                    assert_int_equal(replayed.evicted[at++], gone[g]);
            }
            assert_int_equal(at, replayed.n);
            assert_int_equal(replayed.evictions, replayed.n);
            assert_int_equal(replayed.misses, r.misses);
            assert_int_equal(replayed.writebacks, r.writebacks);
            rig_fini(&r);
        }
    }
    test_env_fini(&env);
}

/* ---- the list: every test over every row ---- */

#define TESTS_MAX 1000u

static struct CMUnitTest tests[TESTS_MAX];
static size_t ntests;

static void
add_test(const char *name, CMUnitTestFunction function, const struct policy_twin *twin)
{
    char text[160];
    int at = snprintf(text, sizeof text, "%s (%s", name, twin->ops->name);
    for (unsigned i = 0; i < POLICY_PARAMS_MAX; i++)
        if (twin->param[i] != 0)
            at += snprintf(text + at, sizeof text - (size_t)at, ":%s=%llu",
                twin->ops->params[i].name, (unsigned long long)twin->param[i]);
    (void)snprintf(text + at, sizeof text - (size_t)at, ")");
    if (ntests == TESTS_MAX)
        abort();
    tests[ntests++] = (struct CMUnitTest){
        .name = strdup(text), .test_func = function, .initial_state = (void *)(uintptr_t)twin};
}

#define ADD(test, twin) add_test(#test, test, twin)

static void
add_tests_of(const struct policy_twin *twin)
{
    ADD(r1_random_operations, twin);
    ADD(r1_stuck_victims_do_not_stop_the_policy, twin);
    ADD(r1_destroy_drops_what_is_admitted, twin);
    ADD(r2_never_beats_opt, twin);
    ADD(r2_enough_frames_miss_once_a_page, twin);
    ADD(r3_same_input_same_victims, twin);
    ADD(r4_size_counts_not_capacity, twin);
    ADD(torture_create, twin);
    ADD(same_victims_as_naive, twin);
    if (twin->bits)
        ADD(same_victims_from_referenced_bits, twin);
    ADD(replay_is_the_calls, twin);
}

/* With a policy's name as its argument: its tests only; with golden, those of policy_golden.c. */
int
main(int argc, char **argv)
{
    const struct policy_twin *twin;

    for (unsigned i = 0; (twin = policy_twin_at(i)) != NULL; i++)
        if (argc < 2 || strcmp(argv[1], twin->ops->name) == 0)
            add_tests_of(twin);
    size_t named = ntests;
    if (argc < 2 || strcmp(argv[1], "golden") == 0)
        for (size_t i = 0; i < policy_golden_count; i++)
            tests[ntests++] = policy_golden_tests[i];
    int failed = _cmocka_run_group_tests("policy", tests, ntests, NULL, NULL);
    for (size_t i = 0; i < named; i++)
        free((void *)(uintptr_t)tests[i].name);
    return failed;
}
