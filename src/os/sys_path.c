/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about files by name, and about what files are.  They pass through to the host. */
#include <string.h>

#include "os/machine.h"
#include "os/paths.h"
#include "os/regular.h"
#include "os/syscall.h"
#include "os/sysroot.h"
#include "os/textbusy.h"
#include "os/uaccess.h"

#define STATX_LEN 256u
#define STATFS_LEN 120u

/* Files are made with this process's mask. */
static void
use_umask(struct os_process *p)
{
    if (p->os->host_umask == p->umask)
        return;
    (void)host_io_umask(p->umask);
    p->os->host_umask = p->umask;
}

/* The descriptor that relative paths start from. */
static int64_t
dir_of(struct os_process *p, uint64_t dirfd, int *dir)
{
    const struct os_file *file = (int32_t)dirfd == OS_AT_FDCWD ? p->cwd : os_fd_file(p, dirfd);

    if (file == NULL)
        return -OS_EBADF;
    if (file->kind != OS_FILE_HOST)
        return -OS_ENOTDIR;
    *dir = file->host_fd;
    return 0;
}

int64_t
os_path_get(
    struct os_process *p, uint64_t dirfd, uint64_t va, int which, int *dir, const char **path)
{
    char *text = p->os->path[which];
    struct os_proc *proc = &p->os->proc;
    int64_t ret = os_copy_path(p, va, text);

    proc->kind = OS_PROC_NOT;
    if (ret != 0)
        return ret;
    *path = text;
    use_umask(p);
    if (text[0] != '/')
        return dir_of(p, dirfd, dir);
    *dir = OS_AT_FDCWD;
    os_proc_find(p, text, proc);
    if (proc->kind == OS_PROC_EXE)
        *path = proc->whose->mm->exe;
    return proc->kind == OS_PROC_NOT || proc->kind == OS_PROC_EXE ? 0 : -OS_ENOENT;
}

int64_t
os_path_find(
    struct os_process *p, uint64_t dirfd, uint64_t va, int which, int *dir, const char **path)
{
    int64_t ret = os_path_get(p, dirfd, va, which, dir, path);

    if (ret != 0 || p->os->proc.kind == OS_PROC_EXE)
        return ret;
    const char *below = os_sysroot_find(p->os, OS_ROOTED_PATH, p->mm->sysroot, *path);
    if (below != NULL)
        *path = below;
    return 0;
}

/* Is the path that was not found one of the machine's own /proc? */
static bool
is_proc(const struct os_process *p)
{
    return p->os->proc.kind == OS_PROC_FILE || p->os->proc.kind == OS_PROC_DIR;
}

/* A pipe's own record, since the host knows nothing of it. */
static void
pipe_stat(const struct os *os, struct host_io_stat *st)
{
    *st = (struct host_io_stat){
        .mode = 0010600, .nlink = 1, .uid = os->uid[1], .gid = os->gid[1], .blksize = 4096};
}

/* The device number as user space has it: 12 bits of major, 20 of minor, mixed. */
static uint64_t
device(uint64_t dev)
{
    uint64_t major = (dev >> 8 & 0xfff) | (dev >> 32 & 0xfffff000);
    uint64_t minor = (dev & 0xff) | (dev >> 12 & 0xffffff00);

    return (minor & 0xff) | major << 8 | (minor & 0xffffff00) << 12;
}

static int64_t
put_stat(struct os_process *p, uint64_t va, const struct host_io_stat *st)
{
    struct os_stat_abi out = {
        .dev = device(st->dev),
        .ino = st->ino,
        .mode = st->mode,
        .nlink = st->nlink,
        .uid = st->uid,
        .gid = st->gid,
        .rdev = device(st->rdev),
        .size = (int64_t)st->size,
        .blksize = (int32_t)st->blksize,
        .blocks = (int64_t)st->blocks,
        .atime = {st->atime.sec, st->atime.nsec},
        .mtime = {st->mtime.sec, st->mtime.nsec},
        .ctime = {st->ctime.sec, st->ctime.nsec},
    };

    return os_copy_out(p, va, &out, sizeof out);
}

int64_t
os_sys_fstat(struct os_process *p, const uint64_t *a)
{
    const struct os_file *file = os_fd_file(p, a[0]);
    struct host_io_stat st;
    int64_t ret = 0;

    if (file == NULL)
        return -OS_EBADF;
    if (file->kind == OS_FILE_MEMORY)
        os_memfile_stat(p->os, file->memory, &st);
    else if (file->kind != OS_FILE_HOST)
        pipe_stat(p->os, &st);
    else if (file->proc != NULL)
        os_proc_fstat(p->os, file, &st);
    else
        ret = host_io_stat(file->host_fd, "", OS_AT_EMPTY_PATH, &st);
    return ret < 0 ? ret : put_stat(p, a[1], &st);
}

int64_t
os_sys_newfstatat(struct os_process *p, const uint64_t *a)
{
    struct host_io_stat st;
    const char *path;
    int dir;
    const uint64_t fstat_args[2] = {a[0], a[2]};
    int64_t ret = os_path_find(p, a[0], a[1], 0, &dir, &path);

    if (p->os->path[0][0] == '\0' && (a[3] & OS_AT_EMPTY_PATH) != 0 && ret != -OS_EFAULT &&
        (int32_t)a[0] != OS_AT_FDCWD)
        return os_sys_fstat(p, fstat_args);
    const struct os_memfile *mem = ret == 0 ? os_memfile_find(p->os, path) : NULL;
    if (mem != NULL) {
        os_memfile_stat(p->os, mem, &st);
    } else if (ret == 0) {
        ret = host_io_stat(dir, path, (int)a[3], &st);
    } else if (is_proc(p)) {
        os_proc_stat(p->os, &p->os->proc, &st);
        ret = 0;
    }
    return ret < 0 ? ret : put_stat(p, a[2], &st);
}

int64_t
os_sys_statx(struct os_process *p, const uint64_t *a)
{
    unsigned char record[STATX_LEN];
    const char *path;
    int dir;
    int64_t ret = os_path_find(p, a[0], a[1], 0, &dir, &path);

    if (ret == 0)
        ret = host_io_statx(dir, path, (int)a[2], (uint32_t)a[3], record);
    return ret < 0 ? ret : os_copy_out(p, a[4], record, sizeof record);
}

int64_t
os_sys_faccessat2(struct os_process *p, const uint64_t *a)
{
    const char *path;
    int dir;
    int64_t ret = os_path_find(p, a[0], a[1], 0, &dir, &path);

    if (ret < 0 && is_proc(p))
        return os_proc_access(p->os, &p->os->proc, (uint32_t)a[2]);
    if (ret == 0 && os_memfile_find(p->os, path) != NULL)
        return 0;
    return ret < 0 ? ret : host_io_access(dir, path, (int)a[2], (int)a[3]);
}

int64_t
os_sys_faccessat(struct os_process *p, const uint64_t *a)
{
    const uint64_t args[4] = {a[0], a[1], a[2], 0};

    return os_sys_faccessat2(p, args);
}

int64_t
os_sys_getdents64(struct os_process *p, const uint64_t *a)
{
    const struct os_file *file = os_fd_file(p, a[0]);
    size_t len = a[2] < OS_BOUNCE ? (size_t)a[2] : OS_BOUNCE;

    if (file == NULL)
        return -OS_EBADF;
    if (file->kind != OS_FILE_HOST)
        return -OS_ENOTDIR;
    if (os_copy_probe(p, a[1], len) != 0)
        return -OS_EFAULT;
    int64_t ret = host_io_getdents(file->host_fd, p->os->bounce, len);
    if (ret > 0 && os_copy_out(p, a[1], p->os->bounce, (size_t)ret) != 0)
        return -OS_EFAULT;
    return ret;
}

int64_t
os_sys_readlinkat(struct os_process *p, const uint64_t *a)
{
    char *target = p->os->path[1];
    const char *path;
    int dir;
    int64_t ret = os_path_find(p, a[0], a[1], 0, &dir, &path);

    if ((int64_t)a[3] <= 0)
        return -OS_EINVAL;
    if (ret != 0)
        return is_proc(p) ? -OS_EINVAL : ret;
    size_t len = a[3] < OS_PATH_MAX ? (size_t)a[3] : OS_PATH_MAX;
    if (p->os->proc.kind == OS_PROC_EXE) {
        size_t full = strlen(path);
        return os_copy_out(p, a[2], path, full < len ? full : len) == 0
                   ? (int64_t)(full < len ? full : len)
                   : -OS_EFAULT;
    }
    ret = host_io_readlink(dir, path, target, len);
    if (ret > 0 && os_copy_out(p, a[2], target, (size_t)ret) != 0)
        return -OS_EFAULT;
    return ret;
}

int64_t
os_sys_unlinkat(struct os_process *p, const uint64_t *a)
{
    struct host_io_stat st;
    const char *path;
    int dir;
    int64_t ret = os_path_get(p, a[0], a[1], 0, &dir, &path);

    if (ret < 0)
        return ret;
    if (os_memfile_unlink(p->os, path))
        return 0;
    bool known = host_io_stat(dir, path, OS_AT_SYMLINK_NOFOLLOW, &st) == 0;
    ret = host_io_unlink(dir, path, (int)a[2]);
    if (ret == 0 && known)
        p->os->config.file_unnamed(p->os->config.ctx, st.dev, st.ino);
    return ret;
}

int64_t
os_sys_mkdirat(struct os_process *p, const uint64_t *a)
{
    const char *path;
    int dir;
    int64_t ret = os_path_get(p, a[0], a[1], 0, &dir, &path);

    return ret < 0 ? ret : host_io_mkdir(dir, path, (uint32_t)a[2]);
}

int64_t
os_sys_mknodat(struct os_process *p, const uint64_t *a)
{
    const char *path;
    int dir;
    int64_t ret = os_path_get(p, a[0], a[1], 0, &dir, &path);

    return ret < 0 ? ret : host_io_mknod(dir, path, (uint32_t)a[2], a[3]);
}

int64_t
os_sys_symlinkat(struct os_process *p, const uint64_t *a)
{
    const char *path;
    int dir;
    int64_t ret = os_copy_path(p, a[0], p->os->path[1]);

    if (ret == 0)
        ret = os_path_get(p, a[1], a[2], 0, &dir, &path);
    return ret < 0 ? ret : host_io_symlink(p->os->path[1], dir, path);
}

/* Two paths, each with its directory. */
struct two_paths {
    int dir[2];
    const char *path[2];
};

static int64_t
get_two(struct os_process *p, const uint64_t *a, struct two_paths *two)
{
    int64_t ret = os_path_get(p, a[0], a[1], 0, &two->dir[0], &two->path[0]);

    return ret < 0 ? ret : os_path_get(p, a[2], a[3], 1, &two->dir[1], &two->path[1]);
}

int64_t
os_sys_linkat(struct os_process *p, const uint64_t *a)
{
    struct two_paths two;
    int64_t ret = get_two(p, a, &two);

    /* A descriptor of the machine's own must not get a name. */
    if (ret == 0 && (a[4] & OS_AT_SYMLINK_FOLLOW) != 0) {
        ret = host_io_open_plain(two.dir[0], two.path[0], (int)OS_O_PATH, 0);
        if (ret >= 0)
            host_io_close((int)ret);
    }
    return ret < 0 ? ret
                   : host_io_link(two.dir[0], two.path[0], two.dir[1], two.path[1], (int)a[4]);
}

int64_t
os_sys_renameat2(struct os_process *p, const uint64_t *a)
{
    struct two_paths two;
    struct host_io_stat st;
    int64_t ret = get_two(p, a, &two);

    if (ret < 0)
        return ret;
    bool known = host_io_stat(two.dir[1], two.path[1], OS_AT_SYMLINK_NOFOLLOW, &st) == 0;
    ret = host_io_rename(two.dir[0], two.path[0], two.dir[1], two.path[1], (uint32_t)a[4]);
    if (ret == 0 && known) /* what the new name led to before has lost it */
        p->os->config.file_unnamed(p->os->config.ctx, st.dev, st.ino);
    return ret;
}

int64_t
os_sys_renameat(struct os_process *p, const uint64_t *a)
{
    const uint64_t args[5] = {a[0], a[1], a[2], a[3], 0};

    return os_sys_renameat2(p, args);
}

int64_t
os_sys_truncate(struct os_process *p, const uint64_t *a)
{
    const char *path;
    int dir;
    int64_t ret = os_path_get(p, (uint64_t)OS_AT_FDCWD, a[0], 0, &dir, &path);

    if (ret == 0)
        ret = os_textbusy_check(p->os, dir, path, 0);
    if (ret == 0)
        ret = host_io_truncate(dir, path, (int64_t)a[1]);
    if (ret == 0)
        os_regular_resized_at(p->os, dir, path);
    return ret;
}

/* The host's descriptor of an open file, or -EBADF, or error for a pipe. */
static int64_t
host_fd(struct os_process *p, uint64_t fd, int64_t error)
{
    const struct os_file *file = os_fd_file(p, fd);

    if (file == NULL)
        return -OS_EBADF;
    return file->kind == OS_FILE_HOST ? file->host_fd : error;
}

int64_t
os_sys_ftruncate(struct os_process *p, const uint64_t *a)
{
    struct os_file *file = os_fd_file(p, a[0]);
    int64_t fd = host_fd(p, a[0], -OS_EINVAL);

    if (file != NULL && file->kind == OS_FILE_MEMORY)
        return os_memfile_truncate(p, file, a[1]);
    if (fd < 0)
        return fd;
    int64_t ret = host_io_ftruncate((int)fd, (int64_t)a[1]);
    if (ret == 0)
        os_regular_resized(p->os, (int)fd);
    return ret;
}

int64_t
os_sys_fallocate(struct os_process *p, const uint64_t *a)
{
    struct os_file *file = os_fd_file(p, a[0]);
    int64_t fd = host_fd(p, a[0], -OS_ESPIPE);

    if (file != NULL && file->kind == OS_FILE_MEMORY)
        return os_memfile_allocate(p, file, (uint32_t)a[1], a[2], a[3]);
    if (fd < 0)
        return fd;
    /* It may move the file's content about: mappings find out from the file. */
    int64_t ret = a[1] != 0 ? os_regular_sync(p->os, (int)fd) : 0;
    if (ret == 0)
        ret = host_io_fallocate((int)fd, (int)a[1], (int64_t)a[2], (int64_t)a[3]);
    if (ret == 0 && a[1] != 0)
        p->os->config.file_reread(p->os->config.ctx, (int)fd);
    else if (ret == 0)
        os_regular_resized(p->os, (int)fd);
    return ret;
}

/* What mappings have newer, and then the host's part. */
static int64_t
sync_file(struct os_process *p, uint64_t fd, bool data_only)
{
    const struct os_file *file = os_fd_file(p, fd);

    if (file == NULL)
        return -OS_EBADF;
    if (file->kind != OS_FILE_HOST)
        return file->kind == OS_FILE_MEMORY ? 0 : -OS_EINVAL;
    int64_t ret = os_regular_sync(p->os, file->host_fd);
    return ret == 0 ? host_io_fsync(file->host_fd, data_only) : ret;
}

int64_t
os_sys_fsync(struct os_process *p, const uint64_t *a)
{
    return sync_file(p, a[0], false);
}

int64_t
os_sys_fdatasync(struct os_process *p, const uint64_t *a)
{
    return sync_file(p, a[0], true);
}

int64_t
os_sys_fadvise64(struct os_process *p, const uint64_t *a)
{
    int64_t fd = host_fd(p, a[0], -OS_ESPIPE);

    return fd < 0 ? fd : host_io_fadvise((int)fd, (int64_t)a[1], (int64_t)a[2], (int)a[3]);
}

int64_t
os_sys_getcwd(struct os_process *p, const uint64_t *a)
{
    char *path = p->os->path[0];
    int64_t len = host_io_fd_path(p->cwd->host_fd, path, OS_PATH_MAX - 1);

    if (len < 0)
        return len;
    path[len++] = '\0';
    if (a[1] < (uint64_t)len)
        return -OS_ERANGE;
    int64_t ret = os_copy_out(p, a[0], path, (size_t)len);
    return ret < 0 ? ret : len;
}

/* Makes an open directory the current one. */
static int64_t
set_cwd(struct os_process *p, int64_t fd)
{
    struct os_file *file;

    if (fd < 0)
        return fd;
    if (os_file_adopt(p->os, (int)fd, OS_O_PATH, &file) != PGW_OK)
        return -OS_ENOMEM;
    os_file_put(p->os, p->cwd);
    p->cwd = file;
    return 0;
}

int64_t
os_sys_chdir(struct os_process *p, const uint64_t *a)
{
    const char *path;
    int dir;
    int64_t ret = os_path_find(p, (uint64_t)OS_AT_FDCWD, a[0], 0, &dir, &path);

    if (ret == 0)
        ret = host_io_access(dir, path, 1, OS_AT_EACCESS);
    if (ret < 0)
        return ret;
    return set_cwd(p, host_io_open(dir, path, (int)(OS_O_PATH | OS_O_DIRECTORY), 0));
}

int64_t
os_sys_fchdir(struct os_process *p, const uint64_t *a)
{
    int64_t fd = host_fd(p, a[0], -OS_ENOTDIR);

    if (fd < 0)
        return fd;
    return set_cwd(p, host_io_open((int)fd, ".", (int)(OS_O_PATH | OS_O_DIRECTORY), 0));
}

int64_t
os_sys_umask(struct os_process *p, const uint64_t *a)
{
    uint32_t old = p->umask;

    p->umask = (uint32_t)a[0] & 0777;
    return old;
}

int64_t
os_sys_fchmod(struct os_process *p, const uint64_t *a)
{
    const struct os_file *file = os_fd_file(p, a[0]);
    int64_t fd = host_fd(p, a[0], -OS_EINVAL);

    if (file != NULL && file->kind == OS_FILE_MEMORY) {
        file->memory->mode = (uint32_t)a[1] & 07777;
        return 0;
    }
    return fd < 0 ? fd : host_io_fchmod((int)fd, (uint32_t)a[1]);
}

int64_t
os_sys_fchmodat(struct os_process *p, const uint64_t *a)
{
    const char *path;
    int dir;
    int64_t ret = os_path_get(p, a[0], a[1], 0, &dir, &path);

    return ret < 0 ? ret : host_io_chmod(dir, path, (uint32_t)a[2]);
}

int64_t
os_sys_fchown(struct os_process *p, const uint64_t *a)
{
    int64_t fd = host_fd(p, a[0], -OS_EINVAL);

    return fd < 0 ? fd
                  : host_io_chown((int)fd, "", (uint32_t)a[1], (uint32_t)a[2], OS_AT_EMPTY_PATH);
}

int64_t
os_sys_fchownat(struct os_process *p, const uint64_t *a)
{
    const char *path;
    int dir;
    int64_t ret = os_path_get(p, a[0], a[1], 0, &dir, &path);

    return ret < 0 ? ret : host_io_chown(dir, path, (uint32_t)a[2], (uint32_t)a[3], (int)a[4]);
}

int64_t
os_sys_utimensat(struct os_process *p, const uint64_t *a)
{
    struct host_io_time times[2];
    const char *path = NULL;
    int dir = -1;
    int64_t ret;

    if (a[1] != 0)
        ret = os_path_get(p, a[0], a[1], 0, &dir, &path);
    else
        ret = dir_of(p, a[0], &dir);
    if (ret == 0 && a[2] != 0)
        ret = os_copy_in(p, a[2], times, sizeof times);
    return ret < 0 ? ret : host_io_utimens(dir, path, a[2] != 0 ? times : NULL, (int)a[3]);
}

int64_t
os_sys_statfs(struct os_process *p, const uint64_t *a)
{
    unsigned char record[STATFS_LEN];
    const char *path;
    int dir;
    int64_t ret = os_path_find(p, (uint64_t)OS_AT_FDCWD, a[0], 0, &dir, &path);
    int64_t fd = -1;

    if (ret == 0)
        ret = fd = host_io_open(dir, path, (int)OS_O_PATH, 0);
    if (ret >= 0)
        ret = host_io_statfs((int)fd, record);
    if (fd >= 0)
        host_io_close((int)fd);
    return ret < 0 ? ret : os_copy_out(p, a[1], record, sizeof record);
}

int64_t
os_sys_fstatfs(struct os_process *p, const uint64_t *a)
{
    unsigned char record[STATFS_LEN];
    int64_t ret = host_fd(p, a[0], -OS_ENOSYS);

    if (ret >= 0)
        ret = host_io_statfs((int)ret, record);
    return ret < 0 ? ret : os_copy_out(p, a[1], record, sizeof record);
}
