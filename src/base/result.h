/* SPDX-License-Identifier: BSD-2-Clause */
/* Results that must be looked at.  The codes themselves are public: pagewright/status.h. */
#ifndef BASE_RESULT_H
#define BASE_RESULT_H

#include <pagewright/status.h>

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
