/* SPDX-License-Identifier: BSD-2-Clause */
/* A slow device for tests: a pager whose every io completes later, and in random order. */
#ifndef SUPPORT_DELAYED_PAGER_H
#define SUPPORT_DELAYED_PAGER_H

#include <stdint.h>

#include "base/rng.h"
#include "vm/pager.h"

/*
 * Wraps inner, which may itself be asynchronous, and owns it from now on.  Nothing is done before
 * a drive():
 *  - the pages of a get in flight hold rubbish, the slots of a put in flight PAGER_SLOT_NONE;
 *  - drive(false) completes any number of ios, none included; drive(true) at least one;
 *  - a start that inner refuses (a put with PGW_NOSWAP) is refused at once, but a get is given
 *    to inner only when its time has come, and what inner says then arrives through done().
 * The same seed and calls give the same order.  Fails the test if there is no memory.
 */
struct pager *delayed_pager_create(struct pager *inner, uint64_t seed);

/* Ios in flight. */
unsigned delayed_pager_in_flight(const struct pager *pager);

#endif
