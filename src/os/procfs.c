/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/procfs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "os/errno.h"
#include "os/proctext.h"
#include "os/sched.h"

#define MODE_FILE 0100444u
#define MODE_FILE_WRITE 0100644u
#define MODE_DIR 0040555u
#define W_OK 2u
#define X_OK 1u
#define PUT_MAX (OS_PATH_MAX + 512u) /* the longest that one call puts */

/* --- text --- */

static void
text_flush(struct os_proc_text *text)
{
    if (text->len > 0 && text->error == 0) {
        int64_t n = host_io_write(text->fd, text->os->bounce, text->len);
        if (n != (int64_t)text->len)
            text->error = n < 0 ? n : -OS_EIO;
    }
    text->len = 0;
}

void
os_proc_put(struct os_proc_text *text, const char *format, ...)
{
    va_list args;

    if (sizeof text->os->bounce - text->len < PUT_MAX)
        text_flush(text);
    va_start(args, format);
    int n = vsnprintf((char *)text->os->bounce + text->len, PUT_MAX, format, args);
    va_end(args);
    if (n > 0)
        text->len += (size_t)n < PUT_MAX ? (size_t)n : PUT_MAX - 1;
}

void
os_proc_bytes(struct os_proc_text *text, const void *bytes, size_t len)
{
    if (sizeof text->os->bounce - text->len < len)
        text_flush(text);
    memcpy(text->os->bounce + text->len, bytes, len);
    text->len += len;
}

/* Makes the text anew, and leaves the file positioned at its start. */
static int64_t
text_make(struct os *os, int fd, const struct os_proc_file *file, struct os_process *whose)
{
    struct os_proc_text text = {.os = os, .fd = fd};
    int64_t ret = host_io_ftruncate(fd, 0);

    if (ret == 0)
        ret = host_io_lseek(fd, 0, 0);
    if (ret < 0)
        return ret;
    file->show(&text, whose);
    text_flush(&text);
    ret = host_io_lseek(fd, 0, 0);
    return text.error != 0 ? text.error : ret;
}

/* --- paths --- */

/* A process number at *path, which is moved behind it; 0: there is none. */
static int
take_number(const char **path)
{
    int pid = 0;
    const char *at = *path;

    for (; *at >= '0' && *at <= '9' && pid < 100000000; at++)
        pid = pid * 10 + (*at - '0');
    if (at == *path || (*at != '/' && *at != '\0'))
        return 0;
    *path = at;
    return pid;
}

static void
find_in(const struct os_proc_file *table, const char *name, struct os_proc *found)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0) {
            found->kind = OS_PROC_FILE;
            found->file = table;
            return;
        }
}

/* rest: what follows /proc/PID of found->whose. */
static void
find_of_process(const char *rest, struct os_proc *found)
{
    found->kind = found->whose == NULL ? OS_PROC_NONE : OS_PROC_DIR;
    if (found->whose == NULL || rest[0] == '\0' || strcmp(rest, "/") == 0)
        return;
    found->kind = OS_PROC_NONE;
    if (strcmp(rest, "/exe") == 0 && found->whose->mm != NULL)
        found->kind = OS_PROC_EXE;
    else
        find_in(os_proc_process_files, rest + 1, found);
}

/* rest: what follows /sys/kernel/mm/.  Of two of its directories all that there is is ours. */
static void
find_of_sys(const char *rest, struct os_proc *found)
{
    if (strncmp(rest, "ksm/", 4) != 0 && strncmp(rest, "transparent_hugepage/", 21) != 0)
        return;
    found->kind = OS_PROC_NONE;
    find_in(os_proc_sys_files, rest, found);
}

/* Files about the frames and slabs of the host's kernel, which are not the machine's. */
static bool
is_of_host(const char *name)
{
    static const char *const names[] = {
        "kpagecgroup", "kpagecount", "kpageflags", "pagetypeinfo", "slabinfo", "vmallocinfo", NULL};

    for (const char *const *of_host = names; *of_host != NULL; of_host++)
        if (strcmp(name, *of_host) == 0)
            return true;
    return false;
}

void
os_proc_find(struct os_process *p, const char *path, struct os_proc *found)
{
    *found = (struct os_proc){.kind = OS_PROC_NOT};
    if (strncmp(path, "/sys/kernel/mm/", 15) == 0)
        find_of_sys(path + 15, found);
    if (strncmp(path, "/sys/kernel/debug/extfrag/", 26) == 0) {
        found->kind = OS_PROC_NONE;
        find_in(os_proc_debug_files, path + 26, found);
    }
    if (strncmp(path, "/proc/", 6) != 0)
        return;
    path += 6;
    const char *rest = path;
    int pid = take_number(&rest);
    if (strncmp(path, "self/", 5) == 0) {
        found->whose = p;
        find_of_process(path + 4, found);
    } else if (pid != 0) {
        found->whose = os_process_find(p->os, pid);
        find_of_process(rest, found);
    } else {
        find_in(os_proc_machine_files, path, found);
        if (found->kind == OS_PROC_NOT)
            find_in(os_proc_service_files, path, found);
        if (is_of_host(path))
            found->kind = OS_PROC_NONE;
    }
}

/* --- files --- */

static void
fill_stat(const struct os *os, const struct os_proc_file *file, struct host_io_stat *st)
{
    *st = (struct host_io_stat){
        .mode = file == NULL          ? MODE_DIR
                : file->write != NULL ? MODE_FILE_WRITE
                                      : MODE_FILE,
        .nlink = file == NULL ? 2 : 1,
        .uid = os->uid[1],
        .gid = os->gid[1],
        .blksize = 1024,
    };
}

void
os_proc_stat(const struct os *os, const struct os_proc *found, struct host_io_stat *st)
{
    fill_stat(os, found->file, st);
}

void
os_proc_fstat(const struct os *os, const struct os_file *file, struct host_io_stat *st)
{
    fill_stat(os, file->proc, st);
}

int64_t
os_proc_access(const struct os *os, const struct os_proc *found, uint32_t mode)
{
    struct host_io_stat st;

    os_proc_stat(os, found, &st);
    if ((mode & W_OK) != 0 && (st.mode & 0200) == 0)
        return -OS_EACCES;
    return (mode & X_OK) != 0 && (st.mode & 0111) == 0 ? -OS_EACCES : 0;
}

int64_t
os_proc_open(
    struct os_process *p, const struct os_proc *found, uint32_t flags, struct os_file **file)
{
    struct os *os = p->os;
    bool writes = (flags & OS_O_ACCMODE) != OS_O_RDONLY;

    if (found->kind == OS_PROC_DIR || (writes && found->file->write == NULL))
        return -OS_EACCES;
    if ((flags & OS_O_DIRECTORY) != 0)
        return -OS_ENOTDIR;
    int64_t fd = host_io_nameless("proc");
    if (fd < 0)
        return fd;
    int64_t ret = text_make(os, (int)fd, found->file, found->whose);
    if (ret < 0) {
        host_io_close((int)fd);
        return ret;
    }
    if (os_file_adopt(os, (int)fd, flags & ~(OS_O_CLOEXEC | OS_O_CREAT), file) != PGW_OK)
        return -OS_ENOMEM;
    (*file)->regular = false; /* made anew by each read, nothing to be cached */
    (*file)->proc = found->file;
    (*file)->proc_pid = found->whose != NULL ? found->whose->pid : 0;
    return 0;
}

/* The process that an open file is about: -ESRCH when it is gone, as Linux has it. */
static int64_t
file_whose(struct os *os, const struct os_file *file, struct os_process **whose)
{
    *whose = file->proc_pid != 0 ? os_process_find(os, file->proc_pid) : NULL;
    return file->proc_pid != 0 && *whose == NULL ? -OS_ESRCH : 0;
}

int64_t
os_proc_refresh(struct os *os, const struct os_file *file, uint64_t offset)
{
    struct os_process *whose;

    int64_t at = host_io_lseek(file->host_fd, 0, 1);
    if ((offset == OS_PROC_HERE ? (uint64_t)at : offset) != 0)
        return 0;
    int64_t ret = file_whose(os, file, &whose);
    if (ret == 0)
        ret = text_make(os, file->host_fd, file->proc, whose);
    if (ret >= 0 && at > 0) /* pread: the position is another's */
        ret = host_io_lseek(file->host_fd, at, 0);
    return ret < 0 ? ret : 0;
}

int64_t
os_proc_write(struct os_process *p, const struct os_file *file, const char *bytes, size_t len)
{
    struct os_process *whose;
    char value[64];
    int64_t ret = file_whose(p->os, file, &whose);

    if (ret != 0)
        return ret;
    if (len >= sizeof value)
        return -OS_EINVAL;
    memcpy(value, bytes, len);
    value[len] = '\0';
    ret = file->proc->write(whose, value, len);
    return ret < 0 ? ret : (int64_t)len;
}
