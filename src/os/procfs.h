/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's own /proc: what Linux shows of processes and of memory there, as text in the
 * formats of proc(5), because programs parse it.
 *
 * Theory: the text of a file is made when it is opened, and anew whenever it is read from its
 * start, into a nameless file of the host.  That is what the open file holds, so reading, seeking,
 * polling and sending it are as for any file; only what it is and what is written to it are
 * decided here.  Rejected: a kind of open file with a buffer, which every call on files would have
 * to know.
 *
 * Of what the host has under /proc a program sees what does not depend on processes, such as
 * /proc/cpuinfo.  /proc/self, and every process number, are the machine's: what is not in the
 * tables below is not there.  Nor are files about the frames of the host's kernel.
 */
#ifndef OS_PROCFS_H
#define OS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/guest_io.h"
#include "os/process.h"

struct os_proc_file;

/* What a path leads to. */
enum os_proc_kind {
    OS_PROC_NOT,  /* nothing of ours: the host's */
    OS_PROC_NONE, /* there is no such thing */
    OS_PROC_EXE,  /* a link to the program of `whose` */
    OS_PROC_DIR,  /* the directory of `whose` */
    OS_PROC_FILE
};

struct os_proc {
    enum os_proc_kind kind;
    const struct os_proc_file *file; /* FILE */
    struct os_process *whose;        /* NULL: the machine's */
};

/* p looks up an absolute path. */
void os_proc_find(struct os_process *p, const char *path, struct os_proc *found);

/* Opens a FILE: an open file of one reference, or an error. */
int64_t os_proc_open(
    struct os_process *p, const struct os_proc *found, uint32_t flags, struct os_file **file);
/* What stat(2) says of a FILE or DIR, and whether access(2) allows mode. */
void os_proc_stat(const struct os *os, const struct os_proc *found, struct host_io_stat *st);
int64_t os_proc_access(const struct os *os, const struct os_proc *found, uint32_t mode);

/* The same for an open file that has a proc. */
void os_proc_fstat(const struct os *os, const struct os_file *file, struct host_io_stat *st);
#define OS_PROC_HERE UINT64_MAX
/* It is about to be read at offset (HERE: at its position): from its start, its text is as of now.
 * 0 or an error. */
int64_t os_proc_refresh(struct os *os, const struct os_file *file, uint64_t offset);
/* Writes up to len bytes, which mean one value.  Their number or an error. */
int64_t os_proc_write(
    struct os_process *p, const struct os_file *file, const char *bytes, size_t len);

#endif
