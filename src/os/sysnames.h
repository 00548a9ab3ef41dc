/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of Linux's system calls on riscv64. */
#ifndef OS_SYSNAMES_H
#define OS_SYSNAMES_H

#define OS_SYSCALL_MAX 512 /* numbers that are told apart; the last one stands for all above */

/* The name of system call nr, "unknown" if the ABI has none; static storage. */
const char *os_syscall_name(unsigned nr);

#endif
