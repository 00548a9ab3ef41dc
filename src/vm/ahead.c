/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read-ahead: pages are read before they are asked for, where the last faults say which ones will
 * be.
 *
 * A region remembers a few streams, each a walk through its addresses in equal strides: the last
 * address, the stride, and a window, how many pages to read beyond one that must be read.  A
 * stream is believed in when two strides in a row were equal, or when a fault came right beside the
 * last one.
 *
 *      miss (must be read)    believed: read it and the window's pages with one io
 *      hit  (was read ahead)  the stream goes on; the page is an ordinary one from now on
 *
 * The window starts small, doubles when at least half of the last one was used by the next miss,
 * and is halved when not.  So a wrong guess costs two pages at first, and a stream that breaks off
 * costs half a window.  This is the idea of Linux's swap read-ahead by address (mm/swap_state.c,
 * swap_vma_readahead) and of its file read-ahead (mm/readahead.c), with strides added.
 *
 * Pages that were read ahead are not mapped: their first fault is what tells a hit from a waste.
 * Slots of pages that were written together lie together, so a window is often one operation of
 * the device; an io is sorted by slot to make that so as often as possible.  A page that lies
 * elsewhere costs an operation, whether it is used or not, so only a stream that has gone on for
 * AHEAD_PROVEN equal strides may ask for such: programs whose faults are often, but not always,
 * neighbours (a database's tree) would pay for five pages to use one.
 *
 * Reading ahead never takes the last frames, and no window is more than 1/32 of RAM.  While a
 * window is open, the page daemon keeps as many frames more free, so that reading ahead finds room
 * without a fault having to make it.
 *
 * Only the page that was asked for may give an error.  A run that fails is read again without the
 * others, which are then simply not there.
 *
 * Rejected: reading around the slot on the device (what Linux does for rotating disks).  It brings
 * whatever was evicted at the same time, of any process.
 */
#include "vm/core.h"

#define AHEAD_STRIDE_MAX 512 /* pages; faults further apart are not of one stream */
#define AHEAD_FIRST 2u       /* the window a stream starts with */
#define AHEAD_RAM_PART 32u   /* of RAM: the largest window */
#define AHEAD_SPARE 2u       /* frames left above the reserve: tables on the way to the page */
#define AHEAD_PROVEN 8u      /* equal strides in a row that make a stream worth operations */

/* One io under way: pages of one owner kind, the one asked for among them. */
struct ahead_io {
    struct vm_system *system;
    struct vm_object *object; /* NULL: anons, on swap */
    bool near;                /* only what lies beside it on the device may join it */
    struct mem_page *pages[PAGER_RUN_MAX];
    uint64_t slots[PAGER_RUN_MAX];
    unsigned n;
};

/* --- streams --- */

static int64_t
ahead_pages_between(uint64_t from, uint64_t to)
{
    return (int64_t)(to - from) / (int64_t)PAGE_SIZE;
}

/* The stream that va goes on with: the one that expects it, else the nearest, else a new one. */
static struct vm_stream *
ahead_stream(struct vm_region *region, uint64_t va)
{
    struct vm_stream *nearest = NULL;
    int64_t least = AHEAD_STRIDE_MAX + 1;

    for (unsigned i = 0; i < VM_STREAMS; i++) {
        struct vm_stream *stream = &region->streams[i];
        int64_t apart = ahead_pages_between(stream->last, va);
        if (stream->last == 0)
            continue;
        if (apart == stream->stride && apart != 0)
            return stream;
        apart = apart < 0 ? -apart : apart;
        if (apart < least) {
            least = apart;
            nearest = stream;
        }
    }
    if (nearest == NULL) {
        nearest = &region->streams[region->stream_next++ % VM_STREAMS];
        *nearest = (struct vm_stream){.last = 0};
    }
    return nearest;
}

/* Notes an access at va, a miss or a hit. */
static struct vm_stream *
ahead_note(struct vm_region *region, uint64_t va)
{
    struct vm_stream *stream = ahead_stream(region, va);
    int64_t apart = ahead_pages_between(stream->last, va);

    if (stream->last == 0)
        apart = 0;
    if (apart == 0 && stream->last != 0)
        return stream;
    stream->sure = apart != 0 && (apart == stream->stride || apart == 1 || apart == -1);
    if (apart != stream->stride) {
        stream->window = 0;
        stream->length = 0;
    } else if (stream->length < UINT8_MAX) {
        stream->length++;
    }
    stream->stride = (int32_t)apart;
    stream->last = va;
    return stream;
}

static unsigned
ahead_limit(const struct vm_system *system, const struct vm_region *region)
{
    uint64_t limit = system->ahead_max;

    if ((region->advice & 1u << SPACE_ADVICE_RANDOM) != 0)
        return 0;
    if ((region->advice & 1u << SPACE_ADVICE_SEQUENTIAL) != 0)
        limit *= 2;
    if (limit > system->mem->nframes / AHEAD_RAM_PART)
        limit = system->mem->nframes / AHEAD_RAM_PART;
    return (unsigned)(limit < VM_AHEAD_MAX ? limit : VM_AHEAD_MAX);
}

/* A page must be read: how many to read beyond it.  Sets *stride, in bytes, and *near. */
static unsigned
ahead_window(
    struct vm_system *system, struct vm_region *region, uint64_t va, int64_t *stride, bool *near)
{
    unsigned limit = ahead_limit(system, region);
    bool sequential = (region->advice & 1u << SPACE_ADVICE_SEQUENTIAL) != 0;
    struct vm_stream *stream = ahead_note(region, va);
    unsigned window = stream->window;

    if (sequential && !stream->sure) {
        stream->stride = 1;
        stream->sure = true;
    }
    if (!stream->sure)
        window = 0;
    else if (window == 0)
        window = sequential ? limit : AHEAD_FIRST;
    else
        window = 2u * stream->hits >= window ? 2 * window : (window + 1) / 2;
    if (window > limit)
        window = limit;
    stream->window = (uint8_t)window;
    stream->hits = 0;
    system->ahead_room = window;
    *stride = (int64_t)stream->stride * (int64_t)PAGE_SIZE;
    *near = !sequential && stream->length < AHEAD_PROVEN;
    return window;
}

void
vm_ahead_hit(struct vm_system *system, struct vm_region *region, uint64_t va, struct mem_page *page)
{
    page->ahead = 0;
    system->stats.ahead_used++;
    struct vm_stream *stream = ahead_note(region, va);
    if (stream->hits < UINT8_MAX)
        stream->hits++;
}

/* --- gathering and reading --- */

/* May another frame be taken for a page that nobody asked for yet? */
static bool
ahead_may_take(const struct vm_system *system, unsigned group)
{
    return system->mem->nfree > system->mem->reserve + AHEAD_SPARE &&
           vm_group_excess(system, system->groups[group]) == 0;
}

/* Into its place by slot; what is asked for stays wherever that is. */
static void
ahead_add(struct ahead_io *io, struct mem_page *page, uint64_t slot)
{
    unsigned i = io->n++;

    page->busy = 1;
    for (; i > 0 && io->slots[i - 1] > slot; i--) {
        io->slots[i] = io->slots[i - 1];
        io->pages[i] = io->pages[i - 1];
    }
    io->slots[i] = slot;
    io->pages[i] = page;
}

/* May what is in this slot join the io? */
static bool
ahead_joins(const struct ahead_io *io, uint64_t slot)
{
    return !io->near || io->n == 0 || slot == io->slots[io->n - 1] + 1 || slot + 1 == io->slots[0];
}

/* The anon's page, if it is on swap only, joins the io. */
static bool
ahead_add_anon(struct ahead_io *io, struct vm_anon *anon)
{
    struct vm_system *system = io->system;

    if (anon == NULL || anon->page != NULL || anon->slot == PAGER_SLOT_NONE)
        return true;
    if (!ahead_joins(io, anon->slot))
        return false;
    struct mem_page *page =
        ahead_may_take(system, anon->group) ? mem_alloc(system->mem, 0, 0) : NULL;
    if (page == NULL)
        return false;
    vm_anon_attach(system, anon, page);
    vm_anon_hold(system, anon);
    ahead_add(io, page, anon->slot);
    return true;
}

static bool
ahead_add_object(struct ahead_io *io, uint64_t idx)
{
    struct vm_system *system = io->system;

    if (idx >= io->object->base.npages || vm_object_page(io->object, idx) != NULL)
        return true;
    if (!ahead_joins(io, idx))
        return false;
    struct mem_page *page =
        ahead_may_take(system, io->object->group) ? mem_alloc(system->mem, 0, 0) : NULL;
    if (page == NULL)
        return false;
    bool kept = vm_tmem_take(io->object, idx, page);
    if (vm_object_attach(io->object, idx, page) != PGW_OK) {
        mem_free(system->mem, page);
        return false;
    }
    if (!kept) {
        ahead_add(io, page, idx);
        return true;
    }
    page->ahead = 1;
    system->stats.ahead_read++;
    system->stats.tmem_pages_in++;
    return true;
}

/* What is behind va joins the io, if it is of the io's kind and not in RAM; false: it may not, or
 * there is no frame. */
static bool
ahead_add_va(struct ahead_io *io, const struct vm_region *region, uint64_t va)
{
    struct vm_anon *anon = vm_amap_lookup(region, va);

    if (io->object == NULL || anon != NULL)
        return io->object != NULL || ahead_add_anon(io, anon);
    return ahead_add_object(io, (region->offset + (va - region->start)) >> PAGE_SHIFT);
}

/* Adds up to n pages from va on, every stride bytes. */
static void
ahead_gather(
    struct ahead_io *io, const struct vm_region *region, uint64_t va, int64_t stride, unsigned n)
{
    for (; n > 0 && io->n < PAGER_RUN_MAX; n--, va += (uint64_t)stride)
        if (va < region->start || va >= region->end || !ahead_add_va(io, region, va))
            break;
}

/* The page was not read: its owner forgets it. */
static void
ahead_undo(struct ahead_io *io, struct mem_page *page)
{
    if (io->object != NULL)
        base_radix_remove(&io->object->pages, page->offset);
    else
        vm_anon_detach(io->system, page->owner);
    vm_page_free(io->system, page);
}

static enum pgw_status
ahead_get(struct ahead_io *io)
{
    struct pager *pager = io->object != NULL ? io->object->base.pager : io->system->swap;

    return vm_io_get(io->system, pager, io->slots, io->pages, io->n);
}

/* What was read is there; what was not is forgotten, but for the one that is tried again. */
static void
ahead_settle(struct ahead_io *io, enum pgw_status status, const struct mem_page *asked)
{
    for (unsigned i = 0; i < io->n; i++) {
        if (status == PGW_OK)
            io->pages[i]->ahead = io->pages[i] != asked;
        else if (io->pages[i] != asked)
            ahead_undo(io, io->pages[i]);
    }
}

/* The one page that was asked for, by itself. */
static enum pgw_status
ahead_again(const struct ahead_io *io, struct mem_page *asked)
{
    struct ahead_io single = {.system = io->system, .object = io->object};

    for (unsigned i = 0; i < io->n; i++)
        if (io->pages[i] == asked)
            ahead_add(&single, asked, io->slots[i]);
    return ahead_get(&single);
}

/* Reads them all, and drops the references that anons were given; asked may be NULL.  If its page
 * cannot be read, it is gone. */
static enum pgw_status
ahead_run(struct ahead_io *io, struct mem_page *asked)
{
    struct vm_stats *stats = &io->system->stats;
    struct vm_anon *anons[PAGER_RUN_MAX];
    unsigned read = io->n;

    for (unsigned i = 0; i < io->n; i++)
        anons[i] = io->object == NULL ? io->pages[i]->owner : NULL;
    enum pgw_status status = ahead_get(io);
    ahead_settle(io, status, asked);
    if (status == PGW_OK) {
        stats->ahead_read += read - (asked != NULL);
    } else if (asked != NULL) {
        read = 1;
        if (io->n > 1)
            status = ahead_again(io, asked);
        if (status != PGW_OK)
            ahead_undo(io, asked);
    }
    if (status == PGW_OK)
        *(io->object != NULL ? &stats->file_pages_in : &stats->pages_in) += read;
    for (unsigned i = 0; i < io->n; i++)
        if (anons[i] != NULL)
            vm_anon_release(io->system, anons[i]);
    return status;
}

/* Reads up to PAGER_RUN_MAX pages of the space from va on, every stride bytes, as far as there are
 * frames: those of the region's file, or those on swap. */
static void
ahead_chunk(struct vm_space *space, uint64_t va, int64_t stride, unsigned n, bool file)
{
    const struct vm_region *region = vm_region_at(space, va);

    if (region == NULL || (file && (region->object == NULL || region->object->amap != NULL)))
        return;
    struct ahead_io io = {.system = space->system, .object = file ? region->object : NULL};
    if (file)
        vm_object_hold_locked(io.object); /* or it could go with the lock */
    ahead_gather(&io, region, va, stride, n);
    if (io.n > 0)
        (void)ahead_run(&io, NULL);
    if (file)
        vm_object_release_locked(io.object);
}

/* The rest of a window that is longer than an io. */
static void
ahead_rest(struct vm_space *space, uint64_t va, int64_t stride, unsigned n, bool file)
{
    unsigned first = PAGER_RUN_MAX - 1; /* that many went with the page that was asked for */

    if (n > first)
        ahead_chunk(space, va + (first + 1) * (uint64_t)stride, stride, n - first, file);
}

enum pgw_status
vm_ahead_anon(struct vm_space *space, struct vm_region *region, uint64_t va, struct vm_anon *anon)
{
    struct ahead_io io = {.system = space->system};
    struct mem_page *page = anon->page;
    int64_t stride;
    unsigned n = ahead_window(io.system, region, va, &stride, &io.near);

    vm_anon_hold(io.system, anon);
    ahead_add(&io, page, anon->slot);
    ahead_gather(&io, region, va + (uint64_t)stride, stride, n);
    enum pgw_status status = ahead_run(&io, page);
    if (status == PGW_OK && !io.near)
        ahead_rest(space, va, stride, n, false);
    return status;
}

enum pgw_status
vm_ahead_object(
    struct vm_space *space, struct vm_region *region, uint64_t va, struct mem_page *page)
{
    struct ahead_io io = {.system = space->system, .object = page->owner};
    int64_t stride;
    unsigned n = ahead_window(io.system, region, va, &stride, &io.near);

    vm_object_hold_locked(io.object);
    ahead_add(&io, page, page->offset);
    ahead_gather(&io, region, va + (uint64_t)stride, stride, n);
    enum pgw_status status = ahead_run(&io, page);
    vm_object_release_locked(io.object);
    if (status == PGW_OK && !io.near)
        ahead_rest(space, va, stride, n, true);
    return status;
}

void
vm_ahead_range(struct vm_space *space, uint64_t va, uint64_t end)
{
    const struct vm_system *system = space->system;

    while (va < end && system->mem->nfree > system->free_low) {
        const struct vm_region *region = vm_region_at_or_above(space, va);
        if (region == NULL || region->start >= end)
            break;
        if (va < region->start)
            va = region->start;
        uint64_t to = region->end < end ? region->end : end;
        uint64_t left = (to - va) >> PAGE_SHIFT;
        unsigned n = left < PAGER_RUN_MAX ? (unsigned)left : PAGER_RUN_MAX;
        ahead_chunk(space, va, PAGE_SIZE, n, false);
        ahead_chunk(space, va, PAGE_SIZE, n, true);
        va += (uint64_t)n * PAGE_SIZE;
    }
}

/* --- fault-around --- */

/* The page of the region's file behind va that can be mapped without reading or copying; NULL:
 * there is none, or it is mapped already. */
static struct mem_page *
around_page(const struct vm_space *space, const struct vm_region *region, uint64_t va)
{
    uint64_t idx = (region->offset + (va - region->start)) >> PAGE_SHIFT;

    if (vm_amap_lookup(region, va) != NULL || idx >= region->object->base.npages)
        return NULL;
    struct mem_page *page = vm_object_page(region->object, idx);
    if (page == NULL || page->busy || page->ahead || !page->queued ||
        space->system->pmap_ops->extract(space->pmap, va, NULL, NULL) == PGW_OK)
        return NULL;
    return page;
}

bool
vm_ahead_around(struct vm_space *space, const struct vm_region *region, uint64_t va,
    struct mem_page *page, prot_t prot, enum access access)
{
    struct vm_system *system = space->system;
    struct mem_page *pages[VM_AROUND_MAX];
    uint64_t block = (uint64_t)system->around_max << PAGE_SHIFT;

    if (block <= PAGE_SIZE || region->locked)
        return false;
    uint64_t low = va - va % block, high = low + block;
    if (low < region->start)
        low = region->start;
    if (high > region->end)
        high = region->end;
    uint64_t from = va, to = va + PAGE_SIZE;
    while (from > low && around_page(space, region, from - PAGE_SIZE) != NULL)
        from -= PAGE_SIZE;
    while (to < high && around_page(space, region, to) != NULL)
        to += PAGE_SIZE;
    size_t n = (to - from) >> PAGE_SHIFT;
    if (n == 1)
        return false;
    for (size_t i = 0; i < n; i++) {
        pages[i] = from + (i << PAGE_SHIFT) == va
                       ? page
                       : around_page(space, region, from + (i << PAGE_SHIFT));
        vm_cache_promote(system, pages[i]);
    }
    if (system->pmap_ops->enter(space->pmap, from, pages, n, 0, prot, access, 0) != PGW_OK)
        return false;
    system->stats.around_mapped += n - 1;
    return true;
}
