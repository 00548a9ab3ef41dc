/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Denning's working set, W(t, window): the distinct pages that were used in a window of
 * instructions (P. J. Denning, "The working set model for program behavior", CACM 11(5), 1968),
 * here in consecutive windows, over all processes.
 *
 * The MMU tells each page that it gives out, at least once a window; a hash set with stamps, so
 * that a new window costs nothing to clear, counts each page once.
 */
#ifndef OS_WORKSET_H
#define OS_WORKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

struct os_stats;

struct os_workset_slot {
    uint64_t vpn;
    uint32_t space; /* the low bits of the space's id */
    uint32_t stamp; /* the window in which it was last used; 0: never */
};

struct os_workset_meter {
    struct base_alloc *alloc;
    struct os_workset_slot *slots; /* nslots of them, a power of two; NULL: none yet */
    size_t nslots;
    uint32_t stamp;  /* of the window now */
    uint64_t pages;  /* distinct ones in it so far */
    uint64_t start;  /* instructions before it began */
    uint64_t window; /* instructions a window; 0: not measured */
};

void os_workset_init(struct os_workset_meter *meter, struct base_alloc *alloc, uint64_t window);
void os_workset_fini(struct os_workset_meter *meter);

/* Page vpn of a space is used.  Without memory for the set, pages beyond it are not counted. */
void os_workset_touch(struct os_workset_meter *meter, uint64_t space, uint64_t vpn);

/* Ends the window at this count of instructions and writes it into the curve; when that is full,
 * neighbours are merged and windows become twice as long. */
void os_workset_end(struct os_workset_meter *meter, struct os_stats *stats, uint64_t now);

#endif
