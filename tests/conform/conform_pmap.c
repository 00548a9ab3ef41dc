/* SPDX-License-Identifier: BSD-2-Clause */
/* The laws and slots of vm/pmap.h, over every back end. */
#include "pmap_rig.h"

#include <string.h>

#define VA ((uint64_t)0x12345000)
#define RW (PROT_MASK_R | PROT_MASK_W)
#define RX (PROT_MASK_R | PROT_MASK_X)
#define SUPER ((uint64_t)0x40000000) /* aligned to 1 GiB */
#define MIB2 ((uint64_t)2 << 20)
#define ORDER_MOST 10u /* the largest leaves that the tests of all sizes use */

static void
drop(struct rig *rig, struct pmap *pmap, uint64_t va, uint64_t npages)
{
    rig->ops->remove(pmap, va, npages);
    rig->ops->update(pmap);
}

/* va maps page with the rights for which want was asked, or, want NONE, is not mapped. */
static void
expect_rights(struct rig *rig, struct pmap *pmap, uint64_t va, struct mem_page *page, prot_t want)
{
    struct mem_page *found = NULL;
    prot_t prot = PROT_MASK_NONE;
    enum pgw_status status = rig->ops->extract(pmap, va, &found, &prot);
    assert_int_equal(rig->ops->extract(pmap, va, NULL, NULL), status);
    if (want == PROT_MASK_NONE || (rig->backend->drops && status == PGW_NOTFOUND)) {
        assert_int_equal(status, PGW_NOTFOUND);
        return;
    }
    assert_int_equal(status, PGW_OK);
    assert_ptr_equal(found, page);
    assert_int_equal(prot, rig_given(rig, want));
}

/* What the access meets is page, or, if the back end is one that may drop mappings, nothing. */
static void
expect_access(
    struct rig *rig, struct pmap *pmap, uint64_t va, enum access access, struct mem_page *page)
{
    struct mem_page *found = rig_access(rig, pmap, va, access);
    if (found != NULL || !rig->backend->drops)
        assert_ptr_equal(found, page);
}

/* So many pages are mapped, or, if the back end is one that may drop mappings, at most so many. */
static void
expect_resident(const struct rig *rig, const struct pmap *pmap, uint64_t want)
{
    if (!rig->backend->drops)
        assert_int_equal(pmap->resident, want);
    assert_true(pmap->resident <= want);
}

/* The rights of va, which maps page or nothing. */
static prot_t
rights(struct pmap *pmap, uint64_t va, struct mem_page *page)
{
    struct mem_page *found = NULL;
    prot_t prot = PROT_MASK_NONE;
    if (pmap->ops->extract(pmap, va, NULL, NULL) != PGW_OK)
        return PROT_MASK_NONE;
    assert_int_equal(pmap->ops->extract(pmap, va, &found, &prot), PGW_OK);
    assert_ptr_equal(found, page);
    return prot;
}

/* create, destroy, caps, check, activate: an empty pmap maps nothing, and two are apart. */
static void
test_empty(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 64);
    struct pmap *a = rig_pmap(&rig), *b = rig_pmap(&rig);
    struct pmap_context ca, cb;
    assert_true(rig.caps.orders & 1);
    assert_true(rig.caps.va_end >= 1ull << 31);
    rig.ops->activate(a, &ca);
    rig.ops->activate(b, &cb);
    assert_int_not_equal(ca.asid, cb.asid);
    assert_true(ca.root != cb.root);
    assert_int_equal(ca.asid, a->asid);
    assert_null(rig_access(&rig, a, VA, ACCESS_READ));
    assert_null(rig_access(&rig, a, 0, ACCESS_EXEC));
    assert_null(rig_access(&rig, a, rig.caps.va_end - 1, ACCESS_READ));
    drop(&rig, a, 0, rig.caps.va_end >> PAGE_SHIFT);
    rig.ops->protect(a, 0, UINT64_MAX >> PAGE_SHIFT, PROT_MASK_R);
    assert_int_equal(rig.ops->extract(a, VA, NULL, NULL), PGW_NOTFOUND);
    assert_true(rig.ops->check(a) && rig.ops->check(b));
    assert_int_equal(a->tables + b->tables + rig.tables, rig.system->tables);
    assert_int_equal(rig.caps.tables_use_frames, rig.system->tables != 0);
    assert_int_equal(a->tables, backend_root_frames(rig.backend));
    rig.ops->destroy(a);
    rig.ops->destroy(b);
    rig_fini(&rig);
}

/* enter, extract, remove: at the ends of the space and between; no access but the given ones. */
static void
test_enter(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 64);
    struct pmap *pmap = rig_pmap(&rig);
    struct mem_page *page[3];
    uint64_t va[3] = {0, VA, rig.caps.va_end - PAGE_SIZE};
    static const prot_t prot[3] = {PROT_MASK_R, RW, PROT_MASK_X};
    for (int i = 0; i < 3; i++) {
        page[i] = rig_page(&rig, 0);
        rig_enter(pmap, va[i], page[i], 0, prot[i], i == 2 ? ACCESS_EXEC : ACCESS_READ);
        expect_resident(&rig, pmap, (uint64_t)i + 1);
        assert_true(rig.ops->check(pmap));
        prot_t given = rig_given(&rig, prot[i]);
        assert_int_equal(rights(pmap, va[i], page[i]), given);
        for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
            struct mem_page *want = prot_allows(given, access) ? page[i] : NULL;
            assert_ptr_equal(rig_access(&rig, pmap, va[i], access), want);
        }
    }
    for (int i = 0; i < 3; i++) {
        expect_rights(&rig, pmap, va[i], page[i], prot[i]);
        assert_int_equal(rig.ops->extract(pmap, va[i] ^ PAGE_SIZE, NULL, NULL), PGW_NOTFOUND);
    }
    for (int i = 0; i < 3; i++) {
        drop(&rig, pmap, va[i], 1);
        assert_null(rig_access(&rig, pmap, va[i], i == 2 ? ACCESS_EXEC : ACCESS_READ));
        assert_true(rig.ops->check(pmap));
        mem_free(&rig.env.mem, page[i]);
    }
    assert_int_equal(pmap->resident, 0);
    assert_int_equal(pmap->tables, backend_root_frames(rig.backend)); /* the root alone */
    rig.ops->destroy(pmap);
    rig_fini(&rig);
}

/* P1: what is wired stays, whatever happens around it. */
static void
wired_around(struct rig *rig, unsigned order)
{
    struct pmap *pmap = rig_pmap(rig), *other = rig_pmap(rig);
    struct mem_page *super = rig_page(rig, order), *page = rig_page(rig, 0);
    uint64_t n = 1ull << order, cut = n / 2, low = n - 3;
    assert_int_equal(
        rig->ops->enter(pmap, SUPER, &super, 1, order, RW, ACCESS_READ, PMAP_WIRED), PGW_OK);
    assert_int_equal(rig->ops->enter(pmap, VA, &page, 1, 0, RW, ACCESS_READ, PMAP_WIRED), PGW_OK);
    if (!rig->backend->drops) /* two mappings of one page, and neither may go */
        rig_enter(other, VA, page, 0, RW, ACCESS_READ);
    drop(rig, pmap, SUPER + cut * PAGE_SIZE, 3);
    drop(rig, pmap, VA + PAGE_SIZE, 1000);
    rig->ops->protect(pmap, SUPER + low * PAGE_SIZE, 1, PROT_MASK_R);
    drop(rig, other, 0, rig->caps.va_end >> PAGE_SHIFT);
    assert_false(rig->ops->page_test_clear_referenced(rig->system, &super[2]) &&
                 rig->ops->page_test_clear_referenced(rig->system, &super[2]));
    for (uint64_t i = 0; i < n; i++) {
        prot_t want = i >= cut && i < cut + 3 ? PROT_MASK_NONE : i == low ? PROT_MASK_R : RW;
        assert_int_equal(rights(pmap, SUPER + i * PAGE_SIZE, &super[i]), rig_given(rig, want));
    }
    assert_int_equal(rights(pmap, VA, page), rig_given(rig, RW));
    assert_int_equal(pmap->resident, n + 1 - 3);
    assert_true(rig->ops->check(pmap) && rig->ops->check(other));
    rig->ops->destroy(pmap);
    rig->ops->destroy(other);
    mem_free(&rig->env.mem, super);
    mem_free(&rig->env.mem, page);
}

static void
test_p1_wired(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 4096);
    for (unsigned order = 1; order <= ORDER_MOST; order++)
        if ((rig.caps.orders >> order & 1) != 0 && order >= 3)
            wired_around(&rig, order);
    rig_fini(&rig);
}

/* P2: modified is set by a write and by nothing else, until it is cleared, and again then. */
static void
test_p2_modified(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 64);
    struct pmap *pmap = rig_pmap(&rig), *other = rig_pmap(&rig);
    struct mem_page *page = rig_page(&rig, 0);
    rig_enter(pmap, VA, page, 0, RW, ACCESS_READ);
    rig_enter(other, 2 * VA, page, 0, RW, ACCESS_READ);
    assert_false(rig.ops->page_is_modified(rig.system, page));
    rig_use(&rig, pmap, VA, page, RW, ACCESS_READ);
    assert_false(rig.ops->page_is_modified(rig.system, page));
    for (int i = 0; i < 3; i++) {
        struct pmap *writer = i == 1 ? other : pmap;
        rig_use(&rig, writer, i == 1 ? 2 * VA : VA, page, RW, ACCESS_WRITE);
        assert_true(rig.ops->page_is_modified(rig.system, page));
        assert_true(rig.ops->page_is_modified(rig.system, page)); /* asking clears nothing */
        rig_forget(&rig);
        rig.ops->page_clear_modified(rig.system, page);
        assert_true(rig_told(&rig, writer, i == 1 ? 2 * VA : VA, false));
        assert_false(rig.ops->page_is_modified(rig.system, page));
    }
    rig_enter(pmap, VA, page, 0, RW, ACCESS_WRITE); /* why was a write: modified at once */
    assert_true(rig.ops->page_is_modified(rig.system, page));
    assert_true(rig.ops->check(pmap) && rig.ops->check(other));
    rig.ops->destroy(pmap);
    rig.ops->destroy(other);
    mem_free(&rig.env.mem, page);
    rig_fini(&rig);
}

/* P2, referenced: set by enter and by access, cleared by the question, in all mappings. */
static void
test_p2_referenced(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 64);
    struct pmap *pmap = rig_pmap(&rig), *other = rig_pmap(&rig);
    struct mem_page *page = rig_page(&rig, 0);
    assert_false(rig.ops->page_test_clear_referenced(rig.system, page));
    rig_enter(pmap, VA, page, 0, RW, ACCESS_READ);
    rig_enter(other, VA, page, 0, RX, ACCESS_EXEC);
    rig_forget(&rig);
    assert_true(rig.ops->page_test_clear_referenced(rig.system, page));
    assert_true(rig_told(&rig, other, VA, false));
    assert_true(rig_told(&rig, pmap, VA, false) || rig.backend->drops);
    assert_false(rig_told(&rig, pmap, VA, true));
    assert_false(rig.ops->page_test_clear_referenced(rig.system, page));
    static const enum access accesses[3] = {ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC};
    for (int i = 0; i < 3; i++) {
        struct pmap *user = i == 2 ? other : pmap;
        rig_use(&rig, user, VA, page, i == 2 ? RX : RW, accesses[i]);
        assert_true(rig.ops->page_test_clear_referenced(rig.system, page));
        assert_false(rig.ops->page_test_clear_referenced(rig.system, page));
    }
    assert_true(rig.ops->page_is_modified(rig.system, page)); /* not touched by it */
    rig.ops->destroy(pmap);
    rig.ops->destroy(other);
    mem_free(&rig.env.mem, page);
    rig_fini(&rig);
}

/* P3: they outlive the mapping, however it ends. */
static void
test_p3_outlive(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 64);
    struct mem_page *page = rig_page(&rig, 0), *next = rig_page(&rig, 0);
    for (int way = 0; way < 5; way++) {
        struct pmap *pmap = rig_pmap(&rig);
        rig_enter(pmap, VA, page, 0, RW, ACCESS_READ);
        assert_ptr_equal(rig_access(&rig, pmap, VA, ACCESS_WRITE), page);
        if (way == 0)
            drop(&rig, pmap, VA, 1);
        else if (way == 1)
            rig.ops->page_protect(rig.system, page, PROT_MASK_NONE);
        else if (way == 2)
            rig_enter(pmap, VA, next, 0, PROT_MASK_R, ACCESS_READ);
        else if (way == 3)
            rig_enter(pmap, VA, page, 0, PROT_MASK_R, ACCESS_READ);
        rig.ops->destroy(pmap);
        assert_true(page->modified && page->referenced);
        assert_true(rig.ops->page_is_modified(rig.system, page));
        assert_true(rig.ops->page_test_clear_referenced(rig.system, page));
        rig.ops->page_clear_modified(rig.system, page);
        assert_false(page->modified || page->referenced);
    }
    assert_false(rig.ops->page_is_modified(rig.system, next));
    mem_free(&rig.env.mem, page);
    mem_free(&rig.env.mem, next);
    rig_fini(&rig);
}

/* P4: after update() no processor uses the old translation, in whatever order things were done. */
static void
test_p4_update(void **state)
{
    enum { N = 40 };
    struct rig rig;
    rig_init(&rig, *state, 256);
    struct pmap *pmap = rig_pmap(&rig);
    struct mem_page *page[N];
    uint64_t va[N];
    for (int i = 0; i < N; i++) {
        page[i] = rig_page(&rig, 0);
        va[i] = VA + (uint64_t)(i * 3 % N) * 5 * MIB2 / 4;
        va[i] = page_floor(va[i]);
        rig_enter(pmap, va[i], page[i], 0, RW, ACCESS_WRITE);
        assert_ptr_equal(rig_access(&rig, pmap, va[i], ACCESS_WRITE), page[i]);
    }
    bool there[N];
    for (int i = 0; i < N; i++) /* the last ones are in the TLB */
        there[i] = rig_access(&rig, pmap, va[i], ACCESS_WRITE) != NULL;
    rig_forget(&rig);
    for (int i = 0; i < N; i++)
        if (i % 2 == 0)
            rig.ops->remove(pmap, va[i], 1);
        else
            rig.ops->protect(pmap, va[i], 1, PROT_MASK_R);
    rig.ops->update(pmap);
    for (int i = 0; i < N; i++) {
        assert_true(there[i] || rig.backend->drops);
        assert_true(rig_told(&rig, pmap, va[i], i % 2 == 0) || !there[i]);
        assert_null(rig_access(&rig, pmap, va[i], ACCESS_WRITE));
        struct mem_page *want = i % 2 == 0 ? NULL : page[i];
        expect_access(&rig, pmap, va[i], ACCESS_READ, want);
    }
    rig_forget(&rig);
    rig.ops->update(pmap); /* nothing is left to tell */
    assert_int_equal(rig.nevents, 0);
    rig.ops->destroy(pmap);
    for (int i = 0; i < N; i++)
        mem_free(&rig.env.mem, page[i]);
    rig_fini(&rig);
}

/* P4, P5: an enter after a removal that has not been told yet is what is seen. */
static void
test_p4_enter_after(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 64);
    struct pmap *pmap = rig_pmap(&rig);
    struct mem_page *page = rig_page(&rig, 0), *next = rig_page(&rig, 0);
    rig_enter(pmap, VA, page, 0, RW, ACCESS_WRITE);
    assert_ptr_equal(rig_access(&rig, pmap, VA, ACCESS_WRITE), page);
    rig.ops->remove(pmap, VA - PAGE_SIZE, 3);
    rig_enter(pmap, VA, next, 0, RW, ACCESS_READ);
    assert_ptr_equal(rig_access(&rig, pmap, VA, ACCESS_READ), next);
    rig.ops->update(pmap);
    assert_ptr_equal(rig_access(&rig, pmap, VA, ACCESS_WRITE), next);
    assert_true(rig.ops->page_is_modified(rig.system, next));
    rig.ops->destroy(pmap);
    mem_free(&rig.env.mem, page);
    mem_free(&rig.env.mem, next);
    rig_fini(&rig);
}

/* P5: enter replaces the page or the rights, and the processors know when it returns. */
static void
test_p5_replace(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 64);
    struct pmap *pmap = rig_pmap(&rig);
    struct mem_page *page = rig_page(&rig, 0), *next = rig_page(&rig, 0);
    rig_enter(pmap, VA, page, 0, PROT_MASK_R, ACCESS_READ);
    assert_ptr_equal(rig_access(&rig, pmap, VA, ACCESS_READ), page);
    rig_forget(&rig);
    rig_enter(pmap, VA, page, 0, RW, ACCESS_READ); /* more rights */
    assert_true(rig_told(&rig, pmap, VA, false) && !rig_told(&rig, pmap, VA, true));
    assert_ptr_equal(rig_access(&rig, pmap, VA, ACCESS_WRITE), page);
    rig_forget(&rig);
    rig_enter(pmap, VA, next, 0, RX, ACCESS_EXEC); /* another page */
    assert_true(rig_told(&rig, pmap, VA, true));
    assert_ptr_equal(rig_access(&rig, pmap, VA, ACCESS_READ), next);
    assert_ptr_equal(rig_access(&rig, pmap, VA, ACCESS_EXEC), next);
    assert_null(rig_access(&rig, pmap, VA, ACCESS_WRITE));
    rig.ops->page_protect(rig.system, page, PROT_MASK_NONE); /* is not mapped any more */
    expect_rights(&rig, pmap, VA, next, RX);
    expect_resident(&rig, pmap, 1);
    assert_true(rig.ops->check(pmap));
    rig.ops->destroy(pmap);
    mem_free(&rig.env.mem, page);
    mem_free(&rig.env.mem, next);
    rig_fini(&rig);
}

/* protect takes away and never adds; without rights left there is no mapping. */
static void
test_protect(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 64);
    struct pmap *pmap = rig_pmap(&rig);
    struct mem_page *page = rig_page(&rig, 0);
    static const prot_t given[] = {PROT_MASK_R, PROT_MASK_X, RW, RX, PROT_MASK_ALL};
    for (size_t g = 0; g < sizeof(given) / sizeof(given[0]); g++)
        for (prot_t prot = 0; prot <= PROT_MASK_ALL; prot++) {
            enum access why = given[g] == PROT_MASK_X ? ACCESS_EXEC : ACCESS_READ;
            rig_enter(pmap, VA, page, 0, given[g], why);
            rig.ops->protect(pmap, 0, rig.caps.va_end >> PAGE_SHIFT, prot);
            rig.ops->update(pmap);
            prot_t left = rights(pmap, VA, page), had = rig_given(&rig, given[g]);
            assert_int_equal(left & ~had, 0);
            if (prot == PROT_MASK_NONE)
                assert_int_equal(left, prot);
            if (prot != PROT_MASK_W) { /* W alone may be kept as RW, or as nothing */
                prot_t most = (prot & PROT_MASK_W) != 0 ? prot | PROT_MASK_R : prot;
                assert_int_equal(left & ~rig_given(&rig, most), 0);
                assert_int_equal(left & prot, had & prot);
            }
            assert_true(rig.ops->check(pmap));
            for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++)
                assert_int_equal(
                    rig_access(&rig, pmap, VA, access) != NULL, prot_allows(left, access));
        }
    rig.ops->destroy(pmap);
    mem_free(&rig.env.mem, page);
    rig_fini(&rig);
}

/* page_protect lowers or removes all mappings at once; more of them than fit in the page. */
static void
test_page_protect(void **state)
{
    enum { N = 5 };
    struct rig rig;
    rig_init(&rig, *state, 256);
    struct pmap *pmap[N];
    struct mem_page *page = rig_page(&rig, 0);
    for (uint64_t i = 0; i < N; i++) {
        pmap[i] = rig_pmap(&rig);
        rig_enter(pmap[i], VA + i * MIB2, page, 0, i == 2 ? PROT_MASK_X : RW,
            i == 2 ? ACCESS_EXEC : ACCESS_WRITE);
        rig_enter(pmap[i], VA, page, 0, RW, ACCESS_WRITE); /* twice in one space (i > 0) */
    }
    rig_forget(&rig);
    bool drops = rig.backend->drops;
    rig.ops->page_protect(rig.system, page, RX); /* no update */
    for (uint64_t i = 0; i < N; i++) {
        assert_null(rig_access(&rig, pmap[i], VA, ACCESS_WRITE));
        assert_true(drops || rig_told(&rig, pmap[i], VA, false));
        expect_access(&rig, pmap[i], VA, ACCESS_READ, page);
        prot_t want = i == 2 ? PROT_MASK_X : PROT_MASK_R;
        if (i > 0)
            expect_rights(&rig, pmap[i], VA + i * MIB2, page, want);
    }
    /* the X mapping has nothing left, but what it has always */
    rig.ops->page_protect(rig.system, page, PROT_MASK_R);
    prot_t left = rights(pmap[2], VA + 2 * MIB2, page);
    assert_int_equal(left & ~rig.caps.always, 0);
    expect_rights(&rig, pmap[2], VA, page, PROT_MASK_R);
    expect_rights(&rig, pmap[4], VA + 4 * MIB2, page, PROT_MASK_R);
    rig_forget(&rig);
    rig.ops->page_protect(rig.system, page, PROT_MASK_NONE);
    assert_null(page->pv.pmap);
    for (uint64_t i = 0; i < N; i++) {
        assert_true(drops || rig_told(&rig, pmap[i], VA, true));
        assert_null(rig_access(&rig, pmap[i], VA, ACCESS_READ));
        assert_int_equal(pmap[i]->resident, 0);
        assert_true(rig.ops->check(pmap[i]));
        rig.ops->destroy(pmap[i]);
    }
    mem_free(&rig.env.mem, page);
    rig_fini(&rig);
}

/* Runs of many pages in one call, over the bounds of tables. */
static void
test_runs(void **state)
{
    enum { N = 700 };
    struct rig rig;
    rig_init(&rig, *state, 1024);
    struct pmap *pmap = rig_pmap(&rig);
    struct mem_page *page[N];
    uint64_t va = SUPER - 100 * PAGE_SIZE;
    for (int i = 0; i < N; i++)
        page[i] = rig_page(&rig, 0);
    assert_int_equal(rig.ops->enter(pmap, va, page, N, 0, RW, ACCESS_READ, 0), PGW_OK);
    expect_resident(&rig, pmap, N);
    for (uint64_t i = 0; i < N; i++)
        expect_access(&rig, pmap, va + i * PAGE_SIZE, ACCESS_READ, page[i]);
    rig.ops->protect(pmap, va + 50 * PAGE_SIZE, 100, PROT_MASK_R);
    drop(&rig, pmap, va + 600 * PAGE_SIZE, UINT64_MAX >> PAGE_SHIFT);
    for (uint64_t i = 0; i < N; i++) {
        prot_t want = i >= 600 ? PROT_MASK_NONE : i >= 50 && i < 150 ? PROT_MASK_R : RW;
        expect_rights(&rig, pmap, va + i * PAGE_SIZE, page[i], want);
    }
    assert_true(rig.ops->check(pmap));
    rig.ops->destroy(pmap);
    for (int i = 0; i < N; i++)
        mem_free(&rig.env.mem, page[i]);
    rig_fini(&rig);
}

/* Superpages and runs: the parts of one change alone, none of the rest is lost or gains. */
static void
superpage_parts(struct rig *rig, struct pmap *pmap, unsigned order)
{
    const struct pmap_ops *ops = rig->ops;
    struct pmap_system *system = rig->system;
    uint64_t n = 1ull << order, tables = pmap->tables;
    struct mem_page *super = rig_page(rig, order), *page = rig_page(rig, 0);
    rig_enter(pmap, SUPER, super, order, RW, ACCESS_READ);
    assert_int_equal(pmap->resident, n);
    bool whole = system->superpages > 0; /* kept as the one mapping that was entered */
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(ops->order(pmap, SUPER + i * PAGE_SIZE), whole ? order : 0);
    assert_int_equal(ops->order(pmap, SUPER + n * PAGE_SIZE), 0);
    assert_int_equal(system->superpages, whole);
    assert_int_equal(system->super_pages, whole ? n : 0);
    for (uint64_t i = 0; i < n; i++)
        assert_ptr_equal(rig_access(rig, pmap, SUPER + i * PAGE_SIZE, ACCESS_READ), &super[i]);
    for (uint64_t i = 0; i < n; i++) /* P2: a read modifies nothing */
        assert_false(ops->page_is_modified(system, &super[i]));
    assert_ptr_equal(rig_access(rig, pmap, SUPER + 7 * PAGE_SIZE, ACCESS_WRITE), &super[7]);
    assert_true(ops->page_is_modified(system, &super[7]));
    ops->page_clear_modified(system, &super[n - 4]); /* of another page of the run */
    assert_true(ops->page_is_modified(system, &super[7]));
    assert_false(ops->page_is_modified(system, &super[n - 4]));
    rig_enter(pmap, SUPER + 9 * PAGE_SIZE, page, 0, PROT_MASK_R, ACCESS_READ);
    assert_int_equal(pmap->resident, n);
    assert_true(ops->check(pmap));
    for (uint64_t i = 0; i < n; i++)
        assert_ptr_equal(
            rig_access(rig, pmap, SUPER + i * PAGE_SIZE, ACCESS_READ), i == 9 ? page : &super[i]);
    rig_enter(pmap, SUPER, super, order, RW, ACCESS_READ); /* over the parts */
    assert_null(page->pv.pmap);
    assert_true(ops->check(pmap));
    assert_int_equal(pmap->resident, n);
    rig_enter(pmap, SUPER, super, order, PROT_MASK_R, ACCESS_READ); /* the same with other rights */
    assert_null(rig_access(rig, pmap, SUPER + 4 * PAGE_SIZE, ACCESS_WRITE));
    rig_enter(pmap, SUPER, super, order, RW, ACCESS_WRITE);
    assert_ptr_equal(rig_access(rig, pmap, SUPER + 4 * PAGE_SIZE, ACCESS_WRITE), &super[4]);
    ops->page_protect(system, &super[3], PROT_MASK_R); /* takes effect at once */
    assert_null(rig_access(rig, pmap, SUPER + 3 * PAGE_SIZE, ACCESS_WRITE));
    assert_true(ops->page_is_modified(system, &super[n - 1])); /* what was written, was */
    ops->page_protect(system, &super[3], PROT_MASK_NONE);
    assert_null(rig_access(rig, pmap, SUPER + 3 * PAGE_SIZE, ACCESS_READ));
    assert_int_equal(ops->order(pmap, SUPER), 0);
    for (uint64_t i = 0; i < n; i++) /* the others have lost nothing */
        assert_ptr_equal(
            rig_access(rig, pmap, SUPER + i * PAGE_SIZE, ACCESS_WRITE), i == 3 ? NULL : &super[i]);
    assert_int_equal(system->superpages, 0);
    assert_int_equal(system->super_pages, 0);
    assert_true(ops->check(pmap));
    drop(rig, pmap, SUPER, n);
    assert_int_equal(pmap->resident, 0);
    assert_int_equal(pmap->tables, tables);
    mem_free(&rig->env.mem, super);
    mem_free(&rig->env.mem, page);
}

static void
test_superpage(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 4096);
    struct pmap *pmap = rig_pmap(&rig);
    for (unsigned order = 4; order <= ORDER_MOST; order++)
        if ((rig.caps.orders >> order & 1) != 0)
            superpage_parts(&rig, pmap, order);
    rig.ops->destroy(pmap);
    rig_fini(&rig);
}

/* The largest leaves: 1 GiB, split twice to take one page out. */
static void
test_gigapage(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, (1u << 18) + 64);
    if ((rig.caps.orders >> 18 & 1) == 0) {
        rig_fini(&rig);
        skip();
    }
    struct pmap *pmap = rig_pmap(&rig);
    struct mem_page *giga = mem_alloc(&rig.env.mem, 18, 0);
    if (giga == NULL) { /* the root took a frame of the only run of 1 GiB */
        rig.ops->destroy(pmap);
        giga = rig_page(&rig, 18);
        pmap = rig_pmap(&rig);
    }
    rig_enter(pmap, SUPER, giga, 18, RW, ACCESS_WRITE);
    uint64_t at = 77777;
    assert_ptr_equal(rig_access(&rig, pmap, SUPER + at * PAGE_SIZE, ACCESS_READ), &giga[at]);
    drop(&rig, pmap, SUPER + at * PAGE_SIZE, 1);
    assert_true(rig.ops->check(pmap));
    assert_int_equal(pmap->resident, (1u << 18) - 1);
    assert_null(rig_access(&rig, pmap, SUPER + at * PAGE_SIZE, ACCESS_READ));
    assert_ptr_equal(rig_access(&rig, pmap, SUPER + PAGE_SIZE, ACCESS_WRITE), &giga[1]);
    assert_true(rig.ops->page_is_modified(rig.system, &giga[at]));
    assert_true(rig.ops->page_is_modified(rig.system, &giga[1 << 17]));
    rig.ops->destroy(pmap);
    mem_free(&rig.env.mem, giga);
    rig_fini(&rig);
}

/* The bodies of the torture: what can be done is done; what fails leaves nothing half done. */
static void
torture_small(struct rig *rig, struct pmap *pmap, struct mem_page **page, size_t n, uint64_t va)
{
    uint64_t before = pmap->resident;
    enum pgw_status status = rig->ops->enter(pmap, va, page, n, 0, RW, ACCESS_READ, 0);
    assert_true(status == PGW_OK || status == PGW_NORAM || status == PGW_NOMEM);
    if (!rig->backend->drops)
        assert_int_equal(pmap->resident, before + (status == PGW_OK ? n : 0));
    for (size_t i = 0; i < n; i++)
        expect_rights(
            rig, pmap, va + i * PAGE_SIZE, page[i], status == PGW_OK ? RW : PROT_MASK_NONE);
    assert_true(rig->ops->check(pmap));
}

static void
torture_super(struct rig *rig, struct pmap *pmap, unsigned order, struct mem_page *super,
    struct mem_page *page)
{
    uint64_t n = 1ull << order, at = n - 5;
    enum pgw_status status =
        rig->ops->enter(pmap, SUPER, &super, 1, order, RW, ACCESS_WRITE, PMAP_WIRED);
    assert_true(rig->ops->check(pmap));
    if (status != PGW_OK)
        return;
    status = rig->ops->enter(pmap, SUPER + PAGE_SIZE, &page, 1, 0, RW, ACCESS_READ, 0);
    assert_true(rig->ops->check(pmap));
    if (status == PGW_OK)
        expect_rights(rig, pmap, SUPER + PAGE_SIZE, page, RW);
    expect_rights(rig, pmap, SUPER + 2 * PAGE_SIZE, &super[2], RW); /* P1, it is wired */
    drop(rig, pmap, SUPER + at * PAGE_SIZE, 1);
    expect_rights(rig, pmap, SUPER + at * PAGE_SIZE, &super[at], PROT_MASK_NONE);
    assert_true(rig->ops->check(pmap));
    assert_true(rig->ops->page_is_modified(rig->system, &super[n - 1])); /* P2, split or dropped */
    drop(rig, pmap, SUPER, n);
    assert_true(rig->ops->page_is_modified(rig->system, super));
}

struct torture {
    struct rig *rig;
    struct mem_page *page[8], *super; /* super: 2^ORDER_MOST pages */
};

static void
torture_body(void *ctx)
{
    struct torture *torture = ctx;
    struct rig *rig = torture->rig;
    struct pmap *pmap[3] = {NULL};
    if (rig_start(rig) != PGW_OK)
        return;
    for (int i = 0; i < 3; i++) {
        enum pgw_status status = rig->ops->create(rig->system, &pmap[i]);
        if (status != PGW_OK)
            break;
        torture_small(rig, pmap[i], torture->page, 8, SUPER - 3 * PAGE_SIZE);
        torture_small(rig, pmap[i], torture->page, 8, VA);
        drop(rig, pmap[i], SUPER - 3 * PAGE_SIZE, 4);
        assert_true(rig->ops->check(pmap[i]));
        for (unsigned order = 4; i == 1 && order <= ORDER_MOST; order++)
            if ((rig->caps.orders >> order & 1) != 0)
                torture_super(rig, pmap[i], order, torture->super, torture->page[1]);
    }
    for (int i = 0; i < 3; i++)
        if (pmap[i] != NULL)
            rig->ops->destroy(pmap[i]);
    rig_stop(rig);
    for (int i = 0; i < 8; i++)
        assert_null(torture->page[i]->pv.pmap);
    for (size_t i = 0; i < 1u << ORDER_MOST; i++)
        torture->super[i].modified = 0;
}

/* Every allocation fails in turn, alone or with all later ones. */
static void
test_failures(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 4096);
    struct torture torture = {.rig = &rig};
    for (int i = 0; i < 8; i++)
        torture.page[i] = rig_page(&rig, 0);
    torture.super = rig_page(&rig, ORDER_MOST);
    bool frames = rig.caps.tables_use_frames;
    rig_stop(&rig);
    for (int and_after = 0; and_after < 2; and_after++) {
        struct base_inject *inject = &rig.env.inject;
        assert_true(test_each_failure(inject, INJECT_OBJ, and_after, torture_body, &torture) > 10);
        assert_true(test_each_failure(inject, INJECT_MAP, and_after, torture_body, &torture) > 2);
        uint64_t n = test_each_failure(inject, INJECT_FRAME, and_after, torture_body, &torture);
        assert_true(frames ? n > 0 : n == 0);
    }
    for (int i = 0; i < 8; i++)
        mem_free(&rig.env.mem, torture.page[i]);
    mem_free(&rig.env.mem, torture.super);
    test_env_fini(&rig.env);
}

/* Tags: none is two spaces' at a time, all are forgotten before another space has them. */
static void
test_asid_reuse(void **state)
{
    struct rig rig;
    rig_init(&rig, *state, 64);
    if (backend_root_frames(rig.backend) > 1) { /* megabytes to clear for each space */
        rig_fini(&rig);
        skip();
    }
    struct pmap *keep = rig_pmap(&rig);
    struct mem_page *page = rig_page(&rig, 0);
    rig_enter(keep, VA, page, 0, RW, ACCESS_WRITE);
    for (int i = 0; i < 66000; i++) {
        rig_forget(&rig);
        struct pmap *pmap = rig_pmap(&rig);
        uint32_t asid = pmap->asid;
        assert_int_not_equal(asid, keep->asid);
        if (i % 1000 == 0) {
            rig_enter(pmap, VA, page, 0, RW, ACCESS_READ);
            assert_ptr_equal(rig_access(&rig, pmap, VA, ACCESS_WRITE), page);
        }
        rig.ops->destroy(pmap);
        assert_true(rig_told_space(&rig, asid));
    }
    expect_access(&rig, keep, VA, ACCESS_READ, page);
    rig.ops->destroy(keep);
    mem_free(&rig.env.mem, page);
    rig_fini(&rig);
}

/* More spaces than tags: create fails and says so. */
static void
test_asid_exhausted(void **state)
{
    static struct pmap *pmap[65536];
    struct rig rig;
    if (backend_root_frames(*state) > 1)
        skip(); /* not with any RAM */
    rig_init(&rig, *state, 70000);
    size_t n = 0;
    enum pgw_status status;
    while ((status = rig.ops->create(rig.system, &pmap[n])) == PGW_OK)
        assert_true(++n < 65536);
    assert_int_equal(status, PGW_NOMEM);
    assert_int_equal(n, 65535);
    rig.ops->destroy(pmap[1234]);
    pmap[1234] = rig_pmap(&rig);
    for (size_t i = 0; i < n; i++)
        rig.ops->destroy(pmap[i]);
    rig_fini(&rig);
}

#define CASE(test)                                                                                 \
    {                                                                                              \
#test, test                                                                                \
    }

static const struct {
    const char *name;
    void (*run)(void **state);
} cases[] = {
    CASE(test_empty),
    CASE(test_enter),
    CASE(test_p1_wired),
    CASE(test_p2_modified),
    CASE(test_p2_referenced),
    CASE(test_p3_outlive),
    CASE(test_p4_update),
    CASE(test_p4_enter_after),
    CASE(test_p5_replace),
    CASE(test_protect),
    CASE(test_page_protect),
    CASE(test_runs),
    CASE(test_superpage),
    CASE(test_gigapage),
    CASE(test_failures),
    CASE(test_asid_reuse),
    CASE(test_asid_exhausted),
};
#define NCASES (sizeof cases / sizeof cases[0])

/* Every case for one back end. */
static int
run_backend(const struct backend *backend)
{
    struct CMUnitTest tests[NCASES];
    print_message("%s\n", backend->name);
    for (size_t i = 0; i < NCASES; i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name,
            .test_func = cases[i].run,
            .initial_state = (void *)(uintptr_t)backend};
    return _cmocka_run_group_tests(backend->name, tests, NCASES, NULL, NULL);
}

int
main(void)
{
    const struct backend *backend;
    int failed = run_backend(&backend_ref);
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++)
        failed += run_backend(backend);
    return failed;
}
