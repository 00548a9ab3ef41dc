/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arithmetic that rounds.  To nearest-even it is the host's; in the other modes, and where the
 * host's flags would differ, it is computed in integers.
 */
#include <math.h>

#include "cpu/fp_exec.h"

#define FMT_s (&cpu_soft_single)
#define FMT_d (&cpu_soft_double)
#define BOX_s CPU_BOX
#define BOX_d UINT64_C(0)

#define RS3(o) (*cpu_reg(c, (unsigned)(o)->imm >> 8))

/*
 * One instruction: host is its value on the host's unit, soft the integer computation on bits x, y,
 * z with rounding mode rm.  again: the host's answer is not trusted when it is this.
 */
#define ARITH(name, w, type, host, soft, again)                                                    \
    static COLD void fp_soft_##name(struct cpu_core *c, const struct cpu_op *op, unsigned rm)      \
    {                                                                                              \
        uint64_t x = cpu_bits_##w(RS1(op)), y = cpu_bits_##w(RS2(op));                             \
        uint64_t z = cpu_bits_##w(RS3(op));                                                        \
        (void)y;                                                                                   \
        (void)z;                                                                                   \
        RD(op) = BOX_##w | (soft);                                                                 \
    }                                                                                              \
    static COLD const struct cpu_op *fp_slow_##name(                                               \
        struct cpu_core *c, const struct cpu_op *op, uint64_t k)                                   \
    {                                                                                              \
        unsigned rm = cpu_rm(c, op);                                                               \
        if (rm > CPU_RMM)                                                                          \
            return cpu_leave_illegal(c, op, k);                                                    \
        fp_soft_##name(c, op, rm);                                                                 \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        if (UNLIKELY(cpu_rm(c, op) != CPU_RNE))                                                    \
            CHAIN(fp_slow_##name, op, k);                                                          \
        type a = cpu_get_##w(RS1(op)), b = cpu_get_##w(RS2(op)), d = cpu_get_##w(RS3(op));         \
        (void)b;                                                                                   \
        (void)d;                                                                                   \
        type r = (host);                                                                           \
        if (again)                                                                                 \
            CHAIN(fp_slow_##name, op, k);                                                          \
        RD(op) = cpu_put_##w(r);                                                                   \
        NEXT(1);                                                                                   \
    }

#define SOFT(f, w, ...) cpu_soft_##f(FMT_##w, __VA_ARGS__, rm, &c->fflags)
#define NEG(w, v) ((v) ^ FMT_##w->sign)

/* An addend that is a NaN hides from the host that the product is infinity times zero. */
#define ARITH_ALL(w, type, SQRT, FMA)                                                              \
    ARITH(fadd_##w, w, type, a + b, SOFT(add, w, x, y), false)                                     \
    ARITH(fsub_##w, w, type, a - b, SOFT(add, w, x, NEG(w, y)), false)                             \
    ARITH(fmul_##w, w, type, a *b, SOFT(mul, w, x, y), false)                                      \
    ARITH(fdiv_##w, w, type, a / b, SOFT(div, w, x, y), false)                                     \
    ARITH(fsqrt_##w, w, type, SQRT(a), SOFT(sqrt, w, x), false)                                    \
    ARITH(fmadd_##w, w, type, FMA(a, b, d), SOFT(fma, w, x, y, z), r != r)                         \
    ARITH(fmsub_##w, w, type, FMA(a, b, -d), SOFT(fma, w, x, y, NEG(w, z)), r != r)                \
    ARITH(fnmsub_##w, w, type, FMA(-a, b, d), SOFT(fma, w, NEG(w, x), y, z), r != r)               \
    ARITH(fnmadd_##w, w, type, FMA(-a, b, -d), SOFT(fma, w, NEG(w, x), y, NEG(w, z)), r != r)

ARITH_ALL(s, float, sqrtf, fmaf)
ARITH_ALL(d, double, sqrt, fma)

/* Between the formats. */
static COLD const struct cpu_op *
fp_slow_s_d(struct cpu_core *c, const struct cpu_op *op, uint64_t k)
{
    unsigned rm = cpu_rm(c, op);
    if (rm > CPU_RMM)
        return cpu_leave_illegal(c, op, k);
    RD(op) =
        CPU_BOX | cpu_soft_convert(&cpu_soft_double, &cpu_soft_single, RS1(op), rm, &c->fflags);
    NEXT(1);
}

HANDLER(fcvt_s_d)
{
    if (UNLIKELY(cpu_rm(c, op) != CPU_RNE))
        CHAIN(fp_slow_s_d, op, k);
    RD(op) = cpu_put_s((float)cpu_get_d(RS1(op)));
    NEXT(1);
}

HANDLER(fcvt_d_s)
{
    if (UNLIKELY(cpu_rm(c, op) > CPU_RMM))
        CHAIN(cpu_leave_illegal, op, k);
    RD(op) = cpu_put_d((double)cpu_get_s(RS1(op)));
    NEXT(1);
}
