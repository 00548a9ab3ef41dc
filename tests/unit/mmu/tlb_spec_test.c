/* SPDX-License-Identifier: BSD-2-Clause */
#include "mmu/mmus.h"

#include <string.h>

#include "support/test.h"
#include "support/test_env.h"

static void
expect(const char *text, struct mmu_tlb_spec want)
{
    struct mmu_tlb_spec got;
    memset(&got, 0xff, sizeof(got));
    assert_int_equal(mmu_tlb_spec_parse(text, &got), PGW_OK);
    assert_memory_equal(&got, &want, sizeof(got));
    assert_true(mmu_tlb_spec_valid(&got));
}

static void
test_good(void **state)
{
    (void)state;
    expect("none", (struct mmu_tlb_spec){0});
    expect("l1=64:4", (struct mmu_tlb_spec){.l1i={{64,4,1}},.l1d={{64,4,1}}});
    expect("l1=64:4,l2=1536:12", (struct mmu_tlb_spec){.l1i={{64,4,1}},.l1d={{64,4,1}},.l2={{1536,12,1}}});
    expect("l2=1536:12,l1=64:4", (struct mmu_tlb_spec){.l1i={{64,4,1}},.l1d={{64,4,1}},.l2={{1536,12,1}}});
    expect("l1=1:1,l2=1048576:1", (struct mmu_tlb_spec){.l1i={{1,1,1}},.l1d={{1,1,1}},.l2={{1048576,1,1}}});
    expect("l1=48:48", (struct mmu_tlb_spec){.l1i={{48,48,1}},.l1d={{48,48,1}}});
    expect("l1=1536:12", (struct mmu_tlb_spec){.l1i={{1536,12,1}},.l1d={{1536,12,1}}});
}

static void
test_bad(void **state)
{
    static const char *const texts[] = {"", " ", "non", "nones", "none,", "None", "l1",
        "l1=", "l1=64", "l1=64:", "l1=:4", "l1=64:4,", ",l1=64:4", "l1=64:4 ", " l1=64:4",
        "l1=64:4,,", "l1=64:4;l2=64:4", "l1=64:4l2=64:4", "l1=64:4,l1=64:4",
        "l1=64:4,l2=8:2,l2=8:2", "l2=1536:12", "l3=64:4", "L1=64:4", "l1=0:0", "l1=0:1", "l1=64:0",
        "l1=-64:4", "l1=+64:4", "l1=064:4", "l1=64:04", "l1=0x40:4", "l1=64.0:4", "l1=65:4",
        "l1=48:4", "l1=4:8", "l1=1048577:1", "l1=2097152:1", "l1=99999999:1",
        "l1=18446744073709551680:4", "l1=4294967360:4", "l1=64:4,l2=none", "none,l2=8:2",
        "l1=64:4,none", "l1=64k:4"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct mmu_tlb_spec spec, was;
        memset(&spec, 0x5a, sizeof(spec));
        was = spec;
        if (mmu_tlb_spec_parse(texts[i], &spec) != PGW_INVAL)
            fail_msg("accepted: \"%s\"", texts[i]);
        assert_memory_equal(&spec, &was, sizeof(spec));
    }
}

/* create: refuses what parse would, and survives the failure of each allocation. */
static void
test_create(void **state)
{
    static const struct mmu_tlb_spec bad[] = {
        {0, 0, 64, 4}, {64, 0, 0, 0}, {0, 4, 0, 0}, {63, 4, 0, 0}, {64, 4, 48, 4}, {48, 4, 0, 0}};
    struct mmu_tlb_spec good = {64, 4, 1536, 12};
    struct test_env env;
    struct mmu *mmu = NULL;
    (void)state;
    test_env_init(&env, 64);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(
            mmu_radix_create(&mmu_sv39, MMU_AD_HARDWARE, &bad[i], 1, &env.mem, &env.alloc, &mmu), PGW_INVAL);
    for (uint64_t n = 1; n <= 5; n++) {
        size_t mapped = env.alloc.mapped;
        memset(&env.inject, 0, sizeof(env.inject));
        env.inject.fail_at[INJECT_MAP] = n;
        enum pgw_status status = mmu_radix_create(&mmu_sv39, MMU_AD_HARDWARE, &good, 1, &env.mem, &env.alloc, &mmu);
        assert_int_equal(status, n <= 4 ? PGW_NOMEM : PGW_OK);
        if (status == PGW_OK) {
            struct mmu_translation out;
            assert_int_equal(mmu->data_sets, 16);
            assert_int_equal(mmu->fetch_sets, 16);
            /* no space is loaded yet */
            assert_int_equal(mmu->ops->translate(mmu, 0, ACCESS_READ, &out), MMU_BUS);
            mmu->ops->destroy(mmu);
        }
        assert_int_equal(env.alloc.mapped, mapped);
    }
    test_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
