/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduler: who runs, who waits and for what; and the machine's time. */
#ifndef OS_SCHED_H
#define OS_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "os/process.h"

#define OS_NEVER UINT64_MAX

/* Nanoseconds since the machine started: one an instruction, and what was slept away. */
uint64_t os_now(const struct os *os);

/*
 * Called by a system call that cannot go on.  p stops; the call is made again from its start when
 * channel is woken, p->deadline (if set) has passed, a host descriptor it has named with
 * os_wait_host is ready, or a signal comes.  Returns what the call must return: OS_BLOCKED, or
 * OS_RESTART when a signal is there already.
 */
int64_t os_block(struct os_process *p, const void *channel);
/* The same for a call that a handler interrupts for good, whatever SA_RESTART says. */
int64_t os_block_nohand(struct os_process *p, const void *channel);

/* The same for a call that no signal interrupts: a vfork's parent. */
int64_t os_block_vfork(struct os_process *p);

/* The same for what neither a channel nor a descriptor tells of, such as a lock of the host's:
 * the call is made again after every slice and, when nobody can run, every few milliseconds. */
int64_t os_block_retry(struct os_process *p);

/* This call waits for the host's fd too. */
void os_wait_host(struct os_process *p, int fd, short events);

/* Sets the call's deadline the first time it is tried; relative, in ns. */
void os_deadline(struct os_process *p, uint64_t after);
bool os_deadline_passed(const struct os_process *p);

/* Everybody who waits on channel tries again. */
void os_wake(struct os *os, const void *channel);
/* p itself tries again, if it waits. */
void os_wake_process(struct os_process *p);

/* p is RUNNABLE or not: keeps the queue of those who are. */
void os_set_state(struct os_process *p, enum os_state state);

/* Timers may have changed: the next one is looked for again. */
void os_timers_changed(struct os *os);

/* Other processes could run now. */
bool os_others_ready(const struct os_process *p);

#endif
