/* SPDX-License-Identifier: BSD-2-Clause */
/* Free RAM by order, before and after compaction: did it help, and at which orders? */
#ifndef REPORT_REPORT_RUNS_H
#define REPORT_REPORT_RUNS_H

#include <jansson.h>

#include "report/report.h"
#include "report/report_buf.h"

/* Nothing if there was no compaction. */
void report_text_runs(struct report_buf *buf, const struct pgw_stats *stats);
/* null if there was none; NULL: no memory. */
json_t *report_json_runs(const struct pgw_stats *stats);

#endif
