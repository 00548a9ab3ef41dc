/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of replay against a naive model: an array of places for each process, searched from the
 * front. */
#include "replay/pages.h"

#include <string.h>

#include "host/host_mem.h"
#include "support/test.h"

#define PROCESSES 5u
#define PLACES 40u
#define OBJECTS 4000u
#define PAGES 60000u
#define NONE UINT32_MAX

struct place {
    uint32_t page;
    uint32_t object, offset; /* of a shared mapping; NONE */
};

struct model {
    struct place place[PROCESSES][PLACES];
    uint32_t shared[OBJECTS][PLACES]; /* pages of shared mappings */
    uint32_t nobjects, npages;
    bool gone[PAGES];
    uint32_t left[PROCESSES][PLACES]; /* told since the last event: the page, plus 1 */
};

static void
model_clear(struct model *model, unsigned process, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        model->place[process][i] = (struct place){NONE, NONE, 0};
}

static struct model *
model_new(void)
{
    static struct model model;

    memset(&model, 0, sizeof model);
    memset(model.shared, 0xff, sizeof model.shared);
    for (unsigned p = 0; p < PROCESSES; p++)
        model_clear(&model, p, 0, PLACES);
    return &model;
}

static unsigned
model_holders(const struct model *model, uint32_t page)
{
    unsigned n = 0;

    for (unsigned p = 0; p < PROCESSES; p++)
        for (unsigned i = 0; i < PLACES; i++)
            n += model->place[p][i].page == page;
    return n;
}

static uint32_t
model_touch(struct model *model, unsigned process, unsigned i, bool write)
{
    struct place *place = &model->place[process][i];

    if (place->object != NONE) {
        uint32_t *page = &model->shared[place->object][place->offset];
        if (*page == NONE)
            *page = model->npages++;
        return *page;
    }
    if (place->page == NONE || (write && model_holders(model, place->page) > 1))
        place->page = model->npages++;
    return place->page;
}

/* Is the page of some place, or of a mapping that is mapped somewhere? */
static bool
model_lives(const struct model *model, uint32_t page)
{
    if (model_holders(model, page) > 0)
        return true;
    for (uint32_t o = 0; o < model->nobjects; o++) {
        bool mapped = false, has = false;
        for (unsigned i = 0; i < PLACES; i++)
            has = has || model->shared[o][i] == page;
        for (unsigned p = 0; p < PROCESSES && has; p++)
            for (unsigned i = 0; i < PLACES; i++)
                mapped = mapped || model->place[p][i].object == o;
        if (mapped && has)
            return true;
    }
    return false;
}

static void
model_event(struct model *model, const struct pgw_event *event)
{
    unsigned p = event->process, first = (unsigned)(event->va >> 12);
    unsigned end = first + (unsigned)(event->len >> 12), to = (unsigned)(event->other >> 12);
    struct place moved[PLACES];

    switch (event->kind) {
    case PGW_EVENT_MAP:
        model_clear(model, p, first, end);
        if ((event->prot & PGW_EVENT_SHARED) == 0)
            break;
        for (unsigned i = first; i < end; i++)
            model->place[p][i] = (struct place){NONE, model->nobjects, i - first};
        model->nobjects++;
        break;
    case PGW_EVENT_UNMAP:
        model_clear(model, p, first, end);
        break;
    case PGW_EVENT_DISCARD:
        for (unsigned i = first; i < end; i++)
            model->place[p][i].page = NONE;
        break;
    case PGW_EVENT_MOVE:
        memcpy(moved, &model->place[p][first], (end - first) * sizeof moved[0]);
        model_clear(model, p, first, end);
        memcpy(&model->place[p][to], moved, (end - first) * sizeof moved[0]);
        break;
    case PGW_EVENT_FORK:
        memcpy(model->place[event->other], model->place[p], sizeof model->place[p]);
        break;
    case PGW_EVENT_EXEC:
    case PGW_EVENT_EXIT:
        model_clear(model, p, 0, PLACES);
        break;
    default:
        break;
    }
}

static void
note_gone(void *ctx, uint32_t page)
{
    struct model *model = ctx;

    assert_true(page < model->npages);
    assert_false(model->gone[page]);
    model->gone[page] = true;
}

/* A page that is left is not gone, or not yet. */
static void
note_left(void *ctx, uint32_t page, uint32_t process, uint64_t vpn)
{
    struct model *model = ctx;

    assert_true(page < model->npages && !model->gone[page]);
    if (process < PROCESSES && vpn < PLACES)
        model->left[process][vpn] = page + 1;
}

static enum pgw_status
pages_event(struct replay_pages *pages, const struct pgw_event *event, struct model *model)
{
    const struct replay_told told = {.gone = note_gone, .left = note_left, .ctx = model};

    return replay_pages_event(pages, event, &told);
}

/* What was at a place before the event, and is there no more, is gone or has been left; and only
 * that. */
static void
check_left(struct model *model, const struct pgw_event *event,
    const struct place before[PROCESSES][PLACES])
{
    for (unsigned p = 0; p < PROCESSES; p++) {
        for (unsigned i = 0; i < PLACES; i++) {
            uint32_t was = before[p][i].page, left = model->left[p][i];
            /* A process that a fork makes leaves what the one of its number had. */
            bool stays = was == model->place[p][i].page &&
                         (event->kind != PGW_EVENT_FORK || event->other != p);
            if (was != NONE && !model->gone[was])
                assert_int_equal(left, stays ? 0 : was + 1);
        }
    }
    memset(model->left, 0, sizeof model->left);
}

static struct pgw_event
random_event(struct base_rng *rng)
{
    struct pgw_event event = {.kind = (enum pgw_event_kind)base_rng_below(rng, PGW_EVENT_KINDS),
        .process = (uint32_t)base_rng_below(rng, PROCESSES)};
    unsigned half = PLACES / 2;
    uint64_t first = base_rng_below(rng, half), len = base_rng_below(rng, half - first) + 1;

    event.va = first << 12;
    event.len = len << 12;
    event.other = (half + base_rng_below(rng, half - len + 1)) << 12;
    if (event.kind == PGW_EVENT_MOVE && base_rng_below(rng, 2) == 0) {
        uint64_t down = event.va;
        event.va = event.other;
        event.other = down;
    }
    if (event.kind == PGW_EVENT_FORK) {
        do {
            event.other = base_rng_below(rng, PROCESSES);
        } while (event.other == event.process);
    }
    if (event.kind == PGW_EVENT_MAP && base_rng_below(rng, 2) == 0)
        event.prot = PGW_EVENT_SHARED;
    return event;
}

/* Random references and events: the same page numbers, and the same pages are gone. */
static void
pages_are_the_models(void **state)
{
    struct base_alloc alloc;
    struct base_rng rng;
    (void)state;

    test_rng_init(&rng, 1);
    for (uint64_t round = test_rounds(20); round > 0; round--) {
        struct model *model = model_new();
        struct replay_pages *pages;
        host_alloc_init(&alloc, NULL);
        assert_int_equal(replay_pages_create(&alloc, 4096, &pages), PGW_OK);
        for (unsigned i = 0; i < 4000; i++) {
            if (base_rng_below(&rng, 12) == 0) {
                struct pgw_event event = random_event(&rng);
                struct place before[PROCESSES][PLACES];
                memcpy(before, model->place, sizeof before);
                model_event(model, &event);
                assert_int_equal(pages_event(pages, &event, model), PGW_OK);
                for (uint32_t page = 0; page < model->npages; page++)
                    assert_int_equal(model->gone[page], !model_lives(model, page));
                check_left(model, &event, before);
                continue;
            }
            unsigned process = (unsigned)base_rng_below(&rng, PROCESSES);
            unsigned at = (unsigned)base_rng_below(&rng, PLACES);
            bool write = base_rng_below(&rng, 2) == 0;
            struct pgw_ref ref = {.va = (uint64_t)at << 12 | 8,
                .process = process,
                .size = 4,
                .kind = write ? PGW_REF_WRITE : PGW_REF_READ,
                .count = 1};
            struct policy_touch touch[2];
            size_t done, n;
            assert_int_equal(replay_pages_touch(pages, &ref, 1, touch, &done, &n), PGW_OK);
            assert_int_equal(done, 1);
            assert_int_equal(n, 1);
            assert_int_equal(touch[0].page, model_touch(model, process, at, write));
            assert_int_equal(touch[0].write, write);
            assert_int_equal(replay_pages_count(pages), model->npages);
        }
        replay_pages_destroy(pages);
        assert_int_equal(alloc.mapped, 0);
    }
}

static void
touch_all(struct replay_pages *pages, const struct pgw_ref *refs, size_t n,
    struct policy_touch *touch, size_t ntouch)
{
    size_t done, got;

    assert_int_equal(replay_pages_touch(pages, refs, n, touch, &done, &got), PGW_OK);
    assert_int_equal(done, n);
    assert_int_equal(got, ntouch);
}

static void
a_reference_across_a_boundary_is_two(void **state)
{
    const struct pgw_ref refs[] = {{.va = 4094, .process = 1, .size = 4, .kind = 1, .count = 1},
        {.va = 4092, .process = 1, .size = 4, .kind = 2, .count = 1},
        {.va = 8191, .process = 1, .size = 0, .kind = 4, .count = 7, .writes = 2, .fetches = 4},
        {.va = UINT64_MAX, .process = 1, .size = 8, .kind = 3, .count = 1}};
    struct policy_touch touch[8];
    struct replay_totals totals;
    struct replay_pages *pages;
    struct base_alloc alloc;
    (void)state;

    host_alloc_init(&alloc, NULL);
    assert_int_equal(replay_pages_create(&alloc, 4096, &pages), PGW_OK);
    touch_all(pages, refs, 4, touch, 5);
    const uint32_t expected[] = {0, 1, 0, 1, 2};
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(touch[i].page, expected[i]);
    assert_int_equal(touch[2].first, POLICY_TOUCH_WRITE);
    assert_int_equal(touch[3].first, POLICY_TOUCH_FETCH);
    assert_int_equal(touch[3].count, 7);
    assert_int_equal(touch[3].write, 1);
    assert_int_equal(touch[4].first, POLICY_TOUCH_WRITE);
    replay_pages_totals(pages, &totals);
    assert_int_equal(totals.references, 11);
    assert_int_equal(totals.reads, 3);
    assert_int_equal(totals.writes, 4);
    assert_int_equal(totals.fetches, 4);
    uint32_t process;
    uint64_t va;
    replay_pages_place(pages, 1, &process, &va);
    assert_int_equal(va, 4096);
    replay_pages_destroy(pages);
}

/* Where pages are small a reference may lie in many, and a run cannot be taken apart. */
static void
small_pages_are_several(void **state)
{
    const struct pgw_ref refs[] = {{.va = 1000, .process = 1, .size = 4096, .kind = 1, .count = 1},
        {.va = 512, .process = 1, .size = 513, .kind = 2, .count = 1},
        {.va = UINT64_MAX - 511, .process = 1, .size = 4096, .kind = 3, .count = 1},
        {.va = 4096, .process = 1, .kind = 1, .count = 2},
        {.va = 0, .process = 1, .kind = 1, .count = 1}};
    struct policy_touch touch[5 * 9];
    struct replay_pages *pages;
    struct replay_totals totals;
    struct base_alloc alloc;
    size_t done, n;
    (void)state;

    host_alloc_init(&alloc, NULL);
    assert_int_equal(replay_pages_create(&alloc, 512, &pages), PGW_OK);
    assert_int_equal(replay_pages_spread(pages), 9);
    assert_int_equal(replay_pages_touch(pages, refs, 5, touch, &done, &n), PGW_INVAL);
    assert_int_equal(done, 3);
    assert_int_equal(n, 9 + 2 + 1);
    for (uint32_t i = 0; i < 9; i++)
        assert_int_equal(touch[i].page, i);
    assert_int_equal(touch[9].page, 0);
    assert_int_equal(touch[10].page, 1);
    assert_int_equal(touch[11].page, 9);
    replay_pages_totals(pages, &totals);
    assert_int_equal(totals.references, 12);
    assert_int_equal(totals.reads, 9);
    assert_int_equal(totals.writes, 3);
    replay_pages_destroy(pages);
}

/* Pages of 4096 bytes that process 1 has referred to, and shares with its child, 2. */
static struct replay_pages *
pages_after_fork(struct base_alloc *alloc, const struct pgw_ref *before)
{
    const struct pgw_event fork = {.kind = PGW_EVENT_FORK, .process = 1, .other = 2};
    struct policy_touch touch[2];
    struct replay_pages *pages;

    host_alloc_init(alloc, NULL);
    assert_int_equal(replay_pages_create(alloc, 4096, &pages), PGW_OK);
    touch_all(pages, before, 1, touch, 1);
    assert_int_equal(pages_event(pages, &fork, model_new()), PGW_OK);
    return pages;
}

/* A single one is what its kind says, and never nothing, which would be a mark. */
static void
a_single_reference_is_of_its_kind(void **state)
{
    const struct pgw_ref refs[] = {{.va = 0, .process = 1, .size = 4, .kind = 2, .count = 1},
        {.va = 0, .process = 2, .size = 4, .kind = 1, .count = 1, .writes = 1}};
    struct policy_touch touch[2];
    struct replay_pages *pages;
    struct base_alloc alloc;
    (void)state;

    pages = pages_after_fork(&alloc, &refs[0]);
    touch_all(pages, &refs[1], 1, touch, 1);
    assert_int_equal(touch[0].page, 0);
    assert_int_equal(touch[0].count, 1);
    assert_int_equal(touch[0].write, 0);
    replay_pages_destroy(pages);
}

/* A run in which a page that a fork shared comes to be written: first the old page, then the new.
 */
static void
a_run_that_writes_after_a_fork_is_two(void **state)
{
    const struct pgw_ref before = {.va = 0, .process = 1, .kind = 1, .count = 1};
    const struct pgw_ref run = {.va = 0, .process = 2, .kind = 1, .count = 9, .writes = 3};
    struct policy_touch touch[2];
    struct replay_pages *pages;
    struct base_alloc alloc;
    (void)state;

    pages = pages_after_fork(&alloc, &before);
    touch_all(pages, &run, 1, touch, 2);
    assert_int_equal(touch[0].page, 0);
    assert_int_equal(touch[0].count, 1);
    assert_int_equal(touch[0].write, 0);
    assert_int_equal(touch[1].page, 1);
    assert_int_equal(touch[1].count, 8);
    assert_int_equal(touch[1].first, POLICY_TOUCH_WRITE);
    touch_all(pages, &run, 1, touch, 1); /* it is its own now */
    assert_int_equal(touch[0].page, 1);
    replay_pages_destroy(pages);
}

static void
expect_place(struct replay_pages *pages, uint32_t page, uint32_t process, uint64_t va)
{
    uint32_t is_process;
    uint64_t is_va;

    replay_pages_place(pages, page, &is_process, &is_va);
    assert_int_equal(is_process, process);
    assert_int_equal(is_va, va);
}

/* A page that its first owner has no more is named by who has it: the two of a copy have two names.
 */
static void
a_page_is_named_by_who_has_it(void **state)
{
    const struct pgw_ref first = {.va = 0, .process = 1, .kind = 1, .count = 1};
    const struct pgw_ref second = {.va = 8192, .process = 1, .kind = 2, .count = 1};
    const struct pgw_ref write = {.va = 0, .process = 1, .kind = 2, .count = 1};
    const struct pgw_event fork = {.kind = PGW_EVENT_FORK, .process = 1, .other = 3};
    const struct pgw_event move = {
        .kind = PGW_EVENT_MOVE, .process = 1, .va = 8192, .len = 4096, .other = 4096};
    const struct pgw_event leave = {.kind = PGW_EVENT_EXEC, .process = 1};
    struct policy_touch touch[2];
    struct base_alloc alloc;
    struct replay_pages *pages = pages_after_fork(&alloc, &first);
    (void)state;

    expect_place(pages, 0, 1, 0);
    touch_all(pages, &write, 1, touch, 1); /* page 1 */
    expect_place(pages, 0, 2, 0);
    expect_place(pages, 1, 1, 0);
    touch_all(pages, &second, 1, touch, 1); /* page 2 */
    struct model *model = model_new();
    model->npages = 3;
    assert_int_equal(pages_event(pages, &move, model), PGW_OK);
    expect_place(pages, 2, 1, 4096);
    assert_int_equal(pages_event(pages, &fork, model), PGW_OK);
    assert_int_equal(pages_event(pages, &leave, model), PGW_OK);
    expect_place(pages, 1, 3, 0);
    expect_place(pages, 2, 3, 4096);
    assert_false(model->gone[0] || model->gone[1] || model->gone[2]);
    replay_pages_destroy(pages);
}

/* Far apart, many, and gone again: the table grows, and removal keeps what is left findable. */
static void
tables_hold_places_of_all_kinds(void **state)
{
    struct base_alloc alloc;
    struct base_rng rng;
    struct replay_pages *pages;
    struct policy_touch touch[2];
    static struct model model;
    const uint64_t n = 50000;
    (void)state;

    host_alloc_init(&alloc, NULL);
    memset(&model, 0, sizeof model);
    model.npages = PAGES;
    assert_int_equal(replay_pages_create(&alloc, 512, &pages), PGW_OK);
    for (unsigned lap = 0; lap < 2; lap++) {
        test_rng_init(&rng, 2);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t va = i % 3 == 0 ? i * 512 : i % 3 == 1 ? base_rng_next(&rng) : i << 30;
            struct pgw_ref ref = {.va = va, .process = 7, .kind = 1, .count = 1};
            touch_all(pages, &ref, 1, touch, 1);
            assert_int_equal(touch[0].page, i);
        }
        if (lap == 0)
            assert_true(replay_pages_bytes(pages) / n < 64);
    }
    const struct pgw_event unmap = {.kind = PGW_EVENT_UNMAP, .process = 7, .va = 0, .len = n * 512};
    assert_int_equal(pages_event(pages, &unmap, &model), PGW_OK);
    test_rng_init(&rng, 2);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t va = i % 3 == 0 ? i * 512 : i % 3 == 1 ? base_rng_next(&rng) : i << 30;
        struct pgw_ref ref = {.va = va, .process = 7, .kind = 1, .count = 1};
        touch_all(pages, &ref, 1, touch, 1);
        if (model.gone[i])
            assert_true(touch[0].page >= n);
        else
            assert_int_equal(touch[0].page, i);
        assert_int_equal(model.gone[i], va < n * 512);
    }
    replay_pages_destroy(pages);
    assert_int_equal(alloc.mapped, 0);
}

struct torture {
    struct base_alloc *alloc;
};

/* Any allocation may fail: then nothing is lost but the rest of the trace. */
static void
torture_body(void *ctx)
{
    struct base_alloc *alloc = ctx;
    struct replay_pages *pages;
    struct base_rng rng;
    static struct policy_touch touch[2];
    static struct model model;
    size_t done, n;
    enum pgw_status status = PGW_OK;

    memset(&model, 0, sizeof model);
    model.npages = PAGES;
    base_rng_init(&rng, 5);
    if (replay_pages_create(alloc, 4096, &pages) != PGW_OK)
        return;
    for (unsigned i = 0; i < 3000 && status == PGW_OK; i++) {
        struct pgw_event event = random_event(&rng);
        struct pgw_ref ref = {.va = base_rng_below(&rng, 4000) << 12,
            .process = (uint32_t)base_rng_below(&rng, PROCESSES),
            .kind = (uint8_t)(1 + base_rng_below(&rng, 2)),
            .count = 1};
        status = i % 50 == 0 ? pages_event(pages, &event, &model)
                             : replay_pages_touch(pages, &ref, 1, touch, &done, &n);
    }
    assert_true(status == PGW_OK || status == PGW_NOMEM);
    replay_pages_destroy(pages);
    assert_int_equal(alloc->mapped, 0);
}

static void
no_memory_is_an_ordinary_result(void **state)
{
    struct base_inject inject = {0};
    struct base_alloc alloc;
    (void)state;

    host_alloc_init(&alloc, &inject);
    assert_true(test_each_failure(&inject, INJECT_MAP, false, torture_body, &alloc) > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_the_models),
        cmocka_unit_test(a_reference_across_a_boundary_is_two),
        cmocka_unit_test(small_pages_are_several),
        cmocka_unit_test(a_single_reference_is_of_its_kind),
        cmocka_unit_test(a_run_that_writes_after_a_fork_is_two),
        cmocka_unit_test(a_page_is_named_by_who_has_it),
        cmocka_unit_test(tables_hold_places_of_all_kinds),
        cmocka_unit_test(no_memory_is_an_ordinary_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
