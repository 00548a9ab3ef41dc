/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paged MMU: a two-level TLB in front of the walker.
 *
 *     fetch --> L1I --+                hit: the entry becomes its set's most recent
 *                     +--> L2 --> walk    L1 miss, L2 hit: the entry is copied to L1 and becomes
 *     data ---> L1D --+                                the most recent in L2 too; it stays there
 *                                      both miss: the walk's result fills L2 and L1
 *
 * What the model fixes, so that its counts are exact:
 *  - L1I and L1D have the same geometry.  L2 neither includes nor excludes L1: an L1 victim is
 *    dropped, an L2 victim leaves its copy in L1 alone, an L1 hit does not touch L2's order.
 *  - Superpages are cached as the 4 KiB pieces that were used.
 *  - Entries are tagged with their space; global ones serve every space.
 *  - A walk that faults fills nothing.  An entry that lacks the right is a hit all the same (its
 *    order is updated, an L2 hit fills L1), and the access faults without a walk: whoever adds
 *    a right to a translation must shoot the old one down.
 *  - An entry remembers that its dirty bit is set.  A store through one that does not walks
 *    again to set it, and brings the copies in L1D and L2 up to date in place.  If that walk
 *    faults, the copies were stale and are dropped.
 *  - Non-canonical addresses fault before any look-up and count nowhere.
 *  - walk_refs counts entries read; that a walk wrote A or D is counted in ad_updates alone.
 *
 * The hart's pointer cache in front holds each set's most recent page (mmu.h), so what comes
 * here hits L1 in another way most often: that path is kept to a few tens of instructions.
 */
#include "mmu/mmus.h"

#include "base/assert.h"
#include "mmu/tlb.h"
#include "mmu/walker.h"

struct paged {
    struct mmu mmu;
    const struct mmu_format *format;
    struct base_alloc *alloc;
    uint64_t root;     /* frame of the root table */
    uint64_t fast_end; /* addresses below it are canonical; 0: no TLB is modelled */
    uint32_t asid;
    struct tlb l1d, l1i, l2;
};

static enum mmu_fault
paged_walk(struct paged *paged, uint64_t va, enum access access, struct mmu_walk *walk)
{
    return mmu_walk(
        paged->format, paged->mmu.mem, paged->root, va, access, &paged->mmu.stats, walk);
}

static void
paged_touched(struct paged *paged, uint64_t va, enum access access)
{
    if (paged->mmu.touched != NULL)
        paged->mmu.touched(paged->mmu.touched_ctx, paged->asid, va >> PAGE_SHIFT, access);
}

static prot_t
paged_usable(const struct mmu_walk *walk)
{
    return walk->dirty ? walk->prot : walk->prot & ~PROT_MASK_W;
}

static enum mmu_fault
paged_uncached(struct paged *paged, uint64_t va, enum access access, struct mmu_translation *out)
{
    struct mmu_walk walk;
    enum mmu_fault fault = paged_walk(paged, va, access, &walk);
    if (fault != MMU_OK)
        return fault;
    paged_touched(paged, va, access);
    out->bytes = walk.bytes;
    out->prot = paged_usable(&walk);
    return MMU_OK;
}

/* Fills l1 from L2 or by a walk; *at is where the entry is in l1. */
static enum mmu_fault
paged_refill(struct paged *paged, struct tlb *l1, uint64_t va, enum access access, size_t *at)
{
    uint64_t vpn = va >> PAGE_SHIFT;
    struct tlb *l2 = &paged->l2;
    *(l1 == &paged->l1i ? &paged->mmu.stats.l1i_misses : &paged->mmu.stats.l1d_misses) += 1;
    if (l2->sets != 0) {
        size_t i = tlb_find(l2, vpn, paged->asid);
        if (i != TLB_NONE) {
            paged->mmu.stats.l2_hits++;
            tlb_touch(l2, i);
            bool global = l2->keys[i] == tlb_key_global(vpn);
            *at = tlb_fill(l1, vpn, paged->asid, global, &l2->entries[i]);
            return MMU_OK;
        }
        paged->mmu.stats.l2_misses++;
    }
    struct mmu_walk walk;
    enum mmu_fault fault = paged_walk(paged, va, access, &walk);
    if (fault != MMU_OK)
        return fault;
    struct tlb_entry entry = {.bytes = walk.bytes,
        .window = paged->mmu.window - 1,
        .prot = (uint8_t)walk.prot,
        .usable = (uint8_t)paged_usable(&walk)};
    if (l2->sets != 0)
        (void)tlb_fill(l2, vpn, paged->asid, walk.global, &entry);
    *at = tlb_fill(l1, vpn, paged->asid, walk.global, &entry);
    return MMU_OK;
}

/* A store through an entry of L1D that may write but whose dirty bit is not known to be set. */
static enum mmu_fault
paged_set_dirty(struct paged *paged, uint64_t va, size_t at)
{
    uint64_t vpn = va >> PAGE_SHIFT;
    struct mmu_walk walk;
    enum mmu_fault fault = paged_walk(paged, va, ACCESS_WRITE, &walk);
    size_t in_l2 = paged->l2.sets != 0 ? tlb_find(&paged->l2, vpn, paged->asid) : TLB_NONE;
    if (fault != MMU_OK) {
        tlb_drop(&paged->l1d, at);
        if (in_l2 != TLB_NONE)
            tlb_drop(&paged->l2, in_l2);
        return fault;
    }
    struct tlb_entry *entries[2] = {
        &paged->l1d.entries[at], in_l2 != TLB_NONE ? &paged->l2.entries[in_l2] : NULL};
    for (int i = 0; i < 2; i++) {
        if (entries[i] == NULL)
            continue;
        entries[i]->bytes = walk.bytes;
        entries[i]->prot = (uint8_t)walk.prot;
        entries[i]->usable = (uint8_t)paged_usable(&walk);
    }
    return MMU_OK;
}

/* All that can happen on the way to a translation. */
static __attribute__((noinline)) enum mmu_fault
paged_translate_slow(
    struct paged *paged, uint64_t va, enum access access, struct mmu_translation *out)
{
    if (paged->fast_end == 0)
        return paged_uncached(paged, va, access, out);
    if (!mmu_format_canonical(paged->format, va))
        return MMU_NONCANONICAL;
    struct tlb *l1 = access == ACCESS_EXEC ? &paged->l1i : &paged->l1d;
    size_t at = tlb_find(l1, va >> PAGE_SHIFT, paged->asid);
    enum mmu_fault fault;
    if (at != TLB_NONE)
        tlb_touch(l1, at);
    else if ((fault = paged_refill(paged, l1, va, access, &at)) != MMU_OK)
        return fault;
    struct tlb_entry *entry = &l1->entries[at];
    if (!prot_allows(entry->usable, access)) {
        if (!prot_allows(entry->prot, access))
            return MMU_RIGHTS;
        if ((fault = paged_set_dirty(paged, va, at)) != MMU_OK)
            return fault;
    }
    if (entry->window != paged->mmu.window) {
        /* the page's first use in this window through this entry */
        entry->window = paged->mmu.window;
        paged_touched(paged, va, access);
    }
    out->bytes = entry->bytes;
    out->prot = entry->usable;
    return MMU_OK;
}

/* The plain L1 hit, with nothing to be done but to note the use. */
static enum mmu_fault
paged_translate(struct mmu *mmu, uint64_t va, enum access access, struct mmu_translation *out)
{
    struct paged *paged = (struct paged *)mmu;
    struct tlb *l1 = access == ACCESS_EXEC ? &paged->l1i : &paged->l1d;
    if (__builtin_expect(va >= paged->fast_end, 0))
        return paged_translate_slow(paged, va, access, out);
    uint64_t vpn = va >> PAGE_SHIFT;
    size_t at = tlb_search(l1, tlb_set(l1, vpn), tlb_key(vpn, paged->asid));
    if (__builtin_expect(at == TLB_NONE, 0))
        return paged_translate_slow(paged, va, access, out);
    struct tlb_entry *entry = &l1->entries[at];
    if (__builtin_expect(!prot_allows(entry->usable, access) || entry->window != mmu->window, 0))
        return paged_translate_slow(paged, va, access, out);
    tlb_touch(l1, at);
    out->bytes = entry->bytes;
    out->prot = entry->usable;
    return MMU_OK;
}

static void
paged_load(struct mmu *mmu, uint64_t root, uint32_t asid)
{
    struct paged *paged = (struct paged *)mmu;
    BASE_ASSERT(asid >> paged->format->asid_bits == 0);
    paged->root = mmu_format_root_pfn(paged->format, root);
    paged->asid = asid;
    mmu->stats.switches++;
}

static void
paged_invalidate_range(struct mmu *mmu, uint32_t asid, uint64_t va, uint64_t npages)
{
    struct paged *paged = (struct paged *)mmu;
    uint64_t vpn = va >> PAGE_SHIFT;
    mmu->stats.flushed += tlb_drop_range(&paged->l1d, asid, vpn, npages) +
                          tlb_drop_range(&paged->l1i, asid, vpn, npages) +
                          tlb_drop_range(&paged->l2, asid, vpn, npages);
}

static void
paged_invalidate_space(struct mmu *mmu, uint32_t asid)
{
    struct paged *paged = (struct paged *)mmu;
    mmu->stats.flushed += tlb_drop_space(&paged->l1d, asid) + tlb_drop_space(&paged->l1i, asid) +
                          tlb_drop_space(&paged->l2, asid);
}

static void
paged_destroy(struct mmu *mmu)
{
    struct paged *paged = (struct paged *)mmu;
    struct base_alloc *alloc = paged->alloc;
    tlb_fini(&paged->l1d, alloc);
    tlb_fini(&paged->l1i, alloc);
    tlb_fini(&paged->l2, alloc);
    alloc->unmap(alloc, paged, sizeof(*paged));
}

static const struct mmu_ops paged_ops = {
    .name = "paged",
    .translate = paged_translate,
    .load = paged_load,
    .invalidate_range = paged_invalidate_range,
    .invalidate_space = paged_invalidate_space,
    .destroy = paged_destroy,
};

enum pgw_status
mmu_paged_create(const struct mmu_format *format, struct mem *mem, struct base_alloc *alloc,
    const struct mmu_tlb_spec *spec, struct mmu **mmu)
{
    if (!mmu_tlb_spec_valid(spec))
        return PGW_INVAL;
    struct paged *paged = alloc->map(alloc, sizeof(*paged));
    if (paged == NULL)
        return PGW_NOMEM;
    paged->mmu.ops = &paged_ops;
    paged->mmu.mem = mem;
    paged->format = format;
    paged->alloc = alloc;
    paged->root = MEM_PFN_NONE; /* every walk is MMU_BUS until a space is loaded */
    paged->fast_end = spec->l1_entries != 0 ? 1ull << (format->va_bits - 1) : 0;
    if (tlb_init(&paged->l1d, alloc, spec->l1_entries, spec->l1_ways) != PGW_OK ||
        tlb_init(&paged->l1i, alloc, spec->l1_entries, spec->l1_ways) != PGW_OK ||
        tlb_init(&paged->l2, alloc, spec->l2_entries, spec->l2_ways) != PGW_OK) {
        paged_destroy(&paged->mmu);
        return PGW_NOMEM;
    }
    paged->mmu.data_sets = paged->l1d.sets;
    paged->mmu.fetch_sets = paged->l1i.sets;
    *mmu = &paged->mmu;
    return PGW_OK;
}
