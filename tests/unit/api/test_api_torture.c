/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation of a small piece of work fails once: nothing leaks, nothing breaks, what was
 * written can still be read, and the same work then succeeds.
 */
#include "api/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"

#define PAGES 40u
#define TRIES 100000u

static enum pgw_status
work_write(struct pgw_space *space, uint64_t va, uint64_t *written)
{
    for (*written = 0; *written < PAGES; (*written)++) {
        uint64_t value = *written + 1;
        enum pgw_status status = pgw_write(space, va + *written * PAGE_SIZE, &value, sizeof value);
        if (status != PGW_OK)
            return status;
    }
    return PGW_OK;
}

/* Reads may fail while injection lasts; what they give must be right. */
static void
work_verify(struct pgw_space *space, uint64_t va, uint64_t written)
{
    for (uint64_t i = 0; i < written; i++) {
        uint64_t value = 0;
        if (pgw_read(space, va + i * PAGE_SIZE, &value, sizeof value) == PGW_OK)
            assert_int_equal(value, i + 1);
    }
}

/* The check allocates too, and must not fail for want of memory. */
static bool
check_without_injection(struct pgw_system *system)
{
    struct base_inject saved = *system->inject;

    *system->inject = (struct base_inject){0};
    bool ok = pgw_system_check(system);
    *system->inject = saved;
    return ok;
}

/* In a system: two spaces, a mapping, writes, a fork, writes to the copy.  False: something failed.
 */
static bool
work_inside(struct pgw_system *system)
{
    struct pgw_space *space = NULL, *child = NULL;
    uint64_t va = 0, written = 0, copied = 0;
    char *text = NULL;

    if (pgw_space_create(system, &space) != PGW_OK)
        return false;
    bool ok = pgw_map(space, PAGES * PAGE_SIZE, PGW_READ | PGW_WRITE, 0, &va) == PGW_OK &&
              work_write(space, va, &written) == PGW_OK;
    work_verify(space, va, written);
    ok = ok && pgw_fork(space, &child) == PGW_OK;
    if (child != NULL) {
        ok = ok && work_write(child, va, &copied) == PGW_OK;
        work_verify(child, va, PAGES);
        work_verify(space, va, PAGES);
    }
    ok = ok && pgw_protect(space, va + PAGE_SIZE, PAGE_SIZE, PGW_READ) == PGW_OK;
    ok = ok && pgw_unmap(space, va + 5 * PAGE_SIZE, PAGE_SIZE) == PGW_OK;
    ok = ok && pgw_report_text_string(system, &text) == PGW_OK;
    free(text);
    assert_true(check_without_injection(system));
    return ok;
}

static bool
work(struct base_inject *inject, unsigned mmu)
{
    struct pgw_config config;
    struct pgw_system *system = NULL;
    char error[256] = "";

    pgw_config_init(&config);
    struct pgw_mmu_limits limits = {.size = sizeof limits};
    assert_int_equal(pgw_mmu_limits(mmu, &limits), PGW_OK);
    /* a contiguous space must be in RAM as a whole, and so must a linear table */
    config.ram = limits.contiguous    ? PGW_RAM_MIN * 4
                 : limits.levels == 1 ? (8 << 20) + 2 * PGW_RAM_MIN
                                      : PGW_RAM_MIN;
    config.swap_size = 4 << 20;
    config.mmu = pgw_mmu_name(mmu);
    config.error = error;
    config.error_len = sizeof error;
    if (sim_create(&config, inject, &system) != PGW_OK) {
        assert_null(system);
        assert_true(strlen(error) > 0);
        return false;
    }
    bool ok = work_inside(system);
    if (!ok)
        assert_true(strlen(pgw_error_text(system)) > 0);
    pgw_system_destroy(system);
    return ok;
}

static void
fail_each(enum base_inject_point point, bool and_after, unsigned mmu)
{
    unsigned n, failed = 0;

    for (n = 1; n < TRIES; n++) {
        struct base_inject inject = {0};
        inject.fail_at[point] = n;
        inject.and_after[point] = and_after;
        bool ok = work(&inject, mmu);
        if (inject.tried[point] < n) {
            assert_true(ok); /* nothing failed, and so the work is done */
            break;
        }
        failed += !ok;
    }
    assert_true(n > 1 && n < TRIES);
    printf("%s, point %d%s: %u tries, %u made the work fail\n", pgw_mmu_name(mmu), (int)point,
        and_after ? " and all after" : "", n - 1, failed);
    if (and_after && point != INJECT_READ)
        assert_true(failed > 0);
}

static void
each_fails(void **state)
{
    (void)state;
    for (unsigned m = 0; pgw_mmu_name(m) != NULL; m++) {
        for (int point = 0; point < INJECT_POINTS; point++) {
            fail_each((enum base_inject_point)point, false, m);
            fail_each((enum base_inject_point)point, true, m);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_fails)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
