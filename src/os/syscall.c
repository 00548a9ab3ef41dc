/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/syscall.h"

#include "os/machine.h"

#define REG_A0 10
#define REG_A7 17

/* Answers that need no handler: nothing to do, or known and left out, as older kernels did. */
static int64_t
call_nothing(struct os_process *p, const uint64_t *a)
{
    (void)p;
    (void)a;
    return 0;
}

static int64_t
call_declined(struct os_process *p, const uint64_t *a)
{
    (void)p;
    (void)a;
    return -OS_ENOSYS;
}

/* clang-format off */
static os_syscall_fn *const calls[OS_SYSCALL_MAX] = {
    [17] = os_sys_getcwd,
    [23] = os_sys_dup,
    [24] = os_sys_dup3,
    [25] = os_sys_fcntl,
    [29] = os_sys_ioctl,
    [32] = os_sys_flock,
    [33] = os_sys_mknodat,
    [34] = os_sys_mkdirat,
    [35] = os_sys_unlinkat,
    [36] = os_sys_symlinkat,
    [37] = os_sys_linkat,
    [38] = os_sys_renameat,
    [43] = os_sys_statfs,
    [44] = os_sys_fstatfs,
    [45] = os_sys_truncate,
    [46] = os_sys_ftruncate,
    [47] = os_sys_fallocate,
    [48] = os_sys_faccessat,
    [49] = os_sys_chdir,
    [50] = os_sys_fchdir,
    [52] = os_sys_fchmod,
    [53] = os_sys_fchmodat,
    [54] = os_sys_fchownat,
    [55] = os_sys_fchown,
    [56] = os_sys_openat,
    [57] = os_sys_close,
    [59] = os_sys_pipe2,
    [61] = os_sys_getdents64,
    [62] = os_sys_lseek,
    [63] = os_sys_read,
    [64] = os_sys_write,
    [65] = os_sys_readv,
    [66] = os_sys_writev,
    [67] = os_sys_pread,
    [68] = os_sys_pwrite,
    [69] = os_sys_preadv,
    [70] = os_sys_pwritev,
    [71] = os_sys_sendfile,
    [72] = os_sys_pselect6,
    [73] = os_sys_ppoll,
    [78] = os_sys_readlinkat,
    [79] = os_sys_newfstatat,
    [80] = os_sys_fstat,
    [81] = call_nothing, /* sync */
    [82] = os_sys_fsync,
    [83] = os_sys_fdatasync,
    [88] = os_sys_utimensat,
    [93] = os_sys_exit,
    [94] = os_sys_exit_group,
    [95] = os_sys_waitid,
    [96] = os_sys_set_tid_address,
    [98] = os_sys_futex,
    [99] = os_sys_set_robust_list,
    [100] = os_sys_get_robust_list,
    [101] = os_sys_nanosleep,
    [102] = os_sys_getitimer,
    [103] = os_sys_setitimer,
    [113] = os_sys_clock_gettime,
    [114] = os_sys_clock_getres,
    [115] = os_sys_clock_nanosleep,
    [120] = os_sys_sched_getscheduler,
    [121] = os_sys_sched_getparam,
    [122] = os_sys_sched_setaffinity,
    [123] = os_sys_sched_getaffinity,
    [124] = os_sys_sched_yield,
    [129] = os_sys_kill,
    [130] = os_sys_tkill,
    [131] = os_sys_tgkill,
    [132] = os_sys_sigaltstack,
    [133] = os_sys_rt_sigsuspend,
    [134] = os_sys_rt_sigaction,
    [135] = os_sys_rt_sigprocmask,
    [136] = os_sys_rt_sigpending,
    [137] = os_sys_rt_sigtimedwait,
    [138] = os_sys_rt_sigqueueinfo,
    [139] = os_sys_rt_sigreturn,
    [140] = call_nothing, /* setpriority */
    [141] = os_sys_getpriority,
    [144] = os_sys_setid, /* setgid */
    [146] = os_sys_setid, /* setuid */
    [148] = os_sys_getresuid,
    [150] = os_sys_getresgid,
    [153] = os_sys_times,
    [154] = os_sys_setpgid,
    [155] = os_sys_getpgid,
    [156] = os_sys_getsid,
    [157] = os_sys_setsid,
    [158] = os_sys_getgroups,
    [160] = os_sys_uname,
    [163] = os_sys_getrlimit,
    [164] = os_sys_setrlimit,
    [165] = os_sys_getrusage,
    [166] = os_sys_umask,
    [167] = os_sys_prctl,
    [168] = os_sys_getcpu,
    [169] = os_sys_gettimeofday,
    [172] = os_sys_getpid,
    [173] = os_sys_getppid,
    [174] = os_sys_getuid,
    [175] = os_sys_geteuid,
    [176] = os_sys_getgid,
    [177] = os_sys_getegid,
    [178] = os_sys_gettid,
    [179] = os_sys_sysinfo,
    [214] = os_sys_brk,
    [215] = os_sys_munmap,
    [216] = os_sys_mremap,
    [220] = os_sys_clone,
    [221] = os_sys_execve,
    [222] = os_sys_mmap,
    [223] = os_sys_fadvise64,
    [226] = os_sys_mprotect,
    [227] = os_sys_msync,
    [228] = os_sys_mlock,
    [229] = os_sys_munlock,
    [230] = os_sys_mlockall,
    [231] = os_sys_munlockall,
    [232] = os_sys_mincore,
    [233] = os_sys_madvise,
    [240] = os_sys_rt_tgsigqueueinfo,
    [258] = call_declined, /* riscv_hwprobe */
    [259] = os_sys_riscv_flush_icache,
    [260] = os_sys_wait4,
    [261] = os_sys_prlimit64,
    [194] = os_sys_shmget,
    [195] = os_sys_shmctl,
    [196] = os_sys_shmat,
    [197] = os_sys_shmdt,
    [276] = os_sys_renameat2,
    [278] = os_sys_getrandom,
    [279] = os_sys_memfd_create,
    [283] = os_sys_membarrier,
    [284] = os_sys_mlock2,
    [285] = os_sys_copy_file_range,
    [291] = os_sys_statx,
    [293] = call_declined, /* rseq */
    [435] = os_sys_clone3,
    [439] = os_sys_faccessat2,
};
/* clang-format on */

void
os_syscall_forget(struct os_thread *t)
{
    t->in_call = false;
    t->timed_out_set = false;
    t->progress = 0;
    t->interrupted = 0;
    t->wait.host = false;
    t->wait.channel = NULL;
    os_futex_forget(t->process->os, t);
}

static int64_t
call_unknown(struct os_process *p, uint64_t nr)
{
    p->os->stats.unknown_calls[nr < OS_SYSCALL_MAX - 1 ? nr : OS_SYSCALL_MAX - 1]++;
    return -OS_ENOSYS;
}

void
os_syscall(struct os_thread *t)
{
    struct os_process *p = t->process;
    struct cpu_regs *regs = os_thread_regs(t);
    uint64_t nr = regs->x[REG_A7];
    uint64_t args[6];
    int64_t result;

    for (int i = 0; i < 6; i++)
        args[i] = regs->x[REG_A0 + i];
    p->thread = t;
    t->in_call = true;
    t->wait.host = false;
    t->interrupted = 0;
    if (nr < OS_SYSCALL_MAX && calls[nr] != NULL)
        result = calls[nr](p, args);
    else
        result = call_unknown(p, nr);

    if (result == OS_BLOCKED || result == OS_RESTART || result == OS_NOHAND) {
        t->interrupted = result;
        return;
    }
    if (result != OS_NORETURN) {
        regs->x[REG_A0] = (uint64_t)result;
        regs->pc += 4;
    }
    os_syscall_forget(t);
}
