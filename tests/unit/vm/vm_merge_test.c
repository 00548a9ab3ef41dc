/* SPDX-License-Identifier: BSD-2-Clause */
/* Same-page merging: what is merged, what is not, what it saves, and the way back. */
#include "unit/vm/vm_cases.h"

#include <string.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"

#define MANY UINT64_C(1000000) /* steps: to the end of a full scan */

static const struct vm_rig_config merging = {.name = "sv39",
    .pmap = &pmap_sv39,
    .policy = &policy_fifo,
    .merge = VM_MERGE_ALL,
    .frames = 256,
    .swap_slots = 1024,
    .tlb = "none"};

static struct space *
new_space(struct vm_case *c)
{
    struct space *space;

    assert_int_equal(vm_space_create(c->rig.vm, &space), PGW_OK);
    return space;
}

/* n full scans; returns how many pages were merged. */
static uint64_t
scan(struct vm_case *c, unsigned n)
{
    uint64_t merged = 0;

    for (; n > 0; n--) {
        uint64_t rounds = vm_case_stats(c).merge_rounds;
        merged += vm_merge_run(c->rig.vm, MANY);
        assert_int_equal(vm_case_stats(c).merge_rounds, rounds + 1);
        assert_true(vm_check(c->rig.vm));
    }
    return merged;
}

/* npages at BASE, filled with keys from key on. */
static void
fill(struct space *space, unsigned npages, uint64_t key)
{
    for (unsigned i = 0; i < npages; i++)
        vm_case_fill(space, BASE + PAGES(i), key + i);
}

static void
expect(struct space *space, unsigned npages, uint64_t key)
{
    for (unsigned i = 0; i < npages; i++)
        vm_case_expect(space, BASE + PAGES(i), key + i);
}

/* Two spaces with 20 pages each: equal ones, after two scans, are there once. */
static void
two_alike(struct vm_case *c, struct space **other)
{
    vm_case_init_with(c, &merging);
    *other = new_space(c);
    vm_case_map(c->space, BASE, PAGES(20));
    vm_case_map(*other, BASE, PAGES(20));
    fill(c->space, 20, 100);
    fill(*other, 20, 100);
}

static void
test_merges_and_splits(void **state)
{
    struct vm_case c;
    struct space *other;
    (void)state;
    two_alike(&c, &other);
    assert_int_equal(scan(&c, 1), 0); /* nobody knows yet what is calm */
    assert_int_equal(scan(&c, 1), 20);
    assert_int_equal(vm_case_stats(&c).resident, 20);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.merge_shared, 20);
    assert_int_equal(stats.merge_sharing, 20);
    assert_int_equal(stats.merge_volatile, 40);
    expect(c.space, 20, 100);
    expect(other, 20, 100);
    vm_case_store(&c, other, BASE + PAGES(3) + 9, 1); /* splits */
    vm_case_expect(c.space, BASE + PAGES(3), 103);
    vm_case_load(&c, other, BASE + PAGES(3) + 9, 1);
    vm_case_store(&c, c.space, BASE + PAGES(3), 2); /* alone again: no copy */
    stats = vm_case_stats(&c);
    assert_int_equal(stats.merge_splits, 1);
    assert_int_equal(stats.cow, 1);
    assert_int_equal(stats.merge_shared, 19);
    assert_int_equal(stats.merge_sharing, 19);
    assert_int_equal(stats.merge_sharing_peak, 20);
    assert_int_equal(scan(&c, 2), 0);
    other->ops->destroy(other);
    assert_int_equal(vm_case_stats(&c).merge_sharing, 0);
    expect(c.space, 3, 100);
    vm_case_fini(&c);
}

/* Pages that are written between two scans are left alone, and counted. */
static void
test_leaves_what_changes(void **state)
{
    struct vm_case c;
    struct space *other;
    (void)state;
    two_alike(&c, &other);
    for (unsigned char i = 0; i < 5; i++) {
        for (unsigned page = 0; page < 20; page++) {
            vm_case_store(&c, c.space, BASE + PAGES(page), i);
            vm_case_store(&c, other, BASE + PAGES(page), i);
        }
        assert_int_equal(scan(&c, 1), 0);
    }
    assert_int_equal(vm_case_stats(&c).merge_volatile, 200);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

/* Within one space too, and no more than 256 users a page. */
static void
test_full_pages(void **state)
{
    struct vm_case c;
    struct vm_rig_config config = merging;
    (void)state;
    config.frames = 1024;
    vm_case_init_with(&c, &config);
    vm_case_map(c.space, BASE, PAGES(700));
    for (unsigned i = 0; i < 700; i++)
        vm_case_fill(c.space, BASE + PAGES(i), 5);
    assert_int_equal(scan(&c, 2), 697);
    assert_int_equal(vm_case_counts(c.space).resident, 700);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.resident, 3); /* 256, 256 and 188 */
    assert_int_equal(stats.merge_shared, 3);
    assert_int_equal(stats.merge_sharing, 697);
    assert_true(stats.merge_full > 0);
    assert_int_equal(scan(&c, 3), 0); /* it does not go round and round */
    for (unsigned i = 0; i < 700; i++)
        vm_case_expect(c.space, BASE + PAGES(i), 5);
    vm_case_fini(&c);
}

/* After a fork both look at one amap; then some of its pages are copied, some merged again. */
static void
test_over_a_fork(void **state)
{
    struct vm_case c;
    struct space *other;
    (void)state;
    two_alike(&c, &other);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal(scan(&c, 2), 20);
    assert_int_equal(vm_case_stats(&c).resident, 20);
    vm_case_fill(child, BASE, 1); /* copies the amap */
    assert_int_equal(vm_case_stats(&c).merge_sharing, 39);
    vm_case_fill(c.space, BASE, 1);
    vm_case_expect(other, BASE, 100);
    assert_int_equal(scan(&c, 2), 1); /* the two that were written alike */
    assert_int_equal(vm_case_stats(&c).resident, 21);
    expect(child, 1, 1);
    expect(c.space, 1, 1);
    for (unsigned i = 1; i < 20; i++)
        vm_case_expect(child, BASE + PAGES(i), 100 + i);
    c.space->ops->destroy(c.space);
    c.space = child;
    other->ops->destroy(other);
    vm_case_fini(&c);
}

/* A child that writes before anything was merged: anons with two references move page by page. */
static void
test_forked_first(void **state)
{
    struct vm_case c;
    struct space *other;
    (void)state;
    two_alike(&c, &other);
    struct space *child = vm_case_fork(c.space);
    vm_case_fill(child, BASE, 77);
    assert_int_equal(
        scan(&c, 3), 20); /* 19 of the other's go to the family's, one to the parent's */
    assert_int_equal(vm_case_stats(&c).resident, 21);
    expect(c.space, 20, 100);
    expect(other, 20, 100);
    vm_case_expect(child, BASE, 77);
    vm_case_expect(child, BASE + PAGES(1), 101);
    child->ops->destroy(child);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

/* Out once for all, and in once for all. */
static void
test_swaps_once(void **state)
{
    struct vm_case c;
    struct space *other;
    (void)state;
    two_alike(&c, &other);
    scan(&c, 2);
    (void)vm_reclaim(c.rig.vm, 20);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.pages_out, 20);
    assert_int_equal(stats.resident, 0);
    assert_int_equal(scan(&c, 2), 0); /* nothing in RAM, nothing to do */
    expect(c.space, 20, 100);
    expect(other, 20, 100);
    assert_int_equal(vm_case_stats(&c).pages_in, 20);
    /* Another equal page finds those that have come back. */
    struct space *third = new_space(&c);
    vm_case_map(third, BASE, PAGES(20));
    fill(third, 20, 100);
    assert_int_equal(scan(&c, 2), 20);
    assert_int_equal(vm_case_stats(&c).resident, 20);
    third->ops->destroy(third);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

static void
test_unmerges(void **state)
{
    struct vm_case c;
    struct space *other;
    (void)state;
    two_alike(&c, &other);
    scan(&c, 2);
    (void)vm_reclaim(c.rig.vm, 7); /* some of them come from swap for it */
    assert_int_equal(other->ops->protect(other, BASE, PAGES(5), PROT_MASK_R), PGW_OK);
    assert_int_equal(other->ops->protect(other, BASE + PAGES(5), PAGES(5), PROT_MASK_NONE), PGW_OK);
    assert_int_equal(vm_merge_unmerge(other, BASE + PAGES(2), BASE + PAGES(15)), PGW_OK);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.merge_sharing, 7);
    assert_int_equal(stats.merge_splits, 13);
    assert_int_equal(vm_rig_store(&c.rig, other, BASE, 0), SPACE_FAULT_ACCERR);
    assert_int_equal(vm_rig_store(&c.rig, other, BASE + PAGES(3), 0), SPACE_FAULT_ACCERR);
    assert_int_equal(other->ops->protect(other, BASE, PAGES(20), RW), PGW_OK);
    expect(c.space, 20, 100);
    expect(other, 20, 100);
    vm_case_store(&c, other, BASE + PAGES(6), 1); /* its own: nothing to copy */
    assert_int_equal(vm_case_stats(&c).cow, stats.cow);
    vm_case_expect(c.space, BASE + PAGES(6), 106);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

/* Not everything fits any more: what could be made single is, and the rest is as it was. */
static void
test_no_room_to_unmerge(void **state)
{
    struct vm_case c;
    struct vm_rig_config config = merging;
    (void)state;
    config.frames = 40;
    config.swap_slots = 0;
    vm_case_init_with(&c, &config);
    for (unsigned i = 0; i < 200; i++) {
        if (i % 20 == 0) /* as much as one call may promise */
            vm_case_map(c.space, BASE + PAGES(i), PAGES(20));
        vm_case_fill(c.space, BASE + PAGES(i), 5);
        if (i % 16 == 15)
            scan(&c, 2);
    }
    assert_int_equal(vm_merge_unmerge(c.space, BASE, BASE + PAGES(200)), PGW_NORAM);
    assert_true(vm_check(c.rig.vm));
    for (unsigned i = 0; i < 200; i++)
        vm_case_expect(c.space, BASE + PAGES(i), 5);
    vm_case_fini(&c);
}

/* What a region shares stays its own: others must see what is written. */
static void
test_not_what_is_shared(void **state)
{
    struct vm_case c;
    struct space *other;
    uint64_t va = BASE;
    (void)state;
    vm_case_init_with(&c, &merging);
    other = new_space(&c);
    vm_case_map(c.space, BASE, PAGES(4));
    for (unsigned i = 0; i < 4; i++)
        vm_case_fill(c.space, BASE + PAGES(i), 9);
    assert_int_equal(scan(&c, 2), 3);
    assert_int_equal(other->ops->share(other, c.space, BASE, RW, &va), PGW_OK);
    vm_case_store(&c, other, BASE + PAGES(2), 0x55); /* merged before it was shared */
    vm_case_load(&c, c.space, BASE + PAGES(2), 0x55);
    vm_case_expect(c.space, BASE, 9);
    vm_case_fill(c.space, BASE + PAGES(2), 9);
    vm_case_fill(c.space, BASE + PAGES(1), 9);
    assert_int_equal(scan(&c, 2), 0);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

/* A few steps at a time come to the same as whole scans. */
static void
test_in_small_steps(void **state)
{
    struct vm_case c;
    struct space *other;
    uint64_t merged = 0;
    (void)state;
    two_alike(&c, &other);
    for (unsigned i = 0; i < 60; i++)
        merged += vm_merge_run(c.rig.vm, 3);
    assert_int_equal(merged, 20);
    assert_true(vm_case_stats(&c).merge_rounds >= 2);
    other->ops->destroy(other);
    assert_int_equal(vm_merge_run(c.rig.vm, 0), 0);
    vm_case_fini(&c);
}

static void
test_off(void **state)
{
    struct vm_case c;
    struct vm_rig_config config = merging;
    (void)state;
    config.merge = VM_MERGE_OFF;
    vm_case_init_with(&c, &config);
    vm_case_map(c.space, BASE, PAGES(4));
    for (unsigned i = 0; i < 4; i++)
        vm_case_fill(c.space, BASE + PAGES(i), 9);
    assert_int_equal(vm_merge_run(c.rig.vm, MANY), 0);
    assert_int_equal(vm_case_stats(&c).merge_rounds, 0);
    vm_case_fini(&c);
}

/* Without memory for its tables the scanner finds less, and nothing breaks. */
static void
test_no_tables(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 4; nth++) {
        struct vm_case c;
        struct space *other;
        two_alike(&c, &other);
        c.rig.env.inject.fail_at[INJECT_MAP] = c.rig.env.inject.tried[INJECT_MAP] + nth;
        c.rig.env.inject.and_after[INJECT_MAP] = true;
        for (unsigned i = 0; i < 4; i++)
            (void)vm_merge_run(c.rig.vm, MANY);
        memset(c.rig.env.inject.fail_at, 0, sizeof c.rig.env.inject.fail_at);
        expect(c.space, 20, 100);
        expect(other, 20, 100);
        scan(&c, 2);
        assert_int_equal(vm_case_stats(&c).merge_sharing, 20);
        other->ops->destroy(other);
        vm_case_fini(&c);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges_and_splits),
        cmocka_unit_test(test_leaves_what_changes),
        cmocka_unit_test(test_full_pages),
        cmocka_unit_test(test_over_a_fork),
        cmocka_unit_test(test_forked_first),
        cmocka_unit_test(test_swaps_once),
        cmocka_unit_test(test_unmerges),
        cmocka_unit_test(test_no_room_to_unmerge),
        cmocka_unit_test(test_not_what_is_shared),
        cmocka_unit_test(test_in_small_steps),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_no_tables),
    };

    return cmocka_run_group_tests_name("vm_merge", tests, NULL, NULL);
}
