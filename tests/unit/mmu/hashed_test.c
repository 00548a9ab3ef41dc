/* SPDX-License-Identifier: BSD-2-Clause */
/* The walker of the inverted table, over tables whose bytes are written by hand. */
#include "mmu/hashed.h"

#include <string.h>

#include "mmu/mmus.h"
#include "support/test.h"
#include "support/test_env.h"

#define FRAMES 64u
#define RUN 8u /* the table is in frame 8: 16 anchors, then 252 entries */
#define LOG2 4u
#define ENTRIES 252u
#define TAG 0x1234u
#define VA UINT64_C(0x76543210f000) /* with TAG, anchor 12: see test_bytes */
#define ANCHOR 12u

struct bench {
    struct test_env env;
    struct mem_page *run;
    struct mmu_walker *walker;
    struct mmu_stats stats;
    struct mmu_walk out;
    struct mmu_trace trace;
    uint64_t root;
};

static uint64_t
root_of(uint64_t pfn, unsigned order, unsigned log2)
{
    struct hashed_root root = {.pfn = pfn, .order = order, .anchors_log2 = log2, .tag = TAG};
    return hashed_root_value(&root);
}

static void
bench_init(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    test_env_init(&bench->env, FRAMES);
    bench->run = mem_alloc(&bench->env.mem, 6, MEM_ZERO); /* all of RAM */
    assert_non_null(bench->run);
    assert_int_equal(
        mmu_hashed_walker_create(&bench->env.mem, &bench->env.alloc, &bench->walker), PGW_OK);
    bench->root = root_of(TEST_BASE_PFN + RUN, 0, LOG2);
}

static void
bench_fini(struct bench *bench)
{
    bench->walker->ops->destroy(bench->walker);
    mem_free(&bench->env.mem, bench->run);
    test_env_fini(&bench->env);
}

static unsigned char *
table_at(struct bench *bench, size_t offset)
{
    return mem_page_bytes(&bench->env.mem, &bench->run[RUN]) + offset;
}

/* Entry idx by its two words, the way a debugger would show them. */
static void
put(struct bench *bench, unsigned idx, uint64_t tag_word, uint64_t word)
{
    memcpy(table_at(bench, 64 + 16 * (size_t)idx), &tag_word, 8);
    memcpy(table_at(bench, 64 + 16 * (size_t)idx + 8), &word, 8);
}

static uint64_t
tag_word_at(struct bench *bench, unsigned idx)
{
    uint64_t tag_word;
    memcpy(&tag_word, table_at(bench, 64 + 16 * (size_t)idx), 8);
    return tag_word;
}

static void
put_anchor(struct bench *bench, unsigned anchor, uint32_t value)
{
    memcpy(table_at(bench, 4 * (size_t)anchor), &value, 4);
}

static enum mmu_fault
walk(struct bench *bench, uint64_t va, enum access access, unsigned how)
{
    bench->trace.n = 0;
    return bench->walker->ops->walk(bench->walker, bench->root, TAG, va, access, how, &bench->stats,
        &bench->out, &bench->trace);
}

#define WORD(va, tag, flags) ((uint64_t)(tag) << 48 | (va) | (flags))

/*
 * Byte for byte.  The page number is 0x76543210f: its lowest hexadecimal digits, f, 0 and 1, give
 * e by exclusive or; the tag 0x1234 turned round is 0x2c48, of which the top four bits, 2, are
 * taken: anchor c.  It leads to entry 5, so to frame 5.
 */
static void
test_bytes(void **state)
{
    static const unsigned char anchor[4] = {6, 0, 0, 0};
    static const unsigned char entry[16] = {0x07, 0xf0, 0x10, 0x32, 0x54, 0x76, 0x34, 0x12};
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(bench.root, UINT64_C(0x1234000000000000) | (UINT64_C(0x80008) << 10) | 4);
    assert_int_equal(hashed_index(VA, TAG, LOG2), ANCHOR);
    memcpy(table_at(&bench, 48), anchor, 4);
    memcpy(table_at(&bench, 144), entry, 16);

    assert_int_equal(walk(&bench, VA | 0x123, ACCESS_READ, 0), MMU_OK);
    assert_int_equal(bench.out.pfn, TEST_BASE_PFN + 5);
    assert_int_equal(bench.out.prot, PROT_MASK_R | PROT_MASK_W);
    assert_false(bench.out.dirty || bench.out.global || bench.out.order != 0);
    assert_int_equal(table_at(&bench, 144)[0], 0x17); /* accessed */
    assert_int_equal(walk(&bench, VA, ACCESS_WRITE, 0), MMU_OK);
    assert_true(bench.out.dirty);
    assert_int_equal(table_at(&bench, 144)[0], 0x37); /* and dirty */
    assert_memory_equal(table_at(&bench, 145), entry + 1, 15);
    assert_int_equal(bench.stats.ad_updates, 2);
    assert_int_equal(walk(&bench, VA, ACCESS_WRITE, 0), MMU_OK);
    assert_int_equal(bench.stats.ad_updates, 2);
    assert_int_equal(bench.stats.walks, 3);
    assert_int_equal(bench.stats.walk_refs[0], 3);
    assert_int_equal(bench.stats.walk_refs[1], 3);
    bench_fini(&bench);
}

/* An alias names its frame: here entry 64, the first after those of RAM, for frame 9. */
static void
test_alias_bytes(void **state)
{
    static const unsigned char entry[16] = {
        0x0b, 0xf0, 0x10, 0x32, 0x54, 0x76, 0x34, 0x12, 0, 0, 0, 0, 9, 0, 0, 0};
    struct bench bench;
    (void)state;
    bench_init(&bench);
    put_anchor(&bench, ANCHOR, 65);
    memcpy(table_at(&bench, 64 + 16 * 64), entry, 16);
    assert_int_equal(walk(&bench, VA, ACCESS_EXEC, 0), MMU_OK);
    assert_int_equal(bench.out.pfn, TEST_BASE_PFN + 9);
    assert_int_equal(bench.out.prot, PROT_MASK_R | PROT_MASK_X);
    bench_fini(&bench);
}

/* The chain is followed in its order, one reference an entry, and shown so. */
static void
test_chain(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    put_anchor(&bench, ANCHOR, 21);
    put(&bench, 20, WORD(VA, TAG + 1, 0x03), 101);                         /* another space's */
    put(&bench, 100, WORD(VA + PAGE_SIZE, TAG, 0x03), 31ull | 7ull << 32); /* another page */
    put(&bench, 30, WORD(VA, TAG, 0x02), 3);                               /* not valid */
    put(&bench, 2, WORD(VA, TAG, 0x03), 41);                               /* this one */
    put(&bench, 40, WORD(VA, TAG, 0x0f), 0);                               /* is not reached */
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_OK);
    assert_int_equal(bench.out.pfn, TEST_BASE_PFN + 2);
    assert_int_equal(bench.stats.walk_refs[0], 1);
    assert_int_equal(bench.stats.walk_refs[1], 4);

    static const unsigned order[] = {20, 100, 30, 2};
    uint64_t base = (TEST_BASE_PFN + RUN) << PAGE_SHIFT;
    assert_int_equal(bench.trace.n, 5);
    assert_int_equal(bench.trace.step[0].kind, MMU_STEP_HASH);
    assert_int_equal(bench.trace.step[0].idx, ANCHOR);
    assert_int_equal(bench.trace.step[0].pa, base + 48);
    assert_int_equal(bench.trace.step[0].value, 21);
    for (unsigned i = 0; i < 4; i++) {
        const struct mmu_step *step = &bench.trace.step[1 + i];
        assert_int_equal(step->kind, MMU_STEP_CHAIN);
        assert_int_equal(step->idx, order[i]);
        assert_int_equal(step->pa, base + 64 + 16 * order[i]);
        assert_int_equal(step->value & ~HASHED_A, tag_word_at(&bench, order[i]) & ~HASHED_A);
        assert_int_equal(step->prot, PROT_MASK_R);
    }
    bench_fini(&bench);
}

static void
test_not_present(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_NOT_PRESENT); /* no chain */
    assert_int_equal(bench.stats.walk_refs[1], 0);
    put_anchor(&bench, ANCHOR, 1);
    static const uint64_t words[] = {0, WORD(VA, TAG, 0x3e), WORD(VA, TAG ^ 0x8000, 0x3f),
        WORD(VA ^ PAGE_SIZE, TAG, 0x3f), WORD(VA ^ UINT64_C(1) << 47, TAG, 0x3f)};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        put(&bench, 0, words[i], 0);
        assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_NOT_PRESENT);
        assert_int_equal(tag_word_at(&bench, 0), words[i]); /* not its bits to set */
    }
    bench_fini(&bench);
}

/* Each right is a bit of its own. */
static void
test_rights(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    put_anchor(&bench, ANCHOR, 1);
    for (prot_t prot = 0; prot <= PROT_MASK_ALL; prot++)
        for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
            put(&bench, 0, WORD(VA, TAG, 1 | prot << 1), 0);
            bool may = prot_allows(prot, access);
            assert_int_equal(walk(&bench, VA, access, 0), may ? MMU_OK : MMU_RIGHTS);
            uint64_t flags =
                1 | prot << 1 | (may ? 0x10u : 0) | (may && access == ACCESS_WRITE ? 0x20u : 0);
            assert_int_equal(tag_word_at(&bench, 0), WORD(VA, TAG, flags));
        }
    bench_fini(&bench);
}

static void
test_malformed(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    put_anchor(&bench, ANCHOR, ENTRIES + 1); /* the first link that leads out */
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_MALFORMED);
    assert_int_equal(bench.stats.walk_refs[1], 0);
    put_anchor(&bench, ANCHOR, ENTRIES); /* and the last that does not */
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_NOT_PRESENT);
    put_anchor(&bench, ANCHOR, 1);
    put(&bench, 0, 0, UINT32_MAX);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_MALFORMED);
    for (unsigned bit = 7; bit < 12; bit++) { /* what must be zero */
        put(&bench, 0, WORD(VA, TAG, 0x03 | 1u << bit), 0);
        assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_MALFORMED);
        put(&bench, 0, WORD(VA, TAG + 1, 0x03 | 1u << bit), 0); /* not looked at */
        assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_NOT_PRESENT);
    }
    put(&bench, 0, WORD(VA, TAG, 0x03), 1ull << 32); /* a frame's entry names another */
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_MALFORMED);
    put(&bench, 0, WORD(VA, TAG, 0x43), 0); /* the operating system's bit is no hardware's */
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_OK);
    bench.root = root_of(TEST_BASE_PFN + RUN, 0, 1);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_MALFORMED);
    bench.root = root_of(TEST_BASE_PFN + RUN, 0, 10); /* 1024 anchors: all of the frame */
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_MALFORMED);
    bench_fini(&bench);
}

/* A circle is found out after as many entries as there are; a chain of all of them is none. */
static void
test_longest_chain(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    put_anchor(&bench, ANCHOR, 1);
    for (unsigned i = 0; i < ENTRIES; i++)
        put(&bench, i, WORD(VA, TAG + 1, 0x03), (i + 1) % ENTRIES + 1);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_MALFORMED);
    assert_int_equal(bench.stats.walk_refs[1], ENTRIES);
    put(&bench, ENTRIES - 1, WORD(VA, TAG, 0x03), 0);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_OK);
    assert_int_equal(bench.stats.walk_refs[1], 2 * ENTRIES);
    assert_int_equal(bench.trace.n, MMU_TRACE_MAX - 1); /* the rest is dropped */
    bench_fini(&bench);
}

/* The table, a part of it, or the page lies where there is no RAM. */
static void
test_bus(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    put_anchor(&bench, ANCHOR, 65);
    put(&bench, 64, WORD(VA, TAG, 0x03), (uint64_t)FRAMES << 32);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_BUS);
    assert_int_equal(tag_word_at(&bench, 64), WORD(VA, TAG, 0x03)); /* not accessed */
    put(&bench, 64, WORD(VA, TAG, 0x03), (uint64_t)(FRAMES - 1) << 32);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_OK);

    bench.root = root_of(TEST_BASE_PFN + FRAMES, 0, LOG2);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_BUS);
    assert_int_equal(bench.trace.n, 0);
    unsigned char *last = mem_page_bytes(&bench.env.mem, &bench.run[FRAMES - 1]);
    uint32_t beyond = 300; /* entry 299 lies in the second frame of a run of two */
    memcpy(last + 48, &beyond, 4);
    bench.root = root_of(TEST_BASE_PFN + FRAMES - 1, 1, LOG2);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, 0), MMU_BUS);
    assert_int_equal(bench.trace.n, 1);
    bench_fini(&bench);
}

/* Looking on changes and counts nothing; a prefetch sets nothing and wants no new page. */
static void
test_peek_and_prefetch(void **state)
{
    struct mmu_stats none = {0};
    struct bench bench;
    (void)state;
    bench_init(&bench);
    put_anchor(&bench, ANCHOR, 1);
    put(&bench, 0, WORD(VA, TAG, 0x07), 0);
    assert_int_equal(walk(&bench, VA + 5, ACCESS_WRITE, MMU_WALK_PEEK), MMU_OK);
    assert_int_equal(bench.trace.n, 2);
    assert_int_equal(bench.trace.fault, MMU_OK);
    assert_int_equal(bench.trace.pa, (TEST_BASE_PFN << PAGE_SHIFT) + 5);
    assert_int_equal(bench.trace.order, 0);
    assert_int_equal(bench.trace.prot, PROT_MASK_R | PROT_MASK_W);
    assert_int_equal(walk(&bench, VA, ACCESS_EXEC, MMU_WALK_PEEK), MMU_RIGHTS);
    assert_int_equal(bench.trace.fault, MMU_RIGHTS);
    assert_memory_equal(&bench.stats, &none, sizeof(none));
    assert_int_equal(walk(&bench, VA, ACCESS_READ, MMU_WALK_PREFETCH), MMU_AD);
    assert_int_equal(tag_word_at(&bench, 0), WORD(VA, TAG, 0x07));
    put(&bench, 0, WORD(VA, TAG, 0x17), 0);
    assert_int_equal(walk(&bench, VA, ACCESS_READ, MMU_WALK_PREFETCH), MMU_OK);
    assert_false(bench.out.dirty);
    assert_int_equal(tag_word_at(&bench, 0), WORD(VA, TAG, 0x17));
    assert_int_equal(bench.stats.ad_updates, 0);
    bench_fini(&bench);
}

/* Behind TLBs: the bounds of the space, and a store through an entry that was filled by a load. */
static void
test_behind_tlbs(void **state)
{
    struct mmu_paged_config config = {
        .tlb = {.l1i = {{8, 2, 1}}, .l1d = {{8, 2, 1}}, .l2 = {{32, 4, 1}}}, .seed = 1};
    struct mmu_translation out;
    struct mmu *mmu;
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(bench.walker->levels, 2);
    assert_int_equal(bench.walker->asid_bits, 16);
    assert_int_equal(bench.walker->registers, 1);
    assert_int_equal(bench.walker->orders, 1);
    assert_int_equal(
        mmu_hashed_walker_create(&bench.env.mem, &bench.env.alloc, &config.walker), PGW_OK);
    assert_int_equal(mmu_paged_create(&config, &bench.env.mem, &bench.env.alloc, &mmu), PGW_OK);
    mmu->ops->load(mmu, bench.root, TAG);
    put_anchor(&bench, ANCHOR, 1);
    put(&bench, 0, WORD(VA, TAG, 0x07), 0);

    uint64_t end = UINT64_C(1) << 48;
    assert_int_equal(mmu->ops->translate(mmu, end, ACCESS_READ, &out), MMU_NONCANONICAL);
    assert_int_equal(mmu->ops->translate(mmu, UINT64_MAX, ACCESS_READ, &out), MMU_NONCANONICAL);
    assert_int_equal(mmu->ops->translate(mmu, VA | end, ACCESS_READ, &out), MMU_NONCANONICAL);
    assert_int_equal(mmu->ops->translate(mmu, end - 1, ACCESS_READ, &out), MMU_NOT_PRESENT);
    assert_int_equal(mmu->ops->translate(mmu, VA, ACCESS_READ, &out), MMU_OK);
    assert_ptr_equal(out.bytes, mem_page_bytes(&bench.env.mem, bench.run));
    assert_int_equal(out.prot, PROT_MASK_R);
    assert_int_equal(mmu->ops->translate(mmu, VA, ACCESS_WRITE, &out), MMU_OK);
    assert_int_equal(out.prot, PROT_MASK_R | PROT_MASK_W);
    assert_int_equal(tag_word_at(&bench, 0), WORD(VA, TAG, 0x37));
    mmu->ops->destroy(mmu);
    bench_fini(&bench);
}

/* The hash spreads what programs map: runs of pages low and high, in several spaces. */
static void
test_hash(void **state)
{
    enum { SPACES = 4, PAGES = 256, HASH_LOG2 = 10 };
    static unsigned chain[1 << HASH_LOG2];
    unsigned longest = 0;
    (void)state;
    for (uint32_t tag = 1; tag <= SPACES; tag++)
        for (uint64_t i = 0; i < PAGES; i++) {
            uint64_t va =
                i < 192 ? 0x10000 + (i << PAGE_SHIFT) : HASHED_USER_END - ((i - 191) << PAGE_SHIFT);
            uint32_t idx = hashed_index(va, tag, HASH_LOG2);
            assert_in_range(idx, 0, (1u << HASH_LOG2) - 1);
            if (++chain[idx] > longest)
                longest = chain[idx];
        }
    assert_in_range(longest, 1, 5);
    for (uint32_t tag = 0; tag < 65536; tag++)
        assert_int_equal(hashed_tag_reversed(hashed_tag_reversed(tag)), tag);
    assert_int_equal(hashed_tag_reversed(1), 0x8000);
}

static void
test_no_memory(void **state)
{
    struct bench bench;
    struct mmu_walker *walker = NULL;
    (void)state;
    bench_init(&bench);
    bench.env.inject.fail_at[INJECT_MAP] = bench.env.inject.tried[INJECT_MAP] + 1;
    assert_int_equal(
        mmu_hashed_walker_create(&bench.env.mem, &bench.env.alloc, &walker), PGW_NOMEM);
    bench_fini(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_alias_bytes),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_not_present),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_longest_chain),
        cmocka_unit_test(test_bus),
        cmocka_unit_test(test_peek_and_prefetch),
        cmocka_unit_test(test_behind_tlbs),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
