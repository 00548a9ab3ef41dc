/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs: from a file and its arguments to an address space that is ready to run. */
#ifndef OS_EXEC_H
#define OS_EXEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "os/elf.h"
#include "os/process.h"

/* The strings of argv, then of envp, one after the other with their NULs. */
struct os_args {
    char *bytes; /* OS_ARGS_MAX of room; NULL: none yet */
    size_t len;
    unsigned argc, envc;
};
#define OS_ARGS_MAX ((size_t)2 << 20)

/* PGW_NOMEM. */
MUST_CHECK enum pgw_status os_args_init(struct os *os, struct os_args *args);
void os_args_fini(struct os *os, struct os_args *args);
/* Adds a string of len bytes without its NUL; PGW_RANGE: there is no more room. */
MUST_CHECK enum pgw_status os_args_add(struct os_args *args, const char *text, size_t len);

/* A program that is loaded and not yet anybody's. */
struct os_image {
    struct os_mm *mm;
    uint64_t entry; /* the interpreter's, if there is one */
    uint64_t base;  /* what was added to the interpreter's addresses; 0: there is none */
    uint64_t sp;
    uint64_t strings; /* where those of the arguments begin */
};

/* Opens what may be a program, a regular file that can be read and executed; *fd is the caller's to
 * close, *size in bytes.  PGW_NOTFOUND, PGW_ACCESS, PGW_IO; PGW_BUSY: a process has it open for
 * writing. */
MUST_CHECK enum pgw_status os_program_open(
    const struct os *os, int dir, const char *path, int *fd, uint64_t *size, const char **why);

/* As long as *path is a script: its interpreter takes its place, and args are what that one gets.
 * Fails as os_image_load() does; args may then have been changed. */
MUST_CHECK enum pgw_status os_script_resolve(
    struct os *os, int *dir, const char **path, struct os_args *args, const char **why);

/*
 * Loads the program at path (relative to the host descriptor dir), or the interpreter of the script
 * there, for which args are changed.  PGW_NOTFOUND, PGW_ACCESS,
 * PGW_NOEXEC, PGW_RANGE (arguments too long), PGW_NORAM, PGW_NOMEM, PGW_IO, PGW_BUSY; *why says
 * what is wrong in one line.
 */
MUST_CHECK enum pgw_status os_image_load(struct os *os, int dir, const char *path,
    struct os_args *args, struct os_image *image, const char **why);

/* Makes p run the image: registers, memory, signals, descriptors and name as execve(2) says. */
void os_image_enter(struct os_process *p, struct os_image *image, const char *path);

/* Applies the process's RLIMIT_STACK to the stack it has. */
void os_stack_limit(struct os_process *p);

/* Did the stack grow into the page that guards it (where the hardware does not)? */
bool os_stack_overran(const struct os_mm *mm);

/* Maps the stack of a new space, and what goes with it, large enough for what is written on it
 * next; fills in image->sp and strings. */
MUST_CHECK enum pgw_status os_stack_map(
    struct os *os, struct os_image *image, const struct os_args *args, const char *path);
/* Writes arguments, environment and auxiliary vector (System V psABI) on it; elf is the program's.
 */
MUST_CHECK enum pgw_status os_stack_write(struct os *os, const struct os_image *image,
    const struct os_elf *elf, const struct os_args *args, const char *path);

#endif
