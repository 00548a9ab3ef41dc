/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mapped objects are called.  A memory manager knows objects, not files; for /proc/PID/maps
 * the personality remembers by which file each was mapped.
 *
 * An object is named each time it is mapped, so that the name on record for one that is mapped is
 * its own, whatever was at its address before.  Records stay; there are no more of them than there
 * ever were objects at once.
 */
#ifndef OS_OBJNAME_H
#define OS_OBJNAME_H

#include <stdint.h>

#include "os/abi.h"
#include "vm/space.h"

struct os;

struct os_objname {
    struct os_objname *next;
    const struct space_object *object;
    uint64_t dev, ino;      /* as stat(2) has them */
    char path[OS_PATH_MAX]; /* of the file when it was mapped */
};

/* The object is about to be mapped by way of the host's descriptor fd.  Without memory it has no
 * name. */
void os_objname_note(struct os *os, const struct space_object *object, int fd);
/* The same for an object that is no file of the host's. */
void os_objname_note_memory(
    struct os *os, const struct space_object *object, uint64_t dev, uint64_t ino, const char *path);
/* NULL: it has none. */
const struct os_objname *os_objname_of(const struct os *os, const struct space_object *object);
void os_objname_fini(struct os *os);

#endif
