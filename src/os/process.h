/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: memory, descriptors, signal handlers and children, which one or more threads
 * (thread.h) have in common; and their birth, change and death.
 *
 *                 os_process_fork               os_process_exit
 *      (none) ----------------------> (runs) -------------------> zombie --> freed
 *                                                                 os_process_reap
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "os/abi.h"
#include "os/fd.h"
#include "os/signal.h"
#include "os/thread.h"
#include "vm/space.h"

struct os;

/* Where a program's parts were when it was loaded, as /proc shows them: [from, end). */
struct os_mm_places {
    uint64_t code, code_end, data, data_end;
    uint64_t stack;                   /* its first word */
    uint64_t args, args_end, env_end; /* strings: the environment's follow the arguments' */
};

/* An address space and what the personality knows of its layout.  Processes share one after a
 * vfork, until exec, and after a clone(CLONE_VM) that makes no thread. */
struct os_mm {
    struct space *space;
    unsigned refs;
    struct space_layout layout;
    uint64_t brk;         /* bytes; it starts at layout.heap */
    unsigned lock_future; /* flags of mlockall, if it said FUTURE; else 0 */
    struct os_mm_places places;
    char exe[OS_PATH_MAX];     /* the program's absolute path on the host */
    uint64_t exe_dev, exe_ino; /* the program's file on the host, as stat(2) has it */
    const char *sysroot;       /* where its absolute paths are looked up first; NULL: nowhere */
};

struct os_itimer {
    uint64_t next;     /* ns on its clock; UINT64_MAX: off */
    uint64_t interval; /* ns; 0: once */
};

/* Limits of memory besides the stack's, in bytes. */
enum { OS_LIMIT_DATA, OS_LIMIT_AS, OS_LIMIT_MEMLOCK, OS_LIMITS };
#define OS_LIMIT_NONE UINT64_MAX
#define OS_LIMIT_MEMLOCK_FIRST ((uint64_t)8 << 20) /* as Linux's MLOCK_LIMIT */

TAILQ_HEAD(os_process_list, os_process);

struct os_process {
    TAILQ_ENTRY(os_process) all;     /* os.all */
    TAILQ_ENTRY(os_process) sibling; /* parent's children */
    struct os_process_list children;
    struct os *os;
    struct os_process *parent;     /* NULL: the first, or its parent has ended */
    struct os_thread_list threads; /* the living ones, in the order of birth */
    unsigned nthreads;
    struct os_thread *thread; /* the one whose turn or system call it is, or was last */
    int pid, pgid, sid;
    bool zombie;
    bool first;  /* the process that os_start made */
    bool execed; /* setpgid by the parent is refused then */
    bool killed; /* to end with kill_status as soon as its system call has unwound */
    int kill_status;
    bool leader_over; /* the thread with the process's number has ended, with leader_status */
    int leader_status;
    int wait_status;                       /* of a zombie */
    int exit_signal;                       /* sent to the parent at the end; 0: none */
    bool stopped;                          /* by a signal: none of its threads runs */
    bool stop_unreported, cont_unreported; /* for wait4 */
    int stop_signal;

    struct os_mm *mm; /* NULL in a zombie */
    struct os_files *files;
    struct os_file *cwd;
    uint32_t umask;
    uint64_t stack_limit; /* bytes: the soft RLIMIT_STACK ... */
    bool stack_limited;   /* ... which the program has set; otherwise it is told OS_STACK_TOLD */
    struct os_rlimit mem_limits[OS_LIMITS];
    char name[16]; /* the last part of the program's path; PR_SET_NAME of its first thread */
    struct os_signals signals;
    struct os_thread *vfork_parent; /* to be woken at exec or exit */

    uint64_t started;            /* when it was made, machine time in ns */
    uint64_t instructions;       /* retired by its threads; 1 ns each */
    uint64_t child_instructions; /* of the children that it has waited for */
    uint64_t minor, major;       /* page faults, kept over exec and exit */
    uint64_t peak_pages;
    int oom_adj; /* /proc/PID/oom_score_adj, -1000 to 1000: how much rather, or less, it is ended
                    when memory runs out (proc(5)); kept over fork and exec */
    struct os_itimer timer[3]; /* ITIMER_REAL, VIRTUAL, PROF */
};

/* The registers of p's thread (the one that makes the call), wherever they are now. */
struct cpu_regs *os_process_regs(struct os_process *p);

/* A new process with one thread and without memory; its descriptors and the rest are empty.
 * PGW_NOMEM; PGW_AGAIN: there are OS_PROCESSES_MAX already, or OS_THREADS_MAX. */
MUST_CHECK enum pgw_status os_process_create(struct os *os, struct os_process **p);

/* Takes back one that never ran; its mm is the caller's. */
void os_process_abandon(struct os_process *p);

/*
 * A copy of parent with its calling thread alone: memory copied on write (or shared, with
 * share_mm), descriptors shared as open files.  The child's thread is BLOCKED, with a0 = 0 and its
 * pc behind the call: the caller lets it run.
 */
MUST_CHECK enum pgw_status os_process_fork(
    struct os_process *parent, bool share_mm, struct os_process **child);

/* Ends p and its threads: frees all but the record, tells the parent.  wait_status as wait(2)
 * encodes it. */
void os_process_exit(struct os_process *p, int wait_status);

/* Frees a zombie's record. */
void os_process_reap(struct os_process *p);

/* The live or zombie process with this number; NULL. */
struct os_process *os_process_find(struct os *os, int pid);

/* An mm of its own around a new, empty space.  PGW_NOMEM, PGW_NORAM. */
MUST_CHECK enum pgw_status os_mm_create(struct os *os, struct os_mm **mm);
void os_mm_put(struct os *os, struct os_mm *mm);

/* Gives p another mm (exec), dropping the old one; wakes a vfork parent. */
void os_process_set_mm(struct os_process *p, struct os_mm *mm);

#endif
