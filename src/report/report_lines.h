/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines that the text report is made of: a label, a figure, and what it means. */
#ifndef REPORT_REPORT_LINES_H
#define REPORT_REPORT_LINES_H

#include "report/report_buf.h"

/* "  label    1,234,567  note" */
void report_line(struct report_buf *buf, const char *label, uint64_t n, const char *note, ...)
    __attribute__((format(printf, 4, 5)));

/* A figure in pages, with its size as a person would write it. */
void report_pages(struct report_buf *buf, const char *label, uint64_t pages, const char *note);

/* Bytes, and how many that is for each of n. */
void report_bytes_each(
    struct report_buf *buf, const char *label, uint64_t bytes, uint64_t n, const char *of_what);

#endif
