/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data accesses in line.  An access hits when the page of its last byte is the slot's: the slot is
 * chosen by the first byte, so an access that crosses into the next page misses (neighbours never
 * share a slot: there are two slots at least).
 */
#ifndef CPU_DATA_ACCESS_H
#define CPU_DATA_ACCESS_H

#include <string.h>

#include "cpu/handler.h"

#define CPU_LAST_PAGE(va, size) (((va) + (size)-1) & PAGE_MASK)
#define CPU_HIT_READ(slot, va, size) LIKELY((slot)->read_tag == CPU_LAST_PAGE(va, size))
#define CPU_HIT_WRITE(slot, va, size) LIKELY((slot)->write_tag == CPU_LAST_PAGE(va, size))

/* A value at a host address, which need not be aligned. */
#define CPU_LOAD(type, slot, va)                                                                   \
    ({                                                                                             \
        type load_value;                                                                           \
        memcpy(&load_value, (const void *)((slot)->addend + (va)), sizeof load_value);             \
        load_value;                                                                                \
    })
#define CPU_STORE(type, slot, va, v)                                                               \
    do {                                                                                           \
        type store_value = (type)(v);                                                              \
        memcpy((void *)((slot)->addend + (va)), &store_value, sizeof store_value);                 \
    } while (0)

/* What a load leaves in its register. */
#define CPU_SIGNED(v) ((uint64_t)(int64_t)(v))
#define CPU_UNSIGNED(v) ((uint64_t)(v))
#define CPU_BOXED(v) ((uint64_t)(v) | 0xffffffff00000000u)

/*
 * The access by way of translate(): reads size bytes at va into core.loaded, or writes
 * them.  False on a fault: nothing has been written.
 */
bool cpu_mem_read(struct cpu_core *c, uint64_t va, unsigned size);
bool cpu_mem_write(struct cpu_core *c, uint64_t va, unsigned size, uint64_t value);

/* The loads and stores when they miss: the whole op, and on to the next. */
#define CPU_SLOW(name) CPU_NAME(cpu_slow_##name, cpu_rec_slow_##name)
#define X(name) cpu_fn cpu_slow_##name, cpu_rec_slow_##name;
CPU_KINDS_MEM(X)
#undef X

#endif
