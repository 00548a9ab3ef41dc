/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a replacement policy orders: a node that is embedded in whatever has to be ranked (a
 * page frame in the core, a page of a trace in replay).  While a node is admitted, link and bits
 * belong to the policy; otherwise to the embedder (the buddy allocator's free lists use them).
 */
#ifndef BASE_NODE_H
#define BASE_NODE_H

#include <stdint.h>
#include <sys/queue.h>

struct base_node {
    TAILQ_ENTRY(base_node) link;
    uint64_t bits;
};

TAILQ_HEAD(base_node_list, base_node);

#endif
