/* SPDX-License-Identifier: BSD-2-Clause */
/* What measuring curves and measuring working sets have in common: a trace, its pages, and one way
 * through it. */
#ifndef API_SURVEY_H
#define API_SURVEY_H

#include "replay/traverse.h"

#define PGW_CURVE_PAGE 4096u /* bytes of a page, unless one says otherwise */

struct survey {
    struct base_alloc alloc;
    struct traverse traverse;
    uint64_t reduced; /* the trace's */
    bool complete;
};

/* Zeroed memory; NULL, with a line in why. */
void *survey_alloc(size_t len, char *why);
void survey_free(void *memory, size_t len);

/* Writes a line into why, which has room for PGW_TRACE_WHY bytes, and returns status. */
__attribute__((format(printf, 3, 4))) enum pgw_status survey_fail(
    char *why, enum pgw_status status, const char *format, ...);

/* What is to be said of a trace that cannot be replayed or measured: of PGW_RANGE, PGW_INVAL,
 * PGW_NOSWAP and PGW_IO what to do, of others what they are. */
const char *survey_failure(enum pgw_status status);

/* Opens the trace.  survey is all zero, and survey_fini() may be called whatever comes of it. */
MUST_CHECK enum pgw_status survey_init(struct survey *survey, const char *path,
    const struct pgw_trace_options *options, uint64_t page_size, char *why);
/* Reads it, once the sinks are in traverse.  An interruption is no failure. */
MUST_CHECK enum pgw_status survey_run(struct survey *survey, char *why);
void survey_fini(struct survey *survey);

struct survey_totals {
    struct replay_totals refs;
    uint64_t pages, footprint;
};
void survey_totals(const struct survey *survey, struct survey_totals *totals);

#endif
