/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exact counts without a call per access.  Random programs whose every access is known beforehand
 * run with TLBs of a few sets.  A naive model sees every access, one by one, through true-LRU
 * sets; another sees only what the hart asks the MMU for.  Their misses must be the same, in
 * number and in order, and the hart's counts must be the model's.
 *
 * The same with entries that cover a block of four pages: then the MMU says "forget" when another
 * entry becomes the most recent of a set, and the hart's slots have nothing to do with the sets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm.h"
#include "code_spot.h"
#include "cpu/hart.h"
#include "flat_mmu.h"
#include "host/host_mem.h"
#include "support/test.h"

#define PAGES 96
#define CODE_PAGE 1u
#define CODE_PAGES 40u
#define DATA_PAGE 48u
#define DATA_PAGES 40u
#define TRACE_MAX 20000
#define MISS_MAX 400000
#define WAYS_MAX 4
#define SETS_MAX 16
#define LOOPS 5

/* A set-associative cache of pages, the most recently used first. */
struct lru {
    unsigned sets, ways;
    uint64_t page[SETS_MAX][WAYS_MAX];
    uint64_t misses;
};

static void
lru_init(struct lru *lru, unsigned sets, unsigned ways)
{
    memset(lru, 0xff, sizeof(*lru));
    lru->sets = sets;
    lru->ways = ways;
    lru->misses = 0;
}

/* True if it was a miss. */
static bool
lru_access(struct lru *lru, uint64_t page)
{
    uint64_t *set = lru->page[page % lru->sets];
    unsigned i = 0;
    while (i < lru->ways && set[i] != page)
        i++;
    bool miss = i == lru->ways;
    if (miss)
        i--;
    memmove(set + 1, set, i * sizeof(set[0]));
    set[0] = page;
    lru->misses += miss;
    return miss;
}

struct access_record {
    uint64_t page;
    bool fetch;
};

struct bed {
    struct base_rng rng;
    struct flat_mmu flat;
    struct access_record trace[TRACE_MAX];
    unsigned traced;
    unsigned last;
    uint64_t instructions, fetches, accesses;
    uint64_t pc, end;
    bool used[CODE_PAGES];
    unsigned shift; /* an entry covers 1 << shift pages */
    struct lru data_model, fetch_model, data_asked, fetch_asked;
    uint64_t expected[MISS_MAX], seen[MISS_MAX];
    unsigned nexpected, nseen;
};

static void
note(struct bed *bed, uint64_t va, bool fetch)
{
    assert_true(bed->traced < TRACE_MAX);
    bed->trace[bed->traced++] = (struct access_record){va >> PAGE_SHIFT, fetch};
}

/* Places one instruction of len bytes, and notes its fetch. */
static void
emit(struct bed *bed, uint32_t insn, unsigned len)
{
    memcpy(bed->flat.bytes + bed->pc, &insn, len);
    note(bed, bed->pc, true);
    if (bed->pc >> PAGE_SHIFT != (bed->pc + len - 1) >> PAGE_SHIFT)
        note(bed, bed->pc + len - 1, true);
    bed->pc += len;
    bed->instructions++;
}

/* A load or store of a random width somewhere in the data pages, now and then across an edge. */
static void
emit_access(struct bed *bed)
{
    uint64_t page = DATA_PAGE + base_rng_below(&bed->rng, DATA_PAGES);
    if (base_rng_below(&bed->rng, 2))
        page = DATA_PAGE + base_rng_below(&bed->rng, 4);
    unsigned size = 1u << base_rng_below(&bed->rng, 4);
    bool store = base_rng_below(&bed->rng, 3) == 0;
    int offset = (int)base_rng_below(&bed->rng, 4096) - 2048;
    if (base_rng_below(&bed->rng, 4) == 0)
        offset = -(int)base_rng_below(&bed->rng, 9);
    uint64_t va = (page << PAGE_SHIFT) + (uint64_t)(int64_t)offset;
    uint32_t f3 = (uint32_t)__builtin_ctz(size);
    emit(bed, asm_lui(6, (uint32_t)page), 4);
    emit(bed, store ? asm_s(f3, 5, 6, offset) : asm_i(0x03, f3, 7, 6, offset), 4);
    note(bed, va, false);
    if (va >> PAGE_SHIFT != (va + size - 1) >> PAGE_SHIFT)
        note(bed, va + size - 1, false);
}

/* Some straight code with near jumps over gaps. */
static void
emit_stretch(struct bed *bed)
{
    unsigned n = 1 + (unsigned)base_rng_below(&bed->rng, 60);
    for (unsigned i = 0; i < n; i++) {
        switch (base_rng_below(&bed->rng, 6)) {
        case 0:
            emit(bed, 0x0285 /* c.addi t0, 1 */, 2);
            break;
        case 1:
            emit(bed, asm_addi(5, 5, 3), 4);
            break;
        case 2:
            emit(bed, asm_branch(ASM_BNE, 0, 0, 16), 4);
            break;
        case 3:
            emit(bed, asm_jal(0, 12), 4);
            bed->pc += 8;
            break;
        default:
            emit_access(bed);
            break;
        }
    }
}

/* Builds a program that ends where x20 is compared: LOOPS times round, then an ecall. */
static void
build(struct bed *bed)
{
    uint64_t start = 0;
    assert_true(code_spot_choose(&bed->rng, bed->used, CODE_PAGES, CODE_PAGE, &start));
    bed->pc = start;
    uint64_t spot;
    for (;;) {
        emit_stretch(bed);
        if (!code_spot_choose(&bed->rng, bed->used, CODE_PAGES, CODE_PAGE, &spot))
            break;
        if (base_rng_below(&bed->rng, 2)) {
            emit(bed, asm_jal(1, (int)(spot - bed->pc)), 4);
        } else {
            uint64_t high = (spot + 0x800) >> 12;
            emit(bed, asm_lui(9, (uint32_t)high), 4);
            emit(bed, asm_jalr(1, 9, (int)(spot - (high << 12))), 4);
        }
        bed->pc = spot;
    }
    emit(bed, asm_addi(20, 20, -1), 4);
    emit(bed, asm_branch(ASM_BEQ, 20, 0, 8), 4);
    bed->last = bed->traced; /* the last round does not jump back */
    emit(bed, asm_jal(0, (int)(start - bed->pc)), 4);
    bed->end = bed->pc;
    uint32_t ecall = ASM_ECALL;
    memcpy(bed->flat.bytes + bed->pc, &ecall, 4);
    bed->pc = start;
}

static void
told(void *ctx, uint64_t va, enum access access, bool ok)
{
    struct bed *bed = ctx;
    uint64_t page = va >> PAGE_SHIFT >> bed->shift;
    assert_true(ok);
    bool fetch = access == ACCESS_EXEC;
    struct lru *lru = fetch ? &bed->fetch_asked : &bed->data_asked;
    bed->flat.forget = bed->shift != 0 && lru->page[page % lru->sets][0] != page;
    if (lru_access(lru, page) && bed->nseen < MISS_MAX)
        bed->seen[bed->nseen++] = page << 1 | fetch;
}

static void
model_access(struct bed *bed, const struct access_record *a)
{
    uint64_t page = a->page >> bed->shift;
    *(a->fetch ? &bed->fetches : &bed->accesses) += 1;
    if (lru_access(a->fetch ? &bed->fetch_model : &bed->data_model, page) &&
        bed->nexpected < MISS_MAX)
        bed->expected[bed->nexpected++] = page << 1 | a->fetch;
}

/* Runs the trace through the model that sees everything. */
static void
model(struct bed *bed)
{
    for (unsigned loop = 0; loop < LOOPS; loop++)
        for (unsigned i = 0; i < (loop + 1 < LOOPS ? bed->traced : bed->last); i++)
            model_access(bed, &bed->trace[i]);
    /* The ecall is fetched, though it does not retire. */
    model_access(bed, &(struct access_record){bed->end >> PAGE_SHIFT, true});
    if (bed->end >> PAGE_SHIFT != (bed->end + 3) >> PAGE_SHIFT)
        model_access(bed, &(struct access_record){(bed->end + 3) >> PAGE_SHIFT, true});
}

static void
check_program(uint64_t seed, unsigned sets, unsigned ways, unsigned shift)
{
    struct bed *bed = calloc(1, sizeof(*bed));
    struct base_alloc alloc;
    struct cpu_hart *hart;
    assert_non_null(bed);
    base_rng_init(&bed->rng, seed);
    bed->shift = shift;
    assert_true(shift == 0 ? flat_mmu_init(&bed->flat, PAGES, sets, sets)
                           : flat_mmu_init(&bed->flat, PAGES, 16, 8));
    host_alloc_init(&alloc, NULL);
    lru_init(&bed->data_model, sets, ways);
    lru_init(&bed->fetch_model, sets, ways);
    lru_init(&bed->data_asked, sets, ways);
    lru_init(&bed->fetch_asked, sets, ways);
    build(bed);
    model(bed);
    bed->flat.told = told;
    bed->flat.told_ctx = bed;
    assert_int_equal(cpu_hart_create(&bed->flat.mmu, &alloc, &hart), PGW_OK);
    hart->regs.pc = bed->pc;
    hart->regs.x[20] = LOOPS;
    while (cpu_hart_run(hart, 1 + 1 + base_rng_below(&bed->rng, 500)) == CPU_EXIT_SLICE)
        ;
    assert_int_equal(hart->stats.instructions, bed->instructions * LOOPS - 1);
    assert_int_equal(hart->stats.loads_stores, bed->accesses);
    assert_int_equal(hart->stats.fetches, bed->fetches);
    assert_int_equal(bed->data_asked.misses, bed->data_model.misses);
    assert_int_equal(bed->fetch_asked.misses, bed->fetch_model.misses);
    assert_int_equal(bed->nseen, bed->nexpected);
    assert_memory_equal(bed->seen, bed->expected, bed->nseen * sizeof(bed->seen[0]));
    cpu_hart_destroy(hart);
    flat_mmu_fini(&bed->flat);
    free(bed);
}

static void
hits_and_misses_are_exact(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    static const unsigned geometry[][2] = {{4, 2}, {1, 4}, {2, 1}, {16, 4}, {4, 4}, {1, 1}};
    for (unsigned i = 0; i < 60; i++)
        check_program(seed + i, geometry[i % 6][0], geometry[i % 6][1], 0);
}

static void
entries_of_several_pages(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    static const unsigned geometry[][2] = {{1, 4}, {2, 2}, {4, 1}, {4, 2}};
    for (unsigned i = 0; i < 40; i++)
        check_program(seed + i, geometry[i % 4][0], geometry[i % 4][1], 2);
}

/* How many translations a run of a fetch and two loads asks for. */
static uint64_t
asked(struct flat_mmu *flat, struct cpu_hart *hart)
{
    uint64_t before = flat->calls;
    hart->regs.pc = PAGE_SIZE;
    assert_int_equal(cpu_hart_run(hart, 100), CPU_EXIT_ECALL);
    return flat->calls - before;
}

/* A page is shot down: with wide entries, all pages must be asked for again. */
static void
shootdowns(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        const uint32_t code[] = {asm_lui(6, 3), asm_i(0x03, 3, 7, 6, 0), asm_lui(6, 4),
            asm_i(0x03, 3, 7, 6, 0), ASM_ECALL};
        struct flat_mmu flat;
        struct base_alloc alloc;
        struct cpu_hart *hart;
        assert_true(flat_mmu_init(&flat, 8, 16, 16));
        flat.mmu.wide = wide == 1;
        memcpy(flat.bytes + PAGE_SIZE, code, sizeof(code));
        host_alloc_init(&alloc, NULL);
        assert_int_equal(cpu_hart_create(&flat.mmu, &alloc, &hart), PGW_OK);
        assert_int_equal(asked(&flat, hart), 3);
        assert_int_equal(asked(&flat, hart), 0);
        cpu_hart_invalidate_range(hart, 0, 3 * PAGE_SIZE, 1, false);
        assert_int_equal(asked(&flat, hart), wide ? 3 : 1);
        cpu_hart_invalidate_range(hart, 9, 3 * PAGE_SIZE, 1, false); /* another space's */
        assert_int_equal(asked(&flat, hart), wide ? 3 : 0);
        cpu_hart_destroy(hart);
        flat_mmu_fini(&flat);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_and_misses_are_exact),
        cmocka_unit_test(entries_of_several_pages),
        cmocka_unit_test(shootdowns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
