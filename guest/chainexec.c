/* SPDX-License-Identifier: BSD-2-Clause */
/* execve of itself, twelve times over: arguments and environment change, descriptors stay or
 * close, handlers are reset, ignored signals stay ignored, memory is new.  Under an emulator that
 * leaves execve to its host, GUEST_VIA names the emulator to go through. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static uint64_t memory_of_ours;

static void
on_signal(int sig)
{
    (void)sig;
}

static void
check_arrival(char **argv, unsigned long step)
{
    struct sigaction sa;
    char text[32];
    snprintf(text, sizeof text, "step-%lu", step);
    GUEST_CHECK(getenv("GUEST_STEP") != NULL && strcmp(getenv("GUEST_STEP"), text) == 0);
    GUEST_CHECK(strcmp(argv[2], text) == 0);
    GUEST_CHECK(memory_of_ours == 0);
    GUEST_CHECK(fcntl(30, F_GETFD) == 0 && fcntl(31, F_GETFD) == -1 && errno == EBADF);
    sigaction(SIGUSR1, NULL, &sa);
    GUEST_CHECK(sa.sa_handler == SIG_DFL);
    sigaction(SIGUSR2, NULL, &sa);
    GUEST_CHECK(sa.sa_handler == SIG_IGN);
}

static void
failures(char **argv)
{
    char *none[] = {NULL};
    printf("no such file: %d\n", execve("/no/such/program", argv, none) == -1 && errno == ENOENT);
    printf("a directory: %d\n", execve("/tmp", argv, none) == -1 && errno == EACCES);
    char name[] = "/tmp/chainexec-XXXXXX";
    int fd = mkstemp(name);
    GUEST_CHECK(fd >= 0 && write(fd, "plain text\n", 11) == 11 && fchmod(fd, 0700) == 0);
    close(fd);
    printf("not a program: %d\n", execve(name, argv, none) == -1 && errno == ENOEXEC);
    unlink(name);
}

static void
become(char **args, const char *variable)
{
    char via[256] = "", *whole[8], *env[] = {(char *)variable, NULL, NULL};
    const char *emulator = getenv("GUEST_VIA");
    size_t n = 0;
    fflush(stdout);
    if (emulator == NULL) {
        execve(args[0], args, env);
        return;
    }
    snprintf(via, sizeof via, "GUEST_VIA=%s", emulator);
    env[1] = via;
    whole[n++] = (char *)emulator;
    for (char **a = args; *a != NULL; a++)
        whole[n++] = *a;
    whole[n] = NULL;
    execve(emulator, whole, env);
}

static void
next(char **argv, unsigned long left, unsigned long step)
{
    char number[32], text[32], variable[64];
    snprintf(number, sizeof number, "%lu", left);
    snprintf(text, sizeof text, "step-%lu", step);
    snprintf(variable, sizeof variable, "GUEST_STEP=%s", text);
    char *args[] = {argv[0], number, text, NULL};
    memory_of_ours = step;
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    GUEST_CHECK(dup2(1, 30) == 30 && dup3(1, 31, O_CLOEXEC) == 31);
    become(args, variable);
    GUEST_CHECK(!"execve came back");
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        failures(argv);
        next(argv, guest_arg(argc, argv, 1, 12), 1);
    }
    unsigned long left = strtoul(argv[1], NULL, 10), step = strtoul(argv[2] + 5, NULL, 10);
    check_arrival(argv, step);
    if (left > 1)
        next(argv, left - 1, step + 1);
    pid_t pid = fork();
    if (pid == 0) {
        char *args[] = {argv[0], "1", "step-1", NULL};
        GUEST_CHECK(dup2(open("/dev/null", O_WRONLY), 1) == 1);
        become(args, "GUEST_STEP=other");
        _exit(99);
    }
    int status;
    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    printf("step %lu, and the child that must fail exits %d\n", step, WEXITSTATUS(status));
    return 0;
}
