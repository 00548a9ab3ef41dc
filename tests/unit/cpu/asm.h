/* SPDX-License-Identifier: BSD-2-Clause */
/* A few instructions, encoded. */
#ifndef ASM_H
#define ASM_H

#include <stdint.h>

static inline uint32_t
asm_i(uint32_t opcode, uint32_t f3, unsigned rd, unsigned rs1, int imm)
{
    return (uint32_t)imm << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}

static inline uint32_t
asm_r(uint32_t f7, uint32_t f3, unsigned rd, unsigned rs1, unsigned rs2, uint32_t opcode)
{
    return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}

static inline uint32_t
asm_s(uint32_t f3, unsigned rs2, unsigned rs1, int imm)
{
    return ((uint32_t)imm >> 5 & 127) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 |
           ((uint32_t)imm & 31) << 7 | 0x23;
}

static inline uint32_t
asm_addi(unsigned rd, unsigned rs1, int imm)
{
    return asm_i(0x13, 0, rd, rs1, imm);
}

static inline uint32_t
asm_lui(unsigned rd, uint32_t imm20)
{
    return imm20 << 12 | rd << 7 | 0x37;
}

static inline uint32_t
asm_ld(unsigned rd, unsigned rs1, int imm)
{
    return asm_i(0x03, 3, rd, rs1, imm);
}

static inline uint32_t
asm_sd(unsigned rs2, unsigned rs1, int imm)
{
    return asm_s(3, rs2, rs1, imm);
}

static inline uint32_t
asm_jal(unsigned rd, int offset)
{
    uint32_t o = (uint32_t)offset;
    return (o >> 20 & 1) << 31 | (o >> 1 & 1023) << 21 | (o >> 11 & 1) << 20 |
           (o >> 12 & 255) << 12 | rd << 7 | 0x6f;
}

static inline uint32_t
asm_jalr(unsigned rd, unsigned rs1, int imm)
{
    return asm_i(0x67, 0, rd, rs1, imm);
}

static inline uint32_t
asm_branch(uint32_t f3, unsigned rs1, unsigned rs2, int offset)
{
    uint32_t o = (uint32_t)offset;
    return (o >> 12 & 1) << 31 | (o >> 5 & 63) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 |
           (o >> 1 & 15) << 8 | (o >> 11 & 1) << 7 | 0x63;
}

#define ASM_BEQ 0u
#define ASM_BNE 1u
#define ASM_ECALL 0x00000073u
#define ASM_EBREAK 0x00100073u
#define ASM_FENCE_I 0x0000100fu
#define ASM_MRET 0x30200073u
#define ASM_SRET 0x10200073u
#define ASM_WFI 0x10500073u
#define ASM_SFENCE_VMA 0x12000073u
#define ASM_LR_D(rd, rs1) (0x1000302fu | (rs1) << 15 | (rd) << 7)
#define ASM_SC_D(rd, rs2, rs1) (0x1800302fu | (rs2) << 20 | (rs1) << 15 | (rd) << 7)
#define ASM_AMOADD_D(rd, rs2, rs1) (0x0000302fu | (rs2) << 20 | (rs1) << 15 | (rd) << 7)

#endif
