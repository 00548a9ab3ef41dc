/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix pmap: making mappings. */
#include "pmap/pmap_radix.h"

#include "base/assert.h"

/* What enter() was asked for, and what it changed. */
struct radix_entering {
    unsigned level; /* of the leaves */
    unsigned order;
    prot_t prot; /* as the format gives it */
    enum access access;
    unsigned wired; /* PV_WIRED or 0 */
    struct radix_change change;
};

/* One step down from entry idx of table, which must lead to a table in the end. */
static enum pgw_status
radix_step(struct radix *radix, struct mem_page *table, unsigned level, uint64_t va,
    struct mem_page **child)
{
    struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    struct radix_leaf leaf = {.table = table, .level = level};
    leaf.idx = mmu_format_index(format, level, va);
    leaf.pte = radix_load(system, table, leaf.idx);
    if (!mmu_pte_valid(format, leaf.pte)) {
        *child = radix_table_create(radix);
        if (*child == NULL)
            return PGW_NORAM;
        uint64_t pte = mmu_pte_table(format, mem_page_pfn(system->base.mem, *child));
        radix_store(system, table, leaf.idx, pte);
        table->offset++;
        return PGW_OK;
    }
    if (!mmu_pte_is_table(format, level, leaf.pte)) {
        leaf.va = va & ~((1ull << format->level[level].shift) - 1);
        enum pgw_status status = radix_split(radix, &leaf);
        if (status != PGW_OK)
            return status;
        leaf.pte = radix_load(system, table, leaf.idx);
    }
    *child = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, leaf.pte));
    return PGW_OK;
}

/* Goes down to the table of this level for va, making what is missing.  path is as deep as it
 * came, on failure too. */
static enum pgw_status
radix_reach(struct radix *radix, uint64_t va, unsigned level, struct radix_path *path)
{
    path->table[0] = radix->root;
    for (path->level = 0; path->level < level; path->level++) {
        unsigned l = path->level;
        enum pgw_status status = radix_step(radix, path->table[l], l, va, &path->table[l + 1]);
        if (status != PGW_OK)
            return status;
    }
    return PGW_OK;
}

/* Clears the way for another leaf: whatever the slot holds goes. */
static void
radix_displace(struct radix *radix, const struct radix_leaf *old, struct radix_change *change)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    uint64_t npages = 1ull << mmu_format_order(format, old->level);
    if (!mmu_pte_is_table(format, old->level, old->pte)) {
        radix_unmap(radix, old);
        radix_change_add(change, old->va, npages, true);
        return;
    }
    struct mem_page *table = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, old->pte));
    radix_sweep(radix, table, old->level + 1, old->va, old->va, old->va + (npages << PAGE_SHIFT),
        PROT_MASK_NONE, change);
    radix_table_unlink(radix, old->table, old->idx, table);
}

/* The same page is there already: only rights and wiring change. */
static bool
radix_same(struct radix *radix, const struct radix_leaf *old, struct mem_page *page,
    struct radix_entering *entering)
{
    const struct radix_system *system = radix_system(radix);
    if (mmu_pte_is_table(system->format, old->level, old->pte) ||
        radix_leaf_page(system, old) != page)
        return false;
    struct mem_pv *pv = pv_find(page, &radix->base, old->va, entering->order);
    BASE_ASSERT(pv != NULL);
    pv->va = old->va | entering->order | entering->wired;
    radix_harvest(system, old);
    radix_change_add(&entering->change, old->va, 1ull << entering->order, false);
    return true;
}

static uint64_t
radix_new_pte(const struct radix_system *system, const struct mem_page *page,
    const struct radix_entering *entering)
{
    const struct mmu_format *format = system->format;
    uint64_t pfn = mem_page_pfn(system->base.mem, page);
    uint64_t pte = mmu_pte_leaf(format, entering->level, pfn, entering->prot, true);
    pte = mmu_bits_put(pte, format->accessed, true);
    return mmu_bits_put(pte, format->dirty, entering->access == ACCESS_WRITE);
}

/* Puts the leaf in its slot, in the place of whatever is there. */
static enum pgw_status
radix_place(struct radix *radix, struct mem_page *table, uint64_t va, struct mem_page *page,
    struct radix_entering *entering)
{
    struct radix_system *system = radix_system(radix);
    struct radix_leaf old = {.table = table, .level = entering->level, .va = va};
    old.idx = mmu_format_index(system->format, old.level, va);
    old.pte = radix_load(system, table, old.idx);
    bool there = mmu_pte_valid(system->format, old.pte);
    uint64_t pte = radix_new_pte(system, page, entering);
    if (there && radix_same(radix, &old, page, entering)) {
        radix_store(system, table, old.idx, pte);
        return PGW_OK;
    }
    if (there)
        radix_displace(radix, &old, &entering->change);
    if (!pv_insert(&system->pvs, page, &radix->base, va, entering->order | entering->wired))
        return PGW_NOMEM;
    radix_store(system, table, old.idx, pte);
    table->offset++;
    radix->base.resident += 1ull << entering->order;
    system->superpages += entering->order != 0;
    return PGW_OK;
}

static enum pgw_status
radix_enter_run(
    struct radix *radix, uint64_t va, struct mem_page *page, struct radix_entering *entering)
{
    struct radix_path path;
    enum pgw_status status = radix_reach(radix, va, entering->level, &path);
    if (status == PGW_OK)
        status = radix_place(radix, path.table[path.level], va, page, entering);
    if (status != PGW_OK)
        radix_prune(radix, va, &path);
    return status;
}

/* The level whose leaves map 2^order pages. */
static unsigned
radix_level_of(const struct mmu_format *format, unsigned order)
{
    unsigned level = format->levels - 1;
    while (mmu_format_order(format, level) != order) {
        BASE_ASSERT(level > 0);
        level--;
    }
    return level;
}

enum pgw_status
radix_enter(struct pmap *pmap, uint64_t va, struct mem_page *const *pages, size_t n, unsigned order,
    prot_t prot, enum access access, unsigned flags)
{
    struct radix *radix = (struct radix *)pmap;
    const struct radix_system *system = radix_system(radix);
    uint64_t size = (uint64_t)PAGE_SIZE << order;
    struct radix_entering entering = {.level = radix_level_of(system->format, order),
        .order = order,
        .prot = system->format->prot_given[prot],
        .access = access,
        .wired = (flags & PMAP_WIRED) != 0 ? PV_WIRED : 0};
    BASE_ASSERT((system->orders >> order & 1) != 0 && (va & (size - 1)) == 0);
    BASE_ASSERT(va < system->va_end && n <= (system->va_end - va) / size);
    BASE_ASSERT(prot_allows(entering.prot, access));
    radix_settle(radix, va, (uint64_t)n << order);

    enum pgw_status status = PGW_OK;
    size_t i;
    for (i = 0; i < n && status == PGW_OK; i++) {
        BASE_ASSERT((mem_page_pfn(pmap->system->mem, pages[i]) & ((1ull << order) - 1)) == 0);
        status = radix_enter_run(radix, va + i * size, pages[i], &entering);
    }
    if (status != PGW_OK && i > 1) /* those before the one that failed */
        radix_sweep(
            radix, radix->root, 0, 0, va, va + (i - 1) * size, PROT_MASK_NONE, &entering.change);
    radix_shoot(radix, &entering.change);
    return status;
}
