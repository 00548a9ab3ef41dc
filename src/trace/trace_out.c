/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/trace_out.h"

#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>
#include <zstd.h>

#include "host/host_stream.h"
#include "host/host_thread.h"

/* Differences of columns compress well at any level, and a recorded program waits for us: short
 * matches, which take the time, are let be. */
#define OUT_LEVEL (-3)
#define OUT_MATCH_MIN 7

struct out_entry {
    uint64_t offset, at;
};

struct trace_out {
    struct host_stream stream;
    uint64_t offset; /* bytes written */
    ZSTD_CCtx *zstd;
    uint8_t *packed;
    size_t packed_room;
    struct out_entry *entry;
    size_t nentries, entries_room;
    uint64_t refs, events;

    struct trace_build build[2];
    unsigned filling; /* which of them the writer has */
    struct host_thread thread;
    struct host_monitor monitor; /* guards what follows */
    struct trace_build *handed;  /* to the thread; NULL: it has nothing to do */
    bool ending;
    enum pgw_status status; /* the first thing that went wrong */
};

/* ---- the thread's side ---- */

static enum pgw_status
out_write(struct trace_out *out, const void *bytes, size_t len)
{
    enum pgw_status status = host_stream_write(&out->stream, bytes, len);

    out->offset += len;
    return status;
}

/* Room for the header and all columns, each of which may be as it is. */
static bool
out_room(struct trace_out *out, const struct trace_build *build)
{
    size_t room = OWN_BLOCK_LEN;

    for (unsigned i = 0; i < OWN_COLUMNS; i++)
        room += ZSTD_compressBound(build->len[i]);
    if (room <= out->packed_room)
        return true;
    free(out->packed);
    out->packed = malloc(room);
    out->packed_room = out->packed != NULL ? room : 0;
    return out->packed != NULL;
}

/* One column, to where there is room for it; its length.  What zstd makes little of is stored as it
 * is: reading it is what takes time. */
static size_t
out_column(struct trace_out *out, const uint8_t *bytes, size_t len, uint8_t *to)
{
    size_t packed = ZSTD_compress2(out->zstd, to, ZSTD_compressBound(len), bytes, len);

    if (!ZSTD_isError(packed) && packed < len - len / 8)
        return packed;
    memcpy(to, bytes, len);
    return len;
}

/* All columns, behind the header.  0: out of memory. */
static size_t
out_compress(struct trace_out *out, const struct trace_build *build, uint32_t *lens)
{
    size_t at = OWN_BLOCK_LEN;

    if (!out_room(out, build))
        return 0;
    for (unsigned i = 0; i < OWN_COLUMNS; i++) {
        lens[i] = (uint32_t)out_column(out, build->column[i], build->len[i], out->packed + at);
        at += lens[i];
    }
    return at - OWN_BLOCK_LEN;
}

static void
out_put(uint8_t **at, const void *value, size_t len)
{
    memcpy(*at, value, len);
    *at += len;
}

static void
out_header(const struct trace_build *build, uint8_t *header, size_t packed, const uint32_t *lens)
{
    uint32_t magic = OWN_BLOCK_MAGIC, packed32 = (uint32_t)packed, column, none = 0;
    uint64_t hash = XXH64(header + OWN_BLOCK_LEN, packed, 0);
    uint8_t *at = header;

    out_put(&at, &magic, 4);
    out_put(&at, &packed32, 4);
    out_put(&at, &build->at, 8);
    out_put(&at, &build->refs, 8);
    out_put(&at, &build->nevents, 4);
    out_put(&at, &build->nexecutions, 4);
    out_put(&at, &build->nshapes, 4);
    for (unsigned i = 0; i < OWN_COLUMNS; i++) {
        column = (uint32_t)build->len[i];
        out_put(&at, &column, 4);
    }
    out_put(&at, lens, OWN_COLUMNS * sizeof *lens);
    out_put(&at, &none, 4);
    out_put(&at, &hash, 8);
    hash = XXH64(header, OWN_BLOCK_LEN - 8, 0);
    out_put(&at, &hash, 8);
}

static enum pgw_status
out_note(struct trace_out *out, const struct trace_build *build)
{
    if (out->nentries == out->entries_room) {
        size_t room = out->entries_room * 2 + 64;
        struct out_entry *more = realloc(out->entry, room * sizeof *more);
        if (more == NULL)
            return PGW_NOMEM;
        out->entry = more;
        out->entries_room = room;
    }
    out->entry[out->nentries++] = (struct out_entry){.offset = out->offset, .at = build->at};
    out->refs += build->refs;
    out->events += build->nevents;
    return PGW_OK;
}

static enum pgw_status
out_block(struct trace_out *out, const struct trace_build *build)
{
    enum pgw_status status;
    uint32_t lens[OWN_COLUMNS];
    size_t packed = out_compress(out, build, lens);

    if (packed == 0)
        return PGW_NOMEM;
    out_header(build, out->packed, packed, lens);
    status = out_note(out, build);
    return status == PGW_OK ? out_write(out, out->packed, OWN_BLOCK_LEN + packed) : status;
}

static void
out_thread(void *arg)
{
    struct trace_out *out = arg;

    host_monitor_enter(&out->monitor);
    while (!out->ending || out->handed != NULL) {
        if (out->handed == NULL) {
            host_monitor_wait(&out->monitor);
            continue;
        }
        enum pgw_status status = out->status;
        host_monitor_leave(&out->monitor);
        if (status == PGW_OK)
            status = out_block(out, out->handed);
        host_monitor_enter(&out->monitor);
        out->status = status;
        out->handed = NULL;
        host_monitor_wake(&out->monitor);
    }
    host_monitor_leave(&out->monitor);
}

/* ---- the writer's side ---- */

/* Gives the block that is being filled to the thread, once that has done with the one before. */
static enum pgw_status
out_hand(struct trace_out *out)
{
    struct trace_build *build = &out->build[out->filling];
    enum pgw_status status;

    host_monitor_enter(&out->monitor);
    while (out->handed != NULL)
        host_monitor_wait(&out->monitor);
    status = out->status;
    if (status == PGW_OK && build->nexecutions > 0) {
        out->handed = build;
        out->filling = 1 - out->filling;
        host_monitor_wake(&out->monitor);
    }
    host_monitor_leave(&out->monitor);
    return status;
}

enum pgw_status
trace_out_next(struct trace_out *out, uint64_t at, struct trace_build **build)
{
    enum pgw_status status = out_hand(out);

    *build = &out->build[out->filling];
    trace_build_reset(*build, at);
    return status;
}

static enum pgw_status
out_file_header(struct trace_out *out, const struct pgw_trace_writer_options *options)
{
    const char *command = options->command != NULL ? options->command : "";
    uint32_t len = (uint32_t)strnlen(command, OWN_COMMAND_MAX), none = 0;
    uint16_t version = OWN_VERSION, shift = OWN_PAGE_SHIFT;
    uint32_t flags = options->pages ? OWN_FLAG_PAGES : 0;
    uint8_t *header = malloc(OWN_HEADER_LEN + (size_t)len), *at = header;
    uint64_t hash;
    enum pgw_status status;

    if (header == NULL)
        return PGW_NOMEM;
    out_put(&at, OWN_MAGIC, OWN_MAGIC_LEN);
    out_put(&at, &version, 2);
    out_put(&at, &shift, 2);
    out_put(&at, &flags, 4);
    out_put(&at, &options->reduced, 8);
    out_put(&at, &len, 4);
    out_put(&at, &none, 4);
    memcpy(at + 8, command, len);
    hash = XXH64(header, OWN_HEADER_LEN - 8, 0) ^ XXH64(at + 8, len, 0);
    out_put(&at, &hash, 8);
    status = out_write(out, header, OWN_HEADER_LEN + (size_t)len);
    free(header);
    return status;
}

static enum pgw_status
out_index(struct trace_out *out, uint64_t processes)
{
    size_t len = OWN_INDEX_LEN + out->nentries * OWN_ENTRY_LEN;
    uint8_t *index = malloc(len + OWN_TRAILER_LEN), *at = index;
    uint32_t magic = OWN_INDEX_MAGIC, n = (uint32_t)out->nentries;
    enum pgw_status status;

    if (index == NULL)
        return PGW_NOMEM;
    out_put(&at, &magic, 4);
    out_put(&at, &n, 4);
    out_put(&at, &out->refs, 8);
    out_put(&at, &out->events, 8);
    out_put(&at, &processes, 8);
    for (size_t i = 0; i < out->nentries; i++) {
        out_put(&at, &out->entry[i].offset, 8);
        out_put(&at, &out->entry[i].at, 8);
    }
    uint64_t hash = XXH64(index, len, 0);
    out_put(&at, &hash, 8);
    out_put(&at, &out->offset, 8);
    out_put(&at, OWN_END_MAGIC, OWN_MAGIC_LEN);
    status = out_write(out, index, len + OWN_TRAILER_LEN);
    free(index);
    return status;
}

static void
out_free(struct trace_out *out)
{
    ZSTD_freeCCtx(out->zstd);
    trace_build_fini(&out->build[0]);
    trace_build_fini(&out->build[1]);
    host_monitor_fini(&out->monitor);
    free(out->packed);
    free(out->entry);
    free(out);
}

static enum pgw_status
out_new(int level, struct trace_out **outp)
{
    struct trace_out *out = calloc(1, sizeof *out);
    enum pgw_status status;

    if (out == NULL)
        return PGW_NOMEM;
    host_monitor_init(&out->monitor);
    out->zstd = ZSTD_createCCtx();
    status = trace_build_init(&out->build[0]);
    if (status == PGW_OK)
        status = trace_build_init(&out->build[1]);
    if (out->zstd == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(
            out->zstd, ZSTD_c_compressionLevel, level != 0 ? level : OUT_LEVEL)) ||
        (level == 0 &&
            ZSTD_isError(ZSTD_CCtx_setParameter(out->zstd, ZSTD_c_minMatch, OUT_MATCH_MIN))))
        status = PGW_NOMEM;
    if (status == PGW_OK)
        *outp = out;
    else
        out_free(out);
    return status;
}

enum pgw_status
trace_out_create(const char *path, const struct pgw_trace_writer_options *options,
    struct trace_out **outp, char *why)
{
    struct trace_out *out;
    enum pgw_status status = out_new(options->level, &out);

    if (status != PGW_OK) {
        snprintf(why, PGW_TRACE_WHY, "%.200s: out of memory for writing a trace", path);
        return status;
    }
    status = host_stream_create(path, &out->stream);
    if (status == PGW_OK) {
        status = out_file_header(out, options);
        if (status == PGW_OK)
            status = host_thread_start(&out->thread, out_thread, out);
        if (status == PGW_OK) {
            *outp = out;
            return PGW_OK;
        }
        host_stream_discard(&out->stream);
    }
    out_free(out);
    snprintf(why, PGW_TRACE_WHY, "%.200s: cannot be written: %s", path,
        status == PGW_NOSWAP ? "the disk is full"
        : status == PGW_IO   ? "it is a folder, or its device fails"
                             : pgw_status_text(status));
    return status;
}

/* The thread has done what it was handed, and is gone. */
static enum pgw_status
out_join(struct trace_out *out)
{
    host_monitor_enter(&out->monitor);
    out->ending = true;
    host_monitor_wake(&out->monitor);
    host_monitor_leave(&out->monitor);
    host_thread_join(&out->thread);
    return out->status;
}

enum pgw_status
trace_out_close(
    struct trace_out *out, uint64_t processes, enum pgw_status status, enum trace_end how)
{
    enum pgw_status handed = how != TRACE_END_NOT ? out_hand(out) : PGW_OK, joined = out_join(out),
                    closed = PGW_OK;

    if (status == PGW_OK)
        status = handed != PGW_OK ? handed : joined;
    if (status == PGW_OK && how != TRACE_END_NOT && how != TRACE_END_MISSING)
        status = out_index(out, processes);
    if (how == TRACE_END_NOT || (status != PGW_OK && (how != TRACE_END_PARTLY || out->refs == 0)))
        host_stream_discard(&out->stream);
    else
        closed = host_stream_close(&out->stream);
    out_free(out);
    return status == PGW_OK ? closed : status;
}
