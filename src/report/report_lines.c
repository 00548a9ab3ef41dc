/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report_lines.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/size.h"

void
report_line(struct report_buf *buf, const char *label, uint64_t n, const char *note, ...)
{
    char count[REPORT_COUNT_LEN], text[256];
    va_list args;

    va_start(args, note);
    (void)vsnprintf(text, sizeof text, note, args);
    va_end(args);
    report_buf_add(buf, "  %-22s %18s%s%s\n", label, report_count(n, count),
        text[0] != '\0' ? "  " : "", text);
}

void
report_pages(struct report_buf *buf, const char *label, uint64_t pages, const char *note)
{
    char size[16];

    base_size_format(pages * PAGE_SIZE, size, sizeof size);
    if (pages > 0)
        report_line(buf, label, pages, "pages, %s%s", size, note);
    else
        report_line(buf, label, 0, "pages");
}

void
report_bytes_each(
    struct report_buf *buf, const char *label, uint64_t bytes, uint64_t n, const char *of_what)
{
    if (n > 0)
        report_line(buf, label, bytes, "bytes, %.1f %s", (double)bytes / (double)n, of_what);
    else
        report_line(buf, label, bytes, "bytes");
}
