/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compressed instructions, each expanded to the 32-bit one that it stands for (manual, chapter 16,
 * tables 16.5 to 16.7, RV64).  0, which is illegal itself, stands for reserved encodings.  Hints
 * expand to instructions that write x0.
 */
#include "cpu/ops.h"

/* Bit n of the source, moved to bit m. */
#define BIT(n, m) ((c >> (n)&1u) << (m))
#define BITS(hi, lo, m) ((c >> (lo) & ((1u << ((hi) - (lo) + 1)) - 1)) << (m))

static uint32_t
enc_i(uint32_t imm, uint32_t rs1, uint32_t f3, uint32_t rd, uint32_t opcode)
{
    return imm << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}

static uint32_t
enc_r(uint32_t f7, uint32_t rs2, uint32_t rs1, uint32_t f3, uint32_t rd, uint32_t opcode)
{
    return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}

static uint32_t
enc_s(uint32_t imm, uint32_t rs2, uint32_t rs1, uint32_t f3, uint32_t opcode)
{
    return (imm >> 5 & 127) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | (imm & 31) << 7 | opcode;
}

static uint32_t
enc_b(uint32_t imm, uint32_t rs1, uint32_t f3)
{
    return (imm >> 12 & 1) << 31 | (imm >> 5 & 63) << 25 | rs1 << 15 | f3 << 12 |
           (imm >> 1 & 15) << 8 | (imm >> 11 & 1) << 7 | 0x63;
}

static uint32_t
enc_j(uint32_t imm, uint32_t rd)
{
    return (imm >> 20 & 1) << 31 | (imm >> 1 & 1023) << 21 | (imm >> 11 & 1) << 20 |
           (imm >> 12 & 255) << 12 | rd << 7 | 0x6f;
}

/* The sign-extended six-bit immediate of c.addi and its like. */
static uint32_t
imm6(uint32_t c)
{
    uint32_t imm = BIT(12, 5) | BITS(6, 2, 0);
    return imm & 32 ? imm | ~31u : imm;
}

static uint32_t
expand_q0(uint32_t c)
{
    uint32_t rd = 8 + BITS(4, 2, 0), rs1 = 8 + BITS(9, 7, 0);
    uint32_t w = BITS(12, 10, 3) | BIT(6, 2) | BIT(5, 6);
    uint32_t d = BITS(12, 10, 3) | BITS(6, 5, 6);
    uint32_t spn = BITS(12, 11, 4) | BITS(10, 7, 6) | BIT(6, 2) | BIT(5, 3);
    switch (c >> 13) {
    case 0: /* c.addi4spn */
        return spn == 0 ? 0 : enc_i(spn, 2, 0, rd, 0x13);
    case 1: /* c.fld */
        return enc_i(d, rs1, 3, rd, 0x07);
    case 2: /* c.lw */
        return enc_i(w, rs1, 2, rd, 0x03);
    case 3: /* c.ld */
        return enc_i(d, rs1, 3, rd, 0x03);
    case 5: /* c.fsd */
        return enc_s(d, rd, rs1, 3, 0x27);
    case 6: /* c.sw */
        return enc_s(w, rd, rs1, 2, 0x23);
    case 7: /* c.sd */
        return enc_s(d, rd, rs1, 3, 0x23);
    default:
        return 0;
    }
}

/* c.srli, c.srai, c.andi and the register-register group. */
static uint32_t
expand_alu(uint32_t c)
{
    uint32_t rd = 8 + BITS(9, 7, 0), rs2 = 8 + BITS(4, 2, 0);
    uint32_t shift = BIT(12, 5) | BITS(6, 2, 0);
    switch (BITS(11, 10, 0)) {
    case 0:
        return enc_i(shift, rd, 5, rd, 0x13);
    case 1:
        return enc_i(0x400 | shift, rd, 5, rd, 0x13);
    case 2:
        return enc_i(imm6(c), rd, 7, rd, 0x13);
    default:
        break;
    }
    switch (BIT(12, 2) | BITS(6, 5, 0)) {
    case 0:
        return enc_r(32, rs2, rd, 0, rd, 0x33); /* sub */
    case 1:
        return enc_r(0, rs2, rd, 4, rd, 0x33); /* xor */
    case 2:
        return enc_r(0, rs2, rd, 6, rd, 0x33); /* or */
    case 3:
        return enc_r(0, rs2, rd, 7, rd, 0x33); /* and */
    case 4:
        return enc_r(32, rs2, rd, 0, rd, 0x3b); /* subw */
    case 5:
        return enc_r(0, rs2, rd, 0, rd, 0x3b); /* addw */
    default:
        return 0;
    }
}

/* c.addi16sp and c.lui. */
static uint32_t
expand_lui(uint32_t c)
{
    uint32_t rd = BITS(11, 7, 0);
    if (rd == 2) {
        uint32_t imm = BIT(12, 9) | BIT(6, 4) | BIT(5, 6) | BITS(4, 3, 7) | BIT(2, 5);
        if (imm & 512)
            imm |= ~511u;
        return imm == 0 ? 0 : enc_i(imm, 2, 0, 2, 0x13);
    }
    uint32_t imm = imm6(c);
    return imm == 0 ? 0 : imm << 12 | rd << 7 | 0x37;
}

static uint32_t
expand_q1(uint32_t c)
{
    uint32_t rd = BITS(11, 7, 0), rs1 = 8 + BITS(9, 7, 0);
    uint32_t b = BITS(11, 10, 3) | BITS(4, 3, 1) | BIT(2, 5) | BITS(6, 5, 6) | BIT(12, 8);
    uint32_t j = BIT(12, 11) | BIT(11, 4) | BITS(10, 9, 8) | BIT(8, 10) | BIT(7, 6) | BIT(6, 7) |
                 BITS(5, 3, 1) | BIT(2, 5);
    if (b & 256)
        b |= ~255u;
    if (j & 2048)
        j |= ~2047u;
    switch (c >> 13) {
    case 0: /* c.addi */
        return enc_i(imm6(c), rd, 0, rd, 0x13);
    case 1: /* c.addiw */
        return rd == 0 ? 0 : enc_i(imm6(c), rd, 0, rd, 0x1b);
    case 2: /* c.li */
        return enc_i(imm6(c), 0, 0, rd, 0x13);
    case 3:
        return expand_lui(c);
    case 4:
        return expand_alu(c);
    case 5: /* c.j */
        return enc_j(j, 0);
    case 6: /* c.beqz */
        return enc_b(b, rs1, 0);
    default: /* c.bnez */
        return enc_b(b, rs1, 1);
    }
}

/* c.jr, c.mv, c.ebreak, c.jalr, c.add. */
static uint32_t
expand_jr(uint32_t c)
{
    uint32_t rd = BITS(11, 7, 0), rs2 = BITS(6, 2, 0);
    if (BIT(12, 0) == 0) {
        if (rs2 != 0)
            return enc_r(0, rs2, 0, 0, rd, 0x33);
        return rd == 0 ? 0 : enc_i(0, rd, 0, 0, 0x67);
    }
    if (rs2 != 0)
        return enc_r(0, rs2, rd, 0, rd, 0x33);
    return rd == 0 ? 0x00100073 : enc_i(0, rd, 0, 1, 0x67);
}

static uint32_t
expand_q2(uint32_t c)
{
    uint32_t rd = BITS(11, 7, 0), rs2 = BITS(6, 2, 0);
    uint32_t lw = BIT(12, 5) | BITS(6, 4, 2) | BITS(3, 2, 6);
    uint32_t ld = BIT(12, 5) | BITS(6, 5, 3) | BITS(4, 2, 6);
    uint32_t sw = BITS(12, 9, 2) | BITS(8, 7, 6);
    uint32_t sd = BITS(12, 10, 3) | BITS(9, 7, 6);
    switch (c >> 13) {
    case 0: /* c.slli */
        return enc_i(BIT(12, 5) | BITS(6, 2, 0), rd, 1, rd, 0x13);
    case 1: /* c.fldsp */
        return enc_i(ld, 2, 3, rd, 0x07);
    case 2: /* c.lwsp */
        return rd == 0 ? 0 : enc_i(lw, 2, 2, rd, 0x03);
    case 3: /* c.ldsp */
        return rd == 0 ? 0 : enc_i(ld, 2, 3, rd, 0x03);
    case 4:
        return expand_jr(c);
    case 5: /* c.fsdsp */
        return enc_s(sd, rs2, 2, 3, 0x27);
    case 6: /* c.swsp */
        return enc_s(sw, rs2, 2, 2, 0x23);
    default: /* c.sdsp */
        return enc_s(sd, rs2, 2, 3, 0x23);
    }
}

uint32_t
cpu_expand(uint16_t bits)
{
    switch (bits & 3) {
    case 0:
        return expand_q0(bits);
    case 1:
        return expand_q1(bits);
    case 2:
        return expand_q2(bits);
    default:
        return 0;
    }
}
