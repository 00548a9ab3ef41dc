/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PAGEWRIGHT_COMPARE_RUN_H
#define PAGEWRIGHT_COMPARE_RUN_H

#include "compare_row.h"

/* Makes interrupts (SIGINT, SIGTERM, SIGHUP, SIGQUIT, unless they are ignored) stop the run of
 * compare_run() and all that would follow. */
void compare_catch(void);
/* The signal that did; 0: none yet. */
int compare_interrupted(void);

/*
 * Runs program (NULL-terminated) on the machine config describes, whose mmu is the row's, in a
 * process of its own: what it does to its files, its directory and its memory is gone with it.
 * Its standard input is the file in, from its start; its outputs are only counted and hashed.
 */
void compare_run(
    const struct pgw_config *config, char *const *program, int in, struct compare_row *row);

#endif
