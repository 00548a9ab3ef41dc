/* SPDX-License-Identifier: BSD-2-Clause */
/* Refault distance: which pages that come back were evicted too early. */
#include "unit/vm/vm_cases.h"

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "vm/core.h"

/* Pages that hold their number, n of them, none left in RAM; the last ones were evicted last. */
static void
start(struct vm_case *c, uint64_t n)
{
    vm_case_init(c, 256, 1024);
    vm_case_map(c->space, BASE, PAGES(n));
    for (uint64_t i = 0; i < n; i++)
        vm_case_fill(c->space, BASE + PAGES(i), i + 1);
}

static const struct mem_page *
page_at(struct vm_case *c, uint64_t i)
{
    struct space_page page;

    c->space->ops->page(c->space, BASE + PAGES(i), &page);
    return page.page;
}

static void
test_anon(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 100);
    assert_int_equal(vm_reclaim(c.rig.vm, 60), 60); /* the first 60, in that order (FIFO) */
    assert_int_equal(vm_case_stats(&c).refaults, 0);
    /* Page 59 was the last to go: its distance is 0, and 40 are in RAM. */
    vm_case_expect(c.space, BASE + PAGES(59), 60);
    assert_int_equal(vm_case_stats(&c).activated, 1);
    assert_true(page_at(&c, 59)->active);
    /* Page 18 went 41 evictions before the last, and 42 pages are in RAM with it. */
    vm_case_expect(c.space, BASE + PAGES(18), 19);
    assert_int_equal(vm_case_stats(&c).activated, 2);
    /* Page 0 went 59 evictions ago: 43 frames would not have kept it. */
    vm_case_expect(c.space, BASE, 1);
    assert_int_equal(vm_case_stats(&c).refaults, 3);
    assert_int_equal(vm_case_stats(&c).activated, 2);
    assert_false(page_at(&c, 0)->active);
    vm_case_fini(&c);
}

static void
test_file(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, 256, 64);
    assert_int_equal(vm_rig_add_file(&c.rig, 120, 1), PGW_OK);
    vm_case_map_file(&c, BASE, PAGES(120), 0);
    for (uint64_t i = 0; i < 120; i++)
        vm_case_expect(c.space, BASE + PAGES(i), i + 1);
    assert_int_equal(vm_reclaim(c.rig.vm, 80), 80);
    const struct vm_object *object = vm_object_of(c.rig.file);
    assert_int_equal(object->shadows.count, 80);
    assert_int_equal(object->system->nshadows, 80);
    vm_case_expect(c.space, BASE + PAGES(70), 71); /* distance 9, 41 in RAM */
    vm_case_expect(c.space, BASE + PAGES(30), 31); /* distance 49, 42 in RAM */
    assert_int_equal(vm_case_stats(&c).refaults, 2);
    assert_int_equal(vm_case_stats(&c).activated, 1);
    assert_int_equal(object->shadows.count, 78);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* Pages that had to be written to their file leave the same behind. */
static void
test_written_file(void **state)
{
    struct vm_case c;
    struct space_map_args args = {.va = BASE,
        .len = PAGES(120),
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_SHARED,
        .use = SPACE_USE_FILE};
    uint64_t va;

    (void)state;
    vm_case_init(&c, 256, 64);
    assert_int_equal(vm_rig_add_file(&c.rig, 120, 1), PGW_OK);
    args.object = c.rig.file;
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    for (uint64_t i = 0; i < 120; i++)
        vm_case_fill(c.space, BASE + PAGES(i), i + 1000);
    assert_int_equal(vm_reclaim(c.rig.vm, 80), 80);
    const struct vm_object *object = vm_object_of(c.rig.file);
    assert_int_equal(object->shadows.count, 80);
    assert_int_equal(vm_case_stats(&c).evicted, 80);
    vm_case_expect(c.space, BASE + PAGES(70), 1070); /* distance 9, 41 in RAM */
    vm_case_expect(c.space, BASE + PAGES(30), 1030); /* distance 49, 42 in RAM */
    assert_int_equal(vm_case_stats(&c).refaults, 2);
    assert_int_equal(vm_case_stats(&c).activated, 1);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* What files leave behind is bounded by the frames there are. */
static void
test_bound(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, 64, 64);
    assert_int_equal(vm_rig_add_file(&c.rig, 500, 1), PGW_OK);
    vm_case_map_file(&c, BASE, PAGES(500), 0);
    const struct vm_object *object = vm_object_of(c.rig.file);
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 500; i++) {
            vm_case_expect(c.space, BASE + PAGES(i), i + 1);
            assert_in_range(object->system->nshadows, 0, 64);
            assert_int_equal(object->system->nshadows, object->shadows.count);
        }
    assert_int_equal(vm_case_stats(&c).activated, 0); /* 500 pages in a circle do not fit in 64 */
    vm_case_fini(&c);
}

/* The policy is told of each miss before the page comes, and of no use but what the MMU shows. */
static uint64_t told, wrong, missed;
static struct policy_ops counted;

static void
counted_missed(struct policy *policy, uint64_t key)
{
    (void)policy;
    missed = key;
}

static void
counted_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    told++;
    wrong += key != missed;
    policy_fifo.admit(policy, node, key);
}

static void
counted_accessed(struct policy *policy, struct base_node *node, bool write)
{
    wrong++;
    policy_fifo.accessed(policy, node, write);
}

static enum pgw_status
counted_create(const struct policy_env *env, struct policy **policy)
{
    enum pgw_status status = policy_fifo.create(env, policy);

    if (status == PGW_OK)
        (*policy)->ops = &counted;
    return status;
}

static void
test_policy_is_told(void **state)
{
    struct vm_rig_config config = {.name = "counted",
        .pmap = &pmap_sv39,
        .policy = &counted,
        .frames = 256,
        .swap_slots = 256,
        .tlb = "none"};
    struct vm_case c;

    (void)state;
    counted = policy_fifo;
    counted.create = counted_create;
    counted.missed = counted_missed;
    counted.admit = counted_admit;
    counted.accessed = counted_accessed;
    vm_case_init_with(&c, &config);
    vm_case_map(c.space, BASE, PAGES(60));
    for (uint64_t i = 0; i < 60; i++)
        vm_case_fill(c.space, BASE + PAGES(i), i + 1);
    assert_int_equal(told, 60);
    assert_int_equal(vm_reclaim(c.rig.vm, 20), 20);
    for (uint64_t i = 10; i < 20; i++)
        vm_case_expect(c.space, BASE + PAGES(i), i + 1);
    assert_int_equal(told, 70);
    assert_int_equal(wrong, 0);
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anon),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_written_file),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_policy_is_told),
    };

    return cmocka_run_group_tests_name("refault", tests, NULL, NULL);
}
