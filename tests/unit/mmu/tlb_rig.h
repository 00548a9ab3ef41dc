/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the paged MMU run on: tables written by hand, the MMU and the naive model over
 * them, and random streams that compare the two.
 *
 * A pointer cache like the hart's is in front of the MMU, but not of the model: what the cache
 * answers must be an L1 hit there that changes nothing, or the counts would part.
 */
#ifndef UNIT_TLB_RIG_H
#define UNIT_TLB_RIG_H

#include "support/test_env.h"
#include "tlb_model.h"

#define TLB_RIG_FRAMES 2048u
#define TLB_RIG_SPOTS (MODEL_PAGES + TLB_RIG_FRAMES + 256u) /* pages that are asked for */
#define TLB_RIG_SLOTS 1024u
#define TLB_RIG_RECENT 3

/* What the hart keeps of a page. */
struct tlb_rig_slot {
    bool used;
    uint64_t vpn;
    prot_t prot;
    unsigned char *bytes;
};

struct tlb_rig_cache {
    unsigned n;
    struct tlb_rig_slot slot[TLB_RIG_SLOTS];
    uint64_t hits;
};

struct tlb_rig {
    struct test_env env;
    const struct mmu_format *format;
    struct mmu *mmu;
    struct model model;
    struct base_rng rng;
    struct mem_page *upper[MODEL_SPACES][MMU_LEVELS_MAX]; /* by level, down to that of blocks */
    struct mem_page *last[MODEL_SPACES][MODEL_TABLES];
    uint32_t told[MODEL_SPACES + 1]
                 [TLB_RIG_SPOTS]; /* the window in which the observer was; [0]: by any */
    struct tlb_rig_cache data, fetch;
    uint64_t forgot;
    uint64_t recent[TLB_RIG_RECENT];
};

/* How a stream is run. */
struct tlb_setting {
    const struct mmu_format *format;
    const char *text; /* of the TLBs */
    unsigned asid_bits;
    enum mmu_ad ad;
};

/* Random tables for all spaces, the MMU that the setting says, and the first space loaded. */
void tlb_rig_init(struct tlb_rig *rig, const struct tlb_setting *setting, uint64_t salt);
void tlb_rig_fini(struct tlb_rig *rig);

/* A random stream: every result, every count and every entry equal, or the test fails. */
void tlb_rig_run(const struct tlb_setting *setting, uint64_t salt);

void tlb_rig_load(struct tlb_rig *rig, unsigned space);

/* Where tables have the entry of a page or block, and what the model has there, as the format says
 * it; the entries of any table. */
uint64_t *tlb_rig_page(const struct tlb_rig *rig, unsigned space, uint64_t vpn);
uint64_t tlb_rig_page_pte(const struct tlb_rig *rig, unsigned space, uint64_t vpn);
uint64_t *tlb_rig_block(const struct tlb_rig *rig, unsigned space, unsigned b);
uint64_t tlb_rig_block_pte(const struct tlb_rig *rig, unsigned space, unsigned b);
uint64_t *tlb_rig_words(const struct tlb_rig *rig, const struct mem_page *page);

#endif
