/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A naive model of the paged MMU over three or four levels of radix tables: tables are arrays of
 * leaves, a TLB is a list of arrays of entries, each of which knows what it covers and when it was
 * filled and used.  Slow and obvious; what it counts the real one must count.
 *
 * The addresses of a space: MODEL_TABLES blocks of 2 MiB from address 0 on, each a table of 4 KiB
 * pages, one leaf, or nothing; and one leaf of 1 GiB at address 1 GiB, or nothing.
 */
#ifndef UNIT_TLB_MODEL_H
#define UNIT_TLB_MODEL_H

#include "base/rng.h"
#include "mmu/mmus.h"

#define MODEL_SPACES 5
#define MODEL_TABLES 4
#define MODEL_PAGES (MODEL_TABLES * 512u)
#define MODEL_GIGA (1u << 18) /* the page at address 1 GiB */
#define MODEL_PWC_MAX 64

/* What an entry of a table says. */
struct model_leaf {
    bool valid, global, accessed, dirty;
    bool run; /* one of 16 */
    prot_t prot;
    uint64_t pfn; /* of the first page that it maps; of the very page in a run */
};

enum model_kind { MODEL_NOTHING, MODEL_TABLE, MODEL_LEAF };

struct model_block {
    enum model_kind kind;
    bool table_accessed;
    struct model_leaf leaf;
};

struct model_space {
    struct model_leaf page[MODEL_PAGES];
    struct model_block block[MODEL_TABLES];
    struct model_leaf giga;
    bool path_accessed[MMU_LEVELS_MAX]; /* of the entries that lead to the blocks, by level */
};

/* What a walk finds. */
struct model_found {
    uint64_t pfn; /* of the page asked for */
    unsigned order;
    prot_t prot;
    bool dirty, global;
};

struct model_half {
    bool filled, prefetched, dirty;
    prot_t prot;
    uint64_t pfn; /* of its first page */
};

struct model_entry {
    bool valid, global;
    uint32_t asid;
    unsigned order; /* of each half */
    uint64_t vpn;   /* the first page covered */
    uint64_t filled_at, used_at;
    struct model_half half[2];
};

struct model_array {
    unsigned nsets, ways;
    uint32_t orders;
    struct model_entry *entry; /* by set, then way */
    bool *node;                /* PLRU trees, ways to a set, from 1 on: true means go right */
    struct base_rng rng;
};

struct model_list {
    unsigned n;
    bool pairs;
    struct model_array array[MMU_TLB_ARRAYS];
};

/* A table that a walk cache knows. */
struct model_table {
    uint32_t asid;
    uint64_t prefix;
    uint64_t used_at;
};

struct model_pwc {
    unsigned places, n;
    struct model_table table[MODEL_PWC_MAX];
};

struct model {
    const struct mmu_format *format;
    struct mmu_tlb_spec spec;
    enum mmu_ad ad;
    unsigned asid_bits;
    uint64_t ram_first, ram_frames;
    struct model_list l1i, l1d, l2;
    struct model_pwc pwc[MMU_LEVELS_MAX]; /* by level */
    struct mmu_stats stats;
    uint32_t asid; /* of the space loaded: its index + 1; 0: none */
    bool tagged[MODEL_SPACES + 1];
    uint64_t clock;
    struct model_space space[MODEL_SPACES];
};

void model_init(struct model *model, const struct mmu_format *format, enum mmu_ad ad,
    unsigned asid_bits, const struct mmu_tlb_spec *spec, uint64_t seed);
void model_fini(struct model *model);

/* *entry: what the access went through; NULL when there are no TLBs. */
enum mmu_fault model_translate(struct model *model, uint64_t vpn, enum access access,
    struct model_found *found, const struct model_entry **entry);
void model_load(struct model *model, uint32_t asid);
void model_drop_range(struct model *model, uint32_t asid, uint64_t vpn, uint64_t npages);
void model_drop_space(struct model *model, uint32_t asid);

/* The i-th place, as mmu_ops.entry numbers them; walk caches are not among them. */
bool model_view(const struct model *model, size_t i, struct mmu_tlb_view *view);

#endif
