/* SPDX-License-Identifier: BSD-2-Clause */
/* The RISC-V formats against the privileged specification (20211203, sections 4.3 to 4.6 and
 * chapter 5).  Sv39's walk rule by rule is walker_test. */
#include "format_rig.h"

#define V bits(0, 0)
#define R bits(1, 1)
#define W bits(2, 2)
#define X bits(3, 3)
#define U bits(4, 4)
#define G bits(5, 5)
#define A bits(6, 6)
#define D bits(7, 7)
#define N bits(63, 63)

static const struct mmu_format *const riscv_rows[] = {
    &mmu_sv32, &mmu_sv39, &mmu_sv48, &mmu_sv57, NULL};

static bool
is_wide(const struct mmu_format *format)
{
    return format != &mmu_sv32;
}

/* The first frame of a leaf of this level that reaches the rig's address in RAM. */
static uint64_t
leaf_pfn(const struct mmu_format *format, unsigned level)
{
    return mmu_format_order(format, level) <= 18 ? TEST_BASE_PFN : 0;
}

/* Section 4.3.1: Sv32 addresses, 10, 10, 12; physical addresses of 34 bits; its entry. */
static void
test_layout_sv32(void **state)
{
    const struct mmu_format *f = &mmu_sv32;
    (void)state;
    /* PPN 0x3fffff in bits 31:10; V, R, W, X, U */
    assert_int_equal(mmu_pte_leaf(f, 1, 0x3fffff, PROT_MASK_ALL, true), 0xfffffc1f);
    assert_int_equal(mmu_pte_leaf(f, 1, 0x80123, PROT_MASK_R, false), 0x20048c23); /* G */
    assert_int_equal(mmu_pte_leaf(f, 0, 0x80400, PROT_MASK_R | PROT_MASK_X, true), 0x2010001b);
    assert_int_equal(mmu_pte_table(f, 0, 0x80456), 0x20115801);
    assert_int_equal(mmu_pte_table_pfn(f, 0xffffffff), 0x3fffff);
    assert_int_equal(mmu_format_index(f, 0, 0xbfc03fff), 0x2ff);
    assert_int_equal(mmu_format_index(f, 1, 0xbfc03fff), 3);
    /* satp (section 4.1.11): MODE 31, ASID 30:22, PPN 21:0 */
    assert_int_equal(mmu_format_root(f, 0x3abcde, 0x1ff), 0xfffabcde);
    assert_int_equal(mmu_format_root(f, 0x80456, 1), 0x80480456);
    assert_int_equal(mmu_format_root_pfn(f, 0x80480456), 0x80456);
}

/* Sections 4.4.1, 4.5.1 and 4.6.1: the wide entries; satp (section 4.1.11). */
static void
test_layout_wide(void **state)
{
    static const uint64_t mode[4] = {0, 8, 9, 10};
    (void)state;
    for (unsigned i = 1; i < 4; i++) {
        const struct mmu_format *f = riscv_rows[i];
        unsigned last = f->levels - 1;
        /* PPN in bits 53:10 */
        assert_true(
            mmu_pte_leaf(f, last, (1ull << 44) - 1, PROT_MASK_ALL, true) == 0x003ffffffffffc1f);
        assert_int_equal(mmu_pte_leaf(f, last, 0x80123, PROT_MASK_X, false), 0x20048c29);
        assert_int_equal(mmu_pte_leaf(f, last - 1, 0x80200, PROT_MASK_R, true), 0x20080013);
        assert_int_equal(mmu_bits_put(0x20048c13, f->accessed, true), 0x20048c53);
        assert_int_equal(mmu_bits_put(0x20048c13, f->dirty, true), 0x20048c93);
        for (unsigned level = 0; level < last; level++)
            assert_int_equal(mmu_pte_table(f, level, 0x80456), 0x20115801);
        /* MODE 63:60, ASID 59:44, PPN 43:0 */
        assert_true(
            mmu_format_root(f, 0x80456, 0xabcd) == (mode[i] << 60 | 0xabcdull << 44 | 0x80456));
        uint64_t va = 0x101ull << 48 | 0x102ull << 39 | 0x103ull << 30 | 0x104ull << 21 | 5u << 12;
        for (unsigned level = 0; level < f->levels; level++)
            assert_int_equal(
                mmu_format_index(f, level, va), level == last ? 5 : 0x104 + level + 1 - last);
    }
}

/* Section 4.3.2, step 3: V clear, or W without R. */
static void
test_not_present(void **state)
{
    (void)state;
    for (unsigned i = 0; riscv_rows[i] != NULL; i++) {
        struct format_rig rig;
        format_rig_init(&rig, riscv_rows[i], MMU_AD_HARDWARE);
        for (unsigned level = 0; level < rig.format->levels; level++) {
            assert_int_equal(format_rig_try(&rig, level, 0, ACCESS_READ, NULL), MMU_NOT_PRESENT);
            assert_int_equal(format_rig_try(&rig, level, ~V, ACCESS_READ, NULL), MMU_NOT_PRESENT);
            uint64_t pte =
                mmu_pte_leaf(rig.format, level, leaf_pfn(rig.format, level), PROT_MASK_ALL, true);
            assert_int_equal(
                format_rig_try(&rig, level, pte & ~R, ACCESS_READ, NULL), MMU_MALFORMED);
            assert_int_equal(
                format_rig_try(&rig, level, pte & ~(R | X), ACCESS_WRITE, NULL), MMU_MALFORMED);
        }
        format_rig_fini(&rig);
    }
}

/* Bits 54 to 62 always; 63 but for Svnapot; A, D and U of tables; low PPN bits of superpages. */
static void
test_reserved(void **state)
{
    (void)state;
    for (unsigned i = 0; riscv_rows[i] != NULL; i++) {
        const struct mmu_format *f = riscv_rows[i];
        struct format_rig rig;
        format_rig_init(&rig, f, MMU_AD_HARDWARE);
        uint64_t high = is_wide(f) ? bits(63, 54) : 0,
                 ppn = is_wide(f) ? bits(53, 10) : bits(31, 10);
        for (unsigned level = 0; level < f->levels; level++) {
            unsigned order = mmu_format_order(f, level);
            if (f->level[level].table) /* with R, W or X it is no table */
                format_rig_expect_reserved(&rig, level, format_rig_get(&rig, level),
                    high | A | D | U, V | R | W | X | ppn);
            uint64_t pte =
                mmu_pte_leaf(f, level, leaf_pfn(f, level), PROT_MASK_R | PROT_MASK_X, true);
            uint64_t below = order > 0 ? bits(10 + order - 1, 10) : 0;
            /* the rig's page does not end in 1000, so N is wrong at the last level, too */
            format_rig_expect_reserved(&rig, level, pte, high | below, V | R | W);
        }
        /* no table below the last level */
        uint64_t pte = mmu_pte_table(f, 0, rig.pfn);
        assert_int_equal(
            format_rig_try(&rig, f->levels - 1, pte, ACCESS_READ, NULL), MMU_MALFORMED);
        format_rig_fini(&rig);
    }
}

/* Each level's leaves map their size; U and the right must be there. */
static void
test_sizes_and_rights(void **state)
{
    (void)state;
    for (unsigned i = 0; riscv_rows[i] != NULL; i++) {
        const struct mmu_format *f = riscv_rows[i];
        struct format_rig rig;
        format_rig_init(&rig, f, MMU_AD_HARDWARE);
        for (unsigned level = 0; level < f->levels; level++)
            for (prot_t prot = 1; prot < 8; prot++) {
                unsigned order = mmu_format_order(f, level);
                uint64_t pfn = order == 0 ? rig.pfn : leaf_pfn(f, level), after;
                if (f->prot_given[prot] != prot)
                    continue;
                uint64_t pte = mmu_pte_leaf(f, level, pfn, prot, true);
                uint64_t within = rig.va >> 12 & ((1ull << order) - 1);
                for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
                    bool allowed = prot_allows(prot, access);
                    assert_int_equal(format_rig_try(&rig, level, pte, access, &after),
                        allowed ? MMU_OK : MMU_RIGHTS);
                    uint64_t set = access == ACCESS_WRITE ? A | D : A;
                    assert_true(after == (allowed ? pte | set : pte));
                    assert_int_equal(
                        format_rig_try(&rig, level, pte & ~U, access, &after), MMU_RIGHTS);
                    assert_true(after == (pte & ~U));
                    if (!allowed)
                        continue;
                    assert_int_equal(rig.walk.order, order);
                    assert_true(rig.walk.pfn == pfn + within);
                    assert_int_equal(rig.walk.prot, prot);
                }
            }
        format_rig_fini(&rig);
    }
}

/* Section 4.3.1: G in a table makes all below it global. */
static void
test_global(void **state)
{
    (void)state;
    for (unsigned i = 0; riscv_rows[i] != NULL; i++) {
        struct format_rig rig;
        format_rig_init(&rig, riscv_rows[i], MMU_AD_HARDWARE);
        assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_OK);
        assert_false(rig.walk.global);
        for (unsigned level = 0; level < rig.format->levels; level++) {
            uint64_t pte = format_rig_get(&rig, level) | G;
            assert_int_equal(format_rig_try(&rig, level, pte, ACCESS_READ, NULL), MMU_OK);
            assert_true(rig.walk.global);
        }
        format_rig_fini(&rig);
    }
}

/* Svade. */
static void
test_ad_fault(void **state)
{
    (void)state;
    for (unsigned i = 0; riscv_rows[i] != NULL; i++) {
        struct format_rig rig;
        format_rig_init(&rig, riscv_rows[i], MMU_AD_FAULT);
        unsigned last = rig.format->levels - 1;
        uint64_t pte = format_rig_get(&rig, last);
        assert_int_equal(format_rig_walk(&rig, ACCESS_READ), MMU_AD);
        assert_int_equal(format_rig_try(&rig, last, pte | A, ACCESS_READ, NULL), MMU_OK);
        assert_int_equal(format_rig_try(&rig, last, pte | A, ACCESS_WRITE, NULL), MMU_AD);
        assert_int_equal(format_rig_try(&rig, last, pte | A | D, ACCESS_WRITE, NULL), MMU_OK);
        assert_true(format_rig_get(&rig, last) == pte);
        assert_int_equal(rig.stats.ad_faults, 2);
        format_rig_fini(&rig);
    }
}

/* Chapter 5, Svnapot: each of the 16 pages of a run finds its own frame, whichever entry is read;
 * A and D are set in that entry. */
static void
test_napot(void **state)
{
    (void)state;
    for (unsigned i = 1; riscv_rows[i] != NULL; i++) {
        struct format_rig rig;
        format_rig_init(&rig, riscv_rows[i], MMU_AD_HARDWARE);
        const struct mmu_format *f = rig.format;
        unsigned last = f->levels - 1;
        uint64_t pte = mmu_pte_leaf(f, last, TEST_BASE_PFN + 0x47, PROT_MASK_ALL, true);
        pte = mmu_pte_with_run(f, pte);
        assert_true(pte == (N | (TEST_BASE_PFN + 0x48) << 10 | V | R | W | X | U));
        assert_true(mmu_pte_is_run(f, last, pte) && !mmu_pte_is_run(f, last - 1, pte));
        assert_int_equal(mmu_pte_run_pfn(f, pte), TEST_BASE_PFN + 0x40);
        uint64_t first = rig.va & ~0xffffull;
        for (unsigned page = 0; page < 16; page++) {
            rig.va = first + page * 4096u + 7;
            format_rig_set(&rig, last, pte);
            assert_int_equal(format_rig_walk(&rig, ACCESS_WRITE), MMU_OK);
            assert_int_equal(rig.walk.pfn, TEST_BASE_PFN + 0x40 + page);
            assert_int_equal(rig.walk.order, 4);
            assert_true(rig.walk.dirty);
            assert_true(format_rig_get(&rig, last) == (pte | A | D));
        }
        struct mmu_trace trace = {0};
        assert_int_equal(rig.walker->ops->walk(rig.walker, rig.root, 0, rig.va, ACCESS_READ,
                             MMU_WALK_PEEK, NULL, &rig.walk, &trace),
            MMU_OK);
        assert_int_equal(trace.n, f->levels + 1);
        assert_int_equal(trace.step[f->levels].kind, MMU_STEP_RUN);
        assert_int_equal(trace.step[f->levels].value, TEST_BASE_PFN + 0x4f);
        assert_int_equal(trace.pa, (TEST_BASE_PFN + 0x4f) << 12 | 7);
        assert_int_equal(trace.order, 4);
        format_rig_fini(&rig);
    }
}

/* Table 5.1: other low bits, and N anywhere above, are reserved. */
static void
test_napot_reserved(void **state)
{
    (void)state;
    for (unsigned i = 1; riscv_rows[i] != NULL; i++) {
        struct format_rig rig;
        format_rig_init(&rig, riscv_rows[i], MMU_AD_HARDWARE);
        unsigned last = rig.format->levels - 1;
        for (uint64_t low = 0; low < 512; low++) {
            uint64_t pte = N | (TEST_BASE_PFN + low) << 10 | V | R | U;
            assert_int_equal(format_rig_try(&rig, last, pte, ACCESS_READ, NULL),
                (low & 15) == 8 ? MMU_OK : MMU_MALFORMED);
        }
        for (unsigned level = 0; level < last; level++) {
            uint64_t pte = N | leaf_pfn(rig.format, level) << 10 | V | R | U;
            assert_int_equal(format_rig_try(&rig, level, pte, ACCESS_READ, NULL), MMU_MALFORMED);
            pte |= 8 << 10;
            assert_int_equal(format_rig_try(&rig, level, pte, ACCESS_READ, NULL), MMU_MALFORMED);
        }
        format_rig_fini(&rig);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_sv32),
        cmocka_unit_test(test_layout_wide),
        cmocka_unit_test(test_not_present),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_sizes_and_rights),
        cmocka_unit_test(test_global),
        cmocka_unit_test(test_ad_fault),
        cmocka_unit_test(test_napot),
        cmocka_unit_test(test_napot_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
