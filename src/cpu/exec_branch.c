/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Branches and jumps.  Within a page they follow a pointer in their payload; what may leave it
 * goes through the fetch cache and the entry table of the page that is there.
 */
#include "cpu/handler.h"

/* Follows payload p: its run is done, and the slice may be. */
#define TAKE(p) \
    do { \
        k -= (p)->delta; \
        if (UNLIKELY((int64_t)k < 0)) \
            CHAIN(cpu_leave_slice, (p)->target, k); \
        GOTO((p)->target, k); \
    } while (0)

/* Goes to va, in whatever page. */
#define ENTER(va_) \
    do { \
        uint64_t enter_va = (va_); \
        c->hart.regs.pc = enter_va; \
        if (UNLIKELY((int64_t)k < 0)) \
            CHAIN(branch_slice_over, op, k); \
        struct cpu_fetch_slot *enter_slot = cpu_fetch_slot(c, enter_va >> PAGE_SHIFT); \
        if (UNLIKELY(enter_slot->vpn != enter_va >> PAGE_SHIFT)) \
            CHAIN(branch_enter, op, k); \
        GOTO(enter_slot->page->entry[(enter_va & (PAGE_SIZE - 1)) >> 1], k); \
    } while (0)

static COLD const struct cpu_op *
branch_slice_over(struct cpu_core *c, const struct cpu_op *op, uint64_t k)
{
    (void)op;
    return cpu_leave_before(c, c->hart.regs.pc, k, CPU_STOP_EXIT, CPU_EXIT_SLICE);
}

/* Goes to regs.pc, whose page is not in its fetch slot. */
static COLD const struct cpu_op *
branch_enter(struct cpu_core *c, const struct cpu_op *op, uint64_t k)
{
    (void)op;
    uint64_t pc = c->hart.regs.pc;
    struct cpu_page *page = cpu_fetch_page(c, pc);
    if (page == NULL)
        return cpu_leave_before(c, pc, k, c->stop, c->exit);
    GOTO(page->entry[(pc & (PAGE_SIZE - 1)) >> 1], k);
}

#define BRANCH(name, cond) \
    HANDLER(name) \
    { \
        uint64_t a = RS1(op), b = RS2(op); \
        if (cond) \
            TAKE(op + 1); \
        NEXT(2); \
    }
BRANCH(beq, a == b)
BRANCH(bne, a != b)
BRANCH(blt, (int64_t)a < (int64_t)b)
BRANCH(bge, (int64_t)a >= (int64_t)b)
BRANCH(bltu, a < b)
BRANCH(bgeu, a >= b)

#define BRANCH_ZERO(name, cond) \
    HANDLER(name) \
    { \
        uint64_t a = RS1(op); \
        if (cond) \
            TAKE(op + 1); \
        NEXT(2); \
    }
BRANCH_ZERO(beqz, a == 0)
BRANCH_ZERO(bnez, a != 0)
BRANCH_ZERO(bltz, (int64_t)a < 0)
BRANCH_ZERO(bgez, (int64_t)a >= 0)

HANDLER(jump_near)
{
    TAKE(op + 1);
}

HANDLER(call_near)
{
    RD(op) = op[2].value;
    TAKE(op + 1);
}

HANDLER(jump_far)
{
    k -= op[1].delta;
    ENTER(op[1].value);
}

HANDLER(call_far)
{
    uint64_t va = op[1].value;
    RD(op) = va - IMM(op);
    k -= op[1].delta;
    ENTER(va);
}

HANDLER(jalr)
{
    uint64_t va = (RS1(op) + IMM(op)) & ~(uint64_t)1;
    RD(op) = op[1].value;
    k -= op[1].delta;
    ENTER(va);
}

HANDLER(ret)
{
    uint64_t va = (RS1(op) + IMM(op)) & ~(uint64_t)1;
    k -= op[1].delta;
    ENTER(va);
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
        return cpu_leave_before(c, (page->vpn << PAGE_SHIFT) + (unsigned)op->imm, k, CPU_STOP_FULL,
            CPU_EXIT_SLICE);
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
        CHAIN(branch_slice_over, op, k);
    c->extra_fetch++;
    struct cpu_fetch_slot *slot = cpu_fetch_slot(c, next >> PAGE_SHIFT);
    struct cpu_page *second = slot->vpn == next >> PAGE_SHIFT ? slot->page : cpu_fetch_page(c, next);
    if (second == NULL)
        return cpu_leave_before(c, pc, k, c->stop, c->exit);
    const unsigned char *lo = page->bytes + PAGE_SIZE - 2, *hi = second->bytes;
    uint32_t insn = (uint32_t)lo[0] | (uint32_t)lo[1] << 8 | (uint32_t)hi[0] << 16 |
        (uint32_t)hi[1] << 24;
    if (c->crossing_pc != pc || c->crossing_insn != insn)
        cpu_run_crossing(c, pc, insn);
    GOTO(c->crossing->ops, k);
}

/* jal is always decoded to a jump or call of our own. */
HANDLER(jal)
{
    CHAIN(cpu_do_illegal, op, k);
}
