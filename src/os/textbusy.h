/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that run are not written, and files that are being written are not run: ETXTBSY of
 * open(2), truncate(2) and execve(2).  As Linux does it, a process protects the file that it was
 * started from, not its interpreter and not its libraries; and whoever has a file open for writing
 * keeps everybody from starting it.
 *
 * Only processes of the machine count.  Of mappings that are left when their descriptor is closed,
 * those count that are shared and could be written; on Linux private ones do, too, if the
 * descriptor could.
 */
#ifndef OS_TEXTBUSY_H
#define OS_TEXTBUSY_H

#include <stdbool.h>
#include <stdint.h>

struct os;

/* -ETXTBSY: a process runs the file at path, as stat(2) with these flags finds it; -EACCES or
 * another error: it could not be written anyway.  0: go on. */
int64_t os_textbusy_check(struct os *os, int dir, const char *path, int at_flags);

/* Has any process the file behind the host's fd open for writing, or mapped so? */
bool os_textbusy_is_written(const struct os *os, int fd);

#endif
