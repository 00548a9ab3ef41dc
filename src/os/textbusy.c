/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/textbusy.h"

#include "host/host_file.h"
#include "os/errno.h"
#include "os/machine.h"
#include "os/objname.h"

#define W_OK 2

/* Is it the program of any process? */
static bool
textbusy_runs(const struct os *os, uint64_t dev, uint64_t ino)
{
    const struct os_process *p;

    TAILQ_FOREACH (p, &os->all, all)
        if (p->mm != NULL && p->mm->exe_ino == ino && p->mm->exe_dev == dev)
            return true;
    return false;
}

int64_t
os_textbusy_check(struct os *os, int dir, const char *path, int at_flags)
{
    struct host_io_stat st;

    if (host_io_stat(dir, path, at_flags, &st) != 0 || !textbusy_runs(os, st.dev, st.ino))
        return 0;
    int64_t ret = host_io_access(dir, path, W_OK, OS_AT_EACCESS);
    return ret != 0 ? ret : -OS_ETXTBSY;
}

static bool
textbusy_writes(const struct os_file *file, const struct host_file_identity *identity)
{
    struct host_file_identity other;

    return file != NULL && file->regular && (file->flags & OS_O_ACCMODE) != OS_O_RDONLY &&
           host_file_identify(file->host_fd, &other) == PGW_OK && other.ino == identity->ino &&
           other.dev == identity->dev;
}

/* Has the process the file mapped so that what it stores goes there, or might? */
static bool
textbusy_maps(
    const struct os *os, const struct os_process *p, const struct host_file_identity *identity)
{
    struct space *space = p->mm != NULL ? p->mm->space : NULL;
    struct space_region region;

    for (uint64_t va = 0; space != NULL && space->ops->find(space, va, &region); va = region.end) {
        if (!region.shared || region.nowrite || region.use != SPACE_USE_FILE)
            continue;
        const struct os_objname *name = os_objname_of(os, region.object);
        if (name != NULL && name->ino == identity->ino && name->dev == identity->dev)
            return true;
    }
    return false;
}

bool
os_textbusy_is_written(const struct os *os, int fd)
{
    struct host_file_identity identity;
    const struct os_process *p;

    if (host_file_identify(fd, &identity) != PGW_OK)
        return false;
    TAILQ_FOREACH (p, &os->all, all) {
        if (textbusy_maps(os, p, &identity))
            return true;
        for (unsigned i = 0; p->files != NULL && i < OS_FILES_MAX; i++)
            if (textbusy_writes(p->files->fd[i].file, &identity))
                return true;
    }
    return false;
}
