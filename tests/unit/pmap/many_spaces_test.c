/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More spaces than the hardware has tags (8 bits in MIPS32, 9 in sv32, 12 in x86-64): whatever is
 * dropped and given out anew, each space finds its own bytes, and the switches that had to empty
 * the TLBs are those that a naive count of tags says.
 */
#include <stdlib.h>
#include <string.h>

#include "support/backends.h"
#include "support/test.h"
#include "support/test_env.h"

#define VA (3ull << 22)
#define BEYOND 44u      /* spaces beyond the tags */
#define WITH_PLENTY 300 /* spaces where there are no tags, or more than one would fill */
#define TAGS_MOST 4096u
#define FRAMES_A_SPACE 6u

struct many {
    const struct backend *backend;
    struct test_env env;
    struct pmap_system *system;
    struct mmu *mmu;
    struct base_rng rng;
    size_t n;
    struct pmap **pmap;
    struct mem_page **page; /* of each, at VA; filled by its number */
    bool *tagged;           /* the naive count: who has a tag */
    uint32_t tags;
    size_t ntagged, loaded; /* loaded: which space is; n: none */
    uint64_t flushes;
};

static void
many_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    struct many *many = ctx;
    (void)gone;
    many->mmu->ops->invalidate_range(many->mmu, asid, va, npages);
}

static void
many_space(void *ctx, uint32_t asid)
{
    struct many *many = ctx;
    many->mmu->ops->invalidate_space(many->mmu, asid);
}

static void
many_make(struct many *many, size_t i)
{
    const struct pmap_ops *ops = many->backend->pmap;
    assert_int_equal(ops->create(many->system, &many->pmap[i]), PGW_OK);
    assert_int_equal(
        ops->enter(many->pmap[i], VA, &many->page[i], 1, 0, 3, ACCESS_READ, 0), PGW_OK);
    many->tagged[i] = false;
}

/* Whoever comes next has a tag of its own in the core, and so counts as another space; the
 * hardware's tag stays taken until all are given out anew. */
static void
many_remake(struct many *many, size_t i)
{
    many->backend->pmap->destroy(many->pmap[i]);
    if (many->loaded == i)
        many->loaded = many->n;
    many_make(many, i);
}

/* The naive count of tags, at a switch to space i. */
static void
many_count(struct many *many, size_t i)
{
    if (many->tags == 0) {
        many->flushes += many->mmu->stats.switches != 0;
    } else if (!many->tagged[i]) {
        if (many->ntagged == many->tags) {
            many->flushes++;
            memset(many->tagged, 0, many->n);
            many->ntagged = 0;
        }
        many->tagged[i] = true;
        many->ntagged++;
    }
}

static void
many_access(struct many *many, size_t i, enum access access)
{
    struct pmap_context context;
    struct mmu_translation out;
    if (many->loaded != i)
        many_count(many, i);
    many->loaded = i;
    many->backend->pmap->activate(many->pmap[i], &context);
    many->mmu->ops->load(many->mmu, context.root, context.asid);
    enum mmu_fault fault = many->mmu->ops->translate(many->mmu, VA, access, &out);
    if (fault == MMU_AD) {
        assert_int_equal(many->backend->ad, MMU_AD_FAULT);
        return;
    }
    assert_int_equal(fault, MMU_OK);
    test_page_expect(out.bytes, i);
    assert_int_equal(
        many->mmu->ops->translate(many->mmu, VA + PAGE_SIZE, access, &out), MMU_NOT_PRESENT);
}

static void
many_init(struct many *many, const struct backend *backend)
{
    struct pmap_shootdown shootdown = {many, many_range, many_space};
    /* as large as to keep every space's page, so that only tags tell them apart */
    struct mmu_tlb_spec spec = {.l1i = {{4, 4, 1}}, .l1d = {{4, 4, 1}}, .l2 = {{8192, 8192, 1}}};
    unsigned bits = backend->format != NULL ? backend->format->asid_bits : 16;
    memset(many, 0, sizeof(*many));
    many->backend = backend;
    many->tags = (1u << bits) - 1;
    many->n = bits != 0 && many->tags < TAGS_MOST ? many->tags + BEYOND : WITH_PLENTY;
    if (backend_root_frames(backend) > FRAMES_A_SPACE)
        many->n = BEYOND; /* a linear table is 4 MiB */
    many->loaded = many->n;
    test_env_init(&many->env, many->n * (FRAMES_A_SPACE + backend_root_frames(backend)) + 4096);
    test_rng_init(&many->rng, 1);
    struct mem *mem = &many->env.mem;
    struct base_alloc *alloc = &many->env.alloc;
    assert_int_equal(backend->create_mmu(backend, &spec, mem, alloc, &many->mmu), PGW_OK);
    assert_int_equal(backend->pmap->system_create(mem, alloc, &shootdown, &many->system), PGW_OK);
    many->pmap = calloc(many->n, sizeof(struct pmap *));
    many->page = calloc(many->n, sizeof(struct mem_page *));
    many->tagged = calloc(many->n, sizeof(bool));
    assert_true(many->pmap != NULL && many->page != NULL && many->tagged != NULL);
    for (size_t i = 0; i < many->n; i++) {
        many->page[i] = mem_alloc(mem, 0, 0);
        assert_non_null(many->page[i]);
        test_page_fill(mem_page_bytes(mem, many->page[i]), i);
        many_make(many, i);
    }
}

static void
many_fini(struct many *many)
{
    for (size_t i = 0; i < many->n; i++) {
        many->backend->pmap->destroy(many->pmap[i]);
        mem_free(&many->env.mem, many->page[i]);
    }
    many->backend->pmap->system_destroy(many->system);
    many->mmu->ops->destroy(many->mmu);
    free(many->pmap);
    free(many->page);
    free(many->tagged);
    test_env_fini(&many->env);
}

/* Round and round, then at random, with spaces that end and begin in between. */
static void
test_many_spaces(void **state)
{
    struct many many;
    many_init(&many, *state);
    for (size_t i = 0; i < 2 * many.n; i++)
        many_access(&many, i % many.n, ACCESS_READ);
    for (uint64_t i = 0; i < test_rounds(3 * many.n); i++) {
        size_t at = base_rng_below(&many.rng, many.n);
        if (base_rng_below(&many.rng, 8) == 0)
            many_remake(&many, at);
        many_access(&many, at, base_rng_below(&many.rng, 2) == 0 ? ACCESS_READ : ACCESS_WRITE);
    }
    assert_int_equal(many.mmu->stats.switch_flushes, many.flushes);
    if (many.n > many.tags)
        assert_true(many.flushes >= 2);
    many_fini(&many);
}

int
main(void)
{
    const struct backend *backend;
    int failed = 0;
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++) {
        const struct CMUnitTest tests[] = {
            {"test_many_spaces", test_many_spaces, NULL, NULL, (void *)(uintptr_t)backend}};
        print_message("%s\n", backend->name);
        failed += cmocka_run_group_tests_name(backend->name, tests, NULL, NULL);
    }
    return failed;
}
