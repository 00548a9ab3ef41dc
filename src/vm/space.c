/* SPDX-License-Identifier: BSD-2-Clause */
/* The paged core's spaces, and copying in and out of any space. */
#include "vm/space.h"

#include <string.h>

#include "vm/core.h"

static const struct space_ops vm_space_ops;

/* A mapping may vanish as soon as it is made (law P1), but not for ever. */
#define RESOLVE_TRIES 1000u

/* Frames to be freed between two tries to find room for a root table. */
#define CREATE_BATCH 16u

enum pgw_status
vm_space_create_locked(struct vm_system *system, struct vm_space **space)
{
    struct vm_space *new = base_pool_get(&system->spaces);

    if (new == NULL)
        return PGW_NOMEM;
    enum pgw_status status = system->pmap_ops->create(system->pmap_system, &new->pmap);
    /* A root table of many frames needs them side by side: more and more goes until they are. */
    while (status == PGW_NORAM && vm_reclaim_locked(system, CREATE_BATCH) > 0)
        status = system->pmap_ops->create(system->pmap_system, &new->pmap);
    if (status != PGW_OK) {
        base_pool_put(&system->spaces, new);
        return status;
    }
    new->space.ops = &vm_space_ops;
    new->space.id = ++system->space_ids;
    new->space.asid = new->pmap->asid;
    new->system = system;
    new->top = vm_layout_top(system);
    RB_INIT(&new->regions);
    base_radix_init(&new->wired, &system->nodes);
    TAILQ_INSERT_TAIL(&system->all_spaces, new, link);
    system->stats.spaces++;
    status = vm_commit_space(new);
    if (status != PGW_OK) {
        vm_space_destroy_locked(new);
        return status;
    }
    *space = new;
    return PGW_OK;
}

void
vm_space_destroy_locked(struct vm_space *space)
{
    struct vm_system *system = space->system;

    vm_map_clear(space, 0, system->space_end);
    BASE_ASSERT(space->wired.count == 0 && space->locked == 0);
    vm_commit_space_ends(space);
    system->pmap_ops->destroy(space->pmap);
    if (system->held.space == &space->space)
        system->held.space = NULL;
    TAILQ_REMOVE(&system->all_spaces, space, link);
    system->stats.spaces--;
    base_pool_put(&system->spaces, space);
}

enum pgw_status
vm_space_create(struct vm_system *system, struct space **space)
{
    struct vm_space *new;

    base_lock_take(&system->lock);
    enum pgw_status status = vm_space_create_locked(system, &new);
    base_lock_drop(&system->lock);
    if (status == PGW_OK)
        *space = &new->space;
    return status;
}

static void
space_destroy(struct space *space)
{
    struct vm_system *system = vm_space_of(space)->system;

    base_lock_take(&system->lock);
    vm_space_destroy_locked(vm_space_of(space));
    base_lock_drop(&system->lock);
}

static enum space_fault
space_fault(struct space *space, uint64_t va, enum access access)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    enum space_fault fault = vm_fault_locked(vm_space, va, access);
    base_lock_drop(&vm_space->system->lock);
    return fault;
}

/* What the MMU would find for the access, now; false: it would fault. */
static bool
space_translate(struct vm_space *space, uint64_t va, enum access access, struct mem_page **page)
{
    prot_t prot;

    return space->system->pmap_ops->extract(space->pmap, page_floor(va), page, &prot) == PGW_OK &&
           prot_allows(prot, access);
}

/*
 * The core touches the page as the program would, through the mapping that the program's own
 * access would use, so rights and copy-on-write are the same.  It marks the page by hand.
 */
static enum space_fault
space_resolve(struct space *space, uint64_t va, enum access access, unsigned char **bytes)
{
    struct vm_space *vm_space = vm_space_of(space);
    struct vm_system *system = vm_space->system;
    struct mem_page *page;
    enum space_fault fault = SPACE_FAULT_OK;

    base_lock_take(&system->lock);
    for (unsigned tries = 0; !space_translate(vm_space, va, access, &page); tries++) {
        fault = tries < RESOLVE_TRIES ? vm_fault_locked(vm_space, va, access) : SPACE_FAULT_NOMEM;
        if (fault != SPACE_FAULT_OK)
            break;
    }
    if (fault == SPACE_FAULT_OK) {
        page->referenced = 1;
        if (access == ACCESS_WRITE)
            page->dirty = 1;
        *bytes = mem_page_bytes(system->mem, page);
    }
    base_lock_drop(&system->lock);
    return fault;
}

static enum pgw_status
space_limit_growth(struct space *space, uint64_t va, uint64_t len_max)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    struct vm_region *region = vm_region_at(vm_space, va);
    bool found = region != NULL && region->growsdown;
    if (found) {
        uint64_t most = region->end - region->anchor; /* the amap's indices start there */
        region->len_max = len_max < most ? page_floor(len_max) : most;
        vm_region_changed(region);
    }
    base_lock_drop(&vm_space->system->lock);
    return found ? PGW_OK : PGW_NOTFOUND;
}

static bool
space_find(struct space *space, uint64_t va, struct space_region *out)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    const struct vm_region *region = vm_region_at_or_above(vm_space, va);
    if (region != NULL)
        *out = (struct space_region){.start = region->start,
            .end = region->end,
            .prot = region->prot,
            .use = region->use,
            .growsdown = region->growsdown,
            .shared = region->shared,
            .nowrite = region->nowrite,
            .locked = region->locked,
            .on_fault = region->locked && region->on_fault,
            .committed = region->charged || region->shared || region->prot != PROT_MASK_NONE,
            .advice = region->advice,
            .offset = region->offset,
            .object = region->object != NULL ? &region->object->base : NULL};
    base_lock_drop(&vm_space->system->lock);
    return region != NULL;
}

/* The first page of the object in RAM at or after *idx, however it is kept. */
static const struct mem_page *
space_next_page(const struct vm_object *object, uint64_t *idx)
{
    const struct vm_anon *anon;

    if (object->amap == NULL)
        return base_radix_next(&object->pages, idx);
    while ((anon = base_radix_next(&object->amap->slots, idx)) != NULL && anon->page == NULL)
        ++*idx;
    return anon != NULL ? anon->page : NULL;
}

/* The pages of the region's object that the space has mapped. */
static uint64_t
space_count_file(const struct vm_space *space, const struct vm_region *region)
{
    uint64_t end = (region->offset + (region->end - region->start)) >> PAGE_SHIFT;
    uint64_t idx = region->offset >> PAGE_SHIFT;
    const struct mem_page *page;
    struct mem_page *mapped;
    uint64_t count = 0;

    for (; (page = space_next_page(region->object, &idx)) != NULL && idx < end; idx++) {
        uint64_t va = region->start + (idx << PAGE_SHIFT) - region->offset;
        count += space->system->pmap_ops->extract(space->pmap, va, &mapped, NULL) == PGW_OK &&
                 mapped == page;
    }
    return count;
}

static void
space_count_region(
    const struct vm_space *space, const struct vm_region *region, struct space_counts *counts)
{
    struct vm_anon *anon;
    uint64_t idx = 0;

    uint64_t last = vm_region_idx(region, region->end - 1);

    idx = vm_region_idx(region, region->start);
    if (region->amap != NULL)
        for (; (anon = base_radix_next(&region->amap->slots, &idx)) != NULL && idx <= last; idx++) {
            counts->resident += anon->page != NULL;
            counts->swapped += anon->page == NULL && anon->slot != PAGER_SLOT_NONE;
        }
    if (region->object != NULL && !vm_region_shares_amap(region))
        counts->resident += space_count_file(space, region);
}

static void
space_sizes(struct space *space, struct space_sizes *sizes)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    *sizes = (struct space_sizes){vm_space->mapped, vm_space->locked << PAGE_SHIFT};
    base_lock_drop(&vm_space->system->lock);
}

static void
space_counts(struct space *space, struct space_counts *counts)
{
    struct vm_space *vm_space = vm_space_of(space);
    struct vm_region *region;

    base_lock_take(&vm_space->system->lock);
    *counts = (struct space_counts){.mapped = vm_space->mapped,
        .tables = vm_space->pmap->tables,
        .minor = vm_space->faults.minor,
        .major = vm_space->faults.major,
        .zero_fill = vm_space->faults.zero_fill,
        .cow = vm_space->faults.cow};
    RB_FOREACH (region, vm_region_tree, &vm_space->regions)
        space_count_region(vm_space, region, counts);
    base_lock_drop(&vm_space->system->lock);
}

/* The anons that the region shows, where there are any: its own, or the memory object's. */
static const struct vm_amap *
space_amap(const struct vm_region *region)
{
    return region->amap != NULL || region->object == NULL ? region->amap : region->object->amap;
}

/* The anon that va shows: the region's own, or the memory object's under it. */
static const struct vm_anon *
space_anon(const struct vm_region *region, uint64_t va)
{
    const struct vm_anon *anon = vm_amap_lookup(region, va);

    if (anon != NULL || region->object == NULL || region->object->amap == NULL)
        return anon;
    return base_radix_get(
        &region->object->amap->slots, (region->offset + (va - region->start)) >> PAGE_SHIFT);
}

/* Regions of all spaces that show this page of the object.  Slow; for the curious. */
static uint64_t
space_count_regions(const struct vm_object *object, uint64_t idx)
{
    struct vm_space *space;
    struct vm_region *region;
    uint64_t n = 0;

    TAILQ_FOREACH (space, &object->system->all_spaces, link)
        RB_FOREACH (region, vm_region_tree, &space->regions)
            n += region->object == object && region->offset >> PAGE_SHIFT <= idx &&
                 idx - (region->offset >> PAGE_SHIFT) < vm_region_pages(region);
    return n;
}

static void
space_page_locked(struct vm_space *vm_space, uint64_t va, struct space_page *out)
{
    const struct vm_region *region = vm_region_at(vm_space, va);
    const struct vm_anon *anon = region != NULL ? space_anon(region, page_floor(va)) : NULL;
    *out = (struct space_page){.slot = PAGER_SLOT_NONE};
    if (region == NULL) {
        out->state = SPACE_PAGE_UNMAPPED;
    } else if (anon != NULL) {
        out->page = anon->page;
        out->slot = anon->slot;
        out->sharers = (uint64_t)anon->refs - 1 + space_amap(region)->refs;
        out->state = anon->page != NULL              ? SPACE_PAGE_RESIDENT
                     : anon->slot != PAGER_SLOT_NONE ? SPACE_PAGE_SWAPPED
                                                     : SPACE_PAGE_UNTOUCHED;
    } else if (region->object != NULL && region->object->amap == NULL) {
        uint64_t idx = (region->offset + (page_floor(va) - region->start)) >> PAGE_SHIFT;
        out->page = vm_object_page(region->object, idx);
        out->sharers = space_count_regions(region->object, idx);
        out->state = out->page != NULL ? SPACE_PAGE_RESIDENT : SPACE_PAGE_FILE;
    } else {
        out->state = SPACE_PAGE_UNTOUCHED;
    }
    if (out->page != NULL)
        out->dirty = out->page->dirty || vm_space->system->pmap_ops->page_is_modified(
                                             vm_space->system->pmap_system, out->page);
}

static void
space_page(struct space *space, uint64_t va, struct space_page *out)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    space_page_locked(vm_space, va, out);
    base_lock_drop(&vm_space->system->lock);
}

static enum pgw_status
space_evict(struct space *space, uint64_t va)
{
    struct vm_system *system = vm_space_of(space)->system;
    struct space_page found;

    base_lock_take(&system->lock);
    space_page_locked(vm_space_of(space), va, &found);
    enum pgw_status status =
        found.page != NULL ? vm_evict_page_locked(system, found.page) : PGW_NOTFOUND;
    base_lock_drop(&system->lock);
    return status;
}

static void
space_activate(struct space *space, struct pmap_context *context)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    vm_space->system->pmap_ops->activate(vm_space->pmap, context);
    base_lock_drop(&vm_space->system->lock);
}

static void
space_deactivate(struct space *space)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    vm_space->system->pmap_ops->deactivate(vm_space->pmap);
    base_lock_drop(&vm_space->system->lock);
}

static const struct space_ops vm_space_ops = {
    .name = "paged",
    .fork = vm_fork,
    .destroy = space_destroy,
    .map = vm_map,
    .unmap = vm_unmap,
    .protect = vm_protect,
    .remap = vm_remap,
    .share = vm_share,
    .limit_growth = space_limit_growth,
    .fault = space_fault,
    .resolve = space_resolve,
    .find = space_find,
    .identity = vm_identity,
    .sizes = space_sizes,
    .counts = space_counts,
    .page = space_page,
    .evict = space_evict,
    .advise = vm_advise,
    .lock = vm_lock,
    .populate = vm_populate,
    .incore = vm_incore,
    .sync = vm_sync,
    .usage = vm_usage,
    .layout = vm_layout,
    .activate = space_activate,
    .deactivate = space_deactivate,
    .check = vm_space_check,
};

/* --- copying in and out of any space --- */

/* The bytes from va to the end of its page, or to the end of what is asked for. */
static size_t
space_run(uint64_t va, size_t len)
{
    size_t run = PAGE_SIZE - (size_t)(va & ~PAGE_MASK);

    return run < len ? run : len;
}

/* Copies between the space and a buffer: `to` is filled, or, where it is NULL, `from` is read. */
static enum space_fault
space_copy(struct space *space, uint64_t va, char *to, const char *from, size_t len, size_t *done)
{
    enum access access = to != NULL ? ACCESS_READ : ACCESS_WRITE;
    enum space_fault fault = SPACE_FAULT_OK;
    unsigned char *page;
    size_t at = 0;

    while (at < len) {
        size_t run = space_run(va + at, len - at);
        fault = space->ops->resolve(space, va + at, access, &page);
        if (fault != SPACE_FAULT_OK)
            break;
        unsigned char *bytes = page + ((va + at) & ~PAGE_MASK);
        if (to != NULL)
            memcpy(to + at, bytes, run);
        else
            memcpy(bytes, from + at, run);
        at += run;
    }
    if (done != NULL)
        *done = at;
    return fault;
}

enum space_fault
space_read(struct space *space, uint64_t va, void *buf, size_t len, size_t *done)
{
    return space_copy(space, va, buf, NULL, len, done);
}

enum space_fault
space_write(struct space *space, uint64_t va, const void *buf, size_t len, size_t *done)
{
    return space_copy(space, va, NULL, buf, len, done);
}

enum space_fault
space_read_string(struct space *space, uint64_t va, char *buf, size_t max)
{
    unsigned char *bytes;
    size_t at = 0;

    while (at < max) {
        size_t run = space_run(va + at, max - at);
        enum space_fault fault = space->ops->resolve(space, va + at, ACCESS_READ, &bytes);
        if (fault != SPACE_FAULT_OK)
            return fault;
        const unsigned char *from = bytes + ((va + at) & ~PAGE_MASK);
        memcpy(buf + at, from, run);
        if (memchr(from, '\0', run) != NULL)
            return SPACE_FAULT_OK;
        at += run;
    }
    return SPACE_FAULT_NOMEM;
}
