/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The radix pmap, for any format of mmu/format.h.  A row of back ends is an ops table made with
 * PMAP_RADIX_OPS and a system_create that names the format; see pmap_sv39.c.
 */
#ifndef PMAP_RADIX_H
#define PMAP_RADIX_H

#include "mmu/format.h"
#include "pmap/asid.h"
#include "pmap/pv.h"
#include "vm/pmap.h"

/* Ranges that a pmap remembers until update(). */
#define RADIX_PENDING 8

struct radix_system {
    struct pmap_system base;
    const struct mmu_format *format;
    uint64_t va_end;     /* user addresses are [0, va_end) */
    unsigned orders;     /* bit n: leaves of 2^n pages */
    uint64_t superpages; /* leaves above order 0, in all pmaps */
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
    unsigned npending;
    struct radix_change pending[RADIX_PENDING]; /* not yet told to the processors (P4) */
};

/* The tables on the way to an address: table[0] is the root, table[level] the deepest. */
struct radix_path {
    struct mem_page *table[MMU_LEVELS_MAX];
    unsigned level;
};

/* A leaf, in place. */
struct radix_leaf {
    struct mem_page *table;
    unsigned level, idx;
    uint64_t va; /* of its first page */
    uint64_t pte;
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

/* radix_table.c: tables and the leaves in them. */

/* Goes down to the entry that maps va or is the first that is absent, and returns it; path leads
 * there. */
uint64_t radix_find(const struct radix *radix, uint64_t va, struct radix_path *path);
/* True if va is mapped; leaf is where. */
bool radix_find_leaf(const struct radix *radix, uint64_t va, struct radix_leaf *leaf);
/* A new, empty table; NULL without frames. */
struct mem_page *radix_table_create(struct radix *radix);
void radix_table_destroy(struct radix *radix, struct mem_page *table);
/* Frees the empty table that entry idx of table leads to. */
void radix_table_unlink(
    struct radix *radix, struct mem_page *table, unsigned idx, struct mem_page *child);
/* Frees the tables of path that are empty, from the deepest up; never the root. */
void radix_prune(struct radix *radix, uint64_t va, const struct radix_path *path);
/* The head of the run that a leaf maps. */
struct mem_page *radix_leaf_page(const struct radix_system *system, const struct radix_leaf *leaf);
/* Moves A and D of a leaf about to go to the pages it maps (P3). */
void radix_harvest(const struct radix_system *system, const struct radix_leaf *leaf);
/* Takes the mapping away: harvest, record, counts, entry.  The table may be empty then. */
void radix_unmap(struct radix *radix, const struct radix_leaf *leaf);
/* Puts a table of smaller leaves with the same rights in the place of a superpage.  PGW_NORAM,
 * PGW_NOMEM: nothing changed. */
MUST_CHECK enum pgw_status radix_split(struct radix *radix, const struct radix_leaf *leaf);

/* radix_sweep.c: ranges, and telling the processors. */

void radix_change_add(struct radix_change *change, uint64_t va, uint64_t npages, bool gone);
/* Tells the processors at once. */
void radix_shoot(const struct radix *radix, const struct radix_change *change);
/* Remembers the change until update(). */
void radix_delay(struct radix *radix, const struct radix_change *change);
/* If a change that overlaps the range is pending, tells all pending ones now. */
void radix_settle(struct radix *radix, uint64_t va, uint64_t npages);
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
bool radix_check(struct pmap *pmap);

#define PMAP_RADIX_OPS(row, create_system)                                                         \
    {                                                                                              \
        .name = (row), .system_create = (create_system), .system_destroy = radix_system_destroy,   \
        .create = radix_create, .destroy = radix_destroy, .enter = radix_enter,                    \
        .remove = radix_remove, .protect = radix_protect, .extract = radix_extract,                \
        .update = radix_update, .activate = radix_activate, .deactivate = radix_deactivate,        \
        .page_protect = radix_page_protect,                                                        \
        .page_test_clear_referenced = radix_page_test_clear_referenced,                            \
        .page_is_modified = radix_page_is_modified,                                                \
        .page_clear_modified = radix_page_clear_modified, .caps = radix_caps,                      \
        .check = radix_check,                                                                      \
    }

#endif
