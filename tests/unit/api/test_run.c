/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs through the public interface.  argv[1]: guest_worker, built for riscv64; argv[2]: the
 * same, dynamically linked. */
#include "api/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema_check.h"
#include "system_stats.h"

static const char *worker, *dynamic_worker;
static char *no_environment[] = {NULL};

static struct pgw_system *
system_of(uint64_t ram, const char *mmu)
{
    struct pgw_config config;
    struct pgw_system *system = NULL;

    pgw_config_init(&config);
    config.ram = ram;
    config.swap_size = 16 << 20;
    config.mmu = mmu;
    config.window = 10000;
    assert_int_equal(pgw_system_create(&config, &system), PGW_OK);
    return system;
}

static enum pgw_status
run(struct pgw_system *system, const char *path, const char *argument, int *ended)
{
    char *argv[] = {(char *)(uintptr_t) "worker", (char *)(uintptr_t)argument, NULL};

    return pgw_run(system, path, argv, no_environment, ended);
}

/* Runs the worker over kib of memory, which it ends with exit status 3. */
static void
works(struct pgw_system *system, const char *kib)
{
    int ended = -1;

    if (run(system, worker, kib, &ended) != PGW_OK)
        fail_msg("%s", pgw_error_text(system));
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), 3);
    assert_true(pgw_system_check(system));
}

static struct pgw_mmu_limits
limits_of(unsigned m)
{
    struct pgw_mmu_limits limits = {.size = sizeof limits};

    assert_int_equal(pgw_mmu_limits(m, &limits), PGW_OK);
    return limits;
}

/* RAM that this much is more than, of a paged scheme with small tables; else as much as it needs.
 */
static uint64_t
ram_for(unsigned m, uint64_t ram)
{
    struct pgw_mmu_limits limits = limits_of(m);

    return limits.contiguous || limits.levels == 1 ? 24 << 20 : ram;
}

static void
runs_more_than_ram(void **state)
{
    (void)state;
    for (unsigned m = 0; pgw_mmu_name(m) != NULL; m++) {
        if (ram_for(m, 1) != 1)
            continue;
        struct pgw_system *system = system_of(512 << 10, pgw_mmu_name(m));
        works(system, "4096");
        struct pgw_stats stats = stats_of(system);
        assert_int_equal(stats.processes, 2);
        assert_int_equal(stats.forks, 1);
        assert_true(stats.instructions > 1000000);
        assert_true(stats.swap_in >= 3 * 896 && stats.swap_out >= 3 * 896);
        assert_true(stats.cow > 0 && stats.context_switches > 0);
        assert_int_equal(stats.unknown_syscalls, 0);
        assert_int_equal(stats.spaces, 0);
        assert_int_equal(stats.anons, 0);
        assert_int_equal(stats.swap_used, 0);
        if (stats.tlb_modelled) {
            assert_int_equal(stats.l1i_hits + stats.l1i_misses, stats.fetches);
            assert_int_equal(stats.l1d_hits + stats.l1d_misses, stats.loads_stores);
            assert_int_equal(stats.l2_hits + stats.l2_misses, stats.l1i_misses + stats.l1d_misses);
        }
        pgw_system_destroy(system);
    }
}

/* What needs more RAM to run at all. */
static void
runs_in_enough_ram(void **state)
{
    (void)state;
    for (unsigned m = 0; pgw_mmu_name(m) != NULL; m++) {
        if (ram_for(m, 1) == 1)
            continue;
        struct pgw_system *system = system_of(ram_for(m, 1), pgw_mmu_name(m));
        works(system, "4096");
        struct pgw_stats stats = stats_of(system);
        assert_int_equal(stats.processes, 2);
        assert_int_equal(stats.forks, 1);
        assert_true(stats.context_switches > 0 && stats.space_switches > 0);
        assert_int_equal(stats.spaces, 0);
        assert_int_equal(stats.swap_used, 0);
        assert_int_equal(stats.segments, 0);
        if (stats.contiguous)
            assert_true(stats.segment_copied > 1024);
        pgw_system_destroy(system);
    }
}

/* A space of the embedder keeps its bytes while programs run; figures add up over runs. */
static void
spaces_and_programs_mix(void **state)
{
    struct pgw_system *system = system_of(512 << 10, "sv39");
    struct pgw_space *space;
    uint64_t va = 0;
    char text[8] = "";

    (void)state;
    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    assert_int_equal(pgw_map(space, 4096, PGW_READ | PGW_WRITE, 0, &va), PGW_OK);
    assert_int_equal(pgw_write(space, va, "before", 7), PGW_OK);
    works(system, "1024");
    struct pgw_stats first = stats_of(system);
    assert_int_equal(pgw_read(space, va, text, 7), PGW_OK);
    assert_string_equal(text, "before");
    assert_int_equal(pgw_write(space, va, "middle", 7), PGW_OK);
    works(system, "1024");
    struct pgw_stats second = stats_of(system);
    assert_int_equal(pgw_read(space, va, text, 7), PGW_OK);
    assert_string_equal(text, "middle");
    assert_int_equal(second.processes, 2 * first.processes);
    assert_int_equal(second.syscalls, 2 * first.syscalls);
    assert_true(second.instructions == 2 * first.instructions);
    pgw_system_destroy(system);
}

static char *
report_of_run(uint64_t seed)
{
    struct pgw_config config;
    struct pgw_system *system = NULL;
    char *text = NULL;

    pgw_config_init(&config);
    config.ram = 512 << 10;
    config.policy = "random";
    config.seed = seed;
    assert_int_equal(pgw_system_create(&config, &system), PGW_OK);
    works(system, "1024");
    assert_int_equal(pgw_report_json_string(system, &text), PGW_OK);
    pgw_system_destroy(system);
    return text;
}

static void
same_run_same_report(void **state)
{
    char *first = report_of_run(5), *second = report_of_run(5), *other = report_of_run(6);

    (void)state;
    assert_string_equal(first, second);
    assert_string_not_equal(first, other);
    free(first);
    free(second);
    free(other);
}

static void
reports_keep_the_schema(void **state)
{
    json_t *schema = json_load_file(getenv("REPORT_SCHEMA"), 0, NULL);

    (void)state;
    assert_non_null(schema);
    for (unsigned m = 0; pgw_mmu_name(m) != NULL; m++) {
        struct pgw_system *system = system_of(ram_for(m, 1 << 20), pgw_mmu_name(m));
        char *text = NULL, where[512] = "";
        works(system, "2048");
        assert_int_equal(pgw_report_json_string(system, &text), PGW_OK);
        json_t *root = json_loads(text, 0, NULL);
        free(text);
        if (!schema_check(schema, root, where, sizeof where))
            fail_msg("the report breaks its schema: %s", where);
        json_t *set = json_object_get(root, "working_set");
        assert_true(json_array_size(json_object_get(set, "series")) > 10);
        json_decref(root);
        assert_int_equal(pgw_report_text_string(system, &text), PGW_OK);
        assert_non_null(strstr(text, "Working set: pages used in each window of"));
        assert_non_null(strstr(text, "#"));
        free(text);
        pgw_system_destroy(system);
    }
    json_decref(schema);
}

static void
what_cannot_run(void **state)
{
    struct pgw_system *system = system_of(1 << 20, "sv39");
    int ended = 77;

    (void)state;
    assert_int_equal(run(system, "/nonexistent", NULL, &ended), PGW_NOTFOUND);
    assert_non_null(strstr(pgw_error_text(system), "/nonexistent"));
    assert_int_equal(run(system, "/", NULL, &ended), PGW_ACCESS);
    assert_int_equal(run(system, "/proc/self/exe", NULL, &ended), PGW_NOEXEC);
    assert_int_equal(ended, 77);
    assert_true(pgw_system_check(system));
    works(system, "256");
    pgw_system_destroy(system);
}

static struct pgw_system *volatile interrupted;

static void
alarm_rings(int signo)
{
    (void)signo;
    pgw_interrupt(interrupted, SIGINT);
}

static void
interrupts(const char *argument, int want_exit, int want_signal)
{
    const struct itimerval timer = {.it_value = {.tv_usec = 50000}};
    struct sigaction action = {.sa_handler = alarm_rings};
    struct pgw_system *system = system_of(1 << 20, "sv39");
    int ended = -1;

    interrupted = system;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    assert_int_equal(run(system, worker, argument, &ended), PGW_OK);
    if (want_signal != 0) {
        assert_true(WIFSIGNALED(ended));
        assert_int_equal(WTERMSIG(ended), want_signal);
    } else {
        assert_true(WIFEXITED(ended));
        assert_int_equal(WEXITSTATUS(ended), want_exit);
    }
    assert_true(pgw_system_check(system));
    pgw_interrupt(system, SIGINT); /* nothing runs: the next program does not get it */
    works(system, "64");
    pgw_system_destroy(system);
}

static void
interrupts_reach_the_program(void **state)
{
    int ends[2], keep = dup(0);

    (void)state;
    interrupts("spin", 0, SIGINT);
    interrupts("catch", 7, 0);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[0], 0) == 0);
    interrupts("read", 0, SIGINT);
    assert_true(dup2(keep, 0) == 0);
    close(keep);
    close(ends[0]);
    close(ends[1]);
}

/* From the least RAM up: a clear refusal, a program ended for memory, or the right result. */
static void
tiny_ram(void **state)
{
    unsigned refused = 0, ended_early = 0, worked = 0;

    (void)state;
    for (uint64_t ram = PGW_RAM_MIN; ram <= 512 << 10; ram += 16 << 10) {
        struct pgw_system *system = system_of(ram, "sv39");
        int ended = -1;
        enum pgw_status status = run(system, worker, "1024", &ended);
        if (status != PGW_OK) {
            assert_int_equal(status, PGW_NORAM);
            assert_non_null(strstr(pgw_error_text(system), worker));
            refused++;
        } else if (WIFSIGNALED(ended)) {
            assert_int_equal(WTERMSIG(ended), SIGKILL);
            ended_early++;
        } else {
            assert_int_equal(WEXITSTATUS(ended), 3);
            worked++;
        }
        assert_true(pgw_system_check(system));
        pgw_system_destroy(system);
    }
    printf("%u refused, %u ended for memory, %u worked\n", refused, ended_early, worked);
    assert_true(worked >= 17); /* 256 KiB, 64 frames, and all above */
}

/* One run whose n-th try of something fails.  False: it was never tried so often. */
static bool
run_failing(const char *program, enum base_inject_point point, uint64_t n)
{
    struct base_inject inject = {0};
    struct pgw_config config;
    struct pgw_system *system = NULL;
    int ended = 0;

    pgw_config_init(&config);
    config.ram = 512 << 10;
    config.swap_size = 4 << 20;
    inject.fail_at[point] = n;
    if (sim_create(&config, &inject, &system) != PGW_OK)
        return true;
    enum pgw_status status = run(system, program, "600", &ended);
    if (status != PGW_OK)
        assert_true(strlen(pgw_error_text(system)) > 0);
    else if (inject.tried[point] < n)
        assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 3);
    inject = (struct base_inject){.tried = {inject.tried[0]}};
    assert_true(pgw_system_check(system));
    assert_int_equal(stats_of(system).spaces, 0);
    bool more = status != PGW_OK || ended != 3 << 8;
    pgw_system_destroy(system);
    return more;
}

/* Small steps first, where start-up is, then larger ones through the run. */
static void
each_fails_once(void **state)
{
    (void)state;
    for (int point = 0; point < INJECT_POINTS; point++) {
        uint64_t n, step;
        unsigned runs = 0, hurt = 0;
        for (n = 1; n < 4000; n += step, runs++) {
            step = n < 60 ? 1 : n / 12;
            hurt += run_failing(worker, (enum base_inject_point)point, n);
        }
        printf("point %d: %u runs, %u of them hurt\n", point, runs, hurt);
    }
}

/* What its interpreter maps and reads is lost at any time, too. */
static void
each_fails_dynamically(void **state)
{
    (void)state;
    for (int point = 0; point < INJECT_POINTS; point++) {
        uint64_t n, step;
        unsigned runs = 0, hurt = 0;
        for (n = 1; n < 1000; n += step, runs++) {
            step = n < 30 ? 1 : n / 5;
            hurt += run_failing(dynamic_worker, (enum base_inject_point)point, n);
        }
        printf("point %d: %u runs, %u of them hurt\n", point, runs, hurt);
    }
}

static void
dynamic_program_runs(void **state)
{
    struct pgw_system *system = system_of(512 << 10, "sv39");
    int ended = -1;

    (void)state;
    assert_int_equal(run(system, dynamic_worker, "1024", &ended), PGW_OK);
    assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 3);
    assert_true(pgw_system_check(system));
    assert_int_equal(stats_of(system).file_shared, 0);
    pgw_system_destroy(system);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_more_than_ram),
        cmocka_unit_test(runs_in_enough_ram),
        cmocka_unit_test(spaces_and_programs_mix),
        cmocka_unit_test(same_run_same_report),
        cmocka_unit_test(reports_keep_the_schema),
        cmocka_unit_test(what_cannot_run),
        cmocka_unit_test(interrupts_reach_the_program),
        cmocka_unit_test(tiny_ram),
        cmocka_unit_test(each_fails_once),
        cmocka_unit_test(dynamic_program_runs),
        cmocka_unit_test(each_fails_dynamically),
    };

    if (argc != 3) {
        fprintf(stderr, "usage: test_run GUEST-WORKER DYNAMIC-GUEST-WORKER\n");
        return 1;
    }
    worker = argv[1];
    dynamic_worker = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
