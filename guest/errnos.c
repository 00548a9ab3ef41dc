/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls of memory, sharing, futexes and clone answer to arguments that are wrong: one line
 * a call, the result by kind and the error. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define HUGE_LEN (~0ul)
#define HIGH (~0xfffful) /* where no program is */
#define HALF (1ul << 63)
#define NOWHERE 0x1000ul /* nothing is mapped there */

static unsigned char *hole; /* 8 pages: rw, rw, none there, r, rw ... */
static char *shared;        /* 4 pages */
static int file, readonly, writeonly, directory, pipes[2], memory;
static char name[] = "/tmp/errnos-XXXXXX";

static void
say(const char *what, long ret)
{
    printf("%s: %s\n", what, ret != -1 ? "done" : strerrorname_np(errno));
}

#define TRY(what, ...) say(what, syscall(__VA_ARGS__))
/* As well, and takes the mapping back. */
#define MAP(what, ...)                                                                             \
    do {                                                                                           \
        long at = syscall(SYS_mmap, __VA_ARGS__);                                                  \
        say(what, at);                                                                             \
        if (at != -1)                                                                              \
            munmap((void *)at, GUEST_PAGE);                                                        \
    } while (0)

static void
prepare(void)
{
    hole = mmap(NULL, 8 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GUEST_CHECK(hole != MAP_FAILED && munmap(hole + 2 * GUEST_PAGE, GUEST_PAGE) == 0 &&
                mprotect(hole + 3 * GUEST_PAGE, GUEST_PAGE, PROT_READ) == 0);
    shared = mmap(NULL, 4 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    file = mkstemp(name);
    GUEST_CHECK(shared != MAP_FAILED && file >= 0 && ftruncate(file, 10000) == 0);
    readonly = open(name, O_RDONLY);
    writeonly = open(name, O_WRONLY);
    directory = open("/", O_RDONLY | O_DIRECTORY);
    memory = (int)syscall(SYS_memfd_create, "errnos", 0);
    GUEST_CHECK(pipe(pipes) == 0 && memory >= 0);
}

static void
mmaps(void)
{
    const int rw = PROT_READ | PROT_WRITE, anon = MAP_PRIVATE | MAP_ANONYMOUS;

    MAP("mmap of nothing", 0, 0, rw, anon, -1, 0);
    MAP("mmap of everything", 0, HUGE_LEN, rw, anon, -1, 0);
    MAP("mmap of half", 0, HALF, rw, anon | MAP_NORESERVE, -1, 0);
    MAP("mmap without a type", 0, GUEST_PAGE, rw, MAP_ANONYMOUS, -1, 0);
    MAP("mmap of both types", 0, GUEST_PAGE, rw, MAP_ANONYMOUS | MAP_SHARED | MAP_PRIVATE, -1, 0);
    MAP("mmap validated, unknown flag", 0, GUEST_PAGE, rw, MAP_SHARED_VALIDATE | 0x4000000, file,
        0);
    MAP("mmap validated", 0, GUEST_PAGE, rw, MAP_SHARED_VALIDATE, file, 0);
    MAP("mmap of type 15", 0, GUEST_PAGE, rw, 15 | MAP_ANONYMOUS, -1, 0);
    MAP("mmap fixed, not aligned", 8, GUEST_PAGE, rw, anon | MAP_FIXED, -1, 0);
    MAP("mmap fixed, high", HIGH, GUEST_PAGE, rw, anon | MAP_FIXED, -1, 0);
    MAP("mmap hinted high", HIGH, GUEST_PAGE, rw, anon, -1, 0);
    MAP("mmap fixed, taken", hole, GUEST_PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0);
    MAP("mmap offset not aligned", 0, GUEST_PAGE, rw, MAP_PRIVATE, file, 5);
    MAP("mmap anonymous offset not aligned", 0, GUEST_PAGE, rw, anon, -1, 5);
    MAP("mmap offset far", 0, GUEST_PAGE, rw, MAP_PRIVATE, file, HIGH & ~0xffful);
    MAP("mmap offset at 2^62", 0, GUEST_PAGE, PROT_READ, MAP_PRIVATE, file, 1ul << 62);
    MAP("mmap of no descriptor", 0, GUEST_PAGE, rw, MAP_PRIVATE, -1, 0);
    MAP("mmap of closed descriptor", 0, GUEST_PAGE, rw, MAP_PRIVATE, 99, 0);
    MAP("mmap of nothing of no descriptor", 0, 0, rw, MAP_PRIVATE, -1, 0);
    MAP("mmap of nothing of a file", 0, 0, rw, MAP_PRIVATE, file, 0);
    MAP("mmap of a directory", 0, GUEST_PAGE, PROT_READ, MAP_PRIVATE, directory, 0);
    MAP("mmap of a pipe", 0, GUEST_PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0);
    MAP("mmap of a pipe's writer", 0, GUEST_PAGE, PROT_READ, MAP_PRIVATE, pipes[1], 0);
    MAP("mmap write-only", 0, GUEST_PAGE, PROT_READ, MAP_PRIVATE, writeonly, 0);
    MAP("mmap write-only, no rights", 0, GUEST_PAGE, PROT_NONE, MAP_SHARED, writeonly, 0);
    MAP("mmap read-only shared for writing", 0, GUEST_PAGE, rw, MAP_SHARED, readonly, 0);
    MAP("mmap read-only private for writing", 0, GUEST_PAGE, rw, MAP_PRIVATE, readonly, 0);
    MAP("mmap with unknown rights", 0, GUEST_PAGE, 0x70, anon, -1, 0);
    char *only = mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED, readonly, 0);
    TRY("mprotect of it for writing", SYS_mprotect, only, GUEST_PAGE, rw);
    munmap(only, GUEST_PAGE);
}

static void
unmaps(void)
{
    TRY("munmap not aligned", SYS_munmap, hole + 1, GUEST_PAGE);
    TRY("munmap of nothing", SYS_munmap, hole, 0);
    TRY("munmap of everything", SYS_munmap, hole, HUGE_LEN);
    TRY("munmap high", SYS_munmap, HIGH, GUEST_PAGE);
    TRY("munmap of a hole", SYS_munmap, hole + 2 * GUEST_PAGE, GUEST_PAGE);
    TRY("munmap from 0", SYS_munmap, 0, GUEST_PAGE);
}

static void
protects(void)
{
    TRY("mprotect not aligned", SYS_mprotect, hole + 1, GUEST_PAGE, PROT_READ);
    TRY("mprotect of nothing", SYS_mprotect, hole, 0, PROT_READ);
    TRY("mprotect of nothing, bad rights", SYS_mprotect, hole, 0, 0x70);
    TRY("mprotect bad rights", SYS_mprotect, hole, GUEST_PAGE, 0x70);
    TRY("mprotect grow both ways", SYS_mprotect, hole, GUEST_PAGE,
        PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP);
    TRY("mprotect grows down, does not", SYS_mprotect, hole, GUEST_PAGE,
        PROT_READ | PROT_WRITE | PROT_GROWSDOWN);
    TRY("mprotect of everything", SYS_mprotect, hole, HUGE_LEN, PROT_READ);
    TRY("mprotect of a hole", SYS_mprotect, hole + 2 * GUEST_PAGE, GUEST_PAGE, PROT_READ);
    TRY("mprotect over a hole", SYS_mprotect, hole + GUEST_PAGE, 2 * GUEST_PAGE,
        PROT_READ | PROT_WRITE);
    TRY("mprotect high", SYS_mprotect, HIGH, GUEST_PAGE, PROT_READ);
    TRY("mprotect nowhere, nothing", SYS_mprotect, HIGH, 0, PROT_READ);
}

static void
advices(void)
{
    static const int all[] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 26, 99, -1};
    char what[64];

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        snprintf(what, sizeof what, "madvise %d of private", all[i]);
        TRY(what, SYS_madvise, hole, GUEST_PAGE, all[i]);
        snprintf(what, sizeof what, "madvise %d of shared", all[i]);
        TRY(what, SYS_madvise, shared, GUEST_PAGE, all[i]);
        snprintf(what, sizeof what, "madvise %d over a hole", all[i]);
        TRY(what, SYS_madvise, hole + GUEST_PAGE, 2 * GUEST_PAGE, all[i]);
        snprintf(what, sizeof what, "madvise %d of a hole", all[i]);
        TRY(what, SYS_madvise, hole + 2 * GUEST_PAGE, GUEST_PAGE, all[i]);
        snprintf(what, sizeof what, "madvise %d not aligned", all[i]);
        TRY(what, SYS_madvise, hole + 1, GUEST_PAGE, all[i]);
        snprintf(what, sizeof what, "madvise %d of nothing", all[i]);
        TRY(what, SYS_madvise, hole, 0, all[i]);
        snprintf(what, sizeof what, "madvise %d of everything", all[i]);
        TRY(what, SYS_madvise, hole, HUGE_LEN, all[i]);
        snprintf(what, sizeof what, "madvise %d high", all[i]);
        TRY(what, SYS_madvise, HIGH, GUEST_PAGE, all[i]);
    }
    TRY("populate what cannot be written", SYS_madvise, hole + 3 * GUEST_PAGE, GUEST_PAGE, 23);
    MAP("a mapping past the end", 0, GUEST_PAGE, PROT_READ, MAP_SHARED, file, 16 * GUEST_PAGE);
    char *past = mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED, file, (off_t)(16 * GUEST_PAGE));
    TRY("populate past the end", SYS_madvise, past, GUEST_PAGE, 22);
    TRY("willneed past the end", SYS_madvise, past, GUEST_PAGE, 3);
    munmap(past, GUEST_PAGE);
    mprotect(shared, GUEST_PAGE, PROT_READ);
    TRY("remove of what can be read now", SYS_madvise, shared, GUEST_PAGE, 9);
    mprotect(shared, GUEST_PAGE, PROT_READ | PROT_WRITE);
}

static void
remaps(void)
{
    unsigned char *from = hole + 4 * GUEST_PAGE;

    TRY("mremap not aligned", SYS_mremap, from + 1, GUEST_PAGE, GUEST_PAGE, 0);
    TRY("mremap to nothing", SYS_mremap, from, GUEST_PAGE, 0, 0);
    TRY("mremap to everything", SYS_mremap, from, GUEST_PAGE, HUGE_LEN, MREMAP_MAYMOVE);
    TRY("mremap from everything", SYS_mremap, from, HUGE_LEN, GUEST_PAGE, MREMAP_MAYMOVE);
    TRY("mremap of a hole", SYS_mremap, hole + 2 * GUEST_PAGE, GUEST_PAGE, 2 * GUEST_PAGE,
        MREMAP_MAYMOVE);
    TRY("mremap over a hole", SYS_mremap, hole + GUEST_PAGE, 2 * GUEST_PAGE, 3 * GUEST_PAGE,
        MREMAP_MAYMOVE);
    TRY("mremap unknown flag", SYS_mremap, from, GUEST_PAGE, GUEST_PAGE, 8);
    TRY("mremap high flag", SYS_mremap, from, GUEST_PAGE, GUEST_PAGE, 1ul << 40);
    TRY("mremap fixed alone", SYS_mremap, from, GUEST_PAGE, GUEST_PAGE, MREMAP_FIXED, NOWHERE);
    TRY("mremap fixed, not aligned", SYS_mremap, from, GUEST_PAGE, GUEST_PAGE,
        MREMAP_FIXED | MREMAP_MAYMOVE, 5);
    TRY("mremap fixed, high", SYS_mremap, from, GUEST_PAGE, GUEST_PAGE,
        MREMAP_FIXED | MREMAP_MAYMOVE, HIGH);
    TRY("mremap fixed, itself", SYS_mremap, from, GUEST_PAGE, GUEST_PAGE,
        MREMAP_FIXED | MREMAP_MAYMOVE, from);
    TRY("mremap private, from nothing", SYS_mremap, from, 0, GUEST_PAGE, MREMAP_MAYMOVE);
    TRY("mremap shared, from nothing, may not move", SYS_mremap, shared, 0, GUEST_PAGE, 0);
    TRY("mremap keep, other length", SYS_mremap, from, GUEST_PAGE, 2 * GUEST_PAGE,
        MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    TRY("mremap keep, may not move", SYS_mremap, from, GUEST_PAGE, GUEST_PAGE, MREMAP_DONTUNMAP);
    TRY("mremap no room", SYS_mremap, hole, GUEST_PAGE, 8 * GUEST_PAGE, 0);
    TRY("mremap of 0", SYS_mremap, 0, GUEST_PAGE, GUEST_PAGE, 0);
    TRY("mremap high", SYS_mremap, HIGH, GUEST_PAGE, GUEST_PAGE, 0);
}

static void
residents(void)
{
    unsigned char vec[16];

    TRY("mincore not aligned", SYS_mincore, hole + 1, GUEST_PAGE, vec);
    TRY("mincore of nothing", SYS_mincore, hole, 0, vec);
    TRY("mincore of nothing, nowhere", SYS_mincore, hole, 0, NOWHERE);
    TRY("mincore of everything", SYS_mincore, hole, HUGE_LEN, vec);
    TRY("mincore of half", SYS_mincore, hole, HALF, vec);
    TRY("mincore of a hole", SYS_mincore, hole + 2 * GUEST_PAGE, GUEST_PAGE, vec);
    TRY("mincore to nowhere", SYS_mincore, hole, GUEST_PAGE, NOWHERE);
    TRY("mincore to nobody's", SYS_mincore, hole, GUEST_PAGE, HIGH);
    TRY("mincore of a hole to nowhere", SYS_mincore, hole + 2 * GUEST_PAGE, GUEST_PAGE, NOWHERE);
    TRY("mincore high", SYS_mincore, HIGH, GUEST_PAGE, vec);
    TRY("msync not aligned", SYS_msync, shared + 1, GUEST_PAGE, MS_SYNC);
    TRY("msync of nothing", SYS_msync, shared, 0, MS_SYNC);
    TRY("msync of everything", SYS_msync, shared, HUGE_LEN, MS_SYNC);
    TRY("msync of both kinds", SYS_msync, shared, GUEST_PAGE, MS_SYNC | MS_ASYNC);
    TRY("msync of no kind", SYS_msync, shared, GUEST_PAGE, 0);
    TRY("msync unknown", SYS_msync, shared, GUEST_PAGE, 8);
    TRY("msync over a hole", SYS_msync, hole + GUEST_PAGE, 2 * GUEST_PAGE, MS_SYNC);
    TRY("msync async over a hole", SYS_msync, hole + GUEST_PAGE, 2 * GUEST_PAGE, MS_ASYNC);
    TRY("msync high", SYS_msync, HIGH, GUEST_PAGE, MS_SYNC);
    TRY("msync private", SYS_msync, hole, GUEST_PAGE, MS_SYNC | MS_INVALIDATE);
}

static void
keeps(void)
{
    TRY("mlock of nothing", SYS_mlock, hole, 0);
    TRY("mlock over a hole", SYS_mlock, hole + GUEST_PAGE, 2 * GUEST_PAGE);
    TRY("mlock of a hole", SYS_mlock, hole + 2 * GUEST_PAGE, GUEST_PAGE);
    TRY("mlock not aligned", SYS_mlock, hole + 5, 10);
    TRY("mlock high", SYS_mlock, HIGH, GUEST_PAGE);
    TRY("mlock2 unknown", SYS_mlock2, hole, GUEST_PAGE, 2);
    TRY("mlock2 on fault", SYS_mlock2, hole, GUEST_PAGE, 1);
    TRY("mlock2 of a hole, unknown", SYS_mlock2, hole + 2 * GUEST_PAGE, GUEST_PAGE, 2);
    TRY("munlock of a hole", SYS_munlock, hole + 2 * GUEST_PAGE, GUEST_PAGE);
    TRY("munlock high", SYS_munlock, HIGH, GUEST_PAGE);
    TRY("munlock", SYS_munlock, hole, 2 * GUEST_PAGE);
    TRY("dontneed of locked", SYS_madvise, hole, GUEST_PAGE, MADV_DONTNEED);
    TRY("mlockall of nothing", SYS_mlockall, 0);
    TRY("mlockall on fault alone", SYS_mlockall, 4);
    TRY("mlockall unknown", SYS_mlockall, 8 | 1);
    TRY("munlockall", SYS_munlockall);
}

static void
segments(void)
{
    int id = shmget(IPC_PRIVATE, 2 * GUEST_PAGE, IPC_CREAT | 0600);
    key_t key = (key_t)0x70670000 + getpid() % 0x10000;
    struct shmid_ds ds;

    TRY("shmget of nothing", SYS_shmget, IPC_PRIVATE, 0, IPC_CREAT | 0600);
    TRY("shmget of everything", SYS_shmget, IPC_PRIVATE, HUGE_LEN, IPC_CREAT | 0600);
    TRY("shmget of half", SYS_shmget, IPC_PRIVATE, HALF, IPC_CREAT | 0600);
    TRY("shmget, there is none", SYS_shmget, key, GUEST_PAGE, 0600);
    int known = shmget(key, GUEST_PAGE, IPC_CREAT | 0600);
    TRY("shmget, there is one", SYS_shmget, key, GUEST_PAGE, IPC_CREAT | IPC_EXCL | 0600);
    TRY("shmget, too large", SYS_shmget, key, 2 * GUEST_PAGE, 0600);
    TRY("shmget, any size", SYS_shmget, key, 0, 0600);
    TRY("shmget, exclusively, not made", SYS_shmget, key, 0, IPC_EXCL | 0600);
    TRY("shmat of none", SYS_shmat, -1, 0, 0);
    TRY("shmat not aligned", SYS_shmat, id, hole + 8, 0);
    TRY("shmat on something", SYS_shmat, id, hole, 0);
    TRY("shmat high", SYS_shmat, id, HIGH, 0);
    TRY("shmat over nothing", SYS_shmat, id, 0, SHM_REMAP);
    TRY("shmdt of nothing", SYS_shmdt, 0);
    TRY("shmdt of another's", SYS_shmdt, hole);
    TRY("shmdt high", SYS_shmdt, HIGH);
    TRY("shmctl unknown", SYS_shmctl, id, 77, 0);
    TRY("shmctl to nowhere", SYS_shmctl, id, IPC_STAT, NOWHERE);
    TRY("shmctl from nowhere", SYS_shmctl, id, IPC_SET, NOWHERE);
    TRY("shmctl of none", SYS_shmctl, -1, IPC_STAT, &ds);
    TRY("shmctl remove", SYS_shmctl, id, IPC_RMID, 0);
    TRY("shmctl remove again", SYS_shmctl, id, IPC_RMID, 0);
    TRY("shmat of a removed", SYS_shmat, id, 0, 0);
    GUEST_CHECK(shmctl(known, IPC_RMID, NULL) == 0);
}

static void
memories(void)
{
    static char longest[400];
    int sealed = (int)syscall(SYS_memfd_create, "x", MFD_ALLOW_SEALING);

    memset(longest, 'n', sizeof longest - 1);
    TRY("memfd unknown flag", SYS_memfd_create, "x", 0x1000);
    TRY("memfd from nowhere", SYS_memfd_create, NOWHERE, 0);
    TRY("memfd long name", SYS_memfd_create, longest, 0);
    TRY("memfd long name that fits", SYS_memfd_create, longest + 400 - 250, 0);
    TRY("memfd name too long by one", SYS_memfd_create, longest + 400 - 251, 0);
    TRY("memfd both kinds of exec", SYS_memfd_create, "x", 8 | 16);
    TRY("seal what cannot be", SYS_fcntl, memory, F_ADD_SEALS, F_SEAL_GROW);
    TRY("seals of a file", SYS_fcntl, file, F_GET_SEALS);
    TRY("seal a pipe", SYS_fcntl, pipes[0], F_ADD_SEALS, 0);
    TRY("seal unknown", SYS_fcntl, sealed, F_ADD_SEALS, 1 << 12);
    GUEST_CHECK(ftruncate(sealed, 8192) == 0);
    char *at = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, sealed, 0);
    TRY("seal writes of a mapped one", SYS_fcntl, sealed, F_ADD_SEALS, F_SEAL_WRITE);
    munmap(at, GUEST_PAGE);
    at = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, sealed, 0);
    TRY("seal writes of a privately mapped one", SYS_fcntl, sealed, F_ADD_SEALS, F_SEAL_WRITE);
    TRY("write to it", SYS_write, sealed, longest, 10);
    TRY("write nothing to it", SYS_write, sealed, longest, 0);
    TRY("punch it", SYS_fallocate, sealed, 3, 0l, 4096l);
    TRY("shrink it", SYS_ftruncate, sealed, 100);
    TRY("grow it", SYS_ftruncate, sealed, 10000);
    TRY("seal shrinking", SYS_fcntl, sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    TRY("shrink it", SYS_ftruncate, sealed, 10);
    TRY("grow it", SYS_ftruncate, sealed, 100000);
    TRY("same length", SYS_ftruncate, sealed, 10000);
    TRY("map it for writing", SYS_mmap, 0, GUEST_PAGE, PROT_WRITE, MAP_SHARED, sealed, 0);
    TRY("seal seals", SYS_fcntl, sealed, F_ADD_SEALS, F_SEAL_SEAL);
    TRY("seal more", SYS_fcntl, sealed, F_ADD_SEALS, 0);
    munmap(at, GUEST_PAGE);
    close(sealed);
    TRY("truncate to less than nothing", SYS_ftruncate, memory, -1l);
    TRY("truncate a pipe", SYS_ftruncate, pipes[1], 0);
    TRY("truncate what cannot be written", SYS_ftruncate, readonly, 0);
    TRY("allocate nothing", SYS_fallocate, memory, 0, 0l, 0l);
    TRY("allocate backwards", SYS_fallocate, memory, 0, -1l, 10);
    TRY("allocate beyond all", SYS_fallocate, memory, 0, 0x7ffffffffffff000ul, 0x2000);
    TRY("punch and grow", SYS_fallocate, memory, 2, 0l, 4096l);
    TRY("read from nowhere", SYS_read, memory, NOWHERE, 10);
    TRY("seek before the start", SYS_lseek, memory, -1l, SEEK_SET);
    TRY("seek unknown", SYS_lseek, memory, 0, 9);
    TRY("seek data in nothing", SYS_lseek, memory, 0, SEEK_DATA);
    TRY("pread backwards", SYS_pread64, memory, longest, 1, -1l);
    TRY("pwrite beyond all", SYS_pwrite64, memory, longest, 10, 0x7ffffffffffffffbul);
}

#define FUTEX(what, ...) TRY(what, SYS_futex, __VA_ARGS__)

static void
waits(void)
{
    static uint32_t word, other;
    const struct timespec negative = {-1, 0}, much = {0, 1000000000}, soon = {0, 1000};
    char *odd = (char *)&word + 1;

    FUTEX("wait elsewhere", &word, FUTEX_WAIT, 1, NULL);
    FUTEX("wait not aligned", odd, FUTEX_WAIT, 0, NULL);
    FUTEX("wake not aligned", odd, FUTEX_WAKE, 1);
    FUTEX("wait nowhere", NOWHERE, FUTEX_WAIT, 0, &soon);
    FUTEX("wait nowhere, private", NOWHERE, FUTEX_WAIT_PRIVATE, 0, &soon);
    FUTEX("wait high", HIGH, FUTEX_WAIT_PRIVATE, 0, &soon);
    FUTEX("wake nowhere", NOWHERE, FUTEX_WAKE, 1);
    FUTEX("wake nowhere, private", NOWHERE, FUTEX_WAKE_PRIVATE, 1);
    FUTEX("wake in a hole", hole + 2 * GUEST_PAGE, FUTEX_WAKE, 1);
    FUTEX("wake high", HIGH, FUTEX_WAKE, 1);
    FUTEX("wake high, private", HIGH, FUTEX_WAKE_PRIVATE, 1);
    FUTEX("wake where nothing can be written", hole + 3 * GUEST_PAGE, FUTEX_WAKE, 1);
    FUTEX("wait, negative time", &word, FUTEX_WAIT, 0, &negative);
    FUTEX("wait, too many ns", &word, FUTEX_WAIT, 0, &much);
    FUTEX("wait, time from nowhere", &word, FUTEX_WAIT, 1, NOWHERE);
    FUTEX("wait, time is up", &word, FUTEX_WAIT, 0, &soon);
    FUTEX("wait for no bits", &word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0);
    FUTEX("wake for no bits", &word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0);
    FUTEX("wait by the clock", &word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, NULL);
    FUTEX("wake by the clock", &word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL);
    FUTEX("unknown", &word, 77, 0, NULL);
    FUTEX("unknown, not aligned", odd, 77, 0, NULL);
    FUTEX("fd", &word, 2, 0, NULL);
    FUTEX("requeue a negative number", &word, FUTEX_REQUEUE, -1, 1, &other);
    FUTEX("requeue by a negative number", &word, FUTEX_REQUEUE, 1, -1l, &other);
    FUTEX("requeue to nowhere", &word, FUTEX_REQUEUE, 1, 1, NOWHERE);
    FUTEX("requeue to nowhere, private", &word, FUTEX_REQUEUE_PRIVATE, 1, 1, NOWHERE);
    FUTEX("requeue from nowhere, private", NOWHERE, FUTEX_REQUEUE_PRIVATE, 1, 1, &word);
    FUTEX("requeue not aligned", &word, FUTEX_REQUEUE, 1, 1, odd);
    FUTEX("requeue, other value", &word, FUTEX_CMP_REQUEUE, 1, 1, &other, 7);
    FUTEX("requeue from nowhere, compared", NOWHERE, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &other, 7);
    FUTEX("wake and unknown op", &word, FUTEX_WAKE_OP, 1, 1, &other, 7u << 28);
    FUTEX("wake and unknown comparison", &word, FUTEX_WAKE_OP, 1, 1, &other, 9u << 24);
    FUTEX("wake and op nowhere", &word, FUTEX_WAKE_OP, 1, 1, NOWHERE, 0);
    FUTEX("wake and op not aligned", &word, FUTEX_WAKE_OP, 1, 1, odd, 0);
    FUTEX("wake and op, read only", &word, FUTEX_WAKE_OP, 1, 1, hole + 3 * GUEST_PAGE, 0);
    TRY("robust list of another length", SYS_set_robust_list, &word, 23);
    TRY("robust list of nobody", SYS_get_robust_list, 99999999, &word, &other);
    TRY("robust list to nowhere", SYS_get_robust_list, 0, NOWHERE, NOWHERE);
}

/* A child that was made after all ends at once. */
static void
clone_flags(const char *what, unsigned long flags, void *stack)
{
    fflush(stdout);
    long pid = syscall(SYS_clone, flags, stack, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    say(what, pid);
    if (pid > 0)
        GUEST_CHECK(waitpid((pid_t)pid, NULL, __WALL) == pid);
}

static void
clones(void)
{
    unsigned long args[11] = {0};

    clone_flags("clone sharing handlers alone", CLONE_SIGHAND | SIGCHLD, NULL);
    clone_flags("clone a thread alone", CLONE_THREAD | SIGCHLD, NULL);
    clone_flags("clone a thread without memory", CLONE_THREAD | CLONE_SIGHAND, NULL);
    clone_flags("clone without signal", 0, NULL);
    clone_flags("clone with signal 200", 200, NULL);
    TRY("clone3 short", SYS_clone3, args, 63);
    TRY("clone3 of nothing", SYS_clone3, args, 0);
    TRY("clone3 long", SYS_clone3, args, 8192);
    TRY("clone3 nowhere", SYS_clone3, NOWHERE, 64);
    args[4] = 65;
    TRY("clone3 with signal 65", SYS_clone3, args, 64);
    args[4] = SIGCHLD;
    args[0] = 1;
    TRY("clone3 with the signal in the flags", SYS_clone3, args, 64);
    args[0] = CLONE_DETACHED;
    TRY("clone3 detached", SYS_clone3, args, 64);
    args[0] = 0;
    args[5] = 4096;
    TRY("clone3 with a stack without length", SYS_clone3, args, 64);
    args[5] = 0;
    args[6] = 4096;
    TRY("clone3 with a length without stack", SYS_clone3, args, 64);
    args[6] = 0;
    args[0] = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    TRY("clone3 a thread with a signal", SYS_clone3, args, 64);
}

static void
vectors(void)
{
    static char byte;
    struct iovec bad[2] = {{&byte, 1}, {&byte, HUGE_LEN}};
    struct iovec none[1] = {{(void *)NOWHERE, 0}};

    TRY("readv with a negative length", SYS_readv, file, bad, 2);
    TRY("writev of nothing", SYS_writev, file, none, 0);
    TRY("writev of nothing of no descriptor", SYS_writev, -1, none, 0);
    TRY("writev of empty", SYS_writev, file, none, 1);
    TRY("writev of too many", SYS_writev, file, none, 1025);
    TRY("writev of a negative number", SYS_writev, file, none, -1l);
    TRY("writev from nowhere", SYS_writev, file, NOWHERE, 1);
    TRY("read to nowhere", SYS_read, file, NOWHERE, 10);
    TRY("read nothing to nowhere", SYS_read, file, NOWHERE, 0);
    TRY("read of a directory", SYS_read, directory, &byte, 1);
    TRY("write from nowhere", SYS_write, file, NOWHERE, 10);
    TRY("write nothing from nowhere", SYS_write, file, NOWHERE, 0);
    TRY("write to a read-only", SYS_write, readonly, &byte, 1);
    TRY("read of a write-only", SYS_read, writeonly, &byte, 1);
    TRY("pipe to nowhere", SYS_pipe2, NOWHERE, 0);
    TRY("pipe with unknown flags", SYS_pipe2, NOWHERE, 0xff);
    TRY("dup3 to itself", SYS_dup3, file, file, 0);
    TRY("dup3 with unknown flags", SYS_dup3, file, 50, 5);
    TRY("dup3 to a negative", SYS_dup3, file, -1, 0);
    TRY("execve of a directory", SYS_execve, "/", NULL, NULL);
    TRY("execve of what cannot be run", SYS_execve, name, NULL, NULL);
    TRY("execve of nothing", SYS_execve, "", NULL, NULL);
    TRY("execve nowhere", SYS_execve, NOWHERE, NULL, NULL);
    GUEST_CHECK(fchmod(file, 0700) == 0 && ftruncate(file, 0) == 0);
    close(file);
    close(writeonly);
    TRY("execve of an empty file", SYS_execve, name, NULL, NULL);
}

int
main(void)
{
    prepare();
    mmaps();
    unmaps();
    protects();
    advices();
    remaps();
    residents();
    keeps();
    segments();
    memories();
    waits();
    clones();
    vectors();
    unlink(name);
    return 0;
}
