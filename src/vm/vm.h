/* SPDX-License-Identifier: BSD-2-Clause */
/* The paged core: one system of RAM, policy and swap, and the spaces in it. */
#ifndef VM_VM_H
#define VM_VM_H

#include "base/clock.h"
#include "vm/pager.h"
#include "vm/pmap.h"
#include "vm/policy.h"
#include "vm/space.h"

struct vm_system;

/* What may be promised: as vm.overcommit_memory of Linux, 0, 1 and 2. */
enum vm_overcommit { VM_OVERCOMMIT_HEURISTIC, VM_OVERCOMMIT_ALWAYS, VM_OVERCOMMIT_NEVER };

/* What a system is made of.  All of it must outlive the system; nothing is taken over. */
struct vm_config {
    struct mem *mem;
    struct base_alloc *alloc;
    struct pmap_system *pmap_system;
    const struct policy_ops *policy_ops;
    struct pager *swap; /* NULL: no swap */
    uint64_t seed;
    const struct base_clock *clock; /* for telling thrashing; NULL: that is not told */
    uint64_t space_end;             /* user addresses are [0, space_end); from the pmap's caps */
    enum vm_overcommit overcommit;
    unsigned overcommit_ratio; /* percent of RAM that is promised under NEVER, besides swap */
    unsigned ahead_max;             /* pages: most to read beyond one that must be read, 31 at most;
                                       0: none */
    unsigned around_max;            /* pages of a file, of those in RAM, that one fault maps at the
                                       most, 64 at most; 0: one */
    uint64_t device_ns;             /* what an operation of a device is taken to cost */
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
    uint64_t resident, resident_peak;         /* pageable pages in RAM, now */
    uint64_t anons, objects, spaces, regions; /* now */

    /* Commitment: pages promised now, the most ever, how many may be, and refused calls. */
    uint64_t committed, committed_peak, commit_limit, commit_refused;
    uint64_t tables_dropped; /* times that all page tables were given up to keep a promise */

    /* Shared memory and files. */

    /* Compressed pool and transcendent memory. */

    /* Same-page merging. */

    /* Huge pages. */

    /* Compaction. */

    /* Read-ahead, working set and pressure. */
    uint64_t ahead_read, ahead_used; /* pages read ahead of need; of these, asked for */
    uint64_t ahead_wasted;           /* gone without having been */
    uint64_t around_mapped;          /* pages of files mapped along with the one that faulted */
    uint64_t file_reads;             /* operations that file_pages_in took */

    /* Groups and the end of memory. */
};

MUST_CHECK enum pgw_status vm_system_create(
    const struct vm_config *config, struct vm_system **system);
/* All spaces and objects must be gone (asserted). */
void vm_system_destroy(struct vm_system *system);

MUST_CHECK enum pgw_status vm_space_create(struct vm_system *system, struct space **space);

/*
 * The object for a file: pages come from pager at slot = page index.  npages: the file's length
 * in pages, rounded up.  One reference belongs to the caller.  The pager is destroyed with the
 * last reference.  PGW_NOMEM; PGW_RANGE: more than 2^36 pages.
 */
MUST_CHECK enum pgw_status vm_object_create(
    struct vm_system *system, struct pager *pager, uint64_t npages, struct space_object **object);

/*
 * The page daemon: brings free frames up to the high watermark, if they are below the low one.
 * The sim machine calls it between slices; faults call it when they find memory low.
 */
void vm_daemon(struct vm_system *system);

/* Tries to free n frames by eviction; returns how many were. */
uint64_t vm_reclaim(struct vm_system *system, uint64_t n);

void vm_stats(struct vm_system *system, struct vm_stats *stats);

/* True if every structure of the system agrees with every other.  Slow. */
bool vm_check(struct vm_system *system);

#endif
