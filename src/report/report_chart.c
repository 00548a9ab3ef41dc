/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report_chart.h"

#include "base/size.h"

#define CHART_COLUMNS 60u
#define CHART_ROWS 5u

/* Each column shows the largest of the windows that fall into it: peaks are what RAM is bought
 * for, so averaging them away would mislead. */
static unsigned
report_chart_columns(const struct report_input *input, uint64_t *columns)
{
    size_t n = input->nwindows;
    unsigned ncolumns = n < CHART_COLUMNS ? (unsigned)n : CHART_COLUMNS;

    for (size_t i = 0; i < n; i++) {
        size_t at = i * ncolumns / n;
        if (input->windows[i].pages > columns[at])
            columns[at] = input->windows[i].pages;
    }
    return ncolumns;
}

/* Of the row-th row from below; a column reaches a row that it only begins to fill: what is not
 * nothing shows. */
static void
report_chart_row(
    const uint64_t *columns, unsigned ncolumns, uint64_t max, unsigned row, struct report_buf *buf)
{
    char bars[CHART_COLUMNS + 1] = "";
    unsigned len = 0;

    for (unsigned i = 0; i < ncolumns; i++) {
        uint64_t height = max > 0 ? (columns[i] * CHART_ROWS + max - 1) / max : 0;
        bars[i] = height >= row ? '#' : ' ';
        if (height >= row)
            len = i + 1;
    }
    bars[len] = '\0'; /* no blanks at the end */
    report_buf_add(buf, "%s\n", bars);
}

void
report_chart(const struct report_input *input, uint64_t max, struct report_buf *buf)
{
    uint64_t columns[CHART_COLUMNS] = {0};
    unsigned ncolumns = report_chart_columns(input, columns);
    char size[16], count[REPORT_COUNT_LEN];

    base_size_format(max * PAGE_SIZE, size, sizeof size);
    for (unsigned row = CHART_ROWS; row > 0; row--) {
        report_buf_add(buf, "  %9s |", row == CHART_ROWS ? size : "");
        report_chart_row(columns, ncolumns, max, row, buf);
    }
    report_buf_add(buf, "  %9s +", "0");
    for (unsigned i = 0; i < ncolumns; i++)
        report_buf_add(buf, "-");
    uint64_t end = input->windows[input->nwindows - 1].start + input->window;
    if (end > input->stats.instructions)
        end = input->stats.instructions; /* the last window was not full */
    report_buf_add(buf, "> %s instructions\n", report_count(end, count));
}
