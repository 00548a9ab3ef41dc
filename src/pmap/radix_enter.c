/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix pmap: making mappings. */
#include "pmap/pmap_radix.h"

#include "base/assert.h"

/* What enter() was asked for, and what it changed. */
struct radix_entering {
    unsigned level, n; /* the leaves' level, and how many entries each takes */
    unsigned order;
    uint64_t pte;   /* the leaf, but for the frame */
    unsigned wired; /* PV_WIRED or 0 */
    struct radix_change change;
};

/* The entry for va of table leads to no table yet: makes one, with what a superpage there maps. */
static __attribute__((noinline)) enum pgw_status
radix_step_new(struct radix *radix, struct mem_page *table, unsigned level, uint64_t va,
    struct mem_page **child)
{
    struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    struct radix_leaf leaf = {.table = table, .level = level};
    leaf.idx = mmu_format_index(format, level, va);
    leaf.pte = radix_load(system, table, leaf.idx);
    if (!mmu_pte_valid(format, level, leaf.pte)) {
        *child = radix_table_create(radix, level + 1);
        if (*child == NULL)
            return PGW_NORAM;
        uint64_t pte = mmu_pte_table(format, level, mem_page_pfn(system->base.mem, *child));
        radix_store(system, table, leaf.idx, pte);
        table->offset++;
        return PGW_OK;
    }
    radix_leaf_complete(system, &leaf, va);
    enum pgw_status status = radix_split(radix, &leaf);
    if (status != PGW_OK)
        return status;
    leaf.pte = radix_load(system, table, leaf.idx);
    *child = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, leaf.pte));
    return PGW_OK;
}

/* One step down from the entry for va of table, which must lead to a table in the end. */
static inline enum pgw_status
radix_step(struct radix *radix, struct mem_page *table, unsigned level, uint64_t va,
    struct mem_page **child)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    uint64_t pte = radix_load(system, table, mmu_format_index(format, level, va));
    if (!mmu_pte_valid(format, level, pte) || !mmu_pte_is_table(format, level, pte))
        return radix_step_new(radix, table, level, va, child);
    *child = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, pte));
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

/* Clears the way for a leaf at va: whatever is in its entries goes.  old, complete, is what the
 * first one holds, if anything.  PGW_NOMEM: a larger run could not be split. */
static enum pgw_status
radix_displace(
    struct radix *radix, struct radix_leaf *old, uint64_t va, struct radix_entering *entering)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    unsigned idx = mmu_format_index(format, old->level, va);
    if (mmu_pte_valid(format, old->level, old->pte) &&
        !mmu_pte_is_table(format, old->level, old->pte)) {
        if (old->order == entering->order) {
            radix_unmap(radix, old);
            radix_change_add(&entering->change, va, 1ull << entering->order, true);
            return PGW_OK;
        }
        if (old->order > entering->order) {
            enum pgw_status status = radix_split(radix, old);
            if (status != PGW_OK)
                return status;
        }
    }
    radix_sweep(radix, old->table, old->level,
        va - ((uint64_t)idx << format->level[old->level].shift), va,
        va + ((uint64_t)PAGE_SIZE << entering->order), PROT_MASK_NONE, &entering->change);
    return PGW_OK;
}

/* The same pages are there already: only rights and wiring change.  A dirty leaf that stays
 * writable stays dirty, or the next store would have to say so again. */
static bool
radix_same(struct radix *radix, const struct radix_leaf *old, struct mem_page *page, uint64_t pte,
    struct radix_entering *entering)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    if (!mmu_pte_valid(format, old->level, old->pte) ||
        mmu_pte_is_table(format, old->level, old->pte) || old->order != entering->order ||
        radix_leaf_page(system, old) != page)
        return false;
    struct mem_pv *pv = pv_find(page, &radix->base, old->va, entering->order);
    BASE_ASSERT(pv != NULL);
    pv->va = old->va | entering->order | entering->wired;
    radix_harvest(system, old);
    if (mmu_bits_hold(old->pte, format->dirty) &&
        prot_allows(mmu_pte_prot(format, pte), ACCESS_WRITE))
        pte = mmu_bits_put(pte, format->dirty, true);
    radix_leaf_store(system, old, pte);
    radix_change_add(&entering->change, old->va, 1ull << entering->order, false);
    return true;
}

/* Puts the leaf in its place, instead of whatever is there. */
static enum pgw_status
radix_place(struct radix *radix, struct mem_page *table, uint64_t va, struct mem_page *page,
    struct radix_entering *entering)
{
    struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    struct radix_leaf leaf = {.table = table, .level = entering->level};
    leaf.idx = mmu_format_index(format, leaf.level, va);
    leaf.pte = radix_load(system, table, leaf.idx);
    uint64_t pte = entering->pte | mem_page_pfn(system->base.mem, page) << format->pfn_shift;
    if (mmu_pte_valid(format, leaf.level, leaf.pte) || entering->n > 1) {
        radix_leaf_complete(system, &leaf, va);
        if (radix_same(radix, &leaf, page, pte, entering))
            return PGW_OK;
        enum pgw_status status = radix_displace(radix, &leaf, va, entering);
        if (status != PGW_OK)
            return status;
        leaf.idx = mmu_format_index(format, leaf.level, va);
    }
    if (!pv_insert(&system->pvs, page, &radix->base, va, entering->order | entering->wired))
        return PGW_NOMEM;
    leaf.n = entering->n;
    radix_leaf_store(system, &leaf, pte);
    table->offset += leaf.n;
    radix->base.resident += 1ull << entering->order;
    radix_count_super(system, entering->order, 1);
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

enum pgw_status
radix_enter(struct pmap *pmap, uint64_t va, struct mem_page *const *pages, size_t n, unsigned order,
    prot_t prot, enum access access, unsigned flags)
{
    struct radix *radix = (struct radix *)pmap;
    const struct radix_system *system = radix_system(radix);
    uint64_t size = (uint64_t)PAGE_SIZE << order;
    BASE_ASSERT(order <= MEM_ORDER_MAX);
    const struct radix_size *leaves = &system->size[system->size_of[order]];
    struct radix_entering entering = {.level = leaves->level,
        .n = leaves->n,
        .order = order,
        .pte = leaves->pte[prot][access == ACCESS_WRITE],
        .wired = (flags & PMAP_WIRED) != 0 ? PV_WIRED : 0};
    BASE_ASSERT((system->orders >> order & 1) != 0 && (va & (size - 1)) == 0);
    BASE_ASSERT(va < system->va_end && n <= (system->va_end - va) / size);
    BASE_ASSERT(prot_allows(system->format->prot_given[prot], access));
    radix_settle(radix, va, (uint64_t)n << order);

    enum pgw_status status = PGW_OK;
    size_t i;
    for (i = 0; i < n && status == PGW_OK; i++) {
        BASE_ASSERT((mem_page_pfn(pmap->system->mem, pages[i]) & ((1ull << order) - 1)) == 0);
        status = radix_enter_run(radix, va + i * size, pages[i], &entering);
    }
    if (status != PGW_OK && i > 1) /* those before the one that failed */
        radix_lower(radix, va, va + (i - 1) * size, PROT_MASK_NONE, &entering.change);
    radix_shoot(radix, &entering.change);
    return status;
}
