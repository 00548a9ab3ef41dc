/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of numbers of processes. */
#ifndef TRACE_TRACE_SET_H
#define TRACE_TRACE_SET_H

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

struct trace_set {  /* all zero: empty */
    uint64_t *slot; /* a hash table: a number plus 1, 0: free */
    size_t slots, count;
    uint64_t recent; /* the number added last, plus 1 */
};

/* PGW_NOMEM: it is not in. */
MUST_CHECK enum pgw_status trace_set_add(struct trace_set *set, uint32_t number);
size_t trace_set_count(const struct trace_set *set);
void trace_set_fini(struct trace_set *set);

#endif
