/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads and stores. */
#include "cpu/data_access.h"

/* A load or store that faulted: it has counted as one access, though it did not retire. */
static COLD const struct cpu_op *
mem_fault(struct cpu_core *c, const struct cpu_op *op, uint64_t k)
{
    return cpu_leave_at(c, op, k + 1, CPU_EXIT_FAULT);
}

/* clang-format off */
#define LOADS(X) \
    X(lb, int8_t, CPU_SIGNED) \
    X(lh, int16_t, CPU_SIGNED) \
    X(lw, int32_t, CPU_SIGNED) \
    X(ld, uint64_t, CPU_UNSIGNED) \
    X(lbu, uint8_t, CPU_UNSIGNED) \
    X(lhu, uint16_t, CPU_UNSIGNED) \
    X(lwu, uint32_t, CPU_UNSIGNED) \
    X(flw, uint32_t, CPU_BOXED) \
    X(fld, uint64_t, CPU_UNSIGNED)
/* clang-format on */

#define STORES(X)                                                                                  \
    X(sb, uint8_t) X(sh, uint16_t) X(sw, uint32_t) X(sd, uint64_t) X(fsw, uint32_t) X(fsd, uint64_t)

#define X(name, type, widen)                                                                       \
    COLD const struct cpu_op *CPU_SLOW(name)(                                                      \
        struct cpu_core * c, const struct cpu_op *op, uint64_t k)                                  \
    {                                                                                              \
        if (!cpu_mem_read(c, RS1(op) + IMM(op), sizeof(type)))                                     \
            return mem_fault(c, op, k);                                                            \
        RECORD_VA(RS1(op) + IMM(op));                                                              \
        RD(op) = widen((type)c->loaded);                                                           \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t va = RS1(op) + IMM(op);                                                           \
        struct cpu_data_slot *slot = cpu_data_slot(c, va);                                         \
        if (!CPU_HIT_READ(slot, va, sizeof(type)))                                                 \
            CHAIN(CPU_SLOW(name), op, k);                                                          \
        RECORD_VA(va);                                                                             \
        RD(op) = widen(CPU_LOAD(type, slot, va));                                                  \
        NEXT(1);                                                                                   \
    }
LOADS(X)
#undef X

#define X(name, type)                                                                              \
    COLD const struct cpu_op *CPU_SLOW(name)(                                                      \
        struct cpu_core * c, const struct cpu_op *op, uint64_t k)                                  \
    {                                                                                              \
        if (!cpu_mem_write(c, RS1(op) + IMM(op), sizeof(type), RS2(op)))                           \
            return mem_fault(c, op, k);                                                            \
        RECORD_VA(RS1(op) + IMM(op));                                                              \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t va = RS1(op) + IMM(op);                                                           \
        struct cpu_data_slot *slot = cpu_data_slot(c, va);                                         \
        if (!CPU_HIT_WRITE(slot, va, sizeof(type)))                                                \
            CHAIN(CPU_SLOW(name), op, k);                                                          \
        RECORD_VA(va);                                                                             \
        CPU_STORE(type, slot, va, RS2(op));                                                        \
        NEXT(1);                                                                                   \
    }
STORES(X)
#undef X
