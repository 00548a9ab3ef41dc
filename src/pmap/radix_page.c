/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The radix pmap by page: all mappings of one, through its reverse records.  A superpage, or a
 * run of leaves, has its record at the head of its pages, so while there are such the heads of
 * those that the page may lie in are asked as well, from small to large: what a large one is split
 * into has been lowered where the page lies.
 */
#include "pmap/pmap_radix.h"

/* The heads whose records of that order cover page: calls fn for each in turn. */
static void
radix_each_head(struct radix_system *system, struct mem_page *page,
    void (*fn)(struct radix_system *system, struct mem_page *head, unsigned order, void *ctx),
    void *ctx)
{
    fn(system, page, 0, ctx);
    if (system->base.superpages == 0)
        return;
    uint64_t idx = (uint64_t)(page - system->base.mem->pages);
    for (unsigned order = 1; order <= MEM_ORDER_MAX; order++)
        if ((system->orders >> order & 1) != 0)
            fn(system, &system->base.mem->pages[idx & ~((1ull << order) - 1)], order, ctx);
}

struct radix_page_lowering {
    const struct mem_page *page;
    prot_t prot;
};

static void
radix_protect_head(struct radix_system *system, struct mem_page *head, unsigned order, void *ctx)
{
    const struct radix_page_lowering *lowering = ctx;
    uint64_t offset = (uint64_t)(lowering->page - head) << PAGE_SHIFT;
    (void)system;
    struct mem_pv *pv = pv_first(head);
    while (pv != NULL) {
        if (pv_order(pv) != order) {
            pv = pv->next;
            continue;
        }
        struct radix *radix = (struct radix *)pv->pmap;
        struct radix_change change = {0};
        uint64_t va = pv_va(pv) + offset;
        radix_lower(radix, va, va + PAGE_SIZE, lowering->prot, &change);
        radix_shoot(radix, &change);
        /* a record that went (that of a superpage always does) moves the others */
        pv = change.gone || order != 0 ? pv_first(head) : pv->next;
    }
}

void
radix_page_protect(struct pmap_system *system, struct mem_page *page, prot_t prot)
{
    struct radix_page_lowering lowering = {page, prot};
    radix_each_head((struct radix_system *)system, page, radix_protect_head, &lowering);
}

/* Does the leaf that pv records have the property?  leaf is where it is. */
static bool
radix_pv_holds(const struct mem_pv *pv, struct mmu_bits bits, struct radix_leaf *leaf)
{
    return radix_find_leaf((struct radix *)pv->pmap, pv_va(pv), leaf) &&
           mmu_bits_hold(leaf->pte, bits);
}

static void
radix_clear_head(struct radix_system *system, struct mem_page *head, unsigned order, void *ctx)
{
    struct mmu_bits bits = *(const struct mmu_bits *)ctx;
    for (struct mem_pv *pv = pv_first(head); pv != NULL; pv = pv->next) {
        struct radix_leaf leaf;
        if (pv_order(pv) != order || !radix_pv_holds(pv, bits, &leaf))
            continue;
        radix_harvest(system, &leaf); /* the other pages of the run keep what is cleared here */
        radix_leaf_store(system, &leaf, mmu_bits_put(leaf.pte, bits, false));
        struct radix_change change = {leaf.va, leaf.va + ((uint64_t)PAGE_SIZE << order), false};
        radix_shoot((struct radix *)pv->pmap, &change);
    }
}

bool
radix_page_test_clear_referenced(struct pmap_system *system, struct mem_page *page)
{
    struct radix_system *radix = (struct radix_system *)system;
    struct mmu_bits accessed = radix->format->accessed;
    radix_each_head(radix, page, radix_clear_head, &accessed);
    bool referenced = page->referenced;
    page->referenced = 0;
    return referenced;
}

void
radix_page_clear_modified(struct pmap_system *system, struct mem_page *page)
{
    struct radix_system *radix = (struct radix_system *)system;
    struct mmu_bits dirty = radix->format->dirty;
    radix_each_head(radix, page, radix_clear_head, &dirty);
    page->modified = 0;
}

static void
radix_modified_head(struct radix_system *system, struct mem_page *head, unsigned order, void *ctx)
{
    bool *modified = ctx;
    struct radix_leaf leaf;
    for (struct mem_pv *pv = pv_first(head); pv != NULL && !*modified; pv = pv->next)
        *modified = pv_order(pv) == order && radix_pv_holds(pv, system->format->dirty, &leaf);
}

bool
radix_page_is_modified(struct pmap_system *system, struct mem_page *page)
{
    bool modified = page->modified;
    radix_each_head((struct radix_system *)system, page, radix_modified_head, &modified);
    return modified;
}
