/* SPDX-License-Identifier: BSD-2-Clause */
/* Recording the next run of a system to a trace: pgw_record_to()'s part of pgw_run(). */
#ifndef API_RECORDING_RUN_H
#define API_RECORDING_RUN_H

#include <stdbool.h>

#include "base/result.h"

struct pgw_system;

/* The harts record, if a file waits for this run. */
void recording_run_begin(struct pgw_system *system);
/* All that is left of the program is gone: closes the file.  PGW_IO, PGW_NOSWAP, PGW_NOMEM: not
 * all could be recorded, and the system's error text says so. */
MUST_CHECK enum pgw_status recording_run_end(struct pgw_system *system);
/* The run never began: no file is made. */
void recording_run_cancel(struct pgw_system *system);
/* True once, when recording has failed and the run should be ended. */
bool recording_run_failed(struct pgw_system *system);

#endif
