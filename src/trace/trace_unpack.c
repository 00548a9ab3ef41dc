/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/trace_unpack.h"

#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define UNPACK_GZIP (16 + MAX_WBITS) /* to zlib: with gzip's header and trailer */

struct unpack_kind {
    const char *name, *magic;
    size_t len;
    enum pgw_status (*init)(struct trace_unpack *unpack);
    /* One step: takes bytes, puts some, or finds that it is over. */
    enum pgw_status (*step)(struct trace_unpack *unpack);
    void (*fini)(struct trace_unpack *unpack);
};

struct trace_unpack {
    const struct unpack_kind *kind;
    const uint8_t *in; /* the file's next bytes */
    size_t in_len;
    uint8_t *out; /* where what is unpacked goes */
    size_t room;
    bool drained; /* nothing follows those of in */
    bool between; /* what began is complete: the file may end here */
    bool over;
    union {
        z_stream zlib;
        lzma_stream lzma;
        struct {
            ZSTD_DStream *stream;
            size_t first, wants; /* bytes: of a header's beginning; up to the end of a block */
            bool full;           /* there was no more room: it may have more to put */
        } zstd;
    };
};

/* ---- gzip, zlib ---- */

static enum pgw_status
unpack_gzip_init(struct trace_unpack *unpack)
{
    return inflateInit2(&unpack->zlib, UNPACK_GZIP) == Z_OK ? PGW_OK : PGW_NOMEM;
}

static enum pgw_status
unpack_zlib_init(struct trace_unpack *unpack)
{
    return inflateInit(&unpack->zlib) == Z_OK ? PGW_OK : PGW_NOMEM;
}

static void
unpack_zlib_fini(struct trace_unpack *unpack)
{
    (void)inflateEnd(&unpack->zlib);
}

static enum pgw_status
unpack_zlib_step(struct trace_unpack *unpack)
{
    z_stream *zlib = &unpack->zlib;
    uInt len = unpack->in_len < 1u << 30 ? (uInt)unpack->in_len : 1u << 30;

    zlib->next_in = (z_const Bytef *)(uintptr_t)unpack->in;
    zlib->avail_in = len;
    zlib->next_out = unpack->out;
    zlib->avail_out = unpack->room < 1u << 30 ? (uInt)unpack->room : 1u << 30;
    int did = inflate(zlib, Z_NO_FLUSH);
    unpack->in += len - zlib->avail_in;
    unpack->in_len -= len - zlib->avail_in;
    unpack->room -= (size_t)(zlib->next_out - unpack->out);
    unpack->out = zlib->next_out;
    unpack->over = unpack->between = did == Z_STREAM_END;
    if (did == Z_MEM_ERROR)
        return PGW_NOMEM;
    if (did == Z_BUF_ERROR && !unpack->drained)
        return PGW_OK;
    return did == Z_OK || did == Z_STREAM_END ? PGW_OK : PGW_CORRUPT;
}

/* A file may be of several, one after the other, and end with zeros. */
static enum pgw_status
unpack_gzip_step(struct trace_unpack *unpack)
{
    if (unpack->between && unpack->in_len > 0 && *unpack->in == 0) {
        unpack->in++;
        unpack->in_len--;
        return PGW_OK;
    }
    if (unpack->between && inflateReset(&unpack->zlib) != Z_OK)
        return PGW_CORRUPT;
    enum pgw_status status = unpack_zlib_step(unpack);
    unpack->over = false;
    return status;
}

/* Two bytes are too few to tell it from numbers: it is deflate with a window of 32 KiB, as
 * everybody writes it, and JSON. */
static enum pgw_status
unpack_is_zlib(const uint8_t *bytes, size_t n, bool *is)
{
    z_stream stream = {0};
    uint8_t first = 0;

    *is = false;
    if (n < 2 || bytes[0] != 0x78 || (bytes[0] << 8 | bytes[1]) % 31 != 0)
        return PGW_OK;
    if (inflateInit(&stream) != Z_OK)
        return PGW_NOMEM;
    stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)(n < 4096 ? n : 4096);
    stream.next_out = &first;
    stream.avail_out = 1;
    int did = inflate(&stream, Z_NO_FLUSH);
    (void)inflateEnd(&stream);
    *is = stream.avail_out == 0 && first == '[';
    return did == Z_MEM_ERROR ? PGW_NOMEM : PGW_OK;
}

/* ---- zstd ---- */

static enum pgw_status
unpack_zstd_init(struct trace_unpack *unpack)
{
    unpack->zstd.stream = ZSTD_createDStream();
    if (unpack->zstd.stream == NULL)
        return PGW_NOMEM;
    unpack->zstd.first = unpack->zstd.wants = ZSTD_initDStream(unpack->zstd.stream);
    return PGW_OK;
}

static void
unpack_zstd_fini(struct trace_unpack *unpack)
{
    ZSTD_freeDStream(unpack->zstd.stream);
}

/* A call that fails does not say what it has put before.  So each is of one block, and what that
 * did not have room for comes before the next. */
static enum pgw_status
unpack_zstd_step(struct trace_unpack *unpack)
{
    size_t len = unpack->in_len < unpack->zstd.wants ? unpack->in_len : unpack->zstd.wants;
    ZSTD_inBuffer in = {unpack->in, unpack->zstd.full ? 0 : len, 0};
    ZSTD_outBuffer out = {unpack->out, unpack->room, 0};
    size_t did = ZSTD_decompressStream(unpack->zstd.stream, &out, &in);

    if (ZSTD_isError(did)) {
        ZSTD_ErrorCode code = ZSTD_getErrorCode(did);
        return code == ZSTD_error_memory_allocation ||
                       code == ZSTD_error_frameParameter_windowTooLarge
                   ? PGW_NOMEM
                   : PGW_CORRUPT;
    }
    unpack->in += in.pos;
    unpack->in_len -= in.pos;
    unpack->out += out.pos;
    unpack->room -= out.pos;
    unpack->between = did == 0;
    bool stuck = unpack->drained && !unpack->zstd.full && in.pos == 0 && out.pos == 0;
    unpack->zstd.full = did > 0 && out.pos == out.size;
    unpack->zstd.wants = did > 0 ? did : unpack->zstd.first;
    return stuck ? PGW_CORRUPT : PGW_OK;
}

/* ---- xz ---- */

static enum pgw_status
unpack_xz_init(struct trace_unpack *unpack)
{
    unpack->lzma = (lzma_stream)LZMA_STREAM_INIT;
    return lzma_stream_decoder(&unpack->lzma, UINT64_MAX, LZMA_CONCATENATED) == LZMA_OK ? PGW_OK
                                                                                        : PGW_NOMEM;
}

static void
unpack_xz_fini(struct trace_unpack *unpack)
{
    lzma_end(&unpack->lzma);
}

static enum pgw_status
unpack_xz_step(struct trace_unpack *unpack)
{
    lzma_stream *lzma = &unpack->lzma;

    lzma->next_in = unpack->in;
    lzma->avail_in = unpack->in_len;
    lzma->next_out = unpack->out;
    lzma->avail_out = unpack->room;
    lzma_ret did = lzma_code(lzma, unpack->drained ? LZMA_FINISH : LZMA_RUN);
    unpack->in = lzma->next_in;
    unpack->in_len = lzma->avail_in;
    unpack->out = lzma->next_out;
    unpack->room = lzma->avail_out;
    unpack->over = did == LZMA_STREAM_END;
    if (did == LZMA_MEM_ERROR || did == LZMA_MEMLIMIT_ERROR)
        return PGW_NOMEM;
    return did == LZMA_OK || did == LZMA_STREAM_END ? PGW_OK : PGW_CORRUPT;
}

/* ---- all of them ---- */

/* The last has a magic that says too little. */
static const struct unpack_kind unpack_kinds[] = {
    {"gzip", "\x1f\x8b", 2, unpack_gzip_init, unpack_gzip_step, unpack_zlib_fini},
    {"zstd", "\x28\xb5\x2f\xfd", 4, unpack_zstd_init, unpack_zstd_step, unpack_zstd_fini},
    {"xz",
        "\xfd"
        "7zXZ\0",
        6, unpack_xz_init, unpack_xz_step, unpack_xz_fini},
    {"zlib", "\x78", 1, unpack_zlib_init, unpack_zlib_step, unpack_zlib_fini},
};
#define UNPACK_KINDS (sizeof unpack_kinds / sizeof unpack_kinds[0])

enum pgw_status
trace_unpack_create(
    const uint8_t *bytes, size_t n, const char **name, struct trace_unpack **unpackp)
{
    const struct unpack_kind *kind = NULL;
    bool zlib;
    enum pgw_status status = unpack_is_zlib(bytes, n, &zlib);

    *unpackp = NULL;
    for (size_t i = 0; i < UNPACK_KINDS - !zlib && kind == NULL; i++) {
        const struct unpack_kind *maybe = &unpack_kinds[i];
        if (n >= maybe->len && memcmp(bytes, maybe->magic, maybe->len) == 0)
            kind = maybe;
    }
    if (status != PGW_OK || kind == NULL)
        return status;
    struct trace_unpack *unpack = calloc(1, sizeof *unpack);
    if (unpack == NULL)
        return PGW_NOMEM;
    unpack->kind = kind;
    status = kind->init(unpack);
    if (status != PGW_OK) {
        free(unpack);
        return status;
    }
    *name = kind->name;
    *unpackp = unpack;
    return PGW_OK;
}

void
trace_unpack_destroy(struct trace_unpack *unpack)
{
    if (unpack == NULL)
        return;
    unpack->kind->fini(unpack);
    free(unpack);
}

enum pgw_status
trace_unpack_read(struct trace_unpack *unpack,
    enum pgw_status (*more)(void *ctx, const uint8_t **bytes, size_t *n), void *ctx, uint8_t *buf,
    size_t *len)
{
    enum pgw_status status = PGW_OK;
    size_t room = *len;

    unpack->out = buf;
    unpack->room = room;
    while (unpack->room == room && !unpack->over && status == PGW_OK) {
        if (unpack->in_len == 0 && !unpack->drained) {
            status = more(ctx, &unpack->in, &unpack->in_len);
            unpack->drained = unpack->in_len == 0;
        }
        if (unpack->drained && unpack->between)
            unpack->over = true;
        else if (status == PGW_OK)
            status = unpack->kind->step(unpack);
    }
    *len = room - unpack->room;
    return status;
}
