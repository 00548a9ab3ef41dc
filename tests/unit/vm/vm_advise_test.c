/* SPDX-License-Identifier: BSD-2-Clause */
/* Advice, locks, population and what is in RAM: what they do to pages, and what they refuse. */
#include "unit/vm/vm_cases.h"

#include "vm/pager.h"

#define FRAMES 256u
#define SLOTS 1024u

static void
case_init(struct vm_case *c)
{
    vm_case_init(c, FRAMES, SLOTS);
    vm_case_map(c->space, BASE, PAGES(16));
    for (unsigned i = 0; i < 8; i++)
        vm_case_fill(c->space, BASE + PAGES(i), i + 1);
}

static enum pgw_status
advise(struct space *space, unsigned page, unsigned n, enum space_advice advice)
{
    return space->ops->advise(space, BASE + PAGES(page), PAGES(n), advice);
}

static unsigned
in_ram(struct space *space, unsigned page, unsigned n)
{
    unsigned char vec[64];
    unsigned count = 0;

    assert_int_equal(space->ops->incore(space, BASE + PAGES(page), n, vec), PGW_OK);
    for (unsigned i = 0; i < n; i++)
        count += vec[i];
    return count;
}

/* What was advised and stays is kept by region, cut and joined like rights. */
static void
test_bits(void **state)
{
    struct vm_case c;
    struct space_region region;

    (void)state;
    case_init(&c);
    assert_int_equal(advise(c.space, 4, 4, SPACE_ADVICE_SEQUENTIAL), PGW_OK);
    assert_int_equal(vm_case_regions(&c), 3);
    assert_true(c.space->ops->find(c.space, BASE + PAGES(5), &region));
    assert_int_equal(region.advice, 1u << SPACE_ADVICE_SEQUENTIAL);
    assert_int_equal(region.start, BASE + PAGES(4));
    assert_int_equal(advise(c.space, 4, 2, SPACE_ADVICE_RANDOM), PGW_OK);
    assert_int_equal(vm_case_regions(&c), 4);
    assert_int_equal(advise(c.space, 0, 16, SPACE_ADVICE_NORMAL), PGW_OK);
    assert_int_equal(vm_case_regions(&c), 1);
    assert_int_equal(advise(c.space, 0, 16, SPACE_ADVICE_HUGE), PGW_OK);
    assert_int_equal(advise(c.space, 0, 16, SPACE_ADVICE_NOHUGE), PGW_OK);
    assert_true(c.space->ops->find(c.space, BASE, &region));
    assert_int_equal(region.advice, 1u << SPACE_ADVICE_NOHUGE);
    for (unsigned i = 0; i < 8; i++)
        vm_case_expect(c.space, BASE + PAGES(i), i + 1);
    vm_case_fini(&c);
}

static void
test_errors(void **state)
{
    struct vm_case c;

    (void)state;
    case_init(&c);
    assert_int_equal(
        c.space->ops->advise(c.space, BASE + 1, PAGE_SIZE, SPACE_ADVICE_COLD), PGW_INVAL);
    assert_int_equal(advise(c.space, 0, 1, (enum space_advice)77), PGW_INVAL);
    assert_int_equal(advise(c.space, 0, 1, SPACE_ADVICE_REMOVE), PGW_INVAL);
    assert_int_equal(c.space->ops->unmap(c.space, BASE + PAGES(2), PAGE_SIZE), PGW_OK);
    /* What lies around a hole is done. */
    assert_int_equal(advise(c.space, 0, 8, SPACE_ADVICE_DONTNEED), PGW_NOTFOUND);
    vm_case_expect(c.space, BASE, 0);
    vm_case_expect(c.space, BASE + PAGES(7), 0);
    assert_int_equal(vm_rig_add_file(&c.rig, 8, 1), PGW_OK);
    vm_case_map_file(&c, BASE + PAGES(20), PAGES(4), 0);
    assert_int_equal(advise(c.space, 20, 4, SPACE_ADVICE_FREE), PGW_INVAL);
    assert_int_equal(advise(c.space, 20, 4, SPACE_ADVICE_WIPEONFORK), PGW_INVAL);
    unsigned char vec[4];
    assert_int_equal(c.space->ops->incore(c.space, BASE, 4, vec), PGW_NOTFOUND);
    assert_int_equal(
        c.space->ops->populate(c.space, BASE + PAGES(2), PAGE_SIZE, true), PGW_NOTFOUND);
    assert_int_equal(c.space->ops->protect(c.space, BASE, PAGE_SIZE, PROT_MASK_R), PGW_OK);
    assert_int_equal(c.space->ops->populate(c.space, BASE, PAGE_SIZE, true), PGW_ACCESS);
    assert_int_equal(c.space->ops->populate(c.space, BASE, PAGE_SIZE, false), PGW_OK);
    vm_case_fini(&c);
}

/* For one of two that share after a fork; pages and slots are freed, and files come back. */
static void
test_dontneed(void **state)
{
    struct vm_case c;

    (void)state;
    case_init(&c);
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(1)), PGW_OK);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal(advise(c.space, 1, 3, SPACE_ADVICE_DONTNEED), PGW_OK);
    for (unsigned i = 0; i < 8; i++) {
        vm_case_expect(c.space, BASE + PAGES(i), i >= 1 && i < 4 ? 0 : i + 1);
        vm_case_expect(child, BASE + PAGES(i), i + 1);
    }
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(advise(child, 0, 16, SPACE_ADVICE_DONTNEED), PGW_OK);
    vm_case_expect(child, BASE + PAGES(6), 0);
    child->ops->destroy(child);
    uint64_t anons = vm_case_stats(&c).anons;
    assert_int_equal(advise(c.space, 0, 16, SPACE_ADVICE_DONTNEED), PGW_OK);
    assert_true(vm_case_stats(&c).anons < anons);
    assert_int_equal(vm_case_stats(&c).anons, 0);
    vm_case_fini(&c);
}

/* Pages that were freed lazily go without being written; what is written again stays. */
static void
test_lazily(void **state)
{
    struct vm_case c;

    (void)state;
    case_init(&c);
    assert_int_equal(advise(c.space, 0, 8, SPACE_ADVICE_FREE), PGW_OK);
    vm_case_expect(c.space, BASE + PAGES(2), 3); /* it is still there */
    vm_case_store(&c, c.space, BASE + PAGES(3), 0x77);
    uint64_t out = vm_case_stats(&c).pages_out;
    vm_case_map(c.space, 4 * BASE, PAGES(FRAMES));
    for (unsigned i = 0; i < FRAMES; i++)
        vm_case_store(&c, c.space, 4 * BASE + PAGES(i), 0);
    vm_case_load(&c, c.space, BASE + PAGES(3), 0x77);
    vm_case_expect(c.space, BASE + PAGES(2), 0);
    assert_in_range(vm_case_stats(&c).pages_out - out, 0, FRAMES);
    assert_in_range(vm_case_stats(&c).lazy_freed, 1, 7);
    /* On swap: its room is free at once. */
    vm_case_fill(c.space, BASE + PAGES(5), 9);
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(5)), PGW_OK);
    assert_int_equal(advise(c.space, 5, 1, SPACE_ADVICE_FREE), PGW_OK);
    vm_case_expect(c.space, BASE + PAGES(5), 0);
    /* What a child sees as well is not freed. */
    vm_case_fill(c.space, BASE + PAGES(6), 11);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal(advise(c.space, 6, 1, SPACE_ADVICE_FREE), PGW_OK);
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(6)), PGW_OK);
    vm_case_expect(child, BASE + PAGES(6), 11);
    child->ops->destroy(child);
    vm_case_fini(&c);
}

static void
test_cold_and_out(void **state)
{
    struct vm_case c;
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 1);
    case_init(&c);
    vm_case_map(c.space, 2 * BASE, PAGES(4));
    for (unsigned i = 0; i < 4; i++)
        vm_case_fill(c.space, 2 * BASE + PAGES(i), 50 + i);
    /* The policy is FIFO: the last ones would be the last to go. */
    assert_int_equal(c.space->ops->advise(c.space, 2 * BASE, PAGES(4), SPACE_ADVICE_COLD), PGW_OK);
    assert_int_equal(vm_reclaim(c.rig.vm, 4), 4);
    unsigned char vec[4];
    assert_int_equal(c.space->ops->incore(c.space, 2 * BASE, 4, vec), PGW_OK);
    assert_int_equal(vec[0] + vec[1] + vec[2] + vec[3], 0);
    assert_int_equal(in_ram(c.space, 0, 8), 8);
    assert_int_equal(advise(c.space, 0, 8, SPACE_ADVICE_PAGEOUT), PGW_OK);
    assert_int_equal(in_ram(c.space, 0, 8), 0);
    assert_int_equal(vm_case_stats(&c).advised_out, 8);
    assert_int_equal(advise(c.space, 0, 8, SPACE_ADVICE_WILLNEED), PGW_OK);
    assert_int_equal(in_ram(c.space, 0, 8), 8);
    for (unsigned i = 0; i < 8; i++)
        vm_case_expect(c.space, BASE + PAGES(i), i + 1);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal(advise(c.space, 0, 8, SPACE_ADVICE_PAGEOUT), PGW_OK);
    assert_int_equal(in_ram(c.space, 0, 8), 8); /* the child may need them */
    child->ops->destroy(child);
    vm_case_fini(&c);
}

static void
test_over_fork(void **state)
{
    struct vm_case c;
    unsigned char byte;

    (void)state;
    case_init(&c);
    assert_int_equal(advise(c.space, 2, 2, SPACE_ADVICE_WIPEONFORK), PGW_OK);
    assert_int_equal(advise(c.space, 6, 1, SPACE_ADVICE_DONTFORK), PGW_OK);
    struct space *child = vm_case_fork(c.space);
    for (unsigned i = 0; i < 8; i++) {
        vm_case_expect(c.space, BASE + PAGES(i), i + 1);
        if (i != 6)
            vm_case_expect(child, BASE + PAGES(i), i == 2 || i == 3 ? 0 : i + 1);
    }
    assert_int_equal(vm_rig_load(&c.rig, child, BASE + PAGES(6), &byte), SPACE_FAULT_MAPERR);
    assert_true(vm_check(c.rig.vm));
    child->ops->destroy(child);
    vm_case_fini(&c);
}

static enum pgw_status
lock(struct space *space, unsigned page, unsigned n, enum space_lock how)
{
    return space->ops->lock(space, BASE + PAGES(page), PAGES(n), how);
}

/* Whatever others take, locked pages stay: those that were there, and those that came. */
static void
test_locked_stay(void **state)
{
    struct vm_case c;
    struct space_usage usage;
    struct space_region region;

    (void)state;
    case_init(&c);
    assert_int_equal(lock(c.space, 2, 8, SPACE_LOCK_ONFAULT), PGW_OK);
    vm_case_fill(c.space, BASE + PAGES(9), 10); /* comes later */
    assert_int_equal(vm_case_stats(&c).locked, 8);
    vm_case_map(c.space, 4 * BASE, PAGES(FRAMES));
    for (unsigned i = 0; i < FRAMES; i++)
        vm_case_store(&c, c.space, 4 * BASE + PAGES(i), 1);
    assert_int_equal(in_ram(c.space, 2, 6), 6);
    assert_int_equal(in_ram(c.space, 9, 1), 1);
    assert_int_equal(in_ram(c.space, 0, 2), 0);
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(2)), PGW_AGAIN);
    assert_int_equal(advise(c.space, 2, 1, SPACE_ADVICE_DONTNEED), PGW_INVAL);
    assert_int_equal(advise(c.space, 3, 2, SPACE_ADVICE_DROP), PGW_OK);
    assert_int_equal(in_ram(c.space, 3, 2), 0);
    assert_true(vm_check(c.rig.vm));
    vm_case_load(&c, c.space, BASE + PAGES(3), 0);
    vm_case_load(&c, c.space, BASE + PAGES(4), 0);
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(4)), PGW_AGAIN);
    assert_true(c.space->ops->find(c.space, BASE + PAGES(2), &region));
    c.space->ops->usage(c.space, &region, &usage);
    assert_int_equal(usage.locked, 7);
    assert_int_equal(usage.resident, 7);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(lock(c.space, 0, 16, SPACE_UNLOCK), PGW_OK);
    assert_int_equal(vm_case_regions(&c), 2);
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(2)), PGW_OK);
    vm_case_fini(&c);
}

/* A lock stays with the address when the page behind it becomes another, and goes with it. */
static void
test_locked_change(void **state)
{
    struct vm_case c;
    uint64_t va = 3 * BASE;

    (void)state;
    case_init(&c);
    assert_int_equal(lock(c.space, 0, 8, SPACE_LOCK_NOW), PGW_OK);
    struct space *child = vm_case_fork(c.space);
    vm_case_store(&c, c.space, BASE, 0x55); /* copied on write */
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_AGAIN);
    assert_int_equal(child->ops->evict(child, BASE), PGW_OK); /* the old one is nobody's lock */
    vm_case_expect(child, BASE, 1);
    assert_int_equal(
        c.space->ops->remap(c.space, BASE + PAGES(2), PAGES(4), PAGES(6), true, SPACE_FIXED, &va),
        PGW_OK);
    assert_int_equal(vm_case_stats(&c).locked, 10);
    assert_true(vm_check(c.rig.vm));
    vm_case_expect(c.space, va, 3);
    assert_int_equal(c.space->ops->evict(c.space, va), PGW_AGAIN);
    assert_int_equal(c.space->ops->unmap(c.space, va + PAGES(1), PAGES(5)), PGW_OK);
    assert_int_equal(vm_case_stats(&c).locked, 5);
    assert_int_equal(child->ops->lock(child, BASE + PAGES(5), PAGES(3), SPACE_LOCK_NOW), PGW_OK);
    assert_true(vm_check(c.rig.vm)); /* pages 6 and 7 are wired twice */
    child->ops->destroy(child);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(vm_case_stats(&c).locked, 5);
    vm_case_fini(&c);
}

/* So many pages that the machine would have no room are not locked; a hole ends it. */
static void
test_lock_limits(void **state)
{
    struct vm_case c;
    uint64_t va;

    (void)state;
    case_init(&c);
    vm_case_map(c.space, 4 * BASE, PAGES(FRAMES));
    assert_int_equal(
        c.space->ops->lock(c.space, 4 * BASE, PAGES(FRAMES), SPACE_LOCK_NOW), PGW_NORAM);
    assert_int_equal(vm_case_stats(&c).locked, 0);
    assert_int_equal(c.space->ops->lock(c.space, 4 * BASE, PAGES(100), SPACE_LOCK_NOW), PGW_OK);
    struct space_map_args args = {.len = PAGES(FRAMES - 100), .prot = RW, .flags = SPACE_LOCKED};
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_NORAM);
    args.len = PAGES(20);
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    assert_int_equal(vm_case_stats(&c).locked, 120);
    assert_int_equal(c.space->ops->populate(c.space, va, PAGES(20), true), PGW_OK);
    assert_int_equal(lock(c.space, 14, 4, SPACE_LOCK_NOW), PGW_NOTFOUND);
    assert_int_equal(vm_case_stats(&c).locked, 122);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* A file's page that is locked, and then hidden by a private copy. */
static void
test_locked_file(void **state)
{
    struct vm_case c;

    (void)state;
    case_init(&c);
    assert_int_equal(vm_rig_add_file(&c.rig, 8, 1), PGW_OK);
    vm_case_map_file(&c, BASE + PAGES(20), PAGES(4), 0);
    vm_case_expect(c.space, BASE + PAGES(20), 1);
    assert_int_equal(lock(c.space, 20, 4, SPACE_LOCK_ONFAULT), PGW_OK);
    vm_case_expect(c.space, BASE + PAGES(21), 2);
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(20)), PGW_AGAIN);
    vm_case_store(&c, c.space, BASE + PAGES(20), 9);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(20)), PGW_AGAIN);
    assert_int_equal(c.space->ops->unmap(c.space, BASE + PAGES(20), PAGES(4)), PGW_OK);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* Mapped again, and kept: remap's rarer kinds. */
static void
test_remap_kinds(void **state)
{
    struct vm_case c;
    uint64_t va = 3 * BASE;

    (void)state;
    case_init(&c);
    assert_int_equal(
        c.space->ops->remap(c.space, BASE, PAGES(4), PAGES(4), true, SPACE_FIXED | SPACE_KEEP, &va),
        PGW_OK);
    for (unsigned i = 0; i < 4; i++) {
        vm_case_expect(c.space, BASE + PAGES(i), 0);
        vm_case_expect(c.space, va + PAGES(i), i + 1);
    }
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(vm_case_counts(c.space).mapped, PAGES(20));
    assert_int_equal(c.space->ops->remap(c.space, BASE, 0, PAGES(1), true, 0, &va), PGW_INVAL);
    struct space *other;
    uint64_t at = 5 * BASE;
    assert_int_equal(vm_space_create(c.rig.vm, &other), PGW_OK);
    assert_int_equal(other->ops->share(other, c.space, 3 * BASE, RW, &at), PGW_OK);
    uint64_t again = 0;
    assert_int_equal(
        c.space->ops->remap(c.space, 3 * BASE + PAGES(1), 0, PAGES(2), true, 0, &again), PGW_OK);
    vm_case_expect(c.space, again, 2);
    vm_case_store(&c, other, at + PAGES(2), 0x99);
    vm_case_load(&c, c.space, again + PAGES(1), 0x99);
    assert_true(vm_check(c.rig.vm));
    other->ops->destroy(other);
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_dontneed),
        cmocka_unit_test(test_lazily),
        cmocka_unit_test(test_cold_and_out),
        cmocka_unit_test(test_over_fork),
        cmocka_unit_test(test_locked_stay),
        cmocka_unit_test(test_locked_change),
        cmocka_unit_test(test_lock_limits),
        cmocka_unit_test(test_locked_file),
        cmocka_unit_test(test_remap_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
