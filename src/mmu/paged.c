/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paged MMU: a two-level TLB in front of a walker.
 *
 *     fetch --> L1I --+                hit: the entry becomes its set's most recent
 *                     +--> L2 --> walk    L1 miss, L2 hit: the entry is copied to L1 and becomes
 *     data ---> L1D --+                                the most recent in L2 too; it stays there
 *                                      both miss: the walk's result fills L2 and L1, then the
 *                                                 next page is prefetched into L2 if that is on
 *
 * What the model fixes, so that its counts are exact:
 *  - Each of the three is a list of arrays by page size (mmu/tlb.h).  L2 neither includes nor
 *    excludes L1: an L1 victim is dropped, an L2 victim leaves its copy in L1 alone, an L1 hit does
 *    not touch L2's order.
 *  - Pieces: a mapping of a size that a list has no array for is held in pieces of the largest
 *    smaller size that it has; the piece is filled in which the access lies.  What L2 gives to L1
 *    is no larger than the piece that L2 has.  Where entries of several sizes cover a page, the
 *    smallest is meant.
 *  - Pairs (the last level only: L2, or L1 without one): a half that is not filled is a miss;
 *    what fills it leaves the other half alone, and counts as a use of the entry.
 *  - Entries are tagged with their space; global ones serve every space.  A pair is global when
 *    both halves are.
 *  - An access that faults counts its look-ups and walks, and changes nothing in the TLBs: neither
 *    order nor content.  An entry that lacks the right is a hit all the same, and the access
 *    faults without a walk: whoever adds a right to a translation must shoot the old one down.
 *  - An entry remembers that its dirty bit is set.  A store through one that does not walks
 *    again to set it, and brings the copies in L1D and L2 up to date in place; where a copy cannot
 *    be (it covers more than the mapping now does), all that covers the page there is dropped and
 *    it is filled anew.
 *  - Prefetch: only after a walk for a miss, not into the next aligned block of 512 pages, not if
 *    L2 has the page; for reading, or for execution after a fetch.  It sets no bit, and a page that
 *    it may not have is left alone.
 *  - Non-canonical addresses fault before any look-up and count nowhere.
 *  - walk_refs counts entries read; that a walk wrote A or D is counted in ad_updates alone.
 *
 * Switches.  The scheme has 2^asid_bits - 1 hardware tags; the tag given to load() is the space's
 * name for ever, here as in the statistics.  When a space is to be loaded that has no hardware tag
 * and none is left, everything but global entries is dropped and the tags are given out anew, as
 * Linux does it (arch/arm64/mm/context.c, the generation rollover).  Without tags each load of
 * another space does that.  Loading the space that is loaded already is no switch: a kernel skips
 * it.
 *
 * The hart's pointer cache in front (mmu.h) may hold a page only while every access to it is an L1
 * hit that changes no order.  With LRU and PLRU that is so as long as its entry is the most recent
 * of its set; with FIFO and random, as long as the entry is there.  The pointer cache has a
 * slot for each set of the array that holds 4 KiB pages.  Where that array holds nothing else (and
 * no pairs), a page that takes over a set also takes over the slot of the page that it
 * supersedes: nothing need be said.  An entry of several pages has them in many slots; so when such
 * an entry is superseded, or supersedes a page whose slot is another one, translate() says
 * "forget".  When one is shot down, the pages around the one that was named go with it: that is
 * what mmu.wide tells the hart.
 *
 * What comes here hits L1 in another way most often: for an array of 4 KiB pages alone that path is
 * kept to a few tens of instructions.
 */
#include "mmu/mmus.h"

#include "base/assert.h"
#include "mmu/pwc.h"
#include "mmu/tlb.h"
#include "mmu/walker.h"

#define PAGED_ASIDS 65536u

struct paged {
    struct mmu mmu;
    struct mmu_walker *walker;
    struct pwc *pwc; /* NULL: none */
    struct base_alloc *alloc;
    uint64_t root;     /* the root register */
    uint64_t fast_end; /* addresses below it may hit in paged_translate */
    uint64_t key_low;  /* of the space's keys there */
    uint32_t asid;
    bool loaded; /* a space has been */
    bool cached; /* TLBs are modelled */
    bool prefetch;
    bool plain_l2; /* there is an L2, without pairs */
    bool plain_l1; /* neither L1 has pairs, or must tell the hart to forget */
    bool split;    /* mappings of any size are held in pieces of 4 KiB */
    struct tlb_list l1d, l1i, l2;

    uint32_t tags;   /* that hardware has; 0: none */
    uint32_t tagged; /* of them, given to spaces since the last rollover */
    uint64_t
        tag_of[PAGED_ASIDS / 64]; /* which spaces have one; unused if there are enough for all */
};

static enum mmu_fault
paged_walk(
    struct paged *paged, uint64_t va, enum access access, unsigned how, struct mmu_walk *walk)
{
    if (!paged->loaded)
        return MMU_BUS;
    return paged->walker->ops->walk(
        paged->walker, paged->root, paged->asid, va, access, how, &paged->mmu.stats, walk, NULL);
}

/* The frame's bytes; NULL when there is no such RAM. */
static unsigned char *
paged_bytes(const struct paged *paged, uint64_t pfn)
{
    return mem_bytes_at(paged->mmu.mem, pfn << PAGE_SHIFT);
}

static bool
paged_canonical(const struct paged *paged, uint64_t va)
{
    const struct mmu_walker *walker = paged->walker;
    return va < walker->va_end_low || (walker->va_start_high != 0 && va >= walker->va_start_high);
}

static void
paged_touched(struct paged *paged, uint64_t va, enum access access)
{
    if (paged->mmu.touched != NULL)
        paged->mmu.touched(paged->mmu.touched_ctx, paged->asid, va >> PAGE_SHIFT, access);
}

static enum mmu_fault
paged_uncached(struct paged *paged, uint64_t va, enum access access, struct mmu_translation *out)
{
    struct mmu_walk walk;
    if (!paged_canonical(paged, va))
        return MMU_NONCANONICAL;
    enum mmu_fault fault = paged_walk(paged, va, access, 0, &walk);
    if (fault != MMU_OK)
        return fault;
    paged_touched(paged, va, access);
    out->bytes = paged_bytes(paged, walk.pfn);
    out->prot = walk.dirty ? walk.prot : walk.prot & ~PROT_MASK_W;
    out->forget = false;
    return MMU_OK;
}

/* Puts what a walk (or L2) says about the page into the list; true: forget. */
static bool
paged_fill(struct paged *paged, struct tlb_list *list, uint64_t va, const struct mmu_walk *walk,
    uint8_t flags, struct tlb_place *place)
{
    struct tlb_fill fill = {.vpn = va >> PAGE_SHIFT,
        .asid = paged->asid,
        .walk = walk,
        .bytes = paged_bytes(paged, walk->pfn),
        .window = paged->mmu.window - 1,
        .flags = flags};
    return tlb_list_fill(list, &fill, place);
}

/* Brings a copy up to date with a walk; true: forget (it was of several pages, and is not what was
 * given out). */
static bool
paged_renew(struct paged *paged, struct tlb_list *list, uint64_t va, const struct mmu_walk *walk,
    struct tlb_place *place)
{
    struct tlb_fill fill = {.vpn = va >> PAGE_SHIFT,
        .walk = walk,
        .bytes = paged_bytes(paged, walk->pfn),
        .window = place->entry->window,
        .flags = place->entry->flags};
    uint64_t pfn = place->entry->pfn;
    if (tlb_renew(place, &fill))
        return place->order != 0 && place->entry->pfn != pfn;
    tlb_list_drop_page(list, va >> PAGE_SHIFT, paged->asid);
    (void)paged_fill(paged, list, va, walk, 0, place);
    return tlb_list_wide(list);
}

/* The host address of the page in its entry; NULL when there is no such RAM. */
static unsigned char *
paged_reach(const struct paged *paged, const struct tlb_place *place, uint64_t vpn)
{
    if (place->order == 0)
        return place->entry->bytes;
    struct mmu_walk walk;
    tlb_read(place, vpn, &walk);
    return paged_bytes(paged, walk.pfn);
}

/*
 * May the access use this entry of L1 or L2, or the page be walked to for its dirty bit?  *wrote:
 * the latter was done, and walk says what the page is now.
 */
static enum mmu_fault
paged_ask(struct paged *paged, const struct tlb_place *place, uint64_t va, enum access access,
    bool *wrote, struct mmu_walk *walk)
{
    *wrote = false;
    if (!prot_allows(place->entry->prot, access))
        return MMU_RIGHTS;
    if (paged_reach(paged, place, va >> PAGE_SHIFT) == NULL)
        return MMU_BUS;
    if (prot_allows(place->entry->usable, access))
        return MMU_OK;
    *wrote = true;
    return paged_walk(paged, va, access, 0, walk);
}

/* The L2 entry is what an L1 miss found: *walk is what L1 is to be filled with. */
static enum mmu_fault
paged_hit_l2(struct paged *paged, struct tlb_place *second, uint64_t va, enum access access,
    struct mmu_walk *walk)
{
    bool wrote;
    paged->mmu.stats.l2_hits++;
    enum mmu_fault fault = paged_ask(paged, second, va, access, &wrote, walk);
    if (fault != MMU_OK)
        return fault;
    if ((second->entry->flags & TLB_PREFETCHED) != 0) {
        second->entry->flags &= (uint8_t)~TLB_PREFETCHED;
        paged->mmu.stats.prefetch_hits++;
    }
    if (wrote)
        (void)paged_renew(paged, &paged->l2, va, walk, second);
    (void)tlb_use(second, va >> PAGE_SHIFT);
    tlb_read(second, va >> PAGE_SHIFT, walk);
    return MMU_OK;
}

/* After a walk for va: the next page, if nothing speaks against it. */
static void
paged_prefetch(struct paged *paged, uint64_t va, enum access access)
{
    uint64_t next = page_floor(va) + PAGE_SIZE, vpn = next >> PAGE_SHIFT;
    enum access as = access == ACCESS_EXEC ? ACCESS_EXEC : ACCESS_READ;
    struct tlb_place place;
    struct mmu_walk walk;
    if (vpn % 512 == 0 || tlb_list_find(&paged->l2, vpn, paged->asid, &place))
        return;
    if (paged_walk(paged, next, as, MMU_WALK_PREFETCH, &walk) != MMU_OK)
        return;
    (void)paged_fill(paged, &paged->l2, next, &walk, TLB_PREFETCHED, &place);
    paged->mmu.stats.prefetches++;
}

static void
paged_count_miss(struct paged *paged, enum access access)
{
    *(access == ACCESS_EXEC ? &paged->mmu.stats.l1i_misses : &paged->mmu.stats.l1d_misses) += 1;
}

/* Does the walk say something that the plain part of the lists holds, in an entry of its own? */
static bool
paged_is_plain(const struct paged *paged, const struct mmu_walk *walk)
{
    return paged->plain_l1 && (paged->plain_l2 || paged->l2.n == 0) && !walk->global &&
           (walk->order == 0 || paged->split);
}

/* The entry of a 4 KiB page of the space's own, into L2 and l1: paged_fill() for both in short. */
static void
paged_fill_plain(struct paged *paged, struct tlb *l1, uint64_t va, const struct mmu_walk *walk,
    struct tlb_place *place)
{
    uint64_t vpn = va >> PAGE_SHIFT, key = vpn << 19 | paged->key_low;
    const struct tlb_entry entry = {.bytes = paged_bytes(paged, walk->pfn),
        .pfn = walk->pfn,
        .window = paged->mmu.window - 1,
        .prot = (uint8_t)walk->prot,
        .usable = (uint8_t)(walk->dirty ? walk->prot : walk->prot & ~PROT_MASK_W),
        .flags = TLB_FILLED};
    if (paged->l2.n != 0)
        (void)tlb_put(&paged->l2.array[0], vpn, key, &entry);
    size_t at = tlb_put(l1, vpn, key, &entry);
    *place = (struct tlb_place){l1, at, 0, &l1->entries[at]};
}

/* Neither TLB has the page: walks, and fills L2 and l1. */
static enum mmu_fault
paged_miss(struct paged *paged, struct tlb_list *l1, uint64_t va, enum access access,
    struct tlb_place *place, bool *forget)
{
    struct mmu_walk walk;
    bool second = paged->l2.n != 0;
    paged->mmu.stats.l2_misses += second;
    enum mmu_fault fault = paged_walk(paged, va, access, 0, &walk);
    if (fault != MMU_OK)
        return fault;
    *forget = false;
    if (paged_is_plain(paged, &walk)) {
        paged_fill_plain(paged, &l1->array[0], va, &walk, place);
    } else {
        if (second)
            (void)paged_fill(paged, &paged->l2, va, &walk, 0, place);
        *forget = paged_fill(paged, l1, va, &walk, 0, place);
    }
    if (paged->prefetch)
        paged_prefetch(paged, va, access);
    return MMU_OK;
}

/* Fills l1 from L2 or by a walk. */
static enum mmu_fault
paged_refill(struct paged *paged, struct tlb_list *l1, uint64_t va, enum access access,
    struct tlb_place *place, bool *forget)
{
    struct mmu_walk walk;
    paged_count_miss(paged, access);
    if (!tlb_list_find(&paged->l2, va >> PAGE_SHIFT, paged->asid, place))
        return paged_miss(paged, l1, va, access, place, forget);
    enum mmu_fault fault = paged_hit_l2(paged, place, va, access, &walk);
    if (fault == MMU_OK)
        *forget = paged_fill(paged, l1, va, &walk, 0, place);
    return fault;
}

/* A hit in l1.  A store may have to set the dirty bit first, in L1D's copy and L2's. */
static enum mmu_fault
paged_hit(struct paged *paged, struct tlb_list *l1, uint64_t va, enum access access,
    struct tlb_place *place, bool *forget)
{
    struct mmu_walk walk;
    struct tlb_place second;
    bool wrote, renewed = false;
    enum mmu_fault fault = paged_ask(paged, place, va, access, &wrote, &walk);
    if (fault != MMU_OK)
        return fault;
    if (wrote) {
        if (tlb_list_find(&paged->l2, va >> PAGE_SHIFT, paged->asid, &second))
            (void)paged_renew(paged, &paged->l2, va, &walk, &second);
        renewed = paged_renew(paged, l1, va, &walk, place);
    }
    *forget = tlb_use(place, va >> PAGE_SHIFT) || renewed;
    return MMU_OK;
}

/* The end of a translation: the access has gone through the entry. */
static enum mmu_fault
paged_give(struct paged *paged, const struct tlb_place *place, uint64_t va, enum access access,
    bool forget, struct mmu_translation *out)
{
    struct tlb_entry *entry = place->entry;
    if (place->order != 0 || entry->window != paged->mmu.window) {
        /* the page's first use in this window through this entry, or one that may be */
        entry->window = paged->mmu.window;
        paged_touched(paged, va, access);
    }
    out->bytes = paged_reach(paged, place, va >> PAGE_SHIFT);
    out->prot = entry->usable;
    out->forget = forget;
    return MMU_OK;
}

/* All that can happen on the way to a translation. */
static __attribute__((noinline)) enum mmu_fault
paged_translate_slow(
    struct paged *paged, uint64_t va, enum access access, struct mmu_translation *out)
{
    if (!paged->cached)
        return paged_uncached(paged, va, access, out);
    if (!paged_canonical(paged, va))
        return MMU_NONCANONICAL;
    struct tlb_list *l1 = access == ACCESS_EXEC ? &paged->l1i : &paged->l1d;
    struct tlb_place place;
    bool forget;
    enum mmu_fault fault = tlb_list_find(l1, va >> PAGE_SHIFT, paged->asid, &place)
                               ? paged_hit(paged, l1, va, access, &place, &forget)
                               : paged_refill(paged, l1, va, access, &place, &forget);
    return fault == MMU_OK ? paged_give(paged, &place, va, access, forget, out) : fault;
}

/* The L2 entry at goes to l1 as it is: it is a 4 KiB page's, ready for the access. */
static enum mmu_fault
paged_copy_up(struct paged *paged, struct tlb *l1, size_t at, uint64_t va, enum access access,
    struct mmu_translation *out)
{
    struct tlb *l2 = &paged->l2.array[0];
    struct tlb_entry entry = l2->entries[at];
    paged_count_miss(paged, access);
    paged->mmu.stats.l2_hits++;
    l2->stamps[at] = l2->clock++;
    entry.window = paged->mmu.window;
    (void)tlb_put(l1, va >> PAGE_SHIFT, l2->keys[at], &entry);
    paged_touched(paged, va, access);
    out->bytes = entry.bytes;
    out->prot = entry.usable;
    out->forget = false;
    return MMU_OK;
}

/* An L1 miss of the fast path.  While the lists hold 4 KiB pages of the spaces' own only, it is
 * known where to look in L2, and nowhere else. */
static __attribute__((noinline)) enum mmu_fault
paged_translate_miss(
    struct paged *paged, uint64_t va, enum access access, struct mmu_translation *out)
{
    struct tlb_list *l1 = access == ACCESS_EXEC ? &paged->l1i : &paged->l1d;
    struct tlb *l2 = &paged->l2.array[0];
    uint64_t vpn = va >> PAGE_SHIFT;
    if (l1->odd != 0 || paged->l2.odd != 0 || !paged->plain_l2)
        return paged_translate_slow(paged, va, access, out);
    size_t at = tlb_search(l2, tlb_set(l2, vpn), vpn << 19 | paged->key_low);
    if (at == TLB_NONE) {
        struct tlb_place place;
        bool forget;
        paged_count_miss(paged, access);
        enum mmu_fault fault = paged_miss(paged, l1, va, access, &place, &forget);
        return fault == MMU_OK ? paged_give(paged, &place, va, access, forget, out) : fault;
    }
    if (!prot_allows(l2->entries[at].usable, access) ||
        (l2->entries[at].flags & TLB_PREFETCHED) != 0)
        return paged_translate_slow(paged, va, access, out);
    return paged_copy_up(paged, &l1->array[0], at, va, access, out);
}

/* The plain L1 hit, with nothing to be done but to note the use. */
static enum mmu_fault
paged_translate(struct mmu *mmu, uint64_t va, enum access access, struct mmu_translation *out)
{
    struct paged *paged = (struct paged *)mmu;
    struct tlb *l1 = access == ACCESS_EXEC ? &paged->l1i.array[0] : &paged->l1d.array[0];
    if (__builtin_expect(va >= paged->fast_end, 0))
        return paged_translate_slow(paged, va, access, out);
    uint64_t vpn = va >> PAGE_SHIFT;
    size_t at = tlb_search(l1, tlb_set(l1, vpn), vpn << 19 | paged->key_low);
    if (__builtin_expect(at == TLB_NONE, 0))
        return paged_translate_miss(paged, va, access, out);
    struct tlb_entry *entry = &l1->entries[at];
    if (__builtin_expect(!prot_allows(entry->usable, access) || entry->window != mmu->window, 0))
        return paged_translate_slow(paged, va, access, out);
    l1->stamps[at] = l1->clock++;
    out->bytes = entry->bytes;
    out->prot = entry->usable;
    out->forget = false;
    return MMU_OK;
}

/* --- switches and shootdowns --- */

/* Must everything be dropped before the space can be loaded?  Gives it a tag. */
static bool
paged_out_of_tags(struct paged *paged, uint32_t asid)
{
    uint64_t *word = &paged->tag_of[asid / 64], bit = (uint64_t)1 << asid % 64;
    if (paged->tags == 0)
        return paged->loaded;
    if (paged->tags >= PAGED_ASIDS - 1 || (*word & bit) != 0)
        return false;
    bool rollover = paged->tagged == paged->tags;
    if (rollover) {
        for (size_t i = 0; i < PAGED_ASIDS / 64; i++)
            paged->tag_of[i] = 0;
        paged->tagged = 0;
    }
    *word |= bit;
    paged->tagged++;
    return rollover;
}

static void
paged_load(struct mmu *mmu, uint64_t root, uint32_t asid)
{
    struct paged *paged = (struct paged *)mmu;
    BASE_ASSERT(asid < PAGED_ASIDS);
    if (paged->loaded && paged->asid == asid && paged->root == root)
        return;
    mmu->stats.switches++;
    mmu->stats.switch_registers += paged->walker->registers;
    if (paged->cached && paged_out_of_tags(paged, asid)) {
        mmu->stats.switch_flushes++;
        mmu->stats.switch_flushed += tlb_list_drop_all(&paged->l1d) +
                                     tlb_list_drop_all(&paged->l1i) + tlb_list_drop_all(&paged->l2);
        if (paged->pwc != NULL)
            mmu->stats.switch_flushed += pwc_drop_all(paged->pwc);
    }
    paged->root = root;
    paged->loaded = true;
    paged->asid = asid;
    paged->key_low = tlb_key_low(asid);
}

static void
paged_invalidate_range(struct mmu *mmu, uint32_t asid, uint64_t va, uint64_t npages)
{
    struct paged *paged = (struct paged *)mmu;
    uint64_t vpn = va >> PAGE_SHIFT;
    mmu->stats.flushed += tlb_list_drop_range(&paged->l1d, asid, vpn, npages) +
                          tlb_list_drop_range(&paged->l1i, asid, vpn, npages) +
                          tlb_list_drop_range(&paged->l2, asid, vpn, npages);
    if (paged->pwc != NULL)
        mmu->stats.flushed += pwc_drop_range(paged->pwc, asid, va, npages);
}

static void
paged_invalidate_space(struct mmu *mmu, uint32_t asid)
{
    struct paged *paged = (struct paged *)mmu;
    mmu->stats.flushed += tlb_list_drop_space(&paged->l1d, asid) +
                          tlb_list_drop_space(&paged->l1i, asid) +
                          tlb_list_drop_space(&paged->l2, asid);
    if (paged->pwc != NULL)
        mmu->stats.flushed += pwc_drop_space(paged->pwc, asid);
}

/* --- for people --- */

static bool
paged_entry(const struct mmu *mmu, size_t i, struct mmu_tlb_view *view)
{
    static const char *const names[] = {"L1I", "L1D", "L2"};
    const struct paged *paged = (const struct paged *)mmu;
    const struct tlb_list *const lists[] = {&paged->l1i, &paged->l1d, &paged->l2};
    for (unsigned l = 0; l < 3; l++) {
        size_t places = tlb_list_places(lists[l]);
        if (i < places) {
            tlb_list_view(lists[l], names[l], i, view);
            return true;
        }
        i -= places;
    }
    return paged->pwc != NULL && pwc_view(paged->pwc, i, view);
}

/* A look-up that finds something: its step, and what the trace comes to if no walk is needed. */
static enum mmu_fault
paged_explain_hit(const struct tlb_place *place, size_t idx, unsigned level, uint64_t va,
    enum access access, struct mmu_trace *trace)
{
    struct mmu_step *step = mmu_trace_add(trace, MMU_STEP_TLB);
    struct mmu_walk walk;
    tlb_read(place, va >> PAGE_SHIFT, &walk);
    step->level = level;
    step->idx = idx;
    step->pa = (walk.pfn << PAGE_SHIFT) | (va & (PAGE_SIZE - 1));
    step->value = va >> PAGE_SHIFT >> place->order << place->order;
    step->prot = walk.prot;
    step->user = true;
    if (!prot_allows(walk.prot, access))
        return MMU_RIGHTS;
    trace->pa = step->pa;
    trace->order = place->order;
    trace->prot = walk.prot;
    return MMU_OK;
}

/* Looks in L1 and L2; true: that is all (no walk follows). */
static bool
paged_explain_tlb(struct paged *paged, uint64_t va, enum access access, struct mmu_trace *trace)
{
    struct tlb_list *l1 = access == ACCESS_EXEC ? &paged->l1i : &paged->l1d;
    struct tlb_list *lists[] = {l1, &paged->l2};
    size_t before = access == ACCESS_EXEC ? 0 : tlb_list_places(&paged->l1i);
    for (unsigned l = 0; l < 2; l++) {
        struct tlb_place place;
        if (l == 1)
            before = tlb_list_places(&paged->l1i) + tlb_list_places(&paged->l1d);
        if (!tlb_list_find(lists[l], va >> PAGE_SHIFT, paged->asid, &place))
            continue;
        size_t idx = before + tlb_list_index(lists[l], &place);
        trace->fault = paged_explain_hit(&place, idx, l + 1, va, access, trace);
        return trace->fault != MMU_OK || prot_allows(place.entry->usable, access);
    }
    return false;
}

static void
paged_explain(struct mmu *mmu, uint64_t va, enum access access, struct mmu_trace *trace)
{
    struct paged *paged = (struct paged *)mmu;
    struct mmu_walk walk;
    trace->n = trace->order = 0;
    trace->pa = 0;
    trace->prot = PROT_MASK_NONE;
    trace->fault = MMU_NONCANONICAL;
    if (!paged_canonical(paged, va))
        return;
    trace->fault = MMU_BUS;
    if (!paged->loaded || paged_explain_tlb(paged, va, access, trace))
        return;
    trace->fault = paged->walker->ops->walk(paged->walker, paged->root, paged->asid, va, access,
        MMU_WALK_PEEK, &mmu->stats, &walk, trace);
}

/* --- making --- */

static void
paged_free(struct paged *paged)
{
    struct base_alloc *alloc = paged->alloc;
    tlb_list_fini(&paged->l1d, alloc);
    tlb_list_fini(&paged->l1i, alloc);
    tlb_list_fini(&paged->l2, alloc);
    alloc->unmap(alloc, paged, sizeof(*paged));
}

static void
paged_destroy(struct mmu *mmu)
{
    struct paged *paged = (struct paged *)mmu;
    paged->walker->ops->destroy(paged->walker);
    pwc_destroy(paged->pwc);
    paged_free(paged);
}

static const struct mmu_ops paged_ops = {
    .name = "paged",
    .translate = paged_translate,
    .load = paged_load,
    .explain = paged_explain,
    .entry = paged_entry,
    .invalidate_range = paged_invalidate_range,
    .invalidate_space = paged_invalidate_space,
    .destroy = paged_destroy,
};

/* The three lists; every array has random numbers of its own. */
static enum pgw_status
paged_init_tlbs(struct paged *paged, const struct mmu_tlb_spec *spec, uint64_t seed)
{
    bool second = spec->l2[0].entries != 0;
    struct tlb_config config = {.alloc = paged->alloc,
        .replace = spec->replace,
        .pairs = spec->pairs && !second,
        .first = true,
        .seed = seed};
    if (tlb_list_init(&paged->l1i, spec->l1i, &config) != PGW_OK)
        return PGW_NOMEM;
    config.seed += MMU_TLB_ARRAYS;
    if (tlb_list_init(&paged->l1d, spec->l1d, &config) != PGW_OK)
        return PGW_NOMEM;
    config.seed += MMU_TLB_ARRAYS;
    config.pairs = spec->pairs;
    config.first = false;
    return tlb_list_init(&paged->l2, spec->l2, &config);
}

/* 4 KiB pages have entries of their own here, and the hart need not be told to forget any. */
static bool
paged_l1_plain(const struct tlb_list *l1)
{
    return l1->n != 0 && l1->array[0].mru == NULL && l1->array[0].pair == 0;
}

enum pgw_status
mmu_paged_create(const struct mmu_paged_config *config, struct mem *mem, struct base_alloc *alloc,
    struct mmu **mmu)
{
    const struct mmu_tlb_spec *spec = &config->tlb;
    if (!mmu_tlb_spec_valid(spec))
        return PGW_INVAL;
    struct paged *paged = alloc->map(alloc, sizeof(*paged));
    if (paged == NULL)
        return PGW_NOMEM;
    paged->alloc = alloc;
    if (paged_init_tlbs(paged, spec, config->seed) != PGW_OK) {
        paged_free(paged);
        return PGW_NOMEM;
    }
    paged->mmu.ops = &paged_ops;
    paged->mmu.mem = mem;
    paged->walker = config->walker;
    paged->pwc = config->pwc;
    paged->cached = spec->l1d[0].entries != 0;
    paged->prefetch = spec->prefetch;
    paged->plain_l2 = paged->l2.n != 0 && !spec->pairs;
    paged->plain_l1 = paged_l1_plain(&paged->l1i) && paged_l1_plain(&paged->l1d);
    paged->split = (paged->l1i.orders | paged->l1d.orders | paged->l2.orders) == 1;
    if (paged->plain_l1 && spec->replace != MMU_REPLACE_FIFO) /* hits that note the use, and that
                                                                 alone */
        paged->fast_end = config->walker->va_end_low;
    if (!spec->no_asid && config->walker->asid_bits != 0)
        paged->tags = (1u << config->walker->asid_bits) - 1;
    paged->mmu.data_sets = tlb_list_slots(&paged->l1d);
    paged->mmu.fetch_sets = tlb_list_slots(&paged->l1i);
    paged->mmu.wide = tlb_list_wide(&paged->l1i) || tlb_list_wide(&paged->l1d);
    *mmu = &paged->mmu;
    return PGW_OK;
}

/* The walk caches that the specification asks for, for as many levels as the format has. */
static enum pgw_status
paged_make_pwc(const struct mmu_format *format, const struct mmu_tlb_spec *spec,
    struct base_alloc *alloc, struct pwc **pwc)
{
    uint32_t entries[MMU_LEVELS_MAX] = {0};
    bool any = false;
    for (unsigned level = 1; level < format->levels; level++) {
        entries[level] = spec->pwc[format->levels - 1 - level];
        any |= entries[level] != 0;
    }
    return any ? pwc_create(format, entries, alloc, pwc) : PGW_OK;
}

enum pgw_status
mmu_radix_create(const struct mmu_format *format, enum mmu_ad ad, const struct mmu_tlb_spec *tlb,
    uint64_t seed, struct mem *mem, struct base_alloc *alloc, struct mmu **mmu)
{
    struct mmu_paged_config config = {.tlb = *tlb, .seed = seed};
    if (!mmu_tlb_spec_valid(tlb))
        return PGW_INVAL;
    enum pgw_status status = paged_make_pwc(format, tlb, alloc, &config.pwc);
    if (status == PGW_OK)
        status = mmu_radix_walker_create(format, ad, mem, alloc, config.pwc, &config.walker);
    if (status == PGW_OK)
        status = mmu_paged_create(&config, mem, alloc, mmu);
    if (status == PGW_OK)
        return PGW_OK;
    if (config.walker != NULL)
        config.walker->ops->destroy(config.walker);
    pwc_destroy(config.pwc);
    return status;
}
