/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens on a TLB miss: something reads tables.  Which tables, and whether hardware does it
 * or the core's own refill handler, is a walker; the TLBs in front of it (mmu/paged.c) do not know.
 *
 *     radix     hardware walks the tables of a struct mmu_format         walker.c
 *     hashed    hardware looks a page up in the inverted table           hashed.c
 *     refill    an exception; the core's handler finds the entry         refill.c
 */
#ifndef MMU_WALKER_H
#define MMU_WALKER_H

#include "base/alloc.h"
#include "mmu/mmu.h"

struct pwc;

/* A translation that was found, for the page that was asked for. */
struct mmu_walk {
    uint64_t pfn;  /* of the 4 KiB page */
    prot_t prot;   /* rights, of all levels together */
    uint8_t order; /* the mapping's size is 2^order pages, aligned in both spaces */
    bool dirty;    /* its dirty bit is set now */
    bool global;   /* the leaf, or a table on the way, is global */
};

/* How to walk. */
#define MMU_WALK_PEEK                                                                              \
    1u /* set no bit and count nothing: for explain().  Whether the page is RAM                    \
          is not asked: a leaf that leads elsewhere is MMU_OK */
#define MMU_WALK_PREFETCH                                                                          \
    2u /* nobody asked yet: set no bit (a leaf or table not accessed is MMU_AD,                    \
          which is no fault and not counted as one) */

struct mmu_walker {
    const struct mmu_walker_ops *ops;
    struct mem *mem;
    const char *name;
    unsigned levels;                    /* of tables, for reports and walk_refs */
    unsigned asid_bits;                 /* tags that the scheme has room for; 0: none */
    unsigned registers;                 /* written at a switch of spaces: root, tag */
    uint64_t va_end_low, va_start_high; /* canonical: [0, low) and [high, 2^64); high 0: none */
    uint32_t orders;                    /* bit n: mappings of 2^n pages exist */
};

struct mmu_walker_ops {
    /*
     * Finds the mapping of va for a user-mode access in the tables that the register value root
     * (pmap activate) leads to, and sets accessed and dirty as the scheme says.  va is canonical.
     * Counts in stats: one walk, one reference for each entry read, one ad_update if one was
     * written.  trace, if not NULL, gets the steps.  out is set on MMU_OK.
     */
    enum mmu_fault (*walk)(struct mmu_walker *walker, uint64_t root, uint32_t asid, uint64_t va,
        enum access access, unsigned how, struct mmu_stats *stats, struct mmu_walk *out,
        struct mmu_trace *trace);
    void (*destroy)(struct mmu_walker *walker);
};

/* Who sets accessed and dirty bits. */
enum mmu_ad {
    MMU_AD_HARDWARE,
    MMU_AD_FAULT /* a walk that would have to set one faults instead (RISC-V Svade, armv8 without
                    FEAT_HAFDBS) */
};

/* The radix walker.  pwc: its walk caches (not taken over), NULL: none.  PGW_NOMEM. */
MUST_CHECK enum pgw_status mmu_radix_walker_create(const struct mmu_format *format, enum mmu_ad ad,
    struct mem *mem, struct base_alloc *alloc, struct pwc *pwc, struct mmu_walker **walker);

/* A walker over the inverted table that the register value describes (mmu/hashed.h). */
MUST_CHECK enum pgw_status mmu_hashed_walker_create(
    struct mem *mem, struct base_alloc *alloc, struct mmu_walker **walker);

/*
 * No hardware walker: a miss is an exception, and the core's handler looks for the entry in tables
 * of its own.  format says what those look like; counts as the radix walker does, walks being
 * refills.
 */
MUST_CHECK enum pgw_status mmu_refill_walker_create(const struct mmu_format *format,
    struct mem *mem, struct base_alloc *alloc, struct mmu_walker **walker);

#endif
