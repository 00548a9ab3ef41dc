/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The x86 page-table formats (Intel 64 and IA-32 Architectures Software Developer's Manual, volume
 * 3A, chapter 4): 32-bit paging, PAE, and 4- and 5-level paging.
 *
 * An entry of 4-level paging that maps a 4 KiB page, table 4-20, and one of 32-bit paging, 4-6:
 *
 *     63 62      52 51    M M-1       12 11   9 8  7   6 5  4   3   2   1   0
 *    +--+----------+--------+-----------+------+-+---+-+-+---+---+---+---+-+
 *    |XD| ignored  |reserved|   frame   |ignor.|G|PAT|D|A|PCD|PWT|U/S|R/W|P|      M: MAXPHYADDR
 *    +--+----------+--------+-----------+------+-+---+-+-+---+---+---+---+-+
 *
 *                            31       12 11   9 8  7   6 5  4   3   2   1   0
 *                           +-----------+------+-+---+-+-+---+---+---+---+-+
 *                           |   frame   |ignor.|G|PAT|D|A|PCD|PWT|U/S|R/W|P|
 *                           +-----------+------+-+---+-+-+---+---+---+---+-+
 *
 * Above the last level bit 7 is PS, page size: set, the entry maps a large page, PAT is bit 12, and
 * the frame-number bits below the page's size are reserved.  An access needs R/W, U/S and XD to
 * allow it in every entry on the way (section 4.6.1).  A page that is present can be read; without
 * XD it can be executed.  Memory types (PWT, PCD, PAT) do nothing here.
 *
 * What is chosen among the manual's options: CR4.PSE, PGE and PCIDE and IA32_EFER.NXE are 1, PSE-36
 * and protection keys are absent; MAXPHYADDR is 32 for 32-bit paging, 36 for PAE, 46 beyond.
 */
#include "mmu/format.h"

#define P (1ull << 0)
#define RW (1ull << 1)
#define US (1ull << 2)
#define A (1ull << 5)
#define D (1ull << 6)
#define PS (1ull << 7)
#define G (1ull << 8)
#define XD (1ull << 63)
#define BITS(high, low) ((UINT64_MAX >> (63 - (high))) & ~((1ull << (low)) - 1))

/* clang-format off */
#define ALWAYS { 0, 0 }
#define NEVER { 0, 1 }

/* m: MAXPHYADDR; xd: the XD bit, or 0; high: reserved bits from m up */
#define COMMON(sh, wide, xd, high)                                                                 \
    .shift = (sh), .bits = (wide), .valid = { P, P },                                              \
    .table_reserved = (high), .table_type = { P | RW | US, P | RW | US },                          \
    .table_right = { ALWAYS, { RW, RW }, { (xd), 0 } }, .table_user = { US, US },                  \
    .table_global = NEVER, .table_accessed = { A, A }
/* maps 4 KiB pages */
#define LAST(wide, m, xd, high) { COMMON(12, wide, xd, high), .leaf = true, .is_table = NEVER,     \
    .leaf_type = { P, P }, .leaf_reserved = (high), .leaf_pfn = BITS((m) - 1, 12) }
/* leads to a table or maps a large page, as PS says */
#define EITHER(sh, wide, m, xd, high) { COMMON(sh, wide, xd, high), .leaf = true, .table = true,   \
    .is_table = { PS, 0 }, .leaf_type = { P | PS, P | PS },                                        \
    .leaf_reserved = (high) | BITS((sh) - 1, 13), .leaf_pfn = BITS((m) - 1, sh) }
/* leads to a table; PS is reserved */
#define UPPER(sh, wide, xd, high) { COMMON(sh, wide, xd, (high) | PS), .table = true,              \
    .is_table = ALWAYS }
#define FORMAT(m, xd)                                                                              \
    .table_pfn = BITS((m) - 1, 12), .pfn_shift = 12,                                               \
    .right = { ALWAYS, { RW, RW }, { (xd), 0 } },                                                  \
    .also_writable = NEVER, .leaf_bad = NEVER, .run = NEVER,                                       \
    .user = { US, US }, .global = { G, G }, .accessed = { A, A }, .dirty = { D, D },               \
    .root_pfn_shift = 12

const struct mmu_format mmu_x86 = {
    .name = "x86", .source = "Intel SDM vol. 3A, 4.3 (tables 4-3 to 4-6)",
    .levels = 2, .pte_bytes = 4, .va_bits = 32,
    .level = { EITHER(22, 10, 32, 0, 0), LAST(10, 32, 0, 0) },
    FORMAT(32, 0), .root_pfn_mask = BITS(31, 12),
    .prot_given = { 5, 5, 7, 7, 5, 5, 7, 7 },
    .kernel_first = 768, /* 3 GiB */
};

/*
 * The four entries of PAE's root have no rights and no A; bits 1, 2 and 5 to 8 are reserved (table
 * 4-8).  Processors load them into registers with CR3 and refuse reserved bits then (section
 * 4.4.1); here they are read and checked by each walk.
 */
#define PAE_HIGH BITS(62, 36)
const struct mmu_format mmu_pae = {
    .name = "pae", .source = "Intel SDM vol. 3A, 4.4 (tables 4-7 to 4-11)",
    .levels = 3, .pte_bytes = 8, .va_bits = 32,
    .level = {
        { .shift = 30, .bits = 2, .table = true, .valid = { P, P }, .is_table = ALWAYS,
          .table_reserved = RW | US | BITS(8, 5) | BITS(63, 36), .table_type = { P, P },
          .table_right = { ALWAYS, ALWAYS, ALWAYS }, .table_user = ALWAYS,
          .table_global = NEVER, .table_accessed = ALWAYS },
        EITHER(21, 9, 36, XD, PAE_HIGH), LAST(9, 36, XD, PAE_HIGH) },
    FORMAT(36, XD), .root_pfn_mask = BITS(31, 12),
    .prot_given = { 1, 1, 3, 3, 5, 5, 7, 7 },
    .kernel_first = 3, /* 3 GiB */
};

/* CR3 with PCIDE (table 4-13): the PCID in bits 0 to 11.  Bits 52 to 62 of entries are ignored. */
#define HIGH BITS(51, 46)
#define LOWER_LEVELS EITHER(30, 9, 46, XD, HIGH), EITHER(21, 9, 46, XD, HIGH), LAST(9, 46, XD, HIGH)
#define LONG                                                                                       \
    .pte_bytes = 8, .sign_extended = true, FORMAT(46, XD), .root_pfn_mask = BITS(45, 12),          \
    .asid_bits = 12, .prot_given = { 1, 1, 3, 3, 5, 5, 7, 7 }, .kernel_first = 256
const struct mmu_format mmu_x86_64 = {
    .name = "x86-64", .source = "Intel SDM vol. 3A, 4.5 (tables 4-13 and 4-15 to 4-20)",
    .levels = 4, .va_bits = 48, LONG,
    .level = { UPPER(39, 9, XD, HIGH), LOWER_LEVELS },
};

const struct mmu_format mmu_la57 = {
    .name = "la57", .source = "Intel SDM vol. 3A, 4.5 (tables 4-13 to 4-20)",
    .levels = 5, .va_bits = 57, LONG,
    .level = { UPPER(48, 9, XD, HIGH), UPPER(39, 9, XD, HIGH), LOWER_LEVELS },
};
/* clang-format on */
