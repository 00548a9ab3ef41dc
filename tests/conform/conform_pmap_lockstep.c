/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on the reference pmap and on another one in lock step: the same calls on the
 * same pages, the same accesses by programs, and the same things to be seen after each.
 *
 * Without superpages everything is equal, but for the rights that a format gives always.  With them
 * a back end may, by P1, take more away than was asked (a whole superpage for one page of it) and,
 * by P2, take a whole run for modified: then what it maps is what ref maps, with no more rights,
 * and what ref knows to be modified it does too.  The same goes for a back end that may drop
 * mappings.
 */
#include "pmap_rig.h"

#include <inttypes.h>
#include <string.h>

#define SPACES 3
#define PAGES 48
#define SUPERS 3
#define SIZES 4 /* of superpages, at most */
#define ORDER_MOST 10u
#define WINDOWS 5
#define WINDOW_PAGES 1100u /* two tables and a bit */

struct step {
    struct rig rig[2]; /* ref, and the one under test */
    struct pmap *pmap[2][SPACES];
    struct mem_page *page[2][PAGES];
    struct mem_page *super[2][SIZES][SUPERS];
    unsigned order[SIZES], nsizes; /* of superpages, if there are to be any */
    uint64_t window[WINDOWS], end; /* of the addresses that both have */
    struct base_rng rng;
    bool loose;               /* it may have less than ref */
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
    uint64_t window = step->window[step_below(step, WINDOWS)];
    uint64_t page =
        step_below(step, 4) == 0 ? step_below(step, WINDOW_PAGES) : 505 + step_below(step, 14);
    return window + (page << PAGE_SHIFT);
}

/* Pages are numbered, the same on both sides, in the field that says where they are in an object.
 */
static uint64_t
step_index(const struct mem_page *page)
{
    return page == NULL ? UINT64_MAX : page->offset;
}

static struct mem_page *
step_alloc(struct rig *rig, unsigned order, uint64_t *number)
{
    struct mem_page *page = rig_page(rig, order);
    for (uint64_t i = 0; i < 1ull << order; i++)
        page[i].offset = (*number)++ & 0xffffffffu;
    return page;
}

/* What both can do. */
static void
step_common(struct step *step, bool supers)
{
    const struct pmap_caps *caps[2] = {&step->rig[0].caps, &step->rig[1].caps};
    unsigned orders = caps[0]->orders & caps[1]->orders;
    uint64_t end = caps[0]->va_end < caps[1]->va_end ? caps[0]->va_end : caps[1]->va_end;
    uint64_t windows[WINDOWS] = {
        0, 0x40000000 - (512u << PAGE_SHIFT), 0x50000000, end / 2, end - (1536u << PAGE_SHIFT)};
    memcpy(step->window, windows, sizeof windows);
    step->end = end;
    for (unsigned order = 1; supers && order <= ORDER_MOST; order++)
        if ((orders >> order & 1) != 0)
            step->order[step->nsizes++] = order;
    step->loose = step->nsizes != 0 || step->rig[1].backend->drops;
}

static void
step_init(struct step *step, const struct backend *backend, bool supers, uint64_t salt)
{
    const struct backend *sides[2] = {&backend_ref, backend};
    memset(step, 0, sizeof *step);
    test_rng_init(&step->rng, salt);
    for (int side = 0; side < 2; side++)
        rig_init(&step->rig[side], sides[side], 1000 + SUPERS * (2u << ORDER_MOST));
    step_common(step, supers);
    for (int side = 0; side < 2; side++) {
        struct rig *rig = &step->rig[side];
        uint64_t number = 1;
        for (unsigned i = 0; i < step->nsizes * SUPERS; i++)
            step->super[side][i / SUPERS][i % SUPERS] =
                step_alloc(rig, step->order[i / SUPERS], &number);
        for (int i = 0; i < PAGES; i++)
            step->page[side][i] = step_alloc(rig, 0, &number);
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
        for (unsigned i = 0; i < step->nsizes * SUPERS; i++)
            mem_free(&rig->env.mem, step->super[side][i / SUPERS][i % SUPERS]);
        for (int i = 0; i < PAGES; i++)
            mem_free(&rig->env.mem, step->page[side][i]);
        rig_fini(rig);
    }
}

/* Rights to ask for.  What every mapping has is always among them: a format that cannot tell
 * whether it was asked for keeps a mapping that ref would have to give up. */
static prot_t
step_prot(struct step *step)
{
    return step_prots[step_below(step, 5)] | (step->rig[1].caps.always & PROT_MASK_R);
}

static void
step_enter(struct step *step, uint64_t space)
{
    bool super = step->nsizes != 0 && step_below(step, 3) == 0;
    uint64_t size = super ? step_below(step, step->nsizes) : 0;
    unsigned order = super ? step->order[size] : 0;
    prot_t prot = step_prot(step);
    enum access access = prot == PROT_MASK_X ? ACCESS_EXEC : ACCESS_READ;
    if (prot_allows(prot, ACCESS_WRITE) && step_below(step, 3) == 0)
        access = ACCESS_WRITE;
    uint64_t first = step_below(step, super ? SUPERS : PAGES - 8);
    size_t n = 1 + step_below(step, super ? SUPERS - first : 8);
    uint64_t va = step_va(step) & ~(((uint64_t)PAGE_SIZE << order) - 1);
    if ((uint64_t)n << order > (step->end - va) >> PAGE_SHIFT)
        n = 1;
    for (int side = 0; side < 2; side++) {
        struct pmap *pmap = step->pmap[side][space];
        struct mem_page **pages = super ? step->super[side][size] : step->page[side];
        assert_int_equal(
            pmap->ops->enter(pmap, va, pages + first, n, order, prot, access, 0), PGW_OK);
    }
}

static void
step_range(struct step *step, uint64_t space)
{
    uint64_t va = step_va(step);
    uint64_t npages = step_below(step, 20) == 0 ? 1u << 20 : 1 + step_below(step, 12);
    prot_t prot = step_below(step, 2) == 0 ? PROT_MASK_NONE : step_prot(step);
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
    if (step->nsizes == 0 || pick % 3 != 0)
        return step->page[side][pick % PAGES];
    uint64_t size = pick / 3 % step->nsizes;
    return &step->super[side][size][pick / 7 % SUPERS][pick % (1u << step->order[size])];
}

static void
step_by_page(struct step *step, bool protect)
{
    uint64_t pick = step_below(step, 1u << 20);
    prot_t prot = step_below(step, 2) == 0 ? PROT_MASK_NONE : step_prot(step);
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
    if (!step->loose)
        assert_int_equal(told[0], told[1]);
}

/* Is the access one that ref refuses only because it knows no rights that are given always? */
static bool
step_always(struct step *step, uint64_t space, uint64_t va, enum access access)
{
    struct pmap *pmap = step->pmap[0][space];
    prot_t prot;
    return prot_allows(step->rig[1].caps.always, access) &&
           pmap->ops->extract(pmap, va, NULL, &prot) == PGW_OK && !prot_allows(prot, access);
}

/* A program of the space makes an access; ref sees it only if the other allowed it. */
static void
step_access(struct step *step)
{
    uint64_t space = step_below(step, SPACES), va = step_va(step);
    enum access access = (enum access)step_below(step, 3);
    if (step_always(step, space, va, access))
        access = ACCESS_WRITE;
    struct mem_page *other = rig_access(&step->rig[1], step->pmap[1][space], va, access);
    struct mem_page *ref = NULL;
    if (other != NULL || !step->loose)
        ref = rig_access(&step->rig[0], step->pmap[0][space], va, access);
    assert_int_equal(step_index(ref), step_index(other));
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
    if (step->loose && page[1] == NULL)
        return;
    assert_int_equal(step_index(page[0]), step_index(page[1]));
    if (step->loose)
        assert_int_equal(prot[1] & ~rig_given(&step->rig[1], prot[0]), 0);
    else if (page[0] != NULL)
        assert_int_equal(rig_given(&step->rig[1], prot[0]), prot[1]);
}

static void
step_compare_pages(struct step *step)
{
    for (uint64_t pick = 0; pick < 9ull * PAGES; pick++) {
        bool modified[2];
        for (int side = 0; side < 2; side++) {
            struct rig *rig = &step->rig[side];
            struct mem_page *page = step_page(step, side, pick);
            modified[side] = rig->ops->page_is_modified(rig->system, page);
        }
        assert_true(modified[1] || !modified[0]);
        if (!step->loose)
            assert_int_equal(modified[0], modified[1]);
    }
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < SPACES; i++)
            assert_true(step->rig[side].ops->check(step->pmap[side][i]));
    if (!step->loose)
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
step_run(const struct backend *backend, bool supers, uint64_t salt)
{
    static struct step step;
    step_init(&step, backend, supers, salt);
    for (uint64_t i = 0; i < test_rounds(4000); i++) {
        step_once(&step);
        if (i % 64 == 0)
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

static int
run_backend(const struct backend *backend)
{
    void *state = (void *)(uintptr_t)backend;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_pages, state),
        cmocka_unit_test_prestate(test_superpages, state),
    };
    print_message("%s\n", backend->name);
    return cmocka_run_group_tests_name(backend->name, tests, NULL, NULL);
}

int
main(void)
{
    const struct backend *backend;
    int failed = 0;
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++)
        failed += run_backend(backend);
    return failed;
}
