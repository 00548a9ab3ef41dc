/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files and pipes of the host, read or written from their beginning to their end.
 *
 * A file that is written is made beside its place, as "NAME.part", and put there when it is closed:
 * until then what was there stays, and who finds NAME finds all of it.  Pipes, devices and what has
 * a name below /dev or /proc are written as they are, and so is a file where none can be made
 * beside it.
 *
 * What is promised holds for other processes, and against an end of this one.  Nothing is synced to
 * the device: when the host itself goes down soon after, the file may be short or empty.  A trace
 * says itself whether it is whole.
 */
#ifndef HOST_STREAM_H
#define HOST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

struct host_stream {
    int fd;
    bool regular;      /* a file, which can be read at any offset */
    bool owned;        /* closed by close(); the standard streams are not */
    uint64_t size;     /* bytes of a file when it was opened; else 0 */
    char *path, *part; /* of a file that is made: its place, and where it is until then; or NULL */
};

/* "-" is the standard input.  PGW_NOTFOUND, PGW_ACCESS, PGW_INVAL (a folder),
 * PGW_IO. */
MUST_CHECK enum pgw_status host_stream_open(const char *path, struct host_stream *stream);
/* Makes the file anew; "-" is the standard output.  PGW_NOTFOUND (the folder), PGW_ACCESS,
 * PGW_NOSWAP (the disk is full), PGW_IO. */
MUST_CHECK enum pgw_status host_stream_create(const char *path, struct host_stream *stream);
/* A file that was written is now at its place.  PGW_IO, PGW_NOSWAP: of what was written, not all
 * arrived, or it cannot be put there, and its place is as it was; of one that was read, nothing. */
enum pgw_status host_stream_close(struct host_stream *stream);
/* What was written is not wanted: its place is as it was, where that can be. */
void host_stream_discard(struct host_stream *stream);

/* Up to len bytes; *got 0: the end. */
MUST_CHECK enum pgw_status host_stream_read(
    struct host_stream *stream, void *buf, size_t len, size_t *got);
/* All of buf, or PGW_NOSWAP: the disk is full, PGW_IO. */
MUST_CHECK enum pgw_status host_stream_write(
    struct host_stream *stream, const void *buf, size_t len);
/* What is read next begins at offset.  PGW_UNSUPPORTED: not a file. */
MUST_CHECK enum pgw_status host_stream_seek(struct host_stream *stream, uint64_t offset);

#endif
