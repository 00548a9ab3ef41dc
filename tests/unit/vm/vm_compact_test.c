/* SPDX-License-Identifier: BSD-2-Clause */
/* Compaction and migration: free RAM in pieces becomes runs, and nobody notices. */
#include "unit/vm/vm_cases.h"

#include <string.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "vm/core.h"
#include "vm/runs.h"

#define HUGE_BASE ((uint64_t)0x40000000)
#define N 512u /* pages in a huge one */
#define SIZE PAGES(N)
#define FRAMES 4096u
#define KEEP 4u /* one page in so many stays when RAM is broken up */

static struct vm_rig_config config = {.name = "compact",
    .pmap = &pmap_sv39,
    .policy = &policy_lru,
    .frames = FRAMES,
    .swap_slots = 4096,
    .tlb = "l1=16:4,l2=64:4:4k+2m",
    .huge = VM_HUGE_MADVISE};

/* Fills RAM with npages small pages at BASE and gives most of them back, all over RAM: what is free
 * then is in pieces of KEEP - 1 frames. */
static void
break_up(struct vm_case *c, unsigned npages)
{
    vm_case_map(c->space, BASE, PAGES(npages));
    for (unsigned i = 0; i < npages; i++)
        vm_case_fill(c->space, BASE + PAGES(i), i + 1);
    for (unsigned i = 0; i < npages; i++)
        if (i % KEEP != 0)
            assert_int_equal(c->space->ops->unmap(c->space, BASE + PAGES(i), PAGES(1)), PGW_OK);
}

static void
expect_kept(struct vm_case *c, unsigned npages)
{
    for (unsigned i = 0; i < npages; i += KEEP)
        vm_case_expect(c->space, BASE + PAGES(i), i + 1);
}

static uint64_t
runs(const struct vm_case *c, unsigned order)
{
    uint64_t n = 0;

    for (unsigned at = order; at <= MEM_ORDER_MAX; at++)
        n += c->rig.env.mem.runs[at] << (at - order);
    return n;
}

/* All that can be put together is. */
static void
test_whole(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    break_up(&c, 3800);
    assert_int_equal(runs(&c, 9), 0);
    struct vm_stats before = vm_case_stats(&c);
    assert_true(before.fragmentation > 900); /* enough is free, but in pieces */
    assert_int_equal(before.unusable, 1000);
    uint64_t made = vm_compact(c.rig.vm);
    assert_int_equal(runs(&c, 9), made);
    /* 950 pages and some tables fit into two of the eight blocks, three at the worst. */
    assert_true(made >= 5);
    struct vm_stats after = vm_case_stats(&c);
    const struct vm_compact_free *noted = &after.compact_free;
    assert_int_equal(mem_fragmentation(noted->first, 9), before.fragmentation);
    assert_int_equal(noted->first[9] + noted->first[10], 0);
    /* The last one that was made is free in `after`, and one more than in `before`. */
    assert_int_equal(noted->after[9] + 2 * noted->after[10], made);
    assert_int_equal(noted->before[9] + 2 * noted->before[10], made - 1);
    assert_int_equal(after.fragmentation, -1000);
    assert_true(after.unusable < 300);
    assert_true(after.compact_moved > 0 && after.compact_moved <= 950);
    assert_int_equal(after.resident, before.resident);
    assert_true(vm_check(c.rig.vm));
    expect_kept(&c, 3800);
    assert_int_equal(vm_case_stats(&c).pages_in, after.pages_in); /* nothing had gone to swap */
    assert_int_equal(vm_compact(c.rig.vm), 0);                    /* there is no more to win */
    vm_case_fini(&c);
}

/* Huge pages that were asked for are had, although RAM is in pieces when they are. */
static void
test_for_huge_pages(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    break_up(&c, 3800);
    for (unsigned round = 0; round < 4; round++) {
        vm_case_map(c.space, HUGE_BASE, 4 * SIZE);
        vm_region_at(vm_space_of(c.space), HUGE_BASE)->advice |= 1u << SPACE_ADVICE_HUGE;
        for (unsigned i = 0; i < 4; i++)
            vm_case_store(&c, c.space, HUGE_BASE + i * SIZE + PAGES(i), (unsigned char)(i + 1));
        for (unsigned i = 0; i < 4; i++) {
            vm_case_load(&c, c.space, HUGE_BASE + i * SIZE + PAGES(i), (unsigned char)(i + 1));
            vm_case_load(&c, c.space, HUGE_BASE + i * SIZE + PAGES(N - 1), 0);
        }
        assert_int_equal(vm_case_stats(&c).huge_faults, 4 * (round + 1));
        assert_int_equal(c.space->ops->unmap(c.space, HUGE_BASE, 4 * SIZE), PGW_OK);
        /* Small pages take the place, some of which stay. */
        uint64_t at = HUGE_BASE + (8 + round) * SIZE;
        vm_case_map(c.space, at, SIZE);
        for (unsigned i = 0; i < N; i++)
            vm_case_store(&c, c.space, at + PAGES(i), 1);
        assert_int_equal(c.space->ops->unmap(c.space, at, PAGES(N - 50)), PGW_OK);
    }
    assert_int_equal(vm_case_stats(&c).huge_failed, 0);
    assert_true(vm_case_stats(&c).compact_made > 0);
    expect_kept(&c, 3800);
    vm_case_fini(&c);
}

/* One pinned page in every block: nothing can be had, nothing is moved, and it is not tried on
 * every fault. */
static void
test_pinned(void **state)
{
    struct vm_case c;
    struct mem *mem = &c.rig.env.mem;
    struct mem_page *pinned[FRAMES / N];

    (void)state;
    vm_case_init_with(&c, &config);
    break_up(&c, 3800);
    for (unsigned b = 0; b < FRAMES / N; b++) {
        pinned[b] = NULL;
        for (unsigned i = 0; i < N && pinned[b] == NULL; i++)
            if (vm_migrate_can(&mem->pages[b * N + i]))
                pinned[b] = &mem->pages[b * N + i];
        assert_non_null(pinned[b]);
        pinned[b]->wired = 1;
    }
    assert_int_equal(vm_compact(c.rig.vm), 0);
    assert_int_equal(vm_case_stats(&c).migrated, 0);
    assert_true(vm_case_stats(&c).compact_pinned >= FRAMES / N);
    vm_case_map(c.space, HUGE_BASE, 2 * SIZE + PAGES(1));
    vm_region_at(vm_space_of(c.space), HUGE_BASE)->advice |= 1u << SPACE_ADVICE_HUGE;
    uint64_t looked = vm_case_stats(&c).compact_runs;
    for (unsigned i = 0; i < 2; i++)
        for (unsigned j = 0; j < 20; j++)
            vm_case_store(&c, c.space, HUGE_BASE + i * SIZE + PAGES(j), 1);
    assert_int_equal(vm_case_stats(&c).huge_faults, 0);
    assert_int_equal(vm_case_stats(&c).compact_runs, looked + 1); /* the second one was put off */
    for (unsigned b = 0; b < FRAMES / N; b++)
        pinned[b]->wired = 0;
    assert_true(vm_compact(c.rig.vm) >= 4);
    expect_kept(&c, 3800);
    vm_case_fini(&c);
}

/* Pins a movable page in every second block, from the first one on. */
static void
pin_half(struct mem *mem, struct mem_page **pinned)
{
    for (unsigned b = 0; b < FRAMES / N; b += 2) {
        pinned[b] = NULL;
        for (unsigned i = 0; i < N && pinned[b] == NULL; i++)
            if (vm_migrate_can(&mem->pages[b * N + i]))
                pinned[b] = &mem->pages[b * N + i];
        assert_non_null(pinned[b]);
        pinned[b]->wired = 1;
    }
}

/* Of n huge ranges, those that are mapped as such. */
static unsigned
huge_ranges(struct vm_case *c, unsigned n)
{
    struct pmap *pmap = vm_space_of(c->space)->pmap;
    unsigned huge = 0;

    for (unsigned i = 0; i < n; i++)
        huge += pmap->ops->order(pmap, HUGE_BASE + i * SIZE) == 9;
    return huge;
}

/* More huge pages are wanted than there are blocks that can be cleared: all of these become huge
 * pages, none is broken up again to make another, and it is known when there is no more to win. */
static void
test_half_pinned(void **state)
{
    const unsigned wanted = 5;
    struct vm_case c;
    struct mem_page *pinned[FRAMES / N];

    (void)state;
    vm_case_init_with(&c, &config);
    break_up(&c, 3800);
    pin_half(&c.rig.env.mem, pinned);
    vm_case_map(c.space, HUGE_BASE, wanted * SIZE);
    vm_region_at(vm_space_of(c.space), HUGE_BASE)->advice |= 1u << SPACE_ADVICE_HUGE;
    unsigned most = 0;
    for (unsigned turn = 0; turn < 1000; turn++) {
        if (turn < wanted * 4)
            for (unsigned i = 0; i < N; i += 2)
                vm_case_store(&c, c.space,
                    HUGE_BASE + turn % wanted * SIZE + PAGES((i + turn / wanted) % N), 1);
        vm_huge_run(c.rig.vm);
        unsigned now = huge_ranges(&c, wanted);
        assert_true(now >= most);
        most = now;
    }
    struct vm_stats stats = vm_case_stats(&c);
    assert_true(most >= 3); /* one of the blocks may be the tables' */
    assert_int_equal(stats.huge_splits, 0);
    assert_int_equal(stats.compact_made, most);
    assert_true(stats.compact_moved <= (uint64_t)most * N);
    assert_true(stats.compact_huge > 0 && stats.huge_failed > 0);
    assert_true(stats.compact_failed < 30); /* of a thousand times that one was wanted */
    assert_int_equal(vm_compact(c.rig.vm), 0);
    assert_int_equal(huge_ranges(&c, wanted), most);
    for (unsigned b = 0; b < FRAMES / N; b += 2)
        pinned[b]->wired = 0;
    assert_true(vm_check(c.rig.vm));
    expect_kept(&c, 3800);
    vm_case_fini(&c);
}

static unsigned
marked(const struct mem *mem)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FRAMES; i++)
        n += mem->pages[i].huge;
    return n;
}

/* A huge page of which reclaim has taken pages is in pieces, and one again when they are back: what
 * compaction leaves whole follows. */
static void
test_taken_and_made_again(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    vm_case_map(c.space, HUGE_BASE, SIZE);
    vm_region_at(vm_space_of(c.space), HUGE_BASE)->advice |= 1u << SPACE_ADVICE_HUGE;
    for (unsigned i = 0; i < N; i++)
        vm_case_store(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)(i + 1));
    assert_int_equal(marked(c.rig.vm->mem), N);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(c.space->ops->evict(c.space, HUGE_BASE + PAGES(i * 100)), PGW_OK);
    assert_int_equal(marked(c.rig.vm->mem), N - 5);
    assert_int_equal(huge_ranges(&c, 1), 0);
    break_up(&c, 3000); /* takes the frames of those that went */
    for (unsigned i = 0; i < N; i++)
        vm_case_load(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)(i + 1));
    assert_int_equal(huge_ranges(&c, 1), 0);
    assert_int_equal(marked(c.rig.vm->mem), N - 5);
    for (unsigned turn = 0; turn < 100; turn++) /* past all the pieces that were kept */
        vm_huge_run(c.rig.vm);
    assert_int_equal(huge_ranges(&c, 1), 1);
    assert_int_equal(marked(c.rig.vm->mem), N);
    assert_int_equal(vm_case_stats(&c).huge_collapsed, 1);
    assert_true(vm_check(c.rig.vm));
    for (unsigned i = 0; i < N; i++)
        vm_case_load(&c, c.space, HUGE_BASE + PAGES(i), (unsigned char)(i + 1));
    expect_kept(&c, 3000);
    vm_case_fini(&c);
}

/* Pages of files move as well, and shared pages with all their mappings. */
static void
test_files_and_sharers(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    assert_int_equal(vm_rig_add_file(&c.rig, 64, 7000), PGW_OK);
    vm_case_map_file(&c, HUGE_BASE, PAGES(64), 0);
    for (unsigned i = 0; i < 64; i++)
        vm_case_expect(c.space, HUGE_BASE + PAGES(i), 7000 + i);
    break_up(&c, 3000);
    struct space *child = vm_case_fork(c.space);
    for (unsigned i = 0; i < 3000; i += KEEP)
        vm_case_expect(child, BASE + PAGES(i), i + 1);
    uint64_t read = vm_case_stats(&c).file_pages_in;
    assert_true(vm_compact(c.rig.vm) > 0);
    assert_true(vm_check(c.rig.vm));
    for (unsigned i = 0; i < 64; i++)
        vm_case_expect(c.space, HUGE_BASE + PAGES(i), 7000 + i);
    assert_int_equal(vm_case_stats(&c).file_pages_in, read);
    for (unsigned i = 0; i < 3000; i += KEEP)
        vm_case_expect(child, BASE + PAGES(i), i + 1);
    vm_case_fill(child, BASE, 99999);
    vm_case_expect(c.space, BASE, 1);
    expect_kept(&c, 3000);
    child->ops->destroy(child);
    vm_case_fini(&c);
}

/* What is known of a page goes with it: it is as dirty and as recent as it was. */
static void
test_state_moves(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    vm_case_map(c.space, BASE, PAGES(3));
    for (unsigned i = 0; i < 3; i++)
        vm_case_store(&c, c.space, BASE + PAGES(i), (unsigned char)(i + 1));
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_OK);
    vm_case_load(&c, c.space, BASE, 1); /* clean now, with a slot */
    struct vm_system *system = c.rig.vm;
    struct policy *policy = system->groups[0]->policy;
    struct base_node *oldest = policy->ops->victim(policy);
    for (unsigned i = 0; i < 3; i++) {
        struct vm_anon *anon =
            vm_amap_lookup(vm_region_at(vm_space_of(c.space), BASE), BASE + PAGES(i));
        struct mem_page *from = anon->page;
        struct mem_page *to = mem_alloc(system->mem, 0, 0);
        assert_non_null(to);
        base_lock_take(&system->lock);
        vm_migrate_page(system, from, to);
        base_lock_drop(&system->lock);
        assert_ptr_equal(anon->page, to);
        if (oldest == &from->node)
            oldest = &to->node;
        mem_free(system->mem, from);
    }
    assert_ptr_equal(policy->ops->victim(policy), oldest);
    uint64_t out = vm_case_stats(&c).pages_out;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(i)), PGW_OK);
    assert_int_equal(vm_case_stats(&c).pages_out, out + 2);
    for (unsigned i = 0; i < 3; i++)
        vm_case_load(&c, c.space, BASE + PAGES(i), (unsigned char)(i + 1));
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_for_huge_pages),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_half_pinned),
        cmocka_unit_test(test_taken_and_made_again),
        cmocka_unit_test(test_files_and_sharers),
        cmocka_unit_test(test_state_moves),
    };

    return cmocka_run_group_tests_name("vm_compact", tests, NULL, NULL);
}
