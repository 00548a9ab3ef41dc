/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on the reference pmap and on another one in lock step: the same calls on the
 * same pages, the same accesses by programs, and the same things to be seen after each.
 *
 * Without superpages everything is equal.  With them a back end may, by P1, take more away than
 * was asked (a whole superpage for one page of it) and, by P2, take a whole run for modified: then
 * what it maps is what ref maps, with no more rights, and what ref knows to be modified it does
 * too.
 */
#include "pmap_rig.h"

#include <inttypes.h>

#define SPACES 3
#define PAGES 48
#define SUPERS 3
#define WINDOWS 5
#define WINDOW_PAGES 1100u /* two tables and a bit */

struct step {
    struct rig rig[2]; /* ref, and the one under test */
    struct pmap *pmap[2][SPACES];
    struct mem_page *page[2][PAGES];
    struct mem_page *super[2][SUPERS];
    struct base_rng rng;
    bool supers;
    uint64_t agreed, faulted; /* accesses */
};

static const prot_t step_prots[] = {PROT_MASK_R, PROT_MASK_X, 3, 5, 7};

static uint64_t
step_below(struct step *step, uint64_t n)
{
    return base_rng_below(&step->rng, n);
}

/* An address in one of a few windows, so that operations meet. */
static uint64_t
step_va(struct step *step)
{
    static const uint64_t windows[WINDOWS] = {
        0, 0x40000000 - (512u << PAGE_SHIFT), 0x80000000, 0x1fc0000000, 0x3fffa00000};
    uint64_t window = windows[step_below(step, WINDOWS)];
    uint64_t page =
        step_below(step, 4) == 0 ? step_below(step, WINDOW_PAGES) : 505 + step_below(step, 14);
    return window + (page << PAGE_SHIFT);
}

static uint64_t
step_index(const struct step *step, int side, const struct mem_page *page)
{
    return page == NULL ? UINT64_MAX : (uint64_t)(page - step->rig[side].env.mem.pages);
}

static void
step_init(struct step *step, const struct pmap_ops *ops, bool supers, uint64_t salt)
{
    const struct pmap_ops *sides[2] = {&pmap_ref, ops};
    test_rng_init(&step->rng, salt);
    step->supers = supers;
    step->agreed = step->faulted = 0;
    for (int side = 0; side < 2; side++) {
        struct rig *rig = &step->rig[side];
        rig_init(rig, sides[side], 2500);
        for (int i = 0; i < SUPERS; i++)
            step->super[side][i] = rig_page(rig, 9);
        for (int i = 0; i < PAGES; i++)
            step->page[side][i] = rig_page(rig, 0);
        for (int i = 0; i < SPACES; i++)
            step->pmap[side][i] = rig_pmap(rig);
    }
}

static void
step_fini(struct step *step)
{
    for (int side = 0; side < 2; side++) {
        struct rig *rig = &step->rig[side];
        for (int i = 0; i < SPACES; i++)
            rig->ops->destroy(step->pmap[side][i]);
        for (int i = 0; i < SUPERS; i++)
            mem_free(&rig->env.mem, step->super[side][i]);
        for (int i = 0; i < PAGES; i++)
            mem_free(&rig->env.mem, step->page[side][i]);
        rig_fini(rig);
    }
}

static void
step_enter(struct step *step, uint64_t space)
{
    bool super = step->supers && step_below(step, 3) == 0;
    prot_t prot = step_prots[step_below(step, 5)];
    enum access access = prot == PROT_MASK_X ? ACCESS_EXEC : ACCESS_READ;
    if (prot_allows(prot, ACCESS_WRITE) && step_below(step, 3) == 0)
        access = ACCESS_WRITE;
    uint64_t first = step_below(step, super ? SUPERS : PAGES - 8);
    size_t n = super ? 1 : 1 + step_below(step, 8);
    uint64_t va = step_va(step);
    if (super)
        va &= ~(uint64_t)0x1fffff;
    if (va + (n << PAGE_SHIFT) > step->rig[1].caps.va_end)
        n = 1;
    for (int side = 0; side < 2; side++) {
        struct pmap *pmap = step->pmap[side][space];
        struct mem_page **pages = super ? step->super[side] : step->page[side];
        assert_int_equal(
            pmap->ops->enter(pmap, va, pages + first, n, super ? 9 : 0, prot, access, 0), PGW_OK);
    }
}

static void
step_range(struct step *step, uint64_t space)
{
    uint64_t va = step_va(step);
    uint64_t npages = step_below(step, 20) == 0 ? 1u << 20 : 1 + step_below(step, 12);
    prot_t prot = step_below(step, 2) == 0 ? PROT_MASK_NONE : step_prots[step_below(step, 5)];
    for (int side = 0; side < 2; side++) {
        struct pmap *pmap = step->pmap[side][space];
        if (prot == PROT_MASK_NONE)
            pmap->ops->remove(pmap, va, npages);
        else
            pmap->ops->protect(pmap, va, npages, prot);
    }
}

static struct mem_page *
step_page(const struct step *step, int side, uint64_t pick)
{
    if (!step->supers || pick % 3 != 0)
        return step->page[side][pick % PAGES];
    return &step->super[side][pick % SUPERS][pick % 512];
}

static void
step_by_page(struct step *step, bool protect)
{
    uint64_t pick = step_below(step, 1u << 20);
    prot_t prot = step_below(step, 2) == 0 ? PROT_MASK_NONE : step_prots[step_below(step, 5)];
    bool told[2] = {false, false};
    for (int side = 0; side < 2; side++) {
        struct rig *rig = &step->rig[side];
        struct mem_page *page = step_page(step, side, pick);
        if (protect)
            rig->ops->page_protect(rig->system, page, prot);
        else if (pick % 2 == 0)
            told[side] = rig->ops->page_test_clear_referenced(rig->system, page);
        else
            rig->ops->page_clear_modified(rig->system, page);
    }
    if (!step->supers)
        assert_int_equal(told[0], told[1]);
}

/* A program of the space makes an access; ref sees it only if the other allowed it. */
static void
step_access(struct step *step)
{
    uint64_t space = step_below(step, SPACES), va = step_va(step);
    enum access access = (enum access)step_below(step, 3);
    struct mem_page *other = rig_access(&step->rig[1], step->pmap[1][space], va, access);
    struct mem_page *ref = NULL;
    if (other != NULL || !step->supers)
        ref = rig_access(&step->rig[0], step->pmap[0][space], va, access);
    assert_int_equal(step_index(step, 0, ref), step_index(step, 1, other));
    step->agreed += other != NULL;
    step->faulted += other == NULL;
}

static void
step_compare_at(struct step *step)
{
    uint64_t space = step_below(step, SPACES), va = step_va(step);
    struct mem_page *page[2] = {NULL, NULL};
    prot_t prot[2] = {0, 0};
    for (int side = 0; side < 2; side++) {
        struct pmap *pmap = step->pmap[side][space];
        if (pmap->ops->extract(pmap, va, &page[side], &prot[side]) != PGW_OK)
            page[side] = NULL;
    }
    if (step->supers && page[1] == NULL)
        return;
    assert_int_equal(step_index(step, 0, page[0]), step_index(step, 1, page[1]));
    if (step->supers)
        assert_int_equal(prot[1] & ~prot[0], 0);
    else
        assert_int_equal(prot[0], prot[1]);
}

static void
step_compare_pages(struct step *step)
{
    for (uint64_t pick = 0; pick < 3 * PAGES; pick++) {
        bool modified[2];
        for (int side = 0; side < 2; side++) {
            struct rig *rig = &step->rig[side];
            struct mem_page *page = step_page(step, side, pick);
            modified[side] = rig->ops->page_is_modified(rig->system, page);
        }
        assert_true(modified[1] || !modified[0]);
        if (!step->supers)
            assert_int_equal(modified[0], modified[1]);
    }
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < SPACES; i++)
            assert_true(step->rig[side].ops->check(step->pmap[side][i]));
    if (!step->supers)
        for (int i = 0; i < SPACES; i++)
            assert_int_equal(step->pmap[0][i]->resident, step->pmap[1][i]->resident);
}

static void
step_once(struct step *step)
{
    uint64_t space = step_below(step, SPACES);
    switch (step_below(step, 12)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
        step_enter(step, space);
        break;
    case 6:
    case 7:
        step_range(step, space);
        break;
    case 8:
        step_by_page(step, true);
        break;
    default:
        step_by_page(step, false);
    }
    for (int side = 0; side < 2; side++)
        step->rig[side].ops->update(step->pmap[side][space]);
    for (int i = 0; i < 6; i++) {
        step_access(step);
        step_compare_at(step);
    }
}

static void
step_run(const struct pmap_ops *ops, bool supers, uint64_t salt)
{
    static struct step step;
    step_init(&step, ops, supers, salt);
    for (uint64_t i = 0; i < test_rounds(6000); i++) {
        step_once(&step);
        if (i % 32 == 0)
            step_compare_pages(&step);
    }
    step_compare_pages(&step);
    print_message("%" PRIu64 " accesses allowed, %" PRIu64 " not\n", step.agreed, step.faulted);
    assert_true(step.agreed > 1000 && step.faulted > 1000);
    step_fini(&step);
}

static void
test_pages(void **state)
{
    step_run(*state, false, 1);
}

static void
test_superpages(void **state)
{
    step_run(*state, true, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_pages, (void *)(uintptr_t)&pmap_sv39),
        cmocka_unit_test_prestate(test_superpages, (void *)(uintptr_t)&pmap_sv39),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
