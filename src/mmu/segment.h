/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of contiguous schemes: what the memory manager (seg/) sets and the segment unit
 * (segment.c) obeys.  The two are separate code and share this description only.
 *
 * A program address va picks register va >> shift (shift 64: there is one register only).  In it
 *
 *     up:    offset = va - origin;   offset < limit              pa = base + offset
 *     down:  offset = origin - va;   0 < offset <= limit         pa = base - offset
 *
 * so a segment that grows down hangs from its origin, the address above it, as base is the physical
 * address above it.  Bases and limits are multiples of the page size (as with x86's G bit), for the
 * machine's RAM is handed out in frames.  A register that is not present faults, and the memory
 * manager brings the segment in.
 */
#ifndef MMU_SEGMENT_H
#define MMU_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/access.h"

#define MMU_SEGMENTS_MAX 16u

struct mmu_segment {
    uint64_t origin;
    uint64_t base;  /* physical address */
    uint64_t limit; /* bytes; 0: the register is not used */
    prot_t prot;
    bool down;
    bool present;
};

/* What a context switch loads; kept by the memory manager, one a space. */
struct mmu_segment_registers {
    uint32_t asid;
    unsigned n;     /* registers: a higher number than n - 1 is out of bounds */
    unsigned shift; /* which bits of an address pick one */
    bool identity;  /* no registers: the program's address is the RAM's (and all else unused) */
    struct mmu_segment seg[MMU_SEGMENTS_MAX];
};

#endif
