/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is free but still mapped, told to AddressSanitizer so that any use of it is found at
 * once.  Nothing in other builds.
 */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define BASE_ASAN 1
#elif defined(__clang__)
#define BASE_ASAN __has_feature(address_sanitizer)
#else
#define BASE_ASAN 0
#endif

#if BASE_ASAN
#include <sanitizer/asan_interface.h>
#endif

static inline void
base_poison(void *bytes, size_t len)
{
#if BASE_ASAN
    __asan_poison_memory_region(bytes, len);
#else
    (void)bytes;
    (void)len;
#endif
}

static inline void
base_unpoison(void *bytes, size_t len)
{
#if BASE_ASAN
    __asan_unpoison_memory_region(bytes, len);
#else
    (void)bytes;
    (void)len;
#endif
}

static inline bool
base_is_poisoned(const void *byte)
{
#if BASE_ASAN
    return __asan_address_is_poisoned(byte) != 0;
#else
    (void)byte;
    return false;
#endif
}

#endif
