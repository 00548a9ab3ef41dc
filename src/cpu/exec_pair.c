/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fused handlers: each does its op and the one after it, from the pieces of bodies.h.  In the
 * forward form the second takes the first's result from a host register, which spares it the way
 * through memory.  A slow path taken for the first op goes on with the second op's own handler, and
 * one taken for the second finds the first complete, so nothing is special about faults.
 */
#include "cpu/bodies.h"
#include "cpu/fuse.h"

#define PLAIN(x, y)                                                                                \
    static const struct cpu_op *pair_##x##_##y(                                                    \
        struct cpu_core *c, const struct cpu_op *op, uint64_t k)                                   \
    {                                                                                              \
        uint64_t r = 0;                                                                            \
        BODY_##x(op, RS1(op));                                                                     \
        BODY_##y(op + 1, RS1(op + 1));                                                             \
        (void)r;                                                                                   \
        NEXT(2);                                                                                   \
    }

#define FORWARD(x, y)                                                                              \
    static const struct cpu_op *pair_forward_##x##_##y(                                            \
        struct cpu_core *c, const struct cpu_op *op, uint64_t k)                                   \
    {                                                                                              \
        uint64_t r = 0;                                                                            \
        BODY_##x(op, RS1(op));                                                                     \
        BODY_##y(op + 1, r);                                                                       \
        NEXT(2);                                                                                   \
    }

#define PLAINS_OF(x) CPU_SECONDS(PLAIN, x)
#define FORWARDS_OF(x) CPU_SECONDS_SOURCE(FORWARD, x)
CPU_FIRSTS(PLAINS_OF)
CPU_FIRSTS_VALUE(FORWARDS_OF)

#define PLAIN_ENTRY(x, y) [CPU_FIRST_##x][CPU_SECOND_##y].plain = pair_##x##_##y,
#define FORWARD_ENTRY(x, y) [CPU_FIRST_##x][CPU_SECOND_##y].forward = pair_forward_##x##_##y,
#define PLAIN_ENTRIES(x) CPU_SECONDS(PLAIN_ENTRY, x)
#define FORWARD_ENTRIES(x) CPU_SECONDS_SOURCE(FORWARD_ENTRY, x)

const struct cpu_pair CPU_NAME(cpu_pairs, cpu_rec_pairs)[CPU_FIRST_COUNT][CPU_SECOND_COUNT] = {
    CPU_FIRSTS(PLAIN_ENTRIES) CPU_FIRSTS_VALUE(FORWARD_ENTRIES)};
