/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of the radix pmap: finding, making and freeing them, and the leaves in them. */
#include "pmap/pmap_radix.h"

#include "base/assert.h"

uint64_t
radix_find(const struct radix *radix, uint64_t va, struct radix_path *path)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    struct mem_page *table = radix->root;
    for (unsigned level = 0;; level++) {
        path->table[level] = table;
        path->level = level;
        uint64_t pte = radix_load(system, table, mmu_format_index(format, level, va));
        if (!mmu_pte_valid(format, level, pte) || !mmu_pte_is_table(format, level, pte))
            return pte;
        table = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, pte));
    }
}

bool
radix_find_leaf(const struct radix *radix, uint64_t va, struct radix_leaf *leaf)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    leaf->table = radix->root;
    for (leaf->level = 0;; leaf->level++) {
        leaf->idx = mmu_format_index(format, leaf->level, va);
        leaf->pte = radix_load(system, leaf->table, leaf->idx);
        if (!mmu_pte_valid(format, leaf->level, leaf->pte))
            return false;
        if (!mmu_pte_is_table(format, leaf->level, leaf->pte))
            break;
        leaf->table = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, leaf->pte));
    }
    radix_leaf_complete(system, leaf, va);
    return true;
}

/* Hardware sets bits in the one entry that it read. */
void
radix_leaf_join(const struct radix_system *system, struct radix_leaf *leaf)
{
    const struct mmu_format *format = system->format;
    bool accessed = false, dirty = false;
    leaf->n = 1u << format->run_order;
    leaf->order += format->run_order;
    leaf->idx &= ~(leaf->n - 1);
    for (unsigned i = 0; i < leaf->n; i++) {
        uint64_t pte = radix_load(system, leaf->table, leaf->idx + i);
        accessed |= mmu_bits_hold(pte, format->accessed);
        dirty |= mmu_bits_hold(pte, format->dirty);
    }
    leaf->pte = mmu_bits_put(leaf->pte, format->accessed, accessed);
    leaf->pte = mmu_bits_put(leaf->pte, format->dirty, dirty);
}

struct mem_page *
radix_table_alloc(struct radix_system *system, unsigned level, void *owner)
{
    unsigned order = mmu_format_table_order(system->format, level);
    struct mem_page *table =
        mem_alloc(system->base.mem, order, MEM_ZERO | MEM_RESERVED | MEM_PINNED);
    if (table == NULL)
        return NULL;
    table->owner = owner;
    table->owner_kind = MEM_OWNER_PMAP;
    table->offset = 0;
    system->base.tables += 1ull << order;
    if (system->base.tables > system->base.tables_peak)
        system->base.tables_peak = system->base.tables;
    return table;
}

void
radix_table_free(struct radix_system *system, struct mem_page *table)
{
    system->base.tables -= 1ull << table->order;
    table->owner = NULL;
    table->owner_kind = MEM_OWNER_NONE;
    table->offset = 0;
    mem_free(system->base.mem, table);
}

struct mem_page *
radix_table_create(struct radix *radix, unsigned level)
{
    struct mem_page *table = radix_table_alloc(radix_system(radix), level, radix);
    if (table != NULL)
        radix->base.tables += 1ull << table->order;
    return table;
}

void
radix_table_destroy(struct radix *radix, struct mem_page *table)
{
    radix->base.tables -= 1ull << table->order;
    radix_table_free(radix_system(radix), table);
}

void
radix_table_unlink(
    struct radix *radix, struct mem_page *table, unsigned idx, struct mem_page *child)
{
    radix_store(radix_system(radix), table, idx, 0);
    table->offset--;
    radix->unlinked++;
    radix_table_destroy(radix, child);
}

void
radix_prune(struct radix *radix, uint64_t va, const struct radix_path *path)
{
    const struct mmu_format *format = radix_system(radix)->format;
    for (unsigned level = path->level; level > 0 && path->table[level]->offset == 0; level--)
        radix_table_unlink(radix, path->table[level - 1], mmu_format_index(format, level - 1, va),
            path->table[level]);
}

void
radix_harvest(const struct radix_system *system, const struct radix_leaf *leaf)
{
    const struct mmu_format *format = system->format;
    bool accessed = mmu_bits_hold(leaf->pte, format->accessed);
    bool dirty = mmu_bits_hold(leaf->pte, format->dirty);
    if (!accessed && !dirty)
        return;
    struct mem_page *page = radix_leaf_page(system, leaf);
    struct mem_page *end = page + (1ull << leaf->order);
    for (; page < end; page++) {
        page->referenced |= accessed;
        page->modified |= dirty;
    }
}

void
radix_unmap(struct radix *radix, const struct radix_leaf *leaf)
{
    struct radix_system *system = radix_system(radix);
    radix_harvest(system, leaf);
    pv_remove(&system->pvs, radix_leaf_page(system, leaf), &radix->base, leaf->va, leaf->order);
    radix_leaf_store(system, leaf, 0);
    leaf->table->offset -= leaf->n;
    radix->base.resident -= 1ull << leaf->order;
    radix_count_super(system, leaf->order, -1);
}

/* Records the n pieces, of 2^order pages, of a leaf; takes all back and returns false when one
 * fails. */
static bool
radix_split_records(
    struct radix *radix, const struct radix_leaf *leaf, unsigned order, unsigned n, unsigned wired)
{
    struct radix_system *system = radix_system(radix);
    struct mem_page *page = radix_leaf_page(system, leaf);
    uint64_t size = (uint64_t)PAGE_SIZE << order;
    for (unsigned i = 0; i < n; i++) {
        struct mem_page *piece = page + ((uint64_t)i << order);
        if (pv_insert(&system->pvs, piece, &radix->base, leaf->va + i * size, order | wired))
            continue;
        while (i-- > 0)
            pv_remove(&system->pvs, page + ((uint64_t)i << order), &radix->base,
                leaf->va + i * size, order);
        return false;
    }
    return true;
}

/* Writes the n pieces, leaves of this level, of a leaf into table from entry first on.  Each keeps
 * A and D: it may be the one that was used. */
static void
radix_split_fill(const struct radix_system *system, const struct radix_leaf *leaf,
    struct mem_page *table, unsigned level, unsigned first, unsigned n)
{
    const struct mmu_format *format = system->format;
    unsigned order = mmu_format_order(format, level);
    bool accessed = mmu_bits_hold(leaf->pte, format->accessed);
    bool dirty = mmu_bits_hold(leaf->pte, format->dirty);
    prot_t prot = mmu_pte_prot(format, leaf->pte);
    uint64_t pfn = mem_page_pfn(system->base.mem, radix_leaf_page(system, leaf));
    for (unsigned i = 0; i < n; i++) {
        uint64_t pte = mmu_pte_leaf(format, level, pfn + ((uint64_t)i << order), prot, true);
        pte = mmu_bits_put(pte, format->accessed, accessed);
        radix_store(system, table, first + i, mmu_bits_put(pte, format->dirty, dirty));
    }
}

enum pgw_status
radix_split(struct radix *radix, const struct radix_leaf *leaf)
{
    struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    bool run = leaf->n > 1;
    unsigned level = run ? leaf->level : leaf->level + 1;
    unsigned n = run ? leaf->n : 1u << format->level[level].bits;
    unsigned order = mmu_format_order(format, level);
    struct mem_page *page = radix_leaf_page(system, leaf);
    struct mem_pv *pv = pv_find(page, &radix->base, leaf->va, leaf->order);
    BASE_ASSERT(pv != NULL);
    struct mem_page *table = run ? leaf->table : radix_table_create(radix, level);
    if (table == NULL)
        return PGW_NORAM;
    if (!radix_split_records(radix, leaf, order, n, (unsigned)pv->va & PV_WIRED)) {
        if (!run)
            radix_table_destroy(radix, table);
        return PGW_NOMEM;
    }
    pv_remove(&system->pvs, page, &radix->base, leaf->va, leaf->order);
    radix_split_fill(system, leaf, table, level, run ? leaf->idx : 0, n);
    if (!run) {
        table->offset = n;
        uint64_t pte = mmu_pte_table(format, leaf->level, mem_page_pfn(system->base.mem, table));
        radix_store(system, leaf->table, leaf->idx, pte);
    }
    radix_count_super(system, leaf->order, -1);
    radix_count_super(system, order, n);
    system->base.splits++;
    return PGW_OK;
}
