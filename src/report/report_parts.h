/* SPDX-License-Identifier: BSD-2-Clause */
/* The groups of the text report that depend on the translation scheme. */
#ifndef REPORT_REPORT_PARTS_H
#define REPORT_REPORT_PARTS_H

#include "report/report.h"
#include "report/report_buf.h"

/* Paged schemes: TLBs, walk caches, walks or refills. */
void report_text_translation(struct report_buf *buf, const struct report_input *in);
/* Contiguous ones: partitions, holes, compaction. */
void report_text_segments(struct report_buf *buf, const struct report_input *in);
/* What switching from one space to another did. */
void report_text_switches(struct report_buf *buf, const struct report_input *in);

#endif
