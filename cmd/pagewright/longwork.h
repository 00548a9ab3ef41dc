/* SPDX-License-Identifier: BSD-2-Clause */
/* Work that takes a while: progress on a terminal, and a stop by Ctrl-C that leaves what there is.
 */
#ifndef PAGEWRIGHT_LONGWORK_H
#define PAGEWRIGHT_LONGWORK_H

#include <stdint.h>

/* From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT, unless they are ignored, are only noted; a
 * second one ends the process as ever. */
void longwork_catch(void);
/* The signal that came; 0: none. */
int longwork_signal(void);

/* On a terminal (standard error), now and then: "what 42% (123,456,789 references)"; all 0: not
 * known. */
void longwork_progress(const char *what, uint64_t done, uint64_t all, uint64_t references);
void longwork_progress_clear(void);

/* What a trace is called, to people: "-" is standard input. */
const char *longwork_name(const char *path);

/* "s", but for one: "1 page", "2 pages". */
const char *longwork_s(uint64_t n);

/* "1,234,567" into cell, which is returned. */
#define LONGWORK_CELL 32
const char *longwork_count(char cell[LONGWORK_CELL], uint64_t n);

#endif
