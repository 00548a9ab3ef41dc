/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CSV as libCacheSim reads it: a request a line, by default with a time, an object and a size; a
 * first line without a number in it names the columns.  An object is taken for a page, whatever its
 * size; what is not a number is hashed (XXH3, 64 bits), so that names will do.
 */
#include "trace/reader.h"

#include <string.h>

#include <xxhash.h>

#define CSV_ID 2u /* the usual column of the object */

/* The separator of a line: that of the usual ones which it has most of; 0: none. */
static char
csv_separator(const char *line, size_t len)
{
    static const char usual[] = ",;\t|";
    unsigned count[sizeof usual] = {0}, best = 0;

    for (size_t i = 0; i < len; i++) {
        const char *found = line[i] != '\0' ? strchr(usual, line[i]) : NULL;
        if (found != NULL)
            count[found - usual]++;
    }
    for (unsigned i = 1; i < sizeof usual - 1; i++)
        best = count[i] > count[best] ? i : best;
    return (char)(count[best] > 0 ? usual[best] : '\0');
}

/* A column of a line, counted from 1, without blanks and quotes around it; false: it has not so
 * many, or nothing is there. */
static bool
csv_column(const char *line, char separator, unsigned column, const char **start, size_t *len)
{
    const char *end;

    for (; column > 1; column--) {
        if ((line = strchr(line, separator)) == NULL)
            return false;
        line++;
    }
    trace_blanks(&line);
    if ((end = strchr(line, separator)) == NULL)
        end = line + strlen(line);
    while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (end - line >= 2 && *line == '"' && end[-1] == '"') {
        line++;
        end--;
    }
    *start = line;
    *len = (size_t)(end - line);
    return end > line;
}

static bool
csv_number(const char *start, size_t len, uint64_t *value)
{
    const char *at = start;
    bool hex = len > 2 && start[0] == '0' && (start[1] | 32) == 'x';

    at += hex ? 2 : 0;
    return trace_number(&at, hex, value) && at == start + len;
}

/* A separator in the first line and in the second one, if there is one: a remark before something
 * else may have a comma. */
static bool
csv_recognise(const uint8_t *bytes, size_t n, bool text)
{
    const uint8_t *end = memchr(bytes, '\n', n);
    size_t len = end != NULL ? (size_t)(end - bytes) : n;
    char separator = text && len > 0 ? csv_separator((const char *)bytes, len) : '\0';

    if (separator == '\0' || len + 1 >= n)
        return separator != '\0' && bytes[0] != '#';
    end = memchr(bytes + len + 1, '\n', n - len - 1);
    size_t second = end != NULL ? (size_t)(end - bytes) - len - 1 : n - len - 1;
    return memchr(bytes + len + 1, separator, second) != NULL;
}

/* Does the first line name the columns? */
static bool
csv_is_header(const char *line, char separator, unsigned columns)
{
    const char *start;
    uint64_t number;
    size_t len;

    for (unsigned i = 1; i <= columns; i++) {
        if (csv_column(line, separator, i, &start, &len) && csv_number(start, len, &number))
            return false;
    }
    return true;
}

static enum pgw_status
csv_line(struct pgw_trace *trace, const char *line, size_t *n)
{
    struct pgw_trace_options *options = &trace->options;
    unsigned column = options->csv_id != 0 ? options->csv_id : CSV_ID;
    const char *start;
    uint64_t id;
    size_t len;

    if (options->csv_separator == '\0')
        options->csv_separator = csv_separator(line, strlen(line));
    if (trace->line == 1 &&
        (options->csv_header || csv_is_header(line, options->csv_separator, column + 1)))
        return PGW_OK;
    if (options->csv_separator == '\0' ||
        !csv_column(line, options->csv_separator, column, &start, &len))
        return trace_bad_line(trace, "the column of the object is not there");
    if (!csv_number(start, len, &id))
        id = XXH3_64bits(start, len);
    trace_emit_id(trace, n, id);
    return PGW_OK;
}

static enum pgw_status
csv_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    enum pgw_status status = PGW_OK;
    char *line;
    size_t len;

    while (status == PGW_OK && batch->nrefs < TRACE_BATCH && !batch->end) {
        line = trace_line(trace, &len);
        batch->end = line == NULL;
        if (line != NULL && len > 0)
            status = csv_line(trace, line, &batch->nrefs);
    }
    return status;
}

const struct trace_format_ops trace_csv = {
    .format = PGW_TRACE_CSV, .name = "csv", .recognise = csv_recognise, .next = csv_next};
