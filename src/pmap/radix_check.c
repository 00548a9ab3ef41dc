/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix pmap: do tables, counts and reverse records agree?  See pmap_radix.c. */
#include "pmap/pmap_radix.h"

struct radix_sums {
    uint64_t resident, leaves, tables;
};

/* Is the leaf of this pmap, well formed, for users, and recorded at its page? */
static bool
radix_check_leaf(struct radix *radix, const struct radix_leaf *leaf, struct radix_sums *sums)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    unsigned order = mmu_format_order(format, leaf->level);
    uint64_t pfn = mmu_pte_leaf_pfn(format, leaf->level, leaf->pte);
    struct mem_page *page = mem_page_at(system->base.mem, pfn);
    sums->leaves++;
    sums->resident += 1ull << order;
    return (system->orders >> order & 1) != 0 && page != NULL &&
           mem_page_at(system->base.mem, pfn + (1ull << order) - 1) != NULL &&
           (leaf->pte & format->level[leaf->level].leaf_reserved) == 0 &&
           !mmu_bits_hold(leaf->pte, format->leaf_bad) && mmu_bits_hold(leaf->pte, format->user) &&
           pv_find(page, &radix->base, leaf->va, order) != NULL;
}

static bool
radix_check_table(struct radix *radix, struct mem_page *table, unsigned level, uint64_t base,
    struct radix_sums *sums)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    unsigned entries = level == 0 ? format->kernel_first : 1u << format->level[level].bits;
    unsigned valid = 0;
    sums->tables++;
    if (table == NULL || table->owner != radix || table->owner_kind != MEM_OWNER_PMAP)
        return false;
    for (unsigned idx = 0; idx < entries; idx++) {
        struct radix_leaf leaf = {.table = table,
            .level = level,
            .idx = idx,
            .va = base + ((uint64_t)idx << format->level[level].shift)};
        leaf.pte = radix_load(system, table, idx);
        if (!mmu_pte_valid(format, leaf.pte))
            continue;
        valid++;
        bool ok;
        if (mmu_pte_is_table(format, level, leaf.pte))
            ok = format->level[level].table &&
                 radix_check_table(radix,
                     mem_page_at(system->base.mem, mmu_pte_table_pfn(format, leaf.pte)), level + 1,
                     leaf.va, sums);
        else
            ok = radix_check_leaf(radix, &leaf, sums);
        if (!ok)
            return false;
    }
    return valid == table->offset && (valid != 0 || level == 0);
}

/* Counts the records of this pmap; with as many as leaves, and each leaf having one, all match. */
static uint64_t
radix_count_records(const struct radix *radix)
{
    const struct mem *mem = radix->base.system->mem;
    uint64_t records = 0;
    for (uint64_t i = 0; i < mem->nframes; i++)
        for (struct mem_pv *pv = pv_first(&mem->pages[i]); pv != NULL; pv = pv->next)
            records += pv->pmap == &radix->base;
    return records;
}

bool
radix_check(struct pmap *pmap)
{
    struct radix *radix = (struct radix *)pmap;
    struct radix_sums sums = {0};
    return radix_check_table(radix, radix->root, 0, 0, &sums) && sums.resident == pmap->resident &&
           sums.tables == pmap->tables && sums.leaves == radix_count_records(radix) &&
           pmap->tables <= pmap->system->tables &&
           pmap->system->tables <= pmap->system->tables_peak;
}
