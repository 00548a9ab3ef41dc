/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a trace, whatever its format, and what all readers share. */
#include <pagewright/trace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "trace/reader.h"
#include "trace/trace_fold.h"

#define TRACE_PEEK 4096u /* bytes that a format is recognised by */

/* In the order in which they are asked: those that are sure of themselves first. */
static const struct trace_format_ops *const trace_formats[] = {
    &trace_own,
    &trace_lackey,
    &trace_damon_record,
    &trace_damon_text,
    &trace_damon_json,
    &trace_text,
    &trace_csv,
    &trace_ids,
    &trace_oracle,
    &trace_champsim,
};
#define TRACE_NFORMATS (sizeof trace_formats / sizeof trace_formats[0])

/* ---- what readers share ---- */

enum pgw_status
trace_fail(struct pgw_trace *trace, enum pgw_status status, const char *format, ...)
{
    char what[PGW_TRACE_WHY];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (trace->source.status == PGW_OK)
        snprintf(trace->why, sizeof trace->why, "%.100s: %.150s", trace->source.name, what);
    return trace->status = status;
}

enum pgw_status
trace_make_own(struct pgw_trace *trace, size_t size)
{
    trace->own = calloc(1, size);
    return trace->own != NULL ? PGW_OK : trace_fail(trace, PGW_NOMEM, "out of memory");
}

enum pgw_status
trace_lost(struct pgw_trace *trace, uint64_t offset, uint64_t refs, const char *what)
{
    const struct pgw_trace_damage damage = {.offset = offset, .refs = refs, .what = what};

    if (trace->options.damaged != NULL) {
        trace->options.damaged(trace->options.ctx, &damage);
        return PGW_OK;
    }
    if (refs == 0)
        return trace_fail(
            trace, PGW_CORRUPT, "damaged at byte %llu: %s", (unsigned long long)offset, what);
    return trace_fail(trace, PGW_CORRUPT, "damaged at byte %llu: %s; %llu references are lost",
        (unsigned long long)offset, what, (unsigned long long)refs);
}

char *
trace_line(struct pgw_trace *trace, size_t *len)
{
    char *line;

    trace->line_at = trace->source.offset;
    line = trace_source_line(&trace->source, len);
    trace->line += line != NULL;
    return line;
}

enum pgw_status
trace_bad_line(struct pgw_trace *trace, const char *what)
{
    const struct pgw_trace_damage damage = {.offset = trace->line_at, .what = what};

    if (trace->options.damaged == NULL)
        return trace_fail(
            trace, PGW_CORRUPT, "line %llu: %s", (unsigned long long)trace->line, what);
    trace->options.damaged(trace->options.ctx, &damage);
    return PGW_OK;
}

static bool
trace_append(
    struct pgw_trace *trace, size_t *n, uint64_t va, uint16_t size, uint8_t kind, uint32_t process)
{
    if (*n == TRACE_BATCH_ROOM)
        return false;
    struct pgw_ref *ref = &trace->refs[(*n)++];
    *ref = (struct pgw_ref){.va = va, .process = process, .size = size, .kind = kind};
    trace_fold_single(ref);
    return true;
}

bool
trace_emit(
    struct pgw_trace *trace, size_t *n, uint64_t va, uint64_t size, uint8_t kind, uint32_t process)
{
    if (size > 0 && va + (size - 1) < va)
        size = 0 - va;
    while (size > PAGE_SIZE) {
        uint64_t piece = PAGE_SIZE - va % PAGE_SIZE;
        if (!trace_append(trace, n, va, (uint16_t)piece, kind, process))
            return false;
        va += piece;
        size -= piece;
    }
    return trace_append(trace, n, va, (uint16_t)size, kind, process);
}

void
trace_emit_id(struct pgw_trace *trace, size_t *n, uint64_t id)
{
    uint32_t process = 1 + (uint32_t)(id >> (64 - PAGE_SHIFT));

    (void)trace_emit(trace, n, id << PAGE_SHIFT, 0, PGW_REF_READ, process);
}

enum pgw_status
trace_part(struct pgw_trace *trace, size_t left)
{
    uint64_t offset = trace->source.offset;

    trace_source_take(&trace->source, left);
    if (trace->source.status != PGW_OK)
        return trace->source.status; /* which says why */
    return trace_lost(trace, offset, 0, "ends in the middle of a record");
}

bool
trace_number(const char **at, bool hex, uint64_t *value)
{
    const char *digits = *at;
    uint64_t sum = 0;

    for (; **at != '\0'; (*at)++) {
        unsigned char c = (unsigned char)**at;
        unsigned digit = 99;
        if (c >= '0' && c <= '9')
            digit = c - '0' + 0u;
        else if (hex && c >= 'A')
            digit = (c | 32u) - 'a' + 10u;
        if (digit >= (hex ? 16u : 10u))
            break;
        if (__builtin_mul_overflow(sum, hex ? 16u : 10u, &sum) ||
            __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *value = sum;
    return *at > digits;
}

void
trace_blanks(const char **at)
{
    while (**at == ' ' || **at == '\t')
        (*at)++;
}

/* ---- opening ---- */

/* Nothing but printable characters and spaces? */
static bool
trace_is_text(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((bytes[i] < ' ' && (bytes[i] < '\t' || bytes[i] > '\r')) || bytes[i] == 0x7f)
            return false;
    }
    return true;
}

static enum pgw_status
trace_choose(struct pgw_trace *trace)
{
    const uint8_t *bytes;
    size_t n = trace_source_look(&trace->source, TRACE_PEEK, &bytes);
    bool text;

    n = n < TRACE_PEEK ? n : TRACE_PEEK;
    text = trace_is_text(bytes, n);
    /* What is before damage is read, if that is enough to tell what it is. */
    if (trace->source.status != PGW_OK && (trace->source.status != PGW_CORRUPT || n == 0))
        return trace->source.status;
    for (size_t i = 0; i < TRACE_NFORMATS && trace->ops == NULL; i++) {
        const struct trace_format_ops *ops = trace_formats[i];
        bool wanted = ops->format == trace->options.format;
        if (trace->options.format == PGW_TRACE_DAMON) /* has three forms */
            wanted = wanted && ops->recognise(bytes, n, text);
        if (trace->options.format == PGW_TRACE_AUTO)
            wanted = n > 0 && ops->recognise(bytes, n, text);
        if (wanted)
            trace->ops = ops;
    }
    if (trace->ops != NULL)
        return PGW_OK;
    if (trace->source.status != PGW_OK)
        return trace->source.status;
    return trace_fail(trace, PGW_INVAL,
        n == 0 ? "is empty: it is no trace; pagewright record and pagewright trace convert make one"
               : "is no trace of a known format; pagewright-trace(5) lists them");
}

static enum pgw_status
trace_prepare(struct pgw_trace *trace, const char *path)
{
    enum pgw_status status;

    trace->refs = malloc(TRACE_BATCH_ROOM * sizeof *trace->refs);
    trace->name = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    if (trace->refs == NULL || trace->name == NULL) {
        snprintf(trace->why, sizeof trace->why, "%.200s: out of memory for reading a trace", path);
        return PGW_NOMEM;
    }
    status = trace_source_open(&trace->source, path, trace->why);
    if (status != PGW_OK)
        return status;
    trace->source.name = trace->name;
    status = trace_choose(trace);
    trace->info.compression = trace->source.compression;
    trace->info.bytes = trace->source.stream.size;
    trace->info.command = "";
    if (status == PGW_OK) {
        trace->info.format = trace->ops->format;
        trace->info.format_name = trace->ops->name;
    }
    if (status == PGW_OK && trace->ops->open != NULL)
        status = trace->ops->open(trace);
    return status;
}

void
pgw_trace_options_init(struct pgw_trace_options *options)
{
    *options = (struct pgw_trace_options){.size = sizeof *options};
}

enum pgw_status
pgw_trace_open(
    const char *path, const struct pgw_trace_options *options, struct pgw_trace **tracep, char *why)
{
    struct pgw_trace *trace;
    enum pgw_status status;

    if (options != NULL &&
        (options->size != sizeof *options || (unsigned)options->format >= PGW_TRACE_FORMATS)) {
        snprintf(why, PGW_TRACE_WHY, "options for traces of another version");
        return PGW_INVAL;
    }
    trace = calloc(1, sizeof *trace);
    if (trace == NULL) {
        snprintf(why, PGW_TRACE_WHY, "%.200s: out of memory for reading a trace", path);
        return PGW_NOMEM;
    }
    trace->source.stream.fd = -1;
    if (options != NULL)
        trace->options = *options;
    status = trace_prepare(trace, path);
    if (status == PGW_OK) {
        *tracep = trace;
        return PGW_OK;
    }
    memcpy(why, trace->why, PGW_TRACE_WHY);
    pgw_trace_close(trace);
    return status;
}

void
pgw_trace_close(struct pgw_trace *trace)
{
    if (trace == NULL)
        return;
    if (trace->ops != NULL && trace->ops->close != NULL)
        trace->ops->close(trace);
    else
        free(trace->own);
    trace_source_close(&trace->source);
    free(trace->refs);
    free(trace->name);
    free(trace);
}

/* ---- reading ---- */

/* The bytes ended with an error.  What is compressed and damaged has nothing behind the damage that
 * could be read: it is told like any other, and is the end. */
static enum pgw_status
trace_source_ended(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    if (trace->source.status != PGW_CORRUPT || trace->options.damaged == NULL)
        return trace->source.status;
    batch->end = true;
    batch->event = NULL;
    if (trace->cut_short)
        return PGW_OK;
    trace->cut_short = true;
    return trace_lost(trace, trace->source.raw_read, 0,
        "the compressed file is damaged, or ends too early: nothing behind it can be read");
}

enum pgw_status
pgw_trace_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    *batch = (struct pgw_trace_batch){.refs = trace->refs, .at = trace->at};
    if (trace->status != PGW_OK)
        return trace->status;
    enum pgw_status status = trace->ops->next(trace, batch);
    if (trace->source.status != PGW_OK &&
        (status == PGW_OK ? batch->end : status == trace->source.status))
        status = trace_source_ended(trace, batch);
    trace->status = status;
    if (status != PGW_OK) {
        /* What was read before the failure comes first. */
        *batch = (struct pgw_trace_batch){.refs = trace->refs, .nrefs = batch->nrefs};
        status = batch->nrefs > 0 ? PGW_OK : status;
    }
    batch->at = trace->at;
    trace->at += batch->nrefs;
    return status;
}

const char *
pgw_trace_error_text(const struct pgw_trace *trace)
{
    return trace->why;
}

enum pgw_status
pgw_trace_seek(struct pgw_trace *trace, uint64_t at)
{
    if (trace->status != PGW_OK)
        return trace->status;
    return trace->ops->seek != NULL ? trace->ops->seek(trace, at) : PGW_UNSUPPORTED;
}

void
pgw_trace_get_info(const struct pgw_trace *trace, struct pgw_trace_info *info)
{
    *info = trace->info;
    info->read = trace->source.raw_read;
}
