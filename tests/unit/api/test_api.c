/* SPDX-License-Identifier: BSD-2-Clause */
/* The public interface as an embedder uses it: spaces, errors, limits, several systems. */
#include <pagewright/pagewright.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "system_stats.h"

#define PAGE ((uint64_t)PGW_PAGE_SIZE)
#define RW (PGW_READ | PGW_WRITE)

static struct pgw_system *
system_of(uint64_t ram, const char *mmu, const char *policy)
{
    struct pgw_config config;
    struct pgw_system *system = NULL;
    char error[256] = "";

    pgw_config_init(&config);
    config.ram = ram;
    config.swap_size = 16 << 20;
    config.mmu = mmu;
    config.policy = policy;
    config.error = error;
    config.error_len = sizeof error;
    if (pgw_system_create(&config, &system) != PGW_OK)
        fail_msg("%s", error);
    return system;
}

/* What a page of each space is filled with: different for every space and page. */
static uint64_t
mark(unsigned space, uint64_t page)
{
    return (page + 1) * 0x9e3779b97f4a7c15u ^ space;
}

static void
fill(struct pgw_space *space, uint64_t va, uint64_t pages, unsigned who)
{
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t value = mark(who, i);
        assert_int_equal(pgw_write(space, va + i * PAGE + 8, &value, sizeof value), PGW_OK);
    }
}

static void
verify(struct pgw_space *space, uint64_t va, uint64_t pages, unsigned who)
{
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t value[2] = {1, 0};
        assert_int_equal(pgw_read(space, va + i * PAGE, value, sizeof value), PGW_OK);
        assert_int_equal(value[0], 0);
        assert_int_equal(value[1], mark(who, i));
    }
}

static struct pgw_mmu_limits
limits_of(unsigned m)
{
    struct pgw_mmu_limits limits = {.size = sizeof limits};

    assert_int_equal(pgw_mmu_limits(m, &limits), PGW_OK);
    return limits;
}

/* Sixteen times the RAM in two spaces and a fork of one; every byte comes back. */
static void
more_than_ram(const char *mmu, const char *policy)
{
    struct pgw_system *system = system_of(256 << 10, mmu, policy);
    struct pgw_space *a, *b, *child;
    uint64_t va_a = 0, va_b = 0, pages = 256;

    assert_int_equal(pgw_space_create(system, &a), PGW_OK);
    assert_int_equal(pgw_space_create(system, &b), PGW_OK);
    assert_int_equal(pgw_map(a, pages * PAGE, RW, 0, &va_a), PGW_OK);
    assert_int_equal(pgw_map(b, pages * PAGE, RW, 0, &va_b), PGW_OK);
    fill(a, va_a, pages, 1);
    assert_int_equal(pgw_fork(a, &child), PGW_OK);
    fill(b, va_b, pages, 2);
    fill(child, va_a, pages / 2, 3);
    verify(a, va_a, pages, 1);
    verify(b, va_b, pages, 2);
    verify(child, va_a, pages / 2, 3);
    assert_true(pgw_system_check(system));

    struct pgw_stats stats = stats_of(system);
    assert_int_equal(stats.ram, 64);
    assert_true(stats.swap_out > 0 && stats.swap_in > 0 && stats.major > 0);
    assert_true(stats.cow >= pages / 2);
    assert_true(stats.zero_fill >= 2 * pages);
    assert_true(stats.resident_peak <= 64);
    assert_true(stats.access_ns > 100);
    if (stats.tlb_modelled) {
        assert_int_equal(stats.l1d_hits + stats.l1d_misses, stats.loads_stores);
        assert_int_equal(stats.l2_hits + stats.l2_misses, stats.l1d_misses + stats.l1i_misses);
    }
    struct pgw_space_counts counts;
    pgw_space_counts(b, &counts);
    assert_int_equal(counts.mapped, pages * PAGE);
    assert_int_equal(counts.resident + counts.swapped, pages);
    assert_true(counts.zero_fill >= pages && counts.cow == 0);
    pgw_system_destroy(system);
}

static void
every_back_end_pages(void **state)
{
    (void)state;
    for (unsigned m = 0; pgw_mmu_name(m) != NULL; m++) {
        struct pgw_mmu_limits limits = limits_of(m);
        if (limits.contiguous || limits.levels == 1)
            continue; /* see the next two */
        for (unsigned p = 0; pgw_policy_name(p) != NULL; p++)
            more_than_ram(pgw_mmu_name(m), pgw_policy_name(p));
    }
}

/* Its root table alone takes 4 MiB: what has no room for it is refused, and nothing is lost. */
static void
large_tables(void **state)
{
    struct pgw_system *system = system_of(2 << 20, "linear", "clock");
    struct pgw_space *space[4];
    uint64_t va = 0;

    (void)state;
    assert_int_equal(pgw_space_create(system, &space[0]), PGW_NORAM);
    pgw_system_destroy(system);
    system = system_of(16 << 20, "linear", "clock");
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pgw_space_create(system, &space[i]), PGW_OK);
    assert_int_equal(pgw_map(space[1], 1024 * PAGE, RW, 0, &va), PGW_OK);
    fill(space[1], va, 1024, 7);
    pgw_space_destroy(space[0]);
    pgw_space_destroy(space[2]);
    assert_int_equal(pgw_space_create(system, &space[0]), PGW_OK);
    verify(space[1], va, 1024, 7);
    assert_int_equal(stats_of(system).tables, 2 * 1024);
    assert_true(pgw_system_check(system));
    pgw_system_destroy(system);
}

/* Spaces that have no room side by side take turns, whole. */
static void
contiguous_takes_turns(void **state)
{
    (void)state;
    for (unsigned m = 0; pgw_mmu_name(m) != NULL; m++) {
        struct pgw_space *space[4];
        uint64_t va = 0x10000, pages = 40;
        if (!limits_of(m).contiguous)
            continue;
        struct pgw_system *system = system_of(256 << 10, pgw_mmu_name(m), "clock");
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(pgw_space_create(system, &space[i]), PGW_OK);
            assert_int_equal(pgw_map(space[i], pages * PAGE, RW, PGW_FIXED, &va), PGW_OK);
            fill(space[i], va, pages, i);
        }
        assert_int_equal(pgw_fork(space[1], &space[3]), PGW_OK);
        fill(space[3], va, pages / 2, 9);
        for (unsigned i = 0; i < 3; i++)
            verify(space[i], va, pages, i);
        verify(space[3], va, pages / 2, 9);
        assert_true(pgw_system_check(system));
        struct pgw_stats stats = stats_of(system);
        assert_true(stats.contiguous && stats.segments_in > 0 && stats.segments_out > 0);
        assert_int_equal(stats.segment_copied, pages);
        pgw_system_destroy(system);
    }
}

/* A name of its own that can stand in --policy NAME:KEY=VALUE,NAME, and parameters that work. */
static void
policy_is_sound(unsigned i)
{
    struct pgw_policy_param param = {.size = sizeof param};
    unsigned n = 0;

    assert_true(strlen(pgw_policy_summary(i)) > 0);
    assert_null(strpbrk(pgw_policy_name(i), ":,= "));
    for (unsigned j = 0; j < i; j++)
        assert_string_not_equal(pgw_policy_name(i), pgw_policy_name(j));
    for (; pgw_policy_param(i, n, &param); n++) {
        char text[128];
        assert_true(param.least >= 1 && param.least <= param.usual && param.usual <= param.most);
        assert_null(strpbrk(param.name, ":,= "));
        (void)snprintf(text, sizeof text, "%s:%s=%llu", pgw_policy_name(i), param.name,
            (unsigned long long)param.most);
        pgw_system_destroy(system_of(1 << 20, "ref", text));
    }
    assert_true(n <= 4);
}

static void
lists_end(void **state)
{
    unsigned n = 0;

    (void)state;
    for (; pgw_mmu_name(n) != NULL; n++)
        assert_true(strlen(pgw_mmu_summary(n)) > 0);
    assert_null(pgw_mmu_summary(n));
    for (n = 0; pgw_policy_name(n) != NULL; n++)
        policy_is_sound(n);
    assert_null(pgw_policy_summary(n));
    for (n = 0; pgw_pager_name(n) != NULL; n++)
        assert_true(strlen(pgw_pager_summary(n)) > 0);
    assert_null(pgw_pager_summary(n));
    assert_true(strlen(pgw_version()) > 0);
    assert_string_equal(pgw_error_text(NULL), "");
}

/* Makes a system that cannot be made, and looks at what is said. */
static void
refused(const struct pgw_config *config, enum pgw_status status, const char *says)
{
    struct pgw_config told = *config;
    struct pgw_system *system = NULL;
    char error[256] = "";

    told.error = error;
    told.error_len = sizeof error;
    assert_int_equal(pgw_system_create(&told, &system), status);
    assert_null(system);
    if (strstr(error, says) == NULL || strchr(error, '\n') != NULL)
        fail_msg("\"%s\" does not say \"%s\" in one line", error, says);
    told.error_len = 5;
    assert_int_equal(pgw_system_create(&told, &system), status);
    assert_int_equal(strlen(error), 4);
    told.error = NULL;
    assert_int_equal(pgw_system_create(&told, &system), status);
}

static void
bad_configurations(void **state)
{
    struct pgw_config config, good;

    (void)state;
    pgw_config_init(&good);
    config = good;
    config.ram = PGW_RAM_MIN - 1;
    refused(&config, PGW_NORAM, "at least 64K");
    config = good;
    config.mmu = "sv40";
    refused(
        &config, PGW_INVAL, "no mmu \"sv40\": use one of none, base-bounds, segments, linear, x86");
    config = good;
    config.policy = NULL;
    refused(&config, PGW_INVAL, "policy's name is missing");
    config = good;
    config.tlb = "l1=65:4";
    refused(&config, PGW_INVAL, "tlb \"l1=65:4\"");
    config = good;
    config.slice = 0;
    refused(&config, PGW_INVAL, "slice");
    config = good;
    config.cost.ram_ns = -1;
    refused(&config, PGW_INVAL, "cost");
    config = good;
    config.swap_size = 100;
    refused(&config, PGW_INVAL, "swap size of 100");
    config = good;
    config.swap = PGW_SWAP_FILE;
    refused(&config, PGW_INVAL, "swap");
    config.swap_path = "/nonexistent/directory/swap";
    refused(&config, PGW_NOTFOUND, "cannot make the swap file /nonexistent/directory/swap");
    config.swap_path = "/dev/null";
    refused(&config, PGW_INVAL, "neither a regular file nor a block device");
    config.swap_path = "/";
    refused(&config, PGW_INVAL, "neither a regular file nor a block device");

    struct pgw_system *system = NULL;
    config = good;
    config.size = 8;
    assert_int_equal(pgw_system_create(&config, &system), PGW_INVAL);
    assert_null(system);
}

/* A later version's configuration is longer; the fields that are not known are left alone. */
static void
configurations_of_other_versions(void **state)
{
    struct {
        struct pgw_config config;
        uint64_t later[4];
    } longer;
    struct pgw_system *system = NULL;

    (void)state;
    memset(&longer, 0xff, sizeof longer);
    pgw_config_init_sized(&longer.config, sizeof longer);
    assert_int_equal(longer.later[0], 0);
    assert_int_equal(longer.later[3], 0);
    assert_int_equal(longer.config.size, sizeof longer);
    assert_int_equal(pgw_system_create(&longer.config, &system), PGW_OK);

    struct pgw_stats stats = {.size = offsetof(struct pgw_stats, loads_stores), .loads_stores = 77};
    assert_int_equal(pgw_system_stats(system, &stats), PGW_OK);
    assert_int_equal(stats.loads_stores, 77);
    stats.size = 0;
    assert_int_equal(pgw_system_stats(system, &stats), PGW_INVAL);
    assert_non_null(strstr(pgw_error_text(system), "stats.size"));
    pgw_system_destroy(system);
}

static void
bad_arguments(void **state)
{
    struct pgw_system *system = system_of(1 << 20, "sv39", "clock");
    struct pgw_space *space;
    uint64_t va = 0, end, other;
    unsigned char byte = 1;
    void *bytes = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    end = pgw_space_end(space);
    assert_int_equal(pgw_map(space, 0, RW, 0, &va), PGW_INVAL);
    assert_int_equal(pgw_map(space, PAGE, 8, 0, &va), PGW_INVAL);
    assert_int_equal(pgw_map(space, PAGE, RW, 64, &va), PGW_INVAL);
    va = 12;
    assert_int_equal(pgw_map(space, PAGE, RW, 0, &va), PGW_INVAL);
    assert_int_equal(va, 12);
    va = 0;
    assert_int_equal(pgw_map(space, 16 * PAGE, RW, 0, &va), PGW_OK);
    other = va;
    assert_int_equal(pgw_map(space, PAGE, RW, PGW_FIXED | PGW_NOREPLACE, &other), PGW_EXIST);
    other = end;
    assert_int_not_equal(pgw_map(space, PAGE, RW, PGW_FIXED, &other), PGW_OK);
    other = 0;
    assert_int_not_equal(pgw_map(space, UINT64_MAX, RW, 0, &other), PGW_OK);
    assert_int_not_equal(pgw_map(space, end + PAGE, RW, 0, &other), PGW_OK);
    assert_int_equal(pgw_unmap(space, va + 1, PAGE), PGW_INVAL);
    assert_int_equal(pgw_unmap(space, va, 0), PGW_INVAL);
    assert_int_equal(pgw_unmap(space, end, PAGE), PGW_RANGE);
    assert_int_equal(pgw_unmap(space, va, UINT64_MAX), PGW_RANGE);
    assert_int_equal(pgw_protect(space, va, 17 * PAGE, PGW_READ), PGW_NOTFOUND);
    assert_int_equal(pgw_write(space, va + 15 * PAGE, &byte, 1), PGW_OK); /* still RW */
    assert_int_equal(pgw_protect(space, va, PAGE, 9), PGW_INVAL);
    assert_int_equal(pgw_remap(space, PAGE, 0, true, &va), PGW_INVAL);
    assert_int_equal(pgw_read(space, end - 1, &byte, 1), PGW_NOTFOUND);
    assert_int_equal(pgw_read(space, UINT64_MAX, &byte, 1), PGW_RANGE);
    assert_int_equal(pgw_read(space, UINT64_MAX - 1, &byte, 1), PGW_NOTFOUND);
    assert_non_null(strstr(pgw_error_text(system), "0xfffffffffffffffe"));
    assert_int_equal(pgw_read(space, 0, &byte, 0), PGW_OK);
    assert_int_equal(pgw_resolve(space, va, RW, &bytes, &len), PGW_INVAL);
    assert_int_equal(pgw_resolve(space, va, PGW_EXEC, &bytes, &len), PGW_ACCESS);
    assert_null(bytes);
    assert_int_equal(pgw_evict(space, va + 3 * PAGE), PGW_NOTFOUND);
    assert_int_equal(pgw_map_file(space, -1, 0, PAGE, PGW_READ, 0, &other), PGW_IO);
    assert_true(pgw_system_check(system));
    pgw_space_destroy(NULL);
    pgw_system_destroy(NULL);
    pgw_system_destroy(system);
}

static void
rights_are_kept(void **state)
{
    (void)state;
    for (unsigned m = 0; pgw_mmu_name(m) != NULL; m++) {
        if (limits_of(m).contiguous)
            continue; /* a segment has rights at the most, its pages have none */
        struct pgw_system *system = system_of(16 << 20, pgw_mmu_name(m), "clock");
        struct pgw_space *space;
        uint64_t va = 0x10000, value = 42, got = 0;

        assert_int_equal(pgw_space_create(system, &space), PGW_OK);
        assert_int_equal(pgw_map(space, 2 * PAGE, RW, PGW_FIXED, &va), PGW_OK);
        assert_int_equal(va, 0x10000);
        assert_int_equal(pgw_write(space, va, &value, sizeof value), PGW_OK);
        assert_int_equal(pgw_protect(space, va, PAGE, PGW_READ), PGW_OK);
        assert_int_equal(pgw_write(space, va, &value, sizeof value), PGW_ACCESS);
        assert_string_equal(pgw_error_text(system), "the rights at 0x10000 do not allow it");
        assert_int_equal(pgw_read(space, va, &got, sizeof got), PGW_OK);
        assert_int_equal(got, 42);
        /* A write across both pages does its first part only where it may. */
        assert_int_equal(pgw_write(space, va + PAGE - 4, &value, sizeof value), PGW_ACCESS);
        assert_int_equal(pgw_protect(space, va, PAGE, 0), PGW_OK);
        assert_int_equal(pgw_read(space, va, &got, sizeof got), PGW_ACCESS);
        assert_int_equal(pgw_protect(space, va, PAGE, RW), PGW_OK);
        assert_int_equal(pgw_read(space, va, &got, sizeof got), PGW_OK);
        assert_int_equal(got, 42);
        assert_int_equal(pgw_unmap(space, va, PAGE), PGW_OK);
        assert_int_equal(pgw_read(space, va, &got, sizeof got), PGW_NOTFOUND);
        assert_int_equal(pgw_unmap(space, va, PAGE), PGW_OK);

        struct pgw_region region;
        assert_int_equal(pgw_region_at(space, 0, &region), PGW_OK);
        assert_int_equal(region.start, va + PAGE);
        assert_int_equal(region.end, va + 2 * PAGE);
        assert_int_equal(region.prot, RW);
        assert_string_equal(region.use, "anon");
        assert_int_equal(pgw_region_at(space, region.end, &region), PGW_NOTFOUND);
        pgw_system_destroy(system);
    }
}

static void
evict_and_resolve(void **state)
{
    struct pgw_system *system = system_of(1 << 20, "sv39", "lru");
    struct pgw_space *space;
    struct pgw_space_counts counts;
    uint64_t va = 0;
    void *bytes = NULL;
    size_t len = 0;
    char text[8] = "";

    (void)state;
    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    assert_int_equal(pgw_map(space, PAGE, RW, 0, &va), PGW_OK);
    assert_int_equal(pgw_resolve(space, va + 100, PGW_WRITE, &bytes, &len), PGW_OK);
    assert_int_equal(len, PAGE - 100);
    memcpy(bytes, "kept", 5);
    assert_int_equal(pgw_evict(space, va), PGW_OK);
    pgw_space_counts(space, &counts);
    assert_int_equal(counts.resident, 0);
    assert_int_equal(counts.swapped, 1);
    assert_int_equal(pgw_evict(space, va), PGW_NOTFOUND);
    assert_int_equal(pgw_read(space, va + 100, text, sizeof text), PGW_OK);
    assert_string_equal(text, "kept");
    pgw_space_counts(space, &counts);
    assert_int_equal(counts.major, 1);
    assert_int_equal(stats_of(system).swap_in, 1);
    assert_int_equal(stats_of(system).swap_out, 1);
    pgw_system_destroy(system);
}

static void
reserve_commit_lock(void **state)
{
    struct pgw_config config;
    struct pgw_system *system;
    struct pgw_space *space;
    struct pgw_region region;
    struct pgw_region_usage usage;
    unsigned char vec[8];
    uint64_t va = 0;

    (void)state;
    pgw_config_init(&config);
    config.ram = 1 << 20;
    config.swap = PGW_SWAP_NONE;
    config.overcommit = PGW_OVERCOMMIT_NEVER;
    assert_int_equal(pgw_system_create(&config, &system), PGW_OK);
    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    assert_int_equal(pgw_reserve(space, 1 << 30, 0, &va), PGW_OK);
    assert_int_equal(pgw_region_at(space, va, &region), PGW_OK);
    assert_string_equal(region.state, "reserved");
    assert_int_equal(stats_of(system).committed, 0);
    assert_int_equal(pgw_commit(space, va, 1 << 30, RW), PGW_NOCOMMIT);
    assert_int_equal(pgw_commit(space, va, 8 * PAGE, 0), PGW_INVAL);
    assert_int_equal(pgw_commit(space, va, 8 * PAGE, RW), PGW_OK);
    assert_int_equal(stats_of(system).committed, 8);
    assert_int_equal(pgw_write(space, va, "kept", 5), PGW_OK);
    assert_int_equal(pgw_lock(space, va, 4 * PAGE, false), PGW_OK);
    assert_int_equal(pgw_resident(space, va, 8, vec), PGW_OK);
    assert_int_equal(vec[3] + vec[4], 1);
    assert_int_equal(pgw_region_usage(space, va, &usage), PGW_OK);
    assert_int_equal(usage.locked, 4);
    assert_int_equal(pgw_advise(space, va, 4 * PAGE, PGW_ADVICE_DONTNEED), PGW_INVAL);
    assert_int_equal(pgw_evict(space, va), PGW_AGAIN);
    assert_non_null(strstr(pgw_error_text(system), "locked"));
    assert_int_equal(pgw_unlock(space, va, 4 * PAGE), PGW_OK);
    assert_int_equal(pgw_populate(space, va, 8 * PAGE, true), PGW_OK);
    assert_int_equal(pgw_decommit(space, va, 8 * PAGE), PGW_OK);
    assert_int_equal(stats_of(system).committed, 0);
    assert_int_equal(pgw_decommit(space, va - PAGE, 2 * PAGE), PGW_NOTFOUND);
    assert_int_equal(pgw_region_at(space, va, &region), PGW_OK);
    assert_string_equal(region.state, "reserved");
    assert_int_equal(pgw_read(space, va, vec, 1), PGW_ACCESS);
    assert_int_equal(pgw_commit(space, va, 8 * PAGE, RW), PGW_OK);
    assert_int_equal(pgw_read(space, va, vec, 1), PGW_OK);
    assert_int_equal(vec[0], 0);
    pgw_system_destroy(system);
}

static void
no_swap_is_full_ram(void **state)
{
    struct pgw_config config;
    struct pgw_system *system = NULL;
    struct pgw_space *space;
    uint64_t va = 0, done = 0, value;
    enum pgw_status status = PGW_OK;

    (void)state;
    pgw_config_init(&config);
    config.ram = 256 << 10;
    config.swap = PGW_SWAP_NONE;
    config.overcommit = PGW_OVERCOMMIT_ALWAYS;
    assert_int_equal(pgw_system_create(&config, &system), PGW_OK);
    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    assert_int_equal(pgw_map(space, 1 << 20, RW, 0, &va), PGW_OK);
    for (; status == PGW_OK && done < 256; done++) {
        value = mark(1, done);
        status = pgw_write(space, va + done * PAGE + 8, &value, sizeof value);
    }
    assert_int_equal(status, PGW_NORAM);
    assert_non_null(strstr(pgw_error_text(system), "RAM and swap are full"));
    assert_true(done > 32); /* most of the RAM was used */
    verify(space, va, done - 1, 1);
    assert_true(pgw_system_check(system));
    pgw_system_destroy(system);
}

/* Two systems with the same addresses and different settings share nothing. */
static void
two_systems(void **state)
{
    struct pgw_system *one = system_of(256 << 10, "sv39", "fifo");
    struct pgw_system *two = system_of(512 << 10, "ref", "lru");
    struct pgw_space *a, *b;
    uint64_t va = 0x100000;

    (void)state;
    assert_int_equal(pgw_space_create(one, &a), PGW_OK);
    assert_int_equal(pgw_space_create(two, &b), PGW_OK);
    assert_int_equal(pgw_map(a, 200 * PAGE, RW, PGW_FIXED, &va), PGW_OK);
    assert_int_equal(pgw_map(b, 200 * PAGE, RW, PGW_FIXED, &va), PGW_OK);
    for (unsigned round = 0; round < 3; round++) {
        fill(a, va, 200, 10 + round);
        fill(b, va, 200, 20 + round);
        verify(a, va, 200, 10 + round);
        verify(b, va, 200, 20 + round);
    }
    assert_int_equal(pgw_read(a, 0, &va, 1), PGW_NOTFOUND);
    assert_string_equal(pgw_error_text(two), "");
    assert_int_equal(stats_of(one).ram, 64);
    assert_int_equal(stats_of(two).ram, 128);
    assert_true(pgw_system_check(one) && pgw_system_check(two));
    pgw_system_destroy(one);
    verify(b, 0x100000, 200, 22);
    pgw_system_destroy(two);
}

/* Same calls, same seed: same figures. */
static void
runs_repeat(void **state)
{
    uint64_t evicted[2], swap_in[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct pgw_system *system = system_of(256 << 10, "sv39", "random");
        struct pgw_space *space;
        uint64_t va = 0;
        assert_int_equal(pgw_space_create(system, &space), PGW_OK);
        assert_int_equal(pgw_map(space, 128 * PAGE, RW, 0, &va), PGW_OK);
        fill(space, va, 128, 1);
        verify(space, va, 128, 1);
        evicted[i] = stats_of(system).evicted;
        swap_in[i] = stats_of(system).swap_in;
        pgw_system_destroy(system);
    }
    assert_true(evicted[0] > 0);
    assert_int_equal(evicted[0], evicted[1]);
    assert_int_equal(swap_in[0], swap_in[1]);
}

static void
swap_files(void **state)
{
    char path[] = "/tmp/pagewright-test-XXXXXX";
    struct pgw_config config;
    struct pgw_system *system = NULL, *second = NULL;
    struct pgw_space *space;
    struct stat st;
    uint64_t va = 0;

    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    pgw_config_init(&config);
    config.ram = 256 << 10;
    config.swap = PGW_SWAP_FILE;
    config.swap_path = path;
    config.swap_size = 2 << 20;
    assert_int_equal(pgw_system_create(&config, &system), PGW_OK);
    assert_int_equal(stats_of(system).swap_size, 512);
    refused(&config, PGW_EXIST, "another system swaps to it");
    assert_null(second);
    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    assert_int_equal(pgw_map(space, 1 << 20, RW, 0, &va), PGW_OK);
    fill(space, va, 256, 5);
    verify(space, va, 256, 5);
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(st.st_size > 0);
    pgw_system_destroy(system);
    assert_int_equal(access(path, F_OK), 0); /* left behind */
    assert_int_equal(unlink(path), 0);
    close(fd);
}

/* Two spaces that map one file share its page; what one writes stays its own. */
static void
files_are_shared_and_private(void **state)
{
    char path[] = "/tmp/pagewright-test-XXXXXX", text[6000], got[16] = "";
    struct pgw_system *system = system_of(1 << 20, "sv39", "clock");
    struct pgw_space *a, *b;
    uint64_t va_a = 0, va_b = 0, va_c = 0;

    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    memset(text, 'x', sizeof text);
    assert_int_equal(write(fd, text, sizeof text), sizeof text);
    assert_int_equal(pgw_space_create(system, &a), PGW_OK);
    assert_int_equal(pgw_space_create(system, &b), PGW_OK);
    assert_int_equal(pgw_map_file(a, fd, 0, 3 * PAGE, RW, 0, &va_a), PGW_OK);
    assert_int_equal(pgw_map_file(b, fd, 0, 3 * PAGE, RW, 0, &va_b), PGW_OK);
    assert_int_equal(pgw_map_file(b, fd, 1, PAGE, RW, 0, &va_c), PGW_INVAL);
    assert_int_equal(pgw_read(a, va_a, got, 4), PGW_OK);
    assert_int_equal(pgw_read(b, va_b, got + 4, 4), PGW_OK);
    assert_string_equal(got, "xxxxxxxx");
    assert_int_equal(stats_of(system).file_in, 1);
    assert_int_equal(stats_of(system).objects, 1);
    assert_int_equal(pgw_write(a, va_a, "mine", 4), PGW_OK);
    assert_int_equal(pgw_read(b, va_b, got, 4), PGW_OK);
    assert_memory_equal(got, "xxxx", 4);
    assert_int_equal(pgw_read(a, va_a + 5998, got, 4), PGW_OK); /* the file's end, then zeros */
    assert_memory_equal(got, "xx\0\0", 4);
    assert_int_equal(pgw_read(a, va_a + 2 * PAGE, got, 1), PGW_RANGE);
    /* Who maps it anew finds that it was changed, and so does everybody else. */
    assert_int_equal(pwrite(fd, "new!", 4, 6000), 4);
    assert_int_equal(pgw_map_file(b, fd, 0, PAGE, PGW_READ, 0, &va_c), PGW_OK);
    assert_int_equal(stats_of(system).objects, 1);
    assert_int_equal(pgw_read(b, va_b + 5998, got, 6), PGW_OK);
    assert_memory_equal(got, "xxnew!", 6);
    assert_int_equal(pgw_read(a, va_a, got, 4), PGW_OK);
    assert_memory_equal(got, "mine", 4); /* but not of one's own page */
    pgw_space_destroy(b);
    pgw_space_destroy(a);
    assert_true(pgw_system_check(system));
    assert_int_equal(stats_of(system).objects, 1); /* kept as a cache */
    pgw_system_destroy(system);
    unlink(path);
    close(fd);
}

static void
shared_files_are_written(void **state)
{
    char path[] = "/tmp/pagewright-test-XXXXXX", got[16] = "";
    struct pgw_system *system = system_of(1 << 20, "sv39", "clock");
    struct pgw_space *a, *b;
    uint64_t va_a = 0, va_b = 0, va_c = 0;

    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    int reader = open(path, O_RDONLY);
    assert_int_equal(ftruncate(fd, PAGE + 100), 0);
    assert_int_equal(pgw_space_create(system, &a), PGW_OK);
    assert_int_equal(pgw_map_file(a, reader, 0, PAGE, RW, PGW_SHARED, &va_a), PGW_ACCESS);
    assert_int_equal(pgw_map_file(a, fd, 0, 2 * PAGE, RW, PGW_SHARED, &va_a), PGW_OK);
    assert_int_equal(pgw_map(a, PAGE, RW, PGW_SHARED, &va_c), PGW_OK);
    assert_int_equal(pgw_fork(a, &b), PGW_OK);
    assert_int_equal(pgw_map_file(b, reader, 0, PAGE, PGW_READ, 0, &va_b), PGW_OK);
    assert_int_equal(pgw_write(b, va_a + 10, "written", 7), PGW_OK);
    assert_int_equal(pgw_read(a, va_a + 10, got, 7), PGW_OK);
    assert_memory_equal(got, "written", 7);
    assert_int_equal(pgw_read(b, va_b + 10, got, 7), PGW_OK);
    assert_memory_equal(got, "written", 7);
    assert_int_equal(pgw_write(b, va_c, "both", 4), PGW_OK);
    assert_int_equal(pgw_read(a, va_c, got, 4), PGW_OK);
    assert_memory_equal(got, "both", 4);
    assert_int_equal(stats_of(system).shm_len, 1);
    assert_int_equal(pgw_sync(a, va_a, 2 * PAGE), PGW_OK);
    assert_int_equal(pread(reader, got, 7, 10), 7);
    assert_memory_equal(got, "written", 7);
    assert_int_equal(stats_of(system).written_back, 1);
    assert_int_equal(pgw_write(a, va_a + PAGE + 98, "ends", 4), PGW_OK);
    assert_int_equal(pgw_sync(a, va_a, 3 * PAGE), PGW_NOTFOUND);
    pgw_space_destroy(b);
    pgw_space_destroy(a);
    assert_true(pgw_system_check(system));
    pgw_system_destroy(system); /* the rest at the latest now */
    assert_int_equal(pread(reader, got, sizeof got, PAGE + 98), 2);
    assert_memory_equal(got, "en", 2);
    close(reader);
    unlink(path);
    close(fd);
}

static void
reports_come_out(void **state)
{
    struct pgw_system *system = system_of(256 << 10, "sv39", "clock");
    struct pgw_space *space;
    uint64_t va = 0;
    char *text = NULL;

    (void)state;
    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    assert_int_equal(pgw_map(space, 128 * PAGE, RW, 0, &va), PGW_OK);
    fill(space, va, 128, 1);
    assert_int_equal(pgw_report_text_string(system, &text), PGW_OK);
    assert_non_null(strstr(text, "256K of RAM"));
    free(text);
    assert_int_equal(pgw_report_json_string(system, &text), PGW_OK);
    assert_int_equal(text[0], '{');
    free(text);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(pgw_report_text(system, full), PGW_IO);
    assert_int_equal(pgw_report_json(system, full), PGW_IO);
    assert_non_null(strstr(pgw_error_text(system), "cannot write the report"));
    fclose(full);
    pgw_interrupt(system, 2); /* nothing runs: no effect */
    pgw_system_destroy(system);
}

static void
sizes_are_read(void **state)
{
    uint64_t bytes = 7;

    (void)state;
    assert_int_equal(pgw_size_parse("4M", &bytes), PGW_OK);
    assert_int_equal(bytes, 4 << 20);
    assert_int_equal(pgw_size_parse("4X", &bytes), PGW_INVAL);
    assert_int_equal(pgw_size_parse("99999999T", &bytes), PGW_RANGE);
    assert_int_equal(bytes, 4 << 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_end),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(bad_configurations),
        cmocka_unit_test(configurations_of_other_versions),
        cmocka_unit_test(bad_arguments),
        cmocka_unit_test(rights_are_kept),
        cmocka_unit_test(evict_and_resolve),
        cmocka_unit_test(reserve_commit_lock),
        cmocka_unit_test(no_swap_is_full_ram),
        cmocka_unit_test(two_systems),
        cmocka_unit_test(runs_repeat),
        cmocka_unit_test(swap_files),
        cmocka_unit_test(files_are_shared_and_private),
        cmocka_unit_test(shared_files_are_written),
        cmocka_unit_test(reports_come_out),
        cmocka_unit_test(every_back_end_pages),
        cmocka_unit_test(large_tables),
        cmocka_unit_test(contiguous_takes_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
