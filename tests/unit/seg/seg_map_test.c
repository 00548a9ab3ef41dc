/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process does to its map: windows, bounds, rights, stacks, files, remap, layout. */
#include "support/test.h"

#include "unit/seg/seg_cases.h"

#define P(N) ((uint64_t)(N) << PAGE_SHIFT)
#define QUARTER ((uint64_t)1 << 30) /* of 32 bits: a window */
#define TOP ((uint64_t)1 << 32)
#define KEY 500000u

static const struct seg_rig_config one = {
    "base and bounds", SEG_BASE_BOUNDS, &seg_fit_first, 0, 200, 1000, false, false, 0};
static const struct seg_rig_config four = {
    "segments", SEG_SEGMENTS, &seg_fit_first, 2, 600, 1000, false, false, 0};
static const struct seg_rig_config eight = {
    "8 segments", SEG_SEGMENTS, &seg_fit_first, 3, 100, 0, false, false, 0};

static uint64_t
map_anywhere(struct space *space, uint64_t npages, enum space_use use, uint64_t hint)
{
    struct space_map_args args = {.va = hint, .len = P(npages), .prot = SEG_RW, .use = use};
    uint64_t va;

    assert_int_equal(space->ops->map(space, &args, &va), PGW_OK);
    return va;
}

/* A segment is from the lowest to the highest byte mapped; what is between is its own too. */
static void
test_extent(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &one);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, 0x10000, 4, SEG_RW), PGW_OK);
    assert_int_equal(seg_case_map(a, 0x10000 + P(10), 2, SEG_RW), PGW_OK);
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.pages, 12);
    assert_int_equal(stats.unused, 6);
    assert_int_equal(seg_case_fault(&rig, a, 0xf000, ACCESS_READ), SPACE_FAULT_MAPERR);
    assert_string_equal(seg_why(rig.seg), "outside the bounds of the program");
    assert_int_equal(seg_case_fault(&rig, a, 0x10000 + P(12), ACCESS_READ), SPACE_FAULT_MAPERR);
    assert_int_equal(seg_case_fault(&rig, a, TOP, ACCESS_READ), SPACE_FAULT_MAPERR);
    assert_int_equal(seg_case_fault(&rig, a, 0x10000 + P(7), ACCESS_WRITE), SPACE_FAULT_OK);
    seg_case_fill(&rig, a, 0x10000, 12, 1000);                            /* the hardware lets it */
    assert_int_equal(seg_case_map(a, 0x10000 - P(3), 1, SEG_RW), PGW_OK); /* downwards */
    seg_case_expect_zero(&rig, a, 0x10000 - P(3), 1);
    seg_case_expect(&rig, a, 0x10000, 4, 1000);
    seg_case_expect(&rig, a, 0x10000 + P(10), 2, 1010);
    assert_true(map_anywhere(a, 6, SPACE_USE_ANON, 0) == 0x10000 + P(4)); /* the hole that fits */
    seg_case_expect_zero(&rig, a, 0x10000 + P(4), 6);
    assert_true(map_anywhere(a, 3, SPACE_USE_ANON, 0) == 0x10000 + P(12));
    assert_int_equal(a->ops->unmap(a, 0, P(14) + 0x10000), PGW_OK);
    stats = seg_case_stats(&rig);
    assert_int_equal(stats.pages, 1);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

static void
test_errors(void **state)
{
    struct seg_rig rig;
    uint64_t va = 0;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, 0x1234, 1, SEG_RW), PGW_INVAL);
    assert_int_equal(seg_case_map(a, 0x1000, 0, SEG_RW), PGW_INVAL);
    assert_int_equal(seg_case_map(a, 0x1000, 1, 8), PGW_INVAL);
    assert_int_equal(seg_case_map(a, TOP - P(1), 2, SEG_RW), PGW_RANGE);
    assert_int_equal(seg_case_map(a, QUARTER - P(1), 2, SEG_RW), PGW_NOSPACE);
    assert_string_equal(seg_why(rig.seg), "it would lie in two segments");
    assert_int_equal(seg_case_map(a, QUARTER, 1000, SEG_RW), PGW_NORAM);
    assert_int_equal(seg_case_map(a, QUARTER, 4, SEG_RW), PGW_OK);
    assert_string_equal(seg_why(rig.seg), "");
    struct space_map_args args = {
        .va = QUARTER + P(3), .len = P(2), .prot = SEG_RW, .flags = SPACE_FIXED | SPACE_NOREPLACE};
    assert_int_equal(a->ops->map(a, &args, &va), PGW_EXIST);
    assert_int_equal(a->ops->unmap(a, 1, P(1)), PGW_INVAL);
    assert_int_equal(a->ops->unmap(a, TOP, P(1)), PGW_RANGE);
    assert_int_equal(a->ops->protect(a, QUARTER, P(5), SEG_RW), PGW_NOTFOUND);
    assert_int_equal(a->ops->protect(a, QUARTER, P(1), 64), PGW_INVAL);
    assert_int_equal(a->ops->remap(a, QUARTER, P(5), P(6), true, false, &va), PGW_NOTFOUND);
    assert_int_equal(a->ops->remap(a, QUARTER, P(4), 0, true, false, &va), PGW_INVAL);
    va = QUARTER + P(2);
    assert_int_equal(a->ops->remap(a, QUARTER, P(3), P(3), true, true, &va), PGW_INVAL);
    va = 2 * QUARTER - P(1);
    assert_int_equal(a->ops->remap(a, QUARTER, P(3), P(3), true, true, &va), PGW_NOSPACE);
    assert_int_equal(a->ops->limit_growth(a, QUARTER, 0), PGW_NOTFOUND);
    assert_int_equal(seg_case_stats(&rig).regions, 1); /* cuts were mended */
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

static void
test_windows(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    assert_true(map_anywhere(a, 2, SPACE_USE_HEAP, 0) == QUARTER);
    assert_true(map_anywhere(a, 2, SPACE_USE_ANON, 0) == 2 * QUARTER);
    assert_true(map_anywhere(a, 2, SPACE_USE_STACK, 0) == TOP - P(2));
    assert_true(map_anywhere(a, 3, SPACE_USE_STACK, 0) == TOP - P(5)); /* hangs and grows down */
    assert_true(map_anywhere(a, 10, SPACE_USE_ANON, 0) == 2 * QUARTER + P(2));
    assert_int_equal(a->ops->unmap(a, 2 * QUARTER + P(4), P(4)), PGW_OK);
    assert_true(map_anywhere(a, 1, SPACE_USE_ANON, 2 * QUARTER + P(6)) == 2 * QUARTER + P(6));
    assert_true(map_anywhere(a, 1, SPACE_USE_ANON, 2 * QUARTER + P(6)) == 2 * QUARTER + P(4));
    struct seg_stats stats = seg_case_stats(&rig);
    assert_int_equal(stats.segments, 3);
    assert_int_equal(stats.pages, 2 + 12 + 5);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);

    seg_rig_init(&rig, &eight); /* one window's partition cannot grow: there is another window */
    a = seg_case_space(&rig);
    struct space *b = seg_case_space(&rig);
    assert_true(map_anywhere(a, 40, SPACE_USE_ANON, 0) == QUARTER);
    assert_int_equal(seg_case_map(a, QUARTER + P(50), 1, SEG_RW), PGW_OK);
    assert_true(map_anywhere(b, 40, SPACE_USE_ANON, 0) == QUARTER);
    assert_true(map_anywhere(a, 9, SPACE_USE_ANON, 0) == QUARTER + P(40));
    assert_true(map_anywhere(a, 5, SPACE_USE_ANON, 0) == QUARTER + P(51));
    seg_rig_destroy(&rig, a);
    seg_rig_destroy(&rig, b);
    seg_rig_fini(&rig);
}

/* The hardware has rights a segment, the union of what its regions say; one register has none. */
static void
test_rights(void **state)
{
    struct seg_rig rig;
    unsigned char *bytes;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, QUARTER, 2, PROT_MASK_R), PGW_OK);
    assert_int_equal(seg_case_fault(&rig, a, QUARTER, ACCESS_READ), SPACE_FAULT_OK);
    assert_int_equal(seg_case_fault(&rig, a, QUARTER, ACCESS_WRITE), SPACE_FAULT_ACCERR);
    assert_int_equal(a->ops->resolve(a, QUARTER, ACCESS_WRITE, &bytes), SPACE_FAULT_ACCERR);
    assert_int_equal(a->ops->protect(a, QUARTER + P(1), P(1), PROT_MASK_W), PGW_OK);
    assert_int_equal(seg_case_fault(&rig, a, QUARTER, ACCESS_WRITE), SPACE_FAULT_OK);
    assert_int_equal(seg_case_fault(&rig, a, QUARTER, ACCESS_EXEC), SPACE_FAULT_ACCERR);
    assert_int_equal(a->ops->protect(a, QUARTER, P(2), PROT_MASK_NONE), PGW_OK);
    assert_int_equal(seg_case_fault(&rig, a, QUARTER, ACCESS_READ), SPACE_FAULT_ACCERR);
    assert_string_equal(seg_why(rig.seg), "a segment, but not with this right");
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);

    seg_rig_init(&rig, &one);
    a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, QUARTER, 2, PROT_MASK_NONE), PGW_OK);
    assert_int_equal(seg_case_fault(&rig, a, QUARTER, ACCESS_WRITE), SPACE_FAULT_OK);
    struct space_region region;
    assert_true(a->ops->find(a, 0, &region));
    assert_int_equal(region.prot, PROT_MASK_NONE); /* remembered */
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

static enum pgw_status
map_stack(struct space *space, uint64_t top, uint64_t npages, uint64_t most)
{
    struct space_map_args args = {.va = top - P(npages),
        .len = P(npages),
        .prot = SEG_RW,
        .flags = SPACE_FIXED | SPACE_NOREPLACE | SPACE_GROWSDOWN,
        .use = SPACE_USE_STACK,
        .len_max = P(most)};
    uint64_t va;

    return space->ops->map(space, &args, &va);
}

static void
test_stack_grows(void **state)
{
    struct seg_rig rig;
    struct space_region region;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(map_stack(a, TOP, 4, 300), PGW_OK);
    seg_case_fill(&rig, a, TOP - P(4), 4, 1000);
    assert_int_equal(seg_case_fault(&rig, a, TOP - P(5), ACCESS_WRITE), SPACE_FAULT_OK);
    assert_true(a->ops->find(a, TOP - 1, &region));
    assert_true(region.start == TOP - P(20)); /* 64 KiB at once */
    seg_case_expect_zero(&rig, a, TOP - P(20), 16);
    seg_case_expect(&rig, a, TOP - P(4), 4, 1000);
    assert_int_equal(seg_case_fault(&rig, a, TOP - P(300), ACCESS_WRITE), SPACE_FAULT_OK);
    assert_int_equal(seg_case_fault(&rig, a, TOP - P(301), ACCESS_WRITE), SPACE_FAULT_MAPERR);
    assert_string_equal(seg_why(rig.seg), "outside the bounds of its segment");
    seg_case_expect(&rig, a, TOP - P(4), 4, 1000);
    struct space_counts counts;
    a->ops->counts(a, &counts);
    assert_int_equal(counts.zero_fill, 2);
    assert_int_equal(counts.mapped, P(300));
    seg_rig_destroy(&rig, a);

    a = seg_case_space(&rig); /* a limit below what it was mapped with, and back */
    assert_int_equal(map_stack(a, TOP, 4, 300), PGW_OK);
    assert_int_equal(a->ops->limit_growth(a, TOP - 1, P(10)), PGW_OK);
    assert_int_equal(seg_case_fault(&rig, a, TOP - P(10), ACCESS_WRITE), SPACE_FAULT_OK);
    assert_int_equal(seg_case_fault(&rig, a, TOP - P(11), ACCESS_WRITE), SPACE_FAULT_MAPERR);
    assert_int_equal(a->ops->limit_growth(a, TOP - 1, P(1000)), PGW_OK);
    assert_int_equal(seg_case_fault(&rig, a, TOP - P(11), ACCESS_WRITE), SPACE_FAULT_OK);
    assert_int_equal(seg_case_fault(&rig, a, TOP - P(301), ACCESS_WRITE), SPACE_FAULT_MAPERR);
    /* Never nearer to what is below than the guard, of 256 pages. */
    assert_int_equal(seg_case_map(a, TOP - P(300), 1, SEG_RW), PGW_OK);
    assert_int_equal(seg_case_fault(&rig, a, TOP - P(43), ACCESS_WRITE), SPACE_FAULT_OK);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

/* With one register the stack has its full size from the start. */
static void
test_stack_fixed(void **state)
{
    struct seg_rig rig;
    struct space_region region;

    (void)state;
    seg_rig_init(&rig, &one);
    struct space *a = seg_case_space(&rig);
    struct space_image image = {.start = 0x10000, .end = 0x14000};
    struct space_layout layout;
    assert_int_equal(a->ops->layout(a, &image, (uint64_t)8 << 20, &layout), PGW_OK);
    assert_true(layout.end == TOP && layout.trampoline == 0x14000);
    assert_true(layout.stack_max == (uint64_t)128 << 10); /* RAM / 8 is less */
    assert_int_equal(layout.guard, 0x15000);
    assert_true(layout.stack_top == 0x16000 + layout.stack_max && layout.heap == layout.stack_top);
    assert_int_equal(seg_case_map(a, 0x10000, 4, SEG_RW), PGW_OK);
    assert_int_equal(seg_case_map(a, layout.trampoline, 1, SEG_RX), PGW_OK);
    assert_int_equal(seg_case_map(a, layout.guard, 1, SEG_RW), PGW_OK);
    assert_int_equal(map_stack(a, layout.stack_top, 4, 32), PGW_OK);
    assert_true(a->ops->find(a, layout.stack_top - 1, &region));
    assert_true(region.start == 0x16000 && !region.growsdown);
    assert_int_equal(seg_case_stats(&rig).unused, 0);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

static void
test_layout(void **state)
{
    struct seg_rig rig;
    struct space_layout layout;
    struct space_image low = {.start = 0x10000, .end = 0x20000};
    struct space_image across = {.start = 0x10000, .end = QUARTER + 0x5000};
    struct space_image high = {.start = 3 * QUARTER, .end = TOP};

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(a->ops->layout(a, NULL, 0, &layout), PGW_OK);
    assert_true(layout.end == TOP && layout.heap == 0 && layout.trampoline == 0);
    assert_int_equal(a->ops->layout(a, &low, (uint64_t)8 << 20, &layout), PGW_OK);
    assert_true(layout.heap == QUARTER && layout.trampoline == 2 * QUARTER);
    assert_true(layout.stack_top == TOP && layout.stack_max == (uint64_t)8 << 20);
    assert_int_equal(a->ops->layout(a, &across, (uint64_t)8 << 20, &layout), PGW_OK);
    assert_true(layout.heap == QUARTER + 0x5000);
    assert_int_equal(a->ops->layout(a, &high, (uint64_t)8 << 20, &layout), PGW_NOSPACE);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

/* A file is read when it is mapped; past its end are zeros; a mapping that grows reads on. */
static void
test_files(void **state)
{
    struct seg_rig rig;
    uint64_t va;

    (void)state;
    seg_rig_init(&rig, &one);
    assert_int_equal(seg_rig_add_file(&rig, 30, KEY), PGW_OK);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map_file(&rig, a, 0x10000, 20, 15, SEG_RW), PGW_OK);
    seg_case_expect(&rig, a, 0x10000, 15, KEY + 15);
    seg_case_expect_zero(&rig, a, 0x10000 + P(15), 5);
    assert_int_equal(seg_case_stats(&rig).file_pages_in, 15);
    seg_case_fill(&rig, a, 0x10000, 1, 1); /* private */
    assert_int_equal(seg_case_map_file(&rig, a, 0x10000 + P(30), 3, 0, SEG_RW), PGW_OK);
    va = 0x10000 + P(30);
    assert_int_equal(a->ops->remap(a, va, P(3), P(5), false, false, &va), PGW_OK);
    seg_case_expect(&rig, a, va, 5, KEY);
    assert_int_equal(seg_case_map(a, va + P(5), 1, SEG_RW), PGW_OK);
    assert_int_equal(a->ops->remap(a, va, P(5), P(7), false, false, &va), PGW_NOSPACE);
    assert_int_equal(a->ops->remap(a, va, P(5), P(7), true, false, &va), PGW_OK);
    seg_case_expect(&rig, a, va, 7, KEY); /* moved, and read on */
    struct space_region region;
    assert_true(a->ops->find(a, va, &region));
    assert_true(region.object == rig.file && region.offset == 0);
    assert_true(region.end - region.start == P(7));
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

/* brk as the personality does it: the heap's region grows at its end. */
static void
test_heap(void **state)
{
    struct seg_rig rig;
    uint64_t va;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, QUARTER, 2, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, QUARTER, 2, 1000);
    for (uint64_t n = 2; n < 100; n += 7) {
        assert_int_equal(a->ops->remap(a, QUARTER, P(n), P(n + 7), false, false, &va), PGW_OK);
        assert_true(va == QUARTER);
    }
    assert_int_equal(seg_case_stats(&rig).regions, 1);
    seg_case_expect(&rig, a, QUARTER, 2, 1000);
    seg_case_expect_zero(&rig, a, QUARTER + P(2), 98);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

static void
test_config(void **state)
{
    struct seg_rig rig;
    struct seg_rig_config bad = four;

    (void)state;
    seg_rig_env_init(&rig, &four);
    bad.bits = 5;
    assert_int_equal(seg_rig_try_init(&rig, &bad), PGW_INVAL);
    bad.bits = 1;
    assert_int_equal(seg_rig_try_init(&rig, &bad), PGW_INVAL);
    bad = four;
    bad.fit = NULL;
    assert_int_equal(seg_rig_try_init(&rig, &bad), PGW_INVAL);
    bad.scheme = SEG_NONE; /* RAM does not start at 0 */
    assert_int_equal(seg_rig_try_init(&rig, &bad), PGW_INVAL);
    test_env_fini(&rig.env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extent),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_stack_grows),
        cmocka_unit_test(test_stack_fixed),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_heap),
        cmocka_unit_test(test_config),
    };

    return cmocka_run_group_tests_name("seg map", tests, NULL, NULL);
}
