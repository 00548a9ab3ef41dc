/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of op, and their handlers.  A kind is an instruction of the ISA or an op of our own;
 * its handler is cpu_do_KIND.  Those that access memory or leave their run have another one, from
 * the same source, for a hart that records (cpu/recorder.h).
 */
#ifndef CPU_OPS_H
#define CPU_OPS_H

#include "cpu/cpu_core.h"

/* Tables. */
/* clang-format off */

#define CPU_KINDS_INT(X) \
    X(nop) X(li) X(li64) X(mv) \
    X(addi) X(slti) X(sltiu) X(xori) X(ori) X(andi) X(slli) X(srli) X(srai) \
    X(add) X(sub) X(sll) X(slt) X(sltu) X(xor) X(srl) X(sra) X(or) X(and) \
    X(addiw) X(slliw) X(srliw) X(sraiw) X(addw) X(subw) X(sllw) X(srlw) X(sraw) \
    X(mul) X(mulh) X(mulhsu) X(mulhu) X(div) X(divu) X(rem) X(remu) \
    X(mulw) X(divw) X(divuw) X(remw) X(remuw)

#define CPU_KINDS_MEM(X) \
    X(lb) X(lh) X(lw) X(ld) X(lbu) X(lhu) X(lwu) X(sb) X(sh) X(sw) X(sd) \
    X(flw) X(fld) X(fsw) X(fsd)

/* Those that leave their run. */
#define CPU_KINDS_LEAVE(X) \
    X(beq) X(bne) X(blt) X(bge) X(bltu) X(bgeu) X(beqz) X(bnez) X(bltz) X(bgez) \
    X(jalr) X(jump_near) X(call_near) X(call_far) X(jump_far) X(ret) X(crossing)

#define CPU_KINDS_BRANCH(X) \
    CPU_KINDS_LEAVE(X) X(jal) X(link) X(missing)

#define CPU_KINDS_SYSTEM(X) \
    X(fence) X(fence_i) X(ecall) X(ebreak) X(illegal) \
    X(csrrw) X(csrrs) X(csrrc) X(csrrwi) X(csrrsi) X(csrrci)

#define CPU_KINDS_AMO(X) \
    X(lr_w) X(sc_w) X(lr_d) X(sc_d) \
    X(amoswap_w) X(amoadd_w) X(amoxor_w) X(amoand_w) X(amoor_w) \
    X(amomin_w) X(amomax_w) X(amominu_w) X(amomaxu_w) \
    X(amoswap_d) X(amoadd_d) X(amoxor_d) X(amoand_d) X(amoor_d) \
    X(amomin_d) X(amomax_d) X(amominu_d) X(amomaxu_d)

#define CPU_KINDS_FP(X) \
    X(fmadd_s) X(fmsub_s) X(fnmsub_s) X(fnmadd_s) \
    X(fadd_s) X(fsub_s) X(fmul_s) X(fdiv_s) X(fsqrt_s) \
    X(fmadd_d) X(fmsub_d) X(fnmsub_d) X(fnmadd_d) \
    X(fadd_d) X(fsub_d) X(fmul_d) X(fdiv_d) X(fsqrt_d) \
    X(fcvt_s_d) X(fcvt_d_s)

#define CPU_KINDS_FPX(X) \
    X(fsgnj_s) X(fsgnjn_s) X(fsgnjx_s) X(fmin_s) X(fmax_s) \
    X(feq_s) X(flt_s) X(fle_s) X(fclass_s) X(fmv_x_w) X(fmv_w_x) \
    X(fsgnj_d) X(fsgnjn_d) X(fsgnjx_d) X(fmin_d) X(fmax_d) \
    X(feq_d) X(flt_d) X(fle_d) X(fclass_d) X(fmv_x_d) X(fmv_d_x)

#define CPU_KINDS_FCVT(X) \
    X(fcvt_w_s) X(fcvt_wu_s) X(fcvt_l_s) X(fcvt_lu_s) \
    X(fcvt_w_d) X(fcvt_wu_d) X(fcvt_l_d) X(fcvt_lu_d) \
    X(fcvt_s_w) X(fcvt_s_wu) X(fcvt_s_l) X(fcvt_s_lu) \
    X(fcvt_d_w) X(fcvt_d_wu) X(fcvt_d_l) X(fcvt_d_lu)

#define CPU_KINDS(X) \
    CPU_KINDS_INT(X) CPU_KINDS_MEM(X) CPU_KINDS_BRANCH(X) CPU_KINDS_SYSTEM(X) CPU_KINDS_AMO(X) \
    CPU_KINDS_FP(X) CPU_KINDS_FPX(X) CPU_KINDS_FCVT(X)

/* Those with a second handler, which records: cpu_rec_KIND. */
#define CPU_KINDS_RECORDED(X) \
    CPU_KINDS_MEM(X) CPU_KINDS_LEAVE(X) CPU_KINDS_AMO(X)

enum cpu_kind {
#define X(name) CPU_KIND_##name,
    CPU_KINDS(X)
#undef X
    CPU_KIND_COUNT
};

#define X(name) cpu_fn cpu_do_##name;
CPU_KINDS(X)
#undef X

#define X(name) cpu_fn cpu_rec_##name;
CPU_KINDS_RECORDED(X)
#undef X

/* Handler of each kind (dispatch.c), of a hart that does not record and of one that does. */
extern cpu_fn *const cpu_handlers[CPU_KIND_COUNT];
extern cpu_fn *const cpu_rec_handlers[CPU_KIND_COUNT];

/* How an instruction's fields are laid out, and in which register files its operands lie. */
enum cpu_format {
    CPU_FMT_NONE,
    CPU_FMT_R,   /* x, x, x */
    CPU_FMT_I,   /* x, x, imm12 */
    CPU_FMT_SH,  /* x, x, shift amount */
    CPU_FMT_LD,  /* x, imm12(x) */
    CPU_FMT_ST,  /* x, imm12(x) */
    CPU_FMT_B,   /* x, x, offset */
    CPU_FMT_U,   /* x, imm20 */
    CPU_FMT_J,   /* x, offset */
    CPU_FMT_CSR, /* x, x or zimm, csr */
    CPU_FMT_AMO, /* x, x, (x) */
    CPU_FMT_FLD, /* f, imm12(x) */
    CPU_FMT_FST, /* f, imm12(x) */
    CPU_FMT_FR,  /* f, f, f */
    CPU_FMT_FRM, /* f, f, f, rounding mode */
    CPU_FMT_FR4, /* f, f, f, f, rounding mode */
    CPU_FMT_FX,  /* x, f, f */
    CPU_FMT_FXM, /* x, f, rounding mode */
    CPU_FMT_XF,  /* f, x */
    CPU_FMT_XFM  /* f, x, rounding mode */
};

/* clang-format on */

struct cpu_insn {
    uint8_t kind;         /* enum cpu_kind */
    uint8_t format;       /* enum cpu_format */
    uint8_t rd, rs1, rs2; /* as ops index registers; rd x0 is 0 here */
    int32_t imm;          /* for FP: rounding mode, and rs3's index << 8 */
};
_Static_assert(CPU_KIND_COUNT <= 255, "a kind fits a byte");

/* Decodes a 32-bit instruction; kind illegal when it is reserved or not for user mode. */
struct cpu_insn cpu_decode(const uint16_t *index, uint32_t bits);
/* Sets up the index that cpu_decode uses: 33 entries. */
void cpu_decode_init(uint16_t *index);
/* The 32-bit instruction that a compressed one stands for; 0 when it is reserved. */
uint32_t cpu_expand(uint16_t bits);

/* What a recorder is told of it (recorder.c). */
struct cpu_code_insn cpu_record_insn(const struct cpu_insn *insn, unsigned len);

static inline bool
cpu_format_is_mem(enum cpu_format format)
{
    return format == CPU_FMT_LD || format == CPU_FMT_ST || format == CPU_FMT_AMO ||
           format == CPU_FMT_FLD || format == CPU_FMT_FST;
}

#endif
