/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorded references: reading them in any of the formats that are known, and writing Pagewright's
 * own, which pagewright-trace(5) describes byte by byte.
 *
 *      struct pgw_trace *trace;
 *      struct pgw_trace_batch batch;
 *      char why[PGW_TRACE_WHY];
 *
 *      if (pgw_trace_open("app.pwt", NULL, &trace, why) == PGW_OK) {
 *          while (pgw_trace_next(trace, &batch) == PGW_OK && !batch.end)
 *              ...batch.refs[0 .. batch.nrefs), then batch.event if it is not NULL...
 *          pgw_trace_close(trace);
 *      }
 *
 * A trace is a sequence of references and events.  Its time is the number of references before.
 * Nothing here prints; a trace belongs to one thread at a time.
 */
#ifndef PAGEWRIGHT_TRACE_H
#define PAGEWRIGHT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagewright/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a trace consists of ---- */

/* What a reference does; an atomic operation, or lackey's "M", is READ | WRITE. */
#define PGW_REF_READ 1u
#define PGW_REF_WRITE 2u
#define PGW_REF_FETCH 4u

/*
 * A reference, or a run of references to one page with none to another in between: then va is the
 * page's first byte, size is 0, and of the run is known how it began and how many there were of
 * each kind, which is all that work by pages needs.  READ | WRITE counts as a write.  Once a trace
 * has seen a fork, a write does not join a run that has none: it may find another page there.
 */
struct pgw_ref {
    uint64_t va;      /* the first byte */
    uint32_t process; /* numbers of processes are the trace's own; a trace of one has 1 */
    uint16_t size;    /* bytes, at most 4096; 0: not known, and all of it in the page of va */
    uint8_t kind;     /* PGW_REF_*: of the first of the run */
    uint8_t reserved; /* 0 */
    uint16_t count;   /* references in the run; 1: a single one */
    uint16_t writes, fetches; /* of count; the rest read */
    uint16_t reserved2;       /* 0 */
};

/* What changes a space.  Addresses and lengths are multiples of a page. */
enum pgw_event_kind {
    PGW_EVENT_MAP,     /* [va, va + len) is mapped anew, with rights prot: what was there is gone */
    PGW_EVENT_UNMAP,   /* is gone */
    PGW_EVENT_PROTECT, /* has rights prot */
    PGW_EVENT_MOVE,    /* is now at `other` (an address; mremap) */
    PGW_EVENT_DISCARD, /* stays mapped, its content is gone (madvise DONTNEED, FREE) */
    PGW_EVENT_FORK,    /* process `other` begins as a copy of it */
    PGW_EVENT_EXEC,    /* the process's space is empty; text: the program */
    PGW_EVENT_EXIT,    /* the process and its space are gone */
    PGW_EVENT_KINDS
};

struct pgw_event {
    enum pgw_event_kind kind;
    uint32_t process;
    uint32_t prot; /* MAP, PROTECT: PGW_REF_READ | WRITE | FETCH; 8, with MAP: shared, not copied by
                      a fork */
    uint64_t va, len, other;
    const char *text; /* EXEC; valid until the next call; may be NULL */
};
#define PGW_EVENT_SHARED 8u

/* ---- reading ---- */

enum pgw_trace_format {
    PGW_TRACE_AUTO,     /* recognised by content */
    PGW_TRACE_OWN,      /* pagewright-trace(5) */
    PGW_TRACE_LACKEY,   /* valgrind --tool=lackey --trace-mem=yes */
    PGW_TRACE_IDS,      /* page numbers, decimal or 0x */
    PGW_TRACE_TEXT,     /* "l 0xADDR size" or "s 0xADDR size" a line */
    PGW_TRACE_ORACLE,   /* libCacheSim's oracleGeneral, 24 bytes a record */
    PGW_TRACE_CSV,      /* libCacheSim's CSV: columns by option */
    PGW_TRACE_CHAMPSIM, /* 64-byte records of instructions */
    PGW_TRACE_DAMON,    /* regions that DAMON recorded */
    PGW_TRACE_FORMATS
};

#define PGW_TRACE_WHY 256 /* bytes of a line that says what is wrong, where, and what to do */

/* What was lost of a trace that is damaged: `refs` references (as far as the index tells; 0: not
 * known) at byte `offset` of the file. */
struct pgw_trace_damage {
    uint64_t offset, refs;
    const char *what;
};

struct pgw_trace_options {
    size_t size; /* of this structure: set by pgw_trace_options_init() */
    enum pgw_trace_format format;
    /* CSV: columns, counted from 1; 0: as libCacheSim has them (time 1, id 2, size 3). */
    unsigned csv_id, csv_size;
    char csv_separator; /* 0: found out */
    bool csv_header;
    /* Told of every piece that is lost, by pgw_trace_open() of the header; NULL: the first makes
     * pgw_trace_next() fail, or pgw_trace_open(). */
    void (*damaged)(void *ctx, const struct pgw_trace_damage *damage);
    void *ctx;
};
PGW_API void pgw_trace_options_init(struct pgw_trace_options *options);

struct pgw_trace;

/*
 * Opens a file, or with "-" the standard input; plain, or compressed by gzip, zstd or xz.  options
 * may be NULL.  why has room for PGW_TRACE_WHY bytes and is set on failure.
 * PGW_NOTFOUND, PGW_ACCESS, PGW_IO; PGW_INVAL: not a trace of a known format; PGW_CORRUPT;
 * PGW_NOMEM.
 */
PGW_API enum pgw_status pgw_trace_open(
    const char *path, const struct pgw_trace_options *options, struct pgw_trace **trace, char *why);
PGW_API void pgw_trace_close(struct pgw_trace *trace);

struct pgw_trace_batch {
    const struct pgw_ref *refs; /* valid until the next call */
    size_t nrefs;
    const struct pgw_event *event; /* what comes after them, or NULL */
    bool end;                      /* nothing follows; refs may still be there */
    uint64_t at;                   /* the time of the first of refs */
};

/* The next piece.  PGW_CORRUPT (see damaged), PGW_IO; pgw_trace_error_text() says more. */
PGW_API enum pgw_status pgw_trace_next(struct pgw_trace *trace, struct pgw_trace_batch *batch);
PGW_API const char *pgw_trace_error_text(const struct pgw_trace *trace);

/* Goes to a time, or to the first block boundary before it: batch.at says where.  Only our own
 * format, in a file that is not compressed again, can: PGW_UNSUPPORTED. */
PGW_API enum pgw_status pgw_trace_seek(struct pgw_trace *trace, uint64_t at);

/* What is known without reading on. */
struct pgw_trace_info {
    enum pgw_trace_format format;
    const char *format_name, *compression; /* "none", "gzip", "zstd", "xz" */
    bool pages;                            /* of runs, not of single references */
    bool exact;     /* refs and events are known: our own format, with its index */
    bool truncated; /* our own format, whose end is missing, or which was made of a damaged trace */
    uint64_t refs, events, processes;
    uint64_t bytes;      /* of the file; 0: a pipe */
    uint64_t read;       /* bytes of the file read so far, for progress */
    uint64_t reduced;    /* made by "trace reduce": exact for LRU from this many pages up; 0: not */
    const char *command; /* that was recorded, or "" */
};
PGW_API void pgw_trace_get_info(const struct pgw_trace *trace, struct pgw_trace_info *info);

/* ---- writing ---- */

struct pgw_trace_writer_options {
    size_t size; /* set by pgw_trace_writer_options_init() */
    bool pages;  /* fold runs of references to one page */
    int level;   /* zstd's; 0: its default for traces */
    uint64_t reduced;
    const char *command;
};
PGW_API void pgw_trace_writer_options_init(struct pgw_trace_writer_options *options);

struct pgw_trace_writer;

/*
 * Makes path anew ("-": the standard output).  What was there stays until the writer is closed: the
 * trace is written beside it, as path with ".part" after it, and put there whole.  Such a part has
 * no index, and a reader finds its blocks by going through it.  Pipes, devices, and what has a name
 * below /dev or /proc, are written as they are.
 */
PGW_API enum pgw_status pgw_trace_writer_create(const char *path,
    const struct pgw_trace_writer_options *options, struct pgw_trace_writer **writer, char *why);
/* PGW_INVAL: a reference is impossible, and those before it are written; what went wrong with the
 * file, then or earlier: PGW_IO, PGW_NOSWAP (the disk is full), PGW_NOMEM. */
PGW_API enum pgw_status pgw_trace_write(
    struct pgw_trace_writer *writer, const struct pgw_ref *refs, size_t n);
PGW_API enum pgw_status pgw_trace_write_event(
    struct pgw_trace_writer *writer, const struct pgw_event *event);
/* Writes what is left and the index.  The writer is gone, whatever is returned, and unless it is
 * PGW_OK the file is not made: PGW_IO, PGW_NOSWAP: the disk is full. */
PGW_API enum pgw_status pgw_trace_writer_close(struct pgw_trace_writer *writer);
/* The same for a trace of which something is missing, as it was made of a damaged one: it has no
 * index, by which readers know (pgw_trace_info.truncated). */
PGW_API enum pgw_status pgw_trace_writer_close_missing(struct pgw_trace_writer *writer);
/* The trace is not wanted: the file is not made, and the writer is gone. */
PGW_API void pgw_trace_writer_discard(struct pgw_trace_writer *writer);

/* ---- reducing ---- */

/*
 * Drops references without changing what LRU does with `pages` frames or more: every miss, and its
 * place among the others, and every write-back stays (S. Kaplan, Y. Smaragdakis and P. Wilson,
 * "Trace reduction for virtual memory simulations", SIGMETRICS 1999).  The dropped ones are counted
 * with a later one of their page, so that the number of references stays, too.  What comes out are
 * runs, for a writer with options.pages, and options.reduced set to `pages`.
 */
struct pgw_trace_reducer;
/* PGW_INVAL: pages is 0; PGW_NOMEM. */
PGW_API enum pgw_status pgw_trace_reducer_create(
    uint64_t pages, struct pgw_trace_writer *writer, struct pgw_trace_reducer **reducer);
/* PGW_NOMEM, and what writing fails with; closing the writer then fails, too. */
PGW_API enum pgw_status pgw_trace_reduce(
    struct pgw_trace_reducer *reducer, const struct pgw_ref *refs, size_t n);
PGW_API enum pgw_status pgw_trace_reduce_event(
    struct pgw_trace_reducer *reducer, const struct pgw_event *event);
/* Writes what is left, and frees the reducer, whatever is returned; the writer stays. */
PGW_API enum pgw_status pgw_trace_reducer_close(struct pgw_trace_reducer *reducer);

#ifdef __cplusplus
}
#endif

#endif
