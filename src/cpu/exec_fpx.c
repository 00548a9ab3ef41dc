/* SPDX-License-Identifier: BSD-2-Clause */
/* Floating point that does not round: signs, minima, comparisons, classes, moves. */
#include "cpu/fp_exec.h"

#define SIGN_s UINT64_C(0x80000000)
#define SIGN_d UINT64_C(0x8000000000000000)
#define BOX_s CPU_BOX
#define BOX_d UINT64_C(0)
#define NAN_s CPU_NAN_S
#define NAN_d CPU_NAN_D
#define INF_s UINT64_C(0x7f800000)
#define INF_d UINT64_C(0x7ff0000000000000)
#define QUIET_s UINT64_C(0x00400000)
#define QUIET_d UINT64_C(0x0008000000000000)

/* Sign injection works on bits; NaNs keep theirs. */
#define SIGNS(name, w, bits)                                                                       \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t a = cpu_bits_##w(RS1(op)), b = cpu_bits_##w(RS2(op));                             \
        RD(op) = BOX_##w | (bits);                                                                 \
        NEXT(1);                                                                                   \
    }

/*
 * minimumNumber and maximumNumber of IEEE 754-2019: a NaN loses to a number, -0 is less than +0,
 * and only signaling NaNs raise the flag (manual, section 11.6).
 */
#define MINMAX(name, w, type, a_wins)                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t abits = cpu_bits_##w(RS1(op)), bbits = cpu_bits_##w(RS2(op));                     \
        type a = cpu_get_##w(RS1(op)), b = cpu_get_##w(RS2(op));                                   \
        bool anan = (abits & ~SIGN_##w) > INF_##w, bnan = (bbits & ~SIGN_##w) > INF_##w;           \
        uint64_t r;                                                                                \
        if (UNLIKELY(anan || bnan)) {                                                              \
            if ((anan && !(abits & QUIET_##w)) || (bnan && !(bbits & QUIET_##w)))                  \
                c->fflags |= CPU_NV;                                                               \
            r = !anan ? abits : !bnan ? bbits : NAN_##w;                                           \
        } else {                                                                                   \
            r = (a_wins) || (a == b && (((abits & SIGN_##w) != 0) == (SIGN_WINS))) ? abits         \
                                                                                   : bbits;        \
        }                                                                                          \
        RD(op) = BOX_##w | r;                                                                      \
        NEXT(1);                                                                                   \
    }

/* Less and less-or-equal raise the flag for quiet NaNs too; equal does for signaling ones only. */
#define COMPARE(name, w, type, cmp, signals)                                                       \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        type a = cpu_get_##w(RS1(op)), b = cpu_get_##w(RS2(op));                                   \
        if ((signals) && UNLIKELY(__builtin_isunordered(a, b)))                                    \
            c->fflags |= CPU_NV;                                                                   \
        RD(op) = (cmp);                                                                            \
        NEXT(1);                                                                                   \
    }

/* Table 11.5. */
static inline uint64_t
fp_class(uint64_t bits, uint64_t sign, uint64_t inf, uint64_t quiet, uint64_t smallest)
{
    uint64_t magnitude = bits & (sign - 1);
    bool negative = (bits & sign) != 0;
    if (magnitude > inf)
        return bits & quiet ? 1u << 9 : 1u << 8;
    if (magnitude == inf)
        return negative ? 1u << 0 : 1u << 7;
    if (magnitude == 0)
        return negative ? 1u << 3 : 1u << 4;
    if (magnitude < smallest)
        return negative ? 1u << 2 : 1u << 5;
    return negative ? 1u << 1 : 1u << 6;
}

#define CLASSIFY(name, w, smallest)                                                                \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        RD(op) = fp_class(cpu_bits_##w(RS1(op)), SIGN_##w, INF_##w, QUIET_##w, smallest);          \
        NEXT(1);                                                                                   \
    }

#define FORMAT(w, type, smallest)                                                                  \
    SIGNS(fsgnj_##w, w, (a & ~SIGN_##w) | (b & SIGN_##w))                                          \
    SIGNS(fsgnjn_##w, w, (a & ~SIGN_##w) | (~b & SIGN_##w))                                        \
    SIGNS(fsgnjx_##w, w, a ^ (b & SIGN_##w))                                                       \
    COMPARE(feq_##w, w, type, a == b, false)                                                       \
    COMPARE(flt_##w, w, type, a < b, true)                                                         \
    COMPARE(fle_##w, w, type, a <= b, true)                                                        \
    CLASSIFY(fclass_##w, w, smallest)

FORMAT(s, float, UINT64_C(0x00800000))
FORMAT(d, double, UINT64_C(0x0010000000000000))

#define SIGN_WINS true
MINMAX(fmin_s, s, float, a < b)
MINMAX(fmin_d, d, double, a < b)
#undef SIGN_WINS
#define SIGN_WINS false
MINMAX(fmax_s, s, float, a > b)
MINMAX(fmax_d, d, double, a > b)

HANDLER(fmv_x_w)
{
    RD(op) = (uint64_t)(int64_t)(int32_t)(uint32_t)RS1(op);
    NEXT(1);
}

HANDLER(fmv_w_x)
{
    RD(op) = CPU_BOX | (uint32_t)RS1(op);
    NEXT(1);
}

HANDLER(fmv_x_d)
{
    RD(op) = RS1(op);
    NEXT(1);
}

HANDLER(fmv_d_x)
{
    RD(op) = RS1(op);
    NEXT(1);
}
