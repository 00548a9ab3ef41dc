/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failing the n-th call to the host, for what takes its memory from malloc and its bytes from files
 * (the core asks base/inject.h instead).  A test that has test_failing_dep among its dependencies
 * is linked so that these calls, of the library as of the test, come through here first: whatever
 * gives memory, starts a thread, reads, writes or closes.
 */
#ifndef SUPPORT_FAILING_H
#define SUPPORT_FAILING_H

#include "support/test.h"

enum failing_call {
    FAILING_MEMORY, /* malloc and its like, mmap, contexts of libraries */
    FAILING_THREAD,
    FAILING_READ,
    FAILING_WRITE,
    FAILING_CLOSE, /* the descriptor is closed for all that, as Linux does it */
    FAILING_CALLS
};

struct failing {
    enum failing_call call;
    bool and_after; /* each later one, too */
    int error; /* the errno of reads, writes and closings; 0: they do no more than half, which is
                  none */
};

/*
 * Runs body again and again, with the first, the second, ... such call failing, until a run gets by
 * with fewer.  Returns how many runs met a failure.  body is told what failed in the run by
 * failing_met(), does what is not to be disturbed between failing_rest() and failing_again(), and
 * leaves everything as it found it.
 */
uint64_t failing_each(const struct failing *what, void (*body)(void *ctx), void *ctx);

void failing_rest(void);
void failing_again(void);
/* Has a call failed in this run? */
bool failing_met(void);

#endif
