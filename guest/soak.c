/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random processes that know what every byte of theirs must be, and look all the time.
 *
 *     soak SEED WORKERS OPERATIONS PAGES [FEATURES]
 *
 * WORKERS processes do OPERATIONS random operations each on memory of up to PAGES pages: mappings
 * of all kinds, holes, rights, moves, advice, locks, files, shared memory, forks, execs, threads.
 * FEATURES is a string of what may be used; the others are left out:
 *
 *     s shared memory and files   a advice   l locks   x exec   t threads   h large mappings
 *     n workers have names: each executes a file beside this one, whose name ends in its number
 *
 * Each page has a key, from which all its words follow (0: zeros).  Few keys are in use, so equal
 * pages occur everywhere.  What a kernel may refuse for want of memory may fail here.  A wrong byte
 * ends the program with status 1 and a line that names the seed, the process and the operation.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "keyed.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

#define AREAS 24
#define KEYS 900u         /* different contents */
#define MAYBE 0x80000000u /* in a key: or zeros, after MADV_FREE */
#define INPUT_PAGES 40u   /* of the file that all map privately; page i has key i + 1 */
#define CHILDREN_MOST 3
#define DEPTH_MOST 2
#define LARGE_PAGES 1100u /* more than two huge pages: one fits, wherever it lies */
#define PLAIN_MOST 2600u  /* PAGES for mappings of up to 200; beyond, they grow with it */

enum kind { PRIVATE, PRIVATE_FILE, SHARED, SHARED_FILE };

struct area {
    unsigned char *base; /* NULL: none */
    size_t npages;
    enum kind kind;
    int prot;
    bool locked;
    int fd;         /* SHARED_FILE */
    size_t offset;  /* pages into the file at base: PRIVATE_FILE */
    uint32_t *keys; /* a page each; of shared areas in shared memory */
    size_t nkeys;   /* as allocated */
};

static struct {
    uint64_t seed, rng;
    uint64_t op;
    const char *name, *path; /* of the operation; of the process, such as "2.1" */
    size_t most, pages;      /* that it may have, and has */
    unsigned depth, births;  /* generations before it; children it has had */
    int input;               /* descriptor */
    const char *features, *self;
    struct area areas[AREAS];
    pid_t children[CHILDREN_MOST];
} me;

static uint64_t
pick(uint64_t n)
{
    return guest_rand(&me.rng) % n;
}

static bool
may(char feature)
{
    return strchr(me.features, feature) != NULL;
}

__attribute__((noreturn, format(printf, 1, 2))) static void
fail(const char *format, ...)
{
    char what[300];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    printf("FAILED soak: seed %llu, process %s, operation %llu (%s): %s\n",
        (unsigned long long)me.seed, me.path, (unsigned long long)me.op, me.name, what);
    fflush(stdout);
    _exit(1);
}

static void
verify_page(const struct area *area, size_t page)
{
    const volatile uint64_t *words = (const uint64_t *)(void *)(area->base + page * GUEST_PAGE);
    uint32_t key = area->keys[page];
    bool may_go = (key & MAYBE) != 0; /* at any moment, also between two of these reads */

    key &= ~MAYBE;
    uint64_t first = guest_value(77, key);
    for (size_t i = 0; i < KEYED_WORDS; i++) {
        uint64_t is = words[i], should = key == 0 ? 0 : keyed_word(key, first, i);
        if (may_go && is == 0)
            should = key = 0;
        if (is != should)
            fail("page %zu of %zu, area %td of kind %d, word %zu: is %016llx, should be %016llx "
                 "(key %u)",
                page, area->npages, area - me.areas, area->kind, i, (unsigned long long)is,
                (unsigned long long)should, area->keys[page]);
    }
}

static void
verify_area(const struct area *area)
{
    for (size_t i = 0; (area->prot & PROT_READ) != 0 && i < area->npages; i++)
        verify_page(area, i);
}

static void
verify_all(void)
{
    for (size_t i = 0; i < AREAS; i++)
        if (me.areas[i].base != NULL)
            verify_area(&me.areas[i]);
}

/* --- areas --- */

static bool
is_shared(const struct area *area)
{
    return area->kind == SHARED || area->kind == SHARED_FILE;
}

static struct area *
free_area(void)
{
    for (size_t i = 0; i < AREAS; i++)
        if (me.areas[i].base == NULL)
            return &me.areas[i];
    return NULL;
}

/* One that exists; with writing: one that can be written.  NULL: luck was not with us. */
static struct area *
some_area(bool writing)
{
    struct area *area = &me.areas[pick(AREAS)];

    return area->base != NULL && (!writing || (area->prot & PROT_WRITE) != 0) ? area : NULL;
}

static void *
map_or_null(void *at, size_t pages, int prot, int flags, int fd, size_t offset)
{
    void *p = mmap(at, pages * GUEST_PAGE, prot, flags, fd, (off_t)(offset * GUEST_PAGE));

    return p == MAP_FAILED ? NULL : p;
}

static bool
make_keys(struct area *area)
{
    size_t pages = (area->npages * sizeof(uint32_t) + GUEST_PAGE - 1) / GUEST_PAGE;

    area->nkeys = area->npages;
    if (!is_shared(area)) {
        area->keys = calloc(area->nkeys, sizeof(uint32_t));
        return area->keys != NULL;
    }
    area->keys =
        map_or_null(NULL, pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return area->keys != NULL;
}

static void
drop_keys(struct area *area)
{
    if (is_shared(area))
        munmap(area->keys, (area->nkeys * sizeof(uint32_t) + GUEST_PAGE - 1) & ~(GUEST_PAGE - 1));
    else
        free(area->keys);
}

static void
forget(struct area *area)
{
    me.pages -= area->npages;
    if (area->fd >= 0)
        close(area->fd);
    drop_keys(area);
    *area = (struct area){.fd = -1};
}

static int
temporary(size_t pages)
{
    char name[] = "/tmp/soak-XXXXXX";
    int fd = mkstemp(name);

    if (fd < 0)
        return -1;
    unlink(name);
    if (ftruncate(fd, (off_t)(pages * GUEST_PAGE)) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool
map_area(struct area *area)
{
    int flags = is_shared(area) ? MAP_SHARED : MAP_PRIVATE;

    if (area->kind == SHARED_FILE && (area->fd = temporary(area->npages)) < 0)
        return false;
    if (area->kind == PRIVATE || area->kind == SHARED)
        flags |= MAP_ANONYMOUS;
    area->base = map_or_null(NULL, area->npages, area->prot, flags,
        area->kind == PRIVATE_FILE ? me.input : area->fd, area->offset);
    return area->base != NULL;
}

static void
write_page(struct area *area, size_t page)
{
    uint32_t key = pick(8) == 0 ? 0 : (uint32_t)(1 + pick(KEYS));

    keyed_fill(area->base + page * GUEST_PAGE, key);
    area->keys[page] = key;
}

static void
op_new(void)
{
    struct area *area = free_area();
    size_t scale = me.most > PLAIN_MOST ? me.most / PLAIN_MOST : 1;
    size_t pages = (1 + pick(pick(3) == 0 ? 200 : 20)) * scale;

    if (area == NULL)
        return;
    struct area new = {.fd = -1, .prot = PROT_READ | PROT_WRITE};
    new.kind = may('s') ? (enum kind)pick(4) : (enum kind)pick(2);
    if (may('h') && new.kind == PRIVATE && pick(6) == 0)
        pages = LARGE_PAGES;
    if (new.kind == PRIVATE_FILE) {
        new.offset = pick(INPUT_PAGES);
        pages = 1 + pick(INPUT_PAGES - new.offset);
    }
    if (me.pages + pages > me.most)
        return;
    new.npages = pages;
    if (!make_keys(&new))
        return;
    if (!map_area(&new)) {
        if (new.fd >= 0)
            close(new.fd);
        drop_keys(&new);
        return;
    }
    for (size_t i = 0; new.kind == PRIVATE_FILE &&i < pages; i++)
        new.keys[i] = (uint32_t)(new.offset + i + 1);
    if (pages == LARGE_PAGES && may('a'))
        (void)madvise(new.base, pages * GUEST_PAGE, MADV_HUGEPAGE);
    for (size_t i = 0; pick(500 * scale) > 0 && i < pages; i++)
        write_page(&new, i);
    me.pages += pages;
    *area = new;
}

static void
op_write(void)
{
    struct area *area = some_area(true);

    if (area == NULL)
        return;
    size_t from = pick(area->npages), n = 1 + pick(pick(4) == 0 ? 64 : 6);
    for (size_t i = from; i < area->npages && i < from + n; i++)
        write_page(area, i);
}

/* Writes one word as it is: a page becomes dirty, or one's own, and stays the same. */
static void
op_touch(void)
{
    struct area *area = some_area(true);

    if (area == NULL)
        return;
    unsigned char *page = area->base + pick(area->npages) * GUEST_PAGE;
    volatile uint64_t *word = (uint64_t *)(void *)page + pick(KEYED_WORDS);
    *word = *word;
}

static void
op_verify(void)
{
    struct area *area = some_area(false);

    if (area == NULL || (area->prot & PROT_READ) == 0)
        return;
    size_t from = pick(area->npages);
    for (size_t i = from; i < area->npages && i < from + 12; i++)
        verify_page(area, i);
}

/* The pages from `from` on become an area of their own: both are cut from one. */
static bool
cut(struct area *area, size_t from, struct area *upper)
{
    if (upper == NULL || is_shared(area) || from == 0 || from >= area->npages)
        return false;
    struct area part = *area;
    part.base += from * GUEST_PAGE;
    part.npages -= from;
    part.offset += from;
    if (!make_keys(&part))
        return false;
    memcpy(part.keys, area->keys + from, part.npages * sizeof(uint32_t));
    area->npages = from;
    *upper = part;
    return true;
}

static void
op_unmap(void)
{
    struct area *area = some_area(false);

    if (area == NULL)
        return;
    size_t middle = pick(area->npages);
    if (pick(2) == 0 && cut(area, middle, free_area()))
        return; /* only two in our books: the next operations treat the halves differently */
    if (munmap(area->base, area->npages * GUEST_PAGE) == 0)
        forget(area);
}

static void
op_protect(void)
{
    static const int prots[] = {PROT_READ, PROT_NONE, PROT_READ | PROT_WRITE,
        PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};
    struct area *area = some_area(false);
    int prot = prots[pick(5)];

    if (area != NULL && mprotect(area->base, area->npages * GUEST_PAGE, prot) == 0)
        area->prot = prot;
}

static void
op_remap(void)
{
    struct area *area = some_area(false);

    if (area == NULL || area->kind != PRIVATE || area->locked)
        return;
    size_t pages = 1 + pick(2 * area->npages);
    if (me.pages + pages > me.most + area->npages)
        return;
    uint32_t *keys = calloc(pages, sizeof(uint32_t));
    if (keys == NULL)
        return;
    void *base = mremap(area->base, area->npages * GUEST_PAGE, pages * GUEST_PAGE, MREMAP_MAYMOVE);
    if (base == MAP_FAILED) {
        free(keys);
        return;
    }
    memcpy(keys, area->keys, (pages < area->npages ? pages : area->npages) * sizeof(uint32_t));
    free(area->keys);
    me.pages += pages - area->npages;
    area->base = base;
    area->keys = keys;
    area->npages = area->nkeys = pages;
}

/* --- advice and locks --- */

/* What a page holds that the advice has let go of. */
static void
dropped(struct area *area, int advice, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++) {
        if (advice == MADV_DONTNEED && !is_shared(area))
            area->keys[i] = area->kind == PRIVATE_FILE ? (uint32_t)(area->offset + i + 1) : 0;
        else if (advice == MADV_FREE)
            area->keys[i] |= MAYBE;
        else if (advice == MADV_REMOVE)
            area->keys[i] = 0;
    }
}

static void
op_advise(void)
{
    static const int advices[] = {MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_WILLNEED, MADV_COLD,
        MADV_PAGEOUT, MADV_MERGEABLE, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE,
        MADV_NOHUGEPAGE, MADV_SEQUENTIAL, MADV_RANDOM, MADV_NORMAL};
    struct area *area = some_area(true);
    int advice = advices[pick(sizeof advices / sizeof advices[0])];

    if (area == NULL || (advice == MADV_FREE && area->kind != PRIVATE) ||
        (advice == MADV_REMOVE && area->kind != SHARED))
        return;
    size_t from = pick(area->npages), n = 1 + pick(area->npages - from);
    if (madvise(area->base + from * GUEST_PAGE, n * GUEST_PAGE, advice) == 0)
        dropped(area, advice, from, n);
}

static void
op_lock(void)
{
    struct area *area = some_area(false);

    if (area == NULL || area->npages > 16 || (area->prot & PROT_READ) == 0)
        return;
    if (area->locked)
        area->locked = munlock(area->base, area->npages * GUEST_PAGE) != 0;
    else
        area->locked = mlock(area->base, area->npages * GUEST_PAGE) == 0;
}

static void
op_incore(void)
{
    struct area *area = some_area(false);
    unsigned char vec[LARGE_PAGES * 2];

    if (area == NULL || area->npages > sizeof vec)
        return;
    if (mincore(area->base, area->npages * GUEST_PAGE, vec) != 0 && errno != EAGAIN &&
        errno != ENOSYS)
        fail("mincore: %s", strerror(errno));
}

/* --- files --- */

/* Through the file what belongs to a mapping, and the other way round. */
static void
op_file(void)
{
    static unsigned char bytes[GUEST_PAGE];
    struct area *area = some_area(true);

    if (area == NULL || area->kind != SHARED_FILE)
        return;
    size_t page = pick(area->npages);
    off_t at = (off_t)(page * GUEST_PAGE);
    uint32_t key = (uint32_t)(1 + pick(KEYS));
    if (pick(2) == 0) {
        keyed_fill(bytes, key);
        if (pwrite(area->fd, bytes, GUEST_PAGE, at) != (ssize_t)GUEST_PAGE)
            fail("pwrite: %s", strerror(errno));
        area->keys[page] = key;
    } else if (pread(area->fd, bytes, GUEST_PAGE, at) != (ssize_t)GUEST_PAGE) {
        fail("pread: %s", strerror(errno));
    } else {
        struct area as_read = *area;
        as_read.base = bytes - page * GUEST_PAGE;
        verify_page(&as_read, page);
    }
    verify_page(area, page);
}

static void
op_sync(void)
{
    struct area *area = some_area(false);

    if (area == NULL || area->kind != SHARED_FILE)
        return;
    if (msync(area->base, area->npages * GUEST_PAGE, pick(2) == 0 ? MS_SYNC : MS_ASYNC) != 0)
        fail("msync: %s", strerror(errno));
}

/* Cuts the file's end off and gives it back, as zeros. */
static void
op_truncate(void)
{
    struct area *area = some_area(false);

    if (area == NULL || area->kind != SHARED_FILE)
        return;
    size_t keep = pick(area->npages);
    if (ftruncate(area->fd, (off_t)(keep * GUEST_PAGE)) != 0 ||
        ftruncate(area->fd, (off_t)(area->npages * GUEST_PAGE)) != 0)
        fail("ftruncate: %s", strerror(errno));
    memset(area->keys + keep, 0, (area->npages - keep) * sizeof(uint32_t));
}

/* --- processes and threads --- */

static void run(uint64_t operations);

/* An unlucky end of a child, told.  status: from waitpid. */
static void
expect_well(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
        _exit(1); /* it has said what was wrong */
    fail("a child ended with wait status %#x", (unsigned)status);
}

static void
reap(pid_t *child)
{
    int status;

    if (*child != 0 && waitpid(*child, &status, 0) == *child)
        expect_well(status);
    *child = 0;
}

/* The child's name, and a sequence of its own. */
static void
become_child(void)
{
    static char path[100];
    char name[sizeof path];

    snprintf(name, sizeof name, "%.80s.%u", me.path, me.births);
    memcpy(path, name, sizeof path); /* me.path may be there */
    me.path = path;
    me.births = 0;
    me.depth++;
    me.rng ^= guest_sum_bytes(path, strlen(path));
    memset(me.children, 0, sizeof me.children);
}

/* Runs beside its parent, on what is not shared. */
static void
beside(uint64_t operations)
{
    become_child();
    for (size_t i = 0; i < AREAS; i++) {
        struct area *area = &me.areas[i];
        if (area->base == NULL || !is_shared(area))
            continue;
        munmap(area->base, area->npages * GUEST_PAGE);
        forget(area);
    }
    verify_all(); /* as it was when we were born, whatever our parent does now */
    run(operations);
    _exit(0);
}

static void
op_fork(void)
{
    pid_t *child = &me.children[pick(CHILDREN_MOST)];

    if (me.depth >= DEPTH_MOST)
        return;
    reap(child);
    me.births++;
    pid_t pid = fork();
    if (pid == 0)
        beside(20 + pick(60));
    *child = pid > 0 ? pid : 0;
}

/* While its parent waits, so that it may use what they share. */
static void
op_fork_and_wait(void)
{
    int status;

    if (me.depth >= DEPTH_MOST)
        return;
    me.births++;
    pid_t pid = fork();
    if (pid == 0) {
        become_child();
        run(10 + pick(40));
        _exit(0);
    }
    if (pid > 0 && waitpid(pid, &status, 0) == pid)
        expect_well(status);
    for (size_t i = 0; pid > 0 && i < AREAS; i++)
        if (me.areas[i].base != NULL && is_shared(&me.areas[i]))
            verify_area(&me.areas[i]);
}

static void
op_exec(void)
{
    char seed[24], most[24];
    int status;

    if (me.depth >= DEPTH_MOST)
        return;
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)(guest_rand(&me.rng) >> 20));
    snprintf(most, sizeof most, "%zu", me.most / 4);
    pid_t pid = fork();
    if (pid == 0) {
        execl(me.self, me.self, seed, "0", "40", most, me.features, (char *)NULL);
        _exit(errno == ENOMEM || errno == EAGAIN ? 0 : 99);
    }
    if (pid > 0 && waitpid(pid, &status, 0) == pid)
        expect_well(status);
}

struct part {
    struct area *area;
    size_t from, n;
    uint64_t rng;
};

static void *
write_part(void *arg)
{
    struct part *part = arg;

    for (size_t i = part->from; i < part->from + part->n; i++) {
        uint32_t key = (uint32_t)(1 + guest_rand(&part->rng) % KEYS);
        keyed_fill(part->area->base + i * GUEST_PAGE, key);
        part->area->keys[i] = key;
        verify_page(part->area, i);
    }
    return NULL;
}

/* Four threads write to neighbouring pages, and read what they wrote. */
static void
op_threads(void)
{
    struct area *area = some_area(true);
    struct part parts[4];
    pthread_t threads[4];
    unsigned started = 0;

    if (area == NULL || area->npages < 4 || area->npages > 200)
        return;
    for (unsigned i = 0; i < 4; i++) {
        size_t each = area->npages / 4;
        parts[i] = (struct part){area, i * each, each, guest_rand(&me.rng)};
    }
    while (started < 4 && pthread_create(&threads[started], NULL, write_part, &parts[started]) == 0)
        started++;
    while (started > 0)
        pthread_join(threads[--started], NULL);
    verify_area(area);
}

/* --- the whole --- */

static const struct op {
    const char *name;
    void (*run)(void);
    unsigned weight;
    char feature; /* 0: always there */
} ops[] = {
    {"new", op_new, 12, 0},
    {"write", op_write, 30, 0},
    {"touch", op_touch, 20, 0},
    {"verify", op_verify, 30, 0},
    {"unmap", op_unmap, 5, 0},
    {"protect", op_protect, 6, 0},
    {"remap", op_remap, 4, 0},
    {"advise", op_advise, 10, 'a'},
    {"lock", op_lock, 3, 'l'},
    {"incore", op_incore, 2, 'a'},
    {"file", op_file, 6, 's'},
    {"sync", op_sync, 2, 's'},
    {"truncate", op_truncate, 2, 's'},
    {"fork", op_fork, 2, 0},
    {"fork and wait", op_fork_and_wait, 1, 0},
    {"exec", op_exec, 1, 'x'},
    {"threads", op_threads, 1, 't'},
};

static void
run(uint64_t operations)
{
    unsigned total = 0;

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        total += ops[i].weight;
    for (me.op = 1; me.op <= operations; me.op++) {
        const struct op *op = ops;
        for (uint64_t at = pick(total); at >= op->weight; op++)
            at -= op->weight;
        me.name = op->name;
        if (op->feature == 0 || may(op->feature))
            op->run();
        if (me.op % 100 == 0) {
            me.name = "verify all";
            verify_all();
        }
    }
    me.name = "end";
    for (unsigned i = 0; i < CHILDREN_MOST; i++)
        reap(&me.children[i]);
    verify_all();
}

/* The file that everybody maps privately. */
static int
make_input(void)
{
    static unsigned char page[GUEST_PAGE];
    int fd = temporary(INPUT_PAGES);

    GUEST_CHECK(fd >= 0);
    for (uint32_t i = 0; i < INPUT_PAGES; i++) {
        keyed_fill(page, i + 1);
        GUEST_CHECK(pwrite(fd, page, GUEST_PAGE, (off_t)(i * GUEST_PAGE)) == (ssize_t)GUEST_PAGE);
    }
    return fd;
}

/* Refused until a child of those before this one ends, and then there are fewer: -1. */
static pid_t
start_worker(void)
{
    pid_t pid;
    int status;

    fflush(stdout);
    while ((pid = fork()) < 0) {
        GUEST_CHECK(errno == ENOMEM);
        if (wait(&status) < 0)
            break;
        expect_well(status);
    }
    return pid;
}

/* The i-th, from here to its end. */
__attribute__((noreturn)) static void
be_worker(uint64_t i, uint64_t operations)
{
    static char name[24];

    snprintf(name, sizeof name, "%u", (unsigned)i);
    me.path = name;
    me.rng ^= i * 0x9fb21c651e98df25u;
    run(operations);
    _exit(0);
}

/* The same, as a program of another name: comes back if there is no memory for that. */
static void
become_worker(uint64_t i, char **argv)
{
    char file[300], number[24];

    snprintf(number, sizeof number, "%u", (unsigned)i);
    snprintf(file, sizeof file, "%.250s.%s", me.self, number);
    execl(file, file, argv[1], "0", argv[3], argv[4], me.features, number, (char *)NULL);
    if (errno != ENOMEM && errno != EAGAIN)
        fail("%s: %s", file, strerror(errno));
}

int
main(int argc, char **argv)
{
    uint64_t workers = guest_arg(argc, argv, 2, 2), operations = guest_arg(argc, argv, 3, 300);

    me.seed = me.rng = guest_arg(argc, argv, 1, 1);
    me.most = guest_arg(argc, argv, 4, 500);
    me.features = argc > 5 ? argv[5] : "saxlth";
    me.self = argv[0];
    me.path = workers == 0 ? "exec" : "0";
    me.name = "start";
    me.input = make_input();
    for (size_t i = 0; i < AREAS; i++)
        me.areas[i].fd = -1;
    if (argc > 6)
        be_worker(guest_arg(argc, argv, 6, 1), operations);
    if (workers == 0) { /* what an exec of ours becomes */
        me.depth = DEPTH_MOST;
        run(operations);
        return 0;
    }
    for (uint64_t i = 1; i <= workers; i++) {
        pid_t pid = start_worker();
        if (pid < 0)
            break;
        if (pid != 0)
            continue;
        if (may('n'))
            become_worker(i, argv);
        be_worker(i, operations);
    }
    for (int status; wait(&status) > 0;)
        expect_well(status);
    printf("soak: all bytes are as they should be\n");
    return 0;
}
