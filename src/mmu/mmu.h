/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware's side of translation, as a hart sees it: give it a virtual address and an
 * access, it gives host bytes or a fault.  Implementations: mmu/paged.c (TLBs in front of a walker,
 * mmu/walker.h), mmu/segment.c (relocation and limit registers, and none at all), and the flat one
 * that the machine builds over the ref pmap.
 *
 * Exact counts without a call per access.  A hart keeps a cache of host pointers in front of
 * translate().  When TLBs are modelled it may keep only the most recently used page of each
 * L1 set (data_sets, fetch_sets below): an access that hits such a page changes no LRU order, so
 * it need not be told; it is an L1 hit, and the hart counts accesses.  Everything else comes to
 * translate().  So L1 hits = the hart's accesses - L1 misses, exactly.  Where an entry covers more
 * than one page, or lies in an array with sets of its own, that rule is not enough: then
 * translate() says in `forget` which of the hart's older pointers must not be used any more.
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
    MMU_BUS,          /* a table or the page lies outside RAM */
    MMU_AD,           /* the accessed or dirty bit must be set, which is left to software */
    MMU_BOUNDS        /* beyond the limit of the segment, or a segment number that is not used */
};
#define MMU_FAULTS 8

struct mmu_translation {
    unsigned char *bytes; /* host address of the 4 KiB page's first byte */
    prot_t prot;          /* what may be done with it without asking again (W only once D is set) */
    bool forget;          /* pages given out earlier for accesses of this kind (data, or fetch) must
                             be asked for again */
};

/* Counted since creation. Index 0 of walk_refs is the root level. */
struct mmu_stats {
    uint64_t l1d_misses, l1i_misses; /* each went to L2 (or to a walk if there is none) */
    uint64_t l2_hits, l2_misses;
    uint64_t walks;                     /* page walks, those that only set A or D included */
    uint64_t walk_refs[MMU_LEVELS_MAX]; /* memory references of walks, by level */
    uint64_t ad_updates;                /* walks that wrote A or D into a table */
    uint64_t ad_faults;                 /* walks that left that to software (MMU_AD) */
    uint64_t pwc_hits[MMU_LEVELS_MAX];  /* walks that began at this level, from a walk cache */
    uint64_t prefetches, prefetch_hits; /* next pages put into L2; of those, used later */
    uint64_t flushed;                   /* TLB and walk-cache entries dropped by shootdowns */
    uint64_t switches;                  /* contexts loaded, other than the one that was already */
    uint64_t switch_registers;          /* registers written for that */
    uint64_t switch_flushes;            /* switches that had to empty the TLBs, for want of tags */
    uint64_t switch_flushed;            /* entries dropped by them */
};

/* What a translation went through, one step an item, for people.  See enum mmu_step_kind. */
enum mmu_step_kind {
    MMU_STEP_TLB, /* found in TLB array idx (as mmu_ops.entry counts them); value: its key's page */
    MMU_STEP_PWC, /* a walk cache knows the table of this level; value: the table's frame */
    MMU_STEP_ENTRY,   /* read entry idx, at physical address pa, of this level's table; value: entry
                       */
    MMU_STEP_RUN,     /* the leaf is one of a run of equal ones; value: the frame meant */
    MMU_STEP_HASH,    /* the hash picks anchor idx at pa; value: what it holds */
    MMU_STEP_CHAIN,   /* read inverted-table entry idx at pa; value: its tag word */
    MMU_STEP_REFILL,  /* no entry: exception, the core's handler refills */
    MMU_STEP_SEGMENT, /* segment register idx: pa is its base, value its limit in bytes */
    MMU_STEP_IDENTITY /* no translation */
};

struct mmu_step {
    enum mmu_step_kind kind;
    unsigned level;
    uint64_t idx;
    uint64_t pa;
    uint64_t value;
    prot_t prot; /* ENTRY, CHAIN, SEGMENT, TLB: what it lets through or grants */
    bool user;   /* the same, for users at all */
    bool table;  /* ENTRY: it leads to a table */
};

#define MMU_TRACE_MAX 48u

struct mmu_trace {
    struct mmu_step step[MMU_TRACE_MAX]; /* further steps are dropped */
    unsigned n;
    enum mmu_fault fault;
    uint64_t pa;    /* on MMU_OK: the byte's physical address, whether or not there is such RAM */
    unsigned order; /* on MMU_OK: the mapping's size is 2^order pages */
    prot_t prot;
};

/* The next step of trace to be filled in; a dummy when it is full. */
struct mmu_step *mmu_trace_add(struct mmu_trace *trace, enum mmu_step_kind kind);

/* One TLB entry, for people. */
struct mmu_tlb_view {
    char array[16]; /* "L1D", "L2 2M", "walk 1" */
    bool valid;     /* the place is in use */
    uint64_t vpn, npages;
    uint64_t pfn;
    uint32_t asid;
    bool global;
    prot_t prot;
    bool dirty; /* writes go through without a walk */
};

struct mmu {
    const struct mmu_ops *ops;
    struct mem *mem;
    unsigned data_sets; /* see above; a power of two; 0: no TLB modelled, cache at will */
    unsigned fetch_sets;
    bool wide; /* a TLB entry may cover several pages: when a page is shot down, pages around it may
                  go with it, and all that was given out must be asked for again */
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
    /* What translate would do now, step by step; changes and counts nothing. */
    void (*explain)(struct mmu *mmu, uint64_t va, enum access access, struct mmu_trace *trace);
    /* The i-th place of all TLB arrays and walk caches; false: there are fewer. */
    bool (*entry)(const struct mmu *mmu, size_t i, struct mmu_tlb_view *view);
    void (*invalidate_range)(struct mmu *mmu, uint32_t asid, uint64_t va, uint64_t npages);
    void (*invalidate_space)(struct mmu *mmu, uint32_t asid);
    void (*destroy)(struct mmu *mmu);
};

#endif
