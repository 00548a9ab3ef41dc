/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contiguous core's own structures, for src/seg only.
 *
 *     space --< segment (one a window) >-- block --- frames [first, first + npages), or swap slots
 *       |
 *       +--< region: what the program mapped, for find, unmap and protect
 *
 * A block is a contiguous piece of memory, all of it in RAM or all of it out.  A segment is how one
 * space sees a block: at which address, with what rights.  Several segments may share a block.
 * Regions are bookkeeping: the hardware knows segments only.
 *
 * Invariants (seg_check.c says them in code):
 *  S1  Resident blocks do not overlap; with the holes, and what the buddy system loses, they
 *      are RAM.
 *  S2  A block reaches from the lowest to the highest byte of the regions of all who have it, no
 *      further (a pure one: as far as its file mapping did when it was made).
 *  S3  All regions of a window lie within the window and its segment; no segment has none.
 *  S4  A space's registers say what its segments are, always.
 *  S5  Every frame of a resident block that is in no region holds whatever it held: it is zeroed
 *      when it becomes part of a region.
 *
 * States of a block, and who changes them:
 *
 *       seg_block_create            seg_block_out
 *      -----------------> RESIDENT ---------------> SWAPPED    (its pages are in slots)
 *                           ^  ^ |                    |
 *             seg_block_in  |  | +--------------------|-----> FILE  (pure: read it again)
 *                           |  +--------seg_block_in--+         |
 *                           +-----------------------------------+
 *
 * Under SEG_NONE a resident block is at home, where its addresses are, or parked elsewhere; a
 * program runs only while its block is at home.
 */
#ifndef SEG_SEGCORE_H
#define SEG_SEGCORE_H

#include <sys/queue.h>
#include <sys/tree.h>

#include "base/asid.h"
#include "base/pool.h"
#include "base/size.h"
#include "seg/seg.h"

/* Where the first mapping of a window that begins at 0 goes, if it may go anywhere: a pointer to
 * nothing should stay outside. */
#define SEG_LOW ((uint64_t)0x10000)
#define SEG_SLOT_BYTES sizeof(uint64_t)

struct seg_region {
    RB_ENTRY(seg_region) node;
    uint64_t start, end; /* [start, end), page aligned */
    prot_t prot;
    enum space_use use;
    bool growsdown;
    uint64_t len_max;          /* growsdown: bytes it may have */
    uint64_t len_limit;        /* and may be allowed to have, as it was mapped */
    struct seg_object *object; /* a reference; NULL: zero fill */
    uint64_t offset;
};

RB_HEAD(seg_region_tree, seg_region);
RB_PROTOTYPE(seg_region_tree, seg_region, node, seg_region_compare)

enum seg_block_state { SEG_RESIDENT, SEG_SWAPPED, SEG_FILE };

LIST_HEAD(seg_user_list, seg_segment);

struct seg_block {
    TAILQ_ENTRY(seg_block) lru;   /* all blocks, the one used longest ago first */
    RB_ENTRY(seg_block) by_frame; /* RESIDENT */
    enum seg_block_state state;
    uint64_t id;    /* the n-th of its system */
    uint64_t first; /* RESIDENT */
    uint64_t npages;
    uint64_t *slots;           /* SWAPPED: one a page (zeros: none); NULL: there is no swap */
    uint64_t slots_max;        /* pages that slots has room for */
    struct seg_object *object; /* pure code: a reference, and where in the file; else NULL */
    uint64_t offset;
    bool down;     /* its window is a stack's */
    bool shared;   /* by share(): its users see each other's changes, and so do their children */
    unsigned pins; /* above 0: it may be moved, but not sent out */
    struct seg_user_list users;
    unsigned nusers;
};

TAILQ_HEAD(seg_block_list, seg_block);
RB_HEAD(seg_block_tree, seg_block);
RB_PROTOTYPE(seg_block_tree, seg_block, by_frame, seg_block_compare)

struct seg_segment {
    struct seg_block *block; /* NULL: nothing is mapped in this window */
    struct seg_space *space;
    uint64_t lo; /* address of the block's first byte */
    LIST_ENTRY(seg_segment) user;
};

struct seg_space {
    struct space space;
    struct seg_system *system;
    TAILQ_ENTRY(seg_space) link;
    struct seg_region_tree regions;
    struct seg_segment segments[MMU_SEGMENTS_MAX];
    struct mmu_segment_registers registers;
    uint64_t mapped; /* bytes of all regions */
    struct {
        uint64_t pages; /* of its own that it sent out, less what it has run since */
        uint64_t at;    /* the clock, as far as it is taken into account */
    } strain;
    struct {
        uint64_t minor, major, zero_fill;
    } faults;
};

TAILQ_HEAD(seg_space_list, seg_space);

struct seg_object {
    struct space_object base;
    struct seg_system *system;
    uint64_t refs;
};

struct seg_system {
    struct seg_config config;
    struct mem *mem;
    uint64_t nframes; /* of it, from the first on; those beyond are not the system's */
    struct seg_fit *fit;
    uint64_t end;     /* user addresses are [0, end) */
    unsigned windows; /* in a space */
    unsigned shift;   /* which bits of an address pick one; 64: there is one */
    struct base_pool regions, blocks, spaces, objects;
    struct seg_block_list all_blocks;
    struct seg_block_tree resident;
    struct seg_space_list all_spaces;
    struct seg_space *running; /* NULL: none */
    uint64_t space_ids, block_ids;
    uint64_t nobjects;
    struct asid_set asids;
    struct seg_stats stats; /* the running counts of it */
    bool thrashing;         /* that is why the call under way got no room */
    const char *why;
};

static inline struct seg_space *
seg_space_of(struct space *space)
{
    return (struct seg_space *)space;
}

static inline struct seg_object *
seg_object_of(struct space_object *object)
{
    return (struct seg_object *)object;
}

/* --- segsys.c --- */

extern const struct space_ops seg_space_ops;

/* Notes why a call fails; returns status. */
enum pgw_status seg_fail(struct seg_system *system, enum pgw_status status, const char *why);
void seg_object_hold(struct seg_object *object);
void seg_object_release(struct seg_object *object);

/* --- window.c: windows, and the registers that map their segments --- */

unsigned seg_window_at(const struct seg_system *system, uint64_t va);
/* [start, end) of a window; false: there are fewer. */
bool seg_window_range(
    const struct seg_system *system, unsigned window, uint64_t *start, uint64_t *end);
bool seg_window_is_down(const struct seg_system *system, unsigned window);
const char *seg_window_name(const struct seg_system *system, unsigned window);
/* The next window, after `after` (-1: the first), where a mapping for this use may go without
 * having been told where; -1: there is none. */
int seg_window_for(const struct seg_system *system, enum space_use use, int after);

static inline uint64_t
seg_segment_end(const struct seg_segment *segment)
{
    return segment->lo + (segment->block->npages << PAGE_SHIFT);
}

unsigned seg_segment_window(const struct seg_segment *segment);
/* The segment that contains va; NULL. */
struct seg_segment *seg_segment_at(struct seg_space *space, uint64_t va);
/* The frame of its first byte under SEG_NONE. */
uint64_t seg_segment_home(const struct seg_segment *segment);
/* What the hardware lets a program do with it. */
prot_t seg_segment_prot(const struct seg_segment *segment);

/* Makes the registers of the space, or of all who have the block, what they should be, and tells
 * the machine if they changed. */
void seg_registers_update(struct seg_space *space);
void seg_block_changed(struct seg_block *block);
/* Pointers to npages of the block, from its page idx, are stale, for all who have it. */
void seg_block_stale(struct seg_block *block, uint64_t idx, uint64_t npages);
bool seg_registers_check(struct seg_space *space);

/* --- block.c --- */

/* Takes npages of RAM, whose bytes are undefined; object: pure code, which is not read yet and has
 * no RAM.  PGW_NORAM, PGW_NOMEM. */
MUST_CHECK enum pgw_status seg_block_create(
    struct seg_system *system, uint64_t npages, uint64_t home, bool down, struct seg_block **block);
MUST_CHECK enum pgw_status seg_block_create_pure(struct seg_system *system, uint64_t npages,
    struct seg_object *object, uint64_t offset, struct seg_block **block);
/* A block without memory, for the caller to fill: seg_block_arrive, or slots and SEG_SWAPPED. */
MUST_CHECK enum pgw_status seg_block_record(
    struct seg_system *system, uint64_t npages, bool down, struct seg_block **block);
/* It has frames now; it has none any more. */
void seg_block_arrive(struct seg_system *system, struct seg_block *block, uint64_t first);
void seg_block_leave(struct seg_system *system, struct seg_block *block);
/* Pure code that will be changed, by its only user; it is resident.  PGW_NOMEM. */
MUST_CHECK enum pgw_status seg_block_unpure(struct seg_system *system, struct seg_block *block);
/* Nobody has it. */
void seg_block_destroy(struct seg_system *system, struct seg_block *block);
void seg_block_attach(
    struct seg_space *space, unsigned window, struct seg_block *block, uint64_t lo);
/* The block goes with its last user. */
void seg_block_detach(struct seg_segment *segment);
/* Makes the resident block larger by so many pages at its two ends; they are zeros.  PGW_NOSPACE: a
 * user's window has no room for that; PGW_NORAM, PGW_NOMEM. */
MUST_CHECK enum pgw_status seg_block_grow(
    struct seg_system *system, struct seg_block *block, uint64_t below, uint64_t above);
/* The reverse, in any state; something is left. */
void seg_block_shrink(
    struct seg_system *system, struct seg_block *block, uint64_t below, uint64_t above);
/* It was used just now. */
void seg_block_used(struct seg_system *system, struct seg_block *block);
/* The block's page idx, while it is resident. */
struct mem_page *seg_block_page(
    const struct seg_system *system, const struct seg_block *block, uint64_t idx);
/* Records that a resident block is at another place. */
void seg_block_set_first(struct seg_system *system, struct seg_block *block, uint64_t first);

/* --- frames.c: bytes of frames --- */

void seg_frames_zero(struct seg_system *system, uint64_t first, uint64_t npages);
/* The ranges may overlap. */
void seg_frames_move(struct seg_system *system, uint64_t from, uint64_t to, uint64_t npages);
/* Pages of a file into frames; past its end, zeros.  PGW_IO, PGW_CORRUPT, PGW_NOMEM. */
MUST_CHECK enum pgw_status seg_frames_read(struct seg_system *system, struct seg_object *object,
    uint64_t offset, uint64_t first, uint64_t npages);
/* Frames to and from swap; zeros get no slot (PAGER_SLOT_NONE).  put: on failure no slot is kept.
 * PGW_NOSWAP, PGW_IO, PGW_CORRUPT, PGW_NOMEM. */
MUST_CHECK enum pgw_status seg_frames_put(
    struct seg_system *system, uint64_t first, uint64_t npages, uint64_t *slots);
MUST_CHECK enum pgw_status seg_frames_get(
    struct seg_system *system, uint64_t first, uint64_t npages, const uint64_t *slots);
void seg_slots_forget(struct seg_system *system, const uint64_t *slots, uint64_t npages);

/* --- room.c: where in RAM a block goes --- */

/* A place for a block: a new one, or a larger one for a resident block. */
struct seg_want {
    struct seg_block *block; /* NULL: a new one */
    uint64_t npages;         /* in all */
    uint64_t below;          /* of them, new ones before what the block has */
    uint64_t home;           /* SEG_NONE: the frame it would like to be at */
};

/* Makes room by whatever it takes; *first: where it is (a block's own fields are for the caller to
 * set; its bytes are at *first + below).  PGW_NORAM. */
MUST_CHECK enum pgw_status seg_room(
    struct seg_system *system, const struct seg_want *want, uint64_t *first);
/* Slides partitions together; pivot: those above it go up, so that what is free lies behind it
 * (before it: down), but for half of spare, which is spread behind them.  True if anything moved.
 */
bool seg_room_compact(
    struct seg_system *system, struct seg_block *pivot, bool down, uint64_t spare);
/* SEG_NONE: empties the block's home and moves or brings the block there.  PGW_NORAM, PGW_IO. */
MUST_CHECK enum pgw_status seg_room_home(struct seg_system *system, struct seg_segment *segment);

/* --- segswap.c --- */

/* PGW_NOSWAP, PGW_IO, PGW_NOMEM: it stays. PGW_AGAIN: pinned. */
MUST_CHECK enum pgw_status seg_block_out(struct seg_system *system, struct seg_block *block);
/* Nothing if it is resident.  PGW_NORAM, PGW_NOMEM, PGW_IO, PGW_CORRUPT. */
MUST_CHECK enum pgw_status seg_block_in(struct seg_system *system, struct seg_block *block);
/* A copy of the block, in RAM or on swap, that nobody has yet. */
MUST_CHECK enum pgw_status seg_block_copy(
    struct seg_system *system, struct seg_block *block, uint64_t home, struct seg_block **copy);
/* Makes the segment's block its own if it is pure code that others may have too. */
MUST_CHECK enum pgw_status seg_block_own(struct seg_system *system, struct seg_segment *segment);

/* --- segregion.c --- */

struct seg_region *seg_region_at(struct seg_space *space, uint64_t va);
struct seg_region *seg_region_at_or_above(struct seg_space *space, uint64_t va);
/* The last one that starts below va; NULL. */
struct seg_region *seg_region_below(struct seg_space *space, uint64_t va);
bool seg_region_is_empty(struct seg_space *space, uint64_t start, uint64_t end);
/* Cuts the region that va lies inside of, if any.  PGW_NOMEM. */
MUST_CHECK enum pgw_status seg_region_clip(struct seg_space *space, uint64_t va);
MUST_CHECK enum pgw_status seg_region_clip_range(
    struct seg_space *space, uint64_t start, uint64_t end);
void seg_region_insert(struct seg_space *space, struct seg_region *region);
void seg_region_remove(struct seg_space *space, struct seg_region *region);
void seg_region_resize(
    struct seg_space *space, struct seg_region *region, uint64_t start, uint64_t end);
/* Removes the records in a range that is cut at its ends. */
void seg_region_clear(struct seg_space *space, uint64_t start, uint64_t end);
/* Joins neighbours around and in the range that have become alike. */
void seg_region_join(struct seg_space *space, uint64_t start, uint64_t end);

/* --- extent.c: how far segments reach --- */

/* Gives back what no region needs any more in the window, the segment itself if there is none. */
void seg_extent_trim(struct seg_space *space, unsigned window);
/* Makes [start, end), which lies in one window, part of its segment, resident.  Frames new to the
 * segment are zeros.  *zero: all of the range is.  PGW_NOSPACE, PGW_NORAM, PGW_NOMEM, PGW_IO. */
MUST_CHECK enum pgw_status seg_extent_cover(
    struct seg_space *space, uint64_t start, uint64_t end, bool *zero);
/* The first place for len bytes in the window, none of which anybody has mapped.  PGW_NOSPACE. */
MUST_CHECK enum pgw_status seg_extent_place(
    struct seg_space *space, unsigned window, uint64_t len, uint64_t *va);
/* Where a region of anybody who has the segment, which overlaps [start, end), ends; 0: there is
 * none. Addresses are those of this segment's space. */
uint64_t seg_extent_taken(const struct seg_segment *segment, uint64_t start, uint64_t end);
/* The frame of an address within a resident segment. */
uint64_t seg_extent_frame(const struct seg_segment *segment, uint64_t va);

/* --- segmap.c, segmove.c, segshare.c, segfault.c: operations of a space --- */

MUST_CHECK enum pgw_status seg_map_range(
    struct seg_system *system, uint64_t va, uint64_t len, uint64_t *end);
enum pgw_status seg_map(struct space *space, const struct space_map_args *args, uint64_t *va);
enum pgw_status seg_unmap(struct space *space, uint64_t va, uint64_t len);
enum pgw_status seg_protect(struct space *space, uint64_t va, uint64_t len, prot_t prot);
enum pgw_status seg_advise(
    struct space *space, uint64_t va, uint64_t len, enum space_advice advice);
enum pgw_status seg_remap(struct space *space, uint64_t old, uint64_t old_len, uint64_t new_len,
    bool may_move, unsigned flags, uint64_t *va);
enum pgw_status seg_share(
    struct space *space, struct space *from, uint64_t from_va, prot_t prot, uint64_t *va);
enum pgw_status seg_fork(struct space *space, struct space **child);
enum space_fault seg_fault(struct space *space, uint64_t va, enum access access);
enum space_fault seg_resolve(
    struct space *space, uint64_t va, enum access access, unsigned char **bytes);
void seg_activate(struct space *space, struct pmap_context *context);
void seg_deactivate(struct space *space);
bool seg_space_check(struct space *space);
/* An error of moving a segment, as a fault. */
enum space_fault seg_fault_of(const struct seg_system *system, enum pgw_status status);

#endif
