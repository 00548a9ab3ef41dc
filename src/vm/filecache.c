/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file cache: read(2) and write(2) go by the same pages as mappings of the file.
 *
 *   read    what is in RAM is copied from there.  What is not is read into RAM if there is memory
 *           that nobody wants; else the caller reads the file itself, and puts what is newer in RAM
 *           over it (overlay).  So a read is right however little memory there is.
 *   write   goes to the file at once, and then to the pages that are in RAM.  They stay as clean
 *           or dirty as they were.
 *
 * A page that has come in by read(2) alone is not the policy's: it is in a list of its own, in the
 * order of use, and is the first to go when anybody wants a frame.  A program that reads a
 * large file once loses none of its own pages to it.  As soon as such a page is mapped it is a page
 * like any other (C8).
 */
#include <string.h>

#include "vm/core.h"

static bool
cache_holds(const struct mem_page *page)
{
    return page->owner_kind == MEM_OWNER_OBJECT && !page->queued && !page->busy;
}

static void
cache_enter(struct vm_system *system, struct mem_page *page)
{
    TAILQ_INSERT_TAIL(&system->cached, &page->node, link);
    system->stats.file_cached++;
    base_peak(&system->stats.file_cached_peak, system->stats.file_cached);
}

void
vm_cache_leave(struct vm_system *system, struct mem_page *page)
{
    if (!cache_holds(page))
        return;
    TAILQ_REMOVE(&system->cached, &page->node, link);
    system->stats.file_cached--;
}

void
vm_cache_moved(struct vm_system *system, struct mem_page *from, struct mem_page *to)
{
    TAILQ_INSERT_AFTER(&system->cached, &from->node, &to->node, link);
    TAILQ_REMOVE(&system->cached, &from->node, link);
}

void
vm_cache_promote(struct vm_system *system, struct mem_page *page)
{
    if (!cache_holds(page))
        return;
    vm_cache_leave(system, page);
    vm_page_admit(system, page);
}

uint64_t
vm_cache_shrink(struct vm_system *system, uint64_t n)
{
    struct base_node *node;
    uint64_t freed = 0;

    for (; freed < n && (node = TAILQ_FIRST(&system->cached)) != NULL; freed++) {
        struct mem_page *page = vm_page_of_node(node);
        struct vm_object *object = page->owner;
        vm_cache_leave(system, page);
        base_radix_remove(&object->pages, page->offset);
        vm_page_free(system, page);
        system->stats.evicted++;
        system->stats.evicted_clean++;
    }
    return freed;
}

/* Somebody has read the page. */
static void
cache_touch(struct vm_system *system, struct mem_page *page)
{
    if (cache_holds(page)) {
        TAILQ_REMOVE(&system->cached, &page->node, link);
        TAILQ_INSERT_TAIL(&system->cached, &page->node, link);
    } else {
        page->referenced = 1;
    }
}

/* Are there n frames that nobody wants, perhaps after the oldest of ours have gone? */
static bool
cache_make_room(struct vm_system *system, unsigned n)
{
    uint64_t want = system->free_high + n;

    if (system->mem->nfree < want)
        (void)vm_cache_shrink(system, want - system->mem->nfree);
    return system->mem->nfree >= want;
}

/* A frame for the page at idx, busy; NULL: there is none. */
static struct mem_page *
cache_frame(struct vm_object *object, uint64_t idx)
{
    struct mem_page *page = mem_alloc(object->system->mem, 0, 0);

    if (page == NULL)
        return NULL;
    page->busy = 1;
    if (vm_object_place(object, idx, page) == PGW_OK)
        return page;
    page->busy = 0;
    mem_free(object->system->mem, page);
    return NULL;
}

/* Reads up to n pages that are not in RAM, from idx on; the caller holds the object.  *got: how
 * many there are now; 0: there is no room for them. */
static enum pgw_status
cache_fill(struct vm_object *object, uint64_t idx, unsigned n, unsigned *got)
{
    struct vm_system *system = object->system;
    struct mem_page *pages[PAGER_RUN_MAX];
    uint64_t slots[PAGER_RUN_MAX];
    enum pgw_status status = PGW_OK;

    *got = 0;
    if (!cache_make_room(system, n))
        return PGW_OK;
    while (*got < n && (pages[*got] = cache_frame(object, idx + *got)) != NULL) {
        slots[*got] = idx + *got;
        ++*got;
    }
    if (*got > 0)
        status = vm_io_get(system, object->base.pager, slots, pages, *got);
    for (unsigned i = 0; i < *got; i++) {
        if (status == PGW_OK) {
            cache_enter(system, pages[i]);
        } else {
            base_radix_remove(&object->pages, idx + i);
            pages[i]->owner_kind = MEM_OWNER_NONE;
            pages[i]->owner = NULL;
            mem_free(system->mem, pages[i]);
        }
    }
    if (status == PGW_OK)
        system->stats.file_pages_in += *got;
    return status;
}

/* How many pages from idx on are not in RAM, of n at the most. */
static unsigned
cache_missing(const struct vm_object *object, uint64_t idx, uint64_t n)
{
    unsigned missing = 0;

    while (missing < PAGER_RUN_MAX && missing < n && idx + missing < object->base.npages &&
           vm_object_page(object, idx + missing) == NULL)
        missing++;
    return missing;
}

/* The bytes from offset to the end of its page, len at the most. */
static size_t
cache_piece(uint64_t offset, size_t len)
{
    size_t piece = PAGE_SIZE - (size_t)(offset & ~PAGE_MASK);

    return piece < len ? piece : len;
}

/* The page at offset, not busy; NULL: it is not in RAM. */
static struct mem_page *
cache_wait(struct vm_object *object, uint64_t offset, bool *waited)
{
    struct mem_page *page;

    while ((page = vm_object_page(object, offset >> PAGE_SHIFT)) != NULL && page->busy) {
        *waited = *waited || page->dirty;
        vm_io_yield(object->system, object->base.pager);
    }
    return page;
}

static unsigned char *
cache_bytes(const struct vm_object *object, const struct mem_page *page, uint64_t offset)
{
    return mem_page_bytes(object->system->mem, page) + (offset & ~PAGE_MASK);
}

/* The rest of a read that does not go by the cache. */
static void
cache_missed(struct vm_system *system, uint64_t offset, size_t len)
{
    system->stats.cache_misses += (page_ceil(offset + len) - page_floor(offset)) >> PAGE_SHIFT;
}

static enum pgw_status
cache_read_locked(
    struct vm_object *object, uint64_t offset, unsigned char *buf, size_t len, size_t *done)
{
    struct vm_system *system = object->system;
    uint64_t filled = 0; /* pages that were just read, and are no hits */
    bool waited = false;

    while (*done < len && offset + *done < object->len) {
        uint64_t at = offset + *done;
        struct mem_page *page = cache_wait(object, at, &waited);
        if (page == NULL) {
            unsigned got;
            uint64_t most = (page_ceil(offset + len) - page_floor(at)) >> PAGE_SHIFT;
            unsigned n = cache_missing(object, at >> PAGE_SHIFT, most);
            enum pgw_status status = cache_fill(object, at >> PAGE_SHIFT, n, &got);
            if (status != PGW_OK)
                return status;
            if (got == 0)
                break;
            system->stats.cache_misses += got;
            filled = got;
            continue;
        }
        size_t piece = cache_piece(at, len - *done);
        if (piece > object->len - at)
            piece = (size_t)(object->len - at);
        memcpy(buf + *done, cache_bytes(object, page, at), piece);
        cache_touch(system, page);
        system->stats.cache_hits += filled == 0;
        filled -= filled > 0;
        *done += piece;
    }
    if (*done < len && offset + *done < object->len)
        cache_missed(system, offset + *done, len - *done);
    return PGW_OK;
}

enum pgw_status
vm_cache_read(struct space_object *base, uint64_t offset, void *buf, size_t len, size_t *done)
{
    struct vm_object *object = vm_object_of(base);
    struct vm_system *system = object->system;

    *done = 0;
    if (object->base.pager == NULL || offset + len < offset)
        return PGW_OK;
    base_lock_take(&system->lock);
    vm_object_hold_locked(object);
    enum pgw_status status = cache_read_locked(object, offset, buf, len, done);
    vm_object_release_locked(object);
    base_lock_drop(&system->lock);
    return status;
}

void
vm_cache_overlay(struct space_object *base, uint64_t offset, void *buf, size_t len)
{
    struct vm_object *object = vm_object_of(base);
    bool waited = false;

    base_lock_take(&object->system->lock);
    vm_object_hold_locked(object);
    for (size_t at = 0; at < len && object->ndirty > 0;) {
        size_t piece = cache_piece(offset + at, len - at);
        struct mem_page *page = cache_wait(object, offset + at, &waited);
        if (page != NULL && page->dirty)
            memcpy((unsigned char *)buf + at, cache_bytes(object, page, offset + at), piece);
        at += piece;
    }
    struct vm_system *system = object->system;
    vm_object_release_locked(object);
    base_lock_drop(&system->lock);
}

void
vm_cache_update(struct space_object *base, uint64_t offset, const void *buf, size_t len)
{
    struct vm_object *object = vm_object_of(base);
    struct vm_system *system = object->system;

    base_lock_take(&system->lock);
    vm_object_hold_locked(object);
    for (size_t at = 0; at < len && (object->pages.count > 0 || system->tmem != NULL);) {
        size_t piece = cache_piece(offset + at, len - at);
        bool waited = false;
        struct mem_page *page = cache_wait(object, offset + at, &waited);
        if (page != NULL) {
            memcpy(cache_bytes(object, page, offset + at), (const unsigned char *)buf + at, piece);
            if (waited) /* a write of the page as it was before may have come after ours */
                vm_object_dirty(object, page);
        } else { /* now, since it may have gone there while another was waited for */
            vm_tmem_flush(object, (offset + at) >> PAGE_SHIFT, 1);
        }
        at += piece;
    }
    vm_object_release_locked(object);
    base_lock_drop(&system->lock);
}
