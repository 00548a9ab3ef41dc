/* SPDX-License-Identifier: BSD-2-Clause */
/* Where partitions are, with exact figures: holes, growth, compaction, swapping. */
#include "support/test.h"

#include "unit/seg/seg_cases.h"

#define BASE ((uint64_t)0x40000000) /* where the programs believe they are */
#define P(N) ((uint64_t)(N) << PAGE_SHIFT)

static const struct seg_rig_config plain = {
    "base and bounds", SEG_BASE_BOUNDS, &seg_fit_first, 0, 100, 0, false, false, 0};
static const struct seg_rig_config swapping = {
    "base and bounds, swap", SEG_BASE_BOUNDS, &seg_fit_first, 0, 100, 1000, true, false, 0};

/* A program of npages, filled from key on. */
static struct space *
program(struct seg_rig *rig, uint64_t npages, uint64_t key)
{
    struct space *space = seg_case_space(rig);

    assert_int_equal(seg_case_map(space, BASE, npages, SEG_RW), PGW_OK);
    seg_case_expect_zero(rig, space, BASE, npages);
    seg_case_fill(rig, space, BASE, npages, key);
    return space;
}

static void
end(struct seg_rig *rig, struct space *space, uint64_t npages, uint64_t key)
{
    seg_case_expect(rig, space, BASE, npages, key);
    seg_rig_destroy(rig, space);
}

static enum pgw_status
grow(struct space *space, uint64_t old, uint64_t new)
{
    uint64_t va;

    return space->ops->remap(space, BASE, P(old), P(new), false, false, &va);
}

/* Three programs and the holes between them: the fourth does not fit although the sum of the holes
 * is enough; after compaction it fits. */
static void
test_holes_between(void **state)
{
    struct seg_rig rig;
    struct seg_rig_config config = plain;

    (void)state;
    config.no_compaction = true;
    seg_rig_init(&rig, &config);
    struct space *a = program(&rig, 20, 1000);
    struct space *gap = program(&rig, 15, 0);
    struct space *b = program(&rig, 25, 2000);
    struct space *gap2 = program(&rig, 10, 0);
    struct space *c = program(&rig, 20, 3000);
    seg_rig_destroy(&rig, gap);
    seg_rig_destroy(&rig, gap2);
    /* |a 20|hole 15|b 25|hole 10|c 20|hole 10| */
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.free, 35);
    assert_int_equal(stats.holes, 3);
    assert_int_equal(stats.largest_hole, 15);
    struct space *d = seg_case_space(&rig);
    assert_int_equal(seg_case_map(d, BASE, 30, SEG_RW), PGW_NORAM);
    assert_string_equal(seg_why(rig.seg), "no hole in RAM is large enough for a segment");
    assert_int_equal(seg_case_stats(&rig).failures, 1);
    seg_compact(rig.seg);
    stats = seg_case_stats(&rig);
    assert_int_equal(stats.compactions, 1);
    assert_int_equal(stats.moved, 25 + 20);
    assert_int_equal(stats.holes, 1);
    assert_int_equal(stats.largest_hole, 35);
    assert_int_equal(seg_case_map(d, BASE, 30, SEG_RW), PGW_OK);
    seg_case_expect_partition(&rig, 0, 0, 20, true);
    seg_case_expect_partition(&rig, 1, 20, 25, true);
    seg_case_expect_partition(&rig, 2, 45, 20, true);
    seg_case_expect_partition(&rig, 3, 65, 30, true);
    seg_case_expect_partition(&rig, 4, 95, 5, false);
    end(&rig, a, 20, 1000);
    end(&rig, b, 25, 2000);
    end(&rig, c, 20, 3000);
    seg_rig_destroy(&rig, d);
    seg_rig_fini(&rig);
}

/* The same, without having to ask for it. */
static void
test_compacts_by_itself(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &plain);
    struct space *a = program(&rig, 40, 0);
    struct space *b = program(&rig, 30, 2000);
    seg_rig_destroy(&rig, a);
    struct space *c = program(&rig, 60, 3000); /* holes of 40 and 30 */
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.failures, 1);
    assert_int_equal(stats.compactions, 1);
    assert_int_equal(stats.moved, 30);
    end(&rig, b, 30, 2000);
    end(&rig, c, 60, 3000);
    seg_rig_fini(&rig);
}

static void
test_grows_in_place_or_moves(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &plain);
    struct space *a = program(&rig, 10, 1000);
    assert_int_equal(grow(a, 10, 15), PGW_OK);
    assert_int_equal(seg_case_stats(&rig).grown_in_place, 1);
    seg_case_expect_zero(&rig, a, BASE + P(10), 5);
    struct space *b = program(&rig, 10, 2000);
    assert_int_equal(grow(a, 15, 20), PGW_OK); /* |hole 15|b 10|a 20|hole 55| */
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.grown_in_place, 1);
    assert_int_equal(stats.grown_by_moving, 1);
    assert_int_equal(stats.grown_moved, 15);
    seg_case_expect_partition(&rig, 0, 0, 15, false);
    seg_case_expect_partition(&rig, 2, 25, 20, true);
    seg_case_expect_zero(&rig, a, BASE + P(10), 10);
    assert_int_equal(a->ops->unmap(a, BASE + P(10), P(10)), PGW_OK);
    assert_int_equal(seg_case_stats(&rig).shrunk, 1);
    seg_case_expect_partition(&rig, 2, 25, 10, true);
    end(&rig, b, 10, 2000);
    end(&rig, a, 10, 1000);
    seg_rig_fini(&rig);
}

/* Its neighbours make way on both sides: all that is free is at its end then. */
static void
test_growth_compacts_around(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &plain);
    struct space *gap = program(&rig, 10, 0);
    struct space *a = program(&rig, 10, 1000);
    struct space *b = program(&rig, 50, 2000);
    struct space *c = program(&rig, 20, 3000);
    seg_rig_destroy(&rig, gap); /* |hole 10|a 10|b 50|c 20|hole 10| */
    assert_int_equal(grow(b, 50, 71), PGW_NORAM);
    assert_int_equal(grow(b, 50, 70), PGW_OK);
    seg_case_expect_partition(&rig, 0, 0, 10, true);
    seg_case_expect_partition(&rig, 1, 10, 70, true);
    seg_case_expect_partition(&rig, 2, 80, 20, true);
    assert_int_equal(seg_case_stats(&rig).free, 0);
    end(&rig, a, 10, 1000);
    end(&rig, b, 50, 2000);
    end(&rig, c, 20, 3000);
    seg_rig_fini(&rig);
}

/* The one used longest ago goes, whole, and comes back when it runs. */
static void
test_swaps_whole_segments(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &swapping);
    struct space *a = program(&rig, 40, 1000);
    struct space *b = program(&rig, 40, 2000);
    struct space *c = program(&rig, 40, 3000); /* a is out */
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.segments, 3);
    assert_int_equal(stats.resident, 2);
    assert_int_equal(stats.segments_out, 1);
    assert_int_equal(stats.pages_out, 40);
    struct space_page page;
    a->ops->page(a, BASE + P(5), &page);
    assert_int_equal(page.state, SPACE_PAGE_SWAPPED);
    assert_true(page.slot != PAGER_SLOT_NONE);
    struct space_counts counts;
    a->ops->counts(a, &counts);
    assert_int_equal(counts.resident, 0);
    assert_int_equal(counts.swapped, 40);
    uint64_t major = stats.major;
    seg_case_expect(&rig, a, BASE, 40, 1000); /* b is out */
    stats = seg_case_stats(&rig);
    assert_int_equal(stats.major, major + 1);
    assert_int_equal(stats.segments_in, 1);
    assert_int_equal(stats.pages_in, 40);
    b->ops->page(b, BASE, &page);
    assert_int_equal(page.state, SPACE_PAGE_SWAPPED);
    end(&rig, a, 40, 1000);
    end(&rig, c, 40, 3000);
    end(&rig, b, 40, 2000);
    seg_rig_fini(&rig);
}

/* Larger than all of RAM never; as large as all of RAM, when the others have gone. */
static void
test_largest(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &swapping);
    struct space *a = program(&rig, 30, 1000);
    struct space *b = program(&rig, 30, 2000);
    assert_int_equal(grow(b, 30, 101), PGW_NORAM);
    assert_string_equal(seg_why(rig.seg), "a segment would be larger than all of RAM");
    assert_int_equal(grow(b, 30, 100), PGW_OK);
    assert_int_equal(seg_case_stats(&rig).free, 0);
    seg_case_expect_zero(&rig, b, BASE + P(30), 70);
    end(&rig, a, 30, 1000);
    end(&rig, b, 30, 2000);
    seg_rig_fini(&rig);
}

static void
test_evict(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &plain);
    struct space *a = program(&rig, 10, 1000);
    assert_int_equal(a->ops->evict(a, BASE), PGW_NOSWAP);
    assert_string_equal(seg_why(rig.seg), "there is no swap");
    end(&rig, a, 10, 1000);
    seg_rig_fini(&rig);

    seg_rig_init(&rig, &swapping);
    a = program(&rig, 10, 1000);
    assert_int_equal(a->ops->evict(a, BASE - P(1)), PGW_NOTFOUND);
    assert_int_equal(a->ops->evict(a, BASE + P(9)), PGW_OK);
    assert_int_equal(a->ops->evict(a, BASE), PGW_NOTFOUND);
    assert_int_equal(seg_case_stats(&rig).free, 100);
    assert_int_equal(rig.swap->stats.used, 10);
    /* What is out can be cut: its slots go. */
    assert_int_equal(a->ops->unmap(a, BASE + P(7), P(3)), PGW_OK);
    assert_int_equal(a->ops->unmap(a, BASE, P(2)), PGW_OK);
    assert_int_equal(rig.swap->stats.used, 5);
    seg_case_expect(&rig, a, BASE + P(2), 5, 1002);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

/* Pages of zeros take no slot. */
static void
test_zeros_take_no_swap(void **state)
{
    struct seg_rig rig;
    struct space_page page;

    (void)state;
    seg_rig_init(&rig, &swapping);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, BASE, 50, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, BASE + P(3), 1, 1000);
    seg_case_fill(&rig, a, BASE + P(10), 20, 2000);
    assert_int_equal(a->ops->evict(a, BASE), PGW_OK);
    assert_int_equal(rig.swap->stats.used, 21);
    a->ops->page(a, BASE, &page);
    assert_int_equal(page.state, SPACE_PAGE_UNTOUCHED);
    a->ops->page(a, BASE + P(3), &page);
    assert_int_equal(page.state, SPACE_PAGE_SWAPPED);
    struct space *b = program(&rig, 100, 3000); /* uses all frames for something else */
    end(&rig, b, 100, 3000);
    seg_case_expect_zero(&rig, a, BASE, 3);
    seg_case_expect(&rig, a, BASE + P(3), 1, 1000);
    seg_case_expect_zero(&rig, a, BASE + P(4), 6);
    seg_case_expect(&rig, a, BASE + P(10), 20, 2000);
    seg_case_expect_zero(&rig, a, BASE + P(30), 20);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

/* Swap that has room for less than a segment: nothing is half out. */
static void
test_swap_full(void **state)
{
    struct seg_rig rig;
    struct seg_rig_config config = swapping;

    (void)state;
    config.swap_slots = 25;
    seg_rig_init(&rig, &config);
    struct space *a = program(&rig, 40, 1000);
    struct space *b = program(&rig, 20, 2000);
    assert_int_equal(a->ops->evict(a, BASE), PGW_NOSWAP);
    assert_string_equal(seg_why(rig.seg), "swap is full");
    assert_int_equal(rig.swap->stats.used, 0);
    struct space *c = program(&rig, 50, 3000); /* b goes in a's stead */
    assert_int_equal(rig.swap->stats.used, 20);
    struct space *d = seg_case_space(&rig);
    assert_int_equal(seg_case_map(d, BASE, 30, SEG_RW), PGW_NORAM);
    assert_int_equal(seg_case_fault(&rig, b, BASE, ACCESS_READ), SPACE_FAULT_NOMEM);
    seg_rig_destroy(&rig, d);
    end(&rig, c, 50, 3000);
    end(&rig, b, 20, 2000);
    end(&rig, a, 40, 1000);
    seg_rig_fini(&rig);
}

/* A program whose segments do not fit together, and that does next to nothing between two of them,
 * gets no more room in the end; one that gets on between them does. */
static void
thrash(uint64_t pace, enum space_fault expected)
{
    const struct seg_rig_config config = {
        "segments", SEG_SEGMENTS, &seg_fit_first, 2, 100, 1000, false, false, 0};
    struct seg_rig rig;
    enum space_fault fault = SPACE_FAULT_OK;
    unsigned char byte = 0;

    seg_rig_init(&rig, &config);
    rig.pace = pace;
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, BASE, 60, SEG_RW), PGW_OK);
    assert_int_equal(seg_case_map(a, 2 * BASE, 60, SEG_RW), PGW_OK);
    for (unsigned i = 0; i < 2000 && fault == SPACE_FAULT_OK; i++)
        fault = seg_rig_load(&rig, a, i % 2 == 0 ? BASE : 2 * BASE, &byte);
    assert_int_equal(fault, expected);
    if (expected != SPACE_FAULT_OK)
        assert_string_equal(
            seg_why(rig.seg), "RAM is too small for the segments that the program needs at once");
    assert_true(seg_check(rig.seg));
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

static void
test_thrashing_ends(void **state)
{
    (void)state;
    thrash(10, SPACE_FAULT_THRASH);
    thrash(60 * 64, SPACE_FAULT_OK);
}

/* Programs that grow by turns, with little RAM to spare, share what is free: what is copied stays
 * in proportion to what there is. */
static void
test_growth_by_turns(void **state)
{
    struct seg_rig rig;
    struct seg_rig_config config = plain;
    struct seg_stats stats;

    (void)state;
    config.frames = 1000;
    seg_rig_init(&rig, &config);
    struct space *a = program(&rig, 1, 1000);
    struct space *b = program(&rig, 1, 2000);
    for (uint64_t n = 1; n < 480; n++) {
        assert_int_equal(grow(a, n, n + 1), PGW_OK);
        assert_int_equal(grow(b, n, n + 1), PGW_OK);
    }
    stats = seg_case_stats(&rig);
    print_message("moved by growth %llu, by compaction %llu\n",
        (unsigned long long)stats.grown_moved, (unsigned long long)stats.moved);
    assert_true(stats.grown_moved + stats.moved < 20 * 960);
    seg_case_expect_zero(&rig, a, BASE + P(1), 479);
    end(&rig, a, 1, 1000);
    end(&rig, b, 1, 2000);
    seg_rig_fini(&rig);
}

/* Blocks of powers of two: the rest of a block is lost, and found again in place. */
static void
test_buddy(void **state)
{
    struct seg_rig rig;
    struct seg_rig_config config = plain;

    (void)state;
    config.fit = &seg_fit_buddy;
    config.frames = 128;
    seg_rig_init(&rig, &config);
    struct space *a = program(&rig, 5, 1000);  /* block 0..8 */
    struct space *b = program(&rig, 20, 2000); /* block 32..64 */
    assert_int_equal(seg_case_stats(&rig).free, 128 - 8 - 32);
    assert_int_equal(grow(a, 5, 8), PGW_OK);
    assert_int_equal(grow(a, 8, 9), PGW_OK); /* its buddy, 8..16, is free */
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.grown_in_place, 2);
    assert_int_equal(stats.free, 128 - 16 - 32);
    /* The start goes: what is kept moves to the block's start. */
    assert_int_equal(b->ops->unmap(b, BASE, P(5)), PGW_OK);
    seg_case_expect_partition(&rig, 2, 32, 15, true);
    seg_case_expect(&rig, b, BASE + P(5), 15, 2005);
    seg_rig_destroy(&rig, a);
    seg_compact(rig.seg);
    seg_case_expect_partition(&rig, 0, 0, 15, true);
    seg_case_expect(&rig, b, BASE + P(5), 15, 2005);
    seg_rig_destroy(&rig, b);
    seg_rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holes_between),
        cmocka_unit_test(test_compacts_by_itself),
        cmocka_unit_test(test_grows_in_place_or_moves),
        cmocka_unit_test(test_growth_compacts_around),
        cmocka_unit_test(test_swaps_whole_segments),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_evict),
        cmocka_unit_test(test_zeros_take_no_swap),
        cmocka_unit_test(test_swap_full),
        cmocka_unit_test(test_thrashing_ends),
        cmocka_unit_test(test_growth_by_turns),
        cmocka_unit_test(test_buddy),
    };

    return cmocka_run_group_tests_name("seg room", tests, NULL, NULL);
}
