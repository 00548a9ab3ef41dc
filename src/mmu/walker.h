/* SPDX-License-Identifier: BSD-2-Clause */
/* The page-table walker: what the hardware does on a TLB miss. */
#ifndef MMU_WALKER_H
#define MMU_WALKER_H

#include "mmu/mmu.h"

/* A leaf that was found, for the 4 KiB page that was asked for. */
struct mmu_walk {
    unsigned char *bytes; /* host address of the page */
    prot_t prot;          /* rights of the leaf */
    bool dirty;           /* its dirty bit is set now */
    bool global;          /* the leaf, or a table on the way, is global */
};

/*
 * Walks the tables from the one in frame root for a user-mode access, as the format's manual
 * says, and sets the accessed bit and, for a write, the dirty bit in the leaf.  Counts in stats:
 * one walk, one reference a level for each entry read, one ad_update if the leaf was written.
 * out is set on MMU_OK.  Source: RISC-V privileged 20211203, 4.3.2, with the check for misaligned
 * superpages before that of rights: both are page faults there, and here the worse one is told.
 */
enum mmu_fault mmu_walk(const struct mmu_format *format, struct mem *mem, uint64_t root,
    uint64_t va, enum access access, struct mmu_stats *stats, struct mmu_walk *out);

#endif
