/* SPDX-License-Identifier: BSD-2-Clause */
#include "pager/pagers.h"

#include "pager/pager_runs.h"
#include "pager/slotmap.h"

/*
 * Theory
 * ------
 * Swap is a file of page-sized slots.  Which slots are in use, and what was written to each, is
 * known in memory only (slotmap.h): the device's content dies with the system, as swap does.
 *
 *                    start_put                    written
 *     free slot ------------------> taken, summed -------> holds a page ---- forget ---> free
 *         ^                             |
 *         +-------- write failed -------+
 *
 * Every page's checksum is kept in memory, by slot, away from the page.  So a get finds out not
 * only flipped bits (G1), but also a write that never reached the device and a page that comes
 * from another slot.  64 bits: one wrong page in 2^64 passes.
 *
 * Writes are ordered as the slots are: n pages in consecutive slots are one host call.  A put
 * whose write fails gives all its slots back (G2): they were free before, so that nothing that
 * matters was overwritten by the part of it that had been written.
 *
 * I/O completes inside start_*, before it returns; nothing is ever in flight for drive().  Calls
 * are made with the system's lock held, done() is called with it held.
 */

struct swap {
    struct pager pager;
    struct base_alloc *alloc;
    struct host_file file;
    struct slotmap map;
    uint64_t nslots; /* as many as were asked for */
};

static struct swap *
swap_of(struct pager *pager)
{
    return (struct swap *)pager;
}

/* slots is the size in force: what was asked for, less once the disk was found to be full. */
static void
swap_count(struct swap *swap)
{
    struct pager_stats *stats = &swap->pager.stats;
    stats->slots = swap->map.nslots;
    stats->used = swap->map.used;
    if (stats->used_peak < stats->used)
        stats->used_peak = stats->used;
}

/* Frees a slot; a whole chunk that comes free goes back to the host's disk in one call. */
static void
swap_free_slot(struct swap *swap, uint64_t slot)
{
    if (slotmap_free(&swap->map, slot)) {
        uint64_t first = slot / SLOTMAP_CHUNK_SLOTS * SLOTMAP_CHUNK_SLOTS;
        host_file_punch(&swap->file, first << PAGE_SHIFT, SLOTMAP_CHUNK_SLOTS * PAGE_SIZE);
    }
}

static enum pgw_status
swap_write_runs(struct swap *swap, struct pager_io *io)
{
    for (unsigned i = 0; i < io->n;) {
        unsigned n = pager_runs_length(io, i);
        enum pgw_status status = pager_runs_write(&swap->pager, &swap->file, io, i, n);
        if (status != PGW_OK)
            return status;
        i += n;
    }
    return PGW_OK;
}

/* Takes slots for the io; a disk that was full may have room again by now, so it is asked. */
static enum pgw_status
swap_take(struct swap *swap, struct pager_io *io)
{
    enum pgw_status status = slotmap_take(&swap->map, io->n, io->slots);

    if (status != PGW_NOSWAP || swap->map.nslots == swap->nslots)
        return status;
    slotmap_grow(&swap->map, swap->nslots);
    swap_count(swap);
    return slotmap_take(&swap->map, io->n, io->slots);
}

static enum pgw_status
swap_start_put(struct pager *pager, struct pager_io *io)
{
    struct swap *swap = swap_of(pager);
    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    enum pgw_status status = swap_take(swap, io);
    if (status != PGW_OK)
        return status;

    pager_runs_seal(pager, &swap->map, io);
    status = swap_write_runs(swap, io);
    if (status != PGW_OK) {
        for (unsigned i = 0; i < io->n; i++) {
            swap_free_slot(swap, io->slots[i]);
            io->slots[i] = PAGER_SLOT_NONE;
        }
    }
    if (status == PGW_NOSWAP) /* the disk is smaller than we were told */
        slotmap_shrink(&swap->map);
    swap_count(swap);
    pager_runs_finish_put(pager, io, status);
    return PGW_OK;
}

static enum pgw_status
swap_read_runs(struct swap *swap, struct pager_io *io)
{
    for (unsigned i = 0; i < io->n;) {
        unsigned n = pager_runs_length(io, i);
        enum pgw_status status = pager_runs_read(&swap->pager, &swap->file, io, i, n);
        if (status == PGW_OK)
            status = pager_runs_verify(&swap->pager, &swap->map, io, i, n);
        if (status != PGW_OK)
            return status;
        i += n;
    }
    return PGW_OK;
}

static enum pgw_status
swap_start_get(struct pager *pager, struct pager_io *io)
{
    struct swap *swap = swap_of(pager);
    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    for (unsigned i = 0; i < io->n; i++)
        if (!slotmap_has(&swap->map, io->slots[i]))
            return PGW_NOTFOUND;
    pager_runs_finish_get(pager, io, swap_read_runs(swap, io));
    return PGW_OK;
}

static unsigned
swap_drive(struct pager *pager, bool wait)
{
    (void)pager;
    (void)wait;
    return 0;
}

static bool
swap_has(struct pager *pager, uint64_t slot)
{
    return slotmap_has(&swap_of(pager)->map, slot);
}

static void
swap_forget(struct pager *pager, uint64_t slot)
{
    struct swap *swap = swap_of(pager);
    swap_free_slot(swap, slot);
    swap_count(swap);
}

static void
swap_destroy(struct pager *pager)
{
    struct swap *swap = swap_of(pager);
    struct base_alloc *alloc = swap->alloc;
    slotmap_fini(&swap->map);
    host_file_close(&swap->file);
    alloc->unmap(alloc, swap, sizeof *swap);
}

static bool
swap_check(struct pager *pager)
{
    struct swap *swap = swap_of(pager);
    const struct pager_stats *stats = &pager->stats;
    return stats->slots == swap->map.nslots && stats->used == swap->map.used &&
           stats->used <= stats->used_peak && stats->used <= stats->slots &&
           slotmap_check(&swap->map);
}

static const struct pager_ops swap_ops = {
    .name = "swap",
    .start_get = swap_start_get,
    .start_put = swap_start_put,
    .drive = swap_drive,
    .has = swap_has,
    .forget = swap_forget,
    .destroy = swap_destroy,
    .check = swap_check,
};

enum pgw_status
pager_swap_create(struct mem *mem, struct base_alloc *alloc, struct host_file file, uint64_t nslots,
    struct pager **pager)
{
    if (nslots == 0 || nslots > PAGER_RUNS_SLOT_END)
        return PGW_INVAL;
    struct swap *swap = alloc->map(alloc, sizeof *swap);
    if (swap == NULL)
        return PGW_NOMEM;
    enum pgw_status status = slotmap_init(&swap->map, alloc, nslots);
    if (status != PGW_OK) {
        alloc->unmap(alloc, swap, sizeof *swap);
        return status;
    }
    swap->pager.ops = &swap_ops;
    swap->pager.mem = mem;
    swap->pager.stats.slots = nslots;
    swap->nslots = nslots;
    swap->alloc = alloc;
    swap->file = file;
    host_file_read_exactly(&swap->file); /* the core's read-ahead is by address (vm/ahead.c) */
    *pager = &swap->pager;
    return PGW_OK;
}
