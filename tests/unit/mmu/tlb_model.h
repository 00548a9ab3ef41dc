/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A naive model of the paged MMU: each set is a list in order of use, tables are an array of
 * leaves.  Slow and obvious; what it counts the real one must count.
 */
#ifndef UNIT_TLB_MODEL_H
#define UNIT_TLB_MODEL_H

#include "mmu/mmus.h"

#define MODEL_SPACES 3
#define MODEL_TABLES 4 /* last-level tables, one after the other from address 0 */
#define MODEL_PAGES (MODEL_TABLES * 512u)
#define MODEL_WAYS_MAX 32

/* What the tables say about a page. */
struct model_leaf {
    bool valid, global, accessed, dirty;
    prot_t prot;
    uint64_t pfn;
};

struct model_entry {
    uint32_t asid; /* MODEL_GLOBAL: any */
    uint64_t vpn, pfn;
    prot_t prot;
    bool dirty;
};

#define MODEL_GLOBAL UINT32_MAX

struct model_set {
    unsigned n;
    struct model_entry entry[MODEL_WAYS_MAX]; /* the most recently used first */
};

struct model_tlb {
    unsigned nsets, ways;
    struct model_set *set;
};

struct model {
    struct model_tlb l1d, l1i, l2;
    struct mmu_stats stats;
    uint32_t asid; /* of the space loaded: its index + 1 */
    struct model_leaf leaf[MODEL_SPACES][MODEL_PAGES];
    bool table[MODEL_SPACES][MODEL_TABLES]; /* is there a last-level table */
};

void model_init(struct model *model, const struct mmu_tlb_spec *spec);
void model_fini(struct model *model);
enum mmu_fault model_translate(
    struct model *model, uint64_t vpn, enum access access, uint64_t *pfn, prot_t *usable);
void model_drop_range(struct model *model, uint32_t asid, uint64_t vpn, uint64_t npages);
void model_drop_space(struct model *model, uint32_t asid);

#endif
