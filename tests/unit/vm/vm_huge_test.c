/* SPDX-License-Identifier: BSD-2-Clause */
/* Huge pages: made on fault and by collapse, mapped as one and split, over sv39 (2 MiB). */
#include "unit/vm/vm_cases.h"

#include <string.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "vm/core.h"
#include "vm/runs.h"

#define HUGE_BASE ((uint64_t)0x40000000)
#define N 512u /* pages in a huge one */
#define SIZE PAGES(N)

static struct vm_rig_config config = {.name = "huge",
    .pmap = &pmap_sv39,
    .policy = &policy_fifo,
    .frames = 4096,
    .swap_slots = 4096,
    .tlb = "none",
    .huge = VM_HUGE_ALWAYS};

static void
start(struct vm_case *c, uint64_t frames, enum vm_huge_mode mode)
{
    config.frames = frames;
    config.huge = mode;
    vm_case_init_with(c, &config);
}

/* Takes so many frames out of play. */
static struct mem_page *
hold(struct vm_case *c, uint64_t frames)
{
    struct mem_page *held = NULL;

    for (uint64_t i = 0; i < frames; i++) {
        struct mem_page *page = mem_alloc(&c->rig.env.mem, 0, MEM_RESERVED);
        assert_non_null(page);
        page->owner_kind = MEM_OWNER_CORE;
        page->owner = held;
        held = page;
    }
    return held;
}

static void
let_go(struct vm_case *c, struct mem_page *held)
{
    while (held != NULL) {
        struct mem_page *next = held->owner;
        held->owner = NULL;
        held->owner_kind = MEM_OWNER_NONE;
        mem_free(&c->rig.env.mem, held);
        held = next;
    }
}

static unsigned
order_at(struct space *space, uint64_t va)
{
    struct pmap *pmap = vm_space_of(space)->pmap;

    return pmap->ops->order(pmap, va);
}

static void
advise(struct space *space, uint64_t va, enum space_advice advice)
{
    vm_region_at(vm_space_of(space), va)->advice |= (uint16_t)(1u << advice);
}

/* One fault maps 2 MiB; parts that lie outside of aligned ranges get small pages. */
static void
test_fault(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096, VM_HUGE_ALWAYS);
    vm_case_map(c.space, HUGE_BASE - PAGES(3), 2 * SIZE + PAGES(3));
    vm_case_store(&c, c.space, HUGE_BASE + PAGES(100), 7);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    assert_int_equal(vm_case_stats(&c).huge_mapped, N);
    assert_int_equal(vm_case_stats(&c).resident, N);
    vm_case_load(&c, c.space, HUGE_BASE + SIZE - 1, 0);
    assert_int_equal(vm_case_stats(&c).faults, 1);
    vm_case_store(&c, c.space, HUGE_BASE - 1, 8);
    assert_int_equal(order_at(c.space, HUGE_BASE - 1), 0);
    vm_case_load(&c, c.space, HUGE_BASE + SIZE, 0);
    assert_int_equal(order_at(c.space, HUGE_BASE + SIZE), 9);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.huge_faults, 2);
    assert_int_equal(stats.mapped, 2 * N + 1);
    assert_int_equal(stats.mappings, 3);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* Who has not asked for them, or has asked not to have them, gets none. */
static void
test_modes(void **state)
{
    static const struct {
        enum vm_huge_mode mode;
        unsigned advice;
        bool huge;
    } cases[] = {{VM_HUGE_OFF, SPACE_ADVICE_HUGE, false}, {VM_HUGE_OFF, 0, false},
        {VM_HUGE_MADVISE, SPACE_ADVICE_HUGE, true}, {VM_HUGE_MADVISE, 0, false},
        {VM_HUGE_ALWAYS, SPACE_ADVICE_NOHUGE, false}, {VM_HUGE_ALWAYS, 0, true}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vm_case c;
        start(&c, 4096, cases[i].mode);
        vm_case_map(c.space, HUGE_BASE, SIZE);
        advise(c.space, HUGE_BASE, cases[i].advice);
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(9), 1);
        assert_int_equal(order_at(c.space, HUGE_BASE), cases[i].huge ? 9 : 0);
        vm_case_fini(&c);
    }
}

/* Unmapping and protecting a part splits; what is left keeps its bytes and its mappings. */
static void
test_parts(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096, VM_HUGE_ALWAYS);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    for (unsigned i = 0; i < N; i++)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)i);
    assert_int_equal(c.space->ops->unmap(c.space, HUGE_BASE + PAGES(17), PAGES(2)), PGW_OK);
    assert_int_equal(order_at(c.space, HUGE_BASE), 0);
    assert_int_equal(
        c.space->ops->protect(c.space, HUGE_BASE + PAGES(40), PAGES(4), PROT_MASK_R), PGW_OK);
    assert_int_equal(vm_case_stats(&c).resident, N - 2);
    uint64_t faults = vm_case_stats(&c).faults;
    for (unsigned i = 0; i < N; i++)
        if (i != 17 && i != 18)
            vm_case_load(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)i);
    assert_int_equal(vm_case_stats(&c).faults, faults);
    assert_true(vm_case_stats(&c).huge_splits > 0);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* A mapping that vanished, or that lost its rights for a while, comes back as one. */
static void
test_comes_back(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096, VM_HUGE_ALWAYS);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    vm_case_store(&c, c.space, HUGE_BASE, 1);
    assert_int_equal(c.space->ops->protect(c.space, HUGE_BASE, SIZE, PROT_MASK_NONE), PGW_OK);
    assert_int_equal(order_at(c.space, HUGE_BASE), 0);
    assert_int_equal(c.space->ops->protect(c.space, HUGE_BASE, SIZE, RW), PGW_OK);
    vm_case_load(&c, c.space, HUGE_BASE + PAGES(300), 0);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    /* To another aligned place; then to one that is not. */
    uint64_t va = HUGE_BASE + 4 * SIZE;
    assert_int_equal(c.space->ops->remap(c.space, HUGE_BASE, SIZE, SIZE, true, true, &va), PGW_OK);
    vm_case_load(&c, c.space, va, 1);
    assert_int_equal(order_at(c.space, va), 9);
    uint64_t odd = HUGE_BASE + PAGES(5);
    assert_int_equal(c.space->ops->remap(c.space, va, SIZE, SIZE, true, true, &odd), PGW_OK);
    vm_case_load(&c, c.space, odd, 1);
    assert_int_equal(order_at(c.space, odd), 0);
    vm_case_fini(&c);
}

/* A fork leaves the mapping whole, read-only; the first write copies one page and splits it. */
static void
test_fork(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096, VM_HUGE_ALWAYS);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    vm_case_store(&c, c.space, HUGE_BASE + PAGES(3), 3);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    vm_case_load(&c, child, HUGE_BASE + PAGES(3), 3);
    assert_int_equal(order_at(child, HUGE_BASE), 9);
    vm_case_store(&c, child, HUGE_BASE + PAGES(3), 4);
    assert_int_equal(order_at(child, HUGE_BASE), 0);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    assert_int_equal(vm_case_stats(&c).resident, N + 1);
    vm_case_load(&c, c.space, HUGE_BASE + PAGES(3), 3);
    vm_case_load(&c, child, HUGE_BASE + PAGES(3), 4);
    child->ops->destroy(child);
    /* Alone again: the first write has all of it for writing. */
    vm_case_store(&c, c.space, HUGE_BASE + PAGES(8), 5);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    uint64_t faults = vm_case_stats(&c).faults;
    vm_case_store(&c, c.space, HUGE_BASE + PAGES(9), 6);
    assert_int_equal(vm_case_stats(&c).faults, faults);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* Evicting one page takes its part of the mapping only; its neighbours stay mapped. */
static void
test_evict_one(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096, VM_HUGE_ALWAYS);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    for (unsigned i = 0; i < N; i++)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)(i + 1));
    assert_int_equal(c.space->ops->evict(c.space, HUGE_BASE + PAGES(200)), PGW_OK);
    assert_int_equal(vm_case_stats(&c).resident, N - 1);
    assert_int_equal(vm_case_stats(&c).mapped, N - 1);
    uint64_t faults = vm_case_stats(&c).faults;
    vm_case_load(&c, c.space, HUGE_BASE + PAGES(199), 200);
    assert_int_equal(vm_case_stats(&c).faults, faults);
    vm_case_load(&c, c.space, HUGE_BASE + PAGES(200), (unsigned char)201);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* More huge memory than RAM: everything comes back as it was. */
static void
test_pressure(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 2048, VM_HUGE_ALWAYS);
    vm_case_map(c.space, HUGE_BASE, 6 * SIZE);
    for (unsigned i = 0; i < 6 * N; i++)
        vm_case_fill(c.space, HUGE_BASE + PAGES(i), i + 1);
    assert_true(vm_case_stats(&c).huge_faults > 0);
    assert_true(vm_case_stats(&c).huge_failed > 0); /* RAM was too full: small pages instead */
    assert_true(vm_case_stats(&c).pages_out > 0);
    for (unsigned i = 0; i < 6 * N; i++)
        vm_case_expect(c.space, HUGE_BASE + PAGES(i), i + 1);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* Small pages become a huge one when the program asks, holes as zeros, swapped pages read in. */
static void
test_collapse(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096, VM_HUGE_OFF);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    for (unsigned i = 0; i < N; i += 3)
        vm_case_fill(c.space, HUGE_BASE + PAGES(i), i + 1);
    assert_int_equal(c.space->ops->evict(c.space, HUGE_BASE + PAGES(30)), PGW_OK);
    assert_int_equal(order_at(c.space, HUGE_BASE), 0);
    struct vm_space *space = vm_space_of(c.space);
    base_lock_take(&space->system->lock);
    assert_int_equal(vm_huge_collapse(space, HUGE_BASE, HUGE_BASE + SIZE), PGW_OK);
    assert_int_equal(vm_huge_collapse(space, HUGE_BASE, HUGE_BASE + SIZE), PGW_OK);
    assert_int_equal(vm_huge_collapse(space, HUGE_BASE, HUGE_BASE + 2 * SIZE), PGW_NOTFOUND);
    base_lock_drop(&space->system->lock);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    assert_int_equal(vm_case_stats(&c).huge_collapsed, 1);
    assert_int_equal(vm_case_stats(&c).resident, N);
    uint64_t faults = vm_case_stats(&c).faults;
    for (unsigned i = 0; i < N; i++) {
        if (i % 3 == 0)
            vm_case_expect(c.space, HUGE_BASE + PAGES(i), i + 1);
        else
            vm_case_load(&c, c.space, HUGE_BASE + PAGES(i), 0);
    }
    vm_case_store(&c, c.space, HUGE_BASE + PAGES(30), 9);
    assert_int_equal(vm_case_stats(&c).faults, faults);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

/* The scanner finds ranges that are full enough, in every space, and leaves the others. */
static void
test_scanner(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096, VM_HUGE_ALWAYS);
    struct mem_page *held = hold(&c, 2048); /* RAM is full: small pages */
    struct mem_page *more = hold(&c, c.rig.env.mem.nfree - 640);
    struct space *other;
    assert_int_equal(vm_space_create(c.rig.vm, &other), PGW_OK);
    vm_case_map(c.space, HUGE_BASE, 2 * SIZE);
    vm_case_map(other, HUGE_BASE - PAGES(1), SIZE + PAGES(1));
    for (unsigned i = 0; i < N / 2; i++) {
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)(i + 1));
        vm_case_store(&c, other, HUGE_BASE + PAGES(2 * i), (unsigned char)(i + 2));
    }
    vm_case_store(&c, c.space, HUGE_BASE + SIZE + PAGES(7), 7); /* too few of them there */
    assert_int_equal(vm_case_stats(&c).huge_faults, 0);
    let_go(&c, more);
    let_go(&c, held);
    for (unsigned i = 0; i < 16; i++)
        vm_huge_run(c.rig.vm);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    assert_int_equal(order_at(other, HUGE_BASE), 9);
    assert_int_equal(order_at(c.space, HUGE_BASE + SIZE), 0);
    assert_int_equal(vm_case_stats(&c).huge_collapsed, 2);
    for (unsigned i = 0; i < N / 2; i++) {
        vm_case_load(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)(i + 1));
        vm_case_load(&c, other, HUGE_BASE + PAGES(2 * i), (unsigned char)(i + 2));
    }
    assert_true(vm_check(c.rig.vm));
    other->ops->destroy(other);
    vm_case_fini(&c);
}

/* Pages that others share are left alone. */
static void
test_collapse_shared(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096, VM_HUGE_OFF);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    for (unsigned i = 0; i < N; i++)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), 1);
    struct space *child = vm_case_fork(c.space);
    struct vm_space *space = vm_space_of(c.space);
    base_lock_take(&space->system->lock);
    assert_int_equal(vm_huge_collapse(space, HUGE_BASE, HUGE_BASE + SIZE), PGW_AGAIN);
    base_lock_drop(&space->system->lock);
    assert_int_equal(order_at(c.space, HUGE_BASE), 0);
    vm_case_load(&c, child, HUGE_BASE + PAGES(5), 1);
    child->ops->destroy(child);
    vm_case_fini(&c);
}

/* After a fork whose child is gone, the amap is the region's own before anything is mapped for
 * writing (C5). */
static void
test_collapse_after_fork(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096, VM_HUGE_ALWAYS);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    vm_case_store(&c, c.space, HUGE_BASE, 1);
    struct space *child = vm_case_fork(c.space);
    child->ops->destroy(child);
    assert_int_equal(c.space->ops->protect(c.space, HUGE_BASE, SIZE, PROT_MASK_NONE), PGW_OK);
    assert_int_equal(c.space->ops->protect(c.space, HUGE_BASE, SIZE, RW), PGW_OK);
    assert_int_equal(order_at(c.space, HUGE_BASE), 0);
    assert_int_equal(c.space->ops->advise(c.space, HUGE_BASE, SIZE, SPACE_ADVICE_COLLAPSE), PGW_OK);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_evict_one),
        cmocka_unit_test(test_pressure),
        cmocka_unit_test(test_collapse),
        cmocka_unit_test(test_scanner),
        cmocka_unit_test(test_collapse_shared),
        cmocka_unit_test(test_collapse_after_fork),
    };

    return cmocka_run_group_tests_name("vm_huge", tests, NULL, NULL);
}
