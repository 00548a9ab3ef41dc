/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps, fence.i and the CSRs that user mode may reach: fflags, frm, fcsr, and the counters cycle,
 * time and instret, which can be read only.  All three counters count instructions retired, so that
 * a program's run does not depend on the host.
 */
#include "cpu/fp_exec.h"

#define CSR_FFLAGS 1u
#define CSR_FRM 2u
#define CSR_FCSR 3u
#define CSR_CYCLE 0xc00u
#define CSR_TIME 0xc01u
#define CSR_INSTRET 0xc02u

HANDLER(ecall)
{
    return cpu_leave_at(c, op, k, CPU_EXIT_ECALL);
}

HANDLER(ebreak)
{
    return cpu_leave_at(c, op, k, CPU_EXIT_EBREAK);
}

HANDLER(illegal)
{
    c->hart.insn = (uint32_t)op->imm;
    return cpu_leave_at(c, op, k, CPU_EXIT_ILLEGAL);
}

/* The bits are read from the code again: a page-crossing instruction's are in the core. */
COLD const struct cpu_op *
cpu_leave_illegal(struct cpu_core *c, const struct cpu_op *op, uint64_t k)
{
    const struct cpu_run *run = cpu_run_of(op);
    if (run->page == NULL)
        c->hart.insn = c->crossing_insn;
    else
        memcpy(&c->hart.insn, run->page->bytes + (cpu_op_pc(op) & (PAGE_SIZE - 1)),
            sizeof c->hart.insn);
    return cpu_leave_at(c, op, k, CPU_EXIT_ILLEGAL);
}

/* fence.i: all decoded code of the space is dropped; the run loop goes on after it. */
HANDLER(fence_i)
{
    if (c->recorder != NULL)
        cpu_record_left(c, op, cpu_side_of(op)->n + 1u);
    cpu_code_drop_asid(c, c->asid);
    return cpu_leave_before(c, op[1].value, k - op[1].delta, CPU_STOP_RESUME, CPU_EXIT_SLICE);
}

/* fence orders accesses among harts; this hart's are in order. */
HANDLER(fence)
{
    NEXT(1);
}

/* Reads a CSR; false when there is none for user mode. */
static bool
csr_read(struct cpu_core *c, unsigned csr, uint64_t retired, uint64_t *value)
{
    switch (csr) {
    case CSR_FFLAGS:
    case CSR_FRM:
    case CSR_FCSR:
        cpu_fp_merge(c);
        *value = csr == CSR_FFLAGS ? c->fflags : csr == CSR_FRM ? c->frm : c->hart.regs.fcsr;
        return true;
    case CSR_CYCLE:
    case CSR_TIME:
    case CSR_INSTRET:
        *value = retired;
        return true;
    default:
        return false;
    }
}

/* Writes one of the floating-point CSRs, whose other part stays. */
static void
csr_write(struct cpu_core *c, unsigned csr, uint64_t value)
{
    cpu_fp_merge(c);
    uint32_t fcsr = c->hart.regs.fcsr;
    if (csr == CSR_FFLAGS)
        fcsr = (fcsr & ~31u) | (uint32_t)(value & 31);
    else if (csr == CSR_FRM)
        fcsr = (fcsr & 31u) | (uint32_t)(value & 7) << 5;
    else
        fcsr = (uint32_t)(value & 255);
    cpu_fp_load(c, fcsr);
}

/* The old value, ored with or cleared of operand bits, or replaced: by funct3's low two bits. */
static uint64_t
csr_new_value(unsigned how, uint64_t old, uint64_t operand)
{
    if (how == 1)
        return operand;
    return how == 2 ? old | operand : old & ~operand;
}

/*
 * csrrw, csrrs, csrrc (how 1, 2, 3).  Set and clear do not write when their operand field is 0, so
 * that they may name read-only CSRs.
 */
static COLD bool
csr_access(struct cpu_core *c, const struct cpu_op *op, uint64_t k, unsigned how, uint64_t operand)
{
    unsigned csr = (unsigned)op->imm;
    bool writes = how == 1 || op->rs1 != 0;
    uint64_t old;
    if (!csr_read(c, csr, cpu_retired_at(c, op, k), &old) || (writes && csr >= CSR_CYCLE))
        return false;
    if (writes)
        csr_write(c, csr, csr_new_value(how, old, operand));
    RD(op) = old;
    return true;
}

#define CSR(name, how, operand)                                                                    \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        if (!csr_access(c, op, k, how, operand))                                                   \
            CHAIN(cpu_leave_illegal, op, k);                                                       \
        NEXT(1);                                                                                   \
    }
CSR(csrrw, 1u, RS1(op))
CSR(csrrs, 2u, RS1(op))
CSR(csrrc, 3u, RS1(op))
CSR(csrrwi, 1u, op->rs1)
CSR(csrrsi, 2u, op->rs1)
CSR(csrrci, 3u, op->rs1)
