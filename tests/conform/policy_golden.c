/* SPDX-License-Identifier: BSD-2-Clause */
/* Golden counts from papers and textbooks, and properties that single policies are known for. */
#include "policy_rig.h"

#include <math.h>
#include <string.h>

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
    struct rig_trace t = {.name = "golden", .n = n};
    memcpy(t.page, refs, n * sizeof refs[0]);
    test_env_init(&env, 8);
    for (size_t i = 0; i < count; i++) {
        struct policy_twin twin = {.ops = golden[i].ops};
        uint64_t misses = golden[i].ops == NULL ? rig_opt_misses(&t, golden[i].frames)
                                                : rig_misses(&env, &twin, &t, golden[i].frames);
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
        /* 18 pages are LIR and stay; the other two take turns in one frame. */
        {&policy_lirs, 19, 20 + 49 * 2},
        {&policy_lirs, 20, 20},
    };
    (void)state;
    golden_check(refs, 1000, golden, sizeof golden / sizeof golden[0]);
}

/* LRU's miss count never rises with the frames; it is a stack algorithm. */
static void
lru_includes(void **state)
{
    const struct policy_twin lru = {.ops = &policy_lru};
    struct test_env env;
    struct rig_trace t;
    (void)state;
    test_env_init(&env, 8);
    for (unsigned i = 0; rig_trace_make(&t, i, 40); i++) {
        uint64_t before = UINT64_MAX;
        for (unsigned frames = 1; frames <= 64; frames++) {
            uint64_t misses = rig_misses(&env, &lru, &t, frames);
            assert_true(misses <= before);
            before = misses;
        }
    }
    test_env_fini(&env);
}

/* ---- what policies are known for ---- */

/* Half of memory is in steady use, then ten memories' worth of pages are used once: the policies
 * that resist scans have all of the half afterwards, LRU has none of it. */
static void
scans_are_resisted(void **state)
{
    enum { FRAMES = 40, HOT = FRAMES / 2, ROUNDS = 5, SCAN = 10 * FRAMES };
    const struct {
        const struct policy_ops *ops;
        unsigned again; /* misses of the hot half after the scan */
    } known[] = {{&policy_lru, HOT}, {&policy_fifo, HOT}, {&policy_clock, HOT}, {&policy_lirs, 0},
        {&policy_clockpro, 0}, {&policy_s3fifo, 0}, {&policy_wtinylfu, 0}};
    struct test_env env;
    struct rig_trace t = {.name = "scan", .n = HOT * ROUNDS + SCAN + HOT};
    (void)state;
    for (unsigned i = 0; i < t.n; i++) {
        bool scan = i >= HOT * ROUNDS && i < HOT * ROUNDS + SCAN;
        t.page[i] = scan ? HOT + (i - HOT * ROUNDS) : i % HOT;
    }
    test_env_init(&env, 8);
    for (unsigned k = 0; k < sizeof known / sizeof known[0]; k++) {
        const struct policy_twin twin = {.ops = known[k].ops};
        assert_int_equal(rig_misses(&env, &twin, &t, FRAMES), HOT + SCAN + known[k].again);
    }
    test_env_fini(&env);
}

static uint64_t
misses_of(
    struct test_env *env, const struct policy_ops *ops, const struct rig_trace *t, unsigned frames)
{
    const struct policy_twin twin = {.ops = ops};
    return rig_misses(env, &twin, t, frames);
}

/* Where some pages are simply more popular than others, policies that find out which beat LRU, and
 * those that only approximate LRU do not do better than they. */
static void
popular_pages_are_found(void **state)
{
    enum { FRAMES = 64, ZIPF = 3 };
    const struct policy_ops *const finders[] = {&policy_twoq, &policy_arc, &policy_car,
        &policy_clockpro, &policy_lfu, &policy_lirs, &policy_s3fifo, &policy_sieve, &policy_slru,
        &policy_wtinylfu};
    const struct policy_ops *const others[] = {
        &policy_aging, &policy_clock, &policy_fifo, &policy_mglru, &policy_nru, &policy_random};
    struct test_env env;
    struct rig_trace t;
    (void)state;
    assert_true(rig_trace_make(&t, ZIPF, FRAMES));
    assert_string_equal(t.name, "zipf");
    test_env_init(&env, 8);
    uint64_t lru = misses_of(&env, &policy_lru, &t, FRAMES);
    for (unsigned i = 0; i < sizeof finders / sizeof finders[0]; i++) {
        uint64_t misses = misses_of(&env, finders[i], &t, FRAMES);
        if (misses >= lru)
            fail_msg("%s: %u misses, LRU %u", finders[i]->name, (unsigned)misses, (unsigned)lru);
        for (unsigned k = 0; k < sizeof others / sizeof others[0]; k++)
            if (misses >= misses_of(&env, others[k], &t, FRAMES))
                fail_msg("%s is no better than %s", finders[i]->name, others[k]->name);
    }
    test_env_fini(&env);
}

/* Each single policy collapses on some trace: LRU on a loop, LIRS on a way to and fro, W-TinyLFU
 * where a program goes on to other pages.  The adaptive one does not. */
static void
adaptive_is_never_far_off(void **state)
{
    const unsigned sizes[] = {20, 50, 100, 150, RIG_FRAMES_MAX};
    struct test_env env;
    struct rig_trace t = {.n = RIG_LENGTH};
    (void)state;
    test_env_init(&env, 8);
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        unsigned frames = sizes[s], wide = frames + frames / 5;
        for (unsigned i = 0; i < t.n; i++)
            t.page[i] = i % (frames + 1);
        assert_int_equal(misses_of(&env, &policy_lru, &t, frames), t.n);
        uint64_t lirs = misses_of(&env, &policy_lirs, &t, frames);
        assert_true(misses_of(&env, &policy_adaptive, &t, frames) <= lirs + lirs / 4 + frames);

        for (unsigned i = 0; i < t.n; i++) {
            unsigned at = i % (2 * wide - 2);
            t.page[i] = at < wide ? at : 2 * wide - 2 - at;
        }
        uint64_t lru = misses_of(&env, &policy_lru, &t, frames);
        assert_true(misses_of(&env, &policy_lirs, &t, frames) > lru + lru / 4);
        assert_true(misses_of(&env, &policy_adaptive, &t, frames) <= lru + lru / 4);

        for (unsigned i = 0; i < t.n; i++)
            t.page[i] = (i / (5 * frames) * frames + i % (frames * 3 / 4)) % RIG_PAGES;
        lru = misses_of(&env, &policy_lru, &t, frames);
        assert_true(misses_of(&env, &policy_wtinylfu, &t, frames) > lru + lru / 2);
        assert_true(misses_of(&env, &policy_adaptive, &t, frames) <= lru + lru / 4);
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
    enum { DRAWS = 200000, MIXES = 5000, PAGES = 300 };
    const struct policy_twin twin = {.ops = &policy_random};
    unsigned evicted[RIG_FRAMES_MAX + 1];
    struct test_env env;
    (void)state;
    test_env_init(&env, 8);
    for (unsigned n = 2; n <= 64; n *= 2) {
        struct rig r;
        struct base_rng rng;
        unsigned hits[PAGES] = {0};
        base_rng_init(&rng, n);
        rig_init(&r, &env, &twin, n, false);
        for (unsigned i = 0; i < MIXES; i++) {
            unsigned number = (unsigned)base_rng_below(&rng, PAGES);
            if (r.pages[number].resident && i % 3 == 0)
                rig_forget(&r, number);
            else
                (void)rig_step(&r, number, false, evicted);
        }
        for (unsigned number = 0; r.resident < n; number++)
            (void)rig_step(&r, number, false, evicted);
        for (unsigned i = 0; i < DRAWS; i++)
            hits[(struct rig_page *)r.policy->ops->victim(r.policy) - r.pages]++;
        double expected = (double)DRAWS / n;
        double chi = 0;
        for (unsigned p = 0; p < PAGES; p++)
            if (r.pages[p].resident)
                chi += (hits[p] - expected) * (hits[p] - expected) / expected;
        assert_true(chi < n - 1 + 5 * sqrt(2.0 * (n - 1)));
        rig_fini(&r);
    }
    test_env_fini(&env);
}

const struct CMUnitTest policy_golden_tests[] = {
    cmocka_unit_test(golden_anomaly),
    cmocka_unit_test(golden_textbook),
    cmocka_unit_test(golden_loop),
    cmocka_unit_test(lru_includes),
    cmocka_unit_test(scans_are_resisted),
    cmocka_unit_test(popular_pages_are_found),
    cmocka_unit_test(adaptive_is_never_far_off),
    cmocka_unit_test(random_is_uniform),
};
const size_t policy_golden_count = sizeof policy_golden_tests / sizeof policy_golden_tests[0];
