/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many processes of one dynamically linked program at once, each started afresh with execve, so
 * that all they share is what is in files: the text of the program and of its libraries.  All of
 * them are there before any goes on.  Under an emulator that leaves execve to its host, GUEST_VIA
 * names the emulator to go through.
 */
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../guest.h"

#define MEMBERS_MAX 16

/* Runs through code of libc and libm, so that it is mapped. */
static uint64_t
work(uint64_t seed)
{
    char text[64];
    uint64_t sum = 0;

    for (int i = 0; i < 200; i++) {
        double x = (double)(guest_rand(&seed) % 1000);
        snprintf(text, sizeof text, "%.3f %.3f", sin(x), pow(x, 1.5));
        sum = guest_sum(sum, guest_sum_bytes(text, strlen(text)));
    }
    return sum;
}

/* A member: works, says so through descriptor 3, and waits until descriptor 4 has an end. */
static int
member(void)
{
    uint64_t sum = work(7);
    char end;

    GUEST_CHECK(write(3, &sum, sizeof sum) == sizeof sum);
    GUEST_CHECK(read(4, &end, 1) == 0);
    return 0;
}

static pid_t
start(char *program, const int *says, const int *waits)
{
    char *via = getenv("GUEST_VIA");
    char *argv[] = {via != NULL ? via : program, program, (char *)"member", NULL};
    pid_t child = fork();

    if (child != 0)
        return child;
    /* 3 and 4 may be among the descriptors that are moved. */
    int said = dup2(says[1], 20), wait_for = dup2(waits[0], 21);
    for (int fd = 3; fd < 20; fd++)
        close(fd);
    dup2(said, 3);
    dup2(wait_for, 4);
    close(20);
    close(21);
    if (via == NULL)
        execve("/proc/self/exe", argv + 1, environ);
    execve(via, argv, environ);
    _exit(126);
}

int
main(int argc, char **argv)
{
    uint64_t members = guest_arg(argc, argv, 1, 4);
    int says[2], waits[2], status;
    uint64_t first = 0;

    if (argc > 1 && strcmp(argv[1], "member") == 0)
        return member();
    GUEST_CHECK(members <= MEMBERS_MAX);
    GUEST_CHECK(pipe(says) == 0 && pipe(waits) == 0);
    for (uint64_t i = 0; i < members; i++)
        GUEST_CHECK(start(argv[0], says, waits) > 0);
    close(says[1]);
    close(waits[0]);
    for (uint64_t i = 0; i < members; i++) {
        uint64_t sum;
        GUEST_CHECK(read(says[0], &sum, sizeof sum) == sizeof sum);
        GUEST_CHECK(i == 0 || sum == first);
        first = sum;
    }
    close(waits[1]);
    for (uint64_t i = 0; i < members; i++)
        GUEST_CHECK(wait(&status) > 0 && status == 0);
    printf("%d members agree on %016llx\n", (int)members, (unsigned long long)first);
    return 0;
}
