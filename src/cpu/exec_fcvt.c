/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between integers and floating point.  What compilers emit most (truncation in range; to nearest
 * from integers) is the host's; the rest is computed in integers.
 */
#include "cpu/fp_exec.h"

#define FMT_s (&cpu_soft_single)
#define FMT_d (&cpu_soft_double)
#define BOX_s CPU_BOX
#define BOX_d UINT64_C(0)

/* To an integer.  lo and hi bound, exclusively, what truncates into range. */
#define TO_INT(name, w, type, lo, hi, is_signed, bits)                                             \
    static COLD const struct cpu_op *fcvt_slow_##name(                                             \
        struct cpu_core *c, const struct cpu_op *op, uint64_t k)                                   \
    {                                                                                              \
        unsigned rm = cpu_rm(c, op);                                                               \
        if (rm > CPU_RMM)                                                                          \
            return cpu_leave_illegal(c, op, k);                                                    \
        RD(op) = cpu_soft_to_int(FMT_##w, cpu_bits_##w(RS1(op)), is_signed, bits, rm, &c->fflags); \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        type a = cpu_get_##w(RS1(op));                                                             \
        if (UNLIKELY(cpu_rm(c, op) != CPU_RTZ ||                                                   \
                     !(__builtin_isgreater(a, (type)(lo)) && __builtin_isless(a, (type)(hi)))))    \
            CHAIN(fcvt_slow_##name, op, k);                                                        \
        int64_t v = (int64_t)a;                                                                    \
        RD(op) = (uint64_t)((bits) == 32 ? (int32_t)v : v);                                        \
        NEXT(1);                                                                                   \
    }

#define FROM_INT(name, w, type, from, value)                                                       \
    static COLD const struct cpu_op *fcvt_slow_##name(                                             \
        struct cpu_core *c, const struct cpu_op *op, uint64_t k)                                   \
    {                                                                                              \
        unsigned rm = cpu_rm(c, op);                                                               \
        if (rm > CPU_RMM)                                                                          \
            return cpu_leave_illegal(c, op, k);                                                    \
        from v = (value);                                                                          \
        bool negative = v < (from)1 && v != 0;                                                     \
        uint64_t magnitude = negative ? 0 - (uint64_t)v : (uint64_t)v;                             \
        RD(op) = BOX_##w | cpu_soft_from_int(FMT_##w, negative, magnitude, rm, &c->fflags);        \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        if (UNLIKELY(cpu_rm(c, op) != CPU_RNE))                                                    \
            CHAIN(fcvt_slow_##name, op, k);                                                        \
        RD(op) = cpu_put_##w((type)(value));                                                       \
        NEXT(1);                                                                                   \
    }

/* Bounds are the nearest representable ones at or inside the type's; the slow path does the rest.
 */
#define FORMAT(w, type)                                                                            \
    TO_INT(fcvt_w_##w, w, type, -2147483648.0, 2147483520.0, true, 32)                             \
    TO_INT(fcvt_wu_##w, w, type, -1.0, 4294967040.0, false, 32)                                    \
    TO_INT(fcvt_l_##w, w, type, -9223372036854775808.0, 9223372036854775808.0, true, 64)           \
    TO_INT(fcvt_lu_##w, w, type, -1.0, 9223372036854775808.0, false, 64)                           \
    FROM_INT(fcvt_##w##_w, w, type, int64_t, (int32_t)RS1(op))                                     \
    FROM_INT(fcvt_##w##_wu, w, type, uint64_t, (uint32_t)RS1(op))                                  \
    FROM_INT(fcvt_##w##_l, w, type, int64_t, (int64_t)RS1(op))                                     \
    FROM_INT(fcvt_##w##_lu, w, type, uint64_t, RS1(op))

FORMAT(s, float)
FORMAT(d, double)
