/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reclaim: pages go so that frames come.
 *
 *     victim (policy) --> unmap --> clean, never written, or all zeros?  free it
 *                               --> dirty: gather up to PAGER_RUN_MAX of them, put them together,
 *                                   free them; if the put fails they stay, dirty, and are admitted
 *                                   anew (law G2), and the hand goes on to find clean ones.
 *
 * The page daemon works between two watermarks, ahead of need.  A fault that finds no frame
 * reclaims directly.  On a machine with one flow of control both run here, on the time of
 * whoever asked.
 *
 * A dirty page of a file goes by way of writeback.c, one at a time with its neighbours.  Pages that
 * only read(2) has seen (filecache.c) go before the policy is asked.
 *
 * A victim is unmapped before it is judged, because "modified" is only final when nobody can write.
 * While its page is in I/O an owner is held by a reference, so that nothing is freed under it.
 */
#include <string.h>

#include "vm/core.h"

/* Recency policies see a page's use when its referenced bit is harvested.  A scan of all frames is
 * made once in resident / SCAN_PART evictions. */
#define SCAN_PART 16u

/* A daemon that found nothing to free leaves so many turns out: the scan costs as much as there
 * are pages, and a fault that needs a frame reclaims for itself. */
#define DAEMON_REST 64u

/* What the daemon leaves in RAM, however little is free, of the pages that can go at all: those
 * that one instruction may need must be able to be there together. */
#define DAEMON_LEAVES 8u

/* Frames are not looked at for less than so many evictions in all of RAM, however small the group.
 */
#define SCAN_LEAST_PART 256u

/* Tells a policy that ranks by recency which pages of the group were used since the last time. */
static void
reclaim_scan(struct vm_system *system, struct vm_group *group)
{
    const struct policy_ops *ops = group->policy->ops;
    uint64_t least = system->mem->nframes / SCAN_LEAST_PART;

    if ((ops->wants & POLICY_WANTS_SCAN) == 0)
        return;
    if (group->evictions_to_scan > 0) {
        group->evictions_to_scan--;
        return;
    }
    vm_group_tell_time(system, group);
    for (uint64_t i = 0; i < system->mem->nframes; i++) {
        struct mem_page *page = &system->mem->pages[i];
        if (page->queued && vm_page_policy(system, page) == group->policy &&
            vm_page_test_clear_referenced(system, page))
            ops->accessed(group->policy, &page->node, false);
    }
    group->evictions_to_scan = vm_group_pages(group) / SCAN_PART;
    if (group->evictions_to_scan < least)
        group->evictions_to_scan = least;
}

/* Known to be dirty, and there is nowhere to put it: not worth unmapping. */
static bool
reclaim_is_hopeless(const struct mem_page *page, bool full)
{
    if (page->owner_kind != MEM_OWNER_ANON || !page->dirty)
        return false;
    const struct vm_anon *anon = page->owner;
    return full && anon->slot == PAGER_SLOT_NONE;
}

/*
 * Some policies take the page that came last before any other (MRU; LFU, if all others were used
 * more).  In a group of few pages those that one instruction needs at once may then chase each
 * other out for ever.  So while a space is stuck, and only then, what its faults bring is passed
 * over; one space at a time, so that there is always something else that can go.
 */
void
vm_held_note(struct vm_system *system, const struct space *space, const struct mem_page *page)
{
    struct vm_held *held = &system->held;

    if (!space->stuck)
        *held = (struct vm_held){.space = NULL};
    else if (held->space == NULL)
        held->space = space;
    if (held->space == space)
        held->pages[held->next++ % VM_HELD_MOST] = page;
}

static bool
held_has(const struct vm_system *system, const struct mem_page *page)
{
    for (unsigned i = 0; system->held.space != NULL && i < VM_HELD_MOST; i++)
        if (system->held.pages[i] == page)
            return true;
    return false;
}

/* One call of reclaim. */
struct reclaim {
    struct vm_group *only;       /* NULL: all groups give, in turn */
    const struct mem_page *keep; /* a page that does not go */
    uint64_t tries;              /* pages that may still be looked at */
    bool full;                   /* swap is, or there is none */
    bool stuck;                  /* dirty pages had to be passed over or could not be written */
    bool put;                    /* some were written */
};

/* The policy's choice, passing over pages that cannot go.  NULL when there is none, or no try is
 * left. */
static struct mem_page *
reclaim_victim(struct vm_system *system, struct reclaim *reclaim)
{
    for (; reclaim->tries > 0; reclaim->tries--) {
        struct vm_group *group = reclaim->only != NULL ? reclaim->only : vm_group_turn(system);
        if (group == NULL || group->policy->count == 0)
            break;
        reclaim_scan(system, group);
        struct mem_page *page = vm_group_victim(system, group);
        if (page->busy || page->wired > 0 || page == reclaim->keep || held_has(system, page)) {
            vm_group_pass(group, page);
        } else if (reclaim_is_hopeless(page, reclaim->full)) {
            vm_group_set_aside(group, page);
            reclaim->stuck = true;
        } else {
            reclaim->tries--;
            return page;
        }
    }
    reclaim->tries = 0;
    return NULL;
}

/* Pages that were put aside for want of swap come back as far as there is some.  What a compressed
 * pool takes is known only when it is tried: one that refused a page is not asked about all others
 * again and again, but about one of them each time, until it takes one or room comes. */
static void
reclaim_recall(struct vm_system *system, struct reclaim *reclaim)
{
    uint64_t used, slots;

    vm_io_swap_room(system, &used, &slots);
    reclaim->full = used >= slots;
    for (unsigned i = 0; i < system->ngroups; i++) {
        struct vm_group *group = system->groups[i];
        if (reclaim->only != NULL && group != reclaim->only)
            continue;
        if (!reclaim->full && system->swap_refused)
            vm_group_try(system, group);
        else if (!reclaim->full)
            vm_group_recall(group, slots - used);
        reclaim->stuck |= group->naside > group->passed;
    }
}

/* Unmaps the page and says whether its bytes are nowhere else. */
static bool
reclaim_must_put(struct vm_system *system, struct mem_page *page)
{
    system->pmap_ops->page_protect(system->pmap_system, page, PROT_MASK_NONE);
    if (page->owner_kind != MEM_OWNER_ANON)
        return page->dirty;
    bool must_put = page->dirty || system->pmap_ops->page_is_modified(system->pmap_system, page);
    if (must_put)
        page->lazyfree = 0; /* it was written again */
    return must_put;
}

/* The page is dirty, but all zeros: with neither page nor slot its anon says the same. */
static bool
reclaim_drop_zeros(struct vm_system *system, struct mem_page *page)
{
    const unsigned char *bytes = mem_page_bytes(system->mem, page);

    if (page->owner_kind != MEM_OWNER_ANON || bytes[0] != 0 ||
        memcmp(bytes, bytes + 1, PAGE_SIZE - 1) != 0)
        return false;
    vm_anon_forget_slot(system, page->owner);
    system->stats.zeros_dropped++;
    return true;
}

void
vm_page_evicted(struct vm_system *system, struct mem_page *page)
{
    vm_refault_note(system, page);
    if (page->owner_kind == MEM_OWNER_ANON) {
        vm_anon_detach(system, page->owner);
    } else {
        struct vm_object *object = page->owner;
        vm_tmem_keep(object, page);
        base_radix_remove(&object->pages, page->offset);
    }
    system->stats.lazy_freed += page->lazyfree;
    page->owner = NULL;
    page->owner_kind = MEM_OWNER_NONE;
    mem_free(system->mem, page);
    system->stats.evicted++;
}

/* Takes the page out of the policy, as evicted. */
static void
reclaim_dequeue(struct vm_system *system, struct mem_page *page)
{
    vm_group_leave(system, page, true);
    vm_page_dequeued(system, page);
}

/* Writes a run to swap, in two halves where it does not fit whole; *written: how many pages, with
 * slots set, counted from the first one.  What kept the rest: PGW_NOSWAP, PGW_IO, PGW_NOMEM. */
static enum pgw_status
reclaim_put(struct vm_system *system, struct mem_page *const *pages, unsigned n, uint64_t *slots,
    unsigned *written)
{
    enum pgw_status status = system->swap != NULL ? PGW_OK : PGW_NOSWAP;

    *written = 0;
    while (*written < n && status == PGW_OK) {
        unsigned run = n - *written;
        for (; run > 0; run /= 2) {
            status = vm_io_put(system, system->swap, pages + *written, run, slots + *written);
            if (status == PGW_OK)
                break;
        }
        *written += run;
    }
    if (status != PGW_OK && system->swap != NULL)
        system->stats.put_failures++;
    system->swap_broken = status == PGW_IO;
    system->swap_refused = status == PGW_NOSWAP && system->swap != NULL;
    return status;
}

/* Puts n dirty anonymous pages out; *freed: how many frames that freed.  They are busy until the
 * last run of them is written: nobody maps one again while the lock is dropped for another's sake.
 */
static enum pgw_status
reclaim_put_all(
    struct vm_system *system, struct mem_page *const *pages, unsigned n, unsigned *freed)
{
    uint64_t slots[PAGER_RUN_MAX];

    for (unsigned i = 0; i < n; i++) {
        struct vm_anon *anon = pages[i]->owner;
        vm_anon_hold(system, anon);
        vm_anon_forget_slot(system, anon); /* stale; its room may be what the put needs */
        pages[i]->dirty = 1;
        pages[i]->busy = 1;
    }
    enum pgw_status status = reclaim_put(system, pages, n, slots, freed);
    for (unsigned i = 0; i < n; i++) {
        struct vm_anon *anon = pages[i]->owner;
        pages[i]->busy = 0;
        if (i < *freed) {
            anon->slot = slots[i];
            vm_page_evicted(system, pages[i]);
            system->stats.pages_out++;
        } else {
            vm_page_admit(system, pages[i]);
            if (status == PGW_NOSWAP)
                vm_group_set_aside(vm_page_group(system, pages[i]), pages[i]);
        }
        vm_anon_release(system, anon);
    }
    return status;
}

/*
 * One round: victims until a run of dirty ones is full, n frames are free, or none is left to ask.
 */
static uint64_t
reclaim_round(struct vm_system *system, uint64_t n, struct reclaim *reclaim)
{
    struct mem_page *dirty[PAGER_RUN_MAX];
    struct mem_page *file = NULL;
    unsigned ndirty = 0;
    uint64_t freed = 0;

    reclaim_recall(system, reclaim);
    while (freed + ndirty < n && ndirty < PAGER_RUN_MAX && reclaim->tries > 0) {
        struct mem_page *page = reclaim_victim(system, reclaim);
        if (page == NULL)
            break;
        bool must_put = reclaim_must_put(system, page) && !reclaim_drop_zeros(system, page);
        reclaim_dequeue(system, page);
        if (must_put && page->owner_kind == MEM_OWNER_OBJECT) {
            page->busy = 1; /* nobody maps it while the others are written */
            file = page;
            break;
        }
        if (must_put) {
            dirty[ndirty++] = page;
            continue;
        }
        vm_page_evicted(system, page);
        system->stats.evicted_clean++;
        freed++;
    }
    unsigned put = 0;
    if (ndirty > 0)
        (void)reclaim_put_all(system, dirty, ndirty, &put);
    reclaim->put |= put > 0;
    reclaim->stuck |= put < ndirty;
    if (file != NULL) {
        bool gone = vm_writeback_evict(system, file);
        reclaim->put |= gone;
        reclaim->stuck |= !gone;
        freed += gone;
    }
    return freed + put;
}

/*
 * Thrashing.  When neither RAM nor swap has room for another dirty page, what can still go are the
 * clean pages of files, program text above all, and they come straight back.  No fault ever finds
 * that there is nothing to evict, yet nobody gets anywhere.  So it is told from three signs
 * together: dirty pages are passed over in every call and none is written; the pages of files are
 * down to a small part of memory, and have gone round several times; and hardly an instruction is
 * executed between two of them.
 */
#define THRASH_PART 16u     /* of the pages in RAM, or fewer, are pages of files */
#define THRASH_ROUNDS 4u    /* times that so many have been evicted */
#define THRASH_LEAST 64u    /* and at least so many */
#define THRASH_TICKS 10000u /* nanoseconds, or fewer, to each */

static uint64_t
thrash_now(const struct vm_system *system)
{
    return system->clock != NULL ? base_clock_now(system->clock) : 0;
}

/* Takes note of how a call of reclaim went. */
static void
thrash_note(const struct vm_system *system, struct vm_thrash *thrash, const struct reclaim *reclaim,
    uint64_t freed)
{
    if (!reclaim->stuck || reclaim->put || thrash->freed == 0) {
        thrash->freed = 0;
        thrash->since = thrash_now(system);
    }
    if (reclaim->stuck && !reclaim->put)
        thrash->freed += freed;
}

bool
vm_reclaim_thrashes(struct vm_system *system, struct vm_group *group)
{
    struct vm_thrash *thrash = group != NULL ? &group->thrash : &system->thrash;
    uint64_t clean = group != NULL ? group->files : system->stats.file_resident;
    uint64_t resident = group != NULL ? vm_group_pages(group) : system->stats.resident;
    uint64_t freed = thrash->freed;

    /* It is slow, but it was promised, and can be had unless the device breaks its word. */
    if (system->commit.mode == VM_OVERCOMMIT_NEVER && !system->swap_broken)
        return false;
    if (freed < THRASH_LEAST || freed < THRASH_ROUNDS * clean || system->clock == NULL)
        return false;
    thrash->freed = 0; /* whatever the verdict, the next one is on what comes now */
    return clean * THRASH_PART < resident &&
           thrash_now(system) - thrash->since < freed * THRASH_TICKS;
}

/* The end of a call: pages that could not go just then are looked at again in the next one. */
static void
reclaim_end(struct vm_system *system)
{
    for (unsigned i = 0; i < system->ngroups; i++)
        vm_group_recall_passed(system->groups[i]);
}

/* Rounds until n frames are free, of which there were `freed` before. */
static uint64_t
reclaim_rounds(struct vm_system *system, uint64_t n, uint64_t freed, struct reclaim *reclaim)
{
    const struct vm_group *only = reclaim->only;

    while (freed < n && reclaim->tries > 0 &&
           (only != NULL ? vm_group_pages(only) : system->stats.resident) > 0)
        freed += reclaim_round(system, n - freed, reclaim);
    return freed;
}

uint64_t
vm_reclaim_beside_locked(
    struct vm_system *system, struct vm_group *only, uint64_t n, const struct mem_page *keep)
{
    uint64_t pages = only != NULL ? vm_group_pages(only) : system->stats.resident;
    struct reclaim reclaim = {.only = only, .keep = keep, .tries = 2 * pages + PAGER_RUN_MAX};
    uint64_t tries = reclaim.tries;
    uint64_t freed = only != NULL ? 0 : vm_cache_shrink(system, n);

    freed = reclaim_rounds(system, n, freed, &reclaim);
    if (freed == 0 && system->swap_refused) { /* all are tried before none is said to go */
        system->swap_refused = false;
        reclaim.tries = tries;
        freed = reclaim_rounds(system, n, 0, &reclaim);
    }
    reclaim_end(system);
    thrash_note(system, only != NULL ? &only->thrash : &system->thrash, &reclaim, freed);
    return freed;
}

uint64_t
vm_reclaim_locked(struct vm_system *system, uint64_t n)
{
    return vm_reclaim_beside_locked(system, NULL, n, NULL);
}

void
vm_daemon_locked(struct vm_system *system)
{
    uint64_t movable = system->stats.resident - system->stats.wired;

    if (system->mem->nfree >= system->free_low + system->ahead_room || movable <= DAEMON_LEAVES)
        return;
    if (system->daemon_rests > 0) {
        system->daemon_rests--;
        return;
    }
    system->stats.daemon_runs++;
    uint64_t want = system->free_high + system->ahead_room - system->mem->nfree;
    uint64_t may = movable - DAEMON_LEAVES;
    if (vm_reclaim_locked(system, want < may ? want : may) == 0)
        system->daemon_rests = DAEMON_REST;
}

/* Evicts the page if that needs no device; else it is left out of the policy, to be put. */
static bool
evict_clean(struct vm_system *system, struct mem_page *page)
{
    bool must_put = reclaim_must_put(system, page) && !reclaim_drop_zeros(system, page);

    reclaim_dequeue(system, page);
    if (must_put)
        return false;
    vm_page_evicted(system, page);
    system->stats.evicted_clean++;
    return true;
}

static bool
evict_is_possible(const struct mem_page *page)
{
    return !page->busy && page->wired == 0 && page->queued;
}

bool
vm_reclaim_surplus_locked(struct vm_system *system)
{
    struct mem_page *page;
    bool gone = false;

    if (!system->surplus_due)
        return false;
    system->surplus_due = false;
    for (unsigned i = 0; i < system->ngroups; i++) {
        while ((page = vm_group_surplus(system->groups[i])) != NULL) {
            if (vm_evict_page_locked(system, page) != PGW_OK)
                break; /* it cannot go: the policy is asked again after the next page that comes */
            gone = true;
        }
    }
    return gone;
}

enum pgw_status
vm_evict_page_locked(struct vm_system *system, struct mem_page *page)
{
    unsigned freed;

    if (!evict_is_possible(page))
        return PGW_AGAIN;
    if (evict_clean(system, page))
        return PGW_OK;
    if (page->owner_kind == MEM_OWNER_OBJECT) {
        page->busy = 1;
        return vm_writeback_evict(system, page) ? PGW_OK : PGW_IO;
    }
    return reclaim_put_all(system, &page, 1, &freed);
}

void
vm_evict_run_locked(struct vm_system *system, struct mem_page *const *pages, unsigned n)
{
    struct mem_page *dirty[PAGER_RUN_MAX];
    unsigned ndirty = 0, freed;

    BASE_ASSERT(n <= PAGER_RUN_MAX);
    for (unsigned i = 0; i < n; i++) {
        bool to_file = pages[i]->owner_kind == MEM_OWNER_OBJECT && pages[i]->dirty;
        if (evict_is_possible(pages[i]) && !to_file && !evict_clean(system, pages[i]))
            dirty[ndirty++] = pages[i];
    }
    if (ndirty > 0) /* what cannot be written stays */
        (void)!reclaim_put_all(system, dirty, ndirty, &freed);
}
