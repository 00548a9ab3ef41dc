/* SPDX-License-Identifier: BSD-2-Clause */
/* The Armv8-A format against the Arm ARM (DDI 0487, chapter D8, VMSAv8-64), and the walker's
 * dealing with it. */
#include "format_rig.h"

#define AP1 bits(6, 6)
#define AP2 bits(7, 7)
#define AF bits(10, 10)
#define NG bits(11, 11)
#define DBM bits(51, 51)
#define PXN bits(53, 53)
#define UXN bits(54, 54)
#define PXNTABLE bits(59, 59)
#define UXNTABLE bits(60, 60)
#define APTABLE0 bits(61, 61)
#define APTABLE1 bits(62, 62)
#define R_X (PROT_MASK_R | PROT_MASK_X)
#define R_W (PROT_MASK_R | PROT_MASK_W)

/* Descriptors, bit by bit; inner shareable, PXN, and the user's: nG. */
static void
test_layout(void **state)
{
    const struct mmu_format *f = &mmu_armv8;
    const uint64_t frame = 0xfffff1234, at = frame << 12;
    const uint64_t common = 3ull << 8 | PXN | NG | AP1 | AP2;
    (void)state;
    assert_true(mmu_pte_leaf(f, 3, frame, PROT_MASK_ALL, true) == (at | 3 | common | DBM));
    assert_true(mmu_pte_leaf(f, 3, frame, R_X, true) == (at | 3 | common));
    assert_true(mmu_pte_leaf(f, 3, frame, PROT_MASK_R, true) == (at | 3 | common | UXN));
    assert_true(
        mmu_pte_leaf(f, 3, frame, R_W, false) == (at | 3 | (common & ~(NG | AP1)) | DBM | UXN));
    /* blocks: 01 */
    assert_true(mmu_pte_leaf(f, 2, 0x80200, R_X, true) == (0x80200000 | 1 | common));
    assert_true(mmu_pte_leaf(f, 1, 0x80000, R_X, true) == (0x80000000 | 1 | common));
    for (unsigned level = 0; level < 3; level++)
        assert_true(mmu_pte_table(f, level, frame) == (at | 3));
    uint64_t pte = mmu_pte_leaf(f, 3, frame, PROT_MASK_ALL, true);
    assert_true(mmu_bits_put(pte, f->accessed, true) == (pte | AF));
    assert_true(mmu_bits_put(pte, f->dirty, true) == (pte & ~AP2));
    /* TTBR0_EL1: ASID 63:48, BADDR 47:12, CnP bit 0 */
    assert_true(mmu_format_root(f, frame, 0xabcd) == (0xabcdull << 48 | at));
    assert_true(mmu_format_root_pfn(f, 0xabcdull << 48 | at | 1) == frame);
    uint64_t va = 0x102ull << 39 | 0x103ull << 30 | 0x104ull << 21 | 5u << 12;
    for (unsigned level = 0; level < 4; level++)
        assert_int_equal(mmu_format_index(f, level, va), level == 3 ? 5 : 0x102 + level);
}

/* Types 00 and 10 are invalid, and so is 01 where there are no blocks: levels 0 and 3. */
static void
test_types(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_armv8, MMU_AD_HARDWARE);
    for (unsigned level = 0; level < 4; level++) {
        uint64_t pte = format_rig_get(&rig, level) & ~3ull;
        assert_int_equal(format_rig_try(&rig, level, 0, ACCESS_READ, NULL), MMU_NOT_PRESENT);
        assert_int_equal(format_rig_try(&rig, level, ~1ull, ACCESS_READ, NULL), MMU_NOT_PRESENT);
        assert_int_equal(format_rig_try(&rig, level, pte | 2, ACCESS_READ, NULL), MMU_NOT_PRESENT);
        assert_int_equal(format_rig_try(&rig, level, pte | 3, ACCESS_READ, NULL), MMU_OK);
        if (level == 0 || level == 3)
            assert_int_equal(
                format_rig_try(&rig, level, pte | 1, ACCESS_READ, NULL), MMU_NOT_PRESENT);
    }
    format_rig_fini(&rig);
}

/* Pages and blocks of 2 MiB and 1 GiB; RES0 bits, those of the frame in a block included, are not
 * looked at. */
static void
test_sizes(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_armv8, MMU_AD_HARDWARE);
    for (unsigned level = 1; level < 4; level++) {
        unsigned order = mmu_format_order(&mmu_armv8, level);
        uint64_t pfn = level == 3 ? rig.pfn : TEST_BASE_PFN;
        uint64_t pte = mmu_pte_leaf(&mmu_armv8, level, pfn, PROT_MASK_ALL, true);
        uint64_t res0 = bits(50, 48) | (level == 3 ? 0 : bits(12 + order - 1, 12));
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(format_rig_try(&rig, level, pte, ACCESS_READ, NULL), MMU_OK);
            assert_int_equal(rig.walk.order, order);
            assert_int_equal(rig.walk.pfn, pfn + (rig.va >> 12 & ((1ull << order) - 1)));
            pte |= res0;
        }
        format_rig_expect_reserved(&rig, level, pte, 0, 3);
    }
    for (unsigned level = 0; level < 3; level++)
        format_rig_expect_reserved(&rig, level, format_rig_get(&rig, level), 0, 3 | bits(47, 12));
    format_rig_fini(&rig);
}

/* AP[1] for EL0 at all, UXN for fetches; writing below. */
static void
test_rights(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_armv8, MMU_AD_HARDWARE);
    for (unsigned level = 1; level < 4; level++)
        for (prot_t prot = 0; prot < 8; prot++) {
            if (mmu_armv8.prot_given[prot] != prot)
                continue;
            uint64_t pfn = level == 3 ? rig.pfn : TEST_BASE_PFN, after;
            uint64_t pte = mmu_pte_leaf(&mmu_armv8, level, pfn, prot, true);
            for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
                bool allowed = prot_allows(prot, access);
                assert_int_equal(format_rig_try(&rig, level, pte, access, &after),
                    allowed ? MMU_OK : MMU_RIGHTS);
                uint64_t want = access == ACCESS_WRITE ? (pte | AF) & ~AP2 : pte | AF;
                assert_true(after == (allowed ? want : pte));
                assert_int_equal(
                    format_rig_try(&rig, level, pte & ~AP1, access, &after), MMU_RIGHTS);
                assert_true(after == (pte & ~AP1));
            }
        }
    format_rig_fini(&rig);
}

/* APTable and UXNTable take rights away from everything below; PXNTable is the kernel's affair. */
static void
test_table_rights(void **state)
{
    const uint64_t bit[4] = {APTABLE0, APTABLE1, UXNTABLE, PXNTABLE};
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_armv8, MMU_AD_HARDWARE);
    for (unsigned level = 0; level < 3; level++)
        for (unsigned what = 0; what < 4; what++)
            for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
                uint64_t pte = format_rig_get(&rig, level) | bit[what];
                bool denied = what == 0 || what == (unsigned)access;
                assert_int_equal(
                    format_rig_try(&rig, level, pte, access, NULL), denied ? MMU_RIGHTS : MMU_OK);
                if (!denied)
                    assert_int_equal(rig.walk.prot, what == 3 ? 7u : PROT_MASK_ALL & ~(1u << what));
            }
    /* they add up */
    format_rig_set(&rig, 0, format_rig_get(&rig, 0) | UXNTABLE);
    format_rig_set(&rig, 2, format_rig_get(&rig, 2) | APTABLE1);
    assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_OK);
    assert_int_equal(rig.walk.prot, PROT_MASK_R);
    assert_int_equal(rig.stats.ad_updates, 2); /* AF and AP[2] of the page, none for a table */
    format_rig_fini(&rig);
}

/* FEAT_HAFDBS: DBM with AP[2] is writable and clean, and a write clears AP[2]. */
static void
test_dirty(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_armv8, MMU_AD_HARDWARE);
    uint64_t clean = format_rig_get(&rig, 3);
    assert_true((clean & (DBM | AP2 | AF)) == (DBM | AP2));
    assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_OK);
    assert_true(format_rig_get(&rig, 3) == (clean | AF));
    assert_false(rig.walk.dirty);
    assert_int_equal(rig.walk.prot, PROT_MASK_ALL);
    assert_int_equal(format_rig_walk(&rig, ACCESS_WRITE), MMU_OK);
    assert_true(format_rig_get(&rig, 3) == ((clean | AF) & ~AP2));
    assert_true(rig.walk.dirty);
    assert_int_equal(format_rig_walk(&rig, ACCESS_WRITE), MMU_OK);
    assert_int_equal(rig.stats.ad_updates, 2);
    /* neither: writable for good; AP[2] alone: read-only */
    uint64_t plain = (clean | AF) & ~(DBM | AP2);
    assert_int_equal(format_rig_try(&rig, 3, plain, ACCESS_WRITE, NULL), MMU_OK);
    assert_true(rig.walk.dirty);
    assert_int_equal(rig.walk.prot, PROT_MASK_ALL);
    assert_int_equal(format_rig_try(&rig, 3, plain | AP2, ACCESS_WRITE, NULL), MMU_RIGHTS);
    assert_int_equal(format_rig_try(&rig, 3, plain | AP2, ACCESS_READ, NULL), MMU_OK);
    assert_int_equal(rig.walk.prot, R_X);
    assert_int_equal(rig.stats.ad_updates, 2);
    format_rig_fini(&rig);
}

/* Taking the right to write away from a dirty page leaves no page that can be written. */
static void
test_write_protect(void **state)
{
    (void)state;
    uint64_t pte = mmu_pte_leaf(&mmu_armv8, 3, TEST_BASE_PFN, PROT_MASK_ALL, true);
    pte = mmu_bits_put(pte, mmu_armv8.dirty, true);
    assert_true((pte & (DBM | AP2)) == DBM);
    pte = mmu_pte_with_prot(&mmu_armv8, pte, R_X);
    assert_true((pte & (DBM | AP2)) == AP2);
    assert_int_equal(mmu_pte_prot(&mmu_armv8, pte), R_X);
    assert_false(mmu_bits_hold(pte, mmu_armv8.dirty));
}

/* Without FEAT_HAFDBS the access flag and the dirty state are left to software. */
static void
test_ad_fault(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_armv8, MMU_AD_FAULT);
    uint64_t clean = format_rig_get(&rig, 3);
    assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_AD);
    assert_int_equal(format_rig_try(&rig, 3, clean | AF, ACCESS_READ, NULL), MMU_OK);
    assert_int_equal(format_rig_try(&rig, 3, clean | AF, ACCESS_WRITE, NULL), MMU_AD);
    assert_int_equal(format_rig_try(&rig, 3, (clean | AF) & ~AP2, ACCESS_WRITE, NULL), MMU_OK);
    /* the access flag comes before permission (prioritization of faults from one stage), DBM after
     */
    assert_int_equal(format_rig_try(&rig, 3, clean & ~DBM, ACCESS_WRITE, NULL), MMU_AD);
    assert_int_equal(format_rig_try(&rig, 3, (clean | AF) & ~DBM, ACCESS_WRITE, NULL), MMU_RIGHTS);
    assert_true(format_rig_get(&rig, 3) == clean);
    assert_int_equal(rig.stats.ad_faults, 3);
    format_rig_fini(&rig);
}

/* nG clear is global, in a page or block; bit 11 of a table is ignored. */
static void
test_global(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_armv8, MMU_AD_HARDWARE);
    assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_OK);
    assert_false(rig.walk.global);
    uint64_t pte = format_rig_get(&rig, 3);
    assert_int_equal(format_rig_try(&rig, 3, pte & ~NG, ACCESS_READ, NULL), MMU_OK);
    assert_true(rig.walk.global);
    format_rig_fini(&rig);
}

/* TTBR0's addresses: the top 16 bits are zero. */
static void
test_canonical(void **state)
{
    (void)state;
    assert_true(mmu_format_canonical(&mmu_armv8, 0x0000ffffffffffff));
    assert_false(mmu_format_canonical(&mmu_armv8, 0x0001000000000000));
    assert_false(mmu_format_canonical(&mmu_armv8, 0xffff000000000000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_table_rights),
        cmocka_unit_test(test_dirty),
        cmocka_unit_test(test_write_protect),
        cmocka_unit_test(test_ad_fault),
        cmocka_unit_test(test_global),
        cmocka_unit_test(test_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
