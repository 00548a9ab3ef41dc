/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Branches and jumps.  Within a page they follow a pointer in their payload; what may leave it
 * goes through the fetch cache and the entry table of the page that is there.
 */
#include "cpu/bodies.h"

#define BRANCH(name)                                                                               \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t a = RS1(op);                                                                      \
        BODY_##name(op, a);                                                                        \
    }
BRANCH(beq)
BRANCH(bne)
BRANCH(blt)
BRANCH(bge)
BRANCH(bltu)
BRANCH(bgeu)
BRANCH(beqz)
BRANCH(bnez)
BRANCH(bltz)
BRANCH(bgez)
BRANCH(jump_near)
BRANCH(call_near)
BRANCH(jump_far)
BRANCH(call_far)
BRANCH(ret)

HANDLER(jalr)
{
    uint64_t va = (RS1(op) + IMM(op)) & ~(uint64_t)1;
    RD(op) = op[1].value;
    RECORD_LEFT(op[2].value);
    k -= op[1].delta;
    BODY_ENTER(va);
}

/*
 * The instruction whose first half is its page's last.  op[1] holds its address and the run's share
 * before it.  Its second half is fetched each time that it runs.
 */
HANDLER(crossing)
{
    uint64_t pc = op[1].value, next = pc + 2;
    struct cpu_page *page = cpu_run_of(op)->page;
    RECORD_LEFT(op->imm);
    k -= op[1].delta;
    c->hart.regs.pc = pc;
    if ((int64_t)k < 0)
        CHAIN(cpu_slice_over, op, k);
    c->extra_fetch++;
    struct cpu_fetch_slot *slot = cpu_fetch_slot(c, next >> PAGE_SHIFT);
    struct cpu_page *second =
        slot->vpn == next >> PAGE_SHIFT ? slot->page : cpu_fetch_page(c, next);
    if (second == NULL)
        return cpu_leave_before(c, pc, k, c->stop, c->exit);
    const unsigned char *lo = page->bytes + PAGE_SIZE - 2, *hi = second->bytes;
    uint32_t insn =
        (uint32_t)lo[0] | (uint32_t)lo[1] << 8 | (uint32_t)hi[0] << 16 | (uint32_t)hi[1] << 24;
    if (c->crossing_pc != pc || c->crossing_insn != insn)
        cpu_run_crossing(c, pc, insn);
    GOTO(c->crossing->ops, k);
}
