/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which neighbours are fused.  The lists are what counts of adjacent ops in a CoreMark-like loop
 * and in SQLite showed to matter; every first is fused with every second.
 */
#ifndef CPU_FUSE_H
#define CPU_FUSE_H

#include "cpu/ops.h"

/* Tables. */
/* clang-format off */

/* Firsts that leave a value in rd, which the second may use. */
#define CPU_FIRSTS_VALUE(X) \
    X(addi) X(addiw) X(andi) X(slli) X(srli) X(slliw) X(srliw) X(sraiw) X(li) X(mv) X(add) \
    X(and) X(or) X(xor) X(addw) X(mulw) X(lbu) X(lhu) X(lh) X(lw) X(ld)

#define CPU_FIRSTS_STORE(X) X(sd) X(sw) X(sb)

#define CPU_FIRSTS(X) CPU_FIRSTS_VALUE(X) CPU_FIRSTS_STORE(X)

/* Seconds with a first source register; x is passed through. */
#define CPU_SECONDS_SOURCE(X, x) \
    X(x, addi) X(x, addiw) X(x, andi) X(x, slli) X(x, srli) X(x, slliw) X(x, srliw) X(x, sraiw) \
    X(x, mv) X(x, add) X(x, sub) X(x, and) X(x, or) X(x, xor) X(x, addw) X(x, mulw) X(x, mul) \
    X(x, lbu) X(x, lhu) X(x, lh) X(x, lw) X(x, ld) X(x, sd) X(x, sw) X(x, sb) X(x, beqz) \
    X(x, bnez) X(x, beq) X(x, bne) X(x, blt) X(x, bge) X(x, bltu) X(x, bgeu) X(x, ret)

#define CPU_SECONDS_BARE(X, x) \
    X(x, li) X(x, jump_near) X(x, jump_far) X(x, call_near) X(x, call_far)

#define CPU_SECONDS(X, x) CPU_SECONDS_SOURCE(X, x) CPU_SECONDS_BARE(X, x)

enum cpu_first {
#define X(name) CPU_FIRST_##name,
    CPU_FIRSTS(X)
#undef X
    CPU_FIRST_COUNT
};

enum cpu_second {
#define X(x, name) CPU_SECOND_##name,
    CPU_SECONDS(X, 0)
#undef X
    CPU_SECOND_COUNT
};

/* clang-format on */

struct cpu_pair {
    cpu_fn *plain;
    cpu_fn *forward; /* the second's first source is the first's result; NULL: no such form */
};

extern const struct cpu_pair cpu_pairs[CPU_FIRST_COUNT][CPU_SECOND_COUNT];
extern const struct cpu_pair cpu_rec_pairs[CPU_FIRST_COUNT][CPU_SECOND_COUNT];

#endif
