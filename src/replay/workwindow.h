/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The working set, over all of a program's time, for several windows at once.
 *
 * P. J. Denning, "The working set model for program behavior", Communications of the ACM 11(5),
 * 1968: W(t, tau) is the set of pages that were used in the last tau references, up to and with the
 * t-th.  Its size is known here at each t, not sampled.  Pages that are gone are no part of it.
 *
 * P. J. Denning, S. C. Schwartz, "Properties of the working-set model", Communications of the ACM
 * 15(3), 1972: each reference keeps its page in the set until its next one, but for tau at the
 * most; so the mean size follows from the intervals between the uses of a page alone.  That is
 * counted, too, on its own way, with the ends of the trace as they are: the two must be equal.
 */
#ifndef REPLAY_WORKWINDOW_H
#define REPLAY_WORKWINDOW_H

#include "base/alloc.h"
#include "base/result.h"
#include "vm/policy.h"

#define WORKWINDOWS_MAX 16u
#define WORKWINDOW_SLICES 128u /* a power of two */
#define WORKWINDOW_INTERVALS 64u

struct workwindow;

/* tau: n windows in references, 1 at least each. */
MUST_CHECK enum pgw_status workwindow_create(
    struct base_alloc *alloc, const uint64_t *tau, unsigned n, struct workwindow **windows);
void workwindow_destroy(struct workwindow *windows);

/* As lrucurve_use() and lrucurve_forget(). */
MUST_CHECK enum pgw_status workwindow_use(
    struct workwindow *windows, const struct policy_touch *touch, size_t n, uint32_t pages);
void workwindow_forget(struct workwindow *windows, uint32_t page);
/* The trace is over: what is still in use has its last interval counted. */
void workwindow_finish(struct workwindow *windows);

struct workwindow_figures {
    uint64_t tau;
    /* Pages: the least that at least so many percent of all times do not exceed. */
    uint64_t min, p10, p50, p90, max;
    uint64_t sum;       /* of sizes over all references; by references: the mean */
    uint64_t intervals; /* the same from the intervals */
};
/* After finish. */
void workwindow_figures(
    const struct workwindow *windows, unsigned i, struct workwindow_figures *figures);

uint64_t workwindow_references(const struct workwindow *windows);
/* Of window i, the sum of sizes in each slice of the time; returns how many slices there are, of
 * *slice references each but for the last. */
unsigned workwindow_slices(
    const struct workwindow *windows, unsigned i, uint64_t sum[WORKWINDOW_SLICES], uint64_t *slice);
/* count[k]: intervals of 2^k to 2^(k+1) - 1 references between two uses of a page. */
void workwindow_intervals(const struct workwindow *windows, uint64_t count[WORKWINDOW_INTERVALS]);

#endif
