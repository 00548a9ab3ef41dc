/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recording the references of programs, for replay.
 *
 *      struct pgw_record_options options;
 *
 *      pgw_record_options_init(&options);
 *      if (pgw_record_to(system, "app.pwt", &options) == PGW_OK &&
 *          pgw_run(system, "./app", argv, environ, &wait_status) == PGW_OK)
 *          ...app.pwt can be opened with pgw_trace_open()...
 *
 * What is recorded: each instruction that is executed (a fetch, in one piece, of its 2 or 4 bytes),
 * each of its accesses to memory, in the order of execution, whichever hart and process it was; and
 * what changes a space.  An atomic operation is READ | WRITE, SC a write whether or not it
 * succeeds.  An access that faults is recorded when it is tried again and goes through; one that
 * ends in a signal never is.  What the system does for the program (read(2) into its buffers, the
 * words on the stack of a signal handler) is not a reference of the program's.
 *
 * The trace's processes are address spaces, numbered from 1 in the order in which they first run: a
 * child of vfork(2) and its parent are one until the child executes a program.
 */
#ifndef PAGEWRIGHT_RECORD_H
#define PAGEWRIGHT_RECORD_H

#include <pagewright/pagewright.h>
#include <pagewright/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pgw_record_options {
    size_t size; /* of this structure: set by pgw_record_options_init() */
    struct pgw_trace_writer_options writer;
};
PGW_API void pgw_record_options_init(struct pgw_record_options *options);

/*
 * Makes the file at path ("-": the standard output), as pgw_trace_writer_create() does; the next
 * pgw_run() records to it and closes it.  If that run cannot begin, no file is made.  When it
 * cannot be written (the disk is full), that run is ended and fails with that status; what could be
 * written is there, without its end, and can be read.  PGW_INVAL: a file is waiting for its run
 * already, or options are wrong; PGW_IO, PGW_ACCESS, PGW_NOTFOUND, PGW_NOMEM.  pgw_error_text()
 * says more.
 */
PGW_API enum pgw_status pgw_record_to(
    struct pgw_system *system, const char *path, const struct pgw_record_options *options);

#ifdef __cplusplus
}
#endif

#endif
