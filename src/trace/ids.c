/* SPDX-License-Identifier: BSD-2-Clause */
/* One page number a line, decimal or with 0x; what follows it, after a blank, is ignored, and so
 * are empty lines and those that begin with #. */
#include "trace/reader.h"

#include <string.h>

static bool
ids_line(const char *line, uint64_t *id)
{
    bool hex;

    trace_blanks(&line);
    hex = line[0] == '0' && (line[1] == 'x' || line[1] == 'X');
    line += hex ? 2 : 0;
    return trace_number(&line, hex, id) && (*line == '\0' || *line == ' ' || *line == '\t');
}

static bool
ids_skip(const char *line)
{
    trace_blanks(&line);
    return *line == '\0' || *line == '#';
}

/* Its first line that says something must be a number. */
static bool
ids_recognise(const uint8_t *bytes, size_t n, bool text)
{
    char line[64];

    while (text && n > 0) {
        const uint8_t *end = memchr(bytes, '\n', n);
        size_t len = end != NULL ? (size_t)(end - bytes) : n;
        size_t kept = len < sizeof line ? len : sizeof line - 1;
        uint64_t id;
        memcpy(line, bytes, kept);
        line[kept > 0 && line[kept - 1] == '\r' ? kept - 1 : kept] = '\0';
        if (!ids_skip(line))
            return ids_line(line, &id);
        if (end == NULL)
            return false;
        bytes += len + 1;
        n -= len + 1;
    }
    return false;
}

static enum pgw_status
ids_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    enum pgw_status status = PGW_OK;
    const char *line;
    uint64_t id;
    size_t len;

    while (status == PGW_OK && batch->nrefs < TRACE_BATCH && !batch->end) {
        line = trace_line(trace, &len);
        batch->end = line == NULL;
        if (line == NULL || ids_skip(line))
            continue;
        if (!ids_line(line, &id))
            status = trace_bad_line(trace, "expected a page number, such as 4711 or 0x1267");
        else
            trace_emit_id(trace, &batch->nrefs, id);
    }
    return status;
}

const struct trace_format_ops trace_ids = {
    .format = PGW_TRACE_IDS, .name = "ids", .recognise = ids_recognise, .next = ids_next};
