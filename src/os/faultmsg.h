/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hart could not do becomes a signal, and words for a person if it ends the program. */
#ifndef OS_FAULTMSG_H
#define OS_FAULTMSG_H

#include <stdint.h>

#include "os/process.h"

/* p, the current process, may not access va: SIGSEGV or SIGBUS. */
void os_fault_signal(struct os_process *p, uint64_t va, enum access access, enum space_fault fault);

/* p's stack has grown over its guard, which the hardware could not prevent: SIGSEGV, which it
 * cannot catch, for the memory below is no longer what it was. */
void os_overrun_signal(struct os_process *p);

/* CPU_EXIT_EBREAK, ILLEGAL or MISALIGNED: SIGTRAP, SIGILL, SIGBUS.  Linux gives ILL_ILLOPC for
 * privileged instructions too. */
void os_trap_signal(struct os_process *p, enum cpu_exit why);

/* Writes where va lies, in words: the region it is in or the nearest ones ("4 bytes past the end
 * of the heap 0x52000-0x74000 rw-").  len at least 256. */
void os_fault_place(struct space *space, uint64_t va, char *out, size_t len);

#endif
