/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap and its relatives, each with the bytes verified: anonymous and private file mappings,
 * munmap of parts, mprotect with the faults it must cause, mremap that grows, shrinks and moves,
 * MAP_FIXED over what is there, and brk up and down.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

static sigjmp_buf escape;
static volatile int fault_code;

static void
on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    fault_code = sig == SIGSEGV ? info->si_code : 1000 + info->si_code;
    siglongjmp(escape, 1);
}

/* 0 when the byte can be written (or read), else the si_code of its fault. */
static int
probe(volatile unsigned char *at, bool write)
{
    fault_code = 0;
    if (sigsetjmp(escape, 1) == 0) {
        if (write)
            *at = *at;
        else
            (void)*at;
    }
    return fault_code;
}

static unsigned char *
anonymous(size_t pages)
{
    void *p =
        mmap(NULL, pages * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GUEST_CHECK(p != MAP_FAILED);
    return p;
}

static void
paint(unsigned char *p, size_t pages, uint64_t seed)
{
    for (size_t i = 0; i < pages * GUEST_PAGE; i += 8) {
        uint64_t v = guest_value(seed, i);
        memcpy(p + i, &v, 8);
    }
}

static void
verify(const unsigned char *p, size_t pages, uint64_t seed, size_t from)
{
    for (size_t i = 0; i < pages * GUEST_PAGE; i += 8) {
        uint64_t v = guest_value(seed, from * GUEST_PAGE + i);
        GUEST_CHECK(memcmp(p + i, &v, 8) == 0);
    }
}

static void
test_unmap(void)
{
    unsigned char *p = anonymous(40);
    for (size_t i = 0; i < 40 * GUEST_PAGE; i++)
        GUEST_CHECK(p[i] == 0);
    paint(p, 40, 1);
    GUEST_CHECK(munmap(p + 10 * GUEST_PAGE, 5 * GUEST_PAGE) == 0);
    GUEST_CHECK(munmap(p, GUEST_PAGE) == 0);
    GUEST_CHECK(munmap(p + 39 * GUEST_PAGE, GUEST_PAGE) == 0);
    verify(p + GUEST_PAGE, 9, 1, 1);
    verify(p + 15 * GUEST_PAGE, 24, 1, 15);
    printf("holes: %d %d %d %d\n", probe(p, false), probe(p + 12 * GUEST_PAGE, true),
        probe(p + 39 * GUEST_PAGE, false), probe(p + 20 * GUEST_PAGE, true));
    GUEST_CHECK(munmap(p, 40 * GUEST_PAGE) == 0);
    printf("errors: %d", munmap(p + 1, GUEST_PAGE) == -1 && errno == EINVAL);
    printf(" %d", mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    printf(" %d\n", mprotect(p, GUEST_PAGE, PROT_READ) == -1 && errno == ENOMEM);
}

static void
test_protect(void)
{
    unsigned char *p = anonymous(30);
    paint(p, 30, 2);
    GUEST_CHECK(mprotect(p + 5 * GUEST_PAGE, 10 * GUEST_PAGE, PROT_READ) == 0);
    GUEST_CHECK(mprotect(p + 20 * GUEST_PAGE, 3 * GUEST_PAGE, PROT_NONE) == 0);
    printf("rights: %d %d %d %d %d\n", probe(p + 4 * GUEST_PAGE, true),
        probe(p + 5 * GUEST_PAGE, true), probe(p + 14 * GUEST_PAGE, false),
        probe(p + 21 * GUEST_PAGE, false), probe(p + 23 * GUEST_PAGE, true));
    GUEST_CHECK(mprotect(p, 30 * GUEST_PAGE, PROT_READ | PROT_WRITE) == 0);
    verify(p, 30, 2, 0);
    printf(
        "rights back: %d %d\n", probe(p + 6 * GUEST_PAGE, true), probe(p + 21 * GUEST_PAGE, true));
    munmap(p, 30 * GUEST_PAGE);
}

static void
test_remap(void)
{
    unsigned char *p = anonymous(16);
    paint(p, 16, 3);
    unsigned char *q = mremap(p, 16 * GUEST_PAGE, 6 * GUEST_PAGE, 0);
    GUEST_CHECK(q == p);
    verify(p, 6, 3, 0);
    printf("shrunk: %d\n", probe(p + 6 * GUEST_PAGE, false));
    unsigned char *wall = mmap(
        p + 6 * GUEST_PAGE, GUEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    GUEST_CHECK(wall == p + 6 * GUEST_PAGE);
    q = mremap(p, 6 * GUEST_PAGE, 8 * GUEST_PAGE, 0);
    printf("no room: %d\n", q == MAP_FAILED && errno == ENOMEM);
    q = mremap(p, 6 * GUEST_PAGE, 60 * GUEST_PAGE, MREMAP_MAYMOVE);
    GUEST_CHECK(q != MAP_FAILED && q != p);
    verify(q, 6, 3, 0);
    for (size_t i = 6 * GUEST_PAGE; i < 60 * GUEST_PAGE; i++)
        GUEST_CHECK(q[i] == 0);
    printf("moved: old %d new %d\n", probe(p, false), probe(q + 59 * GUEST_PAGE, true));
    unsigned char *place = anonymous(60);
    paint(q, 60, 4);
    unsigned char *r =
        mremap(q, 60 * GUEST_PAGE, 60 * GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    GUEST_CHECK(r == place);
    verify(r, 60, 4, 0);
    munmap(r, 60 * GUEST_PAGE);
    munmap(wall, GUEST_PAGE);
}

static void
test_fixed(void)
{
    unsigned char *p = anonymous(20);
    paint(p, 20, 5);
    unsigned char *q = mmap(p + 4 * GUEST_PAGE, 4 * GUEST_PAGE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    GUEST_CHECK(q == p + 4 * GUEST_PAGE);
    for (size_t i = 0; i < 4 * GUEST_PAGE; i++)
        GUEST_CHECK(q[i] == 0);
    verify(p, 4, 5, 0);
    verify(p + 8 * GUEST_PAGE, 12, 5, 8);
    printf("fixed: misaligned %d\n",
        mmap(p + 1, GUEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
                MAP_FAILED &&
            errno == EINVAL);
    munmap(p, 20 * GUEST_PAGE);
}

static int
make_file(size_t len)
{
    char name[] = "/tmp/mappings-XXXXXX";
    int fd = mkstemp(name);
    GUEST_CHECK(fd >= 0 && unlink(name) == 0);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)guest_value(6, i);
        GUEST_CHECK(pwrite(fd, &c, 1, (off_t)i) == 1);
    }
    return fd;
}

static void
test_file(void)
{
    size_t len = 3 * GUEST_PAGE + 100;
    int fd = make_file(len);
    unsigned char *p = mmap(NULL, 4 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    unsigned char *q = mmap(NULL, 2 * GUEST_PAGE, PROT_READ, MAP_PRIVATE, fd, (off_t)GUEST_PAGE);
    GUEST_CHECK(p != MAP_FAILED && q != MAP_FAILED);
    for (size_t i = 0; i < 4 * GUEST_PAGE; i++)
        GUEST_CHECK(p[i] == (i < len ? (unsigned char)guest_value(6, i) : 0));
    memset(p + GUEST_PAGE, 0xee, GUEST_PAGE);
    unsigned char on_disk = 0;
    GUEST_CHECK(pread(fd, &on_disk, 1, (off_t)GUEST_PAGE) == 1);
    GUEST_CHECK(on_disk == (unsigned char)guest_value(6, GUEST_PAGE));
    GUEST_CHECK(q[0] == on_disk && p[GUEST_PAGE] == 0xee);
    close(fd);
    GUEST_CHECK(q[GUEST_PAGE] == (unsigned char)guest_value(6, 2 * GUEST_PAGE));
    printf("file: read-only %d, sum %016lx\n", probe(q, true), guest_sum_bytes(p, 4 * GUEST_PAGE));
    munmap(p, 4 * GUEST_PAGE);
    munmap(q, 2 * GUEST_PAGE);
}

static void
test_brk(void)
{
    unsigned char *start = sbrk(0);
    size_t off = (GUEST_PAGE - ((uintptr_t)start & (GUEST_PAGE - 1))) & (GUEST_PAGE - 1);
    GUEST_CHECK(sbrk((intptr_t)(off + 50 * GUEST_PAGE)) == start);
    unsigned char *heap = start + off;
    paint(heap, 50, 7);
    GUEST_CHECK(brk(heap + 20 * GUEST_PAGE) == 0);
    verify(heap, 20, 7, 0);
    int beyond = probe(heap + 20 * GUEST_PAGE, false);
    GUEST_CHECK(beyond == SEGV_MAPERR || guest_lenient());
    GUEST_CHECK(brk(heap + 50 * GUEST_PAGE) == 0);
    for (size_t i = 20 * GUEST_PAGE; i < 50 * GUEST_PAGE; i++)
        GUEST_CHECK(heap[i] == 0);
    verify(heap, 20, 7, 0);
    GUEST_CHECK(brk(start) == 0);
    printf("brk: gone, and grown again with zeros\n");
}

int
main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0); /* stdout must not allocate while brk is measured */
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    test_unmap();
    test_protect();
    test_remap();
    test_fixed();
    test_file();
    test_brk();
    return 0;
}
