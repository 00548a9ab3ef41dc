/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* line in decimal at the end of digits; returns its first character. */
static char *
assert_decimal(char *end, int line)
{
    char *p = end;

    *--p = '\0';
    do {
        *--p = (char)('0' + line % 10);
        line /= 10;
    } while (line > 0);
    return p;
}

void
base_assert_failed(const char *expr, const char *file, int line)
{
    char digits[16];
    const char *part[] = {"pagewright: broken invariant: ", expr, " at ", file, ":",
        assert_decimal(digits + sizeof(digits), line), "\n"};
    struct iovec iov[sizeof(part) / sizeof(part[0])];

    for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
        iov[i].iov_base = (void *)(uintptr_t)part[i];
        iov[i].iov_len = strlen(part[i]);
    }
    /* One call, so that the line stays whole; there is nobody to tell if it cannot be written. */
    ssize_t written = writev(STDERR_FILENO, iov, (int)(sizeof(iov) / sizeof(iov[0])));
    (void)written;
    abort();
}
