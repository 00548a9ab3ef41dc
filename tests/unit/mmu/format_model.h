/* SPDX-License-Identifier: BSD-2-Clause */
/* The oracle of formats and walker: each format read by hand, bit by bit, with no use of its row.
 */
#ifndef MMU_FORMAT_MODEL_H
#define MMU_FORMAT_MODEL_H

#include "mmu/walker.h"

/* What a walk must come to, and what it must have written. */
struct format_model {
    enum mmu_fault fault;
    uint64_t pfn;
    prot_t prot;
    unsigned order;
    bool global, dirty;
    unsigned refs[MMU_LEVELS_MAX];
    unsigned nwrites;
    struct {
        uint64_t pa, value;
    } write[MMU_LEVELS_MAX];
};

/* The walk of va by the format of that name from the table in frame root. */
void format_model_walk(const char *name, const struct mem *mem, uint64_t root, uint64_t va,
    enum access access, unsigned how, enum mmu_ad ad, struct format_model *model);

#endif
