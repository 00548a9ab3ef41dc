/* SPDX-License-Identifier: BSD-2-Clause */
/* Record locks between processes, by fcntl(2): who excludes whom, who is told, who waits, and when
 * they go. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define FILE_NAME "reclocks.tmp"

static int
lock(int fd, int command, short type, off_t start, off_t len, struct flock *out)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

    int ret = fcntl(fd, command, &l);
    if (out != NULL)
        *out = l;
    return ret;
}

static const char *
try_lock(int fd, short type, off_t start, off_t len)
{
    if (lock(fd, F_SETLK, type, start, len, NULL) == 0)
        return "has it";
    return errno == EAGAIN || errno == EACCES ? "excluded" : strerror(errno);
}

/* What a child sees that inherits fd. */
static void
as_child(const char *when, int fd)
{
    (void)fflush(stdout);
    pid_t parent = getpid(), pid = fork();

    GUEST_CHECK(pid >= 0);
    if (pid > 0) {
        int status;
        GUEST_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        return;
    }
    struct flock l;
    GUEST_CHECK(lock(fd, F_GETLK, F_WRLCK, 0, 0, &l) == 0);
    if (l.l_type == F_UNLCK)
        printf("%s: nothing in the way", when);
    else
        printf("%s: %s lock at %ld+%ld, of %s", when, l.l_type == F_WRLCK ? "write" : "read",
            (long)l.l_start, (long)l.l_len, l.l_pid == parent ? "the parent" : "somebody");
    printf("; read 0+10: %s", try_lock(fd, F_RDLCK, 0, 10));
    printf("; write 100+10: %s", try_lock(fd, F_WRLCK, 100, 10));
    printf("; write 200+1: %s\n", try_lock(fd, F_WRLCK, 200, 1));
    fflush(stdout);
    _exit(0);
}

/* A child that waits gets the lock when the parent lets it go, and not before. */
static void
waits(int fd)
{
    int told[2];
    char c = 'p';

    (void)fflush(stdout);
    GUEST_CHECK(pipe(told) == 0 && lock(fd, F_SETLK, F_WRLCK, 0, 4, NULL) == 0);
    GUEST_CHECK(pwrite(fd, "held", 4, 0) == 4);
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        char text[5] = "";
        GUEST_CHECK(write(told[1], &c, 1) == 1);
        GUEST_CHECK(lock(fd, F_SETLKW, F_WRLCK, 0, 4, NULL) == 0);
        GUEST_CHECK(pread(fd, text, 4, 0) == 4);
        printf("waited: %s\n", text);
        fflush(stdout);
        _exit(0);
    }
    int status;
    GUEST_CHECK(read(told[0], &c, 1) == 1);
    usleep(2000);
    GUEST_CHECK(pwrite(fd, "free", 4, 0) == 4 && lock(fd, F_SETLK, F_UNLCK, 0, 0, NULL) == 0);
    GUEST_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(told[0]);
    close(told[1]);
}

/* Each of four processes adds to a number in the file a hundred times, by read and write. */
static void
counts(int fd)
{
    long n = 0;

    (void)fflush(stdout);
    GUEST_CHECK(pwrite(fd, &n, sizeof n, 512) == sizeof n);
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        GUEST_CHECK(pid >= 0);
        for (int k = 0; pid == 0 && k < 100; k++) {
            GUEST_CHECK(lock(fd, F_SETLKW, F_WRLCK, 512, 8, NULL) == 0);
            GUEST_CHECK(pread(fd, &n, sizeof n, 512) == sizeof n);
            n++;
            GUEST_CHECK(pwrite(fd, &n, sizeof n, 512) == sizeof n);
            GUEST_CHECK(lock(fd, F_SETLK, F_UNLCK, 512, 8, NULL) == 0);
        }
        if (pid == 0)
            _exit(0);
    }
    int status;
    while (wait(&status) > 0)
        GUEST_CHECK(status == 0);
    GUEST_CHECK(pread(fd, &n, sizeof n, 512) == sizeof n);
    printf("counted %ld\n", n);
}

int
main(void)
{
    int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0600), other;

    GUEST_CHECK(fd >= 0 && ftruncate(fd, 4096) == 0);
    GUEST_CHECK(lock(fd, F_SETLK, F_WRLCK, 100, 50, NULL) == 0);
    as_child("a write lock", fd);
    printf("the owner: write 100+10: %s\n", try_lock(fd, F_WRLCK, 100, 10));
    GUEST_CHECK(lock(fd, F_SETLK, F_RDLCK, 100, 50, NULL) == 0);
    as_child("a read lock", fd);
    GUEST_CHECK(lock(fd, F_SETLK, F_UNLCK, 0, 0, NULL) == 0);
    as_child("none", fd);

    GUEST_CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 10, NULL) == 0);
    other = open(FILE_NAME, O_RDONLY);
    GUEST_CHECK(other >= 0);
    as_child("with another descriptor", fd);
    printf("read only: write: %s", try_lock(other, F_WRLCK, 0, 10));
    printf("; read: %s\n", try_lock(other, F_RDLCK, 0, 10));
    GUEST_CHECK(lseek(fd, 95, SEEK_SET) == 95);
    struct flock here = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 5, .l_len = 1};
    GUEST_CHECK(fcntl(fd, F_SETLK, &here) == 0);
    as_child("and one from the offset", fd);
    close(other);
    as_child("one descriptor closed", fd);
    waits(fd);
    counts(fd);
    unlink(FILE_NAME);
    GUEST_CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 10, NULL) == 0);
    as_child("without a name", fd);
    return 0;
}
