/* SPDX-License-Identifier: BSD-2-Clause */
/* What the commands that measure a trace (mrc, wss) have in common. */
#ifndef PAGEWRIGHT_MEASURE_H
#define PAGEWRIGHT_MEASURE_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <pagewright/trace.h>

#include "longwork.h"

enum measure_form { MEASURE_TEXT, MEASURE_CSV, MEASURE_JSON };

/* Their common options; a child of the command's own parser, which hands it the structure, all
 * zero, in ARGP_KEY_INIT. */
struct measure {
    const char *path; /* of the trace; set by the command */
    enum measure_form form;
    uint64_t page_size;
    unsigned width; /* columns of text */
};
extern const struct argp measure_argp;

/* Reads a number above 0, or a part in (0, 1], that an option was given; or says what is wrong, and
 * exits. */
uint64_t measure_number(struct argp_state *state, const char *option, const char *text);
double measure_part(struct argp_state *state, const char *option, const char *text);
/* The one trace that a command takes. */
void measure_trace(struct argp_state *state, struct measure *measure, const char *path);

/* For the library's progress: shows how far it is.  False: a signal came (longwork.h). */
bool measure_progress(void *ctx, const struct pgw_trace_info *info, uint64_t references);

/* What is damaged of a trace is told, and left out. */
struct measure_damage {
    const char *command, *path;
    uint64_t pieces;
};
void measure_tell_damage(struct pgw_trace_options *reading, struct measure_damage *damage);

/* The exit code of a command that has written what it has to; it says so when that failed. */
int measure_done(const struct measure_damage *damage, bool written, bool complete);

/* ---- text ---- */

#define MEASURE_TEXT_LEN LONGWORK_CELL

/* "1,234,567" into out; returns it. */
static inline const char *
measure_count(uint64_t n, char out[MEASURE_TEXT_LEN])
{
    return longwork_count(out, n);
}
/* "4.0M", "512K", "17". */
const char *measure_bytes(uint64_t bytes, char out[MEASURE_TEXT_LEN]);
/* "1.23 s", "45.6 ms", "789 us", "12 ns". */
const char *measure_time(double ns, char out[MEASURE_TEXT_LEN]);
/* "12.3%", "0.0012%": three digits that count. */
const char *measure_ratio(double ratio, char out[MEASURE_TEXT_LEN]);

/* "R references (...) to P pages ...", a line or two. */
struct measure_totals {
    uint64_t references, reads, writes, fetches, pages, footprint, page_size;
};
void measure_print_totals(
    FILE *out, const char *path, const struct measure_totals *totals, bool complete);

#endif
