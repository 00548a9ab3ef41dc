/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The radix pmap, for any format of mmu/format.h.  A row of back ends is an ops table made with
 * PMAP_RADIX_OPS and a system_create that names the format; see pmap_rows.c.
 */
#ifndef PMAP_RADIX_H
#define PMAP_RADIX_H

#include "mmu/format.h"
#include "base/asid.h"
#include "pmap/pv.h"
#include "vm/pmap.h"

/* Ranges that a pmap remembers until update(). */
#define RADIX_PENDING 8

/* A size of mapping that the format has: leaves of one level, or runs of them. */
struct radix_size {
    unsigned level;
    unsigned n;         /* entries that one mapping takes: 1, or those of a run */
    uint64_t pte[8][2]; /* a user's leaf for frame 0, accessed: by rights asked for, and dirty */
};

struct radix_system {
    struct pmap_system base;
    const struct mmu_format *format;
    uint64_t va_end;   /* user addresses are [0, va_end) */
    unsigned orders;   /* bit n: mappings of 2^n pages */
    bool dirty_writes; /* a dirty leaf is a writable one: the format says both with the same bits */
    uint64_t rights_mask, rights[8]; /* bits of a leaf's rights, and what they are by prot_t */
    struct radix_size size[MMU_LEVELS_MAX + 1];
    uint8_t size_of[MEM_ORDER_MAX + 1]; /* by order: which of size; those in orders are set */
    unsigned char *kernel; /* the bytes of the root's entries from kernel_first on; may be NULL */
    size_t kernel_len;
    struct base_pool pvs, pmaps;
    struct asid_set asids;
};

/* A range of addresses whose translations changed; start == end: nothing. */
struct radix_change {
    uint64_t start, end;
    bool gone; /* see struct pmap_shootdown */
};

struct radix {
    struct pmap base;
    struct mem_page *root;
    uint64_t unlinked; /* tables taken out so far */
    unsigned npending;
    struct radix_change pending[RADIX_PENDING]; /* not yet told to the processors (P4) */
};

/* The tables on the way to an address: table[0] is the root, table[level] the deepest. */
struct radix_path {
    struct mem_page *table[MMU_LEVELS_MAX];
    unsigned level;
};

/* A leaf, in place: one entry, or the n equal ones of a run. */
struct radix_leaf {
    struct mem_page *table;
    unsigned level, idx; /* idx: of the run's first */
    unsigned order, n;   /* it maps 2^order pages, and takes n entries */
    uint64_t va;         /* of its first page */
    uint64_t pte;        /* the first entry, with the accessed and dirty bits of all */
};

static inline struct radix_system *
radix_system(const struct radix *radix)
{
    return (struct radix_system *)radix->base.system;
}

static inline uint64_t
radix_load(const struct radix_system *system, const struct mem_page *table, unsigned idx)
{
    return mmu_pte_load(system->format, mem_page_bytes(system->base.mem, table), idx);
}

static inline void
radix_store(
    const struct radix_system *system, const struct mem_page *table, unsigned idx, uint64_t pte)
{
    mmu_pte_store(system->format, mem_page_bytes(system->base.mem, table), idx, pte);
}

/* Writes all entries of the leaf. */
static inline void
radix_leaf_store(const struct radix_system *system, const struct radix_leaf *leaf, uint64_t pte)
{
    unsigned i = 0;
    do
        radix_store(system, leaf->table, leaf->idx + i, pte);
    while (__builtin_expect(++i < leaf->n, 0));
}

/* The head of the pages that a leaf maps. */
static inline struct mem_page *
radix_leaf_page(const struct radix_system *system, const struct radix_leaf *leaf)
{
    uint64_t pfn = mmu_pte_leaf_pfn(system->format, leaf->level, leaf->pte);
    return mem_page_at(system->base.mem, pfn & ~(uint64_t)(leaf->n - 1));
}

/* Makes a leaf of which one entry was found, at idx, the whole run that the entry is one of. */
void radix_leaf_join(const struct radix_system *system, struct radix_leaf *leaf);

/* Completes a leaf of which table, level, idx and pte are set, and which maps va. */
static inline void
radix_leaf_complete(const struct radix_system *system, struct radix_leaf *leaf, uint64_t va)
{
    leaf->n = 1;
    leaf->order = mmu_format_order(system->format, leaf->level);
    if (__builtin_expect(mmu_pte_is_run(system->format, leaf->level, leaf->pte), 0))
        radix_leaf_join(system, leaf);
    leaf->va = va & ~(((uint64_t)PAGE_SIZE << leaf->order) - 1);
}

/* radix_kernel.c: the part of every space that is the kernel's. */

/* Builds it.  PGW_NORAM, PGW_NOMEM: nothing is left. */
MUST_CHECK enum pgw_status radix_kernel_create(struct radix_system *system);
void radix_kernel_destroy(struct radix_system *system);
/* Puts it into a new root. */
void radix_kernel_enter(const struct radix_system *system, struct mem_page *root);

/* radix_table.c: tables and the leaves in them. */

/* Goes down to the entry that maps va or is the first that is absent, and returns it; path leads
 * there. */
uint64_t radix_find(const struct radix *radix, uint64_t va, struct radix_path *path);
/* True if va is mapped; leaf is where. */
bool radix_find_leaf(const struct radix *radix, uint64_t va, struct radix_leaf *leaf);
/* A table of this level without entries, counted in the system only; NULL without frames.  Its
 * bytes, of one frame or of several, are reached through the page returned. */
struct mem_page *radix_table_alloc(struct radix_system *system, unsigned level, void *owner);
void radix_table_free(struct radix_system *system, struct mem_page *table);
/* The same for a table of this pmap, counted there too. */
struct mem_page *radix_table_create(struct radix *radix, unsigned level);
void radix_table_destroy(struct radix *radix, struct mem_page *table);
/* Frees the empty table that entry idx of table leads to. */
void radix_table_unlink(
    struct radix *radix, struct mem_page *table, unsigned idx, struct mem_page *child);
/* Frees the tables of path that are empty, from the deepest up; never the root. */
void radix_prune(struct radix *radix, uint64_t va, const struct radix_path *path);
/* Moves A and D of a leaf about to go to the pages it maps (P3). */
void radix_harvest(const struct radix_system *system, const struct radix_leaf *leaf);
/* Counts n more mappings of 2^order pages (fewer, for -1 and the like) as superpages. */
static inline void
radix_count_super(struct radix_system *system, unsigned order, int64_t n)
{
    if (order == 0)
        return;
    system->base.superpages += (uint64_t)n;
    system->base.super_pages += (uint64_t)n << order;
}
/* Takes the mapping away: harvest, record, counts, entry.  The table may be empty then. */
void radix_unmap(struct radix *radix, const struct radix_leaf *leaf);
/* Puts smaller leaves with the same rights in the place of a superpage, in a table of their own, or
 * of a run, in the same entries.  PGW_NORAM, PGW_NOMEM: nothing changed. */
MUST_CHECK enum pgw_status radix_split(struct radix *radix, const struct radix_leaf *leaf);

/* radix_sweep.c: ranges, and telling the processors. */

void radix_change_add(struct radix_change *change, uint64_t va, uint64_t npages, bool gone);
/* Tells the processors at once. */
void radix_shoot(const struct radix *radix, const struct radix_change *change);
/* Remembers the change until update(). */
void radix_delay(struct radix *radix, const struct radix_change *change);
/* If a change that overlaps the range is pending, tells all pending ones now. */
void radix_settle(struct radix *radix, uint64_t va, uint64_t npages);
/* Lowers rights of all in [va, end) of user space to prot (NONE: removes it); tables that become
 * empty are freed. */
void radix_lower(
    struct radix *radix, uint64_t va, uint64_t end, prot_t prot, struct radix_change *change);
/* Lowers rights of all in [start, end) to prot (NONE: removes it), below table of this level
 * whose first entry maps base; tables that become empty are freed, but not this one. */
void radix_sweep(struct radix *radix, struct mem_page *table, unsigned level, uint64_t base,
    uint64_t start, uint64_t end, prot_t prot, struct radix_change *change);

/* The slots of the contract. */
enum pgw_status radix_system_create(const struct pmap_ops *ops, const struct mmu_format *format,
    struct mem *mem, struct base_alloc *alloc, const struct pmap_shootdown *shootdown,
    struct pmap_system **system);
void radix_system_destroy(struct pmap_system *system);
enum pgw_status radix_create(struct pmap_system *system, struct pmap **pmap);
void radix_destroy(struct pmap *pmap);
enum pgw_status radix_enter(struct pmap *pmap, uint64_t va, struct mem_page *const *pages, size_t n,
    unsigned order, prot_t prot, enum access access, unsigned flags);
void radix_remove(struct pmap *pmap, uint64_t va, uint64_t npages);
void radix_protect(struct pmap *pmap, uint64_t va, uint64_t npages, prot_t prot);
enum pgw_status radix_extract(struct pmap *pmap, uint64_t va, struct mem_page **page, prot_t *prot);
void radix_update(struct pmap *pmap);
void radix_activate(struct pmap *pmap, struct pmap_context *context);
void radix_deactivate(struct pmap *pmap);
void radix_page_protect(struct pmap_system *system, struct mem_page *page, prot_t prot);
bool radix_page_test_clear_referenced(struct pmap_system *system, struct mem_page *page);
bool radix_page_is_modified(struct pmap_system *system, struct mem_page *page);
void radix_page_clear_modified(struct pmap_system *system, struct mem_page *page);
void radix_caps(struct pmap_system *system, struct pmap_caps *caps);
unsigned radix_order(struct pmap *pmap, uint64_t va);
bool radix_check(struct pmap *pmap);

#define PMAP_RADIX_OPS(row, create_system)                                                         \
    {                                                                                              \
        .name = (row), .system_create = (create_system), .system_destroy = radix_system_destroy,   \
        .create = radix_create, .destroy = radix_destroy, .enter = radix_enter,                    \
        .remove = radix_remove, .protect = radix_protect, .extract = radix_extract,                \
        .order = radix_order, .update = radix_update, .activate = radix_activate,                  \
        .deactivate = radix_deactivate, .page_protect = radix_page_protect,                        \
        .page_test_clear_referenced = radix_page_test_clear_referenced,                            \
        .page_is_modified = radix_page_is_modified,                                                \
        .page_clear_modified = radix_page_clear_modified, .caps = radix_caps,                      \
        .check = radix_check,                                                                      \
    }

#endif
