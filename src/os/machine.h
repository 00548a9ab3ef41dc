/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of one personality. */
#ifndef OS_MACHINE_H
#define OS_MACHINE_H

#include "base/pool.h"
#include "base/rng.h"
#include "host/guest_io.h"
#include "os/elf.h"
#include "os/memfile.h"
#include "os/os.h"
#include "os/process.h"
#include "os/shm.h"
#include "os/procfs.h"
#include "os/workset.h"

#define OS_BOUNCE ((size_t)65536)
#define OS_POLL_MAX 256u
#define OS_WHY_MAX 512u
/* What a program may ask of the host's memory, all its processes together: as RLIMIT_NPROC,
 * RLIMIT_SIGPENDING and fs.pipe-user-pages-soft bound it on Linux. */
#define OS_PROCESSES_MAX 4096u
#define OS_THREADS_MAX 8192u
#define OS_SIGINFOS_MAX 4096u
#define OS_PIPES_MAX 2048u
/* Instructions of a turn that a hart runs before the next hart's, where there are several. */
#define OS_PIECE 1000u
/* The most that a program is told its stack may grow to before it says so itself, in bytes: Linux's
 * default, which C libraries give to each thread.  It may grow further. */
#define OS_STACK_TOLD ((uint64_t)8 << 20)
/* What CLOCK_REALTIME shows when the machine starts: 2024-01-01 00:00:00 UTC. */
#define OS_EPOCH 1704067200

/* One hart, as the scheduler sees it. */
struct os_hart {
    unsigned idx;
    struct cpu_hart *cpu;
    struct mmu *mmu;
    struct os_mm *mm;         /* whose space the MMU has loaded; NULL: nobody's */
    struct os_thread *loaded; /* whose registers the hart holds; NULL: nobody's */
    struct os_thread *turn;   /* whose turn it is here; NULL: the hart is free */
    uint64_t left;            /* instructions left of that turn */
    uint64_t now;             /* its own time in this round */
};

struct os {
    struct os_config config;
    struct os_hart harts[OS_HARTS_MAX];
    struct os_hart *hart;          /* the one that runs, or did last */
    struct os_process_list all;    /* in the order of birth, and so are the threads */
    struct os_thread_list threads; /* those too that are OVER and not freed yet */
    struct os_thread_list ready;   /* RUNNABLE without a turn, first come first served */
    int next_pid;
    bool started, ended; /* the first process has been made; has ended */
    int first_status;
    bool dead; /* there are records to be freed between slices */

    uint64_t now;           /* see os_now */
    uint64_t retired;       /* instructions, by all harts */
    uint64_t next_deadline; /* not later than any deadline or timer */
    uint64_t stuck_at;      /* instructions retired when the last fault was taken ... */
    unsigned stuck_faults;  /* ... and faults since, with none retired between them */
    bool yielded;           /* the thread that runs gives up the rest of its slice */
    char poll_channel;      /* its address: woken when any pipe changes */

    /* Host descriptors that blocked calls wait for, gathered anew each time nobody can run. */
    struct host_io_poll poll[OS_POLL_MAX];
    unsigned npoll;
    bool poll_again; /* there are more than fit, or something that cannot be waited for */

    struct os_objname *objnames;
    struct os_proc proc; /* what the last path led to: see os_path_get() */

    struct os_memfile_list memfiles; /* those that have a name */
    uint64_t memfile_inos;
    struct os_shm_list shm;
    unsigned shms;
    int32_t shm_ids;
    struct base_pool memfile_pool, shm_pool, reclock_pool;

    struct base_rng rng;
    struct base_pool processes, thread_pool, open_files, pipes, siginfos;
    uint32_t host_umask;
    uint32_t uid[2], gid[2]; /* real, effective */

    struct os_futex_queue futexes[OS_FUTEX_BUCKETS]; /* by a hash of the key */

    struct os_workset_meter meter;
    struct os_stats stats;
    char why[OS_WHY_MAX]; /* the last loading failure, in words */
    char text[1024];      /* messages are put together here */
    char path[2][OS_PATH_MAX];
    char rooted[2][OS_PATH_MAX];     /* paths below the sysroot, by enum os_rooted */
    char script[OS_PATH_MAX];        /* the interpreter of a script */
    char interp[OS_ELF_INTERP_MAX];  /* the interpreter of the program that is loaded */
    unsigned char bounce[OS_BOUNCE]; /* between the guest's memory and the host's calls */
};

/* Puts the registers that the hart holds back into their thread; hart may be NULL. */
void os_hart_save(struct os_hart *hart);
/* No hart has mm's space loaded any more. */
void os_harts_leave(struct os *os, const struct os_mm *mm);

/* One line for the person who runs the program, put together as printf does. */
void os_say(struct os *os, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
