/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory in huge pages, taken apart in every way: parts unmapped, protected, given back, moved,
 * copied by children, collapsed again.  Whether there are huge pages at all shows nowhere but in
 * speed: what is printed is the same on every machine.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE ((size_t)2 << 20)
#define PAGES (HUGE / GUEST_PAGE)

/* n times 2 MiB, aligned to that. */
static unsigned char *
map_huge(size_t n)
{
    size_t len = (n + 1) * HUGE;
    unsigned char *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    GUEST_CHECK(at != MAP_FAILED);
    unsigned char *start = (unsigned char *)(((uintptr_t)at + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    if (start > at)
        GUEST_CHECK(munmap(at, (size_t)(start - at)) == 0);
    if (start + n * HUGE < at + len)
        GUEST_CHECK(munmap(start + n * HUGE, (size_t)(at + len - (start + n * HUGE))) == 0);
    return start;
}

static void
fill(unsigned char *start, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n * PAGES; i++) {
        uint64_t value = guest_value(seed, i);
        memcpy(start + i * GUEST_PAGE + i % 500 * 8, &value, sizeof value);
    }
}

static uint64_t
sum(const unsigned char *start, size_t from, size_t to)
{
    uint64_t total = 0;

    for (size_t i = from; i < to; i++) {
        uint64_t value;
        memcpy(&value, start + i * GUEST_PAGE + i % 500 * 8, sizeof value);
        total = total * 31 + value;
    }
    return total;
}

static void
report(const char *what, uint64_t value)
{
    printf("%s: %016llx\n", what, (unsigned long long)value);
}

static void
parts(void)
{
    unsigned char *start = map_huge(3);

    GUEST_CHECK(madvise(start, 3 * HUGE, MADV_HUGEPAGE) == 0);
    fill(start, 3, 1);
    report("filled", sum(start, 0, 3 * PAGES));
    GUEST_CHECK(munmap(start + 100 * GUEST_PAGE, 3 * GUEST_PAGE) == 0);
    GUEST_CHECK(mprotect(start + HUGE + 7 * GUEST_PAGE, 5 * GUEST_PAGE, PROT_READ) == 0);
    GUEST_CHECK(madvise(start + 2 * HUGE + 50 * GUEST_PAGE, 50 * GUEST_PAGE, MADV_DONTNEED) == 0);
    report("below the hole", sum(start, 0, 100));
    report("above it", sum(start, 103, 2 * PAGES));
    report("emptied", sum(start, 2 * PAGES + 50, 2 * PAGES + 100));
    report("the rest", sum(start, 2 * PAGES + 100, 3 * PAGES));
    unsigned char *moved = mremap(start + 2 * HUGE, HUGE, 2 * HUGE, MREMAP_MAYMOVE);
    GUEST_CHECK(moved != MAP_FAILED);
    report("moved", sum(moved - 2 * HUGE, 2 * PAGES + 100, 3 * PAGES));
    GUEST_CHECK(munmap(moved, 2 * HUGE) == 0);
    GUEST_CHECK(munmap(start, 2 * HUGE) == 0);
}

/* A child writes into what both have; each keeps its own. */
static void
children(void)
{
    unsigned char *start = map_huge(2);
    int status;

    GUEST_CHECK(madvise(start, 2 * HUGE, MADV_HUGEPAGE) == 0);
    fill(start, 2, 2);
    fflush(stdout);
    pid_t child = fork();
    GUEST_CHECK(child >= 0);
    if (child == 0) {
        uint64_t before = sum(start, 0, 2 * PAGES);
        for (size_t i = 0; i < 2 * PAGES; i += 97)
            start[i * GUEST_PAGE + i % 500 * 8] ^= 0x55;
        _exit(before != sum(start, 0, 2 * PAGES) ? 7 : 1);
    }
    start[GUEST_PAGE + 8] ^= 1;
    GUEST_CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    printf("the child ended with %d\n", WEXITSTATUS(status));
    report("the parent's", sum(start, 0, 2 * PAGES));
    for (size_t i = 0; i < 2 * PAGES; i += 5)
        start[i * GUEST_PAGE + i % 500 * 8] += 3;
    report("and then", sum(start, 0, 2 * PAGES));
    GUEST_CHECK(munmap(start, 2 * HUGE) == 0);
}

/* Small pages first; then they are to be huge.  Where that cannot be had nothing is lost. */
static void
collapse(void)
{
    unsigned char *start = map_huge(2);

    GUEST_CHECK(madvise(start, 2 * HUGE, MADV_NOHUGEPAGE) == 0);
    for (size_t i = 0; i < 2 * PAGES; i += 3)
        start[i * GUEST_PAGE + i % 500 * 8] = (unsigned char)i;
    GUEST_CHECK(madvise(start, 2 * HUGE, MADV_HUGEPAGE) == 0);
    (void)madvise(start, 2 * HUGE, MADV_COLLAPSE);
    report("collapsed", sum(start, 0, 2 * PAGES));
    for (size_t i = 0; i < 2 * PAGES; i += 2)
        start[i * GUEST_PAGE + i % 500 * 8]++;
    report("written", sum(start, 0, 2 * PAGES));
    GUEST_CHECK(munmap(start, 2 * HUGE) == 0);
}

/* RAM in pieces: much is mapped, one page in eight stays, and then huge pages are wanted. */
static void
churn(void)
{
    enum { LEN = 12 };
    unsigned char *kept = map_huge(LEN / 2);
    uint64_t total = 0;

    GUEST_CHECK(madvise(kept, LEN / 2 * HUGE, MADV_NOHUGEPAGE) == 0);
    fill(kept, LEN / 2, 3);
    for (size_t i = 0; i < LEN / 2 * PAGES; i++)
        if (i % 8 != 0)
            GUEST_CHECK(madvise(kept + i * GUEST_PAGE, GUEST_PAGE, MADV_DONTNEED) == 0);
    for (unsigned round = 0; round < 4; round++) {
        unsigned char *start = map_huge(3);
        GUEST_CHECK(madvise(start, 3 * HUGE, MADV_HUGEPAGE) == 0);
        fill(start, 3, 10 + round);
        total += sum(start, 0, 3 * PAGES);
        GUEST_CHECK(munmap(start, 3 * HUGE) == 0);
    }
    report("four rounds", total);
    report("kept", sum(kept, 0, LEN / 2 * PAGES));
}

int
main(void)
{
    parts();
    children();
    collapse();
    churn();
    return 0;
}
