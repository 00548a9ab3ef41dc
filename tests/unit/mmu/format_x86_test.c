/* SPDX-License-Identifier: BSD-2-Clause */
/* The x86 formats against the tables of the Intel SDM, volume 3A, chapter 4, and the walker's
 * dealing with them. */
#include "format_rig.h"

#define P bits(0, 0)
#define RW bits(1, 1)
#define US bits(2, 2)
#define A bits(5, 5)
#define D bits(6, 6)
#define PS bits(7, 7)
#define G bits(8, 8)
#define XD bits(63, 63)
#define R_X (PROT_MASK_R | PROT_MASK_X)
#define R_W (PROT_MASK_R | PROT_MASK_W)

static const struct mmu_format *const x86_rows[] = {
    &mmu_x86, &mmu_pae, &mmu_x86_64, &mmu_la57, NULL};

static bool
has_xd(const struct mmu_format *format)
{
    return format != &mmu_x86;
}

/* Level 0 of PAE has neither rights nor A. */
static bool
is_pdpte(const struct mmu_format *format, unsigned level)
{
    return format == &mmu_pae && level == 0;
}

/* Tables 4-4 to 4-6: the entries of 32-bit paging. */
static void
test_layout_32(void **state)
{
    const struct mmu_format *f = &mmu_x86;
    (void)state;
    /* frame 0x80123 in bits 31:12; P, R/W, U/S */
    assert_int_equal(mmu_pte_leaf(f, 1, 0x80123, PROT_MASK_ALL, true), 0x80123007);
    assert_int_equal(mmu_pte_leaf(f, 1, 0x80123, R_X, true), 0x80123005);
    assert_int_equal(mmu_pte_leaf(f, 1, 0x80123, PROT_MASK_ALL, false), 0x80123103); /* G */
    assert_int_equal(mmu_pte_table(f, 0, 0x80456), 0x80456007);
    /* 4 MiB: bits 31:22, PS */
    assert_int_equal(mmu_pte_leaf(f, 0, 0x80400, PROT_MASK_ALL, true), 0x80400087);
    assert_int_equal(mmu_pte_leaf_pfn(f, 0, 0x80401087), 0x80400); /* bit 12 is PAT */
    uint64_t pte = 0x80123007;
    assert_int_equal(mmu_bits_put(pte, f->accessed, true), 0x80123027);
    assert_int_equal(mmu_bits_put(pte, f->dirty, true), 0x80123047);
    assert_int_equal(mmu_format_root(f, 0x80999, 5), 0x80999000);  /* table 4-3: no tag */
    assert_int_equal(mmu_format_root_pfn(f, 0x80999018), 0x80999); /* PWT and PCD */
    /* the linear address is cut 10, 10, 12 (figure 4-2) */
    assert_int_equal(mmu_format_index(f, 0, 0xbfc03fff), 0x2ff);
    assert_int_equal(mmu_format_index(f, 1, 0xbfc03fff), 3);
}

/* Tables 4-7 to 4-11: PAE. */
static void
test_layout_pae(void **state)
{
    const struct mmu_format *f = &mmu_pae;
    (void)state;
    assert_int_equal(mmu_pte_table(f, 0, 0xf80456), 0xf80456001);
    assert_int_equal(mmu_pte_table(f, 1, 0xf80456), 0xf80456007);
    assert_true(mmu_pte_leaf(f, 2, 0xf80123, R_W, true) == (0xf80123007 | XD));
    assert_int_equal(mmu_pte_leaf(f, 2, 0xf80123, R_X, true), 0xf80123005);
    assert_int_equal(mmu_pte_leaf(f, 1, 0xf80200, PROT_MASK_ALL, true), 0xf80200087);
    assert_int_equal(mmu_format_index(f, 0, 0xbfe03fff), 2); /* 2, 9, 9, 12 (figure 4-5) */
    assert_int_equal(mmu_format_index(f, 1, 0xbfe03fff), 0x1ff);
    assert_int_equal(mmu_format_index(f, 2, 0xbfe03fff), 3);
    assert_int_equal(mmu_format_table_order(f, 0), 0); /* 32 bytes, in a frame of their own */
}

/* Tables 4-13 to 4-20: 4- and 5-level paging. */
static void
test_layout_long(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        const struct mmu_format *f = i == 0 ? &mmu_x86_64 : &mmu_la57;
        unsigned last = f->levels - 1;
        for (unsigned level = 0; level < last; level++)
            assert_true(mmu_pte_table(f, level, 0x3ffff1234) == 0x3ffff1234007);
        assert_true(mmu_pte_leaf(f, last, 0x3ffff1234, R_W, true) == (0x3ffff1234007 | XD));
        assert_true(mmu_pte_leaf(f, last, 0x3ffff1234, R_X, false) == 0x3ffff1234101);
        assert_true(mmu_pte_leaf(f, last - 1, 0x3ffff1200, R_X, true) == 0x3ffff1200085);
        assert_true(mmu_pte_leaf(f, last - 2, 0x3fffc0000, R_X, true) == 0x3fffc0000085);
        /* table 4-13: PCID in bits 11:0 */
        assert_true(mmu_format_root(f, 0x3ffff1234, 0xabc) == 0x3ffff1234abc);
        assert_true(mmu_format_root_pfn(f, 0x3ffff1234abc) == 0x3ffff1234);
        /* 9 bits a level (figure 4-8), 47:39 ... 20:12 */
        uint64_t va = 0x101ull << 48 | 0x102ull << 39 | 0x103ull << 30 | 0x104ull << 21 | 5u << 12;
        for (unsigned level = 0; level < f->levels; level++)
            assert_int_equal(
                mmu_format_index(f, level, va), level == last ? 5 : 0x104 + level + 1 - last);
    }
}

/* P clear at each level: not present, whatever else is set. */
static void
test_not_present(void **state)
{
    (void)state;
    for (unsigned i = 0; x86_rows[i] != NULL; i++) {
        struct format_rig rig;
        format_rig_init(&rig, x86_rows[i], MMU_AD_HARDWARE);
        for (unsigned level = 0; level < rig.format->levels; level++) {
            uint64_t after;
            assert_int_equal(format_rig_try(&rig, level, 0, ACCESS_READ, NULL), MMU_NOT_PRESENT);
            assert_int_equal(format_rig_try(&rig, level, ~P, ACCESS_READ, &after), MMU_NOT_PRESENT);
            assert_true(after == (rig.format->pte_bytes == 4 ? 0xfffffffe : ~P));
        }
        format_rig_fini(&rig);
    }
}

/* Reserved bits, one by one (sections 4.3, 4.4.2 and 4.5). */
static void
test_reserved(void **state)
{
    (void)state;
    for (unsigned i = 0; x86_rows[i] != NULL; i++) {
        const struct mmu_format *f = x86_rows[i];
        struct format_rig rig;
        format_rig_init(&rig, f, MMU_AD_HARDWARE);
        uint64_t high = f == &mmu_x86 ? 0 : f == &mmu_pae ? bits(62, 36) : bits(51, 46);
        for (unsigned level = 0; level < f->levels; level++) {
            const struct mmu_level *l = &f->level[level];
            uint64_t table_high =
                is_pdpte(f, level) ? bits(63, 36) | bits(8, 5) | bits(2, 1) : high;
            if (l->shift > 30)
                table_high |= PS;
            uint64_t frame = f == &mmu_x86   ? bits(31, 12)
                             : f == &mmu_pae ? bits(35, 12)
                                             : bits(45, 12);
            uint64_t skip = P | frame;
            if (l->shift <= 30 && !is_pdpte(f, level))
                skip |= PS;
            if (level + 1 < f->levels)
                format_rig_expect_reserved(
                    &rig, level, format_rig_get(&rig, level), table_high, skip);
            else
                format_rig_expect_reserved(&rig, level, format_rig_get(&rig, level), high, P);
            if (!l->leaf || level + 1 == f->levels)
                continue;
            uint64_t large = mmu_pte_leaf(f, level, TEST_BASE_PFN, PROT_MASK_ALL, true);
            format_rig_expect_reserved(&rig, level, large, high | bits(l->shift - 1, 13), P | PS);
        }
        format_rig_fini(&rig);
    }
}

/* Section 4.6.1: reading wants U/S, writing R/W too, fetching no XD, in every entry. */
static void
test_rights(void **state)
{
    (void)state;
    for (unsigned i = 0; x86_rows[i] != NULL; i++) {
        struct format_rig rig;
        format_rig_init(&rig, x86_rows[i], MMU_AD_HARDWARE);
        const uint64_t clear[3] = {US, RW, 0}, set[3] = {0, 0, XD};
        for (unsigned level = 0; level < rig.format->levels; level++)
            for (unsigned what = 0; what < 3; what++) {
                if (is_pdpte(rig.format, level) || (what == 2 && !has_xd(rig.format)))
                    continue;
                uint64_t pte = (format_rig_get(&rig, level) & ~clear[what]) | set[what];
                for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
                    bool denied = what == 0 || what == (unsigned)access;
                    assert_int_equal(format_rig_try(&rig, level, pte, access, NULL),
                        denied ? MMU_RIGHTS : MMU_OK);
                    if (!denied)
                        assert_int_equal(rig.walk.prot, PROT_MASK_ALL & ~(1u << what));
                }
            }
        format_rig_fini(&rig);
    }
}

/* Rights of different levels add up in what they take away. */
static void
test_rights_together(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_la57, MMU_AD_HARDWARE);
    format_rig_set(&rig, 0, format_rig_get(&rig, 0) & ~RW);
    assert_int_equal(
        format_rig_try(&rig, 2, format_rig_get(&rig, 2) | XD, ACCESS_READ, NULL), MMU_OK);
    assert_int_equal(rig.walk.prot, PROT_MASK_R);
    /* at a 1 GiB page, too */
    uint64_t large = mmu_pte_leaf(rig.format, 2, TEST_BASE_PFN, R_X, true);
    format_rig_set(&rig, 0, format_rig_get(&rig, 0) | XD);
    assert_int_equal(format_rig_try(&rig, 2, large, ACCESS_EXEC, NULL), MMU_RIGHTS);
    assert_int_equal(format_rig_try(&rig, 2, large, ACCESS_READ, NULL), MMU_OK);
    assert_int_equal(rig.walk.prot, PROT_MASK_R);
    format_rig_fini(&rig);
}

/* Section 4.8: A in every entry that is used, D in the one that maps the page. */
static void
test_accessed_dirty(void **state)
{
    (void)state;
    for (unsigned i = 0; x86_rows[i] != NULL; i++) {
        struct format_rig rig;
        format_rig_init(&rig, x86_rows[i], MMU_AD_HARDWARE);
        unsigned last = rig.format->levels - 1;
        assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_OK);
        assert_false(rig.walk.dirty);
        for (unsigned level = 0; level <= last; level++)
            assert_int_equal(
                format_rig_get(&rig, level) & (A | D), is_pdpte(rig.format, level) ? 0 : A);
        assert_int_equal(format_rig_walk(&rig, ACCESS_EXEC), MMU_OK);
        assert_int_equal(rig.stats.ad_updates, 1); /* all of them were one walk's */
        assert_int_equal(format_rig_walk(&rig, ACCESS_WRITE), MMU_OK);
        assert_true(rig.walk.dirty);
        for (unsigned level = 0; level < last; level++)
            assert_int_equal(format_rig_get(&rig, level) & D, 0);
        assert_int_equal(format_rig_get(&rig, last) & (A | D), A | D);
        assert_int_equal(rig.stats.ad_updates, 2);
        format_rig_fini(&rig);
    }
}

/* An entry is used, and marked, even if the walk faults below it; the one that faults is not. */
static void
test_accessed_on_fault(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_x86_64, MMU_AD_HARDWARE);
    uint64_t leaf = format_rig_get(&rig, 3), after;
    assert_int_equal(format_rig_try(&rig, 2, 0, ACCESS_READ, NULL), MMU_NOT_PRESENT);
    assert_int_equal(format_rig_get(&rig, 0) & A, A);
    assert_int_equal(format_rig_get(&rig, 1) & A, A);
    assert_int_equal(format_rig_get(&rig, 2) & A, 0);
    assert_int_equal(format_rig_try(&rig, 3, leaf & ~RW, ACCESS_WRITE, &after), MMU_RIGHTS);
    assert_true(after == (leaf & ~RW));
    assert_int_equal(format_rig_get(&rig, 2) & A, A);
    assert_int_equal(rig.stats.ad_updates, 2);
    format_rig_fini(&rig);
}

/* A prefetch marks nothing, and so does not come through tables that are not marked. */
static void
test_prefetch(void **state)
{
    (void)state;
    struct format_rig rig;
    format_rig_init(&rig, &mmu_x86_64, MMU_AD_HARDWARE);
    format_rig_set(&rig, 3, format_rig_get(&rig, 3) | A);
    for (unsigned marked = 0; marked <= 3; marked++) {
        assert_int_equal(rig.walker->ops->walk(rig.walker, rig.root, 0, rig.va, ACCESS_READ,
                             MMU_WALK_PREFETCH, &rig.stats, &rig.walk, NULL),
            marked == 3 ? MMU_OK : MMU_AD);
        assert_int_equal(format_rig_get(&rig, marked) & A, marked == 3 ? A : 0);
        format_rig_set(&rig, marked, format_rig_get(&rig, marked) | A);
    }
    assert_int_equal(rig.stats.ad_updates + rig.stats.ad_faults, 0);
    format_rig_fini(&rig);
}

/* Pages of each size; G counts in the entry that maps the page only. */
static void
test_sizes_and_global(void **state)
{
    (void)state;
    for (unsigned i = 0; x86_rows[i] != NULL; i++) {
        struct format_rig rig;
        format_rig_init(&rig, x86_rows[i], MMU_AD_HARDWARE);
        const struct mmu_format *f = rig.format;
        for (unsigned level = 0; level + 1 < f->levels; level++) {
            format_rig_set(&rig, level, format_rig_get(&rig, level) | (is_pdpte(f, level) ? 0 : G));
            if (!f->level[level].leaf)
                continue;
            unsigned order = mmu_format_order(f, level);
            uint64_t pte = mmu_pte_leaf(f, level, TEST_BASE_PFN, PROT_MASK_ALL, true);
            assert_int_equal(format_rig_try(&rig, level, pte, ACCESS_WRITE, NULL), MMU_OK);
            assert_int_equal(rig.walk.order, order);
            assert_int_equal(rig.walk.pfn, TEST_BASE_PFN + (rig.va >> 12 & ((1ull << order) - 1)));
            assert_false(rig.walk.global);
            assert_int_equal(format_rig_try(&rig, level, pte | G, ACCESS_WRITE, NULL), MMU_OK);
            assert_true(rig.walk.global);
        }
        assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_OK);
        assert_int_equal(rig.walk.pfn, rig.pfn);
        assert_int_equal(rig.walk.order, 0);
        assert_false(rig.walk.global);
        format_rig_fini(&rig);
    }
}

/* Section 3.3.7.1: bits 63:47, or 63:56, are all equal in a canonical address. */
static void
test_canonical(void **state)
{
    (void)state;
    assert_true(mmu_format_canonical(&mmu_x86_64, 0x00007fffffffffff));
    assert_false(mmu_format_canonical(&mmu_x86_64, 0x0000800000000000));
    assert_false(mmu_format_canonical(&mmu_x86_64, 0xffff7fffffffffff));
    assert_true(mmu_format_canonical(&mmu_x86_64, 0xffff800000000000));
    assert_true(mmu_format_canonical(&mmu_la57, 0x00ffffffffffffff));
    assert_false(mmu_format_canonical(&mmu_la57, 0x0100000000000000));
    assert_false(mmu_format_canonical(&mmu_la57, 0xfeffffffffffffff));
    assert_true(mmu_format_canonical(&mmu_la57, 0xff00000000000000));
    for (unsigned i = 0; i < 2; i++) {
        assert_true(mmu_format_canonical(x86_rows[i], 0xffffffff));
        assert_false(mmu_format_canonical(x86_rows[i], 0x100000000));
        assert_false(mmu_format_canonical(x86_rows[i], UINT64_MAX));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_32),
        cmocka_unit_test(test_layout_pae),
        cmocka_unit_test(test_layout_long),
        cmocka_unit_test(test_not_present),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_rights_together),
        cmocka_unit_test(test_accessed_dirty),
        cmocka_unit_test(test_accessed_on_fault),
        cmocka_unit_test(test_prefetch),
        cmocka_unit_test(test_sizes_and_global),
        cmocka_unit_test(test_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
