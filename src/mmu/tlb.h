/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One set-associative TLB with true LRU in each set.
 *
 * An entry translates one 4 KiB page; superpages are cached in such pieces.  Its key holds page
 * number, tag of the space and validity in one word, so that a look-up compares one word a way;
 * global entries have a key without a space and are looked for only while there are some.  LRU
 * order is kept as stamps: a hit stores one word instead of moving entries, and the victim of a
 * miss is the entry with the lowest stamp; free entries have stamp 0.
 *
 *     key:   63              18   17    16      1    0
 *           | page number, low |global|  asid    |valid|
 *
 * 46 bits of page number tell all canonical addresses of 57 bits apart.
 */
#ifndef MMU_TLB_H
#define MMU_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/access.h"
#include "base/alloc.h"
#include "base/result.h"

struct tlb_entry {
    unsigned char *bytes; /* host address of the page */
    uint64_t stamp;       /* when it was used last; 0: free */
    uint32_t window;      /* the last window of which the observer was told */
    uint8_t prot;         /* rights of the leaf */
    uint8_t usable;       /* of these, what needs no walk: no W until the dirty bit is set */
};

struct tlb {
    uint64_t *keys; /* sets * ways, a set's ways side by side */
    struct tlb_entry *entries;
    uint64_t clock;   /* the next stamp */
    uint64_t globals; /* valid entries that are global */
    uint32_t sets;    /* a power of two; 0: absent */
    uint32_t ways;
    void *chunk; /* what the arrays lie in */
    size_t chunk_len;
};

#define TLB_NONE SIZE_MAX

static inline uint64_t
tlb_key(uint64_t vpn, uint32_t asid)
{
    return vpn << 18 | (uint64_t)asid << 1 | 1;
}

static inline uint64_t
tlb_key_global(uint64_t vpn)
{
    return vpn << 18 | 1u << 17 | 1;
}

/* Where the set of the page starts in keys and entries. */
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

/* The entry for page vpn of space asid, TLB_NONE; changes no order. */
static inline size_t
tlb_find(const struct tlb *tlb, uint64_t vpn, uint32_t asid)
{
    size_t first = tlb_set(tlb, vpn);
    size_t i = tlb_search(tlb, first, tlb_key(vpn, asid));
    if (__builtin_expect(i == TLB_NONE && tlb->globals != 0, 0))
        i = tlb_search(tlb, first, tlb_key_global(vpn));
    return i;
}

/* Makes entry i the most recently used of its set. */
static inline void
tlb_touch(struct tlb *tlb, size_t i)
{
    tlb->entries[i].stamp = tlb->clock++;
}

/* Arrays for entries / ways sets; entries 0: absent, and never looked at.  PGW_NOMEM. */
MUST_CHECK enum pgw_status tlb_init(
    struct tlb *tlb, struct base_alloc *alloc, uint32_t entries, uint32_t ways);
/* Accepts a TLB that is all zero. */
void tlb_fini(struct tlb *tlb, struct base_alloc *alloc);

/* Puts *entry in the place of the set's least recently used one, as the most recent. */
size_t tlb_fill(
    struct tlb *tlb, uint64_t vpn, uint32_t asid, bool global, const struct tlb_entry *entry);

void tlb_drop(struct tlb *tlb, size_t i);
/* Drop what the page range or the space has in the TLB; they return how many entries that was.
 * A range drops global entries too, whichever space it is of; a space leaves them. */
uint64_t tlb_drop_range(struct tlb *tlb, uint32_t asid, uint64_t vpn, uint64_t npages);
uint64_t tlb_drop_space(struct tlb *tlb, uint32_t asid);

#endif
