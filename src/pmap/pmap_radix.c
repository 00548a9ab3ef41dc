/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operating system's side of radix page tables, for every format of mmu/format.h.
 *
 * Concepts.  Tables are frames of the simulated RAM, owned by their pmap (owner_kind PMAP); where
 * the format's tables are larger than a frame they are runs of frames.  mem_page.offset counts a
 * table's valid entries.  The root's count covers the user's part only: its upper part, if the
 * format has one, is the kernel's, the same in every space and never looked at again
 * (radix_kernel.c).  Every leaf has one reverse record (pv.h), at the head of the pages that it
 * maps; the equal entries of a run (mmu_format.run) are one leaf.
 *
 * Invariants (radix_check):
 *  - a table's offset is the number of its valid (user) entries; no table but the root has none;
 *  - resident is the sum of the pages of all leaves; tables the number of the tables' frames;
 *  - leaf and reverse record exist in pairs, with the same page, address and order;
 *  - a leaf that is not writable is not dirty, if the format says both with the same bits.
 *
 * Accessed and dirty bits move ("are harvested") to mem_page before an entry that has them is
 * cleared or replaced; where dirty and writable share bits, the dirty bit also before the right to
 * write goes.  A superpage's bits go to each of its pages: which one was used is not known, and
 * "modified" must not miss it (P2).  For the same reason the pieces of a split superpage inherit
 * them.
 *
 * Rights.  What is asked for becomes the smallest set that the format has (prot_given); what every
 * such set contains is told in caps.always.
 *
 * Superpages and runs.  Taking away or lowering a part of one splits it: a superpage into a table,
 * a run into leaves in the same entries.  So does entering a smaller page inside, and lowering the
 * rights of one of its pages by page_protect, which is how a page of it is evicted or moved.
 * Its accessed and dirty bits are those of each of its pages.
 *
 * Processors.  remove and protect collect ranges, which are told at update() or when there are too
 * many (P4); an enter over a range that is still pending settles it first, for else the old
 * translation could outlive the new one.  What enter replaces, and all that is done by page, is
 * told at once.  So is the range of a call that made tables empty: they are freed there and then,
 * and a walk cache that still knew one would read whatever its frame is given to next.  (A table
 * goes with its last mapping, so the range of that call has a page of each.)
 *
 * Rejected: back pointers from a table to its parent (a walk from the root is a few loads, and they
 * would cost a field); delaying the free of empty tables (a cache that the reserve would have to
 * know); a function of its own for each format (what a format costs beyond its row is nothing: the
 * leaves that enter() writes are made once a system, by size and rights).
 */
#include "pmap/pmap_radix.h"

#include "base/assert.h"

/* A size that the format has. */
static void
radix_add_size(struct radix_system *system, unsigned which, unsigned level, bool run)
{
    const struct mmu_format *format = system->format;
    struct radix_size *size = &system->size[which];
    unsigned order = mmu_format_order(format, level) + (run ? format->run_order : 0);
    if (order > MEM_ORDER_MAX)
        return;
    size->level = level;
    size->n = run ? 1u << format->run_order : 1;
    for (prot_t prot = 0; prot < 8; prot++) {
        uint64_t pte = mmu_pte_leaf(format, level, 0, format->prot_given[prot], true);
        if (run)
            pte = mmu_pte_with_run(format, pte);
        pte = mmu_bits_put(pte, format->accessed, true);
        size->pte[prot][0] = pte;
        size->pte[prot][1] = mmu_bits_put(pte, format->dirty, true);
    }
    system->orders |= 1u << order;
    system->size_of[order] = (uint8_t)which;
}

static void
radix_set_format(struct radix_system *system, const struct mmu_format *format)
{
    system->format = format;
    system->va_end = mmu_format_user_end(format);
    system->dirty_writes =
        (format->dirty.mask & (format->right[ACCESS_WRITE].mask | format->also_writable.mask)) != 0;
    for (unsigned i = 0; i < 3; i++)
        system->rights_mask |= format->right[i].mask;
    for (prot_t prot = 0; prot < 8; prot++)
        system->rights[prot] = mmu_pte_with_prot(format, 0, prot);
    for (unsigned level = 0; level < format->levels; level++)
        if (format->level[level].leaf)
            radix_add_size(system, level, level, false);
    if (format->run_order != 0)
        radix_add_size(system, format->levels, format->levels - 1, true);
}

/* Can every frame of the RAM be mapped, be a table, and be a root? */
static bool
radix_reaches(const struct mmu_format *format, const struct mem *mem)
{
    uint64_t last = mem->base_pfn + mem->nframes - 1;
    return last <= format->level[format->levels - 1].leaf_pfn >> format->pfn_shift &&
           (format->levels == 1 || last <= format->table_pfn >> format->pfn_shift) &&
           last <= format->root_pfn_mask >> format->root_pfn_shift;
}

/* PGW_INVAL: the format has no room for the numbers of all frames. */
enum pgw_status
radix_system_create(const struct pmap_ops *ops, const struct mmu_format *format, struct mem *mem,
    struct base_alloc *alloc, const struct pmap_shootdown *shootdown, struct pmap_system **system)
{
    if (!radix_reaches(format, mem))
        return PGW_INVAL;
    struct radix_system *radix = alloc->map(alloc, sizeof(*radix));
    if (radix == NULL)
        return PGW_NOMEM;
    radix->base.ops = ops;
    radix->base.mem = mem;
    radix->base.alloc = alloc;
    radix->base.shootdown = *shootdown;
    radix_set_format(radix, format);
    enum pgw_status status = radix_kernel_create(radix);
    if (status != PGW_OK) {
        alloc->unmap(alloc, radix, sizeof(*radix));
        return status;
    }
    base_pool_init(&radix->pvs, alloc, sizeof(struct mem_pv), "pv");
    base_pool_init(&radix->pmaps, alloc, sizeof(struct radix), "pmap");
    *system = &radix->base;
    return PGW_OK;
}

void
radix_system_destroy(struct pmap_system *system)
{
    struct radix_system *radix = (struct radix_system *)system;
    struct base_alloc *alloc = system->alloc;
    radix_kernel_destroy(radix);
    BASE_ASSERT(system->tables == 0);
    base_pool_fini(&radix->pvs);
    base_pool_fini(&radix->pmaps);
    alloc->unmap(alloc, radix, sizeof(*radix));
}

/* The processors forget the tag. */
static void
radix_shoot_space(const struct radix *radix)
{
    const struct pmap_shootdown *shootdown = &radix->base.system->shootdown;
    shootdown->space(shootdown->ctx, radix->base.asid);
}

/* PGW_NOMEM also when all tags are taken: 65535 pmaps at a time. */
enum pgw_status
radix_create(struct pmap_system *system, struct pmap **pmap)
{
    struct radix_system *whole = (struct radix_system *)system;
    struct radix *radix = base_pool_get(&whole->pmaps);
    if (radix == NULL)
        return PGW_NOMEM;
    radix->base.ops = system->ops;
    radix->base.system = system;
    bool reused = false;
    radix->base.asid = asid_get(&whole->asids, &reused);
    if (radix->base.asid == 0) {
        base_pool_put(&whole->pmaps, radix);
        return PGW_NOMEM;
    }
    radix->root = radix_table_create(radix, 0);
    if (radix->root == NULL) {
        asid_put(&whole->asids, radix->base.asid);
        base_pool_put(&whole->pmaps, radix);
        return PGW_NORAM;
    }
    radix_kernel_enter(whole, radix->root);
    if (reused)
        radix_shoot_space(radix);
    *pmap = &radix->base;
    return PGW_OK;
}

void
radix_destroy(struct pmap *pmap)
{
    struct radix *radix = (struct radix *)pmap;
    struct radix_system *system = radix_system(radix);
    struct radix_change change = {0};
    radix_sweep(radix, radix->root, 0, 0, 0, system->va_end, PROT_MASK_NONE, &change);
    BASE_ASSERT(radix->base.resident == 0 && radix->base.tables == 1ull << radix->root->order);
    radix_shoot_space(radix); /* covers what is pending, too */
    radix_table_destroy(radix, radix->root);
    asid_put(&system->asids, radix->base.asid);
    base_pool_put(&system->pmaps, radix);
}

enum pgw_status
radix_extract(struct pmap *pmap, uint64_t va, struct mem_page **page, prot_t *prot)
{
    struct radix *radix = (struct radix *)pmap;
    const struct radix_system *system = radix_system(radix);
    struct radix_leaf leaf;
    if (va >= system->va_end || !radix_find_leaf(radix, va, &leaf))
        return PGW_NOTFOUND;
    if (page != NULL)
        *page = radix_leaf_page(system, &leaf) + ((va - leaf.va) >> PAGE_SHIFT);
    if (prot != NULL)
        *prot = mmu_pte_prot(system->format, leaf.pte);
    return PGW_OK;
}

unsigned
radix_order(struct pmap *pmap, uint64_t va)
{
    const struct radix *radix = (const struct radix *)pmap;
    struct radix_leaf leaf;
    if (va >= radix_system(radix)->va_end || !radix_find_leaf(radix, va, &leaf))
        return 0;
    return leaf.order;
}

void
radix_activate(struct pmap *pmap, struct pmap_context *context)
{
    struct radix *radix = (struct radix *)pmap;
    const struct radix_system *system = radix_system(radix);
    uint64_t pfn = mem_page_pfn(system->base.mem, radix->root);
    context->root = mmu_format_root(system->format, pfn, pmap->asid);
    context->asid = pmap->asid;
}

/* Nothing to do: the tag keeps this space's translations apart from the next one's. */
void
radix_deactivate(struct pmap *pmap)
{
    (void)pmap;
}

void
radix_caps(struct pmap_system *system, struct pmap_caps *caps)
{
    const struct radix_system *radix = (const struct radix_system *)system;
    prot_t always = PROT_MASK_ALL;
    for (prot_t prot = 1; prot < 8; prot++)
        always &= radix->format->prot_given[prot];
    *caps = (struct pmap_caps){.va_end = radix->va_end,
        .orders = radix->orders,
        .always = always,
        .referenced = true,
        .tables_use_frames = true};
}
