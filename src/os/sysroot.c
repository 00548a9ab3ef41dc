/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/sysroot.h"

#include <stdio.h>
#include <string.h>

#include "os/errno.h"
#include "os/machine.h"

#define F_OK 0

/* Kernel file systems are nobody's files. */
static bool
sysroot_has_no(const char *path)
{
    static const char *const trees[] = {"/proc", "/dev", "/sys"};

    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        size_t len = strlen(trees[i]);
        if (strncmp(path, trees[i], len) == 0 && (path[len] == '/' || path[len] == '\0'))
            return true;
    }
    return false;
}

const char *
os_sysroot_find(struct os *os, enum os_rooted buffer, const char *root, const char *path)
{
    char *out = os->rooted[buffer];

    if (root == NULL || path[0] != '/' || sysroot_has_no(path))
        return NULL;
    int len = snprintf(out, OS_PATH_MAX, "%s%s", root, path);
    if (len < 0 || (size_t)len >= OS_PATH_MAX)
        return NULL;
    return host_io_access(OS_AT_FDCWD, out, F_OK, 0) == 0 ? out : NULL;
}

const char *
os_sysroot_interpreter(struct os *os, const char *path, const char **root)
{
    *root = os->config.sysroot;
    const char *found = os_sysroot_find(os, OS_ROOTED_INTERP, *root, path);
    if (found != NULL)
        return found;
    if (path[0] == '/' && host_io_access(OS_AT_FDCWD, path, F_OK, 0) == 0)
        return path;
    if (*root != NULL)
        return NULL;
    *root = OS_SYSROOT_DEFAULT;
    return os_sysroot_find(os, OS_ROOTED_INTERP, *root, path);
}
