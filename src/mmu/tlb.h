/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLB arrays, and lists of them.
 *
 * An array is set-associative.  An entry translates one page of 2^order 4 KiB pages, order being
 * one of those that the array holds; the set is chosen by the lowest bits of that page's number, so
 * an array of several sizes is looked up once for each (as a hash-rehash TLB does), sizes of which
 * it holds nothing left out.  A key holds page number, size, tag of the space and validity in
 * one word, so that a look-up compares one word a way; global entries have a key without a space
 * and are looked for only while there are some.
 *
 *     key:   63                  18   17    16      1    0
 *           | page number, 1, 0...0 |global|  asid    |valid|      as many zeros as the order
 *
 * 45 bits of page number tell all canonical addresses of 57 bits apart.
 *
 * With pairs, an entry has two halves, for an even page and the odd one after it, under one key;
 * either may be empty.
 *
 * Replacement.  A free way is taken first, the lowest.  Use is noted as a stamp: a hit stores one
 * word instead of moving entries; stamps lie apart from entries, as close together as those that
 * are compared.  LRU's victim is the lowest stamp, which of free ones is 0.  FIFO stamps only when
 * filling.  Tree PLRU's bits, one a node, always point away from the half that was used last: so
 * they need not be kept, the stamps say the same.
 *
 * The most recent entry of each set is remembered (mru) where the hart's pointer cache must be told
 * that it is no longer that; see mmu/paged.c.
 */
#ifndef MMU_TLB_H
#define MMU_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/access.h"
#include "base/alloc.h"
#include "base/result.h"
#include "base/rng.h"
#include "mmu/mmus.h"

#define TLB_FILLED 1u     /* this half of a pair holds a translation */
#define TLB_PREFETCHED 2u /* brought in before anybody asked, and not used yet */

struct tlb_entry {
    unsigned char *bytes; /* host address of the page; NULL when it is larger than 4 KiB */
    uint64_t pfn;         /* of the page's first frame */
    uint32_t window;      /* the last window of which the observer was told */
    uint8_t prot;         /* rights of the leaf */
    uint8_t usable;       /* of these, what needs no walk: no W until the dirty bit is set */
    uint8_t flags;
};

#define TLB_SIZES 8u /* that an array can hold */
#define TLB_ORDER_MAX 27u

struct tlb {
    uint64_t *keys;            /* sets * ways, a set's ways side by side */
    uint64_t *stamps;          /* by key: when it was used last, or filled; 0: free */
    struct tlb_entry *entries; /* one for a key, or two: keys' index << pair */
    uint64_t clock;            /* the next stamp */
    uint64_t globals;          /* valid entries that are global */
    uint32_t sets;             /* a power of two */
    uint32_t ways;
    unsigned pair; /* 1: in pairs */
    unsigned nsizes;
    uint8_t order[TLB_SIZES]; /* rising */
    uint32_t live[TLB_SIZES]; /* valid entries of that order */
    uint64_t *odd;            /* the list's count, see there */
    uint32_t *mru;            /* by set: index of its most recent key; NULL: not kept */
    uint64_t slots;           /* with mru: the pointer cache's slots, less 1 */
    enum mmu_replace replace;
    struct base_rng rng;
    void *chunk; /* what the arrays lie in */
    size_t chunk_len;
};

/* A list, as struct mmu_tlb_spec has them; the array that holds 4 KiB pages comes first. */
struct tlb_list {
    struct tlb array[MMU_TLB_ARRAYS];
    unsigned n;
    uint32_t orders; /* bit n: some array holds 2^n pages */
    uint64_t odd;    /* valid entries that are global or of more than 4 KiB: while there are none,
                        only the first array need be asked, and by the space's key alone */
    unsigned nlooks;
    struct {
        uint8_t array, size;
    } look[TLB_ORDER_MAX + 1]; /* every size of every array, small ones first */
};

/* Where a translation is. */
struct tlb_place {
    struct tlb *tlb;
    size_t at; /* of the key */
    unsigned order;
    struct tlb_entry *entry;
};

/* What is to be remembered: the page vpn of the space is part of the mapping that walk says. */
struct tlb_fill {
    uint64_t vpn;
    uint32_t asid;
    const struct mmu_walk *walk;
    unsigned char *bytes; /* of that page */
    uint32_t window;
    uint8_t flags;
};

#define TLB_NONE SIZE_MAX

/* The low bits of the key of a 4 KiB page that is nobody's pair, for the space. */
static inline uint64_t
tlb_key_low(uint32_t asid)
{
    return (uint64_t)1 << 18 | (uint64_t)asid << 1 | 1;
}

/* Where the set starts in keys, for a 4 KiB page in an array without pairs. */
static inline size_t
tlb_set(const struct tlb *tlb, uint64_t vpn)
{
    return (size_t)((uint32_t)vpn & (tlb->sets - 1)) * tlb->ways;
}

/* The entry in the ways from first on that has this key; TLB_NONE. */
static inline size_t
tlb_search(const struct tlb *tlb, size_t first, uint64_t key)
{
    for (size_t i = first; i < first + tlb->ways; i++)
        if (tlb->keys[i] == key)
            return i;
    return TLB_NONE;
}

/* What arrays of a list have in common. */
struct tlb_config {
    struct base_alloc *alloc;
    enum mmu_replace replace;
    bool pairs;
    bool first; /* an L1: mru is kept where it is needed */
    uint64_t seed;
};

/* Makes the arrays of spec (of MMU_TLB_ARRAYS); none is fine.  PGW_NOMEM; then tlb_list_fini. */
MUST_CHECK enum pgw_status tlb_list_init(
    struct tlb_list *list, const struct mmu_tlb_array *spec, const struct tlb_config *config);
/* Accepts a list that is all zero. */
void tlb_list_fini(struct tlb_list *list, struct base_alloc *alloc);

/* How many slots the hart's pointer cache may have in front of the list; 0: there is no array. */
unsigned tlb_list_slots(const struct tlb_list *list);
/* Some entry covers more than one 4 KiB page, or may. */
bool tlb_list_wide(const struct tlb_list *list);

/* Looks page vpn of the space up, in the smallest size that covers it; changes no order. */
bool tlb_list_find(struct tlb_list *list, uint64_t vpn, uint32_t asid, struct tlb_place *place);

/*
 * The page was used: makes its entry the most recent of its set.  fill puts it into the array for
 * the largest size that the list has and the mapping fills.  Both return true when pages that were
 * given out earlier through another entry must be asked for again.
 */
bool tlb_use(const struct tlb_place *place, uint64_t vpn);
bool tlb_list_fill(struct tlb_list *list, const struct tlb_fill *fill, struct tlb_place *place);

/* The plain case: a 4 KiB page of the space's own, with this key, into an array without pairs whose
 * mru is not kept; where it is. */
size_t tlb_put(struct tlb *tlb, uint64_t vpn, uint64_t key, const struct tlb_entry *entry);

/* What the entry says about page vpn, as a walk would; order is the entry's. */
void tlb_read(const struct tlb_place *place, uint64_t vpn, struct mmu_walk *walk);
/* Brings it up to date, if it can be: false if it covers more than the mapping does now, or other
 * spaces too and the mapping does not. */
bool tlb_renew(const struct tlb_place *place, const struct tlb_fill *fill);
/* Drops all that covers the page in the space. */
void tlb_list_drop_page(struct tlb_list *list, uint64_t vpn, uint32_t asid);

/* Drop what the page range, the space or every space has; they return how many entries that was.
 * A range drops global entries too, whichever space it is of; the others leave them. */
uint64_t tlb_list_drop_range(struct tlb_list *list, uint32_t asid, uint64_t vpn, uint64_t npages);
uint64_t tlb_list_drop_space(struct tlb_list *list, uint32_t asid);
uint64_t tlb_list_drop_all(struct tlb_list *list);

/* Places for people: the list's number of them, the number of one that was found, and the i-th,
 * which is told under the list's name. */
size_t tlb_list_places(const struct tlb_list *list);
size_t tlb_list_index(const struct tlb_list *list, const struct tlb_place *place);
void tlb_list_view(
    const struct tlb_list *list, const char *name, size_t i, struct mmu_tlb_view *view);

#endif
