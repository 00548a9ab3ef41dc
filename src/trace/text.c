/* SPDX-License-Identifier: BSD-2-Clause */
/* "l 0xADDR size" for a load, "s 0xADDR size" for a store, as courses hand them out; and, since
 * somebody will ask, "m" for both in one and "i" for a fetch. */
#include "trace/reader.h"

#include <string.h>

struct text_ref {
    uint64_t va, size;
    uint8_t kind;
};

static bool
text_line(const char *line, struct text_ref *ref)
{
    static const char letters[] = "lsmi";
    static const uint8_t kinds[] = {
        PGW_REF_READ, PGW_REF_WRITE, PGW_REF_READ | PGW_REF_WRITE, PGW_REF_FETCH};
    const char *letter;

    trace_blanks(&line);
    if (*line == '\0' || (letter = strchr(letters, *line | 32)) == NULL || line[1] != ' ')
        return false;
    ref->kind = kinds[letter - letters];
    line++;
    trace_blanks(&line);
    if (line[0] != '0' || (line[1] | 32) != 'x')
        return false;
    line += 2;
    if (!trace_number(&line, true, &ref->va) || (*line != ' ' && *line != '\t'))
        return false;
    trace_blanks(&line);
    if (!trace_number(&line, false, &ref->size))
        return false;
    trace_blanks(&line);
    return *line == '\0' && ref->size > 0;
}

static bool
text_recognise(const uint8_t *bytes, size_t n, bool text)
{
    const uint8_t *end = memchr(bytes, '\n', n);
    size_t len = end != NULL ? (size_t)(end - bytes) : n;
    char line[128];
    struct text_ref ref;

    if (!text || len >= sizeof line)
        return false;
    memcpy(line, bytes, len);
    line[len > 0 && line[len - 1] == '\r' ? len - 1 : len] = '\0';
    return text_line(line, &ref);
}

static enum pgw_status
text_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    enum pgw_status status = PGW_OK;
    struct text_ref ref;
    char *line;
    size_t len;

    while (status == PGW_OK && batch->nrefs < TRACE_BATCH && !batch->end) {
        line = trace_line(trace, &len);
        batch->end = line == NULL;
        if (line == NULL || len == 0)
            continue;
        if (!text_line(line, &ref))
            status =
                trace_bad_line(trace, "expected \"l 0xADDRESS BYTES\" or \"s 0xADDRESS BYTES\"");
        else if (!trace_emit(trace, &batch->nrefs, ref.va, ref.size, ref.kind, 1))
            status = trace_bad_line(trace, "more than 16M in one reference");
    }
    return status;
}

const struct trace_format_ops trace_text = {
    .format = PGW_TRACE_TEXT, .name = "text", .recognise = text_recognise, .next = text_next};
