/* SPDX-License-Identifier: BSD-2-Clause */
/* The replacement policies; the contract is vm/policy.h.  One file each. */
#ifndef POLICY_POLICIES_H
#define POLICY_POLICIES_H

#include "vm/policy.h"

extern const struct policy_ops policy_fifo;
extern const struct policy_ops policy_clock;
extern const struct policy_ops policy_lru;
extern const struct policy_ops policy_random;

#endif
