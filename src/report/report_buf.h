/* SPDX-License-Identifier: BSD-2-Clause */
/* A string that grows.  After a failed allocation it stays failed, so that only the end asks. */
#ifndef REPORT_REPORT_BUF_H
#define REPORT_REPORT_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

struct report_buf {
    char *text;
    size_t len, room;
    bool failed;
};

void report_buf_add(struct report_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The string is the caller's, to free(); buf is empty again.  PGW_NOMEM if any add failed. */
MUST_CHECK enum pgw_status report_buf_take(struct report_buf *buf, char **text);

/* "1,234,567" into out, which holds at least REPORT_COUNT_LEN bytes; returns out. */
#define REPORT_COUNT_LEN 28
const char *report_count(uint64_t n, char *out);

#endif
