/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages.  There is no such thing as a huge page in the core: it is 2^order anons, neighbours
 * in an amap, whose pages happen to be neighbours in RAM too, in order and aligned.  Whoever faults
 * on one of them then gets all of them mapped by one entry (vm_huge_order).  Everything else goes
 * by page, as ever: what unmaps, protects, copies, evicts or moves one of the pages takes its part
 * of the mapping away, and the pmap splits it.  When the pages are as they were, the next fault
 * maps them as one again.
 *
 *                 fault, nothing there yet
 *     (nothing) ---------------------------> pages in one run <--- collapse --- pages anywhere
 *                  vm_huge_populate           |           ^       (migrate.c)        ^
 *                                             |   fault   |                          |
 *                                             v           |                          |
 *                                       mapped by one entry ---- a page goes, ... ---+
 *
 * This is what FreeBSD's superpages do above their reservations (Navarro and others, "Practical,
 * transparent operating system support for superpages", OSDI 2002), and unlike Linux's compound
 * pages it needs no second way to count, lock or dirty memory.
 *
 * Where the frames come from, there are two ways.  Direct allocation: a fault takes and clears a
 * whole run at once, and makes all its anons.  That is one fault for all of it, and RAM for pages
 * that may never be touched, so it is only done while free frames are well above the daemon's high
 * watermark.
 *
 * Reservation, as FreeBSD does it: the first fault in a range where nothing is yet reserves a run
 * (mem/reservation.c) and takes the frame in its place; further pages of the range, new, copied or
 * read in, come to their places; when the last one has come, the fault that brought it finds a run
 * and maps it as one.  RAM is used as without huge pages.  Which reservation a range has is seen
 * by its pages: vm_huge_frame looks at the faulting page's neighbours for one that lies in its
 * place in a reservation.  Only a few are looked at, so that a fault never costs a search through
 * the range; if it is missed the page lies elsewhere, and collapse brings it home later.  A heap or
 * a stack that is growing gets a reservation before it has all of the range, which direct
 * allocation cannot do.
 *
 * Both were measured (bench/hugewalk.c; 256 MiB of sv39, a million reads at random afterwards).
 * Percentages are of what it takes without huge pages:
 *
 *                                       direct                     reserve
 *     all of it written                 faults 0.2 %, walks 0      faults 100 %, walks 0
 *     a fifth written                   RAM 493 %, walks 0         RAM 100 %, walks 100 %
 *     the same on half the RAM          82478 pages swapped in     none
 *     pieces unmapped and mapped anew   walks 90 %                 walks 24 %
 *     the same on four fifths the RAM   swapped out 99 %           swapped out 82 %, walks 79 %
 *
 * So direct allocation is best for memory that will all be used: one fault in 512 is enough.  But
 * it can take many times the RAM that is needed, and what it built is soon in pieces, as it does
 * not keep the places of pages that go.  Reservation costs the faults that small pages take, and no
 * RAM. A program that advises huge pages says of which kind its memory is; so VM_HUGE_AUTO is
 * direct for what was advised, and reserves for other memory where all is to have huge pages.
 *
 * A fault never reclaims for a huge page.  It asks compaction only where the program asked for huge
 * pages by advice, as Linux does by default (transparent_hugepage/defrag=madvise).  Else small
 * pages come, and the scanner (vm_huge_run) may make a run of them later.
 *
 * Only anonymous private memory is served.  Locked regions are not: their pages are wired one by
 * one as they come.
 */
#include <string.h>

#include "vm/core.h"
#include "vm/runs.h"

/* Schemes have leaves of up to 1 GiB, which is more than a program's ranges ever fill. */
#define HUGE_ORDER_MOST 10u
/* The order of what compaction makes for schemes without large leaves: 2 MiB. */
#define HUGE_ORDER_USUAL 9u

/* The scanner makes no page huge of which more than one part in so many was never touched. */
#define HUGE_NONE_PART 2u
/* Neighbours of a page that are looked at, above it and below, for the reservation of its range. */
#define HUGE_LOOKS 16u
/* Regions that the scanner passes over in one turn. */
#define HUGE_SCAN_REGIONS 16u

/* One aligned range of a region. */
struct huge {
    struct vm_system *system;
    struct vm_space *space;
    struct vm_region *region;
    uint64_t base, first; /* its first address, and that page's index in the amap */
    uint64_t from, to;    /* the indices of those of its pages that lie in the region */
    unsigned order;
    uint64_t n; /* pages */
};

enum pgw_status
vm_huge_init(struct vm_system *system, const struct vm_config *config)
{
    unsigned orders = system->pmap_caps.orders & ((2u << HUGE_ORDER_MOST) - 1) & ~1u;
    unsigned order = config->huge_order;

    system->huge.mode = config->huge;
    system->huge.alloc = config->huge_alloc;
    if (order == 0 && orders != 0)
        order = 31u - (unsigned)__builtin_clz(orders);
    system->huge.run = order != 0 ? order : HUGE_ORDER_USUAL;
    system->huge.order = (orders >> order & 1) != 0 ? order : 0;
    bool reserves = system->huge.alloc == VM_HUGE_RESERVE ||
                    (system->huge.alloc == VM_HUGE_AUTO && system->huge.mode == VM_HUGE_ALWAYS);
    if (system->huge.order == 0 || system->huge.mode == VM_HUGE_OFF || !reserves)
        return PGW_OK;
    return mem_reservation_init(system->mem, system->huge.order);
}

void
vm_huge_fini(struct vm_system *system)
{
    mem_reservation_fini(system->mem);
}

unsigned
vm_huge_run_order(const struct vm_system *system)
{
    return system->huge.run;
}

/* May the region have huge pages at all? */
static bool
huge_is_possible(const struct vm_system *system, const struct vm_region *region)
{
    return system->huge.order != 0 && region->object == NULL && !region->shared &&
           !region->locked && (region->advice >> SPACE_ADVICE_NOHUGE & 1) == 0 &&
           (region->prot & (PROT_MASK_R | PROT_MASK_W)) != 0;
}

static bool
huge_is_advised(const struct vm_region *region)
{
    return (region->advice >> SPACE_ADVICE_HUGE & 1) != 0;
}

/* ... and is it to get them unasked, or has it asked? */
static bool
huge_is_wanted(const struct vm_system *system, const struct vm_region *region)
{
    enum vm_huge_mode mode = system->huge.mode;

    return mode != VM_HUGE_OFF && huge_is_possible(system, region) &&
           (mode == VM_HUGE_ALWAYS || huge_is_advised(region));
}

/* Does it get them page by page, in frames that are reserved? */
static bool
huge_reserves(const struct vm_system *system, const struct vm_region *region)
{
    return system->huge.alloc == VM_HUGE_RESERVE ||
           (system->huge.alloc == VM_HUGE_AUTO && !huge_is_advised(region));
}

/* The range around va, which is in the region; false: it is not as a whole. */
static bool
huge_range(struct huge *huge, struct vm_space *space, struct vm_region *region, uint64_t va)
{
    unsigned order = space->system->huge.order;
    uint64_t size = (uint64_t)PAGE_SIZE << order;
    uint64_t base = va & ~(size - 1), end = base + size;

    *huge = (struct huge){.system = space->system,
        .space = space,
        .region = region,
        .base = base,
        .first = vm_region_idx(region, base),
        .from = vm_region_idx(region, base > region->start ? base : region->start),
        .to = vm_region_idx(region, (end < region->end ? end : region->end) - 1) + 1,
        .order = order,
        .n = UINT64_C(1) << order};
    return base >= region->start && end <= region->end;
}

/* A run for the range, perhaps cleared.  NULL: there is none, or RAM is too full for it. */
static struct mem_page *
huge_frames(const struct huge *huge, bool clear, bool compact)
{
    struct vm_system *system = huge->system;
    struct mem_page *run = NULL;

    if (system->mem->nfree >= huge->n + system->free_high &&
        vm_group_has_room(system, system->groups[huge->space->space.group], huge->n)) {
        run = mem_alloc(system->mem, huge->order, clear ? MEM_ZERO : 0);
        if (run == NULL && compact) {
            run = vm_compact_run(system, huge->order);
            if (run != NULL && clear)
                memset(mem_page_bytes(system->mem, run), 0, (size_t)huge->n << PAGE_SHIFT);
        }
    }
    system->stats.huge_failed += run == NULL;
    system->stats.collapse_failed += run == NULL && !clear;
    return run;
}

/* Takes out the anons, of those made for holes, from the range's first page up to the i-th. */
static void
huge_unfill(const struct huge *huge, uint64_t i)
{
    while (i-- > 0) {
        struct vm_anon *anon = base_radix_get(&huge->region->amap->slots, huge->first + i);
        if (anon == NULL || anon->page != NULL || anon->slot != PAGER_SLOT_NONE)
            continue;
        (void)base_radix_remove(&huge->region->amap->slots, huge->first + i);
        vm_anon_release(huge->system, anon);
    }
}

/* Puts an anon without a page into every hole of the range; all or nothing.  (An anon without page
 * and slot that was there already is zeros, as a hole is: it may go with the undoing.) */
static bool
huge_fill(const struct huge *huge)
{
    struct base_radix *slots = &huge->region->amap->slots;

    for (uint64_t i = 0; i < huge->n; i++) {
        if (base_radix_get(slots, huge->first + i) != NULL)
            continue;
        struct vm_anon *anon = vm_anon_create(huge->system);
        if (anon != NULL)
            anon->group = (uint16_t)huge->space->space.group;
        if (anon != NULL && base_radix_set(slots, huge->first + i, anon) == PGW_OK)
            continue;
        if (anon != NULL)
            vm_anon_release(huge->system, anon);
        huge_unfill(huge, i);
        return false;
    }
    return true;
}

/* Gives the anons of the range, all there, the run's pages: those that have a page move. */
static void
huge_settle(const struct huge *huge, struct mem_page *run, bool cleared)
{
    struct vm_system *system = huge->system;

    mem_split(system->mem, run);
    for (uint64_t i = 0; i < huge->n; i++) {
        struct vm_anon *anon = base_radix_get(&huge->region->amap->slots, huge->first + i);
        struct mem_page *from = anon->page;
        if (from != NULL) {
            vm_migrate_page(system, from, &run[i]);
            mem_free(system->mem, from);
            continue;
        }
        if (!cleared)
            memset(mem_page_bytes(system->mem, &run[i]), 0, PAGE_SIZE);
        vm_anon_attach(system, anon, &run[i]);
    }
}

/* --- reservations --- */

/* Looks at the range's pages from the idx-th of the amap on, a few of them at the most, for one
 * that lies in its place in a reservation; that one's head.  NULL: none of these does. */
static struct mem_page *
huge_reservation_from(const struct huge *huge, uint64_t idx)
{
    const struct mem *mem = huge->system->mem;
    const struct vm_anon *anon;

    for (unsigned looks = 0; looks < HUGE_LOOKS; looks++, idx++) {
        anon = base_radix_next(&huge->region->amap->slots, &idx);
        if (anon == NULL || idx >= huge->to)
            break;
        struct mem_page *page = anon->page;
        if (page == NULL || !mem_reservation_has(mem, page))
            continue;
        uint64_t place = idx - huge->first;
        if ((mem_page_pfn(mem, page) & (huge->n - 1)) == place)
            return page - place;
    }
    return NULL;
}

/* The reservation that the range has, as its pages near the idx-th show; NULL. */
static struct mem_page *
huge_reservation(const struct huge *huge, uint64_t idx)
{
    uint64_t below = idx - huge->from < HUGE_LOOKS / 2 ? huge->from : idx - HUGE_LOOKS / 2;

    if (huge->region->amap == NULL || huge->system->mem->reservations.table == NULL)
        return NULL;
    struct mem_page *head = huge_reservation_from(huge, below);
    return head != NULL || below == huge->from ? head : huge_reservation_from(huge, huge->from);
}

/* Was nothing in the range ever touched? */
static bool
huge_is_bare(const struct huge *huge)
{
    uint64_t idx = huge->from;

    return huge->region->amap == NULL ||
           base_radix_next(&huge->region->amap->slots, &idx) == NULL || idx >= huge->to;
}

/* May the region come to have all of the range? */
static bool
huge_may_grow(const struct huge *huge)
{
    const struct vm_region *region = huge->region;
    uint64_t end = huge->base + ((uint64_t)PAGE_SIZE << huge->order);

    if (region->growsdown)
        return end <= region->end && region->end - huge->base <= region->len_max;
    return region->use == SPACE_USE_HEAP && huge->base >= region->start;
}

struct mem_page *
vm_huge_frame(struct vm_space *space, const struct vm_region *region, uint64_t va, unsigned flags)
{
    struct mem *mem = space->system->mem;
    struct huge huge;

    if (mem->reservations.table == NULL || !huge_is_wanted(space->system, region) ||
        !huge_reserves(space->system, region))
        return NULL;
    if (!huge_range(&huge, space, (struct vm_region *)(uintptr_t)region, va) &&
        !huge_may_grow(&huge))
        return NULL;
    uint64_t place = (va - huge.base) >> PAGE_SHIFT;
    struct mem_page *page = huge_reservation(&huge, huge.first + place);
    if (page != NULL)
        return page[place].reserved ? mem_reservation_take(mem, &page[place], flags) : NULL;
    if (!huge_is_bare(&huge))
        return NULL;
    page = mem_reservation_make(mem, place, flags);
    space->system->stats.huge_failed += page == NULL;
    return page;
}

/* Can the range, of which so many pages are not there, be made whole in the reservation? */
static bool
huge_fits(const struct huge *huge, const struct mem_page *head, uint64_t none)
{
    const struct vm_system *system = huge->system;

    if (system->mem->nfree < none + system->free_high ||
        !vm_group_has_room(system, system->groups[huge->space->space.group], none))
        return false;
    for (uint64_t i = 0; i < huge->n; i++) {
        const struct vm_anon *anon = base_radix_get(&huge->region->amap->slots, huge->first + i);
        if (!head[i].reserved && (anon == NULL || anon->page != &head[i]))
            return false;
    }
    return true;
}

/* Gives all anons of the range, which are there, their places in the reservation, in which they
 * fit.  PGW_NORAM: a frame was refused; those that have come to their places stay there. */
static enum pgw_status
huge_complete(const struct huge *huge, struct mem_page *head)
{
    struct vm_system *system = huge->system;

    for (uint64_t i = 0; i < huge->n; i++) {
        struct vm_anon *anon = base_radix_get(&huge->region->amap->slots, huge->first + i);
        struct mem_page *from = anon->page;
        if (from == &head[i])
            continue;
        if (mem_reservation_take(system->mem, &head[i], from == NULL ? MEM_ZERO : 0) == NULL)
            return PGW_NORAM;
        if (from == NULL) {
            vm_anon_attach(system, anon, &head[i]);
            continue;
        }
        vm_migrate_page(system, from, &head[i]);
        mem_free(system->mem, from);
    }
    return PGW_OK;
}

/* --- on fault --- */

struct vm_anon *
vm_huge_populate(struct vm_space *space, struct vm_region *region, uint64_t va)
{
    struct vm_system *system = space->system;
    struct huge huge;

    if (!huge_is_wanted(system, region) || huge_reserves(system, region) ||
        !huge_range(&huge, space, region, va) || !huge_is_bare(&huge))
        return NULL;
    struct mem_page *run = huge_frames(&huge, true, huge_is_advised(region));
    if (run == NULL)
        return NULL;
    if (vm_amap_own(system, region) != PGW_OK || !huge_fill(&huge)) {
        mem_free(system->mem, run);
        return NULL;
    }
    huge_settle(&huge, run, true);
    system->stats.huge_faults++;
    return vm_amap_lookup(region, va);
}

/* Can all pages of the range be seen through one mapping with these rights? */
static bool
huge_is_run(const struct huge *huge, const struct mem_page *head, prot_t prot)
{
    const struct vm_anon *anon;
    uint64_t idx = huge->first;

    for (uint64_t i = 0; i < huge->n; i++, idx++) {
        anon = base_radix_next(&huge->region->amap->slots, &idx);
        if (anon == NULL || idx != huge->first + i || anon->page != head + i)
            return false;
        if (anon->page->busy || anon->page->ahead || anon->merged)
            return false;
        if ((prot & PROT_MASK_W) != 0 && anon->refs > 1)
            return false;
    }
    return true;
}

/* The run of the range's pages is in use as one: compaction leaves it alone for as long as all of
 * them are in their places. */
static void
huge_mark(const struct huge *huge, struct mem_page *head)
{
    for (uint64_t i = 0; i < huge->n; i++)
        head[i].huge = 1;
}

unsigned
vm_huge_order(struct vm_space *space, struct vm_region *region, uint64_t va, struct mem_page *page,
    prot_t prot)
{
    struct vm_system *system = space->system;
    struct huge huge;

    if (page->owner_kind != MEM_OWNER_ANON || !huge_is_wanted(system, region))
        return 0;
    uint64_t at = mem_page_pfn(system->mem, page) & ((UINT64_C(1) << system->huge.order) - 1);
    if (!huge_range(&huge, space, region, va) || va - huge.base != at << PAGE_SHIFT)
        return 0;
    if (!huge_is_run(&huge, page - at, prot))
        return 0;
    huge_mark(&huge, page - at);
    return huge.order;
}

/* --- collapse --- */

/* Looks at the range's pages; PGW_OK: they can be moved.  *none: how many were never touched.
 * PGW_AGAIN: some are shared, on swap, or pinned. */
static enum pgw_status
huge_survey(const struct huge *huge, uint64_t *none)
{
    const struct vm_region *region = huge->region;

    *none = huge->n;
    if (region->amap == NULL)
        return PGW_OK;
    if (region->needs_copy && region->amap->refs > 1)
        return PGW_AGAIN;
    for (uint64_t idx = huge->first; idx < huge->first + huge->n; idx++) {
        const struct vm_anon *anon = base_radix_next(&region->amap->slots, &idx);
        if (anon == NULL || idx >= huge->first + huge->n)
            break;
        if (anon->refs > 1 || anon->merged)
            return PGW_AGAIN;
        if (anon->page == NULL && anon->slot == PAGER_SLOT_NONE)
            continue;
        if (anon->page == NULL || !vm_migrate_can(anon->page))
            return PGW_AGAIN;
        --*none;
    }
    return PGW_OK;
}

/* Maps the range, whose pages are a run now, by one entry.  If there is no record for it, a fault
 * will. */
static void
huge_enter(const struct huge *huge, struct mem_page *run)
{
    prot_t prot = huge->region->prot;

    if ((prot & PROT_MASK_W) != 0)
        prot |= PROT_MASK_R;
    huge_mark(huge, run);
    (void)huge->system->pmap_ops->enter(
        huge->space->pmap, huge->base, &run, 1, huge->order, prot, ACCESS_READ, 0);
}

/* Gives the range a run, and all its pages places there; *head is where they are.  PGW_NORAM: there
 * is no run; PGW_NOMEM. */
static enum pgw_status
huge_gather(const struct huge *huge, uint64_t none, struct mem_page **head)
{
    struct vm_system *system = huge->system;
    struct mem_page *reserved = huge_reservation(huge, huge->first);
    struct mem_page *run = NULL;

    if (reserved != NULL && huge_fits(huge, reserved, none))
        *head = reserved;
    else
        *head = run = huge_frames(huge, false, true);
    if (*head == NULL)
        return PGW_NORAM;
    if (vm_amap_own(system, huge->region) != PGW_OK || !huge_fill(huge)) {
        if (run != NULL)
            mem_free(system->mem, run);
        return PGW_NOMEM;
    }
    if (run == NULL)
        return huge_complete(huge, *head);
    huge_settle(huge, run, false);
    return PGW_OK;
}

/*
 * Makes the range a huge page, if at most none_most of its pages were never touched.  PGW_OK, also
 * if it is one; PGW_NOTFOUND: it has too few pages; PGW_AGAIN: see huge_survey; PGW_NORAM: no run;
 * PGW_NOMEM.
 */
static enum pgw_status
huge_collapse(const struct huge *huge, uint64_t none_most)
{
    struct vm_system *system = huge->system;
    uint64_t none;

    if (system->pmap_ops->order(huge->space->pmap, huge->base) >= huge->order)
        return PGW_OK;
    enum pgw_status status = huge_survey(huge, &none);
    if (status != PGW_OK)
        return status;
    if (none > none_most)
        return PGW_NOTFOUND;
    struct mem_page *head = NULL;
    struct vm_anon *anon = vm_amap_lookup(huge->region, huge->base);
    if (anon != NULL)
        head = anon->page;
    if (head != NULL && (mem_page_pfn(system->mem, head) & (huge->n - 1)) == 0 &&
        huge_is_run(huge, head, huge->region->prot)) {
        status = vm_amap_own(system, huge->region); /* which is to be written */
        if (status == PGW_OK)
            huge_enter(huge, head);
        return status;
    }
    status = huge_gather(huge, none, &head);
    if (status != PGW_OK)
        return status;
    huge_enter(huge, head);
    system->stats.huge_collapsed++;
    return PGW_OK;
}

/* Reads in what is on swap of the range around va.  The lock may be dropped: nothing known before
 * holds after it. */
static enum pgw_status
huge_bring_in(struct vm_space *space, uint64_t va)
{
    uint64_t end = va + ((uint64_t)PAGE_SIZE << space->system->huge.order);

    for (; va < end; va += PAGE_SIZE) {
        struct vm_region *region = vm_region_at(space, va);
        const struct vm_anon *anon = region != NULL ? vm_amap_lookup(region, va) : NULL;
        if (anon == NULL || anon->page != NULL || anon->slot == PAGER_SLOT_NONE)
            continue;
        enum space_fault fault = vm_fault_locked(space, va, ACCESS_READ);
        if (fault != SPACE_FAULT_OK)
            return fault == SPACE_FAULT_NOMEM ? PGW_NORAM : PGW_AGAIN;
    }
    return PGW_OK;
}

enum pgw_status
vm_huge_collapse(struct vm_space *space, uint64_t va, uint64_t end)
{
    unsigned order = space->system->huge.order;
    uint64_t size = (uint64_t)PAGE_SIZE << order;
    enum pgw_status result = PGW_OK;
    struct huge huge;

    if (order == 0)
        return PGW_INVAL;
    for (va = (va + size - 1) & ~(size - 1); va + size <= end; va += size) {
        enum pgw_status status = huge_bring_in(space, va);
        struct vm_region *region = vm_region_at(space, va);
        if (region == NULL)
            status = PGW_NOTFOUND;
        else if (!huge_is_possible(space->system, region) || !huge_range(&huge, space, region, va))
            status = PGW_INVAL;
        else if (status == PGW_OK)
            status = huge_collapse(&huge, huge.n - 1);
        if (result == PGW_OK)
            result = status;
    }
    return result;
}

/* --- the scanner --- */

static void
huge_count_mappings(const struct vm_system *system, struct vm_stats *stats)
{
    const struct pmap_system *pmaps = system->pmap_system;
    const struct vm_space *space;

    TAILQ_FOREACH (space, &system->all_spaces, link)
        stats->mapped += space->pmap->resident;
    stats->mappings = stats->mapped - pmaps->super_pages + pmaps->superpages;
}

/* The space that the cursor is in, or the next one; from the first one again after the last. */
static struct vm_space *
huge_scan_space(struct vm_system *system)
{
    struct vm_space *space;

    TAILQ_FOREACH (space, &system->all_spaces, link) /* in the order of their numbers */
        if (space->space.id >= system->huge.space)
            break;
    if (space == NULL || space->space.id != system->huge.space)
        system->huge.va = 0;
    if (space == NULL)
        space = TAILQ_FIRST(&system->all_spaces);
    if (space != NULL)
        system->huge.space = space->space.id;
    return space;
}

/* The next range from the cursor on, which moves past it; false: none in this turn. */
static bool
huge_scan_next(struct vm_system *system, struct huge *huge)
{
    uint64_t size = (uint64_t)PAGE_SIZE << system->huge.order;
    struct vm_space *space = huge_scan_space(system);

    for (unsigned i = 0; space != NULL && i < HUGE_SCAN_REGIONS; i++) {
        struct vm_region *region = vm_region_at_or_above(space, system->huge.va);
        if (region == NULL) {
            system->huge.space++;
            system->huge.va = 0;
            return false;
        }
        uint64_t at = system->huge.va > region->start ? system->huge.va : region->start;
        at = (at + size - 1) & ~(size - 1);
        if (at < region->end && huge_is_wanted(system, region) &&
            huge_range(huge, space, region, at)) {
            system->huge.va = at + size;
            return true;
        }
        system->huge.va = region->end;
    }
    return false;
}

/* The figures of now are of little use when a program has ended: the most there was is kept. */
static void
huge_note_most(struct vm_system *system)
{
    const struct pmap_system *pmaps = system->pmap_system;

    if (pmaps->super_pages <= system->stats.huge_mapped_peak)
        return;
    struct vm_stats now = {0};
    huge_count_mappings(system, &now);
    system->stats.huge_mapped_peak = pmaps->super_pages;
    system->stats.mapped_then = now.mapped;
    system->stats.mappings_then = now.mappings;
}

void
vm_huge_run(struct vm_system *system)
{
    struct huge huge;

    if (system->huge.order == 0 || system->huge.mode == VM_HUGE_OFF)
        return;
    base_lock_take(&system->lock);
    huge_note_most(system);
    if (system->mem->nfree >= (UINT64_C(1) << system->huge.order) + system->free_high &&
        huge_scan_next(system, &huge) &&
        system->pmap_ops->order(huge.space->pmap, huge.base) < huge.order)
        (void)huge_collapse(&huge, huge.n / HUGE_NONE_PART);
    base_lock_drop(&system->lock);
}

/* --- figures --- */

void
vm_huge_stats(const struct vm_system *system, struct vm_stats *stats)
{
    const struct pmap_system *pmaps = system->pmap_system;
    unsigned order = vm_huge_run_order(system);

    stats->reserve_made = system->mem->reservations.made;
    stats->reserve_filled = system->mem->reservations.filled;
    stats->reserve_broken = system->mem->reservations.broken;
    stats->reserve_held = system->mem->reservations.nheld;
    stats->reserve_held_peak = system->mem->reservations.nheld_peak;
    stats->huge_splits = pmaps->splits;
    stats->huge_mapped = pmaps->super_pages;
    stats->huge_entries = pmaps->superpages;
    huge_count_mappings(system, stats);
    stats->compact_free = system->compact.free;
    stats->fragmentation = mem_fragmentation(system->mem->runs, order);
    stats->unusable = mem_unusable(system->mem->runs, order);
}
