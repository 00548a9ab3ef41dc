/* SPDX-License-Identifier: BSD-2-Clause */
/* Where partitions are, with exact figures: holes, growth, compaction, swapping. */
#include "support/test.h"

#include "unit/seg/seg_rig.h"

#define RW (PROT_MASK_R | PROT_MASK_W)
#define BASE ((uint64_t)0x40000000) /* where the programs believe they are */

static const struct seg_rig_config plain = {
    "base and bounds", SEG_BASE_BOUNDS, &seg_fit_first, 0, 100, 0, false, false};

static struct space *
program(struct seg_rig *rig, uint64_t npages, enum pgw_status expected)
{
    struct space *space;
    struct space_map_args args = {
        .va = BASE, .len = npages << PAGE_SHIFT, .prot = RW, .flags = SPACE_FIXED};
    uint64_t va;

    assert_int_equal(seg_space_create(rig->seg, &space), PGW_OK);
    enum pgw_status status = space->ops->map(space, &args, &va);
    assert_int_equal(status, expected);
    if (status == PGW_OK)
        return space;
    seg_rig_destroy(rig, space);
    return NULL;
}

static void
fill(struct seg_rig *rig, struct space *space, uint64_t npages, uint64_t key)
{
    unsigned char *bytes;

    for (uint64_t i = 0; i < npages; i++) {
        assert_int_equal(
            seg_rig_page(rig, space, BASE + (i << PAGE_SHIFT), ACCESS_WRITE, &bytes), 0);
        test_page_expect_zero(bytes);
        test_page_fill(bytes, key + i);
    }
}

static void
expect(struct seg_rig *rig, struct space *space, uint64_t npages, uint64_t key)
{
    unsigned char *bytes;

    for (uint64_t i = 0; i < npages; i++) {
        assert_int_equal(
            seg_rig_page(rig, space, BASE + (i << PAGE_SHIFT), ACCESS_READ, &bytes), 0);
        test_page_expect(bytes, key + i);
    }
}

static void
expect_partition(struct seg_rig *rig, uint64_t i, uint64_t frame, uint64_t npages, bool used)
{
    struct seg_partition partition;

    assert_true(seg_partition_at(rig->seg, i, &partition));
    assert_int_equal(partition.pfn, rig->env.mem.base_pfn + frame);
    assert_int_equal(partition.npages, npages);
    assert_int_equal(partition.used, used);
}

/* Three programs and the holes between them: the fourth does not fit although the sum of the holes
 * is enough; after compaction it fits. */
static void
test_holes_between(void **state)
{
    struct seg_rig rig;
    struct seg_stats stats;
    struct seg_rig_config config = plain;

    (void)state;
    config.no_compaction = true;
    seg_rig_init(&rig, &config);
    struct space *a = program(&rig, 20, PGW_OK);
    struct space *gap = program(&rig, 15, PGW_OK);
    struct space *b = program(&rig, 25, PGW_OK);
    struct space *gap2 = program(&rig, 10, PGW_OK);
    struct space *c = program(&rig, 20, PGW_OK);
    fill(&rig, a, 20, 1000);
    fill(&rig, b, 25, 2000);
    fill(&rig, c, 20, 3000);
    seg_rig_destroy(&rig, gap);
    seg_rig_destroy(&rig, gap2);
    /* |a 20|hole 15|b 25|hole 10|c 20|hole 10| */
    seg_stats(rig.seg, &stats);
    assert_int_equal(stats.free, 35);
    assert_int_equal(stats.holes, 3);
    assert_int_equal(stats.largest_hole, 15);
    assert_null(program(&rig, 30, PGW_NORAM));
    assert_string_equal(seg_why(rig.seg), "no hole in RAM is large enough for a segment");
    seg_stats(rig.seg, &stats);
    assert_int_equal(stats.failures, 1);
    seg_compact(rig.seg);
    seg_stats(rig.seg, &stats);
    assert_int_equal(stats.compactions, 1);
    assert_int_equal(stats.moved, 25 + 20);
    assert_int_equal(stats.holes, 1);
    assert_int_equal(stats.largest_hole, 35);
    struct space *d = program(&rig, 30, PGW_OK);
    assert_non_null(d);
    expect_partition(&rig, 0, 0, 20, true);
    expect_partition(&rig, 1, 20, 25, true);
    expect_partition(&rig, 2, 45, 20, true);
    expect_partition(&rig, 3, 65, 30, true);
    expect_partition(&rig, 4, 95, 5, false);
    expect(&rig, a, 20, 1000);
    expect(&rig, b, 25, 2000);
    expect(&rig, c, 20, 3000);
    seg_rig_destroy(&rig, a);
    seg_rig_destroy(&rig, b);
    seg_rig_destroy(&rig, c);
    seg_rig_destroy(&rig, d);
    seg_rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holes_between),
    };

    return cmocka_run_group_tests_name("seg room", tests, NULL, NULL);
}
