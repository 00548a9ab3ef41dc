/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RISC-V page-table formats (The RISC-V Instruction Set Manual, Volume II: Privileged
 * Architecture, 20211203, sections 4.3 to 4.6).
 *
 * An Sv39 entry, section 4.4.1:
 *
 *     63    54 53        28 27     19 18     10 9  8 7 6 5 4 3 2 1 0
 *    +--------+------------+---------+---------+----+-+-+-+-+-+-+-+-+
 *    |reserved|   PPN[2]   | PPN[1]  | PPN[0]  |RSW |D|A|G|U|X|W|R|V|
 *    +--------+------------+---------+---------+----+-+-+-+-+-+-+-+-+
 *
 * R = W = X = 0 in a valid entry: it leads to a table.  W without R is reserved.  Bits 63 (N) and
 * 62-61 (PBMT) belong to extensions that this machine does not have, and are reserved like 60-54.
 * In an entry that leads to a table D, A and U are reserved (section 4.3.1); G is allowed and
 * makes all below it global.  Of a superpage the low PPN parts must be zero.
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
#define HIGH 0xffc0000000000000ull /* bits 54 to 63 */
#define PPN 0x003ffffffffffc00ull  /* bits 10 to 53 */
/* PPN parts below the given order */
#define PPN_BELOW(order) (((1ull << (order)) - 1) << 10)

/* clang-format off */
#define LEVEL(sh, wide, last) { .shift = (sh), .bits = (wide), .leaf = true, .table = !(last),     \
    .is_table = { R | W | X, 0 }, .leaf_type = { V, V },                                           \
    .leaf_reserved = HIGH | PPN_BELOW((sh) - 12), .table_reserved = HIGH | D | A | U,              \
    .leaf_pfn = PPN }

const struct mmu_format mmu_sv39 = {
    .name = "sv39", .source = "RISC-V privileged 20211203, 4.4",
    .levels = 3, .pte_bytes = 8, .va_bits = 39, .sign_extended = true,
    .level = { LEVEL(30, 9, false), LEVEL(21, 9, false), LEVEL(12, 9, true) },
    .table_pfn = PPN, .pfn_shift = 10, .table_type = { V, V }, .valid = { V, V },
    .right = { { R, R }, { W, W }, { X, X } },
    .leaf_bad = { R | W, W },
    .user = { U, U }, .global = { G, G }, .accessed = { A, A }, .dirty = { D, D },
    /* W brings R with it */
    .prot_given = { 0, 1, 3, 3, 4, 5, 7, 7 },
    /* satp: MODE 8 in bits 60-63, ASID 44-59, PPN 0-43 (section 4.1.11) */
    .root_mode = 8ull << 60, .root_pfn_mask = (1ull << 44) - 1,
    .root_asid_shift = 44, .asid_bits = 16,
    .kernel_first = 256,
};
/* clang-format on */
