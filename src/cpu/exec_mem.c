/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads and stores. */
#include "cpu/data_access.h"

void
cpu_data_clear(struct cpu_core *c)
{
    for (uint64_t i = 0; i <= c->data_mask >> 5; i++)
        c->data[i] = (struct cpu_data_slot){.read_tag = CPU_NO_TAG, .write_tag = CPU_NO_TAG};
}

unsigned char *
cpu_data_translate(struct cpu_core *c, uint64_t va, enum access access)
{
    struct mmu_translation out = {.forget = false};
    enum mmu_fault fault = c->mmu->ops->translate(c->mmu, va, access, &out);
    if (fault != MMU_OK) {
        c->hart.fault_va = va;
        c->hart.fault_access = access;
        c->hart.fault = fault;
        return NULL;
    }
    struct cpu_data_slot *slot = cpu_data_slot(c, va);
    uint64_t page = page_floor(va);
    if (out.forget)
        cpu_data_clear(c);
    if (c->single_data)
        c->data[0] = c->data[1] =
            (struct cpu_data_slot){.read_tag = CPU_NO_TAG, .write_tag = CPU_NO_TAG};
    slot->read_tag = prot_allows(out.prot, ACCESS_READ) ? page : CPU_NO_TAG;
    slot->write_tag = prot_allows(out.prot, ACCESS_WRITE) ? page : CPU_NO_TAG;
    slot->addend = (uintptr_t)out.bytes - page;
    return out.bytes + (va - page);
}

/* The host address of va if its slot allows the access; else by translation, NULL on a fault. */
static unsigned char *
mem_reach(struct cpu_core *c, uint64_t va, enum access access)
{
    struct cpu_data_slot *slot = cpu_data_slot(c, va);
    uint64_t tag = access == ACCESS_READ ? slot->read_tag : slot->write_tag;
    if (tag == page_floor(va))
        return (unsigned char *)(slot->addend + va);
    return cpu_data_translate(c, va, access);
}

/* Both pages of a crossing access, first to last; *first is how many bytes lie in the first. */
static bool
mem_reach_both(struct cpu_core *c, uint64_t va, unsigned size, enum access access,
    unsigned char *part[2], unsigned *first)
{
    uint64_t next = page_ceil(va + 1);
    *first = (unsigned)(next - va);
    if (*first >= size) {
        *first = size;
        part[0] = part[1] = mem_reach(c, va, access);
        return part[0] != NULL;
    }
    part[0] = mem_reach(c, va, access);
    if (part[0] == NULL)
        return false;
    c->extra_mem++;
    part[1] = mem_reach(c, next, access);
    return part[1] != NULL;
}

bool
cpu_mem_read(struct cpu_core *c, uint64_t va, unsigned size)
{
    unsigned char *part[2];
    unsigned first;
    if (!mem_reach_both(c, va, size, ACCESS_READ, part, &first))
        return false;
    c->loaded = 0;
    memcpy(&c->loaded, part[0], first);
    memcpy((char *)&c->loaded + first, part[1], size - first);
    return true;
}

bool
cpu_mem_write(struct cpu_core *c, uint64_t va, unsigned size, uint64_t value)
{
    unsigned char *part[2];
    unsigned first;
    if (!mem_reach_both(c, va, size, ACCESS_WRITE, part, &first))
        return false;
    memcpy(part[0], &value, first);
    memcpy(part[1], (char *)&value + first, size - first);
    return true;
}

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
    COLD const struct cpu_op *cpu_slow_##name(                                                     \
        struct cpu_core *c, const struct cpu_op *op, uint64_t k)                                   \
    {                                                                                              \
        if (!cpu_mem_read(c, RS1(op) + IMM(op), sizeof(type)))                                     \
            return mem_fault(c, op, k);                                                            \
        RD(op) = widen((type)c->loaded);                                                           \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t va = RS1(op) + IMM(op);                                                           \
        struct cpu_data_slot *slot = cpu_data_slot(c, va);                                         \
        if (!CPU_HIT_READ(slot, va, sizeof(type)))                                                 \
            CHAIN(cpu_slow_##name, op, k);                                                         \
        RD(op) = widen(CPU_LOAD(type, slot, va));                                                  \
        NEXT(1);                                                                                   \
    }
LOADS(X)
#undef X

#define X(name, type)                                                                              \
    COLD const struct cpu_op *cpu_slow_##name(                                                     \
        struct cpu_core *c, const struct cpu_op *op, uint64_t k)                                   \
    {                                                                                              \
        if (!cpu_mem_write(c, RS1(op) + IMM(op), sizeof(type), RS2(op)))                           \
            return mem_fault(c, op, k);                                                            \
        NEXT(1);                                                                                   \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        uint64_t va = RS1(op) + IMM(op);                                                           \
        struct cpu_data_slot *slot = cpu_data_slot(c, va);                                         \
        if (!CPU_HIT_WRITE(slot, va, sizeof(type)))                                                \
            CHAIN(cpu_slow_##name, op, k);                                                         \
        CPU_STORE(type, slot, va, RS2(op));                                                        \
        NEXT(1);                                                                                   \
    }
STORES(X)
#undef X
