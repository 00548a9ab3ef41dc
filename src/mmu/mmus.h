/* SPDX-License-Identifier: BSD-2-Clause */
/* How MMUs are made; what they do is mmu/mmu.h. */
#ifndef MMU_MMUS_H
#define MMU_MMUS_H

#include "base/alloc.h"
#include "mmu/format.h"
#include "mmu/mmu.h"
#include "mmu/segment.h"
#include "mmu/walker.h"

#define MMU_TLB_ARRAYS 4u

/* One array of entries: sets = entries / ways, a power of two. */
struct mmu_tlb_array {
    uint32_t entries, ways; /* entries 0: there is no such array */
    uint32_t orders;        /* bit n: it holds mappings of 2^n pages */
};

enum mmu_replace { MMU_REPLACE_LRU, MMU_REPLACE_FIFO, MMU_REPLACE_PLRU, MMU_REPLACE_RANDOM };

/*
 * The modelled TLBs.  Each of L1 instruction, L1 data and L2 (unified) is a list of arrays, ended
 * by one without entries; no two of a list hold the same size.  A mapping of a size that a list has
 * no array for is held in pieces of the largest smaller size that it has (every list that is not
 * empty holds 4 KiB).
 */
struct mmu_tlb_spec {
    struct mmu_tlb_array l1i[MMU_TLB_ARRAYS], l1d[MMU_TLB_ARRAYS], l2[MMU_TLB_ARRAYS];
    uint32_t pwc[MMU_LEVELS_MAX]; /* walk cache places: [0] for the tables that hold 4 KiB leaves,
                                     [1] for those a level above, ... */
    enum mmu_replace replace;
    bool no_asid;  /* entries have no tags: a switch of spaces empties all but global ones */
    bool prefetch; /* a walk for a page also brings the next one into L2 */
    bool pairs;    /* an entry of the last level (L2, or L1 without one) covers an even page and
                      the odd one after it (MIPS, whose micro TLBs hold single pages) */
};

/* Can such TLBs be built?  Without L1 there must be nothing else, no prefetch without L2; PLRU
 * needs ways a power of two. */
bool mmu_tlb_spec_valid(const struct mmu_tlb_spec *spec);

/*
 * Reads a specification: "none", the name of a preset, or items separated by commas (a preset may
 * come first and is then changed by them):
 *     l1=ENTRIES:WAYS[:SIZES]   both first-level TLBs; l1i=, l1d=, l2= each alone.  SIZES is one or
 *                               more of 4k 16k 64k 2m 4m 1g 512g joined by "+" (default 4k); an
 * item may be repeated for further arrays pwc=N[/N...]              walk caches, from the level
 * nearest the leaves upwards replace=lru|fifo|plru|random   asid=on|off   prefetch=on|off
 * pairs=on|off PGW_INVAL.
 */
MUST_CHECK enum pgw_status mmu_tlb_spec_parse(const char *text, struct mmu_tlb_spec *spec);

/* The i-th preset: its name, and the processor with the source of its figures; NULL: there are
 * fewer. */
const char *mmu_tlb_preset_name(unsigned i);
const char *mmu_tlb_preset_summary(unsigned i);

/*
 * What is needed to make a paged MMU.  The walker is taken over (not on failure), pwc too; seed is
 * for random replacement.
 */
struct mmu_paged_config {
    struct mmu_walker *walker;
    struct pwc *pwc; /* the walker's; NULL: none */
    struct mmu_tlb_spec tlb;
    uint64_t seed;
};

/* TLBs in front of a walker.  PGW_NOMEM, PGW_INVAL. */
MUST_CHECK enum pgw_status mmu_paged_create(const struct mmu_paged_config *config, struct mem *mem,
    struct base_alloc *alloc, struct mmu **mmu);

/* The common case: TLBs and walk caches of tlb in front of a radix walker for format. */
MUST_CHECK enum pgw_status mmu_radix_create(const struct mmu_format *format, enum mmu_ad ad,
    const struct mmu_tlb_spec *tlb, uint64_t seed, struct mem *mem, struct base_alloc *alloc,
    struct mmu **mmu);

/* Contiguous schemes: load()'s root is the address of the space's struct mmu_segment_registers,
 * which are copied; load again when they change.  PGW_NOMEM. */
MUST_CHECK enum pgw_status mmu_segment_create(
    struct mem *mem, struct base_alloc *alloc, struct mmu **mmu);

/* The registers of a space changed: copies them anew if the space with their tag is the one that
 * mmu, a segment unit, has loaded.  Not a switch. */
void mmu_segment_reload(struct mmu *mmu, const struct mmu_segment_registers *regs);

#endif
