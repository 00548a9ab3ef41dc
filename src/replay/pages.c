/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/pages.h"

#include <string.h>

#include "replay/pages_impl.h"

/*
 * Each process has a table from virtual page numbers to pages, as a machine has, and like a
 * machine's it is copied by a fork:
 *
 *      process 1   vpn 10 -> page 3, copy --+-- page 3 has one holder more than one
 *      process 2   vpn 10 -> page 3, copy --'   (which of them writes gets a page of its own)
 *
 *      process 1   vpn 90 -> page 7, shared --+-- the mapping's own table: 0 -> page 7
 *      process 2   vpn 90 -> page 7, shared --'   (a page that either touches first is both's)
 *
 * A page is gone when no table has it any more.  Pages of shared mappings are held by the mapping,
 * which lasts as long as some process has a part of it mapped (pages_shared.c).
 *
 * A write to a page that a fork shared is a reference to the writer's new page alone; that the old
 * one is read for the copy is not counted.  Of a run of references with such a write in it, the
 * first reference is the old page's, unless it is the write, and all others the new one's.
 *
 * Where pages are larger than the events' granularity, one that is in part unmapped stays.
 *
 * Invariant: a page has holders + 1 slots without VPN_SHARED that lead to it, in all tables of
 * spaces and objects together; where it has more than one, all of them have VPN_COPY.
 *
 * Costs: 12 bytes a page for its place, 16 to 24 for its slot.  The look-ups of a batch are started
 * some references ahead of their turn: it is the misses of the host's caches that cost.
 */

#define PAGES_AHEAD 16u
#define PAGES_MAX (VPN_PAGE_MASK - 1)
#define PAGES_REF_MAX 4096u /* bytes of a reference, and of the page that a recorded run is of */

enum pgw_status
replay_pages_create(struct base_alloc *alloc, uint64_t page_size, struct replay_pages **pages)
{
    if (page_size < 512 || (page_size & (page_size - 1)) != 0)
        return PGW_INVAL;
    struct replay_pages *made = alloc->map(alloc, sizeof *made);
    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->page_shift = (unsigned)__builtin_ctzll(page_size);
    made->spread = page_size < PAGES_REF_MAX ? PAGES_REF_MAX / (unsigned)page_size + 1 : 2;
    *pages = made;
    return PGW_OK;
}

void
pages_space_free(struct replay_pages *pages, struct pages_space *space)
{
    struct base_alloc *alloc = pages->alloc;

    vpn_table_fini(&space->table, alloc);
    if (space->ranges != NULL)
        alloc->unmap(alloc, space->ranges, space->room * sizeof *space->ranges);
    alloc->unmap(alloc, space, sizeof *space);
}

static void
pages_nobody(void *ctx, uint32_t page)
{
    (void)ctx;
    (void)page;
}

void
replay_pages_destroy(struct replay_pages *pages)
{
    const struct replay_told nobody = {.gone = pages_nobody};

    if (pages == NULL)
        return;
    struct base_alloc *alloc = pages->alloc;
    for (uint64_t i = 0; i < pages->nspaces; i++) {
        struct pages_space *space = pages->spaces[i];
        pages_shared_cut(pages, space, 0, UINT64_MAX, &nobody);
        pages_space_free(pages, space);
    }
    if (pages->spaces != NULL)
        alloc->unmap(alloc, pages->spaces, pages->spaces_room * sizeof(struct pages_space *));
    if (pages->places != NULL)
        alloc->unmap(alloc, pages->places, pages->room * sizeof *pages->places);
    if (pages->holders != NULL)
        alloc->unmap(alloc, pages->holders, pages->holders_room * sizeof *pages->holders);
    if (pages->found != NULL)
        alloc->unmap(alloc, pages->found, pages->found_room * sizeof *pages->found);
    alloc->unmap(alloc, pages, sizeof *pages);
}

/* ---- pages ---- */

static enum pgw_status
pages_grow(struct replay_pages *pages)
{
    uint64_t want = pages->room > 0 ? pages->room * 2 : 1;
    enum pgw_status status = growing_reserve(
        pages->alloc, (void **)&pages->places, &pages->room, want, sizeof *pages->places);

    if (status == PGW_OK && pages->holders != NULL)
        status = growing_reserve(pages->alloc, (void **)&pages->holders, &pages->holders_room,
            pages->room, sizeof *pages->holders);
    return status;
}

enum pgw_status
pages_new(struct replay_pages *pages, uint32_t process, uint64_t vpn, uint32_t *page)
{
    if (pages->count == PAGES_MAX)
        return PGW_RANGE;
    if (pages->count == pages->room ||
        (pages->holders != NULL && pages->count == pages->holders_room)) {
        enum pgw_status status = pages_grow(pages);
        if (status != PGW_OK)
            return status;
    }
    struct pages_place *place = &pages->places[pages->count];
    memcpy(place->vpn, &vpn, sizeof vpn);
    place->process = process;
    *page = pages->count++;
    return PGW_OK;
}

void
pages_rename(struct replay_pages *pages, uint32_t page, const struct pages_space *space,
    uint64_t vpn, uint64_t to)
{
    struct pages_place *place = &pages->places[page];

    if (place->process != space->process || memcmp(place->vpn, &vpn, sizeof vpn) != 0)
        return;
    for (uint64_t i = 0; i < pages->nspaces; i++) {
        const struct pages_space *other = pages->spaces[i];
        uint32_t value = vpn_table_find(&other->table, vpn)->value;
        if (other != space && (value & VPN_PAGE_MASK) == page + 1) {
            place->process = other->process;
            return;
        }
    }
    memcpy(place->vpn, &to, sizeof to);
}

void
pages_left(const struct pages_space *space, struct pages_found slot, const struct replay_told *told)
{
    if (told->left != NULL)
        told->left(told->ctx, (slot.value & VPN_PAGE_MASK) - 1, space->process, slot.vpn);
}

void
pages_release(struct replay_pages *pages, const struct pages_space *space, struct pages_found slot,
    const struct replay_told *told)
{
    uint32_t page = (slot.value & VPN_PAGE_MASK) - 1;

    if ((slot.value & VPN_SHARED) == 0) {
        if (pages->holders == NULL || pages->holders[page] == 0) {
            told->gone(told->ctx, page);
            return;
        }
        pages->holders[page]--;
    }
    pages_rename(pages, page, space, slot.vpn, slot.vpn);
    pages_left(space, slot, told);
}

/* ---- spaces ---- */

struct pages_space *
pages_space_find(struct replay_pages *pages, uint32_t process)
{
    if (pages->last != NULL && pages->last->process == process)
        return pages->last;
    for (uint64_t i = 0; i < pages->nspaces; i++) {
        if (pages->spaces[i]->process == process)
            return pages->last = pages->spaces[i];
    }
    return NULL;
}

/* A space without a table, not yet among the spaces, for which there is room. */
enum pgw_status
pages_space_new(struct replay_pages *pages, uint32_t process, struct pages_space **space)
{
    enum pgw_status status = growing_reserve(pages->alloc, (void **)&pages->spaces,
        &pages->spaces_room, pages->nspaces + 1, sizeof(struct pages_space *));

    if (status != PGW_OK)
        return status;
    *space = pages->alloc->map(pages->alloc, sizeof **space);
    if (*space == NULL)
        return PGW_NOMEM;
    (*space)->process = process;
    return PGW_OK;
}

enum pgw_status
pages_space(struct replay_pages *pages, uint32_t process, struct pages_space **space)
{
    struct pages_space *made = pages_space_find(pages, process);

    if (made == NULL) {
        enum pgw_status status = pages_space_new(pages, process, &made);
        if (status != PGW_OK)
            return status;
        status = vpn_table_init(&made->table, pages->alloc);
        if (status != PGW_OK) {
            pages->alloc->unmap(pages->alloc, made, sizeof *made);
            return status;
        }
        pages->spaces[pages->nspaces++] = pages->last = made;
    }
    *space = made;
    return PGW_OK;
}

/* ---- references ---- */

/* The first touch of a place. */
static __attribute__((noinline)) enum pgw_status
pages_first_touch(
    struct replay_pages *pages, struct pages_space *space, uint64_t vpn, uint32_t *value)
{
    uint32_t page, flags = 0;
    enum pgw_status status = vpn_table_reserve(&space->table, pages->alloc, 1);

    if (status != PGW_OK)
        return status;
    status = PGW_NOTFOUND;
    if (space->nranges > 0)
        status = pages_shared_page(pages, space, vpn, &page);
    if (status == PGW_OK)
        flags = VPN_SHARED;
    if (status == PGW_NOTFOUND)
        status = pages_new(pages, space->process, vpn, &page);
    if (status != PGW_OK)
        return status;
    *value = (page + 1) | flags;
    (void)vpn_table_put(&space->table, vpn, *value);
    return PGW_OK;
}

/* A write to a page that a fork may have shared: it is the writer's own from now on. */
static __attribute__((noinline)) enum pgw_status
pages_own(struct replay_pages *pages, const struct pages_space *space, struct vpn_slot *slot)
{
    uint32_t was = (slot->value & VPN_PAGE_MASK) - 1, page = was;

    if (pages->holders[was] > 0) {
        enum pgw_status status = pages_new(pages, space->process, vpn_slot_vpn(slot), &page);
        if (status != PGW_OK)
            return status;
        pages->holders[was]--;
        pages_rename(pages, was, space, vpn_slot_vpn(slot), vpn_slot_vpn(slot));
    }
    slot->value = page + 1;
    return PGW_OK;
}

static inline __attribute__((always_inline)) void
pages_put(struct replay_pages *pages, const struct pages_space *space, uint64_t vpn,
    struct policy_touch how, uint32_t was, struct policy_touch **touch)
{
    *(*touch)++ = how;
    if (__builtin_expect(pages->where != NULL, 0))
        *pages->where++ = (struct replay_where){.vpn = vpn, .process = space->process, .was = was};
}

/* One touch, or two where a run comes to write to a page that a fork shared. */
static inline __attribute__((always_inline)) enum pgw_status
pages_touch_one(struct replay_pages *pages, struct pages_space *space, uint64_t vpn,
    struct policy_touch how, struct policy_touch **touch)
{
    struct vpn_slot *slot = vpn_table_find(&space->table, vpn);
    uint32_t value = slot->value, was = 0;
    enum pgw_status status = PGW_OK;

    if (__builtin_expect(value == 0, 0)) {
        status = pages_first_touch(pages, space, vpn, &value);
    } else if (__builtin_expect((value & VPN_COPY) != 0, 0) && how.write != 0) {
        struct policy_touch before = {(value & VPN_PAGE_MASK) - 1, 1, how.first, 0};
        status = pages_own(pages, space, slot);
        was = (value ^ slot->value) & VPN_PAGE_MASK ? value & VPN_PAGE_MASK : 0;
        value = slot->value;
        if (status == PGW_OK && how.first != POLICY_TOUCH_WRITE) {
            pages_put(pages, space, vpn, before, 0, touch);
            how.first = POLICY_TOUCH_WRITE;
            how.count--;
        }
    }
    how.page = (value & VPN_PAGE_MASK) - 1;
    pages_put(pages, space, vpn, how, was, touch);
    return status;
}

/* The touch that a reference is, but for its page. */
static inline __attribute__((always_inline)) struct policy_touch
pages_how(const struct pgw_ref *ref)
{
    static const uint8_t first_of[8] = {
        [PGW_REF_FETCH] = POLICY_TOUCH_FETCH,
        [PGW_REF_FETCH | PGW_REF_READ] = POLICY_TOUCH_FETCH,
        [PGW_REF_WRITE] = POLICY_TOUCH_WRITE,
        [PGW_REF_WRITE | PGW_REF_READ] = POLICY_TOUCH_WRITE,
        [PGW_REF_WRITE | PGW_REF_FETCH] = POLICY_TOUCH_WRITE,
        [PGW_REF_WRITE | PGW_REF_READ | PGW_REF_FETCH] = POLICY_TOUCH_WRITE,
    };
    uint8_t first = first_of[ref->kind & 7u];
    bool writes = first == POLICY_TOUCH_WRITE || (ref->count > 1 && ref->writes > 0);

    return (struct policy_touch){
        .count = (uint16_t)(ref->count + (ref->count == 0)), .first = first, .write = writes};
}

/* A single reference says by its kind what it is, whatever the counts of a run would. */
static inline void
pages_count(struct replay_totals *totals, const struct pgw_ref *ref, struct policy_touch how)
{
    bool single = how.count == 1;
    unsigned writes = single ? how.first == POLICY_TOUCH_WRITE : ref->writes;
    unsigned fetches = single ? how.first == POLICY_TOUCH_FETCH : ref->fetches;

    totals->references += how.count;
    totals->writes += writes;
    totals->fetches += fetches;
}

/* The pages behind the first, as one that is cut off at the end of all addresses has not. */
static __attribute__((noinline)) enum pgw_status
pages_touch_rest(struct replay_pages *pages, struct pages_space *space, const struct pgw_ref *ref,
    uint64_t last, struct policy_touch **touch, struct replay_totals *totals)
{
    uint64_t first = ref->va >> pages->page_shift;
    struct policy_touch how = pages_how(ref);
    struct replay_totals before = *totals;
    enum pgw_status status = PGW_OK;

    how.count = 1;
    for (uint64_t i = 1; i < pages->spread && first + i <= last && status == PGW_OK; i++) {
        status = pages_touch_one(pages, space, first + i, how, touch);
        pages_count(totals, ref, how);
    }
    if (status != PGW_OK)
        *totals = before;
    return status;
}

static inline __attribute__((always_inline)) enum pgw_status
pages_touch_ref(struct replay_pages *pages, struct pages_space *space, const struct pgw_ref *ref,
    struct policy_touch **touch, struct replay_totals *totals)
{
    unsigned shift = pages->page_shift;
    struct policy_touch how = pages_how(ref);
    struct policy_touch *start = *touch;
    uint64_t vpn = ref->va >> shift;
    uint64_t last = (ref->va + ref->size - (ref->size > 0)) >> shift;
    enum pgw_status status = pages_touch_one(pages, space, vpn, how, touch);

    if (__builtin_expect(last > vpn, 0) && status == PGW_OK)
        status = pages_touch_rest(pages, space, ref, last, touch, totals);
    if (__builtin_expect(status != PGW_OK, 0))
        *touch = start;
    else
        pages_count(totals, ref, how);
    return status;
}

/* Where the first run is, which cannot be taken apart; end: there is none. */
static const struct pgw_ref *
pages_runs_from(const struct pgw_ref *ref, const struct pgw_ref *end, enum pgw_status *status)
{
    while (ref < end && ref->count <= 1)
        ref++;
    *status = ref < end ? PGW_INVAL : PGW_OK;
    return ref;
}

enum pgw_status
replay_pages_touch(struct replay_pages *pages, const struct pgw_ref *refs, size_t n,
    struct policy_touch *touch, size_t *ndone, size_t *ntouch)
{
    const struct pgw_ref *ref = refs, *end = refs + n;
    struct replay_totals totals = pages->totals;
    struct policy_touch *out = touch;
    struct pages_space *space = NULL;
    enum pgw_status status = PGW_OK;

    enum pgw_status runs = PGW_OK;
    if (pages->spread > 2)
        end = pages_runs_from(refs, end, &runs);
    for (; ref < end; ref++) {
        if (__builtin_expect(space == NULL || space->process != ref->process, 0)) {
            status = pages_space(pages, ref->process, &space);
            if (status != PGW_OK)
                break;
        }
        if (end - ref > PAGES_AHEAD && ref[PAGES_AHEAD].process == space->process)
            vpn_table_prefetch(&space->table, ref[PAGES_AHEAD].va >> pages->page_shift);
        status = pages_touch_ref(pages, space, ref, &out, &totals);
        if (__builtin_expect(status != PGW_OK, 0))
            break;
    }
    totals.reads = totals.references - totals.writes - totals.fetches;
    pages->totals = totals;
    *ndone = (size_t)(ref - refs);
    *ntouch = (size_t)(out - touch);
    return status == PGW_OK ? runs : status;
}

/* ---- what is known ---- */

size_t
replay_pages_spread(const struct replay_pages *pages)
{
    return pages->spread;
}

void
replay_pages_tell_where(struct replay_pages *pages, struct replay_where *where)
{
    pages->where = where;
}

uint32_t
replay_pages_count(const struct replay_pages *pages)
{
    return pages->count;
}

void
replay_pages_place(const struct replay_pages *pages, uint32_t page, uint32_t *process, uint64_t *va)
{
    const struct pages_place *place = &pages->places[page];

    memcpy(va, place->vpn, sizeof *va);
    *va <<= pages->page_shift;
    *process = place->process;
}

uint64_t
replay_pages_bytes(const struct replay_pages *pages)
{
    uint64_t bytes = pages->count * sizeof *pages->places; /* of the rest nothing was touched */

    if (pages->holders != NULL)
        bytes += pages->holders_room * sizeof *pages->holders;
    for (uint64_t i = 0; i < pages->nspaces; i++)
        bytes += pages->spaces[i]->table.nslots * sizeof(struct vpn_slot);
    return bytes;
}

void
replay_pages_totals(const struct replay_pages *pages, struct replay_totals *totals)
{
    *totals = pages->totals;
}
