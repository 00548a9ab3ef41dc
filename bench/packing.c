/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the compressed pool makes of files: each file's pages are put into a pool of its own, read
 * back and compared.  One line of JSON a file:
 *
 *   {"file":..,"codec":..,"pages":..,"ratio":..,"frames_ratio":..,"put_ns":..,"get_ns":..}
 *
 * ratio: bytes of the pages to all memory that the pool takes for them: frames, what is lost in
 * them, records, tables, the codec's working memory.  frames_ratio: to its frames alone.
 *
 *   bench/zpool [-c zstd|lz4] [-m MIB] FILE...
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "host/host_mem.h"
#include "mem/mem.h"
#include "pager/pagers.h"

struct pool {
    struct base_alloc alloc, ram;
    struct mem mem;
    struct pager *pager;
    struct mem_page *page;
};

static bool
pool_open(struct pool *pool, uint64_t frames, bool lz4)
{
    const struct pager_zpool_config config = {.limit = frames, .lz4 = lz4};

    host_alloc_init(&pool->alloc, NULL);
    host_ram_alloc_init(&pool->ram);
    return mem_init(&pool->mem, &pool->alloc, &pool->ram, (frames + 64) << PAGE_SHIFT, 0) ==
               PGW_OK &&
           pager_zpool_create(&pool->mem, &pool->alloc, &config, NULL, &pool->pager) == PGW_OK &&
           (pool->page = mem_alloc(&pool->mem, 0, 0)) != NULL;
}

static void
pool_close(struct pool *pool)
{
    mem_free(&pool->mem, pool->page);
    pool->pager->ops->destroy(pool->pager);
    mem_fini(&pool->mem, &pool->ram);
}

static void
pool_done(struct pager_io *io)
{
    (void)io;
}

/* The pool completes at once. */
static bool
pool_io(struct pool *pool, bool put, uint64_t *slot)
{
    struct pager_io io = {.pages = {pool->page}, .slots = {*slot}, .n = 1, .done = pool_done};
    const struct pager_ops *ops = pool->pager->ops;

    enum pgw_status status = (put ? ops->start_put : ops->start_get)(pool->pager, &io);
    *slot = io.slots[0];
    return status == PGW_OK && io.status == PGW_OK;
}

static double
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Puts all pages; how many there was room for. */
static size_t
put_all(struct pool *pool, const unsigned char *bytes, size_t npages, uint64_t *slots)
{
    size_t n = 0;

    for (; n < npages; n++) {
        memcpy(mem_page_bytes(&pool->mem, pool->page), bytes + n * PAGE_SIZE, PAGE_SIZE);
        slots[n] = PAGER_SLOT_NONE;
        if (!pool_io(pool, true, &slots[n]))
            break;
    }
    return n;
}

static bool
get_all(struct pool *pool, const unsigned char *bytes, size_t npages, uint64_t *slots)
{
    for (size_t i = 0; i < npages; i++)
        if (!pool_io(pool, false, &slots[i]) ||
            memcmp(mem_page_bytes(&pool->mem, pool->page), bytes + i * PAGE_SIZE, PAGE_SIZE) != 0)
            return false;
    return true;
}

static int
measure(const char *name, const unsigned char *bytes, size_t npages, uint64_t frames, bool lz4)
{
    uint64_t *slots = calloc(npages, sizeof *slots);
    struct pager_zpool_stats stats;
    struct pool pool;

    if (slots == NULL || !pool_open(&pool, frames, lz4)) {
        fprintf(stderr, "zpool: no memory\n");
        return 1;
    }
    double start = now_ns();
    size_t n = put_all(&pool, bytes, npages, slots);
    double put = now_ns();
    bool ok = n > 0 && get_all(&pool, bytes, n, slots);
    double end = now_ns();
    (void)pager_zpool_stats(pool.pager, &stats);
    if (ok)
        printf("{\"file\":\"%s\",\"codec\":\"%s\",\"pages\":%zu,\"frames\":%llu,\"ratio\":%.3f,"
               "\"frames_ratio\":%.3f,\"put_ns\":%.0f,\"get_ns\":%.0f}\n",
            name, lz4 ? "lz4" : "zstd", n, (unsigned long long)stats.frames,
            (double)stats.stored / (double)stats.bytes, (double)stats.pages / (double)stats.frames,
            (put - start) / (double)n, (end - put) / (double)n);
    else
        fprintf(stderr, "zpool: a page of %s came back wrong, or none fitted\n", name);
    pool_close(&pool);
    free(slots);
    return ok ? 0 : 1;
}

/* The whole pages of a file; NULL: it cannot be read, or has none. */
static unsigned char *
read_pages(const char *name, size_t most, size_t *npages)
{
    FILE *file = fopen(name, "rb");
    unsigned char *bytes = malloc(most * PAGE_SIZE);

    *npages = 0;
    if (file != NULL && bytes != NULL)
        *npages = fread(bytes, PAGE_SIZE, most, file);
    if (file != NULL)
        (void)fclose(file);
    if (*npages > 0)
        return bytes;
    free(bytes);
    return NULL;
}

int
main(int argc, char **argv)
{
    size_t mib = 64;
    bool lz4 = false;
    int option, failed = 0;

    while ((option = getopt(argc, argv, "c:m:")) != -1) {
        if (option == 'c')
            lz4 = strcmp(optarg, "lz4") == 0;
        else if (option == 'm')
            mib = strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    for (; optind < argc; optind++) {
        size_t npages;
        unsigned char *bytes = read_pages(argv[optind], mib << (20 - PAGE_SHIFT), &npages);
        if (bytes == NULL) {
            fprintf(stderr, "zpool: %s: it cannot be read, or is less than a page\n", argv[optind]);
            return 1;
        }
        failed |= measure(argv[optind], bytes, npages, npages + 64, lz4);
        free(bytes);
    }
    return failed;
}
