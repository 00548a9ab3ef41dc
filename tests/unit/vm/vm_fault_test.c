/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults: exact counts of each kind, copy-on-write, files, and what lives how long. */
#include "unit/vm/vm_cases.h"

#define FRAMES 128u
#define SLOTS 64u
#define FILE_KEY 900u

struct kinds {
    uint64_t minor, major, zero_fill, cow;
};

/* The counts of a space and, when it is the only one, of the system. */
static void
expect_kinds(struct vm_case *c, struct space *space, struct kinds want)
{
    struct space_counts counts = vm_case_counts(space);
    struct vm_stats stats = vm_case_stats(c);

    assert_int_equal(counts.minor, want.minor);
    assert_int_equal(counts.major, want.major);
    assert_int_equal(counts.zero_fill, want.zero_fill);
    assert_int_equal(counts.cow, want.cow);
    assert_int_equal(stats.faults, stats.minor + stats.major);
    if (stats.spaces != 1)
        return;
    assert_int_equal(stats.minor, want.minor);
    assert_int_equal(stats.major, want.major);
}

static void
test_zero_fill(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGES(10));
    expect_kinds(&c, c.space, (struct kinds){0, 0, 0, 0});
    vm_case_load(&c, c.space, BASE, 0);
    vm_case_load(&c, c.space, BASE + 100, 0);
    vm_case_store(&c, c.space, BASE + 100, 3); /* the load's mapping lets it */
    expect_kinds(&c, c.space, (struct kinds){1, 0, 1, 0});
    for (unsigned i = 0; i < 10; i++)
        vm_case_store(&c, c.space, BASE + PAGES(i), 1);
    expect_kinds(&c, c.space, (struct kinds){10, 0, 10, 0});
    struct space_counts counts = vm_case_counts(c.space);
    assert_int_equal(counts.resident, 10);
    assert_int_equal(counts.mapped, PAGES(10));
    assert_int_equal(counts.swapped, 0);
    assert_true(counts.tables >= 3);
    assert_int_equal(vm_case_stats(&c).anons, 10);
    vm_case_fini(&c);
}

static void
test_major(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGES(3));
    for (unsigned i = 0; i < 3; i++)
        vm_case_store(&c, c.space, BASE + PAGES(i), (unsigned char)(i + 1));
    assert_int_equal(vm_reclaim(c.rig.vm, 3), 3);
    assert_int_equal(vm_case_counts(c.space).swapped, 3);
    for (unsigned i = 0; i < 3; i++)
        vm_case_load(&c, c.space, BASE + PAGES(i), (unsigned char)(i + 1));
    expect_kinds(&c, c.space, (struct kinds){3, 3, 3, 0});
    assert_int_equal(vm_case_stats(&c).pages_in, 3);
    assert_int_equal(vm_case_stats(&c).pages_out, 3);
    vm_case_fini(&c);
}

/* Two spaces, three pages: each page that is shared is copied once, by whoever writes first. */
static void
test_cow(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGES(4));
    for (unsigned i = 0; i < 3; i++)
        vm_case_store(&c, c.space, BASE + PAGES(i), 1);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal(vm_case_stats(&c).anons, 3); /* nothing was copied */
    assert_int_equal(vm_case_stats(&c).resident, 3);
    for (unsigned i = 0; i < 3; i++)
        vm_case_load(&c, child, BASE + PAGES(i), 1);
    expect_kinds(&c, child, (struct kinds){3, 0, 0, 0});
    vm_case_store(&c, child, BASE, 2);
    expect_kinds(&c, child, (struct kinds){4, 0, 0, 1});
    assert_int_equal(vm_case_stats(&c).anons, 4);
    vm_case_store(&c, c.space, BASE, 3); /* the parent is alone with its page: no copy */
    vm_case_store(&c, c.space, BASE + PAGES(1), 3);
    expect_kinds(&c, c.space, (struct kinds){5, 0, 3, 1});
    vm_case_store(&c, child, BASE + PAGES(1), 4); /* and so is the child with that */
    expect_kinds(&c, child, (struct kinds){5, 0, 0, 1});
    assert_int_equal(vm_case_stats(&c).anons, 5);
    vm_case_store(&c, child, BASE + PAGES(3), 5); /* not there at the fork: the child's own */
    vm_case_load(&c, c.space, BASE + PAGES(3), 0);
    vm_case_load(&c, c.space, BASE, 3);
    vm_case_load(&c, child, BASE, 2);
    vm_case_load(&c, child, BASE + PAGES(1), 4);
    vm_case_load(&c, child, BASE + PAGES(2), 1);
    assert_true(vm_check(c.rig.vm));
    child->ops->destroy(child);
    vm_case_load(&c, c.space, BASE + PAGES(2), 1);
    assert_int_equal(vm_case_stats(&c).anons, 4);
    vm_case_fini(&c);
}

/* Many generations: everybody keeps what it had, whoever ends first. */
static void
test_fork_tree(void **state)
{
    enum { N = 12 };
    struct vm_case c;
    struct space *spaces[N];

    (void)state;
    vm_case_init(&c, FRAMES, 4 * SLOTS);
    vm_case_map(c.space, BASE, PAGES(N));
    spaces[0] = c.space;
    for (unsigned i = 1; i < N; i++) {
        vm_case_fill(spaces[i - 1], BASE + PAGES(i - 1), i); /* only later ones see it */
        spaces[i] = vm_case_fork(spaces[i - 1]);
    }
    for (unsigned i = 1; i < N; i += 2)
        vm_case_fill(spaces[i], BASE, 100 + i);
    assert_true(vm_check(c.rig.vm));
    for (unsigned i = 0; i < N; i++)
        for (unsigned page = 0; page < N; page++) {
            uint64_t inherited = page < i || (page == i && i < N - 1) ? page + 1 : 0;
            vm_case_expect(
                spaces[i], BASE + PAGES(page), page == 0 && i % 2 == 1 ? 100 + i : inherited);
        }
    for (unsigned i = 2; i < N; i += 2)
        spaces[i]->ops->destroy(spaces[i]);
    for (unsigned i = 1; i < N; i += 2) {
        vm_case_expect(spaces[i], BASE, 100 + i);
        spaces[i]->ops->destroy(spaces[i]);
        assert_true(vm_check(c.rig.vm));
    }
    vm_case_expect(c.space, BASE, 1);
    vm_case_fini(&c);
}

/* A fork that meets no memory, at each of its allocations, leaves the parent as it was. */
static void
test_fork_fails(void **state)
{
    struct vm_case c;
    struct space *child;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    for (unsigned i = 0; i < 6; i++) {
        vm_case_map(c.space, BASE + PAGES(2 * i), PAGE_SIZE);
        vm_case_fill(c.space, BASE + PAGES(2 * i), i + 1);
    }
    struct base_inject *inject = &c.rig.env.inject;
    unsigned failed = 0;
    for (uint64_t n = 1;; n++, failed++) {
        inject->fail_at[INJECT_OBJ] = inject->tried[INJECT_OBJ] + n;
        enum pgw_status status = c.space->ops->fork(c.space, &child);
        inject->fail_at[INJECT_OBJ] = 0;
        if (status == PGW_OK)
            break;
        assert_int_equal(status, PGW_NOMEM);
        assert_int_equal(vm_case_stats(&c).spaces, 1);
        assert_int_equal(vm_case_regions(&c), 6);
        assert_true(vm_check(c.rig.vm));
        for (unsigned i = 0; i < 6; i++)
            vm_case_fill(c.space, BASE + PAGES(2 * i), i + n + 1);
        assert_int_equal(vm_case_counts(c.space).cow, 0);
    }
    assert_true(failed >= 7); /* the space and its regions */
    for (unsigned i = 0; i < 6; i++)
        vm_case_expect(child, BASE + PAGES(2 * i), i + failed + 1);
    child->ops->destroy(child);
    vm_case_fini(&c);
}

static void
test_file(void **state)
{
    struct vm_case c;
    unsigned char byte;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_int_equal(vm_rig_add_file(&c.rig, 5, FILE_KEY), PGW_OK);
    vm_case_map_file(&c, BASE, PAGES(4), 2); /* pages 2, 3, 4 and one past the end */
    for (unsigned i = 0; i < 3; i++)
        vm_case_expect(c.space, BASE + PAGES(i), FILE_KEY + 2 + i);
    expect_kinds(&c, c.space, (struct kinds){0, 3, 0, 0});
    assert_int_equal(vm_case_stats(&c).file_pages_in, 3);
    assert_int_equal(vm_rig_load(&c.rig, c.space, BASE + PAGES(3), &byte), SPACE_FAULT_BUS);
    assert_int_equal(vm_rig_store(&c.rig, c.space, BASE + PAGES(3), 1), SPACE_FAULT_BUS);
    assert_int_equal(vm_case_counts(c.space).resident, 3);
    vm_case_fini(&c);
}

/* A file's page is in RAM once, whoever maps it; what is written to it is the writer's alone. */
static void
test_file_shared(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_int_equal(vm_rig_add_file(&c.rig, 4, FILE_KEY), PGW_OK);
    vm_case_map_file(&c, BASE, PAGES(4), 0);
    vm_case_map_file(&c, 2 * BASE, PAGES(4), 0);
    struct space *child = vm_case_fork(c.space);
    for (unsigned i = 0; i < 4; i++) {
        vm_case_expect(c.space, BASE + PAGES(i), FILE_KEY + i);
        vm_case_expect(c.space, 2 * BASE + PAGES(i), FILE_KEY + i);
        vm_case_expect(child, BASE + PAGES(i), FILE_KEY + i);
    }
    assert_int_equal(vm_case_stats(&c).resident, 4);
    assert_int_equal(vm_case_stats(&c).file_pages_in, 4);
    vm_case_fill(c.space, BASE + PAGES(1), 7);
    assert_int_equal(vm_case_counts(c.space).cow, 1);
    assert_int_equal(vm_case_stats(&c).resident, 5);
    vm_case_expect(c.space, BASE + PAGES(1), 7);
    vm_case_expect(c.space, 2 * BASE + PAGES(1), FILE_KEY + 1);
    vm_case_expect(child, BASE + PAGES(1), FILE_KEY + 1);
    /* A file's clean page goes without a write and comes again from the file. */
    assert_int_equal((child)->ops->evict(child, BASE + PAGES(2)), PGW_OK);
    assert_int_equal(c.rig.swap->stats.puts, 0);
    vm_case_expect(c.space, BASE + PAGES(2), FILE_KEY + 2);
    assert_int_equal(vm_case_stats(&c).file_pages_in, 5);
    child->ops->destroy(child);
    vm_case_fini(&c);
}

/* Resident: the pages that the space has mapped or owns, not those that others brought in. */
static void
test_file_resident(void **state)
{
    struct vm_case c;
    struct space *other;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_int_equal(vm_rig_add_file(&c.rig, 8, FILE_KEY), PGW_OK);
    vm_case_map_file(&c, BASE, PAGES(8), 0);
    other = vm_case_fork(c.space);
    for (unsigned i = 0; i < 8; i++)
        vm_case_expect(c.space, BASE + PAGES(i), FILE_KEY + i);
    assert_int_equal(vm_case_counts(c.space).resident, 8);
    assert_int_equal(vm_case_counts(other).resident, 0);
    vm_case_expect(other, BASE, FILE_KEY);
    assert_int_equal(vm_case_counts(other).resident, 1);
    vm_case_fill(other, BASE, 5); /* its own copy hides the file's page */
    assert_int_equal(vm_case_counts(other).resident, 1);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

/* An object lives as long as the last region, or whoever holds it. */
static void
test_object_life(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_int_equal(vm_rig_add_file(&c.rig, 4, FILE_KEY), PGW_OK);
    struct space_object *object = c.rig.file;
    vm_case_map_file(&c, BASE, PAGES(4), 0);
    object->ops->hold(object);
    object->ops->release(object);
    object->ops->release(object); /* the rig's: the region keeps it */
    c.rig.file = NULL;
    assert_int_equal(vm_case_stats(&c).objects, 1);
    vm_case_expect(c.space, BASE + PAGES(1), FILE_KEY + 1);
    vm_case_fill(c.space, BASE + PAGES(2), 3);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(4)), PGW_OK);
    assert_int_equal(vm_case_stats(&c).objects, 1);
    vm_case_expect(child, BASE + PAGES(3), FILE_KEY + 3);
    vm_case_expect(child, BASE + PAGES(2), 3);
    assert_int_equal(child->ops->unmap(child, BASE, PAGES(3)), PGW_OK);
    vm_case_expect(child, BASE + PAGES(3), FILE_KEY + 3);
    child->ops->destroy(child);
    assert_int_equal(vm_case_stats(&c).objects, 0);
    assert_int_equal(vm_case_stats(&c).resident, 0);
    vm_case_fini(&c);
}

/* While somebody holds the object its pages stay in RAM, for the next one to map it. */
static void
test_object_caches(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_int_equal(vm_rig_add_file(&c.rig, 4, FILE_KEY), PGW_OK);
    for (unsigned round = 0; round < 3; round++) {
        vm_case_map_file(&c, BASE, PAGES(4), 0);
        for (unsigned i = 0; i < 4; i++)
            vm_case_expect(c.space, BASE + PAGES(i), FILE_KEY + i);
        assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(4)), PGW_OK);
    }
    assert_int_equal(vm_case_stats(&c).file_pages_in, 4);
    vm_case_fini(&c);
}

static void
test_object_too_large(void **state)
{
    struct vm_case c;
    struct pager pager = {.ops = NULL};
    struct space_object *object = NULL;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_int_equal(
        vm_object_create(c.rig.vm, &pager, ((uint64_t)1 << 40) + 1, &object), PGW_RANGE);
    assert_null(object);
    assert_int_equal(vm_case_stats(&c).objects, 0);
    vm_case_fini(&c);
}

static void
test_copying(void **state)
{
    struct vm_case c;
    char text[64] = "";
    size_t done;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGES(2));
    uint64_t va = BASE + PAGE_SIZE - 4;
    assert_int_equal(space_write(c.space, va, "pagewright", 11, &done), SPACE_FAULT_OK);
    assert_int_equal(done, 11);
    assert_int_equal(space_read_string(c.space, va, text, sizeof text), SPACE_FAULT_OK);
    assert_string_equal(text, "pagewright");
    assert_int_equal(space_read_string(c.space, va, text, 10), SPACE_FAULT_NOMEM); /* no NUL */
    assert_int_equal(space_read_string(c.space, BASE - 1, text, 10), SPACE_FAULT_MAPERR);
    assert_int_equal(
        space_write(c.space, BASE + PAGES(2) - 3, "pagewright", 11, &done), SPACE_FAULT_MAPERR);
    assert_int_equal(done, 3);
    assert_int_equal(space_read(c.space, 1, text, 0, &done), SPACE_FAULT_OK);
    assert_int_equal(done, 0);
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_zero_fill),
        cmocka_unit_test(test_major), cmocka_unit_test(test_cow), cmocka_unit_test(test_fork_tree),
        cmocka_unit_test(test_fork_fails), cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_shared), cmocka_unit_test(test_file_resident),
        cmocka_unit_test(test_object_life), cmocka_unit_test(test_object_caches),
        cmocka_unit_test(test_object_too_large), cmocka_unit_test(test_copying)};

    return cmocka_run_group_tests_name("vm fault", tests, NULL, NULL);
}
