/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: what a process has decided, what is pending, and how one is sent and acted on. */
#ifndef OS_SIGNAL_H
#define OS_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "os/abi.h"

struct os;
struct os_process;

/* The bit of a signal in a set. */
#define OS_SIGBIT(sig) ((uint64_t)1 << ((sig)-1))

struct os_sigentry {
    TAILQ_ENTRY(os_sigentry) link;
    struct os_siginfo info;
};
TAILQ_HEAD(os_sigqueue, os_sigentry);

struct os_signals {
    struct os_sigaction action[OS_NSIG + 1]; /* by number; 0 is not used */
    uint64_t blocked;
    uint64_t pending;
    struct os_sigqueue queue; /* what is known of the pending ones; the real-time ones count */
    struct os_stack altstack;
    bool suspended;          /* rt_sigsuspend is under way ... */
    uint64_t suspended_mask; /* ... and this is the mask to go back to */
};

void os_signals_init(struct os_signals *signals);
/* The child has its parent's decisions and mask, nothing pending. */
void os_signals_copy(struct os_signals *to, const struct os_signals *from);
/* exec: handlers go back to the default, what is ignored stays so. */
void os_signals_exec(struct os_signals *signals);
void os_signals_drain(struct os *os, struct os_signals *signals);

/* Sends a signal.  Never fails: without memory for its siginfo, or when OS_SIGINFOS_MAX wait
 * already, only the number arrives. */
void os_signal_send(struct os_process *p, const struct os_siginfo *info);
/* The same for what the kernel itself has to tell, such as SIGPIPE. */
void os_signal_kernel(struct os_process *p, int sig);
/* From one process to another, with code SI_USER or SI_TKILL. */
void os_signal_from(struct os_process *p, int sig, int code, const struct os_process *sender);
/* A fault of the running instruction: cannot be blocked or ignored. */
void os_signal_force(struct os_process *p, const struct os_siginfo *info);
/* Is there a handler that os_signal_force(sig) would call now? */
bool os_signal_caught(const struct os_process *p, int sig);

/* Is a signal pending that is neither blocked nor ignored? */
bool os_signal_deliverable(const struct os_process *p);
/* Takes one of set out of the pending ones: its number, 0 if there is none. */
int os_signal_take(struct os_process *p, uint64_t set, struct os_siginfo *info);

/* Acts on pending signals before p, the current process, goes on: handlers get their frames;
 * afterwards p may be STOPPED or a ZOMBIE. */
void os_signal_deliver(struct os_process *p);

#endif
