/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are memory: memfd_create's, and those that are opened by a name below /dev/shm.
 * They are the machine's own: the host does not see them, their pages are the core's and go to
 * swap as any other, and they end with the machine.
 *
 * A name in /dev/shm that no program here has made leads to the host's file of that name.
 */
#ifndef OS_MEMFILE_H
#define OS_MEMFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/result.h"
#include "host/guest_io.h"
#include "os/fd.h"
#include "vm/space.h"

struct os_process;

#define OS_MEMFILE_NAME 256u

struct os_memfile {
    LIST_ENTRY(os_memfile) link; /* os.memfiles, while it has a name */
    struct space_object *object;
    unsigned refs; /* open files, and one for the name */
    bool named;
    uint32_t seals;
    uint32_t mode;
    uint64_t ino;
    bool anonymous; /* memfd_create's: the name is for show */
    char name[OS_MEMFILE_NAME];
};

LIST_HEAD(os_memfile_list, os_memfile);

/* A new, empty file; the reference is the caller's.  PGW_UNSUPPORTED: this machine has none such.
 */
MUST_CHECK enum pgw_status os_memfile_create(
    struct os *os, uint32_t mode, uint32_t seals, struct os_memfile **mem);
void os_memfile_put(struct os *os, struct os_memfile *mem);
/* All names go. */
void os_memfile_forget_names(struct os *os);

/* The file that a path leads to; NULL: not one of these. */
struct os_memfile *os_memfile_find(struct os *os, const char *path);
/* Opens path for p, if it leads to such a file, or would make one: a descriptor or an error; true:
 * *ret is that. */
bool os_memfile_open(
    struct os_process *p, const char *path, uint32_t flags, uint32_t mode, int64_t *ret);
/* True: path led to such a file, which has lost its name. */
bool os_memfile_unlink(struct os *os, const char *path);

int64_t os_memfile_read(
    struct os_process *p, struct os_file *file, uint64_t va, uint64_t len, uint64_t offset);
int64_t os_memfile_write(
    struct os_process *p, struct os_file *file, uint64_t va, uint64_t len, uint64_t offset);
int64_t os_memfile_seek(struct os_file *file, int64_t offset, int whence);
int64_t os_memfile_truncate(struct os_process *p, struct os_file *file, uint64_t len);
int64_t os_memfile_allocate(
    struct os_process *p, struct os_file *file, uint32_t mode, uint64_t offset, uint64_t len);
/* Its object is about to be mapped: /proc is to show the name. */
void os_memfile_note_name(struct os *os, const struct os_memfile *mem);
void os_memfile_stat(const struct os *os, const struct os_memfile *mem, struct host_io_stat *st);
/* F_ADD_SEALS, for any open file. */
int64_t os_memfile_seal(struct os *os, struct os_file *file, uint32_t seals);
/* What its seals leave of the flags with which space_map would map it; an error: nothing. */
int64_t os_memfile_map_flags(const struct os_memfile *mem, int64_t flags, bool write);

#endif
