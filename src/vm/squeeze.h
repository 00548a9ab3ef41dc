/* SPDX-License-Identifier: BSD-2-Clause */
/* Proactive reclaim, as the rest of the core sees it.  Private to vm/. */
#ifndef VM_SQUEEZE_H
#define VM_SQUEEZE_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/vm.h"

struct vm_squeeze {
    unsigned percent;              /* of the time that may be lost; 0: off */
    unsigned oldest;               /* the age from which pages go, epochs */
    uint8_t *ages;                 /* by frame, and whether it was used; NULL: off */
    uint64_t since;                /* the period's start, on the clock of pressure */
    uint64_t scan_at;              /* the epoch's end, on the system's clock */
    uint64_t cursor;               /* frames before it have had their turn in this epoch */
    uint64_t resident, mean;       /* pages in RAM as it began; lately, in parts of 256 */
    uint64_t away;                 /* pages taken that have not come back */
    uint64_t away_then, back_then; /* the same, and stats.squeezed_back, as the epoch began */
    uint64_t share;                /* of those away that come back in an epoch */
};

/* percent: of the time that may be lost; 0: nothing is ever taken.  PGW_NOMEM. */
MUST_CHECK enum pgw_status vm_squeeze_init(struct vm_system *system, unsigned percent);
void vm_squeeze_fini(struct vm_system *system);
/* Takes some memory, if it is time and little is lost by it. */
void vm_squeeze_locked(struct vm_system *system);
/* The page has come to the policy; its content has moved. */
void vm_squeeze_came(struct vm_system *system, const struct mem_page *page);
void vm_squeeze_moved(
    struct vm_system *system, const struct mem_page *from, const struct mem_page *to);
/* Has the page been used, and only squeeze.c knows?  It is told once. */
bool vm_squeeze_was_used(struct vm_system *system, const struct mem_page *page);
/* The page, which still has its owner, is being evicted: was it taken by us, and is it to be
 * remembered?  Then either comes back() or gone() later, n such that never will. */
bool vm_squeeze_goes(struct vm_system *system, const struct mem_page *page);
void vm_squeeze_back(struct vm_system *system);
void vm_squeeze_gone(struct vm_system *system, uint64_t n);
/* A page that was asked for has been read; back: stats.squeezed_back before it was attached to its
 * owner; since: when it began, by the clock of pressure. */
void vm_squeeze_waited(struct vm_system *system, uint64_t back, uint64_t since);

#endif
