/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sysroot: a directory with another machine's files in the places that programs look for them
 * in.  A dynamically linked program finds its linker and its libraries there, as under
 * qemu-riscv64 -L.
 *
 * What a program asks for by an absolute path, to read it, is looked up below the sysroot first,
 * and then on the host; what it makes or changes is the host's.  A program that is statically
 * linked has a sysroot only if one was asked for.
 */
#ifndef OS_SYSROOT_H
#define OS_SYSROOT_H

#include "os/process.h"

/* Where Debian's cross libraries are: for programs whose interpreter the host does not have, when
 * no sysroot was asked for. */
#define OS_SYSROOT_DEFAULT "/usr/riscv64-linux-gnu"

enum os_rooted { OS_ROOTED_PATH, OS_ROOTED_INTERP };

/* The same file below root: a path in the personality's buffer of that number, which the next call
 * reuses.  NULL: there is no such file, path is not absolute, root is NULL. */
const char *os_sysroot_find(
    struct os *os, enum os_rooted buffer, const char *root, const char *path);

/*
 * The interpreter that a program names: below the machine's sysroot, on the host, or below the
 * default one.  *root: the sysroot that the program gets with it (NULL: none).  NULL: nowhere.
 */
const char *os_sysroot_interpreter(struct os *os, const char *path, const char **root);

#endif
