/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of processes, a line each, for people and for programs. */
#ifndef REPORT_REPORT_GROUPS_H
#define REPORT_REPORT_GROUPS_H

#include <jansson.h>

#include "report/report.h"
#include "report/report_buf.h"

/* Nothing if there are no groups. */
void report_text_groups(struct report_buf *buf, const struct report_input *input);
/* An array; NULL: no memory. */
json_t *report_json_groups(const struct report_input *input);

#endif
