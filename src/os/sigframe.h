/* SPDX-License-Identifier: BSD-2-Clause */
/* What a signal handler finds on its stack, and the way back from it. */
#ifndef OS_SIGFRAME_H
#define OS_SIGFRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "os/process.h"

/* The bytes of the code at mm->trampoline, to which handlers return: li a7, rt_sigreturn; ecall. */
#define OS_TRAMPOLINE_LEN 8u
extern const unsigned char os_trampoline_code[OS_TRAMPOLINE_LEN];

/*
 * Saves the registers of t, info and mask in a frame on its stack, or on
 * its alternative one, and makes it go on in the handler.  False: there is no room for the frame.
 */
bool os_sigframe_push(struct os_thread *t, const struct os_siginfo *info,
    const struct os_sigaction *action, uint64_t mask);

/* rt_sigreturn: puts back what the frame at sp holds.  False: it cannot be read. */
bool os_sigframe_pop(struct os_thread *t);

/* Does sp lie in the alternative stack? */
bool os_on_altstack(const struct os_thread *t, uint64_t sp);

#endif
