/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What common ops do, as pieces that fused handlers are put together from.  o is the op, a the
 * value of its first source register, which a fused handler may have at hand.  Each piece
 * leaves its result in r; it may leave the handler by way of the op's own slow path.
 */
#ifndef CPU_BODIES_H
#define CPU_BODIES_H

#include "cpu/data_access.h"

#define BODY_SEXT32(v) ((uint64_t)(int64_t)(int32_t)(uint32_t)(v))

#define BODY_ALU(o, result)                                                                        \
    do {                                                                                           \
        r = (result);                                                                              \
        RD(o) = r;                                                                                 \
    } while (0)

#define BODY_addi(o, a) BODY_ALU(o, (a) + IMM(o))
#define BODY_addiw(o, a) BODY_ALU(o, BODY_SEXT32((a) + IMM(o)))
#define BODY_andi(o, a) BODY_ALU(o, (a)&IMM(o))
#define BODY_slli(o, a) BODY_ALU(o, (a) << ((o)->imm & 63))
#define BODY_srli(o, a) BODY_ALU(o, (a) >> ((o)->imm & 63))
#define BODY_slliw(o, a) BODY_ALU(o, BODY_SEXT32((a) << ((o)->imm & 31)))
#define BODY_srliw(o, a) BODY_ALU(o, BODY_SEXT32((uint32_t)(a) >> ((o)->imm & 31)))
#define BODY_sraiw(o, a) BODY_ALU(o, (uint64_t)(int64_t)((int32_t)(a) >> ((o)->imm & 31)))
#define BODY_li(o, a) BODY_ALU(o, ((void)(a), IMM(o)))
#define BODY_mv(o, a) BODY_ALU(o, (a))
#define BODY_add(o, a) BODY_ALU(o, (a) + RS2(o))
#define BODY_sub(o, a) BODY_ALU(o, (a)-RS2(o))
#define BODY_and(o, a) BODY_ALU(o, (a)&RS2(o))
#define BODY_or(o, a) BODY_ALU(o, (a) | RS2(o))
#define BODY_xor(o, a) BODY_ALU(o, (a) ^ RS2(o))
#define BODY_addw(o, a) BODY_ALU(o, BODY_SEXT32((a) + RS2(o)))
#define BODY_subw(o, a) BODY_ALU(o, BODY_SEXT32((a)-RS2(o)))
#define BODY_mul(o, a) BODY_ALU(o, (a)*RS2(o))
#define BODY_mulw(o, a) BODY_ALU(o, BODY_SEXT32((a)*RS2(o)))

#define BODY_LOAD(o, a, name, type, widen)                                                         \
    do {                                                                                           \
        uint64_t load_va = (a) + IMM(o);                                                           \
        struct cpu_data_slot *load_slot = cpu_data_slot(c, load_va);                               \
        if (!CPU_HIT_READ(load_slot, load_va, sizeof(type)))                                       \
            CHAIN(CPU_SLOW(name), o, k);                                                           \
        RECORD_VA(load_va);                                                                        \
        r = widen(CPU_LOAD(type, load_slot, load_va));                                             \
        RD(o) = r;                                                                                 \
    } while (0)

#define BODY_lb(o, a) BODY_LOAD(o, a, lb, int8_t, CPU_SIGNED)
#define BODY_lh(o, a) BODY_LOAD(o, a, lh, int16_t, CPU_SIGNED)
#define BODY_lw(o, a) BODY_LOAD(o, a, lw, int32_t, CPU_SIGNED)
#define BODY_ld(o, a) BODY_LOAD(o, a, ld, uint64_t, CPU_UNSIGNED)
#define BODY_lbu(o, a) BODY_LOAD(o, a, lbu, uint8_t, CPU_UNSIGNED)
#define BODY_lhu(o, a) BODY_LOAD(o, a, lhu, uint16_t, CPU_UNSIGNED)
#define BODY_lwu(o, a) BODY_LOAD(o, a, lwu, uint32_t, CPU_UNSIGNED)

#define BODY_STORE(o, a, name, type)                                                               \
    do {                                                                                           \
        uint64_t store_va = (a) + IMM(o);                                                          \
        struct cpu_data_slot *store_slot = cpu_data_slot(c, store_va);                             \
        if (!CPU_HIT_WRITE(store_slot, store_va, sizeof(type)))                                    \
            CHAIN(CPU_SLOW(name), o, k);                                                           \
        RECORD_VA(store_va);                                                                       \
        CPU_STORE(type, store_slot, store_va, RS2(o));                                             \
    } while (0)

#define BODY_sb(o, a) BODY_STORE(o, a, sb, uint8_t)
#define BODY_sh(o, a) BODY_STORE(o, a, sh, uint16_t)
#define BODY_sw(o, a) BODY_STORE(o, a, sw, uint32_t)
#define BODY_sd(o, a) BODY_STORE(o, a, sd, uint64_t)

/* Follows payload p: its run is done, and the slice may be.  The op before p holds the word that is
 * recorded; ops whose imm is in use have it in a payload of its own. */
#define BODY_TAKE(p)                                                                               \
    do {                                                                                           \
        RECORD_LEFT((p)[-1].imm);                                                                  \
        k -= (p)->delta;                                                                           \
        if (UNLIKELY((int64_t)k < 0))                                                              \
            CHAIN(cpu_leave_slice, (p)->target, k);                                                \
        GOTO((p)->target, k);                                                                      \
    } while (0)

#define BODY_BRANCH(o, cond)                                                                       \
    do {                                                                                           \
        if (cond)                                                                                  \
            BODY_TAKE((o) + 1);                                                                    \
        GOTO((o) + 2, k);                                                                          \
    } while (0)

#define BODY_beq(o, a) BODY_BRANCH(o, (a) == RS2(o))
#define BODY_bne(o, a) BODY_BRANCH(o, (a) != RS2(o))
#define BODY_blt(o, a) BODY_BRANCH(o, (int64_t)(a) < (int64_t)RS2(o))
#define BODY_bge(o, a) BODY_BRANCH(o, (int64_t)(a) >= (int64_t)RS2(o))
#define BODY_bltu(o, a) BODY_BRANCH(o, (a) < RS2(o))
#define BODY_bgeu(o, a) BODY_BRANCH(o, (a) >= RS2(o))
#define BODY_beqz(o, a) BODY_BRANCH(o, (a) == 0)
#define BODY_bnez(o, a) BODY_BRANCH(o, (a) != 0)
#define BODY_bltz(o, a) BODY_BRANCH(o, (int64_t)(a) < 0)
#define BODY_bgez(o, a) BODY_BRANCH(o, (int64_t)(a) >= 0)
#define BODY_jump_near(o, a)                                                                       \
    do {                                                                                           \
        (void)(a);                                                                                 \
        BODY_TAKE((o) + 1);                                                                        \
    } while (0)

/* Goes to va, in whatever page. */
#define BODY_ENTER(va_)                                                                            \
    do {                                                                                           \
        uint64_t enter_va = (va_);                                                                 \
        c->hart.regs.pc = enter_va;                                                                \
        if (UNLIKELY((int64_t)k < 0))                                                              \
            CHAIN(cpu_slice_over, op, k);                                                          \
        struct cpu_fetch_slot *enter_slot = cpu_fetch_slot(c, enter_va >> PAGE_SHIFT);             \
        if (UNLIKELY(enter_slot->vpn != enter_va >> PAGE_SHIFT))                                   \
            CHAIN(cpu_enter, op, k);                                                               \
        GOTO(enter_slot->page->entry[(enter_va & (PAGE_SIZE - 1)) >> 1], k);                       \
    } while (0)

#define BODY_ret(o, a)                                                                             \
    do {                                                                                           \
        uint64_t ret_va = ((a) + IMM(o)) & ~(uint64_t)1;                                           \
        RECORD_LEFT((o)[2].value);                                                                 \
        k -= (o)[1].delta;                                                                         \
        BODY_ENTER(ret_va);                                                                        \
    } while (0)
#define BODY_call_far(o, a)                                                                        \
    do {                                                                                           \
        uint64_t call_va = (o)[1].value;                                                           \
        (void)(a);                                                                                 \
        RD(o) = call_va - IMM(o);                                                                  \
        RECORD_LEFT((o)[2].value);                                                                 \
        k -= (o)[1].delta;                                                                         \
        BODY_ENTER(call_va);                                                                       \
    } while (0)
#define BODY_call_near(o, a)                                                                       \
    do {                                                                                           \
        (void)(a);                                                                                 \
        RD(o) = (o)[2].value;                                                                      \
        BODY_TAKE((o) + 1);                                                                        \
    } while (0)
#define BODY_jump_far(o, a)                                                                        \
    do {                                                                                           \
        (void)(a);                                                                                 \
        RECORD_LEFT((o)->imm);                                                                     \
        k -= (o)[1].delta;                                                                         \
        BODY_ENTER((o)[1].value);                                                                  \
    } while (0)

/* Leaves before regs.pc, the slice being over. */
COLD cpu_fn cpu_slice_over;
/* Goes to regs.pc, whose page is not in its fetch slot. */
COLD cpu_fn cpu_enter;

#endif
