/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the 65536 halfwords are instructions, as the manual's chapter 16 lists them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "asm.h"
#include "cpu/hart.h"
#include "cpu/ops.h"
#include "flat_mmu.h"
#include "host/host_mem.h"

#define PAGES 16
#define CODE 0x1000u

static unsigned
field(unsigned h, unsigned hi, unsigned lo)
{
    return h >> lo & ((1u << (hi - lo + 1)) - 1);
}

static bool
legal_q0(unsigned h)
{
    unsigned f3 = field(h, 15, 13);
    if (f3 == 0)
        return field(h, 12, 5) != 0; /* c.addi4spn with a zero immediate is reserved */
    return f3 != 4;
}

static bool
legal_q1(unsigned h)
{
    switch (field(h, 15, 13)) {
    case 1: /* c.addiw x0 is reserved */
        return field(h, 11, 7) != 0;
    case 3: /* c.lui and c.addi16sp with a zero immediate are reserved */
        return field(h, 12, 12) != 0 || field(h, 6, 2) != 0;
    case 4:
        return field(h, 11, 10) != 3 || field(h, 12, 12) == 0 || field(h, 6, 5) < 2;
    default:
        return true;
    }
}

static bool
legal_q2(unsigned h)
{
    unsigned rd = field(h, 11, 7), rs2 = field(h, 6, 2);
    switch (field(h, 15, 13)) {
    case 2: /* c.lwsp and c.ldsp to x0 are reserved */
    case 3:
        return rd != 0;
    case 4: /* c.jr x0 is reserved */
        return field(h, 12, 12) != 0 || rs2 != 0 || rd != 0;
    default:
        return true;
    }
}

static bool
legal(unsigned h)
{
    unsigned quadrant = h & 3;
    return quadrant == 0 ? legal_q0(h) : quadrant == 1 ? legal_q1(h) : legal_q2(h);
}

static void
every_halfword_is_legal_or_not(void **state)
{
    (void)state;
    uint16_t index[33];
    cpu_decode_init(index);
    for (unsigned h = 0; h < 0x10000; h++) {
        if ((h & 3) == 3) {
            assert_int_equal(cpu_expand((uint16_t)h), 0);
            continue;
        }
        uint32_t bits = cpu_expand((uint16_t)h);
        assert_int_equal(bits != 0, legal(h));
        if (bits != 0)
            assert_int_not_equal(cpu_decode(index, bits).kind, CPU_KIND_illegal);
    }
}

/* The hart agrees, and its report has the halfword. */
static void
the_hart_agrees(void **state)
{
    (void)state;
    struct flat_mmu flat;
    struct base_alloc alloc;
    struct cpu_hart *hart;
    assert_true(flat_mmu_init(&flat, PAGES, 0, 0));
    host_alloc_init(&alloc, NULL);
    assert_int_equal(cpu_hart_create(&flat.mmu, &alloc, &hart), PGW_OK);
    for (unsigned h = 0; h < 0x10000; h++) {
        if ((h & 3) == 3)
            continue;
        uint16_t half = (uint16_t)h;
        uint32_t ebreak = ASM_EBREAK;
        memcpy(flat.bytes + CODE, &half, 2);
        memcpy(flat.bytes + CODE + 2, &ebreak, 4);
        cpu_hart_invalidate_space(hart, 0);
        memset(&hart->regs, 0, sizeof hart->regs);
        hart->regs.pc = CODE;
        for (unsigned r = 1; r < 32; r++)
            hart->regs.x[r] = 0x4000;
        enum cpu_exit why = cpu_hart_run(hart, 1);
        assert_int_equal(why == CPU_EXIT_ILLEGAL && hart->regs.pc == CODE, !legal(h));
        if (!legal(h))
            assert_int_equal(hart->insn, h);
        assert_int_equal(hart->regs.x[0], 0);
    }
    cpu_hart_destroy(hart);
    flat_mmu_fini(&flat);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_halfword_is_legal_or_not), cmocka_unit_test(the_hart_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
