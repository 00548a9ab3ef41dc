/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sparse array: 64-bit index to pointer, a radix tree of 64-slot nodes that is as high as
 * its largest index needs.  Memory is in proportion to what is stored.  It holds an amap's
 * anons and an object's pages.
 */
#ifndef BASE_RADIX_H
#define BASE_RADIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/result.h"

struct base_radix_node;

struct base_radix {
    struct base_radix_node *root;
    struct base_pool *nodes; /* objects of base_radix_node_size() bytes, shared by many trees */
    unsigned height;         /* levels; 0: empty */
    uint64_t count;          /* entries stored */
};

/* What to give base_pool_init for the node pool. */
size_t base_radix_node_size(void);

void base_radix_init(struct base_radix *tree, struct base_pool *nodes);

/* Frees all nodes; the values are the caller's. */
void base_radix_fini(struct base_radix *tree);

/* The value at idx, NULL when there is none. */
void *base_radix_get(const struct base_radix *tree, uint64_t idx);

/* Stores value (not NULL) at idx, over whatever was there. PGW_NOMEM leaves the tree as it was. */
MUST_CHECK enum pgw_status base_radix_set(struct base_radix *tree, uint64_t idx, void *value);

/* Takes the value at idx out and returns it; NULL when there was none.  Empty nodes are freed. */
void *base_radix_remove(struct base_radix *tree, uint64_t idx);

/*
 * Moves all entries at or after `at` into right, an empty tree over the same pool; they keep their
 * indices.  Whole subtrees move by their root.  PGW_NOMEM leaves both as they were.
 */
MUST_CHECK enum pgw_status base_radix_split(
    struct base_radix *tree, uint64_t at, struct base_radix *right);

/*
 * Makes copy, an empty tree over the same pool, hold what tree holds.  Node by node: much less work
 * than storing each entry.  PGW_NOMEM leaves copy empty.
 */
MUST_CHECK enum pgw_status base_radix_copy(const struct base_radix *tree, struct base_radix *copy);

/* The first entry at or after *idx: its value, with *idx set; NULL when there is none. */
void *base_radix_next(const struct base_radix *tree, uint64_t *idx);

#endif
