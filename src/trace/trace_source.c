/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/trace_source.h"

#include <archive.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/trace_zlib.h"

#define SOURCE_RAW ((size_t)256 << 10)
/* At a time: a call of archive_read_data() that meets damage gives nothing of what it unpacked. */
#define SOURCE_UNPACKED ((size_t)16 << 10)
#define SOURCE_PEEK 512u /* bytes that compression is recognised by */
#define SOURCE_LINE_MAX ((size_t)64 << 10)

static const struct {
    const char *name;
    const char *magic;
    size_t len;
} source_magics[] = {
    {"gzip", "\x1f\x8b", 2},
    {"zstd", "\x28\xb5\x2f\xfd", 4},
    {"xz",
        "\xfd"
        "7zXZ\0",
        6},
};

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

static la_ssize_t
source_archive_read(struct archive *archive, void *ctx, const void **bytes)
{
    const uint8_t *raw;
    size_t n;

    (void)archive;
    if (source_raw(ctx, &raw, &n) != PGW_OK)
        return -1;
    *bytes = raw;
    return (la_ssize_t)n;
}

/* libarchive has failed: what is too large for memory is not damaged.  zstd's filter does not tell
 * one from the other. */
static enum pgw_status
source_archive_fail(struct trace_source *source, const char *damaged)
{
    bool memory = archive_errno(source->archive) == ENOMEM;

    return source_fail(
        source, memory ? PGW_NOMEM : PGW_CORRUPT, memory ? "out of memory" : damaged);
}

/* What was read so far, in buf, is the first of something compressed. */
static bool
source_compressed(struct trace_source *source)
{
    source->raw = malloc(SOURCE_RAW);
    if (source->raw == NULL)
        return false;
    memcpy(source->raw, source->buf, source->end);
    source->raw_first = source->end;
    source->end = 0;
    source->eof = false;
    return true;
}

static enum pgw_status
source_uncompress(struct trace_source *source)
{
    struct archive_entry *entry;

    source->archive = archive_read_new();
    if (source->archive == NULL || !source_compressed(source))
        return source_fail(source, PGW_NOMEM, "out of memory");
    if (archive_read_support_filter_gzip(source->archive) < ARCHIVE_WARN ||
        archive_read_support_filter_zstd(source->archive) < ARCHIVE_WARN ||
        archive_read_support_filter_xz(source->archive) < ARCHIVE_WARN ||
        archive_read_support_format_raw(source->archive) < ARCHIVE_WARN ||
        archive_read_open(source->archive, source, NULL, source_archive_read, NULL) <
            ARCHIVE_WARN ||
        archive_read_next_header(source->archive, &entry) < ARCHIVE_WARN)
        return source_archive_fail(source, "is compressed, but damaged, or ends too early");
    return PGW_OK;
}

static enum pgw_status
source_try_zlib(struct trace_source *source, const uint8_t *first, size_t n)
{
    bool begins = false;
    enum pgw_status status = trace_zlib_begins(first, n, &begins);

    if (status == PGW_OK && begins) {
        source->compression = "zlib";
        status = source_compressed(source) ? trace_zlib_create(&source->zlib) : PGW_NOMEM;
    }
    return status == PGW_OK ? PGW_OK : source_fail(source, status, "out of memory");
}

/* ---- reading ---- */

static const char source_damaged[] = "the compressed file is damaged, or ends too early";

/* Reads into the room behind end; false: there is no more. */
static bool
source_more(struct trace_source *source)
{
    size_t n = 0, room = source->room - source->end;
    uint8_t *to = source->buf + source->end;

    if (source->eof)
        return false;
    if (source->archive != NULL) {
        la_ssize_t got =
            archive_read_data(source->archive, to, room < SOURCE_UNPACKED ? room : SOURCE_UNPACKED);
        if (got < 0)
            (void)source_archive_fail(source, source_damaged);
        n = got < 0 ? 0 : (size_t)got;
    } else if (source->zlib != NULL) {
        n = room < SOURCE_UNPACKED ? room : SOURCE_UNPACKED;
        enum pgw_status status = trace_zlib_read(source->zlib, source_raw, source, to, &n);
        if (status != PGW_OK)
            (void)source_fail(
                source, status, status == PGW_CORRUPT ? source_damaged : "out of memory");
    } else if (host_stream_read(&source->stream, to, room, &n) != PGW_OK) {
        (void)source_fail(source, PGW_IO, "cannot be read");
    } else {
        source->raw_read += n;
    }
    source->end += n;
    source->eof = n == 0;
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
    return source->archive == NULL && source->zlib == NULL && source->stream.regular;
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
        return source_fail(source, status, "may not be read");
    default:
        return source_fail(source, status, "cannot be opened for reading");
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
        size_t n = trace_source_look(source, SOURCE_PEEK, &first);
        status = source->status;
        if (status == PGW_OK)
            status = source_try_zlib(source, first, n);
        for (size_t i = 0; i < sizeof source_magics / sizeof source_magics[0]; i++) {
            if (source->zlib != NULL || n < source_magics[i].len || status != PGW_OK ||
                memcmp(first, source_magics[i].magic, source_magics[i].len) != 0)
                continue;
            source->compression = source_magics[i].name;
            status = source_uncompress(source);
            break;
        }
    }
    if (status != PGW_OK)
        trace_source_close(source);
    return status;
}

void
trace_source_close(struct trace_source *source)
{
    if (source->archive != NULL)
        (void)archive_read_free(source->archive);
    trace_zlib_destroy(source->zlib);
    free(source->raw);
    free(source->buf);
    (void)host_stream_close(&source->stream);
    source->archive = NULL;
    source->zlib = NULL;
    source->raw = source->buf = NULL;
}
