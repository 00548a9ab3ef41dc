/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the manuals call things.  Where bits are is in the format's row (mmu/format.h), and what is
 * done with them is the walker's business; here they only get their names.
 *
 *   RISC-V Instruction Set Manual, volume II, 20211203: 4.1.11 (satp), 4.3.1, 4.4.1; Svnapot,
 * Svpbmt Intel SDM volume 3A, chapter 4: figures 4-4, 4-7, 4-11; PCID in 4.10.1 Arm Architecture
 * Reference Manual DDI 0487, D8.3 (VMSAv8-64 descriptors), TTBR0_EL1 MIPS32 Architecture for
 * Programmers, volume III (MD00090): EntryLo0 and EntryLo1; the table's own bits as in
 * mmu/format_mips.c
 */
#include "api/explain.h"

#include <string.h>

/* clang-format off */
static const struct explain_bit riscv_bits[] = {
    {0, 0, "V", "valid"}, {1, 1, "R", "readable"}, {2, 2, "W", "writable"},
    {3, 3, "X", "executable"}, {4, 4, "U", "for users"}, {5, 5, "G", "global"},
    {6, 6, "A", "accessed"}, {7, 7, "D", "dirty"}, {8, 9, "RSW", "the system's own"},
    {61, 62, "PBMT", "memory type"}, {63, 63, "N", "one of a run"}, {0},
};
static const struct explain_bit sv32_bits[] = {
    {0, 0, "V", "valid"}, {1, 1, "R", "readable"}, {2, 2, "W", "writable"},
    {3, 3, "X", "executable"}, {4, 4, "U", "for users"}, {5, 5, "G", "global"},
    {6, 6, "A", "accessed"}, {7, 7, "D", "dirty"}, {8, 9, "RSW", "the system's own"}, {0},
};

static const struct explain_bit x86_page[] = {
    {0, 0, "P", "present"}, {1, 1, "R/W", "writable"}, {2, 2, "U/S", "for users"},
    {3, 3, "PWT", "write-through"}, {4, 4, "PCD", "uncached"}, {5, 5, "A", "accessed"},
    {6, 6, "D", "dirty"}, {7, 7, "PAT", "memory type"}, {8, 8, "G", "global"},
    {9, 11, "AVL", "the system's own"}, {63, 63, "XD", "not executable"}, {0},
};
static const struct explain_bit x86_large[] = {
    {0, 0, "P", "present"}, {1, 1, "R/W", "writable"}, {2, 2, "U/S", "for users"},
    {3, 3, "PWT", "write-through"}, {4, 4, "PCD", "uncached"}, {5, 5, "A", "accessed"},
    {6, 6, "D", "dirty"}, {7, 7, "PS", "large page"}, {8, 8, "G", "global"},
    {9, 11, "AVL", "the system's own"}, {12, 12, "PAT", "memory type"},
    {63, 63, "XD", "not executable"}, {0},
};
static const struct explain_bit x86_table[] = {
    {0, 0, "P", "present"}, {1, 1, "R/W", "writable"}, {2, 2, "U/S", "for users"},
    {3, 3, "PWT", "write-through"}, {4, 4, "PCD", "uncached"}, {5, 5, "A", "accessed"},
    {7, 7, "PS", "large page"}, {63, 63, "XD", "not executable"}, {0},
};

static const struct explain_bit arm_page[] = {
    {0, 0, "valid", "valid"}, {1, 1, "type", "page"}, {2, 4, "AttrIndx", "memory type"},
    {5, 5, "NS", "non-secure"}, {6, 6, "AP[1]", "for users"}, {7, 7, "AP[2]", "read-only; with DBM: clean"},
    {8, 9, "SH", "shareability"}, {10, 10, "AF", "accessed"}, {11, 11, "nG", "not global"},
    {51, 51, "DBM", "writable"}, {52, 52, "Contiguous", "one of a run"},
    {53, 53, "PXN", "no execution by the kernel"}, {54, 54, "UXN", "no execution by users"},
    {55, 58, "SW", "the system's own"}, {0},
};
static const struct explain_bit arm_large[] = {
    {0, 0, "valid", "valid"}, {1, 1, "type", "table, not block"}, {2, 4, "AttrIndx", "memory type"},
    {5, 5, "NS", "non-secure"}, {6, 6, "AP[1]", "for users"}, {7, 7, "AP[2]", "read-only; with DBM: clean"},
    {8, 9, "SH", "shareability"}, {10, 10, "AF", "accessed"}, {11, 11, "nG", "not global"},
    {51, 51, "DBM", "writable"}, {52, 52, "Contiguous", "one of a run"},
    {53, 53, "PXN", "no execution by the kernel"}, {54, 54, "UXN", "no execution by users"},
    {55, 58, "SW", "the system's own"}, {0},
};
static const struct explain_bit arm_table[] = {
    {0, 0, "valid", "valid"}, {1, 1, "type", "table"},
    {59, 59, "PXNTable", "no execution by the kernel below"},
    {60, 60, "UXNTable", "no execution by users below"},
    {61, 61, "APTable[0]", "not for users"}, {62, 62, "APTable[1]", "read-only below"},
    {63, 63, "NSTable", "non-secure"}, {0},
};

static const struct explain_bit mips_page[] = {
    {0, 0, "P", "present"}, {2, 2, "W", "writable"}, {3, 3, "A", "accessed"},
    {4, 4, "M", "modified"}, {6, 6, "G", "global"}, {7, 7, "V", "the TLB's valid"},
    {8, 8, "D", "the TLB's dirty: may be written"}, {9, 11, "C", "cacheability"}, {0},
};
static const struct explain_bit mips_table[] = {{0, 0, "P", "present"}, {0}};

const struct explain_bit explain_hashed_bits[] = {
    {0, 0, "V", "valid"}, {1, 1, "R", "readable"}, {2, 2, "W", "writable"},
    {3, 3, "X", "executable"}, {4, 4, "A", "accessed"}, {5, 5, "D", "dirty"},
    {6, 6, "s", "the system's own"}, {0},
};

#define X86_BITS x86_page, x86_large, x86_table
static const struct explain_names names[] = {
    {"sv32", EXPLAIN_RISCV, "satp", "ASID", {"level 1", "level 0"}, {"VPN[1]", "VPN[0]"},
        sv32_bits, sv32_bits, sv32_bits},
    {"sv39", EXPLAIN_RISCV, "satp", "ASID", {"level 2", "level 1", "level 0"},
        {"VPN[2]", "VPN[1]", "VPN[0]"}, riscv_bits, riscv_bits, riscv_bits},
    {"sv48", EXPLAIN_RISCV, "satp", "ASID", {"level 3", "level 2", "level 1", "level 0"},
        {"VPN[3]", "VPN[2]", "VPN[1]", "VPN[0]"}, riscv_bits, riscv_bits, riscv_bits},
    {"sv57", EXPLAIN_RISCV, "satp", "ASID", {"level 4", "level 3", "level 2", "level 1", "level 0"},
        {"VPN[4]", "VPN[3]", "VPN[2]", "VPN[1]", "VPN[0]"}, riscv_bits, riscv_bits, riscv_bits},
    {"x86", EXPLAIN_X86, "CR3", "PCID", {"PDE", "PTE"}, {"directory", "table"}, X86_BITS},
    {"pae", EXPLAIN_X86, "CR3", "PCID", {"PDPTE", "PDE", "PTE"}, {"PDPT", "directory", "table"},
        X86_BITS},
    {"x86-64", EXPLAIN_X86, "CR3", "PCID", {"PML4E", "PDPTE", "PDE", "PTE"},
        {"PML4", "PDPT", "directory", "table"}, X86_BITS},
    {"la57", EXPLAIN_X86, "CR3", "PCID", {"PML5E", "PML4E", "PDPTE", "PDE", "PTE"},
        {"PML5", "PML4", "PDPT", "directory", "table"}, X86_BITS},
    {"armv8", EXPLAIN_ARM, "TTBR0_EL1", "ASID", {"level 0", "level 1", "level 2", "level 3"},
        {"index 0", "index 1", "index 2", "index 3"}, arm_page, arm_large, arm_table},
    {"mips32", EXPLAIN_MIPS, "Context", "ASID", {"directory", "page"},
        {"directory", "page"}, mips_page, mips_page, mips_table},
    {NULL, EXPLAIN_PLAIN, "base register", "tag", {"level 0", "level 1", "level 2", "level 3", "level 4"},
        {"page", "index 1", "index 2", "index 3", "index 4"}, riscv_bits, riscv_bits, riscv_bits},
};
/* clang-format on */

const struct explain_names *
explain_names_of(const struct mmu_format *format)
{
    const struct explain_names *found = names;

    while (found->format != NULL && strcmp(found->format, format->name) != 0)
        found++;
    return found;
}

const struct explain_bit *
explain_bits_of(
    const struct explain_names *found, const struct mmu_format *format, unsigned level, bool table)
{
    if (table)
        return found->table;
    return level == format->levels - 1 ? found->leaf : found->large;
}
