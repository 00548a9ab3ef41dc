/* SPDX-License-Identifier: BSD-2-Clause */
#include "mmu/pwc.h"

#include <string.h>

#include "support/test.h"
#include "support/test_env.h"

#define MIB2 ((uint64_t)1 << 21)
#define GIB ((uint64_t)1 << 30)

struct bed {
    struct test_env env;
    struct pwc *pwc;
};

/* Of sv39: last tables are level 2, the middle ones level 1. */
static void
bed_init(struct bed *bed, uint32_t last, uint32_t middle)
{
    uint32_t entries[MMU_LEVELS_MAX] = {[1] = middle, [2] = last};
    memset(bed, 0, sizeof(*bed));
    test_env_init(&bed->env, 8);
    assert_int_equal(pwc_create(&mmu_sv39, entries, &bed->env.alloc, &bed->pwc), PGW_OK);
}

static void
bed_fini(struct bed *bed)
{
    pwc_destroy(bed->pwc);
    test_env_fini(&bed->env);
}

static void
fill(struct bed *bed, unsigned level, uint64_t va, uint32_t asid, uint64_t pfn)
{
    struct pwc_entry entry = {.pfn = pfn, .prot = 5, .user = true};
    pwc_fill(bed->pwc, level, va, asid, &entry);
}

/* The table that is found, by its frame; 0: none. */
static uint64_t
find(struct bed *bed, uint64_t va, uint32_t asid, unsigned *level)
{
    struct pwc_entry entry = {.pfn = 0};
    *level = pwc_find(bed->pwc, va, asid, true, &entry);
    return entry.pfn;
}

static void
expect(struct bed *bed, uint64_t va, uint32_t asid, uint64_t want_pfn, unsigned want_level)
{
    unsigned level;
    assert_int_equal(find(bed, va, asid, &level), want_pfn);
    assert_int_equal(level, want_level);
}

/* The deepest table counts; all of what it maps finds it, and nothing else. */
static void
test_levels(void **state)
{
    struct bed bed;
    struct pwc_entry entry;
    (void)state;
    bed_init(&bed, 4, 2);
    expect(&bed, 0, 1, 0, 0);
    fill(&bed, 1, 3 * GIB + 5, 1, 100);
    expect(&bed, 3 * GIB, 1, 100, 1);
    expect(&bed, 4 * GIB - 1, 1, 100, 1);
    expect(&bed, 4 * GIB, 1, 0, 0);
    expect(&bed, 3 * GIB - 1, 1, 0, 0);
    fill(&bed, 2, 3 * GIB + MIB2, 1, 101);
    expect(&bed, 3 * GIB + MIB2, 1, 101, 2);
    expect(&bed, 3 * GIB + 2 * MIB2 - 1, 1, 101, 2);
    expect(&bed, 3 * GIB + 2 * MIB2, 1, 100, 1);
    expect(&bed, 3 * GIB, 2, 0, 0); /* another space */
    assert_int_equal(pwc_find(bed.pwc, 3 * GIB, 1, false, &entry), 1);
    assert_int_equal(entry.prot, 5);
    assert_true(entry.user);
    assert_false(entry.global);
    fill(&bed, 2, UINT64_MAX, 1, 102); /* the topmost table there is */
    expect(&bed, UINT64_MAX - MIB2 + 1, 1, 102, 2);
    expect(&bed, UINT64_MAX - MIB2, 1, 0, 0);
    fill(&bed, 2, 3 * GIB + MIB2, 1, 103); /* again: in place */
    expect(&bed, 3 * GIB + MIB2, 1, 103, 2);
    bed_fini(&bed);
}

/* The least recently used one goes; a look without touch is no use. */
static void
test_lru(void **state)
{
    struct bed bed;
    struct pwc_entry entry;
    (void)state;
    bed_init(&bed, 3, 1);
    for (uint64_t i = 0; i < 3; i++)
        fill(&bed, 2, i * MIB2, 1, 10 + i);
    expect(&bed, 0, 1, 10, 2);
    assert_int_equal(pwc_find(bed.pwc, MIB2, 1, false, &entry), 2);
    fill(&bed, 2, 3 * MIB2, 1, 13); /* in place of 11 */
    expect(&bed, MIB2, 1, 0, 0);
    expect(&bed, 0, 1, 10, 2);
    expect(&bed, 2 * MIB2, 1, 12, 2);
    fill(&bed, 1, 0, 1, 20);
    fill(&bed, 1, GIB, 1, 21); /* levels have places of their own */
    expect(&bed, GIB, 1, 21, 1);
    expect(&bed, 5 * MIB2, 1, 0, 0);
    expect(&bed, 3 * MIB2, 1, 13, 2);
    bed_fini(&bed);
}

/* A level without places remembers nothing. */
static void
test_absent(void **state)
{
    struct bed bed;
    (void)state;
    bed_init(&bed, 0, 2);
    fill(&bed, 2, 0, 1, 10);
    expect(&bed, 0, 1, 0, 0);
    fill(&bed, 1, 0, 1, 11);
    expect(&bed, 0, 1, 11, 1);
    bed_fini(&bed);
}

static void
test_global(void **state)
{
    struct bed bed;
    struct pwc_entry entry = {.pfn = 30, .prot = 7, .global = true};
    (void)state;
    bed_init(&bed, 4, 2);
    pwc_fill(bed.pwc, 2, MIB2, 1, &entry);
    fill(&bed, 2, 0, 1, 31);
    expect(&bed, MIB2, 2, 30, 2);
    expect(&bed, 0, 2, 0, 0);
    assert_int_equal(pwc_drop_space(bed.pwc, 1), 1);
    assert_int_equal(pwc_drop_all(bed.pwc), 0);
    expect(&bed, MIB2, 3, 30, 2);
    assert_int_equal(pwc_drop_range(bed.pwc, 9, MIB2, 1), 1);
    expect(&bed, MIB2, 3, 0, 0);
    bed_fini(&bed);
}

/* What a range touches at all goes, at every level. */
static void
test_drop_range(void **state)
{
    struct bed bed;
    (void)state;
    bed_init(&bed, 8, 4);
    fill(&bed, 1, 0, 1, 1);
    fill(&bed, 1, GIB, 1, 2);
    for (uint64_t i = 0; i < 4; i++)
        fill(&bed, 2, i * MIB2, 1, 10 + i);
    fill(&bed, 2, 0, 2, 20);
    assert_int_equal(pwc_drop_range(bed.pwc, 1, MIB2, 0), 0);
    assert_int_equal(pwc_drop_range(bed.pwc, 1, 2 * MIB2 - PAGE_SIZE, 2), 3); /* 1, 11, 12 */
    expect(&bed, 0, 1, 10, 2);
    expect(&bed, MIB2, 1, 0, 0);
    expect(&bed, 2 * MIB2, 1, 0, 0);
    expect(&bed, 3 * MIB2, 1, 13, 2);
    expect(&bed, GIB, 1, 2, 1);
    assert_int_equal(pwc_drop_range(bed.pwc, 1, 0, UINT64_MAX >> PAGE_SHIFT), 3);
    expect(&bed, 0, 2, 20, 2);
    fill(&bed, 2, UINT64_MAX, 2, 21);
    assert_int_equal(pwc_drop_range(bed.pwc, 2, MIB2, UINT64_MAX), 1);
    expect(&bed, 0, 2, 20, 2);
    bed_fini(&bed);
}

static void
test_drop_spaces(void **state)
{
    struct bed bed;
    (void)state;
    bed_init(&bed, 8, 4);
    fill(&bed, 1, 0, 1, 1);
    fill(&bed, 2, 0, 1, 2);
    fill(&bed, 2, 0, 0xffff, 3);
    assert_int_equal(pwc_drop_space(bed.pwc, 1), 2);
    expect(&bed, 0, 1, 0, 0);
    expect(&bed, 0, 0xffff, 3, 2);
    assert_int_equal(pwc_drop_all(bed.pwc), 1);
    expect(&bed, 0, 0xffff, 0, 0);
    bed_fini(&bed);
}

static void
test_view(void **state)
{
    struct bed bed;
    struct mmu_tlb_view view;
    (void)state;
    bed_init(&bed, 2, 1);
    fill(&bed, 1, 3 * GIB, 7, 99);
    fill(&bed, 2, 5 * MIB2, 8, 98);
    assert_true(pwc_view(bed.pwc, 0, &view));
    assert_string_equal(view.array, "walk 2");
    assert_true(view.valid);
    assert_int_equal(view.vpn, 5 * 512);
    assert_int_equal(view.npages, 512);
    assert_int_equal(view.pfn, 98);
    assert_int_equal(view.asid, 8);
    assert_int_equal(view.prot, 5);
    assert_true(pwc_view(bed.pwc, 1, &view));
    assert_string_equal(view.array, "walk 2");
    assert_false(view.valid);
    assert_true(pwc_view(bed.pwc, 2, &view));
    assert_string_equal(view.array, "walk 1");
    assert_int_equal(view.vpn, 3u << 18);
    assert_int_equal(view.npages, 1u << 18);
    assert_false(pwc_view(bed.pwc, 3, &view));
    bed_fini(&bed);
}

static void
test_no_memory(void **state)
{
    uint32_t entries[MMU_LEVELS_MAX] = {0, 4, 32};
    struct test_env env;
    struct pwc *pwc = NULL;
    (void)state;
    test_env_init(&env, 8);
    env.inject.fail_at[INJECT_MAP] = env.inject.tried[INJECT_MAP] + 1;
    assert_int_equal(pwc_create(&mmu_sv39, entries, &env.alloc, &pwc), PGW_NOMEM);
    assert_null(pwc);
    pwc_destroy(NULL);
    test_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_lru),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_global),
        cmocka_unit_test(test_drop_range),
        cmocka_unit_test(test_drop_spaces),
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
