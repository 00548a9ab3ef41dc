/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a space's virtual page numbers to page numbers of the trace: open addressing, 12 bytes a
 * slot, at most three quarters full.  It grows by a half and by a third in turn, so that it is at
 * least half full: 16 to 24 bytes a page.
 *
 * Eight neighbouring pages have neighbouring homes, so that a program's locality is the table's,
 * too.  Removal moves later slots back, so there are no tombstones and a look-up ends at the first
 * empty slot.
 */
#ifndef REPLAY_VPNTABLE_H
#define REPLAY_VPNTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/result.h"

/* A slot's value: 0 when it is empty, else the page's number plus 1, and flags of pages.c's. */
#define VPN_PAGE_MASK 0x3fffffffu
#define VPN_COPY 0x40000000u   /* look before writing: another space may have it */
#define VPN_SHARED 0x80000000u /* of a shared mapping, which owns the page */

struct vpn_slot {
    uint32_t vpn[2]; /* one number in two halves, for the sake of 12 bytes */
    uint32_t value;
};

struct vpn_table {
    struct vpn_slot *slots;
    uint64_t nslots; /* 2^n or 3 * 2^n, a multiple of 8 */
    uint64_t count;
};

MUST_CHECK enum pgw_status vpn_table_init(struct vpn_table *table, struct base_alloc *alloc);
void vpn_table_fini(struct vpn_table *table, struct base_alloc *alloc);
/* copy is made anew.  PGW_NOMEM. */
MUST_CHECK enum pgw_status vpn_table_copy(
    const struct vpn_table *table, struct base_alloc *alloc, struct vpn_table *copy);
/* Room for n more without growing.  PGW_NOMEM leaves it as it was. */
MUST_CHECK enum pgw_status vpn_table_reserve(
    struct vpn_table *table, struct base_alloc *alloc, uint64_t n);
/* vpn is not in it and there is room (reserve). */
struct vpn_slot *vpn_table_put(struct vpn_table *table, uint64_t vpn, uint32_t value);
/* vpn is in it. */
void vpn_table_remove(struct vpn_table *table, uint64_t vpn);

static inline uint64_t
vpn_slot_vpn(const struct vpn_slot *slot)
{
    uint64_t vpn;
    memcpy(&vpn, slot->vpn, sizeof vpn);
    return vpn;
}

static inline uint64_t
vpn_table_home(const struct vpn_table *table, uint64_t vpn)
{
    uint64_t hash = (vpn >> 3) * 0x9e3779b97f4a7c15u >> 32;

    return (hash * (table->nslots >> 3) >> 32) << 3 | (vpn & 7);
}

/* Always inline: gcc takes a function that only fetches ahead for one without effect, and leaves
 * out the call. */
static inline __attribute__((always_inline)) void
vpn_table_prefetch(const struct vpn_table *table, uint64_t vpn)
{
    __builtin_prefetch(&table->slots[vpn_table_home(table, vpn)]);
}

/* The slot of vpn, or the empty one where it would be. */
static inline struct vpn_slot *
vpn_table_find(const struct vpn_table *table, uint64_t vpn)
{
    uint64_t at = vpn_table_home(table, vpn);

    for (;; at = at + 1 < table->nslots ? at + 1 : 0) {
        struct vpn_slot *slot = &table->slots[at];
        if (slot->value == 0 || vpn_slot_vpn(slot) == vpn)
            return slot;
    }
}

#endif
