/* SPDX-License-Identifier: BSD-2-Clause */
/* Who waits and for what, and the machine's time.  Who runs is for harts.c. */
#ifndef OS_SCHED_H
#define OS_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "os/process.h"

#define OS_NEVER UINT64_MAX

/* Nanoseconds since the machine started: one an instruction of the hart that has done most in each
 * round, and what was slept away. */
uint64_t os_now(const struct os *os);

/*
 * Called by a system call that cannot go on.  p's thread stops; the call is made again from its
 * start when channel is woken, p->deadline (if set) has passed, a host descriptor it has named with
 * os_wait_host is ready, or a signal comes.  Returns what the call must return: OS_BLOCKED, or
 * OS_RESTART when a signal is there already.
 */
int64_t os_block(struct os_process *p, const void *channel);
/* The same for a call that a handler interrupts for good, whatever SA_RESTART says. */
int64_t os_block_nohand(struct os_process *p, const void *channel);

/* The same for a call that no signal interrupts but SIGKILL: a vfork's parent. */
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
/* t itself tries again, if it waits. */
void os_wake_thread(struct os_thread *t);

/* t is RUNNABLE or not: keeps the queue of those who are. */
void os_set_state(struct os_thread *t, enum os_state state);

/* Timers may have changed: the next one is looked for again. */
void os_timers_changed(struct os *os);

/* Others than p's thread could run now, or do. */
bool os_others_ready(const struct os_process *p);

/* Does what is due by the machine's clock, and finds when the next thing will be. */
void os_timers_run(struct os *os);
/* The two timers on a process's own time. */
void os_timers_run_cpu(struct os_process *p);

/* Does anybody wait for the host? */
bool os_host_waiters(const struct os *os);
/* Lets every thread that waits for the host try again: it goes on, or says anew for what. */
void os_host_retry(struct os *os);
/* Nobody can run: time passes, or the host has something, or nothing will ever happen. */
void os_idle(struct os *os);

#endif
