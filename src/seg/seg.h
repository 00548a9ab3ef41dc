/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contiguous core: spaces made of segments, each a contiguous piece of RAM (a partition) that
 * one register maps.  It is the other memory manager behind the space interface (vm/space.h); a
 * process does not know which one it has.
 *
 * A space has windows: ranges of program addresses with one segment each, fixed by the scheme.
 *
 *     none          one window: all of RAM; program address = RAM address
 *     base-bounds   one window, wherever the program lies in it
 *     segments      code, heap, mappings, stack: 2^bits windows picked by the top bits
 */
#ifndef SEG_SEG_H
#define SEG_SEG_H

#include "base/alloc.h"
#include "base/clock.h"
#include "mmu/segment.h"
#include "seg/fit.h"
#include "vm/pager.h"
#include "vm/space.h"

struct seg_system;

enum seg_scheme { SEG_NONE, SEG_BASE_BOUNDS, SEG_SEGMENTS };

/* How the contiguous core tells the machine that what it has loaded changed. */
struct seg_machine {
    void *ctx;
    /* The registers of the space whose tag is regs->asid changed (a segment moved, grew, went out
     * or came in): load them again if they are loaded.  regs stays valid as long as the space. */
    void (*reload)(void *ctx, const struct mmu_segment_registers *regs);
    /* npages from va are no longer where they were, or no longer there: pointers to them and code
     * decoded from them are stale. */
    void (*range)(void *ctx, uint32_t asid, uint64_t va, uint64_t npages);
    /* The tag is about to be used for another space, or its space is going away. */
    void (*space)(void *ctx, uint32_t asid);
};

/* What a system is made of.  All of it must outlive the system; nothing is taken over. */
struct seg_config {
    struct mem *mem; /* its free frames, the first ones, are taken, and handed out in partitions */
    struct base_alloc *alloc;
    struct pager *swap; /* NULL: no swap */
    /* Instructions that the machine has run; NULL: a space that swaps its own segments for ever is
     * not told from one that gets on. */
    const struct base_clock *clock;
    struct seg_machine machine;
    enum seg_scheme scheme;
    const struct seg_fit_ops *fit; /* where a partition goes; ignored by SEG_NONE */
    unsigned bits;                 /* SEGMENTS: top bits that pick the segment, 2 to 4 */
    unsigned va_bits;              /* bits of a program address: SEGMENTS picks by the top ones of
                                      these, BASE_BOUNDS ends there; 32 to 48 */
    bool no_compaction;            /* only seg_compact() compacts, never a want of room */
};

/* Counted since creation, except where "now" is said.  Sizes in pages. */
struct seg_stats {
    uint64_t faults, minor, major; /* resolved; major waited for a device */
    uint64_t segments, resident;   /* now: all; those in RAM */
    uint64_t segments_peak, resident_peak;
    uint64_t pages, pages_peak;         /* now in RAM, of all partitions */
    uint64_t unused;                    /* now: of these, not part of any region (internal waste) */
    uint64_t unused_peak;               /* as seg_note_unused() saw it */
    uint64_t free, holes, largest_hole; /* now */
    uint64_t holes_peak;
    uint64_t scattered_peak;     /* the most that was ever free outside the largest hole */
    uint64_t failures;           /* times there was room in all, but no hole large enough */
    uint64_t compactions, moved; /* runs of it; pages moved by them, or to park and back */
    uint64_t grown_in_place, grown_by_moving, shrunk;
    uint64_t grown_moved;               /* pages moved by growing */
    uint64_t segments_out, segments_in; /* whole segments to and from swap, or parked in RAM */
    uint64_t pages_out, pages_in;       /* the same, in pages */
    uint64_t shares;                    /* segments that a space shares with another instead of
                                           having a copy */
    uint64_t copied;                    /* pages copied by fork */
    uint64_t file_pages_in;
    uint64_t spaces, regions; /* now */
};

/* PGW_NOMEM, PGW_INVAL. */
MUST_CHECK enum pgw_status seg_system_create(
    const struct seg_config *config, struct seg_system **system);
/* All spaces must be gone (asserted).  The frames are given back to mem. */
void seg_system_destroy(struct seg_system *system);

MUST_CHECK enum pgw_status seg_space_create(struct seg_system *system, struct space **space);

/* A file to be mapped: its pages are read from pager when they are mapped.  One reference belongs
 * to the caller; the pager is destroyed with the last one.  PGW_NOMEM. */
MUST_CHECK enum pgw_status seg_object_create(
    struct seg_system *system, struct pager *pager, uint64_t npages, struct space_object **object);

/* Moves all partitions that can move to the low end of RAM, so that the free frames are one hole.
 */
void seg_compact(struct seg_system *system);

/* The end of user addresses. */
uint64_t seg_space_end(const struct seg_system *system);

/* Why the last access outside RAM or bounds could not be resolved, or the last call failed, in
 * words (static storage); "" if nothing did. */
const char *seg_why(const struct seg_system *system);

void seg_stats(struct seg_system *system, struct seg_stats *stats);
/* Looks at how much of RAM is in segments and in no region: the figure of now is of little use when
 * a program has ended.  The sim machine calls it between slices. */
void seg_note_unused(struct seg_system *system);

/* The i-th partition by address, free ones included; false: there are fewer. */
struct seg_partition {
    uint64_t pfn, npages;
    bool used;
    uint32_t asid;      /* of one space that has it */
    uint64_t va;        /* of its first byte there */
    uint64_t shares;    /* spaces that have it */
    const char *window; /* "code", "heap", "mappings", "stack", "program"; static storage */
};
bool seg_partition_at(struct seg_system *system, uint64_t i, struct seg_partition *partition);

/* True if every structure of the system agrees with every other.  Slow. */
bool seg_check(struct seg_system *system);

#endif
