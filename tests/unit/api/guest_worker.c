/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program that test_run runs.  argv[1]:
 *   spin    says "go" and runs until a signal ends it
 *   catch   the same, but exits with 7 when SIGINT comes
 *   read    waits for input that never comes
 *   KiB     writes so much memory in four passes, forks, checks it on both sides; exits with 3
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
caught(int signo)
{
    (void)signo;
    _exit(7);
}

static int
wrong(const unsigned *words, size_t n, unsigned pass)
{
    for (size_t i = 0; i < n; i++) {
        if (words[i] != (unsigned)i * 2654435761u + pass)
            return 1;
    }
    return 0;
}

static int
work(size_t bytes)
{
    size_t n = bytes / sizeof(unsigned);
    unsigned *words = malloc(bytes);
    int status = 1;

    if (words == NULL)
        return 10;
    for (unsigned pass = 0; pass < 4; pass++) {
        for (size_t i = 0; i < n; i++)
            words[i] = (unsigned)i * 2654435761u + pass;
        if (wrong(words, n, pass))
            return 11;
    }
    pid_t pid = fork();
    if (pid == 0) {
        words[0]++;
        _exit(words[0] == 4 && !wrong(words + n / 2, 0, 3) ? 0 : 1);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return 12;
    return wrong(words, n, 3) ? 13 : 3;
}

int
main(int argc, char **argv)
{
    char byte;

    if (argc < 2)
        return 2;
    if (strcmp(argv[1], "read") == 0)
        return read(0, &byte, 1) == 1 ? 4 : 5;
    if (strcmp(argv[1], "spin") != 0 && strcmp(argv[1], "catch") != 0)
        return work((size_t)atol(argv[1]) << 10);
    if (strcmp(argv[1], "catch") == 0)
        signal(SIGINT, caught);
    puts("go");
    fflush(stdout);
    for (volatile unsigned long i = 0;; i++)
        ;
}
