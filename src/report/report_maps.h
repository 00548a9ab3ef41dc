/* SPDX-License-Identifier: BSD-2-Clause */
/* What each process had mapped when it ended, a line a region, for people and for programs. */
#ifndef REPORT_REPORT_MAPS_H
#define REPORT_REPORT_MAPS_H

#include <jansson.h>

#include "report/report.h"
#include "report/report_buf.h"

/* Nothing if maps were not asked for. */
void report_text_maps(struct report_buf *buf, const struct report_input *input);
/* An array, empty if they were not asked for; NULL: no memory. */
json_t *report_json_maps(const struct report_input *input);

#endif
