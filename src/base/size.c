/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/size.h"

#include <string.h>

static const char size_units[] = "KMGTPE";

/* The power of 1024 that *text begins with, past which *text is moved; 0: none. */
static unsigned
size_take_unit(const char **text)
{
    char c = **text;

    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    const char *at = c == '\0' ? NULL : strchr(size_units, c);
    if (at == NULL)
        return 0;
    ++*text;
    return (unsigned)(at - size_units) + 1;
}

/* True if text is what may follow the number and its unit. */
static bool
size_suffix_ok(const char *text, bool unit)
{
    if (unit && (text[0] == 'i' || text[0] == 'I'))
        return (text[1] == 'B' || text[1] == 'b') && text[2] == '\0';
    if (text[0] == 'B' || text[0] == 'b')
        text++;
    return text[0] == '\0';
}

enum pgw_status
base_size_parse(const char *text, uint64_t *bytes)
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
    unsigned unit = size_take_unit(&text);
    if (!size_suffix_ok(text, unit != 0))
        return PGW_INVAL;
    if (!fits || n > (uint64_t)INT64_MAX >> 10 * unit)
        return PGW_RANGE;
    *bytes = n << 10 * unit;
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
