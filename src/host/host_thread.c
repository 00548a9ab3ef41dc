/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/host_thread.h"

#include <sched.h>
#include <signal.h>

static void *
host_thread_main(void *arg)
{
    struct host_thread *thread = arg;

    thread->run(thread->arg);
    return NULL;
}

enum pgw_status
host_thread_start(struct host_thread *thread, void (*run)(void *arg), void *arg)
{
    sigset_t all, before;
    int error;

    thread->run = run;
    thread->arg = arg;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread->id, NULL, host_thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? PGW_OK : PGW_NOMEM;
}

void
host_thread_join(struct host_thread *thread)
{
    (void)pthread_join(thread->id, NULL);
}

unsigned
host_thread_cores(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return CPU_COUNT(&set) > 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

void
host_monitor_init(struct host_monitor *monitor)
{
    pthread_mutex_init(&monitor->mutex, NULL);
    pthread_cond_init(&monitor->changed, NULL);
}

void
host_monitor_fini(struct host_monitor *monitor)
{
    pthread_cond_destroy(&monitor->changed);
    pthread_mutex_destroy(&monitor->mutex);
}

void
host_monitor_enter(struct host_monitor *monitor)
{
    pthread_mutex_lock(&monitor->mutex);
}

void
host_monitor_leave(struct host_monitor *monitor)
{
    pthread_mutex_unlock(&monitor->mutex);
}

void
host_monitor_wait(struct host_monitor *monitor)
{
    pthread_cond_wait(&monitor->changed, &monitor->mutex);
}

void
host_monitor_wake(struct host_monitor *monitor)
{
    pthread_cond_broadcast(&monitor->changed);
}
