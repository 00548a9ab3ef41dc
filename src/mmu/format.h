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
    struct mmu_bits valid;     /* how an entry says that it is one; otherwise all else is ignored */
    struct mmu_bits is_table;  /* how a valid entry says that it leads to a table */
    struct mmu_bits leaf_type; /* bits written in a leaf of this level besides rights */
    uint64_t leaf_reserved;    /* must be zero in a leaf, misaligned frame bits included */
    uint64_t table_reserved;   /* must be zero in an entry that leads to a table */
    uint64_t leaf_pfn;         /* where a leaf keeps its frame number */

    /* An entry that leads to a table. */
    struct mmu_bits table_type;     /* bits written in it */
    struct mmu_bits table_right[3]; /* by enum access: what it lets through, for all below it */
    struct mmu_bits table_user;     /* lets users through */
    struct mmu_bits table_global;   /* makes all below it global */
    struct mmu_bits table_accessed; /* set by hardware that walks through it; mask 0: there is no
                                       such bit */
};

struct mmu_format {
    const char *name;
    const char *source; /* the manual's section that says so */
    unsigned levels;
    unsigned pte_bytes; /* 4 or 8 */
    unsigned va_bits;   /* that are translated */
    bool sign_extended; /* the bits above must equal the topmost one; otherwise be zero */
    struct mmu_level level[MMU_LEVELS_MAX];

    uint64_t table_pfn;            /* where an entry that leads to a table keeps its frame number */
    unsigned pfn_shift;            /* frame number bit 0 is this bit of the entry, leaf or table */
    struct mmu_bits right[3];      /* by enum access */
    struct mmu_bits also_writable; /* a leaf in which this holds is writable, too; it is dirty, and
                                      is not what a builder writes (armv8: AP[2] and DBM clear).
                                      Where this can hold, no leaf is dirty and read-only */
    struct mmu_bits leaf_bad;      /* a leaf in which this holds is malformed */
    struct mmu_bits user, global, accessed, dirty;
    bool accessed_first; /* a leaf not accessed, where that is left to software, faults for that
                            before it does for want of rights */
    /*
     * Runs of last-level leaves that are one mapping (Svnapot): a leaf of the last level in which
     * run holds is one of 2^run_order equal entries, whose frame number has run_low in its low
     * run_order bits (any other value there is malformed) and maps the aligned run.  run_order 0:
     * the format has none.
     */
    struct mmu_bits run;
    unsigned run_order;
    uint64_t run_low;
    uint8_t prot_given[8]; /* the rights that a leaf can express for those asked for, by prot_t:
                              the smallest set it has that contains them */

    /* The root register. */
    uint64_t root_mode; /* what it holds besides */
    uint64_t root_pfn_mask;
    unsigned root_pfn_shift;
    unsigned root_asid_shift, asid_bits; /* asid_bits 0: no tags, a switch empties the TLBs */

    unsigned kernel_first; /* entries of the root table from here on are the kernel's; all of
                              them the user's: the kernel has a root register of its own */
};

/*
 * The formats that hardware walks: mmu_CNAME is named NAME.  A row here makes the walker, the pmap
 * (pmap_CNAME) and the tests know it.  The table of all formats, for those who go through them, is
 * mmu_formats, NULL at its end.
 */
#define MMU_RADIX_ROWS(ROW)                                                                        \
    ROW(linear, "linear")                                                                          \
    ROW(x86, "x86")                                                                                \
    ROW(pae, "pae")                                                                                \
    ROW(x86_64, "x86-64")                                                                          \
    ROW(la57, "la57")                                                                              \
    ROW(sv32, "sv32")                                                                              \
    ROW(sv39, "sv39")                                                                              \
    ROW(sv48, "sv48")                                                                              \
    ROW(sv57, "sv57")                                                                              \
    ROW(armv8, "armv8")
#define MMU_DECLARE_ROW(cname, name) extern const struct mmu_format mmu_##cname;
MMU_RADIX_ROWS(MMU_DECLARE_ROW)
#undef MMU_DECLARE_ROW
extern const struct mmu_format mmu_mips32; /* what the core's own refill reads */
extern const struct mmu_format *const mmu_formats[];

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

/* Frames that a table of this level takes, as a power of two: above 0, they are contiguous and
 * mem_page_bytes() of the first one reaches all of them. */
static inline unsigned
mmu_format_table_order(const struct mmu_format *format, unsigned level)
{
    uint64_t bytes = (uint64_t)format->pte_bytes << format->level[level].bits;
    unsigned order = 0;
    while (bytes > (uint64_t)PAGE_SIZE << order)
        order++;
    return order;
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
mmu_pte_valid(const struct mmu_format *format, unsigned level, uint64_t pte)
{
    return mmu_bits_hold(pte, format->level[level].valid);
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
    if (mmu_bits_hold(pte, format->also_writable))
        prot |= PROT_MASK_W;
    return prot;
}

/* The rights that an entry which leads to a table lets through. */
static inline prot_t
mmu_pte_table_prot(const struct mmu_format *format, unsigned level, uint64_t pte)
{
    prot_t prot = PROT_MASK_NONE;
    for (unsigned i = 0; i < 3; i++)
        prot |= (prot_t)mmu_bits_hold(pte, format->level[level].table_right[i]) << i;
    return prot;
}

/*
 * pte with exactly the rights prot (which format->prot_given must be able to give).  A format that
 * has no dirty read-only leaf (also_writable) loses the dirty bit with the right to write: harvest
 * it before.
 */
static inline uint64_t
mmu_pte_with_prot(const struct mmu_format *format, uint64_t pte, prot_t prot)
{
    for (unsigned i = 0; i < 3; i++)
        pte = mmu_bits_put(pte, format->right[i], (prot >> i & 1u) != 0);
    if (!prot_allows(prot, ACCESS_WRITE) && mmu_bits_hold(pte, format->also_writable))
        pte = mmu_bits_put(pte, format->dirty, false);
    return pte;
}

/* An entry of this level that leads to the table in frame pfn, and lets everything through. */
static inline uint64_t
mmu_pte_table(const struct mmu_format *format, unsigned level, uint64_t pfn)
{
    return (pfn << format->pfn_shift) | format->level[level].table_type.value;
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

/* Is this leaf one of a run of equal ones? */
static inline bool
mmu_pte_is_run(const struct mmu_format *format, unsigned level, uint64_t pte)
{
    return level + 1 == format->levels && mmu_bits_hold(pte, format->run);
}

/* A last-level leaf (mmu_pte_leaf) of any page of an aligned run, made into the entry that all
 * pages of the run have.  run_order is not 0. */
static inline uint64_t
mmu_pte_with_run(const struct mmu_format *format, uint64_t pte)
{
    uint64_t low = ((1ull << format->run_order) - 1) << format->pfn_shift;
    return mmu_bits_put((pte & ~low) | format->run_low << format->pfn_shift, format->run, true);
}

/* The first frame of the run that such an entry maps. */
static inline uint64_t
mmu_pte_run_pfn(const struct mmu_format *format, uint64_t pte)
{
    uint64_t pfn = mmu_pte_leaf_pfn(format, format->levels - 1, pte);
    return pfn & ~((1ull << format->run_order) - 1);
}

/* Frames that the format can name are [0, this). */
static inline uint64_t
mmu_format_pfn_end(const struct mmu_format *format)
{
    return (format->level[format->levels - 1].leaf_pfn >> format->pfn_shift) + 1;
}

/* The value of the root register, and what it holds. */
static inline uint64_t
mmu_format_root(const struct mmu_format *format, uint64_t pfn, uint32_t asid)
{
    uint64_t tag = asid & ((1ull << format->asid_bits) - 1);
    return format->root_mode | tag << format->root_asid_shift | pfn << format->root_pfn_shift;
}

static inline uint64_t
mmu_format_root_pfn(const struct mmu_format *format, uint64_t root)
{
    return (root & format->root_pfn_mask) >> format->root_pfn_shift;
}

#endif
