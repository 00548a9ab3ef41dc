/* SPDX-License-Identifier: BSD-2-Clause */
/* What the contract of cpu/hart.h promises: exact faults, exact counts, code that changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "asm.h"
#include "cpu/hart.h"
#include "flat_mmu.h"
#include "host/host_mem.h"

#define PAGES 64
#define CODE 0x1000u
#define DATA 0x8000u

struct bed {
    struct flat_mmu flat;
    struct base_alloc alloc;
    struct cpu_hart *hart;
};

static int
setup(void **state)
{
    struct bed *bed = malloc(sizeof(*bed));
    if (bed == NULL || !flat_mmu_init(&bed->flat, PAGES, 0, 0))
        return -1;
    host_alloc_init(&bed->alloc, NULL);
    if (cpu_hart_create(&bed->flat.mmu, &bed->alloc, &bed->hart) != PGW_OK)
        return -1;
    cpu_hart_switched(bed->hart, 1);
    bed->hart->regs.pc = CODE;
    *state = bed;
    return 0;
}

static int
teardown(void **state)
{
    struct bed *bed = *state;
    cpu_hart_destroy(bed->hart);
    assert_int_equal(bed->alloc.mapped, 0);
    flat_mmu_fini(&bed->flat);
    free(bed);
    return 0;
}

static void
put32(struct bed *bed, uint64_t at, uint32_t insn)
{
    memcpy(bed->flat.bytes + at, &insn, sizeof insn);
}

static void
put_code(struct bed *bed, uint64_t at, const uint32_t *insns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put32(bed, at + 4 * i, insns[i]);
}
#define PUT(bed, at, ...)                                                                          \
    do {                                                                                           \
        const uint32_t put_insns[] = {__VA_ARGS__};                                                \
        put_code(bed, at, put_insns, sizeof put_insns / 4);                                        \
    } while (0)

static uint64_t
get64(struct bed *bed, uint64_t at)
{
    uint64_t v;
    memcpy(&v, bed->flat.bytes + at, sizeof v);
    return v;
}

static void
put64(struct bed *bed, uint64_t at, uint64_t v)
{
    memcpy(bed->flat.bytes + at, &v, sizeof v);
}

static void
expect_counts(struct bed *bed, uint64_t instructions, uint64_t fetches, uint64_t accesses)
{
    assert_int_equal(bed->hart->stats.instructions, instructions);
    assert_int_equal(bed->hart->stats.fetches, fetches);
    assert_int_equal(bed->hart->stats.loads_stores, accesses);
}

static void
expect_fault(struct bed *bed, uint64_t pc, uint64_t va, enum access access, enum mmu_fault fault)
{
    assert_int_equal(bed->hart->regs.pc, pc);
    assert_int_equal(bed->hart->fault_va, va);
    assert_int_equal(bed->hart->fault_access, access);
    assert_int_equal(bed->hart->fault, fault);
}

static void
ecall_stops_before_it(void **state)
{
    struct bed *bed = *state;
    PUT(bed, CODE, asm_addi(5, 0, 7), asm_addi(5, 5, 1), ASM_ECALL, asm_addi(5, 0, 9), ASM_EBREAK);
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.pc, CODE + 8);
    assert_int_equal(bed->hart->regs.x[5], 8);
    expect_counts(bed, 2, 3, 0);
    bed->hart->regs.pc += 4;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_EBREAK);
    assert_int_equal(bed->hart->regs.pc, CODE + 16);
    assert_int_equal(bed->hart->regs.x[5], 9);
    expect_counts(bed, 3, 5, 0);
}

static void
x0_stays_zero(void **state)
{
    struct bed *bed = *state;
    put64(bed, DATA, 77);
    PUT(bed, CODE, asm_lui(6, DATA >> 12), asm_addi(0, 6, 3), asm_lui(0, 5), asm_ld(0, 6, 0),
        asm_r(0, 0, 0, 6, 6, 0x33), ASM_AMOADD_D(0u, 6u, 6u), asm_addi(7, 0, 0), ASM_ECALL);
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[0], 0);
    assert_int_equal(bed->hart->regs.x[7], 0);
    assert_int_equal(get64(bed, DATA), 77 + DATA);
    expect_counts(bed, 7, 8, 2);
}

static void
load_fault_has_no_effect(void **state)
{
    struct bed *bed = *state;
    bed->flat.prot[DATA >> 12] = 0;
    PUT(bed, CODE, asm_lui(6, DATA >> 12), asm_addi(7, 0, 5), asm_ld(7, 6, 8), asm_addi(7, 7, 1),
        ASM_ECALL);
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_FAULT);
    expect_fault(bed, CODE + 8, DATA + 8, ACCESS_READ, MMU_NOT_PRESENT);
    assert_int_equal(bed->hart->regs.x[7], 5);
    expect_counts(bed, 2, 3, 1);
    bed->flat.prot[DATA >> 12] = PROT_MASK_R;
    put64(bed, DATA + 8, 41);
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[7], 42);
    expect_counts(bed, 4, 6, 2);
}

static void
store_to_read_only_page(void **state)
{
    struct bed *bed = *state;
    bed->flat.prot[DATA >> 12] = PROT_MASK_R;
    PUT(bed, CODE, asm_lui(6, DATA >> 12), asm_ld(7, 6, 0), asm_sd(6, 6, 0), ASM_ECALL);
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_FAULT);
    expect_fault(bed, CODE + 8, DATA, ACCESS_WRITE, MMU_RIGHTS);
    assert_int_equal(get64(bed, DATA), 0);
    expect_counts(bed, 2, 3, 2);
}

static void
page_crossing_data(void **state)
{
    struct bed *bed = *state;
    uint64_t second = DATA + 0x1000;
    PUT(bed, CODE, asm_lui(6, (DATA >> 12) + 1), asm_sd(8, 6, -3), asm_ld(9, 6, -3), ASM_ECALL);
    bed->hart->regs.x[8] = 0x1122334455667788;
    bed->flat.frame[second >> 12] = 40; /* not next to the first in host memory */
    bed->flat.prot[second >> 12] = 0;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_FAULT);
    expect_fault(bed, CODE + 4, second, ACCESS_WRITE, MMU_NOT_PRESENT);
    assert_int_equal(get64(bed, second - 8), 0);
    expect_counts(bed, 1, 2, 2);
    bed->flat.prot[second >> 12] = PROT_MASK_ALL;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[9], 0x1122334455667788);
    assert_int_equal(bed->flat.bytes[second - 3], 0x88);
    assert_int_equal(get64(bed, 40 << 12), 0x1122334455);
    expect_counts(bed, 3, 5, 6);
}

static void
page_crossing_data_first_faults(void **state)
{
    struct bed *bed = *state;
    bed->flat.prot[DATA >> 12] = 0;
    PUT(bed, CODE, asm_lui(6, (DATA >> 12) + 1), asm_ld(7, 6, -1), ASM_ECALL);
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_FAULT);
    expect_fault(bed, CODE + 4, DATA + 0xfff, ACCESS_READ, MMU_NOT_PRESENT);
    expect_counts(bed, 1, 2, 1);
}

static void
page_crossing_instruction(void **state)
{
    struct bed *bed = *state;
    uint64_t at = CODE + 0x1000 - 2;
    uint32_t insn = asm_addi(5, 5, 1);
    bed->flat.frame[(CODE >> 12) + 1] = 50;
    memcpy(bed->flat.bytes + at, &insn, 2);
    memcpy(bed->flat.bytes + (50 << 12), (char *)&insn + 2, 2);
    put32(bed, (50 << 12) + 2, ASM_ECALL);
    put32(bed, CODE + 0x1000 - 6, asm_addi(5, 0, 10));
    bed->flat.prot[(CODE >> 12) + 1] = PROT_MASK_R;
    bed->hart->regs.pc = at - 4;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_FAULT);
    expect_fault(bed, at, CODE + 0x1000, ACCESS_EXEC, MMU_RIGHTS);
    assert_int_equal(bed->hart->regs.x[5], 10);
    expect_counts(bed, 1, 3, 0);
    bed->flat.prot[(CODE >> 12) + 1] = PROT_MASK_ALL;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[5], 11);
    assert_int_equal(bed->hart->regs.pc, CODE + 0x1002);
    expect_counts(bed, 2, 6, 0);
}

/* A branch, a store that faults and a jump with a link, each across the edge of a page. */
static void
page_crossing_branch_and_fault(void **state)
{
    struct bed *bed = *state;
    uint64_t at = CODE + 0x1000 - 2;
    put32(bed, at, asm_branch(ASM_BEQ, 0, 0, -0x100));
    put32(bed, at - 0x100, asm_addi(5, 0, 3));
    put32(bed, at - 0xfc, ASM_ECALL);
    bed->hart->regs.pc = at;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.pc, at - 0xfc);
    expect_counts(bed, 2, 4, 0);
    put32(bed, at, asm_jal(1, 0x40));
    put32(bed, at + 0x40, ASM_EBREAK);
    bed->hart->regs.pc = at;
    cpu_hart_invalidate_space(bed->hart, 1);
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_EBREAK);
    assert_int_equal(bed->hart->regs.pc, at + 0x40);
    assert_int_equal(bed->hart->regs.x[1], at + 4);
    put32(bed, at, asm_sd(1, 6, 0));
    bed->hart->regs.pc = at;
    bed->hart->regs.x[6] = DATA;
    bed->flat.prot[DATA >> 12] = PROT_MASK_R;
    bed->hart->stats = (struct cpu_stats){0};
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_FAULT);
    expect_fault(bed, at, DATA, ACCESS_WRITE, MMU_RIGHTS);
    expect_counts(bed, 0, 2, 1);
}

static void
jump_to_absent_page(void **state)
{
    struct bed *bed = *state;
    PUT(bed, CODE, asm_lui(6, DATA >> 12), asm_jalr(1, 6, 0x10));
    bed->flat.prot[DATA >> 12] = PROT_MASK_R | PROT_MASK_W;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_FAULT);
    expect_fault(bed, DATA + 0x10, DATA + 0x10, ACCESS_EXEC, MMU_RIGHTS);
    assert_int_equal(bed->hart->regs.x[1], CODE + 8);
    expect_counts(bed, 2, 3, 0);
}

static void
fence_i_sees_new_code(void **state)
{
    struct bed *bed = *state;
    uint64_t target = CODE + 0x100;
    PUT(bed, CODE, asm_jalr(1, 9, 0), asm_s(2, 8, 9, 0), ASM_FENCE_I, asm_jalr(1, 9, 0), ASM_ECALL);
    PUT(bed, target, asm_addi(5, 5, 1), asm_jalr(0, 1, 0));
    bed->hart->regs.x[9] = target;
    bed->hart->regs.x[8] = asm_addi(5, 5, 100);
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[5], 101);
    expect_counts(bed, 8, 9, 1);
}

static void
gone_page_is_decoded_again(void **state)
{
    struct bed *bed = *state;
    uint64_t target = DATA;
    PUT(bed, CODE, asm_jalr(1, 9, 0), ASM_ECALL);
    PUT(bed, target, asm_addi(5, 5, 1), asm_jalr(0, 1, 0));
    PUT(bed, 30 << 12, asm_addi(5, 5, 16), asm_jalr(0, 1, 0));
    bed->hart->regs.x[9] = target;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[5], 1);
    /* Another frame: seen without gone too, because the bytes' place changed. */
    bed->flat.frame[target >> 12] = 30;
    cpu_hart_invalidate_range(bed->hart, 1, target, 1, false);
    bed->hart->regs.pc = CODE;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[5], 17);
    /* The same frame with other bytes: gone says so. */
    PUT(bed, 30 << 12, asm_addi(5, 5, 32));
    bed->hart->regs.pc = CODE;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[5], 33);
    cpu_hart_invalidate_range(bed->hart, 1, target, 1, true);
    bed->hart->regs.pc = CODE;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[5], 65);
}

static void
spaces_keep_their_own_code(void **state)
{
    struct bed *bed = *state;
    PUT(bed, CODE, asm_addi(5, 5, 1), ASM_ECALL);
    PUT(bed, 30 << 12, asm_addi(5, 5, 16), ASM_ECALL);
    for (uint32_t i = 0; i < 6; i++) {
        bed->flat.frame[CODE >> 12] = i & 1 ? 30 : CODE >> 12;
        cpu_hart_switched(bed->hart, 1 + (i & 1));
        bed->hart->regs.pc = CODE;
        assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    }
    assert_int_equal(bed->hart->regs.x[5], 51);
    assert_int_equal(bed->hart->stats.blocks, 2);
}

static void
slices_end_in_time(void **state)
{
    struct bed *bed = *state;
    PUT(bed, CODE, asm_addi(5, 5, 1), asm_addi(6, 5, 2), asm_branch(ASM_BNE, 5, 7, -8), ASM_ECALL);
    bed->hart->regs.x[7] = 1000000;
    uint64_t before = 0;
    for (uint64_t budget = 1; budget < 2000; budget += 13) {
        assert_int_equal(cpu_hart_run(bed->hart, budget), CPU_EXIT_SLICE);
        uint64_t retired = bed->hart->stats.instructions - before;
        assert_true(retired >= budget && retired <= budget + 64);
        before = bed->hart->stats.instructions;
        assert_int_equal(bed->hart->regs.x[5], (before + 2) / 3);
    }
    assert_int_equal(cpu_hart_run(bed->hart, UINT64_MAX / 4), CPU_EXIT_ECALL);
    expect_counts(bed, 3000000, 3000001, 0);
}

static void
straight_code_ends_too(void **state)
{
    struct bed *bed = *state;
    for (uint64_t at = CODE; at < CODE + 0x4000; at += 4)
        put32(bed, at, asm_addi(5, 5, 1));
    put32(bed, CODE + 0x4000, ASM_ECALL);
    uint64_t runs = 0;
    while (cpu_hart_run(bed->hart, 100) == CPU_EXIT_SLICE) {
        runs++;
        assert_int_equal(bed->hart->regs.x[5], bed->hart->stats.instructions);
        assert_true(bed->hart->stats.instructions <= runs * 164);
    }
    expect_counts(bed, 0x1000, 0x1001, 0);
    assert_true(runs >= 0x1000 / 164);
}

static void
reservations(void **state)
{
    struct bed *bed = *state;
    const uint32_t lr = ASM_LR_D(5u, 6u), sc = ASM_SC_D(7u, 8u, 6u);
    PUT(bed, CODE, lr, sc, ASM_ECALL, sc, ASM_ECALL, lr, ASM_ECALL, sc, ASM_ECALL);
    put64(bed, DATA, 5);
    bed->hart->regs.x[6] = DATA;
    bed->hart->regs.x[8] = 6;
    uint64_t pc = CODE;
    const uint64_t fails[] = {0, 1, 1, 1};
    for (unsigned i = 0; i < 4; i++) {
        bed->hart->regs.pc = pc;
        assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
        assert_int_equal(bed->hart->regs.x[7], fails[i]);
        pc = bed->hart->regs.pc + 4;
        if (i == 2)
            cpu_hart_switched(bed->hart, 1);
    }
    assert_int_equal(get64(bed, DATA), 6);
    /* Another value in between makes it fail, the same address or not. */
    bed->hart->regs.pc = CODE + 20;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    put64(bed, DATA, 99);
    bed->hart->regs.pc += 4;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[7], 1);
    assert_int_equal(get64(bed, DATA), 99);
}

static void
atomics_fault_as_stores(void **state)
{
    struct bed *bed = *state;
    PUT(bed, CODE, ASM_AMOADD_D(5u, 8u, 6u), ASM_ECALL);
    bed->hart->regs.x[6] = DATA + 4;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_MISALIGNED);
    assert_int_equal(bed->hart->fault_va, DATA + 4);
    assert_int_equal(bed->hart->regs.pc, CODE);
    expect_counts(bed, 0, 1, 0);
    bed->flat.prot[DATA >> 12] = PROT_MASK_R;
    bed->hart->regs.x[6] = DATA;
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_FAULT);
    expect_fault(bed, CODE, DATA, ACCESS_WRITE, MMU_RIGHTS);
    expect_counts(bed, 0, 2, 1);
}

static void
privileged_is_illegal(void **state)
{
    struct bed *bed = *state;
    const uint32_t insns[] = {ASM_MRET, ASM_SRET, ASM_WFI, ASM_SFENCE_VMA,
        0x18002573u /* csrr a0, satp */, 0x30002573u /* csrr a0, mstatus */,
        0xc0001073u /* csrw cycle, zero */, 0xc022f573u /* csrrci a0, instret, 5 */,
        0x0000000bu /* custom-0 */, 0x02005053u /* fadd.d, rounding mode 5 */, 0xffffffffu,
        0x00000000u};
    for (size_t i = 0; i < sizeof insns / 4; i++) {
        PUT(bed, CODE, asm_addi(5, 5, 1), insns[i]);
        cpu_hart_invalidate_space(bed->hart, 1);
        bed->hart->regs.pc = CODE;
        bed->hart->insn = 0x55;
        assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ILLEGAL);
        assert_int_equal(bed->hart->regs.pc, CODE + 4);
        assert_int_equal(bed->hart->insn, insns[i]);
        assert_int_equal(bed->hart->stats.instructions, i + 1);
    }
}

static void
dynamic_rounding_mode_must_be_valid(void **state)
{
    struct bed *bed = *state;
    PUT(bed, CODE, 0x02007053u | 7u << 12 /* fadd.d ft0, ft0, ft0, dyn */, ASM_ECALL);
    for (uint32_t frm = 0; frm < 8; frm++) {
        bed->hart->regs.pc = CODE;
        bed->hart->regs.fcsr = frm << 5;
        assert_int_equal(cpu_hart_run(bed->hart, 100), frm > 4 ? CPU_EXIT_ILLEGAL : CPU_EXIT_ECALL);
        assert_int_equal(bed->hart->regs.fcsr, frm << 5);
    }
}

static void
counters_count_instructions(void **state)
{
    struct bed *bed = *state;
    PUT(bed, CODE, asm_addi(5, 0, 1), 0xc0002573u /* csrr a0, cycle */, asm_addi(5, 0, 1),
        0xc01025f3u /* csrr a1, time */, 0xc0202673u /* csrr a2, instret */, ASM_ECALL);
    assert_int_equal(cpu_hart_run(bed->hart, 100), CPU_EXIT_ECALL);
    assert_int_equal(bed->hart->regs.x[10], 1);
    assert_int_equal(bed->hart->regs.x[11], 3);
    assert_int_equal(bed->hart->regs.x[12], 4);
}

/* Far more code than the arena holds at once: it is dropped and decoded again. */
static void
code_outgrows_the_arena(void **state)
{
    struct bed *bed = *state;
    for (uint64_t at = CODE; at < CODE + 0x1000; at += 4)
        put32(bed, at, asm_branch(ASM_BNE, 0, 0, 8));
    put32(bed, CODE + 0xffc, ASM_ECALL);
    for (uint32_t asid = 1; asid < 12000; asid++) {
        cpu_hart_switched(bed->hart, asid);
        bed->hart->regs.pc = CODE + asid % 1000 * 4;
        assert_int_equal(cpu_hart_run(bed->hart, 5000), CPU_EXIT_ECALL);
    }
    assert_true(bed->alloc.mapped < (size_t)80 << 20);
}

static void
creation_survives_lack_of_memory(void **state)
{
    struct bed *bed = *state;
    for (uint64_t n = 1; n <= 4; n++) {
        struct base_inject inject = {.fail_at = {[INJECT_MAP] = n}};
        struct base_alloc alloc;
        struct cpu_hart *hart = NULL;
        host_alloc_init(&alloc, &inject);
        assert_int_equal(cpu_hart_create(&bed->flat.mmu, &alloc, &hart), PGW_NOMEM);
        assert_null(hart);
        assert_int_equal(alloc.mapped, 0);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(ecall_stops_before_it),
        TEST(x0_stays_zero),
        TEST(load_fault_has_no_effect),
        TEST(store_to_read_only_page),
        TEST(page_crossing_data),
        TEST(page_crossing_data_first_faults),
        TEST(page_crossing_instruction),
        TEST(page_crossing_branch_and_fault),
        TEST(jump_to_absent_page),
        TEST(fence_i_sees_new_code),
        TEST(gone_page_is_decoded_again),
        TEST(spaces_keep_their_own_code),
        TEST(slices_end_in_time),
        TEST(straight_code_ends_too),
        TEST(reservations),
        TEST(atomics_fault_as_stores),
        TEST(privileged_is_illegal),
        TEST(dynamic_rounding_mode_must_be_valid),
        TEST(counters_count_instructions),
        TEST(code_outgrows_the_arena),
        TEST(creation_survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
