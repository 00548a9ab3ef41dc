/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as a person writes them, on command lines and in scripts. */
#ifndef PAGEWRIGHT_NUMBER_H
#define PAGEWRIGHT_NUMBER_H

#include <stdint.h>

enum number {
    NUMBER,
    NUMBER_NONE, /* it is not a number */
    NUMBER_LARGE /* it is one above 2^64-1 */
};

/* What text begins with, decimal or, with 0x, hexadecimal; *rest: what follows its digits.  *n is
 * untouched unless it is a number. */
enum number number_begin(const char *text, uint64_t *n, const char **rest);

/* The same, of all of text. */
enum number number_read(const char *text, uint64_t *n);

/* "4K", "3M", "100": bytes as one would write them in a command, exactly; returns buf. */
const char *number_size(uint64_t bytes, char buf[24]);

#endif
