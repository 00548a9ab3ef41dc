/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls.  A handler gets the process (whose thread is the one that makes the call) and
 * its six arguments, and returns the guest's result: a value, a negative error number, or one of
 * the outcomes below.  It may be called more than once for one call (see os_block), so until it is
 * certain to finish it changes nothing that it could not find again.
 */
#ifndef OS_SYSCALL_H
#define OS_SYSCALL_H

#include <stdint.h>

#include "os/errno.h"
#include "os/process.h"

#define OS_BLOCKED INT64_C(-5000)  /* the process waits; the call will be tried again */
#define OS_RESTART INT64_C(-5001)  /* a signal first; then again, or EINTR as SA_RESTART says */
#define OS_NOHAND INT64_C(-5002)   /* a signal first; EINTR if it has a handler, else again */
#define OS_NORETURN INT64_C(-5003) /* registers are as they should be (exec, exit, sigreturn) */

typedef int64_t os_syscall_fn(struct os_process *p, const uint64_t *a);

/* Makes, or tries again, the system call at the pc of t, which becomes its process's `thread`. */
void os_syscall(struct os_thread *t);

/* The call in t is over without a result of its own: forgets its state between tries. */
void os_syscall_forget(struct os_thread *t);

/* By file. */
os_syscall_fn os_sys_openat, os_sys_close, os_sys_dup, os_sys_dup3, os_sys_fcntl, os_sys_pipe2,
    os_sys_flock, os_sys_ioctl;
os_syscall_fn os_sys_read, os_sys_write, os_sys_readv, os_sys_writev, os_sys_pread, os_sys_pwrite,
    os_sys_preadv, os_sys_pwritev, os_sys_lseek, os_sys_sendfile, os_sys_copy_file_range;
os_syscall_fn os_sys_ppoll, os_sys_pselect6;
os_syscall_fn os_sys_fstat, os_sys_newfstatat, os_sys_statx, os_sys_faccessat, os_sys_faccessat2,
    os_sys_getdents64, os_sys_readlinkat, os_sys_unlinkat, os_sys_mkdirat, os_sys_mknodat,
    os_sys_symlinkat, os_sys_linkat, os_sys_renameat, os_sys_renameat2, os_sys_truncate,
    os_sys_ftruncate, os_sys_fallocate, os_sys_fsync, os_sys_fdatasync, os_sys_getcwd, os_sys_chdir,
    os_sys_fchdir, os_sys_umask, os_sys_fchmod, os_sys_fchmodat, os_sys_fchown, os_sys_fchownat,
    os_sys_utimensat, os_sys_statfs, os_sys_fstatfs, os_sys_fadvise64;
os_syscall_fn os_sys_brk, os_sys_mmap, os_sys_munmap, os_sys_mprotect, os_sys_mremap, os_sys_msync,
    os_sys_memfd_create, os_sys_shmget, os_sys_shmctl, os_sys_shmat, os_sys_shmdt, os_sys_madvise,
    os_sys_mincore, os_sys_mlock, os_sys_mlock2, os_sys_munlock, os_sys_mlockall, os_sys_munlockall;
os_syscall_fn os_sys_clone, os_sys_execve, os_sys_exit, os_sys_wait4, os_sys_waitid, os_sys_getpid,
    os_sys_getppid, os_sys_getpgid, os_sys_setpgid, os_sys_getsid, os_sys_setsid,
    os_sys_set_tid_address, os_sys_futex, os_sys_sched_yield, os_sys_sched_getaffinity,
    os_sys_prctl, os_sys_uname, os_sys_getrandom, os_sys_sysinfo, os_sys_getrusage,
    os_sys_prlimit64, os_sys_getrlimit, os_sys_setrlimit, os_sys_getuid, os_sys_geteuid,
    os_sys_getgid, os_sys_getegid, os_sys_getresuid, os_sys_getresgid, os_sys_getgroups,
    os_sys_setid, os_sys_riscv_flush_icache, os_sys_getcpu, os_sys_getpriority;
os_syscall_fn os_sys_clock_gettime, os_sys_clock_getres, os_sys_gettimeofday, os_sys_nanosleep,
    os_sys_clock_nanosleep, os_sys_times, os_sys_getitimer, os_sys_setitimer;
os_syscall_fn os_sys_kill, os_sys_tkill, os_sys_tgkill, os_sys_rt_sigaction, os_sys_rt_sigprocmask,
    os_sys_rt_sigpending, os_sys_rt_sigsuspend, os_sys_rt_sigtimedwait, os_sys_rt_sigqueueinfo,
    os_sys_rt_tgsigqueueinfo, os_sys_rt_sigreturn, os_sys_sigaltstack;
os_syscall_fn os_sys_clone3, os_sys_exit_group, os_sys_gettid, os_sys_set_robust_list,
    os_sys_get_robust_list, os_sys_sched_setaffinity, os_sys_sched_getscheduler,
    os_sys_sched_getparam, os_sys_membarrier;

#endif
