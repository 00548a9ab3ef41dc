/* SPDX-License-Identifier: BSD-2-Clause */
#include "pager/pager_runs.h"

#include <xxhash.h>

#include "base/assert.h"

unsigned
pager_runs_length(const struct pager_io *io, unsigned i)
{
    unsigned n = 1;
    while (i + n < io->n && io->slots[i + n] == io->slots[i] + n)
        n++;
    return n;
}

/* The buffers of n pages of io from the i-th on, and where they lie in the file. */
static uint64_t
pager_runs_prepare(
    const struct pager *pager, const struct pager_io *io, unsigned i, unsigned n, void **bufs)
{
    BASE_ASSERT(n > 0 && i + n <= io->n && io->n <= PAGER_RUN_MAX);
    for (unsigned j = 0; j < n; j++)
        bufs[j] = mem_page_bytes(pager->mem, io->pages[i + j]);
    return io->slots[i] << PAGE_SHIFT;
}

enum pgw_status
pager_runs_read(
    struct pager *pager, struct host_file *file, struct pager_io *io, unsigned i, unsigned n)
{
    void *bufs[PAGER_RUN_MAX];
    uint64_t offset = pager_runs_prepare(pager, io, i, n, bufs);
    pager->stats.get_ios++;
    return host_file_read_pages(file, bufs, n, offset);
}

enum pgw_status
pager_runs_write(
    struct pager *pager, struct host_file *file, struct pager_io *io, unsigned i, unsigned n)
{
    void *bufs[PAGER_RUN_MAX];
    uint64_t offset = pager_runs_prepare(pager, io, i, n, bufs);
    pager->stats.put_ios++;
    return host_file_write_pages(file, bufs, n, offset);
}

static uint64_t
pager_runs_sum(const struct pager *pager, const struct pager_io *io, unsigned i)
{
    return XXH3_64bits_withSeed(mem_page_bytes(pager->mem, io->pages[i]), PAGE_SIZE, io->slots[i]);
}

void
pager_runs_seal(const struct pager *pager, struct slotmap *map, const struct pager_io *io)
{
    for (unsigned i = 0; i < io->n; i++)
        slotmap_set_sum(map, io->slots[i], pager_runs_sum(pager, io, i));
}

enum pgw_status
pager_runs_verify(const struct pager *pager, const struct slotmap *map, const struct pager_io *io,
    unsigned i, unsigned n)
{
    for (unsigned end = i + n; i < end; i++) {
        uint64_t sum;
        if (slotmap_get_sum(map, io->slots[i], &sum) != PGW_OK ||
            sum != pager_runs_sum(pager, io, i))
            return PGW_CORRUPT;
    }
    return PGW_OK;
}

static void
pager_runs_finish(struct pager *pager, struct pager_io *io, enum pgw_status status, uint64_t *pages)
{
    if (status == PGW_OK)
        *pages += io->n;
    else
        pager->stats.errors++;
    io->status = status;
    io->done(io);
}

void
pager_runs_finish_get(struct pager *pager, struct pager_io *io, enum pgw_status status)
{
    pager_runs_finish(pager, io, status, &pager->stats.gets);
}

void
pager_runs_finish_put(struct pager *pager, struct pager_io *io, enum pgw_status status)
{
    pager_runs_finish(pager, io, status, &pager->stats.puts);
}
