/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The services of the memory manager, each a group of figures that text and JSON both show.  A new
 * figure is a row of the table in report_services.c.
 */
#ifndef REPORT_REPORT_SERVICES_H
#define REPORT_REPORT_SERVICES_H

#include <jansson.h>

#include "report/report.h"
#include "report/report_buf.h"

/* Each group with a figure other than zero. */
void report_text_services(struct report_buf *buf, const struct report_input *input);
/* All groups, as an object of objects; NULL: no memory. */
json_t *report_json_services(const struct pgw_stats *stats);

#endif
