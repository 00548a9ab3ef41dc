/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ghosts: what a policy remembers of pages that are not in memory, by their keys, in orders.
 *
 *      in the core    key --hash--> bucket --> entry --chain--> entry
 *      in replay      key --page table of replay--> entry
 *                                                    |
 *      order: oldest <--> ... <--+--> ... <--> newest         several orders may share a table
 *
 * Entries are indices of 32 bits into one array; 0 is none.  All are made when the policy is, and
 * the host gives only what was touched.
 *
 * In replay an entry is 12 bytes and there is no other memory: keys are page numbers, whose word in
 * the page table (policy_frames.frame_of) is at hand when a page is not resident, so finding costs
 * nothing.  In the core, where a key is any 64 bits, a name of 12 bytes more goes with each entry,
 * and there is a bucket of 4 bytes; finding costs a look at a bucket and at as many entries as have
 * the same one, less than one on the average.
 *
 * A policy that keeps pages and ghosts in one order (LIRS, CLOCK-Pro) takes entries for both.  An
 * entry is found by key only between ghost_enter() and ghost_leave(); else the policy may keep
 * the page's node in it.
 */
#ifndef POLICY_GHOST_H
#define POLICY_GHOST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/node.h"
#include "base/result.h"
#include "vm/policy.h"

#define GHOST_TAG_SHIFT 30u /* of what */
#define GHOST_TAG_MAX 3u
#define GHOST_WHAT_MASK (((uint32_t)1 << GHOST_TAG_SHIFT) - 1)

struct ghost_entry {
    uint32_t older, newer; /* in its order; a free entry's newer is the next free one */
    uint32_t what;         /* the policy's tag; below it, in replay, the key or the node's frame */
};

/* In the core: the rest of an entry. */
struct ghost_name {
    uint32_t key[2]; /* or the node's address; in two halves, for the sake of 12 bytes */
    uint32_t chain;  /* the next with the same hash */
};

struct ghost_order {
    uint32_t oldest, newest;
    uint32_t count;
};

struct ghost_table {
    struct base_alloc *alloc;
    struct policy_frames *frames; /* of replay; NULL: there are names and buckets */
    struct ghost_entry *entry;    /* [1..capacity] */
    struct ghost_name *name;      /* the same */
    uint32_t *bucket;             /* of 1 << (64 - shift) */
    uint32_t capacity;
    uint32_t fresh; /* entries above were never used */
    uint32_t free;  /* head of the list of those given back */
    unsigned shift;
};

/* A table for so many entries.  frames: those of replay, if keys are its page numbers, and this the
 * only table over them; NULL: keys are any.  PGW_NOMEM: nothing is held. */
enum pgw_status ghost_init(struct ghost_table *table, struct base_alloc *alloc,
    struct policy_frames *frames, uint64_t capacity);
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
        if (table->frames != NULL)
            table->frames->untouched -= sizeof *table->entry;
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

/* At most GHOST_TAG_MAX; of a new entry it is not known. */
static inline unsigned
ghost_tag(const struct ghost_table *table, uint32_t i)
{
    return table->entry[i].what >> GHOST_TAG_SHIFT;
}

static inline void
ghost_set_tag(struct ghost_table *table, uint32_t i, unsigned tag)
{
    uint32_t *what = &table->entry[i].what;
    *what = (*what & GHOST_WHAT_MASK) | (uint32_t)tag << GHOST_TAG_SHIFT;
}

static inline void
ghost_set_what(struct ghost_table *table, uint32_t i, uint32_t what)
{
    uint32_t *at = &table->entry[i].what;
    *at = (*at & ~GHOST_WHAT_MASK) | what;
}

/* The key of an entry that is found by it. */
static inline uint64_t
ghost_key(const struct ghost_table *table, uint32_t i)
{
    uint64_t key;
    if (table->frames != NULL)
        return table->entry[i].what & GHOST_WHAT_MASK;
    memcpy(&key, table->name[i].key, sizeof key);
    return key;
}

/* The node of an entry that is not found by key. */
static inline struct base_node *
ghost_node(const struct ghost_table *table, uint32_t i)
{
    struct base_node *node;
    if (table->frames != NULL)
        return &table->frames->node[table->entry[i].what & GHOST_WHAT_MASK];
    memcpy(&node, table->name[i].key, sizeof(void *));
    return node;
}

static inline void
ghost_set_node(struct ghost_table *table, uint32_t i, struct base_node *node)
{
    if (table->frames != NULL)
        ghost_set_what(table, i, (uint32_t)(node - table->frames->node));
    else
        memcpy(table->name[i].key, &node, sizeof(void *));
}

/* The entry with this key; 0: none. */
static inline uint32_t
ghost_find(const struct ghost_table *table, uint64_t key)
{
    if (table->frames != NULL)
        return policy_frames_note(table->frames, (uint32_t)key);
    uint32_t i = *ghost_bucket(table, key);
    while (i != 0 && ghost_key(table, i) != key)
        i = table->name[i].chain;
    return i;
}

/* The entry is found by key from now on. */
static inline void
ghost_enter(struct ghost_table *table, uint32_t i, uint64_t key)
{
    if (table->frames != NULL) {
        ghost_set_what(table, i, (uint32_t)key);
        policy_frames_set_note(table->frames, (uint32_t)key, i);
        return;
    }
    uint32_t *bucket = ghost_bucket(table, key);
    memcpy(table->name[i].key, &key, sizeof key);
    table->name[i].chain = *bucket;
    *bucket = i;
}

static inline void
ghost_leave(struct ghost_table *table, uint32_t i)
{
    uint64_t key = ghost_key(table, i);

    if (table->frames != NULL) {
        policy_frames_set_note(table->frames, (uint32_t)key, 0);
        return;
    }
    uint32_t *at = ghost_bucket(table, key);
    while (*at != i)
        at = &table->name[*at].chain;
    *at = table->name[i].chain;
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

/* The oldest goes.  What the next one to go needs is fetched. */
static inline void
ghost_drop_oldest(struct ghost_table *table, struct ghost_order *order)
{
    uint32_t i = order->oldest, next = table->entry[i].newer;

    ghost_drop(table, order, i);
    if (table->frames != NULL && next != 0) {
        policy_frames_fetch(table->frames, (uint32_t)ghost_key(table, next));
        __builtin_prefetch(&table->entry[table->entry[next].newer], 1);
    }
}

/* A new ghost at the newest end, in the place of the oldest if there are limit of them already, or
 * more, as when the limit has sunk; limit > 0. */
static inline uint32_t
ghost_add(struct ghost_table *table, struct ghost_order *order, uint64_t key, uint64_t limit)
{
    while (order->count >= limit)
        ghost_drop_oldest(table, order);
    uint32_t i = ghost_new(table);
    ghost_enter(table, i, key);
    ghost_append(table, order, i);
    return i;
}

#endif
