/* SPDX-License-Identifier: BSD-2-Clause */
/* madvise and mincore as Linux has them: what each kind of advice does to the bytes, and every
 * error. Nothing is printed that Linux leaves open, such as whether a page is in RAM that may have
 * gone. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define N 8

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static unsigned char *
map(size_t pages, int prot)
{
    unsigned char *p = mmap(NULL, pages * GUEST_PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    GUEST_CHECK(p != MAP_FAILED);
    return p;
}

/* What a call gave, in words that are the same everywhere. */
static void
fill(unsigned char *p, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        memset(p + i * GUEST_PAGE, (int)(0x41 + i), GUEST_PAGE);
}

/* The first byte of each page. */
static void
bytes(const char *what, const unsigned char *p, size_t pages)
{
    printf("%s:", what);
    for (size_t i = 0; i < pages; i++)
        printf(" %02x", p[i * GUEST_PAGE]);
    printf("\n");
}

/* The same, as a child sees it after a fork. */
static void
bytes_of_child(const char *what, const unsigned char *p, size_t pages)
{
    int status;

    fflush(stdout);
    pid_t child = fork();
    GUEST_CHECK(child >= 0);
    if (child == 0) {
        bytes(what, p, pages);
        fflush(stdout);
        _exit(0);
    }
    GUEST_CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void
errors(void)
{
    unsigned char *p = map(N, PROT_READ | PROT_WRITE);
    static const int kinds[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
        MADV_DONTNEED, MADV_FREE, MADV_DONTFORK, MADV_DOFORK, MADV_DONTDUMP, MADV_DODUMP,
        MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ,
        MADV_POPULATE_WRITE};

    fill(p, N);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        printf("advice %d\n", kinds[i]);
        guest_say("  unaligned", madvise(p + 1, GUEST_PAGE, kinds[i]));
        guest_say("  nothing", madvise(p, 0, kinds[i]));
        guest_say("  wraps around", madvise(p, (size_t)-1, kinds[i]));
        guest_say("  a part of a page", madvise(p, 1, kinds[i]));
        munmap(p + 2 * GUEST_PAGE, GUEST_PAGE);
        guest_say("  with a hole", madvise(p, N * GUEST_PAGE, kinds[i]));
        guest_say("  in a hole", madvise(p + 2 * GUEST_PAGE, GUEST_PAGE, kinds[i]));
        GUEST_CHECK(mmap(p + 2 * GUEST_PAGE, GUEST_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
    }
    guest_say("advice 7", madvise(p, GUEST_PAGE, 7));
    guest_say("advice 99", madvise(p, GUEST_PAGE, 99));
    guest_say("advice -1", madvise(p, GUEST_PAGE, -1));
    guest_say("remove of private memory", madvise(p, GUEST_PAGE, MADV_REMOVE));
    munmap(p, N * GUEST_PAGE);
}

static void
dontneed(void)
{
    unsigned char *p = map(N, PROT_READ | PROT_WRITE);

    fill(p, N);
    guest_say("dontneed", madvise(p + GUEST_PAGE, 3 * GUEST_PAGE, MADV_DONTNEED));
    bytes("after dontneed", p, N);
    p[2 * GUEST_PAGE] = 0x77;
    bytes("written again", p, N);
    bytes_of_child("child", p, N);
    /* A page that is shared with a child is dropped for one only. */
    int go[2], status;
    GUEST_CHECK(pipe(go) == 0);
    fflush(stdout);
    pid_t child = fork();
    GUEST_CHECK(child >= 0);
    if (child == 0) {
        char c;
        close(go[1]);
        GUEST_CHECK(read(go[0], &c, 1) == 0);
        bytes("the child's, after the parent's dontneed", p, N);
        fflush(stdout);
        _exit(0);
    }
    guest_say("dontneed of all", madvise(p, N * GUEST_PAGE, MADV_DONTNEED));
    close(go[1]);
    GUEST_CHECK(waitpid(child, &status, 0) == child && status == 0);
    bytes("the parent's", p, N);
    guest_say("no rights", mprotect(p, N * GUEST_PAGE, PROT_NONE));
    guest_say("dontneed without rights", madvise(p, N * GUEST_PAGE, MADV_DONTNEED));
    guest_say("free without rights", madvise(p, N * GUEST_PAGE, MADV_FREE));
    guest_say("populate without rights", madvise(p, N * GUEST_PAGE, MADV_POPULATE_READ));
    guest_say("read only", mprotect(p, N * GUEST_PAGE, PROT_READ));
    guest_say("populate for writing", madvise(p, N * GUEST_PAGE, MADV_POPULATE_WRITE));
    guest_say("populate for reading", madvise(p, N * GUEST_PAGE, MADV_POPULATE_READ));
    munmap(p, N * GUEST_PAGE);
}

static void
of_a_file(void)
{
    char name[] = "madvises-XXXXXX";
    unsigned char text[2 * GUEST_PAGE];
    int fd = mkstemp(name);

    GUEST_CHECK(fd >= 0 && unlink(name) == 0);
    memset(text, 0x66, sizeof text);
    GUEST_CHECK(write(fd, text, sizeof text) == sizeof text);
    unsigned char *p = mmap(NULL, 4 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    GUEST_CHECK(p != MAP_FAILED);
    p[0] = 1;
    bytes("file, written", p, 2);
    guest_say("file: free", madvise(p, GUEST_PAGE, MADV_FREE));
    guest_say("file: wipe on fork", madvise(p, GUEST_PAGE, MADV_WIPEONFORK));
    guest_say("file: remove", madvise(p, GUEST_PAGE, MADV_REMOVE));
    guest_say("file: cold", madvise(p, 2 * GUEST_PAGE, MADV_COLD));
    guest_say("file: page out", madvise(p, 2 * GUEST_PAGE, MADV_PAGEOUT));
    bytes("file, paged out", p, 2);
    guest_say("file: dontneed", madvise(p, 2 * GUEST_PAGE, MADV_DONTNEED));
    bytes("file, as it was", p, 2);
    guest_say("file: populate", madvise(p, 2 * GUEST_PAGE, MADV_POPULATE_WRITE));
    guest_say("file: populate past its end", madvise(p, 4 * GUEST_PAGE, MADV_POPULATE_READ));
    munmap(p, 4 * GUEST_PAGE);
    close(fd);
}

/* Pages that may be lost keep their bytes or are zeros; what is written after that stays. */
static void
lazily(void)
{
    unsigned char *p = map(N, PROT_READ | PROT_WRITE);
    int good = 1;

    fill(p, N);
    guest_say("free", madvise(p, N * GUEST_PAGE, MADV_FREE));
    for (int i = 0; i < N; i++)
        good = good && (p[i * (int)GUEST_PAGE] == 0 || p[i * (int)GUEST_PAGE] == 0x41 + i);
    p[GUEST_PAGE] = 0x55;
    /* Whatever memory others take now, what was written stays. */
    size_t more = 4096;
    unsigned char *q = map(more, PROT_READ | PROT_WRITE);
    fill(q, more);
    for (int i = 0; i < N; i++)
        good = good && (i == 1 ? p[GUEST_PAGE] == 0x55
                               : p[i * (int)GUEST_PAGE] == 0 || p[i * (int)GUEST_PAGE] == 0x41 + i);
    printf("free keeps its word: %d\n", good);
    munmap(q, more * GUEST_PAGE);
    fill(p, N);
    guest_say("cold", madvise(p, N * GUEST_PAGE, MADV_COLD));
    guest_say("page out", madvise(p, N * GUEST_PAGE, MADV_PAGEOUT));
    guest_say("will need", madvise(p, N * GUEST_PAGE, MADV_WILLNEED));
    bytes("there and back", p, N);
    munmap(p, N * GUEST_PAGE);
}

static void
over_fork(void)
{
    unsigned char *p = map(N, PROT_READ | PROT_WRITE);
    int status;

    fill(p, N);
    guest_say("wipe on fork", madvise(p + GUEST_PAGE, 3 * GUEST_PAGE, MADV_WIPEONFORK));
    bytes_of_child("wiped", p, N);
    bytes("the parent's", p, N);
    guest_say("keep on fork", madvise(p + 2 * GUEST_PAGE, GUEST_PAGE, MADV_KEEPONFORK));
    bytes_of_child("wiped less", p, N);
    guest_say("dont fork", madvise(p + 5 * GUEST_PAGE, GUEST_PAGE, MADV_DONTFORK));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        unsigned char vec[N];
        guest_say("the child's page is not there", mincore(p + 5 * GUEST_PAGE, GUEST_PAGE, vec));
        guest_say("the next one is", mincore(p + 6 * GUEST_PAGE, GUEST_PAGE, vec));
        fflush(stdout);
        _exit(0);
    }
    GUEST_CHECK(waitpid(child, &status, 0) == child && status == 0);
    guest_say("do fork", madvise(p + 5 * GUEST_PAGE, GUEST_PAGE, MADV_DOFORK));
    bytes_of_child("all there", p, N);
    munmap(p, N * GUEST_PAGE);
}

static void
in_core(void)
{
    unsigned char *p = map(N, PROT_READ | PROT_WRITE), vec[N];

    memset(vec, 0xaa, sizeof vec);
    guest_say("mincore", mincore(p, N * GUEST_PAGE, vec));
    printf("untouched: %d %d\n", vec[0] & 1, vec[N - 1] & 1);
    guest_say("populate", madvise(p, N * GUEST_PAGE, MADV_POPULATE_WRITE));
    guest_say("mincore of it", mincore(p, N * GUEST_PAGE, vec));
    int n = 0;
    for (int i = 0; i < N; i++)
        n += vec[i] & 1;
    printf("populated: %d\n", n);
    guest_say("mincore unaligned", mincore(p + 1, GUEST_PAGE, vec));
    guest_say("mincore of nothing", mincore(p, 0, vec));
    guest_say("mincore to nowhere", mincore(p, GUEST_PAGE, (unsigned char *)16));
    munmap(p + GUEST_PAGE, GUEST_PAGE);
    guest_say("mincore over a hole", mincore(p, N * GUEST_PAGE, vec));
    munmap(p, N * GUEST_PAGE);
}

int
main(void)
{
    errors();
    dontneed();
    of_a_file();
    lazily();
    over_fork();
    in_core();
    return 0;
}
