/* SPDX-License-Identifier: BSD-2-Clause */
/* What floating-point handlers share: values in registers, and rounding modes. */
#ifndef CPU_FP_EXEC_H
#define CPU_FP_EXEC_H

#include <string.h>

#include "cpu/handler.h"
#include "cpu/fp.h"
#include "cpu/softfp.h"

#define CPU_NAN_S 0x7fc00000u
#define CPU_NAN_D 0x7ff8000000000000u
#define CPU_BOX UINT64_C(0xffffffff00000000)

/*
 * A single's bits; a register that does not hold a boxed one reads as the canonical NaN.  The
 * compiler must not see that constant: it would fold what follows, and the other operand's flags
 * with it.
 */
static inline uint32_t
cpu_bits_s(uint64_t reg)
{
    uint32_t bits = LIKELY((reg & CPU_BOX) == CPU_BOX) ? (uint32_t)reg : CPU_NAN_S;
    __asm__("" : "+r"(bits));
    return bits;
}

static inline uint64_t
cpu_bits_d(uint64_t reg)
{
    return reg;
}

static inline float
cpu_get_s(uint64_t reg)
{
    uint32_t bits = cpu_bits_s(reg);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline double
cpu_get_d(uint64_t reg)
{
    double v;
    memcpy(&v, &reg, sizeof v);
    return v;
}

/* Results: NaNs become the canonical one. */
static inline uint64_t
cpu_put_s(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return CPU_BOX | (LIKELY(v == v) ? bits : CPU_NAN_S);
}

static inline uint64_t
cpu_put_d(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return LIKELY(v == v) ? bits : CPU_NAN_D;
}

/* The rounding mode of an op that has one. */
static inline unsigned
cpu_rm(const struct cpu_core *c, const struct cpu_op *op)
{
    unsigned rm = (unsigned)op->imm & 7;
    return rm == CPU_DYN ? c->frm : rm;
}

/* Leaves at op, whose instruction turned out to be illegal. */
cpu_fn cpu_leave_illegal;

#endif
