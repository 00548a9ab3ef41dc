/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory: a RAM arena, its frame table (one struct mem_page a frame) and the buddy
 * allocator over it.
 *
 * States of a frame:
 *
 *                mem_alloc                    vm: policy admit
 *     FREE ------------------> WIRED/plain --------------------> pageable
 *       ^                          |  ^                              |
 *       |         mem_free         |  |     vm: policy forget        |
 *       +--------------------------+  +------------------------------+
 *
 * "busy" is orthogonal: an I/O or a copy owns the bytes; whoever finds a busy page waits for
 * it and then looks again.  All fields of a mem_page are guarded by the system's lock.
 *
 * A frame's bytes are reached through mem_page_bytes() only.  Nobody computes a frame's address.
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/node.h"
#include "base/size.h"
#include "base/result.h"

struct pmap;

#define MEM_ORDER_MAX 18u /* the largest run: 2^18 pages, 1 GiB */
#define MEM_PFN_NONE UINT64_MAX

/* One mapping of a page: where a reverse look-up finds it.  The pmap layer owns these. */
struct mem_pv {
    struct mem_pv *next;
    struct pmap *pmap; /* NULL in a page's embedded first entry: no mapping */
    uint64_t va;       /* page aligned; the low bits are the pmap's own flags */
};

enum mem_owner { MEM_OWNER_NONE, MEM_OWNER_ANON, MEM_OWNER_OBJECT, MEM_OWNER_PMAP, MEM_OWNER_CORE };

/* A frame.  64 bytes, one a frame of RAM: the frame table. */
struct mem_page {
    struct base_node node;   /* free: the buddy's list; pageable: the policy's */
    void *owner;             /* the vm_anon, vm_object or pmap that holds the page; by owner_kind */
    uint64_t offset : 36;    /* object: page index in it; pmap: live entries of this table */
    uint64_t owner_kind : 3; /* enum mem_owner */
    uint64_t order : 5;      /* of the run this page heads, free or allocated */
    uint64_t free : 1;       /* heads a run on a free list */
    uint64_t busy : 1;       /* an I/O or a copy owns the bytes */
    uint64_t queued : 1;     /* admitted to the policy */
    uint64_t dirty : 1;      /* the core knows that the bytes differ from backing store's copy */
    uint64_t referenced : 1; /* harvested from mappings by the pmap (law P3) */
    uint64_t modified : 1;   /* the same */
    uint64_t wired : 8;      /* wire count; not evicted or moved while above 0 */
    uint64_t ahead : 1;      /* read ahead of need, and not asked for yet */
    uint64_t active : 1;     /* came back so soon that it belongs to the working set */
    uint64_t lazyfree : 1;   /* its content may be dropped as long as it is not modified */
    uint64_t reserved : 1;   /* kept for a huge page, or claimed for a run that is being cleared */
    uint64_t aside : 1;      /* kept out of the policy: dirty, and there is nowhere to put it */
    uint64_t huge : 1;       /* the owner's part of a run that is in use as one huge page */
    struct mem_pv pv;        /* mappings of this page: the first one here, more chained */
};

/* Pages that stay where they are share blocks of this size, 2 MiB, so that the others can be
 * cleared. */
#define MEM_BLOCK_ORDER 9u

/* A run of frames that are kept together (reservation.c). */
struct mem_reservation {
    TAILQ_ENTRY(mem_reservation) link; /* mem_reservations.partial, while it is not full */
    uint64_t used : 63;                /* of its frames; 0: there is no reservation here */
    uint64_t filled : 1;               /* all of them were, at some time */
};

struct mem_reservations {
    struct mem_reservation *table; /* by place in RAM; NULL: none are made */
    unsigned order;                /* of each */
    TAILQ_HEAD(, mem_reservation) partial;
    uint64_t nheld, nheld_peak;    /* frames that are reserved and not in use, now; at most */
    uint64_t made, filled, broken; /* so far; filled: those of which all frames came into use */
};

struct mem {
    struct mem_page *pages; /* the frame table, by index = pfn - base_pfn */
    unsigned char *ram;     /* private: reach it through mem_page_bytes */
    uint64_t base_pfn;      /* frame number of pages[0]; physical addresses start there */
    uint64_t nframes;
    uint64_t nfree;   /* those that are reserved included */
    uint64_t reserve; /* frames that only MEM_RESERVED allocations may take */
    struct base_node_list free[MEM_ORDER_MAX + 1];
    struct base_node_list pinned[MEM_BLOCK_ORDER]; /* free runs in blocks for pages that stay */
    uint64_t *blocks; /* a bit a block of 2^MEM_BLOCK_ORDER frames: it is for such pages */
    uint64_t runs[MEM_ORDER_MAX + 1]; /* free ones, by order */
    uint64_t nfree_pinned;            /* frames of those on the pinned lists */
    struct base_alloc *alloc;
    struct mem_reservations reservations;
    size_t ram_len; /* bytes */
};

/* Flags of mem_alloc. */
#define MEM_ZERO 1u     /* the bytes are zero */
#define MEM_RESERVED 2u /* may take the last frames: for paths that free memory */
#define MEM_PINNED 4u   /* will never be moved: kept together with others of that kind */

/*
 * Sets up ram_bytes (rounded down to whole pages, at least 8 pages) of RAM whose first frame has
 * number base_pfn (a multiple of 2^MEM_ORDER_MAX).  Records and RAM come from alloc and ram
 * respectively (RAM is not counted as core metadata).  PGW_NOMEM, PGW_INVAL.
 */
MUST_CHECK enum pgw_status mem_init(struct mem *mem, struct base_alloc *alloc,
    struct base_alloc *ram, uint64_t ram_bytes, uint64_t base_pfn);
void mem_fini(struct mem *mem, struct base_alloc *ram);

/*
 * 2^order contiguous, aligned frames, headed by the page returned; NULL when there are none
 * (INJECT_FRAME is asked first).  From the smallest fitting order, the run that was freed last;
 * of a larger run that must be cut, the lowest part.  O(MEM_ORDER_MAX).
 * New pages have no owner, no mappings, no flags; wired 0.
 */
struct mem_page *mem_alloc(struct mem *mem, unsigned order, unsigned flags);

/*
 * Sets the last n frames of a RAM aside all of which is free: they are allocated, single pages,
 * each freed by itself, and the first is returned.  Their bytes are anything.  NULL: INJECT_FRAME
 * says so.
 */
struct mem_page *mem_set_aside(struct mem *mem, uint64_t n);

/*
 * Gives a run back; page heads it and bears its order.  No mapping, not busy, not queued, not
 * wired (asserted).  Clears the records of all its pages.
 */
void mem_free(struct mem *mem, struct mem_page *page);

/* Makes the pages of an allocated run single ones, each of order 0 and freed by itself. */
void mem_split(struct mem *mem, struct mem_page *page);

/*
 * Clearing a block, the 2^order aligned frames from block on, which lies in RAM and is not free as
 * a whole, so that it becomes one run:
 *
 *      mem_claim          its free frames are claimed: allocated, and marked "reserved".  How many.
 *                         A reservation in it is broken first
 *      mem_claim_page     a page of it, single and vacated (as for mem_free), joins them
 *      mem_claim_take     all of it is claimed now: one allocated run, which is returned
 *      mem_claim_drop     or: what was claimed is free again
 */
uint64_t mem_claim(struct mem *mem, struct mem_page *block, unsigned order);
void mem_claim_page(struct mem *mem, struct mem_page *page);
struct mem_page *mem_claim_take(struct mem *mem, struct mem_page *block, unsigned order);
void mem_claim_drop(struct mem *mem, struct mem_page *block, unsigned order);

/*
 * Reservations of aligned runs of one order, whose frames come into use one by one: theory and
 * invariants are in reservation.c.  From init on they can be made; fini, or mem_fini, ends all of
 * them.  A RAM smaller than a run has none.  PGW_NOMEM.
 */
MUST_CHECK enum pgw_status mem_reservation_init(struct mem *mem, unsigned order);
void mem_reservation_fini(struct mem *mem);

/* Reserves a run and takes the frame at place (below 2^order) of it, with flags as for mem_alloc;
 * NULL: there is no free run, or reservations are not made. */
struct mem_page *mem_reservation_make(struct mem *mem, uint64_t place, unsigned flags);

/* Takes a frame that is reserved (mem_page.reserved) out of its reservation: as mem_alloc, order 0.
 * It is freed by mem_free.  NULL: the frame is refused, as mem_alloc would. */
struct mem_page *mem_reservation_take(struct mem *mem, struct mem_page *page, unsigned flags);

/* Is the frame, in use or not, one of a reservation? */
bool mem_reservation_has(const struct mem *mem, const struct mem_page *page);

/* Breaks reservations: what is not in use of them is free as any other frame.  All that are not
 * full; those in the 2^order frames from block on, full ones too. */
void mem_reservation_break_all(struct mem *mem);
void mem_reservation_break_in(struct mem *mem, struct mem_page *block, unsigned order);

/* For mem.c.  A single frame is freed; false: it is of no reservation.  Breaks the one touched
 * least recently for an allocation of that order; false: that would not help.  See mem_check. */
bool mem_reservation_return(struct mem *mem, struct mem_page *page);
bool mem_reservation_break_oldest(struct mem *mem, unsigned order);
bool mem_reservation_check(const struct mem *mem);

/*
 * Fragmentation with regard to runs of an order, as Linux counts it (mm/vmstat.c,
 * __fragmentation_index and unusable_free_index), in thousandths.  The first says why an
 * allocation would fail: towards 0 for want of memory, towards 1000 because it is in pieces; -1000:
 * it would not fail.  The second is the share of the free frames that is in smaller runs.
 * Frames that are held for a reservation are in no run, and count for neither.
 * Of free runs by order, MEM_ORDER_MAX + 1 of them: mem.runs, now or as they were.
 */
int mem_fragmentation(const uint64_t *runs, unsigned order);
int mem_unusable(const uint64_t *runs, unsigned order);

/*
 * The page's bytes, PAGE_SIZE of them, for reading and writing.  On the sim machine they may be
 * reached at any time; on the host machine only while the page is not mapped.  Frames lie in the
 * RAM in the order of their numbers, so that the head of a run (mem_alloc, order above 0) reaches
 * the bytes of all of it.
 */
static inline unsigned char *
mem_page_bytes(const struct mem *mem, const struct mem_page *page)
{
    return mem->ram + ((size_t)(page - mem->pages) << PAGE_SHIFT);
}

static inline uint64_t
mem_page_pfn(const struct mem *mem, const struct mem_page *page)
{
    return mem->base_pfn + (uint64_t)(page - mem->pages);
}

/* The page with this frame number, NULL when there is no such RAM. */
static inline struct mem_page *
mem_page_at(const struct mem *mem, uint64_t pfn)
{
    uint64_t idx = pfn - mem->base_pfn;
    return idx < mem->nframes ? &mem->pages[idx] : NULL;
}

/* The byte with this physical address, as mem_page_bytes() has it; NULL when there is no such RAM.
 */
static inline unsigned char *
mem_bytes_at(const struct mem *mem, uint64_t pa)
{
    uint64_t at = pa - (mem->base_pfn << PAGE_SHIFT);
    return at < mem->nframes << PAGE_SHIFT ? mem->ram + at : NULL;
}

/* The head of the free or allocated run that page lies in; page itself if it is in none that is
 * known (part of a run that was allocated as a whole and is now used page by page). */
const struct mem_page *mem_run_head(const struct mem *mem, const struct mem_page *page);

/* True if the free lists and the frame table agree. */
bool mem_check(const struct mem *mem);

#endif
