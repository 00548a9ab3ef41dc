/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What DAMO writes by default: JSON, as it is ("json") or as one zlib stream ("json_compressed").
 * Read from DAMO's source, _damo_records.py and _damon.py, version 2 and 3:
 *
 *      [{"target_id": 0, ..., "snapshots": [
 *          {"start_time": ..., "end_time": ..., "regions": [
 *              {"start": "4,096", "end": "8,192", "nr_accesses": {"samples": 5, ...}, ...}, ...]},
 *          ...]}, ...]
 *
 * A record is of one target, so what several targets did comes one after the other.  Numbers are
 * numbers, or strings with commas in them.
 *
 * A file holds all snapshots of a long time: it is gone through here down to the snapshots, and
 * these, and what else there is, are given to jansson one by one.
 */
#include "trace/damon.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define DAMON_JSON_VALUE_MAX ((size_t)64 << 20) /* bytes of a snapshot: DAMON has 1000 regions */

/*
 *      START --[--> RECORDS --{--> RECORD --"snapshots":[--> SNAPSHOTS
 *                    |   ^---}-------' ^-----------]-----------'
 *                    `-]-> OVER
 */
enum damon_json_place {
    DAMON_JSON_START,
    DAMON_JSON_RECORDS,
    DAMON_JSON_RECORD,
    DAMON_JSON_SNAPSHOTS,
    DAMON_JSON_OVER
};

struct damon_json {
    struct damon damon; /* first, as the others' own */
    enum damon_json_place place;
    json_t *snapshot; /* NULL: none is being handed out */
    size_t next;      /* region of it */
};

static bool
damon_json_recognise(const uint8_t *bytes, size_t n, bool text)
{
    size_t at = 0;

    while (at < n && (bytes[at] == ' ' || (bytes[at] >= '\t' && bytes[at] <= '\r')))
        at++;
    return text && at < n && bytes[at] == '[' && memmem(bytes, n, "\"target_id\"", 11) != NULL;
}

static enum pgw_status
damon_json_open(struct pgw_trace *trace)
{
    return damon_open(trace, sizeof(struct damon_json));
}

static void
damon_json_close(struct pgw_trace *trace)
{
    struct damon_json *json = trace->own;

    if (json != NULL)
        json_decref(json->snapshot);
    free(json);
}

/* ---- the text ---- */

/* What comes after blanks, which is not taken; 0: nothing does. */
static char
damon_json_peek(struct trace_source *source)
{
    const uint8_t *bytes;

    while (trace_source_look(source, 1, &bytes) > 0) {
        if (*bytes != ' ' && *bytes != '\t' && *bytes != '\n' && *bytes != '\r')
            return (char)*bytes;
        trace_source_take(source, 1);
    }
    return '\0';
}

static bool
damon_json_take(struct trace_source *source, char c)
{
    if (c == '\0' || damon_json_peek(source) != c)
        return false;
    trace_source_take(source, 1);
    return true;
}

/* Where one is in a value whose end is looked for. */
struct damon_json_scan {
    unsigned depth;
    bool string, escaped;
};

/* Is c the last of the value, or (*behind) behind its last? */
static bool
damon_json_ends(struct damon_json_scan *scan, char c, bool *behind)
{
    *behind = false;
    if (scan->string) {
        scan->string = scan->escaped || c != '"';
        scan->escaped = !scan->escaped && c == '\\';
        return !scan->string && scan->depth == 0;
    }
    scan->string = c == '"';
    if (c == '[' || c == '{') {
        scan->depth++;
        return false;
    }
    *behind = scan->depth == 0 && c != '\0' && strchr(",:]} \t\r\n", c) != NULL;
    return *behind || ((c == ']' || c == '}') && --scan->depth == 0);
}

/* How long the value is that begins here; 0: there is none, or not all of it. */
static size_t
damon_json_len(struct trace_source *source, const uint8_t **bytes)
{
    struct damon_json_scan scan = {0};
    size_t at = 0, n;
    bool behind;

    (void)damon_json_peek(source);
    while (at < DAMON_JSON_VALUE_MAX && (n = trace_source_look(source, at + 1, bytes)) > at) {
        for (; at < n; at++) {
            if (damon_json_ends(&scan, (char)(*bytes)[at], &behind))
                return behind ? at : at + 1;
        }
    }
    return 0;
}

/* ---- regions ---- */

/* 4096, "4096" or "4,096"; false: none of them.  Below 0 is 0. */
static bool
damon_json_number(const json_t *json, uint64_t *value)
{
    char digits[32];
    const char *at = digits;
    size_t n = 0;

    if (json_is_integer(json)) {
        *value = json_integer_value(json) > 0 ? (uint64_t)json_integer_value(json) : 0;
        return true;
    }
    if (!json_is_string(json))
        return false;
    for (const char *c = json_string_value(json); *c != '\0' && n < sizeof digits - 1; c++) {
        if (*c != ',')
            digits[n++] = *c;
    }
    digits[n] = '\0';
    return trace_number(&at, false, value) && *at == '\0';
}

/* Takes the next region of the snapshot, or puts the snapshot away. */
static const char *
damon_json_region(struct damon_json *json)
{
    const json_t *regions = json_object_get(json->snapshot, "regions");
    const json_t *region = json_array_get(regions, json->next++);
    uint64_t start, end, accesses;

    if (region == NULL) {
        const char *wrong = json_is_array(regions) ? NULL : "a snapshot without regions";
        json_decref(json->snapshot);
        json->snapshot = NULL;
        return wrong;
    }
    const json_t *counted = json_object_get(region, "nr_accesses");
    if (json_is_object(counted))
        counted = json_object_get(counted, "samples");
    if (!damon_json_number(json_object_get(region, "start"), &start) ||
        !damon_json_number(json_object_get(region, "end"), &end) ||
        !damon_json_number(counted, &accesses))
        return "a region without numbers for start, end and nr_accesses.samples";
    return damon_region(&json->damon, start, end, accesses) ? NULL
                                                            : "a region that ends before it begins";
}

/* ---- records ---- */

static const char damon_json_not[] = "ends too early, or is no JSON as DAMO writes it";

/* A name and its value. */
static const char *
damon_json_member(struct trace_source *source, struct damon_json *json)
{
    const uint8_t *bytes;
    size_t len = damon_json_len(source, &bytes);
    bool snapshots = len == 11 && memcmp(bytes, "\"snapshots\"", 11) == 0;
    bool target = len == 11 && memcmp(bytes, "\"target_id\"", 11) == 0;

    if (len < 2 || *bytes != '"')
        return damon_json_not;
    trace_source_take(source, len);
    if (!damon_json_take(source, ':'))
        return damon_json_not;
    if (snapshots && damon_json_peek(source) == '[') {
        trace_source_take(source, 1);
        json->place = DAMON_JSON_SNAPSHOTS;
        return NULL;
    }
    if ((len = damon_json_len(source, &bytes)) == 0)
        return damon_json_not;
    /* Kernel addresses were targets once, and are too large for JSON's integers: any text will do.
     */
    if (target && !damon_target(&json->damon, XXH64(bytes, len, 0)))
        return "more than 1024 targets";
    trace_source_take(source, len);
    return NULL;
}

static const char damon_json_memory[] = "out of memory for a snapshot";

static const char *
damon_json_snapshot(struct trace_source *source, struct damon_json *json)
{
    const uint8_t *bytes;
    size_t len = damon_json_len(source, &bytes);
    json_error_t error;

    if (len == 0 || json->damon.process == 0)
        return damon_json_not;
    json->snapshot = json_loadb((const char *)bytes, len, 0, &error);
    json->next = 0;
    if (json->snapshot == NULL)
        return json_error_code(&error) == json_error_out_of_memory ? damon_json_memory
                                                                   : damon_json_not;
    trace_source_take(source, len);
    return NULL;
}

/* One step on; what is wrong, or NULL. */
static const char *
damon_json_step(struct trace_source *source, struct damon_json *json)
{
    if (json->snapshot != NULL)
        return damon_json_region(json);
    if (json->place == DAMON_JSON_START) {
        json->place = DAMON_JSON_RECORDS;
        return damon_json_take(source, '[') ? NULL : damon_json_not;
    }
    (void)damon_json_take(source, ',');
    switch (json->place) {
    case DAMON_JSON_RECORDS:
        json->place = damon_json_take(source, '{') ? DAMON_JSON_RECORD : DAMON_JSON_OVER;
        return json->place == DAMON_JSON_RECORD ||
                       (damon_json_take(source, ']') && damon_json_peek(source) == '\0')
                   ? NULL
                   : damon_json_not;
    case DAMON_JSON_RECORD:
        if (!damon_json_take(source, '}'))
            return damon_json_member(source, json);
        json->place = DAMON_JSON_RECORDS;
        return NULL;
    default:
        if (!damon_json_take(source, ']'))
            return damon_json_snapshot(source, json);
        json->place = DAMON_JSON_RECORD;
        return NULL;
    }
}

static enum pgw_status
damon_json_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    struct damon_json *json = trace->own;
    struct trace_source *source = &trace->source;
    const char *wrong = NULL;
    uint64_t offset = source->offset;

    damon_pages(trace, &json->damon, &batch->nrefs);
    while (wrong == NULL && batch->nrefs < TRACE_BATCH && json->place != DAMON_JSON_OVER) {
        wrong = damon_json_step(source, json);
        offset = source->offset;
        damon_pages(trace, &json->damon, &batch->nrefs);
    }
    batch->end = wrong != NULL || (json->place == DAMON_JSON_OVER && batch->nrefs < TRACE_BATCH);
    if (wrong == NULL)
        return PGW_OK;
    json->place = DAMON_JSON_OVER;
    if (wrong == damon_json_memory)
        return trace_fail(trace, PGW_NOMEM, "%s", wrong);
    return source->status != PGW_OK ? source->status : trace_lost(trace, offset, 0, wrong);
}

const struct trace_format_ops trace_damon_json = {.format = PGW_TRACE_DAMON,
    .name = "damon",
    .recognise = damon_json_recognise,
    .open = damon_json_open,
    .next = damon_json_next,
    .close = damon_json_close};
