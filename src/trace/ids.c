/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page numbers, decimal or with 0x: one a line, or several with blanks between, as textbooks write
 * reference strings.  Empty lines are ignored, and what begins with #.  Columns of numbers would be
 * read as pages, too: they are CSV with another separator.
 */
#include "trace/reader.h"

#include <string.h>

struct ids {
    const char *rest; /* of the line that is read; NULL: there is none */
};

/* The next number of a line, which is moved behind it. */
static bool
ids_word(const char **line, uint64_t *id)
{
    bool hex = (*line)[0] == '0' && ((*line)[1] | 32) == 'x';

    *line += hex ? 2 : 0;
    return trace_number(line, hex, id) && strchr(" \t#", **line) != NULL;
}

/* Is there nothing more in the line?  Else it is moved to what there is. */
static bool
ids_over(const char **line)
{
    trace_blanks(line);
    return **line == '\0' || **line == '#';
}

/* The first line that says something must begin with a number. */
static bool
ids_recognise(const uint8_t *bytes, size_t n, bool text)
{
    char line[64];

    while (text && n > 0) {
        const uint8_t *end = memchr(bytes, '\n', n);
        size_t len = end != NULL ? (size_t)(end - bytes) : n;
        size_t kept = len < sizeof line ? len : sizeof line - 1;
        const char *at = line;
        uint64_t id;
        memcpy(line, bytes, kept);
        line[kept > 0 && line[kept - 1] == '\r' ? kept - 1 : kept] = '\0';
        if (!ids_over(&at))
            return ids_word(&at, &id);
        if (end == NULL)
            return false;
        bytes += len + 1;
        n -= len + 1;
    }
    return false;
}

static enum pgw_status
ids_open(struct pgw_trace *trace)
{
    return trace_make_own(trace, sizeof(struct ids));
}

static enum pgw_status
ids_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    struct ids *ids = trace->own;
    enum pgw_status status = PGW_OK;
    uint64_t id;
    size_t len;

    while (status == PGW_OK && batch->nrefs < TRACE_BATCH && !batch->end) {
        if (ids->rest == NULL || ids_over(&ids->rest)) {
            ids->rest = trace_line(trace, &len);
            batch->end = ids->rest == NULL;
        } else if (ids_word(&ids->rest, &id)) {
            trace_emit_id(trace, &batch->nrefs, id);
        } else {
            ids->rest = NULL;
            status = trace_bad_line(trace, "expected a page number, such as 4711 or 0x1267");
        }
    }
    return status;
}

const struct trace_format_ops trace_ids = {.format = PGW_TRACE_IDS,
    .name = "ids",
    .recognise = ids_recognise,
    .open = ids_open,
    .next = ids_next};
