/* SPDX-License-Identifier: BSD-2-Clause */
/* The report from figures that are known: text, JSON against its schema, the cost model. */
#include "report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema_check.h"

static struct report_window windows[100];
static const struct report_call calls[] = {{"io_setup", 0, 2}, {"bpf", 280, 1}};

static struct report_input
sample(void)
{
    for (unsigned i = 0; i < 100; i++)
        windows[i] = (struct report_window){.start = i * 1000u, .pages = 100u - i};
    return (struct report_input){
        .version = "0.1.0",
        .stats =
            {
                .instructions = 1234567,
                .fetches = 600,
                .loads_stores = 400,
                .minor = 30,
                .major = 20,
                .zero_fill = 12,
                .cow = 3,
                .swap_in = 16,
                .swap_out = 32,
                .swap_reads = 16,
                .swap_writes = 2,
                .file_in = 4,
                .file_reads = 4,
                .evicted = 40,
                .evicted_clean = 8,
                .tlb_modelled = true,
                .l1i_hits = 590,
                .l1i_misses = 10,
                .l1d_hits = 370,
                .l1d_misses = 30,
                .l2_hits = 25,
                .l2_misses = 15,
                .walks = 15,
                .walk_refs = {15, 14, 11},
                .ram = 1024,
                .resident_peak = 500,
                .swap_size = 4096,
                .swap_peak = 40,
                .tables_peak = 7,
                .processes = 3,
                .forks = 2,
                .syscalls = 77,
                .unknown_syscalls = 3,
                .frame_table_bytes = 65536,
                .record_bytes_peak = 20480,
            },
        .cost = {.tlb_ns = 1, .l2_ns = 2, .ram_ns = 100, .fault_ns = 1000, .disk_ns = 50000},
        .mmu = "sv39",
        .policy = "clock",
        .tlb = "l1=64:4,l2=1536:12",
        .swap = "temporary file",
        .seed = 7,
        .slice = 100000,
        .levels = 3,
        .window = 1000,
        .windows = windows,
        .nwindows = 100,
        .calls = calls,
        .ncalls = 2,
    };
}

static void
cost_model_adds_up(void **state)
{
    struct report_input in = sample();
    struct report_time time;

    (void)state;
    report_time(&in.stats, &in.cost, &time);
    assert_true(time.accesses == 1000);
    assert_true(time.tlb == 1000 * 1.0);
    assert_true(time.l2 == 40 * 2.0);
    assert_true(time.ram == 1000 * 100.0);
    assert_true(time.walks == 40 * 100.0);
    assert_true(time.faults == 50 * 1000.0);
    assert_true(time.disk == (16 + 2 + 4) * 50000.0);
    assert_true(time.total == 1000.0 + 80.0 + 100000.0 + 4000.0 + 50000.0 + 1100000.0);
}

static void
nothing_counted_costs_nothing(void **state)
{
    struct report_input in = sample();
    struct report_time time;

    (void)state;
    in.stats.tlb_modelled = false;
    report_time(&in.stats, &in.cost, &time);
    assert_true(time.tlb == 0 && time.l2 == 0 && time.walks == 0);
    in.stats = (struct pgw_stats){0};
    report_time(&in.stats, &in.cost, &time);
    assert_true(time.total == 0);
}

static void
schemes_cost_what_they_do(void **state)
{
    struct report_input in = sample();
    struct report_time time;

    (void)state;
    in.cost.refill_ns = 7;
    in.cost.switch_ns = 3000;
    in.cost.register_ns = 10;
    in.cost.move_ns = 500;
    in.stats.space_switches = 4;
    in.stats.switch_registers = 9;
    in.stats.compaction_moved = 6;
    in.stats.segment_copied = 5;
    in.stats.migrated = 7;
    report_time(&in.stats, &in.cost, &time);
    assert_true(time.refills == 0); /* hardware walks */
    assert_true(time.switches == 4 * 3000.0 + 9 * 10.0);
    assert_true(time.moves == 18 * 500.0);
    double hardware = time.total;
    in.stats.refill = true;
    report_time(&in.stats, &in.cost, &time);
    assert_true(time.refills == 15 * 7.0);
    assert_true(time.total == hardware + 15 * 7.0);
    in.stats.tlb_modelled = false;
    report_time(&in.stats, &in.cost, &time);
    assert_true(time.refills == 0);
}

static void
check_parts(const struct report_input *in, const char *const *parts, const char *absent)
{
    char *text = NULL;

    assert_int_equal(report_text(in, &text), PGW_OK);
    for (; *parts != NULL; parts++) {
        if (strstr(text, *parts) == NULL)
            fail_msg("\"%s\" is not in:\n%s", *parts, text);
    }
    if (strstr(text, absent) != NULL)
        fail_msg("\"%s\" is in:\n%s", absent, text);
    free(text);
}

/* What may be promised is told where it is kept to. */
static void
text_of_limits(void **state)
{
    static const char *const rows[] = {"promised at most", NULL};
    static const char *const kept[] = {
        "promised at most", "limit", "under --overcommit never", NULL};
    struct report_input in = sample();

    (void)state;
    in.stats.committed_peak = 20;
    in.stats.commit_limit = 100;
    check_parts(&in, rows, "--overcommit never");
    in.commit_limited = true;
    check_parts(&in, kept, "no such words");
    in.stats.commit_limit = 0; /* nothing is counted */
    check_parts(&in, rows, "--overcommit never");
}

static void
text_of_other_schemes(void **state)
{
    static const char *const refill[] = {"TLB refills", "40 memory references", "TLBs emptied",
        "for want of tags: 77 entries", "2.5 a switch", "12  walks began below the root",
        "9  next pages, 4 of them used", "refill handler", NULL};
    static const char *const segments[] = {"Segment faults", "Swapping", "Segments\n",
        "25.0%  of the free RAM", "37.5%  of the RAM was free outside", "3  times, though",
        "1,234 pages moved", "2 in place, 1 by moving", "policy none", "moving and copying", NULL};
    static const char *const hashed[] = {"\n    anchors  ", "\n    chains  ", NULL};
    struct report_input in = sample();

    (void)state;
    in.cost.refill_ns = in.cost.switch_ns = in.cost.move_ns = 1;
    in.stats.space_switches = 2;
    in.stats.switch_registers = 5;
    in.stats.switch_flushes = 2;
    in.stats.switch_flushed = 77;
    in.stats.refill = true;
    in.stats.pwc_hits[1] = 12;
    in.stats.prefetches = 9;
    in.stats.prefetch_hits = 4;
    check_parts(&in, refill, "15  40 memory");
    in.hashed = true;
    in.levels = 2;
    check_parts(&in, hashed, "level 0");
    in.stats.contiguous = true;
    in.stats.tlb_modelled = false;
    in.stats.fragmentation = 0.25;
    in.stats.fragmentation_peak = 0.375;
    in.stats.fit_failures = 3;
    in.stats.compactions = 1;
    in.stats.compaction_moved = 1234;
    in.stats.grown_in_place = 2;
    in.stats.grown_by_moving = 1;
    check_parts(&in, segments, "peak of page tables");
}

static void
spread_is_nearest_rank(void **state)
{
    struct report_input in = sample();
    struct report_spread spread;

    (void)state;
    assert_int_equal(report_spread(&in, &spread), PGW_OK);
    assert_int_equal(spread.min, 1);
    assert_int_equal(spread.p50, 50);
    assert_int_equal(spread.p90, 90);
    assert_int_equal(spread.p99, 99);
    assert_int_equal(spread.max, 100);
    in.nwindows = 1;
    assert_int_equal(report_spread(&in, &spread), PGW_OK);
    assert_int_equal(spread.min, 100);
    assert_int_equal(spread.p50, 100);
    in.nwindows = 0;
    assert_int_equal(report_spread(&in, &spread), PGW_NOTFOUND);
}

static void
text_says_it_all(void **state)
{
    static const char *const parts[] = {"4.0M of RAM", "16M of swap (temporary file)", "mmu sv39",
        "1,234,567", "system call io_setup (0)", "system call bpf (280)", "copied when written to",
        "in 2 writes", "hits (92.500%)", "level 2", "peak on swap", "Working set", "#",
        "Effective access time: 1255.080 ns an access"};
    struct report_input in = sample();
    char *text = NULL;

    (void)state;
    assert_int_equal(report_text(&in, &text), PGW_OK);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strstr(text, parts[i]) == NULL)
            fail_msg("\"%s\" is not in:\n%s", parts[i], text);
    }
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 110);
    free(text);
}

static void
empty_text_is_short(void **state)
{
    struct report_input in = {
        .version = "0", .mmu = "ref", .policy = "fifo", .tlb = "none", .swap = "none"};
    char *text = NULL;

    (void)state;
    assert_int_equal(report_text(&in, &text), PGW_OK);
    assert_non_null(strstr(text, "no swap"));
    assert_non_null(strstr(text, "no TLB is modelled"));
    assert_null(strstr(text, "Working set"));
    assert_null(strstr(text, "Effective"));
    free(text);
}

static void
check_json(const struct report_input *in, json_t **root)
{
    json_error_t error;
    char where[512] = "";
    char *text = NULL;
    json_t *schema = json_load_file(getenv("REPORT_SCHEMA"), 0, &error);

    assert_non_null(schema);
    assert_int_equal(report_json(in, &text), PGW_OK);
    *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    free(text);
    assert_non_null(*root);
    if (!schema_check(schema, *root, where, sizeof where))
        fail_msg("the report breaks its schema: %s", where);
    json_decref(schema);
}

static json_int_t
at(const json_t *root, const char *group, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(root, group), key));
}

static void
json_of_contiguous_schemes(void **state)
{
    struct report_input in = sample();
    json_t *root = NULL;

    (void)state;
    check_json(&in, &root);
    assert_true(json_is_null(json_object_get(root, "segments")));
    json_decref(root);
    in.stats.contiguous = true;
    in.stats.tlb_modelled = false;
    in.stats.holes = 7;
    in.stats.largest_hole = 99;
    in.stats.fragmentation = 0.25;
    in.stats.fragmentation_peak = 0.375;
    in.stats.segment_shares = 2;
    in.stats.space_switches = 3;
    in.stats.switch_registers = 24;
    check_json(&in, &root);
    assert_int_equal(at(root, "segments", "holes"), 7);
    assert_int_equal(at(root, "segments", "largest_hole_pages"), 99);
    assert_int_equal(at(root, "segments", "shared"), 2);
    const json_t *holes = json_object_get(root, "segments");
    assert_true(json_real_value(json_object_get(holes, "fragmentation")) == 0.25);
    assert_true(json_real_value(json_object_get(holes, "fragmentation_peak")) == 0.375);
    assert_int_equal(at(root, "switches", "spaces"), 3);
    assert_int_equal(at(root, "switches", "registers"), 24);
    json_decref(root);
}

static void
json_keeps_its_schema(void **state)
{
    struct report_input in = sample();
    json_t *root = NULL;

    (void)state;
    check_json(&in, &root);
    assert_int_equal(json_integer_value(json_object_get(root, "version")), 1);
    assert_int_equal(at(root, "program", "instructions"), 1234567);
    assert_int_equal(at(root, "faults", "copy_on_write"), 3);
    assert_int_equal(at(root, "memory", "swap_pages_peak"), 40);
    assert_int_equal(at(root, "working_set", "p90_pages"), 90);
    json_t *paging = json_object_get(root, "paging");
    assert_int_equal(at(paging, "swap_out", "bytes"), 32 * 4096);
    json_t *calls_made = json_object_get(json_object_get(root, "program"), "unknown_syscalls");
    assert_int_equal(json_array_size(calls_made), 2);
    json_t *refs = json_object_get(json_object_get(root, "translation"), "walk_references");
    assert_int_equal(json_array_size(refs), 3);
    json_decref(root);
}

static void
json_without_figures_keeps_it_too(void **state)
{
    struct report_input in = {.version = "0",
        .mmu = "ref",
        .policy = "fifo",
        .tlb = "none",
        .swap = "caf\xe9:1M",
        .seed = UINT64_MAX};
    json_t *root = NULL;

    (void)state;
    check_json(&in, &root);
    assert_true(json_is_null(json_object_get(root, "translation")));
    assert_true(json_is_null(json_object_get(root, "working_set")));
    assert_true(json_is_null(json_object_get(root, "effective_access_time")));
    json_decref(root);
}

/* The checker itself must be able to say no. */
static void
schema_check_refuses(void **state)
{
    struct report_input in = sample();
    char where[512] = "", *text = NULL;
    json_t *schema = json_load_file(getenv("REPORT_SCHEMA"), 0, NULL);

    (void)state;
    assert_int_equal(report_json(&in, &text), PGW_OK);
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    json_t *faults = json_object_get(root, "faults");
    json_object_set_new(faults, "minor", json_integer(-1));
    assert_false(schema_check(schema, root, where, sizeof where));
    assert_string_equal(where, "faults: minor: minimum: below");
    json_object_set_new(faults, "minor", json_string("1"));
    assert_false(schema_check(schema, root, where, sizeof where));
    json_object_del(faults, "minor");
    assert_false(schema_check(schema, root, where, sizeof where));
    assert_string_equal(where, "faults: required: minor");
    json_object_set_new(faults, "minor", json_integer(1));
    assert_true(schema_check(schema, root, where, sizeof where));
    json_object_set_new(faults, "more", json_integer(1));
    assert_false(schema_check(schema, root, where, sizeof where));
    json_decref(root);
    json_decref(schema);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cost_model_adds_up),
        cmocka_unit_test(nothing_counted_costs_nothing),
        cmocka_unit_test(schemes_cost_what_they_do),
        cmocka_unit_test(spread_is_nearest_rank),
        cmocka_unit_test(text_of_limits),
        cmocka_unit_test(text_of_other_schemes),
        cmocka_unit_test(json_of_contiguous_schemes),
        cmocka_unit_test(text_says_it_all),
        cmocka_unit_test(empty_text_is_short),
        cmocka_unit_test(json_keeps_its_schema),
        cmocka_unit_test(json_without_figures_keeps_it_too),
        cmocka_unit_test(schema_check_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
