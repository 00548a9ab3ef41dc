/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Effective access time, and the spread of the working set.
 *
 * The model is the textbooks': an access looks its page up in the TLB and then goes to RAM;
 * what it does not find it pays for on top.
 *
 *      look-up     every access                                  tlb
 *      second TLB  every miss of a first-level TLB               l2
 *      memory      every access                                  ram
 *      walk        every memory reference of a page walk         ram
 *      refill      every walk that is an exception               refill
 *      fault       every fault, minor or major                   fault
 *      device      every operation of swap and of files           disk
 *      switch      every switch of spaces                        switch
 *                  every register written at one                 register
 *      move        every page copied by compaction, for a huge   move
 *                  page, by growth, or by a fork that copies
 *      compression every page compressed for the pool            zstd or lz4
 *                  every page of it made whole                   unzstd or unlz4
 *      interrupt   every hart interrupted by a shootdown         ipi
 *
 * Data caches are not modelled: each access costs a reference to RAM, so that translation and
 * paging show in proportion to memory and not to a cache that happens to hit.  Writes to swap
 * are paid in full although a page daemon may hide them: the figure is an upper bound.  A switch
 * that empties the TLBs pays for it later, by the walks that follow.  A relocation register costs
 * an access nothing: base and limit are added and compared within the cycle.
 */
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

static double
report_walk_refs(const struct pgw_stats *stats)
{
    double refs = 0;

    for (unsigned i = 0; i < PGW_LEVELS_MAX; i++)
        refs += (double)stats->walk_refs[i];
    return refs;
}

void
report_time(const struct pgw_stats *stats, const struct pgw_cost *cost, struct report_time *time)
{
    double accesses = (double)stats->fetches + (double)stats->loads_stores;
    double ops = (double)stats->swap_reads + (double)stats->swap_writes + (double)stats->file_reads;

    *time = (struct report_time){.accesses = accesses};
    if (stats->tlb_modelled) {
        time->tlb = accesses * cost->tlb_ns;
        time->l2 = ((double)stats->l2_hits + (double)stats->l2_misses) * cost->l2_ns;
        time->walks = report_walk_refs(stats) * cost->ram_ns;
        time->refills = stats->refill ? (double)stats->walks * cost->refill_ns : 0;
    }
    time->ram = accesses * cost->ram_ns;
    time->faults = ((double)stats->minor + (double)stats->major) * cost->fault_ns;
    time->disk = ops * cost->disk_ns;
    time->switches = (double)stats->space_switches * cost->switch_ns +
                     (double)stats->switch_registers * cost->register_ns;
    time->moves = ((double)stats->compaction_moved + (double)stats->growth_moved +
                      (double)stats->segment_copied + (double)stats->migrated) *
                  cost->move_ns;
    time->compression =
        (double)stats->pool_squeezed * (stats->pool_lz4 ? cost->lz4_ns : cost->zstd_ns) +
        (double)stats->pool_expanded * (stats->pool_lz4 ? cost->unlz4_ns : cost->unzstd_ns);
    time->interrupts = (double)stats->shootdown_interrupts * cost->ipi_ns;
    time->total = time->tlb + time->l2 + time->ram + time->walks + time->refills + time->faults +
                  time->disk + time->switches + time->moves + time->compression + time->interrupts;
}

static int
report_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* The smallest value that at least percent of the n sorted ones do not exceed. */
static uint64_t
report_rank(const uint64_t *sorted, size_t n, size_t percent)
{
    size_t rank = (n * percent + 99) / 100;

    return sorted[rank > 0 ? rank - 1 : 0];
}

enum pgw_status
report_spread(const struct report_input *input, struct report_spread *spread)
{
    size_t n = input->nwindows;

    if (n == 0)
        return PGW_NOTFOUND;
    uint64_t *pages = calloc(n, sizeof *pages);
    if (pages == NULL)
        return PGW_NOMEM;
    for (size_t i = 0; i < n; i++)
        pages[i] = input->windows[i].pages;
    qsort(pages, n, sizeof *pages, report_compare);
    *spread = (struct report_spread){
        .min = pages[0],
        .p50 = report_rank(pages, n, 50),
        .p90 = report_rank(pages, n, 90),
        .p99 = report_rank(pages, n, 99),
        .max = pages[n - 1],
    };
    free(pages);
    return PGW_OK;
}
