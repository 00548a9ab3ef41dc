/* SPDX-License-Identifier: BSD-2-Clause */
/* ETXTBSY: a program that runs is not written or cut, and a file that is being written is not run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static char place[] = "/tmp/busyfiles-XXXXXX", copy[64], other[64], name[64], script[64];

static void
say(const char *what, int ret)
{
    printf("%s: %s\n", what, ret < 0 ? strerror(errno) : "done");
    if (ret > 2)
        close(ret);
}

/* Copies a program; the descriptor is still open for writing. */
static int
begin_copy(const char *from, const char *to)
{
    static char bytes[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    ssize_t n;

    GUEST_CHECK(in >= 0 && out >= 0);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        GUEST_CHECK(write(out, bytes, (size_t)n) == n);
    GUEST_CHECK(n == 0 && close(in) == 0);
    return out;
}

/* Runs the file, which ends when to_child is closed.  Prints why, if it cannot. */
static pid_t
start(const char *path, int *to_child)
{
    int pipes[2], ready[2];
    char byte;

    GUEST_CHECK(pipe2(pipes, O_CLOEXEC) == 0 && pipe2(ready, O_CLOEXEC) == 0);
    fflush(stdout);
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        dup2(pipes[0], 0);
        execl(path, path, "wait", (char *)NULL);
        printf("run: %s\n", strerror(errno));
        fflush(stdout);
        _exit(1);
    }
    close(pipes[0]);
    close(ready[1]);
    GUEST_CHECK(read(ready[0], &byte, 1) == 0); /* it has run something, or ended */
    close(ready[0]);
    *to_child = pipes[1];
    return pid;
}

static void
finish(pid_t pid, int to_child)
{
    int status;

    close(to_child);
    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    printf("it ended with status %d\n", WEXITSTATUS(status));
}

static void
try_to_write(void)
{
    say("open to write", open(copy, O_WRONLY));
    say("open to read and write", open(copy, O_RDWR));
    say("open to append", open(copy, O_WRONLY | O_APPEND));
    say("open to cut", open(copy, O_WRONLY | O_TRUNC));
    say("open to make", open(copy, O_WRONLY | O_CREAT, 0700));
    say("open to make anew", open(copy, O_WRONLY | O_CREAT | O_EXCL, 0700));
    say("open by a symbolic link", open(name, O_WRONLY));
    say("the link itself", open(name, O_WRONLY | O_NOFOLLOW));
    say("open by another name", open(other, O_WRONLY));
    say("truncate", truncate(copy, 4096));
    say("open to read", open(copy, O_RDONLY));
    say("change mode", chmod(copy, 0755));
}

/* A shared mapping keeps the file open, as its descriptor was. */
static void
mapped(void)
{
    int to_child, fd = open(copy, O_RDWR);
    pid_t pid;

    GUEST_CHECK(fd >= 0);
    void *at = mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED, fd, 0);
    GUEST_CHECK(at != MAP_FAILED);
    close(fd);
    pid = start(copy, &to_child);
    finish(pid, to_child);
    munmap(at, GUEST_PAGE);
    fd = open(copy, O_RDONLY);
    at = mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED, fd, 0);
    GUEST_CHECK(fd >= 0 && at != MAP_FAILED);
    pid = start(copy, &to_child);
    finish(pid, to_child);
    close(fd);
    munmap(at, GUEST_PAGE);
}

int
main(int argc, char **argv)
{
    char byte;
    int to_child;

    if (argc > 1) {
        while (read(0, &byte, 1) > 0)
            ;
        return 7;
    }
    GUEST_CHECK(mkdtemp(place) != NULL);
    snprintf(copy, sizeof copy, "%s/copy", place);
    snprintf(other, sizeof other, "%s/other", place);
    snprintf(name, sizeof name, "%s/name", place);
    snprintf(script, sizeof script, "%s/script", place);
    int fd = begin_copy(argv[0], copy);
    pid_t pid = start(copy, &to_child);
    finish(pid, to_child);
    close(fd);
    GUEST_CHECK(symlink(copy, name) == 0 && link(copy, other) == 0);
    fd = open(copy, O_RDONLY); /* who reads is in nobody's way */
    pid = start(copy, &to_child);
    try_to_write();
    finish(pid, to_child);
    close(fd);
    try_to_write();
    mapped();
    fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    GUEST_CHECK(write(fd, "#!/no/such\n", 11) == 11);
    pid = start(script, &to_child);
    finish(pid, to_child);
    close(fd);
    pid = start(script, &to_child);
    finish(pid, to_child);
    GUEST_CHECK(unlink(copy) == 0 && unlink(other) == 0 && unlink(name) == 0);
    GUEST_CHECK(unlink(script) == 0 && rmdir(place) == 0);
    return 0;
}
