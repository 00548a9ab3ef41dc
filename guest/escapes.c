/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways out and ways to be stuck: links to what only the machine has open, a parent that waits for
 * its vfork, a hole that is larger than all memory. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static char directory[] = "/tmp/escapes-XXXXXX";

static bool
is_one_of_three(int fd)
{
    struct stat st, own;

    GUEST_CHECK(fstat(fd, &st) == 0);
    for (int i = 0; i < 3; i++)
        if (fstat(i, &own) == 0 && own.st_dev == st.st_dev && own.st_ino == st.st_ino)
            return true;
    return false;
}

/* Links to descriptors that are not ours: of those that the machine itself has open, none can be
 * opened, and none gets a name. */
static void
links(void)
{
    static const char *const where[] = {"/dev/fd", "//proc/self/fd", "/proc/thread-self/fd"};
    int opened = 0, named = 0, fd;
    char target[64];

    for (int i = 3; i < 99; i++) {
        snprintf(target, sizeof target, "%s/%d", where[i % 3], i / 3);
        GUEST_CHECK(symlink(target, "link") == 0);
        fd = open("link", O_RDWR);
        opened += fd >= 0 && !is_one_of_three(fd);
        if (fd >= 0)
            close(fd);
        if (linkat(AT_FDCWD, target, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0) {
            named++;
            unlink("named");
        }
        unlink("link");
    }
    printf("links: %d opened, %d named\n", opened, named);
}

/* A parent that waits for its vfork can be ended, though its child goes on. */
static void
ended_in_vfork(void)
{
    int ends[2];
    pid_t done = 0;
    int status = 0;

    GUEST_CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(ends[1]);
        if (vfork() == 0)
            _exit(read(ends[0], &byte, 1) == 0);
        _exit(5);
    }
    usleep(2000);
    kill(pid, SIGKILL);
    for (int i = 0; i < 1000 && done == 0; i++) {
        usleep(1000);
        done = waitpid(pid, &status, WNOHANG);
    }
    printf("ended in vfork: %d\n", done == pid && WIFSIGNALED(status));
    close(ends[0]);
    close(ends[1]);
}

/* A hole in a memory file that is larger than all memory takes none. */
static void
holes(void)
{
    int fd = (int)syscall(SYS_memfd_create, "hole", 0);
    const off_t far = (off_t)1 << 30;
    char byte = 'x';

    if (fd < 0 && errno == ENOSYS) {
        printf("hole: 0 0 0\n");
        return;
    }
    GUEST_CHECK(fd >= 0 && pwrite(fd, "abc", 3, 10000) == 3 && pwrite(fd, "d", 1, far) == 1);
    int ret = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10001, far - 10001);
    GUEST_CHECK(pread(fd, &byte, 1, 10001) == 1);
    printf("hole: %d %d", ret, byte);
    GUEST_CHECK(pread(fd, &byte, 1, 10000) == 1 && byte == 'a' && pread(fd, &byte, 1, far) == 1);
    printf(" %d\n", byte != 'd');
    close(fd);
}

int
main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    GUEST_CHECK(mkdtemp(directory) != NULL && chdir(directory) == 0);
    links();
    ended_in_vfork();
    holes();
    GUEST_CHECK(chdir("/") == 0 && rmdir(directory) == 0);
    return 0;
}
