/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that processes share without a file: anonymous mappings over fork, /dev/zero, memfd with
 * its seals, names in /dev/shm, System V segments.  It prints what it finds, so that machines can
 * be compared.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOTH (PROT_READ | PROT_WRITE)

static const char *
outcome(int failed)
{
    if (!failed)
        return "done";
    switch (errno) {
    case EPERM:
        return "EPERM";
    case EBUSY:
        return "EBUSY";
    case EINVAL:
        return "EINVAL";
    case EEXIST:
        return "EEXIST";
    case ENOENT:
        return "ENOENT";
    case EACCES:
        return "EACCES";
    case ENXIO:
        return "ENXIO";
    default:
        return strerror(errno);
    }
}

/* A ring of slots: one process fills it, another one empties it. */
struct ring {
    volatile uint32_t head, tail;
    volatile uint64_t slots[4000];
};

static uint64_t
consume(struct ring *ring, unsigned n)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < n; i++) {
        while (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == ring->tail)
            sched_yield();
        sum = guest_sum(sum, ring->slots[ring->tail % 4000]);
        __atomic_store_n(&ring->tail, ring->tail + 1, __ATOMIC_RELEASE);
    }
    return sum;
}

static void
produce(struct ring *ring, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        while (ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == 4000)
            sched_yield();
        ring->slots[ring->head % 4000] = guest_value(9, i);
        __atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
    }
}

static void
run_ring(const char *what, struct ring *ring)
{
    int status;
    pid_t pid = fork();

    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        produce(ring, 20000);
        _exit(0);
    }
    uint64_t sum = consume(ring, 20000);
    GUEST_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("%s: %016llx\n", what, (unsigned long long)sum);
}

static void
anonymous(void)
{
    struct ring *ring = mmap(NULL, sizeof *ring, BOTH, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int zero = open("/dev/zero", O_RDWR);
    int *map = mmap(NULL, GUEST_PAGE, BOTH, MAP_SHARED, zero, 0);
    int *own = mmap(NULL, GUEST_PAGE, BOTH, MAP_PRIVATE, zero, 0);

    GUEST_CHECK(ring != MAP_FAILED && map != MAP_FAILED && own != MAP_FAILED);
    run_ring("anonymous", ring);
    close(zero);
    GUEST_CHECK(*map == 0 && *own == 0);
    pid_t pid = fork();
    if (pid == 0) {
        *map = 7;
        *own = 8;
        _exit(0);
    }
    GUEST_CHECK(waitpid(pid, NULL, 0) == pid);
    printf("zero: shared %d, private %d\n", *map, *own);
}

static void
memory_files(void)
{
    int fd = memfd_create("test", MFD_ALLOW_SEALING);
    char text[32] = "";
    struct stat st;

    GUEST_CHECK(fd >= 0);
    GUEST_CHECK(write(fd, "hello, memory", 13) == 13 && lseek(fd, 7, SEEK_SET) == 7);
    GUEST_CHECK(read(fd, text, sizeof text) == 6 && fstat(fd, &st) == 0);
    printf("memfd: %s, %ld bytes, regular %d, links %ld\n", text, (long)st.st_size,
        S_ISREG(st.st_mode), (long)st.st_nlink);
    GUEST_CHECK(ftruncate(fd, 64 * (off_t)GUEST_PAGE) == 0);
    char *map = mmap(NULL, 64 * GUEST_PAGE, BOTH, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, 64 * GUEST_PAGE, BOTH, MAP_PRIVATE, fd, 0);
    GUEST_CHECK(map != MAP_FAILED && own != MAP_FAILED);
    for (unsigned i = 0; i < 64; i++)
        map[i * GUEST_PAGE + 5] = (char)i;
    own[5] = 100;
    own[GUEST_PAGE + 5] = 101;
    map[2 * GUEST_PAGE + 5] = 102;
    GUEST_CHECK(pread(fd, text, 1, 2 * (off_t)GUEST_PAGE + 5) == 1);
    printf("memfd: %d %d %d %d %d\n", map[5], own[5], own[GUEST_PAGE + 5], own[2 * GUEST_PAGE + 5],
        text[0]);
    unsigned sum = 0;
    for (unsigned i = 0; i < 64; i++)
        sum += (unsigned)own[i * GUEST_PAGE + 5];
    printf("memfd: sum %u, sealing %s", sum, outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0));
    munmap(map, 64 * GUEST_PAGE);
    munmap(own, 64 * GUEST_PAGE);
    printf(", %s", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0));
    printf(", shrink %s", outcome(ftruncate(fd, 0) < 0));
    printf(", grow %s", outcome(ftruncate(fd, 65 * (off_t)GUEST_PAGE) < 0));
    printf(", %s", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) < 0));
    printf(", write %s", outcome(write(fd, "x", 1) < 0));
    printf(", map %s", outcome(mmap(NULL, GUEST_PAGE, BOTH, MAP_SHARED, fd, 0) == MAP_FAILED));
    printf(", more %s", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) < 0));
    printf(", seals %x\n", (unsigned)fcntl(fd, F_GET_SEALS));
    close(fd);
}

static void
names(void)
{
    char name[64];
    int created;

    snprintf(name, sizeof name, "/pgw-shmem-%d", (int)getpid());
    shm_unlink(name);
    printf("shm: missing %s", outcome(shm_open(name, O_RDWR, 0) < 0));
    created = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    GUEST_CHECK(created >= 0);
    printf(", again %s", outcome(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600) < 0));
    GUEST_CHECK(ftruncate(created, sizeof(struct ring)) == 0);
    int other = shm_open(name, O_RDONLY, 0);
    GUEST_CHECK(other >= 0);
    printf(", write by reader %s\n",
        outcome(mmap(NULL, GUEST_PAGE, BOTH, MAP_SHARED, other, 0) == MAP_FAILED));
    struct ring *ring = mmap(NULL, sizeof *ring, BOTH, MAP_SHARED, created, 0);
    const struct ring *seen = mmap(NULL, sizeof *ring, PROT_READ, MAP_SHARED, other, 0);
    GUEST_CHECK(ring != MAP_FAILED && seen != MAP_FAILED);
    run_ring("shm", ring);
    struct stat st;
    GUEST_CHECK(fstat(other, &st) == 0);
    printf("shm: head %u, size %ld, mode %o, unlink %s", seen->head, (long)st.st_size,
        (unsigned)st.st_mode, outcome(shm_unlink(name) < 0));
    printf(", again %s", outcome(shm_unlink(name) < 0));
    printf(", still %u\n", ring->tail);
    close(created);
    close(other);
}

static void
segments(void)
{
    struct shmid_ds ds;
    int id = shmget(IPC_PRIVATE, sizeof(struct ring), IPC_CREAT | 0600);

    GUEST_CHECK(id >= 0);
    struct ring *ring = shmat(id, NULL, 0);
    const struct ring *seen = shmat(id, NULL, SHM_RDONLY);
    GUEST_CHECK(ring != (void *)-1 && seen != (void *)-1);
    run_ring("segment", ring);
    GUEST_CHECK(shmctl(id, IPC_STAT, &ds) == 0);
    printf("segment: attached %lu, size %lu, head %u", (unsigned long)ds.shm_nattch,
        (unsigned long)ds.shm_segsz, seen->head);
    GUEST_CHECK(shmdt(seen) == 0);
    printf(", again %s", outcome(shmdt(seen) < 0));
    GUEST_CHECK(shmctl(id, IPC_RMID, NULL) == 0 && shmctl(id, IPC_STAT, &ds) == 0);
    printf(", attached %lu, destroyed %d, tail %u", (unsigned long)ds.shm_nattch,
        (ds.shm_perm.mode & 01000) != 0, ring->tail);
    GUEST_CHECK(shmdt(ring) == 0);
    printf(", gone %s\n", outcome(shmctl(id, IPC_STAT, &ds) < 0));
    printf("segment: none %s", outcome(shmget(0x70677777, 100, 0600) < 0));
    printf(", empty %s\n", outcome(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600) < 0));
}

int
main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    anonymous();
    memory_files();
    names();
    segments();
    return 0;
}
