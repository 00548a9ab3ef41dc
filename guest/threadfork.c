/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads and processes: forks from among threads, exec and exit that end the others, signals that
 * end, stop and continue all of them, threads that outlive the first one.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define THREADS 4
#define STACK ((size_t)64 << 10)

static pthread_attr_t small;
static atomic_int go, busy;
static uint64_t table[4096];

static void
start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    GUEST_CHECK(pthread_create(thread, &small, run, arg) == 0);
}

static void *
run_busy(void *arg)
{
    (void)arg;
    atomic_fetch_add(&busy, 1);
    for (uint64_t i = 0;; i++)
        table[i % 4096] += i;
    return NULL;
}

static void *
run_waiting(void *arg)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    (void)arg;
    atomic_fetch_add(&busy, 1);
    pthread_mutex_lock(&mutex);
    for (;;)
        pthread_cond_wait(&never, &mutex);
    return NULL;
}

/* Threads that would go on for ever; returns when they have begun. */
static void
crowd(void)
{
    pthread_t thread;
    for (int i = 0; i < THREADS; i++)
        start(&thread, i % 2 ? run_busy : run_waiting, NULL);
    while (atomic_load(&busy) < THREADS)
        sched_yield();
}

static const char *
ended(pid_t pid)
{
    static char text[64];
    int status;
    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
    else
        snprintf(text, sizeof text, "status %d", WEXITSTATUS(status));
    return text;
}

/* --- forks from threads --- */

static void *
run_forker(void *arg)
{
    uint64_t mine = (uintptr_t)arg, before = table[mine];
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        GUEST_CHECK(pid >= 0);
        if (pid == 0) {
            /* Alone now, and named by its process. */
            table[mine] += 1000;
            _exit(getpid() == (pid_t)syscall(SYS_gettid) && table[mine] == before + 1000 ? 7 : 8);
        }
        GUEST_CHECK(strcmp(ended(pid), "") != 0);
    }
    return (void *)(uintptr_t)(table[mine] == before);
}

static pthread_mutex_t wait_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *
run_forker_locked(void *arg)
{
    int status, good = 0;
    (void)arg;
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(getpid() == (pid_t)syscall(SYS_gettid) ? 7 : 8);
        pthread_mutex_lock(&wait_mutex);
        GUEST_CHECK(waitpid(pid, &status, 0) == pid);
        pthread_mutex_unlock(&wait_mutex);
        good += WEXITSTATUS(status) == 7;
    }
    return (void *)(uintptr_t)good;
}

static void
test_forks(void)
{
    pthread_t threads[THREADS];
    uint64_t good = 0;
    void *result;
    start(&threads[0], run_forker, (void *)1);
    pthread_join(threads[0], &result);
    printf("memory of a thread that forks: %s\n", result ? "untouched" : "changed");
    for (int i = 0; i < THREADS; i++)
        start(&threads[i], run_forker_locked, NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        good += (uintptr_t)result;
    }
    printf("children of threads: %llu were alone\n", (unsigned long long)good);
}

/* --- ends --- */

static void *
run_exec(void *arg)
{
    char *argv[] = {arg, "child", NULL};
    execv("/proc/self/exe", argv);
    execv(arg, argv);
    _exit(99);
}

static void *
run_exit(void *arg)
{
    exit((int)(uintptr_t)arg);
}

static void *
run_last(void *arg)
{
    struct timespec soon = {0, 20000000};
    nanosleep(&soon, NULL);
    return arg;
}

static void *
run_crash(void *arg)
{
    *(volatile int *)arg = 1;
    return NULL;
}

static void
child(int how, char *self)
{
    pthread_t thread;
    if (how == 3) {
        start(&thread, run_last, NULL);
        pthread_exit(NULL);
    }
    if (how == 5)
        pthread_exit((void *)5);
    crowd();
    if (how == 0)
        start(&thread, run_exec, self);
    else if (how == 1)
        start(&thread, run_exit, (void *)33);
    else if (how == 2)
        exit(44);
    else if (how == 4)
        start(&thread, run_crash, (void *)8);
    else if (how == 6)
        kill(getpid(), SIGTERM);
    for (;;)
        pause();
}

static void
test_ends(char *self)
{
    static const char *const words[] = {"exec by a thread", "exit by a thread", "exit by the first",
        "the first one leaves", "a thread crashes", "the only one leaves", "SIGTERM", "SIGKILL"};
    for (int how = 0; how < 8; how++) {
        fflush(stdout);
        pid_t pid = fork();
        GUEST_CHECK(pid >= 0);
        if (pid == 0)
            child(how, self);
        if (how == 7) {
            struct timespec soon = {0, 5000000};
            nanosleep(&soon, NULL);
            kill(pid, SIGKILL);
        }
        printf("%s: %s\n", words[how], ended(pid));
    }
}

/* --- stop and continue --- */

static void
test_stop(void)
{
    int status;
    struct timespec soon = {0, 3000000};
    struct rusage usage;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        crowd();
        for (;;)
            table[0]++;
    }
    nanosleep(&soon, NULL);
    kill(pid, SIGSTOP);
    GUEST_CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    printf("stopped: %d by %d", WIFSTOPPED(status), WSTOPSIG(status));
    kill(pid, SIGCONT);
    GUEST_CHECK(waitpid(pid, &status, WCONTINUED) == pid);
    printf(", continued: %d", WIFCONTINUED(status));
    kill(pid, SIGSTOP);
    GUEST_CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    kill(pid, SIGKILL);
    GUEST_CHECK(wait4(pid, &status, 0, &usage) == pid);
    printf(", killed: %d\n", WTERMSIG(status));
}

/* --- handlers of several threads at once --- */

static atomic_ulong handled;
static pthread_key_t key;

static void
on_signal(int sig)
{
    (void)sig;
    atomic_fetch_add(&handled, 1);
    errno = 12345; /* is the thread's own, and the interrupted code's */
}

static void *
run_target(void *arg)
{
    sigset_t set;
    sigemptyset(&set);
    if ((uintptr_t)arg % 2 == 0)
        sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    atomic_fetch_add(&go, 1);
    while (atomic_load(&go) <= THREADS)
        table[(uintptr_t)arg]++;
    sigpending(&set);
    return (void *)(uintptr_t)sigismember(&set, SIGUSR1);
}

static void
test_signals(void)
{
    pthread_t threads[THREADS];
    struct sigaction action = {.sa_handler = on_signal};
    void *result;
    unsigned pending = 0;
    pthread_key_create(&key, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (uintptr_t i = 0; i < THREADS; i++)
        start(&threads[i], run_target, (void *)i);
    while (atomic_load(&go) < THREADS)
        sched_yield();
    for (int i = 0; i < THREADS; i++)
        GUEST_CHECK(pthread_kill(threads[i], SIGUSR1) == 0);
    while (atomic_load(&handled) < THREADS / 2)
        sched_yield();
    atomic_fetch_add(&go, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        pending += (unsigned)(uintptr_t)result;
    }
    printf("signals: %lu handled, %u pending where they are blocked\n", atomic_load(&handled),
        pending);
    printf("no such thread: %s\n",
        strerror((int)syscall(SYS_tgkill, getpid(), 999999, 0) < 0 ? errno : 0));
}

int
main(int argc, char **argv)
{
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    if (argc > 1) {
        bool first = getpid() == (pid_t)syscall(SYS_gettid);
        printf("(a thread has become another program, %s) ", first ? "its first" : "not its first");
        return 21;
    }
    test_forks();
    test_ends(argv[0]);
    test_stop();
    test_signals();
    return 0;
}
