/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 32-bit instructions, from a table: what is not in it is illegal.  Encodings: The RISC-V
 * Instruction Set Manual, Volume I, 20191213, chapter 24.  Rows of one major opcode (bits 2-6)
 * stand together, in rising order of it; the index finds the first.
 */
#include "cpu/ops.h"

struct decode_row {
    uint32_t mask, match;
    uint8_t format, kind;
};

#define OPC 0x7fu
#define F3 0x707fu
#define F7 0xfe00707fu
#define F6 0xfc00707fu
#define F7RM 0xfe00007fu
#define F7RS2 0xfff0007fu
#define F7RS2F3 0xfff0707fu
#define R4 0x0600007fu
#define A5 0xf800707fu
#define A5RS2 0xf9f0707fu
#define ALL 0xffffffffu
#define ROW(mask, match, format, name)                                                             \
    {                                                                                              \
        mask, match, CPU_FMT_##format, CPU_KIND_##name                                             \
    }

/* clang-format off */
static const struct decode_row decode_rows[] = {
    /* LOAD 00000 */
    ROW(F3, 0x00000003, LD, lb), ROW(F3, 0x00001003, LD, lh), ROW(F3, 0x00002003, LD, lw),
    ROW(F3, 0x00003003, LD, ld), ROW(F3, 0x00004003, LD, lbu), ROW(F3, 0x00005003, LD, lhu),
    ROW(F3, 0x00006003, LD, lwu),
    /* LOAD-FP 00001 */
    ROW(F3, 0x00002007, FLD, flw), ROW(F3, 0x00003007, FLD, fld),
    /* MISC-MEM 00011: reserved fields of the fences are ignored, as the manual asks */
    ROW(F3, 0x0000000f, NONE, fence), ROW(F3, 0x0000100f, NONE, fence_i),
    /* OP-IMM 00100 */
    ROW(F3, 0x00000013, I, addi), ROW(F6, 0x00001013, SH, slli), ROW(F3, 0x00002013, I, slti),
    ROW(F3, 0x00003013, I, sltiu), ROW(F3, 0x00004013, I, xori), ROW(F6, 0x00005013, SH, srli),
    ROW(F6, 0x40005013, SH, srai), ROW(F3, 0x00006013, I, ori), ROW(F3, 0x00007013, I, andi),
    /* AUIPC 00101; li64 is its decoded form */
    ROW(OPC, 0x00000017, U, li64),
    /* OP-IMM-32 00110 */
    ROW(F3, 0x0000001b, I, addiw), ROW(F7, 0x0000101b, SH, slliw), ROW(F7, 0x0000501b, SH, srliw),
    ROW(F7, 0x4000501b, SH, sraiw),
    /* STORE 01000 */
    ROW(F3, 0x00000023, ST, sb), ROW(F3, 0x00001023, ST, sh), ROW(F3, 0x00002023, ST, sw),
    ROW(F3, 0x00003023, ST, sd),
    /* STORE-FP 01001 */
    ROW(F3, 0x00002027, FST, fsw), ROW(F3, 0x00003027, FST, fsd),
    /* AMO 01011 */
    ROW(A5RS2, 0x1000202f, AMO, lr_w), ROW(A5, 0x1800202f, AMO, sc_w),
    ROW(A5, 0x0800202f, AMO, amoswap_w), ROW(A5, 0x0000202f, AMO, amoadd_w),
    ROW(A5, 0x2000202f, AMO, amoxor_w), ROW(A5, 0x6000202f, AMO, amoand_w),
    ROW(A5, 0x4000202f, AMO, amoor_w), ROW(A5, 0x8000202f, AMO, amomin_w),
    ROW(A5, 0xa000202f, AMO, amomax_w), ROW(A5, 0xc000202f, AMO, amominu_w),
    ROW(A5, 0xe000202f, AMO, amomaxu_w),
    ROW(A5RS2, 0x1000302f, AMO, lr_d), ROW(A5, 0x1800302f, AMO, sc_d),
    ROW(A5, 0x0800302f, AMO, amoswap_d), ROW(A5, 0x0000302f, AMO, amoadd_d),
    ROW(A5, 0x2000302f, AMO, amoxor_d), ROW(A5, 0x6000302f, AMO, amoand_d),
    ROW(A5, 0x4000302f, AMO, amoor_d), ROW(A5, 0x8000302f, AMO, amomin_d),
    ROW(A5, 0xa000302f, AMO, amomax_d), ROW(A5, 0xc000302f, AMO, amominu_d),
    ROW(A5, 0xe000302f, AMO, amomaxu_d),
    /* OP 01100 */
    ROW(F7, 0x00000033, R, add), ROW(F7, 0x40000033, R, sub), ROW(F7, 0x00001033, R, sll),
    ROW(F7, 0x00002033, R, slt), ROW(F7, 0x00003033, R, sltu), ROW(F7, 0x00004033, R, xor),
    ROW(F7, 0x00005033, R, srl), ROW(F7, 0x40005033, R, sra), ROW(F7, 0x00006033, R, or),
    ROW(F7, 0x00007033, R, and),
    ROW(F7, 0x02000033, R, mul), ROW(F7, 0x02001033, R, mulh), ROW(F7, 0x02002033, R, mulhsu),
    ROW(F7, 0x02003033, R, mulhu), ROW(F7, 0x02004033, R, div), ROW(F7, 0x02005033, R, divu),
    ROW(F7, 0x02006033, R, rem), ROW(F7, 0x02007033, R, remu),
    /* LUI 01101; li is its decoded form */
    ROW(OPC, 0x00000037, U, li),
    /* OP-32 01110 */
    ROW(F7, 0x0000003b, R, addw), ROW(F7, 0x4000003b, R, subw), ROW(F7, 0x0000103b, R, sllw),
    ROW(F7, 0x0000503b, R, srlw), ROW(F7, 0x4000503b, R, sraw), ROW(F7, 0x0200003b, R, mulw),
    ROW(F7, 0x0200403b, R, divw), ROW(F7, 0x0200503b, R, divuw), ROW(F7, 0x0200603b, R, remw),
    ROW(F7, 0x0200703b, R, remuw),
    /* MADD 10000, MSUB 10001, NMSUB 10010, NMADD 10011 */
    ROW(R4, 0x00000043, FR4, fmadd_s), ROW(R4, 0x02000043, FR4, fmadd_d),
    ROW(R4, 0x00000047, FR4, fmsub_s), ROW(R4, 0x02000047, FR4, fmsub_d),
    ROW(R4, 0x0000004b, FR4, fnmsub_s), ROW(R4, 0x0200004b, FR4, fnmsub_d),
    ROW(R4, 0x0000004f, FR4, fnmadd_s), ROW(R4, 0x0200004f, FR4, fnmadd_d),
    /* OP-FP 10100 */
    ROW(F7RM, 0x00000053, FRM, fadd_s), ROW(F7RM, 0x08000053, FRM, fsub_s),
    ROW(F7RM, 0x10000053, FRM, fmul_s), ROW(F7RM, 0x18000053, FRM, fdiv_s),
    ROW(F7RM, 0x02000053, FRM, fadd_d), ROW(F7RM, 0x0a000053, FRM, fsub_d),
    ROW(F7RM, 0x12000053, FRM, fmul_d), ROW(F7RM, 0x1a000053, FRM, fdiv_d),
    ROW(F7RS2, 0x58000053, FRM, fsqrt_s), ROW(F7RS2, 0x5a000053, FRM, fsqrt_d),
    ROW(F7, 0x20000053, FR, fsgnj_s), ROW(F7, 0x20001053, FR, fsgnjn_s),
    ROW(F7, 0x20002053, FR, fsgnjx_s), ROW(F7, 0x22000053, FR, fsgnj_d),
    ROW(F7, 0x22001053, FR, fsgnjn_d), ROW(F7, 0x22002053, FR, fsgnjx_d),
    ROW(F7, 0x28000053, FR, fmin_s), ROW(F7, 0x28001053, FR, fmax_s),
    ROW(F7, 0x2a000053, FR, fmin_d), ROW(F7, 0x2a001053, FR, fmax_d),
    ROW(F7RS2, 0x40100053, FRM, fcvt_s_d), ROW(F7RS2, 0x42000053, FRM, fcvt_d_s),
    ROW(F7, 0xa0000053, FX, fle_s), ROW(F7, 0xa0001053, FX, flt_s), ROW(F7, 0xa0002053, FX, feq_s),
    ROW(F7, 0xa2000053, FX, fle_d), ROW(F7, 0xa2001053, FX, flt_d), ROW(F7, 0xa2002053, FX, feq_d),
    ROW(F7RS2, 0xc0000053, FXM, fcvt_w_s), ROW(F7RS2, 0xc0100053, FXM, fcvt_wu_s),
    ROW(F7RS2, 0xc0200053, FXM, fcvt_l_s), ROW(F7RS2, 0xc0300053, FXM, fcvt_lu_s),
    ROW(F7RS2, 0xc2000053, FXM, fcvt_w_d), ROW(F7RS2, 0xc2100053, FXM, fcvt_wu_d),
    ROW(F7RS2, 0xc2200053, FXM, fcvt_l_d), ROW(F7RS2, 0xc2300053, FXM, fcvt_lu_d),
    ROW(F7RS2, 0xd0000053, XFM, fcvt_s_w), ROW(F7RS2, 0xd0100053, XFM, fcvt_s_wu),
    ROW(F7RS2, 0xd0200053, XFM, fcvt_s_l), ROW(F7RS2, 0xd0300053, XFM, fcvt_s_lu),
    ROW(F7RS2, 0xd2000053, XFM, fcvt_d_w), ROW(F7RS2, 0xd2100053, XFM, fcvt_d_wu),
    ROW(F7RS2, 0xd2200053, XFM, fcvt_d_l), ROW(F7RS2, 0xd2300053, XFM, fcvt_d_lu),
    ROW(F7RS2F3, 0xe0000053, FX, fmv_x_w), ROW(F7RS2F3, 0xe0001053, FX, fclass_s),
    ROW(F7RS2F3, 0xe2000053, FX, fmv_x_d), ROW(F7RS2F3, 0xe2001053, FX, fclass_d),
    ROW(F7RS2F3, 0xf0000053, XF, fmv_w_x), ROW(F7RS2F3, 0xf2000053, XF, fmv_d_x),
    /* BRANCH 11000 */
    ROW(F3, 0x00000063, B, beq), ROW(F3, 0x00001063, B, bne), ROW(F3, 0x00004063, B, blt),
    ROW(F3, 0x00005063, B, bge), ROW(F3, 0x00006063, B, bltu), ROW(F3, 0x00007063, B, bgeu),
    /* JALR 11001, JAL 11011 */
    ROW(F3, 0x00000067, I, jalr),
    ROW(OPC, 0x0000006f, J, jal),
    /* SYSTEM 11100 */
    ROW(ALL, 0x00000073, NONE, ecall), ROW(ALL, 0x00100073, NONE, ebreak),
    ROW(F3, 0x00001073, CSR, csrrw), ROW(F3, 0x00002073, CSR, csrrs),
    ROW(F3, 0x00003073, CSR, csrrc), ROW(F3, 0x00005073, CSR, csrrwi),
    ROW(F3, 0x00006073, CSR, csrrsi), ROW(F3, 0x00007073, CSR, csrrci),
};
/* clang-format on */

#define DECODE_ROWS (sizeof(decode_rows) / sizeof(decode_rows[0]))

static unsigned
decode_major(uint32_t bits)
{
    return bits >> 2 & 31;
}

void
cpu_decode_init(uint16_t *index)
{
    unsigned row = 0;
    for (unsigned major = 0; major < 32; major++) {
        index[major] = (uint16_t)row;
        while (row < DECODE_ROWS && decode_major(decode_rows[row].match) == major)
            row++;
    }
    index[32] = (uint16_t)row;
}

static int32_t
imm_b(uint32_t bits)
{
    uint32_t imm = (bits >> 7 & 0x1e) | (bits >> 20 & 0x7e0) | (bits << 4 & 0x800);
    return (int32_t)imm | ((int32_t)(bits & 0x80000000u) >> 19);
}

static int32_t
imm_j(uint32_t bits)
{
    uint32_t imm = (bits >> 20 & 0x7fe) | (bits >> 9 & 0x800) | (bits & 0xff000);
    return (int32_t)imm | ((int32_t)(bits & 0x80000000u) >> 11);
}

static int32_t
imm_s(uint32_t bits)
{
    return (int32_t)(((int32_t)bits >> 25) * 32) | (int32_t)(bits >> 7 & 31);
}

/* Rounding modes 5 and 6 are reserved (table 11.1). */
static bool
decode_rm(struct cpu_insn *insn, uint32_t bits)
{
    unsigned rm = bits >> 12 & 7;
    insn->imm = (int32_t)rm;
    return rm != 5 && rm != 6;
}

/* Fills in the operands of an FP format; false if the instruction is reserved. */
static bool
decode_fp(struct cpu_insn *insn, uint32_t bits)
{
    switch ((enum cpu_format)insn->format) {
    case CPU_FMT_FR:
        insn->rd += 32, insn->rs1 += 32, insn->rs2 += 32;
        return true;
    case CPU_FMT_FRM:
        insn->rd += 32, insn->rs1 += 32, insn->rs2 += 32;
        return decode_rm(insn, bits);
    case CPU_FMT_FR4:
        insn->rd += 32, insn->rs1 += 32, insn->rs2 += 32;
        bool ok = decode_rm(insn, bits);
        insn->imm |= (int32_t)((bits >> 27) + 32) << 8;
        return ok;
    case CPU_FMT_FX:
        insn->rs1 += 32, insn->rs2 += 32;
        return true;
    case CPU_FMT_FXM:
        insn->rs1 += 32;
        return decode_rm(insn, bits);
    case CPU_FMT_XF:
        insn->rd += 32;
        return true;
    case CPU_FMT_XFM:
        insn->rd += 32;
        return decode_rm(insn, bits);
    default:
        return false;
    }
}

/* Fills in the operands; false if the instruction is reserved. */
static bool
decode_operands(struct cpu_insn *insn, uint32_t bits)
{
    switch ((enum cpu_format)insn->format) {
    case CPU_FMT_NONE:
    case CPU_FMT_R:
    case CPU_FMT_AMO:
        return true;
    case CPU_FMT_FLD:
        insn->rd += 32;
        insn->imm = (int32_t)bits >> 20;
        return true;
    case CPU_FMT_I:
    case CPU_FMT_LD:
        insn->imm = (int32_t)bits >> 20;
        return true;
    case CPU_FMT_SH:
        insn->imm = (int32_t)(bits >> 20 & 63);
        return true;
    case CPU_FMT_FST:
        insn->rs2 += 32;
        insn->imm = imm_s(bits);
        return true;
    case CPU_FMT_ST:
        insn->imm = imm_s(bits);
        return true;
    case CPU_FMT_B:
        insn->imm = imm_b(bits);
        return true;
    case CPU_FMT_U:
        insn->imm = (int32_t)(bits & 0xfffff000u);
        return true;
    case CPU_FMT_J:
        insn->imm = imm_j(bits);
        return true;
    case CPU_FMT_CSR:
        insn->imm = (int32_t)(bits >> 20);
        return true;
    default:
        return decode_fp(insn, bits);
    }
}

struct cpu_insn
cpu_decode(const uint16_t *index, uint32_t bits)
{
    unsigned major = decode_major(bits);
    struct cpu_insn illegal = {
        .kind = CPU_KIND_illegal, .format = CPU_FMT_NONE, .imm = (int32_t)bits};
    if ((bits & 3) != 3)
        return illegal;
    for (unsigned i = index[major]; i < index[major + 1]; i++) {
        const struct decode_row *row = &decode_rows[i];
        if ((bits & row->mask) != row->match)
            continue;
        struct cpu_insn insn = {.kind = row->kind,
            .format = row->format,
            .rd = bits >> 7 & 31,
            .rs1 = bits >> 15 & 31,
            .rs2 = bits >> 20 & 31};
        return decode_operands(&insn, bits) ? insn : illegal;
    }
    return illegal;
}
