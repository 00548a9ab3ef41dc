/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of a trace, whatever they come from: a file or a pipe, plain or compressed by gzip,
 * zstd or xz, or zlib as DAMO does.  A reader looks at what comes next, and takes of it what it has
 * used.
 */
#ifndef TRACE_TRACE_SOURCE_H
#define TRACE_TRACE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagewright/trace.h>

#include "base/result.h"
#include "host/host_stream.h"

struct trace_unpack;

struct trace_source {
    struct host_stream stream;
    const char *name;            /* for messages: the path, or "standard input" */
    const char *compression;     /* "none", ... */
    struct trace_unpack *unpack; /* NULL: plain */
    uint8_t *raw;                /* what it reads through */
    size_t raw_first;            /* bytes of raw that were read before it was there */
    uint64_t raw_read;           /* bytes of the file read */
    uint8_t *buf;
    size_t room, start, end;
    uint64_t offset; /* of buf[start] in the trace */
    bool eof;
    enum pgw_status status; /* of reading; not PGW_OK: failed, and why says so */
    char *why;              /* of the trace: PGW_TRACE_WHY bytes */
};

/* why is kept and used until the source is closed. */
MUST_CHECK enum pgw_status trace_source_open(
    struct trace_source *source, const char *path, char *why);
void trace_source_close(struct trace_source *source);

/*
 * Shows what comes next: at least `least` bytes, unless the trace ends before that, at *bytes,
 * valid until the next call.  Returns how many there are.  A trace that cannot be read further
 * ends there, and source->status says why.
 */
size_t trace_source_look(struct trace_source *source, size_t least, const uint8_t **bytes);
/* n bytes, that were looked at, are used. */
void trace_source_take(struct trace_source *source, size_t n);

/* Could this be gone to, and back from?  A file that is not compressed. */
bool trace_source_can_seek(const struct trace_source *source);
MUST_CHECK enum pgw_status trace_source_seek(struct trace_source *source, uint64_t offset);

/*
 * The next line without its end, which is terminated by a zero instead; NULL: no more.  A line of
 * more than 64 KiB is an error, and the source ends before it.
 */
char *trace_source_line(struct trace_source *source, size_t *len);

#endif
