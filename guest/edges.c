/* SPDX-License-Identifier: BSD-2-Clause */
/* Corners of calls about memory, as random calls (memcalls.c) have found them: what they leave of a
 * lock, a heap, a segment or a stack, and what /proc says of it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define N 4

static char name[] = "/tmp/edges-XXXXXX";

static char *
map(size_t npages, int prot, int flags, int fd)
{
    char *p = mmap(NULL, npages * GUEST_PAGE, prot, flags, fd, 0);

    GUEST_CHECK(p != MAP_FAILED);
    return p;
}

/* Whether the page is locked, as MADV_DONTNEED tells. */
static void
locked(const char *what, char *p)
{
    printf("%s: %s\n", what, madvise(p, 1, MADV_DONTNEED) != 0 ? "locked" : "not locked");
}

/* What /proc says of the region at p: its name without numbers and addresses, and its flags. */
static void
region(const char *what, const void *p)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512], path[512] = "";
    unsigned long start, end;
    int at = 0, here = 0;

    GUEST_CHECK(smaps != NULL);
    while (fgets(line, sizeof line, smaps) != NULL) {
        if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &start, &end, &at) == 2) {
            here = start <= (unsigned long)p && (unsigned long)p < end;
            strcpy(path, line + at);
        }
        if (!here || strncmp(line, "VmFlags:", 8) != 0)
            continue;
        path[strcspn(path, "\n")] = '\0';
        printf("%s: '%s'", what, strstr(path, "edges-") != NULL ? "the file" : path);
        for (char *flag = strtok(line, " \n"); flag != NULL; flag = strtok(NULL, " \n"))
            if (strstr("VmFlags: rd wr ex sh mr mw me ms gd lo sr rr dc lf wf hg nh mg", flag) !=
                NULL)
                printf(" %s", flag);
        printf("\n");
    }
    fclose(smaps);
}

static void
dropping(void)
{
    char *p = map(N, RW, ANON, -1);

    memset(p, 'x', N * GUEST_PAGE);
    GUEST_CHECK(mlock(p, N * GUEST_PAGE) == 0);
    guest_say("dontneed of locked memory", madvise(p, GUEST_PAGE, MADV_DONTNEED));
    guest_say("dontneed, locked or not", madvise(p, 2 * GUEST_PAGE, MADV_DONTNEED_LOCKED));
    printf("it is %d %d %d\n", p[0], p[GUEST_PAGE], p[2 * GUEST_PAGE]);
    locked("after that", p);
    GUEST_CHECK(munmap(p + 3 * GUEST_PAGE, GUEST_PAGE) == 0);
    guest_say("with a hole", madvise(p, N * GUEST_PAGE, MADV_DONTNEED_LOCKED));
    printf("it is %d\n", p[2 * GUEST_PAGE]);
    munmap(p, N * GUEST_PAGE);
}

static void
names(int file, int readonly)
{
    int memory = (int)syscall(SYS_memfd_create, "of edges", 0);
    int id = shmget(IPC_PRIVATE, GUEST_PAGE, IPC_CREAT | 0600);

    GUEST_CHECK(memory >= 0 && id >= 0 && ftruncate(memory, GUEST_PAGE) == 0);
    region("a file of memory", map(1, RW, MAP_SHARED, memory));
    region("shared memory", map(1, RW, MAP_SHARED | MAP_ANONYMOUS, -1));
    region("a segment", shmat(id, NULL, 0));
    shmctl(id, IPC_RMID, NULL);
    region("a file, to be read only", map(1, PROT_READ, MAP_SHARED, readonly));
    region("a file", map(1, RW, MAP_SHARED, file));
    char *p = map(1, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
    guest_say("mergeable", madvise(p, GUEST_PAGE, MADV_MERGEABLE));
    region("mergeable, but shared", p);
    close(memory);
}

/* A segment is let go by the address where it was attached, whatever is there by now. */
static void
detaching(void)
{
    int id = shmget(IPC_PRIVATE, N * GUEST_PAGE, IPC_CREAT | 0600);
    char *p = shmat(id, NULL, 0);
    unsigned char there;

    GUEST_CHECK(id >= 0 && p != (char *)-1);
    shmctl(id, IPC_RMID, NULL);
    GUEST_CHECK(mmap(p, 2 * GUEST_PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
    guest_say("detach by another address", shmdt(p + 2 * GUEST_PAGE));
    guest_say("detach", shmdt(p));
    guest_say("what covered it is there", mincore(p, GUEST_PAGE, &there));
    guest_say("the rest is", mincore(p + 2 * GUEST_PAGE, GUEST_PAGE, &there));
    guest_say("detach again", shmdt(p));
    munmap(p, N * GUEST_PAGE);

    id = shmget(IPC_PRIVATE, GUEST_PAGE, IPC_CREAT | 0600);
    p = map(N, RW, ANON, -1);
    GUEST_CHECK(shmat(id, p, SHM_REMAP) == p && munmap(p + GUEST_PAGE, GUEST_PAGE) == 0);
    shmctl(id, IPC_RMID, NULL);
    GUEST_CHECK(mremap(p, GUEST_PAGE, 2 * GUEST_PAGE, 0) == p);
    GUEST_CHECK(mmap(p, GUEST_PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
    guest_say("detach what has grown past its end", shmdt(p));
    guest_say("it is there", mincore(p + GUEST_PAGE, GUEST_PAGE, &there));
    munmap(p, N * GUEST_PAGE);
}

static void
piping(void)
{
    char *p = map(N, RW, ANON, -1);
    int ends[2];

    GUEST_CHECK(pipe(ends) == 0 && munmap(p + 2 * GUEST_PAGE, GUEST_PAGE) == 0);
    guest_say("write of a page and a half", write(ends[1], p + GUEST_PAGE / 2, 3 * GUEST_PAGE));
    guest_say("write of half a page", write(ends[1], p + GUEST_PAGE * 3 / 2, GUEST_PAGE));
    guest_say("write of a whole page", write(ends[1], p + GUEST_PAGE, GUEST_PAGE));
    close(ends[0]);
    close(ends[1]);
    munmap(p, N * GUEST_PAGE);
}

/* What a locked mapping shows of a file where a hole is made in it. */
static void
punching(int file)
{
    char *p = map(2, PROT_READ, MAP_PRIVATE, file);

    GUEST_CHECK(mlock(p, 2 * GUEST_PAGE) == 0);
    printf("it is %d %d\n", p[0], p[GUEST_PAGE]);
    guest_say("a hole",
        fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)GUEST_PAGE));
    printf("it is %d %d\n", p[0], p[GUEST_PAGE]);
    locked("still", p);
    munmap(p, 2 * GUEST_PAGE);
}

static char *
heap_to(char *end)
{
    return (char *)syscall(SYS_brk, end);
}

/* What the heap grows by is locked as is said of what is to come, and of nothing else. */
static void
growing(void)
{
    char *heap = heap_to(NULL);

    heap += GUEST_PAGE - (uintptr_t)heap % GUEST_PAGE;
    GUEST_CHECK(heap_to(heap) == heap && mlockall(MCL_CURRENT) == 0);
    GUEST_CHECK(heap_to(heap + GUEST_PAGE) == heap + GUEST_PAGE);
    locked("heap after MCL_CURRENT", heap);
    GUEST_CHECK(mlockall(MCL_FUTURE | MCL_ONFAULT) == 0);
    GUEST_CHECK(heap_to(heap + 2 * GUEST_PAGE) == heap + 2 * GUEST_PAGE);
    region("heap after MCL_ONFAULT", heap + GUEST_PAGE);
    GUEST_CHECK(mlockall(MCL_FUTURE) == 0);
    GUEST_CHECK(heap_to(heap + 3 * GUEST_PAGE) == heap + 3 * GUEST_PAGE);
    region("heap after MCL_FUTURE", heap + 2 * GUEST_PAGE);
    int id = shmget(IPC_PRIVATE, GUEST_PAGE, IPC_CREAT | 0600);
    char *p = shmat(id, NULL, 0);
    locked("a segment", p);
    shmdt(p);
    shmctl(id, IPC_RMID, NULL);
    GUEST_CHECK(munlockall() == 0 && madvise(heap, 3 * GUEST_PAGE, MADV_RANDOM) == 0);
    GUEST_CHECK(heap_to(heap + 4 * GUEST_PAGE) == heap + 4 * GUEST_PAGE);
    region("heap after advice", heap + 3 * GUEST_PAGE);
    GUEST_CHECK(heap_to(heap + 3 * GUEST_PAGE) == heap + 3 * GUEST_PAGE &&
                munmap(heap, 3 * GUEST_PAGE) == 0);
    printf("where nothing is, it stays: %d\n", heap_to(heap + GUEST_PAGE) == heap + 3 * GUEST_PAGE);
    printf(
        "to the byte, too: %d\n", heap_to(heap + 2 * GUEST_PAGE + 5) == heap + 2 * GUEST_PAGE + 5);
    printf("it grows: %d\n", heap_to(heap + 4 * GUEST_PAGE) == heap + 4 * GUEST_PAGE);
    heap[3 * GUEST_PAGE] = 1;
    printf("and shrinks over the hole: %d\n", heap_to(heap) == heap);
}

static sigjmp_buf escape;

static void
caught(int signal)
{
    siglongjmp(escape, signal);
}

static void
touch(const char *what, volatile char *p)
{
    int signal = sigsetjmp(escape, 1);

    if (signal == 0)
        *p = 1;
    printf("%s: %s\n", what, signal == 0 ? "done" : sigabbrev_np(signal));
}

/* What grows down keeps a distance of what can be accessed. */
static void
stacks(void)
{
    const size_t len = 1024;
    char *p = map(len, PROT_NONE, ANON | MAP_NORESERVE, -1);
    char *top = p + (len - 1) * GUEST_PAGE;

    GUEST_CHECK(munmap(p + 16 * GUEST_PAGE, (len - 16) * GUEST_PAGE) == 0);
    GUEST_CHECK(mmap(top, GUEST_PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == top);
    touch("a little", top - 1);
    touch("as far as what nobody can access", p + 16 * GUEST_PAGE);
    munmap(p + 16 * GUEST_PAGE, (len - 16) * GUEST_PAGE);
    GUEST_CHECK(mmap(top, GUEST_PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == top);
    GUEST_CHECK(mprotect(p, 16 * GUEST_PAGE, PROT_READ) == 0);
    touch("as far as what can be accessed", p + 16 * GUEST_PAGE);
    touch("at a distance", p + (16 + 256) * GUEST_PAGE);
    munmap(p, len * GUEST_PAGE);
}

int
main(void)
{
    int file = mkstemp(name), readonly = open(name, O_RDONLY);
    static char ones[2 * GUEST_PAGE];

    memset(ones, 1, sizeof ones);
    GUEST_CHECK(file >= 0 && readonly >= 0 && write(file, ones, sizeof ones) == sizeof ones);
    unlink(name);
    signal(SIGSEGV, caught);
    dropping();
    names(file, readonly);
    detaching();
    piping();
    punching(file);
    growing();
    stacks();
    close(readonly);
    return 0;
}
