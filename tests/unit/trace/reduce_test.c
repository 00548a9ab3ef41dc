/* SPDX-License-Identifier: BSD-2-Clause */
/* A reduced trace is exact for LRU from its size up: by direct simulation, fault by fault. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace_rig.h"

#define PLACES 64u
#define PROCESSES 4u

/* A naive machine with copy-on-write: which page is at a place, and a list of those in memory. */
struct lru {
    unsigned frames, n;
    unsigned page[256]; /* the most recent first */
    bool dirty[256];
    unsigned place[PROCESSES][PLACES]; /* the page there; 0: none yet */
    bool shared[PROCESSES][PLACES];
    unsigned pages;
    uint64_t refs, misses, writebacks, trail; /* trail: which places missed, in order */
};

static void
lru_out(struct lru *lru, unsigned at)
{
    memmove(&lru->page[at], &lru->page[at + 1], (lru->n - at - 1) * sizeof lru->page[0]);
    memmove(&lru->dirty[at], &lru->dirty[at + 1], (lru->n - at - 1) * sizeof lru->dirty[0]);
    lru->n--;
}

static void
lru_ref(struct lru *lru, const struct pgw_ref *ref)
{
    unsigned where = (unsigned)(ref->va >> 12), *place = &lru->place[ref->process][where], at;
    bool dirty = ref->writes > 0;

    if (*place == 0 || (dirty && lru->shared[ref->process][where])) {
        *place = ++lru->pages;
        lru->shared[ref->process][where] = false;
    }
    lru->refs += ref->count;
    for (at = 0; at < lru->n && lru->page[at] != *place; at++)
        ;
    if (at < lru->n) {
        dirty = dirty || lru->dirty[at];
        lru_out(lru, at);
    } else {
        lru->misses++;
        lru->trail = lru->trail * 1000003 + ref->va / 4096 * 7 + ref->process;
        if (lru->n == lru->frames) {
            lru->writebacks += lru->dirty[lru->n - 1];
            lru->n--;
        }
    }
    memmove(&lru->page[1], lru->page, lru->n * sizeof lru->page[0]);
    memmove(&lru->dirty[1], lru->dirty, lru->n * sizeof lru->dirty[0]);
    lru->page[0] = *place;
    lru->dirty[0] = dirty;
    lru->n++;
}

static void
lru_event(struct lru *lru, const struct pgw_event *event)
{
    unsigned process = event->process, where = (unsigned)(event->va >> 12);

    if (event->kind == PGW_EVENT_FORK) {
        unsigned child = (unsigned)event->other;
        memcpy(lru->place[child], lru->place[process], sizeof lru->place[0]);
        for (unsigned i = 0; i < PLACES; i++) {
            bool shared = lru->place[process][i] != 0;
            lru->shared[process][i] = lru->shared[child][i] = shared;
        }
        return;
    }
    for (unsigned i = 0; i < event->len >> 12; i++) { /* discarded */
        unsigned page = lru->place[process][where + i];
        for (unsigned at = 0; at < lru->n && !lru->shared[process][where + i]; at++) {
            if (lru->page[at] == page) {
                lru_out(lru, at);
                break;
            }
        }
        lru->place[process][where + i] = 0;
        lru->shared[process][where + i] = false;
    }
}

static void
lru_run(struct lru *lru, unsigned frames, const struct rig_trace *trace)
{
    size_t event = 0;

    *lru = (struct lru){.frames = frames};
    for (size_t i = 0; i <= trace->n; i++) {
        for (; event < trace->nevents && trace->event[event].at == i; event++)
            lru_event(lru, &trace->event[event].event);
        if (i < trace->n)
            lru_ref(lru, &trace->ref[i]);
    }
}

/* Phases: loops, scans, a hot set, anything. */
static void
make(struct rig_trace *trace, struct base_rng *rng, size_t n, bool events)
{
    while (trace->n < n) {
        uint64_t pattern = base_rng_below(rng, 4), base = base_rng_below(rng, 40);
        uint64_t width = 1 + base_rng_below(rng, 24);
        uint32_t process = (uint32_t)base_rng_below(rng, events ? 2 : 1);
        for (uint64_t i = 0; i < 100; i++) {
            uint64_t page = pattern == 0 ? base + i % width : base_rng_below(rng, PLACES);
            if (pattern == 1)
                page = base + base_rng_below(rng, width);
            if (pattern == 2 && base_rng_below(rng, 8) > 0)
                page = base;
            struct pgw_ref ref =
                rig_ref(process, base_rng_below(rng, 4) == 0 ? PGW_REF_WRITE : PGW_REF_READ,
                    page % PLACES << 12 | base_rng_below(rng, 4000), 8);
            rig_add(trace, &ref);
        }
        if (events && base_rng_below(rng, 3) == 0) {
            struct pgw_event event = {.kind = PGW_EVENT_DISCARD,
                .process = process,
                .va = base << 12,
                .len = base_rng_below(rng, 20) << 12};
            rig_add_event(trace, &event);
        }
        if (events && base_rng_below(rng, 4) == 0 && trace->nevents > 0) {
            struct pgw_event event = {
                .kind = PGW_EVENT_FORK, .process = process, .other = 1 - process};
            rig_add_event(trace, &event);
        }
    }
}

static void
reduce(const struct rig_trace *made, uint64_t size, const char *path, struct rig_trace *reduced)
{
    struct pgw_trace_writer_options options;
    struct pgw_trace_writer *writer;
    struct pgw_trace_reducer *reducer;
    char why[PGW_TRACE_WHY];
    uint64_t at = 0;

    pgw_trace_writer_options_init(&options);
    options.pages = true;
    options.reduced = size;
    assert_int_equal(pgw_trace_writer_create(path, &options, &writer, why), PGW_OK);
    assert_int_equal(pgw_trace_reducer_create(size, writer, &reducer), PGW_OK);
    for (size_t i = 0; i <= made->nevents; i++) {
        uint64_t end = i < made->nevents ? made->event[i].at : made->n;
        assert_int_equal(pgw_trace_reduce(reducer, made->ref + at, end - at), PGW_OK);
        at = end;
        if (i < made->nevents)
            assert_int_equal(pgw_trace_reduce_event(reducer, &made->event[i].event), PGW_OK);
    }
    assert_int_equal(pgw_trace_reducer_close(reducer), PGW_OK);
    assert_int_equal(pgw_trace_writer_close(writer), PGW_OK);
    assert_int_equal(rig_read(reduced, path, NULL), PGW_OK);
}

static void
check_exact(struct base_rng *rng, const char *path, bool events, size_t *kept, size_t *all)
{
    struct rig_trace made = {0}, reduced = {0};
    uint64_t size = 1 + base_rng_below(rng, 30);
    struct lru full, part;

    make(&made, rng, 3000, events);
    reduce(&made, size, path, &reduced);
    for (unsigned frames = (unsigned)size; frames <= 130; frames += frames < size + 20 ? 1 : 13) {
        lru_run(&full, frames, &made);
        lru_run(&part, frames, &reduced);
        assert_int_equal(part.misses, full.misses);
        assert_int_equal(part.trail, full.trail);
        assert_int_equal(part.writebacks, full.writebacks);
        assert_int_equal(part.refs, full.refs);
    }
    *kept += reduced.n;
    *all += made.n;
    rig_free(&made);
    rig_free(&reduced);
}

static void
test_exact(void **state)
{
    struct base_rng rng;
    char path[64];
    size_t kept = 0, all = 0;

    (void)state;
    test_rng_init(&rng, 1);
    rig_path(path);
    for (uint64_t i = 0; i < test_rounds(40); i++)
        check_exact(&rng, path, false, &kept, &all);
    assert_true(kept * 2 < all); /* or it would be no reduction */
    unlink(path);
}

static void
test_exact_with_events(void **state)
{
    struct base_rng rng;
    char path[64];
    size_t kept = 0, all = 0;

    (void)state;
    test_rng_init(&rng, 2);
    rig_path(path);
    for (uint64_t i = 0; i < test_rounds(40); i++)
        check_exact(&rng, path, true, &kept, &all);
    assert_true(kept < all);
    unlink(path);
}

/* The header says what it is exact for; below that it need not be. */
static void
test_says_so(void **state)
{
    struct rig_trace made = {0}, reduced = {0};
    struct pgw_trace *trace;
    struct pgw_trace_info info;
    struct pgw_trace_reducer *reducer;
    struct base_rng rng;
    char path[64], why[PGW_TRACE_WHY];

    (void)state;
    test_rng_init(&rng, 3);
    rig_path(path);
    make(&made, &rng, 1000, false);
    reduce(&made, 10, path, &reduced);
    assert_int_equal(pgw_trace_open(path, NULL, &trace, why), PGW_OK);
    pgw_trace_get_info(trace, &info);
    assert_int_equal(info.reduced, 10);
    assert_true(info.pages);
    pgw_trace_close(trace);
    assert_int_equal(pgw_trace_reducer_create(0, NULL, &reducer), PGW_INVAL);
    rig_free(&made);
    rig_free(&reduced);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_exact_with_events),
        cmocka_unit_test(test_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
