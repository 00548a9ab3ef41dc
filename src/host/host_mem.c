/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/host_mem.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/size.h"

#define HOST_HUGE ((size_t)2 << 20) /* a transparent huge page of the host */

static void *
host_mmap(size_t len)
{
    void *p =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static void
host_count(struct base_alloc *alloc, size_t len)
{
    alloc->mapped += len;
    if (alloc->mapped > alloc->mapped_peak)
        alloc->mapped_peak = alloc->mapped;
}

/* Whole pages; 0 when len is 0 or too large. */
static size_t
host_round(size_t len)
{
    return (size_t)page_ceil(len);
}

static void *
host_map(struct base_alloc *alloc, size_t len)
{
    size_t whole = host_round(len);

    if (whole == 0 || base_inject_fails(alloc->inject, INJECT_MAP))
        return NULL;
    void *p = host_mmap(whole);
    if (p != NULL)
        host_count(alloc, whole);
    return p;
}

static void
host_unmap(struct base_alloc *alloc, void *chunk, size_t len)
{
    size_t whole = host_round(len);

    munmap(chunk, whole);
    alloc->mapped -= whole;
}

/* Maps more than asked for and cuts both ends, so that huge pages fit from the first byte on. */
static void *
host_mmap_aligned(size_t len)
{
    size_t more = len + HOST_HUGE;
    char *p = more < len ? NULL : host_mmap(more);

    if (p == NULL)
        return NULL;
    size_t head = (HOST_HUGE - (uintptr_t)p % HOST_HUGE) % HOST_HUGE;
    if (head > 0)
        munmap(p, head);
    munmap(p + head + len, HOST_HUGE - head);
    return p + head;
}

static void *
host_ram_map(struct base_alloc *alloc, size_t len)
{
    size_t whole = host_round(len);

    if (whole == 0 || base_inject_fails(alloc->inject, INJECT_MAP))
        return NULL;
    void *p = whole < HOST_HUGE ? host_mmap(whole) : host_mmap_aligned(whole);
    if (p == NULL)
        return NULL;
    /* Advice only: a host without huge pages is slower, not wrong. */
    (void)madvise(p, whole, MADV_HUGEPAGE);
    host_count(alloc, whole);
    return p;
}

void *
host_ram_grow(struct base_alloc *alloc, void *chunk, size_t len, size_t longer)
{
    size_t old = host_round(len), whole = host_round(longer);

    if (whole < old || base_inject_fails(alloc->inject, INJECT_MAP))
        return NULL;
    void *p = host_mmap_aligned(whole);
    if (p == NULL)
        return NULL;
    if (mremap(chunk, old, old, MREMAP_MAYMOVE | MREMAP_FIXED, p) == MAP_FAILED) {
        munmap(p, whole);
        return NULL;
    }
    (void)madvise(p, whole, MADV_HUGEPAGE);
    host_count(alloc, whole - old);
    return p;
}

void
host_alloc_init(struct base_alloc *alloc, struct base_inject *inject)
{
    *alloc = (struct base_alloc){.map = host_map, .unmap = host_unmap, .inject = inject};
}

void
host_ram_alloc_init(struct base_alloc *alloc)
{
    *alloc = (struct base_alloc){.map = host_ram_map, .unmap = host_unmap};
}
