/* SPDX-License-Identifier: BSD-2-Clause */
/* Which object stands for which host file, so that all who map a file share its clean pages. */
#ifndef API_OBJCACHE_H
#define API_OBJCACHE_H

#include <sys/queue.h>

#include "base/alloc.h"
#include "vm/space.h"

struct pgw_system;

struct objcache_file;

struct objcache {
    LIST_HEAD(objcache_list, objcache_file) files;
    struct pgw_system *system;
    struct mem *mem;
    struct base_alloc *alloc;
};

void objcache_init(
    struct objcache *cache, struct pgw_system *system, struct mem *mem, struct base_alloc *alloc);

/*
 * The object for the open host file fd, which stays the caller's; the reference is the caller's
 * too.  PGW_UNSUPPORTED: not a regular file; PGW_NOMEM, PGW_IO.
 */
MUST_CHECK enum pgw_status objcache_get(
    struct objcache *cache, int fd, struct space_object **object);

#endif
