/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a hart records is what was executed, reference by reference.  Random programs, all of whose
 * references are known beforehand, run in random slices while pages fault, translations vanish and
 * the room for what is recorded is small; then words and addresses are expanded and compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "asm.h"
#include "base/rng.h"
#include "code_spot.h"
#include "cpu/hart.h"
#include "cpu/recorder.h"
#include "flat_mmu.h"
#include "host/host_mem.h"
#include "support/test.h"

#define PAGES 96
#define CODE_PAGE 1u
#define CODE_PAGES 40u
#define DATA_PAGE 48u
#define DATA_PAGES 40u
#define REFS_MAX 400000u
#define RUNS_MAX 100000u
#define LOOPS 5u
#define ROOM CPU_RECORD_ROOM

struct ref {
    uint64_t va;
    uint8_t size;
    uint8_t kind; /* CPU_ACCESS_*; 0: a fetch */
};

struct refs {
    unsigned n;
    struct ref ref[REFS_MAX];
};

struct kept_run {
    unsigned n;
    uint64_t pc;
    uint32_t first; /* of its words */
    struct cpu_code_insn insns[64];
};

struct bed {
    struct cpu_recorder recorder; /* first, so that the callbacks find the rest */
    struct base_rng rng;
    struct flat_mmu flat;
    struct base_alloc alloc;
    struct cpu_hart *hart;
    struct refs expected, seen;
    unsigned round; /* references of one round of the program */
    unsigned last;  /* and of the last one, which ends with the ecall */
    uint64_t pc, start;
    bool used[CODE_PAGES];
    uint32_t nruns, nwords;
    struct kept_run *runs;
    uint32_t run_of[RUNS_MAX]; /* by word */
    uint32_t words[ROOM];
    uint64_t vas[ROOM];
};

static void
note(struct refs *refs, uint64_t va, unsigned size, unsigned kind)
{
    assert_true(refs->n < REFS_MAX);
    refs->ref[refs->n++] = (struct ref){va, (uint8_t)size, (uint8_t)kind};
}

/* --- the program --- */

static void
emit(struct bed *bed, uint32_t insn, unsigned len)
{
    memcpy(bed->flat.bytes + bed->pc, &insn, len);
    note(&bed->expected, bed->pc, len, 0);
    bed->pc += len;
}

/* Any instruction that accesses memory, somewhere in the data pages, now and then across an edge.
 */
static void
emit_access(struct bed *bed)
{
    uint64_t page = DATA_PAGE + base_rng_below(&bed->rng, DATA_PAGES);
    unsigned log = (unsigned)base_rng_below(&bed->rng, 4), size = 1u << log;
    int offset = (int)base_rng_below(&bed->rng, 4096) - 2048;
    if (base_rng_below(&bed->rng, 4) == 0)
        offset = -(int)base_rng_below(&bed->rng, 9);
    uint64_t at = page << PAGE_SHIFT, va = at + (uint64_t)(int64_t)offset;
    emit(bed, asm_lui(6, (uint32_t)page), 4);
    switch (base_rng_below(&bed->rng, 9)) {
    case 0:
        emit(bed, ASM_LR_D(7u, 6u), 4);
        note(&bed->expected, at, 8, CPU_ACCESS_READ);
        break;
    case 1: /* fails, or not */
        emit(bed, ASM_SC_D(7u, 5u, 6u), 4);
        note(&bed->expected, at, 8, CPU_ACCESS_WRITE);
        break;
    case 2:
        emit(bed, ASM_AMOADD_D(7u, 5u, 6u), 4);
        note(&bed->expected, at, 8, CPU_ACCESS_READ | CPU_ACCESS_WRITE);
        break;
    case 3: /* fsw, fsd */
        log = 2 + (log & 1), size = 1u << log;
        emit(bed, asm_s(log, 3, 6, offset) | 0x4, 4);
        note(&bed->expected, va, size, CPU_ACCESS_WRITE);
        break;
    case 4: /* flw, fld */
        log = 2 + (log & 1), size = 1u << log;
        emit(bed, asm_i(0x07, log, 3, 6, offset), 4);
        note(&bed->expected, va, size, CPU_ACCESS_READ);
        break;
    case 5:
    case 6:
        emit(bed, asm_s(log, 5, 6, offset), 4);
        note(&bed->expected, va, size, CPU_ACCESS_WRITE);
        break;
    default:
        emit(bed, asm_i(0x03, log, 7, 6, offset), 4);
        note(&bed->expected, va, size, CPU_ACCESS_READ);
        break;
    }
}

/* Straight code, branches that are taken and that are not, near jumps over gaps. */
static void
emit_stretch(struct bed *bed)
{
    unsigned n = 1 + (unsigned)base_rng_below(&bed->rng, 120);
    for (unsigned i = 0; i < n; i++) {
        switch (base_rng_below(&bed->rng, 9)) {
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
            emit(bed, asm_branch(ASM_BEQ, 0, 0, 12), 4);
            bed->pc += 8;
            break;
        case 4:
            emit(bed, asm_jal(base_rng_below(&bed->rng, 2) ? 1 : 0, 12), 4);
            bed->pc += 8;
            break;
        default:
            emit_access(bed);
            break;
        }
    }
}

/* From one stretch to the next: jal, jalr, either with a link or without. */
static void
emit_jump(struct bed *bed, uint64_t spot)
{
    unsigned link = base_rng_below(&bed->rng, 2) ? 1 : 0;
    if (base_rng_below(&bed->rng, 2)) {
        emit(bed, asm_jal(link, (int)(spot - bed->pc)), 4);
    } else {
        uint64_t high = (spot + 0x800) >> 12;
        emit(bed, asm_lui(9, (uint32_t)high), 4);
        emit(bed, asm_jalr(link, 9, (int)(spot - (high << 12))), 4);
    }
    bed->pc = spot;
}

/* LOOPS rounds, then an ecall. */
static void
build(struct bed *bed)
{
    uint64_t spot;
    memset(bed->used, 0, sizeof bed->used);
    bed->expected.n = 0;
    assert_true(code_spot_choose(&bed->rng, bed->used, CODE_PAGES, CODE_PAGE, &bed->start));
    bed->pc = bed->start;
    for (;;) {
        emit_stretch(bed);
        if (!code_spot_choose(&bed->rng, bed->used, CODE_PAGES, CODE_PAGE, &spot))
            break;
        emit_jump(bed, spot);
    }
    if (base_rng_below(&bed->rng, 2))
        emit(bed, ASM_FENCE_I, 4);
    emit(bed, asm_addi(20, 20, -1), 4);
    emit(bed, asm_branch(ASM_BEQ, 20, 0, 8), 4);
    bed->last = bed->expected.n;
    emit(bed, asm_jal(0, (int)(bed->start - bed->pc)), 4);
    bed->round = bed->expected.n;
    for (unsigned i = 0; i < (LOOPS - 2) * bed->round + bed->last; i++)
        bed->expected.ref[bed->round + i] = bed->expected.ref[i % bed->round];
    bed->expected.n = (LOOPS - 1) * bed->round + bed->last;
    emit(bed, ASM_ECALL, 4);
}

/* --- the recorder --- */

static uint32_t
keep_code(struct cpu_recorder *recorder, const struct cpu_code *code)
{
    struct bed *bed = (struct bed *)recorder;
    assert_true(bed->nruns < RUNS_MAX && code->n > 0 && code->n <= 64);
    struct kept_run *run = &bed->runs[bed->nruns];
    run->n = code->n;
    run->pc = code->pc;
    memcpy(run->insns, code->insns, code->n * sizeof code->insns[0]);
    run->first = bed->nwords;
    assert_true(bed->nwords + code->n < RUNS_MAX);
    for (unsigned i = 0; i <= code->n; i++)
        bed->run_of[bed->nwords++] = bed->nruns;
    bed->nruns++;
    return run->first;
}

static void
expand(struct bed *bed)
{
    const uint64_t *va = bed->vas;
    for (const uint32_t *word = bed->words; word < bed->recorder.words; word++) {
        assert_true(*word < bed->nwords);
        const struct kept_run *run = &bed->runs[bed->run_of[*word]];
        unsigned n = *word - run->first;
        assert_true(n <= run->n);
        uint64_t pc = run->pc;
        for (unsigned i = 0; i < n; pc += run->insns[i++].len) {
            note(&bed->seen, pc, run->insns[i].len, 0);
            if (run->insns[i].access != 0)
                note(&bed->seen, *va++, run->insns[i].size, run->insns[i].access);
        }
    }
    assert_ptr_equal(va, bed->recorder.vas);
}

static void
make_room(struct cpu_recorder *recorder)
{
    struct bed *bed = (struct bed *)recorder;
    if (recorder->words != NULL)
        expand(bed);
    recorder->words = bed->words;
    recorder->words_end = bed->words + ROOM;
    recorder->vas = bed->vas;
    recorder->vas_end = bed->vas + ROOM;
    /* Now and then all numbers are void. */
    if (base_rng_below(&bed->rng, 3) == 0) {
        recorder->generation++;
        bed->nruns = bed->nwords = 0;
    }
}

/* --- the test --- */

/* Something that happens to a page between two slices. */
static void
disturb(struct bed *bed)
{
    uint64_t page = CODE_PAGE + base_rng_below(&bed->rng, DATA_PAGE + DATA_PAGES - CODE_PAGE);
    unsigned how = (unsigned)base_rng_below(&bed->rng, 4);
    if (how == 0)
        bed->flat.prot[page] = 0;
    else if (how == 1)
        bed->flat.prot[page] = PROT_MASK_R;
    if (how < 3)
        cpu_hart_invalidate_range(bed->hart, 1, page << PAGE_SHIFT, 1, how != 1);
    else
        cpu_hart_forget_pointers(bed->hart);
}

/* Runs to the ecall; returns the faults that were met. */
static uint64_t
run(struct bed *bed)
{
    uint64_t faults = 0;
    for (;;) {
        enum cpu_exit why = cpu_hart_run(bed->hart, base_rng_below(&bed->rng, 3000));
        if (why == CPU_EXIT_ECALL)
            return faults;
        if (why == CPU_EXIT_FAULT) {
            bed->flat.prot[bed->hart->fault_va >> PAGE_SHIFT] = PROT_MASK_ALL;
            faults++;
        } else {
            assert_int_equal(why, CPU_EXIT_SLICE);
        }
        disturb(bed);
    }
}

static void
compare(const struct bed *bed)
{
    for (unsigned i = 0; i < bed->expected.n && i < bed->seen.n; i++) {
        const struct ref *a = &bed->expected.ref[i], *b = &bed->seen.ref[i];
        if (a->va != b->va || a->size != b->size || a->kind != b->kind)
            fail_msg("reference %u: expected %#llx %u %u, recorded %#llx %u %u", i,
                (unsigned long long)a->va, a->size, a->kind, (unsigned long long)b->va, b->size,
                b->kind);
    }
    assert_int_equal(bed->seen.n, bed->expected.n);
}

/* Pages that the access lies in, besides the first. */
static uint64_t
crossings(const struct refs *refs, bool fetches)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < refs->n; i++) {
        const struct ref *r = &refs->ref[i];
        n +=
            (r->kind == 0) == fetches && r->va >> PAGE_SHIFT != (r->va + r->size - 1) >> PAGE_SHIFT;
    }
    return n;
}

static void
record_one(struct bed *bed, unsigned sets)
{
    struct cpu_hart *plain;
    assert_true(flat_mmu_init(&bed->flat, PAGES, sets, sets));
    host_alloc_init(&bed->alloc, NULL);
    assert_int_equal(cpu_hart_create(&bed->flat.mmu, &bed->alloc, &plain), PGW_OK);
    build(bed);
    bed->hart = plain;
    cpu_hart_switched(bed->hart, 1);
    bed->nruns = bed->nwords = 0;
    bed->seen.n = 0;
    bed->recorder.words = NULL;
    make_room(&bed->recorder);
    cpu_hart_record(bed->hart, &bed->recorder);
    bed->hart->regs.pc = bed->start;
    bed->hart->regs.x[20] = LOOPS;
    uint64_t faults = run(bed);
    make_room(&bed->recorder);
    compare(bed);

    /* The hart's own counts are those of what it has recorded. */
    const struct cpu_stats *stats = &bed->hart->stats;
    unsigned fetched = 0;
    for (unsigned i = 0; i < bed->seen.n; i++)
        fetched += bed->seen.ref[i].kind == 0;
    assert_int_equal(stats->instructions + 1, fetched); /* ecall does not retire */
    uint64_t counted = stats->fetches + stats->loads_stores;
    uint64_t crossing = crossings(&bed->seen, true) + crossings(&bed->seen, false);
    /* A try that faults is counted (its fetch, and its access), and is not recorded. */
    assert_true(counted >= bed->seen.n + crossing + (faults > 0));
    assert_true(counted <= bed->seen.n + crossing + 4 * faults);
    if (faults == 0)
        assert_int_equal(counted, bed->seen.n + crossing);
    cpu_hart_destroy(bed->hart);
    assert_int_equal(bed->alloc.mapped, 0);
    flat_mmu_fini(&bed->flat);
}

static void
what_is_recorded_is_what_was_executed(void **state)
{
    (void)state;
    struct bed *bed = calloc(1, sizeof *bed);
    assert_non_null(bed);
    bed->runs = calloc(RUNS_MAX, sizeof *bed->runs);
    assert_non_null(bed->runs);
    bed->recorder.code = keep_code;
    bed->recorder.full = make_room;
    test_rng_init(&bed->rng, 1);
    for (unsigned i = 0; i < test_rounds(40); i++)
        record_one(bed, (unsigned[]){0, 1, 2, 4}[i % 4]);
    free(bed->runs);
    free(bed);
}

/* Recording changes nothing that the program, or who counts, could see. */
static void
a_recorded_run_is_the_same_run(void **state)
{
    (void)state;
    struct bed *bed = calloc(1, sizeof *bed);
    struct cpu_hart *hart[2];
    assert_non_null(bed);
    bed->runs = calloc(RUNS_MAX, sizeof *bed->runs);
    assert_non_null(bed->runs);
    bed->recorder.code = keep_code;
    bed->recorder.full = make_room;
    test_rng_init(&bed->rng, 2);
    assert_true(flat_mmu_init(&bed->flat, PAGES, 2, 2));
    host_alloc_init(&bed->alloc, NULL);
    build(bed);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(cpu_hart_create(&bed->flat.mmu, &bed->alloc, &hart[i]), PGW_OK);
        cpu_hart_switched(hart[i], 1);
        hart[i]->regs.pc = bed->start;
        hart[i]->regs.x[20] = 1000; /* rounds: more than is kept */
    }
    bed->recorder.words = NULL;
    make_room(&bed->recorder);
    cpu_hart_record(hart[1], &bed->recorder);
    enum cpu_exit why[2];
    do {
        uint64_t budget = base_rng_below(&bed->rng, 20000);
        for (unsigned i = 0; i < 2; i++)
            why[i] = cpu_hart_run(hart[i], budget);
        bed->seen.n = 0;
        assert_int_equal(why[0], why[1]);
        assert_int_equal(hart[0]->regs.pc, hart[1]->regs.pc);
        assert_int_equal(hart[0]->stats.instructions, hart[1]->stats.instructions);
        assert_int_equal(hart[0]->stats.fetches, hart[1]->stats.fetches);
        assert_int_equal(hart[0]->stats.loads_stores, hart[1]->stats.loads_stores);
    } while (why[0] == CPU_EXIT_SLICE && hart[0]->regs.x[20] > 10);
    hart[0]->regs.x[7] = hart[1]->regs.x[7]; /* from memory that both write */
    assert_memory_equal(hart[0]->regs.x, hart[1]->regs.x, sizeof hart[0]->regs.x);
    for (unsigned i = 0; i < 2; i++)
        cpu_hart_destroy(hart[i]);
    flat_mmu_fini(&bed->flat);
    free(bed->runs);
    free(bed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_recorded_is_what_was_executed),
        cmocka_unit_test(a_recorded_run_is_the_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
