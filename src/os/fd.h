/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files and descriptor tables.  An os_file is what POSIX calls an open file description: it
 * is shared by the descriptors that dup and fork make of it, and counts them.
 */
#ifndef OS_FD_H
#define OS_FD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"

struct os;
struct os_memfile;
struct os_pipe;
struct os_process;
struct os_proc_file;
struct os_reclock;

enum os_file_kind { OS_FILE_HOST, OS_FILE_PIPE_READ, OS_FILE_PIPE_WRITE, OS_FILE_MEMORY };

struct os_file {
    unsigned refs;
    enum os_file_kind kind;
    uint32_t flags;                  /* O_ACCMODE, O_NONBLOCK, O_APPEND and the like */
    int host_fd;                     /* HOST: owned; -1 otherwise */
    bool stream;                     /* HOST: may wait for ever (terminal, pipe) */
    const struct os_proc_file *proc; /* HOST: a file of the machine's own /proc; NULL: none ... */
    int proc_pid;                    /* ... of the process with that number; 0: of the machine */
    bool regular; /* HOST: a regular file, whose pages mappings may show (os/regular.h) */
    bool own_pos; /* regular: it was opened here, so that its offset is ours: pos */
    uint64_t pos; /* the offset of the next read or write */
    struct os_memfile *memory; /* MEMORY: a reference to it is this file's */
    struct os_pipe *pipe;      /* PIPE_*: one of its readers or writers is this file */
};

#define OS_FILES_MAX 1024u

struct os_fd {
    struct os_file *file; /* NULL: not open */
    bool cloexec;
};

struct os_files {
    struct os_fd fd[OS_FILES_MAX];
    uint32_t limit;              /* RLIMIT_NOFILE */
    struct os_reclock *reclocks; /* record locks, by file (os/reclock.h) */
};

/* A file of one reference around a host descriptor, which it owns from now on, also on failure.
 * PGW_NOMEM. */
MUST_CHECK enum pgw_status os_file_adopt(
    struct os *os, int host_fd, uint32_t flags, struct os_file **file);
void os_file_get(struct os_file *file);
/* Drops a reference; with the last one the file is closed. */
void os_file_put(struct os *os, struct os_file *file);

/* The file of descriptor fd, NULL if it is not open.  No reference is taken. */
struct os_file *os_fd_file(struct os_process *p, uint64_t fd);

/* Puts file (taking over the caller's reference) into the lowest free descriptor from min on;
 * returns it, or -EMFILE with the reference still the caller's. */
int64_t os_fd_install(struct os_process *p, struct os_file *file, uint64_t min, bool cloexec);
int64_t os_fd_close(struct os_process *p, uint64_t fd);

/* PGW_NOMEM. */
MUST_CHECK enum pgw_status os_files_create(struct os *os, struct os_files **files);
MUST_CHECK enum pgw_status os_files_copy(
    struct os *os, const struct os_files *from, struct os_files **files);
void os_files_close_on_exec(struct os *os, struct os_files *files);
/* Closes all of them; files may be NULL. */
void os_files_destroy(struct os *os, struct os_files *files);

#endif
