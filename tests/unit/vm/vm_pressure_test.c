/* SPDX-License-Identifier: BSD-2-Clause */
/* Pressure: what counts as a stall, for how long, and the kernel's own averages. */
#include "unit/vm/vm_cases.h"

#include <string.h>

#include "base/rng.h"
#include "os/psi.h"
#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "vm/core.h"

#define SECOND UINT64_C(1000000000)
#define DEVICE_NS 100000u
#define MANY 1000u /* slots: of the case whose policy must tell what is in use */

/* A system whose clock the test sets, and whose devices cost DEVICE_NS an operation. */
struct pressure_case {
    struct vm_case c;
    struct vm_system *system;
    struct base_clock clock;
    uint64_t now;
    bool others;
};

static uint64_t
case_now(void *ctx)
{
    return ((struct pressure_case *)ctx)->now;
}

static bool
case_others(void *ctx, unsigned group)
{
    (void)group;
    return ((struct pressure_case *)ctx)->others;
}

static void
pressure_init(struct pressure_case *p, uint64_t frames, uint64_t slots)
{
    static struct vm_rig_config config;

    *p = (struct pressure_case){.now = 0};
    config = (struct vm_rig_config){.name = "pressure",
        .pmap = &pmap_sv39,
        .policy = slots >= MANY ? &policy_clock : &policy_fifo,
        .frames = frames,
        .swap_slots = slots,
        .tlb = "none"};
    vm_case_init_with(&p->c, &config);
    p->system = vm_space_of(p->c.space)->system;
    p->clock = (struct base_clock){.now_ns = case_now, .ctx = p};
    p->system->clock = &p->clock;
    p->system->others = case_others;
    p->system->others_ctx = p;
    p->system->device_ns = DEVICE_NS;
}

static struct vm_pressure
pressure_of(struct pressure_case *p, unsigned id)
{
    struct vm_pressure pressure;

    assert_int_equal(vm_pressure(p->system, id, &pressure), PGW_OK);
    return pressure;
}

static void
expect_text(struct pressure_case *p, const char *text)
{
    struct vm_pressure pressure = pressure_of(p, 0);
    char got[OS_PSI_TEXT];

    os_psi_format(&pressure, got, sizeof got);
    assert_string_equal(got, text);
}

static void
pass(struct pressure_case *p, uint64_t ns, bool stalled)
{
    base_lock_take(&p->system->lock);
    if (stalled)
        vm_pressure_begin(p->system, 0);
    p->now += ns;
    if (stalled)
        vm_pressure_end(p->system, 0);
    base_lock_drop(&p->system->lock);
}

/* 2 s of stall in a period of 2 s: 100 (1 - exp(-2/10)) = 18.1 %, 3.3 % and 0.7 %, in the kernel's
 * fixed point 37100, 6700 and 1400 of 2048; then a period of nothing: times exp(-2/10). */
static void
test_averages(void **state)
{
    struct pressure_case p;

    (void)state;
    pressure_init(&p, 64, 64);
    expect_text(&p, "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    pass(&p, 2 * SECOND, true);
    expect_text(&p, "some avg10=18.11 avg60=3.27 avg300=0.68 total=2000000\n"
                    "full avg10=18.11 avg60=3.27 avg300=0.68 total=2000000\n");
    struct vm_pressure pressure = pressure_of(&p, 0);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][0], 37100);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][1], 6700);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][2], 1400);
    pass(&p, 2 * SECOND, false);
    pressure = pressure_of(&p, 0);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][0], 37100 * 1677 / 2048);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][2], 1400 * 2034 / 2048);
    /* Half an hour of nothing, which nobody looked at. */
    pass(&p, 1800 * SECOND, false);
    expect_text(&p, "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n"
                    "full avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n");
    vm_case_fini(&p.c);
}

/* A steady half of the time comes to 50 %, and stays there. */
static void
test_steady(void **state)
{
    struct pressure_case p;

    (void)state;
    pressure_init(&p, 64, 64);
    for (unsigned i = 0; i < 4000; i++) {
        pass(&p, SECOND / 2, true);
        pass(&p, SECOND / 2, false);
    }
    struct vm_pressure pressure = pressure_of(&p, 0);
    for (unsigned w = 0; w < VM_PRESSURE_WINDOWS; w++)
        assert_in_range(pressure.average[VM_PRESSURE_SOME][w], 49 << 11, 51 << 11);
    assert_int_equal(pressure.total[VM_PRESSURE_SOME], 2000 * SECOND);
    vm_case_fini(&p.c);
}

/* Full is only what nobody else could use. */
static void
test_full(void **state)
{
    struct pressure_case p;

    (void)state;
    pressure_init(&p, 64, 64);
    p.others = true;
    pass(&p, 3 * SECOND, true);
    p.others = false;
    pass(&p, SECOND, true);
    struct vm_pressure pressure = pressure_of(&p, 0);
    assert_int_equal(pressure.total[VM_PRESSURE_SOME], 4 * SECOND);
    assert_int_equal(pressure.total[VM_PRESSURE_FULL], SECOND);
    vm_case_fini(&p.c);
}

/* Waits for swap are stalls, first reads of a file are not, and a second one soon after is. */
static void
test_waits(void **state)
{
    struct pressure_case p;

    (void)state;
    pressure_init(&p, 256, 256);
    assert_int_equal(vm_rig_add_file(&p.c.rig, 20, 1), PGW_OK);
    vm_case_map(p.c.space, BASE, PAGES(20));
    vm_case_map_file(&p.c, BASE + PAGES(100), PAGES(20), 0);
    for (uint64_t i = 0; i < 20; i++) {
        vm_case_fill(p.c.space, BASE + PAGES(i), i + 1);
        vm_case_expect(p.c.space, BASE + PAGES(100 + i), i + 1);
    }
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], 0);
    assert_int_equal(pressure_of(&p, 0).settled, 20 * DEVICE_NS);
    /* The page daemon's writes let time pass and stall nobody. */
    assert_int_equal(vm_reclaim(p.c.rig.vm, 40), 40);
    uint64_t writes = p.c.rig.swap->stats.put_ios;
    assert_int_equal(pressure_of(&p, 0).settled, (20 + writes) * DEVICE_NS);
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], 0);
    vm_case_expect(p.c.space, BASE, 1);
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], DEVICE_NS);
    /* With 40 pages in RAM, one that went less than 40 evictions ago is wanted still. */
    vm_case_map(p.c.space, BASE + PAGES(200), PAGES(40));
    for (uint64_t i = 0; i < 40; i++)
        vm_case_fill(p.c.space, BASE + PAGES(200 + i), i + 1);
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], DEVICE_NS);
    vm_case_expect(p.c.space, BASE + PAGES(119), 20);
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], 2 * DEVICE_NS);
    vm_case_fini(&p.c);
}

/* A group's stalls are its own, and everybody's. */
static void
test_groups(void **state)
{
    struct pressure_case p;
    unsigned id;

    (void)state;
    pressure_init(&p, 256, 256);
    assert_int_equal(vm_group_create(p.system, "small", 20, &id), PGW_OK);
    assert_int_equal(vm_group_join(p.c.space, id), PGW_OK);
    struct space *outside;
    assert_int_equal(vm_space_create(p.c.rig.vm, &outside), PGW_OK);
    vm_case_map(outside, BASE, PAGES(40));
    vm_case_map(p.c.space, BASE, PAGES(40));
    for (uint64_t i = 0; i < 40; i++)
        vm_case_fill(outside, BASE + PAGES(i), i + 1);
    assert_int_equal(vm_reclaim(p.c.rig.vm, 40), 40);
    vm_case_expect(outside, BASE, 1);
    assert_int_equal(pressure_of(&p, id).total[VM_PRESSURE_SOME], 0);
    uint64_t before = pressure_of(&p, 0).total[VM_PRESSURE_SOME];
    assert_int_equal(before, DEVICE_NS);
    for (uint64_t i = 0; i < 40; i++)
        vm_case_fill(p.c.space, BASE + PAGES(i), i + 1);
    uint64_t group = pressure_of(&p, id).total[VM_PRESSURE_SOME];
    assert_in_range(group, DEVICE_NS, 40 * DEVICE_NS); /* its writes at its limit */
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], before + group);
    struct vm_pressure none;
    assert_int_equal(vm_pressure(p.system, 2, &none), PGW_NOTFOUND);
    outside->ops->destroy(outside);
    vm_case_fini(&p.c);
}

/* --- proactive reclaim --- */

#define SQUEEZED 600u     /* pages of the program */
#define ROUND_TOUCHES 60u /* pages that it uses in a round */
#define ROUND_NS UINT64_C(2000000)
#define ROUNDS 2500u /* 5 s */

/* The page that a program uses as the n-th of a round. */
typedef uint64_t squeeze_pattern(struct base_rng *rng, uint64_t round, uint64_t n);

static uint64_t
use_hot_half(struct base_rng *rng, uint64_t round, uint64_t n)
{
    (void)rng;
    (void)round;
    return n;
}

/* Comes back to each page after 10 rounds. */
static uint64_t
use_loop(struct base_rng *rng, uint64_t round, uint64_t n)
{
    (void)rng;
    return (round * ROUND_TOUCHES + n) % SQUEEZED;
}

/* The same, after a second: so late that pages are taken before. */
static uint64_t
use_slow_loop(struct base_rng *rng, uint64_t round, uint64_t n)
{
    (void)rng;
    return n % 2 == 0 ? n : (round * SQUEEZED / 500 + n / 32) % SQUEEZED;
}

static uint64_t
use_any(struct base_rng *rng, uint64_t round, uint64_t n)
{
    (void)round;
    (void)n;
    return base_rng_below(rng, SQUEEZED);
}

/* Few much, many hardly ever. */
static uint64_t
use_skewed(struct base_rng *rng, uint64_t round, uint64_t n)
{
    uint64_t page = SQUEEZED;

    (void)round;
    (void)n;
    for (unsigned i = 0; i < 4; i++)
        page = base_rng_below(rng, page + 1);
    return page % SQUEEZED;
}

/* Five parts of memory, half a second each, again and again. */
static uint64_t
use_phases(struct base_rng *rng, uint64_t round, uint64_t n)
{
    return round / 250 % 5 * (SQUEEZED / 5) + (n + base_rng_below(rng, ROUND_TOUCHES));
}

/* A tenth of memory, and all of the rest from the third second on. */
static uint64_t
use_late(struct base_rng *rng, uint64_t round, uint64_t n)
{
    return round < ROUNDS * 3 / 5 ? n : use_loop(rng, round, n);
}

static void
squeeze_rounds(struct pressure_case *p, squeeze_pattern *pattern, uint64_t from, uint64_t to)
{
    struct base_rng rng;

    base_rng_init(&rng, from + 1);
    for (uint64_t round = from; round < to; round++) {
        p->now += ROUND_NS;
        for (uint64_t n = 0; n < ROUND_TOUCHES; n++) {
            uint64_t page = pattern(&rng, round, n);
            vm_case_expect(p->c.space, BASE + PAGES(page), page + 1);
        }
        vm_daemon(p->c.rig.vm);
        if (round % 500 == 0)
            assert_true(vm_check(p->system));
    }
}

static void
squeeze_init(struct pressure_case *p, unsigned percent)
{
    pressure_init(p, 1024, MANY);
    assert_int_equal(vm_squeeze_init(p->system, percent), PGW_OK);
    vm_case_map(p->c.space, BASE, PAGES(SQUEEZED));
    for (uint64_t i = 0; i < SQUEEZED; i++)
        vm_case_fill(p->c.space, BASE + PAGES(i), i + 1);
}

/* Thousandths of the time that were lost. */
static uint64_t
squeeze_lost(struct pressure_case *p)
{
    struct vm_stats stats = vm_case_stats(&p->c);

    /* Nothing else is short, so all that is lost is lost to that. */
    assert_int_equal(stats.squeezed_cost, stats.stall_some);
    return stats.stall_some * 1000 / stats.pressure_time;
}

static const unsigned squeeze_targets[] = {1, 5, 20};

/* Whatever the program does, the time lost is no more than was asked for; of the first second, in
 * which a loop of a second cannot be known for one, no more than is ever risked. */
static void
test_squeeze_keeps_to_target(void **state)
{
    static squeeze_pattern *const patterns[] = {
        use_hot_half, use_loop, use_slow_loop, use_any, use_skewed, use_phases};
    struct pressure_case p;

    (void)state;
    for (unsigned i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (unsigned t = 0; t < 3; t++) {
            squeeze_init(&p, squeeze_targets[t]);
            for (unsigned second = 0; second < 5; second++) {
                squeeze_rounds(&p, patterns[i], second * ROUNDS / 5, (second + 1) * ROUNDS / 5);
                unsigned most = squeeze_targets[t] < 2 && second == 0 ? 2 : squeeze_targets[t];
                assert_in_range(squeeze_lost(&p), 0, (uint64_t)most * 10);
            }
            vm_case_fini(&p.c);
        }
    }
}

/* What is used stays, and the rest goes, at any target. */
static void
test_squeeze_takes_what_is_cold(void **state)
{
    struct pressure_case p;

    (void)state;
    for (unsigned t = 0; t < 3; t++) {
        squeeze_init(&p, squeeze_targets[t]);
        squeeze_rounds(&p, use_hot_half, 0, ROUNDS);
        struct vm_stats stats = vm_case_stats(&p.c);
        assert_in_range(stats.squeezed, SQUEEZED - ROUND_TOUCHES - 32, SQUEEZED);
        assert_in_range(stats.resident, ROUND_TOUCHES, ROUND_TOUCHES + 32);
        assert_in_range(stats.squeezed_to, ROUND_TOUCHES, ROUND_TOUCHES + 32);
        assert_in_range(stats.squeezed_back, 0, 20);
        assert_int_equal(stats.put_failures, 0);
        for (uint64_t i = 0; i < SQUEEZED; i++)
            vm_case_expect(p.c.space, BASE + PAGES(i), i + 1);
        assert_true(vm_check(p.system));
        vm_case_fini(&p.c);
    }
}

/* What comes back seldom goes too, as far as the target pays for it. */
static void
test_squeeze_takes_what_is_seldom_used(void **state)
{
    static const uint64_t most_left[] = {SQUEEZED, SQUEEZED * 9 / 10, SQUEEZED / 2};
    struct pressure_case p;

    (void)state;
    for (unsigned t = 0; t < 3; t++) {
        squeeze_init(&p, squeeze_targets[t]);
        squeeze_rounds(&p, use_slow_loop, 0, 2 * ROUNDS);
        struct vm_stats stats = vm_case_stats(&p.c);
        assert_in_range(stats.squeezed_to, ROUND_TOUCHES / 2, most_left[t]);
        assert_in_range(squeeze_lost(&p), 0, (uint64_t)squeeze_targets[t] * 10);
        vm_case_fini(&p.c);
    }
}

/* What is all wanted again late cannot be told from what is not; the loss has a bound, and
 * is paid back: nothing is taken until the whole run is within the target again. */
static void
test_squeeze_pays_back(void **state)
{
    struct pressure_case p;

    (void)state;
    for (unsigned t = 0; t < 3; t++) {
        unsigned most = squeeze_targets[t] > 2 ? squeeze_targets[t] : 2;
        squeeze_init(&p, squeeze_targets[t]);
        squeeze_rounds(&p, use_late, 0, ROUNDS);
        assert_in_range(squeeze_lost(&p), 1, (uint64_t)most * 10);
        uint64_t taken = vm_case_stats(&p.c).squeezed;
        while (squeeze_lost(&p) > (uint64_t)squeeze_targets[t] * 10) {
            assert_int_equal(vm_case_stats(&p.c).squeezed, taken);
            squeeze_rounds(&p, use_late, ROUNDS, ROUNDS + 100);
        }
        vm_case_fini(&p.c);
    }
}

/* A group that is short of room by itself is left alone; what others have cold goes. */
static void
test_squeeze_leaves_who_is_short(void **state)
{
    struct pressure_case p;
    struct space *outside;
    unsigned id;

    (void)state;
    squeeze_init(&p, 5);
    assert_int_equal(vm_group_create(p.system, "small", 20, &id), PGW_OK);
    assert_int_equal(vm_space_create(p.c.rig.vm, &outside), PGW_OK);
    assert_int_equal(vm_group_join(outside, id), PGW_OK);
    vm_case_map(outside, BASE, PAGES(40));
    for (uint64_t i = 0; i < 40; i++)
        vm_case_fill(outside, BASE + PAGES(i), i + 1);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        squeeze_rounds(&p, use_hot_half, round, round + 1);
        vm_case_expect(outside, BASE + PAGES(round % 40), round % 40 + 1);
    }
    struct vm_group_stats small, root;
    assert_int_equal(vm_group_stats(p.system, id, &small), PGW_OK);
    assert_int_equal(vm_group_stats(p.system, 0, &root), PGW_OK);
    struct vm_stats stats = vm_case_stats(&p.c);
    assert_int_equal(small.squeezed, 0);
    assert_int_equal(root.squeezed, stats.squeezed);
    assert_in_range(root.resident, ROUND_TOUCHES, ROUND_TOUCHES + 32);
    /* Its stalls are its own, and no reason to take less of others. */
    assert_true(pressure_of(&p, id).total[VM_PRESSURE_SOME] > stats.pressure_time / 100);
    assert_in_range(stats.squeezed_cost, 0, stats.pressure_time / 20);
    outside->ops->destroy(outside);
    vm_case_fini(&p.c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_averages),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_squeeze_keeps_to_target),
        cmocka_unit_test(test_squeeze_takes_what_is_cold),
        cmocka_unit_test(test_squeeze_takes_what_is_seldom_used),
        cmocka_unit_test(test_squeeze_pays_back),
        cmocka_unit_test(test_squeeze_leaves_who_is_short),
    };

    return cmocka_run_group_tests_name("pressure", tests, NULL, NULL);
}
