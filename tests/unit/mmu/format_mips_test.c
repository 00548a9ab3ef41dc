/* SPDX-License-Identifier: BSD-2-Clause */
/* The MIPS32 scheme's table against EntryLo (MIPS32 PRA, volume III), and a walk over it as the
 * refill handler makes one. */
#include "format_rig.h"

#define R_X (PROT_MASK_R | PROT_MASK_X)

/* EntryLo: PFN 25:6, C 5:3, D 2, V 1, G 0; it is the entry shifted right by 6. */
struct entrylo {
    uint64_t pfn;
    unsigned c;
    bool d, v, g;
};

static struct entrylo
entrylo(uint64_t pte)
{
    uint64_t lo = pte >> 6;
    return (struct entrylo){
        lo >> 6 & 0xfffff, lo >> 3 & 7, (lo >> 2 & 1) != 0, (lo >> 1 & 1) != 0, (lo & 1) != 0};
}

static void
test_layout(void **state)
{
    const struct mmu_format *f = &mmu_mips32;
    (void)state;
    /* PFN 31:12, C = 3, W 2, P 0 */
    assert_int_equal(mmu_pte_leaf(f, 1, 0x80123, PROT_MASK_ALL, true), 0x80123605);
    assert_int_equal(mmu_pte_leaf(f, 1, 0x80123, R_X, true), 0x80123601);
    assert_int_equal(mmu_pte_leaf(f, 1, 0x80123, R_X, false), 0x80123641); /* G */
    assert_int_equal(mmu_pte_table(f, 0, 0x80456), 0x80456001);
    assert_int_equal(mmu_bits_put(0x80123605, f->accessed, true), 0x8012368d);
    assert_int_equal(mmu_bits_put(0x80123605, f->dirty, true), 0x80123715);
    assert_int_equal(mmu_format_index(f, 0, 0x7fc03fff), 511); /* 9, 10, 12 */
    assert_int_equal(mmu_format_index(f, 1, 0x7fc03fff), 3);
    /* EntryHi's ASID is bits 7:0 */
    assert_int_equal(mmu_format_root(f, 0x80456, 0x1fe), 0x804560fe);
    assert_int_equal(mmu_format_root_pfn(f, 0x804560fe), 0x80456);
}

/* The hardware's bits follow from what the entry says: V from accessed, D from dirty. */
static void
test_entrylo(void **state)
{
    const struct mmu_format *f = &mmu_mips32;
    (void)state;
    uint64_t pte = mmu_pte_leaf(f, 1, 0x80123, PROT_MASK_ALL, true);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t now = mmu_bits_put(pte, f->accessed, (i & 1) != 0);
        struct entrylo lo = entrylo(mmu_bits_put(now, f->dirty, (i & 2) != 0));
        assert_int_equal(lo.pfn, 0x80123);
        assert_int_equal(lo.c, 3);
        assert_int_equal(lo.v, i & 1);
        assert_int_equal(lo.d, i >> 1);
        assert_false(lo.g);
    }
    assert_true(entrylo(mmu_pte_leaf(f, 1, 1, R_X, false)).g);
    /* D never outlives the right to write */
    pte = mmu_bits_put(mmu_bits_put(pte, f->accessed, true), f->dirty, true);
    pte = mmu_pte_with_prot(f, pte, R_X);
    assert_true(entrylo(pte).v && !entrylo(pte).d);
    assert_false(mmu_bits_hold(pte, f->dirty));
}

/* Every present page can be read and executed, W makes it writable; there is nothing reserved. */
static void
test_walk(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_mips32, MMU_AD_HARDWARE);
    uint64_t pte = format_rig_get(&rig, 1), after;
    for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
        assert_int_equal(format_rig_try(&rig, 1, pte, access, &after), MMU_OK);
        assert_int_equal(rig.walk.prot, PROT_MASK_ALL);
        assert_int_equal(after, access == ACCESS_WRITE ? pte | 0x198 : pte | 0x88);
        assert_int_equal(format_rig_try(&rig, 1, pte & ~4ull, access, &after),
            access == ACCESS_WRITE ? MMU_RIGHTS : MMU_OK);
        for (unsigned level = 0; level < 2; level++)
            assert_int_equal(
                format_rig_try(&rig, level, 0xfffffffe, access, NULL), MMU_NOT_PRESENT);
    }
    assert_int_equal(rig.walk.pfn, rig.pfn);
    format_rig_expect_reserved(&rig, 1, pte, 0, 0);
    format_rig_expect_reserved(&rig, 0, format_rig_get(&rig, 0), 0, 0);
    format_rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_entrylo),
        cmocka_unit_test(test_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
