/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assertions for what cannot happen.  A broken invariant stops the process at once, with the
 * expression and its place written straight to descriptor 2: no stdio, because the core may
 * run inside a fault handler.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

_Noreturn void base_assert_failed(const char *expr, const char *file, int line);

/* Checked in every build: cheap, and a wrong page is worse than a stop. */
#define BASE_ASSERT(expr)                                                                          \
    (__builtin_expect(!(expr), 0) ? base_assert_failed(#expr, __FILE__, __LINE__) : (void)0)

/* For hot paths: checked only where BASE_DEBUG is defined (the sanitizer builds). */
#ifdef BASE_DEBUG
#define BASE_DEBUG_ASSERT(expr) BASE_ASSERT(expr)
#else
#define BASE_DEBUG_ASSERT(expr) ((void)(0 && (expr)))
#endif

#endif
