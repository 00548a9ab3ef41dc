/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that make, change and end processes. */
#include <string.h>

#include "os/exec.h"
#include "os/machine.h"
#include "os/paths.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define ARG_POINTERS_MAX 65536u
#define ARG_LEN_MAX ((size_t)131072)

/* Reads a NULL-terminated vector of strings; *n: how many. */
static int64_t
read_strings(struct os_process *p, uint64_t va, struct os_args *args, unsigned *n)
{
    for (*n = 0; va != 0; ++*n) {
        uint64_t string;
        size_t len = 0;
        int64_t ret = os_copy_in(p, va + *n * sizeof string, &string, sizeof string);

        if (ret != 0)
            return ret;
        if (string == 0)
            break;
        if (*n == ARG_POINTERS_MAX)
            return -OS_E2BIG;
        ret = os_copy_string(p, string, args->bytes + args->len, OS_ARGS_MAX - args->len, &len);
        if (ret != 0)
            return ret == -OS_ENAMETOOLONG ? -OS_E2BIG : ret;
        args->len += len + 1;
    }
    return 0;
}

/* What execve returns when the program could not be loaded. */
static int64_t
exec_error(struct os_process *p, enum pgw_status status, const char *path, const char *why)
{
    struct os *os = p->os;

    if (status == PGW_NOEXEC)
        os_say(os, "%s (pid %d): cannot run %s: %s", p->name, p->pid, path, why);
    return status == PGW_RANGE ? -OS_E2BIG : os_error(status);
}

int64_t
os_sys_execve(struct os_process *p, const uint64_t *a)
{
    struct os *os = p->os;
    struct os_args args = {.bytes = NULL};
    struct os_image image;
    const char *why = "";
    const char *path;
    int dir;
    int64_t ret = os_path_find(p, (uint64_t)OS_AT_FDCWD, a[0], 0, &dir, &path);

    if (ret != 0)
        return ret;
    if (path[0] == '\0')
        return -OS_ENOENT;
    if (os_args_init(os, &args) != PGW_OK)
        return -OS_ENOMEM;
    ret = read_strings(p, a[1], &args, &args.argc);
    if (ret == 0)
        ret = read_strings(p, a[2], &args, &args.envc);
    if (ret == 0) {
        enum pgw_status status = os_image_load(os, dir, path, &args, &image, &why);
        if (status == PGW_OK)
            os_image_enter(p, &image, path);
        else
            ret = exec_error(p, status, path, why);
    }
    os_args_fini(os, &args);
    return ret == 0 ? OS_NORETURN : ret;
}
