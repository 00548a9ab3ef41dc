/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/objname.h"

#include <stdio.h>

#include "os/machine.h"

const struct os_objname *
os_objname_of(const struct os *os, const struct space_object *object)
{
    const struct os_objname *name = os->objnames;

    while (name != NULL && name->object != object)
        name = name->next;
    return name;
}

/* The object's record, a new one if there is none; NULL: no memory. */
static struct os_objname *
objname_get(struct os *os, const struct space_object *object)
{
    struct os_objname *name = (struct os_objname *)os_objname_of(os, object);

    if (name != NULL)
        return name;
    name = os->config.alloc->map(os->config.alloc, sizeof *name);
    if (name == NULL)
        return NULL;
    name->object = object;
    name->next = os->objnames;
    os->objnames = name;
    return name;
}

void
os_objname_note(struct os *os, const struct space_object *object, int fd)
{
    struct os_objname *name = objname_get(os, object);
    struct host_io_stat st;

    if (name == NULL)
        return;
    if (host_io_stat(fd, "", OS_AT_EMPTY_PATH, &st) == 0) {
        name->dev = st.dev;
        name->ino = st.ino;
    }
    int64_t len = host_io_fd_path(fd, name->path, sizeof name->path - 1);
    name->path[len > 0 ? len : 0] = '\0';
}

void
os_objname_note_memory(
    struct os *os, const struct space_object *object, uint64_t dev, uint64_t ino, const char *path)
{
    struct os_objname *name = objname_get(os, object);

    if (name == NULL)
        return;
    name->dev = dev;
    name->ino = ino;
    (void)snprintf(name->path, sizeof name->path, "%s", path);
}

void
os_objname_fini(struct os *os)
{
    struct os_objname *name;

    while ((name = os->objnames) != NULL) {
        os->objnames = name->next;
        os->config.alloc->unmap(os->config.alloc, name, sizeof *name);
    }
}
