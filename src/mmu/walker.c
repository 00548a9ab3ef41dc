/* SPDX-License-Identifier: BSD-2-Clause */
#include "mmu/walker.h"

/* Where a walk ended. */
struct walker_leaf {
    unsigned char *table;
    unsigned level, idx;
    uint64_t pte;
    bool global;
};

/* Is a leaf of this level well formed? */
static bool
walker_leaf_ok(const struct mmu_format *format, unsigned level, uint64_t pte)
{
    const struct mmu_level *l = &format->level[level];
    return l->leaf && (pte & l->leaf_reserved) == 0 && !mmu_bits_hold(pte, format->leaf_bad);
}

/* Follows tables down to a well-formed leaf. */
static enum mmu_fault
walker_descend(const struct mmu_format *format, struct mem *mem, uint64_t root, uint64_t va,
    struct mmu_stats *stats, struct walker_leaf *leaf)
{
    uint64_t pfn = root;
    leaf->global = false;
    for (unsigned level = 0;; level++) {
        struct mem_page *table = mem_page_at(mem, pfn);
        if (table == NULL)
            return MMU_BUS;
        stats->walk_refs[level]++;
        leaf->table = mem_page_bytes(mem, table);
        leaf->level = level;
        leaf->idx = mmu_format_index(format, level, va);
        leaf->pte = mmu_pte_load(format, leaf->table, leaf->idx);
        if (!mmu_pte_valid(format, leaf->pte))
            return MMU_NOT_PRESENT;
        leaf->global |= mmu_bits_hold(leaf->pte, format->global);
        if (!mmu_pte_is_table(format, level, leaf->pte))
            return walker_leaf_ok(format, level, leaf->pte) ? MMU_OK : MMU_MALFORMED;
        const struct mmu_level *l = &format->level[level];
        if (!l->table || (leaf->pte & l->table_reserved) != 0)
            return MMU_MALFORMED;
        pfn = mmu_pte_table_pfn(format, leaf->pte);
    }
}

/* Sets the accessed bit, and for a write the dirty bit, as far as they are not set. */
static void
walker_set_ad(const struct mmu_format *format, struct walker_leaf *leaf, enum access access,
    struct mmu_stats *stats)
{
    uint64_t pte = mmu_bits_put(leaf->pte, format->accessed, true);
    if (access == ACCESS_WRITE)
        pte = mmu_bits_put(pte, format->dirty, true);
    if (pte == leaf->pte)
        return;
    mmu_pte_store(format, leaf->table, leaf->idx, pte);
    leaf->pte = pte;
    stats->ad_updates++;
}

enum mmu_fault
mmu_walk(const struct mmu_format *format, struct mem *mem, uint64_t root, uint64_t va,
    enum access access, struct mmu_stats *stats, struct mmu_walk *out)
{
    if (!mmu_format_canonical(format, va))
        return MMU_NONCANONICAL;
    stats->walks++;
    struct walker_leaf leaf;
    enum mmu_fault fault = walker_descend(format, mem, root, va, stats, &leaf);
    if (fault != MMU_OK)
        return fault;
    prot_t prot = mmu_pte_prot(format, leaf.pte);
    if (!prot_allows(prot, access) || !mmu_bits_hold(leaf.pte, format->user))
        return MMU_RIGHTS;
    uint64_t within = (va >> PAGE_SHIFT) & ((1ull << mmu_format_order(format, leaf.level)) - 1);
    struct mem_page *page =
        mem_page_at(mem, mmu_pte_leaf_pfn(format, leaf.level, leaf.pte) + within);
    if (page == NULL)
        return MMU_BUS;
    walker_set_ad(format, &leaf, access, stats);
    out->bytes = mem_page_bytes(mem, page);
    out->prot = prot;
    out->dirty = mmu_bits_hold(leaf.pte, format->dirty);
    out->global = leaf.global;
    return MMU_OK;
}
