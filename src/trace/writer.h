/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing by pieces of code: what a recorder of a processor has at hand.
 *
 * A piece of code is a straight run of instructions: it is described once, with the memory that
 * each instruction accesses.  An execution is then its number, how many of its instructions were
 * done, and the addresses of the accesses, and stands for fetches and accesses in program order:
 * per instruction first the fetch, then its accesses.  Executions, plain references
 * (pgw_trace_write) and events may be mixed; their order is the trace's.
 *
 * A writer belongs to one thread at a time.  Compression and writing happen on a thread of the
 * writer's own; an error of theirs is what the next call returns, and every later one.
 */
#ifndef TRACE_WRITER_H
#define TRACE_WRITER_H

#include <pagewright/trace.h>

#include "base/result.h"

#define TRACE_CODE_INSNS_MAX 1024u    /* instructions in a piece of code */
#define TRACE_CODE_ACCESSES_MAX 4096u /* accesses to memory in one */

struct trace_code_access {
    uint16_t insn; /* which instruction makes it, counted from 0; never less than the one before */
    uint8_t kind;  /* PGW_REF_READ, PGW_REF_WRITE or both */
    uint8_t size;  /* bytes */
};

struct trace_code {
    uint32_t process;
    uint64_t pc;
    const uint8_t *len; /* bytes of each instruction */
    size_t n;           /* instructions, at least 1 */
    const struct trace_code_access *access;
    size_t naccess; /* may be 0 */
};

/* Copies the description.  Numbers are small; those that were dropped are given out again.
 * PGW_INVAL: not as described above; PGW_NOMEM. */
MUST_CHECK enum pgw_status trace_writer_code(
    struct pgw_trace_writer *writer, const struct trace_code *code, uint32_t *id);
/* The code is gone (its page was written or unmapped). */
void trace_writer_code_drop(struct pgw_trace_writer *writer, uint32_t id);

/* Accesses that the first ninsns instructions make. */
size_t trace_writer_accesses(const struct pgw_trace_writer *writer, uint32_t id, size_t ninsns);

/*
 * The first ninsns instructions of code id were executed, and accessed va[0 .. nva): nva is
 * trace_writer_accesses() of them.  ninsns may be 0 (then nothing happens).
 * PGW_IO, PGW_NOSWAP (the disk is full), PGW_NOMEM.
 */
MUST_CHECK enum pgw_status trace_writer_executed(
    struct pgw_trace_writer *writer, uint32_t id, size_t ninsns, const uint64_t *va, size_t nva);

#endif
