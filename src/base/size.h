/* SPDX-License-Identifier: BSD-2-Clause */
/* The page, and sizes as people write them. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

#define PAGE_SHIFT 12u
#define PAGE_SIZE ((size_t)1 << PAGE_SHIFT)
#define PAGE_MASK (~(uint64_t)(PAGE_SIZE - 1))

static inline uint64_t
page_floor(uint64_t addr)
{
    return addr & PAGE_MASK;
}

/* Rounds up to a page boundary; wraps to 0 when the result does not fit. */
static inline uint64_t
page_ceil(uint64_t addr)
{
    return (addr + PAGE_SIZE - 1) & PAGE_MASK;
}

/*
 * Reads a size such as 512K, 64M, 2G, 1T, 100p or a plain number of bytes: units of 1024 in either
 * case with an optional trailing "iB" or "B", or "p", pages of page bytes.  There is no unit for
 * petabytes, which would be a page's.  text must be used up.
 * PGW_INVAL: not a size; PGW_RANGE: more than 2^63-1.
 */
MUST_CHECK enum pgw_status base_size_parse(const char *text, uint64_t page, uint64_t *bytes);

/* Writes bytes as a person would ("4.0M", "512K", "17") into out of len bytes (16 suffice). */
void base_size_format(uint64_t bytes, char *out, size_t len);

#endif
