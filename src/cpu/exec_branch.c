/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Branches and jumps.  Within a page they follow a pointer in their payload; what may leave it
 * goes through the fetch cache and the entry table of the page that is there.
 */
#include "cpu/bodies.h"

COLD const struct cpu_op *
cpu_slice_over(struct cpu_core *c, const struct cpu_op *op, uint64_t k)
{
    (void)op;
    return cpu_leave_before(c, c->hart.regs.pc, k, CPU_STOP_EXIT, CPU_EXIT_SLICE);
}

COLD const struct cpu_op *
cpu_enter(struct cpu_core *c, const struct cpu_op *op, uint64_t k)
{
    (void)op;
    uint64_t pc = c->hart.regs.pc;
    struct cpu_page *page = cpu_fetch_page(c, pc);
    if (page == NULL)
        return cpu_leave_before(c, pc, k, c->stop, c->exit);
    GOTO(page->entry[(pc & (PAGE_SIZE - 1)) >> 1], k);
}

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
    k -= op[1].delta;
    BODY_ENTER(va);
}

/*
 * A direct link that is taken for the first time: op names the place in its page, op[1] the payload
 * that points here, which is made to point to the code.
 */
HANDLER(link)
{
    struct cpu_page *page = (struct cpu_page *)(uintptr_t)op[1].delta;
    const struct cpu_op *head = cpu_run_get(c, page, (unsigned)op->imm);
    if (head == NULL)
        return cpu_leave_before(
            c, (page->vpn << PAGE_SHIFT) + (unsigned)op->imm, k, CPU_STOP_FULL, CPU_EXIT_SLICE);
    ((struct cpu_op *)(uintptr_t)op[1].target)->target = head;
    GOTO(head, k);
}

/* What empty entries point to: decodes at regs.pc. */
HANDLER(missing)
{
    (void)op;
    uint64_t pc = c->hart.regs.pc;
    struct cpu_page *page = cpu_fetch_slot(c, pc >> PAGE_SHIFT)->page;
    const struct cpu_op *head = cpu_run_get(c, page, (unsigned)(pc & (PAGE_SIZE - 1)));
    if (head == NULL)
        return cpu_leave_before(c, pc, k, CPU_STOP_FULL, CPU_EXIT_SLICE);
    GOTO(head, k);
}

/*
 * The instruction whose first half is its page's last.  op[1] holds its address and the run's share
 * before it.  Its second half is fetched each time that it runs.
 */
HANDLER(crossing)
{
    uint64_t pc = op[1].value, next = pc + 2;
    struct cpu_page *page = cpu_run_of(op)->page;
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

/* jal is always decoded to a jump or call of our own. */
HANDLER(jal)
{
    CHAIN(cpu_do_illegal, op, k);
}
