/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Amaps: which anon is behind each page of a region.
 *
 * After a fork both regions share one amap, marked needs_copy, and every mapping is read-only.  The
 * first one that wants to change it copies it: a new tree that points at the same anons, each
 * with one reference more.  From then on copy-on-write is decided anon by anon.  The last of the
 * sharers finds that it is alone and just takes it.
 *
 * UVM lets regions that were split share one amap and counts references by page.  Splitting the
 * amap with the region needs no such counts: subtrees move by their root.
 */
#include "vm/core.h"

enum pgw_status
vm_amap_create(struct vm_system *system, struct vm_amap **amap)
{
    struct vm_amap *new = base_pool_get(&system->amaps);

    if (new == NULL)
        return PGW_NOMEM;
    new->refs = 1;
    new->id = ++system->amap_ids;
    base_radix_init(&new->slots, &system->nodes);
    *amap = new;
    return PGW_OK;
}

void
vm_amap_release(struct vm_system *system, struct vm_amap *amap)
{
    uint64_t idx = 0;
    struct vm_anon *anon;

    BASE_ASSERT(amap->refs > 0);
    if (--amap->refs > 0)
        return;
    for (; (anon = base_radix_next(&amap->slots, &idx)) != NULL; idx++)
        vm_anon_release(system, anon);
    vm_commit_uncharge(system, amap->charged);
    base_radix_fini(&amap->slots);
    base_pool_put(&system->amaps, amap);
}

static enum pgw_status
amap_copy(struct vm_system *system, const struct vm_amap *from, struct vm_amap **copy)
{
    uint64_t idx = 0;
    struct vm_anon *anon;
    struct vm_amap *new;
    enum pgw_status status = vm_amap_create(system, &new);

    if (status != PGW_OK)
        return status;
    status = base_radix_copy(&from->slots, &new->slots);
    if (status != PGW_OK) {
        vm_amap_release(system, new);
        return status;
    }
    for (; (anon = base_radix_next(&new->slots, &idx)) != NULL; idx++)
        vm_anon_hold(system, anon);
    *copy = new;
    return PGW_OK;
}

enum pgw_status
vm_amap_own(struct vm_system *system, struct vm_region *region)
{
    struct vm_amap *copy;

    if (region->amap == NULL)
        return vm_amap_create(system, &region->amap);
    if (!region->needs_copy)
        return PGW_OK;
    if (region->amap->refs > 1) {
        enum pgw_status status = amap_copy(system, region->amap, &copy);
        if (status != PGW_OK)
            return status;
        vm_amap_release(system, region->amap);
        region->amap = copy;
    }
    region->needs_copy = false;
    return PGW_OK;
}

enum pgw_status
vm_amap_split(struct vm_system *system, struct vm_amap *amap, uint64_t idx, struct vm_amap **right)
{
    struct vm_amap *new;
    enum pgw_status status = vm_amap_create(system, &new);

    BASE_ASSERT(amap->refs == 1);
    if (status != PGW_OK)
        return status;
    status = base_radix_split(&amap->slots, idx, &new->slots);
    if (status != PGW_OK || new->slots.count == 0) {
        vm_amap_release(system, new);
        new = NULL;
    }
    if (status == PGW_OK)
        *right = new;
    return status;
}

/* The most anons that are moved to make two regions one: some tens of microseconds. */
#define AMAP_JOIN_MOST 2048u

/* Puts everything in from into to as well; all or nothing. */
static bool
amap_add_all(struct vm_amap *to, const struct vm_amap *from)
{
    struct vm_anon *anon;

    for (uint64_t idx = 0; (anon = base_radix_next(&from->slots, &idx)) != NULL; idx++) {
        if (base_radix_set(&to->slots, idx, anon) == PGW_OK)
            continue;
        for (uint64_t undo = 0; base_radix_next(&from->slots, &undo) != NULL && undo < idx; undo++)
            (void)base_radix_remove(&to->slots, undo);
        return false;
    }
    return true;
}

bool
vm_amap_join(struct vm_system *system, struct vm_region *lower, struct vm_region *upper)
{
    struct vm_amap *more = lower->amap, *less = upper->amap;

    if (more->slots.count < less->slots.count) {
        more = upper->amap;
        less = lower->amap;
    }
    if (more->refs > 1 || less->refs > 1 || less->slots.count > AMAP_JOIN_MOST ||
        !amap_add_all(more, less))
        return false;
    base_radix_fini(&less->slots); /* the references went with the anons */
    base_pool_put(&system->amaps, less);
    lower->amap = more;
    lower->needs_copy = false;
    upper->amap = NULL;
    return true;
}

enum pgw_status
vm_amap_drop(struct vm_system *system, struct vm_region *region, uint64_t from, uint64_t to)
{
    if (region->amap == NULL)
        return PGW_OK;
    if (from <= region->start && to >= region->end) {
        vm_amap_release(system, region->amap); /* a fork's need not be copied first */
        region->amap = NULL;
        region->needs_copy = false;
        return PGW_OK;
    }
    enum pgw_status status = vm_amap_own(system, region);
    if (status != PGW_OK)
        return status;
    uint64_t idx = vm_region_idx(region, from), end = vm_region_idx(region, to - 1) + 1;
    struct vm_anon *anon;
    for (; (anon = base_radix_next(&region->amap->slots, &idx)) != NULL && idx < end; idx++) {
        (void)base_radix_remove(&region->amap->slots, idx);
        vm_anon_release(system, anon);
    }
    return PGW_OK;
}

struct vm_anon *
vm_amap_lookup(const struct vm_region *region, uint64_t va)
{
    if (region->amap == NULL)
        return NULL;
    return base_radix_get(&region->amap->slots, vm_region_idx(region, va));
}
