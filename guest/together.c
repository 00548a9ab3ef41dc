/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks that processes share: mutexes, conditions, barriers and semaphores in shared memory; robust
 * mutexes whose owners die, as threads and as processes.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define PROCESSES 4
#define TURNS 400
#define STACK ((size_t)64 << 10)

struct shared {
    pthread_mutex_t mutex, robust;
    pthread_cond_t cond;
    pthread_barrier_t barrier;
    sem_t sem;
    uint64_t counter, turn, order;
    uint64_t sum[PROCESSES];
};

static struct shared *shared;

static void
make_mutex(pthread_mutex_t *mutex, int robust)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (robust)
        pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    GUEST_CHECK(pthread_mutex_init(mutex, &attr) == 0);
}

static void
make_shared(void)
{
    pthread_condattr_t condattr;
    pthread_barrierattr_t barrierattr;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    GUEST_CHECK(shared != MAP_FAILED);
    make_mutex(&shared->mutex, 0);
    make_mutex(&shared->robust, 1);
    pthread_condattr_init(&condattr);
    pthread_condattr_setpshared(&condattr, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->cond, &condattr);
    pthread_barrierattr_init(&barrierattr);
    pthread_barrierattr_setpshared(&barrierattr, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->barrier, &barrierattr, PROCESSES);
    sem_init(&shared->sem, 1, 0);
}

/* Everybody counts; then they take turns, in order, by one condition. */
static void
child(uint64_t mine)
{
    for (int i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&shared->mutex);
        uint64_t seen = shared->counter;
        if (i % 32 == 0)
            sched_yield();
        shared->counter = seen + 1;
        pthread_mutex_unlock(&shared->mutex);
    }
    pthread_barrier_wait(&shared->barrier);
    shared->sum[mine] = shared->counter;
    for (int i = 0; i < TURNS / 10; i++) {
        pthread_mutex_lock(&shared->mutex);
        while (shared->turn % PROCESSES != mine)
            pthread_cond_wait(&shared->cond, &shared->mutex);
        shared->order = guest_sum(shared->order, mine);
        shared->turn++;
        pthread_cond_broadcast(&shared->cond);
        pthread_mutex_unlock(&shared->mutex);
    }
    sem_post(&shared->sem);
    _exit(0);
}

static void
test_processes(void)
{
    int status;
    for (uint64_t i = 0; i < PROCESSES; i++) {
        fflush(stdout);
        pid_t pid = fork();
        GUEST_CHECK(pid >= 0);
        if (pid == 0)
            child(i);
    }
    for (int i = 0; i < PROCESSES; i++)
        sem_wait(&shared->sem);
    for (int i = 0; i < PROCESSES; i++)
        GUEST_CHECK(wait(&status) > 0 && status == 0);
    printf("mutex of processes: %llu\n", (unsigned long long)shared->counter);
    for (int i = 0; i < PROCESSES; i++)
        printf("  after the barrier %d saw %llu\n", i, (unsigned long long)shared->sum[i]);
    printf("condition of processes: %llu turns, in order %016llx\n",
        (unsigned long long)shared->turn, (unsigned long long)shared->order);
}

/* Takes the robust mutex after its owner has died, mends it and gives it back. */
static void
take_over(pthread_mutex_t *mutex, const char *who)
{
    int first = pthread_mutex_lock(mutex);
    printf("%s died with the lock: %s", who, strerror(first));
    if (first == EOWNERDEAD)
        printf(", consistent: %s", strerror(pthread_mutex_consistent(mutex)));
    pthread_mutex_unlock(mutex);
    printf(", again: %s\n", strerror(pthread_mutex_lock(mutex)));
    pthread_mutex_unlock(mutex);
}

static void *
run_dying(void *arg)
{
    pthread_mutex_lock(arg);
    return NULL;
}

static pthread_mutex_t handed;

static void *
run_waiter(void *arg)
{
    int got = pthread_mutex_lock(arg);
    if (got == EOWNERDEAD)
        pthread_mutex_consistent(arg);
    pthread_mutex_unlock(arg);
    return (void *)(uintptr_t)got;
}

static void *
run_dying_late(void *arg)
{
    pthread_mutex_lock(arg);
    sem_post(&shared->sem);
    for (int i = 0; i < 2000; i++)
        sched_yield();
    return NULL;
}

static void
test_robust(void)
{
    pthread_t thread, waiter;
    pthread_attr_t attr;
    void *result;
    int status;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    GUEST_CHECK(pthread_create(&thread, &attr, run_dying, &shared->robust) == 0);
    pthread_join(thread, NULL);
    take_over(&shared->robust, "a thread");
    for (int kill_it = 0; kill_it < 2; kill_it++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            pthread_mutex_lock(&shared->robust);
            if (kill_it)
                abort();
            _exit(0);
        }
        waitpid(pid, &status, 0);
        take_over(&shared->robust, kill_it ? "a killed process" : "a process");
    }
    make_mutex(&handed, 1);
    GUEST_CHECK(pthread_create(&thread, &attr, run_dying_late, &handed) == 0);
    sem_wait(&shared->sem);
    GUEST_CHECK(pthread_create(&waiter, &attr, run_waiter, &handed) == 0);
    pthread_join(thread, NULL);
    pthread_join(waiter, &result);
    printf("who waited for a thread that died: %s\n", strerror((int)(uintptr_t)result));
    GUEST_CHECK(pthread_create(&thread, &attr, run_dying, &shared->robust) == 0);
    pthread_join(thread, NULL);
    printf("not mended: %s", strerror(pthread_mutex_lock(&shared->robust)));
    pthread_mutex_unlock(&shared->robust);
    printf(", then: %s\n", strerror(pthread_mutex_lock(&shared->robust)));
}

int
main(void)
{
    make_shared();
    test_processes();
    test_robust();
    return 0;
}
