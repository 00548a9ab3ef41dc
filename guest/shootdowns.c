/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes the right to write a page away and gives it back, n times, while others run on harts 1 and
 * up: threads of this process, or processes of their own.  What that costs is for the report to
 * say.
 *
 *      shootdowns n threads|processes others
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define OTHERS_MAX 15

static atomic_int running;

static void
pin(uint64_t hart)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(hart, &set);
    GUEST_CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

static void *
run_other(void *arg)
{
    pin((uintptr_t)arg);
    GUEST_CHECK(sched_getcpu() == (int)(uintptr_t)arg);
    atomic_fetch_add(&running, 1);
    for (;;)
        ;
    return NULL;
}

static void
begin_thread(uint64_t hart)
{
    pthread_t thread;
    GUEST_CHECK(pthread_create(&thread, NULL, run_other, (void *)(uintptr_t)hart) == 0);
    while (atomic_load(&running) < (int)hart)
        sched_yield();
}

static pid_t
begin_process(uint64_t hart)
{
    int ends[2];
    char byte = 0;
    GUEST_CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        pin(hart);
        GUEST_CHECK(write(ends[1], &byte, 1) == 1);
        for (;;)
            ;
    }
    GUEST_CHECK(read(ends[0], &byte, 1) == 1);
    return pid;
}

int
main(int argc, char **argv)
{
    uint64_t n = guest_arg(argc, argv, 1, 100), others = guest_arg(argc, argv, 3, 1);
    bool threads = argc <= 2 || strcmp(argv[2], "threads") == 0;
    pid_t pids[OTHERS_MAX + 1];
    GUEST_CHECK(others <= OTHERS_MAX);
    pin(0);
    volatile char *page =
        mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GUEST_CHECK(page != MAP_FAILED);
    *page = 1;
    for (uint64_t i = 1; i <= others; i++) {
        if (threads)
            begin_thread(i);
        else
            pids[i] = begin_process(i);
    }
    for (uint64_t i = 0; i < n; i++) {
        *page = (char)i;
        GUEST_CHECK(mprotect((void *)(uintptr_t)page, GUEST_PAGE, PROT_READ) == 0);
        GUEST_CHECK(mprotect((void *)(uintptr_t)page, GUEST_PAGE, PROT_READ | PROT_WRITE) == 0);
    }
    for (uint64_t i = 1; !threads && i <= others; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    printf("done\n");
    fflush(stdout);
    _exit(0);
}
