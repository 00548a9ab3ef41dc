/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The radix walker: what hardware does on a TLB miss, for any format of mmu/format.h.
 *
 * A walk goes from a table to the next by the entries that va selects, and gathers on its way what
 * the entries let through: rights and user access are what every level allows (Intel SDM vol. 3A
 * 4.6.1; Arm ARM DDI 0487 D8.4, hierarchical permissions), global is what any level says (RISC-V
 * privileged 4.3.1).  At the leaf it asks, in this order: is the entry well formed, does it allow
 * the access, is there such RAM, must a bit be set.  RISC-V (4.3.2, steps 5 to 7) asks for rights
 * first and then for alignment, with the same exception for both.  Arm's access flag fault comes
 * before its permission fault.
 *
 * Bits set by hardware.
 *  - A and D of the leaf once everything else has been asked: a walk that faults leaves the leaf
 *    alone.  (RISC-V privileged 4.3.1 demands it of D and allows more for A.)
 *  - A of an entry that leads to a table when the entry is used, though the walk may fault further
 *    down ("whenever the processor uses a paging-structure entry as part of linear-address
 *    translation", Intel SDM vol. 3A 4.8).  Only x86 has it, and there it is never left to
 *    software: MMU_AD_FAULT means the leaf's bits.
 *
 * A walk with caches begins below the deepest table they know, and a walk that succeeds tells them
 * all the tables it came through; one that faults tells nothing (mmu/paged.c: it fills no TLB
 * either).  Since the entries above a table are marked accessed before they get into a cache, a
 * walk that skips them has none to mark (SDM 4.10.3.1).
 *
 * Speed.  Nearly every entry on the way down is a plain one: a valid table entry that takes nothing
 * away and needs nothing set.  Those are told from all others by one masked comparison, made from
 * the format when the walker is; only the others are looked at bit by bit.  Leaves of 4 KiB pages
 * are of a few kinds: but for the frame they lead to, most are equal.  What a kind says is
 * remembered, so that it is read off bit by bit only when it has not been seen lately.
 */
#include "mmu/walker.h"

#include "mmu/pwc.h"

/* What the way down needs of a level, close together. */
struct walker_level {
    struct mmu_bits plain; /* holds for plain entries, see above */
    unsigned shift;
    unsigned idx_mask;
};

/* What a leaf says, all but its frame. */
struct walker_leaf {
    prot_t prot;
    bool user, global, accessed, dirty;
};

/* A well-formed leaf of the last level that is not part of a run. */
struct walker_kind {
    uint64_t bits; /* without the frame's; 0: none yet */
    struct walker_leaf leaf;
};

#define WALKER_KINDS 4u

struct radix_walker {
    struct mmu_walker base;
    const struct mmu_format *format;
    struct pwc *pwc;
    uint64_t kind_mask; /* the bits that tell kinds; 0: the frame's say something, too */
    struct walker_kind kind[WALKER_KINDS];
    struct base_alloc *alloc;
    enum mmu_ad ad;
    bool accessed_first; /* see struct mmu_format; false where hardware sets the bit */
    unsigned pte_shift;  /* 2^pte_shift bytes are an entry */
    struct walker_level level[MMU_LEVELS_MAX];
};

/* A walk under way. */
struct walker_way {
    struct radix_walker *walker;
    struct mmu_stats *stats;
    struct mmu_trace *trace;
    uint64_t va;
    unsigned how;
    unsigned level; /* of the table where the walk is */
    bool ended;     /* the entry is a leaf, which says: */
    struct walker_leaf leaf;
    bool wrote; /* some bit has been set */
    unsigned char *entry;
    uint64_t pte;
    struct pwc_entry *table; /* by level: where it is, and what the entries above it let through */
};

static void
walker_trace_entry(
    const struct walker_way *way, unsigned level, unsigned idx, uint64_t pa, uint64_t pte)
{
    const struct mmu_format *format = way->walker->format;
    struct mmu_step *step = mmu_trace_add(way->trace, MMU_STEP_ENTRY);
    step->level = level;
    step->idx = idx;
    step->pa = pa;
    step->value = pte;
    if (!mmu_pte_valid(format, level, pte))
        return;
    step->table = mmu_pte_is_table(format, level, pte);
    if (step->table) {
        step->prot = mmu_pte_table_prot(format, level, pte);
        step->user = mmu_bits_hold(pte, format->level[level].table_user);
    } else {
        step->prot = mmu_pte_prot(format, pte);
        step->user = mmu_bits_hold(pte, format->user);
    }
}

/* Writes the entry back with bits set that it lacked. */
static void
walker_update(struct walker_way *way, uint64_t pte)
{
    way->pte = pte;
    mmu_pte_store(way->walker->format, way->entry, 0, pte);
    way->stats->ad_updates += !way->wrote;
    way->wrote = true;
}

/* Is a leaf of this level well formed? */
static bool
walker_leaf_ok(const struct mmu_format *format, unsigned level, uint64_t pte)
{
    const struct mmu_level *l = &format->level[level];
    if (!l->leaf || (pte & l->leaf_reserved) != 0 || mmu_bits_hold(pte, format->leaf_bad))
        return false;
    if (!mmu_pte_is_run(format, level, pte))
        return true;
    uint64_t pfn = mmu_pte_leaf_pfn(format, level, pte);
    return (pfn & ((1ull << format->run_order) - 1)) == format->run_low;
}

static void
walker_read_leaf(struct walker_way *way)
{
    const struct mmu_format *format = way->walker->format;
    way->leaf = (struct walker_leaf){.prot = mmu_pte_prot(format, way->pte),
        .user = mmu_bits_hold(way->pte, format->user),
        .global = mmu_bits_hold(way->pte, format->global),
        .accessed = mmu_bits_hold(way->pte, format->accessed),
        .dirty = mmu_bits_hold(way->pte, format->dirty)};
}

/* Where the leaf's kind is remembered, if it is. */
static struct walker_kind *
walker_kind(struct radix_walker *walker, uint64_t bits)
{
    return &walker->kind[(bits ^ bits >> 5) % WALKER_KINDS];
}

static void
walker_learn(struct walker_way *way)
{
    uint64_t bits = way->pte & way->walker->kind_mask;
    bool last = way->level + 1 == way->walker->base.levels;
    if (last && bits != 0 && !mmu_pte_is_run(way->walker->format, way->level, way->pte))
        *walker_kind(way->walker, bits) = (struct walker_kind){bits, way->leaf};
}

/* Looks at an entry bit by bit.  On MMU_OK either the way has ended or the next level's table is
 * known. */
static enum mmu_fault
walker_examine(struct walker_way *way)
{
    const struct mmu_format *format = way->walker->format;
    const struct mmu_level *l = &format->level[way->level];
    const struct pwc_entry *table = &way->table[way->level];
    uint64_t pte = way->pte;
    if (!mmu_pte_valid(format, way->level, pte))
        return MMU_NOT_PRESENT;
    if (!mmu_pte_is_table(format, way->level, pte)) {
        if (!walker_leaf_ok(format, way->level, pte))
            return MMU_MALFORMED;
        way->ended = true;
        walker_read_leaf(way);
        walker_learn(way);
        return MMU_OK;
    }
    if (!l->table || (pte & l->table_reserved) != 0)
        return MMU_MALFORMED;
    way->table[way->level + 1] = (struct pwc_entry){.pfn = mmu_pte_table_pfn(format, pte),
        .prot = table->prot & mmu_pte_table_prot(format, way->level, pte),
        .user = table->user && mmu_bits_hold(pte, l->table_user),
        .global = table->global || mmu_bits_hold(pte, l->table_global)};
    if (mmu_bits_hold(pte, l->table_accessed) || (way->how & MMU_WALK_PEEK) != 0)
        return MMU_OK;
    if ((way->how & MMU_WALK_PREFETCH) != 0)
        return MMU_AD;
    walker_update(way, mmu_bits_put(pte, l->table_accessed, true));
    return MMU_OK;
}

/* The entry is none that leads on without more ado: a leaf of a kind that is known, or else. */
static enum mmu_fault
walker_arrive(struct walker_way *way, unsigned level)
{
    struct radix_walker *walker = way->walker;
    uint64_t bits = way->pte & walker->kind_mask;
    const struct walker_kind *kind = walker_kind(walker, bits);
    way->level = level;
    if (level + 1 != walker->base.levels || bits == 0 || kind->bits != bits)
        return walker_examine(way);
    way->ended = true;
    way->leaf = kind->leaf;
    return MMU_OK;
}

/* Follows tables down to a well-formed leaf, from the table of way->level. */
static enum mmu_fault
walker_descend(struct walker_way *way)
{
    const struct radix_walker *walker = way->walker;
    const struct mmu_format *format = walker->format;
    const struct mem *mem = walker->base.mem;
    struct pwc_entry *table = &way->table[way->level];
    for (unsigned level = way->level;; level++, table++) {
        const struct walker_level *l = &walker->level[level];
        unsigned idx = (unsigned)(way->va >> l->shift) & l->idx_mask;
        uint64_t pa = (table->pfn << PAGE_SHIFT) + ((uint64_t)idx << walker->pte_shift);
        unsigned char *entry = mem_bytes_at(mem, pa);
        if (entry == NULL)
            return MMU_BUS;
        way->stats->walk_refs[level]++;
        uint64_t pte = mmu_pte_load(format, entry, 0);
        if (__builtin_expect(way->trace != NULL, 0))
            walker_trace_entry(way, level, idx, pa, pte);
        if (__builtin_expect(mmu_bits_hold(pte, l->plain), 1)) {
            table[1] = table[0];
            table[1].pfn = mmu_pte_table_pfn(format, pte);
            continue;
        }
        way->entry = entry;
        way->pte = pte;
        enum mmu_fault fault = walker_arrive(way, level);
        if (fault != MMU_OK || way->ended)
            return fault;
    }
}

/* Sets the accessed bit, and for a write the dirty bit, as far as they are not set. */
static enum mmu_fault
walker_set_ad(struct walker_way *way, enum access access)
{
    const struct mmu_format *format = way->walker->format;
    bool write = access == ACCESS_WRITE;
    if (way->leaf.accessed && (way->leaf.dirty || !write))
        return MMU_OK;
    if ((way->how & MMU_WALK_PREFETCH) != 0)
        return way->leaf.accessed ? MMU_OK : MMU_AD;
    if (way->walker->ad == MMU_AD_FAULT) {
        way->stats->ad_faults++;
        return MMU_AD;
    }
    if ((way->how & MMU_WALK_PEEK) != 0)
        return MMU_OK;
    uint64_t pte = mmu_bits_put(way->pte, format->accessed, true);
    walker_update(way, write ? mmu_bits_put(pte, format->dirty, true) : pte);
    way->leaf.dirty |= write;
    return MMU_OK;
}

/* The same for people. */
static void
walker_trace_result(struct walker_way *way, bool run, const struct mmu_walk *out)
{
    if (run)
        mmu_trace_add(way->trace, MMU_STEP_RUN)->value = out->pfn;
    way->trace->pa = (out->pfn << PAGE_SHIFT) | (way->va & (PAGE_SIZE - 1));
    way->trace->order = out->order;
    way->trace->prot = out->prot;
}

/* What the leaf at way maps va to. */
static void
walker_result(struct walker_way *way, struct mmu_walk *out)
{
    const struct mmu_format *format = way->walker->format;
    const struct pwc_entry *table = &way->table[way->level];
    unsigned order = mmu_format_order(format, way->level);
    uint64_t pfn = mmu_pte_leaf_pfn(format, way->level, way->pte);
    bool run = mmu_pte_is_run(format, way->level, way->pte);
    if (run) {
        order = format->run_order;
        pfn = mmu_pte_run_pfn(format, way->pte);
    }
    out->pfn = pfn + ((way->va >> PAGE_SHIFT) & ((1ull << order) - 1));
    out->prot = way->leaf.prot & table->prot;
    out->order = (uint8_t)order;
    out->global = table->global || way->leaf.global;
    if (way->trace != NULL)
        walker_trace_result(way, run, out);
}

/* The way to the leaf and what is asked there. */
static enum mmu_fault
walker_go(struct walker_way *way, enum access access, struct mmu_walk *out)
{
    enum mmu_fault fault = walker_descend(way);
    if (fault != MMU_OK)
        return fault;
    walker_result(way, out);
    bool allowed = prot_allows(out->prot, access) && way->table[way->level].user && way->leaf.user;
    if (!allowed && !(way->walker->accessed_first && !way->leaf.accessed))
        return MMU_RIGHTS;
    if ((way->how & MMU_WALK_PEEK) == 0 &&
        mem_bytes_at(way->walker->base.mem, out->pfn << PAGE_SHIFT) == NULL)
        return MMU_BUS;
    fault = walker_set_ad(way, access);
    out->dirty = way->leaf.dirty;
    return fault;
}

/* Begins at the root, or lower if the walk caches know the way. */
static void
walker_begin(struct walker_way *way, uint64_t root, uint32_t asid)
{
    const struct radix_walker *walker = way->walker;
    struct pwc_entry known;
    if (walker->pwc != NULL)
        way->level = pwc_find(walker->pwc, way->va, asid, (way->how & MMU_WALK_PEEK) == 0, &known);
    if (way->level == 0) {
        way->table[0] = (struct pwc_entry){
            .pfn = mmu_format_root_pfn(walker->format, root), .prot = PROT_MASK_ALL, .user = true};
        return;
    }
    way->table[way->level] = known;
    way->stats->pwc_hits[way->level]++;
    if (way->trace == NULL)
        return;
    struct mmu_step *step = mmu_trace_add(way->trace, MMU_STEP_PWC);
    step->level = way->level;
    step->value = known.pfn;
}

/* Remembers the tables below level first that the walk came through. */
static void
walker_fill(const struct walker_way *way, unsigned first, uint32_t asid)
{
    for (unsigned level = first + 1; level <= way->level; level++)
        pwc_fill(way->walker->pwc, level, way->va, asid, &way->table[level]);
}

static enum mmu_fault
radix_walker_walk(struct mmu_walker *base, uint64_t root, uint32_t asid, uint64_t va,
    enum access access, unsigned how, struct mmu_stats *stats, struct mmu_walk *out,
    struct mmu_trace *trace)
{
    struct radix_walker *walker = (struct radix_walker *)base;
    struct mmu_stats none;
    if ((how & MMU_WALK_PEEK) != 0) {
        none = (struct mmu_stats){0};
        stats = &none;
    }
    struct pwc_entry table[MMU_LEVELS_MAX];
    struct walker_way way = {
        .walker = walker, .stats = stats, .trace = trace, .va = va, .how = how, .table = table};
    stats->walks++;
    walker_begin(&way, root, asid);
    unsigned first = way.level;
    enum mmu_fault fault = walker_go(&way, access, out);
    if (trace != NULL)
        trace->fault = fault;
    if (fault == MMU_OK && walker->pwc != NULL && (how & MMU_WALK_PEEK) == 0)
        walker_fill(&way, first, asid);
    return fault;
}

static void
radix_walker_destroy(struct mmu_walker *base)
{
    struct radix_walker *walker = (struct radix_walker *)base;
    walker->alloc->unmap(walker->alloc, walker, sizeof(*walker));
}

static const struct mmu_walker_ops radix_walker_ops = {
    .walk = radix_walker_walk,
    .destroy = radix_walker_destroy,
};

#define WALKER_NEVER ((struct mmu_bits){0, 1})

/* Both properties at once, if one comparison can say that. */
static struct mmu_bits
walker_both(struct mmu_bits a, struct mmu_bits b)
{
    bool possible = (a.value & ~a.mask) == 0 && (b.value & ~b.mask) == 0 &&
                    ((a.value ^ b.value) & a.mask & b.mask) == 0;
    return possible ? (struct mmu_bits){a.mask | b.mask, a.value | b.value} : WALKER_NEVER;
}

/* That the property does not hold, likewise. */
static struct mmu_bits
walker_not(struct mmu_bits bits)
{
    if ((bits.value & ~bits.mask) != 0)
        return (struct mmu_bits){0, 0};
    bool one_bit = bits.mask != 0 && (bits.mask & (bits.mask - 1)) == 0;
    return one_bit ? (struct mmu_bits){bits.mask, bits.value ^ bits.mask} : WALKER_NEVER;
}

/* When an entry of this level is a plain one. */
static struct mmu_bits
walker_plain(const struct mmu_level *l)
{
    if (!l->table)
        return WALKER_NEVER;
    struct mmu_bits plain = walker_both(l->valid, l->is_table);
    plain = walker_both(plain, (struct mmu_bits){l->table_reserved, 0});
    for (unsigned i = 0; i < 3; i++)
        plain = walker_both(plain, l->table_right[i]);
    plain = walker_both(plain, l->table_user);
    plain = walker_both(plain, walker_not(l->table_global));
    return walker_both(plain, l->table_accessed);
}

/* The bits of a leaf of the last level that tell its kind, if the frame's do not. */
static uint64_t
walker_kind_mask(const struct mmu_format *format)
{
    const struct mmu_level *l = &format->level[format->levels - 1];
    uint64_t said = l->valid.mask | l->is_table.mask | l->leaf_reserved | format->leaf_bad.mask |
                    format->run.mask | format->also_writable.mask | format->user.mask |
                    format->global.mask | format->accessed.mask | format->dirty.mask;
    for (unsigned i = 0; i < 3; i++)
        said |= format->right[i].mask;
    return (said & l->leaf_pfn) == 0 ? ~l->leaf_pfn : 0;
}

/* The sizes that the format's leaves have, as far as a mask of 32 orders can say. */
static uint32_t
walker_orders(const struct mmu_format *format)
{
    uint32_t orders = 0;
    for (unsigned level = 0; level < format->levels; level++) {
        unsigned order = mmu_format_order(format, level);
        if (format->level[level].leaf && order < 32)
            orders |= 1u << order;
    }
    if (format->run_order != 0)
        orders |= 1u << format->run_order;
    return orders;
}

enum pgw_status
mmu_radix_walker_create(const struct mmu_format *format, enum mmu_ad ad, struct mem *mem,
    struct base_alloc *alloc, struct pwc *pwc, struct mmu_walker **walker)
{
    struct radix_walker *made = alloc->map(alloc, sizeof(*made));
    if (made == NULL)
        return PGW_NOMEM;
    uint64_t half = 1ull << (format->va_bits - 1);
    made->base = (struct mmu_walker){.ops = &radix_walker_ops,
        .mem = mem,
        .name = format->name,
        .levels = format->levels,
        .asid_bits = format->asid_bits,
        .registers = 1, /* every format has root and tag in one */
        .va_end_low = format->sign_extended ? half : 2 * half,
        .va_start_high = format->sign_extended ? -half : 0,
        .orders = walker_orders(format)};
    made->format = format;
    made->kind_mask = walker_kind_mask(format);
    made->pwc = pwc;
    made->alloc = alloc;
    made->ad = ad;
    made->accessed_first = format->accessed_first && ad == MMU_AD_FAULT;
    made->pte_shift = format->pte_bytes == 8 ? 3 : 2;
    for (unsigned level = 0; level < format->levels; level++) {
        const struct mmu_level *l = &format->level[level];
        made->level[level] = (struct walker_level){
            .plain = walker_plain(l), .shift = l->shift, .idx_mask = (1u << l->bits) - 1};
    }
    *walker = &made->base;
    return PGW_OK;
}
