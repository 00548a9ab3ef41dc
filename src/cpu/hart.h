/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A RISC-V RV64GC hart in user mode (unprivileged ISA 20191213: I M A F D C Zicsr Zifencei).
 * It runs until something needs the personality: an ecall, a fault, or the end of the slice.
 */
#ifndef CPU_HART_H
#define CPU_HART_H

#include <stdint.h>

#include "base/access.h"
#include "base/alloc.h"
#include "base/result.h"
#include "mmu/mmu.h"

/* The architectural state of a program: what a context switch saves. */
struct cpu_regs {
    uint64_t pc;
    uint64_t x[32]; /* x[0] reads as zero */
    uint64_t f[32]; /* singles are NaN-boxed */
    uint32_t fcsr;  /* fflags in bits 0-4, frm in bits 5-7 */
};

enum cpu_exit {
    CPU_EXIT_SLICE,     /* the budget is used up */
    CPU_EXIT_ECALL,     /* pc is at the ecall; the personality advances it by 4 */
    CPU_EXIT_EBREAK,    /* pc is at the (c.)ebreak */
    CPU_EXIT_ILLEGAL,   /* illegal or privileged instruction; pc is at it, .insn holds its bits */
    CPU_EXIT_FAULT,     /* .fault_va, .fault_access, .fault; pc is at the instruction, which had
                           no effect */
    CPU_EXIT_MISALIGNED /* an atomic at an address that is not aligned; .fault_va */
};

struct cpu_stats {
    uint64_t instructions; /* retired */
    uint64_t fetches;      /* instruction fetch accesses (one per page an instruction lies in) */
    uint64_t loads_stores; /* data accesses (one per page an access touches) */
    uint64_t blocks;       /* blocks decoded */
};

struct cpu_hart {
    struct cpu_regs regs;
    struct cpu_stats stats;
    /* Why the last cpu_hart_run returned. */
    uint64_t fault_va;
    enum access fault_access;
    enum mmu_fault fault;
    uint32_t insn;
    /* The rest is cpu/'s own: struct cpu_core in cpu/cpu_core.h starts with a cpu_hart. */
};

/* A hart that reaches memory through mmu, which must outlive it.  PGW_NOMEM. */
MUST_CHECK enum pgw_status cpu_hart_create(
    struct mmu *mmu, struct base_alloc *alloc, struct cpu_hart **hart);
void cpu_hart_destroy(struct cpu_hart *hart);

/*
 * Runs from hart->regs until an exit; about budget instructions at the most (a block is never
 * cut: it may retire a few more; stats say how many).  Deterministic.
 */
enum cpu_exit cpu_hart_run(struct cpu_hart *hart, uint64_t budget);

/* The mmu now translates for the space tagged asid; drops LR reservations and pointer caches. */
void cpu_hart_switched(struct cpu_hart *hart, uint32_t asid);

/* Translations changed (see struct pmap_shootdown): pointer caches, and with gone also decoded
 * code of those pages, are dropped. */
void cpu_hart_invalidate_range(
    struct cpu_hart *hart, uint32_t asid, uint64_t va, uint64_t npages, bool gone);
void cpu_hart_invalidate_space(struct cpu_hart *hart, uint32_t asid);

/* What fence.i does, for one space: its instructions are fetched from memory anew. */
void cpu_hart_fence_i(struct cpu_hart *hart, uint32_t asid);

/* Another thread, or another hart, runs now: an LR reservation is lost. */
void cpu_hart_unreserve(struct cpu_hart *hart);

/* Empties pointer caches only, so that every page's next access goes to the mmu again. */
void cpu_hart_forget_pointers(struct cpu_hart *hart);

#endif
