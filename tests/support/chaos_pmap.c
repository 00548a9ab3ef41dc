/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/chaos_pmap.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/assert.h"
#include "base/rng.h"

/* What a pmap remembers of what was entered last: the candidates. */
#define CHAOS_RECENT 64

struct chaos_range {
    uint64_t va, npages; /* npages 0: none */
};

struct chaos {
    struct pmap base;
    struct pmap *inner;
    TAILQ_ENTRY(chaos) link;
    struct chaos_range recent[CHAOS_RECENT];
    unsigned next;
};

TAILQ_HEAD(chaos_list, chaos);

struct chaos_system {
    struct pmap_system base;
    struct pmap_system *inner;
    struct chaos_list pmaps;
    unsigned npmaps;
    struct base_rng rng;
    unsigned one_in;
    uint64_t dropped;
};

static struct pmap *
chaos_inner(struct pmap *pmap)
{
    return ((struct chaos *)pmap)->inner;
}

/* What the core reads in the structs is as the inner ones have it. */
static void
chaos_mirror(struct chaos_system *system)
{
    struct chaos *chaos;
    system->base.tables = system->inner->tables;
    system->base.tables_peak = system->inner->tables_peak;
    system->base.superpages = system->inner->superpages;
    system->base.super_pages = system->inner->super_pages;
    system->base.splits = system->inner->splits;
    TAILQ_FOREACH (chaos, &system->pmaps, link) {
        chaos->base.resident = chaos->inner->resident;
        chaos->base.tables = chaos->inner->tables;
    }
}

static struct chaos_system *
chaos_system(struct pmap_system *system)
{
    return (struct chaos_system *)system;
}

static void
chaos_drop(struct chaos_system *system)
{
    uint64_t skip = base_rng_below(&system->rng, system->npmaps);
    struct chaos *chaos = TAILQ_FIRST(&system->pmaps);
    while (skip-- > 0)
        chaos = TAILQ_NEXT(chaos, link);
    struct chaos_range *range = &chaos->recent[base_rng_below(&system->rng, CHAOS_RECENT)];
    if (range->npages == 0)
        return;
    struct pmap *inner = chaos->inner;
    uint64_t before = inner->resident;
    inner->ops->remove(inner, range->va, range->npages);
    inner->ops->update(inner);
    system->dropped += before - inner->resident;
    range->npages = 0;
}

/* The start of every call. */
static struct chaos_system *
chaos_begin(struct pmap_system *pmap_system)
{
    struct chaos_system *system = chaos_system(pmap_system);
    if (system->one_in != 0 && system->npmaps != 0 &&
        base_rng_below(&system->rng, system->one_in) == 0)
        chaos_drop(system);
    chaos_mirror(system);
    return system;
}

static enum pgw_status
chaos_system_create(const struct pmap_ops *ops, const struct pmap_ops *inner, struct mem *mem,
    struct base_alloc *alloc, const struct pmap_shootdown *shootdown, struct pmap_system **out)
{
    struct pmap_system *created;
    enum pgw_status status = inner->system_create(mem, alloc, shootdown, &created);
    if (status != PGW_OK)
        return status;
    struct chaos_system *system = calloc(1, sizeof(*system));
    BASE_ASSERT(system != NULL);
    system->base = *created;
    system->base.ops = ops;
    system->inner = created;
    TAILQ_INIT(&system->pmaps);
    *out = &system->base;
    chaos_pmap_tune(*out, 1, 4);
    return PGW_OK;
}

static void
chaos_system_destroy(struct pmap_system *system)
{
    struct pmap_system *inner = chaos_system(system)->inner;
    inner->ops->system_destroy(inner);
    free(system);
}

static enum pgw_status
chaos_create(struct pmap_system *pmap_system, struct pmap **pmap)
{
    struct chaos_system *system = chaos_begin(pmap_system);
    struct pmap *inner;
    enum pgw_status status = system->inner->ops->create(system->inner, &inner);
    if (status != PGW_OK)
        return status;
    struct chaos *chaos = calloc(1, sizeof(*chaos));
    BASE_ASSERT(chaos != NULL);
    chaos->base = *inner;
    chaos->base.ops = pmap_system->ops;
    chaos->base.system = pmap_system;
    chaos->inner = inner;
    TAILQ_INSERT_TAIL(&system->pmaps, chaos, link);
    system->npmaps++;
    chaos_mirror(system);
    *pmap = &chaos->base;
    return PGW_OK;
}

static void
chaos_destroy(struct pmap *pmap)
{
    struct chaos *chaos = (struct chaos *)pmap;
    struct chaos_system *system = chaos_begin(pmap->system);
    chaos->inner->ops->destroy(chaos->inner);
    TAILQ_REMOVE(&system->pmaps, chaos, link);
    system->npmaps--;
    free(chaos);
    chaos_mirror(system);
}

/* A candidate from now on; or, when wired, whatever overlaps it no longer. */
static void
chaos_remember(struct chaos *chaos, uint64_t va, uint64_t npages, bool wired)
{
    if (!wired) {
        chaos->recent[chaos->next++ % CHAOS_RECENT] = (struct chaos_range){va, npages};
        return;
    }
    for (unsigned i = 0; i < CHAOS_RECENT; i++) {
        struct chaos_range *range = &chaos->recent[i];
        if (range->va < va + (npages << PAGE_SHIFT) &&
            va < range->va + (range->npages << PAGE_SHIFT))
            range->npages = 0;
    }
}

static enum pgw_status
chaos_enter(struct pmap *pmap, uint64_t va, struct mem_page *const *pages, size_t n, unsigned order,
    prot_t prot, enum access access, unsigned flags)
{
    struct chaos *chaos = (struct chaos *)pmap;
    struct chaos_system *system = chaos_begin(pmap->system);
    chaos_remember(chaos, va, (uint64_t)n << order, (flags & PMAP_WIRED) != 0);
    enum pgw_status status =
        chaos->inner->ops->enter(chaos->inner, va, pages, n, order, prot, access, flags);
    chaos_mirror(system);
    return status;
}

static void
chaos_remove(struct pmap *pmap, uint64_t va, uint64_t npages)
{
    struct chaos_system *system = chaos_begin(pmap->system);
    chaos_inner(pmap)->ops->remove(chaos_inner(pmap), va, npages);
    chaos_mirror(system);
}

static void
chaos_protect(struct pmap *pmap, uint64_t va, uint64_t npages, prot_t prot)
{
    struct chaos_system *system = chaos_begin(pmap->system);
    chaos_inner(pmap)->ops->protect(chaos_inner(pmap), va, npages, prot);
    chaos_mirror(system);
}

static enum pgw_status
chaos_extract(struct pmap *pmap, uint64_t va, struct mem_page **page, prot_t *prot)
{
    chaos_begin(pmap->system);
    return chaos_inner(pmap)->ops->extract(chaos_inner(pmap), va, page, prot);
}

static unsigned
chaos_order(struct pmap *pmap, uint64_t va)
{
    return chaos_inner(pmap)->ops->order(chaos_inner(pmap), va);
}

static void
chaos_update(struct pmap *pmap)
{
    chaos_begin(pmap->system);
    chaos_inner(pmap)->ops->update(chaos_inner(pmap));
}

static void
chaos_activate(struct pmap *pmap, struct pmap_context *context)
{
    chaos_begin(pmap->system);
    chaos_inner(pmap)->ops->activate(chaos_inner(pmap), context);
}

static void
chaos_deactivate(struct pmap *pmap)
{
    chaos_begin(pmap->system);
    chaos_inner(pmap)->ops->deactivate(chaos_inner(pmap));
}

static void
chaos_page_protect(struct pmap_system *pmap_system, struct mem_page *page, prot_t prot)
{
    struct chaos_system *system = chaos_begin(pmap_system);
    system->inner->ops->page_protect(system->inner, page, prot);
    chaos_mirror(system);
}

static bool
chaos_page_test_clear_referenced(struct pmap_system *pmap_system, struct mem_page *page)
{
    struct pmap_system *inner = chaos_begin(pmap_system)->inner;
    return inner->ops->page_test_clear_referenced(inner, page);
}

static bool
chaos_page_is_modified(struct pmap_system *pmap_system, struct mem_page *page)
{
    struct pmap_system *inner = chaos_begin(pmap_system)->inner;
    return inner->ops->page_is_modified(inner, page);
}

static void
chaos_page_clear_modified(struct pmap_system *pmap_system, struct mem_page *page)
{
    struct pmap_system *inner = chaos_begin(pmap_system)->inner;
    inner->ops->page_clear_modified(inner, page);
}

static void
chaos_caps(struct pmap_system *system, struct pmap_caps *caps)
{
    struct pmap_system *inner = chaos_system(system)->inner;
    inner->ops->caps(inner, caps);
}

static bool
chaos_check(struct pmap *pmap)
{
    const struct pmap *inner = chaos_inner(pmap);
    return inner->ops->check(chaos_inner(pmap)) && inner->resident == pmap->resident &&
           inner->tables == pmap->tables && inner->asid == pmap->asid;
}

#define CHAOS_OPS(row, create_system)                                                              \
    {                                                                                              \
        .name = (row), .system_create = (create_system), .system_destroy = chaos_system_destroy,   \
        .create = chaos_create, .destroy = chaos_destroy, .enter = chaos_enter,                    \
        .remove = chaos_remove, .protect = chaos_protect, .extract = chaos_extract,                \
        .order = chaos_order, .update = chaos_update, .activate = chaos_activate,                  \
        .deactivate = chaos_deactivate, .page_protect = chaos_page_protect,                        \
        .page_test_clear_referenced = chaos_page_test_clear_referenced,                            \
        .page_is_modified = chaos_page_is_modified,                                                \
        .page_clear_modified = chaos_page_clear_modified, .caps = chaos_caps,                      \
        .check = chaos_check,                                                                      \
    }

#define CHAOS_ROW(cname, row)                                                                      \
    static enum pgw_status chaos_##cname##_system_create(struct mem *mem,                          \
        struct base_alloc *alloc, const struct pmap_shootdown *shootdown,                          \
        struct pmap_system **system)                                                               \
    {                                                                                              \
        return chaos_system_create(                                                                \
            &chaos_pmap_##cname, &pmap_##cname, mem, alloc, shootdown, system);                    \
    }                                                                                              \
    const struct pmap_ops chaos_pmap_##cname =                                                     \
        CHAOS_OPS("chaos-" row, chaos_##cname##_system_create);
CHAOS_ROWS(CHAOS_ROW)

/* clang-format off */
#define CHAOS_PAIR(cname, row) {&chaos_pmap_##cname, &pmap_##cname},
static const struct {
    const struct pmap_ops *chaos, *inner;
} chaos_rows[] = { CHAOS_ROWS(CHAOS_PAIR) };
/* clang-format on */
#define CHAOS_NROWS (sizeof chaos_rows / sizeof chaos_rows[0])

const struct pmap_ops *
chaos_pmap_ops(const struct pmap_ops *inner)
{
    for (size_t i = 0; i < CHAOS_NROWS; i++)
        if (chaos_rows[i].inner == inner)
            return chaos_rows[i].chaos;
    return NULL;
}

const struct pmap_ops *
chaos_pmap_inner_ops(const struct pmap_ops *chaos)
{
    for (size_t i = 0; i < CHAOS_NROWS; i++)
        if (chaos_rows[i].chaos == chaos)
            return chaos_rows[i].inner;
    return NULL;
}

void
chaos_pmap_tune(struct pmap_system *system, uint64_t seed, unsigned one_in)
{
    base_rng_init(&chaos_system(system)->rng, seed);
    chaos_system(system)->one_in = one_in;
}

uint64_t
chaos_pmap_dropped(const struct pmap_system *system)
{
    return ((const struct chaos_system *)system)->dropped;
}

struct pmap *
chaos_pmap_inner(struct pmap *pmap)
{
    return chaos_inner(pmap);
}
