/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Out of memory, with a say in who goes: a large process that nobody asked about, a small one that
 * offered itself (oom_score_adj 1000), and a third that takes MiB after MiB (4).  The small one is
 * to be ended, and what that frees is to be enough; the large one must find its memory as it left
 * it. With an argument "none", the small one offers nothing.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define MIB ((size_t)1 << 20)

static unsigned char *
take(size_t bytes, int seed)
{
    unsigned char *p =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    GUEST_CHECK(p != MAP_FAILED);
    for (size_t off = 0; off < bytes; off += GUEST_PAGE)
        memset(p + off, seed + (int)(off / GUEST_PAGE), GUEST_PAGE);
    return p;
}

/* Takes memory, says so, waits to be told, and looks whether the memory is as it was. */
static pid_t
start(size_t bytes, const char *adj, int up, int down)
{
    pid_t pid = fork();

    GUEST_CHECK(pid >= 0);
    if (pid > 0)
        return pid;
    char c = 'r';
    FILE *f = fopen("/proc/self/oom_score_adj", "w");
    GUEST_CHECK(f != NULL && fputs(adj, f) >= 0 && fclose(f) == 0);
    unsigned char *p = take(bytes, 3);
    GUEST_CHECK(write(up, &c, 1) == 1);
    GUEST_CHECK(read(down, &c, 1) == 1);
    for (size_t off = 0; off < bytes; off += GUEST_PAGE)
        GUEST_CHECK(p[off + 9] == (unsigned char)(3 + (int)(off / GUEST_PAGE)));
    _exit(0);
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
    const char *offer = argc > 1 && strcmp(argv[1], "none") == 0 ? "0" : "1000";
    int up[2], down[2];
    char c;

    GUEST_CHECK(pipe(up) == 0 && pipe(down) == 0);
    pid_t large = start(3 * MIB, "0", up[1], down[0]);
    GUEST_CHECK(read(up[0], &c, 1) == 1);
    pid_t small = start(2 * MIB, offer, up[1], down[0]);
    GUEST_CHECK(read(up[0], &c, 1) == 1);
    for (int i = 0; i < 4; i++)
        (void)take(MIB / 2, i);
    GUEST_CHECK(write(down[1], "gg", 2) == 2);
    tell("large", large);
    tell("small", small);
    return 0;
}
