/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format of the inverted page table: one table for the whole system, with an entry for each
 * frame of RAM that says which page the frame holds.  The walker (mmu/hashed.c) and the builder
 * (pmap/pmap_hashed.c) are separate code and share nothing but this description.
 *
 * It is the table of IBM's System/38 and RT PC: Houdek, Mitchell, "Translating a large virtual
 * address", IBM System/38 Technical Developments, 1978; Chang, Mergen, "801 storage: architecture
 * and programming", ACM TOCS 6 (1), 1988, for the hash anchor table and the entry chained by frame
 * number; Huck, Hays, "Architectural support for translation table management in large address
 * space machines", ISCA 1993, for PA-RISC's and what such tables cost.
 *
 *     address   63        48 47                    12 11          0
 *              |  must be 0 |       page number      |   offset    |
 *                                      |
 *     register's tag ----------------> h  (hashed_index)
 *                                      |
 *              anchors                 v                 entries: 16 bytes each
 *              4 bytes each    +--------------+          +---------------------------+
 *     run ---> 0               | entry + 1    |---+    0 | tag word | link and frame |  frame 0
 *              :               | 0: no chain  |   |    1 | tag word | link and frame |  frame 1
 *              2^log2 - 1      +--------------+   |    : |                           |  :
 *                                                 +--> i | mine?  no: link - 1 is    |  frame i
 *                                                        |        the next of chain  |
 *                                              frames    +---------------------------+
 *                                              of RAM,   | further entries: aliases, |  the frame
 *                                              then      | which name their frame    |  they name
 *                                                        +---------------------------+
 *
 * Both tables lie one after the other in one run of 2^order frames of RAM.  Entry i < (frames of
 * RAM) belongs to the i-th frame of RAM and needs not say which; where RAM begins and how many
 * frames it has, the machine knows.  What is left of the run after those are entries for further
 * mappings of frames that have one already.  The machines above had none: there, a page had one
 * virtual address, the same for all who shared it.
 *
 *     tag word   63     48 47             12 11    7  6   5   4   3   2   1   0
 *               |  space  |   page number   | zero | s | D | A | X | W | R | V |
 *     word 1     63                  32 31                  0
 *               | frame - RAM's first  |   link: entry + 1   |     frame: aliases only, else zero;
 *                                                                 link: 0 ends the chain
 *     register   63     48 47                  10 9      5 4       0
 *               |  space  |  the run's frame     | order  |  log2   |
 *
 * V valid, R W X rights, A accessed and D dirty (set by hardware), s the operating system's own.
 * There is no global bit: the hash takes in the space's tag, so that a page common to all would
 * need a second look-up.
 */
#ifndef MMU_HASHED_H
#define MMU_HASHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/access.h"
#include "base/size.h"

#define HASHED_VA_BITS 48u
#define HASHED_USER_END (UINT64_C(1) << 47) /* user addresses are [0, this) */
#define HASHED_TAG_BITS 16u

#define HASHED_ANCHOR_SIZE 4u
#define HASHED_ENTRY_SIZE 16u
#define HASHED_ANCHORS_LOG2_MIN 2u /* so that entries are aligned to their size */

/* Of the tag word. */
#define HASHED_V UINT64_C(0x01)
#define HASHED_A UINT64_C(0x10)
#define HASHED_D UINT64_C(0x20)
#define HASHED_SOFT UINT64_C(0x40)
#define HASHED_ZERO UINT64_C(0xf80) /* reserved */
#define HASHED_PROT_SHIFT 1u
#define HASHED_TAG_SHIFT 48u

struct hashed_entry {
    uint64_t tag_word;
    uint32_t link;  /* the next entry's number + 1; 0: the last of its chain */
    uint32_t frame; /* alias: which frame of RAM */
};

/* What the register holds. */
struct hashed_root {
    uint64_t pfn; /* of the run */
    unsigned order, anchors_log2;
    uint32_t tag; /* of the space */
};

static inline uint64_t
hashed_root_value(const struct hashed_root *root)
{
    return (uint64_t)root->tag << 48 | root->pfn << 10 | root->order << 5 | root->anchors_log2;
}

static inline struct hashed_root
hashed_root_of(uint64_t value)
{
    return (struct hashed_root){.pfn = value >> 10 & ((UINT64_C(1) << 38) - 1),
        .order = (unsigned)(value >> 5) & 31u,
        .anchors_log2 = (unsigned)value & 31u,
        .tag = (uint32_t)(value >> 48)};
}

/* Entries that a run has room for, aliases included; 0: not even for the anchors. */
static inline uint64_t
hashed_root_entries(unsigned order, unsigned anchors_log2)
{
    uint64_t bytes = (uint64_t)PAGE_SIZE << order;
    uint64_t anchors = (uint64_t)HASHED_ANCHOR_SIZE << anchors_log2;
    return anchors < bytes ? (bytes - anchors) / HASHED_ENTRY_SIZE : 0;
}

/* The 16 bits of a tag in reverse order: in hardware, only wires. */
static inline uint32_t
hashed_tag_reversed(uint32_t tag)
{
    tag = (tag & 0x5555u) << 1 | (tag >> 1 & 0x5555u);
    tag = (tag & 0x3333u) << 2 | (tag >> 2 & 0x3333u);
    tag = (tag & 0x0f0fu) << 4 | (tag >> 4 & 0x0f0fu);
    return (tag & 0x00ffu) << 8 | (tag >> 8 & 0x00ffu);
}

/*
 * The anchor of a page: an exclusive or, as in the machines above, of the page number's lowest bits
 * with the two fields of as many bits above them, and with the tag.  The tag is turned round and
 * put at the top, because tags are small numbers that differ at the bottom: there they would put
 * the same neighbouring pages of two spaces into the same few chains.
 */
static inline uint32_t
hashed_index(uint64_t va, uint32_t tag, unsigned anchors_log2)
{
    uint64_t vpn = va >> PAGE_SHIFT;
    uint64_t top = (uint64_t)hashed_tag_reversed(tag) << anchors_log2 >> HASHED_TAG_BITS;
    uint64_t mixed = vpn ^ vpn >> anchors_log2 ^ vpn >> 2 * anchors_log2 ^ top;
    return (uint32_t)(mixed & ((UINT64_C(1) << anchors_log2) - 1));
}

/* The part of a tag word that must equal for the entry to be this page's. */
#define HASHED_MATCH (~UINT64_C(0xfff) | HASHED_V)

static inline uint64_t
hashed_match(uint64_t va, uint32_t tag)
{
    return (uint64_t)tag << HASHED_TAG_SHIFT | page_floor(va) | HASHED_V;
}

/* The page that an entry is for. */
static inline uint64_t
hashed_va(uint64_t tag_word)
{
    return page_floor(tag_word) & ((UINT64_C(1) << HASHED_VA_BITS) - 1);
}

static inline prot_t
hashed_prot(uint64_t tag_word)
{
    return (prot_t)(tag_word >> HASHED_PROT_SHIFT) & PROT_MASK_ALL;
}

static inline uint64_t
hashed_with_prot(uint64_t tag_word, prot_t prot)
{
    uint64_t mask = (uint64_t)PROT_MASK_ALL << HASHED_PROT_SHIFT;
    return (tag_word & ~mask) | (uint64_t)prot << HASHED_PROT_SHIFT;
}

/* Where things lie, in bytes from the run's first one.  Neither kind crosses a page's end. */
static inline uint64_t
hashed_anchor_offset(uint64_t idx)
{
    return idx * HASHED_ANCHOR_SIZE;
}

static inline uint64_t
hashed_entry_offset(uint64_t idx, unsigned anchors_log2)
{
    return ((uint64_t)HASHED_ANCHOR_SIZE << anchors_log2) + idx * HASHED_ENTRY_SIZE;
}

/* The words of RAM at `at`, little-endian as all tables are. */
static inline uint32_t
hashed_anchor_load(const unsigned char *at)
{
    return *(const uint32_t *)(const void *)at;
}

static inline void
hashed_anchor_store(unsigned char *at, uint32_t anchor)
{
    *(uint32_t *)(void *)at = anchor;
}

static inline struct hashed_entry
hashed_entry_load(const unsigned char *at)
{
    const uint64_t *words = (const uint64_t *)(const void *)at;
    return (struct hashed_entry){
        .tag_word = words[0], .link = (uint32_t)words[1], .frame = (uint32_t)(words[1] >> 32)};
}

static inline void
hashed_entry_store(unsigned char *at, struct hashed_entry entry)
{
    uint64_t *words = (uint64_t *)(void *)at;
    words[0] = entry.tag_word;
    words[1] = (uint64_t)entry.frame << 32 | entry.link;
}

#endif
