/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: what the personality keeps of each, and their birth, change and death.
 *
 *                 os_process_fork                              os_process_exit
 *      (none) ----------------------> RUNNABLE ------------------------------> ZOMBIE --> freed
 *                                      |    ^                                  os_process_reap
 *                             os_block |    | os_wake                             ^
 *                                      v    |                                     |
 *                                     BLOCKED ------------------------------------+
 *                                                 (killed while it waits)
 *
 * STOPPED (by SIGSTOP and the like) is entered from RUNNABLE at signal delivery and left by
 * SIGCONT or SIGKILL.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cpu/hart.h"
#include "os/abi.h"
#include "os/fd.h"
#include "os/signal.h"
#include "vm/space.h"

struct os;

enum os_state { OS_STATE_RUNNABLE, OS_STATE_BLOCKED, OS_STATE_STOPPED, OS_STATE_ZOMBIE };

/* An address space and what the personality knows of its layout.  Shared only between a vfork's
 * parent, which stands still, and its child. */
struct os_mm {
    struct space *space;
    unsigned refs;
    struct space_layout layout;
    uint64_t brk;          /* bytes; it starts at layout.heap */
    char exe[OS_PATH_MAX]; /* the program's absolute path on the host */
    const char *sysroot;   /* where its absolute paths are looked up first; NULL: nowhere */
};

/* What a process waits for; valid in state BLOCKED. */
struct os_wait {
    const void *channel; /* os_wake() of this address ends the wait; may be NULL */
    uint64_t deadline;   /* machine time in ns; UINT64_MAX: none */
    bool host;           /* also for host descriptors: the call itself says which, when tried */
};

struct os_itimer {
    uint64_t next;     /* ns on its clock; UINT64_MAX: off */
    uint64_t interval; /* ns; 0: once */
};

TAILQ_HEAD(os_process_list, os_process);

struct os_process {
    TAILQ_ENTRY(os_process) all;     /* os.all */
    TAILQ_ENTRY(os_process) ready;   /* os.ready, in state RUNNABLE */
    TAILQ_ENTRY(os_process) sibling; /* parent's children */
    struct os_process_list children;
    struct os *os;
    struct os_process *parent; /* NULL: the first, or its parent has ended */
    enum os_state state;
    int pid, pgid, sid;
    bool first;  /* the process that os_start made */
    bool execed; /* setpgid by the parent is refused then */
    bool killed; /* to end with kill_status as soon as its system call has unwound */
    int kill_status;
    int wait_status;                       /* in ZOMBIE */
    int exit_signal;                       /* sent to the parent at the end; 0: none */
    bool stop_unreported, cont_unreported; /* for wait4 */
    int stop_signal;

    struct cpu_regs regs; /* while it is not the current process */
    struct os_mm *mm;     /* NULL in ZOMBIE */
    struct os_files *files;
    struct os_file *cwd;
    uint32_t umask;
    uint64_t stack_limit; /* bytes: the soft RLIMIT_STACK */
    char name[16];        /* PR_SET_NAME; the last part of the program's path at first */
    struct os_signals signals;
    struct os_process *vfork_parent; /* to be woken at exec or exit */

    bool in_call;        /* blocked in, or woken to try again, the system call at pc */
    bool timed_out_set;  /* the call has computed its deadline ... */
    uint64_t deadline;   /* ... which is this, and stays the same when it is tried again */
    uint64_t progress;   /* bytes it has moved so far */
    int64_t interrupted; /* OS_RESTART or OS_NOHAND: a signal comes first */
    struct os_wait wait;

    uint64_t instructions;       /* retired by it; 1 ns each */
    uint64_t child_instructions; /* of the children that it has waited for */
    uint64_t minor, major;       /* page faults, kept over exec and exit */
    uint64_t peak_pages;
    int oom_adj; /* /proc/PID/oom_score_adj, -1000 to 1000: how much rather, or less, it is ended
                    when memory runs out (proc(5)); kept over fork and exec */
    struct os_itimer timer[3]; /* ITIMER_REAL, VIRTUAL, PROF */
    uint64_t clear_tid;        /* address to be zeroed at the end; 0: none */
};

/* The registers of p, wherever they are now. */
struct cpu_regs *os_process_regs(struct os_process *p);

/* A new process without memory; its descriptors and the rest are empty.  PGW_NOMEM; PGW_AGAIN:
 * there are OS_PROCESSES_MAX already. */
MUST_CHECK enum pgw_status os_process_create(struct os *os, struct os_process **p);

/* Takes back one that never ran; its mm is the caller's. */
void os_process_abandon(struct os_process *p);

/*
 * A copy of parent: memory copied on write (or shared until exec, with share_mm), descriptors
 * shared as open files.  The child is RUNNABLE with a0 = 0 and its pc behind the call.
 */
MUST_CHECK enum pgw_status os_process_fork(
    struct os_process *parent, bool share_mm, struct os_process **child);

/* Ends p: frees all but the record, tells the parent.  wait_status as wait(2) encodes it. */
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
