/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shelves: nodes with a small number each, of which all can be halved at once, as policies do that
 * age what they have counted.
 *
 *      shelf 0   1   2   3   4   5 ...          halve: 0 and 1 become 0, 2 and 3 become 1, ...
 *            |   |       |   |                  the smaller one's nodes first
 *            o   o       o   o    <- first
 *            o           o                      lowest: the first node of the lowest shelf that
 *            o                    <- last       has any
 *
 * A node's bits say on which shelf it was put and after how many halvings, so that halving joins
 * lists and touches no node.  Halving keeps the order: all nodes, shelf by shelf, stay in the
 * sequence that they had.
 *
 * Costs: put, remove and lowest are O(1) (a bit a shelf says which have any), halve is O(shelves).
 */
#ifndef POLICY_SHELVES_H
#define POLICY_SHELVES_H

#include "policy/queue.h"

#define SHELVES 512u
#define SHELVES_VALUE_BITS 16u /* of node->bits; the halvings are above */
#define SHELVES_WORDS (SHELVES / 64u)

struct policy_shelves {
    struct policy_queue shelf[SHELVES];
    uint64_t filled[SHELVES_WORDS]; /* bit i of all: shelf i has a node */
    uint64_t halvings;
};

void policy_shelves_init(struct policy_shelves *shelves);
/* Halves the numbers of all nodes, rounding down. */
void policy_shelves_halve(struct policy_shelves *shelves);
/* Sum of the numbers of all nodes. */
uint64_t policy_shelves_sum(const struct policy_shelves *shelves);
/* Are there n nodes, each where its bits say? */
bool policy_shelves_check(const struct policy_shelves *shelves, uint64_t n);

/* The node's number now: below SHELVES. */
static inline unsigned
policy_shelves_value(const struct policy_shelves *shelves, const struct base_node *node)
{
    uint64_t ago = shelves->halvings - (node->bits >> SHELVES_VALUE_BITS);
    unsigned value = node->bits & ((1u << SHELVES_VALUE_BITS) - 1);

    return ago < SHELVES_VALUE_BITS ? value >> ago : 0;
}

static inline void
policy_shelves_mark(struct policy_shelves *shelves, struct base_node *node, unsigned value)
{
    node->bits = shelves->halvings << SHELVES_VALUE_BITS | value;
    shelves->filled[value / 64] |= (uint64_t)1 << value % 64;
}

/* As the last one of the shelf. */
static inline void
policy_shelves_put(struct policy_shelves *shelves, struct base_node *node, unsigned value)
{
    policy_shelves_mark(shelves, node, value);
    policy_queue_append(&shelves->shelf[value], node);
}

static inline void
policy_shelves_put_first(struct policy_shelves *shelves, struct base_node *node, unsigned value)
{
    policy_shelves_mark(shelves, node, value);
    policy_queue_prepend(&shelves->shelf[value], node);
}

static inline void
policy_shelves_remove(struct policy_shelves *shelves, struct base_node *node)
{
    unsigned value = policy_shelves_value(shelves, node);

    policy_queue_remove(&shelves->shelf[value], node);
    if (shelves->shelf[value].n == 0)
        shelves->filled[value / 64] &= ~((uint64_t)1 << value % 64);
}

/* NULL: there is none. */
static inline struct base_node *
policy_shelves_lowest(const struct policy_shelves *shelves)
{
    for (unsigned word = 0; word < SHELVES_WORDS; word++)
        if (shelves->filled[word] != 0)
            return policy_queue_first(
                &shelves->shelf[word * 64 + (unsigned)__builtin_ctzll(shelves->filled[word])]);
    return NULL;
}

static inline void
policy_shelves_replace(struct policy_shelves *shelves, struct base_node *from, struct base_node *to)
{
    policy_queue_replace(&shelves->shelf[policy_shelves_value(shelves, from)], from, to);
}

#endif
