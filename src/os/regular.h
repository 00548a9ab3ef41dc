/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files of the host, as the guest reads and writes them: by way of the pages that its
 * mappings show (vm/space.h), so that both are always the same.  What is written goes to the host
 * at once as well.  Functions return what the call returns, or a negative error number.
 */
#ifndef OS_REGULAR_H
#define OS_REGULAR_H

#include <stddef.h>
#include <stdint.h>

#include "os/fd.h"

#define OS_OFFSET_NONE UINT64_MAX /* where the file's own offset is, which moves along */

int64_t os_regular_read(
    struct os *os, struct os_file *file, void *buf, size_t len, uint64_t offset);
int64_t os_regular_write(
    struct os *os, struct os_file *file, const void *buf, size_t len, uint64_t offset);
int64_t os_regular_seek(struct os_file *file, int64_t offset, int whence);

/* Is it the device of zeros? */
bool os_regular_is_zeros(const struct os_file *file);

/* What mappings have newer goes to the host's file. */
int64_t os_regular_sync(struct os *os, int host_fd);
/* The file's length was changed on the host, by us. */
void os_regular_resized(struct os *os, int host_fd);
/* The same by path, relative to dir. */
void os_regular_resized_at(struct os *os, int dir, const char *path);

#endif
