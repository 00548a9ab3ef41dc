/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paged MMU against the naive model: random streams over tables written by hand, every result,
 * every count and every entry equal.
 *
 * A pointer cache like the hart's is in front of the MMU, but not of the model: what the cache
 * answers must be an L1 hit there that changes nothing, or the counts would part.
 */
#include "tlb_model.h"

#include <stdlib.h>
#include <string.h>

#include "mmu/pwc.h"
#include "support/test.h"
#include "support/test_env.h"

#define FRAMES 2048u
#define SPOTS (MODEL_PAGES + FRAMES + 256u) /* pages that are asked for */
#define SLOTS_MAX 1024u
#define RECENT 3

/* What the hart keeps of a page. */
struct slot {
    bool used;
    uint64_t vpn;
    prot_t prot;
    unsigned char *bytes;
};

struct cache {
    unsigned n;
    struct slot slot[SLOTS_MAX];
    uint64_t hits;
};

struct bench {
    struct test_env env;
    const struct mmu_format *format;
    struct mmu *mmu;
    struct model model;
    struct base_rng rng;
    struct mem_page *upper[MODEL_SPACES][MMU_LEVELS_MAX]; /* by level, down to that of blocks */
    struct mem_page *last[MODEL_SPACES][MODEL_TABLES];
    uint32_t told[MODEL_SPACES + 1][SPOTS]; /* the window in which the observer was; [0]: by any */
    struct cache data, fetch;
    uint64_t forgot;
    uint64_t recent[RECENT];
};

/* How a stream is run. */
struct setting {
    const struct mmu_format *format;
    const char *text; /* of the TLBs */
    unsigned asid_bits;
    enum mmu_ad ad;
};

static uint64_t
below(struct bench *bench, uint64_t n)
{
    return base_rng_below(&bench->rng, n);
}

static unsigned
spot(uint64_t vpn)
{
    return (unsigned)(vpn < MODEL_GIGA ? vpn : vpn - MODEL_GIGA + MODEL_PAGES);
}

static void
touched(void *ctx, uint32_t asid, uint64_t vpn, enum access access)
{
    struct bench *bench = ctx;
    (void)access;
    assert_true(asid >= 1 && asid <= MODEL_SPACES && spot(vpn) < SPOTS);
    bench->told[asid][spot(vpn)] = bench->told[0][spot(vpn)] = bench->mmu->window;
}

/* --- tables --- */

static unsigned
block_level(const struct bench *bench)
{
    return bench->format->levels - 2;
}

static uint64_t *
words(const struct bench *bench, const struct mem_page *page)
{
    return (uint64_t *)(void *)mem_page_bytes(&bench->env.mem, page);
}

static uint64_t
leaf_pte(const struct bench *bench, unsigned level, const struct model_leaf *leaf)
{
    const struct mmu_format *format = bench->format;
    if (!leaf->valid)
        return 0;
    uint64_t pte = mmu_pte_leaf(format, level, leaf->pfn, leaf->prot, true);
    pte = mmu_bits_put(pte, format->global, leaf->global);
    pte = mmu_bits_put(pte, format->accessed, leaf->accessed);
    pte = mmu_bits_put(pte, format->dirty, leaf->dirty);
    return leaf->run ? mmu_pte_with_run(format, pte) : pte;
}

static uint64_t
table_pte(const struct bench *bench, unsigned level, const struct mem_page *table, bool accessed)
{
    uint64_t pte = mmu_pte_table(bench->format, level, mem_page_pfn(&bench->env.mem, table));
    struct mmu_bits bits = bench->format->level[level].table_accessed;
    return bits.mask != 0 ? mmu_bits_put(pte, bits, accessed) : pte;
}

/* What the model has in a place of its tables, as the format says it. */
static uint64_t
page_pte(const struct bench *bench, unsigned space, uint64_t vpn)
{
    return leaf_pte(bench, block_level(bench) + 1, &bench->model.space[space].page[vpn]);
}

static uint64_t
block_pte(const struct bench *bench, unsigned space, unsigned b)
{
    const struct model_block *block = &bench->model.space[space].block[b];
    if (block->kind == MODEL_TABLE)
        return table_pte(bench, block_level(bench), bench->last[space][b], block->table_accessed);
    return block->kind == MODEL_LEAF ? leaf_pte(bench, block_level(bench), &block->leaf) : 0;
}

static uint64_t
path_pte(const struct bench *bench, unsigned space, unsigned level)
{
    return table_pte(bench, level, bench->upper[space][level + 1],
        bench->model.space[space].path_accessed[level]);
}

static uint64_t *
page_at(const struct bench *bench, unsigned space, uint64_t vpn)
{
    return &words(bench, bench->last[space][vpn / 512])[vpn % 512];
}

static uint64_t *
block_at(const struct bench *bench, unsigned space, unsigned b)
{
    return &words(bench, bench->upper[space][block_level(bench)])[b];
}

static uint64_t *
path_at(const struct bench *bench, unsigned space, unsigned level)
{
    return &words(bench, bench->upper[space][level])[0];
}

static uint64_t *
giga_at(const struct bench *bench, unsigned space)
{
    return &words(bench, bench->upper[space][block_level(bench) - 1])[1];
}

/* A leaf with random rights and flags for 2^order pages; some lie beyond RAM. */
static void
random_leaf(struct bench *bench, struct model_leaf *leaf, unsigned order)
{
    static const prot_t prots[] = {1, 3, 3, 5, 7, 7};
    uint64_t sizes = order < 18 ? FRAMES >> order : 0;
    *leaf = (struct model_leaf){.valid = below(bench, 10) != 0,
        .global = below(bench, 8) == 0,
        .accessed = below(bench, 2) != 0,
        .dirty = below(bench, 2) != 0,
        .prot = bench->format->prot_given[prots[below(bench, 6)]]};
    leaf->pfn = TEST_BASE_PFN + (below(bench, sizes + 1) << order);
}

static void
change_page(struct bench *bench, unsigned space, uint64_t vpn)
{
    struct model_leaf *leaf = &bench->model.space[space].page[vpn];
    random_leaf(bench, leaf, 0);
    *page_at(bench, space, vpn) = page_pte(bench, space, vpn);
}

/* An aligned run of 16 equal entries, where the format has them. */
static void
change_run(struct bench *bench, unsigned space, uint64_t vpn)
{
    struct model_leaf leaf;
    if (bench->format->run_order != 4)
        return;
    random_leaf(bench, &leaf, 4);
    leaf.run = true;
    for (uint64_t i = 0; i < 16; i++) {
        uint64_t at = vpn / 16 * 16 + i;
        bench->model.space[space].page[at] = leaf;
        bench->model.space[space].page[at].pfn += i;
        *page_at(bench, space, at) = page_pte(bench, space, at);
    }
}

static void
change_block(struct bench *bench, unsigned space, unsigned b)
{
    struct model_block *block = &bench->model.space[space].block[b];
    uint64_t what = below(bench, 10);
    block->kind = b == 0 || what < 5 ? MODEL_TABLE : what < 9 ? MODEL_LEAF : MODEL_NOTHING;
    block->table_accessed = below(bench, 2) != 0;
    random_leaf(bench, &block->leaf, 9);
    block->leaf.valid = true;
    *block_at(bench, space, b) = block_pte(bench, space, b);
}

static void
change_giga(struct bench *bench, unsigned space)
{
    struct model_leaf *leaf = &bench->model.space[space].giga;
    random_leaf(bench, leaf, 18);
    *giga_at(bench, space) = leaf_pte(bench, block_level(bench) - 1, leaf);
}

static struct mem_page *
new_table(struct bench *bench)
{
    struct mem_page *page = mem_alloc(&bench->env.mem, 0, MEM_ZERO);
    assert_non_null(page);
    return page;
}

static void
make_tables(struct bench *bench, unsigned space)
{
    for (unsigned level = 0; level <= block_level(bench); level++)
        bench->upper[space][level] = new_table(bench);
    for (unsigned level = 0; level < block_level(bench); level++)
        *path_at(bench, space, level) = path_pte(bench, space, level);
    for (unsigned b = 0; b < MODEL_TABLES; b++) {
        bench->last[space][b] = new_table(bench);
        change_block(bench, space, b);
    }
    for (uint64_t vpn = 0; vpn < MODEL_PAGES; vpn++)
        change_page(bench, space, vpn);
    for (uint64_t vpn = 64; vpn < MODEL_PAGES; vpn += 128)
        change_run(bench, space, vpn);
    change_giga(bench, space);
}

/* The bits that walks wrote are those of the model. */
static void
compare_tables(const struct bench *bench)
{
    for (unsigned space = 0; space < MODEL_SPACES; space++) {
        for (uint64_t vpn = 0; vpn < MODEL_PAGES; vpn++)
            assert_int_equal(*page_at(bench, space, vpn), page_pte(bench, space, vpn));
        for (unsigned b = 0; b < MODEL_TABLES; b++)
            assert_int_equal(*block_at(bench, space, b), block_pte(bench, space, b));
        for (unsigned level = 0; level < block_level(bench); level++)
            assert_int_equal(*path_at(bench, space, level), path_pte(bench, space, level));
        assert_int_equal(*giga_at(bench, space),
            leaf_pte(bench, block_level(bench) - 1, &bench->model.space[space].giga));
    }
}

/* --- the machine --- */

static void
forget(struct cache *cache)
{
    for (unsigned i = 0; i < cache->n; i++)
        cache->slot[i].used = false;
}

static void
forget_all(struct bench *bench)
{
    forget(&bench->data);
    forget(&bench->fetch);
}

static void
load(struct bench *bench, unsigned space)
{
    model_load(&bench->model, space + 1);
    bench->mmu->ops->load(bench->mmu,
        mmu_format_root(
            bench->format, mem_page_pfn(&bench->env.mem, bench->upper[space][0]), space + 1),
        space + 1);
    forget_all(bench);
}

/* As mmu_radix_create does it, but with as many tags as the setting says. */
static void
make_mmu(struct bench *bench, const struct setting *setting, const struct mmu_tlb_spec *spec)
{
    struct mmu_paged_config config = {.tlb = *spec, .seed = 77};
    uint32_t places[MMU_LEVELS_MAX] = {0};
    for (unsigned level = 1; level < bench->format->levels; level++)
        places[level] = spec->pwc[bench->format->levels - 1 - level];
    assert_int_equal(pwc_create(bench->format, places, &bench->env.alloc, &config.pwc), PGW_OK);
    assert_int_equal(mmu_radix_walker_create(bench->format, setting->ad, &bench->env.mem,
                         &bench->env.alloc, config.pwc, &config.walker),
        PGW_OK);
    config.walker->asid_bits = setting->asid_bits;
    assert_int_equal(
        mmu_paged_create(&config, &bench->env.mem, &bench->env.alloc, &bench->mmu), PGW_OK);
}

static void
bench_init(struct bench *bench, const struct setting *setting, uint64_t salt)
{
    struct mmu_tlb_spec spec;
    assert_int_equal(mmu_tlb_spec_parse(setting->text, &spec), PGW_OK);
    memset(bench, 0, sizeof(*bench));
    bench->format = setting->format;
    test_env_init(&bench->env, FRAMES);
    test_rng_init(&bench->rng, salt);
    model_init(&bench->model, setting->format, setting->ad, setting->asid_bits, &spec, 77);
    bench->model.ram_first = TEST_BASE_PFN;
    bench->model.ram_frames = FRAMES;
    make_mmu(bench, setting, &spec);
    for (unsigned i = 0; i < MODEL_SPACES; i++)
        make_tables(bench, i);
    bench->mmu->touched = touched;
    bench->mmu->touched_ctx = bench;
    bench->mmu->window = 1;
    bench->data.n = bench->mmu->data_sets;
    bench->fetch.n = bench->mmu->fetch_sets;
    assert_true(bench->data.n <= SLOTS_MAX && bench->fetch.n <= SLOTS_MAX);
    load(bench, 0);
}

static void
bench_fini(struct bench *bench)
{
    bench->mmu->ops->destroy(bench->mmu);
    model_fini(&bench->model);
    for (unsigned i = 0; i < MODEL_SPACES; i++) {
        for (unsigned level = 0; level <= block_level(bench); level++)
            mem_free(&bench->env.mem, bench->upper[i][level]);
        for (unsigned b = 0; b < MODEL_TABLES; b++)
            mem_free(&bench->env.mem, bench->last[i][b]);
    }
    test_env_fini(&bench->env);
}

/* --- steps --- */

/* Pages near each other, so that there are hits at every distance. */
static uint64_t
pick_block(struct bench *bench)
{
    static const uint64_t spans[] = {8, 40, 200, MODEL_PAGES};
    uint64_t vpn = below(bench, spans[below(bench, 4)]);
    return below(bench, 3) == 0 ? (vpn * 64) % MODEL_PAGES : vpn;
}

static uint64_t
pick(struct bench *bench)
{
    static const uint64_t spans[] = {4, 600, FRAMES + 256};
    if (below(bench, 8) != 0)
        return pick_block(bench);
    return MODEL_GIGA + below(bench, spans[below(bench, 3)]);
}

/* One of the last few pages, or another. */
static uint64_t
pick_again(struct bench *bench)
{
    uint64_t *recent = &bench->recent[below(bench, RECENT)];
    if (below(bench, 2) == 0)
        *recent = pick(bench);
    return *recent;
}

/* What is said about an access beforehand must be what happens. */
static void
explain(struct bench *bench, uint64_t va, enum access access, struct mmu_trace *trace)
{
    struct mmu_stats before = bench->mmu->stats;
    memset(trace, 0xff, sizeof(*trace));
    bench->mmu->ops->explain(bench->mmu, va, access, trace);
    assert_memory_equal(&before, &bench->mmu->stats, sizeof(before));
    assert_true(trace->n >= 1);
    const struct mmu_step *step = &trace->step[0];
    if (step->kind != MMU_STEP_TLB)
        return;
    struct mmu_tlb_view view;
    assert_true(bench->mmu->ops->entry(bench->mmu, step->idx, &view));
    assert_true(view.valid);
    assert_int_equal(step->value, view.vpn);
    assert_true((va >> PAGE_SHIFT) - view.vpn < view.npages);
    assert_int_equal(step->prot, view.prot);
}

static void
expect_page(struct bench *bench, const struct model_found *found, const struct model_entry *entry,
    uint64_t vpn, const unsigned char *bytes)
{
    const struct mem *mem = &bench->env.mem;
    /* what a global page does for one space it does for all; a pair may be global for a while */
    bool global = entry != NULL && (entry->global || bench->model.spec.pairs);
    assert_ptr_equal(bytes, mem_page_bytes(mem, mem_page_at(mem, found->pfn)));
    assert_int_equal(bench->told[global ? 0 : bench->model.asid][spot(vpn)], bench->mmu->window);
}

/* The pointer cache has the page: to the model it must be a hit that changes no count. */
static void
cached_access(struct bench *bench, const struct slot *slot, uint64_t vpn, enum access access)
{
    struct mmu_stats before = bench->model.stats;
    struct model_found found;
    const struct model_entry *entry;
    assert_int_equal(model_translate(&bench->model, vpn, access, &found, &entry), MMU_OK);
    assert_memory_equal(&before, &bench->model.stats, sizeof(before));
    expect_page(bench, &found, entry, vpn, slot->bytes);
}

static void
asked_access(struct bench *bench, struct cache *cache, uint64_t vpn, enum access access)
{
    uint64_t va = vpn << PAGE_SHIFT | below(bench, PAGE_SIZE);
    struct mmu_trace trace;
    struct mmu_translation out;
    struct model_found found;
    const struct model_entry *entry;
    bool explained = below(bench, 8) == 0;
    if (explained)
        explain(bench, va, access, &trace);
    enum mmu_fault want = model_translate(&bench->model, vpn, access, &found, &entry);
    enum mmu_fault got = bench->mmu->ops->translate(bench->mmu, va, access, &out);
    assert_int_equal(got, want);
    if (explained && got != MMU_BUS)
        assert_int_equal(trace.fault, got);
    if (got != MMU_OK)
        return;
    if (explained)
        assert_int_equal(trace.pa, found.pfn << PAGE_SHIFT | va % PAGE_SIZE);
    assert_int_equal(out.prot, found.dirty ? found.prot : found.prot & ~PROT_MASK_W);
    expect_page(bench, &found, entry, vpn, out.bytes);
    assert_true(bench->mmu->wide || !out.forget);
    bench->forgot += out.forget;
    if (out.forget)
        forget(cache);
    if (cache->n != 0)
        cache->slot[vpn % cache->n] = (struct slot){true, vpn, out.prot, out.bytes};
}

static void
one_access(struct bench *bench)
{
    uint64_t vpn = pick_again(bench);
    enum access access = (enum access)below(bench, 3);
    struct cache *cache = access == ACCESS_EXEC ? &bench->fetch : &bench->data;
    const struct slot *slot = cache->n != 0 ? &cache->slot[vpn % cache->n] : NULL;
    if (slot != NULL && slot->used && slot->vpn == vpn && prot_allows(slot->prot, access)) {
        cache->hits++;
        cached_access(bench, slot, vpn, access);
    } else {
        asked_access(bench, cache, vpn, access);
    }
}

/* As the hart does it, but whatever the space: global pages go too. */
static void
shoot(struct bench *bench, uint32_t asid, uint64_t vpn, uint64_t npages)
{
    model_drop_range(&bench->model, asid, vpn, npages);
    bench->mmu->ops->invalidate_range(bench->mmu, asid, vpn << PAGE_SHIFT, npages);
    if (bench->mmu->wide)
        forget_all(bench);
    struct cache *caches[] = {&bench->data, &bench->fetch};
    for (int c = 0; c < 2; c++)
        for (unsigned i = 0; i < caches[c]->n; i++)
            if (caches[c]->slot[i].vpn - vpn < npages)
                caches[c]->slot[i].used = false;
}

static void
one_change(struct bench *bench)
{
    unsigned space = (unsigned)below(bench, MODEL_SPACES);
    uint64_t vpn = pick(bench), what = below(bench, 16);
    uint64_t npages = below(bench, 4) == 0 ? 1 + below(bench, MODEL_PAGES) : 1 + below(bench, 6);
    if (vpn >= MODEL_GIGA)
        change_giga(bench, space);
    else if (what == 0)
        change_block(bench, space, (unsigned)(vpn / 512));
    else if (what < 3)
        change_run(bench, space, vpn);
    else
        for (uint64_t i = vpn; i < vpn + npages && i < MODEL_PAGES; i++)
            if (below(bench, 2) == 0)
                change_page(bench, space, i);
    if (below(bench, 4) == 0)
        return; /* not told: both sides are stale alike */
    if (below(bench, 8) == 0)
        npages = UINT64_MAX >> PAGE_SHIFT;
    shoot(bench, space + 1, vpn, npages);
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
        if (asid == bench->model.asid)
            forget_all(bench);
    } else if (below(bench, 3) == 0) {
        bench->mmu->window++;
        forget_all(bench);
    } else {
        load(bench, (unsigned)below(bench, MODEL_SPACES));
    }
}

/* Every place holds what the model has there. */
static void
compare_entries(const struct bench *bench)
{
    struct mmu_tlb_view want, got;
    size_t i = 0;
    for (; model_view(&bench->model, i, &want); i++) {
        assert_true(bench->mmu->ops->entry(bench->mmu, i, &got));
        assert_int_equal(got.valid, want.valid);
        assert_int_equal(got.vpn, want.vpn);
        assert_int_equal(got.npages, want.npages);
        assert_int_equal(got.pfn, want.pfn);
        assert_int_equal(got.asid, want.asid);
        assert_int_equal(got.global, want.global);
        assert_int_equal(got.prot, want.prot);
        assert_int_equal(got.dirty, want.dirty);
    }
    unsigned tables = 0, known = 0;
    for (; bench->mmu->ops->entry(bench->mmu, i, &got); i++) {
        assert_memory_equal(got.array, "walk ", 5);
        tables += got.valid;
    }
    for (unsigned level = 0; level < MMU_LEVELS_MAX; level++)
        known += bench->model.pwc[level].n;
    assert_int_equal(tables, known);
}

/* What the stream should have met at least. */
static void
expect_events(const struct bench *bench, const struct setting *setting)
{
    const struct mmu_stats *stats = &bench->mmu->stats;
    const struct mmu_tlb_spec *spec = &bench->model.spec;
    bool l1 = spec->l1d[0].entries != 0;
    unsigned tags = spec->no_asid ? 0 : (1u << setting->asid_bits) - 1;
    assert_true(stats->walks > 1000 && stats->switches > 100);
    assert_int_equal(stats->ad_faults > 100, setting->ad == MMU_AD_FAULT);
    assert_int_equal(stats->ad_updates > 100, setting->ad == MMU_AD_HARDWARE);
    assert_int_equal(stats->flushed > 0, l1);
    assert_int_equal(stats->l2_hits > 10, spec->l2[0].entries != 0);
    assert_int_equal(stats->switch_flushes > 50, l1 && tags < MODEL_SPACES);
    assert_int_equal(stats->prefetches > 100, spec->prefetch);
    assert_int_equal(stats->prefetch_hits > 10, spec->prefetch);
    bool blocks = (spec->l1d[0].orders & 1u << 9) != 0 || (spec->l1d[1].orders & 1u << 9) != 0;
    bool pairs = spec->pairs && spec->l2[0].entries == 0;
    bool order = spec->replace == MMU_REPLACE_LRU || spec->replace == MMU_REPLACE_PLRU;
    assert_true(!order || !(blocks || pairs) || bench->data.n == 1 || bench->forgot > 100);
    assert_true(!l1 || bench->data.hits + bench->fetch.hits > 500);
    uint64_t pwc = 0;
    for (unsigned level = 0; level < MMU_LEVELS_MAX; level++)
        pwc += stats->pwc_hits[level];
    assert_int_equal(pwc > 1000, spec->pwc[0] + spec->pwc[1] + spec->pwc[2] != 0);
}

static void
run(const struct setting *setting, uint64_t salt)
{
    static struct bench bench;
    bench_init(&bench, setting, salt);
    for (uint64_t i = 0; i < test_rounds(40000); i++) {
        one_step(&bench);
        if (memcmp(&bench.model.stats, &bench.mmu->stats, sizeof(struct mmu_stats)) != 0)
            fail_msg("%s, %s: counts differ after step %ju", setting->format->name, setting->text,
                (uintmax_t)i);
        if (i % 2048 == 0)
            compare_entries(&bench);
    }
    compare_entries(&bench);
    compare_tables(&bench);
    expect_events(&bench, setting);
    bench_fini(&bench);
}

/* Each text with the formats in turn. */
static void
run_texts(const char *const *texts, size_t n, uint64_t salt)
{
    const struct mmu_format *const formats[] = {&mmu_sv39, &mmu_x86_64, &mmu_sv48};
    for (size_t i = 0; i < n; i++) {
        struct setting setting = {formats[i % 3], texts[i], 16, MMU_AD_HARDWARE};
        run(&setting, salt * 100 + i);
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
    static const struct setting settings[] = {
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
        run(&settings[i], 700 + i);
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
    static struct bench bench;
    static const struct setting setting = {
        &mmu_sv39, "l1=8:2,l1=4:4:2m,l2=16:4", 16, MMU_AD_HARDWARE};
    uint64_t va = 2 * 512ull << PAGE_SHIFT;
    struct mmu_translation out;
    (void)state;
    for (int shrunk = 0; shrunk < 2; shrunk++) {
        bench_init(&bench, &setting, 13);
        struct mmu_ops const *ops = bench.mmu->ops;
        struct model_leaf leaf = {
            .valid = true, .prot = 7, .accessed = true, .pfn = TEST_BASE_PFN + 512};
        struct model_block *block = &bench.model.space[0].block[2];
        *block = (struct model_block){.kind = MODEL_LEAF, .leaf = leaf};
        *block_at(&bench, 0, 2) = block_pte(&bench, 0, 2);
        for (uint64_t page = 0; page < 2; page++) {
            assert_int_equal(
                ops->translate(bench.mmu, va + page * PAGE_SIZE, ACCESS_READ, &out), MMU_OK);
            assert_false(out.forget);
        }
        assert_int_equal(bench.mmu->stats.l1d_misses, 1);
        block->kind = shrunk ? MODEL_TABLE : MODEL_LEAF;
        block->leaf.pfn += 512;
        bench.model.space[0].page[2 * 512 + 1] = leaf;
        *page_at(&bench, 0, 2 * 512 + 1) = page_pte(&bench, 0, 2 * 512 + 1);
        *block_at(&bench, 0, 2) = block_pte(&bench, 0, 2);
        assert_int_equal(ops->translate(bench.mmu, va + PAGE_SIZE, ACCESS_WRITE, &out), MMU_OK);
        assert_true(out.forget);
        assert_ptr_equal(
            out.bytes, mem_page_bytes(&bench.env.mem,
                           mem_page_at(&bench.env.mem, TEST_BASE_PFN + (shrunk ? 512 : 1025))));
        assert_int_equal(bench.mmu->stats.l1d_misses, 1);
        bench_fini(&bench);
    }
}

/* Addresses that are not canonical never match the entry whose low bits are the same. */
static void
test_noncanonical(void **state)
{
    static struct bench bench;
    static const struct setting setting = {&mmu_sv39, "l1=8:2:4k+2m,l2=32:4", 16, MMU_AD_HARDWARE};
    struct mmu_translation out;
    struct mmu_trace trace;
    (void)state;
    bench_init(&bench, &setting, 9);
    uint64_t va = 3ull << PAGE_SHIFT;
    bench.model.space[0].page[3] = (struct model_leaf){
        .valid = true, .prot = 7, .accessed = true, .dirty = true, .pfn = TEST_BASE_PFN};
    *page_at(&bench, 0, 3) = page_pte(&bench, 0, 3);
    assert_int_equal(bench.mmu->ops->translate(bench.mmu, va, ACCESS_READ, &out), MMU_OK);
    struct mmu_stats before = bench.mmu->stats;
    for (unsigned bit = 38; bit < 64; bit++) {
        uint64_t bad = va | 1ull << bit;
        assert_int_equal(
            bench.mmu->ops->translate(bench.mmu, bad, ACCESS_READ, &out), MMU_NONCANONICAL);
        bench.mmu->ops->explain(bench.mmu, bad, ACCESS_READ, &trace);
        assert_int_equal(trace.fault, MMU_NONCANONICAL);
        assert_int_equal(trace.n, 0);
    }
    assert_memory_equal(&before, &bench.mmu->stats, sizeof(before));
    uint64_t high = va | UINT64_MAX << 38; /* canonical: another page, not mapped */
    assert_int_equal(
        bench.mmu->ops->translate(bench.mmu, high, ACCESS_READ, &out), MMU_NOT_PRESENT);
    bench_fini(&bench);
}

/* Pages of the upper half, in the widest scheme, keep their numbers. */
static void
test_upper_half(void **state)
{
    static struct bench bench;
    static const struct setting setting = {&mmu_x86_64, "l1=8:2,l2=32:4", 12, MMU_AD_HARDWARE};
    struct mmu_translation out;
    struct mmu_trace trace;
    struct mmu_tlb_view view;
    (void)state;
    bench_init(&bench, &setting, 10);
    bench.mmu->touched = NULL;
    bench.model.space[0].page[5] = (struct model_leaf){
        .valid = true, .prot = 7, .accessed = true, .dirty = true, .pfn = TEST_BASE_PFN};
    *page_at(&bench, 0, 5) = page_pte(&bench, 0, 5);
    words(&bench, bench.upper[0][0])[511] = words(&bench, bench.upper[0][0])[0];
    uint64_t va = UINT64_MAX << 39 | 5ull << PAGE_SHIFT;
    assert_int_equal(bench.mmu->ops->translate(bench.mmu, va, ACCESS_READ, &out), MMU_OK);
    bench.mmu->ops->explain(bench.mmu, va, ACCESS_READ, &trace);
    assert_int_equal(trace.step[0].kind, MMU_STEP_TLB);
    assert_true(bench.mmu->ops->entry(bench.mmu, trace.step[0].idx, &view));
    assert_int_equal(view.vpn, va >> PAGE_SHIFT);
    assert_string_equal(view.array, "L1D");
    bench.mmu->ops->invalidate_range(bench.mmu, 1, va - 3 * PAGE_SIZE, 100);
    assert_int_equal(bench.mmu->stats.flushed, 2);
    bench_fini(&bench);
}

/* Arrays are named after their list and their sizes. */
static void
test_names(void **state)
{
    static struct bench bench;
    static const struct setting setting = {&mmu_sv39,
        "l1i=4:4,l1d=4:4:4k+2m+4m,l1d=2:2:1g+512g,l2=1:1:64k+2m+4k+16k,pwc=1/1", 16,
        MMU_AD_HARDWARE};
    static const struct {
        size_t i;
        const char *name;
    } want[] = {{0, "L1I"}, {4, "L1D 4K+2M+4M"}, {8, "L1D 1G+512G"}, {9, "L1D 1G+512G"},
        {10, "L2 4K+16K+64K+2"}, {11, "walk 2"}, {12, "walk 1"}};
    struct mmu_tlb_view view;
    (void)state;
    bench_init(&bench, &setting, 11);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_true(bench.mmu->ops->entry(bench.mmu, want[i].i, &view));
        assert_string_equal(view.array, want[i].name);
        assert_false(view.valid);
    }
    assert_false(bench.mmu->ops->entry(bench.mmu, 13, &view));
    bench_fini(&bench);
}

/* Loading the space that is loaded is no switch, with or without tags; another root is. */
static void
test_same_space(void **state)
{
    static struct bench bench;
    static const struct setting setting = {&mmu_sv39, "l1=8:2,asid=off", 16, MMU_AD_HARDWARE};
    struct mmu_translation out;
    (void)state;
    bench_init(&bench, &setting, 12);
    bench.model.space[0].page[5] = (struct model_leaf){
        .valid = true, .prot = 7, .accessed = true, .dirty = true, .pfn = TEST_BASE_PFN};
    *page_at(&bench, 0, 5) = page_pte(&bench, 0, 5);
    uint64_t va = 5ull << PAGE_SHIFT, walks;
    assert_int_equal(bench.mmu->ops->translate(bench.mmu, va, ACCESS_READ, &out), MMU_OK);
    walks = bench.mmu->stats.walks;
    load(&bench, 0);
    assert_int_equal(bench.mmu->ops->translate(bench.mmu, va, ACCESS_READ, &out), MMU_OK);
    assert_int_equal(bench.mmu->stats.walks, walks);
    assert_int_equal(bench.mmu->stats.switches, 1);
    bench.mmu->ops->load(bench.mmu,
        mmu_format_root(bench.format, mem_page_pfn(&bench.env.mem, bench.upper[0][0]), 9), 1);
    assert_int_equal(bench.mmu->stats.switches, 2);
    assert_int_equal(bench.mmu->stats.switch_registers, 2);
    assert_int_equal(bench.mmu->stats.switch_flushes, 1);
    assert_int_equal(bench.mmu->stats.switch_flushed, 1);
    bench_fini(&bench);
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
