/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page table of the MIPS32 scheme.  MIPS32 hardware knows no tables (MIPS32 Architecture for
 * Programmers, volume III: The Privileged Resource Architecture, chapter 4): on a TLB miss it takes
 * an exception, and software writes EntryHi, EntryLo0 and EntryLo1 and executes TLBWR.  So the
 * format is the operating system's own, made so that its handler has little to do.  Two levels
 * cover kuseg, the 2 GiB below 0x80000000; the kernel runs unmapped, in kseg0:
 *
 *     30      22 21      12 11       0            31       12 11  9 8 7 6 5 4 3 2 1 0
 *    +----------+----------+----------+          +-----------+-----+-+-+-+-+-+-+-+-+-+
 *    | root idx | leaf idx |  offset  |   entry: |    PFN    |  C  |D|V|G|0|M|A|W|0|P|
 *    +----------+----------+----------+          +-----------+-----+-+-+-+-+-+-+-+-+-+
 *
 *                                                     31 26 25        6 5  3 2 1 0
 *    EntryLo is the entry shifted right by 6:        +-----+-----------+----+-+-+-+
 *                                                    |  0  |    PFN    | C  |D|V|G|
 *                                                    +-----+-----------+----+-+-+-+
 *
 * P (present), W (writable), A (accessed) and M (modified) are software's and leave by the shift.
 * The hardware's V and D follow A and M: a page not yet accessed has V = 0 and traps (TLB invalid),
 * one not yet written has D = 0 and traps (TLB modified), and the handler sets A with V, or M with
 * D if W allows it.  So D never stands without W: that would be a writable page.  C is 3, cached.
 * MIPS32 release 1 has no RI and XI: what is present can be read and executed.  An entry of the
 * root is a table's address and P.  There is no root register; the value used for one is the root
 * table's address, which the handler keeps, with EntryHi's ASID in its low 8 bits.
 */
#include "mmu/format.h"

#define P (1ull << 0)
#define W (1ull << 2)
#define A (1ull << 3)
#define M (1ull << 4)
#define G (1ull << 6)
#define V (1ull << 7)
#define D (1ull << 8)
#define C_CACHED (3ull << 9)
#define C_MASK (7ull << 9)
#define PFN 0xfffff000ull

/* clang-format off */
#define ALWAYS { 0, 0 }
#define NEVER { 0, 1 }

const struct mmu_format mmu_mips32 = {
    .name = "mips32", .source = "MIPS32 PRA vol. III, EntryLo0 and EntryLo1; the table is our own",
    .levels = 2, .pte_bytes = 4, .va_bits = 31,
    .level = {
        { .shift = 22, .bits = 9, .table = true, .valid = { P, P }, .is_table = ALWAYS,
          .table_type = { P, P }, .table_global = NEVER },
        { .shift = 12, .bits = 10, .leaf = true, .valid = { P, P }, .is_table = NEVER,
          .leaf_type = { P | C_MASK, P | C_CACHED }, .leaf_pfn = PFN, .table_global = NEVER } },
    .table_pfn = PFN, .pfn_shift = 12,
    .right = { ALWAYS, { W, W }, ALWAYS },
    .also_writable = { D | W, D }, .leaf_bad = NEVER, .run = NEVER,
    .user = ALWAYS, .global = { G, G }, .accessed = { A | V, A | V }, .dirty = { M | D, M | D },
    .prot_given = { 5, 5, 7, 7, 5, 5, 7, 7 },
    .root_pfn_mask = PFN, .root_pfn_shift = 12, .asid_bits = 8,
    .kernel_first = 512,
};
/* clang-format on */
