/* SPDX-License-Identifier: BSD-2-Clause */
#include "mmu/mmus.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"
#include "support/test_env.h"

#define K4 (1u << 0)
#define K16 (1u << 2)
#define K64 (1u << 4)
#define M2 (1u << 9)
#define M4 (1u << 10)
#define G1 (1u << 18)
#define G512 (1u << 27)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
expect(const char *text, struct mmu_tlb_spec want)
{
    struct mmu_tlb_spec got;
    memset(&got, 0xff, sizeof(got));
    if (mmu_tlb_spec_parse(text, &got) != PGW_OK)
        fail_msg("refused: \"%s\"", text);
    assert_memory_equal(got.l1i, want.l1i, sizeof(got.l1i));
    assert_memory_equal(got.l1d, want.l1d, sizeof(got.l1d));
    assert_memory_equal(got.l2, want.l2, sizeof(got.l2));
    assert_memory_equal(got.pwc, want.pwc, sizeof(got.pwc));
    assert_int_equal(got.replace, want.replace);
    assert_int_equal(got.no_asid, want.no_asid);
    assert_int_equal(got.prefetch, want.prefetch);
    assert_int_equal(got.pairs, want.pairs);
    assert_true(mmu_tlb_spec_valid(&got));
}

/* Both first levels alike. */
#define L1(...) .l1i = {__VA_ARGS__}, .l1d = {__VA_ARGS__}
#define SPEC(...) ((struct mmu_tlb_spec){__VA_ARGS__})

static void
test_arrays(void **state)
{
    (void)state;
    expect("none", SPEC(0));
    expect("l1=64:4", SPEC(L1({64, 4, K4})));
    expect("l1=64:4,l2=1536:12", SPEC(L1({64, 4, K4}), .l2 = {{1536, 12, K4}}));
    expect("l2=1536:12,l1=64:4", SPEC(L1({64, 4, K4}), .l2 = {{1536, 12, K4}}));
    expect("l1=1:1,l2=1048576:1", SPEC(L1({1, 1, K4}), .l2 = {{1048576, 1, K4}}));
    expect("l1=48:48", SPEC(L1({48, 48, K4})));
    expect("l1=1536:12", SPEC(L1({1536, 12, K4})));
    expect("l1=64:4:4k", SPEC(L1({64, 4, K4})));
    expect("l1i=8:2,l1d=16:4", SPEC(.l1i = {{8, 2, K4}}, .l1d = {{16, 4, K4}}));
    expect(
        "l1=8:8:4k+16k+64k+2m+4m+1g+512g", SPEC(L1({8, 8, K4 | K16 | K64 | M2 | M4 | G1 | G512})));
    expect("l1=8:2:512g+4k", SPEC(L1({8, 2, K4 | G512})));
    expect("l1=64:4,l1=32:4:2m+4m,l1=4:4:1g,l1=2:1:64k",
        SPEC(L1({64, 4, K4}, {32, 4, M2 | M4}, {4, 4, G1}, {2, 1, K64})));
    expect("l1=64:4,l1i=8:8:2m,l1d=32:4:2m,l1d=4:4:1g",
        SPEC(.l1i = {{64, 4, K4}, {8, 8, M2}}, .l1d = {{64, 4, K4}, {32, 4, M2}, {4, 4, G1}}));
    expect("l1i=8:8:2m,l1=64:4", SPEC(.l1i = {{8, 8, M2}, {64, 4, K4}}, .l1d = {{64, 4, K4}}));
    expect("l1=8:2,l2=16:4:2m,l2=16:1", SPEC(L1({8, 2, K4}), .l2 = {{16, 4, M2}, {16, 1, K4}}));
}

static void
test_items(void **state)
{
    (void)state;
    expect("l1=8:2,pwc=32", SPEC(L1({8, 2, K4}), .pwc = {32}));
    expect("l1=8:2,pwc=32/4/2/1", SPEC(L1({8, 2, K4}), .pwc = {32, 4, 2, 1}));
    expect("pwc=0/4096,l1=8:2", SPEC(L1({8, 2, K4}), .pwc = {0, 4096}));
    expect("l1=8:2,replace=lru", SPEC(L1({8, 2, K4})));
    expect("l1=8:2,replace=fifo", SPEC(L1({8, 2, K4}), .replace = MMU_REPLACE_FIFO));
    expect("l1=8:2,replace=plru", SPEC(L1({8, 2, K4}), .replace = MMU_REPLACE_PLRU));
    expect("l1=6:3,replace=random", SPEC(L1({6, 3, K4}), .replace = MMU_REPLACE_RANDOM));
    expect("l1=8:2,asid=on,pairs=off,prefetch=off", SPEC(L1({8, 2, K4})));
    expect("l1=8:2,asid=off", SPEC(L1({8, 2, K4}), .no_asid = true));
    expect("l1=8:2,pairs=on", SPEC(L1({8, 2, K4}), .pairs = true));
    expect("prefetch=on,l1=8:2,l2=8:2", SPEC(L1({8, 2, K4}), .l2 = {{8, 2, K4}}, .prefetch = true));
}

static const struct mmu_tlb_spec skylake = {.l1i = {{128, 8, K4}, {8, 8, M2 | M4}},
    .l1d = {{64, 4, K4}, {32, 4, M2 | M4}, {4, 4, G1}},
    .l2 = {{1536, 12, K4 | M2}, {16, 4, G1}},
    .pwc = {32, 4}};

/* A preset, and what changes it: a list anew, the rest one by one. */
static void
test_presets(void **state)
{
    struct mmu_tlb_spec want = skylake, got;
    const char *name;
    unsigned n = 0;
    (void)state;
    expect("skylake", want);
    want.replace = MMU_REPLACE_FIFO;
    want.no_asid = want.prefetch = want.pairs = true;
    expect("skylake,replace=fifo,asid=off,prefetch=on,pairs=on", want);
    want = skylake;
    memset(want.l2, 0, sizeof(want.l2));
    want.l2[0] = (struct mmu_tlb_array){8, 2, K4};
    want.l2[1] = (struct mmu_tlb_array){4, 2, M2};
    memset(want.pwc, 0, sizeof(want.pwc));
    want.pwc[0] = 7;
    expect("skylake,l2=8:2,l2=4:2:2m,pwc=7", want);
    want = skylake;
    memset(want.l1i, 0, sizeof(want.l1i));
    want.l1i[0] = (struct mmu_tlb_array){4, 4, K4};
    expect("skylake,l1i=4:4", want);
    expect("r4000",
        SPEC(.l1i = {{2, 2, K4}}, .l1d = {{1, 1, K4}}, .l2 = {{48, 48, K4 | K16 | K64 | M4}},
            .pairs = true, .replace = MMU_REPLACE_RANDOM));
    for (; (name = mmu_tlb_preset_name(n)) != NULL; n++) {
        assert_int_equal(mmu_tlb_spec_parse(name, &got), PGW_OK);
        assert_true(got.l1d[0].entries != 0);
        assert_true(strlen(mmu_tlb_preset_summary(n)) > 10);
        for (unsigned other = 0; other < n; other++)
            assert_string_not_equal(name, mmu_tlb_preset_name(other));
    }
    assert_true(n >= 8);
    assert_null(mmu_tlb_preset_summary(n));
    assert_null(mmu_tlb_preset_name(n + 5));
}

static void
expect_bad(const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct mmu_tlb_spec spec, was;
        memset(&spec, 0x5a, sizeof(spec));
        was = spec;
        if (mmu_tlb_spec_parse(texts[i], &spec) != PGW_INVAL)
            fail_msg("accepted: \"%s\"", texts[i]);
        assert_memory_equal(&spec, &was, sizeof(spec));
    }
}

static void
test_bad_arrays(void **state)
{
    static const char *const texts[] = {"", " ", "non", "nones", "none,", "None", "none,none", "l1",
        "l1=", "l1=64", "l1=64:", "l1=:4", "l1=64:4,", ",l1=64:4", "l1=64:4 ", " l1=64:4",
        "l1=64:4,,", "l1=64:4,,l2=8:2", "l1=64:4;l2=64:4", "l1=64:4l2=64:4", "l1=64:4,l1=64:4",
        "l1=64:4,l2=8:2,l2=8:2", "l2=1536:12", "l3=64:4", "L1=64:4", "l1=0:0", "l1=0:1", "l1=64:0",
        "l1=-64:4", "l1=+64:4", "l1=064:4", "l1=64:04", "l1=0x40:4", "l1=64.0:4", "l1=65:4",
        "l1=48:4", "l1=4:8", "l1=1048577:1", "l1=2097152:1", "l1=99999999:1",
        "l1=18446744073709551680:4", "l1=4294967360:4", "l1=64:4,l2=none", "none,l2=8:2",
        "l1=64:4,none", "l1=64k:4",
        /* one first level without the other, and lists without 4 KiB */
        "l1i=64:4", "l1d=64:4", "l1i=64:4,l2=8:2", "l1=8:8:2m", "l1i=8:8,l1d=8:8:2m",
        "l1=8:2,l2=8:2:2m", "skylake,l2=8:2:2m",
        /* sizes */
        "l1=8:2:", "l1=8:2:4k+", "l1=8:2:+4k", "l1=8:2:4k++2m", "l1=8:2:4k+4k", "l1=8:2:8k",
        "l1=8:2:4K", "l1=8:2:4", "l1=8:2:4kb", "l1=8:2:4k:2m", "l1=8:2:4k+2m,l1=8:2:2m",
        "l1=8:2:4k+2m,l1d=8:2:2m", "l1=8:2:4k 2m", "l1=8:2:2m4k",
        /* too many arrays */
        "l1=8:2,l1=8:2:16k,l1=8:2:64k,l1=8:2:2m,l1=8:2:4m",
        "l1=8:2,l2=8:2,l2=8:2:16k,l2=8:2:64k,l2=8:2:2m,l2=8:2:4m"};
    (void)state;
    expect_bad(texts, COUNT(texts));
}

static void
test_bad_items(void **state)
{
    static const char *const texts[] = {"l1=8:2,pwc", "l1=8:2,pwc=", "l1=8:2,pwc=/4",
        "l1=8:2,pwc=4/", "l1=8:2,pwc=4//4", "l1=8:2,pwc=00", "l1=8:2,pwc=04", "l1=8:2,pwc=-1",
        "l1=8:2,pwc=4097", "l1=8:2,pwc=1/1/1/1/1", "l1=8:2,pwc=4:4", "l1=8:2,pwc=4,pwc=4", "pwc=4",
        "none,pwc=4", "l1=8:2,pwc=none", "l1=8:2,replace=", "l1=8:2,replace", "l1=8:2,replace=LRU",
        "l1=8:2,replace=lfu", "l1=8:2,replace=lru,replace=lru", "l1=8:2,replace=lruu",
        "l1=8:2,replace=lr", "replace=lru", "replace=fifo", "l1=6:3,replace=plru",
        "l1=8:2,l2=24:12,replace=plru", "skylake,replace=plru", "l1=8:2,asid",
        "l1=8:2,asid=", "l1=8:2,asid=yes", "l1=8:2,asid=On", "l1=8:2,asid=onn",
        "l1=8:2,asid=on,asid=on", "asid=off", "l1=8:2,asid=off:", "l1=8:2,prefetch=on",
        "prefetch=on", "l1=8:2,l2=8:2,prefetch=1", "l1=8:2,l2=8:2,prefetch=on,prefetch=off",
        "pairs=on", "l1=8:2,pairs=on,pairs=on", "l1=8:2,pairs=maybe", "l1=8:2,=on", "=",
        "l1=8:2,=", "skylak", "skylakes", "Skylake", "skylake,", ",skylake", "skylake ",
        "skylake,skylake", "skylake,zen", "l1=8:2,skylake", "none,skylake", "skylake,none",
        "skylake:2", "skylake,pwc=1,pwc=1", "skylake,l1i=4:4,l1i=4:4"};
    (void)state;
    expect_bad(texts, COUNT(texts));
}

/* What no text says. */
static void
test_bad_specs(void **state)
{
    static const struct mmu_tlb_spec bad[] = {{.l2 = {{64, 4, K4}}}, {L1({64, 0, K4})},
        {L1({0, 4, 0})}, {L1({0, 0, K4})}, {L1({63, 4, K4})}, {L1({64, 4, 0})},
        {L1({64, 4, K4 | 1u << 28})}, {L1({64, 4, 0x3ff})}, /* ten sizes */
        {L1({64, 4, K4}), .l2 = {{48, 4, K4}}}, {L1({48, 4, K4})},
        {L1({64, 4, K4}, {0, 0, 0}, {64, 4, M2})}, {L1({64, 4, K4}), .pwc = {[4] = 1}},
        {L1({64, 4, K4}), .pwc = {4097}}, {.pwc = {1}}, {.pairs = true},
        {L1({64, 4, K4}), .replace = (enum mmu_replace)4}, {L1({64, 4, K4}), .prefetch = true}};
    struct test_env env;
    struct mmu *mmu = NULL;
    (void)state;
    test_env_init(&env, 64);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(mmu_tlb_spec_valid(&bad[i]));
        assert_int_equal(
            mmu_radix_create(&mmu_sv39, MMU_AD_HARDWARE, &bad[i], 1, &env.mem, &env.alloc, &mmu),
            PGW_INVAL);
    }
    test_env_fini(&env);
}

struct making {
    struct test_env env;
    struct mmu_tlb_spec spec;
    unsigned made;
};

static void
make(void *ctx)
{
    struct making *making = ctx;
    struct test_env *env = &making->env;
    struct mmu *mmu = NULL;
    size_t mapped = env->alloc.mapped;
    enum pgw_status status = mmu_radix_create(
        &mmu_sv39, MMU_AD_HARDWARE, &making->spec, 1, &env->mem, &env->alloc, &mmu);
    if (status == PGW_OK) {
        struct mmu_translation out;
        struct mmu_trace trace;
        making->made++;
        assert_int_equal(mmu->data_sets, 16);
        assert_int_equal(mmu->fetch_sets, 16);
        /* no space is loaded yet */
        assert_int_equal(mmu->ops->translate(mmu, 0, ACCESS_READ, &out), MMU_BUS);
        mmu->ops->explain(mmu, 0, ACCESS_READ, &trace);
        assert_int_equal(trace.fault, MMU_BUS);
        mmu->ops->destroy(mmu);
    } else {
        assert_int_equal(status, PGW_NOMEM);
    }
    assert_int_equal(env->alloc.mapped, mapped);
}

/* create survives the failure of each allocation. */
static void
test_create(void **state)
{
    static struct making making;
    (void)state;
    test_env_init(&making.env, 64);
    assert_int_equal(mmu_tlb_spec_parse("l1=64:4,l2=1536:12", &making.spec), PGW_OK);
    /* walker, MMU, three arrays */
    assert_int_equal(test_each_failure(&making.env.inject, INJECT_MAP, false, make, &making), 5);
    assert_int_equal(making.made, 1);
    assert_int_equal(
        mmu_tlb_spec_parse("l1=64:4,l1=8:2:2m,l2=16:4,l2=4:4:1g,pwc=4", &making.spec), PGW_OK);
    /* walk caches, walker, MMU, six arrays */
    assert_int_equal(test_each_failure(&making.env.inject, INJECT_MAP, false, make, &making), 9);
    assert_int_equal(making.made, 2);
    test_env_fini(&making.env);
}

/* What the hart is told to keep. */
static void
test_slots(void **state)
{
    static const struct {
        const char *text;
        unsigned data, fetch;
        bool wide;
    } want[] = {
        {"none", 0, 0, false},
        {"l1=64:4", 16, 16, false},
        {"l1i=8:8,l1d=8:1,l2=4:4:4k+2m,pairs=on", 8, 1, false},
        {"l1=64:4,l1i=8:8:2m", 16, 16, true},
        {"l1d=8:8:2m,l1=64:4", 16, 16, true},
        {"l1=8:2:4k+2m", 4, 4, true},
        {"l1=8:2,pairs=on", 8, 8, true},
    };
    struct test_env env;
    (void)state;
    test_env_init(&env, 64);
    for (size_t i = 0; i < COUNT(want); i++) {
        struct mmu_tlb_spec spec;
        struct mmu *mmu;
        assert_int_equal(mmu_tlb_spec_parse(want[i].text, &spec), PGW_OK);
        assert_int_equal(
            mmu_radix_create(&mmu_sv39, MMU_AD_HARDWARE, &spec, 1, &env.mem, &env.alloc, &mmu),
            PGW_OK);
        assert_int_equal(mmu->data_sets, want[i].data);
        assert_int_equal(mmu->fetch_sets, want[i].fetch);
        assert_int_equal(mmu->wide, want[i].wide);
        mmu->ops->destroy(mmu);
    }
    test_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_bad_arrays),
        cmocka_unit_test(test_bad_items),
        cmocka_unit_test(test_bad_specs),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
