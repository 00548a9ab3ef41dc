/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Armv8-A page-table format (Arm Architecture Reference Manual for A-profile, DDI 0487, chapter
 * D8: VMSAv8-64), stage 1 of EL1&0 with the 4 KiB granule and 48-bit addresses.
 *
 *     63 62     59 58  55 54  53  52   51   50 49 48 47          12 11 10 9 8 7   6   5  4  2 1  0
 *    +--+---------+------+---+---+----+---+--+-----+--------------+--+--+---+-----+--+-----+----+
 *    |  | ignored |  sw  |UXN|PXN|Cont|DBM|GP|RES0 |    frame     |nG|AF|SH |AP2:1|NS|Attr |type|
 *    +--+---------+------+---+---+----+---+--+-----+--------------+--+--+---+-----+--+-----+----+
 *
 *     63      62  61   60      59      58  51        47         12 11                      2 1  0
 *    +-------+-------+-------+-------+---------+----+-------------+-------------------------+----+
 *    |NSTable|APTable|UXNTab.|PXNTab.| ignored |RES0| next table  |         ignored         | 11 |
 *    +-------+-------+-------+-------+---------+----+-------------+-------------------------+----+
 *
 * type 11 is a page at level 3 and a table above it; 01 is a block at levels 1 and 2 and otherwise
 * as invalid as 00 and 10.  AP[1] lets EL0 in; AP[2] takes the right to write away, except that
 * with DBM it says "clean": the hardware clears it at the first write (FEAT_HAFDBS; TCR_EL1.HA and
 * HD). So DBM is the right to write here and AP[2] clear is the dirty bit; AP[2] clear without DBM
 * is writable and dirty for good.  APTable and UXNTable take rights away from all below.  Where AF
 * is left to software its fault has priority over the permission fault (D8, prioritization of
 * synchronous faults from a single stage).
 *
 * RES0 bits are software's duty: the hardware neither checks them nor, in a block, the low bits of
 * the frame, so nothing is reserved here.  Contiguous is a hint, and not taken.  TTBR0_EL1 holds
 * the ASID in bits 48 to 63 (TCR_EL1.A1 = 0).  It translates addresses whose top 16 bits are zero,
 * all of them the user's; the kernel's, those of TTBR1_EL1, are for this table not canonical.
 */
#include "mmu/format.h"

#define TYPE 3ull
#define BLOCK 1ull
#define TABLE 3ull       /* at level 3: a page */
#define ATTR_NORMAL 0ull /* MAIR_EL1's first attribute */
#define AP1 (1ull << 6)
#define AP2 (1ull << 7)
#define SH_INNER (3ull << 8)
#define AF (1ull << 10)
#define NG (1ull << 11)
#define DBM (1ull << 51)
#define PXN (1ull << 53)
#define UXN (1ull << 54)
#define UXNTABLE (1ull << 60)
#define APTABLE_NO_EL0 (1ull << 61)
#define APTABLE_READONLY (1ull << 62)
#define FRAME 0x0000fffffffff000ull /* bits 12 to 47 */

/* clang-format off */
#define ALWAYS { 0, 0 }
#define NEVER { 0, 1 }
#define LEAF_BITS (PXN | SH_INNER | ATTR_NORMAL)

#define COMMON(sh) .shift = (sh), .bits = 9, .table_type = { TYPE, TABLE },                        \
    .table_right = { ALWAYS, { APTABLE_READONLY, 0 }, { UXNTABLE, 0 } },                           \
    .table_user = { APTABLE_NO_EL0, 0 }, .table_global = NEVER, .table_accessed = ALWAYS
#define MIDDLE(sh) { COMMON(sh), .leaf = true, .table = true, .valid = { 1, 1 },                   \
    .is_table = { TYPE, TABLE }, .leaf_type = { TYPE | LEAF_BITS, BLOCK | LEAF_BITS },             \
    .leaf_pfn = FRAME & ~((1ull << (sh)) - 1) }

const struct mmu_format mmu_armv8 = {
    .name = "armv8", .source = "Arm ARM DDI 0487, D8.3",
    .levels = 4, .pte_bytes = 8, .va_bits = 48,
    .level = {
        { COMMON(39), .table = true, .valid = { TYPE, TABLE }, .is_table = ALWAYS },
        MIDDLE(30), MIDDLE(21),
        { COMMON(12), .leaf = true, .valid = { TYPE, TABLE }, .is_table = NEVER,
          .leaf_type = { TYPE | LEAF_BITS, TABLE | LEAF_BITS }, .leaf_pfn = FRAME } },
    .table_pfn = FRAME, .pfn_shift = 12,
    .right = { ALWAYS, { DBM, DBM }, { UXN, 0 } },
    .also_writable = { DBM | AP2, 0 }, .leaf_bad = NEVER, .run = NEVER,
    .user = { AP1, AP1 }, .global = { NG, 0 }, .accessed = { AF, AF }, .dirty = { AP2, 0 },
    .accessed_first = true,
    .prot_given = { 1, 1, 3, 3, 5, 5, 7, 7 },
    .root_pfn_mask = FRAME, .root_pfn_shift = 12, .root_asid_shift = 48, .asid_bits = 16,
    .kernel_first = 512,
};
/* clang-format on */
