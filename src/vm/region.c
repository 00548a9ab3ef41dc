/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The regions of a space: what is mapped where, with which rights.  A red-black tree by address;
 * regions never overlap.  Most look-ups find the region of the one before, so that one is tried
 * first.
 *
 * Neighbours that are alike are one region: cutting and joining are each other's inverse.  They are
 * not joined when that would cost more than it is worth: an amap shared after a fork, or many anons
 * to move.  So a program may meet a boundary that it does not expect, but no other difference.
 *
 * Holes are searched from the top down, from a space's stack towards its heap, as Linux does.  Each
 * region knows of its subtree where it begins and ends and how large the largest hole inside it is,
 * so that a search enters only subtrees that have room: programs with tens of thousands of one-page
 * mappings exist.  A hole is counted within the smallest subtree that has regions on both sides of
 * it; nothing outside a subtree matters to what its root knows.
 */
#include "vm/core.h"

/* What the tree's macros do to a node whose children have changed. */
static void region_sum(struct vm_region *region);
#undef RB_AUGMENT
#define RB_AUGMENT(region) region_sum(region)

int
vm_region_compare(const struct vm_region *a, const struct vm_region *b)
{
    return a->start < b->start ? -1 : a->start > b->start;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion" /* libbsd's macro */
RB_GENERATE(vm_region_tree, vm_region, link, vm_region_compare)
#pragma GCC diagnostic pop

static uint64_t
region_gap(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

static uint64_t
region_most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void
region_sum(struct vm_region *region)
{
    const struct vm_region *left = RB_LEFT(region, link), *right = RB_RIGHT(region, link);
    uint64_t floor = vm_region_floor(region);

    region->tree.first = floor;
    region->tree.last = region->end;
    region->tree.gap = 0;
    if (left != NULL) {
        region->tree.first = left->tree.first;
        region->tree.gap = region_most(left->tree.gap, region_gap(left->tree.last, floor));
    }
    if (right != NULL) {
        uint64_t gap = region_most(right->tree.gap, region_gap(region->end, right->tree.first));
        region->tree.last = right->tree.last;
        region->tree.gap = region_most(region->tree.gap, gap);
    }
}

void
vm_region_changed(struct vm_region *region)
{
    for (; region != NULL; region = RB_PARENT(region, link))
        region_sum(region);
}

bool
vm_region_knows_gaps(const struct vm_region *region)
{
    struct vm_region copy = *region;

    region_sum(&copy);
    return copy.tree.first == region->tree.first && copy.tree.last == region->tree.last &&
           copy.tree.gap == region->tree.gap;
}

/* Takes it out of the tree.  Whoever had it below knows of it no longer, up to the root. */
static void
region_take_out(struct vm_space *space, struct vm_region *region)
{
    struct vm_region *lowest = RB_PARENT(region, link);

    if (RB_LEFT(region, link) != NULL && RB_RIGHT(region, link) != NULL) {
        struct vm_region *next = RB_NEXT(vm_region_tree, &space->regions, region);
        lowest = RB_PARENT(next, link) == region ? next : RB_PARENT(next, link);
    }
    RB_REMOVE(vm_region_tree, &space->regions, region);
    vm_region_changed(lowest);
    space->nregions--;
    space->mapped -= region->end - region->start;
    space->system->stats.regions--;
}

struct vm_region *
vm_region_new(struct vm_space *space)
{
    return space->nregions < VM_REGIONS_MAX ? base_pool_get(&space->system->regions) : NULL;
}

struct vm_region *
vm_region_at_or_above(struct vm_space *space, uint64_t va)
{
    struct vm_region *found = NULL;
    struct vm_region *at = space->hint;

    if (at != NULL && at->start <= va && va < at->end)
        return at;
    at = RB_ROOT(&space->regions);
    while (at != NULL) {
        if (va < at->end) {
            found = at;
            at = RB_LEFT(at, link);
        } else {
            at = RB_RIGHT(at, link);
        }
    }
    space->hint = found;
    return found;
}

struct vm_region *
vm_region_at(struct vm_space *space, uint64_t va)
{
    struct vm_region *region = vm_region_at_or_above(space, va);

    return region != NULL && region->start <= va ? region : NULL;
}

void
vm_region_insert(struct vm_space *space, struct vm_region *region)
{
    struct vm_region *clash = RB_INSERT(vm_region_tree, &space->regions, region);

    BASE_ASSERT(clash == NULL);
    vm_region_changed(region);
    space->nregions++;
    space->mapped += region->end - region->start;
    space->system->stats.regions++;
}

void
vm_region_move(struct vm_space *space, struct vm_region *region, uint64_t start, uint64_t end)
{
    region_take_out(space, region);
    region->start = start;
    region->end = end;
    vm_region_insert(space, region);
}

enum pgw_status
vm_region_promise_more(struct vm_space *space, struct vm_region *region, uint64_t npages)
{
    bool by_amap = region->shared && region->object == NULL && region->amap != NULL;

    if (!region->charged && !by_amap)
        return PGW_OK;
    enum pgw_status status = vm_commit_charge(space->system, npages);
    if (status == PGW_OK && !region->charged)
        region->amap->charged += npages;
    return status;
}

/* Takes that back. */
static void
region_promise_less(struct vm_space *space, struct vm_region *region, uint64_t npages)
{
    bool by_amap = region->shared && region->object == NULL && region->amap != NULL;

    if (!region->charged && !by_amap)
        return;
    vm_commit_uncharge(space->system, npages);
    if (!region->charged)
        region->amap->charged -= npages;
}

enum pgw_status
vm_region_grow(struct vm_space *space, struct vm_region *region, uint64_t start, uint64_t end)
{
    uint64_t more = ((end - start) >> PAGE_SHIFT) - vm_region_pages(region);

    if (vm_region_promise_more(space, region, more) != PGW_OK)
        return PGW_NOCOMMIT;
    if (region->locked && vm_lock_charge(space, more) != PGW_OK) {
        region_promise_less(space, region, more);
        return PGW_NORAM;
    }
    vm_region_move(space, region, start, end);
    return PGW_OK;
}

void
vm_region_destroy(struct vm_space *space, struct vm_region *region)
{
    struct vm_system *system = space->system;

    region_take_out(space, region);
    space->hint = NULL;
    if (region->locked)
        vm_lock_end(space, region);
    if (region->charged)
        vm_commit_uncharge(system, vm_region_pages(region));
    if (region->amap != NULL)
        vm_amap_release(system, region->amap);
    if (region->object != NULL)
        vm_object_release_locked(region->object);
    base_pool_put(&system->regions, region);
}

/* The part of an owned amap that lies above va, where region is to be cut. */
static enum pgw_status
region_split_amap(
    struct vm_system *system, struct vm_region *region, uint64_t va, struct vm_amap **right)
{
    *right = region->shared ? region->amap : NULL;
    if (*right != NULL)
        region->amap->refs++;
    if (region->shared || region->amap == NULL)
        return PGW_OK;
    enum pgw_status status = vm_amap_own(system, region);
    if (status != PGW_OK)
        return status;
    return vm_amap_split(system, region->amap, vm_region_idx(region, va), right);
}

/* Cuts region in two at va, which lies inside it.  What can fail comes first. */
static enum pgw_status
region_split(struct vm_space *space, struct vm_region *region, uint64_t va)
{
    struct vm_region *upper = vm_region_new(space);
    struct vm_amap *right;

    if (upper == NULL)
        return PGW_NOMEM;
    enum pgw_status status = region_split_amap(space->system, region, va, &right);
    if (status != PGW_OK) {
        base_pool_put(&space->system->regions, upper);
        return status;
    }
    *upper = *region;
    upper->start = va;
    upper->offset += va - region->start;
    upper->amap = right;
    upper->growsdown = false; /* the lower part is the one that grows */
    if (region->growsdown)
        region->len_max -= region->end - va;
    if (upper->object != NULL)
        vm_object_hold_locked(upper->object);
    space->mapped -= region->end - va;
    region->end = va;
    vm_region_changed(region);
    vm_region_insert(space, upper);
    return PGW_OK;
}

enum pgw_status
vm_region_clip(struct vm_space *space, uint64_t va)
{
    struct vm_region *region = vm_region_at(space, va);

    if (region == NULL || region->start == va)
        return PGW_OK;
    return region_split(space, region, va);
}

bool
vm_region_is_like(const struct vm_region *lower, const struct vm_region *upper)
{
    if (lower->end != upper->start || lower->prot != upper->prot || lower->use != upper->use)
        return false;
    if (lower->object != upper->object || upper->growsdown || lower->shared != upper->shared)
        return false;
    if (lower->locked != upper->locked || (lower->locked && lower->on_fault != upper->on_fault) ||
        lower->noreserve != upper->noreserve || lower->charged != upper->charged ||
        lower->advice != upper->advice || lower->nowrite != upper->nowrite)
        return false;
    return lower->object == NULL || lower->offset + (lower->end - lower->start) == upper->offset;
}

/* Lower's amap becomes that of both, upper's is gone; false: it cannot be, nothing has changed. */
static bool
region_join_amaps(struct vm_system *system, struct vm_region *lower, struct vm_region *upper)
{
    uint64_t low = lower->growsdown ? lower->end - lower->len_max : lower->start;

    if (lower->shared) /* upper's reference goes with upper */
        return lower->amap == upper->amap &&
               (lower->amap == NULL || lower->anchor == upper->anchor);
    if (upper->amap == NULL)
        return true;
    if (lower->amap != NULL)
        return lower->anchor == upper->anchor && vm_amap_join(system, lower, upper);
    if (upper->start - upper->anchor < upper->start - low)
        return false; /* lower's pages, now or when it has grown, would come before its index 0 */
    lower->amap = upper->amap;
    lower->anchor = upper->anchor;
    lower->needs_copy = upper->needs_copy;
    upper->amap = NULL;
    return true;
}

/* Makes lower and the region above it one, if they are alike. */
static bool
region_join(struct vm_space *space, struct vm_region *lower, struct vm_region *upper)
{
    uint64_t len = upper->end - upper->start;

    if (!vm_region_is_like(lower, upper) || !region_join_amaps(space->system, lower, upper))
        return false;
    upper->charged = upper->locked = false; /* lower answers for it now */
    vm_region_destroy(space, upper);
    lower->end += len;
    space->mapped += len;
    if (lower->growsdown)
        lower->len_max += len;
    vm_region_changed(lower);
    return true;
}

void
vm_region_join(struct vm_space *space, uint64_t va, uint64_t end)
{
    struct vm_region *lower = vm_region_at_or_above(space, va > 0 ? va - 1 : 0);

    while (lower != NULL && lower->start < end) {
        struct vm_region *upper = RB_NEXT(vm_region_tree, &space->regions, lower);
        if (upper == NULL || !region_join(space, lower, upper))
            lower = upper;
    }
}

uint64_t
vm_region_floor(const struct vm_region *region)
{
    uint64_t room = region->len_max + SPACE_GUARD;

    if (!region->growsdown)
        return region->start;
    return region->end > room ? region->end - room : 0;
}

/* The highest hole in [low, high), where the subtree's regions lie. */
static bool
region_hole(const struct vm_region *root, uint64_t low, uint64_t high, uint64_t len, uint64_t *va)
{
    if (region_gap(low, high) < len)
        return false;
    if (root == NULL) {
        *va = high - len;
        return true;
    }
    if (root->tree.gap < len && region_gap(root->tree.last, high) < len &&
        region_gap(low, root->tree.first) < len)
        return false;
    if (region_hole(RB_RIGHT(root, link), root->end, high, len, va))
        return true;
    uint64_t floor = vm_region_floor(root);
    return region_hole(RB_LEFT(root, link), low, floor < high ? floor : high, len, va);
}

enum pgw_status
vm_region_hole(struct vm_space *space, uint64_t len, uint64_t top, uint64_t *va)
{
    const struct vm_region *root = RB_ROOT(&space->regions);

    return region_hole(root, VM_SPACE_START, top, len, va) ? PGW_OK : PGW_NOSPACE;
}
