/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operating system's side of the inverted page table (mmu/hashed.h): one table for the whole
 * system, made with it, in one run of frames.  Its size goes by RAM and not by what the spaces map,
 * so a pmap has no tables of its own and enter() never wants a frame.
 *
 * One frame, several mappings.  A frame has one entry, but after a fork, and with shared files, it
 * has many mappings; and one program may map one page of a file twice and name both in one
 * instruction, so that giving the entry to whoever asked last would let that program fault for
 * ever.  So there are further entries, the aliases, in what the run has room for and not fewer
 * than one for 16 frames.  The first mapping of a frame takes its own entry, the others take
 * aliases.  When all are in use the oldest alias mapping vanishes (P1) and comes back by a fault;
 * it is out of the processors' TLBs before its entry is used again.  Since that is the oldest of at
 * least HASHED_ALIASES_MIN, and not just any, an instruction gets all of the few pages that it
 * needs at once.  A wired alias is not among those that may go.
 *
 * Rejected: moving an alias into its frame's own entry when that falls free (aliases come and go
 * anyhow); chaining aliases at their frame's entry (a look-up would follow two kinds of chains).
 *
 * Each entry has a record beside the table, in the core's memory, that is in its pmap's list: so
 * what is done to a whole space costs by the space's mappings, not by RAM.
 *
 * Invariants (hashed_check):
 *  - an entry is valid if and only if its record has a pmap, and is in the chain that its page and
 *    space hash to, once; resident counts a pmap's entries;
 *  - entries and reverse records (pv.h) exist in pairs, and agree about wiring;
 *  - an alias that is valid is in ages or wired; one that is not is spare, or was never used.
 *
 * Accessed and dirty bits are harvested into mem_page before an entry that has them is freed or
 * made anew.  Nothing is delayed (P4 allows it): each call tells the processors of one range
 * before it returns.
 */
#include "pmap/pmap_hashed.h"

#include "base/assert.h"
#include "pmap/pmaps.h"

#define HASHED_ALIASES_MIN 16u
#define HASHED_FRAMES_PER_ALIAS 16u

static void
hashed_shoot_space(const struct hashed *hashed)
{
    const struct pmap_shootdown *shootdown = &hashed->base.system->shootdown;
    shootdown->space(shootdown->ctx, hashed->base.asid);
}

/* The size of the table for RAM: as many anchors as frames, so that chains are short. */
static void
hashed_dimension(struct hashed_system *system, uint64_t frames)
{
    uint64_t aliases = frames / HASHED_FRAMES_PER_ALIAS;
    if (aliases < HASHED_ALIASES_MIN)
        aliases = HASHED_ALIASES_MIN;
    system->frames = (uint32_t)frames;
    system->anchors_log2 = HASHED_ANCHORS_LOG2_MIN;
    while (UINT64_C(1) << system->anchors_log2 < frames)
        system->anchors_log2++;
    uint64_t bytes = hashed_entry_offset(frames + aliases, system->anchors_log2);
    while ((uint64_t)PAGE_SIZE << system->order < bytes)
        system->order++;
    uint64_t entries = hashed_root_entries(system->order, system->anchors_log2);
    system->naliases = (uint32_t)(entries - frames);
}

static uint64_t
hashed_maps_len(const struct hashed_system *system)
{
    return ((uint64_t)system->frames + system->naliases) * sizeof(struct hashed_map);
}

static uint64_t
hashed_aliases_len(const struct hashed_system *system)
{
    return system->naliases * sizeof(struct hashed_alias);
}

/* The run of frames for the table.  It is empty when it is all zeros. */
static enum pgw_status
hashed_create_table(struct hashed_system *system)
{
    struct mem *mem = system->base.mem;
    if (system->order <= MEM_ORDER_MAX)
        system->run = mem_alloc(mem, system->order, MEM_ZERO | MEM_RESERVED);
    if (system->run == NULL)
        return PGW_NORAM;
    for (uint64_t i = 0; i < UINT64_C(1) << system->order; i++) {
        system->run[i].owner = system;
        system->run[i].owner_kind = MEM_OWNER_PMAP;
    }
    system->base.tables = system->base.tables_peak = UINT64_C(1) << system->order;
    return PGW_OK;
}

/* Frees what there is of the system. */
static void
hashed_undo(struct hashed_system *system)
{
    struct base_alloc *alloc = system->base.alloc;
    if (system->run != NULL)
        mem_free(system->base.mem, system->run);
    if (system->aliases != NULL)
        alloc->unmap(alloc, system->aliases, hashed_aliases_len(system));
    if (system->maps != NULL)
        alloc->unmap(alloc, system->maps, hashed_maps_len(system));
    alloc->unmap(alloc, system, sizeof(*system));
}

/* PGW_NORAM also when RAM is so large that its table is no run: beyond some 190 GiB. */
static enum pgw_status
hashed_system_create(struct mem *mem, struct base_alloc *alloc,
    const struct pmap_shootdown *shootdown, struct pmap_system **out)
{
    struct hashed_system *system = alloc->map(alloc, sizeof(*system));
    if (system == NULL)
        return PGW_NOMEM;
    system->base = (struct pmap_system){
        .ops = &pmap_hashed, .mem = mem, .alloc = alloc, .shootdown = *shootdown};
    TAILQ_INIT(&system->ages);
    TAILQ_INIT(&system->spare);
    base_pool_init(&system->pvs, alloc, sizeof(struct mem_pv), "pv");
    base_pool_init(&system->pmaps, alloc, sizeof(struct hashed), "pmap");
    hashed_dimension(system, mem->nframes);
    enum pgw_status status = hashed_create_table(system);
    if (status == PGW_OK) {
        system->maps = alloc->map(alloc, hashed_maps_len(system));
        system->aliases = alloc->map(alloc, hashed_aliases_len(system));
        if (system->maps == NULL || system->aliases == NULL)
            status = PGW_NOMEM;
    }
    if (status != PGW_OK) {
        hashed_undo(system);
        return status;
    }
    *out = &system->base;
    return PGW_OK;
}

static void
hashed_system_destroy(struct pmap_system *base)
{
    struct hashed_system *system = (struct hashed_system *)base;
    base_pool_fini(&system->pvs);
    base_pool_fini(&system->pmaps);
    hashed_undo(system);
}

/* PGW_NOMEM also when all tags are taken: 65535 pmaps at a time. */
static enum pgw_status
hashed_create(struct pmap_system *base, struct pmap **pmap)
{
    struct hashed_system *system = (struct hashed_system *)base;
    struct hashed *hashed = base_pool_get(&system->pmaps);
    if (hashed == NULL)
        return PGW_NOMEM;
    bool reused = false;
    uint32_t asid = asid_get(&system->asids, &reused);
    if (asid == 0) {
        base_pool_put(&system->pmaps, hashed);
        return PGW_NOMEM;
    }
    hashed->base = (struct pmap){.ops = base->ops, .system = base, .asid = asid};
    TAILQ_INIT(&hashed->maps);
    if (reused)
        hashed_shoot_space(hashed);
    *pmap = &hashed->base;
    return PGW_OK;
}

static void
hashed_destroy(struct pmap *pmap)
{
    struct hashed *hashed = (struct hashed *)pmap;
    struct hashed_system *system = hashed_system(hashed);
    while (!TAILQ_EMPTY(&hashed->maps))
        hashed_drop(system, hashed_map_index(system, TAILQ_FIRST(&hashed->maps)));
    BASE_ASSERT(pmap->resident == 0);
    hashed_shoot_space(hashed);
    asid_put(&system->asids, pmap->asid);
    base_pool_put(&system->pmaps, hashed);
}

/* What is in the way at va goes.  The same page there: only its bits change, to these. */
static bool
hashed_replace(struct hashed *hashed, uint64_t va, const struct mem_page *page, uint64_t bits,
    struct hashed_change *change)
{
    struct hashed_system *system = hashed_system(hashed);
    uint32_t idx = hashed_find(hashed, va);
    if (idx == HASHED_NONE)
        return false;
    struct mem_page *old = hashed_page(system, idx);
    hashed_change_add(change, va, old != page);
    if (old != page) {
        hashed_drop(system, idx);
        return false;
    }
    hashed_harvest(system, idx);
    hashed_wire(system, idx, (bits & HASHED_SOFT) != 0);
    pv_find(old, &hashed->base, va, 0)->va = va | ((bits & HASHED_SOFT) != 0 ? PV_WIRED : 0);
    struct hashed_entry entry = hashed_load(system, idx);
    entry.tag_word = hashed_match(va, hashed->base.asid) | bits;
    hashed_store(system, idx, entry);
    return true;
}

static enum pgw_status
hashed_enter_page(struct hashed *hashed, uint64_t va, struct mem_page *page, uint64_t bits,
    struct hashed_change *change)
{
    struct hashed_system *system = hashed_system(hashed);
    if (hashed_replace(hashed, va, page, bits, change))
        return PGW_OK;
    unsigned low = (bits & HASHED_SOFT) != 0 ? PV_WIRED : 0;
    if (!pv_insert(&system->pvs, page, &hashed->base, va, low))
        return PGW_NOMEM;
    uint32_t idx = hashed_take(system, page);
    if (idx == HASHED_NONE) {
        pv_remove(&system->pvs, page, &hashed->base, va, 0);
        return PGW_NOMEM;
    }
    hashed_link(hashed, idx, va, page, bits);
    return PGW_OK;
}

/* PGW_NOMEM also when all aliases are wired. */
static enum pgw_status
hashed_enter(struct pmap *pmap, uint64_t va, struct mem_page *const *pages, size_t n,
    unsigned order, prot_t prot, enum access access, unsigned flags)
{
    struct hashed *hashed = (struct hashed *)pmap;
    struct hashed_change change = {0};
    BASE_ASSERT(order == 0 && (va & (PAGE_SIZE - 1)) == 0);
    BASE_ASSERT(va < HASHED_USER_END && n <= (HASHED_USER_END - va) >> PAGE_SHIFT);
    BASE_ASSERT(prot_allows(prot, access));
    uint64_t bits = hashed_with_prot(HASHED_A, prot);
    bits |= access == ACCESS_WRITE ? HASHED_D : 0;
    bits |= (flags & PMAP_WIRED) != 0 ? HASHED_SOFT : 0;

    enum pgw_status status = PGW_OK;
    size_t i;
    for (i = 0; i < n && status == PGW_OK; i++)
        status = hashed_enter_page(hashed, va + (i << PAGE_SHIFT), pages[i], bits, &change);
    hashed_shoot(hashed, &change);
    if (status != PGW_OK) /* those before the one that failed */
        hashed_remove(pmap, va, i - 1);
    return status;
}

static enum pgw_status
hashed_extract(struct pmap *pmap, uint64_t va, struct mem_page **page, prot_t *prot)
{
    const struct hashed *hashed = (const struct hashed *)pmap;
    const struct hashed_system *system = hashed_system(hashed);
    uint32_t idx = va < HASHED_USER_END ? hashed_find(hashed, va) : HASHED_NONE;
    if (idx == HASHED_NONE)
        return PGW_NOTFOUND;
    if (page != NULL)
        *page = hashed_page(system, idx);
    if (prot != NULL)
        *prot = hashed_prot(hashed_load(system, idx).tag_word);
    return PGW_OK;
}

/* There is only the one size. */
static unsigned
hashed_order(struct pmap *pmap, uint64_t va)
{
    (void)pmap;
    (void)va;
    return 0;
}

/* Nothing is ever delayed. */
static void
hashed_update(struct pmap *pmap)
{
    (void)pmap;
}

static void
hashed_activate(struct pmap *pmap, struct pmap_context *context)
{
    const struct hashed_system *system = hashed_system((const struct hashed *)pmap);
    struct hashed_root root = {.pfn = mem_page_pfn(system->base.mem, system->run),
        .order = system->order,
        .anchors_log2 = system->anchors_log2,
        .tag = pmap->asid};
    context->root = hashed_root_value(&root);
    context->asid = pmap->asid;
}

static void
hashed_deactivate(struct pmap *pmap)
{
    (void)pmap;
}

static void
hashed_caps(struct pmap_system *system, struct pmap_caps *caps)
{
    (void)system;
    *caps = (struct pmap_caps){
        .va_end = HASHED_USER_END, .orders = 1, .referenced = true, .tables_use_frames = true};
}

const struct pmap_ops pmap_hashed = {
    .name = "hashed",
    .system_create = hashed_system_create,
    .system_destroy = hashed_system_destroy,
    .create = hashed_create,
    .destroy = hashed_destroy,
    .enter = hashed_enter,
    .remove = hashed_remove,
    .protect = hashed_protect,
    .extract = hashed_extract,
    .order = hashed_order,
    .update = hashed_update,
    .activate = hashed_activate,
    .deactivate = hashed_deactivate,
    .page_protect = hashed_page_protect,
    .page_test_clear_referenced = hashed_page_test_clear_referenced,
    .page_is_modified = hashed_page_is_modified,
    .page_clear_modified = hashed_page_clear_modified,
    .caps = hashed_caps,
    .check = hashed_check,
};
