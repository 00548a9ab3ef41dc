/* SPDX-License-Identifier: BSD-2-Clause */
/* Working sets against sets that are counted anew at each reference. */
#include "replay/workwindow.h"

#include <stdlib.h>
#include <string.h>

#include "host/host_mem.h"
#include "replay_traces.h"
#include "support/test.h"

#define WINDOWS 5u
#define TIMES_MAX (TRACES_STEPS * 8)

static const uint64_t taus[WINDOWS] = {1, 2, 17, 300, 1000000};

struct naive {
    uint64_t used[TRACES_PAGES]; /* time of the last use; 0: none, or gone */
    uint64_t now;
    uint64_t size[WINDOWS][TIMES_MAX];
};

static void
naive_reference(struct naive *naive, uint32_t page)
{
    naive->used[page] = ++naive->now;
    assert_true(naive->now <= TIMES_MAX);
    for (unsigned i = 0; i < WINDOWS; i++) {
        uint64_t size = 0;
        for (unsigned p = 0; p < TRACES_PAGES; p++)
            size += naive->used[p] != 0 && naive->used[p] + taus[i] > naive->now;
        naive->size[i][naive->now - 1] = size;
    }
}

static int
naive_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void
windows_expect_slices(const struct workwindow *windows, const struct naive *naive, unsigned i)
{
    uint64_t sum[WORKWINDOW_SLICES], slice;
    unsigned n = workwindow_slices(windows, i, sum, &slice);

    assert_int_equal(n, (naive->now + slice - 1) / slice);
    for (unsigned k = 0; k < n; k++) {
        uint64_t expected = 0;
        for (uint64_t t = k * slice; t < (k + 1) * slice && t < naive->now; t++)
            expected += naive->size[i][t];
        assert_int_equal(sum[k], expected);
    }
}

static void
windows_expect(const struct workwindow *windows, struct naive *naive)
{
    uint64_t n = naive->now;

    assert_int_equal(workwindow_references(windows), n);
    for (unsigned i = 0; i < WINDOWS; i++) {
        struct workwindow_figures figures;
        uint64_t sum = 0;
        workwindow_figures(windows, i, &figures);
        windows_expect_slices(windows, naive, i);
        qsort(naive->size[i], n, sizeof(uint64_t), naive_order);
        for (uint64_t t = 0; t < n; t++)
            sum += naive->size[i][t];
        assert_int_equal(figures.tau, taus[i]);
        assert_int_equal(figures.sum, sum);
        assert_int_equal(figures.intervals, sum);
        assert_int_equal(figures.min, naive->size[i][0]);
        assert_int_equal(figures.p10, naive->size[i][(n * 10 + 99) / 100 - 1]);
        assert_int_equal(figures.p50, naive->size[i][(n * 50 + 99) / 100 - 1]);
        assert_int_equal(figures.p90, naive->size[i][(n * 90 + 99) / 100 - 1]);
        assert_int_equal(figures.max, naive->size[i][n - 1]);
    }
}

static void
windows_run(const struct traces_step *steps, size_t n, struct naive *naive)
{
    struct base_alloc alloc;
    struct workwindow *windows;

    memset(naive, 0, sizeof *naive);
    host_alloc_init(&alloc, NULL);
    assert_int_equal(workwindow_create(&alloc, taus, WINDOWS, &windows), PGW_OK);
    for (size_t i = 0; i < n; i++) {
        const struct policy_touch *touch = &steps[i].touch;
        if (steps[i].gone) {
            workwindow_forget(windows, touch->page);
            naive->used[touch->page] = 0;
            continue;
        }
        assert_int_equal(workwindow_use(windows, touch, 1, TRACES_PAGES), PGW_OK);
        for (unsigned k = 0; k < touch->count; k++)
            naive_reference(naive, touch->page);
    }
    workwindow_finish(windows);
    windows_expect(windows, naive);
    workwindow_destroy(windows);
    assert_int_equal(alloc.mapped, 0);
}

static void
sets_are_as_counted(void **state)
{
    struct traces_step *steps = calloc(TRACES_STEPS, sizeof *steps);
    struct naive *naive = malloc(sizeof *naive);
    struct base_rng rng;
    (void)state;

    assert_non_null(steps);
    assert_non_null(naive);
    test_rng_init(&rng, 2);
    for (unsigned kind = 0; kind < TRACES_KINDS; kind++) {
        for (unsigned gone = 0; gone <= 1; gone++) {
            size_t n = traces_make(kind, gone * 20, &rng, steps);
            for (size_t i = 0; i < n && kind % 2 == 1; i++)
                steps[i].touch.count = (uint16_t)(1 + base_rng_below(&rng, 12) * (i % 3 == 0) / 2);
            windows_run(steps, n, naive);
        }
    }
    free(naive);
    free(steps);
}

/* A run that is much longer than a window: others fall out while it goes on. */
static void
a_run_lets_others_fall_out(void **state)
{
    const uint64_t tau = 100;
    struct policy_touch touch[] = {
        {.page = 0, .count = 1}, {.page = 1, .count = 1}, {.page = 2, .count = 998}};
    uint64_t intervals[WORKWINDOW_INTERVALS];
    struct workwindow_figures figures;
    struct workwindow *windows;
    struct base_alloc alloc;
    (void)state;

    host_alloc_init(&alloc, NULL);
    assert_int_equal(workwindow_create(&alloc, &tau, 1, &windows), PGW_OK);
    assert_int_equal(workwindow_use(windows, touch, 3, 3), PGW_OK);
    workwindow_finish(windows);
    workwindow_figures(windows, 0, &figures);
    assert_int_equal(figures.sum, 100 + 100 + 998);
    assert_int_equal(figures.intervals, figures.sum);
    assert_int_equal(figures.max, 3);
    assert_int_equal(figures.p50, 1);
    workwindow_intervals(windows, intervals);
    assert_int_equal(intervals[0], 997);
    workwindow_destroy(windows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_as_counted),
        cmocka_unit_test(a_run_lets_others_fall_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
