/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLBs of real processors.
 *
 * A figure stands here only if the vendor's manual (or, where it is silent, a published
 * measurement) gives it; where neither says what replaces what, the rule is LRU.  Processors that
 * the model cannot say are left out: those with one TLB for instructions and data at the first
 * level (80386, 80486), or with a second-level TLB each (AMD Zen).  Sizes that no format here has
 * (1 MiB, 256 KiB, 16 MiB) are left out of an array's list.
 *
 * skylake       Intel 64 and IA-32 Architectures Optimization Reference Manual (248966), table "TLB
 *               Parameters of the Skylake Client Microarchitecture": ITLB 4K 128 8-way, 2M/4M 8 per
 *               thread (CPUID leaf 2, descriptor 76h: fully associative); DTLB 4K 64 4-way, 2M/4M
 *               32 4-way, 1G 4 4-way; STLB 4K/2M 1536 12-way, 1G 16 4-way.  Caches of page
 *               directory entries 24 to 32 and of PDPT entries 3 to 4: measured by S. van Schaik et
 *               al., "RevAnC: A Framework for Reverse Engineering Hardware Page Table Caches",
 *               EuroSec 2017.
 *
 * golden-cove   J. Hennessy, D. Patterson, C. Kozyrakis, "Computer Architecture", 7th edition,
 *               chapter 2 (Core i9-12900): ITLB 4K 256, 2M/4M 32, 8-way; DTLB for loads 4K 96
 *               6-way, 2M/4M 32 4-way, 1G 8 8-way; STLB 2048 16-way for 4K, 2M and 1G.  Stores have
 *               a TLB of their own there; here they use that of the loads.  All are pseudo-LRU,
 *               which the book does not explain; a tree of bits has no 6 leaves, so here it is LRU.
 *
 * pentium       Intel Pentium Processor Family Developer's Manual, volume 1, the chapter on caches
 *               (P54C): data 4K 64 4-way and 4M 8 4-way; code 32 4-way, 4M pages in 4K pieces;
 *               pseudo-LRU with three bits a set, as in the 486.  There are no tags.
 *
 * cortex-a72    Arm Cortex-A72 MPCore Processor TRM (100095), 5.2: instruction 48, data 32, both
 *               fully associative, 4K, 64K (and 1M); L2 1024 4-way, 4K, 64K, 2M, 1G.
 *
 * cortex-a53    Arm Cortex-A53 MPCore Processor TRM (DDI 0500), 5.1 and 5.2: micro TLBs 10 each,
 *               fully associative; main TLB 512 4-way, all block sizes but 1G, which is split;
 *               walk cache 64 (4-way; here fully associative), of the last level but one.
 *
 * u74           SiFive U74 Core Complex Manual (21G1.01), on virtual memory: instruction and data
 *               40 each, fully associative; L2 512, direct-mapped.
 *
 * r4000         MIPS R4000 Microprocessor User's Manual, chapters 1 and 4: joint TLB of 48 pairs,
 *               fully associative, replaced at random; an instruction TLB of 2.  There is none
 *               for data: the L1D of one entry stands for the page that was used last, which with
 *               random replacement changes hardly anything below it.
 *
 * mips-4kc      MIPS32 4K Processor Core Family Software User's Manual, on memory management:
 *               joint TLB of 16 pairs, fully associative, replaced at random; micro TLBs of 3
 *               each, for 4K pages.
 */
#include "mmu/tlb_presets.h"

#include <stddef.h>

const struct tlb_preset tlb_presets[] = {
    {"skylake",
        "l1i=128:8,l1i=8:8:2m+4m,l1d=64:4,l1d=32:4:2m+4m,l1d=4:4:1g,"
        "l2=1536:12:4k+2m,l2=16:4:1g,pwc=32/4",
        "Intel Skylake client (Optimization Reference Manual 248966; walk caches: RevAnC, 2017)"},
    {"golden-cove",
        "l1i=256:8,l1i=32:8:2m+4m,l1d=96:6,l1d=32:4:2m+4m,l1d=8:8:1g,l2=2048:16:4k+2m+1g",
        "Intel Golden Cove, loads (Hennessy, Patterson, Kozyrakis, 7th edition)"},
    {"pentium", "l1i=32:4,l1d=64:4,l1d=8:4:4m,replace=plru,asid=off",
        "Intel Pentium P54C (Pentium Processor Family Developer's Manual, volume 1)"},
    {"cortex-a72", "l1i=48:48:4k+64k,l1d=32:32:4k+64k,l2=1024:4:4k+64k+2m+1g",
        "Arm Cortex-A72 (Technical Reference Manual 100095, 5.2)"},
    {"cortex-a53", "l1=10:10,l2=512:4:4k+64k+2m,pwc=64",
        "Arm Cortex-A53 (Technical Reference Manual DDI 0500, 5.1)"},
    {"u74", "l1=40:40:4k+2m+1g,l2=512:1", "SiFive U74 (Core Complex Manual 21G1.01)"},
    {"r4000", "l1i=2:2,l1d=1:1,l2=48:48:4k+16k+64k+4m,pairs=on,replace=random",
        "MIPS R4000 (Microprocessor User's Manual, chapter 4)"},
    {"mips-4kc", "l1=3:3,l2=16:16:4k+16k+64k+4m,pairs=on,replace=random",
        "MIPS32 4Kc (4K Processor Core Family Software User's Manual)"},
    {NULL, NULL, NULL},
};
