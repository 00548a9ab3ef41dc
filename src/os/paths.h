/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths of the guest's, as the host is asked for them. */
#ifndef OS_PATHS_H
#define OS_PATHS_H

#include <stdint.h>

#include "os/process.h"

/*
 * Reads the path at va into the personality's buffer number which (0 or 1) and finds the host
 * descriptor that it is relative to.  A process's exe in /proc is its program.  What else the
 * machine has there is in os->proc, for the calls that know what to do with it; for the others
 * it is not found, and neither is what the host shows of processes.
 * 0, -EFAULT, -ENAMETOOLONG, -EBADF, -ENOENT.
 */
int64_t os_path_get(
    struct os_process *p, uint64_t dirfd, uint64_t va, int which, int *dir, const char **path);

/* The same for a path that is only read: an absolute one is looked up below the program's sysroot
 * first.  *path may lie in a buffer that the next such call reuses. */
int64_t os_path_find(
    struct os_process *p, uint64_t dirfd, uint64_t va, int which, int *dir, const char **path);

#endif
