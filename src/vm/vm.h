/* SPDX-License-Identifier: BSD-2-Clause */
/* The paged core: one system of RAM, policy and swap, and the spaces in it. */
#ifndef VM_VM_H
#define VM_VM_H

#include "base/clock.h"
#include "vm/pager.h"
#include "vm/pmap.h"
#include "vm/policy.h"
#include "vm/space.h"
#include "vm/tmem.h"

struct vm_system;

/* What may be promised: as vm.overcommit_memory of Linux, 0, 1 and 2. */
enum vm_overcommit { VM_OVERCOMMIT_HEURISTIC, VM_OVERCOMMIT_ALWAYS, VM_OVERCOMMIT_NEVER };
/* Which regions get huge pages by themselves: none, those that are advised to, all that allow. */
enum vm_huge_mode { VM_HUGE_OFF, VM_HUGE_MADVISE, VM_HUGE_ALWAYS };
/* How such a region gets one: all of it with the first fault; page by page in a run of frames that
 * the first fault reserves; the first where it was advised, and else the second. */
enum vm_huge_alloc { VM_HUGE_DIRECT, VM_HUGE_RESERVE, VM_HUGE_AUTO };

/* Which equal pages are merged. */
enum vm_merge_mode {
    VM_MERGE_OFF,
    VM_MERGE_ADVISED, /* those of regions with SPACE_ADVICE_MERGE */
    VM_MERGE_ALL      /* all private memory's */
};

/* What a system is made of.  All of it must outlive the system; nothing is taken over. */
struct vm_config {
    struct mem *mem;
    struct base_alloc *alloc;
    struct pmap_system *pmap_system;
    const struct policy_ops *policy_ops;
    const uint64_t *policy_param; /* POLICY_PARAMS_MAX of them; NULL: defaults */
    struct pager *swap;           /* NULL: no swap */
    struct tmem *tmem;            /* for clean pages of files; NULL: none */
    uint64_t seed;
    const struct base_clock *clock; /* for telling thrashing; NULL: that is not told */
    enum vm_merge_mode merge;
    uint64_t space_end; /* user addresses are [0, space_end); from the pmap's caps */
    enum vm_overcommit overcommit;
    unsigned overcommit_ratio; /* percent of RAM that is promised under NEVER, besides swap */
    unsigned ahead_max;        /* pages: most to read beyond one that must be read, 31 at most;
                                  0: none */
    unsigned around_max;       /* pages of a file, of those in RAM, that one fault maps at the
                                  most, 64 at most; 0: one */
    uint64_t device_ns;        /* what an operation of a device is taken to cost */
    unsigned proactive; /* percent of time that may be lost while memory is taken ahead of need, to
                           see what is needed at all; 0: it is not taken */
    /* Does anybody want to run but the one who waits, in that group (0: anywhere)?  Called with the
     * core's lock held; NULL: nobody does. */
    bool (*others)(void *ctx, unsigned group);
    void *others_ctx;
    enum vm_huge_mode huge;
    enum vm_huge_alloc huge_alloc;
    unsigned huge_order; /* of huge pages; 0: the largest up to 4 MiB that the scheme has */
};

/* Free runs by order, as compaction found and left them. */
struct vm_compact_free {
    uint64_t first[MEM_ORDER_MAX + 1]; /* before the first time that a block was looked for */
    uint64_t before[MEM_ORDER_MAX + 1], after[MEM_ORDER_MAX + 1]; /* and around the last time that
        a run was made, which counts as free; around the last one, while none was */
};

/* Counted since creation, except where "now" is said. */
struct vm_stats {
    uint64_t faults; /* resolved: minor + major */
    uint64_t minor, major, zero_fill, cow;
    uint64_t pages_in, pages_out;    /* from and to swap */
    uint64_t file_pages_in;          /* from files */
    uint64_t evicted, evicted_clean; /* pages taken; without a write */
    uint64_t daemon_runs, direct_reclaims;
    uint64_t put_failures, get_failures;
    uint64_t file_resident;                   /* those of them that are files' pages, now */
    uint64_t file_mapped;                     /* files' pages that are mapped, now */
    uint64_t free_min, free_low, free_high;   /* watermarks: frames kept for paths that free some;
                                                 where the daemon begins, and ends */
    uint64_t resident, resident_peak;         /* pageable pages in RAM, now */
    uint64_t anons, objects, spaces, regions; /* now */

    /* Commitment: pages promised now, the most ever, how many may be, and refused calls. */
    uint64_t committed, committed_peak, commit_limit, commit_refused;
    uint64_t tables_dropped;      /* times that all page tables were given up */
    uint64_t locked, locked_peak; /* pages of locked regions, now; at most */
    uint64_t wired;               /* of those in RAM, pages that stay there for it, now */
    uint64_t lazy_freed;          /* pages whose content was given up, as the program had allowed */
    uint64_t advised_out;         /* pages that were evicted because the program said so */

    /* Shared memory and files. */
    uint64_t file_cached, file_cached_peak;      /* files' pages that only read(2) has seen, now */
    uint64_t file_dirty, file_dirty_peak;        /* files' pages newer than the file, now */
    uint64_t written_back, writeback_runs;       /* pages to files; in so many runs of neighbours */
    uint64_t writeback_failures;                 /* runs that could not be written, and stayed */
    uint64_t writeback_lost;                     /* dirty pages dropped at the very end */
    uint64_t cache_hits, cache_misses;           /* pages that read(2) found in RAM, or did not */
    uint64_t truncated;                          /* pages that went because a file became shorter */
    uint64_t shm_resident, shm_swapped, shm_len; /* of memory objects: pages, now */
    uint64_t shm_resident_peak, shm_swapped_peak, shm_len_peak;

    /* Compressed pool and transcendent memory. */
    uint64_t zeros_dropped; /* dirty pages that were all zeros, and were evicted to nowhere */
    uint64_t tmem_pages_in; /* of files, had from tmem */

    /* Same-page merging. */
    uint64_t merge_shared; /* pages that are used in common, now */
    uint64_t merge_shared_peak;
    uint64_t merge_sharing;      /* uses of them beyond the first: pages saved, now */
    uint64_t merge_sharing_peak; /* the most of that */
    uint64_t merge_merged;       /* pages given up for an equal one */
    uint64_t merge_splits;       /* copied again, because one was written or was not to be merged */
    uint64_t merge_rounds;       /* full scans */
    uint64_t merge_scanned;      /* pages hashed */
    uint64_t merge_volatile;     /* of these, passed over: not as they were a scan ago */
    uint64_t merge_full;         /* merges that a page with too many users refused */

    /* Huge pages. */
    uint64_t huge_faults;      /* that made a huge page */
    uint64_t huge_failed;      /* times that one was wanted and no run was to be had */
    uint64_t collapse_failed;  /* of these, to make one of pages that were there */
    uint64_t huge_collapsed;   /* made of pages that were there */
    uint64_t huge_splits;      /* mappings that were split */
    uint64_t huge_mapped;      /* pages mapped by entries larger than a page, now */
    uint64_t huge_entries;     /* by so many entries */
    uint64_t huge_mapped_peak; /* the most there were, as the scanner's turns saw it */
    uint64_t mapped, mappings; /* pages mapped by all spaces, and entries that map them, now */
    uint64_t mapped_then, mappings_then; /* the same when huge_mapped was at its most */
    uint64_t reserve_made;               /* runs of frames reserved for a huge page */
    uint64_t reserve_filled;             /* of these, full: the huge page is there */
    uint64_t reserve_broken;             /* given up in part, because nothing else was free */
    uint64_t reserve_held; /* frames reserved and not in use, now; they count as free */
    uint64_t reserve_held_peak;

    /* Compaction. */
    uint64_t compact_runs;                 /* times that a block was looked for */
    uint64_t compact_made, compact_failed; /* of these: with a run in the end, and without */
    uint64_t compact_moved;                /* pages */
    uint64_t compact_pinned;               /* blocks passed over for a page that must stay */
    uint64_t compact_huge;                 /* and because they are in use as a huge page */
    uint64_t migrated;                     /* pages moved, for compaction or a huge page */
    int fragmentation, unusable;           /* now, for huge pages: see mem_fragmentation */
    int fragmentation_then, unusable_then; /* when a block was looked for and it was worst */
    struct vm_compact_free compact_free;

    /* Read-ahead, working set and pressure. */
    uint64_t ahead_read, ahead_used; /* pages read ahead of need; of these, asked for */
    uint64_t ahead_wasted;           /* gone without having been */
    uint64_t around_mapped;          /* pages of files mapped along with the one that faulted */
    uint64_t file_reads;             /* operations that file_pages_in took */
    uint64_t refaults, activated;    /* pages that came back; so soon that they were still wanted */
    uint64_t refaults_file, activated_file; /* of these, pages of files */
    uint64_t squeezed;                      /* pages taken to see what is needed at all */
    uint64_t squeezed_back;                 /* of these, come back */
    uint64_t squeezed_to;                   /* pages in RAM lately, on average */
    uint64_t squeezed_cost;                 /* what was waited for them, nanoseconds */
    uint64_t pressure_time;          /* nanoseconds that have passed, by the clock of pressure.c */
    uint64_t stall_some, stall_full; /* of these, with one task stalled; with nobody running */

    /* Groups and the end of memory. */
};

MUST_CHECK enum pgw_status vm_system_create(
    const struct vm_config *config, struct vm_system **system);
/* All spaces and objects must be gone (asserted). */
void vm_system_destroy(struct vm_system *system);

MUST_CHECK enum pgw_status vm_space_create(struct vm_system *system, struct space **space);

/*
 * A group of spaces with a limit of so many pages in RAM, VM_GROUP_LEAST at the least; it lives as
 * long as the system.  PGW_INVAL: name (1 to 15 bytes) or limit; PGW_EXIST: that name is taken;
 * PGW_NOSPACE: VM_GROUPS_MAX exist; PGW_NOMEM.
 */
#define VM_GROUPS_MAX 64u
#define VM_GROUP_NAME 16u
#define VM_GROUP_LEAST 16u
MUST_CHECK enum pgw_status vm_group_create(
    struct vm_system *system, const char *name, uint64_t limit, unsigned *id);
/* The space, which is of the paged core, belongs to the group from now on; what it has already
 * stays charged where it is.  A fork inherits the group.  PGW_NOTFOUND. */
MUST_CHECK enum pgw_status vm_group_join(struct space *space, unsigned id);

/* In pages, counted since creation, except where "now" is said. */
struct vm_group_stats {
    char name[VM_GROUP_NAME];
    uint64_t limit;    /* UINT64_MAX: none */
    uint64_t resident; /* now */
    uint64_t resident_peak;
    uint64_t spaces;              /* now */
    uint64_t evicted;             /* by whomever */
    uint64_t squeezed;            /* of these, ahead of need, to see what is needed at all */
    uint64_t reclaims;            /* times it had to make room within its limit */
    uint64_t limit_hits;          /* times that no page of it could go */
    uint64_t refaults, activated; /* pages that came back; so soon that they are its working set */
};
/* Time lost for want of memory, as pressure.c defines it. */
enum { VM_PRESSURE_SOME, VM_PRESSURE_FULL, VM_PRESSURE_KINDS };
#define VM_PRESSURE_WINDOWS 3u /* averages over 10, 60 and 300 seconds ... */
#define VM_PRESSURE_SHIFT 11   /* ... in fixed point, with so many bits for the part below 1 */

struct vm_pressure {
    uint64_t total[VM_PRESSURE_KINDS];                        /* nanoseconds */
    uint64_t counted[VM_PRESSURE_KINDS];                      /* of these, in the averages */
    uint64_t average[VM_PRESSURE_KINDS][VM_PRESSURE_WINDOWS]; /* percent */
    uint64_t settled, updated;                                /* when: total, averages */
    unsigned stalled;                                         /* tasks, now */
};

/* Of a group, 0: of all.  PGW_NOTFOUND: there are fewer. */
MUST_CHECK enum pgw_status vm_pressure(
    struct vm_system *system, unsigned id, struct vm_pressure *pressure);

/* PGW_NOTFOUND: there are fewer than id + 1. */
MUST_CHECK enum pgw_status vm_group_stats(
    struct vm_system *system, unsigned id, struct vm_group_stats *stats);

/*
 * The object for a file: pages come from pager at slot = page index.  npages: the file's length
 * in pages, rounded up.  One reference belongs to the caller.  The pager is destroyed with the
 * last reference.  PGW_NOMEM; PGW_RANGE: more than 2^36 pages.
 */
MUST_CHECK enum pgw_status vm_object_create(
    struct vm_system *system, struct pager *pager, uint64_t npages, struct space_object **object);

/* Memory without a file, len bytes of zeros: for mapping shared, or privately as a file.  One
 * reference belongs to the caller.  PGW_NOMEM, PGW_RANGE, PGW_NOCOMMIT. */
MUST_CHECK enum pgw_status vm_object_create_memory(
    struct vm_system *system, uint64_t len, struct space_object **object);

/* Writes everything that is newer in RAM than in its file to the file.  PGW_IO, PGW_NOSWAP: some of
 * it could not be written, and stays. */
MUST_CHECK enum pgw_status vm_writeback(struct vm_system *system);

/*
 * The page daemon: brings free frames up to the high watermark, if they are below the low one.
 * The sim machine calls it between slices; faults call it when they find memory low.
 */
void vm_daemon(struct vm_system *system);

/* One turn of the scanner that makes huge pages of small ones: it looks at one range.  The sim
 * machine calls it between slices. */
void vm_huge_run(struct vm_system *system);

/* Moves pages together until that makes no more free runs of the size of huge pages (2 MiB where
 * the scheme has none); returns how many it made. */
uint64_t vm_compact(struct vm_system *system);

/* Tries to free n frames by eviction; returns how many were. */
uint64_t vm_reclaim(struct vm_system *system, uint64_t n);

/* Could the last pages that were to go to swap not be written, although it has room? */
bool vm_swap_is_broken(struct vm_system *system);

/*
 * Looks at npages pages for equal ones and merges them; ends early at the end of a full scan of all
 * spaces.  A page is merged from the second scan on that finds it the same.  Returns how many pages
 * that freed.
 */
uint64_t vm_merge_run(struct vm_system *system, uint64_t npages);

/* Undoes merging in [va, end) of a paged space.  PGW_NORAM, PGW_IO: so far, and no further. */
MUST_CHECK enum pgw_status vm_merge_unmerge(struct space *space, uint64_t va, uint64_t end);

void vm_stats(struct vm_system *system, struct vm_stats *stats);

/* True if every structure of the system agrees with every other.  Slow. */
bool vm_check(struct vm_system *system);

#endif
