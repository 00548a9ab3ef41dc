/* SPDX-License-Identifier: BSD-2-Clause */
/* The compressed pool takes its share of the frames that can go: not of those that tables and
 * locked pages hold. */
#include <pagewright/pagewright.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "system_stats.h"

#define PAGE ((uint64_t)PGW_PAGE_SIZE)
#define RAM 256u /* pages */
#define SHARE 4u /* the pool has a quarter */
#define LOCKED 120u
#define WORK 600u
#define RW (PGW_READ | PGW_WRITE)

struct pooled {
    struct pgw_system *system;
    struct pgw_space *space;
    uint64_t held, work; /* addresses */
};

static struct pooled
begin(const char *swap)
{
    struct pooled p = {0};
    struct pgw_config config;
    char error[256] = "";

    pgw_config_init(&config);
    config.ram = RAM * PAGE;
    config.mmu = "sv39";
    config.swap = PGW_SWAP_STACK;
    config.swap_path = swap;
    config.overcommit = PGW_OVERCOMMIT_ALWAYS;
    config.error = error;
    config.error_len = sizeof error;
    if (pgw_system_create(&config, &p.system) != PGW_OK)
        fail_msg("%s", error);
    assert_int_equal(pgw_space_create(p.system, &p.space), PGW_OK);
    assert_int_equal(pgw_map(p.space, LOCKED * PAGE, RW, 0, &p.held), PGW_OK);
    assert_int_equal(pgw_map(p.space, WORK * PAGE, RW, 0, &p.work), PGW_OK);
    return p;
}

static void
end(struct pooled *p)
{
    assert_true(pgw_system_check(p->system));
    pgw_space_destroy(p->space);
    pgw_system_destroy(p->system);
}

/* Half of a page's bytes are hard to compress. */
static void
page_of(uint64_t i, uint64_t page[PGW_PAGE_SIZE / 8])
{
    uint64_t random = 88172645463325252u + i;

    memset(page, 0, PGW_PAGE_SIZE);
    for (unsigned w = 0; w < PGW_PAGE_SIZE / 16; w++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        page[w] = random;
    }
}

static void
work(const struct pooled *p, unsigned rounds)
{
    uint64_t page[PGW_PAGE_SIZE / 8], was[PGW_PAGE_SIZE / 8];

    for (unsigned round = 0; round < rounds; round++) {
        for (uint64_t i = 0; i < WORK; i++) {
            page_of(round * WORK + i, page);
            assert_int_equal(pgw_write(p->space, p->work + i * PAGE, page, sizeof page), PGW_OK);
        }
        for (uint64_t i = 0; i < WORK; i++) {
            page_of(round * WORK + i, page);
            assert_int_equal(pgw_read(p->space, p->work + i * PAGE, was, sizeof was), PGW_OK);
            assert_memory_equal(was, page, sizeof was);
        }
    }
}

/* Of the frames that neither tables nor locks hold, rounded up. */
static uint64_t
share(const struct pooled *p)
{
    struct pgw_stats stats = stats_of(p->system);

    return (RAM - stats.tables - stats.locked + SHARE - 1) / SHARE;
}

static void
what_is_locked_is_not_shared(void **state)
{
    struct pooled p = begin("zpool:25%,8M");

    (void)state;
    assert_int_equal(pgw_lock(p.space, p.held, LOCKED * PAGE, false), PGW_OK);
    work(&p, 2);
    assert_true(stats_of(p.system).pool_frames > 0);
    assert_in_range(stats_of(p.system).pool_frames_peak, 1, share(&p));
    assert_int_equal(pgw_unlock(p.space, p.held, LOCKED * PAGE), PGW_OK);
    work(&p, 2);
    assert_true(stats_of(p.system).pool_frames > RAM / SHARE / 2); /* it may have more again */
    end(&p);
}

static void
a_pool_that_has_too_much_gives_back(void **state)
{
    struct pooled p = begin("zpool:25%,8M");

    (void)state;
    work(&p, 2);
    assert_true(stats_of(p.system).pool_frames > RAM / SHARE / 2);
    assert_int_equal(pgw_lock(p.space, p.held, LOCKED * PAGE, false), PGW_OK);
    work(&p, 2);
    assert_in_range(stats_of(p.system).pool_frames, 1, share(&p));
    end(&p);
}

/* Writes pages from *i on until the pool has so many frames, or there is no room for one. */
static void
write_until(const struct pooled *p, uint64_t *i, uint64_t frames)
{
    uint64_t page[PGW_PAGE_SIZE / 8];
    enum pgw_status status = PGW_OK;

    for (; *i < WORK && status == PGW_OK && stats_of(p->system).pool_frames < frames;
         *i += status == PGW_OK) {
        page_of(*i, page);
        status = pgw_write(p->space, p->work + *i * PAGE, page, sizeof page);
    }
}

/* Without a device behind it, a pool that has too much takes nothing, until its share has grown. */
static void
a_full_pool_that_may_have_more_takes_it(void **state)
{
    struct pooled p = begin("zpool:25%");
    uint64_t written = 0;

    (void)state;
    write_until(&p, &written, 45);
    assert_int_equal(pgw_unmap(p.space, p.work + (written - LOCKED) * PAGE, LOCKED * PAGE), PGW_OK);
    assert_int_equal(pgw_lock(p.space, p.held, LOCKED * PAGE, false), PGW_OK);
    write_until(&p, &written, RAM);
    assert_in_range(written, 1, WORK - 1);
    uint64_t before = stats_of(p.system).pool_frames;
    assert_true(before > share(&p));
    assert_int_equal(pgw_unlock(p.space, p.held, LOCKED * PAGE), PGW_OK);
    write_until(&p, &written, RAM);
    assert_true(stats_of(p.system).pool_frames > before);
    assert_in_range(stats_of(p.system).pool_frames, 1, share(&p));
    end(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_locked_is_not_shared),
        cmocka_unit_test(a_pool_that_has_too_much_gives_back),
        cmocka_unit_test(a_full_pool_that_may_have_more_takes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
