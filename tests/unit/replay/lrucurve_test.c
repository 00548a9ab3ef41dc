/* SPDX-License-Identifier: BSD-2-Clause */
/* Curves against memories that are simulated one by one, each a list that is searched. */
#include "replay/lrucurve.h"

#include <stdlib.h>
#include <string.h>

#include "host/host_mem.h"
#include "replay/lrustack.h"
#include "replay_traces.h"
#include "support/test.h"

/* LRU memory of some frames: pages by their last use, latest first. */
struct naive {
    unsigned frames, n;
    uint32_t page[TRACES_PAGES];
    bool dirty[TRACES_PAGES];
    uint64_t misses, writebacks;
};

static void
naive_take_out(struct naive *naive, unsigned at)
{
    memmove(&naive->page[at], &naive->page[at + 1], (naive->n - at - 1) * sizeof naive->page[0]);
    memmove(&naive->dirty[at], &naive->dirty[at + 1], (naive->n - at - 1) * sizeof(bool));
    naive->n--;
}

static unsigned
naive_find(const struct naive *naive, uint32_t page)
{
    unsigned at = 0;
    while (at < naive->n && naive->page[at] != page)
        at++;
    return at;
}

static void
naive_use(struct naive *naive, uint32_t page, bool write)
{
    unsigned at = naive_find(naive, page);
    bool dirty = write;

    if (at < naive->n) {
        dirty |= naive->dirty[at];
        naive_take_out(naive, at);
    } else {
        naive->misses++;
        if (naive->n == naive->frames) {
            naive->writebacks += naive->dirty[naive->n - 1];
            naive->n--;
        }
    }
    memmove(&naive->page[1], &naive->page[0], naive->n * sizeof naive->page[0]);
    memmove(&naive->dirty[1], &naive->dirty[0], naive->n * sizeof(bool));
    naive->page[0] = page;
    naive->dirty[0] = dirty;
    naive->n++;
}

/* A page that is gone while it is dirty is not written back. */
static void
naive_forget(struct naive *naive, uint32_t page)
{
    unsigned at = naive_find(naive, page);
    if (at < naive->n)
        naive_take_out(naive, at);
}

static void
naive_run(struct naive *naive, const struct traces_step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (steps[i].gone)
            naive_forget(naive, steps[i].touch.page);
        else
            naive_use(naive, steps[i].touch.page, steps[i].touch.write);
    }
}

/* The steps, with uses in batches between the pages that go. */
static struct lrucurve *
curve_run(struct base_alloc *alloc, const struct traces_step *steps, size_t n)
{
    struct policy_touch touch[TRACES_STEPS];
    struct lrucurve *curve;
    size_t batch = 0;

    assert_int_equal(lrucurve_create(alloc, &curve), PGW_OK);
    for (size_t i = 0; i < n; i++) {
        if (!steps[i].gone)
            touch[batch++] = steps[i].touch;
        if (steps[i].gone || i + 1 == n || batch == 3000) {
            assert_int_equal(lrucurve_use(curve, touch, batch, TRACES_PAGES), PGW_OK);
            batch = 0;
        }
        if (steps[i].gone)
            assert_int_equal(lrucurve_forget(curve, steps[i].touch.page), PGW_OK);
    }
    lrucurve_finish(curve);
    return curve;
}

/* Misses and write-backs in memory of this many frames. */
static void
curve_at(const struct lrucurve *curve, uint64_t frames, uint64_t *misses, uint64_t *writebacks)
{
    struct lrucurve_distances distances;

    lrucurve_distances(curve, &distances);
    *misses = distances.uses[0];
    *writebacks = 0;
    for (uint64_t d = frames + 1; d <= distances.depth; d++) {
        *misses += distances.uses[d];
        *writebacks += distances.backs[d];
    }
}

static void
curve_expect(struct base_alloc *alloc, const struct traces_step *steps, size_t n)
{
    struct lrucurve *curve = curve_run(alloc, steps, n);
    struct naive *naive = calloc(1, sizeof *naive);

    assert_non_null(naive);
    for (unsigned frames = 1; frames <= TRACES_PAGES; frames += frames < 40 ? 1 : 7) {
        uint64_t misses, writebacks;
        memset(naive, 0, sizeof *naive);
        naive->frames = frames;
        naive_run(naive, steps, n);
        curve_at(curve, frames, &misses, &writebacks);
        if (misses != naive->misses || writebacks != naive->writebacks)
            fail_msg("%u frames: %llu misses, %llu write-backs instead of %llu, %llu", frames,
                (unsigned long long)misses, (unsigned long long)writebacks,
                (unsigned long long)naive->misses, (unsigned long long)naive->writebacks);
    }
    free(naive);
    lrucurve_destroy(curve);
}

static void
every_size_is_as_simulated(void **state)
{
    struct traces_step *steps = calloc(TRACES_STEPS, sizeof *steps);
    struct base_alloc alloc;
    struct base_rng rng;
    (void)state;

    assert_non_null(steps);
    test_rng_init(&rng, 1);
    host_alloc_init(&alloc, NULL);
    for (unsigned kind = 0; kind < TRACES_KINDS; kind++) {
        for (unsigned gone = 0; gone <= 1; gone++) {
            for (uint64_t round = test_rounds(2); round > 0; round--) {
                size_t n = traces_make(kind, gone * 8, &rng, steps);
                curve_expect(&alloc, steps, n);
            }
        }
    }
    free(steps);
    assert_int_equal(alloc.mapped, 0);
}

/* Runs of references to one page are hits but for the first. */
static void
runs_are_hits(void **state)
{
    struct policy_touch touch[] = {
        {.page = 0, .count = 5}, {.page = 1, .count = 1}, {.page = 0, .count = 65535, .write = 1}};
    struct lrucurve_distances distances;
    struct base_alloc alloc;
    struct lrucurve *curve;
    (void)state;

    host_alloc_init(&alloc, NULL);
    assert_int_equal(lrucurve_create(&alloc, &curve), PGW_OK);
    assert_int_equal(lrucurve_use(curve, touch, 3, 2), PGW_OK);
    lrucurve_finish(curve);
    lrucurve_distances(curve, &distances);
    assert_int_equal(distances.depth, 2);
    assert_int_equal(distances.uses[0], 2);
    assert_int_equal(distances.uses[1], 4 + 65534);
    assert_int_equal(distances.uses[2], 1);
    assert_int_equal(distances.references, 5 + 1 + 65535);
    lrucurve_destroy(curve);
}

/* Many pages: the sums over lines, slots moved together, and more slots than at first. */
static void
distances_over_many_lines(void **state)
{
    const uint32_t pages = 60000;
    struct policy_touch *touch = calloc(pages, sizeof *touch);
    uint32_t *distance = calloc(pages, sizeof *distance);
    struct base_alloc alloc;
    struct lrustack *stack;
    (void)state;

    assert_non_null(touch);
    assert_non_null(distance);
    host_alloc_init(&alloc, NULL);
    assert_int_equal(lrustack_create(&alloc, &stack), PGW_OK);
    for (uint32_t i = 0; i < pages; i++)
        touch[i] = (struct policy_touch){.page = i, .count = 1};
    for (unsigned round = 0; round < 10; round++) {
        assert_int_equal(lrustack_use(stack, touch, pages, pages, distance), PGW_OK);
        for (uint32_t i = 0; i < pages; i++)
            assert_int_equal(distance[i], round == 0 ? LRUSTACK_FIRST : pages);
        assert_true(lrustack_check(stack));
    }
    /* Backwards: the i-th from the end has 2 i less one above it. */
    for (uint32_t i = 0; i < pages; i++)
        touch[i].page = pages - 1 - i;
    assert_int_equal(lrustack_use(stack, touch, pages, pages, distance), PGW_OK);
    for (uint32_t i = 0; i < pages; i++)
        assert_int_equal(distance[i], i + 1);
    for (uint32_t i = 0; i < pages; i++)
        assert_int_equal(lrustack_depth(stack, i), i + 1);
    assert_true(lrustack_bytes(stack) < pages * 8);
    lrustack_destroy(stack);
    free(distance);
    free(touch);
    assert_int_equal(alloc.mapped, 0);
}

/* What is dropped leaves no hole. */
static void
dropping_closes_up(void **state)
{
    struct policy_touch touch[40];
    uint32_t distance[40];
    struct base_alloc alloc;
    struct lrustack *stack;
    (void)state;

    host_alloc_init(&alloc, NULL);
    assert_int_equal(lrustack_create(&alloc, &stack), PGW_OK);
    for (uint32_t i = 0; i < 40; i++)
        touch[i] = (struct policy_touch){.page = i, .count = 1};
    assert_int_equal(lrustack_use(stack, touch, 40, 40, distance), PGW_OK);
    for (uint32_t i = 0; i < 40; i += 2)
        lrustack_drop(stack, i);
    lrustack_drop(stack, 0);
    assert_int_equal(lrustack_height(stack), 20);
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(lrustack_depth(stack, i), i % 2 == 0 ? LRUSTACK_FIRST : 20 - i / 2);
    assert_true(lrustack_check(stack));
    lrustack_destroy(stack);
    assert_int_equal(alloc.mapped, 0);
}

/* The body of a torture: whatever fails, nothing is left and nothing is half done. */
static void
curve_torture(void *ctx)
{
    struct base_alloc *alloc = ctx;
    struct policy_touch touch = {.count = 1, .write = 1};
    struct lrucurve *curve;

    if (lrucurve_create(alloc, &curve) != PGW_OK)
        return;
    for (uint32_t i = 0; i < 5000; i++) {
        touch.page = i;
        if (lrucurve_use(curve, &touch, 1, i + 1) != PGW_OK ||
            (i % 3 == 0 && lrucurve_forget(curve, i / 2) != PGW_OK))
            break;
    }
    lrucurve_finish(curve);
    lrucurve_destroy(curve);
}

static void
memory_that_fails_is_an_answer(void **state)
{
    struct base_inject inject = {0};
    struct base_alloc alloc;
    (void)state;

    host_alloc_init(&alloc, &inject);
    assert_true(test_each_failure(&inject, INJECT_MAP, false, curve_torture, &alloc) > 5);
    assert_int_equal(alloc.mapped, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_as_simulated),
        cmocka_unit_test(runs_are_hits),
        cmocka_unit_test(distances_over_many_lines),
        cmocka_unit_test(dropping_closes_up),
        cmocka_unit_test(memory_that_fails_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
