/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation, thread, write and closing of a recorded run fails once.  The run succeeds, or
 * says why not, and the system is whole after it; nothing leaks; the trace is all that there is to
 * be recorded, or does not look like all, or is not there.  argv[1]: guest_refs, for riscv64.
 */
#include <pagewright/record.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/trace/trace_rig.h"
#include "support/failing.h"

static char path[64];
static const char *program;

static const struct failing failings[] = {
    {.call = FAILING_MEMORY},
    {.call = FAILING_MEMORY, .and_after = true},
    {.call = FAILING_THREAD, .and_after = true},
    {.call = FAILING_WRITE, .error = ENOSPC, .and_after = true},
    {.call = FAILING_WRITE, .error = EIO},
    {.call = FAILING_CLOSE, .error = EIO},
};

struct recorded {
    const char *what; /* its argument: "again": it ends at once; NULL: it has children, too */
    bool pages;
    struct rig_trace whole;
    uint8_t *bytes; /* of the file when nothing fails */
    size_t len;
    const struct failing *failing;
    unsigned refused, met;
};

static struct pgw_system *
new_system(void)
{
    struct pgw_config config;
    struct pgw_system *system;

    pgw_config_init(&config);
    config.ram = 4 << 20;
    config.swap = PGW_SWAP_NONE;
    assert_int_equal(pgw_system_create(&config, &system), PGW_OK);
    return system;
}

/* What failed, and the program's end. */
static enum pgw_status
record(const struct recorded *recorded, struct pgw_system *system, int *ended)
{
    char *const argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)recorded->what, NULL};
    struct pgw_record_options options;

    pgw_record_options_init(&options);
    options.writer.pages = recorded->pages;
    enum pgw_status status = pgw_record_to(system, path, &options);
    return status == PGW_OK ? pgw_run(system, program, argv, argv + 2, ended) : status;
}

static void
end_system(struct pgw_system *system)
{
    struct pgw_stats stats = {.size = sizeof stats};

    assert_true(pgw_system_check(system));
    assert_int_equal(pgw_system_stats(system, &stats), PGW_OK);
    assert_int_equal(stats.spaces, 0);
    pgw_system_destroy(system);
}

/* What there is of the trace begins as the whole one does; is it all that its writer gave it? */
static void
expect_part(const struct recorded *recorded, bool finished)
{
    struct rig_trace read = {0};
    struct pgw_trace_info info;
    struct pgw_trace *trace;
    char why[PGW_TRACE_WHY], part[80];

    (void)snprintf(part, sizeof part, "%s.part", path);
    assert_int_not_equal(access(part, F_OK), 0);
    if (pgw_trace_open(path, NULL, &trace, why) != PGW_OK) {
        assert_false(finished);
        return;
    }
    pgw_trace_get_info(trace, &info);
    assert_int_equal(info.exact, finished);
    assert_int_equal(rig_read_on(&read, trace), PGW_OK);
    pgw_trace_close(trace);
    assert_true(finished || read.n <= recorded->whole.n);
    if (!finished && read.n > 0)
        assert_memory_equal(read.ref, recorded->whole.ref, read.n * sizeof *read.ref);
    rig_free(&read);
}

static void
body(void *ctx)
{
    struct recorded *recorded = ctx;
    struct pgw_system *system;
    int ended = -1;

    failing_rest();
    (void)unlink(path);
    system = new_system();
    failing_again();
    enum pgw_status status = record(recorded, system, &ended);
    failing_rest();
    if (status != PGW_OK) {
        assert_true(failing_met());
        assert_true(pgw_error_text(system)[0] != '\0');
        if (recorded->failing->call >= FAILING_WRITE)
            assert_int_equal(status, recorded->failing->error == ENOSPC ? PGW_NOSWAP : PGW_IO);
        else
            assert_true(status == PGW_NOMEM || status == PGW_NORAM);
        recorded->refused++;
        expect_part(recorded, false);
    } else if (ended == 0 && (recorded->what != NULL || !failing_met())) {
        size_t len;
        uint8_t *bytes = rig_load(path, &len);
        assert_int_equal(len, recorded->len);
        assert_memory_equal(bytes, recorded->bytes, len);
        free(bytes);
    } else { /* the program met the want of memory, or what it forked, and it is of what they did */
        assert_true(failing_met());
        recorded->met++;
        expect_part(recorded, true);
    }
    end_system(system);
}

static void
torture(struct recorded *recorded)
{
    struct pgw_system *system = new_system();
    int ended = -1;

    assert_int_equal(record(recorded, system, &ended), PGW_OK);
    assert_int_equal(ended, 0);
    end_system(system);
    assert_int_equal(rig_read(&recorded->whole, path, NULL), PGW_OK);
    recorded->bytes = rig_load(path, &recorded->len);
    for (size_t i = 0; i < sizeof failings / sizeof failings[0]; i++) {
        recorded->failing = &failings[i];
        recorded->refused = recorded->met = 0;
        uint64_t n = failing_each(&failings[i], body, recorded);
        print_message("call %d%s: %u runs, %u refused, met by the program in %u\n",
            (int)failings[i].call, failings[i].and_after ? " and after" : "", (unsigned)n,
            recorded->refused, recorded->met);
        assert_true(n > 0 && recorded->refused > 0);
    }
    free(recorded->bytes);
    rig_free(&recorded->whole);
}

static void
record_references(void **state)
{
    (void)state;
    torture(&(struct recorded){.what = "again"});
}

static void
record_pages(void **state)
{
    (void)state;
    torture(&(struct recorded){.what = NULL, .pages = true});
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_references),
        cmocka_unit_test(record_pages),
    };

    if (argc < 2)
        return 2;
    program = argv[1];
    rig_path(path);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
