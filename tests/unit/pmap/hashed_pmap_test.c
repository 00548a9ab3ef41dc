/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The builder of the inverted table: its bytes, its aliases and what becomes of them, and that it
 * agrees with the walker about every page.
 */
#include <string.h>

#include "mmu/hashed.h"
#include "mmu/mmus.h"
#include "pmap/pmaps.h"
#include "support/test.h"
#include "support/test_env.h"

#define FRAMES 64u
#define ALIASES 176u /* 16 bytes each, in a frame that holds 64 anchors and 64 entries as well */
#define SPACES 6u
#define VA UINT64_C(0x10000)
#define RW (PROT_MASK_R | PROT_MASK_W)

struct bench {
    struct test_env env;
    struct pmap_system *system;
    struct pmap *pmap[SPACES];
    struct mmu *mmu;
    struct mem_page *page[32];
    uint64_t gone; /* pages told as gone */
};

static void
told_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    struct bench *bench = ctx;
    if (gone)
        bench->gone += npages;
    if (bench->mmu != NULL)
        bench->mmu->ops->invalidate_range(bench->mmu, asid, va, npages);
}

static void
told_space(void *ctx, uint32_t asid)
{
    struct bench *bench = ctx;
    if (bench->mmu != NULL)
        bench->mmu->ops->invalidate_space(bench->mmu, asid);
}

static enum pgw_status
bench_system(struct bench *bench)
{
    struct pmap_shootdown shootdown = {bench, told_range, told_space};
    return pmap_hashed.system_create(
        &bench->env.mem, &bench->env.alloc, &shootdown, &bench->system);
}

/* TLBs are modelled, so that what is not shot down is found out. */
static void
bench_init(struct bench *bench)
{
    struct mmu_paged_config config = {
        .tlb = {.l1i = {{64, 4, 1}}, .l1d = {{64, 4, 1}}, .l2 = {{512, 8, 1}}}, .seed = 1};
    memset(bench, 0, sizeof(*bench));
    test_env_init(&bench->env, FRAMES);
    assert_int_equal(bench_system(bench), PGW_OK);
    for (size_t i = 0; i < SPACES; i++)
        assert_int_equal(pmap_hashed.create(bench->system, &bench->pmap[i]), PGW_OK);
    for (size_t i = 0; i < 32; i++)
        bench->page[i] = mem_alloc(&bench->env.mem, 0, 0);
    assert_int_equal(
        mmu_hashed_walker_create(&bench->env.mem, &bench->env.alloc, &config.walker), PGW_OK);
    assert_int_equal(
        mmu_paged_create(&config, &bench->env.mem, &bench->env.alloc, &bench->mmu), PGW_OK);
}

static void
bench_fini(struct bench *bench)
{
    for (size_t i = 0; i < SPACES; i++)
        pmap_hashed.destroy(bench->pmap[i]);
    assert_int_equal(bench->system->tables, 1);
    pmap_hashed.system_destroy(bench->system);
    bench->mmu->ops->destroy(bench->mmu);
    for (size_t i = 0; i < 32; i++) {
        assert_null(bench->page[i]->pv.pmap);
        mem_free(&bench->env.mem, bench->page[i]);
    }
    test_env_fini(&bench->env);
}

static void
bench_check(struct bench *bench)
{
    for (size_t i = 0; i < SPACES; i++)
        assert_true(pmap_hashed.check(bench->pmap[i]));
}

static void
enter(struct pmap *pmap, uint64_t va, struct mem_page *page, prot_t prot, unsigned flags)
{
    assert_int_equal(pmap_hashed.enter(pmap, va, &page, 1, 0, prot, ACCESS_READ, flags), PGW_OK);
}

/* What a program of the space meets there; NULL: a fault. */
static unsigned char *
access_at(struct bench *bench, struct pmap *pmap, uint64_t va, enum access access)
{
    struct pmap_context context;
    struct mmu_translation out;
    pmap_hashed.activate(pmap, &context);
    bench->mmu->ops->load(bench->mmu, context.root, context.asid);
    enum mmu_fault fault = bench->mmu->ops->translate(bench->mmu, va, access, &out);
    pmap_hashed.deactivate(pmap);
    return fault == MMU_OK ? out.bytes : NULL;
}

static bool
is_mapped(struct pmap *pmap, uint64_t va)
{
    return pmap_hashed.extract(pmap, va, NULL, NULL) == PGW_OK;
}

static unsigned char *
bytes_of(struct bench *bench, const struct mem_page *page)
{
    return mem_page_bytes(&bench->env.mem, page);
}

/*
 * The table of 64 frames of RAM: 64 anchors, so 256 bytes, then 64 entries and as many aliases as
 * fit.  Space 1 maps page 0x10 to the second page that was allocated.  The tag turned round is
 * 0x8000, of which six bits are 0x20: anchor 0x10 ^ 0x20 = 0x30.
 */
static void
test_bytes(void **state)
{
    struct bench bench;
    struct pmap_context context;
    (void)state;
    bench_init(&bench);
    struct mem_page *page = bench.page[1];
    size_t frame = (size_t)(page - bench.env.mem.pages);
    pmap_hashed.activate(bench.pmap[0], &context);
    assert_int_equal(context.asid, 1);
    assert_int_equal(context.root, 1ull << 48 | TEST_BASE_PFN << 10 | 0 << 5 | 6);
    const unsigned char *table = bytes_of(&bench, &bench.env.mem.pages[0]);
    for (size_t i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(table[i], 0);

    assert_int_equal(
        pmap_hashed.enter(bench.pmap[0], VA, &page, 1, 0, RW, ACCESS_WRITE, 0), PGW_OK);
    unsigned char anchor[4] = {(unsigned char)(frame + 1), 0, 0, 0};
    static const unsigned char own[16] = {0x37, 0, 1, 0, 0, 0, 1, 0};
    assert_memory_equal(table + 4 * 0x30, anchor, 4);
    assert_memory_equal(table + 256 + 16 * frame, own, 16);

    /* The same page in space 2, whose tag gives 0x10: anchor 0; so an alias, the first one. */
    enter(bench.pmap[1], VA, page, PROT_MASK_R | PROT_MASK_X, PMAP_WIRED);
    unsigned char alias[16] = {
        0x5b, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, (unsigned char)frame, 0, 0, 0};
    assert_int_equal(table[0], FRAMES + 1);
    assert_memory_equal(table + 256 + 16 * FRAMES, alias, 16);

    /* Page 0x20 of space 2 hashes to 0x30 as well: it becomes the first of that chain. */
    size_t other = (size_t)(bench.page[2] - bench.env.mem.pages);
    enter(bench.pmap[1], 0x20000, bench.page[2], PROT_MASK_R, 0);
    unsigned char first[16] = {0x13, 0, 2, 0, 0, 0, 2, 0, (unsigned char)(frame + 1)};
    assert_int_equal(table[4 * 0x30], other + 1);
    assert_memory_equal(table + 256 + 16 * other, first, 16);
    bench_check(&bench);

    /* What goes leaves nothing behind. */
    for (size_t i = 0; i < 2; i++)
        pmap_hashed.remove(bench.pmap[i], 0, UINT64_MAX >> PAGE_SHIFT);
    for (size_t i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(table[i], 0);
    bench_fini(&bench);
}

/* The table's size goes by RAM alone: 4 bytes a frame for anchors, rounded up to a power of two,
 * 16 for its entry, one more for an alias; all rounded up to a run. */
static void
test_size(void **state)
{
    static const uint64_t frames[] = {8, 64, 170, 200, 1000, 1024, 16384, 65536};
    static const uint64_t tables[] = {1, 1, 1, 2, 8, 8, 128, 512};
    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct bench bench = {.mmu = NULL};
        test_env_init(&bench.env, frames[i]);
        assert_int_equal(bench_system(&bench), PGW_OK);
        assert_int_equal(bench.system->tables, tables[i]);
        assert_int_equal(bench.system->tables_peak, tables[i]);
        assert_int_equal(bench.env.mem.nfree, frames[i] - tables[i]);
        assert_true(mem_check(&bench.env.mem));
        struct pmap *pmap;
        assert_int_equal(pmap_hashed.create(bench.system, &pmap), PGW_OK);
        assert_int_equal(pmap->tables, 0);
        pmap_hashed.destroy(pmap);
        pmap_hashed.system_destroy(bench.system);
        test_env_fini(&bench.env);
    }
}

/* The i-th of many aliases of the first page, all over the spaces but the last one. */
static void
alias_at(const struct bench *bench, unsigned i, struct pmap **pmap, uint64_t *va)
{
    *pmap = bench->pmap[i % (SPACES - 1)];
    *va = VA + ((uint64_t)(i / (SPACES - 1)) << PAGE_SHIFT);
}

static void
enter_alias(struct bench *bench, unsigned i, unsigned flags)
{
    struct pmap *pmap;
    uint64_t va;
    alias_at(bench, i, &pmap, &va);
    enter(pmap, va, bench->page[0], PROT_MASK_R, flags);
}

static bool
has_alias(const struct bench *bench, unsigned i)
{
    struct pmap *pmap;
    uint64_t va;
    alias_at(bench, i, &pmap, &va);
    return is_mapped(pmap, va);
}

/* When all aliases are taken the oldest goes, at once from the processors, and never a wired one
 * or a frame's own. */
static void
test_oldest_vanishes(void **state)
{
    struct bench bench;
    struct pmap *pmap;
    uint64_t va;
    (void)state;
    bench_init(&bench);
    for (unsigned i = 0; i <= ALIASES; i++) /* the first one is the frame's own */
        enter_alias(&bench, i, i == 2 ? PMAP_WIRED : 0);
    for (unsigned i = 0; i <= ALIASES; i++)
        assert_true(has_alias(&bench, i));
    assert_int_equal(bench.gone, 0);
    alias_at(&bench, 1, &pmap, &va);
    assert_non_null(access_at(&bench, pmap, va, ACCESS_READ)); /* it is in the TLB */
    unsigned next = ALIASES + 1;
    static const unsigned goes[] = {1, 3, 4, 5};
    for (unsigned i = 0; i < 4; i++) {
        enter_alias(&bench, next++, 0);
        assert_int_equal(bench.gone, i + 1);
        assert_false(has_alias(&bench, goes[i]));
        assert_true(has_alias(&bench, goes[i] + (goes[i] == 1 ? 2 : 1)));
        bench_check(&bench);
    }
    assert_null(access_at(&bench, pmap, va, ACCESS_READ));
    assert_true(has_alias(&bench, 0) && has_alias(&bench, 2));

    /* One that is given back is used again before any goes. */
    alias_at(&bench, 50, &pmap, &va);
    pmap_hashed.remove(pmap, va, 1);
    assert_int_equal(bench.gone, 5);
    enter_alias(&bench, next++, 0);
    assert_int_equal(bench.gone, 5);

    /* Wired is what may not go, from then on; no longer wired, it is the youngest. */
    enter_alias(&bench, 6, PMAP_WIRED);
    enter_alias(&bench, 2, 0);
    enter_alias(&bench, next++, 0);
    assert_true(has_alias(&bench, 6) && has_alias(&bench, 2) && !has_alias(&bench, 7));
    bench_check(&bench);
    bench_fini(&bench);
}

/* Nothing but wired aliases: a further one cannot be had, and nothing is changed by that. */
static void
test_all_wired(void **state)
{
    struct bench bench;
    struct mem_page *run[2];
    (void)state;
    bench_init(&bench);
    struct pmap *last = bench.pmap[SPACES - 1];
    for (unsigned i = 0; i <= ALIASES; i++)
        enter_alias(&bench, i, PMAP_WIRED);
    enter(last, VA, bench.page[5], PROT_MASK_R, 0);
    run[0] = bench.page[1]; /* has its own entry */
    run[1] = bench.page[0]; /* has not */
    for (unsigned wired = 0; wired < 2; wired++) {
        assert_int_equal(pmap_hashed.enter(last, 2 * VA, run, 2, 0, PROT_MASK_R, ACCESS_READ,
                             wired ? PMAP_WIRED : 0),
            PGW_NOMEM);
        assert_false(is_mapped(last, 2 * VA) || is_mapped(last, 2 * VA + PAGE_SIZE));
        assert_true(is_mapped(last, VA));
        assert_int_equal(last->resident, 1);
        bench_check(&bench);
    }
    for (unsigned i = 0; i <= ALIASES; i++)
        assert_true(has_alias(&bench, i));
    assert_null(bench.page[1]->pv.pmap);
    bench_fini(&bench);
}

/*
 * A program has one page twice and copies from one name to the other in one instruction, while a
 * third space has the frame's own entry, all other aliases are taken, and others go on taking
 * them.  It faults twice at most before both are there, whatever happened before.
 */
static void
test_both_names_at_once(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    struct pmap *pmap = bench.pmap[SPACES - 1];
    struct mem_page *page = bench.page[1];
    enter(bench.pmap[0], VA << 8, page, PROT_MASK_R, 0);
    unsigned next = 0, faults_most = 0;
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < (round == 0 ? ALIASES + 1 : ALIASES / 2 + round); i++)
            enter_alias(&bench, next++ % (2 * ALIASES), 0);
        unsigned faults = 0;
        for (;;) {
            uint64_t at = VA;
            if (access_at(&bench, pmap, VA, ACCESS_READ) != NULL) {
                at = 2 * VA;
                if (access_at(&bench, pmap, 2 * VA, ACCESS_WRITE) != NULL)
                    break;
            }
            assert_int_equal(pmap_hashed.enter(pmap, at, &page, 1, 0, RW,
                                 at == VA ? ACCESS_READ : ACCESS_WRITE, 0),
                PGW_OK);
            assert_true(++faults <= 2);
        }
        if (faults > faults_most)
            faults_most = faults;
    }
    assert_int_equal(faults_most, 2);
    bench_check(&bench);
    bench_fini(&bench);
}

/* A mapping that vanished comes back by a fault, with the bytes that were written through it; and
 * that it had been written is not lost with it. */
static void
test_vanished_comes_back(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    struct pmap *pmap = bench.pmap[SPACES - 1];
    struct mem_page *page = bench.page[1];
    enter(bench.pmap[0], VA << 8, page, PROT_MASK_R, 0);
    for (uint64_t key = 1; key < 20; key++) {
        enter(pmap, VA, page, RW, 0);
        assert_false(pmap_hashed.page_is_modified(bench.system, page));
        unsigned char *bytes = access_at(&bench, pmap, VA, ACCESS_WRITE);
        assert_non_null(bytes);
        test_page_fill(bytes, key);
        for (unsigned i = 0; is_mapped(pmap, VA); i++)
            enter_alias(&bench, i, 0);
        assert_null(access_at(&bench, pmap, VA, ACCESS_READ));
        assert_true(page->modified);
        assert_true(pmap_hashed.page_is_modified(bench.system, page));
        enter(pmap, VA, page, RW, 0);
        assert_ptr_equal(access_at(&bench, pmap, VA, ACCESS_READ), bytes);
        test_page_expect(bytes, key);
        pmap_hashed.page_clear_modified(bench.system, page);
    }
    bench_fini(&bench);
}

/* "modified" is exact over all names of a page: its own entry and two aliases. */
static void
test_modified(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    struct mem_page *page = bench.page[3];
    for (unsigned i = 0; i < 3; i++)
        enter(bench.pmap[i], VA, page, RW, 0);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < 3; j++)
            assert_non_null(access_at(&bench, bench.pmap[j], VA, ACCESS_READ));
        assert_false(pmap_hashed.page_is_modified(bench.system, page));
        assert_non_null(access_at(&bench, bench.pmap[i], VA, ACCESS_WRITE));
        assert_true(pmap_hashed.page_is_modified(bench.system, page));
        pmap_hashed.page_clear_modified(bench.system, page);
        assert_false(pmap_hashed.page_is_modified(bench.system, page));
        assert_non_null(access_at(&bench, bench.pmap[i], VA, ACCESS_WRITE)); /* not from the TLB */
        assert_true(pmap_hashed.page_is_modified(bench.system, page));
        pmap_hashed.remove(bench.pmap[i], VA, 1);
        assert_true(page->modified);
        enter(bench.pmap[i], VA, page, RW, 0);
        assert_true(pmap_hashed.page_is_modified(bench.system, page));
        pmap_hashed.page_clear_modified(bench.system, page);
    }
    bench_fini(&bench);
}

/* extract and the walker say the same of va. */
static void
agree_at(struct bench *bench, struct pmap *pmap, struct mmu_walker *walker, uint64_t va)
{
    struct mem_page *page = NULL;
    struct mmu_stats stats = {0};
    struct mmu_walk out;
    struct pmap_context context;
    prot_t prot = PROT_MASK_NONE;
    bool there = pmap_hashed.extract(pmap, va, &page, &prot) == PGW_OK;
    pmap_hashed.activate(pmap, &context);
    for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
        enum mmu_fault want = !there                      ? MMU_NOT_PRESENT
                              : prot_allows(prot, access) ? MMU_OK
                                                          : MMU_RIGHTS;
        assert_int_equal(walker->ops->walk(walker, context.root, context.asid, va, access,
                             MMU_WALK_PEEK, &stats, &out, NULL),
            want);
        if (want != MMU_OK)
            continue;
        assert_int_equal(out.pfn, mem_page_pfn(&bench->env.mem, page));
        assert_int_equal(out.prot, prot);
    }
}

static void
scribble(struct bench *bench, struct base_rng *rng)
{
    static const prot_t prots[] = {1, 2, 3, 4, 5, 7};
    struct pmap *pmap = bench->pmap[base_rng_below(rng, SPACES)];
    uint64_t va = VA + (base_rng_below(rng, 96) << PAGE_SHIFT);
    uint64_t high = base_rng_below(rng, 3) == 0 ? HASHED_USER_END - (UINT64_C(1) << 20) : 0;
    prot_t prot = prots[base_rng_below(rng, 6)];
    enum access access = (prot & 1u) != 0   ? ACCESS_READ
                         : (prot & 2u) != 0 ? ACCESS_WRITE
                                            : ACCESS_EXEC;
    struct mem_page *page = bench->page[base_rng_below(rng, 32)];
    switch (base_rng_below(rng, 16)) {
    case 0:
        pmap_hashed.remove(pmap, va + high, base_rng_below(rng, 10));
        break;
    case 1:
        pmap_hashed.protect(pmap, va + high, base_rng_below(rng, 200), prot);
        break;
    case 2:
        pmap_hashed.page_protect(bench->system, page, prot & 5u);
        break;
    case 3:
        (void)pmap_hashed.page_test_clear_referenced(bench->system, page);
        break;
    default:
        assert_int_equal(pmap_hashed.enter(pmap, va + high, &page, 1, 0, prot, access, 0), PGW_OK);
    }
    (void)access_at(bench, pmap, va, ACCESS_WRITE);
}

static void
test_walker_agrees(void **state)
{
    struct bench bench;
    struct base_rng rng;
    struct mmu_walker *walker;
    uint64_t resident = 0;
    (void)state;
    bench_init(&bench);
    test_rng_init(&rng, 1);
    assert_int_equal(mmu_hashed_walker_create(&bench.env.mem, &bench.env.alloc, &walker), PGW_OK);
    for (uint64_t round = 0; round < test_rounds(40); round++) {
        for (unsigned i = 0; i < 100; i++)
            scribble(&bench, &rng);
        bench_check(&bench);
        for (unsigned s = 0; s < SPACES; s++) {
            resident += bench.pmap[s]->resident;
            for (uint64_t i = 0; i < 128; i++) {
                agree_at(&bench, bench.pmap[s], walker, i << PAGE_SHIFT);
                agree_at(
                    &bench, bench.pmap[s], walker, HASHED_USER_END - ((256 - i) << PAGE_SHIFT));
            }
        }
    }
    assert_true(resident > 40 * 100);
    assert_true(bench.gone > 0);
    walker->ops->destroy(walker);
    bench_fini(&bench);
}

static void
failing_body(void *ctx)
{
    struct bench *bench = ctx;
    struct pmap *pmap[2] = {NULL, NULL};
    if (bench_system(bench) != PGW_OK)
        return;
    for (unsigned i = 0; i < 2 && pmap_hashed.create(bench->system, &pmap[i]) == PGW_OK; i++) {
        enum pgw_status status =
            pmap_hashed.enter(pmap[i], VA, bench->page, 4, 0, RW, ACCESS_READ, 0);
        assert_true(status == PGW_OK || status == PGW_NOMEM);
        assert_int_equal(pmap[i]->resident, status == PGW_OK ? 4 : 0);
        assert_true(pmap_hashed.check(pmap[i]));
    }
    for (unsigned i = 0; i < 2; i++)
        if (pmap[i] != NULL)
            pmap_hashed.destroy(pmap[i]);
    pmap_hashed.system_destroy(bench->system);
}

/* Each frame and each allocation fails once: nothing is left half done. */
static void
test_failures(void **state)
{
    struct bench bench = {.mmu = NULL};
    (void)state;
    test_env_init(&bench.env, FRAMES);
    for (size_t i = 0; i < 4; i++)
        bench.page[i] = mem_alloc(&bench.env.mem, 0, 0);
    for (unsigned and_after = 0; and_after < 2; and_after++) {
        struct base_inject *inject = &bench.env.inject;
        assert_int_equal(
            test_each_failure(inject, INJECT_FRAME, and_after, failing_body, &bench), 1);
        assert_true(test_each_failure(inject, INJECT_MAP, and_after, failing_body, &bench) >= 5);
        assert_int_equal(test_each_failure(inject, INJECT_OBJ, and_after, failing_body, &bench), 6);
    }
    assert_int_equal(bench.env.mem.nfree, FRAMES - 4);
    for (size_t i = 0; i < 4; i++)
        mem_free(&bench.env.mem, bench.page[i]);
    test_env_fini(&bench.env);
}

/* check() notices what it is there to notice. */
static void
test_check_notices(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    struct mem_page *page = bench.page[1];
    struct pmap *pmap = bench.pmap[0];
    enter(pmap, VA, page, RW, 0);
    enter(bench.pmap[1], VA, page, RW, 0);
    unsigned char *table = bytes_of(&bench, &bench.env.mem.pages[0]);
    unsigned char *entry = table + 256 + 16 * (size_t)(page - bench.env.mem.pages);
    unsigned char *alias = table + 256 + 16 * (size_t)FRAMES;
    unsigned char *bytes[] = {entry + 1, entry + 2, entry + 6, entry + 12, &table[4 * 0x30], entry};
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        assert_true(pmap_hashed.check(pmap));
        *bytes[i] ^= 1; /* of an entry: reserved, page, space, frame; its anchor; valid */
        assert_false(pmap_hashed.check(pmap));
        *bytes[i] ^= 1;
    }
    alias[0] ^= 0x40; /* wired, but among those that may go */
    assert_false(pmap_hashed.check(pmap));
    alias[0] ^= 0x40;
    page->pv.va += PAGE_SIZE;
    assert_false(pmap_hashed.check(pmap));
    page->pv.va -= PAGE_SIZE;
    pmap->resident++;
    assert_false(pmap_hashed.check(pmap));
    pmap->resident--;
    bench.page[2]->pv = (struct mem_pv){NULL, pmap, VA};
    assert_false(pmap_hashed.check(pmap));
    bench.page[2]->pv = (struct mem_pv){0};
    bench_check(&bench);
    bench_fini(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_oldest_vanishes),
        cmocka_unit_test(test_all_wired),
        cmocka_unit_test(test_both_names_at_once),
        cmocka_unit_test(test_vanished_comes_back),
        cmocka_unit_test(test_modified),
        cmocka_unit_test(test_walker_agrees),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_check_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
