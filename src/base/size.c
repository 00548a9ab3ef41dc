/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/size.h"

#include <string.h>

static const char size_units[] = "KMGTPE";

/* What the unit at the end of a size is worth, in bytes; 0: it is none. */
static uint64_t
size_unit(const char *text, uint64_t page)
{
    static const char units[] = "KkMmGgTt";
    const char *at = text[0] != '\0' ? strchr(units, text[0]) : NULL;
    unsigned power = at != NULL ? (unsigned)(at - units) / 2 + 1 : 0;

    if (strcmp(text, "p") == 0)
        return page;
    text += power > 0;
    if (power > 0 && (text[0] == 'i' || text[0] == 'I') && text[1] != '\0')
        text++;
    text += text[0] == 'B' || text[0] == 'b';
    return text[0] == '\0' ? (uint64_t)1 << 10 * power : 0;
}

enum pgw_status
base_size_parse(const char *text, uint64_t page, uint64_t *bytes)
{
    uint64_t n = 0;
    bool fits = true;

    if (*text < '0' || *text > '9')
        return PGW_INVAL;
    for (; *text >= '0' && *text <= '9'; text++) {
        unsigned digit = (unsigned)(*text - '0');
        fits = fits && n <= ((uint64_t)INT64_MAX - digit) / 10;
        n = n * 10 + digit;
    }
    uint64_t unit = size_unit(text, page);
    if (unit == 0)
        return PGW_INVAL;
    if (!fits || n > (uint64_t)INT64_MAX / unit)
        return PGW_RANGE;
    *bytes = n * unit;
    return PGW_OK;
}

/* Appends n in decimal to out (len bytes, pos of them used); what does not fit is cut off. */
static size_t
size_put_number(char *out, size_t len, size_t pos, uint64_t n)
{
    char digits[20];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    while (count > 0 && pos + 1 < len)
        out[pos++] = digits[--count];
    return pos;
}

static size_t
size_put_char(char *out, size_t len, size_t pos, char c)
{
    if (pos + 1 < len)
        out[pos++] = c;
    return pos;
}

/*
 * No stdio and no floating point: this may run where neither can be used.  Below 10 units one
 * decimal is shown, above none, each rounded to the nearest; what rounds up to 1024 of a unit is
 * shown as 1.0 of the next.
 */
void
base_size_format(uint64_t bytes, char *out, size_t len)
{
    size_t pos = 0;

    if (len == 0)
        return;
    if (bytes < 1024) {
        pos = size_put_number(out, len, pos, bytes);
        out[pos] = '\0';
        return;
    }
    unsigned unit = (63u - (unsigned)__builtin_clzll(bytes)) / 10;
    uint64_t whole = bytes >> 10 * unit;
    uint64_t thousandths = (bytes >> 10 * (unit - 1) & 1023) * 1000 / 1024;
    uint64_t tenths = whole * 10 + (thousandths + 50) / 100;
    uint64_t rounded = whole + (thousandths >= 500);

    if (rounded == 1024) {
        unit++;
        tenths = 10;
    }
    if (tenths < 100) {
        pos = size_put_number(out, len, pos, tenths / 10);
        pos = size_put_char(out, len, pos, '.');
        pos = size_put_number(out, len, pos, tenths % 10);
    } else {
        pos = size_put_number(out, len, pos, rounded);
    }
    pos = size_put_char(out, len, pos, size_units[unit - 1]);
    out[pos] = '\0';
}
