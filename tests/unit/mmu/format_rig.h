/* SPDX-License-Identifier: BSD-2-Clause */
/* RAM with one table of each level, all on the way to one address, and a walker over them. */
#ifndef MMU_FORMAT_RIG_H
#define MMU_FORMAT_RIG_H

#include "mmu/format.h"
#include "mmu/walker.h"
#include "support/test.h"
#include "support/test_env.h"

#define FORMAT_RIG_FRAMES 4096u /* 16 MiB, at 2 GiB */

/* The bits of the address that index 4 KiB pages are 300 (of 9 bits); above them 3, 2, 0, 5.  So
 * its offset in a leaf of any size that starts at frame TEST_BASE_PFN, or at 0 for those above 1
 * GiB, is in RAM. */
#define FORMAT_RIG_VA 0x000500008072c123ull

struct format_rig {
    struct test_env env;
    const struct mmu_format *format;
    struct mmu_walker *walker;
    struct mem_page *table[MMU_LEVELS_MAX];
    struct mem_page *page;
    uint64_t pfn; /* of the page */
    uint64_t va;  /* FORMAT_RIG_VA, as wide as the format's addresses */
    uint64_t root;
    struct mmu_stats stats;
    struct mmu_walk walk;
};

/* A user's page with all rights, not accessed, not dirty. */
void format_rig_init(struct format_rig *rig, const struct mmu_format *format, enum mmu_ad ad);
void format_rig_fini(struct format_rig *rig);

/* The entry for va in the table of this level. */
uint64_t format_rig_get(const struct format_rig *rig, unsigned level);
void format_rig_set(struct format_rig *rig, unsigned level, uint64_t pte);

enum mmu_fault format_rig_walk(struct format_rig *rig, enum access access);

/* A walk with the entry of this level being pte.  What the walk made of it is returned in *after
 * (may be NULL); the entry is then what it was. */
enum mmu_fault format_rig_try(
    struct format_rig *rig, unsigned level, uint64_t pte, enum access access, uint64_t *after);

/*
 * Flips each bit of entry pte of this level in turn and expects MMU_MALFORMED of exactly those in
 * reserved (of those in `skip`, which change what the entry is, nothing is expected).
 */
void format_rig_expect_reserved(
    struct format_rig *rig, unsigned level, uint64_t pte, uint64_t reserved, uint64_t skip);

/* Bits high to low. */
static inline uint64_t
bits(unsigned high, unsigned low)
{
    return (UINT64_MAX >> (63 - high)) & (UINT64_MAX << low);
}

#endif
