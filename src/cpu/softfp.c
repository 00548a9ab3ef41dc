/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every operation takes its operands apart, computes in 128 bits so that what is lost can be
 * kept in the lowest bit ("sticky": set if any bit below it was), and rounds once.  The sticky bit
 * is always at least two places below the rounding position, or exact, so rounding sees less, equal
 * or more than half as the infinitely precise result would show it.
 */
#include "cpu/softfp.h"

#include "cpu/fp.h"

typedef unsigned __int128 u128;

const struct cpu_soft_format cpu_soft_single = {24, 127, 0x7fc00000u, 0x80000000u};
const struct cpu_soft_format cpu_soft_double = {53, 1023, 0x7ff8000000000000u, 0x8000000000000000u};

enum soft_class { SOFT_ZERO, SOFT_FINITE, SOFT_INF, SOFT_QNAN, SOFT_SNAN };

/* mant * 2^exp; a finite one's mant has its highest bit at precision - 1. */
struct soft_number {
    enum soft_class class;
    bool negative;
    int exp;
    uint64_t mant;
};

static uint64_t
soft_inf(const struct cpu_soft_format *fmt)
{
    return fmt->sign - ((uint64_t)1 << (fmt->precision - 1));
}

static uint64_t
soft_signed(const struct cpu_soft_format *fmt, bool negative, uint64_t magnitude)
{
    return negative ? fmt->sign | magnitude : magnitude;
}

static struct soft_number
soft_unpack(const struct cpu_soft_format *fmt, uint64_t bits)
{
    int fraction = fmt->precision - 1;
    uint64_t magnitude = bits & (fmt->sign - 1);
    struct soft_number n = {.negative = (bits & fmt->sign) != 0};
    if (magnitude > soft_inf(fmt)) {
        n.class = magnitude >> (fraction - 1) & 1 ? SOFT_QNAN : SOFT_SNAN;
        return n;
    }
    if (magnitude == soft_inf(fmt) || magnitude == 0) {
        n.class = magnitude == 0 ? SOFT_ZERO : SOFT_INF;
        return n;
    }
    n.class = SOFT_FINITE;
    int biased = (int)(magnitude >> fraction);
    n.mant = magnitude & (((uint64_t)1 << fraction) - 1);
    if (biased != 0) {
        n.mant |= (uint64_t)1 << fraction;
    } else {
        int shift = __builtin_clzll(n.mant) - (63 - fraction);
        n.mant <<= shift;
        biased = 1 - shift;
    }
    n.exp = biased - fmt->bias - fraction;
    return n;
}

static bool
soft_is_nan(const struct soft_number *n)
{
    return n->class == SOFT_QNAN || n->class == SOFT_SNAN;
}

static int
soft_top(u128 v)
{
    uint64_t high = (uint64_t)(v >> 64);
    return high != 0 ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t)v);
}

/* v >> shift, with what falls off kept in the lowest bit. */
static u128
soft_jam(u128 v, int shift)
{
    if (shift <= 0)
        return v;
    if (shift > 126)
        return v != 0;
    return v >> shift | ((v & (((u128)1 << shift) - 1)) != 0);
}

static bool
soft_round_up(unsigned rm, bool negative, bool odd, u128 rest, u128 half)
{
    switch (rm) {
    case CPU_RNE:
        return rest > half || (rest == half && odd);
    case CPU_RDN:
        return negative && rest != 0;
    case CPU_RUP:
        return !negative && rest != 0;
    case CPU_RMM:
        return rest >= half;
    default:
        return false;
    }
}

/* mant / 2^shift to an integer; *inexact says whether anything was lost.  mant < 2^127. */
static u128
soft_shift_round(u128 mant, int shift, unsigned rm, bool negative, bool *inexact)
{
    if (shift <= 0) {
        *inexact = false;
        return mant << -shift;
    }
    if (shift > 127) {
        mant = 1;
        shift = 127;
    }
    u128 rest = mant & (((u128)1 << shift) - 1);
    u128 whole = mant >> shift;
    *inexact = rest != 0;
    return whole + soft_round_up(rm, negative, (whole & 1) != 0, rest, (u128)1 << (shift - 1));
}

static uint64_t
soft_overflow(const struct cpu_soft_format *fmt, bool negative, unsigned rm, uint32_t *flags)
{
    *flags |= CPU_OF | CPU_NX;
    bool to_max = rm == CPU_RTZ || (rm == CPU_RDN && !negative) || (rm == CPU_RUP && negative);
    return soft_signed(fmt, negative, soft_inf(fmt) - to_max);
}

/* Rounds mant * 2^exp (mant not 0) to the format. */
static uint64_t
soft_pack(const struct cpu_soft_format *fmt, bool negative, int exp, u128 mant, unsigned rm,
    uint32_t *flags)
{
    int fraction = fmt->precision - 1, emin = 1 - fmt->bias;
    if (soft_top(mant) == 127) {
        mant = soft_jam(mant, 1);
        exp++;
    }
    int top = exp + soft_top(mant);
    int lowest = (top < emin ? emin : top) - fraction;
    bool inexact;
    u128 m = soft_shift_round(mant, lowest - exp, rm, negative, &inexact);
    if (lowest + fraction > fmt->bias)
        return soft_overflow(fmt, negative, rm, flags);
    /* A carry out of the fraction moves the exponent up by itself. */
    uint64_t bits = ((uint64_t)(lowest + fraction + fmt->bias - 1) << fraction) + (uint64_t)m;
    if (bits >= soft_inf(fmt))
        return soft_overflow(fmt, negative, rm, flags);
    if (inexact) {
        *flags |= CPU_NX;
        bool unused;
        bool tiny = top < emin && (top < emin - 1 || soft_shift_round(mant, top - fraction - exp,
                                                         rm, negative, &unused) >>
                                                             fmt->precision ==
                                                         0);
        if (tiny)
            *flags |= CPU_UF;
    }
    return soft_signed(fmt, negative, bits);
}

static uint64_t
soft_invalid(const struct cpu_soft_format *fmt, uint32_t *flags)
{
    *flags |= CPU_NV;
    return fmt->nan;
}

/* The result when a or b is a NaN. */
static uint64_t
soft_nan(const struct cpu_soft_format *fmt, const struct soft_number *a,
    const struct soft_number *b, uint32_t *flags)
{
    if (a->class == SOFT_SNAN || b->class == SOFT_SNAN)
        *flags |= CPU_NV;
    return fmt->nan;
}

/* A sum that is exactly zero is positive, except when rounding down. */
static uint64_t
soft_zero_sum(const struct cpu_soft_format *fmt, bool a, bool b, unsigned rm)
{
    return soft_signed(fmt, a == b ? a : rm == CPU_RDN, 0);
}

/* The sum of two nonzero numbers of less than 2^126 each, both with low bits to spare. */
static uint64_t
soft_sum(const struct cpu_soft_format *fmt, bool an, int ae, u128 am, bool bn, int be, u128 bm,
    unsigned rm, uint32_t *flags)
{
    int exp = ae > be ? ae : be;
    am = soft_jam(am, exp - ae);
    bm = soft_jam(bm, exp - be);
    if (an == bn)
        return soft_pack(fmt, an, exp, am + bm, rm, flags);
    if (am == bm)
        return soft_zero_sum(fmt, an, bn, rm);
    bool negative = am > bm ? an : bn;
    return soft_pack(fmt, negative, exp, am > bm ? am - bm : bm - am, rm, flags);
}

uint64_t
cpu_soft_add(
    const struct cpu_soft_format *fmt, uint64_t abits, uint64_t bbits, unsigned rm, uint32_t *flags)
{
    struct soft_number a = soft_unpack(fmt, abits), b = soft_unpack(fmt, bbits);
    if (soft_is_nan(&a) || soft_is_nan(&b))
        return soft_nan(fmt, &a, &b, flags);
    if (a.class == SOFT_INF && b.class == SOFT_INF && a.negative != b.negative)
        return soft_invalid(fmt, flags);
    if (a.class == SOFT_INF || b.class == SOFT_INF)
        return a.class == SOFT_INF ? abits : bbits;
    if (a.class == SOFT_ZERO && b.class == SOFT_ZERO)
        return soft_zero_sum(fmt, a.negative, b.negative, rm);
    if (a.class == SOFT_ZERO || b.class == SOFT_ZERO)
        return a.class == SOFT_ZERO ? bbits : abits;
    return soft_sum(fmt, a.negative, a.exp - 64, (u128)a.mant << 64, b.negative, b.exp - 64,
        (u128)b.mant << 64, rm, flags);
}

uint64_t
cpu_soft_mul(
    const struct cpu_soft_format *fmt, uint64_t abits, uint64_t bbits, unsigned rm, uint32_t *flags)
{
    struct soft_number a = soft_unpack(fmt, abits), b = soft_unpack(fmt, bbits);
    bool negative = a.negative != b.negative;
    if (soft_is_nan(&a) || soft_is_nan(&b))
        return soft_nan(fmt, &a, &b, flags);
    if (a.class == SOFT_INF || b.class == SOFT_INF) {
        if (a.class == SOFT_ZERO || b.class == SOFT_ZERO)
            return soft_invalid(fmt, flags);
        return soft_signed(fmt, negative, soft_inf(fmt));
    }
    if (a.class == SOFT_ZERO || b.class == SOFT_ZERO)
        return soft_signed(fmt, negative, 0);
    return soft_pack(fmt, negative, a.exp + b.exp, (u128)a.mant * b.mant, rm, flags);
}

uint64_t
cpu_soft_div(
    const struct cpu_soft_format *fmt, uint64_t abits, uint64_t bbits, unsigned rm, uint32_t *flags)
{
    struct soft_number a = soft_unpack(fmt, abits), b = soft_unpack(fmt, bbits);
    bool negative = a.negative != b.negative;
    if (soft_is_nan(&a) || soft_is_nan(&b))
        return soft_nan(fmt, &a, &b, flags);
    if (a.class == b.class && a.class != SOFT_FINITE)
        return soft_invalid(fmt, flags);
    if (b.class == SOFT_ZERO && a.class == SOFT_FINITE)
        *flags |= CPU_DZ;
    if (a.class == SOFT_INF || b.class == SOFT_ZERO)
        return soft_signed(fmt, negative, soft_inf(fmt));
    if (a.class == SOFT_ZERO || b.class == SOFT_INF)
        return soft_signed(fmt, negative, 0);
    u128 n = (u128)a.mant << 70;
    u128 quotient = n / b.mant | (n % b.mant != 0);
    return soft_pack(fmt, negative, a.exp - b.exp - 70, quotient, rm, flags);
}

/* The integer square root, with the lowest bit set if there was a remainder. */
static u128
soft_isqrt(u128 v)
{
    u128 root = 0, rest = 0;
    for (int i = 126; i >= 0; i -= 2) {
        rest = rest << 2 | (v >> i & 3);
        u128 trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    return root | (rest != 0);
}

uint64_t
cpu_soft_sqrt(const struct cpu_soft_format *fmt, uint64_t abits, unsigned rm, uint32_t *flags)
{
    struct soft_number a = soft_unpack(fmt, abits);
    if (soft_is_nan(&a))
        return soft_nan(fmt, &a, &a, flags);
    if (a.class == SOFT_ZERO)
        return abits;
    if (a.negative)
        return soft_invalid(fmt, flags);
    if (a.class == SOFT_INF)
        return abits;
    int shift = 70 + ((a.exp - 70) & 1);
    u128 root = soft_isqrt((u128)a.mant << shift);
    return soft_pack(fmt, false, (a.exp - shift) / 2, root, rm, flags);
}

uint64_t
cpu_soft_fma(const struct cpu_soft_format *fmt, uint64_t abits, uint64_t bbits, uint64_t cbits,
    unsigned rm, uint32_t *flags)
{
    struct soft_number a = soft_unpack(fmt, abits), b = soft_unpack(fmt, bbits);
    struct soft_number c = soft_unpack(fmt, cbits);
    bool negative = a.negative != b.negative;
    if ((a.class == SOFT_INF && b.class == SOFT_ZERO) ||
        (a.class == SOFT_ZERO && b.class == SOFT_INF))
        return soft_invalid(fmt, flags);
    if (soft_is_nan(&a) || soft_is_nan(&b) || soft_is_nan(&c)) {
        (void)soft_nan(fmt, &a, &b, flags);
        return soft_nan(fmt, &c, &c, flags);
    }
    if (a.class == SOFT_INF || b.class == SOFT_INF) {
        if (c.class == SOFT_INF && c.negative != negative)
            return soft_invalid(fmt, flags);
        return soft_signed(fmt, negative, soft_inf(fmt));
    }
    if (c.class == SOFT_INF)
        return cbits;
    if (a.class == SOFT_ZERO || b.class == SOFT_ZERO)
        return c.class == SOFT_ZERO ? soft_zero_sum(fmt, negative, c.negative, rm) : cbits;
    u128 product = (u128)a.mant * b.mant;
    if (c.class == SOFT_ZERO)
        return soft_pack(fmt, negative, a.exp + b.exp, product, rm, flags);
    int pshift = 125 - soft_top(product), cshift = 125 - soft_top(c.mant);
    return soft_sum(fmt, negative, a.exp + b.exp - pshift, product << pshift, c.negative,
        c.exp - cshift, (u128)c.mant << cshift, rm, flags);
}

uint64_t
cpu_soft_convert(const struct cpu_soft_format *from, const struct cpu_soft_format *to,
    uint64_t abits, unsigned rm, uint32_t *flags)
{
    struct soft_number a = soft_unpack(from, abits);
    if (soft_is_nan(&a))
        return soft_nan(to, &a, &a, flags);
    if (a.class == SOFT_ZERO)
        return soft_signed(to, a.negative, 0);
    if (a.class == SOFT_INF)
        return soft_signed(to, a.negative, soft_inf(to));
    return soft_pack(to, a.negative, a.exp, a.mant, rm, flags);
}

uint64_t
cpu_soft_from_int(const struct cpu_soft_format *fmt, bool negative, uint64_t magnitude, unsigned rm,
    uint32_t *flags)
{
    return magnitude == 0 ? 0 : soft_pack(fmt, negative, 0, magnitude, rm, flags);
}

/* The nearest value that the integer type has, for what it has not. */
static uint64_t
soft_saturate(bool negative, bool is_signed, unsigned bits, uint32_t *flags)
{
    *flags |= CPU_NV;
    uint64_t v;
    if (is_signed)
        v = negative ? (uint64_t)1 << (bits - 1) : ((uint64_t)1 << (bits - 1)) - 1;
    else
        v = negative ? 0 : UINT64_MAX;
    return bits == 32 ? (uint64_t)(int64_t)(int32_t)(uint32_t)v : v;
}

uint64_t
cpu_soft_to_int(const struct cpu_soft_format *fmt, uint64_t abits, bool is_signed, unsigned bits,
    unsigned rm, uint32_t *flags)
{
    struct soft_number a = soft_unpack(fmt, abits);
    if (soft_is_nan(&a))
        return soft_saturate(false, is_signed, bits, flags);
    if (a.class == SOFT_ZERO)
        return 0;
    if (a.class == SOFT_INF || a.exp > 64)
        return soft_saturate(a.negative, is_signed, bits, flags);
    bool inexact;
    u128 v = soft_shift_round(a.mant, -a.exp, rm, a.negative, &inexact);
    u128 limit = is_signed ? ((u128)1 << (bits - 1)) - !a.negative
                           : (a.negative ? 0 : ((u128)1 << bits) - 1);
    if (v > limit)
        return soft_saturate(a.negative, is_signed, bits, flags);
    if (inexact)
        *flags |= CPU_NX;
    uint64_t result = a.negative ? 0 - (uint64_t)v : (uint64_t)v;
    return bits == 32 ? (uint64_t)(int64_t)(int32_t)(uint32_t)result : result;
}
