/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of the host, by whole extents: swap devices and mapped files. */
#ifndef HOST_FILE_H
#define HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/inject.h"
#include "base/result.h"

struct host_file {
    int fd;                     /* -1: closed */
    struct base_inject *inject; /* may be NULL; asked at INJECT_READ and INJECT_WRITE */
};

/* Opens path for reading and writing, making it if absent.  PGW_IO, PGW_ACCESS, PGW_NOTFOUND. */
MUST_CHECK enum pgw_status host_file_create(
    const char *path, struct base_inject *inject, struct host_file *file);
/* A nameless temporary file in $TMPDIR (or /var/tmp, /tmp), gone when closed. */
MUST_CHECK enum pgw_status host_file_temp(struct base_inject *inject, struct host_file *file);
/* Takes a duplicate of fd, so that the caller may close its own. */
MUST_CHECK enum pgw_status host_file_adopt(
    int fd, struct base_inject *inject, struct host_file *file);
/* The same file as fd's, for reading or for writing too, by an open file of its own, so that flags
 * (O_APPEND) and locks of fd's are not ours; where the host has no /proc, a duplicate of fd.
 * PGW_IO; PGW_ACCESS: to be written, but fd may not write. */
MUST_CHECK enum pgw_status host_file_reopen(
    int fd, bool write, struct base_inject *inject, struct host_file *file);
void host_file_close(struct host_file *file);

/* What a path or a descriptor leads to. */
enum host_file_kind { HOST_FILE_NONE, HOST_FILE_REGULAR, HOST_FILE_BLOCK, HOST_FILE_OTHER };
enum host_file_kind host_file_kind_at(const char *path);
enum host_file_kind host_file_kind(int fd);
/* Bytes of the regular file at path; 0: there is none. */
uint64_t host_file_len_at(const char *path);

/* Two descriptors with the same identity are the same file, unchanged in between. */
struct host_file_identity {
    uint64_t dev, ino, len; /* len in bytes */
    uint64_t changed_s, changed_ns;
    uint64_t blocks; /* of the disk; 0: none, or the file is not on one */
};
/* PGW_IO; PGW_UNSUPPORTED: not a regular file. */
MUST_CHECK enum pgw_status host_file_identify(int fd, struct host_file_identity *identity);

/* Claims the file for as long as it is open, by an advisory lock.  PGW_EXIST: somebody has it. */
MUST_CHECK enum pgw_status host_file_claim(struct host_file *file);

/* Reads len bytes at offset; what lies past the end of the file reads as zero.  PGW_IO. */
MUST_CHECK enum pgw_status host_file_read(
    struct host_file *file, void *buf, size_t len, uint64_t offset);
/* Writes all len bytes at offset, or fails: PGW_NOSWAP when the disk is full, else PGW_IO. */
MUST_CHECK enum pgw_status host_file_write(
    struct host_file *file, const void *buf, size_t len, uint64_t offset);
/* Vectored forms: n buffers of PAGE_SIZE each, contiguous in the file; n at most 16. */
MUST_CHECK enum pgw_status host_file_read_pages(
    struct host_file *file, void *const *bufs, unsigned n, uint64_t offset);
MUST_CHECK enum pgw_status host_file_write_pages(
    struct host_file *file, void *const *bufs, unsigned n, uint64_t offset);
MUST_CHECK enum pgw_status host_file_size(struct host_file *file, uint64_t *bytes);
MUST_CHECK enum pgw_status host_file_resize(struct host_file *file, uint64_t bytes);
/* The host need not read ahead in it: whoever reads knows better what comes next. */
void host_file_read_exactly(struct host_file *file);
/* Lets the host take back the room of a range; best effort. */
void host_file_punch(struct host_file *file, uint64_t offset, uint64_t len);

#endif
