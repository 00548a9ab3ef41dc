/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Record locks as POSIX has them: fcntl(2), F_SETLK and its kin.
 *
 * Their owner is a process: it does not exclude itself, its children inherit none, and they
 * all go when it closes any descriptor of the file.  The host sees one process where we have
 * many, so its POSIX locks would exclude none of ours from another.  Its locks of open file
 * descriptions do: each descriptor table holds, for each file that it has locked, a
 * descriptor of its own on the host, whose locks are the process's, and closing that one is the
 * end of them, as it should be.
 *
 * Unlike the kernel, nobody looks for processes that wait for each other: no EDEADLK.
 */
#ifndef OS_RECLOCK_H
#define OS_RECLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct os;
struct os_file;
struct os_files;
struct os_process;

/* The descriptor of one file that carries a table's locks. */
struct os_reclock {
    struct os_reclock *next; /* os_files.reclocks */
    uint64_t dev, ino;
    int fd; /* owned */
};

#define OS_RECLOCK_LEN 32 /* of a struct flock, with offsets of 64 bits */

/* F_GETLK (get) or F_SETLK on a regular file of the host, which never waits: -EAGAIN if somebody
 * else has it.  lock: a struct flock, which get changes. */
int64_t os_reclock_call(
    struct os_process *p, const struct os_file *file, bool get, unsigned char *lock);

/* files has just closed a descriptor of file: its locks go. */
void os_reclock_closed(struct os *os, struct os_files *files, const struct os_file *file);

/* All locks of files go. */
void os_reclock_clear(struct os *os, struct os_files *files);

#endif
