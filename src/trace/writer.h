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

/*
 * Copies the description.  From now on first + i is the number of an execution of its first i
 * instructions, 0 <= i <= n.  The caller chooses, so that what a processor puts down is what the
 * writer takes; numbers are small, as tables are indexed by them, and nobody else's: at most
 * TRACE_EXECUTIONS_MAX.  PGW_INVAL: not as described above; PGW_NOMEM.
 */
MUST_CHECK enum pgw_status trace_writer_code(
    struct pgw_trace_writer *writer, const struct trace_code *code, uint32_t first);
#define TRACE_EXECUTIONS_MAX (1u << 26)
/* The code is gone (its page was written or unmapped), and its numbers are free. */
void trace_writer_code_drop(struct pgw_trace_writer *writer, uint32_t first);

/* Accesses that an execution of this number makes. */
size_t trace_writer_accesses(const struct pgw_trace_writer *writer, uint32_t number);

/*
 * n executions, one after the other; the addresses of their accesses, as many as
 * trace_writer_accesses() of each, are at va.  Of no instructions: nothing happens.
 * PGW_IO, PGW_NOSWAP (the disk is full), PGW_NOMEM.
 */
MUST_CHECK enum pgw_status trace_writer_executed(
    struct pgw_trace_writer *writer, const uint32_t *numbers, size_t n, const uint64_t *va);

/* What is to become of the file. */
enum trace_end {
    TRACE_END_WHOLE,   /* it is there if all of it could be written, with its index */
    TRACE_END_MISSING, /* the same without an index: a part of what it was made of is missing */
    TRACE_END_PARTLY,  /* it is there with its index, or, without one, what could be written */
    TRACE_END_NOT      /* it is not wanted */
};
/* pgw_trace_writer_close() is this with TRACE_END_WHOLE, pgw_trace_writer_close_missing() with
 * TRACE_END_MISSING, pgw_trace_writer_discard() with TRACE_END_NOT.  The writer is gone, whatever
 * is returned. */
enum pgw_status trace_writer_end(struct pgw_trace_writer *writer, enum trace_end how);

/* What was to be written is not all there, for this reason, which ending it returns: as if writing
 * it had failed. */
void trace_writer_spoil(struct pgw_trace_writer *writer, enum pgw_status status);

/* References that were given, of every kind. */
uint64_t trace_writer_given(const struct pgw_trace_writer *writer);

#endif
