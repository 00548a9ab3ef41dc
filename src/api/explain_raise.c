/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What processors raise on a fault.
 *
 *   RISC-V privileged 20211203, table 3.6 (mcause): 1, 5, 7 access faults; 12, 13, 15 page faults
 *   Intel SDM volume 3A, 4.7 (error code of #PF: P, W/R, U/S, RSVD, I/D) and 3.3.7.1 (#GP)
 *   Arm ARM DDI 0487, ESR_EL1: ISS encodings of data and instruction aborts (xFSC)
 *   MIPS32 PRA volume III, Cause register: ExcCode
 */
#include <stdio.h>

#include "api/explain.h"

static void
explain_raises_riscv(const struct explain *explain, struct explain_fault *fault)
{
    static const char *const names[] = {"load", "store/AMO", "instruction"};
    static const unsigned page[] = {13, 15, 12}, bus[] = {5, 7, 1};
    bool outside = explain->trace->fault == MMU_BUS;

    (void)snprintf(fault->raises, sizeof fault->raises, "%s %s fault (cause %u)",
        names[explain->access], outside ? "access" : "page",
        (outside ? bus : page)[explain->access]);
}

static void
explain_raises_x86(const struct explain *explain, struct explain_fault *fault)
{
    enum mmu_fault kind = explain->trace->fault;
    bool nx = explain->row->format->right[ACCESS_EXEC].mask != 0;
    bool fetch = explain->access == ACCESS_EXEC && nx;
    unsigned code = 4; /* U/S: from user mode */

    if (kind == MMU_BUS)
        return;
    if (kind == MMU_NONCANONICAL) {
        if (explain->row->format->sign_extended)
            (void)snprintf(
                fault->raises, sizeof fault->raises, "general protection exception, #GP(0)");
        return;
    }
    code |= kind == MMU_NOT_PRESENT ? 0 : 1;
    code |= explain->access == ACCESS_WRITE ? 2 : 0;
    code |= kind == MMU_MALFORMED ? 8 : 0;
    code |= fetch ? 16 : 0;
    (void)snprintf(fault->raises, sizeof fault->raises,
        "page fault, #PF, error code 0x%x: %s%s, user%s%s", code,
        kind == MMU_NOT_PRESENT ? "not present" : "present",
        explain->access == ACCESS_WRITE ? ", write" : "", kind == MMU_MALFORMED ? ", reserved" : "",
        fetch ? ", fetch" : "");
}

static void
explain_raises_arm(const struct explain *explain, struct explain_fault *fault)
{
    unsigned level = fault->level < 0 ? 0 : (unsigned)fault->level, status = 0;
    const char *name = "translation fault";

    switch (explain->trace->fault) {
    case MMU_RIGHTS:
        status = 0x0c;
        name = "permission fault";
        break;
    case MMU_AD: /* a write to a clean page, or the first access to it */
        status = explain->access == ACCESS_WRITE &&
                         (fault->bits & explain->row->format->accessed.mask) == 0
                     ? 0x0c
                     : 0x08;
        name = status == 0x0c ? "permission fault" : "access flag fault";
        break;
    case MMU_BUS:
        (void)snprintf(fault->raises, sizeof fault->raises, "synchronous external abort");
        return;
    default:
        status = 0x04;
        break;
    }
    (void)snprintf(fault->raises, sizeof fault->raises, "%s abort: %s, level %u (FSC 0x%02x)",
        explain->access == ACCESS_EXEC ? "instruction" : "data", name, level, status | level);
}

static void
explain_raises_mips(const struct explain *explain, struct explain_fault *fault)
{
    bool store = explain->access == ACCESS_WRITE;

    switch (explain->trace->fault) {
    case MMU_NONCANONICAL:
        (void)snprintf(fault->raises, sizeof fault->raises, "address error, %s",
            store ? "AdES (code 5)" : "AdEL (code 4)");
        return;
    case MMU_RIGHTS:
        (void)snprintf(fault->raises, sizeof fault->raises, "TLB modified, Mod (code 1)");
        return;
    case MMU_NOT_PRESENT:
        (void)snprintf(fault->raises, sizeof fault->raises,
            "TLB refill, %s, which finds nothing to load",
            store ? "TLBS (code 3)" : "TLBL (code 2)");
        return;
    default:
        return;
    }
}

void
explain_raises(const struct explain *explain, struct explain_fault *fault)
{
    if (explain->row->format == NULL)
        return;
    switch (explain_names_of(explain->row->format)->family) {
    case EXPLAIN_RISCV:
        explain_raises_riscv(explain, fault);
        return;
    case EXPLAIN_X86:
        explain_raises_x86(explain, fault);
        return;
    case EXPLAIN_ARM:
        explain_raises_arm(explain, fault);
        return;
    case EXPLAIN_MIPS:
        explain_raises_mips(explain, fault);
        return;
    case EXPLAIN_PLAIN:
        return;
    }
}
