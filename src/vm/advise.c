/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advice: what a program says about its memory, as madvise(2) has it.
 *
 * Some of it stays with the region, as a bit that others act on (read-ahead, huge pages, merging,
 * fork); regions are cut and joined for it as for rights.  The rest is done at once, region by
 * region.  A step may drop the lock, so it says how far it came and the region is looked up anew.
 *
 *     DONTNEED   private memory loses its anons: the next access finds zeros, or the file.  Shared
 *                memory is only unmapped here.  DROP: of what is locked, too.
 *     FREE       pages become clean without a copy anywhere: as long as they are not written again
 *                ("modified" is exact, law P2), reclaim may drop them, and then they are zeros.  In
 *                RAM they keep their bytes.
 *     COLD       the next to go; PAGEOUT: gone, sixteen at a time.  Pages that others see as well
 *                are left alone, as it is not for one to say that nobody needs them.
 *     WILLNEED   what is on swap or in a file is read in, while that costs nobody anything.
 */
#include "vm/core.h"
#include "vm/runs.h"

struct advise {
    struct vm_space *space;
    struct vm_region *region;
    uint64_t from, to; /* the part of the region; a step may come less far and lower `to` */
};

/* One kind of advice. */
struct advise_rule {
    uint16_t set, clear;                             /* bits of region->advice */
    bool (*fits)(const struct vm_region *region);    /* NULL: any; else PGW_INVAL */
    enum pgw_status (*apply)(struct advise *advise); /* NULL: bits only */
    bool unshared;                                   /* of shared memory it says nothing */
};

/* --- what regions may be advised --- */

static bool
advise_fits_unlocked(const struct vm_region *region)
{
    return !region->locked;
}

static bool
advise_fits_private(const struct vm_region *region)
{
    return region->object == NULL && !region->shared;
}

static bool
advise_fits_free(const struct vm_region *region)
{
    return advise_fits_private(region) && !region->locked;
}

/* --- what is done at once --- */

static enum pgw_status
advise_dontneed(struct advise *advise)
{
    struct vm_space *space = advise->space;
    const struct pmap_ops *ops = space->system->pmap_ops;

    ops->remove(space->pmap, advise->from, (advise->to - advise->from) >> PAGE_SHIFT);
    ops->update(space->pmap);
    if (advise->region->shared)
        return PGW_OK;
    return vm_amap_drop(space->system, advise->region, advise->from, advise->to);
}

static void
advise_free_anon(struct vm_system *system, struct vm_anon *anon)
{
    struct mem_page *page = anon->page;

    if (anon->refs > 1 || (page != NULL && page->busy))
        return; /* others count on it; or it is on its way out already */
    vm_anon_forget_slot(system, anon);
    if (page == NULL)
        return;
    system->pmap_ops->page_clear_modified(system->pmap_system, page);
    page->dirty = 0;
    page->lazyfree = 1;
    vm_page_cold(system, page);
}

/* What is locked is let go for now; what comes in its place is held again. */
static enum pgw_status
advise_drop(struct advise *advise)
{
    vm_unlock_range(advise->space, advise->from, advise->to);
    return advise_dontneed(advise);
}

static enum pgw_status
advise_free(struct advise *advise)
{
    const struct vm_region *region = advise->region;
    uint64_t idx = vm_region_idx(region, advise->from);
    uint64_t last = vm_region_idx(region, advise->to - 1);
    struct vm_anon *anon;

    if (region->amap == NULL || region->needs_copy)
        return PGW_OK;
    for (; (anon = base_radix_next(&region->amap->slots, &idx)) != NULL && idx <= last; idx++)
        advise_free_anon(advise->space->system, anon);
    return PGW_OK;
}

/* The page at va, if it is in RAM for this region alone. */
static struct mem_page *
advise_sole(const struct vm_region *region, uint64_t va)
{
    const struct vm_anon *anon = vm_amap_lookup(region, va);
    struct mem_page *page = vm_resident(region, va);
    bool sole = anon != NULL ? anon->refs == 1 && region->amap->refs == 1
                             : page != NULL && page->pv.next == NULL;

    return sole && page != NULL && !page->busy && page->wired == 0 ? page : NULL;
}

static enum pgw_status
advise_cold(struct advise *advise)
{
    for (uint64_t va = advise->from; va < advise->to; va += PAGE_SIZE) {
        struct mem_page *page = advise_sole(advise->region, va);
        if (page != NULL)
            vm_page_cold(advise->space->system, page);
    }
    return PGW_OK;
}

static enum pgw_status
advise_pageout(struct advise *advise)
{
    struct mem_page *pages[PAGER_RUN_MAX];
    uint64_t evicted = advise->space->system->stats.evicted;
    unsigned n = 0;
    uint64_t va;

    for (va = advise->from; va < advise->to && n < PAGER_RUN_MAX; va += PAGE_SIZE) {
        struct mem_page *page = advise_sole(advise->region, va);
        if (page != NULL)
            pages[n++] = page;
    }
    advise->to = va;
    vm_evict_run_locked(advise->space->system, pages, n);
    advise->space->system->stats.advised_out += advise->space->system->stats.evicted - evicted;
    return PGW_OK;
}

static enum pgw_status
advise_willneed(struct advise *advise)
{
    vm_ahead_range(advise->space, advise->from, advise->to);
    return PGW_OK;
}

/* A hole in shared memory, for all who see it. */
static enum pgw_status
advise_remove(struct advise *advise)
{
    struct vm_region *region = advise->region;
    struct vm_system *system = advise->space->system;

    if (!region->shared)
        return region->object != NULL ? PGW_ACCESS : PGW_INVAL;
    if (region->nowrite)
        return PGW_ACCESS;
    if (region->amap == NULL)
        return region->object != NULL ? PGW_UNSUPPORTED : PGW_OK;
    uint64_t idx = vm_region_idx(region, advise->from),
             last = vm_region_idx(region, advise->to - 1);
    struct vm_anon *anon;
    for (; (anon = base_radix_next(&region->amap->slots, &idx)) != NULL && idx <= last; idx++) {
        if (anon->page != NULL) /* who shares it must find the hole */
            system->pmap_ops->page_protect(system->pmap_system, anon->page, PROT_MASK_NONE);
        (void)base_radix_remove(&region->amap->slots, idx);
        vm_anon_release(system, anon);
    }
    return PGW_OK;
}

static enum pgw_status
advise_collapse(struct advise *advise)
{
    return vm_huge_collapse(advise->space, advise->from, advise->to);
}

static enum pgw_status
advise_unmerge(struct advise *advise)
{
    return vm_merge_unmerge_locked(advise->space, advise->from, advise->to);
}

#define BIT(advice) (uint16_t)(1u << SPACE_ADVICE_##advice)

static const struct advise_rule advise_rules[] = {
    [SPACE_ADVICE_RANDOM] = {BIT(RANDOM), BIT(SEQUENTIAL), NULL, NULL},
    [SPACE_ADVICE_SEQUENTIAL] = {BIT(SEQUENTIAL), BIT(RANDOM), NULL, NULL},
    [SPACE_ADVICE_NORMAL] = {0, BIT(RANDOM) | BIT(SEQUENTIAL), NULL, NULL},
    [SPACE_ADVICE_HUGE] = {BIT(HUGE), BIT(NOHUGE), NULL, NULL},
    [SPACE_ADVICE_NOHUGE] = {BIT(NOHUGE), BIT(HUGE), NULL, NULL},
    [SPACE_ADVICE_MERGE] = {BIT(MERGE), 0, NULL, NULL, .unshared = true},
    [SPACE_ADVICE_NOMERGE] = {0, BIT(MERGE), NULL, advise_unmerge},
    [SPACE_ADVICE_DONTFORK] = {BIT(DONTFORK), 0, NULL, NULL},
    [SPACE_ADVICE_DOFORK] = {0, BIT(DONTFORK), NULL, NULL},
    [SPACE_ADVICE_WIPEONFORK] = {BIT(WIPEONFORK), 0, advise_fits_private, NULL},
    [SPACE_ADVICE_KEEPONFORK] = {0, BIT(WIPEONFORK), NULL, NULL},
    [SPACE_ADVICE_WILLNEED] = {0, 0, NULL, advise_willneed},
    [SPACE_ADVICE_DONTNEED] = {0, 0, advise_fits_unlocked, advise_dontneed},
    [SPACE_ADVICE_FREE] = {0, 0, advise_fits_free, advise_free},
    [SPACE_ADVICE_COLD] = {0, 0, advise_fits_unlocked, advise_cold},
    [SPACE_ADVICE_PAGEOUT] = {0, 0, advise_fits_unlocked, advise_pageout},
    [SPACE_ADVICE_COLLAPSE] = {0, 0, NULL, advise_collapse},
    [SPACE_ADVICE_REMOVE] = {0, 0, advise_fits_unlocked, advise_remove},
    [SPACE_ADVICE_DROP] = {0, 0, NULL, advise_drop},
};

#undef BIT

/* Gives the part of the region other bits of advice; it may become a region of its own. */
static enum pgw_status
advise_mark(struct advise *advise, const struct advise_rule *rule)
{
    uint16_t bits = (uint16_t)((advise->region->advice | rule->set) & ~rule->clear);

    if (bits == advise->region->advice)
        return PGW_OK;
    enum pgw_status status = vm_region_clip(advise->space, advise->from);
    if (status == PGW_OK)
        status = vm_region_clip(advise->space, advise->to);
    if (status == PGW_OK)
        vm_region_at(advise->space, advise->from)->advice = bits;
    return status;
}

static enum pgw_status
advise_region(struct advise *advise, const struct advise_rule *rule)
{
    enum pgw_status status = PGW_OK;

    if (rule->fits != NULL && !rule->fits(advise->region))
        return PGW_INVAL;
    if (rule->unshared && advise->region->shared)
        return PGW_OK;
    if ((rule->set | rule->clear) != 0)
        status = advise_mark(advise, rule);
    return status == PGW_OK && rule->apply != NULL ? rule->apply(advise) : status;
}

static enum pgw_status
advise_locked(struct vm_space *space, uint64_t va, uint64_t end, const struct advise_rule *rule)
{
    enum pgw_status status = PGW_OK;
    bool hole = false;

    for (uint64_t at = va; at < end && status == PGW_OK;) {
        struct vm_region *region = vm_region_at_or_above(space, at);
        hole = hole || region == NULL || region->start > at;
        if (region == NULL || region->start >= end)
            break;
        struct advise advise = {.space = space,
            .region = region,
            .from = region->start > at ? region->start : at,
            .to = region->end < end ? region->end : end};
        status = advise_region(&advise, rule);
        at = advise.to;
    }
    if ((rule->set | rule->clear) != 0)
        vm_region_join(space, va, end);
    return status == PGW_OK && hole ? PGW_NOTFOUND : status;
}

enum pgw_status
vm_advise(struct space *space, uint64_t va, uint64_t len, enum space_advice advice)
{
    struct vm_space *vm_space = vm_space_of(space);
    uint64_t end;
    enum pgw_status status = vm_map_range(vm_space->system, va, len, &end);

    if (status != PGW_OK)
        return status;
    if (advice >= sizeof advise_rules / sizeof advise_rules[0])
        return PGW_INVAL;
    const struct advise_rule *rule = &advise_rules[advice];
    if ((rule->set | rule->clear) == 0 && rule->apply == NULL)
        return PGW_UNSUPPORTED;
    base_lock_take(&vm_space->system->lock);
    status = advise_locked(vm_space, va, end, rule);
    base_lock_drop(&vm_space->system->lock);
    return status;
}
