/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix pmap over ranges: taking rights away, and telling the processors of it. */
#include "pmap/pmap_radix.h"

void
radix_change_add(struct radix_change *change, uint64_t va, uint64_t npages, bool gone)
{
    uint64_t end = va + (npages << PAGE_SHIFT);
    if (change->start == change->end) {
        *change = (struct radix_change){va, end, gone};
        return;
    }
    if (va < change->start)
        change->start = va;
    if (end > change->end)
        change->end = end;
    change->gone |= gone;
}

void
radix_shoot(const struct radix *radix, const struct radix_change *change)
{
    if (change->start == change->end)
        return;
    const struct pmap_shootdown *shootdown = &radix->base.system->shootdown;
    shootdown->range(shootdown->ctx, radix->base.asid, change->start,
        (change->end - change->start) >> PAGE_SHIFT, change->gone);
}

static void
radix_shoot_pending(struct radix *radix)
{
    unsigned n = radix->npending;
    radix->npending = 0;
    for (unsigned i = 0; i < n; i++)
        radix_shoot(radix, &radix->pending[i]);
}

/* The loop of unmapping page by page makes one range of neighbours. */
void
radix_delay(struct radix *radix, const struct radix_change *change)
{
    if (change->start == change->end)
        return;
    for (unsigned i = 0; i < radix->npending; i++) {
        struct radix_change *p = &radix->pending[i];
        if (change->start > p->end || change->end < p->start)
            continue;
        radix_change_add(
            p, change->start, (change->end - change->start) >> PAGE_SHIFT, change->gone);
        return;
    }
    if (radix->npending == RADIX_PENDING)
        radix_shoot_pending(radix);
    radix->pending[radix->npending++] = *change;
}

void
radix_settle(struct radix *radix, uint64_t va, uint64_t npages)
{
    for (unsigned i = 0; i < radix->npending; i++) {
        const struct radix_change *p = &radix->pending[i];
        if (va < p->end && va + (npages << PAGE_SHIFT) > p->start) {
            radix_shoot_pending(radix);
            return;
        }
    }
}

void
radix_update(struct pmap *pmap)
{
    radix_shoot_pending((struct radix *)pmap);
}

/* A leaf that lies in the range as a whole. */
static void
radix_sweep_leaf(
    struct radix *radix, const struct radix_leaf *leaf, prot_t prot, struct radix_change *change)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    uint64_t npages = 1ull << leaf->order;
    prot_t old = prot, now = PROT_MASK_NONE;
    if (prot != PROT_MASK_NONE) {
        old = mmu_pte_prot(format, leaf->pte);
        now = (old & prot) != 0 ? format->prot_given[old & prot] : PROT_MASK_NONE;
    }
    if (now == PROT_MASK_NONE) {
        radix_unmap(radix, leaf);
        radix_change_add(change, leaf->va, npages, true);
    } else if (now != old) {
        uint64_t pte = leaf->pte;
        if (system->dirty_writes && (now & PROT_MASK_W) == 0 && mmu_bits_hold(pte, format->dirty)) {
            radix_harvest(system, leaf);
            pte = mmu_bits_put(pte, format->dirty, false);
        }
        radix_leaf_store(system, leaf, (pte & ~system->rights_mask) | system->rights[now]);
        radix_change_add(change, leaf->va, npages, false);
    }
}

/*
 * Entry leaf->idx, which maps leaf->va and is valid, whatever it is.  Returns the entry to look at
 * next: the same again when it was a superpage or a run that lies in the range in part, and was
 * split.  Without a frame or a record for that all of it goes (P1; a wired one too, for there is no
 * other way to take the part away).
 */
static unsigned
radix_sweep_entry(struct radix *radix, struct radix_leaf *leaf, uint64_t start, uint64_t end,
    prot_t prot, struct radix_change *change)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    unsigned idx = leaf->idx;
    if (!mmu_pte_is_table(format, leaf->level, leaf->pte)) {
        radix_leaf_complete(system, leaf, leaf->va);
        uint64_t last = leaf->va + (((uint64_t)PAGE_SIZE << leaf->order) - 1);
        if (leaf->va >= start && last <= end - 1) {
            radix_sweep_leaf(radix, leaf, prot, change);
            return leaf->idx + leaf->n;
        }
        if (radix_split(radix, leaf) != PGW_OK)
            radix_sweep_leaf(radix, leaf, PROT_MASK_NONE, change);
        return idx;
    }
    struct mem_page *child = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, leaf->pte));
    radix_sweep(radix, child, leaf->level + 1, leaf->va, start, end, prot, change);
    if (child->offset == 0)
        radix_table_unlink(radix, leaf->table, idx, child);
    return idx + 1;
}

/*
 * Lowers rights in a last-level table, which maps base onwards, from entry idx to last: what a fork
 * spends its time with.  Neighbours mostly have the same rights, so what becomes of them is worked
 * out once.  Stops at an entry that needs more than that, and returns it.
 */
static uint64_t
radix_lower_table(const struct radix_system *system, const struct mem_page *table, uint64_t base,
    uint64_t idx, uint64_t last, prot_t prot, struct radix_change *change)
{
    const struct mmu_format *format = system->format;
    unsigned level = format->levels - 1;
    uint64_t known = 0, rights = 0;
    bool any = false, same = false;
    for (; idx <= last; idx++) {
        uint64_t pte = radix_load(system, table, (unsigned)idx);
        if (!mmu_pte_valid(format, level, pte))
            continue;
        if (mmu_pte_is_run(format, level, pte))
            break;
        if (!any || (pte & system->rights_mask) != known) {
            prot_t old = mmu_pte_prot(format, pte);
            prot_t now = (old & prot) != 0 ? format->prot_given[old & prot] : PROT_MASK_NONE;
            if (now == PROT_MASK_NONE)
                break;
            any = true;
            same = now == old;
            known = pte & system->rights_mask;
            rights = system->rights[now];
        }
        if (same)
            continue;
        radix_store(system, table, (unsigned)idx, (pte & ~system->rights_mask) | rights);
        radix_change_add(change, base + (idx << format->level[level].shift), 1, false);
    }
    return idx;
}

void
radix_sweep(struct radix *radix, struct mem_page *table, unsigned level, uint64_t base,
    uint64_t start, uint64_t end, prot_t prot, struct radix_change *change)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_level *l = &system->format->level[level];
    uint64_t idx = start <= base ? 0 : (start - base) >> l->shift;
    uint64_t last = (end - 1 - base) >> l->shift;
    if (last >= 1ull << l->bits)
        last = (1ull << l->bits) - 1;
    bool plain = level + 1 == system->format->levels && !system->dirty_writes;
    while (idx <= last && table->offset != 0) {
        if (plain && prot != PROT_MASK_NONE)
            idx = radix_lower_table(system, table, base, idx, last, prot, change);
        if (idx > last)
            break;
        uint64_t pte = radix_load(system, table, (unsigned)idx);
        if (!mmu_pte_valid(system->format, level, pte)) {
            idx++;
            continue;
        }
        struct radix_leaf leaf = {.table = table, .level = level, .idx = (unsigned)idx, .pte = pte};
        leaf.va = base + (idx << l->shift);
        idx = radix_sweep_entry(radix, &leaf, start, end, prot, change);
    }
}

/* A single page, as most often, is found by a walk: there is nothing to go through.  False if it is
 * part of something larger. */
static bool
radix_lower_page(struct radix *radix, uint64_t va, prot_t prot, struct radix_change *change)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    struct radix_path path;
    struct radix_leaf leaf;
    leaf.pte = radix_find(radix, va, &path);
    if (!mmu_pte_valid(format, path.level, leaf.pte))
        return true;
    leaf.level = path.level;
    leaf.table = path.table[path.level];
    leaf.idx = mmu_format_index(format, leaf.level, va);
    radix_leaf_complete(system, &leaf, va);
    if (leaf.order != 0)
        return false;
    radix_sweep_leaf(radix, &leaf, prot, change);
    if (leaf.table->offset == 0)
        radix_prune(radix, va, &path);
    return true;
}

void
radix_lower(
    struct radix *radix, uint64_t va, uint64_t end, prot_t prot, struct radix_change *change)
{
    if (end - va != PAGE_SIZE || !radix_lower_page(radix, va, prot, change))
        radix_sweep(radix, radix->root, 0, 0, va, end, prot, change);
}

/* The part of the range that lies in user space; false: none. */
static bool
radix_clip(const struct radix *radix, uint64_t va, uint64_t npages, uint64_t *end)
{
    uint64_t va_end = radix_system(radix)->va_end;
    if (npages == 0 || va >= va_end)
        return false;
    *end = npages > (va_end - va) >> PAGE_SHIFT ? va_end : va + (npages << PAGE_SHIFT);
    return true;
}

void
radix_protect(struct pmap *pmap, uint64_t va, uint64_t npages, prot_t prot)
{
    struct radix *radix = (struct radix *)pmap;
    struct radix_change change = {0};
    uint64_t end, unlinked = radix->unlinked;
    if (!radix_clip(radix, va, npages, &end))
        return;
    radix_lower(radix, va, end, prot, &change);
    if (radix->unlinked != unlinked) /* what a walk cache leads to is free now */
        radix_shoot(radix, &change);
    else
        radix_delay(radix, &change);
}

void
radix_remove(struct pmap *pmap, uint64_t va, uint64_t npages)
{
    radix_protect(pmap, va, npages, PROT_MASK_NONE);
}
