/* SPDX-License-Identifier: BSD-2-Clause */
/* Builder and walker, two pieces of code over one description, agree for every page of random
 * maps; and what the tables cost is what they hold. */
#include <string.h>

#include "mmu/mmus.h"
#include "pmap/pmaps.h"
#include "support/test.h"
#include "support/test_env.h"

#define FRAMES 4096u
#define SPAN 4096u /* pages of the window that is mapped at random */

struct agree {
    struct test_env env;
    struct pmap_system *system;
    struct pmap *pmap;
    struct mmu *mmu;
    struct base_rng rng;
    struct mem_page *super[2], *page[64];
};

static void
ignore_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    (void)ctx, (void)asid, (void)va, (void)npages, (void)gone;
}

static void
ignore_space(void *ctx, uint32_t asid)
{
    (void)ctx, (void)asid;
}

static void
agree_init(struct agree *a, uint64_t salt)
{
    struct pmap_shootdown shootdown = {NULL, ignore_range, ignore_space};
    struct mmu_tlb_spec none = {0};
    struct pmap_context context;
    memset(a, 0, sizeof(*a));
    test_env_init(&a->env, FRAMES);
    test_rng_init(&a->rng, salt);
    assert_int_equal(
        pmap_sv39.system_create(&a->env.mem, &a->env.alloc, &shootdown, &a->system), PGW_OK);
    assert_int_equal(pmap_sv39.create(a->system, &a->pmap), PGW_OK);
    assert_int_equal(
        mmu_paged_create(&mmu_sv39, &a->env.mem, &a->env.alloc, &none, &a->mmu), PGW_OK);
    assert_int_equal(a->mmu->data_sets + a->mmu->fetch_sets, 0);
    for (int i = 0; i < 2; i++)
        a->super[i] = mem_alloc(&a->env.mem, 9, 0);
    for (int i = 0; i < 64; i++)
        a->page[i] = mem_alloc(&a->env.mem, 0, 0);
    pmap_sv39.activate(a->pmap, &context);
    assert_int_equal(context.root >> 60, 8); /* satp.MODE: Sv39 */
    assert_int_equal(context.root >> 44 & 0xffff, context.asid);
    a->mmu->ops->load(a->mmu, context.root, context.asid);
}

static void
agree_fini(struct agree *a)
{
    a->mmu->ops->destroy(a->mmu);
    pmap_sv39.destroy(a->pmap);
    pmap_sv39.system_destroy(a->system);
    for (int i = 0; i < 2; i++)
        mem_free(&a->env.mem, a->super[i]);
    for (int i = 0; i < 64; i++)
        mem_free(&a->env.mem, a->page[i]);
    test_env_fini(&a->env);
}

/* Random mappings of both sizes, removals and changes of rights over the window from base. */
static void
scribble(struct agree *a, uint64_t base)
{
    static const prot_t prots[] = {1, 3, 4, 5, 7};
    for (int i = 0; i < 400; i++) {
        bool super = base_rng_below(&a->rng, 64) == 0;
        uint64_t va = base + (base_rng_below(&a->rng, SPAN) << PAGE_SHIFT);
        prot_t prot = prots[base_rng_below(&a->rng, 5)];
        struct mem_page *page = super ? a->super[i % 2] : a->page[i % 64];
        if (i % 5 == 4) {
            pmap_sv39.protect(a->pmap, va, base_rng_below(&a->rng, 40), prot & 5u);
            continue;
        }
        if (super)
            va &= ~(uint64_t)0x1fffff;
        assert_int_equal(pmap_sv39.enter(a->pmap, va, &page, 1, super ? 9 : 0, prot,
                             prot == 4 ? ACCESS_EXEC : ACCESS_READ, 0),
            PGW_OK);
    }
}

/* What extract says of va is what the walker does there. */
static void
agree_at(struct agree *a, uint64_t va, uint64_t *mapped)
{
    struct mem_page *page = NULL;
    prot_t prot = PROT_MASK_NONE;
    bool there = pmap_sv39.extract(a->pmap, va, &page, &prot) == PGW_OK;
    *mapped += there;
    for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
        struct mmu_translation out;
        enum mmu_fault want = !there                      ? MMU_NOT_PRESENT
                              : prot_allows(prot, access) ? MMU_OK
                                                          : MMU_RIGHTS;
        assert_int_equal(a->mmu->ops->translate(a->mmu, va, access, &out), want);
        if (want == MMU_OK)
            assert_ptr_equal(out.bytes, mem_page_bytes(&a->env.mem, page));
    }
}

static void
test_random_maps(void **state)
{
    struct agree a;
    (void)state;
    agree_init(&a, 1);
    static const uint64_t bases[] = {0, 0x3f800000, 0x3fff000000};
    for (uint64_t round = 0; round < test_rounds(6); round++) {
        uint64_t base = bases[round % 3], mapped = 0;
        scribble(&a, base);
        for (uint64_t i = 0; i < SPAN; i++)
            agree_at(&a, base + (i << PAGE_SHIFT), &mapped);
        assert_in_range(mapped, 200, SPAN - 1);
        assert_true(pmap_sv39.check(a.pmap));
        pmap_sv39.remove(a.pmap, 0, mmu_format_user_end(&mmu_sv39) >> PAGE_SHIFT);
        assert_int_equal(a.pmap->tables, 1);
        assert_int_equal(a.pmap->resident, 0);
    }
    agree_fini(&a);
}

/* The upper half is the kernel's: there, for all of RAM, and never a user's. */
static void
test_kernel_half(void **state)
{
    struct agree a;
    struct mmu_translation out;
    (void)state;
    agree_init(&a, 2);
    uint64_t high = UINT64_MAX << 38;
    for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
        assert_int_equal(a.mmu->ops->translate(a.mmu, high, access, &out), MMU_RIGHTS);
        assert_int_equal(
            a.mmu->ops->translate(a.mmu, high + (FRAMES << PAGE_SHIFT) - 1, access, &out),
            MMU_RIGHTS);
        assert_int_equal(a.mmu->ops->translate(a.mmu, high + (1ull << 30), access, &out),
            MMU_NOT_PRESENT); /* RAM ends before */
    }
    assert_int_equal(a.mmu->ops->translate(a.mmu, 1ull << 38, ACCESS_READ, &out), MMU_NONCANONICAL);
    assert_int_equal(pmap_sv39.extract(a.pmap, high, NULL, NULL), PGW_NOTFOUND);
    assert_int_equal(pmap_sv39.extract(a.pmap, 1ull << 38, NULL, NULL), PGW_NOTFOUND);
    pmap_sv39.remove(a.pmap, 0, UINT64_MAX >> PAGE_SHIFT);
    assert_int_equal(a.mmu->ops->translate(a.mmu, high, ACCESS_READ, &out), MMU_RIGHTS);
    agree_fini(&a);
}

/* Tables come with the first page in their range and go with the last one. */
static void
test_tables(void **state)
{
    struct agree a;
    (void)state;
    agree_init(&a, 3);
    uint64_t va[] = {0, PAGE_SIZE, 1ull << 21, 1ull << 30, 0x3ffffff000};
    static const uint64_t tables[] = {3, 3, 4, 6, 8};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(
            pmap_sv39.enter(a.pmap, va[i], &a.page[i], 1, 0, 3, ACCESS_READ, 0), PGW_OK);
        assert_int_equal(a.pmap->tables, tables[i]);
        assert_int_equal(a.system->tables, tables[i]);
    }
    for (size_t i = 5; i-- > 0;) {
        pmap_sv39.remove(a.pmap, va[i], 1);
        assert_int_equal(a.pmap->tables, i == 0 ? 1 : tables[i - 1]);
        assert_true(pmap_sv39.check(a.pmap));
    }
    assert_int_equal(a.system->tables_peak, 8);
    agree_fini(&a);
}

/* check() notices what it is there to notice. */
static void
test_check_notices(void **state)
{
    struct agree a;
    (void)state;
    agree_init(&a, 4);
    struct mem_page *page = a.page[0];
    assert_int_equal(pmap_sv39.enter(a.pmap, PAGE_SIZE, &page, 1, 0, 3, ACCESS_READ, 0), PGW_OK);
    assert_true(pmap_sv39.check(a.pmap));
    page->pv.va += PAGE_SIZE;
    assert_false(pmap_sv39.check(a.pmap));
    page->pv.va -= PAGE_SIZE;
    a.pmap->resident++;
    assert_false(pmap_sv39.check(a.pmap));
    a.pmap->resident--;
    a.pmap->tables++;
    assert_false(pmap_sv39.check(a.pmap));
    a.pmap->tables--;
    a.page[1]->pv = (struct mem_pv){NULL, a.pmap, 0};
    assert_false(pmap_sv39.check(a.pmap));
    a.page[1]->pv = (struct mem_pv){0};
    assert_true(pmap_sv39.check(a.pmap));
    agree_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_maps),
        cmocka_unit_test(test_kernel_half),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_check_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
