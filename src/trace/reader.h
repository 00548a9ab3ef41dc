/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers: one file a format behind one table.  What all of them share, the bytes that come in and
 * the references that go out, is in struct pgw_trace; what is a format's own hangs from `own`.
 */
#ifndef TRACE_READER_H
#define TRACE_READER_H

#include <stdarg.h>

#include "trace/trace_source.h"

#define TRACE_BATCH 4096u /* references at a time, or a few more */
/* Room for them: the references that one execution, instruction or region stands for come at once.
 */
#define TRACE_BATCH_ROOM (TRACE_BATCH + 8192u)

struct trace_format_ops;

struct pgw_trace {
    const struct trace_format_ops *ops;
    struct trace_source source;
    struct pgw_trace_options options;
    struct pgw_trace_info info; /* kept up to date where it can be */
    void *own;
    struct pgw_ref *refs;   /* TRACE_BATCH_ROOM */
    uint64_t at;            /* references handed out, or lost */
    uint64_t line, line_at; /* of text: lines read so far, and where the last one is */
    enum pgw_status status;
    bool cut_short; /* that the source ended with an error was told */
    char *name;
    char why[PGW_TRACE_WHY];
};

struct trace_format_ops {
    enum pgw_trace_format format;
    const char *name;
    /* Could a trace that begins with these n bytes be one of this format?  text: they are all
     * printable.  Asked in the order of the table. */
    bool (*recognise)(const uint8_t *bytes, size_t n, bool text);
    /* Makes ready to read; own is the format's.  May be NULL. */
    enum pgw_status (*open)(struct pgw_trace *trace);
    /* As pgw_trace_next(), of which it sets all but batch->at, with refs in trace->refs. */
    enum pgw_status (*next)(struct pgw_trace *trace, struct pgw_trace_batch *batch);
    enum pgw_status (*seek)(struct pgw_trace *trace, uint64_t at); /* NULL: cannot */
    void (*close)(struct pgw_trace *trace);                        /* NULL: frees own */
};

extern const struct trace_format_ops trace_own, trace_lackey, trace_ids, trace_text, trace_oracle,
    trace_csv, trace_champsim, trace_damon_text, trace_damon_record, trace_damon_json;

/* Says what is wrong, after the trace's name; returns status, which the trace keeps. */
__attribute__((format(printf, 3, 4))) enum pgw_status trace_fail(
    struct pgw_trace *trace, enum pgw_status status, const char *format, ...);

/* Makes trace->own, size bytes of zeros.  PGW_NOMEM. */
MUST_CHECK enum pgw_status trace_make_own(struct pgw_trace *trace, size_t size);

/*
 * A piece of the trace is lost: refs references (0: not known) at byte offset.  PGW_OK: the user
 * was told, and wants the rest; PGW_CORRUPT: wants none.
 */
MUST_CHECK enum pgw_status trace_lost(
    struct pgw_trace *trace, uint64_t offset, uint64_t refs, const char *what);

/* The next line, as of trace_source_line(); counts lines. */
char *trace_line(struct pgw_trace *trace, size_t *len);
/* "what" is wrong with the line read last; the readers of text say so in the same way.  PGW_OK: the
 * user was told, and wants the lines after it. */
MUST_CHECK enum pgw_status trace_bad_line(struct pgw_trace *trace, const char *what);

/*
 * Appends references to [va, va + size), which is cut at pages' ends so that none lies in more than
 * two pages; size 0 stands for a page.  false: there are too many for a batch.
 */
bool trace_emit(
    struct pgw_trace *trace, size_t *n, uint64_t va, uint64_t size, uint8_t kind, uint32_t process);

/*
 * A read of the page with that number: anything of 64 bits.  A page's address has room for 52 of
 * them; the rest is the process's number, less 1.
 */
void trace_emit_id(struct pgw_trace *trace, size_t *n, uint64_t id);

/* The trace ends in the middle of something of fixed size, of which `left` bytes are there. */
MUST_CHECK enum pgw_status trace_part(struct pgw_trace *trace, size_t left);

/* A number at *at, hexadecimal with hex, which is moved behind it; false: there is none, or it is
 * above 2^64-1. */
bool trace_number(const char **at, bool hex, uint64_t *value);
void trace_blanks(const char **at);

#endif
