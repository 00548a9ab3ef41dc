/* SPDX-License-Identifier: BSD-2-Clause */
#include "tlb_rig.h"

#include <string.h>

#include "mmu/pwc.h"
#include "support/test.h"

static uint64_t
below(struct tlb_rig *rig, uint64_t n)
{
    return base_rng_below(&rig->rng, n);
}

static unsigned
spot(uint64_t vpn)
{
    return (unsigned)(vpn < MODEL_GIGA ? vpn : vpn - MODEL_GIGA + MODEL_PAGES);
}

static void
touched(void *ctx, uint32_t asid, uint64_t vpn, enum access access)
{
    struct tlb_rig *rig = ctx;
    (void)access;
    assert_true(asid >= 1 && asid <= MODEL_SPACES && spot(vpn) < TLB_RIG_SPOTS);
    rig->told[asid][spot(vpn)] = rig->told[0][spot(vpn)] = rig->mmu->window;
}

/* --- tables --- */

static unsigned
block_level(const struct tlb_rig *rig)
{
    return rig->format->levels - 2;
}

uint64_t *
tlb_rig_words(const struct tlb_rig *rig, const struct mem_page *page)
{
    return (uint64_t *)(void *)mem_page_bytes(&rig->env.mem, page);
}

static uint64_t
leaf_pte(const struct tlb_rig *rig, unsigned level, const struct model_leaf *leaf)
{
    const struct mmu_format *format = rig->format;
    if (!leaf->valid)
        return 0;
    uint64_t pte = mmu_pte_leaf(format, level, leaf->pfn, leaf->prot, true);
    pte = mmu_bits_put(pte, format->global, leaf->global);
    pte = mmu_bits_put(pte, format->accessed, leaf->accessed);
    pte = mmu_bits_put(pte, format->dirty, leaf->dirty);
    return leaf->run ? mmu_pte_with_run(format, pte) : pte;
}

static uint64_t
table_pte(const struct tlb_rig *rig, unsigned level, const struct mem_page *table, bool accessed)
{
    uint64_t pte = mmu_pte_table(rig->format, level, mem_page_pfn(&rig->env.mem, table));
    struct mmu_bits bits = rig->format->level[level].table_accessed;
    return bits.mask != 0 ? mmu_bits_put(pte, bits, accessed) : pte;
}

/* What the model has in a place of its tables, as the format says it. */
uint64_t
tlb_rig_page_pte(const struct tlb_rig *rig, unsigned space, uint64_t vpn)
{
    return leaf_pte(rig, block_level(rig) + 1, &rig->model.space[space].page[vpn]);
}

uint64_t
tlb_rig_block_pte(const struct tlb_rig *rig, unsigned space, unsigned b)
{
    const struct model_block *block = &rig->model.space[space].block[b];
    if (block->kind == MODEL_TABLE)
        return table_pte(rig, block_level(rig), rig->last[space][b], block->table_accessed);
    return block->kind == MODEL_LEAF ? leaf_pte(rig, block_level(rig), &block->leaf) : 0;
}

static uint64_t
path_pte(const struct tlb_rig *rig, unsigned space, unsigned level)
{
    return table_pte(
        rig, level, rig->upper[space][level + 1], rig->model.space[space].path_accessed[level]);
}

uint64_t *
tlb_rig_page(const struct tlb_rig *rig, unsigned space, uint64_t vpn)
{
    return &tlb_rig_words(rig, rig->last[space][vpn / 512])[vpn % 512];
}

uint64_t *
tlb_rig_block(const struct tlb_rig *rig, unsigned space, unsigned b)
{
    return &tlb_rig_words(rig, rig->upper[space][block_level(rig)])[b];
}

static uint64_t *
path_at(const struct tlb_rig *rig, unsigned space, unsigned level)
{
    return &tlb_rig_words(rig, rig->upper[space][level])[0];
}

static uint64_t *
giga_at(const struct tlb_rig *rig, unsigned space)
{
    return &tlb_rig_words(rig, rig->upper[space][block_level(rig) - 1])[1];
}

/* A leaf with random rights and flags for 2^order pages; some lie beyond RAM. */
static void
random_leaf(struct tlb_rig *rig, struct model_leaf *leaf, unsigned order)
{
    static const prot_t prots[] = {1, 3, 3, 5, 7, 7};
    uint64_t sizes = order < 18 ? TLB_RIG_FRAMES >> order : 0;
    *leaf = (struct model_leaf){.valid = below(rig, 10) != 0,
        .global = below(rig, 8) == 0,
        .accessed = below(rig, 2) != 0,
        .dirty = below(rig, 2) != 0,
        .prot = rig->format->prot_given[prots[below(rig, 6)]]};
    leaf->pfn = TEST_BASE_PFN + (below(rig, sizes + 1) << order);
}

static void
change_page(struct tlb_rig *rig, unsigned space, uint64_t vpn)
{
    struct model_leaf *leaf = &rig->model.space[space].page[vpn];
    random_leaf(rig, leaf, 0);
    *tlb_rig_page(rig, space, vpn) = tlb_rig_page_pte(rig, space, vpn);
}

/* An aligned run of 16 equal entries, where the format has them. */
static void
change_run(struct tlb_rig *rig, unsigned space, uint64_t vpn)
{
    struct model_leaf leaf;
    if (rig->format->run_order != 4)
        return;
    random_leaf(rig, &leaf, 4);
    leaf.run = true;
    for (uint64_t i = 0; i < 16; i++) {
        uint64_t at = vpn / 16 * 16 + i;
        rig->model.space[space].page[at] = leaf;
        rig->model.space[space].page[at].pfn += i;
        *tlb_rig_page(rig, space, at) = tlb_rig_page_pte(rig, space, at);
    }
}

static void
change_block(struct tlb_rig *rig, unsigned space, unsigned b)
{
    struct model_block *block = &rig->model.space[space].block[b];
    uint64_t what = below(rig, 10);
    block->kind = b == 0 || what < 5 ? MODEL_TABLE : what < 9 ? MODEL_LEAF : MODEL_NOTHING;
    block->table_accessed = below(rig, 2) != 0;
    random_leaf(rig, &block->leaf, 9);
    block->leaf.valid = true;
    *tlb_rig_block(rig, space, b) = tlb_rig_block_pte(rig, space, b);
}

static void
change_giga(struct tlb_rig *rig, unsigned space)
{
    struct model_leaf *leaf = &rig->model.space[space].giga;
    random_leaf(rig, leaf, 18);
    *giga_at(rig, space) = leaf_pte(rig, block_level(rig) - 1, leaf);
}

static struct mem_page *
new_table(struct tlb_rig *rig)
{
    struct mem_page *page = mem_alloc(&rig->env.mem, 0, MEM_ZERO);
    assert_non_null(page);
    return page;
}

static void
make_tables(struct tlb_rig *rig, unsigned space)
{
    for (unsigned level = 0; level <= block_level(rig); level++)
        rig->upper[space][level] = new_table(rig);
    for (unsigned level = 0; level < block_level(rig); level++)
        *path_at(rig, space, level) = path_pte(rig, space, level);
    for (unsigned b = 0; b < MODEL_TABLES; b++) {
        rig->last[space][b] = new_table(rig);
        change_block(rig, space, b);
    }
    for (uint64_t vpn = 0; vpn < MODEL_PAGES; vpn++)
        change_page(rig, space, vpn);
    for (uint64_t vpn = 64; vpn < MODEL_PAGES; vpn += 128)
        change_run(rig, space, vpn);
    change_giga(rig, space);
}

/* The bits that walks wrote are those of the model. */
static void
compare_tables(const struct tlb_rig *rig)
{
    for (unsigned space = 0; space < MODEL_SPACES; space++) {
        for (uint64_t vpn = 0; vpn < MODEL_PAGES; vpn++)
            assert_int_equal(*tlb_rig_page(rig, space, vpn), tlb_rig_page_pte(rig, space, vpn));
        for (unsigned b = 0; b < MODEL_TABLES; b++)
            assert_int_equal(*tlb_rig_block(rig, space, b), tlb_rig_block_pte(rig, space, b));
        for (unsigned level = 0; level < block_level(rig); level++)
            assert_int_equal(*path_at(rig, space, level), path_pte(rig, space, level));
        assert_int_equal(*giga_at(rig, space),
            leaf_pte(rig, block_level(rig) - 1, &rig->model.space[space].giga));
    }
}

/* --- the machine --- */

static void
forget(struct tlb_rig_cache *cache)
{
    for (unsigned i = 0; i < cache->n; i++)
        cache->slot[i].used = false;
}

static void
forget_all(struct tlb_rig *rig)
{
    forget(&rig->data);
    forget(&rig->fetch);
}

void
tlb_rig_load(struct tlb_rig *rig, unsigned space)
{
    model_load(&rig->model, space + 1);
    rig->mmu->ops->load(rig->mmu,
        mmu_format_root(rig->format, mem_page_pfn(&rig->env.mem, rig->upper[space][0]), space + 1),
        space + 1);
    forget_all(rig);
}

/* As mmu_radix_create does it, but with as many tags as the setting says. */
static void
make_mmu(struct tlb_rig *rig, const struct tlb_setting *setting, const struct mmu_tlb_spec *spec)
{
    struct mmu_paged_config config = {.tlb = *spec, .seed = 77};
    uint32_t places[MMU_LEVELS_MAX] = {0};
    for (unsigned level = 1; level < rig->format->levels; level++)
        places[level] = spec->pwc[rig->format->levels - 1 - level];
    assert_int_equal(pwc_create(rig->format, places, &rig->env.alloc, &config.pwc), PGW_OK);
    assert_int_equal(mmu_radix_walker_create(rig->format, setting->ad, &rig->env.mem,
                         &rig->env.alloc, config.pwc, &config.walker),
        PGW_OK);
    config.walker->asid_bits = setting->asid_bits;
    assert_int_equal(mmu_paged_create(&config, &rig->env.mem, &rig->env.alloc, &rig->mmu), PGW_OK);
}

void
tlb_rig_init(struct tlb_rig *rig, const struct tlb_setting *setting, uint64_t salt)
{
    struct mmu_tlb_spec spec;
    assert_int_equal(mmu_tlb_spec_parse(setting->text, &spec), PGW_OK);
    memset(rig, 0, sizeof(*rig));
    rig->format = setting->format;
    test_env_init(&rig->env, TLB_RIG_FRAMES);
    test_rng_init(&rig->rng, salt);
    model_init(&rig->model, setting->format, setting->ad, setting->asid_bits, &spec, 77);
    rig->model.ram_first = TEST_BASE_PFN;
    rig->model.ram_frames = TLB_RIG_FRAMES;
    make_mmu(rig, setting, &spec);
    for (unsigned i = 0; i < MODEL_SPACES; i++)
        make_tables(rig, i);
    rig->mmu->touched = touched;
    rig->mmu->touched_ctx = rig;
    rig->mmu->window = 1;
    rig->data.n = rig->mmu->data_sets;
    rig->fetch.n = rig->mmu->fetch_sets;
    assert_true(rig->data.n <= TLB_RIG_SLOTS && rig->fetch.n <= TLB_RIG_SLOTS);
    tlb_rig_load(rig, 0);
}

void
tlb_rig_fini(struct tlb_rig *rig)
{
    rig->mmu->ops->destroy(rig->mmu);
    model_fini(&rig->model);
    for (unsigned i = 0; i < MODEL_SPACES; i++) {
        for (unsigned level = 0; level <= block_level(rig); level++)
            mem_free(&rig->env.mem, rig->upper[i][level]);
        for (unsigned b = 0; b < MODEL_TABLES; b++)
            mem_free(&rig->env.mem, rig->last[i][b]);
    }
    test_env_fini(&rig->env);
}

/* --- steps --- */

/* Pages near each other, so that there are hits at every distance. */
static uint64_t
pick_block(struct tlb_rig *rig)
{
    static const uint64_t spans[] = {8, 40, 200, MODEL_PAGES};
    uint64_t vpn = below(rig, spans[below(rig, 4)]);
    return below(rig, 3) == 0 ? (vpn * 64) % MODEL_PAGES : vpn;
}

static uint64_t
pick(struct tlb_rig *rig)
{
    static const uint64_t spans[] = {4, 600, TLB_RIG_FRAMES + 256};
    if (below(rig, 8) != 0)
        return pick_block(rig);
    return MODEL_GIGA + below(rig, spans[below(rig, 3)]);
}

/* One of the last few pages, or another. */
static uint64_t
pick_again(struct tlb_rig *rig)
{
    uint64_t *recent = &rig->recent[below(rig, TLB_RIG_RECENT)];
    if (below(rig, 2) == 0)
        *recent = pick(rig);
    return *recent;
}

/* What is said about an access beforehand must be what happens. */
static void
explain(struct tlb_rig *rig, uint64_t va, enum access access, struct mmu_trace *trace)
{
    struct mmu_stats before = rig->mmu->stats;
    memset(trace, 0xff, sizeof(*trace));
    rig->mmu->ops->explain(rig->mmu, va, access, trace);
    assert_memory_equal(&before, &rig->mmu->stats, sizeof(before));
    assert_true(trace->n >= 1);
    const struct mmu_step *step = &trace->step[0];
    if (step->kind != MMU_STEP_TLB)
        return;
    struct mmu_tlb_view view;
    assert_true(rig->mmu->ops->entry(rig->mmu, step->idx, &view));
    assert_true(view.valid);
    assert_int_equal(step->value, view.vpn);
    assert_true((va >> PAGE_SHIFT) - view.vpn < view.npages);
    assert_int_equal(step->prot, view.prot);
}

static void
expect_page(struct tlb_rig *rig, const struct model_found *found, const struct model_entry *entry,
    uint64_t vpn, const unsigned char *bytes)
{
    const struct mem *mem = &rig->env.mem;
    /* what a global page does for one space it does for all; a pair may be global for a while */
    bool global = entry != NULL && (entry->global || rig->model.spec.pairs);
    assert_ptr_equal(bytes, mem_page_bytes(mem, mem_page_at(mem, found->pfn)));
    assert_int_equal(rig->told[global ? 0 : rig->model.asid][spot(vpn)], rig->mmu->window);
}

/* The pointer cache has the page: to the model it must be a hit that changes no count. */
static void
cached_access(
    struct tlb_rig *rig, const struct tlb_rig_slot *slot, uint64_t vpn, enum access access)
{
    struct mmu_stats before = rig->model.stats;
    struct model_found found;
    const struct model_entry *entry;
    assert_int_equal(model_translate(&rig->model, vpn, access, &found, &entry), MMU_OK);
    assert_memory_equal(&before, &rig->model.stats, sizeof(before));
    expect_page(rig, &found, entry, vpn, slot->bytes);
}

static void
asked_access(struct tlb_rig *rig, struct tlb_rig_cache *cache, uint64_t vpn, enum access access)
{
    uint64_t va = vpn << PAGE_SHIFT | below(rig, PAGE_SIZE);
    struct mmu_trace trace;
    struct mmu_translation out;
    struct model_found found;
    const struct model_entry *entry;
    bool explained = below(rig, 8) == 0;
    if (explained)
        explain(rig, va, access, &trace);
    enum mmu_fault want = model_translate(&rig->model, vpn, access, &found, &entry);
    enum mmu_fault got = rig->mmu->ops->translate(rig->mmu, va, access, &out);
    assert_int_equal(got, want);
    if (explained && got != MMU_BUS)
        assert_int_equal(trace.fault, got);
    if (got != MMU_OK)
        return;
    if (explained)
        assert_int_equal(trace.pa, found.pfn << PAGE_SHIFT | va % PAGE_SIZE);
    assert_int_equal(out.prot, found.dirty ? found.prot : found.prot & ~PROT_MASK_W);
    expect_page(rig, &found, entry, vpn, out.bytes);
    assert_true(rig->mmu->wide || !out.forget);
    rig->forgot += out.forget;
    if (out.forget)
        forget(cache);
    if (cache->n != 0)
        cache->slot[vpn % cache->n] = (struct tlb_rig_slot){true, vpn, out.prot, out.bytes};
}

static void
one_access(struct tlb_rig *rig)
{
    uint64_t vpn = pick_again(rig);
    enum access access = (enum access)below(rig, 3);
    struct tlb_rig_cache *cache = access == ACCESS_EXEC ? &rig->fetch : &rig->data;
    const struct tlb_rig_slot *slot = cache->n != 0 ? &cache->slot[vpn % cache->n] : NULL;
    if (slot != NULL && slot->used && slot->vpn == vpn && prot_allows(slot->prot, access)) {
        cache->hits++;
        cached_access(rig, slot, vpn, access);
    } else {
        asked_access(rig, cache, vpn, access);
    }
}

/* As the hart does it, but whatever the space: global pages go too. */
static void
shoot(struct tlb_rig *rig, uint32_t asid, uint64_t vpn, uint64_t npages)
{
    model_drop_range(&rig->model, asid, vpn, npages);
    rig->mmu->ops->invalidate_range(rig->mmu, asid, vpn << PAGE_SHIFT, npages);
    if (rig->mmu->wide)
        forget_all(rig);
    struct tlb_rig_cache *caches[] = {&rig->data, &rig->fetch};
    for (int c = 0; c < 2; c++)
        for (unsigned i = 0; i < caches[c]->n; i++)
            if (caches[c]->slot[i].vpn - vpn < npages)
                caches[c]->slot[i].used = false;
}

static void
one_change(struct tlb_rig *rig)
{
    unsigned space = (unsigned)below(rig, MODEL_SPACES);
    uint64_t vpn = pick(rig), what = below(rig, 16);
    uint64_t npages = below(rig, 4) == 0 ? 1 + below(rig, MODEL_PAGES) : 1 + below(rig, 6);
    if (vpn >= MODEL_GIGA)
        change_giga(rig, space);
    else if (what == 0)
        change_block(rig, space, (unsigned)(vpn / 512));
    else if (what < 3)
        change_run(rig, space, vpn);
    else
        for (uint64_t i = vpn; i < vpn + npages && i < MODEL_PAGES; i++)
            if (below(rig, 2) == 0)
                change_page(rig, space, i);
    if (below(rig, 4) == 0)
        return; /* not told: both sides are stale alike */
    if (below(rig, 8) == 0)
        npages = UINT64_MAX >> PAGE_SHIFT;
    shoot(rig, space + 1, vpn, npages);
}

static void
one_step(struct tlb_rig *rig)
{
    uint64_t what = below(rig, 100);
    if (what < 96) {
        one_access(rig);
    } else if (what < 98) {
        one_change(rig);
    } else if (below(rig, 10) == 0) {
        uint32_t asid = 1 + (uint32_t)below(rig, MODEL_SPACES);
        model_drop_space(&rig->model, asid);
        rig->mmu->ops->invalidate_space(rig->mmu, asid);
        if (asid == rig->model.asid)
            forget_all(rig);
    } else if (below(rig, 3) == 0) {
        rig->mmu->window++;
        forget_all(rig);
    } else {
        tlb_rig_load(rig, (unsigned)below(rig, MODEL_SPACES));
    }
}

/* Every place holds what the model has there. */
static void
compare_entries(const struct tlb_rig *rig)
{
    struct mmu_tlb_view want, got;
    size_t i = 0;
    for (; model_view(&rig->model, i, &want); i++) {
        assert_true(rig->mmu->ops->entry(rig->mmu, i, &got));
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
    for (; rig->mmu->ops->entry(rig->mmu, i, &got); i++) {
        assert_memory_equal(got.array, "walk ", 5);
        tables += got.valid;
    }
    for (unsigned level = 0; level < MMU_LEVELS_MAX; level++)
        known += rig->model.pwc[level].n;
    assert_int_equal(tables, known);
}

/* What the stream should have met at least. */
static void
expect_events(const struct tlb_rig *rig, const struct tlb_setting *setting)
{
    const struct mmu_stats *stats = &rig->mmu->stats;
    const struct mmu_tlb_spec *spec = &rig->model.spec;
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
    assert_true(!order || !(blocks || pairs) || rig->data.n == 1 || rig->forgot > 100);
    assert_true(!l1 || rig->data.hits + rig->fetch.hits > 500);
    uint64_t pwc = 0;
    for (unsigned level = 0; level < MMU_LEVELS_MAX; level++)
        pwc += stats->pwc_hits[level];
    assert_int_equal(pwc > 1000, spec->pwc[0] + spec->pwc[1] + spec->pwc[2] != 0);
}

void
tlb_rig_run(const struct tlb_setting *setting, uint64_t salt)
{
    static struct tlb_rig rig;
    tlb_rig_init(&rig, setting, salt);
    for (uint64_t i = 0; i < test_rounds(40000); i++) {
        one_step(&rig);
        if (memcmp(&rig.model.stats, &rig.mmu->stats, sizeof(struct mmu_stats)) != 0)
            fail_msg("%s, %s: counts differ after step %ju", setting->format->name, setting->text,
                (uintmax_t)i);
        if (i % 2048 == 0)
            compare_entries(&rig);
    }
    compare_entries(&rig);
    compare_tables(&rig);
    expect_events(&rig, setting);
    tlb_rig_fini(&rig);
}
