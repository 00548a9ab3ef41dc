/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process has used. */
#ifndef OS_RUSAGE_H
#define OS_RUSAGE_H

#include "os/abi.h"
#include "os/process.h"

/* Of p itself, which may be a zombie. */
void os_rusage_of(const struct os_process *p, struct os_rusage *usage);

#endif
