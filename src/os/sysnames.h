/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of Linux's system calls on riscv64. */
#ifndef OS_SYSNAMES_H
#define OS_SYSNAMES_H

/* The name of system call nr, "unknown" if the ABI has none; static storage. */
const char *os_syscall_name(unsigned nr);

#endif
