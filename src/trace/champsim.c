/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ChampSim's input_instr: 64 bytes an instruction, little-endian,
 *
 *      u64 address, u8 is it a branch, u8 was it taken, u8 registers written [2], read [4],
 *      u64 memory written [2], u64 memory read [4]; an address of 0 means none
 *
 * It stands for the fetch, what is read, and what is written, all of unknown size.
 */
#include "trace/reader.h"

#include "trace/ownform.h"

#define CHAMPSIM_LEN 64u
#define CHAMPSIM_REFS 7u

static bool
champsim_recognise(const uint8_t *bytes, size_t n, bool text)
{
    if (text || n < CHAMPSIM_LEN)
        return false;
    for (size_t at = 0; at + CHAMPSIM_LEN <= n; at += CHAMPSIM_LEN) {
        uint8_t branch = bytes[at + 8], taken = bytes[at + 9];
        if (branch > 1 || taken > branch || own_load64(bytes + at) == 0)
            return false;
    }
    return true;
}

static void
champsim_memory(
    struct pgw_trace *trace, size_t *n, const uint8_t *addresses, unsigned count, uint8_t kind)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t va = own_load64(addresses + (size_t)8 * i);
        if (va != 0)
            (void)trace_emit(trace, n, va, 0, kind, 1);
    }
}

static enum pgw_status
champsim_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    const uint8_t *bytes;
    size_t most = (size_t)TRACE_BATCH / CHAMPSIM_REFS * CHAMPSIM_LEN, used;
    size_t n = trace_source_look(&trace->source, most, &bytes);

    n = n < most ? n : most;
    for (used = 0; used + CHAMPSIM_LEN <= n; used += CHAMPSIM_LEN) {
        const uint8_t *record = bytes + used;
        (void)trace_emit(trace, &batch->nrefs, own_load64(record), 0, PGW_REF_FETCH, 1);
        champsim_memory(trace, &batch->nrefs, record + 32, 4, PGW_REF_READ);
        champsim_memory(trace, &batch->nrefs, record + 16, 2, PGW_REF_WRITE);
    }
    trace_source_take(&trace->source, used);
    if (n == most)
        return PGW_OK;
    batch->end = true;
    return used == n ? PGW_OK : trace_part(trace, n - used);
}

const struct trace_format_ops trace_champsim = {.format = PGW_TRACE_CHAMPSIM,
    .name = "champsim",
    .recognise = champsim_recognise,
    .next = champsim_next};
