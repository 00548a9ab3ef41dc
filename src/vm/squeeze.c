/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proactive reclaim: how much RAM does a program really need?  Memory is taken from it as long as
 * it loses no more time to that than a target allows.  What it then has in RAM is what it needs,
 * whatever it has allocated.
 *
 * Which pages: those that have been idle the longest.  All frames are scanned for references, at
 * the ends of epochs that grow with the time the program has run (EPOCH_PART), and each has an age,
 * in epochs; telling that costs the program no stall.  (Ages of pages: A. Lagar-Cavilla et al.,
 * "Software-Defined Far Memory in Warehouse-Scale Computers", ASPLOS 2019.)  All pages may go that
 * have been idle for AGE_LEAST epochs, half of the time that has passed; epochs stop growing when
 * all memory may come back every AGE_LEAST epochs and the time lost is within the target.  Of
 * younger pages, those of age a and more, a part a / AGE_LEAST of all memory may be away: if they
 * come back every a epochs, that is no more.  So what is in use all the time is never touched.
 *
 * How many: an account in nanoseconds.
 *
 *      target * time  -  what was waited for pages that came back      the credit
 *      pages that are away  *  the price of one that comes back        the debt
 *
 * Pages are taken while the debt is no more than the credit.  As long as a page that comes back
 * costs what it is expected to, the time lost is within the target even if all that is away comes
 * back at once: a loop that comes to its stolen pages much later cannot be told from memory that is
 * done with before, and need not be.  The price is what those that came back have cost, one
 * operation of a device before that is known; it is believed down to PRICE_PART of that only, for
 * pages read in a row may be wanted one by one tomorrow.
 *
 * That would take from a program with much cold memory slowly, at low targets.  So the share of the
 * pages that were away that came back in an epoch is learned, and the debt may be more than
 * the credit if few do: up to RISK percent of the time, if the target is below.  That is the most
 * that can be lost; nothing more is taken then until the time lost is within the target again.
 *
 * A group that evicts for want of room rests (two epochs): its stalls are its limit's, and what is
 * taken from it would go anyway.  When all of RAM is short that is every group.
 *
 * "Squeezed to so many pages" is an exponential mean of what was in RAM over the last periods (the
 * steps down from what was allocated fade from it).
 *
 * Rejected: Senpai's controller (J. Weiner et al., "TMO: Transparent Memory Offloading in
 * Datacenters", ASPLOS 2022), which takes a part of what is resident every some seconds, less the
 * nearer pressure is to the target.  It rests on steps so small, and days so long, that what a step
 * costs is known before the next; and on a policy whose next victim is cold.  When everything is
 * in use, every policy has a victim still.
 */
#include "vm/squeeze.h"

#include "vm/core.h"

#define SQUEEZE_PERIOD UINT64_C(1000000) /* nanoseconds, of the clock of pressure */
#define SQUEEZE_LEAVES 16u               /* pages, however little it loses */

#define SQUEEZE_EPOCH_PART 5u     /* of the time that has passed: 4 epochs are half of it */
#define SQUEEZE_AGE_LEAST 4u      /* epochs; of younger pages, some stay */
#define SQUEEZE_AGE_MOST 126u     /* older ones are not told apart */
#define SQUEEZE_AGE_GOES 127u     /* of a page that is on its way out */
#define SQUEEZE_USED 128u         /* since the policy asked: its age is 0 then */
#define SQUEEZE_FRAME_NS 100u     /* an epoch has so much time a frame: scanning takes time */
#define SQUEEZE_FRAMES_MOST 4096u /* looked at in one period */
#define SQUEEZE_PAGES_MOST 256u   /* taken in one period */

#define SQUEEZE_PRICE_PART 4u    /* of a device's operation, that a page costs at the least */
#define SQUEEZE_PRICE_KNOWN 16u  /* pages that come back, until their price is believed by half */
#define SQUEEZE_RISK UINT64_C(2) /* percent */
#define SQUEEZE_DOUBT 8u         /* epochs */
#define SQUEEZE_SHARES UINT64_C(1024) /* the share that comes back is in parts of so many */

#define SQUEEZE_MEAN 16u /* periods that the mean looks back, about */
#define SQUEEZE_PARTS 256u

enum pgw_status
vm_squeeze_init(struct vm_system *system, unsigned percent)
{
    struct vm_squeeze *squeeze = &system->squeeze;

    if (percent == 0)
        return PGW_OK;
    squeeze->ages = system->alloc->map(system->alloc, system->mem->nframes);
    if (squeeze->ages == NULL)
        return PGW_NOMEM;
    squeeze->percent = percent;
    squeeze->share = SQUEEZE_SHARES;
    squeeze->cursor = system->mem->nframes;
    return PGW_OK;
}

void
vm_squeeze_fini(struct vm_system *system)
{
    if (system->squeeze.ages != NULL)
        system->alloc->unmap(system->alloc, system->squeeze.ages, system->mem->nframes);
}

/* --- what is known of pages --- */

static uint8_t *
squeeze_age(struct vm_system *system, const struct mem_page *page)
{
    return &system->squeeze.ages[page - system->mem->pages];
}

void
vm_squeeze_came(struct vm_system *system, const struct mem_page *page)
{
    if (system->squeeze.ages != NULL)
        *squeeze_age(system, page) = 0;
}

void
vm_squeeze_moved(struct vm_system *system, const struct mem_page *from, const struct mem_page *to)
{
    if (system->squeeze.ages != NULL)
        *squeeze_age(system, to) = *squeeze_age(system, from);
}

bool
vm_squeeze_goes(struct vm_system *system, const struct mem_page *page)
{
    if (system->squeeze.ages == NULL || *squeeze_age(system, page) != SQUEEZE_AGE_GOES)
        return false;
    system->stats.squeezed++;
    vm_page_group(system, page)->stats.squeezed++;
    if (page->owner_kind == MEM_OWNER_ANON &&
        ((const struct vm_anon *)page->owner)->slot == PAGER_SLOT_NONE)
        return false; /* all zeros: they come back for nothing */
    system->squeeze.away++;
    return true;
}

void
vm_squeeze_back(struct vm_system *system)
{
    system->squeeze.away--;
    system->stats.squeezed_back++;
}

void
vm_squeeze_gone(struct vm_system *system, uint64_t n)
{
    system->squeeze.away -= n;
}

void
vm_squeeze_waited(struct vm_system *system, uint64_t back, uint64_t since)
{
    if (system->stats.squeezed_back != back)
        system->stats.squeezed_cost += vm_pressure_now(system) - since;
}

bool
vm_squeeze_was_used(struct vm_system *system, const struct mem_page *page)
{
    if (system->squeeze.ages == NULL)
        return false;
    uint8_t *age = squeeze_age(system, page);
    bool was = (*age & SQUEEZE_USED) != 0;
    *age &= SQUEEZE_USED - 1;
    return was;
}

/* Has the page been used since anybody asked?  Then it is young, and the policy is told when it
 * asks, too. */
static bool
squeeze_is_used(struct vm_system *system, struct mem_page *page)
{
    uint8_t *age = squeeze_age(system, page);

    if (!system->pmap_ops->page_test_clear_referenced(system->pmap_system, page))
        return false;
    *age = SQUEEZE_USED;
    return true;
}

/* --- the account --- */

/* What a page that comes back costs, nanoseconds. */
static uint64_t
squeeze_price(const struct vm_system *system)
{
    uint64_t cost = system->stats.squeezed_cost + SQUEEZE_PRICE_KNOWN * system->device_ns;
    uint64_t price = cost / (system->stats.squeezed_back + SQUEEZE_PRICE_KNOWN);
    uint64_t least = system->device_ns / SQUEEZE_PRICE_PART;

    return price > least ? price : least;
}

/* The debt that may be made, in percent of the credit: as much as would come back in DOUBT epochs,
 * in which time more than doubles. */
static uint64_t
squeeze_trust(const struct vm_squeeze *squeeze)
{
    uint64_t most =
        squeeze->percent < SQUEEZE_RISK ? UINT64_C(100) * SQUEEZE_RISK / squeeze->percent : 100;
    uint64_t trust = 100 * SQUEEZE_SHARES / (SQUEEZE_DOUBT * squeeze->share + 1);

    if (trust < 100)
        return 100;
    return trust < most ? trust : most;
}

/* Pages that may be away in all, at this time. */
static uint64_t
squeeze_affords(const struct vm_system *system, uint64_t now)
{
    uint64_t allowed = now / 100 * system->squeeze.percent;
    uint64_t price = squeeze_price(system);

    if (allowed <= system->stats.squeezed_cost)
        return 0;
    if (price == 0)
        return UINT64_MAX;
    return (allowed - system->stats.squeezed_cost) / 100 * squeeze_trust(&system->squeeze) / price;
}

/* --- epochs --- */

/* Ages all pages but those that were used; pages[age]: how many there are. */
static void
squeeze_scan(struct vm_system *system, uint32_t *pages)
{
    for (uint64_t i = 0; i < system->mem->nframes; i++) {
        struct mem_page *page = &system->mem->pages[i];
        uint8_t *age = &system->squeeze.ages[i];
        if (!page->queued)
            continue;
        if (!squeeze_is_used(system, page) && (*age & ~SQUEEZE_USED) < SQUEEZE_AGE_MOST)
            ++*age;
        pages[*age & ~SQUEEZE_USED]++;
    }
}

/* What came back in the epoch that ends, of what was away when it began. */
static void
squeeze_learn(struct vm_system *system)
{
    struct vm_squeeze *squeeze = &system->squeeze;
    uint64_t back = system->stats.squeezed_back - squeeze->back_then;

    if (squeeze->away_then > 0) {
        uint64_t share = back * SQUEEZE_SHARES / squeeze->away_then;
        share = share < SQUEEZE_SHARES ? share : SQUEEZE_SHARES;
        squeeze->share = share > squeeze->share ? share : (3 * squeeze->share + share) / 4;
    }
    squeeze->away_then = squeeze->away;
    squeeze->back_then = system->stats.squeezed_back;
    for (unsigned i = 0; i < system->ngroups; i++) {
        struct vm_group *group = system->groups[i];
        group->short_before = group->short_then;
        group->short_then = group->stats.evicted - group->stats.squeezed;
    }
}

/* How long an epoch that begins now is. */
static uint64_t
squeeze_epoch(const struct vm_system *system, uint64_t now)
{
    uint64_t least = SQUEEZE_FRAME_NS * system->mem->nframes;
    uint64_t most = system->stats.resident * squeeze_price(system) / system->squeeze.percent * 100 /
                    SQUEEZE_AGE_LEAST;
    uint64_t epoch = now / SQUEEZE_EPOCH_PART;

    epoch = epoch < most ? epoch : most;
    least = least > SQUEEZE_PERIOD ? least : SQUEEZE_PERIOD;
    return epoch > least ? epoch : least;
}

/* May all pages of this age and more, so many, be away, beside those that are? */
static bool
squeeze_is_old(const struct vm_system *system, unsigned age, uint64_t pages)
{
    uint64_t away = system->squeeze.away;

    return age >= SQUEEZE_AGE_LEAST ||
           (away + pages) * SQUEEZE_AGE_LEAST <= (away + system->stats.resident) * age;
}

/* An epoch ends: the oldest pages that can be afforded until the end of the next are to go. */
static void
squeeze_turn(struct vm_system *system, uint64_t now)
{
    struct vm_squeeze *squeeze = &system->squeeze;
    uint32_t pages[SQUEEZE_AGE_GOES + 1] = {0};
    uint64_t epoch = squeeze_epoch(system, now), sum = 0;

    squeeze_learn(system);
    squeeze_scan(system, pages);
    squeeze->scan_at = now + epoch;
    uint64_t affords = squeeze_affords(system, vm_pressure_now(system) + epoch);
    uint64_t wants = affords > squeeze->away ? affords - squeeze->away : 0;
    squeeze->oldest = SQUEEZE_AGE_MOST;
    while (squeeze->oldest > 1 && (sum += pages[squeeze->oldest]) < wants &&
           squeeze_is_old(system, squeeze->oldest - 1, sum + pages[squeeze->oldest - 1]))
        squeeze->oldest--;
    squeeze->cursor = 0;
}

/* --- taking --- */

static bool
squeeze_may_take(struct vm_system *system, struct mem_page *page)
{
    unsigned age = *squeeze_age(system, page) & ~SQUEEZE_USED;

    if (!page->queued || page->aside || page->busy || page->wired > 0 ||
        age < system->squeeze.oldest)
        return false;
    if (page->owner_kind == MEM_OWNER_OBJECT ? page->dirty : system->swap == NULL)
        return false;
    const struct vm_group *group = vm_page_group(system, page);
    if (group->stats.evicted - group->stats.squeezed != group->short_before)
        return false;
    return !squeeze_is_used(system, page);
}

/* Takes up to n pages, one run; *looked: frames that may be looked at still. */
static void
squeeze_run(struct vm_system *system, uint64_t n, uint64_t *looked)
{
    struct vm_squeeze *squeeze = &system->squeeze;
    struct mem_page *pages[PAGER_RUN_MAX];
    unsigned taken = 0;

    for (; *looked > 0 && squeeze->cursor < system->mem->nframes; --*looked) {
        struct mem_page *page = &system->mem->pages[squeeze->cursor++];
        if (!squeeze_may_take(system, page))
            continue;
        pages[taken++] = page;
        if (taken == n || taken == PAGER_RUN_MAX)
            break;
    }
    for (unsigned i = 0; i < taken; i++)
        *squeeze_age(system, pages[i]) = SQUEEZE_AGE_GOES;
    if (taken > 0)
        vm_evict_run_locked(system, pages, taken);
}

/* Is there swap for a run, and so much in RAM that some of it can go? */
static bool
squeeze_has_room(struct vm_system *system)
{
    uint64_t used, slots;

    vm_io_swap_room(system, &used, &slots);
    return (system->swap == NULL || used + PAGER_RUN_MAX <= slots) &&
           system->stats.resident > SQUEEZE_LEAVES + PAGER_RUN_MAX;
}

static void
squeeze_take(struct vm_system *system)
{
    struct vm_squeeze *squeeze = &system->squeeze;
    uint64_t looked = SQUEEZE_FRAMES_MOST, most = system->stats.squeezed + SQUEEZE_PAGES_MOST;

    while (looked > 0 && squeeze->cursor < system->mem->nframes && squeeze_has_room(system) &&
           system->stats.squeezed < most) {
        uint64_t affords = squeeze_affords(system, vm_pressure_now(system));
        if (affords <= squeeze->away)
            break;
        squeeze_run(system, affords - squeeze->away, &looked);
    }
}

/* Closes a period: what was in RAM when it began goes into the mean.  (At the end of the last one
 * the program has gone.) */
static void
squeeze_account(struct vm_system *system)
{
    struct vm_squeeze *squeeze = &system->squeeze;
    uint64_t was = squeeze->resident * SQUEEZE_PARTS;

    squeeze->mean = squeeze->mean == 0
                        ? was
                        : squeeze->mean - squeeze->mean / SQUEEZE_MEAN + was / SQUEEZE_MEAN;
    squeeze->resident = system->stats.resident;
    system->stats.squeezed_to = squeeze->mean / SQUEEZE_PARTS;
}

void
vm_squeeze_locked(struct vm_system *system)
{
    struct vm_squeeze *squeeze = &system->squeeze;
    uint64_t now = vm_pressure_now(system);

    if (squeeze->percent == 0 || system->clock == NULL || now - squeeze->since < SQUEEZE_PERIOD)
        return;
    squeeze->since = now;
    squeeze_account(system);
    uint64_t run = base_clock_now(system->clock);
    if (run >= squeeze->scan_at)
        squeeze_turn(system, run);
    squeeze_take(system);
}
