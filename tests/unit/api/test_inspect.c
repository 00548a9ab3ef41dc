/* SPDX-License-Identifier: BSD-2-Clause */
/* Schemes by name and option, and looking inside a system, through the public interface only. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <pagewright/pagewright.h>

#define RW (PGW_READ | PGW_WRITE)
#define PAGE ((uint64_t)PGW_PAGE_SIZE)

static enum pgw_status
try_system(const char *mmu, uint64_t ram, struct pgw_system **system, char *error, size_t len)
{
    struct pgw_config config;

    pgw_config_init(&config);
    config.mmu = mmu;
    config.ram = ram;
    config.policy = "fifo";
    config.swap_size = 8 << 20;
    config.error = error;
    config.error_len = len;
    return pgw_system_create(&config, system);
}

static struct pgw_system *
new_system(const char *mmu, uint64_t ram)
{
    struct pgw_system *system = NULL;
    char error[512] = "";

    if (try_system(mmu, ram, &system, error, sizeof error) != PGW_OK)
        fail_msg("%s: %s", mmu, error);
    return system;
}

static struct pgw_space *
new_space(struct pgw_system *system)
{
    struct pgw_space *space = NULL;

    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    return space;
}

/* Any of "a|b" and of "lo..hi" that the list of options offers for the key. */
static void
first_value(const char *options, char *option, size_t len)
{
    size_t n = strcspn(options, "=");
    size_t value = strcspn(options + n, "|,. ");

    (void)snprintf(option, len, "%.*s", (int)(n + value), options);
}

static void
test_every_scheme(void **state)
{
    char text[128], option[64];
    (void)state;
    for (unsigned i = 0; pgw_mmu_name(i) != NULL; i++) {
        struct pgw_mmu_limits limits = {.size = sizeof limits};
        assert_int_equal(pgw_mmu_limits(i, &limits), PGW_OK);
        assert_int_equal(limits.size, sizeof limits);
        assert_true(strlen(pgw_mmu_summary(i)) > 0);
        assert_non_null(limits.source);
        assert_true(limits.contiguous ? limits.page_sizes == 0 : (limits.page_sizes & PAGE) != 0);
        assert_true(limits.address_bits >= 31 && limits.address_bits <= 64);
        struct pgw_system *system = new_system(pgw_mmu_name(i), 32 << 20);
        struct pgw_space *space = new_space(system);
        assert_true(limits.user_end == 0 || pgw_space_end(space) == limits.user_end);
        pgw_system_destroy(system);
        if (pgw_mmu_options(i)[0] == '\0')
            continue;
        first_value(pgw_mmu_options(i), option, sizeof option);
        (void)snprintf(text, sizeof text, "%s:%s", pgw_mmu_name(i), option);
        pgw_system_destroy(new_system(text, 32 << 20));
    }
    assert_null(pgw_mmu_options(1000));
    struct pgw_mmu_limits limits = {.size = sizeof limits};
    assert_int_equal(pgw_mmu_limits(1000, &limits), PGW_NOTFOUND);
    limits.size = 0;
    assert_int_equal(pgw_mmu_limits(0, &limits), PGW_INVAL);
}

static void
test_wrong_options(void **state)
{
    static const char *const texts[] = {"sv39:", "sv39:ad", "sv39:ad=", "sv39:ad=soft",
        "sv39:fit=first", "sv39:ad=fault,", "sv39:ad=fault,x", "x86:svade", "mips32:ad=fault",
        "hashed:x", "ref:x", "none:fit=first", "none:bits=2", "base-bounds:bits=2",
        "base-bounds:fit=worse", "base-bounds:space=31", "base-bounds:space=49", "segments:bits=1",
        "segments:bits=5", "segments:bits=", "segments:bits=2x", "segments:compact=maybe",
        "segments:space=-1", "sv40", "", ":",
        "sv39sv39sv39sv39sv39sv39sv39sv39sv39sv39sv39sv39sv39sv39sv39sv39sv39"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pgw_system *system = NULL;
        char error[512] = "";
        if (try_system(texts[i], 1 << 20, &system, error, sizeof error) != PGW_INVAL)
            fail_msg("\"%s\" was taken", texts[i]);
        assert_true(strlen(error) > 0);
        assert_null(strchr(error, '\n'));
    }
    static const char *const narrow[] = {"linear", "x86", "mips32"};
    for (unsigned i = 0; i < 3; i++) {
        struct pgw_system *system = NULL;
        char error[512] = "";
        assert_int_equal(
            try_system(narrow[i], (uint64_t)3 << 30, &system, error, sizeof error), PGW_RANGE);
        assert_non_null(strstr(error, "its entries have room for 2.0G"));
    }
    pgw_system_destroy(new_system("sv39:svade", 1 << 20));
    pgw_system_destroy(new_system("segments:bits=3,space=40,fit=buddy,compact=off", 1 << 20));
}

/* A page goes through its states. */
static void
test_page_states(void **state)
{
    (void)state;
    struct pgw_system *system = new_system("sv39", 256 << 10);
    struct pgw_space *space = new_space(system);
    uint64_t va = 0x100000;
    struct pgw_page page;

    pgw_page_at(space, va, &page);
    assert_int_equal(page.state, PGW_PAGE_UNMAPPED);
    assert_int_equal(pgw_map(space, 2 * PAGE, RW, PGW_FIXED, &va), PGW_OK);
    pgw_page_at(space, va, &page);
    assert_int_equal(page.state, PGW_PAGE_UNTOUCHED);
    assert_int_equal(pgw_write(space, va + 5, "x", 1), PGW_OK);
    pgw_page_at(space, va, &page);
    assert_int_equal(page.state, PGW_PAGE_RESIDENT);
    assert_int_equal(page.slot, PGW_NO_SLOT);
    assert_true(page.dirty);
    assert_int_equal(page.sharers, 1);
    assert_int_equal(pgw_evict(space, va), PGW_OK);
    pgw_page_at(space, va + 100, &page);
    assert_int_equal(page.state, PGW_PAGE_SWAPPED);
    assert_int_not_equal(page.slot, PGW_NO_SLOT);
    assert_true(pgw_system_check(system));
    pgw_system_destroy(system);
}

/* The frame that a page is said to be in says that it holds the page. */
static void
test_frames(void **state)
{
    struct pgw_frame frame;
    struct pgw_page page;
    uint64_t va = 0x100000, i, tables = 0, found = 0;
    struct pgw_stats stats = {.size = sizeof stats};
    (void)state;
    struct pgw_system *system = new_system("sv39", 256 << 10);
    struct pgw_space *space = new_space(system);
    assert_int_equal(pgw_map(space, PAGE, RW, PGW_FIXED, &va), PGW_OK);
    assert_int_equal(pgw_write(space, va, "x", 1), PGW_OK);
    pgw_page_at(space, va, &page);
    for (i = 0; pgw_frame_at(system, i, &frame) == PGW_OK; i++) {
        tables += strcmp(frame.use, "table") == 0;
        if (frame.number != page.frame)
            continue;
        found++;
        assert_string_equal(frame.use, "anon");
        assert_int_equal(frame.mappings, 1);
        assert_int_equal(frame.space, pgw_space_id(space));
        assert_int_equal(frame.va, va);
        assert_true(frame.dirty);
    }
    assert_int_equal(i, 64);
    assert_int_equal(found, 1);
    assert_int_equal(pgw_system_stats(system, &stats), PGW_OK);
    assert_int_equal(tables, stats.tables);
    assert_ptr_equal(pgw_space_of_id(system, pgw_space_id(space)), space);
    assert_null(pgw_space_of_id(system, 77777));
    pgw_system_destroy(system);
}

static void
test_tlb(void **state)
{
    struct pgw_tlb_entry entry;
    uint64_t va = 0x100000, found = 0, places = 0;
    (void)state;
    struct pgw_system *system = new_system("sv39", 256 << 10);
    struct pgw_space *space = new_space(system);
    assert_int_equal(pgw_map(space, PAGE, RW, PGW_FIXED, &va), PGW_OK);
    assert_int_equal(pgw_write(space, va, "x", 1), PGW_OK);
    for (; pgw_tlb_at(system, places, &entry) == PGW_OK; places++) {
        if (!entry.valid)
            continue;
        found++;
        assert_int_equal(entry.page, va / PAGE);
        assert_int_equal(entry.pages, 1);
        assert_int_equal(entry.space, pgw_space_id(space));
        assert_true(entry.dirty);
    }
    assert_int_equal(found, 2); /* L1D and L2 */
    assert_int_equal(places, 64 + 64 + 1536);
    pgw_system_destroy(system);
}

static void
test_share(void **state)
{
    char byte;
    uint64_t va = 0x100000, there = 0;
    (void)state;
    struct pgw_system *system = new_system("sv39", 256 << 10);
    struct pgw_space *a = new_space(system), *b = new_space(system);
    assert_int_equal(pgw_map(a, 2 * PAGE, RW, PGW_FIXED, &va), PGW_OK);
    assert_int_equal(pgw_share(b, a, va + PAGE, RW, &there), PGW_NOTFOUND);
    assert_int_equal(pgw_share(b, a, va, 99, &there), PGW_INVAL);
    assert_int_equal(pgw_share(b, a, va, RW, &there), PGW_OK);
    assert_int_equal(pgw_write(b, there + 7, "s", 1), PGW_OK);
    assert_int_equal(pgw_read(a, va + 7, &byte, 1), PGW_OK);
    assert_int_equal(byte, 's');
    assert_true(pgw_system_check(system));
    assert_int_equal(pgw_compact(system), PGW_OK);
    assert_true(pgw_system_check(system));
    pgw_system_destroy(system);
}

/* Partitions and holes add up to the RAM, in order. */
static void
check_partitions(struct pgw_system *system, uint64_t *used, uint64_t *holes)
{
    struct pgw_partition part;
    uint64_t next = 0;

    *used = *holes = 0;
    for (uint64_t i = 0; pgw_partition_at(system, i, &part) == PGW_OK; i++) {
        assert_true(i == 0 || part.frame == next);
        next = part.frame + part.frames;
        *(part.used ? used : holes) += 1;
    }
}

static void
test_partitions(void **state)
{
    struct pgw_space *space[4];
    uint64_t va = 0x100000, used, holes;
    (void)state;
    struct pgw_system *system = new_system("base-bounds:compact=off", 400 << 10);
    for (unsigned i = 0; i < 3; i++) {
        space[i] = new_space(system);
        assert_int_equal(pgw_map(space[i], 100 << 10, RW, PGW_FIXED, &va), PGW_OK);
        assert_int_equal(pgw_write(space[i], va, &i, sizeof i), PGW_OK);
    }
    pgw_space_destroy(space[1]);
    check_partitions(system, &used, &holes);
    assert_int_equal(used, 2);
    assert_int_equal(holes, 2);
    struct pgw_stats stats = {.size = sizeof stats};
    assert_int_equal(pgw_system_stats(system, &stats), PGW_OK);
    assert_true(stats.contiguous);
    assert_int_equal(stats.holes, 2);
    assert_true(stats.fragmentation > 0.4 && stats.fragmentation < 0.6);
    assert_int_equal(pgw_compact(system), PGW_OK);
    check_partitions(system, &used, &holes);
    assert_int_equal(holes, 1);
    unsigned value;
    assert_int_equal(pgw_read(space[2], va, &value, sizeof value), PGW_OK);
    assert_int_equal(value, 2);
    assert_true(pgw_system_check(system));
    pgw_system_destroy(system);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scheme),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_page_states),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_tlb),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
