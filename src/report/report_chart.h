/* SPDX-License-Identifier: BSD-2-Clause */
/* A small bar chart of the working set over time, in ASCII. */
#ifndef REPORT_REPORT_CHART_H
#define REPORT_REPORT_CHART_H

#include "report/report.h"
#include "report/report_buf.h"

/* input has at least one window, of which the largest holds max pages. */
void report_chart(const struct report_input *input, uint64_t max, struct report_buf *buf);

#endif
