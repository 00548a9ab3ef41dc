/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that compute at the same time, each with its registers (integer and floating) and
 * memory its own; and the ways of waiting for them. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define PROCESSES 6

/* Long enough for many time slices. */
static void
compute(unsigned id, unsigned rounds)
{
    uint64_t sum = id;
    double x = id + 1, y = 1.0 / (id + 2);
    for (unsigned i = 0; i < rounds; i++) {
        sum = guest_sum(sum, i);
        x = x * 1.0000001 + y;
        if (i % 5000 == 0)
            sched_yield();
    }
    uint64_t again = id;
    double xx = id + 1;
    for (unsigned i = 0; i < rounds; i++) {
        again = guest_sum(again, i);
        xx = xx * 1.0000001 + y;
    }
    _exit(sum == again && memcmp(&x, &xx, sizeof x) == 0 ? (int)id : 99);
}

static void
together(unsigned rounds)
{
    unsigned seen = 0;
    for (unsigned id = 1; id <= PROCESSES; id++) {
        pid_t pid = fork();
        GUEST_CHECK(pid >= 0);
        if (pid == 0)
            compute(id, rounds);
    }
    for (int status; wait(&status) > 0;) {
        GUEST_CHECK(WIFEXITED(status) && WEXITSTATUS(status) <= PROCESSES);
        seen |= 1u << WEXITSTATUS(status);
    }
    printf("all %d computed right: %d\n", PROCESSES, seen == (1u << (PROCESSES + 1)) - 2);
}

static void
ways_of_waiting(void)
{
    int status, fds[2];
    char c;
    printf("no child: %d\n", wait(&status) == -1 && errno == ECHILD);
    GUEST_CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[1]);
        _exit(read(fds[0], &c, 1) == 1 ? c : 1);
    }
    printf("not yet: %d\n", waitpid(pid, &status, WNOHANG));
    GUEST_CHECK(write(fds[1], "\x2a", 1) == 1);
    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    printf("exited %d\n", WEXITSTATUS(status));
    pid = fork();
    if (pid == 0) {
        raise(SIGKILL);
        _exit(0);
    }
    GUEST_CHECK(waitpid(-1, &status, 0) == pid);
    printf("killed %d\n", WTERMSIG(status));
    pid = fork();
    if (pid == 0)
        abort();
    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    printf("aborted %d\n", WTERMSIG(status) == SIGABRT);
}

/* A grandchild outlives its parent and is still heard. */
static void
orphan(void)
{
    int fds[2], status;
    char c = 0;
    GUEST_CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            for (int i = 0; i < 50; i++)
                sched_yield();
            _exit(write(fds[1], "o", 1) != 1);
        }
        _exit(7);
    }
    close(fds[1]);
    GUEST_CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
    GUEST_CHECK(read(fds[0], &c, 1) == 1);
    printf("orphan says %c, then %zd\n", c, read(fds[0], &c, 1));
}

int
main(int argc, char **argv)
{
    together((unsigned)guest_arg(argc, argv, 1, 60000));
    ways_of_waiting();
    orphan();
    return 0;
}
