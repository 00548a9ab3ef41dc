/* SPDX-License-Identifier: BSD-2-Clause */
/* Huge pages whose frames are reserved at the first fault and come into use one by one. */
#include "unit/vm/vm_cases.h"

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "vm/core.h"
#include "vm/runs.h"

#define HUGE_BASE ((uint64_t)0x40000000)
#define N 512u /* pages in a huge one */
#define SIZE PAGES(N)

static struct vm_rig_config config = {.name = "reserve",
    .pmap = &pmap_sv39,
    .policy = &policy_fifo,
    .frames = 4096,
    .swap_slots = 4096,
    .tlb = "none",
    .overcommit = VM_OVERCOMMIT_ALWAYS,
    .huge = VM_HUGE_ALWAYS,
    .huge_alloc = VM_HUGE_RESERVE};

static void
start(struct vm_case *c, uint64_t frames)
{
    config.frames = frames;
    vm_case_init_with(c, &config);
}

static unsigned
order_at(struct space *space, uint64_t va)
{
    struct pmap *pmap = vm_space_of(space)->pmap;

    return pmap->ops->order(pmap, va);
}

static const struct mem_page *
page_at(struct space *space, uint64_t va)
{
    return vm_amap_lookup(vm_region_at(vm_space_of(space), va), va)->page;
}

/* RAM grows by what is touched; when all of a range was, one entry maps it. */
static void
test_fill(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096);
    vm_case_map(c.space, HUGE_BASE - PAGES(3), SIZE + PAGES(6));
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(order_at(c.space, HUGE_BASE), 0);
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i * 171 % N) + 5, (unsigned char)i);
        assert_int_equal(vm_case_stats(&c).resident, i + 1);
        assert_int_equal(vm_case_stats(&c).reserve_held, N - 1 - i);
    }
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    assert_int_equal(vm_case_stats(&c).huge_mapped, N);
    for (unsigned i = 0; i < N; i++)
        vm_case_load(&c, c.space, HUGE_BASE + PAGES(i * 171 % N) + 5, (unsigned char)i);
    vm_case_store(&c, c.space, HUGE_BASE - 1, 8);
    vm_case_store(&c, c.space, HUGE_BASE + SIZE, 8);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.faults, N + 2);
    assert_int_equal(stats.huge_faults, 0);
    assert_int_equal(stats.reserve_made, 1);
    assert_int_equal(stats.reserve_filled, 1);
    assert_int_equal(stats.mapped, N + 2);
    assert_int_equal(stats.mappings, 3);
    vm_case_fini(&c);
}

/* Who has not asked for them reserves nothing, nor who has locked his memory. */
static void
test_not_wanted(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096);
    vm_case_map(c.space, HUGE_BASE, 2 * SIZE);
    assert_int_equal(c.space->ops->advise(c.space, HUGE_BASE, SIZE, SPACE_ADVICE_NOHUGE), PGW_OK);
    vm_case_store(&c, c.space, HUGE_BASE, 1);
    assert_int_equal(
        c.space->ops->lock(c.space, HUGE_BASE + SIZE, SIZE, SPACE_LOCK_ONFAULT), PGW_OK);
    vm_case_store(&c, c.space, HUGE_BASE + SIZE, 1);
    assert_int_equal(vm_case_stats(&c).reserve_made, 0);
    vm_case_fini(&c);
}

/* Left to itself, memory that was advised gets huge pages at once, and other memory reserves. */
static void
test_auto(void **state)
{
    struct vm_case c;

    (void)state;
    config.huge_alloc = VM_HUGE_AUTO;
    start(&c, 4096);
    config.huge_alloc = VM_HUGE_RESERVE;
    vm_case_map(c.space, HUGE_BASE, 2 * SIZE);
    assert_int_equal(c.space->ops->advise(c.space, HUGE_BASE, SIZE, SPACE_ADVICE_HUGE), PGW_OK);
    vm_case_store(&c, c.space, HUGE_BASE, 1);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    assert_int_equal(vm_case_stats(&c).reserve_made, 0);
    vm_case_store(&c, c.space, HUGE_BASE + SIZE, 1);
    assert_int_equal(order_at(c.space, HUGE_BASE + SIZE), 0);
    assert_int_equal(vm_case_stats(&c).reserve_made, 1);
    assert_int_equal(vm_case_stats(&c).resident, N + 1);
    vm_case_fini(&c);
}

/* A few pages in each of more ranges than RAM has runs: no page goes while frames are unused. */
static void
test_sparse(void **state)
{
    struct vm_case c;
    enum { RANGES = 16, EACH = 100 };

    (void)state;
    start(&c, 2048);
    vm_case_map(c.space, HUGE_BASE, RANGES * SIZE);
    for (unsigned i = 0; i < RANGES * EACH; i++)
        vm_case_store(&c, c.space, HUGE_BASE + i % RANGES * SIZE + PAGES(i / RANGES * 3),
            (unsigned char)(i % 251));
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.resident, RANGES * EACH);
    assert_int_equal(stats.evicted, 0);
    assert_true(stats.reserve_made > 0 && stats.reserve_broken > 0);
    assert_true(vm_check(c.rig.vm));
    for (unsigned i = 0; i < RANGES * EACH; i++)
        vm_case_load(&c, c.space, HUGE_BASE + i % RANGES * SIZE + PAGES(i / RANGES * 3),
            (unsigned char)(i % 251));
    vm_case_fini(&c);
}

/* More memory than RAM: everything comes back as it was. */
static void
test_pressure(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 2048);
    vm_case_map(c.space, HUGE_BASE, 6 * SIZE);
    for (unsigned i = 0; i < 6 * N; i++)
        vm_case_fill(c.space, HUGE_BASE + PAGES(i), i + 1);
    struct vm_stats stats = vm_case_stats(&c);
    assert_true(stats.reserve_filled > 0 && stats.reserve_broken > 0 && stats.pages_out > 0);
    for (unsigned i = 0; i < 6 * N; i++)
        vm_case_expect(c.space, HUGE_BASE + PAGES(i), i + 1);
    vm_case_fini(&c);
}

/* A page that was evicted finds its place again, and the range is one mapping as before. */
static void
test_comes_back(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    for (unsigned i = 0; i < N; i++)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)(i + 1));
    for (unsigned i = 100; i < 180; i++)
        assert_int_equal(c.space->ops->evict(c.space, HUGE_BASE + PAGES(i)), PGW_OK);
    assert_int_equal(order_at(c.space, HUGE_BASE), 0);
    assert_int_equal(vm_case_stats(&c).reserve_held, 80);
    for (unsigned i = 180; i-- > 100;)
        vm_case_load(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)(i + 1));
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    assert_int_equal(vm_case_stats(&c).reserve_filled, 1); /* it was before */
    assert_int_equal(vm_case_stats(&c).reserve_held, 0);
    vm_case_fini(&c);
}

/* Collapse fills what is reserved, and brings a page home that came to lie elsewhere. */
static void
test_collapse(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    for (unsigned i = 0; i < N; i += 2)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)(i + 1));
    struct mem *mem = &c.rig.env.mem;
    const struct mem_page *head = page_at(c.space, HUGE_BASE);
    struct mem_page *elsewhere = mem_alloc(mem, 0, 0);
    struct mem_page *home =
        vm_amap_lookup(vm_region_at(vm_space_of(c.space), HUGE_BASE), HUGE_BASE + PAGES(6))->page;
    vm_migrate_page(c.rig.vm, home, elsewhere);
    mem_free(mem, home);
    assert_int_equal(c.space->ops->advise(c.space, HUGE_BASE, SIZE, SPACE_ADVICE_COLLAPSE), PGW_OK);
    for (unsigned i = 0; i < N; i++)
        assert_ptr_equal(page_at(c.space, HUGE_BASE + PAGES(i)), head + i);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.huge_collapsed, 1);
    assert_int_equal(stats.reserve_made, 1);
    assert_int_equal(stats.resident, N);
    assert_int_equal(stats.migrated, 2);
    for (unsigned i = 0; i < N; i++)
        vm_case_load(&c, c.space, HUGE_BASE + PAGES(i), i % 2 == 0 ? (unsigned char)(i + 1) : 0);
    vm_case_fini(&c);
}

/* The scanner does the same for ranges that are full enough. */
static void
test_scanner(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096);
    vm_case_map(c.space, HUGE_BASE, 2 * SIZE);
    for (unsigned i = 0; i < N / 2; i++)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(2 * i), 1);
    vm_case_store(&c, c.space, HUGE_BASE + SIZE, 1);
    for (unsigned i = 0; i < 8; i++)
        vm_huge_run(c.rig.vm);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    assert_int_equal(order_at(c.space, HUGE_BASE + SIZE), 0);
    assert_int_equal(vm_case_stats(&c).migrated, 0);
    assert_int_equal(vm_case_stats(&c).resident, N + 1);
    vm_case_fini(&c);
}

/* After a fork, one of the two gets a place, the other any frame; a copy never takes the place of
 * what it was copied from.  When the child is gone the parent has one mapping. */
static void
test_fork(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    for (unsigned i = 0; i < N / 2; i++)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), 3);
    struct space *child = vm_case_fork(c.space);
    for (unsigned i = N; i-- > 0;)
        vm_case_store(&c, child, HUGE_BASE + PAGES(i), 4);
    assert_int_equal(vm_case_stats(&c).reserve_filled, 1);
    assert_int_equal(order_at(child, HUGE_BASE), 0);
    for (unsigned i = 0; i < N / 2; i++)
        vm_case_load(&c, c.space, HUGE_BASE + PAGES(i), 3);
    assert_true(vm_check(c.rig.vm));
    child->ops->destroy(child);
    for (unsigned i = 0; i < N; i++)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), 5);
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    vm_case_fini(&c);
}

/* Memory moves to where its pages are in nobody's place, and is cut; what it reserved is there
 * until others need it. */
static void
test_move_and_cut(void **state)
{
    struct vm_case c;
    uint64_t odd = HUGE_BASE + 8 * SIZE + PAGES(5);

    (void)state;
    start(&c, 4096);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    for (unsigned i = 0; i < 100; i++)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)i);
    assert_int_equal(
        c.space->ops->remap(c.space, HUGE_BASE, SIZE, 2 * SIZE, true, true, &odd), PGW_OK);
    for (unsigned i = 0; i < 200; i++)
        vm_case_load(&c, c.space, odd + PAGES(i), i < 100 ? (unsigned char)i : 0);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(c.space->ops->unmap(c.space, odd + PAGES(50), 2 * SIZE - PAGES(50)), PGW_OK);
    assert_true(vm_check(c.rig.vm));
    for (unsigned i = 0; i < 50; i++)
        vm_case_load(&c, c.space, odd + PAGES(i), (unsigned char)i);
    assert_int_equal(c.space->ops->unmap(c.space, odd, PAGES(50)), PGW_OK);
    assert_int_equal(vm_case_stats(&c).reserve_held, 0);
    vm_case_fini(&c);
}

/* What grows has its pages in their places before it has all of the range: a heap upwards, a stack
 * downwards.  Other memory that ends within a range reserves nothing. */
static void
test_growing(void **state)
{
    struct vm_case c;
    uint64_t at, stack = HUGE_BASE + 4 * SIZE;
    struct space_map_args args = {
        .va = HUGE_BASE, .len = PAGES(8), .prot = RW, .flags = SPACE_FIXED};

    (void)state;
    start(&c, 4096);
    vm_case_map(c.space, HUGE_BASE + 8 * SIZE, SIZE - PAGES(1));
    vm_case_store(&c, c.space, HUGE_BASE + 8 * SIZE, 1);
    assert_int_equal(vm_case_stats(&c).reserve_made, 0);
    args.use = SPACE_USE_HEAP;
    assert_int_equal(vm_case_map_args(c.space, args, &at), PGW_OK);
    for (unsigned i = 0; i < N; i++) {
        if (i % 8 == 0 && i > 0)
            assert_int_equal(
                c.space->ops->remap(c.space, HUGE_BASE, PAGES(i), PAGES(i + 8), false, 0, &at),
                PGW_OK);
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)i);
    }
    assert_int_equal(order_at(c.space, HUGE_BASE), 9);
    args = (struct space_map_args){.va = stack - PAGES(1),
        .len = PAGES(1),
        .len_max = 2 * SIZE,
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_GROWSDOWN,
        .use = SPACE_USE_STACK};
    assert_int_equal(vm_case_map_args(c.space, args, &at), PGW_OK);
    for (unsigned i = 1; i <= N; i++)
        vm_case_store(&c, c.space, stack - PAGES(i), (unsigned char)i);
    assert_int_equal(order_at(c.space, stack - SIZE), 9);
    assert_int_equal(vm_case_stats(&c).reserve_filled, 2);
    assert_int_equal(vm_case_stats(&c).migrated, 0);
    vm_case_fini(&c);
}

/* Compaction ends reservations and makes runs of what they held. */
static void
test_compact(void **state)
{
    struct vm_case c;

    (void)state;
    start(&c, 4096);
    vm_case_map(c.space, HUGE_BASE, 6 * SIZE);
    for (unsigned i = 0; i < 6; i++)
        vm_case_store(&c, c.space, HUGE_BASE + i * SIZE + PAGES(9 + i), (unsigned char)(i + 1));
    assert_int_equal(vm_case_stats(&c).reserve_held, 6 * (N - 1));
    assert_true(vm_compact(c.rig.vm) >= 4);
    assert_int_equal(vm_case_stats(&c).reserve_held, 0);
    assert_int_equal(vm_case_stats(&c).reserve_broken, 6);
    for (unsigned i = 0; i < 6; i++)
        vm_case_load(&c, c.space, HUGE_BASE + i * SIZE + PAGES(9 + i), (unsigned char)(i + 1));
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_not_wanted),
        cmocka_unit_test(test_auto),
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_pressure),
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_collapse),
        cmocka_unit_test(test_scanner),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_move_and_cut),
        cmocka_unit_test(test_growing),
        cmocka_unit_test(test_compact),
    };

    return cmocka_run_group_tests_name("vm_reserve", tests, NULL, NULL);
}
