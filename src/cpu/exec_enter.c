/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding the code where a jump goes, when it is not at hand. */
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

/* jal is always decoded to a jump or call of our own. */
HANDLER(jal)
{
    CHAIN(cpu_do_illegal, op, k);
}
