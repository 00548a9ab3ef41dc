/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operating system's side of radix page tables, for every format of mmu/format.h.
 *
 * Concepts.  Tables are frames of the simulated RAM, owned by their pmap (owner_kind PMAP), and
 * mem_page.offset counts a table's valid entries.  The root's count covers the user's part only:
 * its upper part is the kernel's, filled once at creation with the direct map of all RAM and
 * never looked at again.  Every leaf has one reverse record (pv.h), at the head of its run.
 *
 * Invariants (radix_check):
 *  - a table's offset is the number of its valid (user) entries; no table but the root has none;
 *  - resident is the sum of the pages of all leaves; tables the number of tables;
 *  - leaf and reverse record exist in pairs, with the same page, address and order.
 *
 * Accessed and dirty bits move ("are harvested") to mem_page before an entry that has them is
 * cleared or replaced.  A superpage's bits go to each page of its run: which one was used is not
 * known, and "modified" must not miss it (P2).  For the same reason the pieces of a split
 * superpage inherit them.
 *
 * Superpages.  Taking away or lowering a part of one splits it; so does entering a smaller page
 * inside.  By page (page_protect and the others) a superpage is one mapping of each of its pages:
 * it is lowered or removed as a whole (P1).
 *
 * Processors.  remove and protect collect ranges, which are told at update() or when there are too
 * many (P4); an enter over a range that is still pending settles it first, for else the old
 * translation could outlive the new one.  What enter replaces, and all that is done by page, is
 * told at once.  Tables are freed without waiting for update(): no walk starts from a TLB entry,
 * and a machine that caches inner levels is told of the same ranges.
 *
 * Rejected: shared kernel tables below the root (leaves in the root need none); back pointers
 * from a table to its parent (a walk from the root is three loads, and they would cost a field);
 * delaying the free of empty tables (a cache that the reserve would have to know).
 */
#include "pmap/pmap_radix.h"

#include "base/assert.h"

/* The orders of all levels whose entries may be leaves and fit in a run of frames. */
static unsigned
radix_orders(const struct mmu_format *format)
{
    unsigned orders = 0;
    for (unsigned level = 0; level < format->levels; level++)
        if (format->level[level].leaf && mmu_format_order(format, level) <= MEM_ORDER_MAX)
            orders |= 1u << mmu_format_order(format, level);
    return orders;
}

enum pgw_status
radix_system_create(const struct pmap_ops *ops, const struct mmu_format *format, struct mem *mem,
    struct base_alloc *alloc, const struct pmap_shootdown *shootdown, struct pmap_system **system)
{
    struct radix_system *radix = alloc->map(alloc, sizeof(*radix));
    if (radix == NULL)
        return PGW_NOMEM;
    radix->base.ops = ops;
    radix->base.mem = mem;
    radix->base.alloc = alloc;
    radix->base.shootdown = *shootdown;
    radix->format = format;
    radix->va_end = mmu_format_user_end(format);
    radix->orders = radix_orders(format);
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
    BASE_ASSERT(system->tables == 0);
    base_pool_fini(&radix->pvs);
    base_pool_fini(&radix->pmaps);
    alloc->unmap(alloc, radix, sizeof(*radix));
}

/* The kernel's part of the root: all of RAM, global, not for users. */
static void
radix_map_kernel(const struct radix *radix)
{
    const struct radix_system *system = radix_system(radix);
    const struct mmu_format *format = system->format;
    const struct mem *mem = system->base.mem;
    uint64_t run = 1ull << mmu_format_order(format, 0);
    unsigned idx = format->kernel_first, entries = 1u << format->level[0].bits;
    for (uint64_t at = 0; at < mem->nframes && idx < entries; at += run, idx++) {
        uint64_t pte =
            mmu_pte_leaf(format, 0, mem->base_pfn + at, PROT_MASK_R | PROT_MASK_W, false);
        pte = mmu_bits_put(pte, format->accessed, true);
        radix_store(system, radix->root, idx, mmu_bits_put(pte, format->dirty, true));
    }
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
    radix->root = radix_table_create(radix);
    if (radix->root == NULL) {
        asid_put(&whole->asids, radix->base.asid);
        base_pool_put(&whole->pmaps, radix);
        return PGW_NORAM;
    }
    radix_map_kernel(radix);
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
    BASE_ASSERT(radix->base.resident == 0 && radix->base.tables == 1);
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
    *caps = (struct pmap_caps){.va_end = radix->va_end,
        .orders = radix->orders,
        .referenced = true,
        .tables_use_frames = true};
}
