/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RISC-V page-table formats (The RISC-V Instruction Set Manual, Volume II: Privileged
 * Architecture, 20211203, sections 4.3 to 4.6, and chapter 5, Svnapot).
 *
 * An Sv39 entry, section 4.4.1 (Sv48 and Sv57 cut the PPN in more parts), and an Sv32 entry, 4.3.1:
 *
 *     63 62  61 60    54 53        28 27     19 18     10 9  8 7 6 5 4 3 2 1 0
 *    +--+------+--------+------------+---------+---------+----+-+-+-+-+-+-+-+-+
 *    |N | PBMT |reserved|   PPN[2]   | PPN[1]  | PPN[0]  |RSW |D|A|G|U|X|W|R|V|
 *    +--+------+--------+------------+---------+---------+----+-+-+-+-+-+-+-+-+
 *
 *                             31           20 19        10 9  8 7 6 5 4 3 2 1 0
 *                            +---------------+------------+----+-+-+-+-+-+-+-+-+
 *                            |    PPN[1]     |   PPN[0]   |RSW |D|A|G|U|X|W|R|V|
 *                            +---------------+------------+----+-+-+-+-+-+-+-+-+
 *
 * R = W = X = 0 in a valid entry: it leads to a table.  W without R is reserved.  In an entry that
 * leads to a table D, A and U are reserved; G is allowed and makes all below it global.  Any level
 * may hold leaves; of a superpage the low PPN parts must be zero.
 *
 * N (Svnapot): a last-level entry whose PPN[0] ends in 1000 is one of 16 equal ones that map an
 * aligned 64 KiB; all else with N is reserved (table 5.1).  PBMT belongs to Svpbmt, which this
 * machine does not have, and is reserved like 60-54.  Who sets A and D is the walker's affair
 * (section 4.3.1 allows both; Svade: a fault).
 */
#include "mmu/format.h"

#define V (1ull << 0)
#define R (1ull << 1)
#define W (1ull << 2)
#define X (1ull << 3)
#define U (1ull << 4)
#define G (1ull << 5)
#define A (1ull << 6)
#define D (1ull << 7)
#define N (1ull << 63)
#define HIGH 0x7fc0000000000000ull /* bits 54 to 62 */
#define PPN 0x003ffffffffffc00ull  /* bits 10 to 53 */
#define PPN32 0xfffffc00ull        /* bits 10 to 31 */
/* PPN parts below the given order */
#define PPN_BELOW(order) (((1ull << (order)) - 1) << 10)

/* clang-format off */
/* ppn: all of it; leaf, table: further bits that are reserved in entries of that kind */
#define LEVEL(sh, wide, last, ppn, leafs, tables) { .shift = (sh), .bits = (wide),                 \
    .leaf = true, .table = !(last),                                                                \
    .valid = { V, V }, .is_table = { R | W | X, 0 }, .leaf_type = { V, V },                        \
    .leaf_reserved = (leafs) | PPN_BELOW((sh) - 12), .table_reserved = (tables) | D | A | U,       \
    .leaf_pfn = (ppn) & ~PPN_BELOW((sh) - 12), .table_type = { V, V }, .table_global = { G, G } }
#define UPPER(sh) LEVEL(sh, 9, false, PPN, HIGH | N, HIGH | N)
#define LAST LEVEL(12, 9, true, PPN, HIGH, HIGH | N)
#define FORMAT(ppn)                                                                                \
    .table_pfn = (ppn), .pfn_shift = 10, .also_writable = { 0, 1 },                                \
    .right = { { R, R }, { W, W }, { X, X } }, .leaf_bad = { R | W, W },                           \
    .user = { U, U }, .global = { G, G }, .accessed = { A, A }, .dirty = { D, D },                 \
    .prot_given = { 0, 1, 3, 3, 4, 5, 7, 7 } /* W brings R with it */
/* satp: MODE in bits 60-63, ASID 44-59, PPN 0-43 (section 4.1.11) */
#define FORMAT64(mode)                                                                             \
    .pte_bytes = 8, .sign_extended = true, FORMAT(PPN),                                            \
    .run = { N, N }, .run_order = 4, .run_low = 8,                                                 \
    .root_mode = (mode) << 60, .root_pfn_mask = (1ull << 44) - 1,                                  \
    .root_asid_shift = 44, .asid_bits = 16, .kernel_first = 256

/* satp: MODE in bit 31, ASID 22-30, PPN 0-21.  Addresses are not sign-extended, so where the kernel
 * begins is a convention: the top quarter. */
const struct mmu_format mmu_sv32 = {
    .name = "sv32", .source = "RISC-V privileged 20211203, 4.3",
    .levels = 2, .pte_bytes = 4, .va_bits = 32,
    .level = { LEVEL(22, 10, false, PPN32, 0, 0), LEVEL(12, 10, true, PPN32, 0, 0) },
    FORMAT(PPN32), .run = { 0, 1 },
    .root_mode = 1ull << 31, .root_pfn_mask = (1ull << 22) - 1,
    .root_asid_shift = 22, .asid_bits = 9, .kernel_first = 768,
};

const struct mmu_format mmu_sv39 = {
    .name = "sv39", .source = "RISC-V privileged 20211203, 4.4 and 5",
    .levels = 3, .va_bits = 39, FORMAT64(8ull), .level = { UPPER(30), UPPER(21), LAST },
};

const struct mmu_format mmu_sv48 = {
    .name = "sv48", .source = "RISC-V privileged 20211203, 4.5 and 5",
    .levels = 4, .va_bits = 48, FORMAT64(9ull), .level = { UPPER(39), UPPER(30), UPPER(21), LAST },
};

const struct mmu_format mmu_sv57 = {
    .name = "sv57", .source = "RISC-V privileged 20211203, 4.6 and 5",
    .levels = 5, .va_bits = 57, FORMAT64(10ull),
    .level = { UPPER(48), UPPER(39), UPPER(30), UPPER(21), LAST },
};
/* clang-format on */
