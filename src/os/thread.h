/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: what runs on harts, waits and takes signals.  What threads have in common is their
 * process (process.h).
 *
 *                      os_thread_create                                os_thread_end
 *      (none) ------> BLOCKED --> RUNNABLE ---------------------------------> OVER --> freed,
 * between ^         |    ^                                      ^       slices | os_block|    |
 * os_wake                              |
 *                        +---------+    +---- BLOCKED -------------------------+
 *                                                (its process ends while it waits)
 *
 * While its process is stopped (SIGSTOP and the like), a thread that would be RUNNABLE is STOPPED.
 *
 * Registers.  A hart keeps a thread's registers after its turn, until another thread's are loaded;
 * `hart` says which one that is.  A turn is the right to run on a hart for a slice; a thread that
 * is RUNNABLE either has one or is in the queue (os.ready).
 */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cpu/hart.h"
#include "os/futex.h"
#include "os/signal.h"

struct os;
struct os_hart;
struct os_process;

enum os_state { OS_STATE_RUNNABLE, OS_STATE_BLOCKED, OS_STATE_STOPPED, OS_STATE_OVER };

/* What a thread waits for; valid in state BLOCKED. */
struct os_wait {
    const void *channel; /* os_wake() of this address ends the wait; may be NULL */
    uint64_t deadline;   /* machine time in ns; UINT64_MAX: none */
    bool host;           /* also for host descriptors: the call itself says which, when tried */
};

TAILQ_HEAD(os_thread_list, os_thread);

struct os_thread {
    TAILQ_ENTRY(os_thread) all;   /* os.threads */
    TAILQ_ENTRY(os_thread) ready; /* os.ready: RUNNABLE, without a turn */
    TAILQ_ENTRY(os_thread) link;  /* its process's, until it is OVER */
    struct os_process *process;
    enum os_state state;
    int tid;
    char name[16]; /* PR_SET_NAME; the last part of the program's path at first */

    struct os_hart *hart;  /* which holds its registers; NULL: they are in regs */
    struct os_hart *last;  /* where it had a turn last; NULL: it never had one */
    bool turn;             /* it has one, on last */
    uint64_t affinity;     /* bit n: it may run on hart n */
    struct cpu_regs regs;  /* while no hart holds them */
    uint64_t instructions; /* retired by it */

    struct os_thread_signals signals;
    uint64_t clear_tid;   /* address to be zeroed at the end, and woken; 0: none */
    uint64_t robust_list; /* address of its struct robust_list_head; 0: none */
    struct os_futex_wait futex;

    bool in_call;        /* blocked in, or woken to try again, the system call at pc */
    bool timed_out_set;  /* the call has computed its deadline ... */
    uint64_t deadline;   /* ... which is this, and stays the same when it is tried again */
    uint64_t progress;   /* bytes it has moved so far */
    int64_t interrupted; /* OS_RESTART or OS_NOHAND: a signal comes first */
    struct os_wait wait;
};

/* The registers of t, wherever they are now. */
struct cpu_regs *os_thread_regs(struct os_thread *t);

/* A new thread of p, BLOCKED, with the next number; its registers, mask and the rest are zero.
 * PGW_NOMEM; PGW_AGAIN: there are OS_THREADS_MAX already. */
MUST_CHECK enum pgw_status os_thread_create(struct os_process *p, struct os_thread **t);

/* t, new, starts as a copy of from, which makes the call: with its registers, name, mask and
 * affinity, a0 = 0, and its pc behind the call. */
void os_thread_inherit(struct os_thread *t, struct os_thread *from);

/* Takes t from its hart and out of its process; nothing of it is looked at any more. */
void os_thread_end(struct os_thread *t);

/* t ends by itself, with an exit code (0 to 255); with the last one ends the process. */
void os_thread_exit(struct os_thread *t, int code);

/* exec: all threads of t's process but t end, and t takes the process's number. */
void os_thread_alone(struct os_thread *t);

/* The live thread with this number; NULL. */
struct os_thread *os_thread_find(struct os *os, int tid);

#endif
