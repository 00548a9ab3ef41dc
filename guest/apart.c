/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linked with its code at the low end and all that it writes from 1 GiB on, so that a scheme which
 * picks segments by the top bits of an address has them in two.  Runs itself twice at once: the
 * two share what only is executed, and each fills a table of its own.  Under an emulator that
 * leaves execve to its host, GUEST_VIA names the emulator to go through.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define WORDS 4096u

static uint64_t table[WORDS]; /* at the same address in both */

/* Code enough to be worth sharing. */
static __attribute__((noinline)) uint64_t
work(uint64_t seed, unsigned rounds)
{
    uint64_t sum = seed;

    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned w = 0; w < WORDS; w++)
            table[w] = guest_value(seed + i, w);
        for (unsigned w = 0; w < WORDS; w++) {
            GUEST_CHECK(table[w] == guest_value(seed + i, w));
            sum = guest_sum(sum, table[w]);
        }
    }
    return sum;
}

/* Says that it is there, works when it is told to, and writes its sum. */
static int
child(uint64_t seed)
{
    char go = 0;

    GUEST_CHECK(write(1, "+", 1) == 1);
    GUEST_CHECK(read(0, &go, 1) == 1 && go == '!');
    uint64_t sum = work(seed, 20);
    GUEST_CHECK(write(1, &sum, sizeof sum) == (ssize_t)sizeof sum);
    return (int)seed;
}

static void
become(char **argv, const char *seed)
{
    const char *emulator = getenv("GUEST_VIA");
    char *args[] = {(char *)emulator, argv[0], (char *)seed, NULL};

    if (emulator == NULL)
        execve(args[1], args + 1, environ);
    else
        execve(emulator, args, environ);
    _exit(99);
}

struct other {
    pid_t pid;
    int to, from;
};

static struct other
start(char **argv, const char *seed)
{
    int to[2], from[2];

    GUEST_CHECK(pipe(to) == 0 && pipe(from) == 0);
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        GUEST_CHECK(dup2(to[0], 0) == 0 && dup2(from[1], 1) == 1);
        close(to[0]);
        close(to[1]);
        close(from[0]);
        close(from[1]);
        become(argv, seed);
    }
    close(to[0]);
    close(from[1]);
    return (struct other){.pid = pid, .to = to[1], .from = from[0]};
}

static void
finish(struct other *other)
{
    uint64_t sum = 0;
    int status = 0;

    GUEST_CHECK(read(other->from, &sum, sizeof sum) == (ssize_t)sizeof sum);
    GUEST_CHECK(waitpid(other->pid, &status, 0) == other->pid);
    printf("child: sum %016lx, status %d\n", sum, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

int
main(int argc, char **argv)
{
    char there = 0;

    if (argc > 1)
        return child(guest_arg(argc, argv, 1, 0));
    struct other others[2] = {start(argv, "11"), start(argv, "22")};
    for (int i = 0; i < 2; i++)
        GUEST_CHECK(read(others[i].from, &there, 1) == 1 && there == '+');
    for (int i = 0; i < 2; i++)
        GUEST_CHECK(write(others[i].to, "!", 1) == 1);
    for (int i = 0; i < 2; i++)
        finish(&others[i]);
    printf("both ran at once\n");
    return 0;
}
