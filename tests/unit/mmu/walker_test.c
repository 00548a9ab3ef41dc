/* SPDX-License-Identifier: BSD-2-Clause */
/* The walker against tables made by hand, rule by rule of the RISC-V privileged specification
 * (20211203, sections 4.3.1, 4.3.2, 4.4.1). */
#include "mmu/walker.h"

#include <string.h>

#include "support/test.h"
#include "support/test_env.h"

#define V 0x01ull
#define R 0x02ull
#define W 0x04ull
#define X 0x08ull
#define U 0x10ull
#define G 0x20ull
#define A 0x40ull
#define D 0x80ull

#define VPN2 5ull
#define VPN1 17ull
#define VPN0 300ull
#define VA (VPN2 << 30 | VPN1 << 21 | VPN0 << 12 | 0x123)

/* RAM with a root table, a middle one, a last one, and a data page. */
struct tables {
    struct test_env env;
    struct mem_page *page[4];
    uint64_t *root, *middle, *last;
    uint64_t pfn[4];
    struct mmu_stats stats;
    struct mmu_walk walk;
};

static void
tables_init(struct tables *t)
{
    memset(t, 0, sizeof(*t));
    test_env_init(&t->env, 1024);
    for (int i = 0; i < 4; i++) {
        t->page[i] = mem_alloc(&t->env.mem, 0, MEM_ZERO);
        assert_non_null(t->page[i]);
        t->pfn[i] = mem_page_pfn(&t->env.mem, t->page[i]);
    }
    t->root = (uint64_t *)(void *)mem_page_bytes(&t->env.mem, t->page[0]);
    t->middle = (uint64_t *)(void *)mem_page_bytes(&t->env.mem, t->page[1]);
    t->last = (uint64_t *)(void *)mem_page_bytes(&t->env.mem, t->page[2]);
    t->root[VPN2] = t->pfn[1] << 10 | V;
    t->middle[VPN1] = t->pfn[2] << 10 | V;
    t->last[VPN0] = t->pfn[3] << 10 | V | R | W | X | U;
}

static void
tables_fini(struct tables *t)
{
    for (int i = 0; i < 4; i++)
        mem_free(&t->env.mem, t->page[i]);
    test_env_fini(&t->env);
}

static enum mmu_fault
walk_at(struct tables *t, uint64_t va, enum access access)
{
    return mmu_walk(&mmu_sv39, &t->env.mem, t->pfn[0], va, access, &t->stats, &t->walk);
}

/* Access to a page with these low bits in its entry, at each level of leaf. */
static enum mmu_fault
walk_leaf(struct tables *t, unsigned level, uint64_t pte, enum access access)
{
    uint64_t *entry = level == 0 ? &t->root[VPN2] : level == 1 ? &t->middle[VPN1] : &t->last[VPN0];
    uint64_t was = *entry;
    *entry = pte;
    enum mmu_fault fault = walk_at(t, VA, access);
    if (fault != MMU_OK)
        assert_int_equal(*entry, pte); /* a fault changes nothing */
    *entry = was;
    return fault;
}

/* Rights: R, W, X for the access, U for user mode; W without R is reserved; none is a pointer. */
static void
test_rights(void **state)
{
    static const uint64_t need[3] = {R, W, X};
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t base[3] = {TEST_BASE_PFN << 10, TEST_BASE_PFN << 10, t.pfn[3] << 10};
    for (unsigned level = 0; level < 3; level++)
        for (uint64_t bits = R; bits < G; bits += R) /* all of R W X U */
            for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
                uint64_t pte = base[level] | bits | V | A;
                bool leaf = (bits & (R | W | X)) != 0;
                if (!leaf && level < 2)
                    continue; /* a table; see test_pointers */
                enum mmu_fault want = MMU_OK;
                if (!leaf || ((bits & W) != 0 && (bits & R) == 0))
                    want = MMU_MALFORMED;
                else if ((bits & need[access]) == 0 || (bits & U) == 0)
                    want = MMU_RIGHTS;
                else if (level == 0) /* the 1 GiB page's part at VA is beyond RAM */
                    want = MMU_BUS;
                assert_int_equal(walk_leaf(&t, level, pte, access), want);
                if (want == MMU_OK)
                    assert_int_equal(t.walk.prot, bits >> 1 & 7);
            }
    tables_fini(&t);
}

/* V clear: not present, whatever the rest says. */
static void
test_not_present(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    for (unsigned level = 0; level < 3; level++) {
        assert_int_equal(walk_leaf(&t, level, 0, ACCESS_READ), MMU_NOT_PRESENT);
        assert_int_equal(walk_leaf(&t, level, ~V, ACCESS_READ), MMU_NOT_PRESENT);
    }
    assert_int_equal(walk_at(&t, VA ^ 1ull << 12, ACCESS_READ), MMU_NOT_PRESENT);
    assert_int_equal(walk_at(&t, VA ^ 1ull << 21, ACCESS_READ), MMU_NOT_PRESENT);
    assert_int_equal(walk_at(&t, VA ^ 1ull << 30, ACCESS_READ), MMU_NOT_PRESENT);
    tables_fini(&t);
}

/* Bits 54-63 are reserved in every entry; 8 and 9 are software's. */
static void
test_reserved(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t good[3] = {t.root[VPN2], t.middle[VPN1], t.last[VPN0]};
    for (unsigned level = 0; level < 3; level++) {
        for (unsigned bit = 54; bit < 64; bit++)
            assert_int_equal(
                walk_leaf(&t, level, good[level] | 1ull << bit, ACCESS_READ), MMU_MALFORMED);
        assert_int_equal(walk_leaf(&t, level, good[level] | 0x300, ACCESS_READ), MMU_OK);
    }
    uint64_t super = TEST_BASE_PFN << 10 | V | R | U;
    assert_int_equal(walk_leaf(&t, 1, super, ACCESS_READ), MMU_OK);
    assert_int_equal(walk_leaf(&t, 1, super | 1ull << 63, ACCESS_READ), MMU_MALFORMED);
    tables_fini(&t);
}

/* Entries that lead to a table: A, D and U reserved, G inherited, none at the last level. */
static void
test_pointers(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t good[2] = {t.root[VPN2], t.middle[VPN1]};
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_OK);
    assert_false(t.walk.global);
    for (unsigned level = 0; level < 2; level++) {
        assert_int_equal(walk_leaf(&t, level, good[level] | A, ACCESS_READ), MMU_MALFORMED);
        assert_int_equal(walk_leaf(&t, level, good[level] | D, ACCESS_READ), MMU_MALFORMED);
        assert_int_equal(walk_leaf(&t, level, good[level] | U, ACCESS_READ), MMU_MALFORMED);
        assert_int_equal(walk_leaf(&t, level, good[level] | G, ACCESS_READ), MMU_OK);
        assert_true(t.walk.global);
    }
    assert_int_equal(walk_leaf(&t, 2, t.last[VPN0] | G, ACCESS_READ), MMU_OK);
    assert_true(t.walk.global);
    assert_int_equal(walk_leaf(&t, 2, t.pfn[3] << 10 | V, ACCESS_READ), MMU_MALFORMED);
    tables_fini(&t);
}

/* Superpages: low frame-number bits must be zero; the address continues within. */
static void
test_superpages(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t pte = TEST_BASE_PFN << 10 | V | R | W | U;
    for (unsigned bit = 0; bit < 18; bit++) {
        uint64_t off = 1ull << (10 + bit);
        assert_int_equal(walk_leaf(&t, 0, pte | off, ACCESS_READ), MMU_MALFORMED);
        if (bit < 9)
            assert_int_equal(walk_leaf(&t, 1, pte | off, ACCESS_READ), MMU_MALFORMED);
        else if (bit == 9) /* aligned for 2 MiB, in RAM of 4 MiB */
            assert_int_equal(walk_leaf(&t, 1, pte | off, ACCESS_READ), MMU_OK);
    }
    assert_int_equal(walk_leaf(&t, 1, pte, ACCESS_WRITE), MMU_OK);
    assert_ptr_equal(t.walk.bytes, mem_page_bytes(&t.env.mem, &t.env.mem.pages[VPN0]));
    assert_true(t.walk.dirty);
    t.root[1] = pte; /* 1 GiB */
    for (uint64_t i = 0; i < 1024; i += 341) {
        assert_int_equal(walk_at(&t, (1ull << 30) + (i << 12) + 7, ACCESS_READ), MMU_OK);
        assert_ptr_equal(t.walk.bytes, mem_page_bytes(&t.env.mem, &t.env.mem.pages[i]));
    }
    assert_int_equal(walk_at(&t, (1ull << 30) + (1024ull << 12), ACCESS_READ), MMU_BUS);
    tables_fini(&t);
}

/* Bits 39 to 63 must equal bit 38, and no table is read otherwise. */
static void
test_canonical(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    for (unsigned bit = 39; bit < 64; bit++) {
        assert_int_equal(walk_at(&t, VA ^ 1ull << bit, ACCESS_READ), MMU_NONCANONICAL);
        assert_int_equal(walk_at(&t, ~VA ^ 1ull << bit, ACCESS_READ), MMU_NONCANONICAL);
    }
    assert_int_equal(walk_at(&t, VA | 1ull << 38, ACCESS_READ), MMU_NONCANONICAL);
    assert_int_equal(t.stats.walks, 0);
    assert_int_equal(t.stats.walk_refs[0], 0);
    t.root[256 + VPN2] = t.root[VPN2]; /* the upper half translates like the lower one */
    assert_int_equal(walk_at(&t, VA | UINT64_MAX << 38, ACCESS_READ), MMU_OK);
    tables_fini(&t);
}

/* A is set by every access, D by writes; only when they were not set. */
static void
test_accessed_dirty(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t pte = t.last[VPN0];
    assert_int_equal(walk_at(&t, VA, ACCESS_EXEC), MMU_OK);
    assert_int_equal(t.last[VPN0], pte | A);
    assert_false(t.walk.dirty);
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_OK);
    assert_int_equal(t.stats.ad_updates, 1);
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_OK);
    assert_int_equal(t.last[VPN0], pte | A | D);
    assert_true(t.walk.dirty);
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_OK);
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_OK);
    assert_true(t.walk.dirty);
    assert_int_equal(t.stats.ad_updates, 2);
    t.last[VPN0] = pte;
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_OK);
    assert_int_equal(t.last[VPN0], pte | A | D); /* both at once */
    assert_int_equal(t.stats.ad_updates, 3);
    assert_int_equal(t.root[VPN2] & (A | D), 0); /* never in tables */
    assert_int_equal(t.middle[VPN1] & (A | D), 0);
    tables_fini(&t);
}

/* Tables and pages outside RAM. */
static void
test_bus(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t out = (TEST_BASE_PFN + 1024) << 10, below = (TEST_BASE_PFN - 1) << 10;
    uint64_t leaf = V | R | U;
    assert_int_equal(walk_leaf(&t, 0, out | V, ACCESS_READ), MMU_BUS);
    assert_int_equal(walk_leaf(&t, 1, below | V, ACCESS_READ), MMU_BUS);
    assert_int_equal(walk_leaf(&t, 2, out | leaf, ACCESS_READ), MMU_BUS);
    assert_int_equal(walk_leaf(&t, 2, leaf, ACCESS_READ), MMU_BUS);
    assert_int_equal(walk_leaf(&t, 2, 0x003ffffffffffc00ull | leaf, ACCESS_READ), MMU_BUS);
    t.pfn[0] = TEST_BASE_PFN + 1024;
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_BUS);
    tables_fini(&t);
}

/* One walk, and one reference for each entry that was read. */
static void
test_counts(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    (void)walk_at(&t, VA, ACCESS_READ);
    (void)walk_at(&t, VA ^ 1ull << 12, ACCESS_READ); /* ends at the last level */
    (void)walk_at(&t, VA ^ 1ull << 21, ACCESS_READ); /* at the middle one */
    (void)walk_at(&t, VA ^ 1ull << 30, ACCESS_READ); /* at the root */
    (void)walk_leaf(&t, 1, TEST_BASE_PFN << 10 | V | R | U, ACCESS_READ);
    assert_int_equal(t.stats.walks, 5);
    assert_int_equal(t.stats.walk_refs[0], 5);
    assert_int_equal(t.stats.walk_refs[1], 4);
    assert_int_equal(t.stats.walk_refs[2], 2);
    assert_int_equal(t.stats.walk_refs[3] + t.stats.walk_refs[4], 0);
    tables_fini(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_not_present),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_superpages),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_accessed_dirty),
        cmocka_unit_test(test_bus),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
