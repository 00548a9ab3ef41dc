/* SPDX-License-Identifier: BSD-2-Clause */
/* Locked pages, and what may happen to them all the same: a file that is cut, a cache that only
 * read(2) has filled. */
#include "unit/vm/vm_cases.h"

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "vm/core.h"

/* c.space has all of a file of npages pages shared at BASE. */
static void
begin(struct vm_case *c, uint64_t npages)
{
    struct space_map_args args = {.va = BASE,
        .len = PAGES(npages),
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_SHARED,
        .use = SPACE_USE_FILE};
    uint64_t va;

    vm_case_init(c, 64, 64);
    assert_int_equal(vm_rig_add_file(&c->rig, npages, 100), PGW_OK);
    args.object = c->rig.file;
    assert_int_equal(vm_case_map_args(c->space, args, &va), PGW_OK);
}

static void
cutting_a_file_takes_locked_pages_too(void **state)
{
    struct vm_case c;
    unsigned char byte;

    (void)state;
    begin(&c, 8);
    vm_case_fill(c.space, BASE + PAGES(5), 7);
    vm_case_expect(c.space, BASE + PAGES(6), 106);
    assert_int_equal(c.space->ops->lock(c.space, BASE, PAGES(8), SPACE_LOCK_NOW), PGW_OK);
    assert_int_equal(c.rig.file->ops->resize(c.rig.file, PAGES(4)), PGW_OK);
    for (unsigned i = 4; i < 8; i++)
        assert_int_equal(vm_rig_load(&c.rig, c.space, BASE + PAGES(i), &byte), SPACE_FAULT_BUS);
    assert_int_equal(vm_case_stats(&c).file_dirty, 0); /* nothing is left to make it longer */
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* What may have changed is forgotten, locked or not; what is locked comes again to stay. */
static void
forgotten_pages_come_again_to_stay(void **state)
{
    struct vm_case c;
    unsigned char vec[8];

    (void)state;
    begin(&c, 8);
    for (unsigned i = 0; i < 8; i++)
        vm_case_expect(c.space, BASE + PAGES(i), 100 + i);
    assert_int_equal(c.space->ops->lock(c.space, BASE, PAGES(2), SPACE_LOCK_NOW), PGW_OK);
    assert_true(c.rig.file->ops->forget(c.rig.file));
    assert_int_equal(c.space->ops->incore(c.space, BASE, 8, vec), PGW_OK);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(vec[i], 0);
    assert_int_equal(vm_case_stats(&c).wired, 0);
    assert_true(vm_check(c.rig.vm));
    for (unsigned i = 0; i < 8; i++)
        vm_case_expect(c.space, BASE + PAGES(i), 100 + i);
    assert_int_equal(vm_case_stats(&c).wired, 2);
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_AGAIN);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* Pages that only read(2) has seen are not mapped yet, and wired when they are. */
static void
pages_of_the_cache_are_wired_once_mapped(void **state)
{
    static unsigned char buf[8 * PAGE_SIZE];
    struct vm_case c;
    size_t done;

    (void)state;
    begin(&c, 8);
    assert_int_equal(c.rig.file->ops->read(c.rig.file, 0, buf, sizeof buf, &done), PGW_OK);
    assert_int_equal(done, sizeof buf);
    assert_int_equal(c.space->ops->lock(c.space, BASE, PAGES(8), SPACE_LOCK_ONFAULT), PGW_OK);
    assert_true(vm_check(c.rig.vm));
    vm_case_load(&c, c.space, BASE, buf[0]);
    assert_true(vm_check(c.rig.vm));
    (void)vm_reclaim(c.rig.vm, 64);
    unsigned char vec[8];
    assert_int_equal(c.space->ops->incore(c.space, BASE, 8, vec), PGW_OK);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(vec[i], i == 0);
    vm_case_fini(&c);
}

/* RAM is full of locked pages: those that are left to one program stay as long as it needs them in
 * turn, and are not what the daemon takes to have some frames free. */
static void
the_rest_is_enough_beside_locked_pages(void **state)
{
    struct vm_case c;
    uint64_t npages = 0;

    (void)state;
    vm_case_init(&c, 256, 1024);
    vm_case_map(c.space, BASE, PAGES(256));
    vm_case_map(c.space, BASE + PAGES(512), PAGES(64));
    for (; c.rig.env.mem.nfree > vm_space_of(c.space)->system->free_low + 2; npages++) {
        if (c.space->ops->lock(c.space, BASE + PAGES(npages), PAGES(1), SPACE_LOCK_NOW) != PGW_OK)
            break;
        vm_case_store(&c, c.space, BASE + PAGES(npages), 1);
    }
    struct mem_page *held = NULL; /* as page tables and the compressed pool would be */
    while (c.rig.env.mem.nfree > vm_space_of(c.space)->system->free_low + 2) {
        struct mem_page *page = mem_alloc(&c.rig.env.mem, 0, 0);
        page->owner_kind = MEM_OWNER_CORE;
        page->owner = held;
        held = page;
    }
    for (unsigned i = 0; i < 64; i++)
        vm_case_store(&c, c.space, BASE + PAGES(512 + i), 2);
    uint64_t faults = vm_case_stats(&c).faults;
    for (unsigned i = 0; i < 100; i++)
        vm_case_store(&c, c.space, BASE + PAGES(512 + i % 3), 3);
    assert_in_range(vm_case_stats(&c).faults - faults, 3, 6);
    while (held != NULL) {
        struct mem_page *next = held->owner;
        held->owner_kind = MEM_OWNER_NONE;
        mem_free(&c.rig.env.mem, held);
        held = next;
    }
    vm_case_fini(&c);
}

/* The same, when the page tables of locked pages have taken the rest: they are given up. */
static void
page_tables_give_way_beside_locked_pages(void **state)
{
    enum { LOCKED = 81, OTHERS = 4 };
    struct vm_case c;

    (void)state;
    vm_case_init(&c, 256, 1024);
    for (uint64_t i = 0; i < LOCKED + OTHERS; i++) { /* a page in each GiB, with two tables */
        uint64_t va = BASE + (i << 30);
        vm_case_map(c.space, va, PAGES(1));
        if (i < LOCKED)
            assert_int_equal(c.space->ops->lock(c.space, va, PAGES(1), SPACE_LOCK_NOW), PGW_OK);
        vm_case_store(&c, c.space, va, (unsigned char)(i + 1));
    }
    uint64_t faults = vm_case_stats(&c).faults;
    for (unsigned i = 0; i < 120; i++)
        vm_case_load(&c, c.space, BASE + ((uint64_t)(LOCKED + i % OTHERS) << 30),
            (unsigned char)(LOCKED + i % OTHERS + 1));
    assert_in_range(vm_case_stats(&c).faults - faults, 0, 16);
    assert_true(vm_case_stats(&c).tables_dropped > 0);
    for (uint64_t i = 0; i < LOCKED; i++)
        vm_case_load(&c, c.space, BASE + (i << 30), (unsigned char)(i + 1));
    assert_int_equal(vm_case_stats(&c).wired, LOCKED);
    vm_case_fini(&c);
}

/* Locked pages are what MRU, LFU and the queues of others would have go first, again and again. */
static void
locked_pages_do_not_stop_a_policy(void **state)
{
    const struct policy_ops *const policies[] = {
        &policy_mru, &policy_lfu, &policy_arc, &policy_twoq, &policy_slru};
    (void)state;
    for (unsigned p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        struct vm_rig_config config = {.name = "locked",
            .pmap = &pmap_ref,
            .flat = true,
            .policy = policies[p],
            .frames = 64,
            .swap_slots = 256,
            .tlb = "none"};
        struct vm_case c;
        vm_case_init_with(&c, &config);
        vm_case_map(c.space, BASE, PAGES(128));
        for (unsigned round = 0; round < 3; round++)
            for (unsigned i = 8; i < 100; i++)
                vm_case_store(&c, c.space, BASE + PAGES(i), (unsigned char)i);
        assert_int_equal(c.space->ops->lock(c.space, BASE, PAGES(8), SPACE_LOCK_NOW), PGW_OK);
        for (unsigned i = 0; i < 8; i++)
            vm_case_store(&c, c.space, BASE + PAGES(i), 1);
        for (unsigned round = 0; round < 3; round++)
            for (unsigned i = 8; i < 100; i++)
                vm_case_load(&c, c.space, BASE + PAGES(i), (unsigned char)i);
        assert_int_equal(vm_case_stats(&c).wired, 8);
        assert_true(vm_check(c.rig.vm));
        vm_case_fini(&c);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cutting_a_file_takes_locked_pages_too),
        cmocka_unit_test(forgotten_pages_come_again_to_stay),
        cmocka_unit_test(pages_of_the_cache_are_wired_once_mapped),
        cmocka_unit_test(the_rest_is_enough_beside_locked_pages),
        cmocka_unit_test(page_tables_give_way_beside_locked_pages),
        cmocka_unit_test(locked_pages_do_not_stop_a_policy)};

    return cmocka_run_group_tests_name("vm lock", tests, NULL, NULL);
}
