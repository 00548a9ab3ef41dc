/* SPDX-License-Identifier: BSD-2-Clause */
/* A small trace, reference by reference, as a textbook shows it; and asking before telling. */
#ifndef PAGEWRIGHT_REPLAY_STEP_H
#define PAGEWRIGHT_REPLAY_STEP_H

#include <stdbool.h>
#include <stdio.h>

#include <pagewright/replay.h>

#define REPLAY_STEPS_MAX 1000u  /* references */
#define REPLAY_FRAMES_SHOWN 64u /* of a row */

struct replay_steps;

/* Notes the steps of a replay that is about to be run.  NULL: no memory. */
struct replay_steps *replay_steps_watch(
    struct pgw_replay *replay, unsigned nrows, uint64_t page_size);
void replay_steps_free(struct replay_steps *steps);

/* Why they cannot be shown; NULL: they can. */
const char *replay_steps_wrong(const struct replay_steps *steps);

/* Each row as a table: a line a frame, a column a reference.  False: it could not be written. */
bool replay_steps_show(const struct replay_steps *steps, FILE *out);
/* Asks about each reference of each row, reading answers from in until it ends. */
bool replay_steps_quiz(const struct replay_steps *steps, FILE *in, FILE *out);

#endif
