/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths of the guest's, as the host is asked for them. */
#ifndef OS_PATHS_H
#define OS_PATHS_H

#include <stdint.h>

#include "os/process.h"

/*
 * Reads the path at va into the personality's buffer number which (0 or 1) and finds the host
 * descriptor that it is relative to.  /proc/self/exe is the guest's program; what else Linux
 * shows of the calling process there would be ours and not the guest's, and is not found.
 * 0, -EFAULT, -ENAMETOOLONG, -EBADF, -ENOENT.
 */
int64_t os_path_get(
    struct os_process *p, uint64_t dirfd, uint64_t va, int which, int *dir, const char **path);

/* The same for a path that is only read: an absolute one is looked up below the program's sysroot
 * first.  *path may lie in a buffer that the next such call reuses. */
int64_t os_path_find(
    struct os_process *p, uint64_t dirfd, uint64_t va, int which, int *dir, const char **path);

#endif
