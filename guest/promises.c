/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random promises, used to the full: what was promised is there, whatever else goes on.
 *
 *     promises SEED [PROCESSES [OPERATIONS]]
 *
 * Processes ask for memory of every kind in every way there is, write it, look at every word of it
 * and give it back, in random order.  Asking may be refused; nothing else may happen: a wrong byte
 * ends the program with status 1 and a line that says where, and nobody else may end it.
 *
 * For a machine with --overcommit never.  It uses no memory that nobody promised: no stack beyond
 * what a program starts with, and of a memfd only what was written to it, for which the writing
 * could have been refused.
 *
 * Each page has a key, from which all its words follow (0: zeros).  Few keys are in use, so equal
 * pages occur everywhere; every other key is noise to a compressor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define AREAS 12u
#define MOST 400u /* pages of one */
#define WORDS (GUEST_PAGE / 8)
#define INPUT_PAGES 64u /* of the files that are mapped privately; page i has key i + 1 */
#define MAYBE 0x8000u   /* in a key: or zeros, after MADV_FREE */
#define KEYS 0x7fffu

enum kind { ANON, FILE_COPY, MEMFD_COPY, SHARED, MEMFD, SEGMENT, HEAP };
enum state { GONE, NONE, READ, WRITE }; /* of a page: not mapped, and the rights */

static const int rights[] = {0, PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};

struct area {
    unsigned char *base; /* NULL: none */
    unsigned npages;
    enum kind kind;
    bool locked; /* some of it may be */
    uint16_t keys[MOST];
    uint8_t states[MOST];
};

static struct {
    uint64_t seed, rng;
    unsigned op, depth;
    const char *name;
    int input, memory; /* descriptors of a file and a memfd; -1: none */
    bool all_locked;   /* what is to come may be */
    struct area areas[AREAS];
} me;

static unsigned
pick(unsigned n)
{
    return (unsigned)(guest_rand(&me.rng) % n);
}

__attribute__((noreturn)) static void
fail(const char *what, unsigned area, unsigned page)
{
    printf(
        "FAILED promises: seed %llu, depth %u, operation %u (%s): %s, area %u of kind %u, page %u "
        "(%s)\n",
        (unsigned long long)me.seed, me.depth, me.op, me.name, what, area,
        (unsigned)me.areas[area].kind, page, strerror(errno));
    _exit(1);
}

/* A call that failed may have been refused for want of memory, but for no other reason. */
static void
refused(void)
{
    if (errno != ENOMEM && errno != EAGAIN && errno != ENOSPC)
        fail("refused", 0, 0);
}

/* --- what a page holds --- */

static uint64_t
word_of(unsigned key, uint64_t first, unsigned i)
{
    return first + ((key & 1) != 0 ? i / 32 : i * 0x9e3779b97f4a7c15u);
}

static void
fill(void *page, unsigned key)
{
    uint64_t *words = page, first = guest_value(77, key);

    for (unsigned i = 0; i < WORDS; i++)
        words[i] = key == 0 ? 0 : word_of(key, first, i);
}

static void
verify(struct area *area, unsigned page)
{
    const volatile uint64_t *words = (const void *)(area->base + page * GUEST_PAGE);
    unsigned key = area->keys[page] & KEYS;
    bool maybe = (area->keys[page] & MAYBE) != 0; /* at any moment, also between two of these */
    uint64_t first = guest_value(77, key);

    if (area->states[page] < READ)
        return;
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t is = words[i], should = key == 0 ? 0 : word_of(key, first, i);
        if (maybe && is == 0)
            should = key = 0;
        if (is != should)
            fail("a wrong word", (unsigned)(area - me.areas), page);
    }
}

static void
verify_all(void)
{
    for (unsigned i = 0; i < AREAS; i++)
        for (unsigned page = 0; me.areas[i].base != NULL && page < me.areas[i].npages; page++)
            verify(&me.areas[i], page);
}

static void
write_page(struct area *area, unsigned page)
{
    unsigned key = pick(4) == 0 ? 1 + pick(6) : 1 + pick(KEYS);

    if (area->states[page] != WRITE)
        return;
    if (pick(9) == 0)
        key = 0;
    fill(area->base + page * GUEST_PAGE, key);
    area->keys[page] = (uint16_t)key;
}

/* --- areas --- */

static bool
is_copy(enum kind kind)
{
    return kind == FILE_COPY || kind == MEMFD_COPY;
}

static bool
is_shared(enum kind kind)
{
    return kind == SHARED || kind == MEMFD || kind == SEGMENT;
}

static void
start(struct area *area, void *base, unsigned npages, enum kind kind, enum state state)
{
    area->base = base;
    area->npages = npages;
    area->kind = kind;
    area->locked = me.all_locked;
    for (unsigned i = 0; i < npages; i++) {
        area->keys[i] = (uint16_t)(is_copy(kind) ? i + 1 : 0);
        area->states[i] = (uint8_t)state;
    }
}

/* One that there is, a part [*from, *to) of which is mapped; NULL: not this time. */
static struct area *
some(unsigned *from, unsigned *to)
{
    struct area *area = &me.areas[pick(AREAS)];

    if (area->base == NULL)
        return NULL;
    *from = pick(area->npages);
    *to = *from + 1 + pick(area->npages - *from);
    if (pick(3) == 0) {
        *from = 0;
        *to = area->npages;
    }
    for (unsigned i = *from; i < *to; i++)
        if (area->states[i] == GONE)
            return NULL;
    return area;
}

static void
forget(struct area *area, unsigned from, unsigned to)
{
    bool left = false;

    for (unsigned i = from; i < to; i++)
        area->states[i] = GONE;
    for (unsigned i = 0; i < area->npages; i++)
        left |= area->states[i] != GONE;
    if (!left)
        area->base = NULL;
}

/* --- operations --- */

/* A memfd whose pages are there, or were refused; it stays open as long as it is mapped. */
static void *
map_memfd(unsigned npages)
{
    static const unsigned char zeros[GUEST_PAGE];
    void *base = MAP_FAILED;
    int fd = memfd_create("promises", 0), why = errno;

    for (unsigned i = 0; fd >= 0 && i < npages; i++) {
        if (write(fd, zeros, GUEST_PAGE) == (ssize_t)GUEST_PAGE)
            continue;
        why = errno;
        close(fd);
        fd = -1;
    }
    if (fd >= 0) {
        base = mmap(NULL, npages * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        why = errno;
        close(fd);
    }
    errno = why;
    return base;
}

static void *
map_segment(unsigned npages)
{
    int id = shmget(IPC_PRIVATE, npages * GUEST_PAGE, 0600);

    if (id < 0)
        return MAP_FAILED;
    void *base = shmat(id, NULL, 0);
    int why = errno;
    (void)shmctl(id, IPC_RMID, NULL);
    errno = why;
    return base;
}

static void *
map(unsigned npages, enum kind kind, enum state state)
{
    int flags = kind == SHARED ? MAP_SHARED | MAP_ANONYMOUS : MAP_PRIVATE;
    int fd = kind == FILE_COPY ? me.input : kind == MEMFD_COPY ? me.memory : -1;

    if (kind == MEMFD)
        return map_memfd(npages);
    if (kind == SEGMENT)
        return map_segment(npages);
    flags |= kind == ANON ? MAP_ANONYMOUS : 0;
    flags |= pick(4) == 0 ? MAP_NORESERVE : 0;
    flags |= pick(6) == 0 ? MAP_POPULATE : 0;
    flags |= pick(12) == 0 ? MAP_LOCKED : 0;
    return mmap(NULL, npages * GUEST_PAGE, rights[state], flags, fd, 0);
}

static void
op_map(void)
{
    struct area *area = &me.areas[pick(AREAS - 1)]; /* the last one is the heap */
    unsigned npages = 1 + pick(pick(4) == 0 ? MOST : 50);
    enum kind kind = pick(2) == 0 ? ANON : (enum kind)pick(HEAP);
    enum state state = pick(2) == 0 ? WRITE : (enum state)(1 + pick(3));

    if (area->base != NULL || (kind == MEMFD_COPY && me.memory < 0))
        return;
    if (is_copy(kind) && npages > INPUT_PAGES)
        npages = INPUT_PAGES;
    if (kind == MEMFD || kind == SEGMENT)
        state = WRITE;
    void *base = map(npages, kind, state);
    if (base == MAP_FAILED) {
        refused();
        return;
    }
    start(area, base, npages, kind, state);
    area->locked = true;
    if (kind == ANON && pick(4) == 0)
        (void)madvise(base, npages * GUEST_PAGE, MADV_HUGEPAGE);
    if (kind == ANON && pick(4) == 0)
        (void)madvise(base, npages * GUEST_PAGE, MADV_MERGEABLE);
    for (unsigned i = 0, write = pick(2); write != 0 && i < npages; i++)
        write_page(area, i);
}

static void
op_write(void)
{
    unsigned from, to;
    struct area *area = some(&from, &to);

    for (unsigned i = from; area != NULL && i < to; i++)
        write_page(area, i);
}

static void
op_verify(void)
{
    unsigned from, to;
    struct area *area = some(&from, &to);

    for (unsigned i = from; area != NULL && i < to; i++)
        verify(area, i);
}

static void
op_unmap(void)
{
    unsigned from, to;
    struct area *area = some(&from, &to);

    if (area == NULL || area->kind == HEAP)
        return;
    if (munmap(area->base + from * GUEST_PAGE, (to - from) * GUEST_PAGE) == 0)
        forget(area, from, to);
    else
        refused();
}

static void
op_protect(void)
{
    unsigned from, to;
    struct area *area = some(&from, &to);
    enum state state = pick(2) == 0 ? WRITE : (enum state)(1 + pick(3));

    if (area == NULL || area->kind == HEAP)
        return;
    if (mprotect(area->base + from * GUEST_PAGE, (to - from) * GUEST_PAGE, rights[state]) != 0) {
        refused(); /* all or nothing, as whoever asks for promises has it */
        return;
    }
    for (unsigned i = from; i < to; i++)
        area->states[i] = (uint8_t)state;
}

/* All of an area of private memory, which has the same rights everywhere, or does not move. */
static void
op_remap(void)
{
    struct area *area = &me.areas[pick(AREAS - 1)];
    unsigned npages = 1 + pick(MOST);

    if (area->base == NULL || area->kind != ANON)
        return;
    for (unsigned i = 0; i < area->npages; i++)
        if (area->states[i] != area->states[0] || area->states[i] == GONE)
            return;
    void *base = mremap(area->base, area->npages * GUEST_PAGE, npages * GUEST_PAGE, MREMAP_MAYMOVE);
    if (base == MAP_FAILED) {
        if (errno != EFAULT) /* its parts were made differently */
            refused();
        return;
    }
    for (unsigned i = area->npages; i < npages; i++) {
        area->keys[i] = 0;
        area->states[i] = area->states[0];
    }
    area->base = base;
    area->npages = npages;
}

/* Its pages are elsewhere, and where they were are zeros: promised twice. */
static void
op_remap_leaving(void)
{
    struct area *area = &me.areas[pick(AREAS - 1)], *to = &me.areas[pick(AREAS - 1)];
    size_t len = area->npages * GUEST_PAGE;

    if (area->base == NULL || area->kind != ANON || to->base != NULL)
        return;
    for (unsigned i = 0; i < area->npages; i++)
        if (area->states[i] != area->states[0] || area->states[i] == GONE)
            return;
    void *base = mremap(area->base, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    if (base == MAP_FAILED) {
        if (errno != EFAULT && errno != EINVAL)
            refused();
        return;
    }
    *to = *area;
    to->base = base;
    to->locked = area->locked = true;
    memset(area->keys, 0, sizeof area->keys);
}

static void
op_advise(void)
{
    static const int advice[] = {MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_WILLNEED, MADV_COLD,
        MADV_PAGEOUT, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
        MADV_COLLAPSE, MADV_POPULATE_READ, MADV_POPULATE_WRITE};
    int what = advice[pick(sizeof advice / sizeof *advice)];
    unsigned from, to;
    struct area *area = some(&from, &to);

    if (area == NULL || area->kind == HEAP || (what == MADV_FREE && area->kind != ANON))
        return;
    if ((what == MADV_DONTNEED || what == MADV_FREE) && area->locked)
        to = from + 1; /* of more, a part would be done before what is locked is refused */
    if (madvise(area->base + from * GUEST_PAGE, (to - from) * GUEST_PAGE, what) != 0)
        return;
    for (unsigned i = from; i < to; i++) {
        if (what == MADV_DONTNEED && !is_shared(area->kind))
            area->keys[i] = (uint16_t)(is_copy(area->kind) ? i + 1 : 0);
        if (what == MADV_FREE)
            area->keys[i] |= MAYBE;
    }
}

static void
lock_everything(void)
{
    static const int which[] = {MCL_CURRENT, MCL_FUTURE, MCL_CURRENT | MCL_FUTURE,
        MCL_CURRENT | MCL_ONFAULT, MCL_FUTURE | MCL_ONFAULT};

    me.all_locked = true;
    for (unsigned i = 0; i < AREAS; i++)
        me.areas[i].locked = true;
    if (mlockall(which[pick(5)]) != 0)
        refused();
}

static void
op_lock(void)
{
    unsigned from, to;
    struct area *area = some(&from, &to);

    if (pick(8) == 0) {
        (void)munlockall();
        return;
    }
    if (pick(8) == 0) {
        lock_everything();
        return;
    }
    if (area == NULL)
        return;
    unsigned char *at = area->base + from * GUEST_PAGE;
    size_t len = (to - from > 24 ? 24 : to - from) * GUEST_PAGE;
    area->locked = true;
    int how = (int)pick(3);
    if ((how == 0      ? mlock(at, len)
            : how == 1 ? mlock2(at, len, MLOCK_ONFAULT)
                       : munlock(at, len)) != 0)
        refused();
}

/* The heap, of which the break is one end. */
static void
op_heap(void)
{
    struct area *area = &me.areas[AREAS - 1];
    unsigned npages = 1 + pick(MOST);
    uintptr_t from = ((uintptr_t)sbrk(0) + GUEST_PAGE - 1) & ~(GUEST_PAGE - 1);
    unsigned char *base = area->base != NULL ? area->base : (unsigned char *)from;

    if (brk(base + npages * GUEST_PAGE) != 0) {
        refused();
        return;
    }
    if (area->base == NULL)
        start(area, base, 0, HEAP, WRITE);
    for (unsigned i = area->npages; i < npages; i++) {
        area->keys[i] = 0;
        area->states[i] = WRITE;
    }
    area->npages = npages;
}

static void run(unsigned operations);

/* Children who have failed have said why. */
static void
reap(bool all)
{
    int status;

    while (waitpid(-1, &status, all ? 0 : WNOHANG) > 0)
        if (status != 0)
            fail(WIFSIGNALED(status) ? "a child was ended" : "a child failed", 0, 0);
}

/* What is shared would be written by two, who know nothing of each other. */
static void
unshare(void)
{
    for (unsigned i = 0; i < AREAS; i++) {
        struct area *area = &me.areas[i];
        for (unsigned page = 0; area->base != NULL && is_shared(area->kind) && page < area->npages;
             page++)
            if (area->states[page] != GONE &&
                munmap(area->base + page * GUEST_PAGE, GUEST_PAGE) == 0)
                forget(area, page, page + 1);
    }
}

static void
op_fork(void)
{
    bool wait = pick(2) == 0;

    if (me.depth == 2)
        return;
    pid_t child = fork();
    if (child < 0)
        refused();
    if (child == 0) {
        me.depth++;
        me.rng ^= (me.op + 1) * 0x123456789abcdefu;
        if (wait) /* nobody writes what is shared now */
            verify_all();
        unshare();
        run(30 + pick(60));
        _exit(0);
    }
    int status;
    if (child > 0 && wait && waitpid(child, &status, 0) == child && status != 0)
        fail(WIFSIGNALED(status) ? "a child was ended" : "a child failed", 0, 0);
}

static const struct {
    void (*run)(void);
    unsigned weight;
    const char *name;
} operations[] = {{op_map, 16, "map"}, {op_write, 26, "write"}, {op_verify, 8, "verify"},
    {op_unmap, 6, "unmap"}, {op_protect, 10, "protect"}, {op_remap, 5, "remap"},
    {op_remap_leaving, 3, "remap, leaving"}, {op_advise, 14, "advise"}, {op_lock, 6, "lock"},
    {op_heap, 4, "heap"}, {op_fork, 2, "fork"}};

static void
run(unsigned n)
{
    for (me.op = 1; me.op <= n; me.op++) {
        unsigned at = pick(100), i = 0;
        while (at >= operations[i].weight)
            at -= operations[i++].weight;
        me.name = operations[i].name;
        operations[i].run();
        reap(false);
    }
    me.name = "the end";
    verify_all();
    reap(true);
}

/* Writes what is mapped privately; -1: it was refused, or there is none. */
static int
prepared(int fd)
{
    static uint64_t words[WORDS];

    for (unsigned i = 0; fd >= 0 && i < INPUT_PAGES; i++) {
        fill(words, i + 1);
        if (write(fd, words, GUEST_PAGE) == (ssize_t)GUEST_PAGE)
            continue;
        close(fd);
        fd = -1;
    }
    return fd;
}

int
main(int argc, char **argv)
{
    unsigned processes = (unsigned)guest_arg(argc, argv, 2, 3);
    unsigned n = (unsigned)guest_arg(argc, argv, 3, 150);
    char path[] = "/tmp/promises-XXXXXX";

    (void)setvbuf(stdout, NULL, _IONBF, 0);
    me.seed = guest_arg(argc, argv, 1, 1);
    me.rng = me.seed * 0x9e3779b97f4a7c15u + 77;
    me.name = "the start";
    int file = mkstemp(path);
    GUEST_CHECK(file >= 0 && unlink(path) == 0);
    me.input = prepared(file);
    GUEST_CHECK(me.input >= 0);
    me.memory = prepared(memfd_create("promises", 0));
    for (unsigned i = 0; i < processes; i++) {
        pid_t child = fork();
        if (child < 0)
            refused();
        if (child == 0) {
            me.rng += (i + 1) * 0x9fb21c651e98df25u;
            run(n);
            _exit(0);
        }
    }
    reap(true);
    printf("promises: all were kept\n");
    return 0;
}
