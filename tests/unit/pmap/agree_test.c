/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builder and walker, two pieces of code over one description, agree for every page of random
 * maps, on every scheme; and what the tables cost is what they hold.
 *
 * Two MMUs read the tables: a bare walker, which sees what they say now, and one with small TLBs
 * and walk caches that is told of changes, as a machine is (P4).
 */
#include <string.h>

#include "mmu/mmus.h"
#include "pmap/pmaps.h"
#include "support/backends.h"
#include "support/test.h"
#include "support/test_env.h"

#define FRAMES 8192u
#define SPAN 4096u /* pages of the window that is mapped at random */
#define PAGES 64u
#define SUPERS 2u
#define ORDER_MOST 10u /* of mappings */
#define SIZES 4u

struct agree {
    struct test_env env;
    const struct backend *backend;
    const struct pmap_ops *ops;
    struct pmap_system *system;
    struct pmap_caps caps;
    struct pmap *pmap;
    struct mmu *mmu, *cached;
    struct base_rng rng;
    unsigned order[SIZES], nsizes; /* of superpages */
    struct mem_page *super[SIZES][SUPERS], *page[PAGES];
};

static void
tell_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    struct agree *a = ctx;
    (void)gone;
    if (a->cached != NULL)
        a->cached->ops->invalidate_range(a->cached, asid, va, npages);
}

static void
tell_space(void *ctx, uint32_t asid)
{
    struct agree *a = ctx;
    if (a->cached != NULL)
        a->cached->ops->invalidate_space(a->cached, asid);
}

static void
agree_pages(struct agree *a)
{
    for (unsigned order = 1; order <= ORDER_MOST; order++)
        if ((a->caps.orders >> order & 1) != 0)
            a->order[a->nsizes++] = order;
    for (unsigned i = 0; i < a->nsizes * SUPERS; i++) {
        struct mem_page *page = mem_alloc(&a->env.mem, a->order[i / SUPERS], 0);
        assert_non_null(page);
        a->super[i / SUPERS][i % SUPERS] = page;
    }
    for (unsigned i = 0; i < PAGES; i++) {
        a->page[i] = mem_alloc(&a->env.mem, 0, 0);
        assert_non_null(a->page[i]);
    }
}

/* The cached MMU's: the first is every test's, the others test_random_maps's too. */
static const char *const tlbs[] = {
    "l1=8:2,l2=32:4,pwc=2/2/2/2",
    "l1=4:4:4k+64k+2m+4m,l2=32:4:4k+2m,prefetch=on,pwc=4/4",
    "l1=4:2,l1=2:1:2m+4m,l2=16:16:4k+64k+4m,pairs=on,prefetch=on,replace=random",
    "l1=4:1:4k+64k+4m,pairs=on,replace=fifo,asid=off",
    "l1=8:4:4k+2m,l2=32:8:4k+64k,replace=plru,prefetch=on,pwc=1",
};
#define NTLBS (sizeof tlbs / sizeof tlbs[0])

static void
agree_init(struct agree *a, const struct backend *backend, const char *tlb, uint64_t salt)
{
    struct pmap_shootdown shootdown = {a, tell_range, tell_space};
    struct mmu_tlb_spec none = {0}, small;
    struct pmap_context context;
    struct base_alloc *alloc = &a->env.alloc;
    memset(a, 0, sizeof(*a));
    a->backend = backend;
    a->ops = backend->pmap;
    assert_int_equal(mmu_tlb_spec_parse(tlb, &small), PGW_OK);
    test_env_init(&a->env, FRAMES);
    test_rng_init(&a->rng, salt);
    assert_int_equal(a->ops->system_create(&a->env.mem, alloc, &shootdown, &a->system), PGW_OK);
    a->ops->caps(a->system, &a->caps);
    assert_int_equal(a->ops->create(a->system, &a->pmap), PGW_OK);
    assert_int_equal(backend->create_mmu(backend, &none, &a->env.mem, alloc, &a->mmu), PGW_OK);
    assert_int_equal(backend->create_mmu(backend, &small, &a->env.mem, alloc, &a->cached), PGW_OK);
    assert_int_equal(a->mmu->data_sets + a->mmu->fetch_sets, 0);
    agree_pages(a);
    a->ops->activate(a->pmap, &context);
    a->mmu->ops->load(a->mmu, context.root, context.asid);
    a->cached->ops->load(a->cached, context.root, context.asid);
}

static void
agree_fini(struct agree *a)
{
    a->ops->destroy(a->pmap);
    a->ops->system_destroy(a->system);
    a->mmu->ops->destroy(a->mmu);
    a->cached->ops->destroy(a->cached);
    for (unsigned i = 0; i < a->nsizes * SUPERS; i++)
        mem_free(&a->env.mem, a->super[i / SUPERS][i % SUPERS]);
    for (unsigned i = 0; i < PAGES; i++)
        mem_free(&a->env.mem, a->page[i]);
    test_env_fini(&a->env);
}

/* One of the two MMUs does with an access what extract says.  A walk that must leave a bit to
 * software may say so. */
static void
agree_access(struct agree *a, struct mmu *mmu, uint64_t va, enum access access,
    const struct mem_page *page, prot_t prot)
{
    struct mmu_translation out;
    enum mmu_fault want = page == NULL                ? MMU_NOT_PRESENT
                          : prot_allows(prot, access) ? MMU_OK
                                                      : MMU_RIGHTS;
    enum mmu_fault got = mmu->ops->translate(mmu, va, access, &out);
    if (a->backend->ad == MMU_AD_FAULT && got == MMU_AD)
        got = page != NULL ? want : MMU_OK;
    else if (got == MMU_OK && page != NULL)
        assert_ptr_equal(out.bytes, mem_page_bytes(&a->env.mem, page));
    assert_int_equal(got, want);
}

/* What extract says of va is what the walker does there. */
static void
agree_at(struct agree *a, uint64_t va, bool write, uint64_t *mapped)
{
    struct mem_page *page = NULL;
    prot_t prot = PROT_MASK_NONE;
    *mapped += a->ops->extract(a->pmap, va, &page, &prot) == PGW_OK;
    for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
        if (access == ACCESS_WRITE && !write)
            continue;
        agree_access(a, a->mmu, va, access, page, prot);
        agree_access(a, a->cached, va, access, page, prot);
    }
}

/* All pages from `before` ahead of the range to as many behind it. */
static void
agree_around(struct agree *a, uint64_t va, uint64_t npages, uint64_t before)
{
    uint64_t start = va > before << PAGE_SHIFT ? va - (before << PAGE_SHIFT) : 0;
    uint64_t end = va + ((npages + before) << PAGE_SHIFT), mapped = 0;
    bool write = base_rng_below(&a->rng, 2) == 0;
    for (uint64_t at = start; at < end && at < a->caps.va_end; at += PAGE_SIZE)
        agree_at(a, at, write, &mapped);
}

static void
scribble_enter(struct agree *a, uint64_t va)
{
    static const prot_t prots[] = {1, 3, 4, 5, 7};
    prot_t prot = prots[base_rng_below(&a->rng, 5)];
    enum access access = prot == 4 ? ACCESS_EXEC : ACCESS_READ;
    struct mem_page *page = a->page[base_rng_below(&a->rng, PAGES)];
    unsigned order = 0;
    if (a->nsizes != 0 && base_rng_below(&a->rng, 8) == 0) {
        uint64_t size = base_rng_below(&a->rng, a->nsizes);
        order = a->order[size];
        page = a->super[size][base_rng_below(&a->rng, SUPERS)];
    }
    va &= ~(((uint64_t)PAGE_SIZE << order) - 1);
    if (prot_allows(prot, ACCESS_WRITE) && base_rng_below(&a->rng, 2) == 0)
        access = ACCESS_WRITE;
    assert_int_equal(a->ops->enter(a->pmap, va, &page, 1, order, prot, access, 0), PGW_OK);
    agree_around(a, va, 1ull << order, 4);
}

static void
scribble_by_page(struct agree *a, uint64_t what)
{
    static const prot_t prots[] = {0, 1, 4, 5};
    struct mem_page *page = a->page[base_rng_below(&a->rng, PAGES)];
    if (a->nsizes != 0 && base_rng_below(&a->rng, 2) == 0) {
        uint64_t size = base_rng_below(&a->rng, a->nsizes);
        page = a->super[size][base_rng_below(&a->rng, SUPERS)];
        page += base_rng_below(&a->rng, 1ull << a->order[size]);
    }
    if (what == 0)
        a->ops->page_protect(a->system, page, prots[base_rng_below(&a->rng, 4)]);
    else if (what == 1)
        (void)a->ops->page_test_clear_referenced(a->system, page);
    else
        a->ops->page_clear_modified(a->system, page);
}

/* One random step over the window from base: after it, every page that it touched agrees. */
static void
scribble(struct agree *a, uint64_t base)
{
    uint64_t va = base + (base_rng_below(&a->rng, SPAN) << PAGE_SHIFT);
    uint64_t what = base_rng_below(&a->rng, 12);
    uint64_t npages = 1 + base_rng_below(&a->rng, base_rng_below(&a->rng, 8) == 0 ? 700 : 30);
    static const prot_t prots[] = {0, 1, 5, 4, 3};
    if (what < 7) {
        scribble_enter(a, va);
        return;
    }
    if (what < 10) {
        a->ops->protect(a->pmap, va, npages, prots[base_rng_below(&a->rng, 5)]);
        a->ops->update(a->pmap);
        agree_around(a, va, npages, 20);
        return;
    }
    scribble_by_page(a, base_rng_below(&a->rng, 3));
}

static void
random_maps(const struct backend *backend, const char *tlb, uint64_t rounds)
{
    struct agree a;
    agree_init(&a, backend, tlb, 1);
    uint64_t tables = a.pmap->tables;
    uint64_t bases[] = {0, 0x3f800000, a.caps.va_end - SPAN * PAGE_SIZE};
    for (uint64_t round = 0; round < test_rounds(rounds); round++) {
        uint64_t base = bases[round % 3], mapped = 0;
        for (int step = 0; step < 300; step++) {
            scribble(&a, base);
            if (step % 32 == 0)
                assert_true(a.ops->check(a.pmap));
        }
        for (uint64_t i = 0; i < SPAN; i++)
            agree_at(&a, base + (i << PAGE_SHIFT), true, &mapped);
        assert_in_range(mapped, 20, SPAN);
        assert_true(a.ops->check(a.pmap));
        a.ops->remove(a.pmap, 0, a.caps.va_end >> PAGE_SHIFT);
        a.ops->update(a.pmap);
        assert_int_equal(a.pmap->tables, tables);
        assert_int_equal(a.pmap->resident, 0);
    }
    agree_fini(&a);
}

static void
test_random_maps(void **state)
{
    for (size_t i = 0; i < NTLBS; i++)
        random_maps(*state, tlbs[i], i == 0 ? 6 : 2);
}

/* For each set of rights and each size, the smallest set that the format has, and no more. */
static void
test_rights(void **state)
{
    struct agree a;
    agree_init(&a, *state, tlbs[0], 2);
    for (unsigned size = 0; size <= a.nsizes; size++)
        for (prot_t prot = 1; prot <= PROT_MASK_ALL; prot++) {
            unsigned order = size < a.nsizes ? a.order[size] : 0;
            struct mem_page *page = size < a.nsizes ? a.super[size][0] : a.page[0];
            enum access access = (prot & PROT_MASK_R) != 0   ? ACCESS_READ
                                 : (prot & PROT_MASK_W) != 0 ? ACCESS_WRITE
                                                             : ACCESS_EXEC;
            uint64_t va = 0x40000000, mapped = 0;
            prot_t got = PROT_MASK_NONE;
            assert_int_equal(a.ops->enter(a.pmap, va, &page, 1, order, prot, access, 0), PGW_OK);
            assert_int_equal(a.ops->extract(a.pmap, va, NULL, &got), PGW_OK);
            if (a.backend->format != NULL)
                assert_int_equal(got, a.backend->format->prot_given[prot]);
            assert_int_equal(got & (prot | a.caps.always), prot | a.caps.always);
            for (uint64_t i = 0; i < 1ull << order; i++)
                agree_at(&a, va + (i << PAGE_SHIFT), true, &mapped);
            assert_int_equal(mapped, 1ull << order);
        }
    agree_fini(&a);
}

/* Where the entry for va is that is not one of a table: the table's bytes, and the index; NULL if
 * there is none that is valid. */
static unsigned char *
find_entry(const struct agree *a, uint64_t va, unsigned *level, unsigned *idx)
{
    const struct mmu_format *format = a->backend->format;
    struct pmap_context context;
    a->ops->activate(a->pmap, &context);
    uint64_t pfn = mmu_format_root_pfn(format, context.root);
    for (*level = 0;; (*level)++) {
        const struct mem_page *table = mem_page_at(&a->env.mem, pfn);
        assert_non_null(table);
        unsigned char *bytes = mem_page_bytes(&a->env.mem, table);
        *idx = mmu_format_index(format, *level, va);
        uint64_t pte = mmu_pte_load(format, bytes, *idx);
        if (!mmu_pte_valid(format, *level, pte))
            return NULL;
        if (!mmu_pte_is_table(format, *level, pte))
            return bytes;
        pfn = mmu_pte_table_pfn(format, pte);
    }
}

/* Is va a global mapping of the frame that is not for users? */
static void
expect_kernel(const struct agree *a, uint64_t va, uint64_t pfn)
{
    const struct mmu_format *format = a->backend->format;
    unsigned level, idx;
    const unsigned char *bytes = find_entry(a, va, &level, &idx);
    assert_non_null(bytes);
    uint64_t pte = mmu_pte_load(format, bytes, idx);
    uint64_t within = (va >> PAGE_SHIFT) & ((1ull << mmu_format_order(format, level)) - 1);
    assert_true(format->level[level].leaf);
    assert_int_equal(mmu_pte_leaf_pfn(format, level, pte) + within, pfn);
    assert_true((pte & format->level[level].leaf_reserved) == 0);
    assert_true(mmu_bits_hold(pte, format->global) && !mmu_bits_hold(pte, format->user));
    assert_true(prot_allows(mmu_pte_prot(format, pte), ACCESS_WRITE));
}

/* Above the user's addresses is the kernel's part, if the scheme has one: all of RAM, and never a
 * user's. */
static void
test_kernel_part(void **state)
{
    const struct backend *backend = *state;
    const struct mmu_format *format = backend->format;
    struct agree a;
    struct mmu_translation out;
    agree_init(&a, backend, tlbs[0], 3);
    uint64_t end = mmu_format_user_end(format);
    uint64_t high = format->sign_extended ? UINT64_MAX << (format->va_bits - 1) : end;
    bool part = format->kernel_first < 1u << format->level[0].bits;
    assert_int_equal(end, a.caps.va_end);
    for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
        assert_int_equal(
            a.mmu->ops->translate(a.mmu, high, access, &out), part ? MMU_RIGHTS : MMU_NONCANONICAL);
        if (part)
            assert_int_equal(
                a.mmu->ops->translate(a.mmu, high + (FRAMES << PAGE_SHIFT) - 1, access, &out),
                MMU_RIGHTS);
    }
    for (uint64_t i = 0; part && i < FRAMES; i += 7)
        expect_kernel(&a, high + (i << PAGE_SHIFT), TEST_BASE_PFN + i);
    if (format->sign_extended) { /* the largest leaves are of 1 GiB here, and RAM is smaller */
        assert_int_equal(
            a.mmu->ops->translate(a.mmu, high + (1ull << 30), ACCESS_READ, &out), MMU_NOT_PRESENT);
        assert_int_equal(a.mmu->ops->translate(a.mmu, end, ACCESS_READ, &out), MMU_NONCANONICAL);
    }
    assert_int_equal(a.ops->extract(a.pmap, high, NULL, NULL), PGW_NOTFOUND);
    assert_int_equal(a.ops->extract(a.pmap, end, NULL, NULL), PGW_NOTFOUND);
    a.ops->remove(a.pmap, 0, UINT64_MAX >> PAGE_SHIFT);
    assert_int_equal(a.mmu->ops->translate(a.mmu, high, ACCESS_READ, &out),
        part ? MMU_RIGHTS : MMU_NONCANONICAL);
    agree_fini(&a);
}

/* Frames of the tables that n pages at these addresses need. */
static uint64_t
count_tables(const struct mmu_format *format, const uint64_t *va, size_t n)
{
    uint64_t frames = 1ull << mmu_format_table_order(format, 0);
    for (unsigned level = 1; level < format->levels; level++)
        for (size_t i = 0; i < n; i++) {
            bool first = true;
            for (size_t k = 0; k < i; k++)
                first &= va[k] >> format->level[level - 1].shift !=
                         va[i] >> format->level[level - 1].shift;
            frames += first ? 1ull << mmu_format_table_order(format, level) : 0;
        }
    return frames;
}

/* Tables come with the first page in their range and go with the last one. */
static void
test_tables(void **state)
{
    const struct backend *backend = *state;
    const struct mmu_format *format = backend->format;
    struct agree a;
    agree_init(&a, backend, tlbs[0], 4);
    uint64_t kernel = a.system->tables - a.pmap->tables;
    uint64_t va[] = {0, PAGE_SIZE, 1ull << 21, 1ull << 30, a.caps.va_end - PAGE_SIZE};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(a.ops->enter(a.pmap, va[i], &a.page[i], 1, 0, 3, ACCESS_READ, 0), PGW_OK);
        assert_int_equal(a.pmap->tables, count_tables(format, va, i + 1));
        assert_int_equal(a.system->tables, kernel + a.pmap->tables);
    }
    for (size_t i = 5; i-- > 0;) {
        a.ops->remove(a.pmap, va[i], 1);
        assert_int_equal(a.pmap->tables, count_tables(format, va, i));
        assert_true(a.ops->check(a.pmap));
    }
    assert_int_equal(a.system->tables_peak, kernel + count_tables(format, va, 5));
    agree_fini(&a);
}

/* Takes frames until that one is among them, and gives the others back. */
static void
take_frame(struct agree *a, const struct mem_page *frame)
{
    struct mem_page *taken[FRAMES];
    size_t n = 0;
    do {
        taken[n] = mem_alloc(&a->env.mem, 0, 0);
        assert_non_null(taken[n]);
    } while (taken[n++] != frame);
    for (n--; n > 0; n--)
        mem_free(&a->env.mem, taken[n - 1]);
}

/* Removals may be delayed until update(), but the frame of a table that went is somebody else's at
 * once: walk caches must not lead there, whatever it holds now (P4). */
static void
test_table_frame_again(void **state)
{
    const struct backend *backend = *state;
    const struct mmu_format *format = backend->format;
    const uint64_t va = 5ull << 20;
    unsigned level, idx;
    struct agree a;
    agree_init(&a, backend, tlbs[0], 6);
    if (format->levels == 1) {
        agree_fini(&a);
        return;
    }
    for (unsigned same = 0; same < 2; same++) {
        assert_int_equal(a.ops->enter(a.pmap, va, &a.page[0], 1, 0, 3, ACCESS_READ, 0), PGW_OK);
        agree_access(&a, a.cached, va, ACCESS_READ, a.page[0], 3);
        unsigned char *bytes = find_entry(&a, va, &level, &idx);
        ptrdiff_t at = bytes - mem_page_bytes(&a.env.mem, a.env.mem.pages);
        struct mem_page *frame = a.env.mem.pages + (at >> PAGE_SHIFT);
        uint64_t pfn = mem_page_pfn(&a.env.mem, a.page[1]);
        uint64_t pte = mmu_pte_leaf(format, level, pfn, format->prot_given[3], true);
        pte = mmu_bits_put(pte, format->accessed, true);
        a.ops->remove(a.pmap, va, 1);
        take_frame(&a, frame);
        for (unsigned i = 0; i < 1u << format->level[level].bits; i++)
            mmu_pte_store(format, bytes, i, pte);
        struct mmu_translation out;
        assert_int_equal(
            a.cached->ops->translate(a.cached, va + (same ^ 1) * PAGE_SIZE, ACCESS_READ, &out),
            MMU_NOT_PRESENT);
        mem_free(&a.env.mem, frame);
        a.ops->update(a.pmap);
    }
    agree_fini(&a);
}

/* check() notices what it is there to notice. */
static void
test_check_notices(void **state)
{
    struct agree a;
    agree_init(&a, *state, tlbs[0], 5);
    struct mem_page *page = a.page[0];
    assert_int_equal(a.ops->enter(a.pmap, PAGE_SIZE, &page, 1, 0, 3, ACCESS_READ, 0), PGW_OK);
    assert_true(a.ops->check(a.pmap));
    page->pv.va += PAGE_SIZE;
    assert_false(a.ops->check(a.pmap));
    page->pv.va -= PAGE_SIZE;
    a.pmap->resident++;
    assert_false(a.ops->check(a.pmap));
    a.pmap->resident--;
    a.pmap->tables++;
    assert_false(a.ops->check(a.pmap));
    a.pmap->tables--;
    a.page[1]->pv = (struct mem_pv){NULL, a.pmap, 0};
    assert_false(a.ops->check(a.pmap));
    a.page[1]->pv = (struct mem_pv){0};
    assert_true(a.ops->check(a.pmap));
    agree_fini(&a);
}

/* A run: 16 equal entries, bits in any of which hold for all; check() notices when they differ. */
static void
test_run_entries(void **state)
{
    const struct backend *backend = *state;
    const struct mmu_format *format = backend->format;
    struct agree a;
    if (format->run_order == 0)
        skip();
    agree_init(&a, backend, tlbs[0], 6);
    unsigned order = format->run_order, n = 1u << order, level, idx;
    uint64_t va = 0x40000000 + (uint64_t)(3 * n) * PAGE_SIZE;
    struct mem_page *page = mem_alloc(&a.env.mem, order, 0);
    assert_non_null(page);
    assert_int_equal(a.ops->enter(a.pmap, va, &page, 1, order, 3, ACCESS_READ, 0), PGW_OK);
    unsigned char *bytes = find_entry(&a, va, &level, &idx);
    assert_int_equal(level, format->levels - 1);
    assert_int_equal(idx, 3 * n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(mmu_pte_load(format, bytes, idx + i), mmu_pte_load(format, bytes, idx));
    for (unsigned i = 0; i < n; i++) {
        uint64_t pte = mmu_pte_load(format, bytes, idx + i);
        assert_false(a.ops->page_is_modified(a.system, &page[n - 1 - i]));
        mmu_pte_store(format, bytes, idx + i, mmu_bits_put(pte, format->dirty, true));
        assert_true(a.ops->page_is_modified(a.system, &page[n - 1 - i]));
        assert_true(a.ops->check(a.pmap));
        for (unsigned k = 0; k < n; k++) {
            a.ops->page_clear_modified(a.system, &page[k]);
            (void)a.ops->page_test_clear_referenced(a.system, &page[k]);
        }
        pte = mmu_pte_load(format, bytes, idx + i);
        mmu_pte_store(format, bytes, idx + i, mmu_bits_put(pte, format->accessed, true));
        assert_true(a.ops->page_test_clear_referenced(a.system, &page[n - 1 - i]));
        pte = mmu_pte_load(format, bytes, idx + i);
        mmu_pte_store(format, bytes, idx + i, pte ^ format->right[ACCESS_EXEC].mask);
        assert_false(a.ops->check(a.pmap));
        mmu_pte_store(format, bytes, idx + i, pte);
        assert_true(a.ops->check(a.pmap));
    }
    a.ops->remove(a.pmap, va + 5 * PAGE_SIZE, 1); /* the others are 4 KiB leaves, where they were */
    assert_int_equal(a.pmap->resident, n - 1);
    assert_ptr_equal(find_entry(&a, va, &level, &idx), bytes);
    assert_null(find_entry(&a, va + 5 * PAGE_SIZE, &level, &idx));
    assert_true(a.ops->check(a.pmap));
    a.ops->remove(a.pmap, va, n);
    mem_free(&a.env.mem, page);
    agree_fini(&a);
}

/* RAM whose frames have numbers that the entries or the root register cannot hold is refused. */
static void
test_reach(void **state)
{
    const struct backend *backend = *state;
    static const char *const four_gib[] = {"linear", "x86", "pae", "mips32"};
    struct pmap_shootdown shootdown = {NULL, tell_range, tell_space};
    struct pmap_system *system = NULL;
    struct test_env env;
    struct mem mem;
    bool within = true;
    test_env_init(&env, 64);
    assert_int_equal(mem_init(&mem, &env.alloc, &env.ram, 64u << PAGE_SHIFT, 1u << 20), PGW_OK);
    for (size_t i = 0; i < sizeof four_gib / sizeof four_gib[0]; i++)
        within &= strcmp(backend->name, four_gib[i]) != 0;
    enum pgw_status status = backend->pmap->system_create(&mem, &env.alloc, &shootdown, &system);
    assert_int_equal(status, within ? PGW_OK : PGW_INVAL);
    if (status == PGW_OK)
        backend->pmap->system_destroy(system);
    mem_fini(&mem, &env.ram);
    test_env_fini(&env);
}

static const struct {
    const char *name;
    void (*run)(void **state);
    bool radix; /* for the rows of the radix pmap only: those with a format */
} cases[] = {
    {"test_random_maps", test_random_maps, false},
    {"test_rights", test_rights, false},
    {"test_kernel_part", test_kernel_part, true},
    {"test_tables", test_tables, true},
    {"test_table_frame_again", test_table_frame_again, true},
    {"test_check_notices", test_check_notices, true},
    {"test_run_entries", test_run_entries, true},
    {"test_reach", test_reach, true},
};
#define NCASES (sizeof cases / sizeof cases[0])

static int
run_backend(const struct backend *backend)
{
    struct CMUnitTest tests[NCASES];
    size_t n = 0;
    print_message("%s\n", backend->name);
    for (size_t i = 0; i < NCASES; i++)
        if (!cases[i].radix || backend->format != NULL)
            tests[n++] = (struct CMUnitTest){.name = cases[i].name,
                .test_func = cases[i].run,
                .initial_state = (void *)(uintptr_t)backend};
    return _cmocka_run_group_tests(backend->name, tests, n, NULL, NULL);
}

int
main(void)
{
    const struct backend *backend;
    int failed = 0;
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++)
        failed += run_backend(backend);
    return failed;
}
