/* SPDX-License-Identifier: BSD-2-Clause */
/* What every suite starts with: cmocka and the headers it needs, seeds, death and torture tests. */
#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/inject.h"
#include "base/rng.h"

/*
 * The seed of this run: the environment's PGW_SEED, or a fixed one.  Printed, so that it stands
 * above the failure of a test.
 */
uint64_t test_seed(void);

/* A generator with that seed.  salt tells apart the generators of one program. */
void test_rng_init(struct base_rng *rng, uint64_t salt);

/* How often to repeat random work: n, times the environment's PGW_EFFORT if that is set. */
uint64_t test_rounds(uint64_t n);

/*
 * True if body(ctx), run in a child process, ends it by a failed assertion (SIGABRT) or by a
 * sanitizer's finding.  body uses none of cmocka's assertions.
 */
bool test_dies(void (*body)(void *ctx), void *ctx);

/*
 * Torture: runs body again and again, with the first, the second, ... try at point failing
 * (and every later one too, with and_after), until a run gets by with fewer tries.  Returns how
 * many runs met a failure.  body must leave everything as it found it.
 */
uint64_t test_each_failure(struct base_inject *inject, enum base_inject_point point, bool and_after,
    void (*body)(void *ctx), void *ctx);

#endif
