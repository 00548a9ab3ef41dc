/* SPDX-License-Identifier: BSD-2-Clause */
/* The linear format: one table of 2^20 entries; see src/mmu/format_linear.c. */
#include "format_rig.h"

#define A 0x40u
#define D 0x80u

static void
test_layout(void **state)
{
    const struct mmu_format *f = &mmu_linear;
    (void)state;
    assert_int_equal(mmu_pte_leaf(f, 0, 0x80123, PROT_MASK_ALL, true), 0x8012301f);
    assert_int_equal(mmu_pte_leaf(f, 0, 0x80123, PROT_MASK_W, true), 0x80123015);
    assert_int_equal(mmu_pte_leaf(f, 0, 0x80123, PROT_MASK_NONE, false), 0x80123021);
    assert_int_equal(mmu_bits_put(0x80123013, f->accessed, true), 0x80123053);
    assert_int_equal(mmu_bits_put(0x80123013, f->dirty, true), 0x80123093);
    assert_int_equal(mmu_format_index(f, 0, 0xbfffffff), 0xbffff);
    assert_int_equal(mmu_format_table_order(f, 0), 10); /* 4 MiB */
    assert_int_equal(mmu_format_root(f, 0x80400, 9), 0x80400000);
}

/* Every entry of the table is reached, the first and the last too, in whichever frame it lies. */
static void
test_whole_table(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_linear, MMU_AD_HARDWARE);
    for (uint64_t i = 0; i < 32; i++) {
        rig.va = i == 31 ? 0xffffffffu : i * 0x08421000u;
        assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_NOT_PRESENT);
        format_rig_set(&rig, 0,
            mmu_pte_leaf(rig.format, 0, TEST_BASE_PFN + i, PROT_MASK_R | PROT_MASK_W, true));
        assert_int_equal(format_rig_walk(&rig, ACCESS_WRITE), MMU_OK);
        assert_int_equal(rig.walk.pfn, TEST_BASE_PFN + i);
        assert_int_equal(format_rig_get(&rig, 0) & (A | D), A | D);
    }
    assert_int_equal(rig.stats.walk_refs[0], 64);
    format_rig_fini(&rig);
}

/* A root so near the end of RAM that part of its table lies beyond. */
static void
test_table_beyond_ram(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_linear, MMU_AD_HARDWARE);
    rig.root = mmu_format_root(rig.format, TEST_BASE_PFN + FORMAT_RIG_FRAMES - 1, 0);
    rig.va = 1023ull << 12;
    assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_NOT_PRESENT);
    rig.va = 1024ull << 12;
    assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_BUS);
    assert_int_equal(rig.stats.walk_refs[0], 1);
    format_rig_fini(&rig);
}

/* The three rights are each on their own; bits 8 to 11 are software's. */
static void
test_rights(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_linear, MMU_AD_HARDWARE);
    for (prot_t prot = 0; prot < 8; prot++)
        for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
            uint64_t pte = mmu_pte_leaf(rig.format, 0, rig.pfn, prot, true) | 0xf00;
            bool allowed = prot_allows(prot, access);
            assert_int_equal(
                format_rig_try(&rig, 0, pte, access, NULL), allowed ? MMU_OK : MMU_RIGHTS);
            if (allowed)
                assert_int_equal(rig.walk.prot, prot);
            assert_int_equal(format_rig_try(&rig, 0, pte & ~0x10ull, access, NULL), MMU_RIGHTS);
            assert_int_equal(format_rig_try(&rig, 0, pte & ~1ull, access, NULL), MMU_NOT_PRESENT);
        }
    format_rig_expect_reserved(&rig, 0, format_rig_get(&rig, 0), 0, 0);
    assert_int_equal(
        format_rig_try(&rig, 0, format_rig_get(&rig, 0) | 0x20, ACCESS_READ, NULL), MMU_OK);
    assert_true(rig.walk.global);
    format_rig_fini(&rig);
}

static void
test_ad_fault(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_linear, MMU_AD_FAULT);
    uint64_t pte = format_rig_get(&rig, 0);
    assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_AD);
    assert_int_equal(format_rig_try(&rig, 0, pte | A, ACCESS_WRITE, NULL), MMU_AD);
    assert_int_equal(format_rig_try(&rig, 0, pte | A | D, ACCESS_WRITE, NULL), MMU_OK);
    assert_int_equal(format_rig_get(&rig, 0), pte);
    format_rig_fini(&rig);
}

/* The textbook's example: page 2 in frame 5, 9192 is 21480; page 2 in frame 0x109, 0x2150 is
 * 0x109150. */
static void
test_textbook(void **state)
{
    static const struct {
        uint64_t va, pfn, pa;
    } cases[] = {{9192, 5, 21480}, {0x2150, 0x109, 0x109150}};
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_linear, MMU_AD_HARDWARE);
    for (unsigned i = 0; i < 2; i++) {
        struct mmu_trace trace = {0};
        rig.va = cases[i].va;
        format_rig_set(&rig, 0, mmu_pte_leaf(rig.format, 0, cases[i].pfn, PROT_MASK_R, true));
        assert_int_equal(rig.walker->ops->walk(rig.walker, rig.root, 0, rig.va, ACCESS_READ,
                             MMU_WALK_PEEK, NULL, &rig.walk, &trace),
            MMU_OK);
        assert_int_equal(trace.step[0].idx, 2);
        assert_int_equal(trace.pa, cases[i].pa);
    }
    format_rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_whole_table),
        cmocka_unit_test(test_table_beyond_ram),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_ad_fault),
        cmocka_unit_test(test_textbook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
