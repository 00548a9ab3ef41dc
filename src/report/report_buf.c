/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report_buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
report_buf_grow(struct report_buf *buf, size_t more)
{
    size_t room = buf->room > 0 ? buf->room : 1024;

    while (room - buf->len <= more)
        room *= 2;
    if (room == buf->room)
        return true;
    char *text = realloc(buf->text, room);
    if (text == NULL)
        return false;
    buf->text = text;
    buf->room = room;
    return true;
}

void
report_buf_add(struct report_buf *buf, const char *format, ...)
{
    va_list args;

    if (buf->failed)
        return;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || !report_buf_grow(buf, (size_t)len)) {
        buf->failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(buf->text + buf->len, buf->room - buf->len, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

enum pgw_status
report_buf_take(struct report_buf *buf, char **text)
{
    struct report_buf taken = *buf;

    *buf = (struct report_buf){0};
    if (taken.failed || taken.text == NULL) {
        free(taken.text);
        return PGW_NOMEM;
    }
    *text = taken.text;
    return PGW_OK;
}

const char *
report_count(uint64_t n, char *out)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    char *to = out;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}
