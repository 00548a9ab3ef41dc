/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fused pairs do what their two instructions do one by one.  Every kind of instruction that takes
 * part in fusion, before every other, with random operands (often the same registers, often
 * addresses that fault or cross a page): once as neighbours, once each followed by a trap.
 */
#include <string.h>

#include "asm.h"
#include "cpu/hart.h"
#include "flat_mmu.h"
#include "host/host_mem.h"
#include "support/test.h"

#define PAGES 16
#define CODE 0x1000u
#define DATA 0x4000u
#define DATA_PAGES 4u
#define ROUNDS 12

enum form { I, SHIFT, R, LOAD, STORE, BRANCH, JUMP, CALL, RETURN, UPPER };

struct shape {
    enum form form;
    uint32_t bits; /* opcode, funct3, funct7 */
};

static const struct shape shapes[] = {{I, 0x0013}, {I, 0x001b}, {I, 0x7013}, {I, 0x4013},
    {SHIFT, 0x1013}, {SHIFT, 0x5013}, {SHIFT, 0x40005013}, {SHIFT, 0x101b}, {SHIFT, 0x501b},
    {SHIFT, 0x4000501b}, {R, 0x0033}, {R, 0x40000033}, {R, 0x7033}, {R, 0x6033}, {R, 0x4033},
    {R, 0x003b}, {R, 0x4000003b}, {R, 0x0200003b}, {R, 0x02000033}, {R, 0x3033}, {LOAD, 0x0003},
    {LOAD, 0x1003}, {LOAD, 0x2003}, {LOAD, 0x3003}, {LOAD, 0x4003}, {LOAD, 0x5003}, {LOAD, 0x6003},
    {STORE, 0x0023}, {STORE, 0x1023}, {STORE, 0x2023}, {STORE, 0x3023}, {BRANCH, 0x0063},
    {BRANCH, 0x1063}, {BRANCH, 0x4063}, {BRANCH, 0x5063}, {BRANCH, 0x6063}, {BRANCH, 0x7063},
    {JUMP, 0x006f}, {CALL, 0x006f}, {RETURN, 0x0067}, {UPPER, 0x0037}};
#define SHAPES (sizeof shapes / sizeof shapes[0])

struct bed {
    struct base_rng rng;
    struct flat_mmu flat;
    struct base_alloc alloc;
    struct cpu_hart *hart;
};

/* x0 and a few others. */
static uint32_t
some_register(struct bed *bed)
{
    static const uint8_t choice[] = {0, 5, 6, 7, 5, 6};
    return choice[base_rng_below(&bed->rng, sizeof choice)];
}

static uint32_t
some_imm(struct bed *bed)
{
    return (uint32_t)base_rng_below(&bed->rng, 64) - 32;
}

static uint32_t
make(struct bed *bed, const struct shape *shape)
{
    uint32_t rd = some_register(bed), rs1 = some_register(bed), rs2 = some_register(bed);
    uint32_t imm = some_imm(bed), link = base_rng_below(&bed->rng, 2) ? 1 : 5;
    switch (shape->form) {
    case I:
    case LOAD:
        return shape->bits | rd << 7 | rs1 << 15 | imm << 20;
    case SHIFT:
        return shape->bits | rd << 7 | rs1 << 15 | (imm & 31) << 20;
    case R:
        return shape->bits | rd << 7 | rs1 << 15 | rs2 << 20;
    case STORE:
        return asm_s(shape->bits >> 12 & 7, rs2, rs1, (int)imm);
    case BRANCH:
        return asm_branch(shape->bits >> 12 & 7, rs1, rs2, 0x40);
    case JUMP:
        return asm_jal(0, base_rng_below(&bed->rng, 2) ? 0x40 : 0x1040);
    case CALL:
        return asm_jal(link, base_rng_below(&bed->rng, 2) ? 0x40 : 0x1040);
    case RETURN:
        return asm_jalr(0, rs1, (int)imm);
    default:
        return asm_lui(rd, imm & 0xfffff);
    }
}

/* Values that are small, large, or addresses near the edges of the data pages. */
static void
set_registers(struct bed *bed, struct cpu_regs *regs)
{
    memset(regs, 0, sizeof(*regs));
    for (unsigned i = 1; i < 32; i++) {
        uint64_t v = base_rng_next(&bed->rng) >> base_rng_below(&bed->rng, 64);
        if (base_rng_below(&bed->rng, 2))
            v = DATA + (base_rng_below(&bed->rng, DATA_PAGES + 1) << 12) +
                base_rng_below(&bed->rng, 40) - 20;
        /* A load from the pair would tell whether the trap stands there. */
        regs->x[i] = v - CODE + 64 < 128 ? 0 : v;
    }
}

struct outcome {
    enum cpu_exit why;
    struct cpu_regs regs;
    struct cpu_stats stats;
    uint64_t fault_va;
    unsigned char data[DATA_PAGES << 12];
};

static void
set_data(struct bed *bed)
{
    for (unsigned i = 0; i < DATA_PAGES << 12; i++)
        bed->flat.bytes[DATA + i] = (unsigned char)(i * 7 + (i >> 8));
}

static void
run(struct bed *bed, struct outcome *out)
{
    cpu_hart_invalidate_space(bed->hart, 0);
    out->why = cpu_hart_run(bed->hart, 100);
    out->regs = bed->hart->regs;
    out->fault_va = out->why == CPU_EXIT_FAULT ? bed->hart->fault_va : 0;
}

static void
finish(struct bed *bed, struct outcome *out)
{
    out->stats = bed->hart->stats;
    memcpy(out->data, bed->flat.bytes + DATA, sizeof out->data);
}

static void
begin(struct bed *bed, const struct cpu_regs *regs)
{
    set_data(bed);
    bed->hart->regs = *regs;
    bed->hart->regs.pc = CODE;
    bed->hart->stats = (struct cpu_stats){0};
}

static void
check_pair(struct bed *bed, uint32_t first, uint32_t second)
{
    static struct outcome together, apart;
    static const uint32_t trap = ASM_EBREAK;
    unsigned char *code = bed->flat.bytes + CODE;
    struct cpu_regs regs;
    set_registers(bed, &regs);

    for (unsigned i = 0; i < 0x1000; i += 4)
        memcpy(code + i, &trap, 4);
    memcpy(code, &first, 4);
    memcpy(code + 4, &second, 4);
    begin(bed, &regs);
    run(bed, &together);
    finish(bed, &together);

    memcpy(code + 4, &trap, 4);
    begin(bed, &regs);
    run(bed, &apart);
    if (apart.regs.pc == CODE + 4 && apart.why != CPU_EXIT_FAULT) {
        bed->hart->stats.fetches--; /* the trap's */
        memcpy(code + 4, &second, 4);
        run(bed, &apart);
    }
    finish(bed, &apart);
    assert_int_equal(together.why, apart.why);
    /* A return into the pair goes round until the slice ends, and each run has one of its own. */
    if (together.why == CPU_EXIT_SLICE)
        return;
    if (memcmp(&together.regs, &apart.regs, sizeof together.regs) != 0)
        print_message("%08x %08x\n", first, second);
    assert_memory_equal(&together.regs, &apart.regs, sizeof together.regs);
    assert_int_equal(together.fault_va, apart.fault_va);
    assert_int_equal(together.stats.instructions, apart.stats.instructions);
    assert_int_equal(together.stats.fetches, apart.stats.fetches);
    assert_int_equal(together.stats.loads_stores, apart.stats.loads_stores);
    assert_memory_equal(together.data, apart.data, sizeof together.data);
}

static void
pairs_equal_their_parts(void **state)
{
    (void)state;
    static struct bed bed;
    uint64_t seed = test_seed();
    base_rng_init(&bed.rng, seed);
    assert_true(flat_mmu_init(&bed.flat, PAGES, 0, 0));
    for (unsigned i = 0; i < DATA_PAGES; i++)
        bed.flat.prot[(DATA >> 12) + i] = PROT_MASK_R | PROT_MASK_W;
    bed.flat.prot[(DATA >> 12) + 1] = PROT_MASK_R;
    bed.flat.prot[(DATA >> 12) + 3] = 0;
    /* Nowhere else may a store go: the code would change. */
    for (unsigned page = 0; page < PAGES; page++)
        if (page < DATA >> 12 || page >= (DATA >> 12) + DATA_PAGES)
            bed.flat.prot[page] = PROT_MASK_R | PROT_MASK_X;
    for (unsigned i = 0x2000; i < 0x3000; i += 4) {
        uint32_t trap = ASM_EBREAK;
        memcpy(bed.flat.bytes + i, &trap, 4);
    }
    host_alloc_init(&bed.alloc, NULL);
    assert_int_equal(cpu_hart_create(&bed.flat.mmu, &bed.alloc, &bed.hart), PGW_OK);
    for (unsigned i = 0; i < SHAPES; i++)
        for (unsigned j = 0; j < SHAPES; j++)
            for (unsigned round = 0; round < ROUNDS && shapes[i].form != JUMP &&
                                     shapes[i].form != CALL && shapes[i].form != RETURN;
                 round++)
                check_pair(&bed, make(&bed, &shapes[i]), make(&bed, &shapes[j]));
    cpu_hart_destroy(bed.hart);
    flat_mmu_fini(&bed.flat);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pairs_equal_their_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
