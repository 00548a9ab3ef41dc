/* SPDX-License-Identifier: BSD-2-Clause */
/* Several spaces with the same memory, copies of spaces, and life without translation. */
#include "support/test.h"

#include "unit/seg/seg_cases.h"

#define P(N) ((uint64_t)(N) << PAGE_SHIFT)
#define QUARTER ((uint64_t)1 << 30)
#define KEY 500000u

static const struct seg_rig_config four = {
    "segments", SEG_SEGMENTS, &seg_fit_first, 2, 100, 1000, false, false, 0};
static const struct seg_rig_config one = {
    "base and bounds", SEG_BASE_BOUNDS, &seg_fit_first, 0, 100, 0, false, false, 0};
static const struct seg_rig_config bare = {"none", SEG_NONE, NULL, 0, 100, 1000, false, false, 0};

static struct space *
fork_of(struct space *space)
{
    struct space *child;

    assert_int_equal(space->ops->fork(space, &child), PGW_OK);
    return child;
}

/* --- pure code --- */

static void
test_code_is_shared(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &four);
    assert_int_equal(seg_rig_add_file(&rig, 20, KEY), PGW_OK);
    struct space *a = seg_case_space(&rig);
    struct space *b = seg_case_space(&rig);
    assert_int_equal(seg_case_map_file(&rig, a, 0x10000, 10, 2, SEG_RX), PGW_OK);
    assert_int_equal(seg_case_map_file(&rig, b, 0x20000, 10, 2, SEG_RX), PGW_OK);
    struct space *c = fork_of(a);
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.pages, 10);
    assert_int_equal(stats.shares, 2);
    assert_int_equal(stats.copied, 0);
    struct seg_partition partition;
    assert_true(seg_partition_at(rig.seg, 0, &partition));
    assert_string_equal(partition.window, "code");
    assert_int_equal(partition.shares, 3);
    assert_true(partition.va == 0x10000 || partition.va == 0x20000);
    assert_true(seg_partition_at(rig.seg, 1, &partition) && !partition.used);
    assert_false(seg_partition_at(rig.seg, 2, &partition));
    seg_case_expect(&rig, a, 0x10000, 10, KEY + 2);
    seg_case_expect(&rig, b, 0x20000, 10, KEY + 2);
    assert_int_equal(seg_case_fault(&rig, b, 0x20000, ACCESS_WRITE), SPACE_FAULT_ACCERR);
    /* It goes without being written, and is read from the file again. */
    assert_int_equal(b->ops->evict(b, 0x20000), PGW_OK);
    struct space_page page;
    a->ops->page(a, 0x10000, &page);
    assert_int_equal(page.state, SPACE_PAGE_FILE);
    assert_int_equal(page.sharers, 3);
    assert_int_equal(rig.swap->stats.used, 0);
    seg_case_expect(&rig, c, 0x10000, 10, KEY + 2);
    assert_int_equal(seg_case_stats(&rig).file_pages_in, 20);
    seg_rig_destroy(&rig, a);
    seg_case_expect(&rig, b, 0x20000, 10, KEY + 2);
    seg_rig_destroy(&rig, b);
    seg_rig_destroy(&rig, c);
    seg_rig_fini(&rig);
}

/* Who changes his code gets a copy of his own, whatever the change. */
static void
test_code_is_owned(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &four);
    assert_int_equal(seg_rig_add_file(&rig, 20, KEY), PGW_OK);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map_file(&rig, a, 0x10000, 5, 0, SEG_RX), PGW_OK);
    struct space *b = fork_of(a);
    struct space *c = fork_of(a);
    struct space *d = fork_of(a);
    assert_int_equal(b->ops->protect(b, 0x10000, P(1), PROT_MASK_ALL), PGW_OK);
    seg_case_fill(&rig, b, 0x10000, 1, 1);
    assert_int_equal(seg_case_map(c, 0x10000 + P(3), 1, SEG_RW), PGW_OK);
    assert_int_equal(seg_case_map(d, 0x10000 + P(8), 2, SEG_RW), PGW_OK);
    seg_case_expect(&rig, a, 0x10000, 5, KEY);
    seg_case_expect(&rig, b, 0x10000 + P(1), 4, KEY + 1);
    seg_case_expect(&rig, c, 0x10000, 3, KEY);
    seg_case_expect_zero(&rig, c, 0x10000 + P(3), 1);
    seg_case_expect(&rig, d, 0x10000, 5, KEY);
    seg_case_expect_zero(&rig, d, 0x10000 + P(8), 2);
    assert_int_equal(seg_case_stats(&rig).segments, 4);
    /* A cut leaves it as it is; what is changed afterwards has its own, trimmed. */
    assert_int_equal(a->ops->unmap(a, 0x10000, P(2)), PGW_OK);
    assert_int_equal(seg_case_stats(&rig).pages, 5 + 5 + 5 + 10);
    assert_int_equal(a->ops->protect(a, 0x10000 + P(2), P(1), PROT_MASK_ALL), PGW_OK);
    assert_int_equal(seg_case_stats(&rig).pages, 3 + 5 + 5 + 10);
    seg_case_expect(&rig, a, 0x10000 + P(2), 3, KEY + 2);
    seg_rig_destroy(&rig, a);
    seg_rig_destroy(&rig, b);
    seg_rig_destroy(&rig, c);
    seg_rig_destroy(&rig, d);
    seg_rig_fini(&rig);
}

/* --- fork --- */

static void
test_fork_copies(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, QUARTER, 30, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, QUARTER, 30, 1000);
    struct space *b = fork_of(a);
    assert_int_equal(seg_case_stats(&rig).copied, 30);
    seg_case_fill(&rig, b, QUARTER, 10, 2000);
    seg_case_expect(&rig, a, QUARTER, 30, 1000);
    assert_int_equal(seg_case_map(a, QUARTER + P(30), 40, SEG_RW), PGW_OK); /* RAM is full */
    struct space *c = fork_of(a); /* its copy goes to swap: 70 twice is too much */
    struct space_page page;
    c->ops->page(c, QUARTER, &page);
    assert_int_equal(page.state, SPACE_PAGE_SWAPPED);
    seg_case_expect(&rig, c, QUARTER, 30, 1000);
    seg_case_expect(&rig, b, QUARTER, 10, 2000);
    seg_case_expect(&rig, b, QUARTER + P(10), 20, 1010);
    seg_rig_destroy(&rig, a);
    seg_rig_destroy(&rig, b);
    seg_rig_destroy(&rig, c);
    seg_rig_fini(&rig);
}

static void
test_fork_without_room(void **state)
{
    struct seg_rig rig;
    struct space *child;

    (void)state;
    seg_rig_init(&rig, &one);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, QUARTER, 51, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, QUARTER, 51, 1000);
    assert_int_equal(a->ops->fork(a, &child), PGW_NORAM);
    assert_string_equal(seg_why(rig.seg), "there is no room for a copy, in RAM or on swap");
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.spaces, 1);
    assert_int_equal(stats.regions, 1);
    seg_case_expect(&rig, a, QUARTER, 51, 1000);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

/* --- share --- */

static void
test_share(void **state)
{
    struct seg_rig rig;
    uint64_t va = 0;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    struct space *b = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, QUARTER, 4, SEG_RW), PGW_OK);
    assert_int_equal(seg_case_map(a, QUARTER + P(6), 2, PROT_MASK_R), PGW_OK);
    seg_case_fill(&rig, a, QUARTER, 8, 1000);
    assert_int_equal(b->ops->share(b, a, QUARTER + P(1), SEG_RW, &va), PGW_NOTFOUND);
    va = 2 * QUARTER + P(100); /* elsewhere, in another window */
    assert_int_equal(b->ops->share(b, a, QUARTER, SEG_RW, &va), PGW_OK);
    assert_true(va == 2 * QUARTER + P(100));
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.shares, 1);
    seg_case_expect(&rig, b, va, 4, 1000);
    seg_case_expect(&rig, b, va + P(6), 2, 1006); /* the rest of the segment came along */
    seg_case_fill(&rig, b, va, 1, 2000);
    seg_case_expect(&rig, a, QUARTER, 1, 2000);
    assert_int_equal(b->ops->share(b, a, QUARTER, SEG_RW, &va), PGW_UNSUPPORTED);
    /* Growth is seen by both; what one unmaps, the other keeps. */
    assert_int_equal(seg_case_map(a, QUARTER + P(8), 3, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, QUARTER + P(8), 3, 3000);
    seg_case_expect(&rig, b, va + P(8), 3, 3000);
    assert_int_equal(a->ops->unmap(a, QUARTER, P(11)), PGW_OK);
    stats = seg_case_stats(&rig);
    assert_int_equal(stats.shares, 1); /* counted since creation */
    seg_case_expect(&rig, b, va, 1, 2000);
    seg_case_expect(&rig, b, va + P(6), 2, 1006);
    seg_rig_destroy(&rig, a);
    seg_rig_destroy(&rig, b);
    seg_rig_fini(&rig);
}

/* Nothing is mapped anew over what another still has: its bytes are the same ones. */
static void
test_share_is_kept(void **state)
{
    struct seg_rig rig;
    uint64_t va = QUARTER;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    struct space *b = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, QUARTER, 8, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, QUARTER, 8, 1000);
    assert_int_equal(b->ops->share(b, a, QUARTER, SEG_RW, &va), PGW_OK);
    assert_int_equal(b->ops->unmap(b, QUARTER + P(2), P(3)), PGW_OK);
    assert_int_equal(seg_case_map(b, QUARTER + P(2), 2, SEG_RW), PGW_NOSPACE);
    assert_string_equal(seg_why(rig.seg), "another program sees what is in the way there");
    assert_int_equal(seg_case_map(b, QUARTER + P(1), 1, SEG_RW), PGW_NOSPACE);
    assert_true(seg_check(rig.seg));
    seg_case_expect(&rig, a, QUARTER, 8, 1000);
    seg_case_expect(&rig, b, QUARTER, 2, 1000);
    /* What nobody has any more is free. */
    assert_int_equal(a->ops->unmap(a, QUARTER + P(2), P(2)), PGW_OK);
    assert_int_equal(seg_case_map(b, QUARTER + P(2), 2, SEG_RW), PGW_OK);
    seg_case_expect_zero(&rig, b, QUARTER + P(2), 2);
    seg_case_expect(&rig, a, QUARTER + P(4), 4, 1004);
    seg_rig_destroy(&rig, a);
    seg_rig_destroy(&rig, b);
    seg_rig_fini(&rig);
}

/* A window begins where the segment does for one of them: it cannot reach further down. */
static void
test_share_bounds(void **state)
{
    struct seg_rig rig;
    uint64_t va = 2 * QUARTER;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    struct space *b = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, QUARTER + P(10), 4, SEG_RW), PGW_OK);
    assert_int_equal(b->ops->share(b, a, QUARTER + P(10), PROT_MASK_R, &va), PGW_OK);
    assert_int_equal(seg_case_map(a, QUARTER + P(9), 1, SEG_RW), PGW_NOSPACE);
    assert_string_equal(seg_why(rig.seg), "the segment's window has no room");
    /* Shared stays shared for a child; and with what is read only for one. */
    struct space *c = fork_of(b);
    seg_case_fill(&rig, a, QUARTER + P(10), 1, 7);
    seg_case_expect(&rig, c, va, 1, 7);
    assert_int_equal(seg_case_fault(&rig, c, va, ACCESS_WRITE), SPACE_FAULT_ACCERR);
    /* What goes anywhere goes nowhere that another one uses. */
    assert_int_equal(b->ops->unmap(b, va, P(2)), PGW_OK);
    struct space_map_args args = {.len = P(2), .prot = SEG_RW};
    assert_int_equal(b->ops->map(b, &args, &va), PGW_OK);
    assert_true(va == 2 * QUARTER + P(4));
    seg_rig_destroy(&rig, a);
    seg_rig_destroy(&rig, b);
    seg_rig_destroy(&rig, c);
    seg_rig_fini(&rig);
}

/* --- without translation --- */

static void
test_none_takes_turns(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &bare);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, P(16), 30, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, P(16), 30, 1000);
    seg_case_expect_partition(&rig, 1, 16, 30, true); /* program address = RAM address */
    struct space *b = fork_of(a);                     /* parked behind it */
    assert_int_equal(seg_case_stats(&rig).segments_out, 0);
    seg_case_fill(&rig, b, P(16), 5, 2000); /* changes places with a, which fits in neither hole */
    seg_case_expect(&rig, a, P(16), 30, 1000);
    seg_case_expect(&rig, b, P(16), 5, 2000);
    seg_case_expect(&rig, b, P(21), 25, 1005);
    struct seg_stats stats = seg_case_stats(&rig);
    assert_true(stats.segments_out >= 3 && stats.segments_in >= 3);
    /* Who is put aside in RAM was moved, and is not counted as swapped. */
    assert_int_equal(stats.pages_out, rig.swap->stats.puts);
    assert_true(stats.pages_out < 30 * stats.segments_out);
    assert_true(stats.pages_out + stats.moved >= 30 * stats.segments_out);
    /* Who does not overlap stays. */
    struct space *c = seg_case_space(&rig);
    seg_rig_destroy(&rig, a);
    assert_int_equal(seg_case_map(c, P(80), 10, SEG_RW), PGW_OK);
    seg_case_fill(&rig, c, P(80), 10, 3000);
    stats = seg_case_stats(&rig);
    seg_case_expect(&rig, b, P(16), 5, 2000);
    seg_case_expect(&rig, c, P(80), 10, 3000);
    assert_int_equal(seg_case_stats(&rig).segments_out, stats.segments_out);
    seg_rig_destroy(&rig, b);
    seg_rig_destroy(&rig, c);
    seg_rig_fini(&rig);
}

/* Two programs of 40 in 100 frames and no swap: there is no third place, so they change places. */
static void
test_none_exchange(void **state)
{
    struct seg_rig rig;
    struct seg_rig_config config = bare;

    (void)state;
    config.swap_slots = 0;
    seg_rig_init(&rig, &config);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, P(10), 40, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, P(10), 40, 1000);
    struct space *b = fork_of(a);
    seg_case_fill(&rig, b, P(10), 40, 2000);
    seg_case_expect(&rig, a, P(10), 40, 1000);
    assert_int_equal(b->ops->unmap(b, P(45), P(5)), PGW_OK); /* not the same size */
    seg_case_expect(&rig, b, P(10), 35, 2000);
    seg_case_expect(&rig, a, P(10), 40, 1000);
    seg_rig_destroy(&rig, a);
    seg_case_expect(&rig, b, P(10), 35, 2000);
    seg_rig_destroy(&rig, b);
    seg_rig_fini(&rig);
}

static void
test_none_ends_with_ram(void **state)
{
    struct seg_rig rig;
    struct space_layout layout;
    struct space_image image = {.start = P(16), .end = P(101)};
    unsigned char *bytes;

    (void)state;
    seg_rig_init(&rig, &bare);
    assert_true(seg_space_end(rig.seg) == P(100));
    struct space *a = seg_case_space(&rig);
    assert_int_equal(a->ops->layout(a, &image, P(32), &layout), PGW_NOSPACE);
    assert_string_equal(seg_why(rig.seg), "the program does not lie within RAM");
    assert_int_equal(seg_case_map(a, P(99), 2, SEG_RW), PGW_RANGE);
    assert_string_equal(seg_why(rig.seg),
        "beyond the end of RAM, which is where addresses end without translation");
    assert_int_equal(seg_case_map(a, P(98), 2, PROT_MASK_NONE), PGW_OK);
    assert_int_equal(seg_case_fault(&rig, a, P(100), ACCESS_READ), SPACE_FAULT_MAPERR);
    assert_string_equal(seg_why(rig.seg),
        "beyond the end of RAM, which is where addresses end without translation");
    /* The hardware lets everything through; the core touches what is the program's. */
    assert_int_equal(seg_case_fault(&rig, a, P(50), ACCESS_WRITE), SPACE_FAULT_OK);
    assert_int_equal(a->ops->resolve(a, P(50), ACCESS_WRITE, &bytes), SPACE_FAULT_MAPERR);
    assert_int_equal(a->ops->resolve(a, P(98), ACCESS_WRITE, &bytes), SPACE_FAULT_OK);
    /* Sent away while it runs, it comes home at its next access. */
    seg_case_fill(&rig, a, P(98), 2, 1000);
    assert_int_equal(a->ops->evict(a, P(98)), PGW_OK);
    seg_case_expect(&rig, a, P(98), 2, 1000);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_is_shared),
        cmocka_unit_test(test_code_is_owned),
        cmocka_unit_test(test_fork_copies),
        cmocka_unit_test(test_fork_without_room),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_share_is_kept),
        cmocka_unit_test(test_share_bounds),
        cmocka_unit_test(test_none_takes_turns),
        cmocka_unit_test(test_none_exchange),
        cmocka_unit_test(test_none_ends_with_ram),
    };

    return cmocka_run_group_tests_name("seg share", tests, NULL, NULL);
}
