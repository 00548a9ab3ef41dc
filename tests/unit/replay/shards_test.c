/* SPDX-License-Identifier: BSD-2-Clause */
/* Curves from samples, against the exact one. */
#include "replay/shards.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_mem.h"
#include "replay/lrucurve.h"
#include "support/test.h"

#define PAGES 40000u
#define TOUCHES 400000u

enum trace { ZIPF, LOOP, PHASES, TRACES };

struct rig {
    struct base_alloc alloc;
    struct policy_touch *touch;
    uint32_t pages; /* distinct */
    struct misscurve exact;
};

/* Zipf(1) by the inverse of its approximate distribution: page PAGES^u. */
static uint32_t
rig_page(enum trace trace, uint32_t i, struct base_rng *rng)
{
    double u = (double)(base_rng_next(rng) >> 11) * 0x1p-53;

    if (trace == LOOP)
        return i % 30000;
    uint32_t page = (uint32_t)pow(PAGES, u) - 1;
    if (trace == PHASES)
        page = (page + i / 100000 * 7777) % PAGES;
    return page;
}

/* Numbers pages in the order of their first use; returns how many there are. */
static uint32_t
rig_number(struct policy_touch *touch)
{
    static uint32_t number[PAGES];
    uint32_t n = 0;

    memset(number, 0, sizeof number);
    for (uint32_t i = 0; i < TOUCHES; i++) {
        if (number[touch[i].page] == 0)
            number[touch[i].page] = ++n;
        touch[i].page = number[touch[i].page] - 1;
    }
    return n;
}

static void
rig_init(struct rig *rig, enum trace trace)
{
    struct base_rng rng;
    struct lrucurve *lru;

    test_rng_init(&rng, 4);
    *rig = (struct rig){.touch = calloc(TOUCHES, sizeof *rig->touch)};
    assert_non_null(rig->touch);
    host_alloc_init(&rig->alloc, NULL);
    for (uint32_t i = 0; i < TOUCHES; i++)
        rig->touch[i] = (struct policy_touch){.page = rig_page(trace, i, &rng),
            .count = (uint16_t)(1 + base_rng_below(&rng, 2)),
            .write = base_rng_below(&rng, 2) != 0};
    rig->pages = rig_number(rig->touch);
    assert_int_equal(lrucurve_create(&rig->alloc, &lru), PGW_OK);
    assert_int_equal(lrucurve_use(lru, rig->touch, TOUCHES, PAGES), PGW_OK);
    lrucurve_finish(lru);
    assert_int_equal(misscurve_of_lru(&rig->exact, &rig->alloc, lru), PGW_OK);
    lrucurve_destroy(lru);
}

static void
rig_fini(struct rig *rig)
{
    misscurve_fini(&rig->exact, &rig->alloc);
    free(rig->touch);
    assert_int_equal(rig->alloc.mapped, 0);
}

/* The sampled curve's mean absolute error. */
static double
rig_error(struct rig *rig, const struct shards_config *config, struct shards_figures *figures)
{
    struct misscurve curve = {0};
    struct shards *shards;

    assert_int_equal(shards_create(&rig->alloc, config, &shards), PGW_OK);
    for (uint32_t i = 0; i < TOUCHES; i += 10000)
        assert_int_equal(shards_use(shards, rig->touch + i, 10000, PAGES), PGW_OK);
    assert_int_equal(shards_curve(shards, &rig->alloc, &curve), PGW_OK);
    shards_figures(shards, figures);
    shards_destroy(shards);
    assert_int_equal(curve.references, rig->exact.references);
    for (uint64_t i = 1; i < curve.n; i++)
        assert_true(curve.points[i].misses <= curve.points[i - 1].misses);
    assert_int_equal(curve.points[curve.n - 1].misses, rig->pages);
    double error = misscurve_error(&curve, &rig->exact, PAGES);
    misscurve_fini(&curve, &rig->alloc);
    return error;
}

/* A sample of everything is the exact curve, but for the width of its buckets. */
static void
all_pages_are_no_sample(void **state)
{
    struct shards_config config = {.rate = 1, .seed = 1};
    struct shards_figures figures;
    struct rig rig;
    (void)state;

    rig_init(&rig, ZIPF);
    assert_true(rig_error(&rig, &config, &figures) < 0.0005);
    assert_int_equal(figures.sampled, TOUCHES);
    assert_int_equal(figures.touches, TOUCHES);
    rig_fini(&rig);
}

static void
fixed_rates_err_little(void **state)
{
    struct rig rig;
    (void)state;

    for (enum trace trace = 0; trace < TRACES; trace++) {
        rig_init(&rig, trace);
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct shards_config config = {.rate = 0.05, .seed = seed};
            struct shards_figures figures;
            double error = rig_error(&rig, &config, &figures);
            if (error > 0.008)
                fail_msg(
                    "trace %d, seed %llu: error %f", (int)trace, (unsigned long long)seed, error);
            assert_true(figures.most > 1000 && figures.most < 3000);
        }
        rig_fini(&rig);
    }
}

static void
fixed_sizes_stay_and_err_little(void **state)
{
    struct rig rig;
    (void)state;

    for (enum trace trace = 0; trace < TRACES; trace++) {
        rig_init(&rig, trace);
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct shards_config config = {.rate = 1, .pages = 2048, .seed = seed};
            struct shards_figures figures;
            double error = rig_error(&rig, &config, &figures);
            if (error > 0.008)
                fail_msg(
                    "trace %d, seed %llu: error %f", (int)trace, (unsigned long long)seed, error);
            assert_true(figures.most <= 2048 + 256);
            assert_true(figures.rate < 0.09);
        }
        rig_fini(&rig);
    }
}

/* Pages that come and go make no sample of fixed size stricter. */
static void
pages_that_go_leave_the_sample(void **state)
{
    struct shards_config config = {.rate = 1, .pages = 500, .seed = 1};
    struct shards_figures figures;
    struct misscurve curve = {0};
    struct shards *shards;
    struct base_alloc alloc;
    (void)state;

    host_alloc_init(&alloc, NULL);
    assert_int_equal(shards_create(&alloc, &config, &shards), PGW_OK);
    for (uint32_t page = 0; page < 20000; page++) {
        struct policy_touch touch = {.page = page, .count = 1};
        assert_int_equal(shards_use(shards, &touch, 1, page + 1), PGW_OK);
        if (page >= 100)
            assert_int_equal(shards_forget(shards, page - 100), PGW_OK);
    }
    shards_figures(shards, &figures);
    assert_true(figures.rate >= 1);
    assert_true(figures.most <= 102);
    assert_int_equal(shards_curve(shards, &alloc, &curve), PGW_OK);
    assert_int_equal(misscurve_at(&curve, 50).misses, 20000);
    misscurve_fini(&curve, &alloc);
    shards_destroy(shards);
    assert_int_equal(alloc.mapped, 0);
}

static void
curves_are_step_functions(void **state)
{
    const struct misscurve_point points[] = {
        {1, 100, 0}, {5, 100, 0}, {7, 40, 0}, {20, 45, 0}, {30, 10, 0}};
    const struct misscurve_point others[] = {{1, 100, 0}, {15, 20, 0}};
    struct misscurve curve = {.references = 100}, other = {.references = 100}, none = {0};
    struct base_alloc alloc;
    (void)state;

    host_alloc_init(&alloc, NULL);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(misscurve_add(&curve, &alloc, &points[i]), PGW_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(misscurve_add(&other, &alloc, &others[i]), PGW_OK);
    assert_int_equal(curve.n, 4);
    assert_int_equal(misscurve_at(&curve, 1).misses, 100);
    assert_int_equal(misscurve_at(&curve, 6).misses, 100);
    assert_int_equal(misscurve_at(&curve, 7).misses, 40);
    assert_int_equal(misscurve_at(&curve, 1000).misses, 10);
    assert_int_equal(misscurve_least(&curve, 42), 30);
    assert_int_equal(misscurve_least(&curve, 45), 7);
    assert_int_equal(misscurve_least(&curve, 100), 1);
    assert_int_equal(misscurve_least(&curve, 9), 0);
    assert_int_equal(misscurve_least(&none, 9), 0);
    /* 7 to 14: 0.6 apart; 15 to 19: 0.2; 20 to 25: 0.25 */
    double error = misscurve_error(&curve, &other, 25);
    assert_true(fabs(error - (8 * 0.6 + 5 * 0.2 + 6 * 0.25) / 25) < 1e-12);
    misscurve_fini(&curve, &alloc);
    misscurve_fini(&other, &alloc);
    assert_int_equal(alloc.mapped, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pages_are_no_sample),
        cmocka_unit_test(fixed_rates_err_little),
        cmocka_unit_test(fixed_sizes_stay_and_err_little),
        cmocka_unit_test(pages_that_go_leave_the_sample),
        cmocka_unit_test(curves_are_step_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
