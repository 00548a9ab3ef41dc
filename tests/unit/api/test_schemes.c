/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call of the library about memory, on every scheme: it does what its header says, or says
 * PGW_UNSUPPORTED and leaves everything as it was.
 */
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
#define PAGES 16u
#define LEN (PAGES * PAGE)

/* A space with one mapping of PAGES pages, each of which says which one it is. */
struct rig {
    struct pgw_mmu_limits limits;
    struct pgw_system *system;
    struct pgw_space *space;
    uint64_t va;
};

static uint64_t
mark(uint64_t page)
{
    return (page + 1) * 0x9e3779b97f4a7c15u;
}

static void
setup(struct rig *rig, unsigned mmu)
{
    struct pgw_config config;
    char error[256] = "";

    *rig = (struct rig){.limits = {.size = sizeof rig->limits}};
    assert_int_equal(pgw_mmu_limits(mmu, &rig->limits), PGW_OK);
    pgw_config_init(&config);
    config.ram = rig->limits.levels == 1 ? 24 << 20 : 2 << 20;
    config.mmu = pgw_mmu_name(mmu);
    config.error = error;
    config.error_len = sizeof error;
    if (pgw_system_create(&config, &rig->system) != PGW_OK)
        fail_msg("%s", error);
    assert_int_equal(pgw_space_create(rig->system, &rig->space), PGW_OK);
    assert_int_equal(pgw_map(rig->space, LEN, RW, 0, &rig->va), PGW_OK);
    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t value = mark(i);
        assert_int_equal(
            pgw_write(rig->space, rig->va + i * PAGE + 8, &value, sizeof value), PGW_OK);
    }
}

static void
expect(struct pgw_space *space, uint64_t va, uint64_t value)
{
    uint64_t got = 0;

    assert_int_equal(pgw_read(space, va + 8, &got, sizeof got), PGW_OK);
    assert_true(got == value);
}

static void
expect_marks(struct pgw_space *space, uint64_t va)
{
    for (uint64_t i = 0; i < PAGES; i++)
        expect(space, va + i * PAGE, mark(i));
}

/* There is the one region, as it was made, and nothing else. */
static void
expect_untouched(struct rig *rig)
{
    struct pgw_region region;

    assert_true(strlen(pgw_error_text(rig->system)) > 0);
    assert_int_equal(pgw_region_at(rig->space, 0, &region), PGW_OK);
    assert_true(region.start == rig->va && region.end == rig->va + LEN && region.prot == RW);
    assert_string_equal(region.state, "committed");
    assert_int_equal(pgw_region_at(rig->space, region.end, &region), PGW_NOTFOUND);
    expect_marks(rig->space, rig->va);
}

/* True if the call was done; it may not have been only where that is said. */
static bool
done(struct rig *rig, enum pgw_status status)
{
    if (status == PGW_UNSUPPORTED) {
        expect_untouched(rig);
        return false;
    }
    if (status != PGW_OK)
        fail_msg("%s: %s", pgw_status_text(status), pgw_error_text(rig->system));
    return true;
}

/* --- the calls --- */

static void
reserve_and_commit(struct rig *rig)
{
    uint64_t va = 0, byte = 1, committed = stats_of(rig->system).committed;
    struct pgw_region region;

    if (!done(rig, pgw_reserve(rig->space, LEN, 0, &va))) {
        assert_true(va == 0);
        assert_false(done(rig, pgw_commit(rig->space, rig->va, LEN, PGW_READ)));
        assert_false(done(rig, pgw_decommit(rig->space, rig->va, LEN)));
        return;
    }
    assert_int_equal(pgw_region_at(rig->space, va, &region), PGW_OK);
    assert_string_equal(region.state, "reserved");
    assert_int_equal(stats_of(rig->system).committed, committed);
    assert_int_equal(pgw_read(rig->space, va, &byte, 1), PGW_ACCESS);
    assert_int_equal(pgw_commit(rig->space, va, LEN, RW), PGW_OK);
    assert_int_equal(stats_of(rig->system).committed, committed + PAGES);
    expect(rig->space, va, 0);
}

static void
decommit(struct rig *rig)
{
    struct pgw_stats before = stats_of(rig->system);
    uint64_t byte = 1;

    if (!done(rig, pgw_decommit(rig->space, rig->va, LEN)))
        return;
    assert_int_equal(pgw_read(rig->space, rig->va, &byte, 1), PGW_ACCESS);
    assert_true(stats_of(rig->system).ram_free >= before.ram_free + PAGES);
    assert_int_equal(stats_of(rig->system).committed, before.committed - PAGES);
    assert_int_equal(pgw_commit(rig->space, rig->va, LEN, RW), PGW_OK);
    for (uint64_t i = 0; i < PAGES; i++)
        expect(rig->space, rig->va + i * PAGE, 0);
}

static void
not_needed(struct rig *rig)
{
    if (!done(rig, pgw_advise(rig->space, rig->va + PAGE, PAGE, PGW_ADVICE_DONTNEED)))
        return;
    expect(rig->space, rig->va, mark(0));
    expect(rig->space, rig->va + PAGE, 0);
    expect(rig->space, rig->va + 2 * PAGE, mark(2));
}

/* Advice that may not change what is there. */
static void
other_advice(struct rig *rig)
{
    static const enum pgw_advice advice[] = {PGW_ADVICE_RANDOM, PGW_ADVICE_SEQUENTIAL,
        PGW_ADVICE_HUGE, PGW_ADVICE_NOHUGE, PGW_ADVICE_MERGE, PGW_ADVICE_DONTFORK,
        PGW_ADVICE_WIPEONFORK, PGW_ADVICE_NORMAL, PGW_ADVICE_NOMERGE, PGW_ADVICE_DOFORK,
        PGW_ADVICE_KEEPONFORK, PGW_ADVICE_WILLNEED, PGW_ADVICE_COLD, PGW_ADVICE_PAGEOUT};
    struct pgw_space *child;

    for (unsigned i = 0; i < sizeof advice / sizeof advice[0]; i++) {
        (void)done(rig, pgw_advise(rig->space, rig->va, LEN, advice[i]));
        expect_marks(rig->space, rig->va);
    }
    assert_int_equal(
        pgw_advise(rig->space, rig->va, LEN, (enum pgw_advice)(PGW_ADVICE_REMOVE + 1)), PGW_INVAL);
    assert_int_equal(pgw_fork(rig->space, &child), PGW_OK);
    expect_marks(child, rig->va);
}

/* What may be lost is as it was, or zeros. */
static void
may_be_lost(struct rig *rig)
{
    if (!done(rig, pgw_advise(rig->space, rig->va, LEN, PGW_ADVICE_FREE)))
        return;
    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t got;
        assert_int_equal(pgw_read(rig->space, rig->va + i * PAGE + 8, &got, sizeof got), PGW_OK);
        assert_true(got == 0 || got == mark(i));
    }
}

static void
populate_and_residency(struct rig *rig)
{
    unsigned char vec[PAGES] = {0};

    (void)pgw_evict(rig->space, rig->va);
    (void)done(rig, pgw_populate(rig->space, rig->va, LEN, true));
    if (done(rig, pgw_resident(rig->space, rig->va, PAGES, vec)))
        for (unsigned i = 0; i < PAGES; i++)
            assert_int_equal(vec[i], 1);
    else
        assert_int_equal(vec[0], 0);
}

static void
lock(struct rig *rig)
{
    if (done(rig, pgw_lock(rig->space, rig->va, LEN, false))) {
        assert_int_equal(pgw_evict(rig->space, rig->va), PGW_AGAIN);
        assert_int_equal(stats_of(rig->system).locked, PAGES);
    }
    if (done(rig, pgw_unlock(rig->space, rig->va, LEN)))
        assert_int_equal(stats_of(rig->system).locked, 0);
    assert_int_equal(pgw_evict(rig->space, rig->va), PGW_OK);
    expect_marks(rig->space, rig->va);
}

static void
share(struct rig *rig)
{
    struct pgw_space *other;
    struct pgw_region region;
    uint64_t va = 0, value = 77;

    assert_int_equal(pgw_space_create(rig->system, &other), PGW_OK);
    if (!done(rig, pgw_share(other, rig->space, rig->va, RW, &va))) {
        assert_true(va == 0);
        assert_int_equal(pgw_region_at(other, 0, &region), PGW_NOTFOUND);
        return;
    }
    assert_int_equal(pgw_region_at(other, va, &region), PGW_OK);
    assert_string_equal(region.state, "shared");
    expect_marks(other, va);
    assert_int_equal(pgw_write(other, va + 8, &value, sizeof value), PGW_OK);
    expect(rig->space, rig->va, 77);
    assert_int_equal(pgw_share(other, rig->space, rig->va + PAGE, RW, &va), PGW_NOTFOUND);
}

static void
share_by_mapping(struct rig *rig)
{
    struct pgw_space *child;
    uint64_t va = 0, value = 78;

    if (!done(rig, pgw_map(rig->space, PAGE, RW, PGW_SHARED, &va))) {
        assert_true(va == 0);
        return;
    }
    assert_int_equal(pgw_fork(rig->space, &child), PGW_OK);
    assert_int_equal(pgw_write(child, va + 8, &value, sizeof value), PGW_OK);
    expect(rig->space, va, 78);
}

static void
share_a_file(struct rig *rig)
{
    char path[] = "/tmp/pagewright-test-XXXXXX";
    uint64_t va = 0, value = 79, got = 0;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
    if (done(rig, pgw_map_file(rig->space, fd, 0, PAGE, RW, PGW_SHARED, &va))) {
        assert_int_equal(pgw_write(rig->space, va, &value, sizeof value), PGW_OK);
        assert_int_equal(pgw_sync(rig->space, va, PAGE), PGW_OK);
        assert_int_equal(pread(fd, &got, sizeof got, 0), sizeof got);
        assert_true(got == value);
    } else {
        assert_int_equal(pgw_map_file(rig->space, fd, 0, PAGE, RW, 0, &va), PGW_OK);
        assert_int_equal(pgw_write(rig->space, va, &value, sizeof value), PGW_OK);
        assert_int_equal(pread(fd, &got, sizeof got, 0), sizeof got);
        assert_true(got == 0);
    }
    close(fd);
}

static void
sync_knows_holes(struct rig *rig)
{
    assert_int_equal(pgw_sync(rig->space, rig->va, LEN), PGW_OK);
    assert_int_equal(pgw_unmap(rig->space, rig->va + PAGE, PAGE), PGW_OK);
    assert_int_equal(pgw_sync(rig->space, rig->va, LEN), PGW_NOTFOUND);
    assert_int_equal(pgw_protect(rig->space, rig->va, LEN, PGW_READ), PGW_NOTFOUND);
    expect(rig->space, rig->va, mark(0));
    expect(rig->space, rig->va + 2 * PAGE, mark(2));
}

static void
usage(struct rig *rig)
{
    struct pgw_region_usage usage;

    assert_int_equal(pgw_region_usage(rig->space, rig->va, &usage), PGW_OK);
    assert_int_equal(usage.resident, PAGES);
    assert_int_equal(usage.swapped, 0);
    assert_int_equal(usage.dirty, PAGES);
    assert_int_equal(usage.shared, 0);
    for (uint64_t i = 0; i < PAGES; i++) {
        enum pgw_status status = pgw_evict(rig->space, rig->va + i * PAGE);
        assert_true(status == PGW_OK || (rig->limits.contiguous && status == PGW_NOTFOUND));
    }
    assert_int_equal(pgw_region_usage(rig->space, rig->va, &usage), PGW_OK);
    assert_int_equal(usage.resident, 0);
    assert_int_equal(usage.swapped, PAGES);
    expect_marks(rig->space, rig->va);
    assert_int_equal(pgw_region_usage(rig->space, rig->va + LEN, &usage), PGW_NOTFOUND);
}

static void
protect(struct rig *rig)
{
    struct pgw_region region;
    uint64_t value = 1;

    assert_int_equal(pgw_protect(rig->space, rig->va, LEN, PGW_READ), PGW_OK);
    assert_int_equal(pgw_region_at(rig->space, rig->va, &region), PGW_OK);
    assert_int_equal(region.prot, PGW_READ);
    enum pgw_status status = pgw_write(rig->space, rig->va + 8, &value, sizeof value);
    assert_int_equal(status, (rig->limits.rights & PGW_WRITE) != 0 ? PGW_ACCESS : PGW_OK);
    expect(rig->space, rig->va, status == PGW_OK ? value : mark(0));
    expect(rig->space, rig->va + PAGE, mark(1));
}

static void
remap_and_unmap(struct rig *rig)
{
    struct pgw_region region;
    uint64_t va = rig->va;

    assert_int_equal(pgw_remap(rig->space, LEN, 2 * LEN, true, &va), PGW_OK);
    expect_marks(rig->space, va);
    expect(rig->space, va + LEN, 0);
    expect(rig->space, va + 2 * LEN - PAGE, 0);
    assert_int_equal(pgw_remap(rig->space, 2 * LEN, PAGE, false, &va), PGW_OK);
    expect(rig->space, va, mark(0));
    assert_int_equal(pgw_region_at(rig->space, va, &region), PGW_OK);
    assert_true(region.end == va + PAGE);
    assert_int_equal(pgw_unmap(rig->space, va, PAGE), PGW_OK);
    assert_int_equal(pgw_region_at(rig->space, 0, &region), PGW_NOTFOUND);
    assert_int_equal(stats_of(rig->system).resident, 0);
}

static void
of_the_whole_system(struct rig *rig)
{
    struct pgw_group *group = NULL;
    struct pgw_partition partition;
    double index = 7, unusable = 7;
    uint64_t merged = 7;

    if (!done(rig, pgw_merge(rig->system, 100, &merged)))
        assert_int_equal(merged, 7);
    if (done(rig, pgw_group_create(rig->system, "few", 64 * PAGE, NULL, &group)))
        assert_int_equal(pgw_space_set_group(rig->space, group), PGW_OK);
    else
        assert_null(group);
    if (!done(rig, pgw_fragmentation(rig->system, 3, &index, &unusable)))
        assert_true(index == 7 && unusable == 7);
    (void)done(rig, pgw_partition_at(rig->system, 0, &partition));
    assert_int_equal(pgw_compact(rig->system), PGW_OK);
    expect_marks(rig->space, rig->va);
}

/* --- all of them, everywhere --- */

static const struct {
    const char *name;
    void (*run)(struct rig *rig);
} calls[] = {
    {"reserve, commit", reserve_and_commit},
    {"decommit", decommit},
    {"advise: DONTNEED", not_needed},
    {"advise: others", other_advice},
    {"advise: FREE", may_be_lost},
    {"populate, resident", populate_and_residency},
    {"lock, unlock", lock},
    {"share", share},
    {"map: SHARED", share_by_mapping},
    {"map_file: SHARED", share_a_file},
    {"sync", sync_knows_holes},
    {"region_usage", usage},
    {"protect", protect},
    {"remap, unmap", remap_and_unmap},
    {"merge, group, fragmentation, partition, compact", of_the_whole_system},
};

static void
every_call_on_every_scheme(void **state)
{
    struct rig rig;
    unsigned n = 0;

    (void)state;
    for (; pgw_mmu_name(n) != NULL; n++) {
        for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
            print_message("%s: %s\n", pgw_mmu_name(n), calls[i].name);
            setup(&rig, n);
            calls[i].run(&rig);
            assert_true(pgw_system_check(rig.system));
            pgw_system_destroy(rig.system);
        }
    }
    assert_true(n >= 16);
}

/* What is supported where: paged schemes do everything but partitions, and contiguous ones what is
 * said of them. */
static void
paged_schemes_do_everything(void **state)
{
    struct rig rig;
    uint64_t va;

    (void)state;
    for (unsigned n = 0; pgw_mmu_name(n) != NULL; n++) {
        setup(&rig, n);
        enum pgw_status want = rig.limits.contiguous ? PGW_UNSUPPORTED : PGW_OK;
        va = 0;
        assert_int_equal(pgw_reserve(rig.space, LEN, 0, &va), want);
        assert_int_equal(pgw_commit(rig.space, rig.va, LEN, RW), want);
        assert_int_equal(pgw_populate(rig.space, rig.va, LEN, true), want);
        assert_int_equal(pgw_lock(rig.space, rig.va, LEN, true), want);
        assert_int_equal(pgw_unlock(rig.space, rig.va, LEN), want);
        assert_int_equal(pgw_advise(rig.space, rig.va, LEN, PGW_ADVICE_COLD), want);
        assert_int_equal(pgw_advise(rig.space, rig.va, LEN, PGW_ADVICE_DONTNEED), PGW_OK);
        assert_int_equal(pgw_decommit(rig.space, rig.va, LEN), want);
        va = 0;
        assert_int_equal(pgw_map(rig.space, PAGE, RW, PGW_SHARED, &va), want);
        pgw_system_destroy(rig.system);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_on_every_scheme),
        cmocka_unit_test(paged_schemes_do_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
