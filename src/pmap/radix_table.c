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
        if (!mmu_pte_valid(format, pte) || !mmu_pte_is_table(format, level, pte))
            return pte;
        table = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, pte));
    }
}

bool
radix_find_leaf(const struct radix *radix, uint64_t va, struct radix_leaf *leaf)
{
    const struct mmu_format *format = radix_system(radix)->format;
    struct radix_path path;
    leaf->pte = radix_find(radix, va, &path);
    if (!mmu_pte_valid(format, leaf->pte))
        return false;
    leaf->level = path.level;
    leaf->table = path.table[path.level];
    leaf->idx = mmu_format_index(format, leaf->level, va);
    leaf->va = va & ~((1ull << format->level[leaf->level].shift) - 1);
    return true;
}

struct mem_page *
radix_table_create(struct radix *radix)
{
    struct pmap_system *system = radix->base.system;
    struct mem_page *table = mem_alloc(system->mem, 0, MEM_ZERO | MEM_RESERVED);
    if (table == NULL)
        return NULL;
    table->owner = radix;
    table->owner_kind = MEM_OWNER_PMAP;
    table->offset = 0;
    radix->base.tables++;
    if (++system->tables > system->tables_peak)
        system->tables_peak = system->tables;
    return table;
}

void
radix_table_destroy(struct radix *radix, struct mem_page *table)
{
    struct pmap_system *system = radix->base.system;
    table->owner = NULL;
    table->owner_kind = MEM_OWNER_NONE;
    table->offset = 0;
    mem_free(system->mem, table);
    radix->base.tables--;
    system->tables--;
}

void
radix_table_unlink(
    struct radix *radix, struct mem_page *table, unsigned idx, struct mem_page *child)
{
    radix_store(radix_system(radix), table, idx, 0);
    table->offset--;
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

struct mem_page *
radix_leaf_page(const struct radix_system *system, const struct radix_leaf *leaf)
{
    uint64_t pfn = mmu_pte_leaf_pfn(system->format, leaf->level, leaf->pte);
    return mem_page_at(system->base.mem, pfn);
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
    struct mem_page *end = page + (1ull << mmu_format_order(format, leaf->level));
    for (; page < end; page++) {
        page->referenced |= accessed;
        page->modified |= dirty;
    }
}

void
radix_unmap(struct radix *radix, const struct radix_leaf *leaf)
{
    struct radix_system *system = radix_system(radix);
    unsigned order = mmu_format_order(system->format, leaf->level);
    radix_harvest(system, leaf);
    pv_remove(&system->pvs, radix_leaf_page(system, leaf), &radix->base, leaf->va, order);
    radix_store(system, leaf->table, leaf->idx, 0);
    leaf->table->offset--;
    radix->base.resident -= 1ull << order;
    system->superpages -= order != 0;
}

/* Records the first n pieces, of 2^order pages, of a superpage at va; takes all back and returns
 * false when one fails. */
static bool
radix_split_records(struct radix *radix, struct mem_page *page, uint64_t va, unsigned order,
    unsigned n, unsigned wired)
{
    struct radix_system *system = radix_system(radix);
    uint64_t size = (uint64_t)PAGE_SIZE << order;
    for (unsigned i = 0; i < n; i++) {
        struct mem_page *piece = page + ((uint64_t)i << order);
        if (pv_insert(&system->pvs, piece, &radix->base, va + i * size, order | wired))
            continue;
        while (i-- > 0)
            pv_remove(
                &system->pvs, page + ((uint64_t)i << order), &radix->base, va + i * size, order);
        return false;
    }
    return true;
}

enum pgw_status
radix_split(struct radix *radix, const struct radix_leaf *leaf)
{
    struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    unsigned below = leaf->level + 1, order = mmu_format_order(format, below);
    unsigned n = 1u << format->level[below].bits;
    struct mem_page *page = radix_leaf_page(system, leaf);
    unsigned order_was = mmu_format_order(format, leaf->level);
    struct mem_pv *pv = pv_find(page, &radix->base, leaf->va, order_was);
    BASE_ASSERT(pv != NULL);
    struct mem_page *table = radix_table_create(radix);
    if (table == NULL)
        return PGW_NORAM;
    if (!radix_split_records(radix, page, leaf->va, order, n, (unsigned)pv->va & PV_WIRED)) {
        radix_table_destroy(radix, table);
        return PGW_NOMEM;
    }
    pv_remove(&system->pvs, page, &radix->base, leaf->va, order_was);

    /* each piece keeps A and D: it may be the one that was used */
    bool accessed = mmu_bits_hold(leaf->pte, format->accessed);
    bool dirty = mmu_bits_hold(leaf->pte, format->dirty);
    prot_t prot = mmu_pte_prot(format, leaf->pte);
    uint64_t pfn = mem_page_pfn(system->base.mem, page);
    for (unsigned i = 0; i < n; i++) {
        uint64_t pte = mmu_pte_leaf(format, below, pfn + ((uint64_t)i << order), prot, true);
        pte = mmu_bits_put(pte, format->accessed, accessed);
        radix_store(system, table, i, mmu_bits_put(pte, format->dirty, dirty));
    }
    table->offset = n;
    uint64_t entry = mmu_pte_table(format, mem_page_pfn(system->base.mem, table));
    radix_store(system, leaf->table, leaf->idx, entry);
    system->superpages -= 1;
    system->superpages += order != 0 ? n : 0;
    return PGW_OK;
}
