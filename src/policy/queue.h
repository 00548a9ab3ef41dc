/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of nodes that know how many they are, for policies with several of them. */
#ifndef POLICY_QUEUE_H
#define POLICY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/node.h"

struct policy_queue {
    struct base_node_list list; /* the first is the next to go */
    uint64_t n;
};

static inline void
policy_queue_init(struct policy_queue *queue)
{
    TAILQ_INIT(&queue->list);
    queue->n = 0;
}

static inline struct base_node *
policy_queue_first(const struct policy_queue *queue)
{
    return TAILQ_FIRST(&queue->list);
}

static inline void
policy_queue_append(struct policy_queue *queue, struct base_node *node)
{
    TAILQ_INSERT_TAIL(&queue->list, node, link);
    queue->n++;
}

static inline void
policy_queue_prepend(struct policy_queue *queue, struct base_node *node)
{
    TAILQ_INSERT_HEAD(&queue->list, node, link);
    queue->n++;
}

static inline void
policy_queue_remove(struct policy_queue *queue, struct base_node *node)
{
    TAILQ_REMOVE(&queue->list, node, link);
    queue->n--;
}

/* The node after the next one, soon: of a queue that is gone through from here on. */
static inline __attribute__((always_inline)) void
policy_queue_fetch(const struct base_node *node)
{
    const struct base_node *next = TAILQ_NEXT(node, link);

    if (next != NULL)
        __builtin_prefetch(TAILQ_NEXT(next, link), 1);
}

/* to takes from's place, and its bits. */
static inline void
policy_queue_replace(struct policy_queue *queue, struct base_node *from, struct base_node *to)
{
    to->bits = from->bits;
    TAILQ_INSERT_AFTER(&queue->list, from, to, link);
    TAILQ_REMOVE(&queue->list, from, link);
}

/* Is it linked both ways, as long as it says, and does each node have these bits under mask? */
static inline bool
policy_queue_check(const struct policy_queue *queue, uint64_t mask, uint64_t bits)
{
    const struct base_node *node;
    uint64_t n = 0;

    TAILQ_FOREACH (node, &queue->list, link) {
        if (*node->link.tqe_prev != node || (node->bits & mask) != bits)
            return false;
        n++;
    }
    return n == queue->n;
}

#endif
