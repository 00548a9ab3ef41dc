/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: what a process has decided, what is pending, and how one is sent and acted on.
 *
 * Handlers are the process's; the mask and the alternative stack each thread's.  A signal that is
 * sent to a process is taken by any of its threads that does not block it; one that is sent to a
 * thread, or that a thread's own instruction causes, by that one.  What it does by default, to
 * stop, continue or end, it does to the whole process.
 */
#ifndef OS_SIGNAL_H
#define OS_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "os/abi.h"

struct os;
struct os_process;
struct os_thread;

/* The bit of a signal in a set. */
#define OS_SIGBIT(sig) ((uint64_t)1 << ((sig)-1))

struct os_sigentry {
    TAILQ_ENTRY(os_sigentry) link;
    struct os_siginfo info;
};
TAILQ_HEAD(os_sigqueue, os_sigentry);

struct os_pending {
    uint64_t set;
    struct os_sigqueue queue; /* what is known of the pending ones; the real-time ones count */
};

/* A process's. */
struct os_signals {
    struct os_sigaction action[OS_NSIG + 1]; /* by number; 0 is not used */
    struct os_pending pending;               /* for any thread */
};

/* A thread's. */
struct os_thread_signals {
    uint64_t blocked;
    struct os_pending pending;
    struct os_stack altstack;
    bool suspended;          /* rt_sigsuspend is under way ... */
    uint64_t suspended_mask; /* ... and this is the mask to go back to */
};

void os_signals_init(struct os_signals *signals);
void os_thread_signals_init(struct os_thread_signals *signals);
/* The child has its parent's decisions, nothing pending. */
void os_signals_copy(struct os_signals *to, const struct os_signals *from);
/* Handlers go back to the default; what is ignored stays so, unless all. */
void os_signals_reset(struct os_signals *signals, bool all);
void os_pending_drain(struct os *os, struct os_pending *pending);

/* Sends a signal to a process.  Never fails: without memory for its siginfo, or when
 * OS_SIGINFOS_MAX wait already, only the number arrives. */
void os_signal_send(struct os_process *p, const struct os_siginfo *info);
/* The same to one thread. */
void os_signal_send_thread(struct os_thread *t, const struct os_siginfo *info);
/* The same for what the kernel itself has to tell. */
void os_signal_kernel(struct os_process *p, int sig);
/* From one process to another, with code SI_USER, or to a thread of it, with code SI_TKILL. */
void os_signal_from(struct os_process *p, int sig, const struct os_process *sender);
void os_signal_from_thread(struct os_thread *t, int sig, const struct os_process *sender);
/* A fault of t's running instruction: cannot be blocked or ignored. */
void os_signal_force(struct os_thread *t, const struct os_siginfo *info);
/* Is there a handler that os_signal_force(sig) would call now? */
bool os_signal_caught(const struct os_thread *t, int sig);

/* Is a signal pending, for t or for its process, that is neither blocked nor ignored? */
bool os_signal_deliverable(const struct os_thread *t);
/* Is SIGKILL? */
bool os_signal_killed(const struct os_thread *t);
/* Takes one of set out of the pending ones: its number, 0 if there is none. */
int os_signal_take(struct os_thread *t, uint64_t set, struct os_siginfo *info);

/* Acts on pending signals before t, whose turn it is, goes on: handlers get their frames;
 * afterwards t may be STOPPED or OVER. */
void os_signal_deliver(struct os_thread *t);

#endif
