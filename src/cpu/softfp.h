/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating point in integers, correctly rounded in all five modes, with the flags of IEEE 754-2019
 * as RISC-V has them (tininess after rounding; NaN results are canonical).  Numbers are bit
 * patterns; a single's is in the low half.
 */
#ifndef CPU_SOFTFP_H
#define CPU_SOFTFP_H

#include <stdbool.h>
#include <stdint.h>

/* A binary format. */
struct cpu_soft_format {
    int precision; /* bits, the hidden one included */
    int bias;
    uint64_t nan; /* the canonical one */
    uint64_t sign;
};

extern const struct cpu_soft_format cpu_soft_single, cpu_soft_double;

/* Exception flags are ored into *flags (CPU_NX and so on). */
uint64_t cpu_soft_add(
    const struct cpu_soft_format *fmt, uint64_t a, uint64_t b, unsigned rm, uint32_t *flags);
uint64_t cpu_soft_mul(
    const struct cpu_soft_format *fmt, uint64_t a, uint64_t b, unsigned rm, uint32_t *flags);
uint64_t cpu_soft_div(
    const struct cpu_soft_format *fmt, uint64_t a, uint64_t b, unsigned rm, uint32_t *flags);
uint64_t cpu_soft_sqrt(const struct cpu_soft_format *fmt, uint64_t a, unsigned rm, uint32_t *flags);
/* a * b + c, rounded once. */
uint64_t cpu_soft_fma(const struct cpu_soft_format *fmt, uint64_t a, uint64_t b, uint64_t c,
    unsigned rm, uint32_t *flags);
/* From one format to another. */
uint64_t cpu_soft_convert(const struct cpu_soft_format *from, const struct cpu_soft_format *to,
    uint64_t a, unsigned rm, uint32_t *flags);
uint64_t cpu_soft_from_int(const struct cpu_soft_format *fmt, bool negative, uint64_t magnitude,
    unsigned rm, uint32_t *flags);
/* To an integer of bits (32 or 64) bits, saturating; 32-bit results are sign-extended. */
uint64_t cpu_soft_to_int(const struct cpu_soft_format *fmt, uint64_t a, bool is_signed,
    unsigned bits, unsigned rm, uint32_t *flags);

#endif
