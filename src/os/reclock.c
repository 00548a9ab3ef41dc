/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/reclock.h"

#include <stdio.h>
#include <string.h>

#include "host/guest_io.h"
#include "host/host_file.h"
#include "os/errno.h"
#include "os/machine.h"

enum { RECLOCK_READ = 0, RECLOCK_WRITE = 1, RECLOCK_UNLOCK = 2 };
enum { RECLOCK_SET = 0, RECLOCK_CUR = 1 };
enum { RECLOCK_OFD_GET = 36, RECLOCK_OFD_SET = 37 };

/* A struct flock. */
struct reclock_range {
    int16_t type, whence;
    int64_t start, len;
    int32_t pid;
};
_Static_assert(sizeof(struct reclock_range) == OS_RECLOCK_LEN, "the ABI's size");

static struct os_reclock **
reclock_find(struct os_files *files, const struct host_file_identity *identity)
{
    struct os_reclock **at = &files->reclocks;

    while (*at != NULL && ((*at)->ino != identity->ino || (*at)->dev != identity->dev))
        at = &(*at)->next;
    return at;
}

/* Opens the file behind fd once more, with all the rights that the host gives. */
static int64_t
reclock_reopen(int fd)
{
    static const uint32_t modes[] = {OS_O_RDWR, OS_O_RDONLY, OS_O_WRONLY};
    char path[32];
    int64_t ret = -OS_EACCES;

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (unsigned i = 0; i < sizeof modes / sizeof *modes && ret < 0; i++)
        ret = host_io_open(OS_AT_FDCWD, path, (int)(modes[i] | OS_O_CLOEXEC | OS_O_NONBLOCK), 0);
    return ret;
}

static int64_t
reclock_make(struct os *os, struct os_reclock **at, const struct host_file_identity *identity,
    const struct os_file *file)
{
    struct os_reclock *made = base_pool_get(&os->reclock_pool);

    if (made == NULL)
        return -OS_ENOLCK;
    int64_t fd = reclock_reopen(file->host_fd);
    if (fd < 0) {
        base_pool_put(&os->reclock_pool, made);
        return -OS_ENOLCK;
    }
    *made = (struct os_reclock){NULL, identity->dev, identity->ino, (int)fd};
    *at = made;
    return 0;
}

static void
reclock_end(struct os *os, struct os_reclock **at)
{
    struct os_reclock *lock = *at;

    *at = lock->next;
    host_io_close(lock->fd);
    base_pool_put(&os->reclock_pool, lock);
}

/* Who has what is in the way: the host says -1 of a lock like ours.  The owner is the one whom the
 * range does not exclude.  -1: it is shared by several, or not ours. */
static int32_t
reclock_owner(
    struct os *os, const struct host_file_identity *identity, const struct reclock_range *range)
{
    struct os_process *q;

    TAILQ_FOREACH (q, &os->all, all) {
        struct os_reclock *lock = q->files != NULL ? *reclock_find(q->files, identity) : NULL;
        struct reclock_range asked = *range;
        if (lock == NULL)
            continue;
        asked.type = RECLOCK_WRITE;
        asked.pid = 0;
        if (host_io_lock(lock->fd, RECLOCK_OFD_GET, &asked) >= 0 && asked.type == RECLOCK_UNLOCK)
            return (int32_t)q->pid;
    }
    return -1;
}

static int64_t
reclock_get(struct os *os, const struct os_file *file, const struct os_reclock *own,
    const struct host_file_identity *identity, struct reclock_range *range)
{
    int64_t ret = host_io_lock(own != NULL ? own->fd : file->host_fd, RECLOCK_OFD_GET, range);

    if (ret >= 0 && range->type != RECLOCK_UNLOCK && range->pid == -1)
        range->pid = reclock_owner(os, identity, range);
    return ret;
}

/* The descriptor must allow what the lock is for. */
static bool
reclock_allowed(const struct os_file *file, int16_t type)
{
    uint32_t mode = file->flags & OS_O_ACCMODE;

    return !(type == RECLOCK_READ && mode == OS_O_WRONLY) &&
           !(type == RECLOCK_WRITE && mode == OS_O_RDONLY);
}

int64_t
os_reclock_call(struct os_process *p, const struct os_file *file, bool get, unsigned char *lock)
{
    struct reclock_range range;
    struct host_file_identity identity;
    int64_t ret = 0;

    memcpy(&range, lock, sizeof range);
    if (host_file_identify(file->host_fd, &identity) != PGW_OK)
        return -OS_ENOLCK;
    if (range.whence == RECLOCK_CUR) { /* the descriptor that asks has an offset of its own */
        int64_t pos =
            file->own_pos ? (int64_t)file->pos : host_io_lseek(file->host_fd, 0, RECLOCK_CUR);
        if (pos < 0 || __builtin_add_overflow(range.start, pos, &range.start))
            return -OS_EINVAL;
        range.whence = RECLOCK_SET;
    }
    range.pid = 0;
    struct os_reclock **at = reclock_find(p->files, &identity);
    if (get) {
        ret = reclock_get(p->os, file, *at, &identity, &range);
        memcpy(lock, &range, sizeof range);
        return ret;
    }
    if (!reclock_allowed(file, range.type))
        return -OS_EBADF;
    if (*at == NULL)
        ret = reclock_make(p->os, at, &identity, file);
    return ret < 0 ? ret : host_io_lock((*at)->fd, RECLOCK_OFD_SET, &range);
}

void
os_reclock_closed(struct os *os, struct os_files *files, const struct os_file *file)
{
    struct host_file_identity identity;

    if (files->reclocks == NULL || !file->regular ||
        host_file_identify(file->host_fd, &identity) != PGW_OK)
        return;
    struct os_reclock **at = reclock_find(files, &identity);
    if (*at != NULL)
        reclock_end(os, at);
}

void
os_reclock_clear(struct os *os, struct os_files *files)
{
    while (files->reclocks != NULL)
        reclock_end(os, &files->reclocks);
}
