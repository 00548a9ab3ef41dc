/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's binary interface: constants and memory layouts of Linux on riscv64, little-endian
 * (the kernel's user-space headers: asm-generic/{stat,fcntl,mman,signal,siginfo,resource}.h and
 * riscv's asm/{ucontext,sigcontext,ptrace}.h).  Nothing here depends on the host's headers.
 */
#ifndef OS_ABI_H
#define OS_ABI_H

#include <stdint.h>

#define OS_PATH_MAX 4096u

/* open(2), fcntl(2). */
#define OS_AT_FDCWD (-100)
#define OS_AT_EACCESS 0x200
#define OS_AT_SYMLINK_NOFOLLOW 0x100
#define OS_AT_SYMLINK_FOLLOW 0x400
#define OS_AT_EMPTY_PATH 0x1000
#define OS_O_ACCMODE 3u
#define OS_O_RDONLY 0u
#define OS_O_WRONLY 1u
#define OS_O_RDWR 2u
#define OS_O_CREAT 0100u
#define OS_O_NOCTTY 0400u
#define OS_O_EXCL 0200u
#define OS_O_TRUNC 01000u
#define OS_O_APPEND 02000u
#define OS_O_NONBLOCK 04000u
#define OS_O_ASYNC 020000u
#define OS_O_DIRECT 040000u
#define OS_O_LARGEFILE 0100000u
#define OS_O_DIRECTORY 0200000u
#define OS_O_NOFOLLOW 0400000u
#define OS_O_CLOEXEC 02000000u
#define OS_O_PATH 010000000u

#define OS_POLLIN 0x1
#define OS_POLLOUT 0x4
#define OS_POLLERR 0x8
#define OS_POLLHUP 0x10
#define OS_POLLNVAL 0x20
#define OS_POLLRDNORM 0x40
#define OS_POLLWRNORM 0x100

/* mmap(2). */
#define OS_PROT_MASK 7u
#define OS_PROT_GROWSDOWN 0x01000000u
#define OS_PROT_GROWSUP 0x02000000u
#define OS_MAP_SHARED 0x01u
#define OS_MAP_PRIVATE 0x02u
#define OS_MAP_TYPE 0x0fu
#define OS_MAP_FIXED 0x10u
#define OS_MAP_ANONYMOUS 0x20u
#define OS_MAP_GROWSDOWN 0x0100u
#define OS_MAP_LOCKED 0x2000u
#define OS_MAP_NORESERVE 0x4000u
#define OS_MAP_POPULATE 0x8000u
#define OS_MAP_FIXED_NOREPLACE 0x100000u
#define OS_MREMAP_MAYMOVE 1u
#define OS_MREMAP_FIXED 2u
#define OS_MREMAP_DONTUNMAP 4u

/* clone(2). */
#define OS_CSIGNAL 0xffu
#define OS_CLONE_VM 0x100u
#define OS_CLONE_FS 0x200u
#define OS_CLONE_FILES 0x400u
#define OS_CLONE_SIGHAND 0x800u
#define OS_CLONE_VFORK 0x4000u
#define OS_CLONE_THREAD 0x10000u
#define OS_CLONE_SYSVSEM 0x40000u
#define OS_CLONE_SETTLS 0x80000u
#define OS_CLONE_PARENT_SETTID 0x100000u
#define OS_CLONE_CHILD_CLEARTID 0x200000u
#define OS_CLONE_DETACHED 0x400000u
#define OS_CLONE_CHILD_SETTID 0x1000000u
#define OS_CLONE_NAMESPACES 0x7e020000u
#define OS_CLONE_CLEAR_SIGHAND 0x100000000u

/* wait4(2), waitid(2). */
#define OS_WNOHANG 1u
#define OS_WUNTRACED 2u
#define OS_WEXITED 4u
#define OS_WCONTINUED 8u
#define OS_WNOWAIT 0x01000000u
#define OS_P_ALL 0
#define OS_P_PID 1
#define OS_P_PGID 2
#define OS_CLD_EXITED 1
#define OS_CLD_KILLED 2
#define OS_CLD_DUMPED 3
#define OS_CLD_STOPPED 5
#define OS_CLD_CONTINUED 6

/* Signals. */
#define OS_NSIG 64
#define OS_SIGHUP 1
#define OS_SIGILL 4
#define OS_SIGTRAP 5
#define OS_SIGABRT 6
#define OS_SIGBUS 7
#define OS_SIGFPE 8
#define OS_SIGKILL 9
#define OS_SIGSEGV 11
#define OS_SIGPIPE 13
#define OS_SIGALRM 14
#define OS_SIGCHLD 17
#define OS_SIGCONT 18
#define OS_SIGSTOP 19
#define OS_SIGTSTP 20
#define OS_SIGTTIN 21
#define OS_SIGTTOU 22
#define OS_SIGURG 23
#define OS_SIGXCPU 24
#define OS_SIGXFSZ 25
#define OS_SIGVTALRM 26
#define OS_SIGPROF 27
#define OS_SIGWINCH 28
#define OS_SIGSYS 31
#define OS_SIGRTMIN 32

#define OS_SIG_DFL 0u
#define OS_SIG_IGN 1u
#define OS_SA_NOCLDSTOP 1u
#define OS_SA_NOCLDWAIT 2u
#define OS_SA_SIGINFO 4u
#define OS_SA_ONSTACK 0x08000000u
#define OS_SA_RESTART 0x10000000u
#define OS_SA_NODEFER 0x40000000u
#define OS_SA_RESETHAND 0x80000000u
#define OS_SS_ONSTACK 1
#define OS_SS_DISABLE 2
#define OS_MINSIGSTKSZ 2048u

#define OS_SI_USER 0
#define OS_SI_KERNEL 0x80
#define OS_SI_TKILL (-6)
#define OS_ILL_ILLOPC 1
#define OS_TRAP_BRKPT 1
#define OS_SEGV_MAPERR 1
#define OS_SEGV_ACCERR 2
#define OS_BUS_ADRALN 1
#define OS_BUS_ADRERR 2
#define OS_BUS_OBJERR 3

struct os_timespec {
    int64_t sec;
    int64_t nsec;
};

struct os_timeval {
    int64_t sec;
    int64_t usec;
};

struct os_itimerval {
    struct os_timeval interval;
    struct os_timeval value;
};

struct os_iovec {
    uint64_t base;
    uint64_t len;
};

struct os_pollfd {
    int32_t fd;
    int16_t events;
    int16_t revents;
};

/* struct stat. */
struct os_stat_abi {
    uint64_t dev;
    uint64_t ino;
    uint32_t mode;
    uint32_t nlink;
    uint32_t uid;
    uint32_t gid;
    uint64_t rdev;
    uint64_t pad1;
    int64_t size;
    int32_t blksize;
    int32_t pad2;
    int64_t blocks;
    struct os_timespec atime;
    struct os_timespec mtime;
    struct os_timespec ctime;
    uint32_t unused[2];
};
_Static_assert(sizeof(struct os_stat_abi) == 128, "struct stat");

struct os_utsname {
    char field[6][65]; /* system, node, release, version, machine, domain */
};
_Static_assert(sizeof(struct os_utsname) == 390, "struct new_utsname");

struct os_rusage {
    struct os_timeval utime;
    struct os_timeval stime;
    int64_t maxrss; /* KiB */
    int64_t ixrss, idrss, isrss;
    int64_t minflt, majflt;
    int64_t rest[8];
};
_Static_assert(sizeof(struct os_rusage) == 144, "struct rusage");

struct os_sysinfo_abi {
    int64_t uptime;
    uint64_t loads[3];
    uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs;
    uint16_t pad[3];
    uint64_t totalhigh, freehigh;
    uint32_t mem_unit;
    uint32_t end;
};
_Static_assert(sizeof(struct os_sysinfo_abi) == 112, "struct sysinfo");

struct os_rlimit {
    uint64_t soft;
    uint64_t hard;
};

/* struct sigaction as the kernel takes it; riscv64 has no restorer. */
struct os_sigaction {
    uint64_t handler;
    uint64_t flags;
    uint64_t mask;
};

struct os_stack {
    uint64_t sp;
    int32_t flags;
    int32_t pad;
    uint64_t size;
};
_Static_assert(sizeof(struct os_stack) == 24, "stack_t");

/* siginfo_t: a header and a union, of which we fill pid, uid, status or addr. */
struct os_siginfo {
    int32_t signo;
    int32_t error;
    int32_t code;
    int32_t pad;
    union {
        struct {
            int32_t pid;
            uint32_t uid;
            union {
                int32_t status;
                uint64_t value; /* offset 24: sigval of a queued signal */
            };
        } sender;
        uint64_t addr;
        unsigned char bytes[112];
    };
};
_Static_assert(sizeof(struct os_siginfo) == 128, "siginfo_t");

/* struct sigcontext: integer registers (pc in the place of x0), then the floating point state, a
 * union whose largest member, the quad one, sets size and alignment. */
struct os_sigcontext {
    uint64_t pc;
    uint64_t x[31]; /* x1 .. x31 */
    uint64_t f[32];
    uint32_t fcsr;
    uint32_t pad;
    uint64_t quad[33];
};
_Static_assert(sizeof(struct os_sigcontext) == 784, "struct sigcontext");

struct os_ucontext {
    uint64_t flags;
    uint64_t link;
    struct os_stack stack;
    uint64_t sigmask;
    uint8_t unused[120]; /* for a sigset_t of 1024 bits */
    uint64_t align;      /* the context is aligned to 16 */
    struct os_sigcontext mcontext;
};
_Static_assert(sizeof(struct os_ucontext) == 960, "struct ucontext");

struct os_sigframe {
    struct os_siginfo info;
    struct os_ucontext uc;
};
_Static_assert(sizeof(struct os_sigframe) == 1088, "struct rt_sigframe");

#endif
