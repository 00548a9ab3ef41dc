/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What handlers are written with.  Where the compiler makes sibling calls, NEXT jumps to the next
 * handler with everything in registers; elsewhere (no optimisation, sanitizers) it returns the
 * next op to the loop in hart.c, and the count goes through the core.
 */
#ifndef CPU_HANDLER_H
#define CPU_HANDLER_H

#include "cpu/ops.h"

#if defined(__OPTIMIZE__) && !defined(BASE_DEBUG)
#define CPU_THREADED 1
#define GOTO(op_, k_)                                                                              \
    do {                                                                                           \
        const struct cpu_op *goto_op = (op_);                                                      \
        return goto_op->fn(c, goto_op, (k_));                                                      \
    } while (0)
#define CHAIN(fn_, op_, k_) return fn_(c, op_, k_)
#else
#define CPU_THREADED 0
#define GOTO(op_, k_)                                                                              \
    do {                                                                                           \
        c->k = (k_);                                                                               \
        return (op_);                                                                              \
    } while (0)
#define CHAIN(fn_, op_, k_) return fn_(c, op_, k_)
#endif

#define NEXT(n) GOTO(op + (n), k)

/*
 * Sources whose handlers record are compiled twice.  RECORD_VA: an access that was made;
 * RECORD_LEFT: the run is left, after what the word says.
 */
#ifdef CPU_RECORD
#define CPU_NAME(plain, recording) recording
#define RECORD_VA(va) (*c->record_va++ = (va))
#define RECORD_LEFT(word) (*c->record_word++ = (uint32_t)(word))
#else
#define CPU_NAME(plain, recording) plain
#define RECORD_VA(va) ((void)0)
#define RECORD_LEFT(word) ((void)0)
#endif

#define HANDLER(name)                                                                              \
    const struct cpu_op *CPU_NAME(cpu_do_##name, cpu_rec_##name)(                                  \
        struct cpu_core * c, const struct cpu_op *op, uint64_t k)

#define LIKELY(e) __builtin_expect(!!(e), 1)
#define UNLIKELY(e) __builtin_expect(!!(e), 0)
#define COLD __attribute__((noinline, cold))

/* Operands of this op, and of those that follow it. */
#define RD(o) (*cpu_reg(c, (o)->rd))
#define RS1(o) (*cpu_reg(c, (o)->rs1))
#define RS2(o) (*cpu_reg(c, (o)->rs2))
#define IMM(o) ((uint64_t)(int64_t)(o)->imm)

#endif
