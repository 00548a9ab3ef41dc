/* SPDX-License-Identifier: BSD-2-Clause */
/* mremap, MAP_FIXED_NOREPLACE and the limit of mappings, as Linux has them: every kind, every
 * error, and the bytes. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static unsigned char *
map_at(unsigned char *at, size_t pages, int prot, int flags)
{
    unsigned char *p = mmap(at, pages * GUEST_PAGE, prot, flags, -1, 0);

    GUEST_CHECK(p != MAP_FAILED);
    return p;
}

/* Room for so many pages, all of it free now. */
static unsigned char *
room(size_t pages)
{
    unsigned char *p = map_at(NULL, pages, PROT_NONE, ANON | MAP_NORESERVE);

    GUEST_CHECK(munmap(p, pages * GUEST_PAGE) == 0);
    return p;
}

static void
fill(unsigned char *p, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        memset(p + i * GUEST_PAGE, (int)(0x41 + i), GUEST_PAGE);
}

static void
bytes(const char *what, const unsigned char *p, size_t pages)
{
    printf("%s:", what);
    for (size_t i = 0; i < pages; i++)
        printf(" %02x", p[i * GUEST_PAGE]);
    printf("\n");
}

/* Which pages are mapped at all. */
static void
mapped(const char *what, unsigned char *p, size_t pages)
{
    unsigned char vec;

    printf("%s:", what);
    for (size_t i = 0; i < pages; i++)
        printf(" %c", mincore(p + i * GUEST_PAGE, GUEST_PAGE, &vec) == 0 ? 'x' : '.');
    printf("\n");
}

/* Where the result is, as an offset from base in pages, or the error. */
static unsigned char *
say(const char *what, void *p, const unsigned char *base)
{
    if (p == MAP_FAILED)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else if (base == NULL)
        printf("%s: somewhere\n", what);
    else
        printf("%s: at %ld\n", what, (long)(((unsigned char *)p - base) / (long)GUEST_PAGE));
    return p;
}

static void
errors(void)
{
    unsigned char *p = room(64);

    map_at(p, 8, RW, ANON | MAP_FIXED);
    say("unaligned", mremap(p + 1, GUEST_PAGE, GUEST_PAGE, 0), p);
    say("to nothing", mremap(p, GUEST_PAGE, 0, 0), p);
    say("of nothing", mremap(p, 0, GUEST_PAGE, MREMAP_MAYMOVE), p);
    say("unknown flags", mremap(p, GUEST_PAGE, GUEST_PAGE, 64), p);
    say("fixed without maymove", mremap(p, GUEST_PAGE, GUEST_PAGE, MREMAP_FIXED, p), p);
    say("keep without maymove", mremap(p, GUEST_PAGE, GUEST_PAGE, MREMAP_DONTUNMAP, p), p);
    say("keep with another size",
        mremap(p, GUEST_PAGE, 2 * GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), p);
    say("fixed, unaligned",
        mremap(p, GUEST_PAGE, GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 100), p);
    say("onto itself",
        mremap(
            p, 4 * GUEST_PAGE, 4 * GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * GUEST_PAGE),
        p);
    say("of a hole", mremap(p + 8 * GUEST_PAGE, GUEST_PAGE, 2 * GUEST_PAGE, MREMAP_MAYMOVE), p);
    say("of a hole, smaller", mremap(p + 8 * GUEST_PAGE, 2 * GUEST_PAGE, GUEST_PAGE, 0), p);
    say("over a hole", mremap(p, 9 * GUEST_PAGE, 10 * GUEST_PAGE, MREMAP_MAYMOVE), p);
    GUEST_CHECK(mprotect(p + 4 * GUEST_PAGE, GUEST_PAGE, PROT_READ) == 0);
    say("over two mappings", mremap(p, 8 * GUEST_PAGE, 9 * GUEST_PAGE, MREMAP_MAYMOVE), p);
    say("over two mappings, smaller", mremap(p, 8 * GUEST_PAGE, 6 * GUEST_PAGE, 0), p);
    mapped("what is left", p, 10);
    say("no room above", mremap(p, 2 * GUEST_PAGE, 3 * GUEST_PAGE, 0), p);
    munmap(p, 64 * GUEST_PAGE);
}

static void
sizes(void)
{
    unsigned char *p = room(64);

    map_at(p, 4, RW, ANON | MAP_FIXED);
    fill(p, 4);
    say("grow in place", mremap(p, 4 * GUEST_PAGE, 8 * GUEST_PAGE, 0), p);
    bytes("grown", p, 8);
    say("shrink", mremap(p, 8 * GUEST_PAGE, 2 * GUEST_PAGE, 0), p);
    mapped("shrunk", p, 8);
    say("grow again", mremap(p, 2 * GUEST_PAGE, 6 * GUEST_PAGE, MREMAP_MAYMOVE), p);
    bytes("what was cut off is gone", p, 6);
    map_at(p + 6 * GUEST_PAGE, 1, PROT_READ, ANON | MAP_FIXED);
    say("blocked", mremap(p, 6 * GUEST_PAGE, 12 * GUEST_PAGE, 0), p);
    unsigned char *q =
        say("moved", mremap(p, 6 * GUEST_PAGE, 12 * GUEST_PAGE, MREMAP_MAYMOVE), NULL);
    bytes("moved", q, 12);
    mapped("left behind", p, 8);
    munmap(q, 12 * GUEST_PAGE);
    munmap(p, 64 * GUEST_PAGE);
}

static void
places(void)
{
    unsigned char *p = room(64);

    map_at(p, 8, RW, ANON | MAP_FIXED);
    fill(p, 8);
    map_at(p + 20 * GUEST_PAGE, 2, RW, ANON | MAP_FIXED);
    say("the middle to another place",
        mremap(p + 2 * GUEST_PAGE, 3 * GUEST_PAGE, 3 * GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
            p + 20 * GUEST_PAGE),
        p);
    mapped("now", p, 24);
    bytes("there", p + 20 * GUEST_PAGE, 3);
    say("smaller and elsewhere",
        mremap(p + 20 * GUEST_PAGE, 3 * GUEST_PAGE, GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
            p + 30 * GUEST_PAGE),
        p);
    say("larger and elsewhere",
        mremap(p + 5 * GUEST_PAGE, 3 * GUEST_PAGE, 5 * GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
            p + 32 * GUEST_PAGE),
        p);
    mapped("now", p, 40);
    bytes("there", p + 32 * GUEST_PAGE, 5);
    /* Put together again from pieces that were cut, it is one mapping. */
    map_at(p + 40 * GUEST_PAGE, 8, RW, ANON | MAP_FIXED);
    fill(p + 40 * GUEST_PAGE, 8);
    GUEST_CHECK(mprotect(p + 42 * GUEST_PAGE, 2 * GUEST_PAGE, PROT_READ) == 0);
    GUEST_CHECK(mprotect(p + 42 * GUEST_PAGE, 2 * GUEST_PAGE, RW) == 0);
    GUEST_CHECK(madvise(p + 44 * GUEST_PAGE, GUEST_PAGE, MADV_DONTNEED) == 0);
    say("cut and joined",
        mremap(p + 40 * GUEST_PAGE, 8 * GUEST_PAGE, 8 * GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
            p + 50 * GUEST_PAGE),
        p);
    bytes("there", p + 50 * GUEST_PAGE, 8);
    munmap(p, 64 * GUEST_PAGE);
}

static void
keeps(void)
{
    unsigned char *p = room(64);
    int status;

    map_at(p, 4, RW, ANON | MAP_FIXED);
    fill(p, 4);
    say("keep",
        mremap(p, 4 * GUEST_PAGE, 4 * GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
            p + 10 * GUEST_PAGE),
        p);
    mapped("both", p, 16);
    bytes("the old", p, 4);
    bytes("the new", p + 10 * GUEST_PAGE, 4);
    p[0] = 0x21;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        unsigned char *q = mremap(p + 10 * GUEST_PAGE, 4 * GUEST_PAGE, 4 * GUEST_PAGE,
            MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, p + 20 * GUEST_PAGE);
        q[GUEST_PAGE] = 0x22;
        bytes("the child's old", p + 10 * GUEST_PAGE, 4);
        bytes("the child's new", q, 4);
        fflush(stdout);
        _exit(0);
    }
    GUEST_CHECK(waitpid(child, &status, 0) == child && status == 0);
    bytes("the parent's", p + 10 * GUEST_PAGE, 4);
    bytes("and", p, 1);
    munmap(p, 64 * GUEST_PAGE);
}

static void
noreplace(void)
{
    unsigned char *p = room(16);

    map_at(p + 4 * GUEST_PAGE, 4, RW, ANON | MAP_FIXED);
    say("on free room", mmap(p, 4 * GUEST_PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), p);
    say("over something", mmap(p, 8 * GUEST_PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), p);
    say("unaligned", mmap(p + 1, GUEST_PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), p);
    mapped("now", p, 10);
    munmap(p, 16 * GUEST_PAGE);
}

/* So many mappings of a page each that there is an end of them. */
static void
many(void)
{
    size_t n = 30000;
    unsigned char *p = room(2 * n);
    unsigned long sum = 0;

    for (size_t i = 0; i < n; i++)
        map_at(p + 2 * i * GUEST_PAGE, 1, i % 2 == 0 ? PROT_READ : RW, ANON | MAP_FIXED);
    for (size_t i = 1; i < n; i += 2)
        p[2 * i * GUEST_PAGE] = (unsigned char)i;
    for (size_t i = 1; i < n; i += 2)
        sum += p[2 * i * GUEST_PAGE];
    printf("%zu mappings, sum %lu\n", n, sum);
    GUEST_CHECK(munmap(p, 2 * n * GUEST_PAGE) == 0);
    n = 70000;
    p = map_at(NULL, n, PROT_READ, ANON | MAP_NORESERVE);
    for (size_t i = 0; i < n; i += 2) {
        if (mprotect(p + i * GUEST_PAGE, GUEST_PAGE, PROT_NONE) == 0)
            continue;
        printf("too many: %s, after more than 60000: %d\n", strerrorname_np(errno), i > 60000);
        break;
    }
    GUEST_CHECK(munmap(p, n * GUEST_PAGE) == 0);
}

int
main(void)
{
    errors();
    sizes();
    places();
    keeps();
    noreplace();
    many();
    return 0;
}
