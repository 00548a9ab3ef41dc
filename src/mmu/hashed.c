/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware that looks a page up in the inverted table: the hash picks an anchor, and the
 * chain that starts there is followed until an entry bears the page and the space.  The format is
 * mmu/hashed.h's.
 *
 * The walker trusts nothing that it reads.  A link that leads out of the table, or a chain that is
 * longer than the table has entries (a circle), is MMU_MALFORMED; a table or a page that lies
 * outside RAM is MMU_BUS.  An entry in the chain that is another page's is passed over whatever
 * else it holds.
 */
#include "mmu/hashed.h"

#include "mmu/walker.h"

struct hashed_walker {
    struct mmu_walker base;
    struct base_alloc *alloc;
};

/* One walk under way. */
struct hashed_walk {
    struct mem *mem;
    struct hashed_root root;
    uint64_t entries;        /* that the table has room for */
    struct mmu_stats *stats; /* NULL: nothing is counted */
    struct mmu_trace *trace; /* NULL: nobody looks on */
    uint64_t idx;            /* the entry that was found */
    unsigned char *at;       /* and where it lies */
    struct hashed_entry entry;
};

/* The byte of RAM at this offset in the run; NULL: there is no such RAM.  *pa: its address. */
static unsigned char *
hashed_at(const struct hashed_walk *walk, uint64_t offset, uint64_t *pa)
{
    *pa = (walk->root.pfn << PAGE_SHIFT) + offset;
    const struct mem_page *page = mem_page_at(walk->mem, *pa >> PAGE_SHIFT);
    return page != NULL ? mem_page_bytes(walk->mem, page) + (*pa & (PAGE_SIZE - 1)) : NULL;
}

/* Reads the anchor that the hash picks: *link is what it holds. */
static enum mmu_fault
hashed_read_anchor(struct hashed_walk *walk, uint64_t va, uint32_t *link)
{
    uint32_t idx = hashed_index(va, walk->root.tag, walk->root.anchors_log2);
    uint64_t pa;
    const unsigned char *at = hashed_at(walk, hashed_anchor_offset(idx), &pa);
    if (at == NULL)
        return MMU_BUS;
    if (walk->stats != NULL)
        walk->stats->walk_refs[0]++;
    *link = hashed_anchor_load(at);
    if (walk->trace != NULL) {
        struct mmu_step *step = mmu_trace_add(walk->trace, MMU_STEP_HASH);
        step->idx = idx;
        step->pa = pa;
        step->value = *link;
    }
    return MMU_OK;
}

/* Reads entry walk->idx. */
static enum mmu_fault
hashed_read_entry(struct hashed_walk *walk)
{
    uint64_t pa;
    walk->at = hashed_at(walk, hashed_entry_offset(walk->idx, walk->root.anchors_log2), &pa);
    if (walk->at == NULL)
        return MMU_BUS;
    if (walk->stats != NULL)
        walk->stats->walk_refs[1]++;
    walk->entry = hashed_entry_load(walk->at);
    if (walk->trace != NULL) {
        struct mmu_step *step = mmu_trace_add(walk->trace, MMU_STEP_CHAIN);
        step->level = 1;
        step->idx = walk->idx;
        step->pa = pa;
        step->value = walk->entry.tag_word;
        step->prot = hashed_prot(walk->entry.tag_word);
        step->user = true;
    }
    return MMU_OK;
}

/* Finds the entry of va. */
static enum mmu_fault
hashed_find_entry(struct hashed_walk *walk, uint64_t va)
{
    uint64_t match = hashed_match(va, walk->root.tag);
    uint32_t link = 0;
    if (walk->root.anchors_log2 < HASHED_ANCHORS_LOG2_MIN || walk->entries == 0)
        return MMU_MALFORMED;
    enum mmu_fault fault = hashed_read_anchor(walk, va, &link);
    for (uint64_t n = 0; fault == MMU_OK; n++) {
        if (link == 0)
            return MMU_NOT_PRESENT;
        if (link > walk->entries || n == walk->entries)
            return MMU_MALFORMED;
        walk->idx = link - 1;
        fault = hashed_read_entry(walk);
        if (fault == MMU_OK && (walk->entry.tag_word & HASHED_MATCH) == match)
            return MMU_OK;
        link = walk->entry.link;
    }
    return fault;
}

/* The frame that the entry found leads to. */
static enum mmu_fault
hashed_frame(const struct hashed_walk *walk, uint64_t *pfn)
{
    const struct mem *mem = walk->mem;
    bool alias = walk->idx >= mem->nframes;
    if ((walk->entry.tag_word & HASHED_ZERO) != 0 || (!alias && walk->entry.frame != 0))
        return MMU_MALFORMED;
    *pfn = mem->base_pfn + (alias ? walk->entry.frame : walk->idx);
    return MMU_OK;
}

/* Sets the accessed bit, and for a write the dirty bit, as far as they are not set. */
static void
hashed_set_ad(struct hashed_walk *walk, enum access access)
{
    uint64_t bits = access == ACCESS_WRITE ? HASHED_A | HASHED_D : HASHED_A;
    if ((walk->entry.tag_word & bits) == bits)
        return;
    walk->entry.tag_word |= bits;
    hashed_entry_store(walk->at, walk->entry);
    walk->stats->ad_updates++;
}

/* What is to be done with the entry that was found. */
static enum mmu_fault
hashed_use(struct hashed_walk *walk, enum access access, unsigned how, struct mmu_walk *out)
{
    enum mmu_fault fault = hashed_frame(walk, &out->pfn);
    if (fault != MMU_OK)
        return fault;
    out->prot = hashed_prot(walk->entry.tag_word);
    if (!prot_allows(out->prot, access))
        return MMU_RIGHTS;
    if ((how & MMU_WALK_PEEK) == 0 && mem_page_at(walk->mem, out->pfn) == NULL)
        return MMU_BUS;
    if ((how & MMU_WALK_PREFETCH) != 0 && (walk->entry.tag_word & HASHED_A) == 0)
        return MMU_AD;
    if ((how & (MMU_WALK_PEEK | MMU_WALK_PREFETCH)) == 0)
        hashed_set_ad(walk, access);
    out->order = 0;
    out->dirty = (walk->entry.tag_word & HASHED_D) != 0;
    out->global = false;
    return MMU_OK;
}

/* The register bears the tag too: asid is what the TLBs in front go by. */
static enum mmu_fault
hashed_walker_walk(struct mmu_walker *walker, uint64_t root, uint32_t asid, uint64_t va,
    enum access access, unsigned how, struct mmu_stats *stats, struct mmu_walk *out,
    struct mmu_trace *trace)
{
    (void)asid;
    struct hashed_walk walk = {.mem = walker->mem,
        .root = hashed_root_of(root),
        .stats = (how & MMU_WALK_PEEK) != 0 ? NULL : stats,
        .trace = trace};
    walk.entries = hashed_root_entries(walk.root.order, walk.root.anchors_log2);
    if (walk.stats != NULL)
        walk.stats->walks++;
    enum mmu_fault fault = hashed_find_entry(&walk, va);
    if (fault == MMU_OK)
        fault = hashed_use(&walk, access, how, out);
    if (trace == NULL)
        return fault;
    trace->fault = fault;
    trace->order = 0;
    if (fault == MMU_OK) {
        trace->pa = (out->pfn << PAGE_SHIFT) | (va & (PAGE_SIZE - 1));
        trace->prot = out->prot;
    }
    return fault;
}

static void
hashed_walker_destroy(struct mmu_walker *base)
{
    struct hashed_walker *walker = (struct hashed_walker *)base;
    walker->alloc->unmap(walker->alloc, walker, sizeof(*walker));
}

static const struct mmu_walker_ops hashed_walker_ops = {
    .walk = hashed_walker_walk,
    .destroy = hashed_walker_destroy,
};

enum pgw_status
mmu_hashed_walker_create(struct mem *mem, struct base_alloc *alloc, struct mmu_walker **walker)
{
    struct hashed_walker *made = alloc->map(alloc, sizeof(*made));
    if (made == NULL)
        return PGW_NOMEM;
    made->base = (struct mmu_walker){.ops = &hashed_walker_ops,
        .mem = mem,
        .name = "hashed",
        .levels = 2,
        .asid_bits = HASHED_TAG_BITS,
        .registers = 1,
        .va_end_low = UINT64_C(1) << HASHED_VA_BITS,
        .va_start_high = 0,
        .orders = 1};
    made->alloc = alloc;
    *walker = &made->base;
    return PGW_OK;
}
