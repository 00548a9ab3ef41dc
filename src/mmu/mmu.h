/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware's side of translation, as a hart sees it: give it a virtual address and an
 * access, it gives host bytes or a fault.  Implementations: mmu/paged.c (TLB in front of a walker
 * over tables in simulated RAM) and the flat one that the machine builds over the ref pmap.
 *
 * Exact counts without a call per access.  A hart keeps a cache of host pointers in front of
 * translate().  When TLBs are modelled it may keep only the most recently used page of each
 * L1 set (data_sets, fetch_sets below): an access that hits such a page changes no LRU order, so
 * it need not be told; it is an L1 hit, and the hart counts accesses.  Everything else comes to
 * translate().  So L1 hits = the hart's accesses - L1 misses, exactly.
 */
#ifndef MMU_MMU_H
#define MMU_MMU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/access.h"
#include "mem/mem.h"
#include "mmu/format.h"

enum mmu_fault {
    MMU_OK = 0,
    MMU_NOT_PRESENT,  /* no valid leaf for the address */
    MMU_RIGHTS,       /* a leaf, but it does not allow this access from user mode */
    MMU_NONCANONICAL, /* the address has bits that the scheme cannot translate */
    MMU_MALFORMED,    /* reserved bits or encodings, misaligned superpage */
    MMU_BUS           /* a table or the page lies outside RAM */
};

struct mmu_translation {
    unsigned char *bytes; /* host address of the 4 KiB page's first byte */
    prot_t prot;          /* what may be done with it without asking again (W only once D is set) */
};

/* Counted since creation. Index 0 of walk_refs is the root level. */
struct mmu_stats {
    uint64_t l1d_misses, l1i_misses; /* each went to L2 (or to a walk if there is none) */
    uint64_t l2_hits, l2_misses;
    uint64_t walks;                     /* page walks, those that only set A or D included */
    uint64_t walk_refs[MMU_LEVELS_MAX]; /* memory references of walks, by level */
    uint64_t ad_updates;                /* walks that wrote A or D into a table */
    uint64_t flushed;                   /* TLB entries dropped by shootdowns */
    uint64_t switches;                  /* contexts loaded */
};

struct mmu {
    const struct mmu_ops *ops;
    struct mem *mem;
    unsigned data_sets; /* see above; a power of two; 0: no TLB modelled, cache at will */
    unsigned fetch_sets;
    struct mmu_stats stats;

    /* Working-set measurement: each page that translate() gives out in a window is told once at
     * least.  NULL: off. window changes when a new window begins (and the machine then empties
     * the harts' pointer caches, not the TLB). */
    void (*touched)(void *ctx, uint32_t asid, uint64_t vpn, enum access access);
    void *touched_ctx;
    uint32_t window;
};

struct mmu_ops {
    const char *name;
    /* Translates for a user-mode access; sets A, and D for a write.  out is set on MMU_OK. */
    enum mmu_fault (*translate)(
        struct mmu *mmu, uint64_t va, enum access access, struct mmu_translation *out);
    /* Loads the registers of another space (root and tag from pmap activate). */
    void (*load)(struct mmu *mmu, uint64_t root, uint32_t asid);
    void (*invalidate_range)(struct mmu *mmu, uint32_t asid, uint64_t va, uint64_t npages);
    void (*invalidate_space)(struct mmu *mmu, uint32_t asid);
    void (*destroy)(struct mmu *mmu);
};

#endif
