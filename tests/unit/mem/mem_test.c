/* SPDX-License-Identifier: BSD-2-Clause */
/* The buddy allocator against a map of which frames are taken. */
#include "mem/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"
#include "host/host_mem.h"
#include "support/test.h"
#include "support/test_env.h"

static void
test_init_arguments(void **state)
{
    struct base_inject inject = {.fail_at = {0}};
    struct base_alloc alloc;
    struct base_alloc ram;
    struct mem mem = {.nframes = 12345};

    (void)state;
    host_alloc_init(&alloc, &inject);
    host_ram_alloc_init(&ram);
    assert_int_equal(mem_init(&mem, &alloc, &ram, 0, 0), PGW_INVAL);
    assert_int_equal(mem_init(&mem, &alloc, &ram, 8 * PAGE_SIZE - 1, 0), PGW_INVAL);
    assert_int_equal(mem_init(&mem, &alloc, &ram, 8 * PAGE_SIZE, 1), PGW_INVAL);
    assert_int_equal(mem_init(&mem, &alloc, &ram, UINT64_C(1) << 62, 0), PGW_NOMEM);
    inject.fail_at[INJECT_MAP] = 1;
    inject.tried[INJECT_MAP] = 0;
    assert_int_equal(mem_init(&mem, &alloc, &ram, 8 * PAGE_SIZE, 0), PGW_NOMEM);
    assert_int_equal(ram.mapped, 0);
    assert_int_equal(mem.nframes, 12345);

    assert_int_equal(mem_init(&mem, &alloc, &ram, 9 * PAGE_SIZE - 1, 0), PGW_OK);
    assert_int_equal(mem.nframes, 8);
    assert_true(mem_check(&mem));
    mem_fini(&mem, &ram);
    assert_int_equal(ram.mapped, 0);
    assert_int_equal(alloc.mapped, 0);
}

/* The last frames set aside are nobody else's, and are RAM again when they are freed. */
static void
test_set_aside(void **state)
{
    struct test_env env;

    (void)state;
    test_env_init(&env, 1300);
    for (uint64_t n = 1; n < 1300; n = n * 3 + 1) {
        struct mem_page *aside = mem_set_aside(&env.mem, n);
        assert_non_null(aside);
        assert_ptr_equal(aside + n, env.mem.pages + 1300);
        assert_int_equal(env.mem.nfree, 1300 - n);
        assert_true(mem_check(&env.mem));
        memset(mem_page_bytes(&env.mem, aside), 0xa5, PAGE_SIZE);
        memset(mem_page_bytes(&env.mem, aside + n - 1), 0xa5, PAGE_SIZE);
        for (uint64_t i = 0; i < 1300 - n; i++) {
            struct mem_page *page = mem_alloc(&env.mem, 0, MEM_ZERO);
            assert_true(page != NULL && page < aside);
            test_page_expect_zero(mem_page_bytes(&env.mem, page));
            memset(mem_page_bytes(&env.mem, page), 0x5a, PAGE_SIZE);
        }
        assert_null(mem_alloc(&env.mem, 0, 0));
        for (uint64_t i = 0; i < 1300; i++) /* each by itself, those aside too */
            mem_free(&env.mem, &env.mem.pages[i]);
        assert_true(mem_check(&env.mem));
        test_env_expect_all_free(&env);
    }
    env.inject.fail_at[INJECT_FRAME] = env.inject.tried[INJECT_FRAME] + 1;
    assert_null(mem_set_aside(&env.mem, 4));
    test_env_expect_all_free(&env);
    test_env_fini(&env);
}

/* RAM of 64 GiB, all free in 64 runs, costs the few records that head them. */
static void
test_huge_ram(void **state)
{
    struct test_env env;
    struct mem_page *page;

    (void)state;
    memset(&env, 0, sizeof(env));
    host_alloc_init(&env.alloc, &env.inject);
    host_ram_alloc_init(&env.ram);
    assert_int_equal(
        mem_init(&env.mem, &env.alloc, &env.ram, UINT64_C(64) << 30, TEST_BASE_PFN), PGW_OK);
    assert_int_equal(env.mem.nfree, UINT64_C(1) << 24);
    for (unsigned i = 0; i < 64; i++) {
        page = mem_alloc(&env.mem, MEM_ORDER_MAX, 0);
        assert_non_null(page);
        assert_int_equal(mem_page_pfn(&env.mem, page), TEST_BASE_PFN + ((uint64_t)i << 18));
    }
    assert_null(mem_alloc(&env.mem, 0, 0));
    mem_fini(&env.mem, &env.ram);
    assert_int_equal(env.alloc.mapped, 0);
}

static void
test_addresses(void **state)
{
    struct test_env env;

    (void)state;
    test_env_init(&env, 64);
    struct mem_page *page = mem_alloc(&env.mem, 0, 0);
    assert_non_null(page);
    uint64_t pfn = mem_page_pfn(&env.mem, page);
    assert_int_equal(pfn, TEST_BASE_PFN);
    assert_ptr_equal(mem_page_at(&env.mem, pfn), page);
    assert_null(mem_page_at(&env.mem, TEST_BASE_PFN - 1));
    assert_null(mem_page_at(&env.mem, TEST_BASE_PFN + 64));
    assert_null(mem_page_at(&env.mem, MEM_PFN_NONE));
    assert_null(mem_page_at(&env.mem, 0));
    assert_int_equal((uintptr_t)mem_page_bytes(&env.mem, page) % PAGE_SIZE, 0);
    assert_int_equal(mem_page_bytes(&env.mem, page + 7) - mem_page_bytes(&env.mem, page),
        7 * (ptrdiff_t)PAGE_SIZE);
    mem_free(&env.mem, page);
    test_env_fini(&env);
}

/* A new page is as new, whatever its last owner left in the record. */
static void
test_new_pages(void **state)
{
    static const struct mem_page unused;
    struct test_env env;

    (void)state;
    test_env_init(&env, 64);
    for (unsigned order = 0; order < 6; order++) {
        struct mem_page *page = mem_alloc(&env.mem, order, 0);
        assert_non_null(page);
        for (unsigned i = 0; i < 1u << order; i++) {
            page[i].owner = &env;
            page[i].offset = 77;
            page[i].owner_kind = MEM_OWNER_ANON;
            page[i].dirty = page[i].referenced = page[i].modified = 1;
            page[i].node.bits = 3;
            page[i].pv.va = 4096;
        }
        mem_free(&env.mem, page);
        page = mem_alloc(&env.mem, order, 0);
        assert_int_equal(page->order, order);
        page->order = 0;
        for (unsigned i = 0; i < 1u << order; i++)
            assert_memory_equal(&page[i], &unused, sizeof(unused));
        page->order = order & 31u;
        mem_free(&env.mem, page);
    }
    test_env_fini(&env);
}

static void
test_zero(void **state)
{
    struct test_env env;

    (void)state;
    test_env_init(&env, 16);
    for (unsigned order = 0; order <= 4; order++) {
        struct mem_page *page = mem_alloc(&env.mem, order, 0);
        assert_non_null(page);
        for (unsigned i = 0; i < 1u << order; i++)
            test_page_fill(mem_page_bytes(&env.mem, page + i), i);
        mem_free(&env.mem, page);
        page = mem_alloc(&env.mem, order, MEM_ZERO);
        assert_non_null(page);
        for (unsigned i = 0; i < 1u << order; i++)
            test_page_expect_zero(mem_page_bytes(&env.mem, page + i));
        mem_free(&env.mem, page);
    }
    test_env_fini(&env);
}

/* The last frames are for MEM_RESERVED only, at every order. */
static void
test_reserve(void **state)
{
    struct test_env env;
    struct mem_page *page[32];
    unsigned n = 0;

    (void)state;
    test_env_init(&env, 32);
    env.mem.reserve = 5;
    while ((page[n] = mem_alloc(&env.mem, 0, 0)) != NULL)
        n++;
    assert_int_equal(n, 27);
    assert_null(mem_alloc(&env.mem, 3, MEM_RESERVED));
    while ((page[n] = mem_alloc(&env.mem, 0, MEM_RESERVED)) != NULL)
        if (++n == 32)
            break;
    assert_int_equal(n, 32);
    assert_null(mem_alloc(&env.mem, 0, MEM_RESERVED));
    while (n > 0)
        mem_free(&env.mem, page[--n]);
    assert_null(mem_alloc(&env.mem, 5, 0));
    page[0] = mem_alloc(&env.mem, 5, MEM_RESERVED);
    assert_non_null(page[0]);
    mem_free(&env.mem, page[0]);
    test_env_fini(&env);
}

static void
test_injected(void **state)
{
    struct test_env env;

    (void)state;
    test_env_init(&env, 16);
    env.inject.fail_at[INJECT_FRAME] = 2;
    struct mem_page *page = mem_alloc(&env.mem, 0, 0);
    assert_non_null(page);
    assert_null(mem_alloc(&env.mem, 0, MEM_RESERVED));
    assert_int_equal(env.mem.nfree, 15);
    assert_true(mem_check(&env.mem));
    mem_free(&env.mem, page);
    assert_null(mem_alloc(&env.mem, MEM_ORDER_MAX + 1, 0));
    assert_null(mem_alloc(&env.mem, 5, 0));
    test_env_fini(&env);
}

/* Allocated runs are aligned, inside RAM, and never overlap; frames free and taken add up. */
struct run {
    struct mem_page *page;
    unsigned order;
};

struct buddy_model {
    struct test_env env;
    struct run *runs;
    size_t nruns;
    unsigned char *taken; /* by frame index */
};

static void
buddy_model_take(struct buddy_model *model, struct base_rng *rng)
{
    struct mem *mem = &model->env.mem;
    unsigned order = (unsigned)base_rng_below(rng, 1 + base_rng_below(rng, 9));
    uint64_t before = mem->nfree;
    bool zero = base_rng_below(rng, 2) == 0;
    unsigned flags = base_rng_below(rng, 8) == 0 ? MEM_PINNED : 0;
    struct mem_page *page = mem_alloc(mem, order, flags | (zero ? MEM_ZERO : 0));

    if (page == NULL) {
        /* Right only if no aligned run of this order is free. */
        for (uint64_t at = 0; at + (1u << order) <= mem->nframes; at += 1u << order)
            assert_non_null(memchr(model->taken + at, 1, 1u << order));
        return;
    }
    uint64_t idx = mem_page_pfn(mem, page) - mem->base_pfn;
    assert_int_equal(idx % (1u << order), 0);
    assert_true(idx + (1u << order) <= mem->nframes);
    assert_null(memchr(model->taken + idx, 1, 1u << order));
    memset(model->taken + idx, 1, 1u << order);
    assert_int_equal(mem->nfree, before - (1u << order));
    for (unsigned i = 0; zero && i < 1u << order; i++)
        test_page_expect_zero(mem_page_bytes(mem, page + i));
    test_page_fill(mem_page_bytes(mem, page), idx);
    test_page_fill(mem_page_bytes(mem, page + ((1u << order) - 1)), idx);
    model->runs[model->nruns++] = (struct run){page, order};
}

static void
buddy_model_give(struct buddy_model *model, size_t at)
{
    struct mem *mem = &model->env.mem;
    struct run run = model->runs[at];
    uint64_t idx = mem_page_pfn(mem, run.page) - mem->base_pfn;

    test_page_expect(mem_page_bytes(mem, run.page), idx);
    memset(model->taken + idx, 0, 1u << run.order);
    mem_free(mem, run.page);
    model->runs[at] = model->runs[--model->nruns];
}

static void
buddy_model_run(uint64_t frames, struct base_rng *rng, uint64_t steps)
{
    struct buddy_model model = {.nruns = 0};

    test_env_init(&model.env, frames);
    model.runs = calloc(frames, sizeof(model.runs[0]));
    model.taken = calloc(frames, 1);
    assert_non_null(model.runs);
    assert_non_null(model.taken);
    for (uint64_t i = 0; i < steps; i++) {
        bool filling = i / 200 % 2 == 0;
        if (model.nruns == 0 || base_rng_below(rng, 10) < (filling ? 7 : 3))
            buddy_model_take(&model, rng);
        else
            buddy_model_give(&model, base_rng_below(rng, model.nruns));
        if (i % 50 == 0)
            assert_true(mem_check(&model.env.mem));
    }
    while (model.nruns > 0)
        buddy_model_give(&model, base_rng_below(rng, model.nruns));
    /* Joined again to the runs that it began with: one for each bit of the number of frames. */
    for (unsigned order = 0; order < MEM_ORDER_MAX; order++)
        assert_int_equal(model.env.mem.runs[order], frames >> order & 1);
    test_env_fini(&model.env);
    free(model.runs);
    free(model.taken);
}

static void
test_random(void **state)
{
    static const uint64_t sizes[] = {8, 9, 15, 64, 100, 511, 1000, 4096, 5001};
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 1);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        buddy_model_run(sizes[i], &rng, test_rounds(4000));
}

/* Frames that stay are together, in as few blocks as hold them, however they come. */
static void
test_pinned(void **state)
{
    enum { BLOCKS = 8, FRAMES = BLOCKS << MEM_BLOCK_ORDER, PER = 500 };
    struct test_env env;
    struct mem_page *pinned[BLOCKS * 2] = {NULL}, **taken = calloc(FRAMES, sizeof(*taken));
    bool block[BLOCKS] = {false};
    unsigned npinned = 0, blocks = 0;
    size_t n = 0;

    (void)state;
    assert_non_null(taken);
    test_env_init(&env, FRAMES);
    for (unsigned i = 0; env.mem.nfree > 0; i++) {
        if (i % PER == 0 && npinned < BLOCKS * 2)
            pinned[npinned++] = mem_alloc(&env.mem, 0, MEM_PINNED | MEM_ZERO);
        else
            taken[n++] = mem_alloc(&env.mem, 0, 0); /* the last of them in the pinned ones' block */
    }
    assert_true(mem_check(&env.mem));
    for (unsigned i = 0; i < npinned; i++)
        block[(pinned[i] - env.mem.pages) >> MEM_BLOCK_ORDER] = true;
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks += block[i];
    assert_int_equal(blocks, 1);
    while (n > 0)
        mem_free(&env.mem, taken[--n]);
    uint64_t whole = env.mem.nfree - env.mem.nfree_pinned;
    assert_int_equal(whole, (BLOCKS - 1) << MEM_BLOCK_ORDER);
    while (npinned > 0)
        mem_free(&env.mem, pinned[--npinned]);
    assert_int_equal(env.mem.nfree_pinned, 0);
    assert_true(mem_check(&env.mem));
    test_env_fini(&env);
    free(taken);
}

/* Without a free block, the block of the largest free run becomes one for frames that stay. */
static void
test_pinned_converts(void **state)
{
    struct test_env env;
    struct mem_page *taken[1024];

    (void)state;
    test_env_init(&env, 1024);
    for (unsigned i = 0; i < 1024; i++)
        taken[i] = mem_alloc(&env.mem, 0, 0);
    for (unsigned i = 0; i < 1024; i++) {
        uint64_t idx = (uint64_t)(taken[i] - env.mem.pages);
        if (idx != 5 && (idx < 512 + 64 || idx >= 512 + 96))
            continue;
        mem_free(&env.mem, taken[i]);
        taken[i] = NULL;
    }
    struct mem_page *pinned = mem_alloc(&env.mem, 1, MEM_PINNED);
    assert_non_null(pinned);
    assert_true(pinned >= &env.mem.pages[512]);
    assert_int_equal(env.mem.nfree_pinned, 30);
    struct mem_page *movable = mem_alloc(&env.mem, 0, 0);
    assert_ptr_equal(movable, &env.mem.pages[5]); /* and not one of those */
    assert_true(mem_check(&env.mem));
    mem_free(&env.mem, movable);
    mem_free(&env.mem, pinned);
    for (unsigned i = 0; i < 1024; i++)
        if (taken[i] != NULL)
            mem_free(&env.mem, taken[i]);
    assert_int_equal(env.mem.runs[10], 1);
    test_env_fini(&env);
}

/* A block with a few pages in use is claimed, vacated, and is a run; or is let go of again. */
static void
test_claim(void **state)
{
    struct test_env env;
    struct mem_page *taken[1024];

    (void)state;
    test_env_init(&env, 1024);
    for (unsigned i = 0; i < 1024; i++)
        taken[i] = mem_alloc(&env.mem, 0, 0);
    struct mem_page *block = &env.mem.pages[512];
    for (unsigned i = 0; i < 1024; i++)
        if (taken[i] >= block && (taken[i] - block) % 50 != 7) {
            mem_free(&env.mem, taken[i]);
            taken[i] = NULL;
        }
    uint64_t nfree = env.mem.nfree;
    assert_int_equal(nfree, 501);
    assert_int_equal(mem_claim(&env.mem, block, 9), 501);
    assert_int_equal(env.mem.nfree, 0);
    assert_null(mem_alloc(&env.mem, 0, MEM_RESERVED)); /* nobody else gets them */
    assert_true(mem_check(&env.mem));
    mem_claim_drop(&env.mem, block, 9);
    assert_int_equal(env.mem.nfree, nfree);
    assert_true(mem_check(&env.mem));
    assert_int_equal(mem_claim(&env.mem, block, 9), 501);
    for (unsigned i = 0; i < 1024; i++)
        if (taken[i] >= block) {
            mem_claim_page(&env.mem, taken[i]);
            taken[i] = NULL;
        }
    struct mem_page *run = mem_claim_take(&env.mem, block, 9);
    assert_ptr_equal(run, block);
    assert_int_equal(run->order, 9);
    memset(mem_page_bytes(&env.mem, run), 0x5a, 512 * PAGE_SIZE);
    assert_true(mem_check(&env.mem));
    mem_split(&env.mem, run);
    for (unsigned i = 0; i < 512; i++)
        mem_free(&env.mem, &run[i]);
    assert_int_equal(env.mem.nfree, 512);
    for (unsigned i = 0; i < 1024; i++)
        if (taken[i] != NULL)
            mem_free(&env.mem, taken[i]);
    assert_int_equal(env.mem.runs[10], 1);
    test_env_fini(&env);
}

/* The figures of Linux's extfrag_index and unusable_index, by hand. */
static void
test_fragmentation(void **state)
{
    struct test_env env;
    struct mem_page *taken[64];

    (void)state;
    test_env_init(&env, 64);
    assert_int_equal(mem_fragmentation(env.mem.runs, 6), -1000);
    assert_int_equal(mem_unusable(env.mem.runs, 6), 0);
    for (unsigned i = 0; i < 64; i++)
        taken[i] = mem_alloc(&env.mem, 0, 0);
    assert_int_equal(mem_fragmentation(env.mem.runs, 0), 0); /* no memory, not fragmentation */
    assert_int_equal(mem_unusable(env.mem.runs, 0), 1000);
    for (unsigned i = 0; i < 64; i += 2)
        mem_free(&env.mem, taken[i]);
    /* 32 free frames in 32 runs: for order 3, 1000 - (1000 + 32 * 1000 / 8) / 32. */
    assert_int_equal(mem_fragmentation(env.mem.runs, 3), 1000 - 5000 / 32);
    assert_int_equal(mem_fragmentation(env.mem.runs, 0), -1000);
    assert_int_equal(mem_unusable(env.mem.runs, 1), 1000);
    mem_free(&env.mem, taken[1]); /* joins two of them */
    assert_int_equal(mem_fragmentation(env.mem.runs, 1), -1000);
    assert_int_equal(mem_unusable(env.mem.runs, 1), (33 - 2) * 1000 / 33);
    for (unsigned i = 3; i < 64; i += 2)
        mem_free(&env.mem, taken[i]);
    test_env_fini(&env);
}

static void
mem_free_ctx(void *ctx)
{
    struct test_env *env = ctx;

    mem_free(&env->mem, env->mem.pages);
}

static void
test_misuse_dies(void **state)
{
    struct test_env env;

    (void)state;
    test_env_init(&env, 16);
    assert_true(test_dies(mem_free_ctx, &env)); /* free already */
    struct mem_page *page = mem_alloc(&env.mem, 0, 0);
    assert_ptr_equal(page, env.mem.pages);
    page->busy = 1;
    assert_true(test_dies(mem_free_ctx, &env));
    page->busy = 0;
    page->wired = 1;
    assert_true(test_dies(mem_free_ctx, &env));
    page->wired = 0;
    page->queued = 1;
    assert_true(test_dies(mem_free_ctx, &env));
    page->queued = 0;
    page->pv.pmap = (struct pmap *)&env;
    assert_true(test_dies(mem_free_ctx, &env));
    page->pv.pmap = NULL;
    assert_false(test_dies(mem_free_ctx, &env));
    mem_free(&env.mem, page);
    test_env_fini(&env);
}

/* mem_check sees each kind of damage. */
static void
test_check_sees(void **state)
{
    struct test_env env;

    (void)state;
    test_env_init(&env, 16);
    struct mem_page *page = mem_alloc(&env.mem, 0, 0);
    assert_true(mem_check(&env.mem));
    env.mem.nfree++;
    assert_false(mem_check(&env.mem));
    env.mem.nfree--;
    page->free = 1;
    assert_false(mem_check(&env.mem));
    page->free = 0;
    page->order = 1;
    assert_false(mem_check(&env.mem));
    page->order = 0;
    page[3].dirty = 1; /* inside a free run of two */
    assert_false(mem_check(&env.mem));
    page[3].dirty = 0;
    page[8].free = 0;
    assert_false(mem_check(&env.mem));
    page[8].free = 1;
    assert_true(mem_check(&env.mem));
    mem_free(&env.mem, page);
    test_env_fini(&env);
}

static void
mem_touch(void *ctx)
{
    volatile unsigned char *byte = ctx;

    *byte = 1;
}

/* Under AddressSanitizer a frame that was given back cannot be touched, until it is taken again. */
static void
test_freed_bytes(void **state)
{
    struct test_env env;

    (void)state;
    test_env_init(&env, 16);
    struct mem_page *page = mem_alloc(&env.mem, 1, 0);
    unsigned char *last = mem_page_bytes(&env.mem, page + 1) + PAGE_SIZE - 1;
    assert_false(test_dies(mem_touch, last));
    mem_free(&env.mem, page);
    assert_int_equal(test_dies(mem_touch, last), BASE_ASAN);
    page = mem_alloc(&env.mem, 4, 0);
    assert_non_null(page);
    assert_false(test_dies(mem_touch, last));
    mem_free(&env.mem, page);
    test_env_fini(&env);

    /* The next mapping of those addresses starts afresh. */
    test_env_init(&env, 16);
    page = mem_alloc(&env.mem, 4, MEM_ZERO);
    for (unsigned i = 0; i < 16; i++)
        test_page_expect_zero(mem_page_bytes(&env.mem, page + i));
    mem_free(&env.mem, page);
    test_env_fini(&env);
}

/* Every page of a run knows the run's head, while the head has an owner or is free. */
static void
test_run_head(void **state)
{
    struct test_env env;

    (void)state;
    test_env_init(&env, 64);
    struct mem_page *run = mem_alloc(&env.mem, 3, 0);
    struct mem_page *one = mem_alloc(&env.mem, 0, 0);
    assert_ptr_equal(mem_run_head(&env.mem, run + 5), run + 5); /* nobody's: page by page */
    run->owner_kind = MEM_OWNER_CORE;
    for (unsigned i = 0; i < 8; i++)
        assert_ptr_equal(mem_run_head(&env.mem, run + i), run);
    assert_ptr_equal(mem_run_head(&env.mem, one), one);
    assert_true(mem_run_head(&env.mem, &env.mem.pages[63])->free);
    run->owner_kind = MEM_OWNER_NONE;
    mem_free(&env.mem, run);
    mem_free(&env.mem, one);
    for (unsigned i = 0; i < 64; i++)
        assert_ptr_equal(mem_run_head(&env.mem, &env.mem.pages[i]), env.mem.pages);
    test_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_arguments),
        cmocka_unit_test(test_set_aside),
        cmocka_unit_test(test_huge_ram),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_new_pages),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_injected),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_pinned_converts),
        cmocka_unit_test(test_claim),
        cmocka_unit_test(test_fragmentation),
        cmocka_unit_test(test_misuse_dies),
        cmocka_unit_test(test_check_sees),
        cmocka_unit_test(test_freed_bytes),
        cmocka_unit_test(test_run_head),
    };

    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
