/* SPDX-License-Identifier: BSD-2-Clause */
/* The paged MMU against the naive model: random traces, every result and every count equal. */
#include "tlb_model.h"

#include <string.h>

#include "support/test.h"
#include "support/test_env.h"

struct bench {
    struct test_env env;
    struct mmu *mmu;
    struct model model;
    struct base_rng rng;
    struct mem_page *root[MODEL_SPACES], *middle[MODEL_SPACES];
    struct mem_page *last[MODEL_SPACES][MODEL_TABLES];
    uint32_t told[MODEL_SPACES][MODEL_PAGES]; /* the window in which the observer was */
};

static uint64_t
below(struct bench *bench, uint64_t n)
{
    return base_rng_below(&bench->rng, n);
}

static uint64_t *
words(struct bench *bench, const struct mem_page *page)
{
    return (uint64_t *)(void *)mem_page_bytes(&bench->env.mem, page);
}

static struct mem_page *
new_table(struct bench *bench)
{
    struct mem_page *page = mem_alloc(&bench->env.mem, 0, MEM_ZERO);
    assert_non_null(page);
    return page;
}

static void
touched(void *ctx, uint32_t asid, uint64_t vpn, enum access access)
{
    struct bench *bench = ctx;
    (void)access;
    assert_true(asid >= 1 && asid <= MODEL_SPACES && vpn < MODEL_PAGES);
    for (unsigned i = 0; i < MODEL_SPACES; i++) /* a global page is everybody's */
        if (i == asid - 1 || vpn % 16 == 3)
            bench->told[i][vpn] = bench->mmu->window;
}

/* Writes the model's leaf into the table. */
static void
put_leaf(struct bench *bench, unsigned space, uint64_t vpn)
{
    const struct model_leaf *leaf = &bench->model.leaf[space][vpn];
    uint64_t pte = leaf->pfn << 10 | leaf->prot << 1 | 0x10 | (uint64_t)leaf->global << 5 |
                   (uint64_t)leaf->accessed << 6 | (uint64_t)leaf->dirty << 7 | leaf->valid;
    words(bench, bench->last[space][vpn / 512])[vpn % 512] = pte;
}

/* Another leaf for the page.  Global ones are the same in all spaces. */
static void
change(struct bench *bench, unsigned space, uint64_t vpn)
{
    static const prot_t prots[] = {1, 3, 3, 5, 7};
    struct model_leaf *leaf = &bench->model.leaf[space][vpn];
    if (vpn % 16 == 3)
        return; /* global */
    leaf->valid = below(bench, 10) != 0;
    leaf->prot = prots[below(bench, 5)];
    leaf->accessed = below(bench, 2) != 0;
    leaf->dirty = below(bench, 2) != 0;
    leaf->pfn = TEST_BASE_PFN + below(bench, bench->env.mem.nframes);
    put_leaf(bench, space, vpn);
}

static void
make_tables(struct bench *bench, unsigned space)
{
    struct mem *mem = &bench->env.mem;
    bench->root[space] = new_table(bench);
    bench->middle[space] = new_table(bench);
    words(bench, bench->root[space])[0] = mem_page_pfn(mem, bench->middle[space]) << 10 | 1;
    for (unsigned i = 0; i < MODEL_TABLES; i++) {
        bench->last[space][i] = new_table(bench);
        if (i == 2 && space == 1)
            continue; /* a hole one level up */
        bench->model.table[space][i] = true;
        words(bench, bench->middle[space])[i] = mem_page_pfn(mem, bench->last[space][i]) << 10 | 1;
    }
    for (uint64_t vpn = 0; vpn < MODEL_PAGES; vpn++) {
        change(bench, space, vpn);
        if (vpn % 16 == 3) {
            bench->model.leaf[space][vpn] = (struct model_leaf){.valid = true,
                .global = true,
                .accessed = true,
                .dirty = true,
                .prot = 7,
                .pfn = TEST_BASE_PFN + vpn % 200};
            put_leaf(bench, space, vpn);
        }
    }
}

static void
load(struct bench *bench, unsigned space)
{
    bench->model.asid = space + 1;
    bench->model.stats.switches++;
    bench->mmu->ops->load(bench->mmu,
        mem_page_pfn(&bench->env.mem, bench->root[space]) | 8ull << 60 |
            (uint64_t)(space + 1) << 44,
        space + 1);
}

static void
bench_init(struct bench *bench, const struct mmu_tlb_spec *spec, uint64_t salt)
{
    memset(bench, 0, sizeof(*bench));
    test_env_init(&bench->env, 256);
    test_rng_init(&bench->rng, salt);
    model_init(&bench->model, spec);
    assert_int_equal(
        mmu_paged_create(&mmu_sv39, &bench->env.mem, &bench->env.alloc, spec, &bench->mmu), PGW_OK);
    for (unsigned i = 0; i < MODEL_SPACES; i++)
        make_tables(bench, i);
    bench->mmu->touched = touched;
    bench->mmu->touched_ctx = bench;
    bench->mmu->window = 1;
    load(bench, 0);
}

static void
bench_fini(struct bench *bench)
{
    bench->mmu->ops->destroy(bench->mmu);
    model_fini(&bench->model);
    for (unsigned i = 0; i < MODEL_SPACES; i++) {
        mem_free(&bench->env.mem, bench->root[i]);
        mem_free(&bench->env.mem, bench->middle[i]);
        for (unsigned t = 0; t < MODEL_TABLES; t++)
            mem_free(&bench->env.mem, bench->last[i][t]);
    }
    test_env_fini(&bench->env);
}

/* Pages near each other, so that there are hits at every distance. */
static uint64_t
pick(struct bench *bench)
{
    static const uint64_t spans[] = {8, 40, 200, MODEL_PAGES};
    uint64_t span = spans[below(bench, 4)];
    uint64_t vpn = below(bench, span);
    return below(bench, 3) == 0 ? (vpn * 64) % MODEL_PAGES : vpn;
}

static void
one_access(struct bench *bench)
{
    uint64_t vpn = pick(bench), pfn = 0, va = vpn << PAGE_SHIFT | below(bench, PAGE_SIZE);
    enum access access = (enum access)below(bench, 3);
    prot_t usable = 0;
    struct mmu_translation out;
    enum mmu_fault want = model_translate(&bench->model, vpn, access, &pfn, &usable);
    enum mmu_fault got = bench->mmu->ops->translate(bench->mmu, va, access, &out);
    assert_int_equal(got, want);
    if (want != MMU_OK)
        return;
    const struct mem *mem = &bench->env.mem;
    assert_ptr_equal(out.bytes, mem_page_bytes(mem, mem_page_at(mem, pfn)));
    assert_int_equal(out.prot, usable);
    assert_int_equal(bench->told[bench->model.asid - 1][vpn], bench->mmu->window);
}

static void
one_change(struct bench *bench)
{
    unsigned space = (unsigned)below(bench, MODEL_SPACES);
    uint64_t vpn = pick(bench);
    uint64_t npages = below(bench, 4) == 0 ? 1 + below(bench, MODEL_PAGES) : 1 + below(bench, 6);
    for (uint64_t i = vpn; i < vpn + npages && i < MODEL_PAGES; i++)
        if (below(bench, 2) == 0)
            change(bench, space, i);
    if (below(bench, 4) == 0)
        return; /* not told: both sides are stale alike */
    if (below(bench, 8) == 0)
        npages = UINT64_MAX >> PAGE_SHIFT;
    model_drop_range(&bench->model, space + 1, vpn, npages);
    bench->mmu->ops->invalidate_range(bench->mmu, space + 1, vpn << PAGE_SHIFT, npages);
}

static void
one_step(struct bench *bench)
{
    uint64_t what = below(bench, 100);
    if (what < 96) {
        one_access(bench);
    } else if (what < 98) {
        one_change(bench);
    } else if (below(bench, 10) == 0) {
        uint32_t asid = 1 + (uint32_t)below(bench, MODEL_SPACES);
        model_drop_space(&bench->model, asid);
        bench->mmu->ops->invalidate_space(bench->mmu, asid);
    } else if (below(bench, 3) == 0) {
        bench->mmu->window++;
    } else {
        load(bench, (unsigned)below(bench, MODEL_SPACES));
    }
}

static void
compare_tables(struct bench *bench)
{
    for (unsigned space = 0; space < MODEL_SPACES; space++)
        for (uint64_t vpn = 0; vpn < MODEL_PAGES; vpn++) {
            uint64_t was = words(bench, bench->last[space][vpn / 512])[vpn % 512];
            put_leaf(bench, space, vpn);
            assert_int_equal(words(bench, bench->last[space][vpn / 512])[vpn % 512], was);
        }
}

static void
run(const char *text, uint64_t salt)
{
    static struct bench bench;
    struct mmu_tlb_spec spec;
    assert_int_equal(mmu_tlb_spec_parse(text, &spec), PGW_OK);
    bench_init(&bench, &spec, salt);
    assert_int_equal(bench.mmu->data_sets, bench.model.l1d.nsets);
    assert_int_equal(bench.mmu->fetch_sets, bench.model.l1i.nsets);
    for (uint64_t i = 0; i < test_rounds(60000); i++) {
        one_step(&bench);
        if (memcmp(&bench.model.stats, &bench.mmu->stats, sizeof(struct mmu_stats)) != 0)
            fail_msg("%s: counts differ after step %ju", text, (uintmax_t)i);
    }
    compare_tables(&bench);
    const struct mmu_stats *stats = &bench.mmu->stats;
    assert_true(stats->walks > 1000 && stats->ad_updates > 100);
    assert_int_equal(stats->flushed > 0, spec.l1_entries != 0);
    assert_int_equal(stats->l2_hits > 10, spec.l2_entries != 0);
    bench_fini(&bench);
}

static void
test_two_levels(void **state)
{
    (void)state;
    run("l1=8:2,l2=32:4", 1);
    run("l1=64:4,l2=1536:12", 2);
    run("l1=16:1,l2=24:3", 3);
}

static void
test_one_level(void **state)
{
    (void)state;
    run("l1=4:4", 4);
    run("l1=64:8", 5);
}

/* Fully associative, and an L2 smaller than L1. */
static void
test_odd(void **state)
{
    (void)state;
    run("l1=32:32,l2=16:16", 6);
    run("l1=1:1,l2=1:1", 7);
}

static void
test_none(void **state)
{
    (void)state;
    run("none", 8);
}

/* Addresses that are not canonical never match the entry whose low bits are the same. */
static void
test_noncanonical(void **state)
{
    static struct bench bench;
    struct mmu_tlb_spec spec = {8, 2, 32, 4};
    struct mmu_translation out;
    (void)state;
    bench_init(&bench, &spec, 9);
    uint64_t va = 3ull << PAGE_SHIFT; /* a global page, all rights */
    assert_int_equal(bench.mmu->ops->translate(bench.mmu, va, ACCESS_READ, &out), MMU_OK);
    struct mmu_stats before = bench.mmu->stats;
    for (unsigned bit = 38; bit < 64; bit++)
        assert_int_equal(bench.mmu->ops->translate(bench.mmu, va | 1ull << bit, ACCESS_READ, &out),
            MMU_NONCANONICAL);
    assert_memory_equal(&before, &bench.mmu->stats, sizeof(before));
    uint64_t high = va | UINT64_MAX << 38; /* canonical: another page, not mapped */
    assert_int_equal(
        bench.mmu->ops->translate(bench.mmu, high, ACCESS_READ, &out), MMU_NOT_PRESENT);
    bench_fini(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_levels),
        cmocka_unit_test(test_one_level),
        cmocka_unit_test(test_odd),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_noncanonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
