/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Out of memory: one process takes more and more, up to so many MiB (64), while three modest
 * ones work.  On a machine that has not got that much the hog is ended; the others finish, with
 * their memory right.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define WORKERS 3

static void
hog(uint64_t mib)
{
    for (uint64_t i = 0; i < mib; i++) {
        unsigned char *p =
            mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        GUEST_CHECK(p != MAP_FAILED);
        for (size_t off = 0; off < 1 << 20; off += GUEST_PAGE)
            memset(p + off, (int)(i + off / GUEST_PAGE + 1), GUEST_PAGE);
    }
}

static void
work(uint64_t seed)
{
    size_t words = 40 * GUEST_PAGE / 8;
    uint64_t *data = malloc(words * 8);
    GUEST_CHECK(data != NULL);
    for (uint64_t round = 0; round < 30; round++) {
        for (size_t i = 0; i < words; i += 8)
            data[i] = guest_value(seed + round, i);
        for (size_t i = 0; i < words; i += 8)
            GUEST_CHECK(data[i] == guest_value(seed + round, i));
    }
}

static pid_t
start(uint64_t worker, uint64_t mib)
{
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        if (worker == 0)
            hog(mib);
        else
            work(worker);
        _exit(0);
    }
    return pid;
}

static void
tell(const char *who, pid_t pid)
{
    int status;
    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        printf("%s: ended by signal %d\n", who, WTERMSIG(status));
    else
        printf("%s: exit %d\n", who, WEXITSTATUS(status));
}

int
main(int argc, char **argv)
{
    pid_t pids[WORKERS], big;
    uint64_t mib = guest_arg(argc, argv, 1, 64);
    big = start(0, mib);
    for (uint64_t w = 0; w < WORKERS; w++)
        pids[w] = start(w + 1, 0);
    tell("hog", big);
    for (int w = 0; w < WORKERS; w++)
        tell("worker", pids[w]);
    return 0;
}
