/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults: an access that the MMU could not translate is given a mapping, or is refused.
 *
 * Four cases, as in UVM (1: the page is in the amap layer; 2: it is in the object layer, or
 * nowhere; A: it can be used as it is; B: it must be copied or made):
 *
 *           read, or alone             write, and shared            no anon yet
 *
 *     amap   [ anon ] <-- map          [ anon ]--copy-->[ anon' ]   [      ]   [ anon' ]
 *                |                         |                |           |          ^
 *     object  [  . ]                    [  . ]           [  . ]     [ page ]---copy+ (2B, write)
 *                                                                       ^
 *               1A                        1B                            map (2A, read)
 *
 * With no object, 2B fills the new anon with zeros, for reads too.  Where a shared region writes to
 * the file, 2A is for writes as well, and marks the page dirty.  The page of a memory object is an
 * anon in the object's amap: a shared region has that amap for its own (1A), a private one finds
 * the anon below its amap and copies it (2A, 2B).
 *
 * Restarts.  A step that needs the device, or a frame that is not there, drops the lock or
 * evicts pages; nothing known before it can be trusted after it.  So such a step does its work and
 * then the whole fault starts again, and finds the page in RAM.  The steps between two
 * restarts never wait.  Rejected: to hold references and continue in the middle, which is where
 * such code has always had its races.
 */
#include <string.h>

#include "vm/core.h"
#include "vm/runs.h"

/* A fault that still finds no memory after so many restarts is given up: on a machine of very few
 * frames the pages that one access needs may chase each other out. */
#define FAULT_RESTARTS_MAX 256u

/* Frames one attempt may need: the page, and tables on the way to it. */
#define FAULT_FRAMES 4u

enum fault_step {
    STEP_DONE,    /* the mapping is there */
    STEP_RESTART, /* something was read or evicted: look again */
    STEP_BUSY,    /* another thread's I/O was waited for: the same, as often as it takes */
    STEP_STARVED, /* no frame: reclaim, then look again */
    STEP_NOMEM,   /* no record, which reclaim does not help */
    STEP_LIMIT,   /* the group that must have the page has all it may have, and none can go */
    STEP_IO,      /* the page cannot be read */
    STEP_BUS      /* no such page in the object */
};

struct fault {
    struct vm_space *space;
    struct vm_system *system;
    struct vm_region *region;
    uint64_t va; /* of the page */
    enum access access;
    struct vm_group *full; /* STARVED: whose limit is why; NULL: no frame is free */
    struct mem_page *keep; /* STARVED: the page that is needed beside a frame; NULL: none */
    bool over;      /* a limit is passed over, of a group that has nothing that could go: another
                       space's group, or the page was promised */
    bool waited;    /* for a device: a major fault */
    bool zero_fill; /* gave a fresh page of zeros */
    bool cow;       /* copied a page */
    bool unshare;   /* nobody accesses it: the region shall have a page of its own */
};

/* RISC-V and x86 alike: what can be written can be read. */
static prot_t
fault_prot(const struct vm_region *region)
{
    return region->prot | ((region->prot & PROT_MASK_W) != 0 ? PROT_MASK_R : 0u);
}

/* A stack that is entered below its start grows down to the page, if it may.  Of what it keeps a
 * distance is as in mm/mmap.c's expand_downwards(): not of other stacks, nor of what nobody can
 * access, which is a guard itself. */
static struct vm_region *
fault_grow(struct vm_space *space, struct vm_region *above, uint64_t va)
{
    if (above == NULL || !above->growsdown || above->end - va > above->len_max)
        return NULL;
    struct vm_region *below = RB_PREV(vm_region_tree, &space->regions, above);
    if (below != NULL && !below->growsdown && below->prot != PROT_MASK_NONE &&
        below->end + SPACE_GUARD > va)
        return NULL;
    return vm_region_grow(space, above, va, above->end) == PGW_OK ? above : NULL;
}

/* In a locked region, all pages stay that are to be mapped together with this one. */
static enum pgw_status
fault_lock(const struct fault *fault, struct mem_page *page, unsigned order)
{
    uint64_t npages = (uint64_t)1 << order, at = (fault->va >> PAGE_SHIFT) & (npages - 1);
    enum pgw_status status = PGW_OK;

    for (uint64_t i = 0; i < npages && status == PGW_OK; i++)
        status = vm_lock_page(fault->space, fault->va + ((i - at) << PAGE_SHIFT), page + i - at);
    return status;
}

static enum fault_step
fault_enter(struct fault *fault, struct mem_page *page, prot_t prot)
{
    unsigned order = vm_huge_order(fault->space, fault->region, fault->va, page, prot);
    uint64_t va = fault->va & ~(((uint64_t)PAGE_SIZE << order) - 1);

    if (fault->unshare)
        return STEP_DONE;
    if (fault->region->locked && fault_lock(fault, page, order) != PGW_OK)
        return STEP_NOMEM;
    page -= (fault->va - va) >> PAGE_SHIFT;
    enum pgw_status status = fault->system->pmap_ops->enter(
        fault->space->pmap, va, &page, 1, order, prot, fault->access, 0);

    if (status == PGW_OK) {
        vm_held_note(fault->system, &fault->space->space, page + ((fault->va - va) >> PAGE_SHIFT));
        return STEP_DONE;
    }
    fault->keep = page;
    return status == PGW_NORAM ? STEP_STARVED : STEP_NOMEM;
}

/* A frame for the page with this key, which will be charged to the group; NULL: starved. */
static struct mem_page *
fault_frame(struct fault *fault, unsigned group, uint64_t key, unsigned flags)
{
    struct vm_group *owner = fault->system->groups[group];

    vm_group_missed(fault->system, owner, key);
    fault->keep = NULL;
    fault->full = vm_group_excess(fault->system, owner) > 0 && !fault->over ? owner : NULL;
    if (fault->full != NULL)
        return NULL;
    struct mem_page *page = vm_huge_frame(fault->space, fault->region, fault->va, flags);
    return page != NULL ? page : mem_alloc(fault->system->mem, 0, flags);
}

/* The anon's page is on swap: brings it in. */
static enum fault_step
fault_page_in(struct fault *fault, struct vm_anon *anon)
{
    struct vm_system *system = fault->system;
    struct mem_page *page = fault_frame(fault, anon->group, vm_page_key_of_anon(anon->id),
        anon->slot == PAGER_SLOT_NONE ? MEM_ZERO : 0);

    if (page == NULL)
        return STEP_STARVED;
    uint64_t back = system->stats.squeezed_back, since = vm_pressure_now(system);
    vm_anon_attach(system, anon, page);
    if (!fault->unshare)
        system->fresh = page;
    if (anon->slot == PAGER_SLOT_NONE) { /* it had never been written */
        fault->zero_fill = true;
        return STEP_RESTART;
    }
    unsigned group = fault->space->space.group;
    vm_pressure_begin(system, group);
    enum pgw_status status = vm_ahead_anon(fault->space, fault->region, fault->va, anon);
    vm_pressure_end(system, group);
    vm_squeeze_waited(system, back, since);
    if (status != PGW_OK)
        return STEP_IO; /* the slot is kept: the device may come back */
    fault->waited = true;
    return STEP_RESTART;
}

/* Puts anon, which has a fresh page, behind the faulting address, in place of old (may be NULL),
 * whose page, or the object's, was from (NULL: none). */
static enum fault_step
fault_install(struct fault *fault, struct vm_anon *anon, struct vm_anon *old, struct mem_page *from)
{
    const struct pmap_ops *pmap_ops = fault->system->pmap_ops;
    struct vm_region *region = fault->region;
    uint64_t idx = vm_region_idx(region, fault->va);

    if (base_radix_set(&region->amap->slots, idx, anon) != PGW_OK) {
        vm_anon_release(fault->system, anon);
        return STEP_NOMEM;
    }
    if (region->shared && from != NULL) /* those who share the region must see the new page */
        pmap_ops->page_protect(fault->system->pmap_system, from, PROT_MASK_NONE);
    if (old != NULL) {
        /* Other spaces keep their mappings of the old page; this space's must go first, and at
         * once: nobody knows when there will be a frame for the table of the new one. */
        pmap_ops->remove(fault->space->pmap, fault->va, 1);
        pmap_ops->update(fault->space->pmap);
        fault->system->stats.merge_splits += old->merged != 0;
        vm_anon_release(fault->system, old);
    }
    return fault_enter(fault, anon->page, fault_prot(region));
}

/* An anon of one's own with a page of its own, filled by copying from (NULL: zeros). */
static enum fault_step
fault_promote(struct fault *fault, struct mem_page *from, struct vm_anon *old)
{
    struct vm_system *system = fault->system;

    if (vm_amap_own(system, fault->region) != PGW_OK)
        return STEP_NOMEM;
    unsigned group = fault->space->space.group;
    uint64_t key = vm_page_key_of_anon(system->anon_ids);
    struct mem_page *page = fault_frame(fault, group, key, from == NULL ? MEM_ZERO : 0);
    fault->keep = from;
    if (page == NULL)
        return STEP_STARVED;
    struct vm_anon *anon = vm_anon_create(system);
    if (anon == NULL) {
        mem_free(system->mem, page);
        return STEP_NOMEM;
    }
    anon->group = (uint16_t)group;
    if (from != NULL) {
        memcpy(mem_page_bytes(system->mem, page), mem_page_bytes(system->mem, from), PAGE_SIZE);
        page->dirty = 1;
        fault->cow = true;
    } else {
        fault->zero_fill = true;
    }
    vm_anon_attach(system, anon, page);
    if (!fault->unshare)
        system->fresh = page;
    return fault_install(fault, anon, old, from);
}

/* Case 1: there is an anon. */
static enum fault_step
fault_anon(struct fault *fault, struct vm_anon *anon)
{
    struct vm_region *region = fault->region;
    struct mem_page *page = anon->page;
    prot_t prot = fault_prot(region);

    if (page == NULL)
        return fault_page_in(fault, anon);
    if (page->busy) {
        vm_io_yield(fault->system, fault->system->swap);
        return STEP_BUSY;
    }
    if (page->ahead)
        vm_ahead_hit(fault->system, region, fault->va, page);
    vm_anon_spare_slot(fault->system, anon);
    if (fault->access == ACCESS_WRITE || fault->unshare) {
        if (vm_amap_own(fault->system, region) != PGW_OK)
            return STEP_NOMEM;
        if (anon->refs > 1)
            return fault_promote(fault, page, anon);
        vm_merge_leave(fault->system, anon);
        vm_anon_forget_slot(fault->system, anon);
        page->dirty = 1;
        page->lazyfree = 0;
    } else if (anon->refs > 1 || region->needs_copy) {
        prot &= ~PROT_MASK_W;
    }
    return fault_enter(fault, page, prot);
}

/* Reads a page of the object into RAM. */
static enum fault_step
fault_object_in(struct fault *fault, struct vm_object *object, uint64_t idx)
{
    struct vm_system *system = fault->system;

    vm_group_adopt(object, fault->space->space.group);
    struct mem_page *page =
        fault_frame(fault, object->group, vm_page_key_of_object(object, idx), 0);
    if (page == NULL)
        return STEP_STARVED;
    uint64_t back = system->stats.squeezed_back, since = vm_pressure_now(system);
    bool kept = vm_tmem_take(object, idx, page);
    if (vm_object_attach(object, idx, page) != PGW_OK) {
        mem_free(system->mem, page);
        return STEP_NOMEM;
    }
    system->fresh = page;
    system->stats.tmem_pages_in += kept;
    if (kept)
        return STEP_RESTART;
    bool again = page->active; /* it was here a short while ago */
    unsigned group = fault->space->space.group;
    if (again)
        vm_pressure_begin(system, group);
    enum pgw_status status = vm_ahead_object(fault->space, fault->region, fault->va, page);
    if (again) {
        vm_pressure_end(system, group);
        vm_squeeze_waited(system, back, since);
    }
    if (status != PGW_OK)
        return STEP_IO;
    fault->waited = true;
    return STEP_RESTART;
}

/* Case 2 for a memory object, whose pages are anons, too. */
static enum fault_step
fault_memory(struct fault *fault, struct vm_object *object, uint64_t idx)
{
    bool made = base_radix_get(&object->amap->slots, idx) == NULL;
    struct vm_anon *anon = vm_object_anon(object, idx);

    if (anon == NULL)
        return STEP_NOMEM;
    if (made) { /* a shared region will find it in its amap */
        anon->group = (uint16_t)fault->space->space.group;
        return STEP_RESTART;
    }
    if (anon->page == NULL)
        return fault_page_in(fault, anon);
    if (anon->page->busy) {
        vm_io_yield(fault->system, fault->system->swap);
        return STEP_BUSY;
    }
    if (anon->page->ahead)
        vm_ahead_hit(fault->system, fault->region, fault->va, anon->page);
    if (fault->access == ACCESS_WRITE)
        return fault_promote(fault, anon->page, NULL);
    return fault_enter(fault, anon->page, fault_prot(fault->region) & ~PROT_MASK_W);
}

/* Case 2: no anon; the object's page, or zeros. */
static enum fault_step
fault_object(struct fault *fault)
{
    struct vm_region *region = fault->region;
    struct vm_object *object = region->object;

    if (object == NULL) {
        struct vm_anon *anon = vm_huge_populate(fault->space, region, fault->va);
        if (anon == NULL)
            return fault_promote(fault, NULL, NULL);
        fault->zero_fill = true;
        return fault_anon(fault, anon);
    }
    uint64_t idx = (region->offset + (fault->va - region->start)) >> PAGE_SHIFT;
    if (idx >= object->base.npages)
        return STEP_BUS;
    if (object->amap != NULL)
        return fault_memory(fault, object, idx);
    struct mem_page *page = vm_object_page(object, idx);
    if (page == NULL)
        return fault_object_in(fault, object, idx);
    if (page->busy) {
        vm_object_hold_locked(object); /* or its pager could go while it is driven */
        vm_io_yield(fault->system, object->base.pager);
        vm_object_release_locked(object);
        return STEP_BUSY;
    }
    if (page->ahead)
        vm_ahead_hit(fault->system, region, fault->va, page);
    bool writes = fault->access == ACCESS_WRITE;
    if (writes && !vm_region_writes_object(region))
        return fault_promote(fault, page, NULL);
    vm_cache_promote(fault->system, page);
    if (writes)
        vm_object_dirty(object, page);
    prot_t prot = fault_prot(region);
    if (!writes &&
        vm_ahead_around(fault->space, region, fault->va, page, prot & ~PROT_MASK_W, fault->access))
        return STEP_DONE;
    return fault_enter(fault, page, vm_object_prot(region, page, prot));
}

static void
fault_count(const struct fault *fault)
{
    struct vm_stats *stats = &fault->system->stats;
    struct vm_space *space = fault->space;

    stats->faults++;
    stats->minor += !fault->waited;
    stats->major += fault->waited;
    stats->zero_fill += fault->zero_fill;
    stats->cow += fault->cow;
    space->faults.minor += !fault->waited;
    space->faults.major += fault->waited;
    space->faults.zero_fill += fault->zero_fill;
    space->faults.cow += fault->cow;
}

/* Finds the region and whether it allows the access. */
static enum space_fault
fault_look(struct fault *fault)
{
    struct vm_space *space = fault->space;
    struct vm_region *region = vm_region_at_or_above(space, fault->va);

    if (region == NULL || region->start > fault->va)
        region = fault_grow(space, region, fault->va);
    if (region == NULL)
        return SPACE_FAULT_MAPERR;
    fault->region = region;
    if (fault->unshare)
        return SPACE_FAULT_OK;
    return prot_allows(fault_prot(region), fault->access) ? SPACE_FAULT_OK : SPACE_FAULT_ACCERR;
}

/* One attempt, from the address on. */
static enum fault_step
fault_attempt(struct fault *fault)
{
    struct vm_anon *anon = vm_amap_lookup(fault->region, fault->va);

    return anon != NULL ? fault_anon(fault, anon) : fault_object(fault);
}

/* No frame was to be had, or none within a group's limit: makes room, or waits for others who do;
 * STEP_NOMEM, STEP_LIMIT: there is no hope. */
static enum fault_step
fault_make_room(struct vm_system *system, struct vm_group *full, const struct mem_page *keep)
{
    uint64_t evicted = system->stats.evicted;
    uint64_t n = full != NULL ? vm_group_excess(system, full) : FAULT_FRAMES;

    system->stats.direct_reclaims++;
    if (full != NULL)
        full->stats.reclaims++;
    else if (vm_commit_uncrowd(system))
        return STEP_RESTART;
    /* Tables are not charged to a group. */
    if (vm_reclaim_beside_locked(system, full, n, keep) > 0)
        return STEP_RESTART;
    if (system->ios > 0) { /* what they hold may be written, or become evictable */
        vm_io_yield(system, system->swap);
        return STEP_BUSY;
    }
    if (system->stats.evicted != evicted)
        return STEP_BUSY; /* others were faster while we waited */
    if (full != NULL) {
        full->stats.limit_hits++;
        return vm_group_excess(system, full) > 0 ? STEP_LIMIT : STEP_RESTART;
    }
    /* Pages that could not go were unmapped, and that may have freed page tables. */
    if (system->mem->nfree > system->mem->reserve || vm_commit_last_resort(system) > 0)
        return STEP_RESTART;
    return STEP_NOMEM;
}

static enum fault_step
fault_starved(struct fault *fault)
{
    unsigned group = fault->space->space.group;

    vm_pressure_begin(fault->system, group);
    enum fault_step step = fault_make_room(fault->system, fault->full, fault->keep);
    vm_pressure_end(fault->system, group);
    if (step != STEP_LIMIT)
        return step;
    /* Another group's page is one that the space shares with it: nobody here can help. */
    if (fault->full->id == group && fault->system->commit.mode != VM_OVERCOMMIT_NEVER)
        return step;
    fault->over = true;
    return STEP_RESTART;
}

static enum space_fault
fault_resolve(struct fault *fault)
{
    /* Before, not after: when nothing else can go, the daemon would take the page just brought in.
     */
    vm_daemon_locked(fault->system);
    if (vm_reclaim_thrashes(fault->system, NULL))
        return SPACE_FAULT_NOMEM;
    struct vm_group *group = fault->system->groups[fault->space->space.group];
    vm_group_daemon(fault->system, group);
    if (vm_reclaim_thrashes(fault->system, group))
        return SPACE_FAULT_LIMIT;
    for (unsigned restarts = 0; restarts < FAULT_RESTARTS_MAX;) {
        enum space_fault look = fault_look(fault);
        if (look != SPACE_FAULT_OK)
            return look;
        enum fault_step step = fault_attempt(fault);
        if (step == STEP_STARVED)
            step = fault_starved(fault);
        if (step == STEP_DONE && vm_reclaim_surplus_locked(fault->system))
            step = STEP_RESTART; /* who waited for that looks again */
        if (step == STEP_DONE) {
            fault_count(fault);
            return SPACE_FAULT_OK;
        }
        if (step == STEP_IO)
            return SPACE_FAULT_IO;
        if (step == STEP_BUS)
            return SPACE_FAULT_BUS;
        if (step == STEP_LIMIT)
            return SPACE_FAULT_LIMIT;
        if (step == STEP_NOMEM)
            break;
        restarts += step == STEP_RESTART;
    }
    return SPACE_FAULT_NOMEM;
}

enum space_fault
vm_fault_locked(struct vm_space *space, uint64_t va, enum access access)
{
    struct fault fault = {
        .space = space, .system = space->system, .va = page_floor(va), .access = access};

    return fault_resolve(&fault);
}

enum space_fault
vm_fault_unshare_locked(struct vm_space *space, uint64_t va)
{
    struct fault fault = {
        .space = space, .system = space->system, .va = page_floor(va), .unshare = true};

    return fault_resolve(&fault);
}
