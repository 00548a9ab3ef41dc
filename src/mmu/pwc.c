/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walk caches are small (tens of places), so a look-up compares the keys one after the other and
 * the least recently used place is found by its stamp.
 *
 * A key holds what the table maps (the address without the bits that the table and those below
 * it translate), the tag of the space and validity in one word.  A table that was reached through a
 * global entry serves every space.
 *
 *     key:   63           18   17    16      1    0
 *           | va >> shift  |global|  asid    |valid|
 */
#include "mmu/pwc.h"

#include <string.h>

#include "base/assert.h"

#define PWC_NONE UINT32_MAX
#define PWC_GLOBAL ((uint64_t)1 << 17)
#define PWC_PREFIX(key) ((key) >> 18)
#define PWC_ASID(key) ((uint32_t)((key) >> 1) & 0xffffu)
#define PWC_SHIFT_MIN 18u /* of what a table maps, so that any address fits into a key */

struct pwc_place {
    uint64_t key; /* 0: free */
    uint64_t stamp;
    struct pwc_entry entry;
};

/* The cache of the tables of one level. */
struct pwc_cache {
    struct pwc_place *places;
    uint32_t n;
    uint32_t globals; /* of them, in use by global tables */
    unsigned shift;   /* a table maps 1 << shift bytes */
};

struct pwc {
    struct base_alloc *alloc;
    size_t size;    /* of this record and the places after it */
    uint64_t clock; /* the next stamp */
    unsigned levels;
    struct pwc_cache cache[MMU_LEVELS_MAX]; /* by level; that of the root has no places */
    struct pwc_place places[];
};

enum pgw_status
pwc_create(const struct mmu_format *format, const uint32_t entries[MMU_LEVELS_MAX],
    struct base_alloc *alloc, struct pwc **pwc)
{
    size_t n = 0;
    for (unsigned level = 1; level < format->levels; level++)
        n += entries[level];
    size_t size = sizeof(struct pwc) + n * sizeof(struct pwc_place);
    struct pwc *made = alloc->map(alloc, size);
    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->size = size;
    made->clock = 1;
    made->levels = format->levels;
    struct pwc_place *places = made->places;
    for (unsigned level = 1; level < format->levels; level++) {
        unsigned shift = format->level[level - 1].shift;
        BASE_ASSERT(shift >= PWC_SHIFT_MIN);
        made->cache[level] =
            (struct pwc_cache){.places = places, .n = entries[level], .shift = shift};
        places += entries[level];
    }
    *pwc = made;
    return PGW_OK;
}

void
pwc_destroy(struct pwc *pwc)
{
    if (pwc != NULL)
        pwc->alloc->unmap(pwc->alloc, pwc, pwc->size);
}

static uint64_t
pwc_key(const struct pwc_cache *cache, uint64_t va, uint32_t asid)
{
    return va >> cache->shift << 18 | (uint64_t)asid << 1 | 1;
}

static uint64_t
pwc_key_global(const struct pwc_cache *cache, uint64_t va)
{
    return va >> cache->shift << 18 | PWC_GLOBAL | 1;
}

static uint32_t
pwc_search(const struct pwc_cache *cache, uint64_t key)
{
    for (uint32_t i = 0; i < cache->n; i++)
        if (cache->places[i].key == key)
            return i;
    return PWC_NONE;
}

/* The place that serves va in the space; PWC_NONE. */
static uint32_t
pwc_lookup(const struct pwc_cache *cache, uint64_t va, uint32_t asid)
{
    uint32_t i = pwc_search(cache, pwc_key(cache, va, asid));
    if (i == PWC_NONE && cache->globals != 0)
        i = pwc_search(cache, pwc_key_global(cache, va));
    return i;
}

unsigned
pwc_find(struct pwc *pwc, uint64_t va, uint32_t asid, bool touch, struct pwc_entry *entry)
{
    for (unsigned level = pwc->levels - 1; level >= 1; level--) {
        struct pwc_cache *cache = &pwc->cache[level];
        uint32_t i = pwc_lookup(cache, va, asid);
        if (i == PWC_NONE)
            continue;
        if (touch)
            cache->places[i].stamp = pwc->clock++;
        *entry = cache->places[i].entry;
        return level;
    }
    return 0;
}

/* A free place, or the one that was used longest ago. */
static uint32_t
pwc_victim(const struct pwc_cache *cache)
{
    uint32_t victim = 0;
    for (uint32_t i = 0; i < cache->n; i++) {
        if (cache->places[i].key == 0)
            return i;
        if (cache->places[i].stamp < cache->places[victim].stamp)
            victim = i;
    }
    return victim;
}

static void
pwc_free(struct pwc_cache *cache, uint32_t i)
{
    cache->globals -= (cache->places[i].key & PWC_GLOBAL) != 0;
    cache->places[i].key = 0;
}

void
pwc_fill(struct pwc *pwc, unsigned level, uint64_t va, uint32_t asid, const struct pwc_entry *entry)
{
    BASE_ASSERT(level >= 1 && level < pwc->levels);
    struct pwc_cache *cache = &pwc->cache[level];
    if (cache->n == 0)
        return;
    uint32_t i = pwc_lookup(cache, va, asid);
    if (i == PWC_NONE)
        i = pwc_victim(cache);
    pwc_free(cache, i);
    cache->places[i] = (struct pwc_place){
        .key = entry->global ? pwc_key_global(cache, va) : pwc_key(cache, va, asid),
        .stamp = pwc->clock++,
        .entry = *entry};
    cache->globals += entry->global;
}

uint64_t
pwc_drop_range(struct pwc *pwc, uint32_t asid, uint64_t va, uint64_t npages)
{
    uint64_t dropped = 0;
    if (npages == 0)
        return 0;
    uint64_t last = npages - 1 > (UINT64_MAX - va) >> PAGE_SHIFT
                        ? UINT64_MAX
                        : va + ((npages - 1) << PAGE_SHIFT);
    for (unsigned level = 1; level < pwc->levels; level++) {
        struct pwc_cache *cache = &pwc->cache[level];
        for (uint32_t i = 0; i < cache->n; i++) {
            uint64_t key = cache->places[i].key, prefix = PWC_PREFIX(key);
            if (key == 0 || prefix < va >> cache->shift || prefix > last >> cache->shift)
                continue;
            if ((key & PWC_GLOBAL) == 0 && PWC_ASID(key) != asid)
                continue;
            pwc_free(cache, i);
            dropped++;
        }
    }
    return dropped;
}

/* Drops what is not global: of one space, or of all. */
static uint64_t
pwc_drop(struct pwc *pwc, bool all, uint32_t asid)
{
    uint64_t dropped = 0;
    for (unsigned level = 1; level < pwc->levels; level++) {
        struct pwc_cache *cache = &pwc->cache[level];
        for (uint32_t i = 0; i < cache->n; i++) {
            uint64_t key = cache->places[i].key;
            if (key == 0 || (key & PWC_GLOBAL) != 0 || (!all && PWC_ASID(key) != asid))
                continue;
            pwc_free(cache, i);
            dropped++;
        }
    }
    return dropped;
}

uint64_t
pwc_drop_space(struct pwc *pwc, uint32_t asid)
{
    return pwc_drop(pwc, false, asid);
}

uint64_t
pwc_drop_all(struct pwc *pwc)
{
    return pwc_drop(pwc, true, 0);
}

static void
pwc_view_place(const struct pwc_cache *cache, unsigned level, uint32_t i, struct mmu_tlb_view *view)
{
    static const char name[] = "walk ";
    const struct pwc_place *place = &cache->places[i];
    *view = (struct mmu_tlb_view){.valid = place->key != 0};
    memcpy(view->array, name, sizeof(name));
    view->array[sizeof(name) - 1] = (char)('0' + level);
    if (!view->valid)
        return;
    unsigned order = cache->shift - PAGE_SHIFT;
    view->vpn = PWC_PREFIX(place->key) << order;
    view->npages = (uint64_t)1 << order;
    view->pfn = place->entry.pfn;
    view->global = (place->key & PWC_GLOBAL) != 0;
    view->asid = view->global ? 0 : PWC_ASID(place->key);
    view->prot = place->entry.prot;
}

bool
pwc_view(const struct pwc *pwc, size_t i, struct mmu_tlb_view *view)
{
    /* from the leaves upwards, as walks ask them */
    for (unsigned level = pwc->levels - 1; level >= 1; level--) {
        const struct pwc_cache *cache = &pwc->cache[level];
        if (i < cache->n) {
            pwc_view_place(cache, level, (uint32_t)i, view);
            return true;
        }
        i -= cache->n;
    }
    return false;
}
