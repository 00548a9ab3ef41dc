/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The personality's access to a process's memory.  When RAM and swap are full, somebody is ended
 * for it (os/oom.h) and the copy goes on; so it fails only for addresses that are wrong.
 */
#ifndef OS_UACCESS_H
#define OS_UACCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "os/process.h"

/* All return 0 or -EFAULT. */
MUST_CHECK int64_t os_copy_in(struct os_process *p, uint64_t va, void *buf, size_t len);
MUST_CHECK int64_t os_copy_out(struct os_process *p, uint64_t va, const void *buf, size_t len);
/* Faults [va, va + len) in for writing, so that bytes taken from a pipe are not lost on a bad
 * address. */
MUST_CHECK int64_t os_copy_probe(struct os_process *p, uint64_t va, size_t len);
/* How many bytes from va on can be read, or written: as many are copied, or faulted in. For calls
 * that do what they can before a bad address. */
MUST_CHECK size_t os_copy_in_some(struct os_process *p, uint64_t va, void *buf, size_t len);
MUST_CHECK size_t os_copy_room(struct os_process *p, uint64_t va, size_t len);
/* A string of less than max bytes; *len without its NUL.  -EFAULT, -ENAMETOOLONG. */
MUST_CHECK int64_t os_copy_string(
    struct os_process *p, uint64_t va, char *buf, size_t max, size_t *len);
/* A path: -EFAULT, -ENAMETOOLONG.  path has OS_PATH_MAX bytes. */
MUST_CHECK int64_t os_copy_path(struct os_process *p, uint64_t va, char *path);

#endif
