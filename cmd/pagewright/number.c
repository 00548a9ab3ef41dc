/* SPDX-License-Identifier: BSD-2-Clause */
#include "number.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

/* The value of a digit in base, or base if it is none. */
static unsigned
number_digit(char c, unsigned base)
{
    unsigned value = base;

    if (c >= '0' && c <= '9')
        value = (unsigned)(c - '0');
    else if (isxdigit((unsigned char)c))
        value = (unsigned)(tolower((unsigned char)c) - 'a') + 10;
    return value < base ? value : base;
}

enum number
number_begin(const char *text, uint64_t *n, const char **rest)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digit = hex ? text + 2 : text;
    unsigned base = hex ? 16 : 10;
    uint64_t value = 0;
    bool large = false;

    if (number_digit(*digit, base) == base)
        return NUMBER_NONE;
    for (; number_digit(*digit, base) < base; digit++) {
        large |= __builtin_mul_overflow(value, (uint64_t)base, &value);
        large |= __builtin_add_overflow(value, (uint64_t)number_digit(*digit, base), &value);
    }
    *rest = digit;
    if (large)
        return NUMBER_LARGE;
    *n = value;
    return NUMBER;
}

enum number
number_read(const char *text, uint64_t *n)
{
    const char *rest = NULL;
    uint64_t value = 0;
    enum number is = number_begin(text, &value, &rest);

    if (is != NUMBER_NONE && *rest != '\0')
        return NUMBER_NONE;
    if (is == NUMBER)
        *n = value;
    return is;
}

const char *
number_size(uint64_t bytes, char buf[24])
{
    static const char units[] = "KMGTPE";
    unsigned unit = 0;

    if (bytes == 0 || bytes % 1024 != 0) {
        (void)snprintf(buf, 24, "%llu", (unsigned long long)bytes);
        return buf;
    }
    for (bytes /= 1024; bytes % 1024 == 0; bytes /= 1024)
        unit++;
    (void)snprintf(buf, 24, "%llu%c", (unsigned long long)bytes, units[unit]);
    return buf;
}
