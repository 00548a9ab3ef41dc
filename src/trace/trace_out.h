/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trace's file while it is written: its header, its blocks and its index.  Blocks are compressed
 * and written by a thread, while the writer fills the next one.
 *
 *      writer:  trace_out_next() -> a build to fill ... trace_out_next() -> the other one ...
 *      thread:  waits for a build handed over, packs it, writes it, gives it back
 */
#ifndef TRACE_TRACE_OUT_H
#define TRACE_TRACE_OUT_H

#include "trace/trace_build.h"
#include "trace/writer.h"

struct trace_out;

/* path as for pgw_trace_writer_create(), which documents options, the results and why. */
MUST_CHECK enum pgw_status trace_out_create(const char *path,
    const struct pgw_trace_writer_options *options, struct trace_out **out, char *why);

/*
 * Hands the block over that was filled until now, if there is one and it is not empty, and says
 * which to fill next: empty, and beginning at time `at`.  What went wrong with an earlier one:
 * PGW_IO, PGW_NOSWAP, PGW_NOMEM, and from then on always; *build is to be filled all the same.
 */
MUST_CHECK enum pgw_status trace_out_next(
    struct trace_out *out, uint64_t at, struct trace_build **build);

/* Writes what is left and the index, which says how many processes there were, and closes.  The
 * file is at its place only if all went well, status included, which is how it was with the writer;
 * with TRACE_END_PARTLY, if any block is in it. */
MUST_CHECK enum pgw_status trace_out_close(
    struct trace_out *out, uint64_t processes, enum pgw_status status, enum trace_end how);

#endif
