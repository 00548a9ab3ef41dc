/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix pmap: do tables, counts and reverse records agree?  See pmap_radix.c. */
#include "pmap/pmap_radix.h"

struct radix_sums {
    uint64_t resident, leaves, tables;
};

/* Are the entries of a run equal, but for the bits that hardware sets in one of them? */
static bool
radix_check_run(const struct radix_system *system, const struct radix_leaf *leaf)
{
    const struct mmu_format *format = system->format;
    uint64_t ignored = format->accessed.mask | format->dirty.mask;
    uint64_t low = mmu_pte_leaf_pfn(format, leaf->level, leaf->pte) & (leaf->n - 1);
    for (unsigned i = 0; i < leaf->n; i++)
        if (((radix_load(system, leaf->table, leaf->idx + i) ^ leaf->pte) & ~ignored) != 0)
            return false;
    return leaf->level == format->levels - 1 && low == format->run_low;
}

/* Is the leaf well formed, for users, and recorded at its page? */
static bool
radix_check_leaf(struct radix *radix, const struct radix_leaf *leaf, struct radix_sums *sums)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    struct mem_page *page = radix_leaf_page(system, leaf);
    sums->leaves++;
    sums->resident += 1ull << leaf->order;
    if (leaf->n > 1 && !radix_check_run(system, leaf))
        return false;
    return (system->orders >> leaf->order & 1) != 0 && page != NULL &&
           (uint64_t)(page - system->base.mem->pages) + (1ull << leaf->order) <=
               system->base.mem->nframes &&
           (leaf->pte & format->level[leaf->level].leaf_reserved) == 0 &&
           !mmu_bits_hold(leaf->pte, format->leaf_bad) && mmu_bits_hold(leaf->pte, format->user) &&
           (!system->dirty_writes || prot_allows(mmu_pte_prot(format, leaf->pte), ACCESS_WRITE) ||
               !mmu_bits_hold(leaf->pte, format->dirty)) &&
           pv_find(page, &radix->base, leaf->va, leaf->order) != NULL;
}

static bool radix_check_table(struct radix *radix, struct mem_page *table, unsigned level,
    uint64_t base, struct radix_sums *sums);

/* Checks entry leaf->idx, which is valid, and all below it; leaf->n is how many entries that was.
 */
static bool
radix_check_entry(struct radix *radix, struct radix_leaf *leaf, struct radix_sums *sums)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    unsigned idx = leaf->idx;
    if (!mmu_pte_is_table(format, leaf->level, leaf->pte)) {
        radix_leaf_complete(system, leaf, leaf->va);
        return leaf->idx == idx && format->level[leaf->level].leaf &&
               radix_check_leaf(radix, leaf, sums);
    }
    leaf->n = 1;
    return format->level[leaf->level].table &&
           radix_check_table(radix,
               mem_page_at(system->base.mem, mmu_pte_table_pfn(format, leaf->pte)), leaf->level + 1,
               leaf->va, sums);
}

static bool
radix_check_table(struct radix *radix, struct mem_page *table, unsigned level, uint64_t base,
    struct radix_sums *sums)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    unsigned entries = level == 0 ? format->kernel_first : 1u << format->level[level].bits;
    unsigned valid = 0, step;
    if (table == NULL || table->owner != radix || table->owner_kind != MEM_OWNER_PMAP)
        return false;
    sums->tables += 1ull << table->order;
    for (unsigned idx = 0; idx < entries; idx += step) {
        struct radix_leaf leaf = {.table = table, .level = level, .idx = idx};
        leaf.pte = radix_load(system, table, idx);
        step = 1;
        if (!mmu_pte_valid(format, level, leaf.pte))
            continue;
        leaf.va = base + ((uint64_t)idx << format->level[level].shift);
        if (!radix_check_entry(radix, &leaf, sums))
            return false;
        step = leaf.n;
        valid += step;
    }
    return valid == table->offset && (valid != 0 || level == 0);
}

/* With as many records as leaves, and each leaf having one, all match. */
bool
radix_check(struct pmap *pmap)
{
    struct radix *radix = (struct radix *)pmap;
    struct radix_sums sums = {0};
    return radix_check_table(radix, radix->root, 0, 0, &sums) && sums.resident == pmap->resident &&
           sums.tables == pmap->tables && pv_check(pmap, sums.leaves) &&
           pmap->tables <= pmap->system->tables &&
           pmap->system->tables <= pmap->system->tables_peak;
}
