/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/fd.h"

#include "host/host_file.h"
#include "os/errno.h"
#include "os/machine.h"
#include "os/pipe.h"
#include "os/reclock.h"
#include "os/sched.h"

enum pgw_status
os_file_adopt(struct os *os, int host_fd, uint32_t flags, struct os_file **file)
{
    struct os_file *made = base_pool_get(&os->open_files);

    if (made == NULL) {
        host_io_close(host_fd);
        return PGW_NOMEM;
    }
    *made = (struct os_file){
        .refs = 1,
        .kind = OS_FILE_HOST,
        .flags = flags,
        .host_fd = host_fd,
        .stream = host_io_kind(host_fd) == HOST_IO_STREAM,
        .regular = host_file_kind(host_fd) == HOST_FILE_REGULAR,
    };
    *file = made;
    return PGW_OK;
}

void
os_file_get(struct os_file *file)
{
    file->refs++;
}

void
os_file_put(struct os *os, struct os_file *file)
{
    if (--file->refs > 0)
        return;
    if (file->kind == OS_FILE_HOST) {
        host_io_close(file->host_fd);
    } else if (file->kind == OS_FILE_MEMORY) {
        os_memfile_put(os, file->memory);
    } else {
        /* Whoever waits at the other end must see that this one is closed. */
        os_wake(os, file->pipe);
        os_wake(os, &os->poll_channel);
        os_pipe_drop(&os->pipes, os->config.alloc, file->pipe, file->kind == OS_FILE_PIPE_WRITE);
    }
    base_pool_put(&os->open_files, file);
}

struct os_file *
os_fd_file(struct os_process *p, uint64_t fd)
{
    return (uint32_t)fd < OS_FILES_MAX ? p->files->fd[(uint32_t)fd].file : NULL;
}

int64_t
os_fd_install(struct os_process *p, struct os_file *file, uint64_t min, bool cloexec)
{
    for (uint64_t fd = min; fd < p->files->limit; fd++) {
        struct os_fd *slot = &p->files->fd[fd];

        if (slot->file != NULL)
            continue;
        *slot = (struct os_fd){file, cloexec};
        return (int64_t)fd;
    }
    return -OS_EMFILE;
}

int64_t
os_fd_close(struct os_process *p, uint64_t fd)
{
    struct os_file *file = os_fd_file(p, fd);

    if (file == NULL)
        return -OS_EBADF;
    p->files->fd[(uint32_t)fd] = (struct os_fd){NULL, false};
    os_reclock_closed(p->os, p->files, file);
    os_file_put(p->os, file);
    return 0;
}

enum pgw_status
os_files_create(struct os *os, struct os_files **files)
{
    struct os_files *made = os->config.alloc->map(os->config.alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->limit = OS_FILES_MAX;
    *files = made;
    return PGW_OK;
}

enum pgw_status
os_files_copy(struct os *os, const struct os_files *from, struct os_files **files)
{
    enum pgw_status status = os_files_create(os, files);

    if (status != PGW_OK)
        return status;
    (*files)->limit = from->limit;
    for (unsigned i = 0; i < OS_FILES_MAX; i++) {
        if (from->fd[i].file == NULL)
            continue;
        os_file_get(from->fd[i].file);
        (*files)->fd[i] = from->fd[i];
    }
    return PGW_OK;
}

static void
slot_close(struct os *os, struct os_files *files, struct os_fd *slot)
{
    struct os_file *file = slot->file;

    slot->file = NULL;
    if (file == NULL)
        return;
    os_reclock_closed(os, files, file);
    os_file_put(os, file);
}

void
os_files_close_on_exec(struct os *os, struct os_files *files)
{
    for (unsigned i = 0; i < OS_FILES_MAX; i++)
        if (files->fd[i].cloexec)
            slot_close(os, files, &files->fd[i]);
}

void
os_files_destroy(struct os *os, struct os_files *files)
{
    if (files == NULL)
        return;
    os_reclock_clear(os, files);
    for (unsigned i = 0; i < OS_FILES_MAX; i++)
        slot_close(os, files, &files->fd[i]);
    os->config.alloc->unmap(os->config.alloc, files, sizeof *files);
}
