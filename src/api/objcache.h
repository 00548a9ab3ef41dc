/* SPDX-License-Identifier: BSD-2-Clause */
/* Which object stands for which host file, so that all who map or read a file share its pages. */
#ifndef API_OBJCACHE_H
#define API_OBJCACHE_H

#include <sys/queue.h>

#include "base/alloc.h"
#include "vm/space.h"

struct pgw_system;

struct objcache_file;

struct objcache {
    TAILQ_HEAD(objcache_list, objcache_file) files; /* the one used last first */
    unsigned kept;                                  /* those that the cache holds a reference to */
    struct pgw_system *system;
    struct mem *mem;
    struct base_alloc *alloc;
};

void objcache_init(
    struct objcache *cache, struct pgw_system *system, struct mem *mem, struct base_alloc *alloc);

/*
 * The object for the open host file fd, which stays the caller's; the reference is the caller's
 * too.  write: what is written through the mapping must reach the file, for which fd may write.
 * PGW_UNSUPPORTED: not a regular file; PGW_NOMEM, PGW_IO, PGW_ACCESS.
 */
MUST_CHECK enum pgw_status objcache_get(
    struct objcache *cache, int fd, bool write, struct space_object **object);

/*
 * The object by which reads and writes of fd go, a reference is the caller's; NULL: there is none.
 * make: make one if there is none yet; fd may read.  *whole: what the object shows is all of the
 * file; else the file itself must be read, and what is newer put over it.
 */
struct space_object *objcache_cached(struct objcache *cache, int fd, bool make, bool *whole);

/* len bytes have just been written to the file at offset; or, with len 0, its length was changed.
 */
void objcache_wrote(struct objcache *cache, int fd, uint64_t offset, const void *buf, size_t len);
/* The file was changed, nobody knows where. */
void objcache_reread(struct objcache *cache, int fd);
/* The file has lost a name, perhaps its last: its room on the host must not be held for long. */
void objcache_unnamed(struct objcache *cache, uint64_t dev, uint64_t ino);
/* Lets go of what is kept. */
void objcache_clear(struct objcache *cache);

#endif
