/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault injection: "fail the n-th time this is tried".  Every allocation and every I/O asks
 * before it acts, so that a torture test can fail each one in turn.
 */
#ifndef BASE_INJECT_H
#define BASE_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum base_inject_point {
    INJECT_MAP,   /* host memory for pools and tables */
    INJECT_OBJ,   /* one object from a pool */
    INJECT_FRAME, /* one page frame */
    INJECT_READ,  /* one read of a file or device */
    INJECT_WRITE, /* one write of a file or device */
    INJECT_POINTS
};

struct base_inject {
    uint64_t tried[INJECT_POINTS];   /* how often each was asked */
    uint64_t fail_at[INJECT_POINTS]; /* 0: never; n: the n-th try fails ... */
    bool and_after[INJECT_POINTS];   /* ... and, if set, every later one too */
};

/* True if this try must fail.  inject may be NULL: never. */
static inline bool
base_inject_fails(struct base_inject *inject, enum base_inject_point point)
{
    if (inject == NULL)
        return false;
    uint64_t n = ++inject->tried[point];
    uint64_t at = inject->fail_at[point];
    return at != 0 && (n == at || (n > at && inject->and_after[point]));
}

#endif
