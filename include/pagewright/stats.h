/* SPDX-License-Identifier: BSD-2-Clause */
/* A part of <pagewright/pagewright.h>: what happened, in figures and as a report.  The rules of the
 * whole interface apply. */
#ifndef PAGEWRIGHT_STATS_H
#define PAGEWRIGHT_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <pagewright/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pgw_system;

#define PGW_LEVELS_MAX 5 /* the most levels that a page table has */
#define PGW_SWAP_DEVICES_MAX 8

/* A device of swap: what a level of --swap names, the compressed pool excepted.  In pages. */
struct pgw_swap_device {
    char name[64];             /* a path's or URI's end, or "temporary file" */
    uint64_t size, used, peak; /* there is, now; is used, now and at most */
    uint64_t pages_in, pages_out;
    uint64_t reads, writes; /* in so many operations */
    uint64_t failures;      /* of operations */
};

#define PGW_RUN_ORDERS 11u

/* Free RAM: the i-th of each is of runs of 2^i frames; larger ones are counted as so many of the
 * last order.  The indexes are those of pgw_fragmentation(). */
struct pgw_free_runs {
    uint64_t runs[PGW_RUN_ORDERS];
    double index[PGW_RUN_ORDERS], unusable[PGW_RUN_ORDERS];
};

/* All counted since the system was made, unless "now" or "peak" is said. */
struct pgw_stats {
    size_t size; /* set it to sizeof(struct pgw_stats) before the call */

    /* The processor. */
    uint64_t instructions; /* retired */
    uint64_t fetches;      /* accesses to fetch instructions */
    uint64_t loads_stores; /* accesses to data, those of pgw_read and pgw_write included */

    /* Faults: minor were resolved without a device, major waited for one. */
    uint64_t minor, major;
    uint64_t zero_fill; /* of both: a fresh page of zeros */
    uint64_t cow;       /* of both: a page copied because it was shared */

    /* Paging, in pages. */
    uint64_t swap_in, swap_out;          /* from and to the swap device */
    uint64_t swap_reads, swap_writes;    /* in so many operations */
    uint64_t file_in;                    /* from files */
    uint64_t evicted, evicted_clean;     /* taken out of RAM; of these, without a write */
    uint64_t daemon_runs;                /* times the page daemon worked ahead of need */
    uint64_t direct_reclaims;            /* times a fault had to make room itself */
    uint64_t put_failures, get_failures; /* pages that a device refused */

    /* Translation.  Levels count from the root, 0. */
    bool tlb_modelled; /* false: the next group is not counted (tlb "none", mmu "ref") */
    uint64_t l1i_hits, l1i_misses, l1d_hits, l1d_misses;
    uint64_t l2_hits, l2_misses;
    uint64_t walks; /* page table walks, those that only set a bit included */
    uint64_t walk_refs[PGW_LEVELS_MAX];
    uint64_t ad_updates;  /* walks that wrote an accessed or dirty bit */
    uint64_t tlb_flushed; /* entries dropped because a mapping changed */

    /* Memory, in pages. */
    uint64_t ram, ram_free;           /* frames, all and now free */
    uint64_t resident, resident_peak; /* pageable pages in RAM, now and at most */
    uint64_t tables, tables_peak;     /* frames that page tables take */
    uint64_t swap_size, swap_used, swap_peak;
    unsigned nswap_devices; /* in the order in which they are used */
    struct pgw_swap_device swap_devices[PGW_SWAP_DEVICES_MAX];
    uint64_t anons, objects, spaces, regions; /* records, now */

    /* Processes. */
    uint64_t processes, forks, execs, exits, context_switches, signals, syscalls;
    uint64_t unknown_syscalls; /* calls that are not implemented (the report names them) */
    uint64_t killed_for_memory;

    /* The core's own memory, in bytes of the host's: the frame table, then all that grows with
     * use (regions, pages, reverse mappings, slots); at most.  RAM itself is not counted. */
    uint64_t frame_table_bytes, record_bytes_peak;

    /* Effective access time: what an access to memory took on average, from the cost model, in
     * nanoseconds; 0 when there was none. */
    double access_ns;

    /* Translation, further: walks that began in a walk cache, by the level of the table they began
     * at; next pages fetched into L2 ahead of need, and those that were used; faults to set an
     * accessed or dirty bit in software. */
    uint64_t pwc_hits[PGW_LEVELS_MAX];
    uint64_t prefetches, prefetch_hits;
    uint64_t ad_faults;
    bool
        refill; /* walks are exceptions that the core's own handler serves (software-managed TLB) */

    /* Switches of spaces: how often another one's registers were loaded, how many registers that
     * wrote; how often it emptied the TLBs for want of tags, and what it dropped. */
    uint64_t space_switches, switch_registers, switch_flushes, switch_flushed;

    /* Contiguous schemes, in pages; all 0 on paged ones. */
    bool contiguous;
    uint64_t segments, segments_resident;       /* now */
    uint64_t segment_pages, segment_pages_peak; /* in RAM, now and at most */
    uint64_t segment_unused;                    /* of these, now, between regions: internal waste */
    uint64_t holes, largest_hole;               /* free pieces of RAM, now */
    uint64_t fit_failures;                      /* times there was room enough, but in pieces */
    uint64_t compactions, compaction_moved;
    uint64_t grown_in_place, grown_by_moving;
    uint64_t segments_in, segments_out;      /* from and to swap */
    uint64_t segment_shares, segment_copied; /* segments shared; pages copied by fork */

    /* How much of the free RAM lies outside its largest piece, 0 to 1: external fragmentation.  On
     * paged schemes, for which it does not matter, 0. */
    double fragmentation;
    /* The most of the RAM that was ever free outside of its largest free piece, 0 to 1. */
    double fragmentation_peak;

    /* Contiguous schemes: pages copied because a segment had to move to grow. */
    uint64_t growth_moved;

    /* Commitment, in pages but the last two: promised now, the most ever, how many may be; calls
     * that were refused; times that all page tables were given up to keep a promise. */
    uint64_t committed, committed_peak, commit_limit, commit_refused, tables_dropped;
    /* Pages: locked now; given up as the program had allowed; evicted on its advice. */
    uint64_t locked, lazy_freed, advised_out;

    /* Shared memory and files, in pages. */
    uint64_t file_cached, file_dirty;  /* of files: that only reads have seen; newer than the file,
                                          now */
    uint64_t cache_hits, cache_misses; /* pages that reads found in RAM, or did not */
    uint64_t written_back, writeback_runs; /* to files; in so many runs of neighbours */
    uint64_t writeback_failures;           /* runs that a file refused; they stayed, dirty */
    uint64_t writeback_lost;               /* pages that could not be written to the very end */
    uint64_t truncated;                    /* dropped because their file became shorter */
    uint64_t shm_len, shm_resident, shm_swapped; /* of memory objects, now */

    /* Compressed pool and transcendent memory. */
    uint64_t zeros_dropped; /* dirty pages that were all zeros, and were evicted to nowhere */
    uint64_t pool_limit, pool_frames; /* frames that the pool may take; takes now */
    uint64_t pool_frames_peak;
    uint64_t pool_pages, pool_pages_peak; /* pages in it, now and at most */
    uint64_t pool_same;                   /* of these, kept as one word, now */
    double pool_ratio;        /* bytes of the pages in it to all memory they take (frames, records,
                                 tables, the codec's own), when that was the most */
    uint64_t pool_hits;       /* pages that came back from it, and needed no device */
    uint64_t pool_rejected;   /* too hard to compress, and passed on to the device */
    uint64_t pool_overflowed; /* passed on for want of room */
    uint64_t pool_written_back;            /* the oldest, moved to the device to make room */
    uint64_t pool_compacted;               /* moved within the pool to free a frame */
    uint64_t pool_dictionaries;            /* made from its pages to compress others, ever */
    uint64_t pool_squeezed, pool_expanded; /* pages compressed, in vain too; made whole */
    bool pool_lz4;                         /* by lz4, not by zstd */
    uint64_t device_pages;                 /* on the device under it, now */
    uint64_t tmem_puts, tmem_hits,
        tmem_dropped;    /* clean pages of files, and others' in ephemeral
                            pools of pagewright/transcendent.h: kept in the pool;
                            had from there; dropped for want of room */
    uint64_t tmem_pages; /* there now */

    /* Same-page merging, in pages: merged ones, and uses of them beyond the first, which is what it
     * saves, now and at most; given up for an equal one; copied again; full scans; looked at; of
     * these, passed over because they had changed; merges refused by pages with too many users. */
    uint64_t merge_shared, merge_sharing, merge_sharing_peak, merge_merged, merge_splits;
    uint64_t merge_scans, merge_scanned, merge_volatile, merge_full;

    /* Huge pages (mappings of 64 KiB to 4 MiB by one entry). */
    uint64_t huge_faults;    /* faults that made one */
    uint64_t huge_failed;    /* times that one was wanted and RAM had no run for it */
    uint64_t huge_collapsed; /* made of pages that were there already */
    uint64_t huge_splits;    /* mappings that were split into smaller ones */
    uint64_t huge_mapped;    /* pages that are mapped so, now */
    /* Runs of frames reserved for one; filled with its pages; broken, as nothing else was free; and
     * frames that are reserved, now (they count as free). */
    uint64_t reserve_made, reserve_filled, reserve_broken, reserve_held;
    uint64_t mapped_pages;  /* pages mapped by all spaces, now */
    double pages_per_entry; /* pages that an entry of the TLB reaches, on average: the same divided
                               by the number of mappings, now */
    uint64_t huge_mapped_peak;   /* pgw_run(): the most of huge_mapped between two slices */
    double pages_per_entry_then; /* pages_per_entry at that time */

    /* Compaction (paged schemes; of contiguous ones see compactions above). */
    uint64_t compact_runs;                 /* times a run of frames was to be made */
    uint64_t compact_made, compact_failed; /* of these: it was; it was not */
    uint64_t compact_moved;                /* pages that moved for it */
    uint64_t compact_pinned;               /* blocks passed over because a page in them must stay */
    uint64_t compact_huge;                 /* and because they are in use as a huge page */
    uint64_t migrated;                     /* pages moved for it or for a huge page */
    /* Now, for runs of the size of a huge page (2 MiB where there are none): why one could not be
     * had, from 0 (no memory) to 1 (in pieces), -1: it could; the share of free RAM in smaller
     * runs.  As Linux's extfrag_index and unusable_index. */
    double fragmentation_index, unusable_index;
    /* What was free: before compaction was wanted first; before and after it last made a run, which
     * is free there (while it made none: was wanted last); now. */
    struct pgw_free_runs runs_first, runs_before, runs_after, runs_now;

    /* Read-ahead, working set and pressure. */
    uint64_t file_reads;             /* operations that read file_in */
    uint64_t ahead_read, ahead_used; /* pages read ahead of need; of these, asked for */
    uint64_t ahead_wasted;           /* of these, gone without having been */
    double ahead_accuracy;           /* used / (used + wasted); 0: there were none */
    uint64_t around_mapped;          /* pages of files mapped along with one that faulted */
    /* pgw_config.proactive; pages taken for it; of these, come back; in RAM on average, lately;
     * percent of the time that was waited for those that came back. */
    uint64_t proactive, squeezed, squeezed_back, squeezed_to;
    double squeezed_cost;
    uint64_t refaults, refaults_active; /* pages that came back; so soon that they were evicted too
                                           early: their refault distance fits in RAM */
    /* Time in which a task waited because memory was short, by the definitions of Linux's pressure
     * stall information, on the machine's clock and what devices cost (disk_ns an operation):
     * microseconds; percent of the whole run.  Some: at least one task; full: and nobody else
     * wanted to run. */
    uint64_t pressure_some_us, pressure_full_us;
    double pressure_some, pressure_full;

    /* Sharing of files' pages, programs' and libraries' above all: mappings of them beyond each
     * page's first, which is what sharing saves, in pages; now and at most.  0 on contiguous
     * schemes. */
    uint64_t file_shared, file_shared_peak;

    /* Threads and harts. */
    uint64_t threads; /* made, other than the first of each process */
    uint64_t harts;
    /* With several harts. */
    uint64_t shootdowns;           /* times that translations were taken away from the TLBs */
    uint64_t shootdown_interrupts; /* of harts, each because another took translations away */
    uint64_t shootdown_dropped;    /* TLB entries that went on harts other than that one */

    /* Recorded to traces (pagewright/record.h). */
    uint64_t recorded;         /* references */
    uint64_t recorded_fetches; /* of these */
    uint64_t recorded_events;
    uint64_t recorded_codes; /* pieces of code */
    uint64_t recorded_bytes; /* of the files */
    double recorded_each;    /* bytes a reference */

    /* The most there ever was of what is counted above as of now: when programs have ended, that is
     * often nothing. */
    uint64_t locked_peak, file_cached_peak, file_dirty_peak;
    uint64_t shm_len_peak, shm_resident_peak, shm_swapped_peak;
    uint64_t pool_same_peak, device_pages_peak, tmem_pages_peak;
    uint64_t merge_shared_peak, reserve_held_peak;
    uint64_t segments_peak, segments_resident_peak, holes_peak;
    uint64_t segment_unused_peak; /* pgw_run(): between two slices */
    /* fragmentation_index and unusable_index when a run was wanted and the first was highest; 0:
     * none was. */
    double fragmentation_index_then, unusable_index_then;
    /* Pages in persistent pools of transcendent memory (pagewright/transcendent.h), now and at
     * most. */
    uint64_t tmem_persistent, tmem_persistent_peak;
};

PGW_API enum pgw_status pgw_system_stats(struct pgw_system *system, struct pgw_stats *stats);

/*
 * The whole report, for people and for programs (docs/report.schema.json), to a stream or into
 * a string that the caller frees with free().  PGW_IO: the stream could not be written;
 * PGW_NOMEM.
 */
PGW_API enum pgw_status pgw_report_text(struct pgw_system *system, FILE *out);
PGW_API enum pgw_status pgw_report_json(struct pgw_system *system, FILE *out);
PGW_API enum pgw_status pgw_report_text_string(struct pgw_system *system, char **text);
PGW_API enum pgw_status pgw_report_json_string(struct pgw_system *system, char **text);

#ifdef __cplusplus
}
#endif

#endif
