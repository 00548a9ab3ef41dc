/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table formats as data.  A radix scheme is one struct mmu_format: how an address is cut into
 * indices, and where an entry keeps its bits.  The walker (mmu/walker.c) and the builder (pmap/)
 * are separate code and share nothing but these descriptions and the accessors below, which say
 * what an entry's bits mean and nothing about how tables are used.
 *
 * Every yes-or-no property of an entry is a struct mmu_bits: it holds when the bits under mask
 * have value.  That covers a bit that grants (RISC-V W), one that takes away (x86 NX, armv8
 * AP[2]: mask set, value 0), what is always so (mask 0, value 0) and what never is (mask 0,
 * value 1).
 */
#ifndef MMU_FORMAT_H
#define MMU_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/access.h"
#include "base/size.h"

#define MMU_LEVELS_MAX 5

struct mmu_bits {
    uint64_t mask, value;
};

/* One level of tables; level 0 is the root. */
struct mmu_level {
    unsigned shift;            /* of the virtual address: an entry here maps 1 << shift bytes */
    unsigned bits;             /* of the address that index a table of this level */
    bool leaf;                 /* may an entry map memory */
    bool table;                /* may an entry lead to a next table */
    struct mmu_bits is_table;  /* how a valid entry says that it leads to a table */
    struct mmu_bits leaf_type; /* bits written in a leaf of this level besides rights */
    uint64_t leaf_reserved;    /* must be zero in a leaf, misaligned frame bits included */
    uint64_t table_reserved;   /* must be zero in an entry that leads to a table */
    uint64_t leaf_pfn;         /* where a leaf keeps its frame number */
};

struct mmu_format {
    const char *name;
    const char *source; /* the manual's section that says so */
    unsigned levels;
    unsigned pte_bytes; /* 4 or 8 */
    unsigned va_bits;   /* that are translated */
    bool sign_extended; /* the bits above must equal the topmost one; otherwise be zero */
    struct mmu_level level[MMU_LEVELS_MAX];

    uint64_t table_pfn;         /* where an entry that leads to a table keeps its frame number */
    unsigned pfn_shift;         /* frame number bit 0 is this bit of the entry, leaf or table */
    struct mmu_bits table_type; /* bits written in an entry that leads to a table */
    struct mmu_bits valid;
    struct mmu_bits right[3]; /* by enum access */
    struct mmu_bits leaf_bad; /* a leaf in which this holds is malformed */
    struct mmu_bits user, global, accessed, dirty;
    uint8_t prot_given[8]; /* the rights that a leaf can express for those asked for, by prot_t:
                              the smallest set it has that contains them */

    /* The root register. */
    uint64_t root_mode; /* what it holds besides */
    uint64_t root_pfn_mask;
    unsigned root_asid_shift, asid_bits;

    unsigned kernel_first; /* entries of the root table from here on are the kernel's */
};

/* The rows. */
extern const struct mmu_format mmu_sv39;

static inline bool
mmu_bits_hold(uint64_t pte, struct mmu_bits bits)
{
    return (pte & bits.mask) == bits.value;
}

/* pte with the property made to hold, or not to hold. */
static inline uint64_t
mmu_bits_put(uint64_t pte, struct mmu_bits bits, bool on)
{
    return (pte & ~bits.mask) | (on ? bits.value : bits.value ^ bits.mask);
}

/* Which entry of a table of this level va selects. */
static inline unsigned
mmu_format_index(const struct mmu_format *format, unsigned level, uint64_t va)
{
    const struct mmu_level *l = &format->level[level];
    return (unsigned)(va >> l->shift) & ((1u << l->bits) - 1u);
}

/* Pages that an entry of this level maps, as a power of two. */
static inline unsigned
mmu_format_order(const struct mmu_format *format, unsigned level)
{
    return format->level[level].shift - PAGE_SHIFT;
}

static inline bool
mmu_format_canonical(const struct mmu_format *format, uint64_t va)
{
    uint64_t above = va >> (format->va_bits - 1);
    uint64_t ones = UINT64_MAX >> (format->va_bits - 1);
    return format->sign_extended ? above == 0 || above == ones : above <= 1;
}

/* The first address that is the kernel's: user addresses are [0, this). */
static inline uint64_t
mmu_format_user_end(const struct mmu_format *format)
{
    return (uint64_t)format->kernel_first << format->level[0].shift;
}

/* Entry idx of the table whose bytes these are. */
static inline uint64_t
mmu_pte_load(const struct mmu_format *format, const unsigned char *table, unsigned idx)
{
    if (format->pte_bytes == 8)
        return ((const uint64_t *)(const void *)table)[idx];
    return ((const uint32_t *)(const void *)table)[idx];
}

static inline void
mmu_pte_store(const struct mmu_format *format, unsigned char *table, unsigned idx, uint64_t pte)
{
    if (format->pte_bytes == 8)
        ((uint64_t *)(void *)table)[idx] = pte;
    else
        ((uint32_t *)(void *)table)[idx] = (uint32_t)pte;
}

static inline bool
mmu_pte_valid(const struct mmu_format *format, uint64_t pte)
{
    return mmu_bits_hold(pte, format->valid);
}

/* Of a valid entry: does it lead to a table (otherwise it is a leaf)? */
static inline bool
mmu_pte_is_table(const struct mmu_format *format, unsigned level, uint64_t pte)
{
    return mmu_bits_hold(pte, format->level[level].is_table);
}

static inline uint64_t
mmu_pte_table_pfn(const struct mmu_format *format, uint64_t pte)
{
    return (pte & format->table_pfn) >> format->pfn_shift;
}

static inline uint64_t
mmu_pte_leaf_pfn(const struct mmu_format *format, unsigned level, uint64_t pte)
{
    return (pte & format->level[level].leaf_pfn) >> format->pfn_shift;
}

static inline prot_t
mmu_pte_prot(const struct mmu_format *format, uint64_t pte)
{
    prot_t prot = PROT_MASK_NONE;
    for (unsigned i = 0; i < 3; i++)
        prot |= (prot_t)mmu_bits_hold(pte, format->right[i]) << i;
    return prot;
}

/* pte with exactly the rights prot (which format->prot_given must be able to give). */
static inline uint64_t
mmu_pte_with_prot(const struct mmu_format *format, uint64_t pte, prot_t prot)
{
    for (unsigned i = 0; i < 3; i++)
        pte = mmu_bits_put(pte, format->right[i], (prot >> i & 1u) != 0);
    return pte;
}

/* An entry that leads to the table in frame pfn. */
static inline uint64_t
mmu_pte_table(const struct mmu_format *format, uint64_t pfn)
{
    return (pfn << format->pfn_shift) | format->table_type.value;
}

/* A leaf of this level for the run that starts at frame pfn: a user's, or a global kernel one;
 * not accessed, not dirty. */
static inline uint64_t
mmu_pte_leaf(const struct mmu_format *format, unsigned level, uint64_t pfn, prot_t prot, bool user)
{
    uint64_t pte = (pfn << format->pfn_shift) | format->level[level].leaf_type.value;
    pte = mmu_pte_with_prot(format, pte, prot);
    pte = mmu_bits_put(pte, format->user, user);
    pte = mmu_bits_put(pte, format->global, !user);
    pte = mmu_bits_put(pte, format->accessed, false);
    return mmu_bits_put(pte, format->dirty, false);
}

/* The value of the root register, and what it holds. */
static inline uint64_t
mmu_format_root(const struct mmu_format *format, uint64_t pfn, uint32_t asid)
{
    return format->root_mode | (uint64_t)asid << format->root_asid_shift | pfn;
}

static inline uint64_t
mmu_format_root_pfn(const struct mmu_format *format, uint64_t root)
{
    return root & format->root_pfn_mask;
}

#endif
