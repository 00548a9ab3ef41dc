/* SPDX-License-Identifier: BSD-2-Clause */
/* What calls have done when they meet something wrong on their way: Linux goes through a range from
 * its start, and what came before the bad part is done. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guest.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define N 8

static char name[] = "/tmp/halfway-XXXXXX";

static char *
map(int prot, int flags, int fd)
{
    char *p = mmap(NULL, N * GUEST_PAGE, prot, flags, fd, 0);

    GUEST_CHECK(p != MAP_FAILED);
    return p;
}

/* N pages, of which those from `from` to `to` are not there. */
static char *
holed(size_t from, size_t to)
{
    char *p = map(RW, ANON, -1);

    memset(p, 'x', N * GUEST_PAGE);
    GUEST_CHECK(munmap(p + from * GUEST_PAGE, (to - from) * GUEST_PAGE) == 0);
    return p;
}

/* Which pages a call may write to. */
static void
writable(const char *what, char *p)
{
    int zero = open("/dev/zero", O_RDONLY);

    printf("%s:", what);
    for (size_t i = 0; i < N; i++)
        printf(" %c", read(zero, p + i * GUEST_PAGE, 1) == 1 ? 'w' : '-');
    printf("\n");
    close(zero);
}

static void
protecting(int readonly)
{
    char *p = holed(5, 6);

    guest_say("mprotect over a hole", mprotect(p + GUEST_PAGE, 6 * GUEST_PAGE, PROT_READ));
    writable("what is before it has its rights", p);
    guest_say("and back", mprotect(p, N * GUEST_PAGE, RW));
    writable("back", p);
    GUEST_CHECK(mmap(p + 3 * GUEST_PAGE, 2 * GUEST_PAGE, PROT_READ, MAP_SHARED | MAP_FIXED,
                    readonly, 0) != MAP_FAILED);
    GUEST_CHECK(mprotect(p, 3 * GUEST_PAGE, PROT_READ) == 0);
    guest_say("over what may not be written", mprotect(p + GUEST_PAGE, 4 * GUEST_PAGE, RW));
    writable("what is before that", p);
    munmap(p, N * GUEST_PAGE);
}

/* Reads and writes that meet the end of a mapping, not at a page's end in the file. */
static void
moving(const char *what, int fd)
{
    char *p = holed(3, N);
    struct iovec two[] = {{p + GUEST_PAGE, 100}, {p + 3 * GUEST_PAGE - 50, 100}};

    printf("%s\n", what);
    guest_say("write", pwrite(fd, p + 10, 5 * GUEST_PAGE, 77));
    guest_say("length", lseek(fd, 0, SEEK_END));
    guest_say("write of what is not there", pwrite(fd, p + 3 * GUEST_PAGE, 10, 0));
    guest_say("write across", pwrite(fd, p + 3 * GUEST_PAGE - 1, 2, 0));
    guest_say("read", pread(fd, p + 10, 5 * GUEST_PAGE, 0));
    guest_say("read of a little into a lot", pread(fd, p + 2 * GUEST_PAGE, 5 * GUEST_PAGE, 12000));
    guest_say("read to what is not there", pread(fd, p + 3 * GUEST_PAGE, 10, 0));
    guest_say("vector", preadv(fd, two, 2, 0));
    guest_say("vector out", pwritev(fd, two, 2, 0));
    lseek(fd, 100, SEEK_SET);
    guest_say("read on", read(fd, p + 2 * GUEST_PAGE, 2 * GUEST_PAGE));
    guest_say("is there", lseek(fd, 0, SEEK_CUR));
    guest_say("write on", write(fd, p + 2 * GUEST_PAGE + 50, 2 * GUEST_PAGE));
    guest_say("is there", lseek(fd, 0, SEEK_CUR));
    munmap(p, N * GUEST_PAGE);
}

static void
syncing(int fd)
{
    char *p = map(RW, MAP_SHARED, fd);

    memset(p, 'y', 2 * GUEST_PAGE);
    GUEST_CHECK(munmap(p + 5 * GUEST_PAGE, GUEST_PAGE) == 0);
    guest_say("msync over a hole", msync(p, N * GUEST_PAGE, MS_SYNC));
    guest_say("some time", msync(p, N * GUEST_PAGE, MS_ASYNC));
    GUEST_CHECK(mlock(p + 3 * GUEST_PAGE, GUEST_PAGE) == 0);
    guest_say("invalidated", msync(p, 3 * GUEST_PAGE, MS_INVALIDATE));
    guest_say("invalidated, with what is locked", msync(p, 5 * GUEST_PAGE, MS_INVALIDATE));
    guest_say("the same, written", msync(p, 5 * GUEST_PAGE, MS_INVALIDATE | MS_SYNC));
    guest_say("the same, with a hole", msync(p, N * GUEST_PAGE, MS_INVALIDATE | MS_SYNC));
    guest_say("a hole first", msync(p + 5 * GUEST_PAGE, 2 * GUEST_PAGE, MS_INVALIDATE));
    guest_say("written", msync(p, 5 * GUEST_PAGE, MS_SYNC));
    munmap(p, N * GUEST_PAGE);
}

int
main(void)
{
    int file = mkstemp(name), readonly = open(name, O_RDONLY);
    int memory = (int)syscall(SYS_memfd_create, "halfway", 0);

    GUEST_CHECK(file >= 0 && readonly >= 0 && memory >= 0);
    unlink(name);
    GUEST_CHECK(ftruncate(file, 2 * GUEST_PAGE) == 0);
    protecting(readonly);
    moving("file", file);
    moving("memory", memory);
    GUEST_CHECK(ftruncate(file, N * GUEST_PAGE) == 0);
    syncing(file);
    return 0;
}
