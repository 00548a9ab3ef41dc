/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of the host, for work beside the core: replay on all cores, a writer's compression. */
#ifndef HOST_THREAD_H
#define HOST_THREAD_H

#include <pthread.h>

#include "base/result.h"

struct host_thread {
    pthread_t id;
    void (*run)(void *arg);
    void *arg;
};

/* run(arg) on a thread of its own, to which no signal of the process is delivered.  thread must
 * stay where it is until it is joined.  PGW_NOMEM: the host has no more. */
MUST_CHECK enum pgw_status host_thread_start(
    struct host_thread *thread, void (*run)(void *arg), void *arg);
void host_thread_join(struct host_thread *thread);

/* Processors that this process may run on; at least 1. */
unsigned host_thread_cores(void);

/* A monitor: what is shared is looked at and changed between enter and leave; wait() leaves, sleeps
 * until some thread calls wake(), and enters again, so its caller looks anew. */
struct host_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};
void host_monitor_init(struct host_monitor *monitor);
void host_monitor_fini(struct host_monitor *monitor);
void host_monitor_enter(struct host_monitor *monitor);
void host_monitor_leave(struct host_monitor *monitor);
void host_monitor_wait(struct host_monitor *monitor);
void host_monitor_wake(struct host_monitor *monitor);

#endif
