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
    uint64_t npages = 1ull << mmu_format_order(format, leaf->level);
    prot_t old = mmu_pte_prot(format, leaf->pte);
    prot_t now = format->prot_given[old & prot];
    if (prot == PROT_MASK_NONE || now == PROT_MASK_NONE) {
        radix_unmap(radix, leaf);
        radix_change_add(change, leaf->va, npages, true);
    } else if (now != old) {
        radix_store(system, leaf->table, leaf->idx, mmu_pte_with_prot(format, leaf->pte, now));
        radix_change_add(change, leaf->va, npages, false);
    }
}

/*
 * A superpage that lies in the range in part is split.  Without a frame or a record for that all
 * of it goes (P1; a wired one too, for there is no other way to take the part away).  True if
 * there is a table in its place now.
 */
static bool
radix_sweep_part(struct radix *radix, struct radix_leaf *leaf, struct radix_change *change)
{
    if (radix_split(radix, leaf) != PGW_OK) {
        radix_sweep_leaf(radix, leaf, PROT_MASK_NONE, change);
        return false;
    }
    leaf->pte = radix_load(radix_system(radix), leaf->table, leaf->idx);
    return true;
}

/* Entry leaf->idx, which is valid, whatever it is. */
static void
radix_sweep_entry(struct radix *radix, struct radix_leaf *leaf, uint64_t start, uint64_t end,
    prot_t prot, struct radix_change *change)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    uint64_t last = leaf->va + ((1ull << format->level[leaf->level].shift) - 1);
    if (!mmu_pte_is_table(format, leaf->level, leaf->pte)) {
        if (leaf->va >= start && last <= end - 1) {
            radix_sweep_leaf(radix, leaf, prot, change);
            return;
        }
        if (!radix_sweep_part(radix, leaf, change))
            return;
    }
    struct mem_page *child = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, leaf->pte));
    radix_sweep(radix, child, leaf->level + 1, leaf->va, start, end, prot, change);
    if (child->offset == 0)
        radix_table_unlink(radix, leaf->table, leaf->idx, child);
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
    for (; idx <= last && table->offset != 0; idx++) {
        struct radix_leaf leaf = {.table = table, .level = level, .idx = (unsigned)idx};
        leaf.pte = radix_load(system, table, leaf.idx);
        if (!mmu_pte_valid(system->format, leaf.pte))
            continue;
        leaf.va = base + (idx << l->shift);
        radix_sweep_entry(radix, &leaf, start, end, prot, change);
    }
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
    uint64_t end;
    if (!radix_clip(radix, va, npages, &end))
        return;
    radix_sweep(radix, radix->root, 0, 0, va, end, prot, &change);
    radix_delay(radix, &change);
}

void
radix_remove(struct pmap *pmap, uint64_t va, uint64_t npages)
{
    radix_protect(pmap, va, npages, PROT_MASK_NONE);
}
