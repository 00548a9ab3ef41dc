/* SPDX-License-Identifier: BSD-2-Clause */
/* When RAM and swap are full. */
#ifndef OS_OOM_H
#define OS_OOM_H

#include <stdbool.h>

#include "os/process.h"

/*
 * Ends the process with the largest score, and says so, with who held what.  p is the one that
 * asked; fault, NOMEM or LIMIT, why: with LIMIT it is a process of p's group.  False: it was p
 * itself (or one it shares memory with), which ends as soon as it gets back to the scheduler. True:
 * there is more memory now; try again.
 */
bool os_memory_full(struct os_process *p, enum space_fault fault);

/* The same for another reason, named in the message. */
bool os_memory_end(struct os_process *p, const char *why);

/* RAM is too small for what p needs at once: p itself ends, as if it had been the largest. */
void os_memory_thrash(struct os_process *p);

/* What /proc/PID/oom_score shows of p: 0 to 2000. */
int64_t os_memory_score(struct os_process *p);

#endif
