/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex(2) itself, call by call: what each returns, to whom, and with which error.  Who waits is
 * counted by moving all waiters of a word to that same word, which wakes nobody.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define THREADS 4
#define STACK ((size_t)64 << 10)

static uint32_t a, b;
static pthread_t threads[THREADS];
static pthread_attr_t small;
static atomic_int handled;

static long
futex(uint32_t *at, int op, uint32_t val, const struct timespec *time, uint32_t *at2, uint32_t val3)
{
    long ret = syscall(SYS_futex, at, op, val, time, at2, val3);
    return ret < 0 ? -errno : ret;
}

/* The same with a number in the place of the timeout. */
static long
futex2(uint32_t *at, int op, uint32_t val, uint32_t val2, uint32_t *at2, uint32_t val3)
{
    long ret = syscall(SYS_futex, at, op, val, (unsigned long)val2, at2, val3);
    return ret < 0 ? -errno : ret;
}

static void
say(const char *what, long ret)
{
    printf("%s: %ld%s%s\n", what, ret < 0 ? -1 : ret, ret < 0 ? " " : "",
        ret < 0 ? strerror((int)-ret) : "");
}

/* --- waiters --- */

struct waiter {
    uint32_t *at;
    uint32_t bits;
};

static void *
run_waiter(void *arg)
{
    const struct waiter *waiter = arg;
    return (void *)(uintptr_t)-futex(
        waiter->at, FUTEX_WAIT_BITSET_PRIVATE, *waiter->at, NULL, NULL, waiter->bits);
}

/* Returns when n threads wait on the word. */
static void
await(uint32_t *at, long n)
{
    struct timespec moment = {0, 200000};
    while (futex2(at, FUTEX_REQUEUE_PRIVATE, 0, INT_MAX, at, 0) != n)
        nanosleep(&moment, NULL);
}

static struct waiter waiters[THREADS];

static void
begin(int i, uint32_t *at, uint32_t bits)
{
    waiters[i] = (struct waiter){at, bits};
    GUEST_CHECK(pthread_create(&threads[i], &small, run_waiter, &waiters[i]) == 0);
}

static void
begin_all(void)
{
    for (int i = 0; i < THREADS; i++)
        begin(i, &a, FUTEX_BITSET_MATCH_ANY);
    await(&a, THREADS);
}

static void
end(int n)
{
    unsigned failed = 0;
    void *result;
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], &result);
        failed += result != NULL;
    }
    printf("  %u waits failed\n", failed);
}

static long
wake(uint32_t *at, uint32_t n)
{
    return futex(at, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* --- the parts --- */

static void
test_errors(void)
{
    struct timespec moment = {0, 1000000}, past = {1, 0}, wrong = {0, 1000000000};
    uint32_t words[2] = {0, 0};
    a = 1;
    say("wait, another value", futex(&a, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0));
    say("wait, timed", futex(&a, FUTEX_WAIT_PRIVATE, 1, &moment, NULL, 0));
    say("wait, no such time", futex(&a, FUTEX_WAIT_PRIVATE, 1, &wrong, NULL, 0));
    say("wait until the past", futex(&a, FUTEX_WAIT_BITSET_PRIVATE, 1, &past, NULL, 1));
    say("wait until the past of the calendar",
        futex(&a, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1, &past, NULL, 1));
    say("wait for no bits", futex(&a, FUTEX_WAIT_BITSET_PRIVATE, 1, NULL, NULL, 0));
    say("wake with no bits", futex(&a, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 0));
    say("wait, not aligned",
        futex((uint32_t *)(void *)((char *)words + 2), FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
    say("wait, not mapped", futex((uint32_t *)4096, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
    say("wake, nobody", wake(&a, 1));
    say("requeue if another value", futex2(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &b, 7));
    say("no such operation", futex(&a, 77, 1, NULL, NULL, 0));
}

static void
test_wake(void)
{
    begin_all();
    say("wake 1 of 4", wake(&a, 1));
    say("wake 2 of 3", wake(&a, 2));
    say("wake all of 1", wake(&a, INT_MAX));
    end(THREADS);
    for (int i = 0; i < 3; i++)
        begin(i, &a, 1u << i);
    await(&a, 3);
    say("wake bit 1", futex(&a, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, 2));
    say("wake bit 1 again", futex(&a, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, 2));
    say("wake bits 0 and 2", futex(&a, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, 5));
    end(3);
}

static void
test_requeue(void)
{
    begin_all();
    say("wake 1, move 2", futex2(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &b, a));
    say("left behind", wake(&a, INT_MAX));
    say("moved", wake(&b, INT_MAX));
    end(THREADS);
    begin_all();
    say("move 3 unasked", futex2(&a, FUTEX_REQUEUE_PRIVATE, 0, 3, &b, 0));
    say("moved", wake(&b, INT_MAX));
    say("left behind", wake(&a, INT_MAX));
    end(THREADS);
}

static void
test_wake_op(void)
{
    static const int ops[] = {FUTEX_OP_SET, FUTEX_OP_ADD, FUTEX_OP_OR, FUTEX_OP_ANDN, FUTEX_OP_XOR,
        FUTEX_OP_ADD | FUTEX_OP_OPARG_SHIFT};
    static const int cmps[] = {FUTEX_OP_CMP_EQ, FUTEX_OP_CMP_NE, FUTEX_OP_CMP_LT, FUTEX_OP_CMP_LE,
        FUTEX_OP_CMP_GT, FUTEX_OP_CMP_GE};
    for (int i = 0; i < 6; i++) {
        begin(0, &a, FUTEX_BITSET_MATCH_ANY);
        b = 12;
        begin(1, &b, FUTEX_BITSET_MATCH_ANY);
        await(&a, 1);
        await(&b, 1);
        long n =
            futex2(&a, FUTEX_WAKE_OP_PRIVATE, 1, 1, &b, (uint32_t)FUTEX_OP(ops[i], 6, cmps[i], 12));
        printf("wake op %d, compare %d: %ld, the word %u, left %ld\n", i, i, n, b, wake(&b, 1));
        end(2);
    }
    b = 0;
}

static void
on_signal(int sig)
{
    (void)sig;
    atomic_fetch_add(&handled, 1);
}

static void
test_signals(void)
{
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = restart ? SA_RESTART : 0};
        void *result;
        sigaction(SIGUSR1, &action, NULL);
        atomic_store(&handled, 0);
        begin(0, &a, FUTEX_BITSET_MATCH_ANY);
        await(&a, 1);
        pthread_kill(threads[0], SIGUSR1);
        while (atomic_load(&handled) == 0)
            sched_yield();
        if (restart) {
            await(&a, 1);
            say("woken after the handler", wake(&a, 1));
        }
        pthread_join(threads[0], &result);
        say(restart ? "handler, SA_RESTART" : "handler", -(long)(uintptr_t)result);
    }
}

/* A word in memory that processes share, known to both by another address. */
static void
test_shared(void)
{
    uint32_t *one =
        mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    GUEST_CHECK(one != MAP_FAILED);
    fflush(stdout);
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        uint32_t *other = mremap(one, GUEST_PAGE, GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
            mmap(NULL, GUEST_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        _exit(other == MAP_FAILED ? 9 : (int)-futex(other, FUTEX_WAIT, 0, NULL, NULL, 0));
    }
    struct timespec moment = {0, 200000};
    while (futex(one, FUTEX_WAKE, 1, NULL, NULL, 0) == 0)
        nanosleep(&moment, NULL);
    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    printf("shared, at another address: woken, status %d\n", WEXITSTATUS(status));
}

struct late {
    uint32_t *at;
    atomic_int ended;
};

static void *
run_late(void *arg)
{
    struct late *late = arg;
    const struct timespec second = {1, 0};
    long ret = futex(late->at, FUTEX_WAIT, 0, &second, NULL, 0);
    atomic_store(&late->ended, 1);
    return (void *)(uintptr_t)-ret;
}

/* The memory that a thread waits for is unmapped, and other memory comes to its place: who wakes
 * that does not find the thread. */
static void
test_replaced(void)
{
    struct late late = {
        .at = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
    struct timespec moment = {0, 200000};
    void *result;
    GUEST_CHECK(late.at != MAP_FAILED);
    GUEST_CHECK(pthread_create(&threads[0], &small, run_late, &late) == 0);
    while (futex2(late.at, FUTEX_REQUEUE, 0, INT_MAX, late.at, 0) != 1 &&
           atomic_load(&late.ended) == 0)
        nanosleep(&moment, NULL);
    GUEST_CHECK(munmap(late.at, GUEST_PAGE) == 0);
    GUEST_CHECK(mmap(late.at, GUEST_PAGE, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == late.at);
    say("waiters for other memory at that address", futex(late.at, FUTEX_WAKE, 1, NULL, NULL, 0));
    pthread_join(threads[0], &result);
    say("who waits for what is gone", -(long)(uintptr_t)result);
}

int
main(void)
{
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    test_errors();
    test_wake();
    test_requeue();
    test_wake_op();
    test_signals();
    test_shared();
    test_replaced();
    return 0;
}
