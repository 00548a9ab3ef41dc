/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The laws of seg/fit.h over every method, against a naive map of the frames: who has each frame,
 * and searches that try every place.  The naive answers are the only right ones: each method says
 * which hole it takes.
 */
#include "support/test.h"

#include <string.h>

#include "seg/fit.h"
#include "support/test_env.h"

#define FRAMES_MAX 200u
#define PARTS_MAX 64u
#define STEPS 4000u

static const struct seg_fit_ops *const methods[] = {
    &seg_fit_first, &seg_fit_best, &seg_fit_next, &seg_fit_worst, &seg_fit_buddy};
#define METHODS (sizeof methods / sizeof methods[0])

struct part {
    uint64_t first, n;
};

struct naive_fit {
    const struct seg_fit_ops *ops;
    uint64_t npages;
    uint64_t rover;
    bool taken[FRAMES_MAX];
    struct part parts[PARTS_MAX];
    unsigned nparts;
};

/* What a partition takes in truth. */
static uint64_t
rounded(const struct naive_fit *naive, uint64_t n)
{
    uint64_t size = 1;

    if (naive->ops != &seg_fit_buddy)
        return n;
    while (size < n)
        size *= 2;
    return size;
}

static bool
is_free(const struct naive_fit *naive, uint64_t first, uint64_t n)
{
    if (first > naive->npages || n > naive->npages - first)
        return false;
    for (uint64_t i = first; i < first + n; i++)
        if (naive->taken[i])
            return false;
    return true;
}

static void
mark(struct naive_fit *naive, uint64_t first, uint64_t n, bool taken)
{
    memset(&naive->taken[first], taken, rounded(naive, n));
}

/* The run of free frames that `at` lies in. */
static uint64_t
run_at(const struct naive_fit *naive, uint64_t at, uint64_t *first)
{
    uint64_t n = 0;

    for (*first = at; *first > 0 && !naive->taken[*first - 1];)
        --*first;
    while (is_free(naive, *first, n + 1))
        n++;
    return n;
}

/* How large the largest free block of the buddy system that holds a frame is. */
static uint64_t
block_at(const struct naive_fit *naive, uint64_t at)
{
    uint64_t size = 1;

    while (is_free(naive, at / (2 * size) * (2 * size), 2 * size))
        size *= 2;
    return size;
}

static uint64_t
lowest_from(const struct naive_fit *naive, uint64_t from, uint64_t n)
{
    for (uint64_t at = from; at < naive->npages; at++)
        if (is_free(naive, at, n))
            return at;
    return SEG_FIT_NONE;
}

static uint64_t
place_by_size(const struct naive_fit *naive, uint64_t n, bool largest)
{
    uint64_t found = SEG_FIT_NONE;
    uint64_t found_n = 0;
    uint64_t first;

    for (uint64_t at = 0; at < naive->npages; at++) {
        if (naive->taken[at])
            continue;
        uint64_t len = run_at(naive, at, &first);
        if (first != at || len < n)
            continue;
        if (found == SEG_FIT_NONE || (largest ? len > found_n : len < found_n)) {
            found = at;
            found_n = len;
        }
    }
    return found;
}

static uint64_t
place_buddy(const struct naive_fit *naive, uint64_t n)
{
    uint64_t found = SEG_FIT_NONE;
    uint64_t size = rounded(naive, n);

    for (uint64_t at = 0; at < naive->npages; at += size)
        if (is_free(naive, at, size) &&
            (found == SEG_FIT_NONE || block_at(naive, at) < block_at(naive, found)))
            found = at;
    return found;
}

/* Where the method must put n frames. */
static uint64_t
place(struct naive_fit *naive, uint64_t n)
{
    uint64_t at;

    if (naive->ops == &seg_fit_buddy)
        return place_buddy(naive, n);
    if (naive->ops == &seg_fit_first)
        return lowest_from(naive, 0, n);
    if (naive->ops != &seg_fit_next)
        return place_by_size(naive, n, naive->ops == &seg_fit_worst);
    at = lowest_from(naive, naive->rover, n);
    if (at == SEG_FIT_NONE)
        at = lowest_from(naive, 0, n);
    if (at != SEG_FIT_NONE)
        naive->rover = at + n;
    return at;
}

static void
add(struct naive_fit *naive, uint64_t first, uint64_t n)
{
    mark(naive, first, n, true);
    naive->parts[naive->nparts++] = (struct part){first, n};
}

/* --- steps: F1 (the naive places do not overlap), F2, F4 (two allocators, same answers) --- */

static void
step_alloc(struct naive_fit *naive, struct seg_fit *const fit[2], struct base_rng *rng)
{
    uint64_t n = 1 + base_rng_below(rng, base_rng_below(rng, 4) == 0 ? FRAMES_MAX : 20);
    uint64_t expected = place(naive, n);

    for (int i = 0; i < 2; i++)
        assert_true(naive->ops->alloc(fit[i], n) == expected);
    if (expected != SEG_FIT_NONE)
        add(naive, expected, n);
}

static void
step_alloc_at(struct naive_fit *naive, struct seg_fit *const fit[2], struct base_rng *rng)
{
    uint64_t n = 1 + base_rng_below(rng, 12);
    uint64_t first = base_rng_below(rng, naive->npages + 4);
    bool expected = first % (naive->ops == &seg_fit_buddy ? rounded(naive, n) : 1) == 0 &&
                    is_free(naive, first, rounded(naive, n));

    for (int i = 0; i < 2; i++)
        assert_int_equal(naive->ops->alloc_at(fit[i], first, n), expected);
    if (expected)
        add(naive, first, n);
}

static void
step_free(struct naive_fit *naive, struct seg_fit *const fit[2], struct base_rng *rng)
{
    unsigned i = (unsigned)base_rng_below(rng, naive->nparts);
    struct part part = naive->parts[i];

    for (int k = 0; k < 2; k++)
        naive->ops->free(fit[k], part.first, part.n);
    mark(naive, part.first, part.n, false);
    naive->parts[i] = naive->parts[--naive->nparts];
}

/* May the part become one of new frames, and where is it then? */
static bool
may_resize(
    struct naive_fit *naive, const struct part *part, uint64_t new, bool down, uint64_t *first)
{
    bool may;

    mark(naive, part->first, part->n, false);
    *first = down ? part->first + part->n - new : part->first;
    if (naive->ops == &seg_fit_buddy)
        may = down ? new == part->n
                   : part->first % rounded(naive, new) == 0 &&
                         is_free(naive, part->first, rounded(naive, new));
    else
        may = !(down && new > part->first + part->n) && is_free(naive, *first, new);
    mark(naive, part->first, part->n, true);
    return may;
}

static void
step_resize(struct naive_fit *naive, struct seg_fit *const fit[2], struct base_rng *rng)
{
    struct part *part = &naive->parts[base_rng_below(rng, naive->nparts)];
    uint64_t new = 1 + base_rng_below(rng, part->n + 10);
    bool down = base_rng_below(rng, 2) == 0;
    uint64_t expected;
    bool may = may_resize(naive, part, new, down, &expected);

    for (int i = 0; i < 2; i++) {
        uint64_t first = part->first;
        assert_int_equal(naive->ops->resize(fit[i], &first, part->n, new, down), may);
        assert_true(first == (may ? expected : part->first));
    }
    if (!may)
        return;
    mark(naive, part->first, part->n, false);
    *part = (struct part){expected, new};
    mark(naive, part->first, part->n, true);
}

/* --- what can be asked --- */

static void
expect_holes(const struct naive_fit *naive, const struct seg_fit *fit)
{
    struct seg_fit_counts counts;
    uint64_t free = 0, holes = 0, largest = 0, lost = 0;
    uint64_t first, n;

    for (uint64_t at = 0; at < naive->npages; at++) {
        if (naive->taken[at])
            continue;
        uint64_t start;
        uint64_t len = run_at(naive, at, &start);
        if (naive->ops == &seg_fit_buddy) {
            len = block_at(naive, at);
            start = at / len * len;
        }
        assert_true(naive->ops->hole(fit, at, &first, &n));
        assert_int_equal(first, start);
        assert_int_equal(n, len);
        free++;
        holes += start == at;
        largest = len > largest ? len : largest;
    }
    for (unsigned i = 0; i < naive->nparts; i++)
        lost += rounded(naive, naive->parts[i].n) - naive->parts[i].n;
    naive->ops->counts(fit, &counts);
    assert_int_equal(counts.free, free);
    assert_int_equal(counts.holes, holes);
    assert_int_equal(counts.largest, largest);
    assert_int_equal(counts.lost, lost);
    assert_false(naive->ops->hole(fit, naive->npages, &first, &n));
    assert_true(naive->ops->check(fit));
}

static void
step(struct naive_fit *naive, struct seg_fit *const fit[2], struct base_rng *rng)
{
    static void (*const steps[])(struct naive_fit *, struct seg_fit *const[2],
        struct base_rng *) = {step_alloc, step_alloc, step_alloc_at, step_free, step_resize};
    unsigned i = (unsigned)base_rng_below(rng, 5);

    if (i < 3 ? naive->nparts < PARTS_MAX : naive->nparts > 0)
        steps[i](naive, fit, rng);
    expect_holes(naive, fit[0]);
}

static void
run(const struct seg_fit_ops *ops, struct base_alloc *alloc, uint64_t npages, struct base_rng *rng)
{
    struct naive_fit naive = {.ops = ops, .npages = npages};
    struct seg_fit *fit[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(ops->create(alloc, npages, &fit[i]), PGW_OK);
    struct seg_fit_counts fresh, end;
    ops->counts(fit[0], &fresh);
    expect_holes(&naive, fit[0]);
    uint64_t steps = test_rounds(STEPS);
    for (uint64_t i = 0; i < steps; i++)
        step(&naive, fit, rng);
    while (naive.nparts > 0)
        step_free(&naive, fit, rng);
    expect_holes(&naive, fit[0]);
    ops->counts(fit[0], &end); /* F3 */
    assert_memory_equal(&fresh, &end, sizeof end);
    if (ops != &seg_fit_buddy)
        assert_int_equal(end.largest, npages);
    for (int i = 0; i < 2; i++)
        ops->destroy(fit[i]);
}

static void
test_laws(void **state)
{
    static const uint64_t sizes[] = {1, 8, 63, 64, 65, 100, 128, 200};
    struct test_env env;
    struct base_rng rng;

    (void)state;
    test_env_init(&env, 8);
    test_rng_init(&rng, 40);
    for (unsigned m = 0; m < METHODS; m++)
        for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            run(methods[m], &env.alloc, sizes[s], &rng);
    test_env_fini(&env);
}

/* Creation that finds no memory leaves nothing behind. */
static void
test_no_memory(void **state)
{
    struct test_env env;
    struct seg_fit *fit;

    (void)state;
    test_env_init(&env, 8);
    env.inject.fail_at[INJECT_MAP] = env.inject.tried[INJECT_MAP] + 1;
    env.inject.and_after[INJECT_MAP] = true;
    for (unsigned m = 0; m < METHODS; m++)
        assert_int_equal(methods[m]->create(&env.alloc, 100, &fit), PGW_NOMEM);
    test_env_fini(&env);
}

/* Knuth's four, where they differ: holes of 30, 10 and 50 frames, and 8 are wanted twice. */
static void
test_methods_differ(void **state)
{
    static const struct {
        const struct seg_fit_ops *ops;
        uint64_t expected[2];
    } cases[] = {{&seg_fit_first, {10, 18}}, {&seg_fit_best, {50, 10}}, {&seg_fit_next, {90, 98}},
        {&seg_fit_worst, {90, 98}}};
    struct test_env env;

    (void)state;
    test_env_init(&env, 8);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct seg_fit_ops *ops = cases[i].ops;
        struct seg_fit *fit;
        assert_int_equal(ops->create(&env.alloc, 150, &fit), PGW_OK);
        /* |used 10|30|used 10|10|used 30|50|used 10| */
        assert_int_equal(ops->alloc(fit, 90), 0);
        ops->free(fit, 0, 90);
        assert_true(ops->alloc_at(fit, 0, 10) && ops->alloc_at(fit, 40, 10) &&
                    ops->alloc_at(fit, 60, 30) && ops->alloc_at(fit, 140, 10));
        for (int k = 0; k < 2; k++)
            assert_int_equal(ops->alloc(fit, 8), cases[i].expected[k]);
        ops->destroy(fit);
    }
    test_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_methods_differ),
    };

    return cmocka_run_group_tests_name("fit laws", tests, NULL, NULL);
}
