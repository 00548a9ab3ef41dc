/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Same-page merging: equal pages of private memory become one, which nobody may write in place.
 *
 *      amap 1  [ a ]--> anon A --> page        amap 1  [ a ]--+
 *                                        ===>                 +--> anon A --> page, read-only
 *      amap 2  [ b ]--> anon B --> page        amap 2  [ b ]--+    (B is freed)
 *
 * This needs nothing that the core has not got: an anon with two references is copied by whoever
 * writes, as after a fork.  So a write splits, an eviction writes the page once for all its users,
 * and it comes back once for all.
 *
 * The scanner goes round all spaces, some pages at a time.  For each page it computes a hash.  A
 * page whose hash is not what it was a round ago changes too often to be worth merging ("calm" are
 * those that are as they were).  For a calm page it looks for another one with that content which
 * it met earlier in this round, makes both read-only, compares them byte by byte, and merges.
 *
 *     seen      this round's set of (hash, place); at the end of the round it becomes
 *     before    the last round's, which says who is calm
 *     contents  this round's map from hash to the place of one calm page; one of a content only
 *
 * Nothing in these tables is believed.  A place (space, address) is looked up again and what is
 * there now is compared, so they need no hooks where pages are written, freed or evicted, and
 * hash collisions cost a merge that did not happen, never a wrong one.
 *
 * Linux keeps a stable tree of merged pages, ordered by content, for ever, and an unstable tree of
 * candidates a round; entries of the first point at pages and must be taken out in time.  Here
 * merged pages enter `contents` anew in each round, once an anon (vm_anon.merged is the round), so
 * one table is enough.  The price is a hash of each merged page a round, and that the first round
 * after an equal page appears may meet it before the merged one: then they still merge, because
 * of two the anon with fewer users gives way.  Trees ordered by content were rejected: each step
 * down one compares two pages; with a hash it is one compare a merge.
 *
 * A page has MERGE_SHARERS_MOST users at most: to evict it, all its mappings are looked up.  A full
 * one leaves its place in `contents` to the next page of its content.
 *
 * Zeros are a content like any other: a page of zeros is merged, not dropped, because whoever reads
 * it next would make a private one of it.
 *
 * What may be merged is private memory: shared regions are left out, because there a page is what
 * others see, and so are locked ones, whose pages are wired one by one.  An amap that is shared
 * after a fork is changed in place: those who share it see the same bytes as before.
 *
 * Merging can be observed.  A write to a merged page takes longer than to another one, so a
 * process that guesses the content of somebody's page can learn whether it was right (Suzaki et
 * al., Memory Deduplication as a Threat to the Guest OS, 2011).  So nothing is merged unless
 * the program (madvise) or the user (mode all) asks for it.
 */
#include <string.h>
#include <xxhash.h>

#include "vm/core.h"

#define MERGE_SHARERS_MOST 256u /* as Linux's max_page_sharing */
#define MERGE_ROUNDS 255u       /* round numbers go from 1 to this and start again */
#define MERGE_TABLE_LEAST 512u  /* entries; a power of two */

/* --- tables: open addressing, grown at three quarters; 0 is no key --- */

static size_t
table_bytes(const struct vm_merge_table *table, size_t cap)
{
    return cap * sizeof(uint64_t) * (table->is_map ? 2 : 1);
}

/* Where key is, or the free place where it would be. */
static size_t
table_find(const struct vm_merge_table *table, uint64_t key)
{
    size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (table->cap - 1);

    while (table->keys[at] != 0 && table->keys[at] != key)
        at = (at + 1) & (table->cap - 1);
    return at;
}

static void
table_fini(struct vm_merge_table *table, struct base_alloc *alloc)
{
    if (table->keys != NULL)
        alloc->unmap(alloc, table->keys, table_bytes(table, table->cap));
    *table = (struct vm_merge_table){.is_map = table->is_map};
}

static void
table_clear(struct vm_merge_table *table)
{
    if (table->keys != NULL)
        memset(table->keys, 0, table->cap * sizeof(uint64_t));
    table->count = 0;
}

static uint64_t *
table_values(const struct vm_merge_table *table)
{
    return table->keys + table->cap;
}

/* Twice the size; false: no memory, and it is as it was. */
static bool
table_grow(struct vm_merge_table *table, struct base_alloc *alloc)
{
    struct vm_merge_table new = {.is_map = table->is_map, .count = table->count};

    new.cap = table->cap == 0 ? MERGE_TABLE_LEAST : 2 * table->cap;
    new.keys = alloc->map(alloc, table_bytes(&new, new.cap));
    if (new.keys == NULL)
        return false;
    for (size_t i = 0; i < table->cap; i++) {
        if (table->keys[i] == 0)
            continue;
        size_t at = table_find(&new, table->keys[i]);
        new.keys[at] = table->keys[i];
        if (table->is_map)
            table_values(&new)[at] = table_values(table)[i];
    }
    table_fini(table, alloc);
    *table = new;
    return true;
}

static bool
table_has(const struct vm_merge_table *table, uint64_t key, uint64_t *value)
{
    if (table->cap == 0)
        return false;
    size_t at = table_find(table, key);
    if (table->keys[at] == 0)
        return false;
    if (value != NULL)
        *value = table_values(table)[at];
    return true;
}

/* Without memory it forgets the key, which costs a merge at the most. */
static void
table_put(struct vm_merge_table *table, struct base_alloc *alloc, uint64_t key, uint64_t value)
{
    if (table->count >= table->cap / 4 * 3 && !table_grow(table, alloc) &&
        table->count + 1 >= table->cap)
        return;
    size_t at = table_find(table, key);
    table->count += table->keys[at] == 0;
    table->keys[at] = key;
    if (table->is_map)
        table_values(table)[at] = value;
}

/* --- places --- */

/* One page of private memory, as found. */
struct merge_page {
    struct vm_space *space;
    struct vm_region *region;
    uint64_t va;
    struct vm_anon *anon;
};

#define PLACE_VPN_BITS 44u

/* Space and address in one word.  Should two spaces' numbers meet, a place leads to the wrong page
 * and the comparison finds out. */
static uint64_t
merge_place(const struct merge_page *at)
{
    return at->space->space.id << PLACE_VPN_BITS | at->va >> PAGE_SHIFT;
}

static bool
merge_allows(const struct vm_system *system, const struct vm_region *region)
{
    if (region->shared || region->locked || region->amap == NULL)
        return false;
    return system->merge.mode == VM_MERGE_ALL || (region->advice & (1u << SPACE_ADVICE_MERGE)) != 0;
}

/* In RAM, and nothing that is under way or pinned. */
static bool
merge_is_candidate(const struct vm_anon *anon)
{
    const struct mem_page *page = anon->page;

    return page != NULL && !page->busy && page->wired == 0 && !page->lazyfree;
}

/* What is at a place now; false: nothing that could be merged. */
static bool
merge_resolve(struct vm_system *system, uint64_t place, struct merge_page *at)
{
    uint64_t id = place >> PLACE_VPN_BITS;
    const uint64_t mask = UINT64_MAX >> PLACE_VPN_BITS;

    at->va = (place & (((uint64_t)1 << PLACE_VPN_BITS) - 1)) << PAGE_SHIFT;
    TAILQ_FOREACH (at->space, &system->all_spaces, link)
        if ((at->space->space.id & mask) == id)
            break;
    if (at->space == NULL)
        return false;
    at->region = vm_region_at(at->space, at->va);
    if (at->region == NULL || !merge_allows(system, at->region))
        return false;
    at->anon = vm_amap_lookup(at->region, at->va);
    return at->anon != NULL && merge_is_candidate(at->anon);
}

/* --- merging --- */

static void
merge_mark(struct vm_system *system, struct vm_anon *anon)
{
    struct vm_stats *stats = &system->stats;

    if (anon->merged == 0) {
        stats->merge_shared++;
        stats->merge_sharing += anon->refs - 1;
    }
    anon->merged = system->merge.round;
    base_peak(&stats->merge_shared_peak, stats->merge_shared);
    base_peak(&stats->merge_sharing_peak, stats->merge_sharing);
}

void
vm_merge_leave(struct vm_system *system, struct vm_anon *anon)
{
    if (anon->merged == 0)
        return;
    anon->merged = 0;
    system->stats.merge_shared--;
    system->stats.merge_sharing -= anon->refs - 1;
}

/* Puts keep's anon in the place of drop's. */
static bool
merge_redirect(
    struct vm_system *system, const struct merge_page *keep, const struct merge_page *drop)
{
    uint64_t idx = vm_region_idx(drop->region, drop->va);

    if (base_radix_set(&drop->region->amap->slots, idx, keep->anon) != PGW_OK)
        return false;
    /* All mappings of the page that goes: others who share the amap have some, too. */
    system->pmap_ops->page_protect(system->pmap_system, drop->anon->page, PROT_MASK_NONE);
    vm_anon_hold(system, keep->anon);
    merge_mark(system, keep->anon);
    vm_anon_release(system, drop->anon);
    system->stats.merge_merged++;
    return true;
}

/* Merges two pages whose hashes are the same; false: they differ after all, or it cannot be. */
static bool
merge_pair(struct vm_system *system, const struct merge_page *a, const struct merge_page *b)
{
    const prot_t readonly = PROT_MASK_R | PROT_MASK_X;
    const struct merge_page *keep = a->anon->refs >= b->anon->refs ? a : b;

    if (keep->anon->refs >= MERGE_SHARERS_MOST) {
        system->stats.merge_full++;
        return false;
    }
    /* Before they are compared, so that nobody changes one meanwhile. */
    system->pmap_ops->page_protect(system->pmap_system, a->anon->page, readonly);
    system->pmap_ops->page_protect(system->pmap_system, b->anon->page, readonly);
    if (memcmp(mem_page_bytes(system->mem, a->anon->page),
            mem_page_bytes(system->mem, b->anon->page), PAGE_SIZE) != 0)
        return false;
    return merge_redirect(system, keep, keep == a ? b : a);
}

/* --- the scanner --- */

/* Is the page as it was a round ago?  Takes note of how it is now. */
static bool
merge_is_calm(struct vm_system *system, uint64_t hash, uint64_t place)
{
    struct vm_merge *merge = &system->merge;
    uint64_t key = (hash ^ place * UINT64_C(0xff51afd7ed558ccd)) | 1;

    table_put(&merge->seen, system->alloc, key, 0);
    return table_has(&merge->before, key, NULL);
}

/* One page of a region that may be merged. */
static void
merge_look(struct vm_system *system, const struct merge_page *at)
{
    struct vm_merge *merge = &system->merge;
    struct merge_page other;
    uint64_t place = merge_place(at);
    uint64_t known;

    if (at->anon->merged != 0 && at->anon->refs == 1)
        vm_merge_leave(system, at->anon);
    if (at->anon->merged == merge->round || !merge_is_candidate(at->anon))
        return;
    uint64_t hash = XXH3_64bits(mem_page_bytes(system->mem, at->anon->page), PAGE_SIZE) | 1;
    system->stats.merge_scanned++;
    if (at->anon->merged == 0 && !merge_is_calm(system, hash, place)) {
        system->stats.merge_volatile++;
        return;
    }
    if (at->anon->merged != 0)
        merge_mark(system, at->anon);
    if (table_has(&merge->contents, hash, &known) && merge_resolve(system, known, &other) &&
        (other.anon == at->anon || merge_pair(system, &other, at)))
        return;
    table_put(&merge->contents, system->alloc, hash, place);
}

/* Goes on to the space with that number. */
static void
merge_enter(struct vm_merge *merge, uint64_t space_id)
{
    merge->space_id = space_id;
    merge->va = 0;
}

/* All has been looked at: this round's notes become the last one's. */
static void
merge_end_round(struct vm_merge *merge)
{
    struct vm_merge_table old = merge->before;

    merge->before = merge->seen;
    merge->seen = old;
    table_clear(&merge->seen);
    table_clear(&merge->contents);
    merge->round = merge->round < MERGE_ROUNDS ? (uint8_t)(merge->round + 1) : 1;
    merge_enter(merge, 0);
}

/* Looks at n pages of the region at most, from merge->va on; returns for how many it counts. */
static uint64_t
merge_region(struct vm_space *space, struct vm_region *region, uint64_t n)
{
    struct vm_merge *merge = &space->system->merge;
    struct merge_page at = {.space = space, .region = region};
    uint64_t looked = 0;

    if (merge->va < region->start)
        merge->va = region->start;
    for (; looked < n && merge_allows(space->system, region); looked++) {
        uint64_t idx = vm_region_idx(region, merge->va);
        at.anon = base_radix_next(&region->amap->slots, &idx);
        at.va = region->anchor + (idx << PAGE_SHIFT);
        if (at.anon == NULL || idx > vm_region_idx(region, region->end - 1))
            break;
        merge_look(space->system, &at);
        merge->va = at.va + PAGE_SIZE;
    }
    if (looked < n)
        merge->va = region->end;
    return looked + 1; /* passing a region is a step, too */
}

/* The space that the scanner is in, or the next one; NULL: it is through. */
static struct vm_space *
merge_space(struct vm_system *system)
{
    struct vm_merge *merge = &system->merge;
    struct vm_space *space;

    TAILQ_FOREACH (space, &system->all_spaces, link)
        if (space->space.id >= merge->space_id)
            break;
    if (space != NULL && space->space.id > merge->space_id)
        merge_enter(merge, space->space.id);
    return space;
}

uint64_t
vm_merge_run_locked(struct vm_system *system, uint64_t npages)
{
    struct vm_merge *merge = &system->merge;
    uint64_t merged = system->stats.merge_merged;

    for (uint64_t steps = 0; steps < npages && merge->mode != VM_MERGE_OFF;) {
        struct vm_space *space = merge_space(system);
        if (space == NULL) {
            merge_end_round(merge);
            system->stats.merge_rounds++;
            break;
        }
        struct vm_region *region = vm_region_at_or_above(space, merge->va);
        if (region != NULL)
            steps += merge_region(space, region, npages - steps);
        else
            merge_enter(merge, space->space.id + 1);
    }
    return system->stats.merge_merged - merged;
}

/* --- the way back --- */

enum pgw_status
vm_merge_unmerge_locked(struct vm_space *space, uint64_t va, uint64_t end)
{
    while (va < end) {
        /* Anew each time: a copy may wait, and then nothing is as it was. */
        struct vm_region *region = vm_region_at_or_above(space, va);
        if (region == NULL || region->start >= end)
            break;
        if (va < region->start)
            va = region->start;
        uint64_t idx = vm_region_idx(region, va);
        struct vm_anon *anon =
            region->amap != NULL ? base_radix_next(&region->amap->slots, &idx) : NULL;
        if (anon == NULL || idx > vm_region_idx(region, region->end - 1)) {
            va = region->end;
            continue;
        }
        va = region->anchor + (idx << PAGE_SHIFT);
        if (va < end && anon->merged != 0 && anon->refs > 1) {
            enum space_fault fault = vm_fault_unshare_locked(space, va);
            if (fault != SPACE_FAULT_OK)
                return fault == SPACE_FAULT_IO ? PGW_IO : PGW_NORAM;
        }
        va += PAGE_SIZE;
    }
    return PGW_OK;
}

uint64_t
vm_merge_run(struct vm_system *system, uint64_t npages)
{
    base_lock_take(&system->lock);
    uint64_t merged = vm_merge_run_locked(system, npages);
    base_lock_drop(&system->lock);
    return merged;
}

enum pgw_status
vm_merge_unmerge(struct space *space, uint64_t va, uint64_t end)
{
    struct vm_space *vm_space = vm_space_of(space);

    base_lock_take(&vm_space->system->lock);
    enum pgw_status status = vm_merge_unmerge_locked(vm_space, va, end);
    base_lock_drop(&vm_space->system->lock);
    return status;
}

void
vm_merge_init(struct vm_system *system, enum vm_merge_mode mode)
{
    system->merge = (struct vm_merge){.mode = mode, .round = 1, .contents.is_map = true};
}

void
vm_merge_fini(struct vm_system *system)
{
    table_fini(&system->merge.seen, system->alloc);
    table_fini(&system->merge.before, system->alloc);
    table_fini(&system->merge.contents, system->alloc);
}
