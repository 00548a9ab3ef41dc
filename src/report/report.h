/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report: what a system did, from a plain record of figures to text for people and JSON for
 * programs.  It asks nobody; whoever has the figures fills a struct report_input.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagewright/memory.h>
#include <pagewright/pagewright.h>

#include "base/result.h"

/* The JSON's "version": raised when a field changes its meaning or goes away. */
#define REPORT_VERSION 1

/* Distinct pages used in one stretch of instructions (Denning's working set). */
struct report_window {
    uint64_t start; /* instructions before it began */
    uint64_t pages;
};

/* A system call that is not implemented, and how often it was made. */
struct report_call {
    const char *name;
    unsigned number;
    uint64_t times;
};

struct report_region {
    struct pgw_region region;
    struct pgw_region_usage usage;
};

/* What a process had mapped when it ended. */
struct report_process {
    int pid;
    char name[16];
    struct report_region *regions;
    size_t nregions;
};

struct report_input {
    const char *version; /* of the library */
    struct pgw_stats stats;
    struct pgw_cost cost;
    const char *mmu, *policy, *tlb;
    const char *swap; /* "temporary file", "none", or the file's name */
    uint64_t seed, slice;
    unsigned levels;     /* of the page tables; 0: none that a walker reads */
    bool hashed;         /* level 0 is the anchors, level 1 the chains */
    bool commit_limited; /* stats.commit_limit is kept to */

    uint64_t window; /* instructions a window; 0: not measured */
    const struct report_window *windows;
    size_t nwindows;

    const struct report_call *calls;
    size_t ncalls;

    const struct pgw_group_stats *groups;
    size_t ngroups;

    const struct report_process *processes; /* whose maps were asked for */
    size_t nprocesses;
    uint64_t processes_left_out;
};

/* Where the time of all accesses goes, in nanoseconds, by the cost model. */
struct report_time {
    double accesses; /* how many there were */
    double tlb, l2, ram, walks, refills, faults, disk, switches, moves, compression, interrupts,
        total;
};

void report_time(
    const struct pgw_stats *stats, const struct pgw_cost *cost, struct report_time *time);

/* The spread of the working set over its windows, in pages (nearest rank). */
struct report_spread {
    uint64_t min, p50, p90, p99, max;
};

/* PGW_NOTFOUND: no windows; PGW_NOMEM. */
MUST_CHECK enum pgw_status report_spread(
    const struct report_input *input, struct report_spread *spread);

/* The report as a string that the caller frees with free().  PGW_NOMEM. */
MUST_CHECK enum pgw_status report_text(const struct report_input *input, char **text);
MUST_CHECK enum pgw_status report_json(const struct report_input *input, char **text);

#endif
