/* SPDX-License-Identifier: BSD-2-Clause */
/* mlock and its kin as Linux has them: errors, what stays in RAM, what a child does not inherit. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define N 8

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

static unsigned char *
map(size_t pages, int prot, int flags)
{
    unsigned char *p =
        mmap(NULL, pages * GUEST_PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

    GUEST_CHECK(p != MAP_FAILED);
    return p;
}

/* Which pages are in RAM. */
static void
in_ram(const char *what, unsigned char *p, size_t pages)
{
    unsigned char vec[64];

    GUEST_CHECK(mincore(p, pages * GUEST_PAGE, vec) == 0);
    printf("%s:", what);
    for (size_t i = 0; i < pages; i++)
        printf(" %d", vec[i] & 1);
    printf("\n");
}

/* Takes so much memory that what can go has gone, on a machine with little of it. */
static void
press(void)
{
    size_t pages = 2048;
    unsigned char *p = map(pages, PROT_READ | PROT_WRITE, 0);

    for (size_t i = 0; i < pages; i++)
        p[i * GUEST_PAGE] = 1;
    munmap(p, pages * GUEST_PAGE);
}

static void
errors(void)
{
    unsigned char *p = map(N, PROT_READ | PROT_WRITE, 0);

    guest_say("nothing", mlock(p, 0));
    guest_say("nothing unlocked", munlock(p, 0));
    guest_say("wraps around", mlock(p, (size_t)-1 - 4096));
    guest_say("mlock2 with a wrong flag", mlock2(p, GUEST_PAGE, 2));
    guest_say("mlockall of nothing", mlockall(0));
    guest_say("mlockall with a wrong flag", mlockall(8));
    guest_say("mlockall on fault of nothing", mlockall(4));
    munmap(p + 2 * GUEST_PAGE, GUEST_PAGE);
    guest_say("over a hole", mlock(p, N * GUEST_PAGE));
    guest_say("unlocking over a hole", munlock(p, N * GUEST_PAGE));
    guest_say("no rights", mprotect(p, GUEST_PAGE, PROT_NONE));
    guest_say("without rights", mlock(p, GUEST_PAGE));
    guest_say("unlocked", munlock(p, GUEST_PAGE));
    munmap(p, N * GUEST_PAGE);
}

static void
stays(void)
{
    unsigned char *p = map(N, PROT_READ | PROT_WRITE, 0);

    guest_say("lock", mlock(p + GUEST_PAGE + 100, 2 * GUEST_PAGE)); /* touches three pages */
    in_ram("locked", p, N);
    press();
    in_ram("still there", p + GUEST_PAGE, 3);
    guest_say("dontneed of locked memory", madvise(p + GUEST_PAGE, GUEST_PAGE, MADV_DONTNEED));
    guest_say("free of locked memory", madvise(p + GUEST_PAGE, GUEST_PAGE, MADV_FREE));
    guest_say("cold", madvise(p + GUEST_PAGE, GUEST_PAGE, MADV_COLD));
    guest_say("page out", madvise(p + GUEST_PAGE, GUEST_PAGE, MADV_PAGEOUT));
    guest_say("dontneed of what is not", madvise(p, GUEST_PAGE, MADV_DONTNEED));
    guest_say("unlock", munlock(p, N * GUEST_PAGE));
    guest_say("dontneed now", madvise(p + GUEST_PAGE, GUEST_PAGE, MADV_DONTNEED));
    munmap(p, N * GUEST_PAGE);
}

static void
on_fault(void)
{
    unsigned char *p = map(N, PROT_READ | PROT_WRITE, 0);

    p[0] = 1;
    guest_say("on fault", mlock2(p, N * GUEST_PAGE, MLOCK_ONFAULT));
    p[3 * GUEST_PAGE] = 1;
    press();
    in_ram("what was touched", p, N);
    unsigned char *q = mremap(p, N * GUEST_PAGE, 2 * N * GUEST_PAGE, MREMAP_MAYMOVE);
    GUEST_CHECK(q != MAP_FAILED);
    in_ram("grown", q, 2 * N);
    guest_say("lock the rest now", mlock(q, 2 * N * GUEST_PAGE));
    in_ram("locked now", q, 2 * N);
    munmap(q, 2 * N * GUEST_PAGE);
    guest_say("mlockall of the future, on fault", mlockall(MCL_FUTURE | MCL_ONFAULT));
    p = map(N, PROT_READ | PROT_WRITE, 0);
    p[GUEST_PAGE] = 1;
    q = mremap(p, N * GUEST_PAGE, 2 * N * GUEST_PAGE, MREMAP_MAYMOVE);
    GUEST_CHECK(q != MAP_FAILED);
    in_ram("mapped then, and grown", q, 2 * N);
    guest_say("its dontneed", madvise(q, GUEST_PAGE, MADV_DONTNEED));
    munlockall();
    munmap(q, 2 * N * GUEST_PAGE);
}

/* A locked page of a file is the program's own as soon as it may be written. */
static void
writable(void)
{
    char name[] = "/tmp/locks-XXXXXX";
    int fd = mkstemp(name);

    GUEST_CHECK(fd >= 0 && unlink(name) == 0 && ftruncate(fd, 2 * GUEST_PAGE) == 0);
    unsigned char *p = mmap(NULL, 2 * GUEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_LOCKED, fd, 0);
    GUEST_CHECK(p != MAP_FAILED && pwrite(fd, "a", 1, 0) == 1);
    printf("may be read: %c\n", p[0]);
    GUEST_CHECK(mprotect(p, 2 * GUEST_PAGE, PROT_READ | PROT_WRITE) == 0);
    GUEST_CHECK(pwrite(fd, "b", 1, 0) == 1 && pwrite(fd, "b", 1, GUEST_PAGE) == 1);
    printf("may be written: %c %d\n", p[0], p[GUEST_PAGE]);
    munmap(p, 2 * GUEST_PAGE);
    close(fd);
}

/* A locked page that is copied on write stays locked, and the child's is not. */
static void
over_fork(void)
{
    unsigned char *p = map(2, PROT_READ | PROT_WRITE, 0);
    int status;

    p[0] = 1;
    guest_say("lock", mlock(p, 2 * GUEST_PAGE));
    fflush(stdout);
    pid_t child = fork();
    GUEST_CHECK(child >= 0);
    if (child == 0) {
        p[0] = 2;
        guest_say("the child's dontneed", madvise(p, GUEST_PAGE, MADV_DONTNEED));
        printf("its byte: %d\n", p[0]);
        fflush(stdout);
        _exit(0);
    }
    p[0] = 3;
    press();
    in_ram("the parent's", p, 2);
    GUEST_CHECK(waitpid(child, &status, 0) == child && status == 0);
    printf("its byte: %d\n", p[0]);
    munmap(p, 2 * GUEST_PAGE);
}

static void
flags(void)
{
    unsigned char *p = map(N, PROT_READ | PROT_WRITE, MAP_LOCKED);

    in_ram("MAP_LOCKED", p, N);
    guest_say("its dontneed", madvise(p, GUEST_PAGE, MADV_DONTNEED));
    unsigned char *q = mremap(p, N * GUEST_PAGE, 2 * N * GUEST_PAGE, MREMAP_MAYMOVE);
    GUEST_CHECK(q != MAP_FAILED);
    press();
    in_ram("grown", q, 2 * N);
    guest_say("unlock a part", munlock(q, GUEST_PAGE));
    guest_say("dontneed of the part", madvise(q, GUEST_PAGE, MADV_DONTNEED));
    guest_say("dontneed of the rest", madvise(q + GUEST_PAGE, GUEST_PAGE, MADV_DONTNEED));
    munmap(q, 2 * N * GUEST_PAGE);
    p = map(N, PROT_READ | PROT_WRITE, MAP_POPULATE);
    in_ram("MAP_POPULATE", p, N);
    munmap(p, N * GUEST_PAGE);
}

/* What is mapped a second time is locked there, too. */
static void
twice(void)
{
    unsigned char *p =
        mmap(NULL, N * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    GUEST_CHECK(p != MAP_FAILED && mlock(p, N * GUEST_PAGE) == 0);
    unsigned char *q = mremap(p, 0, N * GUEST_PAGE, MREMAP_MAYMOVE);
    GUEST_CHECK(q != MAP_FAILED);
    guest_say("dontneed at a second place", madvise(q, GUEST_PAGE, MADV_DONTNEED));
    munmap(p, N * GUEST_PAGE);
    press();
    in_ram("at the second place", q, N);
    guest_say("unlocked there", munlock(q, N * GUEST_PAGE));
    guest_say("dontneed there", madvise(q, GUEST_PAGE, MADV_DONTNEED));
    munmap(q, N * GUEST_PAGE);
}

static void
future(void)
{
    guest_say("mlockall of the future", mlockall(MCL_FUTURE));
    unsigned char *p = map(N, PROT_READ | PROT_WRITE, 0);
    in_ram("new memory", p, N);
    guest_say("its dontneed", madvise(p, GUEST_PAGE, MADV_DONTNEED));
    guest_say("munlockall", munlockall());
    guest_say("its dontneed now", madvise(p, GUEST_PAGE, MADV_DONTNEED));
    munmap(p, N * GUEST_PAGE);
    p = map(N, PROT_READ | PROT_WRITE, 0);
    in_ram("newer memory", p, N);
    munmap(p, N * GUEST_PAGE);
}

static void
limits(void)
{
    struct rlimit limit = {0, 0};

    GUEST_CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = 1u << 30;
    guest_say("limit of addresses", setrlimit(RLIMIT_AS, &limit));
    void *p = mmap(NULL, 2u << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    guest_say("more than that", p == MAP_FAILED ? -1 : 0);
    p = mmap(NULL, 1u << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    guest_say("less than that", p == MAP_FAILED ? -1 : 0);
    p = mremap(p, 1u << 20, 2u << 30, MREMAP_MAYMOVE);
    guest_say("grown beyond it", p == MAP_FAILED ? -1 : 0);
}

int
main(void)
{
    errors();
    stays();
    on_fault();
    writable();
    over_fork();
    flags();
    twice();
    future();
    limits();
    return 0;
}
