/* SPDX-License-Identifier: BSD-2-Clause */
/* Every policy, as the suites go through them, with its naive twin and the settings to be tried. */
#ifndef POLICY_TWINS_H
#define POLICY_TWINS_H

#include "naive_policy.h"
#include "policy/policies.h"

struct policy_twin {
    const struct policy_ops *ops;
    const struct naive_policy *naive;
    uint64_t param[POLICY_PARAMS_MAX]; /* 0: the default */
    bool bits; /* evicts the same when references show as env.referenced only: it never looks at
                  them but when it searches, and more than one is as good as one */
};

/* The i-th; NULL: there are fewer.  Rows of one policy follow each other, the one with all defaults
 * first. */
const struct policy_twin *policy_twin_at(unsigned i);

#endif
