/* SPDX-License-Identifier: BSD-2-Clause */
/* Policies simulated in miniature, against the exact curve of LRU and against each other. */
#include "replay/scaled.h"

#include <math.h>
#include <stdlib.h>

#include "host/host_mem.h"
#include "policy/policies.h"
#include "replay/lrucurve.h"
#include "support/test.h"

#define TOUCHES 300000u

struct rig {
    struct base_alloc alloc;
    struct policy_touch *touch;
    uint32_t *gone; /* by place in touch: the page that goes before it, plus 1 */
    uint32_t pages;
    struct misscurve exact;
};

/* Page numbers in the order of first use; pages are chosen evenly or by zipf; some go. */
static void
rig_init(struct rig *rig, uint32_t universe, bool even, bool going)
{
    uint32_t *number = calloc(universe, sizeof *number);
    struct base_rng rng;

    test_rng_init(&rng, 5);
    *rig = (struct rig){
        .touch = calloc(TOUCHES, sizeof *rig->touch), .gone = calloc(TOUCHES, sizeof *rig->gone)};
    assert_non_null(number);
    assert_non_null(rig->touch);
    assert_non_null(rig->gone);
    host_alloc_init(&rig->alloc, NULL);
    for (uint32_t i = 0; i < TOUCHES; i++) {
        double u = (double)(base_rng_next(&rng) >> 11) * 0x1p-53;
        uint32_t place = (uint32_t)(even ? u * universe : pow(universe, u) - 1);
        if (going && number[place] != 0 && base_rng_below(&rng, 50) == 0) {
            rig->gone[i] = number[place];
            number[place] = 0;
        }
        if (number[place] == 0)
            number[place] = ++rig->pages;
        rig->touch[i] = (struct policy_touch){.page = number[place] - 1,
            .count = (uint16_t)(1 + base_rng_below(&rng, 3)),
            .write = base_rng_below(&rng, 4) == 0};
    }
    free(number);
}

static void
rig_fini(struct rig *rig)
{
    misscurve_fini(&rig->exact, &rig->alloc);
    free(rig->touch);
    free(rig->gone);
    assert_int_equal(rig->alloc.mapped, 0);
}

static void
rig_exact(struct rig *rig)
{
    struct lrucurve *lru;

    assert_int_equal(lrucurve_create(&rig->alloc, &lru), PGW_OK);
    for (uint32_t i = 0; i < TOUCHES; i++) {
        if (rig->gone[i] != 0)
            assert_int_equal(lrucurve_forget(lru, rig->gone[i] - 1), PGW_OK);
        assert_int_equal(lrucurve_use(lru, &rig->touch[i], 1, rig->pages), PGW_OK);
    }
    lrucurve_finish(lru);
    assert_int_equal(misscurve_of_lru(&rig->exact, &rig->alloc, lru), PGW_OK);
    lrucurve_destroy(lru);
}

static struct scaled *
rig_scaled(struct rig *rig, const struct scaled_config *config, bool opt)
{
    struct scaled *scaled;
    uint32_t seen = 0;

    assert_int_equal(scaled_create(&rig->alloc, config, &scaled), PGW_OK);
    for (uint32_t i = 0; i < TOUCHES; i++) {
        seen = rig->touch[i].page >= seen ? rig->touch[i].page + 1 : seen;
        if (rig->gone[i] != 0)
            assert_int_equal(scaled_forget(scaled, rig->gone[i] - 1), PGW_OK);
        assert_int_equal(scaled_use(scaled, &rig->touch[i], 1, seen), PGW_OK);
    }
    assert_int_equal(scaled_finish(scaled, opt), PGW_OK);
    return scaled;
}

/* All pages, at their full size: LRU's curve, misses and write-backs. */
static void
full_size_is_exact(void **state)
{
    const struct scaled_config config = {.sizes = 20, .seed = 1, .memory = 1 << 20, .threads = 2};
    struct misscurve curve = {0};
    struct rig rig;
    double rate;
    uint64_t pages;
    (void)state;

    for (unsigned going = 0; going <= 1; going++) {
        rig_init(&rig, 3000, false, going != 0);
        rig_exact(&rig);
        struct scaled *scaled = rig_scaled(&rig, &config, false);
        scaled_figures(scaled, &rate, &pages);
        assert_true(rate >= 1);
        assert_int_equal(pages, rig.pages);
        assert_int_equal(
            scaled_curve(scaled, &policy_lru, NULL, NULL, NULL, &rig.alloc, &curve), PGW_OK);
        assert_true(curve.n > 15);
        for (uint64_t i = 0; i < curve.n; i++) {
            struct misscurve_point is = misscurve_at(&rig.exact, curve.points[i].frames);
            assert_int_equal(curve.points[i].misses, is.misses);
            assert_int_equal(curve.points[i].writebacks, is.writebacks);
        }
        misscurve_fini(&curve, &rig.alloc);
        scaled_destroy(scaled);
        rig_fini(&rig);
    }
}

static double
rig_difference(const struct misscurve *curve, const struct misscurve *exact)
{
    double sum = 0;

    for (uint64_t i = 0; i < curve->n; i++) {
        struct misscurve_point is = misscurve_at(exact, curve->points[i].frames);
        sum += fabs((double)curve->points[i].misses - (double)is.misses);
    }
    return sum / (double)curve->n / (double)curve->references;
}

static void
miniatures_err_little(void **state)
{
    struct scaled_config config = {.rate = 0.1, .sizes = 20, .memory = 1 << 20};
    struct misscurve curve = {0};
    struct rig rig;
    (void)state;

    rig_init(&rig, 30000, true, false);
    rig_exact(&rig);
    for (config.seed = 1; config.seed <= 3; config.seed++) {
        struct scaled *scaled = rig_scaled(&rig, &config, false);
        assert_int_equal(
            scaled_curve(scaled, &policy_lru, NULL, NULL, NULL, &rig.alloc, &curve), PGW_OK);
        double error = rig_difference(&curve, &rig.exact);
        if (error > 0.02)
            fail_msg("error %f", error);
        misscurve_fini(&curve, &rig.alloc);
        scaled_destroy(scaled);
    }
    rig_fini(&rig);
}

/* More pages than are needed are thinned out; OPT is not beaten. */
static void
many_pages_are_thinned_out(void **state)
{
    const struct scaled_config config = {.sizes = 12, .seed = 1, .memory = 1 << 20};
    struct misscurve lru = {0}, opt = {0};
    struct rig rig;
    double rate;
    uint64_t pages;
    (void)state;

    rig_init(&rig, 200000, true, true);
    rig_exact(&rig);
    struct scaled *scaled = rig_scaled(&rig, &config, true);
    scaled_figures(scaled, &rate, &pages);
    assert_true(fabs(rate - (double)SCALED_PAGES / rig.pages) < 1e-9);
    assert_in_range(pages, SCALED_PAGES * 9 / 10, SCALED_PAGES * 11 / 10);
    assert_int_equal(scaled_curve(scaled, &policy_lru, NULL, NULL, NULL, &rig.alloc, &lru), PGW_OK);
    assert_int_equal(scaled_curve(scaled, NULL, NULL, NULL, NULL, &rig.alloc, &opt), PGW_OK);
    assert_true(rig_difference(&lru, &rig.exact) < 0.01);
    for (uint64_t i = 0; i < opt.n; i++)
        assert_true(opt.points[i].misses <= misscurve_at(&lru, opt.points[i].frames).misses);
    assert_int_equal(opt.points[opt.n - 1].misses, rig.pages);
    misscurve_fini(&lru, &rig.alloc);
    misscurve_fini(&opt, &rig.alloc);
    scaled_destroy(scaled);
    rig_fini(&rig);
}

static bool
stop_at_once(void *ctx)
{
    (void)ctx;
    return false;
}

static void
it_stops_when_told(void **state)
{
    const struct scaled_config config = {.sizes = 4, .seed = 1, .memory = 1 << 20};
    struct misscurve curve = {0};
    struct rig rig;
    (void)state;

    rig_init(&rig, 100, true, false);
    struct scaled *scaled = rig_scaled(&rig, &config, false);
    assert_int_equal(
        scaled_curve(scaled, &policy_fifo, NULL, stop_at_once, NULL, &rig.alloc, &curve),
        PGW_AGAIN);
    assert_int_equal(curve.n, 0);
    assert_int_equal(
        scaled_curve(scaled, &policy_fifo, NULL, NULL, NULL, &rig.alloc, &curve), PGW_OK);
    misscurve_fini(&curve, &rig.alloc);
    scaled_destroy(scaled);
    rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_size_is_exact),
        cmocka_unit_test(miniatures_err_little),
        cmocka_unit_test(many_pages_are_thinned_out),
        cmocka_unit_test(it_stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
