/* SPDX-License-Identifier: BSD-2-Clause */
/* Small traces of known kinds for tests of replay. */
#ifndef REPLAY_TRACES_H
#define REPLAY_TRACES_H

#include "base/rng.h"
#include "vm/policy.h"

#define TRACES_PAGES 300u
#define TRACES_STEPS 6000u

enum traces_kind {
    TRACES_RANDOM,
    TRACES_LOOP,
    TRACES_ZIPF,
    TRACES_SCAN, /* over and over, hot pages in between */
    TRACES_PHASES,
    TRACES_KINDS
};

struct traces_step {
    bool gone; /* touch.page is gone; else it is a touch */
    struct policy_touch touch;
};

/* Makes up to TRACES_STEPS steps; about gone in 1000 of them are pages that go (every one that goes
 * may come back).  A third of the touches write; counts are 1. */
size_t traces_make(
    enum traces_kind kind, unsigned gone, struct base_rng *rng, struct traces_step *steps);

#endif
