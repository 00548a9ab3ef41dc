/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What DAMON recorded of regions: DAMO's "record" files, and its "perf_script" files, which are
 * what perf script prints of the kernel's trace point damon_aggregated:
 *
 *      kdamond.0 46568 [027] 79357.842179: damon:damon_aggregated:
 *          target_id=0 nr_regions=11 122509119488-135708762112: 5 864      (all on one line)
 *
 *      record: "damon_recfmt_ver", i32 version (1 or 2), then for each snapshot
 *          i64 seconds, i64 nanoseconds, u32 targets, for each target
 *              u64 its number (i32 in version 1), u32 regions, for each region
 *                  u64 start, u64 end, u32 in how many samples it was accessed
 *
 * and its JSON (damon_json.c).  DAMON believes that the pages of a region are accessed alike.  So a
 * region that was accessed in n samples of a snapshot stands for n reads of each of its pages, page
 * after page.  A target is a process, numbered in the order in which they come.
 */
#include "trace/damon.h"

#include "base/size.h"
#include "trace/ownform.h"

#define DAMON_MAGIC "damon_recfmt_ver"
#define DAMON_MAGIC_LEN 16u
/* Of record files: what is left of the snapshot and of its target. */
struct damon_record {
    struct damon damon; /* first, as the others' own */
    uint32_t version, targets_left, regions_left;
};

bool
damon_target(struct damon *damon, uint64_t target)
{
    uint32_t i = 0;

    while (i < damon->ntargets && damon->target[i] != target)
        i++;
    if (i == DAMON_TARGETS)
        return false;
    if (i == damon->ntargets)
        damon->target[damon->ntargets++] = target;
    damon->process = i + 1;
    return true;
}

/* A region of none, or that nobody accessed, is no reference; DAMO adds one with 2^32-1 accesses to
 * files of a single snapshot, as a mark. */
bool
damon_region(struct damon *damon, uint64_t start, uint64_t end, uint64_t accesses)
{
    if (start > end)
        return false;
    damon->va = page_floor(start);
    damon->end = accesses > 0 ? end : damon->va;
    damon->count = accesses < UINT16_MAX ? (uint16_t)accesses : UINT16_MAX;
    return true;
}

void
damon_pages(struct pgw_trace *trace, struct damon *damon, size_t *n)
{
    while (damon->va < damon->end && *n < TRACE_BATCH) {
        trace->refs[(*n)++] = (struct pgw_ref){.va = damon->va,
            .process = damon->process,
            .kind = PGW_REF_READ,
            .count = damon->count};
        damon->va += PAGE_SIZE;
        if (damon->va == 0)
            damon->end = 0;
    }
}

enum pgw_status
damon_open(struct pgw_trace *trace, size_t size)
{
    trace->info.pages = true;
    return trace_make_own(trace, size);
}

/* ---- text ---- */

static const char damon_point[] = "damon:damon_aggregated:";

static bool
damon_text_recognise(const uint8_t *bytes, size_t n, bool text)
{
    return text && memmem(bytes, n, damon_point, sizeof damon_point - 1) != NULL;
}

/* name=NUMBER */
static bool
damon_field(const char **at, const char *name, uint64_t *value)
{
    size_t len = strlen(name);

    trace_blanks(at);
    if (strncmp(*at, name, len) != 0)
        return false;
    *at += len;
    return trace_number(at, false, value);
}

static bool
damon_line(struct damon *damon, const char *at)
{
    uint64_t target, regions, start, end, accesses;

    if (!damon_field(&at, "target_id=", &target) || !damon_field(&at, "nr_regions=", &regions))
        return false;
    trace_blanks(&at);
    if (!trace_number(&at, false, &start) || *at++ != '-' || !trace_number(&at, false, &end) ||
        *at++ != ':')
        return false;
    trace_blanks(&at);
    if (start == 0 && end == 0 && strncmp(at, "-1", 2) == 0)
        return true; /* DAMO's mark */
    return trace_number(&at, false, &accesses) && damon_target(damon, target) &&
           damon_region(damon, start, end, accesses);
}

/* Lines of other events are passed over. */
static enum pgw_status
damon_text_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    struct damon *damon = trace->own;
    enum pgw_status status = PGW_OK;
    const char *line, *point;
    size_t len;

    damon_pages(trace, damon, &batch->nrefs);
    while (status == PGW_OK && batch->nrefs < TRACE_BATCH && !batch->end) {
        line = trace_line(trace, &len);
        batch->end = line == NULL;
        if (line == NULL || (point = strstr(line, damon_point)) == NULL)
            continue;
        if (!damon_line(damon, point + sizeof damon_point - 1))
            status = trace_bad_line(trace, "expected a region as damon_aggregated prints it");
        damon_pages(trace, damon, &batch->nrefs);
    }
    return status;
}

static enum pgw_status
damon_text_open(struct pgw_trace *trace)
{
    return damon_open(trace, sizeof(struct damon));
}

const struct trace_format_ops trace_damon_text = {.format = PGW_TRACE_DAMON,
    .name = "damon",
    .recognise = damon_text_recognise,
    .open = damon_text_open,
    .next = damon_text_next};

/* ---- record ---- */

static bool
damon_record_recognise(const uint8_t *bytes, size_t n, bool text)
{
    (void)text;
    return n >= DAMON_MAGIC_LEN && memcmp(bytes, DAMON_MAGIC, DAMON_MAGIC_LEN) == 0;
}

static enum pgw_status
damon_record_open(struct pgw_trace *trace)
{
    const uint8_t *bytes;
    enum pgw_status status = damon_open(trace, sizeof(struct damon_record));
    struct damon_record *record = trace->own;

    if (status != PGW_OK)
        return status;
    if (trace_source_look(&trace->source, DAMON_MAGIC_LEN + 4, &bytes) < DAMON_MAGIC_LEN + 4)
        return trace_fail(trace, PGW_CORRUPT, "ends in its header: nothing can be read");
    record->version = own_load32(bytes + DAMON_MAGIC_LEN);
    if (record->version != 1 && record->version != 2)
        return trace_fail(trace, PGW_UNSUPPORTED,
            "is of DAMON's record format %u; versions 1 and 2 are known", record->version);
    trace_source_take(&trace->source, DAMON_MAGIC_LEN + 4);
    return PGW_OK;
}

/* Takes the next part of the file: a region, a target, or a snapshot.  false: it is not there, or
 * *what is wrong with it. */
static bool
damon_part(struct pgw_trace *trace, struct damon_record *record, const char **what)
{
    struct trace_source *source = &trace->source;
    size_t id_len = record->version == 1 ? 4 : 8, len = 20;
    const uint8_t *bytes;

    if (record->regions_left == 0 && record->targets_left > 0)
        len = id_len + 4;
    if (trace_source_look(source, len, &bytes) < len)
        return false;
    if (record->regions_left > 0) {
        record->regions_left--;
        *what = "a region that ends before it begins";
        if (!damon_region(
                &record->damon, own_load64(bytes), own_load64(bytes + 8), own_load32(bytes + 16)))
            return false;
    } else if (record->targets_left > 0) {
        record->targets_left--;
        record->regions_left = own_load32(bytes + id_len);
        *what = "more than 1024 targets";
        if (!damon_target(&record->damon, id_len == 8 ? own_load64(bytes) : own_load32(bytes)))
            return false;
    } else {
        record->targets_left = own_load32(bytes + 16);
    }
    *what = NULL;
    trace_source_take(source, len);
    return true;
}

static enum pgw_status
damon_record_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    struct damon_record *record = trace->own;
    const uint8_t *bytes;
    const char *what = NULL;

    damon_pages(trace, &record->damon, &batch->nrefs);
    while (batch->nrefs < TRACE_BATCH && !batch->end) {
        batch->end = !damon_part(trace, record, &what);
        damon_pages(trace, &record->damon, &batch->nrefs);
    }
    if (!batch->end)
        return PGW_OK;
    if (what != NULL)
        return trace_lost(trace, trace->source.offset, 0, what);
    size_t left = trace_source_look(&trace->source, 1, &bytes);
    return left == 0 && record->regions_left + record->targets_left == 0 ? PGW_OK
                                                                         : trace_part(trace, left);
}

const struct trace_format_ops trace_damon_record = {.format = PGW_TRACE_DAMON,
    .name = "damon",
    .recognise = damon_record_recognise,
    .open = damon_record_open,
    .next = damon_record_next};
