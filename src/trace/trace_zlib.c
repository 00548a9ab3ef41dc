/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/trace_zlib.h"

#include <stdlib.h>
#include <zlib.h>

struct trace_zlib {
    z_stream stream;
    bool over;
};

enum pgw_status
trace_zlib_begins(const uint8_t *bytes, size_t n, bool *begins)
{
    z_stream stream = {0};
    uint8_t first = 0;

    /* Deflate with a window of 32 KiB, as everybody writes it. */
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
    *begins = stream.avail_out == 0 && first == '[';
    return did == Z_MEM_ERROR ? PGW_NOMEM : PGW_OK;
}

enum pgw_status
trace_zlib_create(struct trace_zlib **zlib)
{
    struct trace_zlib *made = calloc(1, sizeof *made);

    if (made == NULL || inflateInit(&made->stream) != Z_OK) {
        free(made);
        return PGW_NOMEM;
    }
    *zlib = made;
    return PGW_OK;
}

void
trace_zlib_destroy(struct trace_zlib *zlib)
{
    if (zlib == NULL)
        return;
    (void)inflateEnd(&zlib->stream);
    free(zlib);
}

enum pgw_status
trace_zlib_read(struct trace_zlib *zlib,
    enum pgw_status (*more)(void *ctx, const uint8_t **bytes, size_t *n), void *ctx, uint8_t *buf,
    size_t *len)
{
    z_stream *stream = &zlib->stream;
    enum pgw_status status = PGW_OK;
    size_t room = *len;

    stream->next_out = buf;
    stream->avail_out = (uInt)room;
    while (stream->avail_out == room && !zlib->over && status == PGW_OK) {
        const uint8_t *bytes;
        size_t n = stream->avail_in;
        if (n == 0) {
            status = more(ctx, &bytes, &n);
            stream->next_in = (z_const Bytef *)(uintptr_t)bytes;
            stream->avail_in = (uInt)n;
        }
        if (status != PGW_OK)
            break;
        int did = inflate(stream, Z_NO_FLUSH);
        zlib->over = did == Z_STREAM_END;
        if (n == 0 || (did != Z_OK && did != Z_STREAM_END))
            status = did == Z_MEM_ERROR ? PGW_NOMEM : PGW_CORRUPT;
    }
    *len = room - stream->avail_out;
    return status;
}
