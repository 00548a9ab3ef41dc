/* SPDX-License-Identifier: BSD-2-Clause */
/* Read-ahead and fault-around: what is read with what was asked for, and what that must not do. */
#include "unit/vm/vm_cases.h"

#include <string.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "vm/core.h"

#define FRAMES 1024u
#define MANY 600u

static struct vm_rig_config
config_of(unsigned ahead, unsigned around)
{
    return (struct vm_rig_config){.name = "ahead",
        .pmap = &pmap_sv39,
        .policy = &policy_fifo,
        .frames = FRAMES,
        .swap_slots = 8 * MANY, /* slots are kept while their pages are in RAM too */
        .tlb = "none",
        .ahead = ahead,
        .around = around};
}

/* Pages BASE.. that hold their number's pattern, all on swap, written in the order of addresses. */
static void
on_swap(struct vm_case *c, const struct vm_rig_config *config, uint64_t n)
{
    vm_case_init_with(c, config);
    vm_case_map(c->space, BASE, PAGES(n));
    for (uint64_t i = 0; i < n; i++)
        vm_case_fill(c->space, BASE + PAGES(i), i + 1);
    assert_int_equal(vm_reclaim(c->rig.vm, n), n);
    assert_int_equal(vm_case_counts(c->space).swapped, n);
}

/* Reads n pages, a stride apart, and expects the patterns. */
static void
scan(struct vm_case *c, uint64_t from, int64_t stride, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++, from += (uint64_t)stride)
        vm_case_expect(c->space, BASE + PAGES(from), from + 1);
}

static void
test_sequential(void **state)
{
    struct vm_rig_config config = config_of(15, 0);
    struct vm_case c;

    (void)state;
    on_swap(&c, &config, MANY);
    uint64_t reads = c.rig.swap->stats.get_ios;
    scan(&c, 0, 1, MANY);
    struct vm_stats stats = vm_case_stats(&c);
    reads = c.rig.swap->stats.get_ios - reads;
    /* Windows of 0, 2, 4, 8 and then 15: 1 + 3 + 5 + 9 pages, and 16 each for the rest. */
    assert_int_equal(stats.major, 4 + (MANY - 18 + 15) / 16);
    assert_in_range(reads, stats.major, stats.major + MANY / 16);
    assert_int_equal(stats.pages_in, MANY);
    assert_int_equal(stats.ahead_read, MANY - stats.major);
    assert_int_equal(stats.ahead_used, stats.ahead_read);
    assert_int_equal(stats.ahead_wasted, 0);
    vm_case_fini(&c);
}

static void
test_strides(void **state)
{
    static const int64_t strides[] = {-1, 2, 7, -5, 37};
    struct vm_rig_config config = config_of(15, 0);

    (void)state;
    for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++) {
        uint64_t n = MANY / (uint64_t)(strides[i] < 0 ? -strides[i] : strides[i]);
        struct vm_case c;
        on_swap(&c, &config, MANY);
        scan(&c, strides[i] < 0 ? MANY - 1 : 0, strides[i], n);
        struct vm_stats stats = vm_case_stats(&c);
        /* Two to see the stride, eight to be sure of it, then windows that double. */
        assert_in_range(stats.major, 1, 14 + n / 16);
        assert_int_equal(stats.ahead_used + stats.major, n);
        assert_in_range(stats.ahead_read, stats.ahead_used, stats.ahead_used + 15);
        vm_case_fini(&c);
    }
}

/* Two walks through one region at a time do not hide each other. */
static void
test_interleaved(void **state)
{
    struct vm_rig_config config = config_of(15, 0);
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    vm_case_fini(&c);
    config.swap_slots = 16 * MANY;
    config.frames = 4096;
    on_swap(&c, &config, 4 * MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        vm_case_expect(c.space, BASE + PAGES(i), i + 1);
        vm_case_expect(c.space, BASE + PAGES(3 * MANY - i), 3 * MANY - i + 1);
    }
    struct vm_stats stats = vm_case_stats(&c);
    assert_in_range(stats.major, 2, 2 * (4 + MANY / 16 + 1));
    assert_in_range(stats.ahead_read, stats.ahead_used, stats.ahead_used + 30);
    vm_case_fini(&c);
}

/* Neighbours that lie apart on the device cost an operation each: a pair here and there is no
 * reason to read what comes after them. */
static void
test_scattered(void **state)
{
    struct vm_rig_config config = config_of(15, 0);
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    vm_case_map(c.space, BASE, PAGES(MANY));
    for (uint64_t i = 0; i < MANY; i++)
        vm_case_fill(c.space, BASE + PAGES(i), i + 1);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(i * 127 % MANY)), PGW_OK);
    uint64_t reads = c.rig.swap->stats.get_ios;
    for (uint64_t i = 0; i < 150; i++)
        scan(&c, i * 212 % (MANY - 4), 1, 2);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(c.rig.swap->stats.get_ios - reads, stats.major);
    assert_in_range(stats.ahead_read, 0, 10);
    vm_case_fini(&c);
}

/* What has no pattern is not guessed at. */
static void
test_random(void **state)
{
    struct vm_rig_config config = config_of(15, 0);
    struct vm_case c;
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 1);
    on_swap(&c, &config, MANY);
    for (unsigned i = 0; i < 400; i++) {
        uint64_t page = base_rng_below(&rng, MANY / 3) * 3;
        vm_case_expect(c.space, BASE + PAGES(page), page + 1);
    }
    assert_in_range(vm_case_stats(&c).ahead_read, 0, 40);
    vm_case_fini(&c);
}

static void
test_advice(void **state)
{
    struct vm_rig_config config = config_of(15, 0);
    struct vm_case c;

    (void)state;
    on_swap(&c, &config, MANY);
    struct vm_region *region = vm_region_at(vm_space_of(c.space), BASE);
    region->advice = 1u << SPACE_ADVICE_RANDOM;
    scan(&c, 0, 1, 100);
    assert_int_equal(vm_case_stats(&c).ahead_read, 0);
    assert_int_equal(vm_case_stats(&c).major, 100);
    region->advice = 1u << SPACE_ADVICE_SEQUENTIAL;
    vm_case_expect(c.space, BASE + PAGES(300), 301); /* the first fault, and nothing before it */
    assert_int_equal(vm_case_stats(&c).ahead_read, 30);
    scan(&c, 300, 1, 31);
    assert_int_equal(vm_case_stats(&c).major, 101);
    vm_case_fini(&c);
}

/* In little RAM windows are small, and nothing useful goes for them. */
static void
test_few_frames(void **state)
{
    struct vm_rig_config config = config_of(31, 64);
    uint64_t major[2];

    (void)state;
    config.frames = 64;
    for (unsigned ahead = 0; ahead < 2; ahead++) {
        struct vm_case c;
        config.ahead = ahead * 31;
        vm_case_init_with(&c, &config);
        vm_case_map(c.space, BASE, PAGES(200));
        for (uint64_t i = 0; i < 200; i++)
            vm_case_fill(c.space, BASE + PAGES(i), i + 1);
        for (unsigned round = 0; round < 8; round++) {
            scan(&c, 0, 1, 20); /* these fit, if nothing takes their place */
            scan(&c, 40 + round * 10, 1, 10);
        }
        major[ahead] = vm_case_stats(&c).major;
        assert_in_range(vm_case_stats(&c).ahead_wasted, 0, 24);
        vm_case_fini(&c);
    }
    assert_in_range(major[1], 1, major[0]);
}

/* A page that cannot be read does not take the one that was asked for with it, nor is its own error
 * told before it is asked for. */
static void
test_failing_run(void **state)
{
    struct vm_rig_config config = config_of(15, 0);
    struct vm_case c;
    unsigned char byte;

    (void)state;
    on_swap(&c, &config, MANY);
    scan(&c, 0, 1, 9); /* 9 is the next that must be read, with a window */
    struct vm_stats before = vm_case_stats(&c);
    c.rig.env.inject.fail_at[INJECT_READ] = c.rig.env.inject.tried[INJECT_READ] + 1;
    vm_case_expect(c.space, BASE + PAGES(9), 10);
    struct vm_stats after = vm_case_stats(&c);
    assert_int_equal(after.get_failures, before.get_failures + 1);
    assert_int_equal(after.ahead_read, before.ahead_read);
    assert_int_equal(after.pages_in, before.pages_in + 1);
    assert_true(vm_check(c.rig.vm));
    /* Both reads fail: now it is told, and the page comes back when the device does. */
    c.rig.env.inject.fail_at[INJECT_READ] = c.rig.env.inject.tried[INJECT_READ] + 1;
    c.rig.env.inject.and_after[INJECT_READ] = true;
    assert_int_equal(vm_rig_load(&c.rig, c.space, BASE + PAGES(10), &byte), SPACE_FAULT_IO);
    memset(c.rig.env.inject.fail_at, 0, sizeof c.rig.env.inject.fail_at);
    c.rig.env.inject.and_after[INJECT_READ] = false;
    assert_true(vm_check(c.rig.vm));
    scan(&c, 10, 1, MANY - 10);
    vm_case_fini(&c);
}

static void
test_file(void **state)
{
    struct vm_rig_config config = config_of(15, 0);
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    assert_int_equal(vm_rig_add_file(&c.rig, 300, 1), PGW_OK);
    vm_case_map_file(&c, BASE, PAGES(300), 0);
    scan(&c, 0, 1, 300);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.file_pages_in, 300);
    assert_int_equal(stats.file_reads, stats.major);
    assert_in_range(stats.major, 1, 4 + 300 / 16 + 1);
    assert_int_equal(stats.ahead_used, stats.ahead_read);
    vm_case_fini(&c);
}

/* One fault maps what is in RAM around it, and what was changed privately stays changed. */
static void
test_around(void **state)
{
    struct vm_rig_config config = config_of(0, 16);
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    assert_int_equal(vm_rig_add_file(&c.rig, 64, 1), PGW_OK);
    vm_case_map_file(&c, BASE, PAGES(64), 0);
    scan(&c, 0, 1, 64);
    vm_case_fill(c.space, BASE + PAGES(5), 1000);
    struct space *child = vm_case_fork(c.space);
    uint64_t before = vm_case_stats(&c).faults;
    for (uint64_t i = 0; i < 64; i++)
        vm_case_expect(child, BASE + PAGES(i), i == 5 ? 1000 : i + 1);
    /* Four blocks of 16; the anon in the first cuts that in two, with a fault of its own. */
    assert_int_equal(vm_case_stats(&c).faults - before, 6);
    assert_int_equal(vm_case_stats(&c).around_mapped, 64 - 6);
    assert_true(vm_check(c.rig.vm));
    assert_true(child->ops->check(child));
    child->ops->destroy(child);
    vm_case_fini(&c);
}

static void
test_range(void **state)
{
    struct vm_rig_config config = config_of(0, 0);
    struct vm_case c;

    (void)state;
    on_swap(&c, &config, MANY);
    struct vm_space *space = vm_space_of(c.space);
    base_lock_take(&space->system->lock);
    vm_ahead_range(space, BASE - PAGES(10), BASE + PAGES(100));
    base_lock_drop(&space->system->lock);
    assert_int_equal(vm_case_stats(&c).ahead_read, 100);
    assert_int_equal(vm_case_counts(c.space).resident, 100);
    scan(&c, 0, 1, 101);
    assert_int_equal(vm_case_stats(&c).major, 1);
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequential),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_scattered),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_few_frames),
        cmocka_unit_test(test_failing_run),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_around),
        cmocka_unit_test(test_range),
    };

    return cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
