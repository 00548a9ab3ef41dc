/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libCacheSim's oracleGeneral: 24 bytes a request, little-endian and packed,
 *
 *      u32 time in seconds, u64 object, u32 its size, i64 when it comes next (-1: never)
 *
 * An object is taken for a page, whatever its size.
 */
#include "trace/reader.h"

#include "trace/ownform.h"

#define ORACLE_LEN 24u

/* The time never goes back, and what comes next comes later. */
static bool
oracle_recognise(const uint8_t *bytes, size_t n, bool text)
{
    uint32_t time = 0;

    if (text || n < ORACLE_LEN)
        return false;
    for (size_t i = 0; (i + 1) * ORACLE_LEN <= n; i++) {
        const uint8_t *record = bytes + i * ORACLE_LEN;
        int64_t next = (int64_t)own_load64(record + 16);
        if (own_load32(record) < time ||
            (next != -1 && next != INT64_MAX && (next <= (int64_t)i || next >> 40 != 0)))
            return false;
        time = own_load32(record);
    }
    return true;
}

static enum pgw_status
oracle_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    const uint8_t *bytes;
    size_t n = trace_source_look(&trace->source, (size_t)TRACE_BATCH * ORACLE_LEN, &bytes),
           used = 0;

    for (; used + ORACLE_LEN <= n && batch->nrefs < TRACE_BATCH; used += ORACLE_LEN)
        trace_emit_id(trace, &batch->nrefs, own_load64(bytes + used + 4));
    trace_source_take(&trace->source, used);
    if (batch->nrefs == TRACE_BATCH)
        return PGW_OK;
    batch->end = true;
    return used == n ? PGW_OK : trace_part(trace, n - used);
}

const struct trace_format_ops trace_oracle = {.format = PGW_TRACE_ORACLE,
    .name = "oracleGeneral",
    .recognise = oracle_recognise,
    .next = oracle_next};
