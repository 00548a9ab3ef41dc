/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/trace_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/trace_unpack.h"

#define SOURCE_RAW ((size_t)256 << 10)
#define SOURCE_PEEK 512u /* bytes that compression is recognised by */
#define SOURCE_LINE_MAX ((size_t)64 << 10)

static enum pgw_status
source_fail(struct trace_source *source, enum pgw_status status, const char *what)
{
    if (source->status == PGW_OK) {
        source->status = status;
        snprintf(source->why, PGW_TRACE_WHY, "%.120s: %.120s", source->name, what);
    }
    return source->status;
}

/* ---- what is compressed ---- */

/* The next bytes of the file itself. */
static enum pgw_status
source_raw(void *ctx, const uint8_t **bytes, size_t *n)
{
    struct trace_source *source = ctx;
    enum pgw_status status = PGW_OK;

    *bytes = source->raw;
    *n = source->raw_first;
    source->raw_first = 0;
    if (*n > 0)
        return PGW_OK;
    status = host_stream_read(&source->stream, source->raw, SOURCE_RAW, n);
    if (status != PGW_OK)
        return source_fail(source, PGW_IO, "cannot be read"); /* which is not damage */
    source->raw_read += *n;
    return PGW_OK;
}

/* What was read so far, in buf, may be the first of something compressed. */
static enum pgw_status
source_uncompress(struct trace_source *source)
{
    enum pgw_status status =
        trace_unpack_create(source->buf, source->end, &source->compression, &source->unpack);

    if (status == PGW_OK && source->unpack == NULL)
        return PGW_OK;
    if (status == PGW_OK)
        source->raw = malloc(SOURCE_RAW);
    if (status != PGW_OK || source->raw == NULL)
        return source_fail(source, PGW_NOMEM, "out of memory");
    memcpy(source->raw, source->buf, source->end);
    source->raw_first = source->end;
    source->end = 0;
    source->eof = false;
    return PGW_OK;
}

/* ---- reading ---- */

/* Reads into the room behind end; false: there is no more.  What comes before damage stays. */
static bool
source_more(struct trace_source *source)
{
    size_t n = source->room - source->end;
    uint8_t *to = source->buf + source->end;
    enum pgw_status status = PGW_OK;

    if (source->eof)
        return false;
    if (source->unpack != NULL) {
        status = trace_unpack_read(source->unpack, source_raw, source, to, &n);
        if (status != PGW_OK)
            (void)source_fail(source, status,
                status == PGW_CORRUPT ? "the compressed file is damaged, or ends too early"
                                      : "out of memory");
    } else {
        status = host_stream_read(&source->stream, to, n, &n);
        if (status != PGW_OK)
            (void)source_fail(source, PGW_IO, "cannot be read");
        n = status == PGW_OK ? n : 0;
        source->raw_read += n;
    }
    source->end += n;
    source->eof = n == 0 || status != PGW_OK;
    return n > 0;
}

static bool
source_grow(struct trace_source *source)
{
    size_t room = source->room * 2;
    uint8_t *buf = realloc(source->buf, room);

    if (buf == NULL) {
        (void)source_fail(source, PGW_NOMEM, "out of memory");
        source->eof = true;
        return false;
    }
    source->buf = buf;
    source->room = room;
    return true;
}

/* The room grows with what is really there: no length in a file is believed. */
size_t
trace_source_look(struct trace_source *source, size_t least, const uint8_t **bytes)
{
    while (source->end - source->start < least && !source->eof) {
        if (source->start > 0) {
            memmove(source->buf, source->buf + source->start, source->end - source->start);
            source->end -= source->start;
            source->start = 0;
        }
        if ((source->end == source->room && !source_grow(source)) || !source_more(source))
            break;
    }
    *bytes = source->buf + source->start;
    return source->end - source->start;
}

void
trace_source_take(struct trace_source *source, size_t n)
{
    source->start += n;
    source->offset += n;
}

bool
trace_source_can_seek(const struct trace_source *source)
{
    return source->unpack == NULL && source->stream.regular;
}

enum pgw_status
trace_source_seek(struct trace_source *source, uint64_t offset)
{
    enum pgw_status status;

    if (!trace_source_can_seek(source))
        return PGW_UNSUPPORTED;
    status = host_stream_seek(&source->stream, offset);
    if (status != PGW_OK)
        return status;
    source->start = source->end = 0;
    source->offset = source->raw_read = offset;
    source->eof = false;
    return PGW_OK;
}

/* How many bytes of the line are there, its end not counted; SIZE_MAX: none. */
static size_t
source_line_len(struct trace_source *source, uint8_t **line)
{
    size_t seen = 0, n = source->end - source->start;

    *line = source->buf + source->start;
    for (;;) {
        uint8_t *end = memchr(*line + seen, '\n', n - seen);
        if (end != NULL)
            return (size_t)(end - *line);
        if (n > SOURCE_LINE_MAX) {
            char what[64];
            snprintf(what, sizeof what, "the line at byte %llu is too long",
                (unsigned long long)source->offset);
            (void)source_fail(source, PGW_INVAL, what);
            return SIZE_MAX;
        }
        seen = n;
        const uint8_t *bytes;
        size_t more = trace_source_look(source, n + 1, &bytes);
        *line = source->buf + source->start; /* it may have moved */
        if (more == n)                       /* the last one, without an end; or a piece of one */
            return n > 0 && source->status == PGW_OK ? n : SIZE_MAX;
        n = more;
    }
}

char *
trace_source_line(struct trace_source *source, size_t *len)
{
    uint8_t *line;
    size_t n = source_line_len(source, &line);
    bool ended;

    if (n == SIZE_MAX)
        return NULL;
    ended = n < source->end - source->start;
    if (!ended && source->end == source->room) {
        if (!source_grow(source))
            return NULL;
        line = source->buf + source->start;
    }
    line[n] = '\0';
    *len = n > 0 && line[n - 1] == '\r' ? n - 1 : n;
    line[*len] = '\0';
    trace_source_take(source, n + ended);
    return (char *)line;
}

/* ---- opening ---- */

static enum pgw_status
source_open_stream(struct trace_source *source, const char *path)
{
    enum pgw_status status = host_stream_open(path, &source->stream);

    switch (status) {
    case PGW_OK:
        return PGW_OK;
    case PGW_NOTFOUND:
        return source_fail(source, status, "there is no such file");
    case PGW_ACCESS:
        return source_fail(source, status,
            "may not be read: its permissions, or those of a folder above it, do not allow it");
    case PGW_INVAL:
        return source_fail(source, status, "is a folder: name the file in it that is the trace");
    default:
        return source_fail(
            source, status, "cannot be opened for reading: it is no file, or its device fails");
    }
}

enum pgw_status
trace_source_open(struct trace_source *source, const char *path, char *why)
{
    const uint8_t *first;
    enum pgw_status status;

    *source = (struct trace_source){.name = strcmp(path, "-") == 0 ? "standard input" : path,
        .compression = "none",
        .why = why};
    status = source_open_stream(source, path);
    if (status != PGW_OK)
        return status;
    source->room = SOURCE_RAW;
    source->buf = malloc(source->room);
    if (source->buf == NULL) {
        status = source_fail(source, PGW_NOMEM, "out of memory");
    } else {
        (void)trace_source_look(source, SOURCE_PEEK, &first);
        status = source->status == PGW_OK ? source_uncompress(source) : source->status;
    }
    if (status != PGW_OK)
        trace_source_close(source);
    return status;
}

void
trace_source_close(struct trace_source *source)
{
    trace_unpack_destroy(source->unpack);
    free(source->raw);
    free(source->buf);
    (void)host_stream_close(&source->stream);
    source->unpack = NULL;
    source->raw = source->buf = NULL;
}
