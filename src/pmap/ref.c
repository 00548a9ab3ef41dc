/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference pmap: a hash table from (pmap, page number) to a mapping.  It is the oracle that
 * other back ends are compared with, and what the flat machine translates by, so everything is
 * done in the plainest way: a run is so many single mappings, nothing is delayed, rights are
 * exactly those asked for, no frames are used.
 *
 * Each mapping is in its bucket's chain, in its pmap's list and among its page's reverse records.
 */
#include "pmap/pmaps.h"

#include "base/assert.h"
#include "base/asid.h"
#include "pmap/pv.h"

#define REF_BUCKETS_FIRST 4096u
#define REF_VA_END (1ull << 38) /* as sv39, so that a program is laid out the same */

struct ref_map {
    TAILQ_ENTRY(ref_map) link; /* of its pmap's list */
    struct ref_map *next;      /* in its bucket */
    struct pmap *pmap;
    struct mem_page *page;
    uint64_t vpn;
    prot_t prot;
    bool referenced, modified;
};

TAILQ_HEAD(ref_list, ref_map);

struct ref {
    struct pmap base;
    struct ref_list maps;
};

struct ref_system {
    struct pmap_system base;
    struct ref_map **buckets;
    uint64_t nbuckets, nmaps;
    struct base_pool maps, pvs, pmaps;
    struct asid_set asids;
};

static struct ref_system *
ref_system(const struct pmap *pmap)
{
    return (struct ref_system *)pmap->system;
}

static struct ref_map **
ref_bucket(const struct ref_system *system, uint32_t asid, uint64_t vpn)
{
    uint64_t hash = (vpn ^ (uint64_t)asid << 40) * 0x9e3779b97f4a7c15ull; /* 2^64 / phi, Knuth */
    return &system->buckets[(hash >> 32) & (system->nbuckets - 1)];
}

static struct ref_map *
ref_find(const struct pmap *pmap, uint64_t va)
{
    struct ref_map *map = *ref_bucket(ref_system(pmap), pmap->asid, va >> PAGE_SHIFT);
    while (map != NULL && (map->pmap != pmap || map->vpn != va >> PAGE_SHIFT))
        map = map->next;
    return map;
}

static void
ref_shoot(struct pmap *pmap, uint64_t va, uint64_t npages, bool gone)
{
    const struct pmap_shootdown *shootdown = &pmap->system->shootdown;
    shootdown->range(shootdown->ctx, pmap->asid, va, npages, gone);
}

static void
ref_harvest(const struct ref_map *map)
{
    map->page->referenced |= map->referenced;
    map->page->modified |= map->modified;
}

/* Takes the mapping out of everything. */
static void
ref_drop(struct ref_map *map)
{
    struct pmap *pmap = map->pmap;
    struct ref_system *system = ref_system(pmap);
    struct ref_map **at = ref_bucket(system, pmap->asid, map->vpn);
    while (*at != map)
        at = &(*at)->next;
    *at = map->next;
    ref_harvest(map);
    pv_remove(&system->pvs, map->page, pmap, map->vpn << PAGE_SHIFT, 0);
    TAILQ_REMOVE(&((struct ref *)pmap)->maps, map, link);
    base_pool_put(&system->maps, map);
    pmap->resident--;
    system->nmaps--;
}

/* Twice the buckets; without memory for them chains just grow longer. */
static void
ref_grow(struct ref_system *system)
{
    struct base_alloc *alloc = system->base.alloc;
    struct ref_map **old = system->buckets;
    uint64_t n = system->nbuckets;
    struct ref_map **buckets = alloc->map(alloc, 2 * n * sizeof(struct ref_map *));
    if (buckets == NULL)
        return;
    system->buckets = buckets;
    system->nbuckets = 2 * n;
    for (uint64_t i = 0; i < n; i++) {
        struct ref_map *next;
        for (struct ref_map *map = old[i]; map != NULL; map = next) {
            next = map->next;
            struct ref_map **at = ref_bucket(system, map->pmap->asid, map->vpn);
            map->next = *at;
            *at = map;
        }
    }
    alloc->unmap(alloc, old, n * sizeof(struct ref_map *));
}

static enum pgw_status
ref_system_create(struct mem *mem, struct base_alloc *alloc, const struct pmap_shootdown *shootdown,
    struct pmap_system **system)
{
    struct ref_system *ref = alloc->map(alloc, sizeof(*ref));
    if (ref == NULL)
        return PGW_NOMEM;
    ref->nbuckets = REF_BUCKETS_FIRST;
    ref->buckets = alloc->map(alloc, ref->nbuckets * sizeof(struct ref_map *));
    if (ref->buckets == NULL) {
        alloc->unmap(alloc, ref, sizeof(*ref));
        return PGW_NOMEM;
    }
    ref->base =
        (struct pmap_system){.ops = &pmap_ref, .mem = mem, .alloc = alloc, .shootdown = *shootdown};
    base_pool_init(&ref->maps, alloc, sizeof(struct ref_map), "ref map");
    base_pool_init(&ref->pvs, alloc, sizeof(struct mem_pv), "pv");
    base_pool_init(&ref->pmaps, alloc, sizeof(struct ref), "pmap");
    *system = &ref->base;
    return PGW_OK;
}

static void
ref_system_destroy(struct pmap_system *system)
{
    struct ref_system *ref = (struct ref_system *)system;
    struct base_alloc *alloc = system->alloc;
    BASE_ASSERT(ref->nmaps == 0);
    base_pool_fini(&ref->maps);
    base_pool_fini(&ref->pvs);
    base_pool_fini(&ref->pmaps);
    alloc->unmap(alloc, ref->buckets, ref->nbuckets * sizeof(struct ref_map *));
    alloc->unmap(alloc, ref, sizeof(*ref));
}

static void
ref_shoot_space(struct pmap *pmap)
{
    const struct pmap_shootdown *shootdown = &pmap->system->shootdown;
    shootdown->space(shootdown->ctx, pmap->asid);
}

/* PGW_NOMEM also when all tags are taken: 65535 pmaps at a time. */
static enum pgw_status
ref_create(struct pmap_system *system, struct pmap **pmap)
{
    struct ref_system *whole = (struct ref_system *)system;
    struct ref *ref = base_pool_get(&whole->pmaps);
    if (ref == NULL)
        return PGW_NOMEM;
    bool reused = false;
    uint32_t asid = asid_get(&whole->asids, &reused);
    if (asid == 0) {
        base_pool_put(&whole->pmaps, ref);
        return PGW_NOMEM;
    }
    ref->base = (struct pmap){.ops = system->ops, .system = system, .asid = asid};
    TAILQ_INIT(&ref->maps);
    if (reused)
        ref_shoot_space(&ref->base);
    *pmap = &ref->base;
    return PGW_OK;
}

static void
ref_destroy(struct pmap *pmap)
{
    struct ref *ref = (struct ref *)pmap;
    struct ref_system *system = ref_system(pmap);
    while (!TAILQ_EMPTY(&ref->maps))
        ref_drop(TAILQ_FIRST(&ref->maps));
    ref_shoot_space(pmap);
    asid_put(&system->asids, pmap->asid);
    base_pool_put(&system->pmaps, ref);
}

/* A new record for page at va, in all chains; what was there is gone. */
static enum pgw_status
ref_add(struct pmap *pmap, uint64_t va, struct mem_page *page, unsigned low)
{
    struct ref_system *system = ref_system(pmap);
    struct ref_map *map = base_pool_get(&system->maps);
    if (map == NULL)
        return PGW_NOMEM;
    if (!pv_insert(&system->pvs, page, pmap, va, low)) {
        base_pool_put(&system->maps, map);
        return PGW_NOMEM;
    }
    if (++system->nmaps > system->nbuckets)
        ref_grow(system);
    struct ref_map **at = ref_bucket(system, pmap->asid, va >> PAGE_SHIFT);
    map->pmap = pmap;
    map->page = page;
    map->vpn = va >> PAGE_SHIFT;
    map->next = *at;
    *at = map;
    TAILQ_INSERT_TAIL(&((struct ref *)pmap)->maps, map, link);
    pmap->resident++;
    return PGW_OK;
}

static enum pgw_status
ref_enter_page(struct pmap *pmap, uint64_t va, struct mem_page *page, prot_t prot,
    enum access access, unsigned flags)
{
    unsigned low = (flags & PMAP_WIRED) != 0 ? PV_WIRED : 0;
    struct ref_map *old = ref_find(pmap, va);
    if (old != NULL) {
        bool gone = old->page != page;
        ref_drop(old);
        ref_shoot(pmap, va, 1, gone);
    }
    enum pgw_status status = ref_add(pmap, va, page, low);
    if (status != PGW_OK)
        return status;
    struct ref_map *map = ref_find(pmap, va);
    map->prot = prot;
    map->referenced = true;
    map->modified = access == ACCESS_WRITE;
    return PGW_OK;
}

static void
ref_protect_one(struct ref_map *map, prot_t prot)
{
    struct pmap *pmap = map->pmap;
    uint64_t va = map->vpn << PAGE_SHIFT;
    prot_t now = map->prot & prot;
    if (now == map->prot)
        return;
    map->prot = now;
    if (now == PROT_MASK_NONE)
        ref_drop(map);
    ref_shoot(pmap, va, 1, now == PROT_MASK_NONE);
}

static void
ref_protect(struct pmap *pmap, uint64_t va, uint64_t npages, prot_t prot)
{
    if (npages > pmap->resident) {
        struct ref_map *map, *next;
        TAILQ_FOREACH_SAFE (map, &((struct ref *)pmap)->maps, link, next)
            if (map->vpn - (va >> PAGE_SHIFT) < npages)
                ref_protect_one(map, prot);
        return;
    }
    for (uint64_t i = 0; i < npages; i++) {
        struct ref_map *map = ref_find(pmap, va + (i << PAGE_SHIFT));
        if (map != NULL)
            ref_protect_one(map, prot);
    }
}

static void
ref_remove(struct pmap *pmap, uint64_t va, uint64_t npages)
{
    ref_protect(pmap, va, npages, PROT_MASK_NONE);
}

static enum pgw_status
ref_enter(struct pmap *pmap, uint64_t va, struct mem_page *const *pages, size_t n, unsigned order,
    prot_t prot, enum access access, unsigned flags)
{
    uint64_t npages = (uint64_t)n << order, run = 1ull << order;
    BASE_ASSERT(order <= MEM_ORDER_MAX && (va & ((PAGE_SIZE << order) - 1)) == 0);
    BASE_ASSERT(va < REF_VA_END && npages <= (REF_VA_END - va) >> PAGE_SHIFT);
    BASE_ASSERT(prot_allows(prot, access));
    for (uint64_t i = 0; i < npages; i++) {
        struct mem_page *page = pages[i >> order] + (i & (run - 1));
        enum pgw_status status =
            ref_enter_page(pmap, va + (i << PAGE_SHIFT), page, prot, access, flags);
        if (status == PGW_OK)
            continue;
        ref_remove(pmap, va, i);
        return status;
    }
    return PGW_OK;
}

static enum pgw_status
ref_extract(struct pmap *pmap, uint64_t va, struct mem_page **page, prot_t *prot)
{
    const struct ref_map *map = ref_find(pmap, va);
    if (map == NULL)
        return PGW_NOTFOUND;
    if (page != NULL)
        *page = map->page;
    if (prot != NULL)
        *prot = map->prot;
    return PGW_OK;
}

static unsigned
ref_order(struct pmap *pmap, uint64_t va)
{
    (void)pmap;
    (void)va;
    return 0;
}

/* Nothing is ever delayed. */
static void
ref_update(struct pmap *pmap)
{
    (void)pmap;
}

static void
ref_activate(struct pmap *pmap, struct pmap_context *context)
{
    context->root = (uint64_t)(uintptr_t)pmap;
    context->asid = pmap->asid;
}

static void
ref_deactivate(struct pmap *pmap)
{
    (void)pmap;
}

static void
ref_page_protect(struct pmap_system *system, struct mem_page *page, prot_t prot)
{
    (void)system;
    struct mem_pv *pv = pv_first(page);
    while (pv != NULL) {
        struct ref_map *map = ref_find(pv->pmap, pv_va(pv));
        bool goes = (map->prot & prot) == PROT_MASK_NONE;
        ref_protect_one(map, prot);
        pv = goes ? pv_first(page) : pv->next; /* a record that goes moves the others */
    }
}

static bool
ref_page_test_clear_referenced(struct pmap_system *system, struct mem_page *page)
{
    (void)system;
    for (struct mem_pv *pv = pv_first(page); pv != NULL; pv = pv->next) {
        struct ref_map *map = ref_find(pv->pmap, pv_va(pv));
        if (!map->referenced)
            continue;
        page->referenced = 1;
        map->referenced = false;
        ref_shoot(pv->pmap, pv_va(pv), 1, false);
    }
    bool referenced = page->referenced;
    page->referenced = 0;
    return referenced;
}

static bool
ref_page_is_modified(struct pmap_system *system, struct mem_page *page)
{
    (void)system;
    bool modified = page->modified;
    for (struct mem_pv *pv = pv_first(page); pv != NULL; pv = pv->next)
        modified |= ref_find(pv->pmap, pv_va(pv))->modified;
    return modified;
}

static void
ref_page_clear_modified(struct pmap_system *system, struct mem_page *page)
{
    (void)system;
    page->modified = 0;
    for (struct mem_pv *pv = pv_first(page); pv != NULL; pv = pv->next) {
        struct ref_map *map = ref_find(pv->pmap, pv_va(pv));
        if (!map->modified)
            continue;
        map->modified = false;
        ref_shoot(pv->pmap, pv_va(pv), 1, false);
    }
}

static void
ref_caps(struct pmap_system *system, struct pmap_caps *caps)
{
    (void)system;
    *caps = (struct pmap_caps){.va_end = REF_VA_END,
        .orders = (2u << MEM_ORDER_MAX) - 1,
        .referenced = true,
        .tables_use_frames = false};
}

/* Every mapping can be found and has a reverse record, and there are as many of one as of the
 * other. */
static bool
ref_check(struct pmap *pmap)
{
    uint64_t maps = 0;
    struct ref_map *map;
    TAILQ_FOREACH (map, &((struct ref *)pmap)->maps, link) {
        uint64_t va = map->vpn << PAGE_SHIFT;
        maps++;
        if (map->pmap != pmap || ref_find(pmap, va) != map || map->prot == PROT_MASK_NONE ||
            pv_find(map->page, pmap, va, 0) == NULL)
            return false;
    }
    return maps == pmap->resident && pv_check(pmap, maps) && pmap->tables == 0;
}

const struct pmap_ops pmap_ref = {
    .name = "ref",
    .system_create = ref_system_create,
    .system_destroy = ref_system_destroy,
    .create = ref_create,
    .destroy = ref_destroy,
    .enter = ref_enter,
    .remove = ref_remove,
    .protect = ref_protect,
    .extract = ref_extract,
    .order = ref_order,
    .update = ref_update,
    .activate = ref_activate,
    .deactivate = ref_deactivate,
    .page_protect = ref_page_protect,
    .page_test_clear_referenced = ref_page_test_clear_referenced,
    .page_is_modified = ref_page_is_modified,
    .page_clear_modified = ref_page_clear_modified,
    .caps = ref_caps,
    .check = ref_check,
};

enum pgw_status
pmap_ref_access(
    struct pmap *pmap, uint64_t va, enum access access, struct mem_page **page, prot_t *usable)
{
    struct ref_map *map = ref_find(pmap, va);
    if (map == NULL)
        return PGW_NOTFOUND;
    if (!prot_allows(map->prot, access))
        return PGW_ACCESS;
    map->referenced = true;
    if (access == ACCESS_WRITE)
        map->modified = true;
    *page = map->page;
    *usable = map->modified ? map->prot : map->prot & ~PROT_MASK_W;
    return PGW_OK;
}

struct pmap *
pmap_ref_of_root(uint64_t root)
{
    return (struct pmap *)(uintptr_t)root;
}
