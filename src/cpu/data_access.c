/* SPDX-License-Identifier: BSD-2-Clause */
/* Data accesses that miss their slot: by way of the MMU, page by page. */
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
