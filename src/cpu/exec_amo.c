/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Atomics.  One hart runs at a time, so an ordinary read and write is atomic.  LR remembers
 * address and value; SC succeeds if it is for that address and the value is still there, and
 * no context switch came between.  SC asks for its page whether or not it will succeed.
 */
#include "cpu/data_access.h"

/* Host address of an aligned atomic's operand; NULL with core.exit set. */
static unsigned char *
amo_reach(struct cpu_core *c, uint64_t va, unsigned size, enum access access)
{
    if (va & (size - 1)) {
        c->hart.fault_va = va;
        c->hart.fault_access = access;
        c->exit = CPU_EXIT_MISALIGNED;
        return NULL;
    }
    c->exit = CPU_EXIT_FAULT;
    struct cpu_data_slot *slot = cpu_data_slot(c, va);
    uint64_t tag = access == ACCESS_READ ? slot->read_tag : slot->write_tag;
    if (tag == page_floor(va))
        return (unsigned char *)(slot->addend + va);
    return cpu_data_translate(c, va, access);
}

/* Leaves at an atomic; one that is misaligned has not reached memory. */
static COLD const struct cpu_op *
amo_fault(struct cpu_core *c, const struct cpu_op *op, uint64_t k)
{
    return cpu_leave_at(c, op, k + (c->exit == CPU_EXIT_FAULT), c->exit);
}

#define AMO_WIDTH(w, utype, stype)                                                                 \
    HANDLER(lr_##w)                                                                                \
    {                                                                                              \
        uint64_t va = RS1(op);                                                                     \
        const unsigned char *at = amo_reach(c, va, sizeof(utype), ACCESS_READ);                    \
        if (at == NULL)                                                                            \
            CHAIN(amo_fault, op, k);                                                               \
        RECORD_VA(va);                                                                             \
        stype v = *(const stype *)(const void *)at;                                                \
        c->reserved = true;                                                                        \
        c->reserved_va = va;                                                                       \
        c->reserved_value = (uint64_t)(int64_t)v;                                                  \
        RD(op) = (uint64_t)(int64_t)v;                                                             \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(sc_##w)                                                                                \
    {                                                                                              \
        uint64_t va = RS1(op);                                                                     \
        unsigned char *at = amo_reach(c, va, sizeof(utype), ACCESS_WRITE);                         \
        if (at == NULL)                                                                            \
            CHAIN(amo_fault, op, k);                                                               \
        RECORD_VA(va);                                                                             \
        bool ok = c->reserved && c->reserved_va == va &&                                           \
                  (uint64_t)(int64_t) * (stype *)(void *)at == c->reserved_value;                  \
        c->reserved = false;                                                                       \
        if (ok)                                                                                    \
            *(utype *)(void *)at = (utype)RS2(op);                                                 \
        RD(op) = !ok;                                                                              \
        NEXT(1);                                                                                   \
    }                                                                                              \
    AMO(amoswap_##w, utype, stype, b)                                                              \
    AMO(amoadd_##w, utype, stype, a + b)                                                           \
    AMO(amoxor_##w, utype, stype, a ^ b)                                                           \
    AMO(amoand_##w, utype, stype, a &b)                                                            \
    AMO(amoor_##w, utype, stype, a | b)                                                            \
    AMO(amomin_##w, utype, stype, (stype)a < (stype)b ? a : b)                                     \
    AMO(amomax_##w, utype, stype, (stype)a > (stype)b ? a : b)                                     \
    AMO(amominu_##w, utype, stype, a < b ? a : b)                                                  \
    AMO(amomaxu_##w, utype, stype, a > b ? a : b)

#define AMO(name, utype, stype, result)                                                            \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        unsigned char *at = amo_reach(c, RS1(op), sizeof(utype), ACCESS_WRITE);                    \
        if (at == NULL)                                                                            \
            CHAIN(amo_fault, op, k);                                                               \
        RECORD_VA(RS1(op));                                                                        \
        utype a = *(utype *)(void *)at, b = (utype)RS2(op);                                        \
        *(utype *)(void *)at = (utype)(result);                                                    \
        RD(op) = (uint64_t)(int64_t)(stype)a;                                                      \
        NEXT(1);                                                                                   \
    }

AMO_WIDTH(w, uint32_t, int32_t)
AMO_WIDTH(d, uint64_t, int64_t)
