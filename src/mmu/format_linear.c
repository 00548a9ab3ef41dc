/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The linear format, of our own design: the page table as textbooks begin it, one array with an
 * entry for every page of a 32-bit space.  The page number is the index:
 *
 *     31                 12 11         0             31         12 11  8 7 6 5 4 3 2 1 0
 *    +---------------------+------------+           +-------------+-----+-+-+-+-+-+-+-+-+
 *    |     page number     |   offset   |  entry:   |    frame    | sw  |D|A|G|U|X|W|R|V|
 *    +---------------------+------------+           +-------------+-----+-+-+-+-+-+-+-+-+
 *
 * The rights are three bits, each on its own; bits 8 to 11 are software's, so nothing is reserved.
 * What it costs is the point of it: 2^20 entries of 4 bytes are 4 MiB of contiguous RAM for every
 * space, however little of it is used.  The root register holds the table's address; there are no
 * tags.  The kernel has the top quarter.
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
#define FRAME 0xfffff000ull

/* clang-format off */
const struct mmu_format mmu_linear = {
    .name = "linear", .source = "own design: src/mmu/format_linear.c",
    .levels = 1, .pte_bytes = 4, .va_bits = 32,
    .level = { { .shift = 12, .bits = 20, .leaf = true,
        .valid = { V, V }, .is_table = { 0, 1 }, .leaf_type = { V, V }, .leaf_pfn = FRAME,
        .table_global = { 0, 1 } } },
    .pfn_shift = 12,
    .right = { { R, R }, { W, W }, { X, X } },
    .also_writable = { 0, 1 }, .leaf_bad = { 0, 1 }, .run = { 0, 1 },
    .user = { U, U }, .global = { G, G }, .accessed = { A, A }, .dirty = { D, D },
    .prot_given = { 0, 1, 2, 3, 4, 5, 6, 7 },
    .root_pfn_mask = FRAME, .root_pfn_shift = 12,
    .kernel_first = 0xc0000,
};
/* clang-format on */
