/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapped files as Linux has them: what one writes by a mapping, by write(2), or in another process
 * is what all of them read; what lies past the end of a file that became shorter is a bus error;
 * private copies stay private.  It prints what it finds, so that machines can be compared.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 96u
#define LEN (PAGES * GUEST_PAGE)

static sigjmp_buf jump;
static volatile sig_atomic_t got_signal, got_code;

static void
on_fault(int signo, siginfo_t *info, void *context)
{
    (void)context;
    got_signal = signo;
    got_code = info->si_code;
    siglongjmp(jump, 1);
}

/* What a load from, or a store to, the byte comes to. */
static const char *
try_byte(volatile unsigned char *at, int write)
{
    if (sigsetjmp(jump, 1) == 0) {
        if (write)
            *at = 1;
        else
            (void)*at;
        return "fine";
    }
    if (got_signal == SIGBUS)
        return got_code == BUS_ADRERR ? "SIGBUS, BUS_ADRERR" : "SIGBUS";
    return got_code == SEGV_ACCERR ? "SIGSEGV, SEGV_ACCERR" : "SIGSEGV";
}

static void
catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
}

static void
fill(unsigned char *page, uint64_t seed)
{
    for (size_t i = 0; i < GUEST_PAGE; i += 8) {
        uint64_t value = guest_value(seed, i);
        memcpy(page + i, &value, 8);
    }
}

static int
new_file(const char *name, size_t len)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

    GUEST_CHECK(fd >= 0);
    GUEST_CHECK(ftruncate(fd, (off_t)len) == 0);
    return fd;
}

/* Pages written by the mapping and by write(2) in turn, read by the other way. */
static void
coherence(void)
{
    static unsigned char page[GUEST_PAGE], back[GUEST_PAGE];
    int fd = new_file("mapped", LEN);
    unsigned char *map = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint64_t sum = 0;

    GUEST_CHECK(map != MAP_FAILED);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < PAGES; i++) {
            fill(page, round * 1000 + i);
            if ((i + round) % 2 == 0)
                memcpy(map + i * GUEST_PAGE, page, GUEST_PAGE);
            else
                GUEST_CHECK(pwrite(fd, page, GUEST_PAGE, (off_t)(i * GUEST_PAGE)) == GUEST_PAGE);
            if (i >= 5) { /* one written a while ago, by the other way */
                fill(page, round * 1000 + i - 5);
                GUEST_CHECK(pread(fd, back, GUEST_PAGE, (off_t)((i - 5) * GUEST_PAGE)) ==
                            (ssize_t)GUEST_PAGE);
                GUEST_CHECK(memcmp(page, back, GUEST_PAGE) == 0);
                GUEST_CHECK(memcmp(page, map + (i - 5) * GUEST_PAGE, GUEST_PAGE) == 0);
            }
        }
    GUEST_CHECK(msync(map, LEN, MS_SYNC) == 0);
    GUEST_CHECK(munmap(map, LEN) == 0);
    close(fd);
    fd = open("mapped", O_RDONLY);
    while (read(fd, back, sizeof back) == (ssize_t)sizeof back)
        sum = guest_sum(sum, guest_sum_bytes(back, sizeof back));
    close(fd);
    printf("coherence: %016llx\n", (unsigned long long)sum);
}

/* Descriptors of one file, appended to, sought in, read past the end. */
static void
offsets(void)
{
    char text[64] = "";
    int fd = new_file("offsets", 0);
    int more = open("offsets", O_WRONLY | O_APPEND);

    GUEST_CHECK(write(fd, "0123456789", 10) == 10);
    GUEST_CHECK(write(more, "abc", 3) == 3);
    char *map = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    GUEST_CHECK(map != MAP_FAILED);
    map[12] = 'X';
    map[13] = 'Y'; /* past the end: nobody's */
    GUEST_CHECK(lseek(fd, -5, SEEK_END) == 8);
    ssize_t n = read(fd, text, sizeof text);
    printf("offsets: read %zd, %s, at %ld", n, text, (long)lseek(fd, 0, SEEK_CUR));
    GUEST_CHECK(write(more, "def", 3) == 3);
    n = pread(dup(fd), text, sizeof text, 10);
    printf(", then %zd, %.*s, at %ld\n", n, (int)n, text, (long)lseek(fd, 0, SEEK_CUR));
    GUEST_CHECK(munmap(map, GUEST_PAGE) == 0);
    close(more);
    close(fd);
}

static void
truncation(void)
{
    int fd = new_file("shorter", 4 * GUEST_PAGE);
    unsigned char *map = mmap(NULL, 6 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char *own = mmap(NULL, 4 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    GUEST_CHECK(map != MAP_FAILED && own != MAP_FAILED);
    memset(map, 'a', 4 * GUEST_PAGE);
    memset(own + 2 * GUEST_PAGE, 'b', GUEST_PAGE);
    own[10] = 'c';
    printf("past the end: %s, %s\n", try_byte(map + 4 * GUEST_PAGE, 0),
        try_byte(map + 5 * GUEST_PAGE, 1));
    GUEST_CHECK(ftruncate(fd, GUEST_PAGE + 100) == 0);
    printf("cut: %s, %s, private %s\n", try_byte(map + 2 * GUEST_PAGE, 0),
        try_byte(map + 3 * GUEST_PAGE, 1), try_byte(own + 2 * GUEST_PAGE, 0));
    printf("tail: %c %d, own %c %c\n", map[GUEST_PAGE + 99], map[GUEST_PAGE + 100], own[10],
        own[GUEST_PAGE]);
    GUEST_CHECK(ftruncate(fd, 5 * GUEST_PAGE) == 0);
    printf("longer: %s, %d %d %d\n", try_byte(map + 4 * GUEST_PAGE, 1), map[2 * GUEST_PAGE],
        map[GUEST_PAGE + 100], own[2 * GUEST_PAGE]);
    GUEST_CHECK(truncate("shorter", 0) == 0);
    printf("empty: %s\n", try_byte(map, 0));
    close(open("shorter", O_WRONLY | O_TRUNC));
    struct stat st;
    GUEST_CHECK(fstat(fd, &st) == 0);
    printf("size %ld\n", (long)st.st_size);
    munmap(map, 6 * GUEST_PAGE);
    munmap(own, 4 * GUEST_PAGE);
    close(fd);
}

static const char *
why_not(const void *map)
{
    if (map != MAP_FAILED)
        return "allowed";
    switch (errno) {
    case EACCES:
        return "EACCES";
    case EINVAL:
        return "EINVAL";
    case ENODEV:
        return "ENODEV";
    case EBADF:
        return "EBADF";
    default:
        return "another error";
    }
}

static void
rights(void)
{
    int rw = new_file("rights", GUEST_PAGE);
    int ro = open("rights", O_RDONLY), wo = open("rights", O_WRONLY);
    int both = PROT_READ | PROT_WRITE;
    unsigned char *map;

    printf("read-only: %s", why_not(mmap(NULL, GUEST_PAGE, both, MAP_SHARED, ro, 0)));
    printf(", %s", why_not(mmap(NULL, GUEST_PAGE, both, MAP_PRIVATE, ro, 0)));
    printf("; write-only: %s", why_not(mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED, wo, 0)));
    printf("; closed: %s\n", why_not(mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED, 99, 0)));
    map = mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED, ro, 0);
    GUEST_CHECK(map != MAP_FAILED);
    printf("made writable: %s", mprotect(map, GUEST_PAGE, both) == 0 ? "yes" : strerror(errno));
    map = mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED, rw, 0);
    printf(", %s", try_byte(map + 1, 1));
    printf(", then %s", mprotect(map, GUEST_PAGE, both) == 0 ? "yes" : strerror(errno));
    map[0] = 'w';
    char byte = 0;
    GUEST_CHECK(pread(ro, &byte, 1, 0) == 1);
    printf(", %c\n", byte);
    printf("msync: %d %d %d\n", msync(map, GUEST_PAGE, MS_SYNC | MS_ASYNC) == 0 ? 0 : errno,
        msync(map + 1, 1, MS_SYNC) == 0 ? 0 : errno,
        msync(map, GUEST_PAGE, MS_ASYNC | MS_INVALIDATE) == 0 ? 0 : errno);
    munmap(map, GUEST_PAGE);
    printf("msync of nothing: %s\n", msync(map, GUEST_PAGE, MS_SYNC) == 0 ? "0" : strerror(errno));
    close(rw);
    close(ro);
    close(wo);
}

/* Parent and child count in one file; a private mapping below shows the changes until it is
 * written. */
static void
processes(void)
{
    int fd = new_file("counted", 8 * GUEST_PAGE), status;
    uint64_t *map = mmap(NULL, 8 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint64_t *own = mmap(NULL, 8 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    GUEST_CHECK(map != MAP_FAILED && own != MAP_FAILED);
    close(fd);
    own[512] = 77;
    for (unsigned i = 0; i < 8; i++) {
        pid_t pid = fork();
        GUEST_CHECK(pid >= 0);
        if (pid == 0) {
            for (unsigned j = 0; j < 8; j++)
                map[j * 512] += i + j;
            own[1024] = 5;
            _exit(0);
        }
        GUEST_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    printf("processes:");
    for (unsigned j = 0; j < 8; j++)
        printf(" %llu/%llu", (unsigned long long)map[j * 512], (unsigned long long)own[j * 512]);
    printf("\n");
    munmap(map, 8 * GUEST_PAGE);
    munmap(own, 8 * GUEST_PAGE);
}

int
main(void)
{
    char dir[] = "/tmp/mmapfile-XXXXXX";

    setvbuf(stdout, NULL, _IOLBF, 0);
    GUEST_CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
    catch_faults();
    coherence();
    offsets();
    truncation();
    rights();
    processes();
    unlink("mapped");
    unlink("offsets");
    unlink("shorter");
    unlink("rights");
    unlink("counted");
    GUEST_CHECK(chdir("/") == 0 && rmdir(dir) == 0);
    return 0;
}
