/* SPDX-License-Identifier: BSD-2-Clause */
/* What a service did is seen in the figures after it has ended: at most, where now is nothing. */
#include <pagewright/pagewright.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "system_stats.h"

#define PAGE ((uint64_t)PGW_PAGE_SIZE)
#define RW (PGW_READ | PGW_WRITE)

static struct pgw_system *
system_of(const char *mmu, const char *swap, uint64_t ram)
{
    struct pgw_config config;
    struct pgw_system *system = NULL;
    char error[256] = "";

    pgw_config_init(&config);
    config.ram = ram;
    config.mmu = mmu;
    config.swap = PGW_SWAP_STACK;
    config.swap_path = swap;
    config.merge = PGW_MERGE_ALL;
    config.error = error;
    config.error_len = sizeof error;
    if (pgw_system_create(&config, &system) != PGW_OK)
        fail_msg("%s", error);
    return system;
}

static struct pgw_space *
space_of(struct pgw_system *system)
{
    struct pgw_space *space = NULL;

    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    return space;
}

static uint64_t
mapped(struct pgw_space *space, uint64_t pages, unsigned flags)
{
    uint64_t va = 0;

    assert_int_equal(pgw_map(space, pages * PAGE, RW, flags, &va), PGW_OK);
    return va;
}

/* A page of one word again and again, or one that nothing makes smaller. */
static void
fill(struct pgw_space *space, uint64_t va, uint64_t pages, bool same)
{
    uint64_t page[PGW_PAGE_SIZE / 8], random = 88172645463325252u;

    for (uint64_t i = 0; i < pages; i++) {
        for (unsigned w = 0; w < PGW_PAGE_SIZE / 8; w++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            page[w] = same ? i + 1 : random + i;
        }
        assert_int_equal(pgw_write(space, va + i * PAGE, page, sizeof page), PGW_OK);
    }
}

static void
evict(struct pgw_space *space, uint64_t va, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++)
        assert_int_equal(pgw_evict(space, va + i * PAGE), PGW_OK);
}

static void
shared_memory_and_locks(void **state)
{
    struct pgw_system *system = system_of("sv39", "zpool:20%,8M", 1 << 20);
    struct pgw_space *space = space_of(system);
    uint64_t shared = mapped(space, 40, PGW_SHARED), own = mapped(space, 10, 0);

    (void)state;
    fill(space, shared, 30, true);
    evict(space, shared, 20);
    assert_int_equal(stats_of(system).shm_resident, 10);
    assert_int_equal(stats_of(system).shm_swapped, 20);
    assert_int_equal(pgw_lock(space, own, 7 * PAGE, false), PGW_OK);
    assert_true(pgw_system_check(system));
    pgw_space_destroy(space);
    struct pgw_stats stats = stats_of(system);
    assert_int_equal(stats.shm_len, 0);
    assert_int_equal(stats.shm_resident, 0);
    assert_int_equal(stats.shm_swapped, 0);
    assert_int_equal(stats.locked, 0);
    assert_int_equal(stats.pool_same, 0);
    assert_int_equal(stats.shm_len_peak, 40);
    assert_int_equal(stats.shm_resident_peak, 30);
    assert_int_equal(stats.shm_swapped_peak, 20);
    assert_int_equal(stats.locked_peak, 7);
    assert_int_equal(stats.pool_same_peak, 20);
    assert_true(pgw_system_check(system));
    pgw_system_destroy(system);
}

static void
pool_and_merging(void **state)
{
    struct pgw_system *system = system_of("sv39", "zpool:20%,8M", 1 << 20);
    struct pgw_space *space = space_of(system), *other = space_of(system);
    uint64_t random = mapped(space, 12, 0), equal = mapped(space, 9, 0), same = mapped(other, 9, 0),
             merged;

    (void)state;
    fill(space, random, 12, false);
    evict(space, random, 12); /* hard to compress: on to the device */
    fill(space, equal, 9, true);
    fill(other, same, 9, true);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pgw_merge(system, 1000, &merged), PGW_OK);
    assert_int_equal(stats_of(system).merge_shared, 9);
    pgw_space_destroy(other);
    pgw_space_destroy(space);
    struct pgw_stats stats = stats_of(system);
    assert_int_equal(stats.device_pages, 0);
    assert_int_equal(stats.device_pages_peak, 12);
    assert_int_equal(stats.merge_shared, 0);
    assert_int_equal(stats.merge_shared_peak, 9);
    pgw_system_destroy(system);
}

static void
files(void **state)
{
    char path[] = "/tmp/pagewright-test-XXXXXX";
    struct pgw_system *system = system_of("sv39", "zpool:20%,8M", 1 << 20);
    struct pgw_space *space = space_of(system);
    uint64_t va = 0;

    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ftruncate(fd, 6 * PAGE), 0);
    assert_int_equal(pgw_map_file(space, fd, 0, 6 * PAGE, RW, PGW_SHARED, &va), PGW_OK);
    fill(space, va, 5, true);
    assert_int_equal(stats_of(system).file_dirty, 5);
    assert_int_equal(pgw_sync(space, va, 6 * PAGE), PGW_OK);
    assert_int_equal(stats_of(system).file_dirty, 0);
    assert_int_equal(stats_of(system).file_dirty_peak, 5);
    pgw_space_destroy(space);
    pgw_system_destroy(system);
    close(fd);
}

static void
segments_and_holes(void **state)
{
    struct pgw_system *system = system_of("segments", "8M", 4 << 20);
    struct pgw_space *spaces[3];
    uint64_t pages = stats_of(system).largest_hole / 8;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        spaces[i] = space_of(system);
        (void)mapped(spaces[i], pages, 0);
    }
    pgw_space_destroy(spaces[1]);
    assert_int_equal(stats_of(system).holes, 2);
    assert_int_equal(stats_of(system).segments, 2);
    pgw_space_destroy(spaces[0]);
    pgw_space_destroy(spaces[2]);
    struct pgw_stats stats = stats_of(system);
    assert_int_equal(stats.segments, 0);
    assert_int_equal(stats.holes, 1);
    assert_int_equal(stats.segments_peak, 3);
    assert_int_equal(stats.segments_resident_peak, 3);
    assert_int_equal(stats.holes_peak, 2);
    pgw_system_destroy(system);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_memory_and_locks),
        cmocka_unit_test(pool_and_merging),
        cmocka_unit_test(files),
        cmocka_unit_test(segments_and_holes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
