/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address-space tags, 16 bits wide.  Each live space has one of its own; 0 is nobody's.  Tags are
 * handed out round robin, so that one is used again as late as possible.
 */
#ifndef BASE_ASID_H
#define BASE_ASID_H

#include <stdbool.h>
#include <stdint.h>

#define ASID_COUNT 65536u

struct asid_set {
    uint64_t taken[ASID_COUNT / 64];
    uint32_t next; /* where the search for a free one goes on; the set starts all zero */
    uint32_t live;
    bool wrapped; /* every tag may have been in use before */
};

/* A free tag, 0 when all are taken.  *reused: another space may have had it. */
uint32_t asid_get(struct asid_set *set, bool *reused);
void asid_put(struct asid_set *set, uint32_t asid);

#endif
