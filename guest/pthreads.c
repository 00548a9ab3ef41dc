/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every kind of thing that POSIX threads do with each other, one after the other.  Each part prints
 * what must hold on any scheduler.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define THREADS 8
#define STACK ((size_t)64 << 10)

static pthread_attr_t small;

static void
start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    GUEST_CHECK(pthread_create(thread, &small, run, arg) == 0);
}

static void
start_all(pthread_t *threads, void *(*run)(void *arg))
{
    for (uintptr_t i = 0; i < THREADS; i++)
        start(&threads[i], run, (void *)i);
}

static uint64_t
join_all(const pthread_t *threads)
{
    uint64_t sum = 0;
    for (int i = 0; i < THREADS; i++) {
        void *result;
        GUEST_CHECK(pthread_join(threads[i], &result) == 0);
        sum += (uintptr_t)result;
    }
    return sum;
}

/* --- identity and thread-local memory --- */

static __thread uint64_t local = 42;
static pthread_key_t key;
static atomic_int destroyed;

static void
destroy(void *value)
{
    atomic_fetch_add(&destroyed, (int)(uintptr_t)value);
}

static void *
run_local(void *arg)
{
    uint64_t mine = (uintptr_t)arg;
    GUEST_CHECK(local == 42);
    GUEST_CHECK(getpid() != (pid_t)syscall(SYS_gettid));
    local += mine;
    GUEST_CHECK(pthread_setspecific(key, (void *)(uintptr_t)(mine + 1)) == 0);
    for (int i = 0; i < 100; i++)
        sched_yield();
    return (void *)(uintptr_t)local;
}

static void
test_local(void)
{
    pthread_t threads[THREADS];
    GUEST_CHECK(pthread_key_create(&key, destroy) == 0);
    start_all(threads, run_local);
    printf("thread-local: %llu, ours %llu", (unsigned long long)join_all(threads),
        (unsigned long long)local);
    printf(", destroyed %d\n", atomic_load(&destroyed));
}

/* --- mutex, once --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t counter, onces;

static void
do_once(void)
{
    onces++;
}

static void *
run_mutex(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++) {
        pthread_once(&once, do_once);
        pthread_mutex_lock(&mutex);
        uint64_t seen = counter;
        if (i % 64 == 0)
            sched_yield();
        counter = seen + 1;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void
test_mutex(void)
{
    pthread_t threads[THREADS];
    struct timespec soon;
    pthread_mutexattr_t attr;
    pthread_mutex_t twice;
    start_all(threads, run_mutex);
    (void)join_all(threads);
    printf("mutex: %llu, once: %llu\n", (unsigned long long)counter, (unsigned long long)onces);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&twice, &attr);
    pthread_mutex_lock(&twice);
    printf("errorcheck: %s", strerror(pthread_mutex_lock(&twice)));
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 1000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    printf(", timed: %s\n", strerror(pthread_mutex_timedlock(&mutex, &soon)));
    pthread_mutex_unlock(&mutex);
}

/* --- producers and consumers: condition variables --- */

#define QUEUE 7
#define ITEMS 3000
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t room, some;
    uint64_t item[QUEUE];
    int n, made, taken;
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER,
    .room = PTHREAD_COND_INITIALIZER,
    .some = PTHREAD_COND_INITIALIZER};

static void *
run_producer(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&queue.mutex);
    while (queue.made < ITEMS) {
        if (queue.n == QUEUE) {
            pthread_cond_wait(&queue.room, &queue.mutex);
            continue;
        }
        queue.item[queue.n++] = guest_value(3, (uint64_t)queue.made++);
        pthread_cond_signal(&queue.some);
    }
    pthread_cond_broadcast(&queue.some);
    pthread_cond_broadcast(&queue.room);
    pthread_mutex_unlock(&queue.mutex);
    return NULL;
}

static void *
run_consumer(void *arg)
{
    uint64_t sum = 0;
    (void)arg;
    pthread_mutex_lock(&queue.mutex);
    while (queue.taken < ITEMS) {
        if (queue.n == 0) {
            pthread_cond_wait(&queue.some, &queue.mutex);
            continue;
        }
        sum += queue.item[--queue.n];
        if (++queue.taken == ITEMS)
            pthread_cond_broadcast(&queue.some);
        pthread_cond_signal(&queue.room);
    }
    pthread_mutex_unlock(&queue.mutex);
    return (void *)(uintptr_t)sum;
}

static void
test_cond(void)
{
    pthread_t threads[THREADS];
    uint64_t expected = 0;
    struct timespec past = {1, 0};
    for (int i = 0; i < THREADS; i++)
        start(&threads[i], i % 2 ? run_consumer : run_producer, NULL);
    for (uint64_t i = 0; i < ITEMS; i++)
        expected += guest_value(3, i);
    printf("queue: %s", join_all(threads) == expected ? "all arrived" : "wrong");
    pthread_mutex_lock(&queue.mutex);
    printf(", timed out: %s\n", strerror(pthread_cond_timedwait(&queue.some, &queue.mutex, &past)));
    pthread_mutex_unlock(&queue.mutex);
}

/* --- barrier, rwlock, semaphore, spinlock, atomics --- */

static pthread_barrier_t barrier;
static uint64_t column[THREADS], next_column[THREADS];
static atomic_int serial;

static void *
run_barrier(void *arg)
{
    uintptr_t i = (uintptr_t)arg;
    for (int round = 0; round < 50; round++) {
        next_column[i] = column[i] + column[(i + 1) % THREADS];
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            atomic_fetch_add(&serial, 1);
        column[i] = next_column[i];
        pthread_barrier_wait(&barrier);
    }
    return (void *)(uintptr_t)column[i];
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static uint64_t pair[2];

static void *
run_rwlock(void *arg)
{
    bool writes = (uintptr_t)arg % 4 == 0;
    uint64_t torn = 0;
    for (int i = 0; i < 500; i++) {
        if (writes) {
            pthread_rwlock_wrlock(&rwlock);
            pair[0]++;
            if (i % 16 == 0)
                sched_yield();
            pair[1]++;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            torn += pair[0] != pair[1];
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return (void *)(uintptr_t)torn;
}

static sem_t tickets, done;
static atomic_int inside, most;

static void *
run_semaphore(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) {
        sem_wait(&tickets);
        int now = atomic_fetch_add(&inside, 1) + 1;
        int seen = atomic_load(&most);
        while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
            ;
        sched_yield();
        atomic_fetch_sub(&inside, 1);
        sem_post(&tickets);
    }
    sem_post(&done);
    return NULL;
}

static pthread_spinlock_t spin;
static uint64_t spun;
static atomic_uint_fast64_t added;
static atomic_uint swapped;

static void *
run_atomics(void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < 3000; i++) {
        atomic_fetch_add(&added, i);
        unsigned seen = atomic_load(&swapped);
        while (!atomic_compare_exchange_weak(&swapped, &seen, seen * 2 % 1000003 + 1))
            ;
        if (i % 8 == 0) {
            pthread_spin_lock(&spin);
            spun++;
            pthread_spin_unlock(&spin);
        }
    }
    return NULL;
}

static void
test_others(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    column[0] = 1;
    start_all(threads, run_barrier);
    printf("barrier: %llu", (unsigned long long)join_all(threads));
    printf(", serial %d\n", atomic_load(&serial));
    start_all(threads, run_rwlock);
    printf("rwlock: torn %llu", (unsigned long long)join_all(threads));
    printf(", written %llu\n", (unsigned long long)pair[0]);
    sem_init(&tickets, 0, 3);
    sem_init(&done, 0, 0);
    start_all(threads, run_semaphore);
    for (int i = 0; i < THREADS; i++)
        sem_wait(&done);
    (void)join_all(threads);
    printf("semaphore: at most %s 3\n", atomic_load(&most) <= 3 ? "" : "more than");
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    start_all(threads, run_atomics);
    (void)join_all(threads);
    printf("atomics: %llu %u, spinlock: %llu\n", (unsigned long long)added, atomic_load(&swapped),
        (unsigned long long)spun);
}

/* --- cancellation, detached threads, signals to threads --- */

static atomic_int cleaned, handled, awake;
static pthread_t target;

static void
clean(void *arg)
{
    atomic_fetch_add(&cleaned, (int)(uintptr_t)arg);
}

static void *
run_forever(void *arg)
{
    pthread_cleanup_push(clean, arg);
    if ((uintptr_t)arg % 2 == 0) {
        for (;;)
            pause();
    }
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;)
        ;
    pthread_cleanup_pop(0);
    return NULL;
}

static void *
run_detached(void *arg)
{
    (void)arg;
    sem_post(&done);
    return NULL;
}

static void
on_signal(int sig)
{
    if (pthread_equal(pthread_self(), target))
        atomic_fetch_add(&handled, sig == SIGUSR1 ? 1 : 100);
}

static void *
run_target(void *arg)
{
    struct timespec week = {604800, 0};
    (void)arg;
    target = pthread_self();
    sem_post(&done);
    int slept = nanosleep(&week, NULL);
    atomic_store(&awake, 1);
    return (void *)(uintptr_t)(slept == -1 && errno == EINTR);
}

static void
test_ends(void)
{
    pthread_t threads[THREADS], one;
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t set;
    void *result;
    int sig, cancelled = 0;
    start_all(threads, run_forever);
    for (int i = 0; i < THREADS; i++) {
        sched_yield();
        pthread_cancel(threads[i]);
        pthread_join(threads[i], &result);
        cancelled += result == PTHREAD_CANCELED;
    }
    printf("cancelled: %d, cleaned %d\n", cancelled, atomic_load(&cleaned));
    for (int i = 0; i < 100; i++) {
        start(&one, run_detached, NULL);
        pthread_detach(one);
        sem_wait(&done);
    }
    printf("detached: 100\n");
    sigaction(SIGUSR1, &action, NULL);
    start(&one, run_target, NULL);
    sem_wait(&done);
    while (!atomic_load(&awake)) { /* the first ones may come before it sleeps */
        struct timespec while_it_sleeps = {0, 1000000};
        GUEST_CHECK(pthread_kill(one, SIGUSR1) == 0);
        nanosleep(&while_it_sleeps, NULL);
    }
    pthread_join(one, &result);
    printf("signal to a thread: handled there %d, sleep interrupted %d\n",
        atomic_load(&handled) > 0 && atomic_load(&handled) < 100, (int)(uintptr_t)result);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR2);
    GUEST_CHECK(sigwait(&set, &sig) == 0);
    printf("signal to the process, all block it: %s\n", sig == SIGUSR2 ? "waited for" : "lost");
}

int
main(void)
{
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    test_local();
    test_mutex();
    test_cond();
    test_others();
    test_ends();
    return 0;
}
