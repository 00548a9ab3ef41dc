/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation, thread, read and write of replaying a trace, and of measuring its curves and
 * working sets, fails once: each run says what it always says, or why it cannot; nothing leaks.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <pagewright/curve.h>
#include <pagewright/replay.h>

#include "../unit/trace/trace_rig.h"
#include "support/failing.h"

#define FIGURES 512u

/* What came out of a run. */
struct figures {
    uint64_t figure[FIGURES];
    unsigned n;
};

struct work {
    enum pgw_status (*run)(const struct work *work, struct figures *figures, char *why);
    unsigned threads;
    uint64_t memory;
    const char *mmu;
    struct figures want;
    const struct failing *failing;
};

static char path[64];

static const struct failing failings[] = {
    {.call = FAILING_MEMORY},
    {.call = FAILING_MEMORY, .and_after = true},
    {.call = FAILING_THREAD},
    {.call = FAILING_READ, .error = EIO},
    {.call = FAILING_READ},
    {.call = FAILING_WRITE, .error = ENOSPC, .and_after = true},
    {.call = FAILING_WRITE, .error = EIO},
    {.call = FAILING_WRITE},
};

static void
figure(struct figures *figures, uint64_t value)
{
    assert_true(figures->n < FIGURES);
    figures->figure[figures->n++] = value;
}

/* ---- the work ---- */

static void
replay_figures(const struct pgw_replay *replay, struct figures *figures)
{
    struct pgw_replay_row row = {.size = sizeof row};

    for (unsigned i = 0; pgw_replay_get_row(replay, i, &row) == PGW_OK; i++) {
        figure(figures, row.frames);
        figure(figures, row.misses);
        figure(figures, row.writebacks);
        figure(figures, row.walk_refs);
    }
}

static enum pgw_status
replay_rows(struct pgw_replay *replay, char *why)
{
    static const char *const policies[] = {
        "clock", "lru", "arc", "lirs", "wtinylfu", "adaptive", "pff", "opt"};
    enum pgw_status status = PGW_OK;

    for (unsigned i = 0; i < sizeof policies / sizeof policies[0] && status == PGW_OK; i++) {
        status = pgw_replay_add(replay, policies[i], "10p", why);
        if (status == PGW_OK)
            status = pgw_replay_add(replay, policies[i], "30%", why);
    }
    return status;
}

static enum pgw_status
run_replay(const struct work *work, struct figures *figures, char *why)
{
    struct pgw_replay_options options;
    struct pgw_replay *replay;
    struct pgw_trace *trace;

    pgw_replay_options_init(&options);
    options.threads = work->threads;
    options.memory = work->memory;
    options.mmu = work->mmu;
    enum pgw_status status = pgw_replay_create(&options, &replay, why);
    if (status != PGW_OK)
        return status;
    status = replay_rows(replay, why);
    if (status == PGW_OK && (status = pgw_trace_open(path, NULL, &trace, why)) == PGW_OK) {
        status = pgw_replay_run(replay, trace, NULL, NULL, why);
        pgw_trace_close(trace);
    }
    if (status == PGW_OK)
        replay_figures(replay, figures);
    pgw_replay_destroy(replay);
    return status;
}

static enum pgw_status
run_curves(const struct work *work, struct figures *figures, char *why)
{
    struct pgw_curves_options options;
    struct pgw_curves_info info;
    struct pgw_curve_point point;
    struct pgw_curves *curves;

    (void)work;
    pgw_curves_options_init(&options);
    options.sample = 0.5;
    options.sample_pages = 100;
    options.policies = "clock,s3fifo,opt";
    options.sizes = 5;
    enum pgw_status status = pgw_curves_measure(path, NULL, &options, &curves, why);
    if (status != PGW_OK)
        return status;
    pgw_curves_get_info(curves, &info);
    assert_true(info.complete);
    figure(figures, info.references);
    figure(figures, info.footprint);
    for (unsigned i = 0; i < info.count; i++) {
        for (uint64_t frames = 1; frames < info.pages; frames += 1 + frames) {
            pgw_curve_at(pgw_curves_get(curves, i), frames, &point);
            figure(figures, point.misses);
            figure(figures, point.writebacks);
        }
    }
    pgw_curves_destroy(curves);
    return PGW_OK;
}

static enum pgw_status
run_worksets(const struct work *work, struct figures *figures, char *why)
{
    struct pgw_worksets_options options;
    struct pgw_worksets_info info;
    struct pgw_workset workset;
    struct pgw_worksets *worksets;

    (void)work;
    pgw_worksets_options_init(&options);
    options.window[0] = 10;
    options.window[1] = 100;
    options.window[2] = 1000;
    enum pgw_status status = pgw_worksets_measure(path, NULL, &options, &worksets, why);
    if (status != PGW_OK)
        return status;
    pgw_worksets_get_info(worksets, &info);
    assert_true(info.complete);
    figure(figures, info.references);
    figure(figures, info.rows);
    figure(figures, info.first_uses);
    for (unsigned i = 0; pgw_worksets_get(worksets, i, &workset) == PGW_OK; i++) {
        figure(figures, workset.max);
        figure(figures, workset.p50);
    }
    pgw_worksets_destroy(worksets);
    return PGW_OK;
}

/* ---- its failures ---- */

static void
expect_status(const struct failing *failing, enum pgw_status status)
{
    switch (failing->call) {
    case FAILING_READ:
        assert_int_equal(status, PGW_IO);
        break;
    case FAILING_WRITE:
        assert_int_equal(status, failing->error == ENOSPC ? PGW_NOSWAP : PGW_IO);
        break;
    default:
        assert_int_equal(status, PGW_NOMEM);
    }
    assert_true(failing->call < FAILING_READ || failing->error != 0);
}

static void
body(void *ctx)
{
    struct work *work = ctx;
    struct figures got = {.n = 0};
    char why[PGW_TRACE_WHY] = "";
    enum pgw_status status = work->run(work, &got, why);

    failing_rest();
    if (status == PGW_OK) {
        assert_int_equal(got.n, work->want.n);
        assert_memory_equal(got.figure, work->want.figure, got.n * sizeof got.figure[0]);
        return;
    }
    assert_true(failing_met());
    assert_true(why[0] != '\0' && strchr(why, '\n') == NULL);
    expect_status(work->failing, status);
}

static void
torture(struct work *work)
{
    char why[PGW_TRACE_WHY] = "";

    if (work->run(work, &work->want, why) != PGW_OK)
        fail_msg("%s", why);
    assert_true(work->want.n > 0);
    for (unsigned i = 0; i < sizeof failings / sizeof failings[0]; i++) {
        work->failing = &failings[i];
        uint64_t failed = failing_each(&failings[i], body, work);
        print_message("call %d, error %d%s: %u\n", (int)failings[i].call, failings[i].error,
            failings[i].and_after ? " and after" : "", (unsigned)failed);
    }
}

static void
replay_in_one_thread(void **state)
{
    (void)state;
    torture(&(struct work){.run = run_replay, .threads = 1, .memory = 1 << 30});
}

static void
replay_in_threads_with_a_file(void **state)
{
    (void)state;
    torture(&(struct work){.run = run_replay, .threads = 3});
}

static void
replay_behind_an_mmu(void **state)
{
    (void)state;
    torture(&(struct work){.run = run_replay, .threads = 1, .memory = 1 << 30, .mmu = "x86-64"});
}

static void
curves(void **state)
{
    (void)state;
    torture(&(struct work){.run = run_curves});
}

static void
worksets(void **state)
{
    (void)state;
    torture(&(struct work){.run = run_worksets});
}

static int
setup(void **state)
{
    struct rig_trace made = {0};
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 1);
    rig_path(path);
    while (made.n < 2000) { /* in places that a page table has room for */
        struct pgw_ref ref =
            rig_ref(1, (uint8_t)(1 + base_rng_below(&rng, 2)), base_rng_below(&rng, 200) << 12, 8);
        rig_add(&made, &ref);
        if (made.n % 500 == 0)
            rig_add_event(
                &made, &(struct pgw_event){
                           .kind = PGW_EVENT_UNMAP, .process = 1, .va = 4096, .len = 81920});
    }
    rig_write(&made, path, NULL);
    rig_free(&made);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    return unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_in_one_thread),
        cmocka_unit_test(replay_in_threads_with_a_file),
        cmocka_unit_test(replay_behind_an_mmu),
        cmocka_unit_test(curves),
        cmocka_unit_test(worksets),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
