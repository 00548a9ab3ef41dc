/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoded code by virtual page, and the memory it lies in: chunks of 4 KiB cut from maps of the
 * hart's allocator.  A dropped page gives its chunks back at once, or, while code is running, when
 * the run is over (it may be the page that is being executed).
 */
#include "cpu/ops.h"

/* A page record takes whole chunks' worth of memory of its own. */
#define CODE_MAP_SIZE ((size_t)CPU_CHUNK_SIZE * CPU_CHUNKS_PER_MAP)
#define CODE_CHUNK_START 16u
#define CODE_RECORDS_PER_MAP (CODE_MAP_SIZE / sizeof(struct cpu_page))

static struct cpu_page_list *
code_bucket(struct cpu_core *c, uint32_t asid, uint64_t vpn)
{
    uint64_t hash = (vpn ^ (uint64_t)asid << 32) * 0x9e3779b97f4a7c15u;
    return &c->buckets[hash >> 54 & (CPU_PAGE_BUCKETS - 1)];
}

static void *
code_map(struct cpu_core *c)
{
    if (c->nmaps == CPU_CODE_MAPS_MAX)
        return NULL;
    void *map = c->alloc->map(c->alloc, CODE_MAP_SIZE);
    if (map != NULL)
        c->maps[c->nmaps++] = map;
    return map;
}

static struct cpu_chunk *
code_chunk(struct cpu_core *c)
{
    if (c->free_chunks == NULL) {
        unsigned char *map = code_map(c);
        if (map == NULL)
            return NULL;
        for (unsigned i = CPU_CHUNKS_PER_MAP; i-- > 0;) {
            struct cpu_chunk *chunk =
                (struct cpu_chunk *)(void *)(map + (size_t)i * CPU_CHUNK_SIZE);
            chunk->next = c->free_chunks;
            c->free_chunks = chunk;
        }
    }
    struct cpu_chunk *chunk = c->free_chunks;
    c->free_chunks = chunk->next;
    return chunk;
}

static struct cpu_page *
code_record(struct cpu_core *c)
{
    if (LIST_EMPTY(&c->free)) {
        struct cpu_page *records = code_map(c);
        if (records == NULL)
            return NULL;
        for (size_t i = CODE_RECORDS_PER_MAP; i-- > 0;)
            LIST_INSERT_HEAD(&c->free, &records[i], link);
    }
    struct cpu_page *page = LIST_FIRST(&c->free);
    LIST_REMOVE(page, link);
    return page;
}

enum pgw_status
cpu_code_init(struct cpu_core *c)
{
    for (unsigned i = 0; i < CPU_PAGE_BUCKETS; i++)
        LIST_INIT(&c->buckets[i]);
    LIST_INIT(&c->dead);
    LIST_INIT(&c->free);
    c->missing = (struct cpu_op){.fn = cpu_do_missing};
    cpu_decode_init(c->decode_index);
    c->crossing = c->alloc->map(c->alloc, CPU_CHUNK_SIZE);
    if (c->crossing == NULL)
        return PGW_NOMEM;
    /* One map of records and one of chunks are there from the start: when everything has been
     * dropped, there is always room for the code that is wanted next. */
    struct cpu_page *record = code_record(c);
    struct cpu_chunk *chunk = code_chunk(c);
    if (record != NULL)
        LIST_INSERT_HEAD(&c->free, record, link);
    if (chunk != NULL) {
        chunk->next = c->free_chunks;
        c->free_chunks = chunk;
    }
    return record != NULL && chunk != NULL ? PGW_OK : PGW_NOMEM;
}

void
cpu_code_fini(struct cpu_core *c)
{
    while (c->nmaps > 0)
        c->alloc->unmap(c->alloc, c->maps[--c->nmaps], CODE_MAP_SIZE);
    if (c->crossing != NULL)
        c->alloc->unmap(c->alloc, c->crossing, CPU_CHUNK_SIZE);
}

void *
cpu_page_alloc(struct cpu_core *c, struct cpu_page *page, size_t len)
{
    len = (len + 15) & ~(size_t)15;
    if (page->chunks == NULL || page->room < len) {
        struct cpu_chunk *chunk = code_chunk(c);
        if (chunk == NULL)
            return NULL;
        chunk->next = page->chunks;
        page->chunks = chunk;
        page->room = CPU_CHUNK_SIZE - CODE_CHUNK_START;
    }
    void *place = (char *)page->chunks + CPU_CHUNK_SIZE - page->room;
    page->room -= (uint32_t)len;
    return place;
}

static struct cpu_page *
code_find(struct cpu_core *c, uint32_t asid, uint64_t vpn)
{
    struct cpu_page *page;
    LIST_FOREACH (page, code_bucket(c, asid, vpn), link) {
        if (page->vpn == vpn && page->asid == asid)
            return page;
    }
    return NULL;
}

struct cpu_page *
cpu_page_get(struct cpu_core *c, uint64_t vpn, const unsigned char *bytes)
{
    struct cpu_page *page = code_find(c, c->asid, vpn);
    if (page != NULL && page->bytes == bytes)
        return page;
    if (page != NULL)
        cpu_page_drop(c, page);
    page = code_record(c);
    if (page == NULL)
        return NULL;
    page->vpn = vpn;
    page->asid = c->asid;
    page->bytes = bytes;
    page->chunks = NULL;
    page->room = 0;
    for (unsigned i = 0; i < CPU_PAGE_ENTRIES; i++)
        page->entry[i] = &c->missing;
    LIST_INSERT_HEAD(code_bucket(c, c->asid, vpn), page, link);
    return page;
}

/* Gives a record and its chunks back. */
static void
code_free(struct cpu_core *c, struct cpu_page *page)
{
    while (page->chunks != NULL) {
        struct cpu_chunk *chunk = page->chunks;
        page->chunks = chunk->next;
        chunk->next = c->free_chunks;
        c->free_chunks = chunk;
    }
    LIST_INSERT_HEAD(&c->free, page, link);
}

void
cpu_page_drop(struct cpu_core *c, struct cpu_page *page)
{
    struct cpu_fetch_slot *slot = cpu_fetch_slot(c, page->vpn);
    if (slot->page == page)
        *slot = (struct cpu_fetch_slot){.vpn = CPU_NO_VPN};
    LIST_REMOVE(page, link);
    if (c->running)
        LIST_INSERT_HEAD(&c->dead, page, link);
    else
        code_free(c, page);
}

void
cpu_code_bury(struct cpu_core *c)
{
    while (!LIST_EMPTY(&c->dead)) {
        struct cpu_page *page = LIST_FIRST(&c->dead);
        LIST_REMOVE(page, link);
        code_free(c, page);
    }
}

/* Drops the pages of asid from vpn on; of every space when all. */
static void
code_drop(struct cpu_core *c, uint32_t asid, uint64_t vpn, uint64_t npages, bool all)
{
    for (unsigned i = 0; i < CPU_PAGE_BUCKETS; i++) {
        struct cpu_page *page, *next;
        for (page = LIST_FIRST(&c->buckets[i]); page != NULL; page = next) {
            next = LIST_NEXT(page, link);
            if (all || (page->asid == asid && page->vpn - vpn < npages))
                cpu_page_drop(c, page);
        }
    }
}

void
cpu_page_drop_range(struct cpu_core *c, uint32_t asid, uint64_t vpn, uint64_t npages)
{
    if (npages > CPU_PAGE_BUCKETS) {
        code_drop(c, asid, vpn, npages, false);
        return;
    }
    for (uint64_t i = 0; i < npages; i++) {
        struct cpu_page *page = code_find(c, asid, vpn + i);
        if (page != NULL)
            cpu_page_drop(c, page);
    }
}

void
cpu_code_drop_asid(struct cpu_core *c, uint32_t asid)
{
    code_drop(c, asid, 0, UINT64_MAX, false);
}

void
cpu_code_drop_all(struct cpu_core *c)
{
    code_drop(c, 0, 0, 0, true);
}

void
cpu_fetch_clear(struct cpu_core *c)
{
    for (uint64_t i = 0; i <= c->fetch_mask; i++)
        c->fetch[i] = (struct cpu_fetch_slot){.vpn = CPU_NO_VPN};
}

/*
 * A slot whose page has no record yet stays empty: the fetch is not made (mmu told) until there is
 * room for its code, so the record is looked for after translation, and a full arena asks again.
 */
struct cpu_page *
cpu_fetch_page(struct cpu_core *c, uint64_t va)
{
    struct mmu_translation out = {.forget = false};
    enum mmu_fault fault = c->mmu->ops->translate(c->mmu, va, ACCESS_EXEC, &out);
    if (fault != MMU_OK) {
        c->hart.fault_va = va;
        c->hart.fault_access = ACCESS_EXEC;
        c->hart.fault = fault;
        c->stop = CPU_STOP_EXIT;
        c->exit = CPU_EXIT_FAULT;
        c->extra_fetch++;
        return NULL;
    }
    uint64_t vpn = va >> PAGE_SHIFT;
    if (out.forget)
        cpu_fetch_clear(c);
    struct cpu_page *page = cpu_page_get(c, vpn, out.bytes);
    if (page == NULL) {
        c->stop = CPU_STOP_FULL;
        return NULL;
    }
    if (c->single_fetch)
        cpu_fetch_clear(c);
    *cpu_fetch_slot(c, vpn) = (struct cpu_fetch_slot){.vpn = vpn, .page = page};
    return page;
}
