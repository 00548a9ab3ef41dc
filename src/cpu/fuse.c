/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fusion of neighbours.  Every op whose successor fits gets the fused handler, overlaps
 * included: which pairs are then executed is a matter of where execution enters.
 */
#include "cpu/fuse.h"

/* Indexes into cpu_pairs by kind, plus one; 0: not in the list. */
static const uint8_t fuse_first[CPU_KIND_COUNT + 1] = {
#define X(name) [CPU_KIND_##name] = CPU_FIRST_##name + 1,
    CPU_FIRSTS(X)
#undef X
};

static const uint8_t fuse_second[CPU_KIND_COUNT + 1] = {
#define X(x, name) [CPU_KIND_##name] = CPU_SECOND_##name + 1,
    CPU_SECONDS(X, 0)
#undef X
};

static bool
fuse_commutes(unsigned kind)
{
    switch (kind) {
    case CPU_KIND_add:
    case CPU_KIND_addw:
    case CPU_KIND_and:
    case CPU_KIND_or:
    case CPU_KIND_xor:
    case CPU_KIND_mul:
    case CPU_KIND_mulw:
    case CPU_KIND_beq:
    case CPU_KIND_bne:
        return true;
    default:
        return false;
    }
}

/* Makes rd the first source of op, if it is the second and the order does not matter. */
static void
fuse_turn(struct cpu_op *op, unsigned kind, unsigned rd)
{
    if (!fuse_commutes(kind) || op->rs2 != rd || op->rs1 == rd)
        return;
    op->rs2 = op->rs1;
    op->rs1 = (uint8_t)rd;
}

void
cpu_fuse(struct cpu_op *ops, const uint16_t *kinds, unsigned slots, bool recording)
{
    const struct cpu_pair(*pairs)[CPU_SECOND_COUNT] = recording ? cpu_rec_pairs : cpu_pairs;

    for (unsigned i = 0; i + 1 < slots; i++) {
        unsigned first = fuse_first[kinds[i]], second = fuse_second[kinds[i + 1]];
        if (first == 0 || second == 0)
            continue;
        struct cpu_op *a = &ops[i], *b = &ops[i + 1];
        const struct cpu_pair *pair = &pairs[first - 1][second - 1];
        if (pair->forward != NULL)
            fuse_turn(b, kinds[i + 1], a->rd);
        a->fn = pair->forward != NULL && b->rs1 == a->rd ? pair->forward : pair->plain;
    }
}
