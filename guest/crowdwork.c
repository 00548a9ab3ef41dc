/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that work on much memory together: a parallel merge sort, a matrix product handed out by
 * an atomic counter, and blocks from malloc that are filled by one thread, checked and freed by
 * another, while a process forked meanwhile keeps the memory as it was.  On little RAM every
 * thread's pages are taken away while others use theirs.
 *
 *      crowdwork [kilowords [threads]]
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define STACK ((size_t)128 << 10)
#define THREADS_MAX 16
#define SIDE 96

static uint64_t words, nthreads;
static uint32_t *data, *spare;
static pthread_attr_t attr;

/* --- sort --- */

struct piece {
    uint64_t start, len;
    unsigned depth;
};

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void
merge(uint64_t start, uint64_t left, uint64_t len)
{
    uint64_t a = start, b = start + left, out = start;
    while (a < start + left && b < start + len)
        spare[out++] = data[a] <= data[b] ? data[a++] : data[b++];
    while (a < start + left)
        spare[out++] = data[a++];
    while (b < start + len)
        spare[out++] = data[b++];
    memcpy(&data[start], &spare[start], len * sizeof *data);
}

static void *
run_sort(void *arg)
{
    const struct piece *piece = arg;
    if (piece->depth == 0) {
        qsort(&data[piece->start], piece->len, sizeof *data, compare);
        return NULL;
    }
    uint64_t half = piece->len / 2;
    struct piece left = {piece->start, half, piece->depth - 1};
    struct piece right = {piece->start + half, piece->len - half, piece->depth - 1};
    pthread_t other;
    GUEST_CHECK(pthread_create(&other, &attr, run_sort, &right) == 0);
    run_sort(&left);
    pthread_join(other, NULL);
    merge(piece->start, half, piece->len);
    return NULL;
}

static void
test_sort(void)
{
    struct piece all = {0, words, 3};
    uint64_t sum = 0, wrong = 0;
    for (uint64_t i = 0; i < words; i++)
        data[i] = (uint32_t)guest_value(1, i);
    run_sort(&all);
    for (uint64_t i = 0; i < words; i++) {
        wrong += i > 0 && data[i - 1] > data[i];
        sum = guest_sum(sum, data[i]);
    }
    printf("sort: %llu out of order, sum %016llx\n", (unsigned long long)wrong,
        (unsigned long long)sum);
}

/* --- matrix --- */

static double m[3][SIDE][SIDE];
static atomic_int row;

static void *
run_rows(void *arg)
{
    int i;
    (void)arg;
    while ((i = atomic_fetch_add(&row, 1)) < SIDE)
        for (int j = 0; j < SIDE; j++)
            for (int k = 0; k < SIDE; k++)
                m[2][i][j] += m[0][i][k] * m[1][k][j];
    return NULL;
}

static void
together(void *(*run)(void *arg))
{
    pthread_t threads[THREADS_MAX];
    for (uintptr_t i = 0; i < nthreads; i++)
        GUEST_CHECK(pthread_create(&threads[i], &attr, run, (void *)i) == 0);
    for (uint64_t i = 0; i < nthreads; i++)
        GUEST_CHECK(pthread_join(threads[i], NULL) == 0);
}

static void
test_matrix(void)
{
    double trace = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            m[0][i][j] = (double)((i * 7 + j * 3) % 11);
            m[1][i][j] = (double)((i * 5 + j) % 13) / 4;
        }
    together(run_rows);
    for (int i = 0; i < SIDE; i++)
        trace += m[2][i][i];
    printf("matrix: trace %.2f\n", trace);
}

/* --- blocks --- */

#define SLOTS 64
#define BLOCKS 600
static struct block {
    uint64_t seed, len;
    unsigned char bytes[];
} * slots[SLOTS];
static pthread_mutex_t slot_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_ulong checked, bad, made;

static void
check_and_free(struct block *block)
{
    for (uint64_t i = 0; i < block->len; i++)
        if (block->bytes[i] != (unsigned char)(block->seed + i))
            atomic_fetch_add(&bad, 1);
    atomic_fetch_add(&checked, 1);
    free(block);
}

static struct block *
make_block(uint64_t *seed)
{
    uint64_t r = guest_rand(seed), len = 16 + r % (r >> 40 & 7 ? 600 : 40000);
    struct block *block = malloc(sizeof *block + len);
    GUEST_CHECK(block != NULL);
    block->seed = r >> 8;
    block->len = len;
    for (uint64_t i = 0; i < len; i++)
        block->bytes[i] = (unsigned char)(block->seed + i);
    atomic_fetch_add(&made, 1);
    return block;
}

static void *
run_blocks(void *arg)
{
    uint64_t seed = (uintptr_t)arg + 77;
    for (int i = 0; i < BLOCKS; i++) {
        struct block *block = make_block(&seed);
        uint64_t slot = guest_rand(&seed) % SLOTS;
        pthread_mutex_lock(&slot_mutex);
        struct block *old = slots[slot];
        slots[slot] = block;
        pthread_mutex_unlock(&slot_mutex);
        if (old != NULL)
            check_and_free(old);
    }
    return NULL;
}

/* Keeps the memory as it was when it was made, and looks whether it does. */
static pid_t
fork_witness(int *wake)
{
    int ends[2];
    uint64_t sum = guest_sum_bytes(data, words * sizeof *data);
    char byte;
    GUEST_CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        close(ends[1]);
        GUEST_CHECK(read(ends[0], &byte, 1) == 0);
        _exit(guest_sum_bytes(data, words * sizeof *data) == sum ? 0 : 1);
    }
    close(ends[0]);
    *wake = ends[1];
    return pid;
}

static void *
run_scribble(void *arg)
{
    uint64_t mine = (uintptr_t)arg;
    for (uint64_t i = mine; i < words; i += nthreads)
        data[i] = ~data[i];
    return run_blocks(arg);
}

static void
test_blocks(void)
{
    int wake, status;
    pid_t pid = fork_witness(&wake);
    together(run_scribble);
    for (int i = 0; i < SLOTS; i++)
        if (slots[i] != NULL)
            check_and_free(slots[i]);
    close(wake);
    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    printf("blocks: %lu made, %lu checked, %lu bad\n", atomic_load(&made), atomic_load(&checked),
        atomic_load(&bad));
    printf("the child's memory: %s; ours: sum %016llx\n", status == 0 ? "as it was" : "changed",
        (unsigned long long)guest_sum_bytes(data, words * sizeof *data));
}

int
main(int argc, char **argv)
{
    words = guest_arg(argc, argv, 1, 64) << 10;
    nthreads = guest_arg(argc, argv, 2, 4);
    GUEST_CHECK(nthreads <= THREADS_MAX);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    data = malloc(words * sizeof *data);
    spare = malloc(words * sizeof *spare);
    GUEST_CHECK(data != NULL && spare != NULL);
    test_sort();
    test_matrix();
    test_blocks();
    return 0;
}
