/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pmap that uses law P1 to the full: it forwards to another back end, but at the start of any
 * call it may drop some mapping, of any space of the system, that is not wired.  What it drops is
 * gone from the processors too when the call returns, as the core does not know and will not ask.
 * Everything else is as the inner back end does it.
 */
#ifndef SUPPORT_CHAOS_PMAP_H
#define SUPPORT_CHAOS_PMAP_H

#include "pmap/pmaps.h"

/* chaos_pmap_CNAME is over pmap_CNAME. */
#define CHAOS_ROWS(ROW)                                                                            \
    ROW(ref, "ref")                                                                                \
    MMU_RADIX_ROWS(ROW)                                                                            \
    ROW(mips32, "mips32")                                                                          \
    ROW(hashed, "hashed")
#define CHAOS_DECLARE(cname, name) extern const struct pmap_ops chaos_pmap_##cname;
CHAOS_ROWS(CHAOS_DECLARE)

/* The one of them over inner, and the one that it is over; NULL if there is none. */
const struct pmap_ops *chaos_pmap_ops(const struct pmap_ops *inner);
const struct pmap_ops *chaos_pmap_inner_ops(const struct pmap_ops *chaos);

/* From now on drops, on average, one in `one_in` calls (0: never), as seed says.  A new system
 * starts with seed 1 and one in 4. */
void chaos_pmap_tune(struct pmap_system *system, uint64_t seed, unsigned one_in);

/* Pages dropped so far: a test asserts that there were some. */
uint64_t chaos_pmap_dropped(const struct pmap_system *system);

/* The pmap that does the work: what pmap_ref_access wants. */
struct pmap *chaos_pmap_inner(struct pmap *pmap);

#endif
