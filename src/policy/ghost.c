/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/ghost.h"

#define GHOST_CAPACITY_MAX (((uint64_t)1 << 31) - 1)

static void *
ghost_map(const struct ghost_table *table, size_t n, size_t size)
{
    return table->alloc->map(table->alloc, n * size);
}

static void
ghost_unmap(const struct ghost_table *table, void *array, size_t n, size_t size)
{
    if (array != NULL)
        table->alloc->unmap(table->alloc, array, n * size);
}

static size_t
ghost_buckets(const struct ghost_table *table)
{
    return (size_t)1 << (64 - table->shift);
}

enum pgw_status
ghost_init(struct ghost_table *table, struct base_alloc *alloc, struct policy_frames *frames,
    uint64_t capacity)
{
    if (capacity > GHOST_CAPACITY_MAX)
        return PGW_NOMEM;
    size_t n = (size_t)capacity + 1;
    *table = (struct ghost_table){
        .alloc = alloc, .frames = frames, .capacity = (uint32_t)capacity, .shift = 63};
    while (ghost_buckets(table) < capacity)
        table->shift--;
    table->entry = ghost_map(table, n, sizeof *table->entry);
    if (frames == NULL && table->entry != NULL) {
        table->name = ghost_map(table, n, sizeof *table->name);
        table->bucket = ghost_map(table, ghost_buckets(table), sizeof *table->bucket);
    }
    if (table->entry == NULL ||
        (frames == NULL && (table->name == NULL || table->bucket == NULL))) {
        ghost_fini(table);
        return PGW_NOMEM;
    }
    if (frames != NULL) {
        frames->noted = table->entry;
        frames->untouched = capacity * sizeof *table->entry;
    }
    return PGW_OK;
}

void
ghost_fini(struct ghost_table *table)
{
    size_t n = (size_t)table->capacity + 1;

    ghost_unmap(table, table->bucket, ghost_buckets(table), sizeof *table->bucket);
    ghost_unmap(table, table->name, n, sizeof *table->name);
    ghost_unmap(table, table->entry, n, sizeof *table->entry);
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
