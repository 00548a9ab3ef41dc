/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contiguous core's model suite: random operations on up to MODEL_SPACES spaces, done to the
 * naive spaces and to the core, for every scheme and every way to place a partition.  Answers and
 * faults must be the naive ones, every byte the same, the core's invariants hold after each step.
 * The RAM is a fraction of what the spaces hold, so segments move and go to swap all the time.
 */
#include "support/test.h"

#include <string.h>

#include "model/seg_naive.h"
#include "unit/seg/seg_rig.h"

#define MODEL_SPACES 5u
#define FILE_PAGES 20u
#define FILE_KEY 1000000u
#define FRAMES 64u
#define SLOTS 4096u
#define STEPS 3000u
#define RW (PROT_MASK_R | PROT_MASK_W)

static const struct seg_rig_config configs[] = {
    {"none", SEG_NONE, NULL, 0, FRAMES, SLOTS, false, false, 0},
    {"none, slow device", SEG_NONE, NULL, 0, FRAMES, SLOTS, true, false, 0},
    {"none, no swap", SEG_NONE, NULL, 0, FRAMES, 0, false, false, 0},
    {"base-bounds, first fit", SEG_BASE_BOUNDS, &seg_fit_first, 0, FRAMES, SLOTS, false, false, 0},
    {"base-bounds, best fit", SEG_BASE_BOUNDS, &seg_fit_best, 0, FRAMES, SLOTS, false, false, 0},
    {"base-bounds, next fit", SEG_BASE_BOUNDS, &seg_fit_next, 0, FRAMES, SLOTS, true, false, 0},
    {"base-bounds, worst fit", SEG_BASE_BOUNDS, &seg_fit_worst, 0, FRAMES, SLOTS, false, true, 0},
    {"base-bounds, buddy", SEG_BASE_BOUNDS, &seg_fit_buddy, 0, FRAMES, SLOTS, false, false, 0},
    {"base-bounds, no swap", SEG_BASE_BOUNDS, &seg_fit_first, 0, FRAMES, 0, false, false, 0},
    {"segments, first fit", SEG_SEGMENTS, &seg_fit_first, 2, FRAMES, SLOTS, true, false, 0},
    {"segments, best fit, no compaction", SEG_SEGMENTS, &seg_fit_best, 2, FRAMES, SLOTS, false,
        true, 0},
    {"segments, next fit, 8 of them", SEG_SEGMENTS, &seg_fit_next, 3, FRAMES, SLOTS, false, false,
        0},
    {"segments, worst fit", SEG_SEGMENTS, &seg_fit_worst, 2, FRAMES, SLOTS, false, false, 0},
    {"segments, buddy", SEG_SEGMENTS, &seg_fit_buddy, 2, FRAMES, SLOTS, false, false, 0},
    {"none, pool", SEG_NONE, NULL, 0, FRAMES, SLOTS, false, false, 16},
    {"base-bounds, pool", SEG_BASE_BOUNDS, &seg_fit_first, 0, FRAMES, SLOTS, false, false, 24},
    {"segments, pool over a slow device", SEG_SEGMENTS, &seg_fit_best, 2, FRAMES, SLOTS, true,
        false, 8},
    {"segments, no swap", SEG_SEGMENTS, &seg_fit_first, 2, FRAMES, 0, false, false, 0},
};

struct model {
    struct base_rng rng;
    struct seg_rig rig;
    struct seg_naive *naive[MODEL_SPACES]; /* NULL: no such space */
    struct space *spaces[MODEL_SPACES];
    unsigned windows;
    int origins;
    uint64_t tight; /* operations that failed for want of room */
};

static unsigned
pick(struct model *model, unsigned n)
{
    return (unsigned)base_rng_below(&model->rng, n);
}

/* Where the pages that are looked at begin: the start of the window, or its end for the stack. */
static uint64_t
window_base(const struct model *model, unsigned w)
{
    uint64_t size = ((uint64_t)1 << 32) / model->windows;

    if (model->windows == 1)
        return 0x10000;
    if (w == model->windows - 1)
        return ((uint64_t)1 << 32) - SEG_NAIVE_PAGES * PAGE_SIZE;
    return w == 0 ? 0x10000 : w * size;
}

static uint64_t
va_of(const struct model *model, unsigned w, unsigned page)
{
    return window_base(model, w) + (uint64_t)page * PAGE_SIZE;
}

/* Which page an address is; false: not one that is looked at. */
static bool
page_of(const struct model *model, uint64_t va, unsigned *w, unsigned *page)
{
    for (*w = 0; *w < model->windows; (*w)++) {
        uint64_t base = window_base(model, *w);
        if (va >= base && va - base < SEG_NAIVE_PAGES * PAGE_SIZE) {
            *page = (unsigned)((va - base) >> PAGE_SHIFT);
            return true;
        }
    }
    return false;
}

static bool
is_stack(const struct model *model, unsigned w)
{
    return model->windows > 1 && w == model->windows - 1;
}

static void
pick_range(struct model *model, unsigned *w, unsigned *page, unsigned *n)
{
    *w = pick(model, model->windows);
    *page = pick(model, SEG_NAIVE_PAGES);
    *n = 1 + pick(model, pick(model, 4) == 0 ? SEG_NAIVE_PAGES : 6);
    if (*page + *n > SEG_NAIVE_PAGES)
        *n = SEG_NAIVE_PAGES - *page;
}

static prot_t
pick_prot(struct model *model)
{
    static const prot_t prots[] = {RW, RW, RW, PROT_MASK_R, PROT_MASK_R | PROT_MASK_X,
        PROT_MASK_ALL, PROT_MASK_NONE, PROT_MASK_W};

    return prots[pick(model, 8)];
}

/* Is a failure for want of room believable?  With swap it never is, but that a segment which must
 * stay can be in the middle of RAM, where nothing may be moved. */
static bool
may_be_tight(const struct model *model)
{
    return model->rig.config->swap_slots == 0 || model->rig.config->no_compaction;
}

static bool
is_tight(struct model *model, enum pgw_status status)
{
    if (!may_be_tight(model))
        return false;
    model->tight += status == PGW_NORAM;
    return status == PGW_NORAM;
}

/* The bounds of a window as the hardware has them, in pages. */
static bool
bounds(const struct model *model, unsigned s, unsigned w, unsigned *lo, unsigned *hi)
{
    const struct seg_naive_memory *memory = model->naive[s]->windows[w].memory;

    *lo = SEG_NAIVE_PAGES;
    *hi = 0;
    if (memory == NULL)
        return false;
    for (unsigned i = 0; i < MODEL_SPACES; i++) {
        if (model->naive[i] == NULL || model->naive[i]->windows[w].memory != memory)
            continue;
        for (unsigned page = 0; page < SEG_NAIVE_PAGES; page++) {
            if (!model->naive[i]->windows[w].pages[page].mapped)
                continue;
            *lo = page < *lo ? page : *lo;
            *hi = page + 1 > *hi ? page + 1 : *hi;
        }
    }
    return true;
}

/* Free for all who have the window's memory: where the core puts what may go anywhere. */
static bool
is_free_for_all(const struct model *model, unsigned s, unsigned w, unsigned page, unsigned n)
{
    const struct seg_naive_memory *memory = model->naive[s]->windows[w].memory;

    for (unsigned i = 0; i < MODEL_SPACES; i++)
        if (model->naive[i] != NULL && (i == s || model->naive[i]->windows[w].memory == memory) &&
            (i == s || memory != NULL) && !seg_naive_is_free(model->naive[i], w, page, n))
            return false;
    return true;
}

/* Has anybody else who shares the window's memory something there? */
static bool
is_others(const struct model *model, unsigned s, unsigned w, unsigned page, unsigned n)
{
    const struct seg_naive_memory *memory = model->naive[s]->windows[w].memory;

    for (unsigned i = 0; i < MODEL_SPACES && memory != NULL; i++)
        if (i != s && model->naive[i] != NULL && model->naive[i]->windows[w].memory == memory &&
            !seg_naive_is_free(model->naive[i], w, page, n))
            return true;
    return false;
}

/* --- operations --- */

static void
op_map(struct model *model, unsigned s)
{
    unsigned w, page, n;
    struct seg_naive *naive = model->naive[s];
    bool file = pick(model, 3) == 0;
    bool fixed = pick(model, 4) != 0;
    bool noreplace = fixed && pick(model, 3) == 0;
    unsigned first = file ? pick(model, FILE_PAGES) : 0;

    pick_range(model, &w, &page, &n);
    struct space_map_args args = {.va = fixed ? va_of(model, w, page) : 0,
        .len = (uint64_t)n * PAGE_SIZE,
        .prot = pick_prot(model),
        .flags = (fixed ? SPACE_FIXED : 0) | (noreplace ? SPACE_NOREPLACE : 0),
        .use = file ? SPACE_USE_FILE : SPACE_USE_ANON,
        .object = file ? model->rig.file : NULL,
        .offset = (uint64_t)first * PAGE_SIZE};
    if (fixed && is_stack(model, w) && pick(model, 2) == 0) {
        args.flags |= SPACE_GROWSDOWN;
        args.len_max = (uint64_t)(page + n) * PAGE_SIZE; /* to the first page looked at */
        args.use = SPACE_USE_STACK;
    }
    uint64_t va = 0;
    enum pgw_status status = model->spaces[s]->ops->map(model->spaces[s], &args, &va);
    if (is_tight(model, status))
        return;
    if (noreplace && !seg_naive_is_free(naive, w, page, n)) {
        assert_int_equal(status, PGW_EXIST);
        return;
    }
    if (fixed && is_others(model, s, w, page, n)) {
        assert_int_equal(status, PGW_NOSPACE);
        return;
    }
    assert_int_equal(status, PGW_OK);
    if (fixed)
        assert_true(va == args.va);
    else if (!page_of(model, va, &w, &page) || page + n > SEG_NAIVE_PAGES) {
        status = model->spaces[s]->ops->unmap(model->spaces[s], va, args.len);
        assert_int_equal(status, PGW_OK);
        if (page_of(model, va, &w, &page))
            model->naive[s]->windows[w].loose = false;
        return;
    }
    assert_true(fixed || is_free_for_all(model, s, w, page, n));
    bool pure = model->windows > 1 && naive->windows[w].memory == NULL && file &&
                (args.prot & PROT_MASK_W) == 0 && !is_stack(model, w);
    naive->windows[w].loose = pure;
    seg_naive_map(naive, w, page, n, args.prot, ++model->origins * (file ? -1 : 1),
        file ? FILE_KEY + first : 0, file ? FILE_PAGES - first : 0);
}

static void
op_unmap(struct model *model, unsigned s)
{
    unsigned w, page, n;

    pick_range(model, &w, &page, &n);
    assert_int_equal(model->spaces[s]->ops->unmap(
                         model->spaces[s], va_of(model, w, page), (uint64_t)n * PAGE_SIZE),
        PGW_OK);
    seg_naive_unmap(model->naive[s], w, page, n);
}

static void
op_protect(struct model *model, unsigned s)
{
    unsigned w, page, n;
    prot_t prot = pick_prot(model);

    pick_range(model, &w, &page, &n);
    enum pgw_status status = model->spaces[s]->ops->protect(
        model->spaces[s], va_of(model, w, page), (uint64_t)n * PAGE_SIZE, prot);
    if (is_tight(model, status))
        return;
    bool whole = seg_naive_is_mapped(model->naive[s], w, page, n);
    assert_int_equal(status, whole ? PGW_OK : PGW_NOTFOUND);
    if (!whole)
        return;
    for (unsigned i = page; i < page + n; i++)
        model->naive[s]->windows[w].pages[i].prot = prot;
    if ((prot & PROT_MASK_W) != 0)
        model->naive[s]->windows[w].loose = false;
}

static void
op_remap(struct model *model, unsigned s)
{
    unsigned w, page, n, to_w = 0, to = 0;
    struct seg_naive *naive = model->naive[s];
    unsigned new_n = 1 + pick(model, 8);
    bool fixed = pick(model, 2) == 0;
    bool may_move = fixed || pick(model, 2) == 0;

    pick_range(model, &w, &page, &n);
    if (!seg_naive_is_uniform(naive, w, page, n) || page + new_n > SEG_NAIVE_PAGES)
        return;
    if (naive->windows[w].pages[page].origin < 0 && new_n > n)
        return; /* more of the file: a unit test looks at that */
    if (fixed)
        pick_range(model, &to_w, &to, &n);
    if (fixed && (!seg_naive_is_uniform(naive, w, page, n) || to + new_n > SEG_NAIVE_PAGES))
        return;
    if (fixed && naive->windows[w].pages[page].origin < 0 && new_n > n)
        return;
    uint64_t va = va_of(model, to_w, to);
    bool overlap = fixed && to_w == w && to < page + n && page < to + new_n;
    bool behind_free = new_n <= n || is_free_for_all(model, s, w, page + n, new_n - n);
    enum pgw_status status = model->spaces[s]->ops->remap(model->spaces[s], va_of(model, w, page),
        (uint64_t)n * PAGE_SIZE, (uint64_t)new_n * PAGE_SIZE, may_move, fixed, &va);
    if (is_tight(model, status))
        return;
    if (overlap) {
        assert_int_equal(status, PGW_INVAL);
        return;
    }
    if (fixed && is_others(model, s, to_w, to, new_n)) {
        assert_int_equal(status, PGW_NOSPACE);
        return;
    }
    bool stays = !fixed && behind_free;
    if (stays && status == PGW_OK && va != va_of(model, w, page)) {
        assert_true(may_move && may_be_tight(model)); /* no room to grow, but a hole elsewhere */
        stays = false;
    }
    if (stays) {
        assert_int_equal(status, PGW_OK);
        if (new_n < n)
            seg_naive_unmap(naive, w, page + new_n, n - new_n);
        else if (new_n > n) {
            struct seg_naive_page first = naive->windows[w].pages[page];
            seg_naive_map(naive, w, page + n, new_n - n, first.prot, first.origin, 0, 0);
            naive->windows[w].loose = false;
        }
        return;
    }
    assert_int_equal(status, may_move ? PGW_OK : PGW_NOSPACE);
    if (!may_move)
        return;
    naive->windows[w].loose = false;
    if (!page_of(model, va, &to_w, &to) || to + new_n > SEG_NAIVE_PAGES) {
        assert_false(fixed);
        status = model->spaces[s]->ops->unmap(model->spaces[s], va, (uint64_t)new_n * PAGE_SIZE);
        assert_int_equal(status, PGW_OK);
        seg_naive_unmap(naive, w, page, n);
        return;
    }
    naive->windows[to_w].loose = false;
    seg_naive_move(naive, w, page, n, to_w, to, new_n);
    if (naive->windows[to_w].pages[to].origin >= 0)
        return;
    ++model->origins; /* no longer where the rest of its file mapping is */
    for (unsigned i = to; i < to + new_n; i++)
        naive->windows[to_w].pages[i].origin = -model->origins;
}

/* A stack has grown: takes over what it has now. */
static void
follow_growth(struct model *model, unsigned s, uint64_t va)
{
    struct space_region region;
    unsigned w, page;

    assert_true(model->spaces[s]->ops->find(model->spaces[s], va, &region));
    assert_true(region.start <= va && region.growsdown);
    assert_true(page_of(model, region.start, &w, &page));
    while (page < SEG_NAIVE_PAGES && !model->naive[s]->windows[w].pages[page].mapped)
        seg_naive_map(model->naive[s], w, page++, 1, region.prot, ++model->origins, 0, 0);
}

/* What an access must come to; false: it may come to either. */
static bool
predict(struct model *model, unsigned s, unsigned w, unsigned page, enum access access,
    bool hardware, enum space_fault *fault)
{
    const struct seg_naive_window *window = &model->naive[s]->windows[w];
    unsigned lo, hi;
    bool some = bounds(model, s, w, &lo, &hi);
    bool within = some && page >= lo && page < hi;
    prot_t rights = model->windows == 1 ? PROT_MASK_ALL : seg_naive_rights(model->naive[s], w);

    if (window->loose && !window->pages[page].mapped)
        return false;
    if (!within && model->rig.config->scheme == SEG_NONE && hardware)
        *fault = SPACE_FAULT_OK;
    else if (!within)
        *fault = SPACE_FAULT_MAPERR;
    else
        *fault = prot_allows(rights, access) ? SPACE_FAULT_OK : SPACE_FAULT_ACCERR;
    return true;
}

/* Compares, and for a write changes, some bytes of the page that an access has reached. */
static void
use_bytes(struct model *model, unsigned s, unsigned w, unsigned page, enum access access,
    unsigned char *bytes)
{
    if (!model->naive[s]->windows[w].pages[page].mapped)
        return;
    unsigned char *mine = model->naive[s]->windows[w].memory->bytes[page];
    assert_memory_equal(bytes, mine, PAGE_SIZE);
    if (access != ACCESS_WRITE)
        return;
    unsigned at = pick(model, PAGE_SIZE - 8);
    uint64_t word = base_rng_next(&model->rng);
    memcpy(bytes + at, &word, sizeof word);
    memcpy(mine + at, &word, sizeof word);
}

static void
op_access(struct model *model, unsigned s)
{
    unsigned w = pick(model, model->windows);
    unsigned page = pick(model, SEG_NAIVE_PAGES);
    enum access access = pick(model, 2) == 0   ? ACCESS_WRITE
                         : pick(model, 4) == 0 ? ACCESS_EXEC
                                               : ACCESS_READ;
    bool hardware = pick(model, 3) != 0;
    uint64_t va = va_of(model, w, page);
    enum space_fault expected;
    unsigned char *bytes;

    bool known = predict(model, s, w, page, access, hardware, &expected);
    enum space_fault fault =
        hardware ? seg_rig_page(&model->rig, model->spaces[s], va, access, &bytes)
                 : model->spaces[s]->ops->resolve(model->spaces[s], va, access, &bytes);
    if (fault == SPACE_FAULT_NOMEM && model->rig.config->swap_slots == 0) {
        model->tight++;
        return;
    }
    if (is_stack(model, w) && fault == SPACE_FAULT_OK && known && expected == SPACE_FAULT_MAPERR)
        follow_growth(model, s, va);
    else if (is_stack(model, w) && fault == SPACE_FAULT_ACCERR && expected == SPACE_FAULT_MAPERR)
        return; /* it could grow, but may not be used so */
    else if (known)
        assert_int_equal(fault, expected);
    if (fault == SPACE_FAULT_OK)
        use_bytes(model, s, w, page, access, bytes);
}

static void
op_fork(struct model *model, unsigned s)
{
    unsigned child = pick(model, MODEL_SPACES);

    if (model->naive[child] != NULL)
        return;
    enum pgw_status status = model->spaces[s]->ops->fork(model->spaces[s], &model->spaces[child]);
    if (is_tight(model, status))
        return;
    assert_int_equal(status, PGW_OK);
    model->naive[child] = seg_naive_fork(model->naive[s]);
}

static void
op_share(struct model *model, unsigned s)
{
    unsigned w, page, n;
    unsigned to = pick(model, MODEL_SPACES);
    struct space_region region;
    prot_t prot = pick_prot(model);

    pick_range(model, &w, &page, &n);
    uint64_t va = va_of(model, w, page);
    if (model->naive[to] == NULL || to == s || pick(model, 3) != 0)
        return;
    if (!model->spaces[s]->ops->find(model->spaces[s], va, &region))
        return;
    bool found = page_of(model, region.start, &w, &page);
    assert_true(found);
    uint64_t at = 0;
    enum pgw_status status =
        model->spaces[to]->ops->share(model->spaces[to], model->spaces[s], region.start, prot, &at);
    if (is_tight(model, status))
        return;
    bool empty = model->naive[to]->windows[w].memory == NULL;
    assert_int_equal(status, empty && !region.growsdown ? PGW_OK : PGW_UNSUPPORTED);
    if (status != PGW_OK)
        return;
    assert_true(at == region.start);
    seg_naive_share(model->naive[to], model->naive[s], w, page,
        (unsigned)((region.end - region.start) >> PAGE_SHIFT), prot);
}

static void
op_evict(struct model *model, unsigned s)
{
    unsigned w = pick(model, model->windows);
    enum pgw_status status = model->spaces[s]->ops->evict(
        model->spaces[s], va_of(model, w, pick(model, SEG_NAIVE_PAGES)));

    if (model->rig.config->swap_slots != 0)
        assert_true(status == PGW_OK || status == PGW_NOTFOUND);
}

static void
op_create(struct model *model, unsigned s)
{
    assert_int_equal(seg_space_create(model->rig.seg, &model->spaces[s]), PGW_OK);
    model->naive[s] = seg_naive_create();
}

static void
op_destroy(struct model *model, unsigned s)
{
    seg_rig_destroy(&model->rig, model->spaces[s]);
    seg_naive_destroy(model->naive[s]);
    model->naive[s] = NULL;
}

/* --- comparisons --- */

static void
compare_window(struct model *model, unsigned s, unsigned w)
{
    const struct seg_naive_window *window = &model->naive[s]->windows[w];

    for (unsigned page = 0; page < SEG_NAIVE_PAGES; page++) {
        struct space_page found;
        unsigned char *bytes;
        uint64_t va = va_of(model, w, page);
        model->spaces[s]->ops->page(model->spaces[s], va, &found);
        assert_int_equal(found.state != SPACE_PAGE_UNMAPPED, window->pages[page].mapped);
        if (!window->pages[page].mapped)
            continue;
        if (found.state == SPACE_PAGE_RESIDENT) {
            assert_memory_equal(mem_page_bytes(&model->rig.env.mem, found.page),
                window->memory->bytes[page], PAGE_SIZE);
        } else if (model->windows == 1 || prot_allows(seg_naive_rights(model->naive[s], w), 0)) {
            enum space_fault fault =
                model->spaces[s]->ops->resolve(model->spaces[s], va, ACCESS_READ, &bytes);
            if (fault == SPACE_FAULT_NOMEM && model->rig.config->swap_slots == 0)
                continue; /* pure code that was dropped, and no room to read it again */
            assert_int_equal(fault, SPACE_FAULT_OK);
            assert_memory_equal(bytes, window->memory->bytes[page], PAGE_SIZE);
        }
    }
}

static void
compare_all(struct model *model)
{
    for (unsigned s = 0; s < MODEL_SPACES; s++)
        for (unsigned w = 0; model->naive[s] != NULL && w < model->windows; w++)
            compare_window(model, s, w);
}

/* --- the run --- */

static void
step(struct model *model)
{
    static void (*const ops[])(struct model *, unsigned) = {op_map, op_map, op_map, op_unmap,
        op_unmap, op_protect, op_remap, op_access, op_access, op_access, op_access, op_access,
        op_access, op_fork, op_share, op_evict};
    unsigned s = pick(model, MODEL_SPACES);

    if (model->naive[s] == NULL && pick(model, 8) == 0)
        op_create(model, s); /* not at once: a fork may take the place */
    else if (model->naive[s] == NULL)
        return;
    else if (pick(model, 60) == 0)
        op_destroy(model, s);
    else if (pick(model, 80) == 0)
        seg_compact(model->rig.seg);
    else
        ops[pick(model, sizeof ops / sizeof ops[0])](model, s);
}

static void
run(const struct seg_rig_config *config, uint64_t salt)
{
    struct model model = {.windows = config->scheme == SEG_SEGMENTS ? 1u << config->bits : 1};
    struct seg_stats stats;

    test_rng_init(&model.rng, salt);
    seg_rig_init(&model.rig, config);
    assert_int_equal(seg_rig_add_file(&model.rig, FILE_PAGES, FILE_KEY), PGW_OK);
    uint64_t steps = test_rounds(STEPS);
    for (uint64_t i = 0; i < steps; i++) {
        step(&model);
        if (!seg_check(model.rig.seg))
            fail_msg(
                "%s: an invariant is broken after step %llu", config->name, (unsigned long long)i);
        if (i % 50 == 0)
            compare_all(&model);
    }
    compare_all(&model);
    seg_stats(model.rig.seg, &stats);
    print_message(
        "%s: %llu segments out, %llu in, %llu compactions moved %llu pages, grown %llu in "
        "place and %llu by moving, %llu copied, %llu without room\n",
        config->name, (unsigned long long)stats.segments_out, (unsigned long long)stats.segments_in,
        (unsigned long long)stats.compactions, (unsigned long long)stats.moved,
        (unsigned long long)stats.grown_in_place, (unsigned long long)stats.grown_by_moving,
        (unsigned long long)stats.copied, (unsigned long long)model.tight);
    if (config->swap_slots != 0)
        assert_true(stats.segments_out > 0 && stats.segments_in > 0);
    for (unsigned s = 0; s < MODEL_SPACES; s++)
        if (model.naive[s] != NULL)
            op_destroy(&model, s);
    seg_rig_fini(&model.rig);
}

static void
test_model(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof configs / sizeof configs[0]; i++)
        run(&configs[i], i);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};

    return cmocka_run_group_tests_name("seg model", tests, NULL, NULL);
}
