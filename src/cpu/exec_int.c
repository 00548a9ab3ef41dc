/* SPDX-License-Identifier: BSD-2-Clause */
/* Integer computation: RV64I's register and immediate instructions, and M. */
#include "cpu/handler.h"

/* One handler per row: the result's expression over a and b. */
/* clang-format off */
#define IMM_OPS(X) \
    X(addi, a + b) \
    X(slti, (int64_t)a < (int64_t)b) \
    X(sltiu, a < b) \
    X(xori, a ^ b) \
    X(ori, a | b) \
    X(andi, a & b) \
    X(slli, a << (b & 63)) \
    X(srli, a >> (b & 63)) \
    X(srai, (uint64_t)((int64_t)a >> (b & 63))) \
    X(addiw, sext32(a + b)) \
    X(slliw, sext32(a << (b & 31))) \
    X(srliw, sext32((uint32_t)a >> (b & 31))) \
    X(sraiw, (uint64_t)(int64_t)((int32_t)a >> (b & 31)))

#define REG_OPS(X) \
    X(add, a + b) \
    X(sub, a - b) \
    X(sll, a << (b & 63)) \
    X(slt, (int64_t)a < (int64_t)b) \
    X(sltu, a < b) \
    X(xor, a ^ b) \
    X(srl, a >> (b & 63)) \
    X(sra, (uint64_t)((int64_t)a >> (b & 63))) \
    X(or, a | b) \
    X(and, a & b) \
    X(addw, sext32(a + b)) \
    X(subw, sext32(a - b)) \
    X(sllw, sext32(a << (b & 31))) \
    X(srlw, sext32((uint32_t)a >> (b & 31))) \
    X(sraw, (uint64_t)(int64_t)((int32_t)a >> (b & 31))) \
    X(mul, a * b) \
    X(mulh, mulh(a, b)) \
    X(mulhsu, mulhsu(a, b)) \
    X(mulhu, mulhu(a, b)) \
    X(div, div64(a, b)) \
    X(divu, b == 0 ? UINT64_MAX : a / b) \
    X(rem, rem64(a, b)) \
    X(remu, b == 0 ? a : a % b) \
    X(mulw, sext32(a * b)) \
    X(divw, div32(a, b)) \
    X(divuw, divu32(a, b)) \
    X(remw, rem32(a, b)) \
    X(remuw, remu32(a, b))
/* clang-format on */

static inline uint64_t
sext32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)v;
}

static inline uint64_t
mulhu(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b >> 64);
}

static inline uint64_t
mulh(uint64_t a, uint64_t b)
{
    return (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
}

static inline uint64_t
mulhsu(uint64_t a, uint64_t b)
{
    return mulhu(a, b) - ((int64_t)a < 0 ? b : 0);
}

/* Division never traps: by zero gives -1 and the dividend; overflow gives the dividend and 0
 * (manual, table 7.1). */
static inline uint64_t
div64(uint64_t a, uint64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    if (b == UINT64_MAX)
        return 0 - a;
    return (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t
rem64(uint64_t a, uint64_t b)
{
    if (b == 0)
        return a;
    if (b == UINT64_MAX)
        return 0;
    return (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint64_t
div32(uint64_t a, uint64_t b)
{
    int32_t n = (int32_t)(uint32_t)a, d = (int32_t)(uint32_t)b;
    if (d == 0)
        return UINT64_MAX;
    return sext32((uint64_t)((int64_t)n / d));
}

static inline uint64_t
divu32(uint64_t a, uint64_t b)
{
    uint32_t n = (uint32_t)a, d = (uint32_t)b;
    return d == 0 ? UINT64_MAX : sext32(n / d);
}

static inline uint64_t
rem32(uint64_t a, uint64_t b)
{
    int32_t n = (int32_t)(uint32_t)a, d = (int32_t)(uint32_t)b;
    return d == 0 ? sext32(a) : (uint64_t)((int64_t)n % d);
}

static inline uint64_t
remu32(uint64_t a, uint64_t b)
{
    uint32_t n = (uint32_t)a, d = (uint32_t)b;
    return sext32(d == 0 ? n : n % d);
}

#define X(name, result)                                                                            \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t a = RS1(op), b = IMM(op);                                                         \
        RD(op) = (uint64_t)(result);                                                               \
        NEXT(1);                                                                                   \
    }
IMM_OPS(X)
#undef X

#define X(name, result)                                                                            \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t a = RS1(op), b = RS2(op);                                                         \
        RD(op) = (uint64_t)(result);                                                               \
        NEXT(1);                                                                                   \
    }
REG_OPS(X)
#undef X

HANDLER(nop)
{
    NEXT(1);
}

HANDLER(li)
{
    RD(op) = IMM(op);
    NEXT(1);
}

HANDLER(li64)
{
    RD(op) = op[1].value;
    NEXT(2);
}

HANDLER(mv)
{
    RD(op) = RS1(op);
    NEXT(1);
}
