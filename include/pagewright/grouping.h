/* SPDX-License-Identifier: BSD-2-Clause */
/* A part of <pagewright/pagewright.h>: groups of spaces and processes that share a limit on the RAM
 * they may have.  The rules of the whole interface apply. */
#ifndef PAGEWRIGHT_GROUPING_H
#define PAGEWRIGHT_GROUPING_H

#include <stddef.h>
#include <stdint.h>

#include <pagewright/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pgw_system;
struct pgw_space;
struct pgw_group;

/* A group that is there from the start: as for pgw_group_create(). */
struct pgw_group_config {
    const char *name;
    uint64_t limit;
    const char *programs;
};

/*
 * A group whose pages in RAM are limited to `limit` bytes, 64K at the least.  A page counts against
 * the group whose member touched it first.  A group at its limit takes its own pages; if none can
 * go, the access that needs one fails with PGW_NORAM, or, where a program runs, the process of the
 * group with the largest score is ended.  programs: a program that pgw_run() loads joins the group
 * if its file's name matches this pattern (as a shell's); NULL: the first program of each run
 * joins. What matches none stays in the group of the process that loads it, and a forked process in
 * its parent's.  If several match, the first one made does.  The group lives as long as the system.
 * PGW_INVAL: a name is 1 to 15 bytes; PGW_EXIST; PGW_NOSPACE: there are 63; PGW_NOMEM;
 * PGW_UNSUPPORTED: the scheme is contiguous.
 */
PGW_API enum pgw_status pgw_group_create(struct pgw_system *system, const char *name,
    uint64_t limit, const char *programs, struct pgw_group **group);

/* The space belongs to the group from now on (NULL: to none); what it has counts where it did.
 * PGW_INVAL, PGW_UNSUPPORTED. */
PGW_API enum pgw_status pgw_space_set_group(struct pgw_space *space, struct pgw_group *group);

/* In pages; counted since the group was made, except where "now" is said. */
struct pgw_group_stats {
    size_t size; /* set it to sizeof(struct pgw_group_stats) before the call */
    char name[16];
    uint64_t limit;
    uint64_t resident, resident_peak; /* now, and at most */
    uint64_t spaces;                  /* now */
    uint64_t evicted;
    uint64_t reclaims;                           /* times it made room within its limit */
    uint64_t limit_hits;                         /* times that no page of it could go */
    uint64_t refaults, refaults_active;          /* as in struct pgw_stats */
    uint64_t killed_for_memory;                  /* processes */
    uint64_t pressure_some_us, pressure_full_us; /* as in struct pgw_stats, among its members */
};

PGW_API enum pgw_status pgw_group_stats(struct pgw_group *group, struct pgw_group_stats *stats);

/* The i-th group that was made; NULL: there are fewer. */
PGW_API struct pgw_group *pgw_group_at(struct pgw_system *system, unsigned i);

#ifdef __cplusplus
}
#endif

#endif
