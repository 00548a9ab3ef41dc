/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens when something fails: each allocation, each read and each write in turn, through a
 * history that needs all of them.  The state stays valid, and no byte is lost.
 */
#include "support/test.h"

#include <string.h>

#include "unit/seg/seg_cases.h"

#define P(N) ((uint64_t)(N) << PAGE_SHIFT)
#define QUARTER ((uint64_t)1 << 30)
#define KEY 500000u

static const struct seg_rig_config four = {
    "segments", SEG_SEGMENTS, &seg_fit_best, 2, 64, 400, false, false, 0};
static const struct seg_rig_config one = {
    "base and bounds, buddy", SEG_BASE_BOUNDS, &seg_fit_buddy, 0, 64, 400, false, false, 0};
static const struct seg_rig_config bare = {"none", SEG_NONE, NULL, 0, 64, 400, false, false, 8};

struct torture {
    struct seg_rig rig;
    const struct seg_rig_config *config;
    uint64_t base; /* where its programs are */
};

/* What must be there: pages with these keys, as long as they are known to have been written. */
static void
check_pages(struct space *space, uint64_t va, uint64_t n, uint64_t key)
{
    unsigned char *bytes;

    for (uint64_t i = 0; i < n; i++) {
        enum space_fault fault = space->ops->resolve(space, va + P(i), ACCESS_READ, &bytes);
        if (fault == SPACE_FAULT_OK)
            test_page_expect(bytes, key + i);
        else
            assert_true(fault == SPACE_FAULT_IO || fault == SPACE_FAULT_NOMEM);
    }
}

/* Writes what can be; false if that stopped. */
static bool
write_pages(struct space *space, uint64_t va, uint64_t n, uint64_t key)
{
    unsigned char *bytes;

    for (uint64_t i = 0; i < n; i++) {
        if (space->ops->resolve(space, va + P(i), ACCESS_WRITE, &bytes) != SPACE_FAULT_OK)
            return false;
        test_page_fill(bytes, key + i);
    }
    return true;
}

/* Growth, moves and copies of a space whose first 20 pages are known. */
static void
history_of(struct torture *t, struct space *a, struct space *b)
{
    struct space *child;
    uint64_t va;
    uint64_t base = t->base;

    (void)!a->ops->remap(a, base, P(20), P(30), false, false, &va);
    check_pages(a, base, 20, 1000);
    assert_true(seg_check(t->rig.seg));
    (void)!seg_case_map_file(&t->rig, a, base + P(34), 6, 0, SEG_RW);
    uint64_t moved = base;
    (void)!b->ops->remap(b, base, P(20), P(36), true, false, &moved);
    assert_true(seg_check(t->rig.seg));
    (void)!a->ops->evict(a, base);
    check_pages(a, base, 20, 1000);
    assert_true(seg_check(t->rig.seg));
    if (a->ops->fork(a, &child) == PGW_OK) {
        assert_true(seg_check(t->rig.seg));
        check_pages(child, base, 20, 1000);
        seg_rig_switch(&t->rig, child);
        check_pages(b, moved, 20, 2000);
        seg_rig_switch(&t->rig, a);
        seg_rig_destroy(&t->rig, child);
    }
    (void)!a->ops->protect(a, base + P(3), P(4), PROT_MASK_R);
    (void)!a->ops->unmap(a, base + P(18), P(1));
    assert_true(seg_check(t->rig.seg));
    seg_compact(t->rig.seg);
    check_pages(a, base, 18, 1000);
    check_pages(b, moved, 20, 2000);
}

static void
history(struct torture *t)
{
    struct space *spaces[2] = {NULL, NULL};
    bool ready = true;

    for (unsigned i = 0; i < 2; i++) {
        if (seg_space_create(t->rig.seg, &spaces[i]) != PGW_OK)
            ready = false;
        else
            ready = ready && seg_case_map(spaces[i], t->base, 20, SEG_RW) == PGW_OK &&
                    write_pages(spaces[i], t->base, 20, 1000 * (i + 1));
        assert_true(seg_check(t->rig.seg));
    }
    if (ready)
        history_of(t, spaces[0], spaces[1]);
    for (unsigned i = 0; i < 2; i++)
        if (spaces[i] != NULL)
            seg_rig_destroy(&t->rig, spaces[i]);
}

static void
body(void *ctx)
{
    struct torture *t = ctx;

    if (seg_rig_try_init(&t->rig, t->config) != PGW_OK)
        return;
    if (seg_rig_add_file(&t->rig, 4, KEY) == PGW_OK)
        history(t);
    seg_rig_close(&t->rig);
}

static void
run(const struct seg_rig_config *config, uint64_t base)
{
    static const enum base_inject_point points[] = {
        INJECT_MAP, INJECT_OBJ, INJECT_FRAME, INJECT_READ, INJECT_WRITE};
    static const char *const names[] = {"mappings", "records", "frames", "reads", "writes"};
    struct torture t = {.config = config, .base = base};

    seg_rig_env_init(&t.rig, config);
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++)
        for (int after = 0; after < 2; after++) {
            uint64_t n = test_each_failure(&t.rig.env.inject, points[i], after == 1, body, &t);
            print_message("%s: %llu %s failed\n", config->name, (unsigned long long)n, names[i]);
            assert_true(n > 0);
        }
    test_env_fini(&t.rig.env);
}

static void
test_segments(void **state)
{
    (void)state;
    run(&four, QUARTER);
}

static void
test_base_bounds(void **state)
{
    (void)state;
    run(&one, QUARTER);
}

static void
test_none(void **state)
{
    (void)state;
    run(&bare, P(16));
}

/* A file that cannot be read: the mapping fails; older ones in its place are gone, all else stays.
 */
static void
test_file_unreadable(void **state)
{
    struct seg_rig rig;
    struct space_region region;

    (void)state;
    seg_rig_init(&rig, &four);
    assert_int_equal(seg_rig_add_file(&rig, 4, KEY), PGW_OK);
    struct space *a = seg_case_space(&rig);
    rig.env.inject.fail_at[INJECT_READ] = rig.env.inject.tried[INJECT_READ] + 1;
    rig.env.inject.and_after[INJECT_READ] = true;
    assert_int_equal(seg_case_map_file(&rig, a, QUARTER, 4, 0, SEG_RX), PGW_IO); /* pure */
    assert_int_equal(seg_case_map_file(&rig, a, QUARTER, 4, 0, SEG_RW), PGW_IO);
    assert_int_equal(seg_case_stats(&rig).segments, 0);
    assert_string_equal(seg_why(rig.seg), "a file could not be read");
    assert_int_equal(seg_case_map(a, QUARTER, 10, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, QUARTER, 10, 1000);
    assert_int_equal(seg_case_map_file(&rig, a, QUARTER + P(4), 3, 0, SEG_RW), PGW_IO);
    assert_true(a->ops->find(a, QUARTER, &region) && region.end == QUARTER + P(4));
    assert_true(a->ops->find(a, region.end, &region) && region.start == QUARTER + P(7));
    rig.env.inject.and_after[INJECT_READ] = false;
    seg_case_expect(&rig, a, QUARTER, 4, 1000);
    seg_case_expect(&rig, a, QUARTER + P(7), 3, 1007);
    assert_int_equal(seg_case_map_file(&rig, a, QUARTER + P(4), 3, 0, SEG_RW), PGW_OK);
    seg_case_expect(&rig, a, QUARTER + P(4), 3, KEY);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

/* A segment that cannot be read back is a fault of its own kind, and is not lost by that. */
static void
test_swap_unreadable(void **state)
{
    struct seg_rig rig;

    (void)state;
    seg_rig_init(&rig, &four);
    struct space *a = seg_case_space(&rig);
    assert_int_equal(seg_case_map(a, QUARTER, 40, SEG_RW), PGW_OK);
    seg_case_fill(&rig, a, QUARTER, 40, 1000);
    rig.env.inject.fail_at[INJECT_WRITE] = rig.env.inject.tried[INJECT_WRITE] + 2;
    assert_int_equal(a->ops->evict(a, QUARTER), PGW_IO); /* law G2 */
    assert_string_equal(seg_why(rig.seg), "a segment could not be written to swap");
    assert_int_equal(rig.swap->stats.used, 0);
    seg_case_expect(&rig, a, QUARTER, 40, 1000);
    assert_int_equal(a->ops->evict(a, QUARTER), PGW_OK);
    rig.env.inject.fail_at[INJECT_READ] = rig.env.inject.tried[INJECT_READ] + 2;
    assert_int_equal(seg_case_fault(&rig, a, QUARTER, ACCESS_READ), SPACE_FAULT_IO);
    assert_string_equal(seg_why(rig.seg), "a segment could not be read back from swap");
    assert_int_equal(seg_case_stats(&rig).free, 64);
    seg_case_expect(&rig, a, QUARTER, 40, 1000);
    seg_rig_destroy(&rig, a);
    seg_rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_base_bounds),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_file_unreadable),
        cmocka_unit_test(test_swap_unreadable),
    };

    return cmocka_run_group_tests_name("seg failures", tests, NULL, NULL);
}
