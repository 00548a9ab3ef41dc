/* SPDX-License-Identifier: BSD-2-Clause */
/* The refill handler of the software-managed TLB, over tables whose words are written by hand. */
#include <string.h>

#include "mmu/mmus.h"
#include "support/test.h"
#include "support/test_env.h"

#define FRAMES 64u
#define ROOT 4u /* frames */
#define TABLE 5u
#define PAGE 9u
#define VA UINT64_C(0x00403000) /* entry 1 of the root, entry 3 of the table */

struct bench {
    struct test_env env;
    struct mem_page *ram;
    struct mmu_walker *walker;
    struct mmu_stats stats;
    struct mmu_walk out;
    struct mmu_trace trace;
    uint64_t root;
};

static uint32_t *
word_at(struct bench *bench, unsigned frame, unsigned idx)
{
    return (uint32_t *)(void *)mem_page_bytes(&bench->env.mem, &bench->ram[frame]) + idx;
}

/* RAM begins at 0x80000000; an entry is the address, C = 3 (cached), and the software's bits. */
static void
bench_init(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    test_env_init(&bench->env, FRAMES);
    bench->ram = mem_alloc(&bench->env.mem, 6, MEM_ZERO);
    assert_non_null(bench->ram);
    assert_int_equal(
        mmu_refill_walker_create(&mmu_mips32, &bench->env.mem, &bench->env.alloc, &bench->walker),
        PGW_OK);
    bench->root = mmu_format_root(&mmu_mips32, TEST_BASE_PFN + ROOT, 7);
    *word_at(bench, ROOT, 1) = 0x80005001;
    *word_at(bench, TABLE, 3) = 0x80009605; /* present, writable */
}

static void
bench_fini(struct bench *bench)
{
    bench->walker->ops->destroy(bench->walker);
    mem_free(&bench->env.mem, bench->ram);
    test_env_fini(&bench->env);
}

static enum mmu_fault
walk(struct bench *bench, uint64_t va, enum access access, unsigned how)
{
    bench->trace.n = 0;
    return bench->walker->ops->walk(
        bench->walker, bench->root, 7, va, access, how, &bench->stats, &bench->out, &bench->trace);
}

/* The handler sets accessed (with the TLB's V); D comes with the first store, and not before. */
static void
test_accessed_then_modified(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_OK);
    assert_int_equal(bench.out.pfn, TEST_BASE_PFN + PAGE);
    assert_int_equal(bench.out.prot, PROT_MASK_ALL);
    assert_false(bench.out.dirty);
    assert_int_equal(*word_at(&bench, TABLE, 3), 0x8000968d);
    assert_int_equal(walk(&bench, VA, ACCESS_EXEC, 0), MMU_OK);
    assert_false(bench.out.dirty);
    assert_int_equal(bench.stats.ad_updates, 1);
    assert_int_equal(walk(&bench, VA, ACCESS_WRITE, 0), MMU_OK);
    assert_true(bench.out.dirty);
    assert_int_equal(*word_at(&bench, TABLE, 3), 0x8000979d);
    assert_int_equal(bench.stats.ad_updates, 2);
    assert_int_equal(bench.stats.walks, 3);
    assert_int_equal(bench.stats.walk_refs[0], 3);
    assert_int_equal(bench.stats.walk_refs[1], 3);
    bench_fini(&bench);
}

/* An exception first, then the handler's two loads. */
static void
test_steps(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, MMU_WALK_PEEK), MMU_OK);
    assert_int_equal(bench.stats.walks, 0);
    assert_int_equal(*word_at(&bench, TABLE, 3), 0x80009605);
    assert_int_equal(bench.trace.n, 3);
    assert_int_equal(bench.trace.step[0].kind, MMU_STEP_REFILL);
    static const uint64_t pa[2] = {0x80004004, 0x8000500c}, value[2] = {0x80005001, 0x80009605};
    for (unsigned i = 0; i < 2; i++) {
        const struct mmu_step *step = &bench.trace.step[1 + i];
        assert_int_equal(step->kind, MMU_STEP_ENTRY);
        assert_int_equal(step->level, i);
        assert_int_equal(step->pa, pa[i]);
        assert_int_equal(step->value, value[i]);
    }
    bench_fini(&bench);
}

static void
test_faults(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(walk(&bench, VA + PAGE_SIZE, ACCESS_READ, 0), MMU_NOT_PRESENT);
    assert_int_equal(walk(&bench, VA << 1, ACCESS_READ, 0), MMU_NOT_PRESENT);
    *word_at(&bench, TABLE, 3) = 0x80009601; /* not writable */
    assert_int_equal(walk(&bench, VA, ACCESS_WRITE, 0), MMU_RIGHTS);
    assert_int_equal(*word_at(&bench, TABLE, 3), 0x80009601);
    *word_at(&bench, TABLE, 3) = 0x80040605; /* the frame after the last */
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_BUS);
    *word_at(&bench, ROOT, 1) = 0x80040001;
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_BUS);
    bench_fini(&bench);
}

/* Behind a TLB: kuseg ends at 2 GiB; the first store through a clean entry is an exception more,
 * the second one none. */
static void
test_behind_tlb(void **state)
{
    struct mmu_paged_config config = {.tlb = {.l1i = {{8, 8, 1}}, .l1d = {{8, 8, 1}}}, .seed = 1};
    struct mmu_translation out;
    struct mmu *mmu;
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(bench.walker->asid_bits, 8);
    assert_int_equal(bench.walker->registers, 2);
    assert_int_equal(bench.walker->levels, 2);
    assert_int_equal(bench.walker->orders, 1);
    assert_int_equal(
        mmu_refill_walker_create(&mmu_mips32, &bench.env.mem, &bench.env.alloc, &config.walker),
        PGW_OK);
    assert_int_equal(mmu_paged_create(&config, &bench.env.mem, &bench.env.alloc, &mmu), PGW_OK);
    mmu->ops->load(mmu, bench.root, 7);

    uint64_t kseg0 = UINT64_C(0x80000000);
    assert_int_equal(mmu->ops->translate(mmu, kseg0, ACCESS_READ, &out), MMU_NONCANONICAL);
    assert_int_equal(mmu->ops->translate(mmu, 0xc0000000, ACCESS_WRITE, &out), MMU_NONCANONICAL);
    assert_int_equal(mmu->ops->translate(mmu, UINT64_MAX, ACCESS_EXEC, &out), MMU_NONCANONICAL);
    assert_int_equal(mmu->stats.walks, 0);
    assert_int_equal(mmu->ops->translate(mmu, kseg0 - 1, ACCESS_READ, &out), MMU_NOT_PRESENT);
    assert_int_equal(mmu->ops->translate(mmu, VA, ACCESS_READ, &out), MMU_OK);
    assert_false(prot_allows(out.prot, ACCESS_WRITE));
    assert_int_equal(mmu->stats.walks, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mmu->ops->translate(mmu, VA, ACCESS_WRITE, &out), MMU_OK);
        assert_true(prot_allows(out.prot, ACCESS_WRITE));
        assert_int_equal(mmu->stats.walks, 3);
    }
    assert_int_equal(*word_at(&bench, TABLE, 3), 0x8000979d);
    mmu->ops->destroy(mmu);
    bench_fini(&bench);
}

static void
create_body(void *ctx)
{
    struct bench *bench = ctx;
    struct mmu_walker *walker;
    if (mmu_refill_walker_create(&mmu_mips32, &bench->env.mem, &bench->env.alloc, &walker) ==
        PGW_OK)
        walker->ops->destroy(walker);
}

static void
test_no_memory(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(
        test_each_failure(&bench.env.inject, INJECT_MAP, false, create_body, &bench), 2);
    bench_fini(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accessed_then_modified),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_behind_tlb),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
