/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/ghost.h"

#define GHOST_CAPACITY_MAX ((uint64_t)1 << 31)

static size_t
ghost_entries_len(const struct ghost_table *table)
{
    return ((size_t)table->capacity + 1) * sizeof(struct ghost_entry);
}

static size_t
ghost_buckets_len(const struct ghost_table *table)
{
    return sizeof(uint32_t) << (64 - table->shift);
}

enum pgw_status
ghost_init(struct ghost_table *table, struct base_alloc *alloc, uint64_t capacity)
{
    if (capacity > GHOST_CAPACITY_MAX)
        return PGW_NOMEM;
    *table = (struct ghost_table){.alloc = alloc, .capacity = (uint32_t)capacity, .shift = 63};
    while ((uint64_t)1 << (64 - table->shift) < capacity)
        table->shift--;
    table->entry = alloc->map(alloc, ghost_entries_len(table));
    if (table->entry == NULL)
        return PGW_NOMEM;
    table->bucket = alloc->map(alloc, ghost_buckets_len(table));
    if (table->bucket == NULL) {
        alloc->unmap(alloc, table->entry, ghost_entries_len(table));
        return PGW_NOMEM;
    }
    return PGW_OK;
}

void
ghost_fini(struct ghost_table *table)
{
    table->alloc->unmap(table->alloc, table->bucket, ghost_buckets_len(table));
    table->alloc->unmap(table->alloc, table->entry, ghost_entries_len(table));
}

bool
ghost_order_check(const struct ghost_table *table, const struct ghost_order *order)
{
    uint32_t older = 0;
    uint32_t n = 0;
    for (uint32_t i = order->oldest; i != 0; i = table->entry[i].newer) {
        if (table->entry[i].older != older || n++ == order->count)
            return false;
        older = i;
    }
    return older == order->newest && n == order->count;
}
