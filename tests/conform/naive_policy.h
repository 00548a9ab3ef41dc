/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Naive replacement policies: written from the papers with arrays that are searched from the front,
 * so plain that they are right by inspection, and with no line in common with src/policy.  The
 * conformance suite compares each with the real one, reference by reference.
 *
 * One file each, naive_NAME.c; to add one is to add its rows to the table of policy_twins.c.
 */
#ifndef NAIVE_POLICY_H
#define NAIVE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAIVE_PAGES 1024u /* page numbers are below this */

struct naive_policy {
    const char *name; /* the policy's whose twin it is */
    /* param: as policy_env.param, by place, where 0 is the default; NULL: defaults. */
    void *(*create)(unsigned frames, const uint64_t *param, uint64_t seed);
    void (*destroy)(void *naive);
    /* One reference.  The pages that went for it are written to evicted, in order (room for frames
     * + 1); returns how many. */
    unsigned (*step)(void *naive, unsigned page, bool write, unsigned *evicted);
    /* The page, which is resident, is gone for other reasons.  NULL: not compared. */
    void (*forget)(void *naive, unsigned page);
};

/* The parameter at place i, or its default. */
static inline uint64_t
naive_param(const uint64_t *param, unsigned i, uint64_t usual)
{
    return param != NULL && param[i] != 0 ? param[i] : usual;
}

extern const struct naive_policy naive_adaptive;
extern const struct naive_policy naive_aging;
extern const struct naive_policy naive_arc;
extern const struct naive_policy naive_car;
extern const struct naive_policy naive_clock;
extern const struct naive_policy naive_clockpro;
extern const struct naive_policy naive_fifo;
extern const struct naive_policy naive_lfu;
extern const struct naive_policy naive_lirs;
extern const struct naive_policy naive_lru;
extern const struct naive_policy naive_mglru;
extern const struct naive_policy naive_mru;
extern const struct naive_policy naive_nru;
extern const struct naive_policy naive_pff;
extern const struct naive_policy naive_random;
extern const struct naive_policy naive_s3fifo;
extern const struct naive_policy naive_sieve;
extern const struct naive_policy naive_slru;
extern const struct naive_policy naive_twoq;
extern const struct naive_policy naive_wsclock;
extern const struct naive_policy naive_wtinylfu;

#endif
