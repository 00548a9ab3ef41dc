/* SPDX-License-Identifier: BSD-2-Clause */
/* The paged MMU against the naive model: random streams over many TLBs, and cases of their own. */
#include "tlb_rig.h"

#include <string.h>

#include "support/test.h"

/* Each text with the formats in turn. */
static void
run_texts(const char *const *texts, size_t n, uint64_t salt)
{
    const struct mmu_format *const formats[] = {&mmu_sv39, &mmu_x86_64, &mmu_sv48};
    for (size_t i = 0; i < n; i++) {
        struct tlb_setting setting = {formats[i % 3], texts[i], 16, MMU_AD_HARDWARE};
        tlb_rig_run(&setting, salt * 100 + i);
    }
}

#define RUN(salt, ...)                                                                             \
    do {                                                                                           \
        static const char *const run_list[] = {__VA_ARGS__};                                       \
        run_texts(run_list, sizeof(run_list) / sizeof(run_list[0]), salt);                         \
    } while (0)

static void
test_small_pages(void **state)
{
    (void)state;
    RUN(1, "l1=8:2,l2=32:4", "l1=64:4,l2=1536:12", "l1=16:1,l2=24:3", "l1=4:4", "l1=64:8",
        "l1=32:32,l2=16:16", "l1=1:1,l2=1:1", "l1i=4:4,l1d=32:2,l2=64:4", "none");
}

/* Arrays by size, several sizes in an array, and lists that know different sizes. */
static void
test_sizes(void **state)
{
    (void)state;
    RUN(2, "l1=16:4,l1=8:2:2m,l1=2:2:1g,l2=64:4:4k+2m+1g", "l1=8:8:4k+2m+1g,l2=64:4:4k+2m",
        "l1=16:4:4k+64k+2m,l2=32:4", "l1=16:2,l1=4:2:2m+1g,l2=32:4",
        "l1=2:2:2m,l1=8:2,l2=4:1:64k+2m,l2=16:4:4k+1g", "l1=8:2,l2=32:4:4k+64k+2m+1g",
        "l1=32:1:4k+2m+1g", "l1i=8:2,l1d=8:2:4k+64k,l1d=4:1:1g,l2=16:2:4k+2m",
        "l1=1:1:4k+2m,l2=2:1:4k+1g");
}

static void
test_replacement(void **state)
{
    (void)state;
    RUN(3, "l1=8:4,l2=32:8,replace=fifo", "l1=8:4,l2=32:8,replace=plru",
        "l1=8:4,l2=32:8,replace=random", "l1=16:4:4k+2m,l1=2:2:1g,l2=32:4:4k+2m,replace=fifo",
        "l1=16:8:4k+2m,l1=2:2:1g,l2=32:16:4k+2m,replace=plru",
        "l1=16:4:4k+2m,l1=2:2:1g,l2=48:12:4k+2m,replace=random", "l1=1:1,l2=64:64,replace=plru",
        "l1=12:12:4k+64k+2m+1g,replace=random", "l1=12:3:4k+64k+2m+1g,replace=fifo");
}

static void
test_pairs(void **state)
{
    (void)state;
    RUN(4, "l1=16:16,pairs=on,replace=random", "l1=8:2,pairs=on", "l1=4:2,l2=16:16,pairs=on",
        "l1=16:4:4k+64k,l1=4:2:2m,pairs=on", "l1=8:2:4k+2m,l2=32:4:4k+64k+2m+1g,pairs=on",
        "l1=8:4:4k+2m+1g,pairs=on,replace=fifo", "l1=1:1,pairs=on",
        "l1=16:4:4k+2m,pairs=on,replace=plru", "l1=2:2,l2=24:3,pairs=on,replace=fifo");
}

static void
test_prefetch(void **state)
{
    (void)state;
    RUN(5, "l1=8:2,l2=64:4,prefetch=on", "l1=8:2,l2=64:4,prefetch=on",
        "l1=8:2:4k+2m,l2=64:4:4k+2m,prefetch=on,pwc=8/2",
        "l1=4:2,l2=32:4:4k+64k+2m,prefetch=on,pairs=on",
        "l1=4:2,l2=64:4,prefetch=on,replace=random", "l1=8:2,l2=4:1,prefetch=on");
}

static void
test_walk_caches(void **state)
{
    (void)state;
    RUN(6, "l1=8:2,l2=32:4,pwc=4/2", "l1=8:2,pwc=1", "l1=8:2,pwc=32/4/2", "l1=4:2,pwc=0/3",
        "l1=8:2:4k+2m,pwc=6/6,asid=off", "l1=8:2:4k+2m+1g,pwc=3/3/3");
}

/* Few tags, none, and bits left to software. */
static void
test_settings(void **state)
{
    static const struct tlb_setting settings[] = {
        {&mmu_sv39, "l1=8:2,l2=64:4", 2, MMU_AD_HARDWARE},
        {&mmu_sv48, "l1=8:2:4k+2m,l2=64:4:4k+2m,pwc=4/2", 1, MMU_AD_HARDWARE},
        {&mmu_sv39, "l1=8:2,l2=64:4,pwc=4/2", 0, MMU_AD_HARDWARE},
        {&mmu_x86_64, "l1=16:4,l1=4:4:2m,l2=64:4,asid=off", 12, MMU_AD_HARDWARE},
        {&mmu_sv39, "l1=8:2:4k+2m+1g,l2=64:4:4k+2m,prefetch=on", 16, MMU_AD_FAULT},
        {&mmu_sv48, "l1=8:2,l2=64:4:4k+64k,pairs=on,pwc=4", 2, MMU_AD_FAULT},
        {&mmu_x86_64, "l1=64:4,l2=1536:12", 0, MMU_AD_HARDWARE},
        {&mmu_sv39, "none", 0, MMU_AD_FAULT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        tlb_rig_run(&settings[i], 700 + i);
}

static void
test_presets(void **state)
{
    const char *name;
    (void)state;
    for (unsigned i = 0; (name = mmu_tlb_preset_name(i)) != NULL; i++)
        run_texts(&name, 1, 8 + i);
    RUN(30, "skylake,prefetch=on", "skylake,replace=fifo", "r4000,pwc=4");
}

/*
 * A store finds that the mapping is not what the entry says, though nobody was told: pages that
 * were given out through the entry must be asked for again, when it has moved and when it has
 * shrunk.
 */
static void
test_stale_block(void **state)
{
    static struct tlb_rig rig;
    static const struct tlb_setting setting = {
        &mmu_sv39, "l1=8:2,l1=4:4:2m,l2=16:4", 16, MMU_AD_HARDWARE};
    uint64_t va = 2 * 512ull << PAGE_SHIFT;
    struct mmu_translation out;
    (void)state;
    for (int shrunk = 0; shrunk < 2; shrunk++) {
        tlb_rig_init(&rig, &setting, 13);
        struct mmu_ops const *ops = rig.mmu->ops;
        struct model_leaf leaf = {
            .valid = true, .prot = 7, .accessed = true, .pfn = TEST_BASE_PFN + 512};
        struct model_block *block = &rig.model.space[0].block[2];
        *block = (struct model_block){.kind = MODEL_LEAF, .leaf = leaf};
        *tlb_rig_block(&rig, 0, 2) = tlb_rig_block_pte(&rig, 0, 2);
        for (uint64_t page = 0; page < 2; page++) {
            assert_int_equal(
                ops->translate(rig.mmu, va + page * PAGE_SIZE, ACCESS_READ, &out), MMU_OK);
            assert_false(out.forget);
        }
        assert_int_equal(rig.mmu->stats.l1d_misses, 1);
        block->kind = shrunk ? MODEL_TABLE : MODEL_LEAF;
        block->leaf.pfn += 512;
        rig.model.space[0].page[2 * 512 + 1] = leaf;
        *tlb_rig_page(&rig, 0, 2 * 512 + 1) = tlb_rig_page_pte(&rig, 0, 2 * 512 + 1);
        *tlb_rig_block(&rig, 0, 2) = tlb_rig_block_pte(&rig, 0, 2);
        assert_int_equal(ops->translate(rig.mmu, va + PAGE_SIZE, ACCESS_WRITE, &out), MMU_OK);
        assert_true(out.forget);
        assert_ptr_equal(
            out.bytes, mem_page_bytes(&rig.env.mem,
                           mem_page_at(&rig.env.mem, TEST_BASE_PFN + (shrunk ? 512 : 1025))));
        assert_int_equal(rig.mmu->stats.l1d_misses, 1);
        tlb_rig_fini(&rig);
    }
}

/* Addresses that are not canonical never match the entry whose low bits are the same. */
static void
test_noncanonical(void **state)
{
    static struct tlb_rig rig;
    static const struct tlb_setting setting = {
        &mmu_sv39, "l1=8:2:4k+2m,l2=32:4", 16, MMU_AD_HARDWARE};
    struct mmu_translation out;
    struct mmu_trace trace;
    (void)state;
    tlb_rig_init(&rig, &setting, 9);
    uint64_t va = 3ull << PAGE_SHIFT;
    rig.model.space[0].page[3] = (struct model_leaf){
        .valid = true, .prot = 7, .accessed = true, .dirty = true, .pfn = TEST_BASE_PFN};
    *tlb_rig_page(&rig, 0, 3) = tlb_rig_page_pte(&rig, 0, 3);
    assert_int_equal(rig.mmu->ops->translate(rig.mmu, va, ACCESS_READ, &out), MMU_OK);
    struct mmu_stats before = rig.mmu->stats;
    for (unsigned bit = 38; bit < 64; bit++) {
        uint64_t bad = va | 1ull << bit;
        assert_int_equal(
            rig.mmu->ops->translate(rig.mmu, bad, ACCESS_READ, &out), MMU_NONCANONICAL);
        rig.mmu->ops->explain(rig.mmu, bad, ACCESS_READ, &trace);
        assert_int_equal(trace.fault, MMU_NONCANONICAL);
        assert_int_equal(trace.n, 0);
    }
    assert_memory_equal(&before, &rig.mmu->stats, sizeof(before));
    uint64_t high = va | UINT64_MAX << 38; /* canonical: another page, not mapped */
    assert_int_equal(rig.mmu->ops->translate(rig.mmu, high, ACCESS_READ, &out), MMU_NOT_PRESENT);
    tlb_rig_fini(&rig);
}

/* Pages of the upper half, in the widest scheme, keep their numbers. */
static void
test_upper_half(void **state)
{
    static struct tlb_rig rig;
    static const struct tlb_setting setting = {&mmu_x86_64, "l1=8:2,l2=32:4", 12, MMU_AD_HARDWARE};
    struct mmu_translation out;
    struct mmu_trace trace;
    struct mmu_tlb_view view;
    (void)state;
    tlb_rig_init(&rig, &setting, 10);
    rig.mmu->touched = NULL;
    rig.model.space[0].page[5] = (struct model_leaf){
        .valid = true, .prot = 7, .accessed = true, .dirty = true, .pfn = TEST_BASE_PFN};
    *tlb_rig_page(&rig, 0, 5) = tlb_rig_page_pte(&rig, 0, 5);
    tlb_rig_words(&rig, rig.upper[0][0])[511] = tlb_rig_words(&rig, rig.upper[0][0])[0];
    uint64_t va = UINT64_MAX << 39 | 5ull << PAGE_SHIFT;
    assert_int_equal(rig.mmu->ops->translate(rig.mmu, va, ACCESS_READ, &out), MMU_OK);
    rig.mmu->ops->explain(rig.mmu, va, ACCESS_READ, &trace);
    assert_int_equal(trace.step[0].kind, MMU_STEP_TLB);
    assert_true(rig.mmu->ops->entry(rig.mmu, trace.step[0].idx, &view));
    assert_int_equal(view.vpn, va >> PAGE_SHIFT);
    assert_string_equal(view.array, "L1D");
    rig.mmu->ops->invalidate_range(rig.mmu, 1, va - 3 * PAGE_SIZE, 100);
    assert_int_equal(rig.mmu->stats.flushed, 2);
    tlb_rig_fini(&rig);
}

/* Arrays are named after their list and their sizes. */
static void
test_names(void **state)
{
    static struct tlb_rig rig;
    static const struct tlb_setting setting = {&mmu_sv39,
        "l1i=4:4,l1d=4:4:4k+2m+4m,l1d=2:2:1g+512g,l2=1:1:64k+2m+4k+16k,pwc=1/1", 16,
        MMU_AD_HARDWARE};
    static const struct {
        size_t i;
        const char *name;
    } want[] = {{0, "L1I"}, {4, "L1D 4K+2M+4M"}, {8, "L1D 1G+512G"}, {9, "L1D 1G+512G"},
        {10, "L2 4K+16K+64K+2"}, {11, "walk 2"}, {12, "walk 1"}};
    struct mmu_tlb_view view;
    (void)state;
    tlb_rig_init(&rig, &setting, 11);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_true(rig.mmu->ops->entry(rig.mmu, want[i].i, &view));
        assert_string_equal(view.array, want[i].name);
        assert_false(view.valid);
    }
    assert_false(rig.mmu->ops->entry(rig.mmu, 13, &view));
    tlb_rig_fini(&rig);
}

/* Loading the space that is loaded is no switch, with or without tags; another root is. */
static void
test_same_space(void **state)
{
    static struct tlb_rig rig;
    static const struct tlb_setting setting = {&mmu_sv39, "l1=8:2,asid=off", 16, MMU_AD_HARDWARE};
    struct mmu_translation out;
    (void)state;
    tlb_rig_init(&rig, &setting, 12);
    rig.model.space[0].page[5] = (struct model_leaf){
        .valid = true, .prot = 7, .accessed = true, .dirty = true, .pfn = TEST_BASE_PFN};
    *tlb_rig_page(&rig, 0, 5) = tlb_rig_page_pte(&rig, 0, 5);
    uint64_t va = 5ull << PAGE_SHIFT, walks;
    assert_int_equal(rig.mmu->ops->translate(rig.mmu, va, ACCESS_READ, &out), MMU_OK);
    walks = rig.mmu->stats.walks;
    tlb_rig_load(&rig, 0);
    assert_int_equal(rig.mmu->ops->translate(rig.mmu, va, ACCESS_READ, &out), MMU_OK);
    assert_int_equal(rig.mmu->stats.walks, walks);
    assert_int_equal(rig.mmu->stats.switches, 1);
    rig.mmu->ops->load(
        rig.mmu, mmu_format_root(rig.format, mem_page_pfn(&rig.env.mem, rig.upper[0][0]), 9), 1);
    assert_int_equal(rig.mmu->stats.switches, 2);
    assert_int_equal(rig.mmu->stats.switch_registers, 2);
    assert_int_equal(rig.mmu->stats.switch_flushes, 1);
    assert_int_equal(rig.mmu->stats.switch_flushed, 1);
    tlb_rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_pages),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_replacement),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_prefetch),
        cmocka_unit_test(test_walk_caches),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_stale_block),
        cmocka_unit_test(test_noncanonical),
        cmocka_unit_test(test_upper_half),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_same_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
