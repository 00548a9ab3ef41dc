/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ghosts: what a policy remembers of pages that are not in memory, by their keys, in orders.
 *
 *      key --hash--> bucket --> entry --chain--> entry        entries are indices; 0 is none
 *                                |
 *      order: oldest <--> ... <--+--> ... <--> newest         several orders may share a table
 *
 * All entries are made when the policy is; they are indices of 32 bits into one array, so an entry
 * has 24 bytes, and the host gives only what was touched.  Finding costs a look at a bucket, 4
 * bytes, and as many entries as have the same one, less than one on the average.
 *
 * A policy that keeps pages and ghosts in one order (LIRS, CLOCK-Pro) takes entries for both.  An
 * entry is found by key only between ghost_enter() and ghost_leave(); else the policy may keep
 * the page's node in it.
 */
#ifndef POLICY_GHOST_H
#define POLICY_GHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/node.h"
#include "base/result.h"

struct ghost_entry {
    union {
        uint64_t key;
        struct base_node *node;
    };
    uint32_t older, newer; /* in its order; a free entry's newer is the next free one */
    uint32_t chain;        /* the next with the same hash */
    uint32_t tag;          /* the policy's */
};

struct ghost_order {
    uint32_t oldest, newest;
    uint32_t count;
};

struct ghost_table {
    struct base_alloc *alloc;
    struct ghost_entry *entry; /* [1..capacity] */
    uint32_t *bucket;          /* of 1 << (64 - shift) */
    uint32_t capacity;
    uint32_t fresh; /* entries above were never used */
    uint32_t free;  /* head of the list of those given back */
    unsigned shift;
};

/* A table for so many entries.  PGW_NOMEM: nothing is held. */
enum pgw_status ghost_init(struct ghost_table *table, struct base_alloc *alloc, uint64_t capacity);
void ghost_fini(struct ghost_table *table);

/* Is the order linked both ways, and as long as it says?  For check(). */
bool ghost_order_check(const struct ghost_table *table, const struct ghost_order *order);

/* ---- entries ---- */

/* Fibonacci hashing (Knuth, TAOCP 3, 6.4): keys are often small numbers in a row. */
static inline uint32_t *
ghost_bucket(const struct ghost_table *table, uint64_t key)
{
    return &table->bucket[key * 0x9e3779b97f4a7c15u >> table->shift];
}

/* An entry in no order and without a key.  The caller sees to it that there is one. */
static inline uint32_t
ghost_new(struct ghost_table *table)
{
    uint32_t i = table->free;
    if (i == 0) {
        BASE_DEBUG_ASSERT(table->fresh < table->capacity);
        return ++table->fresh;
    }
    table->free = table->entry[i].newer;
    return i;
}

static inline void
ghost_free(struct ghost_table *table, uint32_t i)
{
    table->entry[i].newer = table->free;
    table->free = i;
}

/* The entry with this key; 0: none. */
static inline uint32_t
ghost_find(const struct ghost_table *table, uint64_t key)
{
    uint32_t i = *ghost_bucket(table, key);
    while (i != 0 && table->entry[i].key != key)
        i = table->entry[i].chain;
    return i;
}

/* The entry is found by key from now on. */
static inline void
ghost_enter(struct ghost_table *table, uint32_t i, uint64_t key)
{
    uint32_t *bucket = ghost_bucket(table, key);
    table->entry[i].key = key;
    table->entry[i].chain = *bucket;
    *bucket = i;
}

static inline void
ghost_leave(struct ghost_table *table, uint32_t i)
{
    uint32_t *at = ghost_bucket(table, table->entry[i].key);
    while (*at != i)
        at = &table->entry[*at].chain;
    *at = table->entry[i].chain;
}

/* ---- orders ---- */

/* Puts the entry, which is in no order, at the newest end. */
static inline void
ghost_append(struct ghost_table *table, struct ghost_order *order, uint32_t i)
{
    struct ghost_entry *entry = &table->entry[i];
    entry->newer = 0;
    entry->older = order->newest;
    if (order->newest != 0)
        table->entry[order->newest].newer = i;
    else
        order->oldest = i;
    order->newest = i;
    order->count++;
}

/* The same, at the oldest end. */
static inline void
ghost_prepend(struct ghost_table *table, struct ghost_order *order, uint32_t i)
{
    struct ghost_entry *entry = &table->entry[i];
    entry->older = 0;
    entry->newer = order->oldest;
    if (order->oldest != 0)
        table->entry[order->oldest].older = i;
    else
        order->newest = i;
    order->oldest = i;
    order->count++;
}

static inline void
ghost_unlink(struct ghost_table *table, struct ghost_order *order, uint32_t i)
{
    const struct ghost_entry *entry = &table->entry[i];
    if (entry->older != 0)
        table->entry[entry->older].newer = entry->newer;
    else
        order->oldest = entry->newer;
    if (entry->newer != 0)
        table->entry[entry->newer].older = entry->older;
    else
        order->newest = entry->older;
    order->count--;
}

/* ---- both at once, for orders of ghosts alone ---- */

static inline void
ghost_drop(struct ghost_table *table, struct ghost_order *order, uint32_t i)
{
    ghost_leave(table, i);
    ghost_unlink(table, order, i);
    ghost_free(table, i);
}

/* A new ghost at the newest end, in the place of the oldest if there are limit of them already, or
 * more, as when the limit has sunk; limit > 0. */
static inline uint32_t
ghost_add(struct ghost_table *table, struct ghost_order *order, uint64_t key, uint64_t limit)
{
    while (order->count >= limit)
        ghost_drop(table, order, order->oldest);
    uint32_t i = ghost_new(table);
    ghost_enter(table, i, key);
    ghost_append(table, order, i);
    return i;
}

#endif
